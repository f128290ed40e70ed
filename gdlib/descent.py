"""The one loop, and the record it leaves."""
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, repeat

import numpy as np

from gdlib.checks import check_memory, check_runs, check_whole, fails_on_several, try_objective
from gdlib.models import Model
from gdlib.objectives import KNOWN, Objective
from gdlib.optimizers import Optimizer
from gdlib.schedules import as_schedule

# A sweep of many runs is taken through all steps a chunk of numbers at a time: arrays of this size stay in the cache.
CHUNK = 16384
# The loss of all kept points is taken of so many numbers at a time: 64 MiB.
BLOCK = 2**23
HANDED_BACK = (
    "What was recorded until then is in this error's .run (in a notebook: sys.last_value.run), and "
    "gd.run(…, resume=….run) goes on from there."
)


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
        first, theta, state = int(resume.t[-1]), resume.last.copy(order="K"), deepcopy(resume.state)
    yield first, theta, state
    start = theta
    for t, grad in enumerate(oracle, start=first + 1):
        theta, state = opt.update(t, theta, grad, state)
        check_runs(theta, start)
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
    Exception : whatever ends a run between two steps, such as an oracle that gives out, a schedule that turns negative
        or an interrupt: it has the Run so far as `.run`, for `resume`

    Examples
    --------
    >>> import gdlib as gd
    >>> float(gd.run(gd.quadratic([1.0]), gd.gradient_descent(0.5), [1.0], 3).theta[-1, 0])
    0.125
    """
    _check(f, opt, theta0, steps, oracle, every, stop, resume)
    theta = spread(opt, theta0) if resume is None else resume.theta[-1]
    check_memory(theta, kept=2 + steps // every, work=_working_numbers(f, theta) if oracle is None or stop else 0)
    try_objective(f, theta, _known(f))
    try:
        with np.errstate(all="ignore"):  # a run that diverges is a lesson: the record tells it, not a warning
            if oracle is None and stop is None and resume is None:
                return _in_chunks(f, opt, theta, steps, every, progress)
            return _descend(f, opt, theta, steps, every, progress, oracle, stop, resume)
    except BaseException as error:
        if getattr(error, "run", None) is not None and HANDED_BACK not in getattr(error, "__notes__", []):
            error.add_note(HANDED_BACK)
        raise


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
        return self._at_each_point("value", self.f)

    @cached_property
    def grad_norm(self):
        return self._at_each_point("gradient", lambda theta: np.linalg.norm(self.f.grad(theta), axis=-1))

    @cached_property
    def distance(self):
        minima = self.f.minima
        if len(minima) == 0:
            raise ValueError(f"no minimum of {self.f.name} is known, so there is no distance to one: use .grad_norm")
        with np.errstate(all="ignore"):
            return np.min([np.linalg.norm(self.theta - m, axis=-1) for m in np.asarray(minima)], axis=0)

    def _at_each_point(self, what, function):
        """function of all points; over large data, of a few points at a time."""
        points = self.theta.reshape(-1, self.theta.shape[-1])
        size = max(1, BLOCK // _working_numbers(self.f, points[0]))
        function = _for_several(self.f, what, function, points[0])
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
    last = steps if resume is None else steps + int(resume.t[-1])
    for name, value in opt.values().items():
        if callable(value) and steps:  # the commonest slip is a schedule that runs out before the run does
            as_schedule(value, name)(last)


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


def _known(f):
    """Whether f is the library's own, and needs no trial of several points."""
    return f in KNOWN if isinstance(f, Objective) else isinstance(f, Model) and type(f).__module__.startswith("gdlib.")


def _for_several(f, what, function, point):
    """`function`, made of f's value or gradient, for several points (k, d): one by one, where f takes only one."""
    if _known(f) or fails_on_several(f, what, point) is None:
        return function
    return lambda points: np.array([function(point) for point in points])


