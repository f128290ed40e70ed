"""The learning rate as a function of the step t = 1, 2, 3, …"""
import math
from collections.abc import Callable

import numpy as np

from gdlib.checks import check_number, check_whole

__all__ = ["constant", "step_decay", "exponential", "inverse_time", "polynomial", "cosine", "warmup"]

Schedule = Callable[[int], float]  # t = 1, 2, … -> η
Rate = float | np.ndarray | Schedule  # a number, gd.per_run(values), or a schedule


def constant(lr: float | np.ndarray) -> Schedule:
    """Constant learning rate:  η(t) = lr.

    Parameters
    ----------
    lr : float or per_run
        Learning rate, at every step.

    Examples
    --------
    >>> constant(0.1)(100)
    0.1
    """
    return lambda t: lr


def as_schedule(lr: Rate, name: str = "lr", below: float = np.inf) -> Schedule:
    """Make a constant schedule of a number, and check a schedule t -> η each time it is asked.

    Parameters
    ----------
    lr : float, schedule or per_run
        Value of a hyper-parameter.
    name : str
        Name of the hyper-parameter, for the errors.
    below : float
        Bound that all values must stay below.
    """
    if not callable(lr):
        return constant(lr)
    return lr if hasattr(lr, "checked") else checked(lr, name, below)


def checked(schedule: Schedule, name: str, below: float = np.inf) -> Schedule:
    """Guard a schedule: it gives numbers from 0 to below a bound, or an error says at which step it does not.

    Parameters
    ----------
    schedule : callable
        Function t -> η.
    name : str
        Name of the hyper-parameter, for the errors.
    below : float
        Bound that all values must stay below.
    """

    def at(t):
        try:
            value = schedule(t)
        except Exception as error:
            raise ValueError(
                f"the schedule for {name} must take a step t and return a number; got {type(error).__name__}: {error} "
                f"at t = {t}. Try schedule({t}) alone."
            ) from None
        if not (isinstance(value, float) and 0 <= value < below or _all_within(value, below)):
            check_number(value, f"{name}({t}), what the schedule gives for step {t},", least=0, below=below)
        return value

    at.checked = True
    return at


def _all_within(value, below):
    """Whether these are values per run within the bounds. It is asked at each step, so it must be quick."""
    per_run = isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.ndim > 1 and value.shape[-1] == 1
    return per_run and value.min() >= 0 and value.max() < below


