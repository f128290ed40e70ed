"""An explorer in a real kernel: how long a slider's move takes there, and what it leaves behind."""
import json
from statistics import median

from tests.benchmarks.measure import Row, in_kernel, spread

OPEN = """
import gc, json, math, time
import psutil
import matplotlib.pyplot as plt
from ipywidgets import FloatLogSlider, interact
from gdlib.lessons.gradients import explorers

explorer = explorers.hiker(surface="himmelblau")
explorer
"""

# The usual way, with the same picture: a new figure for every move, shown by the inline backend.
INTERACT = """
%matplotlib inline
slider = FloatLogSlider(value=0.01, min=-4, max=0, step=0.02, continuous_update=True)

def redraw(lr):
    hiker = explorers.hiker
    data, sentence = hiker.picture({**explorer.state, "lr": lr})
    hiker.update(hiker.draw(plt.figure(figsize=hiker.size, dpi=hiker.dpi), "himmelblau"), data)
    plt.show()

interact(redraw, lr=slider);
"""

MOVES = """
def seconds(widget, value):
    begin = time.perf_counter()
    widget.value = value
    return time.perf_counter() - begin

rates = [10 ** (-3 + k / 40) for k in range(44)]
times = [(seconds(explorer.widgets["lr"], lr), seconds(slider, lr)) for lr in rates]
print(json.dumps(times[4:]))
"""

MEMORY = """
def memory():
    gc.collect()
    return psutil.Process().memory_info().rss / 2**20

def move(k):
    name = ("x", "y", "lr", "steps")[k % 4]
    control, share = explorer.controls[name], (1 + math.sin(k)) / 2
    value = control.low + share * (control.high - control.low)
    explorer.widgets[name].value = int(value) if name == "steps" else value

for k in range(2000):
    if k == 50:
        before = memory()
    move(k)
print(memory() - before)
"""


def move():
    """One move of a slider, 10 × 4 inch at 100 dpi, against `interact` with `plt.show`, taken in turns."""
    ours, usual = zip(*json.loads(in_kernel(OPEN, INTERACT, MOVES)), strict=True)
    ratio = median(usual) / median(ours)
    return [
        Row("explorer: one move of a slider", spread(ours), "< 30 ms", median(ours) < 0.030),
        Row("the same picture by interact and plt.show", spread(usual)),
        Row("explorer: how many times faster", f"{ratio:.1f}×", "≥ 5×", ratio >= 5),
    ]


def memory():
    """Memory of the kernel after 2,000 moves less that after 50."""
    grown = float(in_kernel(OPEN, MEMORY))
    return [Row("explorer: memory, 2,000 moves less 50", f"{grown:+.2f} MiB", "≤ 2 MiB", grown <= 2)]
