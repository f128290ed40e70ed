"""Lesson 06: five rules side by side, each at its own rate; and what Adam makes of each coordinate's slopes."""
from functools import lru_cache

import numpy as np

import gdlib as gd
from gdlib.lessons.kit.explorer import (
    Choice,
    Explorer,
    LogSlider,
    Slider,
    Switch,
    WholeSlider,
    fixed,
    mark,
    number,
    place_on,
    place_words,
)
from gdlib.plots import METHOD, OKABE_ITO, ground

# --- race -------------------------------------------------------------------------------------------------------------

RULES = {"descent": gd.gradient_descent, "momentum": gd.momentum, "adagrad": gd.adagrad, "rmsprop": gd.rmsprop,
         "adam": gd.adam}
SHOWN = {"descent": "descent", "momentum": "momentum", "adagrad": "AdaGrad", "rmsprop": "RMSprop", "adam": "Adam"}
LAST, TARGET, LOW, HIGH = 300, 1e-3, 1e-4, 10.0
LAND_BOX = (0.06, 0.145, 0.44, 0.75)
PROBLEMS = {  # name: (loss, start, half the map's width and height, its middle)
    "ravine": (gd.quadratic([1, 100]), (-2.0, 0.8), (2.6, 1.3), (0, 0)),
    "turned ravine": (gd.quadratic([1, 100], angle=np.pi / 4), (-1.98, -0.86), (2.6, 2.4), (0, 0)),
    "Rosenbrock": (gd.rosenbrock, (-1.2, 1.0), (2.2, 1.5), (0, 0.8)),
}


@lru_cache(maxsize=256)
def _walk(problem, method, lr, start):
    """The points of 300 steps, and the share of the loss that is left at each; 1e9 where it is not finite."""
    run = gd.run(PROBLEMS[problem][0], RULES[method](lr), start, LAST)
    left = np.nan_to_num(run.loss / max(run.loss[0], 1e-300), nan=1e9, posinf=1e9)
    return np.clip(np.nan_to_num(run.theta, nan=99.0), -99, 99), np.clip(left, 1e-9, 1e9)


@lru_cache(maxsize=8)
def best_rates(problem):
    """The best of 51 rates for each rule, from the opening start.

    There the loss is soonest below a thousandth, and stays below it.
    """
    f, start, *_ = PROBLEMS[problem]
    rates = np.array([float(f"{lr:.2g}") for lr in np.geomspace(LOW, HIGH, 51)])
    best = {}
    for method, rule in RULES.items():
        run = gd.run(f, rule(gd.per_run(rates)), start, LAST)
        above = ~(run.loss <= TARGET * run.loss[0])
        arrived = np.where(above[-1], LAST + 1, LAST + 1 - above[::-1].argmax(axis=0))
        left = np.nan_to_num(run.loss[-1], nan=np.inf)
        best[method] = float(rates[np.lexsort((left, arrived))[0]])  # if none arrives, the lowest loss at the end
    return best


