"""Lesson 01: slopes, gradients, the loop, the largest learning rate, one line of backpropagation."""
from __future__ import annotations

import numpy as np

import gdlib as gd
from gdlib.lessons.kit.diagnosis import kind
from gdlib.lessons.kit.exercise import Exercise, Lambda
from gdlib.lessons.kit.prediction import Prediction
from gdlib.lessons.kit.project import Project

# --- central_difference -----------------------------------------------------------------------------------------------


def central_difference(f, x, h):
    """The slope of f at x, from f at x + h and at x - h."""
    return (f(x + h) - f(x - h)) / (2 * h)


def _inputs(rng):
    yield Lambda("lambda x: x**2"), 3.0, 0.1
    yield Lambda("lambda x: x**3"), 1.0, 0.1
    yield Lambda("lambda x: 5 - 2 * x"), 1.0, 0.25
    yield Lambda("lambda x: 7.0"), 0.0, 0.5
    for x in rng.normal(size=4):
        yield Lambda("lambda x: np.exp(x)"), float(x), 0.3
        yield Lambda("lambda x: np.sin(x)"), float(x), 1e-3


central_difference = Exercise(
    central_difference, inputs=_inputs,
    mistakes=[
        (lambda f, x, h: (f(x + h) - f(x)) / h,
         "that is the forward difference. The central one looks to both sides, at x + h and x - h."),
        (lambda f, x, h: (f(x) - f(x - h)) / h,
         "that is the backward difference. The central one looks to both sides, at x + h and x - h."),
        (lambda f, x, h: (f(x + h) - f(x - h)) / h,
         "for {call} I expected {expected} and got {got}, twice as large as it should be: "
         "from x - h to x + h the run is 2h."),
        (lambda f, x, h: (f(x + h) - f(x)) / (2 * h),
         "the run 2h belongs to x - h and x + h, but the first value was taken at x."),
        (lambda f, x, h: (f(x - h) - f(x + h)) / (2 * h),
         "the function rises there, so the slope is positive. Subtract the left value from the right one."),
        (lambda f, x, h: f(x + h) - f(x - h),
         "that is the rise. Divide it by the run, 2h."),
        (lambda f, x, h: (f(x + h) - f(x - h)) / 2,
         "you divide by 2. From x - h to x + h the run is 2h."),
        (lambda f, x, h: (f(x + h) - f(x - h)) / 2 * h,
         "`/ 2 * h` divides by 2 and then multiplies by h. Write `/ (2 * h)`."),
        (lambda f, x, h: f(x + h) - f(x - h) / (2 * h),
         "only the second value was divided. Put brackets around the difference."),
        (lambda f, x, h: f(x + h) - f(x - h) / 2 * h,
         "two pairs of brackets are missing, one around the difference and one around 2 * h."),
        (lambda f, x, h: (f(x + h) + f(x - h)) / (2 * h),
         "the two values were added. A slope needs their difference."),
        (lambda f, x, h: (f(x + h / 2) - f(x - h / 2)) / h,
         "that is a central difference too, but h/2 to each side. Here f is evaluated at x + h and x - h."),
        (lambda f, x, h: (f(x + h / 2) - f(x - h / 2)) / (2 * h),
         "with h/2 to each side the run is h, not 2h. Here f is evaluated at x + h and x - h, and then the run is 2h."),
        (lambda f, x, h: (f(x + h / 2) - f(x - h / 2)) / (h / 2),
         "h/2 to each side makes a run of h, not h/2. Here f is evaluated at x + h and x - h, and then the run is 2h."),
        (lambda f, x, h: (f(x + h) - f(x - h)) / (h / 2),
         "you divide by half of h. From x - h to x + h the run is twice h."),
        (lambda f, x, h: (f(x + 1e-5) - f(x - 1e-5)) / 2e-5,
         "that is the slope for a step of your own. Use the h that you are given."),
        (lambda f, x, h: abs((f(x + h) - f(x - h)) / (2 * h)),
         "`abs` takes the sign away. Where the ground falls, the slope is negative."),
        (lambda f, x, h: (f(x + h) - 2 * f(x) + f(x - h)) / h**2,
         "that is the second difference: how fast the slope changes. The slope itself is wanted."),
    ],
    hints=["Stand at x and touch the ground at the same distance on either side. How far apart are the two places?",
           "Rise: f(x + h) - f(x - h). Run: 2h.",
           "Mind the brackets: `/ (2 * h)`, since `/ 2 * h` multiplies by h."],
    success="On a parabola it is exact, whatever h: the errors of the two sides cancel.")


