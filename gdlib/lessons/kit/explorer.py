"""What every explorer is made of: controls → a pure function → a picture and a sentence.

An explorer is a subclass of `Explorer` that says four things:

    controls               name -> Slider, LogSlider, WholeSlider, DoublingSlider, Choice or Switch
    picture(state)         the whole experiment, a pure function: -> (data for the artists, the sentence)
    draw(fig, scene)       the axes, and the artists that will move: -> {name: artist}
    update(artists, data)  move the artists

Its class has a name in small letters, as a learner calls it like a function: `explorers.hiker(lr=0.1)`.

It may name one control as `moving`: Play walks through its values, and so does the film that stands in for the explorer
where there is no kernel. It may have a method `picked`, which says what a click on the picture sets.

When a slider moves, only the artists are drawn again, on a background that was drawn once. `data["scene"]` names the
background: each scene (a surface, fog or no fog) has a figure of its own.
"""
import base64
import html
import inspect
import io
import math
import numbers
from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache, partial

import ipywidgets as widgets
import matplotlib.style
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image

from gdlib import film
from gdlib.plots import OKABE_ITO

# A click goes to Python through a hidden text field: this needs no package beyond ipywidgets.
CLICK = (
    "const b = this.getBoundingClientRect(), i = this.closest('.gd-explorer').querySelector('.gd-picked input'); "
    "i.value = (event.clientX - b.left) / b.width + ' ' + (event.clientY - b.top) / b.height; "
    "i.dispatchEvent(new Event('input', {bubbles: true}))"
)

# The buttons of ipywidgets' Play show signs and have no names: readers of a screen reader would hear "button".
NAMES = (
    "const e = this, names = {play: 'Play or pause', pause: 'Play or pause', stop: 'To the start', retweet: 'Repeat'}; "
    "setTimeout(() => e.closest('.gd-explorer')?.querySelectorAll('.widget-play button').forEach(b => { "
    "for (const k in names) if (b.querySelector('.fa-' + k)) b.title = names[k]; }), 300)"
)

# Displayed explorers keep their widgets. A cell that is run again and again must not pile them up.
KEPT_ALIVE = 8
_alive = OrderedDict()

FRAMES, INTERVAL = 40, 120  # how many values Play shows at most, and for how many milliseconds each
ASK = "<i>Run this cell: then you can move it.</i>"  # what the stored picture says
FILMED = 20  # how many of them the film shows at most


@dataclass(frozen=True)
class Control:
    """One thing that a learner can set.

    Parameters
    ----------
    label : str
        What stands before it on the screen.
    value : object
        Its opening value.
    """

    label: str
    value: object

    def checked(self, value):
        """The value as this control keeps it.

        Raises
        ------
        TypeError, ValueError
            This control can't take the value. The message is what follows the control's name: "must be …; got …".
        """
        raise NotImplementedError

    def widget(self, value):
        """A new widget that shows the value."""
        raise NotImplementedError

    def moved(self, before, now):
        """Whether a value that the browser sends is a move."""
        return now != before

    def settle(self, widget, value):
        """Make a widget show the value."""
        widget.value = value


