"""Oracles: what each gives, whose randomness it is, and the table in which a sweep equals its separate runs."""
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gdlib as gd

BOWL = gd.quadratic([1.0, 10.0])
DATA = np.random.default_rng(1)
X, Y, LABELS = DATA.normal(size=(25, 3)), DATA.normal(size=25), np.arange(25) % 3
LINE = gd.LeastSquares(X, Y)
MODELS = {
    "least squares": LINE,
    "logistic": gd.LogisticRegression(X, LABELS > 0),
    "softmax": gd.SoftmaxRegression(X, LABELS),
    "network": gd.MLP(X, LABELS, hidden=(4,)),
    "deep, squared": gd.MLP(X, Y, hidden=(4, 3), activation="sigmoid", loss="squared"),
    "layer-normalised": gd.NormalisedMLP(X, LABELS, hidden=(4,), over="layer"),
    "recurrent": gd.RecurrentNetwork(X, Y, hidden=4),
}


def rng(seed=0):
    return np.random.default_rng(seed)


def rngs(seeds):
    return [rng(seed) for seed in seeds]


def take(oracle, k):
    return list(itertools.islice(oracle, k))


class Rows(gd.LeastSquares):
    """A model that remembers which rows were asked for: its first column numbers them."""

    def __init__(self, n=10):
        super().__init__(np.arange(n)[:, None], np.arange(n), intercept=False)
        self.asked = []

    def grad(self, theta, rows=slice(None)):
        self.asked.append(self.X[rows][:, 0].astype(int).tolist())
        return super().grad(theta, rows)


def batches(oracle, model, k):
    """The row numbers of the next k batches."""
    for grad in take(oracle, k):
        grad(np.zeros(1))
    drawn, model.asked[:] = model.asked[:], []
    return drawn


# -- the full gradient -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("f", [gd.himmelblau, LINE], ids=["objective", "model"])
def test_full_is_what_a_run_takes_by_itself(f):
    start = np.full(getattr(f, "dim", 2), 0.1)
    plain, full = (gd.run(f, gd.momentum(0.01), start, 20, oracle=o) for o in (None, gd.full(f)))
    assert np.array_equal(plain.theta, full.theta)


