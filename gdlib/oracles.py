"""Oracles: what gives the gradient at each step.

An oracle is an iterator of gradient functions, one a step: `gd.run(f, opt, theta0, steps, oracle=…)` takes the next one
for each step and hands it to the rule. Where an oracle is made from another, an objective or model stands for its full
gradient, so that they can be stacked: `clipped(minibatches(model, 32, rng), norm=1.0)`.

With one Generator all runs of a sweep see the same rows or noise (common random numbers); with a list of Generators,
one for each run of the leading axis, each run sees what it would see alone.
"""
import inspect
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice, repeat

import numpy as np

from gdlib.checks import check_number, check_whole
from gdlib.models import Model
from gdlib.objectives import Objective

__all__ = ["full", "minibatches", "noisy", "accumulated", "clipped", "delayed"]

Source = Objective | Model | Iterator[Callable]
Generators = "np.random.Generator | list[np.random.Generator]"  # quoted, as NumPy loads its random part late

# Data up to this size are copied in a new order once an epoch and sliced; of larger data only each batch is copied.
SHUFFLED_COPY = 2**28  # bytes


def full(f: Objective | Model) -> Iterator[Callable]:
    """The whole gradient ∇f, at every step."""
    if not callable(getattr(f, "grad", None)):
        raise TypeError(f"an oracle is made from an objective or a model with a gradient f.grad, and {f!r} came")
    return repeat(f.grad)


def minibatches(model: Model, batch_size: int, rng: Generators, replace: bool = False) -> Iterator[Callable]:
    """The gradient over `batch_size` rows: all rows in a new random order each epoch, the last batch with what is left.

    Parameters
    ----------
    model : a model over `n` rows of data, with a gradient over some of them, `model.grad(theta, rows)`; if it also has
        `take(rows)` and `nbytes`, as the library's own have, small data are copied in their new order once an epoch
    batch_size : B, from 1 to n
    rng : a Generator, or a list of them, one for each run of the leading axis
    replace : True draws each batch from all rows, with replacement, instead of by epochs
    """
    n = getattr(model, "n", None)
    if n is None or not callable(getattr(model, "grad", None)):
        raise TypeError(f"minibatches are drawn from a model over data, such as gd.LeastSquares(X, y); {model!r} came")
    try:
        inspect.signature(model.grad).bind("theta", "rows")
    except TypeError:
        raise TypeError(
            f"the gradient of {getattr(model, 'name', 'the model')} must take the rows of a batch, grad(theta, rows); "
            f"got grad{inspect.signature(model.grad)}. Add a parameter rows=slice(None)."
        ) from None
    check_whole(batch_size, "batch_size", 1, n)
    return _together([_minibatches(model, n, batch_size, g, replace) for g in _generators(rng)], rng)


def noisy(f: Source, sigma: float, rng: Generators) -> Iterator[Callable]:
    """∇f(θ) + σ ε with ε ~ N(0, 1) in each coordinate, new at every step.

    Parameters
    ----------
    f : an objective, a model, or another oracle
    sigma : σ >= 0, a number
    rng : a Generator, or a list of them, one for each run of the leading axis
    """
    check_number(sigma, "sigma", least=0)
    return _noisy(as_oracle(f), sigma, _generators(rng), isinstance(rng, np.random.Generator))


def accumulated(f: Source, micro_steps: int) -> Iterator[Callable]:
    """The mean of `micro_steps` gradients in a row, all at the same θ: a large batch, a part at a time.

    Equal to the large batch where all parts have the same number of rows.
    """
    check_whole(micro_steps, "micro_steps", 1)
    return _accumulated(as_oracle(f), micro_steps)


