"""A small fair race of optimisers on rare classes: the cost is counted in gradients, each one's rate is tuned alike."""
import numpy as np

import gdlib as gd
from gdlib.lessons.adam.rare_classes import rare_classes

RATES = 10.0 ** np.arange(-2.5, 1.6, 0.5)
GRADIENTS, BATCH, DRAWS = 120, 32, 3
WORST = 1e3  # a loss beyond it, or none, counts as this


def problem(draw: int, tail: float = 2.0) -> gd.SoftmaxRegression:
    """Draw the race's problem: 300 rows, 10 inputs, 60 classes."""
    return rare_classes(np.random.default_rng([6, draw]), n=300, d=10, classes=60, tail=tail)


def enter(rule, rates=RATES) -> np.ndarray:
    """Run a rule in the race.

    Parameters
    ----------
    rule : function
        (theta, gradient, lr, state) -> (theta, state), one step; state is None at first.
    rates : sequence of float
        Learning rates to try. Each falls to 0 linearly.

    Returns
    -------
    array (DRAWS,)
        Training loss at the end on each draw, at the rate whose mean over the draws is the lowest.
    """
    losses = np.array([[_loss(rule, lr, draw) for draw in range(DRAWS)] for lr in rates])
    return losses[losses.mean(axis=1).argmin()]


def _loss(rule, lr, draw):
    f, asked = problem(draw), 0
    batches = gd.minibatches(f, BATCH, np.random.default_rng([7, draw]))

    def gradient(theta):
        nonlocal asked
        asked += 1
        return next(batches)(theta)

    theta, state = np.zeros(f.dim), None
    while asked < GRADIENTS:
        before = asked
        new, state = rule(theta, gradient, lr * (1 - asked / GRADIENTS), state)
        if asked == before:
            raise ValueError("a rule must ask for a gradient at each step; got a step without. Call gradient(theta).")
        if asked <= GRADIENTS:  # a step that asks for more than are left does not count
            theta = new
    return min(np.nan_to_num(f(theta), nan=WORST), WORST)


def momentum(theta, gradient, lr, state):
    """Momentum with β = 0.9, as an entrant."""
    v = gradient(theta) + (0 if state is None else 0.9 * state)
    return theta - lr * v, v


def adam(theta, gradient, lr, state):
    """Adam with its usual settings, as an entrant."""
    t, m, v = (0, 0 * theta, 0 * theta) if state is None else state
    t, g = t + 1, gradient(theta)
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
    return theta - lr * m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8), (t, m, v)
