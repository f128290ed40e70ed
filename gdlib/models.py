"""Models that learn from data: a loss and its gradient over chosen rows, parameters as one flat vector.

For parameters theta of shape (..., d) a loss has shape (...) and a gradient (..., d): runs come first, as everywhere.
`rows` is a slice or an array of row numbers; by default all rows. `model.shapes` is the layout of the flat vector.
"""
import copy
import math
from functools import cached_property
from itertools import accumulate, pairwise

import numpy as np

__all__ = ["LeastSquares", "LogisticRegression"]

ALL = slice(None)


class Model:
    """A loss over rows of data, as a function of one flat vector of parameters.

    Every model inherits from this class, which checks the data and sees the flat vector as blocks. A model of your own
    sets `name`, `shapes` and `width`, and defines `__call__` and `grad`.

    Parameters
    ----------
    X : array (n, p)
        Inputs, one example per row.
    y : array (n,) or (n, k)
        Targets.

    Attributes
    ----------
    name : str
        Name for plots and messages.
    shapes : tuple of tuple
        Shape of each block of parameters, in their order in theta.
    width : int
        Peak number of intermediate values per row and run; memory is planned by it.
    intercept : bool
        Whether X has a column of ones behind the others.
    minima : tuple
        Known minima.

    Raises
    ------
    ValueError
        X and y do not fit together, hold no rows, or hold something else than finite numbers.
    """

    name: str
    shapes: tuple
    width: int
    intercept = False
    minima = ()

    def __init__(self, X: np.ndarray, y: np.ndarray):
        try:
            X, y = np.asarray(X, float), np.asarray(y)
        except (TypeError, ValueError) as error:
            got = f"{type(error).__name__}: {error}"
            raise ValueError(f"X and y must hold numbers, with rows of one length; got {got}") from None
        if X.ndim != 2 or X.size == 0 or y.shape[:1] != X.shape[:1]:
            raise ValueError(
                f"X must have shape (n, p) and y length n, with n > 0 and p > 0; got shapes {X.shape} and {y.shape}"
            )
        if y.dtype.kind not in "iufb":
            raise ValueError(f"y must hold numbers; got {y.flat[0]!r}")
        for name, values in (("X", X), ("y", y)):
            if not np.isfinite(values).all():
                row = int(np.argwhere(~np.isfinite(values))[0][0])
                raise ValueError(f"{name} must be finite; got {values[row]} in row {row}. Drop or fill such rows.")
        self.X, self.y = _in_c_order(X), _in_c_order(y)

    @property
    def n(self):
        """Number of rows."""
        return len(self.X)

    @cached_property
    def dim(self):
        """Number of parameters, d."""
        return sum(map(math.prod, self.shapes))

    @cached_property
    def _layout(self):
        """Position of each block in the flat parameters, and its shape."""
        ends = list(accumulate(map(math.prod, self.shapes), initial=0))
        return [(slice(*span), shape) for span, shape in zip(pairwise(ends), self.shapes, strict=True)]

    @property
    def nbytes(self):
        """Size of the data in bytes."""
        return self.X.nbytes + self.y.nbytes

    def __call__(self, theta, rows=ALL):
        """Loss over the chosen rows.

        Parameters
        ----------
        theta : array (..., d)
            Parameters.
        rows : slice or array of int
            Rows of the data.

        Returns
        -------
        array (...)
            One loss per run.
        """
        raise NotImplementedError

    def grad(self, theta, rows=ALL):
        """Gradient of the loss over the chosen rows.

        Parameters
        ----------
        theta : array (..., d)
            Parameters.
        rows : slice or array of int
            Rows of the data.

        Returns
        -------
        array (..., d)
            One gradient per run.
        """
        raise NotImplementedError

    def take(self, rows):
        """Make the same model over some rows, in their order.

        Parameters
        ----------
        rows : slice or array of int
            Rows of the data.
        """
        other = copy.copy(self)
        other.X, other.y = _in_c_order(self.X[rows]), _in_c_order(self.y[rows])
        return other

    def new_rows(self, X):
        """Prepare inputs that the model has not seen: check them, and add the column of ones if the model has one.

        Parameters
        ----------
        X : array (m, p)
            New inputs, one example per row.

        Raises
        ------
        ValueError
            X has another number of columns than the model's own data.
        """
        X, p = np.asarray(X, float), self.X.shape[1] - self.intercept
        if X.ndim != 2 or X.shape[1] != p:
            raise ValueError(f"X must have shape (m, {p}), as the model's own data; got shape {X.shape}")
        return _with_ones(X) if self.intercept else X

    def blocks(self, theta):
        """View theta as one array (..., *shape) for each of `shapes`, without copies.

        Parameters
        ----------
        theta : array (..., d)
            Parameters.

        Raises
        ------
        ValueError
            theta has another number of parameters.
        """
        theta = np.asarray(theta)
        if theta.shape[-1:] != (self.dim,):
            raise ValueError(f"theta must have {self.dim} parameters on its last axis; got shape {theta.shape}")
        runs = theta.shape[:-1]
        return [theta[..., part].reshape(runs + shape) for part, shape in self._layout]

    def hvp(self, theta, v, rows=ALL):
        """Hessian–vector product:  H v = Im ∇J(θ + ihv)/h,  with h = 1e-20.

        This complex step is exact to rounding, as nothing is subtracted.

        Parameters
        ----------
        theta : array (..., d)
            Parameters where the Hessian H is taken.
        v : array (..., d)
            Vector.
        rows : slice or array of int
            Rows of the data.

        References
        ----------
        Squire and Trapp (1998), Using complex variables to estimate derivatives of real functions.
        """
        return np.imag(self.grad(np.asarray(theta) + 1e-20j * np.asarray(v), rows)) / 1e-20

    def hess(self, theta, rows=ALL):
        """Hessian (..., d, d), by one Hessian–vector product per column; for small d.

        Parameters
        ----------
        theta : array (..., d)
            Parameters.
        rows : slice or array of int
            Rows of the data.
        """
        theta = np.asarray(theta, float)
        columns = [self.hvp(theta, np.broadcast_to(e, theta.shape), rows) for e in np.eye(self.dim)]
        return np.stack(columns, axis=-1)


