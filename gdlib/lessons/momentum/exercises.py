"""Lesson 04: the heavy ball's step, the dialects of its rule, its best pair, Nesterov's step, when to let go."""
from __future__ import annotations

import numpy as np

from gdlib.lessons.kit.exercise import Exercise, Lambda
from gdlib.lessons.kit.prediction import Prediction

# --- momentum_step ----------------------------------------------------------------------------------------------------


def momentum_step(theta, v, gradient, lr, beta):
    """One step of the heavy ball from theta with velocity v: the new theta, and the new v."""
    v = beta * v + gradient
    return theta - lr * v, v


def _inputs(rng):
    yield 3.0, 0.0, 2.0, 0.1, 0.9
    yield 3.0, 10.0, 2.0, 0.1, 0.9
    yield np.array([1.0, 2.0]), np.array([4.0, -1.0]), np.array([0.5, 3.0]), 0.5, 0.8
    yield np.array([1.0, 2.0]), np.array([4.0, -1.0]), np.array([0.0, 0.0]), 0.2, 0.5
    yield 1.0, 2.0, 3.0, 0.1, 0.0
    for _ in range(3):
        yield rng.normal(size=3), rng.normal(size=3), rng.normal(size=3), float(rng.uniform(0.1, 1)), 0.7


def _step(velocity=lambda v, g, lr, beta: beta * v + g, move=lambda theta, v, new, g, lr: theta - lr * new):
    """A wrong momentum_step in which one part is replaced."""
    def step(theta, v, gradient, lr, beta):
        new = velocity(v, gradient, lr, beta)
        return move(theta, v, new, gradient, lr), new
    return step


def _same_velocity(theta, v, gradient, lr, beta):
    return theta - lr * (beta * v + gradient), v


def _kept_on_the_way(theta, v, gradient, lr, beta):
    v = v - lr * gradient
    return theta + beta * v, v


def _kept_and_stored(theta, v, gradient, lr, beta):
    v = beta * (v - lr * gradient)
    return theta + v, v


def _shortened_for_next(theta, v, gradient, lr, beta):
    v = beta * v + gradient
    return theta - lr * v, beta * v


momentum_step = Exercise(
    momentum_step, inputs=_inputs, returns=("theta", "v"),
    mistakes=[
        (_step(velocity=lambda v, g, lr, beta: beta * v + (1 - beta) * g),
         "that is the average, with 1 − β before the gradient. Here the gradient comes in whole."),
        (_step(velocity=lambda v, g, lr, beta: beta * v - lr * g, move=lambda theta, v, new, g, lr: theta + new),
         "the step is right, but your velocity is Keras's, −lr times the one asked for. "
         "Here v = beta * v + gradient, and the rate comes in when theta moves."),
        (_step(velocity=lambda v, g, lr, beta: beta * v + lr * g, move=lambda theta, v, new, g, lr: theta - new),
         "the step is right, but your velocity has the rate in it. "
         "Here the rate comes in when theta moves: theta - lr * v."),
        (_step(velocity=lambda v, g, lr, beta: beta * v + lr * g),
         "the rate comes in twice. Leave it out of the velocity."),
        (_step(velocity=lambda v, g, lr, beta: beta * v - g),
         "the gradient is subtracted twice, once from the velocity and once from theta, "
         "so the walk goes uphill. v = beta * v + gradient."),
        (_step(velocity=lambda v, g, lr, beta: v + beta * g),
         "β stands before the gradient. It is the share of the old velocity that is kept."),
        (_step(velocity=lambda v, g, lr, beta: v + g),
         "all of the old velocity is kept. Keep only the share β of it."),
        (_step(velocity=lambda v, g, lr, beta: beta * (v + g)),
         "β takes the new gradient with it. Remove the brackets: beta * v + gradient."),
        (_step(velocity=lambda v, g, lr, beta: (1 - beta) * v + g),
         "you keep the share 1 − β. Keep the share β."),
        (_step(move=lambda theta, v, new, g, lr: theta - lr * v),
         "theta moves with the old velocity. First the new velocity, then the step."),
        (_step(move=lambda theta, v, new, g, lr: theta - lr * g),
         "theta moves along the gradient alone. It moves with the velocity."),
        (_step(move=lambda theta, v, new, g, lr: theta + lr * new),
         "the walk goes uphill. Look at the sign before lr."),
        (_step(move=lambda theta, v, new, g, lr: theta - new),
         "the rate is missing when theta moves."),
        (_same_velocity,
         "theta is right, but the old velocity is handed back. The next step needs the new one."),
        (_shortened_for_next,
         "theta is right, but the velocity is handed back times β. "
         "The next step takes its share β itself, so here β would come in twice."),
        (_kept_on_the_way,
         "β comes too late, when theta moves, and takes the new gradient with it; "
         "and your velocity has −lr in it. v = beta * v + gradient, then theta - lr * v."),
        (_kept_and_stored,
         "β takes the new gradient with it, and your velocity has −lr in it. "
         "v = beta * v + gradient, then theta - lr * v."),
        (lambda *args: _step()(*args)[::-1],
         "theta comes first, then the velocity."),
    ],
    hints=["Two lines. First the velocity: which share of the old one stays, and what is added?",
           "v = beta * v + gradient. Then theta moves with this new v, against it, lr times as far.",
           "`return theta - lr * v, v`."],
    success="Two lines, and one array more to remember. `gd.momentum??` shows the same two.")


