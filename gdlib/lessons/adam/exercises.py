"""Lesson 06: AdaGrad's, RMSprop's and Adam's step, what a missing correction does, AdamW's decay."""
from __future__ import annotations

import numpy as np

from gdlib.lessons.kit.exercise import Exercise
from gdlib.lessons.kit.prediction import Prediction

# --- adagrad_step -----------------------------------------------------------------------------------------------------


def adagrad_step(theta, s, gradient, lr, eps):
    """One step of AdaGrad: the new theta, and the new sum of squares s."""
    s = s + gradient**2
    return theta - lr * gradient / (np.sqrt(s) + eps), s


def _inputs(rng):
    yield 1.0, 0.0, 2.0, 0.1, 1e-8
    yield 1.0, 5.0, 2.0, 0.1, 1e-8
    yield np.array([1.0, 2.0]), np.array([0.0, 7.0]), np.array([4.0, 3.0]), 0.5, 1e-8
    yield np.array([1.0, 2.0]), np.array([0.0, 4.0]), np.array([0.0, -1.0]), 0.5, 1e-8
    yield 0.0, 3.0, 1.0, 0.2, 2.0
    for _ in range(3):
        yield rng.normal(size=3), rng.uniform(0.5, 3, size=3), rng.normal(size=3), float(rng.uniform(0.1, 1)), 0.1


def _adagrad(gather=lambda s, g: s + g**2, root=lambda s, eps: np.sqrt(s) + eps, sign=1, use=lambda old, new: new,
             top=lambda g: g):
    """A wrong adagrad_step in which one part is replaced."""
    def step(theta, s, gradient, lr, eps):
        new = gather(s, gradient)
        return theta - sign * lr * top(gradient) / root(use(s, new), eps), new
    return step


def _forgets_to_hand_on(theta, s, gradient, lr, eps):
    return adagrad_step.solution_function(theta, s, gradient, lr, eps)[0], s


adagrad_step = Exercise(
    adagrad_step, inputs=_inputs, returns=("theta", "s"),
    mistakes=[
        (_adagrad(gather=lambda s, g: s + g),
         "s adds up the slopes themselves, and slopes of opposite sign cancel. It adds up their squares."),
        (_adagrad(gather=lambda s, g: s + abs(g)),
         "s adds up sizes. It adds up squares, gradient**2."),
        (_adagrad(gather=lambda s, g: g**2),
         "the past is lost. Add gradient**2 to the old s."),
        (_adagrad(gather=lambda s, g: s + np.sum(np.square(g))),
         "one sum for all coordinates. Each coordinate keeps its own: no np.sum."),
        (_adagrad(root=lambda s, eps: s + eps),
         "you divide by s. Divide by its square root."),
        (_adagrad(root=lambda s, eps: np.sqrt(s + eps)),
         "eps stands inside the root, as in optax and Keras. Here it is added to the root."),
        (lambda theta, s, gradient, lr, eps: (
            theta - lr * gradient / np.sqrt(s + gradient**2) + eps, s + gradient**2),
         "eps is added to the whole step, as / binds first. "
         "Put brackets around the root and eps: / (np.sqrt(s) + eps)."),
        (lambda theta, s, gradient, lr, eps: (
            theta - (lr * gradient / np.sqrt(s + gradient**2) + eps), s + gradient**2),
         "eps is added to the quotient, as / binds first. Put brackets around the root and eps: / (np.sqrt(s) + eps)."),
        (lambda theta, s, gradient, lr, eps: (
            lr * gradient / (np.sqrt(s + gradient**2) + eps), s + gradient**2),
         "that is the step alone. Hand back where it leads: theta minus the step."),
        (lambda theta, s, gradient, lr, eps: (
            -lr * gradient / (np.sqrt(s + gradient**2) + eps), s + gradient**2),
         "that is the step alone, without theta. Add it to theta."),
        (_adagrad(root=lambda s, eps: np.sqrt(s)),
         "eps is missing, and a coordinate whose slope has always been 0 becomes 0/0. Add it to the root."),
        (_adagrad(use=lambda old, new: old),
         "the step uses the old s. First compute the new s, then take the step."),
        (_adagrad(sign=-1),
         "the walk goes uphill. Look at the sign before lr."),
        (_adagrad(top=lambda g: 1.0),
         "the gradient is missing above the root. lr / root is the rate of a coordinate; it multiplies the gradient."),
        (_adagrad(top=lambda g: g**2),
         "the step has the gradient's square above the root, and always goes the same way. Only s takes the square."),
        (_forgets_to_hand_on,
         "theta is right, but the old s is handed back. The next step needs the new one."),
        (lambda *args: _adagrad()(*args)[::-1],
         "theta comes first, then s."),
    ],
    hints=["Two lines. First s: what is added to it, coordinate by coordinate?",
           "s = s + gradient**2. Then each coordinate has a rate of its own, lr divided by the root of its s.",
           "`return theta - lr * gradient / (np.sqrt(s) + eps), s`."],
    success="Each coordinate has its own rate now, and its own past sets it.")


