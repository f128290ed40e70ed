"""Write a table of so many MiB, train on it as a stream, and measure how the memory of a process of its own grows."""
import tempfile
from pathlib import Path

import numpy as np

import gdlib as gd
from gdlib.lessons.batch_sgd_minibatch import memory


def streamed(mib: int) -> dict:
    """Write a table and train on it, by batches and all at once; the file is gone afterwards.

    Parameters
    ----------
    mib : int
        The size of the table.

    Returns
    -------
    dict
        In MiB "size", of the file; "growth", by writing and streaming; "full", by one gradient over all rows at once.
        "error" is the largest error of a fitted coefficient.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "table.npy")
        (size, error), growth = memory.peak(write_and_train, path, mib)
        _, full = memory.peak(all_at_once, path)
    return {"size": size, "growth": growth, "error": error, "full": full}


def write_and_train(path, mib):
    """Write the table and take one epoch in batches of 256 rows: (the file's MiB, the largest error).

    A row has 31 columns and a target of 8 bytes each, so 4,096 rows are 1 MiB.
    """
    rng, true = np.random.default_rng(0), np.arange(31)
    blocks = (rng.standard_normal((4096, 31)) for _ in range(mib))
    gd.data.write_stream(path, ((X, X @ true) for X in blocks))
    stream = gd.data.open_stream(path)
    sample = gd.LeastSquares(*next(stream.minibatches(1000, rng)))
    oracle = (gd.LeastSquares(X, y).grad for X, y in stream.minibatches(256, rng))
    steps = -(-stream.n // 256)
    run = gd.run(sample, gd.gradient_descent(0.1), np.zeros(32), steps, every=steps, oracle=oracle)
    return stream.nbytes / 2**20, float(np.abs(run.theta[-1] - np.append(true, 0)).max())


def all_at_once(path):
    """The gradient over all rows of the table, loaded whole."""
    table = np.load(path)
    return gd.LeastSquares(table[:, :-1], table[:, -1], intercept=False).grad(np.zeros(31)).tolist()
