"""Save a run on disk, whole or not at all, and resume it elsewhere."""
import os
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from gdlib.checks import check_whole
from gdlib.record import Run
from gdlib.rules.rule import Optimizer

__all__ = ["load", "save"]


def save(folder: str | Path, run: Run, keep: int = 2) -> Path:
    """Save where a run stands as step-00000123.npz in a folder, and remove the oldest files there.

    The file is written under another name, flushed to the disk, and only then renamed. So a file of this name is whole,
    and until it is there the one before it is kept.

    Parameters
    ----------
    folder : str or Path
        Folder of the run's checkpoints; it is made if it is missing.
    run : Run
        Run to be saved, as `gd.run` returned it.
    keep : int
        Number of newest checkpoints to keep, at least 1.

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    TypeError
        `run` is not a Run.
    ValueError
        `keep` is not a whole number of at least 1.

    Examples
    --------
    >>> import gdlib as gd, tempfile
    >>> f, opt = gd.quadratic([1.0]), gd.momentum(0.1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     print(save(folder, gd.run(f, opt, [1.0], 3)).name)
    ...     print(gd.run(f, opt, None, 2, resume=load(folder, f, opt)).t)
    step-00000003.npz
    [3 4 5]
    """
    if not isinstance(run, Run):
        raise TypeError(f"run must be what gd.run returns; got {run!r}. Save the Run itself.")
    check_whole(keep, "keep", 1)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"step-{run.t[-1]:08d}.npz"
    part = path.with_suffix(".part")
    arrays = {"t": run.t[-1], "theta": run.last, "diverged_at": run.diverged_at, "opt": run.opt.name,
              **_flat("state", run.state)}
    try:
        with part.open("wb") as file:
            np.savez(file, **arrays)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    for old in sorted(folder.glob("step-*.npz"))[:-keep]:
        old.unlink()
    return path


def load(folder: str | Path, f: Callable, opt: Optimizer) -> Run | None:
    """Load the newest whole checkpoint in a folder, for `gd.run(f, opt, None, steps, resume=…)`.

    Parameters
    ----------
    folder : str or Path
        Folder where `save` wrote.
    f : Objective or model
        Objective or model of the run.
    opt : Optimizer
        Rule of the run.

    Returns
    -------
    Run or None
        The run with its last point alone; None if the folder holds no whole checkpoint.

    Raises
    ------
    ValueError
        The run was made by another rule.

    Warns
    -----
    UserWarning
        A file is damaged, and the one before it is tried.
    """
    for path in sorted(Path(folder).glob("step-*.npz"), reverse=True):
        try:
            with path.open("rb") as file, np.load(file) as stored:
                arrays = dict(stored)
        except (zipfile.BadZipFile, ValueError, OSError, EOFError, KeyError) as error:
            warnings.warn(f"{path.name} is damaged ({error}), and the checkpoint before it is used", stacklevel=2)
            continue
        if str(arrays["opt"]) != opt.name:
            raise ValueError(f"{path.name} was made by {arrays['opt']}, and {opt.name} can't go on from its state")
        theta, diverged_at = arrays["theta"], arrays["diverged_at"]
        state = _nested("state", arrays)
        return Run(f, opt, arrays["t"][None], theta[None], diverged_at, np.full_like(diverged_at, -1), theta, state)
    return None


def _flat(name, state):
    """A rule's state, None, an array or a tuple of states, as arrays with names: state, or state.0, state.1, …"""
    if state is None:
        return {}
    if isinstance(state, tuple):
        return {key: array for i, part in enumerate(state) for key, array in _flat(f"{name}.{i}", part).items()}
    return {name: state}


def _nested(name, arrays):
    if name in arrays:
        return arrays[name]
    parts = {key[len(name) + 1 :].split(".")[0] for key in arrays if key.startswith(name + ".")}
    return tuple(_nested(f"{name}.{i}", arrays) for i in range(len(parts))) if parts else None
