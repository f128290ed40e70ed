"""Surfaces to walk on, each with its exact gradient, its Hessian and its known minima.

Coordinates are on the last axis, runs and grids before it: for theta of shape (..., d) a value has shape (...),
a gradient (..., d) and a Hessian (..., d, d). Gradients multiply out their powers, x * x for x²: a product is rounded
the same way for one run and for a thousand, so a sweep equals its separate runs to the last bit.
"""
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from weakref import WeakSet

import numpy as np

from gdlib.checks import REMEDY

__all__ = ["Objective", "quadratic", "rosenbrock", "himmelblau", "beale", "saddle", "monkey_saddle", "double_well"]

# The objectives of this module: a run need not try them on several points first.
KNOWN = WeakSet()


@dataclass(frozen=True, eq=False)
class Objective:
    """A function to minimize, with its gradient.

    Parameters
    ----------
    name : str
        Name for plots and messages.
    value : callable
        Function theta (..., d) -> (...); `f(theta)` calls it.
    grad : callable
        Gradient, theta (..., d) -> (..., d).
    hess : callable, optional
        Hessian, theta (..., d) -> (..., d, d).
    minima : tuple
        Known minima, each a sequence of d numbers; () if none is known or none exists.

    Examples
    --------
    >>> f = Objective("bowl", value=lambda theta: (theta**2).sum(axis=-1), grad=lambda theta: 2 * theta)
    >>> float(f([1.0, 2.0]))
    5.0
    """

    name: str
    value: Callable
    grad: Callable
    hess: Callable | None = None
    minima: tuple = ()

    def __call__(self, theta):
        theta = _numbers(theta)
        value = self.value(theta)
        if np.shape(value) != theta.shape[:-1]:
            raise ValueError(
                f"the value of {self.name} must be one number for each point: theta of shape {theta.shape} must give "
                f"shape {theta.shape[:-1]}; got shape {np.shape(value)}. {REMEDY}"
            )
        return value

    def __repr__(self):
        return f"Objective({self.name})"


def vector(*coordinates: np.ndarray) -> np.ndarray:
    """Gather coordinates (...) in one array (..., d).

    Each coordinate stays contiguous in memory, so that sweeps are quick.

    Parameters
    ----------
    *coordinates : array (...)
        First, second, … coordinate.
    """
    array = np.array(coordinates)
    return array if array.ndim == 1 else np.moveaxis(array, 0, -1)


def matrix(*rows: Sequence[np.ndarray]) -> np.ndarray:
    """Gather d rows of d entries (...) in one array (..., d, d).

    Parameters
    ----------
    *rows : sequence of array (...)
        First, second, … row.
    """
    entries = np.broadcast_arrays(*(entry for row in rows for entry in row))
    return np.stack(entries, -1).reshape(entries[0].shape + (len(rows), len(rows)))


def _numbers(theta):
    theta = np.asarray(theta)
    return theta if theta.dtype.kind in "fc" else theta.astype(float)  # complex stays: for the complex step


def _known(*parts):
    objective = Objective(*parts)
    KNOWN.add(objective)
    return objective


def _plane(name, value, gradient, hessian, minima=()):
    """An Objective on the plane from functions of the coordinates x and y."""

    def of(function, gather):
        def at(theta):
            theta = _numbers(theta)
            if theta.shape[-1:] != (2,):
                raise ValueError(
                    f"theta must have 2 coordinates on its last axis for {name}; got shape {theta.shape}. "
                    f"For more runs write theta of shape (runs, 2)."
                )
            return gather(function(theta[..., 0], theta[..., 1]))

        return at

    return _known(
        name,
        of(value, lambda z: z),
        of(gradient, lambda g: vector(*g)),
        of(hessian, lambda h: matrix(*h)),
        minima,
    )


def quadratic(eigenvalues: Sequence[float], angle: float = 0.0) -> Objective:
    """Quadratic J(θ) = ½ Σ λᵢ zᵢ², with z the coordinates of θ along the eigenvectors.

    Every smooth minimum looks like this bowl from near by.

    Parameters
    ----------
    eigenvalues : sequence of float
        Curvatures λ, d numbers: all positive for a bowl, a negative one for a saddle.
    angle : float
        Angle in radians from the first axis to the first eigenvector; for d = 2 only.

    Raises
    ------
    ValueError
        The eigenvalues are empty or not finite, or there is an angle and d is not 2.

    Examples
    --------
    >>> f = quadratic([1.0, 10.0])
    >>> float(f([2.0, 1.0])), f.grad([2.0, 1.0])
    (7.0, array([ 2., 10.]))
    """
    lam = np.array(eigenvalues, float)
    if lam.ndim != 1 or lam.size == 0 or not np.isfinite(lam).all():
        raise ValueError(f"eigenvalues must be a list of finite numbers such as [1, 10]; got {eigenvalues!r}")
    if angle and lam.size != 2:
        raise ValueError(f"eigenvalues must be 2 numbers for an angle; got {lam.size}. Omit the angle.")
    minima = (np.zeros(lam.size),) if (lam > 0).all() else ()
    cos, sin = np.cos(angle), np.sin(angle)

    def turn(theta, sin):
        if not angle:
            return theta
        x, y = theta[..., 0], theta[..., 1]
        return vector(cos * x + sin * y, cos * y - sin * x)

    def checked(theta):
        theta = _numbers(theta)
        if theta.shape[-1:] != lam.shape:
            raise ValueError(f"theta must have {lam.size} coordinates on its last axis; got shape {theta.shape}")
        return theta

    def value(theta):
        return 0.5 * (lam * turn(checked(theta), sin) ** 2).sum(axis=-1)

    def grad(theta):
        return turn(lam * turn(checked(theta), sin), -sin)

    def hess(theta):
        basis = np.array([[cos, sin], [-sin, cos]]) if angle else np.eye(lam.size)
        h = basis.T * lam @ basis
        return np.broadcast_to(h, checked(theta).shape[:-1] + h.shape)

    return _known("quadratic", value, grad, hess, minima)


