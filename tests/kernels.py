"""The kernels among which BLAS and NumPy choose by the processor, as environments that choose another."""
import os
import platform
import subprocess
import sys
from functools import cache

import numpy as np

SIMD = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])  # beyond what NumPy was built upon
NEWER = [name for name in SIMD if name.startswith(("X86_V", "AVX", "FMA"))]
AVX512 = [name for name in NEWER if name.startswith(("X86_V4", "AVX512"))]

# name: what the environment says. NumPy's own loops go with those that a processor of that kind would have.
KERNELS = {
    "SkylakeX": {"OPENBLAS_CORETYPE": "SkylakeX"},
    "Haswell": {"OPENBLAS_CORETYPE": "Haswell", "NPY_DISABLE_CPU_FEATURES": " ".join(AVX512)},
    "Zen": {"OPENBLAS_CORETYPE": "Zen", "NPY_DISABLE_CPU_FEATURES": " ".join(AVX512)},
    "Nehalem": {"OPENBLAS_CORETYPE": "Nehalem", "NPY_DISABLE_CPU_FEATURES": " ".join(NEWER)},
}


def cannot(kernel):
    """Why this machine cannot run a kernel; "" where it can, and for None, the machine's own."""
    if kernel is None:
        return ""
    if platform.machine() not in ("x86_64", "AMD64") or not architecture(None):
        return f"NO TEST ON {kernel.upper()}: NumPy does not compute with OpenBLAS on an x86-64 processor here"
    if not (AVX512 if kernel == "SkylakeX" else NEWER):
        return f"NO TEST ON {kernel.upper()}: this processor, or this NumPy, has no AVX-512, or not even AVX2"
    return ""


def of(kernel):
    """The environment of a process that is to compute on a kernel; None: the machine's own."""
    return os.environ | (KERNELS[kernel] if kernel else {})


@cache
def architecture(kernel):
    """The kernel that OpenBLAS says it computes on, asked in a process of its own; "" where it is not there."""
    code = ("import numpy, threadpoolctl; "
            "print(*[pool.get('architecture') for pool in threadpoolctl.threadpool_info()][:1])")
    return subprocess.run([sys.executable, "-W", "error", "-c", code], env=of(kernel), capture_output=True, text=True,
                          check=True).stdout.strip()