@dataclass(frozen=True)
class Slider(Control):
    """A real number from `low` to `high`, in steps of `step`."""

    low: float
    high: float
    step: float

    shown_as = widgets.FloatSlider

    def checked(self, value):
        if not isinstance(value, numbers.Real) or isinstance(value, bool | np.bool_):
            raise TypeError(f"must be a number; got {value!r}")
        value = self.rounded(value)
        if not self.low <= value <= self.high:
            raise ValueError(f"must be from {self.low:g} to {self.high:g}; got {value!r}")
        return value

    def rounded(self, value):
        """The value with as many decimals as a step has."""
        return round(float(value), max(0, -math.floor(math.log10(self.step)))) + 0.0

    def position(self, value):
        """The number of steps from the low end to the value."""
        return (value - self.low) / self.step

    def at(self, position):
        """The value at a number of steps from the low end."""
        return self.rounded(self.low + position * self.step)

    def nearest(self, value):
        """The value on a step that is nearest to any number."""
        return self.at(round(self.position(min(max(value, self.low), self.high))))

    @property
    def last(self):
        """The number of steps from the low end to the high one."""
        return round(self.position(self.high))

    def moved(self, before, now):
        """Whether this is a move: a browser shows a value between two steps as the nearer step, and sends that back."""
        return now != before and abs(self.position(now) - round(self.position(before))) > 1e-3

    def span(self):
        """The widget's range, as keywords."""
        digits = {"readout_format": ".3f"} if self.step < 0.01 else {}  # ipywidgets would show two
        return {"min": self.low, "max": self.high, "step": self.step, **digits}

    def widget(self, value):
        return self.shown_as(value=value, **self.span(), **_labelled(self.label))

    def settle(self, widget, value):
        """Give a widget this control's range and the value: one message, and no impossible state on the way."""
        with widget.hold_sync(), widget.hold_trait_notifications():
            for name, new in {**self.span(), "value": value}.items():
                setattr(widget, name, new)


@dataclass(frozen=True)
class WholeSlider(Slider):
    """A whole number from `low` to `high`."""

    step: int = 1

    shown_as = widgets.IntSlider

    def checked(self, value):
        if not isinstance(value, numbers.Integral) or isinstance(value, bool):
            raise TypeError(f"must be a whole number; got {value!r}")
        return super().checked(value)

    def rounded(self, value):
        return int(value)


class LogSlider(Slider):
    """A positive number of two digits. `low` and `high` are powers of ten, and `step` is a part of a decade."""

    shown_as = widgets.FloatLogSlider

    def rounded(self, value):
        """The value with two significant digits."""
        return float(f"{value:.2g}")

    def position(self, value):
        return math.log10(value / self.low) / self.step

    def at(self, position):
        return self.rounded(self.low * 10 ** (self.step * position))

    def span(self):
        ends = {"min": math.log10(self.low), "max": math.log10(self.high)}
        return {**ends, "step": self.step, "readout_format": ".2r" if self.low >= 1e-4 else ".1e"}


@dataclass(frozen=True)
class DoublingSlider(Slider):
    """A power of two from `low` to `high`: each step doubles it."""

    step: int = 1

    shown_as = widgets.FloatLogSlider

    def rounded(self, value):
        """The nearest power of two."""
        return 2 ** round(math.log2(value)) if value > 0 else value

    def position(self, value):
        return math.log2(value / self.low)

    def at(self, position):
        return self.low * 2**position

    def span(self):
        ends = {"min": math.log2(self.low), "max": math.log2(self.high)}
        return {"base": 2, **ends, "step": 1, "readout_format": ".0f"}


@dataclass(frozen=True)
class Stops(Control):
    """One of several numbers, `stops`, which grow: as those of a slider over 40,000 iterations."""

    stops: tuple

    def checked(self, value):
        if not isinstance(value, numbers.Real) or isinstance(value, bool):
            raise TypeError(f"must be a number; got {value!r}")
        if value not in self.stops:
            near = self.stops[max(0, np.searchsorted(self.stops, value) - 1) :][:2]
            raise ValueError(f"must be a stop of its slider, as {' and '.join(map(str, near))} are; got {value!r}")
        return self.stops[self.stops.index(value)]

    def widget(self, value):
        options = [(f"{stop:,}", stop) for stop in self.stops]
        return widgets.SelectionSlider(value=value, options=options, **_labelled(self.label))

    def position(self, value):
        """The number of stops before the value."""
        return self.stops.index(value)

    def at(self, position):
        """The stop with so many before it."""
        return self.stops[position]

    @property
    def last(self):
        """The number of stops before the last one."""
        return len(self.stops) - 1


@dataclass(frozen=True)
class Choice(Control):
    """One of several names, `options`. A new choice sets the sliders to values that suit it."""

    options: tuple

    def checked(self, value):
        if value not in self.options:
            raise ValueError(f"must be one of {', '.join(map(repr, self.options))}; got {value!r}")
        return value

    def widget(self, value):
        return widgets.Dropdown(value=value, options=self.options, **_labelled(self.label))


