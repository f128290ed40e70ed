"""Lesson 05: what its checks say to plausible answers, its project point by point, its chain of saddles."""
import json
import math
from pathlib import Path

import numpy as np
import pytest

import gdlib as gd
from gdlib.lessons.saddle_points import exercises as ex
from gdlib.lessons.saddle_points import pictures

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "05_saddle_points.ipynb"
ROOM = {"np": np, "math": math, "norm": np.linalg.norm, "eig": np.linalg.eigvalsh}


def answer(exercise, body):
    """The exercise's function with this body: an expression, or lines that end with a return."""
    lines = body if "return" in body else f"return {body}"
    made = {}
    exec(f"def {exercise.name}({', '.join(exercise.parameters)}):\n    " + lines.replace("\n", "\n    "), ROOM, made)
    return made[exercise.name]


RIGHT = [
    (ex.classify, "(eig(H) < -tolerance).sum(), (abs(eig(H)) <= tolerance).sum(), (eig(H) > tolerance).sum()"),
    (ex.classify, "e = np.linalg.eigh(H)[0]\n"
                  "f, r = sum(e < -tolerance), sum(e > tolerance)\nreturn [f, len(e) - f - r, r]"),
    (ex.escape_time, "math.log(r / y0) / math.log(1 + lr * gamma)"),
    (ex.escape_time, "(np.log2(r) - np.log2(y0)) / np.log2(1 + lr * gamma)"),
    (ex.escape_time, "np.log(r / y0) / np.log1p(lr * gamma)"),
    (ex.perturbed_step, "theta - lr * gradient + push * (norm(gradient) < tolerance)"),
    (ex.perturbed_step, "theta - lr * gradient + (push if gradient @ gradient < tolerance**2 else 0)"),
    (ex.later_wait, "-waited * np.log1p(-lr * L) / np.log1p(lr * gamma)"),
    (ex.later_wait, "math.log((1 - lr * L) ** -waited) / math.log(1 + lr * gamma)"),
    (ex.lowest_curvature, "eig(product(np.eye(v.size)) if np.ndim(product(np.eye(v.size))) == 2 else 0)[0]"),
    (ex.lowest_curvature, "v = v / norm(v)\nfor _ in range(steps):\n    v = product(v) - shift * v\n"
                          "    v = v / norm(v)\nreturn v @ product(v)"),
    (ex.lowest_curvature, "for _ in range(steps):\n    w = shift * v - product(v)\n    v = w / norm(w)\n"
                          "return shift - norm(shift * v - product(v))"),
    (ex.lowest_curvature, "for _ in range(steps):\n    v = shift * v - product(v)\n    v = v / abs(v).max()\n"
                          "return v @ product(v) / (v @ v)"),
]


@pytest.mark.parametrize(("exercise", "body"), RIGHT)
def test_other_ways_to_write_it_pass(exercise, body):
    found = exercise.diagnose(answer(exercise, body))
    assert found.passed, found.text


SLIPS = [
    (ex.classify, "np.any(eig(H) < 0), np.any(eig(H) == 0), np.any(eig(H) > 0)",
     r"3 numbers, (falling, level, rising) and got (np.True_"),
    (ex.classify, "sum(eig(H) < -1e-6), sum(abs(eig(H)) <= 1e-6), sum(eig(H) > 1e-6)", "whatever tolerance is"),
    (ex.classify, "np.mean(eig(H) < -tolerance), np.mean(abs(eig(H)) <= tolerance), np.mean(eig(H) > tolerance)",
     "those are shares"),
    (ex.classify, "sum(eig(H) < -tolerance), sum(eig(H) > tolerance)", "3 numbers, (falling, level, rising)"),
    (ex.classify, "sum(eig(H) < -tolerance)", "3 numbers, (falling, level, rising)"),
    (ex.escape_time, "np.log(r / y0) / np.log(1 - lr * gamma)", "1 − ηγ belongs to a bowl"),
    (ex.escape_time, "np.log(y0 / r) / np.log(1 - lr * gamma)", "1 − ηγ belongs to a bowl"),
    (ex.escape_time, "np.log(r / y0) / np.log(1 + gamma)", "lr is missing"),
    (ex.escape_time, "(r - y0) / (lr * gamma * y0)", "the whole way by the first step"),
    (ex.escape_time, "k = 0\nwhile y0 < r * (1 - 1e-12):\n    y0 = y0 * (1 + lr * gamma)\n    k = k + 1\nreturn k",
     "these are whole steps"),
    (ex.escape_time, "np.log(r / y0) / np.log(abs(1 - lr * -gamma) - 1)", "the 1 is missing"),
    (ex.perturbed_step, "theta - lr * gradient + push * (norm(lr * gradient) < tolerance)", "the length of the step"),
    (ex.perturbed_step, "theta - lr * gradient + np.where(abs(gradient) < tolerance, push, 0)",
     "each coordinate by itself"),
    (ex.perturbed_step, "theta - lr * gradient + push * (gradient @ gradient < tolerance)", "the square of the length"),
    (ex.perturbed_step, "theta - lr * gradient + push * np.all(abs(gradient) < tolerance)", "each coordinate is small"),
    (ex.perturbed_step, "theta - lr * gradient + push * np.all(gradient == 0)", "exactly 0"),
    (ex.perturbed_step, "theta -= lr * gradient\nreturn theta", "changed its argument `theta`"),
    (ex.perturbed_step, "theta - lr * gradient + np.random.default_rng().normal(size=theta.shape)", "called twice"),
    (ex.later_wait, "waited * L / gamma", "right for very short steps"),
    (ex.later_wait, "waited * np.log(1 - lr * L) / np.log(1 + lr * gamma)", "the number is negative"),
    (ex.later_wait, "waited", "growing back takes as long"),
    (ex.later_wait, "waited * np.log(1 + lr * L) / np.log(1 + lr * gamma)", "multiplies by 1 − ηL"),
    (ex.lowest_curvature, "eig(product)[0]", "raised"),
    (ex.lowest_curvature, "for _ in range(steps):\n    v = -product(v)\n    v = v / norm(v)\nreturn v @ product(v)",
     "for −H as for H"),
    (ex.lowest_curvature, "for _ in range(steps):\n    v = shift * v - product(v)\n    v = v / norm(v)\n"
                          "return norm(shift * v - product(v))", "eigenvalue of shift · I − H"),
    (ex.lowest_curvature, "for _ in range(steps):\n    v = shift - product(v)\n    v = v / norm(v)\n"
                          "return v @ product(v)", "multiplies v"),
]


