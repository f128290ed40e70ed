"""Lesson 01: slopes, gradients, the loop, standardising, one line of backpropagation."""
from __future__ import annotations

import numpy as np

from gdlib.lessons.kit.exercise import Exercise, Lambda
from gdlib.lessons.kit.prediction import Prediction

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
    ],
    hints=["Stand at x and touch the ground at the same distance on either side. How far apart are the two places?",
           "Rise: f(x + h) - f(x - h). Run: 2h.",
           "Mind the brackets: `/ (2 * h)`, since `/ 2 * h` multiplies by h."],
    success="On a parabola it is exact, whatever h: the errors of the two sides cancel.")


# --- mse_gradient -----------------------------------------------------------------------------------------------------


def mse_gradient(w, X, y):
    """The gradient, d numbers, of the loss mean((X @ w - y)**2); X is (n, d)."""
    return 2 * X.T @ (X @ w - y) / len(y)


def _inputs(rng):
    yield np.array([1.0]), np.array([[1.0], [2.0]]), np.array([2.0, 3.0])
    yield np.array([1.0, -1.0]), np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, 1.0])   # square: X and X.T fit
    yield np.array([2.0]), np.array([[3.0]]), np.array([5.0])
    yield np.array([1.0, 0.0, 2.0]), np.array([[1.0, 2.0, 3.0]]), np.array([4.0])           # one row
    for n, d in [(20, 3), (5, 5)]:
        yield rng.normal(size=d), rng.normal(size=(n, d)), rng.normal(size=n)


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
    ],
    hints=["Write the residual first: r = X @ w - y, one number for each row. How does the mean of r² change "
           "when one w_j changes?",
           "∂/∂w_j of r_i² is 2 r_i · X_ij. Take the mean over the rows i.",
           "All j at once: 2 Xᵀ r / n."],
    success="Prediction error times input, averaged, doubled. You will meet this shape in every lesson.")


# --- descend ----------------------------------------------------------------------------------------------------------


def descend(grad, theta0, lr, steps):
    """The points of gradient descent from theta0 (d numbers), start included: shape (steps + 1, d)."""
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
        (_walk(lambda theta, start, grad, lr: lr * grad(theta)),
         "that is only what is taken off in a step. Take it off the last point: path[-1] - …"),
    ],
    hints=["The last point of the path is path[-1]. Which way is downhill there, and how far do you go?",
           "The slope there is grad(path[-1]). Against it, lr times as far: that is the step.",
           "`theta = path[-1] - lr * grad(path[-1])`. (`-=` in place of `= … -` would change points already in the "
           "list.)"],
    success="This loop is gradient descent, whole. `gd.run` does nothing else.")


# --- train_model: the article's program, mended -----------------------------------------------------------------------


def train_model(x, y, alpha, num_iterations):
    """Fit y ≈ x @ theta from theta = 0: returns theta (d numbers) and the loss before each update (a list)."""
    theta = np.zeros(x.shape[1])
    losses = []
    for _ in range(num_iterations):
        residual = x @ theta - y
        losses.append(np.mean(residual**2))
        theta = theta - alpha * 2 * x.T @ residual / len(y)
    return theta, losses


def _inputs(rng):
    yield np.array([[1.0], [2.0]]), np.array([2.0, 3.0]), 0.1, 1
    yield np.array([[1.0], [2.0], [3.0], [4.0]]), np.array([1.0, 2.0, 3.0, 4.0]), 0.1, 3      # the article's own
    yield np.array([[1.0, 2.0], [0.0, 1.0]]), np.array([1.0, 3.0]), 0.1, 2
    yield np.array([[2.0]]), np.array([1.0]), 0.05, 4
    yield rng.normal(size=(12, 3)), rng.normal(size=12), 0.05, 6
    yield np.array([[1.0], [2.0]]), np.array([2.0, 3.0]), 0.1, 0


def _mean_square(x, y, theta):
    return np.mean((x @ theta - y) ** 2)


