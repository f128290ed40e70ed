"""Every explorer, without a browser: at the ends of its sliders, at random states, and moved by its widgets."""
import base64
import gc
import html
import io
import itertools
import re
from importlib import import_module
from importlib.util import find_spec
from types import SimpleNamespace

import ipywidgets
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.lines import Line2D
from PIL import Image

import gdlib as gd
from gdlib.lessons import table
from gdlib.lessons.adam import explorers as adam
from gdlib.lessons.batch_sgd_minibatch import explorers as batches
from gdlib.lessons.distributed import explorers as workers
from gdlib.lessons.distributed import pictures as of_workers
from gdlib.lessons.distributed.explorers import SIZES, held_after, slowest_root, work
from gdlib.lessons.gradients import explorers as gradients
from gdlib.lessons.gradients.explorers import SURFACES, arrowheads, edge_point
from gdlib.lessons.kit import explorer as kit
from gdlib.lessons.kit import network as kit_network
from gdlib.lessons.kit.explorer import (
    Choice,
    DoublingSlider,
    Explorer,
    LogSlider,
    Slider,
    Stops,
    Switch,
    WholeSlider,
    fixed,
    number,
)
from gdlib.lessons.learning_rate import explorers as rates
from gdlib.lessons.learning_rate.explorers import SHAPES
from gdlib.lessons.momentum import explorers as balls
from gdlib.lessons.momentum.explorers import MAP_BOX as fate_map_box
from gdlib.lessons.saddle_points import explorers as saddles
from gdlib.lessons.start_here import explorers as fog
from gdlib.lessons.start_here.explorers import DEEP, SHALLOW, mountain
from gdlib.plots import METHOD
from tools.notebooks import ROOT, lessons, load

MODULES = [
    import_module(f"gdlib.lessons.{lesson.word}.explorers")
    for lesson in table() if find_spec(f"gdlib.lessons.{lesson.word}")
]
EXPLORERS = [
    thing for module in [*MODULES, kit_network] for thing in vars(module).values()
    if isinstance(thing, type) and issubclass(thing, Explorer) and thing.__module__ == module.__name__
]
explorers = SimpleNamespace(**{explorer.__name__: explorer for explorer in EXPLORERS})
VIEW = "application/vnd.jupyter.widget-view+json"


def choices(explorer):
    """Every combination of what its Choice controls offer, as a list of dicts."""
    named = {k: c.options for k, c in explorer.controls.items() if isinstance(c, Choice)}
    return [dict(zip(named, options, strict=True)) for options in itertools.product(*named.values())]


CASES = [(explorer, chosen) for explorer in EXPLORERS for chosen in choices(explorer)]
each_case = pytest.mark.parametrize(
    "explorer, chosen", CASES, ids=["-".join([e.__name__, *map(str, chosen.values())]) for e, chosen in CASES]
)
each_explorer = pytest.mark.parametrize("explorer", EXPLORERS, ids=lambda e: e.__name__)


def values(control):
    if isinstance(control, Switch):
        return st.booleans()
    if isinstance(control, Stops):
        return st.sampled_from(control.stops)
    if isinstance(control, WholeSlider):
        return st.integers(control.low, control.high)
    if isinstance(control, DoublingSlider):
        return st.integers(0, int(np.log2(control.high / control.low))).map(lambda k: control.low * 2**k)
    if isinstance(control, LogSlider):
        return st.floats(np.log10(control.low), np.log10(control.high)).map(lambda e: control.rounded(10**e))
    return st.floats(control.low, control.high)


def sliders(explorer, chosen):
    return {k: c for k, c in explorer.fitted(**chosen).items() if not isinstance(c, Choice)}


def ends(control):
    """The values at the ends of a control."""
    return (False, True) if isinstance(control, Switch) else (control.at(0), control.at(control.last))


def drawn(e):
    """What is true of an explorer in any state: drawable and described. Gives its picture."""
    for name, value in e.data.items():
        if isinstance(value, np.ndarray):
            assert np.isfinite(value).all(), (name, e)
    assert len(e.sentence) > 30 and e.sentence.endswith(".")
    assert not re.search(r"nan|\binf|None|-\d", e.sentence), e.sentence
    return kit.stage(type(e), e.data["scene"]).render(e.data)


def holds(e):
    """It is drawn, and reproduced by its line of code."""
    assert drawn(e).size == (1000, 400)
    again = eval(repr(e), {"explorers": import_module(type(e).__module__)})
    assert (again.state, again.sentence) == (e.state, e.sentence)


def test_no_two_explorers_share_a_name():
    """A sentence such as "open `explorers.rate`" would be ambiguous, and here one of them would go untested."""
    assert len(vars(explorers)) == len(EXPLORERS)


@each_case
def test_ends_of_every_slider(explorer, chosen):
    for name, control in sliders(explorer, chosen).items():
        for end in ends(control):
            holds(explorer(**chosen, **{name: end}))


@each_case
def test_all_sliders_at_their_ends_together(explorer, chosen):
    controls = sliders(explorer, chosen)
    for corner in itertools.product(*map(ends, controls.values())):
        drawn(explorer(**chosen, **dict(zip(controls, corner, strict=True))))


@each_case
@settings(max_examples=15, deadline=None, derandomize=True)
@given(data=st.data())
def test_random_states(explorer, chosen, data):
    holds(explorer(**chosen, **{k: data.draw(values(c), label=k) for k, c in sliders(explorer, chosen).items()}))


def widget_values(e):
    """For each control, a value that it does not have now."""
    for name, control in e.controls.items():
        now = e.state[name]
        if isinstance(control, Switch):
            yield name, not now
        elif isinstance(control, Choice):
            yield name, next(o for o in control.options if o != now)
        else:
            yield name, control.at(0) if now != control.at(0) else control.at(control.last)


