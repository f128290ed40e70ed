"""Lesson 06: what plausible wrong answers are told, which forms of a rule are right, and the race."""
import linecache

import numpy as np
import pytest

import gdlib as gd
from gdlib.lessons.adam import contest
from gdlib.lessons.adam import exercises as ex

# --- exercises --------------------------------------------------------------------------------------------------------


def written(exercise, body):
    """The diagnosis of a function in a cell, made of these lines."""
    lines = "\n    ".join(body.splitlines())
    source = f"def {exercise.name}({', '.join(exercise.parameters)}):\n    {lines}\n"
    file = f"<cell {hash(source)}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    namespace = {"np": np}
    exec(compile(source, file, "exec"), namespace)
    return exercise.diagnose(namespace[exercise.name])


AVERAGES = "m = beta1 * m + (1 - beta1) * gradient\nv = beta2 * v + (1 - beta2) * gradient**2\n"
HATS = AVERAGES + "m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)\n"


@pytest.mark.parametrize("exercise, body", [
    (ex.steps_needed, "return np.log2(left) / np.log2(1 - lr * share)"),
    (ex.steps_needed, "return -np.log(left) / -np.log1p(-lr * share)"),
    (ex.steps_needed, "return np.log(1 / left) / np.log(1 / (1 - lr * share))"),
    (ex.filled, "return (1 - beta) * sum(beta**k for k in range(t))"),
    (ex.filled, "a = 0\nfor _ in range(t):\n    a = beta * a + 1 - beta\nreturn a"),
    (ex.filled, "return -np.expm1(t * np.log(beta)) if beta else 1"),
    # PyTorch: the root of the correction outside the root of v
    (ex.adam_step, AVERAGES + "denom = np.sqrt(v) / np.sqrt(1 - beta2**t) + eps\n"
                              "return theta - lr / (1 - beta1**t) * m / denom, m, v"),
    # optax
    (ex.adam_step, HATS + "return theta + -lr * (m_hat / (np.sqrt(v_hat) + eps)), m, v"),
    # the paper's remark and Keras, with eps scaled alike
    (ex.adam_step, AVERAGES + "alpha = lr * np.sqrt(1 - beta2**t) / (1 - beta1**t)\n"
                              "return theta - alpha * m / (np.sqrt(v) + eps * np.sqrt(1 - beta2**t)), m, v"),
    (ex.adam_step, "m = m + (1 - beta1) * (gradient - m)\nv = v + (1 - beta2) * (gradient**2 - v)\n"
                   "return theta - lr * m / (1 - beta1**t) / ((v / (1 - beta2**t)) ** 0.5 + eps), m, v"),
    (ex.adamw_step, "return theta - lr * (direction + weight_decay * theta)"),
    (ex.adamw_step, "return theta - lr * weight_decay * theta - lr * direction"),
    (ex.adamw_step, "theta = theta - lr * weight_decay * theta\nreturn theta - lr * direction"),
])
def test_other_forms_of_the_rule_are_right(exercise, body):
    assert written(exercise, body).passed, written(exercise, body).text


