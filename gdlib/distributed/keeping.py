"""Workers that keep something from one call to the next, such as a residual or momentum; a lost one loses nothing."""
from collections.abc import Callable, Iterator
from functools import partial
from uuid import uuid4

import numpy as np

from gdlib.checks import check_whole
from gdlib.distributed.asking import ask_all
from gdlib.distributed.pool import Pool


class Keeping:
    """Calls in which each worker keeps something: `step(worker, rank, kept, *args) -> (answer, kept)` beside each.

    What all keep comes to the driver every `backup` calls. A lost worker is given that copy, and computes the calls
    since then again: no bit changes. So `step` must give the same for the same arguments.

    Parameters
    ----------
    pool : Pool
        The workers.
    step : callable
        Runs beside each worker.
    kept : list
        What each begins with, in order of rank.
    backup : int
        How often the copies come; the driver holds the arguments of that many calls meanwhile.
    came : callable
        Is told the bytes of the copies that came.
    """

    def __init__(self, pool: Pool, step: Callable, kept: list, backup: int, came: Callable = lambda nbytes: None):
        check_whole(backup, "backup", 1)
        self.pool, self.step, self.backup, self.came = pool, step, backup, came
        self._key, self._copies, self._since = uuid4().hex, list(kept), []
        self._first = self._calls = 0  # the calls before the first of _since, and all
        self._handed_out = False  # whether the workers have what they begin with

    def __call__(self, *args) -> list:
        """What `step` answers for all workers, in order of rank."""
        if len(self._since) >= self.backup:
            _ = self.kept
        answers = self._ask_all(next_step, self._calls + 1, *args)
        self._since.append(args)
        self._calls += 1
        return answers

    @property
    def kept(self) -> list:
        """What each worker keeps now, in order of rank."""
        if self._since:
            self._copies = self._ask_all(hand_over)
            self._since, self._first = [], self._calls
            self.came(sum(map(nbytes, self._copies)))
        return self._copies

    def _ask_all(self, function, *args):
        """What function(desk, key, *args) gives beside each worker; one without what it kept gets that first."""
        if self.pool.n != len(self._copies):
            raise RuntimeError(
                f"the pool must have the {len(self._copies)} workers that this oracle began with; got {self.pool.n}. "
                f"Take oracle.state() before pool.resize, and call oracle.restore(state) after it."
            )
        answers = dict.fromkeys(range(self.pool.n))
        if self._handed_out:
            answers = ask_all(self.pool, function, lambda rank: (self._key, *args))
        lost = [rank for rank in answers if answers[rank] is None]
        answers |= ask_all(self.pool, take_over, lambda rank: (
            self._key, self.step, rank, self._copies[rank], self._first, self._since, function, args), lost)
        self._handed_out = True
        return [answer for answer, in answers.values()]


class KeepingOracle:
    """An oracle of `gd.run` whose workers keep something: `_t` is its step, `_gradient(theta, t)` what it gives there.

    Attributes
    ----------
    up : int
        The bytes that all workers together have sent.
    """

    up = 0

    def __iter__(self) -> Iterator[Callable]:
        return self

    def __next__(self) -> Callable:
        self._t += 1
        return partial(self._gradient, t=self._t)

    def _came(self, size):
        self.up += size


def check_state(state: dict | None, oracle: str):
    """Refuse the state of another oracle.

    Parameters
    ----------
    state : dict or None
        What `state()` gave, or what a file holds.
    oracle : str
        This oracle, in words.
    """
    if (found := (state or {}).get("oracle", "another one")) != oracle:
        raise ValueError(
            f"the oracle must be that of its state, {found}; got {oracle}. Make the same one, or give a new run a "
            f"folder of its own."
        )


def shared_out(kept: list, rows: list, n: int) -> list:
    """What n workers begin with, where others kept these: all get the mean, weighted by rows.

    The sum over all workers, Σ nᵢ keptᵢ / Σ nᵢ, is then what it was.

    Parameters
    ----------
    kept : list
        What each worker kept: arrays, numbers and None, in tuples, lists and dicts of one structure.
    rows : list
        How many rows each has.
    n : int
        How many workers there are now.
    """
    return kept if len(kept) == n else [_mean(kept, rows)] * n


def _mean(parts, rows):
    first = parts[0]
    if isinstance(first, dict):
        return {key: _mean([part[key] for part in parts], rows) for key in first}
    if isinstance(first, tuple | list):
        return type(first)(_mean(some, rows) for some in zip(*parts, strict=True))
    return None if first is None else sum(n * part for n, part in zip(rows, parts, strict=True)) / sum(rows)


def nbytes(value) -> int:
    """The bytes that a value's arrays and numbers hold.

    Parameters
    ----------
    value : object
        Arrays and numbers, in tuples, lists and dicts.
    """
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, tuple | list):
        return sum(map(nbytes, value))
    return value.nbytes if isinstance(value, np.ndarray) else 8 * (value is not None)


# -- beside a worker: desk.notes[key] holds the step, and what was kept before and after the last call -----------------


def take_over(desk, key, step, rank, kept, first, since, function, args):
    """Begin with what was kept, compute the calls since then again, and do what is asked."""
    desk.notes[key] = {"step": step, "rank": rank, "call": first, "after": kept}
    for call, earlier in enumerate(since, start=first + 1):
        next_step(desk, key, call, *earlier)
    return function(desk, key, *args)


def hand_over(desk, key):
    return (desk.notes[key]["after"],) if key in desk.notes else None


def next_step(desk, key, call, *args):
    """(answer,); None without what was kept before this call.

    A call that is made once more, as its answer was lost, begins with the same as before.
    """
    notes = desk.notes.get(key)
    if notes is None or call - notes["call"] not in (0, 1) or call == notes["call"] and "before" not in notes:
        return None
    before = notes["before"] if call == notes["call"] else notes["after"]
    notes |= {"call": call, "before": before, "after": before}
    answer, notes["after"] = notes["step"](desk.worker, notes["rank"], before, *args)
    return (answer,)
