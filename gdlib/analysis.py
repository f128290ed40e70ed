"""Instruments: what a gradient should be, how a surface bends, how fast a descent went."""
from typing import NamedTuple

import numpy as np

# The step that balances truncation against rounding, for a function of ordinary size (see lesson 01).
STEPS = {"forward": 2**-26, "central": 2**-17.3, "complex": 1e-20}


def numerical_gradient(f, theta, h=None, method="central"):
    """The gradient of f at one point, from values of f alone; one coordinate after the other.

    - "forward":  (f(θ + h e) − f(θ)) / h,         error about h · |f''| / 2
    - "central":  (f(θ + h e) − f(θ − h e)) / 2h,  error about h² · |f'''| / 6
    - "complex":  Im f(θ + i h e) / h,             no cancellation; f must take complex numbers (Squire and Trapp, 1998)

    Parameters
    ----------
    f : theta (d,) -> a number
    theta : (d,)
    h : the step; by default about √ε, ∛ε and 1e-20, with ε = 2⁻⁵², scaled by max(1, |θᵢ|)

    Raises
    ------
    ValueError : theta is not one point of finite numbers; an unknown method; h not above 0
    """
    theta = _point(theta)
    if method not in STEPS:
        raise ValueError(f"method must be one of {', '.join(STEPS)}, and came as {method!r}")
    if h is not None and not (np.isscalar(h) and np.isfinite(h) and h > 0):
        raise ValueError(f"h must be a number above 0, and came as {h!r}")
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


def check_gradient(f, grad, theta, tolerance=1e-6) -> GradientCheck:
    """Compare a gradient that somebody wrote with central differences of f at the point theta (d,)."""
    theta = _point(theta)
    numerical, written = numerical_gradient(f, theta), np.asarray(grad(theta.copy()), float)
    if written.shape != theta.shape:
        raise ValueError(f"the gradient must have theta's shape {theta.shape}, and came with shape {written.shape}")
    difference = np.abs(written - numerical)
    scale = max(np.linalg.norm(written), np.linalg.norm(numerical))
    error = float(np.linalg.norm(difference) / scale) if scale else 0.0
    return GradientCheck(error < tolerance, error, int(np.argmax(difference)), written, numerical)


def condition_number(H):
    """κ = L / μ, the largest over the smallest eigenvalue of a symmetric matrix (d, d); inf where μ is not above 0."""
    H = np.asarray(H, float)
    if H.ndim != 2 or H.shape[0] != H.shape[1] or not np.allclose(H, H.T):
        raise ValueError(f"H must be a symmetric matrix (d, d), such as model.hess(), and came with shape {H.shape}")
    eigenvalues = np.linalg.eigvalsh(H)
    smallest, largest = eigenvalues[0], eigenvalues[-1]
    return float(largest / smallest) if smallest > 0 else np.inf


def steps_to(run, tolerance, measure="distance"):
    """The first kept step at which a run's `distance`, `loss` or `grad_norm` is at most tolerance; −1 for never.

    For a sweep, one number a run. Keep every point (`every=1`) for the exact step.
    """
    reached = getattr(run, measure) <= tolerance
    return np.where(reached.any(axis=0), run.t[reached.argmax(axis=0)], -1)


def slope(x, y):
    """The exponent p of y ≈ c xᵖ: the slope of the least-squares line through (log x, log y)."""
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def _point(theta):
    theta = np.asarray(theta, float)
    if theta.ndim != 1 or theta.size == 0 or not np.isfinite(theta).all():
        raise ValueError(f"theta must be one point of d finite numbers, and came with shape {theta.shape}: {theta}")
    return theta
