"""The monitor: what it records is what it says, it changes no bit of a run, its file comes back, and what it shows."""
import io
import subprocess
import sys
import time
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex

import gdlib as gd
from gdlib import dashboard, plots
from gdlib.checkpoints import write_sealed
from gdlib.monitor import ONE_EACH, PER_LAYER
from tests import torch_stand_in

COLUMNS = (*ONE_EACH, *PER_LAYER, "dead")
RULES = [gd.gradient_descent(0.1), gd.momentum(0.05), gd.nesterov(0.05, 0.9), gd.adam(gd.cosine(0.01, 40)),
         gd.adamw(0.01)]


def network(hidden=(6, 5), activation="relu", n=60, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    return gd.MLP(X, (X[:, 0] > X[:, 1]).astype(int) + (X[:, 2] > 1), hidden=hidden, activation=activation, classes=3)


def start(model):
    return model.init(np.random.default_rng(1), gain=2**0.5)


def batches(model):
    return gd.minibatches(model, 8, np.random.default_rng(2))


def watched(every=1, opt=RULES[0], steps=12, model=None, **settings):
    model = model or network()
    monitor = gd.Monitor(every, **settings)
    return monitor, gd.run(model, opt, start(model), steps, oracle=batches(model), monitor=monitor)


# -- what is recorded --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opt", RULES, ids=lambda opt: opt.name)
@pytest.mark.parametrize("make", [batches, lambda model: None], ids=["batches", "full"])
def test_a_run_has_the_same_bits_with_and_without_a_monitor(opt, make):
    model = network()
    alone = gd.run(model, opt, start(model), 40, oracle=make(model))
    monitor = gd.Monitor(3, sharpness_every=9, validation=network(seed=5))
    seen = gd.run(model, opt, start(model), 40, oracle=make(model), monitor=monitor)
    assert alone.theta.tobytes() == seen.theta.tobytes()
    assert monitor.t.tolist() == [*range(0, 40, 3), 40]


def test_each_entry_is_computed_again_from_the_points_of_the_run():
    model, others = network(), network(seed=5)
    monitor, run = watched(model=model, validation=others, sharpness_every=4)
    spans = [slice(0, 30), slice(30, 65), slice(65, 83)]  # W (4, 6), b (6,); W (6, 5), b (5,); W (5, 3), b (3,)
    assert model.dim == 83 and monitor.layers == ("layer 1", "layer 2", "layer 3")
    assert np.array_equal(monitor.loss, [model(theta) for theta in run.theta])
    assert np.array_equal(monitor.validation_loss, [others(theta) for theta in run.theta])
    gradients = [grad(theta) for grad, theta in zip(batches(model), run.theta[:-1], strict=False)]
    for i, span in enumerate(spans):
        before, after = run.theta[:-1, span], run.theta[1:, span]
        ratio = np.sqrt(((after - before) ** 2).sum(-1) / (before**2).sum(-1))
        assert np.allclose(monitor.update_ratio[1:, i], ratio, rtol=1e-12, atol=0)
        norms = [np.sqrt((g[span] ** 2).sum()) for g in gradients]
        assert np.allclose(monitor.grad_norm[1:, i], norms, rtol=1e-12, atol=0)
    W1, b1, W2, b2, *_ = model.blocks(run.theta[-1])
    first = np.maximum(model.X @ W1 + b1, 0)
    second = np.maximum(first @ W2 + b2, 0)
    assert monitor.units == ("layer 1", "layer 2")
    assert np.allclose(monitor.dead[-1], [np.mean(np.all(h == 0, axis=0)) for h in (first, second)])
    assert np.isnan(monitor.grad_norm[0]).all() and np.isnan(monitor.update_ratio[0]).all() and np.isnan(monitor.lr[0])
    largest = [np.linalg.eigvalsh(model.hess(theta))[-1] for theta in run.theta[::4]]
    assert np.isfinite(monitor.sharpness).nonzero()[0].tolist() == [0, 4, 8, 12]
    assert np.allclose(monitor.sharpness[::4], largest, rtol=0.05)


def test_the_learning_rate_is_the_schedules_and_nan_for_a_rule_without():
    monitor, _ = watched(opt=gd.adam(gd.exponential(0.1, 0.5)), steps=3)
    assert np.array_equal(monitor.lr[1:], [0.1, 0.05, 0.025])
    walk = gd.Optimizer("walk", {}, lambda theta: None, lambda t, theta, grad, state: (theta - 1, state))
    monitor = gd.Monitor()
    gd.run(gd.quadratic([1.0]), walk, [5.0], 2, monitor=monitor)
    assert np.isnan(monitor.lr).all() and np.isnan(monitor.grad_norm).all()  # it asks for no gradient
    assert monitor.update_ratio[-1, 0] == 1 / 4


def test_nesterovs_gradient_is_the_one_that_it_asked_for_ahead():
    f, monitor = gd.quadratic([1.0]), gd.Monitor(1)
    opt = gd.nesterov(0.1, 0.5)
    run = gd.run(f, opt, [1.0], 2, monitor=monitor)
    ahead = run.theta[1] + 0.5 * (run.theta[1] - run.theta[0])
    assert monitor.grad_norm[2, 0] == pytest.approx(abs(ahead[0]), rel=1e-12)


def test_a_unit_is_dead_that_gives_0_for_every_row_and_only_relu_units_are_counted():
    model = network(hidden=(4,))
    W, b, *_ = model.blocks(theta := start(model))
    b[:] = [-1e3, 1e3, -1e3, 0]  # never on, always on, never on, on for some rows
    W[:, 3] = [1, 0, 0, 0]
    monitor = gd.Monitor()
    gd.run(model, gd.gradient_descent(1e-6), theta, 0, monitor=monitor)
    assert monitor.dead.tolist() == [[0.5]]
    smooth, _ = watched(model=network(activation="tanh"))
    assert smooth.units == () and smooth.dead.shape == (13, 0)


def test_a_large_model_is_looked_at_over_evenly_spaced_rows():
    model = network(n=60)
    monitor, run = watched(model=model, rows=4)
    few = model.take([0, 20, 39, 59])
    assert np.array_equal(monitor.loss, [few(theta) for theta in run.theta])


@pytest.mark.parametrize("shapes, layers", [
    (((2, 3), (3,), (3, 2), (2,)), {"layer 1": 9, "layer 2": 8}),
    (((1, 4), (4, 4), (4,), (4, 1), (1,)), {"layer 1": 4, "layer 2": 20, "layer 3": 5}),  # recurrent
    (((2, 3), (3,), (3, 2), (2,), (3,), (4,)), {"layer 1": 9, "layer 2": 8, "vector 1": 3, "vector 2": 4}),  # gains
    (((3,), (3, 2)), {"vector 1": 3, "layer 1": 6}),
    (((5,),), {"θ": 5}),
])
def test_a_layer_is_a_matrix_with_its_biases_and_no_parameter_is_left_out(shapes, layers):
    monitor, d = gd.Monitor(1), sum(layers.values())
    monitor.begin(SimpleNamespace(shapes=shapes), gd.adam(0.1), np.ones(d), 0, 1)
    assert monitor.layers == tuple(layers)
    assert np.allclose(monitor._norms(np.ones(d)) ** 2, list(layers.values()))


def test_an_objective_is_one_layer_and_weights_of_0_have_no_ratio():
    monitor = gd.Monitor(1, sharpness_every=1)
    gd.run(gd.quadratic([1.0, 3.0]), gd.gradient_descent(0.5), [0.0, 0.0], 1, monitor=monitor)
    assert monitor.layers == ("θ",) and monitor.loss.tolist() == [0, 0]
    assert np.isnan(monitor.update_ratio).all()
    assert np.allclose(monitor.sharpness, 3)


# -- runs that end in other ways ---------------------------------------------------------------------------------------


def test_a_diverged_run_leaves_its_record_and_its_picture():
    monitor = gd.Monitor(10, sharpness_every=10)
    run = gd.run(gd.himmelblau, gd.gradient_descent(1.0), [3.0, 3.0], 40, monitor=monitor)
    assert run.diverged_at > 0
    assert monitor.t.tolist() == [0, 10, 20, 30, 40] and not np.isfinite(monitor.loss[1:]).any()
    assert "The loss is not finite at step 10." in monitor.describe()
    plt.close(monitor.figure())


def test_a_stopped_run_leaves_what_was_recorded_before():
    monitor = gd.Monitor(2)
    gd.run(gd.quadratic([1.0]), gd.gradient_descent(0.5), [1.0], 9, stop=lambda t, *_: t == 5, monitor=monitor)
    assert monitor.t.tolist() == [0, 2, 4]


def test_a_run_that_fails_leaves_what_was_recorded_before():
    def failing():
        yield from [lambda theta: theta] * 3
        raise ArithmeticError("the source broke")

    monitor = gd.Monitor(1)
    with pytest.raises(ArithmeticError) as caught:
        gd.run(gd.quadratic([1.0]), gd.gradient_descent(0.5), [1.0], 9, oracle=failing(), monitor=monitor)
    assert monitor.t.tolist() == [0, 1, 2, 3] and caught.value.run.t[-1] == 3


def test_used_again_it_starts_over_and_with_resume_it_goes_on():
    model, opt = network(), gd.adam(0.01)
    whole, _ = watched(2, opt, 8, model)
    parted, oracle = gd.Monitor(2), batches(model)
    half = gd.run(model, opt, start(model), 4, oracle=oracle, monitor=parted)
    gd.run(model, opt, None, 4, oracle=oracle, resume=half, monitor=parted)
    for column in COLUMNS:
        assert np.array_equal(getattr(whole, column), getattr(parted, column), equal_nan=True), column
    gd.run(model, opt, start(model), 2, oracle=batches(model), monitor=parted)
    assert parted.t.tolist() == [0, 2]


def test_with_a_checkpoint_it_records_the_steps_that_are_run(tmp_path):
    model, opt, monitor = network(), gd.adam(0.01), gd.Monitor(2)
    again = {"checkpoint": tmp_path, "every_steps": 4}
    gd.run(model, opt, start(model), 4, oracle=batches(model), **again)
    run = gd.run(model, opt, start(model), 8, oracle=batches(model), monitor=monitor, **again)
    assert monitor.t.tolist() == [4, 6, 8]
    assert monitor.loss[-1] == model(run.theta[-1])


# -- errors ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings, error, sentence", [
    ({"every": 0}, ValueError, "every must be a whole number of at least 1; got 0"),
    ({"every": 2.5}, ValueError, "every must be a whole number of at least 1; got 2.5"),
    ({"rows": 0}, ValueError, "rows must be a whole number of at least 1; got 0"),
    ({"sharpness_every": 70}, ValueError, "sharpness_every must be a multiple of every, 50; got 70. Try 100."),
    ({"validation": np.ones(3)}, TypeError, "validation must be a model over validation rows; got array"),
])
def test_a_wrong_setting_is_refused(settings, error, sentence):
    with pytest.raises(error, match=sentence.replace("(", r"\(")):
        gd.Monitor(**settings)


