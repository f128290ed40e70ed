"""Workers in processes: what a step costs beyond the engine's own round trip, and the memory and start of four."""
import contextlib
import logging
from statistics import median

import numpy as np

import gdlib as gd
from tests.benchmarks.measure import Row, alternate, in_kernel, spread


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

            return alternate(step, bare, repeats=9)


def overhead():
    """A synchronous step of 2 processes against the bare round trip of the engine's two actors; what TLS costs."""
    from distributed import Security

    rows = []
    for numbers, steps, most in [(32, 100, 1.5), (10**6, 5, 1.3)]:
        for security in (None, Security.temporary()):
            ours, engines = against_bare(numbers, steps, security)
            ratio = median(a / b for a, b in zip(ours, engines, strict=True))
            case = f"{numbers:,} numbers, {'TLS' if security else 'no TLS'}"
            rows += [
                Row(f"{steps} synchronous steps, {case}", spread(ours)),
                Row(f"a step, in the engine's round trips, {case}", f"{ratio:.2f}", f"≤ {most}", ratio <= most),
            ]
    theta = np.ones(32)
    with gd.distributed.workers(lambda rank: Bare(), 2) as pool:
        (server,) = alternate(
            lambda: gd.distributed.parameter_server(pool, gd.gradient_descent(0.01), theta, 200), repeats=5
        )
    return [*rows, Row("a parameter server's updates a second", f"{200 / median(server):.0f}")]


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
