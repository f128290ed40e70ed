"""The rules and the loop: closed forms, sweeps, the record, divergence, and what is refused before the first step."""
import functools
import sys
import tracemalloc
import warnings
from dataclasses import replace
from itertools import islice

import numpy as np
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gdlib as gd
from gdlib.rules.rule import POSITIVE, rule
from tests.rules import MAKERS

RULES = {"gradient_descent": gd.gradient_descent, "momentum": gd.momentum}
BOWL, OPT = gd.quadratic([1.0, 2.0]), gd.gradient_descent(0.1)

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

    opt = gd.gradient_descent(rate)
    assert asked == [1]  # to check it, as soon as the rule is made
    run = gd.run(gd.quadratic([1.0]), opt, [1.0], 3)
    assert asked[-3:] == [1, 2, 3]  # once a step
    assert set(asked[:-3]) == {1, 3}  # and before the first step at both ends
    assert run.theta[:, 0].tolist() == [1, 0.5, 0.5, 0.5]


@given(lam=st.floats(0.5, 5), share=st.floats(0.05, 0.95), beta=st.floats(0.3, 0.95))
def test_nesterov_shrinks_by_the_root_of_beta_times_one_minus_rate_times_curvature(lam, share, beta):
    """θ(t+1) = (1 − ηλ)((1 + β) θ(t) − β θ(t−1)): the product of the roots is β(1 − ηλ), where heavy ball has β."""
    x = gd.run(gd.quadratic([lam]), gd.nesterov(share / lam, beta), [1.0], 12).theta[:, 0]
    np.testing.assert_allclose(x[2:], (1 - share) * ((1 + beta) * x[1:-1] - beta * x[:-2]), atol=1e-12)
    casorati = x[:-2] * x[2:] - x[1:-1] ** 2
    np.testing.assert_allclose(casorati[1:4] / casorati[:3], beta * (1 - share), rtol=1e-6)


def test_tuned_nesterov_at_condition_number_100():
    """η = 1/L and β = (√κ − 1)/(√κ + 1): a double root at 1 − 1/√κ in the flattest direction."""
    run = gd.run(gd.quadratic([1.0, 100.0]), gd.nesterov(1 / 100, 9 / 11), [1.0, 1.0], 200)
    k = np.arange(201)
    np.testing.assert_allclose(run.theta[:, 0], 0.9**k * (1 + k / 10), atol=1e-12)


def test_down_an_even_slope_momentum_ends_at_the_rate_over_one_minus_beta():
    slope = gd.Objective("slope", lambda x: x[..., 0], np.ones_like)
    x = gd.run(slope, gd.momentum(0.1, 0.9), [0.0], 300).theta[:, 0]
    np.testing.assert_allclose(np.diff(x), -0.1 / (1 - 0.9) * (1 - 0.9 ** np.arange(1, 301)), rtol=1e-10)


@given(g=st.floats(0.01, 100), beta1=st.floats(0, 0.99), beta2=st.floats(0, 0.999))
def test_down_an_even_slope_every_step_of_adam_is_the_rate(g, beta1, beta2):
    slope = gd.Objective("slope", lambda x: g * x[..., 0], lambda x: np.full_like(x, g))
    for make in (gd.adam, gd.amsgrad):
        x = gd.run(slope, make(0.1, beta1, beta2), [0.0], 30).theta[:, 0]
        np.testing.assert_allclose(np.diff(x), -0.1, rtol=1e-5)


@pytest.mark.parametrize("make", [gd.adagrad, gd.rmsprop, gd.adam, gd.amsgrad], ids=lambda make: make.__name__)
def test_adaptive_rules_do_not_feel_the_scale_of_the_loss(make):
    def scaled(c):
        return gd.Objective("scaled", lambda x: c * gd.himmelblau(x), lambda x: c * gd.himmelblau.grad(x))

    small, large = (gd.run(scaled(c), make(0.01, eps=1e-300), [0.5, -0.5], 100).theta for c in (1.0, 2.0**20))
    np.testing.assert_allclose(large, small, rtol=1e-12)


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
    monkeypatch.setattr(gd.sweep, "CHUNK", 32)
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
    with pytest.raises(ValueError, match="monkey_saddle must have a known minimum for a distance; got none"):
        _ = gd.run(gd.monkey_saddle, gd.gradient_descent(0.01), [0.1, 0.1], 3).distance


def test_the_start_is_not_touched():
    start = np.array([1.0, 1.0])
    run = gd.run(gd.rosenbrock, gd.momentum(1e-3), start, 5)
    assert start.tolist() == [1, 1]
    run.theta[0] = 9
    assert start.tolist() == [1, 1]


def test_iterate_is_the_loop():
    f = gd.rosenbrock
    points = [theta for _, theta, _ in gd.iterate(gd.momentum(1e-3), [-1.2, 1.0], [f.grad] * 5)]
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


# -- resume ------------------------------------------------------------------------------------------------------------

DATA = np.random.default_rng(8)
X, LABELS = DATA.normal(size=(20, 3)), np.arange(20) % 3
LINE, NETWORK = gd.LeastSquares(X, DATA.normal(size=20)), gd.MLP(X, LABELS, (4,))
every_rule = pytest.mark.parametrize("rule", MAKERS.values(), ids=MAKERS)


def rates(sweep, schedule):
    lr = gd.per_run(np.geomspace(0.001, 0.01, 3)) if sweep else 0.005
    return gd.warmup(gd.cosine(lr, 60), 7) if schedule else lr


def same(state, other):
    """Two states of a rule, None, an array or a tuple of arrays, bit for bit."""
    return all(map(same, state, other)) if isinstance(state, tuple) else np.array_equal(state, other)