@each_explorer
def test_moving_any_control_changes_picture_sentence_and_code(explorer):
    for name in explorer.controls:
        e = explorer()
        e._repr_mimebundle_()
        before = e.image.value, e.words.value, e.sentence, repr(e)
        value = dict(widget_values(e))[name]
        e.widgets[name].value = value
        assert e.state[name] == value
        assert e.image.value != before[0] and e.words.value != before[1] and repr(e) != before[3]
        if not isinstance(explorer.controls[name], Switch) or e.state[name]:
            assert e.sentence != before[2]
        assert html.escape(e.sentence) in e.words.value and html.escape(e.sentence) in e.image.value
        assert repr(e) in html.unescape(e.words.value)
        e.close()


@each_explorer
def test_the_picture_after_moves_is_the_picture_of_that_state(explorer):
    e = explorer()
    e._repr_mimebundle_()
    for name, value in widget_values(e):
        e.widgets[name].value = value
    assert explorer(**e.state).png() == e.png()
    e.close()


def test_a_new_surface_opens_in_its_own_good_state():
    e = explorers.hiker()
    e._repr_mimebundle_()
    shown = []
    e.image.observe(shown.append, "value")
    for moves, surface in enumerate([*SURFACES, "ravine", "himmelblau"], start=1):
        e.widgets["surface"].value = surface
        assert e.state == explorers.hiker(surface=surface).state
        assert {k: w.value for k, w in e.widgets.items()} == pytest.approx(e.state)
        for name in ("x", "y"):
            widget, control = e.widgets[name], e.controls[name]
            assert (widget.min, widget.max, widget.step) == (control.low, control.high, control.step)
        assert len(shown) == moves, "one picture for a choice, not one for each slider that settles"
    e.close()


@each_case
def test_opening_values_stand_on_a_step(explorer, chosen):
    """Elsewhere the browser would show another value than the sentence."""
    for name, control in sliders(explorer, chosen).items():
        if isinstance(control, LogSlider):
            nearest = control.low * 10 ** (control.step * round(control.position(control.value)))
            assert control.rounded(nearest) == control.value, name
        elif isinstance(control, Slider):
            assert control.position(control.value) == pytest.approx(round(control.position(control.value))), name


@each_explorer
def test_every_step_of_a_log_slider_is_a_rate_of_its_own(explorer):
    for control in explorer.controls.values():
        if isinstance(control, LogSlider):
            steps = np.arange(control.position(control.high) + 0.5)
            rates = [control.rounded(control.low * 10 ** (control.step * k)) for k in steps]
            assert len(set(rates)) == len(rates) and rates[-1] == control.high


def test_the_nearest_step_that_a_browser_sends_back_is_no_move():
    e = explorers.hiker(surface="ravine", lr=0.077, x=-2.205)
    e._repr_mimebundle_()
    before = repr(e), e.image.value
    e.widgets["lr"].value, e.widgets["x"].value = 10**-1.12, -2.2
    assert (repr(e), e.image.value) == before
    e.widgets["lr"].value, e.widgets["x"].value = 10**-1.08, -2.22
    assert (e.state["lr"], e.state["x"]) == (0.083, -2.22)
    e.widgets["lr"].value = 10**-1.12
    assert e.state["lr"] == 0.076
    e.close()


@each_explorer
def test_display_bundle(explorer):
    e = explorer()
    bundle = e._repr_mimebundle_()
    assert set(bundle) == {VIEW, "text/html", "image/png", "text/plain"}
    assert bundle[VIEW] == {"version_major": 2, "version_minor": 0, "model_id": e.view.model_id}
    assert bundle["text/plain"] == e.sentence
    assert f'alt="{html.escape(e.sentence)}"' in bundle["text/html"] and repr(e) in html.unescape(bundle["text/html"])
    if explorer.moving:
        still, moving = re.findall(r"base64,([^\"]+)", bundle["text/html"])
        film = Image.open(io.BytesIO(base64.b64decode(moving)))
        assert film.n_frames >= 4 and len(moving) < 200e3
    else:
        (still,) = re.findall(r"base64,([^\"]+)", bundle["text/html"])
    assert still == bundle["image/png"] and len(still) < 80e3
    assert Image.open(io.BytesIO(base64.b64decode(bundle["image/png"]))).size == (1000, 400)
    again = e._repr_mimebundle_()
    assert again == bundle, "shown twice, it is the same widget"
    other = explorer()._repr_mimebundle_()
    assert other | {VIEW: bundle[VIEW]} == bundle
    assert other[VIEW] != bundle[VIEW]


@each_explorer
def test_every_control_is_labelled_and_follows_at_once(explorer):
    e = explorer()
    e._repr_mimebundle_()
    labels = [w.description for w in e.widgets.values()]
    assert all(labels) and len(set(labels)) == len(labels)
    for widget in e.widgets.values():
        assert getattr(widget, "continuous_update", True)
    assert 'role="status"' in e.words.value and 'aria-live="polite"' in e.words.value
    e.close()


@each_explorer
def test_every_control_stands_in_the_docstring(explorer):
    why = "NO DOCSTRING TEST: numpydoc is missing (pip install -r requirements-dev.txt)"
    doc = pytest.importorskip("numpydoc.docscrape", reason=why).FunctionDoc(explorer)
    documented = [name for entry in doc["Parameters"] for name in entry.name.split(", ")]
    assert sorted(documented) == sorted(explorer.controls)
    assert all(entry.type and entry.desc for entry in doc["Parameters"])
    assert len(doc["Summary"]) == 1 and doc["Summary"][0].endswith((".", "?"))


@each_explorer
def test_moves_add_no_artists_and_no_widgets(explorer):
    e = explorer()
    e._repr_mimebundle_()
    stage = kit.stage(explorer, e.data["scene"])
    figure = stage.figure
    before = [len(ax.get_children()) for ax in figure.axes]
    names = [k for k, c in e.controls.items() if isinstance(c, Slider | Stops)]
    for k in range(20):
        e.widgets[names[k % len(names)]].value = e.controls[names[k % len(names)]].at(k % 2)
    assert [len(ax.get_children()) for ax in figure.axes] == before
    assert kit.stage(explorer, e.data["scene"]) is stage
    e.close()