# --- rmsprop_step -----------------------------------------------------------------------------------------------------


def rmsprop_step(theta, s, gradient, lr, rho, eps):
    """One step of RMSprop: the new theta, and the new average of squares s."""
    s = rho * s + (1 - rho) * gradient**2
    return theta - lr * gradient / (np.sqrt(s) + eps), s


def _inputs(rng):
    yield 1.0, 0.0, 2.0, 0.1, 0.9, 1e-8
    yield 1.0, 5.0, 2.0, 0.1, 0.75, 1e-8
    yield np.array([1.0, 2.0]), np.array([0.0, 7.0]), np.array([4.0, 3.0]), 0.5, 0.9, 1e-8
    yield np.array([1.0, 2.0]), np.array([1.0, 4.0]), np.array([0.0, -1.0]), 0.5, 0.5, 0.1
    yield 1.0, 2.0, 3.0, 0.1, 0.0, 1e-8
    for _ in range(3):
        yield rng.normal(size=3), rng.uniform(0.5, 3, size=3), rng.normal(size=3), 0.3, 0.8, 0.1


def _rmsprop(gather=lambda s, g, rho: rho * s + (1 - rho) * g**2, root=lambda s, eps: np.sqrt(s) + eps, sign=1,
             use=lambda old, new, rho: new):
    """A wrong rmsprop_step in which one part is replaced."""
    def step(theta, s, gradient, lr, rho, eps):
        new = gather(s, gradient, rho)
        return theta - sign * lr * gradient / root(use(s, new, rho), eps), new
    return step


def _corrected(theta, s, gradient, lr, rho, eps):
    new = rho * s + (1 - rho) * gradient**2
    return theta - lr * gradient / (np.sqrt(new / (1 - rho)) + eps), new


rmsprop_step = Exercise(
    rmsprop_step, inputs=_inputs, returns=("theta", "s"),
    mistakes=[
        (_rmsprop(gather=lambda s, g, rho: s + g**2),
         "that is AdaGrad's sum, which forgets nothing. "
         "Keep the share rho of s and take the share 1 − rho of the new square."),
        (_rmsprop(gather=lambda s, g, rho: rho * s + g**2),
         "the new square comes in whole. In an average it gets the share 1 − rho, so that the shares add up to 1."),
        (_rmsprop(gather=lambda s, g, rho: (1 - rho) * s + rho * g**2),
         "the shares are swapped. rho is what is kept."),
        (_rmsprop(gather=lambda s, g, rho: rho * s + (1 - rho) * g),
         "the square is missing: (1 - rho) * gradient**2."),
        (_rmsprop(gather=lambda s, g, rho: rho * (s + (1 - rho) * g**2)),
         "rho multiplies the new square as well. Remove the brackets."),
        (_rmsprop(root=lambda s, eps: np.sqrt(s + eps)),
         "eps stands inside the root, as in optax and Keras. Here it is added to the root."),
        (_rmsprop(root=lambda s, eps: s + eps),
         "you divide by s. Divide by its square root."),
        (_rmsprop(use=lambda old, new, rho: old),
         "the step uses the old s. First compute the new s, then take the step."),
        (_corrected,
         "you divide s by 1 − rho. RMSprop does not correct its average; that idea is Adam's, and comes next."),
        (_rmsprop(sign=-1),
         "the walk goes uphill. Look at the sign before lr."),
        (lambda *args: _rmsprop()(*args)[::-1],
         "theta comes first, then s."),
    ],
    hints=["Only one line differs from AdaGrad: the one that updates s.",
           "A running average keeps the share rho of the old value and takes the share 1 - rho of the new one.",
           "`s = rho * s + (1 - rho) * gradient**2`."],
    success="One line is different, and the past fades.")


