"""Instruments: what a gradient should be, how a surface bends, how fast a descent went."""
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from gdlib.checks import check_whole
from gdlib.models import Model
from gdlib.objectives import Objective
from gdlib.record import Run

Point = Sequence[float] | np.ndarray

# The step that balances truncation against rounding, for a function of ordinary size (see lesson 01).
STEPS = {"forward": 2**-26, "central": 2**-17.3, "complex": 1e-20}


def numerical_gradient(f: Callable, theta: Point, h: float | None = None, method: str = "central") -> np.ndarray:
    """The gradient of f at one point, from values of f alone; one coordinate after the other.

    - "forward":  (f(θ + h e) − f(θ)) / h,         error about h · |f''| / 2
    - "central":  (f(θ + h e) − f(θ − h e)) / 2h,  error about h² · |f'''| / 6
    - "complex":  Im f(θ + i h e) / h,             no cancellation; f must take complex numbers (Squire and Trapp, 1998)

    Parameters
    ----------
    f : theta (d,) -> a number
    theta : (d,)
    method : "forward", "central" or "complex"
    h : the step; by default about √ε, ∛ε and 1e-20, with ε = 2⁻⁵², scaled by max(1, |θᵢ|)

    Raises
    ------
    ValueError : theta is not one point of finite numbers; an unknown method; h not above 0
    """
    theta = _point(theta)
    if method not in STEPS:
        raise ValueError(f"method must be one of {', '.join(STEPS)}; got {method!r}")
    if h is not None and not (np.isscalar(h) and np.isfinite(h) and h > 0):
        raise ValueError(f"h must be a number above 0; got {h!r}")
    gradient = np.empty(theta.size)
    for i, e in enumerate(np.eye(theta.size)):
        step = h if h is not None else STEPS[method] * max(1.0, abs(theta[i]))
        if method == "forward":
            gradient[i] = (f(theta + step * e) - f(theta)) / step
        elif method == "central":
            gradient[i] = (f(theta + step * e) - f(theta - step * e)) / (2 * step)
        else:
            gradient[i] = np.imag(f(theta + 1j * step * e)) / step
    return gradient


class GradientCheck(NamedTuple):
    """What `check_gradient` found. `ok` is error < tolerance."""

    ok: bool
    error: float  # ‖written − numerical‖ / max(‖written‖, ‖numerical‖)
    worst: int  # the coordinate that differs most
    written: np.ndarray
    numerical: np.ndarray

    def __str__(self):
        if self.ok:
            return "gradient check passed: the formula agrees with central differences"
        i = self.worst
        return (
            f"gradient check failed, relative error {self.error:.2g}: coordinate {i} is {self.written[i]:.4g} by the "
            f"formula and {self.numerical[i]:.4g} by central differences"
        )


def check_gradient(f: Callable, grad: Callable, theta: Point, tolerance: float = 1e-6) -> GradientCheck:
    """Compare `grad`, which somebody wrote, with central differences of f at one point.

    Parameters
    ----------
    f : theta (d,) -> a number
    grad : theta (d,) -> (d,)
    theta : (d,)
    tolerance : the relative error below which they agree
    """
    theta = _point(theta)
    numerical, written = numerical_gradient(f, theta), np.asarray(grad(theta.copy()), float)
    if written.shape != theta.shape:
        raise ValueError(f"the gradient must have theta's shape {theta.shape}; got shape {written.shape}")
    difference = np.abs(written - numerical)
    scale = max(np.linalg.norm(written), np.linalg.norm(numerical))
    error = float(np.linalg.norm(difference) / scale) if scale else 0.0
    return GradientCheck(error < tolerance, error, int(np.argmax(difference)), written, numerical)


def condition_number(H: np.ndarray) -> float:
    """κ = L / μ, the largest over the smallest eigenvalue of a symmetric H (d, d); inf where μ is not above 0."""
    H = np.asarray(H, float)
    if H.ndim != 2 or H.shape[0] != H.shape[1] or not np.allclose(H, H.T):
        raise ValueError(f"H must be a symmetric matrix (d, d), such as model.hess(); got shape {H.shape}")
    eigenvalues = np.linalg.eigvalsh(H)
    smallest, largest = eigenvalues[0], eigenvalues[-1]
    return float(largest / smallest) if smallest > 0 else np.inf


def hessian(f: Objective | Model, theta: Point) -> np.ndarray:
    """The Hessian (d, d) at one point theta (d,): f's own, or central differences of its gradient where it has none."""
    theta = _point(theta)
    if getattr(f, "hess", None) is not None:
        return np.asarray(f.hess(theta))
    steps = STEPS["central"] * np.maximum(1, np.abs(theta))
    moves = steps[:, None] * np.eye(theta.size)
    columns = [(f.grad(theta + move) - f.grad(theta - move)) / (2 * move.max()) for move in moves]
    H = np.stack(columns, axis=-1)
    return (H + H.T) / 2


