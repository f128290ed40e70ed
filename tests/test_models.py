import numpy as np
import pytest

import gdlib as gd
from gdlib.models import softplus


@pytest.fixture(params=[True, False], ids=["intercept", "no intercept"])
def model(request):
    rng = np.random.default_rng(1)
    return gd.LeastSquares(rng.normal(size=(20, 3)), rng.normal(size=20), intercept=request.param)


def test_loss_is_the_mean_squared_error(model):
    theta = np.arange(model.dim, dtype=float)
    by_hand = sum((x @ theta - y) ** 2 for x, y in zip(model.X, model.y, strict=True)) / 20
    assert model(theta) == pytest.approx(by_hand)


def test_the_intercept_is_the_last_parameter():
    model = gd.LeastSquares([[1.0], [2.0]], [13.0, 23.0])
    np.testing.assert_allclose(model.solution(), [10, 3])
    np.testing.assert_allclose(model.predict([10.0, 3.0], [[3.0]]), [33])


def test_gradient_and_hessian(model):
    theta = np.random.default_rng(2).normal(size=model.dim)
    assert gd.analysis.check_gradient(model, model.grad, theta).error < 1e-8
    columns = [(model.grad(theta + e) - model.grad(theta - e)) / 2 for e in np.eye(model.dim)]
    np.testing.assert_allclose(model.hess(), columns)


def test_rows_average_to_the_whole(model):
    theta = np.ones(model.dim)
    halves = [model.grad(theta, rows=slice(0, 10)), model.grad(theta, rows=np.arange(10, 20))]
    np.testing.assert_allclose(np.mean(halves, axis=0), model.grad(theta))


def test_runs_lead(model):
    theta = np.random.default_rng(3).normal(size=(4, 5, model.dim))
    assert model(theta).shape == (4, 5)
    np.testing.assert_allclose(model.grad(theta)[1, 2], model.grad(theta[1, 2]), rtol=1e-12)


def test_the_solution_has_no_slope(model):
    np.testing.assert_allclose(model.grad(model.solution()), 0, atol=1e-12)


@pytest.mark.parametrize(
    ("X", "y", "sentence"),
    [
        ([[1.0], [2.0]], [1.0], r"got shapes \(2, 1\) and \(1,\)"),
        ([1.0, 2.0], [1.0, 2.0], r"got shapes \(2,\)"),
        (np.empty((0, 2)), np.empty(0), "n > 0"),
        ([[1.0], [np.nan]], [1.0, 2.0], "in row 1. Drop or fill such rows"),
        ([[1.0], [2.0]], [1.0, np.inf], "y must be finite; got inf in row 1"),
    ],
)
def test_bad_data(X, y, sentence):
    with pytest.raises(ValueError, match=sentence):
        gd.LeastSquares(X, y)


def test_parameters_of_the_wrong_length(model):
    with pytest.raises(ValueError, match=f"theta must have {model.dim} parameters"):
        model(np.zeros(7))


# -- every model: gradients, Hessians, runs, rows ----------------------------------------------------------------------

DATA = np.random.default_rng(5)
X, Y, PAIRS = DATA.normal(size=(12, 3)), DATA.normal(size=12), DATA.normal(size=(12, 2))
TWO, THREE = np.arange(12) % 2, np.arange(12) % 3
DEPTHS = [(), (4,), (4, 3), (3, 3, 2)]
MODELS = {
    "least squares": gd.LeastSquares(X, Y),
    "least squares, no intercept": gd.LeastSquares(X, Y, intercept=False),
    "logistic": gd.LogisticRegression(X, TWO),
    "logistic, no intercept": gd.LogisticRegression(X, TWO, intercept=False),
    "softmax": gd.SoftmaxRegression(X, THREE),
    "softmax, a label missing": gd.SoftmaxRegression(X, TWO, classes=4),
} | {
    f"{activation} {hidden} {loss}": gd.MLP(X, THREE if loss == "cross-entropy" else PAIRS, hidden, activation, loss)
    for activation in ("tanh", "sigmoid", "relu", "identity")
    for hidden in DEPTHS
    for loss in ("cross-entropy", "squared")
} | {
    f"{over}-normalised {activation} {hidden}": gd.NormalisedMLP(X, THREE, hidden, activation, over=over)
    for over in ("batch", "layer")
    for activation in ("tanh", "relu")
    for hidden in DEPTHS[1:]
} | {
    "batch-normalised sigmoid squared": gd.NormalisedMLP(X, PAIRS, (4, 3), "sigmoid", "squared"),
    "layer-normalised identity squared": gd.NormalisedMLP(X, PAIRS, (4, 3), "identity", "squared", over="layer"),
    "recurrent, squared": gd.RecurrentNetwork(X, Y, hidden=4),
    "recurrent, one step, squared": gd.RecurrentNetwork(X, PAIRS, hidden=4, inputs=3),
}
every_model = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)


