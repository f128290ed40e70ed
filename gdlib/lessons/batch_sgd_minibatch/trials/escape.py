"""Lesson 02: does the noise of small batches lead out of a local minimum? On trial."""
import numpy as np

from gdlib.lessons.kit.axes import among, between
from gdlib.lessons.kit.intervals import paired
from gdlib.lessons.kit.trial import trial
from gdlib.lessons.kit.walks import check_length

ROWS = 64


@trial("sgd-escapes", kind="effect", unit="of a hundred walks, those that leave the local minimum")
class SGDEscapes:
    """Walks that start in the shallow one of two wells, with a batch's noise; without noise none ever leaves.

    Kramers (1940): a walk with noise of variance σ² is a flow at the temperature D = ησ²/2. It waits for the time
    τ = 2π exp(barrier/D)/√(|curvatures at bottom and top|), in units of η · steps, and e⁻³ = 5 % wait for 3τ. "Avoids
    getting stuck" is taken to mean that more than half of the walks leave, so `smallest` is 50.
    """

    axes = {
        "tilt": between(0.02, 0.3, about="tilt c of the two wells (x² − 1)²/4 + cx", least=0.001, most=0.38),
        "lr": between(0.02, 0.2, about="η", log=True, least=0.001, most=0.3),
        "heat": between(0.03, 3, about="ησ²/2, in barriers,", log=True, least=0.001, most=100),
        "time": between(20, 400, about="η times steps", log=True, least=1, most=10_000),
        "noise": among("normal", "student-3", "rows with replacement", "rows reshuffled", "fades with the slope",
                       about="noise"),
        "count": among("crosses once", "ends beyond", about="what counts: it"),
    }
    fixed = ("one coordinate; slopes cut at ±2; 8 groups of 32 walks from the bottom of the shallow well; batches of "
             "one of 64 rows where rows make the noise")
    smallest = 50.0
    of_each = 60
    literature = ("Kramers (1940) and Kleinberg, Li and Yuan (2018) agree, if the noise is large beside the barrier; "
                  "Xie, Sato and Sugiyama (2021): on networks, exponentially rarer with the batch; Şimşekli, Sagun and "
                  "Gürbüzbalaban (2019): heavy tails jump")

    def met(case):
        """to cross once counts, the noise is independent and does not fade, and the walk lasts for three waits of
        Kramers' law with D = ησ²/2"""
        independent = case.noise in ("normal", "student-3", "rows with replacement")
        return independent and case.count == "crosses once" and case.time >= 3 * kramers(case.tilt, case.heat)

    def possible(case):
        check_length(case.time / case.lr, 50_000)

    def run(case, rng):
        bottom, top, barrier = _well(case.tilt)
        sigma = np.sqrt(2 * case.heat * barrier / case.lr)
        x, crossed = np.full((8, 32), bottom), False
        noise = _noise(case.noise, x.shape, rng)
        for _ in range(int(case.time / case.lr)):
            slope = np.clip(x**3 - x + case.tilt, -2, 2)
            spread = sigma * np.abs(slope) if case.noise == "fades with the slope" else sigma
            x = x - case.lr * (slope + spread * next(noise))
            crossed = crossed | (x < top)
        return paired(100 * (crossed if case.count == "crosses once" else x < top).mean(axis=1))


def _well(tilt):
    """Bottom and top of the shallow well's barrier, and its height."""
    _, top, bottom = np.sort(np.roots([1, 0, -1, tilt]).real)
    height = [(x**2 - 1) ** 2 / 4 + tilt * x for x in (top, bottom)]
    return bottom, top, height[0] - height[1]


def kramers(tilt: float, heat: float) -> float:
    """The mean wait τ, in units of η · steps, at D = heat · barrier."""
    bottom, top, _ = _well(tilt)
    return 2 * np.pi * np.exp(1 / heat) / np.sqrt((3 * bottom**2 - 1) * (1 - 3 * top**2))


def _noise(name, shape, rng):
    """Noise of mean 0 and variance 1 for all walks, step after step."""
    rows = rng.standard_normal(ROWS)
    rows = (rows - rows.mean()) / rows.std()
    while True:
        if name == "rows reshuffled":
            yield from rows[np.argsort(rng.random((ROWS, *shape)), axis=0)]
        elif name == "rows with replacement":
            yield rows[rng.integers(ROWS, size=shape)]
        elif name == "student-3":
            yield rng.standard_t(3, shape) / np.sqrt(3)
        else:
            yield rng.standard_normal(shape)