def check_resume(f, opt, start, oracle=lambda: None, steps=60, at=(1, 23, 40)):
    """A run stopped at each of these steps and resumed, and one resumed again and again: the bits of the whole run."""
    whole = gd.run(f, opt, start, steps, oracle=oracle())
    for first in at:
        source = oracle()
        early = gd.run(f, opt, start, first, oracle=source)
        late = gd.run(f, opt, None, steps - first, oracle=source, resume=early)
        assert late.t.tolist() == list(range(first, steps + 1))
        assert np.array_equal(early.theta, whole.theta[: first + 1])
        assert np.array_equal(late.theta, whole.theta[first:])
        assert same(late.state, whole.state)
    source = oracle()
    run = gd.run(f, opt, start, 0, oracle=source)
    for first, last in zip([0, *at], [*at, steps], strict=True):
        run = gd.run(f, opt, None, last - first, oracle=source, resume=run, every=7)
    assert np.array_equal(run.theta[-1], whole.theta[-1])


@every_rule
@pytest.mark.parametrize("sweep", [False, True], ids=["one run", "sweep"])
@pytest.mark.parametrize("schedule", [False, True], ids=["number", "schedule"])
def test_a_resumed_run_is_the_uninterrupted_one_bit_for_bit(rule, sweep, schedule):
    opt = rule(rates(sweep, schedule))
    check_resume(gd.himmelblau, opt, [0.0, 0.0])
    check_resume(NETWORK, opt, np.random.default_rng(0).normal(size=(3, NETWORK.dim) if sweep else NETWORK.dim))


def generator_or_one_each(each):
    return [np.random.default_rng(i) for i in range(3)] if each else np.random.default_rng(0)


@every_rule
@pytest.mark.parametrize("sweep", [False, True], ids=["one run", "sweep"])
@pytest.mark.parametrize(
    "oracle",
    [lambda g: gd.minibatches(LINE, 6, g), lambda g: gd.noisy(LINE, 0.3, g), lambda g: gd.delayed(LINE, 4),
     lambda g: gd.clipped(gd.accumulated(gd.minibatches(LINE, 3, g, replace=True), 2), norm=0.5)],
    ids=["minibatches", "noisy", "delayed", "stacked"],
)
def test_a_run_resumed_with_the_same_oracle_goes_on_in_its_randomness(rule, sweep, oracle):
    check_resume(LINE, rule(rates(sweep, schedule=True)), np.ones(4), lambda: oracle(generator_or_one_each(sweep)))


@every_rule
def test_a_run_goes_on_after_stop(rule):
    opt = rule(rates(sweep=False, schedule=True))

    def oracle():
        return gd.minibatches(LINE, 6, np.random.default_rng(0))

    whole, source = gd.run(LINE, opt, np.ones(4), 60, oracle=oracle()), oracle()
    early = gd.run(LINE, opt, np.ones(4), 60, oracle=source, stop=lambda t, *_: t == 17)
    assert early.stopped_at == early.t[-1] == 17
    late = gd.run(LINE, opt, None, 43, oracle=source, resume=early)
    assert late.stopped_at == -1
    assert np.array_equal(late.theta, whole.theta[17:])


def test_a_sweep_whose_runs_stopped_together_goes_on():
    opt = gd.adam(gd.per_run([0.01, 0.02]))
    whole = gd.run(gd.himmelblau, opt, [0.0, 0.0], 30)
    early = gd.run(gd.himmelblau, opt, [0.0, 0.0], 30, stop=lambda t, *_: [t == 9, t == 9])
    assert np.array_equal(gd.run(gd.himmelblau, opt, None, 21, resume=early).theta, whole.theta[9:])


@pytest.mark.parametrize("rule", [gd.gradient_descent, gd.momentum, gd.adam, gd.amsgrad], ids=lambda r: r.__name__)
def test_a_sweep_taken_in_chunks_goes_on(rule, monkeypatch):
    starts, opt = np.random.default_rng(0).normal(size=(5, 20, 2)), rule(gd.per_run(np.geomspace(1e-3, 0.1, 20)))
    whole = gd.run(gd.himmelblau, opt, starts, 30)
    monkeypatch.setattr(gd.sweep, "CHUNK", 32)
    early = gd.run(gd.himmelblau, opt, starts, 11)
    late = gd.run(gd.himmelblau, opt, None, 19, resume=early)
    assert np.array_equal(late.theta, whole.theta[11:], equal_nan=True)
    assert np.array_equal(late.diverged_at, whole.diverged_at)


@pytest.mark.parametrize("model", [LINE, NETWORK], ids=["least squares", "network"])
def test_a_large_sweep_of_a_model_goes_on(model, monkeypatch):
    """The rounding of a matrix product depends on how many runs it holds: no chunks here."""
    monkeypatch.setattr(gd.sweep, "CHUNK", 1)
    check_resume(model, gd.adam(0.01), np.random.default_rng(0).normal(size=(50, model.dim)), steps=30, at=(11, 20))


@given(first=st.integers(0, 12), more=st.integers(0, 12), every=st.integers(1, 9))
@settings(max_examples=40)
def test_a_resumed_run_keeps_its_first_and_last_and_each_every_th_between(first, more, every):
    early = gd.run(BOWL, OPT, [1.0, 1.0], first, every=every)
    late = gd.run(BOWL, OPT, None, more, resume=early, every=every)
    assert late.t.tolist() == sorted({*range(first, first + more + 1, every), first + more})
    assert np.array_equal(late.theta, gd.run(BOWL, OPT, [1.0, 1.0], first + more).theta[late.t])


