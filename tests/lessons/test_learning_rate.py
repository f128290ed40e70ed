"""Lesson 03: plausible wrong answers to its exercises, its project, the valley that narrows and what it says."""
import numpy as np
import pytest

import gdlib as gd
from gdlib.lessons.learning_rate import exercises as ex
from gdlib.lessons.learning_rate import explorers, pictures
from gdlib.lessons.learning_rate.narrowing import narrowing

# --- right in another form --------------------------------------------------------------------------------------------


def by_length(grad, theta, v, rounds):
    for _ in range(rounds):
        v = v / np.sqrt(np.sum(v**2))
        Hv = (grad(theta + 1e-5 * v) - grad(theta - 1e-5 * v)) / 2e-5
        value, v = np.dot(Hv, v), Hv / np.linalg.norm(Hv)
    return value


def by_rayleigh_afterwards(grad, theta, v, rounds):
    def product(u):
        return (grad(theta + 1e-5 * u) - grad(theta - 1e-5 * u)) / 2e-5
    for _ in range(rounds):
        v = product(v / np.linalg.norm(v))
    v = v / np.linalg.norm(v)
    return v @ product(v)


def one_sided(grad, theta, v, rounds):
    for _ in range(rounds):
        v = v / np.linalg.norm(v)
        Hv = (grad(theta + 1e-5 * v) - grad(theta)) / 1e-5
        value, v = v @ Hv, Hv
    return value


@pytest.mark.parametrize(("exercise", "right"), [
    (ex.largest_curvature, by_length),
    (ex.largest_curvature, by_rayleigh_afterwards),
    (ex.largest_curvature, one_sided),
    (ex.hover, lambda lr, c, Y: (np.sqrt(2 * c * (Y - 2 / lr)), 2 / lr) if 2 / lr < Y else (0, Y)),
    (ex.hover, lambda lr, c, Y: (np.sqrt(np.maximum(2 * c * (Y - 2 / lr), 0)), np.minimum(Y, 2 / lr))),
    (ex.rates_from_curvatures, lambda e: (2 / max(e), 2 / (min(e) + max(e)), 1 - 2 * min(e) / (min(e) + max(e)))),
    (ex.rates_from_curvatures, lambda e: (2 / max(e), 2 / (min(e) + max(e)),
                                          (max(e) / min(e) - 1) / (max(e) / min(e) + 1))),
    (ex.warm_cosine, lambda t, lr, steps, warm: gd.warmup(gd.cosine(lr, steps), warm)(t)),
    (ex.warm_cosine, lambda t, lr, steps, warm: lr * np.cos(np.pi * (t - 1) / steps / 2) ** 2 * min(t / warm, 1)),
], ids=lambda thing: getattr(thing, "name", None))
def test_another_way_to_write_it_passes(exercise, right):
    found = exercise.diagnose(right)
    assert found.passed, found.text


# --- plausible and wrong ----------------------------------------------------------------------------------------------


def going_on_with(then):
    """Power iteration whose next v is something else than Hv."""
    def search(grad, theta, v, rounds):
        for _ in range(rounds):
            v = v / np.linalg.norm(v)
            Hv = (grad(theta + 1e-5 * v) - grad(theta - 1e-5 * v)) / 2e-5
            value, v = v @ Hv, then(v, Hv)
        return value
    return search


