"""Saying less: what each worker sends is shortened, and what was left out is added to its next message."""
from collections.abc import Callable, Iterator
from itertools import count

import numpy as np

from gdlib.checks import check_whole
from gdlib.distributed.pool import Pool
from gdlib.distributed.strategies import gradients


def top_k(k: int) -> Callable:
    """Keep the k largest coordinates: 8 bytes for each and 4 for its place.

    Aji and Heafield (2017), Sparse communication for distributed gradient descent.
    """
    check_whole(k, "k", 1)

    def compress(g):
        kept = np.zeros_like(g)
        largest = np.argsort(-np.abs(g), kind="stable")[:k]
        kept[largest] = g[largest]
        return kept, 12 * len(largest)

    return compress


def signs(g: np.ndarray) -> tuple[np.ndarray, int]:
    """Signs, times the mean length of a coordinate: 1 bit a coordinate, and 8 bytes.

    Seide et al. (2014), 1-bit stochastic gradient descent and its application to data-parallel distributed training.
    """
    return np.abs(g).mean() * np.sign(g), -(-g.size // 8) + 8


def eight_bits(g: np.ndarray) -> tuple[np.ndarray, int]:
    """Each coordinate to the nearest of 255 steps between −max|g| and max|g|: 1 byte each, and 8 for the largest."""
    step = np.abs(g).max() / 127
    return (np.rint(g / step) * step if step > 0 else g), g.size + 8


class compressed:  # noqa: N801  (an oracle, named as the others)
    """An oracle for `gd.run`: the mean of what the workers' messages say, each shortened by `compress`.

    ĝᵢ = C(gᵢ + eᵢ);  eᵢ ← gᵢ + eᵢ − ĝᵢ: what a message left out is kept and added to the next (error feedback;
    Karimireddy et al., 2019). The residuals eᵢ are kept here, so that they survive a worker. `nbytes` counts what one
    worker's messages would have held; on this machine the gradients themselves travel.

    Parameters
    ----------
    pool : workers with `gradient(theta, t) -> (gradient, rows)`
    compress : g -> (what the message says, its bytes): `top_k(k)`, `signs`, `eight_bits`
    feedback : False forgets what was left out
    start : the step after which this begins
    """

    def __init__(self, pool: Pool, compress: Callable, feedback: bool = True, start: int = 0):
        self.pool, self.compress, self.feedback = pool, compress, feedback
        self.residuals, self.nbytes, self._steps = [0.0] * pool.n, 0, count(start + 1)

    def __iter__(self) -> Iterator[Callable]:
        return self

    def __next__(self):
        t = next(self._steps)
        return lambda theta: self._mean_message(theta, t)

    def _mean_message(self, theta, t):
        parts, total, most = gradients(self.pool, theta, t), 0.0, 0
        for rank, (g, rows) in parts.items():
            whole = g + self.residuals[rank]
            said, nbytes = self.compress(whole)
            if self.feedback:
                self.residuals[rank] = whole - said
            total, most = total + rows * said, max(most, nbytes)
        self.nbytes += most
        return total / sum(rows for _, rows in parts.values())
