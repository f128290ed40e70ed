"""Lesson 08: the ring of buckets, who waits for whom, and gradients that come late."""
import numpy as np
from matplotlib.collections import LineCollection, PolyCollection

import gdlib as gd
from gdlib.lessons.kit.explorer import (
    Choice,
    Explorer,
    LogSlider,
    Slider,
    WholeSlider,
    counted,
    fixed,
    mark,
    number,
    place_on,
    place_words,
)
from gdlib.plots import BLUE, METHOD, VERMILLION, ground

# --- stale ------------------------------------------------------------------------------------------------------------

CURVATURES = (1.0, 0.1)  # of the bowl
bowl = gd.quadratic(CURVATURES)
UPDATES, SHOWN = 400, 200
LOW, HIGH = 1e-6, 1e3
MAP_BOX, SIDE = (0.075, 0.155, 0.36, 0.80), 2.0
COLOUR, _ = METHOD["descent"]


class stale(Explorer):
    """Workers that don't wait for one another, on a bowl of curvatures 1 and 0.1: does the walk arrive?

    With n workers n(delay + 1) gradients are under way. Each is n(delay + 1) − 1 updates old when it arrives.
    A click on the map chooses the start.

    Parameters
    ----------
    workers : int
        How many workers there are; they are equally fast and take turns.
    delay : int
        How many further gradients each has under way while it waits for new parameters.
    lr : float
        η, the learning rate of the server's updates.
    x, y : float
        Where the walk begins.
    updates : int
        How many updates are shown.
    """

    controls = {
        "workers": WholeSlider("workers", 4, 1, 16),
        "delay": WholeSlider("delay", 0, 0, 4),
        "lr": LogSlider("rate", 0.4, 0.01, 10.0, 0.05),
        "x": Slider("start θ₁", 1.0, -2.0, 2.0, 0.1),
        "y": Slider("start θ₂", -1.0, -2.0, 2.0, 0.1),
        "updates": WholeSlider("updates", SHOWN, 0, SHOWN),
    }
    moving = "updates"

    def picked(self, x, y):
        """The controls that a click sets."""
        place = place_on(MAP_BOX, (-SIDE, SIDE), (-SIDE, SIDE), x, y)
        return {k: self.controls[k].nearest(at) for k, at in zip("xy", place or (), strict=False)}

    @staticmethod
    def picture(state):
        under_way = state["workers"] * (state["delay"] + 1)
        tau, lr = under_way - 1, state["lr"]
        start, late = (state["x"], state["y"]), gd.delayed(bowl, tau)
        path = gd.run(bowl, gd.gradient_descent(lr), start, UPDATES, oracle=late).theta
        path = np.where(np.isfinite(path), np.clip(path, -1e9, 1e9), 1e9)
        edge = stale_limit(tau, max(CURVATURES))
        factor = max(slowest_root(lr * curvature, tau) for curvature in CURVATURES)
        data = {
            "scene": None,
            "path": path[: state["updates"] + 1],
            "distance": np.clip(np.linalg.norm(path[: state["updates"] + 1], axis=1), LOW, HIGH),
        }
        far = number(np.linalg.norm(path[state["updates"]]), 2)
        shown = f"After {counted(state['updates'], 'update')}: distance {far}. " if state["updates"] < SHOWN else ""
        words = (
            f"{shown}From {place_words(*start)}: {counted(state['workers'], 'worker')}, "
            f"{counted(under_way, 'gradient')} under way: each is "
            f"{counted(tau, 'update')} old. Rate × curvature is {number(lr * max(CURVATURES))}, the edge {number(edge)}"
        )
        if lr >= edge:
            by = f"by about {number(factor, 4)}" if factor > 1.001 else "by a little more than 1"
            return data, f"{words}: not stable, each update multiplies the distance {by}."
        swings = slowest_swings(lr, tau)
        how = "swings and arrives" if swings else "glides in"
        return data, f"{words}: stable, it {how}; in the end each update leaves {number(factor, 4)} of the distance."

    @staticmethod
    def draw(fig, scene):
        land, far = fig.add_axes(MAP_BOX), fig.add_axes((0.535, 0.155, 0.44, 0.80))
        ground(land, bowl, np.linspace(-SIDE, SIDE, 200), np.linspace(-SIDE, SIDE, 200))
        mark(land, "lowest").set_data([0], [0])
        land.set(xlim=(-SIDE, SIDE), ylim=(-SIDE, SIDE), xticks=range(-2, 3), yticks=range(-2, 3))
        land.set_xlabel("θ₁ (curvature 1)", fontsize=13, labelpad=1)
        land.set_ylabel("θ₂ (curvature 0.1)", fontsize=13, labelpad=-4)
        far.set(xlim=(-3, SHOWN + 3), ylim=(LOW / 2, 2 * HIGH), yscale="log")
        far.set_xlabel("update", fontsize=13)
        far.set_ylabel("distance from the lowest point", fontsize=13)
        far.grid(axis="y", color="0.9")
        for ax in (land, far):
            ax.tick_params(labelsize=12)
        artists = {
            "path": land.plot([], [], "-", color=COLOUR, linewidth=1.4, marker="o", markersize=3.5)[0],
            "start": mark(land, "start"),
            "end": mark(land, "now", COLOUR),
            "distance": far.plot([], [], color=COLOUR, linewidth=2.5)[0],
        }
        land.legend(handles=[artists["start"], artists["end"]], loc="upper right", fontsize=11, framealpha=1)
        return artists

    @staticmethod
    def update(artists, data):
        path = data["path"]
        artists["path"].set_data(*path.T)
        artists["start"].set_data(*path[:1].T)
        end = path[-1]
        inside = bool((np.abs(end) <= 2).all())
        artists["end"].set_data([end[0]] if inside else [], [end[1]] if inside else [])
        artists["distance"].set_data(np.arange(len(path)), data["distance"])


