"""The same bits on every kernel, and again and again under load: minutes long, so it is run by its name alone.

    python -m pytest tests/matrix/every_kernel.py
"""
import subprocess
import sys

import pytest

from tests import kernels
from tests.test_distributed import cluster
from tests.test_same_bits import PLACES, ROOT, assert_one_walk_a_model, found_in

BUSY, ROUNDS = 6, 20


@pytest.fixture
def load():
    """Six processes that never rest."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(BUSY)]
    yield
    for process in busy:
        process.kill()
        process.wait()


@pytest.mark.parametrize("kernel", kernels.KERNELS)
@pytest.mark.parametrize("place", PLACES)
def test_engines_layouts_and_a_kill_change_no_bit(place, kernel, tmp_path, monkeypatch):
    if reason := kernels.cannot(kernel):
        pytest.skip(reason)
    for name, value in {"PYTHONPATH": str(ROOT), **kernels.KERNELS[kernel]}.items():  # for the cluster's workers
        monkeypatch.setenv(name, value)
    with cluster(2) as address:
        assert_one_walk_a_model(found_in(place, kernel, tmp_path, address))


@pytest.mark.parametrize("kernel", kernels.KERNELS)
def test_a_kernel_is_what_was_asked_for(kernel):
    if reason := kernels.cannot(kernel):
        pytest.skip(reason)
    assert kernels.architecture(kernel) in (kernel, {"Zen": "Haswell"}.get(kernel))  # Haswell's kernel may serve Zen


@pytest.mark.parametrize("kernel", [None, "Haswell"])
def test_twenty_times_in_a_row_under_load(kernel, load, tmp_path):
    if reason := kernels.cannot(kernel):
        pytest.skip(reason)
    found = found_in("script", kernel, tmp_path, rounds=ROUNDS)
    assert len(found) == 1 + ROUNDS
    assert_one_walk_a_model(found)
