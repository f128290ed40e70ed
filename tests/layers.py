"""A network's gradient that workers answer layer by layer, while the layers before it are still being computed."""
import numpy as np

import gdlib as gd
from gdlib.networks import ACTIVATIONS


class Layered:
    """A network's gradient, whole or layer by layer while the layers before it are computed."""

    def __init__(self, rows, layers, width=1024):
        rng = np.random.default_rng(0)
        self.model = gd.MLP(rng.normal(size=(rows, width)), np.arange(rows) % 10, hidden=(width,) * layers)

    def gradient(self, theta, t):
        return self.model.grad(theta), self.model.n

    def begin(self, theta):
        self.parts = enumerate(backward(self.model, theta))

    def part(self):
        return next(self.parts)


def backward(model, theta):
    """The gradient of each layer of a network, the last layer first: one after another, as `MLP.grad` has them."""
    blocks = model.blocks(theta)
    layers = model._forward(blocks, model.X)
    delta = model._error(layers.pop(), model.y)
    for i in range(len(blocks) - 2, -1, -2):
        h = layers.pop()
        yield np.concatenate([(h.T @ delta).ravel(), delta.sum(axis=0)])
        if i:
            delta = delta @ blocks[i].T * ACTIVATIONS[model.activation][1](h)


def sum_whole(pool, theta):
    """The sum of all workers' gradients, each in one message."""
    return sum(gradient for gradient, _ in gd.distributed.gather(pool, "gradient", theta, 1))


def sum_in_parts(pool, theta, layers):
    """The same, each layer in a message of its own, which travels while the layer before it is computed."""
    gd.distributed.gather(pool, "begin", theta)
    for _ in range(layers):
        for rank in range(pool.n):
            pool.call(rank, "part")
    parts = {}
    while pool.unanswered:
        ticket, (number, part) = pool.first(pool.unanswered)
        parts[number, ticket.rank] = part
    sums = [sum(parts[number, rank] for rank in range(pool.n)) for number in range(layers)]
    return np.concatenate(sums[::-1])
