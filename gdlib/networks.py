"""Networks of layers, with gradients by backpropagation. Softmax regression is a network without hidden layers."""
from collections.abc import Sequence

import numpy as np

from gdlib.checks import check_number, check_whole, is_whole
from gdlib.models import ALL, Model, check_labels, share_right, sigmoid

__all__ = ["SoftmaxRegression", "MLP"]


class MLP(Model):
    """Network of layers:  h ← φ(h W + b),  the last layer without φ;  the loss is cross-entropy or squared error.

    Cross-entropy is the mean over rows of −log softmax(output)[label]; squared error is the mean over rows of the sum
    over outputs of (ŷ − y)². Backpropagation computes the gradient.

    Parameters
    ----------
    X : array (n, p)
        Inputs, one example per row.
    y : array (n,) or (n, k)
        Labels 0 … K−1 for cross-entropy, numbers for squared error.
    hidden : sequence of int
        Number of units in each hidden layer; () for none.
    activation : str
        Activation φ: "tanh", "sigmoid", "relu" or "identity".
    loss : str
        Loss: "cross-entropy" or "squared".
    classes : int, optional
        Number of classes K; needed where y lacks the highest labels.

    Raises
    ------
    ValueError
        X and y do not fit together, X is not finite, y holds other labels, or a setting is unknown.

    References
    ----------
    Rumelhart, Hinton, Williams (1986), Learning representations by back-propagating errors.

    Examples
    --------
    >>> model = MLP([[0.0, 1.0], [1.0, 0.0]], [0, 1], hidden=(3,))
    >>> model.shapes, model.dim
    (((2, 3), (3,), (3, 2), (2,)), 17)
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
            raise ValueError(f"hidden must be a sequence of whole numbers above 0 such as (128,); got {hidden!r}")
        if classes is not None:
            check_whole(classes, "classes", 1)
        if loss == "cross-entropy":
            self.y = check_labels(self.y, classes)
            outputs = classes or int(self.y.max()) + 1
        else:
            if self.y.ndim > 2:
                raise ValueError(f"y must have shape (n,) or (n, k) for squared error; got shape {self.y.shape}")
            self.y = self.y.astype(float).reshape(len(self.y), -1)
            outputs = self.y.shape[1]
        self.hidden, self.activation, self.loss = tuple(hidden), activation, loss
        sizes = (self.X.shape[1], *hidden, outputs)
        self.shapes = tuple(s for a, b in zip(sizes, sizes[1:], strict=False) for s in ((a, b), (b,)))
        self.width = 2 * sum(sizes[1:])

    def init(self, rng, gain=1.0, scheme="lecun"):
        """Draw random parameters (d,): weights N(0, gain²/m), biases 0. The scheme chooses m.

        - "lecun":  m = fan-in
        - "glorot": m = (fan-in + fan-out)/2
        - "he":     m = fan-in/2
        - "plain":  m = 1, so the gain is the standard deviation itself

        A unit a = Σ wᵢhᵢ adds up fan-in terms, so Var a = fan-in · Var w · mean h². With Var w = 1/fan-in the values
        keep their size from layer to layer where φ(a) ≈ a. The gradient ∂J/∂h adds up fan-out terms, and keeps its size
        with Var w = 1/fan-out. Glorot and Bengio take the mean of fan-in and fan-out, and uniform numbers of that
        variance. A relu sets half of the values to 0 and halves mean h²; He et al. double Var w to make up for it.

        Parameters
        ----------
        rng : Generator
            Source of the random numbers.
        gain : float
            Factor of all weights.
        scheme : str
            Scheme: "lecun", "glorot", "he" or "plain".

        Raises
        ------
        TypeError
            `rng` is not a Generator.
        ValueError
            `gain` is not a number of at least 0, or the scheme is unknown.

        References
        ----------
        LeCun, Bottou, Orr, Müller (1998), Efficient backprop.
        Glorot and Bengio (2010), Understanding the difficulty of training deep feedforward neural networks.
        He et al. (2015), Delving deep into rectifiers.
        """
        check_generator(rng)
        check_number(gain, "gain", least=0)
        if scheme not in SCHEMES:
            raise ValueError(f"scheme must be one of {', '.join(SCHEMES)}; got {scheme!r}")
        parts = [gain / SCHEMES[scheme](*shape) ** 0.5 * rng.standard_normal(shape) if len(shape) == 2
                 else np.zeros(shape) for shape in self.shapes]
        return np.concatenate([part.ravel() for part in parts])

    def __call__(self, theta, rows=ALL):
        return self.loss_and_units(theta, rows)[0]

    def loss_and_units(self, theta, rows=ALL):
        """Loss over the chosen rows, and the values of the hidden units that it comes from.

        Parameters
        ----------
        theta : array (..., d)
            Parameters.
        rows : slice or array of int
            Rows of the data.

        Returns
        -------
        loss : array (...)
            One loss per run.
        units : list of array (..., n, h)
            One array for each hidden layer.
        """
        _, *units, output = self._forward(self.blocks(theta), self.X[rows])
        y = self.y[rows]
        if self.loss == "squared":
            return ((output - y) ** 2).sum(axis=-1).mean(axis=-1), units
        z = output - output.max(axis=-1, keepdims=True)
        return np.mean(np.log(np.exp(z).sum(axis=-1)) - z[..., np.arange(len(y)), y], axis=-1), units

    def grad(self, theta, rows=ALL):
        theta, y = np.asarray(theta), self.y[rows]
        blocks = self.blocks(theta)
        gradient = np.empty(theta.shape, np.result_type(theta, self.X))
        into = self.blocks(gradient)
        for i, h, delta in self._backward(blocks, self.X[rows], lambda output: self._error(output, y)):
            np.matmul(h.swapaxes(-1, -2), delta, out=into[i])
            np.sum(delta, axis=-2, out=into[i + 1])
        return gradient

    def gradient_lengths(self, theta, rng, rows=ALL):
        """Length of the gradient at each layer, for a gradient of length 1 at the output.

        Each row gets a random direction u at the output. The gradient of u · output with respect to the sums h W + b of
        a layer is δ, which goes back through the layers as  δₗ₋₁ = δₗ Wₗᵀ φ′ₗ₋₁. So it is a product of Jacobians, with
        one factor W and one factor φ′ for each layer between. Without φ it shrinks and grows all the same.

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
        array (..., L, n)
            Length of δ at each layer, from the first hidden layer to the output, where it is 1.

        Raises
        ------
        TypeError
            `rng` is not a Generator.

        References
        ----------
        Hochreiter (1991), Untersuchungen zu dynamischen neuronalen Netzen.
        Bengio, Simard, Frasconi (1994), Learning long-term dependencies with gradient descent is difficult.
        """
        check_generator(rng)

        def unit(output):
            u = rng.standard_normal(output.shape[-2:])
            return np.broadcast_to(u / np.linalg.norm(u, axis=-1, keepdims=True), output.shape)

        deltas = [delta for _, _, delta, *_ in self._backward(self.blocks(theta), self.X[rows], unit)]
        return np.stack([np.linalg.norm(delta, axis=-1) for delta in deltas[::-1]], axis=-2)

    def probabilities(self, theta, X):
        """Probabilities of the classes for new rows.

        Parameters
        ----------
        theta : array (..., d)
            Parameters.
        X : array (m, p)
            New inputs, one example per row.

        Returns
        -------
        array (..., m, K)
            One probability per run, row and class.
        """
        return _softmax(self._outputs(theta, X))

    def predict(self, theta, X):
        """Predict the most likely label of new rows; for squared error, the outputs.

        Parameters
        ----------
        theta : array (..., d)
            Parameters.
        X : array (m, p)
            New inputs, one example per row.

        Returns
        -------
        array (..., m) of int or (..., m, k)
            One label, or k outputs, per run and row.
        """
        output = self._outputs(theta, X)
        return output if self.loss == "squared" else output.argmax(axis=-1)

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

        Raises
        ------
        ValueError
            The loss is squared error, or y has another length than X.
        """
        if self.loss == "squared":
            raise ValueError("loss must be 'cross-entropy' for accuracy; got 'squared'. Compare predict(…) with y.")
        return share_right(self.predict(theta, X), y)

    def _outputs(self, theta, X):
        """Outputs for new rows."""
        return self._forward(self.blocks(theta), self.new_rows(X))[-1]

    def _forward(self, blocks, h):
        """Values of all layers, from the data to the outputs."""
        phi, layers = ACTIVATIONS[self.activation][0], [h]
        for i in range(0, len(blocks), 2):
            h = h @ blocks[i] + blocks[i + 1][..., None, :]
            if i + 2 < len(blocks):
                h = phi(h)
            layers.append(h)
        return layers

    def _backward(self, blocks, X, error):
        """Go forward to the outputs and back from error(output) = ∂J/∂output, the last layer first.

        Each layer gives (i, h, δ): the place of its weights in blocks, the values that come in, and δ = ∂J/∂(h W).
        """
        layers, slope = self._forward(blocks, X), ACTIVATIONS[self.activation][1]
        delta = error(layers.pop())
        for i in range(2 * len(self.hidden), -1, -2):
            h = layers.pop()
            yield i, h, delta
            if i:
                delta = delta @ blocks[i].swapaxes(-1, -2) * slope(h)

    def _error(self, output, y):
        """Gradient ∂J/∂output: (2/n)(ŷ − y), or (1/n)(p − 1[label])."""
        if self.loss == "squared":
            return 2 / len(y) * (output - y)
        p = _softmax(output)
        p[..., np.arange(len(y)), y] -= 1
        return p / len(y)


