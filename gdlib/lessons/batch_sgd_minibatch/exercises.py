"""Lesson 02: cross-entropy's gradient, mini-batches, their variance, the floor, the size to choose, a recogniser."""
from __future__ import annotations

import math

import numpy as np

import gdlib as gd
from gdlib.lessons.kit.diagnosis import kind
from gdlib.lessons.kit.exercise import Exercise
from gdlib.lessons.kit.prediction import Prediction
from gdlib.lessons.kit.project import Project


def threes_and_eights():
    """The digits' threes and eights by their ink.

    Returns
    -------
    X : array (357, 2)
        Ink on the left half of the image and on the right half, standardised.
    y : array (357,)
        1 for an 8, 0 for a 3.
    """
    images, digit = gd.data.load("digits")
    some = (digit == 3) | (digit == 8)
    halves = images[some].reshape(-1, 8, 2, 4).sum(axis=(1, 3))  # rows, left or right, columns
    return (halves - halves.mean(axis=0)) / halves.std(axis=0), (digit[some] == 8) * 1.0


# --- logistic_gradient ------------------------------------------------------------------------------------------------


def logistic_gradient(theta, X, y):
    """The gradient, d numbers, of the mean cost.

    X: n rows, d columns; y: n labels, 0 or 1.
    """
    p = 1 / (1 + np.exp(-X @ theta))
    return X.T @ (p - y) / len(y)


def _inputs(rng):
    yield np.array([0.0]), np.array([[1.0], [2.0]]), np.array([1.0, 0.0])
    yield np.array([1.0, -1.0]), np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, 1.0])  # square: X and X.T fit
    yield np.array([2.0]), np.array([[-1.0]]), np.array([0.0])
    yield np.array([1.0, 0.0, 2.0]), np.array([[1.0, 2.0, 0.5]]), np.array([1.0])          # one row
    for n, d in [(20, 3), (5, 5)]:
        yield rng.normal(size=d), rng.normal(size=(n, d)), rng.integers(0, 2, size=n).astype(float)


def _sigma(z):
    return 1 / (1 + np.exp(-z))


logistic_gradient = Exercise(
    logistic_gradient, inputs=_inputs,
    mistakes=[
        (lambda theta, X, y: X.T @ (y - _sigma(X @ theta)) / len(y),
         "the sign is reversed. The error is prediction minus label, p - y."),
        (lambda theta, X, y: X.T @ (_sigma(X @ theta) - y),
         "you add up over the rows. The loss is a mean, so divide by their number, len(y)."),
        (lambda theta, X, y: X.T @ (y - _sigma(X @ theta)),
         "two things. The error is prediction minus label, p - y, so the sign is reversed; "
         "and the loss is a mean, so divide by the number of rows, len(y)."),
        (lambda theta, X, y: X.T @ (_sigma(X @ theta) - y) / X.size,
         "X.size counts all entries of X. The mean runs over the rows: len(y)."),
        (lambda theta, X, y: np.mean(X * (_sigma(X @ theta) - y)[:, None], axis=1),
         "axis=1 takes the mean over the columns. "
         "The mean runs over the rows, axis=0, and leaves one number for each column."),
        (lambda theta, X, y: X.T @ ((X @ theta > 0) - y) / len(y),
         "your p is a decision, 0 or 1. The probability itself is wanted, p = 1 / (1 + e to the minus score)."),
        (lambda theta, X, y: 2 * X.T @ (_sigma(X @ theta) - y) / len(y),
         "for {call} I expected {expected} and got {got}, twice as large as it should be: "
         "the 2 belongs to squared error. Here −log p brings none."),
        (lambda theta, X, y: X.T @ (X @ theta - y) / len(y),
         "you subtract the labels from the scores X @ theta. "
         "The probabilities are wanted, p = 1 / (1 + e to the minus score)."),
        (lambda theta, X, y: X.T @ (_sigma(-X @ theta) - y) / len(y),
         "your p falls where the score rises. In p = 1 / (1 + np.exp(-z)) the minus belongs inside the exponential."),
        (lambda theta, X, y: (_sigma(X @ theta) - y) / len(y),
         "for {call} I expected {expected}, one number for each parameter, and got {got}, one for each row. "
         "Each error p - y is multiplied by its row of X: that is the Xᵀ in front."),
        (lambda theta, X, y: np.mean(_sigma(X @ theta) - y),
         "that is the mean error. Each error has to be multiplied by its row of X before the mean is taken: "
         "Xᵀ in front."),
        (lambda theta, X, y: X @ (_sigma(X @ theta) - y) / len(y),
         "X is not transposed. The sum runs over the rows, so Xᵀ, of shape (d, n), meets the n errors."),
        (lambda theta, X, y: X.T @ ((_sigma(X @ theta) - y) * _sigma(X @ theta) * (1 - _sigma(X @ theta))) / len(y),
         "there is a factor p(1 − p) too many. "
         "It belongs to squared error; with cross-entropy it cancels against the 1/p from the logarithm."),
        (lambda theta, X, y: X.T @ _sigma(X @ theta) / len(y),
         "y is missing. The error is p - y."),
        (lambda theta, X, y: X.T @ (_sigma(X @ theta) - y) / len(theta),
         "you divide by the number of parameters. The mean runs over the rows: len(y)."),
        (lambda theta, X, y: np.mean(np.logaddexp(0, X @ theta) - y * (X @ theta)),
         "that is the loss itself. Its derivatives are wanted."),
        (lambda theta, X, y: X.T @ (_sigma(X @ theta) - y) / len(y) + theta,
         "theta itself was added. That belongs to L2 regularisation, as scikit-learn has it by default."),
        (lambda theta, X, y: X.T @ (-y / _sigma(X @ theta)) / len(y),
         "−1/p is how the cost of a row with y = 1 changes with p. "
         "How does it change with the score? And rows with y = 0 cost something, too."),
        (lambda theta, X, y: -X.T @ (y * (1 - _sigma(X @ theta))) / len(y),
         "only the rows with y = 1 are counted. For y = 0 the derivative by the score is p. "
         "(A formula with y·z in the exponent is for labels −1 and +1.)"),
        (lambda theta, X, y: X.T @ np.abs(_sigma(X @ theta) - y) / len(y),
         "the sign of the error is lost. For y = 1 the derivative by the score is p − 1, which is negative."),
        (lambda theta, X, y: X.T @ (_sigma(X @ theta) - y) ** 2 / len(y),
         "the error was squared. Cross-entropy's derivative by the score is the error itself, p − y."),
    ],
    hints=["On paper: for y = 1 the cost is log(1 + e⁻ᶻ). Its derivative is −e⁻ᶻ/(1 + e⁻ᶻ), which is p − 1. "
           "For y = 0 the cost is log(1 + eᶻ).",
           "Its derivative is p. So both are p − y. The score z = x·θ changes at the rate xⱼ when θⱼ does.",
           "All j at once, and the mean over the rows: Xᵀ(p − y)/n, with p = 1 / (1 + np.exp(-X @ theta))."],
    success="The error p − y times the input, averaged: the gradient of least squares has the same form, but for a 2.")


