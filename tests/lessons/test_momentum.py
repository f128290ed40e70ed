"""Lesson 04: closed forms against simulation, what learners write, the project and its race."""
import numpy as np
import pytest

import gdlib as gd
from gdlib import analysis
from gdlib.lessons.kit.recurrence import recurrence
from gdlib.lessons.momentum import exercises as ex
from gdlib.lessons.momentum import explorers, race
from tests.test_exercises import one_line, written

best_pair = ex.best_pair.solution_function


@pytest.mark.parametrize("rule, look_ahead", [(gd.momentum, False), (gd.nesterov, True)])
@pytest.mark.parametrize("a, beta", [(0.3, 0.0), (0.3, 0.5), (1.9, 0.9), (0.01, 0.81), (-0.1, 0.9)])
def test_the_recurrence_is_the_rules_walk(rule, look_ahead, a, beta):
    """Where a direction bends downwards a = ηλ is negative."""
    walk = gd.run(gd.quadratic([a / 0.1]), rule(0.1, beta), [1.0], 40).theta[:, 0]
    t, b = recurrence(a, beta, look_ahead)
    np.testing.assert_allclose(walk[2:], t * walk[1:-1] - b * walk[:-2], rtol=1e-9, atol=1e-12)
    assert walk[1] == pytest.approx(t - b)  # from rest: the place before the start is the start


@pytest.mark.parametrize("beta", [0.25, 0.6, 0.9])
def test_shrink_is_what_runs_do_and_what_the_explorer_says(beta):
    for eta_lambda in (0.01, 0.05, 0.6, 1.5, 2 + 2 * beta - 0.01, 2 + 2 * beta + 0.1):
        factor = ex.shrink.solution_function(eta_lambda, beta)
        x = gd.run(gd.quadratic([1.0]), gd.momentum(eta_lambda, beta), [1.0], 600).theta[:, 0]
        length = np.hypot(x[1:], np.diff(x))
        assert (length[599] / length[199]) ** (1 / 400) == pytest.approx(factor, abs=0.01)
        name, said = explorers.fate(eta_lambda, beta)
        assert said == pytest.approx(factor) and (name == "flies off") == (factor > 1)
        assert (name == "swings") == ((1 - beta**0.5) ** 2 < eta_lambda < (1 + beta**0.5) ** 2)


def test_best_pair_contracts_by_its_factor_once_k_is_divided_out():
    lr, beta, factor = best_pair(1, 100)
    assert (lr, beta, factor) == pytest.approx((0.0330579, 0.669421, 0.8182), rel=1e-4)
    ball = gd.run(gd.quadratic([1, 100]), gd.momentum(lr, beta), [1.0, 1.0], 1_000)
    hiker = gd.run(gd.quadratic([1, 100]), gd.gradient_descent(2 / 101), [1.0, 1.0], 1_000)
    for p, q in [(200, 400), (500, 1_000)]:
        raw = analysis.measured_rate(ball, p, q)
        assert raw > factor + 5e-4
        assert raw / (q / p) ** (1 / (q - p)) == pytest.approx(factor, abs=5e-5)
        assert analysis.measured_rate(hiker, p, q) == pytest.approx(99 / 101, abs=1e-6)


def test_steps_grow_like_kappa_and_like_its_root():
    kappas, walk, ball = [10, 100, 1_000, 10_000], [], []
    for kappa in kappas:
        f, (lr, beta, _) = gd.quadratic([1, kappa]), best_pair(1, kappa)
        walk.append(analysis.steps_to(gd.run(f, gd.gradient_descent(2 / (1 + kappa)), [1.0, 1.0], 12 * kappa), 1e-9))
        steps = int(16 * kappa**0.5) + 100
        ball.append(analysis.steps_to(gd.run(f, gd.momentum(lr, beta), [1.0, 1.0], steps), 1e-9))
    assert min(walk) > 0 and min(ball) > 0
    assert analysis.slope(kappas, walk) == pytest.approx(1, abs=0.05)
    assert analysis.slope(kappas, ball) == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("rule, edge", [
    (gd.momentum, lambda b: 2 + 2 * b), (gd.nesterov, lambda b: (2 + 2 * b) / (1 + 2 * b)),
])
def test_edge_of_stability(rule, edge):
    betas = np.array([0, 0.3, 0.6, 0.9])
    for shift, grows in [(-1e-3, False), (1e-3, True)]:
        opt = rule(gd.per_run(edge(betas) + shift), gd.per_run(betas))
        run = gd.run(gd.quadratic([1.0]), opt, [1.0], 4_000)
        swing = np.abs(run.theta[..., 0])
        assert ((swing[3_000:].max(axis=0) > swing[1_000:2_000].max(axis=0)) == grows).all()


