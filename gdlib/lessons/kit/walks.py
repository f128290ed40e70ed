"""Walks that trials have in common: only what is asked of them is kept, so that they may be long."""
from collections.abc import Callable, Iterable
from itertools import islice, repeat

import numpy as np

from gdlib.loop import iterate
from gdlib.models import LogisticRegression
from gdlib.objectives import Objective
from gdlib.rules.rule import Optimizer


def quadratic(eigenvalues: np.ndarray) -> Objective:
    """½ Σ λᵢ θᵢ², for eigenvalues (..., d) that may differ from run to run."""
    lam = np.asarray(eigenvalues, float)
    return Objective("quadratic", lambda theta: 0.5 * (lam * theta**2).sum(axis=-1), lambda theta: lam * theta)


def spectrum(name: str, d: int, kappa: float) -> np.ndarray:
    """d curvatures from 1/κ to 1, the flattest first: "geometric", "even" or "two values"; for d = 1 it is 1."""
    if d == 1:
        return np.ones(1)
    if name == "geometric":
        return np.geomspace(1 / kappa, 1, d)
    if name == "even":
        return np.linspace(1 / kappa, 1, d)
    return np.where(np.arange(d) < (d + 1) // 2, 1 / kappa, 1.0)


def steps_until(reached: Callable, opt: Optimizer, theta0: np.ndarray, steps: int, grads: Iterable | Callable,
                stay: bool = False) -> np.ndarray:
    """The step at which each run has first arrived, or from which on it stays; inf if it does not within `steps`.

    Parameters
    ----------
    reached : callable
        θ (..., d) -> (...), whether a run is where it should be.
    opt : Optimizer
        The rule.
    theta0 : (..., d)
        Where the runs start.
    steps : int
        The most steps to take.
    grads : callable or iterable
        The gradient, or an oracle.
    stay : bool
        From which step on it stays, to the end of the walk.
    """
    oracle = repeat(grads) if callable(grads) else grads
    arrived = None
    with np.errstate(all="ignore"):  # a run that diverges does not arrive
        for t, theta, _ in iterate(opt, theta0, islice(oracle, steps)):
            there = reached(theta)
            arrived = np.full(np.shape(there), np.inf) if arrived is None else arrived
            arrived = np.where(there, np.where(np.isinf(arrived), t, arrived), np.inf if stay else arrived)
            if not stay and np.isfinite(arrived).all():
                break
    return arrived


SURFACES = ("quadratic", "ln cosh", "logistic", "separable")


def surface(name: str, d: int, kappa: float, rng: np.random.Generator) -> tuple:
    """A convex surface, and L, the largest curvature that it has anywhere.

    - "quadratic": curvatures from 1/κ to 1, the same everywhere, in drawn directions
    - "ln cosh": the same at the bottom, and flatter away from it
    - "logistic": labels by chance, so that the lowest point is finite
    - "separable": labels that a plane divides, so that the lowest point is nowhere
    """
    lam = spectrum("geometric", d, kappa)
    turn = np.linalg.qr(rng.standard_normal((d, d)))[0]
    if name == "quadratic":
        return Objective(name, lambda theta: 0.5 * (lam * (theta @ turn) ** 2).sum(axis=-1),
                         lambda theta: (lam * (theta @ turn)) @ turn.T), 1.0
    if name == "ln cosh":
        return Objective(name, lambda theta: (lam * ln_cosh(theta @ turn)).sum(axis=-1),
                         lambda theta: (lam * np.tanh(theta @ turn)) @ turn.T), 1.0
    X = rng.standard_normal((10 * d + 10, d)) * np.sqrt(lam) @ turn.T
    y = X @ turn[:, -1] > 0 if name == "separable" else rng.random(len(X)) < 0.5
    model = LogisticRegression(X, y.astype(int), intercept=False)
    return model, float(np.linalg.eigvalsh(X.T @ X / len(X))[-1]) / 4


def check_length(steps: float, most: int = 500_000):
    """A case of one's own must not walk for hours.

    Raises
    ------
    ValueError
        It may take more than `most` steps.
    """
    if steps > most:
        raise ValueError(f"the walk must take at most {most:,} steps; got up to {steps:,.0f}. Take a smaller condition "
                         "number, a larger rate, a larger batch, or a target that is nearer.")


def step_that_bends(f: Objective, theta: np.ndarray, share: float) -> np.ndarray:
    """Steps −ηg (k, d), each so long that the gradient at its end differs from g by this share of ‖g‖.

    The shortest such step, by trying lengths and then bisection.
    """
    g = f.grad(theta)
    size = np.linalg.norm(g, axis=-1)
    etas = np.geomspace(1e-9, 1e3, 400)
    changes = np.array([np.linalg.norm(f.grad(theta - eta * g) - g, axis=-1) / size for eta in etas])
    first = np.maximum((changes >= share).argmax(axis=0), 1)
    low, high = etas[first - 1], etas[first]
    for _ in range(50):
        middle = np.sqrt(low * high)
        far = np.linalg.norm(f.grad(theta - middle[:, None] * g) - g, axis=-1) / size >= share
        low, high = np.where(far, low, middle), np.where(far, middle, high)
    return -high[:, None] * g


def ln_cosh(z: np.ndarray) -> np.ndarray:
    """ln cosh z: exact to rounding near 0, where a difference of logarithms would not be, and without overflow."""
    size = np.abs(z)
    near = 0.5 * np.log1p(np.sinh(np.minimum(size, 1)) ** 2)
    return np.where(size < 1, near, size + np.log1p(np.exp(-2 * size)) - np.log(2))
