"""Lesson 04: the fate of a heavy ball over (η, β), and any step of a walk without the steps before it."""
import numpy as np
from matplotlib.colors import LinearSegmentedColormap

import gdlib as gd
from gdlib.lessons.kit.explorer import Choice, Explorer, LogSlider, Slider, WholeSlider, counted, marker, number
from gdlib.lessons.kit.recurrence import at_step, recurrence, roots
from gdlib.lessons.momentum.exercises import best_pair
from gdlib.plots import OKABE_ITO

BLUE, RED, YELLOW = (OKABE_ITO[c] for c in ("blue", "vermillion", "yellow"))

# --- fate_map ---------------------------------------------------------------------------------------------------------

CURVATURES = np.array([0.04, 1.0])  # along, across
START = np.array([-2.4, 1.0])
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

    A click on the map moves the cross, which marks lr and beta.

    Parameters
    ----------
    lr : float
        η, the learning rate.
    beta : float
        β, the share of the velocity that is kept.
    steps : int
        How many steps are taken.
    """

    controls = {
        "lr": Slider("rate η", 1.0, 0.02, TOP_RATE, 0.02),
        "beta": Slider("share β", 0.8, 0.0, TOP_BETA, 0.005),
        "steps": WholeSlider("steps", 30, 0, 100),
    }

    @staticmethod
    def picked(x, y):
        """The controls that a click at (x, y) sets, from 0 to 1 from the upper left corner; none beside the map."""
        left, bottom, width, height = MAP_BOX
        across, up = (x - left) / width, (1 - y - bottom) / height
        if not (0 <= across <= 1 and 0 <= up <= 1):
            return {}
        steps = np.array([across * TOP_RATE / 0.02, up * TOP_BETA / 0.005]).round()
        return {"lr": max(0.02, float(steps[0]) * 0.02), "beta": float(steps[1]) * 0.005}

    @staticmethod
    def picture(state):
        lr, beta, steps = (state[k] for k in ("lr", "beta", "steps"))
        path = gd.run(gd.quadratic(CURVATURES), gd.momentum(lr, beta), START, steps).theta
        along, across = factors(lr, beta)
        slowest = max(along, across)
        left = np.linalg.norm(path[-1]) / np.linalg.norm(START)
        data = {"scene": "ravine", "cross": np.array([lr, beta]), "path": np.clip(path, -99, 99)}

        words = (
            f"Rate {number(lr)}, β = {number(beta)}. Across, ηλ = {number(lr)}: the ball {_fate_of_ball(lr, beta)}. "
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
        chart.plot(BEST_RATE, BEST_BETA, "*", color=YELLOW, markersize=15, markeredgecolor="black")
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
            "path": land.plot([], [], "-", color=RED, linewidth=1.5, marker="o", markersize=4)[0],
            "start": marker(land, "s", 10, "white", "start"),
            "now": land.plot([], [], "*", color=YELLOW, markersize=20, markeredgecolor="black", label="now")[0],
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


# --- scrub ------------------------------------------------------------------------------------------------------------

COUNT, LAST_STEP = 12, 10_000
FLOOR = 1e-16
STEPS = np.unique(np.geomspace(1, LAST_STEP + 1, 240).round().astype(int)) - 1


def best_settings(method, kappa):
    """The rate and β that are best for curvatures from 1/κ to 1."""
    wide = np.sqrt(3 * kappa + 1)
    return {
        "descent": (2 / (1 + 1 / kappa), 0.0),
        "heavy ball": best_pair.solution_function(1 / kappa, 1.0)[:2],
        "Nesterov": (4 / (3 + 1 / kappa), (wide - 2) / (wide + 2)),
    }[method]


def left_of_loss(method, kappa, k):
    """The loss of each of 12 directions after k steps (...), as a share of the whole at the start: (..., 12)."""
    lr, beta = best_settings(method, kappa)
    t, b = recurrence(lr * np.geomspace(1 / kappa, 1, COUNT), beta, look_ahead=method == "Nesterov")
    return at_step(np.asarray(k)[..., None], t, b) ** 2 / COUNT


class scrub(Explorer):
    """Any step of a tuned walk in 12 directions, straight from the roots: how much of the loss each has left.

    Parameters
    ----------
    method : {"descent", "heavy ball", "Nesterov"}
        The rule, at its best rate and β for this κ.
    kappa : float
        κ, the condition number: the curvatures go from 1/κ to 1.
    k : int
        Which step.
    """

    controls = {
        "method": Choice("method", "heavy ball", ("descent", "heavy ball", "Nesterov")),
        "kappa": LogSlider("condition κ", 100.0, 10.0, 10_000.0, 0.1),
        "k": WholeSlider("step k", 40, 0, LAST_STEP),
    }

    @staticmethod
    def picture(state):
        method, kappa, k = (state[name] for name in ("method", "kappa", "k"))
        split, (lr, beta) = left_of_loss(method, kappa, k), best_settings(method, kappa)
        total = split.sum()
        curve = left_of_loss(method, kappa, STEPS).sum(axis=-1)
        data = {
            "scene": "loss",
            "curvatures": np.geomspace(1 / kappa, 1, COUNT),
            "split": np.clip(split, FLOOR / 10, 10),
            "curve": np.clip(curve, FLOOR / 10, 10),
            "now": np.array([k + 1, np.clip(total, FLOOR, 10)]),
        }
        pair = f"η = {number(lr)}" + (f", β = {number(beta)}" if beta else "")
        words = f"Step {k:,} of {method} at its best for κ = {number(kappa)} ({pair}): "
        if total < FLOOR:
            return data, words + "less than 10⁻¹⁶ of the loss is left, as little as rounding."
        flat, steep = split[0] / total, split[-1] / total
        return data, words + (
            f"{number(total)} of the loss is left, {flat:.0%} of it in the flattest direction, {steep:.0%} in the "
            f"steepest, {max(0.0, 1 - flat - steep):.0%} in the ten between."
        )

    @staticmethod
    def draw(fig, scene):
        left, right = fig.add_axes((0.075, 0.155, 0.40, 0.75)), fig.add_axes((0.575, 0.155, 0.395, 0.75))
        left.set(xscale="log", xlim=(0.7e-4, 1.5), yscale="log", ylim=(FLOOR, 3))
        left.set_xlabel("curvature λ of the direction", fontsize=13)
        left.set_title("loss left, direction by direction", fontsize=13)
        right.set(xscale="log", xlim=(1, LAST_STEP + 1), yscale="log", ylim=(FLOOR, 3))
        right.set_xlabel("step k (+ 1)", fontsize=13)
        right.set_title("loss left, all together", fontsize=13)
        for ax in (left, right):
            ax.grid(color="0.9")
            ax.tick_params(labelsize=12)
        return {
            "stems": left.plot([], [], color="0.6", linewidth=1.5)[0],
            "split": left.plot([], [], "o", color=BLUE, markersize=8)[0],
            "curve": right.plot([], [], color=BLUE, linewidth=2.4)[0],
            "line": right.plot([], [], color="0.4", linewidth=1, linestyle=":")[0],
            "now": marker(right, "o", 12, RED),
        }

    @staticmethod
    def update(artists, data):
        curvatures, split = data["curvatures"], data["split"]
        bottom = np.full(COUNT, FLOOR / 10)
        ends = np.full(COUNT, np.nan)  # a gap between one stem and the next
        artists["stems"].set_data(np.repeat(curvatures, 3), np.stack([bottom, split, ends], axis=-1).ravel())
        artists["split"].set_data(curvatures, split)
        artists["curve"].set_data(STEPS + 1, data["curve"])
        artists["line"].set_data([data["now"][0]] * 2, [FLOOR, 3])
        artists["now"].set_data(*data["now"][:, None])
