"""Gradients that travel while the backward pass goes on: which bucket is sent when, on paper."""
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gdlib.checks import check_number


class Timeline(NamedTuple):
    """What a step computes and sends, and when: L layers in B buckets, in seconds from the start of the backward pass.

    Parameters
    ----------
    computed : ndarray
        (L, 2), from when to when each layer's gradient is computed.
    bucket : ndarray
        (L,), the number of the bucket that carries the layer's gradient.
    sent : ndarray
        (B, 2), from when to when each bucket is sent.
    """

    computed: np.ndarray
    bucket: np.ndarray
    sent: np.ndarray

    @property
    def seconds(self) -> float:
        """When the last bucket has arrived."""
        return float(self.sent[-1, 1])


def overlap(
    layer_seconds: Sequence[float],
    layer_bytes: Sequence[float],
    alpha: float,
    beta: float,
    bucket_bytes: float = 25 * 2**20,
    wait: bool = False,
) -> Timeline:
    """Timeline of a backward pass whose gradients are sent in buckets, one after another, while it goes on.

    A bucket is full as soon as it holds `bucket_bytes`; no layer is divided. It is sent once its last layer is computed
    and the bucket before it has been sent, and takes α + β·bytes.

    Parameters
    ----------
    layer_seconds : sequence of float
        Seconds that each layer's gradient takes, in the order of the backward pass: the network's last layer first.
    layer_bytes : sequence of float
        Bytes of each layer's gradient, in the same order.
    alpha : float
        Seconds that the all-reduce of any bucket takes besides: 2⌈log₂ n⌉ latencies with halving and doubling.
    beta : float
        Seconds that it takes for each byte of the bucket: 2(n − 1)/n of a link's with halving and doubling.
    bucket_bytes : float
        Size at which a bucket is sent: 0 for every layer alone, `math.inf` for all in one.
    wait : bool
        Send the same buckets only after the whole backward pass, without overlap.

    Raises
    ------
    ValueError
        A time or a size is negative or not a number, or there is not one of each for every layer.

    Notes
    -----
    Sending must not slow down computing. On an accelerator other units copy and send; processes that share their cores
    with the messages gain less, or nothing.

    References
    ----------
    Li et al. (2020), PyTorch distributed: experiences on accelerating data parallel training.

    Examples
    --------
    Four layers of 1 s and 1 byte each, α = 0.1 s and β = 0.9 s: only the last bucket is sent after the pass.

    >>> overlap([1, 1, 1, 1], [1, 1, 1, 1], 0.1, 0.9, bucket_bytes=0).seconds
    5.0
    >>> overlap([1, 1, 1, 1], [1, 1, 1, 1], 0.1, 0.9, bucket_bytes=0, wait=True).seconds
    8.0
    """
    times, sizes = _per_layer(layer_seconds, "layer_seconds"), _per_layer(layer_bytes, "layer_bytes")
    if len(times) != len(sizes):
        raise ValueError(f"layer_seconds and layer_bytes must have one number for each layer; got {len(times)} and "
                         f"{len(sizes)}")
    check_number(alpha, "alpha", least=0)
    check_number(beta, "beta", least=0)
    if not bucket_bytes >= 0:
        raise ValueError(f"bucket_bytes must be a number of at least 0; got {bucket_bytes!r}")
    bucket, ends, sent, free = _buckets(sizes, bucket_bytes), np.cumsum(times), [], 0.0
    for k in range(bucket[-1] + 1):
        ready = ends[-1] if wait else ends[bucket == k][-1]
        begin = max(ready, free)
        free = begin + alpha + beta * sizes[bucket == k].sum()
        sent.append((begin, free))
    return Timeline(np.stack([ends - times, ends], axis=1), bucket, np.array(sent))


def _per_layer(values, name):
    for value in values:
        check_number(value, f"each of {name}", least=0)
    if not len(values):
        raise ValueError(f"{name} must have a number for each layer; got none")
    return np.array(values, float)


def _buckets(sizes, bucket_bytes):
    """The number of each layer's bucket."""
    numbers, number, held = [], 0, 0.0
    for size in sizes:
        numbers.append(number)
        held += size
        if held >= bucket_bytes:
            number, held = number + 1, 0.0
    return np.array(numbers)
