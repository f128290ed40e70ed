"""Lesson 02: the floor of the noise, the order of the rows, and a steady descent, on trial."""
import numpy as np

import gdlib as gd
from gdlib.lessons.kit.axes import among, between
from gdlib.lessons.kit.intervals import Outcome, paired
from gdlib.lessons.kit.trial import trial
from gdlib.lessons.kit.walks import SURFACES, surface


@trial("noise-floor", kind="effect", unit="doublings of the floor by twice the rate, or by half the batch (the fewer)")
class NoiseFloor:
    """The mean excess loss after very many steps: at a rate and at half of it, with a batch and with twice the batch.

    Least squares has it in closed form, so no walk is too short. The tests walk a case and compare.
    """

    axes = {
        "n": among(10, 20, 60, 200, about="rows", least=2, most=1000),
        "d": among(1, 3, 8, 16, 60, about="columns", least=1, most=300),
        "kappa": between(1, 1000, about="condition number of the columns' scales", log=True, least=1, most=1e6),
        "columns": among("normal", "student-3", about="columns"),
        "noise": among(0.0, 0.1, 1.0, about="standard deviation of the target's noise", least=0, most=1e6),
        "tails": among("normal", "student-3", about="that noise"),
        "batch": among(1, 2, 4, 16, about="batch", least=1, most=1000),
        "share": between(0.01, 0.3, about="rate times ‖x‖² of the longest row", log=True, least=1e-4, most=0.9),
    }
    fixed = "least squares; batches drawn with replacement; the mean loss after infinitely many steps"
    smallest, most = 0.7, 1.5
    of_each = 80
    literature = ("Bottou, Curtis, Nocedal (2018) agree, for gradients whose noise does not vanish; Ma, Bassily and "
                  "Belkin (2018) narrow it: with interpolation there is no floor")

    def met(case):
        """the rows disagree at the lowest point"""
        return case.noise > 0 and case.d < case.n

    def possible(case):
        if min(case.n, case.d) > 20:
            raise ValueError(f"the fewer of n and d must be at most 20, or it takes too long; got {case.n}, {case.d}")

    def run(case, rng):
        floors = np.array([_floors(*_problem(case, rng), case.batch, case.share) for _ in range(8)])
        high, low = floors[:, :1], floors[:, 1:]
        doublings = np.where(high > 0, np.log2(high / low), 0.0)  # 0 where there is no floor
        return min(paired(change) for change in doublings.T)


def _problem(case, rng):
    """Columns X (n, d) and target y (n,)."""
    draw = {"normal": rng.standard_normal, "student-3": lambda shape: rng.standard_t(3, shape)}
    X = draw[case.columns]((case.n, case.d)) * np.geomspace(1, case.kappa**-0.5, case.d)
    return X, X @ rng.standard_normal(case.d) + case.noise * draw[case.tails](case.n)


def _floors(X, y, batch, share):
    """The floor at the rate, at half the rate, and with twice the batch."""
    rate = share / (X**2).sum(axis=1).max()
    return [floor(X, y, eta, B) for eta, B in ((rate, batch), (rate / 2, batch), (rate, 2 * batch))]


def floor(X, y, rate, batch):
    """The mean of J(θ) − min J after infinitely many steps, for J = mean (xᵀθ − y)² and batches with replacement.

    With δ = θ − θ*, C = E[δδᵀ], Hᵢ = 2xᵢxᵢᵀ, H their mean and S the mean of gᵢgᵢᵀ at θ*, a step makes of C
        C − η(HC + CH) + η²HCH + (η²/B)(mean HᵢCHᵢ − HCH + S),
    and where that is C again, the excess is ½ tr HC.
    """
    best = np.linalg.lstsq(X, y, rcond=None)[0]
    residuals = y - X @ best
    residuals = np.where(np.abs(residuals) < 1e-9 * np.abs(y).max(), 0, residuals)  # rounding is no disagreement
    if not residuals.any():
        return 0.0
    X = X @ np.linalg.svd(X, full_matrices=False)[2].T  # no coordinate that all rows leave alone
    n, d = X.shape
    H, one = 2 / n * X.T @ X, np.eye(d)
    S = 4 / n * (X * residuals[:, None] ** 2).T @ X
    outer = (X[:, :, None] * X[:, None, :]).reshape(n, d * d)  # xᵢxᵢᵀ, a row each
    fourth = 4 / n * outer.T @ outer  # C ↦ mean HᵢCHᵢ = 4 mean xᵢxᵢᵀ (xᵢᵀCxᵢ)
    HH = np.kron(H, H)
    change = np.kron(H, one) + np.kron(one, H) - rate * HH - rate / batch * (fourth - HH)
    C = np.linalg.solve(change, rate / batch * S.ravel()).reshape(d, d)
    return 0.5 * float(np.trace(H @ C))


