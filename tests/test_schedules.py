"""Schedules: each is its formula, falls where it should, and never rises above the rate that it was given."""
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gdlib as gd

RATES = st.floats(1e-6, 1e3)
SHARES = st.floats(0.01, 1.0)
COUNTS = st.integers(1, 200)
STEPS = st.integers(1, 500)


# -- the formulas, with s = t − 1 --------------------------------------------------------------------------------------


@given(lr=RATES, t=STEPS)
def test_constant(lr, t):
    assert gd.constant(lr)(t) == lr


@given(lr=RATES, factor=SHARES, every=COUNTS, t=STEPS)
def test_step_decay(lr, factor, every, t):
    assert gd.step_decay(lr, factor, every)(t) == pytest.approx(lr * factor ** math.floor((t - 1) / every), rel=1e-12)


def test_step_decay_is_a_stair():
    eta = gd.step_decay(8.0, 0.5, every=3)
    assert [eta(t) for t in range(1, 9)] == [8, 8, 8, 4, 4, 4, 2, 2]


@given(lr=RATES, rate=SHARES, t=STEPS)
def test_exponential_multiplies_by_the_rate_each_step(lr, rate, t):
    eta = gd.exponential(lr, rate)
    assert eta(1) == lr
    assert eta(t + 1) == pytest.approx(rate * eta(t), rel=1e-12, abs=1e-300)


@given(lr=RATES, decay=st.floats(0, 10), t=STEPS)
def test_inverse_time(lr, decay, t):
    assert 1 / gd.inverse_time(lr, decay)(t) == pytest.approx((1 + decay * (t - 1)) / lr, rel=1e-12)


@given(lr=RATES, floor=SHARES, steps=COUNTS, power=st.floats(0.1, 4), t=STEPS)
def test_polynomial(lr, floor, steps, power, t):
    share = max(0.0, (steps - (t - 1)) / steps)
    by_hand = lr * floor + lr * (1 - floor) * share**power
    assert gd.polynomial(lr, steps, power, lr * floor)(t) == pytest.approx(by_hand, rel=1e-9)


def test_polynomial_is_a_straight_line_unless_told():
    eta = gd.polynomial(1.0, 4)
    assert [eta(t) for t in (1, 2, 3, 4, 5, 6, 99)] == [1, 0.75, 0.5, 0.25, 0, 0, 0]


@given(lr=RATES, floor=SHARES, steps=COUNTS, t=STEPS)
def test_cosine(lr, floor, steps, t):
    low = lr * floor
    by_hand = low + (lr - low) * math.cos(math.pi / 2 * min(1, (t - 1) / steps)) ** 2
    assert gd.cosine(lr, steps, low)(t) == pytest.approx(by_hand, rel=1e-9)


def test_cosine_is_half_way_down_in_the_middle():
    eta = gd.cosine(2.0, 10, lr_min=1.0)
    assert (eta(1), eta(6), eta(11), eta(12)) == pytest.approx((2, 1.5, 1, 1))


@pytest.mark.parametrize(
    "inner",
    [0.5, gd.constant(0.5), gd.step_decay(0.5, 0.1, 3), gd.exponential(0.5, 0.9), gd.inverse_time(0.5, 0.1),
     gd.polynomial(0.5, 20), gd.cosine(0.5, 20), gd.warmup(0.5, 3), lambda t: 1 / t],
)
def test_warmup_of_any_schedule_rises_in_a_line_and_then_is_that_schedule(inner):
    eta, plain = gd.warmup(inner, 5), inner if callable(inner) else gd.constant(inner)
    for t in range(1, 6):
        assert eta(t) == pytest.approx(plain(t) * t / 5)
    assert [eta(t) for t in range(5, 40)] == [plain(t) for t in range(5, 40)]


def test_warmup_of_one_step_changes_nothing():
    assert [gd.warmup(0.5, 1)(t) for t in (1, 2, 3)] == [0.5, 0.5, 0.5]


# -- what all of them share --------------------------------------------------------------------------------------------

FALLING = st.one_of(
    st.builds(gd.constant, st.just(1.0)),
    st.builds(gd.step_decay, st.just(1.0), SHARES, COUNTS),
    st.builds(gd.exponential, st.just(1.0), SHARES),
    st.builds(gd.inverse_time, st.just(1.0), st.floats(0, 10)),
    st.builds(gd.polynomial, st.just(1.0), COUNTS, st.floats(0.1, 4), st.floats(0, 1)),
    st.builds(gd.cosine, st.just(1.0), COUNTS, st.floats(0, 1)),
)


