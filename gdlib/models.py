"""Models that learn from data: a loss and its gradient over chosen rows, parameters as one flat vector.

For parameters theta of shape (..., d) a loss has shape (...), a gradient (..., d): runs lead, as everywhere.
"""
from dataclasses import dataclass

import numpy as np

ALL = slice(None)


@dataclass(frozen=True, eq=False)
class LeastSquares:
    """Linear regression with the mean squared error:  J(θ) = mean over rows of (xᵢ·θ − yᵢ)²,  ∇J = (2/n) Xᵀ(Xθ − y).

    Parameters
    ----------
    X : (n, p), one example a row
    y : (n,), what is to be predicted
    intercept : True puts a column of ones behind the others; its coefficient is then the last of θ

    Raises
    ------
    ValueError : X not of two axes, y of another length, no rows, or a value that is not finite

    References
    ----------
    Legendre (1805), Nouvelles méthodes pour la détermination des orbites des comètes, appendix.
    """

    X: np.ndarray
    y: np.ndarray
    intercept: bool = True

    def __post_init__(self):
        X, y = np.asarray(self.X, float), np.asarray(self.y, float)
        if X.ndim != 2 or y.shape != X.shape[:1] or X.size == 0:
            raise ValueError(
                f"X must be of shape (n, p) and y of shape (n,) with the same n > 0; "
                f"X came as {X.shape} and y as {y.shape}"
            )
        for name, values in (("X", X), ("y", y)):
            if not np.isfinite(values).all():
                row = int(np.argwhere(~np.isfinite(values))[0][0])
                raise ValueError(f"{name} must be finite, and its row {row} is {values[row]}: drop or fill such rows")
        if self.intercept:
            X = np.column_stack([X, np.ones(len(X))])
        object.__setattr__(self, "X", X)
        object.__setattr__(self, "y", y)

    name = "least squares"

    @property
    def dim(self):
        """The number of parameters, d."""
        return self.X.shape[1]

    @property
    def shapes(self):
        """The layout of the flat parameters: one shape a block."""
        return ((self.X.shape[1],),)

    def __call__(self, theta, rows=ALL):
        return np.mean(self._residuals(theta, rows) ** 2, axis=-1)

    def grad(self, theta, rows=ALL):
        """∇J over the chosen rows, of theta's shape."""
        residuals = self._residuals(theta, rows)
        return 2 / residuals.shape[-1] * residuals @ self.X[rows]

    def hess(self, theta=None):
        """(2/n) XᵀX, the same at every theta: (d, d)."""
        return 2 / len(self.X) * self.X.T @ self.X

    def predict(self, theta, X):
        """ŷ for new rows X (m, p): (..., m)."""
        X = np.asarray(X, float)
        return np.asarray(theta) @ (np.column_stack([X, np.ones(len(X))]) if self.intercept else X).T

    def solution(self):
        """The θ of least loss, by `numpy.linalg.lstsq`: what descent is to be compared with."""
        return np.linalg.lstsq(self.X, self.y, rcond=None)[0]

    @property
    def minima(self):
        return (self.solution(),)

    def _residuals(self, theta, rows):
        theta = np.asarray(theta, float)
        if theta.shape[-1:] != self.X.shape[1:]:
            raise ValueError(
                f"this model has {self.dim} parameters{' (the intercept is the last)' * self.intercept}, "
                f"and theta came with shape {theta.shape}"
            )
        return theta @ self.X[rows].T - self.y[rows]
