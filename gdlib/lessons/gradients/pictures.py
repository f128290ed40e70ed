"""Lesson 01's pictures: each function takes what a cell computed, and gives a figure; `secants` gives a film."""
import numpy as np
from matplotlib.patches import FancyArrowPatch

import gdlib as gd
from gdlib import plots

DESCENT, _ = plots.METHOD["descent"]


def secants(f, x, slope, h, errors, theory):
    """Zoom in on f at x, ever closer, with the secants of both differences; and each step's error beside it.

    Parameters
    ----------
    f : callable
        The hillside.
    x, slope : float
        A place, and the true slope there.
    h : ndarray
        The steps, growing.
    errors : dict
        "forward" and "central": the error at each step.
    theory : dict
        In words, what the bend costs the forward and the central difference, and what rounding costs: at each step.
    """
    fig, (near, chart) = plots.grid(2, height=4.2)
    u = np.linspace(-2.4, 2.4, 601)  # places, in steps from x
    near.plot(u, np.sign(slope) * u, color="0.8", linewidth=9, solid_capstyle="butt")
    near.set(xlim=(-2.4, 2.4), ylim=(-3, 3), xticks=[-1, 0, 1], xticklabels=["x − h", "x", "x + h"], yticks=[])
    words = {"the true slope": "0.45", "forward, x to x + h": plots.BLUE, "central, x − h to x + h": plots.VERMILLION}
    for row, (word, colour) in enumerate(words.items()):
        near.text(0.97, 0.93 - 0.08 * row, word, color=colour, fontsize=12, ha="right", transform=near.transAxes)
    (curve,) = near.plot([], [], color="black", linewidth=2, animated=True)
    (forward,) = near.plot([], [], "-", color=plots.BLUE, linewidth=2, animated=True)
    (central,) = near.plot([], [], "--", color=plots.VERMILLION, linewidth=2, animated=True)
    zoom = near.text(0.03, 0.05, "", fontsize=14, transform=near.transAxes, animated=True)
    show_errors = _errors(chart, h, errors, theory)

    def draw(step):
        def height(k):
            return (f(x + k * step) - f(x)) / (step * abs(slope))

        curve.set_data(u, height(u))
        forward.set_data(u, height(1) * u)
        central.set_data(u, (height(1) + height(-1)) / 2 + (height(1) - height(-1)) / 2 * u)
        show_errors(step)
        zoom.set_text(f"h = {step:.0e}")

    return fig, draw, [0.5, 0.35, 0.25, 0.18, 0.13, 0.09, *h[::-1]]


def _errors(ax, h, errors, theory):
    """Theory's lines on log–log axes; and a function that shows the measured errors of steps not below its own."""
    looks = [("k-", (1e-6, 2e-4)), ("k--", (4e-4, 2e-10)), ("k:", (4e-14, 1e-2))]
    for (words, line), (style, at) in zip(theory.items(), looks, strict=True):
        ax.plot(h, line, style, linewidth=1)
        ax.annotate(words, at)
    looks = {"forward": (plots.BLUE, "o", (3e-8, 5e-7)), "central": (plots.VERMILLION, "^", (3e-6, 1e-9))}
    dots = {}
    for name, (colour, shape, at) in looks.items():
        (dots[name],) = ax.plot([], [], shape, color=colour, markersize=4, animated=True)
        ax.annotate(name, at, color=colour, fontsize=12, ha="center")
    ax.set(xscale="log", yscale="log", xlabel="step h", ylabel="error of the slope")
    ax.set(xlim=(3e-16, 1), ylim=(1e-13, 1))
    ax.set_title("Right, the bend costs; left, the rounding", loc="left")

    def show(step):
        for name, artist in dots.items():
            artist.set_data(h[h >= step], np.asarray(errors[name])[h >= step])

    return show


def directions(J, place, degrees, slopes):
    """The slope in every direction, with the cosine of theory; and the gradient on the ground."""
    fig, (left, right) = plots.grid(2, height=3.9, gridspec_kw={"width_ratios": [1.25, 1]})
    gradient = J.grad(place)
    length, towards = np.linalg.norm(gradient), np.degrees(np.arctan2(*gradient[::-1]))
    left.plot(degrees, slopes, color=DESCENT, linewidth=6, alpha=0.4)
    left.plot(degrees, length * np.cos(np.radians(degrees - towards)), color="black", linewidth=1)
    left.annotate("measured", (127, -38), color=DESCENT, fontsize=12, ha="center", va="bottom")
    left.annotate("‖∇J‖ cos φ", (213, 12), fontsize=12, ha="right")
    _bare(left, xlabel="direction (degrees)", ylabel="slope", xticks=range(0, 361, 90))
    left.set_title("All round, the slope is a cosine", loc="left", fontsize=12)
    side = np.linspace(-4, 4, 300)
    plots.ground(right, lambda p: np.log1p(J(p)), side, side)
    east, north = np.meshgrid(side, side)
    right.contour(east, north, J(np.stack([east, north], axis=-1)), levels=[float(J(place))], colors="black",
                  linewidths=1.4, linestyles="--")
    unit = gradient / length
    plots.arrow(right, place, 1.3 * unit, "∇J: up", colour=plots.VERMILLION)
    plots.arrow(right, place, -1.3 * unit, "−∇J: down", colour=DESCENT, style="--")
    plots.marks(right, place)
    right.set(xlabel="θ₁", ylabel="θ₂", aspect="equal")
    right.set_title("∇J is at a right angle to the height line", loc="left", fontsize=12)
    return fig