def test_noise_follows_its_formula():
    f = gd.quadratic(np.ones(4_000))
    for eta, beta in [(0.1, 0), (0.1, 0.9), (1.0, 0.9)]:
        noise = gd.noisy(f, 1.0, np.random.default_rng(3))
        run = gd.run(f, gd.momentum(eta, beta), np.zeros(4_000), 600, oracle=noise, every=5)
        formula = eta * (1 + beta) / ((1 - beta) * (2 * (1 + beta) - eta))
        assert np.mean(run.theta[40:] ** 2) == pytest.approx(formula, rel=0.05)


# What learners write ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("exercise, expression", [
    (ex.momentum_step, "theta - lr * (beta * v + gradient), beta * v + gradient"),
    (ex.momentum_step, "theta - lr * beta * v - lr * gradient, gradient + v * beta"),
    (ex.momentum_step, "[theta - lr * (beta * v + gradient), beta * v + gradient]"),
    (ex.shrink, "max(abs(np.roots([1, eta_lambda - beta - 1, beta])))"),
    (ex.shrink, "np.abs(np.linalg.eigvals([[1 + beta - eta_lambda, -beta], [1, 0]])).max()"),
    (ex.shrink, "np.abs(np.linalg.eigvals([[1 - eta_lambda, -beta], [eta_lambda, beta]])).max()"),
    (ex.shrink, "max(abs((1 + beta - eta_lambda + s * np.sqrt((1 + beta - eta_lambda)**2 - 4*beta + 0j)) / 2) "
                "for s in (1, -1))"),
    (ex.best_pair, "4 / (L**0.5 + mu**0.5)**2, (((L/mu)**0.5 - 1) / ((L/mu)**0.5 + 1))**2, "
                   "((L/mu)**0.5 - 1) / ((L/mu)**0.5 + 1)"),
    (ex.best_pair, "((2 / (np.sqrt(L) + np.sqrt(mu)))**2, (1 - 2*np.sqrt(mu) / (np.sqrt(L) + np.sqrt(mu)))**2, "
                   "1 - 2*np.sqrt(mu) / (np.sqrt(L) + np.sqrt(mu)))"),
    (ex.nesterov_step, "theta - lr * (beta * v + grad(theta - lr * beta * v)), "
                       "beta * v + grad(theta - lr * beta * v)"),
    (ex.to_pytorch, "(lr, -v / lr) if form == 'keras' else (lr * (1 - beta), v / (1 - beta))"),
])
def test_other_ways_to_be_right_pass(exercise, expression):
    assert one_line(exercise, expression).passed


