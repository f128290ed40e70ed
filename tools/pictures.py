"""Draw README's film, and the picture that each lesson opens with, into pictures/.

    python -m tools.pictures     # what `make pictures` calls
"""
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

import gdlib as gd
from gdlib import film, plots
from gdlib.lessons.adam import contest
from gdlib.lessons.adam import pictures as of_adam
from gdlib.lessons.batch_sgd_minibatch import exercises as of_digits
from gdlib.lessons.batch_sgd_minibatch import pictures as of_batches
from gdlib.lessons.distributed import pictures as of_workers
from gdlib.lessons.start_here import explorers as of_the_hiker
from tools.notebooks import ROOT

FOLDER = ROOT / "pictures"


def race():
    """Three rules on Beale's surface, from one start: each step of each, as a film."""
    f, start, steps = gd.beale, [0.9, 1.75], 240
    rules = {"descent": gd.gradient_descent(0.004), "momentum": gd.momentum(0.002, 0.9), "Adam": gd.adam(0.06)}
    paths = {name: gd.run(f, rule, start, steps).theta for name, rule in rules.items()}

    def height(p):
        return np.sqrt(np.log1p(f(p)))  # so that the wall and the valley fit into one picture

    fig, draw = hike(paths, height, (-0.5, 4.2), (-1.6, 2.1), f.minima[0], view=(50, -118), size=(8, 5))
    step = fig.text(0.03, 0.93, "", fontsize=13, animated=True)

    def frame(k):
        draw(k)
        step.set_text(f"Beale's surface, step {k}")

    return fig, frame, np.unique(np.geomspace(1, steps + 1, 48).astype(int)) - 1


def hike(paths, height, xlim, ylim, lowest, view, size=(4.8, 3)):
    """Paths on 3-D ground.

    Returns
    -------
    fig : Figure
        The ground, with the start of the paths and the lowest point.
    draw : callable
        Function k -> None that shows the paths up to step k.
    """
    fig = Figure(size)
    ax = fig.add_axes([-0.1, -0.2, 1.2, 1.38], projection="3d", computed_zorder=False)
    ax.set_axis_off()
    ax.set_box_aspect((1.25, 1, 0.5))
    ax.view_init(*view)
    plots.ground(ax, height, np.linspace(*xlim, 130), np.linspace(*ylim, 130))
    plots.marks(ax, lowest=lowest, height=height)
    draw = plots.hikers(ax, paths, height)
    if len(paths) > 1:
        look = {"fontsize": 11, "handlelength": 2.2, "framealpha": 0.8, "edgecolor": "none"}
        fig.legend(loc="lower center", ncols=len(paths), **look)
    return fig, draw


def start_here():
    """Lesson 00's hiker, without the fog: twelve steps into the nearer of two valleys."""
    x = gd.run(of_the_hiker.mountain, gd.gradient_descent(4.0), [6.0], 12).theta[:, 0]
    fig = Figure((4.8, 3))
    ax = fig.add_axes([0, 0, 1, 1])
    ax.set(xlim=(0, 100), ylim=(0, 36))
    ax.set_axis_off()
    ax.fill_between(of_the_hiker.GROUND, of_the_hiker.HEIGHTS, color="#e3d9c6")
    ax.plot(of_the_hiker.GROUND, of_the_hiker.HEIGHTS, color="0.4", linewidth=2)
    path = np.stack([x, of_the_hiker.mountain(x[:, None])], axis=-1)
    return fig, plots.hikers(ax, {"descent": path}), np.repeat(np.arange(13), 2)


def gradients():
    """Lesson 01: descent across a ravine, and then along it."""
    f = gd.quadratic([1, 25], angle=0.4)
    paths = {"descent": gd.run(f, gd.gradient_descent(0.07), [-2.2, -0.2], 40).theta}
    fig, draw = hike(paths, lambda p: np.sqrt(f(p)), (-2.8, 1.6), (-1.5, 1.2), (0, 0), view=(50, -100))
    return fig, draw, range(41)


