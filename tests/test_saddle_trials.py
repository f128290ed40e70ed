"""The parts of lesson 05's trials: batches, Kramers's rate, walks that never leave and walks that never stall."""
import numpy as np
import pytest

from gdlib.lessons.kit import trial
from gdlib.lessons.saddle_points import trials

CLAIMS = trial.load()


def test_an_epoch_has_every_row_once_for_every_walk():
    batches = trials._batches(8, 4, "by epochs", 3, np.random.default_rng(0))
    epoch = np.concatenate([next(batches), next(batches)], axis=1)
    assert (np.sort(epoch, axis=1) == np.arange(8)).all() and len(np.unique(epoch, axis=0)) == 3


WELL = {"well": "quartic", "tilt": 0.1, "lr": 0.05, "sigma": 8.0, "tails": "normal", "small": 8, "large": 64,
        "drawn": "with replacement", "steps": 2000, "count": "crosses once"}


@pytest.mark.parametrize("well", ["quartic", "cosine"])
def test_kramers_rate_is_about_what_walks_do(well):
    """Compared as rates: the formula is for weak noise, and for a walk that does not come back from the top."""
    tried = CLAIMS["big-batch-stuck-minima"]
    case = tried.case(**WELL | {"well": well, "sigma": {"quartic": 4.0, "cosine": 13.0}[well]})
    pushes = np.random.default_rng(0).standard_normal(256)
    pushes = case.sigma * (pushes - pushes.mean()) / pushes.std()
    seen = trials._share_across(case, 8, pushes, np.random.default_rng(1)).mean()
    expected = trials._crossing(case, 8)
    assert 0.1 < seen < 0.9
    assert 0.5 < np.log1p(-expected) / np.log1p(-seen) < 2


def test_all_rows_once_are_without_noise():
    case = CLAIMS["big-batch-stuck-minima"].case(**WELL | {"drawn": "by epochs", "large": 256})
    pushes = np.tile([1.0, -1.0], 128)
    across = trials._share_across(case, 256, pushes, np.random.default_rng(0))
    assert trials._crossing(case, 256) == 0 and (across == 0).all()


def test_a_walk_of_all_rows_from_the_ridge_never_leaves():
    case = CLAIMS["big-batch-stuck"].case(ways=3, lr=0.1, n=64, rows="pushes", tails="normal", sigma=0.1, away=0.0,
                                          small=1, large="all rows", drawn="by epochs", rates="equal", count="steps")
    outcome = CLAIMS["big-batch-stuck"].measured(case, 0)
    assert outcome.low >= 3  # 8 times as many steps were walked


def test_where_no_walk_stalls_nothing_is_said():
    tried = CLAIMS["stall-means-critical-point"]
    assert tried.says(trials._mean_share([], 1)) == "too wide"
    assert tried.says(trials._mean_share([1.0] * 8, 1)) == "holds"


def test_walks_that_fly_off_are_not_near_a_critical_point():
    """From a rate of 9 on, the search would meet numbers that are too large for it."""
    case = CLAIMS["stall-means-critical-point"].case(
        inputs="digits", columns=3, hidden=5, activation="tanh", loss="squared", decay=1.0, lr=9.0, batch="all rows",
        look=1, tolerance=1e-2)
    assert CLAIMS["stall-means-critical-point"].measured(case, 0).effect == 0
