"""Lesson 01: one rate on one parabola, a fit and its valley, and the hiker on a map."""
from dataclasses import replace

import numpy as np
from matplotlib.collections import PolyCollection

import gdlib as gd
from gdlib.lessons.kit.explorer import (
    Choice,
    Explorer,
    LogSlider,
    Slider,
    Stops,
    Switch,
    WholeSlider,
    counted,
    fixed,
    mark,
    number,
    place_on,
)
from gdlib.plots import METHOD, VERMILLION, ground

COLOUR, _ = METHOD["descent"]

# --- hiker ------------------------------------------------------------------------------------------------------------

MOST_STEPS = 100
MAP_BOX = (0.075, 0.155, 0.48, 0.80)
FLOOR = 1e-8  # the lowest height above the valley floor that the picture can show

# surface: (objective, half the map's width, its centre, opening start, opening rate). All maps are 3 wide to 2 high.
SURFACES = {
    "bowl": (gd.quadratic([2.5, 2.5]), 3.0, (0.0, 0.0), (-2.5, 1.5), 0.04),
    "ravine": (gd.quadratic([1.0, 25.0], angle=0.4), 3.0, (0.0, 0.0), (-2.2, -0.2), 0.03),
    "rosenbrock": (gd.rosenbrock, 2.4, (0.0, 0.8), (-0.4, 2.0), 0.0019),
    "himmelblau": (gd.himmelblau, 7.2, (0.0, 0.0), (-0.35, -0.5), 0.01),  # one step from another valley
    "saddle": (gd.saddle, 1.8, (0.0, 0.0), (-1.4, 0.02), 0.1),
}
# Above 2/λmax the steps across the steepest direction grow; one number for the whole map on a quadratic only.
EDGES = {k: 2 / np.linalg.eigvalsh(f.hess(np.zeros(2)))[-1] for k, (f, *_) in SURFACES.items() if f.name == "quadratic"}


