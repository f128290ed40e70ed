"""Drawing of results: every function takes the axes first, and `show` hands a finished figure to the reader."""
import base64
import html
import io
from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LightSource, LinearSegmentedColormap, ListedColormap, PowerNorm
from matplotlib.figure import Figure

from gdlib.display import emit
from gdlib.film import film as film  # plots.film(fig, draw, frames, alt)
from gdlib.film import palette

# Okabe and Ito (2008): eight colours that people with any colour vision can tell apart. Each comes with a line style
# or a marker.
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
CYCLE = [  # (colour, line style, marker) of the first, second, … thing in a picture
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


def grid(
    columns: int = 1, rows: int = 1, width: float = 9.0, height: float = 3.6, **keywords
) -> tuple[Figure, Axes | np.ndarray]:
    """Make a figure with axes in rows and columns, laid out so that labels don't collide.

    Parameters
    ----------
    columns, rows : int
        Number of axes beside each other and below each other.
    width, height : float
        Size of the whole figure in inches; 1 inch is shown as 100 pixels.
    **keywords : object
        Other arguments of `plt.subplots`.

    Returns
    -------
    fig : Figure
        The figure.
    axes : Axes or array of Axes
        Its axes.
    """
    fig, axes = plt.subplots(rows, columns, figsize=(width, height), layout="constrained", **keywords)
    for ax in np.ravel(axes):
        ax.grid(True, color="0.9", linewidth=0.8)
        ax.set_axisbelow(True)
    return fig, axes


def show(fig: Figure, alt: str) -> None:
    """Show a figure as an image with its description, and close it.

    The picture is stored twice: as HTML, the only form whose description JupyterLab passes on, and as plain PNG for
    PDF and for viewers that do not trust the notebook.

    Parameters
    ----------
    fig : Figure
        Finished figure.
    alt : str
        What is *seen* in it, in a sentence or two, for a reader who cannot see it.

    Raises
    ------
    ValueError
        `alt` is shorter than a sentence.
    """
    emit(bundle(fig, alt))


def bundle(fig: Figure, alt: str, dpi: int = DPI) -> dict:
    """Make display data of a figure, {MIME type: content}, and close the figure.

    Parameters
    ----------
    fig : Figure
        Finished figure.
    alt : str
        As in `show`.
    dpi : int
        Pixels per inch.

    Raises
    ------
    ValueError
        `alt` is shorter than a sentence.
    """
    if not isinstance(alt, str) or len(alt.split()) < 5:
        raise ValueError(f"alt must be a sentence that says what is seen; got {alt!r}")
    width, height = (round(inches * 100) for inches in fig.get_size_inches())
    source = base64.b64encode(png(fig, dpi)).decode()
    plt.close(fig)
    image = (
        f'<img alt="{html.escape(alt)}" width="{width}" height="{height}" style="max-width:100%;height:auto" '
        f'src="data:image/png;base64,{source}">'
    )
    return {"text/html": image, "image/png": source, "text/plain": alt}


def png(fig: Figure, dpi: int = DPI) -> bytes:
    """Encode a figure as a PNG of at most 120 colours: a third of the size, and the same to the eye.

    Parameters
    ----------
    fig : Figure
        Finished figure.
    dpi : int
        Pixels per inch.
    """
    from PIL import Image

    buffer = io.BytesIO()
    fig.savefig(buffer, dpi=dpi, facecolor="white", format="png")
    image = Image.open(buffer).convert("RGB")
    image = image.quantize(palette=palette([image], {(1, 1, 1)}), dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    image.save(buffer, format="png", optimize=True)
    return buffer.getvalue()


def lines(ax: Axes, x: np.ndarray, curves: Mapping[str, np.ndarray], **keywords) -> Axes:
    """Draw curves, each with its own colour and line style.

    Parameters
    ----------
    ax : Axes
        Axes to draw on; they are returned.
    x : array (k,)
        Where the curves are known.
    curves : dict
        Values y (k,) of each curve, {label: y}.
    **keywords : object
        Other arguments of `ax.plot`.
    """
    for (label, y), (colour, style, _) in zip(curves.items(), CYCLE, strict=False):
        ax.plot(x, y, color=colour, linestyle=style, label=label, **keywords)
    if len(curves) > 1:
        ax.legend(frameon=False)
    return ax


def contours(ax: Axes, x: np.ndarray, y: np.ndarray, values: np.ndarray, levels: int = 18) -> Axes:
    """Draw the contour lines of a surface, evenly spaced on a log scale above its lowest point.

    Parameters
    ----------
    ax : Axes
        Axes to draw on; they are returned.
    x : array (p,)
        Horizontal coordinates.
    y : array (q,)
        Vertical coordinates.
    values : array (q, p)
        Heights of the surface.
    levels : int
        Number of contour lines.
    """
    low, high = np.nanmin(values), np.nanmax(values)
    steps = low + (high - low) * np.geomspace(1e-4, 1, levels)
    ax.contour(x, y, values, levels=steps, colors="0.7", linewidths=0.7)
    return ax


def regions(ax: Axes, numbers: np.ndarray, extent: Sequence[float]) -> Axes:
    """Draw a map coloured by whole numbers, such as the minimum that each start reaches.

    Parameters
    ----------
    ax : Axes
        Axes to draw on; they are returned.
    numbers : array (q, p) of int
        Numbers 0, 1, 2, …, the first row at the bottom; white where they are −1.
    extent : sequence of float
        Left, right, lower and upper end of the map.
    """
    names = ["white", *(OKABE_ITO[c] for c in ("sky", "orange", "green", "purple", "yellow", "vermillion", "blue"))]
    colours = ListedColormap(names)
    limits = dict(vmin=-1, vmax=len(names) - 2)
    ax.imshow(numbers, origin="lower", extent=extent, cmap=colours, interpolation="nearest", **limits)
    ax.grid(False)
    return ax


def arrow(
    ax: Axes,
    start: Sequence[float],
    vector: Sequence[float],
    label: str = "",
    colour: str = BLUE,
    style: str = "-",
) -> Axes:
    """Draw a vector as an arrow, with its label beyond the tip.

    Parameters
    ----------
    ax : Axes
        Axes to draw on; they are returned.
    start : array (2,)
        Where the arrow begins.
    vector : array (2,)
        Vector from there to the tip.
    label : str
        Text beyond the tip.
    colour : str
        Colour of arrow and label.
    style : str
        Line style.
    """
    start, tip = np.asarray(start), np.add(start, vector)
    ax.annotate("", tip, start, arrowprops=dict(arrowstyle="->", color=colour, linestyle=style, linewidth=2))
    ax.annotate(label, tip + 0.22 * np.subtract(tip, start), color=colour, ha="center", va="center")
    return ax


def path(
    ax: Axes, theta: np.ndarray, colour: str = BLUE, label: str | None = None, marker: str = "."
) -> Axes:
    """Draw the points of one run, with a circle at the start and a star at the end.

    Parameters
    ----------
    ax : Axes
        Axes to draw on; they are returned.
    theta : array (k, 2)
        Points of the run.
    colour : str
        Colour of the path.
    label : str, optional
        Name in the legend.
    marker : str
        Marker at each point.
    """
    ax.plot(theta[:, 0], theta[:, 1], f"{marker}-", color=colour, markersize=4, linewidth=1, label=label)
    ax.plot(*theta[0], "o", color=colour, markersize=8, markerfacecolor="white")
    ax.plot(*theta[-1], "*", color=colour, markersize=12, markeredgecolor="black", markeredgewidth=0.5)
    return ax


def ground(
    ax: Axes, f: Callable, x: np.ndarray, y: np.ndarray, levels: int | Sequence[float] = 14
) -> Axes:
    """Draw the ground under a path: a surface in pale colours, lit from the upper left, with its contour lines.

    Parameters
    ----------
    ax : Axes
        Axes to draw on, flat or made with `projection="3d"`; they are returned.
    f : callable
        Height at points (..., 2): an Objective, or a function of one. `lambda p: np.log1p(f(p))` shows a low valley and
        a high wall in one picture.
    x : array (p,)
        Horizontal coordinates, evenly spaced; 300 are enough, 130 in 3-D.
    y : array (q,)
        Vertical coordinates, evenly spaced.
    levels : int or sequence of float
        Number of contour lines, closer together where a flat picture is low; or their heights.
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


def hikers(ax: Axes, paths: Mapping[str, np.ndarray], height: Callable | None = None) -> Callable:
    """Draw paths that grow, each with a ball at its end and a white rim that is visible on any ground.

    Parameters
    ----------
    ax : Axes
        Axes with the ground; in 3-D made with `computed_zorder=False`.
    paths : dict
        Points (k, 2) of each path, {name: points}. A name in METHOD has its colour and line style; other names take
        theirs in turn.
    height : callable, optional
        Height of the ground at points (..., 2), in 3-D.

    Returns
    -------
    callable
        Function k -> None that shows all paths up to step k, for `film`.
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


def marks(
    ax: Axes, start: Sequence | None = None, lowest: Sequence | None = None, height: Callable | None = None
) -> Axes:
    """Mark where paths start by an open circle, and where the ground is lowest by a cross.

    Parameters
    ----------
    ax : Axes
        Axes with the ground.
    start, lowest : sequence, optional
        A place (2,) each.
    height : callable, optional
        Height of the ground at points (..., 2), in 3-D.

    Returns
    -------
    Axes
        The axes.
    """
    for place, shape, fill in [(start, "o", "white"), (lowest, "X", "black")]:
        if place is not None:
            place = np.asarray(place, float)
            where = place if height is None else np.append(place, height(place))
            ax.plot(*where[:, None], shape, color="black", markerfacecolor=fill, markersize=9, zorder=4)
    return ax