def stale_limit(tau, curvature):
    """The largest stable learning rate on a bowl where each gradient is tau updates old: 2 sin(π/(2(2τ + 1)))/λ."""
    return 2 * np.sin(np.pi / (2 * (2 * tau + 1))) / curvature


def stale_roots(rate_times_curvature, tau):
    """The roots of z^(τ+1) − z^τ + ηλ: the factors with which a walk on gradients τ updates old may go."""
    polynomial = np.zeros(tau + 2)
    polynomial[0], polynomial[1] = 1.0, -1.0
    polynomial[-1] += rate_times_curvature
    return np.roots(polynomial)


def slowest_root(rate_times_curvature, tau):
    """The largest factor in size: what each update leaves of the distance, in the long run."""
    return float(np.abs(stale_roots(rate_times_curvature, tau)).max())


def slowest_swings(lr, tau):
    """Whether the slowest direction swings: its largest factor is complex or negative."""
    found = np.concatenate([stale_roots(lr * curvature, tau) for curvature in CURVATURES])
    slowest = found[np.abs(found).argmax()]
    return bool(abs(slowest.imag) > 1e-6 * abs(slowest) or slowest.real < 0)


# --- ring -------------------------------------------------------------------------------------------------------------

SIZES = (2, 3, 4, 6, 8)


def held_after(n, rounds):
    """What is in the buckets after so many rounds, and who sends which piece next.

    Returns
    -------
    share : array (n, n)
        What share of the whole sum is in each worker's bucket for each piece.
    sends : list of (int, int)
        (worker, piece) of the next round; empty when all is done.
    """
    share = np.full((n, n), 1.0 / n)
    for turn in range(rounds):
        before = share.copy()
        for r, p in _sends(n, turn):
            to = (r + 1) % n
            share[to, p] = before[r, p] + (before[to, p] if turn < n - 1 else 0)
    return share, _sends(n, rounds) if rounds < 2 * (n - 1) else []


def _sends(n, turn):
    """(worker, piece) of all that is sent in a round: each sends the piece that it has just got."""
    return [(r, (r - turn) % n) for r in range(n)]


