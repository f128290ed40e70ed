"""Digits with and without normalised layers: the largest learning rate that still trains, and the sharpness."""
from collections.abc import Sequence

import numpy as np

from gdlib.analysis import sharpness
from gdlib.data import load, split
from gdlib.descent import run
from gdlib.networks import MLP
from gdlib.normalised import NormalisedMLP
from gdlib.oracles import minibatches
from gdlib.rules.momentum import gradient_descent
from gdlib.sweep import per_run

HIDDEN = (64,) * 4
NORMS = ("none", "batch", "layer")
GUESS = np.log(10)  # loss of giving each digit the same probability


def network(norm: str) -> MLP:
    """Make a relu network with four hidden layers of 64 units for the training rows of digits, less their mean.

    Parameters
    ----------
    norm : {"none", "batch", "layer"}
        What the hidden layers are normalised over.
    """
    (X, y), _ = digits()
    return MLP(X, y, HIDDEN, "relu") if norm == "none" else NormalisedMLP(X, y, HIDDEN, "relu", over=norm)


def digits() -> tuple:
    """Load the training rows (X, y) and the validation rows (X, y) of digits, less the training rows' mean."""
    X, y = load("digits")
    train, validation, _ = split(y, seed=0)
    X = X - X[train].mean(axis=0)
    return (X[train], y[train]), (X[validation], y[validation])


def starts(model: MLP, seeds: int) -> np.ndarray:
    """Draw starts by He's scheme, (seeds, d): the same weights for all three networks.

    Parameters
    ----------
    model : MLP
        Network.
    seeds : int
        Number of starts.
    """
    return np.stack([model.init(np.random.default_rng([1, seed]), scheme="he") for seed in range(seeds)])


def trained(norm: str, batch_size: int, rates: Sequence[float], seeds: int = 3, steps: int = 400) -> tuple:
    """Train by plain descent on mini-batches, at several learning rates side by side.

    Parameters
    ----------
    norm : {"none", "batch", "layer"}
        What the hidden layers are normalised over.
    batch_size : int
        Number of rows B in a batch.
    rates : sequence of float
        Learning rates.
    seeds : int
        Number of starts, each with its own order of the rows.
    steps : int
        Number of steps, at least 50.

    Returns
    -------
    model : MLP
        Network.
    points : array (6, seeds, rates, d)
        Parameters at six of the last 51 steps, ten steps apart.
    """
    model, opt = network(norm), gradient_descent(per_run(rates))
    oracle = minibatches(model, batch_size, [np.random.default_rng([2, seed]) for seed in range(seeds)])
    begun = run(model, opt, starts(model, seeds)[:, None, :], steps - 50, oracle=oracle, every=steps)
    return model, run(model, opt, None, 50, oracle=oracle, every=10, resume=begun).theta


def losses(norm: str, batch_size: int, rates: Sequence[float], seeds: int = 3, steps: int = 400) -> np.ndarray:
    """Measure the loss in batches of the same size as in training, near the end of `trained`.

    With "batch" each batch is normalised by its own rows, as in training. Small batches then make it larger than the
    loss of the network that is used in the end: see `accuracies`.

    Parameters
    ----------
    norm : {"none", "batch", "layer"}
        What the hidden layers are normalised over.
    batch_size : int
        Number of rows B in a batch.
    rates : sequence of float
        Learning rates.
    seeds : int
        Number of starts.
    steps : int
        Number of steps, at least 50.

    Returns
    -------
    array (seeds, rates)
        Mean over 128 rows or more at each of the last five points; inf where the run left the finite numbers.
    """
    model, points = trained(norm, batch_size, rates, seeds, steps)
    order = np.random.default_rng(3).permutation(model.n)
    batches = [order[i : i + batch_size] for i in range(0, 128, batch_size)]
    with np.errstate(all="ignore"):
        found = np.mean([[model(theta, rows) for rows in batches] for theta in points[1:]], axis=(0, 1))
    return np.where(np.isfinite(found), found, np.inf)


def accuracies(norm: str, batch_size: int, rates: Sequence[float], seeds: int = 3, steps: int = 400) -> np.ndarray:
    """Measure the share of validation images that are recognised at the end of `trained`.

    With "batch" they are normalised by the mean and variance of all training rows, as the network is used.

    Parameters
    ----------
    norm : {"none", "batch", "layer"}
        What the hidden layers are normalised over.
    batch_size : int
        Number of rows B in a batch.
    rates : sequence of float
        Learning rates.
    seeds : int
        Number of starts.
    steps : int
        Number of steps, at least 50.

    Returns
    -------
    array (seeds, rates)
        Share of the 360 images; about 0.1 for a network that guesses, and for one that left the finite numbers.
    """
    model, points = trained(norm, batch_size, rates, seeds, steps)
    _, (X, y) = digits()
    with np.errstate(all="ignore"):
        return model.accuracy(points[-1], X, y)


def largest_rate(losses: np.ndarray, rates: Sequence[float]) -> float:
    """Find the largest learning rate at which every start trains: it ends below half the loss of guessing, ½ log 10.

    To stay finite is not enough: a network may stay finite and guess.

    Parameters
    ----------
    losses : array (seeds, rates)
        Losses at the end.
    rates : sequence of float
        Learning rates.

    Returns
    -------
    float
        Largest such rate; 0 if there is none.
    """
    trains = (losses < GUESS / 2).all(axis=0)
    return float(np.max(np.asarray(rates)[trains], initial=0))


def sharpness_at_start(norm: str, seeds: int = 3, iterations: int = 50) -> np.ndarray:
    """Measure the sharpness of the loss over all training rows at the start: the Hessian's largest eigenvalue.

    Parameters
    ----------
    norm : {"none", "batch", "layer"}
        What the hidden layers are normalised over.
    seeds : int
        Number of starts.
    iterations : int
        Number of Hessian–vector products for each.

    Returns
    -------
    array (seeds,)
        One sharpness per start.
    """
    model = network(norm)
    return np.array([sharpness(model, theta, iterations=iterations)[0] for theta in starts(model, seeds)])
