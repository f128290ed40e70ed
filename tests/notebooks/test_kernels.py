"""Lessons on another kind of processor than this one, as far as one can be had here: what they print is the same.

OpenBLAS is told to compute as on another processor, and NumPy to leave out what that one lacks. The last bits then
differ, and no digit of a lesson may. `make test-matrix` does this for all lessons and more processors.
"""

import os
import platform
import subprocess
import sys

import pytest
from threadpoolctl import threadpool_info

from tools.notebooks import FOLDER, ROOT, pinned

# What each of these processors lacks of what NumPy would use.
NO_AVX2 = "X86_V3 X86_V4 AVX512_ICL AVX512_SPR"
LACKS = {"Nehalem": NO_AVX2, "Prescott": NO_AVX2, "ARMV8": ""}


def another() -> dict[str, str]:
    """The environment of a processor that is not this machine's own, and that every machine of its kind can be."""
    own = {library["architecture"] for library in threadpool_info() if library.get("internal_api") == "openblas"}
    known = ["Nehalem", "Prescott"] if platform.machine() in ("x86_64", "AMD64") else ["ARMV8"]
    name = next(name for name in known if name not in own)
    return {"OPENBLAS_CORETYPE": name, "NPY_DISABLE_CPU_FEATURES": LACKS[name]}


@pytest.mark.skipif(not pinned(), reason="NO KERNEL TEST: the stored text belongs to the pinned versions")
@pytest.mark.parametrize("path", [FOLDER / "06_adam.ipynb", FOLDER / "08_distributed.ipynb"], ids=lambda p: p.stem)
def test_another_processor_prints_the_same(path):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", str(path)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | another(), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-5000:]
