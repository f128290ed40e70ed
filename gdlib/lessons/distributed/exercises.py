"""Lesson 08: unequal shards, a ring, stale gradients, saying only the largest, how many workers pay."""
from __future__ import annotations

import numpy as np

from gdlib.lessons.kit.exercise import Exercise
from gdlib.lessons.kit.prediction import Prediction

# --- average_shards ---------------------------------------------------------------------------------------------------


def average_shards(gradients, rows):
    """The gradient over all rows, from each worker's gradient (a mean over its rows) and its number of rows."""
    total = sum(n * g for g, n in zip(gradients, rows, strict=True))
    return total / sum(rows)


def _inputs(rng):
    yield [np.array([1.0]), np.array([4.0])], [2, 1]
    yield [np.array([1.0, 0.0]), np.array([0.0, 1.0])], [3, 1]
    yield [np.array([2.0, -1.0])], [5]                                        # one worker
    yield [np.array([1.0, 2.0, 4.0]), np.array([3.0, 2.0, 0.0])], [4, 4]      # equal shards
    for rows in ([10, 20, 5], [1, 7, 3, 100]):
        yield list(rng.normal(size=(len(rows), 3))), rows


average_shards = Exercise(
    average_shards, inputs=_inputs,
    mistakes=[
        (lambda gradients, rows: sum(gradients) / len(gradients),
         "every worker has the same say, whatever its number of rows. "
         "A gradient over twice as many rows counts twice."),
        (lambda gradients, rows: sum(n * g for g, n in zip(gradients, rows, strict=True)) / len(rows),
         "you divide by the number of workers. The weighted sum is over all rows, so divide by sum(rows)."),
        (lambda gradients, rows: sum(n * g for g, n in zip(gradients, rows, strict=True)),
         "that is the sum over all rows. The loss is a mean, so divide by sum(rows)."),
        (lambda gradients, rows: sum(gradients) / sum(rows),
         "each gradient is a mean over its rows already. Multiply it by its number of rows before you add."),
        (lambda gradients, rows: sum(gradients),
         "that is the sum of the workers' gradients. A mean is wanted, weighted by the rows."),
        (lambda gradients, rows: sum(g / n for g, n in zip(gradients, rows, strict=True)) / sum(1 / n for n in rows),
         "the smaller shard counts for more. Multiply by the number of rows, don't divide."),
        (lambda gradients, rows: np.average(gradients, weights=rows, axis=0).mean(),
         "the mean ran over the parameters as well. One number for each parameter is wanted."),
        (lambda gradients, rows: gradients[int(np.argmax(rows))],
         "that is the largest shard's gradient alone. All of them count, by their rows."),
        (lambda gradients, rows: (np.array(gradients) * np.array(rows)).sum(axis=0) / sum(rows),
         "NumPy lays the row counts along the parameters, not along the workers. "
         "np.array(rows)[:, None] stands them upright; or add n * g over the workers."),
    ],
    hints=["A worker's gradient is the mean over its rows. What is the *sum* over its rows?",
           "Add these sums, n times g, over the workers, and divide by the number of all rows.",
           "`sum(n * g for g, n in zip(gradients, rows))`, divided by `sum(rows)`."],
    success="With these weights it makes no difference how the rows were shared out.")


# --- reduce_scatter: the first half of the ring -----------------------------------------------------------------------


def reduce_scatter(pieces):
    """pieces[r, p]: piece p of worker r's vector, n × n. After n − 1 turns, what each worker holds."""
    n = len(pieces)
    held = pieces.copy()
    for turn in range(n - 1):
        for r in range(n):
            p = (r - turn) % n
            held[(r + 1) % n, p] += held[r, p]
    return held


def _inputs(rng):
    yield (np.array([[1.0, 2.0], [10.0, 20.0]]),)
    yield (np.array([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0], [100.0, 200.0, 300.0]]),)
    yield (np.array([[7.0]]),)
    for n in (4, 5):
        yield (rng.normal(size=(n, n)).round(2),)


def _turned(which, around=True):
    """A wrong reduce_scatter that sends another piece; unless `around`, its number may run past the last one."""
    def go(pieces):
        n, held = len(pieces), pieces.copy()
        for turn in range(n - 1):
            for r in range(n):
                p = which(r, turn, n) % n if around else which(r, turn, n)
                held[(r + 1) % n, p] += held[r, p]
        return held
    return go


