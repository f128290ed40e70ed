"""The one loop, and the record it leaves."""
import numbers
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat

import numpy as np

from gdlib.optimizers import Optimizer

# A sweep of many runs is taken through all steps a chunk of numbers at a time: arrays of this size stay in the cache.
CHUNK = 32768


def per_run(values):
    """One value per run: an array (...) becomes (..., 1), so that it broadcasts over the coordinates of θ (..., d).

    Examples
    --------
    >>> per_run([0.1, 0.2]).shape
    (2, 1)
    """
    try:
        array = np.array(values, float)
    except (TypeError, ValueError):
        raise ValueError(f"per_run takes one number for each run, and came with {values!r}") from None
    if array.ndim == 0 or array.size == 0:
        raise ValueError(f"per_run takes one number for each run, as in per_run([0.1, 0.2]), and came with {values!r}")
    return array[..., None]


def iterate(opt, theta0, oracle) -> Iterator:
    """Yield (t, θ): the start at t = 0, then one point for each gradient function that the oracle gives.

    This is gradient descent, whatever the rule:  θ, state ← update(t, θ, grad, state).
    """
    theta = spread(opt, theta0)
    state = opt.init(theta)
    yield 0, theta
    for t, grad in enumerate(oracle, start=1):
        theta, state = opt.update(t, theta, grad, state)
        yield t, theta


def run(f, opt, theta0, steps, *, every=1, stop=None) -> "Run":
    """Take `steps` steps of the rule `opt` on the objective `f` from `theta0`, and return the record.

    Parameters
    ----------
    f : an Objective or a model: `f(theta)` -> (...), `f.grad(theta)` -> (..., d)
    opt : the rule, such as `gd.gradient_descent(lr=0.1)`; `gd.per_run` values make it a sweep
    theta0 : the start, (d,) or one start per run (..., d)
    steps : how many steps, 0 or more
    every : keep each `every`-th point (the first and the last always)
    stop : (t, theta, loss, gradient) -> True where to stop; called before each step; a stopped run stays where it is

    Raises
    ------
    ValueError, TypeError : one sentence, before the first step. Divergence is no error: see `Run.diverged_at`.

    Examples
    --------
    >>> import gdlib as gd
    >>> float(gd.run(gd.quadratic([1.0]), gd.gradient_descent(0.5), [1.0], 3).theta[-1, 0])
    0.125
    """
    _check(f, opt, steps, every, stop)
    theta = spread(opt, theta0)
    _try_gradient(f, theta)
    with np.errstate(all="ignore"):  # a run that diverges is a lesson: the record tells it, not a warning
        parts = _chunks(opt, theta) if stop is None else [slice(None)]
        flat = theta.reshape(-1, theta.shape[-1]) if len(parts) > 1 else theta
        records = [_descend(f, opt, flat[part], steps, every, stop) for part in parts]
    t, points, diverged_at, stopped_at = records[0]
    if len(records) > 1:
        points = np.concatenate([r[1] for r in records], axis=1).reshape(len(t), *theta.shape)
        diverged_at = np.concatenate([r[2] for r in records]).reshape(theta.shape[:-1])
        stopped_at = np.concatenate([r[3] for r in records]).reshape(theta.shape[:-1])
    return Run(f, opt, t, points, diverged_at, stopped_at)


@dataclass(frozen=True, eq=False)
class Run:
    """The record of a descent; k points were kept, of runs of shape (...).

    Attributes
    ----------
    t : (k,) the steps after which the points were kept
    theta : (k, ..., d) the points
    loss, grad_norm, distance : (k, ...) derived when first asked for; distance is to the nearest known minimum
    diverged_at : (...) the step at which each run left the finite numbers, −1 for never
    stopped_at : (...) the step at which `stop` held each run, −1 for never
    """

    f: Callable
    opt: Optimizer
    t: np.ndarray
    theta: np.ndarray
    diverged_at: np.ndarray
    stopped_at: np.ndarray

    @cached_property
    def loss(self):
        with np.errstate(all="ignore"):
            return np.asarray(self.f(self.theta))

    @cached_property
    def grad_norm(self):
        with np.errstate(all="ignore"):
            return np.linalg.norm(self.f.grad(self.theta), axis=-1)

    @cached_property
    def distance(self):
        minima = self.f.minima
        if len(minima) == 0:
            raise ValueError(f"no minimum of {self.f.name} is known, so there is no distance to one: use .grad_norm")
        with np.errstate(all="ignore"):
            return np.min([np.linalg.norm(self.theta - m, axis=-1) for m in np.asarray(minima)], axis=0)

    def __repr__(self):
        runs = f"{self.diverged_at.size} runs" if self.theta.ndim > 2 else "1 run"
        diverged = int(np.sum(self.diverged_at >= 0))
        return (
            f"Run({self.opt!r} on {self.f.name}: {runs}, {self.t[-1]} steps, {len(self.t)} points kept"
            + (f"; {diverged} diverged" if diverged else "") + ")"
        )