# --- adam_step --------------------------------------------------------------------------------------------------------


def adam_step(t, theta, m, v, gradient, lr, beta1, beta2, eps):
    """Adam's step number t = 1, 2, …: the new theta, and the new averages m and v (not yet corrected)."""
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
         "the betas are multiplied by t. They are raised to the power t: beta**t, with two stars."),
        (_adam(hats=lambda t, m, v, b1, b2: (m / (1 - b1 * t), v / (1 - b2**t))),
         "beta1 is multiplied by t. It is raised to the power t: beta1**t, with two stars."),
        (_adam(hats=lambda t, m, v, b1, b2: (m / (1 - b1 ** (t + 1)), v / (1 - b2 ** (t + 1)))),
         "the correction is one step ahead. Steps are counted from 1, so the power is t."),
        (_adam(hats=lambda t, m, v, b1, b2: (m * (1 - b1**t), v * (1 - b2**t))),
         "you multiply by the corrections. The averages came out too small: divide."),
        (_adam(hats=lambda t, m, v, b1, b2: (m / (1 - b2**t), v / (1 - b1**t))),
         "the two corrections are swapped. beta1 belongs to m, beta2 to v."),
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
           "m = beta1 * m + (1 - beta1) * gradient, v likewise with beta2 and gradient**2. Both began at 0: after t "
           "steps only the share 1 - beta**t of such an average is filled.",
           "m_hat = m / (1 - beta1**t), v_hat = v / (1 - beta2**t), and theta moves by "
           "lr * m_hat / (np.sqrt(v_hat) + eps)."],
    success="That is Adam, whole. Return m and v without the correction: it is made anew at each step.")


# --- first_step -------------------------------------------------------------------------------------------------------


def first_step(lr, beta1, beta2, correct_m, correct_v):
    """The length of Adam's first step, with eps = 0, when m, v, both or none are corrected (True or False)."""
    m = 1 if correct_m else 1 - beta1
    v = 1 if correct_v else 1 - beta2
    return lr * m / np.sqrt(v)


def _inputs(rng):
    for m in (True, False):
        for v in (True, False):
            yield 0.1, 0.5, 0.75, m, v
            yield 0.01, 0.9, 0.999, m, v
            yield 2.0, float(rng.uniform(0.1, 0.9)), float(rng.uniform(0.1, 0.9)), m, v


first_step = Exercise(
    first_step, inputs=_inputs,
    mistakes=[
        (lambda lr, beta1, beta2, correct_m, correct_v: lr,
         "that is so when both are corrected. "
         "Uncorrected, m is (1 − beta1)·g after one step, and v is (1 − beta2)·g²."),
        (lambda lr, beta1, beta2, correct_m, correct_v: (
            lr * (1 - beta1 if correct_m else 1) / np.sqrt(1 - beta2 if correct_v else 1)),
         "the two cases are swapped. Corrected, the average is the gradient itself; uncorrected it is too small."),
        (lambda lr, beta1, beta2, correct_m, correct_v: (
            lr * (1 if correct_m else 1 - beta1) / (1 if correct_v else 1 - beta2)),
         "the root of v is missing."),
        (lambda lr, beta1, beta2, correct_m, correct_v: (
            lr * (1 if correct_m else 1 - beta1) * np.sqrt(1 if correct_v else 1 - beta2)),
         "you multiply by √(1 − beta2). "
         "The root of v is in the denominator: a v that is too small makes the step longer. Divide."),
        (lambda lr, beta1, beta2, correct_m, correct_v: (
            lr * (1 if correct_m else beta1) / np.sqrt(1 if correct_v else beta2)),
         "the first gradient enters with the share 1 − beta; beta is the share of the old average, which is 0."),
        (lambda lr, beta1, beta2, correct_m, correct_v: (
            lr * (1 if correct_m else 1 / (1 - beta1)) / np.sqrt(1 if correct_v else 1 / (1 - beta2))),
         "dividing by 1 − beta is the correction itself. Without it the average is smaller by that factor."),
        (lambda lr, beta1, beta2, correct_m, correct_v: (
            (1 if correct_m else 1 - beta1) / np.sqrt(1 if correct_v else 1 - beta2)),
         "the rate is missing."),
    ],
    hints=["Both averages begin at 0. What is m after one gradient g? And v?",
           "m = (1 - beta1)·g and v = (1 - beta2)·g²; corrected they are g and g². The step is lr·m/√v: g cancels.",
           "A factor 1 - beta1 above where m is not corrected, √(1 - beta2) below where v is not."],
    success="The first step tells which correction is missing: four cases, four lengths.")


