"""The parameter server: how old a gradient may become, what its age does to the step, and going on from a file."""
import os
import signal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gdlib as gd
from gdlib import distributed as dist
from tests.test_distributed import START, WHOLE, shard

DESCENT = gd.gradient_descent(0.02)


def uneven(rank, rng):
    """Worker 0 is ten times slower than the others."""
    return rng.uniform(0.8, 1.2) * (10 if rank == 0 else 1)


def served(n=4, updates=100, opt=DESCENT, seconds=uneven, batch_size=None, deaths=(), **options):
    with dist.workers(shard(n, batch_size), n, "simulated", seconds=seconds, deaths=deaths) as pool:
        return dist.parameter_server(pool, opt, START, updates, **options)


# -- the record --------------------------------------------------------------------------------------------------------


def test_only_every_tenth_point_is_kept_and_the_last():
    whole, tenth = served(updates=95), served(updates=95, every=10)
    assert tenth.t.tolist() == [*range(0, 91, 10), 95] and len(tenth.theta) == 11
    assert tenth.theta.tobytes() == whole.theta[tenth.t].tobytes()
    assert tenth.seconds.tolist() == whole.seconds.tolist() and tenth.rank.tolist() == whole.rank.tolist()


def test_one_worker_is_descent_in_one_process_and_diverges_with_it():
    class Valley:
        def gradient(self, theta, t):
            return gd.rosenbrock.grad(theta), 1

    alone = gd.run(gd.rosenbrock, gd.gradient_descent(0.1), [-1.0, 1.0], 20)
    with dist.workers(lambda rank: Valley(), 1, "simulated") as pool:
        server = dist.parameter_server(pool, gd.gradient_descent(0.1), [-1.0, 1.0], 20)
        assert server.theta.tobytes() == alone.theta.tobytes() and server.diverged_at == alone.diverged_at == 7
        sweep = dist.parameter_server(pool, gd.gradient_descent(gd.per_run([1e-4, 0.1])), [-1.0, 1.0], 20)
        assert sweep.diverged_at.tolist() == [-1, 7]


# -- staleness ---------------------------------------------------------------------------------------------------------


def test_every_step_is_its_workers_gradient_at_the_theta_that_was_read():
    """Against a slow loop over the record, with the step as it is and divided by the staleness."""
    models = [shard(4)(rank).model for rank in range(4)]
    for scaled in (False, True):
        done = served(staleness_scaled=scaled)
        assert done.staleness.max() > 10
        for k, (age, rank) in enumerate(zip(done.staleness, done.rank, strict=True)):
            rate = 0.02 / max(1, age) if scaled else 0.02
            step = rate * models[rank].grad(done.theta[k - age])
            np.testing.assert_allclose(done.theta[k + 1], done.theta[k] - step, rtol=1e-12, atol=1e-14)


def test_dividing_by_the_staleness_keeps_a_rate_stable_that_old_gradients_do_not():
    """Four even workers are 3 updates late: rates up to 2 sin(π/14) = 0.445 are stable, and 1/3 is what 1 becomes."""
    class Bowl:
        def gradient(self, theta, t):
            return theta, 1

    with dist.workers(lambda rank: Bowl(), 4, "simulated") as pool:
        plain, scaled = (dist.parameter_server(pool, gd.gradient_descent(1.0), [1.0], 200, staleness_scaled=scaled)
                         for scaled in (False, True))
    assert abs(plain.theta[-1]) > 1e10 and abs(scaled.theta[-1]) < 1e-3


@pytest.mark.parametrize("bound", [3, 4, 7, 12])
def test_no_gradient_is_older_than_the_bound_and_a_slow_worker_is_heard(bound):
    assert served().staleness.max() > 12
    done = served(max_staleness=bound)
    assert done.staleness.max() <= bound and set(done.rank) == {0, 1, 2, 3}
    alone = served(n=4, seconds=lambda rank, rng: 1.0)
    if bound == 3:  # everybody waits for the slowest: each is heard once in 4 updates
        assert all(set(done.rank[k : k + 4]) == {0, 1, 2, 3} for k in range(0, 100, 4))
        np.testing.assert_array_equal(done.staleness[4:], alone.staleness[4:])


def test_the_bound_costs_time_and_no_bound_costs_none():
    took = [served(max_staleness=bound).seconds[-1] for bound in (None, 40, 12, 3)]
    assert took == sorted(took) and took[0] < took[-1] / 4


@settings(deadline=None, max_examples=25)
@given(n=st.integers(1, 6), more=st.integers(0, 8), seed=st.integers(0, 999), deaths=st.booleans())
def test_the_bound_holds_whatever_the_workers_do(n, more, seed, deaths):
    rng = np.random.default_rng(seed)
    seconds = lambda rank, rng: rng.exponential() * (1 + rank)  # noqa: E731
    coming = [(float(when), int(rng.integers(n))) for when in np.cumsum(rng.exponential(9, 4))] if deaths else []
    with dist.workers(shard(n), n, "simulated", seconds=seconds, seed=seed, deaths=coming, max_deaths=9) as pool:
        done = dist.parameter_server(pool, DESCENT, START, 60, max_staleness=n - 1 + more)
    assert len(done.rank) == 60 and done.staleness.max() <= n - 1 + more


