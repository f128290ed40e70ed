"""A recurrent network on the adding problem: which learning rates train it, with and without clipping."""
from collections.abc import Sequence

import numpy as np

from gdlib.descent import run
from gdlib.oracles import clipped, minibatches
from gdlib.recurrent import RecurrentNetwork
from gdlib.rules.momentum import gradient_descent
from gdlib.sweep import per_run

GUESS = 1 / 6  # mean squared error of always guessing 1: the variance of the sum of two uniform numbers


def adding_problem(rng: np.random.Generator, n: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw sequences of two numbers a step, a value and a mark: the target is the sum of the two marked values.

    The values are uniform on [0, 1]. One mark is 1 in the first half of the steps, one in the second; the others are 0.

    Parameters
    ----------
    rng : Generator
        Source of the sequences.
    n : int
        Number of sequences.
    steps : int
        Number of steps T, at least 2.

    Returns
    -------
    X : array (n, 2T)
        Sequences, the value and the mark of step 1 first: `RecurrentNetwork(X, y, inputs=2)`.
    y : array (n,)
        Sums.

    References
    ----------
    Hochreiter and Schmidhuber (1997), Long short-term memory; in the form of Le, Jaitly, Hinton (2015), A simple way to
    initialize recurrent networks of rectified linear units.
    """
    values, marks, rows = rng.random((n, steps)), np.zeros((n, steps)), np.arange(n)
    marks[rows, rng.integers(steps // 2, size=n)] = 1
    marks[rows, rng.integers(steps // 2, steps, size=n)] = 1
    return np.stack([values, marks], axis=-1).reshape(n, -1), (values * marks).sum(axis=1)


def losses(
    rates: Sequence[float], norm: float | None = None, gain: float = 1.0, seeds: int = 8, steps: int = 500,
    hidden: int = 32, length: int = 20,
) -> np.ndarray:
    """Train on the adding problem at several learning rates, and measure the loss on new sequences.

    Mini-batches of 32 out of 2,000 sequences; the mean loss over 500 new ones at ten points of the last 100 steps.

    Parameters
    ----------
    rates : sequence of float
        Learning rates.
    norm : float, optional
        Largest length of the gradient; by default it is not clipped.
    gain : float
        Factor of the recurrent weights at the start.
    seeds : int
        Number of starts, each with its own order of the sequences.
    steps : int
        Number of steps, at least 100.
    hidden : int
        Number of hidden units.
    length : int
        Number of steps of a sequence, T.

    Returns
    -------
    array (seeds, rates)
        One loss per start and rate; inf where the run left the finite numbers.
    """
    rng = np.random.default_rng(0)
    model = RecurrentNetwork(*adding_problem(rng, 2000, length), hidden, inputs=2)
    new = RecurrentNetwork(*adding_problem(rng, 500, length), hidden, inputs=2)
    starts = np.stack([model.init(np.random.default_rng([1, seed]), gain) for seed in range(seeds)])
    oracle = minibatches(model, 32, [np.random.default_rng([2, seed]) for seed in range(seeds)])
    if norm is not None:
        oracle = clipped(oracle, norm=norm)
    done = run(model, gradient_descent(per_run(rates)), starts[:, None, :], steps, oracle=oracle, every=10)
    with np.errstate(all="ignore"):
        found = np.mean([new(theta) for theta in done.theta[-10:]], axis=0)
    return np.where(np.isfinite(found), found, np.inf)
