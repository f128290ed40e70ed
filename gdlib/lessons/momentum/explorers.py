"""Lesson 04: one ball on one parabola as a damped spring, and the fate of a ball in a ravine over (η, β)."""
import numpy as np

import gdlib as gd
from gdlib.lessons.kit.explorer import (
    Explorer,
    Slider,
    WholeSlider,
    counted,
    fixed,
    mark,
    number,
    place_on,
    place_words,
)
from gdlib.lessons.kit.recurrence import recurrence, roots
from gdlib.lessons.momentum.pictures import BORDERS, FACTOR, FACTOR_NORM
from gdlib.plots import METHOD

BALL, STYLE = METHOD["momentum"]


def larger_root(eta_lambda, beta):
    """What a step leaves of the distance in the long run."""
    return np.abs(roots(*recurrence(np.asarray(eta_lambda), np.asarray(beta)))).max(axis=0)


def fate(eta_lambda, beta):
    """What the ball does in one direction: creeps, swings, flips or flies off; and what each step leaves."""
    factor = float(larger_root(eta_lambda, beta))
    t, b = recurrence(eta_lambda, beta)
    if factor > 1 + 1e-9:
        return "flies off", factor
    if t**2 < 4 * b:
        return "swings", factor
    return "creeps" if eta_lambda < 1 + beta else "flips", factor


def shaded(ax, top_rate, top_beta, factor):
    """A map of the factor over rate and β, diverging at 1: below it the ball arrives, above it the ball flies off."""
    rate, beta = np.linspace(0, top_rate, 256), np.linspace(0, top_beta, 256)
    slowest = factor(*np.meshgrid(rate, beta))
    ax.imshow(slowest, origin="lower", extent=(0, top_rate, 0, top_beta), aspect="auto", cmap=FACTOR, norm=FACTOR_NORM)
    ax.plot(2 + 2 * beta, beta, color="black", linewidth=1.5)
    ax.set(xlim=(0, top_rate), ylim=(0, top_beta))
    ax.set_ylabel("share kept β", fontsize=13, labelpad=2)
    ax.tick_params(labelsize=12)
    cross = {"markersize": 22, "markeredgewidth": 2.5}
    halo = ax.plot([], [], "+", color="white", **cross | {"markersize": 24, "markeredgewidth": 6})[0]
    return rate, beta, slowest, {"halo": halo, "cross": ax.plot([], [], "+", color="black", **cross)[0]}


# --- spring -----------------------------------------------------------------------------------------------------------

TOP_RATE, TOP_BETA, LAST = 4.0, 0.99, 60
SPRING_BOX, WALK_BOX, PHASE_BOX = (0.065, 0.155, 0.265, 0.75), (0.405, 0.155, 0.26, 0.75), (0.735, 0.155, 0.25, 0.75)
REACH = 1.7  # half the width of walk and phase plane