@pytest.mark.parametrize("exercise, body, said", [
    (ex.steps_needed, "return np.log(left) / (-lr * share)", "limit for small steps"),
    (ex.steps_needed, "return np.log(1 / left) / np.log(1 - lr * share)", "sign is reversed"),
    (ex.steps_needed, "t, e = 0, 1.0\nwhile e > left:\n    e, t = e * (1 - lr * share), t + 1\nreturn t", "round up"),
    (ex.steps_needed, "return int(np.log(left) / np.log(1 - lr * share))", "round down"),
    (ex.steps_needed, "return np.log(left) / np.log(1 - lr / share)", "a smaller slope, not a larger one"),
    (ex.steps_needed, "return np.log(left) - np.log(1 - lr * share)", "a difference"),
    (ex.filled, "return beta**t", "still empty"),
    (ex.filled, "a = 0\nfor _ in range(t):\n    a = (1 - beta) * a + beta\nreturn a", "swapped"),
    (ex.filled, "a = 0\nfor _ in range(t):\n    a = beta * a + 1\nreturn a", "sum of the powers"),
    (ex.filled, "a = 1 - beta\nfor _ in range(t):\n    a = beta * a + 1 - beta\nreturn a", "one step ahead"),
    (ex.filled, "return 1 - np.power(beta, t - 1)", "one step behind"),
    (ex.filled, "return 1 / (1 - beta**t)", "expected 0.5 and got 2"),
    (ex.filled, "return 1 / (1 - beta**t)", "How full the average is"),
    (ex.filled, "return sum((1 - beta) * beta**k for k in range(1, t + 1))", "one power too late"),
    (ex.filled, "return 1 - t**beta", "base and power are swapped"),
    (ex.steps_needed, "return np.log(left) / np.log(1 - lr * share) + 1", "one step too many"),
    (ex.adam_step, AVERAGES + "return theta - lr * m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2 * t)) + eps), m, v",
     "a beta is multiplied by t"),
    (ex.adam_step, AVERAGES + "return theta - lr * m * (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + eps), m, v",
     "m is multiplied by its correction"),
    (ex.adam_step, HATS + "return m, v, theta - lr * m_hat / (np.sqrt(v_hat) + eps)", "that is m, v, theta"),
    (ex.adam_step, "root = np.sqrt(v / (1 - beta2**t))\n" + HATS + "return theta - lr * m_hat / (root + eps), m, v",
     "the old v"),
    (ex.adam_step, "old = m / (1 - beta1**t)\n" + HATS + "return theta - lr * old / (np.sqrt(v_hat) + eps), m, v",
     "the old m"),
    (ex.adamw_step, "return theta - 2 * lr * weight_decay * theta - lr * direction", "twice the decay"),
    (ex.adamw_step, "return theta - lr * (lr * weight_decay * theta) - lr * direction", "stands twice"),
    (ex.adamw_step, "return theta * (1 - lr * weight_decay)", "Adam's step is missing"),
    (ex.adamw_step, "return theta - lr * (1 + weight_decay) * direction", "multiplies the direction"),
    # Keras
    (ex.adam_step, AVERAGES + "alpha = lr * np.sqrt(1 - beta2**t) / (1 - beta1**t)\n"
                              "return theta - alpha * m / (np.sqrt(v) + eps), m, v", "Keras's Adam"),
    (ex.adam_step, HATS + "return theta - lr * m_hat / np.sqrt(v_hat) + eps, m, v", "added to theta"),
    (ex.adam_step, HATS + "return theta - (lr * m_hat / np.sqrt(v_hat) + eps), m, v", "added to the quotient"),
    (ex.adam_step, AVERAGES + "v_hat = v / np.sqrt(1 - beta2**t)\n"
                              "return theta - lr * (m / (1 - beta1**t)) / (np.sqrt(v_hat) + eps), m, v",
     "a root of its own"),
    (ex.adam_step, AVERAGES + "return theta - lr * (m / (1 - beta1**t)) / (np.sqrt(v) / (1 - beta2**t) + eps), m, v",
     "by the whole"),
    (ex.adam_step, "m = beta2 * m + (1 - beta2) * gradient\nv = beta1 * v + (1 - beta1) * gradient**2\n"
                   "return theta - lr * m / (1 - beta2**t) / (np.sqrt(v / (1 - beta1**t)) + eps), m, v", "are swapped"),
    (ex.adam_step, AVERAGES + "t = t - 1\n"
                              "return theta - lr * m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + eps), m, v",
     "one step late"),
    (ex.adam_step, AVERAGES + "return theta - lr * m / (np.sqrt(v) + eps), m, v", "neither average is corrected"),
    (ex.adam_step, HATS + "return theta - lr * m_hat / (np.sqrt(v_hat) + eps), m_hat, v_hat", "corrected again"),
    (ex.adam_step, HATS + "return theta - lr * m_hat / (np.sqrt(v_hat) + eps), v, m", "in the other order"),
    (ex.adam_step, HATS + "return theta - m_hat / (np.sqrt(v_hat) + eps), m, v", "learning rate is missing"),
    (ex.adam_step, HATS.replace("gradient**2", "gradient * 2") +
     "return theta - lr * m_hat / (np.sqrt(v_hat) + eps), m, v", "with one star"),
    (ex.adam_step, HATS + "return theta - lr * gradient / (np.sqrt(v_hat) + eps), m, v", "as RMSprop does"),
    (ex.adam_step, HATS + "return theta - lr * m_hat / np.sqrt(v_hat + eps), m, v", "inside the root"),
    (ex.adam_step, "m *= beta1\nm += (1 - beta1) * gradient\nv = beta2 * v + (1 - beta2) * gradient**2\n"
                   "return theta - lr * m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + eps), m, v",
     "changed its argument `m`"),
    (ex.adamw_step, "return theta - lr * direction - weight_decay * theta", "In the paper only the schedule"),
    (ex.adamw_step, "return theta * (1 - lr * weight_decay) - direction", "missing in the step"),
    (ex.adamw_step, "theta = theta - lr * direction\nreturn theta - lr * weight_decay * theta", "after the step"),
    (ex.adamw_step, "return theta - lr * (direction + weight_decay)", "It is a share"),
    (ex.adamw_step, "return theta - lr * (direction - weight_decay * theta)", "theta grows"),
])
def test_a_plausible_wrong_answer_is_told_what_is_true_of_it(exercise, body, said):
    found = written(exercise, body)
    assert not found.passed and found.attempted
    assert said in found.text, found.text


