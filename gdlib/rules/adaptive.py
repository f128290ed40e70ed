"""The rules with a learning rate for each coordinate: AdaGrad, RMSprop, Adam and its successors."""
import numpy as np

from gdlib.rules.rule import NOT_NEGATIVE, POSITIVE, SHARE, Optimizer, Share, rule
from gdlib.schedules import Rate, as_schedule

__all__ = ["adagrad", "rmsprop", "adam", "amsgrad", "adamw"]


def adagrad(lr: Rate, eps: Share = 1e-10) -> Optimizer:
    """AdaGrad, a learning rate for each coordinate:  s ← s + g²;  θ ← θ − η g / (√s + ε),  with g = ∇J(θ).

    As in PyTorch: s starts at 0 and ε stands outside the root. In optax and Keras s starts at 0.1 and ε stands inside.

    Parameters
    ----------
    lr : float, schedule or per_run
        Learning rate η > 0: a number, a schedule t -> η, or `gd.per_run(values)`.
    eps : float or per_run
        Small number ε > 0 that keeps the first division from being 0/0.

    Raises
    ------
    ValueError
        A hyper-parameter is not a number or lies outside its bounds.

    References
    ----------
    Duchi, Hazan, Singer (2011), Adaptive subgradient methods for online learning and stochastic optimization.

    Examples
    --------
    >>> adagrad(lr=0.1)
    adagrad(lr=0.1, eps=1e-10)
    """
    eta = as_schedule(lr)

    def init(theta):
        return np.zeros_like(theta)

    def update(t, theta, grad, s):
        g = grad(theta)
        s = s + g**2
        return theta - eta(t) * g / (np.sqrt(s) + eps), s

    return rule(adagrad, init, update, lr=lr, eps=eps, bounds={"lr": POSITIVE, "eps": POSITIVE})


def rmsprop(lr: Rate, rho: Share = 0.9, eps: Share = 1e-8) -> Optimizer:
    """RMSprop, AdaGrad that forgets:  s ← ρs + (1 − ρ)g²;  θ ← θ − η g / (√s + ε),  with g = ∇J(θ).

    As in PyTorch: s starts at 0 without a correction, ε stands outside the root. In optax and Keras it stands inside.

    Parameters
    ----------
    lr : float, schedule or per_run
        Learning rate η > 0: a number, a schedule t -> η, or `gd.per_run(values)`.
    rho : float or per_run
        Share ρ in [0, 1) of s that is kept: the memory is about 1/(1 − ρ) steps long.
    eps : float or per_run
        Small number ε > 0 that keeps the division finite.

    Raises
    ------
    ValueError
        A hyper-parameter is not a number or lies outside its bounds.

    References
    ----------
    Tieleman and Hinton (2012), Neural networks for machine learning, lecture 6.5.

    Examples
    --------
    >>> rmsprop(lr=0.01)
    rmsprop(lr=0.01, rho=0.9, eps=1e-08)
    """
    eta = as_schedule(lr)

    def init(theta):
        return np.zeros_like(theta)

    def update(t, theta, grad, s):
        g = grad(theta)
        s = rho * s + (1 - rho) * g**2
        return theta - eta(t) * g / (np.sqrt(s) + eps), s

    bounds = {"lr": POSITIVE, "rho": SHARE, "eps": POSITIVE}
    return rule(rmsprop, init, update, lr=lr, rho=rho, eps=eps, bounds=bounds)


def adam(lr: Rate = 1e-3, beta1: Share = 0.9, beta2: Share = 0.999, eps: Share = 1e-8) -> Optimizer:
    """Adam:  m ← β₁m + (1 − β₁)g;  v ← β₂v + (1 − β₂)g²;  θ ← θ − η m̂ / (√v̂ + ε),  with g = ∇J(θ).

    m̂ = m/(1 − β₁ᵗ) and v̂ = v/(1 − β₂ᵗ) correct the averages for their start at 0.
    As in PyTorch and optax. Keras adds ε to the uncorrected root: the paper's "epsilon hat".

    Parameters
    ----------
    lr : float, schedule or per_run
        Learning rate η > 0: a number, a schedule t -> η, or `gd.per_run(values)`.
    beta1, beta2 : float or per_run
        Shares β₁ and β₂ in [0, 1) that the averages of the gradient and of its square keep at each step.
    eps : float or per_run
        Small number ε > 0 that keeps the division finite.

    Raises
    ------
    ValueError
        A hyper-parameter is not a number or lies outside its bounds.

    References
    ----------
    Kingma and Ba (2015), Adam: a method for stochastic optimization, algorithm 1.

    Examples
    --------
    >>> adam(lr=0.01)
    adam(lr=0.01, beta1=0.9, beta2=0.999, eps=1e-08)
    """
    eta = as_schedule(lr)

    def init(theta):
        return np.zeros_like(theta), np.zeros_like(theta)

    def update(t, theta, grad, state):
        m, v = state
        g = grad(theta)
        m = beta1 * m + (1 - beta1) * g  # first moment: a running average of the gradient
        v = beta2 * v + (1 - beta2) * g**2  # second moment: a running average of its square
        m_hat = m / (1 - np.power(beta1, t))  # both began at 0: the correction for it
        v_hat = v / (1 - np.power(beta2, t))
        return theta - eta(t) * m_hat / (np.sqrt(v_hat) + eps), (m, v)

    bounds = {"lr": POSITIVE, "beta1": SHARE, "beta2": SHARE, "eps": POSITIVE}
    return rule(adam, init, update, lr=lr, beta1=beta1, beta2=beta2, eps=eps, bounds=bounds)


