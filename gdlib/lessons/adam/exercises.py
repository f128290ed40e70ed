"""Lesson 06: steps that a class needs, how full an average is, Adam's step, AdamW's decay, and a rule of one's own."""
from __future__ import annotations

import numpy as np

import gdlib as gd
from gdlib.lessons.adam import contest
from gdlib.lessons.kit.diagnosis import kind
from gdlib.lessons.kit.exercise import Exercise
from gdlib.lessons.kit.prediction import Prediction
from gdlib.lessons.kit.project import Project

# --- steps_needed -----------------------------------------------------------------------------------------------------


def steps_needed(share, lr, left):
    """Steps of descent until a class's error has shrunk from 1 to `left`.

    Not rounded.
    """
    return np.log(left) / np.log(1 - lr * share)


def _inputs(rng):
    yield 0.5, 0.5, 0.1
    yield 0.25, 1.0, 0.5
    yield 0.01, 0.2, 0.1
    yield 1.0, 0.4, 0.3
    for _ in range(4):
        yield float(rng.uniform(0.01, 0.9)), float(rng.uniform(0.1, 0.9)), float(rng.uniform(0.02, 0.7))


steps_needed = Exercise(
    steps_needed, inputs=_inputs,
    mistakes=[
        (lambda share, lr, left: np.log(left) / np.log(1 - lr),
         "the share is missing. The slope is share · (θ − 1), so a step takes off lr · share of the error."),
        (lambda share, lr, left: np.log(left) / np.log(1 - share),
         "the learning rate is missing. A step takes off lr · share of the error."),
        (lambda share, lr, left: -np.log(left) / (lr * share),
         "that is the limit for small steps, where ln(1 − x) is nearly −x. Keep the factor 1 − lr · share itself."),
        (lambda share, lr, left: (1 - left) / (lr * share),
         "that would be so if each step took the same length. It takes a share of the error that is still there."),
        (lambda share, lr, left: -np.log(left) / np.log(1 - lr * share),
         "the sign is reversed: both logarithms are negative, so their quotient is positive as it stands."),
        (lambda share, lr, left: np.log(1 - left) / np.log(1 - lr * share),
         "you asked when the share `left` has gone. It is what remains."),
        (lambda share, lr, left: np.log(1 - lr * share) / np.log(left),
         "the quotient is upside down. From (1 − lr · share)^t = left follows t · ln(1 − lr · share) = ln left."),
        (lambda share, lr, left: np.log10(left) / np.log(1 - lr * share),
         "the two logarithms have different bases. Take np.log twice."),
        (lambda share, lr, left: np.log(left) / np.log(1 - lr * share) + 1,
         "that is one step too many: before the first step the error is 1, and t is 0."),
        (lambda share, lr, left: np.log(left) / np.log10(1 - lr * share),
         "the two logarithms have different bases, 10 below. Take np.log twice."),
        (lambda share, lr, left: np.log(left) / np.log(1 + lr * share),
         "a step would make the error larger: the factor is 1 − lr · share."),
        (lambda share, lr, left: np.log(left) / np.log(1 - 2 * lr * share),
         "there is a factor 2 too many. The slope of ½ · share · (θ − 1)² is share · (θ − 1)."),
        (lambda share, lr, left: np.log(left) / np.log(1 - lr / share),
         "lr is divided by the share. A rare class has a smaller slope, not a larger one: multiply."),
        (lambda share, lr, left: np.log(left) / np.log(lr * share),
         "lr · share is what a step takes off. What it leaves is 1 − lr · share."),
        (lambda share, lr, left: np.log(left) / (1 - lr * share),
         "the logarithm below is missing: t · ln(1 − lr · share) = ln left."),
        (lambda share, lr, left: np.log(left / (1 - lr * share)),
         "the logarithm of a quotient is a difference. You need the quotient of two logarithms."),
        (lambda share, lr, left: (1 - lr * share) ** left,
         "that is what is left after `left` steps. The number of steps is asked."),
        (lambda share, lr, left: 1 / (lr * share),
         "that is how the steps grow, 1/share. How many they are depends on `left`, too."),
        (lambda share, lr, left: np.ceil(np.log(left) / np.log(1 - lr * share)),
         "you round up, or count whole steps. Here the number is not rounded: solve (1 − lr · share)^t = left for t."),
        (lambda share, lr, left: np.floor(np.log(left) / np.log(1 - lr * share)),
         "you round down. Here the number is not rounded."),
        (lambda share, lr, left: np.round(np.log(left) / np.log(1 - lr * share)),
         "you round to whole steps. Here the number is not rounded."),
    ],
    hints=["The slope in the coordinate of this class is share · (θ − 1). By which factor does one step change θ − 1?",
           "By 1 − lr · share, and the next step by the same factor. So after t steps (1 − lr · share)^t is left.",
           "Take the logarithm of (1 − lr · share)^t = left, and solve for t."],
    success="For a small lr · share that is nearly ln(1/left)/(lr · share): a tenth of the rows, ten times the steps.")


