"""Families of problems for the trials of this lesson, and races down to a loss: all walks, all rates side by side.

A loss is the mean over rows of ½ Σ (ŷ − y)², or of −Σ log p with p the sigmoid of the output: every class against the
rest. In both cases its derivative by the output is ŷ − y, if ŷ stands for the output or for p, and y for the target or
for the label as 0 and 1.
"""
from collections.abc import Iterator
from itertools import count

import numpy as np

from gdlib import data
from gdlib.lessons.kit.axes import among, between
from gdlib.models import sigmoid, softplus

CHOOSE, JUDGE = 4, 12  # walks of a case, each with orders of its own: the first choose the rates, the others are judged
RATES = 2.0 ** np.arange(-5, 5)  # in units of 1 over the mean ‖x‖²
LONGEST = 4_000  # steps
WATCHED = 128  # rows
UNITS = 4  # of the network's hidden layer

# What the problems of a race are drawn from. A trial adds the batch sizes and what a step costs.
AXES = {
    "model": among("least squares", "logistic", "network", about="model"),
    "columns": among("normal", "student-3", "digits", "diabetes", about="columns"),
    "n": among(64, 250, 1000, about="rows", least=16, most=4096),
    "kappa": between(1, 300, about="condition number of drawn columns' scales", log=True, least=1, most=1e4),
    "noise": among(0.0, 0.3, 1.0, about="noise of the targets, in signals,", least=0, most=10),
    "depth": among(4, 15, 60, about="target: the loss after so many full steps at their best rate:", least=1, most=200),
}
FIXED = ("reshuffled epochs; a constant rate; the first touch of the target counts, by the loss over 128 of the rows; "
         "at most 4,000 examples, or 20 times the steps of all rows, if these are more; 6 drawn columns, 17 of digits, "
         "11 of diabetes; 4 tanh units")
TUNED = FIXED + ("; the rate is the best of 10 for each size, chosen by 4 walks and judged by 12 with other orders of "
                 "the rows and other starts of the network")


def possible(case):
    """Raise ValueError where a bundled table has too few rows, or the race would take too long."""
    rows = {"digits": 1797, "diabetes": 442}.get(case.columns, case.n)
    if case.n > rows:
        raise ValueError(f"n must be at most {rows}, the rows of {case.columns}; got {case.n}")
    if case.n * case.depth > LONGEST:
        raise ValueError(f"n times depth must be at most {LONGEST:,}, or one row a step takes too long; got "
                         f"{case.n * case.depth:,}")


class Problems:
    """A problem for several walks side by side; each may have rows of its own.

    Parameters
    ----------
    X : array (walks, n, p)
        Inputs.
    Y : array (walks, n, k)
        Targets; for "logistic" and "network" labels as 0 and 1.
    model : str
        "least squares", "logistic", or "network": a hidden layer of tanh units before the sigmoid.
    """

    def __init__(self, X, Y, model):
        self.X, self.Y, self.model = X, Y, model
        self.walks, self.n, self.p = X.shape
        self.k = Y.shape[2]

    def start(self, runs, rng, units=UNITS):
        """Parameters of all walks and runs: zeros, for a network drawn ones, the same for every run.

        A list of arrays (walks, p, runs, k), or (walks, p, runs, units) and (walks, runs, units, k).
        """
        if self.model != "network":
            return [np.zeros((self.walks, self.p, runs, self.k))]
        V = rng.standard_normal((self.walks, self.p, 1, units)) / np.sqrt((self.X**2).sum(axis=2).mean())
        W = rng.standard_normal((self.walks, 1, units, self.k)) / np.sqrt(units)
        return [V.repeat(runs, axis=2), W.repeat(runs, axis=1)]

    def _layers(self, theta, X):
        """The hidden layer (walks, runs, rows, units), if there is one, and the output (walks, runs, rows, k)."""
        V = theta[0]
        z = (X @ V.reshape(*V.shape[:2], -1)).reshape(*X.shape[:2], *V.shape[2:]).swapaxes(1, 2)
        if self.model != "network":
            return None, z
        h = np.tanh(z)
        return h, h @ theta[1]

    def scores(self, theta, X):
        """The output of all runs (walks, runs, rows, k) for rows X (walks, rows, p)."""
        return self._layers(theta, X)[1]

    def loss(self, theta, X=None, Y=None):
        """The loss (walks, runs), by default over all rows."""
        X, Y = (self.X, self.Y) if X is None else (X, Y)
        z, Y = self.scores(theta, X), Y[:, None]
        of_rows = 0.5 * (z - Y) ** 2 if self.model == "least squares" else softplus(z) - Y * z
        return of_rows.mean(axis=(2, 3)) * self.k

    def grad(self, theta, X, Y):
        """The gradient over rows X (walks, rows, p) with targets Y (walks, rows, k), in the form of theta."""
        h, z = self._layers(theta, X)
        delta = ((z if self.model == "least squares" else sigmoid(z)) - Y[:, None]) / X.shape[1]
        if h is None:
            return [_by_inputs(X, delta)]
        return [_by_inputs(X, delta @ theta[1].swapaxes(-1, -2) * (1 - h**2)), h.swapaxes(-1, -2) @ delta]

    def watched(self, theta):
        """The loss (walks, runs) over the first 128 rows: an estimate that costs less than the walk."""
        return self.loss(theta, self.X[:, :WATCHED], self.Y[:, :WATCHED])

    def noise_scale(self, theta):
        """The variance of one row's gradient over the squared length of the full one, (walks,), for one run."""
        h, z = self._layers(theta, self.X)
        delta = (z if self.model == "least squares" else sigmoid(z)) - self.Y[:, None]
        of_rows = (self.X**2).sum(axis=2) * (delta[:, 0] ** 2).sum(axis=2)
        if h is not None:
            inner = (delta @ theta[1].swapaxes(-1, -2) * (1 - h**2))[:, 0]
            of_rows = (self.X**2).sum(axis=2) * (inner**2).sum(axis=2) \
                + (h[:, 0] ** 2).sum(axis=2) * (delta[:, 0] ** 2).sum(axis=2)
        full = sum((g**2).reshape(self.walks, -1).sum(axis=1) for g in self.grad(theta, self.X, self.Y))
        return of_rows.mean(axis=1) / full - 1

    def wrong(self, theta, X, Y):
        """The share of rows (walks, runs) whose highest score is not that of the label."""
        return (self.scores(theta, X).argmax(axis=-1) != Y[:, None].argmax(axis=-1)).mean(axis=-1)


