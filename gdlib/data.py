"""The course's data: small, real, bundled, checked byte for byte when loaded. `data/README.md` tells the sources.

And streams: tables on disk that are larger than memory, read a block at a time.
"""
import errno
import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from gdlib.checks import check_whole

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


def load(name):
    """X (n, p) and y (n,) of one of the bundled data sets.

    - "digits": 1,797 images of 8 × 8 pixels, grey values 0 … 1; y is the digit, 0 … 9 (integers).
    - "diabetes": 442 patients, ten measurements in raw units; y is the disease's progression a year later.
    - "parabola": five points (x, x²), x = 1 … 5.

    Raises
    ------
    ValueError : an unknown name, or a file whose bytes are not the ones that were published
    FileNotFoundError : the file is not there
    """
    if name not in FILES:
        raise ValueError(f"there is no data set {name!r}; there are {', '.join(FILES)}")
    table = np.loadtxt(_verified(f"{name}.csv", FILES[name]), delimiter=",", skiprows=1)
    X, y = table[:, :-1], table[:, -1]
    return (X / 16, y.astype(int)) if name == "digits" else (X, y)


def columns(name):
    """The names of the columns of X, in order."""
    if name not in FILES:
        raise ValueError(f"there is no data set {name!r}; there are {', '.join(FILES)}")
    return _verified(f"{name}.csv", FILES[name])[0].split(",")[:-1]


def recorded() -> dict:
    """What PyTorch, optax and Keras computed from the same recorded gradients, step by step, in 64 bits.

    - "gradients": (120, 3), one a step, whatever θ is; "start": (3,); "rate": 0.05, and a tenth of it from step
      "drop_at" + 1 on where the name of a path says so
    - "paths": {"torch: Adam": (121, 3), …}, the points of 31 settings; what a name leaves open is the library's default
    - "matrix_gradients", "matrix_start", "matrix": the same for Muon, whose parameters form a matrix of that shape
    - "versions": of the libraries

    Raises
    ------
    ValueError, FileNotFoundError : as for `load`
    """
    record = json.loads("\n".join(_verified("trajectories.json", TRAJECTORIES)))
    arrays = {k: np.array(record[k]) for k in ("start", "gradients", "matrix_start", "matrix_gradients")}
    return record | arrays | {"paths": {name: np.array(path) for name, path in record["paths"].items()}}


