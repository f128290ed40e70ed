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