# --- filled -----------------------------------------------------------------------------------------------------------


def filled(beta, t):
    """What the average of ones is after t steps, when it began at 0."""
    return 1 - beta**t


def _inputs(rng):
    yield 0.5, 1
    yield 0.5, 2
    yield 0.9, 1
    yield 0.9, 3
    yield 0.999, 10
    yield 0.99, 200
    yield 0.0, 4
    for _ in range(3):
        yield float(rng.uniform(0.3, 0.98)), int(rng.integers(2, 30))


filled = Exercise(
    filled, inputs=_inputs,
    mistakes=[
        (lambda beta, t: beta**t,
         "that is the part which is still empty. What is filled is the rest."),
        (lambda beta, t: 1 - beta,
         "so much is filled after one step. The next step adds the share 1 − beta of what is still empty."),
        (lambda beta, t: t * (1 - beta),
         "each step would add the same. But it also keeps only the share beta of what was there."),
        (lambda beta, t: min(1.0, t * (1 - beta)),
         "each step would add the same until it is full. It adds the share 1 − beta of what is still empty."),
        (lambda beta, t: 1 - beta * t,
         "beta is multiplied by t. It is raised to the power t: beta**t, with two stars."),
        (lambda beta, t: 1 - beta ** (t - 1),
         "that is one step behind: after the first step the share 1 − beta is filled, not 0."),
        (lambda beta, t: 1 - beta ** (t + 1),
         "that is one step ahead: after the first step the share 1 − beta is filled."),
        (lambda beta, t: (1 - beta) * beta ** (t - 1),
         "that is the weight of the first number after t steps. All t numbers have a weight: add them up."),
        (lambda beta, t: (1 - beta) * beta**t,
         "that is one weight. All t numbers have a weight: add them up."),
        (lambda beta, t: beta - beta ** (t + 1),
         "the sum of the weights (1 − beta) · beta**k begins one power too late. The newest number has k = 0."),
        (lambda beta, t: 1 / (1 - beta**t),
         "that is what a correction would multiply by. How full the average is, is asked."),
        (lambda beta, t: 1 - t**beta,
         "base and power are swapped: beta**t."),
        (lambda beta, t: (1 - beta) ** t,
         "1 − beta is raised to the power t. What stays empty is beta at each step: beta**t after t of them."),
        (lambda beta, t: 1 - (1 - beta) ** t,
         "the shares are swapped: beta is kept, and 1 − beta comes in."),
        (lambda beta, t: beta**t - 1,
         "the sign is reversed."),
        (lambda beta, t: (1 - beta**t) / (1 - beta),
         "that is the sum of the powers of beta. In an average each number comes in with the share 1 − beta."),
        (lambda beta, t: 1 - np.exp(-t * (1 - beta)),
         "that is nearly so for a beta near 1. Exactly, the share beta of what is empty stays empty at each step."),
    ],
    hints=["Write down the average after one step, and after two: a = beta · a + (1 − beta) · 1.",
           "Look at what is still empty, 1 − a. By which factor does one step change it?",
           "By beta. At first all of it is empty, so after t steps beta**t is."],
    success="So an average that is too small by this factor is mended by dividing by it.")


# --- adam_step --------------------------------------------------------------------------------------------------------


def adam_step(t, theta, m, v, gradient, lr, beta1, beta2, eps):
    """Adam's step number t = 1, 2, …: the new theta, m and v.

    m and v are handed back as they are, not corrected.
    """
    m = beta1 * m + (1 - beta1) * gradient
    v = beta2 * v + (1 - beta2) * gradient**2
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    return theta - lr * m_hat / (np.sqrt(v_hat) + eps), m, v


