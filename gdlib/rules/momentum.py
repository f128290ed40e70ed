"""Plain descent, and the rules that keep a velocity."""
from collections.abc import Callable

import numpy as np

from gdlib.rules.rule import POSITIVE, SHARE, Optimizer, Share, rule
from gdlib.schedules import Rate, as_schedule

__all__ = ["gradient_descent", "momentum", "nesterov"]


def gradient_descent(lr: Rate) -> Optimizer:
    """Plain gradient descent:  θ ← θ − η ∇J(θ).

    Parameters
    ----------
    lr : float, schedule or per_run
        Learning rate η > 0: a number, a schedule t -> η, or `gd.per_run(values)`.

    Raises
    ------
    ValueError
        A hyper-parameter is not a number or lies outside its bounds.

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

    return rule(gradient_descent, init, update, lr=lr, bounds={"lr": POSITIVE})


def momentum(lr: Rate, beta: Share = 0.9) -> Optimizer:
    """Polyak's heavy ball:  v ← βv + ∇J(θ);  θ ← θ − ηv.

    The velocity v is a sum of gradients, as in PyTorch and optax; Keras keeps ηv, the same while η is constant.

    Parameters
    ----------
    lr : float, schedule or per_run
        Learning rate η > 0: a number, a schedule t -> η, or `gd.per_run(values)`.
    beta : float or per_run
        Share β in [0, 1) of the velocity that is kept at each step.

    Raises
    ------
    ValueError
        A hyper-parameter is not a number or lies outside its bounds.

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

    return rule(momentum, init, update, lr=lr, beta=beta, bounds={"lr": POSITIVE, "beta": SHARE})


def nesterov(lr: Rate, beta: Share | Callable = 0.9) -> Optimizer:
    """Nesterov's accelerated gradient, the textbook's form:  v ← βv + ∇J(θ − ηβv);  θ ← θ − ηv.

    The gradient is taken where the velocity is about to lead. PyTorch, optax and Keras keep the look-ahead points
    θ − ηβv instead of θ. While η and β are constant this is the same walk, seen a little ahead.

    Parameters
    ----------
    lr : float, schedule or per_run
        Learning rate η > 0: a number, a schedule t -> η, or `gd.per_run(values)`.
    beta : float, schedule or per_run
        Share β in [0, 1) of the velocity that is kept: a number, a schedule t -> β, or `gd.per_run(values)`.

    Raises
    ------
    ValueError
        A hyper-parameter is not a number or lies outside its bounds.

    References
    ----------
    Nesterov (1983), A method of solving a convex programming problem with convergence rate O(1/k²);
    in this form Sutskever et al. (2013), On the importance of initialization and momentum in deep learning.

    Examples
    --------
    >>> nesterov(lr=0.1)
    nesterov(lr=0.1, beta=0.9)
    """
    eta, beta_at = as_schedule(lr), as_schedule(beta, "beta", below=1)

    def init(theta):
        return np.zeros_like(theta)

    def update(t, theta, grad, v):
        beta = beta_at(t)
        v = beta * v + grad(theta - eta(t) * beta * v)
        return theta - eta(t) * v, v

    bounds = {"lr": POSITIVE, "beta": SHARE}
    return rule(nesterov, init, update, lr=lr, beta=beta, bounds=bounds, schedules=("lr", "beta"))