@pytest.mark.parametrize("exercise, expression, said", [
    (ex.momentum_step, "theta + lr * (beta * v - gradient), beta * v - gradient", "your velocity points downhill"),
    (ex.momentum_step, "theta - lr * (gradient + beta * (beta * v + gradient)), beta * v + gradient", "Nesterov's"),
    (ex.momentum_step, "theta - lr * v, beta * v + gradient", "the old velocity"),
    (ex.momentum_step, "theta - lr * ((1-beta) * v + beta * gradient), (1-beta) * v + beta * gradient", "two shares"),
    (ex.momentum_step, "theta - lr * gradient, gradient", "the old velocity is lost"),
    (ex.momentum_step, "theta - beta * (lr * v + gradient), lr * v + gradient", "lr and β have changed places"),
    (ex.momentum_step, "theta - lr * (beta * v + gradient), gradient", "the gradient is handed back"),
    (ex.shrink, "np.abs(np.roots([1, -(1 + beta - eta_lambda), beta]))", "the sizes of both roots"),
    (ex.shrink, "np.abs(np.roots([1, -(1 + beta - eta_lambda * (1 - beta)), beta])).max()", "roots of the average"),
    (ex.best_pair, "2 / (mu + L), 0, (L - mu) / (L + mu)", "plain descent at its best"),
    (ex.best_pair, "1 / (L**.5 + mu**.5)**2, ((L**.5 - mu**.5) / (L**.5 + mu**.5))**2, "
                   "(L**.5 - mu**.5) / (L**.5 + mu**.5)", "a factor 4 is missing"),
    (ex.best_pair, "4 / (L + mu)**2, ((L - mu) / (L + mu))**2, (L - mu) / (L + mu)", "all three have L and μ"),
    (ex.best_pair, "1 / L, (L**.5 - mu**.5) / (L**.5 + mu**.5), 1 - (mu/L)**.5", "its usual bound"),
    (ex.nesterov_step, "theta + lr * (beta * v + grad(theta - lr * beta * v)), "
                       "beta * v + grad(theta - lr * beta * v)", "goes uphill"),
    (ex.nesterov_step, "theta - (beta * v + grad(theta - lr * beta * v)), "
                       "beta * v + grad(theta - lr * beta * v)", "lr is missing"),
    (ex.nesterov_step, "theta - (beta * v + lr * grad(theta - beta * v)), beta * v + lr * grad(theta - beta * v)",
     "your velocity has lr in it"),
    (ex.nesterov_step, "theta - lr * (1 + beta) * (beta * v + grad(theta - lr * beta * v)), "
                       "beta * v + grad(theta - lr * beta * v)", "the next place that will be looked at"),
    (ex.nesterov_step, "theta - lr * (beta * v + grad(theta - lr * beta * v)), beta * v + grad(theta)",
     "the slope at theta in it"),
    (ex.to_pytorch, "(lr, -v / lr) if form == 'keras' else (lr * beta, v / (1 - beta))", "1 − β, not β"),
    (ex.to_pytorch, "(lr, -v / lr) if form == 'keras' else (lr * (1 - beta), -v / (1 - beta))", "no minus sign"),
    (ex.to_pytorch, "(lr, -v / lr) if form == 'keras' else (lr, v * (1 - beta))", "longer than the average"),
    (ex.to_pytorch, "(1, -v) if form == 'keras' else (lr * (1 - beta), v / (1 - beta))", "count with 1"),
    (ex.to_pytorch, "(lr / (1 - beta), -v / lr) if form == 'keras' else (lr * (1 - beta), v / (1 - beta))",
     "lr stays as it is"),
    (ex.shrink, "beta**0.5", "Where they are real, one of them is larger"),
    (ex.shrink, "abs(np.roots([1, -(1 - beta - eta_lambda), beta])).max()", "the sign of β"),
    (ex.shrink, "np.roots([1, -(1 + beta - eta_lambda), beta]).real.max()", "real part, and its sign"),
    (ex.shrink, "abs(np.roots([1, -(1 + beta - eta_lambda), -beta])).max()", "the sign of the constant"),
    (ex.shrink, "np.linalg.norm([[1 + beta - eta_lambda, -beta], [1, 0]], 2)", "eigenvalues decide"),
    (ex.best_pair, "(2 / (L**.5 + mu**.5))**2, ((L**.5 + mu**.5) / (L**.5 - mu**.5))**2, "
                   "(L**.5 - mu**.5) / (L**.5 + mu**.5)", "upside down"),
    (ex.best_pair, "4 / (L**.5 + mu**.5)**2, ((L/mu - 1) / (L/mu + 1))**2, (L/mu - 1) / (L/mu + 1)", "where √L and √μ"),
    (ex.best_pair, "1 / L, (L**.5 - mu**.5) / (L**.5 + mu**.5), (1 - (mu/L)**.5)**.5", "Nesterov's rule"),
    (ex.nesterov_step, "theta - lr * (grad(theta) + beta * (beta * v + grad(theta))), beta * v + grad(theta)",
     "PyTorch's form"),
    (ex.nesterov_step, "theta - lr * (beta * v + grad(theta - lr * beta * v)), v", "the old velocity is handed back"),
    (ex.nesterov_step, "theta - lr * (beta * v + grad), beta * v + grad", "`grad` is a function. Call it"),
    (ex.to_pytorch, "(lr, -v / lr) if form == 'Keras' else (lr * (1 - beta), v / (1 - beta))", "in small letters"),
    (ex.to_pytorch, "(lr * (1 - beta), v / (1 - beta)) if form == 'Average' else (lr, -v / lr)", "in small letters"),
])
def test_what_is_wrong_is_told_by_its_own_sentence(exercise, expression, said):
    found = one_line(exercise, expression)
    assert not found.passed and said in found.text, found.text


@pytest.mark.parametrize("beta, in_cycles", [((76**0.5 - 2) / (76**0.5 + 2), 0), (4 / 9, 140)])
def test_in_the_kinked_valley_the_pair_decides(beta, in_cycles):
    """From 140 of 1,201 starts the heavy ball cycles at its own best pair, and from none at Nesterov's."""
    def slope(x):
        return np.where(x < 1, 25 * x, np.where(x < 2, x + 24, 25 * x - 24))

    lr = 1 / 9 if in_cycles else 4 / 76
    *_, (_, theta, _) = gd.iterate(gd.momentum(lr, beta), np.linspace(-6, 6, 1_201), [slope] * 1_000)
    assert np.sum(np.abs(theta) > 1e-3) == pytest.approx(in_cycles, abs=6 if in_cycles else 0)


