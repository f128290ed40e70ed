"""Lesson 01: the claims on gradients, on trial."""
import numpy as np

import gdlib as gd
from gdlib.lessons.kit.axes import among, between
from gdlib.lessons.kit.intervals import Outcome, paired
from gdlib.lessons.kit.trial import trial
from gdlib.lessons.kit.walks import SURFACES, check_length, step_that_bends, surface

PLACES = {"quadratic": None, "rosenbrock": gd.rosenbrock, "himmelblau": gd.himmelblau, "beale": gd.beale,
          "saddle": gd.saddle, "monkey saddle": gd.monkey_saddle, "double well": gd.double_well}


@trial("steepest", kind="effect", unit="height lost, beside the most that any direction loses")
class Steepest:
    """Steps of one length in 720 directions from 32 places: does the negative gradient lose most?"""

    axes = {
        "surface": among(*PLACES, about="surface"),
        "kappa": between(1, 1000, about="condition number of the quadratic", log=True, least=1, most=1e6),
        "length": among("straight", "largest coordinate", about="length of a step: "),
        "bend": between(0.001, 3, about="change of the slope along the step, as a share of it,", log=True,
                        least=1e-5, most=100),
    }
    fixed = "two coordinates; 32 places, normal around 0"
    smallest, most = 0.99, 1.0001
    seeds, of_each = 32, 60
    literature = ("Boyd and Vandenberghe (2004), section 9.4: the steepest direction hangs on the norm; by the largest "
                  "coordinate it is the sign of the gradient")

    def met(case):
        """length is measured straight (Euclid), and the slope changes by at most a twentieth along the step"""
        return case.length == "straight" and case.bend <= 0.05

    def run(case, rng):
        f = PLACES[case.surface] or gd.quadratic([1, case.kappa], angle=rng.uniform(0, np.pi))
        theta = rng.standard_normal((32, 2))
        step = step_that_bends(f, theta, case.bend)
        around = np.linspace(0, 2 * np.pi, 720, endpoint=False)
        ways = np.stack([np.cos(around), np.sin(around)], axis=-1)
        norm = 2 if case.length == "straight" else np.inf
        ways = ways / np.linalg.norm(ways, ord=norm, axis=-1, keepdims=True)
        others = theta[:, None] + np.linalg.norm(step, ord=norm, axis=-1)[:, None, None] * ways
        lost = f(theta) - f(theta + step)
        return paired(lost / np.maximum(lost, (f(theta)[:, None] - f(others)).max(axis=1)))


@trial("scaling-inputs", kind="effect", unit="halvings of the excess loss")
class ScalingInputs:
    """The excess loss after so many epochs, with columns as they are and with standardised ones.

    Each at the best of 24 rates, tuned on other starts and batches.
    """

    axes = {
        "n": among(40, 160, about="rows", least=8, most=2000),
        "d": among(2, 5, 12, about="columns", least=1, most=100),
        "spread": between(1, 100, about="largest scale of a column beside the smallest", log=True, least=1, most=1e4),
        "offset": between(0.01, 20, about="means of the columns, in standard deviations,", log=True, least=0,
                          most=1e3),
        "turned": among("no", "yes", about="columns turned into each other:"),
        "signal": among("every column", "the largest", about="what the target hangs on:"),
        "noise": among(0.1, 0.3, 1.0, about="noise of the target", least=0, most=100),
        "batch": among(4, 16, 40, about="batch", least=1, most=2000),
        "epochs": among(5, 40, about="epochs", least=1, most=200),
    }
    fixed = "least squares with an intercept; 32 data sets; start at 0"
    smallest = 0.5
    seeds, of_each = 32, 100
    literature = "LeCun et al. (1998), Efficient BackProp, agree: shift the means to 0, and make the covariances alike"

    def met(case):
        """the columns themselves differ in scale by 3 or more, or lie 3 standard deviations or more from 0"""
        return (case.spread >= 3 and case.turned == "no") or case.offset >= 3

    def possible(case):
        if case.batch > case.n or case.n < 2 * case.d:
            raise ValueError(f"n must be at least the batch and twice the columns; got n = {case.n}, batch = "
                             f"{case.batch}, d = {case.d}.")
        check_length(case.epochs * case.n / case.batch, 10_000)

    def run(case, rng):
        scales = np.geomspace(1, 1 / case.spread, case.d)
        Z = rng.standard_normal((32, case.n, case.d))
        weights = rng.standard_normal(case.d) * (1 if case.signal == "every column" else np.arange(case.d) == 0)
        y = Z @ weights + case.noise * rng.standard_normal((32, case.n))
        turn = np.linalg.qr(rng.standard_normal((case.d, case.d)))[0] if case.turned == "yes" else np.eye(case.d)
        X = Z * scales @ turn
        X = X + case.offset * rng.choice([-1, 1], (32, 1, case.d)) * X.std(axis=1, keepdims=True)
        standard = (X - X.mean(axis=1, keepdims=True)) / X.std(axis=1, keepdims=True)
        order = np.argsort(rng.random((2, case.epochs, 32, case.n)), axis=-1)
        raw, scaled = (_tuned(Z, y, case.batch, order) for Z in (X, standard))
        return paired(np.log2(raw / scaled))