reduce_scatter = Exercise(
    reduce_scatter, inputs=_inputs,
    mistakes=[
        (_turned(lambda r, turn, n: r),
         "each worker sends its own piece r at every turn. "
         "From the second turn on it passes on the piece that it has just been given."),
        (_turned(lambda r, turn, n: turn),
         "all send the same piece at the same turn. Each begins with its own, piece r."),
        (_turned(lambda r, turn, n: r + turn),
         "the pieces run backwards. Worker r is given its piece by r − 1, so at each turn the number falls by one."),
        (_turned(lambda r, turn, n: r - turn - 1),
         "one place too far. At turn 0 worker r sends piece r."),
        (_turned(lambda r, turn, n: r - 1),
         "each worker sends piece r − 1 at every turn. That is the piece of turn 1 alone; turn is missing."),
        (_turned(lambda r, turn, n: r + 2 * turn),
         "with three workers r + 2·turn is right by chance: counting round, two on is one back. "
         "At each turn it is one piece back."),
        (_turned(lambda r, turn, n: r + turn, around=False),
         "the number runs past the last piece. Count round: `% n`. "
         "And at each turn it falls by one, as worker r is given its piece by r − 1."),
        (_turned(lambda r, turn, n: r + 1 - turn, around=False),
         "the number runs past the last piece. Count round: `% n`. And at turn 0 worker r sends piece r, not r + 1."),
        (_turned(lambda r, turn, n: r + 1 - turn),
         "you begin with piece r + 1. At turn 0 worker r sends piece r."),
        (lambda pieces: np.tile(pieces.sum(axis=0), (len(pieces), 1)),
         "you give everybody every sum. "
         "After these turns each worker has one finished piece; the second round brings the others."),
    ],
    hints=["At turn 0 worker r sends piece r to worker r + 1. Which piece has r just been given, when turn 1 comes?",
           "At turn 1 it passes on piece r − 1, at turn 2 piece r − 2; count round with `% n`.",
           "`p = (r - turn) % n`."],
    success="Now worker r holds the whole sum of piece r + 1. The same way round once more, and everybody has all.")


# --- stale_limit ------------------------------------------------------------------------------------------------------


def stale_limit(tau, curvature):
    """The largest stable rate on ½·curvature·θ², when each gradient is tau steps old."""
    return 2 * np.sin(np.pi / (2 * (2 * tau + 1))) / curvature


def _inputs(rng):
    yield from [(0, 1.0), (1, 1.0), (1, 4.0), (3, 0.5), (6, 2.0), (40, 1.0)]
    yield 2, float(rng.uniform(0.1, 10))


stale_limit = Exercise(
    stale_limit, inputs=_inputs,
    mistakes=[
        (lambda tau, curvature: 2 * np.sin(np.pi / (2 * (2 * tau + 1))),
         "that is the limit of rate × curvature. Divide by the curvature."),
        (lambda tau, curvature: 2 * np.sin(np.pi / (2 * (2 * tau + 1))) * curvature,
         "you multiply by the curvature. The steeper the bowl, the smaller the rate: divide."),
        (lambda tau, curvature: 2 / curvature,
         "that is the edge without a delay, from lesson 03. tau is missing."),
        (lambda tau, curvature: 2 / (2 * tau + 1) / curvature,
         "2/(2τ + 1) is a rule of thumb for it. The sine is wanted."),
        (lambda tau, curvature: np.sin(np.pi / (2 * (2 * tau + 1))) / curvature,
         "for {call} I expected {expected} and got {got}, half as large as it should be: there is a 2 before the "
         "sine."),
        (lambda tau, curvature: 2 * np.sin(np.pi / (2 * tau + 1)) / curvature,
         "the angle is half of that, π divided by 2·(2τ + 1)."),
        (lambda tau, curvature: 2 * np.sin(np.pi / 2 * (2 * tau + 1)) / curvature,
         "`/ 2 * (…)` divides by 2 and then multiplies. Write `/ (2 * (2 * tau + 1))`."),
        (lambda tau, curvature: 2 * np.sin(90 / (2 * tau + 1)) / curvature,
         "np.sin takes radians, and 90 is in degrees. A right angle is np.pi / 2."),
        (lambda tau, curvature: 2 * np.sin(np.pi / (2 * (tau + 1))) / curvature,
         "τ comes in doubled, as 2τ + 1."),
    ],
    hints=["The formula above gives the edge of η·λ. What is the edge of η?",
           "Divide 2 sin(π/(2(2τ + 1))) by the curvature; np.sin takes radians.",
           "`2 * np.sin(np.pi / (2 * (2 * tau + 1))) / curvature`."],
    success="For long delays it is near π/(2τ + 1), divided by the curvature: twice as old, half the rate.")


# --- top_k_message ----------------------------------------------------------------------------------------------------


def top_k_message(gradient, residual, k):
    """The message: zeros but for the k entries largest in size; and what it leaves out, kept for the next one."""
    whole = gradient + residual
    largest = np.argsort(-np.abs(whole))[:k]
    message = np.zeros_like(whole)
    message[largest] = whole[largest]
    return message, whole - message