def _inputs(rng):
    yield 1, 1.0, 0.0, 0.0, 2.0, 0.1, 0.5, 0.75, 1e-8
    yield 2, 1.0, 1.0, 1.0, 2.0, 0.1, 0.6, 0.75, 1e-8  # not 0.5: 1 - beta1 * t would be 0, a bare ZeroDivisionError
    theta, m, v, g = np.array([1.0, 2.0]), np.array([0.5, -1.0]), np.array([1.0, 4.0]), np.array([2.0, 1.0])
    yield 3, theta, m, v, g, 0.5, 0.9, 0.99, 0.1
    yield 2, 1.0, 1.0, 1.0, 2.0, 0.1, 0.6, 0.75, 0.5
    for t in (2, 5, 40):
        m, v = rng.normal(size=3), rng.uniform(0.5, 3, size=3)
        yield t, rng.normal(size=3), m, v, rng.normal(size=3), 0.3, 0.8, 0.95, 0.1


def _adam(first=lambda m, g, b: b * m + (1 - b) * g, second=lambda v, g, b: b * v + (1 - b) * g**2,
          hats=lambda t, m, v, b1, b2: (m / (1 - b1**t), v / (1 - b2**t)),
          root=lambda v, eps, c: np.sqrt(v) + eps, sign=1, top=lambda m, g: m, back=lambda m, v, mh, vh: (m, v)):
    """A wrong adam_step in which one part is replaced."""
    def step(t, theta, m, v, gradient, lr, beta1, beta2, eps):
        m, v = first(m, gradient, beta1), second(v, gradient, beta2)
        m_hat, v_hat = hats(t, m, v, beta1, beta2)
        theta = theta - sign * lr * top(m_hat, gradient) / root(v_hat, eps, 1 - beta2**t)
        return theta, *back(m, v, m_hat, v_hat)
    return step


def _nadam(t, theta, m, v, gradient, lr, beta1, beta2, eps):
    m, v = beta1 * m + (1 - beta1) * gradient, beta2 * v + (1 - beta2) * gradient**2
    ahead = (beta1 * m + (1 - beta1) * gradient) / (1 - beta1**t)
    return theta - lr * ahead / (np.sqrt(v / (1 - beta2**t)) + eps), m, v


def _first(theta):
    """A wrong adam_step with another first result, made of theta and Adam's quotient m̂/(√v̂), lr and eps."""
    def step(t, old, m, v, gradient, lr, beta1, beta2, eps):
        m, v = beta1 * m + (1 - beta1) * gradient, beta2 * v + (1 - beta2) * gradient**2
        return theta(old, m / (1 - beta1**t), np.sqrt(v / (1 - beta2**t)), lr, eps), m, v
    return step


def _old_averages(t, theta, m, v, gradient, lr, beta1, beta2, eps):
    stepped = theta - lr * m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + eps)
    return stepped, beta1 * m + (1 - beta1) * gradient, beta2 * v + (1 - beta2) * gradient**2


def _old_root(t, theta, m, v, gradient, lr, beta1, beta2, eps):
    root = np.sqrt(v / (1 - beta2**t))
    m, v = beta1 * m + (1 - beta1) * gradient, beta2 * v + (1 - beta2) * gradient**2
    return theta - lr * m / (1 - beta1**t) / (root + eps), m, v


def _old_mean(t, theta, m, v, gradient, lr, beta1, beta2, eps):
    m_hat = m / (1 - beta1**t)
    m, v = beta1 * m + (1 - beta1) * gradient, beta2 * v + (1 - beta2) * gradient**2
    return theta - lr * m_hat / (np.sqrt(v / (1 - beta2**t)) + eps), m, v


def _theta_last(t, theta, m, v, gradient, lr, beta1, beta2, eps):
    theta, m, v = adam_step.solution_function(t, theta, m, v, gradient, lr, beta1, beta2, eps)
    return m, v, theta


def _betas_swapped(t, theta, m, v, gradient, lr, beta1, beta2, eps):
    return adam_step.solution_function(t, theta, m, v, gradient, lr, beta2, beta1, eps)


def _v_of_m(t, theta, m, v, gradient, lr, beta1, beta2, eps):
    m = beta1 * m + (1 - beta1) * gradient
    v = beta2 * v + (1 - beta2) * m**2
    return theta - lr * m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + eps), m, v