class hiker(Explorer):
    """Gradient descent on a map of heights, and the height after each step.

    A click on the map chooses the start.

    Parameters
    ----------
    surface : {"bowl", "ravine", "rosenbrock", "himmelblau", "saddle"}
        The landscape; a new one sets the start and the learning rate to values that suit it.
    x, y : float
        Where the walk begins.
    lr : float
        η, the learning rate.
    steps : int
        How many steps are shown as taken.
    """

    controls = {
        "surface": Choice("surface", "himmelblau", tuple(SURFACES)),
        "x": Slider("start x", -0.35, -7.2, 7.2, 0.05),
        "y": Slider("start y", -0.5, -4.8, 4.8, 0.05),
        "lr": LogSlider("η", 0.01, 1e-4, 1.0, 0.04),
        "steps": WholeSlider("steps", 30, 0, MOST_STEPS),
    }
    moving = "steps"

    def picked(self, x, y):
        """The controls that a click sets."""
        xs, ys = self.controls["x"], self.controls["y"]
        place = place_on(MAP_BOX, (xs.low, xs.high), (ys.low, ys.high), x, y)
        return {"x": xs.nearest(place[0]), "y": ys.nearest(place[1])} if place else {}

    @classmethod
    def fitted(cls, surface):
        _, half, (cx, cy), (x, y), lr = SURFACES[surface]
        step = 0.05 if half > 5 else 0.02
        return {
            **cls.controls,
            "x": Slider("start x", x, round(cx - half, 2), round(cx + half, 2), step),
            "y": Slider("start y", y, round(cy - half / 1.5, 2), round(cy + half / 1.5, 2), step),
            "lr": replace(cls.controls["lr"], value=lr),
        }

    @staticmethod
    def picture(state):
        surface, x, y, lr, steps = (state[k] for k in ("surface", "x", "y", "lr", "steps"))
        f, half, centre, *_ = SURFACES[surface]
        minima = np.array(f.minima)
        lowest = f(minima).min()
        run = gd.run(f, gd.gradient_descent(lr), [x, y], MOST_STEPS)
        with np.errstate(invalid="ignore"):
            inside = (np.abs(run.theta - centre) <= (half, half / 1.5)).all(-1) | (run.t == 0)
        left = int(np.argmin(inside)) if not inside.all() else None
        height = np.maximum(run.loss - lowest, 0)
        future = slice(None, left)
        now = slice(None, steps + 1 if left is None else min(steps + 1, left))
        path = run.theta[now]
        left_now = left is not None and left <= steps
        data = {
            "scene": surface,
            "path": path,
            "exit": edge_point(path[-1], run.theta[left], np.array(centre), half) if left_now else None,
            "t": run.t[future],
            "height": np.maximum(height[future], FLOOR),
            "now": len(path) - 1,
        }

        words = f"After {counted(steps, 'step')} at η = {number(lr)} from ({fixed(x)}, {fixed(y)}): "
        if left_now:
            words += (
                f"off the map. Step {left} led out of it, from height {number(height[left - 1])} to "
                f"{number(height[left])}: η is too large for the slope there."
            )
        else:
            nearest = minima[np.linalg.norm(minima - path[-1], axis=-1).argmin()]
            distance = np.linalg.norm(nearest - path[-1])
            words += (
                f"height {_height_words(height[steps])}, distance {_height_words(distance)} to the valley floor at "
                f"({fixed(nearest[0])}, {fixed(nearest[1])}). {_regime(path, distance, half, _held(f, path[-1]))}"
            )
        if lr >= 0.8 * EDGES.get(surface, np.inf):
            words += f" The edge here is 2/λmax = {number(EDGES[surface])}."
        return data, words

    @staticmethod
    def draw(fig, surface):
        f, half, (cx, cy), *_ = SURFACES[surface]
        minima = np.array(f.minima)
        lowest = f(minima).min()
        # 4.8 × 3.2 inch for a map of 3 : 2: a unit is as long across as up, so arrows cross the height lines squarely.
        land, fall = fig.add_axes(MAP_BOX), fig.add_axes((0.635, 0.155, 0.35, 0.665))
        xs, ys = np.linspace(cx - half, cx + half, 300), np.linspace(cy - half / 1.5, cy + half / 1.5, 200)
        top = f(np.stack(np.meshgrid(xs, ys), axis=-1)).max() - lowest
        ground(land, lambda p: np.log10(1 + 1e3 * (f(p) - lowest) / top), xs, ys)
        lowest_points = mark(land, "lowest")
        lowest_points.set_data(*minima.T)
        land.set(xlim=(xs[0], xs[-1]), ylim=(ys[0], ys[-1]))
        land.locator_params(nbins=6)
        land.set_xlabel("x      (bluer is lower)", fontsize=13, labelpad=2)
        land.set_ylabel("y", fontsize=13)
        land.yaxis.set_label_coords(-0.1, 0.5)
        decades = np.arange(round(np.log10(FLOOR)), np.log10(top) + 1, 2.0)
        fall.set(xlim=(-3, MOST_STEPS + 4), ylim=(FLOOR / 3, 10 ** np.ceil(np.log10(top)) * 2), yscale="log")
        fall.set_yticks(10**decades, [rf"${'<' if d == decades[0] else ''}10^{{{d:.0f}}}$" for d in decades])
        fall.set_yticks([], minor=True)
        fall.set_xlabel("step", fontsize=13)
        fall.set_title("height above the lowest point", fontsize=13)
        fall.grid(color="0.9")
        for ax in (land, fall):
            ax.tick_params(labelsize=12)

        artists = {
            "path": land.plot([], [], "-", color=COLOUR, linewidth=2, marker="o", markersize=3.5)[0],
            "arrows": land.add_collection(PolyCollection([], facecolors=COLOUR, transform=None)),
            "future": fall.plot([], [], color="0.5", linestyle=(0, (2, 2)), linewidth=1.4, label="what follows")[0],
            "walk": fall.plot([], [], color=COLOUR, linewidth=2.4)[0],
        }
        for name, ax in (("", land), (" in time", fall)):
            artists["start" + name] = mark(ax, "start")
            artists["now" + name] = mark(ax, "now", COLOUR)
            artists["off" + name] = mark(ax, "off")
        fig.legend(
            handles=[artists["start"], artists["now"], lowest_points], ncols=3, loc="upper center",
            bbox_to_anchor=(0.81, 1.0), fontsize=12, frameon=False, handletextpad=0.3, columnspacing=1.5,
        )
        return artists

    @staticmethod
    def update(artists, data):
        path, edge, t, height, k = (data[name] for name in ("path", "exit", "t", "height", "now"))
        drawn = path if edge is None else np.vstack([path, edge])
        artists["path"].set_data(*drawn.T)
        artists["arrows"].set_verts(arrowheads(artists["path"].get_transform().transform(drawn)))
        artists["walk"].set_data(t[: k + 1], height[: k + 1])
        artists["future"].set_data(t[k:], height[k:])
        artists["start"].set_data(*path[:1].T)
        artists["start in time"].set_data(t[:1], height[:1])
        here, gone = ("now", "off") if edge is None else ("off", "now")
        artists[here].set_data(*drawn[-1:].T)
        artists[here + " in time"].set_data(t[k : k + 1] + (here == "off"), height[k : k + 1])
        for name in (gone, gone + " in time"):
            artists[name].set_data([], [])