@given(eta=FALLING, t=STEPS)
def test_the_rate_starts_at_lr_never_rises_and_is_never_negative(eta, t):
    assert eta(1) == 1
    assert 0 <= eta(t + 1) <= eta(t) <= 1


@given(eta=FALLING, steps=COUNTS, t=STEPS)
def test_warmup_never_goes_above_what_it_warms_up(eta, steps, t):
    assert 0 <= gd.warmup(eta, steps)(t) <= eta(t)


@given(steps=COUNTS, t=STEPS)
def test_a_warm_up_to_a_constant_rises(steps, t):
    eta = gd.warmup(1.0, steps)
    assert 0 < eta(t) <= eta(t + 1) <= 1


@given(lr=RATES, floor=SHARES, steps=COUNTS, beyond=st.integers(1, 1000))
def test_after_the_last_step_the_rate_stays_at_its_lowest(lr, floor, steps, beyond):
    for make in (gd.polynomial, gd.cosine):
        assert make(lr, steps, lr_min=lr * floor)(steps + beyond) == pytest.approx(lr * floor)


def test_the_slow_fall_that_still_gets_anywhere():
    """Robbins and Monro: Σ η = ∞ and Σ η² < ∞. The sums to 10⁵ against log and π²/6."""
    eta = np.array([gd.inverse_time(1.0, 1.0)(t) for t in range(1, 100_001)])
    assert eta.sum() == pytest.approx(math.log(1e5) + np.euler_gamma, abs=1e-4)
    assert (eta**2).sum() == pytest.approx(math.pi**2 / 6, abs=1e-4)


@pytest.mark.parametrize(
    "make",
    [lambda lr: gd.step_decay(lr, 0.5, 7), lambda lr: gd.exponential(lr, 0.9), lambda lr: gd.inverse_time(lr, 0.1),
     lambda lr: gd.polynomial(lr, 30, 2.0), lambda lr: gd.cosine(lr, 30), lambda lr: gd.warmup(lr, 5),
     lambda lr: gd.warmup(gd.cosine(lr, 30), 5)],
)
def test_rates_per_run_in_a_schedule_spread_the_runs(make):
    rates = [0.05, 0.1, 0.2]
    sweep = gd.run(gd.himmelblau, gd.momentum(make(gd.per_run(rates) / 10)), [0.0, 0.0], 40)
    assert sweep.theta.shape == (41, 3, 2)
    for i, rate in enumerate(rates):
        alone = gd.run(gd.himmelblau, gd.momentum(make(rate / 10)), [0.0, 0.0], 40)
        assert np.array_equal(sweep.theta[:, i], alone.theta)


def test_the_other_numbers_of_a_schedule_may_differ_from_run_to_run():
    values = gd.per_run([0.5, 0.75, 1.0])
    for make in (
        lambda x: gd.step_decay(0.1, x, 3), lambda x: gd.exponential(0.1, x), lambda x: gd.inverse_time(0.1, x),
        lambda x: gd.polynomial(0.1, 9, x), lambda x: gd.cosine(0.1, 9, 0.1 * x),
    ):
        for t in (1, 5, 12):
            each = [make(float(x))(t) for x in values[:, 0]]
            np.testing.assert_allclose(np.broadcast_to(make(values)(t), (3, 1))[:, 0], each, rtol=1e-15)


def test_rates_per_run_that_do_not_fit_the_starts():
    opt = gd.gradient_descent(gd.cosine(gd.per_run([0.1, 0.2, 0.3]), 10))
    with pytest.raises(ValueError, match=r"theta0 and per_run values must have one .* lr for runs of shape \(3,\)"):
        gd.run(gd.himmelblau, opt, np.zeros((2, 2)), 10)


# -- refused -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lr", [0, -0.1, np.nan, np.inf, "0.1", True, None, [0.1, 0.2]])
@pytest.mark.parametrize(
    "make",
    [lambda lr: gd.step_decay(lr, 0.5, 1), lambda lr: gd.exponential(lr, 0.5), lambda lr: gd.inverse_time(lr, 0.5),
     lambda lr: gd.polynomial(lr, 10), lambda lr: gd.cosine(lr, 10), lambda lr: gd.warmup(lr, 10)],
    ids=["step_decay", "exponential", "inverse_time", "polynomial", "cosine", "warmup"],
)
def test_bad_rates(make, lr):
    with pytest.raises(ValueError, match="(lr|schedule) must be a"):
        make(lr)


