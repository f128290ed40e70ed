"""What lesson 07 measures with: the adding problem, the gradient's length in deep networks, rates that still train."""
import numpy as np
import pytest

import gdlib as gd
from gdlib.lessons.training_health import cliff, depth, normalised, recurrent

# -- depth -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gain", depth.GAINS.values(), ids=depth.GAINS)
def test_in_a_linear_network_the_mean_logarithm_is_known(gain):
    """‖W u‖² is gain² χ²/64 with 64 degrees of freedom: per layer E ln = ln gain + ½(ψ(32) − ln 32), spread 0.089."""
    depths, digamma = 50, np.log(32) - 1 / 64 - 1 / (12 * 32**2)
    found = np.log(depth.lengths(depths, "identity", gain, seeds=20))
    slopes = (found[:, -1] - found[:, 0]) / depths
    assert -slopes.mean() == pytest.approx(np.log(gain) + (digamma - np.log(32)) / 2, abs=4 * 0.089 / 1000**0.5)


@pytest.mark.parametrize(("activation", "factor"), [("sigmoid", 1 / 4), ("tanh", 1), ("relu", 1)])
@pytest.mark.parametrize("gain", depth.GAINS.values(), ids=depth.GAINS)
def test_no_layer_lengthens_the_gradient_by_more_than_its_matrix_and_its_slope_allow(activation, factor, gain):
    """‖δ W‖ is at most ‖δ‖ times W's largest singular value, about 2 · gain; sigmoid's slope is at most ¼."""
    found = depth.lengths(10, activation, gain, seeds=3)
    assert (found[:, :-1] <= 2.2 * gain * factor * found[:, 1:]).all()


def test_batch_normalisation_lengthens_the_gradient_of_a_relu_network_with_each_layer():
    """Yang et al. (2019): by √(π/(π − 1)) = 1.21 a layer where width and batch are large; here they are 64 and 128."""
    found = np.log(depth.lengths(30, "relu", 1.0, seeds=5, norm="batch"))
    a_layer = np.exp((found[:, 0] - found[:, -2]).mean() / 29)
    assert 1.15 < a_layer < (np.pi / (np.pi - 1)) ** 0.5
    assert np.median(depth.lengths(30, "relu", 2**0.5, seeds=5)[:, 0]) < 3  # without it, by He's scheme


def test_all_activations_meet_the_same_inputs_and_the_output_has_length_1():
    one, other = (depth.network(3, name, np.random.default_rng(0)) for name in ("tanh", "relu"))
    assert np.array_equal(one.X, other.X) and one.dim == other.dim
    np.testing.assert_allclose(depth.lengths(3, "tanh", 1.0, seeds=2)[:, -1], 1, rtol=1e-12)
    assert depth.at_first_layer([1, 3], "tanh", 1.0, seeds=2).shape == (2,)


# -- recurrent ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [2, 5, 20])
def test_the_adding_problem(steps):
    X, y = recurrent.adding_problem(np.random.default_rng(0), 4000, steps)
    values, marks = X[:, ::2], X[:, 1::2]
    half = steps // 2
    assert X.shape == (4000, 2 * steps) and np.isin(marks, [0, 1]).all()
    assert (marks[:, :half].sum(axis=1) == 1).all() and (marks[:, half:].sum(axis=1) == 1).all()
    np.testing.assert_allclose(y, [row[mark > 0].sum() for row, mark in zip(values, marks, strict=True)], rtol=1e-15)
    assert np.mean((y - 1) ** 2) == pytest.approx(recurrent.GUESS, rel=0.1)
    shares = np.repeat([1 / half, 1 / (steps - half)], [half, steps - half])
    assert marks.mean(axis=0) == pytest.approx(shares, abs=0.05)


def test_a_sweep_over_rates_is_its_single_runs_and_what_diverges_is_inf():
    small = {"seeds": 2, "steps": 100, "hidden": 4, "length": 6}
    found = recurrent.losses([0.01, 0.1, 1e6], **small)
    assert found.shape == (2, 3) and np.isinf(found[:, 2]).all() and np.isfinite(found[:, :2]).all()
    np.testing.assert_allclose(recurrent.losses([0.1], **small)[:, 0], found[:, 1], rtol=1e-6)
    np.testing.assert_allclose(recurrent.losses([0.1], norm=1e9, **small), found[:, 1:2], rtol=1e-6)  # never clipped
    assert np.isfinite(recurrent.losses([1e3], norm=1e-4, **small)).all()