adam_step = Exercise(
    adam_step, inputs=_inputs, returns=("theta", "m", "v"),
    mistakes=[
        (_adam(hats=lambda t, m, v, b1, b2: (m, v)),
         "neither average is corrected. Divide m by 1 − beta1**t and v by 1 − beta2**t before they are used."),
        (_adam(hats=lambda t, m, v, b1, b2: (m / (1 - b1**t), v)),
         "v is not corrected. It begins at 0 too, and recovers more slowly: divide it by 1 − beta2**t."),
        (_adam(hats=lambda t, m, v, b1, b2: (m, v / (1 - b2**t))),
         "m is not corrected. Divide it by 1 − beta1**t."),
        (_adam(hats=lambda t, m, v, b1, b2: (m / (1 - b1), v / (1 - b2))),
         "the correction does not fade. It is 1 − beta**t, which grows to 1 as t grows."),
        (_adam(hats=lambda t, m, v, b1, b2: (m / (1 - b1 * t), v / (1 - b2 * t))),
         "a beta is multiplied by t. It is raised to the power t: beta**t, with two stars. Look at both corrections."),
        (_adam(hats=lambda t, m, v, b1, b2: (m / (1 - b1 * t), v / (1 - b2**t))),
         "beta1 is multiplied by t. It is raised to the power t: beta1**t, with two stars."),
        (_adam(hats=lambda t, m, v, b1, b2: (m / (1 - b1 ** (t + 1)), v / (1 - b2 ** (t + 1)))),
         "the correction is one step ahead. Steps are counted from 1, so the power is t."),
        (_adam(hats=lambda t, m, v, b1, b2: (m * (1 - b1**t), v * (1 - b2**t))),
         "you multiply by the corrections. The averages came out too small: divide."),
        (_adam(hats=lambda t, m, v, b1, b2: (m * (1 - b1**t), v / (1 - b2**t))),
         "m is multiplied by its correction. It came out too small: divide."),
        (_adam(hats=lambda t, m, v, b1, b2: (m / (1 - b2**t), v / (1 - b1**t))),
         "the two corrections are swapped. beta1 belongs to m, beta2 to v."),
        (_adam(hats=lambda t, m, v, b1, b2: (m / (1 - b1 ** (t - 1)), v / (1 - b2 ** (t - 1)))),
         "the correction is one step late: at step 1 it divides by 1 − beta**0 = 0. Steps are counted from 1, so the "
         "power is t."),
        (_adam(hats=lambda t, m, v, b1, b2: (m / (1 - b1**t), v / np.sqrt(1 - b2**t))),
         "the correction of v has a root of its own. v / (1 − beta2**t) is corrected, and the root is taken of that."),
        (_adam(hats=lambda t, m, v, b1, b2: (m / (1 - b1**t), v / (1 - b2**t) ** 2)),
         "v is divided by the square of 1 − beta2**t. That is corrected outside the root, but by the whole "
         "1 − beta2**t: either v / (1 − beta2**t) inside, or its root outside."),
        (_betas_swapped,
         "beta1 and beta2 are swapped. beta1 belongs to m, beta2 to v."),
        (_adam(first=lambda m, g, b: (1 - b) * m + b * g),
         "the shares in m are swapped. beta1 is what is kept."),
        (_adam(second=lambda v, g, b: (1 - b) * v + b * g**2),
         "the shares in v are swapped. beta2 is what is kept."),
        (_adam(first=lambda m, g, b: (1 - b) * m + b * g, second=lambda v, g, b: (1 - b) * v + b * g**2),
         "the shares are swapped in both averages. beta1 and beta2 are what is kept."),
        (_adam(second=lambda v, g, b: b * v + ((1 - b) * g) ** 2),
         "1 − beta2 is squared as well. Only the gradient is: (1 − beta2) * gradient**2."),
        (_adam(second=lambda v, g, b: b * v + (1 - b) * 2 * g),
         "`gradient * 2` doubles it, with one star. The square is gradient**2."),
        (_adam(second=lambda v, g, b: b * v + (1 - b) * abs(g)),
         "v averages the size of the gradient. It averages its square."),
        (_adam(second=lambda v, g, b: v + g**2),
         "in v the squares are added up, as in AdaGrad. Keep the share beta2, and take the share 1 − beta2 of the "
         "new square."),
        (_adam(second=lambda v, g, b: b * v + (1 - b) * np.sum(np.square(g))),
         "one sum of squares for all coordinates. Each coordinate keeps its own: no np.sum."),
        (_old_averages,
         "the step uses the old averages. First compute the new m and v, then take the step."),
        (_old_root,
         "the root is taken of the old v. First compute the new v, then take the step."),
        (_old_mean,
         "the step uses the old m. First compute the new m, then take the step."),
        (_theta_last,
         "that is m, v, theta. The order asked for is theta, m, v."),
        (_nadam,
         "that is NAdam, Adam with Nesterov's look ahead. Above the root stands m_hat alone."),
        (_first(lambda theta, m, root, lr, eps: theta - (lr * m / root + eps)),
         "eps is added to the quotient, as / binds first. Put brackets around the root and eps."),
        (_first(lambda theta, m, root, lr, eps: theta - lr * m / root + eps),
         "eps is added to theta, as / binds first. Put brackets around the root and eps."),
        (_first(lambda theta, m, root, lr, eps: theta - lr * (m / root + eps)),
         "eps is added to the quotient, inside the bracket. Put brackets around the root and eps alone."),
        (_first(lambda theta, m, root, lr, eps: theta - lr * m / root),
         "eps is missing, and a coordinate whose slope has always been 0 becomes 0/0. Add it to the root."),
        (_first(lambda theta, m, root, lr, eps: lr * m / (root + eps)),
         "that is the step alone. Hand back where it leads: theta minus the step."),
        (_first(lambda theta, m, root, lr, eps: -lr * m / (root + eps)),
         "that is the step alone, without theta. Add it to theta."),
        (_first(lambda theta, m, root, lr, eps: theta - m / (root + eps)),
         "the learning rate is missing in the step."),
        (_adam(back=lambda m, v, mh, vh: (v, m)),
         "theta is right, but m and v come in the other order: return theta, m, v."),
        (_adam(first=lambda m, g, b: b * m + g, second=lambda v, g, b: b * v + g**2),
         "both averages take the new number in whole, as momentum does. It gets the share 1 − beta."),
        (_adam(first=lambda m, g, b: b * m + g),
         "in m the gradient comes in whole, as in momentum. Here it gets the share 1 − beta1."),
        (_adam(second=lambda v, g, b: b * v + g**2),
         "in v the square comes in whole. It gets the share 1 − beta2."),
        (_adam(second=lambda v, g, b: b * v + (1 - b) * g),
         "v averages the gradient. It averages its square."),
        (_v_of_m,
         "v averages m². It averages gradient**2."),
        (_adam(top=lambda m, g: g),
         "the step takes the bare gradient, as RMSprop does. Adam takes the corrected average m_hat."),
        (_adam(root=lambda v, eps, c: np.sqrt(v + eps)),
         "eps stands inside the root. Here it is added to the root."),
        (_adam(root=lambda v, eps, c: np.sqrt(v) + eps / np.sqrt(c)),
         "that is Keras's Adam, with eps beside the uncorrected root. Here it is added to the corrected one."),
        (_adam(root=lambda v, eps, c: v + eps),
         "you divide by v_hat. Divide by its square root."),
        (_adam(sign=-1),
         "the walk goes uphill. Look at the sign before lr."),
        (_adam(back=lambda m, v, mh, vh: (mh, vh)),
         "theta is right, but the corrected averages are handed on, and would be corrected again in the next step. "
         "Keep m and v as they were."),
    ],
    hints=["Four lines: m, v, the two corrected ones, and the step. m is a running average of the gradient, v of its "
           "square.",
           "m = beta1 * m + (1 - beta1) * gradient, v likewise with beta2 and gradient**2. Both began at 0: divide "
           "them by what `filled(beta, t)` says.",
           "m_hat = m / (1 - beta1**t), v_hat = v / (1 - beta2**t), and theta moves by "
           "lr * m_hat / (np.sqrt(v_hat) + eps)."],
    success="That is Adam, whole. Return m and v without the correction: it is made anew at each step.")


