"""The one loop, and the record it leaves."""
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, repeat

import numpy as np

from gdlib import optimizers
from gdlib.checks import check_memory, check_runs, check_schedule, check_whole, try_gradient
from gdlib.models import Model
from gdlib.objectives import Objective
from gdlib.optimizers import Optimizer

# A sweep of many runs is taken through all steps a chunk of numbers at a time: arrays of this size stay in the cache.
CHUNK = 16384
# The loss of all kept points is taken of so many numbers at a time: 64 MiB.
BLOCK = 2**23


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
        raise ValueError(f"per_run takes one number for each run, and came with {values!r}") from None
    if array.ndim == 0 or array.size == 0:
        raise ValueError(f"per_run takes one number for each run, as in per_run([0.1, 0.2]), and came with {values!r}")
    return array[..., None]


def iterate(
    opt: Optimizer, theta0: Sequence | np.ndarray | None, oracle: Iterable[Callable], *, resume: "Run | None" = None
) -> Iterator:
    """Yield (t, θ, state): the start at t = 0, then one point for each gradient function that the oracle gives.

    This is gradient descent, whatever the rule:  θ, state ← update(t, θ, grad, state).

    Parameters
    ----------
    opt : the rule
    theta0 : the start, (d,) or (..., d)
    oracle : gradient functions, one a step
    resume : an earlier Run, to start where it ended and to go on counting
    """
    if resume is None:
        first, theta = 0, spread(opt, theta0)
        state = opt.init(theta)
    else:
        first, theta, state = int(resume.t[-1]), resume.last, resume.state
    yield first, theta, state
    for t, grad in enumerate(oracle, start=first + 1):
        theta, state = opt.update(t, theta, grad, state)
        yield t, theta, state


