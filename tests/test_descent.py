"""The rules and the loop: closed forms, sweeps, the record, divergence, and what is refused before the first step."""
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gdlib as gd

RULES = {"gradient_descent": gd.gradient_descent, "momentum": gd.momentum}



# -- closed forms ------------------------------------------------------------------------------------------------------


@given(lam=st.floats(0.1, 10), share=st.floats(0.05, 1.9), steps=st.integers(0, 30))
def test_descent_on_a_parabola_multiplies_by_one_minus_rate_times_curvature(lam, share, steps):
    eta = share / lam
    run = gd.run(gd.quadratic([lam]), gd.gradient_descent(eta), [1.0], steps)
    np.testing.assert_allclose(run.theta[:, 0], (1 - eta * lam) ** np.arange(steps + 1), atol=1e-12)


def test_tuned_descent_contracts_by_kappa_minus_one_over_kappa_plus_one():
    run = gd.run(gd.quadratic([1.0, 100.0]), gd.gradient_descent(2 / 101), [1.0, 1.0], 50)
    np.testing.assert_allclose(run.distance[1:] / run.distance[:-1], 99 / 101)


def test_momentum_is_the_heavy_ball_recurrence():
    """θ(t+1) = θ(t) − η λ θ(t) + β (θ(t) − θ(t−1)): Polyak's form, written without a velocity."""
    lam, eta, beta = 3.0, 0.1, 0.8
    x = gd.run(gd.quadratic([lam]), gd.momentum(eta, beta), [1.0], 40).theta[:, 0]
    np.testing.assert_allclose(x[2:], x[1:-1] - eta * lam * x[1:-1] + beta * (x[1:-1] - x[:-2]), atol=1e-14)


def test_momentum_without_momentum_is_descent():
    plain = gd.run(gd.rosenbrock, gd.gradient_descent(1e-3), [-1.2, 1.0], 100)
    assert np.array_equal(plain.theta, gd.run(gd.rosenbrock, gd.momentum(1e-3, beta=0), [-1.2, 1.0], 100).theta)


def test_a_schedule_is_asked_for_the_rate_at_steps_1_2_3():
    asked = []

    def rate(t):
        asked.append(t)
        return 0.5 if t == 1 else 0.0

    run = gd.run(gd.quadratic([1.0]), gd.gradient_descent(rate), [1.0], 3)
    assert asked == [1, 1, 2, 3]  # once to check it, then once a step
    assert run.theta[:, 0].tolist() == [1, 0.5, 0.5, 0.5]


def test_rules_keep_nothing_between_runs():
    opt = gd.momentum(0.01)
    first, second = (gd.run(gd.himmelblau, opt, [0.0, 0.0], 20) for _ in range(2))
    assert np.array_equal(first.theta, second.theta)


# -- sweeps ------------------------------------------------------------------------------------------------------------

SURFACES = [
    gd.quadratic([1.0, 10.0]), gd.quadratic([1.0, 10.0], angle=0.5), gd.rosenbrock, gd.himmelblau, gd.beale, gd.saddle,
    gd.monkey_saddle, gd.double_well,
]


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize("f", SURFACES, ids=lambda f: f.name)
def test_a_sweep_is_its_separate_runs_bit_for_bit(f, rule):
    rates = np.geomspace(1e-4, 1, 30)  # some of them diverge
    starts = np.random.default_rng(0).normal(size=(30, 2))
    sweep = gd.run(f, rule(gd.per_run(rates)), starts, 150, every=7)
    for i, rate in enumerate(rates):
        alone = gd.run(f, rule(rate), starts[i], 150, every=7)
        assert np.array_equal(sweep.theta[:, i], alone.theta, equal_nan=True)
        assert sweep.diverged_at[i] == alone.diverged_at


