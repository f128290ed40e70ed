"""What travels between the driver and its workers, always laid out in memory in the same way.

An array that is read out of a message may begin at an odd address. NumPy then leaves BLAS for loops of its own, which
round differently and are many times slower. A view may have gaps between its numbers, and its copy has none: again
another loop. So whatever arrives, in a process or in the simulation, is unpacked into memory of its own.
"""
import pickle
from typing import NamedTuple

import cloudpickle
import numpy as np

ATOMS = {bool, int, float, complex, str, bytes, type(None)}  # nobody can change these in place, nor NumPy's numbers


class Parcel(NamedTuple):
    """A packed value on its way."""

    content: np.ndarray


def pack(value, name: str = "the value") -> np.ndarray:
    """Any value as one array of bytes; functions and classes of a notebook are packed with the data that they use.

    Parameters
    ----------
    value : object
        What is to be sent.
    name : str
        What the error calls it, such as "make_worker" or "argument 1 of 'gradient'".

    Raises
    ------
    TypeError
        It cannot be sent to another process.
    """
    try:
        return np.frombuffer(cloudpickle.dumps(value, protocol=5), np.uint8)
    except Exception as error:  # what an object's own __reduce__ raises may be anything
        kind = getattr(value, "__qualname__", type(value).__qualname__)
        raise TypeError(
            f"{name} must be something that can be sent to another process; got {kind}: {error}. Make locks, open "
            f"files and connections inside make_worker."
        ) from None


def unpack(parcel: np.ndarray):
    """The value that was packed. Its arrays are aligned, in C order, or in Fortran order if they were packed so."""
    return pickle.loads(parcel)


def own(value):
    """The same value in memory of its own: its arrays are aligned and in C order, and nobody else can change them."""
    kind = type(value)
    if kind in ATOMS:
        return value
    if kind is np.ndarray and not value.dtype.hasobject:
        return np.array(value, order="C")
    if kind in (tuple, list):
        return kind([own(part) for part in value])
    if kind is dict:
        return {own(key): own(part) for key, part in value.items()}
    return value if isinstance(value, np.generic) else unpack(pack(value))


def sendable(value, name: str):
    """The value itself where it is made of plain arrays and atoms, which travel without a copy; else a Parcel of it."""
    return value if is_plain(value) else Parcel(pack(value, name))


def received(value):
    """What `sendable` gave, in memory of its own."""
    return unpack(value.content) if type(value) is Parcel else own(value)


def is_plain(value) -> bool:
    """Whether the value is made of arrays of numbers and of atoms alone."""
    kind = type(value)
    if kind in ATOMS:
        return True
    if kind is np.ndarray:
        return not value.dtype.hasobject
    if kind in (tuple, list):
        return all(map(is_plain, value))
    if kind is dict:
        return all(is_plain(key) and is_plain(part) for key, part in value.items())
    return isinstance(value, np.generic)
