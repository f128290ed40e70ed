"""Lesson 08: the claims on many workers, on trial."""
import heapq
from itertools import repeat

import numpy as np

import gdlib as gd
from gdlib.lessons.kit.axes import among, between
from gdlib.lessons.kit.intervals import Outcome, paired
from gdlib.lessons.kit.small_models import MODELS, dim, loss, slopes, table
from gdlib.lessons.kit.trial import trial

RULES = {"descent": gd.gradient_descent(0.05), "momentum": gd.momentum(0.02), "Adam": gd.adam(0.01)}


@trial("data-parallel-same", kind="theorem", unit="largest difference of a parameter, beside the largest parameter")
class DataParallelIsTheSame:
    """One walk with the whole gradient, and one with the mean of the gradients of the workers' own rows."""

    axes = {
        "model": among("least squares", "softmax", "network", about="model"),
        "rule": among(*RULES, about="rule"),
        "workers": among(2, 3, 8, 16, about="workers", least=2, most=100),
        "rows": among(48, 240, about="rows", least=4, most=10_000),
        "shards": among("equal", "unequal", about="workers' numbers of rows"),
        "weights": among("rows", "equal", about="weights of their gradients: by"),
        "steps": among(10, 100, about="steps", least=1, most=2000),
    }
    fixed = "every worker answers at every step; 64 bits; losses that are means over rows"
    smallest, most = -1e-9, 1e-9
    literature = "Goyal et al. (2017), remark 3: normalise by the number of rows in all, not by each worker's"

    def met(case):
        """each worker's gradient counts by its number of rows, or all have equally many"""
        return case.weights == "rows" or case.shards == "equal"

    def possible(case):
        if case.rows < 2 * case.workers or (case.shards == "equal" and case.rows % case.workers):
            raise ValueError(f"rows must be at least twice the workers, and a multiple for equal shards; got "
                             f"{case.rows} for {case.workers}")

    def run(case, rng):
        model = _model(case, rng)
        cuts = np.linspace(0, case.rows, case.workers + 1).astype(int)
        if case.shards == "unequal":  # the first has one row, and not all of the others can have one
            inner = rng.choice(np.arange(2, case.rows), case.workers - 2, replace=False)
            cuts = np.array([0, 1, *np.sort(inner), case.rows])
        sizes = np.diff(cuts)
        weights = sizes / case.rows if case.weights == "rows" else np.full(case.workers, 1 / case.workers)
        parts = [slice(a, b) for a, b in zip(cuts[:-1], cuts[1:], strict=True)]

        def mean(theta):
            return sum(w * model.grad(theta, part) for w, part in zip(weights, parts, strict=True))

        start = 0.5 * rng.standard_normal(model.dim)
        whole, shared = (gd.run(model, RULES[case.rule], start, case.steps, oracle=repeat(g)).theta[-1]
                         for g in (model.grad, mean))
        difference = float(np.abs(whole - shared).max() / np.abs(whole).max())
        return Outcome(difference, difference, difference)


def _model(case, rng):
    X = rng.standard_normal((case.rows, 4))
    if case.model == "least squares":
        return gd.LeastSquares(X, X @ rng.standard_normal(4) + rng.standard_normal(case.rows))
    y = rng.permutation(np.arange(case.rows) % 3)
    return gd.SoftmaxRegression(X, y) if case.model == "softmax" else gd.MLP(X, y, hidden=(6,))


LINKS = {"10 MB/s, 5 ms": (5e-3, 1e-7), "1 GB/s, 50 µs": (5e-5, 1e-9), "25 GB/s, 5 µs": (5e-6, 4e-11)}  # α, β
EXCHANGES = {"star": gd.distributed.star_seconds, "tree": gd.distributed.tree_seconds,
             "ring": gd.distributed.ring_seconds}