# --- mse_gradient -----------------------------------------------------------------------------------------------------


def mse_gradient(w, X, y):
    """The gradient, d numbers, of mean((X @ w - y)**2); X is (n, d)."""
    return 2 * X.T @ (X @ w - y) / len(y)


def _inputs(rng):
    yield np.array([1.0]), np.array([[1.0], [2.0]]), np.array([2.0, 3.0])
    yield np.array([1.0, -1.0]), np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, 1.0])   # square: X and X.T fit
    yield np.array([2.0]), np.array([[3.0]]), np.array([5.0])
    yield np.array([1.0, 0.0, 2.0]), np.array([[1.0, 2.0, 3.0]]), np.array([4.0])           # one row
    for n, d in [(20, 3), (5, 5)]:
        yield rng.normal(size=d), rng.normal(size=(n, d)), rng.normal(size=n)


def _three_columns(w, X, y):
    r = X @ w - y
    return 2 * np.array([np.mean(r * X[:, 0]), np.mean(r * X[:, 1]), np.mean(r * X[:, 2])])


def _three_columns_with_ones(w, X, y):
    r = X @ w - y
    return 2 * np.array([np.mean(r), np.mean(r * X[:, 1]), np.mean(r * X[:, 2])])


mse_gradient = Exercise(
    mse_gradient, inputs=_inputs,
    mistakes=[
        (lambda w, X, y: X.T @ (X @ w - y) / len(y),
         "for {call} I expected {expected} and got {got}, half as large as it should be: "
         "the derivative of the square r² is 2r, and this loss has no ½ to cancel the 2."),
        (lambda w, X, y: 2 * X.T @ (X @ w - y),
         "you add up over the rows. The loss is a mean, so divide by their number, len(y)."),
        (lambda w, X, y: X.T @ (X @ w - y),
         "two factors are missing, the 2 of the square's derivative and the 1/n of the mean."),
        (lambda w, X, y: 2 * X.T @ (y - X @ w) / len(y),
         "the sign is reversed. The residual is prediction minus target, X @ w - y."),
        (lambda w, X, y: 2 * (X @ w - y) / len(y),
         "for {call} I expected {expected}, one number for each parameter, and got {got}, one for each row. "
         "By the chain rule each residual is multiplied by its row of X: that is the Xᵀ in front."),
        (lambda w, X, y: np.mean(2 * (X @ w - y)),
         "that is the mean residual, doubled. "
         "Each residual has to be multiplied by its row of X before the mean is taken: Xᵀ in front."),
        (lambda w, X, y: np.mean(2 * X.T @ (X @ w - y)),
         "for {call} I expected {expected}, one number for each parameter, and got a single one, {got}: "
         "after Xᵀ the mean runs over the parameters. Divide by len(y) instead."),
        (lambda w, X, y: 2 * X @ (X @ w - y) / len(y),
         "X is not transposed. The sum runs over the rows, so Xᵀ, of shape (d, n), meets the n residuals."),
        (lambda w, X, y: 2 * X.T @ X @ w / len(y),
         "y is missing. The residual is X @ w - y."),
        (lambda w, X, y: 2 * X.T @ (X @ w - y) / len(w),
         "you divide by the number of parameters. The mean runs over the rows: len(y)."),
        (lambda w, X, y: 2 * X.T @ (X @ w - y) / 5,
         "5 is the number of rows of the lesson's data, and here there are {y.size}. Divide by len(y)."),
        (lambda w, X, y: 2 * X.T @ (X @ w - y) / X.size,
         "X.size, here {X.size}, counts all entries of X. The mean runs over the rows: len(y), here {y.size}."),
        (lambda w, X, y: np.mean((X @ w - y) ** 2),
         "that is the loss itself. Its derivatives are wanted."),
        (lambda w, X, y: 2 * X.T @ (X @ w - y) ** 2 / len(y),
         "the residuals are squared. The derivative of r² is 2r: the square is gone."),
        (lambda w, X, y: X.T @ (X @ w - y) ** 2 / len(y),
         "the residuals are squared. The derivative of r² is 2r: the square is gone, and a factor 2 has come."),
        (lambda w, X, y: np.mean(2 * X * (X @ w - y)[:, None]),
         "the mean runs over rows *and* columns. Over the rows alone: `axis=0`."),
        (lambda w, X, y: 2 * np.mean(X @ w - y) * np.mean(X, axis=0),
         "the mean of a product is not the product of the means. Multiply each residual by its row of X, and take the "
         "mean then."),
        (lambda w, X, y: np.linalg.lstsq(X, y)[0],
         "those are the coefficients of the best fit. The slopes of the loss at w are wanted."),
        *((three, "your function is for an X of three columns. A product with Xᵀ does any number of columns.")
          for three in (_three_columns, _three_columns_with_ones)),
    ],
    hints=["Write the residual first: r = X @ w - y, one number for each row. How does the mean of r² change "
           "when one w_j changes?",
           "∂/∂w_j of r_i² is 2 r_i · X_ij. Take the mean over the rows i.",
           "All j at once: 2 Xᵀ r / n."],
    success="Prediction error times input, averaged, doubled. You will meet this shape in every lesson.")


