"""Workers in processes: what a step costs beyond the engine's own round trip, and the memory and start of four."""
import contextlib
import logging
import time
from statistics import median

import numpy as np

import gdlib as gd
from tests.benchmarks.measure import Row, alternate, in_kernel, spread
from tests.layers import Layered, sum_in_parts, sum_whole
from tests.test_scale import failures, straggling


class Bare:
    """A worker's object that has next to nothing to do."""

    def gradient(self, theta, t):
        return theta, 1


@contextlib.contextmanager
def bare_actors(security):
    """Two of Dask's actors in a cluster of their own."""
    from distributed import Client, LocalCluster

    options = dict(dashboard_address="127.0.0.1:0", silence_logs=logging.CRITICAL, security=security)
    with LocalCluster(n_workers=2, threads_per_worker=1, memory_limit=0, host="127.0.0.1", **options) as cluster:
        with Client(cluster, direct_to_workers=True, security=security) as client:
            machines = client.scheduler_info(n_workers=-1)["workers"]
            futures = [client.submit(Bare, actor=True, workers=[machine], pure=False) for machine in machines]
            yield [future.result() for future in futures]


def against_bare(numbers, steps, security):
    """Seconds of so many synchronous steps of 2 processes, and of as many round trips of two bare actors."""
    theta = np.ones(numbers)
    with gd.distributed.workers(lambda rank: Bare(), 2, security=security or False) as pool:
        oracle = gd.distributed.synchronous(pool)
        with bare_actors(security) as actors:

            def bare():
                for _ in range(steps):
                    for future in [actor.gradient(theta, 1) for actor in actors]:
                        future.result()

            def step():
                for _ in range(steps):
                    next(oracle)(theta)

            return alternate(step, bare, repeats=41)  # many short turns: a busy moment then meets both sides


def overhead():
    """A synchronous step of 2 processes against the bare round trip of the engine's two actors; what TLS costs."""
    from distributed import Security

    rows = []
    for numbers, steps in [(10, 10), (10**4, 10), (10**6, 1)]:
        for security in (None, Security.temporary()):
            ours, engines = against_bare(numbers, steps, security)
            ratio = median(a / b for a, b in zip(ours, engines, strict=True))
            case = f"{numbers:,} numbers, {'TLS' if security else 'no TLS'}"
            rows += [
                Row(f"{steps} synchronous steps, {case}", spread(ours)),
                Row(f"a step, in the engine's round trips, {case}", f"{ratio:.2f}", "≤ 1.3", ratio <= 1.3),
            ]
    theta = np.ones(32)
    with gd.distributed.workers(lambda rank: Bare(), 2) as pool:
        (server,) = alternate(
            lambda: gd.distributed.parameter_server(pool, gd.gradient_descent(0.01), theta, 200), repeats=5
        )
    return [*rows, Row("a parameter server's updates a second", f"{200 / median(server):.0f}")]


def simulation():
    """Ten thousand simulated workers, late by 5 % on average, each failing once in 10,000 s; a restart takes 2 s."""
    n, steps = 10_000, 20
    options = dict(seconds=straggling, deaths=failures(n, mtbf=1e4, until=60), restart_seconds=2.0)
    begin = time.process_time()
    with gd.distributed.workers(lambda rank: Bare(), n, "simulated", **options) as pool:
        oracle = gd.distributed.synchronous(pool)
        for _ in range(steps):
            next(oracle)(np.ones(10))
    seconds, what = time.process_time() - begin, f"{n:,} simulated workers, {steps} steps"
    return [
        Row(what, f"{seconds:.1f} s, {len(pool.pauses)} failures", "< 10 s", seconds < 10),
        Row("  a call of one of them", f"{1e6 * seconds / n / steps:.0f} µs"),
    ]


class Asleep:
    """As `Layered`, but another unit computes: the processor is free for messages meanwhile."""

    def __init__(self, seconds, layers, size=250_000):
        self.seconds, self.layers, self.size = seconds, layers, size

    def gradient(self, theta, t):
        time.sleep(self.layers * self.seconds)
        return np.ones(self.layers * self.size), 1

    def begin(self, theta):
        self.numbers = iter(range(self.layers))

    def part(self):
        time.sleep(self.seconds)
        return next(self.numbers), np.ones(self.size)


def overlap():
    """Gradients of 2 processes, sent layer by layer during the backward pass, against the whole ones sent after it."""
    rows = []
    start = Layered(128, 3).model.init(np.random.default_rng(0))
    for what, make, theta, layers in [
        ("network of 4 layers on this processor", lambda rank: Layered(128, 3), start, 4),
        ("8 layers of 20 ms, another unit computes", lambda rank: Asleep(0.02, 8), np.ones(10), 8),
    ]:
        with gd.distributed.workers(make, 2, security=False) as pool:
            whole, parts = alternate(lambda pool=pool, at=theta: sum_whole(pool, at),
                                     lambda pool=pool, at=theta, k=layers: sum_in_parts(pool, at, k), repeats=21)
        gain = median(a / b for a, b in zip(whole, parts, strict=True))
        rows += [Row(f"{what}: whole", spread(whole)), Row("  layer by layer", spread(parts)),
                 Row("  how many times as quick", f"{gain:.2f}")]
    return rows


FOUR = """
import time, numpy as np, psutil, gdlib as gd
X, y = gd.data.load("digits")
network = gd.MLP(X, y, (64,))
begin = time.perf_counter()
with gd.distributed.workers(lambda rank: gd.distributed.Shard(network.take(slice(rank, None, 4)), 32, rank), 4) as pool:
    seconds, most = time.perf_counter() - begin, 0
    for _ in range(20):
        start = network.init(np.random.default_rng(0))
        gd.run(network, gd.adam(1e-3), start, 10, oracle=gd.distributed.synchronous(pool), every=10)
        family = [psutil.Process(), *psutil.Process().children(recursive=True)]
        most = max(most, sum(p.memory_full_info().pss for p in family))
print(seconds, most / 2**20)
"""


def four_workers():
    """Seconds to start 4 processes, and the memory of all: kernel, scheduler, workers; shared pages counted once."""
    seconds, mebibytes = map(float, in_kernel(FOUR).split())
    return [
        Row("4 workers, ready after", f"{seconds:.1f} s", "< 5 s", seconds < 5),
        Row("4 workers, memory of everything", f"{mebibytes:.0f} MiB", "< 600 MiB", mebibytes < 600),
    ]
