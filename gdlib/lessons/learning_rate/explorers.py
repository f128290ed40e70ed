"""Lesson 03: one rate on a bowl with two curvatures, a valley that narrows, and a rate that falls."""
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
    place_words,
)
from gdlib.lessons.learning_rate.exercises import rates_from_curvatures
from gdlib.lessons.learning_rate.narrowing import narrowing
from gdlib.plots import BLUE, METHOD, OKABE_ITO, ground
from gdlib.plots import VERMILLION as RED

COLOUR, _ = METHOD["descent"]

# --- rate -------------------------------------------------------------------------------------------------------------

HALF = np.array([3.0, 1.8])  # half the map's width and height
MAP_BOX, RULE_BOX = (0.075, 0.155, 0.45, 0.80), (0.615, 0.155, 0.37, 0.71)
TOP_RATE, MOST_STEPS = 0.6, 40
ETA = np.linspace(0, TOP_RATE, 241)


class rate(Explorer):
    """Gradient descent on ½(flat·x² + steep·y²): the path, and the factor of each direction against the rate.

    A click on the map chooses the start, one on the right the rate.

    Parameters
    ----------
    lr : float
        η, the learning rate.
    steep, flat : float
        The curvatures across and along the ravine.
    x, y : float
        Where the walk begins.
    steps : int
        How many steps are taken.
    """

    controls = {
        "lr": Slider("rate η", 0.18, 0.005, TOP_RATE, 0.005),
        "steep": Slider("steep λ", 10.0, 4.0, 10.0, 0.5),
        "flat": Slider("flat λ", 1.0, 0.1, 4.0, 0.1),
        "x": Slider("start x", -2.4, -3.0, 3.0, 0.1),
        "y": Slider("start y", 1.0, -1.8, 1.8, 0.1),
        "steps": WholeSlider("steps", 20, 0, MOST_STEPS),
    }
    moving = "steps"

    def picked(self, x, y):
        """The controls that a click sets."""
        if place := place_on(RULE_BOX, (0, TOP_RATE), (0, 2), x, y):
            return {"lr": self.controls["lr"].nearest(place[0])}
        place = place_on(MAP_BOX, *zip(-HALF, HALF, strict=True), x, y)
        return {k: self.controls[k].nearest(value) for k, value in zip("xy", place, strict=True)} if place else {}

    @staticmethod
    def picture(state):
        lr, steep, flat, steps = (state[k] for k in ("lr", "steep", "flat", "steps"))
        curvatures = np.array([flat, steep])
        start = np.array([state["x"], state["y"]])
        path = gd.run(gd.quadratic(curvatures), gd.gradient_descent(lr), start, steps).theta
        outside = (np.abs(path) > HALF).any(axis=-1)
        left = int(outside.argmax()) if outside.any() else None
        path = path[: None if left is None else left + 1]
        factors = 1 - lr * curvatures
        edge, best, _ = rates_from_curvatures.solution_function(curvatures)
        angle = np.linspace(0, 2 * np.pi, 121)
        radii = np.sqrt(2 * np.geomspace(0.05, 20, 9) / curvatures[:, None])
        rings = radii[:, :, None] * np.array([np.cos(angle), np.sin(angle)])[:, None, :]
        gaps = np.full((2, 9, 1), np.inf)  # an end to each ring
        data = {
            "scene": "bowl",
            "path": path,
            "rings": np.where(np.isinf(joined := np.concatenate([rings, gaps], -1)), 99.0, joined).reshape(2, -1),
            "lines": np.abs(1 - ETA * curvatures[:, None]),
            "edge": edge,
            "best": best,
            "lr": lr,
            "factors": np.abs(factors),
            "left": left is not None,
        }

        words = (
            f"From {place_words(*start)}, η = {number(lr)}. Across, with curvature {number(steep)}, "
            f"each step multiplies by {fixed(factors[1])}: "
            f"it {_fate_by_factor(factors[1])}. Along, with {number(flat)}, by {fixed(factors[0])}: "
            f"it {_fate_by_factor(factors[0])}. "
        )
        if left is not None:
            words += f"Step {left} leaves the map. "
        else:
            if start.any():
                share = np.linalg.norm(path[-1]) / np.linalg.norm(start)
                words += f"After {counted(steps, 'step')} {_share(share)} of the distance is left. "
        words += f"The edge is 2/{number(steep)} = {number(edge)}; quickest is {number(best)}."
        return data, words

    @staticmethod
    def draw(fig, scene):
        land, rule = fig.add_axes(MAP_BOX), fig.add_axes(RULE_BOX)
        land.set(xlim=(-HALF[0], HALF[0]), ylim=(-HALF[1], HALF[1]))
        land.set_xlabel("along (flat)", fontsize=13, labelpad=2)
        land.set_ylabel("across (steep)", fontsize=13, labelpad=-1)
        rule.set(xlim=(0, TOP_RATE), ylim=(0, 2))
        rule.axhspan(1, 2, color="#f6dfd3", linewidth=0)
        rule.annotate("grows", (0.59, 1.04), ha="right", va="bottom", fontsize=12, color="0.3")
        rule.annotate("shrinks", (0.59, 0.96), ha="right", va="top", fontsize=12, color="0.3")
        rule.axhline(1, color="black", linewidth=1)
        rule.set_xlabel("learning rate η", fontsize=13)
        rule.set_ylabel("factor of a step, |1 − ηλ|", fontsize=13)
        for ax in (land, rule):
            ax.tick_params(labelsize=12)
        artists = {
            "rings": land.plot([], [], color="0.72", linewidth=1)[0],
            "path": land.plot([], [], "-", color=COLOUR, linewidth=1.8, marker="o", markersize=4)[0],
            "start": mark(land, "start"),
            "now": mark(land, "now", COLOUR),
            "edge": rule.axvline(0, color="0.45", linewidth=1.2, linestyle=":", label="edge"),
            "best": rule.axvline(0, color="0.45", linewidth=1.2, linestyle="-.", label="quickest"),
            "flat": rule.plot([], [], color=BLUE, linewidth=2, linestyle="--", label="along")[0],
            "steep": rule.plot([], [], color=RED, linewidth=2.4, label="across")[0],
            "flat now": mark(rule, "now", BLUE),
            "steep now": mark(rule, "now", RED),
        }
        land.legend(handles=[artists["start"], artists["now"]], ncols=2, loc="upper right", fontsize=12, framealpha=1)
        fig.legend(
            handles=[artists[k] for k in ("steep", "flat", "best", "edge")], ncols=4, loc="upper center",
            bbox_to_anchor=(0.80, 1.0), fontsize=12, frameon=False, handletextpad=0.3, columnspacing=1.0,
            handlelength=1.6,
        )
        return artists

    @staticmethod
    def update(artists, data):
        path = data["path"]
        rings = np.where(data["rings"] == 99.0, np.nan, data["rings"])
        artists["rings"].set_data(*rings)
        artists["path"].set_data(*path.T)
        artists["start"].set_data(*path[:1].T)
        artists["now"].set_data(*(path[:0] if data["left"] else path[-1:]).T)
        for i, name in enumerate(("flat", "steep")):
            artists[name].set_data(ETA, data["lines"][i])
            artists[name + " now"].set_data([data["lr"]], [min(data["factors"][i], 2.0)])
        for name in ("edge", "best"):
            artists[name].set_xdata([data[name]] * 2)