# --- minibatches ------------------------------------------------------------------------------------------------------


def minibatches(order, batch_size):
    """Cut the row numbers `order` into batches: a list of arrays."""
    batches = []
    for first in range(0, len(order), batch_size):
        batches.append(order[first : first + batch_size])
    return batches


def _inputs(rng):
    yield np.array([3, 0, 4, 1, 2]), 2
    yield np.array([3, 0, 2, 1]), 2
    yield np.array([1, 0]), 1
    yield np.array([2, 0, 1]), 3
    yield np.array([1, 2, 0]), 5
    yield rng.permutation(11), 4
    yield rng.permutation(10), 3


def _cut(order, size, first=0, last=None):
    return [order[i : i + size] for i in range(first, len(order) if last is None else last, size)]


def _filled_up(order, size):
    return [np.resize(np.append(batch, order), size) for batch in _cut(order, size)]


def _added(order, size):
    batches = []
    for first in range(0, len(order), size):
        batches = batches + order[first : first + size]
    return batches


def _joined(order, size):
    whole = len(order) // size
    return np.split(order, range(size, whole * size, size))


def _short_first(order, size):
    rest = len(order) % size
    return [order[:rest]] * (rest > 0) + _cut(order, size, first=rest)


def _whole_only(order, size):
    return _cut(order, size, last=len(order) - len(order) % size)


