"""`run`: many steps of a rule, checked before the first one, and recorded."""
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from gdlib.checkpoints import Keeper
from gdlib.checks import check_memory, check_whole, try_objective
from gdlib.loop import first_step, start
from gdlib.models import Model
from gdlib.monitor import Monitor
from gdlib.objectives import Objective
from gdlib.record import Run, is_known, points_kept, recorded, working_numbers
from gdlib.rules.rule import Optimizer
from gdlib.schedules import as_schedule
from gdlib.sweep import swept

__all__ = ["run"]

HANDED_BACK = (
    "The record so far is in this error's .run (in a notebook: sys.last_value.run), and "
    "gd.run(…, resume=….run) goes on from there."
)


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
    checkpoint: str | Path | None = None,
    every_steps: int = 100,
    monitor: Monitor | None = None,
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
    checkpoint : str or Path, optional
        Folder of this run alone. The run is saved there every `every_steps` steps and at the end. Called again with the
        same arguments and a new oracle, it goes on from the newest whole file, with the bits of an undisturbed run; the
        record then begins at that step. `gd.noisy` and `gd.delayed` cannot be taken to where they were: refused.
    every_steps : int
        Distance in steps between the files.
    monitor : Monitor, optional
        Monitor of one run, such as `gd.Monitor()`: it records loss, gradient norms, updates and more on the way.

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
    _check_oracle_stop_and_monitor(oracle, stop, monitor)
    if resume is not None:
        _check_resume(opt, theta0, resume, checkpoint)
    _check_schedules(opt, steps, resume)
    theta = start(opt, theta0) if resume is None else resume.theta[-1]
    check_memory(theta, kept=points_kept(steps, every), work=working_numbers(f, theta) if oracle is None or stop else 0)
    try_objective(f, theta, is_known(f))
    keeper = None
    if checkpoint is not None:
        keeper = Keeper(checkpoint, every_steps, f, opt, theta, steps, oracle, stop)
        resume = keeper.begin()
        if keeper.is_done(resume):
            return resume
        steps, oracle = keeper.steps_left(resume), keeper.oracle
    try:
        with np.errstate(all="ignore"):  # divergence is a lesson: the record shows it, not a warning
            if oracle is stop is resume is keeper is monitor is None:
                return swept(f, opt, theta, steps, every, progress)
            return recorded(f, opt, theta, steps, every, progress, oracle, stop, resume, keeper, monitor=monitor)
    except BaseException as error:
        _note(error)
        raise


def _note(error):
    """Tell where the record so far is, once."""
    if getattr(error, "run", None) is not None and HANDED_BACK not in getattr(error, "__notes__", []):
        error.add_note(HANDED_BACK)


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


def _check_oracle_stop_and_monitor(oracle, stop, monitor):
    if oracle is not None and not isinstance(oracle, Iterator):
        raise TypeError(
            f"oracle must be an iterator of gradients such as gd.minibatches(model, 32, rng); got {oracle!r}"
        )
    if stop is not None and not callable(stop):
        raise TypeError(f"stop must be a function of (t, theta, loss, gradient); got {stop!r}")
    if not isinstance(monitor, Monitor | None):
        raise TypeError(f"monitor must be a Monitor such as gd.Monitor(); got {monitor!r}")


def _check_resume(opt, theta0, resume, checkpoint):
    if checkpoint is not None:
        raise ValueError("resume must be None with checkpoint, whose folder says where to go on; got both")
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
