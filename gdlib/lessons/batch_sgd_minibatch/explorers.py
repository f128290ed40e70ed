"""Lesson 02: the ball of noise that a constant rate leaves around the lowest point."""
import numpy as np

import gdlib as gd
from gdlib.lessons.kit.explorer import (
    DoublingSlider,
    Explorer,
    LogSlider,
    Slider,
    Switch,
    WholeSlider,
    counted,
    mark,
    number,
    place_on,
    place_words,
)
from gdlib.plots import METHOD, ground

ROWS, STEPS, SETTLED = 256, 400, 150  # the average is taken over the steps after SETTLED
CURVATURE = np.array([1.0, 4.0])
LIMIT = 2 / CURVATURE.max()
HALF = np.array([2.4, 1.6])  # half the map's width and height
MAP_BOX = (0.08, 0.15, 0.45, 0.73)
FLOOR, TOP = 1e-6, 100.0  # the excess losses that the picture can show

# Row i has the loss ½ (θ − xᵢ)ᵀ Λ (θ − xᵢ). The mean of all losses is lowest at the mean of the xᵢ, which is 0 here.
bowl = gd.quadratic(CURVATURE)
_points = np.random.default_rng(0).standard_normal((ROWS, 2))
POINTS = (_points - _points.mean(axis=0)) / _points.std(axis=0)


class noise_ball(Explorer):
    """Mini-batch descent on 256 rows of a bowl with curvatures 1 and 4, 400 steps at a constant rate.

    A click on the map chooses the start.

    Parameters
    ----------
    batch : int
        Rows per step, a power of two.
    rate : float
        η, the learning rate.
    seed : int
        Which random rows.
    reshuffle : bool
        Whether the rows are taken by epochs, or each batch is drawn from all rows.
    x, y : float
        Where the walk begins.
    steps : int
        How many steps are shown.
    """

    controls = {
        "batch": DoublingSlider("batch", 4, 1, ROWS),
        "rate": LogSlider("η", 0.1, 0.01, 1.0, 0.05),
        "seed": WholeSlider("seed", 0, 0, 20),
        "reshuffle": Switch("reshuffle epochs", False),
        "x": Slider("start θ₁", -1.6, -2.4, 2.4, 0.1),
        "y": Slider("start θ₂", 1.1, -1.6, 1.6, 0.1),
        "steps": WholeSlider("steps shown", STEPS, 0, STEPS),
    }
    moving = "steps"

    def picked(self, x, y):
        """The controls that a click sets."""
        place = place_on(MAP_BOX, *zip(-HALF, HALF, strict=True), x, y)
        return {k: self.controls[k].nearest(at) for k, at in zip("xy", place or (), strict=False)}

    @staticmethod
    def picture(state):
        batch, rate, seed, reshuffle, steps = (state[k] for k in ("batch", "rate", "seed", "reshuffle", "steps"))
        means = _batches(batch, np.random.default_rng(seed), reshuffle)
        path = np.clip(_descend((state["x"], state["y"]), means, rate), -1e3, 1e3)
        excess = bowl(path)
        spread, floor = stationary_noise(batch, rate)
        data = {
            "scene": None, "path": path[: steps + 1], "spread": 2 * spread,
            "excess": np.clip(excess, FLOOR, TOP)[: steps + 1], "floor": np.array([floor]),
        }
        begins = place_words(state["x"], state["y"])
        opening = f"From {begins}, batches of {counted(batch, 'row')}, η = {number(rate, 2)}: "
        if steps < STEPS:
            opening = f"Step {steps}: the loss is {number(excess[steps], 2)} above the lowest. {opening}"
        if rate >= LIMIT:
            gone = int(np.argmax((np.abs(path) > 1.2 * HALF).any(-1)))
            data["path"] = data["path"][: gone + 1]
            return data, opening + f"η is not below 2/λmax = {number(LIMIT)}, so no noise is needed to leave."
        measured = excess[SETTLED:].mean()
        if measured < 10 * FLOOR and reshuffle and batch == ROWS:
            return data, opening + "every batch is the whole of the rows, so there is no noise and no floor."
        words = f"after the first {SETTLED} steps the loss is on average {number(measured, 2)} above the lowest"
        said = f"the formula for batches drawn anew says {number(floor, 2)}"
        left_over = bowl((1 - rate * CURVATURE) ** SETTLED * [state["x"], state["y"]])  # of the start, without noise
        if left_over > floor / 4:
            return data, f"{opening}{words}; {said}. The walk was still on its way down: it has not arrived."
        if reshuffle:
            return data, f"{opening}{words}; {said}, {_times(floor / measured)}."
        return data, f"{opening}{words}; {said}. {_size(spread)}"

    @staticmethod
    def draw(fig, scene):
        land, fall = fig.add_axes(MAP_BOX), fig.add_axes((0.63, 0.15, 0.345, 0.73))
        ground(land, bowl, *(np.linspace(-half, half, 200) for half in HALF), levels=8)
        land.set(xlim=(-HALF[0], HALF[0]), ylim=(-HALF[1], HALF[1]), xlabel="θ₁", ylabel="θ₂")
        land.set_title("the walk", fontsize=13, loc="left")
        fall.set(xlim=(0, STEPS), ylim=(1e-5, 20), yscale="log", xlabel="step", ylabel="loss above the lowest")
        fall.set_title("its height", fontsize=13, loc="left")
        fall.grid(color="0.9")
        for ax in (land, fall):
            ax.xaxis.label.set_size(13)
            ax.yaxis.label.set_size(13)
            ax.tick_params(labelsize=12)
        colour, _ = METHOD["descent"]
        mark(land, "lowest").set_data([0], [0])
        artists = {
            "way": land.plot([], [], color=colour, linewidth=1.3)[0],
            "cloud": land.plot([], [], ".", color=colour, markersize=4, alpha=0.6)[0],
            "ball": land.plot([], [], "-", color="black", linewidth=1.3, label="theory, 2 standard deviations")[0],
            "start": mark(land, "start"),
            "now": mark(land, "now", colour),
            "curve": fall.plot([], [], color=colour, linewidth=1.2)[0],
            "floor": fall.plot([], [], "-", color="black", linewidth=1.3, label="theory, the floor")[0],
        }
        for ax, name in ((land, "ball"), (fall, "floor")):  # beside the title, where no path comes
            beside = dict(loc="lower right", bbox_to_anchor=(1.02, 0.97), frameon=False)
            ax.legend(handles=[artists[name]], fontsize=12, **beside)
        return artists

    @staticmethod
    def update(artists, data):
        path, spread, floor = data["path"], data["spread"], data["floor"]
        artists["way"].set_data(*path[: SETTLED + 1].T)
        artists["cloud"].set_data(*path[SETTLED:].T)
        turn = np.linspace(0, 2 * np.pi, 90)
        artists["ball"].set_data(spread[0] * np.cos(turn), spread[1] * np.sin(turn))
        artists["start"].set_data(*path[:1].T)
        artists["now"].set_data(*path[-1:].T)
        artists["curve"].set_data(np.arange(len(data["excess"])), data["excess"])
        artists["floor"].set_data([SETTLED, STEPS], np.repeat(floor, 2))


