"""Lesson 00: its claim, on trial."""

import gdlib as gd
from gdlib.lessons.kit.axes import among, between
from gdlib.lessons.kit.intervals import paired
from gdlib.lessons.kit.trial import trial
from gdlib.lessons.kit.walks import SURFACES, step_that_bends, surface

PLACES = {"rosenbrock": gd.rosenbrock, "himmelblau": gd.himmelblau, "beale": gd.beale, "saddle": gd.saddle}


@trial("twice-as-far", kind="effect", unit="height lost by the double step, beside that by the single one")
class TwiceAsFar:
    """The height lost by a step along the negative gradient, and by one twice as long, from 32 places."""

    axes = {
        "surface": among(*SURFACES, *PLACES, about="surface"),
        "d": among(2, 20, 100, about="coordinates (of a named surface 2)", least=2, most=300),
        "kappa": between(1, 100, about="condition number", log=True, least=1, most=1e4),
        "bend": between(0.001, 1, about="change of the slope along the step, as a share of it,", log=True,
                        least=1e-5, most=10),
    }
    fixed = "32 places, normal around 0; at each the step is so long that the slope changes along it by the share given"
    smallest, most = 1.9, 2.1
    seeds, of_each = 32, 60
    literature = "Taylor: J(θ − ηg) = J − η‖g‖² + ½η²gᵀHg"

    def met(case):
        """the slope changes by at most a twentieth along the step"""
        return case.bend <= 0.05

    def run(case, rng):
        f = PLACES.get(case.surface) or surface(case.surface, case.d, case.kappa, rng)[0]
        theta = rng.standard_normal((32, 2 if case.surface in PLACES else case.d))
        step = step_that_bends(f, theta, case.bend)
        once, twice = (f(theta) - f(theta + k * step) for k in (1, 2))
        return paired(twice / once)
