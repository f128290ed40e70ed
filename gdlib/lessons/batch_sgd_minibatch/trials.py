"""Lesson 02: the claims on batches, on trial."""
import numpy as np

from gdlib.lessons.kit.axes import among, between
from gdlib.lessons.kit.intervals import paired
from gdlib.lessons.kit.trial import trial


@trial("noise-floor", kind="effect", unit="doublings of the floor by twice the rate, or by half the batch (the fewer)")
class NoiseFloor:
    """The mean excess loss after very many steps: at a rate and at half of it, with a batch and with twice the batch.

    Least squares has it in closed form, so no walk is too short. The tests walk a case and compare.
    """

    axes = {
        "n": among(10, 20, 60, 200, about="rows", least=2, most=1000),
        "d": among(1, 3, 8, 16, 40, about="columns", least=1, most=300),
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
        with np.errstate(divide="ignore", invalid="ignore"):
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
