"""A run on disk, whole or not at all, to go on with it elsewhere."""
import os
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from gdlib.checks import check_whole
from gdlib.record import Run
from gdlib.rules.rule import Optimizer


def save(folder: str | Path, run: Run, keep: int = 2) -> Path:
    """Write where a run stands into `folder`, as step-00000123.npz, and remove all but the `keep` newest.

    The file is written under another name, brought to the disk, and only then given its own: whatever happens, a file
    of this name is whole, and the one before it is still there.
    """
    if not isinstance(run, Run):
        raise TypeError(f"a checkpoint is made of what gd.run returns, and {run!r} came")
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
    """The newest whole checkpoint in `folder`, for `gd.run(f, opt, None, steps, resume=…)`; None if there is none.

    Parameters
    ----------
    folder : where `save` wrote
    f : the objective or model of the run
    opt : its rule

    Warns
    -----
    UserWarning : a file was cut short or is damaged, and the one before it is tried

    Raises
    ------
    ValueError : the run was made by another rule
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
