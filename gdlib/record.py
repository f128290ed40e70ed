"""The record of a run: the points that were kept, and what is derived from them."""
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, repeat

import numpy as np

from gdlib.checks import fails_on_several
from gdlib.loop import first_step, iterate
from gdlib.models import Model
from gdlib.objectives import KNOWN, Objective
from gdlib.rules.rule import Optimizer

__all__ = ["Run"]

# The loss of all kept points is computed in blocks of this many values: 64 MiB.
BLOCK = 2**23


@dataclass(frozen=True, eq=False)
class Run:
    """Record of a run, with k points, or of a sweep of runs of shape (...).

    `gd.run` makes one. `loss`, `grad_norm` and `distance` are computed when they are first asked for.

    Parameters
    ----------
    f : Objective or model
        Function of the run.
    opt : Optimizer
        Rule of the run.
    t : array (k,) of int
        Steps after which the points were kept.
    theta : array (k, ..., d)
        Points that were kept.
    diverged_at : array (...) of int
        Step at which each run left the finite numbers; −1 for never.
    stopped_at : array (...) of int
        Step at which `stop` ended each run; −1 for never.
    last : array (..., d)
        Final point in its original memory layout, needed for a bit-exact resume.
    state : object
        Final state of the rule, needed for a resume.

    Examples
    --------
    >>> import gdlib as gd
    >>> run = gd.run(gd.quadratic([2.0]), gd.gradient_descent(0.25), [4.0], 2)
    >>> run.t, run.theta[:, 0], run.loss
    (array([0, 1, 2]), array([4., 2., 1.]), array([16.,  4.,  1.]))
    """

    f: Callable
    opt: Optimizer
    t: np.ndarray
    theta: np.ndarray
    diverged_at: np.ndarray
    stopped_at: np.ndarray
    last: np.ndarray
    state: object

    @cached_property
    def loss(self):
        """Value of f at the kept points: (k, ...)."""
        return self._at_each_point("value", self.f)

    @cached_property
    def grad_norm(self):
        """Length of the gradient at the kept points: (k, ...)."""
        return self._at_each_point("gradient", lambda theta: np.linalg.norm(self.f.grad(theta), axis=-1))

    @cached_property
    def distance(self):
        """Distance from the kept points to the nearest known minimum: (k, ...)."""
        minima = self.f.minima
        if len(minima) == 0:
            raise ValueError(f"{self.f.name} must have a known minimum for a distance; got none. Use .grad_norm.")
        with np.errstate(all="ignore"):
            return np.min([np.linalg.norm(self.theta - m, axis=-1) for m in np.asarray(minima)], axis=0)

    def _at_each_point(self, what, function):
        """Compute a function of all points; over large data, of a few points at a time."""
        points = self.theta.reshape(-1, self.theta.shape[-1])
        size = max(1, BLOCK // working_numbers(self.f, points[0]))
        function = for_several(self.f, what, function, points[0])
        with np.errstate(all="ignore"):
            blocks = [function(points[i : i + size]) for i in range(0, len(points), size)]
        return np.concatenate(blocks).reshape(self.theta.shape[:-1])

    def __repr__(self):
        runs = f"{self.diverged_at.size} runs" if self.theta.ndim > 2 else "1 run"
        diverged = int(np.sum(self.diverged_at >= 0))
        return (
            f"Run({self.opt!r} on {self.f.name}: {runs}, {self.t[-1]} steps, {len(self.t)} points kept"
            + (f"; {diverged} diverged" if diverged else "") + ")"
        )


class Record:
    """The parts of a Run, collected during the descent."""

    def __init__(self, f, opt, theta0, steps, every, resume, points):
        self.made_of, self.every = (f, opt), every
        self.first = first_step(resume)
        self.points = np.empty((points_kept(steps, every), *theta0.shape)) if points is None else points
        self.times, self.kept, self.held = [], 0, None
        self.diverged_at = np.full(theta0.shape[:-1], -1) if resume is None else resume.diverged_at.copy()
        self.stopped_at = np.full(theta0.shape[:-1], -1)

    def add(self, t, last, state):
        """Record step t, and return where the runs are: those that were stopped stay where they were held."""
        theta = last if self.held is None else np.where((self.stopped_at >= 0)[..., None], self.held, last)
        self.t, self.theta, self.last, self.state = t, theta, last, state
        if (t - self.first) % self.every == 0:
            self._keep()
        if not np.isfinite(np.add.reduce(theta, axis=None)):  # one number shows whether a closer look is needed
            self.diverged_at[(self.diverged_at < 0) & ~np.isfinite(theta).all(axis=-1)] = t
        return theta

    def stop(self, answer):
        """Hold the runs whose answer is True; return whether all are held."""
        now = np.asarray(answer, bool)
        if now.shape not in ((), self.stopped_at.shape):
            runs = f"one for each run, shape {self.stopped_at.shape}" if self.stopped_at.ndim else "for the one run"
            raise ValueError(
                f"stop must give True or False, {runs}; got shape {now.shape}. Take all coordinates together, as in "
                f"np.linalg.norm(gradient, axis=-1) < 1e-3."
            )
        self.stopped_at[now & (self.stopped_at < 0)] = self.t
        self.held = self.theta.copy()
        return (self.stopped_at >= 0).all()

    def _keep(self):
        self.points[self.kept], self.kept = self.theta, self.kept + 1
        self.times.append(self.t)

    def run(self):
        """Make the Run so far."""
        if self.times[-1] != self.t:
            self._keep()
        times, points = np.array(self.times), self.points[: self.kept]
        return Run(*self.made_of, times, points, self.diverged_at, self.stopped_at, self.last, self.state)


def recorded(
    f, opt, theta0, steps, every, progress=False, oracle=None, stop=None, resume=None, keeper=None, points=None,
    monitor=None,
) -> Run:
    """Run one run, or all runs of a sweep side by side, and make the record."""
    grads = repeat(f.grad, steps) if oracle is None else islice(oracle, steps)
    if monitor is not None:
        monitor.begin(f, opt, theta0, first_step(resume), steps)
        grads, progress = monitor.watch(grads), progress or monitor.bar
    record = Record(f, opt, theta0, steps, every, resume, points)
    value = None if stop is None else _value_of_runs(f, theta0)
    try:
        for t, last, state in with_bar(iterate(opt, theta0, grads, resume=resume), steps + 1, progress):
            theta = record.add(t, last, state)
            if monitor is not None:
                monitor.after(t, theta)
            held = stop is not None and record.stop(stop(t, theta.copy(), value(theta), f.grad(theta)))
            if keeper is not None:
                keeper.after(record)
            if held:
                break
        else:
            if t < record.first + steps:
                raise ValueError(
                    f"oracle must give one gradient for each of the {steps} steps; got {t - record.first}. Ask for "
                    f"fewer steps, or give an oracle that does not end."
                )
    except BaseException as error:  # whatever ends a run, the record so far is handed back
        error.run = record.run() if record.kept else None
        raise
    finally:
        if monitor is not None:
            monitor.end()
    return record.run()


def _value_of_runs(f, theta):
    """Value of f at theta (d,) or (..., d)."""
    if theta.ndim == 1:
        return f
    value = for_several(f, "value", f, theta[(0,) * (theta.ndim - 1)])
    return f if value is f else lambda theta: value(theta.reshape(-1, theta.shape[-1])).reshape(theta.shape[:-1])


def with_bar(walk, total, progress, unit="step"):
    if not progress:
        return walk
    from gdlib.progress import bar

    return bar(walk, total, unit)


def points_kept(steps, every):
    """Largest number of points that a record keeps: every `every`-th, the first and the last."""
    return 2 + steps // every


def for_several(f, what, function, point):
    """Make a function of f's value or gradient take several points (k, d), one by one where f takes only one."""
    if is_known(f) or fails_on_several(f, what, point) is None:
        return function
    return lambda points: np.array([function(point) for point in points])


def is_known(f):
    """Whether f is the library's own, which needs no trial of several points."""
    return f in KNOWN if isinstance(f, Objective) else isinstance(f, Model) and type(f).__module__.startswith("gdlib.")


def working_numbers(f, theta):
    """Estimate how many values f holds in memory for one value or gradient at theta."""
    return theta[..., 0].size * max(theta.shape[-1], getattr(f, "n", 0) * getattr(f, "width", 1))
