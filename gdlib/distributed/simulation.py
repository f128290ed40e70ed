"""Workers in this process, on a clock of their own: what they do is exact and repeatable, however many they are."""
import weakref
from collections.abc import Callable, Sequence

import numpy as np
from threadpoolctl import threadpool_limits

from gdlib.distributed.desk import Desk, as_error, copied, named
from gdlib.distributed.pool import Hiring, Pool, WorkerLost


class OneThread:
    """BLAS with one thread while anybody holds it, as in a worker's process, so that the bits are the same."""

    def __init__(self):
        self.holders, self.limits = set(), None

    def hold(self, holder):
        if not self.holders:
            self.limits = threadpool_limits(1, "blas")
        self.holders.add(holder)

    def let_go(self, holder):
        """As many threads as before, once nobody else holds it."""
        if holder in self.holders:
            self.holders.remove(holder)
            if not self.holders:
                self.limits.restore_original_limits()


ONE_THREAD = OneThread()


class Simulated(Pool):
    """n workers whose calls take as long as `seconds` says, one call at a time each.

    Parameters
    ----------
    make_worker : callable
        rank, or (rank, n), -> the worker's object.
    n : int
        How many workers.
    seconds : callable, optional
        (rank, rng) -> how many seconds this call lasts; math.inf for a worker that hangs. By default 1 s.
    deaths : sequence of (float, int)
        (when, rank) of the workers that are to die, in seconds of the pool's clock.
    restart_seconds : float
        How long it takes to make a worker again.
    seed : int
        Of the Generator that `seconds` is given.
    timeout, max_deaths, on_hang
        As for every `Pool`.
    """

    def __init__(
        self,
        make_worker: Callable,
        n: int,
        seconds: Callable | None = None,
        deaths: Sequence[tuple[float, int]] = (),
        restart_seconds: float = 1.0,
        seed: int = 0,
        timeout: float = 3600.0,
        max_deaths: int = 3,
        on_hang: str = "raise",
    ):
        super().__init__(make_worker, n, timeout, max_deaths, on_hang)
        self.make_worker = copied(make_worker, "make_worker")  # as in a process, where what it uses is a copy
        self._seconds, self._restart_seconds = seconds or (lambda rank, rng: 1.0), restart_seconds
        self._coming_deaths = sorted(deaths)
        self._rng, self._clock, self._started = np.random.default_rng(seed), 0.0, 0
        ONE_THREAD.hold(id(self))
        self._let_go = weakref.finalize(self, ONE_THREAD.let_go, id(self))  # a pool that nobody closed lets go, too
        try:
            self._desks, self._free_at = [self._made(rank) for rank in range(n)], [0.0] * n
        except BaseException:
            self.close()
            raise

    def now(self):
        return self._clock

    def close(self):
        super().close()
        self._let_go()

    def _made(self, rank):
        try:
            return Desk(self._maker()(rank))
        except Exception as error:
            raise named(error, Hiring(rank, "make_worker")) from None

    def _call(self, ticket):
        self._started += 1
        start = max(self._clock, self._free_at[ticket.rank])
        end = start + self._seconds(ticket.rank, self._rng)
        death = next((when for when, rank in self._coming_deaths if rank == ticket.rank and when <= end), None)
        if death is not None:
            self._coming_deaths.remove((death, ticket.rank))
            self._desks[ticket.rank], end = None, max(death, start)
        ticket.when = end, self._started  # calls that end together are told in the order in which they began
        if self._desks[ticket.rank] is None:
            ticket.outcome = None, WorkerLost(ticket)
            return
        args = tuple(copied(arg, f"argument {i} of {ticket.name!r}") for i, arg in enumerate(ticket.args, start=1))
        self._free_at[ticket.rank] = end
        try:
            value = self._desks[ticket.rank].do(ticket.method, args)
            ticket.outcome = copied(value, f"the answer of {ticket.name!r}"), None
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):  # here it is the driver's
                raise
            ticket.outcome = None, as_error(error, ticket)

    def _first(self, tickets, timeout):
        ticket = min(tickets, key=lambda ticket: ticket.when)
        if ticket.when[0] > self._clock + timeout:
            self._clock += timeout
            return None
        self._clock = max(self._clock, ticket.when[0])
        ticket.close(*ticket.outcome)
        return ticket

    def _restart(self, rank, hangs):
        self._clock += self._restart_seconds
        self._desks[rank], self._free_at[rank] = self._made(rank), self._clock

    def _resize(self):
        self._clock += self._restart_seconds
        self._desks, self._free_at = [self._made(rank) for rank in range(self.n)], [self._clock] * self.n