class LeastSquares(Model):
    """Linear regression with mean squared error:  J(θ) = mean over rows of (xᵢ·θ − yᵢ)²,  ∇J = (2/n) Xᵀ(Xθ − y).

    Parameters
    ----------
    X : array (n, p)
        Inputs, one example per row.
    y : array (n,)
        Targets.
    intercept : bool
        True adds a column of ones behind the others; its coefficient is then the last of θ.

    Raises
    ------
    ValueError
        X and y do not fit together, hold no rows, or hold something else than finite numbers.

    References
    ----------
    Legendre (1805), Nouvelles méthodes pour la détermination des orbites des comètes, appendix.

    Examples
    --------
    >>> model = LeastSquares([[1.0], [2.0]], [2.0, 4.0], intercept=False)
    >>> float(model([1.0])), model.grad([2.0])
    (2.5, array([0.]))
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
        residuals = self._residuals(theta, rows)
        return 2 / residuals.shape[-1] * residuals @ self.X[rows]

    def hess(self, theta=None, rows=ALL):
        """Hessian (2/n) XᵀX, the same at every theta: (d, d).

        Parameters
        ----------
        theta : array (..., d), optional
            Not used.
        rows : slice or array of int
            Rows of the data.
        """
        X = self.X[rows]
        return 2 / len(X) * X.T @ X

    def predict(self, theta, X):
        """Predict the targets ŷ of new rows.

        Parameters
        ----------
        theta : array (..., d)
            Parameters.
        X : array (m, p)
            New inputs, one example per row.

        Returns
        -------
        array (..., m)
            One prediction per run and row.
        """
        return self.blocks(theta)[0] @ self.new_rows(X).T

    def solution(self):
        """Solve for the θ of least loss with `numpy.linalg.lstsq`, to compare a descent with."""
        return np.linalg.lstsq(self.X, self.y, rcond=None)[0]

    @property
    def minima(self):
        """Known minima: the solution."""
        return (self.solution(),)

    def _residuals(self, theta, rows):
        (theta,) = self.blocks(theta)
        return theta @ self.X[rows].T - self.y[rows]


class LogisticRegression(Model):
    """Logistic regression:  p(1 | x) = s(x·θ),  J(θ) = mean over rows of −log p(yᵢ | xᵢ),  ∇J = (1/n) Xᵀ(p − y).

    Two classes; s is the sigmoid.

    Parameters
    ----------
    X : array (n, p)
        Inputs, one example per row.
    y : array (n,)
        Labels 0 or 1.
    intercept : bool
        True adds a column of ones behind the others; its coefficient is then the last of θ.

    Raises
    ------
    ValueError
        X and y do not fit together, X is not finite, or y holds other labels.

    References
    ----------
    Cox (1958), The regression analysis of binary sequences.

    Examples
    --------
    >>> model = LogisticRegression([[-1.0], [2.0]], [0, 1])
    >>> model.predict([1.0, 0.0], [[-3.0], [3.0]])
    array([0, 1])
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
        (theta,) = self.blocks(theta)
        X = self.X[rows]
        return (sigmoid(theta @ X.T) - self.y[rows]) @ X / len(X)

    def probabilities(self, theta, X):
        """Probability p(1 | x) of new rows.

        Parameters
        ----------
        theta : array (..., d)
            Parameters.
        X : array (m, p)
            New inputs, one example per row.

        Returns
        -------
        array (..., m)
            One probability per run and row.
        """
        return sigmoid(self.blocks(theta)[0] @ self.new_rows(X).T)

    def predict(self, theta, X):
        """Predict the more likely label of new rows.

        Parameters
        ----------
        theta : array (..., d)
            Parameters.
        X : array (m, p)
            New inputs, one example per row.

        Returns
        -------
        array (..., m) of int
            One label per run and row.
        """
        return (self.probabilities(theta, X) > 0.5).astype(int)

    def accuracy(self, theta, X, y):
        """Share of rows whose label is predicted.

        Parameters
        ----------
        theta : array (..., d)
            Parameters.
        X : array (m, p)
            New inputs, one example per row.
        y : array (m,)
            Their labels.

        Returns
        -------
        array (...)
            One share per run.
        """
        return share_right(self.predict(theta, X), y)