def test_a_sweep_of_least_squares_is_its_separate_runs():
    X, y = gd.data.load("diabetes")
    model = gd.LeastSquares((X - X.mean(0)) / X.std(0), y)
    rates = np.geomspace(1e-3, 0.1, 9)
    sweep = gd.run(model, gd.momentum(gd.per_run(rates)), np.zeros(11), 100)
    for i, rate in enumerate(rates):
        alone = gd.run(model, gd.momentum(rate), np.zeros(11), 100)
        np.testing.assert_allclose(sweep.theta[:, i], alone.theta, rtol=1e-12, atol=1e-10)


def test_chunks_change_nothing(monkeypatch):
    starts = np.random.default_rng(0).uniform(-6, 6, (7, 60, 2))
    whole = gd.run(gd.himmelblau, gd.gradient_descent(0.02), starts, 40, every=15)
    monkeypatch.setattr(gd.descent, "CHUNK", 32)
    chunked = gd.run(gd.himmelblau, gd.gradient_descent(0.02), starts, 40, every=15)
    assert np.array_equal(whole.theta, chunked.theta, equal_nan=True)
    assert np.array_equal(whole.diverged_at, chunked.diverged_at)
    assert whole.t.tolist() == chunked.t.tolist() == [0, 15, 30, 40]
    assert (whole.diverged_at > 0).any()


def test_two_hyper_parameters_span_a_plane_of_runs():
    rates, betas = gd.per_run(np.array([[0.1], [0.2], [0.3]])), gd.per_run([0.0, 0.5])
    run = gd.run(gd.quadratic([1.0, 2.0]), gd.momentum(rates, betas), [1.0, 1.0], 10)
    assert run.theta.shape == (11, 3, 2, 2)
    assert np.array_equal(run.theta[:, 2, 1], gd.run(run.f, gd.momentum(0.3, 0.5), [1.0, 1.0], 10).theta)


# -- the record --------------------------------------------------------------------------------------------------------


@given(steps=st.integers(0, 40), every=st.integers(1, 50))
def test_every_keeps_the_first_and_the_last(steps, every):
    full = gd.run(gd.himmelblau, gd.momentum(0.01), [0.0, 0.0], steps)
    some = gd.run(gd.himmelblau, gd.momentum(0.01), [0.0, 0.0], steps, every=every)
    assert some.t.tolist() == sorted({*range(0, steps + 1, every), steps})
    assert np.array_equal(some.theta, full.theta[some.t])


def test_what_is_derived():
    run = gd.run(gd.himmelblau, gd.gradient_descent(0.01), [[0.0, 0.0], [-4.0, 4.0]], 50)
    assert np.array_equal(run.loss, gd.himmelblau(run.theta))
    np.testing.assert_allclose(run.grad_norm[7, 1], np.hypot(*gd.himmelblau.grad(run.theta[7, 1])))
    nearest = min(np.hypot(*(run.theta[-1, 1] - m)) for m in gd.himmelblau.minima)
    assert run.distance[-1, 1] == nearest


def test_no_known_minimum_no_distance():
    with pytest.raises(ValueError, match="no minimum of monkey_saddle is known"):
        _ = gd.run(gd.monkey_saddle, gd.gradient_descent(0.01), [0.1, 0.1], 3).distance


def test_the_start_is_not_touched():
    start = np.array([1.0, 1.0])
    run = gd.run(gd.rosenbrock, gd.momentum(1e-3), start, 5)
    assert start.tolist() == [1, 1]
    run.theta[0] = 9
    assert start.tolist() == [1, 1]


def test_iterate_is_the_loop():
    f = gd.rosenbrock
    points = [theta for _, theta in gd.iterate(gd.momentum(1e-3), [-1.2, 1.0], [f.grad] * 5)]
    assert np.array_equal(points, gd.run(f, gd.momentum(1e-3), [-1.2, 1.0], 5).theta)


def test_the_record_tells_what_it_is():
    run = gd.run(gd.quadratic([1.0]), gd.gradient_descent(gd.per_run([0.1, 3.0])), [1.0], 1100, every=100)
    assert repr(run) == (
        "Run(gradient_descent(lr=per_run) on quadratic: 2 runs, 1100 steps, 12 points kept; 1 diverged)"
    )