class ring(Explorer):
    """All-reduce in a ring, round by round: how full each worker's buckets are, and what each has sent.

    Parameters
    ----------
    workers : {2, 3, 4, 6, 8}
        How many workers; each has cut its vector into as many pieces, one in each bucket.
    rounds : int
        How many rounds are done.
    """

    controls = {
        "workers": Choice("workers", 4, SIZES),
        "rounds": WholeSlider("rounds", 3, 0, 6),
    }
    moving = "rounds"

    @classmethod
    def fitted(cls, workers):
        return {**cls.controls, "rounds": WholeSlider("rounds", workers - 1, 0, 2 * (workers - 1))}

    @staticmethod
    def picture(state):
        n, rounds = state["workers"], state["rounds"]
        share, sends = held_after(n, rounds)
        full = int((share > 1 - 1e-9).sum())
        data = {"scene": n, "share": share, "sends": sends, "sent": rounds / n}
        words = f"After {counted(rounds, 'round')} of {2 * (n - 1)}, with {n} workers: {full} of {n * n} buckets "
        words += f"hold the whole sum. Each worker has sent {number(rounds / n, 2)} times its vector. "
        if not sends:
            return data, words + "Everybody has every sum."
        if rounds < n - 1:
            return data, words + "Next, each sends the marked bucket to its neighbour, who adds it to its own."
        return data, words + "Next, each passes the marked full bucket on to its neighbour, who keeps it."

    @staticmethod
    def draw(fig, scene):
        land, chart = fig.add_axes((0.0, 0.0, 0.62, 1.0)), fig.add_axes((0.69, 0.30, 0.28, 0.48))
        land.set(xlim=(-3.1, 3.1), ylim=(-2.0, 2.0))
        land.axis("off")
        for r, (x, y) in enumerate(_places(scene)):
            at, side = ((x, y + 0.58), "bottom") if y > 0.3 else ((x, y - 0.1), "top")  # outside the ring
            land.annotate(f"worker {r}", at, ha="center", va=side, fontsize=11)
        rims = PolyCollection(_buckets(scene, np.ones((scene, scene))), facecolors="white", edgecolors="0.5")
        land.add_collection(rims)
        _compare(chart, scene)
        return {
            "level": land.add_collection(PolyCollection([], edgecolors="none")),
            "marked": land.add_collection(PolyCollection([], facecolors="none", edgecolors=VERMILLION, linewidths=2.5)),
            "arrows": land.add_collection(PolyCollection([], facecolors=VERMILLION)),
            "sent": chart.plot([], [], color=BLUE, linewidth=16, solid_capstyle="butt")[0],
        }

    @staticmethod
    def update(artists, data):
        share, sends = data["share"], data["sends"]
        n = len(share)
        artists["level"].set_verts(_buckets(n, share))
        artists["level"].set_facecolors(["#7fc8a9" if full else "#a9cfe8" for full in share.ravel() > 1 - 1e-9])
        rims = _buckets(n, np.ones((n, n)))
        artists["marked"].set_verts([rims[r * n + p] for r, p in sends])
        artists["arrows"].set_verts(_arrows(n) if sends else [])
        artists["sent"].set_data([0, data["sent"]], [0, 0])


def _places(n):
    """Where each worker's buckets stand: the middle of their lower edge, clockwise from the upper left."""
    angle = np.pi * (0.75 - 2 * np.arange(n) / n)
    return np.stack([2.15 * np.cos(angle), 1.35 * np.sin(angle) - 0.2], axis=-1)


def _buckets(n, share):
    """The corners of every bucket's filled part, worker by worker: (n², 4, 2)."""
    wide = min(0.36, 1.5 / n)
    left = _places(n)[:, None, 0] + wide * (np.arange(n) - n / 2) + 0.03
    low = np.repeat(_places(n)[:, 1:], n, axis=1)
    right, high = left + wide - 0.06, low + 0.5 * share
    corners = [(left, low), (right, low), (right, high), (left, high)]
    return np.stack([np.stack(corner, axis=-1) for corner in corners], axis=2).reshape(n * n, 4, 2)


