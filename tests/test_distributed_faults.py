"""What goes wrong with workers: told apart, in one sentence, in time, and nothing lost."""
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import numpy as np
import psutil
import pytest

import gdlib as gd
from gdlib import distributed as dist
from tests.test_distributed import (  # noqa: F401
    START,
    cluster,
    command,
    descend,
    digest,
    nothing_left,
    shard,
    simulated,
)

ROOT = Path(__file__).parents[1]
BOWL = gd.quadratic([1.0, 1.0])
OPT = gd.momentum(0.1)


def train(pool, steps=9, at=None):
    """Descent in a bowl; `at` = (step, what to do before it)."""
    def oracle():
        for t, grad in enumerate(dist.synchronous(pool), start=1):
            if at and t == at[0]:
                at[1]()
            yield grad

    return gd.run(BOWL, OPT, [1.0, 1.0], steps, oracle=oracle())


ALONE = gd.run(BOWL, OPT, [1.0, 1.0], 9)


class Slope:
    """A worker of the bowl, which counts its calls."""

    def __init__(self, rank):
        self.rank, self.calls = rank, 0

    def gradient(self, theta, t):
        self.calls += 1
        return theta, 1

    def counted(self):
        return self.calls


# -- a worker that is late ---------------------------------------------------------------------------------------------


def test_a_late_worker_gets_no_new_call_until_it_has_answered():
    """Worker 3 takes 10 s once, then 1 s as the others do: it misses ten steps, not all."""
    lasts = {3: iter([10.0])}
    seconds = lambda rank, rng: next(lasts.get(rank, iter([])), 1.0)  # noqa: E731
    heard = []
    with dist.workers(Slope, 4, "simulated", seconds=seconds) as pool:
        for _ in range(40):
            dist.gather(pool, "gradient", np.ones(2), 1, wait_for=3)
            heard.append({ticket.rank for ticket in pool.unanswered})
        assert heard[0] == {3} and max(len([t for t in pool.unanswered if t.rank == rank]) for rank in range(4)) == 1
        assert pool.now() == pytest.approx(40)
        calls = dist.gather(pool, "counted")
    assert calls[3] >= 25


def test_a_hung_worker_holds_up_no_step_that_does_not_wait_for_it():
    seconds = lambda rank, rng: np.inf if rank == 2 else 1.0  # noqa: E731
    with dist.workers(Slope, 3, "simulated", seconds=seconds) as pool:
        run = gd.run(BOWL, OPT, [1.0, 1.0], 2000, oracle=dist.synchronous(pool, wait_for=2), every=2000)
        assert run.t[-1] == 2000 and len(pool.unanswered) == 1
        updates = dist.parameter_server(pool, OPT, [1.0, 1.0], 10)
        assert set(updates.rank) == {0, 1} and len(updates.rank) == 10


def test_a_server_whose_worker_hangs_at_the_end_keeps_its_updates():
    lasts = iter([1.0] * 9 + [np.inf] * 100)
    with dist.workers(Slope, 2, "simulated", seconds=lambda rank, rng: next(lasts), timeout=30) as pool:
        assert len(dist.parameter_server(pool, OPT, [1.0, 1.0], 8).rank) == 8
        with pytest.raises(TimeoutError, match="have not answered 'gradient' within 30 s") as caught:
            dist.parameter_server(pool, OPT, [1.0, 1.0], 8)
    assert len(caught.value.updates.rank) == caught.value.step <= 1


def test_a_hung_worker_is_restarted_by_policy():
    lasts = iter([1.0] * 7 + [np.inf] + [1.0] * 100)
    options = dict(timeout=30, on_hang="restart", restart_seconds=5.0)
    with dist.workers(Slope, 2, "simulated", seconds=lambda rank, rng: next(lasts), **options) as pool:
        assert train(pool).theta.tobytes() == ALONE.theta.tobytes()
        assert [(pause.rank, pause.seconds) for pause in pool.pauses] == [(1, 5.0)]


def test_one_that_always_hangs_is_abandoned():
    with dist.workers(Slope, 2, "simulated", seconds=lambda rank, rng: np.inf if rank else 1.0, timeout=30,
                      on_hang="restart", max_deaths=2) as pool:
        with pytest.raises(dist.GaveUp, match="worker 1 died 3 times in a row without an answer, the last time in 'gr"):
            train(pool)


# -- every error carries where the descent stood -----------------------------------------------------------------------


