"""Lesson 04: the claims on momentum, on trial."""
import numpy as np

import gdlib as gd
from gdlib.lessons.kit.axes import among, between
from gdlib.lessons.kit.intervals import Outcome
from gdlib.lessons.kit.trial import trial


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
