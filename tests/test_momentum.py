"""What lesson 04 says of momentum on quadratics, closed form against simulation."""
import numpy as np
import pytest

import gdlib as gd
from gdlib import analysis
from gdlib.lessons.kit.recurrence import at_step, recurrence
from gdlib.lessons.momentum.exercises import best_pair as exercise

best_pair = exercise.solution_function


@pytest.mark.parametrize("rule, look_ahead", [(gd.momentum, False), (gd.nesterov, True)])
@pytest.mark.parametrize("a, beta", [(0.3, 0.0), (0.3, 0.5), (1.9, 0.9), (0.01, 0.81), (-0.1, 0.9)])
def test_the_recurrence_is_the_rules_walk(rule, look_ahead, a, beta):
    """Where a direction bends downwards a = ηλ is negative."""
    walk = gd.run(gd.quadratic([a / 0.1]), rule(0.1, beta), [1.0], 40).theta[:, 0]
    np.testing.assert_allclose(at_step(np.arange(41), *recurrence(a, beta, look_ahead)), walk, rtol=1e-7, atol=1e-9)


def test_best_pair_contracts_by_its_factor_once_k_is_divided_out():
    lr, beta, factor = best_pair(1, 100)
    assert (lr, beta, factor) == pytest.approx((0.0330579, 0.669421, 0.8182), rel=1e-4)
    ball = gd.run(gd.quadratic([1, 100]), gd.momentum(lr, beta), [1.0, 1.0], 1_000)
    hiker = gd.run(gd.quadratic([1, 100]), gd.gradient_descent(2 / 101), [1.0, 1.0], 1_000)
    for p, q in [(200, 400), (500, 1_000)]:
        raw = analysis.measured_rate(ball, p, q)
        assert raw > factor + 5e-4
        assert raw / (q / p) ** (1 / (q - p)) == pytest.approx(factor, abs=5e-5)
        assert analysis.measured_rate(hiker, p, q) == pytest.approx(99 / 101, abs=1e-6)


def test_steps_grow_like_kappa_and_like_its_root():
    kappas, walk, ball = [10, 100, 1_000, 10_000], [], []
    for kappa in kappas:
        f, (lr, beta, _) = gd.quadratic([1, kappa]), best_pair(1, kappa)
        walk.append(analysis.steps_to(gd.run(f, gd.gradient_descent(2 / (1 + kappa)), [1.0, 1.0], 12 * kappa), 1e-9))
        steps = int(16 * kappa**0.5) + 100
        ball.append(analysis.steps_to(gd.run(f, gd.momentum(lr, beta), [1.0, 1.0], steps), 1e-9))
    assert min(walk) > 0 and min(ball) > 0
    assert analysis.slope(kappas, walk) == pytest.approx(1, abs=0.05)
    assert analysis.slope(kappas, ball) == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("rule, edge", [
    (gd.momentum, lambda b: 2 + 2 * b), (gd.nesterov, lambda b: (2 + 2 * b) / (1 + 2 * b)),
])
def test_edge_of_stability(rule, edge):
    betas = np.array([0, 0.3, 0.6, 0.9])
    for shift, grows in [(-1e-3, False), (1e-3, True)]:
        opt = rule(gd.per_run(edge(betas) + shift), gd.per_run(betas))
        run = gd.run(gd.quadratic([1.0]), opt, [1.0], 4_000)
        swing = np.abs(run.theta[..., 0])
        assert ((swing[3_000:].max(axis=0) > swing[1_000:2_000].max(axis=0)) == grows).all()


def test_noise_follows_its_formula():
    f = gd.quadratic(np.ones(4_000))
    for eta, beta in [(0.1, 0), (0.1, 0.9), (1.0, 0.9)]:
        noise = gd.noisy(f, 1.0, np.random.default_rng(3))
        run = gd.run(f, gd.momentum(eta, beta), np.zeros(4_000), 600, oracle=noise, every=5)
        formula = eta * (1 + beta) / ((1 - beta) * (2 * (1 + beta) - eta))
        assert np.mean(run.theta[40:] ** 2) == pytest.approx(formula, rel=0.05)