def hessian_vector(f: Objective | Model, theta: Point, v: Point) -> np.ndarray:
    """H v at one point theta (d,): by `f.hvp`, or the Hessian times v (d,)."""
    return f.hvp(theta, v) if hasattr(f, "hvp") else hessian(f, theta) @ v


def sharpness(
    f: Objective | Model, theta: Point, v: Point | None = None, iterations: int = 100, rng: Generator | None = None
) -> tuple[float, np.ndarray]:
    """The Hessian's largest eigenvalue at one point theta (d,), by power iteration: (λ, its eigenvector).

    Parameters
    ----------
    f : an objective, or a model (which needs no Hessian, only Hessian–vector products)
    theta : (d,)
    v : where to begin, (d,): the last eigenvector, when theta has moved a little; a few iterations then do
    iterations : matrix–vector products; from a cold start 10 are some per cent low
    rng : draws v where none is given; default_rng(0) if left out
    """
    theta = _point(theta)
    v = (rng or np.random.default_rng(0)).standard_normal(theta.size) if v is None else np.asarray(v, float)
    check_whole(iterations, "iterations", 1)
    if v.shape != theta.shape or not v.any():
        raise ValueError(f"v must be a vector of theta's shape {theta.shape} other than 0; got {v}")
    value, length, found = _power_iteration(lambda u: hessian_vector(f, theta, u), v, iterations)
    if value < 0.99 * length:  # a negative eigenvalue is as large: shift the spectrum so that the largest one leads
        shifted, _, other = _power_iteration(lambda u: hessian_vector(f, theta, u) + length * u, v, iterations)
        value, found = max((value, found), (shifted - length, other), key=lambda pair: pair[0])
    return value, found


def _power_iteration(product, v, iterations):
    """(vᵀHv, ‖Hv‖, Hv/‖Hv‖) after so many products; the first is never above the largest eigenvalue."""
    v = v / np.linalg.norm(v)
    for _ in range(iterations):
        w = product(v)
        value, length = float(v @ w), float(np.linalg.norm(w))
        if length == 0:
            break
        v = w / length
    return value, length, v


def noise_scale(model: Model, theta: Point, rows: Sequence[int] | None = None) -> float:
    """tr Σ / ‖G‖²: how many rows a batch needs before its noise is as small as the gradient itself.

    G is the gradient of the model at theta (d,) over the rows (all, if left out), Σ the covariance of the single rows'
    gradients.
    McCandlish et al. (2018), An empirical model of large-batch training.
    """
    if not isinstance(model, Model):
        raise TypeError(f"the noise scale is of a model, which has rows of data, and {model!r} has none")
    theta, rows = _point(theta), np.arange(model.n)[slice(None) if rows is None else rows]
    if not len(rows):
        raise ValueError("the noise scale needs at least one row, and rows came empty")
    single = np.stack([model.grad(theta, rows=slice(i, i + 1)) for i in rows])
    mean = single.mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):  # at a minimum: inf, or nan where all rows fit exactly
        return float(((single - mean) ** 2).sum() / len(single) / (mean @ mean))


def measured_rate(run: Run, first: int, last: int, measure: str = "distance") -> float | np.ndarray:
    """The factor by which a run shrinks in one step, the mean from step `first` to `last`: (d_last/d_first)^(1/steps).

    For a sweep, one factor a run. measure: the run's "distance", "loss" or "grad_norm"; first, last: kept steps.
    """
    at = [np.flatnonzero(run.t == t) for t in (first, last)]
    if not first < last or not all(map(len, at)):
        raise ValueError(f"first and last must be two of the kept steps, in order; got {first} and {last}")
    values = getattr(run, measure)
    with np.errstate(divide="ignore", invalid="ignore"):  # nan for a run that had arrived before
        return (values[at[1][0]] / values[at[0][0]]) ** (1 / (last - first))


def steps_to(run: Run, tolerance: float, measure: str = "distance") -> np.ndarray:
    """The first kept step at which a measure of a run is at most `tolerance`; −1 for never.

    For a sweep, one number a run. measure: "distance", "loss" or "grad_norm". The exact step needs every point.
    """
    reached = getattr(run, measure) <= tolerance
    return np.where(reached.any(axis=0), run.t[reached.argmax(axis=0)], -1)


def slope(x: Point, y: Point) -> float:
    """The exponent p of y ≈ c xᵖ: the slope of the least-squares line through (log x, log y)."""
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def _point(theta):
    theta = np.asarray(theta, float)
    if theta.ndim != 1 or theta.size == 0 or not np.isfinite(theta).all():
        raise ValueError(f"theta must be one point of d finite numbers; got shape {theta.shape}: {theta}")
    return theta