# --- descend ----------------------------------------------------------------------------------------------------------


def descend(grad, theta0, lr, steps):
    """The points from theta0, the start too: (steps + 1, d)."""
    path = [theta0]
    for _ in range(steps):
        theta = path[-1] - lr * grad(path[-1])
        path.append(theta)
    return np.array(path)


def _inputs(rng):
    yield Lambda("lambda theta: 4 * theta"), np.array([1.0]), 0.1, 2
    yield Lambda("lambda theta: theta - np.array([1.0, 2.0])"), np.array([0.0, 0.0]), 0.5, 3
    yield Lambda("lambda theta: 4 * theta"), np.array([1.0]), 0.1, 0
    yield Lambda("lambda theta: np.cos(theta)"), rng.normal(size=3), 0.2, 5


def _walk(step, first=0, last=None):
    """A wrong descend with another step (theta, start, grad, lr), or without some of its points."""
    def walk(grad, theta0, lr, steps):
        path = [theta0]
        for _ in range(steps):
            path.append(step(path[-1], theta0, grad, lr))
        return np.array(path[first:last])
    return walk


def _plain(theta, start, grad, lr):
    return theta - lr * grad(theta)


def _one_more(grad, theta0, lr, steps):
    return _walk(_plain)(grad, theta0, lr, steps + 1)


def _last_point(grad, theta0, lr, steps):
    return _walk(_plain)(grad, theta0, lr, steps)[-1]


def _same_array(grad, theta0, lr, steps):
    theta = theta0.copy()
    path = [theta]
    for _ in range(steps):
        theta -= lr * grad(theta)
        path.append(theta)
    return np.array(path)


def _one_copy(grad, theta0, lr, steps):
    theta, path = theta0.copy(), [theta0]
    for _ in range(steps):
        theta -= lr * grad(theta)
        path.append(theta)
    return np.array(path)


def _callers_array(grad, theta0, lr, steps):
    theta = theta0
    path = [theta]
    for _ in range(steps):
        theta -= lr * grad(theta)
        path.append(theta)
    return np.array(path)


descend = Exercise(
    descend, inputs=_inputs,
    mistakes=[
        (_walk(lambda theta, start, grad, lr: theta + lr * grad(theta)),
         "your walk goes uphill: for {call} I expected {expected} and got {got}. Look at the sign in front of lr."),
        (_last_point,
         "for {call} I expected the whole path, {expected}, and got its last point, {got}. "
         "Keep every point in a list, the start too."),
        (_walk(_plain, first=1),
         "the start is missing. Put theta0 into the path before the loop."),
        (_one_more,
         "one step too many. With the start, `steps` steps make steps + 1 points."),
        (_walk(_plain, last=-1),
         "the last point is missing. Add each point to the path after its step, and take all `steps` steps."),
        (_same_array,
         "all rows are the last point. "
         "`-=` changes the one array that is in the list many times; `theta = path[-1] - …` makes a new one."),
        (_callers_array,
         "all rows are the last point, and the caller's theta0 has changed with them. "
         "`-=` changes that one array; `theta = path[-1] - …` makes a new one."),
        (_walk(lambda theta, start, grad, lr: theta - grad(theta)),
         "the steps are as long as the gradient. Multiply it by lr."),
        (_walk(lambda theta, start, grad, lr: theta - lr * grad(start)),
         "every step uses the slope at the start. Call grad again at the last point, path[-1]."),
        (_walk(lambda theta, start, grad, lr: start - lr * grad(theta)),
         "every step sets out from theta0. Set out from the last point, path[-1]."),
        (_walk(lambda theta, start, grad, lr: start - lr * grad(start)),
         "every step starts at theta0 again. Take the last point, path[-1], in both places."),
        (_walk(lambda theta, start, grad, lr: -lr * grad(theta)),
         "that is the step alone. It is added to the last point: path[-1] - …"),
        *((_walk(lambda theta, start, grad, lr, own=own: theta - own * grad(theta)),
           f"your learning rate is always {own}. Use the lr that you are given.") for own in (0.001, 0.01, 0.1)),
        (_one_copy,
         "all rows but the first are the last point. `-=` changes one array that is in the list many times; "
         "`theta = path[-1] - …` makes a new one."),
        (_walk(lambda theta, start, grad, lr: theta - lr * np.sign(grad(theta))),
         "only the gradient's sign is used. Its length counts, too."),
        (_walk(lambda theta, start, grad, lr: theta - lr * grad(theta) / np.linalg.norm(grad(theta))),
         "every step has the length lr. Leave the gradient as long as it is: on a steep slope the step is longer."),
        (_walk(lambda theta, start, grad, lr: theta - lr * theta),
         "grad is not used. The step is lr times the slope at the last point, grad(path[-1])."),
        (_walk(lambda theta, start, grad, lr: lr * grad(theta)),
         "that is only what is taken off in a step. Take it off the last point: path[-1] - …"),
    ],
    hints=["The last point of the path is path[-1]. Which way is downhill there, and how far do you go?",
           "The slope there is grad(path[-1]). Against it, lr times as far: that is the step.",
           "`theta = path[-1] - lr * grad(path[-1])`. (With `-=` instead, points that are already in the list would "
           "change.)"],
    success="This loop is gradient descent, whole. `gd.run` takes the same steps.")


