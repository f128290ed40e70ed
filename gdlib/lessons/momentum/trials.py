"""Lesson 04: the claims on momentum, on trial."""
import numpy as np

import gdlib as gd
from gdlib.lessons.kit.axes import among, between
from gdlib.lessons.kit.intervals import Outcome, paired
from gdlib.lessons.kit.small_models import MODELS, dim, loss, slopes, table
from gdlib.lessons.kit.trial import trial
from gdlib.lessons.kit.walks import check_length, ln_cosh, spectrum, steps_until


@trial("velocity-is-average", kind="theorem", unit="1 − the sum of the weights of all gradients in the velocity")
class VelocityIsAverage:
    """An average has weights that sum to 1. Under a constant gradient of 1 the velocity is the sum of its weights."""

    axes = {
        "beta": between(0.05, 0.99, about="β", least=0.05, most=0.9999),
        "factor": among("1 − β", "η", "1", about="the factor before the gradient"),
        "lr": between(0.001, 1, about="η", log=True, least=1e-6, most=10),
        "memories": between(7, 20, about="steps, in memories 1/(1 − β),", least=7, most=100),
        "d": among(1, 10, 1000, about="coordinates", least=1, most=10_000),
    }
    fixed = "the velocity begins at 0, and has forgotten that: βᵗ is below 0.001"
    smallest, most = -0.01, 0.01
    literature = "Kingma and Ba (2015) agree, and divide by 1 − βᵗ so that it holds from the first step"

    def met(case):
        """the factor before the gradient is 1 − β"""
        return case.factor == "1 − β"

    def possible(case):
        check_length(case.memories / (1 - case.beta), 20_000)
        if not _factor(case) == 1 - case.beta and abs(_factor(case) / (1 - case.beta) - 1) < 0.05:
            raise ValueError(f"the factor {case.factor} must differ from 1 − β by 5 % or more; got {_factor(case):.3g} "
                             f"with β = {case.beta:.3g}. Say factor='1 − β'.")

    def run(case, rng):
        slope = rng.standard_normal(case.d)
        line = gd.Objective("line", lambda theta: theta @ slope, lambda theta: np.broadcast_to(slope, theta.shape))
        steps = round(case.memories / (1 - case.beta))
        walked = gd.run(line, gd.momentum(case.lr, case.beta), np.zeros(case.d), steps, every=steps)
        missing = 1 - _factor(case) * float(np.mean(walked.state / slope))
        return Outcome(missing, missing, missing)


def _factor(case):
    return {"1 − β": 1 - case.beta, "η": case.lr, "1": 1.0}[case.factor]


@trial("momentum-less-oscillation", kind="effect", unit="halvings of the way that is travelled")
class MomentumLessOscillation:
    """The way travelled across a valley, by plain descent and by the heavy ball, from the same starts."""

    axes = {
        "steepness": between(0.1, 1.95, about="ηλ of plain descent", least=0.001, most=1.99),
        "beta": between(0.2, 0.98, about="β", least=0, most=0.999),
        "hold": among("η", "η/(1 − β)", about="held equal"),
        "shape": among("bowl", "ln cosh", about="valley"),
        "sigma": among(0.0, 0.03, about="noise of the slope", least=0, most=10),
    }
    fixed = "one coordinate; 64 starts between 0.5 and 2 from the bottom; 400 steps"
    smallest = 0.1
    seeds, of_each = 64, 80
    literature = "Polyak (1964): roots of modulus √β, against ηλ − 1 of descent; Goh (2017) draws the same map"

    def met(case):
        """√β is below ηλ − 1, by which descent swings, in a bowl; or the slopes are noisy and η/(1 − β) is equal"""
        swings = case.shape == "bowl" and np.sqrt(case.beta) < case.steepness - 1
        return swings or (case.sigma > 0 and case.hold == "η/(1 − β)")

    def run(case, rng):
        theta0 = rng.uniform(0.5, 2, (64, 1)) * rng.choice([-1, 1], (64, 1))
        lr = case.steepness * (1 if case.hold == "η" else 1 - case.beta)
        noise = case.sigma * rng.standard_normal((400, 64, 1))
        plain, ball = (_travelled(case.shape, opt, theta0, noise)
                       for opt in (gd.gradient_descent(case.steepness), gd.momentum(lr, case.beta)))
        return paired(np.log2(plain / ball))


def _travelled(shape, opt, theta0, noise):
    slope = {"bowl": lambda theta: theta, "ln cosh": np.tanh}[shape]
    walk = gd.iterate(opt, theta0, (lambda theta, e=e: slope(theta) + e for e in noise))
    points = np.array([theta for _, theta, _ in walk])
    return np.abs(np.diff(points, axis=0)).sum(axis=(0, 2))


