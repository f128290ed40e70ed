"""Lesson 02: cross-entropy's gradient, mini-batches, their variance, and the size to choose."""
from __future__ import annotations

import numpy as np

from gdlib.lessons.kit.exercise import Exercise
from gdlib.lessons.kit.prediction import Prediction

# --- logistic_gradient ------------------------------------------------------------------------------------------------


def logistic_gradient(theta, X, y):
    """The gradient, d numbers, of the mean cross-entropy; X is (n, d), the labels y are 0 or 1."""
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
    ],
    hints=["First the probabilities, one a row: the scores are X @ theta, and p = 1 / (1 + np.exp(-scores)).",
           "The loss of a row changes by p − y when its score grows by 1, and the score by x_j when θ_j does.",
           "All j at once, and the mean over the rows: Xᵀ (p − y) / n."],
    success="Prediction error times input, averaged: the same shape as for least squares, with p in place of ŷ.")


# --- steps_per_epoch --------------------------------------------------------------------------------------------------


def steps_per_epoch(n, batch_size):
    """How many steps an epoch over n rows takes, the last one with what is left."""
    return -(-n // batch_size)


def _inputs(rng):
    yield 10, 4
    yield 12, 4
    yield 5, 1
    yield 7, 7
    yield 3, 8
    for n, batch_size in rng.integers(1, 2000, size=(5, 2)):
        yield int(n), int(batch_size)


steps_per_epoch = Exercise(
    steps_per_epoch, inputs=_inputs,
    mistakes=[
        (lambda n, batch_size: n // batch_size,
         "`//` rounds down, so the rows that are left over are never looked at. "
         "They make one step more, with a short batch."),
        (lambda n, batch_size: n // batch_size + 1,
         "where batch_size divides n nothing is left over, and that `+ 1` makes a step with an empty batch."),
        (lambda n, batch_size: n / batch_size,
         "steps are whole. Round up."),
        (lambda n, batch_size: round(n / batch_size),
         "`round` goes to the nearest whole number, so it also rounds down. "
         "Round up: rows that are left over make a step too."),
        (lambda n, batch_size: n * batch_size,
         "you multiplied. The rows are divided among the steps."),
        (lambda n, batch_size: batch_size,
         "that is how many rows a step has. How many steps?"),
        (lambda n, batch_size: -(-batch_size // n),
         "you divided the batch by the rows. Divide the rows by the batch."),
        (lambda n, batch_size: max(1, n // batch_size),
         "`//` rounds down, so the rows that are left over are never looked at. Round up."),
    ],
    hints=["10 rows in batches of 4: 4, 4 and 2. How many is that, and what does 10 / 4 have to do with it?",
           "Round up: `int(np.ceil(n / batch_size))`, or the old trick `-(-n // batch_size)`."],
    success="Rounded up: the short batch counts.")


# --- minibatches ------------------------------------------------------------------------------------------------------


def minibatches(order, batch_size):
    """Cut the row numbers `order` into batches: a list of arrays, the last one with what is left."""
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
         "the slice ends at batch_size each time. It ends batch_size after its own beginning."),
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
    ],
    hints=["The first batch is order[0 : batch_size]. Where does the second begin?",
           "The batches begin at 0, batch_size, 2·batch_size, …: `range(0, len(order), batch_size)`.",
           "A slice may reach beyond the end: order[8 : 12] of ten numbers is the last two. So the short batch "
           "needs no case of its own."],
    success="Shuffled rows in, batches out: each row once an epoch, and the last batch short.")


# --- batch_variance ---------------------------------------------------------------------------------------------------


def batch_variance(single, batch_size):
    """The mean squared distance of a batch's gradient from the full one; single (n, d): a row's in each row."""
    n = len(single)
    sigma2 = np.mean(np.sum((single - single.mean(axis=0)) ** 2, axis=1))
    return sigma2 / batch_size * (n - batch_size) / (n - 1)


def _inputs(rng):
    yield np.array([[1.0, 0.0], [3.0, 0.0]]), 1
    yield np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [2.0, 4.0]]), 2
    yield np.array([[1.0, 2.0], [3.0, 2.0], [8.0, 5.0]]), 3
    yield rng.normal(size=(20, 3)), 4
    yield rng.normal(loc=2, size=(50, 2)), 10


