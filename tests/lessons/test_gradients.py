"""Lesson 01: what its exercises say to what learners write, its project point by point, and what it measures."""
import numpy as np
import pytest
from matplotlib import pyplot as plt

import gdlib as gd
from gdlib.lessons.gradients import exercises as ex
from gdlib.lessons.gradients import pictures
from tests.test_exercises import DESCEND, one_line, written

# --- right answers in other words -------------------------------------------------------------------------------------


@pytest.mark.parametrize("exercise, expression", [
    (ex.central_difference, "np.gradient([f(x - h), f(x), f(x + h)], h)[1]"),
    (ex.central_difference, "0.5 / h * (f(x + h) - f(x - h))"),
    (ex.central_difference, "(f(x + h) - f(x)) / (2 * h) + (f(x) - f(x - h)) / (2 * h)"),
    (ex.mse_gradient, "-2 / len(X) * X.T @ (y - X @ w)"),
    (ex.mse_gradient, "2 * np.mean(X * (X @ w - y)[:, None], axis=0)"),
    (ex.mse_gradient, "2 / X.shape[0] * (np.dot(X.T, np.dot(X, w)) - np.dot(X.T, y))"),
    (ex.mse_gradient, "[2 * np.mean((X @ w - y) * column) for column in X.T]"),
    (ex.largest_rate, "2 / np.linalg.norm(H, 2)"),
    (ex.largest_rate, "2 / np.linalg.eigvals(H).max()"),
    (ex.largest_rate, "2 / np.linalg.eigh(H)[0][-1]"),
    (ex.largest_rate, "min(2 / np.linalg.eigvalsh(H))"),
    (ex.largest_rate, "2 / np.linalg.svd(H)[1][0]"),
    (ex.largest_rate, "2 * np.linalg.eigvalsh(np.linalg.inv(H)).min()"),
    (ex.backprop_line, "np.einsum('nk,hk->nh', delta2, W2) * (1 - h * h)"),
    (ex.backprop_line, "(1 + h) * (1 - h) * np.dot(delta2, W2.T)"),
    (ex.backprop_line, "delta2 @ W2.T - h**2 * (delta2 @ W2.T)"),
])
def test_a_right_answer_in_other_words_passes(exercise, expression):
    found = one_line(exercise, expression)
    assert found.passed, found.text