def edge_point(inside, outside, centre, half):
    """Where a step crosses the edge of the map.

    Parameters
    ----------
    inside, outside : array (2,)
        The step's ends, on the map and off it; coordinates off it may be infinite or nan.
    centre : array (2,)
        The map's centre.
    half : float
        Half its width; it is 3 wide to 2 high.
    """
    step = np.nan_to_num(outside - inside, nan=0.0, posinf=1e9, neginf=-1e9)
    reach = np.array([half, half / 1.5])
    with np.errstate(divide="ignore"):
        share = np.where(step == 0, np.inf, (reach - (inside - centre) * np.sign(step)) / np.abs(step))
    return inside + step * share.min()


def _height_words(value):
    """A height or distance. Below what the picture can show it would be mostly rounding error."""
    return f"below {number(FLOOR)}" if 0 <= value < FLOOR else number(value)


def _held(f, theta):
    """Whether theta lies exactly on a ridge: the gradient points along it, so no step leaves it."""
    curvature, axes = np.linalg.eigh(f.hess(theta))
    return curvature[0] < 0 and abs(axes[:, 0] @ f.grad(theta)) < 1e-12


def _regime(path, distance, half, held):
    """How the walk went, in a sentence: arrived, zigzags, held on a pass, creeps, or on its way."""
    steps = np.diff(path, axis=0)
    length = np.linalg.norm(steps, axis=-1)
    if len(steps) == 0:
        return "No step has been taken."
    seen = length > 1e-3 * half  # shorter steps can't be seen on the map
    back = ((steps[1:] * steps[:-1]).sum(-1) < 0) & seen[1:]
    turned, lately = int(back.sum()), int(back[-10:].sum())
    turns = "once" if turned == 1 else f"{turned} times"
    if distance < 0.01 * half:
        return "It has arrived" + (f", after turning back {turns}." if turned else ".")
    if lately >= 4:
        return f"It zigzags: it turned back {turns}."
    short = length[-1] < 0.02 * distance
    if held and short:
        return "It is held on the pass: the ground is level here, and yet this is no valley."
    if held:
        return "It is on its way to the pass: on this line nothing pulls it to either side."
    if short:
        return f"It creeps: the last step was {number(length[-1])} long."
    return "It is on its way" + (f", and has turned back {turns}." if turned else ".")


def arrowheads(pixels, size=12.0, apart=45.0):
    """Triangles that show which way a path goes.

    Parameters
    ----------
    pixels : array (k, 2)
        The path on the screen.
    size : float
        How long a triangle is, in pixels.
    apart : float
        About how far along the path it is to the next one, in pixels.

    Returns
    -------
    array (n, 3, 2)
        The tip and the two corners behind it, in pixels.
    """
    step = np.diff(pixels, axis=0)
    length = np.linalg.norm(step, axis=-1)
    passed = np.concatenate([[0.0], np.cumsum(length)]) // apart
    here = (np.diff(passed) > 0) & (length > 0)
    along = step[here] / length[here, None]
    across = along[:, ::-1] * (-1, 1)
    middle = (pixels[:-1] + pixels[1:])[here] / 2
    return np.stack(
        [middle + 0.6 * size * along, middle + size * (-0.6 * along + 0.5 * across),
         middle + size * (-0.6 * along - 0.5 * across)], 1,
    )


# --- parabola ---------------------------------------------------------------------------------------------------------

SIDE, LOW, HEIGHT, TOP_RATE = 3.0, -0.6, 9.4, 2.4  # half the bowl's width, its ends in height; the largest η
BOWL_BOX, RULE_BOX = (0.06, 0.155, 0.44, 0.73), (0.585, 0.155, 0.395, 0.73)