# --- largest_rate -----------------------------------------------------------------------------------------------------


def largest_rate(H):
    """The limit: each learning rate below it leads to the lowest point.

    H: the Hessian of a bowl, (d, d), symmetric, all eigenvalues positive.
    """
    return 2 / np.linalg.eigvalsh(H).max()


def _inputs(rng):
    yield (np.array([[4.0]]),)
    yield (np.array([[1.0, 0.0], [0.0, 25.0]]),)
    yield (np.array([[5.0, 2.0], [2.0, 2.0]]),)                # eigenvalues 1 and 6
    yield (np.array([[2.0, -1.0], [-1.0, 2.0]]),)              # eigenvalues 1 and 3
    for d in (3, 5):
        A = rng.normal(size=(d, d))
        yield (A @ A.T + 0.1 * np.eye(d),)


largest_rate = Exercise(
    largest_rate, inputs=_inputs,
    mistakes=[
        (lambda H: 1 / np.linalg.eigvalsh(H).max(),
         "at 1/λ the walk is in the lowest point of that direction at once, and beyond it changes sides. "
         "But it still comes nearer. Where is |1 − ηλ| no longer below 1?"),
        (lambda H: 2 / np.linalg.eigvalsh(H).min(),
         "that is the limit of the flattest direction. All directions share one η. Which one gives way first?"),
        (lambda H: 1 / np.linalg.eigvalsh(H).min(),
         "two things: take the steepest direction instead of the flattest, and ask where |1 − ηλ| is no longer below "
         "1, not where it is 0."),
        (lambda H: np.linalg.eigvalsh(H).max(),
         "that is the largest curvature. For which η is |1 − ηλ| below 1?"),
        (lambda H: np.linalg.eigvalsh(H).max() / 2,
         "upside down: solve |1 − ηλ| = 1 for η."),
        (lambda H: 2 * np.linalg.eigvalsh(H).max(),
         "the steeper the bowl, the smaller the limit. Solve |1 − ηλ| = 1 for η."),
        (lambda H: 2 / (np.linalg.eigvalsh(H).min() + np.linalg.eigvalsh(H).max()),
         "that η makes the slowest factor as small as it can be. Larger ones still come to the lowest point: "
         "the limit is wanted."),
        (lambda H: 2 / np.trace(H),
         "that is 2 over the sum of all curvatures. It is safe, but one curvature alone decides: the largest."),
        (lambda H: 2 / np.linalg.norm(H),
         "`np.linalg.norm(H)` is the root of the sum of all squared entries. The largest curvature is an eigenvalue: "
         "`np.linalg.eigvalsh(H)`."),
        (lambda H: 2 / np.linalg.norm(H, np.inf),
         "that is the largest sum of a row. The largest eigenvalue is never above it, but it may be below."),
        (lambda H: 2 / np.diag(H).max(),
         "the diagonal, which has the largest entry, has the curvatures along the axes. The steepest direction may lie "
         "between them: `np.linalg.eigvalsh(H)`."),
        (lambda H: 2 / np.linalg.eigvalsh(H).mean(),
         "that is the limit for the mean curvature. All directions must come nearer, the steepest one, too."),
        (lambda H: 2 / np.linalg.det(H),
         "the determinant is the product of all curvatures. One of them decides."),
        (lambda H: np.linalg.eigvalsh(H).max() / np.linalg.eigvalsh(H).min(),
         "that is the condition number, which section 4 is about. For which η is |1 − ηλ| below 1?"),
        (lambda H: 2 / np.linalg.eigvalsh(H),
         "these are the limits of all directions, one each. They share one η, so one number is wanted."),
        (lambda H: 2 / H,
         "entry by entry is not how a matrix bends a bowl. Its curvatures are the eigenvalues of H: "
         "`np.linalg.eigvalsh(H)`."),
    ],
    hints=["A walk comes to the lowest point if it comes nearer along every eigenvector. For one of curvature λ, solve "
           "|1 − ηλ| < 1.",
           "That gives η < 2/λ. There are d of these limits, and one η for all. Which is the strictest?",
           "`np.linalg.eigvalsh(H)` gives the eigenvalues of a symmetric matrix: 2 over the largest."],
    success="On a bowl one number, the largest curvature, sets the limit for η. Lesson 03 is built on it.")


