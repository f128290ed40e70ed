"""Lesson 06: the claims on adaptive methods, on trial."""
import numpy as np

import gdlib as gd
from gdlib.lessons.kit.axes import among, between
from gdlib.lessons.kit.intervals import paired
from gdlib.lessons.kit.trial import trial
from gdlib.lessons.kit.walks import steps_until

METHODS = {
    "RMSprop, ρ = 0.9": lambda lr: gd.rmsprop(lr, rho=0.9),
    "RMSprop, ρ = 0.99": lambda lr: gd.rmsprop(lr, rho=0.99),
    "Adam, β₂ = 0.999": lambda lr: gd.adam(lr),
    "Adam, β₂ = 0.95": lambda lr: gd.adam(lr, beta2=0.95),
}


@trial("adaptive-less-oscillation", kind="effect", unit="halvings of the steps that plain descent needs")
class AdaptiveInARavine:
    """Steps until a walk stays near the bottom of a ravine, by plain descent and by an adaptive method.

    Each at the best of 31 rates, tuned on other starts.
    """

    axes = {
        "method": among(*METHODS, about="method"),
        "kappa": between(30, 600, about="condition number", log=True, least=1, most=3000),
        "angle": among(0, 2, 5, 10, 20, 45, about="angle of the ravine in degrees", least=0, most=90),
        "target": between(0.01, 0.1, about="distance to stay within, as a share of the first,", log=True,
                          least=1e-4, most=0.9),
    }
    fixed = ("two coordinates; exact slopes; 20 starts, 30 to 60° from the ravine, 20 others to tune on; what is not "
             "named is as in the libraries; a walk that does not arrive in 60 + 3/2 · κ ln(1/target) steps counts "
             "as twice as many")
    smallest = 0.1
    seeds, of_each = 20, 80
    literature = ("Duchi, Hazan and Singer (2011) narrow it: a rate per coordinate sees the axes only, a full "
                  "matrix sees any direction")

    def met(case):
        """the ravine is narrow, κ is 60 or more, and the method is Adam or the ravine runs along an axis"""
        return case.kappa >= 60 and (case.method.startswith("Adam") or case.angle == 0)

    def run(case, rng):
        f = gd.quadratic([1 / case.kappa, 1.0], np.deg2rad(case.angle))
        turn = np.deg2rad(case.angle) + rng.uniform(np.pi / 6, np.pi / 3, (40, 1)) * rng.choice([-1, 1], (40, 1))
        theta0 = np.stack([np.cos(turn), np.sin(turn)], axis=-1) * rng.choice([-1, 1], (40, 1, 1)) + np.zeros((31, 1))
        steps = int(60 + 1.5 * case.kappa * np.log(1 / case.target))
        best = []
        for opt in (gd.gradient_descent(gd.per_run(np.geomspace(0.02, 1.99, 31))),
                    METHODS[case.method](gd.per_run(np.geomspace(1e-4, 2, 31)))):
            took = steps_until(lambda theta: np.linalg.norm(theta, axis=-1) <= case.target, opt, theta0, steps, f.grad,
                               stay=True)
            took = np.minimum(took, 2 * steps)
            best.append(took[20:, took[:20].mean(axis=0).argmin()])
        return paired(np.log2(best[0] / best[1]))
