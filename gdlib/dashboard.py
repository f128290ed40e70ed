"""The dashboard: the picture of what a monitor recorded, still or redrawn while the run goes on."""
from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gdlib import plots
from gdlib.display import in_notebook, say

if TYPE_CHECKING:
    from gdlib.monitor import History

MANY = 6  # more curves than this share a map of colours, and only the first, the middle and the last are named
BETWEEN = 0.1  # least distance between two names, as a share of the axes' height
NOTEBOOK, TERMINAL = 0.5, 2.0  # seconds between two pictures, and between two lines of text
SHARE = 4  # a picture is followed by at least this many times the time that it took
LIVE_DPI = 100
FEW = 60  # entries that are marked by dots
LARGEST = 1e300  # what is larger cannot be drawn


class Panel(NamedTuple):
    """One of the dashboard's small pictures.

    Parameters
    ----------
    title : str
        Title.
    curves : dict
        Values (k,) of each curve, {name: values}.
    log : bool
        True for a log scale, where no value is below 0.
    theory : tuple, optional
        Name and values, (k,) or a number, of a line that is drawn thin and black.
    """

    title: str
    curves: dict
    log: bool = True
    theory: tuple | None = None


def drawn(history: History) -> Figure:
    """Draw the dashboard of a History with at least one entry.

    Panels: loss, gradient norms, updates beside the weights; then dead units and sharpness where they were recorded,
    and the learning rate where a place is left. The line at 10⁻³ is a rule of thumb for the updates (Karpathy, 2016),
    the line at 2/η the stability limit of gradient descent.

    Parameters
    ----------
    history : History
        What was recorded.

    References
    ----------
    Karpathy (2016), CS231n: Convolutional neural networks for visual recognition, notes 3.
    """
    panels = _panels(history)
    rows = len(panels) // 2
    height = 0.2 + 2.4 * rows
    fig = Figure(figsize=(9.0, height))  # fixed margins: to lay it out anew would take longer than to draw it
    axes = fig.subplots(rows, 2, sharex=True)
    fig.subplots_adjust(left=0.065, right=0.895, wspace=0.42, bottom=0.5 / height, top=1 - 0.3 / height, hspace=0.3)
    for ax, panel in zip(axes.flat, panels, strict=True):
        _draw(ax, history.t, panel)
    for ax in axes[-1]:
        ax.set_xlabel("step")
    bad = ~np.isfinite(history.loss)
    if bad.any():
        for ax in axes.flat:
            ax.axvline(history.t[bad.argmax()], color=plots.VERMILLION, linestyle=":", linewidth=1.5)
        axes.flat[0].set_title("loss (dotted line: no longer finite)", loc="left", fontsize=10)
    return fig


def _panels(history):
    """The panels that this history fills; always an even number."""
    layers = history.layers
    losses = {"training": history.loss, "validation": history.validation_loss}
    panels = [
        Panel("loss", {name: values for name, values in losses.items() if not np.isnan(values).all()} or losses),
        Panel("gradient norm", dict(zip(layers, history.grad_norm.T, strict=True))),
        Panel("update / weights", dict(zip(layers, history.update_ratio.T, strict=True)),
              theory=("rule of thumb", 1e-3)),
    ]
    if history.units:
        panels.append(Panel("dead units, %", dict(zip(history.units, 100 * history.dead.T, strict=True)), log=False))
    if np.isfinite(history.sharpness).any():
        limit = ("2/η", 2 / np.where(history.lr > 0, history.lr, np.nan))
        descent = history.rule == "gradient_descent"
        panels.append(Panel("sharpness", {"": history.sharpness}, log=False, theory=limit if descent else None))
    if len(panels) % 2:
        panels.append(Panel("learning rate", {"": history.lr}, log=False))
    return panels


