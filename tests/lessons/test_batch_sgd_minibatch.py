"""Lesson 02: what its exercises say to slips, its formulas against brute force, its project, its explorer."""
from itertools import combinations

import numpy as np
import pytest

import gdlib as gd
from gdlib.lessons.batch_sgd_minibatch import exercises as ex
from gdlib.lessons.batch_sgd_minibatch import explorers
from tests.test_exercises import one_line, written


@pytest.mark.parametrize("expression", [
    "X.T @ (1 / (1 + np.exp(-X @ theta)) - y) / len(y)",
    "(np.exp(X @ theta) / (1 + np.exp(X @ theta)) - y) @ X / len(X)",
    "np.mean((1 / (1 + np.exp(-X @ theta)) - y)[:, None] * X, axis=0)",
    "-np.mean(((2*y - 1) / (1 + np.exp((2*y - 1) * (X @ theta))))[:, None] * X, axis=0)",  # of labels −1 and +1
])
def test_right_gradients_pass(expression):
    assert one_line(ex.logistic_gradient, expression).passed


@pytest.mark.parametrize("expression, said", [
    ("X.T @ (y - 1/(1 + np.exp(-X @ theta)))", "sign is reversed; and the loss is a mean"),
    ("X.T @ (np.round(1/(1 + np.exp(-X @ theta))) - y) / len(y)", "0 or 1"),
    ("X.T @ (1/(1 + np.exp(X @ theta)) - y) / len(y)", "falls where the score rises"),
    ("X.T @ (1/(1 + np.exp(-X @ theta)) - y) / len(y) + theta", "L2 regularisation"),
    ("-X.T @ (y / (1 + np.exp(y * (X @ theta)))) / len(y)", "labels −1 and +1"),
    ("X.T @ (-y * (1 - 1/(1 + np.exp(-X @ theta)))) / len(y)", "only the rows with y = 1"),
    ("X.T @ (1/(1 + np.exp(-X @ theta)) - y) ** 2 / len(y)", "the error was squared"),
])
def test_a_slip_in_the_gradient_is_known(expression, said):
    found = one_line(ex.logistic_gradient, expression)
    assert found.mistake is not None and said in found.text


def test_math_exp_is_told_to_take_one_number():
    source = "import math\ndef logistic_gradient(theta, X, y):\n    return X.T @ (1/(1 + math.exp(-X @ theta)) - y)\n"
    assert "those of NumPy take an array: `np.exp`" in written(source, ex.logistic_gradient).text


BATCHES = """def minibatches(order, batch_size):
    batches = []
    for first in range(0, len(order), batch_size):
        {}
    return batches
"""


@pytest.mark.parametrize("line, said", [
    ("batches.append(order[first : first + batch_size])", "✓"),
    ("batches.append(order[first : min(first + batch_size, len(order))])", "✓"),
    ("batches += [order[first : first + batch_size]]", "✓"),
    ("batches += list(order[first : first + batch_size])", "`extend` and `+=` would take it apart"),
    ("batches.extend(order[first : first + batch_size])", "`extend` and `+=` would take it apart"),
    ("batches = batches + order[first : first + batch_size]", "`batches + …` adds numbers"),
    ("batches.append(order[first * batch_size : (first + 1) * batch_size])", "(nan: an empty batch)"),
    ("batches = order[first : first + batch_size]", "the last one"),
    ("batches.append(order[first:])", "I expected"),
    ("batches.append(np.arange(first, first + batch_size))", "the last ones lie beyond the end"),
    ("batches.append(order[first : batch_size])", "ends at batch_size each time"),
])
def test_a_line_of_minibatches(line, said):
    found = written(BATCHES.format(line), ex.minibatches)
    assert said in found.text and found.passed == (said == "✓")


@pytest.mark.parametrize("expression, said", [
    ("[r for i in range(0, len(order), batch_size) for r in order[i : i + batch_size]]", "joined into one list"),
    ("[np.arange(i, min(i + batch_size, len(order))) for i in range(0, len(order), batch_size)]", "in their old order"),
    ("[order[i : i + batch_size] for i in range(0, len(order) - batch_size + 1, batch_size)]", "left over are missing"),
    ("np.array_split(order, len(order) // batch_size)", "raised ValueError"),
    ("np.split(order, range(batch_size, len(order), batch_size))", "✓"),
    ("[order[i : i + batch_size] for i in range(0, len(order) + batch_size, batch_size)]", "The beginnings go too far"),
    ("[order[i : batch_size] for i in range(0, len(order), batch_size)]", "(nan: an empty batch)"),
    ("np.split(order, range(batch_size, len(order) // batch_size * batch_size, batch_size))", "into the batch before"),
    ("np.split(order, range(len(order) % batch_size or batch_size, len(order), batch_size))", "comes first"),
    ("[order[i : i + batch_size] for i in range(0, len(order), batch_size)][::-1]", "the last comes first"),
    ("[order[i :: -(-len(order) // batch_size)] for i in range(-(-len(order) // batch_size))]", "leap over rows"),
])
def test_whole_ways_to_cut(expression, said):
    found = one_line(ex.minibatches, expression)
    assert said in found.text and found.passed == (said == "✓")


