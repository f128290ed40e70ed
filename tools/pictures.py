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
    draw = plots.hikers(ax, paths, height)
    step = fig.text(0.03, 0.93, "", fontsize=13, animated=True)
    fig.legend(loc="upper right", frameon=False, fontsize=12, handlelength=3)

    def frame(k):
        draw(k)
        step.set_text(f"Beale's surface, step {k}")

    return film.drawn(fig, frame, np.unique(np.geomspace(1, steps + 1, 48).astype(int)) - 1)


def main():
    FOLDER.mkdir(exist_ok=True)
    moving, still = race()
    (FOLDER / "race.gif").write_bytes(moving)
    (FOLDER / "race.png").write_bytes(still)
    print(f"pictures/race.gif: {len(moving) / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