@trial("parallel-speeds-up", kind="effect", unit="doublings of the speed by all workers")
class ParallelSpeedsUp:
    """Time to the same loss by n workers and by one, in a cost model: work, messages, late workers, batches.

    Seconds of this machine would say little of others. So all constants are axes: from a slow link to a fast one, from
    a small model to a large one. A speed-up of 1.5 or more is marked: less is hardly worth a second machine.
    """

    axes = {
        "work": between(1e-3, 100, about="seconds of one worker's work on a step", log=True, least=1e-6, most=1e6),
        "megabytes": between(0.1, 1e4, about="megabytes of a gradient", log=True, least=1e-6, most=1e7),
        "link": among(*LINKS, about="link"),
        "exchange": among(*EXCHANGES, about="exchange by"),
        "workers": among(2, 4, 16, 64, 256, 1024, about="workers", least=2, most=10_000),
        "hold": among("the batch", "a worker's batch", about="held equal"),
        "critical": between(1, 1000, about="noise scale of the gradient, in batches of one worker,", log=True, least=0,
                            most=1e9),
        "unshared": among(0.0, 0.01, 0.1, about="share of the work that cannot be shared", least=0, most=1),
        "late": among(0.0, 0.1, 0.5, about="mean delay of a worker, as a share of its work,", least=0, most=100),
    }
    fixed = ("a message of b bytes takes α + βb seconds; delays are exponential, and a step waits for the last; a "
             "batch B needs 1 + B_noise/B times the fewest steps; 50 steps, 8 draws of the delays")
    smallest = np.log2(1.5)
    of_each = 80
    literature = ("Goyal et al. (2017) agree: 90 % of the ideal from 8 to 256 GPUs; McCandlish et al. (2018), Shallue "
                  "et al. (2019) narrow it: beyond a critical batch, more workers save no steps; Amdahl (1967)")

    def met(case):
        """messages and delays each take at most a tenth of a worker's work, and a growing batch begins at a tenth of
        the noise scale or less"""
        small_enough = case.hold == "the batch" or case.critical >= 10
        return max(_messages(case) / _own_work(case), case.late) <= 0.1 and small_enough

    def run(case, rng):
        alone = case.work * (1 + case.late * rng.exponential(size=(8, 50)))
        latest = 1 + case.late * rng.exponential(size=(8, 50, case.workers)).max(axis=-1)
        together = case.unshared * case.work + _own_work(case) * latest + _messages(case)
        steps = 1.0 if case.hold == "the batch" else (1 + case.critical / case.workers) / (1 + case.critical)
        return paired(np.log2(alone.mean(axis=1) / (steps * together.mean(axis=1))))


def _messages(case):
    return float(EXCHANGES[case.exchange](case.workers, 1e6 * case.megabytes, *LINKS[case.link]))


def _own_work(case):
    """The seconds of a worker's own part of a step."""
    parts = case.workers if case.hold == "the batch" else 1
    return (1 - case.unshared) * case.work / parts


UPDATES = 500