class spring(Explorer):
    """One ball on one parabola: a map of its fate over (ηλ, β), its walk, and position against velocity.

    A click on the map moves the cross. The velocity is the last step / √(ηλ): on a circle around 0 the ball's energy,
    that of its height and that of its motion, is the same.

    Parameters
    ----------
    eta_lambda : float
        ηλ, rate times curvature: how stiff the spring is.
    beta : float
        β, the share of the velocity that is kept: the damper takes 1 − β.
    steps : int
        How many steps are taken.
    """

    controls = {
        "eta_lambda": Slider("spring ηλ", 0.1, 0.01, TOP_RATE, 0.01),
        "beta": Slider("share β", 0.9, 0.0, TOP_BETA, 0.005),
        "steps": WholeSlider("steps", 30, 0, LAST),
    }
    moving = "steps"

    def picked(self, x, y):
        """The controls that a click sets."""
        place = place_on(SPRING_BOX, (0, TOP_RATE), (0, TOP_BETA), x, y)
        names = ("eta_lambda", "beta")
        return {k: self.controls[k].nearest(value) for k, value in zip(names, place or (), strict=False)}

    @staticmethod
    def picture(state):
        a, beta, steps = state["eta_lambda"], state["beta"], state["steps"]
        theta = gd.run(gd.quadratic([1.0]), gd.momentum(a, beta), [1.0], steps).theta[:, 0]
        velocity = np.append(0, np.diff(theta)) / np.sqrt(a)
        name, factor = fate(a, beta)
        seen = slice(None)
        if factor > 1 and (np.abs(theta) > REACH).any():  # what flies off is drawn up to where it leaves the picture
            seen = slice(int((np.abs(theta) > REACH).argmax()) + 1)
        walk, phase = np.stack([np.arange(steps + 1), theta]), np.stack([theta, velocity])
        data = {"scene": "spring", "cross": np.array([a, beta]), "walk": walk[:, seen], "phase": phase[:, seen]}
        kinds = {
            "creeps": "it creeps, overdamped: the brake is too strong, and the roots are real",
            "swings": f"it swings, underdamped: the roots are a complex pair of size √β = {number(factor)}",
            "flips": "it flips to the other side at every step: the roots are real and negative",
            "flies off": f"it flies off: beyond ηλ = 2 + 2β = {number(2 + 2 * beta)} a root is larger than 1",
        }
        words = f"ηλ = {number(a)}, β = {number(beta)}: {kinds[name]}. In the long run a step leaves {number(factor)}. "
        where = fixed(theta[-1]) if abs(theta[-1]) < 99 else "far away"
        return data, words + f"After {counted(steps, 'step')} θ is {where}."

    @staticmethod
    def draw(fig, scene):
        chart, walk, phase = (fig.add_axes(box) for box in (SPRING_BOX, WALK_BOX, PHASE_BOX))
        _, beta, _, artists = shaded(chart, TOP_RATE, TOP_BETA, larger_root)
        for border in BORDERS:
            chart.plot(border(beta), beta, color="black", linewidth=1, linestyle=":")
        line = {"arrowstyle": "-"}  # to a region that is too narrow for its name
        for name, text, place in [("creeps", (0.5, 0.36), (0.08, 0.3)), ("flips", (3.4, 0.47), (3.11, 0.59))]:
            chart.annotate(name, place, text, fontsize=12, arrowprops=line)
        for name, place in [("swings", (1.5, 0.65)), ("flies off", (3.3, 0.12))]:
            chart.annotate(name, place, ha="center", fontsize=12)
        chart.set_xlabel("spring ηλ", fontsize=13, labelpad=2)
        walk.set(xlim=(0, LAST), ylim=(-REACH, REACH))
        walk.set_xlabel("step", fontsize=13, labelpad=2)
        walk.set_title("position θ", fontsize=13)
        phase.set(xlim=(-REACH * 5 / 6, REACH * 5 / 6), ylim=(-REACH, REACH))  # the box is 2.5 by 3 inches
        phase.set_xlabel("position θ", fontsize=13, labelpad=2)
        phase.set_title("velocity against position", fontsize=13)
        angle = np.linspace(0, 2 * np.pi, 121)
        for radius in (0.25, 0.5, 1.0, 1.5):
            phase.plot(radius * np.cos(angle), radius * np.sin(angle), color="0.85", linewidth=1)
        for ax in (walk, phase):
            ax.axhline(0, color="0.6", linewidth=0.8)
            ax.tick_params(labelsize=12)
        phase.axvline(0, color="0.6", linewidth=0.8)
        path = {"color": BALL, "linewidth": 1.5, "marker": "o", "markersize": 3.5}
        return artists | {
            "walk": walk.plot([], [], **path)[0],
            "walk now": mark(walk, "now", BALL),
            "phase": phase.plot([], [], **path)[0],
            "start": mark(phase, "start"),
            "phase now": mark(phase, "now", BALL),
        }

    @staticmethod
    def update(artists, data):
        for name in ("halo", "cross"):
            artists[name].set_data(*data["cross"][:, None])
        for name in ("walk", "phase"):
            artists[name].set_data(*data[name])
            last = data[name][:, -1:]
            artists[f"{name} now"].set_data(*(last if np.abs(last[1 if name == "walk" else 0:]).max() < REACH
                                              else np.full((2, 1), np.nan)))
        artists["start"].set_data(*data["phase"][:, :1])


# --- fate_map ---------------------------------------------------------------------------------------------------------

