"""Lesson 08's films: each function takes what a cell computed, and gives `plots.film` its figure, draw and frames."""
import numpy as np
from matplotlib.patches import Rectangle

from gdlib import distributed, plots


class Noted(distributed.Network):
    """A network that keeps what it carried: in `carried`, for each round its (from, to, array)."""

    def __init__(self, n):
        super().__init__(n)
        self.carried = []

    def exchange(self, sends):
        self.carried.append([(source, target, array.copy()) for source, target, array in sends])
        return super().exchange(sends)


def buckets(pieces, carried):
    """The ring's buckets going round.

    Parameters
    ----------
    pieces : ndarray
        What is in the buckets at first, (n, n): 10ʳ in those of worker r, so that digits tell whose pieces are in it.
    carried : list
        What a `Noted` network carried in 2(n − 1) rounds.
    """
    n, whole, (states, moves) = len(pieces), pieces.sum(axis=0), _rounds(pieces, carried)
    fig, ax = plots.grid(width=7.2, height=4.2)
    ax.set(xlim=(-2.8, 2.8), ylim=(-1.6, 1.6), aspect="equal")
    ax.axis("off")
    middle = [(2.65 * np.cos(angle), 1.35 * np.sin(angle)) for angle in np.pi * (0.75 - 2 * np.arange(n) / n)]
    for r, (x, y) in enumerate(middle):
        ax.annotate(f"worker {r}", (x, y + np.copysign(0.36, y)), ha="center", va="center", fontsize=12)
    resting = {(r, p): _bucket(ax) for r in range(n) for p in range(n)}
    moving = [_bucket(ax, height=5) for _ in range(n)]
    told = ax.text(0, 0, "", ha="center", va="center", fontsize=13, animated=True)

    def place(r, p):
        return np.array(middle[r]) + [0.42 * (p - (n - 1) / 2), 0]

    def draw(frame):
        turn, share = frame
        for (r, p), bucket in resting.items():
            _fill(bucket, place(r, p), states[turn][r, p], whole[p])
        eased = share * share * (3 - 2 * share)
        for bucket, (source, target, p, value) in zip(moving, moves[turn], strict=True):
            where = (1 - eased) * place(source, p) + eased * place(target, p)
            _fill(bucket, where, value, whole[p], shown=share > 0)
        words = "the buckets fill" if turn < n - 1 else "the full ones go round"
        over = turn == len(carried)
        told.set_text("everybody has\nevery sum" if over else f"round {turn + 1} of {len(carried)}:\n{words}")

    shares = np.linspace(0, 1, 9)[:-1]
    return fig, draw, [(turn, share) for turn in range(len(carried)) for share in shares] + [(len(carried), 0)]


def _rounds(pieces, carried):
    """What the workers hold before and after each round; and (from, to, which piece, value) of all that moves in it."""
    n, states, moves = len(pieces), [pieces.copy()], []
    for turn, sends in enumerate(carried):
        now, adding = states[-1].copy(), turn < n - 1
        moves.append([(source, target, (source - turn) % n, int(array[0])) for source, target, array in sends])
        for _, target, p, value in moves[-1]:
            now[target, p] = value + now[target, p] * adding
        states.append(now)
    return states, [*moves, moves[-1]]


def watch(pool):
    """A list that fills with (rank, begin, end) of every call that the simulated pool is asked for from now on."""
    calls, call = [], pool.call

    def noted(rank, *asked):
        ticket = call(rank, *asked)
        free = max((end for other, _, end in calls if other == rank), default=0.0)
        calls.append((rank, max(pool.now(), free), ticket.when[0]))
        return ticket

    pool.call = noted
    return calls


