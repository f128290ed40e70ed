import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gdlib as gd
from gdlib import analysis

POINT = np.array([0.3, -1.2])


@pytest.mark.parametrize(("method", "tolerance"), [("forward", 1e-5), ("central", 1e-8), ("complex", 1e-14)])
def test_numerical_gradient(method, tolerance):
    numerical = analysis.numerical_gradient(gd.rosenbrock.value, POINT, method=method)
    np.testing.assert_allclose(numerical, gd.rosenbrock.grad(POINT), rtol=tolerance)


@pytest.mark.parametrize(("method", "order"), [("forward", 1), ("central", 2)])
def test_the_error_falls_with_the_order_of_the_method(method, order):
    steps = np.geomspace(1e-3, 1e-1, 9)
    errors = [
        abs(analysis.numerical_gradient(lambda x: np.exp(x[0]), [0.0], h=h, method=method)[0] - 1) for h in steps
    ]
    assert analysis.slope(steps, errors) == pytest.approx(order, abs=0.02)


def test_the_gradient_of_a_quadratic_is_exact_by_central_differences_of_any_step():
    f = gd.quadratic([1.0, 4.0])
    np.testing.assert_allclose(analysis.numerical_gradient(f, POINT, h=0.5), f.grad(POINT), rtol=1e-14)


def test_a_right_gradient_passes_and_a_slip_is_found():
    assert analysis.check_gradient(gd.himmelblau, gd.himmelblau.grad, POINT).ok

    def slip(theta):
        return gd.himmelblau.grad(theta) * [1, 1.001]

    check = analysis.check_gradient(gd.himmelblau, slip, POINT)
    assert not check.ok
    assert check.worst == 1
    assert "coordinate 1" in str(check)


def test_both_gradients_zero_is_agreement():
    assert analysis.check_gradient(lambda x: 3.0, np.zeros_like, POINT).error == 0


