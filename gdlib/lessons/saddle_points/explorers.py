"""Lesson 05: a walk that begins beside the ridge of a pass, and how long it takes to get away."""
import numpy as np

import gdlib as gd
from gdlib.lessons.kit.explorer import Choice, Explorer, LogSlider, Slider, counted, fixed, marker, number
from gdlib.lessons.kit.recurrence import recurrence, roots
from gdlib.plots import OKABE_ITO

RATE, CURVATURE = 0.05, 2.0  # the learning rate of every walk; how much the pass bends downwards across the ridge
AWAY, START = 0.1, 1.0  # |y| beyond AWAY is "away"; the walk begins at x = START
STEPS, SHOWN = 400, 300
FLOOR = 1e-14
BLUE, RED, YELLOW = (OKABE_ITO[c] for c in ("blue", "vermillion", "yellow"))


class escape(Explorer):
    """A walk on x² − y² + y⁴ at rate 0.05 that begins at x = 1, a small distance beside the ridge y = 0.

    Parameters
    ----------
    method : {"descent", "momentum", "nesterov"}
        The rule.
    distance : float
        How far from the ridge the walk begins.
    beta : float
        β, the share of the velocity that is kept; descent has none.
    noise : float
        The standard deviation of the noise in each coordinate of the gradient.
    """

    controls = {
        "method": Choice("method", "momentum", ("descent", "momentum", "nesterov")),
        "distance": LogSlider("distance", 1e-8, 1e-12, 0.1, 0.25),
        "beta": Slider("β", 0.5, 0.0, 0.95, 0.05),
        "noise": LogSlider("noise", 1e-12, 1e-12, 0.1, 0.25),
    }

    @staticmethod
    def picture(state):
        method, distance, noise = state["method"], state["distance"], state["noise"]
        beta = 0.0 if method == "descent" else state["beta"]
        rng = np.random.default_rng(0)
        path = gd.run(
            gd.saddle, _rule(method, beta), [START, distance], STEPS, oracle=gd.noisy(gd.saddle, noise, rng)
        ).theta
        beside = np.abs(path[:, 1])
        away = int(np.argmax(beside > AWAY)) if (beside > AWAY).any() else None
        factor, amplitude = escape_rate(method, beta)
        t = np.arange(SHOWN + 1)
        line = np.log(amplitude * distance) + t * np.log(factor)
        data = {
            "scene": None,
            "path": path[: SHOWN + 1],
            "beside": np.maximum(beside[: SHOWN + 1], FLOOR),
            "line": np.exp(np.minimum(line, 1.0)),
            "away": away,
        }
        named = "Descent" if method == "descent" else f"{method.capitalize()} with β = {fixed(beta)}"
        words = f"{named}, {number(distance)} beside the ridge, noise {number(noise)}: "
        gone = "it is not away after 400 steps" if away is None else f"it is away after {counted(away, 'step')}"
        alone = _steps_alone(factor, amplitude, distance)
        words += f"{gone}. Without noise each step multiplies the distance by {number(factor, 4)}, and it takes {alone}"
        if method == "descent":
            rolling = _steps_alone(*escape_rate("momentum", state["beta"]), distance)
            words += f" (momentum with β = {fixed(state['beta'])}: {rolling})"
        if away is not None and away < alone - 2:
            return data, f"{words}: the noise has shortened the wait."
        if away is None or away > alone + 2:
            return data, f"{words}: the noise has carried it the other way at first."
        return data, f"{words}."

    @staticmethod
    def draw(fig, scene):
        land, wait = fig.add_axes((0.075, 0.155, 0.36, 0.80)), fig.add_axes((0.535, 0.155, 0.44, 0.72))
        x, y = np.meshgrid(np.linspace(-0.5, 1.5, 161), np.linspace(-1.1, 1.1, 161))
        height = gd.saddle(np.stack([x, y], -1))
        land.contour(x, y, height, levels=np.arange(-0.24, 2.4, 0.08), colors="0.75", linewidths=0.8, linestyles="-")
        land.axhline(0, color="0.45", linewidth=1.2, linestyle=":")
        land.annotate("the ridge", (1.45, 0.09), ha="right", va="bottom", fontsize=12, color="0.3")
        land.set(xlim=(-0.5, 1.5), ylim=(-1.1, 1.1))
        land.set_xlabel("x", fontsize=13, labelpad=1)
        land.set_ylabel("y", fontsize=13, labelpad=-4)
        wait.set(xlim=(-4, SHOWN + 4), ylim=(FLOOR, 5), yscale="log")
        wait.set_xlabel("step", fontsize=13)
        wait.set_ylabel("distance from the ridge, |y|", fontsize=13)
        wait.axhspan(AWAY, 5, color="#dcebf5", linewidth=0)
        wait.annotate("away", (SHOWN, 2.2), fontsize=12, color="0.3", ha="right", va="center")
        wait.grid(color="0.9")
        for ax in (land, wait):
            ax.tick_params(labelsize=12)
        artists = {
            "path": land.plot([], [], "-", color=RED, linewidth=1.6, marker="o", markersize=3.5)[0],
            "start": marker(land, "s", 10, "white", "start"),
            "end": marker(land, "*", 18, YELLOW, "after 300 steps"),
            "beside": wait.plot([], [], color=RED, linewidth=3.5, label="the walk")[0],
            "line": wait.plot([], [], "--", color=BLUE, linewidth=1.8, label="theory, no noise")[0],
            "away": marker(wait, "*", 18, YELLOW, "it is away"),
        }
        land.legend(handles=[artists["start"], artists["end"]], loc="lower right", fontsize=11, framealpha=1)
        fig.legend(
            handles=[artists[k] for k in ("beside", "line", "away")], ncols=3, loc="upper center",
            bbox_to_anchor=(0.76, 1.0), fontsize=12, frameon=False, handletextpad=0.4, columnspacing=1.2,
        )
        return artists

    @staticmethod
    def update(artists, data):
        path, away = data["path"], data["away"]
        artists["path"].set_data(*path.T)
        artists["start"].set_data(*path[:1].T)
        artists["end"].set_data(*path[-1:].T)
        artists["beside"].set_data(np.arange(len(path)), data["beside"])
        inside = data["line"] < AWAY
        artists["line"].set_data(np.flatnonzero(inside), data["line"][inside])
        here = away is not None and away < len(path)
        artists["away"].set_data([away] if here else [], [data["beside"][away]] if here else [])


def escape_rate(method, beta):
    """How a walk without noise leaves the ridge:  |y| ≈ amplitude · distance · factorᵏ.

    The factor is the larger root of the rule's recurrence. The amplitude follows from the first step, which multiplies
    the distance by 1 + ηγ, whatever the rule.

    Returns
    -------
    factor, amplitude : float
    """
    a = -RATE * CURVATURE
    large, small = (root.real for root in roots(*recurrence(a, beta, look_ahead=method == "nesterov")))
    return float(large), float((1 - a - small) / (large - small))


def _rule(method, beta):
    """The rule of this name."""
    if method == "descent":
        return gd.gradient_descent(RATE)
    return gd.momentum(RATE, beta) if method == "momentum" else gd.nesterov(RATE, beta)


def _steps_alone(factor, amplitude, distance):
    """The steps until amplitude · distance · factorᵏ reaches AWAY."""
    return max(0, int(np.ceil(np.log(AWAY / (amplitude * distance)) / np.log(factor))))
