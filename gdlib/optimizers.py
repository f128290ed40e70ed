"""The rules, in the order they are taught. Each is a closure: its textbook's formula and nothing else.

A rule is pure: `update(t, theta, grad, state) -> (theta, state)` for t = 1, 2, …, and nothing is kept inside, so a cell
may be run again. It is given the gradient as a function, so that a rule may ask for it wherever it likes.
"""
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gdlib.checks import check_number
from gdlib.schedules import Rate, as_schedule

Share = float | np.ndarray  # a number, or gd.per_run(values)

# The bounds of hyper-parameters by their names; a share such as β, in [0, 1), has a name that is not among them.
BOUNDS = {"lr": {"above": 0}, "eps": {"above": 0}, "weight_decay": {"least": 0}}
SHARE = {"least": 0, "below": 1}


class Optimizer(NamedTuple):
    """A rule, and nothing that changes. Made by `gd.gradient_descent(lr)`, `gd.momentum(lr, beta)`, …"""

    name: str
    hyper: dict  # the hyper-parameters, for the repr and for labels in plots
    init: Callable  # theta -> state
    update: Callable  # (t, theta, grad, state) -> (theta, state)
    made: "Made | None" = None  # how it was made, if a sweep may make it anew for some of its runs

    def values(self) -> dict:
        """All hyper-parameters, those of a rule inside this one as `others.lr`."""
        inside = {k: v for k, v in self.hyper.items() if isinstance(v, Optimizer)}
        own = {k: v for k, v in self.hyper.items() if k not in inside}
        return own | {f"{k}.{name}": v for k, opt in inside.items() for name, v in opt.values().items()}

    def for_runs(self, take: Callable) -> "Optimizer | None":
        """The same rule for some runs of a sweep: `take` picks theirs from each per-run value.

        None where that can't be told: for a rule that was not made by `rule`, or was altered since.
        """
        made = self.made
        if made is None or made.init is not self.init or made.update is not self.update:
            return None
        if made.hyper.keys() != self.hyper.keys() or any(self.hyper[k] is not v for k, v in made.hyper.items()):
            return None
        return made.maker(**{k: take(v) if isinstance(v, np.ndarray) else v for k, v in made.hyper.items()})

    def __repr__(self):
        shown = (
            f"{k}={'schedule' if callable(v) else 'per_run' if isinstance(v, np.ndarray) and v.ndim else v}"
            for k, v in self.hyper.items()
        )
        return f"{self.name}({', '.join(shown)})"


class Made(NamedTuple):
    """By what a rule was made, and of what."""

    maker: Callable
    hyper: dict
    init: Callable
    update: Callable


def rule(
    maker: Callable, init: Callable, update: Callable, bounds: dict | None = None, schedules: tuple = ("lr",), **hyper
) -> Optimizer:
    """The Optimizer named after its maker, its hyper-parameters checked, once, for all rules.

    Parameters
    ----------
    maker : the function that makes the rule from its hyper-parameters
    init, update : as in `Optimizer`
    bounds : of hyper-parameters whose bounds are neither those of BOUNDS nor [0, 1), such as {"delta": {"above": 0}}
    schedules : the hyper-parameters that may change from step to step
    hyper : the hyper-parameters
    """
    for name, value in hyper.items():
        within = {**BOUNDS, **(bounds or {})}.get(name, SHARE)
        if name in schedules and callable(value):
            hyper[name] = as_schedule(value, name, within.get("below", np.inf))
            hyper[name](1)
        elif not isinstance(value, Optimizer):  # that one was checked when it was made
            check_number(value, name, **within)
    return Optimizer(maker.__name__, hyper, init, update, Made(maker, hyper.copy(), init, update))


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

    return rule(gradient_descent, init, update, lr=lr)


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

    return rule(momentum, init, update, lr=lr, beta=beta)


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
    eta, beta_at = as_schedule(lr), as_schedule(beta, "beta", below=1)

    def init(theta):
        return np.zeros_like(theta)

    def update(t, theta, grad, v):
        beta = beta_at(t)
        v = beta * v + grad(theta - eta(t) * beta * v)
        return theta - eta(t) * v, v

    return rule(nesterov, init, update, schedules=("lr", "beta"), lr=lr, beta=beta)


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

    return rule(adagrad, init, update, lr=lr, eps=eps)


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

    return rule(rmsprop, init, update, lr=lr, rho=rho, eps=eps)


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

    return rule(adam, init, update, lr=lr, beta1=beta1, beta2=beta2, eps=eps)


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

    return rule(amsgrad, init, update, lr=lr, beta1=beta1, beta2=beta2, eps=eps)


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

    return rule(adamw, plain.init, update, lr=lr, beta1=beta1, beta2=beta2, eps=eps, weight_decay=weight_decay)
