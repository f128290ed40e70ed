"""Lesson 05: walks that begin beside the ridge of a pass, and how long each takes to get away."""
import numpy as np

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
)
from gdlib.lessons.kit.network import network as network
from gdlib.lessons.kit.recurrence import recurrence, roots
from gdlib.plots import METHOD, ground

RATE, CURVATURE = 0.05, 2.0  # the learning rate of every walk; how much the pass bends downwards across the ridge
AWAY, START = 0.1, 1.0  # |y| beyond AWAY is "away"; the walk begins at x = START
STEPS, SHOWN = 400, 300
FLOOR = 1e-14
MAP_BOX, MAP = (0.075, 0.155, 0.36, 0.80), ((-0.8, 1.4), (-1.1, 1.1))
RULES = {"descent": "descent", "momentum": "momentum", "nesterov": "Nesterov"}  # method -> its name in METHOD


def _basis(degrees):
    """The directions along the ridge and across it, as columns, where the pass is turned by so much."""
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return np.array([[c, -s], [s, c]])


def _turned(degrees):
    """The pass x² − y² + y⁴, turned."""
    basis = _basis(degrees)
    return gd.Objective("pass", lambda p: gd.saddle(p @ basis), lambda p: gd.saddle.grad(p @ basis) @ basis.T)


def _draw_pass(ax, degrees=0):
    """The pass with its ridge and its two hollows."""
    basis = _basis(degrees)
    ground(ax, _turned(degrees), *(np.linspace(*ends, 200) for ends in MAP))
    ax.plot(*(basis @ [[-2, 2], [0, 0]]), color="0.3", linewidth=1.2, linestyle=":")
    ax.annotate("the ridge", basis @ [1.3, 0.05], ha="right", va="bottom", fontsize=12, color="0.2", rotation=degrees,
                rotation_mode="anchor")
    mark(ax, "lowest").set_data(*(basis @ np.transpose(gd.saddle.minima)))
    ax.set(xlim=MAP[0], ylim=MAP[1])
    ax.set_xlabel("x", fontsize=13, labelpad=1)
    ax.set_ylabel("y", fontsize=13, labelpad=-4)
    ax.tick_params(labelsize=12)


# --- escape -----------------------------------------------------------------------------------------------------------


class escape(Explorer):
    """A walk on x² − y² + y⁴ at rate 0.05 that begins at x = 1, a small distance beside the ridge y = 0.

    A click on the map chooses the distance.

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
    steps : int
        How many steps are shown.
    """

    controls = {
        "method": Choice("method", "momentum", ("descent", "momentum", "nesterov")),
        "distance": LogSlider("distance", 1e-8, 1e-12, 1.0, 0.25),
        "beta": Slider("β", 0.5, 0.0, 0.95, 0.05),
        "noise": LogSlider("noise", 1e-12, 1e-12, 0.1, 0.25),
        "steps": WholeSlider("steps shown", SHOWN, 0, SHOWN),
    }
    moving = "steps"

    def picked(self, x, y):
        """The controls that a click sets."""
        place = place_on(MAP_BOX, *MAP, x, y)
        return {"distance": self.controls["distance"].nearest(abs(place[1]))} if place else {}

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
            "scene": method,
            "path": path[: state["steps"] + 1],
            "beside": np.maximum(beside[: state["steps"] + 1], FLOOR),
            "line": np.exp(np.minimum(line, 1.0)),
            "away": away,
        }
        named = "Descent" if method == "descent" else f"{method.capitalize()} with β = {fixed(beta)}"
        words = f"{named}, {number(distance)} beside the ridge, noise {number(noise)}: "
        if state["steps"] < SHOWN:
            here = number(beside[state["steps"]], 2)
            words = f"Step {state['steps']}: {here} beside the ridge. {words}"
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
        land, wait = fig.add_axes(MAP_BOX), fig.add_axes((0.535, 0.155, 0.44, 0.72))
        _draw_pass(land)
        colour, _ = METHOD[RULES[scene]]
        wait.set(xlim=(-4, SHOWN + 4), ylim=(FLOOR, 5), yscale="log")
        wait.set_xlabel("step", fontsize=13)
        wait.set_ylabel("distance from the ridge, |y|", fontsize=13)
        wait.axhspan(AWAY, 5, color="#dcebf5", linewidth=0)
        wait.annotate("away", (SHOWN, 2.2), fontsize=12, color="0.3", ha="right", va="center")
        wait.grid(color="0.9")
        wait.tick_params(labelsize=12)
        artists = {
            "path": land.plot([], [], "-", color=colour, linewidth=1.6, marker="o", markersize=3.5)[0],
            "start": mark(land, "start"),
            "end": mark(land, "now", colour),
            "beside": wait.plot([], [], color=colour, linewidth=3.5, label="the walk")[0],
            "line": wait.plot([], [], "-", color="black", linewidth=1, label="theory, no noise")[0],
            "away": mark(wait, "best"),
        }
        artists["away"].set_label("it is away")
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


