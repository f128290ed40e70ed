"""Lesson 03: the claims on the learning rate, on trial."""
import numpy as np

import gdlib as gd
from gdlib.lessons.kit.axes import among, between
from gdlib.lessons.kit.intervals import paired
from gdlib.lessons.kit.small_models import MODELS, dim, loss, slopes, table
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
        """the surface is no sharper at the start than at its bottom (a bowl, ln cosh)"""
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


WAYS = ("0.001", "0.01", "0.1", "1", "1/λ at the start", "half of a range test's lowest", "the best of four numbers")
SWEEP = np.geomspace(1e-5, 1e3, 33)
SIDE = 16  # problems of a model, side by side


@trial("no-universal-lr", kind="effect", unit="share of the gain that is lost")
class NoUniversalRate:
    """A way to set the rate, on 48 problems: how much of the gain of the best of 33 rates does it lose?

    A way that loses a tenth of the gain or more on average is no universal way. By theory no number can be one in the
    inputs' own units: the best rate goes with one over the square of the scale.
    """

    axes = {
        "way": among(*WAYS, about="way to set the rate:"),
        "inputs": among("in their own units", "standardised", about="inputs"),
        "batch": among(4, 16, 48, about="batch", least=1, most=48),
        "steps": among(40, 200, about="steps", least=5, most=2000),
    }
    fixed = ("plain descent; 16 problems of each of 3 models, 48 rows, 5 columns; own units: scales from 0.1 to 10; "
             "the best rate, and the best of four, are chosen on other batches; range tests grow from 1e-5 to 1,000")
    smallest = 0.1
    seeds = 48
    literature = ("Smith (2017) agrees that one has to try, by a range test; Nesterov (2004): 1/L serves every smooth "
                  "convex loss, without noise")

    def met(case):
        """the way is one number, and the inputs come in their own units"""
        return case.way in WAYS[:4] and case.inputs == "in their own units"

    def run(case, rng):
        return paired(np.concatenate([_lost(case, model, rng) for model in MODELS]))


def _lost(case, model, rng):
    """The share of the gain that a way loses on 16 problems."""
    problems = _Problems(case, model, rng)
    best = SWEEP[problems.ends(SWEEP, "chosen").argmin(axis=1)]
    by_own, by_best = problems.ends(np.stack([_own_rate(case, problems), best], axis=-1), "judged").T
    first = problems.losses(problems.start)[:, 0]
    return np.clip((by_own - by_best) / (first - by_best), -1, 1)


def _own_rate(case, problems):
    """The rate that a way gives for each of 16 problems."""
    if case.way == "1/λ at the start":
        return 1 / problems.sharpnesses()
    if case.way == "half of a range test's lowest":
        growing = np.geomspace(1e-5, 1e3, case.steps)
        seen = [problems.losses(theta)[:, 0] for theta in problems.walk(growing[:, None, None], "tested")]
        return growing[np.argmin(seen, axis=0)] / 2
    if case.way == "the best of four numbers":
        four = np.array([0.001, 0.01, 0.1, 1])
        return four[problems.ends(four, "chosen").argmin(axis=1)]
    return np.full(SIDE, float(case.way))


class _Problems:
    """Problems of one model side by side, with three orders of batches."""

    def __init__(self, case, model, rng):
        self.case, self.model = case, model
        tables = [table(model, 48, 5, rng.uniform(1, 30), rng.uniform(0.1, 1), rng) for _ in range(SIDE)]
        X, self.y = (np.array(parts) for parts in zip(*tables, strict=True))
        standardised = case.inputs == "standardised"
        self.X = X / X.std(axis=1, keepdims=True) if standardised else X * 10 ** rng.uniform(-1, 1, (SIDE, 1, 1))
        self.start = 0.5 * rng.standard_normal((SIDE, 1, dim(model, 5)))
        drawn = rng.integers(48, size=(3, case.steps, SIDE, case.batch))
        self.orders = dict(zip(("chosen", "tested", "judged"), drawn, strict=True))

    def walk(self, rates, order):
        """The points (16, k, d) after each step, at rates (steps, 16 or 1, k)."""
        theta, each = self.start, np.arange(SIDE)[:, None]
        for rows, rate in zip(self.orders[order], rates, strict=True):
            x, y = self.X[each, rows][:, None], self.y[each, rows][:, None]
            theta = theta - rate[..., None] * slopes(self.model, theta, x, y)
            yield theta

    def losses(self, theta):
        """The losses (16, k) over all rows; 1e9 for a walk that has flown off."""
        return np.nan_to_num(loss(self.model, theta, self.X[:, None], self.y[:, None]), nan=1e9)

    def ends(self, rates, order):
        """The losses (16, k) at the end of walks at constant rates (k,) or (16, k)."""
        *_, theta = self.walk(np.broadcast_to(rates, (self.case.steps, SIDE, np.shape(rates)[-1])), order)
        return self.losses(theta)

    def sharpnesses(self):
        """The largest curvature at each start."""
        return np.array([_sharpness(self.model, start[0], X, y)
                         for start, X, y in zip(self.start, self.X, self.y, strict=True)])


