"""The rules, in the order they are taught. Each is a closure: its textbook's formula and nothing else.

A rule is pure: `update(t, theta, grad, state) -> (theta, state)` for t = 1, 2, …, and nothing is kept inside, so a cell
may be run again. It is given the gradient as a function, so that a rule may ask for it wherever it likes.
"""
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gdlib.checks import check_number, check_rate, check_schedule
from gdlib.schedules import Rate, as_schedule

Share = float | np.ndarray  # a number, or gd.per_run(values)


class Optimizer(NamedTuple):
    """A rule, and nothing that changes. Made by `gd.gradient_descent(lr)`, `gd.momentum(lr, beta)`, …"""

    name: str
    hyper: dict  # the hyper-parameters, for the repr and for labels in plots
    init: Callable  # theta -> state
    update: Callable  # (t, theta, grad, state) -> (theta, state)

    def __repr__(self):
        shown = (
            f"{k}={'schedule' if callable(v) else v if np.ndim(v) == 0 else 'per_run'}"
            for k, v in self.hyper.items()
        )
        return f"{self.name}({', '.join(shown)})"


def rule(name: str, init: Callable, update: Callable, **hyper) -> Optimizer:
    """Check the hyper-parameters, once, for all rules: lr, eps above 0; β, ρ in [0, 1); weight_decay at least 0."""
    for key, value in hyper.items():
        if key == "lr":
            check_rate(value)
        elif key == "eps":
            check_number(value, key, above=0)
        elif key == "weight_decay":
            check_number(value, key, least=0)
        elif name == "nesterov" and callable(value):
            check_schedule(value, key, least=0, below=1)
        else:
            check_number(value, key, least=0, below=1)
    return Optimizer(name, hyper, init, update)


def gradient_descent(lr: Rate) -> Optimizer:
    """Plain gradient descent:  θ ← θ − η ∇J(θ).

    Parameters
    ----------
    lr : η, the learning rate: a number > 0, a schedule t -> η, or `gd.per_run(values)`

    References
    ----------
    Cauchy (1847), Méthode générale pour la résolution des systèmes d'équations simultanées.

    Examples
    --------
    >>> gradient_descent(lr=0.1)
    gradient_descent(lr=0.1)
    """
    eta = as_schedule(lr)

    def init(theta):
        return None

    def update(t, theta, grad, state):
        return theta - eta(t) * grad(theta), state

    return rule("gradient_descent", init, update, lr=lr)


def momentum(lr: Rate, beta: Share = 0.9) -> Optimizer:
    """Polyak's heavy ball:  v ← βv + ∇J(θ);  θ ← θ − ηv.

    The velocity v is a sum of gradients, as in PyTorch and optax; Keras keeps ηv, the same while η is constant.

    Parameters
    ----------
    lr : η, the learning rate: a number > 0, a schedule t -> η, or `gd.per_run(values)`
    beta : β in [0, 1), the share of the velocity kept at each step: a number or `gd.per_run(values)`

    References
    ----------
    Polyak (1964), Some methods of speeding up the convergence of iteration methods.

    Examples
    --------
    >>> momentum(lr=0.1)
    momentum(lr=0.1, beta=0.9)
    """
    eta = as_schedule(lr)

    def init(theta):
        return np.zeros_like(theta)

    def update(t, theta, grad, v):
        v = beta * v + grad(theta)
        return theta - eta(t) * v, v

    return rule("momentum", init, update, lr=lr, beta=beta)


def nesterov(lr: Rate, beta: Share | Callable = 0.9) -> Optimizer:
    """Nesterov's accelerated gradient, the textbook's form:  v ← βv + ∇J(θ − ηβv);  θ ← θ − ηv.

    The slope is felt where the velocity is about to lead. PyTorch, optax and Keras keep the look-ahead points θ − ηβv
    in place of θ: while η and β are constant the same walk, seen β times the last step further on.

    Parameters
    ----------
    lr : η, the learning rate: a number > 0, a schedule t -> η, or `gd.per_run(values)`
    beta : β in [0, 1): a number, a schedule t -> β, or `gd.per_run(values)`

    References
    ----------
    Nesterov (1983), A method of solving a convex programming problem with convergence rate O(1/k²);
    in this form Sutskever et al. (2013), On the importance of initialization and momentum in deep learning.
    """
    eta, beta_at = as_schedule(lr), as_schedule(beta)

    def init(theta):
        return np.zeros_like(theta)

    def update(t, theta, grad, v):
        beta = beta_at(t)
        v = beta * v + grad(theta - eta(t) * beta * v)
        return theta - eta(t) * v, v

    return rule("nesterov", init, update, lr=lr, beta=beta)


def adagrad(lr: Rate, eps: Share = 1e-10) -> Optimizer:
    """AdaGrad, a rate for each coordinate:  s ← s + g²;  θ ← θ − η g / (√s + ε),  with g = ∇J(θ).

    As in PyTorch: s starts at 0, ε stands outside the root (optax and Keras start s at 0.1, with ε inside).

    Parameters
    ----------
    lr : η, the learning rate: a number > 0, a schedule t -> η, or `gd.per_run(values)`
    eps : ε > 0, keeps the first division from being 0/0

    References
    ----------
    Duchi, Hazan, Singer (2011), Adaptive subgradient methods for online learning and stochastic optimization.
    """
    eta = as_schedule(lr)

    def init(theta):
        return np.zeros_like(theta)

    def update(t, theta, grad, s):
        g = grad(theta)
        s = s + g * g
        return theta - eta(t) * g / (np.sqrt(s) + eps), s

    return rule("adagrad", init, update, lr=lr, eps=eps)


