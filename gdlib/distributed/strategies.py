"""Ways to share a descent among workers, each a short function over the verbs of a pool."""
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import NamedTuple

import numpy as np

from gdlib.checks import check_number, check_whole
from gdlib.distributed.pool import GaveUp, Pool, WorkerLost
from gdlib.models import Model
from gdlib.rules.rule import Optimizer


class Shard:
    """A worker's object: a model over its part of the rows.

    Parameters
    ----------
    model : the model over this worker's rows
    batch_size : rows drawn for each gradient, with replacement; None takes all
    seed : of the draws, different for each worker: a call at step t draws the same rows whenever it is made
    """

    def __init__(self, model: Model, batch_size: int | None = None, seed: int = 0):
        if batch_size is not None:
            check_whole(batch_size, "batch_size", 1, model.n)
        self.model, self.batch_size, self.seed = model, batch_size, seed

    def gradient(self, theta: np.ndarray, t: int) -> tuple[np.ndarray, int]:
        """The gradient over this worker's rows, or those drawn for step t, and how many rows it is over."""
        if self.batch_size is None:
            return self.model.grad(theta), self.model.n
        rows = np.random.default_rng([self.seed, t]).integers(self.model.n, size=self.batch_size)
        return self.model.grad(theta, rows), self.batch_size

    def descend(self, theta: np.ndarray, t: int, steps: int, lr: float) -> tuple[np.ndarray, int]:
        """θ after so many steps of plain descent on this worker's rows alone, and how many rows it has."""
        for k in range(steps):
            theta = theta - lr * self.gradient(theta, t + k)[0]
        return theta, self.model.n


def gather(pool: Pool, method: str, *args, wait_for: int | None = None) -> list:
    """What `method(*args)` of every worker gives, in order of rank; a lost worker is made again and asked again.

    wait_for : take the first so many answers, and leave the late ones (backup workers; Chen et al., 2016)
    """
    return list(_answers(pool, method, *args, wait_for=wait_for).values())


def _answers(pool, method, *args, wait_for=None):
    """{rank: what it gives}, in order of rank."""
    answers, pending = {}, [pool.call(rank, method, *args) for rank in range(pool.n)]
    while len(answers) < (wait_for or pool.n):
        try:
            ticket, answer = pool.first(pending)
        except WorkerLost as lost:
            pending.remove(lost.ticket)
            pool.restart(lost.rank)
            pending.append(pool.call(lost.rank, method, *args))
        else:
            pending.remove(ticket)
            answers[ticket.rank] = answer
    return dict(sorted(answers.items()))


def synchronous(pool: Pool, start: int = 0, wait_for: int | None = None) -> Iterator[Callable]:
    """An oracle for `gd.run`: each step's gradient is the mean over all workers' rows.

    ḡ = Σ nᵢ gᵢ / Σ nᵢ, added in order of rank, so that the bits don't depend on who answered first.

    Parameters
    ----------
    pool : workers with `gradient(theta, t) -> (gradient, rows)`
    start : the step after which this begins, `run.t[-1]` where a run is resumed
    wait_for : the step goes on with the first so many answers

    Raises
    ------
    ValueError : a gradient with nan, or of another shape than theta's; it names the worker
    GaveUp : a worker died again and again; `.theta` holds the parameters so far
    """
    check_whole(start, "start", 0)
    if wait_for is not None:
        check_whole(wait_for, "wait_for", 1, pool.n)
    return (lambda theta, t=t: _mean_gradient(pool, theta, t, wait_for) for t in count(start + 1))


def _mean_gradient(pool, theta, t, wait_for):
    parts = gradients(pool, theta, t, wait_for).values()
    return sum(rows * g for g, rows in parts) / sum(rows for _, rows in parts)


def gradients(pool, theta, t, wait_for=None):
    """{rank: (gradient, rows)} of one step, checked."""
    try:
        parts = _answers(pool, "gradient", theta, t, wait_for=wait_for)
    except GaveUp as error:
        raise error.keeping(theta) from None
    for rank, part in parts.items():
        check_gradient(part, theta, rank, t)
    return parts


