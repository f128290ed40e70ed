"""The verbs that every engine has, and what can go wrong with a worker."""
from collections.abc import Callable, Iterable
from typing import NamedTuple

from gdlib.checks import check_number, check_whole


class WorkerLost(Exception):
    """The worker of this call died before it answered: `.rank`, and `.ticket` of the call."""

    def __init__(self, ticket):
        super().__init__(f"worker {ticket.rank} died before it answered {ticket.method!r}; pool.restart({ticket.rank}) "
                         f"makes it anew")
        self.rank, self.ticket = ticket.rank, ticket


class GaveUp(RuntimeError):
    """A worker died too often in a row: `.rank`; a strategy puts the parameters that it had reached in `.theta`."""

    rank, theta = None, None

    def keeping(self, theta):
        """The same, with the parameters that were reached."""
        error = GaveUp(f"{self}; the parameters so far are in this error's .theta")
        error.rank, error.theta = self.rank, theta
        return error


class Ticket:
    """One call that was started: `pool.first` tells when it is done."""

    def __init__(self, rank: int, method: str, args: tuple):
        self.rank, self.method, self.args = rank, method, args

    def __repr__(self):
        return f"Ticket({self.method!r} of worker {self.rank})"


class Pause(NamedTuple):
    """A worker that was lost and made again; times by `pool.now()`, in seconds."""

    rank: int
    lost: float
    back: float

    @property
    def seconds(self):
        return self.back - self.lost


class Pool:
    """n workers, each with an object of its own, `make_worker(rank)`; the four verbs, whatever the engine.

    Attributes
    ----------
    n : how many workers
    timeout : seconds that a wait may last where no other time is told
    max_deaths : a worker that dies more often than this without an answer in between is given up
    pauses : one `Pause` for each worker that was lost and restarted
    """

    def __init__(self, make_worker: Callable, n: int, timeout: float, max_deaths: int):
        check_pool(make_worker, n, timeout, max_deaths)
        self.make_worker, self.n, self.timeout, self.max_deaths = make_worker, n, timeout, max_deaths
        self.pauses = []
        self._deaths = [0] * n  # of each worker, since it last answered
        self._lost_at = {}

    def call(self, rank: int, method: str, *args) -> Ticket:
        """Start `method(*args)` of the worker `rank`, and come back at once with a ticket."""
        check_whole(rank, "rank", 0, self.n - 1)
        return self._call(Ticket(rank, method, args))

    def first(self, tickets: Iterable[Ticket], timeout: float | None = None) -> tuple:
        """(ticket, value) of the call that is done first.

        Raises
        ------
        WorkerLost : the worker of one of the calls died
        TimeoutError : none was done in time; it names the workers that are late
        Exception : what the method itself raised
        """
        tickets, timeout = list(tickets), self.timeout if timeout is None else timeout
        if not tickets:
            raise ValueError("first takes the tickets of calls that were started, and none came")
        try:
            ticket, value = self._first(tickets, timeout)
        except WorkerLost as lost:
            self._deaths[lost.rank] += 1
            self._lost_at.setdefault(lost.rank, self.now())
            raise
        self._deaths[ticket.rank] = 0
        return ticket, value

    def restart(self, rank: int):
        """Make the worker `rank` again, by make_worker(rank), on a live machine; `pauses` tells how long it was away.

        Raises
        ------
        GaveUp : it died more than `max_deaths` times without an answer in between
        """
        check_whole(rank, "rank", 0, self.n - 1)
        if self._deaths[rank] > self.max_deaths:
            error = GaveUp(f"worker {rank} died {self._deaths[rank]} times in a row without an answer, and was given "
                           f"up: look at what its methods do, or give it more memory")
            error.rank = rank
            raise error
        hangs, lost = rank not in self._lost_at, self._lost_at.pop(rank, self.now())
        self._restart(rank, hangs)
        self.pauses.append(Pause(rank, lost, self.now()))

    def now(self) -> float:
        """Seconds since the pool was made; in the simulation those of its own clock."""
        raise NotImplementedError

    def close(self):
        """Let all workers go; leaving the `with` block does it."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def check_pool(make_worker, n, timeout, max_deaths):
    if not callable(make_worker):
        raise TypeError(f"make_worker must be a function of the rank that gives the worker's object; it came as "
                        f"{make_worker!r}")
    check_whole(n, "n, the number of workers,", 1)
    check_number(timeout, "timeout", above=0)
    check_whole(max_deaths, "max_deaths", 0)


def late(tickets, timeout):
    """The error for calls that were not answered in time."""
    ranks = sorted({ticket.rank for ticket in tickets})
    who = f"worker {ranks[0]} has" if len(ranks) == 1 else f"workers {', '.join(map(str, ranks))} have"
    return TimeoutError(f"{who} not answered {tickets[0].method!r} within {timeout:g} s: a process that hangs, or one "
                        f"that needs more time (timeout=…)")