# --- adamw_step -------------------------------------------------------------------------------------------------------


def adamw_step(theta, direction, lr, weight_decay):
    """AdamW: theta after the decay and Adam's step.

    direction: Adam's m_hat / (sqrt(v_hat) + eps).
    """
    return theta * (1 - lr * weight_decay) - lr * direction


def _inputs(rng):
    yield 2.0, 0.5, 0.1, 0.5
    yield 2.0, 0.0, 0.1, 0.5
    yield np.array([1.0, -2.0]), np.array([1.0, 1.0]), 0.5, 0.2
    yield np.array([1.0, -2.0]), np.array([-1.0, 0.5]), 0.5, 0.0
    for _ in range(3):
        yield rng.normal(size=3), rng.normal(size=3), float(rng.uniform(0.1, 1)), float(rng.uniform(0.1, 1))


adamw_step = Exercise(
    adamw_step, inputs=_inputs,
    mistakes=[
        (lambda theta, direction, lr, weight_decay: theta - lr * direction,
         "the decay is missing. At each step the share lr·weight_decay of theta is taken off."),
        (lambda theta, direction, lr, weight_decay: theta * (1 - weight_decay) - lr * direction,
         "the learning rate is missing in the decay. In the paper only the schedule multiplies it; here, as in "
         "PyTorch, optax and Keras, the share taken off is lr·weight_decay."),
        (lambda theta, direction, lr, weight_decay: theta * (1 - lr * weight_decay) - direction,
         "the learning rate is missing in the step: lr * direction."),
        (lambda theta, direction, lr, weight_decay: theta * (1 - lr) - lr * weight_decay * direction,
         "the decay stands at the direction. It belongs to theta: the share lr·weight_decay is taken off theta."),
        (lambda theta, direction, lr, weight_decay: -theta * lr * weight_decay - lr * direction,
         "that is the change alone. Hand back where it leads: theta plus the change."),
        (lambda theta, direction, lr, weight_decay: theta * (1 - lr * weight_decay / 2) - lr * direction,
         "half the decay is missing. The slope of (w/2)·θ² is w·θ."),
        (lambda theta, direction, lr, weight_decay: theta * (1 - 2 * lr * weight_decay) - lr * direction,
         "twice the decay. The slope of (w/2)·θ² is w·θ, without a 2."),
        (lambda theta, direction, lr, weight_decay: theta * (1 - lr**2 * weight_decay) - lr * direction,
         "the learning rate stands twice in the decay. The share taken off is lr·weight_decay."),
        (lambda theta, direction, lr, weight_decay: theta * (1 - lr * weight_decay),
         "Adam's step is missing: subtract lr * direction."),
        (lambda theta, direction, lr, weight_decay: theta - lr * direction - lr * weight_decay * direction,
         "the decay multiplies the direction. It is a share of theta: lr·weight_decay·theta."),
        (lambda theta, direction, lr, weight_decay: theta * (1 - lr * weight_decay**2) - lr * direction,
         "weight_decay is squared. The share taken off is lr·weight_decay."),
        (lambda theta, direction, lr, weight_decay: (theta - lr * direction) * (1 - lr * weight_decay),
         "you shrink after the step, and with it the step itself. Take the share off the old theta."),
        (lambda theta, direction, lr, weight_decay: theta * (1 + lr * weight_decay) - lr * direction,
         "theta grows. The decay is subtracted."),
        (lambda theta, direction, lr, weight_decay: theta - lr * direction - lr * weight_decay,
         "the same amount is taken off every coordinate. It is a share: multiply by theta."),
        (lambda theta, direction, lr, weight_decay: theta - lr * direction - lr * weight_decay * np.sign(theta),
         "the same amount is taken off every coordinate, towards 0 (that would be an L1 penalty). "
         "It is a share: multiply by theta."),
        (lambda theta, direction, lr, weight_decay: theta * weight_decay - lr * direction,
         "only the share weight_decay of theta is left. The share 1 − lr·weight_decay stays."),
        (lambda theta, direction, lr, weight_decay: theta * (1 - lr * weight_decay) + lr * direction,
         "the walk goes uphill. Look at the sign before lr * direction."),
    ],
    hints=["Two things happen to the old theta: a share of it is taken off, and Adam's step.",
           "The share is lr * weight_decay. The direction is not touched by it.",
           "`theta * (1 - lr * weight_decay) - lr * direction`."],
    success="The decay goes past Adam's division: every weight shrinks by the same share.")