def strips(calls, staleness, stories, until=20.0):
    """When each worker works and when it waits, as strips that grow; beside them what it does to the loss.

    Parameters
    ----------
    calls : dict
        "waiting", then "not waiting": what `watch` noted, of four workers each, of which 0 is slow.
    staleness : ndarray
        That of each gradient of those who don't wait, in the order of their ends.
    stories : dict
        (workers, whether one is slow) -> seconds and loss at every 10th update, and the staleness of all.
    until : float
        The seconds that are shown.
    """
    fig, axes = plots.grid(2, 2, height=4.8, gridspec_kw={"width_ratios": [1.7, 1]})
    for ax, noted in zip(axes[:, 0], calls.values(), strict=True):
        _working_time(ax, noted, until)
    for age, (rank, begin, end) in zip(staleness, sorted(noted, key=lambda call: call[2]), strict=False):
        if end < until:
            ax.text((begin + end) / 2, 3 - rank, age, ha="center", va="center", fontsize=9)
    axes[0, 0].set_title("Who waits (hatched), waits for the slowest", loc="left", fontsize=11)
    axes[1, 0].set_title("Who doesn't, brings old gradients: so many updates old", loc="left", fontsize=11)
    axes[1, 0].set_xlabel("seconds (simulated)")
    _losses(axes[:, 1], stories)
    cover = dict(width=until, height=3.94, color="white", zorder=4, animated=True)
    covers = [ax.add_patch(Rectangle((0, -0.47), **cover)) for ax in axes[:, 0]]

    def draw(now):
        for cover in covers:
            cover.set_x(now)

    return fig, draw, np.linspace(0, until, 50)


def _working_time(ax, noted, until):
    ax.barh(range(4), until, color="white", edgecolor="0.75", hatch="///", height=0.72, linewidth=0)
    for rank, begin, end in noted:
        colour = "#e8b796" if rank == 0 else "#9cc9e3"
        ax.barh(3 - rank, end - begin, left=begin, color=colour, edgecolor="white", height=0.72)
    ax.set(xlim=(0, until), ylim=(-0.5, 3.5), xticks=range(0, int(until) + 1, 5))
    ax.set_yticks(range(4), ["3", "2", "1", "slow: 0"])
    ax.grid(False)


def _losses(axes, stories):
    for (n, slow), (colour, line, _) in zip(stories, plots.CYCLE, strict=False):
        when, loss, _ = stories[n, slow]
        style = dict(color=colour, linestyle=line, label=f"{n}{', one slow' if slow else ''}")
        axes[0].plot(np.arange(0, 10 * len(loss), 10), loss, **style)
        axes[1].plot(when, loss, **style)
    axes[0].set(xlabel="updates", ylabel="loss", ylim=(0, 1.2))
    axes[1].set(xlabel="seconds (simulated)", ylabel="loss", xlim=(0, 400), ylim=(0, 1.2))
    axes[0].legend(frameon=False, title="workers, not waiting", fontsize=9)


def _bucket(ax, height=2):
    rim = ax.add_patch(Rectangle((0, 0), 0.38, 0.34, facecolor="white", edgecolor="0.4", animated=True, zorder=height))
    level = ax.add_patch(Rectangle((0, 0), 0.38, 0.1, animated=True, zorder=height + 0.1))
    words = {"ha": "center", "va": "center", "fontsize": 9, "family": "monospace"}
    return rim, level, ax.text(0, 0, "", animated=True, zorder=height + 0.2, **words)


def _fill(bucket, place, value, whole, shown=True):
    rim, level, text = bucket
    corner, share = np.subtract(place, [0.19, 0.17]), str(value).count("1") / str(whole).count("1")
    rim.set_xy(corner)
    level.set(xy=corner, height=0.34 * share, facecolor="#7fc8a9" if value == whole else "#a9cfe8")
    text.set(position=place, text=f"{value:0{len(str(whole))}d}", fontweight="bold" if value == whole else "normal")
    for artist in bucket:
        artist.set_visible(shown)


HOLDER = [plots.OKABE_ITO[name] for name in ("sky", "orange", "green", "purple")]  # of worker 0, 1, 2, 3


def _cells(ax, left, bottom, who, size=0.22):
    """A table of squares, coloured and numbered by the worker that has each; None: everybody has it."""
    for row, holders in enumerate(reversed(who)):
        for column, rank in enumerate(holders):
            corner = (left + column * size, bottom + row * size)
            colour = "0.9" if rank is None else HOLDER[rank]
            ax.add_patch(Rectangle(corner, size, size, facecolor=colour, edgecolor="white", linewidth=1.5))
            if rank is not None:
                ax.text(corner[0] + size / 2, corner[1] + size / 2, rank, ha="center", va="center", fontsize=9)