def _inputs(rng):
    yield np.array([1.0, -3.0]), np.array([0.0, 0.0]), 1
    yield np.array([1.0, -3.0, 2.0]), np.array([0.5, 0.0, 0.25]), 2
    yield np.array([1.0, -3.0, 2.0]), np.array([4.0, 2.5, 0.0]), 1             # the residual changes who is largest
    yield np.array([2.0, 1.0]), np.array([0.0, -0.5]), 2                       # all of it
    for k in (1, 4):
        yield rng.normal(size=6).round(2), rng.normal(size=6).round(2), k


def _said(whole=lambda g, e: g + e, by=np.abs, rest=lambda g, e, message: g + e - message, sign=-1, swap=False):
    """A wrong top_k_message in which one part is replaced."""
    def say(gradient, residual, k):
        all_of_it = whole(gradient, residual)
        largest = np.argsort(sign * by(all_of_it))[:k]
        message = np.zeros_like(all_of_it)
        message[largest] = all_of_it[largest]
        kept = rest(gradient, residual, message)
        return (kept, message) if swap else (message, kept)
    return say


def _chosen_by_gradient(gradient, residual, k):
    whole, message = gradient + residual, np.zeros_like(gradient)
    largest = np.argsort(-np.abs(gradient))[:k]
    message[largest] = whole[largest]
    return message, whole - message


top_k_message = Exercise(
    top_k_message, inputs=_inputs, returns=("message", "kept"),
    mistakes=[
        (_said(whole=lambda g, e: g, rest=lambda g, e, message: g - message),
         "what was kept back last time is missing. Begin with gradient + residual."),
        (_said(by=np.array),
         "you took the largest numbers. Largest in size is meant: −3 comes before 2, so compare np.abs."),
        (_said(sign=1),
         "those are the smallest. np.argsort sorts upwards; put a minus before np.abs."),
        (_said(rest=lambda g, e, message: g - message),
         "what is kept is gradient + residual less the message; the old residual was dropped."),
        (_said(rest=lambda g, e, message: message - g - e),
         "the sign of what is kept is reversed. Message and rest add up to gradient + residual."),
        (_said(rest=lambda g, e, message: np.zeros_like(g)),
         "nothing is kept. What the message leaves out is to be added to the next one."),
        (_said(rest=lambda g, e, message: e),
         "the residual was handed back unchanged. Now it is what this message leaves out."),
        (_said(swap=True),
         "the two have changed places. The message comes first."),
        (_chosen_by_gradient,
         "the k entries were chosen by the gradient alone. Choose by gradient + residual."),
        (_said(whole=lambda g, e: g - e, rest=lambda g, e, message: g - e - message),
         "the residual was taken off. It is added."),
    ],
    hints=["What is to be said in all? The new gradient, and what is still owed from before.",
           "np.argsort(-np.abs(whole))[:k] gives the places of the k largest.",
           "The message is zeros with `whole` at these places; kept is `whole - message`."],
    success="Nothing is lost: message and rest add up, so whatever is held back today is said later.")


# --- best_workers -----------------------------------------------------------------------------------------------------


def best_workers(counts, work, nbytes, alpha, beta):
    """Of the numbers of workers in counts (an array), the one whose step is shortest: work shared, then a ring."""
    seconds = work / counts + 2 * (counts - 1) * (alpha + beta * nbytes / counts)
    return counts[np.argmin(seconds)]


def _inputs(rng):
    few, many = np.array([1, 2, 4, 8, 16]), np.arange(1, 400)
    yield few, 1.0, 1e6, 0.01, 1e-9
    yield few, 0.001, 1e6, 0.01, 1e-9                                          # alone is best
    yield few, 100.0, 1e6, 1e-5, 1e-9                                          # all of them
    yield few[::-1], 1.0, 1e8, 0.001, 1e-8
    for work, nbytes in [(3.0, 1e8), (20.0, 1e7), (0.5, 4e7), (8.0, 1e9)]:
        yield many, work, nbytes, float(rng.uniform(2e-4, 2e-3)), 1e-9


def _counted(step, answer=lambda counts, seconds: counts[np.argmin(seconds)]):
    """A wrong best_workers with another time for a step, or another answer from it."""
    return lambda counts, work, nbytes, alpha, beta: answer(counts, step(counts, work, nbytes, alpha, beta))


def _ring_step(n, work, nbytes, alpha, beta):
    return work / n + 2 * (n - 1) * (alpha + beta * nbytes / n)


