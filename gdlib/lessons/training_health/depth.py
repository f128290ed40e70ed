"""The length of the gradient on its way back through a deep network.

Without normalisation a layer changes the mean square of the gradient by gain² · mean φ′². With batch normalisation and
relu it grows by π/(π − 1) a layer, whatever the gain: relu′ lets half of it through, and dividing by the deviation
divides by gain² · var relu(x̂) = gain² (π − 1)/(2π). Where layers and batch are large, the length grows by 1.21 a
layer, 14,000-fold over 50 layers (Yang et al. 2019, A mean field theory of batch normalization).
"""
from collections.abc import Sequence

import numpy as np

from gdlib.networks import MLP
from gdlib.normalised import NormalisedMLP

WIDTH, ROWS = 64, 128
GAINS = {"½": 0.5, "1": 1.0, "√2": 2**0.5, "2": 2.0}  # standard deviation of the weights, times √64


def network(depth: int, activation: str, rng: np.random.Generator, norm: str = "none") -> MLP:
    """Make a network of `depth` hidden layers of 64 units and 64 outputs, on 128 rows of N(0, 1) inputs.

    Parameters
    ----------
    depth : int
        Number of hidden layers.
    activation : str
        Activation: "identity" for a linear network, "tanh", "relu" or "sigmoid".
    rng : Generator
        Source of the inputs.
    norm : {"none", "batch", "layer"}
        What the hidden layers are normalised over.
    """
    data = rng.standard_normal((ROWS, WIDTH)), np.zeros((ROWS, WIDTH))
    settings = {"hidden": (WIDTH,) * depth, "activation": activation, "loss": "squared"}
    return MLP(*data, **settings) if norm == "none" else NormalisedMLP(*data, **settings, over=norm)


def lengths(depth: int, activation: str, gain: float, seeds: int = 10, norm: str = "none") -> np.ndarray:
    """Measure the gradient's length at each layer, the first one first, for a gradient of length 1 at the output.

    Parameters
    ----------
    depth : int
        Number of hidden layers.
    activation : str
        Activation: "identity", "tanh", "relu" or "sigmoid".
    gain : float
        Standard deviation of the weights, times √64.
    seeds : int
        Number of networks.
    norm : {"none", "batch", "layer"}
        What the hidden layers are normalised over.

    Returns
    -------
    array (seeds, depth + 1)
        The median over the rows, for each network and layer.
    """
    found = []
    for seed in range(seeds):
        rng = np.random.default_rng([depth, seed])
        model = network(depth, activation, rng, norm)
        found.append(np.median(model.gradient_lengths(model.init(rng, gain), rng), axis=-1))
    return np.array(found)


def at_first_layer(
    depths: Sequence[int], activation: str, gain: float, seeds: int = 10, norm: str = "none"
) -> np.ndarray:
    """Measure the gradient's length at the first layer: the median over networks and rows, for each depth.

    It is a product of `depth` weight matrices and `depth` slopes of the activation.

    Parameters
    ----------
    depths : sequence of int
        Numbers of hidden layers.
    activation : str
        Activation: "identity", "tanh", "relu" or "sigmoid".
    gain : float
        Standard deviation of the weights, times √64.
    seeds : int
        Number of networks.
    norm : {"none", "batch", "layer"}
        What the hidden layers are normalised over.

    Returns
    -------
    array (depths,)
        One length per depth.
    """
    return np.array([np.median(lengths(depth, activation, gain, seeds, norm)[:, 0]) for depth in depths])
