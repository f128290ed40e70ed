import numpy as np
import pytest

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
    with pytest.raises(ValueError, match=r"must have theta's shape \(2,\), and came with shape \(1,\)"):
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