def _arrows(n):
    """An arrowhead between each worker and the next: (n, 3, 2)."""
    places = _places(n) + [0, 0.15]
    step = np.roll(places, -1, axis=0) - places
    along = 0.14 * step / np.linalg.norm(step, axis=-1, keepdims=True)
    across, middle = along[:, ::-1] * (-1, 1), 0.85 * (places + (0.62 if n == 2 else 0.5) * step)
    return np.stack([middle + along, middle - along + 0.7 * across, middle - along - 0.7 * across], axis=1)


def _compare(ax, n):
    """What the busiest worker sends or receives in a star, a tree and a ring, counted over a network."""
    ways = {"star": gd.distributed.naive, "tree": gd.distributed.tree, "ring": gd.distributed.ring}
    for row, all_reduce in enumerate(ways.values()):
        wire = gd.distributed.Network(n)
        all_reduce([np.ones(24 * n)] * n, wire)
        busiest = wire.busiest / (24 * n * 8)
        ax.barh(2 - row, busiest, height=0.5, color="0.88", edgecolor="0.6")
        ax.annotate(f"{number(busiest, 3)} in {wire.rounds} rounds", (0, 2.33 - row), fontsize=11, color="0.2")
    ax.set(xlim=(0, 2 * (n - 1) * 1.02), ylim=(-0.5, 2.75), yticks=[])
    ax.set_yticks([2, 1, 0], ways, fontsize=12)
    ax.set_title("the busiest worker's load, in vectors\n(blue: the ring so far)", fontsize=12, loc="left")


# --- stragglers -------------------------------------------------------------------------------------------------------

UNTIL, MEASURED = 20.0, 60  # seconds that are shown; steps over which the mean is taken
LEAST = 0.5  # the seconds that every gradient takes


def work(workers, wait_for, tail, steps=MEASURED, seed=0):
    """Synchronous steps that go on with the first so many answers.

    A call takes ½ s and an exponentially distributed rest. A worker that is still busy gets no new call before it has
    answered the old one, and that answer is dropped.

    Returns
    -------
    calls : list of (int, float, float, bool)
        Rank, begin, end, and whether the answer was taken.
    ends : list of float
        When each step was done.
    """
    rng, now, busy, calls, ends = np.random.default_rng(seed), 0.0, {}, [], []
    for step in range(steps):
        for rank in sorted(set(range(workers)) - set(busy)):
            busy[rank] = now, now + LEAST + tail * rng.exponential(), step
        taken = 0
        while taken < wait_for:
            rank = min(busy, key=lambda rank: busy[rank][1])
            begin, now, asked = busy.pop(rank)
            calls.append((rank, begin, now, asked == step))
            taken += asked == step
            if asked < step:
                busy[rank] = now, now + LEAST + tail * rng.exponential(), step
        ends.append(now)
    return [*calls, *((rank, begin, end, False) for rank, (begin, end, _) in busy.items())], ends


