"""The valley that gets narrower downhill: lesson 03's smallest picture of the edge of stability."""
import numpy as np

import gdlib as gd


def narrowing(c, Y):
    """½yx² + ½c(Y − y)², at points (x, y): y is the curvature across, and the valley floor leads down to Y.

    Descent with a learning rate η between 2/Y and 2.5/Y comes to hover at y = 2/η.

    Parameters
    ----------
    c : float
        How strongly y is drawn to Y.
    Y : float
        The curvature at the lowest point, (0, Y).
    """
    def value(p):
        x, y = p[..., 0], p[..., 1]
        return y * x**2 / 2 + c * (Y - y) ** 2 / 2

    def grad(p):
        x, y = p[..., 0], p[..., 1]
        return np.stack([y * x, x**2 / 2 - c * (Y - y)], axis=-1)

    return gd.Objective("valley that narrows", value, grad)
