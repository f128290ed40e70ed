"""The verbs that every engine has, and what can go wrong with a worker."""
import inspect
from collections.abc import Callable, Iterable, KeysView
from functools import partial
from typing import NamedTuple

from gdlib.checks import check_number, check_whole


class WorkerLost(Exception):
    """The worker of a call died before it answered, or hung under `on_hang="restart"`: `.rank`, and the `.ticket`.

    Parameters
    ----------
    ticket : Ticket
        The call.
    how : str
        What became of the worker, in words.
    """

    def __init__(self, ticket: "Ticket", how: str = "died before it answered"):
        super().__init__(f"worker {ticket.rank} {how} {ticket.name!r}; pool.restart({ticket.rank}) makes it anew")
        self.rank, self.ticket = ticket.rank, ticket


class GaveUp(RuntimeError):
    """A worker was lost too often in a row: `.rank`; a strategy adds where it stood, `.theta` after step `.step`.

    Parameters
    ----------
    text : str
        What happened.
    """

    rank, theta, step = None, None, None

    def __init__(self, text: str = ""):
        super().__init__(text)


class Ticket:
    """One call that was started: `pool.first` tells when it is done.

    Parameters
    ----------
    rank : int
        Whose call it is.
    method : str or callable
        The method of the worker's object, or a function of its desk.
    args : tuple
        What it was called with.
    """

    value = error = None  # of a call that is done
    done = False

    def __init__(self, rank: int, method: str | Callable, args: tuple = ()):
        self.rank, self.method, self.args = rank, method, args

    @property
    def name(self) -> str:
        """What was called."""
        return getattr(self.method, "__name__", self.method)

    def close(self, value=None, error=None):
        """Take what the call gave or raised.

        Parameters
        ----------
        value : object
            What it gave.
        error : Exception, optional
            What it raised.
        """
        self.value, self.error, self.done = value, error, True

    def __repr__(self):
        return f"Ticket({self.name!r} of worker {self.rank})"


class Hiring(Ticket):
    """The call of make_worker itself: that it succeeds is no proof of health."""


class Pause(NamedTuple):
    """A worker that was lost and made again.

    Parameters
    ----------
    rank : int
        Which one.
    lost, back : float
        When it was found lost and when it was back, by `pool.now()`, in seconds.
    """

    rank: int
    lost: float
    back: float

    @property
    def seconds(self):
        """How long it was away."""
        return self.back - self.lost


