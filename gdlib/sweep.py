"""Many runs in one call: their values, their starts, and the chunks in which a large sweep is computed."""
from collections.abc import Sequence

import numpy as np

from gdlib.loop import as_array, coordinates_first
from gdlib.models import Model
from gdlib.objectives import Objective
from gdlib.record import Run, points_kept, recorded, with_bar
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
    array = as_array(values)
    if array.ndim == 0 or array.size == 0:
        raise ValueError(f"values must be one number for each run, as in per_run([0.1, 0.2]); got {values!r}")
    return array[..., None]


def swept(f, opt, theta, steps, every, progress) -> Run:
    """Run from theta (..., d), a large sweep a chunk of its runs at a time, each chunk through all steps."""
    parts = chunks(f, opt, theta)
    if not parts:
        return recorded(f, opt, theta, steps, every, progress)
    sweep = Sweep(f, opt, theta, points_kept(steps, every))
    try:
        for part in with_bar(parts, len(parts), progress, unit="chunk"):
            points = sweep.points[:, part]
            sweep.done.append(recorded(f, sweep.rule(part), sweep.start(part), steps, every, points=points))
    except BaseException as error:  # some runs are done, the others have not begun
        error.run = sweep.run()
        raise
    return sweep.run()


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