def away_from_kinks(model, seed):
    """A random point at which no hidden unit of any row is close to 0, where relu has no derivative."""
    rng = np.random.default_rng(seed)
    while True:
        theta = rng.normal(size=model.dim)
        if getattr(model, "activation", None) != "relu":
            return theta
        blocks, h = model.blocks(theta), model.X
        before = []
        for i in range(len(model.hidden)):
            z = h @ blocks[2 * i]
            if isinstance(model, gd.NormalisedMLP):
                z = (z - z.mean(model.axis, keepdims=True)) / np.sqrt(z.var(model.axis, keepdims=True) + 1e-5)
                z = z * blocks[i - len(model.hidden)]
            z = z + blocks[2 * i + 1]
            before.append(np.abs(z).min())
            h = np.maximum(z, 0)
        if min(before, default=1) > 1e-3:
            return theta


@every_model
@pytest.mark.parametrize("seed", range(3))
def test_the_gradient_is_that_of_the_loss(model, seed):
    theta = away_from_kinks(model, seed)
    assert gd.analysis.check_gradient(model, model.grad, theta).error <= 1e-6


@every_model
def test_the_hessian_and_its_products_are_those_of_the_gradient(model):
    theta = away_from_kinks(model, 0)
    h = 1e-5
    columns = [(model.grad(theta + h * e) - model.grad(theta - h * e)) / (2 * h) for e in np.eye(model.dim)]
    H, v = model.hess(theta), np.random.default_rng(1).normal(size=model.dim)
    np.testing.assert_allclose(H, np.stack(columns, axis=-1), rtol=1e-6, atol=1e-6 * np.abs(H).max())
    np.testing.assert_allclose(H, H.T, atol=1e-13 * np.abs(H).max())
    np.testing.assert_allclose(model.hvp(theta, v), H @ v, rtol=1e-10, atol=1e-12 * np.abs(H).max())


