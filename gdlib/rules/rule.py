"""What a rule is, and how one is made."""
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from gdlib.checks import check_number
from gdlib.schedules import as_schedule

__all__ = ["Optimizer"]

Share = float | np.ndarray  # a number, or gd.per_run(values)

# What a hyper-parameter may be: a rule says it of each of its own.
POSITIVE = {"above": 0}
NOT_NEGATIVE = {"least": 0}
SHARE = {"least": 0, "below": 1}


@dataclass(frozen=True, eq=False, repr=False)
class Optimizer:
    """A rule, and nothing that changes. Made by `gd.gradient_descent(lr)`, `gd.momentum(lr, beta)`, …

    Attributes
    ----------
    name : str
        What it is called.
    hyper : dict
        Its hyper-parameters, for the repr and for labels in plots.
    init : callable
        theta -> state.
    update : callable
        (t, theta, grad, state) -> (theta, state), for t = 1, 2, …
    for_runs : callable or None
        The same rule for some runs of a sweep: `for_runs(take)`, where `take` picks theirs from a per-run value.
        None for a rule that `rule` did not make, that `dataclasses.replace` has changed, or that holds another rule.
    """

    name: str
    hyper: dict
    init: Callable
    update: Callable
    for_runs: Callable | None = field(default=None, init=False)

    def values(self) -> dict:
        """All hyper-parameters, those of a rule inside this one as `others.lr`."""
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
    """The Optimizer that is named after its maker, its hyper-parameters checked.

    Parameters
    ----------
    maker : callable
        The function that makes the rule, called with its hyper-parameters by name.
    init, update : callable
        As in `Optimizer`.
    bounds : dict
        For each hyper-parameter POSITIVE, NOT_NEGATIVE, SHARE, or bounds such as {"least": 1}; a hyper-parameter
        without bounds may be any finite number.
    schedules : tuple of str
        The hyper-parameters that may change from step to step.
    **hyper
        The hyper-parameters.

    Raises
    ------
    ValueError
        A hyper-parameter is no number or lies outside its bounds.
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
