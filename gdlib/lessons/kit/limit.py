"""A limit on how long a learner's function may compute."""
from __future__ import annotations

import _thread
import signal
import threading
from contextlib import contextmanager


class TookTooLong(BaseException):
    """The time is up. It is no Exception, so that a learner's `except Exception` lets it pass."""


@contextmanager
def time_limit(seconds):
    """End a block of code that computes for too long.

    The block is interrupted between two of its Python instructions, as by the stop button. The stop button itself
    still raises KeyboardInterrupt. Outside the main thread, which alone can be interrupted, there is no limit.

    Parameters
    ----------
    seconds : float
        How long the block may take.

    Raises
    ------
    TookTooLong
        Once the time is up.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    up = threading.Event()

    def ring():
        up.set()
        _thread.interrupt_main()

    def interrupted(signum, frame):
        raise TookTooLong if up.is_set() else KeyboardInterrupt

    before, timer = signal.signal(signal.SIGINT, interrupted), threading.Timer(seconds, ring)
    timer.daemon = True
    timer.start()
    try:
        try:
            yield
        finally:
            timer.cancel()
            timer.join()  # a bell that rings in this very moment rings here
    finally:
        signal.signal(signal.SIGINT, before or signal.default_int_handler)