class race(Explorer):
    """Five rules from one start, each at its own rate: where they are after step k, and how much of the loss is left.

    A click on the map chooses the start.

    Parameters
    ----------
    problem : {"ravine", "turned ravine", "Rosenbrock"}
        The landscape; a new one sets each rule to its best rate there.
    k : int
        Which step.
    x, y : float
        Where they begin.
    descent, momentum, adagrad, rmsprop, adam : float
        η, the learning rate of each rule.
    """

    controls = {
        "problem": Choice("problem", "ravine", tuple(PROBLEMS)),
        "k": WholeSlider("step k", 30, 0, LAST),
        "x": Slider("start x", -2.0, -2.6, 2.6, 0.02),
        "y": Slider("start y", 0.8, -1.3, 1.3, 0.02),
        **{method: LogSlider(f"{SHOWN[method]} η", 0.1, LOW, HIGH, 0.1) for method in RULES},
    }
    moving = "k"

    def picked(self, x, y):
        """The controls that a click sets."""
        sides = [self.controls[name] for name in "xy"]
        place = place_on(LAND_BOX, *((side.low, side.high) for side in sides), x, y)
        return {k: side.nearest(at) for k, side, at in zip("xy", sides, place or (), strict=False)}

    def frames(self):
        return np.unique(np.geomspace(1, LAST + 1, 44).round().astype(int) - 1).tolist()

    @classmethod
    def fitted(cls, problem="ravine"):
        best = best_rates(problem)
        rates = {method: LogSlider(f"{SHOWN[method]} η", best[method], LOW, HIGH, 0.1) for method in RULES}
        _, start, half, middle = PROBLEMS[problem]
        ends = {k: (start[i], round(middle[i] - half[i], 2), round(middle[i] + half[i], 2)) for i, k in enumerate("xy")}
        sides = {k: Slider(f"start {k}", *end, 0.02) for k, end in ends.items()}
        return {**cls.controls, **sides, **rates}

    @staticmethod
    def picture(state):
        problem, k = state["problem"], state["k"]
        data, left = {"scene": problem, "k": k}, {}
        for method in RULES:
            points, share = _walk(problem, method, state[method], (state["x"], state["y"]))
            data[method], data[f"{method} left"], left[method] = points[: k + 1], share, share[k]
        order = sorted(left, key=left.get)
        said = [f"{SHOWN[m]} {'flown off' if left[m] > 1e3 else number(left[m])}" for m in order]
        begins = place_words(state["x"], state["y"], 2)
        words = f"From {begins}, after step {k} of {LAST}, the share of the loss that is left: {', '.join(said)}. "
        sent = [m for m in RULES if state[m] != best_rates(problem)[m]]
        start = (state["x"], state["y"])
        if not sent:
            best = "Each runs at its own best rate" if start == PROBLEMS[problem][1] else "The rates suit another start"
            return data, f"{words}{best}."
        off = [f"{SHOWN[m]} ({number(state[m])}, best {number(best_rates(problem)[m])})" for m in sent]
        return data, words + f"Not at its best rate: {', '.join(off)}."

    @staticmethod
    def draw(fig, scene):
        f, start, half, middle = PROBLEMS[scene]
        land, chart = fig.add_axes(LAND_BOX), fig.add_axes((0.59, 0.145, 0.385, 0.68))
        xs, ys = (np.linspace(c - h, c + h, 250) for c, h in zip(middle, half, strict=True))
        ground(land, lambda p: np.log1p(f(p)), xs, ys)
        land.set(xlim=(xs[0], xs[-1]), ylim=(ys[0], ys[-1]))
        land.set_xlabel("θ₁", fontsize=12, labelpad=0)
        land.annotate("θ₂", (0.015, 0.93), xycoords="axes fraction", fontsize=12)
        mark(land, "lowest").set_data(*np.transpose(f.minima))
        chart.set(xlim=(0, LAST), ylim=(1e-6, 10), yscale="log")
        chart.axhline(TARGET, color="0.6", linewidth=1, linestyle=":")
        chart.annotate("a thousandth", (LAST, 1.2e-3), ha="right", fontsize=11, color="0.35")
        chart.set_xlabel("step", fontsize=13)
        chart.set_title("share of the loss that is left", fontsize=13)
        for ax in (land, chart):
            ax.tick_params(labelsize=12)
        artists = {"line": chart.axvline(0, color="0.3", linewidth=1)}
        for method in RULES:
            colour, style = METHOD[SHOWN[method]]
            look = {"color": colour, "linestyle": style, "linewidth": 2.2, "label": SHOWN[method]}
            artists[f"{method} left"], artists[method] = chart.plot([], [], **look)[0], land.plot([], [], **look)[0]
            artists[f"{method} now"] = mark(land, "now", colour)
            artists[f"{method} now"].set_clip_on(False)
        fig.legend(
            handles=[artists[f"{method} left"] for method in RULES], ncols=5, loc="upper center", fontsize=13,
            bbox_to_anchor=(0.5, 1.01), frameon=False, labelcolor="linecolor", handlelength=2.2,
        )
        artists["start"] = mark(land, "start")
        return artists

    @staticmethod
    def update(artists, data):
        artists["line"].set_xdata([data["k"]] * 2)
        for method in RULES:
            artists[method].set_data(*data[method].T)
            axes = artists[method].axes  # a ball that has left the map waits at its edge
            ends = np.transpose([axes.get_xlim(), axes.get_ylim()])
            artists[f"{method} now"].set_data(*np.clip(data[method][-1:], *ends).T)
            artists[f"{method} left"].set_data(np.arange(LAST + 1), data[f"{method} left"])
        artists["start"].set_data(*data["adam"][:1].T)


# --- anatomy ----------------------------------------------------------------------------------------------------------

STEPS = 200
NOISE = np.random.default_rng(6).standard_normal((STEPS, 2))


def dissect(lr, beta1, beta2, scale, noise, correct):
    """Adam's quantities at each step, on the bowl ½(x² + scale·y²) with noise of each coordinate's own scale.

    Without the correction Adam takes every step as the corrected rule does at t = ∞, where 1 − βᵗ is 1.

    Returns
    -------
    g, m_hat, root, step : array (STEPS, 2)
        The gradient, m̂, √v̂, and the step in units of η.
    """
    rule, scales, seen = gd.adam(lr, beta1, beta2), np.array([1.0, scale]), []
    theta = np.array([1.0, 1.0])
    state = rule.init(theta)
    for t, deviation in enumerate(NOISE, start=1):
        t = t if correct else np.inf
        g = scales * (theta + noise * deviation)
        stepped, state = rule.update(t, theta, lambda _, g=g: g, state)
        m, v = state
        seen.append((g, m / (1 - beta1**t), np.sqrt(v / (1 - beta2**t)), (theta - stepped) / lr))
        theta = stepped
    return np.array(seen).swapaxes(0, 1)


