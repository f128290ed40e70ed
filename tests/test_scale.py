"""Many workers: a call costs as much among ten thousand as among a hundred, and the clock is theory's."""
import time

import numpy as np
import pytest

import gdlib as gd
from gdlib import distributed as dist

BOWL = gd.quadratic([1.0, 10.0])


class Slope:
    """A worker of the bowl."""

    def __init__(self, rank):
        self.rank = rank

    def gradient(self, theta, t):
        return BOWL.grad(theta), 1


def train(pool, steps, wait_for=None):
    oracle = dist.synchronous(pool, wait_for=wait_for)
    return gd.run(BOWL, gd.momentum(0.05), [1.0, 1.0], steps, oracle=oracle).theta[-1].tobytes()


def straggling(rank, rng):
    """One second of work, and an exponential delay of 0.05 s on average."""
    return 1 + 0.05 * rng.standard_exponential()


def failures(n, mtbf, until, seed=0):
    """(when, rank) of failures: each worker fails once in `mtbf` seconds on average."""
    rng = np.random.default_rng(seed)
    count = rng.poisson(n * until / mtbf)
    return list(zip(rng.uniform(0, until, count).tolist(), rng.integers(n, size=count).tolist(), strict=True))


def seconds_a_call(n, steps, **options):
    with dist.workers(Slope, n, "simulated", seconds=straggling, **options) as pool:
        began = time.process_time()
        train(pool, steps)
        return (time.process_time() - began) / n / steps


def test_a_call_among_many_workers_costs_what_it_costs_among_few():
    few = min(seconds_a_call(200, 10) for _ in range(3))
    many = min(seconds_a_call(8000, 1) for _ in range(2))
    assert many < 4 * few


def test_ten_thousand_workers_with_stragglers_and_failures():
    """Each worker fails once in 10,000 s: about one of them a second. A restart takes 5 s, and no bit is lost."""
    n, steps, deaths = 10_000, 3, failures(10_000, mtbf=10_000, until=12)
    with dist.workers(Slope, n, "simulated", seconds=straggling) as pool:
        undisturbed, alone = train(pool, steps), pool.now()
    assert alone == pytest.approx(steps * (1 + 0.05 * dist.slowest(n)), abs=0.4)
    with dist.workers(Slope, n, "simulated", seconds=straggling, deaths=deaths, restart_seconds=5.0) as pool:
        assert train(pool, steps) == undisturbed
        stopped = sum(pause.seconds for pause in pool.pauses)
        assert len(pool.pauses) >= 3 and stopped == 5 * len(pool.pauses)
        assert alone + stopped - steps < pool.now() < alone + stopped + 1.6 * len(pool.pauses)


@pytest.mark.parametrize("n", [1, 10, 100])
def test_a_step_waits_for_the_slowest_of_n(n):
    """Over 300 steps the mean of the longest delay is its expected value, 0.5 s · (1 + 1/2 + … + 1/n)."""
    with dist.workers(Slope, n, "simulated", seconds=lambda rank, rng: 0.5 * rng.standard_exponential()) as pool:
        train(pool, 300)
        assert pool.now() / 300 == pytest.approx(0.5 * dist.slowest(n), abs=0.1)


def test_the_share_of_time_that_failures_leave_is_the_formula():
    n, steps, mtbf, restart = 50, 400, 1250.0, 2.5
    options = dict(deaths=failures(n, mtbf, until=600), restart_seconds=restart)
    with dist.workers(Slope, n, "simulated", seconds=straggling, **options) as pool:
        train(pool, steps)
        assert len(pool.pauses) > 10
        working = steps * (1 + 0.05 * dist.slowest(n))
        assert working / pool.now() == pytest.approx(dist.uptime(n, mtbf, restart), abs=0.03)


def test_late_answers_of_many_workers_are_left():
    with dist.workers(Slope, 2000, "simulated", seconds=straggling) as pool:
        train(pool, 5, wait_for=1980)
        assert pool.now() < 5 * (1 + 0.05 * 6) and 0 < len(pool.unanswered) <= 40


class Meddler:
    """A worker that changes whatever it is given, and what it has answered."""

    def __init__(self, rank):
        self.mine = np.zeros(2)

    def change(self, theta, parts, settings):
        theta *= 0
        parts.append(theta)
        settings["lr"] = None
        self.mine += 1
        return self.mine


def test_what_a_worker_changes_in_place_is_its_own_copy():
    theta, parts, settings = np.ones(2), [np.ones(1)], {"lr": 0.1}
    with dist.workers(Meddler, 3, "simulated") as pool:
        first = dist.gather(pool, "change", theta, parts, settings)
        dist.gather(pool, "change", theta, parts, settings)
    assert theta.tolist() == [1, 1] and len(parts) == 1 and settings == {"lr": 0.1}
    assert [answer.tolist() for answer in first] == [[1, 1]] * 3


def test_the_unanswered_calls_are_a_live_view_and_none_of_them_stays():
    with dist.workers(Slope, 3, "simulated", seconds=lambda rank, rng: 1.0 + rank) as pool:
        unanswered = pool.unanswered
        tickets = [pool.call(rank, "gradient", np.ones(2), 1) for rank in (2, 0, 1)]
        assert list(unanswered) == tickets and pool.first(unanswered)[0].rank == 0
        assert list(unanswered) == [tickets[0], tickets[2]]
        pool.restart(1)
        assert list(unanswered) == [tickets[0]] and pool.first(unanswered)[0].rank == 2
        with pytest.raises(ValueError, match="tickets must be those of calls that were started; got none"):
            pool.first(unanswered)
        for _ in range(1000):  # answered one by one, and not through the view
            pool.first([pool.call(0, "gradient", np.ones(2), 1)])
        assert not unanswered and len(pool._queue) < 200
        again = pool.call(1, "gradient", np.ones(2), 1)
        assert pool.first(unanswered)[0] is again and pool.first([again])[0] is again
