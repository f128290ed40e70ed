"""A run on disk, whole or not at all, to go on with it elsewhere: arrays, and JSON that says where they belong."""
import hashlib
import io
import json
import os
import re
import time
import uuid
import warnings
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from pathlib import Path

import numpy as np

from gdlib.checks import check_whole
from gdlib.record import Run
from gdlib.rules.rule import Optimizer

__all__ = ["load", "save"]

SEAL = b"gdlib checkpoint, sha256:"  # ends a file, before the 32 bytes of the checksum
FORGOTTEN = 3600  # seconds after which the file of a writer that was killed is removed


class Damaged(Exception):
    """A file that is not what was written."""


def save(folder: str | Path, run: Run, keep: int = 2) -> Path:
    """Write where a run stands into `folder`, as step-00000123.npz, and remove older files.

    The file is written under a name of its own, brought to the disk, and only then renamed: a file of this name is
    whole, whatever happens, and however many write at the same time.

    Parameters
    ----------
    folder : str or Path
        It is made where it is missing.
    run : Run
        What `gd.run` returned.
    keep : int
        How many files stay: the newest, and always the one that was just written.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    TypeError
        Not a Run; or its rule's state holds something that is no array, number, string, None, Generator, or tuple,
        list or dict of these.
    """
    if not isinstance(run, Run):
        raise TypeError(f"run must be what gd.run returns; got {run!r}. Save the Run itself.")
    return _save(folder, run, {"identity": {}, "asked": None, "oracle": None}, keep)


def load(folder: str | Path, f: Callable, opt: Optimizer) -> Run | None:
    """The newest whole checkpoint in `folder`, for `gd.run(f, opt, None, steps, resume=…)`; None if there is none.

    Parameters
    ----------
    folder : str or Path
        Where `save` wrote.
    f : Objective or Model
        The objective of the run.
    opt : Optimizer
        Its rule.

    Raises
    ------
    ValueError
        The run was made by another rule, or has another number of parameters than the model.

    Warns
    -----
    UserWarning
        A file was cut short or altered, and the one before it is tried.
    """
    found = _newest(folder)
    return None if found is None else _run_of(*found, f, opt)


def _run_of(path, parts, f, opt):
    if parts["opt"] != opt.name:
        raise ValueError(f"{path.name} was made by {parts['opt']}, and {opt.name} can't go on from its state")
    last, dim = parts["theta"], getattr(f, "dim", None)
    if dim is not None and last.shape[-1] != dim:
        raise ValueError(f"{path.name} must hold the {dim} parameters of {getattr(f, 'name', 'f')}; got "
                         f"{last.shape[-1]}. Load it with the model that it was made with.")
    return Run(f, opt, np.array([parts["t"]]), last[None], parts["diverged_at"], parts["stopped_at"], last,
               parts["state"])


# -- gd.run(…, checkpoint=folder) --------------------------------------------------------------------------------------


