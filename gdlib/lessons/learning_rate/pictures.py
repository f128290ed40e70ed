"""Lesson 03's films: each function takes what a cell computed, and gives `plots.film` its figure, draw and frames."""
import numpy as np

from gdlib import plots


def bowls(walks, curvature, fates):
    """One bowl, ½ · curvature · θ², for each rate, and the walk in it.

    Parameters
    ----------
    walks : dict
        Rate -> the points of its walk, (k,).
    curvature : float
        That of the bowl.
    fates : list of str
        What is said of each walk.
    """
    fig, axes = plots.grid(len(walks), height=3.3, sharex=True, sharey=True)
    fig.suptitle("Below 1 in size, the factor 1 − ηλ brings the walk in; above, it throws it out", fontsize=13)
    theta, artists = np.linspace(-2, 2, 200), []
    for ax, lr, fate, (colour, _, _) in zip(axes, walks, fates, plots.CYCLE, strict=False):
        ax.plot(theta, curvature / 2 * theta**2, color="0.55", linewidth=2)
        ax.set_title(f"η = {lr:.3g}\n1 − ηλ = {1 - curvature * lr:.2f}".replace("-", "−"), fontsize=12)
        ax.set_xlabel(fate, fontsize=12, color=colour)
        ax.set(xticks=[0], xticklabels=[], yticks=[], xlim=(-2, 2), ylim=(-0.5, 6))
        (trace,) = ax.plot([], [], ".-", color=colour, linewidth=1.2, animated=True)
        (ball,) = ax.plot([], [], "o", color=colour, markersize=12, markeredgecolor="white", animated=True)
        artists.append((trace, ball))

    def draw(k):
        for (trace, ball), points in zip(artists, walks.values(), strict=True):
            past = points[: k + 1]
            trace.set_data(past, curvature / 2 * past**2)
            ball.set_data(past[-1:], curvature / 2 * past[-1:] ** 2)

    return fig, draw, np.repeat(np.arange(len(next(iter(walks.values())))), 2)
