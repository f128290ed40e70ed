"""Lesson 00: the hiker who cannot see."""
import numpy as np
from matplotlib.collections import LineCollection

import gdlib as gd
from gdlib.lessons.kit.explorer import (
    Explorer,
    LogSlider,
    Slider,
    Switch,
    WholeSlider,
    counted,
    fixed,
    mark,
    number,
    place_on,
)
from gdlib.plots import METHOD

WEST, EAST, TOP, MOST_STEPS = 0.0, 100.0, 40.0, 40
LAND_BOX = (0.07, 0.15, 0.51, 0.74)
STICK = 4.5  # how far the stick reaches to either side, in m
FOG = 0.88  # its grey


def _height(theta):
    """The height in m at theta (..., 1), in m east."""
    x = theta[..., 0] / 10
    return 0.12 * (x - 2.2) ** 2 * (x - 7.4) ** 2 - 0.5 * x + 10


def _slope(theta):
    """The derivative of the height."""
    x = theta / 10
    return (0.24 * (x - 2.2) * (x - 7.4) * (2 * x - 9.6) - 0.5) / 10


mountain = gd.Objective("mountain", _height, _slope)  # two valleys; the eastern one is deeper

GROUND = np.linspace(WEST, EAST, 401)
HEIGHTS = mountain(GROUND[:, None])
RIDGE = GROUND[150:300][HEIGHTS[150:300].argmax()]
SHALLOW, DEEP = GROUND[GROUND < RIDGE][HEIGHTS[GROUND < RIDGE].argmin()], GROUND[HEIGHTS.argmin()]