def spread(opt, theta0) -> np.ndarray:
    """The start as an array of its own, (..., d), with the runs' axes that the rule's per-run values ask for."""
    try:
        theta = np.array(theta0, float)
    except (TypeError, ValueError):
        raise ValueError(f"theta0 must be d numbers such as [1.0, 2.0], and came as {theta0!r}") from None
    if theta.ndim == 0 or theta.size == 0:
        raise ValueError(f"theta0 must be d numbers such as [1.0, 2.0], and came as {theta0!r}")
    if not np.isfinite(theta).all():
        raise ValueError(f"theta0 must be finite, and came as {theta0!r}")
    shapes = [np.shape(value) for value in opt.hyper.values() if not callable(value)]
    try:
        shape = np.broadcast_shapes(theta.shape, *shapes)
    except ValueError:
        given = ", ".join(f"{k} for runs of shape {s[:-1]}" for k, s in zip(opt.hyper, shapes, strict=False) if s)
        raise ValueError(
            f"the runs don't fit together: theta0 has shape {theta.shape}, the last axis being the coordinates, and "
            f"per_run gave {given}; runs must have one shape, or shapes that broadcast"
        ) from None
    # Coordinates lie one behind the other in memory: arithmetic on one coordinate of many runs is then quick.
    return np.moveaxis(np.moveaxis(np.broadcast_to(theta, shape), -1, 0).copy(), 0, -1)


def _check(f, opt, steps, every, stop):
    if not isinstance(opt, Optimizer):
        if callable(opt):
            name = getattr(opt, "__name__", "the rule")
            raise TypeError(f"the rule came as the function {name} itself: call it first, as in gd.{name}(lr=0.1)")
        raise TypeError(f"the rule must be an optimizer such as gd.gradient_descent(lr=0.1), and came as {opt!r}")
    if not (callable(f) and callable(getattr(f, "grad", None))):
        raise TypeError(
            f"the objective must have a value f(theta) and a gradient f.grad(theta), and came as {f!r}; "
            f"make one with gd.Objective(name, value, grad)"
        )
    for name, value, least in (("steps", steps, 0), ("every", every, 1)):
        if not isinstance(value, numbers.Integral) or isinstance(value, bool) or value < least:
            raise ValueError(f"{name} must be a whole number of at least {least}, and came as {value!r}")
    if stop is not None and not callable(stop):
        raise TypeError(f"stop must be a function of (t, theta, loss, gradient), and came as {stop!r}")


def _try_gradient(f, theta):
    """Ask for the gradient once, on a copy: a slip in a learner's function is explained before the first step."""
    copy = theta.copy()
    name = f"the gradient of {getattr(f, 'name', 'f')}"
    try:
        with np.errstate(all="ignore"):
            g = f.grad(copy)
    except Exception as error:
        raise ValueError(f"{name} stopped at theta0 with {type(error).__name__}: {error}") from None
    if not np.array_equal(copy, theta):
        raise ValueError(f"{name} changed theta in place: work on a copy, or write a = a - b for a -= b")
    if g is None:
        raise ValueError(f"{name} gave None: did it forget to return?")
    try:
        shape = np.asarray(g, float).shape
    except (TypeError, ValueError):
        raise ValueError(f"{name} must give numbers of theta's shape {theta.shape}, and gave {g!r}") from None
    if shape != theta.shape:
        raise ValueError(f"{name} must have theta's shape {theta.shape}, and came with shape {shape}")


def _chunks(opt, theta):
    """Slices of the runs; one slice unless the sweep is large and the rule is the same for all of its runs."""
    runs = theta.size // theta.shape[-1]
    shared = all(callable(v) or np.ndim(v) == 0 for v in opt.hyper.values())
    size = max(1, CHUNK // theta.shape[-1])
    if theta.ndim == 1 or not shared or runs <= 2 * size:
        return [slice(None)]
    return [slice(i, i + size) for i in range(0, runs, size)]


def _descend(f, opt, theta0, steps, every, stop):
    kept = [*range(0, steps, every), steps]
    t_kept, points = np.array(kept), np.empty((len(kept), *theta0.shape))
    diverged_at = np.full(theta0.shape[:-1], -1)
    stopped_at = diverged_at.copy()
    k = last = 0
    theta = theta0
    for t, theta in _stopping(f, opt, theta0, steps, stop, stopped_at):
        if t == kept[k]:
            points[k], k = theta, k + 1
        if not np.isfinite(np.add.reduce(theta, axis=None)):  # one number tells whether a closer look is needed
            diverged_at[(diverged_at < 0) & ~np.isfinite(theta).all(axis=-1)] = t
        last = t
    if last < steps:  # all runs were stopped: the record ends at their last point
        k += t_kept[k - 1] != last
        t_kept, points = np.append(t_kept[: k - 1], last), points[:k].copy()
        points[-1] = theta
    return t_kept, points, diverged_at, stopped_at


def _stopping(f, opt, theta0, steps, stop, stopped_at):
    """`iterate`, for `steps` steps; with `stop`, a stopped run is held where it is, and the walk ends when all are."""
    walk = iterate(opt, theta0, repeat(f.grad, steps))
    if stop is None:
        yield from walk
        return
    held = None
    for t, theta in walk:
        stopped = stopped_at >= 0
        if held is not None:
            theta = held = np.where(stopped[..., None], held, theta)
        else:
            held = theta
        yield t, theta
        now = np.asarray(stop(t, theta, f(theta), f.grad(theta)), bool)
        stopped_at[~stopped & now] = t
        if (stopped_at >= 0).all():
            return
