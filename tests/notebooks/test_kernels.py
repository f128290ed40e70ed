"""Two lessons as another kind of processor computes them: what they print is the same.

OpenBLAS is told to compute as on another processor, and NumPy to leave out what that one lacks. The last bits then
differ, and no digit of a lesson may. `make test` runs these two here only (conftest.py); `make test-matrix` runs all
lessons on each kernel.
"""

import subprocess
import sys

import pytest

from tests import kernels
from tools.notebooks import FOLDER, ROOT, pinned


def another():
    """A kernel that is not this machine's own; the oldest, which all newer processors can be."""
    return "Haswell" if kernels.architecture(None) == "Nehalem" else "Nehalem"


def skipped():
    """Why the lessons can't be run on another kernel here; "" where they can."""
    return kernels.cannot(another()) if pinned() else "NO KERNEL TEST: the stored text belongs to the pinned versions"


@pytest.mark.parametrize("path", [FOLDER / "06_adam.ipynb", FOLDER / "08_distributed.ipynb"], ids=lambda p: p.stem)
def test_another_processor_prints_the_same(path):
    if reason := skipped():
        pytest.skip(reason)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(path)]
    done = subprocess.run(command, cwd=ROOT, env=kernels.of(another()), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-5000:]