class fog(Explorer):
    """A hiker in the fog, who feels the slope with a stick and walks downhill.

    A click on the mountain chooses the start.

    Parameters
    ----------
    start : float
        Where the walk begins, in m east.
    lr : float
        η, the learning rate: how many metres a step is long for each metre that the ground falls per metre.
    steps : int
        How many steps are taken.
    lift : bool
        Whether the fog is lifted.
    """

    controls = {
        "start": Slider("start (m)", 6.0, 1.0, 99.0, 0.5),
        "lr": LogSlider("learning rate", 4.0, 0.1, 100.0, 0.05),
        "steps": WholeSlider("steps", 12, 0, MOST_STEPS),
        "lift": Switch("lift the fog", False),
    }
    moving = "steps"

    def picked(self, x, y):
        """The controls that a click sets."""
        place = place_on(LAND_BOX, (WEST, EAST), (0, TOP), x, y)
        return {"start": self.controls["start"].nearest(place[0])} if place else {}

    @staticmethod
    def picture(state):
        start, lr, steps, lift = (state[k] for k in ("start", "lr", "steps", "lift"))
        x = gd.run(mountain, gd.gradient_descent(lr), [start], steps).theta[:, 0]
        outside = np.flatnonzero(~((x >= WEST) & (x <= EAST)))
        left = int(outside[0]) if outside.size else None
        x = x[:left]
        y, slope = mountain(x[:, None]), _slope(x)

        if left is not None:
            side, steep = "east" if slope[-1] < 0 else "west", abs(slope[-1])
            far = number(lr * steep)
            words = (
                f"From {number(start)} m east with learning rate {number(lr)}: step {left} was {far} m long, "
                f"over the {side}ern edge and off the map. That is too large for ground as steep as {number(steep)}."
            )
        else:
            words = (
                f"After {counted(steps, 'step')} at learning rate {number(lr)} from {number(start)} m east: "
                f"height {fixed(y[-1])} m, and the stick feels {_feels(slope[-1])}."
            )
            turns = int(np.sum(slope[1:-1] * slope[:-2] < 0)) if steps > 2 else 0
            if turns > 2:
                words += f" The hiker turned round {turns} times."
            if lift:
                words += _found(x[-1], slope[-1])
        data = {"scene": lift, "x": x, "height": y, "slope": slope, "left": left}
        return data, words

    @staticmethod
    def draw(fig, lift):
        land, climb = fig.add_axes(LAND_BOX), fig.add_axes((0.66, 0.15, 0.32, 0.74))
        land.set(xlim=(WEST, EAST), ylim=(0, TOP), xlabel="how far east (m)", ylabel="height (m)")
        climb.set(xlim=(-1.5, MOST_STEPS + 2), ylim=(0, TOP), xlabel="step", ylabel="height (m)")
        climb.set_title("height after each step", fontsize=13)
        climb.grid(color="0.9")
        for ax in (land, climb):
            ax.xaxis.label.set_size(13)
            ax.yaxis.label.set_size(13)
            ax.tick_params(labelsize=12)
        land.fill_between(GROUND, HEIGHTS, color="#e3d9c6")
        land.plot(GROUND, HEIGHTS, color="0.35", linewidth=2)
        if lift:
            land.set_title("the mountain, without fog", fontsize=13)
            for x, words in ((SHALLOW, "a valley"), (DEEP, "the deeper valley")):
                land.annotate(words, (x, 1.2), ha="center", va="bottom", fontsize=13, color="0.25")
        else:
            land.set_title("what the stick has felt, in the fog", fontsize=13)
        colour, _ = METHOD["descent"]
        whole = {"extent": (WEST, EAST, 0, TOP), "aspect": "auto", "interpolation": "bilinear"}
        artists = {
            "fog": land.imshow(np.zeros((1, GROUND.size, 4)), zorder=1.5, **whole),
            "felt": land.add_collection(LineCollection([], capstyle="round")),
            "hops": land.plot([], [], color=colour, linewidth=1.5, linestyle=":")[0],
            "fall": climb.plot([], [], color=colour, linewidth=1.8)[0],
        }
        for name, ax in (("", land), (" in time", climb)):
            artists["steps" + name] = ax.plot([], [], "o", markersize=4, color=colour)[0]
            artists["start" + name] = mark(ax, "start")
            artists["now" + name] = mark(ax, "now", colour)
            artists["off" + name] = mark(ax, "off")
        legend = [artists[k + " in time"] for k in ("start", "now")]
        climb.legend(handles=legend, loc="upper right", fontsize=12, framealpha=1)
        return artists

    @staticmethod
    def update(artists, data):
        x, y, slope, left = data["x"], data["height"], data["slope"], data["left"]
        # Sticks are shorter where the steps are, so that they don't cover one another; the last one is always whole.
        reach = np.append(np.clip(np.abs(np.diff(x)), 1, STICK), STICK)
        reach /= np.hypot(1, slope * EAST / TOP)  # as long on the page on steep ground as on level ground
        seen = np.exp(-(((GROUND[:, None] - x) / STICK) ** 2)).max(axis=1)
        fog = np.full((1, GROUND.size, 4), FOG)
        fog[..., 3] = 0 if data["scene"] else 1 - seen
        artists["fog"].set_data(fog)
        artists["felt"].set_segments(
            np.stack([np.stack([x - reach, y - reach * slope], -1), np.stack([x + reach, y + reach * slope], -1)], 1)
        )
        artists["felt"].set(color=["0.35"] * (len(x) - 1) + ["black"], linewidth=[3] * (len(x) - 1) + [3.5])
        edge = [] if left is None else [EAST if slope[-1] < 0 else WEST]
        for name, line, across, last in (("", "hops", x, edge), (" in time", "fall", np.arange(len(x)), [left])):
            artists["steps" + name].set_data(across, y)
            artists["start" + name].set_data(across[:1], y[:1])
            here, gone = ("now", "off") if left is None else ("off", "now")
            end = across[-1:] if left is None else last
            artists[here + name].set_data(end, y[-1:])
            artists[gone + name].set_data([], [])
            artists[line].set_data([*across, *end], [*y, y[-1]])


def _feels(slope):
    """The slope under the stick, in words."""
    if abs(slope) < 0.005:
        return f"level ground (slope {fixed(slope, 3)})"
    return f"a slope of {fixed(slope)}, falling to the {'east' if slope < 0 else 'west'}"


def _found(x, slope):
    """Which valley the hiker is in, in a sentence that only the lifted fog allows."""
    here, there = (SHALLOW, DEEP) if x < RIDGE else (DEEP, SHALLOW)
    name = "deeper" if here == DEEP else "shallower"
    if abs(slope) > 0.05:
        return f" Without the fog: still on the way, on the side of the {name} valley."
    if here == DEEP:
        return " Without the fog: this is the deeper valley."
    return f" Without the fog: this is only the shallower valley; the deeper one lies {there - x:.0f} m further east."