# --- to_pytorch -------------------------------------------------------------------------------------------------------


def to_pytorch(form, lr, beta, v):
    """PyTorch's lr and velocity for a walk so far in form "keras" or "average" (β stays as it is)."""
    if form == "keras":
        return lr, -v / lr
    return lr * (1 - beta), v / (1 - beta)


def _inputs(rng):
    yield "keras", 0.1, 0.9, -3.0
    yield "average", 0.1, 0.9, 2.0
    yield "average", 2.0, 0.5, 4.0
    yield "keras", 0.5, 0.8, np.array([1.0, -2.0])
    for form in ("keras", "average") * 2:
        yield form, float(rng.uniform(0.05, 2)), float(rng.uniform(0.1, 0.95)), rng.normal(size=3)


def _translate(keras=lambda lr, beta, v: (lr, -v / lr), average=lambda lr, b, v: (lr * (1 - b), v / (1 - b))):
    """A wrong to_pytorch in which one half is replaced."""
    def translate(form, lr, beta, v):
        return (keras if form == "keras" else average)(lr, beta, v)
    return translate


to_pytorch = Exercise(
    to_pytorch, inputs=_inputs, returns=("lr", "velocity"),
    mistakes=[
        (_translate(keras=lambda lr, beta, v: (lr, v / lr)),
         "Keras's velocity points downhill, PyTorch's uphill. A minus sign is missing."),
        (_translate(keras=lambda lr, beta, v: (lr, -v)),
         "Keras's velocity has the rate in it, PyTorch's does not. Divide by lr."),
        (_translate(keras=lambda lr, beta, v: (lr, v)),
         "Keras's velocity is −lr times PyTorch's. Divide by −lr."),
        (_translate(keras=lambda lr, beta, v: (lr, -v * lr)),
         "you multiply by the rate. Keras's velocity already contains it, so divide."),
        (_translate(keras=lambda lr, beta, v: (lr * (1 - beta), -v / lr)),
         "for Keras the rate stays as it is. Only the average needs a factor."),
        (_translate(average=lambda lr, b, v: (lr / (1 - b), v / (1 - b))),
         "the sum is 1/(1 − β) times as long as the average, so its rate has to be (1 − β) times the average's, "
         "not the other way round."),
        (_translate(average=lambda lr, b, v: (lr * (1 - b), v * (1 - b))),
         "the sum is longer than the average. Divide v by 1 − β."),
        (_translate(average=lambda lr, b, v: (lr / (1 - b), v * (1 - b))),
         "the two factors of the average have changed places. "
         "PyTorch's velocity is the longer one, so its rate is the smaller one."),
        (_translate(average=lambda lr, b, v: (lr * (1 - b), v)),
         "the rate is translated, the velocity is not. The sum is 1/(1 − β) times the average."),
        (_translate(average=lambda lr, b, v: (lr / (1 - b), v)),
         "the rate grows where it should shrink, and the velocity stays. "
         "The sum is 1/(1 − β) times as long as the average, so its rate is the smaller one, lr * (1 - beta)."),
        (_translate(average=lambda lr, b, v: (lr, v / (1 - b))),
         "the velocity is translated, the rate is not. Their product has to stay the same."),
        (_translate(average=lambda lr, b, v: (lr, v)),
         "the average is handed on as it is. "
         "A sum is 1/(1 − β) times as long, and its rate is smaller by the same factor."),
        (_translate(average=lambda lr, b, v: (lr * b, v / b)),
         "the factor before the gradient is 1 − β, not β."),
    ],
    hints=["The step is what has to stay the same. PyTorch: lr · v. Keras: −v. Average: lr · m.",
           "Feed all of them the same gradients. Keras's v is −lr times the sum, the average's m is (1 − β) times it.",
           "keras: `lr, -v / lr`. average: `lr * (1 - beta), v / (1 - beta)`."],
    success="A walk can change libraries in mid-stride, if its velocity is translated too.")


