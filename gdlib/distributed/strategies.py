"""Ways to share a descent among workers, each a short function over the verbs of a pool."""
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import NamedTuple

import numpy as np

from gdlib.checks import check_number, check_whole
from gdlib.distributed.pool import Pool, WorkerLost
from gdlib.models import Model
from gdlib.rules.rule import Optimizer


class Shard:
    """A worker's object: a model over its part of the rows.

    Parameters
    ----------
    model : Model
        The model over this worker's rows.
    batch_size : int, optional
        How many rows are drawn for each gradient, with replacement; by default all are taken.
    seed : int
        Of the draws, different for each worker. A call at step t draws the same rows whenever it is made.
    """

    def __init__(self, model: Model, batch_size: int | None = None, seed: int = 0):
        if batch_size is not None:
            check_whole(batch_size, "batch_size", 1, model.n)
        self.model, self.batch_size, self.seed = model, batch_size, seed

    def gradient(self, theta: np.ndarray, t: int) -> tuple[np.ndarray, int]:
        """The gradient over this worker's rows, or those drawn for step t, and how many rows it is over.

        Parameters
        ----------
        theta : ndarray
            Where, (d,).
        t : int
            The step.
        """
        if self.batch_size is None:
            return self.model.grad(theta), self.model.n
        rows = np.random.default_rng([self.seed, t]).integers(self.model.n, size=self.batch_size)
        return self.model.grad(theta, rows), self.batch_size

    def descend(self, theta: np.ndarray, t: int, steps: int, lr: float) -> tuple[np.ndarray, int]:
        """Descend on this worker's rows alone: θ after so many steps, and how many rows it has.

        Parameters
        ----------
        theta : ndarray
            The start, (d,).
        t : int
            The first step.
        steps : int
            How many.
        lr : float
            Learning rate of each, η.
        """
        for k in range(steps):
            theta = theta - lr * self.gradient(theta, t + k)[0]
        return theta, self.model.n


@contextmanager
def reached(theta: np.ndarray, step: int):
    """Whatever ends the descent here carries where it stood: `.theta` after step `.step`."""
    try:
        yield
    except BaseException as error:
        if getattr(error, "theta", None) is None:
            error.theta, error.step = theta, step
            error.add_note(f"The parameters so far, after step {step}, are in this error's .theta.")
        raise


def gather(pool: Pool, method: str | Callable, *args: object, wait_for: int | None = None) -> list:
    """What `method(*args)` of every worker gives, in order of rank; a lost worker is made again and asked again.

    Parameters
    ----------
    pool : Pool
        The workers.
    method : str or callable
        As for `pool.call`.
    *args
        What the method takes.
    wait_for : int, optional
        Take the first so many answers, and leave the late ones (backup workers). A worker that is still busy with an
        earlier call gets no new one until it has answered; that answer is dropped, as it is out of date.

    References
    ----------
    Chen, Pan, Monga, Bengio, Jozefowicz (2016), Revisiting distributed synchronous SGD.
    """
    return list(_answers(pool, method, *args, wait_for=wait_for).values())


def _answers(pool, method, *args, wait_for=None):
    """{rank: what it gives}, in order of rank."""
    answers, asked = {}, set()

    def ask(rank):
        asked.add(pool.call(rank, method, *args))

    for rank in sorted(set(range(pool.n)) - {ticket.rank for ticket in pool.unanswered}):
        ask(rank)
    while len(answers) < (wait_for or pool.n):
        try:
            ticket, answer = pool.first(pool.unanswered)
        except WorkerLost as lost:
            pool.restart(lost.rank)
            ask(lost.rank)
        else:
            if ticket in asked:
                answers[ticket.rank] = answer
            elif ticket.rank not in {late.rank for late in pool.unanswered}:  # an old call is done, its worker is free
                ask(ticket.rank)
    return dict(sorted(answers.items()))


def ask_one(pool: Pool, rank: int, method: str | Callable, *args):
    """What `method(*args)` of one worker gives; where it is lost it is made again and asked again."""
    while True:
        try:
            return pool.first([pool.call(rank, method, *args)])[1]
        except WorkerLost as lost:
            pool.restart(lost.rank)


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
            return self.checked(_answers(self.pool, "gradient", theta, t, wait_for=self.wait_for), theta, t)

    def checked(self, parts, theta, t):
        """The same parts, once each was checked."""
        if self.first_theta is None:
            self.first_theta = theta
        for rank, part in parts.items():
            check_gradient(self.pool, part, theta, rank, t, self.first_theta)
        return parts


