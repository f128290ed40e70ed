"""Every surface: its gradient and Hessian against central differences, and its minima."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gdlib as gd

SURFACES = [
    gd.rosenbrock, gd.himmelblau, gd.beale, gd.saddle, gd.monkey_saddle, gd.double_well,
    gd.quadratic([1.0, 30.0]), gd.quadratic([2.0, -1.0], angle=0.7),
]
COORDINATE = st.floats(-3, 3)


def differences(f, x, h=1e-6):
    return np.stack([(f(x + h * e) - f(x - h * e)) / (2 * h) for e in np.eye(len(x))], axis=-1)


@pytest.mark.parametrize("f", SURFACES, ids=repr)
@given(x=COORDINATE, y=COORDINATE)
def test_gradient_and_hessian_are_the_slopes_of_value_and_gradient(f, x, y):
    at = np.array([x, y])
    np.testing.assert_allclose(f.grad(at), differences(f, at), rtol=1e-6, atol=1e-5)
    np.testing.assert_allclose(f.hess(at), differences(f.grad, at), rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("f", SURFACES, ids=repr)
def test_leading_axes_are_runs(f):
    theta = np.random.default_rng(0).normal(size=(3, 4, 2))
    assert f(theta).shape == (3, 4)
    assert f.grad(theta).shape == (3, 4, 2)
    assert f.hess(theta).shape == (3, 4, 2, 2)
    for i in np.ndindex(3, 4):
        assert f(theta)[i] == pytest.approx(f(theta[i]), rel=1e-14)
        assert np.array_equal(f.grad(theta)[i], f.grad(theta[i]))
        np.testing.assert_allclose(f.hess(theta)[i], f.hess(theta[i]), rtol=1e-14)


@pytest.mark.parametrize("f", [f for f in SURFACES if f.minima], ids=repr)
def test_documented_minima(f):
    for minimum in np.array(f.minima):
        np.testing.assert_allclose(f.grad(minimum), 0, atol=1e-12)
        assert (np.linalg.eigvalsh(f.hess(minimum)) > 0).all()


def test_values_at_the_minima():
    for f in (gd.rosenbrock, gd.himmelblau, gd.beale, gd.quadratic([1.0, 2.0])):
        np.testing.assert_allclose([f(np.array(m)) for m in f.minima], 0, atol=1e-24)
    np.testing.assert_allclose([gd.saddle(np.array(m)) for m in gd.saddle.minima], -1 / 4)


def test_the_first_well_of_double_well_is_the_deeper_one():
    deep, shallow = (gd.double_well(np.array(m)) for m in gd.double_well.minima)
    assert deep < shallow


@given(angle=st.floats(-3, 3))
def test_turning_a_quadratic_keeps_its_eigenvalues(angle):
    eigenvalues = np.linalg.eigvalsh(gd.quadratic([1.0, 10.0], angle=angle).hess(np.zeros(2)))
    np.testing.assert_allclose(eigenvalues, [1, 10])


def test_the_angle_turns_the_first_eigenvector():
    f = gd.quadratic([1.0, 10.0], angle=np.pi / 6)
    first = np.array([np.cos(np.pi / 6), np.sin(np.pi / 6)])
    np.testing.assert_allclose(f.grad(first), 1.0 * first)


def test_a_saddle_shaped_quadratic_claims_no_minimum():
    assert gd.quadratic([1.0, -1.0]).minima == ()


@pytest.mark.parametrize("eigenvalues", [[], [np.nan], 3.0, [[1.0]]])
def test_quadratic_refuses_what_are_no_eigenvalues(eigenvalues):
    with pytest.raises(ValueError, match="eigenvalues must be a list of finite numbers"):
        gd.quadratic(eigenvalues)


def test_quadratic_refuses_an_angle_in_three_dimensions():
    with pytest.raises(ValueError, match="Omit the angle"):
        gd.quadratic([1.0, 2.0, 3.0], angle=0.1)


@pytest.mark.parametrize("f", SURFACES, ids=repr)
def test_a_point_of_the_wrong_length_is_named(f):
    with pytest.raises(ValueError, match=r"shape \(3,\)"):
        f.grad(np.zeros(3))