def _by_inputs(X, delta):
    """Σ over rows of x δᵀ: (walks, rows, p) and (walks, runs, rows, units) give (walks, p, runs, units)."""
    walks, runs, rows, units = delta.shape
    flat = delta.swapaxes(1, 2).reshape(walks, rows, runs * units)
    return (X.swapaxes(1, 2) @ flat).reshape(walks, -1, runs, units)


def per_run(rates: np.ndarray, theta: list) -> list[np.ndarray]:
    """Rates (runs,) in the shapes that multiply the arrays of theta."""
    return [rates[:, None], rates[:, None, None]][: len(theta)]


def drawn(case: object, rng: np.random.Generator, walks: int = CHOOSE + JUDGE, renew: bool = False,
          offset: float = 0.0) -> Problems:
    """The problem of a case with the axes of `AXES`: the same for every walk, or one for each.

    Parameters
    ----------
    case : a case
        Its model, columns, n, kappa and noise.
    rng : Generator
        Source of the random numbers.
    walks : int
        How many walks.
    renew : bool
        Whether each walk has rows of its own.
    offset : float
        Mean of drawn columns, in their standard deviations.
    """
    tables = [_table(case, rng, offset) for _ in range(walks if renew else 1)]
    return Problems(*(np.stack(part * (1 if renew else walks)) for part in map(list, zip(*tables, strict=True))),
                    case.model)


def _table(case, rng, offset):
    """Rows X (n, p) and targets Y (n, k)."""
    if case.columns in ("digits", "diabetes"):
        X, signal = _bundled(case, rng)
    else:
        draw = rng.standard_normal if case.columns == "normal" else lambda shape: rng.standard_t(3, shape)
        X = (draw((case.n, 6)) + offset) * np.geomspace(1, case.kappa**-0.5, 6)
        signal = X @ rng.standard_normal((6, 1))
        signal = signal / signal.std()
    Y = signal + case.noise * signal.std() * rng.standard_normal(signal.shape)
    if case.model == "least squares":
        return X, Y
    return X, one_hot(Y.argmax(axis=1), 10) if case.columns == "digits" else (Y > np.median(Y)).astype(float)


def one_hot(labels: np.ndarray, classes: int) -> np.ndarray:
    """Labels (...) as rows (..., classes) of 0 and a 1."""
    return (labels[..., None] == np.arange(classes)).astype(float)


def _bundled(case, rng):
    """Rows of a bundled table, drawn at random, and what is to be found: numbers, or a mark for each class."""
    X, y = data.load(case.columns)
    if case.columns == "digits":
        X, signal = coarse(X), one_hot(y, 10) - 0.1
    else:
        X, signal = (X - X.mean(axis=0)) / X.std(axis=0), ((y - y.mean()) / y.std())[:, None]
    rows = rng.permutation(len(X))[:case.n]
    return np.column_stack([X - X.mean(axis=0), np.ones(len(X))])[rows], signal[rows]