def _draw(ax: Axes, t, panel):
    """Draw one panel: its curves, each with its name at its end. On a log scale zeros are triangles at the bottom."""
    ax.set_title(panel.title, loc="left", fontsize=10)
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(True, axis="y", color="0.9", linewidth=0.8)
    ax.set_axisbelow(True)
    ends, log = [], panel.log and not any((values < 0).any() for values in panel.curves.values())
    for (name, values), (colour, style) in zip(panel.curves.items(), _looks(len(panel.curves)), strict=True):
        shown, zero = np.abs(values) < LARGEST, log & (values == 0)
        line = shown & ~zero
        ax.plot(t[line], values[line], color=colour, linestyle=style, marker="." if len(t) <= FEW else "", markersize=3)
        ax.plot(t[zero], np.zeros(zero.sum()), "v", color=colour, markersize=4, clip_on=False,
                transform=ax.get_xaxis_transform())
        if shown.any():
            ends.append((values[shown][-1], f"{name}: 0" if zero[shown][-1] else name, colour))
    if len(ends) > MANY:
        ends = [ends[i] for i in (0, len(ends) // 2, -1)]
    if panel.theory is not None and ends:
        name, values = panel.theory
        values = np.broadcast_to(values, t.shape)
        ax.plot(t, values, color="black", linewidth=0.8)
        ends += [(value, name, "black") for value in values[np.isfinite(values)][-1:]]
    if not ends:
        ax.text(0.5, 0.5, "nothing to show yet", transform=ax.transAxes, ha="center", color="0.4")
    _scale(ax, log)
    _name(ax, ends)


def _scale(ax, log):
    """Choose the limits and the ticks of the values; plain numbers, which are drawn faster than powers."""
    ax.tick_params(labelsize=8)
    values = np.concatenate([line.get_ydata() for line in ax.get_lines() if line.get_transform() == ax.transData])
    values = values[np.isfinite(values)]
    if not log:
        low, high = (min(0, values.min()), max(0, values.max())) if values.size else (0, 1)
        ax.set_ylim(1.08 * low, 1.08 * high if high > low else 1)
        return
    low, high = (np.log10(values.min()), np.log10(values.max())) if values.size else (-1, 0)
    room = max(0.06 * (high - low), (1 - (high - low)) / 2)  # a decade at least
    low, high = max(low - room, -300), min(high + room, 302)
    ax.set_yscale("log")
    ax.set_ylim(10.0**low, 10.0**high)
    step = int(np.ceil((high - low) / 5))
    decades = 10.0 ** np.arange(step * np.ceil(low / step), high, step)
    parts = decades if high - low > 2 else np.outer(10.0 ** np.arange(np.floor(low), high), (1, 2, 5)).ravel()
    ticks = [tick for tick in parts if low <= np.log10(tick) <= high]
    ax.set_yticks(ticks, [f"{tick:.0e}".replace("e-0", "e-").replace("e+0", "e+") if not 1e-3 <= tick <= 1e4 else
                          f"{tick:g}" for tick in ticks])
    ax.set_yticks([], minor=True)


def _looks(count):
    """Colour and line style of each of several curves."""
    if count <= MANY:
        return [(colour, style) for colour, style, _ in plots.CYCLE[:count]]
    from matplotlib import colormaps

    return [(colormaps["viridis"](share), "-") for share in np.linspace(0, 0.75, count)]


def _name(ax, ends):
    """Write names at the ends of curves, far enough from each other to be read."""
    to_axes = ax.transScale + ax.transLimits
    with np.errstate(divide="ignore"):
        placed = sorted((float(to_axes.transform((0, y))[1]), name, colour) for y, name, colour in ends if name)
    least = 0.0
    for i, (height, name, colour) in enumerate(placed):
        height = min(max(height, least), 1 - BETWEEN * (len(placed) - 1 - i))
        least = height + BETWEEN
        ax.text(1.01, height, name, transform=ax.transAxes, color=colour, fontsize=8, va="center")


class Screen:
    """Shows a run while it goes on; in a stored notebook only the last picture remains."""

    def __init__(self):
        self.output, self.due = None, time.monotonic() + NOTEBOOK

    def update(self, history: History, last: int | None = None) -> None:
        """Show what is recorded so far, if it is time.

        Parameters
        ----------
        history : History
            What is recorded.
        last : int, optional
            Step at which the run will end, where that is known.
        """
        begin = time.monotonic()
        if begin < self.due:
            return
        if in_notebook():
            self._picture(history)
        else:
            say(f"{history} ({history.t[-1] / last:.0%})" if last else str(history))
        took = time.monotonic() - begin
        self.due = begin + took + max(NOTEBOOK if in_notebook() else TERMINAL, SHARE * took)

    def _picture(self, history):
        from IPython.display import display

        # As in progress.py: the output begins and ends empty, and only its updates say something.
        self.output = self.output or display({}, raw=True, display_id=True)
        self.output.update(plots.bundle(drawn(history), history.describe(), LIVE_DPI), raw=True)

    def end(self, history: History) -> None:
        """Take the moving picture away, and show the last one.

        Parameters
        ----------
        history : History
            What was recorded.
        """
        if self.output is not None:
            self.output.update({}, raw=True)
        if len(history):
            history.show()
