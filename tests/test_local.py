"""Local descent: averaging, outer optimisers, drift and its correction, and nothing lost."""
import os
import signal

import numpy as np
import pytest

import gdlib as gd
from gdlib import distributed as dist
from tests.test_distributed import START, WHOLE, X, Y, digest

PLAIN, AVERAGED = gd.gradient_descent(0.02), gd.gradient_descent(1.0)

# Four very different parts of the rows: sorted by the target, so that each has its own minimum.
PARTS = np.array_split(np.argsort(Y, kind="stable"), [100, 350, 600])
MODELS = [gd.LeastSquares(X[rows], Y[rows]) for rows in PARTS]
LEAST = WHOLE(WHOLE.solution())


def different(rank):
    return dist.Shard(MODELS[rank])


def train(pool, rounds=30, steps=5, opt=PLAIN, outer=AVERAGED, theta0=START, oracle=None, **more):
    oracle = oracle or dist.local_steps(pool, steps, opt, scaffold=more.pop("scaffold", False))
    return gd.run(WHOLE, outer, theta0, rounds, oracle=oracle, **more)


def simulated_run(make=different, n=4, deaths=(), **options):
    with dist.workers(make, n, "simulated", deaths=deaths) as pool:
        run = train(pool, **options)
        assert len(pool.pauses) == len(deaths)
    return run


# -- averaging ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [1, 7])
def test_outer_descent_with_rate_one_is_plain_averaging(steps):
    """Against a loop: each model descends alone, then the mean weighted by rows."""
    run, theta = simulated_run(steps=steps), START
    for r in range(30):
        ends = []
        for model in MODELS:
            alone = theta
            for _ in range(steps):
                alone = alone - 0.02 * model.grad(alone)
            ends.append(alone)
        theta = np.average(ends, axis=0, weights=[model.n for model in MODELS])
        assert np.abs(run.theta[r + 1] - theta).max() <= 1e-14 * np.abs(theta).max()


def test_one_call_gives_the_points_of_the_oracle():
    with dist.workers(different, 4, "simulated") as pool:
        points = dist.local_descent(pool, START, 30, 5, 0.02)
        assert points.tobytes() == train(pool).theta.tobytes()
        falling = dist.local_descent(pool, START, 30, 5, gd.cosine(0.02, 150))
    run = simulated_run(opt=gd.gradient_descent(gd.cosine(0.02, 150)))
    assert falling.tobytes() == run.theta.tobytes() != points.tobytes()


def test_a_schedule_inside_counts_the_steps_of_all_rounds():
    """One worker with all rows: rounds of averaging change nothing."""
    opt = gd.adam(gd.cosine(0.05, 60))
    run = simulated_run(lambda rank: dist.Shard(WHOLE), 1, rounds=12, steps=5, opt=opt)
    alone = gd.run(WHOLE, opt, START, 60)
    np.testing.assert_allclose(run.theta, alone.theta[::5], rtol=1e-12)


def test_weights_are_all_rows_of_a_shard_also_where_few_are_drawn():
    """Without momentum and with H = 1 the mean of all steps is weighted by shards of 100 to 401 rows."""
    def make(rank):
        return dist.Shard(MODELS[rank], 8, seed=rank)

    run = simulated_run(make, rounds=1, steps=1)
    steps = [0.02 * make(rank).gradient(START, 1)[0] for rank in range(4)]
    np.testing.assert_allclose(run.last, START - np.average(steps, axis=0, weights=[m.n for m in MODELS]), rtol=1e-12)


def test_a_sweep_and_fewer_points():
    opt = gd.gradient_descent(gd.per_run([0.01, 0.02]))
    sweep = simulated_run(opt=opt, theta0=np.zeros((2, 9)), every=10)
    assert sweep.t.tolist() == [0, 10, 20, 30]
    np.testing.assert_allclose(sweep.theta[:, 1], simulated_run(every=10).theta, rtol=1e-12)


def test_divergence_is_recorded():
    run = simulated_run(opt=gd.gradient_descent(50.0), rounds=200)
    assert 0 < run.diverged_at < 200 and run.t[-1] == 200


# -- outer optimisers --------------------------------------------------------------------------------------------------