def test_an_answer_that_waited_is_used_once():
    """The sum of all steps is that of the gradients in the record: nothing twice, nothing dropped."""
    calls = []
    with dist.workers(shard(4), 4, "simulated", seconds=uneven) as pool:
        call = pool.call
        pool.call = lambda *args: calls.append(args) or call(*args)
        done = dist.parameter_server(pool, DESCENT, START, 80, max_staleness=5)
        waiting = 4 - len(pool.unanswered)
    assert len(calls) == 80 + 3 and waiting >= 1
    assert sorted(np.bincount(done.rank).tolist()) != [20] * 4


def test_who_waits_for_a_worker_that_hangs_is_told():
    seconds = lambda rank, rng: np.inf if rank == 2 else 1.0  # noqa: E731
    with dist.workers(shard(3), 3, "simulated", seconds=seconds, timeout=30) as pool:
        with pytest.raises(TimeoutError, match="worker 2 has not answered 'gradient' within 30 s") as caught:
            dist.parameter_server(pool, DESCENT, START, 100, max_staleness=6)
    assert caught.value.rank == 2 and caught.value.step == len(caught.value.updates.rank) == 6
    assert caught.value.theta.tobytes() == caught.value.updates.theta[-1].tobytes()


def test_an_error_among_answers_that_wait_says_where_it_stood():
    class Nearly:
        def __init__(self, rank):
            self.rank = rank

        def gradient(self, theta, t):
            return (theta if t < 30 or self.rank != 1 else theta[:1]), 1

    seconds = lambda rank, rng: 5.0 if rank == 0 else 1.0  # noqa: E731
    with dist.workers(Nearly, 3, "simulated", seconds=seconds) as pool:
        with pytest.raises(ValueError, match="worker 1 sent a gradient of shape") as caught:
            dist.parameter_server(pool, DESCENT, [1.0, 2.0], 100, max_staleness=4)
    assert caught.value.rank == 1 and caught.value.step == len(caught.value.updates.rank) >= 29
    assert caught.value.theta.tobytes() == caught.value.updates.theta[-1].tobytes()


@pytest.mark.parametrize(("options", "sentence"), [
    (dict(max_staleness=2), "max_staleness, for 4 workers, must be a whole number of at least 3; got 2"),
    (dict(every=0), "every must be a whole number of at least 1; got 0"),
    (dict(every_steps=0.5), "every_steps must be a whole number of at least 1; got 0.5"),
])
def test_bad_options_in_one_sentence(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        served(**options)


# -- going on ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opt", [DESCENT, gd.momentum(0.01), gd.adam(0.05)], ids=lambda opt: opt.name)
def test_one_worker_goes_on_from_a_file_with_the_same_bits(opt, tmp_path):
    whole = served(1, 60, opt, batch_size=16)
    served(1, 25, opt, batch_size=16, checkpoint=tmp_path, every_steps=10)
    late = served(1, 60, opt, batch_size=16, checkpoint=tmp_path, every_steps=10)
    assert late.t[0] == 25 and late.theta.tobytes() == whole.theta[25:].tobytes()
    again = served(1, 60, opt, batch_size=16, checkpoint=tmp_path, every_steps=10)
    assert again.t.tolist() == [60] and again.theta[-1].tobytes() == whole.theta[-1].tobytes()
    assert again.seconds.tolist() == [late.seconds[-1]] and len(again.rank) == 0


def test_several_go_on_and_may_be_more(tmp_path):
    first = served(4, 40, checkpoint=tmp_path, every_steps=50)
    late = served(6, 200, checkpoint=tmp_path, every_steps=50)
    assert late.t[0] == 40 and late.theta[0].tobytes() == first.theta[-1].tobytes()
    assert late.seconds[0] == first.seconds[-1] and (np.diff(late.seconds) >= 0).all()
    assert late.staleness[0] == 0 and set(late.rank) == set(range(6))
    assert WHOLE(late.theta[-1]) < WHOLE(first.theta[-1])


def test_what_belongs_to_another_run_is_refused(tmp_path):
    served(2, 20, checkpoint=tmp_path)
    with pytest.raises(ValueError, match="opt and theta0 must be those of the run in .*; got others. Give a new run a"):
        served(2, 40, gd.gradient_descent(0.3), checkpoint=tmp_path)
    with pytest.raises(ValueError, match="step-00000020.npz was made by gradient_descent"):
        served(2, 40, gd.adam(0.3), checkpoint=tmp_path)
    with pytest.raises(ValueError, match="updates must be at least the 20 of the run in .*; got 10"):
        served(2, 10, checkpoint=tmp_path)


def test_a_worker_that_is_killed_takes_nothing_with_it(tmp_path):
    """With one worker the order of answers is fixed, and so are the bits: in the simulation and in a real process."""
    opt, flag = gd.momentum(0.01), str(tmp_path / "died")
    whole = served(1, 40, opt, batch_size=16)
    dead = served(1, 40, opt, batch_size=16, seconds=None, deaths=[(25.0, 0), (30.5, 0)])
    assert dead.theta.tobytes() == whole.theta.tobytes()

    class Deadly(dist.Shard):
        def gradient(self, theta, t):
            if t == 20 and not os.path.exists(flag):
                open(flag, "w").close()
                os.kill(os.getpid(), signal.SIGKILL)
            return super().gradient(theta, t)

    with dist.workers(lambda rank: Deadly(WHOLE, 16), 1) as pool:
        done = dist.parameter_server(pool, opt, START, 40)
        assert len(pool.pauses) == 1
    assert done.theta.tobytes() == whole.theta.tobytes()