def residuals(x, y, w):
    """Five points, a guessed parabola, and the vertical distances between them."""
    fig, ax = plots.grid(width=6.4, height=3.4)
    curve = np.linspace(0.7, 5.3, 100)
    ax.plot(curve, w[0] + w[1] * curve + w[2] * curve**2, color=DESCENT)
    ax.vlines(x, w[0] + w[1] * x + w[2] * x**2, y, color=plots.VERMILLION, linestyle="--")
    ax.plot(x, y, "ks")
    ax.annotate("a guess, ŷ", (3.35, 12.6), color=DESCENT, ha="right", fontsize=12)
    ax.annotate("residual ŷ − y", (4.9, 21.5), color=plots.VERMILLION, ha="right", fontsize=12)
    ax.annotate("points (x, y)", (1.12, 1.0), va="center", fontsize=12)
    _bare(ax, xlabel="x", ylabel="y")
    return fig


def two_walks(f, angle, runs):
    """Two walks on a ravine, and what is left of their way along it and across it, with the factors of theory.

    Parameters
    ----------
    f : Objective
        The ravine, a quadratic of two coordinates.
    angle : float
        From the first axis to the ravine's.
    runs : dict
        {learning rate: Run}, the gliding walk first.
    """
    fig, axes = plots.grid(2, height=3.9, gridspec_kw={"width_ratios": [1, 1]})
    land, chart = axes
    plots.ground(land, f, np.linspace(-2.6, 0.6, 300), np.linspace(-1.4, 0.8, 300))
    axis = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-axis[1], axis[0]])
    looks = [(DESCENT, "-", "o"), (plots.VERMILLION, "--", "s")]
    for (lr, run), (colour, style, shape) in zip(runs.items(), looks, strict=True):
        land.plot(*run.theta[:40].T, style, marker=shape, color=colour, markersize=3.5, linewidth=1.4)
        for way, curvature, last in ((axis, 1, 60), (across, 25, 14)):
            left = np.abs(run.theta[:last] @ way)
            t = np.arange(last)
            chart.semilogy(t, left, shape, color=colour, markersize=4, alpha=0.8)
            chart.semilogy(t, left[0] * np.abs(1 - lr * curvature) ** t, color="black", linewidth=1)
    land.annotate("η = 0.03", (-1.25, -0.85), color=DESCENT, fontsize=12)
    land.annotate("η = 0.07", (-1.5, 0.35), color=plots.VERMILLION, fontsize=12)
    plots.marks(land, runs[min(runs)].theta[0], (0, 0))
    land.set(xlabel="θ₁", ylabel="θ₂", aspect="equal")
    land.set_title("One glides, one swings", loc="left", fontsize=12)
    for words, place in (("along, η = 0.03", (38, 1.1)), ("along, η = 0.07", (60, 0.2))):
        chart.annotate(words, place, color=DESCENT if "3" in words else plots.VERMILLION, fontsize=12,
                       ha="left" if "3" in words else "right")
    chart.annotate("across: gone\nlong before along", (15, 0.006), fontsize=12)
    _bare(chart, xlabel="step", ylabel="what is left of the way", ylim=(5e-4, 4))
    chart.set_title("Along is slow; theory's lines are thin", loc="left", fontsize=12)
    return fig


def four_losses(losses, lowest, kappa):
    """How far above its lowest value the loss is, step by step, for four ways to prepare the columns."""
    fig, ax = plots.grid(width=8.4, height=3.9)
    for (name, loss), (colour, style, _) in zip(losses.items(), plots.CYCLE, strict=False):
        t, above = np.arange(1, len(loss)), loss[1:] / lowest - 1
        ax.loglog(t, above, color=colour, linestyle=style, linewidth=2)
        seen = np.flatnonzero(above > 1.5e-4)[-1]
        aside = {"raw": 5, "− mean": -7}.get(name, 0)  # so that labels do not touch
        rounded = float(f"{kappa[name]:.2g}")  # further digits of a large one depend on the processor
        ax.annotate(f"{name}: κ ≈ {rounded:,.0f}", (t[seen], above[seen]), xytext=(8, aside), color=colour,
                    textcoords="offset points", va="center", fontsize=12)  # fmt: skip
    _bare(ax, xlabel="step", ylabel="loss above the lowest, as a share of it", xlim=(1, 6e5), ylim=(1e-4, 20),
          xticks=[1, 10, 100, 1000, 10_000])
    ax.set_title("Only both together make it quick", loc="left", fontsize=12)
    return fig


