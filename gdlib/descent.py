"""The one loop."""
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import deepcopy
from itertools import islice, repeat
from pathlib import Path

import numpy as np

from gdlib.checkpoints import Keeper
from gdlib.checks import check_memory, check_runs, check_whole, try_objective
from gdlib.models import Model
from gdlib.objectives import Objective
from gdlib.record import Record, Run, for_several, is_known, working_numbers
from gdlib.rules.rule import Optimizer
from gdlib.schedules import as_schedule
from gdlib.sweep import Sweep, chunks, start

__all__ = ["iterate", "run"]

HANDED_BACK = (
    "What was recorded until then is in this error's .run (in a notebook: sys.last_value.run), and "
    "gd.run(…, resume=….run) goes on from there."
)


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
        first, theta = 0, start(opt, theta0)
        state = opt.init(theta)
    else:
        first, theta, state = int(resume.t[-1]), resume.last.copy(order="K"), deepcopy(resume.state)
    yield first, theta, state
    runs = theta
    for t, grad in enumerate(oracle, start=first + 1):
        theta, state = opt.update(t, theta, grad, state)
        check_runs(theta, runs)
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
    checkpoint: str | Path | None = None,
    every_steps: int = 100,
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
    checkpoint : a folder of this run alone. The run is saved there every `every_steps` steps and at the end; called
        again with the same arguments, it goes on from the newest whole file, with the bits of an undisturbed run. The
        record then begins at that step. Make an oracle anew for each call; its draws are taken to where they were,
        which gd.minibatches and gd.distributed can, and gd.noisy and gd.delayed cannot: they are refused
    every_steps : after how many steps a run with `checkpoint` is saved

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
    theta = start(opt, theta0) if resume is None else resume.theta[-1]
    check_memory(theta, kept=2 + steps // every, work=working_numbers(f, theta) if oracle is None or stop else 0)
    try_objective(f, theta, is_known(f))
    keeper = None
    if checkpoint is not None:
        if resume is not None:
            raise ValueError("checkpoint and resume must not both be given: the folder says where the run goes on")
        keeper = Keeper(checkpoint, every_steps, f, opt, theta, steps, oracle, stop)
        resume = keeper.begin()
        if keeper.is_done(resume):
            return resume
        steps, oracle = keeper.steps_left(resume), keeper.oracle
    try:
        with np.errstate(all="ignore"):  # a run that diverges is a lesson: the record tells it, not a warning
            if oracle is stop is resume is keeper is None and (parts := chunks(f, opt, theta)):
                return _in_chunks(f, opt, theta, parts, steps, every, progress)
            return _descend(f, opt, theta, steps, every, progress, oracle, stop, resume, keeper=keeper)
    except BaseException as error:
        if getattr(error, "run", None) is not None and HANDED_BACK not in getattr(error, "__notes__", []):
            error.add_note(HANDED_BACK)
        raise


def _check(f, opt, theta0, steps, oracle, every, stop, resume):
    if not isinstance(opt, Optimizer):
        if callable(opt):
            name = getattr(opt, "__name__", "the rule")
            raise TypeError(f"the rule came as the function {name} itself: call it first, as in gd.{name}(lr=0.1)")
        raise TypeError(f"the rule must be an optimizer such as gd.gradient_descent(lr=0.1); got {opt!r}")
    if not (callable(f) and callable(getattr(f, "grad", None))):
        raise TypeError(
            f"the objective must have a value f(theta) and a gradient f.grad(theta); got {f!r}; "
            f"make one with gd.Objective(name, value, grad)"
        )
    check_whole(steps, "steps", 0)
    check_whole(every, "every", 1)
    if oracle is not None and not isinstance(oracle, Iterator):
        raise TypeError(
            f"oracle must be an iterator of gradients such as gd.minibatches(model, 32, rng); got {oracle!r}"
        )
    if stop is not None and not callable(stop):
        raise TypeError(f"stop must be a function of (t, theta, loss, gradient); got {stop!r}")
    if resume is not None:
        _check_resume(opt, theta0, resume)
    last = steps if resume is None else steps + int(resume.t[-1])
    for name, value in opt.values().items():
        if callable(value) and steps:  # the commonest slip is a schedule that runs out before the run does
            as_schedule(value, name)(last)


def _check_resume(opt, theta0, resume):
    if not isinstance(resume, Run):
        raise TypeError(f"resume takes the record of an earlier gd.run; got {resume!r}")
    if theta0 is not None:
        raise ValueError("with resume the start is where the earlier run ended: give None for theta0")
    if resume.opt.name != opt.name:
        raise ValueError(f"the earlier run was made by {resume.opt.name}, and {opt.name} can't go on from its state")
    if resume.stopped_at.max() >= 0 and (resume.stopped_at != resume.t[-1]).any():
        raise ValueError("the runs of this sweep were stopped at different steps: resume them one by one")


def _in_chunks(f, opt, theta, parts, steps, every, progress):
    """A large sweep a chunk of its runs at a time, each through all steps."""
    sweep = Sweep(f, opt, theta, kept=2 + steps // every)
    try:
        for part in _with_bar(parts, len(parts), progress, unit="chunk"):
            points = sweep.points[:, part]
            sweep.done.append(_descend(f, sweep.rule(part), sweep.start(part), steps, every, False, points=points))
    except BaseException as error:  # some runs are done, and the others not begun
        error.run = sweep.run()
        raise
    return sweep.run()


def _descend(f, opt, theta0, steps, every, progress, oracle=None, stop=None, resume=None, points=None,
             keeper=None):
    """One run, or all runs of a sweep side by side."""
    grads = repeat(f.grad, steps) if oracle is None else islice(oracle, steps)
    record = Record(f, opt, theta0, steps, every, resume, points)
    value = None if stop is None else _value_of_runs(f, theta0)
    try:
        for t, last, state in _with_bar(iterate(opt, theta0, grads, resume=resume), steps + 1, progress):
            theta = record.add(t, last, state)
            held = stop is not None and record.stop(stop(t, theta.copy(), value(theta), f.grad(theta)))
            if keeper is not None:
                keeper.after(record)
            if held:
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
    value = for_several(f, "value", f, theta[(0,) * (theta.ndim - 1)])
    return f if value is f else lambda theta: value(theta.reshape(-1, theta.shape[-1])).reshape(theta.shape[:-1])


def _with_bar(walk, total, progress, unit="step"):
    if not progress:
        return walk
    from gdlib.progress import bar

    return bar(walk, total, unit)