# --- project: my_rule -------------------------------------------------------------------------------------------------


def my_rule(theta, gradient, lr, state):
    """My own optimiser: one step, and what it remembers.

    gradient(theta): the slopes there, by a few rows. state: None at first.
    """
    m, s = (0 * theta, 0 * theta) if state is None else state
    g = gradient(theta)
    m, s = 0.8 * m + 0.2 * g, s + g**2
    return theta - lr * m / (np.sqrt(s) + 1e-8), (m, s)


SHAPE = gd.quadratic([1.0, 0.1])
KNOWN = {  # name: the rule, whose walk a rule of one's own must not be
    "descent": gd.gradient_descent, "momentum": gd.momentum, "Nesterov": gd.nesterov, "AdaGrad": gd.adagrad,
    "RMSprop": gd.rmsprop, "Adam": gd.adam, "Lion": gd.lion,
}


def _steps(rule, lr=0.1, steps=12, start=(1.0, -2.0)):
    """A rule's points in a bowl with exact slopes."""
    theta, state, points = np.array(start), None, []
    for _ in range(steps):
        theta, state = rule(theta, SHAPE.grad, lr, state)
        points.append(theta)
    return np.array(points)


def _takes_a_step(rule):
    asked = []

    def gradient(theta):
        asked.append(theta)
        return SHAPE.grad(theta)

    answer = rule(np.array([1.0, -2.0]), gradient, 0.1, None)
    if not (isinstance(answer, (tuple, list)) and len(answer) == 2):
        return f"it answered {kind(answer)}. Return two things: the new theta, and the new state."
    if np.shape(answer[0]) != (2,):
        return f"for a theta of shape (2,) the new theta has shape {np.shape(answer[0])}. It must keep its shape."
    return "" if asked else "it asked for no gradient. Call gradient(theta)."


