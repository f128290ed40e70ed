"""Lesson 05's films: each function takes what a cell computed, and gives `plots.film` its figure, draw and frames."""
import numpy as np

from gdlib import plots


def leaving(f, walks):
    """Walks over a pass, in 3-D, and their losses beside it.

    Parameters
    ----------
    f : Objective
        The pass.
    walks : dict
        Distance from the ridge at the start -> the points of the walk, (k, 2).
    """
    fig, (empty, chart) = plots.grid(2, height=4)
    empty.remove()
    fig.set_layout_engine("none")
    chart.set_position([0.64, 0.14, 0.35, 0.74])
    land = fig.add_axes([-0.09, -0.22, 0.72, 1.3], projection="3d", computed_zorder=False)
    land.set_axis_off()
    land.patch.set_visible(False)
    land.set_box_aspect((1.1, 1, 0.55))
    land.view_init(40, 205)
    plots.ground(land, f, np.linspace(-0.6, 1.1, 90), np.linspace(-0.95, 0.95, 90))
    for lowest in f.minima:
        plots.marks(land, walks[next(iter(walks))][0], lowest, f)
    raised = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
    names = {y0: "y₀ = 10" + f"{np.log10(y0):.0f}".translate(raised) for y0 in walks}
    hike = plots.hikers(land, {names[y0]: walk for y0, walk in walks.items()}, f)
    curves = []
    for (y0, walk), (colour, style, _) in zip(walks.items(), plots.CYCLE, strict=False):
        (curve,) = chart.plot([], [], linestyle=style, color=colour, linewidth=2.4, animated=True)
        curves.append((curve, loss := f(walk)))
        chart.annotate(names[y0], (np.argmax(loss < -0.12) + 6, -0.1), color=colour)
    chart.set(xlabel="step", ylabel="loss", xlim=(0, 1.1 * len(loss)), ylim=(-0.3, 0.5))
    chart.set_title("The nearer the ridge, the longer it waits", loc="left", fontsize=11)

    def draw(k):
        hike(k)
        for curve, loss in curves:
            curve.set_data(np.arange(k + 1), loss[: k + 1])

    return fig, draw, range(0, len(loss), 7)
