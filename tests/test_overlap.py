"""Gradients sent while the backward pass goes on: the timeline, and a real pool's gradient layer by layer."""
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gdlib as gd
from gdlib.distributed import overlap
from tests.layers import Layered, sum_in_parts, sum_whole

LAYERS = st.lists(st.tuples(st.floats(0, 10), st.floats(0, 1e6)), min_size=1, max_size=12)
NETWORK = dict(alpha=st.floats(0, 5), beta=st.floats(0, 1e-5), bucket_bytes=st.sampled_from([0, 1e3, 1e5, 1e6, 1e9]))


@given(layers=LAYERS, **NETWORK)
def test_between_the_larger_part_and_both_in_turn(layers, alpha, beta, bucket_bytes):
    """Never slower than the same buckets sent afterwards, never quicker than computing or sending alone."""
    times, sizes = zip(*layers, strict=True)
    line = overlap(times, sizes, alpha, beta, bucket_bytes)
    after = overlap(times, sizes, alpha, beta, bucket_bytes, wait=True)
    sending = alpha * len(line.sent) + beta * sum(sizes)
    assert after.seconds == pytest.approx(sum(times) + sending)
    assert max(sum(times), sending) <= line.seconds * (1 + 1e-12) + 1e-12
    assert line.seconds <= after.seconds * (1 + 1e-12)


@given(layers=LAYERS, **NETWORK)
def test_a_bucket_is_sent_once_it_is_full_and_the_link_is_free(layers, alpha, beta, bucket_bytes):
    times, sizes = map(np.array, zip(*layers, strict=True))
    line = overlap(times, sizes, alpha, beta, bucket_bytes)
    assert (np.diff(line.bucket) >= 0).all() and line.bucket[0] == 0 and line.bucket[-1] == len(line.sent) - 1
    assert (line.computed[1:, 0] == line.computed[:-1, 1]).all() or np.allclose(line.computed[1:, 0],
                                                                                line.computed[:-1, 1])
    for k, (begin, end) in enumerate(line.sent):
        mine, free = line.bucket == k, line.sent[k - 1, 1] if k else 0.0
        assert begin == max(line.computed[mine, 1].max(), free)
        assert end - begin == pytest.approx(alpha + beta * sizes[mine].sum(), abs=1e-9)
        if k < len(line.sent) - 1:
            assert sizes[mine].sum() >= bucket_bytes > sizes[mine][:-1].sum() or bucket_bytes == 0


def test_the_size_of_a_bucket_has_a_best_value_between_the_ends():
    """48 layers of 1 ms and 1 MB, α = 0.5 ms, 1.25 GB a second: each alone pays latency, all in one cannot overlap."""
    sizes = [0, 2e6, 4e6, 8e6, 16e6, 24e6, math.inf]
    seconds = [overlap([1e-3] * 48, [1e6] * 48, 5e-4, 8e-10, size).seconds for size in sizes]
    best = int(np.argmin(seconds))
    assert 0 < best < len(sizes) - 1
    assert (np.diff(seconds[:best + 1]) < 0).all() and (np.diff(seconds[best:]) > 0).all()
    assert seconds[-1] == overlap([1e-3] * 48, [1e6] * 48, 5e-4, 8e-10, math.inf, wait=True).seconds


def test_small_buckets_can_be_slower_than_one_message_at_the_end():
    """Overlap is no gain by itself: with a long latency the buckets queue."""
    layers = dict(layer_seconds=[1e-3] * 48, layer_bytes=[1e4] * 48, alpha=5e-3, beta=8e-10)
    assert overlap(**layers, bucket_bytes=0).seconds > 4 * overlap(**layers, bucket_bytes=math.inf).seconds


def test_where_computing_takes_longer_only_the_last_bucket_is_sent_afterwards():
    line = overlap([0.2] * 10, [1e6] * 10, 0.01, 1e-7, bucket_bytes=2e6)
    assert line.seconds == pytest.approx(2.0 + 0.01 + 0.2)
    assert line.bucket.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]


@pytest.mark.parametrize("engine", ["simulated", "processes"])
def test_a_gradient_layer_by_layer_is_the_whole_one(engine):
    theta = Layered(12, 3, width=8).model.init(np.random.default_rng(0))
    with gd.distributed.workers(lambda rank: Layered(12, 3, width=8), 2, engine) as pool:
        whole, parts = sum_whole(pool, theta), sum_in_parts(pool, theta, layers=4)
    np.testing.assert_allclose(parts, whole, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("arguments", "sentence"), [
    (([1.0], [1.0, 2.0], 0, 0), "layer_seconds and layer_bytes must have one number for each layer; got 1 and 2"),
    (([], [], 0, 0), "layer_seconds must have a number for each layer; got none"),
    (([-1.0], [1.0], 0, 0), "each of layer_seconds must be a finite number of at least 0; got -1"),
    (([1.0], ["x"], 0, 0), "each of layer_bytes must be a number; got 'x'"),
    (([1.0], [1.0], -1, 0), "alpha must be a finite number of at least 0; got -1"),
    (([1.0], [1.0], 0, math.nan), "beta must be a finite number of at least 0; got nan"),
    (([1.0], [1.0], 0, 0, -5), "bucket_bytes must be a number of at least 0; got -5"),
])
def test_bad_input_in_one_sentence(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        overlap(*arguments)
