"""Ways to say less: gradients as shorter messages."""
from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate, pairwise
from math import prod
from typing import NamedTuple

import numpy as np

from gdlib.checks import check_whole


class Occasion(NamedTuple):
    """Whose message, at which step, and what the scheme remembers of the one before: None at first."""

    rank: int = 0
    t: int = 1
    memory: object = None


class Compression:
    """A way to shorten gradients (..., d), each run's by itself.

    Parameters
    ----------
    encode : callable
        (gradient, occasion) -> (the message, arrays that travel; what to remember for the next).
    decode : callable
        message -> the gradient that it says.
    nbytes : callable
        d -> how many bytes the scheme takes for the gradient of one run.
    doc : str
        What it does.
    unbiased : bool
        Whether it is right on average, and too long to be used with error feedback.
    """

    def __init__(self, encode: Callable, decode: Callable, nbytes: Callable, doc: str, unbiased: bool = False):
        self.encode, self.decode, self.nbytes, self.__doc__, self.unbiased = encode, decode, nbytes, doc, unbiased

    def __call__(self, g: np.ndarray) -> tuple[np.ndarray, int]:
        """What the message says, and its bytes."""
        return self.decode(self.encode(g, Occasion())[0]), g[..., 0].size * self.nbytes(g.shape[-1])


def _plain(encode):
    """The same message at every occasion, and nothing to remember."""
    return lambda g, occasion: (encode(g), None)


def top_k(k: int) -> Compression:
    """Keep the k coordinates that are largest in size: 8 bytes for each and 4 for its place.

    Of equally large ones those that stand first are kept, so that the same gradient always gives the same message.

    Parameters
    ----------
    k : int
        How many coordinates; all, where a gradient has fewer.

    References
    ----------
    Aji and Heafield (2017), Sparse communication for distributed gradient descent.

    Examples
    --------
    >>> said, nbytes = top_k(1)(np.array([1.0, -3.0, 2.0]))
    >>> said.tolist(), nbytes
    ([0.0, -3.0, 0.0], 12)
    """
    check_whole(k, "k", 1)
    doc = f"Keep the {k} largest coordinates."
    return Compression(_plain(partial(_largest, k)), _placed, lambda d: 12 * min(k, d), doc)


def _largest(k, g):
    k, size = min(k, g.shape[-1]), np.abs(g)
    places = np.argpartition(size, -k, axis=-1)[..., -k:]  # of the equally large it takes any: only the least counts
    least = np.take_along_axis(size, places, axis=-1).min(axis=-1, keepdims=True)
    larger, equal = size > least, size == least
    room = k - larger.sum(axis=-1, keepdims=True)
    kept = larger | equal & (np.cumsum(equal, axis=-1) <= room)
    places = np.nonzero(kept)[-1].reshape(*g.shape[:-1], k)
    return places.astype(np.int32), np.take_along_axis(g, places, axis=-1), g.shape[-1]


def _placed(message):
    places, values, d = message
    said = np.zeros((*values.shape[:-1], d))
    np.put_along_axis(said, places.astype(np.int64), values, axis=-1)
    return said


def random_k(k: int, seed: int = 0, unbiased: bool = True) -> Compression:
    """Keep k coordinates drawn at random, others for each worker and step: 8 bytes for each.

    Their places do not travel, as both ends draw them from the seed, the rank and the step.

    Parameters
    ----------
    k : int
        How many coordinates; all, where a gradient has fewer.
    seed : int
        Of the draws.
    unbiased : bool
        True multiplies what is kept by d/k, so that the message is right on average. With error feedback this must be
        False: what was left out is then added later, and multiplying would count it too often.

    References
    ----------
    Stich, Cordonnier, Jaggi (2018), Sparsified SGD with memory. Wangni, Wang, Liu, Zhang (2018), Gradient
    sparsification for communication-efficient distributed optimization.

    Examples
    --------
    >>> said, nbytes = random_k(1)(np.array([1.0, 1.0, 1.0]))
    >>> sorted(said.tolist()), nbytes
    ([0.0, 0.0, 3.0], 8)
    """
    check_whole(k, "k", 1)
    check_whole(seed, "seed", 0)
    doc = f"Keep {k} coordinates drawn at random."

    def encode(g, occasion):
        d, source = g.shape[-1], (seed, occasion.rank, occasion.t)
        values = g[..., _drawn(source, k, d)]
        return (values * (d / min(k, d)) if unbiased else values, source, d), None

    def decode(message):
        values, source, d = message
        said = np.zeros((*values.shape[:-1], d))
        said[..., _drawn(source, k, d)] = values
        return said

    return Compression(encode, decode, lambda d: 8 * min(k, d), doc, unbiased)


def _drawn(source, k, d):
    return np.random.default_rng(source).choice(d, min(k, d), replace=False)