# --- slips ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("exercise, expression, said", [
    (ex.central_difference, "(f(x + 1e-5) - f(x - 1e-5)) / 2e-5", "a step of your own. Use the h"),
    (ex.central_difference, "(f(x + 1e-6) - f(x - 1e-6)) / 2e-6", "a step of your own. Use the h"),
    (ex.central_difference, "np.imag(f(x + 1e-20j)) / 1e-20", "a step of your own. Use the h"),
    (ex.central_difference, "(f(x + h) - 2 * f(x) + f(x - h)) / h**2", "second difference"),
    (ex.central_difference, "abs(f(x + h) - f(x - h)) / (2 * h)", "takes the sign away"),
    (ex.mse_gradient, "2 * (X @ w - y).mean() * X.mean(axis=0)", "is not the product of the means"),
    (ex.mse_gradient, "2 * np.array([np.mean((X @ w - y) * X[:, j]) for j in range(3)])", "for an X of three columns"),
    (ex.mse_gradient, "2 * np.array([np.mean((X@w-y)), np.mean((X@w-y) * X[:, 1]), np.mean((X@w-y) * X[:, 2])])",
     "for an X of three columns"),
    (ex.mse_gradient, "np.mean(2 * X * (X @ w - y)[:, None])", "`axis=0`"),
    (ex.mse_gradient, "2 * X.T @ (X @ w - y)**2 / len(y)", "The derivative of r² is 2r"),
    (ex.mse_gradient, "np.linalg.lstsq(X, y, rcond=None)[0]", "the coefficients of the best fit"),
    (ex.mse_gradient, "np.linalg.pinv(X) @ y", "the coefficients of the best fit"),
    (ex.mse_gradient, "X.T @ (X @ w - y)", "two factors are missing"),
    (ex.largest_rate, "1 / np.linalg.eigvalsh(H).max()", "Where is |1 − ηλ| no longer below 1?"),
    (ex.largest_rate, "2 / np.linalg.eigvalsh(H).min()", "the flattest direction"),
    (ex.largest_rate, "2 / np.linalg.eigvalsh(H)[0]", "the flattest direction"),
    (ex.largest_rate, "2 / (np.linalg.eigvalsh(H)[0] + np.linalg.eigvalsh(H)[-1])", "the limit is wanted"),
    (ex.largest_rate, "2 / np.max(H)", "the diagonal, which has the largest entry"),
    (ex.largest_rate, "2 / np.linalg.norm(H)", "all squared entries"),
    (ex.largest_rate, "2 / np.linalg.norm(H, 1)", "the largest sum of a row"),
    (ex.largest_rate, "np.linalg.eigvalsh(H).max() / 2", "upside down"),
    (ex.largest_rate, "2 / np.linalg.eigvalsh(H)", "one number is wanted"),
    (ex.largest_rate, "2 / H.trace()", "the sum of all curvatures"),
    (ex.largest_rate, "np.linalg.cond(H)", "the condition number"),
    (ex.backprop_line, "(delta2 @ W2.T) * (1 - h)**2", "Only h is squared"),
    (ex.backprop_line, "delta2 @ W2.T * h * h", "you multiply by h²"),
    (ex.backprop_line, "(delta2 @ W2.T) * (h > 0)", "the derivative of ReLU"),
    (ex.backprop_line, "(delta2 @ W2.T) / np.cosh(h)**2", "tanh was applied twice"),
    (ex.backprop_line, "(delta2 @ W2.T) * (1 - h**2) / len(delta2)", "already in delta2"),
])
def test_a_slip_has_its_sentence(exercise, expression, said):
    found = one_line(exercise, expression)
    assert found.mistake is not None and said in found.text


@pytest.mark.parametrize("step, said", [
    ("path[-1] - 0.001 * grad(path[-1])", "your learning rate is always 0.001. Use the lr"),
    ("path[-1] - 0.1 * grad(path[-1])", "your learning rate is always 0.1. Use the lr"),
    ("path[-1] - lr * grad", "Call it, as in `grad(…)`"),
    ("path[-1] - lr * path[-1]", "grad is not used"),
    ("path[-1] - lr * np.sign(grad(path[-1]))", "only the gradient's sign"),
    ("path[-1] - lr * grad(path[-1]) / np.linalg.norm(grad(path[-1]))", "every step has the length lr"),
])
def test_a_slip_in_the_gap_of_descend_has_its_sentence(step, said):
    found = written(DESCEND.format(step), ex.descend)
    assert not found.passed and said in found.text


def test_one_copy_that_is_changed_in_place():
    found = written('''def descend(grad, theta0, lr, steps):
    theta = theta0.copy()
    path = [theta0]
    for _ in range(steps):
        theta -= lr * grad(theta)
        path.append(theta)
    return np.array(path)''', ex.descend)
    assert "all rows but the first are the last point" in found.text


def test_largest_rate_is_where_walks_stop_arriving():
    """Below it a walk from a start with all directions in it arrives, above it none does: found by running."""
    rng = np.random.default_rng(5)
    for d in (1, 2, 4):
        A = rng.normal(size=(d, d))
        H = A @ A.T + 0.5 * np.eye(d)
        limit = ex.largest_rate.solution_function(H)
        for share, arrives in ((0.97, True), (1.03, False)):
            path = ex.descend.solution_function(lambda theta, H=H: H @ theta, np.ones(d), share * limit, 5_000)
            assert (np.linalg.norm(path[-1]) < 1e-3) == arrives


# --- the project ------------------------------------------------------------------------------------------------------


def bowl(theta):
    return theta @ [3 * theta[0], theta[1]] / 2


def bowl_grad(theta):
    return np.array([3.0, 1.0]) * theta


def own(loss=bowl, grad=bowl_grad, start=(2.0, 1.0), lr=0.3, steps=60):
    return loss, grad, start, lr, steps


def in_place(theta):
    theta *= [3.0, 1.0]
    return theta


