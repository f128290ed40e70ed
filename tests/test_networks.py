"""Networks: how they begin, how the gradient's length changes on its way back, normalised layers, recurrence.

The table of tests/test_models.py holds their gradients and Hessians against differences.
"""
import numpy as np
import pytest

import gdlib as gd

DATA = np.random.default_rng(5)
X, PAIRS, LABELS = DATA.normal(size=(12, 3)), DATA.normal(size=(12, 2)), np.arange(12) % 3


def rng(seed=0):
    return np.random.default_rng(seed)


def drawn(model, seed=0):
    return rng(seed).normal(size=model.dim)


# -- the start ---------------------------------------------------------------------------------------------------------

VARIANCE = {  # of the weights, for a gain of 1
    "lecun": lambda fan_in, fan_out: 1 / fan_in,
    "glorot": lambda fan_in, fan_out: 2 / (fan_in + fan_out),
    "he": lambda fan_in, fan_out: 2 / fan_in,
    "plain": lambda fan_in, fan_out: 1,
}


@pytest.mark.parametrize("scheme", VARIANCE)
@pytest.mark.parametrize("gain", [0.01, 1.0, 2.0])
def test_the_weights_have_their_schemes_variance(scheme, gain):
    model = gd.MLP(np.ones((2, 100)), [0, 1], hidden=(400, 50), classes=200)
    blocks = model.blocks(model.init(rng(), gain, scheme))
    for W, b in zip(blocks[::2], blocks[1::2], strict=True):
        assert (b == 0).all()
        assert W.var() == pytest.approx(gain**2 * VARIANCE[scheme](*W.shape), rel=5 * (2 / W.size) ** 0.5)


def test_the_default_is_one_over_fan_in():
    model = gd.MLP(X, LABELS, hidden=(7,))
    assert np.array_equal(model.init(rng()), model.init(rng(), 1.0, "lecun"))


@pytest.mark.parametrize(("scheme", "activation", "kept"), [
    ("lecun", "identity", True), ("he", "relu", True), ("lecun", "relu", False), ("he", "identity", False),
])
def test_the_scheme_that_fits_keeps_the_size_of_the_values(scheme, activation, kept):
    """Mean squares of the sums in ten layers of 400 units: equal to a fifth, or off by 2⁹."""
    inputs = rng(1).normal(size=(50, 400))
    model = gd.MLP(inputs, np.arange(50) % 2, (400,) * 10, activation)
    sums = []
    blocks, h = model.blocks(model.init(rng(), scheme=scheme)), inputs
    for i in range(0, 20, 2):
        a = h @ blocks[i]
        sums.append((a**2).mean())
        h = np.maximum(a, 0) if activation == "relu" else a
    change = sums[-1] / sums[0]
    assert (0.5 < change < 2) if kept else (change > 200 or change < 1 / 200)


@pytest.mark.parametrize("model", [gd.MLP(X, LABELS), gd.NormalisedMLP(X, LABELS), gd.RecurrentNetwork(X, PAIRS)],
                         ids=lambda model: model.name)
def test_bad_starts(model):
    for generator in (0, None, np.random):
        with pytest.raises(TypeError, match=r"rng must be a Generator such as np.random.default_rng\(0\); got"):
            model.init(generator)
        with pytest.raises(TypeError, match=r"rng must be a Generator such as np.random.default_rng\(0\); got"):
            model.gradient_lengths(drawn(model), generator)
    for gain in (-1, np.nan, "he"):
        with pytest.raises(ValueError, match="gain must be a"):
            model.init(rng(), gain)


@pytest.mark.parametrize("scheme", ["xavier", None, 1.0])
def test_an_unknown_scheme(scheme):
    with pytest.raises(ValueError, match="scheme must be one of lecun, glorot, he, plain; got"):
        gd.MLP(X, LABELS).init(rng(), scheme=scheme)


# -- the gradient on its way back --------------------------------------------------------------------------------------


def sums(model, theta, X):
    """The sums h W of each layer, before they are normalised and shifted, (rows, units) each."""
    return [h @ W for h, W in zip(model._forward(model.blocks(theta), X), model.blocks(theta)[::2], strict=False)]


def test_in_a_linear_network_the_lengths_are_those_of_a_product_of_matrices():
    model = gd.MLP(X, PAIRS, (5, 4, 6), "identity", "squared")
    theta = drawn(model)
    _, _, W2, _, W3, _, W4, _ = model.blocks(theta)
    u = rng(3).standard_normal((12, 2))
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    products = [np.eye(2), W4, W3 @ W4, W2 @ W3 @ W4]
    expected = [np.linalg.norm(u @ P.T, axis=1) for P in products[::-1]]
    np.testing.assert_allclose(model.gradient_lengths(theta, rng(3)), expected, rtol=1e-12)


