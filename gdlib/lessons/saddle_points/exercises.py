"""Lesson 05: what kind of level place, how long to leave it, a push where the ground is level, units that differ."""
from __future__ import annotations

import numpy as np

from gdlib.lessons.kit.exercise import Exercise
from gdlib.lessons.kit.prediction import Prediction

# --- classify ---------------------------------------------------------------------------------------------------------


def classify(H, tolerance):
    """How many curvatures of the symmetric H (d, d) are below −tolerance, within ±tolerance, above it."""
    curvatures = np.linalg.eigvalsh(H)
    falling = np.sum(curvatures < -tolerance)
    rising = np.sum(curvatures > tolerance)
    return falling, len(curvatures) - falling - rising, rising


def _inputs(rng):
    yield np.diag([2.0, -2.0]), 1e-6
    yield np.array([[0.0, 1.0], [1.0, 0.0]]), 1e-6             # nothing on the diagonal, and a saddle
    yield np.array([[1.0, 2.0], [2.0, 1.0]]), 1e-6             # a positive diagonal, and a saddle
    yield np.diag([2.0, 0.0]), 1e-6
    yield np.diag([3.0, 1e-9, -1e-9, -5.0]), 1e-6              # zeros, but for rounding
    yield np.diag([-1.0, -2.0]), 1e-6
    yield np.diag([-0.5, 2.0, 0.3]), 1.0
    for d in (3, 6):
        half = rng.normal(size=(d, d))
        yield half + half.T, 0.1


def _counted(below=lambda e, t: e < -t, above=lambda e, t: e > t, curvatures=np.linalg.eigvalsh, order=(0, 1, 2)):
    """A wrong classify in which one part is replaced."""
    def count(H, tolerance):
        e = curvatures(H)
        falling, rising = np.sum(below(e, tolerance)), np.sum(above(e, tolerance))
        found = falling, e.size - falling - rising, rising
        return tuple(found[i] for i in order)
    return count


classify = Exercise(
    classify, inputs=_inputs, returns=("falling", "level", "rising"),
    mistakes=[
        (_counted(curvatures=np.diag),
         "the diagonal gives the curvatures along the axes only. "
         "Along other directions the ground may bend otherwise; the eigenvalues tell."),
        (_counted(curvatures=np.ravel),
         "you count the entries of H. The signs of its eigenvalues are wanted: np.linalg.eigvalsh(H)."),
        (_counted(below=lambda e, t: e < 0, above=lambda e, t: e > 0),
         "rounding leaves a tiny number where a 0 should stand. Count all that lie within ±tolerance as level."),
        (_counted(above=lambda e, t: e > 0),
         "a curvature between 0 and tolerance counts as level, not as rising."),
        (_counted(below=lambda e, t: e < 0),
         "a curvature between −tolerance and 0 counts as level, not as falling."),
        (lambda H, t: (np.sum(np.linalg.eigvalsh(H) < 0), 0, np.sum(np.linalg.eigvalsh(H) > 0)),
         "the second number is always 0 here, and rounding is not allowed for. "
         "The curvatures within ±tolerance are level; falling and rising ones lie beyond."),
        (lambda H, t: (np.sum(np.linalg.eigvalsh(H) < -t), 0, np.sum(np.linalg.eigvalsh(H) > t)),
         "the second number is always 0 here. All the curvatures that remain, those within ±tolerance, are level."),
        (_counted(below=lambda e, t: e <= t),
         "all below +tolerance were counted as falling. Falling means below −tolerance; what lies between is level."),
        (_counted(order=(2, 1, 0)),
         "the order is reversed. Falling comes first, rising last."),
        (_counted(order=(0, 2, 1)),
         "the last two have changed places. The order is falling, level, rising."),
        (_counted(curvatures=lambda H: np.linalg.svd(H, compute_uv=False)),
         "singular values have lost the sign. Take the eigenvalues, np.linalg.eigvalsh(H)."),
    ],
    hints=["Which numbers tell how the ground bends, whatever the direction of the axes?",
           "np.linalg.eigvalsh(H) gives the curvatures. Count those below −tolerance and those above tolerance.",
           "`np.sum(curvatures < -tolerance)` counts; level are all that remain."],
    success="The first number is called the index of a critical point: in how many directions it goes down.")


# --- escape_time ------------------------------------------------------------------------------------------------------


def escape_time(y0, lr, gamma, r):
    """Steps in which y grows from y0 to r, if each multiplies it by 1 + lr·gamma; not rounded."""
    return np.log(r / y0) / np.log(1 + lr * gamma)