# --- backprop_line ----------------------------------------------------------------------------------------------------


def backprop_line(delta2, W2, h):
    """The slope of the loss with respect to a: (n, m).

    delta2: (n, k); W2: (m, k); h = tanh(a): (n, m), m hidden units.
    """
    return (delta2 @ W2.T) * (1 - h**2)


def _inputs(rng):
    yield np.array([[3.0]]), np.array([[2.0]]), np.array([[0.5]])
    yield np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 0.0], [2.0, 1.0]]), np.array([[0.5, 0.0], [0.1, -0.5]])
    yield np.array([[1.0], [2.0]]), np.array([[1.0], [3.0]]), np.array([[0.5, 0.0], [0.1, -0.5]])
    yield np.array([[1.0]]), np.array([[1.0], [3.0]]), np.array([[1.0, -1.0]])                # saturated units
    for n, m, k in [(4, 5, 3), (6, 2, 1)]:
        yield rng.normal(size=(n, k)), rng.normal(size=(m, k)), np.tanh(rng.normal(size=(n, m)))


backprop_line = Exercise(
    backprop_line, inputs=_inputs,
    mistakes=[
        (lambda delta2, W2, h: delta2 @ W2.T,
         "the way back through tanh is missing. Multiply by its derivative, 1 − h²."),
        (lambda delta2, W2, h: (delta2 @ W2.T) * h * (1 - h),
         "h(1 − h) is the sigmoid's derivative. That of tanh is 1 − h²."),
        (lambda delta2, W2, h: (delta2 @ W2.T) * (1 - h),
         "you multiply by 1 − h. The derivative of tanh is 1 − h²."),
        (lambda delta2, W2, h: (delta2 @ W2.T) * (1 - h) ** 2,
         "you square 1 − h. Only h is squared: 1 − h²."),
        (lambda delta2, W2, h: (delta2 @ W2.T) * h**2,
         "you multiply by h². The derivative of tanh is 1 − h²."),
        (lambda delta2, W2, h: (delta2 @ W2.T) * (1 - h * 2),
         "`h * 2` doubles h. The square is `h**2`."),
        (lambda delta2, W2, h: (delta2 @ W2.T) * (1 - np.tanh(h) ** 2),
         "tanh was applied twice. h is already tanh(a), so its derivative is 1 − h²."),
        (lambda delta2, W2, h: (delta2 @ W2.T) * (1 + h**2),
         "you multiply by 1 + h². The derivative of tanh is 1 − h²."),
        (lambda delta2, W2, h: delta2 @ W2.T * 1 - h**2,
         "without brackets h² is subtracted at the end. Write `* (1 - h**2)`."),
        (lambda delta2, W2, h: (delta2 @ W2) * (1 - h**2),
         "W2 carries h forward to the outputs. The way back is its transpose, W2.T, of shape (k, m)."),
        (lambda delta2, W2, h: (delta2 @ W2.T) @ (1 - h**2),
         "that is a matrix product. Each unit has its own derivative, so multiply elementwise, with `*`."),
        (lambda delta2, W2, h: -(delta2 @ W2.T) * (1 - h**2),
         "the sign is reversed. Nothing on the way back changes the sign; the minus comes in the update."),
        (lambda delta2, W2, h: (delta2 @ W2.T) * h,
         "you multiply by h itself. The chain rule wants the derivative of tanh, 1 − h²."),
        (lambda delta2, W2, h: (delta2 @ W2.T) * (h > 0),
         "(h > 0) is the derivative of ReLU. That of tanh is 1 − h²."),
        (lambda delta2, W2, h: (delta2 @ W2.T) / (1 - h**2),
         "you divide by the derivative of tanh. The chain rule multiplies."),
        (lambda delta2, W2, h: (delta2 @ W2.T) * np.sqrt(1 - h**2),
         "you multiply by √(1 − h²). The derivative of tanh is 1 − h²."),
        (lambda delta2, W2, h: (delta2 @ W2.T) * (1 - h**2) / len(h),
         "you divide by the number of rows. The mean's 1/n is already in delta2."),
    ],
    hints=["Two factors, one for each thing passed on the way back: the weights, then tanh.",
           "Through the weights: delta2 is (n, k), the result (n, m). Which product with W2 fits?",
           "The derivative of tanh at a is 1 − tanh(a)², and h is tanh(a). It multiplies elementwise."],
    success="A deeper network repeats this line, once for each further layer.")


