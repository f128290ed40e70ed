"""Minutes of kills, freezes and new machines change no bit; hundreds of pools and thousands of steps leak nothing."""
import contextlib
import gc
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter

import numpy as np
import psutil
import pytest

import gdlib as gd
from gdlib import distributed as dist
from tests.test_distributed import START, command, nothing_left, shard

MACHINES, SECONDS = 8, 180.0
HALT, GO = getattr(signal, "SIGSTOP", None), getattr(signal, "SIGCONT", None)


class Cluster:
    """A scheduler and machines, each a process of its own, as the README's lines start them."""

    def __init__(self, machines):
        self.processes = []
        scheduler = self.start("dask_scheduler", "--port", "0", stderr=subprocess.PIPE)
        self.address = next(re.search(r"Scheduler at:\s+(\S+)", line)[1] for line in scheduler.stderr
                            if "Scheduler at:" in line)
        self.noise = threading.Thread(target=scheduler.stderr.read, daemon=True)  # a full pipe would stop it
        self.noise.start()
        self.machines = [self.machine() for _ in range(machines)]

    def start(self, what, *args, stderr=subprocess.DEVNULL):
        line = [sys.executable, "-m", f"distributed.cli.{what}", *args, "--host", "127.0.0.1", "--no-dashboard"]
        self.processes.append(subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=stderr, text=True))
        return self.processes[-1]

    def machine(self):
        return self.start("dask_worker", self.address, "--nthreads", "1")

    def worker_of(self, machine):
        """The process under the machine's nanny that computes, or None between two of them."""
        with contextlib.suppress(psutil.Error):
            for process in psutil.Process(machine.pid).children():
                if "spawn_main" in " ".join(command(process)):
                    return process

    def close(self):
        for process in self.processes:
            for one in family(process):
                one.kill()
            process.wait(60)
        self.noise.join(60)
        self.processes[0].stderr.close()


def family(process):
    with contextlib.suppress(psutil.Error):
        one = psutil.Process(process.pid)
        return [*one.children(recursive=True), one]
    return []


class Chaos(threading.Thread):
    """For so many seconds faults, in an order and at times that the seed decides."""

    def __init__(self, cluster, seconds, seed):
        super().__init__(daemon=True)
        self.cluster, self.end, self.rng = cluster, time.perf_counter() + seconds, np.random.default_rng(seed)
        self.done = Counter()

    def run(self):
        faults = [self.kill, self.freeze, self.slow_down, self.stop_politely, self.lose_the_machine]
        while time.perf_counter() < self.end:
            time.sleep(self.rng.uniform(0.5, 4.0))
            fault, where = self.rng.choice(faults), int(self.rng.integers(MACHINES))
            worker = self.cluster.worker_of(self.cluster.machines[where])
            with contextlib.suppress(psutil.NoSuchProcess):  # what was frozen too long has been replaced
                if worker is not None:
                    self.done[fault.__name__] += 1
                    fault(worker, where)

    def kill(self, worker, where):
        worker.kill()

    def freeze(self, worker, where):
        worker.send_signal(HALT)
        time.sleep(self.rng.uniform(0.5, 14.0))
        worker.send_signal(GO)

    def slow_down(self, worker, where):
        for _ in range(40):
            worker.send_signal(HALT)
            time.sleep(0.08)
            worker.send_signal(GO)
            time.sleep(0.02)

    def stop_politely(self, worker, where):
        worker.terminate()

    def lose_the_machine(self, worker, where):
        for process in family(self.cluster.machines[where]):
            process.kill()
        self.cluster.machines[where].wait(60)
        self.cluster.machines[where] = self.cluster.machine()


def walk(pool, is_over):
    """Momentum on rows drawn anew at each step, so that no step can be left out unnoticed; (steps, last point)."""
    for t, theta, _ in gd.iterate(gd.momentum(0.001), START, dist.synchronous(pool)):
        if is_over(t):
            return t, theta


@pytest.mark.long
@pytest.mark.skipif(os.name == "nt", reason="NO TEST OF CHAOS: Windows has no SIGSTOP to freeze a process with")
def test_minutes_of_chaos_on_a_cluster_change_no_bit():
    with nothing_left() as look, contextlib.closing(Cluster(MACHINES)) as cluster:
        options = dict(timeout=60, connect_timeout=300, max_deaths=10, on_hang="restart")
        with dist.workers(shard(MACHINES, 16), MACHINES, address=cluster.address, **options) as pool:
            pool.timeout, pool._connect_timeout = 10.0, 60.0  # to start them all may take longer
            chaos = Chaos(cluster, SECONDS, seed=1)
            chaos.start()
            steps, theta = walk(pool, lambda t: t >= 100 and not chaos.is_alive())
            look()
            away = sum(pause.seconds for pause in pool.pauses)
            print(f"\n{steps} steps, {dict(chaos.done)}, {len(pool.pauses)} restarts, {away:.0f} s away in all")
        assert len(chaos.done) == 5 and len(pool.pauses) >= 5
    with dist.workers(shard(MACHINES, 16), MACHINES, "simulated") as pool:
        assert walk(pool, lambda t: t == steps)[1].tobytes() == theta.tobytes()