def test_a_resumed_run_remembers_when_it_diverged():
    f, opt = gd.quadratic([1.0]), gd.gradient_descent(gd.per_run([0.5, 3.0, 2.1]))
    whole = gd.run(f, opt, [1.0], 9000, every=9000)
    early = gd.run(f, opt, [1.0], 2000)
    late = gd.run(f, opt, None, 7000, resume=early)
    assert early.diverged_at[1] > 0 > early.diverged_at[2]
    assert late.diverged_at.tolist() == whole.diverged_at.tolist()


def test_the_schedule_goes_on_where_the_run_ended():
    asked = []
    opt = gd.gradient_descent(lambda t: asked.append(t) or 0.1)
    early = gd.run(BOWL, opt, [1.0, 1.0], 5)
    asked.clear()
    gd.run(BOWL, opt, None, 3, resume=early)
    assert asked == [8, 6, 7, 8]  # the last one first, to check it
    with pytest.raises(ValueError, match=r"lr\(8\), what the schedule gives for step 8, .*; got -0.1"):
        gd.run(BOWL, gd.gradient_descent(lambda t: 0.7 - t / 10), None, 3, resume=early)


def test_resuming_leaves_the_earlier_record_alone():
    early = gd.run(BOWL, gd.momentum(0.1), [1.0, 1.0], 5)
    theta, state = early.theta.copy(), early.state.copy()
    gd.run(BOWL, gd.momentum(0.1), None, 5, resume=early)
    assert np.array_equal(early.theta, theta)
    assert np.array_equal(early.state, state)


def test_iterate_goes_on_too():
    early = gd.run(BOWL, gd.adam(0.1), [1.0, 1.0], 5)
    steps = [t for t, _, _ in gd.iterate(early.opt, None, [BOWL.grad] * 3, resume=early)]
    assert steps == [5, 6, 7, 8]


def stopped_apart():
    opt = gd.gradient_descent(gd.per_run([0.1, 0.5]))
    return gd.run(BOWL, opt, [1.0, 1.0], 20, stop=lambda t, theta, loss, g: loss < 0.1)


@pytest.mark.parametrize(
    ("opt", "theta0", "resume", "error", "sentence"),
    [
        (gd.adam(0.1), None, lambda: gd.run(BOWL, OPT, [1.0, 1.0], 5), ValueError,
         "opt must be gradient_descent, which made the run to resume; got adam"),
        (OPT, [1.0, 1.0], lambda: gd.run(BOWL, OPT, [1.0, 1.0], 5), ValueError,
         "theta0 must be None with resume, which starts where the earlier run ended; got"),
        (OPT, None, stopped_apart, ValueError,
         "resume must be a sweep whose runs all stopped at one step; got .* Resume them one by one"),
        (OPT, None, lambda: np.ones(2), TypeError, "resume must be a Run, as gd.run returns it; got array"),
        (OPT, None, lambda: True, TypeError, "resume must be a Run, as gd.run returns it; got True"),
        (gd.gradient_descent(gd.per_run([0.1, 0.2])), None, lambda: gd.run(BOWL, OPT, [1.0, 1.0], 5), ValueError,
         r"theta must keep its shape \(2,\); got \(2, 2\) after a step"),
    ],
    ids=["another rule", "a start as well", "stopped apart", "no run", "no run either", "other runs"],
)
def test_what_cannot_be_resumed(opt, theta0, resume, error, sentence):
    with pytest.raises(error, match=sentence):
        gd.run(BOWL, opt, theta0, 5, resume=resume())


def test_another_problem_cannot_be_resumed():
    early = gd.run(gd.quadratic([1.0, 2.0, 3.0]), OPT, np.ones(3), 5)
    with pytest.raises(ValueError, match="theta must have 2 coordinates on its last axis; got"):
        gd.run(BOWL, OPT, None, 5, resume=early)


def test_no_start_and_nothing_to_resume():
    with pytest.raises(ValueError, match="theta0 must be d numbers such as .*; got None"):
        gd.run(BOWL, OPT, None, 5)


# -- progress ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [{}, {"every": 3}, {"stop": lambda t, *_: t == 5}], ids=["", "every", "stop"])
def test_progress_shows_a_bar_and_changes_nothing(arguments, capfd):
    quiet = gd.run(gd.himmelblau, gd.adam(0.1), [0.0, 0.0], 10, **arguments)
    assert capfd.readouterr() == ("", "")
    told = gd.run(gd.himmelblau, gd.adam(0.1), [0.0, 0.0], 10, progress=True, **arguments)
    out, err = capfd.readouterr()
    assert out == ""
    assert "step" in err
    assert "%|" in err
    assert np.array_equal(told.theta, quiet.theta)
    assert told.t.tolist() == quiet.t.tolist()


def test_progress_of_a_resumed_run_and_of_an_oracle(capfd):
    early = gd.run(LINE, gd.adam(0.1), np.zeros(4), 5, oracle=gd.full(LINE), progress=True)
    late = gd.run(LINE, gd.adam(0.1), None, 5, resume=early, progress=True)
    assert np.array_equal(late.theta[-1], gd.run(LINE, gd.adam(0.1), np.zeros(4), 10).theta[-1])
    assert capfd.readouterr().err.count("0%|") == 2


# -- memory ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def free(monkeypatch, tmp_path):
    """Pretend that so many GiB are free, in no container."""
    monkeypatch.setattr(gd.checks, "CONTAINER", tmp_path / "none")

    def set_free(gib):
        monkeypatch.setattr(psutil, "virtual_memory", lambda: type("svmem", (), {"available": int(gib * 2**30)})())

    return set_free


