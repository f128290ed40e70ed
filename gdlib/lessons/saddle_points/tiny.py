"""Many tiny networks at once, each with its own data, with exact Hessians; and a search for their critical points."""
from typing import NamedTuple

import numpy as np

from gdlib import data
from gdlib.models import sigmoid, softplus

INPUTS = ("digits", "normal")
PHI = {  # φ, φ′ and φ″, the last two as functions of h = φ(a)
    "tanh": (np.tanh, lambda h: 1 - h**2, lambda h: -2 * h * (1 - h**2)),
    "sigmoid": (sigmoid, lambda h: h * (1 - h), lambda h: h * (1 - h) * (1 - 2 * h)),
}
LOSS = {  # ℓ, ℓ′ and ℓ″ as functions of the output and the label ±1
    "squared": (lambda o, y: (o - y) ** 2 / 2, lambda o, y: o - y, lambda o, y: np.ones_like(o)),
    "logistic": (lambda o, y: softplus(-y * o), lambda o, y: -y * sigmoid(-y * o),
                 lambda o, y: sigmoid(o) * sigmoid(-o)),
}


class Tiny(NamedTuple):
    """Networks  o = v · φ(U(x, 1)) + c  with  J(θ) = mean over rows of ℓ(o, y) + (decay/2)‖θ‖².

    θ (R, d) holds U (hidden, p + 1), v (hidden,) and c of R networks.

    Parameters
    ----------
    Z : array (R, n, p + 1)
        Inputs of each network, with a column of ones behind them.
    y : array (R, n)
        Labels ±1.
    hidden : int
        Number of hidden units.
    activation : str
        "tanh" or "sigmoid".
    loss : str
        "squared" or "logistic".
    decay : float
        Strength of the weight decay.
    """

    Z: np.ndarray
    y: np.ndarray
    hidden: int
    activation: str
    loss: str
    decay: float

    @property
    def dim(self):
        """Number of parameters d of one network."""
        return self.hidden * (self.Z.shape[2] + 1) + 1

    def take(self, which, rows=slice(None)):
        """Some of the networks, with some of their rows."""
        return self._replace(Z=self.Z[which][:, rows], y=self.y[which][:, rows])

    def init(self, rng):
        """Draw a start for each network: weights N(0, 1/fan-in), biases 0."""
        R, _, width = self.Z.shape
        U = rng.standard_normal((R, self.hidden, width)) / (width - 1) ** 0.5
        U[..., -1] = 0
        v = rng.standard_normal((R, self.hidden)) / self.hidden**0.5
        return np.concatenate([U.reshape(R, -1), v, np.zeros((R, 1))], axis=1)

    def value(self, theta):
        """Losses (R,)."""
        o = self._forward(theta)[2]
        return LOSS[self.loss][0](o, self.y).mean(axis=1) + self.decay / 2 * (theta**2).sum(axis=1)

    def grad(self, theta):
        """Gradients (R, d)."""
        v, h, o = self._forward(theta)
        slope = LOSS[self.loss][1](o, self.y)[..., None] / o.shape[1]
        back = slope * v[:, None] * PHI[self.activation][1](h)  # ∂J/∂a (R, n, hidden)
        U = back.swapaxes(1, 2) @ self.Z
        return np.concatenate([U.reshape(len(U), -1), (slope * h).sum(axis=1), slope.sum(axis=1)],
                              axis=1) + self.decay * theta

    def hess(self, theta):
        """Hessians (R, d, d):  mean of ℓ″ ∇o ∇oᵀ + ℓ′ ∇²o,  plus the decay."""
        v, h, o = self._forward(theta)
        _, first, second = PHI[self.activation]
        slope, bend = (part(o, self.y) / o.shape[1] for part in LOSS[self.loss][1:])
        R, n, width = self.Z.shape
        J = np.concatenate([((v[:, None] * first(h))[..., None] * self.Z[:, :, None]).reshape(R, n, -1), h,
                            np.ones((R, n, 1))], axis=2)
        H = J.swapaxes(1, 2) @ (bend[..., None] * J) + self.decay * np.eye(self.dim)
        for j in range(self.hidden):
            U, out = slice(j * width, (j + 1) * width), self.hidden * width + j
            both = slope * v[:, j, None] * second(h[..., j])
            H[:, U, U] += self.Z.swapaxes(1, 2) @ (both[..., None] * self.Z)
            cross = ((slope * first(h[..., j]))[..., None] * self.Z).sum(axis=1)
            H[:, U, out] += cross
            H[:, out, U] += cross
        return H

    def _forward(self, theta):
        R, _, width = self.Z.shape
        U, v = theta[:, :self.hidden * width].reshape(R, self.hidden, width), theta[:, self.hidden * width:-1]
        h = PHI[self.activation][0](self.Z @ U.swapaxes(1, 2))
        return v, h, (h @ v[..., None])[..., 0] + theta[:, -1:]


def tiny(rng: np.random.Generator, samples: int, each: int, inputs: str, columns: int, **settings) -> Tiny:
    """Draw samples of 40 rows, and put `each` networks on every sample.

    Parameters
    ----------
    rng : Generator
        Source of the rows.
    samples, each : int
        Number of samples, and of networks on each: R = samples · each.
    inputs : str
        "digits": principal components of images, and whether the digit is below 5. "normal": normal inputs and labels
        that are drawn.
    columns : int
        Number of inputs p.
    **settings : object
        hidden, activation, loss and decay of `Tiny`.
    """
    if inputs == "digits":
        images, digit = data.load("digits")
        seen = np.linalg.svd(images - images.mean(axis=0), full_matrices=False)[0][:, :columns] * len(images) ** 0.5
        rows = np.array([rng.choice(len(digit), 40, replace=False) for _ in range(samples)])
        X, y = seen[rows], np.where(digit < 5, -1.0, 1.0)[rows]
    else:
        X, y = rng.standard_normal((samples, 40, columns)), rng.choice([-1.0, 1.0], (samples, 40))
    Z = np.concatenate([X, np.ones((samples, 40, 1))], axis=2)
    return Tiny(Z.repeat(each, axis=0), y.repeat(each, axis=0), **settings)


def find_level(f: Tiny, theta: np.ndarray, rounds: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Search for critical points:  θ ← θ − (H² + λI)⁻¹Hg,  from each start.

    Parameters
    ----------
    f : Tiny
        Networks.
    theta : array (R, d)
        One start per network.
    rounds : int
        Number of steps; λ falls after one that shortens the gradient g, and grows after one that does not.

    Returns
    -------
    tuple of array
        Where the searches end (R, d), and the length of the gradient there (R,).

    References
    ----------
    Marquardt (1963), An algorithm for least-squares estimation of nonlinear parameters.
    """
    damping, g, H = np.full(len(theta), 1e-2), f.grad(theta), f.hess(theta)
    for _ in range(rounds):
        new = theta - np.linalg.solve(H @ H + damping[:, None, None] * np.eye(f.dim), H @ g[..., None])[..., 0]
        g_new = f.grad(new)
        better = np.linalg.norm(g_new, axis=1) < np.linalg.norm(g, axis=1)
        theta, g = np.where(better[:, None], new, theta), np.where(better[:, None], g_new, g)
        H = np.where(better[:, None, None], f.hess(theta), H)
        damping = np.clip(np.where(better, damping / 5, damping * 4), 1e-12, 1e6)
    return theta, np.linalg.norm(g, axis=1)