# --- best_pair --------------------------------------------------------------------------------------------------------


def best_pair(mu, L):
    """For curvatures from mu to L: the heavy ball's best rate, its best β, and the factor a step."""
    lr = (2 / (np.sqrt(L) + np.sqrt(mu))) ** 2
    factor = (np.sqrt(L) - np.sqrt(mu)) / (np.sqrt(L) + np.sqrt(mu))
    return lr, factor**2, factor


def _inputs(rng):
    yield 1.0, 100.0
    yield 1.0, 9.0
    yield 4.0, 4.0
    yield 0.25, 4.0
    for _ in range(4):
        mu = float(rng.uniform(0.1, 3))
        yield mu, mu * float(rng.uniform(2, 500))


def _pair(lr=lambda s, S: (2 / (S + s)) ** 2, beta=lambda s, S: ((S - s) / (S + s)) ** 2,
          factor=lambda s, S: (S - s) / (S + s)):
    """A wrong best_pair in which one part is replaced; s and S are the roots of the curvatures."""
    def pair(mu, L):
        s, S = np.sqrt(mu), np.sqrt(L)
        return lr(s, S), beta(s, S), factor(s, S)
    return pair


best_pair = Exercise(
    best_pair, inputs=_inputs, returns=("lr", "beta", "factor"),
    mistakes=[
        (_pair(lr=lambda s, S: 2 / (S + s)),
         "the rate is not squared. From √(ηL) + √(ημ) = 2 you get √η."),
        (_pair(lr=lambda s, S: 4 / (S + s)),
         "the 2 is squared, the sum of the roots below it is not. From √η (√L + √μ) = 2 comes η = 4/(√L + √μ)²."),
        (_pair(lr=lambda s, S: 2 / (S * S + s * s)),
         "your rate is plain descent's, 2/(μ + L)."),
        (_pair(lr=lambda s, S: 4 / (S * S + s * s)),
         "(√L + √μ)² is not L + μ."),
        (_pair(lr=lambda s, S: 1 / (S * S)),
         "your rate is 1/L. With momentum it may be larger."),
        (_pair(lr=lambda s, S: (2 / (S * S + s * s)) ** 2),
         "the roots are missing in the rate."),
        (_pair(beta=lambda s, S: (S - s) / (S + s)),
         "your β is the factor. The factor is √β."),
        (_pair(beta=lambda s, S: ((S * S - s * s) / (S * S + s * s)) ** 2),
         "the roots are missing in β."),
        (_pair(factor=lambda s, S: ((S - s) / (S + s)) ** 2),
         "your factor is β. Its root is what a step leaves."),
        (_pair(factor=lambda s, S: (S * S - s * s) / (S * S + s * s)),
         "your factor is plain descent's, (κ − 1)/(κ + 1). Here √κ takes the place of κ."),
        (_pair(lr=lambda s, S: 2 / (S * S + s * s), beta=lambda s, S: ((S * S - s * s) / (S * S + s * s)) ** 2,
               factor=lambda s, S: (S * S - s * s) / (S * S + s * s)),
         "all three have L and μ where √L and √μ belong."),
        (lambda mu, L: _pair()(mu, L)[:2] + (1 - _pair()(mu, L)[2],),
         "your factor is what a step takes off. What it leaves is asked for."),
        (lambda mu, L: tuple(_pair()(mu, L)[i] for i in (1, 0, 2)),
         "the rate comes first, then β."),
    ],
    hints=["Both ends want to stand where their two roots meet: ηL = (1 + √β)² and ημ = (1 − √β)². Take roots.",
           "√(ηL) = 1 + √β and √(ημ) = 1 − √β. Add them for η, divide them for √β.",
           "η = (2/(√L + √μ))², √β = (√L − √μ)/(√L + √μ), and the factor is √β."],
    success="Where descent has κ, the ball has √κ. At κ = 100 that makes about an eighth of the steps.")