# -- normalised --------------------------------------------------------------------------------------------------------


def test_the_three_networks_have_the_same_data_and_the_same_weights_at_the_start():
    plain, batch, layer = (normalised.network(norm) for norm in normalised.NORMS)
    assert np.abs(plain.X.mean(axis=0)).max() < 1e-12 and np.array_equal(plain.X, batch.X)
    assert (batch.over, layer.over, type(plain)) == ("batch", "layer", gd.MLP)
    starts = [normalised.starts(model, 2) for model in (plain, batch, layer)]
    assert all(np.array_equal(theta[:, : plain.dim], starts[0]) for theta in starts)


@pytest.mark.parametrize(("losses", "rate"), [
    ([[1.0, 1.0, 1.0]], 4), ([[1.0, 1.0, np.inf]], 2), ([[1.0, 1.2, 2.3]], 1), ([[2.5, 1.0, 1.2]], 2),
    ([[1.0, 1.0, 1.0], [1.0, 2.5, 1.2]], 1), ([[2.3, 2.3, 2.3]], 0),
])
def test_the_largest_rate_is_one_at_which_every_start_is_below_half_the_loss_of_guessing(losses, rate):
    assert normalised.largest_rate(np.array(losses), [1, 2, 4]) == rate


def test_losses_near_the_end_are_those_of_a_plain_loop():
    found = normalised.losses("layer", 64, [0.1, 1e9], seeds=1, steps=50)
    model = normalised.network("layer")
    theta, rng = normalised.starts(model, 1)[0], np.random.default_rng([2, 0])
    kept, oracle = [], gd.minibatches(model, 64, rng)
    for t in range(1, 51):
        theta = theta - 0.1 * next(oracle)(theta)
        kept += [theta] if t % 10 == 0 else []
    rows = np.random.default_rng(3).permutation(model.n)
    by_hand = np.mean([[model(theta, rows[:64]), model(theta, rows[64:128])] for theta in kept])
    assert found[0, 0] == pytest.approx(by_hand, rel=1e-9) and found[0, 1] > 1e6


def test_accuracies_are_of_images_that_were_not_trained_on():
    (X, y), (new, digit) = normalised.digits()
    assert len(y) == len(X) == 1078 and len(digit) == len(new) == 360
    assert not {row.tobytes() for row in X} & {row.tobytes() for row in new}
    found = normalised.accuracies("none", 64, [1e-12, 0.1, 1e9], seeds=1, steps=50)
    assert found[0, 0] < 0.3 < found[0, 1] and found[0, 2] < 0.15


@pytest.mark.parametrize("norm", normalised.NORMS)
def test_the_sharpness_at_the_start_is_that_of_the_hessian(norm, monkeypatch):
    monkeypatch.setattr(normalised, "HIDDEN", (3,))
    data = np.random.default_rng(0).normal(size=(40, 2)), np.arange(40) % 2
    monkeypatch.setattr(normalised, "load", lambda name: data)
    model = normalised.network(norm)
    exact = [np.linalg.eigvalsh(model.hess(theta))[-1] for theta in normalised.starts(model, 2)]
    np.testing.assert_allclose(normalised.sharpness_at_start(norm, 2, iterations=500), exact, rtol=1e-3)


# -- the cliff ---------------------------------------------------------------------------------------------------------


def test_the_gradient_of_the_cliff_is_that_of_its_loss():
    points = np.random.default_rng(0).uniform([-2, -4], [8, 2], size=(30, 2))
    for theta in points:
        assert gd.analysis.check_gradient(cliff.cliff, cliff.cliff.grad, theta, tolerance=1e-5).ok
    assert np.array_equal(cliff.cliff.grad(points)[7], cliff.cliff.grad(points[7]))


@pytest.mark.parametrize("w", [4.0, 4.5, 5.0])
def test_on_the_edge_of_the_cliff_the_slopes_are_a_geometric_series(w):
    """With b = ½ − w s(½) x stays at ½, where it begins, so ∂x/∂b = (r⁵⁰ − 1)/(r − 1) with r = w s′(½)."""
    s = 1 / (1 + np.exp(-0.5))
    r = w * s * (1 - s)
    series = (r**50 - 1) / (r - 1)
    theta = np.array([w, 0.5 - w * s])
    np.testing.assert_allclose(cliff.cliff.grad(theta), 2 * (0.5 - 0.7) * series * np.array([s, 1]), rtol=1e-6)
