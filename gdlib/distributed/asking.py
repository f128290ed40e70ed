"""Asking all workers: lost ones are asked again, answers are checked, and errors carry where the descent stood."""
from collections.abc import Callable
from contextlib import contextmanager

import numpy as np

from gdlib.distributed.pool import Pool, WorkerLost


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
    return list(ask_all(pool, method, lambda rank: args, wait_for=wait_for).values())


def ask_all(pool, method, args_of, ranks=None, wait_for=None):
    """{rank: what method(*args_of(rank)) gives}, in order of rank; of all workers, or of those in `ranks`."""
    ranks = set(range(pool.n) if ranks is None else ranks)
    answers, asked, wanted = {}, set(), min(wait_for or len(ranks), len(ranks))

    def ask(rank):
        if rank in ranks:
            asked.add(pool.call(rank, method, *args_of(rank)))

    for rank in sorted(ranks - {ticket.rank for ticket in pool.unanswered}):
        ask(rank)
    while len(answers) < wanted:
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


def check_gradient(pool, part, theta, rank, t, first_theta):
    """A worker's answer must be (a gradient of theta's shape, a number of rows), finite where theta has not diverged.

    A gradient that is not finite may be the worker's fault, or theta's: far out it overflows. The worker is asked again
    at the first theta: if that is not finite either, its rows are at fault. Else the descent diverges, and `gd.run`
    records it.
    """
    try:
        check_part(part, theta, rank, t)
        if _bad_runs(part[0], theta).any():
            again = ask_one(pool, rank, "gradient", first_theta, t)
            if _bad_runs(again[0], first_theta).any():
                raise ValueError(f"worker {rank} sent a gradient with nan or inf at step {t}: look at its rows")
    except Exception as error:
        error.rank = rank
        raise


def check_part(part, theta, rank, t):
    """A worker's answer must be (a gradient of theta's shape, a number of rows)."""
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