# --- adaptive ---------------------------------------------------------------------------------------------------------

LEAVING = 200  # steps
TURNS = {"along the axes": 0, "turned by 20°": 20, "turned by 45°": 45}
TRIED = {"descent": gd.gradient_descent, "momentum": gd.momentum, "RMSprop": gd.rmsprop, "Adam": gd.adam}


class adaptive(Explorer):
    """Descent, momentum, RMSprop and Adam on x² − y² + y⁴, from one start beside the ridge: who is away when?

    A click on the map chooses the distance.

    Parameters
    ----------
    lie : {"along the axes", "turned by 20°", "turned by 45°"}
        How the ridge lies.
    distance : float
        How far from the ridge the walks begin.
    lr : float
        η, the learning rate of all four.
    eps : float
        ε of RMSprop and Adam, below which a slope is small for them too.
    steps : int
        How many steps are taken.
    """

    controls = {
        "lie": Choice("the pass", "along the axes", tuple(TURNS)),
        "distance": LogSlider("distance", 1e-8, 1e-12, 1.0, 0.25),
        "lr": LogSlider("rate η", 0.05, 0.001, 0.1, 0.05),
        "eps": LogSlider("ε", 1e-8, 1e-12, 1.0, 0.5),
        "steps": WholeSlider("steps", 60, 0, LEAVING),
    }
    moving = "steps"

    def picked(self, x, y):
        """The controls that a click sets."""
        place = place_on(MAP_BOX, *MAP, x, y)
        if place is None:
            return {}
        beside = abs(np.dot(place, _basis(TURNS[self.state["lie"]])[:, 1]))
        return {"distance": self.controls["distance"].nearest(beside)}

    @staticmethod
    def picture(state):
        distance, lr, steps, turn = state["distance"], state["lr"], state["steps"], TURNS[state["lie"]]
        basis, data, said = _basis(turn), {"scene": state["lie"], "steps": steps}, {}
        for name, rule in TRIED.items():
            own = {"eps": state["eps"]} if name in ("RMSprop", "Adam") else {}
            path = gd.run(_turned(turn), rule(lr, **own), basis @ [START, distance], LEAVING).theta
            beside = np.abs(path @ basis[:, 1])
            data[name], data[f"{name} beside"] = path[: steps + 1], np.maximum(beside, FLOOR)
            away = beside > AWAY
            said[name] = f"after {counted(int(away.argmax()), 'step')}" if away.any() else f"not within {LEAVING}"
        words = ", ".join(f"{name} {when}" for name, when in said.items())
        words = f"Ridge {state['lie']}, start {number(distance)} beside it, η = {number(lr)}, away: {words}. "
        if distance >= AWAY:
            return data, words + "This start is away already."
        slope = abs(2 * distance - 4 * distance**3)
        told = f"The slope across the ridge is {number(slope, 2)} there, and ε {number(state['eps'], 2)}"
        return data, f"{words}{told}. The walks are shown up to step {steps}."

    @staticmethod
    def draw(fig, scene):
        land, wait = fig.add_axes(MAP_BOX), fig.add_axes((0.535, 0.155, 0.44, 0.76))
        _draw_pass(land, TURNS[scene])
        wait.axhspan(AWAY, 5, color="#e4efe4", linewidth=0)
        wait.annotate("away", (LEAVING, 1.6), fontsize=12, color="0.3", ha="right", va="center")
        wait.set(xlim=(-2, LEAVING + 2), ylim=(1e-13, 5), yscale="log")
        wait.set_xlabel("step", fontsize=13)
        wait.set_title("distance from the ridge", fontsize=13)
        wait.grid(axis="y", color="0.9")
        wait.tick_params(labelsize=12)
        artists = {"line": wait.axvline(0, color="0.4", linewidth=1, linestyle=":")}
        for row, name in enumerate(TRIED):
            colour, style = METHOD[name]
            artists[f"{name} beside"] = wait.plot([], [], color=colour, linestyle=style, linewidth=2.4)[0]
            artists[name] = land.plot([], [], color=colour, linestyle=style, linewidth=2)[0]
            artists[f"{name} now"] = mark(land, "now", colour)
            wait.plot([126, 142], [10 ** (-9.3 - 0.95 * row)] * 2, color=colour, linestyle=style, linewidth=2.4)
            wait.annotate(name, (147, 10 ** (-9.3 - 0.95 * row)), color=colour, fontsize=13, va="center")
        artists["start"] = mark(land, "start")
        return artists

    @staticmethod
    def update(artists, data):
        artists["line"].set_xdata([data["steps"]] * 2)
        for name in TRIED:
            artists[name].set_data(*data[name].T)
            artists[f"{name} now"].set_data(*data[name][-1:].T)
            artists[f"{name} beside"].set_data(np.arange(LEAVING + 1), data[f"{name} beside"])
        artists["start"].set_data(*data["Adam"][:1].T)
