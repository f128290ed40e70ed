"""Lesson 03: the claims on the learning rate, on trial."""
import numpy as np

import gdlib as gd
from gdlib.lessons.kit.axes import among, between
from gdlib.lessons.kit.intervals import paired
from gdlib.lessons.kit.trial import trial
from gdlib.lessons.kit.walks import SURFACES, check_length, quadratic, spectrum, steps_until, surface

SPECTRA = ("geometric", "even", "two values")


@trial("lr-too-small-slow", kind="effect", unit="doublings of the steps by half the rate")
class TooSmallIsSlow:
    """Steps until the loss is a small share of what it was, at a rate and at half of it, from the same starts."""

    axes = {
        "surface": among("quadratic", "ln cosh", about="surface"),
        "d": among(1, 5, 50, about="coordinates", least=1, most=300),
        "kappa": between(1, 100, about="condition number", log=True, least=1, most=3000),
        "rate": between(0.02, 1.9, about="rate, times the largest curvature,", log=True, least=0.003, most=3.99),
        "target": between(1e-4, 0.1, about="loss to reach, as a share of the first,", log=True, least=1e-8, most=0.9),
    }
    fixed = "exact slopes; 8 starts; the loss is reached once"
    smallest = 0.5
    of_each = 80
    literature = "Nesterov (2004) agrees: the steps go with 1/η as long as η is below 2/(λmin + λmax)"

    def met(case):
        """the rate is at most 1/λmax, so that no coordinate swings"""
        return case.rate <= 1

    def possible(case):
        check_length(8 * case.kappa / case.rate * np.log(1 / case.target))

    def run(case, rng):
        f, _ = surface(case.surface, case.d, case.kappa, rng)
        theta0 = 2 * rng.standard_normal((8, case.d))
        goal, steps = case.target * f(theta0), int(60 + 8 * case.kappa / case.rate * np.log(1 / case.target))
        at, at_half = (steps_until(lambda theta: f(theta) <= goal, gd.gradient_descent(rate), theta0, steps, f.grad)
                       for rate in (case.rate, case.rate / 2))
        return paired(np.log2(np.minimum(at_half, steps) / np.minimum(at, steps)))


@trial("lr-too-large", kind="effect", unit="share of the walks that swing for ever or fly off")
class TooLargeSwings:
    """What walks do at a rate above 2/λ of their start, late in the walk."""

    axes = {
        "surface": among(*SURFACES, "network", about="surface"),
        "d": among(1, 5, 20, about="coordinates (of a network: inputs)", least=1, most=100),
        "kappa": between(1, 100, about="condition number", log=True, least=1, most=1000),
        "times": between(1.05, 4, about="rate, as a multiple of 2/λ, λ the largest curvature at the start,", log=True,
                         least=1.0001, most=100),
    }
    fixed = ("exact slopes; 1,000 steps from 8 starts; a walk swings if most of its last 100 steps turn back, "
             "and is still if the slope has come to less than a millionth of the first")
    smallest = 0.5
    of_each = 80
    literature = ("Lewkowycz et al. (2020) narrow it: a network may swing to a flatter place and learn on; "
                  "Wu, Braverman and Lee (2024): descent on separable data converges at any rate")

    def met(case):
        """the surface is nowhere steeper at the start than at its bottom (a bowl, ln cosh)"""
        return case.surface in ("quadratic", "ln cosh")

    def run(case, rng):
        if case.surface == "network":
            f, theta0, sharpness = _networks(case, rng)
        else:
            f, sharpness = surface(case.surface, case.d, case.kappa, rng)
            theta0 = 0.3 * rng.standard_normal((8, case.d))
        return paired(_restless(f, gd.gradient_descent(case.times * 2 / sharpness), theta0, 1000))


def _networks(case, rng):
    """Small networks that learn a wave: one problem, 8 starts, and the sharpness at the sharpest of them."""
    X = rng.standard_normal((40, case.d))
    model = gd.MLP(X, np.sin(2 * X.sum(axis=1) / np.sqrt(case.d)), hidden=(8,), loss="squared")
    theta0 = np.array([model.init(rng) for _ in range(8)])
    return model, theta0, max(np.linalg.eigvalsh(model.hess(theta))[-1] for theta in theta0)


def _restless(f, opt, theta0, steps):
    """1 for a walk that flies off or goes on swinging, 0 for one that does neither: (runs,)."""
    first, before, turns = f.grad(theta0), None, np.zeros(len(theta0))
    for t, theta, _ in gd.iterate(opt, theta0, (f.grad for _ in range(steps))):
        if t >= steps - 100:
            slope = f.grad(theta)
            turns += 0 if before is None else (slope * before).sum(axis=-1) < 0
            before = slope
    size = np.linalg.norm(slope, axis=-1)
    still = size < 1e-6 * np.linalg.norm(first, axis=-1)
    return np.where(np.isfinite(size), (turns > 50) & ~still, True).astype(float)