@trial("momentum-accelerates", kind="effect", unit="halvings of the steps")
class MomentumAccelerates:
    """Steps to a share of the first distance, by plain descent and by the heavy ball, each at the best of 24 rates."""

    axes = {
        "spectrum": among("geometric", "even", "two values", about="curvatures"),
        "d": among(2, 5, 10, about="coordinates", least=1, most=200),
        "kappa": between(2, 150, about="condition number", log=True, least=1, most=1000),
        "beta": among(0.3, 0.5, 0.8, 0.9, 0.95, about="β", least=0, most=0.999),
        "target": between(0.001, 0.03, about="distance to reach, as a share of the first,", log=True, least=1e-6,
                          most=0.9),
        "sigma": among(0.0, 0.001, 0.01, about="noise of the slopes", least=0, most=10),
        "count": among("arrives", "stays", about="what counts: it"),
    }
    fixed = ("quadratics; 32 starts; the rates are tuned on 32 others, each method over the same 24 shares of its "
             "edge; a walk that does not arrive in 60 + 2κ ln(1/target) steps counts as twice as many")
    smallest = 0.1
    seeds, of_each = 32, 60
    literature = ("Polyak (1964): √κ instead of κ, for the best β; Kidambi et al. (2018) narrow it: not with the noise "
                  "of batches")

    def met(case):
        """the slopes are exact, and agree for twice as long as the ball remembers: (κ + 1)/2 is 2/(1 − β) or more"""
        return case.sigma == 0 and (case.kappa + 1) / 2 >= 2 / (1 - case.beta)

    def run(case, rng):
        lam = spectrum(case.spectrum, case.d, case.kappa)
        theta0 = rng.uniform(0.5, 1.5, (64, 1, case.d)) * rng.choice([-1, 1], (64, 1, case.d))
        steps = int(60 + 2 * case.kappa * np.log(1 / case.target))
        goal = case.target * np.linalg.norm(theta0, axis=-1)
        multiples, seed = np.geomspace(0.01, 0.995, 24), int(rng.integers(2**32))
        best = []
        for opt in (gd.gradient_descent(gd.per_run(2 * multiples)),
                    gd.momentum(gd.per_run(2 * (1 + case.beta) * multiples), case.beta)):
            grads = _noisy_slopes(lam, case.sigma, np.random.default_rng(seed), steps)
            took = steps_until(lambda theta: np.linalg.norm(theta, axis=-1) <= goal, opt, theta0 + np.zeros((24, 1)),
                               steps, grads, stay=case.count == "stays")
            took = np.minimum(took, 2 * steps)
            best.append(took[32:, took[:32].mean(axis=0).argmin()])
        return paired(np.log2(best[0] / best[1]))


def _noisy_slopes(lam, sigma, rng, steps):
    """An oracle of a quadratic: every start has noise of its own, the same for all rates."""
    for _ in range(steps):
        e = sigma * rng.standard_normal((64, 1, len(lam)))
        yield lambda theta, e=e: lam * theta + e


@trial("momentum-escapes-minima", kind="effect", unit="more of a hundred starts that leave the shallow well")
class MomentumEscapesMinima:
    """Which share of the starts ends in the deep well, by the heavy ball and by plain descent."""

    axes = {
        "tilt": between(0.02, 0.3, about="tilt c of the two wells (x² − 1)²/4 + cx", least=0.001, most=0.38),
        "above": between(-0.3, 3, about="height of the start over the barrier, in depths of the well,", least=-0.95,
                         most=20),
        "beta": among(0.5, 0.9, 0.95, 0.98, 0.99, about="β", least=0, most=0.999),
        "lr": between(0.02, 0.2, about="η", log=True, least=0.001, most=0.3),
        "hold": among("η", "η/(1 − β)", about="held equal"),
        "count": among("crosses once", "ends beyond", about="what counts: it"),
    }
    fixed = "no noise; 8 groups of 32 starts on the outer slope of the shallow well, up to a tenth higher; 2,000 steps"
    smallest = 10.0
    of_each = 60
    literature = "Polyak (1964) and Qian (1999) for the ball as a mass with friction"

    def met(case):
        """it counts to cross once, both have the same η, and friction (1 − β)/√η leaves the ball above the top"""
        return case.count == "crosses once" and case.hold == "η" and _height_left(case) > 0

    def run(case, rng):
        f, (_, top, shallow) = _two_wells(case.tilt)
        heights = f.value(shallow) + (1 + case.above) * (f.value(top) - f.value(shallow)) * rng.uniform(1, 1.1, (8, 32))
        x = _outer_slope(f, shallow, heights)[..., None]
        lr = case.lr * (1 if case.hold == "η" else 1 - case.beta)
        left = [_share_beyond(opt, x, f.grad, top, case.count)
                for opt in (gd.momentum(lr, case.beta), gd.gradient_descent(case.lr))]
        return paired(100 * (left[0] - left[1]))