def _tuned(X, y, batch, order):
    """The excess loss (32,) over the second half of the drawn orders, at the rate that is best over the first half."""
    X = np.concatenate([X, np.ones((*X.shape[:2], 1))], axis=2)
    H = 2 / X.shape[1] * np.swapaxes(X, 1, 2) @ X
    rates = np.geomspace(1e-3, 1.9, 24) / np.linalg.eigvalsh(H)[:, -1:]  # (32 data sets, 24 rates)
    tuned, judged = (_excess(X, y, batch, part, rates) for part in order)
    return judged[:, np.log(tuned).mean(axis=0).argmin()]


def _excess(X, y, batch, order, rates):
    """The excess loss beside the first loss (32, 24), after a walk through the rows in this order (epochs, 32, n)."""
    theta, each = np.zeros((*rates.shape, X.shape[2])), np.arange(len(X))[:, None]
    for rows in order:
        for i in range(0, X.shape[1], batch):
            x = X[each, rows[:, i:i + batch]]  # (32, B, d)
            residuals = theta @ np.swapaxes(x, 1, 2) - y[each, rows[:, i:i + batch]][:, None]
            theta = theta - 2 / x.shape[1] * rates[..., None] * (residuals @ x)
    best = np.stack([np.linalg.lstsq(A, b, rcond=None)[0] for A, b in zip(X, y, strict=True)])
    off = (theta - best[:, None]) @ np.swapaxes(X, 1, 2)
    first = (y**2).mean(axis=1)[:, None]
    return np.clip(np.nan_to_num((off**2).mean(axis=-1) / first, nan=1e9), 1e-9, 1e9)  # so low is as good as there


@trial("stop-threshold", kind="practice", unit="share of the walks that are stopped rightly")
class StopThreshold:
    """Stop when the loss falls below a threshold, or when the iterations run out: is that the right moment?

    The threshold is a share of the first excess above the lowest loss, as far as that is known. A walk is stopped
    rightly if the remaining iterations would not have brought more than twice that share, and if it has not taken more
    than four times the steps (and ten) from which on they bring no more than once that share. To stop more than half of
    the walks rightly is the least that one can ask of a rule.
    """

    axes = {
        "surface": among(*SURFACES, "plateau", "two wells", about="surface"),
        "d": among(1, 3, 10, about="coordinates", least=1, most=100),
        "kappa": between(1, 100, about="condition number", log=True, least=1, most=1e4),
        "share": between(0.003, 0.1, about="threshold, as a share of the first excess,", log=True, least=1e-6,
                         most=0.5),
        "error": between(-0.1, 0.1, about="error of the lowest loss that is assumed, as such a share,", least=-10,
                         most=1),
        "sigma": among(0.0, 0.001, 0.01, 0.1, about="noise of the loss that is seen, as such a share,", least=0,
                       most=1),
        "iterations": among(100, 1000, 5000, about="iterations", least=10, most=50_000),
    }
    fixed = "16 starts; exact slopes, rate 1/L"
    smallest = 0.5
    seeds, of_each = 16, 60
    literature = ("Prechelt (1998), Early stopping, but when?, narrows it: for a model that is to predict, the loss on "
                  "other data decides, not the training loss")

    def met(case):
        """there is one valley, and error and noise of the loss are at most a half and a quarter of the threshold"""
        sure = abs(case.error) <= case.share / 2 and case.sigma <= case.share / 4
        return sure and case.surface != "two wells"

    def run(case, rng):
        f, largest, lowest, theta0 = _ground(case, rng)
        excess = gd.run(f, gd.gradient_descent(1 / largest), theta0, case.iterations).loss - lowest
        left = excess / excess[0]
        seen = left + case.sigma * rng.standard_normal(left.shape)
        stop = _first(seen <= case.share + case.error)
        needed = _first(left <= left[-1] + case.share)
        forgone = left[stop, np.arange(16)] - left[-1]
        return paired((forgone <= 2 * case.share) & (stop <= 4 * needed + 10))