def batch_sgd_minibatch():
    """Lesson 02: two epochs over the digits, the weights of each as an image: one row a step, and all rows a step."""
    X, y = of_digits.recogniser_data(0)[0]
    model, paths = gd.SoftmaxRegression(X, y), {}
    for name, size in [("one image a step", 1), ("all images a step", model.n)]:
        oracle, steps = gd.minibatches(model, size, np.random.default_rng(0)), 2 * model.n // size
        walk = gd.run(model, gd.gradient_descent(0.5), np.zeros(650), steps, oracle=oracle)
        paths[f"{name}: {steps:,} steps"] = walk.theta
    return of_batches.weights(paths)


def learning_rate():
    """Lesson 03: three learning rates on one bowl: one creeps, one arrives, one swings."""
    f, start = gd.quadratic([1, 6]), [-2.0, 1.0]
    paths = {f"η = {lr}": gd.run(f, gd.gradient_descent(lr), start, 24).theta for lr in (0.03, 0.25, 0.32)}
    fig, draw = hike(paths, lambda p: np.sqrt(f(p)), (-2.5, 1.2), (-1.3, 1.4), (0, 0), view=(52, -105))
    return fig, draw, range(25)


def momentum():
    """Lesson 04: descent creeps along a ravine, the heavy ball rolls past the lowest point and comes back."""
    f, start = gd.quadratic([0.04, 1]), [-2.4, 1.0]
    rules = {"descent": gd.gradient_descent(1.0), "momentum": gd.momentum(0.6, 0.8)}
    paths = {name: gd.run(f, rule, start, 40).theta for name, rule in rules.items()}
    fig, draw = hike(paths, lambda p: np.sqrt(f(p)), (-2.8, 1.4), (-1.3, 1.3), (0, 0), view=(52, -105))
    return fig, draw, range(41)


def saddle_points():
    """Lesson 05: descent rolls onto a pass, waits there, and leaves it for one of two hollows."""
    f = gd.saddle
    starts = {"10⁻² beside the ridge": 1e-2, "10⁻⁶": 1e-6}
    paths = {name: gd.run(f, gd.gradient_descent(0.05), [1.0, y], 160).theta for name, y in starts.items()}
    fig, draw = hike(paths, f, (-0.6, 1.1), (-0.95, 0.95), f.minima[0], view=(42, 205))
    return fig, draw, range(0, 161, 4)


def adam():
    """Lesson 06: what momentum, at its best learning rate, learns of frequent and rare classes."""
    f, steps = contest.problem(0), contest.GRADIENTS
    batches = gd.minibatches(f, contest.BATCH, np.random.default_rng(0))
    rule = gd.momentum(gd.polynomial(3.0, steps))
    run = gd.run(f, rule, np.zeros(f.dim), steps, oracle=batches)
    fig, draw, frames = of_adam.learned(f, {"momentum": run.theta}, width=4.8, height=3)
    return fig, draw, frames[::2]


def distributed():
    """Lesson 08: four workers in a ring, whose buckets fill."""
    pieces = np.repeat([[1], [10], [100], [1000]], 4, axis=1)
    wire = of_workers.Noted(4)
    gd.distributed.ring(list(pieces), wire)
    fig, draw, frames = of_workers.buckets(pieces, wire.carried)
    return fig, draw, [*frames[::4], frames[-1]]


LESSONS = {"00_start_here": start_here, "01_gradients": gradients, "02_batch_sgd_minibatch": batch_sgd_minibatch,
           "03_learning_rate": learning_rate, "04_momentum": momentum, "05_saddle_points": saddle_points,
           "06_adam": adam, "08_distributed": distributed}  # fmt: skip


def main():
    FOLDER.mkdir(exist_ok=True)
    for name, make in {"race": race, **LESSONS}.items():
        moving, still = film.drawn(*make())
        plt.close("all")
        (FOLDER / f"{name}.gif").write_bytes(moving)
        (FOLDER / f"{name}.png").write_bytes(still)
        print(f"pictures/{name}: GIF {len(moving) / 1e3:.0f} kB, PNG {len(still) / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