# The project -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lines, kept, words", [
    ("    return theta - lr * gradient", 0, "Return two things"),
    ("    return memory + gradient, (theta - lr * gradient)[:2]", 2, "uphill"),
    ("    return np.zeros(2), memory", 0, "returned one of shape (2,)"),
    ("    return theta - lr * gradient / memory, memory", 0, "nan or beyond all numbers"),
    ("    memory *= beta\n    memory += gradient\n    return theta - lr * memory, memory", 1, "its argument memory"),
    ("    theta -= lr * gradient\n    return theta, beta * memory + gradient", 1, "changed its argument theta"),
    ("    memory = beta * memory - gradient\n    return theta - lr * memory, memory", 2, "uphill"),
    ("    return theta, memory", 2, "does not go downhill"),
    ("    return theta - lr * gradient, memory", 3, "as that of descent is"),
    ("    memory = memory + gradient\n    return theta - lr * memory, memory", 4, "Old gradients have to fade"),
    ("    memory = beta * memory + gradient\n    return theta - lr * np.sign(memory), memory", 4, "it still moves"),
    ("    memory = 2 * memory + gradient\n    return theta - lr * memory, memory", 4, "have to fade"),
    ("    return theta - lr * np.clip(0.01 * memory + gradient, -0.01, 0.01), gradient", 3, "as that of descent is"),
])
def test_each_point_of_the_project_is_looked_at_and_named(lines, kept, words):
    found = written(f"def my_momentum(theta, memory, gradient, lr, beta):\n{lines}\n", ex.my_momentum)
    assert not found.passed and found.attempted
    assert words in found.text and found.text.count("✓") == kept, found.text


@pytest.mark.parametrize("lines", [
    "    v = beta * memory + gradient\n    return theta - lr * v, v",
    "    v = beta * memory + (1 - beta) * gradient\n    return theta - lr * v, v",
    "    v = beta * memory + (1 - 0.5) * gradient\n    return theta - lr * v, v",
    "    v = beta * memory + gradient\n    return theta - lr * (gradient + beta * v), v",
    "    v = beta * memory - lr * gradient\n    return theta + v, v",
])
def test_the_libraries_momentum_keeps_all_points(lines):
    found = written(f"def my_momentum(theta, memory, gradient, lr, beta):\n{lines}\n", ex.my_momentum)
    assert found.passed, found.text
    assert found.text.count("✓") == 1 + len(ex.my_momentum.points)


def test_who_loses_the_race_is_told_by_how_much():
    """A rule whose steps are a billion times too short for the grid of rates does not arrive."""
    lines = "    v = 0.1 * memory + gradient\n    return theta - 1e-9 * lr * v, v"
    found = written(f"def my_momentum(theta, memory, gradient, lr, beta):\n{lines}\n", ex.my_momentum)
    assert not found.passed and "it needs 1200 gradients" in found.text and found.text.count("✓") == 5


@pytest.mark.parametrize("move", ["(2 - beta) * gradient + 1e-3 * memory", "gradient + beta * memory"])
def test_a_finer_grid_alone_does_not_win_the_race(move):
    """Descent whose rate β makes finer, and one that adds the gradient before: 9% and 6% fewer gradients."""
    lines = f"    return theta - lr * ({move}), gradient"
    found = written(f"def my_momentum(theta, memory, gradient, lr, beta):\n{lines}\n", ex.my_momentum)
    assert not found.passed and "a fifth fewer are asked for" in found.text and found.text.count("✓") == 5


def test_the_race_counts_the_rules_own_steps():
    H, best = race._bowl()
    start = best + np.ones_like(best)
    lr = 1 / np.linalg.eigvalsh(H)[-1]
    line = gd.Objective("line", lambda theta: np.einsum("...i,ij,...j", theta - best, H, theta - best) / 2,
                        lambda theta: (theta - best) @ H)
    run = gd.run(line, gd.momentum(lr, 0.9), start, 600)
    counted = int(np.argmax(run.loss <= race.GOAL * run.loss[0]))
    assert race._steps(ex.momentum_step.solution_function, start, lr, 0.9) == counted > 0
    assert race._steps(race.descent, start, 3 * lr, 0.9) == 2 * race.MOST  # beyond the edge
