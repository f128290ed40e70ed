"""Lesson 02: what batches need of a machine's memory, on trial."""
import tempfile
import tracemalloc
from itertools import islice
from pathlib import Path

import numpy as np

from gdlib import data
from gdlib.lessons.kit.axes import among, between
from gdlib.lessons.kit.intervals import Outcome
from gdlib.lessons.kit.trial import trial
from gdlib.networks import MLP

BYTES = 8  # of a number
STEPS, SEEN = 100, 3200  # at least so many steps, and rows, unless the table ends
BLOCK = 64  # rows that are read together, where a batch has fewer
LEAST = 100_000  # bytes of a limit: below it, what Python itself allocates would decide


@trial("minibatch-memory", kind="theorem", unit="1 if the walk stays below the limit and lowers the loss, else −1")
class MiniBatchesSaveMemory:
    """Train on a table on disk, under a limit that the table itself exceeds, and take the peak of what was allocated.

    A batch saves the memory of the rows; the parameters and their gradient stay. Cases whose need lies within a factor
    of 2 of the limit are left out: what Python itself allocates would decide them.
    """

    axes = {
        "rows": between(10_000, 60_000, about="rows", log=True, whole=True, least=1_000, most=200_000),
        "columns": among(4, 16, 32, about="columns", least=1, most=128),
        "times": among(2, 8, 32, about="times that the table exceeds the limit:", least=1, most=1_000),
        "batch": among(1, 32, 256, 2048, about="batch", least=1, most=100_000),
        "units": among(1, 16, 256, 1024, about="units of the network's layer", least=1, most=10_000),
    }
    fixed = ("a network with one layer, the rows read batch by batch, 64 or more at a time; 100 steps or 3,200 rows; "
             "what NumPy and Python allocate")
    smallest = 0.0
    literature = ("Bottou (2010) agrees: one reads row after row; Rajbhandari et al. (2020) narrow it: in large models "
                  "the parameters, their gradients and the rule's state are what does not fit")

    def met(case):
        """a batch with its layer's values, and the parameters, fit into the limit"""
        return need(case) < _limit(case)

    def possible(case):
        if 0.5 < need(case) / _limit(case) < 2 or case.batch > case.rows or _limit(case) < LEAST:
            raise ValueError("what is needed must be less than half of the limit or more than twice, the limit at "
                             f"least {LEAST:,} bytes, and the batch at most all rows; got {need(case):,} bytes needed, "
                             f"{_limit(case):,.0f} allowed. Take other rows, batch or units.")

    def run(case, rng):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "table.npy"
            data.write_stream(path, _blocks(case, rng))
            fell, peak = _train(case, data.open_stream(path), rng)
        fits = 1.0 if fell and peak < _limit(case) else -1.0
        return Outcome(fits, fits, fits)


def _limit(case):
    return case.rows * (case.columns + 1) * BYTES / case.times


def need(case) -> int:
    """Bytes: two copies of a block, one of a batch, six values of each unit for its rows, five times the parameters."""
    parameters = case.units * (case.columns + 2)
    return BYTES * (2 * max(case.batch, BLOCK) * (case.columns + 2) + case.batch * (case.columns + 2 + 6 * case.units)
                    + 5 * parameters)


def _blocks(case, rng):
    truth = rng.standard_normal(case.columns)
    for first in range(0, case.rows, 4096):
        X = rng.standard_normal((min(4096, case.rows - first), case.columns))
        yield X, np.tanh(X @ truth)


def _train(case, table, rng):
    """Whether the loss over the first 1,000 rows fell, and the peak of memory."""
    held = table.read(0, 1000)
    watched = MLP(held[:, :-1], held[:, -1], hidden=(case.units,), loss="squared")
    theta = watched.init(rng)
    before = watched(theta)
    tracemalloc.start()
    try:
        batches = table.minibatches(case.batch, rng, block=max(case.batch, BLOCK))
        steps = min(max(STEPS, SEEN // case.batch), case.rows // case.batch)
        for X, y in islice(batches, steps):
            model = MLP(X, y, hidden=(case.units,), loss="squared")
            theta = theta - 0.3 / (case.units + case.columns) * model.grad(theta)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    return watched(theta) < before, peak
