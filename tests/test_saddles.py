"""Leaving the saddle x² − y² + y⁴: the steps that closed forms say, and the steps that gdlib's rules take."""
import numpy as np
import pytest

import gdlib as gd
from gdlib.lessons.saddle_points import explorers
from gdlib.lessons.saddle_points.exercises import escape_time
from gdlib.lessons.saddle_points.explorers import AWAY, RATE, escape_rate

CURVATURE = 2.0  # of the saddle, downwards
DISTANCES = np.geomspace(1e-12, 1e-2, 21)
STARTS = np.stack([np.ones(21), DISTANCES], axis=-1)


def steps_until_away(rule, starts=STARTS, steps=1_500):
    outside = np.abs(gd.run(gd.saddle, rule, starts, steps).theta[..., 1]) > 0.1
    return np.where(outside.any(axis=0), outside.argmax(axis=0), -1)


@pytest.mark.parametrize("lr", [0.01, 0.05, 0.2])
def test_descent_leaves_when_the_formula_says_within_a_step_over_ten_decades(lr):
    expected = np.ceil(escape_time.solution_function(DISTANCES, lr, CURVATURE, 0.1))
    assert np.abs(steps_until_away(gd.gradient_descent(lr)) - expected).max() <= 1


@pytest.mark.parametrize("name", ["momentum", "nesterov"])
@pytest.mark.parametrize("beta", [0.0, 0.3, 0.5, 0.9, 0.95])
def test_momentum_leaves_by_its_own_root_and_amplitude_within_a_step(name, beta):
    factor, amplitude = escape_rate(name, beta)
    expected = np.ceil(np.log(0.1 / (amplitude * DISTANCES)) / np.log(factor))
    assert np.abs(steps_until_away(getattr(gd, name)(RATE, beta)) - expected).max() <= 1


def test_without_the_amplitude_the_root_alone_is_not_enough():
    factor, _ = escape_rate("momentum", 0.9)
    alone = np.ceil(np.log(0.1 / DISTANCES) / np.log(factor))
    assert np.abs(steps_until_away(gd.momentum(RATE, 0.9)) - alone).max() > 1


@pytest.mark.parametrize("rule", [gd.gradient_descent(0.05), gd.momentum(0.05, 0.9), gd.nesterov(0.05, 0.9)])
def test_from_exactly_the_ridge_no_rule_leaves(rule):
    assert steps_until_away(rule, np.array([1.0, 0.0])) == -1


@pytest.mark.parametrize("state", [
    dict(method="descent", distance=1e-9), dict(method="momentum", beta=0.8), dict(method="nesterov", distance=1e-4),
])
def test_escape_tells_the_walks_time_and_the_formulas(state):
    e = explorers.escape(**state)
    beta = 0.0 if e.state["method"] == "descent" else e.state["beta"]
    rule = gd.gradient_descent(RATE) if beta == 0 else getattr(gd, e.state["method"])(RATE, beta)
    away = int(steps_until_away(rule, np.array([1.0, e.state["distance"]])))
    assert abs(e.data["away"] - away) <= 1
    assert f"it is away after {e.data['away']} steps" in e.sentence
    assert e.data["beside"][e.data["away"]] > AWAY >= e.data["beside"][e.data["away"] - 1]


def test_escape_says_that_noise_shortens_a_wait():
    assert "the noise has shortened the wait" in explorers.escape(distance=1e-12, noise=1e-4).sentence
    assert "the noise" not in explorers.escape(distance=1e-4).sentence.split("takes")[1]