def _fate_by_factor(factor):
    """The fate of a coordinate that each step multiplies by this factor, in words."""
    if abs(factor) < 1e-9:
        return "arrives in one step"
    if factor > 0.9:
        return "creeps"
    if factor > 0:
        return "glides in"
    if factor > -1 + 1e-9:
        return "swings, and less each time"
    return "swings for ever" if factor > -1 - 1e-9 else "swings ever wider"


def _share(share):
    """A share of the distance, in words."""
    return f"{share:.1%}" if share >= 0.001 else "less than 0.1%"


# --- narrow_valley ----------------------------------------------------------------------------------------------------

PULL, BEGIN, CHANGE, LAST = 0.3, (1.0, 1.0), 100, 200  # c, the start, the step of the change, the last step
ACROSS, DEEP = 1.6, 6.4  # half the map's width, and its height
VALLEY_BOX, TIME_BOX = (0.07, 0.155, 0.40, 0.77), (0.565, 0.155, 0.42, 0.77)


class narrow_valley(Explorer):
    """Descent in a valley that gets narrower, ½yx² + ½c(Y − y)² with c = 0.3: y is the curvature across.

    Parameters
    ----------
    lr : float
        η, the learning rate, for the first 100 steps.
    later : float
        The learning rate from there on.
    Y : {"3", "4", "5"}
        The curvature at the valley's lowest point.
    steps : int
        How many steps are taken.
    """

    controls = {
        "lr": Slider("rate η", 0.58, 0.2, 0.8, 0.01),
        "later": Slider("from step 100", 0.52, 0.2, 0.8, 0.01),
        "Y": Choice("sharpest Y", "4", ("3", "4", "5")),
        "steps": WholeSlider("steps", 160, 0, LAST),
    }
    moving = "steps"

    @staticmethod
    def picture(state):
        Y, steps = float(state["Y"]), state["steps"]
        rates = np.where(np.arange(LAST) < CHANGE, state["lr"], state["later"])
        rule = gd.gradient_descent(lambda t: float(rates[t - 1]))
        path = gd.run(narrowing(PULL, Y), rule, BEGIN, steps).theta
        outside = ~((np.abs(path[:, 0]) <= ACROSS) & (path[:, 1] >= 0) & (path[:, 1] <= DEEP))
        left = int(outside.argmax()) if outside.any() else None
        data = {
            "scene": state["Y"],
            "path": np.clip(path[: None if left is None else left + 1], [-9, -9], [9, 9]),
            "edge": 2 / rates,
            "left": left is not None,
        }
        last = max(min(left if left is not None else steps, LAST) - 1, 0)
        now, first = rates[last], f" ({number(state['lr'])} in the first {CHANGE} steps)" if last >= CHANGE else ""
        words = (f"η is {number(now)}{first}, so the edge 2/η is {number(2 / now)}; "
                 f"the valley's lowest point has {Y:g}. ")
        if left is not None:
            return data, words + f"Step {left} leaves the map."
        x, y = path[-1]
        words += f"After {counted(steps, 'step')} y is {fixed(y)}"
        if abs(x) >= 0.005:
            return data, words + f", and x swings: its size is {fixed(abs(x))}."
        return data, words + ", and x is nearly 0."

    @staticmethod
    def draw(fig, scene):
        land, time = fig.add_axes(VALLEY_BOX), fig.add_axes(TIME_BOX)
        xs, ys = np.linspace(-ACROSS, ACROSS, 90), np.linspace(0, DEEP, 90)
        ground(land, narrowing(PULL, float(scene)), xs, ys)
        land.set(xlim=(-ACROSS, ACROSS), ylim=(0, DEEP))
        land.axhline(float(scene), color="0.4", linewidth=1, linestyle="--")
        land.set_xlabel("across, x", fontsize=13, labelpad=2)
        land.set_ylabel("along, y: the curvature across", fontsize=13)
        time.set(xlim=(0, LAST), ylim=(0, DEEP))
        time.axvline(CHANGE, color="0.6", linewidth=1, linestyle=":")
        time.axhline(float(scene), color="0.6", linewidth=1, linestyle="--")
        time.annotate("Y", (LAST, float(scene)), xytext=(-4, 3), textcoords="offset points", ha="right", fontsize=13)
        land.annotate("Y", (-ACROSS, float(scene)), xytext=(4, 3), textcoords="offset points", fontsize=13)
        time.set_xlabel("step", fontsize=13)
        time.set_title("y, and the edge 2/η in black", fontsize=13)
        time.grid(axis="y", color="0.9")
        for ax in (land, time):
            ax.tick_params(labelsize=12)
        artists = {
            "path": land.plot([], [], "-", color=COLOUR, linewidth=0.8, marker="o", markersize=3, alpha=0.3)[0],
            "trail": land.plot([], [], "-", color=COLOUR, linewidth=2, marker="o", markersize=4)[0],
            "start": mark(land, "start"),
            "now": mark(land, "now", COLOUR),
            "edge": time.plot([], [], color="black", linewidth=1.2)[0],
            "y": time.plot([], [], color=COLOUR, linewidth=2.6)[0],
            "y now": mark(time, "now", COLOUR),
        }
        return artists

    @staticmethod
    def update(artists, data):
        path = data["path"]
        inside = path[:-1] if data["left"] else path
        artists["path"].set_data(*path.T)
        artists["trail"].set_data(*path[-8:].T)
        artists["start"].set_data(*path[:1].T)
        artists["now"].set_data(*inside[-1:].T)
        artists["edge"].set_data(np.arange(LAST), data["edge"])
        artists["y"].set_data(np.arange(len(inside)), inside[:, 1])
        artists["y now"].set_data([len(inside) - 1], inside[-1:, 1])


