"""The one loop: `iterate` is the descent, `run` checks its arguments first and keeps a record."""
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import deepcopy
from itertools import islice, repeat

import numpy as np

from gdlib.checks import check_memory, check_runs, check_whole, try_objective
from gdlib.models import Model
from gdlib.objectives import Objective
from gdlib.record import Record, Run, first_step, for_several, is_known, points_kept, working_numbers
from gdlib.rules.rule import Optimizer
from gdlib.schedules import as_schedule
from gdlib.sweep import Sweep, chunks, start

__all__ = ["iterate", "run"]

HANDED_BACK = (
    "The record so far is in this error's .run (in a notebook: sys.last_value.run), and "
    "gd.run(…, resume=….run) goes on from there."
)


def iterate(
    opt: Optimizer, theta0: Sequence | np.ndarray | None, oracle: Iterable[Callable], *, resume: Run | None = None
) -> Iterator:
    """Gradient descent by any rule:  θ, state ← update(t, θ, grad, state).

    Parameters
    ----------
    opt : Optimizer
        Rule.
    theta0 : array (d,) or (..., d)
        Start; not used with `resume`.
    oracle : iterable of callable
        Gradient functions, one per step.
    resume : Run, optional
        Earlier run, to start where it ended and to go on counting from there.

    Yields
    ------
    t : int
        Number of steps: 0 at the start, then one more for each gradient function of the oracle.
    theta : array (..., d)
        Point after step t.
    state : object
        State of the rule after step t.

    Raises
    ------
    ValueError
        theta0 is not a start for the rule, or a step changes its shape.

    Examples
    --------
    >>> import gdlib as gd
    >>> for t, theta, state in iterate(gd.gradient_descent(0.5), [8.0], [lambda theta: theta] * 2):
    ...     print(t, theta)
    0 [8.]
    1 [4.]
    2 [2.]
    """
    if resume is None:
        theta = start(opt, theta0)
        state = opt.init(theta)
    else:
        theta, state = resume.last.copy(order="K"), deepcopy(resume.state)
    first, begin = first_step(resume), theta
    yield first, theta, state
    for t, grad in enumerate(oracle, start=first + 1):
        theta, state = opt.update(t, theta, grad, state)
        check_runs(theta, begin)
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
    resume: Run | None = None,
    progress: bool = False,
) -> Run:
    """Run a rule on an objective or model, and return the record.

    Parameters
    ----------
    f : Objective or model
        Function to minimize: `f(theta)` -> (...), `f.grad(theta)` -> (..., d).
    opt : Optimizer
        Rule, such as `gd.gradient_descent(lr=0.1)`; `gd.per_run` values make it a sweep.
    theta0 : array (d,) or (..., d)
        Start, or one start per run; None with `resume`.
    steps : int
        Number of steps, at least 0.
    oracle : iterator of callable, optional
        Gradient at each step, such as `gd.minibatches(model, 32, rng)`; by default the full gradient of f.
    every : int
        Distance in steps between the points that are kept; the first and the last are always kept.
    stop : callable, optional
        Function (t, theta, loss, gradient) -> True where a run is to stop, with the loss and gradient of the full f. It
        is called before each step, and a stopped run stays where it is.
    resume : Run, optional
        Earlier run of the same rule, to go on from where it ended.
    progress : bool
        True shows a progress bar.

    Raises
    ------
    ValueError, TypeError
        An argument is wrong, found before the first step. Divergence is not an error: see `Run.diverged_at`.
    MemoryError
        The record and the gradient would need more memory than is free.
    Exception
        Anything that ends a run between two steps, such as an oracle that ends early, a schedule that turns negative or
        an interrupt. The error holds the Run so far as `.run`, for `resume`.

    Examples
    --------
    >>> import gdlib as gd
    >>> float(gd.run(gd.quadratic([1.0]), gd.gradient_descent(0.5), [1.0], 3).theta[-1, 0])
    0.125
    """
    _check_rule_and_objective(f, opt)
    check_whole(steps, "steps", 0)
    check_whole(every, "every", 1)
    _check_oracle_and_stop(oracle, stop)
    if resume is not None:
        _check_resume(opt, theta0, resume)
    _check_schedules(opt, steps, resume)
    theta = start(opt, theta0) if resume is None else resume.theta[-1]
    check_memory(theta, kept=points_kept(steps, every), work=working_numbers(f, theta) if oracle is None or stop else 0)
    try_objective(f, theta, is_known(f))
    parts = chunks(f, opt, theta) if oracle is None and stop is None and resume is None else []
    try:
        with np.errstate(all="ignore"):  # divergence is a lesson: the record shows it, not a warning
            if parts:
                return _in_chunks(f, opt, theta, parts, steps, every, progress)
            return _descend(f, opt, theta, steps, every, progress, oracle, stop, resume)
    except BaseException as error:
        if getattr(error, "run", None) is not None and HANDED_BACK not in getattr(error, "__notes__", []):
            error.add_note(HANDED_BACK)
        raise


