"""Oracles give the gradient at each step.

An oracle is an iterator of gradient functions, one per step: `gd.run(f, opt, theta0, steps, oracle=…)` takes the next
one at each step and hands it to the rule. Oracles can be stacked: `clipped(minibatches(model, 32, rng), norm=1.0)`.
Where an oracle is expected, an objective or model gives its full gradient.

With one Generator all runs of a sweep see the same rows or noise (common random numbers). With a list of Generators,
one per run of the leading axis, each run sees what it would see alone.
"""
import inspect
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import islice, repeat

import numpy as np

from gdlib.checks import check_number, check_whole
from gdlib.loop import as_array
from gdlib.models import Model
from gdlib.objectives import Objective

__all__ = ["full", "minibatches", "noisy", "accumulated", "clipped", "delayed"]

Source = Objective | Model | Iterator[Callable]
Generators = "np.random.Generator | list[np.random.Generator]"  # quoted, as NumPy loads its random part late

# Data up to this size are copied in a new order once per epoch and sliced; of larger data only each batch is copied.
SHUFFLED_COPY = 2**28  # bytes


def full(f: Objective | Model) -> Iterator[Callable]:
    """Full gradient ∇f, at every step.

    Parameters
    ----------
    f : Objective or model
        Function with a gradient `f.grad(theta)`.

    Raises
    ------
    TypeError
        `f` has no gradient.

    Examples
    --------
    >>> import gdlib as gd
    >>> grad = next(full(gd.quadratic([1.0, 10.0])))
    >>> grad(np.array([1.0, 1.0]))
    array([ 1., 10.])
    """
    if not callable(getattr(f, "grad", None)):
        raise TypeError(
            f"an oracle's source must be an objective or a model with a gradient f.grad; got {f!r}. "
            f"Make one with gd.Objective(name, value, grad)."
        )
    return repeat(f.grad)


def minibatches(model: Model, batch_size: int, rng: Generators, replace: bool = False) -> Iterator[Callable]:
    """Gradient over B random rows:  (1/B) Σ ∇Jᵢ(θ), with J the mean of the rows' losses Jᵢ.

    Each epoch takes all rows in a new random order; its last batch may be smaller.

    Parameters
    ----------
    model : Model
        Model over `n` rows of data, with a gradient over some of them, `model.grad(theta, rows)`. If it also has
        `take(rows)` and `nbytes`, as the library's models have, small data are copied in their new order each epoch.
    batch_size : int
        Number of rows B in a batch, from 1 to n.
    rng : Generator or list of Generator
        Source of the random order; a list has one Generator per run of the leading axis.
    replace : bool
        True draws each batch from all rows, with replacement, instead of by epochs.

    Raises
    ------
    TypeError
        `model` has no rows of data or no gradient over them; `rng` is not a Generator or a list of them.
    ValueError
        `batch_size` is not a whole number from 1 to n.

    References
    ----------
    Robbins and Monro (1951), A stochastic approximation method.

    Examples
    --------
    >>> import gdlib as gd
    >>> model = gd.LeastSquares([[1.0], [2.0], [3.0]], [2.0, 4.0, 6.0], intercept=False)
    >>> grad = next(minibatches(model, 2, np.random.default_rng(0)))
    >>> grad(np.array([2.0]))
    array([0.])
    """
    n = getattr(model, "n", None)
    if n is None or not callable(getattr(model, "grad", None)):
        raise TypeError(f"model must be a model over data such as gd.LeastSquares(X, y); got {model!r}")
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
    """Gradient with noise:  ∇f(θ) + σε,  with ε ~ N(0, 1) in each coordinate.

    The noise is new at every step.

    Parameters
    ----------
    f : Objective, model or oracle
        Source of the gradient.
    sigma : float
        Standard deviation σ >= 0 of the noise in each coordinate.
    rng : Generator or list of Generator
        Source of the noise; a list has one Generator per run of the leading axis.

    Raises
    ------
    TypeError
        `f` has no gradient; `rng` is not a Generator or a list of them.
    ValueError
        `sigma` is not a number of at least 0.

    Examples
    --------
    >>> import gdlib as gd
    >>> grad = next(noisy(gd.quadratic([1.0]), sigma=0.0, rng=np.random.default_rng(0)))
    >>> grad(np.array([3.0]))
    array([3.])
    """
    check_number(sigma, "sigma", least=0)
    return _noisy(as_oracle(f), sigma, _generators(rng), isinstance(rng, np.random.Generator))