def _in_chunks(f, opt, theta, steps, every, progress):
    """A large sweep a chunk of its runs at a time, through all steps; a small one at once."""
    runs, d = theta[..., 0].size, theta.shape[-1]
    size = max(1, CHUNK // d)
    if theta.ndim == 1 or runs < 2 * size or not _may_be_cut(f, opt):
        return _descend(f, opt, theta, steps, every, progress)

    def rule_for(part):
        return opt.for_runs(lambda v: np.broadcast_to(v, (*theta.shape[:-1], 1)).reshape(runs, 1)[part])

    starts = theta.reshape(runs, d)
    parts, points = [], np.empty((2 + steps // every, runs, d))
    try:
        for i in _with_bar(range(0, runs, size), -(-runs // size), progress, unit="chunk"):
            part = slice(i, i + size)
            start = _coordinates_first(starts[part])
            parts.append(_descend(f, rule_for(part), start, steps, every, progress=False, points=points[:, part]))
    except BaseException as error:  # some runs are done, and the others not begun
        done = slice(0, len(parts) * size)
        error.run = _joined(f, rule_for(done), parts, points[:, done], ()) if parts else None
        raise
    return _joined(f, opt, parts, points, theta.shape[:-1])


def _may_be_cut(f, opt):
    """Whether a chunk of a sweep's runs gives the bits of the whole, and the rule can be made for it."""
    if isinstance(f, Model):  # the rounding of a matrix product depends on how many runs it holds
        return False
    if any(map(callable, opt.values().values())):  # a schedule may hold values per run
        return False
    return opt.for_runs(lambda v: v) is not None


def _joined(f, opt, parts, points, runs):
    """The record of all chunks; `runs` is the shape of the runs, () for one axis."""
    points = points[: len(parts[0].t)]
    runs = runs or points.shape[1:-1]
    points = points.reshape(-1, *runs, points.shape[-1])
    diverged_at = np.concatenate([p.diverged_at for p in parts]).reshape(runs)
    state = _joined_states([p.state for p in parts], points.shape[1:])
    return Run(f, opt, parts[0].t, points, diverged_at, np.full_like(diverged_at, -1), points[-1], state)


def _joined_states(states, shape):
    """The states of all chunks as one: None, an array, or a tuple of arrays, as the library's own rules have."""
    if states[0] is None:
        return None
    if isinstance(states[0], tuple):
        return tuple(_joined_states(list(part), shape) for part in zip(*states, strict=True))
    return np.concatenate(states).reshape(shape)


def _descend(f, opt, theta0, steps, every, progress, oracle=None, stop=None, resume=None, points=None):
    """One run, or all runs of a sweep side by side."""
    grads = repeat(f.grad, steps) if oracle is None else islice(oracle, steps)
    record = _Record(f, opt, theta0, steps, every, resume, points)
    value = None if stop is None else _value_of_runs(f, theta0)
    try:
        for t, last, state in _with_bar(iterate(opt, theta0, grads, resume=resume), steps + 1, progress):
            theta = record.add(t, last, state)
            if stop is not None and record.stop(stop(t, theta.copy(), value(theta), f.grad(theta))):
                break
        else:
            if t < record.first + steps:
                raise ValueError(
                    f"oracle must give one gradient for each of the {steps} steps; got {t - record.first}. Ask for "
                    f"fewer steps, or give an oracle that does not end. The record so far is in this error's .run."
                )
    except BaseException as error:  # whatever ends a run hands back what it had
        error.run = record.run() if record.kept else None
        raise
    return record.run()


def _value_of_runs(f, theta):
    """f's value for theta (d,) or (..., d)."""
    if theta.ndim == 1:
        return f
    value = _for_several(f, "value", f, theta[(0,) * (theta.ndim - 1)])
    return f if value is f else lambda theta: value(theta.reshape(-1, theta.shape[-1])).reshape(theta.shape[:-1])


class _Record:
    """What a Run is made of, while the walk goes on."""

    def __init__(self, f, opt, theta0, steps, every, resume, points):
        self.made_of, self.every = (f, opt), every
        self.first = 0 if resume is None else int(resume.t[-1])
        self.points = np.empty((2 + steps // every, *theta0.shape)) if points is None else points
        self.times, self.kept, self.held = [], 0, None
        self.diverged_at = np.full(theta0.shape[:-1], -1) if resume is None else resume.diverged_at.copy()
        self.stopped_at = np.full(theta0.shape[:-1], -1)

    def add(self, t, last, state):
        """Where the runs are after step t: those that were stopped, where they were held."""
        theta = last if self.held is None else np.where((self.stopped_at >= 0)[..., None], self.held, last)
        self.t, self.theta, self.last, self.state = t, theta, last, state
        if (t - self.first) % self.every == 0:
            self._keep()
        if not np.isfinite(np.add.reduce(theta, axis=None)):  # one number tells whether a closer look is needed
            self.diverged_at[(self.diverged_at < 0) & ~np.isfinite(theta).all(axis=-1)] = t
        return theta

    def stop(self, answer):
        """Hold the runs that are to stop; True when all are held."""
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
        """The Run so far."""
        if self.times[-1] != self.t:
            self._keep()
        times, points = np.array(self.times), self.points[: self.kept]
        return Run(*self.made_of, times, points, self.diverged_at, self.stopped_at, self.last, self.state)


def _with_bar(walk, total, progress, unit="step"):
    if not progress:
        return walk
    from gdlib.progress import bar

    return bar(walk, total, unit)