def _split(ax, title, model, rows, words):
    ax.set(xlim=(-0.06, 2.06), ylim=(-0.55, 1.12), aspect="equal")
    ax.axis("off")
    ax.set_title(title, fontsize=12, loc="left", fontweight="bold")
    for left, name, who in [(0, "model", model), (1.12, "batch", rows)]:
        _cells(ax, left, 0, who)
        ax.text(left, 0.95, name, fontsize=10, color="0.35")
    ax.text(0, -0.1, words, fontsize=9.5, va="top", color="0.2", linespacing=1.25)


def who_holds_what():
    """Six ways to share a training step among four workers: who holds which part of the model and of the batch.

    A model's rows are its layers, its columns the units of a layer. A batch's rows are its examples, its columns their
    positions (the words of a text).
    """
    everybody = [[None] * 4] * 4
    by_row, by_column = [[rank] * 4 for rank in range(4)], [[0, 1, 2, 3]] * 4
    fig, axes = plots.grid(3, 2, width=10.4, height=5.4)
    ways = [
        ("data parallel", everybody, by_row, "everyone: whole model, own rows\nsent: the sum of the gradients"),
        ("ZeRO, FSDP", by_column, by_row,
         "each keeps a slice, and lends it\nsent: slices there, gradients back"),
        ("pipeline", by_row, everybody, "each has some layers\nsent: what one layer tells the next"),
        ("tensor", by_column, everybody, "each has a slice of every layer\nsent: what comes out, at every layer"),
        ("sequence", everybody, by_column, "each has some positions of all\nsent: what attention looks back at"),
        ("expert", [[None] * 4, [0, 1, 2, 3], [None] * 4, [0, 1, 2, 3]], by_row,
         "some layers have four experts\nsent: each example to its expert"),
    ]
    for ax, way in zip(axes.flat, ways, strict=True):
        _split(ax, *way)
    return fig


def one_worker_saves(parts=4):
    """Two ways in which one worker saves memory: gradients of small batches added up; and 16 bits where they do."""
    fig, (left, right) = plots.grid(2, width=10.4, height=2.6)
    for part in range(parts):
        left.add_patch(Rectangle((part, 0.55), 0.9, 0.4, facecolor=HOLDER[0], edgecolor="white"))
        left.text(part + 0.45, 0.75, f"rows {part + 1}/{parts}", ha="center", va="center", fontsize=9)
        left.add_patch(Rectangle((part, 0), 0.9, 0.4 * (part + 1) / parts, facecolor=HOLDER[1]))
    left.text(parts + 0.05, 0.2, "one step", fontsize=10, va="center")
    left.text(0, -0.12, "the sum of their gradients", fontsize=10, va="top", color="0.3")
    left.set(xlim=(-0.1, parts + 1), ylim=(-0.35, 1.1))
    left.set_title("gradient accumulation", fontsize=12, loc="left", fontweight="bold")
    at = 0
    for name, nbytes, bits in [("to compute with", 2, 16), ("gradient", 2, 16), ("parameter", 4, 32),
                               ("Adam's m", 4, 32), ("Adam's v", 4, 32)]:
        colour = HOLDER[0] if bits == 16 else HOLDER[2]
        right.add_patch(Rectangle((at, 0.2), nbytes - 0.08, 0.5, facecolor=colour, hatch="" if bits == 16 else "//",
                                  edgecolor="white"))
        right.text(at + nbytes / 2, 0.78, name, ha="left", rotation=22, fontsize=9)
        right.text(at + nbytes / 2, 0.12, f"{bits} bits", ha="center", va="top", fontsize=9)
        at += nbytes
    right.set(xlim=(-0.1, 19), ylim=(-0.35, 1.5))
    right.set_title(f"mixed precision: {at} bytes a parameter", fontsize=12, loc="left", fontweight="bold")
    for ax in (left, right):
        ax.axis("off")
    return fig