def test_what_cannot_be_watched_is_refused_before_the_first_step():
    f, asked = gd.quadratic([1.0]), []

    def oracle():
        asked.append(1)
        yield f.grad

    def run(theta0=(1.0,), lr=0.1, **settings):
        return gd.run(f, gd.gradient_descent(lr), theta0, 1, oracle=oracle(), **settings)

    with pytest.raises(TypeError, match=r"monitor must be a Monitor such as gd.Monitor\(\); got <class"):
        run(monitor=gd.Monitor)
    with pytest.raises(ValueError, match="monitor must watch one run; got 3. Give theta0 one start and no per_run"):
        run(monitor=gd.Monitor(), lr=gd.per_run([0.1, 0.2, 0.3]))
    with pytest.raises(ValueError, match="validation must be a model with the parameters .* Make both with the same"):
        run(monitor=gd.Monitor(validation=network()))
    assert asked == []


def test_nothing_recorded_is_said():
    assert str(gd.Monitor()) == "nothing recorded yet" and len(gd.Monitor()) == 0
    for act in (gd.Monitor().figure, gd.Monitor().describe, gd.Monitor().show):
        with pytest.raises(ValueError, match="Monitor must have recorded something; got no entry. Train with it first"):
            act()


# -- the file ----------------------------------------------------------------------------------------------------------