def stationary_noise(batch, rate):
    """The noise that a constant rate leaves, for batches drawn with replacement.

    Var = η s²/(λ (2 − ηλ) B), with s² = λ² the variance of a row's slope.

    Returns
    -------
    spread : array (2,)
        The standard deviation of each coordinate; 0 where the rate is too large.
    floor : float
        The mean loss above the lowest; 0 where the rate is too large.
    """
    if rate >= LIMIT:
        return np.zeros(2), 0.0
    variance = rate * CURVATURE / ((2 - rate * CURVATURE) * batch)
    return np.sqrt(variance), float((CURVATURE * variance).sum() / 2)


def _batches(batch, rng, reshuffle):
    """The mean of each step's rows (STEPS, 2): the gradient needs no more of them."""
    if not reshuffle:
        return POINTS[rng.integers(ROWS, size=(STEPS, batch))].mean(axis=1)
    epochs = -(-STEPS * batch // ROWS)
    order = np.concatenate([rng.permutation(ROWS) for _ in range(epochs)])[: STEPS * batch]
    return POINTS[order].reshape(STEPS, batch, 2).mean(axis=1)


def _descend(start, means, rate):
    """The points (STEPS + 1, 2) of the walk on batches with these means."""
    oracle = (lambda theta, mean=mean: bowl.grad(theta - mean) for mean in means)
    return gd.run(bowl, gd.gradient_descent(rate), start, STEPS, oracle=oracle).theta


def _times(ratio):
    """How the formula compares with the measurement, in words."""
    if ratio > 1.5:
        return f"{number(ratio, 2)} times as much"
    return "about the same" if ratio > 0.67 else "less"


def _size(spread):
    """How high the ball of noise is, in a sentence."""
    high = 2 * spread[1]
    return f"Two standard deviations of the ball are {number(high, 2)}, up and down."