def test_a_containers_limit_counts(free, monkeypatch, tmp_path):
    free(100)
    monkeypatch.setattr(gd.checks, "CONTAINER", tmp_path)
    assert gd.checks.free_memory() == 100 * 2**30  # no container
    (tmp_path / "memory.current").write_text("1000\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert gd.checks.free_memory() == 100 * 2**30  # a container without a limit
    (tmp_path / "memory.max").write_text("5000\n")
    assert gd.checks.free_memory() == 4000


def watched(asked):
    return gd.Objective("watched", lambda x: (x**2).sum(-1), lambda x: asked.append(x.shape) or 2 * x)


def test_a_record_that_cannot_fit_is_refused_before_anything_is_computed(free):
    free(4)
    asked = []
    with pytest.raises(MemoryError, match=r"the 4\.0 GiB of free memory; got 7\.5 GiB \(7\.5 for the record of "
                                          r"1000002 points, 0\.0 for a gradient .*\)\. Keep fewer points with every=…"):
        gd.run(watched(asked), gd.gradient_descent(gd.per_run(np.full(100, 0.1))), np.ones(10), 1_000_000)
    assert not asked


def test_what_was_refused_fits_with_every(free):
    free(4)
    run = gd.run(watched([]), gd.gradient_descent(gd.per_run(np.full(100, 0.1))), np.ones(10), 1000, every=1000)
    assert run.theta.shape == (2, 100, 10)


BIG = gd.MLP(np.ones((40_000, 3)), np.arange(40_000) % 3, (4,))  # 0.4 GiB for a gradient of 100 runs
BIG_SWEEP = gd.gradient_descent(gd.per_run(np.full(100, 0.1)))


def test_a_sweep_of_a_model_that_cannot_fit_is_refused(free):
    free(0.3)
    with pytest.raises(MemoryError, match=r"0\.3 GiB of free memory; got 0\.4 GiB .* 0\.4 for a gradient of all"):
        gd.run(BIG, BIG_SWEEP, np.zeros(BIG.dim), 1)


def test_with_minibatches_the_whole_gradient_need_not_fit_unless_stop_asks_for_it(free):
    free(0.3)
    oracle = gd.minibatches(BIG, 4, np.random.default_rng(0))
    tracemalloc.start()
    run = gd.run(BIG, BIG_SWEEP, np.zeros(BIG.dim), 3, oracle=oracle)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert run.theta.shape == (4, 100, BIG.dim)
    assert peak < 10 * 2**20
    with pytest.raises(MemoryError, match="for a gradient of all runs"):
        gd.run(BIG, BIG_SWEEP, np.zeros(BIG.dim), 1, oracle=oracle, stop=lambda *_: False)


def test_a_small_run_does_not_ask_how_much_is_free(monkeypatch):
    monkeypatch.setitem(sys.modules, "psutil", None)  # importing it would fail
    gd.run(gd.himmelblau, gd.adam(0.1), [0.0, 0.0], 1000)


def test_a_sweep_in_chunks_holds_its_record_once():
    starts = np.random.default_rng(0).normal(size=(40_000, 2))
    tracemalloc.start()
    run = gd.run(gd.himmelblau, gd.gradient_descent(0.001), starts, 60)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(starts) * 2 >= 2 * gd.sweep.CHUNK  # it was taken in chunks
    assert peak < 1.3 * run.theta.nbytes


@pytest.mark.parametrize("model", [LINE, NETWORK], ids=["least squares", "network"])
def test_the_loss_of_many_points_is_taken_in_blocks(model, monkeypatch):
    start = np.random.default_rng(0).normal(size=(3, model.dim))
    opt = gd.gradient_descent(gd.per_run([0.01, 0.02, 0.03]))
    whole, blocks = (gd.run(model, opt, start, 40) for _ in range(2))
    held = []
    monkeypatch.setattr(gd.record, "BLOCK", 5 * model.n * model.width)
    monkeypatch.setattr(type(model), "__call__", watch(held, type(model).__call__))
    monkeypatch.setattr(type(model), "grad", watch(held, type(model).grad))
    in_blocks = blocks.loss, blocks.grad_norm
    assert max(held) == 5  # points of single runs at a time
    monkeypatch.undo()
    np.testing.assert_allclose(in_blocks[0], whole.loss, rtol=1e-13)
    np.testing.assert_allclose(in_blocks[1], whole.grad_norm, rtol=1e-12)
    assert in_blocks[0].shape == (41, 3)


def watch(held, method):
    def watched(self, theta, *rest):
        held.append(theta[..., 0].size)
        return method(self, theta, *rest)

    return watched


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
        (0, "lr must be a finite number above 0; got 0"),
        (-0.1, "lr must be a finite number above 0; got -0.1"),
        (np.nan, "lr must be a finite number above 0; got nan"),
        ("0.1", "lr must be a number; got '0.1'"),
        (True, "lr must be a number; got True"),
        (None, "lr must be a number; got None"),
        (np.array([0.1, 0.2]), r"lr must be a number; got an array of shape \(2,\), .* write gd.per_run\(lr\)"),
        ([0.1, 0.2], r"lr must be a number; got a list. For one value per run write gd.per_run\(lr\)"),
        (gd.per_run([0.1, -0.2]), "lr must be a finite number above 0; got -0.2 for one of its runs"),
        (lambda t: -1.0, "what the schedule gives for step 1, must be a finite number of at least 0; got -1"),
        (lambda t: 1 / (t - 1), "schedule for lr must take a step t .*; got ZeroDivisionError: .* at t = 1"),
    ],
)
def test_bad_rates(rule, lr, sentence):
    with pytest.raises(ValueError, match=sentence):
        rule(lr)


@pytest.mark.parametrize("beta", [1, -0.1, 1.5, np.nan])
def test_bad_momentum(beta):
    with pytest.raises(ValueError, match="beta must be a finite number of at least 0 and below 1; got"):
        gd.momentum(0.1, beta=beta)


