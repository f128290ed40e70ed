"""Lesson 04: the heavy ball's step, roots, best pair and dialects, Nesterov's step, and a rule of one's own."""
from __future__ import annotations

import numpy as np

from gdlib.lessons.kit.diagnosis import kind
from gdlib.lessons.kit.exercise import Exercise, Lambda
from gdlib.lessons.kit.prediction import Prediction
from gdlib.lessons.kit.project import Project
from gdlib.lessons.momentum import race

# --- momentum_step ----------------------------------------------------------------------------------------------------


def momentum_step(theta, v, gradient, lr, beta):
    """One step of the heavy ball: the new theta, and the new v."""
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


def _hands_back(velocity):
    """A momentum_step whose theta is right."""
    def step(theta, v, gradient, lr, beta):
        return theta - lr * (beta * v + gradient), velocity(v, gradient, lr, beta)
    return step


def _mixed(theta, v, gradient, lr, beta):
    return theta + beta * v - lr * gradient, beta * v + gradient


def _average_made_up_for(theta, v, gradient, lr, beta):
    v = beta * v + (1 - beta) * gradient
    return theta - lr / (1 - beta) * v, v


def _lr_and_beta_swapped(theta, v, gradient, lr, beta):
    v = lr * v + gradient
    return theta - beta * v, v


def _looks_ahead(theta, v, gradient, lr, beta):
    v = beta * v + gradient
    return theta - lr * (gradient + beta * v), v


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
        (_step(velocity=lambda v, g, lr, beta: beta * v - g, move=lambda theta, v, new, g, lr: theta + lr * new),
         "the step is right, but your velocity points downhill. Here, as in PyTorch, it is a sum of gradients, which "
         "point uphill: v = beta * v + gradient, and theta moves against it."),
        (_step(velocity=lambda v, g, lr, beta: beta * v + (1 - beta) * g,
               move=lambda theta, v, new, g, lr: theta - lr * (new + v)),
         "that is an average, with 1 − β before the gradient, and the old velocity is added once more in the step."),
        (_step(velocity=lambda v, g, lr, beta: (1 - beta) * v + beta * g),
         "that is an average, with its two shares swapped. Here the share β of the old velocity is kept, and the "
         "gradient comes in whole."),
        (_looks_ahead,
         "that is Nesterov's step as PyTorch writes it (nesterov=True). Plain momentum is theta - lr * v."),
        (_step(move=lambda theta, v, new, g, lr: theta - lr * (new + g)),
         "the gradient comes in twice: the new velocity already holds it. theta - lr * v."),
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
        (_hands_back(lambda v, g, lr, beta: lr * (beta * v + g)),
         "theta is right, but the velocity is handed back times the rate. The next step takes the rate itself."),
        (_hands_back(lambda v, g, lr, beta: -lr * (beta * v + g)),
         "theta is right, but you hand back the step, −lr times the velocity. The next step needs the velocity."),
        (_hands_back(lambda v, g, lr, beta: v + g),
         "theta is right, but the velocity that is handed back keeps all of the old one. Keep only the share β of it."),
        (_mixed,
         "the velocity is right, but theta moves as if it were Keras's, with the rate in it. theta - lr * v."),
        (_average_made_up_for,
         "that is the average, with its rate made up for. Here the gradient comes in whole, and the rate stays."),
        (_step(move=lambda theta, v, new, g, lr: theta - lr * new - g),
         "the gradient comes in twice: the new velocity already holds it. theta - lr * v."),
        (_shortened_for_next,
         "theta is right, but the velocity is handed back times β. "
         "The next step takes its share β itself, so here β would come in twice."),
        (_kept_on_the_way,
         "β comes too late, when theta moves, and takes the new gradient with it; "
         "and your velocity has −lr in it. v = beta * v + gradient, then theta - lr * v."),
        (_kept_and_stored,
         "β takes the new gradient with it, and your velocity has −lr in it. "
         "v = beta * v + gradient, then theta - lr * v."),
        (_step(velocity=lambda v, g, lr, beta: g),
         "that is plain descent: the old velocity is lost. v = beta * v + gradient."),
        (_step(velocity=lambda v, g, lr, beta: lr * v + g, move=lambda theta, v, new, g, lr: theta - new),
         "lr stands where β belongs, and is missing when theta moves."),
        (_lr_and_beta_swapped,
         "lr and β have changed places. β is the share of the old velocity, lr the length of the step."),
        (_hands_back(lambda v, g, lr, beta: g),
         "theta is right, but the gradient is handed back. The next step needs the velocity."),
        (lambda *args: _step()(*args)[::-1],
         "theta comes first, then the velocity."),
    ],
    hints=["Two lines. First the velocity: which share of the old one stays, and what is added?",
           "v = beta * v + gradient. Then theta moves with this new v, against it, lr times as far.",
           "`return theta - lr * v, v`."],
    success="Two lines, and one array more to remember. `gd.momentum??` shows the same two.")