def _height_left(case):
    """How high over the barrier the ball still is on top of it, if friction takes as much as from a ball without any.

    As a flow the heavy ball is ẍ = −f′ − γẋ, γ = (1 − β)/√η, and friction takes γ times the integral of |ẋ| dx.
    """
    f, (_, top, shallow) = _two_wells(case.tilt)
    height = f.value(shallow) + (1 + case.above) * (f.value(top) - f.value(shallow))
    way = np.linspace(top, float(_outer_slope(f, shallow, np.array(height))), 1000)
    speeds = np.sqrt(2 * np.maximum(height - f.value(way), 0))
    return height - f.value(top) - (1 - case.beta) / np.sqrt(case.lr) * np.mean(speeds) * (way[-1] - way[0])


def _two_wells(tilt):
    """(x² − 1)²/4 + cx, and its deep bottom, the top between, its shallow bottom."""
    f = gd.Objective("two wells", lambda x: (x * x - 1) ** 2 / 4 + tilt * x, lambda x: x * (x * x - 1) + tilt)
    return f, np.sort(np.roots([1, 0, -1, tilt]).real)


def _outer_slope(f, shallow, heights):
    """The points right of the shallow bottom that lie so high, by bisection."""
    low, high = np.full(heights.shape, shallow), np.full(heights.shape, 10.0)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = np.where(f.value(middle) < heights, middle, low), np.where(f.value(middle) < heights, high, middle)
    return low


def _share_beyond(opt, theta0, grad, top, count):
    """The share of starts (8, 32, 1) that cross the top once, or end beyond it: (8,)."""
    crossed = False
    for _, theta, _ in gd.iterate(opt, theta0, (grad for _ in range(2000))):
        beyond = theta[..., 0] < top
        crossed = crossed | beyond
    return (crossed if count == "crosses once" else beyond).mean(axis=1)


BETAS = (0.0, 0.5, 0.8, 0.9, 0.95, 0.99)
SHARES = np.geomspace(0.01, 0.98, 8)  # of the edge
STEPS = 300
RULES = {"heavy ball": (gd.momentum, lambda beta: 2 * (1 + beta)),  # and the edge, ηL, of a bowl
         "Nesterov": (gd.nesterov, lambda beta: 2 * (1 + beta) / (1 + 2 * beta))}
PROBLEMS = {
    "problem": among("bowl", "ln cosh", *MODELS, about="problem"),
    "kappa": between(2, 500, about="condition number (of a model: of its inputs)", log=True, least=1, most=1e4),
    "noise": among("none", "little", "much", about="noise of the slopes"),
    "target": between(1e-3, 0.2, about="loss to reach, as a share of the first excess,", log=True, least=1e-9,
                      most=0.9),
}
HELD = ("5 coordinates, or 32 rows of 5 columns; little and much noise are 0.003 and 0.03 a coordinate, or batches of "
        "16 and 4; 96 starts; 8 rates and 6 β from 0 to 0.99, tuned on 6 other starts; who does not arrive in 300 "
        "steps counts as 600")


@trial("beta-tuning", kind="effect", unit="doublings of the steps by a β that is not tuned")
class BetaTuning:
    """Steps to a loss at a β that somebody took over, and at the best of six, each at the best of 8 rates.

    A ball at its best rate suits one condition number, ((1 + √β)/(1 − √β))². By theory a bowl four times as steep or as
    round costs about a doubling. Half of a doubling is the least that is worth tuning another number.
    """

    axes = PROBLEMS | {
        "beta": among(0.0, 0.5, 0.9, 0.99, about="β that is not tuned", least=0, most=0.999),
        "rule": among(*RULES, about="rule"),
    }
    fixed = HELD
    smallest = 0.5
    seeds = 96
    literature = ("Polyak (1964) agrees, on bowls; O'Donoghue and Candès (2015) narrow it: with restarts none need be "
                  "known; Sutskever et al. (2013) tuned it for every network")

    def met(case):
        """the slopes are exact, of a bowl, and κ is 4 times or more off ((1 + √β)/(1 − √β))², which β suits"""
        suits = ((1 + np.sqrt(case.beta)) / (1 - np.sqrt(case.beta))) ** 2
        return case.noise == "none" and case.problem == "bowl" and abs(np.log(case.kappa / suits)) >= np.log(4)

    def run(case, rng):
        problem = _Problem(case, rng)
        own, best = (problem.tuned(case.rule, betas) for betas in ([case.beta], BETAS))
        return paired(np.log2(problem.steps(case.rule, *own) / problem.steps(case.rule, *best))[:, 0])


