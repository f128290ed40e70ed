"""Lesson 02: how noisy is a batch's gradient, and how steady the walk? On trial."""
from itertools import islice

import numpy as np

from gdlib.lessons.batch_sgd_minibatch.trials.problems import AXES, drawn, possible, unit_rate, walk
from gdlib.lessons.kit.axes import among, between
from gdlib.lessons.kit.intervals import paired
from gdlib.lessons.kit.trial import trial

WALKS = 8
DRAWS = 64


@trial("sgd-fast-noisy", kind="effect",
       unit="doublings: full step over a step with one row, or variance over ‖G‖² (the fewer)")
class OneRowIsFastAndNoisy:
    """How much less a step with one row costs, and how many times ‖G‖² its gradient's variance is, where that is least.

    The noise is taken at three places of a walk with the full gradient G: first, middle, last. A step costs a fixed
    part and its rows. `smallest` is 1 doubling: the step costs half, and the noise is twice as strong as the gradient.
    """

    axes = AXES | {
        "cost": among(0, 1, 10, 100, 1000, about="fixed cost of a step, in rows,", least=0, most=10**9),
        "offset": among(0.0, 3.0, 10.0, about="mean of drawn columns, in standard deviations,", least=0, most=1000),
    }
    fixed = ("rate 1 over the mean ‖x‖²; the walk is as long as the target's; 6 drawn columns, 17 of digits, 11 of "
             "diabetes; 4 tanh units; 8 starts or problems")
    smallest = 1.0
    literature = ("McCandlish et al. (2018) agree: noise scales from tens to millions of rows, growing on the way; "
                  "Bottou, Curtis and Nocedal (2018)")
    possible = possible

    def met(case):
        """columns and targets have mean 0 (two classes: equal numbers), and a full step costs over twice as much as
        one with one row"""
        centred = case.offset == 0 or case.columns == "diabetes"
        if case.columns == "digits":
            centred = case.model == "least squares"  # one in ten images is of a class
        return centred and case.cost + case.n > 2 * (case.cost + 1)

    def run(case, rng):
        problems = drawn(case, rng, walks=WALKS, renew=True, offset=case.offset)
        points = [theta for t, theta in islice(walk(problems, problems.start(1, rng), unit_rate(problems) * np.ones(1),
                                                    case.n, rng), case.depth + 1)
                  if t in (0, case.depth // 2, case.depth)]
        noise = np.min([problems.noise_scale(theta) for theta in points], axis=0)
        return paired(np.log2(np.minimum(noise, (case.cost + case.n) / (case.cost + 1))))


@trial("big-batch-smoother", kind="effect",
       unit="halvings of the gradient's variance, or of the loss's jumps (the fewer)")
class LargerBatchesAreSmoother:
    """A batch and one 4 or 16 times as large: the variance of the gradient, and how much the loss jumps.

    Jumps are the standard deviation of the second difference of the loss, J(t + 1) − 2J(t) + J(t − 1), over the second
    half of the walk: a steady fall has none. In theory the variance falls as 1/B, and more as B comes near n. The floor
    does so, too, if the rate stays. If the rate grows in step with B, as it may, the floor stays where it is (Smith et
    al. 2018), and so do the jumps. `smallest` is half a halving, a quarter of what theory says for the least case.
    """

    axes = AXES | {
        "small": among(1, 4, 16, about="small batch", least=1, most=1000),
        "times": among(4, 16, about="times that the large batch is larger:", least=2, most=1000),
        "rate": among("the same", "in step with B", about="rate of the large batch"),
        "share": between(0.01, 0.3, about="rate of the small batch times the mean ‖x‖²", log=True, least=1e-4, most=10),
        "measured": among("the loss", "its logarithm", about="jumps of"),
    }
    fixed = ("the small batch walks 480 steps, and so does the large one at the same rate; at a rate in step with B as "
             "many times fewer; reshuffled epochs; loss over 128 rows; 8 walks")
    smallest = 0.5
    literature = ("McCandlish et al. (2018), Bottou, Curtis and Nocedal (2018) agree at one rate; Smith et al. (2018): "
                  "rate over B decides, not B")

    def met(case):
        """the rate stays the same"""
        return case.rate == "the same"

    def possible(case):
        possible(case)
        if case.small * case.times > case.n:
            raise ValueError(f"the large batch must have at most {case.n} rows; got {case.small * case.times}")

    def run(case, rng):
        problems = drawn(case, rng, walks=WALKS)
        theta, rate = problems.start(1, rng), case.share * unit_rate(problems)
        large, faster = case.small * case.times, case.times if case.rate == "in step with B" else 1
        variances = [_variance(problems, theta, size, rng) for size in (case.small, large)]
        jumps = [_jumps(problems, theta, size, lr, steps, case.measured, rng)
                 for size, lr, steps in ((case.small, rate, 480), (large, rate * faster, 480 // faster))]
        return paired(np.minimum(*(np.log2(np.maximum(small, 1e-30) / np.maximum(large, 1e-30))
                                   for small, large in (variances, jumps))))


def _variance(problems, theta, size, rng):
    """The mean squared distance of a batch's gradient from the full one, over 64 batches: (walks,)."""
    full = problems.grad(theta, problems.X, problems.Y)
    each, total = np.arange(problems.walks)[:, None], 0.0
    for _ in range(DRAWS):
        rows = np.argsort(rng.random((problems.walks, problems.n)), axis=1)[:, :size]
        drawn_grad = problems.grad(theta, problems.X[each, rows], problems.Y[each, rows])
        total = total + sum(((g - G) ** 2).reshape(problems.walks, -1).sum(axis=1)
                            for g, G in zip(drawn_grad, full, strict=True))
    return total / DRAWS


def _jumps(problems, theta, size, rate, steps, measured, rng):
    """The standard deviation of the second difference of the loss, in the second half: (walks,)."""
    late = np.array([problems.watched(point)[:, 0] for t, point in
                     islice(walk(problems, theta, np.array([rate]), size, rng), steps + 1) if t >= steps // 2])
    late = np.nan_to_num(late, nan=1e9, posinf=1e9).clip(1e-30, 1e9)
    return np.diff(late if measured == "the loss" else np.log2(late), n=2, axis=0).std(axis=0)
