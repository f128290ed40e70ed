"""The course's data: small, real, bundled, checked byte for byte when loaded. `data/README.md` tells the sources."""
import hashlib
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parent.parent / "data"

# name -> the file's SHA-256; data/write.py wrote the files
FILES = {
    "digits": "7a93e51f73dadeb4429b4fc0718b334d12864332b906bdf44f9da7599a7e0e01",
    "diabetes": "9193026b7622ff944f0a6855a10107b24caf50dad69787c46e6890e69c27faca",
    "parabola": "6beeb4f9584429a73cc91c80747e4d7724d357bdef3738a585f5ed76420048c2",
}


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
    table = np.loadtxt(_verified(name), delimiter=",", skiprows=1)
    X, y = table[:, :-1], table[:, -1]
    return (X / 16, y.astype(int)) if name == "digits" else (X, y)


def columns(name):
    """The names of the columns of X, in order."""
    if name not in FILES:
        raise ValueError(f"there is no data set {name!r}; there are {', '.join(FILES)}")
    return _verified(name)[0].split(",")[:-1]


def split(y, seed=0):
    """Row numbers for training, validation and test (60, 20 and 20 %), shuffled, the same for the same seed.

    Where y holds labels (integers) each part gets its share of every label.
    """
    y = np.asarray(y)
    if y.ndim != 1 or len(y) < 5:
        raise ValueError(f"y must be a list of at least 5 targets, and came with shape {y.shape}")
    order = np.random.default_rng(seed).permutation(len(y))
    place = np.empty(len(y))
    groups = [order[y[order] == label] for label in np.unique(y)] if y.dtype.kind in "iu" else [order]
    for group in groups:
        place[group] = (np.arange(len(group)) + 0.5) / len(group)
    return tuple(order[part[order]] for part in (place < 0.6, (place >= 0.6) & (place < 0.8), place >= 0.8))


def _verified(name):
    """The lines of a bundled file, once its checksum is right."""
    path = FOLDER / f"{name}.csv"
    remedy = f"`git checkout -- data/{path.name}` in the course's folder brings it back"
    if not path.exists():
        raise FileNotFoundError(f"data/{path.name} is missing beside the package, in the course's folder: {remedy}")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != FILES[name]:
        raise ValueError(f"data/{path.name} is not the file that was published (it was cut short or altered): {remedy}")
    return content.decode().splitlines()