def two_wells(theta):
    return (theta[0] ** 2 - 1) ** 2 / 4 + theta[1] ** 2 / 2


def two_wells_grad(theta):
    return np.array([theta[0] ** 3 - theta[0], theta[1]])


def long_valley(theta):
    return theta @ [theta[0], 5000 * theta[1]] / 2


def runaway(theta):
    return np.exp(-theta[0]) + 50 * theta[1] ** 2


@pytest.mark.parametrize("made, kept, words", [
    (own(long_valley, lambda theta: np.array([1.0, 5000.0]) * theta, (1.0, 1.0), 3e-4, 100), 4, "take more steps"),
    (own(runaway, lambda theta: np.array([-np.exp(-theta[0]), 100 * theta[1]]), (0.0, 10.0), 0.01, 300), 4,
     "Or is there no lowest point?"),
    (5, 0, "Return five things"),
    (own()[:4], 0, "Return five things"),
    (own(loss=2.0), 0, "loss and grad must be functions"),
    (own(start=[1.0]), 0, "a list of two numbers or more"),
    (own(lr=0), 0, "lr must be a number above 0"),
    (own(lr="0.1"), 0, "lr must be a number above 0"),
    (own(steps=2.5), 0, "steps must be a whole number from 1 to 10,000"),
    (own(steps=10**6), 0, "steps must be a whole number from 1 to 10,000"),
    (own(loss=lambda theta: theta**2), 1, "one finite number"),
    (own(grad=lambda theta: -bowl_grad(theta)), 2, "its sign is turned"),
    (own(grad=lambda theta: bowl_grad(theta) / 2), 2, "half as long"),
    (own(grad=lambda theta: 2 * bowl_grad(theta)), 2, "twice as long"),
    (own(grad=lambda theta: bowl_grad(theta)[:1]), 2, "gives shape (1,)"),
    (own(grad=in_place), 2, "grad changed the place"),
    (own(grad=lambda theta: np.array([3.0, 2.0]) * theta), 2, "coordinate 1 is"),
    (own(lr=0.7, steps=300), 3, "the loss grows on the way"),
    (own(lr=0.7, steps=9000), 3, "the loss grows on the way"),
    (own(start=(0.0, 0.0)), 3, "Does the walk begin on a slope?"),
    (own(steps=3), 3, "a thousandth is left"),
    (own(two_wells, two_wells_grad, (0.0, 2.0), 0.5), 4, "bends downwards"),
    (own(lr=0.01, steps=5000), 5, "at least a tenth of the limit"),
])
def test_each_point_of_the_project_is_looked_at(made, kept, words):
    found = ex.my_descent.diagnose(lambda: made)
    assert not found.passed and words in found.text
    assert found.text.count("✓") == kept


