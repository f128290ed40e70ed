"""How long things take, measured and reported beside what is wanted: `python -m tests.benchmarks [name…]`.

Nothing here is a test: a slow machine misses a target without anything being wrong.
"""
import os

# One core, set before NumPy is first imported: what is compared is then the code and not the threads.
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ[variable] = "1"