def check_gradient(part, theta, rank, t):
    """A worker's answer must be (a finite gradient of theta's shape, a number of rows)."""
    if not (isinstance(part, tuple) and len(part) == 2):
        raise TypeError(f"worker {rank} must answer (gradient, rows), and answered {part!r}")
    g, rows = part
    if np.shape(g) != np.shape(theta):
        raise ValueError(
            f"worker {rank} sent a gradient of shape {np.shape(g)} at step {t}, and theta has shape {np.shape(theta)}: "
            f"do all shards have the same columns?"
        )
    if not np.isfinite(g).all() and np.isfinite(theta).all():
        raise ValueError(f"worker {rank} sent a gradient with nan or inf at step {t}: look at its rows")


class Updates(NamedTuple):
    """What a parameter server did, k updates.

    theta : (k + 1, d) the parameters, the start first
    seconds : (k + 1,) when, by the pool's clock
    staleness : (k,) how many updates had come in between since that gradient's θ was read
    rank : (k,) whose gradient it was
    """

    theta: np.ndarray
    seconds: np.ndarray
    staleness: np.ndarray
    rank: np.ndarray


def parameter_server(pool: Pool, opt: Optimizer, theta0: Sequence | np.ndarray, updates: int) -> Updates:
    """Asynchronous descent: whoever has a gradient ready is taken at once and sent on with the newest parameters.

    Parameters
    ----------
    pool : workers with `gradient(theta, t) -> (gradient, rows)`
    opt : the rule that the server applies
    theta0 : the start, (d,)
    updates : how many gradients are taken

    References
    ----------
    Dean et al. (2012), Large scale distributed deep networks.
    """
    check_whole(updates, "updates", 1)
    theta = np.array(theta0, float)
    state, began, version, pending = opt.init(theta), pool.now(), 0, {}
    points, seconds, staleness, ranks = [theta], [0.0], [], []

    def ask(rank):
        pending[pool.call(rank, "gradient", theta, version + 1)] = version

    for rank in range(pool.n):
        ask(rank)
    while version < updates:
        try:
            ticket, part = pool.first(pending)
            check_gradient(part, theta, ticket.rank, version + 1)
        except WorkerLost as lost:
            del pending[lost.ticket]
            _restart(pool, lost.rank, theta)
            ask(lost.rank)
            continue
        staleness.append(version - pending.pop(ticket))
        version += 1
        theta, state = opt.update(version, theta, lambda _, g=part[0]: g, state)
        points.append(theta)
        seconds.append(pool.now() - began)
        ranks.append(ticket.rank)
        if version < updates:
            ask(ticket.rank)
    while pending:  # so that the next strategy finds the workers free
        try:
            ticket, _ = pool.first(pending)
        except WorkerLost as lost:
            ticket = lost.ticket
            _restart(pool, lost.rank, theta)
        del pending[ticket]
    return Updates(np.array(points), np.array(seconds), np.array(staleness), np.array(ranks))


def local_descent(pool: Pool, theta0: Sequence | np.ndarray, rounds: int, steps: int, lr: float) -> np.ndarray:
    """Local SGD: each worker takes `steps` steps alone, then their parameters are averaged; (rounds + 1, d) points.

    Parameters
    ----------
    pool : workers with `descend(theta, t, steps, lr) -> (theta, rows)`
    theta0 : the start, (d,)
    rounds : how often they are averaged: one message of d numbers each way a round
    steps : H, how many steps each takes in between
    lr : the rate of each step

    References
    ----------
    Stich (2019), Local SGD converges fast and communicates little.
    """
    check_whole(rounds, "rounds", 1)
    check_whole(steps, "steps", 1)
    check_number(lr, "lr", above=0)
    points = [np.array(theta0, float)]
    for r in range(rounds):
        try:
            parts = gather(pool, "descend", points[-1], 1 + r * steps, steps, lr)
        except GaveUp as error:
            raise error.keeping(points[-1]) from None
        points.append(sum(rows * theta for theta, rows in parts) / sum(rows for _, rows in parts))
    return np.array(points)


def _restart(pool, rank, theta):
    try:
        pool.restart(rank)
    except GaveUp as error:
        raise error.keeping(theta) from None
