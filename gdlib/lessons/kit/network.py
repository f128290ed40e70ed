"""The ground of a real network: its loss over the plane in which three methods walk."""
from functools import lru_cache

import numpy as np

import gdlib as gd
from gdlib.lessons.kit.explorer import Choice, Explorer, WholeSlider, mark, number
from gdlib.plots import METHOD, ground

ROWS, HIDDEN, STEPS = 200, 8, 150
RATES = {"descent": 1.0, "momentum": 0.2, "Adam": 0.05}  # good ones, for these steps
RULES = {"descent": gd.gradient_descent, "momentum": gd.momentum, "Adam": gd.adam}
TIMES = {"a quarter": 0.25, "good ones": 1.0, "four times": 4.0}
SAID = {"a quarter": "a quarter of the good rates", "good ones": "good rates",
        "four times": "four times the good rates"}  # fmt: skip
MAP_BOX = (0.06, 0.155, 0.45, 0.74)


@lru_cache(maxsize=1)
def model():
    """A network of 8 hidden units on 200 images of digits, and where it begins."""
    X, y = gd.data.load("digits")
    train, *_ = gd.data.split(y, seed=0)
    net = gd.MLP(X[train[:ROWS]], y[train[:ROWS]], hidden=(HIDDEN,))
    return net, net.init(np.random.default_rng(0))


@lru_cache(maxsize=len(TIMES))
def walks(rates):
    """The walks at these rates, seen from their plane.

    Returns
    -------
    plane : dict
        Method -> its walk on the plane, (STEPS + 1, 2), from the start at (0, 0).
    losses : dict
        Method -> its loss at each step, (STEPS + 1,).
    axes : array (2, d)
        The plane's two directions, at right angles and of length 1: the main ones of all three walks together.
    share : float
        The share of the walks' squared distances from the start that lies in the plane.
    """
    net, start = model()
    runs = {name: gd.run(net, RULES[name](lr * TIMES[rates]), start, STEPS) for name, lr in RATES.items()}
    away = np.concatenate([run.theta - start for run in runs.values()])
    _, size, axes = np.linalg.svd(away, full_matrices=False)
    axes = axes[:2] * np.sign(away[STEPS] @ axes[:2].T)[:, None]  # descent ends at the upper right
    plane = {name: (run.theta - start) @ axes.T for name, run in runs.items()}
    return plane, {name: run.loss for name, run in runs.items()}, axes, float((size[:2] ** 2).sum() / (size**2).sum())


class network(Explorer):
    """The loss of a real network over a plane, with the paths of descent, momentum and Adam in it.

    The network has 8 hidden units, 610 parameters, and learns 200 images of digits from all rows at each step. The
    plane goes through the start and contains the two main directions of the three walks. The walks leave it: what is
    drawn are their shadows on it.

    Parameters
    ----------
    rates : {"a quarter", "good ones", "four times"}
        The learning rates: good ones are 1 for descent, 0.2 for momentum and 0.05 for Adam.
    k : int
        Which step.
    """

    controls = {
        "rates": Choice("rates", "good ones", tuple(TIMES)),
        "k": WholeSlider("step k", 60, 0, STEPS),
    }
    moving = "k"

    @staticmethod
    def picture(state):
        rates, k = state["rates"], state["k"]
        plane, losses, _, share = walks(rates)
        data = {"scene": rates, "k": k}
        for name in RATES:
            data[name], data[f"{name} loss"] = plane[name][: k + 1], losses[name]
        order = sorted(RATES, key=lambda name: losses[name][k])
        said = ", ".join(f"{name} {number(losses[name][k], 2)}" for name in order)
        return data, (
            f"Step {k} at {SAID[rates]}: the losses are {said}. "
            f"The plane holds {share:.0%} of the walks' squared distances from the start; the rest leads out of it, "
            "so a ball's loss is not the ground's height below it."
        )

    @staticmethod
    def draw(fig, scene):
        land, chart = fig.add_axes(MAP_BOX), fig.add_axes((0.60, 0.155, 0.385, 0.74))
        plane, losses, axes, _ = walks(scene)
        net, start = model()
        every = np.concatenate(list(plane.values()))
        margin = 0.15 * np.ptp(every, axis=0)
        low, high = every.min(axis=0) - margin, every.max(axis=0) + margin
        xs, ys = (np.linspace(*ends, 45) for ends in zip(low, high, strict=True))
        ground(land, lambda p: np.log1p(net(start + p @ axes)), xs, ys)
        land.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
        land.set_xlabel("first main direction", fontsize=13, labelpad=2)
        land.set_ylabel("second", fontsize=13, labelpad=0)
        land.set_title("the loss over the plane of the three walks", fontsize=13)
        every = np.concatenate(list(losses.values()))
        chart.set(xlim=(0, STEPS), ylim=(0.8 * every.min(), 1.2 * every.max()), yscale="log")
        chart.set_xlabel("step", fontsize=13)
        chart.set_title("each walk's own loss", fontsize=13)
        chart.grid(axis="y", color="0.9")
        artists = {"line": chart.axvline(0, color="0.4", linewidth=1, linestyle=":")}
        for row, name in enumerate(RATES):
            colour, style = METHOD[name]
            artists[f"{name} loss"] = chart.plot([], [], color=colour, linestyle=style, linewidth=2.2)[0]
            artists[name] = land.plot([], [], color=colour, linestyle=style, linewidth=2.2)[0]
            artists[f"{name} now"] = mark(land, "now", colour)
            chart.text(0.03, 0.21 - 0.08 * row, name, color=colour, fontsize=13, transform=chart.transAxes)
        for ax in (land, chart):
            ax.tick_params(labelsize=12)
        mark(land, "start").set_data([0], [0])
        return artists

    @staticmethod
    def update(artists, data):
        artists["line"].set_xdata([data["k"]] * 2)
        for name in RATES:
            artists[name].set_data(*data[name].T)
            artists[f"{name} now"].set_data(*data[name][-1:].T)
            artists[f"{name} loss"].set_data(np.arange(STEPS + 1), data[f"{name} loss"])