def _inputs(rng):
    yield 0.001, 0.05, 2.0, 0.1
    yield 1e-12, 0.05, 2.0, 0.1
    yield 0.01, 1.0, 1.0, 0.08                                 # doubled at each step: 3 of them
    yield 0.5, 0.1, 3.0, 0.5                                   # there already
    for y0, lr, gamma in zip(10 ** rng.uniform(-9, -2, 4), rng.uniform(0.01, 0.5, 4), rng.uniform(0.1, 5, 4),
                             strict=True):
        yield float(y0), float(lr), float(gamma), 0.3


escape_time = Exercise(
    escape_time, inputs=_inputs,
    mistakes=[
        (lambda y0, lr, gamma, r: np.log(r / y0) / (lr * gamma),
         "ln(1 + ηγ) is near ηγ for short steps only. Divide by np.log(1 + lr * gamma)."),
        (lambda y0, lr, gamma, r: np.log(y0 / r) / np.log(1 + lr * gamma),
         "the fraction is upside down. y grows from y0 to r, so it is r / y0."),
        (lambda y0, lr, gamma, r: np.log(r / y0) / np.log(1 - lr * gamma + 0j).real,
         "a step from the ridge multiplies by 1 + ηγ. 1 − ηγ belongs to a bowl, where y shrinks."),
        (lambda y0, lr, gamma, r: np.log(r / y0) / np.log(1 + lr),
         "gamma is missing. The factor of a step is 1 + ηγ."),
        (lambda y0, lr, gamma, r: np.log(r / y0) / np.log(lr * gamma),
         "the 1 is missing. A step adds ηγy to the y that is there."),
        (lambda y0, lr, gamma, r: np.log(r / y0),
         "that is how often y grows by a factor of e. Divide by the logarithm of one step's factor."),
        (lambda y0, lr, gamma, r: np.log(r - y0) / np.log(1 + lr * gamma),
         "growth by a factor goes by the ratio r / y0, not by the difference."),
        (lambda y0, lr, gamma, r: r / y0 / (1 + lr * gamma),
         "the factors of all steps are multiplied, so the number of steps is found by logarithms."),
        (lambda y0, lr, gamma, r: np.ceil(np.log(r / y0) / np.log(1 + lr * gamma)),
         "you rounded up. Leave the number as it is; it is to be drawn as a line."),
        (lambda y0, lr, gamma, r: np.log10(r / y0) / np.log(1 + lr * gamma),
         "one logarithm has base 10, the other base e. Take the same for both."),
    ],
    hints=["After k steps y is (1 + ηγ)ᵏ y0. Set that equal to r and solve for k.",
           "Take logarithms on both sides: k · ln(1 + ηγ) = ln(r / y0).",
           "`np.log(r / y0) / np.log(1 + lr * gamma)`."],
    success="The distance comes in by its logarithm: a thousand times nearer costs as many steps as any "
            "other factor of a thousand, once.")


# --- perturbed_step ---------------------------------------------------------------------------------------------------


def perturbed_step(theta, gradient, lr, push, tolerance):
    """A step of descent; where the gradient is shorter than tolerance, push is added as well."""
    new = theta - lr * gradient
    if np.linalg.norm(gradient) < tolerance:
        new = new + push
    return new


def _inputs(rng):
    push = np.array([0.01, -0.02])
    yield np.array([1.0, 2.0]), np.array([0.0, 0.0]), 0.1, push, 0.1
    yield np.array([1.0, 2.0]), np.array([3.0, -4.0]), 0.1, push, 0.1
    yield np.array([1.0, 2.0]), np.array([0.03, -0.04]), 0.5, push, 0.1
    yield np.array([1.0, 2.0]), np.array([0.09, 0.09]), 0.5, push, 0.1  # each coordinate is small, the length is not
    yield np.array([1.0, 2.0]), np.array([0.0, 2.0]), 0.1, push, 0.1    # one coordinate is 0
    yield np.array([1.0, 2.0]), np.array([-3.0, 1.0]), 0.1, push, 0.1   # their sum is below 0
    yield np.array([1.0, 2.0]), np.array([0.2, 0.2]), 0.1, push, 0.1    # the square of its length is small
    yield rng.normal(size=5), 1e-3 * rng.normal(size=5), 0.3, 1e-2 * rng.normal(size=5), 0.01