def test_a_cell_run_again_and_again_keeps_few_widgets_alive():
    shown = [explorers.fog() for _ in range(kit.KEPT_ALIVE + 3)]
    for e in shown:
        e._repr_mimebundle_()
    assert [e.view is None for e in shown] == [True] * 3 + [False] * kit.KEPT_ALIVE
    assert VIEW in shown[0]._repr_mimebundle_(), "shown once more, it lives again"
    for e in shown:
        e.close()


def test_closing_leaves_no_widget_behind():
    def living():
        gc.collect()
        return sum(isinstance(thing, ipywidgets.Widget) and thing.comm is not None for thing in gc.get_objects())

    before = living()
    e = explorers.hiker()
    e._repr_mimebundle_()
    assert living() > before
    e.close()
    assert living() == before


def test_a_style_sheet_of_the_learner_changes_nothing():
    import matplotlib

    plain = explorers.hiker(surface="bowl").png()
    kit.stage.cache_clear()
    before = dict(matplotlib.rcParams)
    with matplotlib.rc_context({"font.size": 30, "lines.linewidth": 9, "axes.facecolor": "black"}):
        assert explorers.hiker(surface="bowl").png() == plain
    assert dict(matplotlib.rcParams) == before
    kit.stage.cache_clear()


@pytest.mark.parametrize(
    "call, error, sentence",
    [
        (lambda: explorers.hiker(speed=1), TypeError,
         "the controls of hiker must be among surface, x, y, lr, steps; got 'speed'"),
        (lambda: explorers.hiker(x=99), ValueError,
         "x of hiker must be from -7.2 to 7.2; got 99.0. Leave it out to open at -0.35."),
        (lambda: explorers.hiker(surface="bowl", x=5), ValueError, "x of hiker must be from -3 to 3; got 5.0"),
        (lambda: explorers.hiker(x=float("nan")), ValueError, "x of hiker must be from -7.2 to 7.2; got nan"),
        (lambda: explorers.hiker(lr=0), ValueError, "lr of hiker must be from 0.0001 to 1; got 0.0"),
        (lambda: explorers.hiker(lr="fast"), TypeError, "lr of hiker must be a number; got 'fast'"),
        (lambda: explorers.hiker(steps=2.5), TypeError, "steps of hiker must be a whole number; got 2.5"),
        (lambda: explorers.hiker(steps=True), TypeError, "steps of hiker must be a whole number; got True"),
        (lambda: explorers.hiker(steps=-1), ValueError, "steps of hiker must be from 0 to 100; got -1"),
        (lambda: explorers.hiker(surface="hill"), ValueError, "surface of hiker must be one of 'bowl', 'ravine', "),
        (lambda: explorers.hiker(surface=[]), ValueError, "surface of hiker must be one of 'bowl', 'ravine', "),
        (lambda: explorers.fog(lift=1), TypeError, "lift of fog must be True or False; got 1. Leave it out"),
    ],
)
def test_bad_input_is_one_sentence(call, error, sentence):
    with pytest.raises(error) as caught:
        call()
    message = str(caught.value)
    assert message.startswith(sentence) and "\n" not in message


# Play, steps and clicks --------------------------------------------------------------------------------------------


@each_explorer
def test_play_walks_through_the_moving_control_and_back(explorer):
    e = explorer()
    e._repr_mimebundle_()
    play, back, on = e._player
    frames, widget = e.frames(), e.widgets[e.moving]
    assert len(frames) > 1 and play.max == len(frames) - 1 <= kit.FRAMES
    for k in (0, 1, len(frames) - 1):
        play.value = k
        assert e.state[e.moving] == frames[k] == e.controls[e.moving].checked(widget.value)
    before = e.image.value
    back.click()
    assert e.state[e.moving] != frames[-1] and e.image.value != before
    on.click()
    assert e.state[e.moving] == frames[-1]
    on.click()  # there is no further step
    assert e.state[e.moving] == frames[-1]
    e.close()


@each_explorer
def test_the_buttons_of_play_get_names_where_they_live_and_nothing_of_it_is_stored(explorer):
    e = explorer()
    stored = e._repr_mimebundle_()["text/html"]
    assert "Play or pause" in e.image.value and "onload" not in stored and "onclick" not in stored
    assert ("onclick" in e.image.value) == (e.picked is not None)
    e.close()