def accumulated(f: Source, micro_steps: int, weights: Sequence[float] | None = None) -> Iterator[Callable]:
    """Weighted mean of several gradients in a row, all at the same θ:  Σ wᵢgᵢ / Σ wᵢ.

    It equals the gradient over the large batch if each part is weighted by its number of rows, and only one part at a
    time is in memory. Without weights all parts count alike, which is right for parts of one size. It does not hold for
    a batch-normalised network, whose rows depend on each other.

    Parameters
    ----------
    f : Objective, model or oracle
        Source of the gradients.
    micro_steps : int
        Number of gradients in one mean, at least 1.
    weights : sequence of float, optional
        Weight of each part, such as its number of rows; by default all are equal.

    Raises
    ------
    TypeError
        `f` has no gradient.
    ValueError
        `micro_steps` is not a whole number of at least 1, or the weights are not as many numbers above 0.

    Examples
    --------
    >>> slopes = [lambda theta: 1.0 * theta, lambda theta: 3.0 * theta]
    >>> next(accumulated(iter(slopes), micro_steps=2))(np.array([5.0]))
    array([10.])
    >>> next(accumulated(iter(slopes), micro_steps=2, weights=[3, 1]))(np.array([5.0]))
    array([7.5])
    """
    check_whole(micro_steps, "micro_steps", 1)
    if weights is not None:
        values = as_array(weights)
        if values.shape != (micro_steps,) or not ((values > 0) & np.isfinite(values)).all():
            raise ValueError(
                f"weights must be {micro_steps} numbers above 0, one for each of micro_steps; got {weights!r}"
            )
    return _accumulated(as_oracle(f), micro_steps, weights)


def clipped(f: Source, norm: float | None = None, value: float | None = None) -> Iterator[Callable]:
    """Clipped gradient:  g · min(1, norm/‖g‖), or each coordinate of g moved into ±value.

    The first keeps the gradient's direction, the second does not. ‖g‖ is the length of all parameters' gradient
    together. PyTorch's `clip_grad_norm_` divides by ‖g‖ + 1e-6 instead, so what it clips ends shorter than `norm`, by
    the share 1e-6/‖g‖.

    Parameters
    ----------
    f : Objective, model or oracle
        Source of the gradient.
    norm : float, optional
        Largest length of the gradient, above 0.
    value : float, optional
        Largest size of a coordinate, above 0; give either `norm` or `value`.

    Raises
    ------
    TypeError
        `f` has no gradient.
    ValueError
        Neither or both of `norm` and `value` are given, or one is not a number above 0.

    References
    ----------
    Pascanu, Mikolov, Bengio (2013), On the difficulty of training recurrent neural networks.

    Examples
    --------
    >>> import gdlib as gd
    >>> grad = next(clipped(gd.quadratic([1.0, 1.0]), norm=1.0))
    >>> grad(np.array([3.0, 4.0]))
    array([0.6, 0.8])
    """
    if (norm is None) == (value is None):
        raise ValueError(f"norm or value must be given, and not both; got norm={norm!r}, value={value!r}")
    check_number(value if norm is None else norm, "value" if norm is None else "norm", above=0)

    def by_norm(g):
        length = np.linalg.norm(g, axis=-1, keepdims=True)
        return g * (norm / np.maximum(length, norm))

    def by_value(g):
        return np.clip(g, -value, value)

    clip = by_value if norm is None else by_norm
    return (lambda theta, grad=grad: clip(grad(theta)) for grad in as_oracle(f))


def delayed(f: Source, delay: int) -> Iterator[Callable]:
    """Stale gradient ∇f(θ) at the θ of some steps ago, as a slow worker sends it.

    The first `delay` steps take the gradient at the start.

    Parameters
    ----------
    f : Objective, model or oracle
        Source of the gradient.
    delay : int
        Age of the θ in steps, at least 0.

    Raises
    ------
    TypeError
        `f` has no gradient.
    ValueError
        `delay` is not a whole number of at least 0.

    Examples
    --------
    >>> import gdlib as gd
    >>> oracle = delayed(gd.quadratic([1.0]), delay=1)
    >>> [float(next(oracle)(np.array([theta]))[0]) for theta in (3.0, 2.0, 1.0)]
    [3.0, 3.0, 2.0]
    """
    check_whole(delay, "delay", 0)
    return _delayed(as_oracle(f), deque(maxlen=int(delay) + 1))


def as_oracle(f: Source) -> Iterator[Callable]:
    """Leave an oracle as it is, and make one of an objective's or a model's full gradient.

    Parameters
    ----------
    f : Objective, model or oracle
        Source of the gradient.
    """
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
    """One stream of (model, rows) for all runs, or one per run."""
    if isinstance(rng, np.random.Generator):
        for model, rows in streams[0]:
            yield lambda theta, model=model, rows=rows: model.grad(theta, rows)
    for drawn in zip(*streams, strict=True):
        def grad(theta, drawn=drawn):
            _one_each(drawn, theta)
            return np.stack([model.grad(point, rows) for (model, rows), point in zip(drawn, theta, strict=True)])

        yield grad


def _accumulated(oracle, micro_steps, weights):
    while parts := list(islice(oracle, micro_steps)):
        if weights is None:
            yield lambda theta, parts=parts: sum(grad(theta) for grad in parts) / len(parts)
        else:
            pairs = list(zip(weights, parts, strict=False))  # an oracle that ends leaves fewer parts
            yield lambda theta, pairs=pairs: sum(w * grad(theta) for w, grad in pairs) / sum(w for w, _ in pairs)


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
            f"rng must be a Generator such as np.random.default_rng(0), or a list of them, one per run; got {rng!r}"
        )
    return generators


def _one_each(drawn, theta):
    if theta.ndim < 2 or len(theta) != len(drawn):
        runs = f"{len(theta)} runs" if theta.ndim > 1 else "one run"
        raise ValueError(f"rng must be one Generator or one per run; got {len(drawn)} Generators for {runs}")
