"""What is refused, in one sentence: what came, what was expected, how to mend it."""
import numbers

import numpy as np

CONTAINER = "/sys/fs/cgroup"


def check_number(value, name, above=-np.inf, least=-np.inf, below=np.inf, most=np.inf):
    """`value` must be a finite real number, or a `per_run` array of such, within the bounds."""
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
    bad = ~((array > above) & (array >= least) & (array < below) & (array <= most) & np.isfinite(array))
    if bad.any():
        bounds = {"above": above, "of at least": least, "below": below, "of at most": most}
        wanted = " and ".join(f"{word} {bound:g}" for word, bound in bounds.items() if np.isfinite(bound))
        came = f"{array[bad].flat[0]:g}" + (" for one of its runs" if array.ndim else "")
        raise ValueError(f"{name} must be a finite number {wanted}".rstrip() + f", and came as {came}")


def is_whole(value):
    """Whether this is a whole number; True and False are none, though Python counts with them."""
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def check_whole(value, name, least, most=np.inf):
    """`value` must be a whole number from `least` to `most`."""
    if not is_whole(value) or not least <= value <= most:
        wanted = f"of at least {least}" if most == np.inf else f"from {least} to {most}"
        raise ValueError(f"{name} must be a whole number {wanted}, and came as {value!r}")


def check_rate(lr, name="lr"):
    """One clear sentence for a rate that can't be one; a schedule is tried at t = 1."""
    if callable(lr):
        check_schedule(lr, name, least=0)
    else:
        check_number(lr, name, above=0)


def check_schedule(schedule, name, t=1, **bounds):
    """Try a schedule at step t: it must give a number within the bounds."""
    try:
        value = schedule(t)
    except Exception as error:
        raise ValueError(
            f"the schedule for {name} stopped with {type(error).__name__}: {error} at t = {t}; it must take the "
            f"step t and return a number"
        ) from None
    check_number(value, f"{name}({t}), what the schedule gives for step {t},", **bounds)


def try_gradient(f, theta):
    """Ask for the gradient once, on a copy: a slip in a learner's function is explained before the first step."""
    copy, some = theta.copy(), {"rows": slice(0, 1)} if hasattr(f, "n") else {}  # of a model, over one row of its data
    name = f"the gradient of {getattr(f, 'name', 'f')}"
    try:
        with np.errstate(all="ignore"):
            g = f.grad(copy, **some)
    except Exception as error:
        raise ValueError(f"{name} stopped at theta0 with {type(error).__name__}: {error}") from None
    if not np.array_equal(copy, theta, equal_nan=True):
        raise ValueError(f"{name} changed theta in place: work on a copy, or write a = a - b for a -= b")
    if g is None:
        raise ValueError(f"{name} gave None: did it forget to return?")
    try:
        shape = np.asarray(g, float).shape
    except (TypeError, ValueError):
        raise ValueError(f"{name} must give numbers of theta's shape {theta.shape}, and gave {g!r}") from None
    if shape != theta.shape:
        raise ValueError(f"{name} must have theta's shape {theta.shape}, and came with shape {shape}")


def check_runs(theta, theta0):
    """A step must keep the runs: values per run that theta0 did not know of, as in an oracle's, would make new ones."""
    if theta.shape != theta0.shape:
        raise ValueError(
            f"theta had shape {theta0.shape}, and a step made it {theta.shape}: for values per run in an oracle, or in "
            f"a rule that resumes, theta0 must hold one start per run"
        )


def free_memory():
    """Bytes that may still be used: what the machine has, or what a container (Binder's, say) is allowed, if less."""
    import psutil

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