minibatches = Exercise(
    minibatches, inputs=_inputs,
    mistakes=[
        (_whole_only,
         "the rows that are left over are missing. They make a last, shorter batch."),
        (_filled_up,
         "the last batch was filled up with rows that had been seen. "
         "Each row counts once in an epoch: let the last batch be short."),
        (lambda order, size: _cut(np.arange(len(order)), size),
         "those are the rows in their old order. Take them from `order`, which was shuffled."),
        (lambda order, size: np.array_split(order, size),
         "you made batch_size batches. batch_size is how many rows one batch has."),
        (lambda order, size: np.array_split(order, -(-len(order) // size)),
         "the rows were shared out evenly. Here each batch is full, with batch_size rows, and only the last is short."),
        (lambda order, size: [order[i : i + size] for i in range(len(order))],
         "your batches overlap. From one batch to the next the start moves by batch_size: "
         "`range(0, len(order), batch_size)`."),
        (lambda order, size: [order[i : i + size - 1] for i in range(0, len(order), size)],
         "each batch lacks its last row. A slice already leaves out its end, so `first + batch_size` it is."),
        (lambda order, size: [order[i : size] for i in range(0, len(order), size)],
         "for {call} I expected {expected} and got {got} (nan: an empty batch). The slice ends at batch_size each "
         "time. It ends batch_size after its own beginning."),
        (lambda order, size: [order[:size] for i in range(0, len(order), size)],
         "it is the first batch again and again. Let the slice begin where the last one ended."),
        (lambda order, size: list(order),
         "the batches were joined into one list of rows. "
         "Keep each batch whole: `batches.append(…)`, where `extend` and `+=` would take it apart."),
        (lambda order, size: list(range(0, len(order), size)),
         "those are the places where the batches begin. "
         "A batch is the piece of `order` from there on: order[first : first + batch_size]."),
        (lambda order, size: [order[i] for i in range(0, len(order), size)],
         "that is the first row of each batch. A slice takes all of them: order[first : first + batch_size]."),
        (lambda order, size: [np.arange(i, i + size) for i in range(0, len(order), size)],
         "those are positions, and the last ones lie beyond the end. "
         "Take the rows that stand there: order[first : first + batch_size]."),
        (lambda order, size: _cut(order, size)[-1],
         "for {call} I expected all batches, {expected}, and got the last one, {got}. `batches = …` forgets the ones "
         "before: use `batches.append(…)`."),
        (lambda order, size: [],
         "nothing was put into the list. In the loop, `batches.append(…)`."),
        (lambda order, size: [order[i : i + size + 1] for i in range(0, len(order), size)],
         "each batch has one row too many, which the next one has, too. "
         "A slice leaves out its end, so `first + batch_size` it is."),
        (lambda order, size: [order[i : i + size] for i in range(0, len(order) - size, size)],
         "the last batch is missing. The batches begin at every number of range(0, len(order), batch_size)."),
        (lambda order, size: order[:size],
         "for {call} I expected all batches, {expected}, and got one, {got}. Collect them in a list, and put the "
         "`return` after the loop."),
        (lambda order, size: _cut(order, size, first=size),
         "the first batch is missing. Begin at 0."),
        (lambda order, size: _cut(order, size) + [order[:0]] * (len(order) % size == 0),
         "where batch_size divides the number of rows there is an empty batch at the end."),
        (lambda order, size: [order[i : i + size] for i in range(0, len(order) + size, size)],
         "for {call} I expected {expected} and got {got} (nan: an empty batch). The beginnings go too far: "
         "`range(0, len(order), batch_size)`."),
        (_joined,
         "the rows that are left over were put into the batch before. "
         "They make a last, shorter batch of their own."),
        (_short_first,
         "the short batch comes first. Begin at 0, and let the last batch be short."),
        (lambda order, size: _cut(order, size)[::-1],
         "the batches are right, but the last comes first."),
        (lambda order, size: [order[i :: -(-len(order) // size)] for i in range(-(-len(order) // size))],
         "your slices leap over rows. A batch is a piece without gaps: order[first : first + batch_size]."),
        (lambda order, size: [order[i * size : (i + 1) * size] for i in range(0, len(order), size)],
         "for {call} I expected {expected} and got {got} (nan: an empty batch). `first` is a row's place already, "
         "not a batch's number: order[first : first + batch_size]."),
        (_added,
         "for {call} I expected {expected} and got {got}. `batches + …` adds numbers, as with arrays. "
         "Use `batches.append(…)`."),
        (lambda order, size: [np.sort(batch) for batch in _cut(order, size)],
         "the rows of each batch were sorted. Leave them in their order."),
        (lambda order, size: [order[i] for i in range(len(order))][::size] + [order[-1]],
         "those are single rows. A batch is a slice: order[first : first + batch_size]."),
        (lambda order, size: [order[max(0, i - size) : i] for i in range(0, len(order), size)],
         "each slice ends where it should begin: order[first : first + batch_size]."),
    ],
    hints=["The first batch is order[0 : batch_size]. Where does the second begin?",
           "The batches begin at 0, batch_size, 2·batch_size, …: `range(0, len(order), batch_size)`.",
           "A slice may reach beyond the end: order[8 : 12] of ten numbers is the last two. So the short batch "
           "needs no case of its own."],
    success="Shuffled rows in, batches out: each row once an epoch. PyTorch's DataLoader does the same.")


# --- batch_variance ---------------------------------------------------------------------------------------------------


def batch_variance(single, batch_size):
    """The mean of ‖e‖² over all batches of batch_size different rows.

    single: n rows; row i is the gradient of row i of the data.
    """
    n, G = len(single), single.mean(axis=0)
    sigma2 = np.mean(np.sum((single - G) ** 2, axis=1))
    return sigma2 / batch_size * (n - batch_size) / (n - 1)


def _inputs(rng):
    yield np.array([[1.0, 0.0], [3.0, 0.0]]), 1
    yield np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [2.0, 4.0]]), 2
    yield np.array([[1.0, 2.0], [3.0, 2.0], [8.0, 5.0]]), 3
    yield np.array([[1.0, 1.0], [3.0, 3.0], [5.0, 5.0], [11.0, 11.0]]), 3
    yield rng.normal(size=(20, 3)), 4
    yield rng.normal(loc=2, size=(50, 2)), 10


def _with_factor(sigma2, n, B):
    return sigma2 / B * (n - B) / (n - 1)


def _of_rows(sigma2, law=_with_factor):
    """A wrong batch_variance: `sigma2` of (single, G) is what stands for σ², `law` of (σ², n, B) what follows."""
    def variance(single, batch_size):
        return law(sigma2(single, single.mean(axis=0)), len(single), batch_size)
    return variance


def _sigma2(single, G):
    return np.mean(np.sum((single - G) ** 2, axis=1))


def _law(law):
    return _of_rows(_sigma2, law)


batch_variance = Exercise(
    batch_variance, inputs=_inputs,
    mistakes=[
        (_law(lambda s, n, B: s / B),
         "only one thing is missing. This is for rows drawn independently; the rows of a batch are all different, "
         "so a batch of all n has no error. The factor is (n − B)/(n − 1)."),
        (_law(lambda s, n, B: s + 0 * B),
         "that is σ², for a single row. The mean of B rows varies less."),
        (_law(lambda s, n, B: s * (n - B) / (n - 1)),
         "the mean of B rows varies less than one row. Divide by batch_size."),
        (_law(lambda s, n, B: s / B**2),
         "the sum of B squares is about Bσ². Divided by B² that leaves σ²/B, and then the pairs are missing."),
        (_law(lambda s, n, B: s / B**2 * (n - B) / (n - 1)),
         "you divided by B once too often. The B squares make Bσ², and 1/B² leaves σ²/B of it."),
        (_law(lambda s, n, B: s / np.sqrt(B) * (n - B) / (n - 1)),
         "the length of the error is proportional to 1/√B; its square, which is asked for here, to 1/B."),
        (_law(lambda s, n, B: s / np.sqrt(B)),
         "the length of the error is proportional to 1/√B, its square to 1/B; and the factor for different rows, "
         "(n − B)/(n − 1), is missing."),
        (_law(lambda s, n, B: np.sqrt(_with_factor(s, n, B))),
         "that is the root, the typical length of the error. Its square is wanted."),
        (_law(lambda s, n, B: np.sqrt(s) / B * (n - B) / (n - 1)),
         "σ² itself is wanted, the mean of the squared lengths; you took its root."),
        (_law(lambda s, n, B: s / B * (n - B) / n),
         "(n − B) is divided by n − 1. Try B = 1: one row out of n must give σ² itself."),
        (_law(lambda s, n, B: s / B * (1 - (B - 1) / n)),
         "nearly. There are n(n − 1) pairs of different rows, so their mean product is −σ²/(n − 1)."),
        (_law(lambda s, n, B: s / B * (1 - B / (n - 1))),
         "a batch has B(B − 1) pairs of different rows, not B². Try B = 1: it must give σ² itself."),
        (_law(lambda s, n, B: s / B * (1 + (B - 1) / (n - 1))),
         "the products d·d of different rows are negative on average: −σ²/(n − 1). Mind the sign."),
        (_law(lambda s, n, B: s / B * n / (n - 1) * (n - B) / (n - 1)),
         "σ² was divided by n − 1 (ddof=1), and the factor has an n − 1 as well. "
         "With (n − B)/(n − 1), σ² is the plain mean over the n rows."),
        (_law(lambda s, n, B: s / B * n / (n - 1)),
         "with σ² divided by n − 1 (ddof=1) and no factor, this is an estimate for rows drawn independently. "
         "Here all n rows are known: a plain mean, and (n − B)/(n − 1)."),
        (_law(lambda s, n, B: s * n / B * (n - B) / (n - 1)),
         "the squared lengths were added up over the rows. σ² is their mean: divide by n."),
        (_law(lambda s, n, B: s * n / B),
         "the squared lengths were added up over the rows, and σ² is their mean. The factor (n − B)/(n − 1) is "
         "missing, too."),
        (_of_rows(lambda single, G: np.mean(np.sum(single**2, axis=1))),
         "those are the squared lengths of the gradients. Subtract the full gradient, single.mean(axis=0), first."),
        (_of_rows(lambda single, G: np.mean((single - G) ** 2)),
         "a squared length is the *sum* over the d coordinates, and you took their mean. The mean runs over the rows."),
        (_of_rows(lambda single, G: np.mean((single - G) ** 2), lambda s, n, B: s / B),
         "a squared length is the *sum* over the d coordinates, and you took their mean. The factor (n − B)/(n − 1) is "
         "missing, too."),
        (_of_rows(lambda single, G: np.mean(np.linalg.norm(single - G, axis=1)) ** 2),
         "you squared the mean length. The mean of the squared lengths is wanted: square first, then take the mean."),
        (_of_rows(lambda single, G: np.mean(np.linalg.norm(single - G, axis=1))),
         "the lengths are not squared. σ² is the mean of the *squared* lengths."),
        (_of_rows(lambda single, G: np.trace(np.cov(single))),
         "np.cov takes each *row* for a variable. "
         "Here the columns are the variables, and σ² is a plain mean: np.cov(single.T, ddof=0)."),
        (_of_rows(lambda single, G: np.var(single)),
         "np.var without an axis takes the mean over all entries. "
         "The mean runs over the rows, axis=0; over the coordinates the variances add up."),
        (_of_rows(lambda single, G: np.var(single, axis=0)),
         "for {call} I expected {expected} and got {got}, one number for each coordinate. "
         "The squared distance is their sum."),
        (_of_rows(lambda single, G: np.var(single, axis=1).sum()),
         "axis=1 takes the variance of each row's own coordinates. The mean runs over the rows, axis=0, and the "
         "variances of the coordinates add up."),
        (_of_rows(lambda single, G: np.var(single, axis=1)),
         "for {call} I expected {expected} and got {got}, one number for each row. axis=1 takes the variance of each "
         "row's own coordinates; the mean runs over the rows, axis=0."),
        (_of_rows(lambda single, G: np.sum((single - G) ** 2, axis=1)),
         "for {call} I expected {expected} and got {got}, one number for each row. σ² is their mean."),
        (_of_rows(lambda single, G: np.sum(np.mean((single - single.mean(axis=1, keepdims=True)) ** 2, axis=0))),
         "axis=1 takes the mean of each row's coordinates. The full gradient is the mean over the rows, axis=0."),
    ],
    hints=["First σ²: mean over the rows of the sum over the coordinates of (single − single.mean(axis=0))².",
           "The pairs: their sum is −nσ², and there are n(n − 1) of them. So d_i·d_j is −σ²/(n − 1) on average.",
           "(1/B²) · (Bσ² − B(B − 1)·σ²/(n − 1)). Simplify, and check with B = 1 and B = n.",
           "σ²/B · (n − B)/(n − 1)."],
    success="σ²/B · (n − B)/(n − 1). Two numbers, σ² and n, tell the error of every batch size.")


# --- noise_floor ------------------------------------------------------------------------------------------------------


def noise_floor(lr, curvature, s2, batch_size):
    """The mean loss above the lowest, once V stays as it is.

    s2: the variance of a single row's gradient.
    """
    V = lr * s2 / (curvature * (2 - lr * curvature) * batch_size)
    return curvature * V / 2


def _inputs(rng):
    yield 0.1, 1.0, 1.0, 1
    yield 0.5, 2.0, 4.0, 1
    yield 0.1, 4.0, 1.0, 8
    yield 1.0, 1.0, 1.0, 2                                     # the step lands on the lowest point, but for the noise
    for lr, curvature, s2 in rng.uniform(0.1, 1.2, size=(5, 3)):
        yield float(lr), float(curvature), float(s2), 4


def _floor(V, loss=lambda V, c: c * V / 2):
    """A wrong noise_floor: another variance V of (η, λ, s², B), or another loss of (V, λ)."""
    return lambda lr, curvature, s2, batch_size: loss(V(lr, curvature, s2, batch_size), curvature)


def _V(e, c, s2, B):
    return e * s2 / (c * (2 - e * c) * B)


noise_floor = Exercise(
    noise_floor, inputs=_inputs,
    mistakes=[
        (_floor(_V, lambda V, c: V),
         "that is the variance V of x. The loss above the lowest is λV/2 on average."),
        (_floor(_V, lambda V, c: c * V),
         "the ½ of the loss λx²/2 is missing."),
        (_floor(_V, lambda V, c: V / 2),
         "the curvature of the loss λx²/2 is missing."),
        (_floor(_V, lambda V, c: c * V**2 / 2),
         "V is the mean of x² already. Don't square it."),
        (_floor(_V, lambda V, c: c * np.sqrt(V) / 2),
         "you took the standard deviation √V. The loss needs the mean of x², which is V."),
        (_floor(lambda e, c, s2, B: e * s2 / (2 * c * B)),
         "this is the formula for a small learning rate, η s²/(4B), as many books have it. "
         "Exactly, the 2 is 2 − ηλ: keep the (ηλ)² of (1 − ηλ)²."),
        (_floor(lambda e, c, s2, B: e * s2 / (c * (2 - e * c))),
         "batch_size is missing. The mean of B independent rows has variance s²/B."),
        (_floor(lambda e, c, s2, B: e * s2 / (c * (2 - e * c) * B**2)),
         "the mean of B independent rows has variance s²/B, not s²/B²."),
        (_floor(lambda e, c, s2, B: e * s2 / (c * (2 - e * c) * np.sqrt(B))),
         "√B belongs to the standard deviation. The variance of the mean of B rows is s²/B."),
        (_floor(lambda e, c, s2, B: e * s2**2 / (c * (2 - e * c) * B)),
         "s2 is the variance s² already. Don't square it."),
        (_floor(lambda e, c, s2, B: e * np.sqrt(s2) / (c * (2 - e * c) * B)),
         "s2 is the variance s², which is what V needs. Don't take its root."),
        (_floor(lambda e, c, s2, B: e**2 * s2 / B),
         "that is what one step adds. It goes on until the shrinking takes away as much: solve V = (1 − ηλ)²V + η²s²/B "
         "for V, then take λV/2."),
        (lambda e, c, s2, B: e**2 * s2 / B,
         "that is what one step adds to V. Solve V = (1 − ηλ)²V + η²s²/B for V, then take λV/2."),
        (_floor(lambda e, c, s2, B: e * s2 / (c * B)),
         "x is multiplied by 1 − ηλ, so its variance by the *square* of that."),
        (_floor(lambda e, c, s2, B: s2 / (c * (2 - e * c) * B)),
         "the noise is multiplied by η, so its variance by η², and one η is left when you solve for V."),
        (_floor(lambda e, c, s2, B: e**2 * s2 / B / (1 - e * c) ** 2),
         "solve V = (1 − ηλ)²V + η²s²/B for V: the V's on one side, so divide by 1 − (1 − ηλ)²."),
        (_floor(lambda e, c, s2, B: -_V(e, c, s2, B)),
         "a variance can't be negative. Solving for V, divide by 1 − (1 − ηλ)²."),
        (_floor(lambda e, c, s2, B: e * s2 / (c * (2 + e * c) * B)),
         "1 − (1 − ηλ)² is ηλ(2 − ηλ). Mind the sign of the square."),
        (_floor(lambda e, c, s2, B: e * s2 / ((2 - e * c) * B)),
         "1 − (1 − ηλ)² is ηλ(2 − ηλ): the λ before the bracket is missing."),
        (_floor(lambda e, c, s2, B: e**2 * s2 / B / (1 - (1 - e) ** 2)),
         "the slope is λx, so a step multiplies x by 1 − ηλ. You have 1 − η."),
        (_floor(lambda e, c, s2, B: e * s2 / c * (2 - e * c) * B),
         "brackets are missing below the fraction: η s² / (λ (2 − ηλ) B)."),
        (_floor(lambda e, c, s2, B: e * s2 / (c * 2 - e * c * B)),
         "brackets are missing: λ · (2 − ηλ) · B."),
    ],
    hints=["A factor c on x puts c² on its variance. The variances of independent things add.",
           "So a step makes (1 − ηλ)²V + η²s²/B of V. Where does V stay as it is?",
           "V(1 − (1 − ηλ)²) = η²s²/B, and 1 − (1 − ηλ)² = ηλ(2 − ηλ).",
           "V = ηs²/(λ(2 − ηλ)B), and the loss is λV/2."],
    success="About ηs²/(4B) where ηλ is small: it is proportional to the learning rate and to 1/B. The curvature "
            "drops out.")


# --- choose_batch -----------------------------------------------------------------------------------------------------


def choose_batch(sizes, noise_scale, overhead, per_row):
    """The size, one of `sizes`, that takes the fewest seconds to the target.

    A step takes overhead + per_row·B seconds.
    """
    seconds = []
    for B in sizes:
        seconds.append((1 + noise_scale / B) * (overhead + per_row * B))
    return sizes[np.argmin(seconds)]


def _inputs(rng):
    yield [1, 10, 100, 1000], 100.0, 1e-4, 1e-4
    yield [1, 10, 100, 1000], 100.0, 1e-3, 1e-5
    yield [1, 10, 100, 1000], 10.0, 1e-4, 1e-6
    yield [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024], 100.0, 2e-5, 1e-6
    yield [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024], 1000.0, 2e-5, 5e-7
    yield [1, 8, 64, 512], 20.0, 5e-5, 1e-5
    yield [256, 16, 1024, 1, 64], 50.0, 2e-5, 2e-6             # in no order
    yield [512, 1, 32], 3.0, 1e-5, 1e-5
    yield [1, 10, 100], 160.0, 1e-5, 1e-6                      # √1600 = 40 is nearer to 10, but 100 takes less
    for noise, overhead, row in zip(rng.uniform(5, 500, 5), rng.uniform(1, 9, 5), rng.uniform(0.1, 1, 5), strict=True):
        yield [1, 4, 16, 64, 256, 1024], float(noise), float(overhead) * 1e-5, float(row) * 1e-6


def _least(cost, pick=np.argmin):
    """A choose_batch that makes another cost small, or picks in another way."""
    def choose(sizes, noise_scale, overhead, per_row):
        return sizes[pick([cost(B, noise_scale, overhead, per_row) for B in sizes])]
    return choose


def _seconds(B, N, a, b):
    return (1 + N / B) * (a + b * B)


choose_batch = Exercise(
    choose_batch, inputs=_inputs,
    mistakes=[
        (_least(lambda B, N, a, b: 1 + N / B),
         "your choice is always the largest size, which takes the fewest steps. Multiply the steps by the time of a "
         "step, with brackets around both: (1 + noise_scale / B) * (overhead + per_row * B)."),
        (lambda sizes, N, a, b: sizes[0],
         "your choice is always the first of `sizes`. Is `seconds` still a list at the end? "
         "`seconds = …` makes it one number; use `seconds.append(…)`."),
        (lambda sizes, N, a, b: sizes[-1],
         "your choice is always the last of `sizes`. Collect the seconds of all of them with `seconds.append(…)`, and "
         "take the size at the place of the least."),
        (_least(lambda B, N, a, b: a + b * B),
         "your choice is always the smallest size, whose step is the shortest. "
         "Multiply its time, overhead + per_row * B, by the number of steps, 1 + noise_scale / B."),
        (_least(lambda B, N, a, b: (1 + N / B) * (a * B + b)),
         "overhead and per_row have changed places. A step takes overhead once, and per_row for each of its B rows."),
        (_least(lambda B, N, a, b: (1 + 1 / B) * (a + b * B)),
         "the noise scale is missing. The number of steps is proportional to 1 + noise_scale / B."),
        (_least(_seconds, np.argmax),
         "that one takes longest. `argmin` finds the least."),
        (lambda sizes, N, a, b: int(np.argmin([_seconds(B, N, a, b) for B in sizes])),
         "that is the place in the list. Return the size that stands there: sizes[…]."),
        (lambda sizes, N, a, b: min(_seconds(B, N, a, b) for B in sizes),
         "that is the least time. Return the size that takes it."),
        (lambda sizes, N, a, b: min(sizes, key=lambda B: abs(B - N)),
         "that is the size nearest to the noise scale. "
         "The time of a step counts as well: work out the seconds of each size."),
        (lambda sizes, N, a, b: [_seconds(B, N, a, b) for B in sizes],
         "those are the seconds of all sizes. Return the size whose seconds are least, sizes[np.argmin(seconds)]."),
        (lambda sizes, N, a, b: min(sizes, key=lambda B: abs(B - np.sqrt(N * a / b))),
         "that is the size nearest to √(noise_scale · overhead / per_row), by subtraction. What counts is how many "
         "times larger or smaller a size is: work out the seconds of each."),
        (lambda sizes, N, a, b: np.sqrt(N * a / b),
         "√(noise_scale · overhead / per_row) is the best of all numbers, well found. "
         "Here the best of `sizes` is asked for: work out the seconds of each."),
    ],
    hints=["For each size B: how many steps, how long is a step, and so how many seconds?",
           "seconds = (1 + noise_scale / B) * (overhead + per_row * B).",
           "Collect them in a list; np.argmin tells the place of the least, and sizes[…] what stands there."],
    success="Among all numbers the best is √(noise scale · overhead / time of a row).")


# --- my_recogniser ----------------------------------------------------------------------------------------------------

STEP_COSTS, BUDGET, WANTED = 50, 20_000, 0.93  # in rows, in rows, as a share of the validation images


def recogniser_data(seed):
    """Digits of a split, the training images' mean subtracted: (X, y) for training, validation and test.

    Parameters
    ----------
    seed : int
        Number of the split.
    """
    images, digit = gd.data.load("digits")
    split = gd.data.split(digit, seed=seed)
    centred = images - images[split[0]].mean(axis=0)
    return [(centred[rows], digit[rows]) for rows in split]


class Metered(gd.SoftmaxRegression):
    """Softmax regression that counts what its gradients cost: STEP_COSTS rows for each, and one for each of its rows.

    Parameters
    ----------
    X, y : array
        As for `gd.SoftmaxRegression`.
    """

    def __init__(self, X, y):
        super().__init__(X, y, classes=10)
        self.meter = [0]                                       # shared by what `take` makes of it

    def grad(self, theta, rows=slice(None)):
        """As the model's; the cost goes onto the meter."""
        asked = math.prod(np.shape(theta)[:-1])
        self.meter[0] += asked * (STEP_COSTS + len(self.y[rows]))
        return super().grad(theta, rows)


def my_recogniser(model, rng):
    """Train from zeros; give the 650 parameters.

    model.grad(theta, rows) costs as much as 50 + len(rows) rows.
    """
    theta, lr = np.zeros(model.dim), 4.0
    for _ in range(6):
        order = rng.permutation(model.n)
        for first in range(0, model.n, 32):
            theta = theta - lr * model.grad(theta, order[first : first + 32])
        lr = 0.7 * lr
    return theta


def _trained(train, split=0, seed=0):
    """The parameters that the learner's function gives, what they cost, and the validation images."""
    (X, y), unseen, _ = recogniser_data(split)
    model = Metered(X, y)
    return train(model, np.random.default_rng(seed)), model, unseen


def _numbers(train):
    theta, _, _ = _trained(train)
    if isinstance(theta, gd.Run):
        return "I got a Run. Return its last point, `run.last`"
    if np.ndim(theta) and np.shape(theta) != (650,):
        return f"I expected shape (650,) and got shape {np.shape(theta)}. Give them as one row, as the model does"
    if not np.ndim(theta) or np.asarray(theta).dtype.kind not in "fiu":
        return f"I expected an array of numbers and got {kind(theta)}"
    return "" if np.isfinite(theta).all() else "some of them are nan or infinite. Is the learning rate too large"


def _repeats(train):
    one, other = (_trained(train)[0] for _ in range(2))
    if np.array_equal(one, other):
        return ""
    return "the second time they differed. Draw from `rng`, and from nothing else"


def _cheap(train):
    _, model, _ = _trained(train)
    if model.meter[0] == 0:
        return "model.grad was never called. Take every gradient from it: it counts what you spend"
    if model.meter[0] <= BUDGET:
        return ""
    return (f"yours cost {model.meter[0]:,} rows. Fewer steps are cheaper, and so are fewer epochs: larger batches "
            "save steps, a larger learning rate saves both")


def _right(train, split):
    theta, model, (X, y) = _trained(train, split, seed=split)
    share = model.accuracy(theta, X, y)
    tip = "Try another learning rate, one that falls, or another batch size"
    if share < 0.1:
        tip = "That is less than guessing: is there a minus before the learning rate"
    return "" if share >= WANTED else f"yours knows {share:.1%}. {tip}"


my_recogniser = Project(
    my_recogniser,
    points=[
        ("it gives 650 finite numbers", _numbers),
        ("with the same rng it gives the same numbers", _repeats),
        (f"it costs at most as much as {BUDGET:,} rows", _cheap),
        (f"it knows {WANTED:.0%} of the validation images", lambda train: _right(train, 0)),
        ("it does so on a second split", lambda train: _right(train, 1)),
        ("and on a third", lambda train: _right(train, 2)),
    ],
    hints=["One epoch with B rows takes n/B steps, and costs (n/B)·50 + n rows; n is 1,078. How many epochs can you "
           "pay for with B = 1, with 32, and with all rows?",
           "With B = 32 an epoch costs 2,778 rows, so you have 7 epochs. Begin with a learning rate of 1 or 2.",
           "Two loops: over epochs, with `order = rng.permutation(model.n)`, and over the batches of `order`."],
    success="On three splits, so it was not luck.")


# --- predictions ------------------------------------------------------------------------------------------------------

knows_nothing = Prediction(
    "knows_nothing",
    "Ten digits. A model that knows nothing gives each of them the probability 1/10. What does a row cost on average?",
    at_least={"0.1": 0, "0.9, as it is right once in ten": 0.5, "about 2.3": 1.5, "10": 5},
    why="−log(1/10) = log 10, whatever the image. If the first loss of a run is far above log K, for K classes, the "
        "model starts with opinions, and they are wrong.",
    replies={
        "0.1": "That is the probability itself. The cost is −log of it.",
        "0.9, as it is right once in ten": "That is the share of wrong answers. The cost doesn't count answers, it "
                                           "weighs probabilities.",
        "10": "That is 1/p. The logarithm makes log 10 of it.",
    })

first_epoch = Prediction(
    "first_epoch",
    "Three walks from one start, all with learning rate ½. One uses all 357 rows a step, one 32, one a single row. "
    "After one epoch each has used every row once. Whose loss is lowest?",
    equal_to={"all rows: its direction is exact": "357", "32 rows": "32", "1 row": "1"},
    why="All rows a step: 1 step. 32 rows: 12 steps. 1 row: 357 steps. A step in roughly the right direction is enough "
        "while the lowest point is far away.",
    replies={
        "all rows: its direction is exact": "Its direction is exact, but it took a single step.",
        "32 rows": "It took 12 steps, with little noise. But 357 noisy ones lead further at this learning rate.",
    })

four_rows = Prediction(
    "four_rows",
    "Batches of 4 rows instead of 1: what becomes of the typical distance between a batch's gradient and that of all "
    "rows?",
    at_least={"a quarter of it": 0, "half of it": 0.33, "hardly smaller": 0.67},
    why="Four times the work halves the error. Each further row is worth less than the one before. Why that is so, you "
        "have just derived.",
    replies={
        "a quarter of it": "A quarter is what becomes of the *squared* distance.",
        "hardly smaller": "Errors of different rows point in different directions, so in a mean they cancel in part.",
    })

half_rate = Prediction(
    "half_rate",
    "Mini-batches, a constant learning rate: the loss has stopped falling. You halve the learning rate and wait. How "
    "far above the lowest loss does it stay now?",
    at_least={
        "as far: the noise is the same": 0.75,
        "about half as far": 0.35,
        "about a quarter as far": 0.1,
        "it reaches the lowest loss": 0,
    },
    why="Two things balance: what a step's noise adds, and what the slope takes away. Half the learning rate adds a "
        "quarter, but it also takes away only half as much.",
    replies={
        "as far: the noise is the same": "The gradient's noise is the same. But a step takes η times that noise.",
        "about a quarter as far": "A single step's noise adds a quarter. But it also takes longer to forget: the "
                                  "errors of twice as many steps pile up.",
        "it reaches the lowest loss": "The noise doesn't fade there: the rows disagree, so each batch still pulls "
                                      "to its own side.",
    })

best_rate = Prediction(
    "best_rate",
    "Each batch size gets the learning rate that takes it to the target in the fewest steps. From 1 row to 32 rows a "
    "step: what becomes of that best learning rate?",
    at_least={
        "it shrinks": 0,
        "it stays the same": 0.71,
        "it grows about 6-fold, like √32": 2.8,
        "it grows some 16- to 32-fold": 11,
    },
    why="With less noise in the way a step may be longer: twice the rows, twice the learning rate, half the steps. "
        "Is there an end to that?",
    replies={
        "it shrinks": "A noisy direction needs short steps. A larger batch has a better direction, so its steps may be "
                      "longer.",
        "it stays the same": "It would, nearly, if the loss were the *sum* over the batch: then the gradient itself "
                             "grows with B. Here it is the mean.",
        "it grows about 6-fold, like √32": "That keeps the noise of a single step the same. But there are also "
                                           "fewer steps, so less of it piles up.",
        "it grows some 16- to 32-fold": "Here it grew less: the batch came near the size beyond which a better "
                                        "direction gains little.",
    })
