"""Networks of layers, with gradients by backpropagation; softmax regression is the one without a hidden layer."""
from collections.abc import Sequence

import numpy as np

from gdlib.checks import check_whole, is_whole
from gdlib.models import ALL, Model, check_labels, share_right, sigmoid

__all__ = ["SoftmaxRegression", "MLP"]


class MLP(Model):
    """A network of layers:  h ← φ(h W + b),  the last layer without φ;  its loss is cross-entropy or squared error.

    Cross-entropy: mean over rows of −log softmax(output)[label]. Squared: mean over rows of the sum over outputs of
    (ŷ − y)². The gradient by backpropagation.

    Parameters
    ----------
    X : (n, p), one example a row
    y : (n,) labels 0 … K−1 for cross-entropy; (n,) or (n, k) numbers for squared error
    hidden : the number of units of each hidden layer; () for none
    activation : φ: "tanh", "sigmoid", "relu" or "identity"
    loss : "cross-entropy" or "squared"
    classes : K, if some of the labels may be missing in y

    References
    ----------
    Rumelhart, Hinton, Williams (1986), Learning representations by back-propagating errors.
    """

    name = "network"

    def __init__(
        self,
        X: np.ndarray,
        y: np.ndarray,
        hidden: Sequence[int] = (32,),
        activation: str = "tanh",
        loss: str = "cross-entropy",
        classes: int | None = None,
    ):
        super().__init__(X, y)
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation must be one of {', '.join(ACTIVATIONS)}; got {activation!r}")
        if loss not in ("cross-entropy", "squared"):
            raise ValueError(f"loss must be 'cross-entropy' or 'squared'; got {loss!r}")
        if not isinstance(hidden, Sequence) or not all(is_whole(h) and h > 0 for h in hidden):
            raise ValueError(f"hidden must be the sizes of the hidden layers, such as (128,); got {hidden!r}")
        if classes is not None:
            check_whole(classes, "classes", 1)
        if loss == "cross-entropy":
            self.y = check_labels(self.y, classes)
            outputs = classes or int(self.y.max()) + 1
        else:
            if self.y.ndim > 2:
                raise ValueError(f"y must be of shape (n,) or (n, k) for squared error; got {self.y.shape}")
            self.y = self.y.astype(float).reshape(len(self.y), -1)
            outputs = self.y.shape[1]
        self.hidden, self.activation, self.loss = tuple(hidden), activation, loss
        sizes = (self.X.shape[1], *hidden, outputs)
        self.shapes = tuple(s for a, b in zip(sizes, sizes[1:], strict=False) for s in ((a, b), (b,)))
        self.width = 2 * sum(sizes[1:])

    def init(self, rng, gain=1.0):
        """Random parameters (d,): weights N(0, gain²/fan-in), biases 0. gain √2 suits relu (He et al., 2015)."""
        parts = [gain / shape[0] ** 0.5 * rng.standard_normal(shape) if len(shape) == 2 else np.zeros(shape)
                 for shape in self.shapes]
        return np.concatenate([part.ravel() for part in parts])

    def __call__(self, theta, rows=ALL):
        output = self._forward(self.blocks(theta), self.X[rows])[-1]
        y = self.y[rows]
        if self.loss == "squared":
            return ((output - y) ** 2).sum(axis=-1).mean(axis=-1)
        z = output - output.max(axis=-1, keepdims=True)
        return np.mean(np.log(np.exp(z).sum(axis=-1)) - z[..., np.arange(len(y)), y], axis=-1)

    def grad(self, theta, rows=ALL):
        """∇J over the chosen rows, of theta's shape, by backpropagation."""
        theta = np.asarray(theta)
        blocks, y = self.blocks(theta), self.y[rows]
        layers = self._forward(blocks, self.X[rows])
        delta = self._error(layers.pop(), y)  # ∂J/∂(what enters the last layer's loss)
        gradient = np.empty(theta.shape, delta.dtype)
        into, slope = self.blocks(gradient), ACTIVATIONS[self.activation][1]
        for i in range(len(blocks) - 2, -1, -2):
            h = layers.pop()
            np.matmul(h.swapaxes(-1, -2), delta, out=into[i])
            np.sum(delta, axis=-2, out=into[i + 1])
            if i:
                delta = delta @ blocks[i].swapaxes(-1, -2) * slope(h)
        return gradient

    def probabilities(self, theta, X):
        """The classes' probabilities for new rows X (m, p): (..., m, K)."""
        return _softmax(self._forward(self.blocks(theta), self.new_rows(X))[-1])

    def predict(self, theta, X):
        """The likeliest label for new rows X (m, p): (..., m); for squared error the outputs, (..., m, k)."""
        output = self._forward(self.blocks(theta), self.new_rows(X))[-1]
        return output if self.loss == "squared" else output.argmax(axis=-1)

    def accuracy(self, theta, X, y):
        """The share of rows whose label is predicted: (...)."""
        if self.loss == "squared":
            raise ValueError("accuracy counts labels, and this loss is squared error: compare predict(theta, X) with y")
        return share_right(self.predict(theta, X), y)

    def _forward(self, blocks, h):
        """The values of all layers, the data first, the outputs last."""
        phi, layers = ACTIVATIONS[self.activation][0], [h]
        for i in range(0, len(blocks), 2):
            h = h @ blocks[i] + blocks[i + 1][..., None, :]
            if i + 2 < len(blocks):
                h = phi(h)
            layers.append(h)
        return layers

    def _error(self, output, y):
        """∂J/∂output: (2/n)(ŷ − y), or (1/n)(p − 1[label])."""
        if self.loss == "squared":
            return 2 / len(y) * (output - y)
        p = _softmax(output)
        p[..., np.arange(len(y)), y] -= 1
        return p / len(y)


class SoftmaxRegression(MLP):
    """K classes:  p(k | x) = softmax(x W + b)ₖ,  J(θ) = mean over rows of −log p(yᵢ | xᵢ),  ∂J/∂W = (1/n) Xᵀ(p − 1[y]).

    A network without hidden layers: θ holds W (p, K), then b (K).

    Parameters
    ----------
    X : (n, p), one example a row
    y : (n,), labels 0 … K−1
    classes : K, if some of the labels may be missing in y
    """

    name = "softmax regression"

    def __init__(self, X: np.ndarray, y: np.ndarray, classes: int | None = None):
        super().__init__(X, y, hidden=(), loss="cross-entropy", classes=classes)


def _softmax(z):
    e = np.exp(z - z.real.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


# name: (φ, its derivative, told from the value h = φ(a))
ACTIVATIONS = {
    "tanh": (np.tanh, lambda h: 1 - h * h),
    "sigmoid": (sigmoid, lambda h: h * (1 - h)),
    "relu": (lambda a: a * (a.real > 0), lambda h: h.real > 0),
    "identity": (lambda a: a, lambda h: 1.0),
}
