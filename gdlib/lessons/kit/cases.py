"""All cases of a trial in one picture, from the rows that are stored: nothing is run."""
import math
import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.ticker import LogLocator, NullFormatter

from gdlib import plots
from gdlib.lessons.kit.axes import Axis
from gdlib.lessons.kit.trial import Row, Trial
from gdlib.lessons.kit.verdicts import BACKWARDS, HOLDS, NO_EFFECT, OTHER, TOO_WIDE

# What a case says: its colour, its marker and the marker's face, so that no colour stands alone.
LOOK = {
    HOLDS: (plots.OKABE_ITO["blue"], "o", plots.OKABE_ITO["blue"]),
    OTHER: (plots.OKABE_ITO["orange"], "s", plots.OKABE_ITO["orange"]),
    NO_EFFECT: ("0.35", "o", "white"),
    BACKWARDS: (plots.OKABE_ITO["vermillion"], "v", plots.OKABE_ITO["vermillion"]),
    TOO_WIDE: ("0.55", "D", "white"),
}
LINEAR = 300  # effects up to so many times the smallest that matters fit on an even scale


def picture(trial: Trial, rows: Sequence[Row]) -> None:
    """Show every case as a dot with its 95 % interval, inside and outside the condition apart.

    Upward is the effect, with a line at the smallest that matters. Across is what orders the effects best: see `order`.

    Parameters
    ----------
    trial : Trial
        A claim's trial.
    rows : sequence of Row
        Its cases.
    """
    sides = _sides(rows)
    across, explained = best_order(trial, rows)
    fig, panels = plots.grid(len(sides), height=4.2, sharey=True, squeeze=False)
    for ax, part in zip(panels[0], sides, strict=True):
        _dots(ax, trial, part, across)
        ax.set_title(heading(trial, part), fontsize=11)
    _height(panels[0], trial, rows)
    fig.supxlabel(_across(trial, across, explained), fontsize=10)
    panels[0][0].set_ylabel("\n".join(textwrap.wrap(trial.unit, 36)))
    used = [said for said in LOOK if said in {trial.says(row.outcome) for row in rows}]
    handles = [_dot(panels[0][0], [], [], said) for said in used]
    handles += panels[0][0].plot([], [], color="black", linewidth=1, linestyle="--")
    fig.legend(handles, [*used, _limits(trial)], loc="outside upper center", ncols=6, fontsize=9, frameon=False)
    plots.show(fig, alt(trial, rows))


def alt(trial: Trial, rows: Sequence[Row]) -> str:
    """What the picture shows, in words."""
    across, _ = best_order(trial, rows)
    panels = " ".join(f"{heading(trial, part).capitalize()}, with effects {_span(part)}." for part in _sides(rows))
    return (f"Dots with 95 % intervals, one per case of {trial.claim}. Upward: {trial.unit}. Across: "
            f"{_plain(trial.axes[across])}. {panels} Dashed: {_limits(trial)}.")


def heading(trial: Trial, part: Sequence[Row]) -> str:
    """How many cases of one side hold, of those that are narrow enough to say."""
    says = [trial.says(row.outcome) for row in part]
    side = "all cases" if trial.met is None else "condition met" if part[0].inside else "condition not met"
    wide = says.count(TOO_WIDE)
    return f"{side}: {says.count(HOLDS)} of {len(says) - wide} hold" + (f", {wide} too wide to say" if wide else "")


def best_order(trial: Trial, rows: Sequence[Row]) -> tuple[str, float]:
    """The axis that orders the effects best, and which share of their ranks' variance it explains."""
    shares = {name: order(trial, rows, name) for name in trial.axes}
    return max(shares.items(), key=lambda item: item[1])


def order(trial: Trial, rows: Sequence[Row], name: str) -> float:
    """Which share of the variance of the effects' ranks an axis explains, 0 to 1.

    The ranks are taken inside and outside the condition apart, because the picture has a panel for each. The cases go
    into groups: one per value of the axis, or four of equal number. As more groups explain more by chance, the share is
    adjusted: 1 − (1 − R²)(n − 1)/(n − k), for n cases in k groups. Effects that differ by less than a thousandth of the
    smallest that matters count as equal.

    Parameters
    ----------
    trial : Trial
        A claim's trial.
    rows : sequence of Row
        Its cases.
    name : str
        The axis.
    """
    total = within = cases = groups = 0
    fine = 1e-3 * abs(trial.smallest) or 1e-12
    for part in _sides(rows):
        ranks = _ranks(np.round(np.array([row.outcome.effect for row in part]) / fine))
        label = _groups(trial.axes[name], np.array([getattr(row.case, name) for row in part], dtype=object))
        total += float(((ranks - ranks.mean()) ** 2).sum())
        within += sum(float(((ranks[label == k] - ranks[label == k].mean()) ** 2).sum()) for k in sorted(set(label)))
        cases, groups = cases + len(part), groups + len(set(label))
    return max(0.0, 1 - (within / total) * (cases - 1) / (cases - groups)) if total else 0.0


