"""How much memory a function needs: measured in a process of its own."""
import inspect
import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path


def peak(function: Callable, *args) -> tuple[object, float]:
    """Call a function in a fresh Python process: (its result, the MiB by which that process's peak memory grew).

    A process that has worked before has room to reuse, so nothing can be read off its own growth.

    Parameters
    ----------
    function : Python, whose source can be read (in a cell or a file); of what surrounds it, it sees `np` and `gd` only
    args : numbers, texts and lists, and so the result (they travel as JSON)

    Raises
    ------
    RuntimeError : the function raised an error; the last line of it is in the message
    """
    source = textwrap.dedent(inspect.getsource(function))
    program = f"{_FRESH}\n{source}\nmeasure({function.__name__})"
    paths = os.pathsep.join([str(Path(__file__).resolve().parents[3]), *filter(None, sys.path)])
    done = subprocess.run([sys.executable, "-c", program, json.dumps(args)], capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": paths})
    if done.returncode:
        raise RuntimeError(f"{function.__name__} failed in its own process: {done.stderr.strip().splitlines()[-1]}")
    result, growth = json.loads(done.stdout.splitlines()[-1])
    return result, growth


_FRESH = """
import json
import sys

import numpy as np
import psutil

import gdlib as gd


def peak():
    \"\"\"The most memory that this process has held so far, in MiB.\"\"\"
    if sys.platform == "linux":  # getrusage would count what the parent held when it started this process
        with open("/proc/self/status") as status:
            return int(status.read().split("VmHWM:")[1].split()[0]) / 2**10
    if sys.platform == "win32":
        return psutil.Process().memory_info().peak_wset / 2**20
    import resource
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # macOS counts bytes


def measure(function):
    gd.data, gd.LeastSquares(np.ones((2, 1)), np.ones(2)).grad(np.zeros(2)), np.random.default_rng()
    before = peak()
    result = function(*json.loads(sys.argv[1]))
    print(json.dumps([result, peak() - before]))
"""