def _leaves_its_arguments_alone(rule):
    theta, state = np.array([1.0, -2.0]), None
    for _ in range(3):
        before = theta.copy()
        new, state = rule(theta, SHAPE.grad, 0.1, state)
        if not np.array_equal(theta, before):
            return "it changed the theta that it was given. Write `theta = theta - …`, not `theta -= …`."
        theta = new
    return ""


def _keeps_two_walks_apart(rule):
    alone = _steps(rule)
    if not np.array_equal(alone, _steps(rule)):
        return ("Called twice with the same arguments, it goes two ways. If it draws random numbers, keep a generator "
                "with a seed in `state`; if it remembers something, keep that there, too.")
    walks = [[np.array([1.0, -2.0]), None], [np.array([-3.0, 0.5]), None]]
    for _ in range(len(alone)):
        walks = [list(rule(theta, SHAPE.grad, 0.1, state)) for theta, state in walks]
    if not np.array_equal(walks[0][0], alone[-1]):
        return ("beside a second walk it goes elsewhere. What a rule remembers belongs into `state`: not into a "
                "variable outside, and not into an array that is changed in place.")
    return ""


def _comes_down(rule):
    ends = [SHAPE(_steps(rule, lr, 60)[-1]) for lr in contest.RATES]
    best = np.nanmin([np.inf, *ends])
    first = SHAPE(np.array([1.0, -2.0]))
    if not best < 0.1 * first:
        return (f"in a bowl, at the best of {len(contest.RATES)} learning rates, {best / first:.2g} of the loss is "
                "left after 60 steps. A tenth or less is asked. Does it go downhill, and use lr?")
    return ""


def _is_my_own(rule):
    mine = _steps(rule)
    for name, make in KNOWN.items():
        theirs = gd.run(SHAPE, make(0.1), [1.0, -2.0], len(mine)).theta[1:]
        if np.allclose(mine, theirs, rtol=1e-4):
            return f"step by step it walks as {name} does, with its usual settings. Change something."
    return ""


def _beats_momentum(rule):
    mine, momentum = (contest.enter(entrant).mean() for entrant in (rule, contest.momentum))
    if not mine < momentum:
        return (f"its mean loss is {mine:.3f} at its best learning rate, that of momentum {momentum:.3f}. What do the "
                "rare classes need? Each coordinate's own past tells.")
    return ""


my_rule = Project(
    my_rule,
    points=[
        ("it takes a step, and hands back theta and state", _takes_a_step),
        ("it leaves the theta that it was given as it was", _leaves_its_arguments_alone),
        ("what it remembers is in its state: two walks don't disturb each other", _keeps_two_walks_apart),
        ("in a bowl it comes down, at the best of nine learning rates", _comes_down),
        ("it is none of the course's rules with their usual settings", _is_my_own),
        ("in the race it ends below tuned momentum", _beats_momentum),
    ],
    hints=["Begin with a rule that you know, and change one line. `if state is None:` makes the first state.",
           "Ideas: AdaGrad with an average of the slopes above the root; Adam whose β₂ grows with t; the sign of an "
           "average of two lengths; two gradients a step, at half the number of steps.",
           "`m, s = (0 * theta, 0 * theta) if state is None else state`, then `g = gradient(theta)`, new m and s, and "
           "`return theta - lr * m / (np.sqrt(s) + 1e-8), (m, s)`."],
    success="An optimiser of your own, and a fair race that it did not lose to momentum.")


# --- predictions ------------------------------------------------------------------------------------------------------

hundredfold = Prediction(
    "hundredfold",
    "Class 1 has a hundred times as many rows as class 10. Plain descent runs at one learning rate for all. How many "
    "times as many steps does class 10 need, until a tenth of its error is left?",
    at_least={"as many: all classes are learned together": 0, "about ten times": 4, "about a hundred times": 40,
              "it never gets there": 1e5},
    why="A hundredth of the rows makes a hundredth of the slope, and so a hundredth of the step.",
    replies={
        "as many: all classes are learned together":
            "All classes are stepped together, but each by its own slope. The loss is a mean over rows, so the slope "
            "of a class that has few rows is small.",
        "about ten times": "Momentum gains such a root, with its tuned β (lesson 04). Plain descent does not.",
        "it never gets there": "Its slope is small, but it is not 0 before the error is.",
    })