def _variance(single, power=1, share=lambda n, B: (n - B) / (n - 1), ddof=0, centre=True, over=np.sum, root=False):
    """A wrong batch_variance in which one part is replaced."""
    def variance(single_, batch_size):
        n = len(single_)
        away = single_ - single_.mean(axis=0) if centre else single_
        sigma2 = np.sum(over(away**2, axis=1)) / (n - ddof)
        found = sigma2 / batch_size**power * share(n, batch_size)
        return np.sqrt(found) if root else found
    return variance


batch_variance = Exercise(
    batch_variance, inputs=_inputs,
    mistakes=[
        (_variance(0, share=lambda n, B: 1 / B),
         "rows in a batch are all different, so a batch of all n rows has no error left. "
         "The factor (n − B)/(n − 1) is missing."),
        (_variance(0, share=lambda n, B: 1.0),
         "that is σ², for a single row. "
         "A mean of B rows varies less: divide by B, and mind the factor (n − B)/(n − 1)."),
        (_variance(0, power=0),
         "the mean of B rows varies B times less than one row. Divide by batch_size."),
        (_variance(0, power=2),
         "you divided by B twice. The *variance* of a mean is proportional to 1/B."),
        (_variance(0, power=0.5),
         "the length of the error is proportional to 1/√B; its square, which is asked for here, to 1/B."),
        (_variance(0, root=True),
         "that is the root, the typical length of the error. Its square is wanted."),
        (_variance(0, ddof=1),
         "σ² was divided by n − 1 (ddof=1), and the factor has an n − 1 as well. "
         "With (n − B)/(n − 1), σ² is the plain mean over the n rows."),
        (_variance(0, ddof=1, share=lambda n, B: 1.0),
         "with σ² divided by n − 1 (ddof=1) and no factor, this is an estimate for rows drawn independently. "
         "Here all n rows are known: a plain mean, and (n − B)/(n − 1)."),
        (_variance(0, share=lambda n, B: (n - B) / n),
         "(n − B) is divided by n − 1. Try B = 1: one row out of n must give σ² itself."),
        (_variance(0, centre=False),
         "those are the squared lengths of the gradients. Subtract the full gradient, single.mean(axis=0), first."),
        (_variance(0, over=np.mean),
         "a squared length is the *sum* over the d coordinates, and you took their mean. The mean runs over the rows."),
        (lambda single, B: np.mean(np.linalg.norm(single - single.mean(axis=0), axis=1)) ** 2
         / B * (len(single) - B) / (len(single) - 1),
         "you squared the mean length. The mean of the squared lengths is wanted: square first, then take the mean."),
        (lambda single, B: np.trace(np.cov(single)) / B * (len(single) - B) / (len(single) - 1),
         "np.cov takes each *row* for a variable. "
         "Here the columns are the variables, and σ² is a plain mean: np.cov(single.T, ddof=0)."),
        (lambda single, B: np.var(single) / B * (len(single) - B) / (len(single) - 1),
         "np.var without an axis takes the mean over all entries. "
         "The mean runs over the rows, axis=0; over the coordinates the variances add up."),
        (lambda single, B: np.var(single, axis=0) / B * (len(single) - B) / (len(single) - 1),
         "for {call} I expected {expected} and got {got}, one number for each coordinate. "
         "The squared distance is their sum."),
        (lambda single, B: np.sum(np.mean((single - single.mean(axis=1, keepdims=True)) ** 2, axis=0))
         / B * (len(single) - B) / (len(single) - 1),
         "axis=1 takes the mean of each row's coordinates. The full gradient is the mean over the rows, axis=0."),
    ],
    hints=["First σ²: how far a single row's gradient is from the mean of all, squared length, on average.",
           "σ² = mean over rows of the sum over coordinates of (single − single.mean(axis=0))².",
           "Then σ²/B, and the factor (n − B)/(n − 1), as no row is drawn twice."],
    success="Two numbers, σ² and n, tell the error of every batch size.")


# --- choose_batch -----------------------------------------------------------------------------------------------------


def choose_batch(sizes, noise_scale, overhead, per_row):
    """The size that takes least time; steps ∝ 1 + noise_scale/B, a step takes overhead + per_row·B seconds."""
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
         "your choice is always the largest size, which takes the fewest steps. "
         "Multiply the steps, 1 + noise_scale / B, by the time of a step, overhead + per_row * B."),
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
        (lambda sizes, N, a, b: np.sqrt(N * a / b),
         "√(noise_scale · overhead / per_row) is the best of all numbers, well found. "
         "Here the best of `sizes` is asked for: work out the seconds of each."),
    ],
    hints=["For each size B: how many steps, how long is a step, and so how many seconds?",
           "seconds = (1 + noise_scale / B) * (overhead + per_row * B).",
           "Collect them in a list; np.argmin tells the place of the least, and sizes[…] what stands there."],
    success="Among all numbers the best is √(noise scale · overhead / time of a row).")


