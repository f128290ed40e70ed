"""Lesson 05's tiny networks, many at once: their Hessians, and the search for critical points."""
import numpy as np
import pytest

import gdlib as gd
from gdlib.lessons.saddle_points import tiny


def draw(activation="tanh", loss="squared", decay=1e-2, inputs="digits", each=2):
    rng = np.random.default_rng(0)
    f = tiny.tiny(rng, 2, each, inputs, 3, hidden=2, activation=activation, loss=loss, decay=decay)
    return f, rng.standard_normal((len(f.y), f.dim))


@pytest.mark.parametrize("activation", tiny.PHI)
def test_a_tiny_network_is_the_librarys(activation):
    f, theta = draw(activation)
    for i in range(len(theta)):
        net = gd.MLP(f.Z[i, :, :-1], f.y[i], (2,), activation, loss="squared")
        U, v, c = theta[i, :8].reshape(2, 4), theta[i, 8:10], theta[i, 10:]
        flat = np.concatenate([U[:, :3].T.ravel(), U[:, 3], v, c])
        assert f.value(theta)[i] == pytest.approx(net(flat) / 2 + 0.005 * (flat**2).sum(), rel=1e-12)
        curvatures = np.linalg.eigvalsh(net.hess(flat) / 2 + 0.01 * np.eye(net.dim))
        assert np.linalg.eigvalsh(f.hess(theta))[i] == pytest.approx(curvatures, abs=1e-10)


@pytest.mark.parametrize("inputs", tiny.INPUTS)
@pytest.mark.parametrize("loss", tiny.LOSS)
@pytest.mark.parametrize("activation", tiny.PHI)
def test_gradient_and_hessian_are_those_of_the_value(activation, loss, inputs):
    f, theta = draw(activation, loss, inputs=inputs)
    h, axes = 1e-5, np.eye(f.dim)
    slopes = np.stack([(f.value(theta + h * e) - f.value(theta - h * e)) / (2 * h) for e in axes], axis=1)
    bends = np.stack([(f.grad(theta + h * e) - f.grad(theta - h * e)) / (2 * h) for e in axes], axis=2)
    assert f.grad(theta) == pytest.approx(slopes, abs=1e-8)
    assert f.hess(theta) == pytest.approx(bends, abs=1e-8)


def test_rows_and_networks_can_be_taken():
    f, theta = draw()
    some = f.take(np.array([0, 3]), np.arange(10))
    assert some.y.shape == (2, 10) and some.value(theta[[0, 3]])[1] != f.value(theta)[3]
    assert f.take(np.array([0, 3])).grad(theta[[0, 3]]) == pytest.approx(f.grad(theta)[[0, 3]])


def test_the_search_ends_on_level_ground_of_both_kinds():
    f, _ = draw(each=20)
    ends, norms = tiny.find_level(f, np.random.default_rng(1).standard_normal((40, f.dim)))
    found = norms < 1e-10
    assert found.mean() > 0.5 and norms == pytest.approx(np.linalg.norm(f.grad(ends), axis=1), abs=1e-14)
    trained = f.init(np.random.default_rng(2))
    for _ in range(1500):
        trained = trained - 0.3 * f.grad(trained)
    near, _ = tiny.find_level(f, trained)
    lowest = [np.linalg.eigvalsh(f.hess(points))[:, 0] for points in (ends, near)]
    assert (lowest[0][found] < 0).mean() > 0.5 > (lowest[1] < -1e-6).mean()
