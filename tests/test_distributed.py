"""Descent on many workers: the same bits whatever the engine, and what goes wrong is told.

The simulation first, then processes of this machine, then a cluster reached by its address.
"""
import contextlib
import hashlib
import os
import re
import signal
import subprocess
import sys
import time
import warnings

import numpy as np
import psutil
import pytest

import gdlib as gd
from gdlib import checkpoints
from gdlib import distributed as dist
from gdlib.distributed import simulation

DATA = np.random.default_rng(0)
X = DATA.normal(size=(1001, 8))
Y = X @ DATA.normal(size=8) + DATA.normal(size=1001)
WHOLE = gd.LeastSquares(X, Y)
STEPS, START = 100, np.zeros(9)


def shard(n, batch_size=None):
    """Unequal parts of the rows, for n workers."""
    cuts = np.array_split(np.arange(1001), [1001 * k * (k + n) // (2 * n * n) for k in range(1, n)])
    return lambda rank: dist.Shard(gd.LeastSquares(X[cuts[rank]], Y[cuts[rank]]), batch_size, seed=rank)


def digest(run):
    return hashlib.sha256(run.theta.tobytes()).hexdigest()


def descend(pool, opt=None, steps=STEPS, at=None):
    """Synchronous descent; `at` = (step, what to do then)."""
    def oracle():
        for t, grad in enumerate(dist.synchronous(pool), start=1):
            if at and t == at[0]:
                at[1]()
            yield grad

    return gd.run(WHOLE, opt or gd.momentum(0.05), START, steps, oracle=oracle())


@pytest.fixture(scope="module")
def simulated():
    """n and batch size -> the digest of 100 steps in the simulation."""
    def run(n, batch_size=None):
        with dist.workers(shard(n, batch_size), n, "simulated") as pool:
            return digest(descend(pool))

    return run


# -- the simulation ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 4, 50])
@pytest.mark.parametrize("rule", [gd.gradient_descent, gd.momentum, gd.nesterov, gd.adam])
def test_unequal_shards_are_one_process(rule, n):
    with dist.workers(shard(n), n, "simulated") as pool:
        run = descend(pool, rule(0.02))
    np.testing.assert_allclose(run.theta, gd.run(WHOLE, rule(0.02), START, STEPS).theta, rtol=1e-12, atol=1e-12)


def test_a_sweep_goes_through_the_workers_too():
    opt = gd.gradient_descent(gd.per_run([0.01, 0.05]))
    with dist.workers(shard(3), 3, "simulated") as pool:
        run = descend(pool, opt)
    np.testing.assert_allclose(run.theta, gd.run(WHOLE, opt, START, STEPS).theta, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("batch_size", [None, 16])
def test_deaths_in_the_simulation_change_no_bit(batch_size, simulated):
    deaths = [(10.5, 2), (30.2, 0), (30.3, 1), (77.0, 2)]
    with dist.workers(shard(4, batch_size), 4, "simulated", deaths=deaths, restart_seconds=5.0) as pool:
        assert digest(descend(pool)) == simulated(4, batch_size)
    assert sorted(p.rank for p in pool.pauses) == [0, 1, 2, 2]
    assert all(p.seconds >= 5.0 for p in pool.pauses)
    assert pool.now() >= STEPS + 15


def test_the_clock_waits_for_the_slowest():
    with dist.workers(shard(4), 4, "simulated", seconds=lambda rank, rng: 1.0 + rank) as pool:
        descend(pool, steps=10)
        assert pool.now() == pytest.approx(40)


def test_backup_workers_leave_the_late_ones():
    seconds = lambda rank, rng: 10.0 if rank == 3 else 1.0  # noqa: E731
    with dist.workers(shard(4), 4, "simulated", seconds=seconds) as pool:
        oracle = dist.synchronous(pool, wait_for=3)
        run = gd.run(WHOLE, gd.gradient_descent(0.05), START, 8, oracle=oracle)
        assert pool.now() == pytest.approx(8)
    rows = np.concatenate([np.arange(1001)[np.isin(X[:, 0], shard(4)(r).model.X[:, 0])] for r in range(3)])
    alone = gd.run(gd.LeastSquares(X[rows], Y[rows]), gd.gradient_descent(0.05), START, 8)
    np.testing.assert_allclose(run.theta, alone.theta, rtol=1e-12)


@pytest.mark.parametrize("n", [1, 2, 4, 16])
def test_a_parameter_server_with_even_workers_is_stale_by_n_minus_one(n):
    with dist.workers(shard(n), n, "simulated") as pool:
        updates = dist.parameter_server(pool, gd.gradient_descent(0.01), START, 60)
    assert updates.staleness[:n].tolist() == list(range(n))
    assert set(updates.staleness[n:]) == {n - 1}
    assert updates.theta.shape == (61, 9) and updates.seconds[-1] == pytest.approx(60 / n, abs=1)
    assert WHOLE(updates.theta[-1]) < WHOLE(START) / 2


def test_a_parameter_server_is_delayed_descent():
    """Two even workers with the same rows: after the first update every gradient is one update old."""
    with dist.workers(lambda rank: dist.Shard(WHOLE), 2, "simulated") as pool:
        server = dist.parameter_server(pool, gd.gradient_descent(0.05), START, 30)
    late = gd.run(WHOLE, gd.gradient_descent(0.05), START, 30, oracle=gd.delayed(WHOLE, 1))
    np.testing.assert_allclose(server.theta, late.theta, rtol=1e-12)


def test_a_parameter_server_outlives_a_worker():
    with dist.workers(shard(4), 4, "simulated", deaths=[(5.5, 1)]) as pool:
        updates = dist.parameter_server(pool, gd.gradient_descent(0.02), START, 100)
    assert [p.rank for p in pool.pauses] == [1]
    assert len(updates.staleness) == 100 and (updates.rank[-20:] == 1).any()


def stays(lr, delay):
    f = gd.quadratic([1.0])
    run = gd.run(f, gd.gradient_descent(lr), [1.0], 6000, oracle=gd.delayed(f, delay))
    return run.distance[-1] <= run.distance[2000]


@pytest.mark.parametrize("delay", range(7))
def test_the_edge_of_stability_with_stale_gradients(delay):
    """2 sin(π/(2(2τ + 1))), by bisection."""
    low, high = 0.05, 3.0
    for _ in range(12):
        middle = (low + high) / 2
        low, high = (middle, high) if stays(middle, delay) else (low, middle)
    assert low == pytest.approx(2 * np.sin(np.pi / (2 * (2 * delay + 1))), abs=2e-3)


def test_local_descent_of_one_step_is_synchronous_descent():
    with dist.workers(shard(4), 4, "simulated") as pool:
        points = dist.local_descent(pool, START, 20, 1, 0.02)
        many = dist.local_descent(pool, START, 20, 10, 0.02)
    alone = gd.run(WHOLE, gd.gradient_descent(0.02), START, 20)
    np.testing.assert_allclose(points, alone.theta, rtol=1e-12, atol=1e-12)
    assert WHOLE(many[-1]) < WHOLE(points[-1])


# -- compression -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("compress", "nbytes"), [(dist.top_k(2), 24), (dist.signs, 10), (dist.eight_bits, 17)])
def test_with_feedback_nothing_is_lost_for_good(compress, nbytes):
    """What was said and what is still kept back add up to all gradients."""
    with dist.workers(shard(2), 2, "simulated") as pool:
        oracle = dist.compressed(pool, compress)
        said = sum(next(oracle)(START) for _ in range(50))
        kept = sum(shard(2)(r).model.n * oracle.residuals[r] for r in range(2)) / 1001
    np.testing.assert_allclose(said + kept, 50 * WHOLE.grad(START), rtol=1e-10)
    assert oracle.nbytes == 50 * nbytes


@pytest.mark.parametrize("compress", [dist.top_k(1), dist.signs], ids=["top 1", "signs"])
def test_feedback_reaches_the_minimum_and_without_it_there_is_a_floor(compress):
    with dist.workers(shard(4), 4, "simulated") as pool:
        loss = [gd.run(WHOLE, gd.gradient_descent(0.02), START, 1500, every=1500,
                       oracle=dist.compressed(pool, compress, feedback)).loss[-1] for feedback in (True, False)]
    least = WHOLE(WHOLE.solution())
    assert loss[0] - least < 1e-3 < 1.5e-3 < loss[1] - least


def test_eight_bits_are_within_half_a_step():
    g = DATA.normal(size=1000)
    assert np.abs(dist.eight_bits(g)[0] - g).max() <= np.abs(g).max() / 254 * 1.0001
    assert dist.eight_bits(np.zeros(3))[0].tolist() == [0, 0, 0]


# -- checkpoints -------------------------------------------------------------------------------------------------------


OPTS = [gd.gradient_descent(0.02), gd.momentum(0.02), gd.adam(gd.cosine(0.02, STEPS))]


@pytest.mark.parametrize("k", range(3), ids=["none", "array", "tuple"])
def test_a_run_goes_on_elsewhere_bit_for_bit(k, tmp_path):
    opt = OPTS[k]
    whole = descend(dist.workers(shard(3, 8), 3, "simulated"), opt)
    with dist.workers(shard(3, 8), 3, "simulated") as pool:
        run = gd.run(WHOLE, opt, START, 37, oracle=dist.synchronous(pool))
    checkpoints.save(tmp_path, run)
    code = f"""
import sys; sys.path.insert(0, {os.path.dirname(os.path.dirname(__file__))!r})
from tests.test_distributed import *
run = checkpoints.load({str(tmp_path)!r}, WHOLE, OPTS[{k}])
with dist.workers(shard(3, 8), 3, "simulated") as pool:
    run = gd.run(WHOLE, OPTS[{k}], None, 63, resume=run, oracle=dist.synchronous(pool, start=int(run.t[-1])))
print(run.theta[-1].tobytes().hex())
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert bytes.fromhex(out.strip()) == whole.theta[-1].tobytes()


def test_a_nested_state_comes_back(tmp_path):
    f = gd.SoftmaxRegression(X, (Y > 0).astype(int))
    opt = gd.muon(0.02, gd.adam(0.01), f.shapes)
    whole = gd.run(f, opt, np.zeros(f.dim), 10)
    checkpoints.save(tmp_path, gd.run(f, opt, np.zeros(f.dim), 4))
    late = gd.run(f, opt, None, 6, resume=checkpoints.load(tmp_path, f, opt))
    assert late.t.tolist() == list(range(4, 11)) and np.array_equal(late.theta[-1], whole.theta[-1])


def saved(folder, *steps):
    run = gd.run(WHOLE, gd.momentum(0.02), START, 0)
    for first, last in zip((0, *steps), steps, strict=False):
        run = gd.run(WHOLE, gd.momentum(0.02), None, last - first, resume=run)
        checkpoints.save(folder, run)


@pytest.mark.parametrize("left", [0, 10, 200, -1])
def test_a_checkpoint_cut_short_is_refused_and_the_one_before_is_used(left, tmp_path):
    saved(tmp_path, 5, 10, 15)
    newest = tmp_path / "step-00000015.npz"
    newest.write_bytes(newest.read_bytes()[:left])
    with pytest.warns(UserWarning, match="step-00000015.npz is damaged .* and the checkpoint before it is used"):
        run = checkpoints.load(tmp_path, WHOLE, gd.momentum(0.02))
    assert run.t.tolist() == [10]
    assert np.array_equal(run.theta[-1], gd.run(WHOLE, gd.momentum(0.02), START, 10).theta[-1])


def test_a_checkpoint_is_whole_or_not_there(tmp_path, monkeypatch):
    saved(tmp_path, 5)
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space left"):
        saved(tmp_path, 10)
    assert [p.name for p in tmp_path.iterdir()] == ["step-00000005.npz"]


def test_old_checkpoints_are_removed_and_other_rules_refused(tmp_path):
    assert checkpoints.load(tmp_path, WHOLE, gd.momentum(0.02)) is None
    saved(tmp_path, 5, 10, 15, 20)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step-00000015.npz", "step-00000020.npz"]
    with pytest.raises(ValueError, match="step-00000020.npz was made by momentum, and adam can't go on from its state"):
        checkpoints.load(tmp_path, WHOLE, gd.adam())
    with pytest.raises(TypeError, match="run must be what gd.run returns; got 7"):
        checkpoints.save(tmp_path, 7)


# -- what goes wrong ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda: dist.workers(shard(1), 0), ValueError, "n, the number of workers, must be .*; got 0"),
        (lambda: dist.workers(shard(1), 2.0), ValueError, "n, the number of workers, must be a whole number"),
        (lambda: dist.workers(3, 2), TypeError, "make_worker must be a function of the rank"),
        (lambda: dist.workers(shard(1), 1, timeout=0), ValueError, "timeout must be a finite number above 0"),
        (lambda: dist.workers(shard(1), 1, engine="mpi"), ValueError, "engine must be 'processes' or 'simulated'"),
        (lambda: dist.workers(shard(1), 1, "simulated", "tcp://a"), ValueError, "address must be left out"),
        (lambda: dist.synchronous(dist.workers(shard(2), 2, "simulated"), wait_for=3), ValueError, "wait_for must be"),
        (lambda: dist.workers(shard(2), 2, "simulated").call(2, "gradient"), ValueError, "rank must be .* from 0 to 1"),
        (lambda: dist.workers(shard(2), 2, "simulated").first([]), ValueError, "tickets must be those of calls"),
        (lambda: dist.top_k(0), ValueError, "k must be a whole number of at least 1"),
        (lambda: dist.Shard(WHOLE, batch_size=2000), ValueError, "batch_size must be .* from 1 to 1001"),
        (lambda: dist.ring([np.ones(2)], dist.Network(2)), ValueError, "vectors must be one for .*; got 1"),
        (lambda: dist.ring([np.ones(2), np.ones(3)], dist.Network(2)), ValueError, "vectors must all have one shape"),
    ],
)
def test_bad_input_in_one_sentence(call, error, sentence):
    with pytest.raises(error, match=sentence):
        call()


class Sick:
    """A worker's object whose gradient is wrong, as `what` says."""

    def __init__(self, rank, what=None):
        self.what = what if rank == 1 else None

    def gradient(self, theta, t):
        if self.what == "raises" and t == 3:
            raise ZeroDivisionError("by zero, in the worker")
        if self.what == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.what == "sleeps":
            time.sleep(30)
        width = 5 if self.what == "width" else len(theta)
        return np.full(width, np.nan if self.what == "nan" and t == 3 else 1.0) * np.ones(width), 10


def sick(what):
    return lambda rank: Sick(rank, what)


BOWL = gd.quadratic([1.0, 1.0])
WRONG = [
    ("nan", ValueError, "worker 1 sent a gradient with nan or inf at step 3"),
    ("width", ValueError, r"worker 1 sent a gradient of shape \(5,\) at step 1, and theta has shape \(2,\): do all"),
    ("raises", ZeroDivisionError, "by zero, in the worker"),
]


@pytest.mark.parametrize(("what", "error", "sentence"), WRONG)
@pytest.mark.parametrize("strategy", [
    lambda pool: gd.run(BOWL, gd.momentum(0.1), [1.0, 1.0], 9, oracle=dist.synchronous(pool)),
    lambda pool: gd.run(BOWL, gd.momentum(0.1), [1.0, 1.0], 9, oracle=dist.compressed(pool, dist.signs)),
], ids=["synchronous", "compressed"])
def test_a_sick_worker_is_named(strategy, what, error, sentence):
    with pytest.raises(error, match=sentence), dist.workers(sick(what), 3, "simulated") as pool:
        strategy(pool)


def test_a_sick_worker_is_named_where_another_was_late():
    """Of the first two answers the second is worker 2's."""
    make = lambda rank: Sick(1 if rank == 2 else 0, "nan")  # noqa: E731
    seconds = lambda rank, rng: 5.0 if rank == 0 else 1.0  # noqa: E731
    with dist.workers(make, 3, "simulated", seconds=seconds) as pool:
        with pytest.raises(ValueError, match="worker 2 sent a gradient with nan or inf at step 3"):
            gd.run(BOWL, gd.momentum(0.1), [1.0, 1.0], 9, oracle=dist.synchronous(pool, wait_for=2))


def test_a_worker_that_hangs_in_the_simulation_is_named():
    seconds = lambda rank, rng: np.inf if rank == 1 else 1.0  # noqa: E731
    with dist.workers(shard(3), 3, "simulated", seconds=seconds, timeout=20.0) as pool:
        with pytest.raises(TimeoutError, match="worker 1 has not answered 'gradient' within 20 s"):
            descend(pool)
        assert pool.now() == pytest.approx(21)


def test_one_that_dies_again_and_again_is_given_up_and_nothing_is_lost():
    deaths = [(10.5 + 0.25 * k, 1) for k in range(40)]
    sentence = "worker 1 died 3 times in a row (?s:.)* after step 10, are in this error's .theta"
    with dist.workers(shard(3), 3, "simulated", deaths=deaths, restart_seconds=0.1, max_deaths=2) as pool:
        with pytest.raises(dist.GaveUp, match=sentence) as caught:
            descend(pool)
    assert caught.value.rank == 1
    healthy = descend(dist.workers(shard(3), 3, "simulated"), steps=10)
    np.testing.assert_array_equal(caught.value.theta, healthy.theta[-1])


# -- processes of this machine -----------------------------------------------------------------------------------------


@contextlib.contextmanager
def nothing_left():
    """Every process that was started inside is gone soon after."""
    before = {p.pid for p in psutil.Process().children(recursive=True)}
    started = set()

    def look():
        started.update(p for p in psutil.Process().children(recursive=True) if p.pid not in before)

    yield look
    # what Python starts once for all its pools, and keeps: the tracker of shared memory
    gone, alive = psutil.wait_procs([p for p in started if "resource_tracker" not in " ".join(command(p))], timeout=30)
    assert started and not alive


def command(process):
    with contextlib.suppress(psutil.Error):
        return process.cmdline()
    return []


@pytest.mark.parametrize("n", [2, 4])
def test_processes_give_the_bits_of_the_simulation(n, simulated):
    with nothing_left() as look, dist.workers(shard(n), n) as pool:
        look()
        assert len(set(pool.pids())) == n and os.getpid() not in pool.pids()
        assert digest(descend(pool)) == simulated(n)


BITS = """
import sys; sys.path.insert(0, {root!r})
import hashlib, numpy as np, gdlib as gd
X, y = gd.data.load("digits")
f = gd.MLP(X, y, (64,))
start = f.init(np.random.default_rng(0))
if __name__ == "__main__":
    for engine in ("simulated", "processes"):
        with gd.distributed.workers(lambda r: gd.distributed.Shard(f.take(slice(r, None, 2))), 2, engine) as pool:
            run = gd.run(f, gd.adam(1e-3), start, 20, oracle=gd.distributed.synchronous(pool))
        print(hashlib.sha256(run.theta.tobytes()).hexdigest())
"""


@pytest.mark.parametrize("threads", [None, "2"])
def test_the_bits_do_not_depend_on_the_threads_of_the_kernel(threads, tmp_path):
    script = tmp_path / "kernel.py"
    script.write_text(BITS.format(root=os.path.dirname(os.path.dirname(__file__))), encoding="utf-8")
    environment = {k: v for k, v in os.environ.items() if k != "OPENBLAS_NUM_THREADS"}
    environment |= {"OPENBLAS_NUM_THREADS": threads} if threads else {}
    out = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True, env=environment).stdout
    simulated, processes = out.split()
    assert simulated == processes


def test_a_killed_worker_costs_a_pause_and_no_bit(simulated):
    with nothing_left() as look, dist.workers(shard(3, 16), 3) as pool:
        look()
        run = descend(pool, at=(50, lambda: os.kill(pool.pids()[1], signal.SIGKILL)))
        look()
        assert digest(run) == simulated(3, 16)
        assert [p.rank for p in pool.pauses] == [1]
        assert 0 < pool.pauses[0].seconds < 60
        server = dist.parameter_server(pool, gd.gradient_descent(0.02), START, 40)  # and the pool is as good as new
        assert WHOLE(server.theta[-1]) < WHOLE(START) / 2


@pytest.mark.parametrize(("what", "error", "sentence"), WRONG)
def test_a_sick_process_is_named_and_nothing_stays(what, error, sentence):
    with pytest.raises(error, match=sentence), nothing_left() as look, dist.workers(sick(what), 2) as pool:
        look()
        gd.run(BOWL, gd.momentum(0.1), [1.0, 1.0], 9, oracle=dist.synchronous(pool))


def test_a_process_that_dies_again_and_again():
    with dist.workers(sick("dies"), 2, max_deaths=1) as pool:
        with pytest.raises(dist.GaveUp, match="worker 1 died 2 times in a row without an answer") as caught:
            gd.run(BOWL, gd.momentum(0.1), [1.0, 2.0], 9, oracle=dist.synchronous(pool))
    assert caught.value.theta.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("frozen", [False, True], ids=["busy", "frozen"])
def test_a_process_that_hangs_is_named_and_can_be_made_again(frozen):
    with nothing_left() as look, dist.workers(sick("sleeps"), 2, timeout=20) as pool:
        look()
        if frozen:
            os.kill(pool.pids()[1], signal.SIGSTOP)
        tickets = [pool.call(rank, "gradient", np.zeros(2), 1) for rank in range(2)]
        assert pool.first(tickets)[0].rank == 0
        with pytest.raises(TimeoutError, match="worker 1 has not answered 'gradient' within 0.5 s: a process that"):
            pool.first(tickets[1:], timeout=0.5)
        old = pool.pids()[1] if not frozen else None
        pool.restart(1)
        look()
        assert pool.pids()[1] != old


def test_a_make_worker_that_fails_is_told_and_nothing_stays():
    with pytest.raises(ZeroDivisionError), nothing_left():
        dist.workers(lambda rank: 1 / rank, 2)


def test_every_port_is_for_this_machine_alone():
    with dist.workers(shard(2), 2):
        family = [psutil.Process(), *psutil.Process().children(recursive=True)]
        listening = [c for p in family for c in p.net_connections("inet") if c.status == psutil.CONN_LISTEN]
        assert len(listening) >= 5  # the scheduler, two nannies, two workers
        assert {c.laddr.ip for c in listening} == {"127.0.0.1"}


class Surroundings:
    def gradient(self, theta, t):
        return os.environ.get("MALLOC_TRIM_THRESHOLD_"), os.environ.get("OPENBLAS_NUM_THREADS")


def test_processes_keep_the_memory_that_the_next_step_needs(monkeypatch):
    monkeypatch.delenv("MALLOC_TRIM_THRESHOLD_", raising=False)
    with dist.workers(lambda rank: Surroundings(), 2) as pool:
        pool.restart(1)
        assert dist.gather(pool, "gradient", START, 1) == [(None, "1")] * 2


KERNEL = """
import signal, sys, time; sys.path.insert(0, {root!r})
signal.signal(signal.SIGINT, signal.default_int_handler)  # where the tests run in the background, it is ignored
from tests.test_distributed import *
if __name__ == "__main__":
    pool = dist.workers(shard(2), 2)
    print(*[p.pid for p in psutil.Process().children(recursive=True)], flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_kernel_leaves_no_process(how, tmp_path):
    script = tmp_path / "kernel.py"
    script.write_text(KERNEL.format(root=os.path.dirname(os.path.dirname(__file__))), encoding="utf-8")
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([sys.executable, script], text=True, **pipes) as kernel:
        started = [psutil.Process(int(pid)) for pid in kernel.stdout.readline().split()]
        assert len(started) >= 2
        kernel.send_signal(how)
        try:
            kernel.wait(60)
        finally:
            kernel.kill()
    assert not psutil.wait_procs(started, timeout=40)[1]


def test_nobody_at_the_address():
    began = time.perf_counter()
    with pytest.raises(ConnectionError, match="no scheduler answered at tcp://127.0.0.1:9 within 2 s: is it running"):
        dist.workers(shard(2), 2, address="tcp://127.0.0.1:9", connect_timeout=2)
    assert time.perf_counter() - began < 20  # on a busy machine too; without its limit Dask would try for 30 s


# -- a cluster, reached by its address ---------------------------------------------------------------------------------


@contextlib.contextmanager
def cluster(n, *security):
    """A scheduler and n workers, each a process of its own; its address."""
    start = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0",
             "--no-dashboard"]
    with contextlib.ExitStack() as stack:
        def process(*args):
            p = subprocess.Popen(args, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            stack.callback(p.stderr.close)
            stack.callback(p.wait, 60)
            stack.callback(p.terminate)
            return p

        scheduler = process(*start, *security)
        for line in scheduler.stderr:
            if found := re.search(r"Scheduler at:\s+(\S+)", line):
                break
        for _ in range(n):
            process(sys.executable, "-m", "distributed.cli.dask_worker", found[1], "--nthreads", "1", "--host",
                    "127.0.0.1", "--no-dashboard", *security)
        yield found[1]


def test_a_cluster_by_its_address_gives_the_same_bits(simulated):
    with cluster(2) as address:
        with dist.workers(shard(2), 2, address=address, connect_timeout=30) as pool:
            assert digest(descend(pool)) == simulated(2)
        with pytest.raises(ConnectionError, match="the cluster has 2 workers, and 9 were asked for: start more"):
            dist.workers(shard(9), 9, address=address, connect_timeout=6)


def test_a_cluster_behind_tls(simulated, tmp_path):
    from distributed import Security

    security = Security.temporary()
    key, cert, ca = (tmp_path / name for name in ("key.pem", "cert.pem", "ca.pem"))
    key.write_text(security.tls_client_key, encoding="utf-8")
    cert.write_text(security.tls_client_cert, encoding="utf-8")
    ca.write_text(security.tls_ca_file, encoding="utf-8")
    flags = ["--tls-ca-file", str(ca), "--tls-cert", str(cert), "--tls-key", str(key), "--protocol", "tls"]
    with cluster(2, *flags) as address:
        assert address.startswith("tls://")
        with dist.workers(shard(2), 2, address=address, security=security, connect_timeout=30) as pool:
            assert digest(descend(pool)) == simulated(2)
        with pytest.raises((ConnectionError, TypeError)):
            dist.workers(shard(2), 2, address=address.replace("tls", "tcp"), connect_timeout=2)


def test_importing_the_room_does_not_import_dask():
    code = "import gdlib, sys; gdlib.distributed.workers; sys.exit('distributed' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_without_dask_the_simulation_works_and_processes_tell_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with dist.workers(shard(2), 2, "simulated") as pool:
        assert descend(pool, steps=3).t[-1] == 3
    with pytest.raises(ModuleNotFoundError, match="workers in processes need Dask: pip install distributed"):
        dist.workers(shard(2), 2)


def test_no_warning_is_left_to_the_learner():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        big = np.zeros((400_000, 4))
        with dist.workers(lambda rank: dist.Shard(gd.LeastSquares(big, big[:, 0])), 1) as pool:
            assert pool.first([pool.call(0, "gradient", np.zeros(5), 1)])[1][1] == 400_000


# -- BLAS's threads ----------------------------------------------------------------------------------------------------


@pytest.fixture
def threads(monkeypatch):
    """How many threads BLAS has, as the simulation sees it."""
    now = [4]

    class Limits:
        def __init__(self, limit, api):
            self.before, now[0] = now[0], limit

        def restore_original_limits(self):
            now[0] = self.before

    monkeypatch.setattr(simulation, "threadpool_limits", Limits)
    monkeypatch.setattr(simulation, "ONE_THREAD", simulation.OneThread())
    return now


def fails(rank):
    if rank == 2:
        raise RuntimeError("no data here")


@pytest.mark.parametrize("arguments", [dict(make_worker=fails), dict(deaths=[1, (2.0, 0)]), dict(seed="x")])
def test_a_simulation_that_was_never_made_leaves_blas_as_it_was(arguments, threads):
    with pytest.raises((RuntimeError, TypeError, ValueError)):
        simulation.Simulated(**{"make_worker": shard(4), "n": 4, **arguments})
    assert threads == [4]


def test_blas_has_one_thread_until_the_last_simulation_is_closed(threads):
    one, two = (simulation.Simulated(shard(2), 2) for _ in range(2))
    one.close()
    one.close()
    assert threads == [1]
    two.close()
    assert threads == [4]
    with pytest.raises(ZeroDivisionError), simulation.Simulated(shard(2), 2):
        assert threads == [1]
        _ = 1 / 0
    assert threads == [4]
    forgotten = simulation.Simulated(shard(2), 2)
    assert threads == [1]
    del forgotten
    assert threads == [4]