def power_sgd(rank: int, shapes: Sequence[tuple], seed: int = 0) -> Compression:
    """PowerSGD, matrices of a low rank:  P ← MQ, made orthonormal;  Q ← MᵀP;  the message P, Q says PQᵀ.

    One step of the power iteration; as Q begins where the last step ended, the iteration goes on from step to step. A
    matrix (p, q) takes 8(p + q)r bytes. One that would not become shorter, and what is no matrix, travels whole. Here
    each worker has a P and a Q of its own, and the driver adds what they say. In the paper all workers share P and Q:
    two messages a step, which an all-reduce can add on their way.

    Parameters
    ----------
    rank : int
        Rank r of the message.
    shapes : sequence of tuple
        Shapes of the blocks of parameters in their order: `model.shapes`.
    seed : int
        Of the first Q, whose numbers are drawn from N(0, 1).

    Raises
    ------
    ValueError
        `shapes` holds no matrix that becomes shorter, or another number of parameters than the gradient.

    References
    ----------
    Vogels, Karimireddy, Jaggi (2019), PowerSGD: practical low-rank gradient compression for distributed optimization.

    Examples
    --------
    >>> M = np.outer([1.0, 2.0, 3.0], [1.0, 0.0, 1.0, 0.0])
    >>> said, nbytes = power_sgd(1, shapes=[(3, 4)])(M.ravel())
    >>> np.allclose(said, M.ravel()), nbytes
    (True, 56)
    """
    check_whole(rank, "rank", 1)
    try:
        ends = list(accumulate(map(prod, shapes), initial=0))
        blocks = [(slice(*ab), shape) for ab, shape in zip(pairwise(ends), shapes, strict=True)]
    except TypeError:
        raise ValueError(f"shapes must be a list of tuples; got {shapes!r}. Give model.shapes.") from None
    short = [len(shape) == 2 and rank * sum(shape) < prod(shape) for shape in shapes]
    if not any(short):
        raise ValueError(f"shapes must hold a matrix that rank {rank} shortens; got {shapes!r}. Take a lower rank.")
    rng = np.random.default_rng(seed)
    first = [rng.normal(size=(shape[1], rank)) if low else None for low, shape in zip(short, shapes, strict=True)]
    sizes = [8 * (rank * sum(shape) if low else prod(shape)) for low, shape in zip(short, shapes, strict=True)]
    doc = f"Matrices of rank {rank}, by one power iteration."
    return Compression(partial(_low_rank, blocks, first), partial(_products, blocks), lambda d: sum(sizes), doc)


def _low_rank(blocks, first, g, occasion):
    """([(P, Q) of a matrix; what travels whole], [Q; None])."""
    d = blocks[-1][0].stop
    if g.shape[-1] != d:
        raise ValueError(f"shapes must hold the {g.shape[-1]} parameters of the gradient; got {d}. Give model.shapes.")
    message = []
    for (place, shape), Q in zip(blocks, occasion.memory or first, strict=True):
        M = g[..., place].reshape(*g.shape[:-1], *shape)
        if Q is not None:
            P = np.linalg.qr(M @ Q)[0]
            M = P, np.swapaxes(M, -1, -2) @ P
        message.append(M)
    return message, [part[1] if isinstance(part, tuple) else None for part in message]


def _products(blocks, message):
    """The gradient that the parts of a message say."""
    parts = [part[0] @ np.swapaxes(part[1], -1, -2) if isinstance(part, tuple) else part for part in message]
    return np.concatenate([part.reshape(*part.shape[: part.ndim - len(shape)], -1)
                           for part, (_, shape) in zip(parts, blocks, strict=True)], axis=-1)


def _signs(g):
    zeros = g == 0
    mean = np.abs(g).mean(axis=-1, keepdims=True)
    return mean, np.packbits(g > 0, axis=-1), np.packbits(zeros, axis=-1) if zeros.any() else None, g.shape[-1]


def _lengths(message):
    mean, positive, zeros, d = message
    sign = 2.0 * np.unpackbits(positive, axis=-1, count=d) - 1
    if zeros is not None:
        sign[np.unpackbits(zeros, axis=-1, count=d) == 1] = 0
    return mean * sign


def _steps(g):
    step = np.abs(g).max(axis=-1, keepdims=True) / 127
    return np.rint(g / np.where(step > 0, step, 1)).astype(np.int8), step


def _stepped(message):
    steps, step = message
    return steps * step


signs = Compression(_plain(_signs), _lengths, lambda d: -(-d // 8) + 8, """\
Signs, times the mean size of a coordinate: 1 bit a coordinate, and 8 bytes.

Where some coordinates are exactly 0, a second bit for each says so.

Parameters
----------
g : ndarray
    A gradient, (..., d).

References
----------
Seide et al. (2014), 1-bit stochastic gradient descent and its application to data-parallel distributed training.
""")

eight_bits = Compression(_plain(_steps), _stepped, lambda d: d + 8, """\
Each coordinate to the nearest of 255 steps between −max|g| and max|g|: 1 byte each, and 8 for the largest.

Parameters
----------
g : ndarray
    A gradient, (..., d).
""")


