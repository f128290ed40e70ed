"""Saying less: what each worker sends is shortened, and what was left out is added to its next message."""
from collections.abc import Callable
from functools import partial

import numpy as np

from gdlib.checks import check_whole
from gdlib.distributed.asking import reached
from gdlib.distributed.averaging import Gradients, mean_gradient
from gdlib.distributed.compression import Compression, Occasion
from gdlib.distributed.keeping import Keeping, KeepingOracle, check_state, nbytes, shared_out
from gdlib.distributed.pool import Pool


class compressed(KeepingOracle):
    """An oracle for `gd.run`: the mean of what the workers' messages say, each shortened by `compress`.

    ĝᵢ = C(gᵢ + eᵢ);  eᵢ ← gᵢ + eᵢ − ĝᵢ: what a message left out is kept and added to the next (error feedback). The
    workers compress, so only messages travel. Each keeps its residual eᵢ; a copy of all comes to the driver every
    `backup` steps, and a worker that was lost computes the steps since then again: its bits do not change.

    Parameters
    ----------
    pool : Pool
        Workers with `gradient(theta, t) -> (gradient, rows)`, which must give the same for the same theta and t.
    compress : callable
        `top_k(k)`, `random_k(k)`, `signs`, `eight_bits`, `power_sgd(rank, shapes)`, or any function gradient -> (what
        the message says, its bytes); of such a function's messages the whole travels.
    feedback : bool
        False forgets what was left out.
    start : int
        The step after which this begins.
    backup : int
        How often the residuals come to the driver, which keeps that many θ meanwhile.
    state : dict, optional
        What `state()` of an earlier oracle gave, to go on from there; `start` then comes from it.
    compress_down : Compression, optional
        Shortens the way from the driver to the workers as well. All keep a copy θ̂ of the parameters, and only
        C(θ − θ̂) travels:  θ̂ ← θ̂ + C(θ − θ̂). Gradients are then those at θ̂. By default θ travels whole.

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
    Gruntkowska, Tyurin, Richtárik (2023), EF21-P and friends: improved theoretical communication complexity for
    distributed optimization with bidirectional compression.
    """

    def __init__(self, pool: Pool, compress: Callable, feedback: bool = True, start: int = 0, backup: int = 100,
                 state: dict | None = None, compress_down: Compression | None = None):
        check_whole(start, "start", 0)
        check_whole(backup, "backup", 1)
        _check_schemes(compress, feedback, compress_down)
        self.pool, self.compress, self.feedback, self.backup = pool, compress, feedback, backup
        self.compress_down, self.nbytes, self.down = compress_down, 0, 0
        self._gradients = Gradients(pool)
        self._name = f"compressed, {_words(compress)} Feedback: {bool(feedback)}. Down: {_words(compress_down)}"
        nothing = {"residual": 0.0, "memory": None, "theta": None}
        self.restore(state or {"oracle": self._name, "t": start, "kept": [nothing] * pool.n, "rows": [1] * pool.n,
                               "memory": None})

    @property
    def residuals(self) -> list:
        """What each worker has left out so far, in order of rank."""
        return [kept["residual"] for kept in self._keeping.kept]

    def state(self) -> dict:
        """Where this oracle stands: for `gd.run(…, checkpoint=…)`, and for `restore` after `pool.resize`."""
        return {"oracle": self._name, "t": self._t, "kept": self._keeping.kept, "rows": self._rows,
                "memory": self._memory}

    def restore(self, state: dict):
        """Go on from where `state()` was taken; among more or fewer workers the residuals are shared out.

        Parameters
        ----------
        state : dict
            What it gave.
        """
        check_state(state, self._name)
        self._t, self._memory, self._rows = state["t"], state["memory"], [1] * self.pool.n
        kept = shared_out(state["kept"], state["rows"], self.pool.n)
        self._theta = kept[0]["theta"]
        step = partial(_send, self.compress, self.feedback, self.compress_down)
        self._keeping = Keeping(self.pool, step, kept, self.backup, self._came)

    def _gradient(self, theta, t):
        with reached(theta, t - 1):
            news, known, memory = self._news(np.array(theta), t)  # a copy: the caller may change theta in place
            parts = self._keeping(news, t)
            self._theta, self._memory = known, memory
            said = {rank: self._read(part) for rank, part in enumerate(parts)}
            self.nbytes += max(part[1] for part in parts)
            self.down += self.pool.n * nbytes(news)
            said = self._gradients.checked(said, theta, t)
            self._rows = [rows for _, rows in said.values()]
            return mean_gradient(said)

    def _news(self, theta, t):
        """What goes down, the θ̂ that it leads to, and what the scheme remembers: θ whole, unless it can be shorter."""
        if self.compress_down is None:
            return theta, None, None
        if self._theta is None or not np.isfinite(theta).all():
            return theta, theta, self._memory
        message, memory = self.compress_down.encode(theta - self._theta, Occasion(self.pool.n, t, self._memory))
        return message, self._theta + self.compress_down.decode(message), memory

    def _read(self, part):
        """(what the message says, rows)."""
        message, _, rows = part
        if message is None:  # no gradient that could be compressed
            return rows
        self.up += nbytes(message) + 8
        return (self.compress.decode(message) if hasattr(self.compress, "decode") else message), rows


def _words(scheme):
    """A scheme's first line."""
    if scheme is None:
        return "whole."
    return scheme.__doc__.partition("\n")[0] if isinstance(scheme, Compression) else "by a function."


def _check_schemes(compress, feedback, compress_down):
    if not callable(compress):
        raise TypeError(f"compress must be top_k(k), signs, eight_bits or a function of the gradient; got {compress!r}")
    if feedback and getattr(compress, "unbiased", False):
        raise ValueError(
            "feedback must be False with an unbiased scheme, whose residuals would grow; got True. Write "
            "feedback=False, or random_k(k, unbiased=False)."
        )
    if compress_down is not None and getattr(compress_down, "unbiased", True):
        raise ValueError(
            f"compress_down must be a scheme of gd.distributed that is not unbiased, such as top_k(k); got "
            f"{compress_down!r}"
        )


def _send(compress, feedback, compress_down, worker, rank, kept, news, t):
    """Beside a worker: ((message, bytes, rows), what is kept); (None, 0, what came) for what is no finite gradient."""
    theta = news if isinstance(news, np.ndarray) else kept["theta"] + compress_down.decode(news)
    kept = kept | {"theta": None if compress_down is None else theta}
    part = worker.gradient(theta, t)
    if not (isinstance(part, tuple) and len(part) == 2 and _is_finite(part[0], theta)):
        return (None, 0, part), kept
    g, rows = part
    whole = g + kept["residual"]
    if hasattr(compress, "encode"):
        message, memory = compress.encode(whole, Occasion(rank, t, kept["memory"]))
        said, size = compress.decode(message), g[..., 0].size * compress.nbytes(g.shape[-1])
    else:
        (message, size), memory = compress(whole), None
        said = message
    residual = whole - said if feedback else kept["residual"]
    return (message, size, rows), kept | {"memory": memory, "residual": residual}


def _is_finite(g, theta):
    return np.shape(g) == np.shape(theta) and bool(np.isfinite(np.add.reduce(g, axis=None)))