def test_a_gradient_of_the_wrong_shape():
    with pytest.raises(ValueError, match=r"must have theta's shape \(2,\); got shape \(1,\)"):
        analysis.check_gradient(gd.himmelblau, lambda theta: theta[:1], POINT)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (dict(theta=[np.nan]), "theta must be one point of d finite numbers"),
        (dict(theta=[[1.0]]), "theta must be one point of d finite numbers"),
        (dict(theta=[1.0], h=0), "h must be a number above 0"),
        (dict(theta=[1.0], method="five-point"), "method must be one of forward, central, complex"),
    ],
)
def test_bad_input(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        analysis.numerical_gradient(lambda x: x[0], **arguments)


def test_condition_number():
    assert analysis.condition_number(gd.quadratic([2.0, 50.0], angle=1.0).hess(POINT)) == pytest.approx(25)
    assert analysis.condition_number([[1.0, 0.0], [0.0, -1.0]]) == np.inf
    with pytest.raises(ValueError, match="symmetric matrix"):
        analysis.condition_number(np.ones((3, 2)))


def test_steps_to():
    run = gd.run(gd.quadratic([1.0]), gd.gradient_descent(gd.per_run([0.5, 0.9, 2.0])), [1.0], 30)
    assert analysis.steps_to(run, 1e-3).tolist() == [10, 3, -1]


# -- Hessians and sharpness --------------------------------------------------------------------------------------------

SURFACES = [gd.rosenbrock, gd.himmelblau, gd.beale, gd.saddle, gd.monkey_saddle, gd.double_well]
DATA = np.random.default_rng(2)
X, Y, LABELS = DATA.normal(size=(30, 4)), DATA.normal(size=30), np.arange(30) % 3
MODELS = {"least squares": gd.LeastSquares(X, Y), "logistic": gd.LogisticRegression(X, LABELS > 0),
          "network": gd.MLP(X, LABELS, (5,))}


def bowl(H):
    """½ θᵀHθ, with a gradient and nothing else."""
    H = np.asarray(H, float)
    return gd.Objective("bowl", lambda x: 0.5 * ((x @ H) * x).sum(-1), lambda x: x @ H)


def with_eigenvalues(values, seed=0):
    """A symmetric matrix with these eigenvalues, in random directions."""
    Q = np.linalg.qr(np.random.default_rng(seed).normal(size=(len(values), len(values))))[0]
    H = Q * values @ Q.T
    return (H + H.T) / 2


@pytest.mark.parametrize("f", SURFACES, ids=lambda f: f.name)
def test_the_hessian_is_fs_own_or_that_of_its_gradient(f):
    blind = gd.Objective(f.name, f.value, f.grad)
    assert np.array_equal(analysis.hessian(f, POINT), f.hess(POINT))
    numerical = analysis.hessian(blind, POINT)
    np.testing.assert_allclose(numerical, f.hess(POINT), rtol=1e-6, atol=1e-6)
    assert np.array_equal(numerical, numerical.T)


@pytest.mark.parametrize("name", MODELS)
def test_the_hessian_of_a_model_and_its_products(name):
    model = MODELS[name]
    theta, v = np.random.default_rng(0).normal(size=(2, model.dim))
    H = analysis.hessian(model, theta)
    assert H.shape == (model.dim, model.dim)
    np.testing.assert_allclose(analysis.hessian_vector(model, theta, v), H @ v, rtol=1e-9, atol=1e-12)


@given(v=st.lists(st.floats(-10, 10), min_size=2, max_size=2))
def test_hessian_vector_where_there_is_no_product(v):
    for f in (gd.himmelblau, gd.Objective("blind", gd.himmelblau.value, gd.himmelblau.grad)):
        product = analysis.hessian_vector(f, POINT, np.array(v))
        np.testing.assert_allclose(product, gd.himmelblau.hess(POINT) @ v, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize(
    "values",
    [[5.0, 1.0, 0.1], [5.0, 4.0, -3.0], [1.0, -5.0, -4.0], [-1.0, -2.0, -5.0], [2.0, -2.0], [3.0, 3.0, -3.0, -3.0],
     [1e-3, -1e3], [0.0, -1.0, -2.0], [0.0, 0.0], [7.0]],
    ids=str,
)
@pytest.mark.parametrize("seed", range(5))
def test_sharpness_is_the_largest_eigenvalue_whatever_the_others(values, seed):
    """Also where the eigenvalue of the largest size is negative, or there is one as large on the other side of 0."""
    H = with_eigenvalues(np.array(values), seed)
    top, v = analysis.sharpness(bowl(H), np.zeros(len(values)), rng=np.random.default_rng(seed))
    assert top == pytest.approx(np.linalg.eigvalsh(H)[-1], abs=1e-6 * np.abs(values).max() + 1e-12)
    np.testing.assert_allclose(H @ v, top * v, atol=1e-4 * max(1, np.abs(values).max()))


def test_sharpness_on_the_axes_of_a_steep_ridge():
    """After a hundred products nothing is left of the other direction: it must not be looked for from there."""
    assert analysis.sharpness(bowl(np.diag([-1e6, 1.0])), [0.0, 0.0])[0] == pytest.approx(1)
    assert analysis.sharpness(gd.saddle, [0.0, 0.0])[0] == pytest.approx(2)


@pytest.mark.parametrize("name", MODELS)
def test_sharpness_of_a_model(name):
    model = MODELS[name]
    theta = 0.5 * np.random.default_rng(1).normal(size=model.dim)
    eigenvalues = np.linalg.eigvalsh(model.hess(theta))
    top, v = analysis.sharpness(model, theta, iterations=2000)
    assert top == pytest.approx(eigenvalues[-1], rel=1e-6)
    assert np.linalg.norm(v) == pytest.approx(1)


@given(iterations=st.integers(1, 60), seed=st.integers(0, 50))
@settings(max_examples=40)
def test_sharpness_is_approached_from_below(iterations, seed):
    H = with_eigenvalues(np.array([4.0, 3.5, 1.0, -2.0]), seed)
    top, _ = analysis.sharpness(bowl(H), np.zeros(4), iterations=iterations, rng=np.random.default_rng(seed))
    assert top <= 4 + 1e-9


def test_a_warm_start_needs_few_products():
    model = MODELS["logistic"]
    theta = np.random.default_rng(1).normal(size=model.dim)
    _, v = analysis.sharpness(model, theta, iterations=1000)
    near = theta + 0.01
    exact = np.linalg.eigvalsh(model.hess(near))[-1]
    warm, cold = (analysis.sharpness(model, near, v=start, iterations=3)[0] for start in (v, None))
    assert abs(warm - exact) < 1e-4 * exact < abs(cold - exact)


def test_sharpness_asks_for_products_alone():
    class Products:
        """f with Hessian–vector products and no Hessian."""

        asked = 0

        def hvp(self, theta, v):
            self.asked += 1
            return np.array([3.0, 1.0]) * v

    f = Products()
    assert analysis.sharpness(f, [0.0, 0.0], iterations=50)[0] == pytest.approx(3)
    assert f.asked == 50


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"theta": [[0.0, 0.0]]}, "theta must be one point of d finite numbers"),
        ({"theta": [np.nan, 0.0]}, "theta must be one point of d finite numbers"),
        ({"iterations": 0}, "iterations must be a whole number of at least 1; got 0"),
        ({"iterations": 2.5}, "iterations must be a whole number of at least 1; got 2.5"),
        ({"v": [0.0, 0.0]}, r"v must be a vector other than 0 of theta's shape \(2,\); got"),
        ({"v": [1.0, 0.0, 0.0]}, r"v must be a vector other than 0 of theta's shape \(2,\); got"),
    ],
)
def test_bad_input_of_sharpness(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        analysis.sharpness(**{"f": gd.himmelblau, "theta": POINT} | arguments)


# -- noise scale -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
def test_the_noise_scale_by_its_definition(name):
    model = MODELS[name]
    theta = np.random.default_rng(3).normal(size=model.dim)
    single = np.array([model.grad(theta, rows=[i]) for i in range(model.n)])
    G = model.grad(theta)
    expected = np.trace(np.cov(single.T, bias=True)) / (G @ G)
    assert analysis.noise_scale(model, theta) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("rows", [slice(3, 9), [0, 5, 7, 20], np.array([-1, 2]), range(10)], ids=str)
def test_the_noise_scale_over_chosen_rows(rows):
    model = MODELS["logistic"]
    theta = np.random.default_rng(3).normal(size=model.dim)
    part = model.take(np.arange(model.n)[rows])
    assert analysis.noise_scale(model, theta, rows) == pytest.approx(analysis.noise_scale(part, theta), rel=1e-12)


@pytest.mark.parametrize("sigma", [0.5, 2.0])
def test_the_noise_scale_of_a_mean_in_noise(sigma):
    """Rows y = μ + σε under one constant feature: Σ = 4σ² and G = 2(θ − μ), so tr Σ/‖G‖² = σ²/(θ − μ)²."""
    y = 1.0 + sigma * np.random.default_rng(0).normal(size=4000)
    model = gd.LeastSquares(np.ones((4000, 1)), y, intercept=False)
    assert analysis.noise_scale(model, [4.0]) == pytest.approx(y.var() / (4 - y.mean()) ** 2, rel=1e-9)
    assert analysis.noise_scale(model, [4.0]) == pytest.approx(sigma**2 / 9, rel=0.12)


def test_a_batch_of_the_noise_scale_has_as_much_noise_as_gradient():
    """What it is for: with B drawn rows, E‖g − G‖² = tr Σ/B."""
    model, theta = MODELS["least squares"], np.full(5, 2.0)
    G, scale = model.grad(theta), analysis.noise_scale(MODELS["least squares"], np.full(5, 2.0))
    for size in (1, 4):
        oracle = gd.minibatches(model, size, np.random.default_rng(0), replace=True)
        noise = np.mean([np.sum((grad(theta) - G) ** 2) for grad, _ in zip(oracle, range(4000), strict=False)])
        assert noise / (G @ G) == pytest.approx(scale / size, rel=0.1)


def test_the_noise_scale_wants_rows_of_data():
    with pytest.raises(TypeError, match="model must be a model over rows of data such as .*; got"):
        analysis.noise_scale(gd.himmelblau, [0.0, 0.0])


def test_rows_that_agree_have_no_noise_and_a_minimum_has_nothing_else():
    same = gd.LeastSquares(np.ones((5, 2)), np.full(5, 3.0), intercept=False)
    assert analysis.noise_scale(same, [1.0, 1.0]) == pytest.approx(0)
    apart = gd.LeastSquares([[1.0], [1.0]], [1.0, -1.0], intercept=False)
    assert analysis.noise_scale(apart, [0.0]) == np.inf


@pytest.mark.parametrize("rows", [[], slice(5, 5)], ids=str)
def test_the_noise_scale_of_no_rows(rows):
    with pytest.raises(ValueError, match="rows must name at least one row; got none"):
        analysis.noise_scale(MODELS["logistic"], np.zeros(5), rows)


# -- rates -------------------------------------------------------------------------------------------------------------


def test_the_measured_rate_of_tuned_descent_is_99_over_101():
    run = gd.run(gd.quadratic([1.0, 100.0]), gd.gradient_descent(2 / 101), [1.0, 1.0], 100)
    assert analysis.measured_rate(run, 0, 100) == pytest.approx(99 / 101, rel=1e-12)
    assert analysis.measured_rate(run, 20, 80) == pytest.approx(99 / 101, rel=1e-12)
    assert analysis.measured_rate(run, 0, 100, "loss") == pytest.approx((99 / 101) ** 2, rel=1e-12)
    assert analysis.measured_rate(run, 0, 100, "grad_norm") == pytest.approx(99 / 101, rel=1e-12)


@given(rates=st.lists(st.floats(0.01, 1.9).filter(lambda x: abs(x - 1) > 0.01), min_size=1, max_size=5))
@settings(max_examples=40)
def test_the_measured_rate_of_a_sweep_is_one_factor_a_run(rates):
    run = gd.run(gd.quadratic([1.0]), gd.gradient_descent(gd.per_run(rates)), [1.0], 20, every=5)
    np.testing.assert_allclose(analysis.measured_rate(run, 5, 15), np.abs(1 - np.array(rates)), rtol=1e-9, atol=1e-30)


def test_the_rate_of_a_run_that_has_arrived():
    run = gd.run(gd.quadratic([1.0]), gd.gradient_descent(gd.per_run([1.0, 0.5])), [1.0], 10)
    np.testing.assert_array_equal(analysis.measured_rate(run, 0, 10), [0, 0.5])
    np.testing.assert_array_equal(analysis.measured_rate(run, 5, 10), [np.nan, 0.5])


@pytest.mark.parametrize(("first", "last"), [(3, 10), (0, 11), (10, 0), (5, 5), (-5, 10), (0, 1000)])
def test_bad_steps_for_a_rate(first, last):
    run = gd.run(gd.quadratic([1.0]), gd.gradient_descent(0.1), [1.0], 10, every=5)
    with pytest.raises(ValueError, match=f"first and last must be two kept steps in order; got {first} and {last}"):
        analysis.measured_rate(run, first, last)
