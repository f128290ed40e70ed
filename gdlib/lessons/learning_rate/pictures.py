"""Lesson 03's film, and what its pictures are drawn from."""
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


def lemma():
    """The descent lemma on ln cosh θ, whose curvature is at most L = 1: the parabola that lies above the loss."""
    fig, ax = plots.grid(width=7.5, height=3.4)
    theta, here, slope = np.linspace(-2.6, 3, 200), 2.0, np.tanh(2.0)
    start = np.log(np.cosh(here))
    ax.plot(theta, np.log(np.cosh(theta)), color=plots.BLUE, linewidth=2.5)
    ax.plot(theta, start + slope * (theta - here) + (theta - here) ** 2 / 2, color="black", linewidth=1)
    ax.annotate("the loss, ln cosh θ", (-2.65, 0.65), color=plots.BLUE)
    ax.annotate("parabola of curvature L = 1", (0.25, 1.78))
    for lr, name, beside in [(0, "start", (12, -10)), (1, "η = 1/L", (-18, 10)), (2, "η = 2/L", (-56, -6))]:
        place = here - lr * slope, start - lr * (1 - lr / 2) * slope**2
        ax.plot(*place, "o", color="black", markersize=7)
        ax.annotate(name, place, xytext=beside, textcoords="offset points")
    ax.set(xlabel="θ", ylabel="loss", ylim=(0, 2.2))
    ax.set_title("Up to η = 2/L the parabola has come down, and the loss is below it", loc="left", fontsize=11)
    return fig


def range_test(model, theta, rng):
    """What a range test sees: 32 rows a step, the learning rate growing from 0.001 to 100 in 200 steps.

    Parameters
    ----------
    model : Model
        What is trained.
    theta : array (d,)
        Where the run begins.
    rng : Generator
        Source of the rows.

    Returns
    -------
    rates, losses, smoothed : array (k,)
        The learning rates, the batch losses and their running mean, up to the step where the loss is four times the
        first.
    """
    rates, losses, smoothed = np.geomspace(1e-3, 100, 200), [], []
    for lr in rates:
        rows = rng.choice(model.n, 32, replace=False)
        losses.append(float(model(theta, rows=rows)))
        smoothed.append(0.9 * smoothed[-1] + 0.1 * losses[-1] if smoothed else losses[-1])
        if losses[-1] > 4 * smoothed[0]:
            break
        theta = theta - lr * model.grad(theta, rows=rows)
    return rates[: len(losses)], np.array(losses), np.array(smoothed)
