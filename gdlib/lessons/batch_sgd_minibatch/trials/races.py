"""Lesson 02: which size pays, after each took its best learning rate, by the clock that is named: on trial."""
import numpy as np

from gdlib.lessons.batch_sgd_minibatch.trials.problems import (
    AXES,
    CHOOSE,
    FIXED,
    JUDGE,
    RATES,
    TUNED,
    all_steps,
    possible,
    race,
)
from gdlib.lessons.batch_sgd_minibatch.trials.race import COST, in_rows
from gdlib.lessons.kit.axes import among
from gdlib.lessons.kit.intervals import paired
from gdlib.lessons.kit.trial import trial

SMALL = among(1, 4, 16, about="small batch", least=1, most=1000)
TIMES = among(4, 16, about="times that the large batch is larger:", least=2, most=1000)


def _larger(case):
    """The large batch of a case with `small` and `times`, after a check that the race has so many rows."""
    if case.small * case.times > case.n:
        raise ValueError(f"the large batch must have at most {case.n} rows; got {case.small * case.times}")
    return case.small * case.times


@trial("small-batch-fewer-epochs", kind="effect", unit="halvings of the cost to the target by the small batch")
class SmallBatchFewerEpochs:
    """The cost of a race with a large batch, over that with a small one.

    By examples, cost goes with B + N. So the large batch must be well above the noise scale, which is some tens of
    rows on such problems: 250 rows or more.
    """

    axes = AXES | {"small": SMALL, "part": among(1, 4, about="rows over large batch", least=1, most=100), "cost": COST}
    fixed = TUNED
    smallest = 0.5
    seeds = JUDGE
    of_each = 60
    literature = ("McCandlish et al. (2018): examples go with B plus the noise scale; Keskar et al. (2017) and Masters "
                  "and Luschi (2018) agree at a fixed number of epochs; Shallue et al. (2019): not by steps")

    def met(case):
        """epochs are counted, and the large batch has 250 rows or more"""
        return case.cost == 0 and case.n // case.part >= 250

    def possible(case):
        possible(case)
        if case.n // case.part <= case.small:
            raise ValueError(f"the large batch must have more than {case.small} rows; got {case.n // case.part}")

    def run(case, rng):
        sizes = [case.small, case.n // case.part]
        small, large = in_rows(race(case, sizes, rng)[1], sizes, case.cost)
        return paired(np.log2(large / small))


@trial("small-batch-costs-more", kind="effect", unit="halvings of the cost to the target by the large batch")
class SmallBatchCostsMore:
    """The cost of a race with a small batch, over that with a batch 4 or 16 times as large.

    Steps go with 1 + N/B, so that a small batch far below N takes many times the steps; each is cheaper by a factor of
    (cost + small)/(cost + large). That is at most 1.25 where the fixed cost is four large batches.
    """

    axes = AXES | {"small": SMALL, "times": TIMES, "cost": COST}
    fixed = TUNED
    smallest = 0.5
    seeds = JUDGE
    of_each = 60
    literature = ("Shallue et al. (2019, 35 workloads): at first twice the batch halves the steps, later it saves "
                  "none; Goyal et al. (2017): 256 to 8,192 rows in as many epochs")

    def met(case):
        """the small batch has at most 4 rows, and a step's fixed cost is at least four times the large batch's rows"""
        return case.small <= 4 and case.cost >= 4 * case.small * case.times

    def possible(case):
        possible(case)
        _larger(case)

    def run(case, rng):
        sizes = [case.small, _larger(case)]
        small, large = in_rows(race(case, sizes, rng)[1], sizes, case.cost)
        return paired(np.log2(small / large))


@trial("minibatch-best-of-both", kind="effect", unit="halvings of the worse excess by the best mini-batch")
class BestOfBoth:
    """The excess of a size: times the fewest steps or times the fewest examples of all sizes, whichever is worse.

    One row a step is lean in examples, all rows are lean in steps. If steps go with 1 + N/B, a batch of N rows has an
    excess of 2, one row 1 + N, all rows 1 + n/N. "Joins" the two is taken to mean that the best mini-batch has at most
    half of the excess that the better end has, so `smallest` is 1. That needs N between 4
    and n/4: many rows, and a target that is not so easily reached that one row is nearly as good as all.
    """

    axes = AXES
    fixed = TUNED + "; sizes 1, 4, 16, 64 and all rows; the best of those between is chosen by the 4 walks"
    smallest = 1.0
    seeds = JUDGE
    of_each = 60
    literature = ("McCandlish et al. (2018) agree: the noise scale is the corner of the curve of steps and examples; "
                  "Bottou, Curtis and Nocedal (2018)")
    possible = possible

    def met(case):
        """there are 250 rows or more, and all of them need 15 steps or more"""
        return case.n >= 250 and case.depth >= 15

    def run(case, rng):
        sizes = [size for size in (1, 4, 16, 64) if size < case.n] + [case.n]
        tuned, judged = (_excess(steps, sizes) for steps in race(case, sizes, rng))
        between = 1 + tuned[1:-1].mean(axis=1).argmin()
        return paired(np.log2(np.minimum(judged[0], judged[-1]) / judged[between]))


def _excess(steps, sizes):
    """For each size and walk: times the fewest steps, or times the fewest examples, whichever is worse."""
    examples = in_rows(steps, sizes, 0)
    return np.maximum(steps / steps.min(axis=0), examples / examples.min(axis=0))


@trial("minibatch-32-256", kind="practice", unit="doublings of the cost to the target by the usual sizes")
class UsualSizes:
    """The cost of the best of 32, 64, 128 and 256 rows, over that of the best of all sizes from 1 to all rows.

    It is a practice, and textbooks say so; the question is what it costs. A practice that never costs more than twice
    the best is a good one, so the bound is 1 doubling. In theory the best size is √(N · fixed cost), and the bottom is
    flat, so that the usual sizes do unless a step costs next to nothing.
    """

    axes = AXES | {"n": among(250, 1000, about="rows", least=64, most=4000), "cost": COST}
    fixed = TUNED + "; sizes 1, 4, 16, 32, 64, 128, 256, 512 and all rows; both are chosen by the 4 walks"
    smallest, most = -1.0, 1.0
    seeds = JUDGE
    of_each = 80
    literature = ("Goodfellow, Bengio and Courville (2016): powers of 2, typically 32 to 256; Bengio (2012): 32 is a "
                  "good default; Masters and Luschi (2018): 2 to 32; McCandlish et al. (2018): tens to millions")
    possible = possible

    def met(case):
        """a step has a fixed cost of 10 rows or more"""
        return case.cost >= 10

    def run(case, rng):
        sizes = [size for size in (1, 4, 16, 32, 64, 128, 256, 512) if size < case.n] + [case.n]
        tuned, judged = (in_rows(steps, sizes, case.cost) for steps in race(case, sizes, rng))
        usual = [i for i, size in enumerate(sizes) if 32 <= size <= 256]
        cost = tuned.mean(axis=1)
        return paired(np.log2(judged[min(usual, key=lambda i: cost[i])] / judged[cost.argmin()]))


@trial("batch-slow-on-large", kind="effect", unit="halvings of the cost or of the memory (the fewer)")
class FullBatchSlowOnLarge:
    """The cost of a race with all rows, and the numbers that a step holds, over those with the best of 16 and 64.

    More rows make a full step more expensive and, above the noise scale, no better. So there must be many times more
    rows than a mini-batch's step costs: ten times. The memory is that of the rows that are loaded together.
    """

    axes = AXES | {"cost": COST, "loaded": among("at once", "by blocks of 64", about="rows of a full step loaded")}
    fixed = TUNED
    smallest = 0.5
    seeds = JUDGE
    of_each = 120
    literature = ("Bottou and Bousquet (2008), Bottou, Curtis and Nocedal (2018) agree: the cost of one row a step "
                  "does not grow with the rows")

    def met(case):
        """there are ten times more rows than a step with 16 costs, and all are loaded at once"""
        return case.n >= 10 * (case.cost + 16) and case.loaded == "at once"

    def possible(case):
        possible(case)
        if case.n < 64:
            raise ValueError(f"n must be at least 64; got {case.n}")

    def run(case, rng):
        sizes = [16, 64, case.n]
        tuned, judged = (in_rows(steps, sizes, case.cost) for steps in race(case, sizes, rng))
        best = tuned[:2].mean(axis=1).argmin()
        memory = (case.n if case.loaded == "at once" else 64) / sizes[best]
        return paired(np.minimum(np.log2(judged[2] / judged[best]), np.log2(memory)))


@trial("big-batch-smaller-lr", kind="effect", unit="halvings of the best rate by the larger batch")
class LargerBatchSmallerRate:
    """The rate that needs fewest steps with a small batch, over that with one 4 or 16 times as large.

    The article's reason is that a large batch's update is too large. The mean of more rows is not larger: its
    noise is less. So the best rate grows, up to B-fold (Goyal et al. 2017). Of a loss that is *summed* over the batch
    the gradient is B times as large, and the best rate falls by what growth falls short of B-fold. Rates are a
    factor of two apart, so `smallest` is 1 halving. "May" is satisfied by one case; we ask how often.
    """

    axes = AXES | {"small": SMALL, "times": TIMES, "loss": among("mean", "sum", about="loss of a batch: its rows'")}
    fixed = FIXED + "; the rate is the best of 10 for each walk, a factor of 2 apart"
    smallest = 1.0
    seeds = JUDGE
    literature = ("Goyal et al. (2017), Smith et al. (2018), McCandlish et al. (2018) disagree: it grows, in step with "
                  "B or more slowly; Shallue et al. (2019): by no one rule; Li et al. (2024) agree for Adam, above a "
                  "size")

    def met(case):
        """the loss is summed over the batch"""
        return case.loss == "sum"

    def possible(case):
        possible(case)
        _larger(case)

    def run(case, rng):
        small, large = (_best_rate(steps)[CHOOSE:] for steps in
                        all_steps(case, [case.small, _larger(case)], rng))
        return paired(small - large + (np.log2(case.times) if case.loss == "sum" else 0))


def _best_rate(steps):
    """log2 of the rate with fewest steps (walks, rates), the mean of those that tie."""
    fewest = steps == steps.min(axis=1, keepdims=True)
    return (fewest * np.log2(RATES)).sum(axis=1) / fewest.sum(axis=1)