def split(y, seed=0, stratify=None):
    """Row numbers for training, validation and test (60, 20 and 20 %), shuffled, the same for the same seed.

    Parameters
    ----------
    y : sequence of n targets
        Labels or numbers.
    seed : int
        Of the shuffling.
    stratify : bool, optional
        True takes y for labels, and gives each part its share of every label; False does not. Left out, y are labels
        where they are no real numbers (integers, True and False, words) and each occurs at least 20 times: so few
        rows of a label can't be shared out 60 : 20 : 20, and whole numbers that hardly repeat are targets.

    Raises
    ------
    ValueError
        y is no list of at least 5 targets; stratify=True, and a label has fewer than 5 rows.
    """
    y = np.asarray(y)
    if y.ndim != 1 or len(y) < 5:
        raise ValueError(f"y must be a list of at least 5 targets; got shape {y.shape}")
    if stratify not in (None, True, False):
        raise ValueError(f"stratify must be True, False or None; got {stratify!r}. Leave it out for the usual rule.")
    labels, label_of, rows = np.unique(y, return_inverse=True, return_counts=True)
    if stratify and rows.min() < 5:
        raise ValueError(
            f"stratify must have at least 5 rows of each label; got {rows.min()} of {labels[rows.argmin()]}. Join rare "
            f"labels, or give stratify=False."
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
    """Write blocks of X (m, p) and y (m,) one below the other into a file, and return its size in bytes.

    The file is an ordinary .npy table, y its last column. It takes its name only when it is whole. Empty blocks are
    passed over.

    Raises
    ------
    ValueError : blocks of different widths, or no rows
    OSError : the disk has no room for the next block; what was written is removed
    """
    path = Path(path)
    part, rows = path.with_name(path.name + ".part"), 0
    try:
        with part.open("wb") as file:
            for table in _tables(blocks):
                _append(file, table, header=not rows)
                rows += len(table)
            if not rows:
                raise ValueError("a stream needs at least one block (X, y) of rows, and none came")
            file.seek(0)
            _write_header(file, rows, table.shape[1])  # as long as the first: the format leaves room for the number
        part.replace(path)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise OSError(errno.ENOSPC, f"the disk is full after {rows:,} rows of {path.name}: free some space, or "
                                        "write fewer rows; the unfinished file was removed") from None
        raise
    finally:
        part.unlink(missing_ok=True)
    return path.stat().st_size


def open_stream(path: str | Path) -> "Stream":
    """A table that `write_stream` wrote, to be read a block at a time.

    Raises
    ------
    ValueError : the file is no such table, or is not as long as it says at its beginning
    FileNotFoundError : there is no such file
    """
    return Stream(path)


class Stream:
    """Rows on disk: `n` rows of `p` columns and a target. Only the block at hand is in memory."""

    def __init__(self, path: str | Path):
        self.path = Path(path)
        with self.path.open("rb") as file:
            try:
                npy.read_magic(file)
                shape, by_columns, dtype = npy.read_array_header_1_0(file)
            except ValueError:
                raise ValueError(f"{self.path.name} is no table that write_stream wrote: write it again") from None
            self.start = file.tell()
        if by_columns or dtype != np.float64 or len(shape) != 2 or shape[1] < 2:
            raise ValueError(f"{self.path.name} is no table that write_stream wrote: write it again")
        self.n, self.p = shape[0], shape[1] - 1
        self.nbytes = 8 * shape[0] * shape[1]
        self._check_size()

    def minibatches(self, batch_size: int, rng: np.random.Generator, block: int = 8192) -> Iterator[tuple]:
        """X (B, p), y (B,) without end; each epoch has every row once, the last batch of a block with what is left.

        Blocks of rows that lie together on disk come in a new random order each epoch, and the rows of a block in a
        random order too: nearly as good as shuffling everything, and the disk is read in long stretches.
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
        """Rows from `first` on, at most `rows` of them: an array (rows, p + 1) in memory, y in the last column."""
        self._check_size()  # a file that shrinks while it is mapped would end the process
        shape = (min(rows, self.n - first), self.p + 1)
        window = np.memmap(self.path, float, "r", offset=self.start + 8 * first * shape[1], shape=shape)
        return np.array(window)  # the window closes with this line, so its pages do not pile up

    def _check_size(self):
        size, whole = self.path.stat().st_size, self.start + self.nbytes
        if size != whole:
            raise ValueError(
                f"{self.path.name} should have {whole:,} bytes and has {size:,}: it was cut short or altered; "
                f"write it again"
            )


def _tables(blocks):
    """Each block that holds rows as one table, y its last column; all of one width."""
    width = None
    for X, y in blocks:
        table = np.ascontiguousarray(np.column_stack([X, y]), float)
        if not len(table):
            continue
        width = width or table.shape[1]
        if table.shape[1] != width:
            raise ValueError(f"all blocks must have {width - 1} columns, and one came with {table.shape[1] - 1}")
        yield table


def _append(file, table, header):
    _check_room(Path(file.name), table.nbytes)
    if header:
        _write_header(file, 0, table.shape[1])
    file.write(table.data)


def _write_header(file, rows, width):
    npy.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (rows, width)})


def _check_room(path, nbytes):
    """Before a block is written: writing into a full disk may leave a file that looks whole."""
    if shutil.disk_usage(path.parent).free < nbytes + 2**20:
        raise OSError(errno.ENOSPC, "no space left")


def how_to_restore(name):
    """What brings a file of the data folder back, in words."""
    if FOLDER == INSTALLED:
        return "`pip install --force-reinstall --no-deps` of gdlib, from where it was installed, brings it back"
    return f"`git checkout -- data/{name}` in the course's folder brings it back"


def _verified(name, checksum):
    """The lines of a bundled file, once its checksum is right."""
    path = FOLDER / name
    remedy = how_to_restore(name)
    if not path.exists():
        raise FileNotFoundError(f"data/{name} is missing; it must be in {FOLDER}: {remedy}")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != checksum:
        raise ValueError(f"data/{name} is not the file that was published (it was cut short or altered): {remedy}")
    return content.decode().splitlines()