def _sharpness(model, theta, X, y):
    f = gd.Objective(model, lambda t: loss(model, t, X, y), lambda t: slopes(model, t, X, y))
    return np.linalg.eigvalsh(gd.analysis.hessian(f, theta))[-1]


GROUNDS = ("ripples", "hills", "two wells", "network")
WALKS = {
    "ground": among(*GROUNDS, about="ground"),
    "d": among(1, 2, 5, about="coordinates (of a network: inputs)", least=1, most=20),
    "steepness": between(3, 60, about="largest curvature of a ripple, that of the valley being 1,", log=True, least=1,
                         most=1000),
    "waves": between(2, 10, about="waves of the ripples in 2π", least=0.5, most=50),
    "times": between(0.05, 3, about="the smaller rate, as a multiple of 2/λ of the ripples (else: of the start),",
                     log=True, least=0.01, most=100),
    "schedule": among("constant", "falling", about="rate"),
    "budget": among("steps", "η × steps", about="held equal"),
    "count": among("the end", "the lowest seen", about="what counts is"),
}
HELD_ON_GROUNDS = ("16 grounds, 24 starts on each; the larger rate is ten times the smaller; exact slopes; the smaller "
                   "has 20/rate steps, 400 to 6,000; the lowest loss is the lowest that any walk of the case has seen")


@trial("lr-too-small-stuck", kind="effect", unit="share of the excess loss that ten times the rate saves")
class TooSmallIsStuck:
    """How far above the lowest loss do walks come to rest, at a rate and at ten times of it?

    Below 2/λ of the ripples, each walk settles in the ripple that the slope leads it to, so ten times as small a rate
    changes nothing; a rate above that edge can't settle in a ripple until it has fallen. A fifth is the least saving
    that is worth another run.
    """

    axes = WALKS
    fixed = HELD_ON_GROUNDS
    smallest = 0.2
    seeds = 16
    literature = ("Kong and Tao (2020) agree: where a rate passes over the small scale of a loss, descent without "
                  "noise wanders like a hot particle; Kleinberg, Li and Yuan (2018) agree, with noise")

    def met(case):
        """there are ripples in a valley, ten times as steep as it or more; the rate falls, and is below 2/λ of the
        ripples, ten times of it three times above, and below 2/λ of the valley; and the end counts"""
        larger = 10 * case.times * 2 / (1 + case.steepness)
        rippled = case.ground in ("ripples", "hills") and case.steepness >= 10
        falls = case.schedule == "falling" and case.count == "the end"
        return rippled and falls and 0.3 <= case.times < 1 and larger < 2

    def run(case, rng):
        small, large = _excesses(case, rng)
        return paired((small - large) / np.maximum(small, large))


@trial("small-steps-find", kind="effect", unit="share of the excess loss that a tenth of the rate saves")
class SmallStepsFind:
    """The same walks, asked the other way round: does a tenth of the rate come nearer to the lowest loss?"""

    axes = WALKS
    fixed = HELD_ON_GROUNDS
    smallest = 0.2
    seeds = 16
    literature = ("Kong and Tao (2020) narrow it: a large constant rate comes to a distribution, not to a point; "
                  "Robbins and Monro (1951): the rate has to fall")

    def met(case):
        """the rate stays constant, the larger is at or above half of 2/λ of the valley, the smaller below 2/λ of the
        ripples, and the end counts"""
        larger = 10 * case.times * 2 / (1 + case.steepness)
        rippled = case.ground in ("ripples", "hills")
        return rippled and case.schedule == "constant" and case.times < 1 <= larger and case.count == "the end"

    def run(case, rng):
        small, large = _excesses(case, rng)
        return paired((large - small) / np.maximum(small, large))