# --- the race ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("entrant, rule", [(contest.momentum, gd.momentum), (contest.adam, gd.adam)])
def test_the_entrants_are_the_librarys_rules_at_a_rate_that_falls_along_a_line(entrant, rule):
    f = contest.problem(1)
    oracle = gd.minibatches(f, contest.BATCH, np.random.default_rng([7, 1]))
    falling = gd.polynomial(0.3, contest.GRADIENTS)
    run = gd.run(f, rule(falling), np.zeros(f.dim), contest.GRADIENTS, oracle=oracle)
    assert contest.enter(entrant, rates=[0.3])[1] == pytest.approx(run.loss[-1], rel=1e-9)


def test_the_cost_is_counted_in_gradients():
    steps = []

    def double(theta, gradient, lr, state):
        steps.append(lr)
        return theta - lr * (gradient(theta) + gradient(theta)) / 2, None

    contest.enter(double, rates=[0.1])
    assert len(steps) == contest.DRAWS * contest.GRADIENTS / 2


def test_a_step_that_asks_for_more_gradients_than_are_left_does_not_count():
    def greedy(theta, gradient, lr, state):
        for _ in range(contest.GRADIENTS + 1):
            g = gradient(theta)
        return theta - lr * g, None

    assert contest.enter(greedy, rates=[0.1]) == pytest.approx(np.log(60))  # the loss at the start


def test_an_entrant_that_asks_for_no_gradient_is_refused():
    with pytest.raises(ValueError, match="a rule must ask for a gradient at each step; got a step without. Call grad"):
        contest.enter(lambda theta, gradient, lr, state: (theta, None))


def test_a_loss_that_is_no_number_is_the_worst():
    assert (contest.enter(lambda theta, gradient, lr, state: (gradient(theta) * np.nan, None)) == contest.WORST).all()


# --- project ----------------------------------------------------------------------------------------------------------

shared = {}


def by_a_variable_outside(theta, gradient, lr, state):
    if state is None:
        shared["m"] = 0 * theta
    shared["m"] = 0.8 * shared["m"] + 0.2 * gradient(theta)
    return theta - lr * shared["m"], "begun"