class anatomy(Explorer):
    """Adam on a bowl, coordinate by coordinate: the slope g, its mean m̂, the root √v̂, and the step that they make.

    Parameters
    ----------
    t : int
        Which step.
    lr : float
        η, the learning rate.
    beta1, beta2 : float
        β₁ and β₂, the memories of the gradient and of its square.
    scale : float
        The curvature of coordinate 2; that of coordinate 1 is 1.
    noise : float
        The standard deviation of the noise in each coordinate, in units of its curvature.
    correct : bool
        Whether the averages are corrected for their start at 0.
    """

    controls = {
        "t": WholeSlider("step t", 10, 1, STEPS),
        "lr": LogSlider("learning rate η", 0.02, 0.001, 1.0, 0.1),
        "beta1": Slider("β₁", 0.9, 0.0, 0.99, 0.01),
        "beta2": Slider("β₂", 0.999, 0.5, 0.999, 0.001),
        "scale": LogSlider("scale of 2", 100.0, 0.001, 1000.0, 0.1),
        "noise": Slider("noise", 0.3, 0.0, 2.0, 0.1),
        "correct": Switch("correct", True),
    }
    moving = "t"

    def frames(self):
        return np.unique(np.geomspace(1, STEPS, 24).round().astype(int)).tolist()

    @staticmethod
    def picture(state):
        t = state["t"]
        g, mean, root, step = dissect(**{k: state[k] for k in ("lr", "beta1", "beta2", "scale", "noise", "correct")})
        unit = np.abs(g).max(axis=0)  # each coordinate is drawn in units of its own largest slope
        data = {"scene": "corrected" if state["correct"] else "not corrected", "t": t, "g": g / unit,
                "mean": mean / unit, "root": root / unit, "step": np.clip(step, -50, 50)}
        hat = "" if state["correct"] else ", not corrected"
        said = [f"coordinate {i + 1}: slope {number(g[t - 1, i])}, mean {number(mean[t - 1, i])}, root "
                f"{number(root[t - 1, i])}, so it moves {fixed(abs(step[t - 1, i]))} η" for i in range(2)]
        gap = np.abs(step[t - 1, 0] - step[t - 1, 1])
        words = f"Step {t}{hat}. {said[0][0].upper()}{said[0][1:]}; {said[1]}. "
        return data, words + (
            "Both move alike, whatever their slopes are." if gap < 0.005 else
            f"η = {number(state['lr'])}, β₁ = {state['beta1']:g}, β₂ = {state['beta2']:g}, noise {state['noise']:g}."
        )

    @staticmethod
    def draw(fig, scene):
        artists, hat = {}, "\u0302" if scene == "corrected" else ""
        mean, rms = METHOD["momentum"][0], METHOD["RMSprop"][0]  # m is momentum's average, v RMSprop's
        for i, x in enumerate((0.08, 0.575)):
            top, low = fig.add_axes((x, 0.50, 0.405, 0.37)), fig.add_axes((x, 0.135, 0.405, 0.30))
            top.set(xlim=(0, STEPS), ylim=(-1.25, 1.25), xticklabels=[])
            low.set(xlim=(0, STEPS), ylim=(-60, 60), yticks=[-10, -1, 0, 1, 10])
            low.set_yscale("symlog", linthresh=1)
            low.set_yticks([-10, -1, 0, 1, 10], ["−10", "−1", "0", "1", "10"])
            low.set_xlabel("step", fontsize=12, labelpad=0)
            for ax in (top, low):
                ax.axhline(0, color="0.8", linewidth=1)
                ax.tick_params(labelsize=11)
            if i == 0:
                top.set_ylabel("slope / its largest", fontsize=12)
                low.set_ylabel("step / η", fontsize=12)
            top.annotate(f"coordinate {i + 1}", (0.985, 0.05), xycoords="axes fraction", ha="right", fontsize=12)
            artists |= {
                f"g{i}": top.plot([], [], color="0.7", linewidth=1, label="slope g")[0],
                f"root{i}": top.plot([], [], color=rms, linewidth=2, linestyle="--", label=f"±√v{hat}")[0],
                f"under{i}": top.plot([], [], color=rms, linewidth=2, linestyle="--")[0],
                f"mean{i}": top.plot([], [], color=mean, linewidth=2.2, label=f"m{hat}")[0],
                f"step{i}": low.plot([], [], color=OKABE_ITO["green"], linewidth=2, label="step / η")[0],
                f"at{i}": top.axvline(0, color="0.3", linewidth=1),
                f"below{i}": low.axvline(0, color="0.3", linewidth=1),
            }
        fig.legend(handles=[artists[k] for k in ("g0", "mean0", "root0", "step0")], ncols=4, loc="upper center",
                   fontsize=12, frameon=False)
        return artists

    @staticmethod
    def update(artists, data):
        t = np.arange(1, STEPS + 1)
        for i in range(2):
            for name, key, sign in (("g", "g", 1), ("mean", "mean", 1), ("root", "root", 1), ("under", "root", -1),
                                    ("step", "step", 1)):
                artists[f"{name}{i}"].set_data(t, sign * data[key][:, i])
            for name in ("at", "below"):
                artists[f"{name}{i}"].set_xdata([data["t"]] * 2)