def _mse(x, y, theta):
    return 2 * x.T @ (x @ theta - y) / len(y)


def _trained(gradient=_mse, loss=_mean_square, start=np.zeros, extra=0, after=False):
    """A wrong train_model in which one part is replaced."""
    def train(x, y, alpha, num_iterations):
        theta, losses = start(x.shape[1]), []
        for _ in range(num_iterations + extra):
            before = loss(x, y, theta)
            theta = theta - alpha * gradient(x, y, theta)
            losses.append(loss(x, y, theta) if after else before)
        return theta, losses
    return train


def _predicted_once(x, y, alpha, num_iterations):
    theta = np.zeros(x.shape[1])
    residual, losses = x @ theta - y, []
    for _ in range(num_iterations):
        losses.append(np.mean(residual**2))
        theta = theta - alpha * 2 * x.T @ residual / len(y)
    return theta, losses


def _last_loss(x, y, alpha, num_iterations):
    theta, losses = _trained()(x, y, alpha, num_iterations)
    return theta, losses[-1]


def _loss_at_the_end(x, y, alpha, num_iterations):
    theta, losses = _trained()(x, y, alpha, num_iterations)
    return theta, losses + [_mean_square(x, y, theta)]


def _swapped(x, y, alpha, num_iterations):
    return _trained()(x, y, alpha, num_iterations)[::-1]


def _half_mean_square(x, y, theta):
    return _mean_square(x, y, theta) / 2


train_model = Exercise(
    train_model, inputs=_inputs, returns=("theta", "losses"),
    mistakes=[
        (_trained(lambda x, y, theta: (x @ theta - y) / len(y)),
         "this gradient, the printed one, has a number for each row. theta needs one for each parameter: "
         "multiply the residual by its row of x, with xᵀ in front."),
        (_trained(lambda x, y, theta: 2 * (x @ theta - y) / len(y)),
         "this gradient has a number for each row. theta needs one for each parameter: xᵀ in front of the residual."),
        (_trained(lambda x, y, theta: np.mean(x @ theta - y)),
         "the residuals were averaged as they are. "
         "Multiply each by its row of x first (xᵀ in front), and mind the 2 of the square's derivative."),
        (_trained(lambda x, y, theta: 2 * np.mean(x @ theta - y)),
         "the residuals were averaged as they are. Multiply each by its row of x first: xᵀ in front."),
        (_trained(lambda x, y, theta: np.dot(x, x @ theta - y) / len(y)),
         "x meets the residuals untransposed. xᵀ has one row for each parameter; "
         "that one is needed, and the 2 of the square's derivative."),
        (_trained(lambda x, y, theta: 2 * np.dot(x, x @ theta - y) / len(y)),
         "x meets the residuals untransposed. xᵀ has one row for each parameter; that one is needed."),
        (_trained(lambda x, y, theta: _mse(x, y, theta) / 2),
         "your steps are half as long as they should be. "
         "The loss is a mean of squares without ½, so its gradient has a factor 2."),
        (_trained(lambda x, y, theta: _mse(x, y, theta) * len(y)),
         "the gradient is a sum over the rows. The loss is their mean: divide by len(y)."),
        (_trained(lambda x, y, theta: _mse(x, y, theta) * len(y) / 2),
         "two factors are missing in the gradient, the 2 of the square's derivative and the 1/n of the mean."),
        (_trained(lambda x, y, theta: -_mse(x, y, theta)),
         "the walk goes uphill. Look at the sign of the residual, and at the one in front of alpha."),
        (_trained(after=True),
         "these losses are measured after the update. "
         "The program prints the loss of the prediction it has just made, before the update."),
        (_trained(loss=lambda x, y, theta: np.sum((x @ theta - y) ** 2)),
         "these losses are sums of squares. The loss is their mean."),
        (_trained(loss=_half_mean_square),
         "these losses have a factor ½. "
         "The loss is the plain mean of the squares, and your update already follows that one."),
        (_trained(lambda x, y, theta: _mse(x, y, theta) / 2, loss=_half_mean_square),
         "loss and gradient fit each other, but both are of half the mean of squares. "
         "The loss here has no ½, so its gradient has a factor 2."),
        (_swapped,
         "theta comes first, then the losses."),
        (_trained(extra=-1),
         "one iteration is missing. Take all num_iterations."),
        (_trained(extra=1),
         "one iteration too many."),
        (_trained(start=np.ones),
         "your walk starts at 1. The program starts at zeros."),
        (_predicted_once,
         "the prediction is made once and never again. It depends on theta: make it anew inside the loop."),
        (_last_loss,
         "that is only the last loss. Keep one for each iteration, in a list."),
        (_loss_at_the_end,
         "there is one loss more than there were updates. Only the loss before each update is wanted."),
    ],
    hints=["Start from the printed loop. What must `update_parameters` know that it was not given?",
           "Shapes: theta (d,), residual (n,), x (n, d). Which product of x and the residual has d numbers?",
           "The gradient of the mean of squares is 2 xᵀ(x·theta − y)/n. Keep the loss of each prediction in a list, "
           "then update."],
    success="Mended. A gradient check, next, proves it without any answer sheet.")


