"""Lesson 02: which batch size is quickest? Races down to a loss, on trial.

What a step costs is an axis of each trial: a fixed part, in times of what a row costs. With 0 one counts examples, that
is, epochs; with a million, steps. So no trial hangs on the seconds of a machine. All compare halvings of that cost.
Half a halving, 30 %, is the smallest that matters: a rate that is off by a factor of two costs more than that.
"""
import numpy as np

from gdlib.lessons.batch_sgd_minibatch.trials.problems import AXES, JUDGE, TUNED, possible, race
from gdlib.lessons.kit.axes import among
from gdlib.lessons.kit.intervals import paired
from gdlib.lessons.kit.trial import trial

COST = among(0, 1, 10, 100, 1000, 1_000_000, about="fixed cost of a step, in rows,", least=0, most=10**9)


def in_rows(steps, sizes, fixed):
    """The cost of so many steps (sizes, walks), in rows."""
    return steps * (np.array(sizes)[:, None] + fixed)


@trial("minibatch-faster-than-sgd", kind="effect", unit="halvings of the cost to the target by the mini-batch")
class MiniBatchFasterThanSGD:
    """The cost of a race with one row a step, over that with a mini-batch.

    With N the noise scale, steps go with 1 + N/B (McCandlish et al. 2018). A mini-batch of B rows saves steps about
    B-fold as long as B is below N. If a step has a fixed cost of at least B rows, its steps are at most twice as
    expensive, so that it wins. If there is none, it does not.
    """

    axes = AXES | {"size": among(8, 16, 32, 64, about="mini-batch", least=2, most=1000), "cost": COST}
    fixed = TUNED
    smallest = 0.5
    seeds = JUDGE
    of_each = 60
    literature = ("McCandlish et al. (2018) and Shallue et al. (2019, 35 workloads) agree by steps, up to a size that "
                  "differs from problem to problem; Ma, Bassily and Belkin (2018): by examples one row is best")

    def met(case):
        """a step's fixed cost is at least that of the mini-batch's rows"""
        return case.cost >= case.size

    def possible(case):
        possible(case)
        if case.size > case.n:
            raise ValueError(f"size must be at most {case.n}, all rows; got {case.size}")

    def run(case, rng):
        sizes = [1, case.size]
        one, mini = in_rows(race(case, sizes, rng)[1], sizes, case.cost)
        return paired(np.log2(one / mini))
