"""Lesson 02: what batches need of a machine's time, on trial."""
import numpy as np

from gdlib.lessons.kit.axes import among, between
from gdlib.lessons.kit.intervals import Outcome
from gdlib.lessons.kit.trial import trial


@trial("big-batch-hardware", kind="effect", unit="doublings of the rows a second")
class LargerBatchesUseTheHardware:
    """Rows a second with a batch and with one some times larger, by a model of a machine.

    Seconds differ from machine to machine, so they are no measure here. The model is the roofline: a step takes a fixed
    time, and then the longer one of arithmetic and of memory. Arithmetic is done in tiles of rows. Memory moves the
    weights once and each row's values, those of rows beyond the cache four times as slowly. All in the time of one
    row's arithmetic. Where the fixed part is as long as the rest, four times the batch gives 2/(1 + ¼) = 1.6 times the
    rows a second, 0.7 doublings; `smallest` is half a doubling, below which nobody rewrites a program.
    """

    axes = {
        "batch": between(1, 4096, about="batch", log=True, whole=True, least=1, most=10**6),
        "times": among(4, 16, 64, about="times that the other is larger:", least=2, most=1000),
        "launch": among(0.0, 1.0, 30.0, 1000.0, about="fixed time of a step", least=0, most=1e6),
        "weights": among(0.0, 10.0, 300.0, about="time to read the weights", least=0, most=1e6),
        "values": among(0.01, 0.3, 2.0, about="time to move a row's values", least=0, most=1000),
        "tile": among(1, 32, 128, about="rows of a tile", least=1, most=10_000),
        "cache": among(100, 10_000, about="rows that the cache holds", least=1, most=10**9),
    }
    fixed = "one machine; times in those of one row's arithmetic, from 0.01 to 1,000"
    smallest = 0.5
    of_each = 160
    literature = ("Williams, Waterman and Patterson (2009): the roofline, whose flat part is reached; Shallue et al. "
                  "(2019) agree on accelerators, up to a size that depends on the workload")

    def met(case):
        """what does not grow with the batch takes at least half of the smaller batch's step"""
        return seconds(case, case.batch) >= 2 * _growing(case, case.batch)

    def run(case, rng):
        gain = np.log2(case.times * seconds(case, case.batch) / seconds(case, case.times * case.batch))
        return Outcome(gain, gain, gain)


def seconds(case, batch: int) -> float:
    """The time of a step, in times of one row's arithmetic."""
    arithmetic = np.ceil(batch / case.tile) * case.tile
    beyond = max(batch - case.cache, 0)
    return case.launch + max(arithmetic, case.weights + case.values * (batch + 3 * beyond))


def _growing(case, batch):
    """The part of a step's time that is there because of its rows."""
    return batch * max(1, case.values * (1 + 3 * max(batch - case.cache, 0) / batch))
