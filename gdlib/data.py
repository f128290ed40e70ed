"""Bundled data, small and checked byte for byte when loaded, and streams: tables on disk, read a block at a time.

`data/README.md` names the sources.
"""
import errno
import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from gdlib.checks import check_whole

__all__ = ["Stream", "columns", "how_to_restore", "load", "open_stream", "recorded", "split", "write_stream"]

PACKAGE = Path(__file__).resolve().parent
INSTALLED = PACKAGE / "_data"  # in a wheel: pyproject.toml puts data/ there; in a checkout it is beside the package
FOLDER = INSTALLED if INSTALLED.is_dir() else PACKAGE.parent / "data"

# name -> the file's SHA-256; data/write.py wrote these, tests/references/record.py the one below
FILES = {
    "digits": "7a93e51f73dadeb4429b4fc0718b334d12864332b906bdf44f9da7599a7e0e01",
    "diabetes": "9193026b7622ff944f0a6855a10107b24caf50dad69787c46e6890e69c27faca",
    "parabola": "6beeb4f9584429a73cc91c80747e4d7724d357bdef3738a585f5ed76420048c2",
}
TRAJECTORIES = "9216f8098554dba84353023590161f71e588c56e85426f4e113c5bc3c7af7c71"


def load(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Load X (n, p) and y (n,) of a bundled data set.

    - "digits": 1,797 images of 8 × 8 pixels, grey values 0 … 1; y is the digit, 0 … 9 (integers).
    - "diabetes": 442 patients, ten measurements in raw units; y is the disease's progression a year later.
    - "parabola": five points (x, x²), x = 1 … 5.

    Parameters
    ----------
    name : str
        Name of the data set: "digits", "diabetes" or "parabola".

    Raises
    ------
    ValueError
        The name is unknown, or the file is not the one that was published.
    FileNotFoundError
        The file is missing.

    Examples
    --------
    >>> X, y = load("digits")
    >>> X.shape, y.shape
    ((1797, 64), (1797,))
    """
    if name not in FILES:
        raise ValueError(f"name must be one of {', '.join(FILES)}; got {name!r}")
    table = np.loadtxt(_verified(f"{name}.csv", FILES[name]), delimiter=",", skiprows=1)
    X, y = table[:, :-1], table[:, -1]
    return (X / 16, y.astype(int)) if name == "digits" else (X, y)


def columns(name: str) -> list[str]:
    """Names of the columns of X, in their order.

    Parameters
    ----------
    name : str
        Name of the data set, as for `load`.

    Raises
    ------
    ValueError, FileNotFoundError
        As for `load`.

    Examples
    --------
    >>> columns("parabola")
    ['x']
    """
    if name not in FILES:
        raise ValueError(f"name must be one of {', '.join(FILES)}; got {name!r}")
    return _verified(f"{name}.csv", FILES[name])[0].split(",")[:-1]


def recorded() -> dict:
    """Load the paths that PyTorch, optax and Keras took on the same gradients, step by step, in 64 bits.

    - "gradients": (120, 3), one per step at any θ; "start": (3,); "rate": the learning rate 0.05. Where a path's name
      says that the rate drops, it is a tenth of this from step "drop_at" + 1 on.
    - "paths": {"torch: Adam": (121, 3), …}, the points of 31 settings; a name lists what differs from the defaults.
    - "matrix_gradients", "matrix_start", "matrix": the same for Muon, whose parameters form a matrix of this shape.
    - "versions": those of the libraries.

    Raises
    ------
    ValueError, FileNotFoundError
        As for `load`.

    Examples
    --------
    >>> recorded()["paths"]["torch: Adam"].shape
    (121, 3)
    """
    record = json.loads("\n".join(_verified("trajectories.json", TRAJECTORIES)))
    arrays = {k: np.array(record[k]) for k in ("start", "gradients", "matrix_start", "matrix_gradients")}
    return record | arrays | {"paths": {name: np.array(path) for name, path in record["paths"].items()}}


def split(
    y: Sequence | np.ndarray, seed: int = 0, stratify: bool | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Split the rows at random into 60 % for training, 20 % for validation and 20 % for test.

    Parameters
    ----------
    y : array (n,)
        Targets: labels or numbers.
    seed : int
        Seed of the shuffling; the same seed gives the same split.
    stratify : bool, optional
        True gives each part its share of every label in y; False does not. By default, y is stratified where it holds
        integers, words or True and False, and each of them occurs at least 20 times.

    Returns
    -------
    training : array of int
        Row numbers, shuffled.
    validation : array of int
        Row numbers, shuffled.
    test : array of int
        Row numbers, shuffled.

    Raises
    ------
    ValueError
        y is not a list of at least 5 targets, or stratify is True and a label has fewer than 5 rows.

    Examples
    --------
    >>> [len(rows) for rows in split(np.linspace(0, 1, 10))]
    [6, 2, 2]
    """
    y = np.asarray(y)
    if y.ndim != 1 or len(y) < 5:
        raise ValueError(f"y must be a list of at least 5 targets; got shape {y.shape}")
    if stratify not in (None, True, False):
        raise ValueError(f"stratify must be True, False or None; got {stratify!r}. Omit it for the default.")
    labels, label_of, rows = np.unique(y, return_inverse=True, return_counts=True)
    if stratify and rows.min() < 5:
        raise ValueError(
            f"y must have at least 5 rows of each label to be stratified; got {rows.min()} of "
            f"label {labels[rows.argmin()]}. Join rare labels, or give stratify=False."
        )
    if stratify is None:
        stratify = y.dtype.kind in "iubUS" and rows.min() >= 20
    order = np.random.default_rng(seed).permutation(len(y))
    groups = [order[label_of[order] == k] for k in range(len(labels))] if stratify else [order]
    place = np.empty(len(y))
    for group in groups:
        place[group] = (np.arange(len(group)) + 0.5) / len(group)
    return tuple(order[part[order]] for part in (place < 0.6, (place >= 0.6) & (place < 0.8), place >= 0.8))


def write_stream(path: str | Path, blocks: Iterable[tuple[np.ndarray, np.ndarray]]) -> int:
    """Write blocks of rows one below the other into a file.

    The file is an ordinary .npy table with y in its last column. It gets its name only when it is whole.

    Parameters
    ----------
    path : str or Path
        File to write.
    blocks : iterable of (array (m, p), array (m,))
        Blocks X and y; empty ones are skipped.

    Returns
    -------
    int
        Size of the file in bytes.

    Raises
    ------
    ValueError
        The blocks differ in width, or hold no rows.
    OSError
        The disk has no room for the next block; the unfinished file is removed.
    """
    path = Path(path)
    part, rows = path.with_name(path.name + ".part"), 0
    try:
        with part.open("wb") as file:
            for table in _tables(blocks):
                _append(file, table, header=not rows)
                rows += len(table)
            if not rows:
                raise ValueError("blocks must hold at least one row; got none")
            file.seek(0)
            _write_header(file, rows, table.shape[1])  # as long as the first: the format leaves room for the number
        part.replace(path)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise OSError(
                errno.ENOSPC,
                f"the disk is full after {rows:,} rows of {path.name}, and the unfinished file was removed. "
                f"Free some space, or write fewer rows.",
            ) from None
        raise
    finally:
        part.unlink(missing_ok=True)
    return path.stat().st_size


def open_stream(path: str | Path) -> "Stream":
    """Open a table that `write_stream` wrote, to read it a block at a time.

    Parameters
    ----------
    path : str or Path
        File to read.

    Raises
    ------
    ValueError
        The file is not such a table, or was cut short or altered.
    FileNotFoundError
        The file is missing.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     size = write_stream(f"{folder}/rows.npy", [(np.ones((3, 2)), np.zeros(3))])
    ...     stream = open_stream(f"{folder}/rows.npy")
    ...     stream.n, stream.p, stream.read(1, rows=1)
    (3, 2, array([[1., 1., 0.]]))
    """
    return Stream(path)


class Stream:
    """Rows on disk, of which only one block at a time is in memory.

    Parameters
    ----------
    path : str or Path
        File that `write_stream` wrote.

    Attributes
    ----------
    n, p : int
        Number of rows and of columns of X.
    nbytes : int
        Size of the rows in bytes.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        other = f"{self.path.name} must be a table of write_stream; got another file. Write it again."
        with self.path.open("rb") as file:
            try:
                npy.read_magic(file)
                shape, by_columns, dtype = npy.read_array_header_1_0(file)
            except ValueError:
                raise ValueError(other) from None
            self.start = file.tell()
        if by_columns or dtype != np.float64 or len(shape) != 2 or shape[1] < 2:
            raise ValueError(other)
        self.n, self.p = shape[0], shape[1] - 1
        self.nbytes = 8 * shape[0] * shape[1]
        self._check_size()

    def minibatches(self, batch_size: int, rng: np.random.Generator, block: int = 8192) -> Iterator[tuple]:
        """Draw batches without end; each epoch has every row once.

        Each epoch takes the blocks in a new random order, and the rows of a block in a random order too. This is nearly
        as good as shuffling all rows, and the disk is read in long stretches.

        Parameters
        ----------
        batch_size : int
            Number of rows B in a batch, from 1 to n; the last batch of a block may be smaller.
        rng : Generator
            Source of the random order.
        block : int
            Number of rows in a block, at least `batch_size`.

        Yields
        ------
        X : array (B, p)
            Inputs.
        y : array (B,)
            Targets.

        Raises
        ------
        ValueError
            `batch_size` or `block` is out of range, or the file was cut short or altered.
        """
        check_whole(batch_size, "batch_size", 1, self.n)
        check_whole(block, "block", batch_size)
        starts = np.arange(0, self.n, block)
        while True:
            for first in rng.permutation(starts):
                rows = rng.permutation(self.read(int(first), block))
                for i in range(0, len(rows), batch_size):
                    yield rows[i : i + batch_size, :-1], rows[i : i + batch_size, -1]

    def read(self, first: int, rows: int) -> np.ndarray:
        """Read some rows into memory.

        Parameters
        ----------
        first : int
            Number of the first row.
        rows : int
            Number of rows to read; fewer at the end of the file.

        Returns
        -------
        array (rows, p + 1)
            The columns of X, then y.

        Raises
        ------
        ValueError
            The file was cut short or altered.
        """
        self._check_size()  # a file that shrinks while it is mapped would end the process
        shape = (min(rows, self.n - first), self.p + 1)
        window = np.memmap(self.path, float, "r", offset=self.start + 8 * first * shape[1], shape=shape)
        return np.array(window)  # the window closes with this line, so its pages do not pile up

    def _check_size(self):
        size, whole = self.path.stat().st_size, self.start + self.nbytes
        if size != whole:
            raise ValueError(
                f"{self.path.name} must have {whole:,} bytes; got {size:,}, as it was cut short or altered. "
                f"Write it again."
            )


def _tables(blocks):
    """Join X and y of each block that holds rows in one table; all tables have one width."""
    width = None
    for X, y in blocks:
        table = np.ascontiguousarray(np.column_stack([X, y]), float)
        if not len(table):
            continue
        width = width or table.shape[1]
        if table.shape[1] != width:
            raise ValueError(f"all blocks must have {width - 1} columns; got {table.shape[1] - 1} in one")
        yield table


def _append(file, table, header):
    _check_room(Path(file.name), table.nbytes)
    if header:
        _write_header(file, 0, table.shape[1])
    file.write(table.data)


def _write_header(file, rows, width):
    npy.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (rows, width)})


def _check_room(path, nbytes):
    """Check for room before a block is written: a full disk may leave a file that looks whole."""
    if shutil.disk_usage(path.parent).free < nbytes + 2**20:
        raise OSError(errno.ENOSPC, "no space left")


def how_to_restore(name: str) -> str:
    """Say in words how to restore a file of the data folder.

    Parameters
    ----------
    name : str
        File name, such as "digits.csv".
    """
    if FOLDER == INSTALLED:
        return "`pip install --force-reinstall --no-deps` of gdlib, from where it was installed, brings it back"
    return f"`git checkout -- data/{name}` in the course's folder brings it back"


def _verified(name, checksum):
    """Lines of a bundled file; its checksum must be right."""
    path = FOLDER / name
    remedy = how_to_restore(name)
    if not path.exists():
        raise FileNotFoundError(f"data/{name} is missing; it must be in {FOLDER}: {remedy}")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != checksum:
        raise ValueError(f"data/{name} is not the file that was published (it was cut short or altered): {remedy}")
    return content.decode().splitlines()