def _first(there):
    """The first step (of axis 0) at which something is so, for each walk; the last step if it never is."""
    return np.where(there.any(axis=0), there.argmax(axis=0), len(there) - 1)


def _ground(case, rng):
    """A surface, the largest curvature on the way, the lowest loss, and 16 starts."""
    theta0 = 2 * rng.standard_normal((16, case.d))
    if case.surface == "plateau":
        f = gd.Objective("plateau", lambda theta: 1 - np.exp(-(theta**2).sum(axis=-1) / 8),
                         lambda theta: theta / 4 * np.exp(-(theta**2).sum(axis=-1, keepdims=True) / 8))
        return f, 0.25, 0.0, theta0
    if case.surface == "two wells":  # in each coordinate
        f = gd.Objective("two wells", lambda x: ((x * x - 1) ** 2 / 4 + 0.2 * x).sum(axis=-1),
                         lambda x: x * (x * x - 1) + 0.2)
        deepest = np.full(case.d, np.roots([1, 0, -1, 0.2]).real.min())
        return f, float(3 * (theta0**2).max()), float(f(deepest)), theta0
    f, largest = surface(case.surface, case.d, case.kappa, rng)
    theta = np.zeros(case.d)
    if case.surface == "logistic":
        for _ in range(20):  # Newton's steps, to the lowest point
            theta = theta - np.linalg.solve(f.hess(theta), f.grad(theta))
    return f, largest, 0.0 if case.surface == "separable" else float(f(theta)), theta0


@trial("article-table", kind="report", unit="rows of the printed five that the program gives")
class ArticleTable:
    """Read the article's program in every way that one can, and count the printed rows that it gives."""

    axes = {
        "rate": among(0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, about="rate", least=1e-9, most=1),
        "loss": among("mean", "half the mean", "sum", about="loss: of the squares"),
        "labels": among("as printed", "counted from 0", "any iteration", about="which iteration a row shows: "),
        "updates": among("together", "one after the other", about="the three coefficients are updated"),
        "bits": among(32, 64, about="bits of a number", least=32, most=64),
    }
    fixed = "the article's five points and start; a row fits if all three numbers agree when rounded; 200 iterations"
    smallest = 4.5  # all five
    literature = "the article prints the table without saying how it was made"

    def possible(case):
        if case.bits not in (32, 64):
            raise ValueError(f"bits must be 32 or 64; got {case.bits}")

    def run(case, rng):
        walked = parabola_fit(case)
        offset = 1 if case.labels == "counted from 0" else 0
        fits = 0
        for label, row in PRINTED.items():
            shown = walked if case.labels == "any iteration" else walked[[label - offset]]
            fits += bool((np.abs(shown - row).max(axis=1) < 0.00051).any())
        return Outcome(fits, fits, fits)


PRINTED = {1: (0.010, 0.042, 0.154), 2: (0.022, 0.090, 0.392), 3: (0.035, 0.143, 0.621), 10: (0.051, 0.214, 0.945),
           100: (0.026, 0.181, 0.957)}


def parabola_fit(case):
    """The coefficients w0, w1, w2 after 0, 1, … 200 iterations of the article's program, as a case reads it."""
    number = np.float32 if case.bits == 32 else np.float64
    points, y = gd.data.load("parabola")
    X, y = (points ** [0, 1, 2]).astype(number), y.astype(number)
    factor = {"mean": 2 / 5, "half the mean": 1 / 5, "sum": 2}[case.loss]
    parts = [[0], [1], [2]] if case.updates == "one after the other" else [[0, 1, 2]]
    w, walked = np.zeros(3, number), []
    for _ in range(201):
        walked.append(w.copy())
        for part in parts:
            w[part] -= number(case.rate * factor) * (X[:, part].T @ (X @ w - y))
    return np.array(walked)


