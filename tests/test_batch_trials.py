"""What the trials on batches measure with: gradients, noise, Kramers' wait, the model of a machine."""
from itertools import islice
from types import SimpleNamespace

import numpy as np
import pytest

from gdlib.lessons.batch_sgd_minibatch.trials import escape, machine, noise, problems

pytest.importorskip("scipy", reason="NO TEST OF TRIALS: scipy is missing (pip install -r requirements-dev.txt)")

CASE = dict(columns="normal", n=20, kappa=5.0, noise=0.3, depth=4)


def problem(model, columns="normal"):
    """A small problem of three walks, and a place for two runs."""
    rng = np.random.default_rng(0)
    made = problems.drawn(SimpleNamespace(**CASE | {"model": model, "columns": columns}), rng, walks=3, renew=True)
    theta = [block + 0.1 * rng.standard_normal(block.shape) for block in made.start(2, rng)]
    return made, theta


@pytest.mark.parametrize("columns", ["normal", "digits", "diabetes"])
@pytest.mark.parametrize("model", ["least squares", "logistic", "network"])
def test_a_problems_gradient_is_the_slope_of_its_loss(model, columns):
    made, theta = problem(model, columns)
    gradient = made.grad(theta, made.X, made.Y)
    for i, block in enumerate(theta):
        for place in np.ndindex(block[0, :2].shape):
            if i == 0 and place[1] == 1 or i == 1 and place[0] == 1:
                continue  # the first run alone
            moved = [[other.copy() for other in theta] for _ in range(2)]
            for sign, other in zip((1, -1), moved, strict=True):
                other[i][(slice(None), *place)] += sign * 1e-5
            slope = (made.loss(moved[0]) - made.loss(moved[1]))[:, 0] / 2e-5
            assert slope == pytest.approx(gradient[i][(slice(None), *place)], rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("model", ["least squares", "logistic", "network"])
def test_the_noise_scale_is_that_of_the_single_rows_gradients(model):
    made, theta = problem(model)
    theta = [theta[0][:, :, :1], *(block[:, :1] for block in theta[1:])]
    single = np.array([np.concatenate([g.reshape(3, -1) for g in made.grad(theta, made.X[:, i:i + 1],
                                                                          made.Y[:, i:i + 1])], axis=1)
                       for i in range(made.n)])
    full = single.mean(axis=0)
    expected = ((single - full) ** 2).sum(axis=2).mean(axis=0) / (full**2).sum(axis=1)
    assert made.noise_scale(theta) == pytest.approx(expected, rel=1e-9)


def test_every_row_is_in_an_epoch_once_and_a_short_batch_is_left_out():
    X = np.arange(22.0).reshape(2, 11, 1)
    made = problems.Problems(X, X, "least squares")
    taken = np.concatenate([x for x, _ in islice(problems.batches(made, 3, np.random.default_rng(0)), 3)], axis=1)
    for walk in range(2):
        assert len(set(taken[walk].ravel())) == 9 and set(taken[walk].ravel()) <= set(X[walk].ravel())


def test_full_steps_reach_the_target_when_the_target_says():
    case = SimpleNamespace(**CASE | {"model": "least squares", "depth": 7})
    (steps,) = problems.all_steps(case, [case.n], np.random.default_rng(0))
    assert (steps.min(axis=1) == 7).all()


def test_steps_saved_by_a_larger_batch_are_those_of_the_formula_without_noise_of_rows():
    made = problems.Problems(np.ones((4, 16, 1)), np.ones((4, 16, 1)), "least squares")  # all rows are the same
    target = made.loss(made.start(1, None))[:, 0] / 100
    steps = [problems.steps_to(made, made.start(1, None), np.array([0.5]), size, target, 99, np.random.default_rng(0))
             for size in (1, 4, 16)]
    assert all((count == 4).all() for count in steps)  # half of the way a step, so a quarter of the loss: 4^-4 < 1/100


@pytest.mark.parametrize("heat", [0.25, 0.4])
def test_walks_wait_as_long_as_kramers_law_says(heat):
    tilt, lr, rng = 0.1, 0.05, np.random.default_rng(0)
    bottom, top, barrier = escape._well(tilt)
    x, gone, wait = np.full(1000, bottom), False, escape.kramers(tilt, heat)
    for _ in range(int(wait / lr)):
        x = x - lr * (x**3 - x + tilt) + np.sqrt(2 * lr * heat * barrier) * rng.standard_normal(1000)
        gone = gone | (x < top - 0.5)  # well beyond the top: on it, every second walk falls back
    assert np.mean(gone) == pytest.approx(1 - np.exp(-1), abs=0.12)


@pytest.mark.parametrize("name", ["normal", "student-3", "rows with replacement", "rows reshuffled"])
def test_noise_has_mean_0_and_only_that_of_reshuffled_rows_has_it_over_an_epoch(name):
    drawn = np.array(list(islice(escape._noise(name, (50, 32), np.random.default_rng(0)), escape.ROWS)))
    assert drawn.mean() == pytest.approx(0, abs=0.02) and drawn.shape == (64, 50, 32)
    largest = np.abs(drawn.mean(axis=0)).max()
    assert largest < 1e-12 if name == "rows reshuffled" else largest > 0.1


MACHINE = dict(batch=10, times=4, launch=0.0, weights=0.0, values=0.01, tile=1, cache=10_000)


@pytest.mark.parametrize("changed, batch, time", [({}, 10, 10), ({"launch": 5.0}, 10, 15), ({"tile": 32}, 10, 32),
                                                  ({"weights": 300.0}, 10, 300.1), ({"values": 2.0}, 10, 20),
                                                  ({"values": 2.0, "cache": 5}, 10, 50)])
def test_the_machine_takes_the_time_that_its_parts_say(changed, batch, time):
    assert machine.seconds(SimpleNamespace(**MACHINE | changed), batch) == pytest.approx(time)


def test_jumps_of_a_steady_fall_are_0_and_a_batchs_variance_is_that_of_the_law():
    made = problems.Problems(np.ones((8, 50, 1)), np.random.default_rng(0).standard_normal((8, 50, 1)), "least squares")
    theta = made.start(1, None)
    variance = np.mean([noise._variance(made, theta, 5, np.random.default_rng(i)) for i in range(20)], axis=0)
    assert variance == pytest.approx(made.Y.var(axis=(1, 2)) / 5 * 45 / 49, rel=0.15)
    jumps = noise._jumps(made, theta, 50, 1e-3, 40, "the loss", np.random.default_rng(0))
    assert (jumps < 1e-7).all()