class parabola(Explorer):
    """Gradient descent on the parabola ½λθ², and by what each step multiplies the distance to the lowest point.

    A click on the right chooses the learning rate, a click on the left the start.

    Parameters
    ----------
    lr : float
        η, the learning rate.
    curvature : float
        λ, how much the slope grows per unit of θ.
    start : float
        Where the walk begins.
    steps : int
        How many steps are taken.
    theory : bool
        Whether the line of theory, |1 − ηλ|, is drawn.
    """

    controls = {
        "lr": Slider("η", 0.4, 0.02, TOP_RATE, 0.02),
        "curvature": Slider("curvature λ", 1.0, 0.5, 2.0, 0.25),
        "start": Slider("start θ", -2.5, -3.0, 3.0, 0.1),
        "steps": WholeSlider("steps", 10, 0, 30),
        "theory": Switch("theory", False),
    }
    moving = "lr"

    def picked(self, x, y):
        """The controls that a click sets."""
        if place := place_on(RULE_BOX, (0, TOP_RATE), (0, 1.5), x, y):
            return {"lr": self.controls["lr"].nearest(place[0])}
        place = place_on(BOWL_BOX, (-SIDE, SIDE), (LOW, HEIGHT), x, y)
        return {"start": self.controls["start"].nearest(place[0])} if place else {}

    @staticmethod
    def picture(state):
        lr, curvature, start, steps, theory = (state[k] for k in ("lr", "curvature", "start", "steps", "theory"))
        factor = 1 - lr * curvature
        theta = start * factor ** np.arange(steps + 1)
        inside = np.abs(theta) <= SIDE
        left = int(np.argmin(inside)) if not inside.all() else None
        data = {"scene": None, "theta": theta[:left], "lr": lr, "curvature": curvature, "factor": abs(factor),
                "left": left is not None, "theory": theory}  # fmt: skip
        words = f"From θ = {fixed(start, 1)}, {counted(steps, 'step')} at η = {fixed(lr)} on curvature "
        words += f"{number(curvature)}: each multiplies the distance by {fixed(abs(factor))}"
        words += f" = |1 − {fixed(lr)} · {number(curvature)}|. " if theory else ". "
        if start == 0:
            words += "The walk begins at the lowest point, and stays there."
        elif abs(factor) < 1e-9:
            words += "One step leads to the lowest point."
        elif left is not None:
            words += f"The walk swings ever wider; step {left} leaves the picture."
        elif abs(abs(factor) - 1) < 1e-9:
            words += "The walk swings from side to side for ever."
        else:
            how = "changes sides at every step, and comes nearer" if factor < 0 else "comes nearer from one side"
            how = "swings ever wider" if factor < -1 else how
            words += f"The walk {how}: at the end it is {number(abs(theta[-1]))} from the lowest point."
        return data, words

    @staticmethod
    def draw(fig, scene):
        bowl, rule = fig.add_axes(BOWL_BOX), fig.add_axes(RULE_BOX)
        bowl.set(xlim=(-SIDE, SIDE), ylim=(LOW, HEIGHT))
        bowl.set_xlabel("θ", fontsize=13)
        bowl.set_title("loss ½λθ²", fontsize=13)
        mark(bowl, "lowest").set_data([0], [0])
        rule.set(xlim=(0, TOP_RATE), ylim=(0, 1.5), yticks=[0, 0.5, 1, 1.5])
        rule.axhspan(1, 1.5, color="#f6dfd3", linewidth=0)
        rule.axhline(1, color="0.5", linewidth=1)
        for words, y in (("further away", 1.04), ("nearer", 0.91)):
            rule.annotate(words, (2.36, y), ha="right", fontsize=12, color="0.25")
        rule.set_xlabel("learning rate η", fontsize=13)
        rule.set_title("what a step leaves of the distance", fontsize=13)
        for ax in (bowl, rule):
            ax.tick_params(labelsize=12)
            ax.spines[["top", "right"]].set_visible(False)
        return {
            "ground": bowl.plot([], [], color="0.6", linewidth=2)[0],
            "path": bowl.plot([], [], "o-", color=COLOUR, linewidth=1.4, markersize=4)[0],
            "start": mark(bowl, "start"),
            "now": mark(bowl, "now", COLOUR),
            "theory": rule.plot([], [], color="black", linewidth=1)[0],
            "said": rule.annotate("", (2.36, 0.06), ha="right", fontsize=13),
            "line": rule.axvline(0, color="0.5", linewidth=1, linestyle=":"),
            "factor": mark(rule, "now", COLOUR),
        }

    @staticmethod
    def update(artists, data):
        theta, curvature = data["theta"], data["curvature"]
        across, eta = np.linspace(-SIDE, SIDE, 200), np.linspace(0, TOP_RATE, 481)
        artists["ground"].set_data(across, curvature * across**2 / 2)
        artists["path"].set_data(theta, curvature * theta**2 / 2)
        artists["start"].set_data(theta[:1], curvature * theta[:1] ** 2 / 2)
        artists["now"].set_data(*([[], []] if data["left"] else [theta[-1:], curvature * theta[-1:] ** 2 / 2]))
        artists["theory"].set_data(*([eta, np.abs(1 - eta * curvature)] if data["theory"] else [[], []]))
        artists["said"].set_text("|1 − ηλ|" if data["theory"] else "")
        artists["line"].set_xdata([data["lr"]] * 2)
        artists["factor"].set_data([data["lr"]], [data["factor"]])