@trial("article-converges", kind="theorem", unit="−ln of the share of the distance that is left after a while")
class ArticleConverges:
    """Fit polynomials: what is left of the distance to the true coefficients, from the worst of 16 starts?

    A step multiplies the distance along an eigenvector of the Hessian by 1 − ηλ. With ρ, the largest |1 − ηλ| of the
    eigenvalues that are not 0, at most e⁻⁵ is left after 5/(1 − ρ) steps; a hundredth is asked.
    """

    axes = {
        "points": among(2, 3, 5, 8, 12, about="points", least=1, most=100),
        "degree": among(1, 2, 3, about="degree", least=1, most=4),
        "places": among("1 … n", "−1 to 1", "uneven", about="where the points lie: "),
        "times": between(0.02, 3, about="rate, as a multiple of 2/λmax,", log=True, least=1e-4, most=100),
    }
    fixed = ("least squares on points of a polynomial, so that its coefficients are the optimum; 5/|1 − ρ| steps; the "
             "noise of the points would move the optimum and change nothing else")
    smallest = np.log(100)
    literature = "Nesterov (2004): any rate below 2/L converges on a convex quadratic"

    def met(case):
        """the rate is below 2/λmax, and the points are at least as many as the coefficients"""
        return case.times < 1 and case.points > case.degree

    def possible(case):
        if abs(case.times - 1) < 1e-3:
            raise ValueError(f"times must differ from 1 by 0.001 or more; got {case.times:.6g}: nothing moves there.")
        if case.places == "1 … n" and case.points**case.degree > 150:
            raise ValueError(f"points of 1 … n must be fewer, or the degree lower, or 64 bits are too few; got "
                             f"{case.points} and {case.degree}. Say places='−1 to 1'.")

    def run(case, rng):
        X = polynomial_columns(case, rng)
        H = 2 / case.points * X.T @ X
        curvatures = np.linalg.eigvalsh(H)[-min(X.shape):]
        step = np.eye(X.shape[1]) - 2 * case.times / curvatures[-1] * H
        rho = np.abs(1 - 2 * case.times * curvatures / curvatures[-1]).max()
        off = rng.standard_normal((X.shape[1], 16))
        later = np.linalg.matrix_power(step, int(np.ceil(5 / abs(1 - rho)))) @ off
        left = -float(np.log(np.linalg.norm(later, axis=0) / np.linalg.norm(off, axis=0)).max())
        return Outcome(left, left, left)


def polynomial_columns(case, rng):
    """The powers 0, 1, … of the points: (points, degree + 1)."""
    n = case.points
    even = np.linspace(-1, 1, n)
    x = {"1 … n": np.arange(1, n + 1), "−1 to 1": even, "uneven": even + rng.uniform(-0.4, 0.4, n) / n}[case.places]
    return np.asarray(x, float)[:, None] ** np.arange(case.degree + 1)


@trial("article-program", kind="report", unit="share of the loss that can be removed and is")
class ArticleProgram:
    """Run the article's linear regression as printed, and with its faults mended one by one."""

    axes = {
        "mended": among("nothing", "the names", "the names and the transpose", about="mended: "),
        "rows": among(1, 4, 10, 100, about="rows", least=1, most=1000),
        "columns": among(1, 2, 4, 10, about="columns", least=1, most=50),
        "table": among("normal", "symmetric and positive", about="table of the inputs"),
        "share": between(0.1, 0.9, about="rate, as a share of the largest that is stable with the transpose,", log=True,
                         least=1e-3, most=0.99),
    }
    fixed = "targets without noise, coefficients and table drawn; start at 0; 2,000 iterations; an error counts as 0"
    smallest = 0.9
    literature = "a gradient check (lesson 01) finds the factor 2 that the mended program still lacks, and that trains"

    def met(case):
        """the names y_true and y_pred are handed over, and xᵀ stands before the residuals"""
        return case.mended == "the names and the transpose"

    def possible(case):
        if case.table != "normal" and case.rows != case.columns:
            raise ValueError(f"rows must be as many as columns in a symmetric table; got {case.rows}, {case.columns}")

    def run(case, rng):
        x = rng.standard_normal((case.rows, case.columns))
        if case.table != "normal":
            turn = np.linalg.qr(x)[0]
            x = turn * rng.uniform(0.5, 2, case.columns) @ turn.T
        y = x @ rng.standard_normal(case.columns)
        alpha = 2 * case.share * case.rows / np.linalg.norm(x, 2) ** 2
        try:
            theta = _train(x, y, alpha, UPDATES[case.mended])
            removed = 1 - np.mean((x @ theta - y) ** 2) / np.mean(y**2)
        except (NameError, ValueError):
            removed = 0.0
        removed = float(np.clip(np.nan_to_num(removed, nan=-1), -1, 1))  # −1: the loss has grown
        return Outcome(removed, removed, removed)


def _train(x, y, alpha, update):
    theta = np.zeros(len(x[0]))
    for _ in range(2000):
        theta = update(theta, alpha, x, y, np.dot(x, theta))
    return theta


def _as_printed(theta, alpha, x, true, predicted):
    return theta - alpha * (y_pred - y_true) / len(y_true)  # noqa: F821 (names that the article never hands over)


UPDATES = {"nothing": _as_printed,
           "the names": lambda theta, alpha, x, true, predicted: theta - alpha * (predicted - true) / len(true),
           "the names and the transpose":
               lambda theta, alpha, x, true, predicted: theta - alpha * x.T @ (predicted - true) / len(true)}