def by_what_is_never_reset(theta, gradient, lr, state):
    shared["m"] = 0.8 * shared.get("m", 0) + 0.2 * gradient(theta)
    return theta - lr * shared["m"], None


def in_place(theta, gradient, lr, state):
    theta -= lr * gradient(theta)
    return theta, None


def with_a_dice(theta, gradient, lr, state):
    return theta - lr * gradient(theta) * np.random.default_rng().uniform(0.5, 1.5), None


def by_signs(theta, gradient, lr, state):
    return theta - lr * np.sign(gradient(theta)), None


def adam_unchanged(theta, gradient, lr, state):
    return contest.adam(theta, gradient, lr, state)


@pytest.mark.parametrize("rule, kept, words", [
    (lambda theta, gradient, lr, state: theta - lr * gradient(theta), 0, "Return two things"),
    (lambda theta, gradient, lr, state: (np.sum(theta) - lr * gradient(theta)[0], None), 0, "must keep its shape"),
    (lambda theta, gradient, lr, state: (theta * (1 - lr), None), 0, "it asked for no gradient"),
    (lambda theta, lr, state: (theta, None), 0, "your code raised TypeError"),
    (in_place, 1, "changed the theta"),
    (by_a_variable_outside, 2, "What a rule remembers belongs into `state`"),
    (by_what_is_never_reset, 2, "if it remembers something, keep that there"),
    (with_a_dice, 2, "Called twice with the same arguments"),
    (lambda theta, gradient, lr, state: (theta + lr * gradient(theta), None), 3, "Does it go downhill"),
    (lambda theta, gradient, lr, state: (theta - lr * gradient(theta), None), 4, "it walks as descent does"),
    (adam_unchanged, 4, "it walks as Adam does"),
    (contest.momentum, 4, "it walks as momentum does"),
    (lambda theta, gradient, lr, state: (theta - 0.9 * lr * gradient(theta), None), 5, "What do the rare classes need"),
    (by_signs, 5, "What do the rare classes need"),
])
def test_each_point_of_the_project_is_looked_at_and_named(rule, kept, words):
    shared.clear()
    found = ex.my_rule.diagnose(rule)
    assert not found.passed and found.attempted
    assert words in found.text, found.text
    assert found.text.count("✓") == kept


def adam_with_a_growing_memory(theta, gradient, lr, state):
    t, m, v = (0, 0 * theta, 0 * theta) if state is None else state
    t, g = t + 1, gradient(theta)
    beta2 = 1 - 1 / t
    m, v = 0.9 * m + 0.1 * g, beta2 * v + (1 - beta2) * g**2
    return theta - lr * m / (1 - 0.9**t) / (np.sqrt(v) + 1e-8), (t, m, v)


def adam_in_place(theta, gradient, lr, state):
    """A state of one's own may be changed in place."""
    state = state or {"t": 0, "m": np.zeros_like(theta), "v": np.zeros_like(theta)}
    g = gradient(theta)
    state["t"] += 1
    state["m"] *= 0.85
    state["m"] += 0.15 * g
    state["v"] *= 0.99
    state["v"] += 0.01 * g**2
    t = state["t"]
    return theta - lr * state["m"] / (1 - 0.85**t) / (np.sqrt(state["v"] / (1 - 0.99**t)) + 1e-8), state


def adam_in_a_list(theta, gradient, lr, state):
    return list(adam_with_a_growing_memory(theta, gradient, lr, state))


@pytest.mark.parametrize("rule", [adam_with_a_growing_memory, adam_in_place, adam_in_a_list])
def test_a_rule_of_ones_own_passes(rule):
    found = ex.my_rule.diagnose(rule)
    assert found.passed, found.text
    assert found.text.count("✓") == 1 + len(ex.my_rule.points)
