"""Saying less: what each worker sends is shortened, and what was left out is added to its next message."""
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from uuid import uuid4

import numpy as np

from gdlib.checks import check_whole
from gdlib.distributed.asking import ask_one, gather, reached
from gdlib.distributed.averaging import Gradients, mean_gradient
from gdlib.distributed.pool import Pool


class Compression:
    """A way to shorten gradients (..., d), each run's by itself.

    Parameters
    ----------
    encode : callable
        gradient -> the message, arrays that travel.
    decode : callable
        message -> the gradient that it says.
    nbytes : callable
        d -> how many bytes the scheme takes for the gradient of one run.
    doc : str
        What it does.
    """

    def __init__(self, encode: Callable, decode: Callable, nbytes: Callable, doc: str):
        self.encode, self.decode, self.nbytes, self.__doc__ = encode, decode, nbytes, doc

    def __call__(self, g: np.ndarray) -> tuple[np.ndarray, int]:
        """What the message says, and its bytes."""
        return self.decode(self.encode(g)), g[..., 0].size * self.nbytes(g.shape[-1])


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
    return Compression(partial(_largest, k), _placed, lambda d: 12 * min(k, d), f"Keep the {k} largest coordinates.")


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


signs = Compression(_signs, _lengths, lambda d: -(-d // 8) + 8, """\
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

eight_bits = Compression(_steps, _stepped, lambda d: d + 8, """\
Each coordinate to the nearest of 255 steps between −max|g| and max|g|: 1 byte each, and 8 for the largest.

Parameters
----------
g : ndarray
    A gradient, (..., d).
""")


class compressed:
    """An oracle for `gd.run`: the mean of what the workers' messages say, each shortened by `compress`.

    ĝᵢ = C(gᵢ + eᵢ);  eᵢ ← gᵢ + eᵢ − ĝᵢ: what a message left out is kept and added to the next (error feedback). The
    workers compress, so only messages travel. Each keeps its residual eᵢ; a copy of all comes to the driver every
    `backup` steps, and a worker that was lost computes the steps since then again: its bits do not change.

    Parameters
    ----------
    pool : Pool
        Workers with `gradient(theta, t) -> (gradient, rows)`, which must give the same for the same theta and t.
    compress : callable
        `top_k(k)`, `signs`, `eight_bits`, or any function gradient -> (what the message says, its bytes); of such a
        function's messages the whole travels.
    feedback : bool
        False forgets what was left out.
    start : int
        The step after which this begins.
    backup : int
        How often the residuals come to the driver, which keeps that many θ meanwhile.
    state : dict, optional
        What `state()` of an earlier oracle gave, to go on from there; `start` then comes from it.

    Attributes
    ----------
    nbytes : int
        What all messages of one worker hold by the scheme's own count.
    up, down : int
        The bytes that all workers together have sent and received: messages and residuals; parameters.

    Raises
    ------
    ValueError, GaveUp, TimeoutError, ConnectionError
        As for `synchronous`.

    References
    ----------
    Karimireddy, Rebjock, Stich, Jaggi (2019), Error feedback fixes SignSGD and other gradient compression schemes.
    """

    def __init__(self, pool: Pool, compress: Callable, feedback: bool = True, start: int = 0, backup: int = 100,
                 state: dict | None = None):
        check_whole(start, "start", 0)
        check_whole(backup, "backup", 1)
        if not callable(compress):
            raise TypeError(f"compress must be top_k(k), signs, eight_bits or a function of the gradient; got "
                            f"{compress!r}")
        self.pool, self.compress, self.feedback, self.backup = pool, compress, feedback, backup
        self.nbytes = self.up = self.down = 0
        self._gradients = Gradients(pool)
        self.restore(state or {"t": start, "residuals": [0.0] * pool.n})

    def __iter__(self) -> Iterator[Callable]:
        return self

    def __next__(self):
        self._t = next(self._steps)
        return lambda theta, t=self._t: self._mean_message(theta, t)

    @property
    def residuals(self) -> list:
        """What each worker has left out so far, in order of rank."""
        if self._since:
            parts = self._ask_all(_residual)
            self.up += sum(np.asarray(part).nbytes for part in parts)
            self._kept, self._since, self._first = parts, [], self._calls
        return self._kept

    def state(self) -> dict:
        """Where this oracle stands, for `gd.checkpoints` and for `compressed(…, state=…)`."""
        return {"t": self._t, "residuals": self.residuals}

    def restore(self, state: dict):
        """Go on from where `state()` was taken.

        Parameters
        ----------
        state : dict
            What it gave.
        """
        if len(state["residuals"]) != self.pool.n:
            raise ValueError(f"state must hold the residuals of {self.pool.n} workers; got {len(state['residuals'])}. "
                             f"Make the pool with as many workers as before.")
        self._t, self._kept, self._since = state["t"], list(state["residuals"]), []
        self._steps, self._key = count(self._t + 1), uuid4().hex
        self._first = self._calls = 0  # the calls before the first of _since, and all

    def _mean_message(self, theta, t):
        with reached(theta, t - 1):
            if len(self._since) >= self.backup:
                _ = self.residuals
            parts = self._ask_all(_message, theta, t, self._calls + 1)
            self._since.append((theta, t))
            self._calls += 1
            said = {rank: self._read(part) for rank, part in enumerate(parts)}
        self.nbytes += max(part[1] for part in parts)
        self.down += self.pool.n * theta.nbytes
        return mean_gradient(self._gradients.checked(said, theta, t))

    def _read(self, part):
        """(what the message says, rows)."""
        message, _, rows = part
        if message is None:  # no gradient that could be compressed
            return rows
        self.up += _nbytes(message) + 8
        return (self.compress.decode(message) if hasattr(self.compress, "decode") else message), rows

    def _ask_all(self, function, *args):
        """What function(desk, key, *args) gives beside each worker; one that lacks its residual is given it first."""
        parts = gather(self.pool, function, self._key, *args)
        for rank in range(self.pool.n):
            while parts[rank] is None:
                ask_one(self.pool, rank, _begin, self._key, self.compress, self.feedback, self._kept[rank],
                        self._first, self._since)
                parts[rank] = ask_one(self.pool, rank, function, self._key, *args)
        return parts


# -- beside a worker: desk.notes[key] holds how to compress, and the residuals before and after the last call ----------


def _begin(desk, key, compress, feedback, residual, first, since):
    """Take over a residual, and compute the calls since it was taken again."""
    desk.notes[key] = {"compress": compress, "feedback": feedback, "call": first, "before": None, "after": residual}
    for call, (theta, t) in enumerate(since, start=first + 1):
        _message(desk, key, theta, t, call)


def _residual(desk, key):
    return desk.notes[key]["after"] if key in desk.notes else None


def _message(desk, key, theta, t, call):
    """(message, bytes, rows); (None, 0, what came) for what is no finite gradient; None without a residual for it.

    A call that is made once more, as its answer was lost, begins at the same residual as before.
    """
    notes = desk.notes.get(key)
    if notes is None or call - notes["call"] not in (0, 1) or call == notes["call"] and notes["before"] is None:
        return None
    before = notes["before"] if call == notes["call"] else notes["after"]
    part = desk.worker.gradient(theta, t)
    notes |= {"call": call, "before": before, "after": before}
    if not (isinstance(part, tuple) and len(part) == 2 and _is_finite(part[0], theta)):
        return None, 0, part
    g, rows = part
    whole, compress = g + before, notes["compress"]
    if hasattr(compress, "encode"):
        message = compress.encode(whole)
        said, nbytes = compress.decode(message), g[..., 0].size * compress.nbytes(g.shape[-1])
    else:
        message = said = (pair := compress(whole))[0]
        nbytes = pair[1]
    if notes["feedback"]:
        notes["after"] = whole - said
    return message, nbytes, rows


def _is_finite(g, theta):
    return np.shape(g) == np.shape(theta) and bool(np.isfinite(np.add.reduce(g, axis=None)))


def _nbytes(message):
    """The bytes that a message's arrays hold."""
    if isinstance(message, tuple):
        return sum(map(_nbytes, message))
    return message.nbytes if isinstance(message, np.ndarray) else 8 * (message is not None)
