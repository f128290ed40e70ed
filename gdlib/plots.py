"""Drawing of what was already computed: every function takes the axes first; `show` hands a figure to the reader."""
import base64
import html
import io

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LightSource, LinearSegmentedColormap, ListedColormap, PowerNorm

from gdlib.display import emit
from gdlib.film import film as film  # plots.film(fig, draw, frames, alt)

# Okabe and Ito (2008): eight colours that people with any colour vision tell apart. A line style or marker goes along.
OKABE_ITO = {
    "black": "#000000",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "green": "#009E73",
    "yellow": "#F0E442",
    "blue": "#0072B2",
    "vermillion": "#D55E00",
    "purple": "#CC79A7",
}
BLUE, VERMILLION = OKABE_ITO["blue"], OKABE_ITO["vermillion"]
CYCLE = [  # (colour, line style, marker) of the 1st, 2nd, … thing in a picture
    (OKABE_ITO["blue"], "-", "o"),
    (OKABE_ITO["vermillion"], "--", "s"),
    (OKABE_ITO["green"], "-.", "^"),
    (OKABE_ITO["purple"], (0, (5, 1, 1, 1, 1, 1)), "D"),
    (OKABE_ITO["orange"], ":", "v"),
    (OKABE_ITO["sky"], (0, (1, 1)), "P"),
]
# The colour and line style of a method, in every picture.
METHOD = {
    "descent": (OKABE_ITO["blue"], "-"),
    "momentum": (OKABE_ITO["vermillion"], (0, (5, 1.5))),
    "Nesterov": (OKABE_ITO["orange"], (0, (5, 1, 1, 1))),
    "AdaGrad": (OKABE_ITO["sky"], (0, (3, 1, 1, 1, 1, 1))),
    "RMSprop": (OKABE_ITO["purple"], (0, (7, 2))),
    "Adam": (OKABE_ITO["green"], (0, (1.5, 1))),
    "AdamW": (OKABE_ITO["black"], (0, (3, 1.5))),
}
GROUND = LinearSegmentedColormap.from_list("ground", ["#6f9fbd", "#a9c8d3", "#d8e0d4", "#efe7d3", "#f8f3e8"])
DPI = 150  # drawn finer than shown, so that it stays sharp on a dense screen or a projector


def grid(columns=1, rows=1, width=9.0, height=3.6, **keywords):
    """A figure with rows × columns axes, laid out so that labels don't collide: (fig, ax) or (fig, array of axes).

    width and height are of the whole figure, in inches; 1 inch is shown as 100 pixels.
    """
    fig, axes = plt.subplots(rows, columns, figsize=(width, height), layout="constrained", **keywords)
    for ax in np.ravel(axes):
        ax.grid(True, color="0.9", linewidth=0.8)
        ax.set_axisbelow(True)
    return fig, axes


def show(fig, alt):
    """Show a figure as an image that carries its description, and close it.

    The same picture leaves twice: in HTML, the only form whose description JupyterLab hands on, and as plain PNG, for
    what drops HTML: PDF, and viewers that trust no notebook.

    Parameters
    ----------
    fig : the figure
    alt : what is to be *seen* in it, in a sentence or two, for a reader who doesn't see it

    Raises
    ------
    ValueError : alt says less than a short sentence
    """
    if not isinstance(alt, str) or len(alt.split()) < 5:
        raise ValueError(f"alt must say in a sentence what is to be seen; got {alt!r}")
    width, height = (round(inches * 100) for inches in fig.get_size_inches())
    source = base64.b64encode(png(fig)).decode()
    plt.close(fig)
    image = (
        f'<img alt="{html.escape(alt)}" width="{width}" height="{height}" style="max-width:100%;height:auto" '
        f'src="data:image/png;base64,{source}">'
    )
    emit({"text/html": image, "image/png": source, "text/plain": alt})


