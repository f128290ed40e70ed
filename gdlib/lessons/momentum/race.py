"""Lesson 04's race: rules of one line or two, each tuned over the same grid, on the diabetes data."""
from __future__ import annotations

from functools import cache

import numpy as np

import gdlib as gd

BETAS = (0.8, 0.9, 0.95)
RATES = np.geomspace(0.03, 30, 13)  # as multiples of 1/L, L the largest curvature: wide enough for an average, too
GOAL, MOST = 1e-4, 600  # the share of the first excess loss to reach, and the steps that a rule may take
TUNED, JUDGED = 3, 5  # how many starts choose rate and β, and how many others count


def descent(theta, memory, gradient, lr, beta):
    """Plain descent, which remembers nothing."""
    return theta - lr * gradient, memory


def nesterov(theta, v, gradient, lr, beta):
    """Nesterov's rule as PyTorch writes it: theta is the place that is looked at."""
    v = beta * v + gradient
    return theta - lr * (gradient + beta * v), v


@cache
def _bowl():
    """The Hessian of a line through the standardised diabetes data, and the line's best parameters."""
    X, y = gd.data.load("diabetes")
    line = gd.LeastSquares((X - X.mean(axis=0)) / X.std(axis=0), y)
    H = gd.analysis.hessian(line, np.zeros(line.dim))
    return H, np.linalg.solve(H, -line.grad(np.zeros(line.dim)))


def gradients_needed(step):
    """Gradients that a rule needs to a ten-thousandth of its first excess loss, from five starts.

    Its rate and β are the best of the grid on three other starts, by the mean.

    Parameters
    ----------
    step : function
        (theta, memory, gradient, lr, beta) -> the new theta and memory; the first memory is an array of zeros.

    Returns
    -------
    array (5,) of int
        Who does not arrive in 600 steps counts as 1,200.
    """
    H, best = _bowl()
    starts = best + 30 * np.random.default_rng(0).normal(size=(TUNED + JUDGED, len(best)))
    rates = RATES / np.linalg.eigvalsh(H)[-1]
    grid = [(lr, beta) for lr in rates for beta in BETAS]
    means = [np.mean([_steps(step, start, *pair) for start in starts[:TUNED]]) for pair in grid]
    pair = grid[int(np.argmin(means))]
    return np.array([_steps(step, start, *pair) for start in starts[TUNED:]])


def _steps(step, start, lr, beta):
    """Steps to the goal; 2 · MOST where it is not reached."""
    H, best = _bowl()
    theta, memory = start, np.zeros_like(start)
    first = (start - best) @ H @ (start - best)
    for t in range(1, MOST + 1):
        theta, memory = step(theta, memory, H @ (theta - best), lr, beta)
        excess = (theta - best) @ H @ (theta - best)
        if excess <= GOAL * first:
            return t
        if not excess < 1e6 * first:  # flown off, or nan
            break
    return 2 * MOST
