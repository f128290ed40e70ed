"""Workers in this process, on a clock of their own: what they do is exact and repeatable, however many they are."""
import weakref
from collections.abc import Callable, Sequence

import numpy as np
from threadpoolctl import threadpool_limits

from gdlib.distributed.parcels import own
from gdlib.distributed.pool import Pool, WorkerLost, late


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
    make_worker : rank -> the worker's object
    n : how many
    seconds : (rank, rng) -> how long this call lasts; 1 s unless told; math.inf for a worker that hangs
    deaths : (when, rank) of the workers that are to die
    restart_seconds : how long it takes to make a worker again
    seed : of the Generator that `seconds` is given
    timeout, max_deaths : as for every Pool
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
    ):
        super().__init__(make_worker, n, timeout, max_deaths)
        self.make_worker = own(make_worker)  # as in a process, where what it uses is a copy
        self._seconds, self._restart_seconds = seconds or (lambda rank, rng: 1.0), restart_seconds
        self._coming_deaths = sorted(deaths)
        self._rng, self._clock, self._started = np.random.default_rng(seed), 0.0, 0
        ONE_THREAD.hold(id(self))
        self._let_go = weakref.finalize(self, ONE_THREAD.let_go, id(self))  # a pool that nobody closed lets go, too
        try:
            self._workers, self._free_at = [self.make_worker(rank) for rank in range(n)], [0.0] * n
        except BaseException:
            self.close()
            raise

    def now(self):
        return self._clock

    def close(self):
        self._let_go()

    def _call(self, ticket):
        self._started += 1
        start = max(self._clock, self._free_at[ticket.rank])
        end = start + self._seconds(ticket.rank, self._rng)
        death = next((when for when, rank in self._coming_deaths if rank == ticket.rank and when <= end), None)
        if death is not None:
            self._coming_deaths.remove((death, ticket.rank))
            self._workers[ticket.rank], end = None, max(death, start)
        ticket.when = end, self._started  # calls that end together are told in the order in which they began
        ticket.value = ticket.error = None
        if self._workers[ticket.rank] is None:
            ticket.error = WorkerLost(ticket)
            return ticket
        self._free_at[ticket.rank] = end
        try:
            ticket.value = own(getattr(self._workers[ticket.rank], ticket.method)(*own(ticket.args)))
        except Exception as error:
            ticket.error = error
        return ticket

    def _first(self, tickets, timeout):
        ticket = min(tickets, key=lambda ticket: ticket.when)
        if ticket.when[0] > self._clock + timeout:
            self._clock += timeout
            raise late(tickets, timeout)
        self._clock = max(self._clock, ticket.when[0])
        if ticket.error is not None:
            raise ticket.error
        return ticket, ticket.value

    def _restart(self, rank, hangs):
        self._clock += self._restart_seconds
        self._workers[rank], self._free_at[rank] = self.make_worker(rank), self._clock
