"""How much memory a function needs: measured in a process of its own."""
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

import cloudpickle
import numpy as np
import psutil

import gdlib as gd


def peak(function: Callable, *args) -> tuple[object, float]:
    """Call a function in a fresh Python process, and measure by how much that process's peak memory grows.

    A process that has worked before has free memory to reuse, so its own growth says nothing. An error that the
    function raises is raised here.

    Parameters
    ----------
    function : callable
        From a cell or a module. A function from a cell takes along what it uses of the other cells.
    *args
        Its arguments; they are in memory before the measurement begins.

    Returns
    -------
    result : object
        What the function returned.
    growth : float
        By how many MiB the peak grew.

    Raises
    ------
    RuntimeError
        The process ended before the function returned, as it does when the machine's memory is used up.
    """
    call = cloudpickle.dumps((function, args))  # unlike pickle it sends a function from a notebook's cell
    with ProcessPoolExecutor(1, get_context("spawn")) as fresh:
        try:
            return fresh.submit(_measure, call).result()
        except BrokenProcessPool:
            raise RuntimeError(
                f"the process of {function.__name__} must live until it returns; got an early end, as when memory runs "
                f"out. Use less data."
            ) from None


def _measure(call):
    """In the fresh process: the result of the call, and the growth of the peak in MiB."""
    function, args = cloudpickle.loads(call)
    gd.data, gd.LeastSquares(np.ones((2, 1)), np.ones(2)).grad(np.zeros(2)), np.random.default_rng()  # load them before
    before = _peak_so_far()
    result = function(*args)
    return result, _peak_so_far() - before


def _peak_so_far():
    """The most memory that this process has held so far, in MiB."""
    if sys.platform == "linux":  # getrusage would count what the parent held when it started this process
        with open("/proc/self/status") as status:
            return int(status.read().split("VmHWM:")[1].split()[0]) / 2**10
    if sys.platform == "win32":
        return psutil.Process().memory_info().peak_wset / 2**20
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # macOS counts bytes