@every_model
def test_runs_lead_everywhere(model):
    theta = np.stack([[away_from_kinks(model, 3 * i + j) for j in range(3)] for i in range(2)])
    v = np.random.default_rng(0).normal(size=theta.shape)
    loss, grad, hvp = model(theta), model.grad(theta), model.hvp(theta, v)
    assert (loss.shape, grad.shape, hvp.shape) == ((2, 3), theta.shape, theta.shape)
    predicted = model.predict(theta, X)
    for i, j in np.ndindex(2, 3):
        np.testing.assert_allclose(loss[i, j], model(theta[i, j]), rtol=1e-12)
        np.testing.assert_allclose(grad[i, j], model.grad(theta[i, j]), rtol=1e-10, atol=1e-13)
        np.testing.assert_allclose(hvp[i, j], model.hvp(theta[i, j], v[i, j]), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(predicted[i, j], model.predict(theta[i, j], X), rtol=1e-10)


@every_model
@pytest.mark.parametrize("rows", [slice(2, 7), np.array([3, 0, 11]), np.array([4, 4])], ids=["slice", "some", "twice"])
def test_rows_are_the_model_over_these_rows_alone(model, rows):
    theta, part = away_from_kinks(model, 1), model.take(rows)
    assert part.n == len(model.X[rows])
    assert part.dim == model.dim
    np.testing.assert_allclose(part(theta), model(theta, rows=rows), rtol=1e-13)
    np.testing.assert_allclose(part.grad(theta), model.grad(theta, rows=rows), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(part.hess(theta), model.hess(theta, rows=rows), rtol=1e-12, atol=1e-13)


# Of batch-normalised networks the rows depend on each other: tests/test_networks.py.
INDEPENDENT = {name: model for name, model in MODELS.items() if not name.startswith("batch")}


@pytest.mark.parametrize("model", INDEPENDENT.values(), ids=INDEPENDENT)
def test_the_gradient_is_the_mean_of_the_rows_gradients(model):
    theta = away_from_kinks(model, 1)
    one_by_one = [model.grad(theta, rows=slice(i, i + 1)) for i in range(model.n)]
    np.testing.assert_allclose(np.mean(one_by_one, axis=0), model.grad(theta), rtol=1e-10, atol=1e-13)


@every_model
def test_taking_rows_leaves_the_model_alone(model):
    theta = away_from_kinks(model, 2)
    before = model(theta)
    assert model.take(slice(0, 3)).n == 3
    assert model(theta) == before
    assert model.n == 12


@every_model
def test_the_blocks_are_views_in_the_order_of_shapes(model):
    theta = np.arange(2.0 * model.dim).reshape(2, model.dim)
    blocks = model.blocks(theta)
    assert tuple(b.shape[1:] for b in blocks) == model.shapes
    np.testing.assert_array_equal(np.concatenate([b.reshape(2, -1) for b in blocks], axis=1), theta)
    for block in blocks:
        assert np.shares_memory(block, theta)


@every_model
@pytest.mark.parametrize("call", ["__call__", "grad"])
def test_parameters_of_another_length(model, call):
    with pytest.raises(ValueError, match=f"theta must have {model.dim} parameters on its last axis; got shape"):
        getattr(model, call)(np.zeros((2, model.dim + 1)))
    with pytest.raises(ValueError, match=f"theta must have {model.dim} parameters on its last axis; got shape"):
        model.predict(np.zeros(model.dim + 1), X)


@every_model
def test_a_step_down_the_gradient_goes_down(model):
    theta = away_from_kinks(model, 4)
    g = model.grad(theta)
    assert model(theta - 1e-4 * g) < model(theta)


# -- one model is another ----------------------------------------------------------------------------------------------


def test_softmax_with_two_classes_is_logistic_regression():
    logistic, softmax = gd.LogisticRegression(X, TWO), gd.SoftmaxRegression(X, TWO)
    w = np.random.default_rng(0).normal(size=4)
    theta = np.concatenate([np.column_stack([np.zeros(3), w[:3]]).ravel(), [0, w[3]]])
    np.testing.assert_allclose(softmax(theta), logistic(w), rtol=1e-13)
    W, b = softmax.blocks(softmax.grad(theta))
    np.testing.assert_allclose([*W[:, 1], b[1]], logistic.grad(w), rtol=1e-12)
    np.testing.assert_allclose([*W[:, 0], b[0]], -logistic.grad(w), rtol=1e-12)
    np.testing.assert_allclose(softmax.probabilities(theta, X)[:, 1], logistic.probabilities(w, X), rtol=1e-12)
    assert (softmax.predict(theta, X) == logistic.predict(w, X)).all()
    assert softmax.accuracy(theta, X, TWO) == logistic.accuracy(w, X, TWO)


@pytest.mark.parametrize("hidden", [(), (5,), (5, 4)])
def test_a_linear_network_is_least_squares(hidden):
    network, line = gd.MLP(X, Y, hidden, activation="identity", loss="squared"), gd.LeastSquares(X, Y)
    theta = np.random.default_rng(0).normal(size=network.dim)
    blocks = network.blocks(theta)
    W, b = blocks[0], blocks[1]
    for V, c in zip(blocks[2::2], blocks[3::2], strict=True):
        W, b = W @ V, b @ V + c
    assert network(theta) == pytest.approx(line(np.append(W[:, 0], b)), rel=1e-12)
    np.testing.assert_allclose(network.predict(theta, X)[:, 0], line.predict(np.append(W[:, 0], b), X), rtol=1e-12)
    if not hidden:
        np.testing.assert_allclose(network.grad(theta), line.grad(theta), rtol=1e-12)


def test_a_network_without_hidden_layers_is_softmax_regression():
    network, softmax = gd.MLP(X, THREE, hidden=()), gd.SoftmaxRegression(X, THREE)
    theta = np.random.default_rng(0).normal(size=softmax.dim)
    assert network.shapes == softmax.shapes == ((3, 3), (3,))
    assert network(theta) == softmax(theta)
    assert np.array_equal(network.grad(theta), softmax.grad(theta))


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu"])
def test_the_layers_of_a_network_by_hand(activation):
    phi = {"tanh": np.tanh, "sigmoid": lambda a: 1 / (1 + np.exp(-a)), "relu": lambda a: np.maximum(a, 0)}[activation]
    network = gd.MLP(X, PAIRS, (4, 3), activation, "squared")
    theta = np.random.default_rng(0).normal(size=network.dim)
    W1, b1, W2, b2, W3, b3 = network.blocks(theta)
    output = phi(phi(X @ W1 + b1) @ W2 + b2) @ W3 + b3
    np.testing.assert_allclose(network.predict(theta, X), output, rtol=1e-12)
    assert network(theta) == pytest.approx(((output - PAIRS) ** 2).sum() / 12, rel=1e-12)


def test_cross_entropy_by_hand():
    network = gd.MLP(X, THREE, (4,))
    theta = np.random.default_rng(0).normal(size=network.dim)
    W1, b1, W2, b2 = network.blocks(theta)
    e = np.exp(np.tanh(X @ W1 + b1) @ W2 + b2)
    p = e / e.sum(axis=1, keepdims=True)
    assert network(theta) == pytest.approx(-np.log(p[np.arange(12), THREE]).mean(), rel=1e-12)
    np.testing.assert_allclose(network.probabilities(theta, X), p, rtol=1e-12)
    assert network.accuracy(theta, X, THREE) == (p.argmax(axis=1) == THREE).mean()


def test_at_zero_every_class_is_as_likely():
    for model, k in ((gd.LogisticRegression(X, TWO), 2), (gd.SoftmaxRegression(X, THREE), 3), (gd.MLP(X, THREE), 3),
                     (gd.SoftmaxRegression(X, TWO, classes=7), 7)):
        assert model(np.zeros(model.dim)) == pytest.approx(np.log(k))


# -- probabilities -----------------------------------------------------------------------------------------------------

CLASSIFIERS = {name: model for name, model in MODELS.items() if "square" not in name}


@pytest.mark.parametrize("model", CLASSIFIERS.values(), ids=CLASSIFIERS)
@pytest.mark.parametrize("size", [1.0, 1e2, 1e4, 1e6])
def test_probabilities_are_probabilities_however_large_the_outputs(model, size):
    """Warnings are errors here, so nothing may overflow either; the loss stays finite, as do its derivatives."""
    theta = size * np.random.default_rng(0).normal(size=(2, model.dim))
    p = model.probabilities(theta, X)
    assert ((0 <= p) & (p <= 1)).all()
    if p.ndim == 3:
        np.testing.assert_allclose(p.sum(axis=-1), 1, rtol=1e-12)
        assert (p.argmax(axis=-1) == model.predict(theta, X)).all()
    else:
        assert ((p > 0.5) == model.predict(theta, X)).all()
    assert np.isfinite(model(theta)).all()
    assert (model(theta) >= 0).all()
    assert np.isfinite(model.grad(theta)).all()
    assert np.isfinite(model.hvp(theta, np.ones_like(theta))).all()


def test_a_confident_mistake_costs_its_margin():
    """−log p(y) is the distance by which the wrong output leads, once it leads by much."""
    assert gd.LogisticRegression([[1.0]], [0], intercept=False)(np.array([1000.0])) == 1000
    assert gd.SoftmaxRegression([[1.0]], [0], classes=2)(np.array([0.0, 1000.0, 0.0, 0.0])) == 1000


def test_accuracy_of_many_runs():
    model = gd.SoftmaxRegression(X, THREE)
    theta = np.random.default_rng(0).normal(size=(5, model.dim))
    each = [np.mean([a == b for a, b in zip(model.predict(t, X), THREE, strict=True)]) for t in theta]
    np.testing.assert_allclose(model.accuracy(theta, X, THREE), each)


def test_accuracy_is_for_labels():
    model = gd.MLP(X, Y, loss="squared")
    with pytest.raises(ValueError, match="loss must be 'cross-entropy' for accuracy; got 'squared'"):
        model.accuracy(np.zeros(model.dim), X, Y)


# -- they learn --------------------------------------------------------------------------------------------------------


def test_descent_on_least_squares_reaches_lstsq():
    model = gd.LeastSquares(X, Y)
    run = gd.run(model, gd.gradient_descent(0.3), np.zeros(4), 2000, every=2000)
    exact = np.linalg.lstsq(np.column_stack([X, np.ones(12)]), Y, rcond=None)[0]
    np.testing.assert_allclose(run.theta[-1], exact, atol=1e-12)
    assert run.distance[-1] < 1e-12


def test_logistic_regression_finds_the_weights_that_made_the_data():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(20_000, 2))
    true = np.array([2.0, -1.0, 0.5])
    labels = rng.random(20_000) < 1 / (1 + np.exp(-(rows @ true[:2] + true[2])))
    model = gd.LogisticRegression(rows, labels)
    run = gd.run(model, gd.nesterov(2.0), np.zeros(3), 100, every=100)
    error = np.sqrt(np.diag(np.linalg.inv(model.hess(run.theta[-1]))) / 20_000)  # as large as statistics allows
    assert run.grad_norm[-1] < 1e-5
    assert (np.abs(run.theta[-1] - true) < 4 * error).all()


def test_a_hidden_layer_learns_xor_and_none_cannot():
    corners, labels = np.array([[0.0, 0.0], [0, 1], [1, 0], [1, 1]]), [0, 1, 1, 0]
    straight, network = gd.SoftmaxRegression(corners, labels), gd.MLP(corners, labels, (8,))
    best = gd.run(straight, gd.adam(0.05), np.full(straight.dim, 0.3), 1000, every=1000)
    assert best.loss[-1] == pytest.approx(np.log(2), abs=1e-4)
    learnt = gd.run(network, gd.adam(0.05), network.init(np.random.default_rng(0)), 500, every=500)
    assert network.accuracy(learnt.theta[-1], corners, labels) == 1
    assert learnt.loss[-1] < 0.01


# -- the start ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gain", [1.0, 2**0.5])
def test_weights_start_with_variance_gain_squared_over_fan_in_and_biases_at_0(gain):
    model = gd.MLP(np.ones((2, 100)), [0, 1], hidden=(400, 50))
    blocks = model.blocks(model.init(np.random.default_rng(0), gain))
    for W, b in zip(blocks[::2], blocks[1::2], strict=True):
        assert (b == 0).all()
        assert W.var() == pytest.approx(gain**2 / W.shape[0], rel=5 * (2 / W.size) ** 0.5)
        assert abs(W.mean()) < 5 * gain / (W.shape[0] * W.size) ** 0.5


def test_the_start_comes_from_the_generator_alone():
    model = gd.MLP(X, THREE)
    one, same, other = (model.init(np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert one.shape == (model.dim,)
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


# -- refused -----------------------------------------------------------------------------------------------------------

CLASSIFY = {"logistic": gd.LogisticRegression, "softmax": gd.SoftmaxRegression, "network": gd.MLP}
LEARN = CLASSIFY | {"least squares": gd.LeastSquares, "squared": lambda X, y: gd.MLP(X, y, loss="squared")}


@pytest.mark.parametrize("make", LEARN.values(), ids=LEARN)
@pytest.mark.parametrize(
    ("X", "y", "sentence"),
    [
        ([[1.0], [2.0]], [1], r"got shapes \(2, 1\) and \(1,\)"),
        ([[1.0], [2.0]], 1, r"got shapes \(2, 1\) and \(\)"),
        ([1.0, 2.0], [0, 1], r"got shapes \(2,\) and \(2,\)"),
        (np.empty((0, 2)), np.empty(0), "with n > 0"),
        (np.empty((2, 0)), [0, 1], r"got shapes \(2, 0\)"),
        ([[1.0], [np.nan]], [0, 1], r"X must be finite; got \[nan\] in row 1. Drop or fill such rows"),
        ([[np.inf], [1.0]], [0, 1], r"X must be finite; got \[inf\] in row 0"),
        ([[1.0], [2.0]], [0, np.nan], "y must be finite; got nan in row 1"),
        ([[1.0], [2.0]], ["cat", "dog"], "y must hold numbers; got .*'cat'"),
        ([["a"], ["b"]], [0, 1], "X and y must hold numbers, with rows of one length; got"),
        ([[1.0], [1.0, 2.0]], [0, 1], "X and y must hold numbers, with rows of one length; got"),
    ],
)
def test_bad_data_for_any_model(make, X, y, sentence):
    with pytest.raises(ValueError, match=sentence):
        make(X, y)


@pytest.mark.parametrize("make", CLASSIFY.values(), ids=CLASSIFY)
@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ([0, 1, -1], "labels y must be whole numbers from 0 to .*; got -1"),
        ([0, 1, 0.5], "labels y must be whole numbers from 0 to .*; got 0.5"),
        ([0, 1, 1e300], "labels y must be whole numbers from 0 to .*; got 1e.300"),
        ([[0], [1], [1]], r"y must have shape \(n,\), one number per row; got shape \(3, 1\)"),
        (np.eye(3), r"y must have shape \(n,\), one number per row; got shape \(3, 3\)"),
    ],
)
def test_bad_labels(make, labels, sentence):
    with pytest.raises(ValueError, match=sentence):
        make(np.ones((3, 2)), labels)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: gd.LogisticRegression(X, THREE), "labels y must be whole numbers from 0 to 1; got 2"),
        (lambda: gd.SoftmaxRegression(X, THREE, classes=2), "labels y must be whole numbers from 0 to 1; got 2"),
        (lambda: gd.LeastSquares(X, PAIRS), r"y must have shape \(n,\), one number per row; got shape \(12, 2\)"),
        (lambda: gd.MLP(X, PAIRS[:, :, None], loss="squared"), r"y must have .* squared error; got shape \(12, 2, 1\)"),
        (lambda: gd.MLP(X, THREE, activation="swish"), "activation must be one of tanh, .*; got 'swish'"),
        (lambda: gd.MLP(X, THREE, activation=np.tanh), "activation must be one of tanh, .*; got <ufunc"),
        (lambda: gd.MLP(X, THREE, loss="hinge"), "loss must be 'cross-entropy' or 'squared'; got 'hinge'"),
        (lambda: gd.SoftmaxRegression(X, THREE, 0), "classes must be a whole number of at least 1; got 0"),
        (lambda: gd.MLP(X, THREE, classes=2.5), "classes must be a whole number of at least 1; got 2.5"),
        (lambda: gd.MLP(X, THREE, classes="3"), "classes must be a whole number of at least 1; got '3'"),
    ],
)
def test_bad_choices(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()


@pytest.mark.parametrize("hidden", [5, (0,), (4, 0), (-1,), (2.5,), (True,), ("4",), "4", None, np.ones(1)], ids=repr)
def test_bad_hidden_layers(hidden):
    with pytest.raises(ValueError, match="hidden must be a sequence of whole numbers above 0 such as .*; got"):
        gd.MLP(X, THREE, hidden=hidden)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("rows", [np.ones((4, 7)), np.ones(3), np.ones((2, 4, 3))], ids=["columns", "one row", "axes"])
def test_new_rows_must_have_the_columns_of_the_others(name, rows):
    model = MODELS[name]
    with pytest.raises(ValueError, match=r"X must have shape \(m, \d+\), as the model's own data; got shape"):
        model.predict(np.zeros(model.dim), rows)


def test_accuracy_wants_a_label_for_each_row():
    model = gd.SoftmaxRegression(X, THREE)
    with pytest.raises(ValueError, match=r"y must have shape \(12,\), one label for each row of X; got shape"):
        model.accuracy(np.zeros(model.dim), X, THREE[1:])


def test_hidden_sizes_may_be_numpys_whole_numbers():
    assert gd.MLP(X, THREE, hidden=[np.int64(4)]).shapes == ((3, 4), (4,), (4, 3), (3,))


# -- the complex step --------------------------------------------------------------------------------------------------


@every_model
def test_the_complex_step_is_the_gradient_of_every_model(model):
    theta = away_from_kinks(model, 7)
    by_step = gd.analysis.numerical_gradient(model, theta, method="complex")
    np.testing.assert_allclose(by_step, model.grad(theta), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("z", [0.0, -0.0, 1e-300, -1e-300, 3.0, -3.0, 800.0, -800.0, np.inf, -np.inf])
def test_softplus(z):
    with np.errstate(all="raise", under="ignore"):
        assert softplus(np.array(z)) == pytest.approx(np.logaddexp(0, z), rel=1e-15)
