"""Lesson 04: the fate of a heavy ball over (η, β), and any step of a walk without the steps before it."""
from dataclasses import replace

import numpy as np
from matplotlib.colors import LinearSegmentedColormap

import gdlib as gd
from gdlib.lessons.kit.explorer import (
    Choice,
    Explorer,
    LogSlider,
    Slider,
    WholeSlider,
    counted,
    mark,
    number,
    place_on,
    place_words,
)
from gdlib.lessons.kit.recurrence import at_step, recurrence, roots
from gdlib.lessons.momentum.exercises import best_pair
from gdlib.plots import METHOD
from gdlib.plots import VERMILLION as RED

BALL, _ = METHOD["momentum"]

# --- fate_map ---------------------------------------------------------------------------------------------------------

CURVATURES = np.array([0.04, 1.0])  # along, across
HALF = np.array([3.0, 2.4])  # half the landscape's width and height
TOP_RATE, TOP_BETA = 4.0, 0.99
MAP_BOX, LAND_BOX = (0.07, 0.155, 0.42, 0.80), (0.585, 0.155, 0.40, 0.80)
BEST_RATE, BEST_BETA, BEST_FACTOR = best_pair.solution_function(*CURVATURES)


def factors(lr, beta):
    """What each direction shrinks by per step, in the long run: (..., along and across)."""
    lr, beta = np.asarray(lr)[..., None], np.asarray(beta)[..., None]
    return np.abs(roots(*recurrence(lr * CURVATURES, beta))).max(axis=0)


class fate_map(Explorer):
    """A heavy ball in a ravine of κ = 25: a map of its factor per step over (η, β), and the path from one place of it.

    A click on the map moves the cross, which marks lr and beta; a click in the ravine chooses the start.

    Parameters
    ----------
    lr : float
        η, the learning rate.
    beta : float
        β, the share of the velocity that is kept.
    steps : int
        How many steps are taken.
    x, y : float
        Where the ball begins, at rest.
    """

    controls = {
        "lr": Slider("rate η", 1.0, 0.02, TOP_RATE, 0.02),
        "beta": Slider("share β", 0.8, 0.0, TOP_BETA, 0.005),
        "steps": WholeSlider("steps", 30, 0, 100),
        "x": Slider("start x", -2.4, -3.0, 3.0, 0.1),
        "y": Slider("start y", 1.0, -2.4, 2.4, 0.1),
    }
    moving = "steps"

    def picked(self, x, y):
        """The controls that a click sets."""
        names, place = ("lr", "beta"), place_on(MAP_BOX, (0, TOP_RATE), (0, TOP_BETA), x, y)
        if place is None:
            names, place = ("x", "y"), place_on(LAND_BOX, *zip(-HALF, HALF, strict=True), x, y)
        return {k: self.controls[k].nearest(value) for k, value in zip(names, place or (), strict=False)}

    @staticmethod
    def picture(state):
        lr, beta, steps = (state[k] for k in ("lr", "beta", "steps"))
        start = np.array([state["x"], state["y"]])
        path = gd.run(gd.quadratic(CURVATURES), gd.momentum(lr, beta), start, steps).theta
        along, across = factors(lr, beta)
        slowest = max(along, across)
        left = np.linalg.norm(path[-1]) / max(np.linalg.norm(start), 1e-9)
        data = {"scene": "ravine", "cross": np.array([lr, beta]), "path": np.clip(path, -99, 99)}

        words = (
            f"From {place_words(*start)}, rate {number(lr)}, β = {number(beta)}. "
            f"Across, ηλ = {number(lr)}: the ball {_fate_of_ball(lr, beta)}. "
            f"Along, ηλ = {number(0.04 * lr)}: it {_fate_of_ball(0.04 * lr, beta)}. "
        )
        if slowest > 1 + 1e-9:
            outside = (np.abs(path) > HALF).any(axis=-1)
            data["path"] = data["path"][: outside.argmax() + 1 if outside.any() else None]
            words += f"Beyond the edge, ηλ = 2 + 2β = {number(2 + 2 * beta)}, it flies off."
        else:
            share = f"{left:.1%}" if 0.001 <= left < 10 else "less than 0.1%" if left < 1 else "a multiple"
            words += (
                f"After {counted(steps, 'step')} {share} of the distance is left; in the long run each step leaves "
                f"{number(slowest)} of it (best: {number(BEST_FACTOR)})."
            )
        return data, words

    @staticmethod
    def draw(fig, scene):
        chart, land = fig.add_axes(MAP_BOX), fig.add_axes(LAND_BOX)
        lr, beta = np.linspace(0, TOP_RATE, 256), np.linspace(0, TOP_BETA, 256)
        slowest = factors(*np.meshgrid(lr, beta)).max(axis=-1)
        shades = LinearSegmentedColormap.from_list("fate", ["#084a78", "#5fa8d8", "#eaf3fa"])
        shades = shades.with_extremes(over="#f6dfd3")
        chart.imshow(slowest, origin="lower", extent=(0, TOP_RATE, 0, TOP_BETA), aspect="auto", cmap=shades,
                     vmin=BEST_FACTOR, vmax=1.0 + 1e-9)
        lines = chart.contour(lr, beta, slowest, levels=[0.75, 0.85, 0.93, 0.97], colors="0.25", linewidths=0.8)
        chart.clabel(lines, fontsize=10, fmt=lambda level: f"{level:g}")
        chart.plot(2 + 2 * beta, beta, color=RED, linewidth=2)
        chart.annotate("flies off", (3.4, 0.25), ha="center", fontsize=12, color="0.25")
        mark(chart, "best").set_data([BEST_RATE], [BEST_BETA])
        chart.set(xlim=(0, TOP_RATE), ylim=(0, TOP_BETA))
        chart.set_xlabel("rate η", fontsize=13, labelpad=2)
        chart.set_ylabel("momentum β", fontsize=13, labelpad=2)

        angle, radii = np.linspace(0, 2 * np.pi, 121), np.sqrt(2 * np.geomspace(0.004, 3, 9))
        for radius in radii:
            ring = radius * np.array([np.cos(angle), np.sin(angle)]) / np.sqrt(CURVATURES)[:, None]
            land.plot(*ring, color="0.8", linewidth=1)
        land.set(xlim=(-HALF[0], HALF[0]), ylim=(-HALF[1], HALF[1]))
        land.set_xlabel("along (flat, λ = 0.04)", fontsize=13, labelpad=2)
        land.set_ylabel("across (steep, λ = 1)", fontsize=13, labelpad=0)
        for ax in (chart, land):
            ax.tick_params(labelsize=12)
        artists = {
            "cross halo": chart.plot([], [], "+", color="white", markersize=24, markeredgewidth=6)[0],
            "cross": chart.plot([], [], "+", color="black", markersize=22, markeredgewidth=2.5)[0],
            "path": land.plot([], [], "-", color=BALL, linewidth=1.5, marker="o", markersize=4)[0],
            "start": mark(land, "start"),
            "now": mark(land, "now", BALL),
        }
        land.legend(handles=[artists["start"], artists["now"]], ncols=2, loc="upper right", fontsize=12, framealpha=1)
        return artists

    @staticmethod
    def update(artists, data):
        for name in ("cross halo", "cross"):
            artists[name].set_data(*data["cross"][:, None])
        path = data["path"]
        artists["path"].set_data(*path.T)
        artists["start"].set_data(*path[:1].T)
        artists["now"].set_data(*path[-1:].T)