class Wrong:
    def __init__(self, rank, what):
        self.what = what if rank == 1 else None

    def gradient(self, theta, t):
        g, rows = theta.copy(), 1
        if self.what and t == 5:
            if self.what == "raises":
                raise KeyError("no such row")
            if self.what == "leaves":
                sys.exit("done here")
            if self.what == "answers a lock":
                return threading.Lock(), 1
            g = {"nan": g * np.nan, "width": g[:1]}.get(self.what, g)
            rows = {"rows": np.nan, "negative": -1}.get(self.what, rows)
        return (g, rows) if not (self.what == "no pair" and t == 5) else g


TOLD = {
    "nan": (ValueError, "worker 1 sent a gradient with nan or inf at step 5: look at its rows"),
    "width": (ValueError, "worker 1 sent a gradient of shape .1,. at step 5"),
    "rows": (ValueError, "worker 1 must say how many rows its gradient is over, a number above 0; got nan"),
    "negative": (ValueError, "worker 1 must say how many rows .*; got -1"),
    "no pair": (TypeError, "worker 1 must answer .gradient, rows.; got array"),
    "raises": (KeyError, "no such row(?s:.)*Worker 1 raised this in 'gradient'"),
    "leaves": (RuntimeError, "worker 1 raised SystemExit in 'gradient': done here"),
    "answers a lock": (TypeError, "the answer of 'gradient' must be something that can be sent to another process"),
}


@pytest.mark.parametrize("what", TOLD)
def test_an_error_says_whose_it_is_and_keeps_the_parameters(what):
    error, sentence = TOLD[what]
    with dist.workers(lambda rank: Wrong(rank, what), 2, "simulated") as pool:
        with pytest.raises(error, match=sentence) as caught:
            train(pool)
        assert (caught.value.rank, caught.value.step) == (1, 4)
        assert caught.value.theta.tobytes() == ALONE.theta[4].tobytes()
        assert caught.value.run.t[-1] == 4
        with pytest.raises(error, match=sentence) as caught:
            dist.parameter_server(pool, gd.gradient_descent(0.1), [1.0, 1.0], 20)
        assert caught.value.rank == 1 and len(caught.value.updates.rank) == caught.value.step == 5


def test_local_descent_keeps_its_parameters():
    lasts = iter([1.0] * 6 + [np.inf] * 2)
    with dist.workers(shard(2), 2, "simulated", seconds=lambda rank, rng: next(lasts), timeout=30) as pool:
        with pytest.raises(TimeoutError) as caught:
            dist.local_descent(pool, START, 9, 2, 0.01)
    assert caught.value.step == 3 and caught.value.theta.shape == START.shape


@pytest.mark.parametrize("strategy", [dist.synchronous, lambda pool: dist.compressed(pool, dist.top_k(1))],
                         ids=["synchronous", "compressed"])
def test_divergence_is_recorded_as_in_one_process(strategy):
    class Valley:
        def gradient(self, theta, t):
            return gd.rosenbrock.grad(theta), 1

    alone = gd.run(gd.rosenbrock, gd.gradient_descent(0.1), [-1.0, 1.0], 20)
    assert alone.diverged_at == 7
    with dist.workers(lambda rank: Valley(), 2, "simulated") as pool:
        run = gd.run(gd.rosenbrock, gd.gradient_descent(0.1), [-1.0, 1.0], 20, oracle=strategy(pool))
        assert abs(run.diverged_at - alone.diverged_at) <= 1 and run.t[-1] == 20
        server = dist.parameter_server(pool, gd.gradient_descent(0.1), [-1.0, 1.0], 20)
        assert not np.isfinite(server.theta[-1]).all() and len(server.rank) == 20
        rates = gd.gradient_descent(gd.per_run([1e-4, 0.1]))
        sweep = gd.run(gd.rosenbrock, rates, [-1.0, 1.0], 20, oracle=dist.synchronous(pool))
        assert (sweep.diverged_at >= 0).tolist() == [False, True]


@pytest.mark.parametrize("engine", ["simulated", "processes"])
def test_after_the_pool_is_closed_one_sentence(engine):
    with dist.workers(Slope, 1, engine) as pool:
        ticket = pool.call(0, "counted")
    pool.close()
    for use in (lambda: pool.call(0, "counted"), lambda: pool.first([ticket]), lambda: pool.restart(0)):
        with pytest.raises(RuntimeError, match="this pool is closed. Make a new one with gd.distributed.workers"):
            use()
    with pytest.raises(RuntimeError, match="this pool is closed") as caught:
        train(pool)
    assert caught.value.step == 0 and caught.value.theta.tolist() == [1, 1]


