"""Local descent."""
from collections.abc import Sequence

import numpy as np

from gdlib.checks import check_number, check_whole
from gdlib.distributed.asking import gather, reached
from gdlib.distributed.pool import Pool


def local_descent(pool: Pool, theta0: Sequence | np.ndarray, rounds: int, steps: int, lr: float) -> np.ndarray:
    """Local SGD: each worker takes `steps` steps alone, then their parameters are averaged.

    Parameters
    ----------
    pool : Pool
        Workers with `descend(theta, t, steps, lr) -> (theta, rows)`.
    theta0 : array_like
        The start, (d,).
    rounds : int
        How often they are averaged: one message of d numbers each way a round.
    steps : int
        H, how many steps each takes in between.
    lr : float
        Learning rate of each step, η.

    Returns
    -------
    ndarray
        (rounds + 1, d), the start and the mean after each round.

    Raises
    ------
    GaveUp, TimeoutError, ConnectionError
        As for `synchronous`, with `.theta` and `.step`, the rounds done.

    References
    ----------
    Stich (2019), Local SGD converges fast and communicates little.
    """
    check_whole(rounds, "rounds", 1)
    check_whole(steps, "steps", 1)
    check_number(lr, "lr", above=0)
    points = [np.array(theta0, float)]
    for r in range(rounds):
        with reached(points[-1], r):
            parts = gather(pool, "descend", points[-1], 1 + r * steps, steps, lr)
        points.append(sum(rows * theta for theta, rows in parts) / sum(rows for _, rows in parts))
    return np.array(points)