# --- schedule ---------------------------------------------------------------------------------------------------------

STEPS, LOST = 400, 1e100
CURVATURES = np.array([1.0, 0.05])
T = np.arange(1, STEPS + 1)

# shape: (rate at the start, share of it left at the end) -> a schedule
SHAPES = {
    "constant": lambda lr, last: gd.constant(lr),
    "stair": lambda lr, last: gd.step_decay(lr, last ** (1 / 3), STEPS // 4),
    "exponential": lambda lr, last: gd.exponential(lr, last ** (1 / (STEPS - 1))),
    "1/t": lambda lr, last: gd.inverse_time(lr, (1 / last - 1) / (STEPS - 1)),
    "line": lambda lr, last: gd.polynomial(lr, STEPS - 1, lr_min=last * lr),
    "cosine": lambda lr, last: gd.cosine(lr, STEPS - 1, lr_min=last * lr),
}


class schedule(Explorer):
    """A rate that falls, on a noisy bowl: how much of the loss is left of the start, and how much is noise.

    The bowl has curvatures 1 and 0.05. Both parts are expected values, by the exact recursion
    E[θ²] ← (1 − ηλ)² E[θ²] + η²σ².

    Parameters
    ----------
    shape : {"constant", "stair", "exponential", "1/t", "line", "cosine"}
        How the rate falls.
    lr : float
        η at the start, the largest rate.
    last : float
        The share of it that is left at the end.
    warm : int
        Steps of warm-up.
    noise : float
        σ, the standard deviation of the noise in each coordinate of the gradient.
    """

    controls = {
        "shape": Choice("shape", "cosine", tuple(SHAPES)),
        "lr": LogSlider("rate η", 0.5, 0.01, 10.0, 0.05),
        "last": LogSlider("share left", 0.01, 0.001, 1.0, 0.05),
        "warm": WholeSlider("warm-up", 0, 0, 200),
        "noise": Slider("noise σ", 1.0, 0.0, 2.0, 0.1),
    }
    moving = "lr"

    @staticmethod
    def picture(state):
        shape, lr, last, warm, noise = (state[k] for k in ("shape", "lr", "last", "warm", "noise"))
        eta = SHAPES[shape](lr, last)
        rates = np.array([(gd.warmup(eta, warm) if warm else eta)(int(t)) for t in T])
        start, noisy = _expected(rates, noise)
        total, constant = start[-1] + noisy[-1], sum(part[-1] for part in _expected(np.full(STEPS, lr), noise))
        data = {
            "scene": "schedule",
            "rates": np.clip(rates, 1e-5, 10),
            "start": _drawn(start),
            "noise": _drawn(noisy),
            "total": _drawn(start + noisy),
        }
        warmed = f", after {warm} steps of warm-up" if warm else ""
        words = f"{shape.capitalize()} from {number(lr)} to {number(rates[-1])} in {STEPS} steps{warmed}. "
        above = int((rates > 2).sum())
        if total > 1e6:
            words += f"For {above} steps η is above the edge 2/λ = 2: the walk flies off, it diverges."
            return data, words
        words += (
            f"Excess loss at the end: {_loss_words(total)}, of which {_loss_words(start[-1])} is left of the start and "
            f"{_loss_words(noisy[-1])} is noise of strength {fixed(noise, 1)}. "
        )
        if above:
            words += f"For {above} steps η was above the edge 2/λ = 2. "
        if shape == "constant":
            words += "More steps would not help." if noisy[-1] > 9 * start[-1] else "More steps would still help."
        elif constant > 1e6:
            words += "The constant rate would diverge."
        else:
            times = constant / max(total, 1e-300)
            better, worse = f"{number(times, 2)} times lower than", f"{number(1 / times, 2)} times as high as"
            words += f"That is {better if times > 1 else worse} with the constant rate."
        return data, words

    @staticmethod
    def draw(fig, scene):
        left, right = fig.add_axes((0.075, 0.155, 0.38, 0.75)), fig.add_axes((0.565, 0.155, 0.42, 0.75))
        left.set(xlim=(1, STEPS), ylim=(1e-5, 10), yscale="log")
        left.axhline(2, color="black", linewidth=1, linestyle=":")
        left.annotate("edge 2/λ", (STEPS - 6, 2.2), ha="right", va="bottom", fontsize=12)
        left.set_title("the learning rate", fontsize=13)
        right.set(xlim=(0, STEPS), ylim=(1e-6, 100), yscale="log")
        right.set_title("loss above the lowest, expected", fontsize=13)
        for ax in (left, right):
            ax.set_xlabel("step", fontsize=13)
            ax.grid(color="0.9")
            ax.tick_params(labelsize=12)
        artists = {
            "rates": left.plot([], [], color=OKABE_ITO["green"], linewidth=2.6)[0],
            "total": right.plot([], [], color="0.8", linewidth=7, label="together")[0],
            "start": right.plot([], [], color=BLUE, linewidth=2, linestyle="--", label="left of the start")[0],
            "noise": right.plot([], [], color=RED, linewidth=2, label="noise")[0],
        }
        right.legend(handles=[artists[k] for k in ("total", "start", "noise")], loc="upper center", fontsize=12,
                     ncols=3, columnspacing=1.0, handlelength=1.6, framealpha=1)
        return artists

    @staticmethod
    def update(artists, data):
        artists["rates"].set_data(T, data["rates"])
        for name in ("start", "noise", "total"):
            artists[name].set_data(np.arange(STEPS + 1), data[name])


def _expected(rates, noise):
    """The two parts of the expected loss ½ Σ λ E[θ²] after each step, from θ = (1, 1).

    Parameters
    ----------
    rates : array (STEPS,)
        η at each step.
    noise : float
        σ.

    Returns
    -------
    start, noisy : array (STEPS + 1,)
        What is left of the start, and the noise's part; infinite once it has passed LOST.
    """
    shrink = (1 - rates[:, None] * CURVATURES) ** 2
    start, noisy = [np.ones(2)], [np.zeros(2)]
    for factor, eta in zip(shrink, rates, strict=True):
        start.append(np.minimum(start[-1] * factor, LOST))
        noisy.append(np.minimum(noisy[-1] * factor + (eta * noise) ** 2, LOST))
    lost = [np.logical_or.accumulate((np.array(part) >= LOST).any(axis=-1)) for part in (start, noisy)]
    losses = [np.sum(0.5 * CURVATURES * np.array(part), axis=-1) for part in (start, noisy)]
    return [np.where(gone, np.inf, loss) for gone, loss in zip(lost, losses, strict=True)]


def _drawn(loss):
    """A loss that matplotlib can draw."""
    return np.clip(loss, 1e-9, 1e9)


def _loss_words(value):
    """A part of the loss, with two digits."""
    return "nothing" if value == 0 else "less than 10⁻⁹" if value < 1e-9 else number(value, 2)