def coarse(images: np.ndarray) -> np.ndarray:
    """Images of 8 × 8 pixels (n, 64) as 4 × 4 (n, 16), each the mean of four."""
    return images.reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4)).reshape(-1, 16)


def batches(problems: Problems, size: int, rng: np.random.Generator) -> Iterator[tuple]:
    """Batches without end, (X, Y) of every set; the rows are reshuffled for each epoch, a short last batch is left."""
    if size == problems.n:
        while True:
            yield problems.X, problems.Y
    each = np.arange(problems.walks)[:, None]
    while True:
        order = np.argsort(rng.random((problems.walks, problems.n)), axis=1)
        for i in range(0, problems.n - size + 1, size):
            rows = order[:, i:i + size]
            yield problems.X[each, rows], problems.Y[each, rows]


def unit_rate(problems: Problems) -> float:
    """1 over the mean ‖x‖²."""
    return 1 / float((problems.X**2).sum(axis=2).mean())


def walk(problems: Problems, theta: list, rates: np.ndarray, size: int, rng: np.random.Generator | None,
         l2: np.ndarray | float = 0.0) -> Iterator[tuple]:
    """Descent without end at all rates: the number of steps and the parameters, from step 0 on.

    Parameters
    ----------
    problems : Problems
        What is walked on.
    theta : list of array
        Where all runs start.
    rates : array (runs,)
        The rate of each run.
    size : int
        Rows of a batch.
    rng : Generator or None
        Source of the orders of the rows; not needed for all rows.
    l2 : array (runs,) or float
        Strength κ of L2: κθ is added to the gradient.
    """
    rates, l2 = per_run(rates, theta), per_run(np.broadcast_to(l2, rates.shape), theta)
    yield 0, theta
    for t, (X, Y) in zip(count(1), batches(problems, size, rng)):
        theta = [block - rate * (slope + kappa * block) for block, rate, kappa, slope in
                 zip(theta, rates, l2, problems.grad(theta, X, Y), strict=True)]
        yield t, theta


def goal(problems: Problems, theta: list, rates: np.ndarray, depth: int) -> np.ndarray:
    """The least loss (walks,) of all rates after so many full steps."""
    for t, point in walk(problems, theta, rates, problems.n, None):
        if t == depth:
            return np.nan_to_num(problems.watched(point), nan=np.inf).min(axis=1)


def steps_to(problems, theta, rates, size, target, most, rng):
    """The steps (walks, rates) at which the loss over the watched rows first was at most the target (walks,).

    It is looked at after every step up to 10, and then each time that the steps have grown by a tenth. The walk
    ends at twice the steps at which all walks had arrived at some rate, and at most after `most`; who has not arrived,
    has that count.
    """
    arrived, end, look = np.full((problems.walks, len(rates)), np.inf), most, 0
    for t, point in walk(problems, theta, rates, size, rng):
        if t >= look:
            there = problems.watched(point) <= target[:, None]
            arrived = np.minimum(arrived, np.where(there, max(t, 1), np.inf))
            if end == most and np.isfinite(arrived).all(axis=0).any():
                end = min(2 * t, most)
            look = max(t + 1, int(1.1 * t))
        if t >= end or np.isfinite(arrived).all():
            return np.minimum(arrived, max(t, 1))


def race(case: object, sizes: list[int], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Steps to the target of a case, for several batch sizes.

    Returns
    -------
    tuned, judged : (sizes, 4), (sizes, 12)
        The steps of the walks that chose the rate of each size, and those of the others.
    """
    steps = np.array(all_steps(case, sizes, rng))
    tuned, judged = np.split(steps, [CHOOSE], axis=1)
    best = tuned.mean(axis=1).argmin(axis=1)
    return tuple(np.stack([count[:, rate] for count, rate in zip(part, best, strict=True)])
                 for part in (tuned, judged))


def all_steps(case: object, sizes: list[int], rng: np.random.Generator) -> list[np.ndarray]:
    """Steps to the target of a case, (walks, rates) for each size."""
    problems = drawn(case, rng)
    rates = unit_rate(problems) * RATES * (2 if case.model == "least squares" else 8)
    theta = problems.start(len(rates), rng)
    target = goal(problems, theta, rates, case.depth)
    return [steps_to(problems, theta, rates, size, target, max(LONGEST // size, 20 * case.depth), rng)
            for size in sizes]
