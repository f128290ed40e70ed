"""What is refused, in one sentence: what came, what was expected, how to mend it."""
import inspect
import numbers

import numpy as np

CONTAINER = "/sys/fs/cgroup"


def check_number(value, name, above=-np.inf, least=-np.inf, below=np.inf, most=np.inf):
    """`value` must be a finite real number, or a `per_run` array of such, within the bounds."""
    array = np.asarray(value) if not isinstance(value, str) else None
    if array is None or isinstance(value, bool) or array.dtype.kind not in "iuf":
        raise ValueError(f"{name} must be a number; got {value!r}")
    if array.ndim and not isinstance(value, np.ndarray):
        raise ValueError(f"{name} came as a {type(value).__name__}; for one value per run write gd.per_run({name})")
    if array.ndim and (array.ndim == 1 or array.shape[-1] != 1):
        raise ValueError(
            f"{name} came as an array of shape {array.shape}, which would mean one value per coordinate; "
            f"for one value per run write gd.per_run({name})"
        )
    bad = ~((array > above) & (array >= least) & (array < below) & (array <= most) & np.isfinite(array))
    if bad.any():
        bounds = {"above": above, "of at least": least, "below": below, "of at most": most}
        wanted = " and ".join(f"{word} {bound:g}" for word, bound in bounds.items() if np.isfinite(bound))
        came = f"{array[bad].flat[0]:g}" + (" for one of its runs" if array.ndim else "")
        raise ValueError(f"{name} must be a finite number {wanted}".rstrip() + f"; got {came}")


def is_whole(value):
    """Whether this is a whole number; True and False are none, though Python counts with them."""
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def check_whole(value, name, least, most=np.inf):
    """`value` must be a whole number from `least` to `most`."""
    if not is_whole(value) or not least <= value <= most:
        wanted = f"of at least {least}" if most == np.inf else f"from {least} to {most}"
        raise ValueError(f"{name} must be a whole number {wanted}; got {value!r}")


def try_objective(f, theta, known=False):
    """Ask f once for all that a run will ask of it: a slip in a learner's function is explained before the first step.

    `known` is True for the library's own functions, which need no trial of several points.
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


def fails_on_several(f, what, point):
    """Try f's "value" or "gradient" on several points at once, (k, d), as the record asks for them.

    None if each gets what it gets alone; the error of a function that takes one point at a time, and fails on more.

    Raises
    ------
    ValueError : it fails on one point as well, or gives several of them something else
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
    """What function(theta) gives, an array of numbers, once it was checked; theta itself is not handed out."""
    copy = theta.copy()
    try:
        with np.errstate(all="ignore"):
            answer = function(copy, **some)
    except Exception as error:
        raise ValueError(f"{name} stopped at theta0 with {type(error).__name__}: {error}") from None
    _check_unchanged(copy, theta, name)
    if answer is None:
        raise ValueError(f"{name} gave None: did it forget to return?")
    try:
        numbers = np.asarray(answer, float)
    except (TypeError, ValueError):
        wanted = "one number for one point" if shape == () else f"numbers of theta's shape {shape}"
        raise ValueError(f"{name} must give {wanted}, and gave {answer!r}") from None
    if numbers.shape != shape:
        if shape == ():
            raise ValueError(f"{name} must be one number for one point; got shape {numbers.shape}. {REMEDY}")
        raise ValueError(f"{name} must have theta's shape {shape}; got shape {numbers.shape}")
    return numbers


def _check_unchanged(copy, theta, name):
    if not np.array_equal(copy, theta, equal_nan=True):
        raise ValueError(f"{name} changed theta in place: work on a copy, or write a = a - b for a -= b")


def _alike(a, b):
    """Equal but for rounding."""
    scale = np.max(np.abs(b), initial=0, where=np.isfinite(b))
    return np.allclose(a, b, rtol=1e-4, atol=1e-6 * scale, equal_nan=True)


def _one_row(f, function):
    """For a model: to be asked over one row of its data."""
    return {"rows": slice(0, 1)} if hasattr(f, "n") and "rows" in inspect.signature(function).parameters else {}


def check_runs(theta, theta0):
    """A step must keep the runs: values per run that theta0 did not know of, as in an oracle's, would make new ones."""
    shape = np.shape(theta)
    if shape != theta0.shape:
        raise ValueError(
            f"theta had shape {theta0.shape}, and a step made it {shape}: for values per run in an oracle, or in a "
            f"rule that resumes, theta0 must hold one start per run"
        )


def free_memory():
    """Bytes that may still be used: what the machine has, or what a container (Binder's, say) is allowed, if less.

    Without psutil, which is not NumPy's, nobody knows: infinity.
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


def check_memory(theta, kept, work):
    """Refuse, with the figures, what would not fit into the memory that is free; `work` is in numbers."""
    record = 8 * kept * theta.size
    work = 8 * work
    if record + work < 2**28:  # a quarter of a GiB is always there
        return
    free = free_memory()
    if record + work > 0.9 * free:
        raise MemoryError(
            f"this needs {(record + work) / 2**30:.1f} GiB ({record / 2**30:.1f} for the record of {kept} points, "
            f"{work / 2**30:.1f} for a gradient of all runs) and {free / 2**30:.1f} GiB are free: "
            f"keep fewer points with every=…, or take fewer runs at a time"
        )
