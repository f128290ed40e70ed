"""Many runs in one call: their values, their starts, and the chunks in which a large sweep is computed."""
from collections.abc import Sequence

import numpy as np

from gdlib.models import Model
from gdlib.objectives import Objective
from gdlib.record import Run
from gdlib.rules.rule import Optimizer

__all__ = ["per_run"]

# A large sweep is computed in chunks of this many values: arrays of this size stay in the processor's cache.
CHUNK = 16384


def per_run(values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Give each run of a sweep its own value:  (...) becomes (..., 1), to broadcast over the coordinates.

    Parameters
    ----------
    values : array (...)
        One number per run.

    Raises
    ------
    ValueError
        `values` is not a list or array of numbers.

    Examples
    --------
    >>> import gdlib as gd
    >>> per_run([0.1, 0.2]).shape
    (2, 1)
    >>> gd.run(gd.quadratic([1.0]), gd.gradient_descent(per_run([0.5, 1.0])), [4.0], 1).theta[-1, :, 0]
    array([2., 0.])
    """
    array = _array(values)
    if array.ndim == 0 or array.size == 0:
        raise ValueError(f"values must be one number for each run, as in per_run([0.1, 0.2]); got {values!r}")
    return array[..., None]


def start(opt: Optimizer, theta0: Sequence | np.ndarray) -> np.ndarray:
    """Copy the start into an array (..., d) with the axes of runs that the rule's per-run values ask for."""
    theta = _array(theta0)
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
            f"theta0 and per_run values must have one shape of runs, or shapes that broadcast; got theta0 of shape "
            f"{theta.shape}, whose last axis holds the coordinates, and {given}"
        ) from None
    return coordinates_first(np.broadcast_to(theta, shape))


def _array(values):
    """Copy values into an array; an empty one where they are not numbers."""
    try:
        return np.array(values, float)
    except (TypeError, ValueError):
        return np.empty(0)


def coordinates_first(theta):
    """Copy theta so that each coordinate of all runs is contiguous in memory, which makes arithmetic on it quick."""
    return np.moveaxis(np.moveaxis(theta, -1, 0).copy(), 0, -1)


def chunks(f: Objective | Model, opt: Optimizer, theta: np.ndarray) -> list[slice]:
    """Divide the runs of a sweep into chunks; no chunks where the sweep must be computed as a whole.

    That is so for a small sweep, for one whose parts would round differently than the whole, and for a rule that can't
    be made for a part of the runs.
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
    """A sweep that is computed a chunk of its runs at a time: their rules, starts and points, and its Run."""

    def __init__(self, f, opt, theta, kept):
        self.f, self.opt, self.runs = f, opt, theta.shape[:-1]
        self.starts = theta.reshape(-1, theta.shape[-1])
        self.points = np.empty((kept, *self.starts.shape))
        self.done = []

    def rule(self, part):
        """Make the rule for a part of the runs."""
        return self.opt.for_runs(lambda v: np.broadcast_to(v, (*self.runs, 1)).reshape(-1, 1)[part])

    def start(self, part):
        """Start of a part of the runs."""
        return coordinates_first(self.starts[part])

    def run(self):
        """Make the Run of the chunks that are done, or None before the first; unfinished, it has one axis of runs."""
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
    """Join the states of all chunks: None, an array, or a tuple of these, as the library's own rules have."""
    if states[0] is None:
        return None
    if isinstance(states[0], tuple):
        return tuple(_joined(list(part), shape) for part in zip(*states, strict=True))
    return np.concatenate(states).reshape(shape)
