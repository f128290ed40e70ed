"""Checks of arguments: each error says what was expected, what it got and how to mend it."""
import inspect
import numbers
from collections.abc import Callable

import numpy as np

CONTAINER = "/sys/fs/cgroup"


def check_number(
    value: float | np.ndarray,
    name: str,
    above: float = -np.inf,
    least: float = -np.inf,
    below: float = np.inf,
    most: float = np.inf,
) -> None:
    """Refuse a value that is not a finite number within bounds, or a `per_run` array of such numbers.

    Parameters
    ----------
    value : float or per_run
        Value to check.
    name : str
        Name of the value, for the error.
    above, least, below, most : float
        Bounds: above < value < below and least <= value <= most.

    Raises
    ------
    ValueError
        The value is not such a number.
    """
    array = np.asarray(value) if not isinstance(value, str) else None
    if array is None or isinstance(value, bool) or array.dtype.kind not in "iuf":
        raise ValueError(f"{name} must be a number; got {value!r}")
    if array.ndim and not isinstance(value, np.ndarray):
        raise ValueError(
            f"{name} must be a number; got a {type(value).__name__}. For one value per run write gd.per_run({name})."
        )
    if array.ndim and (array.ndim == 1 or array.shape[-1] != 1):
        raise ValueError(
            f"{name} must be a number; got an array of shape {array.shape}, which would mean one value per coordinate. "
            f"For one value per run write gd.per_run({name})."
        )
    bad = ~((array > above) & (array >= least) & (array < below) & (array <= most) & np.isfinite(array))
    if bad.any():
        bounds = {"above": above, "of at least": least, "below": below, "of at most": most}
        wanted = " and ".join(f"{word} {bound:g}" for word, bound in bounds.items() if np.isfinite(bound))
        got = f"{array[bad].flat[0]:g}" + (" for one of its runs" if array.ndim else "")
        raise ValueError(f"{name} must be a finite number {wanted}".rstrip() + f"; got {got}")


def is_whole(value: object) -> bool:
    """Whether this is a whole number; True and False are not, though Python counts with them.

    Parameters
    ----------
    value : object
        Anything.
    """
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def check_whole(value: int, name: str, least: int, most: float = np.inf) -> None:
    """Refuse a value that is not a whole number within bounds.

    Parameters
    ----------
    value : int
        Value to check.
    name : str
        Name of the value, for the error.
    least, most : int
        Bounds: least <= value <= most.

    Raises
    ------
    ValueError
        The value is not such a number.
    """
    if not is_whole(value) or not least <= value <= most:
        wanted = f"of at least {least}" if most == np.inf else f"from {least} to {most}"
        raise ValueError(f"{name} must be a whole number {wanted}; got {value!r}")


def try_objective(f: Callable, theta: np.ndarray, known: bool = False) -> None:
    """Try f once before a run, so that a mistake in a learner's function is explained before the first step.

    Parameters
    ----------
    f : Objective or model
        Function with a gradient.
    theta : array (..., d)
        Start of the runs.
    known : bool
        True for the library's own functions, which need no trial of several points.

    Raises
    ------
    ValueError
        f stops, changes theta in place, or gives something of another shape.
    """
    name = getattr(f, "name", "f")
    if not known:
        point = theta[(0,) * (theta.ndim - 1)]  # one run's start
        error = fails_on_several(f, "gradient", point)
        fails_on_several(f, "value", point)
        if error is not None and theta.ndim > 1:
            raise ValueError(
                f"the gradient of {name} must be computed for each run of a sweep, theta of shape {theta.shape}; got "
                f"{type(error).__name__}: {error}. {REMEDY}"
            )
    _answer(f.grad, theta, f"the gradient of {name}", theta.shape, _one_row(f, f.grad))


REMEDY = "Index the last axis, as in theta[..., 0], and sum with axis=-1."


def fails_on_several(f: Callable, what: str, point: np.ndarray) -> Exception | None:
    """Try f's value or gradient on several points at once, (k, d), as the record asks for them.

    Parameters
    ----------
    f : Objective or model
        Function with a gradient.
    what : str
        What is tried: "value" or "gradient".
    point : array (d,)
        One point.

    Returns
    -------
    None or Exception
        None if each point gets the same as alone; else the error of a function that takes only one point at a time.

    Raises
    ------
    ValueError
        The function fails on one point too, or several points get something else than each alone.
    """
    value = getattr(f, "value", None)
    function, shape = (f.grad, point.shape) if what == "gradient" else (value if callable(value) else f, ())
    name, some = f"the {what} of {getattr(f, 'name', 'f')}", _one_row(f, function)
    k = 2 if len(point) == 3 else 3  # never d, so that no axis can be taken for the other
    shift = 0.1 * np.arange(k)[:, None]
    points = point * (1 + shift) + shift
    first = _answer(function, point, name, shape, some)
    asked = points.copy()
    try:
        with np.errstate(all="ignore"):
            several, last = np.asarray(function(asked, **some), float), function(points[-1].copy(), **some)
    except IndexError as error:  # theta[4] of three points: the points were taken for coordinates
        raise ValueError(_per_point(name, k, shape, f"{type(error).__name__}: {error}")) from None
    except Exception as error:
        return error
    _check_unchanged(asked, points, name)
    if several.shape != (k, *shape):
        raise ValueError(_per_point(name, k, shape, f"shape {several.shape}"))
    if _alike(several[0], first) and _alike(several[-1], last):
        return None
    if not _alike(_answer(function, point, name, shape, some), first):  # it draws random numbers: not to be compared
        return None
    raise ValueError(_per_point(name, k, shape, "other numbers than for each point alone"))


