"""Models that learn from data: a loss and its gradient over chosen rows, parameters as one flat vector.

For parameters theta of shape (..., d) a loss has shape (...), a gradient (..., d): runs lead, as everywhere. `rows` is
a slice or an array of row numbers; all rows where it is left out. `model.shapes` tells how the flat vector is laid out.
"""
import copy
import math
from functools import cached_property
from itertools import accumulate, pairwise

import numpy as np

__all__ = ["LeastSquares", "LogisticRegression"]

ALL = slice(None)


class Model:
    """What all models share: the data, checked once, and the flat parameters, seen as blocks."""

    name: str
    shapes: tuple  # one shape for each block of parameters, in the order in which they lie in theta
    intercept = False  # whether X got a column of ones behind the others
    width: int  # the most numbers that the model holds for one row and one run
    minima = ()

    def __init__(self, X, y):
        try:
            X, y = np.asarray(X, float), np.asarray(y)
        except (TypeError, ValueError) as error:
            raise ValueError(f"X and y must hold numbers, as many in each row as in the others: {error}") from None
        if X.ndim != 2 or X.size == 0 or y.shape[:1] != X.shape[:1]:
            raise ValueError(
                f"X must be of shape (n, p) and y of length n, with n > 0; X came as {X.shape} and y as {y.shape}"
            )
        if y.dtype.kind not in "iufb":
            raise ValueError(f"y must hold numbers; got {y.flat[0]!r}")
        for name, values in (("X", X), ("y", y)):
            if not np.isfinite(values).all():
                row = int(np.argwhere(~np.isfinite(values))[0][0])
                raise ValueError(f"{name} must be finite, and its row {row} is {values[row]}: drop or fill such rows")
        self.X, self.y = _in_c_order(X), _in_c_order(y)

    @property
    def n(self):
        """The number of rows."""
        return len(self.X)

    @cached_property
    def dim(self):
        """The number of parameters, d."""
        return sum(map(math.prod, self.shapes))

    @cached_property
    def _layout(self):
        """Where each block lies in the flat parameters, and its shape."""
        ends = list(accumulate(map(math.prod, self.shapes), initial=0))
        return [(slice(*span), shape) for span, shape in zip(pairwise(ends), self.shapes, strict=True)]

    @property
    def nbytes(self):
        """The bytes of the data."""
        return self.X.nbytes + self.y.nbytes

    def take(self, rows):
        """The same model over these rows, in this order."""
        other = copy.copy(self)
        other.X, other.y = _in_c_order(self.X[rows]), _in_c_order(self.y[rows])
        return other

    def new_rows(self, X):
        """Rows (m, p) that the model has not seen, as it takes them: with the column of ones, if it has one."""
        X, p = np.asarray(X, float), self.X.shape[1] - self.intercept
        if X.ndim != 2 or X.shape[1] != p:
            raise ValueError(f"new rows must be of shape (m, {p}), as the model's own; got {X.shape}")
        return _with_ones(X) if self.intercept else X

    def blocks(self, theta):
        """theta (..., d) as one array (..., *shape) for each of `shapes`: views, no copies."""
        theta = np.asarray(theta)
        if theta.shape[-1:] != (self.dim,):
            raise ValueError(f"this model has {self.dim} parameters, and theta came with shape {theta.shape}")
        runs = theta.shape[:-1]
        return [theta[..., part].reshape(runs + shape) for part, shape in self._layout]

    def hvp(self, theta, v, rows=ALL):
        """H v, the Hessian at theta times a vector v, both (..., d).

        By a complex step through the gradient: Im ∇J(θ + ihv)/h with h = 1e-20, exact to rounding, as nothing is
        subtracted (Squire and Trapp, 1998).
        """
        return np.imag(self.grad(np.asarray(theta) + 1e-20j * np.asarray(v), rows)) / 1e-20

    def hess(self, theta, rows=ALL):
        """The Hessian (..., d, d), a column for each parameter. For small d."""
        theta = np.asarray(theta, float)
        columns = [self.hvp(theta, np.broadcast_to(e, theta.shape), rows) for e in np.eye(self.dim)]
        return np.stack(columns, axis=-1)