def sigmoid(z):
    """Sigmoid s(z) = 1/(1 + e⁻ᶻ)."""
    return 0.5 * (1 + np.tanh(0.5 * z))  # the same function, without overflow


def softplus(z):
    """Softplus log(1 + eᶻ), without overflow, also of complex numbers: for the complex step."""
    return np.where(z.real > 0, z, 0) + np.log1p(np.exp(np.where(z.real > 0, -z, z)))


def share_right(predicted, y):
    """Share of rows whose label is predicted: (..., m) and (m,) give (...)."""
    rows = predicted.shape[-1:]
    if np.shape(y) != rows:
        raise ValueError(f"y must have shape {rows}, one label for each row of X; got shape {np.shape(y)}")
    return np.mean(predicted == y, axis=-1)


def _in_c_order(array):
    """Align the numbers, without gaps, so that BLAS takes the same path wherever they come from."""
    return np.require(array, requirements=["C_CONTIGUOUS", "ALIGNED"])


def _with_ones(X):
    return np.column_stack([X, np.ones(len(X))])


def _one_target(y):
    if y.ndim != 1:
        raise ValueError(f"y must have shape (n,), one number per row; got shape {y.shape}")


def check_labels(y, classes):
    """Turn y into whole numbers, which must be labels 0 … K−1; K is `classes`, if it is known."""
    _one_target(y)
    with np.errstate(invalid="ignore"):  # a number too large for an integer is found below
        labels = y.astype(int)
    highest = "K−1" if classes is None else classes - 1
    if (labels != y).any() or labels.min() < 0 or (classes is not None and labels.max() >= classes):
        bad = y[(labels != y) | (labels < 0) | (labels >= (classes or np.inf))][0]
        raise ValueError(f"labels y must be whole numbers from 0 to {highest}; got {bad}")
    return labels