def test_diloco_against_a_loop():
    """AdamW inside, whose moments stay with the worker; PyTorch's Nesterov outside, on the points that are sent."""
    inner = dict(lr=0.01, beta1=0.9, beta2=0.99, eps=1e-8, weight_decay=0.01)
    began = []

    def noted(oracle):
        for grad in oracle:
            yield lambda theta, grad=grad: began.append(theta.copy()) or grad(theta)

    with dist.workers(different, 4, "simulated") as pool:
        gd.run(WHOLE, gd.nesterov(0.7, 0.9), START, 20, oracle=noted(dist.local_steps(pool, 6, gd.adamw(**inner))))

    theta, v = START, np.zeros(9)
    moments = [(np.zeros(9), np.zeros(9)) for _ in MODELS]
    for r in range(20):
        np.testing.assert_allclose(began[r], theta, rtol=1e-9, atol=1e-12)
        ends = []
        for i, model in enumerate(MODELS):
            alone, (m, s) = theta, moments[i]
            for t in range(6 * r + 1, 6 * r + 7):
                g = model.grad(alone)
                m, s = 0.9 * m + 0.1 * g, 0.99 * s + 0.01 * g**2
                step = (m / (1 - 0.9**t)) / (np.sqrt(s / (1 - 0.99**t)) + 1e-8)
                alone = alone * (1 - 0.01 * 0.01) - 0.01 * step
            moments[i] = m, s
            ends.append(alone)
        delta = theta - np.average(ends, axis=0, weights=[model.n for model in MODELS])
        v = 0.9 * v + delta
        theta = theta - 0.7 * (delta + 0.9 * v)


def test_outer_momentum_needs_fewer_rounds():
    """Poorly conditioned, the same inner steps: rounds until the loss is within 1 % of its fall."""
    scales = np.array([1.0, 0.05])
    f = gd.quadratic(scales)

    class Bowl:
        def gradient(self, theta, t):
            return f.grad(theta), 1

    rounds = []
    for outer in (AVERAGED, gd.nesterov(0.7, 0.9)):
        with dist.workers(lambda rank: Bowl(), 2, "simulated") as pool:
            oracle = dist.local_steps(pool, 4, gd.gradient_descent(0.1))
            run = gd.run(f, outer, [1.0, 1.0], 300, oracle=oracle)
        rounds.append(int(np.argmax(run.loss < 1e-6)))
    assert 0 < rounds[1] < rounds[0] / 2


# -- drift -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("steps", "floor"), [(1, 0.0), (4, 1e-3), (20, 0.04)])
def test_drift_leaves_a_floor_and_scaffold_goes_to_the_minimum(steps, floor):
    rounds = 1200 // steps
    plain, corrected = (simulated_run(rounds=rounds, steps=steps, scaffold=scaffold, every=rounds).loss[-1] - LEAST
                        for scaffold in (False, True))
    assert corrected < 1e-9
    assert plain < 1e-9 if steps == 1 else plain > floor


def test_scaffold_against_a_loop():
    """The paper's second option:  cᵢ ← cᵢ − c + (x − yᵢ)/(Kη);  c ← c + the mean change of the cᵢ, weighted by rows."""
    run = simulated_run(rounds=40, steps=6, scaffold=True)
    weights = np.array([model.n for model in MODELS]) / 1001
    x, c, own = START, np.zeros(9), np.zeros((4, 9))
    for r in range(40):
        ends = np.zeros((4, 9))
        for i, model in enumerate(MODELS):
            y = x
            for _ in range(6):
                y = y - 0.02 * (model.grad(y) - own[i] + c)
            ends[i] = y
        new = own - c + (x - ends) / (6 * 0.02)
        c, own = c + weights @ (new - own), new
        x = weights @ ends
        np.testing.assert_allclose(run.theta[r + 1], x, rtol=1e-9, atol=1e-11)


# -- nothing lost ------------------------------------------------------------------------------------------------------


KINDS = {
    "averaging": dict(opt=PLAIN),
    "DiLoCo": dict(opt=gd.adamw(0.01), outer=gd.nesterov(0.7, 0.9)),
    "SCAFFOLD": dict(opt=PLAIN, scaffold=True),
    "SCAFFOLD with momentum": dict(opt=gd.momentum(0.005), scaffold=True),
}
kinds = pytest.mark.parametrize("kind", KINDS)


def drawn(rank):
    return dist.Shard(MODELS[rank], 16, seed=rank)