def step_decay(lr: float, factor: float, every: int) -> Schedule:
    """Step decay, a staircase:  η(t) = lr · factor^⌊s/every⌋,  s = t − 1.

    Parameters
    ----------
    lr : float
        First learning rate, above 0.
    factor : float
        Factor from one stair to the next, 0 < factor <= 1.
    every : int
        Number of steps on each stair, at least 1.

    Raises
    ------
    ValueError
        An argument is not a number or lies outside its bounds.

    Examples
    --------
    >>> eta = step_decay(1.0, factor=0.5, every=10)
    >>> eta(1), eta(10), eta(11), eta(21)
    (1.0, 1.0, 0.5, 0.25)
    """
    check_number(lr, "lr", above=0)
    _check_share(factor, "factor")
    check_whole(every, "every", 1)
    return lambda t: lr * factor ** ((t - 1) // every)


def exponential(lr: float, rate: float) -> Schedule:
    """Exponential decay:  η(t) = lr · rateˢ,  s = t − 1.

    Parameters
    ----------
    lr : float
        First learning rate, above 0.
    rate : float
        Factor from one step to the next, 0 < rate <= 1.

    Raises
    ------
    ValueError
        An argument is not a number or lies outside its bounds.

    Examples
    --------
    >>> eta = exponential(1.0, rate=0.5)
    >>> eta(1), eta(2), eta(3)
    (1.0, 0.5, 0.25)
    """
    check_number(lr, "lr", above=0)
    _check_share(rate, "rate")
    return lambda t: lr * rate ** (t - 1)


def inverse_time(lr: float, decay: float) -> Schedule:
    """Inverse-time decay:  η(t) = lr / (1 + decay · s),  s = t − 1.

    It falls slowly enough to reach any minimum, and fast enough to average the noise away.

    Parameters
    ----------
    lr : float
        First learning rate, above 0.
    decay : float
        Growth of the denominator at each step, at least 0.

    Raises
    ------
    ValueError
        An argument is not a number or lies outside its bounds.

    References
    ----------
    Robbins and Monro (1951), A stochastic approximation method.

    Examples
    --------
    >>> eta = inverse_time(1.0, decay=0.5)
    >>> eta(1), eta(3), eta(7)
    (1.0, 0.5, 0.25)
    """
    check_number(lr, "lr", above=0)
    check_number(decay, "decay", least=0)
    return lambda t: lr / (1 + decay * (t - 1))


def polynomial(lr: float, steps: int, power: float = 1, lr_min: float = 0) -> Schedule:
    """Polynomial decay:  η(t) = lr_min + (lr − lr_min)(1 − s/steps)^power,  s = t − 1.

    From s = steps on, η(t) = lr_min.

    Parameters
    ----------
    lr : float
        First learning rate, above 0.
    steps : int
        Number of steps until lr_min is reached, at least 1.
    power : float
        Exponent, above 0; 1 gives a straight line.
    lr_min : float
        Last learning rate, 0 <= lr_min <= lr.

    Raises
    ------
    ValueError
        An argument is not a number or lies outside its bounds.

    Examples
    --------
    >>> eta = polynomial(1.0, steps=4)
    >>> eta(1), eta(2), eta(5), eta(100)
    (1.0, 0.75, 0.0, 0.0)
    """
    _check_fall(lr, steps, lr_min)
    check_number(power, "power", above=0)
    return lambda t: lr_min + (lr - lr_min) * (1 - min(t - 1, steps) / steps) ** power


def cosine(lr: float, steps: int, lr_min: float = 0) -> Schedule:
    """Cosine decay:  η(t) = lr_min + (lr − lr_min)(1 + cos(π s/steps))/2,  s = t − 1.

    From s = steps on, η(t) = lr_min. This is one cycle of the source's schedule.

    Parameters
    ----------
    lr : float
        First learning rate, above 0.
    steps : int
        Number of steps until lr_min is reached, at least 1.
    lr_min : float
        Last learning rate, 0 <= lr_min <= lr.

    Raises
    ------
    ValueError
        An argument is not a number or lies outside its bounds.

    References
    ----------
    Loshchilov and Hutter (2017), SGDR: stochastic gradient descent with warm restarts.

    Examples
    --------
    >>> eta = cosine(1.0, steps=100)
    >>> eta(1), round(eta(51), 3), eta(101)
    (1.0, 0.5, 0.0)
    """
    _check_fall(lr, steps, lr_min)
    return lambda t: lr_min + (lr - lr_min) * (1 + math.cos(math.pi * min(t - 1, steps) / steps)) / 2


def warmup(schedule: Rate, steps: int) -> Schedule:
    """Linear warm-up of a schedule:  η(t) = schedule(t) · min(1, t/steps).

    Parameters
    ----------
    schedule : float, schedule or per_run
        Learning rate after the warm-up.
    steps : int
        Number of steps until the full learning rate is reached, at least 1.

    Raises
    ------
    ValueError
        An argument is not a number or lies outside its bounds.

    References
    ----------
    Goyal et al. (2017), Accurate, large minibatch SGD: training ImageNet in 1 hour.

    Examples
    --------
    >>> eta = warmup(1.0, steps=4)
    >>> eta(1), eta(2), eta(4), eta(5)
    (0.25, 0.5, 1.0, 1.0)
    """
    if callable(schedule):
        checked(schedule, "schedule")(1)
    else:
        check_number(schedule, "schedule", above=0)
    check_whole(steps, "steps", 1)
    eta = schedule if callable(schedule) else constant(schedule)
    return lambda t: eta(t) * min(1, t / steps)


def _check_share(value, name):
    check_number(value, name, above=0, most=1)


def _check_fall(lr, steps, lr_min):
    check_number(lr, "lr", above=0)
    check_whole(steps, "steps", 1)
    check_number(lr_min, "lr_min", least=0)
    if np.any(np.asarray(lr_min) > lr):
        raise ValueError(f"lr_min must be at most lr = {lr}; got {lr_min}")
