"""Asynchronous descent: nobody waits, and gradients are old when they arrive."""
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gdlib.checkpoints import load, save
from gdlib.checks import check_whole
from gdlib.distributed.asking import check_gradient, reached
from gdlib.distributed.pool import Pool, WorkerLost
from gdlib.loop import start
from gdlib.record import Run
from gdlib.rules.rule import Optimizer


class Updates(NamedTuple):
    """What a parameter server did in k updates; p of its points were kept.

    Attributes
    ----------
    theta : ndarray
        (p, d), the points that were kept, the start first.
    seconds : ndarray
        (k + 1,), when each point was reached, by the pool's clock.
    staleness : ndarray
        (k,), how many updates came between the reading of θ and the use of its gradient, τ.
    rank : ndarray
        (k,), whose gradient it was.
    t : ndarray
        (p,), the updates after which the points were kept.
    diverged_at : ndarray
        The update at which θ left the finite numbers; −1 for never.
    """

    theta: np.ndarray
    seconds: np.ndarray
    staleness: np.ndarray
    rank: np.ndarray
    t: np.ndarray
    diverged_at: np.ndarray


def parameter_server(
    pool: Pool,
    opt: Optimizer,
    theta0: Sequence | np.ndarray,
    updates: int,
    *,
    every: int = 1,
    max_staleness: int | None = None,
    staleness_scaled: bool = False,
    checkpoint: str | Path | None = None,
    every_steps: int = 100,
) -> Updates:
    """Asynchronous descent: each gradient is used as it arrives, and its worker goes on with the newest parameters.

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
    every : int
        Distance in updates between the points that are kept; the first and the last are always kept.
    max_staleness : int, optional
        No gradient is older than so many updates, at least n − 1 for n workers. An answer that would make a slower
        worker's gradient too old waits until that one has come, and its worker waits with it. Old gradients are not
        dropped: a worker that is always slow would never be heard, and its rows would count for nothing.
    staleness_scaled : bool
        True divides the step of a gradient that is τ > 1 updates old by τ. For `gd.gradient_descent` and `gd.momentum`
        this is the learning rate η/τ.
    checkpoint : str or Path, optional
        Folder of this run alone, saved every `every_steps` updates and at the end. Called again with the same
        arguments, the server goes on from the newest whole file, and its record begins there. Gradients that were under
        way are not saved: every worker, of now perhaps more or fewer, starts again with the newest parameters.
    every_steps : int
        Distance in updates between the files.

    Raises
    ------
    ValueError, GaveUp, TimeoutError, ConnectionError
        As for `synchronous`, with `.theta`, `.step` and `.updates`, the Updates so far. Divergence is not an error: see
        `Updates.diverged_at`.

    References
    ----------
    Dean et al. (2012), Large scale distributed deep networks. Ho et al. (2013), More effective distributed ML via a
    stale synchronous parallel parameter server: their bound counts a worker's own steps, this one counts updates.
    Zhang, Gupta, Lian, Liu (2016), Staleness-aware async-SGD for distributed deep learning.
    """
    check_whole(updates, "updates", 1)
    check_whole(every, "every", 1)
    check_whole(every_steps, "every_steps", 1)
    if max_staleness is not None:  # n workers that read θ at the same time are 0, 1, …, n − 1 updates old
        check_whole(max_staleness, f"max_staleness, for {pool.n} workers,", pool.n - 1)
    server = _Server(pool, opt, start(opt, theta0), every, max_staleness, staleness_scaled)
    try:
        if checkpoint is not None:
            server.keep_in(checkpoint, every_steps, updates)
        server.serve(updates)
    except BaseException as error:
        error.updates = server.record()
        raise
    return server.record()