def test_a_file_brings_everything_back(tmp_path):
    monitor, _ = watched(validation=network(seed=5), sharpness_every=6)
    path = monitor.save(tmp_path / "new folder" / "run")
    back = gd.Monitor.load(path)
    assert type(back) is gd.History and [file.name for file in path.parent.iterdir()] == ["run"]
    for column in COLUMNS:
        assert np.array_equal(getattr(monitor, column), getattr(back, column), equal_nan=True), column
        assert getattr(monitor, column).dtype == getattr(back, column).dtype
    assert (back.layers, back.units, back.rule) == (monitor.layers, monitor.units, "gradient_descent")
    assert (str(back), back.describe()) == (str(monitor), monitor.describe())
    assert plots.bundle(back.figure(), back.describe()) == plots.bundle(monitor.figure(), monitor.describe())


@pytest.mark.parametrize("history", [gd.History(), gd.History(["a"], ["b"])], ids=["no layers", "no entries"])
def test_an_empty_history_comes_back(history, tmp_path):
    back = gd.History.load(history.save(tmp_path / "empty.npz"))
    assert (len(back), back.layers, back.units) == (0, history.layers, history.units)
    assert back.grad_norm.shape == (0, len(history.layers))


def stored(tmp_path, **changes):
    """A file whose parts were changed; a part that is changed to None is left out."""
    monitor, _ = watched()
    with np.load(monitor.save(tmp_path / "run.npz")) as file:
        parts = dict(file) | changes
    return sealed(tmp_path / "run.npz", **{name: value for name, value in parts.items() if value is not None})


