"""Lesson 05: the claims on saddle points, on trial."""
import numpy as np

import gdlib as gd
from gdlib.lessons.kit.axes import among, between
from gdlib.lessons.kit.intervals import Outcome, paired
from gdlib.lessons.kit.trial import trial
from gdlib.lessons.kit.walks import check_length, steps_until

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