class Switch(Control):
    """Yes or no."""

    def checked(self, value):
        if not isinstance(value, bool | np.bool_):
            raise TypeError(f"must be True or False; got {value!r}")
        return bool(value)

    def widget(self, value):
        return widgets.Checkbox(value=value, **_labelled(self.label))


def _labelled(label):
    """A widget's keywords for a label in front of it, wide enough for both."""
    return {"description": label, "style": {"description_width": "7.2em"}, "layout": {"width": "23em"}}


class Explorer:
    """A picture that follows its controls. Display it by making it the last line of a cell.

    Its `repr` is the line of code that opens it in its present state.

    Parameters
    ----------
    **state
        Controls by name, each with its value; the others open at their own good value.

    Attributes
    ----------
    state : dict
        Name -> value of every control.
    data : dict
        What the artists are moved to, and the "scene" that they move on.
    sentence : str
        What is to be seen in the picture.
    view : ipywidgets.VBox or None
        Everything that is displayed; None before it is displayed and after `close`.
    widgets : dict
        Name -> widget of every control, once it is displayed.
    image, words : ipywidgets.HTML
        The picture, and the sentence with the line of code, once they are displayed.

    Raises
    ------
    TypeError
        A control that it has not, or a value of the wrong type.
    ValueError
        A value outside the control's range.
    """

    controls = {}
    moving = None  # or the name of the control that Play and the film move
    picked = None  # or a method: (x, y) of a click, from 0 to 1 from the upper left corner -> the controls that it sets
    size, dpi = (10, 4), 100

    def __init_subclass__(cls):
        parameters = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=control.value)
            for name, control in cls.controls.items()
        ]
        cls.__signature__ = inspect.Signature(parameters)  # for completion and `explorers.hiker?`

    def __init__(self, **state):
        self.view = None
        self._enter(state)

    # What a subclass says ------------------------------------------------------------------------------------------

    @classmethod
    def fitted(cls, **chosen):
        """The controls, with the ranges and opening values that suit what the Choice controls have chosen."""
        return cls.controls

    @staticmethod
    def picture(state):
        """Do the experiment. A pure function, which knows nothing of matplotlib and widgets.

        Parameters
        ----------
        state : dict
            Name -> value of every control.

        Returns
        -------
        data : dict
            What `update` needs, all numbers finite; `data["scene"]` names the background.
        sentence : str
            What is to be seen.
        """
        raise NotImplementedError

    @staticmethod
    def draw(fig, scene):
        """Put the axes and all that stands still into a figure.

        Parameters
        ----------
        fig : matplotlib.figure.Figure
            Empty, of the explorer's `size`.
        scene : hashable
            Which background: `data["scene"]`.

        Returns
        -------
        dict
            Name -> artist of what will move.
        """
        raise NotImplementedError

    @staticmethod
    def update(artists, data):
        """Move the artists, as `draw` gave them, to where data says."""
        raise NotImplementedError

    # What it gets ---------------------------------------------------------------------------------------------------

    def frames(self):
        """The values of the moving control that Play shows, in their order; the film shows those up to the state's."""
        control = self.controls[self.moving]
        return [control.at(int(k)) for k in np.unique(np.linspace(0, control.last, FRAMES).round())]

    def __repr__(self):
        return f"explorers.{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self.state.items())})"

    def png(self, colours=None):
        """The picture as the bytes of a PNG file; a palette of so many `colours` makes it small enough to be stored."""
        image = stage(type(self), self.data["scene"]).render(self.data)
        file = io.BytesIO()
        if colours:
            image.quantize(colours).save(file, "PNG", optimize=True)
        else:
            image.save(file, "PNG", compress_level=1)
        return file.getvalue()

    def click(self, x, y):
        """Click on the displayed picture at x, y: from 0 to 1, from its upper left corner."""
        self._clicked_at.value = f"{x} {y}"

    def close(self):
        """Let go of the widgets; displaying the explorer again makes new ones."""
        if self.view is not None:
            for widget in [*self.widgets.values(), *self._player, self.image, self.words, self._clicked_at, *self._rows,
                           self.view]:
                widget.close()
                widget.layout.close()  # a widget of its own, as its style is
                if getattr(widget, "style", None) is not None:
                    widget.style.close()
        self.view = None
        _alive.pop(id(self), None)

    def _repr_mimebundle_(self, include=None, exclude=None):
        self._open()
        moving, still = _film(type(self), *self.state.items())
        width, height = self._pixels()
        shown = film.as_html(moving, still, width, height, self.sentence) if moving else self._image_html(still)
        return {
            # Written by hand: ipywidgets 7 and 8 make the same in different ways.
            "application/vnd.jupyter.widget-view+json": {
                "version_major": 2, "version_minor": 0, "model_id": self.view.model_id,
            },
            "text/html": f"{shown}<p>{html.escape(self.sentence)}</p><p>{ASK}</p>{self._code()}",
            "image/png": still,
            "text/plain": self.sentence,
        }

    def _enter(self, given):
        """Take on a state: what was given, and for the rest the opening values that suit it."""
        name = type(self).__name__
        if unknown := set(given) - set(self.controls):
            raise TypeError(
                f"the controls of {name} must be among {', '.join(self.controls)}; "
                f"got {', '.join(sorted(map(repr, unknown)))}"
            )

        def checked(control, k):
            try:
                return control.checked(given.get(k, control.value))
            except (TypeError, ValueError) as error:
                raise type(error)(f"{k} of {name} {error}. Leave it out to open at {control.value!r}.") from None

        chosen = {k: checked(c, k) for k, c in self.controls.items() if isinstance(c, Choice)}
        self.controls = self.fitted(**chosen)
        self.state = {k: checked(control, k) for k, control in self.controls.items()}
        self.data, self.sentence = self.picture(self.state)

    def _open(self):
        """Make the widgets, and let go of those that were displayed longest ago."""
        if self.view is None:
            self.widgets = {k: control.widget(self.state[k]) for k, control in self.controls.items()}
            for name, widget in self.widgets.items():
                widget.observe(partial(self._moved, name), "value")
            self._player = self._new_player() if self.moving else ()
            rows = [list(self.widgets.values()), list(self._player)]
            self._rows = [widgets.HBox(row, layout={"flex_flow": "row wrap"}) for row in rows if row]
            self.image, self.words = widgets.HTML(), widgets.HTML()
            self._clicked_at = widgets.Text(layout={"display": "none"})
            self._clicked_at.add_class("gd-picked")
            self._clicked_at.observe(self._clicked, "value")
            self.view = widgets.VBox([*self._rows, self.image, self.words, self._clicked_at])
            self.view.add_class("gd-explorer")
            self._show()
        _alive[id(self)] = self
        _alive.move_to_end(id(self))
        while len(_alive) > KEPT_ALIVE:
            next(iter(_alive.values())).close()

    def _new_player(self):
        """Play, and two buttons for single steps of the moving control."""
        label = self.controls[self.moving].label
        play = widgets.Play(value=self._frame(), min=0, max=len(self.frames()) - 1, interval=INTERVAL)
        play.observe(self._played, "value")
        buttons = []
        for words, steps in ((f"{label}: one back", -1), (f"{label}: one on", 1)):
            button = widgets.Button(description=words, layout={"width": "auto"})
            button.on_click(lambda _, steps=steps: self._step(steps))
            buttons.append(button)
        return play, *buttons

    def _frame(self):
        """The number of the last frame that does not lie beyond the state."""
        control = self.controls[self.moving]
        places = [control.position(frame) for frame in self.frames()]
        return max(0, sum(place <= control.position(self.state[self.moving]) + 1e-3 for place in places) - 1)

    def _played(self, change):
        """Play has come to another frame. (It is told of a slider's move, too, and then stands where the state is.)"""
        if change["new"] != self._frame():
            self._go({**self.state, self.moving: self.frames()[change["new"]]})

    def _step(self, steps):
        """A button was pressed: move the moving control by one step."""
        control = self.controls[self.moving]
        place = round(control.position(self.state[self.moving])) + steps
        if 0 <= place <= control.last:
            self._go({**self.state, self.moving: control.at(place)})

    def _moved(self, name, change):
        """A control was moved: enter that state. A new choice keeps the other choices, not the sliders."""
        control = self.controls[name]
        if not control.moved(self.state[name], change["new"]):
            return
        kept = self.state
        if isinstance(control, Choice):
            kept = {k: self.state[k] for k, c in self.controls.items() if isinstance(c, Choice | Switch)}
        self._go({**kept, name: change["new"]}, untouched=None if isinstance(control, Choice) else name)

    def _clicked(self, change):
        """The picture was clicked: set all that the click says at once."""
        if not change["new"]:
            return
        self._clicked_at.value = ""  # so that another click at the same place is a change as well
        set_now = self.picked(*map(float, change["new"].split()))
        if set_now:
            self._go({**self.state, **set_now})

    def _go(self, given, untouched=None):
        """Enter a state and show it: in the widgets, except the one that is under the reader's hand, and in Play."""
        controls, state = self.controls, self.state
        self._enter(given)
        for k, widget in self.widgets.items():
            if k != untouched and (self.controls[k], self.state[k]) != (controls[k], state[k]):
                self.controls[k].settle(widget, self.state[k])
        if self.moving:
            self._player[0].max = len(self.frames()) - 1
            self._player[0].value = self._frame()
        self._show()

    def _show(self):
        source = base64.b64encode(self.png()).decode()
        self.image.value = self._image_html(source, live=True)
        self.words.value = (
            '<div role="status" aria-live="polite" style="font-size:1.1em;line-height:1.5;min-height:3em">'
            f"{html.escape(self.sentence)}</div>{self._code()}"
        )

    def _image_html(self, source, live=False):
        """The picture with its description as HTML, live or to be stored; `source` is its PNG in base64."""
        width, height = self._pixels()
        click = f'onclick="{CLICK}" ' if live and self.picked else ""
        names = f'onload="{NAMES}" ' if live and self.moving else ""
        return (
            f'<img alt="{html.escape(self.sentence)}" width="{width}" height="{height}" '
            f'style="max-width:100%;height:auto" {click}{names}src="data:image/png;base64,{source}">'
        )

    def _pixels(self):
        """How wide and how high the picture is."""
        return [round(inches * self.dpi) for inches in self.size]

    def _code(self):
        return f"<code>{html.escape(repr(self), quote=False)}</code>"


