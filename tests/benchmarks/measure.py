"""Measuring: alternating timings, in this process or in fresh ones, and code in a real kernel."""
import subprocess
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import NamedTuple

ROOT = Path(__file__).parents[2]


class Row(NamedTuple):
    """A line of the table; ok is None where nothing is wanted."""

    what: str
    measured: str
    wanted: str = ""
    ok: bool | None = None


def alternate(*functions, repeats):
    """Seconds of each function, taken in turns so that a busy moment of the machine meets all of them alike."""
    times = [[] for _ in functions]
    for function in functions:
        function()  # the first call pays for caches
    for _ in range(repeats):
        for function, seconds in zip(functions, times, strict=True):
            begin = time.perf_counter()
            function()
            seconds.append(time.perf_counter() - begin)
    return times


def apart(*makers, repeats):
    """As `alternate`, each side in a fresh process of its own; -> for each side its seconds, and what it came to.

    A maker prepares, untimed, and returns the function to be timed; it is found by its name in its module.
    """
    with ExitStack() as stack:
        sides = [stack.enter_context(ProcessPoolExecutor(1, get_context("spawn"))) for _ in makers]
        rounds = [
            [side.submit(_once, maker).result() for side, maker in zip(sides, makers, strict=True)]
            for _ in range(repeats + 1)
        ]
    return [([seconds for seconds, _ in side[1:]], side[0][1]) for side in zip(*rounds, strict=True)]


def _once(maker):
    function = _made(maker)
    begin = time.perf_counter()
    result = function()
    return time.perf_counter() - begin, result


@cache
def _made(maker):
    # glibc keeps freed memory for reuse once it has seen a large block freed. A notebook's kernel has, a process that
    # imported PyTorch too; a bare one would fetch every array's pages anew from the system, three times as slow.
    bytearray(2**24)
    return maker()


def spread(seconds, unit="ms"):
    """Median (smallest to largest)."""
    scale, digits = {"s": (1, 2), "ms": (1e3, 1)}[unit]
    low, mid, high = (scale * v for v in (min(seconds), median(seconds), max(seconds)))
    return f"{mid:.{digits}f} {unit} ({low:.{digits}f} to {high:.{digits}f})"


def in_kernel(*cells):
    """Run cells in a fresh kernel; -> what the last one printed."""
    from jupyter_client import run_kernel

    # Not nbclient: it answers every message of an Output widget, and `interact` then stops the kernel now and then.
    with run_kernel(kernel_name="python3", cwd=ROOT, stderr=subprocess.DEVNULL) as client:
        for cell in cells:
            messages = []
            reply = client.execute_interactive(cell, timeout=300, output_hook=messages.append)
            if reply["content"]["status"] != "ok":
                raise RuntimeError("\n".join(reply["content"]["traceback"]))
    printed = [m["content"] for m in messages if m["msg_type"] == "stream"]
    return "".join(content["text"] for content in printed if content["name"] == "stdout")