def _sides(rows):
    """The cases inside the condition, and those outside if there are any."""
    sides = [[row for row in rows if row.inside is side] for side in (True, False)]
    return [part for part in sides if part]


def _ranks(x):
    """1, 2, … in the order of x; equal values share the mean of their ranks."""
    _, place, count = np.unique(x, return_inverse=True, return_counts=True)
    return (np.cumsum(count) - (count - 1) / 2)[place]


def _groups(axis, values):
    """The group of each value: the values themselves, or the quarters of their ranks."""
    if axis.values:
        return np.array([str(value) for value in values])
    ranks = _ranks(values.astype(float))
    return np.ceil(4 * ranks / len(ranks)).astype(int)


def _dots(ax, trial, part, across):
    """One side's cases, each a dot with its interval."""
    axis = trial.axes[across]
    x = _places(axis, [getattr(row.case, across) for row in part], [row.outcome.effect for row in part])
    effect, low, high = np.array([row.outcome for row in part]).T
    says = np.array([trial.says(row.outcome) for row in part])
    for said in LOOK:
        these = says == said
        ax.vlines(x[these], low[these], high[these], color=LOOK[said][0], linewidth=1.2, alpha=0.7)
        _dot(ax, x[these], effect[these], said)
    if axis.values:
        ax.set_xticks(range(len(axis.values)), [_short(value) for value in axis.values])
        ax.set_xlim(-0.6, len(axis.values) - 0.4)
        if max(len(_short(value)) for value in axis.values) > 6 and len(axis.values) > 2:
            ax.tick_params(axis="x", labelrotation=25)
    elif axis.log:
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(subs=(1,) if axis.span[1] > 50 * axis.span[0] else (1, 2, 5)))
        ax.xaxis.set_major_formatter("{x:g}")
        ax.xaxis.set_minor_formatter(NullFormatter())


def _limits(trial):
    """What the dashed lines are."""
    if math.isinf(trial.most):
        return f"smallest effect that matters, {trial.smallest:g}"
    return f"it holds between {trial.smallest:g} and {trial.most:g}"


def _dot(ax, x, y, said):
    colour, marker, face = LOOK[said]
    return ax.plot(x, y, marker, color=colour, markerfacecolor=face, markersize=5)[0]


def _places(axis, values, effects):
    """Where the dots are across; those of one value side by side, in the order of their effects."""
    if not axis.values:
        return np.array(values, float)
    x = np.array([axis.values.index(value) for value in values], float)
    effects = np.array(effects)
    for k in set(x):
        here = np.flatnonzero(x == k)
        x[here[np.argsort(effects[here], kind="stable")]] += np.linspace(-0.35, 0.35, len(here) + 2)[1:-1]
    return x


def _height(panels, trial, rows):
    """The scale upward: even, or even within the smallest bound and logarithmic beyond it. Lines at the bounds.

    What is too wide to say may lie far away. Then it stands at the edge, and is counted there.
    """
    narrow = [row.outcome for row in rows if trial.says(row.outcome) != TOO_WIDE]
    low, high = min(outcome.low for outcome in narrow), max(outcome.high for outcome in narrow)
    bounds = {"smallest": trial.smallest, "largest": trial.most}
    bounds = {name: bound for name, bound in bounds.items() if math.isfinite(bound)}
    sizes = [abs(bound) for bound in bounds.values() if bound]
    uneven = bool(sizes) and max(-low, high) > LINEAR * min(sizes)
    for ax in panels:
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(False, axis="x")
        for bound in bounds.values():
            ax.axhline(bound, color="black", linewidth=1, linestyle="--", zorder=1)
    if uneven:
        panels[0].set_yscale("symlog", linthresh=min(sizes))
        panels[0].yaxis.get_major_locator().set_params(numticks=7)
        return
    low, high = min(low, *bounds.values()), max(high, *bounds.values())
    panels[0].set_ylim(low - 0.06 * (high - low), high + 0.06 * (high - low))
    far = sum(not low <= row.outcome.effect <= high for row in rows)
    if far:
        panels[-1].annotate(f"{far} too wide to say, and beyond the picture", (0.02, 0.03), xycoords="axes fraction",
                            fontsize=8)


def _across(trial, name, explained):
    """The words below the picture: what is across, and why."""
    axis = trial.axes[name]
    words = _plain(axis)
    if len(trial.axes) > 1:
        hardly = "" if explained >= 0.1 else ", though hardly"
        words += f"\nof the {len(trial.axes)} things that vary, the one that orders the effects best{hardly}"
    return words + ("; within a value: in the order of the effects" if axis.values else "")


def _span(part):
    low, high = (f"{end([row.outcome.effect for row in part]):.3g}" for end in (min, max))
    return f"from {low} to {high}" if low != high else f"of {low}"


def _plain(axis: Axis) -> str:
    return axis.about.strip(" ,:")


def _short(value):
    return f"{value:g}" if isinstance(value, float) else str(value)