class stragglers(Explorer):
    """Workers that take a little longer now and then: who works, who waits, and how long a step takes.

    Parameters
    ----------
    workers : int
        How many workers there are.
    wait_for : int
        The step goes on with the first so many answers; with more than there are workers, it waits for all.
    tail : float
        A gradient takes ½ s and a random rest, exponentially distributed; this is its mean, in seconds.
    seconds : float
        How many seconds are shown.
    """

    controls = {
        "workers": WholeSlider("workers", 8, 2, 16),
        "wait_for": WholeSlider("wait for", 8, 1, 16),
        "tail": Slider("tail (s)", 0.5, 0.0, 2.0, 0.1),
        "seconds": Slider("time (s)", UNTIL, 0.5, UNTIL, 0.5),
    }
    moving = "seconds"

    @staticmethod
    def picture(state):
        n, tail, now = state["workers"], state["tail"], state["seconds"]
        first = min(state["wait_for"], n)
        calls, ends = work(n, first, tail)
        shown = [(rank, begin, min(end, now), taken or end > now) for rank, begin, end, taken in calls if begin < now]
        busy = sum(end - begin for _, begin, end, _ in shown) / (n * now)
        lost = sum(end - begin for _, begin, end, taken in shown if not taken) / (n * now)
        afresh = LEAST + tail * np.array([sum(1 / k for k in range(n - m + 1, n + 1)) for m in range(1, n + 1)])
        mean = ends[-1] / len(ends)
        done = [end for end in ends if end <= now]
        data = {"scene": None, "n": n, "first": first, "now": now, "shown": shown, "ends": done, "afresh": afresh,
                "mean": mean}  # fmt: skip
        whom = f"all {n} workers" if first == n else f"the first {first} of {n} workers"
        words = f"Waiting for {whom}, tail {fixed(tail, 1)} s: {counted(len(done), 'step')} in {now:g} s. Of the time "
        words += f"{busy - lost:.0%} is used, {max(0, 1 - busy):.0%} is waiting, {lost:.0%} work that comes too late. "
        words += f"Over {MEASURED} steps, one takes {fixed(mean)} s; "
        theory = "theory says" if first == n else "if all began each step together, theory says"
        return data, words + f"{theory} {fixed(afresh[first - 1])} s."

    @staticmethod
    def draw(fig, scene):
        strips, chart = fig.add_axes((0.075, 0.155, 0.53, 0.75)), fig.add_axes((0.69, 0.155, 0.295, 0.75))
        strips.set(xlim=(0, UNTIL), ylim=(0, 1), yticks=[])
        strips.set_xlabel("seconds", fontsize=13)
        strips.set_ylabel("worker", fontsize=13, labelpad=22)
        strips.set_title("blue: works    hatched: waits    crossed: comes too late", fontsize=12, loc="left")
        chart.set(xlim=(0.5, 16.5), ylim=(0, 8), xticks=[1, 4, 8, 12, 16])
        chart.set_xlabel("answers waited for", fontsize=13)
        chart.set_title("seconds a step", fontsize=13, loc="left")
        chart.annotate("line: theory, all begin together", (1, 7.3), fontsize=12)
        chart.annotate("dot: measured", (1, 6.6), fontsize=12, color=BLUE)
        chart.grid(axis="y", color="0.9")
        strips.text(-0.2, 1, "0", ha="right", va="top", fontsize=12)
        for ax in (strips, chart):
            ax.tick_params(labelsize=12)
        return {
            "waits": _bars(strips, facecolors="white", edgecolors="0.75", hatch="///", linewidth=0),
            "works": _bars(strips, facecolors="#9cc9e3", edgecolors="white"),
            "late": _bars(strips, facecolors="#e8b796", edgecolors="white", hatch="xx"),
            "ends": strips.add_collection(LineCollection([], colors="black", linewidths=1)),
            "bottom": strips.text(-0.2, 0, "", ha="right", va="bottom", fontsize=12),
            "afresh": chart.plot([], [], color="black", linewidth=1)[0],
            "mean": mark(chart, "now", BLUE),
        }

    @staticmethod
    def update(artists, data):
        n, now, afresh, first = data["n"], data["now"], data["afresh"], data["first"]
        high = 0.8 / n

        def box(rank, begin, end):
            low = 1 - (rank + 0.9) / n
            return [(begin, low), (end, low), (end, low + high), (begin, low + high)]

        artists["waits"].set_verts([box(rank, 0, now) for rank in range(n)])
        for name, taken in (("works", True), ("late", False)):
            artists[name].set_verts([box(*call[:3]) for call in data["shown"] if call[3] == taken])
        artists["ends"].set_segments([[(end, 0), (end, 1)] for end in data["ends"]])
        artists["bottom"].set_text(f"{n - 1}")
        artists["afresh"].set_data(np.arange(1, n + 1), afresh)
        artists["mean"].set_data([first], [data["mean"]])


def _bars(ax, **look):
    """An artist for many rectangles."""
    return ax.add_collection(PolyCollection([], **look))