best_workers = Exercise(
    best_workers, inputs=_inputs,
    mistakes=[
        (_counted(lambda n, work, nbytes, alpha, beta: work + 2 * (n - 1) * (alpha + beta * nbytes / n)),
         "the work is not shared. Each of n workers has work / n."),
        (_counted(lambda n, work, nbytes, alpha, beta: work / n),
         "the messages cost nothing here. Add the ring's 2(n − 1)(α + β·nbytes/n)."),
        (_counted(lambda n, work, nbytes, alpha, beta: work / n + 2 * (n - 1) * (alpha + beta * nbytes)),
         "whole vectors go round. In the ring each message is one piece, nbytes / n."),
        (_counted(lambda n, work, nbytes, alpha, beta: work / n + 2 * (n - 1) * beta * nbytes / n),
         "each message also costs α, however short it is."),
        (_counted(lambda n, work, nbytes, alpha, beta: work / n + (n - 1) * (alpha + beta * nbytes / n)),
         "the ring goes round twice, so 2(n − 1) messages follow one another."),
        (_counted(_ring_step, lambda counts, seconds: np.argmin(seconds)),
         "that is its place in the list. Put it into counts[…]."),
        (_counted(_ring_step, lambda counts, seconds: np.min(seconds)),
         "those are the seconds. The number of workers is wanted."),
        (_counted(_ring_step, lambda counts, seconds: counts[np.argmax(seconds)]),
         "that is the slowest choice. np.argmin finds the smallest."),
        (_counted(lambda n, work, nbytes, alpha, beta: work / n + 2 * n * (alpha + beta * nbytes / n)),
         "with one worker there are no messages, so it is n − 1."),
    ],
    hints=["A step is the work that each worker has, and then the messages of the ring. Write its seconds for all "
           "counts at once.",
           "work / counts, and 2 * (counts - 1) * (alpha + beta * nbytes / counts).",
           "`counts[np.argmin(seconds)]` is the number of workers whose step is shortest."],
    success="The work falls with 1/n and the messages' α grows with n, so there is a best number. It grows only with "
            "the root of the work.")


# --- predictions ------------------------------------------------------------------------------------------------------

fits = Prediction(
    "fits",
    "An accelerator has 80 GB. Numbers of 4 bytes; training with Adam (which keeps two further numbers for each "
    "parameter: lesson 06). Up to about how many parameters fit, with nothing else in memory?",
    at_least={"20 billion": 15, "10 billion": 7, "5 billion": 3, "1 billion": 0},
    why="Each parameter comes with three companions of its own size: its gradient, and Adam's two running means.")

killed = Prediction(
    "killed",
    "Three processes share the digits. Before step 50 of 100 one of them is killed. What are the parameters at the "
    "end, beside those of an undisturbed run?",
    equal_to={
        "there are none: the run is over": "over",
        "clearly different: a third of the rows was missing for a while": "different",
        "different in the last digits": "last digits",
        "the same to the last bit": "same bits",
    },
    why="A step waits for all three. The dead worker is made again, is given the same parameters and asked the same "
        "question; its rows are the same, so its answer is.")

ring_bytes = Prediction(
    "ring_bytes",
    "100 workers want the sum of their vectors, each of S bytes, and everybody may talk only to the next. How much "
    "must each of them send?",
    at_least={"about 100 · S": 50, "about 7 · S, the logarithm": 4, "about 2 · S": 1.5, "about S": 0},
    why="Each vector is cut into as many pieces as there are workers, and in each of 2(n − 1) turns each sends one "
        "piece.")

one_late = Prediction(
    "one_late",
    "On a bowl of curvature 1 the largest stable rate is 2. Now each gradient is one step old. What is it?",
    at_least={"still 2": 1.9, "a little less, about 1.7": 1.4, "1": 0.8, "about 0.6": 0},
    why="The step corrects the place of one step ago, and by now the walk is elsewhere. The walk overshoots and comes "
        "back late, like a shower whose warm water takes its time.")

not_waiting = Prediction(
    "not_waiting",
    "Four workers who never wait bring four times as many gradients a second. How much sooner is the loss at 0.15, "
    "beside one worker, each at its own best rate?",
    at_least={"four times sooner": 3, "about twice as soon": 1.3, "no sooner: what is gained is lost by staleness": 0},
    why="Stale gradients allow only a smaller rate. One worker on its own may take longer steps, and makes up for a "
        "part of it.")

too_large = Prediction(
    "too_large",
    "Batches doubled, and the rate doubled with them, at the same number of epochs. Beginning at 8 rows, up to which "
    "size does the loss come out about alike?",
    at_least={"8 only": 0, "about 64": 16, "about 500": 256, "as far as one likes": 1024},
    why="Two half steps and one whole step come to the same only as long as the slope hardly changes in between. From "
        "a certain rate on the curvature is the limit, and a larger batch does not move it.")