def _check_rule_and_objective(f, opt):
    if not isinstance(opt, Optimizer):
        if callable(opt):
            name = getattr(opt, "__name__", "opt")
            raise TypeError(f"opt must be a rule; got the function {name} itself. Call it, as in gd.{name}(lr=0.1).")
        raise TypeError(f"opt must be a rule such as gd.gradient_descent(lr=0.1); got {opt!r}")
    if not (callable(f) and callable(getattr(f, "grad", None))):
        raise TypeError(
            f"f must have a value f(theta) and a gradient f.grad(theta); got {f!r}. "
            f"Make one with gd.Objective(name, value, grad)."
        )


def _check_oracle_and_stop(oracle, stop):
    if oracle is not None and not isinstance(oracle, Iterator):
        raise TypeError(
            f"oracle must be an iterator of gradients such as gd.minibatches(model, 32, rng); got {oracle!r}"
        )
    if stop is not None and not callable(stop):
        raise TypeError(f"stop must be a function of (t, theta, loss, gradient); got {stop!r}")


def _check_resume(opt, theta0, resume):
    if not isinstance(resume, Run):
        raise TypeError(f"resume must be a Run, as gd.run returns it; got {resume!r}")
    if theta0 is not None:
        raise ValueError(f"theta0 must be None with resume, which starts where the earlier run ended; got {theta0!r}")
    if resume.opt.name != opt.name:
        raise ValueError(f"opt must be {resume.opt.name}, which made the run to resume; got {opt.name}")
    if resume.stopped_at.max() >= 0 and (resume.stopped_at != resume.t[-1]).any():
        raise ValueError(
            "resume must be a sweep whose runs all stopped at one step; got runs that stopped at different steps. "
            "Resume them one by one."
        )


def _check_schedules(opt, steps, resume):
    """Ask each schedule for the last step: the most common mistake is one that ends before the run does."""
    last = steps + first_step(resume)
    for name, value in opt.values().items():
        if callable(value) and steps:
            as_schedule(value, name)(last)


def _in_chunks(f, opt, theta, parts, steps, every, progress):
    """Run a large sweep a chunk of its runs at a time, each chunk through all steps."""
    sweep = Sweep(f, opt, theta, points_kept(steps, every))
    try:
        for part in _with_bar(parts, len(parts), progress, unit="chunk"):
            points = sweep.points[:, part]
            sweep.done.append(_descend(f, sweep.rule(part), sweep.start(part), steps, every, False, points=points))
    except BaseException as error:  # some runs are done, the others have not begun
        error.run = sweep.run()
        raise
    return sweep.run()


def _descend(f, opt, theta0, steps, every, progress, oracle=None, stop=None, resume=None, points=None):
    """Run one run, or all runs of a sweep side by side."""
    grads = repeat(f.grad, steps) if oracle is None else islice(oracle, steps)
    record = Record(f, opt, theta0, steps, every, resume, points)
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
                    f"fewer steps, or give an oracle that does not end."
                )
    except BaseException as error:  # whatever ends a run, the record so far is handed back
        error.run = record.run() if record.kept else None
        raise
    return record.run()


def _value_of_runs(f, theta):
    """Value of f at theta (d,) or (..., d)."""
    if theta.ndim == 1:
        return f
    value = for_several(f, "value", f, theta[(0,) * (theta.ndim - 1)])
    return f if value is f else lambda theta: value(theta.reshape(-1, theta.shape[-1])).reshape(theta.shape[:-1])


def _with_bar(walk, total, progress, unit="step"):
    if not progress:
        return walk
    from gdlib.progress import bar

    return bar(walk, total, unit)