@pytest.mark.parametrize("values", [0.1, [], "abc", None])
def test_bad_per_run(values):
    with pytest.raises(ValueError, match="values must be one number for each run"):
        gd.per_run(values)


@pytest.mark.parametrize(
    ("theta0", "sentence"),
    [
        ([1.0, 2.0, 3.0], r"theta must have 2 coordinates on its last axis; got shape \(3,\)"),
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
    with pytest.raises(ValueError, match="steps must be a whole number of at least 0; got"):
        gd.run(BOWL, OPT, [1.0, 1.0], steps)


@pytest.mark.parametrize("every", [0, 1.5])
def test_bad_every(every):
    with pytest.raises(ValueError, match="every must be a whole number of at least 1; got"):
        gd.run(BOWL, OPT, [1.0, 1.0], 10, every=every)


def test_a_rule_that_was_not_called():
    with pytest.raises(TypeError, match=r"got the function momentum itself. Call it, as in gd.momentum\(lr=0.1\)"):
        gd.run(BOWL, gd.momentum, [1.0, 1.0], 10)


def test_what_is_no_rule():
    with pytest.raises(TypeError, match="opt must be a rule such as"):
        gd.run(BOWL, 0.1, [1.0, 1.0], 10)


def test_what_is_no_objective():
    with pytest.raises(TypeError, match="f must have a value .*; got .* Make one with gd.Objective"):
        gd.run(lambda theta: theta @ theta, OPT, [1.0, 1.0], 10)


def test_what_is_no_stop():
    with pytest.raises(TypeError, match="stop must be a function"):
        gd.run(BOWL, OPT, [1.0, 1.0], 10, stop=1e-3)


def test_runs_that_do_not_fit_together():
    with pytest.raises(ValueError, match="theta0 and per_run values must have one shape of runs"):
        gd.run(BOWL, gd.gradient_descent(gd.per_run([0.1, 0.2, 0.3])), np.ones((2, 2)), 10)


def in_place(theta):
    theta -= 1.0
    return theta


@pytest.mark.parametrize(
    ("grad", "sentence"),
    [
        (lambda theta: theta.sum(), r"must have theta's shape \(2,\); got shape \(\)"),
        (lambda theta: None, "the gradient of mine must be a number or an array; got None. Does the function return"),
        (in_place, "the gradient of mine must leave theta as it is; got a change in place"),
        (lambda theta: ["up", "down"], "must be numbers of theta's shape"),
        (lambda theta: theta[2], "the gradient of mine must be computable at theta0; got IndexError"),
    ],
)
def test_a_learners_gradient_is_tried_first(grad, sentence):
    mine = gd.Objective("mine", lambda theta: (theta**2).sum(axis=-1), grad)
    with pytest.raises(ValueError, match=sentence):
        gd.run(mine, OPT, [1.0, 1.0], 10)


# -- a learner's function, tried on several points ---------------------------------------------------------------------


def good_grad(theta):
    return theta * np.array([2.0, 20.0, 6.0, 8.0][: theta.shape[-1]])


def good_value(theta):
    return (theta**2 * np.array([1.0, 10.0, 3.0, 4.0][: theta.shape[-1]])).sum(axis=-1)


def value_in_place(theta):
    theta *= theta
    return theta.sum(axis=-1)


VALUES = {
    "the first axis for the last": (lambda th: th[0] ** 2 + 10 * th[1] ** 2, r"3 points must give shape \(3,\); got"),
    "the sum of everything": (lambda th: (th**2).sum(), r"got shape \(\). Index the last axis, .* sum with axis=-1"),
    "a float of everything": (lambda th: float((th**2).sum()), r"got shape \(\)"),
    "the sum over the points": (lambda th: (th**2).sum(axis=0), r"must be one number for one point|got shape \(2,\)"),
    "one number too many": (lambda th: (th**2).sum(axis=-1, keepdims=True), r"one number for one point; got shape"),
    "divided by all": (lambda th: (th**2).sum(axis=-1) / (th**2).sum(), "got other numbers than for each point alone"),
    "compared with all": (lambda th: (th**2).sum(axis=-1) - th.max(), "got other numbers than for each point alone"),
    "in place": (value_in_place, "the value of mine must leave theta as it is; got a change in place"),
    "nothing": (lambda th: None, "the value of mine must be a number or an array; got None. Does the function return"),
    "dots": (lambda th: ..., "the value of mine must be one number for one point; got Ellipsis"),
    "an error": (lambda th: th.no_such_thing, "the value of mine must be computable at theta0; got AttributeError"),
}


@pytest.mark.parametrize(("value", "sentence"), VALUES.values(), ids=VALUES)
@pytest.mark.parametrize("steps", [0, 1, 2, 1000])
def test_a_learners_value_is_tried_on_several_points_first(value, sentence, steps):
    with pytest.raises(ValueError, match=sentence):
        gd.run(gd.Objective("mine", value, good_grad), gd.gradient_descent(0.01), [1.0, 1.0], steps, every=1000)


@pytest.mark.parametrize("d", [1, 2, 3, 4])
def test_no_dimension_hides_the_first_axis_taken_for_the_last(d):
    def value(th):
        return sum(th[i] ** 2 for i in range(d))

    def grad(th):
        return np.array([2 * th[i] for i in range(d)])

    mine = gd.Objective("mine", value, lambda th: 2 * th)
    for start in (np.ones(d), np.ones((d, d))):
        with pytest.raises(ValueError, match=r"the value of mine must be computed for each point"):
            gd.run(mine, OPT, start, 3)
    mine = gd.Objective("mine", lambda th: (th**2).sum(axis=-1), grad)
    for start in (np.ones(d), np.ones((5, d))):
        with pytest.raises(ValueError, match=r"the gradient of mine must be computed for each point"):
            gd.run(mine, OPT, start, 3)


@pytest.mark.parametrize(
    "value",
    [lambda th: th.reshape(2) @ np.ones(2), lambda th: th @ th, lambda th: np.dot(th, [[2.0, 0], [0, 1]]) @ th,
     lambda th: float(th[0]) ** 2 + float(th[1])],
    ids=["reshape", "dot", "form", "float"],
)
def test_a_value_that_takes_one_point_at_a_time_is_asked_point_by_point(value):
    """Whatever it answers to 2 points of 2 coordinates, as `form` does."""
    mine = gd.Objective("mine", value, good_grad)
    for steps in (0, 1, 2, 7):
        run = gd.run(mine, gd.gradient_descent(0.01), [1.0, 2.0], steps)
        assert run.loss.tolist() == [value(point) for point in run.theta]
    sweep = gd.run(mine, gd.gradient_descent(gd.per_run([0.01, 0.02])), [1.0, 2.0], 1)
    assert sweep.loss.tolist() == [[value(point) for point in points] for points in sweep.theta]


def test_a_gradient_that_takes_one_point_at_a_time_makes_single_runs_only():
    A = np.array([[2.0, 1.0], [1.0, 2.0]])
    mine = gd.Objective("mine", lambda th: th @ A @ th / 2, lambda th: A @ th)
    run = gd.run(mine, OPT, [1.0, 1.0], 6)
    np.testing.assert_allclose(run.grad_norm, [np.linalg.norm(A @ point) for point in run.theta])
    for runs in (2, 3):  # with 2 runs of 2 coordinates A @ theta has the right shape
        with pytest.raises(ValueError, match=r"gradient of mine must be computed for each run of a sweep, theta of"):
            gd.run(mine, gd.gradient_descent(gd.per_run(np.linspace(0.1, 0.2, runs))), [1.0, 1.0], 6)


def test_a_gradient_that_mixes_the_runs_is_refused():
    mine = gd.Objective("mine", good_value, lambda th: good_grad(th) / np.linalg.norm(th))
    with pytest.raises(ValueError, match="the gradient of mine .* got other numbers than for each point alone"):
        gd.run(mine, OPT, [[1.0, 1.0], [2.0, 2.0]], 3)


def test_a_function_that_draws_random_numbers_can_not_be_compared_and_runs():
    rng = np.random.default_rng(0)
    mine = gd.Objective("mine", good_value, lambda th: good_grad(th) + rng.normal(size=th.shape))
    assert gd.run(mine, OPT, [1.0, 1.0], 5).theta.shape == (6, 2)


def test_a_float32_gradient_is_not_taken_for_another():
    mine = gd.Objective("mine", good_value, lambda th: good_grad(th.astype(np.float32)).astype(np.float32))
    assert gd.run(mine, gd.gradient_descent(0.01), [[1.0, 1.0], [1e6, -3e-5]], 5).theta.shape == (6, 2, 2)


def test_the_librarys_own_functions_are_not_tried_again(monkeypatch):
    def tried(*_):
        raise AssertionError

    monkeypatch.setattr(gd.checks, "fails_on_several", tried)
    for f in (gd.rosenbrock, BOWL, LINE, NETWORK):
        gd.run(f, OPT, np.zeros(getattr(f, "dim", 2)), 2)
    with pytest.raises(AssertionError):
        gd.run(gd.Objective("copy", BOWL.value, BOWL.grad), OPT, [0.0, 0.0], 2)


class Scaled(gd.LeastSquares):
    """A learner's model, whose value is over all points together."""

    asked = 0

    def __call__(self, theta, rows=slice(None)):
        self.asked += len(self.y[rows])
        return np.mean(super().__call__(theta, rows))


def test_a_learners_model_is_tried_over_one_row():
    model = Scaled(X, DATA.normal(size=20))
    with pytest.raises(ValueError, match=r"the value of least squares must be computed for each point: .* shape \(\)"):
        gd.run(model, OPT, np.zeros(4), 5)
    assert model.asked <= 3


def test_an_objective_says_what_is_wrong_wherever_it_is_asked():
    mine = gd.Objective("mine", lambda th: th[0] ** 2 + th[1] ** 2, good_grad)
    assert mine([3, 4]) == 25
    with pytest.raises(ValueError, match=r"theta of shape \(5, 7, 2\) must give shape \(5, 7\); got shape \(7, 2\)"):
        mine(np.zeros((5, 7, 2)))


def test_stop_sees_each_runs_loss_and_may_do_with_it_what_it_likes():
    A, seen = np.diag([2.0, 1.0]), []

    def stop(t, theta, loss, gradient):
        seen.append(np.copy(loss))
        theta *= 0
        gradient *= 0
        return loss < 0.5

    mine = gd.Objective("mine", lambda th: th @ A @ th, lambda th: 2 * th @ A)
    sweep = gd.run(mine, gd.gradient_descent(gd.per_run([0.1, 0.2])), [1.0, 1.0], 9, stop=stop)
    free = gd.run(mine, gd.gradient_descent(gd.per_run([0.1, 0.2])), [1.0, 1.0], 9)
    assert np.array_equal(seen[0], free.loss[0])
    assert np.array_equal(seen[1], free.loss[1])
    assert sweep.stopped_at.tolist() == (free.loss < 0.5).argmax(axis=0).tolist()


@pytest.mark.parametrize("start", [[1.0, 1.0], [[1.0, 1.0]] * 3])
def test_a_stop_for_each_coordinate_is_refused(start):
    with pytest.raises(ValueError, match="stop must give True or False, .*; got shape .*2.*. Take all coordinates"):
        gd.run(BOWL, OPT, start, 9, stop=lambda t, theta, loss, gradient: np.abs(gradient) < 1e-3)


# -- whatever ends a run hands back what it had ------------------------------------------------------------------------


def check_handed_back(error, steps, f, opt, start, oracle=None):
    """The record up to that step, and the whole run when it is resumed."""
    whole = gd.run(f, opt, start, steps + 3, oracle=oracle and oracle())
    assert error.run.t.tolist() == list(range(steps + 1))
    assert np.array_equal(error.run.theta, whole.theta[: steps + 1])
    assert any("in this error's .run" in note for note in error.__notes__)
    rest = oracle and oracle()
    for _ in range(steps if rest else 0):
        next(rest)
    late = gd.run(f, opt, None, 3, oracle=rest, resume=error.run)
    assert np.array_equal(late.theta, whole.theta[steps:])


@pytest.mark.parametrize("every", [1, 4])
def test_an_oracle_that_gives_out_is_told_and_loses_nothing(every):
    def oracle():
        return gd.minibatches(LINE, 4, np.random.default_rng(0))

    with pytest.raises(ValueError, match="oracle must give one gradient for each of the 100 steps; got 10") as raised:
        gd.run(LINE, gd.adam(0.01), np.zeros(4), 100, oracle=islice(oracle(), 10), every=every)
    if every == 1:
        check_handed_back(raised.value, 10, LINE, gd.adam(0.01), np.zeros(4), oracle)
    assert raised.value.run.t.tolist() == sorted({*range(0, 11, every), 10})


def test_an_oracle_that_is_just_long_enough_or_stopped_before_its_end():
    grads = [BOWL.grad] * 10
    assert gd.run(BOWL, OPT, [1.0, 1.0], 10, oracle=iter(grads)).t[-1] == 10
    assert gd.run(BOWL, OPT, [1.0, 1.0], 0, oracle=iter([])).t[-1] == 0
    assert gd.run(BOWL, OPT, [1.0, 1.0], 100, oracle=iter(grads), stop=lambda t, *_: t == 10).t[-1] == 10
    with pytest.raises(ValueError, match="each of the 1 steps; got 0"):
        gd.run(BOWL, OPT, [1.0, 1.0], 1, oracle=iter([]))


@pytest.mark.parametrize("rule", [gd.gradient_descent, gd.adam, gd.adamw, gd.lion], ids=lambda r: r.__name__)
@pytest.mark.parametrize("bad", [-1.0, -1, np.nan, np.inf, "fast", None, gd.per_run([0.1, -1.0]), np.array([0.1, 0.2])])
def test_a_schedule_that_goes_wrong_on_the_way_is_told_and_loses_nothing(rule, bad):
    def schedule(t):
        return bad if t == 5 else 0.01

    with pytest.raises(ValueError, match=r"lr\(5\), what the schedule gives for step 5, ") as raised:
        gd.run(BOWL, rule(schedule), [1.0, 1.0], 10)
    error = raised.value
    assert error.run.t.tolist() == [0, 1, 2, 3, 4]
    assert np.array_equal(error.run.theta, gd.run(BOWL, rule(0.01), [1.0, 1.0], 4).theta)


def test_a_beta_that_goes_wrong_on_the_way_is_told():
    with pytest.raises(ValueError, match=r"beta\(5\), .* below 1; got 1") as raised:
        gd.run(BOWL, gd.nesterov(0.1, lambda t: 1.0 if t == 5 else 0.5), [1.0, 1.0], 10)
    assert raised.value.run.t[-1] == 4


def test_a_learners_own_rule_may_have_a_schedule_of_any_size():
    def update(t, theta, grad, state):
        return theta - 0.1 * alpha(t) * grad(theta), state

    def alpha(t):
        return 2.0

    mine = gd.Optimizer("mine", {"alpha": alpha}, lambda theta: None, update)
    assert gd.run(BOWL, mine, [1.0, 1.0], 3).t[-1] == 3


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError, MemoryError])
def test_any_error_in_a_learners_gradient_hands_back_the_record(error):
    calls = []

    def grad(theta):
        calls.append(1)
        if len(calls) == 20:
            raise error("in between")
        return BOWL.grad(theta)

    mine = gd.Objective("mine", BOWL.value, grad)
    with pytest.raises(error, match="in between") as raised:
        gd.run(mine, gd.momentum(0.1), [1.0, 1.0], 100)
    steps = int(raised.value.run.t[-1])
    assert 10 < steps < 20
    check_handed_back(raised.value, steps, mine, gd.momentum(0.1), [1.0, 1.0])