def amsgrad(lr: Rate = 1e-3, beta1: Share = 0.9, beta2: Share = 0.999, eps: Share = 1e-8) -> Optimizer:
    """AMSGrad, Adam by the largest v so far:  as Adam, with  u ← max(u, v)  and √(u/(1 − β₂ᵗ)) instead of √v̂.

    The paper has no bias correction, so the effective learning rates never increase. Here, as in PyTorch, the
    correction lets them increase early.

    Parameters
    ----------
    lr, beta1, beta2, eps : float or per_run
        As for `adam`; `lr` may be a schedule.

    Raises
    ------
    ValueError
        A hyper-parameter is not a number or lies outside its bounds.

    References
    ----------
    Reddi, Kale, Kumar (2018), On the convergence of Adam and beyond, algorithm 2.

    Examples
    --------
    >>> amsgrad(lr=0.01)
    amsgrad(lr=0.01, beta1=0.9, beta2=0.999, eps=1e-08)
    """
    eta, plain = as_schedule(lr), adam(lr, beta1, beta2, eps)

    def init(theta):
        return *plain.init(theta), np.zeros_like(theta)

    def update(t, theta, grad, state):
        m, v, u = state
        _, (m, v) = plain.update(t, theta, grad, (m, v))  # Adam's moments; the step is different
        u = np.maximum(u, v)
        m_hat = m / (1 - np.power(beta1, t))
        u_hat = u / (1 - np.power(beta2, t))
        return theta - eta(t) * m_hat / (np.sqrt(u_hat) + eps), (m, v, u)

    bounds = {"lr": POSITIVE, "beta1": SHARE, "beta2": SHARE, "eps": POSITIVE}
    return rule(amsgrad, init, update, lr=lr, beta1=beta1, beta2=beta2, eps=eps, bounds=bounds)


def adamw(
    lr: Rate = 1e-3, beta1: Share = 0.9, beta2: Share = 0.999, eps: Share = 1e-8, weight_decay: Share = 0.01
) -> Optimizer:
    """AdamW, Adam with decoupled weight decay:  g = ∇J(θ);  θ ← θ(1 − ηw);  then Adam's step with g.

    The decay w shrinks θ itself. An L2 term in the gradient would be divided by √v̂ like the rest of it: that is what
    PyTorch's `Adam(weight_decay=…)` does. As in PyTorch and optax.

    Parameters
    ----------
    lr, beta1, beta2, eps : float or per_run
        As for `adam`; `lr` may be a schedule.
    weight_decay : float or per_run
        Decay w >= 0: each step takes the share ηw off θ.

    Raises
    ------
    ValueError
        A hyper-parameter is not a number or lies outside its bounds.

    References
    ----------
    Loshchilov and Hutter (2019), Decoupled weight decay regularization.

    Examples
    --------
    >>> adamw(lr=0.01)
    adamw(lr=0.01, beta1=0.9, beta2=0.999, eps=1e-08, weight_decay=0.01)
    """
    eta, plain = as_schedule(lr), adam(lr, beta1, beta2, eps)

    def update(t, theta, grad, state):
        g = grad(theta)
        theta = theta * (1 - eta(t) * weight_decay)
        return plain.update(t, theta, lambda _: g, state)

    bounds = {"lr": POSITIVE, "beta1": SHARE, "beta2": SHARE, "eps": POSITIVE, "weight_decay": NOT_NEGATIVE}
    return rule(
        adamw, plain.init, update, lr=lr, beta1=beta1, beta2=beta2, eps=eps, weight_decay=weight_decay, bounds=bounds
    )