# --- to_pytorch -------------------------------------------------------------------------------------------------------


def to_pytorch(form, lr, beta, v):
    """PyTorch's lr and velocity for the lr and velocity of another form."""
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
        (lambda form, lr, beta, v: (lr, v),
         "nothing is translated. The step has to stay the same: PyTorch's is lr · v, Keras's −v."),
        (lambda *args: to_pytorch.solution_function(*args)[::-1],
         "the rate comes first, then the velocity."),
        (_translate(keras=lambda lr, beta, v: (-lr, v / lr)),
         "a rate is positive. For Keras the minus sign belongs to the velocity."),
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
        (_translate(keras=lambda lr, b, v: (lr * (1 - b), v / (1 - b))),
         "Keras's velocity is treated as an average. Is the form spelled \"keras\", in small letters?"),
        (_translate(average=lambda lr, b, v: (lr, -v / lr)),
         "the average is treated as Keras's velocity. Is the form spelled \"average\", in small letters?"),
        (_translate(keras=lambda lr, b, v: (lr * (1 - b), v / (1 - b)), average=lambda lr, b, v: (lr, -v / lr)),
         "the two forms have changed places."),
        (_translate(average=lambda lr, b, v: (lr * b, v / b)),
         "the factor before the gradient is 1 − β, not β."),
        (_translate(average=lambda lr, b, v: (lr * b, v / (1 - b))),
         "the velocity is right. But the factor of the learning rate is 1 − β, not β."),
        (_translate(average=lambda lr, b, v: (lr * (1 - b), -v / (1 - b))),
         "the average points uphill, as PyTorch's velocity does. It needs no minus sign."),
        (_translate(average=lambda lr, b, v: (lr, v * (1 - b))),
         "the sum is longer than the average, so divide v by 1 − β. lr then shrinks by the same factor."),
        (_translate(keras=lambda lr, b, v: (1, -v)),
         "the old velocity moves theta as before, but new gradients count with 1, not lr. Keep lr, divide v by −lr."),
        (_translate(keras=lambda lr, b, v: (lr / (1 - b), -v / lr)),
         "for Keras lr stays as it is. η/(1 − β) says how far a steady push leads; it is no library's lr."),
    ],
    hints=["The step is what has to stay the same. PyTorch: lr · v. Keras: −v. Average: lr · m.",
           "Feed all of them the same gradients. Keras's v is −lr times the sum, the average's m is (1 − β) times it.",
           "keras: `lr, -v / lr`. average: `lr * (1 - beta), v / (1 - beta)`."],
    success="A walk can change libraries in mid-stride, if its velocity is translated too.")


# --- shrink -----------------------------------------------------------------------------------------------------------


def shrink(eta_lambda, beta):
    """The size of the larger z for which θₖ = zᵏ is a walk of the ball."""
    z = np.roots([1, -(1 + beta - eta_lambda), beta])
    return np.abs(z).max()


def _inputs(rng):
    yield 0.02, 0.6
    yield 0.6, 0.6
    yield 3.0, 0.6
    yield 1.5, 0.0
    yield 3.9, 0.9
    yield 4.5, 0.5
    for _ in range(4):
        yield float(rng.uniform(0.01, 4)), float(rng.uniform(0.1, 0.95))


def _sizes(t=lambda a, b: 1 + b - a, constant=lambda a, b: b, take=lambda z: np.abs(z).max()):
    """A wrong shrink: z² − t z + constant, or another one taken of its roots."""
    def size(eta_lambda, beta):
        return take(np.roots([1, -t(eta_lambda, beta), constant(eta_lambda, beta)]))
    return size


