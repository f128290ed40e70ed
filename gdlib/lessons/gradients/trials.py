"""Lesson 01: the claims on gradients, on trial."""
import numpy as np

import gdlib as gd
from gdlib.lessons.kit.axes import among, between
from gdlib.lessons.kit.intervals import paired
from gdlib.lessons.kit.trial import trial
from gdlib.lessons.kit.walks import check_length, step_that_bends

PLACES = {"quadratic": None, "rosenbrock": gd.rosenbrock, "himmelblau": gd.himmelblau, "beale": gd.beale,
          "saddle": gd.saddle, "monkey saddle": gd.monkey_saddle, "double well": gd.double_well}


@trial("steepest", kind="effect", unit="height lost, beside the most that any direction loses")
class Steepest:
    """Steps of one length in 720 directions from 32 places: does the negative gradient lose most?"""

    axes = {
        "surface": among(*PLACES, about="surface"),
        "kappa": between(1, 1000, about="condition number of the quadratic", log=True, least=1, most=1e6),
        "length": among("straight", "largest coordinate", about="length of a step: "),
        "bend": between(0.001, 3, about="change of the slope along the step, as a share of it,", log=True,
                        least=1e-5, most=100),
    }
    fixed = "two coordinates; 32 places, normal around 0"
    smallest, most = 0.99, 1.0001
    seeds, of_each = 32, 60
    literature = ("Boyd and Vandenberghe (2004), section 9.4: the steepest direction hangs on the norm; by the largest "
                  "coordinate it is the sign of the gradient")

    def met(case):
        """length is measured straight (Euclid), and the slope changes by at most a twentieth along the step"""
        return case.length == "straight" and case.bend <= 0.05

    def run(case, rng):
        f = PLACES[case.surface] or gd.quadratic([1, case.kappa], angle=rng.uniform(0, np.pi))
        theta = rng.standard_normal((32, 2))
        step = step_that_bends(f, theta, case.bend)
        around = np.linspace(0, 2 * np.pi, 720, endpoint=False)
        ways = np.stack([np.cos(around), np.sin(around)], axis=-1)
        norm = 2 if case.length == "straight" else np.inf
        ways = ways / np.linalg.norm(ways, ord=norm, axis=-1, keepdims=True)
        others = theta[:, None] + np.linalg.norm(step, ord=norm, axis=-1)[:, None, None] * ways
        lost = f(theta) - f(theta + step)
        return paired(lost / np.maximum(lost, (f(theta)[:, None] - f(others)).max(axis=1)))


@trial("scaling-inputs", kind="effect", unit="halvings of the excess loss")
class ScalingInputs:
    """The excess loss after so many epochs, with columns as they are and with standardised ones.

    Each at the best of 24 rates, tuned on other starts and batches.
    """

    axes = {
        "n": among(40, 160, about="rows", least=8, most=2000),
        "d": among(2, 5, 12, about="columns", least=1, most=100),
        "spread": between(1, 100, about="largest scale of a column beside the smallest", log=True, least=1, most=1e4),
        "offset": between(0.01, 20, about="means of the columns, in standard deviations,", log=True, least=0,
                          most=1e3),
        "turned": among("no", "yes", about="columns turned into each other:"),
        "signal": among("every column", "the largest", about="what the target hangs on:"),
        "noise": among(0.1, 0.3, 1.0, about="noise of the target", least=0, most=100),
        "batch": among(4, 16, 40, about="batch", least=1, most=2000),
        "epochs": among(5, 40, about="epochs", least=1, most=200),
    }
    fixed = "least squares with an intercept; 32 data sets; start at 0"
    smallest = 0.5
    seeds, of_each = 32, 100
    literature = "LeCun et al. (1998), Efficient BackProp, agree: shift the means to 0, and make the covariances alike"

    def met(case):
        """the columns themselves differ in scale by 3 or more, or lie 3 standard deviations or more from 0"""
        return (case.spread >= 3 and case.turned == "no") or case.offset >= 3

    def possible(case):
        if case.batch > case.n or case.n < 2 * case.d:
            raise ValueError(f"n must be at least the batch and twice the columns; got n = {case.n}, batch = "
                             f"{case.batch}, d = {case.d}.")
        check_length(case.epochs * case.n / case.batch, 10_000)

    def run(case, rng):
        scales = np.geomspace(1, 1 / case.spread, case.d)
        Z = rng.standard_normal((32, case.n, case.d))
        weights = rng.standard_normal(case.d) * (1 if case.signal == "every column" else np.arange(case.d) == 0)
        y = Z @ weights + case.noise * rng.standard_normal((32, case.n))
        turn = np.linalg.qr(rng.standard_normal((case.d, case.d)))[0] if case.turned == "yes" else np.eye(case.d)
        X = Z * scales @ turn
        X = X + case.offset * rng.choice([-1, 1], (32, 1, case.d)) * X.std(axis=1, keepdims=True)
        standard = (X - X.mean(axis=1, keepdims=True)) / X.std(axis=1, keepdims=True)
        order = np.argsort(rng.random((2, case.epochs, 32, case.n)), axis=-1)
        raw, scaled = (_tuned(Z, y, case.batch, order) for Z in (X, standard))
        return paired(np.log2(raw / scaled))


def _tuned(X, y, batch, order):
    """The excess loss (32,) over the second half of the drawn orders, at the rate that is best over the first half."""
    X = np.concatenate([X, np.ones((*X.shape[:2], 1))], axis=2)
    H = 2 / X.shape[1] * np.swapaxes(X, 1, 2) @ X
    rates = np.geomspace(1e-3, 1.9, 24) / np.linalg.eigvalsh(H)[:, -1:]  # (32 data sets, 24 rates)
    tuned, judged = (_excess(X, y, batch, part, rates) for part in order)
    return judged[:, np.log(tuned).mean(axis=0).argmin()]


def _excess(X, y, batch, order, rates):
    """The excess loss beside the first loss (32, 24), after a walk through the rows in this order (epochs, 32, n)."""
    theta, each = np.zeros((*rates.shape, X.shape[2])), np.arange(len(X))[:, None]
    for rows in order:
        for i in range(0, X.shape[1], batch):
            x = X[each, rows[:, i:i + batch]]  # (32, B, d)
            residuals = theta @ np.swapaxes(x, 1, 2) - y[each, rows[:, i:i + batch]][:, None]
            theta = theta - 2 / x.shape[1] * rates[..., None] * (residuals @ x)
    best = np.stack([np.linalg.lstsq(A, b, rcond=None)[0] for A, b in zip(X, y, strict=True)])
    off = (theta - best[:, None]) @ np.swapaxes(X, 1, 2)
    first = (y**2).mean(axis=1)[:, None]
    return np.clip(np.nan_to_num((off**2).mean(axis=-1) / first, nan=1e9), 1e-9, 1e9)  # so low is as good as there