def test_an_interrupted_sweep_in_chunks_hands_back_the_runs_that_are_done(monkeypatch):
    monkeypatch.setattr(gd.sweep, "CHUNK", 32)  # 16 runs
    opt, starts = gd.adam(gd.per_run(np.geomspace(1e-3, 0.1, 70))), np.random.default_rng(0).normal(size=(70, 2))
    whole, calls = gd.run(BOWL, opt, starts, 5), []

    def grad(theta):
        calls.append(1)
        if len(calls) == 19:
            raise KeyboardInterrupt
        return BOWL.grad(theta)

    with pytest.raises(KeyboardInterrupt) as raised:
        gd.run(gd.Objective("mine", BOWL.value, grad), opt, starts, 5)
    done = raised.value.run
    assert done.theta.shape == (6, 32, 2)
    assert np.array_equal(done.theta, whole.theta[:, :32])
    assert done.diverged_at.shape == (32,)
    more = gd.run(BOWL, done.opt, None, 2, resume=done)
    assert np.array_equal(more.theta, gd.run(BOWL, opt, starts, 7).theta[5:, :32])


def test_resuming_leaves_the_earlier_record_alone_whatever_the_rule_does():
    def update(t, theta, grad, v):
        v *= 0.9
        v += grad(theta)
        theta -= 0.1 * v
        return theta, v

    opt = gd.Optimizer("in place", {}, np.zeros_like, update)
    early = gd.run(BOWL, opt, [1.0, 1.0], 5)
    first, second = (gd.run(BOWL, opt, None, 5, resume=early).theta for _ in range(2))
    assert np.array_equal(first, second)


