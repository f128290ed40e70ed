"""Lesson 01's films: each function takes what a cell computed, and gives `plots.film` its figure, draw and frames."""
import numpy as np

from gdlib import plots


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
    ax.set_title("A large step bends, a tiny one rounds", loc="left")

    def show(step):
        for name, artist in dots.items():
            artist.set_data(h[h >= step], np.asarray(errors[name])[h >= step])

    return show


def fit_and_valley(X, y, loss, walk):
    """The curve ŷ = X w on the points, and w in the valley of its loss, step by step; X has the columns x and x²."""
    fig, (fit, valley) = plots.grid(2, height=4.2)
    x = np.linspace(0, 5.4, 100)
    (curve,) = fit.plot([], [], color=plots.BLUE, linewidth=2.4, animated=True)
    fit.plot(X[:, 0], y, "ks")
    fit.set(xlabel="x", ylabel="y", xlim=(0, 5.4), ylim=(-1, 28), title="The curve lies on the points …")
    plots.ground(valley, lambda w: np.log1p(loss(w)), np.linspace(-0.5, 1, 300), np.linspace(-0.1, 1.3, 300))
    plots.marks(valley, walk[0], loss.solution())
    valley.set(xlabel="w₁", ylabel="w₂", title="… and w creeps along the floor")
    step = fit.text(0.05, 0.9, "", fontsize=13, transform=fit.transAxes, animated=True)
    hike = plots.hikers(valley, {"descent": walk})

    def draw(k):
        hike(k)
        curve.set_data(x, walk[k, 0] * x + walk[k, 1] * x**2)
        step.set_text(f"step {k}")

    return fig, draw, np.repeat(np.arange(len(walk)), 2)