class Stage:
    """A figure of one scene. Its background is drawn once; the artists are drawn on a copy of it.

    Parameters
    ----------
    explorer : type
        A subclass of Explorer, whose `draw` and `update` are used.
    scene : hashable
        Which background.
    """

    def __init__(self, explorer, scene):
        # A learner's style sheet must not move labels out of a picture that was laid out once.
        with matplotlib.style.context("default"):
            self.explorer = explorer
            self.figure = Figure(explorer.size, dpi=explorer.dpi)
            self.canvas = FigureCanvasAgg(self.figure)
            self.artists = explorer.draw(self.figure, scene)
            for ax in self.figure.axes:
                ax.spines[["top", "right"]].set_visible(False)
            for artist in self.artists.values():
                artist.set_animated(True)  # canvas.draw leaves these out
            self.canvas.draw()
            self.background = self.canvas.copy_from_bbox(self.figure.bbox)

    def render(self, data):
        """The picture of this data, a PIL.Image.Image."""
        self.canvas.restore_region(self.background)
        self.explorer.update(self.artists, data)
        for artist in self.artists.values():
            artist.axes.draw_artist(artist)
        size = self.canvas.get_width_height()
        return Image.frombuffer("RGBA", size, self.canvas.buffer_rgba(), "raw", "RGBA", 0, 1).convert("RGB")