@pytest.mark.parametrize(("exercise", "wrong", "words"), [
    (ex.warm_cosine, lambda t, lr, steps, warm: lr * (t / warm if t <= warm else
                     (1 + np.cos(np.pi * (t - warm) / (steps - warm))) / 2), "begins with the last step of the warm"),
    (ex.warm_cosine, lambda t, lr, steps, warm: lr * (t / warm if t <= warm else
                     (1 + np.cos(np.pi * (t - 1) / steps)) / 2), "you leave the cosine out"),
    (ex.warm_cosine, lambda t, lr, steps, warm: lr * ((t - 1) / warm if t - 1 < warm else
                     (1 + np.cos(np.pi * (t - 1 - warm) / max(steps - warm, 1))) / 2), "Hugging Face"),
    (ex.warm_cosine, lambda t, lr, steps, warm: lr * ((t - 1) / warm if t - 1 < warm else
                     (1 + np.cos(np.pi * min(t - 1 - warm, steps) / steps)) / 2), "Keras"),
    (ex.warm_cosine, lambda t, lr, steps, warm: lr * (1 - np.cos(np.pi * (t - 1) / steps)) / 2 * min(1, t / warm),
     "1 − cos rises"),
    (ex.warm_cosine, lambda t, lr, steps, warm: lr * (1 + np.cos(np.pi * (t - 1) / steps)) / 2 * min(1, t // warm),
     "drops the rest"),
    (ex.rates_from_curvatures, lambda e: (2 / max(e), 1 / max(e), 1 - min(e) / max(e)), "1/λmax is best"),
    (ex.rates_from_curvatures, lambda e: (1 / max(e), 1 / max(e), 1 - min(e) / max(e)), "1/λmax is best"),
    (ex.rates_from_curvatures, lambda e: (2 / max(e), 2 / (min(e) + max(e)), max(e) / min(e)), "condition number"),
    (ex.rates_from_curvatures, lambda e: (2 / max(e), 1 / e.mean(), (max(e) - min(e)) / (max(e) + min(e))),
     "one over the mean"),
    (ex.rates_from_curvatures, lambda e: (2 / max(e), 2 / sum(e), (max(e) - min(e)) / (max(e) + min(e))),
     "you add all curvatures"),
    (ex.rates_from_curvatures, lambda e: (2 / max(e), 2 / (min(e) + max(e)), 1 - min(e) / max(e)), "at η = 1/λmax"),
    (ex.rates_from_curvatures, lambda e: (2 / max(e), 2 / (min(e) + max(e)),
                                          (max(e)**0.5 - min(e)**0.5) / (max(e)**0.5 + min(e)**0.5)), "momentum"),
    (ex.largest_curvature, going_on_with(lambda v, Hv: v - Hv), "v − Hv"),
    (ex.largest_curvature, going_on_with(lambda v, Hv: v + Hv), "v + Hv"),
    (ex.hover, lambda lr, c, Y: (0.0, 2 / lr) if 2 / lr >= Y else (np.sqrt(2 * c * (Y - 2 / lr)), 2 / lr),
     "It rests at y = Y"),
    (ex.hover, lambda lr, c, Y: (0.0, Y) if 2 / lr >= Y else (np.sqrt(2 * c * (2 / lr - Y)), 2 / lr),
     "root of a negative number"),
    (ex.warm_cosine, lambda t, lr, steps, warm: lr * (t / warm if t < warm else
                     (1 + np.cos(np.pi * (t - 1) / steps)) / 2), "you leave the cosine out"),
    (ex.warm_cosine, lambda t, lr, steps, warm: lr * (1 + np.cos(np.pi * (t - 1) / steps)) / 2 * min(1, t / (warm + 1)),
     "ends one step late"),
])
def test_a_wrong_form_is_named(exercise, wrong, words):
    found = exercise.diagnose(wrong)
    assert not found.passed and found.mistake is not None
    assert words in found.text


def test_descent_hovers_wherever_the_check_of_hover_looks():
    """Beyond ηY = 2.5 it does not: there the check would ask for what no walk does. Right at 2/Y it takes for ever."""
    for lr, c, Y in ex.hover.inputs(np.random.default_rng(0)):
        if lr != 2 / Y:
            x, y = gd.run(narrowing(c, Y), gd.gradient_descent(lr), [0.3, 0.5], 4_000, every=4_000).last
            assert np.allclose([abs(x), y], ex.hover.solution_function(lr, c, Y), atol=1e-3), (lr, c, Y)


# --- the project ------------------------------------------------------------------------------------------------------

SOLUTION = ex.my_range_test.solution_function


def scaled(times):
    def my_range_test(model, theta, rng):
        return times * SOLUTION(model, theta, rng)
    return my_range_test


def in_place(model, theta, rng):
    theta -= model.grad(theta)
    return 1 / model.n


def a_sweep(model, theta, rng):
    for _ in range(1_000):
        model.grad(theta, rows=slice(32))
    return 1 / model.n


def misaligned(model, theta, rng):
    """The place among those that are left is taken for the place among all."""
    rates, losses = np.geomspace(1e-5, 100, 200), []
    for lr in rates:
        rows = rng.choice(model.n, 32, replace=False)
        losses.append(model(theta, rows=rows))
        theta = theta - lr * model.grad(theta, rows=rows)
    losses = np.array(losses)
    kept = losses < np.nanmedian(losses)  # a nan among them is no number to compare with
    return rates[np.argmin(losses[kept])] / 2


@pytest.mark.parametrize(("mine", "kept", "words"), [
    (lambda model, theta, rng: None, 0, "Return one number"),
    (lambda model, theta, rng: np.array([0.1, 0.2]), 0, "Return one number"),
    (lambda model, theta, rng: -0.1, 0, "above 0"),
    (lambda model, theta, rng: float("nan"), 0, "above 0"),
    (in_place, 1, "theta = theta - …"),
    (a_sweep, 2, "it looked at 32,000 rows"),
    (lambda model, theta, rng: 0.1, 0, "0.1 for two very different models"),
    (scaled(1e-5), 3, "Twice as much does better"),
    (scaled(10.0), 3, "too large"),
    (scaled(0.1), 4, "Twice as much does better"),
    (misaligned, 4, "Twice as much does better"),
])
def test_each_point_is_looked_at_and_named(mine, kept, words):
    found = ex.my_range_test.diagnose(mine)
    assert not found.passed and found.attempted
    assert words in found.text and found.text.count("✓") == kept, found.text


@pytest.mark.parametrize("times", [0.4, 0.67, 1.33])
def test_a_fifth_to_two_thirds_of_the_lowest_point_all_pass(times):
    """The lowest point times 0.2, 1/3 and 2/3: the check does not insist on a half."""
    assert ex.my_range_test.diagnose(scaled(times)).passed


def test_the_range_test_of_the_library_of_rules_passes():
    """With gd.run and a schedule, reading the loss of all rows now and then."""
    def my_range_test(model, theta, rng):
        rates = np.geomspace(1e-5, 100, 140)
        rule = gd.gradient_descent(lambda t: float(rates[t - 1]))
        run = gd.run(model, rule, theta, 140, oracle=gd.minibatches(model, 32, rng))
        rows = rng.choice(model.n, 64, replace=False)
        losses = [model(point, rows=rows) for point in run.theta[:-1]]
        return rates[np.nanargmin(losses)] / 3

    found = ex.my_range_test.diagnose(my_range_test)
    assert found.passed, found.text


def test_the_check_counts_rows_and_leaves_the_model_as_it_is():
    model = ex._problems()["diabetes"]
    counting, asked = ex._counting(model)
    theta = np.ones(model.dim)
    assert counting(theta, rows=slice(32)) == model(theta, rows=slice(32))
    assert np.array_equal(counting.grad(theta), model.grad(theta))
    assert asked == [32, model.n] and type(model) is gd.LeastSquares


# --- the valley that narrows ------------------------------------------------------------------------------------------


def test_narrowing_has_its_gradient():
    f = narrowing(0.3, 4.0)
    point = np.array([0.7, 2.5])
    assert gd.analysis.check_gradient(f, f.grad, point).ok


@pytest.mark.parametrize("Y", [2.0, 4.0])
@pytest.mark.parametrize("c", [0.1, 0.5])
def test_hovering_is_stable_up_to_five_halves_of_1_over_Y(c, Y):
    """The step's matrix at the swing has determinant 1 − ηc + η²x², below 1 for ηY < 2.5."""
    lrs = np.array([2.3, 2.45, 2.55]) / Y
    x, y = np.array([ex.hover.solution_function(lr, c, Y) for lr in lrs]).T
    run = gd.run(narrowing(c, Y), gd.gradient_descent(gd.per_run(lrs)), np.stack([x + 1e-3, y], axis=-1), 40_000,
                 every=40_000)
    assert (np.abs(run.last[:, 1] - y) < 1e-6).tolist() == [True, True, False]


@pytest.mark.parametrize(("state", "words"), [
    ({"lr": 0.45, "later": 0.45, "steps": 200}, "y is 4.00, and x is nearly 0."),
    ({"lr": 0.55, "later": 0.55, "steps": 200}, "y is 3.64, and x swings"),
    ({"lr": 0.58, "later": 0.52, "steps": 200}, "the edge 2/η is 3.85"),
    ({"lr": 0.72, "later": 0.72, "steps": 200}, "leaves the map"),
])
def test_the_explorer_answers_what_the_lesson_asks(state, words):
    assert words in explorers.narrow_valley(**state).sentence


def test_a_range_test_ends_at_the_cliff():
    model = ex._problems()["diabetes"]
    rates, losses, smoothed = pictures.range_test(model, np.zeros(model.dim), np.random.default_rng(0))
    assert len(rates) == len(losses) == len(smoothed) < 200
    assert losses[-1] > 4 * losses[0] >= losses[:-1].max()
    assert smoothed[1] == pytest.approx(0.9 * losses[0] + 0.1 * losses[1])


# --- what every reply says --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("prediction", "right"), [
    (ex.further_out, 1.0), (ex.quickest, 0.9), (ex.what_next, "edge"), (ex.mid_run, "rises"), (ex.other_loss, 0.05),
    (ex.two_contests, "noisy"), (ex.one_for_all, 0.5)], ids=lambda p: getattr(p, "name", ""))
def test_each_wrong_choice_has_its_own_reply(prediction, right):
    assert set(prediction.replies) == set(prediction.choices) - {prediction.answer(right)}
    assert len(set(prediction.replies.values())) == len(prediction.replies)