# --- nesterov_step ----------------------------------------------------------------------------------------------------


def nesterov_step(grad, theta, v, lr, beta):
    """One step of Nesterov's rule, the slope felt where v leads: the new theta, and the new v."""
    v = beta * v + grad(theta - lr * beta * v)
    return theta - lr * v, v


def _inputs(rng):
    bowl, steep = Lambda("lambda theta: 2 * theta"), Lambda("lambda theta: np.array([1, 20]) * theta")
    yield bowl, 3.0, 0.0, 0.1, 0.9
    yield bowl, 3.0, 10.0, 0.1, 0.9
    yield steep, np.array([1.0, 2.0]), np.array([4.0, -1.0]), 0.05, 0.8
    yield bowl, 1.0, 3.0, 0.1, 0.0
    for _ in range(3):
        yield Lambda("lambda theta: np.sin(theta)"), rng.normal(size=3), rng.normal(size=3), 0.5, 0.7


def _look(ahead=lambda theta, v, lr, beta: theta - lr * beta * v, velocity=lambda v, g, beta: beta * v + g,
          sets_out=lambda theta, there: theta):
    """A wrong nesterov_step in which one part is replaced."""
    def step(grad, theta, v, lr, beta):
        there = ahead(theta, v, lr, beta)
        v = velocity(v, grad(there), beta)
        return sets_out(theta, there) - lr * v, v
    return step


nesterov_step = Exercise(
    nesterov_step, inputs=_inputs, returns=("theta", "v"),
    mistakes=[
        (_look(ahead=lambda theta, v, lr, beta: theta),
         "that is the heavy ball, which feels the slope where it stands. "
         "Nesterov's rule feels it at theta - lr * beta * v."),
        (_look(ahead=lambda theta, v, lr, beta: theta + lr * beta * v),
         "you look back. The velocity is subtracted: theta - lr * beta * v."),
        (_look(ahead=lambda theta, v, lr, beta: theta - lr * v),
         "you look as far as the whole velocity leads. Only the share β of it is kept."),
        (_look(ahead=lambda theta, v, lr, beta: theta - beta * v),
         "the rate is missing where you look ahead."),
        (_look(sets_out=lambda theta, there: there),
         "you set out from the place you looked at. The velocity already holds that part; set out from theta."),
        (_look(velocity=lambda v, g, beta: g),
         "the old velocity is lost. v = beta * v + …"),
        (_look(velocity=lambda v, g, beta: v + g),
         "all of the old velocity is kept. Keep only the share β of it."),
        (_look(velocity=lambda v, g, beta: beta * v + (1 - beta) * g),
         "the gradient comes in whole, without 1 − β."),
        (_look(velocity=lambda v, g, beta: beta * v - g),
         "the gradient is added to the velocity, and theta moves against the velocity."),
        (lambda *args: _look()(*args)[::-1],
         "theta comes first, then the velocity."),
    ],
    hints=["Without any slope, where would the old velocity carry you? Feel the slope there.",
           "There is theta - lr * beta * v. The rest is the heavy ball's two lines.",
           "`v = beta * v + grad(theta - lr * beta * v)`, then theta - lr * v."],
    success="One place changed, and the ball can brake before it is too late.")


# --- next_age ---------------------------------------------------------------------------------------------------------


def next_age(age, gradient, step):
    """The ball's next age: one more, or 0 (it lets go of its velocity) if its step points uphill."""
    return 0 if gradient @ step > 0 else age + 1


def _inputs(rng):
    yield 5, np.array([1.0, 0.0]), np.array([1.0, 0.0])
    yield 5, np.array([1.0, 0.0]), np.array([-1.0, 0.0])
    yield 0, np.array([2.0, -3.0]), np.array([1.0, 1.0])
    yield 7, np.array([2.0, 3.0]), np.array([-1.0, 1.0])
    yield 3, np.array([0.0, 0.0]), np.array([1.0, 1.0])          # level ground is not uphill
    for age in range(8):
        yield age, rng.normal(size=3), rng.normal(size=3)