@lru_cache(maxsize=8)
def stage(explorer, scene):
    """The Stage of an explorer's class and scene, shared by all its explorers: a cell run again finds it drawn."""
    return Stage(explorer, scene)


@lru_cache(maxsize=16)
def _film(explorer, *state):
    """A GIF that moves the explorer up to this state, or None if nothing moves; and a PNG of the state. In base64."""
    now = explorer(**dict(state))
    if now.moving is None:
        return None, base64.b64encode(now.png(colours=64)).decode()
    control = now.controls[now.moving]
    place = control.position(now.state[now.moving])
    frames = [frame for frame in now.frames() if control.position(frame) < place - 1e-3] or now.frames()[::-1]
    frames = frames[:: -(-len(frames) // FILMED)]
    states = [{**now.state, now.moving: frame} for frame in frames] + [now.state]
    shown = stage(explorer, now.data["scene"])
    pictures = [shown.render(now.picture(each)[0]) for each in states]
    colours = {to_rgb(artist.get_color()) for artist in shown.artists.values() if isinstance(artist, Line2D)}
    return [base64.b64encode(data).decode() for data in film.encoded(pictures, colours)]


# How a place is marked in every explorer: the symbol, its size, and its colour if it is always the same.
SYMBOLS = {"start": ("o", 9, "white"), "now": ("o", 12, None), "best": ("*", 17, OKABE_ITO["yellow"]),
           "lowest": ("X", 11, "black"), "off": ("X", 14, OKABE_ITO["yellow"])}  # fmt: skip


def mark(ax, what, colour=None):
    """An artist for one point: "start", "now", "best", "lowest" or "off" the map. It stands out on any ground."""
    shape, size, own = SYMBOLS[what]
    rim = "white" if what == "now" else "black"
    return ax.plot(
        [], [], shape, markersize=size, color=own or colour, markeredgecolor=rim, markeredgewidth=1.5, label=what,
        clip_on=False, zorder=6,
    )[0]


def place_on(ax_box, xlim, ylim, x, y):
    """Where a click falls on axes, in their own coordinates; None beside them.

    Parameters
    ----------
    ax_box : tuple of float
        Left, bottom, width and height of the axes, as shares of the figure.
    xlim, ylim : tuple of float
        The ends of the axes.
    x, y : float
        The click, from 0 to 1 from the upper left corner.

    Examples
    --------
    >>> place_on((0.5, 0, 0.5, 1), (0, 10), (-1, 1), x=0.75, y=0.25)
    (5.0, 0.5)
    """
    left, bottom, width, height = ax_box
    across, up = (x - left) / width, (1 - y - bottom) / height
    if not (0 <= across <= 1 and 0 <= up <= 1):
        return None
    return xlim[0] + across * (xlim[1] - xlim[0]), ylim[0] + up * (ylim[1] - ylim[0])


def number(value, digits=3):
    """A number for a sentence, with `digits` significant digits and a true minus sign.

    Examples
    --------
    >>> number(0.012345), number(-2.5), number(6421), number(1.24e-9)
    ('0.0123', '−2.5', '6,420', '1.24·10⁻⁹')
    """
    if not np.isfinite(value):
        return "beyond all numbers"
    text = f"{value:.{digits}g}"
    if 1e3 <= abs(value) < 1e6:
        text = f"{float(text):,.0f}"
    elif "e" in text:
        mantissa, exponent = text.split("e")
        power = "10" + str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
        text = power if mantissa == "1" else f"{mantissa}·{power}"
    return text.replace("-", "−")


def fixed(value, decimals=2):
    """A number for a sentence, with so many decimals and a true minus sign.

    Examples
    --------
    >>> fixed(-0.5), fixed(-0.001)
    ('−0.50', '0.00')
    """
    return f"{round(value, decimals) + 0.0:.{decimals}f}".replace("-", "−")


def place_words(x, y, decimals=1):
    """A place for a sentence.

    Examples
    --------
    >>> place_words(-2.4, 1)
    '(−2.4, 1.0)'
    """
    return f"({fixed(x, decimals)}, {fixed(y, decimals)})"


def counted(n, thing):
    """How many there are, for a sentence.

    Examples
    --------
    >>> counted(1, "step"), counted(12, "step")
    ('1 step', '12 steps')
    """
    return f"{n} {thing}" + "s" * (n != 1)
