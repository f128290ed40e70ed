"""Where calls arrive: a worker's object, and how what it answers or raises comes back to the driver."""
import os
import traceback
from collections.abc import Callable

import numpy as np
from threadpoolctl import threadpool_limits

from gdlib.distributed.parcels import is_plain, own, pack, received, sendable, unpack

ANSWER, ERROR, NOBODY = "answer", "error", "nobody"


class Desk:
    """The object of one worker, and `notes`, where a strategy may keep what belongs beside it.

    A call names a method of the worker's object, or is a function of the desk: `function(desk, *args)`.
    """

    def __init__(self, worker=None):
        self.worker, self.notes, self.staffed = worker, {}, worker is not None

    def do(self, method: str | Callable, args: tuple):
        """What the call gives."""
        with np.errstate(all="ignore"):  # a descent that diverges is recorded by the driver
            return method(self, *args) if callable(method) else getattr(self.worker, method)(*args)

    def make(self, parcel, rank: int) -> tuple:
        """Make the worker's object in this process; the reply is the number of the process."""
        threadpool_limits(1, "blas")  # how many threads share a sum decides about its last bit
        bytearray(2**24)  # glibc keeps freed memory for the next step once it has seen a large block freed

        def make():
            self.worker, self.staffed = unpack(parcel)(rank), True
            return os.getpid()

        return _reply(make, "make_worker")

    def answer(self, method: str, args: tuple) -> tuple:
        """The reply to a call; NOBODY in a process that was started again and holds no worker yet."""
        if not self.staffed:
            return NOBODY, None
        name = method if isinstance(method, str) else getattr(received(method), "__name__", "function")
        return _reply(lambda: self.do(received(method), tuple(map(received, args))), f"the answer of {name!r}")


def _reply(action, name):
    """What can be sent, whatever the action gives or raises."""
    try:
        return ANSWER, sendable(action(), name)
    except BaseException as error:  # a worker's sys.exit() must end neither its process nor the driver
        return ERROR, _told(error)


def _told(error):
    """The exception packed, or None where it cannot be; its type; its text; its traceback below this module."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    lines = traceback.format_exception(type(error), error, trace or error.__traceback__)
    try:
        parcel = pack(error)
        unpack(parcel)
    except Exception:
        parcel = None
    return parcel, type(error).__name__, str(error), "".join(lines)


def error_of(told: tuple, ticket) -> Exception:
    """The exception that a worker raised: `.rank` says whose it is, a note has the traceback from the worker."""
    parcel, kind, text, trace = told
    try:
        error = unpack(parcel)
    except Exception:  # it could not be sent, or its class is not known here
        error = None
    return as_error(error, ticket, kind, text, f"Its traceback:\n{trace}")


def as_error(error: BaseException | None, ticket, kind: str = "", text: str = "", more: str = "") -> Exception:
    """The exception of a worker, named; a RuntimeError with its words, where it is not here or would end the driver."""
    if not isinstance(error, Exception):
        kind, text = kind or type(error).__name__, text or str(error)
        error = RuntimeError(f"worker {ticket.rank} raised {kind} in {ticket.name!r}: {text}")
    return named(error, ticket, more)


def named(error: Exception, ticket, more: str = "") -> Exception:
    """The same exception, saying whose it is."""
    error.rank = ticket.rank
    error.add_note(f"Worker {ticket.rank} raised this in {ticket.name!r}. {more}".rstrip())
    return error


def copied(value, name: str):
    """A value as another process would receive it: for the simulation."""
    return own(value) if is_plain(value) else unpack(pack(value, name))