# --- worlds -----------------------------------------------------------------------------------------------------------

X = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
COLUMNS = np.stack([np.ones(5), X, X**2], axis=-1)  # ŷ = COLUMNS @ w
FIT = gd.LeastSquares(COLUMNS, X**2, intercept=False)
ANSWER, RATE = np.array([0.0, 0.0, 1.0]), 0.001
LAST = 40_000
# What article 002 prints, and the iteration of its program that gives these numbers; None where none does.
ROWS = {"1": (0.010, 0.042, 0.154), "2": (0.022, 0.090, 0.392), "3": (0.035, 0.143, 0.621),
        "10": (0.051, 0.214, 0.945), "100": (0.026, 0.181, 0.957)}  # fmt: skip
TRUE = {"1": None, "2": 1, "3": 2, "10": 11, "100": 132}
ARRIVED = 35_645  # from here on each coefficient is within 0.01 of the answer
STOPS = tuple(sorted({0, 20, ARRIVED, *(k for k in TRUE.values() if k),
                      *np.geomspace(1, LAST, 70).round().astype(int).tolist()}))  # fmt: skip
VALLEY, VALLEY_BOX = ((-0.1, 0.36), (-0.05, 1.1)), (0.37, 0.155, 0.28, 0.73)


def after(k):
    """The coefficients after iteration k (...): (..., 3), by the Hessian's eigenvectors instead of k steps."""
    curvature, axes = np.linalg.eigh(FIT.hess())
    left = (1 - RATE * curvature) ** np.asarray(k)[..., None]
    return ANSWER + (left * (-ANSWER @ axes)) @ axes.T