# --- standardise ------------------------------------------------------------------------------------------------------


def standardise(X):
    """X (n, d) with every column at mean 0 and standard deviation 1; a constant column becomes zeros."""
    mean, std = X.mean(axis=0), X.std(axis=0)
    return (X - mean) / np.where(std == 0, 1, std)


def _inputs(rng):
    yield (np.array([[1.0, 10.0], [3.0, 30.0]]),)
    yield (np.array([[1.0], [2.0], [6.0]]),)
    yield (rng.normal(size=(8, 3)) * [1, 10, 0.1] + [5, 0, -2],)
    yield (rng.normal(size=(4, 4)),)
    yield (np.array([[5.0, 1.0], [5.0, 3.0]]),)                # the first column is constant


def _scaled(centre, scale, guard):
    """A wrong standardise: another centre or scale; with guard, a scale of 0 is taken as 1."""
    def standardise(X):
        s = np.asarray(scale(X))
        return (X - centre(X)) / (np.where(s == 0, 1, s) if guard else s)
    return standardise


def _mean(X):
    return X.mean(axis=0)


def _std(X):
    return X.std(axis=0)


_SCALINGS = [
    (lambda X: X.mean(axis=1), lambda X: X.std(axis=1),
     "`axis=1` runs along the rows. A mean for each column is `axis=0`."),
    (lambda X: X.mean(axis=1, keepdims=True), lambda X: X.std(axis=1, keepdims=True),
     "each row was standardised. The columns are the features: `axis=0`."),
    (_mean, lambda X: X.var(axis=0),
     "you divide by the variance. The standard deviation is its root, and has the column's own unit."),
    (lambda X: 0, _std,
     "the columns are scaled but not centred. Subtract each column's mean first."),
    (lambda X: X.min(axis=0), lambda X: X.max(axis=0) - X.min(axis=0),
     "that is min–max scaling, from 0 to 1. Here the mean should be 0 and the standard deviation 1."),
    (_mean, lambda X: X.max(axis=0) - X.min(axis=0),
     "you divide by the range. Divide by the standard deviation."),
    (_mean, lambda X: X.std(axis=0, ddof=1),
     "that divides by n − 1 in the deviation (`ddof=1`). "
     "Here it is the deviation of these very rows, by n, as NumPy's `std` has it."),
]

_NO_BRACKETS = "Python divides before it subtracts. Put brackets around the difference: `(X - mean) / std`."