def rmsprop(lr: Rate, rho: Share = 0.9, eps: Share = 1e-8) -> Optimizer:
    """RMSprop, AdaGrad that forgets:  s ← ρs + (1 − ρ)g²;  θ ← θ − η g / (√s + ε),  with g = ∇J(θ).

    As in PyTorch: s starts at 0 and is not corrected for it, ε stands outside the root (optax and Keras: inside).

    Parameters
    ----------
    lr : η, the learning rate: a number > 0, a schedule t -> η, or `gd.per_run(values)`
    rho : ρ in [0, 1): the memory is about 1/(1 − ρ) steps long
    eps : ε > 0, keeps the division finite

    References
    ----------
    Tieleman and Hinton (2012), Neural networks for machine learning, lecture 6.5.
    """
    eta = as_schedule(lr)

    def init(theta):
        return np.zeros_like(theta)

    def update(t, theta, grad, s):
        g = grad(theta)
        s = rho * s + (1 - rho) * (g * g)
        return theta - eta(t) * g / (np.sqrt(s) + eps), s

    return rule("rmsprop", init, update, lr=lr, rho=rho, eps=eps)


def adam(lr: Rate = 1e-3, beta1: Share = 0.9, beta2: Share = 0.999, eps: Share = 1e-8) -> Optimizer:
    """Adam:  m ← β₁m + (1 − β₁)g;  v ← β₂v + (1 − β₂)g²;  θ ← θ − η m̂ / (√v̂ + ε),  with g = ∇J(θ),

    m̂ = m/(1 − β₁ᵗ) and v̂ = v/(1 − β₂ᵗ): the averages start at 0, and this corrects them for it.
    As in PyTorch and optax (Keras puts ε beside the uncorrected root, the paper's "epsilon hat").

    Parameters
    ----------
    lr : η, the learning rate: a number > 0, a schedule t -> η, or `gd.per_run(values)`
    beta1, beta2 : β₁, β₂ in [0, 1): memories of the gradient and of its square
    eps : ε > 0, keeps the division finite

    References
    ----------
    Kingma and Ba (2015), Adam: a method for stochastic optimization, algorithm 1.
    """
    eta = as_schedule(lr)

    def init(theta):
        return np.zeros_like(theta), np.zeros_like(theta)

    def update(t, theta, grad, state):
        (m, v), g = state, grad(theta)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * (g * g)
        # np.power, as ** is rounded otherwise for an array of betas than for one
        m_hat, v_hat = m / (1 - np.power(beta1, t)), v / (1 - np.power(beta2, t))
        return theta - eta(t) * m_hat / (np.sqrt(v_hat) + eps), (m, v)

    return rule("adam", init, update, lr=lr, beta1=beta1, beta2=beta2, eps=eps)


def amsgrad(lr: Rate = 1e-3, beta1: Share = 0.9, beta2: Share = 0.999, eps: Share = 1e-8) -> Optimizer:
    """AMSGrad, Adam by the largest v so far:  as Adam, with  u ← max(u, v)  and √(u/(1 − β₂ᵗ)) in place of √v̂.

    In the paper, which corrects nothing, rates never grow again. As in PyTorch u is corrected when used: early on they
    still can.

    Parameters
    ----------
    lr, beta1, beta2, eps : as for `adam`

    References
    ----------
    Reddi, Kale, Kumar (2018), On the convergence of Adam and beyond, algorithm 2.
    """
    eta = as_schedule(lr)

    def init(theta):
        return np.zeros_like(theta), np.zeros_like(theta), np.zeros_like(theta)

    def update(t, theta, grad, state):
        (m, v, u), g = state, grad(theta)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * (g * g)
        u = np.maximum(u, v)
        m_hat, u_hat = m / (1 - np.power(beta1, t)), u / (1 - np.power(beta2, t))
        return theta - eta(t) * m_hat / (np.sqrt(u_hat) + eps), (m, v, u)

    return rule("amsgrad", init, update, lr=lr, beta1=beta1, beta2=beta2, eps=eps)


def adamw(
    lr: Rate = 1e-3, beta1: Share = 0.9, beta2: Share = 0.999, eps: Share = 1e-8, weight_decay: Share = 0.01
) -> Optimizer:
    """AdamW, Adam with decoupled weight decay:  θ ← θ(1 − ηw);  then Adam's step.

    The decay w shrinks θ itself; L2 in the gradient would be divided by √v̂ like everything else (PyTorch's
    `Adam(weight_decay=…)` does that). As in PyTorch and optax.

    Parameters
    ----------
    lr, beta1, beta2, eps : as for `adam`
    weight_decay : w >= 0, the share of θ that is taken off at each step, for each unit of η

    References
    ----------
    Loshchilov and Hutter (2019), Decoupled weight decay regularization.
    """
    eta, plain = as_schedule(lr), adam(lr, beta1, beta2, eps)

    def update(t, theta, grad, state):
        stepped, state = plain.update(t, theta, grad, state)
        return stepped - eta(t) * weight_decay * theta, state

    return rule("adamw", plain.init, update, lr=lr, beta1=beta1, beta2=beta2, eps=eps, weight_decay=weight_decay)
