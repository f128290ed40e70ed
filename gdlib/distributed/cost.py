"""What a step costs on paper: α seconds a message, β seconds a byte (Hockney, 1994)."""
import numpy as np

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