@trial("small-steps-smoother", kind="effect", unit="halvings of the steps by a rate that is a quarter larger")
class LargerIsFaster:
    """Steps until the distance to the bottom is a small share of the first, at a rate and at 1.25 times of it."""

    axes = {
        "spectrum": among(*SPECTRA, about="curvatures"),
        "d": among(2, 10, 50, about="coordinates", least=2, most=1000),
        "kappa": between(2, 200, about="condition number", log=True, least=1, most=1e4),
        "rate": between(0.05, 1.56, about="the smaller rate, times the largest curvature,", log=True, least=0.005,
                        most=1.59),
        "start": among("anywhere", "on the steepest axis", about="start"),
        "target": between(1e-4, 1e-2, about="distance to reach, as a share of the first,", log=True, least=1e-9,
                          most=0.5),
    }
    fixed = "quadratics, exact slopes, 8 starts"
    smallest = 0.05
    of_each = 80
    literature = "Nesterov (2004): the best rate is 2/(λmin + λmax), and the error shrinks by max |1 − ηλ| a step"

    def met(case):
        """the larger rate is at most 2/(λmin + λmax), the best one, and the start is not on the steepest axis"""
        return 1.25 * case.rate <= 2 / (1 + 1 / case.kappa) and case.start == "anywhere"

    def possible(case):
        check_length(3 * case.kappa / case.rate * np.log(1 / case.target))

    def run(case, rng):
        f = quadratic(spectrum(case.spectrum, case.d, case.kappa))
        theta0 = rng.standard_normal((8, case.d))
        if case.start != "anywhere":
            theta0[:, :-1] = 0
        goal = case.target * np.linalg.norm(theta0, axis=-1)
        steps = int(60 + 3 * case.kappa / case.rate * np.log(1 / case.target))
        small, large = (steps_until(lambda theta: np.linalg.norm(theta, axis=-1) <= goal, gd.gradient_descent(rate),
                                    theta0, steps, f.grad) for rate in (case.rate, 1.25 * case.rate))
        return paired(np.log2(np.minimum(small, steps) / np.minimum(large, steps)))


@trial("decay-helps", kind="effect", unit="halvings of the excess loss")
class DecayHelps:
    """The mean excess loss at the end, by a constant rate and by one that falls, each from the best of 30 rates.

    With independent noise, the mean square of each coordinate of a quadratic has its own recursion: no walk is needed.
    """

    axes = {
        "spectrum": among(*SPECTRA, about="curvatures"),
        "d": among(1, 10, 100, about="coordinates", least=1, most=1000),
        "kappa": between(1, 1000, about="condition number", log=True, least=1, most=1e4),
        "noise": among("none", "constant", "vanishing", about="noise of the slopes"),
        "sigma": between(0.003, 3, about="its size, beside the first slope,", log=True, least=1e-6, most=100),
        "schedule": among("cosine", "stair", "1/t", about="schedule"),
        "steps": among(30, 300, 1000, 3000, about="steps", least=5, most=20_000),
    }
    fixed = "quadratics; 8 starts to judge by, 8 others to tune on; 30 first rates from 1e-4/λmax to 1.95/λmax"
    smallest = 0.1
    of_each = 80
    literature = ("Robbins and Monro (1951), Bottou, Curtis and Nocedal (2018) agree for noise that stays; Ma, Bassily "
                  "and Belkin (2018) narrow it: where the noise vanishes at the bottom a constant rate is enough")

    def met(case):
        """the noise does not vanish at the bottom, and the steps are many: 300, and ten times the condition number"""
        return case.noise == "constant" and case.steps >= max(300, 10 * case.kappa)

    def run(case, rng):
        lam = spectrum(case.spectrum, case.d, case.kappa)
        squares = rng.standard_normal((2, 8, case.d)) ** 2  # of the starts: to tune on, and to judge by
        ends = [_judged(lam, case, share, squares) for share in (np.ones(case.steps), _falls(case))]
        return paired(np.log2(ends[0] / ends[1]))


def _falls(case):
    """The rate at each step as a share of the first."""
    s = np.arange(case.steps) / case.steps
    shapes = {"cosine": (1 + np.cos(np.pi * s)) / 2, "stair": 0.5 ** np.floor(8 * s), "1/t": 1 / (1 + 20 * s)}
    return shapes[case.schedule]


def _judged(lam, case, shares, squares):
    """The mean excess loss (8,) at the rate that does best on the other starts."""
    first = np.geomspace(1e-4, 1.95, 30)[:, None]
    keeps, brings = np.ones((30, len(lam))), np.zeros((30, len(lam)))  # mean square at the end: keeps · first + brings
    for share in shares:  # what grows without end is not the best
        rate = share * first
        factor = (1 - rate * lam) ** 2
        if case.noise == "vanishing":
            factor = factor + (case.sigma * rate * lam) ** 2
        keeps, brings = np.minimum(factor * keeps, 1e100), np.minimum(factor * brings, 1e100)
        if case.noise == "constant":
            brings = brings + (case.sigma * rate) ** 2 * lam
    tuned, losses = (0.5 * ((keeps * squares[part][:, None] + brings) * lam).sum(axis=-1) for part in (0, 1))  # (8, 30)
    return np.maximum(losses[:, tuned.mean(axis=0).argmin()], 1e-300)
