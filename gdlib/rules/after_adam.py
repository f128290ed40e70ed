"""Two rules younger than AdamW: Lion and Muon."""
from collections.abc import Sequence
from itertools import accumulate, pairwise
from math import prod

import numpy as np

from gdlib.rules.rule import NOT_NEGATIVE, POSITIVE, SHARE, Optimizer, Share, rule
from gdlib.schedules import Rate, as_schedule

__all__ = ["lion", "muon"]


def lion(lr: Rate = 1e-4, beta1: Share = 0.9, beta2: Share = 0.99, weight_decay: Share = 0.0) -> Optimizer:
    """Lion, only signs:  θ ← θ(1 − ηw) − η sign(β₁m + (1 − β₁)g);  then m ← β₂m + (1 − β₂)g,  with g = ∇J(θ).

    Each coordinate moves by η, whatever its slope: useful learning rates are some 3 to 10 times smaller than Adam's.
    As in optax, whose weight decay w defaults to 1e-3.

    Parameters
    ----------
    lr : float, schedule or per_run
        Learning rate η > 0: a number, a schedule t -> η, or `gd.per_run(values)`.
    beta1, beta2 : float or per_run
        Shares in [0, 1): β₁ of the memory in the step, and β₂ that the memory keeps at each step.
    weight_decay : float or per_run
        Decay w >= 0: each step takes the share ηw off θ.

    Raises
    ------
    ValueError
        A hyper-parameter is not a number or lies outside its bounds.

    References
    ----------
    Chen et al. (2023), Symbolic discovery of optimization algorithms.

    Examples
    --------
    >>> lion(lr=1e-3)
    lion(lr=0.001, beta1=0.9, beta2=0.99, weight_decay=0.0)
    """
    eta = as_schedule(lr)

    def init(theta):
        return np.zeros_like(theta)

    def update(t, theta, grad, m):
        g = grad(theta)
        direction = np.sign(beta1 * m + (1 - beta1) * g)
        m = beta2 * m + (1 - beta2) * g
        return theta - eta(t) * (direction + weight_decay * theta), m

    bounds = {"lr": POSITIVE, "beta1": SHARE, "beta2": SHARE, "weight_decay": NOT_NEGATIVE}
    return rule(lion, init, update, lr=lr, beta1=beta1, beta2=beta2, weight_decay=weight_decay, bounds=bounds)


def muon(lr: Rate, others: Optimizer, shapes: Sequence[tuple], beta: Share = 0.95) -> Optimizer:
    """Muon, for matrices:  B ← βB + (1 − β)G;  W ← W − η s O(βB + (1 − β)G),  with G = ∂J/∂W (p, q), s = √max(1, q/p).

    O replaces a matrix UΣVᵀ by about UVᵀ (see `orthogonalized`), so every direction gets about the same length.
    Blocks that are not matrices, such as biases, take the steps of the rule `others`. As in PyTorch without weight
    decay; PyTorch computes O in 16 bits. The authors leave a network's first and last layer to `others` as well.

    Parameters
    ----------
    lr : float, schedule or per_run
        Learning rate η > 0: a number, a schedule t -> η, or `gd.per_run(values)`.
    others : Optimizer
        Rule for the other parameters, such as `gd.adam(1e-3)`; it must ask for the gradient at θ.
    shapes : sequence of tuple
        Shapes of the blocks of parameters in their order: `model.shapes`.
    beta : float or per_run
        Share β in [0, 1) of the average gradient that is kept at each step.

    Raises
    ------
    TypeError
        `others` is not a rule.
    ValueError
        `shapes` holds no matrix, or another number of parameters than θ; `others` asks for a gradient elsewhere.

    References
    ----------
    Jordan et al. (2024), Muon: an optimizer for hidden layers in neural networks, kellerjordan.github.io/posts/muon.

    Examples
    --------
    >>> import gdlib as gd
    >>> muon(0.02, gd.adam(1e-3), shapes=[(2, 3), (3,)])
    muon(lr=0.02, beta=0.95, others=adam(lr=0.001, beta1=0.9, beta2=0.999, eps=1e-08))
    """
    if not isinstance(others, Optimizer):
        raise TypeError(f"others must be a rule for non-matrix parameters; got {others!r}. Take gd.adam(1e-3).")
    try:
        ends = list(accumulate(map(prod, shapes), initial=0))
        matrices = [(slice(*ab), shape) for ab, shape in zip(pairwise(ends), shapes, strict=True) if len(shape) == 2]
    except TypeError:
        raise ValueError(f"shapes must be a list of tuples; got {shapes!r}. Give model.shapes.") from None
    if not matrices:
        raise ValueError(f"shapes must hold at least one matrix; got {shapes!r}. For vectors take gd.adam(1e-3).")
    eta = as_schedule(lr)

    def init(theta):
        if theta.shape[-1] != ends[-1]:
            raise ValueError(
                f"theta0 must have the {ends[-1]} parameters of shapes; got {theta.shape[-1]}. Give model.shapes."
            )
        return np.zeros_like(theta), others.init(theta)

    def update(t, theta, grad, state):
        (b, other_state), g = state, grad(theta)
        b = beta * b + (1 - beta) * g
        direction = beta * b + (1 - beta) * g
        stepped, other_state = others.update(t, theta, _only_at(theta, g, others), other_state)
        stepped = np.array(stepped)  # a copy: that array may be the other rule's own, or theta
        for part, (p, q) in matrices:
            G = direction[..., part].reshape(*theta.shape[:-1], p, q)
            step = max(1, q / p) ** 0.5 * orthogonalized(G)
            stepped[..., part] = theta[..., part] - eta(t) * step.reshape(*theta.shape[:-1], p * q)
        return stepped, (b, other_state)

    bounds = {"lr": POSITIVE, "beta": SHARE}
    return rule(muon, init, update, lr=lr, beta=beta, others=others, bounds=bounds)


def _only_at(theta, g, others):
    """The gradient for a rule that asks for it at theta."""

    def grad(at):
        if at is not theta and not np.array_equal(at, theta, equal_nan=True):
            raise ValueError(
                f"others must be a rule that asks for the gradient at theta; got {others!r}, which asks for it "
                f"elsewhere. Take gd.momentum(lr) or gd.adam(lr)."
            )
        return g

    return grad


def orthogonalized(G: np.ndarray, steps: int = 5) -> np.ndarray:
    """Nearly UVᵀ for a matrix G = UΣVᵀ:  repeat X ← aX + b(XXᵀ)X + c(XXᵀ)²X, from X = G/‖G‖.

    A Newton–Schulz iteration. Each singular value σ of X becomes aσ + bσ³ + cσ⁵; after five steps all that began above
    0.01 lie between 0.68 and 1.14. The coefficients trade exactness for steepness at 0.

    Parameters
    ----------
    G : array (..., p, q)
        One matrix or several.
    steps : int
        Number of repetitions.

    References
    ----------
    Jordan et al. (2024), Muon: an optimizer for hidden layers in neural networks, kellerjordan.github.io/posts/muon.

    Examples
    --------
    >>> bool(np.linalg.svd(orthogonalized(np.diag([1.0, 20.0])), compute_uv=False).min() > 0.68)
    True
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    wide = G if G.shape[-2] <= G.shape[-1] else G.swapaxes(-1, -2)
    X = wide / np.maximum(np.linalg.norm(wide, axis=(-2, -1), keepdims=True), 1e-7)
    for _ in range(steps):
        A = X @ X.swapaxes(-1, -2)
        X = a * X + (b * A + c * A @ A) @ X
    return X if wide is G else X.swapaxes(-1, -2)
