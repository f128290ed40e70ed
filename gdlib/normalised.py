"""Networks whose hidden sums are normalised: over the rows of a batch, or over the units of a layer."""
from collections.abc import Sequence

import numpy as np

from gdlib.models import ALL
from gdlib.networks import ACTIVATIONS, MLP

__all__ = ["NormalisedMLP"]

EPS = 1e-5  # added to each variance, as in PyTorch


class NormalisedMLP(MLP):
    """Network with normalised hidden layers:  h ← φ(g x̂ + b),  x̂ = (a − mean a)/√(var a + 1e-5),  a = h W.

    Each unit has a gain g and a shift b, which are learned; the output layer is h W + b.

    - "batch": mean and variance of each unit over the rows. The rows of a batch depend on each other, so the loss of a
      batch is not the mean of its rows' own losses. Of a single row nothing is left, as a − mean a = 0: the hidden
      units are φ(b) whatever the input, and no hidden weight has a gradient.
    - "layer": mean and variance of each row over the units of the layer. Rows stay independent.

    The loss and the gradient use the chosen rows' own mean and variance, as in training. `predict`, `probabilities` and
    `accuracy` with "batch" use the mean and variance over all rows of the model's own data, at the same theta. PyTorch
    keeps running averages instead, which lag behind theta.

    Parameters
    ----------
    X : array (n, p)
        Inputs, one example per row.
    y : array (n,) or (n, k)
        Labels 0 … K−1 for cross-entropy, numbers for squared error.
    hidden : sequence of int
        Number of units in each hidden layer; at least one layer.
    activation : str
        Activation φ: "tanh", "sigmoid", "relu" or "identity".
    loss : str
        Loss: "cross-entropy" or "squared".
    classes : int, optional
        Number of classes K; needed where y lacks the highest labels.
    over : str
        What the mean and variance are taken over: "batch" or "layer".

    Raises
    ------
    ValueError
        X and y do not fit together, X is not finite, y holds other labels, or a setting is unknown.

    References
    ----------
    Ioffe and Szegedy (2015), Batch normalization.
    Ba, Kiros, Hinton (2016), Layer normalization.

    Examples
    --------
    >>> model = NormalisedMLP([[0.0, 1.0], [1.0, 0.0]], [0, 1], hidden=(3,), over="layer")
    >>> model.shapes  # the gains come last
    ((2, 3), (3,), (3, 2), (2,), (3,))
    """

    name = "normalised network"

    def __init__(
        self,
        X: np.ndarray,
        y: np.ndarray,
        hidden: Sequence[int] = (32,),
        activation: str = "tanh",
        loss: str = "cross-entropy",
        classes: int | None = None,
        over: str = "batch",
    ):
        super().__init__(X, y, hidden, activation, loss, classes)
        if over not in ("batch", "layer"):
            raise ValueError(f"over must be 'batch' or 'layer'; got {over!r}")
        if not self.hidden:
            raise ValueError("hidden must name at least one layer to normalise, such as (32,); got ()")
        self.over, self.axis, self.name = over, {"batch": -2, "layer": -1}[over], f"{over}-normalised network"
        self.shapes += tuple((units,) for units in self.hidden)
        self.width *= 2

    def init(self, rng, gain=1.0, scheme="lecun"):
        """Draw random parameters (d,): weights as `MLP.init` draws them, shifts b = 0, gains g = 1.

        Parameters
        ----------
        rng : Generator
            Source of the random numbers.
        gain : float
            Factor of all weights. In the hidden layers the normalisation takes it out again, but for the 1e-5.
        scheme : str
            Scheme: "lecun", "glorot", "he" or "plain".
        """
        theta = super().init(rng, gain, scheme)
        for g in self.blocks(theta)[-len(self.hidden):]:
            g[:] = 1
        return theta

    def grad(self, theta, rows=ALL):
        theta, y = np.asarray(theta), self.y[rows]
        blocks = self.blocks(theta)
        gradient = np.empty(theta.shape, np.result_type(theta, self.X))
        into = self.blocks(gradient)
        gains = into[-len(self.hidden):]
        for i, h, delta, outer, x in self._backward(blocks, self.X[rows], lambda output: self._error(output, y)):
            np.matmul(h.swapaxes(-1, -2), delta, out=into[i])
            np.sum(outer, axis=-2, out=into[i + 1])
            if x is not None:
                np.sum(outer * x, axis=-2, out=gains[i // 2])
        return gradient

    def _outputs(self, theta, X):
        blocks, X, kept = self.blocks(theta), self.new_rows(X), []
        if self.over == "batch":
            self._forward(blocks, self.X, kept)
        return self._forward(blocks, X, moments=[moments for _, *moments in kept])[-1]

    def _forward(self, blocks, h, kept=None, moments=None):
        """Values of all layers; `kept` receives each hidden layer's (x̂, mean, deviation), `moments` fixes two."""
        phi, layers, gains = ACTIVATIONS[self.activation][0], [h], blocks[-len(self.hidden):]
        for i, gain in enumerate(gains):
            a = h @ blocks[2 * i]
            mean, deviation = moments[i] if moments else self._moments(a)
            x = (a - mean) / deviation
            h = phi(gain[..., None, :] * x + blocks[2 * i + 1][..., None, :])
            layers.append(h)
            if kept is not None:
                kept.append((x, mean, deviation))
        W, b = blocks[2 * len(gains):][:2]
        return [*layers, h @ W + b[..., None, :]]

    def _moments(self, a):
        """Mean and √(variance + 1e-5), over the rows or over the units."""
        mean = a.mean(axis=self.axis, keepdims=True)
        return mean, np.sqrt(((a - mean) ** 2).mean(axis=self.axis, keepdims=True) + EPS)

    def _backward(self, blocks, X, error):
        """As in `MLP`, and of each layer also ∂J/∂(g x̂ + b) and x̂; the output layer has no x̂.

        Mean and deviation depend on every a, so with d = ∂J/∂x̂ and the means over the same axis
        ∂J/∂a = (d − mean d − x̂ · mean(d x̂)) / deviation.
        """
        layers, slope = self._forward(blocks, X, kept := []), ACTIVATIONS[self.activation][1]
        gains, delta, h = blocks[-len(self.hidden):], error(layers.pop()), layers.pop()
        yield 2 * len(gains), h, delta, delta, None
        for i in range(2 * len(gains) - 2, -1, -2):
            outer = delta @ blocks[i + 2].swapaxes(-1, -2) * slope(h)
            h, (x, _, deviation) = layers.pop(), kept.pop()
            d = outer * gains[i // 2][..., None, :]
            along = (d * x).mean(axis=self.axis, keepdims=True)
            delta = (d - d.mean(axis=self.axis, keepdims=True) - x * along) / deviation
            yield i, h, delta, outer, x
