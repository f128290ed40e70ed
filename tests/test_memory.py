"""Peak memory of a call in a fresh process."""
import os

import numpy as np
import pytest

import gdlib as gd
from gdlib.lessons.batch_sgd_minibatch import memory


def held(mib, times):
    """Hold a block of so many MiB, several times over, one after the other."""
    for _ in range(times):
        block = np.ones(mib * 2**17)
    return [float(block.sum()) / 2**17, gd.__name__]


@pytest.mark.parametrize("times", [1, 5])
def test_the_peak_is_what_is_held_at_once(times):
    (result, name), growth = memory.peak(held, 40, times)
    assert (result, name) == (40, "gdlib")
    assert 40 * 0.95 < growth < 40 * min(times, 2) + 10  # the old block is let go once the new one is there


def test_the_peak_is_that_of_the_call_alone():
    ballast = np.ones(2**24)  # 128 MiB here, which the fresh process must not count
    _, growth = memory.peak(held, 1, 1)
    assert growth < 20 and ballast.any()


def failing():
    raise ValueError("no such table")


def test_the_functions_error_is_raised_here():
    with pytest.raises(ValueError, match="no such table"):
        memory.peak(failing)


def dying():
    os._exit(9)


def test_a_process_that_ends_early_is_told_in_a_sentence():
    with pytest.raises(RuntimeError, match="dying must live until it returns; got an early end, .* less data"):
        memory.peak(dying)


def test_a_function_of_a_notebook_takes_along_what_it_uses():
    """In a cell it has no module that the fresh process could import."""
    cell = {"__name__": "__main__", "np": np}
    exec("ROWS = 3\ndef table(columns):\n    return np.ones((ROWS, columns))", cell)
    result, growth = memory.peak(cell["table"], 2)
    assert np.array_equal(result, np.ones((3, 2))) and growth < 20


WIDE = gd.MLP(np.ones((8192, 4)), np.zeros(8192), (256,), loss="squared")  # values of one layer: 16 MiB for all rows


def one_gradient(rows, micro_steps):
    theta = np.zeros(WIDE.dim)
    next(gd.accumulated(gd.minibatches(WIDE, rows, np.random.default_rng(0)), micro_steps))(theta)


def test_accumulated_parts_need_the_memory_of_one_part():
    _, whole = memory.peak(one_gradient, 8192, 1)
    _, parts = memory.peak(one_gradient, 256, 32)
    assert whole > 30  # the layer's values and their gradient
    assert parts < whole / 5