def check_gradient(pool, part, theta, rank, t, first_theta):
    """A worker's answer must be (a gradient of theta's shape, a number of rows), finite where theta has not diverged.

    A gradient that is not finite may be the worker's fault, or theta's: far out it overflows. The worker is asked again
    at the first theta: if that is not finite either, its rows are at fault. Else the descent diverges, and `gd.run`
    records it.
    """
    try:
        _check_parts(part, theta, rank, t)
        if _bad_runs(part[0], theta).any():
            again = ask_one(pool, rank, "gradient", first_theta, t)
            if _bad_runs(again[0], first_theta).any():
                raise ValueError(f"worker {rank} sent a gradient with nan or inf at step {t}: look at its rows")
    except Exception as error:
        error.rank = rank
        raise


def _check_parts(part, theta, rank, t):
    if not (isinstance(part, tuple) and len(part) == 2):
        raise TypeError(f"worker {rank} must answer (gradient, rows); got {part!r}")
    g, rows = part
    if np.shape(g) != np.shape(theta):
        raise ValueError(
            f"worker {rank} sent a gradient of shape {np.shape(g)} at step {t}, and theta has shape {np.shape(theta)}: "
            f"do all shards have the same columns?"
        )
    if not (np.ndim(rows) == 0 and 0 < rows < np.inf):
        raise ValueError(f"worker {rank} must say how many rows its gradient is over, a number above 0; got {rows!r}")


def _bad_runs(g, theta):
    """The runs whose gradient is not finite although their theta is."""
    if np.isfinite(np.add.reduce(g, axis=None)):  # one number tells whether a closer look is needed
        return np.zeros(1, bool)
    return ~np.isfinite(g).all(axis=-1) & np.isfinite(theta).all(axis=-1)


class Updates(NamedTuple):
    """What a parameter server did, k updates.

    Attributes
    ----------
    theta : ndarray
        (k + 1, d), the parameters, the start first.
    seconds : ndarray
        (k + 1,), when, by the pool's clock.
    staleness : ndarray
        (k,), how many updates had come in between since that gradient's θ was read.
    rank : ndarray
        (k,), whose gradient it was.
    """

    theta: np.ndarray
    seconds: np.ndarray
    staleness: np.ndarray
    rank: np.ndarray


def parameter_server(pool: Pool, opt: Optimizer, theta0: Sequence | np.ndarray, updates: int) -> Updates:
    """Asynchronous descent: whoever has a gradient ready is taken at once and sent on with the newest parameters.

    Calls that are still under way after the last update are left alone: the next strategy drops their answers.

    Parameters
    ----------
    pool : Pool
        Workers with `gradient(theta, t) -> (gradient, rows)`.
    opt : Optimizer
        The rule that the server applies.
    theta0 : array_like
        The start, (d,).
    updates : int
        How many gradients are taken.

    Raises
    ------
    ValueError, GaveUp, TimeoutError, ConnectionError
        As for `synchronous`, with `.theta`, `.step` and `.updates`, the Updates so far.

    References
    ----------
    Dean et al. (2012), Large scale distributed deep networks.
    """
    check_whole(updates, "updates", 1)
    server = _Server(pool, opt, theta0)
    try:
        server.serve(updates)
    except BaseException as error:
        error.updates = server.record()
        raise
    return server.record()


class _Server:
    """The parameters, and which version of them each worker was asked at."""

    def __init__(self, pool, opt, theta0):
        self.pool, self.opt, theta = pool, opt, np.array(theta0, float)
        self.state, self.began, self.asked_at = opt.init(theta), pool.now(), {}
        self.points, self.seconds, self.staleness, self.ranks = [theta], [0.0], [], []

    def serve(self, updates):
        busy = {ticket.rank for ticket in self.pool.unanswered}
        for rank in sorted(set(range(self.pool.n)) - busy):
            self.ask(rank)
        while len(self.ranks) < updates:
            with reached(self.points[-1], len(self.ranks)):
                self.take(last=updates)

    def ask(self, rank):
        self.asked_at[self.pool.call(rank, "gradient", self.points[-1], len(self.ranks) + 1)] = len(self.ranks)

    def take(self, last):
        """One answer, and on with its worker."""
        try:
            ticket, part = self.pool.first(self.pool.unanswered)
        except WorkerLost as lost:
            self.pool.restart(lost.rank)
            return self.ask(lost.rank)
        if ticket in self.asked_at:
            self.update(ticket, part, read=self.asked_at.pop(ticket))
        if len(self.ranks) < last:
            self.ask(ticket.rank)

    def update(self, ticket, part, read):
        version, theta = len(self.ranks), self.points[-1]
        asked_theta, t = ticket.args
        check_gradient(self.pool, part, asked_theta, ticket.rank, t, self.points[0])
        with np.errstate(all="ignore"):
            theta, self.state = self.opt.update(version + 1, theta, lambda _: part[0], self.state)
        self.points.append(theta)
        self.seconds.append(self.pool.now() - self.began)
        self.staleness.append(version - read)
        self.ranks.append(ticket.rank)

    def record(self):
        return Updates(*map(np.array, (self.points, self.seconds, self.staleness, self.ranks)))


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