class LeastSquares(Model):
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

    name, width = "least squares", 2

    def __init__(self, X: np.ndarray, y: np.ndarray, intercept: bool = True):
        super().__init__(X, y)
        _one_target(self.y)
        self.intercept = intercept
        self.X = _with_ones(self.X) if intercept else self.X
        self.shapes = ((self.X.shape[1],),)

    def __call__(self, theta, rows=ALL):
        return np.mean(self._residuals(theta, rows) ** 2, axis=-1)

    def grad(self, theta, rows=ALL):
        """∇J over the chosen rows, of theta's shape."""
        residuals = self._residuals(theta, rows)
        return 2 / residuals.shape[-1] * residuals @ self.X[rows]

    def hess(self, theta=None, rows=ALL):
        """(2/n) XᵀX, the same at every theta: (d, d)."""
        X = self.X[rows]
        return 2 / len(X) * X.T @ X

    def predict(self, theta, X):
        """ŷ for new rows X (m, p): (..., m)."""
        return self.blocks(theta)[0] @ self.new_rows(X).T

    def solution(self):
        """The θ of least loss, by `numpy.linalg.lstsq`: what descent is to be compared with."""
        return np.linalg.lstsq(self.X, self.y, rcond=None)[0]

    @property
    def minima(self):
        return (self.solution(),)

    def _residuals(self, theta, rows):
        (theta,) = self.blocks(theta)
        return theta @ self.X[rows].T - self.y[rows]


class LogisticRegression(Model):
    """Two classes:  p(1 | x) = σ(x·θ),  J(θ) = mean over rows of −log p(yᵢ | xᵢ),  ∇J = (1/n) Xᵀ(p − y).

    Parameters
    ----------
    X : (n, p), one example a row
    y : (n,), labels 0 or 1
    intercept : True puts a column of ones behind the others; its coefficient is then the last of θ

    References
    ----------
    Cox (1958), The regression analysis of binary sequences.
    """

    name, width = "logistic regression", 2

    def __init__(self, X: np.ndarray, y: np.ndarray, intercept: bool = True):
        super().__init__(X, y)
        self.y = check_labels(self.y, 2)
        self.intercept = intercept
        self.X = _with_ones(self.X) if intercept else self.X
        self.shapes = ((self.X.shape[1],),)

    def __call__(self, theta, rows=ALL):
        (theta,) = self.blocks(theta)
        z = theta @ self.X[rows].T
        return np.mean(softplus(z) - self.y[rows] * z, axis=-1)  # −log p(y) = log(1 + eᶻ) − yz

    def grad(self, theta, rows=ALL):
        """∇J over the chosen rows, of theta's shape."""
        (theta,) = self.blocks(theta)
        X = self.X[rows]
        return (sigmoid(theta @ X.T) - self.y[rows]) @ X / len(X)

    def probabilities(self, theta, X):
        """p(1 | x) for new rows X (m, p): (..., m)."""
        return sigmoid(self.blocks(theta)[0] @ self.new_rows(X).T)

    def predict(self, theta, X):
        """The likelier label for new rows X (m, p): (..., m)."""
        return (self.probabilities(theta, X) > 0.5).astype(int)

    def accuracy(self, theta, X, y):
        """The share of rows whose label is predicted: (...)."""
        return share_right(self.predict(theta, X), y)


def sigmoid(z):
    """σ(z) = 1/(1 + e⁻ᶻ)."""
    return 0.5 * (1 + np.tanh(0.5 * z))  # the same function, without overflow


def softplus(z):
    """log(1 + eᶻ), without overflow; of complex numbers, too: for the complex step."""
    return np.where(z.real > 0, z, 0) + np.log1p(np.exp(np.where(z.real > 0, -z, z)))


def share_right(predicted, y):
    """The share of rows whose label is predicted: (..., m) and (m,) give (...)."""
    rows = predicted.shape[-1:]
    if np.shape(y) != rows:
        raise ValueError(f"y must be of shape {rows}, one label for each row of X; got {np.shape(y)}")
    return np.mean(predicted == y, axis=-1)


def _in_c_order(array):
    """The same numbers, aligned and without gaps, so that BLAS takes the same path wherever they come from."""
    return np.require(array, requirements=["C_CONTIGUOUS", "ALIGNED"])


def _with_ones(X):
    return np.column_stack([X, np.ones(len(X))])


def _one_target(y):
    if y.ndim != 1:
        raise ValueError(f"y must be of shape (n,), one number a row; got {y.shape}")


def check_labels(y, classes):
    """y as whole numbers, which must be labels 0 … K−1; K is `classes`, if it is known."""
    _one_target(y)
    with np.errstate(invalid="ignore"):  # a number too large for an integer is found out below
        labels = y.astype(int)
    highest = "K−1" if classes is None else classes - 1
    if (labels != y).any() or labels.min() < 0 or (classes is not None and labels.max() >= classes):
        bad = y[(labels != y) | (labels < 0) | (labels >= (classes or np.inf))][0]
        raise ValueError(f"labels must be whole numbers from 0 to {highest}, and {bad} is among them")
    return labels
