"""A rule with a velocity, along one direction of a quadratic: the recurrence of its points, and its roots."""
import numpy as np


def recurrence(a, beta, look_ahead=False):
    """The coefficients (t, b) of  xₖ₊₁ = t xₖ − b xₖ₋₁, the walk of a rule with a velocity along one direction.

    Parameters
    ----------
    a : float or array
        ηλ, the learning rate times the direction's curvature; negative where it bends downwards.
    beta : float or array
        β, the share of the velocity that is kept; 0 is plain descent.
    look_ahead : bool
        False for the heavy ball, t = 1 + β − a and b = β; True for Nesterov's rule, t = (1 + β)(1 − a), b = β(1 − a).
    """
    if look_ahead:
        return (1 + beta) * (1 - a), beta * (1 - a)
    return 1 + beta - a, beta


def roots(t, b):
    """The two roots of z² − t z + b = 0, complex: the factors with which xₖ may go from step to step."""
    half = np.sqrt(np.asarray(t) ** 2 - 4 * np.asarray(b) + 0j)
    return (t + half) / 2, (t - half) / 2


def at_step(k, t, b):
    """The point xₖ of  xₖ₊₁ = t xₖ − b xₖ₋₁  from  x₋₁ = x₀ = 1, by its roots: no loop, however large k is.

    It is  xₖ = sₖ₊₁ − b sₖ  with  sₖ = (z₁ᵏ − z₂ᵏ)/(z₁ − z₂),  which is k zᵏ⁻¹ where the roots meet.

    Examples
    --------
    >>> round(float(at_step(2, 0.5, 0.0)), 12)  # plain descent, each step halves
    0.25
    """
    first, second = roots(t, b)
    gap = first - second
    double = np.abs(gap) < 1e-9

    def s(k):
        apart = (first**k - second**k) / np.where(double, 1, gap)
        return np.where(double, k * first ** np.maximum(k - 1, 0), apart)

    with np.errstate(under="ignore"):
        return (s(k + 1) - b * s(k)).real
