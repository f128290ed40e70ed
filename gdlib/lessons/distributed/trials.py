"""Lesson 08: the claims on many workers, on trial."""
from itertools import repeat

import numpy as np

import gdlib as gd
from gdlib.lessons.kit.axes import among
from gdlib.lessons.kit.intervals import Outcome
from gdlib.lessons.kit.trial import trial

RULES = {"descent": gd.gradient_descent(0.05), "momentum": gd.momentum(0.02), "Adam": gd.adam(0.01)}


@trial("data-parallel-same", kind="theorem", unit="largest difference of a parameter, beside the largest parameter")
class DataParallelIsTheSame:
    """One walk with the whole gradient, and one with the mean of the gradients of the workers' own rows."""

    axes = {
        "model": among("least squares", "softmax", "network", about="model"),
        "rule": among(*RULES, about="rule"),
        "workers": among(2, 3, 8, 16, about="workers", least=2, most=100),
        "rows": among(48, 240, about="rows", least=4, most=10_000),
        "shards": among("equal", "unequal", about="workers' numbers of rows"),
        "weights": among("rows", "equal", about="weights of their gradients: by"),
        "steps": among(10, 100, about="steps", least=1, most=2000),
    }
    fixed = "every worker answers at every step; 64 bits; losses that are means over rows"
    smallest, most = -1e-9, 1e-9
    literature = "Goyal et al. (2017), remark 3: normalise by the number of rows in all, not by each worker's"

    def met(case):
        """each worker's gradient counts by its number of rows, or all have equally many"""
        return case.weights == "rows" or case.shards == "equal"

    def possible(case):
        if case.rows < 2 * case.workers or (case.shards == "equal" and case.rows % case.workers):
            raise ValueError(f"rows must be at least twice the workers, and a multiple for equal shards; got "
                             f"{case.rows} for {case.workers}")

    def run(case, rng):
        model = _model(case, rng)
        cuts = np.linspace(0, case.rows, case.workers + 1).astype(int)
        if case.shards == "unequal":  # the first has one row, and not all of the others can have one
            inner = rng.choice(np.arange(2, case.rows), case.workers - 2, replace=False)
            cuts = np.array([0, 1, *np.sort(inner), case.rows])
        sizes = np.diff(cuts)
        weights = sizes / case.rows if case.weights == "rows" else np.full(case.workers, 1 / case.workers)
        parts = [slice(a, b) for a, b in zip(cuts[:-1], cuts[1:], strict=True)]

        def mean(theta):
            return sum(w * model.grad(theta, part) for w, part in zip(weights, parts, strict=True))

        start = 0.5 * rng.standard_normal(model.dim)
        whole, shared = (gd.run(model, RULES[case.rule], start, case.steps, oracle=repeat(g)).theta[-1]
                         for g in (model.grad, mean))
        difference = float(np.abs(whole - shared).max() / np.abs(whole).max())
        return Outcome(difference, difference, difference)


def _model(case, rng):
    X = rng.standard_normal((case.rows, 4))
    if case.model == "least squares":
        return gd.LeastSquares(X, X @ rng.standard_normal(4) + rng.standard_normal(case.rows))
    y = rng.permutation(np.arange(case.rows) % 3)
    return gd.SoftmaxRegression(X, y) if case.model == "softmax" else gd.MLP(X, y, hidden=(6,))