def sealed(path, **parts):
    content = io.BytesIO()
    np.savez(content, **parts)
    write_sealed(path, content.getvalue())
    return path


@pytest.mark.parametrize("changes, sentence", [
    ({"format": np.array("something")}, r"got run.npz, which holds something else"),
    ({"format": None}, r"got run.npz, which holds something else"),
    ({"version": np.array(2)}, r"version must be 1; got 2 in run.npz. Read it with the gdlib that wrote it"),
    ({"version": None}, "version must be 1; got None in run.npz"),
    ({"loss": None}, r"loss must be an array of numbers of shape \(13,\) in run.npz; got object"),
    ({"loss": np.ones(3)}, r"loss must be an array of numbers of shape \(13,\) .*; got float64 of shape \(3,\)"),
    ({"grad_norm": np.ones((13, 3), "U1")}, r"grad_norm must be an array of numbers of shape \(13, 3\)"),
    ({"layers": np.array(["a"])}, r"grad_norm must be an array of numbers of shape \(13, 1\) in run.npz"),
    ({"rule": np.ones(2)}, r"rule must be an array of words of shape \(\) in run.npz"),
])
def test_a_file_with_other_parts_is_refused(changes, sentence, tmp_path):
    with pytest.raises(ValueError, match=sentence):
        gd.Monitor.load(stored(tmp_path, **changes))


def test_what_is_no_such_file_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="path must be a file that save"):
        gd.Monitor.load(tmp_path / "none.npz")
    with pytest.raises(FileNotFoundError, match="path must be a file that save"):
        gd.Monitor.load(tmp_path)
    content = stored(tmp_path).read_bytes()
    other, numbers = tmp_path / "other.npz", io.BytesIO()
    np.save(numbers, np.ones(3))
    for wrong in (b"", b"text", content[:-30], content[:1000], numbers.getvalue()):
        other.write_bytes(wrong)
        with pytest.raises(ValueError, match="path must be a file that save.*which cannot be read .*no checksum"):
            gd.Monitor.load(other)
    write_sealed(other, numbers.getvalue())
    with pytest.raises(ValueError, match="path must be a file that save"):
        gd.Monitor.load(other)
    with pytest.raises(ValueError, match="which cannot be read .*allow_pickle"):
        gd.Monitor.load(sealed(other, format=np.array([{}], object)))
    gd.checkpoints.save(tmp_path, watched()[1])
    with pytest.raises(ValueError, match="got step-00000012.npz, which holds something else"):
        gd.Monitor.load(tmp_path / "step-00000012.npz")


