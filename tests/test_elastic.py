"""Workers that come and go between steps: rows are shared out anew, and the sum stays right."""
import numpy as np
import psutil
import pytest

import gdlib as gd
from gdlib import distributed as dist
from tests.test_distributed import START, WHOLE, cluster, digest, nothing_left

OPT = gd.momentum(0.02)
SIZES = [3, 5, 1, 4]


def part(rank, n):
    """Every n-th row, and for the first worker of several ten rows of the last one: shards of unequal length."""
    rows = np.arange(1001)[rank::n]
    if n > 1 and rank in (0, n - 1):
        last = np.arange(1001)[n - 1 :: n]
        rows = np.concatenate([rows, last[:10]]) if rank == 0 else last[10:]
    return dist.Shard(WHOLE.take(rows))


def changing(pool, sizes=SIZES, each=5, oracle=None, state=False):
    """Descent through pools of these sizes, each for some steps."""
    oracle = oracle or dist.synchronous(pool)
    theta, velocity, points, t = START, np.zeros(9), [START], 0
    for n in sizes:
        if n != pool.n:
            kept = oracle.state() if state else None
            pool.resize(n)
            if state:
                oracle.restore(kept)
        for _ in range(each):
            t, grad = t + 1, next(oracle)
            theta, velocity = OPT.update(t, theta, grad, velocity)
            points.append(theta)
    return np.array(points)


def check_gradients(pool):
    """At random points and for every size: the gradient over all rows."""
    rng = np.random.default_rng(0)
    for n in SIZES:
        pool.resize(n)
        theta = rng.normal(size=9)
        full = WHOLE.grad(theta)
        assert np.abs(next(dist.synchronous(pool))(theta) - full).max() <= 9 * 1e-15 * np.abs(full).max()
        assert sum(rows for _, rows in dist.gather(pool, "gradient", theta, 1)) == 1001


def test_the_gradient_is_that_of_all_rows_whatever_the_number_of_workers():
    with dist.workers(part, 2, "simulated") as pool:
        check_gradients(pool)


def test_the_descent_goes_on():
    with dist.workers(part, 3, "simulated", deaths=[(7.2, 1), (9.5, 4)]) as pool:
        points = changing(pool)
        assert [pause.rank for pause in pool.pauses] == [1, 4]
    np.testing.assert_allclose(points, gd.run(WHOLE, OPT, START, 20).theta, rtol=1e-12, atol=1e-13)


def test_processes_come_and_go_with_the_bits_of_the_simulation():
    with dist.workers(part, 3, "simulated") as pool:
        expected = changing(pool)
    with nothing_left() as look, dist.workers(part, 3) as pool:
        pids, resize = [pool.pids()], pool.resize
        pool.resize = lambda n: (resize(n), pids.append(pool.pids()))
        points = changing(pool)
        look()
        assert points.tobytes() == expected.tobytes()
        assert [len(set(some)) for some in pids] == SIZES
        assert all(set(some) <= set(pids[1]) for some in pids)  # of five: whoever was there stays
        assert all("MALLOC_TRIM_THRESHOLD_" not in psutil.Process(pid).environ() for pid in pool.pids())


def test_on_a_cluster():
    with cluster(3) as address, dist.workers(part, 2, address=address, connect_timeout=60) as pool:
        for n in (3, 1):
            pool.resize(n)
            full = WHOLE.grad(START)
            assert np.abs(next(dist.synchronous(pool))(START) - full).max() <= 9e-15 * np.abs(full).max()
        pool._link.patience = 2.0
        with pytest.raises(ConnectionError, match="the cluster has 3 workers, and 4 were asked for: start more"):
            pool.resize(4)
        with pytest.raises(RuntimeError, match="this pool is closed"):
            pool.call(0, "gradient", START, 1)


def test_late_answers_are_forgotten_and_fewer_workers_than_waited_for_are_enough():
    with dist.workers(part, 4, "simulated", seconds=lambda rank, rng: 50.0 if rank == 3 else 1.0) as pool:
        oracle = dist.synchronous(pool, wait_for=3)
        next(oracle)(START)
        assert len(pool.unanswered) == 1
        pool.resize(2)
        assert len(pool.unanswered) == 0
        full = WHOLE.grad(START)
        assert np.abs(next(oracle)(START) - full).max() <= 9e-15 * np.abs(full).max()


# -- what the workers keep ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compress", [dist.signs, dist.power_sgd(1, [(3, 3)])], ids=["signs", "PowerSGD"])
def test_residuals_are_shared_out_and_nothing_is_lost(compress):
    with dist.workers(part, 3, "simulated") as pool:
        oracle = dist.compressed(pool, compress)
        said = np.zeros(9)
        for n in SIZES:
            if n != pool.n:
                state = oracle.state()
                pool.resize(n)
                oracle.restore(state)
            said = said + sum(next(oracle)(START) for _ in range(20))
        rows = [rows for _, rows in dist.gather(pool, "gradient", START, 1)]
        kept = sum(n * residual for n, residual in zip(rows, oracle.residuals, strict=True)) / 1001
    np.testing.assert_allclose(said + kept, 80 * WHOLE.grad(START), rtol=1e-10)