# -- stop --------------------------------------------------------------------------------------------------------------


def test_stop_ends_a_single_run_there():
    full = gd.run(gd.quadratic([1.0]), gd.gradient_descent(0.5), [1.0], 50)
    run = gd.run(full.f, full.opt, [1.0], 50, stop=lambda t, theta, loss, gradient: loss < 1e-6)
    assert run.stopped_at == np.argmax(full.loss < 1e-6) == run.t[-1]
    assert np.array_equal(run.theta, full.theta[: run.t[-1] + 1])


def test_a_stopped_run_of_a_sweep_stays_where_it_is():
    rates = np.array([0.1, 0.5, 0.9])

    def stop(t, theta, loss, gradient):
        return np.abs(gradient[..., 0]) < 1e-3

    sweep = gd.run(gd.quadratic([1.0]), gd.gradient_descent(gd.per_run(rates)), [1.0], 500, every=5, stop=stop)
    for i, rate in enumerate(rates):
        alone = gd.run(gd.quadratic([1.0]), gd.gradient_descent(rate), [1.0], 500, stop=stop)
        assert sweep.stopped_at[i] == alone.stopped_at
        assert np.array_equal(sweep.theta[-1, i], alone.theta[-1])
    assert sweep.t[-1] == sweep.stopped_at.max()
    assert sweep.t.tolist() == sorted({*range(0, sweep.t[-1] + 1, 5), sweep.t[-1]})


def test_a_stop_that_never_fires_changes_nothing():
    run = gd.run(gd.himmelblau, gd.momentum(0.01), [0.0, 0.0], 30, stop=lambda *_: False)
    assert np.array_equal(run.theta, gd.run(gd.himmelblau, gd.momentum(0.01), [0.0, 0.0], 30).theta)
    assert run.stopped_at == -1


def test_stopping_at_the_start():
    run = gd.run(gd.quadratic([1.0]), gd.gradient_descent(0.1), [0.0], 30, stop=lambda t, theta, loss, g: loss == 0)
    assert run.t.tolist() == [0]


# -- divergence is a lesson, not an exception --------------------------------------------------------------------------