# --- predictions ------------------------------------------------------------------------------------------------------

knows_nothing = Prediction(
    "knows_nothing",
    "A model that knows nothing gives each of the ten digits the probability 1/10. What is its cross-entropy loss?",
    at_least={"0.1": 0, "0.9: it is right once in ten": 0.5, "about 2.3": 1.5, "10": 5},
    why="−log(1/10) = log 10, whatever the image. A run whose loss starts far above that starts with opinions, and "
        "they are wrong.")

four_rows = Prediction(
    "four_rows",
    "A batch of 4 rows in place of 1: what becomes of the typical distance between its gradient and the full one?",
    at_least={"a quarter of it": 0, "half of it": 0.33, "hardly smaller": 0.67},
    why="Variances of independent rows add, so that of a mean of B rows goes with 1/B, and the distance with 1/√B. "
        "Four times the work halves the error: each further row is worth less than the one before.")

one_epoch = Prediction(
    "one_epoch",
    "After one look at every image (one epoch), each size at its own best rate: how does the loss of 32 rows a step, "
    "some 30 steps in all, compare with that of 1 row a step, more than a thousand steps?",
    at_least={
        "clearly higher: it took so few steps": 1.25,
        "about the same": 0.8,
        "clearly lower: it has so much less noise": 0,
    },
    why="With less noise each step may be longer, and up to a point by just the factor by which there are fewer: one "
        "step of 32 rows then does what 32 steps of one row do. Beyond that point the best rate grows more slowly and "
        "then not at all, and the rows that are added are wasted.")

quickest = Prediction(
    "quickest",
    "Down to the same loss, each size at its own best rate, on this machine: which takes the fewest seconds?",
    at_least={"1 row a step": 0, "from 4 to 256 rows": 4, "all rows": 257},
    why="A step has a fixed cost, whatever its size, and with one row almost all of the time is that. With all rows "
        "the time goes into precision that the step cannot use.")

half_rate = Prediction(
    "half_rate",
    "Training with noise has come to its floor. You halve the learning rate and wait. How far above the lowest loss "
    "is the new floor?",
    at_least={
        "as far: the noise is the same": 0.75,
        "about half as far": 0.35,
        "about a quarter as far": 0.1,
        "there is no floor any more": 0,
    },
    why="Each step adds noise of variance η²s²/B, and takes away the share 2ηλ of the variance that is there. They "
        "balance at a variance of about ηs²/(2λB), which is ηs²/(4B) of loss: the floor goes with η, and with 1/B.")

reshuffled = Prediction(
    "reshuffled",
    "Batches of 64 out of 256 rows. Drawing each batch anew with replacement leaves a floor. What does cutting "
    "reshuffled epochs into batches leave, at the same rate?",
    at_least={
        "the same floor: a batch is a batch": 0.85,
        "about three quarters": 0.6,
        "less than a third of it": 0,
        "something between": 0.33,
    },
    why="Within an epoch every row comes exactly once: what one batch has too much of, the others have too little of, "
        "and the errors cancel. Three quarters, (n − B)/(n − 1), is what a batch of different rows gains by itself.")

set_free = Prediction(
    "set_free",
    "2,000 steps with one row's noise, from the shallow valley, next door to the deep one: what share of the runs is "
    "in the deep valley at the end?",
    at_least={
        "nearly all: noise sets them free, and the deep valley holds them": 0.9,
        "about three in four": 0.65,
        "about half": 0.35,
        "hardly any": 0,
    },
    why="What counts is ησ²/2, half the rate times the variance of the noise. Here it is 1.6, some ten times the "
        "barrier: it carries a run over, and back as easily. Noise tells a deep valley from a shallow one only when "
        "ησ²/2 is of the barrier's size or somewhat below.")

memory_needed = Prediction(
    "memory_needed",
    "A table of 256 MiB on disk, one epoch in batches of 256 rows. By how much does the memory in use grow?",
    at_least={"by less than 100 MiB": 0, "by about 256 MiB": 100, "by twice that or more": 400},
    why="A step needs its own rows and no others. Blocks are read, shuffled, used and forgotten; the file may be as "
        "large as the disk.")
