"""Write a table of so many MiB, train on it as a stream, in a process of its own, and tell how its peak memory grew."""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import gdlib as gd

COLUMNS, ROWS = 31, 4096  # 31 columns and a target, 8 bytes each: 4,096 rows are 1 MiB
TRUE = np.arange(COLUMNS)


def streamed(mib: int) -> dict:
    """Sizes and growth in MiB: "growth" by streaming, "full" by one gradient over all rows at once; "error" is the
    largest of the fitted coefficients. The file is gone afterwards.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tests.streaming", str(Path(folder) / "table.npy"), str(mib)]
        root = Path(__file__).parent.parent
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)
    return json.loads(done.stdout)


def write(path, mib):
    rng = np.random.default_rng(0)
    blocks = (rng.standard_normal((ROWS, COLUMNS)) for _ in range(mib))
    gd.data.write_stream(path, ((X, X @ TRUE) for X in blocks))


def train(path):
    """One epoch in batches of 256."""
    stream, rng = gd.data.open_stream(path), np.random.default_rng(1)
    sample = gd.LeastSquares(*next(stream.minibatches(1000, rng)))
    oracle = (gd.LeastSquares(X, y).grad for X, y in stream.minibatches(256, rng))
    steps = -(-stream.n // 256)
    run = gd.run(sample, gd.gradient_descent(0.1), np.zeros(COLUMNS + 1), steps, every=steps, oracle=oracle)
    return stream.nbytes, float(np.abs(run.theta[-1] - np.append(TRUE, 0)).max())


def peak():
    """The most memory that this process has held so far, in MiB."""
    import resource

    if sys.platform == "linux":  # getrusage would count what the parent held when it started this process
        status = Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main(path, mib):
    write(path, 8)  # once with little, so that everything is loaded
    train(path)
    before = peak()
    write(path, mib)
    size, error = train(path)
    growth = peak() - before
    table = np.load(path)  # and now the whole of it, as full batch would
    gd.LeastSquares(table[:, :-1], table[:, -1], intercept=False).grad(np.zeros(COLUMNS))
    print(json.dumps({"size": size / 2**20, "growth": growth, "error": error, "full": peak() - before}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