def test_batch_variance_is_the_mean_over_all_batches():
    single = np.random.default_rng(0).normal(size=(6, 2))
    G = single.mean(axis=0)
    for B in range(1, 7):
        errors = [single[list(rows)].mean(axis=0) - G for rows in combinations(range(6), B)]
        expected = np.mean(np.sum(np.square(errors), axis=1))
        assert ex.batch_variance.solution_function(single, B) == pytest.approx(expected, abs=1e-15)


S2, N = "np.var(single, axis=0).sum()", "len(single)"


@pytest.mark.parametrize("expression, said", [
    (f"{S2} / batch_size * ({N} - batch_size) / ({N} - 1)", "✓"),
    (f"{S2} * (1/batch_size - 1/{N}) * {N} / ({N} - 1)", "✓"),
    (f"single.var(axis=0, ddof=1).sum() * (1/batch_size - 1/{N})", "✓"),        # as surveys write it
    (f"np.trace(np.cov(single.T, ddof=0)) / batch_size * ({N} - batch_size) / ({N} - 1)", "✓"),
    (f"{S2} / batch_size", "only one thing is missing"),
    (f"{S2}", "that is σ², for a single row"),
    (f"{S2} * {N} / batch_size", "σ² is their mean"),
    (f"np.var(single, axis=1) / batch_size * ({N} - batch_size) / ({N} - 1)", "one number for each row"),
    (f"np.trace(np.cov(single.T)) / batch_size * ({N} - batch_size) / ({N} - 1)", "ddof=1"),
    (f"np.trace(np.cov(single)) / batch_size * ({N} - batch_size) / ({N} - 1)", "np.cov takes each *row*"),
    ("single.var(axis=0, ddof=1).sum() / batch_size", "drawn independently"),
    (f"{S2} / batch_size * (1 - batch_size / {N})", "divided by n − 1"),
    (f"{S2} / batch_size * (1 - (batch_size - 1) / {N})", "n(n − 1) pairs"),
    (f"({S2} / batch_size * ({N} - batch_size) / ({N} - 1)) ** 0.5", "that is the root"),
])
def test_a_form_of_batch_variance(expression, said):
    found = one_line(ex.batch_variance, expression)
    assert said in found.text and found.passed == (said == "✓")
    assert found.passed or found.mistake is not None


def test_noise_floor_is_where_the_variance_stays():
    for lr, curvature, s2, B in [(0.1, 1.0, 1.0, 1), (0.3, 4.0, 2.0, 8)]:
        V = 0.0
        for _ in range(1000):
            V = (1 - lr * curvature) ** 2 * V + lr**2 * s2 / B
        assert ex.noise_floor.solution_function(lr, curvature, s2, B) == pytest.approx(curvature * V / 2)


@pytest.mark.parametrize("expression, said", [
    ("lr * s2 / (2 * (2 - lr * curvature) * batch_size)", "✓"),
    ("curvature / 2 * (lr**2 * s2 / batch_size) / (1 - (1 - lr * curvature)**2)", "✓"),
    ("lr * s2 / (curvature * (2 - lr * curvature) * batch_size)", "The loss above the lowest is λV/2"),
    ("lr * s2 / (4 * batch_size)", "for a small learning rate"),
    ("lr * s2 / (2 * (2 - lr * curvature))", "batch_size is missing"),
    ("lr * s2 / (2 * batch_size)", "by the *square* of that"),
    ("s2 / (2 * (2 - lr * curvature) * batch_size)", "so its variance by η²"),
    ("curvature / 2 * (lr**2 * s2 / batch_size) / (1 - lr * curvature)**2", "divide by 1 − (1 − ηλ)²"),
    ("lr * s2 / ((2 - lr * curvature) * batch_size)", "the ½ of the loss"),
    ("lr**2 * s2 / batch_size", "what one step adds"),
    ("lr * s2 / 2 * (2 - lr * curvature) * batch_size", "brackets are missing"),
])
def test_a_form_of_noise_floor(expression, said):
    found = one_line(ex.noise_floor, expression)
    assert said in found.text and found.passed == (said == "✓")


CHOOSE = """def choose_batch(sizes, noise_scale, overhead, per_row):
    seconds = []
    for B in sizes:
        {}
    return sizes[np.argmin(seconds)]
"""