class worlds(Explorer):
    """Article 002's fit in three views of one iteration: the curve on the points, the valley of the loss, the loss.

    A click on the valley goes to the iteration whose place is nearest.

    Parameters
    ----------
    iteration : int
        Which iteration, a stop of the slider; the stops are about evenly spaced in the logarithm.
    """

    controls = {"iteration": Stops("iteration", 132, STOPS)}
    moving = "iteration"

    def picked(self, x, y):
        """The controls that a click sets."""
        place = place_on(VALLEY_BOX, *VALLEY, x, y)
        if place is None:
            return {}
        away = (after(STOPS)[:, 1:] - place) / np.ptp(VALLEY, axis=1)
        return {"iteration": STOPS[int(np.linalg.norm(away, axis=-1).argmin())]}

    @staticmethod
    def picture(state):
        k = state["iteration"]
        shown = np.array([stop for stop in STOPS if stop <= k])
        w = after(shown)
        loss = FIT(w)
        data = {"scene": None, "k": k, "w": w, "shown": shown, "loss": loss}
        said = ", ".join(fixed(value, 3) for value in w[-1])
        words = f"Iteration {k:,}: w = ({said}), loss {number(loss[-1], 2)}. "
        if names := [name for name, true in TRUE.items() if true == k]:
            return data, words + f"This is the row that the article calls round {names[0]}."
        if k == 20:
            return data, words + "Here the article's program stops."
        if k >= ARRIVED:
            return data, words + f"All are within 0.01 of (0, 0, 1), from iteration {ARRIVED:,} on."
        gap = np.abs(w[-1] - ANSWER).max()
        return data, words + f"The worst of the three is {number(gap, 2)} from its answer in (0, 0, 1)."

    @staticmethod
    def draw(fig, scene):
        fit, valley = fig.add_axes((0.05, 0.155, 0.25, 0.73)), fig.add_axes(VALLEY_BOX)
        chart = fig.add_axes((0.73, 0.155, 0.255, 0.73))
        fit.plot(X, X**2, "ks", markersize=6)
        fit.set(xlim=(0, 5.4), ylim=(-1, 28))
        fit.set_xlabel("x", fontsize=13)
        fit.set_title("the curve on the five points", fontsize=12)
        _draw_valley(valley)
        chart.set(xlim=(0, LAST), ylim=(1e-5, 400), yscale="log")
        chart.set_xscale("symlog", linthresh=1, linscale=0.3)
        chart.set_xticks([0, 1, 10, 100, 1000, 10_000], ["0", "1", "10", "100", "1,000", "10⁴"])
        chart.set_xticks([], minor=True)
        chart.set_xlabel("iteration", fontsize=13)
        chart.set_title("the loss, and the article's rows", fontsize=12)
        every = np.array(STOPS)
        chart.plot(every, FIT(after(every)), color="0.8", linewidth=1.5)
        for i, (name, true) in enumerate((name, true) for name, true in TRUE.items() if true):
            loss = float(FIT(after(true)))
            chart.plot([true], [loss], "D", color=VERMILLION, markersize=5)
            place = (true * 1.6, loss * 1.7) if i < 3 else (true * 1.5, loss * 1.8)
            chart.annotate(f"“{name}”", place, fontsize=11, color=VERMILLION)
        for ax in (fit, valley, chart):
            ax.tick_params(labelsize=11)
        return {
            "curve": fit.plot([], [], color=COLOUR, linewidth=2.4)[0],
            "path": valley.plot([], [], color=COLOUR, linewidth=2)[0],
            "start": mark(valley, "start"),
            "now": mark(valley, "now", COLOUR),
            "loss": chart.plot([], [], color=COLOUR, linewidth=2.4)[0],
            "now in time": mark(chart, "now", COLOUR),
        }

    @staticmethod
    def update(artists, data):
        w, x = data["w"], np.linspace(0, 5.4, 100)
        artists["curve"].set_data(x, w[-1] @ [np.ones(100), x, x**2])
        artists["path"].set_data(*w[:, 1:].T)
        artists["start"].set_data(*w[:1, 1:].T)
        artists["now"].set_data(*w[-1:, 1:].T)
        artists["loss"].set_data(data["shown"], data["loss"])
        artists["now in time"].set_data(data["shown"][-1:], data["loss"][-1:])


def _draw_valley(ax):
    """The loss over w₁ and w₂, with w₀ at its best for them; and the article's rows, of which one is an orphan."""
    def lowest(w):
        short = np.mean(X**2 - w @ COLUMNS[:, 1:].T, axis=-1)  # the best w₀
        return np.log10(1 + 1e3 * FIT(np.concatenate([short[..., None], w], axis=-1)))

    ground(ax, lowest, *(np.linspace(*ends, 200) for ends in VALLEY))
    mark(ax, "lowest").set_data([0], [1])
    for name, (_, w1, w2) in ROWS.items():
        ax.plot([w1], [w2], "D", color=VERMILLION, markersize=5, markerfacecolor="none" if name == "1" else VERMILLION)
    words = {"1": ("“1”: from\nno iteration", 0.08, 0.1), "2": ("“2”", 0.11, 0.36), "3": ("“3”", 0.16, 0.59),
             "10": ("“10”", 0.23, 0.88), "100": ("“100”", 0.14, 1.02)}  # fmt: skip
    for text, *place in words.values():
        ax.annotate(text, place, fontsize=11, color=VERMILLION)
    ax.set(xlim=VALLEY[0], ylim=VALLEY[1])
    ax.set_xlabel("w₁", fontsize=13)
    ax.set_ylabel("w₂", fontsize=13, labelpad=0)
    ax.set_title("the valley, with w₀ at its best", fontsize=12)