# -- a sweep slices the rule -------------------------------------------------------------------------------------------


def warm(theta):
    return np.full_like(theta, 0.5), np.full_like(theta, 2.0)


def learners_momentum(lr, beta):
    def update(t, theta, grad, v):
        v = beta * v + grad(theta)
        return theta - lr * v, v

    return gd.Optimizer("momentum", {"lr": lr, "beta": beta}, np.zeros_like, update)


def doubled(opt):
    @functools.wraps(opt.update)
    def update(t, theta, grad, state):
        return opt.update(t, theta, lambda at: 2 * grad(at), state)

    return replace(opt, update=update)


PER_RUN = gd.per_run(np.geomspace(1e-3, 0.1, 70))
SWEEPS = {
    **{name: lambda make=make: make(PER_RUN) for name, make in MAKERS.items()},
    "all of adamw": lambda: gd.adamw(PER_RUN, 0.5 + PER_RUN, 0.8 + PER_RUN, PER_RUN, 3 * PER_RUN),
    "all of lion": lambda: gd.lion(PER_RUN, 0.5 + PER_RUN, 0.8 + PER_RUN, 3 * PER_RUN),
    "a warm start": lambda: replace(gd.adam(PER_RUN), init=warm),
    "another update": lambda: doubled(gd.adam(PER_RUN)),
    "another name": lambda: replace(gd.adam(PER_RUN), name="mine"),
    "other labels": lambda: replace(gd.adam(PER_RUN), hyper={"lr": 2 * PER_RUN}),
    "a learner's": lambda: learners_momentum(PER_RUN, 0.5 + PER_RUN),
    "a learner's, undeclared": lambda: replace(learners_momentum(PER_RUN, 0.5 + PER_RUN), hyper={}),
    "a schedule": lambda: gd.adam(gd.cosine(PER_RUN, 20)),
}
STATES = {
    "int": (lambda theta: 0, lambda s: s + 1), "None": (lambda theta: None, lambda s: None),
    "tuple": (lambda theta: (0, (theta, None)), lambda s: (s[0] + 1, (2 * s[1][0], None))),
    "dict": (lambda theta: {"n": 0, "v": theta}, lambda s: {"n": s["n"] + 1, "v": s["v"] / 2}),
    "list": (lambda theta: [theta], lambda s: s), "a word": (lambda theta: "start", lambda s: s + "."),
}