# --- the project ------------------------------------------------------------------------------------------------------


def my_descent():
    """A loss of your own: loss, grad, start, lr, steps."""
    homes = np.array([[0.0, 0.0], [4.0, 0.5], [1.0, 3.0], [3.5, 2.5], [0.5, 1.0]])

    def loss(place):  # where to dig a well: the mean distance to the homes, rounded off near each
        return np.mean(np.sqrt(1 + ((place - homes) ** 2).sum(axis=1)))

    def grad(place):
        way = place - homes
        return np.mean(way / np.sqrt(1 + (way**2).sum(axis=1))[:, None], axis=0)

    H = gd.analysis.hessian(gd.Objective("well", loss, grad), homes.mean(axis=0))
    return loss, grad, np.array([6.0, 6.0]), 1 / np.linalg.eigvalsh(H).max(), 100


MOST_STEPS = 10_000


def _walked(make):
    """The loss as an Objective, the start, lr, and where gradient descent ends."""
    loss, grad, start, lr, steps = make()
    f = gd.Objective("yours", loss, lambda theta: np.asarray(grad(theta.copy()), float))
    start = np.array(start, float)
    theta = start
    for _ in range(steps):
        theta = theta - lr * f.grad(theta)
    return f, start, lr, theta


def _bends(make):
    """The curvatures where the walk ends, and the learning rate."""
    f, _, lr, end = _walked(make)
    return np.linalg.eigvalsh(gd.analysis.hessian(f, end)), lr


def _has_its_parts(make):
    made = make()
    if not (isinstance(made, tuple) and len(made) == 5):
        return f"my_descent returned {kind(made)}. Return five things: loss, grad, start, lr, steps."
    loss, grad, start, lr, steps = made
    if not (callable(loss) and callable(grad)):
        return f"loss and grad must be functions; got {kind(loss)} and {kind(grad)}. Return them without a call."
    if np.ndim(start) != 1 or np.size(start) < 2:
        return f"start must be a list of two numbers or more; got {kind(start)}. One direction alone is no landscape."
    if isinstance(lr, bool) or not isinstance(lr, int | float | np.floating) or not lr > 0:
        return f"lr must be a number above 0; got {kind(lr)}."
    if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or not 1 <= steps <= MOST_STEPS:
        return f"steps must be a whole number from 1 to {MOST_STEPS:,}; got {kind(steps)}."
    return ""


def _is_a_number(make):
    loss, _, start, *_ = make()
    value = loss(np.array(start, float))
    if np.ndim(value) or not np.isfinite(value):
        return f"at the start it is {kind(value)}. It must be one finite number."
    return ""


FACTORS = {-1.0: "its sign is turned: it points downhill", 0.5: "it is half as long as it should be",
           2.0: "it is twice as long as it should be"}


def _has_its_gradient(make):
    loss, grad, start, *_ = make()
    start = np.array(start, float)
    for theta in start + np.random.default_rng(0).normal(size=(5, start.size)):
        given = theta.copy()
        got = np.asarray(grad(given), float)
        if not np.array_equal(given, theta):
            return "grad changed the place that it was given. Work on a copy."
        if got.shape != start.shape:
            return f"grad gives shape {got.shape} at a place of shape {start.shape}. One slope for each coordinate."
        check = gd.analysis.check_gradient(loss, lambda _, got=got: got, theta, tolerance=1e-5)
        if not check.ok:
            told = [words for factor, words in FACTORS.items()
                    if np.allclose(got, factor * check.numerical, rtol=1e-4, atol=1e-8)]
            return f"{told[0]}." if told else f"{check}, at {np.round(theta, 3)}."
    return ""