@kinds
def test_workers_that_die_change_no_bit(kind):
    whole = simulated_run(drawn, **KINDS[kind])
    dead = simulated_run(drawn, deaths=[(5.5, 1), (5.6, 3), (23.1, 1), (33.0, 0)], **KINDS[kind])
    assert digest(dead) == digest(whole)


@kinds
def test_a_run_goes_on_from_a_file_with_the_same_bits(kind, tmp_path):
    whole = simulated_run(drawn, **KINDS[kind])
    simulated_run(drawn, rounds=17, checkpoint=tmp_path, every_steps=5, **KINDS[kind])
    late = simulated_run(drawn, checkpoint=tmp_path, every_steps=5, **KINDS[kind])
    assert late.t[0] == 17 and late.last.tobytes() == whole.last.tobytes()


def test_a_real_process_that_is_killed_changes_no_bit():
    kind = dict(opt=gd.momentum(0.005), scaffold=True)
    whole = simulated_run(drawn, 2, **kind)

    def killing(oracle, pool):
        for t, grad in enumerate(oracle, start=1):
            if t == 14:
                os.kill(pool.pids()[1], signal.SIGKILL)
            yield grad

    with dist.workers(drawn, 2) as pool:
        oracle = killing(dist.local_steps(pool, 5, kind["opt"], scaffold=True), pool)
        assert digest(train(pool, oracle=oracle)) == digest(whole)
        assert [pause.rank for pause in pool.pauses] == [1]


def test_bytes_both_ways_are_counted():
    with dist.workers(different, 4, "simulated") as pool:
        for scaffold, each in ((False, 1), (True, 2)):
            oracle = dist.local_steps(pool, 5, PLAIN, scaffold=scaffold, backup=100)
            train(pool, 20, oracle=oracle)
            assert oracle.up == 20 * 4 * (each * 72 + 8) and oracle.down == 20 * 4 * each * 72 - (scaffold and 4 * 64)


# -- what goes wrong ---------------------------------------------------------------------------------------------------


class Wrong:
    def __init__(self, rank, what):
        self.what = what if rank == 1 else None

    def gradient(self, theta, t):
        g = theta.copy()
        if self.what == "nan":
            return g * np.nan, 1
        if t >= 11 and self.what == "width":
            return g[:1], 1
        if t >= 11 and self.what == "raises":
            raise KeyError("no such row")
        return (g, 1) if t < 11 or self.what != "no pair" else g


@pytest.mark.parametrize(("what", "step", "error", "sentence"), [
    ("nan", 0, ValueError, "worker 1 sent a gradient with nan or inf at step 1: look at its rows"),
    ("width", 2, ValueError, r"worker 1 sent a gradient of shape \(1,\) at step 11, and theta has shape \(2,\)"),
    ("raises", 2, KeyError, "no such row(?s:.)*Worker 1 raised this"),
    ("no pair", 2, TypeError, "worker 1 must answer .gradient, rows.; got array"),
])
def test_an_error_says_whose_it_is_and_keeps_the_parameters(what, step, error, sentence):
    with dist.workers(lambda rank: Wrong(rank, what), 2, "simulated") as pool:
        with pytest.raises(error, match=sentence) as caught:
            gd.run(gd.quadratic([1.0, 1.0]), AVERAGED, [1.0, 1.0], 9, oracle=dist.local_steps(pool, 5, PLAIN))
    assert (caught.value.rank, caught.value.step) == (1, step)
    np.testing.assert_allclose(caught.value.theta, 0.98 ** (5 * step))
    assert caught.value.run.t[-1] == step


@pytest.mark.parametrize(("arguments", "error", "sentence"), [
    (dict(steps=0), ValueError, "steps must be a whole number of at least 1; got 0"),
    (dict(backup=0), ValueError, "backup must be a whole number of at least 1; got 0"),
    (dict(start=-1), ValueError, "start must be a whole number of at least 0; got -1"),
    (dict(opt=0.1), TypeError, "opt must be a rule such as gd.gradient_descent.lr=0.1.; got 0.1"),
])
def test_bad_input_in_one_sentence(arguments, error, sentence):
    with dist.workers(different, 4, "simulated") as pool, pytest.raises(error, match=sentence):
        dist.local_steps(pool, **(dict(steps=5, opt=PLAIN) | arguments))
