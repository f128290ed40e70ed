"""Lesson 02's films: each function takes what a cell computed, and gives `plots.film` its figure, draw and frames."""
import numpy as np
from matplotlib import colormaps

from gdlib import plots


def weights(paths, losses, epochs):
    """The weights of softmax regression as ten pictures, a row for each walk, while the training loss falls beside it.

    Parameters
    ----------
    paths : dict
        Batch size -> its points at even distances, (k, 650): ten weights a pixel and, at the end, ten shifts.
    losses : dict
        Batch size -> the training loss at the same points, (k,).
    epochs : float
        How long the walks are.
    """
    fig, chart = plots.grid(height=3.8)
    fig.set_layout_engine("none")
    chart.set_position([0.06, 0.13, 0.2, 0.76])
    chart.set(xlabel="epochs", xlim=(0, epochs), ylim=(0.03, 3), yscale="log")
    chart.set_title("Training loss", loc="left", fontsize=12)
    fig.text(0.285, 0.92, "The weights of the ten digits: clean from all rows, noisy from one", fontsize=12)
    colours, shown = colormaps["RdBu_r"].resampled(11), {}
    for row, (size, (colour, style, _)) in enumerate(zip(losses, plots.CYCLE, strict=False)):
        (line,) = chart.plot([], [], linestyle=style, color=colour, linewidth=2, animated=True)
        strip = fig.add_axes([0.285, 0.655 - 0.295 * row, 0.71, 0.18])
        strip.set_title(f"B = {size:,}", color=colour, loc="left", fontsize=12, pad=3)
        strip.axis("off")
        look = {"cmap": colours, "vmin": -1, "vmax": 1, "interpolation": "nearest"}
        shown[size] = line, strip.imshow(_tiles(paths[size][0]), animated=True, **look)

    def draw(share):
        for size, (line, picture) in shown.items():
            k = int(share * (len(losses[size]) - 1) + 1e-9)
            line.set_data(np.linspace(0, epochs, len(losses[size]))[: k + 1], losses[size][: k + 1])
            picture.set_data(_tiles(paths[size][k]))

    return fig, draw, np.linspace(0, 1, 33)


def _tiles(theta):
    """The 64 weights of each digit as 8 × 8 pixels, side by side, in units of the large ones; white between them."""
    weights = theta[:640].reshape(8, 8, 10)
    weights = np.clip(weights / (np.quantile(np.abs(weights), 0.98) + 1e-9), -1, 1)
    apart = np.pad(weights, ((0, 0), (0, 1), (0, 0)), constant_values=np.nan)
    return apart.transpose(0, 2, 1).reshape(8, 90)[:, :89]


def trembling(single, sizes, rng, measured, law):
    """Gradients of batches, drawn anew in each frame, beside the full gradient G; and their variance against the size.

    Parameters
    ----------
    single : ndarray
        Each row's gradient, (n, d).
    sizes : list of int
        Batch sizes to draw.
    rng : Generator
        Draws the batches.
    measured : dict
        Batch size -> the measured variance.
    law : callable
        Batch size -> the variance by theory.
    """
    n, G = len(single), single.mean(axis=0)
    fig, axes = plots.grid(2, len(sizes), height=4.4, gridspec_kw={"width_ratios": [1.25, 1]})
    for ax in axes[:, 1]:
        ax.remove()
    _variances(fig.add_subplot(axes[0, 1].get_gridspec()[:, 1]), n, G, measured, law)
    artists = []
    for ax, size, (colour, _, _) in zip(axes[:, 0], sizes, plots.CYCLE, strict=False):
        draws = np.array([single[rng.permutation(n)[:size]].mean(axis=0) for _ in range(40)])
        ax.set(xlim=(-2, 2), ylim=(-0.3, 0.7), xticks=[], yticks=[], aspect="equal")
        ax.annotate(f"B = {size:,}", (-1.93, 0.45), color=colour, fontsize=13)
        (past,) = ax.plot([], [], ".", color=colour, markersize=4, alpha=0.5, animated=True)
        (now,) = ax.plot([], [], "o-", color=colour, linewidth=2, markevery=[1], animated=True)
        ax.plot([0, 0], [0, np.linalg.norm(G)], color="black", linewidth=6, solid_capstyle="butt", zorder=1)
        artists.append((past, now, _flat(draws, G)))
    axes[0, 0].set_title("The gradient of a batch trembles; black: G, that of all rows", loc="left", fontsize=11)
    axes[-1, 0].set_xlabel("to the sides of G, in all directions; upwards: along G")

    def draw(k):
        for past, now, tips in artists:
            past.set_data(*tips[:k].T)
            now.set_data(*np.transpose([np.zeros(2), tips[k]]))

    return fig, draw, range(40)


def _flat(gradients, G):
    """How far each goes to the sides of G, with the sign that it has in the main direction of them all; and along G."""
    along = gradients @ G / np.linalg.norm(G)
    sideways = gradients - np.outer(along, G / np.linalg.norm(G))
    main = np.linalg.svd(sideways, full_matrices=False)[2][0]
    return np.stack([np.sign(sideways @ main) * np.linalg.norm(sideways, axis=1), along], axis=-1)


def _variances(ax, n, G, measured, law):
    fine = np.unique(np.geomspace(1, n - 1, 200).astype(int))
    ax.loglog(fine, [law(size) for size in fine], "k-", linewidth=1)
    ax.loglog(fine, law(1) / fine, "k:", linewidth=1)
    ax.loglog(list(measured), list(measured.values()), "o", color=plots.BLUE, markersize=8)
    ax.axhline(G @ G, color="0.5", linewidth=1)
    ax.annotate("‖G‖²: noise as long as G", (1.2, 0.85 * G @ G), color="0.35", va="top")
    ax.annotate("σ²/B", (190, 1.2e-2))
    ax.annotate("σ²/B · (n−B)/(n−1)", (550, 2e-4), ha="right")
    ax.set(xlabel="batch size B", ylabel="variance of the gradient")
    ax.set_title("The noise falls like 1/B", loc="left", fontsize=11)
