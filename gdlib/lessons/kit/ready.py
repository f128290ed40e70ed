"""Is this machine ready for the course? One line per question, with the remedy if the answer is no.

    ready.check()                        in a notebook
    python -m gdlib.lessons.kit.ready    in a terminal: asks a worker process too; exit status 1 if something is missing
"""
import importlib
import os
import sys

from gdlib import data
from gdlib.display import in_ipython, say
from gdlib.lessons.kit.notes import note

INSTALL = "`pip install -r requirements.txt` in the course's folder"
PYTHONS = (3, 11), (3, 14)
PACKAGES = {"numpy": "arrays", "matplotlib": "pictures", "ipywidgets": "sliders", "distributed": "many workers"}


def check(workers=False):
    """Print what the course needs and whether it is here, and show a slider to try.

    Parameters
    ----------
    workers : bool, optional
        Whether one worker process is started and stopped too, as in lesson 08; this takes some seconds.
    """
    answer(questions(workers))
    answer([("a notebook", None if in_ipython() else "This is plain Python: open the lesson with `make lab`.")])
    if in_ipython():
        _show_a_slider()


def answer(questions):
    """Print each question with its answer, and return how many were answered with no.

    Parameters
    ----------
    questions : iterable of (str, str or None)
        What is needed, and None if it is here or else the remedy.
    """
    missing = 0
    for question, remedy in questions:
        say(f"✓ {question}" if remedy is None else f"✗ {question}: no. {remedy}")
        missing += remedy is not None
    return missing


def questions(workers):
    """What the course needs, as pairs for `answer`; with `workers` one process is started."""
    first, last = PYTHONS
    here = sys.version_info[:2]
    yield "Python 3.11 to 3.14", None if first <= here <= last else f"This is {sys.version.split()[0]}."
    for package, use in PACKAGES.items():
        yield f"{package}, for {use}", _problem(importlib.import_module, package, remedy=INSTALL)
    for name in data.FILES:
        yield f"data/{name}.csv, every byte of it", _problem(data.load, name)
    if workers:
        yield "a worker process that starts, answers and stops", _problem(_ask_a_worker, 60)


def _problem(action, argument, remedy=""):
    """The error of action(argument), with the remedy; None if there is none."""
    try:
        action(argument)
    except Exception as error:
        return f"{error} {remedy}".strip()
    return None


def _ask_a_worker(seconds):
    """Start a worker process, ask it something, and stop it."""
    from gdlib import distributed

    with distributed.workers(Answering, n=1, timeout=seconds) as pool:
        _, process = pool.first([pool.call(0, "process")])
    if process == os.getpid():
        raise RuntimeError("the worker must be a process of its own; got this one. Start Python again.")


class Answering:
    """A worker's object that says which process it lives in."""

    def __init__(self, rank):
        self.rank = rank

    def process(self):
        return os.getpid()


def _show_a_slider():
    try:
        box = slider_to_try()
    except ImportError:
        return  # the list above says that ipywidgets is missing
    promise = "A slider appears here when you run this cell: it says that it works, and follows you when you move it."
    note("todo", [promise], widget_view={"version_major": 2, "version_minor": 0, "model_id": box.model_id})


def slider_to_try():
    """A box of a slider and a sentence, which changes as soon as the front end answers; nothing waits for that.

    The front end counts a widget's views and reports the number. The first report shows that its messages arrive.
    """
    import ipywidgets as widgets

    slider = widgets.IntSlider(value=5, min=0, max=10, description="try me")
    said = widgets.HTML("○ Waiting for the notebook to answer …")

    def answered(change):
        said.value = f"✓ sliders work: Python got {slider.value} from the notebook"

    slider._view_count = 0  # from now on the front end reports its views, in ipywidgets 7 and 8
    slider.observe(answered, ["_view_count", "value"])
    return widgets.HBox([slider, said])


if __name__ == "__main__":
    sys.exit(bool(answer(questions(workers=True))))
