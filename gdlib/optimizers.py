"""The rules, in the order they are taught. Each is a closure: its textbook's formula and nothing else.

A rule is pure: `update(t, theta, grad, state) -> (theta, state)` for t = 1, 2, …, and nothing is kept inside, so a cell
may be run again. It is given the gradient as a function, so that a rule may ask for it wherever it likes.
"""
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gdlib.schedules import as_schedule, check_number, check_rate


class Optimizer(NamedTuple):
    """A rule, and nothing that changes. Made by `gd.gradient_descent(lr)`, `gd.momentum(lr, beta)`, …"""

    name: str
    hyper: dict  # the hyper-parameters, for the repr and for labels in plots
    init: Callable  # theta -> state
    update: Callable  # (t, theta, grad, state) -> (theta, state)

    def __repr__(self):
        shown = (
            f"{k}={getattr(v, '__name__', 'schedule') if callable(v) else v if np.ndim(v) == 0 else 'per_run'}"
            for k, v in self.hyper.items()
        )
        return f"{self.name}({', '.join(shown)})"


def rule(name, init, update, **hyper) -> Optimizer:
    """Check the hyper-parameters, once, for all rules: lr above 0, every beta in [0, 1)."""
    for key, value in hyper.items():
        if key == "lr":
            check_rate(value)
        elif key.startswith("beta"):
            check_number(value, key, least=0, below=1)
        else:
            raise TypeError(f"rule() has no check for the hyper-parameter {key!r} of {name}: add one here")
    return Optimizer(name, hyper, init, update)


def gradient_descent(lr) -> Optimizer:
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


def momentum(lr, beta=0.9) -> Optimizer:
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