def _gap(eta_lambda, beta):
    return np.sqrt((1 + beta - eta_lambda) ** 2 - 4 * beta + 0j)


shrink = Exercise(
    shrink, inputs=_inputs,
    mistakes=[
        (lambda a, b: np.sqrt(b),
         "√β is the size where the two roots are a complex pair. Where they are real, one of them is larger."),
        (lambda a, b: abs(1 - a),
         "that is plain descent's factor. The ball also has the term with β and the place before."),
        (lambda a, b: 1 - a / (1 - b),
         "that is descent at the effective rate η/(1 − β). It is close where ηλ is small, and no more than that."),
        (lambda a, b: abs(1 + b - a),
         "that is the factor before θₖ alone. The place before it, θₖ₋₁, counts too: with −β."),
        (_sizes(take=lambda z: 1 / np.abs(z).min()),
         "the coefficients stand in reverse order: np.roots begins with that of z²."),
        (_sizes(take=lambda z: np.abs(z).mean()),
         "you take the mean of the two sizes. In the long run the larger one is what is left."),
        (_sizes(t=lambda a, b: 1 - b - a, constant=lambda a, b: -b),
         "look at the sign of β, at both places: from +β(θₖ − θₖ₋₁) comes z² − (1 + β − ηλ)z + β."),
        (_sizes(t=lambda a, b: 1 + b + a, constant=lambda a, b: -b),
         "two signs: the slope pushes back, −ηλ, and the constant is +β."),
        (_sizes(t=lambda a, b: 1 - a),
         "a β is missing before θₖ: from θₖ + β(θₖ − θₖ₋₁) − ηλθₖ it gets the factor 1 + β − ηλ."),
        (_sizes(t=lambda a, b: b - a),
         "a 1 is missing before θₖ: the place itself stays. Its factor is 1 + β − ηλ."),
        (_sizes(t=lambda a, b: 1 - b - a),
         "look at the sign of β before θₖ: from β(θₖ − θₖ₋₁) it gets +β."),
        (_sizes(t=lambda a, b: 1 + b + a),
         "look at the sign of ηλ: the slope pushes the ball back, so it is subtracted."),
        (_sizes(constant=lambda a, b: -b),
         "look at the sign of the constant: θₖ₋₁ enters the next place with −β, so z² − … + β = 0."),
        (_sizes(constant=lambda a, b: 1),
         "the constant is β: θₖ₋₁ enters the next place with −β."),
        (_sizes(t=lambda a, b: (1 + b) * (1 - a), constant=lambda a, b: b * (1 - a)),
         "these are the roots of Nesterov's rule (section 4). The heavy ball feels the slope at θₖ itself."),
        (_sizes(take=lambda z: np.abs(z).min()),
         "that is the smaller root. In the long run the larger one is what is left."),
        (_sizes(take=lambda z: z.real.max()),
         "you take the real part, and its sign. The size of a root is np.abs(z)."),
        (_sizes(take=lambda z: np.abs(z.real).max()),
         "you take the real part. The size of a complex root is np.abs(z)."),
        (_sizes(take=lambda z: np.abs(z).sum()),
         "you add the sizes of the two. The larger one is asked for."),
        (_sizes(take=lambda z: np.abs(z).max() ** 2),
         "that is the square of the size, what is left of the *loss*. The factor of the distance is asked for."),
        (lambda a, b: abs(1 + b - a + _gap(a, b)) / 2,
         "that is one of the two roots. Where 1 + β − ηλ is negative, the other one is larger."),
        (lambda a, b: max(abs(1 + b - a + _gap(a, b)), abs(1 + b - a - _gap(a, b))),
         "your result is twice as large as it should be: the formula of the roots ends with / 2."),
        (lambda a, b: (1 + b - a + np.sqrt((1 + b - a) ** 2 - 4 * b)) / 2,
         "the root of a negative number is nan. Add 0j below the root, take both roots, and their sizes with abs."),
        (lambda a, b: max(abs(1 + b - a + np.sqrt((1 + b - a) ** 2 - 4 * b)) / 2,
                          abs(1 + b - a - np.sqrt((1 + b - a) ** 2 - 4 * b)) / 2),
         "the root of a negative number is nan. Add 0j below the root: np.sqrt(… + 0j)."),
        (_sizes(take=np.abs),
         "these are the sizes of both roots. Hand back the larger one."),
        (_sizes(t=lambda a, b: 1 + b - a * (1 - b)),
         "these are the roots of the average, with 1 − β before the gradient. Here the gradient comes in whole."),
        (lambda a, b: np.linalg.norm(np.array([[1 + b - a, -b], [1, 0]]), 2),
         "the matrix is right, but its norm says what a single step can do. In the long run its eigenvalues decide."),
    ],
    hints=["Leave the velocity out: the last step was θₖ − θₖ₋₁ = −ηvₖ, so the next is β(θₖ − θₖ₋₁) − ηλθₖ.",
           "θₖ₊₁ = (1 + β − ηλ)θₖ − βθₖ₋₁. Put in zᵏ and divide by zᵏ⁻¹: z² − (1 + β − ηλ)z + β = 0.",
           "`np.abs(np.roots([1, -(1 + beta - eta_lambda), beta])).max()`."],
    success="Two lines of algebra, and you know every ball in every bowl.")


