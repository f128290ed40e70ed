"""The core: sweeps, basins, a grid of hyper-parameters, and what importing costs."""
import subprocess
import sys
from statistics import median

import numpy as np

import gdlib as gd
from tests.benchmarks.measure import ROOT, Row, alternate, apart, spread
from tests.streaming import streamed


def sweep():
    """200 rates × 300 steps on a 2-D quadratic: one run against a loop over runs."""
    f, start, rates = gd.quadratic([1.0, 10.0], angle=0.5), [1.0, 1.0], np.geomspace(1e-4, 0.3, 200)

    def as_one():
        return gd.run(f, gd.gradient_descent(gd.per_run(rates)), start, 300).theta

    def as_loop():
        return np.stack([gd.run(f, gd.gradient_descent(lr), start, 300).theta for lr in rates], axis=1)

    one, loop = alternate(as_one, as_loop, repeats=7)
    ratio = median(loop) / median(one)
    equal = np.array_equal(as_one(), as_loop())
    return [
        Row("sweep of 200 rates, as one run", spread(one)),
        Row("sweep of 200 rates, as a loop", spread(loop)),
        Row("sweep: how many times faster", f"{ratio:.0f}×", "≥ 50×", ratio >= 50),
        Row("sweep: equal to the loop, bit for bit", str(equal), "True", equal),
    ]


def basins():
    """A picture of Himmelblau's basins of attraction: 512 × 512 starts, 150 steps, the last point only."""
    x, y = np.meshgrid(np.linspace(-6, 6, 512), np.linspace(-6, 6, 512))
    starts = np.stack([x, y], axis=-1)
    (seconds,) = alternate(
        lambda: gd.run(gd.himmelblau, gd.gradient_descent(0.01), starts, 150, every=150), repeats=5
    )
    return [Row("basins, 512 × 512 starts, 150 steps", spread(seconds, "s"), "< 1 s", median(seconds) < 1)]


def grid():
    """A picture of momentum's two hyper-parameters: 256 rates × 256 betas, 200 steps, the last point only.

    Beside it the same arithmetic as a loop of bare NumPy, in the same chunks, with nothing kept and nothing checked.
    """
    (seconds, point), (bare, bare_point) = apart(_grid, _bare_grid, repeats=9)
    ratio, equal = median(seconds) / median(bare), point == bare_point
    return [
        Row("grid, 256 rates × 256 betas, 200 steps", spread(seconds)),
        Row("  the same as a bare NumPy loop", spread(bare)),
        Row("  ratio", f"{'the same bits' if equal else 'OTHER BITS'}, {ratio:.2f}", "≤ 1.5", equal and ratio <= 1.5),
    ]


def _grid():
    rates, betas = _rates_and_betas()
    f, rule = gd.quadratic([1.0, 10.0]), gd.momentum(gd.per_run(rates), gd.per_run(betas))
    return lambda: gd.run(f, rule, [1.0, 1.0], 200, every=200).theta[-1].sum()


def _bare_grid():
    rates, betas = (np.ravel(values) for values in _rates_and_betas())
    curvatures, size = np.array([[1.0], [10.0]]), 8192

    def descend():
        ends = np.empty((rates.size, 2))
        for i in range(0, rates.size, size):
            lr, beta = rates[i : i + size], betas[i : i + size]
            theta, v = np.ones((2, size)), np.zeros((2, size))
            for _ in range(200):
                v = beta * v + curvatures * theta
                theta = theta - lr * v
            ends[i : i + size] = theta.T
        return ends.sum()

    return descend


def _rates_and_betas():
    return np.meshgrid(np.geomspace(1e-3, 0.3, 256), np.linspace(0, 0.99, 256), indexing="ij")


def stream():
    """An epoch over a table of 1 GiB on disk, in batches of 256: how the process's own peak memory grows."""
    measured = streamed(1024)
    growth, full = measured["growth"], measured["full"]
    return [
        Row("stream of 1 GiB: growth of peak memory", f"{growth:.0f} MiB", "< 100 MiB", growth < 100),
        Row("the same, one gradient over all at once", f"{full:,.0f} MiB"),
    ]


def importing():
    """`import gdlib` against `import numpy`, each in fresh interpreters."""

    def seconds(module):
        code = f"import time; begin = time.perf_counter(); import {module}; print(time.perf_counter() - begin)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
        return float(done.stdout)

    pairs = [(seconds("numpy"), seconds("gdlib")) for _ in range(21)][1:]
    numpy, gdlib = zip(*pairs, strict=True)
    ratio = median(gdlib) / median(numpy)
    return [
        Row("import numpy", spread(numpy)),
        Row("import gdlib", spread(gdlib)),
        Row("import: gdlib / numpy", f"{ratio:.2f}", "≤ 1.25", ratio <= 1.25),
    ]


def monitored():
    """Training of the digits network, 32 relu units, batches of 32, Adam, 1,000 steps: with a monitor and without."""
    X, y = gd.data.load("digits")
    rows, *_ = gd.data.split(y)
    network = gd.MLP(X[rows], y[rows], activation="relu")
    start = network.init(np.random.default_rng(0), gain=2**0.5)

    def trained(monitor=None):
        oracle = gd.minibatches(network, 32, np.random.default_rng(1))
        return gd.run(network, gd.adam(1e-3), start, 1000, oracle=oracle, every=1000, monitor=monitor).theta[-1]

    bare, watched, sharp = alternate(
        trained, lambda: trained(gd.Monitor()), lambda: trained(gd.Monitor(sharpness_every=500)), repeats=15
    )
    added = median(b / a for a, b in zip(bare, watched, strict=True)) - 1
    more = median(b / a for a, b in zip(bare, sharp, strict=True)) - 1
    equal = np.array_equal(trained(), trained(gd.Monitor()))
    return [
        Row("digits, 1,000 steps", spread(bare)),
        Row("the same with a monitor", spread(watched)),
        Row("monitor: time added", f"{added:.1%}", "< 5 %", added < 0.05),
        Row("monitor with sharpness every 500 steps", f"{more:.1%}"),
        Row("monitor: equal to the run without, bit for bit", str(equal), "True", equal),
    ]