@pytest.mark.parametrize("line, said", [
    ("seconds.append((1 + noise_scale / B) * (overhead + per_row * B))", "✓"),
    ("seconds += [(B + noise_scale) / B * (overhead + B * per_row)]", "✓"),
    ("seconds = (1 + noise_scale / B) * (overhead + per_row * B)", "makes it one number; use `seconds.append(…)`"),
    ("seconds = [(1 + noise_scale / B) * (overhead + per_row * B)]", "always the first of `sizes`"),
    ("seconds.append(1 + noise_scale / B * (overhead + per_row * B))", "with brackets around both"),
    ("seconds.append(1 + noise_scale / B)", "always the largest size"),
    ("seconds.append((1 + noise_scale / B) * overhead)", "always the largest size"),
    ("seconds.append(overhead + per_row * B)", "always the smallest size"),
    ("seconds.append((1 + noise_scale / B) * (overhead * B + per_row))", "changed places"),
    ("seconds.append((1 + B / noise_scale) * (overhead + per_row * B))", "always the smallest size"),
    ("pass", "argmin of an empty sequence"),
])
def test_a_line_of_choose_batch(line, said):
    found = written(CHOOSE.format(line), ex.choose_batch)
    assert said in found.text and found.passed == (said == "✓")


def test_the_size_nearest_to_the_root_by_subtraction_is_not_the_best():
    near = "min(sizes, key=lambda B: abs(B - np.sqrt(noise_scale * overhead / per_row)))"
    assert "by subtraction" in one_line(ex.choose_batch, near).text
    by_ratio = "min(sizes, key=lambda B: abs(np.log(B**2 * per_row / (noise_scale * overhead))))"
    assert one_line(ex.choose_batch, by_ratio).passed


def test_half_or_twice_the_best_size_costs_at_most_an_eighth_more():
    for ratio in np.geomspace(1e-4, 1e4, 200):  # of the noise scale and a step's fixed cost in rows
        best, seconds = np.sqrt(ratio), lambda B, ratio=ratio: (1 + ratio / B) * (1 + B)
        assert max(seconds(best / 2), seconds(2 * best)) <= 1.125 * seconds(best) * (1 + 1e-12)


# --- the project ------------------------------------------------------------------------------------------------------


def descend(model, rng, B=32, lr=1.0, steps=200):
    return gd.run(model, gd.gradient_descent(lr), np.zeros(650), steps, oracle=gd.minibatches(model, B, rng)).last


@pytest.mark.parametrize("train, kept, words", [
    (lambda model, rng: None, 0, "expected an array of numbers and got None"),
    (lambda model, rng: gd.run(model, gd.gradient_descent(1.0), np.zeros(650), 5), 0, "`run.last`"),
    (lambda model, rng: np.zeros((64, 10)), 0, "got shape (64, 10)"),
    (lambda model, rng: np.full(650, np.nan), 0, "nan or infinite"),
    (lambda model, rng: rng.normal(size=650) + np.random.default_rng().normal(size=650), 1, "Draw from `rng`"),
    (lambda model, rng: np.zeros(650), 2, "Take every gradient from it"),
    (lambda model, rng: model.grad(np.zeros(650)), 3, "is there a minus before the learning rate"),
    (lambda model, rng: descend(model, rng, B=1, lr=0.2, steps=1078), 2, "cost 55,029 rows"),
    (lambda model, rng: descend(model, rng, B=1078, lr=8.0, steps=40), 2, "cost 45,171 rows"),
    (lambda model, rng: descend(model, rng, lr=0.01), 3, "Try another learning rate"),
])
def test_each_point_is_looked_at_and_named(train, kept, words):
    def my_recogniser(model, rng):
        return train(model, rng)

    found = ex.my_recogniser.diagnose(my_recogniser)
    assert not found.passed and found.attempted
    assert words in found.text and found.text.count("✓") == kept


def test_a_recogniser_by_gd_run_passes():
    found = ex.my_recogniser.diagnose(descend)
    assert found.passed, found.text
    assert found.text.count("✓") == 1 + len(ex.my_recogniser.points)


def test_the_meter_counts_each_gradient_and_its_rows_in_all_runs_and_copies():
    X, y = ex.recogniser_data(0)[0]
    model = ex.Metered(X, y)
    model.grad(np.zeros(650), [1, 2, 3])
    model.take(np.arange(10)).grad(np.zeros((2, 650)))
    assert model.meter == [53 + 2 * 60]


# --- pictures' data, explorer -----------------------------------------------------------------------------------------


def test_threes_and_eights_are_standardised_inks():
    X, y = ex.threes_and_eights()
    images, digit = gd.data.load("digits")
    left = images[(digit == 3) | (digit == 8)].reshape(-1, 8, 8)[:, :, :4].sum(axis=(1, 2))
    assert np.corrcoef(left, X[:, 0])[0, 1] == pytest.approx(1)
    assert X.mean(axis=0) == pytest.approx(0, abs=1e-12) and X.std(axis=0) == pytest.approx(1)
    assert y.sum() == np.sum(digit == 8)


@pytest.mark.parametrize("rate, arrived", [(0.01, False), (0.1, True)])
def test_the_noise_ball_says_when_the_walk_has_not_arrived(rate, arrived):
    ball = explorers.noise_ball(rate=rate)
    _, said = ball.picture(ball.state)
    assert ("has not arrived" in said) != arrived
