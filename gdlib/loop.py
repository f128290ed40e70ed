"""The one loop: gradient descent, whatever the rule."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import deepcopy
from typing import TYPE_CHECKING

import numpy as np

from gdlib.checks import check_runs
from gdlib.rules.rule import Optimizer

if TYPE_CHECKING:
    from gdlib.record import Run

__all__ = ["iterate"]


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


def start(opt: Optimizer, theta0: Sequence | np.ndarray) -> np.ndarray:
    """Copy the start into an array (..., d) with the axes of runs that the rule's per-run values ask for."""
    theta = as_array(theta0)
    if theta.ndim == 0 or theta.size == 0:
        raise ValueError(f"theta0 must be d numbers such as [1.0, 2.0]; got {theta0!r}")
    if not np.isfinite(theta).all():
        raise ValueError(f"theta0 must be finite; got {theta0!r}")
    values = opt.values()
    shapes = [np.shape(value(1) if callable(value) else value) for value in values.values()]
    try:
        shape = np.broadcast_shapes(theta.shape, *shapes)
    except ValueError:
        given = ", ".join(f"{k} for runs of shape {s[:-1]}" for k, s in zip(values, shapes, strict=True) if s)
        raise ValueError(
            f"theta0 and per_run values must have one shape of runs, or shapes that broadcast; got theta0 of shape "
            f"{theta.shape}, whose last axis holds the coordinates, and {given}"
        ) from None
    return coordinates_first(np.broadcast_to(theta, shape))


def first_step(resume):
    """Step at which a run begins: 0, or the last step of the run that it resumes."""
    return 0 if resume is None else int(resume.t[-1])


def as_array(values):
    """Copy values into an array; an empty one where they are not numbers."""
    try:
        return np.array(values, float)
    except (TypeError, ValueError):
        return np.empty(0)


def coordinates_first(theta):
    """Copy theta so that each coordinate of all runs is contiguous in memory, which makes arithmetic on it quick."""
    return np.moveaxis(np.moveaxis(theta, -1, 0).copy(), 0, -1)
