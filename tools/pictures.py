"""Draw the pictures that README shows, into pictures/.

    python -m tools.pictures     # what `make pictures` calls
"""
import numpy as np
from matplotlib.figure import Figure

import gdlib as gd
from gdlib import film, plots
from tools.notebooks import ROOT

FOLDER = ROOT / "pictures"


def race():
    """Three rules on Beale's surface, from one start: each step of each, as a film."""
    f, start, steps = gd.beale, [0.9, 1.75], 240
    rules = {"descent": gd.gradient_descent(0.004), "momentum": gd.momentum(0.002, 0.9), "Adam": gd.adam(0.06)}
    paths = {name: gd.run(f, rule, start, steps).theta for name, rule in rules.items()}

    def height(p):
        return np.sqrt(np.log1p(f(p)))  # so that the wall and the valley fit into one picture

    fig = Figure((8, 5))
    ax = fig.add_axes([-0.1, -0.2, 1.2, 1.38], projection="3d", computed_zorder=False)
    ax.set_axis_off()
    ax.set_box_aspect((1.25, 1, 0.5))
    ax.view_init(50, -118)
    plots.ground(ax, height, np.linspace(-0.5, 4.2, 130), np.linspace(-1.6, 2.1, 130))
    (lowest,) = f.minima
    ax.plot(*lowest, height(np.array(lowest)), "X", color="black", markersize=9, zorder=4)
    artists = {name: _hiker(ax, name) for name in rules}
    step = fig.text(0.03, 0.93, "", fontsize=13)
    lines = [line for _, line, _ in artists.values()]
    fig.legend(handles=lines, loc="upper right", frameon=False, fontsize=12, handlelength=3)

    def draw(k):
        for name, path in paths.items():
            x, y = path[: k + 1].T
            z = height(path[: k + 1])
            rim, line, ball = artists[name]
            rim.set_data_3d(x, y, z + 0.04)
            line.set_data_3d(x, y, z + 0.05)
            ball.set_data_3d(x[-1:], y[-1:], z[-1:] + 0.08)
        step.set_text(f"Beale's surface, step {k}")

    return film.drawn(fig, draw, np.unique(np.geomspace(1, steps + 1, 48).astype(int)) - 1)


def _hiker(ax, name):
    """A path with a white rim, so that it is seen on any ground, and the ball at its end."""
    colour, style = plots.METHOD[name]
    (rim,) = ax.plot([], [], [], color="white", linewidth=4.5, zorder=5)
    (line,) = ax.plot([], [], [], color=colour, linestyle=style, linewidth=2.6, zorder=6, label=name)
    ball = {"markersize": 11, "markeredgecolor": "white", "markeredgewidth": 1.5, "zorder": 7}
    return rim, line, ax.plot([], [], [], "o", color=colour, **ball)[0]


def main():
    FOLDER.mkdir(exist_ok=True)
    moving, still = race()
    (FOLDER / "race.gif").write_bytes(moving)
    (FOLDER / "race.png").write_bytes(still)
    print(f"pictures/race.gif: {len(moving) / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