def _comes_down(make):
    f, start, _, end = _walked(make)
    if not np.isfinite(end).all() or not f(end) <= f(start):
        return "the loss grows on the way. Is lr below 2 over the largest curvature there?"
    if f(end) == f(start):
        return "the loss is the same at the start and at the end. Does the walk begin on a slope?"
    slopes = [np.linalg.norm(f.grad(theta)) for theta in (start, end)]
    if slopes[1] > 1e-3 * slopes[0]:
        return (f"the slope is {slopes[0]:.3g} at the start and still {slopes[1]:.3g} at the end. Go on until a "
                "thousandth is left: more steps, or a larger lr.")
    return ""


def _ends_in_a_bowl(make):
    f, start, _, end = _walked(make)
    curvatures, axes = np.linalg.eigh(gd.analysis.hessian(f, end))
    if curvatures[0] < -1e-4 * np.abs(curvatures).max():
        return f"where the walk ends the ground bends downwards in a direction (curvature {curvatures[0]:.3g})."
    bent = curvatures > 1e-6 * curvatures[-1]
    left = np.linalg.norm((axes.T @ f.grad(end))[bent] / curvatures[bent])  # a parabola's slope is λ times the distance
    way = np.linalg.norm(end - start)
    if left > 0.01 * way:
        return (f"by slope and curvature the lowest point is still {left:.3g} away, and the whole walk was {way:.3g} "
                "long. The flat directions need longer: take more steps, or change the units. "
                "Or is there no lowest point?")
    return ""


def _rate_fits(make):
    curvatures, lr = _bends(make)
    limit = 2 / curvatures[-1]
    if not 0.1 * limit <= lr < limit:
        return (f"where the walk ends the largest curvature is {curvatures[-1]:.4g}, so the limit is {limit:.4g}; "
                f"got lr = {lr:.4g}. Derive it from the curvature: at least a tenth of the limit, and below it.")
    return ""


my_descent = Project(
    my_descent,
    points=[
        ("it has a loss, its gradient, a start, a learning rate and a number of steps", _has_its_parts),
        ("the loss is a number", _is_a_number),
        ("the gradient agrees with central differences at five places", _has_its_gradient),
        ("the walk comes down, and a thousandth of the slope is left", _comes_down),
        ("it ends where the ground bends upwards, near the lowest point", _ends_in_a_bowl),
        ("the learning rate fits the curvature there", _rate_fits),
    ],
    hints=["What would you like to have as small as possible? The way to your friends' homes, the error of a fit to "
           "numbers of your own, the energy of a hanging chain. Write it as a function of two numbers or more.",
           "Work out its gradient by hand, and compare it with `analysis.numerical_gradient(loss, start)`.",
           "The curvatures where the walk ends are the eigenvalues of "
           "`analysis.hessian(gd.Objective('mine', loss, grad), end)`. Take 1 over the largest as lr: half the limit."],
    success="A loss of your own, a gradient that passed its check, and a walk that arrived.")


# --- predictions ------------------------------------------------------------------------------------------------------

best_step = Prediction(
    "best_step",
    "The forward difference (f(x + h) − f(x))/h: which h comes nearest to the true slope?",
    at_least={"1e-2": 3e-4, "1e-5": 3e-7, "1e-8": 1e-11, "1e-15: the smaller the better": 0},
    why="Two errors meet. The curve's bend costs about h, and shrinks with it; rounding f to 16 digits costs up to "
        "about 1e-16 / h, and grows. They are equal near the root of 1e-16.",
    replies={
        "1e-2": "Rounding does no harm yet at 1e-2. The bend of the curve does: it costs about h.",
        "1e-5": "1e-5 is safe from rounding, but the bend still costs a thousand times more than at 1e-8. It is the "
                "best step of another formula, which comes next.",
        "1e-15: the smaller the better": "On paper, yes. But f(x + h) and f(x) have 16 digits each, and at 1e-15 they "
                                         "share nearly all of them: about one digit of the slope is right.",
    })

sixty_degrees = Prediction(
    "sixty_degrees",
    "You walk at 60° to the steepest direction. How much of the steepest slope do you climb?",
    at_least={
        "nearly all of it (87 %)": 0.7,
        "half of it": 0.4,
        "a third: 60° of 90° are gone": 0.25,
        "it depends on the surface": 0,
    },
    why="The slope in a direction is ‖∇J‖ cos φ, on any smooth surface, and cos 60° is ½. A direction that is a "
        "little off the steepest one costs almost nothing: the cosine is flat at 0.",
    replies={
        "nearly all of it (87 %)": "87 % is cos 30°. The share falls slowly at first, and then faster.",
        "a third: 60° of 90° are gone": "That would be a straight line from 0° to 90°. The share is a cosine: it falls "
                                        "slowly at first, and fast near 90°.",
        "it depends on the surface": "How steep the steepest slope is depends on the surface. The share of it does "
                                     "not: from close enough every smooth surface looks like a plane.",
    })

