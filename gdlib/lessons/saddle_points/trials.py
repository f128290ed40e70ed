"""Lesson 05: the claims on saddle points, on trial."""
from itertools import islice, repeat

import numpy as np

import gdlib as gd
from gdlib.lessons.kit.axes import among, between
from gdlib.lessons.kit.intervals import Outcome, paired
from gdlib.lessons.kit.trial import trial
from gdlib.lessons.kit.walks import check_length, steps_until
from gdlib.lessons.saddle_points.tiny import INPUTS, LOSS, PHI, find_level, tiny

FLAT = {  # saddles in two coordinates whose Hessian has no negative eigenvalue
    "x³ − 3xy²": lambda x, y: x**3 - 3 * x * y**2,
    "x² + y³": lambda x, y: x**2 + y**3,
    "x² − y⁴": lambda x, y: x**2 - y**4,
    "(y − x²)(y − 3x²)": lambda x, y: (y - x**2) * (y - 3 * x**2),
}


@trial("saddle-has-exit", kind="theorem", unit="1 if a straight way leads down from the saddle, else 0")
class SaddleHasExit:
    """Is there a direction in which the loss is lower at once, at every short distance?

    Directions: the eigenvectors of the Hessian both ways, and 2,000 that are drawn.
    """

    axes = {
        "kind": among("negative curvature", *FLAT, about="saddle"),
        "d": among(2, 5, 20, 100, about="coordinates", least=2, most=300),
        "down": between(1e-3, 1, about="most negative eigenvalue, beside the largest,", log=True, least=1e-6, most=1e6),
        "bend": between(0.0, 10, about="size of the cubic terms", least=0, most=100),
    }
    fixed = ("with a negative curvature a drawn Hessian and drawn cubic terms, else the formula in two coordinates and "
             "squares in the others, turned; at three distances, 1e-4 to 1e-6 of where the cubic terms count as much")
    smallest = 0.5
    literature = "Nocedal and Wright (2006), theorem 2.3; Peano (1884) has the surface without a straight way down"

    def met(case):
        """the Hessian has a negative eigenvalue"""
        return case.kind == "negative curvature"

    def run(case, rng):
        turn = np.linalg.qr(rng.standard_normal((case.d, case.d)))[0]
        ways = np.concatenate([turn.T, -turn.T, rng.standard_normal((2000, case.d))])
        ways /= np.linalg.norm(ways, axis=1, keepdims=True)
        if case.kind == "negative curvature":
            lam = np.concatenate([[-case.down], rng.uniform(-case.down, 1, case.d - 1)])
            cubic = case.bend * rng.standard_normal(case.d)

            def value(z):
                return 0.5 * (lam * z**2).sum(axis=-1) + (cubic * z**3).sum(axis=-1)
        else:
            def value(z):
                return FLAT[case.kind](z[..., 0], z[..., 1]) + (z[..., 2:] ** 2).sum(axis=-1)

        scale = case.down / (1 + case.bend) if case.kind == "negative curvature" else 1.0
        z = ways @ turn  # the coordinates of the ways along the axes of the formula
        lower = np.all([value(scale * s * z) < 0 for s in (1e-4, 1e-5, 1e-6)], axis=0)
        exists = float(lower.any())
        return Outcome(exists, exists, exists)


@trial("zero-gradient-not-minimum", kind="existence", unit="most negative curvature, beside the largest, sign changed")
class ZeroGradientIsNoMinimum:
    """Quadratics with a drawn Hessian: at 0 the gradient is zero."""

    axes = {"d": among(1, 2, 5, 20, 100, about="coordinates", least=1, most=500)}
    fixed = "symmetric matrices of normal entries"
    smallest = 0.01
    literature = "Dauphin et al. (2014): of random matrices nearly all have both signs when there are many coordinates"

    def run(case, rng):
        A = rng.standard_normal((case.d, case.d))
        lam = np.linalg.eigvalsh(A + A.T)
        share = float(-lam[0] / np.abs(lam).max())
        return Outcome(share, share, share)


@trial("minimum-1d-saddle-2d", kind="existence", unit="most negative curvature, beside the largest, sign changed")
class MinimumOnEveryAxis:
    """Quadratics with a minimum along each coordinate axis."""

    axes = {"d": among(2, 3, 5, 20, 100, about="coordinates", least=2, most=500)}
    fixed = "symmetric matrices of normal entries, the diagonal made positive"
    smallest = 0.01
    literature = "textbook"

    def run(case, rng):
        A = rng.standard_normal((case.d, case.d))
        H = A + A.T
        np.fill_diagonal(H, np.abs(np.diag(H)))
        lam = np.linalg.eigvalsh(H)
        share = float(-lam[0] / np.abs(lam).max())
        return Outcome(share, share, share)