@pytest.mark.parametrize("made", [
    own(), own(start=np.array([2.0, 1.0])), own(start=[2, 1]),
    own(grad=lambda theta: [3 * theta[0], theta[1]]),
    own(lambda theta: float(np.sum(np.cosh(theta))), np.sinh, (1.0, 2.0, 0.5), 0.5, 200),
    own(two_wells, two_wells_grad, (0.5, 2.0), 0.5, 200),
])
def test_a_loss_of_ones_own_passes_and_is_drawn(made):
    found = ex.my_descent.diagnose(lambda: made)
    assert found.passed, found.text
    loss, grad, start, lr, steps = made
    path = ex.descend.solution_function(lambda theta: np.asarray(grad(theta)), np.array(start, float), lr, steps)
    fig = pictures.own_walk(loss, grad, path, lr)
    dots, line = fig.axes[-1].get_lines()
    late = slice(len(dots.get_xdata()) * 3 // 4, None)
    np.testing.assert_allclose(line.get_ydata()[late], dots.get_ydata()[late], rtol=0.7)
    plt.close(fig)


# --- what the lesson measures -----------------------------------------------------------------------------------------


def test_no_learning_rate_gives_the_articles_first_row_at_any_early_iteration():
    points, y = gd.data.load("parabola")
    X = np.column_stack([np.ones(5), points, points**2])
    J = gd.LeastSquares(X, y, intercept=False)
    curvature, axes = np.linalg.eigh(J.hess())
    part, t = axes * (axes.T @ [0, 0, 1]), np.arange(1, 301)[:, None]
    for lr in np.linspace(1e-5, 2 / curvature[-1], 2_000):
        path = [0, 0, 1] - (1 - lr * curvature) ** t @ part.T
        assert np.abs(path - [0.010, 0.042, 0.154]).max(axis=1).min() > 0.004


def test_each_other_row_of_the_article_fits_its_label_at_a_learning_rate_of_its_own():
    points, y = gd.data.load("parabola")
    X = np.column_stack([np.ones(5), points, points**2])
    curvature, axes = np.linalg.eigh(gd.LeastSquares(X, y, intercept=False).hess())
    part, lr = axes * (axes.T @ [0, 0, 1]), np.linspace(1e-5, 2 / curvature[-1], 50_000)[:, None]
    rows = {2: (0.022, 0.090, 0.392), 3: (0.035, 0.143, 0.621), 10: (0.051, 0.214, 0.945), 100: (0.026, 0.181, 0.957)}
    fitting = []
    for label, row in rows.items():
        gap = np.abs([0, 0, 1] - (1 - lr * curvature) ** label @ part.T - row).max(axis=1)
        fitting.append(lr[gap < 0.0005, 0])
    assert all(len(found) for found in fitting)
    assert all(one.max() < next_.min() for one, next_ in zip(fitting, fitting[1:], strict=False))


def test_less_the_mean_starts_slowest_and_is_ahead_of_the_raw_columns_after_10_000_steps():
    patients, target = gd.data.load("diabetes")
    centred, deviation = patients - patients.mean(axis=0), patients.std(axis=0)
    excess = {}
    for name, X in (("raw", patients), ("deviation", patients / deviation), ("mean", centred)):
        J = gd.LeastSquares(X, target)
        curvature, axes = np.linalg.eigh(J.hess())
        factor, part = 1 - 0.95 * 2 / curvature[-1] * curvature, axes.T @ J.solution()
        excess[name] = [np.sum(curvature * (factor**t * part) ** 2) for t in (10, 100, 1000, 10_000)]
    assert all(excess["mean"][k] > max(excess["raw"][k], excess["deviation"][k]) for k in range(3))
    assert excess["mean"][3] < excess["deviation"][3] < excess["raw"][3]


def test_two_walks_lie_on_the_lines_of_theory():
    f, angle = gd.quadratic([1, 25], angle=0.4), 0.4
    runs = {lr: gd.run(f, gd.gradient_descent(lr), [-2.2, -0.2], 100) for lr in (0.03, 0.07)}
    fig = pictures.two_walks(f, angle, runs)
    drawn = fig.axes[1].get_lines()
    assert len(drawn) == 8
    for dots, line in zip(drawn[::2], drawn[1::2], strict=True):
        np.testing.assert_allclose(dots.get_ydata(), line.get_ydata(), rtol=1e-6)
    plt.close(fig)


def test_zigzag_asks_what_the_ravine_shows():
    """0.03 does not cross the floor, 0.07 does at every step; and the swinging one is first, as its reason says."""
    ravine, steps, crossings = gd.quadratic([1.0, 25.0]), {}, {}
    for rate in (0.03, 0.07):
        theta = gd.run(ravine, gd.gradient_descent(rate), np.array([-2.2, -0.2]), 300).theta
        steps[rate] = int(np.argmax(np.linalg.norm(theta, axis=-1) < 0.01))
        crossings[rate] = int((theta[:20, 1] * theta[1:21, 1] < 0).sum())
    assert crossings == {0.03: 0, 0.07: 20}
    assert ex.zigzag.answer(steps[0.03] / steps[0.07]) == "the swinging one"


@pytest.mark.parametrize("ratio, choice", [
    (0.8, "the gliding one"), (0.9, "both about alike"), (1.0, "both about alike"), (1.19, "both about alike"),
    (1.21, "the swinging one"), (np.inf, "the swinging one"),
])
def test_zigzag_alike_is_within_a_fifth(ratio, choice):
    assert ex.zigzag.answer(ratio) == choice
