"""The parts of lesson 06's trials: the problems of the race, and how a rate is chosen."""
import numpy as np
import pytest

import gdlib as gd
from gdlib.lessons.adam import trials
from gdlib.lessons.kit import ledger


def test_the_race_picks_its_rate_on_other_draws_than_it_judges():
    drawn = iter(range(20))

    def measured(one, method, rates):
        return np.array([abs(rate - (2 if one < 4 else 1)) + 1 + one for rate in rates])  # 2 is best on the first four

    left = trials._tuned({"a": np.array([1.0, 2.0]), "b": np.array([1.0])}, lambda: next(drawn), measured)
    assert left.tolist() == [[2.0 + i for i in range(4, 20)], [1.0 + i for i in range(4, 20)]]


@pytest.mark.parametrize("name", trials.PROBLEMS)
@pytest.mark.parametrize("batch", trials.BATCHES)
def test_a_problem_of_the_race_has_a_slope_and_nothing_below_its_lowest_value(name, batch):
    drawn = trials.problem(name, 30.0, "turned", batch, np.random.default_rng(1))
    assert gd.analysis.check_gradient(drawn.f, drawn.f.grad, drawn.start)
    rates = 10.0 ** np.arange(-3, 1)
    left = drawn.left(trials.RIVALS["momentum"], rates, 20, falling=True)
    assert left.shape == (1, 4) and left.min() < 1
    walk = drawn.walk(trials.RIVALS["descent"], rates, 40, falling=False, looks=20)
    assert np.nanmin(walk.loss) >= drawn.lowest


def test_two_problems_of_the_race_from_one_seed_are_the_same():
    one, two = (trials.problem("digits", 5.0, "turned", "8", np.random.default_rng(3)) for _ in range(2))
    rates = np.array([0.1, 1.0])
    ends = [drawn.left(trials.ADAPTIVE["AdaGrad"], rates, 10, falling=False) for drawn in (one, two)]
    assert np.array_equal(*ends)


RARE = {"tail": 2, "inputs": "positive", "n": 200, "d": 10, "classes": 40, "batch": 32, "steps": 40,
        "rate": "constant", "beta2": 0.999, "rival": "momentum 0.9"}


@pytest.mark.parametrize("change, sentence", [
    ({"n": 79}, "n must be at least twice the number of classes, 80; got 79"),
    ({"n": 5000, "batch": 5000, "steps": 2000}, "must be at most 20,000,000; got 400,000,000. Take fewer"),
])
def test_a_case_that_cannot_be_or_would_take_hours_is_refused_before_it_is_run(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        ledger.attack("adam-wins-rare-classes", RARE | change)