# -- minibatches -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("copied", [True, False], ids=["copied once an epoch", "copied by the batch"])
@given(n=st.integers(1, 30), data=st.data())
def test_each_row_is_seen_once_an_epoch_and_the_last_batch_is_what_is_left(copied, n, data):
    size = data.draw(st.integers(1, n))
    model, a_epoch = Rows(n), -(-n // size)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gd.oracles, "SHUFFLED_COPY", 2**28 if copied else 0)
        oracle = gd.minibatches(model, size, rng())
        for _ in range(3):
            epoch = batches(oracle, model, a_epoch)
            assert [len(batch) for batch in epoch] == [size] * (n // size) + [n % size] * (n % size > 0)
            assert sorted(sum(epoch, [])) == list(range(n))


def test_copied_or_not_the_batches_are_the_same(monkeypatch):
    model = Rows(23)
    copied = batches(gd.minibatches(model, 4, rng(5)), model, 20)
    monkeypatch.setattr(gd.oracles, "SHUFFLED_COPY", 0)
    assert batches(gd.minibatches(model, 4, rng(5)), model, 20) == copied


def test_every_epoch_has_an_order_of_its_own():
    model = Rows(20)
    oracle = gd.minibatches(model, 20, rng())
    orders = [tuple(order) for (order,) in (batches(oracle, model, 1) for _ in range(10))]
    assert len(set(orders)) == 10


def test_every_row_comes_first_about_equally_often():
    model = Rows(5)
    first = [batches(gd.minibatches(model, 5, rng(seed)), model, 1)[0][0] for seed in range(500)]
    assert np.abs(np.bincount(first, minlength=5) - 100).max() < 45  # five standard deviations


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
@given(size=st.integers(1, 25), seed=st.integers(0, 99))
def test_an_epoch_averages_to_the_full_gradient(model, size, seed):
    """Weighted by the rows of each batch; without weights where the size divides n."""
    theta = rng(seed).normal(size=model.dim)
    epoch = [grad(theta) for grad in take(gd.minibatches(model, size, rng(seed)), -(-25 // size))]
    weights = [size] * (25 // size) + [25 % size] * (25 % size > 0)
    np.testing.assert_allclose(np.average(epoch, axis=0, weights=weights), model.grad(theta), rtol=1e-10, atol=1e-13)
    if 25 % size == 0:
        np.testing.assert_allclose(np.mean(epoch, axis=0), model.grad(theta), rtol=1e-10, atol=1e-13)


def test_with_replacement_batches_are_independent_draws():
    model = Rows(10)
    drawn = batches(gd.minibatches(model, 10, rng(), replace=True), model, 400)
    assert all(len(batch) == 10 for batch in drawn)
    assert sum(len(set(batch)) < 10 for batch in drawn) > 390  # 10!/10¹⁰: a batch of ten different rows is a rarity
    counts = np.bincount(np.ravel(drawn), minlength=10)
    assert np.abs(counts - 400).max() < 5 * np.sqrt(4000 * 0.1 * 0.9)


def test_with_replacement_the_gradient_is_right_on_average():
    theta = np.ones(LINE.dim)
    drawn = np.array([grad(theta) for grad in take(gd.minibatches(LINE, 5, rng(3), replace=True), 4000)])
    error = drawn.std(axis=0) / np.sqrt(4000)
    assert (np.abs(drawn.mean(axis=0) - LINE.grad(theta)) < 5 * error).all()


def test_the_same_seed_gives_the_same_batches():
    first, second, other = (
        gd.run(LINE, gd.momentum(0.02), np.zeros(4), 50, oracle=gd.minibatches(LINE, 4, rng(seed))).theta
        for seed in (7, 7, 8)
    )
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_a_batch_of_all_rows_is_the_full_gradient():
    theta = np.ones(LINE.dim)
    for grad in take(gd.minibatches(LINE, 25, rng()), 3):
        np.testing.assert_allclose(grad(theta), LINE.grad(theta), rtol=1e-12)


# -- noise -------------------------------------------------------------------------------------------------------------


def test_noise_has_mean_0_and_the_variance_that_was_asked_for():
    theta = np.array([1.0, -2.0])
    noise = np.array([grad(theta) - BOWL.grad(theta) for grad in take(gd.noisy(BOWL, 0.5, rng()), 20_000)])
    assert np.abs(noise.mean(axis=0)).max() < 5 * 0.5 / np.sqrt(20_000)
    np.testing.assert_allclose(np.cov(noise.T), 0.25 * np.eye(2), atol=5 * 0.25 * np.sqrt(2 / 20_000))
    lagged = (noise[1:] * noise[:-1]).mean(axis=0)
    assert np.abs(lagged).max() < 5 * 0.25 / np.sqrt(20_000)  # new at every step


def test_no_noise_is_the_full_gradient():
    run = gd.run(BOWL, gd.momentum(0.01), [1.0, 1.0], 20, oracle=gd.noisy(BOWL, 0, rng()))
    assert np.array_equal(run.theta, gd.run(BOWL, gd.momentum(0.01), [1.0, 1.0], 20).theta)


def test_descent_under_noise_ends_in_a_cloud_of_the_known_size():
    """On a parabola θ ← (1 − ηλ)θ − ησε: a variance of η²σ²/(1 − (1 − ηλ)²)."""
    eta, lam, sigma = 0.3, 2.0, 0.5
    f = gd.quadratic([lam])
    run = gd.run(f, gd.gradient_descent(eta), np.zeros((2000, 1)), 60, every=60,
                 oracle=gd.noisy(f, sigma, rngs(range(2000))))
    expected = eta**2 * sigma**2 / (1 - (1 - eta * lam) ** 2)
    assert run.theta[-1].var() == pytest.approx(expected, rel=5 * np.sqrt(2 / 2000))


def test_sigma_may_differ_from_run_to_run():
    oracle = gd.noisy(BOWL, gd.per_run([0.0, 1.0, 3.0]), rng())
    noise = next(oracle)(np.zeros((3, 2)))
    assert (noise[0] == 0).all()
    np.testing.assert_allclose(noise[2], 3 * noise[1])


def extragradient(lr):
    """A rule that asks twice in one step: look ahead along the slope, and go by the slope found there."""

    def update(t, theta, grad, state):
        return theta - lr * grad(theta - lr * grad(theta)), state

    return gd.Optimizer("extragradient", {"lr": lr}, lambda theta: None, update)


@pytest.mark.parametrize("generators", [lambda: rng(), lambda: rngs([0, 1])], ids=["shared", "each"])
def test_a_rule_that_asks_twice_in_one_step_meets_the_same_noise(generators):
    theta = np.zeros((2, 2))
    first, second = take(gd.noisy(BOWL, 1.0, generators()), 2)
    assert np.array_equal(first(theta), first(theta))
    assert not np.array_equal(first(theta), second(theta))
    np.testing.assert_allclose(first(theta + 1) - first(theta), BOWL.grad(theta + 1) - BOWL.grad(theta), rtol=1e-12)


def test_extragradient_under_noise_by_hand():
    lr, lam = 0.1, np.array([1.0, 10.0])
    run = gd.run(BOWL, extragradient(lr), [1.0, 1.0], 3, oracle=gd.noisy(BOWL, 0.5, rng(2)))
    x, generator = np.ones(2), rng(2)
    for _ in range(3):
        noise = 0.5 * generator.standard_normal(2)
        x = x - lr * (lam * (x - lr * (lam * x + noise)) + noise)
    np.testing.assert_allclose(run.theta[-1], x, rtol=1e-12)


def test_extragradient_on_minibatches_meets_the_same_rows():
    oracle = gd.minibatches(LINE, 3, rng())
    grad = next(oracle)
    assert np.array_equal(grad(np.ones(4)), grad(np.ones(4)))


# -- accumulated -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize(("small", "parts"), [(5, 5), (1, 25), (25, 1)])
def test_equal_parts_add_up_to_the_large_batch(model, small, parts):
    """25 rows in parts of 5: the same permutation, cut otherwise."""
    big = gd.minibatches(model, small * parts, rng(4))
    accumulated = gd.accumulated(gd.minibatches(model, small, rng(4)), parts)
    theta = rng(1).normal(size=model.dim)
    for large, added in zip(take(big, 3), take(accumulated, 3), strict=True):
        np.testing.assert_allclose(added(theta), large(theta), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_unequal_parts_must_be_weighted_by_their_rows(model):
    theta = rng(1).normal(size=model.dim)
    right = gd.accumulated(gd.minibatches(model, 10, rng()), 3, weights=[10, 10, 5])  # each epoch has these parts
    for added in take(right, 3):
        np.testing.assert_allclose(added(theta), model.grad(theta), rtol=1e-12, atol=1e-14)
    alike = next(gd.accumulated(gd.minibatches(model, 10, rng()), 3))(theta)
    assert np.linalg.norm(alike - model.grad(theta)) > 1e-3 * np.linalg.norm(model.grad(theta))


def test_only_the_ratio_of_the_weights_counts():
    theta = np.ones(LINE.dim)
    one, other = (next(gd.accumulated(gd.minibatches(LINE, 10, rng()), 3, weights))(theta)
                  for weights in ([2, 2, 1], np.array([0.2, 0.2, 0.1])))
    np.testing.assert_allclose(one, other, rtol=1e-14)


def test_the_last_mean_of_an_oracle_that_ends_is_over_what_is_left():
    slopes = [lambda theta, k=k: k * theta for k in (1.0, 3.0, 7.0)]
    last = [list(gd.accumulated(iter(slopes), 2, weights))[-1](np.ones(1)) for weights in (None, [3, 1])]
    assert last == [7, 7]


def test_parts_of_a_batch_normalised_network_do_not_add_up_whatever_their_weights():
    model = gd.NormalisedMLP(X, LABELS, hidden=(4,))
    theta = rng(1).normal(size=model.dim)
    added = next(gd.accumulated(gd.minibatches(model, 5, rng()), 5))(theta)
    assert np.linalg.norm(added - model.grad(theta)) > 0.05 * np.linalg.norm(model.grad(theta))


@pytest.mark.parametrize("weights", [[1], [1, 2, 3], [1, 0], [1, -1], [1, np.nan], [1, np.inf], "12", 3, ["a", 1]])
def test_bad_weights(weights):
    with pytest.raises(ValueError, match="weights must be 2 numbers above 0, one for each of micro_steps; got"):
        gd.accumulated(LINE, 2, weights)


def test_accumulating_averages_noise_away():
    grads = take(gd.accumulated(gd.noisy(BOWL, 1.0, rng()), 25), 1000)
    noise = np.array([grad(np.zeros(2)) for grad in grads])
    assert noise.std() == pytest.approx(1 / 5, rel=0.1)


def test_one_part_is_the_oracle_itself():
    runs = [gd.run(LINE, gd.momentum(0.02), np.zeros(4), 20, oracle=o)
            for o in (gd.minibatches(LINE, 4, rng()), gd.accumulated(gd.minibatches(LINE, 4, rng()), 1))]
    assert np.array_equal(runs[0].theta, runs[1].theta)


def test_accumulated_uses_up_its_oracle_by_the_part():
    source = gd.minibatches(model := Rows(10), 2, rng(3))
    next(gd.accumulated(source, 3))(np.zeros(1))
    assert sorted(sum(model.asked + batches(source, model, 2), [])) == list(range(10))


# -- clipped -----------------------------------------------------------------------------------------------------------

GRADIENTS = st.lists(st.floats(-1e3, 1e3).filter(lambda x: x == 0 or abs(x) > 1e-6), min_size=1, max_size=6)


def constant_slope(g):
    return gd.Objective("slope", lambda x: x @ np.asarray(g), lambda x: np.broadcast_to(np.asarray(g), x.shape))


@given(g=GRADIENTS, bound=st.floats(1e-3, 1e3))
def test_clipping_by_norm_keeps_the_direction_and_bounds_the_length(g, bound):
    g = np.array(g)
    clipped = next(gd.clipped(constant_slope(g), norm=bound))(np.zeros(len(g)))
    length = np.linalg.norm(g)
    assert np.linalg.norm(clipped) == pytest.approx(min(length, bound), rel=1e-12)
    np.testing.assert_allclose(clipped * length, g * np.linalg.norm(clipped), rtol=1e-12)
    if length <= bound:
        assert np.array_equal(clipped, g)


@given(g=GRADIENTS, bound=st.floats(1e-3, 1e3))
def test_clipping_by_value_bounds_each_coordinate(g, bound):
    clipped = next(gd.clipped(constant_slope(g), value=bound))(np.zeros(len(g)))
    assert clipped.tolist() == [min(max(x, -bound), bound) for x in g]


def angle(a, b):
    """Angle between two vectors in radians, exact also where it is small."""
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    return 2 * np.arctan2(np.linalg.norm(a - b), np.linalg.norm(a + b))


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_by_norm_the_angle_is_0_and_by_value_it_is_not(model):
    theta = rng(1).normal(size=model.dim)
    g = model.grad(theta)
    by_norm, by_value = (next(gd.clipped(model, **{how: np.abs(g).max() / 10}))(theta) for how in ("norm", "value"))
    assert angle(g, by_norm) < 1e-12
    assert angle(g, by_value) > 0.1


def test_the_angle_of_clipping_by_value_by_hand():
    """(3, 4) clipped at 1 is (1, 1): from 53.13° to 45°."""
    clipped = next(gd.clipped(constant_slope([3.0, 4.0]), value=1.0))(np.zeros(2))
    assert angle(np.array([3.0, 4.0]), clipped) == pytest.approx(np.arctan(4 / 3) - np.pi / 4, rel=1e-12)


@given(g=GRADIENTS, bound=st.floats(1e-3, 1e3))
def test_pytorchs_clipped_gradient_is_shorter_by_a_share_of_1e_6_over_its_length(g, bound):
    """clip_grad_norm_ by its documented source: g · min(1, bound/(‖g‖ + 1e-6))."""
    g = np.array(g)
    length = np.linalg.norm(g)
    ours, torchs = next(gd.clipped(constant_slope(g), norm=bound))(g), g * min(1, bound / (length + 1e-6))
    assert np.linalg.norm(ours - torchs) <= np.linalg.norm(ours) * 1e-6 / max(length, bound) * (1 + 1e-6)
    if length > bound:
        assert np.linalg.norm(torchs) == pytest.approx(bound / (1 + 1e-6 / length), rel=1e-12)


def test_a_gradient_of_0_stays_0():
    assert next(gd.clipped(BOWL, norm=1.0))(np.zeros(2)).tolist() == [0, 0]


def test_each_run_is_clipped_for_itself():
    theta = np.array([[0.1, 0.0], [100.0, 0.0], [0.0, 1.0]])
    clipped = next(gd.clipped(BOWL, norm=1.0))(theta)
    np.testing.assert_allclose(clipped, [[0.1, 0], [1, 0], [0, 1]])
    per_run = next(gd.clipped(BOWL, norm=gd.per_run([1.0, 2.0, 3.0])))(theta)
    np.testing.assert_allclose(per_run, [[0.1, 0], [2, 0], [0, 3]])


def test_clipping_holds_on_a_cliff():
    """From far out the plain descent on a quartic flies away; clipped, it walks in."""
    quartic = gd.Objective("quartic", lambda x: (x**4).sum(-1), lambda x: 4 * x * x * x, minima=((0.0,),))
    opt = gd.gradient_descent(0.01)
    assert gd.run(quartic, opt, [10.0], 300).diverged_at > 0
    assert gd.run(quartic, opt, [10.0], 3000, oracle=gd.clipped(quartic, norm=1.0)).distance[-1] < 0.5


# -- delayed -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delay", [0, 1, 2, 5])
def test_a_delayed_gradient_by_hand(delay):
    eta, lam = 0.05, np.array([1.0, 10.0])
    run = gd.run(BOWL, gd.gradient_descent(eta), [1.0, -1.0], 30, oracle=gd.delayed(BOWL, delay))
    x = [np.array([1.0, -1.0])]
    for t in range(30):
        x.append(x[-1] - eta * (lam * x[max(0, t - delay)]))
    np.testing.assert_allclose(run.theta, x, rtol=1e-12)


def test_no_delay_is_the_full_gradient():
    run = gd.run(gd.himmelblau, gd.adam(0.1), [0.0, 0.0], 40, oracle=gd.delayed(gd.himmelblau, 0))
    assert np.array_equal(run.theta, gd.run(gd.himmelblau, gd.adam(0.1), [0.0, 0.0], 40).theta)


def test_delay_narrows_the_stable_rates_as_known():
    """On a parabola with a delay of τ: stable below ηλ = 2 sin(π/(4τ + 2)); 2 without delay, 1 for τ = 1."""
    for delay in (0, 1, 4):
        edge = 2 * np.sin(np.pi / (4 * delay + 2))
        f = gd.quadratic([1.0])
        opt = gd.gradient_descent(gd.per_run([0.97 * edge, 1.03 * edge]))
        inside, outside = gd.run(f, opt, [1.0], 3000, every=3000, oracle=gd.delayed(f, delay)).distance[-1]
        assert inside < 1e-3
        assert not outside < 1e3


@pytest.mark.parametrize("delay", range(7))
def test_the_stale_edge_is_right_to_a_thousandth(delay):
    """As lesson 08 has it: below it the swings get smaller, above it larger. A delay may be a NumPy integer."""
    edge, f = 2 * np.sin(np.pi / (2 * (2 * delay + 1))), gd.quadratic([1.0])
    opt = gd.gradient_descent(gd.per_run([0.999 * edge, 1.001 * edge]))
    size = gd.run(f, opt, [1.0], 6000, oracle=gd.delayed(f, np.int64(delay))).distance
    growth = size[4500:].max(axis=0) / size[1500:3000].max(axis=0)
    assert growth[0] < 1 < growth[1]


def test_a_rule_that_asks_twice_ages_the_gradient_by_one_step_only():
    twice = gd.delayed(BOWL, 1)
    run = gd.run(BOWL, extragradient(0.05), [1.0, 1.0], 5, oracle=twice)
    plain = gd.run(BOWL, gd.gradient_descent(0.05), [1.0, 1.0], 5, oracle=gd.delayed(BOWL, 1))
    np.testing.assert_allclose(run.theta, plain.theta, rtol=1e-12)  # the slope at the old θ, whatever is asked


# -- stacked -----------------------------------------------------------------------------------------------------------


def test_clipped_minibatches():
    theta = np.full(LINE.dim, 10.0)
    plain = take(gd.minibatches(LINE, 4, rng(6)), 10)
    for grad, clipped in zip(plain, gd.clipped(gd.minibatches(LINE, 4, rng(6)), norm=1.0), strict=False):
        g = grad(theta)
        np.testing.assert_allclose(clipped(theta), g / max(1, np.linalg.norm(g)), rtol=1e-12)


def test_the_order_of_stacking_is_the_order_of_the_words():
    """Noise, then clipping, is never longer than the bound; clipping, then noise, is."""
    theta = np.array([50.0, 50.0])
    inside = [grad(theta) for grad in take(gd.clipped(gd.noisy(BOWL, 5.0, rng()), norm=1.0), 50)]
    outside = [grad(theta) for grad in take(gd.noisy(gd.clipped(BOWL, norm=1.0), 5.0, rng()), 50)]
    assert np.linalg.norm(inside, axis=1).max() <= 1 + 1e-12
    assert np.linalg.norm(outside, axis=1).max() > 2


def test_a_tower_of_oracles_runs():
    noisy = gd.noisy(gd.minibatches(LINE, 5, rng(1)), 0.01, rng(2))
    oracle = gd.delayed(gd.clipped(gd.accumulated(noisy, 5), norm=5), 1)
    run = gd.run(LINE, gd.gradient_descent(0.1), np.zeros(4), 300, oracle=oracle)
    assert run.distance[-1] < 0.02 < run.distance[0]


# -- whose randomness --------------------------------------------------------------------------------------------------

STARTS = rng(9).normal(size=(3, 4))


@pytest.mark.parametrize("make", [lambda g: gd.minibatches(LINE, 4, g), lambda g: gd.noisy(LINE, 0.5, g)],
                         ids=["minibatches", "noisy"])
def test_with_one_generator_all_runs_meet_the_same(make):
    same = np.tile(STARTS[0], (3, 1))
    runs = gd.run(LINE, gd.momentum(0.02), same, 30, oracle=make(rng())).theta
    np.testing.assert_allclose(runs[:, 1:], runs[:, [0, 0]], rtol=1e-12)
    each = gd.run(LINE, gd.momentum(0.02), same, 30, oracle=make(rngs([0, 1, 0]))).theta
    np.testing.assert_allclose(each[:, 2], each[:, 0], rtol=1e-12)
    assert np.abs(each[1:, 1] - each[1:, 0]).min() > 1e-6


def test_a_list_of_generators_belongs_to_the_leading_axis():
    rates = gd.per_run([0.01, 0.02])
    starts = np.broadcast_to(STARTS[:, None], (3, 2, 4))
    for make in (lambda g: gd.minibatches(LINE, 4, g), lambda g: gd.noisy(LINE, 0.5, g)):
        grid = gd.run(LINE, gd.gradient_descent(rates), starts, 40, oracle=make(rngs(range(3)))).theta
        for i, j in itertools.product(range(3), range(2)):
            alone = gd.run(LINE, gd.gradient_descent([0.01, 0.02][j]), STARTS[i], 40, oracle=make(rng(i))).theta
            np.testing.assert_allclose(grid[:, i, j], alone, rtol=1e-12, atol=1e-12)


def test_a_sweep_leaves_each_generator_where_its_own_run_would():
    together, alone = rngs(range(3)), rngs(range(3))
    gd.run(LINE, gd.momentum(0.02), STARTS, 17, oracle=gd.minibatches(LINE, 4, together))
    for start, generator in zip(STARTS, alone, strict=True):
        gd.run(LINE, gd.momentum(0.02), start, 17, oracle=gd.minibatches(LINE, 4, generator))
    assert [g.random() for g in together] == [g.random() for g in alone]


@pytest.mark.parametrize("make", [lambda g: gd.minibatches(LINE, 4, g), lambda g: gd.noisy(LINE, 0.5, g)],
                         ids=["minibatches", "noisy"])
@pytest.mark.parametrize(
    ("start", "sentence"),
    [(STARTS, "rng must be one Generator or one per run; got 2 Generators for 3 runs"),
     (STARTS[0], "rng must be one Generator or one per run; got 2 Generators for one run")],
)
def test_a_wrong_number_of_generators(make, start, sentence):
    with pytest.raises(ValueError, match=sentence):
        gd.run(LINE, gd.momentum(0.02), start, 5, oracle=make(rngs([0, 1])))


@pytest.mark.parametrize("oracle", [
    lambda: gd.noisy(LINE, gd.per_run([0.1, 0.2]), rng()), lambda: gd.clipped(LINE, norm=gd.per_run([0.1, 0.2])),
], ids=["noisy", "clipped"])
def test_values_per_run_in_an_oracle_need_their_starts(oracle):
    with pytest.raises(ValueError, match=r"theta must keep its shape \(4,\); got \(2, 4\) after a step"):
        gd.run(LINE, gd.momentum(0.02), STARTS[0], 5, oracle=oracle())


# -- the table: a sweep of R runs is R separate runs -------------------------------------------------------------------

RULES = {
    "gradient_descent": gd.gradient_descent, "momentum": gd.momentum, "nesterov": gd.nesterov, "adagrad": gd.adagrad,
    "rmsprop": gd.rmsprop, "adam": gd.adam, "amsgrad": gd.amsgrad, "adamw": gd.adamw,
}
SCHEDULES = {"number": lambda lr: lr, "schedule": lambda lr: gd.warmup(gd.cosine(lr, 120), 10)}
SURFACES = [gd.quadratic([1.0, 10.0], angle=0.5), gd.rosenbrock, gd.himmelblau, gd.saddle]
SEEDS = range(4)
ORACLES = {  # what is made from f and a Generator, or a list of them
    "full": lambda f, g: None,
    "noisy": lambda f, g: gd.noisy(f, 0.1, g),
    "clipped by norm": lambda f, g: gd.clipped(f, norm=1.0),
    "delayed": lambda f, g: gd.delayed(f, 3),
}
DRAWN = {
    "minibatches": lambda f, g: gd.minibatches(f, 8, g),
    "with replacement": lambda f, g: gd.minibatches(f, 8, g, replace=True),
    "accumulated": lambda f, g: gd.accumulated(gd.minibatches(f, 4, g), 2),
    "accumulated, weighted": lambda f, g: gd.accumulated(gd.minibatches(f, 10, g), 3, weights=[10, 10, 5]),
    "stacked": lambda f, g: gd.clipped(gd.noisy(gd.minibatches(f, 8, g), 0.1, g), value=0.5),
}


def sweep_and_alone(f, rule, make_oracle, schedule, rates, starts, steps):
    """The points of the sweep, and of the runs taken one by one, (k, R, d) each."""
    sweep = gd.run(f, rule(schedule(gd.per_run(rates))), starts, steps, oracle=make_oracle(f, rngs(SEEDS))).theta
    alone = [gd.run(f, rule(schedule(float(lr))), start, steps, oracle=make_oracle(f, rng(seed))).theta
             for lr, start, seed in zip(rates, starts, SEEDS, strict=True)]
    return sweep, np.stack(alone, axis=1)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("oracle", ORACLES)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_on_surfaces_a_sweep_is_its_separate_runs_bit_for_bit(rule, oracle, schedule):
    for f in SURFACES:
        starts, rates = rng(3).normal(size=(4, 2)), np.geomspace(1e-3, 0.1, 4)  # some of them diverge
        sweep, alone = sweep_and_alone(f, RULES[rule], ORACLES[oracle], SCHEDULES[schedule], rates, starts, 40)
        assert np.array_equal(sweep, alone, equal_nan=True), f.name


# Where a slope nears 0, RMSprop's rate is lr/ε: beyond 2/λ the steps jump about, and rounding grows tenfold a step.
STEADY = RULES | {"rmsprop": lambda lr: gd.rmsprop(lr, eps=0.1)}


def on_models(rule, make_oracle):
    """Relative to how far the runs go, over 100 steps that are small enough to be stable."""
    for i, model in enumerate(MODELS.values()):
        starts, rates = 0.5 * rng(3).normal(size=(4, model.dim)), np.geomspace(1e-4, 1e-3, 4)
        schedule = list(SCHEDULES.values())[i % 2]  # they take turns
        sweep, alone = sweep_and_alone(model, rule, make_oracle, schedule, rates, starts, 100)
        assert np.abs(sweep - alone).max() <= 1e-12 * np.abs(alone).max(), model.name


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("oracle", [*ORACLES, "minibatches"])
def test_on_models_a_sweep_is_its_separate_runs_to_rounding(rule, oracle):
    on_models(STEADY[rule], (ORACLES | DRAWN)[oracle])


@pytest.mark.parametrize("oracle", [name for name in DRAWN if name != "minibatches"])
def test_so_it_is_with_every_other_draw(oracle):
    on_models(gd.nesterov, DRAWN[oracle])


@pytest.mark.parametrize(
    ("rule", "name", "values"),
    [("momentum", "beta", [0, 0.5, 0.99]), ("nesterov", "beta", [0, 0.5, 0.99]), ("adagrad", "eps", [1e-10, 1e-3, 1]),
     ("rmsprop", "rho", [0, 0.9, 0.999]), ("adam", "beta1", [0, 0.9, 0.999]), ("adam", "beta2", [0.5, 0.99, 0.999]),
     ("adam", "eps", [1e-8, 1e-3, 1]), ("amsgrad", "beta1", [0, 0.9, 0.999]), ("amsgrad", "beta2", [0.5, 0.99, 0.999]),
     ("adamw", "weight_decay", [0, 0.01, 1])],
)
def test_every_other_number_of_a_rule_may_be_per_run(rule, name, values):
    make = getattr(gd, rule)
    sweep = gd.run(gd.himmelblau, make(0.01, **{name: gd.per_run(values)}), [0.5, -0.5], 200).theta
    for i, value in enumerate(values):
        assert np.array_equal(sweep[:, i], gd.run(gd.himmelblau, make(0.01, **{name: value}), [0.5, -0.5], 200).theta)


# -- refused, when the oracle is made ----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, -1, 26, 2.5, True, "8", None])
def test_bad_batch_sizes(size):
    with pytest.raises(ValueError, match="batch_size must be a whole number from 1 to 25; got"):
        gd.minibatches(LINE, size, rng())


@pytest.mark.parametrize("generator", [0, None, "seed", np.random, [], [0, 1], [rng(), 1], np.random.RandomState(0)])
def test_what_is_no_generator(generator):
    for make in (lambda: gd.minibatches(LINE, 4, generator), lambda: gd.noisy(LINE, 1.0, generator)):
        with pytest.raises(TypeError, match=r"rng must be a Generator such as np.random.default_rng\(0\), or a list"):
            make()


@pytest.mark.parametrize("sigma", [-0.1, np.nan, np.inf, "0.1", None, True, [0.1, 0.2]])
def test_bad_sigma(sigma):
    with pytest.raises(ValueError, match="sigma must be a"):
        gd.noisy(BOWL, sigma, rng())


@pytest.mark.parametrize("bound", [0, -1, np.nan, np.inf, "1", True])
def test_bad_bounds(bound):
    with pytest.raises(ValueError, match="norm must be a (finite )?number"):
        gd.clipped(BOWL, norm=bound)
    with pytest.raises(ValueError, match="value must be a (finite )?number"):
        gd.clipped(BOWL, value=bound)


@pytest.mark.parametrize("bounds", [{}, {"norm": 1.0, "value": 1.0}])
def test_clipped_takes_one_bound(bounds):
    with pytest.raises(ValueError, match="norm or value must be given, and not both; got norm="):
        gd.clipped(BOWL, **bounds)


@pytest.mark.parametrize("delay", [-1, 0.5, "1", True, None])
def test_bad_delay(delay):
    with pytest.raises(ValueError, match="delay must be a whole number of at least 0; got"):
        gd.delayed(BOWL, delay)


@pytest.mark.parametrize("parts", [0, -1, 2.5, True])
def test_bad_micro_steps(parts):
    with pytest.raises(ValueError, match="micro_steps must be a whole number of at least 1; got"):
        gd.accumulated(BOWL, parts)


@pytest.mark.parametrize("f", [gd.himmelblau, lambda theta: theta, None, 3.0], ids=["surface", "function", "None", "3"])
def test_minibatches_of_what_has_no_rows(f):
    with pytest.raises(TypeError, match="model must be a model over data such as"):
        gd.minibatches(f, 4, rng())


@pytest.mark.parametrize("f", [lambda theta: theta, None, [BOWL.grad], 3.0], ids=["function", "None", "list", "3"])
@pytest.mark.parametrize(
    "make",
    [gd.full, lambda f: gd.noisy(f, 1.0, rng()), lambda f: gd.accumulated(f, 2), lambda f: gd.clipped(f, norm=1.0),
     lambda f: gd.delayed(f, 1)],
    ids=["full", "noisy", "accumulated", "clipped", "delayed"],
)
def test_what_has_no_gradient(make, f):
    with pytest.raises(TypeError, match="an oracle's source must be an objective or a model with a .*; got"):
        make(f)


@pytest.mark.parametrize("oracle", [BOWL.grad, BOWL, [BOWL.grad] * 10, 3], ids=["function", "objective", "list", "3"])
def test_what_is_no_oracle(oracle):
    with pytest.raises(TypeError, match="oracle must be an iterator of gradients"):
        gd.run(BOWL, gd.gradient_descent(0.1), [1.0, 1.0], 5, oracle=oracle)


class Plain:
    """The least that minibatches need: n, and a gradient over rows."""

    name, n = "plain", LINE.n

    def __call__(self, theta):
        return LINE(theta)

    def grad(self, theta, rows=slice(None)):
        return LINE.grad(theta, rows)


@pytest.mark.parametrize("replace", [False, True])
def test_minibatches_of_any_model_with_rows(replace):
    runs = [gd.run(model, gd.momentum(0.02), np.zeros(4), 30, oracle=gd.minibatches(model, 4, rng(), replace))
            for model in (Plain(), LINE)]
    np.testing.assert_allclose(runs[0].theta, runs[1].theta, rtol=1e-12)
    np.testing.assert_allclose(runs[0].loss, runs[1].loss, rtol=1e-12)


def test_minibatches_of_a_model_whose_gradient_takes_no_rows():
    class Whole(Plain):
        def grad(self, theta):
            return LINE.grad(theta)

    with pytest.raises(TypeError, match=r"the gradient of plain must take the rows of .*; got grad\(theta\)\. Add"):
        gd.minibatches(Whole(), 4, rng())