def _pushed(when=lambda g, t: np.linalg.norm(g) < t, step=lambda theta, g, lr: theta - lr * g,
            push=lambda p, lr: p):
    """A wrong perturbed_step in which one part is replaced."""
    def perturbed(theta, gradient, lr, p, tolerance):
        new = step(theta, gradient, lr)
        return new + push(p, lr) if when(gradient, tolerance) else new
    return perturbed


def _instead(theta, gradient, lr, push, tolerance):
    return theta + push if np.linalg.norm(gradient) < tolerance else theta - lr * gradient


perturbed_step = Exercise(
    perturbed_step, inputs=_inputs,
    mistakes=[
        (_pushed(when=lambda g, t: True),
         "the push came although the gradient is long. Add it only where the gradient is shorter than tolerance."),
        (_pushed(when=lambda g, t: False),
         "the push never comes. Add it where the gradient is shorter than tolerance."),
        (_pushed(when=lambda g, t: np.linalg.norm(g) > t),
         "the push comes on a slope and not on level ground. Look at the sign of the comparison."),
        (_pushed(when=lambda g, t: (np.abs(g) < t).all()),
         "each coordinate is small there, but the gradient is not. Compare its length, np.linalg.norm(gradient)."),
        (_pushed(when=lambda g, t: (np.abs(g) < t).any()),
         "one small coordinate does not make level ground. Compare the length, np.linalg.norm(gradient)."),
        (_pushed(when=lambda g, t: g.sum() < t),
         "coordinates of different sign cancel in a sum. The length is np.linalg.norm(gradient)."),
        (_pushed(when=lambda g, t: g @ g < t),
         "that compares the square of the length. The length is np.linalg.norm(gradient)."),
        (_pushed(push=lambda p, lr: lr * p),
         "the push was multiplied by lr. Here it is added whole."),
        (_pushed(push=lambda p, lr: -lr * p),
         "the push went into the gradient and was multiplied by −lr. It is added to the new place."),
        (_pushed(push=lambda p, lr: -p),
         "the push was subtracted. Here it is added."),
        (_pushed(step=lambda theta, g, lr: theta + lr * g),
         "the step goes uphill. Descent goes against the gradient."),
        (_pushed(step=lambda theta, g, lr: theta - g),
         "the step is as long as the gradient. Multiply it by lr."),
        (_instead,
         "the push came instead of the step. The step is taken in any case."),
    ],
    hints=["Take the ordinary step first. Then ask whether the ground was level.",
           "Level means: np.linalg.norm(gradient) < tolerance.",
           "`new = theta - lr * gradient`, and in that case `new = new + push`."],
    success="With pushes of random direction this is perturbed gradient descent (Jin and others, 2017).")


# --- break_symmetry ---------------------------------------------------------------------------------------------------


def break_symmetry(W, size, seed):
    """W (inputs, units) plus a normal random number for each entry, of standard deviation `size`."""
    return W + size * np.random.default_rng(seed).standard_normal(W.shape)


def _inputs(rng):
    yield np.ones((2, 2)), 0.1, 0
    yield np.zeros((3, 2)), 0.01, 1
    yield np.full((2, 3), 0.5), 1.0, 2
    yield np.full((1, 4), -0.2), 1e-3, 3
    yield rng.normal(size=(5, 3)), 0.2, 4
    yield np.ones((2, 2)), 0.0, 5


def _noise(draw, scale=lambda W, size, e: W + size * e):
    """A wrong break_symmetry in which one part is replaced."""
    return lambda W, size, seed: scale(W, size, draw(np.random.default_rng(seed), W))


def _each(rng, W):
    return rng.standard_normal(W.shape)