@pytest.mark.parametrize(("options", "error", "sentence"), [
    (dict(on_hang="kill"), ValueError, "on_hang must be 'raise' or 'restart'; got 'kill'"),
    (dict(address="somewhere"), ValueError, "address must be that of a Dask scheduler, .*; got 'somewhere'"),
    (dict(address="tcp://127.0.0.1:9", security=True), ValueError, "security must be the distributed.Security of the"),
    (dict(security="yes"), TypeError, "security must be a distributed.Security, True, False or None; got 'yes'"),
])
def test_bad_options_in_one_sentence(options, error, sentence):
    with pytest.raises(error, match=sentence):
        dist.workers(Slope, 1, **options)


def remember(desk, value):
    before = desk.notes.get("value")
    desk.notes["value"] = value
    return before, desk.worker.rank


@pytest.mark.parametrize("engine", ["simulated", "processes"])
def test_a_function_may_run_beside_the_worker(engine):
    with dist.workers(Slope, 2, engine) as pool:
        assert dist.gather(pool, remember, 5) == [(None, 0), (None, 1)]
        assert dist.gather(pool, remember, 6) == [(5, 0), (5, 1)]
        pool.restart(1)
        assert dist.gather(pool, lambda desk: dict(desk.notes)) == [{"value": 6}, {}]


# -- processes ---------------------------------------------------------------------------------------------------------


class CannotBeSent(Exception):
    def __init__(self, first, second):
        super().__init__("two words")
        self.lock = threading.Lock()


class Trouble:
    def __init__(self, rank):
        self.rank = rank

    def actor(self):
        raise RuntimeError("Actor loss is not finite")

    def file(self):
        open("/nowhere/Actors.csv")

    def exception(self):
        raise CannotBeSent(1, 2)

    def answer(self):
        return {"here": [threading.Lock()]}

    def leave(self):
        sys.exit(3)

    def take(self, *args):
        return len(args)

    def hang(self, marker):
        if not os.path.exists(marker):
            Path(marker).touch()
            time.sleep(1000)
        return self.rank


def test_what_a_worker_raises_is_told_at_once_and_its_process_lives_on():
    with dist.workers(Trouble, 2) as pool:
        pids, began = pool.pids(), time.perf_counter()
        for method, error, sentence in [
            ("actor", RuntimeError, "Actor loss is not finite"),
            ("file", FileNotFoundError, "/nowhere/Actors.csv"),
            ("exception", RuntimeError, "worker 1 raised CannotBeSent in 'exception': two words"),
            ("answer", TypeError, "the answer of 'answer' must be something that can be sent .*; got dict: cannot pi"),
            ("leave", RuntimeError, "worker 1 raised SystemExit in 'leave': 3"),
            ("missing", AttributeError, "'Trouble' object has no attribute 'missing'"),
        ]:
            with pytest.raises(error, match=sentence) as caught:
                pool.first([pool.call(1, method)])
            assert caught.value.rank == 1
            assert any(f"Worker 1 raised this in '{method}'. Its tr" in note for note in caught.value.__notes__)
        with pytest.raises(TypeError, match="argument 2 of 'take' must be something that can be sent .*; got lock: c"):
            pool.call(0, "take", 1, threading.Lock())
        assert pool.first([pool.call(0, "take", object, len)])[1] == 2
        assert pool.pids() == pids and pool.pauses == [] and time.perf_counter() - began < 20


def unmakeable(what, rank):
    if rank == 1 and what == "raises":
        raise FileNotFoundError("no rows for me")
    if rank == 1 and what == "exits":
        os._exit(3)
    if rank == 1 and what == "hangs":
        time.sleep(1000)
    return Trouble(rank)


@pytest.mark.long
@pytest.mark.parametrize(("what", "error", "sentence"), [
    ("raises", FileNotFoundError, "no rows for me(?s:.)*Worker 1 raised this in 'make_worker'. Its traceback"),
    ("exits", dist.GaveUp, "worker 1 died 2 times in a row without an answer, the last time in 'make_worker'"),
    ("hangs", TimeoutError, "worker 1 has not answered 'make_worker' within 6 s"),
])
def test_a_make_worker_that_fails_names_the_rank(what, error, sentence):
    with nothing_left() as look, pytest.raises(error, match=sentence) as caught:
        watch = threading.Timer(3, look)
        watch.start()
        try:
            dist.workers(lambda rank: unmakeable(what, rank), 2, timeout=6 if what == "hangs" else 60, max_deaths=1)
        finally:
            look()
            watch.join()
    assert caught.value.rank == 1