@trial("parameter-server", kind="effect", unit="halvings of the time to the same loss")
class ParameterServer:
    """Time until the loss is down, by one worker and by several that do not wait, on a simulated clock.

    A gradient takes one unit of time, give or take a fifth. Half an halving, 1.4 times as quick, is the least that pays
    for a server and a second worker.
    """

    axes = {
        "model": among(*MODELS, about="model"),
        "kappa": between(1, 30, about="condition number of the columns' scales", log=True, least=1, most=1e4),
        "noise": among(0.1, 1.0, about="noise of the targets", least=0, most=100),
        "batch": among(1, 4, 16, 32, about="batch", least=1, most=128),
        "workers": among(2, 4, 8, 16, about="workers", least=2, most=100),
        "slow": among("none", "one, five times", about="slow workers:"),
        "server": among(0.0, 0.02, 0.2, about="time that the server takes for an update", least=0, most=100),
        "rate": among("each its best", "the one worker's best", about="rate"),
        "target": between(0.05, 0.3, about="loss to reach, as a share of the first excess,", log=True, least=1e-3,
                          most=0.9),
    }
    fixed = ("128 rows, 6 columns; batches drawn with replacement; 64 seeds; 10 rates, tuned on 8 other seeds; 500 "
             "updates, the loss seen at every tenth; who does not arrive counts as twice as long")
    smallest = 0.5
    seeds, of_each = 64, 60
    literature = ("Dean et al. (2012), Recht et al. (2011) agree, for noisy or sparse gradients; Chen et al. (2016) "
                  "disagree: waiting, with a few workers too many, was quicker and ended better")

    def met(case):
        """the rate is tuned for the workers that do not wait, who are together twice as quick as one or more; the
        server is busy at most half of the time; and batches have at most 4 rows, so that noise limits the rate"""
        quick = case.workers - (0.8 if case.slow != "none" else 0)
        return case.rate == "each its best" and quick >= 2 and case.server * quick <= 0.5 and case.batch <= 4

    def run(case, rng):
        X, y = table(case.model, 128, 6, case.kappa, case.noise, rng)
        f = gd.Objective(case.model, lambda theta: loss(case.model, theta, X, y),
                         lambda theta: slopes(case.model, theta, X, y))
        start = 0.5 * rng.standard_normal(dim(case.model, 6))
        edge = 2 / np.linalg.eigvalsh(gd.analysis.hessian(f, start))[-1]
        along = f(gd.run(f, gd.gradient_descent(edge / 4), start, 1000, every=10).theta)
        goal = along.min() + case.target * (along[0] - along.min())
        rates = edge * np.geomspace(0.004, 2, 10)
        tuned, judged = rng.integers(2**32, size=8), rng.integers(2**32, size=64)
        took = []
        for workers in (1, case.workers):
            if workers == 1 or case.rate == "each its best":
                tries = _time_to(case, X, y, start, rates, goal, workers, tuned)
                best = rates[[np.log(tries).mean(axis=0).argmin()]]
            took.append(_time_to(case, X, y, start, best, goal, workers, judged)[:, 0])
        return paired(np.log2(took[0] / took[1]))


def _time_to(case, X, y, start, rates, goal, workers, seeds):
    """The time (seeds, rates) at which the loss has come down to the goal; twice the last if it has not."""
    rngs = [np.random.default_rng([seed, workers]) for seed in seeds]
    seconds, stale = (np.array(x).T for x in zip(*(timetable(workers, case, rng) for rng in rngs), strict=True))
    rows = np.array([rng.integers(len(X), size=(UPDATES, case.batch)) for rng in rngs])
    theta = np.zeros((len(seeds), len(rates), 1)) + start
    past, each = np.repeat(theta[None], stale.max() + 1, axis=0), np.arange(len(seeds))
    took = 2 * np.repeat(seconds[-1][:, None], len(rates), axis=1)
    for t in range(UPDATES):
        x, target = X[rows[:, t]][:, None], y[rows[:, t]][:, None]
        theta = theta - rates[:, None] * slopes(case.model, past[(t - stale[t]) % len(past), each], x, target)
        past[(t + 1) % len(past)] = theta
        if t % 10 == 9:
            first = (loss(case.model, theta, X, y) <= goal) & (took > seconds[-1][:, None])
            took = np.where(first, seconds[t][:, None], took)
            if (took <= seconds[-1][:, None]).all():
                break
    return took


def timetable(workers, case, rng):
    """When each of the updates is done, and how many updates old the parameters were that its gradient was taken at."""
    pace = np.ones(workers)
    if case.slow != "none" and workers > 1:  # the one worker that they are compared with is not slow
        pace[0] = 5
    spread = rng.uniform(0.8, 1.2, workers + UPDATES).tolist()
    busy = [(pace[rank] * spread.pop(), rank, 0) for rank in range(workers)]  # done at, by whom, read at which update
    heapq.heapify(busy)
    free, seconds, stale = 0.0, [], []
    for t in range(UPDATES):
        done, rank, read = heapq.heappop(busy)
        free = max(free, done) + case.server
        seconds.append(free)
        stale.append(t - read)
        heapq.heappush(busy, (free + pace[rank] * spread.pop(), rank, t + 1))
    return seconds, stale