class _Server:
    """The parameters after t updates, and which version of them each worker was given."""

    def __init__(self, pool, opt, theta, every, max_staleness, staleness_scaled):
        self.pool, self.opt, self.every = pool, opt, every
        self.max_staleness, self.staleness_scaled = max_staleness, staleness_scaled
        self.calls, self.held = {}, []  # {rank: its call}; answers that wait
        self.folder, self.every_steps, self.first_theta = None, None, theta
        self.begin(0, theta, opt.init(theta), 0.0, np.full(theta.shape[:-1], -1))

    def begin(self, t, theta, state, seconds, diverged_at):
        """Stand at a point, from which the record begins."""
        self.t = self.first = t
        self.theta, self.state, self.diverged_at = theta, state, diverged_at
        self.began, self.seconds, self.staleness, self.ranks = self.pool.now() - seconds, [seconds], [], []
        self.times, self.points = [t], [theta]

    def serve(self, updates):
        busy = {ticket.rank for ticket in self.pool.unanswered}
        for rank in sorted(set(range(self.pool.n)) - busy):
            self.ask(rank)
        while self.t < updates:
            with reached(self.theta, self.t):
                self.go_on(updates)

    def go_on(self, updates):
        """Take a step with an answer that is held, or wait for one."""
        answer = self.in_time()
        if answer is None:
            return self.listen()
        self.update(*answer)
        self.save(updates)
        if self.t < updates:
            self.ask(answer[0].rank)

    def ask(self, rank):
        call = self.pool.call(rank, "gradient", self.theta, self.t + 1)
        call.version = self.t
        self.calls[rank] = call

    def listen(self):
        """Wait for one answer, and hold it."""
        try:
            call, part = self.pool.first(self.pool.unanswered)
        except WorkerLost as lost:
            self.pool.restart(lost.rank)
            return self.ask(lost.rank)
        if call is self.calls.get(call.rank):
            self.held.append((call, part))
        else:  # the answer to an earlier strategy: its worker is free
            self.ask(call.rank)

    def in_time(self):
        """The oldest answer that is held, if no other worker's gradient becomes too old by taking it first."""
        if not self.held:
            return None
        answer = min(self.held, key=lambda answer: answer[0].version)
        if self.max_staleness is not None:
            others = sorted(call.version for call in self.calls.values() if call is not answer[0])
            if any(self.t + 1 + k - version > self.max_staleness for k, version in enumerate(others)):
                return None
        self.held.remove(answer)
        return answer

    def update(self, call, part):
        theta, t = call.args
        check_gradient(self.pool, part, theta, call.rank, t, self.first_theta)
        staleness = self.t - call.version
        with np.errstate(all="ignore"):
            theta, self.state = self.opt.update(self.t + 1, self.theta, lambda _: part[0], self.state)
            if self.staleness_scaled and staleness > 1:
                theta = self.theta + (theta - self.theta) / staleness
        self.t, self.theta = self.t + 1, theta
        self.diverged_at[(self.diverged_at < 0) & ~np.isfinite(theta).all(axis=-1)] = self.t
        self.seconds.append(self.pool.now() - self.began)
        self.staleness.append(staleness)
        self.ranks.append(call.rank)
        if (self.t - self.first) % self.every == 0:
            self.keep()

    def keep(self):
        self.times.append(self.t)
        self.points.append(self.theta)

    def record(self):
        if self.times[-1] != self.t:
            self.keep()
        parts = self.points, self.seconds, self.staleness, self.ranks, self.times
        return Updates(*map(np.array, parts), self.diverged_at.copy())

    def keep_in(self, folder, every_steps, updates):
        """Save in this folder from now on, and go on from what is there."""
        self.folder, self.every_steps = folder, every_steps
        run = load(folder, None, self.opt)
        if run is None:
            return
        kept = run.state
        if kept["opt"] != repr(self.opt) or not np.array_equal(kept["theta0"], self.first_theta):
            raise ValueError(
                f"opt and theta0 must be those of the run in {folder}; got others. Give a new run a folder of its own."
            )
        if run.t[-1] > updates:
            raise ValueError(f"updates must be at least the {run.t[-1]} of the run in {folder}; got {updates}")
        self.begin(int(run.t[-1]), run.last, kept["rule"], kept["seconds"], run.diverged_at)

    def save(self, updates):
        if self.folder is None or not (self.t % self.every_steps == 0 or self.t == updates):
            return
        kept = {"opt": repr(self.opt), "theta0": self.first_theta, "rule": self.state, "seconds": self.seconds[-1]}
        times, stopped_at = np.array([self.t]), np.full_like(self.diverged_at, -1)
        save(self.folder, Run(None, self.opt, times, self.theta[None], self.diverged_at, stopped_at, self.theta, kept))