def test_an_altered_byte_is_found(tmp_path):
    path = stored(tmp_path)
    content, rng = path.read_bytes(), np.random.default_rng(0)
    for place in rng.integers(len(content), size=100):
        path.write_bytes(content[:place] + bytes([content[place] ^ 255]) + content[place + 1 :])
        with pytest.raises(ValueError, match="got run.npz, which cannot be read"):
            gd.Monitor.load(path)


def test_the_file_holds_plain_arrays(tmp_path):
    monitor, _ = watched()
    with np.load(monitor.save(tmp_path / "run.npz"), allow_pickle=False) as file:
        assert {array.dtype.kind for array in file.values()} == {"f", "i", "U"}


# -- the picture -------------------------------------------------------------------------------------------------------


@pytest.fixture
def no_figures_left():
    yield
    assert not plt.get_fignums()


def titles(history):
    return [ax.get_title(loc="left") for ax in history.figure().axes]


def test_the_panels_are_those_that_were_recorded(no_figures_left):
    four = ["loss", "gradient norm", "update / weights"]
    assert titles(watched()[0]) == [*four, "dead units, %"]
    assert titles(watched(model=network(activation="tanh"))[0]) == [*four, "learning rate"]
    assert titles(watched(model=network(activation="tanh"), sharpness_every=6)[0]) == [*four, "sharpness"]
    assert titles(watched(sharpness_every=6)[0]) == [*four, "dead units, %", "sharpness", "learning rate"]


def drawn_lines(ax):
    return [line for line in ax.get_lines() if line.get_transform() == ax.transData]


def test_each_curve_is_what_was_recorded_and_has_its_name_in_its_colour():
    history, _ = watched(validation=network(seed=5))
    loss, gradient, update, dead = history.figure().axes
    for ax, values, names in [(loss, np.stack([history.loss, history.validation_loss]), ["training", "validation"]),
                              (gradient, history.grad_norm.T, history.layers),
                              (update, history.update_ratio.T, [*history.layers, "rule of thumb"]),
                              (dead, 100 * history.dead.T, history.units)]:
        colours = {text.get_text(): to_hex(text.get_color()) for text in ax.texts}
        assert set(colours) == set(names)
        for line, wanted, name in zip(drawn_lines(ax), values, names, strict=False):
            shown = wanted > 0 if ax.get_yscale() == "log" else np.isfinite(wanted)
            assert np.array_equal(line.get_xydata().T, [history.t[shown], wanted[shown]])
            assert to_hex(line.get_color()) == colours[name]
        styles = [line.get_linestyle() for line in drawn_lines(ax)]
        assert ax is update or len(set(styles)) == len(styles) or len(styles) == 1


def far_apart(ax):
    heights = sorted(text.get_position()[1] for text in ax.texts)
    return all(b - a > 0.99 * dashboard.BETWEEN for a, b in zip(heights, heights[1:], strict=False))