def _fate_of_ball(a, beta):
    """What a heavy ball does in a direction with ηλ = a, in words."""
    t, b = recurrence(a, beta)
    largest = max(abs(root) for root in roots(t, b))
    if largest > 1 + 1e-9:
        return "swings ever wider"
    if largest > 1 - 1e-9:
        return "swings for ever"
    if t**2 < 4 * b:
        return f"rolls to and fro, and shrinks by √β = {number(largest)} a step"
    return f"{'glides in' if a < 1 + beta else 'changes sides at every step'}, by {number(largest)} a step"


# --- spectrum ---------------------------------------------------------------------------------------------------------

COUNT, LAST_STEP = 12, 10_000
FLOOR, CEILING = 1e-16, 10.0
STEPS = np.unique(np.geomspace(1, LAST_STEP + 1, 240).round().astype(int)) - 1
RULES = {"descent": "descent", "heavy ball": "momentum", "Nesterov": "Nesterov"}  # method -> its name in METHOD


def best_settings(method, kappa):
    """The learning rate and β that are best for curvatures from 1/κ to 1."""
    wide = np.sqrt(3 * kappa + 1)
    return {
        "descent": (2 / (1 + 1 / kappa), 0.0),
        "heavy ball": best_pair.solution_function(1 / kappa, 1.0)[:2],
        "Nesterov": (4 / (3 + 1 / kappa), (wide - 2) / (wide + 2)),
    }[method]


def walk_in(method, kappa, lr, beta):
    """The coefficients (t, b) of a walk's recurrence in each of 12 directions."""
    return recurrence(lr * np.geomspace(1 / kappa, 1, COUNT), beta, look_ahead=method == "Nesterov")


def left_of_loss(method, kappa, lr, beta, k):
    """The loss of each of 12 directions after k steps (...), as a share of the whole at the start: (..., 12)."""
    with np.errstate(over="ignore", invalid="ignore"):
        share = at_step(np.asarray(k)[..., None], *walk_in(method, kappa, lr, beta)) ** 2 / COUNT
    return np.minimum(np.nan_to_num(share, nan=np.inf), 1e100)


