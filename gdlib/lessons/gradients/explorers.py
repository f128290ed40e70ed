"""Lesson 01: the hiker on a map."""
from dataclasses import replace

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.colors import LinearSegmentedColormap

import gdlib as gd
from gdlib.lessons.kit.explorer import Choice, Explorer, LogSlider, Slider, WholeSlider, counted, fixed, marker, number
from gdlib.plots import OKABE_ITO

MOST_STEPS = 100
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

    Parameters
    ----------
    surface : {"bowl", "ravine", "rosenbrock", "himmelblau", "saddle"}
        The landscape; a new one sets the start and the rate to values that suit it.
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
        "lr": LogSlider("rate η", 0.01, 1e-4, 1.0, 0.04),
        "steps": WholeSlider("steps", 30, 0, MOST_STEPS),
    }

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

        words = f"After {counted(steps, 'step')} of rate {number(lr)} from ({fixed(x)}, {fixed(y)}): "
        if left_now:
            words += (
                f"off the map. Step {left} led out of it, from height {number(height[left - 1])} to "
                f"{number(height[left])}: the rate is too large for the slope there."
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
        land, fall = fig.add_axes((0.075, 0.155, 0.48, 0.80)), fig.add_axes((0.635, 0.155, 0.35, 0.665))
        gx, gy = np.meshgrid(
            np.linspace(cx - half, cx + half, 241), np.linspace(cy - half / 1.5, cy + half / 1.5, 161)
        )
        height = f(np.stack([gx, gy], -1)) - lowest
        top = height.max()
        height = np.log10(np.maximum(height, top * 1e-4))
        levels = np.linspace(height.min(), height.max(), 15)  # evenly spaced in the logarithm
        shades = LinearSegmentedColormap.from_list("slopes", ["white", "#dce9f2", "#8fb0c8"])
        land.contourf(gx, gy, height, levels, cmap=shades)
        land.contour(gx, gy, height, levels, colors="#6f8ba0", linewidths=0.8, linestyles="solid")
        land.set(xlim=(gx[0, 0], gx[0, -1]), ylim=(gy[0, 0], gy[-1, 0]))
        land.locator_params(nbins=6)
        land.set_xlabel("x      (the darker, the higher)", fontsize=13, labelpad=2)
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

        red, yellow = OKABE_ITO["vermillion"], OKABE_ITO["yellow"]
        valley = land.plot(*minima.T, "+", markersize=13, mew=2.5, color="black", label="valley floor")
        artists = {
            "path": land.plot([], [], "-", color=red, linewidth=2, marker="o", markersize=3.5)[0],
            "arrows": land.add_collection(PolyCollection([], facecolors=red, transform=None)),
            "future": fall.plot([], [], color="0.5", linestyle=(0, (2, 2)), linewidth=1.4, label="what follows")[0],
            "walk": fall.plot([], [], color=red, linewidth=2.4)[0],
        }
        for name, ax in (("", land), (" in time", fall)):
            artists["start" + name] = marker(ax, "s", 10, "white", "start")
            artists["now" + name] = marker(ax, "*", 20, yellow, "now")
            artists["off" + name] = marker(ax, "X", 14, yellow)
        fig.legend(
            handles=[artists["start"], artists["now"], *valley], ncols=3, loc="upper center",
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