MAKE = {
    "tanh": lambda: gd.MLP(X, PAIRS, (4, 3, 5), "tanh", "squared"),
    "relu": lambda: gd.MLP(X, PAIRS, (4, 3, 5), "relu", "squared"),
    "batch": lambda: gd.NormalisedMLP(X, PAIRS, (4, 3, 5), "tanh", "squared"),
    "layer": lambda: gd.NormalisedMLP(X, PAIRS, (4, 3, 5), "sigmoid", "squared", over="layer"),
}


class Moved:
    """A network whose sums in one layer are moved: its outputs as a function of the move."""

    def __init__(self, model, theta, layer):
        self.model, self.blocks, self.layer = model, model.blocks(theta), layer

    def outputs(self, move):
        model, blocks, h = self.model, self.blocks, self.model.X
        phi = {"tanh": np.tanh, "relu": lambda a: np.maximum(a, 0), "sigmoid": lambda a: 1 / (1 + np.exp(-a))}
        for i in range(4):
            a = h @ blocks[2 * i] + (move if i == self.layer else 0)
            if i < 3 and isinstance(model, gd.NormalisedMLP):
                axis = {"batch": 0, "layer": 1}[model.over]
                a = (a - a.mean(axis, keepdims=True)) / np.sqrt(a.var(axis, keepdims=True) + 1e-5)
                a = a * blocks[8 + i]
            a = a + blocks[2 * i + 1]
            h = phi[model.activation](a) if i < 3 else a
        return h