standardise = Exercise(
    standardise, inputs=_inputs,
    mistakes=[
        (lambda X: X - X.mean(axis=0) / X.std(axis=0), _NO_BRACKETS),
        (lambda X: X - X.mean(axis=0) / np.where(X.std(axis=0) == 0, 1, X.std(axis=0)), _NO_BRACKETS),
        (_scaled(_mean, _std, guard=False),
         "a constant column has deviation 0, and 0/0 is not a number. Divide by 1 there, and it becomes zeros."),
        (lambda X: (X - X.mean()) / X.std(),
         "one mean and one deviation were used for the whole table. Each column has its own: `axis=0`."),
        (lambda X: X - X.mean(axis=0),
         "the columns are centred but not scaled. Divide by each column's standard deviation."),
        *((_scaled(centre, scale, guard), text) for centre, scale, text in _SCALINGS for guard in (True, False)),
    ],
    hints=["For each column: subtract its mean, divide by its standard deviation. Which axis do the rows run along?",
           "`X.mean(axis=0)` and `X.std(axis=0)` have one number for each column, and broadcast over the rows.",
           "A constant column has deviation 0. `np.where(std == 0, 1, std)` divides it by 1."],
    success="Each column now has mean 0 and standard deviation 1, and a constant one is out of the way.",
    nearly="It is off by a millionth at most, as happens when a small number is added to std; "
           "`np.where(std == 0, 1, std)` is exact.")


# --- backprop_line ----------------------------------------------------------------------------------------------------


def backprop_line(delta2, W2, h):
    """delta2 (n, k), W2 (H, k), h = tanh(a) (n, H): the loss's derivative by a, (n, H)."""
    return (delta2 @ W2.T) * (1 - h**2)


def _inputs(rng):
    yield np.array([[3.0]]), np.array([[2.0]]), np.array([[0.5]])
    yield np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 0.0], [2.0, 1.0]]), np.array([[0.5, 0.0], [0.1, -0.5]])
    yield np.array([[1.0], [2.0]]), np.array([[1.0], [3.0]]), np.array([[0.5, 0.0], [0.1, -0.5]])
    yield np.array([[1.0]]), np.array([[1.0], [3.0]]), np.array([[1.0, -1.0]])                # saturated units
    for n, H, k in [(4, 5, 3), (6, 2, 1)]:
        yield rng.normal(size=(n, k)), rng.normal(size=(H, k)), np.tanh(rng.normal(size=(n, H)))


backprop_line = Exercise(
    backprop_line, inputs=_inputs,
    mistakes=[
        (lambda delta2, W2, h: delta2 @ W2.T,
         "the way back through tanh is missing. Multiply by its derivative, 1 − h²."),
        (lambda delta2, W2, h: (delta2 @ W2.T) * h * (1 - h),
         "h(1 − h) is the sigmoid's derivative. That of tanh is 1 − h²."),
        (lambda delta2, W2, h: (delta2 @ W2.T) * (1 - h),
         "you multiply by 1 − h. The derivative of tanh is 1 − h²."),
        (lambda delta2, W2, h: (delta2 @ W2.T) * (1 - h * 2),
         "`h * 2` doubles h. The square is `h**2`."),
        (lambda delta2, W2, h: (delta2 @ W2.T) * (1 - np.tanh(h) ** 2),
         "tanh was applied twice. h is already tanh(a), so its derivative is 1 − h²."),
        (lambda delta2, W2, h: (delta2 @ W2.T) * (1 + h**2),
         "you multiply by 1 + h². The derivative of tanh is 1 − h²."),
        (lambda delta2, W2, h: delta2 @ W2.T * 1 - h**2,
         "without brackets h² is subtracted at the end. Write `* (1 - h**2)`."),
        (lambda delta2, W2, h: (delta2 @ W2) * (1 - h**2),
         "W2 carries h forward to the outputs. The way back is its transpose, W2.T, of shape (k, H)."),
        (lambda delta2, W2, h: (delta2 @ W2.T) @ (1 - h**2),
         "that is a matrix product. Each unit has its own derivative, so multiply elementwise, with `*`."),
        (lambda delta2, W2, h: -(delta2 @ W2.T) * (1 - h**2),
         "the sign is reversed. Nothing on the way back changes the sign; the minus comes in the update."),
        (lambda delta2, W2, h: (delta2 @ W2.T) * h,
         "you multiply by h itself. The chain rule wants the derivative of tanh, 1 − h²."),
    ],
    hints=["Two factors, one for each thing passed on the way back: the weights, then tanh.",
           "Through the weights: delta2 is (n, k), the result (n, H). Which product with W2 fits?",
           "The derivative of tanh at a is 1 − tanh(a)², and h is tanh(a). It multiplies elementwise."],
    success="Every deeper network repeats this line, once for each layer.")