# -- one fault at a time -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def undisturbed():
    """The last point of 60 steps of two workers in the simulation."""
    with dist.workers(shard(2, 16), 2, "simulated") as pool:
        return walk(pool, lambda t: t == 60)[1].tobytes()


def parents(pool):
    """The machine of each worker: its nanny's process."""
    return [psutil.Process(pid).ppid() for pid in pool.pids()]


@pytest.mark.long
@pytest.mark.skipif(os.name == "nt", reason="NO TEST OF LOST MACHINES: Windows has no such lines to start them")
@pytest.mark.parametrize("late", [False, True], ids=["at once", "after two shared a process"])
def test_a_new_machine_takes_the_place_of_a_lost_one(late, undisturbed):
    def lose(t):
        if t == 20:
            for process in family(cluster.machines[1]):
                process.kill()
            if not late:
                cluster.machines.append(cluster.machine())
        return t == 60

    with contextlib.closing(Cluster(2)) as cluster:
        connect_timeout = 5 if late else 60
        with dist.workers(shard(2, 16), 2, address=cluster.address, connect_timeout=300) as pool:
            pool._connect_timeout = connect_timeout
            cluster.machines.sort(key=lambda machine: machine.pid != parents(pool)[0])
            assert walk(pool, lose)[1].tobytes() == undisturbed
            if late:
                assert len(set(pool.pids())) == 1
                cluster.machines.append(cluster.machine())
                pool._connect_timeout = 60
                pool.restart(1)  # in an idle process; the one that the two shared is replaced
                assert walk(pool, lambda t: t == 60)[1].tobytes() == undisturbed
            assert set(parents(pool)) == {cluster.machines[0].pid, cluster.machines[-1].pid}


@pytest.mark.long
@pytest.mark.skipif(os.name == "nt", reason="NO TEST OF FREEZING: Windows has no SIGSTOP")
@pytest.mark.parametrize("where", ["here", "on a cluster"])
def test_a_frozen_worker_is_told_within_the_timeout_and_nothing_is_lost(where):
    with contextlib.ExitStack() as stack:
        address = None if where == "here" else stack.enter_context(contextlib.closing(Cluster(2))).address
        pool = stack.enter_context(dist.workers(shard(2), 2, address=address, connect_timeout=300, timeout=60))
        pool.timeout = 3.0
        try:
            with pytest.raises(TimeoutError, match="worker 1 has not answered 'gradient' within 3 s") as caught:
                for t, theta, _ in gd.iterate(gd.momentum(0.001), START, dist.synchronous(pool)):
                    if t == 20:
                        reached, began = theta.tobytes(), time.perf_counter()
                        os.kill(pool.pids()[1], HALT)
            assert time.perf_counter() - began < 3 + 10
        finally:
            os.kill(pool.pids()[1], GO)
        assert caught.value.step == 20 and caught.value.theta.tobytes() == reached


def test_what_cannot_travel_is_named_before_any_process_starts():
    lock = threading.Lock()
    began = time.perf_counter()
    with pytest.raises(TypeError, match="make_worker must be something that can be sent to another process; got .*: can"
                                        ".*Make locks, open files and connections inside make_worker"):
        dist.workers(lambda rank: lock, 2)
    assert time.perf_counter() - began < 5


# -- leaks -------------------------------------------------------------------------------------------------------------


class Nothing:
    def __init__(self, rank):
        pass

    def gradient(self, theta, t):
        return theta, 1


def held():
    """What this process holds: open files, threads, child processes, and MiB of memory."""
    gc.collect()
    me = psutil.Process()
    files = me.num_fds() if hasattr(me, "num_fds") else me.num_handles()
    return np.array([files, me.num_threads(), len(me.children(recursive=True)), me.memory_info().rss / 2**20])


def open_and_close(pools):
    for _ in range(pools):
        with dist.workers(Nothing, 2) as pool:
            dist.gather(pool, "gradient", START, 1)


def grown(action):
    before = held()
    action()
    end = time.perf_counter() + 20
    while (held()[:3] > before[:3]).any() and time.perf_counter() < end:  # threads that are ending
        time.sleep(0.2)
    return held() - before


@pytest.mark.long
def test_pools_that_are_opened_and_closed_leave_nothing():
    open_and_close(3)
    files, threads, processes, mebibytes = grown(lambda: open_and_close(20))
    assert files <= 2 and threads <= 2 and processes <= 0 and mebibytes < 20


@pytest.mark.long
def test_thousands_of_steps_leave_nothing():
    with dist.workers(Nothing, 2) as pool:
        oracle, theta = dist.synchronous(pool), np.ones(1000)

        def steps(count):
            for _ in range(count):
                next(oracle)(theta)

        steps(500)
        workers = [psutil.Process(pid) for pid in pool.pids()]
        before = [worker.memory_info().rss for worker in workers]
        files, threads, processes, mebibytes = grown(lambda: steps(20_000))
        of_workers = max(w.memory_info().rss - b for w, b in zip(workers, before, strict=True)) / 2**20
    assert files <= 2 and threads <= 2 and processes <= 0 and mebibytes < 20 and of_workers < 20