forgotten_two = Prediction(
    "forgotten_two",
    "Somebody forgets the 2 in the gradient, and runs gradient descent. What does the loss do?",
    equal_to={
        "it grows": "grows",
        "it falls, and comes to rest too high": "too high",
        "it falls to its lowest value all the same": "lowest",
    },
    why="Every step is half as long, as if η were half as large. The walk arrives all the same, so the loss does "
        "not tell. But η no longer means what it says. A gradient check sees the wrong factor.",
    replies={
        "it grows": "Half a gradient still points straight uphill. A step against it goes down, and is even shorter.",
        "it falls, and comes to rest too high": "The walk rests where the gradient is 0. Half of 0 is 0, at the same "
                                                "place.",
    })

edge = Prediction(
    "edge",
    "A hiker walks on the parabola J = ½θ², whose slope at θ is θ. From which learning rate on does the hiker no "
    "longer come to the lowest point?",
    at_least={
        "0.5": 0.4,
        "1: from there on each step jumps over the lowest point": 0.9,
        "2": 1.9,
        "from none: every step goes downhill": 10,
    },
    why="A step of η times the slope goes from θ to θ − ηθ = (1 − η)θ. Beyond η = 1 it jumps over the lowest point. "
        "But it lands nearer than before, up to η = 2.",
    replies={
        "0.5": "At 0.5 each step goes half of the way to the lowest point: safe, and quick.",
        "1: from there on each step jumps over the lowest point": "It does jump over the lowest point. But at 1.5, for "
                                                                  "example, it lands at half the distance, on the "
                                                                  "other side.",
        "from none: every step goes downhill": "It sets out downhill. With a long step it climbs the other side, and "
                                               "may end higher than it began.",
    })

zigzag = Prediction(
    "zigzag",
    "On the ravine, a learning rate of 0.03 glides along the valley; at 0.07 the path swings from wall to wall at "
    "every step. Which comes within 0.01 of the lowest point first?",
    at_least={"the gliding one": 0, "the swinging one": 1.2, "both about alike": 1 / 1.2},
    why="The slowest direction decides. At 0.07 a step leaves 0.75 of the swing, and 0.93 of the way along the valley; "
        "at 0.03 it leaves 0.97 of the way along. Swings that die out faster than that cost nothing.",
    replies={
        "the gliding one": "The swings look like waste, but they die out long before the way along the valley is "
                           "done. That way decides, and there the larger learning rate is faster.",
        "both about alike": "The two walks share the valley, and along it the step is η times the slope: 0.07 goes "
                            "more than twice as far.",
    })

how_long = Prediction(
    "how_long",
    "At the article's learning rate, 0.001, after how many iterations are all three coefficients within 0.01 of "
    "(0, 0, 1)?",
    at_least={
        "about 20, as many as its program takes": 0,
        "about 100, where its table ends": 50,
        "about 1,000": 500,
        "more than 10,000": 10_000,
    },
    why="The flattest direction sets the wait: about 1/(η λmin) iterations for each factor of e.",
    replies={
        "about 20, as many as its program takes": "After 20 iterations the curve looks finished, and the loss hardly "
                                                  "falls. That is not the same as having arrived.",
        "about 100, where its table ends": "A table ends where its author stops. Look at its last row: w₁ is still "
                                           "0.18 from 0.",
        "about 1,000": "From row 10 to row 100 w₁ moved by 0.03, and slower and slower. 0.18 had to go.",
    })

kappa_left = Prediction(
    "kappa_left",
    "κ of the raw columns is 52 million. What is it once every column has mean 0 and standard deviation 1?",
    at_least={"1: the bowl is round": 0, "about 500": 50, "about 50,000": 5_000, "still millions": 5e5},
    why="Scale and offset are gone. What is left comes from columns that resemble each other: along their difference "
        "the loss is nearly flat.",
    replies={
        "1: the bowl is round": "It would be if the columns had nothing in common. Some resemble each other (s1 and "
                                "s2): along their difference the loss is nearly flat, whatever the scale.",
        "about 50,000": "The mean alone brings κ to about 76,000, the standard deviation alone to about 250,000. "
                        "Together they do more.",
        "still millions": "Millions come from columns far from 0 and of different size, and both are mended.",
    })