class SoftmaxRegression(MLP):
    """Softmax regression, K classes:  p(k | x) = softmax(x W + b)ₖ,  J(θ) = mean over rows of −log p(yᵢ | xᵢ).

    Its gradient is ∂J/∂W = (1/n) Xᵀ(p − 1[y]). A network without hidden layers: θ holds W (p, K), then b (K,).

    Parameters
    ----------
    X : array (n, p)
        Inputs, one example per row.
    y : array (n,)
        Labels 0 … K−1.
    classes : int, optional
        Number of classes K; needed where y lacks the highest labels.

    Raises
    ------
    ValueError
        X and y do not fit together, X is not finite, or y holds other labels.

    References
    ----------
    McFadden (1974), Conditional logit analysis of qualitative choice behavior.

    Examples
    --------
    >>> model = SoftmaxRegression([[0.0, 1.0], [1.0, 0.0]], [0, 1])
    >>> round(float(model(np.zeros(model.dim))), 4)  # log 2: both classes are equally likely
    0.6931
    """

    name = "softmax regression"

    def __init__(self, X: np.ndarray, y: np.ndarray, classes: int | None = None):
        super().__init__(X, y, hidden=(), loss="cross-entropy", classes=classes)


def _softmax(z):
    e = np.exp(z - z.real.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def check_generator(rng):
    """Refuse what is not a Generator."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a Generator such as np.random.default_rng(0); got {rng!r}")


# name: the m of the weights' variance gain²/m, as a function of fan-in and fan-out
SCHEMES = {
    "lecun": lambda fan_in, fan_out: fan_in,
    "glorot": lambda fan_in, fan_out: (fan_in + fan_out) / 2,
    "he": lambda fan_in, fan_out: fan_in / 2,
    "plain": lambda fan_in, fan_out: 1,
}

# name: (φ, its derivative as a function of h = φ(a))
ACTIVATIONS = {
    "tanh": (np.tanh, lambda h: 1 - h * h),
    "sigmoid": (sigmoid, lambda h: h * (1 - h)),
    "relu": (lambda a: a * (a.real > 0), lambda h: h.real > 0),
    "identity": (lambda a: a, lambda h: 1.0),
}
