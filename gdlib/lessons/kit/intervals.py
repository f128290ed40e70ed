"""The statistics of all trials, in one place.

Differences are paired: seed by seed, or start by start. Their mean has a t interval. A share of cases has Wilson's
interval. Splits of one data set overlap, so their interval is made wider, as Nadeau and Bengio say. All are 95 %.
SciPy computes them. It is needed only where a trial is run or judged.
"""
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import NamedTuple

import numpy as np

LEVEL = 0.95
SEEDS = 8  # the fewest differences that a trial may rest on
INSTALL = "a trial needs SciPy for its intervals, and it is missing here. Install it: pip install scipy"


class Outcome(NamedTuple):
    """What one case came to: the effect, and the ends of its 95 % interval."""

    effect: float
    low: float
    high: float


def paired(differences: Sequence[float] | np.ndarray) -> Outcome:
    """The mean of paired differences with its t interval.

    Parameters
    ----------
    differences : (m,)
        One a seed, at least 8.

    Raises
    ------
    ValueError
        Fewer than 8 differences, or one that is not finite.
    ModuleNotFoundError
        SciPy is missing.

    Examples
    --------
    >>> paired([1.0] * 8)
    Outcome(effect=1.0, low=1.0, high=1.0)
    """
    return _around_the_mean(differences, 1 / len(differences) if len(differences) else 0)


def resplit(differences: Sequence[float] | np.ndarray, train: int, test: int) -> Outcome:
    """The mean of differences over random splits of one data set, with an interval that allows for their overlap.

    Parameters
    ----------
    differences : (m,)
        One a split, at least 8.
    train, test : int
        The rows that each split trains and tests on.

    Raises
    ------
    ValueError
        Fewer than 8 differences, or one that is not finite.
    ModuleNotFoundError
        SciPy is missing.

    References
    ----------
    Nadeau and Bengio (2003), Inference for the generalization error: the variance of the mean of m splits is taken as
    (1/m + test/train) times that of one.
    """
    return _around_the_mean(differences, (1 / len(differences) if len(differences) else 0) + test / train)


@cache
def wilson(k: int, n: int) -> tuple[float, float]:
    """The ends of Wilson's interval for a share, k of n. With n = 0 nothing is known: 0 to 1.

    Raises
    ------
    ValueError
        k is not between 0 and n.
    ModuleNotFoundError
        SciPy is missing.

    References
    ----------
    Wilson (1927), Probable inference, the law of succession, and statistical inference.
    """
    if not 0 <= k <= n:
        raise ValueError(f"k must be from 0 to n; got {k} of {n}")
    if n == 0:
        return 0.0, 1.0
    interval = _scipy("stats").binomtest(int(k), int(n)).proportion_ci(LEVEL, method="wilson")
    return float(interval.low), float(interval.high)


def _around_the_mean(differences, share_of_variance):
    d = np.asarray(differences, float)
    if d.ndim != 1 or len(d) < SEEDS or not np.isfinite(d).all():
        raise ValueError(f"differences must be at least {SEEDS} finite numbers, one a seed; got {differences!r}")
    mean, error = float(d.mean()), float(np.sqrt(d.var(ddof=1) * share_of_variance))
    if error == 0:
        return Outcome(mean, mean, mean)
    half = error * float(_scipy("special").stdtrit(len(d) - 1, (1 + LEVEL) / 2))  # a quantile of Student's t
    return Outcome(mean, mean - half, mean + half)


def _scipy(part):
    """A part of SciPy. scipy.stats takes a second to import, so that it is only where shares are judged."""
    try:
        return import_module(f"scipy.{part}")
    except ModuleNotFoundError:
        raise ModuleNotFoundError(INSTALL, name="scipy") from None