# --- best_pair --------------------------------------------------------------------------------------------------------


def best_pair(mu, L):
    """For curvatures from mu to L: best lr, β, and what a step leaves."""
    lr = (2 / (np.sqrt(L) + np.sqrt(mu))) ** 2
    factor = (np.sqrt(L) - np.sqrt(mu)) / (np.sqrt(L) + np.sqrt(mu))
    return lr, factor**2, factor


def _inputs(rng):
    yield 1.0, 100.0
    yield 1.0, 9.0
    yield 0.25, 4.0
    for _ in range(4):
        mu = float(rng.uniform(0.1, 3))
        yield mu, mu * float(rng.uniform(2, 500))
    yield 4.0, 4.0


def _pair(lr=lambda s, S: (2 / (S + s)) ** 2, beta=lambda s, S: ((S - s) / (S + s)) ** 2,
          factor=lambda s, S: (S - s) / (S + s)):
    """A wrong best_pair in which one part is replaced; s and S are the roots of the curvatures."""
    def pair(mu, L):
        s, S = np.sqrt(mu), np.sqrt(L)
        return lr(s, S), beta(s, S), factor(s, S)
    return pair


def _upside_down(mu, L):
    lr, _, factor = best_pair.solution_function(mu, L)
    if mu == L:
        raise ZeroDivisionError("float division by zero")
    return lr, 1 / factor**2, factor


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
        (_pair(beta=lambda s, S: (S - s) / (S + s), factor=lambda s, S: ((S - s) / (S + s)) ** 2),
         "β and the factor have changed places. The factor is √β, the larger of the two."),
        (_pair(factor=lambda s, S: (s - S) / (S + s)),
         "the factor is a size, so it is positive: √L − √μ above."),
        (_pair(lr=lambda s, S: 2 / (S * S + s * s), beta=lambda s, S: (S * S - s * s) / (S * S + s * s),
               factor=lambda s, S: (S * S - s * s) / (S * S + s * s)),
         "rate and factor are plain descent's, 2/(μ + L) and (κ − 1)/(κ + 1). Take the roots of μ and L."),
        (_pair(lr=lambda s, S: 4 / (3 * S * S + s * s),
               beta=lambda s, S: (np.sqrt(3 * S * S + s * s) - 2 * s) / (np.sqrt(3 * S * S + s * s) + 2 * s),
               factor=lambda s, S: 1 - 2 * s / np.sqrt(3 * S * S + s * s)),
         "that is the best pair of Nesterov's rule, 4/(3L + μ). The heavy ball's is asked for."),
        (_pair(lr=lambda s, S: 2 / (S * S + s * s), beta=lambda s, S: 0.0,
               factor=lambda s, S: (S * S - s * s) / (S * S + s * s)),
         "that is plain descent at its best, without momentum. Solve the two equations for √η and √β."),
        (_pair(lr=lambda s, S: 1 / (S + s) ** 2),
         "a factor 4 is missing in the learning rate: √η is 2/(√L + √μ), and the 2 is squared, too."),
        (_pair(lr=lambda s, S: 2 / (S + s) ** 2),
         "the 2 above the sum has to be squared, too: η = 4/(√L + √μ)²."),
        (_pair(lr=lambda s, S: 4 / (S * S + s * s) ** 2, beta=lambda s, S: ((S * S - s * s) / (S * S + s * s)) ** 2,
               factor=lambda s, S: (S * S - s * s) / (S * S + s * s)),
         "all three have L and μ where √L and √μ belong."),
        (_pair(lr=lambda s, S: 1 / (S * S), beta=lambda s, S: (S - s) / (S + s), factor=lambda s, S: 1 - s / S),
         "these are Nesterov's usual pair, 1/L and (√κ − 1)/(√κ + 1), and its usual bound 1 − 1/√κ. "
         "The heavy ball's are asked for."),
        (_pair(lr=lambda s, S: 4 / (S - s) ** 2),
         "below your rate stands the difference of the roots. Add the two equations: √η (√L + √μ) = 2."),
        (_pair(beta=lambda s, S: ((S - s) / (S + s)) ** 0.5),
         "your β is the root of the factor. It is the other way round: the factor is the root of β."),
        (_pair(beta=lambda s, S: (S - s) / (S + s), factor=lambda s, S: ((S - s) / (S + s)) ** 0.5),
         "√β is (√L − √μ)/(√L + √μ). You have taken this for β itself, so β and the factor still have to be squared."),
        (_pair(beta=lambda s, S: ((S + s) / (S - s)) ** 2),
         "your β is upside down, and above 1. The difference of the roots stands above their sum."),
        (_upside_down,
         "your β is upside down: for μ = L it divides by 0. The difference of the roots stands above their sum."),
        (_pair(beta=lambda s, S: ((S + s) / (S - s)) ** 2, factor=lambda s, S: (S + s) / (S - s)),
         "β and the factor are upside down, and above 1: the ball would fly off. The difference stands above the sum."),
        (_pair(beta=lambda s, S: ((S * S - s * s) / (S * S + s * s)) ** 2,
               factor=lambda s, S: (S * S - s * s) / (S * S + s * s)),
         "the rate is right. In β and in the factor L and μ stand where √L and √μ belong."),
        (_pair(lr=lambda s, S: 1 / (S * S), beta=lambda s, S: (S - s) / (S + s)),
         "rate and β are Nesterov's usual pair, 1/L and (√κ − 1)/(√κ + 1). The heavy ball's is asked for."),
        (_pair(lr=lambda s, S: 1 / (S * S), beta=lambda s, S: (S - s) / (S + s),
               factor=lambda s, S: (1 - s / S) ** 0.5),
         "rate, β and factor are those of Nesterov's rule. The heavy ball's are asked for."),
        (_pair(lr=lambda s, S: ((S + s) / 2) ** 2),
         "your rate is upside down. From √η (√L + √μ) = 2 comes √η = 2/(√L + √μ)."),
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
    """One step of Nesterov's rule: the new theta, and the new v."""
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
          sets_out=lambda theta, there: theta, move=lambda v, new: new):
    """A wrong nesterov_step in which one part is replaced."""
    def step(grad, theta, v, lr, beta):
        there = ahead(theta, v, lr, beta)
        new = velocity(v, grad(there), beta)
        return sets_out(theta, there) - lr * move(v, new), new
    return step


