"""Workers in this process, on a clock of their own: what they do is exact and repeatable, however many they are."""
import heapq
import weakref
from collections import defaultdict, deque
from collections.abc import Callable, Sequence

import numpy as np
from threadpoolctl import threadpool_limits

from gdlib.distributed.desk import Desk, as_error, copied, named
from gdlib.distributed.parcels import is_plain, own
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
        self._deaths_of = defaultdict(deque)  # of each rank, the earliest first
        for when, rank in sorted(deaths):
            self._deaths_of[rank].append(when)
        self._rng, self._clock, self._started = np.random.default_rng(seed), 0.0, 0
        self._queue = []  # a heap of (end, number of the call, ticket)
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
        rank, self._started = ticket.rank, self._started + 1
        start = max(self._clock, self._free_at[rank])
        end = start + self._seconds(rank, self._rng)
        deaths = self._deaths_of.get(rank)
        if deaths and deaths[0] <= end:
            self._desks[rank], end = None, max(deaths.popleft(), start)
        if self._desks[rank] is None:
            ticket.outcome = None, WorkerLost(ticket)
        else:
            self._free_at[rank], ticket.outcome = end, self._outcome(ticket)
        ticket.when = end, self._started  # calls that end together are told in the order in which they began
        self._enqueue(ticket)

    def _outcome(self, ticket):
        """What the call gives and what it raises; one of the two is None."""
        if is_plain(ticket.args):
            args = own(ticket.args)
        else:
            args = tuple(copied(arg, f"argument {i} of {ticket.name!r}") for i, arg in enumerate(ticket.args, start=1))
        try:
            value = self._desks[ticket.rank].do(ticket.method, args)
            return copied(value, f"the answer of {ticket.name!r}"), None
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):  # here it is the driver's
                raise
            return None, as_error(error, ticket)

    def _enqueue(self, ticket):
        if len(self._queue) > 2 * len(self.unanswered) + 100:  # calls that were answered through a list, or forgotten
            self._queue = [entry for entry in self._queue if entry[-1] in self.unanswered]
            heapq.heapify(self._queue)
        heapq.heappush(self._queue, (*ticket.when, ticket))

    def _first(self, tickets, timeout):
        if tickets is self.unanswered:
            while (ticket := self._queue[0][-1]) not in self.unanswered:
                heapq.heappop(self._queue)
        else:
            ticket = min(tickets, key=lambda ticket: (not ticket.done, ticket.when))
        if ticket.done:
            return ticket
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