@trial("batch-stable", kind="theorem", unit="least fall of the loss in a step, as a share of the first loss")
class BatchIsStable:
    """Does the loss fall at every step of plain descent with the whole gradient?"""

    axes = {
        "surface": among(*SURFACES, about="surface"),
        "d": among(1, 5, 30, about="coordinates", least=1, most=200),
        "kappa": between(1, 300, about="condition number", log=True, least=1, most=1e4),
        "times": between(0.05, 3, about="rate, as a multiple of 2/L, L the largest curvature anywhere,", log=True,
                         least=0.001, most=100),
    }
    fixed = "exact slopes; 8 starts; 400 steps"
    smallest = -1e-12  # what rounding may do
    literature = "Nesterov (2004), lemma 1.2.3, agrees; Cohen et al. (2021): networks go on above 2/L, but not steadily"

    def met(case):
        """the rate is below 2/L"""
        return case.times < 1

    def run(case, rng):
        f, largest = surface(case.surface, case.d, case.kappa, rng)
        walk = gd.run(f, gd.gradient_descent(2 * case.times / largest), rng.standard_normal((8, case.d)), 400)
        loss = np.minimum(np.nan_to_num(walk.loss / walk.loss[0], nan=1e9), 1e9)  # so high has flown off
        fall = float(-np.diff(loss, axis=0).max())
        return Outcome(fall, fall, fall)


@trial("reshuffling-better", kind="effect", unit="halvings of the excess loss")
class ReshufflingIsBetter:
    """The mean excess loss late in a walk, with rows drawn with replacement and with reshuffled epochs."""

    axes = {
        "n": among(8, 32, 128, about="rows", least=2, most=1000),
        "d": among(1, 3, 10, about="columns", least=1, most=100),
        "columns": among("normal", "student-3", "ones", about="columns"),
        "noise": among(0.0, 0.3, 1.0, about="noise of the target", least=0, most=100),
        "share": between(0.02, 0.5, about="rate times ‖x‖² of the longest row", log=True, least=1e-4, most=0.9),
        "batch": among(1, 4, about="batch", least=1, most=500),
        "measured": among("at epochs' ends", "at every step", about="loss"),
    }
    fixed = "least squares, the same rate for both, started at the lowest point; 90 epochs; 16 data sets"
    smallest = 0.05
    seeds, of_each = 16, 100
    literature = ("Bottou (2009), Safran and Shamir (2021) agree at small rates; De Sa (2020) has sums for which "
                  "drawing with replacement is better")

    def met(case):
        """the rows disagree at the lowest point"""
        return case.noise > 0 and case.d < case.n

    def possible(case):
        if case.n % case.batch or (case.columns == "ones" and case.d > 1):
            raise ValueError(f"n must be a multiple of the batch, and d must be 1 for columns of ones; got n = "
                             f"{case.n}, batch = {case.batch}, d = {case.d}.")

    def run(case, rng):
        X = {"normal": rng.standard_normal, "student-3": lambda shape: rng.standard_t(3, shape),
             "ones": np.ones}[case.columns]((16, case.n, case.d))
        y = (X @ rng.standard_normal((16, case.d, 1)))[..., 0] + case.noise * rng.standard_normal((16, case.n))
        drawn = rng.integers(case.n, size=(90, 16, case.n))
        shuffled = np.argsort(rng.random((90, 16, case.n)), axis=-1)
        with_replacement, by_epochs = (_mean_excess(X, y, case, order) for order in (drawn, shuffled))
        return paired(np.log2(np.maximum(with_replacement, 1e-20) / np.maximum(by_epochs, 1e-20)))


def _mean_excess(X, y, case, order):
    """The excess loss (16,), mean over the last third of the epochs."""
    rate = case.share / (X**2).sum(axis=2).max(axis=1)
    best = np.stack([np.linalg.lstsq(A, b, rcond=None)[0] for A, b in zip(X, y, strict=True)])
    theta, total, counted, each = best, 0.0, 0, np.arange(16)[:, None]
    for epoch, rows in enumerate(order):
        for i in range(0, case.n, case.batch):
            x, target = X[each, rows[:, i:i + case.batch]], y[each, rows[:, i:i + case.batch]]
            residual = (x @ theta[..., None])[..., 0] - target
            theta = theta - 2 / case.batch * rate[:, None] * (residual[:, None] @ x)[:, 0]
            if epoch >= 60 and (case.measured == "at every step" or i + case.batch == case.n):
                total = total + (((X @ (theta - best)[..., None])[..., 0]) ** 2).mean(axis=1)
                counted += 1
    return total / counted