@pytest.mark.parametrize("every", [1, 13, 3000])
def test_a_divergent_run_ends_quietly_and_says_when_it_left(every, capfd):
    f, opt = gd.quadratic([1.0, 0.1]), gd.gradient_descent(gd.per_run([0.5, 2.5, 3.0]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run = gd.run(f, opt, [1.0, 1.0], 3000, every=every)
        _ = run.loss, run.grad_norm, run.distance
    with np.errstate(all="ignore"):
        x, left = np.ones(2), 0  # by hand, for the rate 3
        while np.isfinite(x).all():
            x, left = x - 3.0 * np.array([1.0, 0.1]) * x, left + 1
    assert run.diverged_at.tolist()[0] == -1
    assert run.diverged_at[2] == left
    assert 0 < run.diverged_at[2] < run.diverged_at[1]
    assert not np.isfinite(run.theta[-1, 1:]).all(axis=-1).any()
    assert capfd.readouterr() == ("", "")


# -- refused before the first step -------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize(
    ("lr", "sentence"),
    [
        (0, "lr must be a finite number above 0, and came as 0"),
        (-0.1, "lr must be a finite number above 0, and came as -0.1"),
        (np.nan, "lr must be a finite number above 0, and came as nan"),
        ("0.1", "lr must be a number, and came as '0.1'"),
        (True, "lr must be a number, and came as True"),
        (None, "lr must be a number, and came as None"),
        (np.array([0.1, 0.2]), r"lr came as an array of shape \(2,\), .* write gd.per_run\(lr\)"),
        ([0.1, 0.2], r"lr came as a list; for one value per run write gd.per_run\(lr\)"),
        (gd.per_run([0.1, -0.2]), "lr must be a finite number above 0, and came as -0.2 for one of its runs"),
        (lambda t: -1.0, "the schedule's rate at step 1, must be a finite number of at least 0, and came as -1"),
        (lambda t: 1 / (t - 1), "the schedule for lr stopped with ZeroDivisionError: division by zero at t = 1"),
    ],
)
def test_bad_rates(rule, lr, sentence):
    with pytest.raises(ValueError, match=sentence):
        rule(lr)


@pytest.mark.parametrize("beta", [1, -0.1, 1.5, np.nan])
def test_bad_momentum(beta):
    with pytest.raises(ValueError, match="beta must be a finite number of at least 0 and below 1, and came as"):
        gd.momentum(0.1, beta=beta)


@pytest.mark.parametrize("values", [0.1, [], "abc", None])
def test_bad_per_run(values):
    with pytest.raises(ValueError, match="per_run takes one number for each run"):
        gd.per_run(values)


BOWL, OPT = gd.quadratic([1.0, 2.0]), gd.gradient_descent(0.1)


@pytest.mark.parametrize(
    ("theta0", "sentence"),
    [
        ([1.0, 2.0, 3.0], r"this quadratic has 2 coordinates, and theta came with shape \(3,\)"),
        ([], "theta0 must be d numbers"),
        (1.0, "theta0 must be d numbers"),
        (["a", "b"], "theta0 must be d numbers"),
        ([[1.0], [1.0, 2.0]], "theta0 must be d numbers"),
        ([1.0, np.nan], "theta0 must be finite"),
    ],
)
def test_bad_starts(theta0, sentence):
    with pytest.raises(ValueError, match=sentence):
        gd.run(BOWL, OPT, theta0, 10)


@pytest.mark.parametrize("steps", [-1, 2.5, "10", None, True])
def test_bad_steps(steps):
    with pytest.raises(ValueError, match="steps must be a whole number of at least 0, and came as"):
        gd.run(BOWL, OPT, [1.0, 1.0], steps)


@pytest.mark.parametrize("every", [0, 1.5])
def test_bad_every(every):
    with pytest.raises(ValueError, match="every must be a whole number of at least 1, and came as"):
        gd.run(BOWL, OPT, [1.0, 1.0], 10, every=every)


def test_a_rule_that_was_not_called():
    with pytest.raises(TypeError, match=r"call it first, as in gd.momentum\(lr=0.1\)"):
        gd.run(BOWL, gd.momentum, [1.0, 1.0], 10)


def test_what_is_no_rule():
    with pytest.raises(TypeError, match="must be an optimizer such as"):
        gd.run(BOWL, 0.1, [1.0, 1.0], 10)


def test_what_is_no_objective():
    with pytest.raises(TypeError, match="make one with gd.Objective"):
        gd.run(lambda theta: theta @ theta, OPT, [1.0, 1.0], 10)


def test_what_is_no_stop():
    with pytest.raises(TypeError, match="stop must be a function"):
        gd.run(BOWL, OPT, [1.0, 1.0], 10, stop=1e-3)


def test_runs_that_do_not_fit_together():
    with pytest.raises(ValueError, match="the runs don't fit together"):
        gd.run(BOWL, gd.gradient_descent(gd.per_run([0.1, 0.2, 0.3])), np.ones((2, 2)), 10)


def in_place(theta):
    theta -= 1.0
    return theta


@pytest.mark.parametrize(
    ("grad", "sentence"),
    [
        (lambda theta: theta.sum(), r"must have theta's shape \(2,\), and came with shape \(\)"),
        (lambda theta: None, "the gradient of mine gave None: did it forget to return"),
        (in_place, "the gradient of mine changed theta in place"),
        (lambda theta: ["up", "down"], "must give numbers of theta's shape"),
        (lambda theta: theta[2], "the gradient of mine stopped at theta0 with IndexError"),
    ],
)
def test_a_learners_gradient_is_tried_first(grad, sentence):
    mine = gd.Objective("mine", lambda theta: (theta**2).sum(axis=-1), grad)
    with pytest.raises(ValueError, match=sentence):
        gd.run(mine, OPT, [1.0, 1.0], 10)