def _excesses(case, rng):
    """The mean excess loss (16,) at the smaller and at the larger rate."""
    f, edge, starts = _ground(case, rng)
    rate = case.times * edge
    steps = int(np.clip(20 / rate, 400, 6000 if case.ground != "network" else 2000))
    ends = [_walk_on(f, starts, rate, steps, case), _walk_on(f, starts, 10 * rate,
                                                             steps if case.budget == "steps" else steps // 10, case)]
    first = f(starts).mean(axis=0)
    lowest = np.minimum(ends[0].min(axis=0), ends[1].min(axis=0))
    return [np.minimum((end - lowest).mean(axis=0), 10 * (first - lowest)) + 1e-6 * (first - lowest) for end in ends]


def _walk_on(f, theta, rate, steps, case):
    """The losses (24, 16) at the end, or the lowest on the way."""
    lowest = f(theta)
    for t in range(steps):
        theta = theta - rate * (1 if case.schedule == "constant" else 1 - t / steps) * f.grad(theta)
        if case.count == "the lowest seen":
            lowest = np.fmin(lowest, f(theta))
    return np.nan_to_num(f(theta), nan=1e9) if case.count == "the end" else lowest


def _ground(case, rng):
    """A ground that differs from column to column, 2/λ of its ripples (or of the start), and starts (24, 16, d)."""
    d, k = case.d, case.waves
    if case.ground == "network":  # a student of six units, and a teacher like it
        X = rng.standard_normal((16, 16, d))
        teacher, starts = (rng.standard_normal((n, 16, dim("network", d))) for n in (1, 24))
        y = np.tanh(X @ teacher[0, :, :-6].reshape(16, d, 6)) @ teacher[0, :, -6:, None]
        f = gd.Objective("network", lambda t: loss("network", t, X, y[..., 0]),
                         lambda t: slopes("network", t, X, y[..., 0]))
        return f, 2 / _sharpness("network", starts[0, 0], X[0], y[0, :, 0]), starts
    starts = 2 * rng.standard_normal((24, 16, d))
    if case.ground == "two wells":
        return gd.Objective("two wells", lambda x: ((x * x - 1) ** 2 / 4 + 0.1 * x).sum(axis=-1),
                            lambda x: x * (x * x - 1) + 0.1), 2 / float(3 * (starts**2).max()), starts
    ways = np.linalg.qr(rng.standard_normal((16, d, d)))[0]
    if case.ground == "hills":  # waves of several lengths, in directions that are not at right angles
        ways = ways * rng.uniform(0.5, 1, (16, 1, d)) + 0.3 * rng.standard_normal((16, d, d)) / np.sqrt(d)
    phase, height = rng.uniform(0, 2 * np.pi, (16, d)), case.steepness / k**2

    def value(theta):
        return (theta**2).sum(axis=-1) / 2 + height * np.cos(k * _along(theta, ways) + phase).sum(axis=-1)

    def slope(theta):
        return theta - height * k * _along(np.sin(k * _along(theta, ways) + phase), ways.swapaxes(1, 2))

    return gd.Objective(case.ground, value, slope), 2 / (1 + case.steepness), starts


def _along(theta, ways):
    """θ (24, 16, d) in the directions of its column, the columns of ways (16, d, d)."""
    return (theta[..., None, :] @ ways)[..., 0, :]


@trial("edge-of-stability", kind="effect", unit="share of the starts that come to the edge and learn on")
class EdgeOfStability:
    """Does a network's sharpness climb to 2/η and hover there, within a tenth, while the loss goes on falling?

    Counted are starts whose mean η · sharpness over the last third is from 1.8 to 2.2, and whose mean loss there is
    below that of the middle third.
    """

    axes = {
        "loss": among("squared", "cross-entropy", about="loss"),
        "begin": between(0.1, 1.9, about="η · sharpness at the start", log=True, least=0.01, most=1.99),
        "labels": among("digits", "random", about="labels"),
        "rows": among(24, 96, about="rows", least=8, most=500),
        "width": among(6, 16, about="units", least=1, most=100),
        "activation": among("tanh", "relu", about="activation"),
        "steps": among(500, 2500, about="steps", least=90, most=20_000),
    }
    fixed = ("full gradient; digits 0 to 3, 8 principal components; squared error to one-hot targets; 8 starts of the "
             "usual size; the sharpness at 12 steps of the last third")
    smallest = 0.5
    literature = ("Cohen et al. (2021) agree for squared error, and report that with cross-entropy the sharpness falls "
                  "again late in training; Damian, Nichani and Lee (2023) explain the hovering")

    def met(case):
        """the error is squared, η · sharpness is 1 or more at the start, and there are 2,500 steps or more"""
        return case.loss == "squared" and case.begin >= 1 and case.steps >= 2500

    def run(case, rng):
        net = _digits_net(case.rows, case.width, case.activation, case.loss, case.labels == "random", rng)
        gain = 2**0.5 if case.activation == "relu" else 1.0
        theta = np.array([net.init(rng, gain) for _ in range(8)])
        value, v = _sharpnesses(net, theta, rng.standard_normal(theta.shape), 100)
        lr = (case.begin / value)[:, None]
        late, losses = [], []
        for t in range(case.steps):
            if 3 * t >= case.steps:
                losses.append(net(theta))
            if 3 * t >= 2 * case.steps and t % (case.steps // 36) == 0:
                value, v = _sharpnesses(net, theta, v, 10 if late else 60)
                late.append(value * lr[:, 0])
            theta = theta - lr * net.grad(theta)
        middle, last = (np.mean(part, axis=0) for part in np.array_split(losses, 2))
        return paired((np.abs(np.mean(late, axis=0) - 2) <= 0.2) & (last < middle))


def _digits_net(rows, width, activation, kind, shuffled, rng):
    """A network on drawn digits 0 to 3, given by their eight principal components, of mean square 1 together."""
    images, digit = gd.data.load("digits")
    few = rng.choice(np.flatnonzero(digit < 4), rows, replace=False)
    X = images[few] - images[few].mean(axis=0)
    X = X @ np.linalg.svd(X, full_matrices=False)[2][:8].T
    X, y = X / np.sqrt((X**2).mean()), digit[few].astype(int)
    y = rng.permutation(y) if shuffled else y
    return gd.MLP(X, np.eye(4)[y] if kind == "squared" else y, (width,), activation, kind)


def _sharpnesses(net, theta, v, iterations):
    """The largest eigenvalue of the Hessian at each start, and its vector, by power iteration."""
    for _ in range(iterations):
        v = v / np.linalg.norm(v, axis=-1, keepdims=True)
        w = net.hvp(theta, v)
        value, v = (v * w).sum(axis=-1), w
    return value, v


@trial("warmup-larger-rate", kind="effect", unit="doublings of the rate that is bearable, or halvings of the loss")
class WarmUp:
    """With warm-up and without, at each of 12 rates: the largest one that trains, and the loss at the best one.

    These are two claims, so what is asked is an axis. A rate trains if it ends below half of the loss of a network
    whose parameters are all 0. A quarter of a doubling, 19 %, is the least of either that pays for one more number.
    """

    axes = {
        "asked": among("the largest rate", "the lowest loss", about="asked is"),
        "gain": between(0.5, 4, about="size of the first weights, beside the usual,", log=True, least=0.1, most=10),
        "loss": among("squared", "cross-entropy", about="loss"),
        "activation": among("tanh", "relu", about="activation"),
        "schedule": among("constant", "cosine", about="rate after the warm-up"),
        "share": among(0.05, 0.2, about="share of the steps that warm up", least=0.01, most=0.9),
        "noise": among(0.0, 0.3, about="noise of the slopes, beside their first length,", least=0, most=10),
        "steps": among(50, 250, about="steps", least=20, most=3000),
    }
    fixed = ("digits 0 to 3, 24 rows of 8 principal components, 8 units; plain descent; 12 starts; 12 rates from 0.05 "
             "to 50 times 2/λ of the start; the best one is tuned on 6 other starts")
    smallest = 0.25
    seeds = 12
    literature = ("Goyal et al. (2017) agree, at large batches; Gilmer et al. (2022), Kalra and Barkeshli (2024): it "
                  "helps where the start is sharp, by letting a larger rate flatten it")

    def met(case):
        """the weights start at twice the usual size or more"""
        return case.gain >= 2

    def run(case, rng):
        net = _digits_net(24, 8, case.activation, case.loss, False, rng)
        usual = 2**0.5 if case.activation == "relu" else 1.0
        theta = np.array([net.init(rng, case.gain * usual) for _ in range(18)])
        edge = 2 / np.median(_sharpnesses(net, theta, rng.standard_normal(theta.shape), 60)[0])
        rates = edge * np.geomspace(0.05, 50, 12)
        size = case.noise * np.linalg.norm(net.grad(theta), axis=-1)[:, None, None] / np.sqrt(net.dim)
        seed = int(rng.integers(2**32))
        straight, warmed = (_trained(net, theta, case, rates, size, warm, np.random.default_rng(seed))
                            for warm in (1, max(2, round(case.share * case.steps))))
        if case.asked == "the largest rate":
            enough = net(np.zeros(net.dim)) / 2
            return paired(_log_largest(warmed < enough)[:12] - _log_largest(straight < enough)[:12])
        best = [np.log2(end)[:12, np.log(end[12:]).mean(axis=0).argmin()] for end in (straight, warmed)]
        return paired(best[0] - best[1])


def _trained(net, theta, case, rates, size, warm, rng):
    """The losses (18, 12) at the end."""
    base = gd.cosine(1.0, case.steps) if case.schedule == "cosine" else 1.0
    schedule = gd.warmup(base, warm)
    start, theta = theta, theta[:, None] + np.zeros((12, 1))
    for t in range(1, case.steps + 1):
        noise = size * rng.standard_normal((18, 1, net.dim))
        theta = theta - schedule(t) * rates[:, None] * (net.grad(theta) + noise)
    first = net(start)[:, None]
    return np.clip(np.nan_to_num(net(theta), nan=1e9), 1e-6 * first, 100 * first)


def _log_largest(trains):
    """log₂ of the largest of the 12 rates that trains, in units of the smallest one (18,); 0 where none does."""
    steps = np.where(trains.any(axis=1), 11 - trains[:, ::-1].argmax(axis=1), 0)
    return steps * np.log2(1000) / 11