def png(fig, dpi=DPI) -> bytes:
    """The figure as a PNG of at most 128 colours: a third of the size, and the same to the eye."""
    from PIL import Image

    buffer = io.BytesIO()
    fig.savefig(buffer, dpi=dpi, facecolor="white", format="png")
    image = Image.open(buffer).convert("RGB").quantize(128, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    image.save(buffer, format="png", optimize=True)
    return buffer.getvalue()


def lines(ax, x, curves, **keywords):
    """One line a row of `curves`, {label: y}: each with its own colour and line style."""
    for (label, y), (colour, style, _) in zip(curves.items(), CYCLE, strict=False):
        ax.plot(x, y, color=colour, linestyle=style, label=label, **keywords)
    if len(curves) > 1:
        ax.legend(frameon=False)
    return ax


def contours(ax, x, y, values, levels=18):
    """Height lines of values (len(y), len(x)), close together where the surface is low: even on a log scale."""
    low, high = np.nanmin(values), np.nanmax(values)
    steps = low + (high - low) * np.geomspace(1e-4, 1, levels)
    ax.contour(x, y, values, levels=steps, colors="0.7", linewidths=0.7)
    return ax


def regions(ax, numbers, extent):
    """A map coloured by numbers 0, 1, 2, … (rows, columns), its first row at the bottom; white where they are −1."""
    names = ["white", *(OKABE_ITO[c] for c in ("sky", "orange", "green", "purple", "yellow", "vermillion", "blue"))]
    colours = ListedColormap(names)
    limits = dict(vmin=-1, vmax=len(names) - 2)
    ax.imshow(numbers, origin="lower", extent=extent, cmap=colours, interpolation="nearest", **limits)
    ax.grid(False)
    return ax


def arrow(ax, start, vector, label="", colour=BLUE, style="-"):
    """The vector, drawn as an arrow from the start, with its label beyond the tip."""
    start, tip = np.asarray(start), np.add(start, vector)
    ax.annotate("", tip, start, arrowprops=dict(arrowstyle="->", color=colour, linestyle=style, linewidth=2))
    ax.annotate(label, tip + 0.22 * np.subtract(tip, start), color=colour, ha="center", va="center")
    return ax


def path(ax, theta, colour=BLUE, label=None, marker="."):
    """The points theta (k, 2) of one run: a dot each, a circle at the start, a star at the end."""
    ax.plot(theta[:, 0], theta[:, 1], f"{marker}-", color=colour, markersize=4, linewidth=1, label=label)
    ax.plot(*theta[0], "o", color=colour, markersize=8, markerfacecolor="white")
    ax.plot(*theta[-1], "*", color=colour, markersize=12, markeredgecolor="black", markeredgewidth=0.5)
    return ax


def ground(ax, f, x, y, levels=14):
    """The ground under a path: a surface in pale colours, lit from the upper left, with its height lines.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Flat, or made with `projection="3d"` where height is the point.
    f : callable
        The height at points (..., 2): an Objective, or a function of one, such as `lambda p: np.log1p(f(p))`, that
        shows a low valley and a high wall in one picture.
    x, y : ndarray
        The places along each axis, evenly spaced; 300 are plenty, 130 in 3-D.
    levels : int or sequence
        How many height lines, on a flat picture close together where the ground is low; or their heights.
    """
    X, Y = np.meshgrid(x, y)
    Z = f(np.stack([X, Y], axis=-1))
    deep, low, high = ax.name == "3d", np.min(Z), np.max(Z)
    if isinstance(levels, int):
        levels = low + (high - low) * np.linspace(0, 1, levels + 1)[1:] ** (1 if deep else 2)
    wall = (0.8 if deep else 0.1) * np.ptp(x) / (high - low)  # the highest wall, as a share of the picture's width
    light = {"vert_exag": wall, "dx": x[1] - x[0], "dy": y[1] - y[0], "blend_mode": "soft"}
    lit = LightSource(315, 45).shade(Z, GROUND, PowerNorm(1 if deep else 0.5), **light)
    lines = {"levels": levels, "colors": "#5f7684", "linewidths": 0.6, "alpha": 0.8}
    if deep:
        ax.plot_surface(X, Y, Z, facecolors=lit, rstride=1, cstride=1, antialiased=False, shade=False, zorder=1)
        ax.contour(X, Y, Z, zorder=2, **lines)
    else:
        ax.imshow(lit, origin="lower", extent=(x[0], x[-1], y[0], y[-1]), aspect="auto", interpolation="bilinear")
        ax.contour(X, Y, Z, **lines)
        ax.grid(False)
    return ax


def hikers(ax, paths, height=None):
    """Paths that grow, each with a ball at its end and a white rim, so that it is seen on any ground.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        With the ground in it; in 3-D made with `computed_zorder=False`.
    paths : dict
        Name -> points (k, 2). A name of METHOD has its colour and line style; others take theirs in turn.
    height : callable, optional
        In 3-D the ground's height at points (..., 2).

    Returns
    -------
    callable
        k -> None; shows all paths up to step k, for `film`.
    """
    others = ((colour, style) for colour, style, _ in CYCLE)
    artists = {}
    for name in paths:
        colour, style = METHOD.get(name) or next(others)
        empty = [[]] * (2 if height is None else 3)
        (rim,) = ax.plot(*empty, color="white", linewidth=4.5, zorder=5, animated=True)
        (line,) = ax.plot(*empty, color=colour, linestyle=style, linewidth=2.4, zorder=6, animated=True, label=name)
        ball = {"markersize": 10, "markeredgecolor": "white", "markeredgewidth": 1.5, "zorder": 7, "animated": True}
        artists[name] = rim, line, ax.plot(*empty, "o", color=colour, **ball)[0]

    def draw(k):
        for name, path in paths.items():
            points = np.asarray(path)[: k + 1].T
            if height is not None:
                lift = 0.02 * np.ptp(ax.get_zlim())  # above the ground, not in it
                points = np.vstack([points, height(points.T) + lift])
            for artist, part in zip(artists[name], (points, points, points[:, -1:]), strict=True):
                artist.set_data(*part) if height is None else artist.set_data_3d(*part)

    return draw


def marks(ax, start=None, lowest=None, height=None):
    """An open circle where the paths start, a cross where the ground is lowest: places (2,), on a map or in 3-D."""
    for place, shape, fill in [(start, "o", "white"), (lowest, "X", "black")]:
        if place is not None:
            place = np.asarray(place, float)
            where = place if height is None else np.append(place, height(place))
            ax.plot(*where[:, None], shape, color="black", markerfacecolor=fill, markersize=9, zorder=4)
    return ax
