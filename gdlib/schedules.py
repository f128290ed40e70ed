"""The learning rate as a function of the step t = 1, 2, 3, …"""
import numbers
from collections.abc import Callable

import numpy as np


def constant(lr) -> Callable:
    """η(t) = lr, at every step."""
    return lambda t: lr


def as_schedule(lr) -> Callable:
    """A number or a `per_run` array becomes a constant schedule; a schedule t -> η stays what it is."""
    return lr if callable(lr) else constant(lr)


def check_rate(lr, name="lr"):
    """One clear sentence for a rate that can't be one; a schedule is tried at t = 1."""
    if callable(lr):
        try:
            first = lr(1)
        except Exception as error:
            raise ValueError(
                f"the schedule for {name} stopped with {type(error).__name__}: {error} at t = 1; it must take the step "
                f"t and return the rate"
            ) from None
        check_number(first, f"{name}(1), the schedule's rate at step 1,", least=0)
    else:
        check_number(lr, name, above=0)


def check_number(value, name, above=-np.inf, least=-np.inf, below=np.inf):
    """`value` must be a finite real number, or a `per_run` array, with above < value and least <= value < below."""
    array = np.asarray(value) if not isinstance(value, str) else None
    if array is None or isinstance(value, bool) or array.dtype.kind not in "iuf":
        raise ValueError(f"{name} must be a number, and came as {value!r}")
    if array.ndim and not isinstance(value, np.ndarray):
        raise ValueError(f"{name} came as a {type(value).__name__}; for one value per run write gd.per_run({name})")
    if array.ndim and (array.ndim == 1 or array.shape[-1] != 1):
        raise ValueError(
            f"{name} came as an array of shape {array.shape}, which would mean one value per coordinate; "
            f"for one value per run write gd.per_run({name})"
        )
    bad = ~((array > above) & (array >= least) & (array < below) & np.isfinite(array))
    if bad.any():
        wanted = "a finite number"
        wanted += f" above {above:g}" if above > -np.inf else f" of at least {least:g}" if least > -np.inf else ""
        wanted += f"{' and' if least > -np.inf or above > -np.inf else ''} below {below:g}" if below < np.inf else ""
        which = f"{array[bad].flat[0]:g}" if isinstance(value, numbers.Number) or array.ndim == 0 else \
            f"{array[bad].flat[0]:g} for one of its runs"
        raise ValueError(f"{name} must be {wanted}, and came as {which}")