def clipped(f: Source, norm: float | None = None, value: float | None = None) -> Iterator[Callable]:
    """A gradient that is never too long: g · min(1, norm/‖g‖) keeps its direction; or each coordinate within ±value.

    Pascanu, Mikolov, Bengio (2013), On the difficulty of training recurrent neural networks.
    """
    if (norm is None) == (value is None):
        raise ValueError(f"clipped takes norm or value, one of the two; got norm={norm!r}, value={value!r}")
    check_number(value if norm is None else norm, "value" if norm is None else "norm", above=0)

    def by_norm(g):
        length = np.linalg.norm(g, axis=-1, keepdims=True)
        return g * (norm / np.maximum(length, norm))

    def by_value(g):
        return np.clip(g, -value, value)

    clip = by_value if norm is None else by_norm
    return (lambda theta, grad=grad: clip(grad(theta)) for grad in as_oracle(f))


def delayed(f: Source, delay: int) -> Iterator[Callable]:
    """The gradient at the θ of `delay` steps ago (until then at the start): stale, as a slow worker's."""
    check_whole(delay, "delay", 0)
    return _delayed(as_oracle(f), deque(maxlen=int(delay) + 1))


def as_oracle(f: Source) -> Iterator[Callable]:
    """An iterator of gradient functions stays what it is; an objective or model gives its full gradient."""
    return f if isinstance(f, Iterator) else full(f)


def _minibatches(model, n, size, rng, replace):
    if replace:
        while True:
            yield model, rng.integers(n, size=size)
    copied = hasattr(model, "take") and getattr(model, "nbytes", np.inf) <= SHUFFLED_COPY
    while True:
        order = rng.permutation(n)
        epoch = model.take(order) if copied else model
        for i in range(0, n, size):
            yield epoch, slice(i, i + size) if copied else order[i : i + size]


def _together(streams, rng):
    """One stream of (model, rows) for all runs, or one a run."""
    if isinstance(rng, np.random.Generator):
        for model, rows in streams[0]:
            yield lambda theta, model=model, rows=rows: model.grad(theta, rows)
    for drawn in zip(*streams, strict=True):
        def grad(theta, drawn=drawn):
            _one_each(drawn, theta)
            return np.stack([model.grad(point, rows) for (model, rows), point in zip(drawn, theta, strict=True)])

        yield grad


def _accumulated(oracle, micro_steps):
    while parts := list(islice(oracle, micro_steps)):
        yield lambda theta, parts=parts: sum(grad(theta) for grad in parts) / len(parts)


def _noisy(oracle, sigma, generators, shared):
    for grad in oracle:
        noise = []  # drawn when theta's shape is known, and once: a rule may ask twice in one step

        def noisy_grad(theta, grad=grad, noise=noise):
            if not noise and shared:
                noise.append(sigma * generators[0].standard_normal(theta.shape[-1]))
            elif not noise:
                _one_each(generators, theta)
                shape = (len(theta),) + (1,) * (theta.ndim - 2) + theta.shape[-1:]
                noise.append(sigma * np.reshape([g.standard_normal(theta.shape[-1]) for g in generators], shape))
            return grad(theta) + noise[0]

        yield noisy_grad


def _delayed(oracle, past):
    for grad in oracle:
        fresh = [True]  # a rule may ask twice in one step; only the first θ is remembered

        def stale_grad(theta, grad=grad, fresh=fresh):
            if fresh:
                past.append(theta)
                fresh.clear()
            return grad(past[0])

        yield stale_grad


def _generators(rng):
    generators = [rng] if isinstance(rng, np.random.Generator) else list(rng) if isinstance(rng, list | tuple) else []
    if not generators or not all(isinstance(g, np.random.Generator) for g in generators):
        raise TypeError(
            f"rng must be a Generator such as np.random.default_rng(0), or a list of them, one a run; {rng!r} came"
        )
    return generators


def _one_each(drawn, theta):
    if theta.ndim < 2 or len(theta) != len(drawn):
        runs = f"{len(theta)} runs" if theta.ndim > 1 else "one run"
        raise ValueError(f"{len(drawn)} Generators came for {runs}: give one Generator, or one for each run")
