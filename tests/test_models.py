import numpy as np
import pytest

import gdlib as gd


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
        ([[1.0], [2.0]], [1.0], r"X came as \(2, 1\) and y as \(1,\)"),
        ([1.0, 2.0], [1.0, 2.0], r"X came as \(2,\)"),
        (np.empty((0, 2)), np.empty(0), "n > 0"),
        ([[1.0], [np.nan]], [1.0, 2.0], "its row 1 is"),
        ([[1.0], [2.0]], [1.0, np.inf], "y must be finite, and its row 1 is inf"),
    ],
)
def test_bad_data(X, y, sentence):
    with pytest.raises(ValueError, match=sentence):
        gd.LeastSquares(X, y)


def test_parameters_of_the_wrong_length(model):
    with pytest.raises(ValueError, match=f"this model has {model.dim} parameters"):
        model(np.zeros(7))