CURVATURES = np.array([0.04, 1.0])  # along, across
HALF = np.array([3.0, 2.4])  # half the landscape's width and height
MAP_BOX, LAND_BOX = (0.07, 0.155, 0.42, 0.80), (0.585, 0.155, 0.40, 0.80)


def slower_root(lr, beta):
    """What a step leaves of the distance in the direction that shrinks more slowly."""
    return larger_root(np.asarray(lr)[..., None] * CURVATURES, np.asarray(beta)[..., None]).max(axis=-1)


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
        "lr": Slider("learning rate η", 1.0, 0.02, TOP_RATE, 0.02),
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
        slowest = float(slower_root(lr, beta))
        left = np.linalg.norm(path[-1]) / max(np.linalg.norm(start), 1e-9)
        data = {"scene": "ravine", "cross": np.array([lr, beta]), "path": np.clip(path, -99, 99)}

        words = (
            f"From {place_words(*start)}, η = {number(lr)}, β = {number(beta)}. "
            f"Across, ηλ = {number(lr)}: {_in_words(lr, beta)}. "
            f"Along, ηλ = {number(0.04 * lr)}: {_in_words(0.04 * lr, beta)}. "
        )
        if slowest > 1 + 1e-9:
            outside = (np.abs(path) > HALF).any(axis=-1)
            data["path"] = data["path"][: outside.argmax() + 1 if outside.any() else None]
            words += f"Beyond the edge, ηλ = 2 + 2β = {number(2 + 2 * beta)}, it flies off."
        else:
            share = f"{left:.1%}" if 0.001 <= left < 10 else "less than 0.1%" if left < 1 else "a multiple"
            words += (
                f"After {counted(steps, 'step')} {share} of the distance is left; in the long run each step leaves "
                f"{number(slowest)} of it."
            )
        return data, words

    @staticmethod
    def draw(fig, scene):
        chart, land = fig.add_axes(MAP_BOX), fig.add_axes(LAND_BOX)
        lr, beta, slowest, artists = shaded(chart, TOP_RATE, TOP_BETA, slower_root)
        lines = chart.contour(lr, beta, slowest, levels=[0.75, 0.85, 0.93, 0.97], colors="0.25", linewidths=0.8)
        chart.clabel(lines, fontsize=10, fmt=lambda level: f"{level:g}")
        chart.annotate("flies off", (3.4, 0.25), ha="center", fontsize=12)
        chart.set_xlabel("learning rate η", fontsize=13, labelpad=2)

        angle, radii = np.linspace(0, 2 * np.pi, 121), np.sqrt(2 * np.geomspace(0.004, 3, 9))
        for radius in radii:
            ring = radius * np.array([np.cos(angle), np.sin(angle)]) / np.sqrt(CURVATURES)[:, None]
            land.plot(*ring, color="0.8", linewidth=1)
        land.set(xlim=(-HALF[0], HALF[0]), ylim=(-HALF[1], HALF[1]))
        land.set_xlabel("along (flat, λ = 0.04)", fontsize=13, labelpad=2)
        land.set_ylabel("across (steep, λ = 1)", fontsize=13, labelpad=0)
        land.tick_params(labelsize=12)
        artists |= {
            "path": land.plot([], [], "-", color=BALL, linewidth=1.5, marker="o", markersize=4)[0],
            "start": mark(land, "start"),
            "now": mark(land, "now", BALL),
        }
        land.legend(handles=[artists["start"], artists["now"]], ncols=2, loc="upper right", fontsize=12, framealpha=1)
        return artists

    @staticmethod
    def update(artists, data):
        for name in ("halo", "cross"):
            artists[name].set_data(*data["cross"][:, None])
        path = data["path"]
        artists["path"].set_data(*path.T)
        artists["start"].set_data(*path[:1].T)
        artists["now"].set_data(*path[-1:].T)


def _in_words(a, beta):
    """What the ball does in a direction with ηλ = a."""
    name, factor = fate(a, beta)
    if name == "flies off":
        return "it swings ever wider"
    if factor > 1 - 1e-9:
        return "it swings for ever"
    return {"creeps": "it creeps, by", "flips": "it flips sides at every step, by",
            "swings": "it swings, and shrinks by √β ="}[name] + f" {number(factor)} a step"