#: (1 − x)² + 100 (y − x²)²: a bent valley with a flat bottom (Rosenbrock, 1960).
rosenbrock = _plane(
    "rosenbrock",
    lambda x, y: (1 - x) ** 2 + 100 * (y - x**2) ** 2,
    lambda x, y: (-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)),
    lambda x, y: ((2 - 400 * y + 1200 * x**2, -400 * x), (-400 * x, 200.0)),
    minima=((1.0, 1.0),),
)

#: (x² + y − 11)² + (x + y² − 7)²: four valleys of equal depth 0 (Himmelblau, 1972).
himmelblau = _plane(
    "himmelblau",
    lambda x, y: (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2,
    lambda x, y: (
        4 * x * (a := x * x + y - 11) + 2 * (b := x + y * y - 7),
        2 * a + 4 * y * b,
    ),
    lambda x, y: ((12 * x**2 + 4 * y - 42, 4 * (x + y)), (4 * (x + y), 12 * y**2 + 4 * x - 26)),
    minima=(
        (3.0, 2.0),
        (-2.805118086952745, 3.131312518250573),
        (-3.779310253377747, -3.283185991286169),
        (3.584428340330492, -1.848126526964404),
    ),
)

#: Σₖ (cₖ − x + x yᵏ)², c = 1.5, 2.25, 2.625: a plateau with steep corners (Beale, 1958).
beale = _plane(
    "beale",
    lambda x, y: (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y * y * y) ** 2,
    lambda x, y: (
        2 * (a := 1.5 - x + x * y) * (y - 1)
        + 2 * (b := 2.25 - x + x * y * y) * (y * y - 1)
        + 2 * (c := 2.625 - x + x * y * y * y) * (y * y * y - 1),
        2 * a * x + 4 * b * x * y + 6 * c * x * y * y,
    ),
    lambda x, y: (
        (
            2 * ((y - 1) ** 2 + (y**2 - 1) ** 2 + (y * y * y - 1) ** 2),
            mixed := 2 * (1.5 - x + x * y)
            + 4 * y * (2.25 - x + x * y**2)
            + 6 * y**2 * (2.625 - x + x * y * y * y)
            + 2 * x * (y - 1)
            + 4 * x * y * (y**2 - 1)
            + 6 * x * y**2 * (y * y * y - 1),
        ),
        (
            mixed,
            2 * x**2 + 4 * x * (2.25 - x + x * y**2) + 8 * x**2 * y**2
            + 12 * x * y * (2.625 - x + x * y * y * y) + 18 * x**2 * (y**2) ** 2,
        ),
    ),
    minima=((3.0, 0.5),),
)

#: x² − y² + y⁴: a pass at the origin, and a valley on either side of it, at y = ±1/√2.
saddle = _plane(
    "saddle",
    lambda x, y: x**2 - y**2 + (y**2) ** 2,
    lambda x, y: (2 * x, -2 * y + 4 * y * y * y),
    lambda x, y: ((2.0, 0.0), (0.0, -2 + 12 * y**2)),
    minima=((0.0, 0.5**0.5), (0.0, -(0.5**0.5))),
)

#: x³ − 3xy²: three ways down, for two legs and a tail; unbounded.
monkey_saddle = _plane(
    "monkey_saddle",
    lambda x, y: x * x**2 - 3 * x * y**2,
    lambda x, y: (3 * x * x - 3 * y * y, -6 * x * y),
    lambda x, y: ((6 * x, -6 * y), (-6 * y, -6 * x)),
)

#: (x² − 1)²/4 + x/10 + y²/2: a deep valley, a shallow one, and a ridge between them.
double_well = _plane(
    "double_well",
    lambda x, y: (x**2 - 1) ** 2 / 4 + x / 10 + y**2 / 2,
    lambda x, y: (x * (x * x - 1) + 0.1, y),
    lambda x, y: ((3 * x**2 - 1, 0.0), (0.0, 1.0)),
    minima=((-1.0466805318046022, 0.0), (0.9456492739235914, 0.0)),
)