@pytest.mark.long
def test_a_hung_process_is_replaced_by_policy(tmp_path):
    with nothing_left() as look, dist.workers(Trouble, 2, timeout=5, on_hang="restart") as pool:
        look()
        before = pool.pids()
        assert dist.gather(pool, "hang", str(tmp_path / "hung once")) == [0, 1]
        look()
        os.kill(pool.pids()[1], signal.SIGSTOP)
        assert dist.gather(pool, "take", 1) == [1, 1]
        assert 1 <= len(set(before) - set(pool.pids())) and len(pool.pauses) >= 2


@pytest.mark.long
def test_several_pools_and_the_users_own_client_side_by_side():
    from distributed import Client, LocalCluster

    with dist.workers(Slope, 2) as one, dist.workers(Slope, 2, security=False) as two:
        with LocalCluster(n_workers=1, processes=False, protocol="tcp://", dashboard_address="127.0.0.1:0") as theirs:
            with Client(theirs) as client:
                for pool in (one, two):
                    killed = pool.pids()[1]
                    run = train(pool, at=(4, lambda pid=killed: os.kill(pid, signal.SIGKILL)))
                    assert run.theta.tobytes() == ALONE.theta.tobytes() and [p.rank for p in pool.pauses] == [1]
                assert client.submit(lambda: 5).result() == 5


# -- strangers ---------------------------------------------------------------------------------------------------------


STRANGER = """
import asyncio, sys
from distributed import Security
from distributed.core import rpc

async def ask(address, security):
    there = rpc(address, timeout=3, connection_args=security.get_connection_args("client") if security else None)
    try:
        return (await asyncio.wait_for(there.identity(), 5))["type"]
    except BaseException as error:
        return "refused"
    finally:
        await there.close_rpc()

for port in sys.argv[1:]:
    print(asyncio.run(ask(f"tcp://127.0.0.1:{port}", None)),
          asyncio.run(ask(f"tls://127.0.0.1:{port}", Security.temporary())))
"""


def listening():
    family = [psutil.Process(), *psutil.Process().children(recursive=True)]
    return {c.laddr.port for p in family for c in p.net_connections("inet") if c.status == psutil.CONN_LISTEN}


def a_page_at(port):
    with contextlib.suppress(Exception), urllib.request.urlopen(f"http://127.0.0.1:{port}/info/main/workers.html"):
        return True


@pytest.mark.parametrize("security", [None, True, False])
def test_no_port_of_a_local_pool_answers_a_stranger(security, simulated):  # noqa: F811
    """On the scheduler, the nannies and the workers; nobody serves web pages. Without certificates all answer."""
    before = listening()
    with dist.workers(shard(2), 2, security=security) as pool:
        ports = [str(port) for port in sorted(listening() - before)]
        assert len(ports) == 5
        command = [sys.executable, "-W", "ignore", "-c", STRANGER, *ports]
        stranger = subprocess.run(command, capture_output=True, text=True)
        answers = [line.split() for line in stranger.stdout.splitlines()]
        assert not any(map(a_page_at, ports))
        assert digest(descend(pool)) == simulated(2)
    if security is False:
        assert sorted(plain for plain, _ in answers) == ["Nanny", "Nanny", "Scheduler", "Worker", "Worker"]
    else:
        assert answers == [["refused", "refused"]] * 5


def test_a_refused_certificate_is_told_from_nobody_there():
    from distributed import LocalCluster, Security

    options = dict(protocol="tls://", dashboard_address="127.0.0.1:0", security=Security.temporary())
    with LocalCluster(n_workers=1, processes=False, host="127.0.0.1", **options) as there:
        address = there.scheduler_address
        for where, security, error, sentence in [
            (address, Security.temporary(), ConnectionError, "certificates do not fit together: .*certificate verify"),
            (address, None, ValueError, "security must be a distributed.Security with certificates for tls://.*; got"),
            (address.replace("tls", "tcp"), None, ConnectionError, "something answered at tcp://.* and closed"),
            ("tls://127.0.0.1:9", Security.temporary(), ConnectionError, "no scheduler answered at tls://127.0.0.1:9"),
        ]:
            with pytest.raises(error, match=sentence):
                dist.workers(Slope, 1, address=where, security=security, connect_timeout=3)


def test_without_cryptography_it_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(ModuleNotFoundError, match="need certificates, .*: pip install .*; security=False does without"):
        dist.workers(Slope, 1)


# -- the stop button ---------------------------------------------------------------------------------------------------


