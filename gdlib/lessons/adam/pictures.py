"""Lesson 06's films: each function takes what a cell computed, and gives `plots.film` its figure, draw and frames."""
import numpy as np

from gdlib import plots


def race(f, paths, target):
    """Methods from one start on the ground of f, in two dimensions, and the share of the loss that each has left.

    Parameters
    ----------
    f : Objective
        Its lowest value is 0.
    paths : dict
        Method -> its points, (k, 2).
    target : float
        The share of the loss at which a method has arrived.
    """
    fig, (land, chart) = plots.grid(2, height=4.4)
    every, start = np.concatenate(list(paths.values())), next(iter(paths.values()))[0]
    (left, bottom), (right, top) = every.min(axis=0) - 0.25, every.max(axis=0) + 0.25
    plots.ground(land, f, np.linspace(left, right, 300), np.linspace(bottom, top, 300))
    plots.marks(land, start, f.minima[0])
    land.set(xlabel="θ₁", ylabel="θ₂")
    hike, curves, said = plots.hikers(land, paths), {}, []
    shares = {name: np.maximum(f(path) / f(start), target / 30) for name, path in paths.items()}
    for name, share in shares.items():
        colour, style = plots.METHOD[name]
        (curves[name],) = chart.plot([], [], color=colour, linestyle=style, linewidth=2.4, animated=True)
        said.append((int(np.argmax(np.append(share <= target, True))), name, colour))
    leaves = [name for first, name, _ in said if first < len(shares[name]) and shares[name][-1] > target]
    title = f"{min(said)[1]} arrives first" + (f"; {' and '.join(leaves)} won't stay" if leaves else "")
    for row, (first, name, colour) in enumerate(sorted(said)):
        words = f"{name}: step {first}" if first < len(share) else f"{name}: later"
        chart.text(0.5, 0.92 - 0.075 * row, words, color=colour, fontsize=12, transform=chart.transAxes)
    chart.axhline(target, color="0.4", linewidth=1)
    chart.set(xlabel="step", ylabel="share of the loss left", yscale="log", xlim=(0, len(share)), ylim=(target / 30, 3))
    chart.set_title(title[0].upper() + title[1:], loc="left", fontsize=11)
    land.set_title("One start, each method at its best rate from there", loc="left", fontsize=11)

    def draw(k):
        hike(k)
        for name, curve in curves.items():
            curve.set_data(np.arange(k + 1), shares[name][: k + 1])

    return fig, draw, np.unique(np.geomspace(1, len(share), 50).astype(int)) - 1
