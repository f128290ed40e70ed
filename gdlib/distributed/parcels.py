"""What travels between the driver and its workers, always laid out in memory in the same way.

An array that is read out of a message may begin at an odd address. NumPy then leaves BLAS for loops of its own, which
round differently and are many times slower. A view may have gaps between its numbers, and its copy has none: again
another loop. So whatever arrives, in a process or in the simulation, is unpacked into memory of its own.
"""
import pickle

import cloudpickle
import numpy as np

ATOMS = (bool, int, float, complex, str, bytes, type(None), np.generic)  # nobody can change these in place


def pack(value) -> np.ndarray:
    """Any value as one array of bytes; functions and classes of a notebook are packed with the data that they use."""
    try:
        return np.frombuffer(cloudpickle.dumps(value, protocol=5), np.uint8)
    except (TypeError, AttributeError, pickle.PicklingError) as error:
        name = getattr(value, "__qualname__", type(value).__qualname__)
        raise TypeError(
            f"make_worker, arguments and answers must be things that a process can send; got {name}: {error}. Make "
            f"locks, open files and connections inside make_worker."
        ) from None


def unpack(parcel: np.ndarray):
    """The value that was packed. Its arrays are aligned, in C order, or in Fortran order if they were packed so."""
    return pickle.loads(parcel)


def own(value):
    """The same value in memory of its own: its arrays are aligned and in C order, and nobody else can change them."""
    kind = type(value)
    if kind is np.ndarray and not value.dtype.hasobject:
        return np.array(value, order="C")
    if kind in (tuple, list):
        return kind(own(part) for part in value)
    if kind is dict:
        return {own(key): own(part) for key, part in value.items()}
    return value if isinstance(value, ATOMS) else unpack(pack(value))