def two_ways():
    """A network of one hidden layer: numbers go forward above, slopes come back below; one of them is asked for."""
    fig, ax = plots.grid(width=9, height=3.1)
    ax.axis("off")
    ax.set(xlim=(-0.4, 8.4), ylim=(-1.25, 1.3))
    boxes = [(0, "X", ""), (2, "a", "?"), (4, "h", ""), (6, "ŷ", "δ₂"), (8, "J", "")]
    for x, name, slope in boxes:
        ax.text(x, 0.3, name, ha="center", va="center", fontsize=17,
                bbox={"boxstyle": "round,pad=0.45", "facecolor": "#eaf2f7", "edgecolor": DESCENT})
        if slope:
            ax.text(x, -0.65, slope, ha="center", va="center", fontsize=17, color=plots.VERMILLION,
                    bbox={"boxstyle": "round,pad=0.35", "facecolor": "#fdf0e8", "edgecolor": plots.VERMILLION})
    for x, words in ((0, "· W₁"), (2, "tanh"), (4, "· W₂"), (6, "mean of (ŷ − y)²")):
        ax.add_patch(FancyArrowPatch((x + 0.35, 0.3), (x + 1.65, 0.3), arrowstyle="-|>", mutation_scale=16,
                                     color=DESCENT, linewidth=1.8))
        ax.text(x + 1, 0.55, words, ha="center", fontsize=13, color=DESCENT)
    for x, end, words in ((7.9, 6.4, "(2/n)(ŷ − y)"), (5.6, 2.4, "back through W₂, then through tanh")):
        ax.add_patch(FancyArrowPatch((x, -0.65), (end, -0.65), arrowstyle="-|>", mutation_scale=16, linestyle="--",
                                     color=plots.VERMILLION, linewidth=1.8))
        ax.text((x + end) / 2, -1.05, words, ha="center", fontsize=13, color=plots.VERMILLION)
    ax.text(0, 1.05, "forward: numbers", fontsize=13, color=DESCENT)
    ax.text(0, -1.05, "back: slopes of J", ha="left", fontsize=13, color=plots.VERMILLION)
    return fig


def own_walk(loss, grad, theta, lr):
    """A walk of the learner's: the ground, where it has two coordinates, and how far it is from its end.

    Parameters
    ----------
    loss, grad : callable
        The loss at one point, and its gradient.
    theta : ndarray
        The points, the start first.
    lr : float
        The learning rate.
    """
    flat = theta.shape[1] == 2
    fig, axes = plots.grid(1 + flat, width=9 if flat else 6.4, height=3.9)
    if flat:
        _draw_own_ground(axes[0], loss, theta)
    chart = np.ravel(axes)[-1]
    distance = np.linalg.norm(theta - theta[-1], axis=1)[:-1]
    distance = distance[distance > 1e-9 * distance[0]]
    t = np.arange(len(distance))
    f = gd.Objective("own", loss, lambda place: np.asarray(grad(place), float))
    slowest = np.abs(1 - lr * np.linalg.eigvalsh(gd.analysis.hessian(f, theta[-1]))).max()
    chart.semilogy(t, distance, ".", color=DESCENT)
    middle = len(t) // 2
    chart.semilogy(t, distance[middle] * slowest ** (t - middle), color="black", linewidth=1)
    chart.set_title("Dots: your walk. Thin: the largest |1 − ηλ|", loc="left", fontsize=12)
    chart.locator_params(axis="x", integer=True)
    _bare(chart, xlabel="step", ylabel="distance from the end")
    return fig


def _draw_own_ground(ax, loss, theta):
    low, high = theta.min(axis=0), theta.max(axis=0)
    margin = 0.35 * np.max(high - low) + 1e-9
    x, y = (np.linspace(low[i] - margin, high[i] + margin, 80) for i in range(2))

    def heights(points):
        return np.array([float(loss(place)) for place in points.reshape(-1, 2)]).reshape(points.shape[:-1])

    plots.ground(ax, heights, x, y)
    ax.plot(*theta.T, "o-", color=DESCENT, markersize=3, linewidth=1.4)
    plots.marks(ax, theta[0], theta[-1])
    ax.set(xlabel="θ₁", ylabel="θ₂")


def _bare(ax, **labels):
    """Axes with labels, without a frame on the right and above."""
    ax.set(**labels)
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="x", visible=False)
