"""Synchronous descent: each step waits for all workers, or for the first so many, and averages."""
from collections.abc import Callable, Iterator
from itertools import count

import numpy as np

from gdlib.checks import check_whole
from gdlib.distributed.asking import ask_all, check_gradient, reached
from gdlib.distributed.pool import Pool


def synchronous(pool: Pool, start: int = 0, wait_for: int | None = None) -> Iterator[Callable]:
    """An oracle for `gd.run`: each step's gradient is the mean over all workers' rows.

    ḡ = Σ nᵢ gᵢ / Σ nᵢ, added in order of rank, so that the bits do not depend on who answered first.

    Parameters
    ----------
    pool : Pool
        Workers with `gradient(theta, t) -> (gradient, rows)`.
    start : int
        The step after which this begins: `run.t[-1]` where a run is resumed.
    wait_for : int, optional
        The step goes on with the first so many answers, as in `gather`.

    Raises
    ------
    ValueError
        A worker's gradient has another shape than theta, or holds nan although theta has not diverged.
    GaveUp
        A worker died again and again.
    TimeoutError
        A worker did not answer in time.
    ConnectionError
        The cluster is gone.

    Notes
    -----
    Every error carries `.theta`, the parameters so far, and `.step`; and `.rank`, where one worker is the cause.
    """
    check_whole(start, "start", 0)
    if wait_for is not None:
        check_whole(wait_for, "wait_for", 1, pool.n)
    return _mean_of(Gradients(pool, wait_for), start)


def _mean_of(gradients, start):
    for t in count(start + 1):
        yield lambda theta, t=t: mean_gradient(gradients(theta, t))


def mean_gradient(parts: dict) -> np.ndarray:
    """Σ nᵢ gᵢ / Σ nᵢ of {rank: (gᵢ, nᵢ)}, in this order; it works in the memory of the gᵢ.

    Of a million numbers, new memory at each step would take longer than all the arithmetic.
    """
    total = None
    for g, rows in parts.values():
        g = g if np.asarray(g).dtype.kind == "f" else np.array(g, float)
        g *= rows
        total = g if total is None else np.add(total, g, out=total)
    total /= sum(rows for _, rows in parts.values())
    return total


class Gradients:
    """All workers' gradients of a step, {rank: (gradient, rows)}, checked."""

    def __init__(self, pool, wait_for=None):
        self.pool, self.wait_for, self.first_theta = pool, wait_for, None

    def __call__(self, theta, t):
        with reached(theta, t - 1):
            parts = ask_all(self.pool, "gradient", lambda rank: (theta, t), wait_for=self.wait_for)
            return self.checked(parts, theta, t)

    def checked(self, parts, theta, t):
        """The same parts, once each was checked."""
        if self.first_theta is None:
            self.first_theta = theta
        for rank, part in parts.items():
            check_gradient(self.pool, part, theta, rank, t, self.first_theta)
        return parts