signs = Prediction(
    "signs",
    "Now each step follows the sign of the slope only: θ ← θ − η · sign(g). Which class is first to have a tenth of "
    "its error left?",
    equal_to={"the most frequent": "frequent", "the rarest": "rare", "all at the same step": "all"},
    why="The sign of share · (θ − 1) does not contain the share. Every class takes steps of length η.",
    replies={
        "the most frequent": "Its slope is the largest. But the sign has no size.",
        "the rarest": "Nothing favours it: the size of its slope is dropped, as that of all others.",
    })

hundredth = Prediction(
    "hundredth",
    "The slope is the same at every step. How long is AdaGrad's 100th step, compared with its first?",
    at_least={
        "as long: the slope has not changed": 0.5,
        "a tenth": 0.03,
        "a hundredth": 0.003,
        "next to nothing: what is divided again and again vanishes": 0,
    },
    why="After t equal slopes g the sum is t·g², its root √t·|g|. The slope cancels, and η/√t is left. Such steps add "
        "up without limit: t of them make about 2η√t.",
    replies={
        "as long: the slope has not changed": "The slope has not, but the sum of its squares has: it grows with t.",
        "a hundredth": "The sum is a hundred times as large. The step is divided by its root.",
        "next to nothing: what is divided again and again vanishes":
            "Each step is divided once, by a root that grows like √t. That vanishes slowly.",
    })

opening = Prediction(
    "opening",
    "RMSprop with ρ = 0.99. How long is its first step, whatever the slope?",
    at_least={
        "η, as the learning rate says": 0.3,
        "η/100: the average has hardly begun": 0,
        "10 η": 4,
        "100 η": 40,
    },
    why="s began at 0 and has taken only the share 1 − ρ of the first square. So its root is √(1 − ρ) = 0.1 of the "
        "slope, and the step is ten times too long.",
    replies={
        "η, as the learning rate says":
            "It would be so if s were the square of the slope. It is only a part of it yet.",
        "η/100: the average has hardly begun": "The average is too small, and it stands *below*: the step gets longer.",
        "100 η": "s is a hundredth of the square. The step is divided by its root.",
    })

lead = Prediction(
    "lead",
    "The sixty classes again, 32 rows a step, momentum and Adam each at its best learning rate. On which rows does "
    "Adam end with less loss?",
    equal_to={"on none: tuned momentum is as good": "none", "on the third with the most frequent classes": "frequent",
              "on all about alike": "all", "on the third with the rarest classes": "rare"},
    why="The frequent classes limit momentum's learning rate, and at that learning rate the rare ones starve. Adam "
        "divides each class's slope by its own size.",
    replies={
        "on none: tuned momentum is as good":
            "Tuning finds the best single learning rate. None serves all classes here.",
        "on the third with the most frequent classes":
            "Their slopes are large, and momentum's learning rate suits them. Little is left to gain.",
        "on all about alike": "Momentum's learning rate suits the frequent classes already. Little is left to gain.",
    })

turned = Prediction(
    "turned",
    "Now the ravine is turned by 45°, and RMSprop (ρ = 0.9) is tuned again. How far does it get?",
    at_least={"as far as before: it is the same ravine": 0, "less far, but much further than descent": 1e-6,
              "about as far as plain descent": 0.1},
    why="In the turned ravine both coordinates feel the same mixture of steep and flat. Both get about the same "
        "learning rate, and one for all is what descent has.",
    replies={
        "as far as before: it is the same ravine":
            "For descent and momentum it is. RMSprop looks at each coordinate, and coordinates do not turn along.",
        "less far, but much further than descent":
            "At a small angle it is so. At 45° the two coordinates have nothing left that differs.",
    })

million = Prediction(
    "million",
    "Rosenbrock's valley, Adam at learning rate 0.01. Now the loss is multiplied by a million, and the learning rate "
    "stays. What becomes of the walk?",
    at_least={"it flies off at once": 10, "it goes another way": 1e-3, "it stays the same": 0},
    why="The factor is in m̂ and in √v̂, and cancels. Only ε = 10⁻⁸ is not multiplied.",
    replies={
        "it flies off at once": "Descent would. Adam divides each slope by the size of its own past slopes.",
        "it goes another way": "Direction and length are made of quotients, and both parts of each are a million times "
                               "as large.",
    })
