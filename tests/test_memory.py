"""Peak memory of a call in a fresh process."""
import numpy as np
import pytest

import gdlib as gd
from gdlib.lessons.batch_sgd_minibatch import memory


def held(mib, times):
    """So many MiB, one after the other."""
    for _ in range(times):
        block = np.ones(mib * 2**17)
    return [float(block.sum()) / 2**17, gd.__name__]


@pytest.mark.parametrize("times", [1, 5])
def test_the_peak_is_what_is_held_at_once(times):
    (result, name), growth = memory.peak(held, 40, times)
    assert (result, name) == (40, "gdlib")
    assert 40 * 0.95 < growth < 40 * min(times, 2) + 10  # the old block is let go once the new one is there


def test_the_peak_is_that_of_the_call_alone():
    ballast = np.ones(2**24)  # 128 MiB here are none of the fresh process's
    _, growth = memory.peak(held, 1, 1)
    assert growth < 20 and ballast.any()


def failing():
    raise ValueError("no such table")


def test_the_peak_tells_an_error():
    with pytest.raises(RuntimeError, match="failing failed in its own process: ValueError: no such table"):
        memory.peak(failing)