# --- adamw_step -------------------------------------------------------------------------------------------------------


def adamw_step(theta, direction, lr, weight_decay):
    """AdamW: theta after the decay and Adam's step; `direction` is Adam's m_hat / (sqrt(v_hat) + eps)."""
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
         "the rate is missing in the decay. The share taken off is lr·weight_decay, so that it falls with the rate."),
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


# --- predictions ------------------------------------------------------------------------------------------------------

hundredth = Prediction(
    "hundredth",
    "The slope is the same at every step. How long is AdaGrad's 100th step, beside its first?",
    at_least={
        "as long: the slope has not changed": 0.5,
        "a tenth": 0.03,
        "a hundredth": 0.003,
        "next to nothing: rates that are divided again and again vanish": 0,
    },
    why="After t equal slopes g the sum is t·g², its root √t·g. The slope cancels, and what is left is η/√t. Such "
        "steps add up to as far as one likes: 2η√t after t of them.")

opening = Prediction(
    "opening",
    "RMSprop with η = 0.01 and ρ = 0.99. How long is its first step, whatever the slope?",
    at_least={
        "0.01, as the rate says": 0.005,
        "0.0001: the average has hardly begun": 0,
        "0.1, ten times the rate": 0.02,
        "1, a hundred times the rate": 0.3,
    },
    why="s began at 0 and has taken only the share 1 − ρ of the first square, so its root is √(1 − ρ) = 0.1 of the "
        "slope: too small, and the step too long by as much. Adam mends that.")

million = Prediction(
    "million",
    "Rosenbrock's valley, Adam at rate 0.01. Now the loss is multiplied by a million, and the rate stays. What "
    "becomes of the walk?",
    at_least={"it flies off at once": 10, "it goes another way": 1e-3, "it stays the same": 0},
    why="The factor is in m̂ and in √v̂, and cancels. Only ε, 10⁻⁸, is not multiplied. So Adam's rate has the unit of "
        "θ, a length: it says how far a step goes, whatever the loss is measured in.")

widest = Prediction(
    "widest",
    "Each method walks at 51 rates on five problems. On how many of the five does Adam arrive and stay with over half "
    "a decade more rates than descent, and than momentum?",
    at_least={"all five": 5, "most, but not all": 3, "one or two": 1, "none": 0},
    why="It is wider where each step sees all rows and the race is short: far too large a first leap is forgiven. "
        "Where each step sees a few random rows, noise keeps Adam's steps from shrinking near the lowest point.")

turned = Prediction(
    "turned",
    "A ravine with κ = 10,000 along the axes is turned by 45°. Adam walks it at its best rate again. What does the "
    "turn cost?",
    at_least={"nothing: it is the same ravine": 0, "up to three times as many steps": 1.2, "many times as many": 3},
    why="A rate for each coordinate is a help where the coordinates are what differs. In the turned ravine both "
        "coordinates feel the same mixture of steep and flat: both get the same rate, and one rate is what we had "
        "before.")