def test_the_way_down_goes_on_too():
    with dist.workers(part, 3, "simulated") as pool:
        oracle = dist.compressed(pool, dist.eight_bits, compress_down=dist.eight_bits)
        points = changing(pool, [3, 5, 2], 200, oracle, state=True)
    assert WHOLE(points[-1]) - WHOLE(WHOLE.solution()) < 1e-6


INNER = [gd.gradient_descent(0.05), gd.adamw(gd.cosine(0.02, 2000))]


@pytest.mark.parametrize("inner", INNER, ids=lambda opt: opt.name)
def test_local_steps_go_on(inner):
    def by_target(rank, n):
        order = np.argsort(WHOLE.y, kind="stable")
        return dist.Shard(WHOLE.take(np.array_split(order, n)[rank]))

    with dist.workers(by_target, 3, "simulated") as pool:
        oracle = dist.local_steps(pool, 5, inner, scaffold=inner.name == "gradient_descent")
        theta = START
        for n in (3, 5, 2, 3):
            state = oracle.state()
            pool.resize(n)
            oracle.restore(state)
            for _ in range(100):
                theta = theta - next(oracle)(theta)
    assert WHOLE(theta) - WHOLE(WHOLE.solution()) < (1e-12 if inner.name == "gradient_descent" else 0.2)


@pytest.mark.parametrize("make", [
    lambda pool: dist.synchronous(pool), lambda pool: dist.compressed(pool, dist.eight_bits),
    lambda pool: dist.local_steps(pool, 10, gd.gradient_descent(0.1), scaffold=True),
], ids=["synchronous", "compressed", "local"])
def test_a_saved_run_goes_on_with_another_number_of_workers(make, tmp_path):
    opt, least = gd.gradient_descent(0.2), WHOLE(WHOLE.solution())
    for n, steps in ((4, 3), (3, 6), (6, 100)):
        with dist.workers(part, n, "simulated") as pool:
            run = gd.run(WHOLE, opt, START, steps, oracle=make(pool), checkpoint=tmp_path, every_steps=10)
        assert run.t[-1] == steps
    assert run.t[0] == 6 and run.loss[-1] - least < 1e-6 < 1e-4 < run.loss[0] - least


@pytest.mark.parametrize("make", [
    lambda pool: dist.compressed(pool, dist.signs), lambda pool: dist.local_steps(pool, 5, OPT),
], ids=["compressed", "local"])
def test_who_forgets_the_state_is_told(make):
    with dist.workers(part, 3, "simulated") as pool:
        oracle = make(pool)
        next(oracle)(START)
        pool.resize(2)
        with pytest.raises(RuntimeError, match="the pool must have the 3 workers .*; got 2. Take oracle.state"):
            next(oracle)(START)


def test_the_same_number_again_changes_no_bit():
    def train(pool, again):
        oracle = dist.compressed(pool, dist.top_k(2), backup=7)
        noted = ((pool.resize(3) if again and t == 10 else None, grad)[1] for t, grad in enumerate(oracle))
        return digest(gd.run(WHOLE, OPT, START, 25, oracle=noted))

    with dist.workers(part, 3, "simulated") as pool:
        assert train(pool, False) == train(pool, True)


# -- what make_worker takes --------------------------------------------------------------------------------------------


class Counted:
    def __init__(self, rank, n):
        self.said = (rank, n)

    def who(self):
        return self.said


def test_make_worker_is_given_n_where_it_asks_for_it():
    with dist.workers(Counted, 2, "simulated") as pool:
        assert dist.gather(pool, "who") == [(0, 2), (1, 2)]
        pool.resize(3)
        assert dist.gather(pool, "who") == [(0, 3), (1, 3), (2, 3)]
    for make in (lambda rank, n=7: Counted(rank, n), lambda rank, *rest: Counted(rank, 7),
                 lambda rank, *, n=7: Counted(rank, n)):
        with dist.workers(make, 2, "simulated") as pool:
            assert dist.gather(pool, "who") == [(0, 7), (1, 7)]
            with pytest.raises(ValueError, match="make_worker must take .rank, n. in a pool that is resized; got"):
                pool.resize(3)
            assert dist.gather(pool, "who") == [(0, 7), (1, 7)]


def test_a_make_worker_that_fails_at_the_new_size_closes_the_pool():
    def few(rank, n):
        if n > 2:
            raise MemoryError("too many")
        return Counted(rank, n)

    with dist.workers(few, 2, "simulated") as pool:
        with pytest.raises(ValueError, match="n, the number of workers, must be a whole number of at least 1; got 0"):
            pool.resize(0)
        with pytest.raises(MemoryError, match="too many(?s:.)*Worker 0 raised this in 'make_worker'"):
            pool.resize(3)
        with pytest.raises(RuntimeError, match="this pool is closed"):
            pool.resize(2)