STOPPED = """
import signal, sys, time; sys.path.insert(0, {root!r})
signal.signal(signal.SIGINT, signal.default_int_handler)  # where the tests run in the background, it is ignored
from tests.test_distributed import *
if __name__ == "__main__":
    with dist.workers(shard(2), 2) as pool:
        before = pool.pids()
        print("ready", flush=True)
        try:
            while True:
                descend(pool)
        except KeyboardInterrupt as error:
            theta, at = getattr(error, "theta", START), getattr(error, "step", 0)  # between two descents there is none
            print(theta.shape == START.shape and 0 <= at < STEPS)
        time.sleep(1)
        print(pool.pids() == before, pool.pauses, digest(descend(pool)))
"""


@pytest.mark.skipif(os.name == "nt", reason="NO TEST OF THE STOP BUTTON: Windows has no process groups to signal")
def test_the_stop_button_leaves_a_pool_that_can_be_used(simulated, tmp_path):  # noqa: F811
    """As Jupyter presses it: SIGINT for the whole group of processes."""
    script = tmp_path / "kernel.py"
    script.write_text(STOPPED.format(root=str(ROOT)), encoding="utf-8")
    pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    with subprocess.Popen([sys.executable, script], **pipes) as kernel:
        assert kernel.stdout.readline() == "ready\n"
        time.sleep(3)
        os.killpg(kernel.pid, signal.SIGINT)
        try:
            out, noise = kernel.communicate(timeout=100)
        finally:
            kernel.kill()
    assert out.split() == ["True", "True", "[]", simulated(2)] and noise == ""


@pytest.mark.skipif(sys.platform != "linux", reason="NO TEST OF THREADS' SIGNALS: only Linux tells them in /proc")
def test_only_the_main_thread_takes_the_stop_button():
    """A signal that another thread takes does not wake a main thread that sleeps: Ctrl-C would come when it wakes."""
    before = {path.name for path in Path("/proc/self/task").iterdir()}
    with dist.workers(Slope, 2):
        tasks = [path for path in Path("/proc/self/task").iterdir() if path.name not in before]
        blocked = [int(line.split()[1], 16) for path in tasks for line in (path / "status").read_text().splitlines()
                   if line.startswith("SigBlk")]
    assert len(blocked) >= 2 and all(mask >> (signal.SIGINT - 1) & 1 for mask in blocked)


# -- clusters ----------------------------------------------------------------------------------------------------------


def of_cluster(word):
    return [p for p in psutil.Process().children(recursive=True) if any(word in part for part in command(p))]


def all_machines_gone():
    for process in of_cluster("dask_worker"):
        for one in [process, *process.children(recursive=True)]:
            one.kill()


def scheduler_killed():
    of_cluster("dask_scheduler")[0].kill()
    time.sleep(2)


def scheduler_frozen():
    of_cluster("dask_scheduler")[0].suspend()
    all_machines_gone()


@pytest.mark.long
@pytest.mark.parametrize(("fault", "sentence"), [
    (all_machines_gone, "worker . is lost, and for 30 s the cluster had no machine for it: start one"),
    (scheduler_killed, "the scheduler at tcp://.* does not answer any more: was it stopped, or is the network down"),
    (scheduler_frozen, "the scheduler at tcp://.* does not answer any more"),
], ids=["all machines gone", "scheduler killed", "scheduler frozen"])
def test_a_cluster_that_is_gone_is_told_in_time_and_nothing_is_lost(fault, sentence):
    with cluster(2) as address, dist.workers(Slope, 2, address=address, timeout=6, connect_timeout=30) as pool:
        try:
            began = []
            with pytest.raises(ConnectionError, match=sentence) as caught:
                train(pool, at=(4, lambda: (began.append(time.perf_counter()), fault())))
            assert caught.value.step == 3 and caught.value.theta.tobytes() == ALONE.theta[3].tobytes()
            assert time.perf_counter() - began[0] < 60
        finally:
            for process in of_cluster("dask_scheduler"):
                process.resume()


@pytest.mark.long
def test_a_hang_on_a_cluster_leaves_no_blocked_process(tmp_path):
    with cluster(2) as address:
        options = dict(address=address, timeout=3, connect_timeout=30)
        with dist.workers(Trouble, 2, **options) as pool:
            with pytest.raises(TimeoutError, match="worker . has not answered 'hang' within 3 s"):
                dist.gather(pool, "hang", str(tmp_path / "one"))
        with dist.workers(Trouble, 2, **options | dict(timeout=20)) as pool:
            assert dist.gather(pool, "take", 1) == [1, 1]
        with dist.workers(Trouble, 2, **options, on_hang="restart") as pool:
            before = pool.pids()
            assert dist.gather(pool, "hang", str(tmp_path / "two")) == [0, 1]
            assert len(set(before) & set(pool.pids())) <= 1
