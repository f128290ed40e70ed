"""Lesson 02's pictures and films: each function draws what a cell has computed."""
import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnnotationBbox, OffsetImage

import gdlib as gd
from gdlib import plots

KINDS = {0: ("3", plots.BLUE, "o"), 1: ("8", plots.VERMILLION, "s")}
BESIDE = {0: [(-2.2, 1.4), (2.7, 0.9)], 1: [(-2.2, -1.6), (2.8, -1.2)]}  # where the outermost images stand
SIZED = [(colour, style) for colour, style, _ in plots.CYCLE]  # of batches of one row, of a few, of all


def _title(ax, text):
    ax.set_title(text, loc="left", fontsize=11)


def _bare(ax):
    """Without the upper and the right spine, and without ticks' lines."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(length=0)


def weights(paths):
    """Weights of softmax regression as ten pictures, a row for each walk.

    Parameters
    ----------
    paths : dict
        Name -> its points at even distances, (k, 650): ten weights a pixel and, at the end, ten shifts.
    """
    fig = Figure((4.8, 0.85 * len(paths)))
    colours, shown = colormaps["RdBu_r"].resampled(11), {}
    high = 1 / len(paths)
    for row, (name, (colour, _)) in enumerate(zip(paths, SIZED[::2], strict=False)):
        strip = fig.add_axes([0.02, 1 - high * (row + 0.9), 0.96, 0.56 * high])
        strip.set_title(name, color=colour, loc="left", fontsize=12, pad=3)
        strip.axis("off")
        look = {"cmap": colours, "vmin": -1, "vmax": 1, "interpolation": "nearest"}
        shown[name] = strip.imshow(_tiles(paths[name][0]), animated=True, **look)

    def draw(share):
        for name, picture in shown.items():
            picture.set_data(_tiles(paths[name][int(share * (len(paths[name]) - 1) + 1e-9)]))

    return fig, draw, np.linspace(0, 1, 29)


def _tiles(theta):
    """The 64 weights of each digit as 8 × 8 pixels, side by side, in units of the large ones; white between them."""
    weights = theta[:640].reshape(8, 8, 10)
    weights = np.clip(weights / (np.quantile(np.abs(weights), 0.98) + 1e-9), -1, 1)
    apart = np.pad(weights, ((0, 0), (0, 1), (0, 0)), constant_values=np.nan)
    return apart.transpose(0, 2, 1).reshape(8, 90)[:, :89]


def two_inks(X, y, theta=None):
    """Threes and eights by the ink on either half; with the line on which the model with theta says ½.

    Parameters
    ----------
    X : array (n, 2)
        Ink on the left half and on the right half, standardised.
    y : array (n,)
        1 for an 8, 0 for a 3.
    theta : array (2,), optional
        Weights of the two.
    """
    images, digit = gd.data.load("digits")
    images = images[(digit == 3) | (digit == 8)]
    fig, ax = plots.grid(width=6.4, height=4)
    for kind, (name, colour, marker) in KINDS.items():
        ax.plot(*X[y == kind].T, marker, color=colour, markersize=5, alpha=0.55)
        some = np.flatnonzero(y == kind)
        for row, place in zip([some[X[some, 0].argmin()], some[X[some, 0].argmax()]], BESIDE[kind], strict=True):
            small = OffsetImage(images[row].reshape(8, 8), cmap="gray_r", zoom=4)
            look = {"bboxprops": {"edgecolor": colour, "linewidth": 2, "boxstyle": "square,pad=0.1"}, "pad": 0}
            line = {"arrowstyle": "-", "color": "0.4"}
            ax.add_artist(AnnotationBbox(small, X[row], place, arrowprops=line, **look))
        ax.annotate(name, (0.03 if kind == 0 else 0.95, 0.93), xycoords="axes fraction", color=colour, fontsize=18,
                    va="top")
    ax.set(xlabel="ink on the left half", ylabel="ink on the right half", xlim=(-2.6, 3.2), ylim=(-3.2, 3.2))
    _title(ax, "On average an 8 has more ink on the left")
    if theta is not None:
        ax.plot(ends := np.array([-3.2, 3.2]) * theta[1] / -theta[0], [-3.2, 3.2], color="black", linewidth=1.5)
        ax.annotate("p = ½ ", (ends[0], -3), ha="right")
        _title(ax, "To the right of the line the model says 8")
    _bare(ax)
    return fig


def cost():
    """What a row costs by its score, for both labels."""
    z = np.linspace(-5, 5, 200)
    fig, ax = plots.grid(width=6.4, height=3)
    for kind, sign, text, side in [(0, 1, "it is a 3", "right"), (1, -1, "it is an 8", "left")]:
        colour = KINDS[kind][1]
        ax.plot(z, np.logaddexp(0, sign * z), color=colour, linewidth=2.5)
        ax.annotate(text, (3.3 * sign, 4), color=colour, ha=side, fontsize=12)
    ax.set(xlabel="score z: the model says 3 on the left, 8 on the right", ylabel="cost of the row", ylim=(0, 5.2))
    _title(ax, "Being sure and wrong is expensive")
    _bare(ax)
    return fig


def walks(f, paths, lowest, epochs):
    """Walks down one ground, and their losses.

    Parameters
    ----------
    f : callable
        The loss at points (..., 2).
    paths : dict
        Name -> points (k, 2), at even distances in epochs.
    lowest : array (2,)
        The lowest point.
    epochs : float
        How long the walks are.
    """
    fig, (land, chart) = plots.grid(2, height=4.2, gridspec_kw={"width_ratios": [1.15, 1]})
    plots.ground(land, f, np.linspace(-0.6, 4.2, 140), np.linspace(-2.2, 1.2, 140))
    plots.marks(land, start=next(iter(paths.values()))[0])
    land.plot(*lowest, "X", color="black", markeredgecolor="white", markersize=11, zorder=8, animated=True)
    land.set(xlabel="θ₁, for the ink on the left", ylabel="θ₂, for the ink on the right")
    _title(land, "All rows: smooth and slow; one row: quick and restless")
    chart.set(xlabel="epochs", ylabel="loss above the lowest", yscale="log", xlim=(0, 1.25 * epochs), ylim=(3e-4, 0.6))
    chart.set_xticks(range(int(epochs) + 1))
    _title(chart, "The loss over all rows")
    _bare(chart)
    artists, heights = {}, {"all rows": 0.135, "32 rows": 0.0045, "1 row": 0.02}
    for (name, path), (colour, style) in zip(paths.items(), SIZED[2::-1], strict=True):
        many = len(path) > 200
        look = {"color": colour, "animated": True, "zorder": 4 if many else 6}
        (way,) = land.plot([], [], linestyle="-" if many else style, linewidth=0.8 if many else 2.4, **look)
        (ball,) = land.plot([], [], "o", markersize=9, markeredgecolor="white", **(look | {"zorder": 7}))
        (curve,) = chart.plot([], [], linestyle="-" if many else style, linewidth=1 if many else 2.2, **look)
        chart.annotate(name, (1.03 * epochs, heights[name]), color=colour, va="center")
        artists[name] = way, ball, curve, f(path) - f(lowest)

    def draw(share):
        for name, (way, ball, curve, loss) in artists.items():
            path, k = paths[name], int(share * (len(paths[name]) - 1) + 1e-9)
            way.set_data(*path[: k + 1].T)
            ball.set_data(*path[k : k + 1].T)
            curve.set_data(np.linspace(0, epochs, len(path))[: k + 1], loss[: k + 1])

    return fig, draw, np.linspace(0, 1, 49)


def trembling(single, sizes, rng, measured, law):
    """Gradients of batches, drawn anew in each frame, about the full gradient; and their variance against the size.

    Parameters
    ----------
    single : array (n, 2)
        Each row's gradient.
    sizes : list of int
        Batch sizes to draw.
    rng : Generator
        Draws the batches.
    measured : dict
        Batch size -> measured variance.
    law : callable
        Batch size -> variance by theory.
    """
    n, G = len(single), single.mean(axis=0)
    fig, (fan, ax) = plots.grid(2, height=4.2)
    _variances(ax, n, G, measured, law)
    fan.set(xlim=(-0.55, 0.75), ylim=(-0.65, 0.65), aspect="equal", xlabel="∂J/∂θ₁", ylabel="∂J/∂θ₂")
    fan.plot([0, G[0]], [0, G[1]], color="black", linewidth=5, solid_capstyle="butt", zorder=3)
    _title(fan, "Batches of few rows tremble about G")
    fan.annotate("circles: the root of your formula", (-0.53, -0.6), color="0.3")
    _bare(fan)
    turn, artists = np.linspace(0, 2 * np.pi, 90), []
    for size, (colour, _) in zip(sizes, SIZED, strict=False):
        tips = np.array([single[rng.permutation(n)[:size]].mean(axis=0) for _ in range(40)])
        reach = np.sqrt(law(size))
        fan.plot(G[0] + reach * np.cos(turn), G[1] + reach * np.sin(turn), "k-", linewidth=1)
        beside = 0.36, G[1] + 0.8 * reach - 0.1 * (size == n)
        fan.annotate(f"B = {size}", G + reach * np.array([0.8, 0.6]), beside, color=colour, fontsize=12,
                     arrowprops={"arrowstyle": "-", "color": "0.4"})
        (past,) = fan.plot([], [], ".", color=colour, markersize=6, alpha=0.6, animated=True)
        (now,) = fan.plot([], [], "o-", color=colour, linewidth=2, markevery=[1], animated=True, zorder=4)
        artists.append((past, now, tips))

    def draw(k):
        for past, now, tips in artists:
            past.set_data(*tips[:k].T)
            now.set_data(*np.transpose([np.zeros(2), tips[k]]))

    return fig, draw, range(40)


def _variances(ax, n, G, measured, law):
    fine = np.unique(np.geomspace(1, n - 1, 200).astype(int))
    ax.loglog(fine, [law(size) for size in fine], "k-", linewidth=1)
    ax.loglog(fine, law(1) / fine, "k:", linewidth=1)
    ax.loglog(list(measured), list(measured.values()), "o", color=plots.BLUE, markersize=8)
    ax.axhline(G @ G, color="0.5", linewidth=1)
    ax.annotate("‖G‖²", (1, G @ G), xytext=(0, -4), textcoords="offset points", color="0.35", va="top")
    ax.annotate("σ²/B", (150, law(1) / 130))
    ax.annotate("your formula", (120, law(300)), ha="right")
    ax.set(xlabel="batch size B", ylabel="variance of the gradient")
    _title(ax, "The noise falls like 1/B")
    _bare(ax)


def floors(found, law, falling, turn, levels):
    """Floors beside their formula, and walks whose learning rate falls.

    Parameters
    ----------
    found : dict
        (batch size, η) -> measured floor.
    law : callable
        (η, batch size) -> floor by theory.
    falling : array (k,)
        Mean loss above the lowest, at each step.
    turn : int
        Step at which the learning rate falls.
    levels : list of float
        Floor before and after the fall, by theory.
    """
    fig, (left, right) = plots.grid(2, height=3.8)
    fine = np.geomspace(0.045, 0.9, 50)
    for size, (colour, _, marker) in zip(sorted({size for size, _ in found}), plots.CYCLE, strict=False):
        left.loglog(fine, [law(lr, size) for lr in fine], "k-", linewidth=1)
        some = [(lr, level) for (b, lr), level in found.items() if b == size]
        left.loglog(*zip(*some, strict=True), marker, color=colour, markersize=7)
        left.annotate(f"B = {size}", (0.05, 1.6 * law(0.05, size)), color=colour, fontsize=11)
    left.set(xlabel="learning rate η", ylabel="loss above the lowest", ylim=(1e-4, 1))
    _title(left, "The floor is about proportional to η/B")
    right.semilogy(falling, color=plots.BLUE, linewidth=2)
    for level, span in zip(levels, [(0, turn), (turn, len(falling))], strict=True):
        right.plot(span, [level, level], "k-", linewidth=1)
        right.annotate("your formula", (span[1], level), ha="right", va="top", xytext=(-4, -3),
                       textcoords="offset points")
    right.axvline(turn, color="0.5", linestyle=":")
    right.annotate(" η becomes η/10", (turn, 0.9), xycoords=("data", "axes fraction"), color="0.3")
    right.set(xlabel="step", ylim=(levels[1] / 4, 1))
    _title(right, "A smaller learning rate sinks to a lower floor")
    for ax in (left, right):
        _bare(ax)
    return fig


def clocks(rates, steps, seconds, fewest, scale):
    """Best learning rate, steps, examples and seconds to a target against the batch size, with theory's lines.

    Parameters
    ----------
    rates, steps, seconds : dict
        Batch size -> best learning rate, mean number of steps, seconds of a step.
    fewest, scale : float
        Theory's number of steps without noise, S, and noise scale, N.
    """
    B, fine = np.array(list(steps)), np.geomspace(1, max(steps), 80)
    count, many = np.array(list(steps.values())), fewest * (1 + scale / fine)
    best = np.array(list(rates.values()))
    limit = np.exp(np.mean(np.log(best * (1 + scale / B))))  # of the best learning rate, fitted
    panels = [
        ("best learning rate", best, limit / (1 + scale / fine), "It grows with B, to an end"),
        ("steps to the target", count, many, "Counted in steps, the largest wins"),
        ("examples to the target", B * count, fine * many, "In examples, small ones"),
        ("milliseconds here", 1e3 * count * np.array(list(seconds.values())), None, "In seconds, on this machine"),
    ]
    fig, axes = plots.grid(2, 2, height=5.6)
    for ax, (name, values, theory, finding) in zip(axes.flat, panels, strict=True):
        if theory is not None:
            ax.loglog(fine, theory, "k-", linewidth=1)
        ax.loglog(B, values, "o", color=plots.BLUE, markersize=7)
        if name != "best learning rate":
            ax.loglog(B[values.argmin()], values.min(), "*", color=plots.VERMILLION, markersize=17)
        ax.set(ylabel=name, ylim=(values.min() / 2.5, 2.5 * values.max()))
        ax.set_xticks(B, [f"{size:,}" for size in B])
        ax.minorticks_off()
        _title(ax, finding)
        _bare(ax)
    for ax in axes[-1]:
        ax.set_xlabel("batch size B")
    return fig


def least_sure(images, digit, p):
    """The ten images whose own digit the model is least sure of, each above the probabilities it gives.

    Parameters
    ----------
    images : array (n, 64)
        The images.
    digit : array (n,)
        What they are.
    p : array (n, 10)
        The probabilities.
    """
    rows = np.argsort(p[np.arange(len(digit)), digit], kind="stable")[:10]
    fig, axes = plots.grid(10, 2, height=2.3)
    for image, bars, row in zip(*axes, rows, strict=True):
        image.imshow(images[row].reshape(8, 8), cmap="gray_r")
        image.set_title(f"{'an' if digit[row] == 8 else 'a'} {digit[row]}", color=plots.BLUE, fontsize=11)
        image.axis("off")
        colours = [plots.BLUE if k == digit[row] else plots.VERMILLION for k in range(10)]
        bars.bar(range(10), p[row], color=colours, width=0.8)
        bars.set(ylim=(0, 1), xlim=(-0.6, 9.6), yticks=[], xticks=[], xlabel=f"says {p[row].argmax()}")
        bars.grid(False)
        _bare(bars)
        bars.spines["left"].set_visible(False)
    axes[1, 0].set_ylabel("probability")
    return fig