@trial("nesterov-accelerates", kind="effect", unit="halvings of the steps by Nesterov's rule")
class NesterovAccelerates:
    """Steps to a loss by the heavy ball and by Nesterov's rule, each at its best pair of rate and β or at one pair.

    A tenth of a halving, 7 % fewer steps, is the least that matters where changing the rule costs nothing.
    """

    axes = PROBLEMS | {"pair": among("each its own", "the heavy ball's", about="pair of rate and β:")}
    fixed = HELD
    smallest = 0.1
    seeds = 96
    literature = ("Lessard, Recht and Packard (2016): on bowls the heavy ball's best rate is better, elsewhere it may "
                  "cycle; Sutskever et al. (2013) agree, on networks with large β")

    def met(case):
        """the slopes are noisy, and each rule has its own best pair"""
        return case.noise != "none" and case.pair == "each its own"

    def run(case, rng):
        problem = _Problem(case, rng)
        ball = problem.tuned("heavy ball", BETAS)
        ahead = problem.tuned("Nesterov", BETAS) if case.pair == "each its own" else ball
        return paired(np.log2(problem.steps("heavy ball", *ball) / problem.steps("Nesterov", *ahead))[:, 0])


class _Problem:
    """A case's problem: starts to tune on and to judge by, and the noise of each."""

    def __init__(self, case, rng):
        self.case = case
        lam = spectrum("geometric", 5, case.kappa)
        if case.problem in MODELS:
            self.X, self.y = table(case.problem, 32, 5, case.kappa, 0.3, rng)
            self.f = gd.Objective(case.problem, lambda theta: loss(case.problem, theta, self.X, self.y),
                                  lambda theta: slopes(case.problem, theta, self.X, self.y))
        elif case.problem == "bowl":
            self.f = gd.Objective("bowl", lambda theta: (lam * theta**2).sum(axis=-1) / 2, lambda theta: lam * theta)
        else:
            self.f = gd.Objective("ln cosh", lambda theta: (lam * ln_cosh(theta)).sum(axis=-1),
                                  lambda theta: lam * np.tanh(theta))
        d = dim(case.problem, 5)
        self.starts = {part: rng.standard_normal((n, 1, d)) * (0.5 if case.problem in MODELS else 2)
                       for part, n in (("tuned", 6), ("judged", 96))}
        self.seeds = {part: int(rng.integers(2**32)) for part in self.starts}
        self.largest, self.lowest = 1.0, 0.0
        if case.problem in MODELS:
            first = self.starts["tuned"][0, 0]
            self.largest = float(np.linalg.eigvalsh(gd.analysis.hessian(self.f, first))[-1])
            self.lowest = float(gd.run(self.f, gd.momentum(0.2 / self.largest, 0.95), first, 3000).loss.min())

    def slopes(self, part):
        """The gradients of all steps, with noise of its own for each start."""
        case, rng, starts = self.case, np.random.default_rng(self.seeds[part]), self.starts[part]
        for _ in range(STEPS):
            if case.noise == "none":
                yield self.f.grad
            elif case.problem in MODELS:
                rows = rng.integers(32, size=(len(starts), 1, 16 if case.noise == "little" else 4))
                yield lambda theta, x=self.X[rows], y=self.y[rows]: slopes(case.problem, theta, x, y)
            else:
                e = (0.003 if case.noise == "little" else 0.03) * rng.standard_normal(starts.shape)
                yield lambda theta, e=e: self.f.grad(theta) + e

    def steps(self, name, lr, beta, part="judged"):
        """The steps (starts, pairs) that a rule needs with these pairs."""
        theta0 = self.starts[part] + np.zeros((len(lr), 1))
        goal = self.lowest + self.case.target * (self.f(theta0) - self.lowest)
        opt = RULES[name][0](gd.per_run(lr), gd.per_run(beta))
        took = steps_until(lambda theta: self.f(theta) <= goal, opt, theta0, STEPS, self.slopes(part))
        return np.minimum(np.maximum(took, 1), 2 * STEPS)

    def tuned(self, name, betas):
        """The best pair over the starts to tune on: (rate,), (β,)."""
        beta, share = (grid.ravel() for grid in np.meshgrid(betas, SHARES))
        lr = share * RULES[name][1](beta) / self.largest
        best = [np.log(self.steps(name, lr, beta, "tuned")).mean(axis=0).argmin()]
        return lr[best], beta[best]