break_symmetry = Exercise(
    break_symmetry, inputs=_inputs,
    mistakes=[
        (lambda W, size, seed: W + size,
         "the same number was added everywhere, so equal units are still equal."),
        (_noise(lambda rng, W: rng.standard_normal()),
         "one random number was added to all entries, so equal units are still equal. "
         "Draw one for each entry: standard_normal(W.shape)."),
        (_noise(lambda rng, W: rng.standard_normal((len(W), 1))),
         "the units, the columns of W, all got the same numbers, so equal units are still equal. "
         "Draw numbers of the shape W.shape."),
        (_noise(lambda rng, W: rng.standard_normal(W.shape[1])),
         "each unit got one number for all its inputs. Draw one for each entry: standard_normal(W.shape)."),
        (_noise(_each, lambda W, size, e: W * (1 + size * e)),
         "you multiply by 1 + noise. Weights of 0 then stay 0: add the noise."),
        (_noise(_each, lambda W, size, e: W + e),
         "the noise is not multiplied by size."),
        (_noise(_each, lambda W, size, e: size * e),
         "that is the noise alone. Add it to W."),
        (_noise(_each, lambda W, size, e: W + size**2 * e),
         "size is the standard deviation, not the variance. Multiply by size itself."),
        (_noise(_each, lambda W, size, e: W + np.sqrt(size) * e),
         "size is the standard deviation already. No root."),
        (_noise(_each, lambda W, size, e: W - size * e),
         "the noise was subtracted. Either would break the symmetry; here it is added."),
        (_noise(lambda rng, W: rng.uniform(size=W.shape)),
         "those are uniform numbers from 0 to 1. Normal ones come from standard_normal(W.shape)."),
        (lambda W, size, seed: W + size * np.random.default_rng(0).standard_normal(W.shape),
         "the generator does not start from `seed`. Use np.random.default_rng(seed)."),
    ],
    hints=["What must differ from unit to unit? And what makes random numbers of W's shape?",
           "`np.random.default_rng(seed).standard_normal(W.shape)` gives one for each entry.",
           "Multiply them by size and add them to W."],
    success="That is all an initialisation must do; how large `size` should be is lesson 07's question.")


# --- predictions ------------------------------------------------------------------------------------------------------

same_hessian = Prediction(
    "same_hessian",
    "x² + y⁴, x² + y³ and (y − x²)(y − 3x²) are level at the origin, each with the curvatures 2 and 0. How many of "
    "the three have a minimum there?",
    at_least={
        "all three: nothing bends downwards": 3,
        "two": 2,
        "one": 1,
        "none: a minimum needs two positive curvatures": 0,
    },
    why="Where a curvature is 0, the terms of third and fourth order decide, and the Hessian does not know them. The "
        "third surface is the strangest: it rises along every straight line, and falls along a bent one.")

ten_decades = Prediction(
    "ten_decades",
    "From 0.01 beside the ridge the walk takes a certain number of steps to get away. From 10⁻¹², 10¹⁰ times nearer: "
    "how many times as long?",
    at_least={
        "hardly longer (below 3)": 0,
        "about ten times (3–30)": 3,
        "thousands of times": 30,
        "it never gets away": 1e5,
    },
    why="Each step multiplies the distance by the same number, so each factor of ten costs the same number of steps. "
        "Ten decades more are ten times that number.")

larger_batches = Prediction(
    "larger_batches",
    "A walk on the ridge is freed by the noise of its mini-batches. With 64 rows a batch, drawn with replacement, in "
    "place of 1 the noise is an eighth. How many steps more, at rate 0.05?",
    at_least={"none": -np.inf, "some twenty": 5, "64 times as many": 100, "it stays for ever": 1e5},
    why="An eighth of the noise starts the walk at an eighth of the distance, and that costs ln 8 / ln(1 + ηγ) steps, "
        "once. Only without any noise is the walk stuck.")

three_up = Prediction(
    "three_up",
    "A symmetric matrix of random numbers with 3 rows: how often are all three eigenvalues positive?",
    at_least={"half of the time": 0.3, "1 in 8, like three coins": 0.07, "about 1 in 40": 0.01, "about 1 in 1,000": 0},
    why="The eigenvalues of such a matrix keep away from each other, so they are rarely on the same side of 0. Three "
        "coins do not know of each other.")

where_from = Prediction(
    "where_from",
    "We look for critical points of a small network twice: from random weights, and from where training ends. How "
    "does the share of saddles among those found differ?",
    at_least={
        "hardly: nearly all are saddles, both times": 0.8,
        "somewhat: more saddles from random weights": 0.4,
        "altogether: saddles from random weights, mostly minima where training ends": 0,
        "there are more saddles where training ends": 1.25,
    },
    why="From random weights the search runs far, to the shallow ground where the network answers little but 0, and "
        "where something always goes down. From where training ends it stays close; and descent leaves saddles behind "
        "it.")

equal_units = Prediction(
    "equal_units",
    "Two hidden units begin with equal weights and are trained for 2,000 steps on random batches of 4 rows. How far "
    "apart are their weights then?",
    at_least={"far: the batches' noise tears them apart": 0.01, "a little": 1e-8, "not at all": 0},
    why="Both units see the same rows, and have the same gradient whatever the batch is. This noise has no component "
        "that would part them.")
