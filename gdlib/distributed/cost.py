"""What a step costs on paper: α seconds a message, β seconds a byte (Hockney, 1994).

A worker sends one message and receives one message at a time, as in `all_reduce`, whose counts these formulas are.
"""
import numpy as np

from gdlib.distributed.all_reduce import check_group

Many = int | np.ndarray


def star_seconds(n: Many, nbytes: float, alpha: float, beta: float) -> float | np.ndarray:
    """Seconds of a star, all through one door: 2(n − 1)(α + β·nbytes).

    Parameters
    ----------
    n : int or ndarray
        How many workers.
    nbytes : float
        The bytes of one vector.
    alpha : float
        The seconds that a message takes however short it is, α.
    beta : float
        The seconds that each of its bytes takes, β.
    """
    return 2 * (np.asarray(n) - 1) * (alpha + beta * nbytes)


def tree_seconds(n: Many, nbytes: float, alpha: float, beta: float) -> float | np.ndarray:
    """Seconds of a tree, in pairs: 2⌈log₂ n⌉(α + β·nbytes).

    Parameters
    ----------
    n, nbytes, alpha, beta : float
        As for `star_seconds`.
    """
    return 2 * np.ceil(np.log2(n)) * (alpha + beta * nbytes)


def ring_seconds(n: Many, nbytes: float, alpha: float, beta: float) -> float | np.ndarray:
    """Seconds of a ring, piece by piece: 2(n − 1)(α + β·nbytes/n). For many workers 2β·nbytes, and the messages' α.

    Parameters
    ----------
    n, nbytes, alpha, beta : float
        As for `star_seconds`.
    """
    n = np.asarray(n)
    return 2 * (n - 1) * (alpha + beta * nbytes / n)


def halving_doubling_seconds(n: Many, nbytes: float, alpha: float, beta: float) -> float | np.ndarray:
    """Seconds of halving and doubling: 2⌈log₂ n⌉α + 2(n − 1)/n·β·nbytes. A tree's latency, a ring's bytes.

    Parameters
    ----------
    n, nbytes, alpha, beta : float
        As for `star_seconds`.

    Notes
    -----
    Half of each vector goes over half of all workers at the same time: the network must have room for that.

    References
    ----------
    Thakur, Rabenseifner, Gropp (2005), Optimization of collective communication operations in MPICH.
    """
    n = np.asarray(n)
    return 2 * np.ceil(np.log2(n)) * alpha + 2 * (n - 1) / n * beta * nbytes


def two_level_seconds(
    n: Many,
    nbytes: float,
    alpha: float,
    beta: float,
    group: int,
    inner_alpha: float | None = None,
    inner_beta: float | None = None,
) -> float | np.ndarray:
    """Seconds of two levels: a ring among `group` workers, and halving and doubling of nbytes/group among machines.

    Each worker has its own link to the network among the machines.

    Parameters
    ----------
    n, nbytes, alpha, beta : float
        As for `star_seconds`; α and β are those among the machines.
    group : int
        Number of workers in a machine, a divisor of every n.
    inner_alpha, inner_beta : float, optional
        Latency α and seconds β a byte within a machine; by default those among the machines.

    Raises
    ------
    ValueError
        `group` does not divide n.
    """
    check_group(n, group)
    inner_alpha = alpha if inner_alpha is None else inner_alpha
    inner_beta = beta if inner_beta is None else inner_beta
    within = ring_seconds(group, nbytes, inner_alpha, inner_beta)
    return within + halving_doubling_seconds(np.asarray(n) // group, nbytes / group, alpha, beta)


def best_seconds(
    n: Many,
    nbytes: float,
    alpha: float,
    beta: float,
    group: int = 1,
    inner_alpha: float | None = None,
    inner_beta: float | None = None,
) -> float | np.ndarray:
    """Seconds of the quickest all-reduce: star, tree, ring, halving and doubling, or two levels.

    Parameters
    ----------
    n, nbytes, alpha, beta, group, inner_alpha, inner_beta : float
        As for `two_level_seconds`; by default every machine has one worker.

    Raises
    ------
    ValueError
        `group` does not divide n.

    Notes
    -----
    On links that are all alike it is always halving and doubling: no other has fewer rounds or fewer bytes. A ring can
    still be the better choice for what the model leaves out, as its workers only ever talk to their neighbours.

    Examples
    --------
    >>> network = dict(nbytes=4e9, alpha=1e-5, beta=1 / 25e9)
    >>> float(best_seconds(100_000, **network).round(2)), float(ring_seconds(100_000, **network).round(2))
    (0.32, 2.32)
    """
    flat = [way(n, nbytes, alpha, beta) for way in (star_seconds, tree_seconds, ring_seconds, halving_doubling_seconds)]
    return np.minimum.reduce([*flat, two_level_seconds(n, nbytes, alpha, beta, group, inner_alpha, inner_beta)])


def slowest(n: Many) -> float | np.ndarray:
    """Expected longest of n independent exponential delays of mean 1: the harmonic number 1 + 1/2 + … + 1/n.

    Parameters
    ----------
    n : int or ndarray
        How many workers a step waits for.

    References
    ----------
    Rényi (1953), On the theory of order statistics.

    Examples
    --------
    >>> slowest(np.array([1, 2, 4])).round(3).tolist()
    [1.0, 1.5, 2.083]
    """
    n = np.asarray(n)
    return np.cumsum(1 / np.arange(1, n.max() + 1))[n - 1]


def uptime(n: Many, mtbf: float, restart_seconds: float) -> float | np.ndarray:
    """Share of the time that n workers spend on steps, where each failure stops them all: 1/(1 + n·restart/MTBF).

    Parameters
    ----------
    n : int or ndarray
        How many workers.
    mtbf : float
        Mean time between two failures of one worker, in seconds.
    restart_seconds : float
        How long all wait at each failure, in seconds.

    Examples
    --------
    >>> float(uptime(10_000, mtbf=1e6, restart_seconds=25).round(2))
    0.8
    """
    return 1 / (1 + np.asarray(n) * restart_seconds / mtbf)


def amdahl(n: Many, serial: float) -> float | np.ndarray:
    """The speed-up of n workers on the same work, of which the share s cannot be divided: 1/(s + (1 − s)/n).

    Parameters
    ----------
    n : int or ndarray
        How many workers.
    serial : float
        The share s, from 0 to 1.

    References
    ----------
    Amdahl (1967), Validity of the single processor approach to achieving large scale computing capabilities.

    Examples
    --------
    >>> float(amdahl(10, serial=0.5).round(2))
    1.82
    """
    return 1 / (serial + (1 - serial) / np.asarray(n))


def gustafson(n: Many, serial: float) -> float | np.ndarray:
    """The speed-up where the work grows with the workers: s + (1 − s)n.

    Parameters
    ----------
    n, serial : float
        As for `amdahl`.

    References
    ----------
    Gustafson (1988), Reevaluating Amdahl's law.
    """
    return serial + (1 - serial) * np.asarray(n)
