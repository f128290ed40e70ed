"""What a rule is, and how one is made."""
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from gdlib.checks import check_number
from gdlib.schedules import as_schedule

__all__ = ["Optimizer"]

Share = float | np.ndarray  # a number, or gd.per_run(values)

# What a hyper-parameter may be: each rule says it of its own.
POSITIVE = {"above": 0}
NOT_NEGATIVE = {"least": 0}
SHARE = {"least": 0, "below": 1}


@dataclass(frozen=True, eq=False, repr=False)
class Optimizer:
    """A rule: its name, its hyper-parameters and two pure functions.

    `gd.gradient_descent(lr)`, `gd.momentum(lr, beta)` and the others make one.

    Parameters
    ----------
    name : str
        Name of the rule.
    hyper : dict
        Hyper-parameters, for the repr and for labels in plots.
    init : callable
        Function theta -> state.
    update : callable
        Function (t, theta, grad, state) -> (theta, state); t counts the steps from 1.

    Attributes
    ----------
    for_runs : callable or None
        The same rule for some runs of a sweep: `for_runs(take)`, where `take` picks their values from a per-run array.
        None for a rule that `rule` did not make, that `dataclasses.replace` changed, or that holds another rule.

    Examples
    --------
    >>> walk_left = Optimizer("walk_left", {}, lambda theta: None, lambda t, theta, grad, state: (theta - 1, state))
    >>> walk_left.update(1, 5.0, None, None)
    (4.0, None)
    """

    name: str
    hyper: dict
    init: Callable
    update: Callable
    for_runs: Callable | None = field(default=None, init=False)

    def values(self) -> dict:
        """All hyper-parameters; those of a rule inside this one are named like `others.lr`."""
        inside = {k: v for k, v in self.hyper.items() if isinstance(v, Optimizer)}
        own = {k: v for k, v in self.hyper.items() if k not in inside}
        return own | {f"{k}.{name}": v for k, opt in inside.items() for name, v in opt.values().items()}

    def __repr__(self):
        shown = (
            f"{k}={'schedule' if callable(v) else 'per_run' if isinstance(v, np.ndarray) and v.ndim else v}"
            for k, v in self.hyper.items()
        )
        return f"{self.name}({', '.join(shown)})"


def rule(
    maker: Callable, init: Callable, update: Callable, *, bounds: dict, schedules: tuple = ("lr",), **hyper
) -> Optimizer:
    """Check the hyper-parameters and make the Optimizer, named after the function that makes it.

    Parameters
    ----------
    maker : callable
        Function that makes the rule; its arguments are the hyper-parameters.
    init, update : callable
        As in `Optimizer`.
    bounds : dict
        POSITIVE, NOT_NEGATIVE, SHARE or bounds such as {"least": 1} for each hyper-parameter; one without bounds may
        be any finite number.
    schedules : tuple of str
        Names of the hyper-parameters that may change from step to step.
    **hyper : float, schedule, per_run or Optimizer
        Hyper-parameters.

    Raises
    ------
    ValueError
        A hyper-parameter is not a number or lies outside its bounds.
    """
    for name, value in hyper.items():
        within = bounds.get(name, {})
        if name in schedules and callable(value):
            hyper[name] = as_schedule(value, name, within.get("below", np.inf))
            hyper[name](1)
        elif not isinstance(value, Optimizer):  # that one was checked when it was made
            check_number(value, name, **within)
    opt, given = Optimizer(maker.__name__, hyper, init, update), hyper.copy()

    def for_runs(take):
        return maker(**{k: take(v) if isinstance(v, np.ndarray) else v for k, v in given.items()})

    if not any(isinstance(value, Optimizer) for value in given.values()):
        object.__setattr__(opt, "for_runs", for_runs)  # not an argument: a copy that was changed must not have it
    return opt