@trial("momentum-escapes-saddles", kind="effect", unit="halvings of the steps until the saddle is left")
class MomentumEscapesSaddles:
    """Steps until |θ| along the ways down is 1, by plain descent and by the heavy ball, from the same starts."""

    axes = {
        "down": between(0.02, 1, about="steepest way down as a share of the steepest way up", log=True, least=0.001,
                        most=100),
        "ways": among(1, 3, 10, about="ways down", least=1, most=1000),
        "up": among(1, 10, 100, about="ways up", least=1, most=1000),
        "beta": between(0.3, 0.99, about="β", least=0, most=0.999),
        "lr": between(0.1, 1.9, about="ηλ of the steepest way up", log=True, least=0.01, most=1.99),
        "hold": among("η", "η/(1 − β)", about="held equal"),
        "away": among(0.0, 1e-6, 1e-3, about="start, off the ridge by", least=0, most=0.1),
    }
    fixed = "quadratic saddles; 8 starts; exact slopes; twice the steps that plain descent needs"
    smallest = 0.1
    of_each = 80
    literature = "Jin, Netrapalli and Jordan (2018) agree for perturbed accelerated descent"

    def met(case):
        """the start is off the ridge, and both have the same η"""
        return case.away > 0 and case.hold == "η"

    def possible(case):
        check_length(_steps(case))

    def run(case, rng):
        lam = np.concatenate([-case.down * rng.uniform(0.1, 1, case.ways), rng.uniform(0.1, 1, case.up)])
        lam[0], lam[-1] = -case.down, 1.0
        theta0 = rng.standard_normal((8, len(lam)))
        theta0[:, :case.ways] *= case.away / np.linalg.norm(theta0[:, :case.ways], axis=1, keepdims=True)
        if case.away == 0:
            return Outcome(0.0, 0.0, 0.0)  # never left, by either
        steps = _steps(case)
        lr = case.lr * (1 if case.hold == "η" else 1 - case.beta)
        plain, ball = (steps_until(lambda theta: np.linalg.norm(theta[:, :case.ways], axis=1) >= 1, opt, theta0, steps,
                                   lambda theta: lam * theta)
                       for opt in (gd.gradient_descent(case.lr), gd.momentum(lr, case.beta)))
        return paired(np.log2(np.minimum(plain, steps) / np.minimum(ball, steps)))


def _steps(case):
    """Twice the steps that plain descent needs; 0 from the ridge itself, which nothing leaves."""
    if case.away == 0:
        return 0
    return int(2 * np.log(10 * np.sqrt(case.ways) / case.away) / np.log1p(case.lr * case.down)) + 10