@pytest.mark.parametrize("value", [0, -0.5, 1.5, np.nan, "half"])
def test_bad_shares(value):
    with pytest.raises(ValueError, match="factor must be a .*number"):
        gd.step_decay(0.1, value, 1)
    with pytest.raises(ValueError, match="rate must be a .*number"):
        gd.exponential(0.1, value)


@pytest.mark.parametrize("steps", [0, -1, 2.5, "10", True, None])
@pytest.mark.parametrize(
    "make",
    [lambda n: gd.polynomial(0.1, n), lambda n: gd.cosine(0.1, n), lambda n: gd.warmup(0.1, n),
     lambda n: gd.step_decay(0.1, 0.5, n)],
    ids=["polynomial", "cosine", "warmup", "step_decay"],
)
def test_bad_numbers_of_steps(make, steps):
    with pytest.raises(ValueError, match="(steps|every) must be a whole number of at least 1; got"):
        make(steps)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: gd.inverse_time(0.1, -1), "decay must be a finite number of at least 0; got -1"),
        (lambda: gd.polynomial(0.1, 10, power=0), "power must be a finite number above 0; got 0"),
        (lambda: gd.polynomial(0.1, 10, lr_min=0.2), "lr_min must be at most lr = 0.1; got 0.2"),
        (lambda: gd.cosine(0.1, 10, lr_min=0.2), "lr_min must be at most lr = 0.1; got 0.2"),
        (lambda: gd.cosine(0.1, 10, lr_min=-0.2), "lr_min must be a finite number of at least 0; got -0.2"),
        (lambda: gd.warmup(lambda t: -1.0, 3), r"schedule\(1\), what the schedule gives for step 1, .*; got -1"),
        (lambda: gd.warmup(lambda t: "fast", 3), "schedule.* must be a number; got 'fast'"),
        (lambda: gd.warmup(lambda: 0.1, 3), "schedule for schedule must take a step t .*; got TypeError: .* t = 1"),
    ],
)
def test_bad_shapes_of_schedules(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()


@pytest.mark.parametrize(
    ("schedule", "sentence"),
    [
        (lambda t: -0.1, r"lr\(1\), what the schedule gives for step 1, must be a .* at least 0; got -0.1"),
        (lambda t: np.nan, r"lr\(1\), .* must be a finite number of at least 0; got nan"),
        (lambda t: "0.1", r"lr\(1\), .* must be a number; got '0.1'"),
        (lambda t: None, r"lr\(1\), .* must be a number; got None"),
        (lambda t: np.array([0.1, 0.2]), r"lr\(1\), .*; got an array of shape \(2,\)"),
        (lambda t: {}[t], "the schedule for lr must take a step t .*; got KeyError: 1 at t = 1"),
        (lambda: 0.1, "the schedule for lr must take a step t .*; got TypeError"),
    ],
)
@pytest.mark.parametrize("rule", [gd.gradient_descent, gd.nesterov, gd.adam], ids=lambda r: r.__name__)
def test_a_rule_tries_its_schedule_when_it_is_made(rule, schedule, sentence):
    with pytest.raises(ValueError, match=sentence):
        rule(schedule)


@pytest.mark.parametrize(
    ("opt", "sentence"),
    [
        (gd.gradient_descent(lambda t: 1 - t / 8), r"lr\(10\), what the schedule gives for step 10, .*; got -0.25"),
        (gd.gradient_descent(lambda t: [0.1, 0.2][t > 9 and 2]), "for lr must .*; got IndexError: .* t = 10"),
        (gd.nesterov(0.1, lambda t: t / 10), r"beta\(10\), .* of at least 0 and below 1; got 1"),
    ],
)
def test_a_run_tries_the_schedule_at_its_last_step_before_the_first(opt, sentence):
    """The commonest slip is a schedule that runs out before the run does."""
    asked = []
    f = gd.Objective("watched", lambda x: 0 * x[..., 0], lambda x: asked.append(1) or 0 * x)
    with pytest.raises(ValueError, match=sentence):
        gd.run(f, opt, [1.0], 10)
    assert not asked


def test_a_rate_may_be_zero():
    run = gd.run(gd.quadratic([1.0]), gd.gradient_descent(gd.polynomial(0.5, 3)), [1.0], 10)
    assert run.theta[-1] == run.theta[3] > 0