@pytest.mark.parametrize("name", MAKE)
@pytest.mark.parametrize("layer", range(4))
def test_the_lengths_are_those_of_differences_of_the_outputs(name, layer):
    model = MAKE[name]()
    theta = drawn(model, 2)
    u = rng(3).standard_normal((12, 2))
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    moved = Moved(model, theta, layer)
    shape = (12, (4, 3, 5, 2)[layer])
    along = lambda move: (u * moved.outputs(move.reshape(shape))).sum()  # noqa: E731
    slopes = gd.analysis.numerical_gradient(along, np.zeros(shape).ravel())
    expected = np.linalg.norm(slopes.reshape(shape), axis=1)
    np.testing.assert_allclose(model.gradient_lengths(theta, rng(3))[layer], expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", MAKE)
def test_lengths_of_many_runs_and_of_some_rows(name):
    model = MAKE[name]()
    theta = np.stack([drawn(model, seed) for seed in range(3)])
    lengths = model.gradient_lengths(theta, rng(1), rows=slice(2, 7))
    assert lengths.shape == (3, 4, 5)
    np.testing.assert_allclose(lengths[:, -1], 1, rtol=1e-12)
    for i in range(3):
        np.testing.assert_allclose(lengths[i], model.gradient_lengths(theta[i], rng(1), rows=slice(2, 7)), rtol=1e-10)


@pytest.mark.parametrize("depth", [2, 10, 50])
@pytest.mark.parametrize("gain", [0.5, 1.0, 2.0])
def test_in_a_deep_linear_network_the_gain_to_the_power_of_the_depth_decides(depth, gain):
    """For entries N(0, gain²/64), E‖W u‖² = gain²: the logarithm walks, with steps of mean ln gain and spread 0.09."""
    model = gd.MLP(rng(1).normal(size=(4, 64)), np.zeros((4, 64)), (64,) * depth, "identity", "squared")
    lengths = model.gradient_lengths(model.init(rng(), gain), rng(2))[0]
    assert np.median(np.log(lengths)) == pytest.approx(depth * np.log(gain), abs=0.5 * depth**0.5)


# -- normalised --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("over", ["batch", "layer"])
def test_at_the_start_every_normalised_value_has_mean_0_and_variance_1(over):
    """But for the 1e-5, so the weights' gain goes out again."""
    model = gd.NormalisedMLP(rng(1).normal(size=(40, 30)), np.arange(40) % 3, (20, 20), "identity", over=over)
    one, tenfold = (model.init(rng(), gain) for gain in (1.0, 10.0))
    for h in model._forward(model.blocks(one), model.X)[1:-1]:
        np.testing.assert_allclose(h.mean(model.axis), 0, atol=1e-13)
        np.testing.assert_allclose(h.var(model.axis), 1, rtol=1e-3)
    layers = [model._forward(model.blocks(theta), model.X)[-2] for theta in (one, tenfold)]
    np.testing.assert_allclose(*layers, atol=1e-3)
    plain = gd.MLP(model.X, model.y, (20, 20))
    assert np.array_equal(one[: plain.dim], plain.init(rng())) and (one[plain.dim :] == 1).all()


def test_longer_hidden_weights_give_the_same_loss_and_a_shorter_gradient_at_a_right_angle():
    """The normalisation takes a factor of W out again: J(cW) = J(W), so ∂J/∂W is ⊥ W and c times shorter at cW."""
    model = gd.NormalisedMLP(X, LABELS, (4, 3))
    theta, longer = drawn(model) * 100, drawn(model) * 100  # beside such sums the 1e-5 is nothing
    model.blocks(longer)[0][:] *= 3
    assert model(longer) == pytest.approx(model(theta), rel=1e-6)
    W, slope, shorter = (model.blocks(v)[0] for v in (theta, model.grad(theta), model.grad(longer)))
    np.testing.assert_allclose(shorter, slope / 3, rtol=1e-5, atol=1e-12)
    np.testing.assert_allclose((W * slope).sum(axis=0), 0, atol=1e-6 * np.linalg.norm(W) * np.linalg.norm(slope))


def test_layers_of_a_normalised_network_by_hand():
    model = gd.NormalisedMLP(X, PAIRS, (4,), "tanh", "squared", over="layer")
    W1, b1, W2, b2, g = model.blocks(theta := drawn(model))
    a = X @ W1
    x = (a - a.mean(1)[:, None]) / np.sqrt(a.var(1) + 1e-5)[:, None]
    output = np.tanh(g * x + b1) @ W2 + b2
    np.testing.assert_allclose(model.predict(theta, X), output, rtol=1e-12)
    assert model(theta) == pytest.approx(((output - PAIRS) ** 2).sum() / 12, rel=1e-12)


def test_new_rows_are_normalised_by_the_models_own_data():
    """A row's prediction is the same alone or among others, and on the own data it is what the loss is made of."""
    model = gd.NormalisedMLP(X, PAIRS, (4, 3), "tanh", "squared")
    theta, new = drawn(model), rng(8).normal(size=(6, 3))
    together = model.predict(theta, new)
    np.testing.assert_allclose([model.predict(theta, row[None])[0] for row in new], together, rtol=1e-10)
    assert ((model.predict(theta, X) - PAIRS) ** 2).sum() / 12 == pytest.approx(model(theta), rel=1e-12)
    assert np.abs(model.take(slice(0, 6)).predict(theta, new) - together).max() > 1e-3  # other data, other statistics


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_of_a_batch_of_one_row_nothing_is_left(activation):
    """Every unit is its own mean: the outputs are the same for all inputs, and only what stands behind can learn."""
    model = gd.NormalisedMLP(X, LABELS, (4, 3), activation)
    theta = drawn(model)
    outputs = [model._forward(model.blocks(theta), X[i : i + 1])[-1] for i in range(12)]
    assert np.ptp(outputs, axis=0).max() == 0
    blocks = dict(zip("W1 b1 W2 b2 W3 b3 g1 g2".split(), model.blocks(model.grad(theta, slice(0, 1))), strict=True))
    assert {name for name, part in blocks.items() if part.any()} == {"b2", "W3", "b3"}


def test_a_layer_of_one_unit_says_nothing_once_its_rows_are_normalised():
    model = gd.NormalisedMLP(X, LABELS, (1,), over="layer")
    assert not model.blocks(model.grad(drawn(model)))[0].any()


def test_the_loss_of_a_normalised_batch_is_not_the_mean_over_its_rows_and_so_parts_do_not_add_up():
    model, other = (gd.NormalisedMLP(X, LABELS, (4,), over=over) for over in ("batch", "layer"))
    theta = drawn(model)
    whole, parts = model.grad(theta), [model.grad(theta, slice(i, i + 4)) for i in (0, 4, 8)]
    assert np.linalg.norm(np.mean(parts, axis=0) - whole) > 0.05 * np.linalg.norm(whole)
    parts = [other.grad(theta, slice(i, i + 4)) for i in (0, 4, 8)]
    np.testing.assert_allclose(np.mean(parts, axis=0), other.grad(theta), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(("settings", "sentence"), [
    ({"over": "rows"}, "over must be 'batch' or 'layer'; got 'rows'"),
    ({"over": None}, "over must be 'batch' or 'layer'; got None"),
    ({"hidden": ()}, r"hidden must name at least one layer to normalise, such as \(32,\); got \(\)"),
    ({"hidden": 4}, "hidden must be a sequence of whole numbers above 0"),
    ({"activation": "swish"}, "activation must be one of tanh"),
])
def test_bad_settings_of_a_normalised_network(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        gd.NormalisedMLP(X, LABELS, **settings)


# -- recurrent ---------------------------------------------------------------------------------------------------------

SEQUENCES = rng(6).normal(size=(5, 4 * 2))  # four steps of two numbers


def test_a_recurrent_network_by_hand():
    model = gd.RecurrentNetwork(SEQUENCES, PAIRS[:5], hidden=3, inputs=2)
    U, W, b, V, c = model.blocks(theta := drawn(model))
    outputs = []
    for row in SEQUENCES:
        h = np.zeros(3)
        for t in range(4):
            h = np.tanh(row[2 * t : 2 * t + 2] @ U + h @ W + b)
        outputs.append(h @ V + c)
    np.testing.assert_allclose(model.predict(theta, SEQUENCES), outputs, rtol=1e-12)
    assert model(theta) == pytest.approx(((outputs - PAIRS[:5]) ** 2).sum() / 5, rel=1e-12)


def test_one_step_of_time_is_a_network_of_one_layer():
    recurrent = gd.RecurrentNetwork(X, PAIRS, hidden=4, inputs=3)
    network = gd.MLP(X, PAIRS, (4,), "tanh", "squared")
    theta = drawn(recurrent)
    U, W, b, V, c = recurrent.blocks(theta)
    flat = np.concatenate([part.ravel() for part in (U, b, V, c)])
    assert recurrent(theta) == pytest.approx(network(flat), rel=1e-12)
    dU, dW, db, dV, dc = recurrent.blocks(recurrent.grad(theta))
    slopes = np.concatenate([part.ravel() for part in (dU, db, dV, dc)])
    np.testing.assert_allclose(slopes, network.grad(flat), rtol=1e-10)
    assert not dW.any()


def test_lengths_through_time_are_those_of_a_product_of_jacobians():
    model = gd.RecurrentNetwork(SEQUENCES, PAIRS[:5], hidden=3, inputs=2)
    theta = drawn(model)
    U, W, b, _, _ = model.blocks(theta)
    u = rng(3).standard_normal((5, 3))
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    lengths = model.gradient_lengths(theta, rng(3))
    assert lengths.shape == (4, 5)
    for i, row in enumerate(SEQUENCES):
        h, slopes = np.zeros(3), []
        for t in range(4):
            h = np.tanh(row[2 * t : 2 * t + 2] @ U + h @ W + b)
            slopes.append(np.diag(1 - h**2))
        back = [u[i] @ slopes[3]]
        for t in (2, 1, 0):
            back.append(back[-1] @ W.T @ slopes[t])
        np.testing.assert_allclose(lengths[:, i], np.linalg.norm(back[::-1], axis=1), rtol=1e-12)


def test_the_start_of_a_recurrent_network():
    model = gd.RecurrentNetwork(rng().normal(size=(2, 200)), [0, 1], hidden=300, inputs=100)
    U, W, b, V, c = model.blocks(model.init(rng(), gain=1.5))
    assert not b.any() and not c.any()
    assert U.var() == pytest.approx(1 / 100, rel=0.05) and V.var() == pytest.approx(1 / 300, rel=0.5)
    assert np.abs(np.linalg.eigvals(W)).max() == pytest.approx(1.5, rel=0.1)


@pytest.mark.parametrize(("make", "sentence"), [
    (lambda: gd.RecurrentNetwork(X, PAIRS, inputs=2), "X must have a multiple of inputs = 2 columns, .* got 3"),
    (lambda: gd.RecurrentNetwork(X, PAIRS, inputs=0), "inputs must be a whole number of at least 1; got 0"),
    (lambda: gd.RecurrentNetwork(X, PAIRS, hidden=(4,)), r"hidden must be a whole number of at least 1; got \(4,\)"),
    (lambda: gd.RecurrentNetwork(X, PAIRS[:, :, None]), r"y must have shape .*; got shape \(12, 2, 1\)"),
    (lambda: gd.RecurrentNetwork(X[:, :, None], PAIRS), r"X must have shape \(n, p\) and y length n"),
])
def test_bad_settings_of_a_recurrent_network(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()
