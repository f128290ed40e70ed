"""Instruments that measure gradients, curvature, noise and the speed of a descent."""
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from gdlib.checks import check_whole
from gdlib.models import Model
from gdlib.objectives import Objective
from gdlib.record import Run

__all__ = [
    "GradientCheck", "check_gradient", "condition_number", "hessian", "hessian_vector", "measured_rate", "noise_scale",
    "numerical_gradient", "sharpness", "slope", "steps_to",
]

Point = Sequence[float] | np.ndarray

# The step h that balances truncation against rounding, for a function with values near 1.
STEPS = {"forward": 2**-26, "central": 2**-17.3, "complex": 1e-20}


def numerical_gradient(f: Callable, theta: Point, h: float | None = None, method: str = "central") -> np.ndarray:
    """Gradient of f at one point from values of f alone, one coordinate after the other.

    - "forward":  (f(θ + h e) − f(θ)) / h,         error about h f''/2
    - "central":  (f(θ + h e) − f(θ − h e)) / 2h,  error about h² f'''/6
    - "complex":  Im f(θ + i h e) / h,             no cancellation; f must take complex numbers

    Parameters
    ----------
    f : callable
        Function theta (d,) -> number.
    theta : array (d,)
        Point.
    h : float, optional
        Step h > 0; by default about √ε, ∛ε or 1e-20, with ε = 2⁻⁵², times max(1, abs(θᵢ)).
    method : str
        Difference: "forward", "central" or "complex".

    Raises
    ------
    ValueError
        theta is not one point of finite numbers, the method is unknown, or h is not above 0.

    References
    ----------
    Squire and Trapp (1998), Using complex variables to estimate derivatives of real functions.

    Examples
    --------
    >>> numerical_gradient(lambda theta: theta[0] ** 2 + theta[1], [3.0, 1.0]).round(6)
    array([6., 1.])
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
    """Result of `check_gradient`.

    Parameters
    ----------
    ok : bool
        Whether the error is below the tolerance.
    error : float
        Relative error ‖written − numerical‖ / max(‖written‖, ‖numerical‖).
    worst : int
        Coordinate that differs most.
    written : array (d,)
        Gradient by the formula.
    numerical : array (d,)
        Gradient by central differences.
    """

    ok: bool
    error: float
    worst: int
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
    """Compare a gradient that somebody wrote with central differences of f at one point.

    Parameters
    ----------
    f : callable
        Function theta (d,) -> number.
    grad : callable
        Gradient theta (d,) -> (d,).
    theta : array (d,)
        Point.
    tolerance : float
        Relative error below which the two agree.

    Raises
    ------
    ValueError
        theta is not one point of finite numbers, or the gradient has another shape.

    Examples
    --------
    >>> print(check_gradient(lambda theta: theta[0] ** 2, lambda theta: theta, [3.0]))
    gradient check failed, relative error 0.5: coordinate 0 is 3 by the formula and 6 by central differences
    """
    theta = _point(theta)
    numerical, written = numerical_gradient(f, theta), np.asarray(grad(theta.copy()), float)
    if written.shape != theta.shape:
        raise ValueError(f"grad(theta) must have theta's shape {theta.shape}; got shape {written.shape}")
    difference = np.abs(written - numerical)
    scale = max(np.linalg.norm(written), np.linalg.norm(numerical))
    error = float(np.linalg.norm(difference) / scale) if scale else 0.0
    return GradientCheck(error < tolerance, error, int(np.argmax(difference)), written, numerical)


def condition_number(H: np.ndarray) -> float:
    """Condition number κ = L / μ of a symmetric matrix: its largest over its smallest eigenvalue.

    Parameters
    ----------
    H : array (d, d)
        Symmetric matrix, such as a Hessian.

    Returns
    -------
    float
        Condition number; inf where μ is not above 0.

    Raises
    ------
    ValueError
        H is not a symmetric matrix.

    Examples
    --------
    >>> condition_number([[1.0, 0.0], [0.0, 10.0]])
    10.0
    """
    H = np.asarray(H, float)
    if H.ndim != 2 or H.shape[0] != H.shape[1] or not np.allclose(H, H.T):
        raise ValueError(f"H must be a symmetric matrix (d, d) such as model.hess(); got shape {H.shape}")
    eigenvalues = np.linalg.eigvalsh(H)
    smallest, largest = eigenvalues[0], eigenvalues[-1]
    return float(largest / smallest) if smallest > 0 else np.inf


def hessian(f: Objective | Model, theta: Point) -> np.ndarray:
    """Hessian (d, d) at one point: f's own, or central differences of its gradient.

    Parameters
    ----------
    f : Objective or model
        Function with `f.hess` or `f.grad`.
    theta : array (d,)
        Point.

    Raises
    ------
    ValueError
        theta is not one point of finite numbers.

    Examples
    --------
    >>> import gdlib as gd
    >>> hessian(gd.saddle, [0.0, 0.0])
    array([[ 2.,  0.],
           [ 0., -2.]])
    """
    theta = _point(theta)
    if getattr(f, "hess", None) is not None:
        return np.asarray(f.hess(theta))
    steps = STEPS["central"] * np.maximum(1, np.abs(theta))
    moves = steps[:, None] * np.eye(theta.size)
    columns = [(f.grad(theta + move) - f.grad(theta - move)) / (2 * move.max()) for move in moves]
    H = np.stack(columns, axis=-1)
    return (H + H.T) / 2


def hessian_vector(f: Objective | Model, theta: Point, v: Point) -> np.ndarray:
    """Hessian–vector product H v at one point: by `f.hvp`, or by the Hessian.

    Parameters
    ----------
    f : Objective or model
        Function with `f.hvp`, `f.hess` or `f.grad`.
    theta : array (d,)
        Point.
    v : array (d,)
        Vector.

    Examples
    --------
    >>> import gdlib as gd
    >>> hessian_vector(gd.quadratic([1.0, 10.0]), [0.0, 0.0], [1.0, 1.0])
    array([ 1., 10.])
    """
    return f.hvp(theta, v) if hasattr(f, "hvp") else hessian(f, theta) @ v


def sharpness(
    f: Objective | Model, theta: Point, v: Point | None = None, iterations: int = 100, rng: Generator | None = None
) -> tuple[float, np.ndarray]:
    """Sharpness: the Hessian's largest eigenvalue at one point, by power iteration.

    Parameters
    ----------
    f : Objective or model
        Function; of a model only Hessian–vector products are needed.
    theta : array (d,)
        Point.
    v : array (d,), optional
        Vector to begin with. After a small move of theta, the last eigenvector needs few iterations.
    iterations : int
        Number of Hessian–vector products. From a random v, 10 give a value that is some per cent too low.
    rng : Generator, optional
        Source of v where none is given; by default default_rng(0).

    Returns
    -------
    value : float
        Largest eigenvalue λ.
    vector : array (d,)
        Its eigenvector, of length 1.

    Raises
    ------
    ValueError
        theta is not one point of finite numbers, v is 0 or has another shape, or iterations is below 1.

    Examples
    --------
    >>> import gdlib as gd
    >>> value, vector = sharpness(gd.quadratic([1.0, 10.0]), [0.0, 0.0])
    >>> round(value, 6)
    10.0
    """
    theta = _point(theta)
    v = (rng or np.random.default_rng(0)).standard_normal(theta.size) if v is None else np.asarray(v, float)
    check_whole(iterations, "iterations", 1)
    if v.shape != theta.shape or not v.any():
        raise ValueError(f"v must be a vector other than 0 of theta's shape {theta.shape}; got {v}")
    value, length, found = _power_iteration(lambda u: hessian_vector(f, theta, u), v, iterations)
    if value < 0.99 * length:  # a negative eigenvalue is as large: shift the spectrum so that the largest one leads
        shifted, _, other = _power_iteration(lambda u: hessian_vector(f, theta, u) + length * u, v, iterations)
        value, found = max((value, found), (shifted - length, other), key=lambda pair: pair[0])
    return value, found


def _power_iteration(product, v, iterations):
    """Find (vᵀHv, ‖Hv‖, Hv/‖Hv‖) by power iteration; vᵀHv is never above the largest eigenvalue."""
    v = v / np.linalg.norm(v)
    for _ in range(iterations):
        w = product(v)
        value, length = float(v @ w), float(np.linalg.norm(w))
        if length == 0:
            break
        v = w / length
    return value, length, v


def noise_scale(model: Model, theta: Point, rows: Sequence[int] | None = None) -> float:
    """Gradient noise scale tr Σ / ‖G‖²: the batch size at which noise and gradient are equally long.

    G is the model's gradient over the rows, Σ the covariance of the single rows' gradients.

    Parameters
    ----------
    model : Model
        Model over rows of data.
    theta : array (d,)
        Point.
    rows : array of int, optional
        Rows of the data; by default all.

    Returns
    -------
    float
        Noise scale in rows; at a minimum inf, or nan where all rows fit exactly.

    Raises
    ------
    TypeError
        `model` is not a model over rows of data.
    ValueError
        theta is not one point of finite numbers, or there are no rows.

    References
    ----------
    McCandlish et al. (2018), An empirical model of large-batch training.

    Examples
    --------
    >>> import gdlib as gd
    >>> model = gd.LeastSquares([[1.0], [1.0]], [0.0, 1.0], intercept=False)
    >>> round(noise_scale(model, [2.0]), 4)  # the rows' gradients are 4 and 2
    0.1111
    """
    if not isinstance(model, Model):
        raise TypeError(f"model must be a model over rows of data such as gd.LeastSquares(X, y); got {model!r}")
    theta, rows = _point(theta), np.arange(model.n)[slice(None) if rows is None else rows]
    if not len(rows):
        raise ValueError("rows must name at least one row; got none")
    single = np.stack([model.grad(theta, rows=slice(i, i + 1)) for i in rows])
    mean = single.mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):  # at a minimum: inf, or nan where all rows fit exactly
        return float(((single - mean) ** 2).sum() / len(single) / (mean @ mean))


def measured_rate(run: Run, first: int, last: int, measure: str = "distance") -> float | np.ndarray:
    """Mean factor by which a run shrinks in one step:  (d_last / d_first)^(1/(last − first)).

    Parameters
    ----------
    run : Run
        Run or sweep.
    first, last : int
        Steps between which the mean is taken; both must be kept.
    measure : str
        Quantity d: the run's "distance", "loss" or "grad_norm".

    Returns
    -------
    float or array (...)
        One factor per run; nan for a run that had arrived before.

    Raises
    ------
    ValueError
        `first` and `last` are not two kept steps in order.

    Examples
    --------
    >>> import gdlib as gd
    >>> run = gd.run(gd.quadratic([1.0]), gd.gradient_descent(0.5), [1.0], 10)
    >>> float(measured_rate(run, 0, 10))
    0.5
    """
    at = [np.flatnonzero(run.t == t) for t in (first, last)]
    if not first < last or not all(map(len, at)):
        raise ValueError(f"first and last must be two kept steps in order; got {first} and {last}. See run.t.")
    values = getattr(run, measure)
    with np.errstate(divide="ignore", invalid="ignore"):  # nan for a run that had arrived before
        return (values[at[1][0]] / values[at[0][0]]) ** (1 / (last - first))


def steps_to(run: Run, tolerance: float, measure: str = "distance") -> np.ndarray:
    """First kept step at which a run is close enough; −1 for never.

    Parameters
    ----------
    run : Run
        Run or sweep; with every=1 the step is exact.
    tolerance : float
        Largest value that is close enough.
    measure : str
        Quantity: the run's "distance", "loss" or "grad_norm".

    Returns
    -------
    array (...) of int
        One step per run.

    Examples
    --------
    >>> import gdlib as gd
    >>> run = gd.run(gd.quadratic([1.0]), gd.gradient_descent(0.5), [1.0], 10)
    >>> int(steps_to(run, 0.25))
    2
    """
    reached = getattr(run, measure) <= tolerance
    return np.where(reached.any(axis=0), run.t[reached.argmax(axis=0)], -1)


def slope(x: Point, y: Point) -> float:
    """Exponent p of y ≈ c xᵖ, the slope of the least-squares line through (log x, log y).

    Parameters
    ----------
    x, y : array (n,)
        Positive numbers.

    Examples
    --------
    >>> round(slope([1.0, 2.0, 4.0], [3.0, 12.0, 48.0]), 6)
    2.0
    """
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def _point(theta):
    theta = np.asarray(theta, float)
    if theta.ndim != 1 or theta.size == 0 or not np.isfinite(theta).all():
        raise ValueError(f"theta must be one point of d finite numbers; got shape {theta.shape}: {theta}")
    return theta
