"""Workers in processes: what a step costs beyond the engine's own round trip, and the memory and start of four."""
from statistics import median

import numpy as np

import gdlib as gd
from tests.benchmarks.measure import Row, alternate, in_kernel, spread


class Bare:
    """A worker's object that has next to nothing to do."""

    def gradient(self, theta, t):
        return theta, 1


def overhead():
    """A synchronous step of 2 processes and 32 parameters against the bare round trip of the engine's two actors."""
    theta = np.ones(32)
    with gd.distributed.workers(lambda rank: Bare(), 2) as pool:
        oracle = gd.distributed.synchronous(pool)
        beside = [pool._client.submit(Bare, actor=True, workers=[machine], pure=False) for machine in pool._machines()]
        actors = [future.result() for future in beside]

        def bare():
            for _ in range(100):
                for future in [actor.gradient(theta, 1) for actor in actors]:
                    future.result()

        def step():
            for _ in range(100):
                next(oracle)(theta)

        ours, engines = alternate(step, bare, repeats=9)
        (server,) = alternate(
            lambda: gd.distributed.parameter_server(pool, gd.gradient_descent(0.01), theta, 200), repeats=5
        )
    ratio = median(a / b for a, b in zip(ours, engines, strict=True))
    return [
        Row("100 synchronous steps, 2 processes", spread(ours)),
        Row("100 bare round trips of the engine", spread(engines)),
        Row("a step, in round trips", f"{ratio:.2f}", "≤ 1.5", ratio <= 1.5),
        Row("a parameter server's updates a second", f"{200 / median(server):.0f}"),
    ]


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