class Keeper:
    """Saves a run every so many steps, and finds where an earlier call with the same arguments has come to.

    An oracle is taken to that step in one of two ways. One that has `state()` and `restore(state)`, such as
    `gd.distributed.compressed`, is restored. Of any other the gradients of the steps before are drawn and not computed:
    what it draws from a Generator is then where it was. Whether that is so is checked: the last gradient is computed
    again, and must be the one in the file.

    Parameters
    ----------
    folder : str or Path
        Of this run alone.
    every : int
        After how many steps it is saved; and at the end.
    f, opt, theta, steps, oracle, stop
        As in `gd.run`; `theta` is the start, with its runs' axes.
    """

    def __init__(self, folder, every, f, opt, theta, steps, oracle, stop):
        check_whole(every, "every_steps", 1)
        if stop is not None and theta.ndim > 1:
            raise ValueError("checkpoint must be without stop where there are several runs; got both. Leave out one.")
        self.folder, self.every, self.f, self.opt, self.steps, self.oracle = folder, every, f, opt, steps, oracle
        self.identity, self.source = _identity(f, opt, theta, oracle), oracle
        self.asked = None  # θ and gradient of the last step, as the rule asked for it

    def begin(self) -> Run | None:
        """Where the newest whole file says that this run stands; None for a run that has not begun."""
        found = _newest(self.folder)
        if found is None:
            self.oracle = None if self.oracle is None else self._watch(self.oracle, 1)
            return None
        path, parts = found
        run = _run_of(path, parts, self.f, self.opt)
        self._check_identity(path, parts)
        if self.oracle is not None:
            self._take_oracle_to(int(run.t[-1]), path, parts)
            self.oracle = self._watch(self.oracle, int(run.t[-1]) + 1)
        return run

    def is_done(self, run: Run | None) -> bool:
        """Whether nothing is left to do."""
        return run is not None and (run.t[-1] == self.steps or bool((run.stopped_at >= 0).all()))

    def steps_left(self, run: Run | None) -> int:
        """How many steps are left."""
        done = 0 if run is None else int(run.t[-1])
        if done > self.steps:
            raise ValueError(f"steps must be at least the {done} of the run in {self.folder}; got {self.steps}")
        return self.steps - done

    def after(self, record):
        """After each step: save, where it is time."""
        at_end = record.t == self.steps or bool((record.stopped_at >= 0).all())
        if record.t == record.first or not (record.t % self.every == 0 or at_end):
            return
        run = Run(self.f, self.opt, np.array([record.t]), record.last[None], record.diverged_at, record.stopped_at,
                  record.last, record.state)
        oracle = self.source.state() if hasattr(self.source, "state") else None
        _save(self.folder, run, {"identity": self.identity, "asked": self.asked, "oracle": oracle})

    def _watch(self, oracle, first):
        """The same gradients; of a step after which the run is saved, the first that the rule asks for is kept."""
        for t, grad in enumerate(oracle, start=first):
            yield self._kept(grad) if t % self.every == 0 or t == self.steps else grad

    def _kept(self, grad):
        asked = []

        def kept(theta):
            g = grad(theta)
            if not asked:
                asked.append(True)
                self.asked = np.array(theta), np.array(g)
            return g

        return kept

    def _take_oracle_to(self, step, path, parts):
        if hasattr(self.oracle, "restore"):
            return self.oracle.restore(parts["oracle"])
        drawn = list(islice(self.oracle, step - 1, step))
        if drawn and parts["asked"] is not None:
            theta, gradient = parts["asked"]
            with np.errstate(all="ignore"):
                again = drawn[0](theta.copy())
            if not np.allclose(again, gradient, rtol=1e-6, atol=1e-9, equal_nan=True):
                raise ValueError(
                    f"oracle must give the gradients of the run in {path.name}; got another one for step {step}. Make "
                    f"it anew before each call, from the same data and seeds; gd.noisy and gd.delayed, whose past is "
                    f"not in their draws, cannot go on from a file."
                )

    def _check_identity(self, path, parts):
        for name, value in self.identity.items():
            if (before := parts["identity"].get(name, "unknown")) != value:
                raise ValueError(
                    f"{name} must be that of the run in {path.name}, {before}; got {value}. Give a new run a "
                    f"folder of its own."
                )


def _identity(f, opt, theta, oracle):
    """What tells one run from another: names, hyper-parameters (of a schedule, some of its values), and the start."""
    values = {
        name: [_at(value, t) for t in (1, 2, 10, 100, 1000)] if callable(value) else _listed(value)
        for name, value in opt.values().items()
    }
    start = hashlib.sha256(np.ascontiguousarray(theta).tobytes()).hexdigest()[:12]
    return {
        "the objective": getattr(f, "name", type(f).__name__),
        "the rule": f"{opt.name} with {values}",
        "theta0": f"shape {theta.shape}, sha256 {start}",
        "oracle": "none" if oracle is None else "an oracle",
    }


def _at(schedule, t):
    try:
        return _listed(schedule(t))
    except ValueError:  # it ends before
        return None


def _listed(value):
    return np.asarray(value).tolist()


# -- files -------------------------------------------------------------------------------------------------------------


def _save(folder, run, more, keep=2):
    check_whole(keep, "keep", 1)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"step-{int(run.t[-1]):08d}.npz"
    parts = {"t": int(run.t[-1]), "theta": run.last, "diverged_at": run.diverged_at, "stopped_at": run.stopped_at,
             "opt": run.opt.name, "state": run.state}
    write_sealed(path, _packed(parts | more))
    _tidy(folder, path, keep)
    return path