def _per_point(name, k, shape, got):
    return f"{name} must be computed for each point: {k} points must give shape {(k, *shape)}; got {got}. {REMEDY}"


def _answer(function, theta, name, shape, some):
    """Call the function on a copy of theta, and return its answer as an array, once it is checked."""
    copy = theta.copy()
    try:
        with np.errstate(all="ignore"):
            answer = function(copy, **some)
    except Exception as error:
        raise ValueError(f"{name} must be computable at theta0; got {type(error).__name__}: {error}") from None
    _check_unchanged(copy, theta, name)
    if answer is None:
        raise ValueError(f"{name} must be a number or an array; got None. Does the function return its result?")
    try:
        numbers = np.asarray(answer, float)
    except (TypeError, ValueError):
        wanted = "one number for one point" if shape == () else f"numbers of theta's shape {shape}"
        raise ValueError(f"{name} must be {wanted}; got {answer!r}") from None
    if numbers.shape != shape:
        if shape == ():
            raise ValueError(f"{name} must be one number for one point; got shape {numbers.shape}. {REMEDY}")
        raise ValueError(f"{name} must have theta's shape {shape}; got shape {numbers.shape}")
    return numbers


def _check_unchanged(copy, theta, name):
    if not np.array_equal(copy, theta, equal_nan=True):
        raise ValueError(f"{name} must leave theta as it is; got a change in place. Write a = a - b for a -= b.")


def _alike(a, b):
    """Equal but for rounding."""
    scale = np.max(np.abs(b), initial=0, where=np.isfinite(b))
    return np.allclose(a, b, rtol=1e-4, atol=1e-6 * scale, equal_nan=True)


def _one_row(f, function):
    """Arguments to ask a model over one row of its data."""
    return {"rows": slice(0, 1)} if hasattr(f, "n") and "rows" in inspect.signature(function).parameters else {}


def check_runs(theta: np.ndarray, theta0: np.ndarray) -> None:
    """Refuse a step that makes new runs, as values per run do that theta0 did not account for.

    Parameters
    ----------
    theta : array
        Point after the step.
    theta0 : array (..., d)
        Start.

    Raises
    ------
    ValueError
        The shapes differ.
    """
    shape = np.shape(theta)
    if shape != theta0.shape:
        raise ValueError(
            f"theta must keep its shape {theta0.shape}; got {shape} after a step. For values per run in an oracle, or "
            f"in a rule that resumes, give theta0 one start per run."
        )


def free_memory() -> float:
    """Bytes of free memory: the machine's, or the container's if that is less, as on Binder.

    Infinity where psutil is not installed.
    """
    try:
        import psutil
    except ImportError:
        return np.inf
    free = psutil.virtual_memory().available
    try:
        with open(f"{CONTAINER}/memory.max") as limit, open(f"{CONTAINER}/memory.current") as used:
            return min(free, int(limit.read()) - int(used.read()))
    except (OSError, ValueError):  # no container, or one without a limit ("max")
        return free


def check_memory(theta: np.ndarray, kept: int, work: int) -> None:
    """Refuse a run that would not fit into the free memory.

    Parameters
    ----------
    theta : array (..., d)
        Start.
    kept : int
        Number of points that are kept.
    work : int
        Number of values held at one time for a gradient.

    Raises
    ------
    MemoryError
        There is too little memory.
    """
    record = 8 * kept * theta.size
    work = 8 * work
    if record + work < 2**28:  # a quarter of a GiB is always there
        return
    free = free_memory()
    if record + work > 0.9 * free:
        raise MemoryError(
            f"the run must fit into the {free / 2**30:.1f} GiB of free memory; got {(record + work) / 2**30:.1f} GiB "
            f"({record / 2**30:.1f} for the record of {kept} points, {work / 2**30:.1f} for a gradient of all runs). "
            f"Keep fewer points with every=…, or take fewer runs at a time."
        )
