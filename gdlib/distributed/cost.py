"""What a step costs on paper: α seconds a message, β seconds a byte (Hockney, 1994)."""
import numpy as np

Many = int | np.ndarray


def star_seconds(n: Many, nbytes: float, alpha: float, beta: float) -> float | np.ndarray:
    """All through one door: 2(n − 1)(α + β·nbytes)."""
    return 2 * (np.asarray(n) - 1) * (alpha + beta * nbytes)


def tree_seconds(n: Many, nbytes: float, alpha: float, beta: float) -> float | np.ndarray:
    """In pairs: 2⌈log₂ n⌉(α + β·nbytes)."""
    return 2 * np.ceil(np.log2(n)) * (alpha + beta * nbytes)


def ring_seconds(n: Many, nbytes: float, alpha: float, beta: float) -> float | np.ndarray:
    """Piece by piece: 2(n − 1)(α + β·nbytes/n). For many workers 2β·nbytes, and the messages' α."""
    n = np.asarray(n)
    return 2 * (n - 1) * (alpha + beta * nbytes / n)


def amdahl(n: Many, serial: float) -> float | np.ndarray:
    """The speed-up of n workers on the same work, of which the share `serial` can't be divided: 1/(s + (1 − s)/n).

    Amdahl (1967), Validity of the single processor approach to achieving large scale computing capabilities.
    """
    return 1 / (serial + (1 - serial) / np.asarray(n))


def gustafson(n: Many, serial: float) -> float | np.ndarray:
    """The speed-up where the work grows with the workers: s + (1 − s)n. Gustafson (1988), Reevaluating Amdahl's law."""
    return serial + (1 - serial) * np.asarray(n)