class Pool:
    """Workers, each with an object of its own, `make_worker(rank)`: the four verbs, whatever the engine.

    Parameters
    ----------
    make_worker : callable
        The object of a worker, from its rank; or from (rank, n), where it has two parameters without a default, for a
        pool that can be resized.
    n : int
        How many workers.
    timeout : float
        Seconds that a wait may last where no other time is given.
    max_deaths : int
        A worker is abandoned after more than this many consecutive losses.
    on_hang : str
        What happens to a worker that does not answer in time: "raise" a TimeoutError, or "restart" it.

    Attributes
    ----------
    pauses : list of Pause
        One for each worker that was lost and restarted.
    """

    def __init__(self, make_worker: Callable, n: int, timeout: float, max_deaths: int, on_hang: str = "raise"):
        if not callable(make_worker):
            raise TypeError(f"make_worker must be a function of the rank that gives the worker's object; got "
                            f"{make_worker!r}. Write a function, or a class whose __init__ takes the rank.")
        check_whole(n, "n, the number of workers,", 1)
        check_number(timeout, "timeout", above=0)
        check_whole(max_deaths, "max_deaths", 0)
        if on_hang not in ("raise", "restart"):
            raise ValueError(f"on_hang must be 'raise' or 'restart'; got {on_hang!r}")
        self.make_worker, self.n, self.timeout = make_worker, n, timeout
        self._takes_n = _takes_n(make_worker)
        self.max_deaths, self.on_hang = max_deaths, on_hang
        self.pauses, self._closed = [], False
        self._deaths = [0] * n  # of each worker, since it last answered
        self._last_call, self._lost_at, self._hung, self._unanswered = {}, {}, set(), {}
        self._view = self._unanswered.keys()

    def call(self, rank: int, method: str | Callable, *args) -> Ticket:
        """Start `method(*args)` of the worker `rank`, and come back at once with a ticket.

        Parameters
        ----------
        rank : int
            0 … n − 1.
        method : str or callable
            A method of the worker's object; or a function that runs beside it, `function(desk, *args)`, where
            `desk.worker` is that object and `desk.notes` a dictionary that lives as long as it.
        *args
            What the method takes. An array must not be changed in place before the call is done.
        """
        check_whole(rank, "rank", 0, self.n - 1)
        self._check_open()
        ticket = Ticket(rank, method, args)
        self._call(ticket)
        self._unanswered[ticket] = True
        return ticket

    def first(self, tickets: Iterable[Ticket], timeout: float | None = None) -> tuple:
        """(ticket, value) of the call that is done first.

        Parameters
        ----------
        tickets : iterable of Ticket
            Of calls that were started.
        timeout : float, optional
            Seconds to wait; by default the pool's.

        Raises
        ------
        WorkerLost
            The worker of one of the calls died; or hung, where the pool was made with `on_hang="restart"`.
        TimeoutError
            No call was done in time; it names the workers that are late.
        ConnectionError
            The cluster no longer answers.
        Exception
            What the method itself raised: `.rank` says whose, a note has the worker's traceback.
        """
        timeout = self.timeout if timeout is None else timeout
        self._check_open()
        if tickets is not self.unanswered:  # of ten thousand, an engine can find the first without a list
            tickets = list(tickets)
        if not tickets:
            raise ValueError("tickets must be those of calls that were started; got none. Begin with pool.call(…).")
        ticket = self._first(tickets, timeout) or self._late(list(tickets), timeout)
        self._unanswered.pop(ticket, None)
        if isinstance(ticket.error, WorkerLost):
            self._deaths[ticket.rank] += 1
            self._last_call[ticket.rank] = ticket.name
            self._lost_at.setdefault(ticket.rank, self.now())
        elif not isinstance(ticket, Hiring):
            self._deaths[ticket.rank] = 0
        if ticket.error is not None:
            raise ticket.error
        return ticket, ticket.value

    def restart(self, rank: int):
        """Make the worker `rank` again, by make_worker(rank), on a live machine; `pauses` tells how long it was away.

        Calls of it that were not answered are forgotten.

        Parameters
        ----------
        rank : int
            Which one, 0 … n − 1.

        Raises
        ------
        GaveUp
            It was lost more than `max_deaths` times without an answer in between.
        ConnectionError
            The cluster has no machine for it, or no longer answers.
        """
        check_whole(rank, "rank", 0, self.n - 1)
        self._check_open()
        lost = self._lost_at.get(rank, self.now())
        hangs = rank in self._hung or rank not in self._lost_at
        for ticket in [ticket for ticket in self.unanswered if ticket.rank == rank]:
            del self._unanswered[ticket]
        while True:
            self._check_deaths(rank)
            try:
                self._restart(rank, hangs)
                break
            except WorkerLost:  # while it was made: once more
                hangs = rank in self._hung
        self._lost_at.pop(rank, None)
        self._hung.discard(rank)
        self.pauses.append(Pause(rank, lost, self.now()))

    def resize(self, n: int):
        """Go on with n workers: all are made again, by make_worker(rank, n), which shares out the rows anew.

        Calls that were not answered are forgotten. `synchronous` simply goes on. Of `compressed` and `local_steps`,
        take the `state()` before and give it to `restore` after. Processes of this machine that are no longer needed
        stay, for workers to come; a cluster must have n machines.

        Parameters
        ----------
        n : int
            How many workers there are from now on.

        Raises
        ------
        ValueError
            make_worker does not take (rank, n).
        ConnectionError
            The cluster has too few machines.
        Exception
            What make_worker raised. After any error but a ValueError the pool is closed.

        Examples
        --------
        >>> import gdlib as gd
        >>> import numpy as np
        >>> line = gd.LeastSquares([[1.0], [2.0], [3.0]], [1.0, 2.0, 3.0])
        >>> make_worker = lambda rank, n: gd.distributed.Shard(line.take(slice(rank, None, n)))
        >>> with gd.distributed.workers(make_worker, n=2, engine="simulated") as pool:
        ...     run = gd.run(line, gd.momentum(0.1), [0.0, 0.0], 5, oracle=gd.distributed.synchronous(pool))
        ...     pool.resize(3)
        ...     oracle = gd.distributed.synchronous(pool, start=5)
        ...     run = gd.run(line, gd.momentum(0.1), None, 5, resume=run, oracle=oracle)
        >>> bool(np.allclose(run.last, gd.run(line, gd.momentum(0.1), [0.0, 0.0], 10).last))
        True
        """
        check_whole(n, "n, the number of workers,", 1)
        self._check_open()
        if not self._takes_n:
            raise ValueError(
                f"make_worker must take (rank, n) in a pool that is resized; got {self.make_worker!r}. Share out the "
                f"rows by n, as in model.take(slice(rank, None, n))."
            )
        self.n, self._deaths = n, [0] * n
        for of_ranks in (self._unanswered, self._last_call, self._lost_at, self._hung):
            of_ranks.clear()
        try:
            self._resize()
        except BaseException:
            self.close()
            raise

    def now(self) -> float:
        """Seconds since the pool was made; in the simulation those of its own clock."""
        raise NotImplementedError

    @property
    def unanswered(self) -> KeysView[Ticket]:
        """The calls that were started and whose answer nobody has taken yet, the oldest first: a live view."""
        return self._view

    def close(self):
        """Let all workers go; leaving the `with` block does it."""
        self._closed = True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _maker(self):
        """rank -> the worker's object, among as many as there are now."""
        return partial(_made, self.make_worker, self.n) if self._takes_n else self.make_worker

    def _check_open(self):
        if self._closed:
            raise RuntimeError("this pool is closed. Make a new one with gd.distributed.workers(…).")

    def _check_deaths(self, rank):
        if self._deaths[rank] > self.max_deaths:
            error = GaveUp(
                f"worker {rank} died {self._deaths[rank]} times in a row without an answer, the last time in "
                f"{self._last_call[rank]!r}, and is abandoned. Look at what that does, or give it more memory."
            )
            error.rank = rank
            raise error

    def _late(self, tickets, timeout):
        """No call was done in time: raise what names the workers, or, by policy, call one of them lost."""
        if self.on_hang == "restart":
            ticket = tickets[0]
            self._hung.add(ticket.rank)
            ticket.close(error=WorkerLost(ticket, f"hung for {timeout:g} s in"))
            return ticket
        ranks = sorted({ticket.rank for ticket in tickets})
        who = f"worker {ranks[0]} has" if len(ranks) == 1 else f"workers {', '.join(map(str, ranks))} have"
        error = TimeoutError(f"{who} not answered {tickets[0].name!r} within {timeout:g} s: a process that hangs, or "
                             f"one that needs more time (timeout=…)")
        error.rank, error.ranks = ranks[0], ranks
        raise error


def _takes_n(make_worker):
    """Whether it has two parameters without a default, (rank, n)."""
    try:
        parameters = inspect.signature(make_worker).parameters.values()
    except (TypeError, ValueError):  # some built-in functions have none that is known
        return False
    positional = inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD
    return sum(p.default is p.empty and p.kind in positional for p in parameters) == 2


def _made(make_worker, n, rank):
    return make_worker(rank, n)