@trial("big-batch-stuck", kind="effect", unit="doublings of the cost of leaving the saddle, by the larger batch")
class BigBatchesAtSaddles:
    """What it costs to get 1 away from a saddle along its ways down, by a small batch and by a larger one.

    Twice the cost is the least that counts as stuck: less is lost in the choice of the rate. A walk that has not left
    after 8 times the steps of the slowest with small batches counts as one that leaves then. On a quadratic the ways
    up have no part in it, and are left out. In theory noise of σ/√B is a start at about ησ/√B, and a batch 16 times as
    large needs ln 4/ln(1 + ηγ) steps more: the condition is that rows are counted, or that there is no noise at all.
    """

    axes = {
        "ways": among(1, 3, 10, about="ways down", least=1, most=30),
        "lr": between(0.03, 0.3, about="ηγ of the steepest", log=True, least=0.01, most=1),
        "n": among(64, 256, about="rows", least=16, most=1024),
        "rows": among("pushes", "curvatures", about="rows differ in"),
        "tails": among("normal", "student-3", about="these are"),
        "sigma": between(0.001, 1, about="their deviation, beside γ,", log=True, least=1e-6, most=2),
        "away": among(0.0, 1e-6, 1e-3, about="start, off the ridge by", least=0, most=0.1),
        "small": among(1, 4, about="small batch", least=1, most=16),
        "large": among("16 times as large", "all rows", about="large batch"),
        "drawn": among("with replacement", "by epochs", about="rows drawn"),
        "rates": among("equal", "∝ batch, up to ηγ = 1", about="rates"),
        "count": among("steps", "rows", about="cost in"),
    }
    fixed = "quadratic saddles; 32 walks; pushes and curvatures of all rows add up to 0; a batch of n is each row once"
    smallest = 1.0
    seeds = 32
    literature = ("Jin et al. (2017) agree: a saddle is left in a time that is the logarithm of the push; Daneshmand "
                  "et al. (2018) for the noise of batches")

    def met(case):
        """the cost is counted in rows, at equal rates; or the large batch is all rows and the start is on the ridge"""
        return (case.count == "rows" and case.rates == "equal") or (_large(case) == case.n and case.away == 0)

    def possible(case):
        if case.away == 0 and case.rows == "curvatures":
            raise ValueError("away must be above 0 where rows differ in curvatures; got 0. No batch leaves the ridge.")
        if _large(case) > case.n:
            raise ValueError(f"the large batch must be at most n = {case.n}; got {_large(case)}. Take more rows.")

    def run(case, rng):
        draw = {"normal": rng.standard_normal, "student-3": lambda shape: rng.standard_t(3, shape)}[case.tails]
        extra = draw((case.n, case.ways))
        extra = case.sigma * (extra - extra.mean(axis=0)) / extra.std(axis=0)
        start = rng.standard_normal((32, case.ways))
        start *= case.away / np.linalg.norm(start, axis=1, keepdims=True)
        large = _large(case)
        faster = case.lr if case.rates == "equal" else max(case.lr, min(case.lr * large / case.small, 1.0))
        gamma = np.geomspace(1, 0.3, case.ways)
        took = _steps_away(case, case.lr, case.small, extra, gamma, start, 5000, rng)
        longer = _steps_away(case, faster, large, extra, gamma, start, int(8 * took.max()), rng)
        return paired(np.log2(longer / took) + (np.log2(large / case.small) if case.count == "rows" else 0))


def _large(case):
    return 16 * case.small if case.large == "16 times as large" else case.n


def _steps_away(case, lr, batch, extra, gamma, y, most, rng):
    """The steps (walks,) until ‖y‖ is 1, at the most so many; a batch of n is all rows."""
    took = np.full(len(y), float(most))
    batches = repeat(None) if batch == case.n else _batches(case.n, batch, case.drawn, len(y), rng)
    for k, rows in enumerate(islice(batches, most), start=1):
        mean = 0.0 if batch == case.n else extra[rows].mean(axis=1)
        y = y + lr * (gamma * y + (mean if case.rows == "pushes" else mean * y))
        took = np.minimum(took, np.where(np.linalg.norm(y, axis=1) >= 1, k, most))
        if (took < k).all():
            break
    return took


def _batches(n, batch, drawn, walks, rng):
    """Rows (walks, batch) of one step after another, each walk's own."""
    while drawn == "with replacement":
        yield rng.integers(n, size=(walks, batch))
    while True:
        order = rng.random((walks, n)).argsort(axis=1)
        for i in range(0, n, batch):
            yield order[:, i:i + batch]


@trial("big-batch-stuck-minima", kind="effect", unit="more of a hundred walks that leave, by the small batch")
class BigBatchesInMinima:
    """The share of walks that leave a shallow well to its left, with a small batch and with a large one.

    Ten of a hundred are the least that somebody who trains a few networks can see. The noise of a batch is like a
    temperature T = ησ²/(2B), and Kramers's formula gives the rate at which a walk crosses a barrier:
    √(J″(well)·|J″(top)|)/2π · exp(−height/T). The condition asks it which batches cross.
    """

    axes = {
        "well": among("quartic", "cosine", about="wells"),
        "tilt": between(0.03, 0.3, about="tilt", least=0.001, most=0.38),
        "lr": between(0.02, 0.1, about="η", log=True, least=0.001, most=0.3),
        "sigma": between(0.3, 10, about="deviation of the rows' pushes", log=True, least=0.001, most=100),
        "tails": among("normal", "student-3", about="pushes"),
        "small": among(1, 4, about="small batch", least=1, most=64),
        "large": among(64, 256, about="large batch", least=1, most=256),
        "drawn": among("with replacement", "by epochs", about="rows drawn"),
        "steps": among(400, 2000, about="steps", least=10, most=10_000),
        "count": among("crosses once", "ends beyond", about="what counts: it"),
    }
    fixed = "one coordinate; 256 rows, whose pushes add up to 0; 8 groups of 16 walks from the bottom; equal rates"
    smallest = 10.0
    literature = ("Kramers (1940) has the rate; Jastrzębski et al. (2018) agree that η/B sets the temperature; Keskar "
                  "et al. (2017) saw large batches stay near sharp minima of networks")

    def met(case):
        """it counts to cross once, and by Kramers's rate nine in ten cross with the small batch, but not half with
        the large one"""
        small, large = (_crossing(case, batch) for batch in (case.small, case.large))
        return case.count == "crosses once" and small >= 0.9 and large <= 0.5

    def run(case, rng):
        draw = {"normal": rng.standard_normal, "student-3": lambda shape: rng.standard_t(3, shape)}[case.tails]
        pushes = draw(256)
        pushes = case.sigma * (pushes - pushes.mean()) / pushes.std()
        left = [_share_across(case, batch, pushes, rng) for batch in (case.small, case.large)]
        return paired(100 * (left[0] - left[1]))


