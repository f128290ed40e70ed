"""A recurrence of two parameters, whose loss has a cliff: a picture, and no proof, of what clipping is for.

For w > 4.3 the cliff runs along b = ½ − w s(½), where the recurrence rests at its start x = ½ and r = w s′(½) > 1.
There ∂x/∂b is 1 + r + … + r⁴⁹, about 18,000 at w = 5, in a strip as narrow as it is steep.
"""
import numpy as np

from gdlib.models import sigmoid
from gdlib.objectives import Objective

STEPS, START, TARGET = 50, 0.5, 0.7


def values(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Run the recurrence  x ← w s(x) + b  for 50 steps from x = 0.5, with the sigmoid s.

    Parameters
    ----------
    theta : array (..., 2)
        Parameters w and b.

    Returns
    -------
    x : array (...)
        Last value.
    slope : array (..., 2)
        Its derivatives  ∂x/∂w ← s(x) + w s′(x) ∂x/∂w  and  ∂x/∂b ← 1 + w s′(x) ∂x/∂b.

    References
    ----------
    Pascanu, Mikolov, Bengio (2013), On the difficulty of training recurrent neural networks.
    """
    w, b = theta[..., 0], theta[..., 1]
    x, slope = np.full_like(w, START), np.zeros_like(theta)
    for _ in range(STEPS):
        s = sigmoid(x)
        slope = np.stack([s, np.ones_like(s)], axis=-1) + (w * s * (1 - s))[..., None] * slope
        x = w * s + b
    return x, slope


def _loss(theta):
    return (values(theta)[0] - TARGET) ** 2


def _grad(theta):
    x, slope = values(theta)
    return 2 * (x - TARGET)[..., None] * slope


cliff = Objective("cliff", _loss, _grad)
