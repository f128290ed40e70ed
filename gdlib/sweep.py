"""Many runs in one call: a value for each, where they start, and the chunks in which a large sweep is taken."""
from collections.abc import Sequence

import numpy as np

from gdlib.models import Model
from gdlib.objectives import Objective
from gdlib.record import Run
from gdlib.rules.rule import Optimizer

__all__ = ["per_run"]

# A sweep of many runs is taken through all steps a chunk of numbers at a time: arrays of this size stay in the cache.
CHUNK = 16384


def per_run(values: Sequence[float] | np.ndarray) -> np.ndarray:
    """One value per run: `values` (...) become (..., 1), to be broadcast over the coordinates of θ (..., d).

    Examples
    --------
    >>> per_run([0.1, 0.2]).shape
    (2, 1)
    """
    try:
        array = np.array(values, float)
    except (TypeError, ValueError):
        raise ValueError(f"per_run takes one number for each run; got {values!r}") from None
    if array.ndim == 0 or array.size == 0:
        raise ValueError(f"per_run takes one number for each run, as in per_run([0.1, 0.2]); got {values!r}")
    return array[..., None]


def start(opt: Optimizer, theta0: Sequence | np.ndarray) -> np.ndarray:
    """The start as an array of its own, (..., d), with the runs' axes that the rule's per-run values ask for."""
    try:
        theta = np.array(theta0, float)
    except (TypeError, ValueError):
        raise ValueError(f"theta0 must be d numbers such as [1.0, 2.0]; got {theta0!r}") from None
    if theta.ndim == 0 or theta.size == 0:
        raise ValueError(f"theta0 must be d numbers such as [1.0, 2.0]; got {theta0!r}")
    if not np.isfinite(theta).all():
        raise ValueError(f"theta0 must be finite; got {theta0!r}")
    values = opt.values()
    shapes = [np.shape(value(1) if callable(value) else value) for value in values.values()]
    try:
        shape = np.broadcast_shapes(theta.shape, *shapes)
    except ValueError:
        given = ", ".join(f"{k} for runs of shape {s[:-1]}" for k, s in zip(values, shapes, strict=True) if s)
        raise ValueError(
            f"the runs don't fit together: theta0 has shape {theta.shape}, the last axis being the coordinates, and "
            f"per_run gave {given}; runs must have one shape, or shapes that broadcast"
        ) from None
    return coordinates_first(np.broadcast_to(theta, shape))


def coordinates_first(theta):
    """A copy in which each coordinate of all runs lies together in memory: arithmetic on coordinates is then quick."""
    return np.moveaxis(np.moveaxis(theta, -1, 0).copy(), 0, -1)


def chunks(f: Objective | Model, opt: Optimizer, theta: np.ndarray) -> list[slice]:
    """Which runs are taken together; none where the sweep is to be taken whole.

    It is where it is small, where a part of its runs would round otherwise than the whole, and where the rule can't be
    made for a part.
    """
    runs, size = theta[..., 0].size, max(1, CHUNK // theta.shape[-1])
    if theta.ndim == 1 or runs < 2 * size or opt.for_runs is None:
        return []
    if isinstance(f, Model):  # the rounding of a matrix product depends on how many runs it holds
        return []
    if any(map(callable, opt.values().values())):  # a schedule may hold values per run
        return []
    return [slice(i, min(i + size, runs)) for i in range(0, runs, size)]


class Sweep:
    """A sweep from `theta` (..., d) that is taken a chunk of its runs at a time; `kept` points of each are recorded."""

    def __init__(self, f, opt, theta, kept):
        self.f, self.opt, self.runs = f, opt, theta.shape[:-1]
        self.starts = theta.reshape(-1, theta.shape[-1])
        self.points = np.empty((kept, *self.starts.shape))
        self.done = []

    def rule(self, part):
        """The rule for a part of the runs."""
        return self.opt.for_runs(lambda v: np.broadcast_to(v, (*self.runs, 1)).reshape(-1, 1)[part])

    def start(self, part):
        """Where a part of the runs starts."""
        return coordinates_first(self.starts[part])

    def run(self):
        """The record of all chunks that are done; None if none is. Of some only, the runs are in one row."""
        if not self.done:
            return None
        count, first = sum(len(part.diverged_at) for part in self.done), self.done[0]
        opt, runs = self.opt, self.runs
        if count < len(self.starts):
            opt, runs = self.rule(slice(0, count)), (count,)
        points = self.points[: len(first.t), :count].reshape(-1, *runs, self.starts.shape[-1])
        diverged_at = np.concatenate([part.diverged_at for part in self.done]).reshape(runs)
        state = _joined([part.state for part in self.done], points.shape[1:])
        never = np.full_like(diverged_at, -1)
        return Run(self.f, opt, first.t, points, diverged_at, never, points[-1], state)


def _joined(states, shape):
    """The states of all chunks as one: None, an array, or a tuple of arrays, as the library's own rules have."""
    if states[0] is None:
        return None
    if isinstance(states[0], tuple):
        return tuple(_joined(list(part), shape) for part in zip(*states, strict=True))
    return np.concatenate(states).reshape(shape)