def _well(case):
    """The height and the slope of the wells, the bottom of the shallow one and the top left of it."""
    c = case.tilt
    if case.well == "quartic":
        _, top, bottom = np.sort(np.roots([1, 0, -1, c]).real)
        return lambda x: (x**2 - 1) ** 2 / 4 + c * x, lambda x: x**3 - x + c, bottom, top
    return lambda x: c * x - np.cos(x), lambda x: c + np.sin(x), -np.arcsin(c), np.arcsin(c) - np.pi


def _crossing(case, batch):
    """The share that crosses, by Kramers's rate; none where a batch is all rows and has no noise."""
    f, slope, bottom, top = _well(case)
    if case.drawn == "by epochs" and batch == 256:
        return 0.0
    bends = [(slope(x + 1e-5) - slope(x - 1e-5)) / 2e-5 for x in (bottom, top)]
    temperature = case.lr * case.sigma**2 / (2 * batch)
    rate = np.sqrt(-bends[0] * bends[1]) / (2 * np.pi) * np.exp(-(f(top) - f(bottom)) / temperature)
    return 1 - np.exp(-rate * case.lr * case.steps)


def _share_across(case, batch, pushes, rng):
    """The share of each group (8,) that is beyond the top once, or at the end."""
    _, slope, bottom, top = _well(case)
    x, crossed = np.full(128, bottom), np.zeros(128, bool)
    for rows in islice(_batches(256, batch, case.drawn, 128, rng), case.steps):
        x = np.clip(x - case.lr * (slope(x) + pushes[rows].mean(axis=1)), -100, 100)
        crossed |= x < top
    return (crossed if case.count == "crosses once" else x < top).reshape(8, 16).mean(axis=1)


NETWORK = {  # the axes that both trials with networks have
    "inputs": among(*INPUTS, about="inputs"),
    "columns": among(2, 3, 5, about="columns", least=1, most=10),
    "hidden": among(2, 3, 5, about="hidden units", least=1, most=10),
    "activation": among(*PHI, about="activation"),
    "loss": among(*LOSS, about="loss"),
}
NETWORK_FIXED = "one hidden layer, 9 to 36 parameters, 40 rows with labels ±1, those of normal inputs by chance"


@trial("mostly-saddles", kind="effect", unit="% of the critical points found that are saddles")
class MostlySaddles:
    """Which share of the critical points that a search finds have a way down.

    More likely than not is the weakest reading of "very likely", so 50 %. The condition is the lesson's. A search that
    ends at a gradient above 1e-10 has found no point; equal losses and curvatures are one point.
    """

    axes = NETWORK | {
        "decay": between(3e-4, 1e-2, about="weight decay", log=True, least=1e-6, most=1),
        "start": among("random weights", "along the paths", "where training ends", about="searches from"),
    }
    fixed = NETWORK_FIXED + ("; 10 samples, 20 searches on each; random weights N(0, 1), paths of descent at 0.3 from "
                             "weights N(0, 1/fan-in), at steps 0, 3, 30 and 150, or at their end, step 1,500")
    smallest = 50.0
    literature = ("Dauphin et al. (2014) agree, and find the index to rise with the loss; Frye et al. (2021) narrow "
                  "it: searches often end where the gradient is not 0 at all")

    def met(case):
        """the searches begin at random weights or early on a path of training"""
        return case.start != "where training ends"

    def run(case, rng):
        f = _networks(case, 10, 20, rng)
        theta, norms = find_level(f, _starts(f, case.start, rng))
        lowest, losses = np.linalg.eigvalsh(f.hess(theta))[:, 0], f.value(theta)
        shares = []
        for sample in range(10):
            found = np.flatnonzero(norms[20 * sample:20 * sample + 20] < 1e-10) + 20 * sample
            kinds = np.unique(np.column_stack([losses, lowest])[found].round(5), axis=0)
            if len(kinds):
                shares.append(100 * np.mean(kinds[:, 1] < 0))
        return _mean_share(shares, 100)