def _pytorchs_form(grad, theta, v, lr, beta):
    g = grad(theta)
    v = beta * v + g
    return theta - lr * (g + beta * v), v


def _kerass_form(grad, theta, v, lr, beta):
    v = beta * v - lr * grad(theta + beta * v)
    return theta + v, v


def _gradient_alone(grad, theta, v, lr, beta):
    g = grad(theta - lr * beta * v)
    return theta - lr * g, beta * v + g


def _old_velocity_back(grad, theta, v, lr, beta):
    return theta - lr * (beta * v + grad(theta - lr * beta * v)), v


def _moves_without_lr(grad, theta, v, lr, beta):
    v = beta * v + grad(theta - lr * beta * v)
    return theta - v, v


def _lr_in_the_velocity(grad, theta, v, lr, beta):
    v = beta * v + lr * grad(theta - beta * v)
    return theta - v, v


def _goes_on_to_the_place_ahead(grad, theta, v, lr, beta):
    v = beta * v + grad(theta - lr * beta * v)
    return theta - lr * v - lr * beta * v, v


def _hands_back_the_slope_here(grad, theta, v, lr, beta):
    return theta - lr * (beta * v + grad(theta - lr * beta * v)), beta * v + grad(theta)


nesterov_step = Exercise(
    nesterov_step, inputs=_inputs, returns=("theta", "v"),
    mistakes=[
        (_look(ahead=lambda theta, v, lr, beta: theta),
         "that is the heavy ball, which feels the slope where it stands. "
         "Nesterov's rule feels it at theta - lr * beta * v."),
        (_pytorchs_form,
         "that is PyTorch's form (nesterov=True), which keeps the places that are looked at in place of theta. Seen "
         "from there it is the same walk. Here theta is the ball's own place: feel the slope at "
         "theta - lr * beta * v."),
        (_kerass_form,
         "the rule is right, but your velocity is Keras's, −lr times the one asked for. Here v is a sum of gradients: "
         "look at theta - lr * beta * v."),
        (_gradient_alone,
         "theta moves along the gradient alone. It moves with the new velocity, theta - lr * v."),
        (_look(ahead=lambda theta, v, lr, beta: theta - lr * v, velocity=lambda v, g, beta: v + g),
         "all of the old velocity is kept, in the look and in the step. Keep only the share β of it."),
        (_old_velocity_back,
         "theta is right, but the old velocity is handed back. The next step needs the new one."),
        (_look(move=lambda v, new: v),
         "theta moves with the old velocity. First the new velocity, then the step."),
        (_look(ahead=lambda theta, v, lr, beta: theta + lr * beta * v),
         "you look back. The velocity is subtracted: theta - lr * beta * v."),
        (_look(ahead=lambda theta, v, lr, beta: theta - lr * v),
         "you look as far as the whole velocity leads. Only the share β of it is kept."),
        (_look(ahead=lambda theta, v, lr, beta: theta - beta * v),
         "the rate is missing where you look ahead."),
        (_look(sets_out=lambda theta, there: there),
         "you set out from the place you looked at. The velocity already holds that part; set out from theta."),
        (_look(move=lambda v, new: -new),
         "the walk goes uphill. Look at the sign before lr when theta moves."),
        (_moves_without_lr,
         "lr is missing when theta moves: theta - lr * v."),
        (_lr_in_the_velocity,
         "the rule is right, but your velocity has lr in it. Here v is a sum of gradients: "
         "look at theta - lr * beta * v, and lr comes in when theta moves."),
        (_goes_on_to_the_place_ahead,
         "you end at the next place that will be looked at. theta is the ball's own place: theta - lr * v."),
        (_hands_back_the_slope_here,
         "theta is right, but the velocity that is handed back has the slope at theta in it. "
         "Both take the slope at theta - lr * beta * v."),
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


# --- my_momentum ------------------------------------------------------------------------------------------------------


def my_momentum(theta, memory, gradient, lr, beta):
    """One step of a rule of my own: the new theta, and the new memory."""
    kept = beta * memory
    if gradient @ kept < 0:  # what is kept would carry the ball uphill: let it go
        kept = 0 * memory
    memory = kept + gradient
    return theta - lr * memory, memory


LR, BETA, D = 0.1, 0.9, 3


def _steps(step, gradients):
    """The steps that a rule takes from 0 when it is given these gradients."""
    theta, memory, taken = np.zeros(D), np.zeros(D), []
    for gradient in gradients:
        new, memory = step(theta, memory, np.array(gradient, float), LR, BETA)
        taken.append(new - theta)
        theta = new
    return taken


def _gives_two_things(step):
    answer = step(np.ones(D), np.zeros(D), np.array([1.0, 2.0, -1.0]), LR, BETA)
    if not (isinstance(answer, (tuple, list)) and len(answer) == 2):
        return f"it returned {kind(answer)}. Return two things: the new theta, and the new memory."
    if np.shape(answer[0]) != (D,):
        return f"for a theta of shape ({D},) it returned one of shape {np.shape(answer[0])}. Does theta come first?"
    return "" if np.isfinite(answer[0]).all() else "its first step leads to nan or beyond all numbers."


def _leaves_its_arguments_alone(step):
    given = {"theta": np.ones(D), "memory": np.ones(D), "gradient": np.array([1.0, 2.0, -1.0])}
    before = {name: array.copy() for name, array in given.items()}
    step(*given.values(), LR, BETA)
    changed = [name for name, array in given.items() if (array != before[name]).any()]
    return f"it changed its argument {changed[0]}. Write `a = a - b` instead of `a -= b`." if changed else ""


def _sets_out_downhill(step):
    gradient = np.array([1.0, 2.0, -1.0])
    (first,) = _steps(step, [gradient])
    if first @ gradient > 0:
        return "its first step leads uphill. Look at the sign before lr."
    return "" if first @ gradient < 0 else "its first step does not go downhill, although there is a slope."


def _remembers(step):
    now = np.array([0.3, 0.5, 0.0])
    one, other = (_steps(step, [first, now])[1] for first in ([1.0, 0.0, 0.0], [-1.0, 0.5, 0.0]))
    if np.linalg.norm(one - other) <= 1e-9 * np.linalg.norm(one):
        return ("its second step is the same for two different first gradients, as that of descent is. Return what you "
                "want to remember as the second result, and use it in the next step.")
    return ""


def _forgets(step):
    taken = _steps(step, [[1.0, 2.0, -1.0], *np.zeros((400, D))])
    if not np.isfinite(taken[-1]).all():
        return "400 steps after the only push it is beyond all numbers. Old gradients have to fade."
    if np.linalg.norm(taken[-1]) > 1e-6 * np.linalg.norm(taken[0]):
        return (f"400 steps after the only push, on level ground, it still moves by {np.linalg.norm(taken[-1]):.2g} a "
                "step. Old gradients have to fade.")
    return ""


def _needs_fewer_gradients(step):
    mine, descents = (np.mean(race.gradients_needed(rule)) for rule in (step, race.descent))
    if mine > 0.8 * descents:  # descent has 13 settings, as it has no β; 39 alone save up to a tenth
        return (f"at its best of {race.RATES.size} rates and {len(race.BETAS)} β it needs {mine:.0f} gradients on the "
                f"diabetes data, descent at its best {descents:.0f}: a fifth fewer are asked for (a rule that does not "
                f"arrive in {race.MOST} steps counts as {2 * race.MOST}).")
    return ""


my_momentum = Project(
    my_momentum,
    points=[
        ("it returns a theta and a memory", _gives_two_things),
        ("it leaves theta, memory and gradient as they were", _leaves_its_arguments_alone),
        ("its first step goes downhill", _sets_out_downhill),
        ("it remembers: an earlier gradient changes a later step", _remembers),
        ("it forgets: a push of 400 steps ago no longer moves it", _forgets),
        ("tuned alike, it needs a fifth fewer gradients than descent", _needs_fewer_gradients),
    ],
    hints=["Begin with the heavy ball, memory = v. All points but your own idea are kept by it.",
           "Ideas: an average; a gradient that counts twice, as PyTorch's nesterov=True does; or dampening.",
           "Or: drop the velocity when it would carry the ball uphill, `if gradient @ memory < 0`."],
    success="A rule of your own, in a race that it could have lost.")


# --- predictions ------------------------------------------------------------------------------------------------------

steady_push = Prediction(
    "steady_push",
    "The slope is 1 at every step, and β = 0.9: a tenth of the velocity is lost each time. How large does v become?",
    at_least={
        "about 0.9: a little is always lost": 0,
        "1: an average of ones is one": 0.95,
        "about 2": 1.5,
        "about 10": 5,
        "it grows without end": 50,
    },
    replies={
        "about 0.9: a little is always lost": "What is lost is a share of the old v. The new push comes on top.",
        "1: an average of ones is one": "This rule has no factor 1 − β before the gradient, so it is no average.",
        "about 2": "At v = 2 only 0.2 is lost, and 1 comes in: it still grows.",
        "it grows without end": "The larger v is, the more a tenth of it is. At some v the loss equals the push.",
    },
    why="It grows until what is lost, a tenth of v, is what comes in, 1. That is at v = 1/(1 − β) = 10. Under a "
        "steady push the ball moves as descent would at ten times the rate.")

first_home = Prediction(
    "first_home",
    "Three balls on one parabola, ηλ = 0.02, are let go at θ = 1. They keep 0.5, 0.74 and 0.95 of their velocity. "
    "Which is the first to come within 0.01 of the lowest point, and stay?",
    equal_to={
        "β = 0.5: it brakes hardest": "0.5",
        "β = 0.74: a bit of both": "0.74",
        "β = 0.95: it keeps the most speed": "0.95",
        "all three alike: the slope is the same": "alike",
    },
    replies={
        "β = 0.5: it brakes hardest": "It does not overshoot. But its brake is so strong that it creeps all the way.",
        "β = 0.95: it keeps the most speed": "It is the first to be *at* 0. But it comes through at full speed, and "
                                             "swings for a long time.",
        "all three alike: the slope is the same": "The same slope drives them, but their brakes differ, and with them "
                                                  "the speed that the slope can build up.",
    },
    why="Too strong a brake makes the ball creep, too weak a brake lets it swing. In between it arrives first.")

edge_moves = Prediction(
    "edge_moves",
    "Descent flies off beyond ηλ = 2. A ball with β = 0.9 goes up to ten times as far a step. Where is its edge?",
    at_least={
        "at about 0.2: ten times sooner": 0,
        "somewhat below 2": 0.5,
        "at 2, as before": 1.95,
        "at nearly 4: it tolerates more": 2.05,
    },
    replies={
        "at about 0.2: ten times sooner": "Ten times as far is for pushes that agree. At the edge they alternate.",
        "somewhat below 2": "Steady pushes make the steps longer. At the edge the pushes alternate, and their sum gets "
                            "shorter.",
        "at 2, as before": "The ball's step is not the gradient's alone: the old velocity opposes it there.",
    },
    why="At the edge the ball changes sides at every step. The pushes alternate and cancel in the velocity, which is "
        "1 + β times smaller than a single push. So the edge is 1 + β times as high: 2 + 2β.")

hundred_times = Prediction(
    "hundred_times",
    "From a ravine with κ = 100 to one with 10,000: descent needs a hundred times as many steps. And the ball, at its "
    "best η and β?",
    at_least={"about as many as before": 0, "about ten times as many": 3, "about a hundred times as many": 30},
    replies={
        "about as many as before": "A narrower ravine needs a larger β, and √β, what a step leaves, comes closer to 1.",
        "about a hundred times as many": "That would be descent with a constant lead. Look at the best pair: it holds "
                                         "the *roots* of the curvatures.",
    },
    why="The ball's factor is (√κ − 1)/(√κ + 1), so its steps grow like √κ. The narrower the ravine, the larger the "
        "gain.")

kinked = Prediction(
    "kinked",
    "This valley is convex, with one floor and no other level place. The heavy ball has its best pair for these "
    "curvatures. What becomes of it from x = 3.3?",
    equal_to={
        "it reaches the floor": "arrives",
        "it goes round for ever, between a few places": "cycles",
        "it flies off": "flies off",
    },
    replies={
        "it reaches the floor": "The best pair was derived for a bowl, whose curvature is the same everywhere. This "
                                "valley's is not.",
        "it flies off": "Far out the valley is a bowl of curvature 25, and there the pair brings the ball back.",
    },
    why="The curvature changes under the ball on its way, and the pushes come just at the wrong moments.")

noise_averaged = Prediction(
    "noise_averaged",
    "The slope is noisy, and a velocity adds up many slopes. At the same η = 0.1, how does the ball's scatter "
    "about the floor (its variance) compare with descent's, for β = 0.9?",
    at_least={
        "about a tenth: the noise averages out": 0,
        "somewhat smaller": 0.3,
        "the same": 0.9,
        "about ten times as large": 1.1,
    },
    replies={
        "about a tenth: the noise averages out": "The velocity is a sum, not an average: it holds ten slopes' noise.",
        "somewhat smaller": "The velocity is a sum, not an average: each kick of noise goes on pushing.",
        "the same": "At equal η the ball's effective rate is ten times descent's, and scatter grows with it.",
    },
    why="Each kick of noise enters the velocity and pushes for about ten steps. The ball moves like descent at "
        "η/(1 − β), and its scatter is that of this larger η.")