def write_sealed(path: Path, content: bytes) -> None:
    """Write a file that ends with its checksum: whole, under its name, or not at all."""
    part = path.with_name(f"{path.stem}.{uuid.uuid4().hex}.part")
    try:
        with part.open("wb") as file:
            file.write(content + SEAL + hashlib.sha256(content).digest())
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    with suppress(OSError):  # the name, too; Windows opens no folders
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _files(folder):
    """The checkpoints of a folder, the newest step first."""
    named = [(re.fullmatch(r"step-(\d+)\.npz", path.name), path) for path in Path(folder).glob("step-*.npz")]
    return [path for _, path in sorted(((int(m[1]), path) for m, path in named if m), reverse=True)]


def _tidy(folder, written, keep):
    """Remove all but the newest files, never the one just written; and what killed writers have left."""
    stays = [written, *(path for path in _files(folder) if path != written)][:keep]
    for old in _files(folder):
        if old not in stays:
            old.unlink(missing_ok=True)
    for part in folder.glob("step-*.part"):
        with suppress(OSError):
            if time.time() - part.stat().st_mtime > FORGOTTEN:
                part.unlink()


def _newest(folder):
    """(path, parts) of the newest whole file; None if there is none."""
    for path in _files(folder):
        try:
            return path, _read(path)
        except (Damaged, OSError) as error:
            warnings.warn(f"{path.name} is damaged ({error}), and the checkpoint before it is used", stacklevel=4)
    return None


def _read(path):
    return _unpacked(read_sealed(path))


def read_sealed(path: Path) -> bytes:
    """Read what `write_sealed` wrote, or raise Damaged."""
    content = path.read_bytes()
    end = len(content) - 32 - len(SEAL)
    if end < 0 or content[end : end + len(SEAL)] != SEAL:
        raise Damaged("it has no checksum: it was cut short, or altered")
    if hashlib.sha256(content[:end]).digest() != content[-32:]:
        raise Damaged("its checksum is another")
    return content[:end]


# -- values as arrays and JSON -----------------------------------------------------------------------------------------


def _packed(parts):
    """A file's content: the arrays as NumPy writes them, and how they make up the values."""
    arrays, file = [], io.BytesIO()
    tree = json.dumps(_tree(parts, arrays, "the state"))
    np.savez(file, tree=np.array(tree), **{f"array_{i}": array for i, array in enumerate(arrays)})
    return file.getvalue()


def _unpacked(content):
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        return _value(json.loads(str(stored["tree"])), stored)


def _tree(value, arrays, name):
    """The value as JSON; its arrays go into the list."""
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, np.ndarray | np.generic) and not value.dtype.hasobject:
        order = [int(axis) for axis in np.argsort([-step for step in np.asarray(value).strides], kind="stable")]
        arrays.append(np.transpose(value, order))  # as it lies in memory: a sum's last bit depends on it
        return {"array": len(arrays) - 1, "order": order, "scalar": isinstance(value, np.generic)}
    if isinstance(value, np.random.Generator):
        return {"generator": _tree(value.bit_generator.state, arrays, name)}
    if type(value) in (tuple, list):
        return {type(value).__name__: [_tree(part, arrays, name) for part in value]}
    if type(value) is dict:
        return {"dict": [[_tree(k, arrays, name), _tree(part, arrays, name)] for k, part in value.items()]}
    raise TypeError(
        f"{name} must be made of arrays, numbers, strings, None, Generators, tuples, lists and dicts; got a "
        f"{type(value).__name__}. Keep it as arrays."
    )


def _value(tree, stored):
    if not isinstance(tree, dict):
        return tree
    if "array" in tree:
        array = stored[f"array_{tree['array']}"]
        return array[()] if tree["scalar"] else np.transpose(array, np.argsort(tree["order"]))
    if "generator" in tree:
        state = _value(tree["generator"], stored)
        bit_generator = getattr(np.random, state["bit_generator"])()
        bit_generator.state = state
        return np.random.Generator(bit_generator)
    (kind, parts), *_ = tree.items()
    if kind == "dict":
        return {_value(key, stored): _value(part, stored) for key, part in parts}
    return {"tuple": tuple, "list": list}[kind](_value(part, stored) for part in parts)
