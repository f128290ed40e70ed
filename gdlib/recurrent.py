"""A recurrent network, with its gradient by backpropagation through time."""
import numpy as np

from gdlib.checks import check_number, check_whole
from gdlib.models import ALL, Model
from gdlib.networks import check_generator

__all__ = ["RecurrentNetwork"]


class RecurrentNetwork(Model):
    """Recurrent network:  hₜ = tanh(xₜ U + hₜ₋₁ W + b),  h₀ = 0,  ŷ = h_T V + c;  the loss is squared error.

    Squared error is the mean over rows of the sum over outputs of (ŷ − y)². A row holds a sequence of T steps, the
    numbers of step 1 first. Backpropagation through time computes the gradient: δₜ₋₁ = δₜ Wᵀ (1 − hₜ₋₁²), with the same
    W at each of the T steps.

    Parameters
    ----------
    X : array (n, T · p)
        Sequences, one per row: T steps of p numbers.
    y : array (n,) or (n, k)
        Targets.
    hidden : int
        Number of hidden units.
    inputs : int
        Number p of inputs at each step; the row's length must be a multiple of it.

    Raises
    ------
    ValueError
        X and y do not fit together, X is not finite, or a row is not a whole number of steps.

    References
    ----------
    Werbos (1990), Backpropagation through time: what it does and how to do it.
    Pascanu, Mikolov, Bengio (2013), On the difficulty of training recurrent neural networks.

    Examples
    --------
    >>> model = RecurrentNetwork([[0.1, 0.2, 0.3, 0.4]], [0.5], hidden=3, inputs=2)
    >>> model.steps, model.shapes  # U, W, b, V, c
    (2, ((2, 3), (3, 3), (3,), (3, 1), (1,)))
    """

    name = "recurrent network"

    def __init__(self, X: np.ndarray, y: np.ndarray, hidden: int = 32, inputs: int = 1):
        super().__init__(X, y)
        check_whole(hidden, "hidden", 1)
        check_whole(inputs, "inputs", 1)
        if self.X.shape[1] % inputs:
            raise ValueError(
                f"X must have a multiple of inputs = {inputs} columns, {inputs} for each step; got {self.X.shape[1]}"
            )
        if self.y.ndim > 2:
            raise ValueError(f"y must have shape (n,) or (n, k); got shape {self.y.shape}")
        self.y = self.y.astype(float).reshape(len(self.y), -1)
        self.inputs, self.steps, outputs = inputs, self.X.shape[1] // inputs, self.y.shape[1]
        self.shapes = ((inputs, hidden), (hidden, hidden), (hidden,), (hidden, outputs), (outputs,))
        self.width = 3 * self.steps * hidden

    def init(self, rng, gain=1.0):
        """Draw random parameters (d,): weights N(0, 1/fan-in), the recurrent W times the gain, biases 0.

        With many units, the eigenvalues of W fill a disc of radius `gain`.

        Parameters
        ----------
        rng : Generator
            Source of the random numbers.
        gain : float
            Factor of the recurrent weights W.

        Raises
        ------
        TypeError
            `rng` is not a Generator.
        ValueError
            `gain` is not a number of at least 0.

        References
        ----------
        Girko (1984), Circular law.
        """
        check_generator(rng)
        check_number(gain, "gain", least=0)
        U, W, b, V, c = (rng.standard_normal(shape) / shape[0] ** 0.5 if len(shape) == 2 else np.zeros(shape)
                         for shape in self.shapes)
        return np.concatenate([part.ravel() for part in (U, gain * W, b, V, c)])

    def __call__(self, theta, rows=ALL):
        output = self._forward(self.blocks(theta), self.X[rows])[1]
        return ((output - self.y[rows]) ** 2).sum(axis=-1).mean(axis=-1)

    def grad(self, theta, rows=ALL):
        theta, X, y = np.asarray(theta), self.X[rows], self.y[rows]
        blocks = self.blocks(theta)
        h, output = self._forward(blocks, X)
        error = 2 / len(X) * (output - y)  # ∂J/∂ŷ
        delta = self._through_time(blocks[1], h, error @ blocks[3].swapaxes(-1, -2))
        gradient = np.empty(theta.shape, delta.dtype)
        U, W, b, V, c = self.blocks(gradient)
        np.matmul(_joined(self._sequence(X)).T, _joined(delta), out=U)
        np.matmul(_joined(h[..., :-1, :, :]).swapaxes(-1, -2), _joined(delta), out=W)
        np.sum(delta, axis=(-3, -2), out=b)
        np.matmul(h[..., -1, :, :].swapaxes(-1, -2), error, out=V)
        np.sum(error, axis=-2, out=c)
        return gradient

    def predict(self, theta, X):
        """Predict the outputs of new sequences.

        Parameters
        ----------
        theta : array (..., d)
            Parameters.
        X : array (m, T · p)
            New sequences, one per row, as long as the model's own.

        Returns
        -------
        array (..., m, k)
            Outputs, k per run and sequence.
        """
        return self._forward(self.blocks(theta), self.new_rows(X))[1]

    def gradient_lengths(self, theta, rng, rows=ALL):
        """Length of the gradient at each step of time, for a gradient of length 1 at the last hidden values h_T.

        Each row gets a random direction u. The gradient of u · h_T with respect to the sums xₜ U + hₜ₋₁ W + b is
        δₜ. It holds the same W as a factor T − t times, and a slope of tanh T − t + 1 times.

        Parameters
        ----------
        theta : array (..., d)
            Parameters.
        rng : Generator
            Source of the directions.
        rows : slice or array of int
            Rows of the data, n in number.

        Returns
        -------
        array (..., T, n)
            Length of δₜ for t = 1 … T.
        """
        check_generator(rng)
        blocks = self.blocks(theta)
        h, _ = self._forward(blocks, self.X[rows])
        u = rng.standard_normal(h.shape[-2:])
        delta = self._through_time(blocks[1], h, u / np.linalg.norm(u, axis=-1, keepdims=True))
        return np.linalg.norm(delta, axis=-1)

    def _sequence(self, X):
        """Inputs step by step, (T, n, p)."""
        return X.reshape(len(X), self.steps, self.inputs).swapaxes(0, 1)

    def _forward(self, blocks, X):
        """Hidden values h₀ … h_T, (..., T + 1, n, hidden), and the outputs."""
        U, W, b, V, c = blocks
        sums = self._sequence(X) @ U[..., None, :, :] + b[..., None, None, :]
        h = np.zeros((*sums.shape[:-3], self.steps + 1, *sums.shape[-2:]), sums.dtype)
        for t in range(self.steps):
            h[..., t + 1, :, :] = np.tanh(sums[..., t, :, :] + h[..., t, :, :] @ W)
        return h, h[..., -1, :, :] @ V + c[..., None, :]

    def _through_time(self, W, h, back):
        """Gradients δ₁ … δ_T with respect to the sums, (..., T, n, hidden), from `back` = ∂J/∂h_T."""
        delta = 1 - h[..., 1:, :, :] ** 2  # the slope of tanh
        for t in range(self.steps - 1, -1, -1):
            delta[..., t, :, :] *= back
            back = delta[..., t, :, :] @ W.swapaxes(-1, -2)
        return delta


def _joined(a):
    """All steps and rows on one axis: (..., T, n, units) becomes (..., T · n, units)."""
    return a.reshape(*a.shape[:-3], -1, a.shape[-1])