@pytest.mark.parametrize("layers", [1, 3, 6, 7, 50])
def test_names_keep_apart_and_inside_and_of_many_three_are_named(layers):
    history = gd.History([f"layer {i}" for i in range(1, layers + 1)])
    for t in range(3):
        history.add(t, loss=1.0, grad_norm=np.ones(layers), update_ratio=np.geomspace(1e-12, 1, layers), lr=0.1)
    named = range(1, layers + 1) if layers <= dashboard.MANY else (1, layers // 2 + 1, layers)
    for ax in history.figure().axes[1:3]:
        assert far_apart(ax)
        assert all(0 <= text.get_position()[1] <= 1 for text in ax.texts)
        assert {text.get_text() for text in ax.texts} - {"rule of thumb"} == {f"layer {i}" for i in named}


def test_a_gradient_of_0_is_a_triangle_at_the_bottom_and_is_said():
    history = gd.History(["layer 1", "layer 2"])
    for t in range(4):
        history.add(t, loss=1.0, grad_norm=[0.0, 0.5], update_ratio=[0.0, 0.1])
    ax = history.figure().axes[1]
    bottom = [line for line in ax.get_lines() if line.get_marker() == "v" and len(line.get_xdata())]
    assert [line.get_xdata().tolist() for line in bottom] == [[0, 1, 2, 3]]
    assert {text.get_text() for text in ax.texts} == {"layer 1: 0", "layer 2"}
    assert "At the end the gradient is 0 in layer 1." in history.describe()


EXTREMES = [0.0, 1e-320, 1e-300, 1.0, 1e300, 1.7e308, np.inf, np.nan, -1.0]


@pytest.mark.parametrize("first, last", [*zip(EXTREMES, EXTREMES[1:] + EXTREMES[:1], strict=True), (1e-320, 1.7e308)])
def test_any_numbers_can_be_drawn_and_told(first, last):
    history = gd.History(["layer 1"], ["layer 1"], "gradient_descent")
    for t, value in enumerate((first, last)):
        history.add(t, loss=value, grad_norm=[value], update_ratio=[value], dead=[0.5], lr=0.1, sharpness=value)
    history.figure().canvas.draw()
    assert history.describe() and str(history)


def test_an_entry_alone_can_be_drawn():
    monitor, _ = watched(steps=0)
    monitor.figure().canvas.draw()
    assert monitor.describe().startswith("The loss is ")


def test_the_limit_of_gradient_descent_is_drawn_for_gradient_descent_alone():
    for opt, drawn in [(gd.gradient_descent(0.1), True), (gd.adam(0.1), False)]:
        history, _ = watched(opt=opt, sharpness_every=6)
        ax = history.figure().axes[4]
        assert ("2/η" in {text.get_text() for text in ax.texts}) == drawn
        if drawn:
            assert np.array_equal(ax.get_lines()[-1].get_ydata()[1:], np.full(12, 20.0))


def test_the_text_says_what_was_recorded():
    history = gd.History(["layer 1", "layer 2"], ["layer 1"])
    history.add(0, loss=2.0, dead=[0.0], sharpness=10.0)
    history.add(20, loss=0.5, dead=[0.25], sharpness=20.0, grad_norm=[0.1, 4.0], update_ratio=[1e-3, 2e-3])
    assert history.describe() == (
        "The loss falls from 2 to 0.5 in 20 steps. Median gradient norm of a layer: 0.1 to 4. Median update of a "
        "layer, as a share of its weights: 0.001 to 0.002. Most dead units: 25 %, in layer 1. The sharpness goes from "
        "10 to 20."
    )
    assert str(history) == "step 20: loss 0.5, gradient 0.1 to 4, update ratio 0.001 to 0.002, dead units 25 % at most"


def test_show_shows_the_dashboard_with_its_description(monkeypatch, no_figures_left):
    shown = []
    monkeypatch.setattr(plots, "emit", shown.append)
    monitor, _ = watched()
    monitor.show()
    monitor.show(alt=(own := "The loss of a healthy run falls quickly."))
    assert [bundle["text/plain"] for bundle in shown] == [monitor.describe(), own]
    assert all("<img alt=" in bundle["text/html"] and bundle["image/png"] for bundle in shown)


# -- live --------------------------------------------------------------------------------------------------------------


class Output:
    def __init__(self, first):
        self.shown = [first]

    def update(self, bundle, raw):
        self.shown.append(bundle)


@pytest.fixture
def outputs(monkeypatch):
    """A notebook: the outputs that are updated; and the last pictures."""
    made, last = [], []

    def display(bundle, raw, display_id):
        made.append(Output(bundle))
        return made[-1]

    monkeypatch.setattr("gdlib.progress.in_notebook", lambda: True)
    monkeypatch.setattr("gdlib.progress.FIRST", 1e9)  # the bar is test_progress.py's
    monkeypatch.setattr(dashboard, "in_notebook", lambda: True)
    monkeypatch.setattr("IPython.display.display", display)
    monkeypatch.setattr(plots, "emit", last.append)
    return SimpleNamespace(made=made, last=last)


def test_live_a_picture_moves_and_only_the_last_one_stays(outputs, monkeypatch, no_figures_left):
    monkeypatch.setattr(dashboard, "NOTEBOOK", 0)
    monkeypatch.setattr(dashboard, "SHARE", 0)
    monitor, _ = watched(steps=4, live=True)
    (output,) = outputs.made
    assert output.shown[0] == output.shown[-1] == {}, "the first and the last are what is stored or compared"
    pictures = output.shown[1:-1]
    assert len(pictures) == 5 and all("image/png" in bundle for bundle in pictures)
    assert "in 3 steps" in pictures[3]["text/plain"] and "in 4 steps" in pictures[4]["text/plain"]
    assert [bundle["text/plain"] for bundle in outputs.last] == [monitor.describe()]


def test_live_a_quick_run_shows_only_the_last_picture(outputs, monkeypatch, no_figures_left):
    monkeypatch.setattr(dashboard, "NOTEBOOK", 60)
    watched(steps=4, live=True)
    assert outputs.made == [] and len(outputs.last) == 1


@pytest.mark.parametrize("took, pause", [(0.01, dashboard.NOTEBOOK), (2.0, dashboard.SHARE * 2.0)])
def test_live_a_picture_is_followed_by_a_pause_in_proportion_to_its_time(took, pause, outputs, monkeypatch):
    clock = [100.0]

    def slow(screen, history):
        clock[0] += took

    monkeypatch.setattr(dashboard, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(dashboard.Screen, "_picture", slow)
    screen = dashboard.Screen()
    clock[0] = screen.due
    screen.update(gd.History())
    assert screen.due - clock[0] == pytest.approx(pause)
    clock[0] = before = screen.due - 1e-3
    screen.update(gd.History())
    assert clock[0] == before, "no picture before its time"


def test_live_a_run_that_fails_leaves_its_last_picture(outputs):
    def failing():
        yield lambda theta: theta
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gd.run(gd.quadratic([1.0]), gd.gradient_descent(0.5), [1.0], 9, oracle=failing(),
               monitor=gd.Monitor(1, live=True))
    assert [bundle["text/plain"].split(".")[0] for bundle in outputs.last] == ["The loss falls from 0"]


def test_live_without_a_front_end_lines_of_text_are_printed(capsys, monkeypatch, no_figures_left):
    monkeypatch.setattr(dashboard.Screen, "__init__", lambda self: self.__dict__.update(output=None, due=0.0))
    monkeypatch.setattr(dashboard, "TERMINAL", 0)
    monkeypatch.setattr(dashboard, "SHARE", 0)
    monitor, _ = watched(2, steps=4, live=True)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert [line.split(":")[0] for line in lines[:3]] == ["step 0", "step 2", "step 4"]
    assert lines[1].endswith("(50%)") and lines[3] == monitor.describe()


def test_the_monitor_needs_numpy_alone_until_it_draws():
    code = """
import sys
import gdlib as gd
monitor = gd.Monitor(1)
gd.run(gd.quadratic([1.0]), gd.gradient_descent(0.5), [1.0], 2, monitor=monitor)
monitor.describe(), str(monitor)
print({"matplotlib", "tqdm", "torch", "PIL"} & sys.modules.keys())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("set()", "")


def test_a_slow_learners_function_is_asked_once_per_entry_for_its_value():
    asked = []

    def value(theta):
        asked.append(time.monotonic())
        return (theta**2).sum(axis=-1) / 2

    f = gd.Objective("mine", value, lambda theta: theta)
    gd.run(f, gd.gradient_descent(0.1), [1.0], 20)
    before = len(asked)
    gd.run(f, gd.gradient_descent(0.1), [1.0], 20, monitor=gd.Monitor(10))
    assert len(asked) - 2 * before == 3


# -- PyTorch -----------------------------------------------------------------------------------------------------------


def torch_itself():
    return pytest.importorskip("torch", reason="NO TORCH TEST: torch is missing (pip install gdlib[peers])")


@pytest.mark.parametrize("library", [lambda: torch_stand_in, torch_itself], ids=["stand-in", "torch"])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_pytorchs_record_is_that_of_the_same_run_in_numpy(library, activation):
    torch, model = library(), network(activation=activation)
    theta, opt = start(model), gd.momentum(0.2, 0.5)
    wanted = gd.Monitor(1)
    gd.run(model, opt, theta, 20, monitor=wanted)
    net, loss = as_torch(torch, model, theta), torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.2, momentum=0.5)
    monitor = gd.TorchMonitor(net, optimizer, loss, every=1)
    for _ in range(20):
        optimizer.zero_grad()
        loss(net(torch.tensor(model.X)), torch.tensor(model.y)).backward()
        optimizer.step()
    monitor.close()
    optimizer.step()
    assert monitor.t.tolist() == list(range(1, 21)), "no hook is left after close()"
    assert monitor.layers == ("Linear 0", "Linear 2", "Linear 4") and monitor.rule == "SGD"
    assert monitor.units == (("ReLU 1", "ReLU 3") if activation == "relu" else ())
    for column in ("lr", "grad_norm", "update_ratio"):  # of step t
        assert np.allclose(getattr(monitor, column), getattr(wanted, column)[1:], rtol=1e-9, atol=0), column
    for column in ("loss", "dead"):  # of the point before step t
        assert np.allclose(getattr(monitor, column), getattr(wanted, column)[:-1], rtol=1e-9, atol=1e-15), column
    plt.close(monitor.figure())


@pytest.mark.parametrize("library", [lambda: torch_stand_in, torch_itself], ids=["stand-in", "torch"])
def test_pytorchs_units_are_dead_that_gave_0_in_every_batch_of_training(library):
    torch, model = library(), network(hidden=(3,))
    W, b, *_ = model.blocks(theta := start(model))
    W[:], b[:] = np.eye(4)[:, :3], 0  # a unit is on for the rows where its input is above 0
    model.X[:, 0] = -1
    model.X[:, 1] = np.where(np.arange(60) < 30, 1, -1)
    net, loss = as_torch(torch, model, theta), torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-6)
    monitor = gd.TorchMonitor(net, optimizer, loss, every=2)
    for first, rows in enumerate([slice(30, 60), slice(0, 30), slice(30, 60), slice(30, 60), slice(30, 60)]):
        optimizer.zero_grad()
        loss(net(torch.tensor(model.X[rows])), torch.tensor(model.y[rows])).backward()
        optimizer.step()
        if first == 2:
            net.eval()
            net(torch.tensor(model.X))
            net.train()
    assert monitor.t.tolist() == [1, 2, 4]
    assert np.allclose(monitor.dead[:, 0], [2 / 3, 1 / 3, 2 / 3])


def as_torch(torch, model, theta):
    """The same network, with the same parameters, in PyTorch."""
    blocks = model.blocks(theta)
    parts = []
    for W, b in zip(blocks[::2], blocks[1::2], strict=True):
        linear = torch.nn.Linear(*W.shape).double()
        linear.weight.data, linear.bias.data = torch.tensor(W.T.copy()), torch.tensor(b.copy())
        parts += [linear, torch.nn.ReLU() if model.activation == "relu" else torch.nn.Tanh()]
    return torch.nn.Sequential(*parts[:-1])


def test_what_is_not_pytorchs_is_refused():
    torch = torch_stand_in
    net, loss = torch.nn.Sequential(torch.nn.Linear(2, 2)), torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for arguments, settings, sentence in [
        ((network(), optimizer), {}, "module must be a torch.nn.Module; got <gdlib.networks.MLP"),
        ((torch.nn.Linear, optimizer), {}, "module must be a torch.nn.Module; got <class"),
        ((net, gd.adam(0.1)), {}, "optimizer must be a torch.optim.Optimizer of PyTorch 2 or later; got adam"),
        ((net, optimizer, 0.5), {}, r"loss must be a torch.nn.Module such as torch.nn.CrossEntropyLoss\(\); got 0.5"),
        ((net, optimizer, loss), {"every": 0}, "every must be a whole number of at least 1; got 0"),
        ((torch.nn.ReLU(), optimizer), {}, "module must have parameters; got .* Give the whole network."),
    ]:
        with pytest.raises((TypeError, ValueError), match=sentence):
            gd.TorchMonitor(*arguments, **settings)