@each_explorer
def test_play_goes_on_from_where_the_slider_stands(explorer):
    """Also between two frames: Play then stands at the frame before, and moves nothing by standing there."""
    e = explorer()
    e._repr_mimebundle_()
    control = e.controls[e.moving]
    for place in (0, control.last // 3, control.last):
        value = control.at(place)
        e.widgets[e.moving].value = value
        assert e.state[e.moving] == value
        reached = [frame for frame in e.frames() if control.position(frame) <= place + 1e-3]
        assert e._player[0].value == len(reached) - 1
    e.close()


def test_a_choice_gives_play_other_frames():
    e = explorers.ring(workers=2)
    e._repr_mimebundle_()
    e.widgets["workers"].value = 8
    assert (e._player[0].max, e.state["rounds"], e._player[0].value) == (14, 7, 7)
    e.close()


MAPS = {  # explorer: (its map's box, limits, a place there, what a click on it sets)
    "hiker": (gradients.MAP_BOX, (-7.2, 7.2), (-4.8, 4.8), (3.0, -2.0), {"x": 3.0, "y": -2.0}),
    "parabola": (gradients.BOWL_BOX, (-3, 3), (-0.6, 9.4), (1.5, 1.0), {"start": 1.5}),
    "worlds": (gradients.VALLEY_BOX, *gradients.VALLEY, (0.09, 0.392), {"iteration": 1}),
    "rate": (rates.MAP_BOX, (-3, 3), (-1.8, 1.8), (2.0, -1.0), {"x": 2.0, "y": -1.0}),
    "fate_map": (balls.LAND_BOX, (-3, 3), (-2.4, 2.4), (2.0, -1.0), {"x": 2.0, "y": -1.0}),
    "spring": (balls.SPRING_BOX, (0, 4), (0, 0.99), (3.0, 0.5), {"eta_lambda": 3.0, "beta": 0.5}),
    "escape": (saddles.MAP_BOX, *saddles.MAP, (0.5, -0.1), {"distance": 0.1}),
    "adaptive": (saddles.MAP_BOX, *saddles.MAP, (0.5, 0.1), {"distance": 0.1, "x": 0.5}),
    "race": (adam.LAND_BOX, (-2.6, 2.6), (-1.3, 1.3), (1.0, 0.5), {"x": 1.0, "y": 0.5}),
    "noise_ball": (batches.MAP_BOX, (-2.4, 2.4), (-1.6, 1.6), (2.0, -1.0), {"x": 2.0, "y": -1.0}),
    "stale": (workers.MAP_BOX, (-2, 2), (-2, 2), (1.5, 0.5), {"x": 1.5, "y": 0.5}),
    "fog": (fog.LAND_BOX, (0, 100), (0, 40), (60.0, 30.0), {"start": 60.0}),
}


@pytest.mark.parametrize("name", MAPS)
def test_a_click_on_a_map_sets_what_lies_there(name):
    box, xlim, ylim, place, expected = MAPS[name]
    e = getattr(explorers, name)()
    shares = [(at - low) / (high - low) for at, (low, high) in zip(place, (xlim, ylim), strict=True)]
    e._repr_mimebundle_()
    e.click(box[0] + shares[0] * box[2], 1 - box[1] - shares[1] * box[3])
    assert {k: e.state[k] for k in expected} == pytest.approx(expected)
    assert {k: e.controls[k].checked(e.widgets[k].value) for k in expected} == pytest.approx(expected)
    before = repr(e)
    e.click(0.001, 0.001)  # beside every map
    assert repr(e) == before
    e.close()


def test_only_explorers_without_a_map_take_no_click():
    without = {e.__name__ for e in EXPLORERS if e.picked is None}
    assert without == {"schedule", "anatomy", "network", "ring", "stragglers"}


def test_a_stop_is_one_of_the_sliders():
    assert explorers.worlds(iteration=11).state["iteration"] == 11
    for wrong in (12.5, 40_001, -1):
        with pytest.raises(ValueError, match="iteration of worlds must be a stop of its slider, as .* are; got"):
            explorers.worlds(iteration=wrong)
    for wrong in ("11", None, True):
        with pytest.raises(TypeError, match="iteration of worlds must be a number; got"):
            explorers.worlds(iteration=wrong)


# The sentence says what the run did -------------------------------------------------------------------------------


def test_hiker_tells_the_run():
    e = explorers.hiker(surface="himmelblau", x=-4.0, y=4.0, lr=0.002, steps=17)
    run = gd.run(gd.himmelblau, gd.gradient_descent(0.002), [-4.0, 4.0], 17)
    assert "After 17 steps at η = 0.002 from (−4.00, 4.00)" in e.sentence
    assert f"height {number(run.loss[-1])}, distance {number(run.distance[-1])} to" in e.sentence
    np.testing.assert_array_equal(e.data["path"], run.theta)


def test_hiker_names_what_happens():
    def says(**state):
        return explorers.hiker(**state).sentence

    L = 25.0  # the ravine's larger curvature
    assert "has arrived" in says(surface="bowl", lr=0.5, steps=40)
    assert "zigzags" in says(surface="ravine", lr=1.96 / L, steps=40)
    assert "off the map" in says(surface="ravine", lr=2.3 / L, steps=100)
    assert "creeps" in says(surface="rosenbrock", lr=0.0005, steps=100)
    assert "No step has been taken" in says(steps=0)


def test_raising_the_rate_on_the_ravine_meets_a_sharp_edge():
    """What lesson 01 asks for: it opens gliding; key by key it zigzags, and leaves the map above 2/λmax only."""
    e = explorers.hiker(surface="ravine")
    e._repr_mimebundle_()
    assert "on its way." in e.sentence and "turned" not in e.sentence and "edge" not in e.sentence
    edge, seen = 2 / 25, []
    while e.state["lr"] < 2 * edge:
        seen.append((e.state["lr"], "zigzags" in e.sentence, "off the map" in e.sentence))
        assert ("The edge here is 2/λmax = 0.08." in e.sentence) == (e.state["lr"] >= 0.8 * edge)
        e.widgets["lr"].value *= 10 ** e.widgets["lr"].step
    for rate, zigzags, gone in seen:
        assert gone == (rate > edge)
        assert zigzags or gone or rate < 0.9 * edge
    assert {gone for *_, gone in seen} == {False, True}
    e.close()


def test_the_edge_is_named_where_it_is_one_number():
    assert "The edge here is 2/λmax = 0.8." in explorers.hiker(surface="bowl", lr=1.0).sentence
    assert "off the map" in explorers.hiker(surface="bowl", lr=0.83).sentence
    assert "off the map" not in explorers.hiker(surface="bowl", lr=0.8, steps=100).sentence, "at 2/λ it swings for ever"
    for surface in ("rosenbrock", "himmelblau", "saddle"):
        assert "edge" not in explorers.hiker(surface=surface, lr=1.0).sentence


def test_himmelblau_opens_one_key_press_from_another_valley():
    e = explorers.hiker()
    assert (e.state["surface"], e.state["lr"], e.state["steps"]) == ("himmelblau", 0.01, 30)
    beside = explorers.hiker(x=e.state["x"] + e.controls["x"].step)
    floors = [re.search(r"valley floor at (\(.*?\))\. It has arrived\.", h.sentence)[1] for h in (e, beside)]
    assert floors == ["(−2.81, 3.13)", "(3.00, 2.00)"]


def test_sentence_and_chart_count_height_from_the_same_zero():
    for surface in SURFACES:
        e = explorers.hiker(surface=surface, steps=3)
        assert f"height {number(e.data['height'][3])}, " in e.sentence
    assert SURFACES["saddle"][0]([0.0, 0.5**0.5]) < -0.2, "its floors are not at 0"
    assert "height below 10⁻⁸" in explorers.hiker(surface="saddle", steps=100).sentence


@pytest.mark.parametrize("x, lr", [(-1.4, 0.1), (1.0, 0.3), (0.0, 0.1), (-1.4, 0.5)])
def test_on_the_line_into_the_pass_the_hiker_is_held(x, lr):
    for steps in (1, 5, 30, 100):
        sentence = explorers.hiker(surface="saddle", x=x, y=0.0, lr=lr, steps=steps).sentence
        assert "on its way to the pass" in sentence or "held on the pass" in sentence
    assert "held on the pass" in sentence
    for surface in SURFACES:
        assert "pass" not in explorers.hiker(surface=surface).sentence
    assert "has arrived" in explorers.hiker(surface="saddle", y=0.02).sentence


def test_hiker_leaves_the_map_at_the_step_it_says():
    e = explorers.hiker(surface="ravine", lr=0.1, steps=100)
    run = gd.run(SURFACES["ravine"][0], gd.gradient_descent(0.1), [-2.2, -0.2], 100)
    outside = (np.abs(run.theta) > (3.0, 2.0)).any(-1)
    step = int(outside.argmax())
    assert outside.any() and f"Step {step} led out of it" in e.sentence
    assert len(e.data["path"]) == step
    before = explorers.hiker(surface="ravine", lr=0.1, steps=step - 1)
    assert "off the map" not in before.sentence
    edge = np.abs(e.data["exit"]) / (3.0, 2.0)
    assert edge.max() == pytest.approx(1)


def test_fog_finds_the_valley_it_says():
    assert mountain(np.array([DEEP])) < mountain(np.array([SHALLOW]))
    for state in ({"lr": 4.0}, {"lr": 20.0}, {"start": 60.0}, {"start": 90.0, "lr": 1.0}, {"start": 30.0}):
        e = explorers.fog(**state, steps=40, lift=True)
        x = e.data["x"][-1]
        assert abs(x - DEEP) < 2 or abs(x - SHALLOW) < 2
        assert ("this is the deeper valley" in e.sentence) == (abs(x - DEEP) < 2)
        assert ("only the shallower valley" in e.sentence) == (abs(x - SHALLOW) < 2)
        assert "alley" not in explorers.fog(**state, steps=40).sentence, "the fog hides it"


def test_fog_opens_in_a_state_where_something_can_be_learned():
    assert "shallower" in explorers.fog(lift=True).sentence
    ends = {round(explorers.fog(lr=lr, steps=40).data["x"][-1], -1) for lr in (4.0, 20.0)}
    assert ends == {round(SHALLOW, -1), round(DEEP, -1)}
    assert "off the map" in explorers.fog(lr=100.0).sentence


@pytest.mark.parametrize("lr, fate", [
    (0.01, "by 0.90: it glides in"), (0.1, "by 0.00: it arrives in one step"), (0.15, "swings, and less each time"),
    (0.2, "by −1.00: it swings for ever"), (0.25, "by −1.50: it swings ever wider"),
])
def test_rate_names_the_regime(lr, fate):
    e = explorers.rate(lr=lr, steep=10.0, flat=1.0)
    assert fate in e.sentence and "The edge is 2/10 = 0.2; quickest is 0.182." in e.sentence
    assert ("leaves the map" in e.sentence) == (lr > 0.2)
    np.testing.assert_allclose(e.data["factors"], [1 - lr, abs(1 - 10 * lr)], atol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_schedule_expects_what_many_noisy_walks_do(shape):
    state = {**explorers.schedule().state, "shape": shape, "warm": 20, "noise": 0.5}
    data, sentence = explorers.schedule.picture(state)
    bowl, walks = gd.quadratic(np.tile([1.0, 0.05], 2_000)), np.ones(4_000)
    rule = gd.gradient_descent(gd.warmup(SHAPES[shape](state["lr"], state["last"]), 20))
    noise = gd.noisy(bowl, 0.5, np.random.default_rng(0))
    run = gd.run(bowl, rule, walks, len(data["rates"]), oracle=noise)
    np.testing.assert_allclose(run.loss / 2_000, data["total"], rtol=0.15)
    last = 0.5 if shape == "constant" else 0.005
    assert data["rates"][-1] == pytest.approx(last), "all shapes fall to the same share"


def test_schedule_says_when_falling_pays():
    assert "times lower than with the constant rate" in explorers.schedule(shape="cosine").sentence
    assert "times as high as with the constant rate" in explorers.schedule(shape="1/t", noise=0.0).sentence


@pytest.mark.parametrize("shape", SHAPES)
def test_schedule_says_that_a_run_diverges(shape):
    """Also where the rate comes down again after the loss has passed all numbers."""
    for state in ({"noise": 0.0}, {"noise": 2.0}, {"last": 1.0}, {"warm": 200}):
        e = explorers.schedule(shape=shape, lr=10.0, **state)
        flew_off = e.data["total"].max() == 1e9 and e.data["total"][-1] == 1e9
        assert ("the walk flies off, it diverges" in e.sentence) == flew_off
        assert flew_off or shape in ("1/t", "exponential", "stair"), "which are soon below the edge"


def test_schedule_answers_what_lesson_03_asks():
    def ends(shape, lr, **state):
        data, _ = explorers.schedule.picture({**explorers.schedule().state, "shape": shape, "lr": lr, **state})
        return data["total"][-1]

    rates = [float(f"{lr:.2g}") for lr in np.geomspace(0.01, 10, 61)]
    within = {shape: [lr for lr in rates if ends(shape, lr) < 0.03] for shape in ("constant", "cosine")}
    assert (within["constant"][-1], within["cosine"][-1]) == (0.056, 0.22)
    best = {shape: min(rates, key=lambda lr: ends(shape, lr)) for shape in within}
    assert best == {"constant": 0.018, "cosine": 0.05}
    assert ends("constant", 0.018) == pytest.approx(0.019, abs=5e-4) and ends("cosine", 0.05) < 0.0175
    assert min(SHAPES, key=lambda shape: ends(shape, 0.5, noise=0.0)) == "constant"


def test_fate_map_tells_the_run_and_its_roots():
    e = explorers.fate_map(lr=1.0, beta=0.8, steps=30)
    run = gd.run(gd.quadratic([0.04, 1.0]), gd.momentum(1.0, 0.8), [-2.4, 1.0], 30)
    np.testing.assert_array_equal(e.data["path"], run.theta)
    assert f"After 30 steps {run.distance[-1] / run.distance[0]:.1%} of the distance is left" in e.sentence
    assert "it swings, and shrinks by √β = 0.894" in e.sentence
    assert "Along, ηλ = 0.004: it creeps" in explorers.fate_map(lr=0.1, beta=0.5).sentence
    assert "it flips sides at every step, by 0.9 a step" in explorers.fate_map(lr=1.9, beta=0.0).sentence
    assert "Beyond the edge, ηλ = 2 + 2β = 2, it flies off" in explorers.fate_map(lr=2.1, beta=0.0).sentence
    assert "swings for ever" in explorers.fate_map(lr=2.0, beta=0.0).sentence


def test_a_click_on_the_map_moves_the_cross_once():
    e, shown = explorers.fate_map(), []
    e._repr_mimebundle_()
    assert "onclick=" in e.image.value and "onclick=" not in e._repr_mimebundle_()["text/html"]
    e.image.observe(lambda change: shown.append(change), "value")
    left, bottom, width, height = fate_map_box
    e.click(left + width / 2, 1 - bottom - height / 2)
    assert (e.state["lr"], e.state["beta"], len(shown)) == (2.0, 0.495, 1)
    assert (e.widgets["lr"].value, e.widgets["beta"].value) == (2.0, 0.495)
    e.click(0.5, 0.01)  # above map and ravine
    assert (e.state["lr"], e.state["beta"], len(shown)) == (2.0, 0.495, 1)
    e.close()
    for x, y in itertools.product((0.001, 0.999), repeat=2):  # in each corner the sliders can follow
        assert explorers.fate_map(**e.picked(left + x * width, 1 - bottom - y * height)).state["steps"] == 30


def test_a_click_at_the_same_place_after_a_move_counts_again():
    e, shown = explorers.fate_map(), []
    e._repr_mimebundle_()
    left, bottom, width, height = fate_map_box
    place = left + width / 2, 1 - bottom - height / 2
    e.click(*place)
    e.widgets["lr"].value = 1.0
    assert e.state["lr"] == 1.0
    e.image.observe(lambda change: shown.append(change), "value")
    e.click(*place)
    assert (e.state["lr"], e.widgets["lr"].value, len(shown)) == (2.0, 2.0, 1)
    e.click(*place)  # nothing has moved in between
    assert e.state["lr"] == 2.0
    e.close()


def test_spring_tells_the_run_and_its_regime():
    e = explorers.spring(eta_lambda=0.6, beta=0.6, steps=12)
    run = gd.run(gd.quadratic([1.0]), gd.momentum(0.6, 0.6), [1.0], 12)
    np.testing.assert_array_equal(e.data["walk"][1], run.theta[:, 0])
    assert f"After 12 steps θ is {run.theta[-1, 0]:.2f}".replace("-", "−") in e.sentence
    said = {(0.02, 0.5): "creeps, overdamped", (0.6, 0.6): "of size √β = 0.775", (3.17, 0.6): "flips to the other side",
            (3.3, 0.6): "flies off: beyond ηλ = 2 + 2β = 3.2"}
    for (a, beta), words in said.items():
        assert words in explorers.spring(eta_lambda=a, beta=beta).sentence


def test_without_a_damper_a_spring_keeps_its_energy():
    """For a soft spring a step conserves ½θ² + ½velocity², but for the discretisation; with a damper it falls."""
    theta, velocity = explorers.spring(eta_lambda=0.01, beta=0.99, steps=60).data["phase"]
    assert (theta**2 + velocity**2)[-1] == pytest.approx(0.99**60, rel=0.1)


@pytest.mark.parametrize("problem", adam.PROBLEMS)
def test_race_opens_with_every_rule_at_a_rate_that_no_other_beats(problem):
    f, start, *_ = adam.PROBLEMS[problem]

    def rank(run):
        above = ~(run.loss <= adam.TARGET * run.loss[0])
        arrives = above.shape[0] - above[::-1].argmax(axis=0) if not above[-1] else np.inf
        return arrives, np.nan_to_num(run.loss[-1], nan=np.inf)

    for method, best in adam.best_rates(problem).items():
        ranks = [rank(gd.run(f, adam.RULES[method](lr), start, adam.LAST))
                 for lr in (best, *(float(f"{lr:.2g}") for lr in np.geomspace(adam.LOW, adam.HIGH, 51)))]
        assert ranks[0][0] <= min(ranks)[0], method
    assert "Each runs at its own best rate." in explorers.race(problem=problem).sentence
    assert "Not at its best rate: Adam" in explorers.race(problem=problem, adam=1e-4).sentence


def test_race_shows_any_step_of_the_same_walk():
    early, late = explorers.race(k=20), explorers.race(k=200)
    for method in adam.RULES:
        assert np.array_equal(late.data[method][:21], early.data[method])
    assert "flown off" in explorers.race(descent=10.0, k=100).sentence


def test_anatomy_is_adams():
    state = {k: v for k, v in explorers.anatomy().state.items() if k != "t"}
    _, m_hat, root, step = adam.dissect(**state)
    np.testing.assert_allclose(step, m_hat / (root + 1e-8), rtol=1e-7, atol=1e-12)
    slopes = iter(adam.NOISE)

    def grad(theta):
        return np.array([1.0, state["scale"]]) * (theta + state["noise"] * next(slopes))

    rule = gd.adam(state["lr"], state["beta1"], state["beta2"])
    path = [theta for _, theta, _ in gd.iterate(rule, [1.0, 1.0], [grad] * adam.STEPS)]
    np.testing.assert_allclose(np.diff(path, axis=0), -state["lr"] * step, rtol=1e-7, atol=1e-12)


def test_anatomy_without_the_correction_is_adams_step_with_the_moments_as_they_are():
    state = {k: v for k, v in explorers.anatomy(correct=False).state.items() if k != "t"}
    g, m, root, step = adam.dissect(**state)
    weights = (1 - state["beta1"]) * state["beta1"] ** np.arange(adam.STEPS)[::-1]
    np.testing.assert_allclose(m[-1], weights @ g, rtol=1e-9)
    np.testing.assert_allclose(step, m / (root + 1e-8), rtol=1e-7, atol=1e-12)


def test_anatomy_shows_what_lesson_06_asks():
    small, large = (explorers.anatomy(scale=scale, noise=0.0).data["step"] for scale in (0.001, 1000.0))
    np.testing.assert_allclose(small, large, rtol=0, atol=2e-3)
    still, noisy = (np.abs(explorers.anatomy(noise=noise).data["step"][10:40]).mean() for noise in (0.0, 2.0))
    assert noisy < 0.7 * still
    assert np.abs(explorers.anatomy(correct=False).data["step"]).max() > 3


@pytest.mark.parametrize("workers, delay", [(1, 0), (2, 0), (4, 0), (7, 0), (3, 1), (16, 4)])
def test_stale_has_its_edge_where_the_slowest_factor_is_1(workers, delay):
    tau = workers * (delay + 1) - 1
    edge = 2 * np.sin(np.pi / (2 * (2 * tau + 1)))
    assert slowest_root(edge, tau) == pytest.approx(1, abs=1e-9)
    for share, fate in ((0.95, ": stable, it "), (1.06, ": not stable, ")):
        assert (slowest_root(share * edge, tau) > 1) == (share > 1)
        e = explorers.stale(workers=workers, delay=delay, lr=share * edge)
        assert fate in e.sentence and f"each is {tau} update" in e.sentence


@pytest.mark.parametrize("state, said", [
    ({}, "stable, it swings and arrives; in the end each update leaves 0.9784 of the distance"),
    ({"lr": 0.45}, "the edge 0.445: not stable"),
    ({"workers": 3, "lr": 0.45}, "the edge 0.618: stable"), ({"delay": 1}, "each is 7 updates old"),
    ({"delay": 1}, "the edge 0.209"),
])
def test_stale_answers_what_lesson_08_asks(state, said):
    assert said in explorers.stale(**state).sentence


@pytest.mark.parametrize("outside", [(9.0, 0.5), (0.1, -np.inf), (np.nan, 1e300), (-4.0, 4.0)])
def test_the_edge_is_on_the_map(outside):
    half = 3.0
    point = edge_point(np.array([0.5, 0.2]), np.array(outside), np.zeros(2), half)
    assert (np.abs(point) / (half, half / 1.5)).max() == pytest.approx(1)


def test_arrowheads_point_along_the_path():
    path = np.array([[0.0, 0.0], [100.0, 0.0], [100.0, 100.0], [100.0, 100.0], [100.5, 100.0]])
    heads = arrowheads(path)
    assert heads.shape == (2, 3, 2), "short steps and rests carry none"
    tip, back, _ = heads.transpose(1, 0, 2)
    assert ((tip - back) * np.diff(path, axis=0)[:2]).sum(-1).min() > 0
    assert arrowheads(path[:1]).shape == (0, 3, 2)


@pytest.mark.parametrize(
    "value, text",
    [(0.012345, "0.0123"), (-2.5, "−2.5"), (6421, "6,420"), (1e-8, "10⁻⁸"), (1.24e-9, "1.24·10⁻⁹"), (3e7, "3·10⁷"),
     (np.inf, "beyond all numbers")],
)
def test_numbers_in_sentences(value, text):
    assert number(value) == text


def test_no_negative_zero():
    assert fixed(-0.001) == "0.00" and explorers.hiker(x=-0.0).state["x"].hex() == "0x0.0p+0"


# The newer explorers, against the loop ---------------------------------------------------------------------------


def test_worlds_show_the_article_at_its_true_iterations():
    path = gd.run(gradients.FIT, gd.gradient_descent(gradients.RATE), np.zeros(3), gradients.LAST).theta
    stops = np.array(gradients.STOPS)
    np.testing.assert_allclose(gradients.after(stops), path[stops], rtol=0, atol=1e-9)
    for name, row in gradients.ROWS.items():
        gap = np.abs(path - row).max(axis=1)
        true = gradients.TRUE[name]
        assert (gap.min() > 0.1) if true is None else (gap.argmin() == true and gap.min() < 0.00051)
    inside = np.abs(path - gradients.ANSWER).max(axis=1) <= 0.01
    assert np.flatnonzero(~inside)[-1] + 1 == gradients.ARRIVED
    for name, true in gradients.TRUE.items():
        said = explorers.worlds(iteration=true or 0).sentence
        assert (f"the article calls round {name}" in said) == (true is not None)


@pytest.mark.parametrize("eta, said", [
    (0.4, "comes nearer from one side"), (1.0, "One step leads to the lowest point"),
    (1.6, "changes sides at every step"), (2.0, "swings from side to side for ever"),
    (2.2, "step 1 leaves the picture"),
])
@pytest.mark.parametrize("curvature", [1.0, 2.0])
def test_parabola_names_what_the_factor_does(eta, curvature, said):
    """The same happens at half the learning rate where the ground bends twice as much."""
    lr = eta / curvature
    e = explorers.parabola(lr=lr, curvature=curvature, start=-2.6)
    assert said in e.sentence and e.data["factor"] == pytest.approx(abs(1 - eta))
    walk = gd.run(gd.quadratic([curvature]), gd.gradient_descent(lr), [-2.6], 10).theta[:, 0]
    np.testing.assert_allclose(e.data["theta"], walk[: len(e.data["theta"])], atol=1e-12)


@pytest.mark.parametrize("theory", [True, False])
def test_parabola_shows_the_formula_only_when_asked(theory):
    e = explorers.parabola(theory=theory)
    e.png()
    artists = kit.stage(explorers.parabola, None).artists
    assert artists["said"].get_text() == ("|1 − ηλ|" if theory else "") and ("|1 − " in e.sentence) == theory
    eta, factor = artists["theory"].get_data()
    assert len(eta) == (481 if theory else 0)
    np.testing.assert_allclose(factor, np.abs(1 - np.asarray(eta)))


def test_network_shows_the_walks_shadows_and_their_own_losses():
    net, start = kit_network.model()
    plane, losses, axes, share = kit_network.walks("good ones")
    np.testing.assert_allclose(axes @ axes.T, np.eye(2), atol=1e-10)
    run = gd.run(net, gd.adam(0.05), start, kit_network.STEPS)
    np.testing.assert_allclose(plane["Adam"], (run.theta - start) @ axes.T, atol=1e-9)
    np.testing.assert_allclose(losses["Adam"], run.loss, rtol=1e-9)
    off = np.concatenate([(gd.run(net, kit_network.RULES[k](lr), start, kit_network.STEPS).theta - start)
                          for k, lr in kit_network.RATES.items()])
    assert share == pytest.approx(np.sum((off @ axes.T) ** 2) / np.sum(off**2))
    assert start.size == 610 and net.n == 200


def test_adaptive_rules_leave_the_ridge_when_they_are_said_to():
    for eps, lr in ((1e-8, 0.05), (1e-4, 0.01)):
        e = explorers.adaptive(eps=eps, lr=lr, distance=1e-6)
        for name, rule in saddles.TRIED.items():
            own = {"eps": eps} if name in ("RMSprop", "Adam") else {}
            beside = np.abs(gd.run(gd.saddle, rule(lr, **own), [1.0, 1e-6], saddles.LEAVING).theta[:, 1])
            away = np.flatnonzero(beside > 0.1)
            assert f"{name} {f'after {away[0]} step' if away.size else 'not within 120'}" in e.sentence


@pytest.mark.parametrize("n", SIZES)
def test_ring_fills_the_buckets_as_gdlibs_ring_does(n):
    wire = of_workers.Noted(n)
    pieces = np.repeat(10 ** np.arange(n)[:, None], n, axis=1)
    gd.distributed.ring(list(pieces), wire)
    states, moves = of_workers._rounds(pieces, wire.carried)
    assert len(states) == 2 * (n - 1) + 1
    for turn, state in enumerate(states):
        share, sends = held_after(n, turn)
        counted = np.array([[str(value).count("1") for value in row] for row in state])
        np.testing.assert_allclose(share * n, counted)
        assert sorted(sends) == (sorted((r, p) for r, _, p, _ in moves[turn]) if turn < 2 * (n - 1) else [])
    assert f"{n * n} of {n * n} buckets hold the whole sum" in explorers.ring(workers=n, rounds=2 * (n - 1)).sentence


@pytest.mark.parametrize("n, wait_for, tail", [(4, 4, 0.5), (8, 6, 0.5), (16, 9, 2.0), (2, 1, 1.0)])
def test_stragglers_work_as_the_simulated_pool_does(n, wait_for, tail):
    class Nothing:
        def gradient(self, theta, t):
            return np.zeros(1), 1

    with gd.distributed.workers(lambda rank: Nothing(), n=n, engine="simulated", seed=0,
                                seconds=lambda rank, rng: 0.5 + tail * rng.exponential()) as pool:
        noted, oracle, ends = of_workers.watch(pool), gd.distributed.synchronous(pool, wait_for=wait_for), []
        for _ in range(12):
            next(oracle)(np.zeros(1))
            ends.append(pool.now())
    calls, own_ends = work(n, wait_for, tail, steps=12)
    np.testing.assert_allclose(own_ends, ends)
    assert sorted((rank, round(begin, 9), round(end, 9)) for rank, begin, end, _ in calls) == sorted(
        (rank, round(begin, 9), round(end, 9)) for rank, begin, end in noted)
    assert sum(taken for *_, taken in calls) == 12 * wait_for


# One colour a method ---------------------------------------------------------------------------------------------


def test_no_lesson_gives_a_method_a_colour_of_its_own():
    """On no line of a lesson's code does a colour stand beside a method's name."""
    names = r"descent|momentum|heavy ball|nesterov|adagrad|rmsprop|adam"
    colour = r"#[0-9a-f]{6}\b|[\"']C\d[\"']|OKABE_ITO|\bBLUE\b|\bVERMILLION\b|[\"']tab:"
    beside = re.compile(rf"[\"'](?:{names})w?[\"'].*(?:{colour})|(?:{colour}).*[\"'](?:{names})w?[\"']", re.I)
    sources = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
               for path in (ROOT / "gdlib" / "lessons").rglob("*.py")}
    sources |= {path.name: "\n".join(c.source for c in load(path).cells if c.cell_type == "code") for path in lessons()}
    lines = [f"{name}: {line.strip()}" for name, text in sources.items() for line in text.splitlines()]
    assert [line for line in lines if beside.search(line)] == []
    assert beside.search('ax.plot(x, color=plots.BLUE, label="Adam")') and not beside.search('METHOD["Adam"]')


def test_explorers_draw_each_method_in_its_colour_and_style():
    e = explorers.race()
    artists = kit.stage(explorers.race, "ravine").artists
    for method, name in adam.SHOWN.items():
        colour, style = METHOD[name]
        assert artists[method].get_color() == colour == artists[f"{method} now"].get_color()
        plain = Line2D([], [], linestyle=style)
        assert artists[method]._unscaled_dash_pattern == plain._unscaled_dash_pattern
    assert e.state["problem"] == "ravine"
