"""Measuring: alternating timings, and code in a real kernel."""
import subprocess
import time
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