@pytest.mark.parametrize(("exercise", "body", "words"), SLIPS)
def test_a_slip_gets_a_true_sentence(exercise, body, words):
    found = exercise.diagnose(answer(exercise, body))
    assert not found.passed and found.attempted
    assert words in found.text, found.text


# The project


def lowest(net, theta):
    curvatures, ways = np.linalg.eigh(net.hess(theta))
    return curvatures[0], ways[:, 0]


def kick(length):
    return lambda net, theta: min((theta + s * length * lowest(net, theta)[1] for s in (1, -1)), key=net)


def in_place(net, theta):
    theta += 0.1
    return theta


@pytest.mark.parametrize(("escape", "kept", "words"), [
    (lambda net, theta: None, 0, "an array of 9 numbers and got None"),
    (lambda net, theta: theta[:3], 0, "an array of 9 numbers"),
    (lambda net, theta: theta + np.inf, 0, "not finite"),
    (in_place, 0, "changed the theta"),
    (lambda net, theta: theta, 1, "theta came back unchanged"),
    (lambda net, theta: theta - 1e-12 * net.grad(theta), 1, "theta came back unchanged"),
    (lambda net, theta: theta + 0.1 * np.random.default_rng(0).standard_normal(theta.size), 1, "the loss went up"),
    (lambda net, theta: net.init(np.random.default_rng(0)), 1, "the loss went up"),
    (lambda net, theta: gd.run(net, gd.gradient_descent(0.1), theta, 500).last, 1, "Go further"),
    (kick(0.001), 2, "I expected less than 98%. Go further"),
    (kick(0.3), 3, "theta was a minimum"),
    (lambda net, theta: kick(0.3)(net, theta) if lowest(net, theta)[0] < -1e-3 else theta, 4,
     "Manage with 200: the whole Hessian is too much"),
])
def test_the_project_looks_at_each_point_and_names_it(escape, kept, words):
    def my_escape(net, theta):
        return escape(net, theta)

    found = ex.my_escape.diagnose(my_escape)
    assert not found.passed and found.attempted
    assert words in found.text, found.text
    assert found.text.count("✓") == kept, found.text


def test_the_projects_places_are_what_they_are_said_to_be():
    for place, sign in [(ex._small, -1), (ex._large, -1), (ex._minimum, 1)]:
        net, theta = place()
        assert np.linalg.norm(net.grad(theta)) < 5e-3
        assert sign * np.linalg.eigvalsh(net.hess(theta))[0] > 1e-3


# What the notebook computes


def cell(name):
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    return "".join(next(c["source"] for c in cells if c["id"] == name))


@pytest.fixture(scope="module")
def chain():
    """Section 4's cell, run."""
    room = {"np": np, "ex": ex, "SEED": 0}
    exec(cell("05-4e"), room)
    return room


def test_the_chains_slope_is_that_of_a_surface(chain):
    def height(x):
        u = np.minimum(x**2, 1)
        opened = np.append(1, u * (2 - u))[:-1]
        return np.sum((1 - 2 * opened) * x**2 / 2 + x**4 / 4)

    for seed in range(5):
        x = 0.8 * np.random.default_rng(seed).standard_normal(6)
        assert gd.analysis.check_gradient(height, chain["slope"], x, 1e-5).ok


def test_the_chain_takes_as_long_as_the_formula_says(chain):
    later, first = ex.later_wait.solution_function, np.log(5) / np.log(1.1)
    left = (np.abs(chain["journey"](0.0)) > 0.5).argmax(axis=0)
    total = 0.0
    for step in left:
        total += later(total, 0.1, 1, 1) + first
        assert 0.85 < step / total < 1.2
    pushed = (np.abs(chain["journey"](0.01)) > 0.5).argmax(axis=0)
    assert np.diff(pushed).max() < 200 < np.diff(left).max()


def test_powers_of_ten_are_written_as_such():
    assert [pictures.raised(10.0**k) for k in (-12, -1, 2)] == ["10⁻¹²", "10⁻¹", "10²"]