# --- predictions ------------------------------------------------------------------------------------------------------

best_step = Prediction(
    "best_step",
    "The forward difference (f(x + h) − f(x))/h: which h comes nearest to the true slope?",
    at_least={
        "1e-2: coarse, but safe from rounding": 3e-4,
        "1e-5": 3e-7,
        "1e-8": 1e-11,
        "1e-15: the smaller the better": 0,
    },
    why="Two errors meet. The curve's bend costs about h, and shrinks with it; rounding f to 16 digits costs up to "
        "about 1e-16 / h, and grows. They are equal near the root of 1e-16.")

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
        "little off the steepest one costs almost nothing: the cosine is flat at 0.")

how_long = Prediction(
    "how_long",
    "At the article's rate, 0.001, after how many iterations are all three coefficients within 0.01 of (0, 0, 1)?",
    at_least={
        "about 20, as many as its program takes": 0,
        "about 100, where its table ends": 50,
        "about 1,000": 500,
        "more than 10,000": 10_000,
    },
    why="The error shrinks fast along the steepest direction of the loss and slowly along the flattest. The largest "
        "eigenvalue bounds the rate, the smallest sets the waiting time: about 1/(η λmin) steps for each factor e.")

zigzag = Prediction(
    "zigzag",
    "On the ravine, a rate of 0.03 glides along the valley; at 0.07 the path swings from wall to wall at every step. "
    "Which comes within 0.01 of the lowest point first?",
    at_least={"the gliding one": 0, "the swinging one": 1.2, "both about alike": 1 / 1.2},
    why="Swinging costs nothing as long as each swing is shorter than the last. Along the valley the larger rate "
        "walks faster, and that is the long way.")

first_fault = Prediction(
    "first_fault",
    "The article's linear-regression program, run exactly as printed: what happens?",
    equal_to={
        "it fits the line": "fits",
        "it runs, but the loss grows": "grows",
        "Python does not know a name (NameError)": "NameError",
        "the shapes don't fit (ValueError)": "ValueError",
    },
    why="`update_parameters` speaks of y_true and y_pred, which nobody gave it: they live in other functions. The "
        "first fault that stops a program hides all those behind it, so mend one and run again.")

scaled_steps = Prediction(
    "scaled_steps",
    "By what factor does the number of steps shrink when each (centred) column is also divided by its standard "
    "deviation, both at their best rate?",
    at_least={"hardly (below 3)": 0, "about 10 (3–30)": 3, "about 100 (30–1,000)": 30, "more than 1,000": 1_000},
    why="The number of steps follows the condition number of the Hessian, λmax/λmin, and that goes with the square of "
        "the columns' scales: a column measured in units ten times smaller makes it up to a hundred times larger.")

which_valley = Prediction(
    "which_valley",
    "Himmelblau's surface has four equally deep valleys. What share of the starts ends in the valley nearest to it?",
    at_least={
        "all of them": 0.995,
        "more than nine in ten, but not all": 0.9,
        "about two in three": 0.45,
        "hardly better than chance, one in four": 0,
    },
    why="The hiker follows the slope underfoot and knows nothing of distances. The borders between the basins are "
        "ridges of the surface, not the lines halfway between the valleys.")