def _networks(case, samples, each, rng):
    return tiny(rng, samples, each, case.inputs, case.columns, hidden=case.hidden, activation=case.activation,
                loss=case.loss, decay=case.decay)


def _mean_share(shares, most):
    """The mean of the samples' shares; where fewer than 8 of them have one, nothing can be said."""
    return paired(shares) if len(shares) >= 8 else Outcome(most / 2, 0.0, float(most))


def _starts(f, start, rng):
    """Where the searches begin, (R, d)."""
    if start == "random weights":
        return rng.standard_normal((len(f.y), f.dim))
    looks = [1500] if start == "where training ends" else [0, 3, 30, 150]
    theta, points = f.init(rng), []
    for step in range(looks[-1] + 1):
        if step in looks:
            points.append(theta)
        theta = theta - 0.3 * f.grad(theta)
    return np.choose(np.arange(len(theta))[:, None] % len(points), points)


@trial("stall-means-critical-point", kind="effect", unit="share of the stalls that are near a critical point")
class StallsAreCriticalPoints:
    """Which share of the walks whose loss has stopped falling is near a critical point.

    Stopped falling: ten looks without a loss that is lower than the best by the tolerance, as a rule that waits ten
    epochs would have it. Near: a search from there moves by less than a twentieth of ‖θ‖, to a gradient below 1e-8.
    "Probably" is more than half.

    The condition is theory's. Where a walk stalls, the loss falls by less than the tolerance in ten looks, so that
    η‖g‖² is below tolerance · J/(10 look). With a least curvature of the decay μ the way to the bottom is ‖g‖/μ at
    most, which is short where tolerance/(10 η look) is below μ²‖θ‖²/(400 J): μ²/200 for ‖θ‖² = 1.5 and J = 0.7, the
    smallest and largest at the stalls of a first try. A thousandth leaves room for a way that bends.
    """

    axes = NETWORK | {
        "decay": among(3e-3, 1e-2, 3e-2, about="weight decay", least=1e-4, most=1),
        "lr": between(0.2, 2, about="η", log=True, least=0.01, most=10),
        "batch": among("4 rows", "all rows", about="batch"),
        "look": among(1, 10, 100, about="steps from look to look", least=1, most=1000),
        "tolerance": among(1e-2, 1e-4, 1e-6, about="tolerance", least=1e-9, most=0.5),
    }
    fixed = NETWORK_FIXED + "; 12 samples, a walk on each, up to 8,000 steps; looks at the loss of all rows"
    smallest = 0.5
    literature = ("Goodfellow, Bengio and Courville (2016), section 8.2, disagree: in training the gradient often does "
                  "not become small at all; Cohen et al. (2021) for walks above the edge")

    def met(case):
        """all rows, η at most 0.5, and a strict rule: tolerance/(10 · η · look) at most a thousandth of the decay²"""
        strict = case.tolerance / (10 * case.lr * case.look) <= case.decay**2 / 1000
        return case.batch == "all rows" and case.lr <= 0.5 and strict

    def run(case, rng):
        f = _networks(case, 12, 1, rng)
        at = _stalled(f, case, rng)
        which = np.flatnonzero(np.linalg.norm(at, axis=1) < 1e3)  # not those that flew off
        flown = np.isfinite(at[:, 0]).sum() - len(which)
        if not len(which):
            return _mean_share(np.zeros(flown), 1)
        ends, norms = find_level(f.take(which), at[which])
        moved = np.linalg.norm(ends - at[which], axis=1) / np.linalg.norm(at[which], axis=1)
        near = (moved < 0.05) & (norms < 1e-8)
        return _mean_share(np.append(near, np.zeros(flown)), 1)


def _stalled(f, case, rng):
    """Where each walk stalls (R, d); nan where it does not."""
    theta, every = f.init(rng), np.arange(len(f.y))
    best, since, at = f.value(theta), np.zeros(len(theta), int), np.full(theta.shape, np.nan)
    for step in range(1, 8001):
        part = f if case.batch == "all rows" else f.take(every, rng.choice(40, 4, replace=False))
        theta = theta - case.lr * part.grad(theta)
        if step % case.look == 0:
            loss = f.value(theta)
            lower = loss < (1 - case.tolerance) * best
            best, since = np.where(lower, loss, best), np.where(lower, 0, since + 1)
            at = np.where(((since == 10) & np.isnan(at[:, 0]))[:, None], theta, at)
            if np.isfinite(at).all():
                break
    return at
