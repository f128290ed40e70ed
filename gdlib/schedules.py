"""The learning rate as a function of the step t = 1, 2, 3, …"""
import math
from collections.abc import Callable

import numpy as np

from gdlib.checks import check_number, check_whole

__all__ = ["constant", "step_decay", "exponential", "inverse_time", "polynomial", "cosine", "warmup"]

Schedule = Callable[[int], float]  # t = 1, 2, … -> η
Rate = float | np.ndarray | Schedule  # a number, gd.per_run(values), or a schedule


def constant(lr: float | np.ndarray) -> Schedule:
    """η(t) = lr, at every step."""
    return lambda t: lr


def as_schedule(lr: Rate, name: str = "lr", below: float = np.inf) -> Schedule:
    """A number or a `per_run` array becomes a constant schedule; a schedule t -> η is checked each time it is asked."""
    if not callable(lr):
        return constant(lr)
    return lr if hasattr(lr, "checked") else checked(lr, name, below)


def checked(schedule, name, below=np.inf):
    """The schedule, giving numbers of at least 0 and below `below`, or saying at which step it does not."""

    def at(t):
        try:
            value = schedule(t)
        except Exception as error:
            raise ValueError(
                f"the schedule for {name} stopped with {type(error).__name__}: {error} at t = {t}; it must take the "
                f"step t and return a number"
            ) from None
        if not (isinstance(value, float) and 0 <= value < below or _all_within(value, below)):
            check_number(value, f"{name}({t}), what the schedule gives for step {t},", least=0, below=below)
        return value

    at.checked = True
    return at


def _all_within(value, below):
    """Whether these are plainly values per run that will do: at each step, so it must be quick."""
    per_run = isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.ndim > 1 and value.shape[-1] == 1
    return per_run and value.min() >= 0 and value.max() < below


def step_decay(lr: float, factor: float, every: int) -> Schedule:
    """η(t) = lr · factor^⌊s/every⌋,  s = t − 1: a stair, each step of it `every` steps long.

    lr > 0; 0 < factor <= 1; every: a whole number of at least 1.
    """
    check_number(lr, "lr", above=0)
    _check_share(factor, "factor")
    check_whole(every, "every", 1)
    return lambda t: lr * factor ** ((t - 1) // every)


def exponential(lr: float, rate: float) -> Schedule:
    """η(t) = lr · rateˢ,  s = t − 1.  lr > 0; 0 < rate <= 1."""
    check_number(lr, "lr", above=0)
    _check_share(rate, "rate")
    return lambda t: lr * rate ** (t - 1)


def inverse_time(lr: float, decay: float) -> Schedule:
    """η(t) = lr / (1 + decay · s),  s = t − 1: slow enough to get anywhere, quick enough to quench noise.

    lr > 0; decay >= 0. Robbins and Monro (1951), A stochastic approximation method.
    """
    check_number(lr, "lr", above=0)
    check_number(decay, "decay", least=0)
    return lambda t: lr / (1 + decay * (t - 1))


def polynomial(lr: float, steps: int, power: float = 1, lr_min: float = 0) -> Schedule:
    """η(t) = lr_min + (lr − lr_min)(1 − s/steps)^power,  s = t − 1;  lr_min from s = steps on.

    lr > 0; 0 <= lr_min <= lr; steps: a whole number of at least 1; power > 0 (1 is a straight line).
    """
    _check_fall(lr, steps, lr_min)
    check_number(power, "power", above=0)
    return lambda t: lr_min + (lr - lr_min) * (1 - min(t - 1, steps) / steps) ** power


def cosine(lr: float, steps: int, lr_min: float = 0) -> Schedule:
    """η(t) = lr_min + (lr − lr_min)(1 + cos(π s/steps))/2,  s = t − 1;  lr_min from s = steps on.

    lr > 0; 0 <= lr_min <= lr; steps: a whole number of at least 1.
    Loshchilov and Hutter (2017), SGDR: stochastic gradient descent with warm restarts (one cycle of it).
    """
    _check_fall(lr, steps, lr_min)
    return lambda t: lr_min + (lr - lr_min) * (1 + math.cos(math.pi * min(t - 1, steps) / steps)) / 2


def warmup(schedule: Rate, steps: int) -> Schedule:
    """η(t) = schedule(t) · min(1, t/steps): the first `steps` steps rise in a line to what the schedule says.

    schedule: a rate or a schedule; steps: a whole number of at least 1.
    Goyal et al. (2017), Accurate, large minibatch SGD: training ImageNet in 1 hour.
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
        raise ValueError(f"lr_min must be at most lr; got {lr_min} with lr = {lr}")