def run(
    f: Objective | Model,
    opt: Optimizer,
    theta0: Sequence | np.ndarray | None,
    steps: int,
    *,
    oracle: Iterator[Callable] | None = None,
    every: int = 1,
    stop: Callable | None = None,
    resume: "Run | None" = None,
    progress: bool = False,
) -> "Run":
    """Take `steps` steps of the rule `opt` on the objective `f` from `theta0`, and return the record.

    Parameters
    ----------
    f : an Objective or a model: `f(theta)` -> (...), `f.grad(theta)` -> (..., d)
    opt : the rule, such as `gd.gradient_descent(lr=0.1)`; `gd.per_run` values make it a sweep
    theta0 : the start, (d,) or one start per run (..., d); None with `resume`
    steps : how many steps, 0 or more
    oracle : what gives the gradient at each step, such as `gd.minibatches(model, 32, rng)`; by default f's own, in full
    every : keep each `every`-th point (the first and the last always)
    stop : (t, theta, loss, gradient) of the full f -> True where to stop; asked before each step; a stopped run stays
    resume : an earlier Run with the same rule, to go on from where it ended
    progress : True shows a bar

    Raises
    ------
    ValueError, TypeError : one sentence, before the first step. Divergence is no error: see `Run.diverged_at`.
    MemoryError : what the record and the gradient would need, where there is less

    Examples
    --------
    >>> import gdlib as gd
    >>> float(gd.run(gd.quadratic([1.0]), gd.gradient_descent(0.5), [1.0], 3).theta[-1, 0])
    0.125
    """
    _check(f, opt, theta0, steps, oracle, every, stop, resume)
    theta = spread(opt, theta0) if resume is None else resume.theta[-1]
    check_memory(theta, kept=2 + steps // every, work=_working_numbers(f, theta) if oracle is None or stop else 0)
    try_gradient(f, theta)
    with np.errstate(all="ignore"):  # a run that diverges is a lesson: the record tells it, not a warning
        if oracle is None and stop is None and resume is None:
            return _in_chunks(f, opt, theta, steps, every, progress)
        return _descend(f, opt, theta, steps, every, progress, oracle, stop, resume)


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
    last, state : the last point as it lay in memory (a sum's last bit hangs on it), and the rule's state: for `resume`
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
        return self._at_each_point(self.f)

    @cached_property
    def grad_norm(self):
        return self._at_each_point(lambda theta: np.linalg.norm(self.f.grad(theta), axis=-1))

    @cached_property
    def distance(self):
        minima = self.f.minima
        if len(minima) == 0:
            raise ValueError(f"no minimum of {self.f.name} is known, so there is no distance to one: use .grad_norm")
        with np.errstate(all="ignore"):
            return np.min([np.linalg.norm(self.theta - m, axis=-1) for m in np.asarray(minima)], axis=0)

    def _at_each_point(self, function):
        """function of all points; over large data, of a few points at a time."""
        points = self.theta.reshape(-1, self.theta.shape[-1])
        size = max(1, BLOCK // _working_numbers(self.f, points[0]))
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
    shapes = [np.shape(value(1) if callable(value) else value) for value in opt.hyper.values()]
    try:
        shape = np.broadcast_shapes(theta.shape, *shapes)
    except ValueError:
        given = ", ".join(f"{k} for runs of shape {s[:-1]}" for k, s in zip(opt.hyper, shapes, strict=True) if s)
        raise ValueError(
            f"the runs don't fit together: theta0 has shape {theta.shape}, the last axis being the coordinates, and "
            f"per_run gave {given}; runs must have one shape, or shapes that broadcast"
        ) from None
    return _coordinates_first(np.broadcast_to(theta, shape))


def _coordinates_first(theta):
    """A copy in which each coordinate of all runs lies together in memory: arithmetic on coordinates is then quick."""
    return np.moveaxis(np.moveaxis(theta, -1, 0).copy(), 0, -1)


def _check(f, opt, theta0, steps, oracle, every, stop, resume):
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
    check_whole(steps, "steps", 0)
    check_whole(every, "every", 1)
    if oracle is not None and not isinstance(oracle, Iterator):
        raise TypeError(
            f"oracle must be an iterator of gradients such as gd.minibatches(model, 32, rng), and came as {oracle!r}"
        )
    if stop is not None and not callable(stop):
        raise TypeError(f"stop must be a function of (t, theta, loss, gradient), and came as {stop!r}")
    if resume is not None:
        _check_resume(opt, theta0, resume)
    for name, value in opt.hyper.items():
        if callable(value) and steps:
            last = steps if resume is None else steps + int(resume.t[-1])
            check_schedule(value, name, last, least=0, below=np.inf if name == "lr" else 1)


def _check_resume(opt, theta0, resume):
    if not isinstance(resume, Run):
        raise TypeError(f"resume takes the record of an earlier gd.run, and came as {resume!r}")
    if theta0 is not None:
        raise ValueError("with resume the start is where the earlier run ended: give None for theta0")
    if resume.opt.name != opt.name:
        raise ValueError(f"the earlier run was made by {resume.opt.name}, and {opt.name} can't go on from its state")
    if resume.stopped_at.max() >= 0 and (resume.stopped_at != resume.t[-1]).any():
        raise ValueError("the runs of this sweep were stopped at different steps: resume them one by one")


def _working_numbers(f, theta):
    """About how many numbers f holds in its hands for one value or gradient at theta."""
    return theta[..., 0].size * max(theta.shape[-1], getattr(f, "n", 0) * getattr(f, "width", 1))


def _in_chunks(f, opt, theta, steps, every, progress):
    """A large sweep a chunk of its runs at a time, through all steps; a small one at once."""
    runs, d = theta[..., 0].size, theta.shape[-1]
    size = max(1, CHUNK // d)
    per_run_values = {k: v for k, v in opt.hyper.items() if not callable(v) and np.ndim(v)}
    make = getattr(optimizers, opt.name, None) if opt.update.__module__ == optimizers.__name__ else None
    whole = isinstance(f, Model) or any(map(callable, opt.hyper.values()))  # schedules may hold values per run
    if theta.ndim == 1 or runs < 2 * size or (per_run_values and make is None) or whole:
        return _descend(f, opt, theta, steps, every, progress)
    flat = theta.reshape(runs, d)
    values = {k: np.broadcast_to(v, (*theta.shape[:-1], 1)).reshape(runs, 1) for k, v in per_run_values.items()}
    parts, points = [], np.empty((2 + steps // every, runs, d))
    for i in _with_bar(range(0, runs, size), -(-runs // size), progress, unit="chunk"):
        part = slice(i, i + size)
        rule = make(**opt.hyper | {k: v[part] for k, v in values.items()}) if values else opt
        start = _coordinates_first(flat[part])
        parts.append(_descend(f, rule, start, steps, every, progress=False, points=points[:, part]))
    points = points.reshape(-1, *theta.shape)[: len(parts[0].t)]
    diverged_at = np.concatenate([p.diverged_at for p in parts]).reshape(theta.shape[:-1])
    state = _joined([p.state for p in parts], theta.shape)
    return Run(f, opt, parts[0].t, points, diverged_at, np.full_like(diverged_at, -1), points[-1], state)


def _joined(states, shape):
    """The states of all chunks as one: None, an array, or a tuple of arrays."""
    if states[0] is None:
        return None
    if isinstance(states[0], tuple):
        return tuple(_joined(list(part), shape) for part in zip(*states, strict=True))
    return np.concatenate(states).reshape(shape)


def _descend(f, opt, theta0, steps, every, progress, oracle=None, stop=None, resume=None, points=None):
    grads = repeat(f.grad, steps) if oracle is None else islice(oracle, steps)
    first = 0 if resume is None else int(resume.t[-1])
    points = np.empty((2 + steps // every, *theta0.shape)) if points is None else points
    times, k, held = [], 0, None
    diverged_at = np.full(theta0.shape[:-1], -1) if resume is None else resume.diverged_at.copy()
    stopped_at = np.full(theta0.shape[:-1], -1)
    for t, last, state in _with_bar(iterate(opt, theta0, grads, resume=resume), steps + 1, progress):  # noqa: B007
        check_runs(last, theta0)
        theta = last if held is None else np.where((stopped_at >= 0)[..., None], held, last)
        if (t - first) % every == 0:
            points[k], k = theta, k + 1
            times.append(t)
        if not np.isfinite(np.add.reduce(theta, axis=None)):  # one number tells whether a closer look is needed
            diverged_at[(diverged_at < 0) & ~np.isfinite(theta).all(axis=-1)] = t
        if stop is not None:
            held = theta
            now = np.asarray(stop(t, theta, f(theta), f.grad(theta)), bool)
            stopped_at[now & (stopped_at < 0)] = t
            if (stopped_at >= 0).all():
                break
    if times[-1] != t:
        points[k], k = theta, k + 1
        times.append(t)
    return Run(f, opt, np.array(times), points[:k], diverged_at, stopped_at, last, state)


def _with_bar(walk, total, progress, unit="step"):
    if not progress:
        return walk
    from gdlib.progress import bar

    return bar(walk, total, unit)