def of_state(init, follow):
    return gd.Optimizer("mine", {}, init, lambda t, theta, grad, s: (theta - 0.1 * grad(theta), follow(s)))


@pytest.mark.parametrize("make", SWEEPS.values(), ids=SWEEPS)
def test_chunks_change_nothing_whatever_the_rule(make, monkeypatch):
    starts, opt = np.random.default_rng(0).uniform(-2, 2, (3, 70, 2)), make()
    whole = gd.run(gd.double_well, opt, starts, 20)
    monkeypatch.setattr(gd.sweep, "CHUNK", 32)
    chunked = gd.run(gd.double_well, opt, starts, 20)
    assert np.array_equal(chunked.theta, whole.theta)
    assert same(chunked.state, whole.state)
    assert chunked.opt is opt


@pytest.mark.parametrize("made", ["adam", "adamw", "lion", "nesterov"])
def test_the_librarys_own_rules_are_cut_into_chunks(made, monkeypatch):
    asked = []
    f = gd.Objective("watched", BOWL.value, lambda th: asked.append(th.shape) or BOWL.grad(th))
    monkeypatch.setattr(gd.sweep, "CHUNK", 32)
    gd.run(f, getattr(gd, made)(PER_RUN), [1.0, 1.0], 2)
    assert (16, 2) in asked


@pytest.mark.parametrize(("init", "follow"), STATES.values(), ids=STATES)
def test_any_state_will_do_for_any_number_of_runs(init, follow, monkeypatch):
    monkeypatch.setattr(gd.sweep, "CHUNK", 32)
    starts = np.random.default_rng(0).uniform(-3, 3, (70, 2))
    run = gd.run(BOWL, of_state(init, follow), starts, 4)
    assert np.array_equal(run.theta[:, 69], gd.run(BOWL, of_state(init, follow), starts[69], 4).theta)
    state = init(starts)
    for _ in range(4):
        state = follow(state)
    assert repr(run.state) == repr(state)


def test_a_rule_declares_its_own_bounds():
    def huber(lr, delta):
        return rule(huber, lambda th: None, lambda t, th, grad, s: (th - lr * np.clip(grad(th), -delta, delta), s),
                    bounds={"lr": POSITIVE, "delta": POSITIVE}, lr=lr, delta=delta)

    assert repr(huber(0.1, 2.0)) == "huber(lr=0.1, delta=2.0)"
    with pytest.raises(ValueError, match="delta must be a finite number above 0; got 0"):
        huber(0.1, 0)
    monkey = gd.run(BOWL, huber(gd.per_run([0.1, 0.2]), 2.0), [1.0, 1.0], 3)
    assert np.array_equal(monkey.theta[:, 1], gd.run(BOWL, huber(0.2, 2.0), [1.0, 1.0], 3).theta)