class spectrum(Explorer):
    """Any step of a walk in 12 directions, straight from the roots: how much of the loss each direction has left.

    Parameters
    ----------
    method : {"descent", "heavy ball", "Nesterov"}
        The rule; a new one sets η and β to the pair that is best for κ = 100. Descent has no β.
    kappa : float
        κ, the condition number: the curvatures go from 1/κ to 1.
    lr : float
        η, the learning rate.
    beta : float
        β, the share of the velocity that is kept.
    k : int
        Which step.
    """

    controls = {
        "method": Choice("method", "heavy ball", tuple(RULES)),
        "kappa": LogSlider("condition κ", 100.0, 10.0, 10_000.0, 0.1),
        "lr": Slider("rate η", 3.3, 0.02, 4.0, 0.02),
        "beta": Slider("share β", 0.67, 0.0, 0.99, 0.005),
        "k": WholeSlider("step k", 40, 0, LAST_STEP),
    }
    moving = "k"

    @classmethod
    def fitted(cls, method):
        best = dict(zip(("lr", "beta"), best_settings(method, 100.0), strict=True))
        sliders = {k: replace(cls.controls[k], value=cls.controls[k].nearest(value)) for k, value in best.items()}
        return {**cls.controls, **sliders}

    def frames(self):
        return sorted({*map(int, STEPS[::6]), LAST_STEP})

    @staticmethod
    def picture(state):
        method, kappa, lr, k = (state[name] for name in ("method", "kappa", "lr", "k"))
        beta = 0.0 if method == "descent" else state["beta"]
        split = left_of_loss(method, kappa, lr, beta, k)
        total = split.sum()
        t, b = walk_in(method, kappa, lr, beta)
        factor = np.abs(roots(t, b)).max(axis=0)
        data = {
            "scene": method,
            "curvatures": np.geomspace(1 / kappa, 1, COUNT),
            "split": np.clip(split, FLOOR / 10, CEILING),
            "rolls": t**2 < 4 * b,
            "curve": np.clip(left_of_loss(method, kappa, lr, beta, STEPS).sum(axis=-1), FLOOR / 10, CEILING),
            "now": np.array([k + 1, np.clip(total, FLOOR, CEILING)]),
        }
        best_lr, best_beta = best_settings(method, kappa)
        pair = [f"η = {number(lr)}", f"β = {number(beta)}"][: 1 if method == "descent" else 2]
        best = [f"η = {number(best_lr)}", f"β = {number(best_beta)}"][: len(pair)]
        words = f"Step {k:,} of {method} at κ = {number(kappa)}, {', '.join(pair)} (best: {', '.join(best)}): "
        if factor.max() > 1 + 1e-9:
            off = int(np.sum(factor > 1 + 1e-9))
            return data, f"{words}{off} of the 12 directions {'flies' if off == 1 else 'fly'} off; it diverges."
        if total < FLOOR:
            return data, words + "less than 10⁻¹⁶ of the loss is left, as little as rounding."
        flat, steep = split[0] / total, split[-1] / total
        return data, words + (
            f"{number(total)} of the loss is left, {flat:.0%} of it in the flattest direction, {steep:.0%} in the "
            f"steepest. {int(data['rolls'].sum())} of the 12 roll to and fro; the slowest keeps {number(factor.max())} "
            "of its distance a step."
        )

    @staticmethod
    def draw(fig, scene):
        left, right = fig.add_axes((0.075, 0.155, 0.40, 0.75)), fig.add_axes((0.575, 0.155, 0.395, 0.75))
        left.set(xscale="log", xlim=(0.7e-4, 1.5), yscale="log", ylim=(FLOOR, CEILING))
        left.set_xlabel("curvature λ of the direction", fontsize=13)
        left.set_title("loss left, direction by direction", fontsize=13)
        words = "filled: rolls to and fro\nopen: does not"
        left.annotate(words, (0.9e-4, 1.5e-16), fontsize=11, color="0.3", va="bottom")
        right.set(xscale="log", xlim=(1, LAST_STEP + 1), yscale="log", ylim=(FLOOR, CEILING))
        right.set_xlabel("step k (+ 1)", fontsize=13)
        right.set_title("loss left, all together", fontsize=13)
        for ax in (left, right):
            ax.grid(axis="y", color="0.9")
            ax.tick_params(labelsize=12)
        colour, style = METHOD[RULES[scene]]
        return {
            "stems": left.plot([], [], color="0.6", linewidth=1.5)[0],
            "glide": left.plot([], [], "o", color=colour, markersize=8, markerfacecolor="white", mew=2)[0],
            "roll": left.plot([], [], "o", color=colour, markersize=9)[0],
            "curve": right.plot([], [], color=colour, linestyle=style, linewidth=2.4)[0],
            "line": right.plot([], [], color="0.4", linewidth=1, linestyle=":")[0],
            "now": mark(right, "now", colour),
        }

    @staticmethod
    def update(artists, data):
        curvatures, split, rolls = data["curvatures"], data["split"], data["rolls"]
        bottom = np.full(COUNT, FLOOR / 10)
        ends = np.full(COUNT, np.nan)  # a gap between one stem and the next
        artists["stems"].set_data(np.repeat(curvatures, 3), np.stack([bottom, split, ends], axis=-1).ravel())
        artists["roll"].set_data(curvatures[rolls], split[rolls])
        artists["glide"].set_data(curvatures[~rolls], split[~rolls])
        artists["curve"].set_data(STEPS + 1, data["curve"])
        artists["line"].set_data([data["now"][0]] * 2, [FLOOR, CEILING])
        artists["now"].set_data(*data["now"][:, None])