next_age = Exercise(
    next_age, inputs=_inputs,
    mistakes=[
        (lambda age, gradient, step: 0 if gradient @ step < 0 else age + 1,
         "the gradient points uphill, so a step points uphill where its product with the gradient is positive."),
        (lambda age, gradient, step: 0 if gradient @ step >= 0 else age + 1,
         "on level ground the product is 0, and that is not uphill."),
        (lambda age, gradient, step: 0 if gradient @ step > 0 else age,
         "the age never grows. Add 1 after each step."),
        (lambda age, gradient, step: 1 if gradient @ step > 0 else age + 1,
         "it starts again from 0."),
        (lambda age, gradient, step: age - 1 if gradient @ step > 0 else age + 1,
         "uphill it starts again from 0, whatever its age."),
        (lambda age, gradient, step: age + 1,
         "it never starts again. Where the step points uphill, the age is 0."),
        (lambda age, gradient, step: 0 if np.all(gradient * step > 0) else age + 1,
         "you ask for every coordinate. The sum of the products, gradient @ step, tells whether the step climbs."),
        (lambda age, gradient, step: 0 if np.any(gradient * step > 0) else age + 1,
         "one coordinate that climbs is not enough. The sum of the products, gradient @ step, decides."),
        (lambda age, gradient, step: 0 if np.linalg.norm(gradient) > np.linalg.norm(step) else age + 1,
         "lengths say nothing about up and down. Take the product gradient @ step."),
    ],
    hints=["How does one tell from two vectors whether a step climbs? (Lesson 01, section 2.)",
           "The slope along the step has the sign of gradient @ step. Positive: uphill.",
           "`return 0 if gradient @ step > 0 else age + 1`."],
    success="One scalar product a step, and no condition number needed.")


# --- predictions ------------------------------------------------------------------------------------------------------

steady_push = Prediction(
    "steady_push",
    "The slope is 1 at every step, and β = 0.9: a tenth of the velocity is lost each time. How long does v become?",
    at_least={
        "about 0.9: a little is always lost": 0,
        "1: an average of ones is one": 0.95,
        "about 2": 1.5,
        "about 10": 5,
        "it grows without end": 50,
    },
    why="It grows until what is lost, a tenth of v, is what comes in, 1. That is at v = 1/(1 − β) = 10. Under a "
        "steady push the velocity is a sum, not an average, and the ball moves as descent would at ten times the "
        "rate.")

edge_moves = Prediction(
    "edge_moves",
    "Descent flies off beyond ηλ = 2. A ball with β = 0.9 goes up to ten times as far a step. Where is its edge?",
    at_least={
        "at about 0.2: ten times sooner": 0,
        "somewhat below 2": 0.5,
        "at 2, as before": 1.95,
        "at nearly 4: it bears more": 2.05,
    },
    why="At the edge the ball changes sides at every step, so the pushes come from alternate sides and cancel in the "
        "velocity: it is 1 + β times smaller than a single push. What adds up under a steady push cancels here.")

hundred_times = Prediction(
    "hundred_times",
    "κ grows from 100 to 10,000. Descent needs a hundred times as many steps. And the ball, at its best pair?",
    at_least={"about as many as before": 0, "about ten times as many": 3, "about a hundred times as many": 30},
    why="The ball's factor is (√κ − 1)/(√κ + 1): its steps grow like √κ. The steeper the ravine, the larger the gain.")

round_and_round = Prediction(
    "round_and_round",
    "One valley, convex, slopes never level but at its floor. The heavy ball has its best pair for these curvatures. "
    "What becomes of it from x = 3.3?",
    equal_to={
        "it reaches the floor": "arrives",
        "it goes round for ever, between a few places": "cycles",
        "it flies off": "flies off",
    },
    why="The pair is the best one for a bowl, where each direction keeps its curvature. Here the curvature changes "
        "under the ball on its way, and the pushes come just at the wrong moments.")

noise_averaged = Prediction(
    "noise_averaged",
    "The slope is noisy, and a velocity adds up many slopes. At the same rate η = 0.1, how does the ball's scatter "
    "about the floor (its variance) compare with descent's, for β = 0.9?",
    at_least={
        "about a tenth: the noise averages out": 0,
        "somewhat smaller": 0.3,
        "the same": 0.9,
        "about ten times as large": 1.1,
    },
    why="Each kick of noise enters the velocity and pushes for ten steps. The ball moves like descent at η/(1 − β), "
        "and its scatter is that of the larger rate.")
