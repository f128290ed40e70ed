"""Lesson 03: rates from curvatures, sharpness, the hovering at the edge, a schedule, and a range test as a project."""
from __future__ import annotations

import copy
from functools import cache

import numpy as np

import gdlib as gd
from gdlib.lessons.kit.diagnosis import kind
from gdlib.lessons.kit.exercise import Exercise, Lambda
from gdlib.lessons.kit.prediction import Prediction
from gdlib.lessons.kit.project import Project

# --- rates_from_curvatures --------------------------------------------------------------------------------------------


def rates_from_curvatures(eigenvalues):
    """From the Hessian's eigenvalues, all > 0: edge, best η, its factor."""
    low, high = np.min(eigenvalues), np.max(eigenvalues)
    return 2 / high, 2 / (low + high), (high - low) / (high + low)


def _inputs(rng):
    yield (np.array([1.0, 4.0]),)
    yield (np.array([5.0, 1.0]),)                              # not in order
    yield (np.array([2.0]),)                                   # round: one step arrives
    yield (np.array([3.0, 0.1, 1.0]),)
    for d in (4, 7):
        yield (rng.uniform(0.1, 10, size=d),)


def _from(edge=lambda m, L: 2 / L, best=lambda m, L: 2 / (m + L), factor=lambda m, L: (L - m) / (L + m),
          ends=lambda e: (np.min(e), np.max(e))):
    """A wrong rates_from_curvatures in which one part is replaced."""
    def rates(eigenvalues):
        low, high = ends(eigenvalues)
        return edge(low, high), best(low, high), factor(low, high)
    return rates


rates_from_curvatures = Exercise(
    rates_from_curvatures, inputs=_inputs, returns=("edge", "best", "factor"),
    mistakes=[
        (lambda e: (2 / np.max(e), 1 / np.mean(e), (np.max(e) - np.min(e)) / (np.max(e) + np.min(e))),
         "that is one over the mean of all curvatures. Those between the smallest and the largest play no part."),
        (lambda e: (2 / np.max(e), 2 / np.sum(e), (np.max(e) - np.min(e)) / (np.max(e) + np.min(e))),
         "you add all curvatures. Only the smallest and the largest count; one alone is both."),
        (_from(factor=lambda m, L: 1 - m / L),
         "that is the flattest direction's factor at η = 1/λmax. Put the best η into 1 − ηλmin."),
        (_from(factor=lambda m, L: (np.sqrt(L) - np.sqrt(m)) / (np.sqrt(L) + np.sqrt(m))),
         "with roots it is the factor of momentum (lesson 04). Plain descent has no roots."),
        (_from(edge=lambda m, L: 1 / L),
         "at 1/λ the steep direction arrives in one step. The edge, where |1 − ηλ| is 1 again, is at 2/λ."),
        (_from(edge=lambda m, L: 2 / m),
         "that is the flattest direction's edge. The steepest one runs away first."),
        (_from(best=lambda m, L: 1 / (m + L)),
         "for {call} I expected {expected} and got {got}, half as large as it should be: "
         "set 1 − ηλmin equal to ηλmax − 1, and solve for η."),
        (_from(best=lambda m, L: 1 / L),
         "1/λmax is best for the steep direction alone. At the best η the flattest and the steepest shrink alike."),
        (_from(best=lambda m, L: (2 / m + 2 / L) / 2),
         "that is halfway between the two edges. At the best η 1 − ηλmin equals ηλmax − 1."),
        (_from(best=lambda m, L: (1 / m + 1 / L) / 2),
         "that is the mean of what each direction would like for itself. At the best η 1 − ηλmin equals ηλmax − 1."),
        (_from(best=lambda m, L: 2 / (L - m) if L > m else np.inf),
         "the two curvatures are added in the denominator, since 1 − ηλmin = ηλmax − 1."),
        (_from(factor=lambda m, L: (m - L) / (L + m)),
         "that is 1 − ηλmax, with its sign. Its size says how much the distance shrinks."),
        (_from(factor=lambda m, L: ((L - m) / (L + m)) ** 2),
         "that is how the loss shrinks. The distance shrinks by its root."),
        (_from(factor=lambda m, L: (L + m) / (L - m) if L > m else np.inf),
         "for {call} I expected {expected} and got {got}, above 1: the fraction is upside down. "
         "The distance shrinks at each step."),
        (_from(best=lambda m, L: 1 / L, factor=lambda m, L: 1 - m / L),
         "1/λmax is best for the steep direction alone: it arrives in one step. Then all wait for the flat one."),
        (_from(edge=lambda m, L: 1 / L, best=lambda m, L: 1 / L, factor=lambda m, L: 1 - m / L),
         "1/λmax is best for the steep direction alone, and it is no edge: |1 − ηλ| is 0 there. It is 1 again at 2/λ."),
        (_from(factor=lambda m, L: L / m),
         "that is the condition number κ. The factor is |1 − ηλ| at the best η."),
        (_from(factor=lambda m, L: 1 - 2 * m / L),
         "that is the flattest direction's factor at the edge. Put the best η into 1 − ηλmin."),
        (_from(ends=lambda e: (e[0], e[-1])),
         "the first and last need not be the smallest and largest. Take min and max."),
        (lambda e: (2 / (np.min(e) + np.max(e)), 2 / np.max(e), (np.max(e) - np.min(e)) / (np.max(e) + np.min(e))),
         "the first two have changed places. The edge comes first."),
    ],
    hints=["Each direction has its factor |1 − ηλ|. Which direction is the first to reach 1 as η grows?",
           "The edge is 2/λmax. At the best η the slowest two are even: 1 − ηλmin = ηλmax − 1.",
           "best = 2/(λmin + λmax); put it into 1 − ηλmin, and (λmax − λmin)/(λmax + λmin) is left."],
    success="With κ = λmax/λmin the factor is (κ − 1)/(κ + 1): only the shape of the valley matters.")


# --- largest_curvature ------------------------------------------------------------------------------------------------


def largest_curvature(grad, theta, v, rounds):
    """The Hessian's eigenvalue of largest size at theta."""
    h = 1e-5
    for _ in range(rounds):
        v = v / np.linalg.norm(v)
        Hv = (grad(theta + h * v) - grad(theta - h * v)) / (2 * h)
        curvature = v @ Hv
        v = Hv
    return curvature


def _inputs(rng):
    bowl = Lambda("lambda theta: np.array([3, 1]) * theta")
    saddle = Lambda("lambda theta: np.array([1, -4]) * theta")
    bent = Lambda("lambda theta: np.array([3, 1]) * theta + 0.01 * theta**3")     # its curvature changes with theta
    flat = Lambda("lambda theta: np.array([0.6, -0.9]) * theta")                  # v ± Hv finds another one here, or
    small = Lambda("lambda theta: np.array([0.8, 0.1]) * theta")                  # there
    tilted = Lambda("lambda theta: np.array([[5, 2], [2, 2]]) @ theta")           # 6 along (2, 1), and 1
    yield bowl, np.array([0.0, 0.0]), np.array([1.0, 1.0]), 40
    yield bowl, np.array([1.0, -2.0]), np.array([1.0, 2.0]), 40
    yield saddle, np.array([1.0, 1.0]), np.array([1.0, 1.0]), 40
    yield tilted, np.array([0.0, 0.0]), np.array([1.0, -1.0]), 40
    yield bent, np.array([10.0, 1.0]), np.array([1.0, 1.0]), 40
    yield flat, np.array([1.0, 1.0]), np.array([1.0, 1.0]), 60
    yield small, np.array([1.0, 1.0]), np.array([1.0, 1.0]), 40
    for _ in range(2):
        yield bent, rng.uniform(2, 10, size=2), rng.normal(size=2), 40


def _power(product=lambda grad, theta, v, h: (grad(theta + h * v) - grad(theta - h * v)) / (2 * h),
           told=lambda v, Hv: v @ Hv, then=lambda v, Hv: Hv, bare=False):
    """A wrong largest_curvature in which one part is replaced."""
    def search(grad, theta, v, rounds):
        for _ in range(rounds):
            v = v if bare else v / np.linalg.norm(v)
            Hv = product(grad, theta, v, 1e-5)
            curvature, v = told(v, Hv), then(v, Hv)
        return curvature
    return search


def _two_sided(scale=1.0, at=1.0, turned=1.0):
    """A difference of two gradients, of another size, at another place, or with another sign."""
    return lambda grad, theta, v, h: turned * (grad(at * theta + h * v) - grad(at * theta - h * v)) / (2 * h) * scale


largest_curvature = Exercise(
    largest_curvature, inputs=_inputs,
    mistakes=[
        (_power(_two_sided(scale=2.0)),
         "for {call} I expected {expected} and got {got}, twice as large: the two places are 2h apart."),
        (_power(_two_sided(scale=2e-5)),
         "the difference of the gradients is not yet divided by 2h."),
        (_power(_two_sided(scale=1e-5)),
         "the difference of the gradients is divided by 2. Divide it by 2h."),
        (_power(lambda grad, theta, v, h: (grad(theta + h * v) - grad(theta)) / (2 * h)),
         "from theta to theta + h·v is one h, and you divide by two."),
        (_power(_two_sided(at=0.0)),
         "that is the curvature at 0. Move from theta: theta + h·v and theta − h·v."),
        (_power(_two_sided(turned=-1.0)),
         "the sign is turned: the gradient at theta + h·v comes first."),
        (_power(lambda grad, theta, v, h: grad(v)),
         "grad(v) is the gradient at the place v. Hv is how the gradient at theta changes along v."),
        (_power(lambda grad, theta, v, h: grad(theta) * v),
         "the gradient times v is no curvature. How does the gradient *change* from theta − h·v to theta + h·v?"),
        (_power(then=lambda v, Hv: v),
         "that is the curvature along the first v. Does the next round begin with Hv, and does `return` stand after "
         "the loop?"),
        (_power(bare=True),
         "v is not brought to length 1, and grows at every round. Begin each with v / np.linalg.norm(v)."),
        (_power(then=lambda v, Hv: v - Hv),
         "the next round begins with v − Hv, a step of descent. Power iteration goes on with Hv itself."),
        (_power(then=lambda v, Hv: v + Hv),
         "the next round begins with v + Hv. Power iteration goes on with Hv itself."),
        (_power(told=lambda v, Hv: np.linalg.norm(Hv)),
         "a curvature may be negative, and a length or an absolute value is not. Take v @ Hv, with v of length 1."),
        (_power(told=lambda v, Hv: np.max(np.abs(Hv))),
         "the largest entry of Hv is the curvature only where v is an axis. Take v @ Hv, with v of length 1."),
        (_power(told=lambda v, Hv: Hv @ Hv),
         "Hv @ Hv is the square of the curvature in the end. Take v @ Hv."),
        (lambda grad, theta, v, rounds: _direction(grad, theta, v, rounds),
         "that is the direction. Return the curvature along it, v @ Hv."),
    ],
    hints=["Bring v to length 1. How much does the gradient change from theta − h·v to theta + h·v?",
           "Hv is (grad(theta + h * v) - grad(theta - h * v)) / (2 * h). The curvature along v is v @ Hv.",
           "The next round begins with v = Hv. After the last round return the curvature."],
    success="`analysis.sharpness(model, theta)` does this, and looks again where the curvature of largest size is "
            "negative: the sharpness is the largest with its sign.")


def _direction(grad, theta, v, rounds):
    for _ in range(rounds):
        v = v / np.linalg.norm(v)
        v = (grad(theta + 1e-5 * v) - grad(theta - 1e-5 * v)) / 2e-5
    return v / np.linalg.norm(v)


# --- hover ------------------------------------------------------------------------------------------------------------


def hover(lr, c, Y):
    """Where descent comes to hover on ½yx² + ½c(Y − y)²: |x| and y."""
    y = min(Y, 2 / lr)
    x = np.sqrt(2 * c * (Y - y))
    return x, y


def _inputs(rng):
    yield 0.6, 0.5, 4.0                                        # 2/η = 3.33; hovering is stable up to ηY = 2.5
    yield 0.25, 0.5, 4.0                                       # 2/η = 8: Y is reached
    yield 0.5, 0.5, 4.0                                        # 2/η is Y
    yield 0.4, 0.1, 6.0                                        # 2/η = 5
    yield 0.1, 0.3, 8.0
    for _ in range(3):
        Y = float(rng.uniform(3, 9))
        yield float(rng.uniform(2.1, 2.4)) / Y, float(rng.uniform(0.05, 0.5)), Y


def _hover(size=lambda c, gap: np.sqrt(2 * c * gap), y=lambda lr, Y: min(Y, 2 / lr)):
    """A wrong hover in which one part is replaced."""
    def found(lr, c, Y):
        height = y(lr, Y)
        return size(c, Y - height), height
    return found


hover = Exercise(
    hover, inputs=_inputs, returns=("x", "y"),
    mistakes=[
        (_hover(y=lambda lr, Y: 2 / lr),
         "where 2/η lies beyond Y, the walk does not get that far: it rests at y = Y with x = 0."),
        (lambda lr, c, Y: (np.sqrt(2 * c * max(Y - 2 / lr, 0)), 2 / lr),
         "where 2/η lies beyond Y, x dies out, and nothing drives y on from Y to 2/η. It rests at y = Y."),
        (_hover(size=lambda c, gap: np.sqrt(-2 * c * gap)),
         "you take the root of a negative number: y hovers below Y, so that Y − y is positive."),
        (_hover(y=lambda lr, Y: Y),
         "at Y the walk can rest only if 2/η is at least Y. Otherwise |1 − ηy| is above 1 there, and x grows."),
        (_hover(y=lambda lr, Y: max(Y, 2 / lr)),
         "you take the larger of Y and 2/η. The walk comes from a small y: which of the two does it meet first?"),
        (_hover(y=lambda lr, Y: min(Y, 1 / lr)),
         "at y = 1/η the factor of x is 0: x is gone in one step. It is −1 at another y."),
        (_hover(y=lambda lr, Y: min(Y, lr / 2)),
         "the fraction is upside down: 1 − ηy = −1 gives y = 2/η."),
        (_hover(size=lambda c, gap: 2 * c * gap),
         "that is x². Take its root."),
        (_hover(size=lambda c, gap: np.sqrt(c * gap)),
         "y stands still where ½x² = c(Y − y): the ½ gives a factor 2 under the root."),
        (_hover(size=lambda c, gap: np.sqrt(c * gap / 2)),
         "the ½ stands before x², so that x² is *twice* c(Y − y)."),
        (_hover(size=lambda c, gap: np.sqrt(2 * gap)),
         "c is missing: y stands still where ½x² = c(Y − y)."),
        (_hover(size=lambda c, gap: np.sqrt(2 * gap / c)),
         "c belongs on the other side: ½x² = c(Y − y)."),
        (_hover(size=lambda c, gap: 2 * np.sqrt(2 * c * gap)),
         "that is the way from one side to the other. The size of x is half of it."),
        (_hover(size=lambda c, gap: -np.sqrt(2 * c * gap)),
         "a size is not negative. x and −x take turns."),
        (_hover(size=lambda c, gap: np.sqrt(c) * gap),
         "½x² = ½c(Y − y)² compares two heights. y stands still where its *slope* is 0: ½x² = c(Y − y)."),
        (_hover(size=lambda c, gap: 0.0),
         "with x = 0 the pull towards Y goes on. Which x balances it?"),
        (lambda lr, c, Y: (min(Y, 2 / lr), np.sqrt(2 * c * max(Y - 2 / lr, 0))),
         "the two have changed places: x comes first."),
    ],
    hints=["A swing that neither grows nor shrinks multiplies x by −1 at each step. At which y?",
           "1 − ηy = −1 at y = 2/η. If Y is smaller than that, the walk reaches Y, and x dies out.",
           "y stands still where its slope is 0: ½x² = c(Y − y)."],
    success="Where 2/η lies below Y, the learning rate alone says at which y the walk hovers; c and Y set the swing.")


# --- warm_cosine ------------------------------------------------------------------------------------------------------


def warm_cosine(t, lr, steps, warm):
    """Half a cosine from lr over all steps; in the first `warm`, times t/warm.

    At t = 1, 2, …, steps. Its angle is π(t − 1)/steps.
    """
    return lr * (1 + np.cos(np.pi * (t - 1) / steps)) / 2 * min(1, t / warm)


def _inputs(rng):
    yield 1, 0.5, 100, 1                                       # no warm-up to speak of
    yield 51, 0.5, 100, 10
    yield 1, 0.5, 100, 10
    yield 5, 0.5, 100, 10
    yield 10, 2.0, 40, 10
    yield 100, 1.0, 100, 20
    for _ in range(3):
        yield int(rng.integers(1, 80)), float(rng.uniform(0.1, 2)), 80, int(rng.integers(2, 30))


def _cosine(wave=lambda s, n: (1 + np.cos(np.pi * s / n)) / 2, warm=lambda t, w: min(1, t / w), late=0):
    """A wrong warm_cosine in which one part is replaced."""
    def schedule(t, lr, steps, warm_steps):
        return lr * wave(t - 1 + late, steps) * warm(t, warm_steps)
    return schedule


def _warm_first(later):
    """A wrong warm_cosine whose cosine waits for the end of the warm-up."""
    def schedule(t, lr, steps, warm):
        return lr * (t / warm if t <= warm else (1 + np.cos(np.pi * (t - later - warm) / (steps - warm))) / 2)
    return schedule


def _as_optax(t, lr, steps, warm):
    s = t - 1
    return lr * (s / warm if s < warm else (1 + np.cos(np.pi * (s - warm) / max(steps - warm, 1))) / 2)


def _as_keras(t, lr, steps, warm):
    s = t - 1
    return lr * (s / warm if s < warm else (1 + np.cos(np.pi * min(s - warm, steps) / steps)) / 2)


def _line_then_cosine(last):
    """A wrong warm_cosine whose warm-up is a bare line, up to t = warm − last."""
    def schedule(t, lr, steps, warm):
        return lr * (t / warm if t <= warm - last else (1 + np.cos(np.pi * (t - 1) / steps)) / 2)
    return schedule


warm_cosine = Exercise(
    warm_cosine, inputs=_inputs,
    mistakes=[
        (_cosine(warm=lambda t, w: 1),
         "the warm-up is missing. In the first `warm` steps the cosine is multiplied by t / warm."),
        (_cosine(warm=lambda t, w: t / w),
         "the warm-up never ends. It rises to 1 and stays: min(1, …)."),
        (_cosine(warm=lambda t, w: max(1, t / w)),
         "max keeps it at 1 or above. min(1, t / warm) rises to 1."),
        (_cosine(warm=lambda t, w: min(1, (t - 1) / w)),
         "with t − 1 the first step has rate 0 and is lost. Warm up by t / warm."),
        (_cosine(wave=lambda s, n: 1 + np.cos(np.pi * s / n)),
         "for {call} I expected {expected} and got {got}, twice as large as it should be: 1 + cos runs from 2 to 0. "
         "Halve it."),
        (_cosine(wave=lambda s, n: (1 - np.cos(np.pi * s / n)) / 2),
         "1 − cos rises from 0 to 2. The rate falls: 1 + cos."),
        (_cosine(warm=lambda t, w: min(1, t // w)),
         "`//` drops the rest, so the warm-up is 0 up to its last step. Divide by `/`."),
        (_cosine(wave=lambda s, n: np.cos(np.pi * s / n)),
         "a bare cosine falls below 0. Lift it by 1 and halve: (1 + cos)/2 runs from 1 to 0."),
        (_cosine(wave=lambda s, n: (1 + np.cos(2 * np.pi * s / n)) / 2),
         "2π is a whole wave, and comes up again. Half a wave is π."),
        (_cosine(wave=lambda s, n: (1 + np.cos(s / n)) / 2),
         "the angle has to reach π at the end. Multiply s/steps by np.pi."),
        (_cosine(wave=lambda s, n: (1 + np.cos(180 * s / n)) / 2),
         "np.cos takes radians. Half a wave is np.pi, not 180."),
        (_cosine(wave=lambda s, n: (1 + np.sin(np.pi * s / n)) / 2),
         "a sine starts in the middle. The cosine starts at the top."),
        (_cosine(wave=lambda s, n: (1 + np.cos(np.pi * s / (n - 1))) / 2),
         "yours reaches 0 at the last step, which is then lost. Divide by steps, and 0 comes one step later."),
        (_warm_first(0),
         "your cosine begins with the last step of the warm-up. "
         "Here it begins at step 1, and the warm-up is a factor in front of it."),
        (_warm_first(1),
         "your cosine begins after the warm-up, as in PyTorch's SequentialLR. "
         "Here it begins at step 1, and the warm-up is a factor in front of it."),
        (_as_optax,
         "that is optax's `warmup_cosine_decay_schedule`, and Hugging Face's: the first rate is 0, and the cosine "
         "begins after the warm-up. Here the cosine begins at step 1, and the warm-up is a factor in front of it."),
        (_as_keras,
         "that is Keras's `CosineDecay`: after the warm-up the cosine takes `steps` more. "
         "Here it begins at step 1, and the warm-up is a factor in front of it."),
        *((_line_then_cosine(last),
           "in the warm-up you leave the cosine out. It is a factor there, too: t/warm times the cosine.")
          for last in (0, 1)),
        (_cosine(warm=lambda t, w: min(1, t / (w + 1))),
         "your warm-up ends one step late. At t = warm its factor is 1: min(1, t / warm)."),
        (_cosine(late=1),
         "the cosine starts one step late. At t = 1 no step lies behind: its angle is π (t − 1)/steps."),
        (_cosine(wave=lambda s, n: np.cos(np.pi * s / n / 2)),
         "that is a quarter of a wave. "
         "(1 + cos)/2 over half a wave also leaves the top and reaches the bottom gently."),
    ],
    hints=["Let an angle run from 0 at t = 1 to π one step after the last. Its cosine runs from 1 to −1: lift and "
           "halve it.",
           "(1 + np.cos(np.pi * (t - 1) / steps)) / 2 runs from 1 to 0. The warm-up is a second factor.",
           "The warm-up's factor is min(1, t / warm)."],
    success="`gd.warmup(gd.cosine(lr, steps), warm)` is this: a schedule around a schedule.")


# --- the project ------------------------------------------------------------------------------------------------------


def my_range_test(model, theta, rng):
    """A learning rate for this model; the run begins at theta."""
    rates, smoothed = np.geomspace(1e-5, 100, 200), []
    for lr in rates:
        rows = rng.choice(model.n, 32, replace=False)
        loss = model(theta, rows=rows)
        smoothed.append(0.9 * smoothed[-1] + 0.1 * loss if smoothed else loss)
        if not loss < 4 * smoothed[0]:                         # also where it is nan
            break
        theta = theta - lr * model.grad(theta, rows=rows)
    return rates[np.nanargmin(smoothed)] / 2


BATCH, STEPS, ENOUGH, MOST_ROWS = 32, 200, 0.9, 25_000
GRID = np.geomspace(1e-5, 100, 43)                              # six learning rates in a factor of ten, nearly


@cache
def _problems():
    """The three problems of the lesson, and a fourth: diabetes in units ten times as small."""
    X, y = gd.data.load("diabetes")
    X, y = (X - X.mean(axis=0)) / X.std(axis=0), (y - y.mean()) / y.std()
    images, digit = gd.data.load("digits")
    return {"diabetes": gd.LeastSquares(X, y), "softmax": gd.SoftmaxRegression(images, digit),
            "network": gd.MLP(images, digit, hidden=(16,)), "other units": gd.LeastSquares(10 * X, y)}


def _starts(model):
    rngs = [np.random.default_rng([3, seed]) for seed in range(3)]
    return np.array([model.init(rng) if hasattr(model, "init") else np.zeros(model.dim) for rng in rngs])


def _trained(model, rates):
    """The loss before, (3,), and after 200 steps from three starts, (3, rates)."""
    rngs = [np.random.default_rng([4, seed]) for seed in range(3)]
    starts = _starts(model)[:, None, :]
    run = gd.run(model, gd.gradient_descent(gd.per_run(rates)), starts, STEPS,
                 oracle=gd.minibatches(model, BATCH, rngs), every=STEPS)
    return run.loss[0, :, 0], np.fmin(run.loss[-1], 1e9)


@cache
def _best(name):
    """The largest gain on a problem, the median of three starts, over the grid."""
    before, after = _trained(_problems()[name], GRID)
    return np.median(before[:, None] - after, axis=0).max()


def _counting(model):
    """The model, and a list to which it adds how many rows each call looks at."""
    asked = []

    class Counting(type(model)):
        def __call__(self, theta, rows=slice(None)):
            asked.append(len(self.y[rows]))
            return super().__call__(theta, rows=rows)

        def grad(self, theta, rows=slice(None)):
            asked.append(len(self.y[rows]))
            return super().grad(theta, rows=rows)

    other = copy.copy(model)
    other.__class__ = Counting
    return other, asked


def _suggested(fn, name, seed=0):
    model = _problems()[name]
    return fn(model, _starts(model)[seed].copy(), np.random.default_rng([5, seed]))


def _is_a_rate(fn):
    found = [_suggested(fn, name) for name in ("softmax", "other units")]
    for lr in found:
        if not isinstance(lr, (int, float, np.number)) or isinstance(lr, bool):
            return f"it returned {kind(lr)}. Return one number."
        if not (np.isfinite(lr) and lr > 0):
            return f"it returned {lr}. A learning rate is above 0, and finite."
    if found[0] == found[1]:
        return f"it returned {found[0]} for two very different models. Take a short run with the model given."
    return ""


def _leaves_theta_alone(fn):
    model = _problems()["softmax"]
    theta = np.full(model.dim, 0.01)
    fn(model, theta, np.random.default_rng(0))
    return "" if (theta == 0.01).all() else "it changed the theta that it was given. Write theta = theta - …, not -=."


def _is_short(fn):
    model, asked = _counting(_problems()["softmax"])
    fn(model, np.zeros(model.dim), np.random.default_rng(0))
    if sum(asked) > MOST_ROWS:
        return (f"it looked at {sum(asked):,} rows. At most {MOST_ROWS:,} are allowed: 200 steps that ask for the loss "
                "and the gradient of 32 rows take 12,800.")
    return ""


def _serves(name):
    """The point's function: the learning rate that is suggested for a problem brings 90 % of the best gain."""
    def look(fn):
        suggested = np.array([_suggested(fn, name, seed) for seed in range(3)])
        if not (np.isfinite(suggested) & (suggested > 0)).all():
            return f"it returned {suggested}. A learning rate is above 0, and finite."
        before, after = _trained(_problems()[name], suggested)
        share = np.median(before - np.diagonal(after)) / _best(name)
        if share >= ENOUGH:
            return ""
        lr = np.median(suggested)
        if share <= 0:
            return f"with {lr:.2g} the loss ends no lower than it began: too large."
        half, twice = (np.median(_trained(_problems()[name], lr * np.array([times]))[1]) for times in (0.5, 2.0))
        advice = "Half of it does better." if half < twice else "Twice as much does better."
        share = np.floor(100 * share)                          # 89.7 is not yet 90
        return f"{lr:.2g} brings {share:.0f}% of the best gain, the median of three starts. {advice}"
    return look


my_range_test = Project(
    my_range_test,
    points=[
        ("it returns one learning rate, and another for another model", _is_a_rate),
        ("theta stays as it was", _leaves_theta_alone),
        ("it looks at no more than 25,000 rows", _is_short),
        ("on diabetes the suggested rate brings 90 % of the best gain", _serves("diabetes")),
        ("on softmax", _serves("softmax")),
        ("on the network", _serves("network")),
        ("on a fourth problem: diabetes, each column ten times as large", _serves("other units")),
    ],
    hints=["Grow the rate by the same factor at each of 200 steps: `np.geomspace(1e-5, 100, 200)`. Stop when the loss "
           "has become a few times the first.",
           "One batch's loss is noisy. Smooth it: `smooth = 0.9 * smooth + 0.1 * loss`.",
           "The learning rate at the lowest smoothed loss may be nearly too large. Half of it "
           "keeps clear of the cliff."],
    success="A learning rate from one short run, for problems whose curvature nobody told you.")


# --- predictions ------------------------------------------------------------------------------------------------------

further_out = Prediction(
    "further_out",
    "The walk starts ten times further from the lowest point. What happens to the largest learning rate with which it "
    "still arrives?",
    at_least={
        "about ten times smaller: the slopes there are ten times as steep": 0,
        "somewhat smaller": 0.3,
        "it stays the same": 0.95,
        "larger: there is more room": 1.05,
    },
    why="A step is η times the slope. Ten times as far out, slope and step are ten times as large, and so is the way.",
    replies={
        "about ten times smaller: the slopes there are ten times as steep":
            "Steeper slopes make longer steps, that is true. But the way to the lowest point is longer by as much.",
        "somewhat smaller": "Step and distance grow by the same factor, so nothing is left of the difference.",
        "larger: there is more room": "There is more room, and the steps are longer by as much.",
    })

quickest = Prediction(
    "quickest",
    "A ravine has curvature 10 across and 1 along. Its edge is 2/10. With which learning rate does the walk need the "
    "fewest steps?",
    at_least={
        "a tenth of the edge: careful steps arrive first": 0,
        "half of the edge: there the steep direction arrives in one step": 0.3,
        "about 0.9 of the edge: swinging, but not too close": 0.7,
        "right at the edge: the larger the better": 0.97,
    },
    why="The flat direction is the one that you wait for, and it wants a large learning rate. The steep direction pays "
        "for it by swinging. Where they are equally slow, neither can be helped without hurting the other.",
    replies={
        "a tenth of the edge: careful steps arrive first":
            "Then the flat direction loses only two per cent of its distance at each step.",
        "half of the edge: there the steep direction arrives in one step":
            "It does. But then everybody waits for the flat direction, and it would like a larger η.",
        "right at the edge: the larger the better":
            "Right at the edge the steep direction swings for ever.",
    })

what_next = Prediction(
    "what_next",
    "With η = 0.3, curvature up to 2/0.3 = 6.7 is stable. The network starts below that. What does its "
    "sharpness do while it trains?",
    equal_to={
        "it falls: near a minimum the ground is flat": "falls",
        "it stays where it was": "stays",
        "it rises to 2/η, and hovers there": "edge",
        "it rises beyond 2/η, and the walk is thrown out": "thrown out",
    },
    why="Here the way down leads to sharper ground, until 2/η is passed. Then the walk swings, the loss jumps, and the "
        "sharpness comes back to 2/η. The next section shows what brings it back.",
    replies={
        "it falls: near a minimum the ground is flat":
            "Near a minimum the *slope* is small. The curvature need not be: the bottom of a narrow valley is sharp.",
        "it stays where it was": "That is so on a parabola. A network's curvature changes from place to place.",
        "it rises beyond 2/η, and the walk is thrown out":
            "On a parabola it would be. A network has flatter ground elsewhere, and the swings lead there.",
    })

mid_run = Prediction(
    "mid_run",
    "The walk hovers at 2/0.3 = 6.7. After 1,000 steps you lower η to 0.25. What does the sharpness do?",
    equal_to={
        "it stays at 6.7: the network has found its valley": "stays",
        "it falls, since smaller steps find flatter ground": "falls",
        "it rises to 2/0.25 = 8": "rises",
    },
    why="The way down still leads to sharper ground. What stopped it at 6.7 was the learning rate alone.",
    replies={
        "it stays at 6.7: the network has found its valley":
            "The swings held it there. With a smaller learning rate they die out below 8.",
        "it falls, since smaller steps find flatter ground":
            "It is the *large* steps that drive this network to flatter ground.",
    })

other_loss = Prediction(
    "other_loss",
    "The same network, now with cross-entropy: the loss of lesson 02, which rewards being sure. What is η times the "
    "sharpness after 2,000 steps?",
    at_least={"far below 2": 0, "about 2, as with squared error": 1.8, "well above 2": 2.3},
    why="Where the network is sure and right, the loss of an image is nearly flat: its curvature contains the factor "
        "p(1 − p), and the probability p of its digit is nearly 1. All 200 images are learned here, so the "
        "sharpness dies out.",
    replies={
        "about 2, as with squared error":
            "It would be so if this loss went on sharpening. On the way it may; in the end it flattens.",
        "well above 2": "There the walk would swing wider at each step, and it would not stay.",
    })

two_contests = Prediction(
    "two_contests",
    "A falling learning rate against a constant one, each tuned. One contest is long and noisy: 1,200 steps of 4 "
    "images. The other is short: 400 steps of 32 images. Where does the cosine end lower?",
    equal_to={"in both": "both", "only in the long, noisy one": "noisy", "only in the short one": "short",
              "in neither": "neither"},
    why="With much noise a constant η stops at its floor, and a falling one goes on down. In the short contest "
        "there is still ground to cover at the end, and small steps cover little.",
    replies={
        "in both": "Falling pays once the noise is what holds the loss up. In 400 steps that point is not reached.",
        "only in the short one": "In the short contest η falls while there is still far to go.",
        "in neither": "With 4 images a step the noise is large, and a constant η stays in it.",
    })

one_for_all = Prediction(
    "one_for_all",
    "Diabetes, softmax regression on digits, a network on digits: 200 steps each. Is there one learning rate that "
    "brings 90 % of the best gain on all three?",
    at_least={"yes, with a factor of ten to choose from": 10, "yes, but only just": 1, "no": 0},
    why="Which learning rates are too large depends on the curvature on the way, so on the model, the data and their "
        "units. (With more steps the ranges get wider, and may meet.)",
    replies={
        "yes, with a factor of ten to choose from":
            "Each problem alone has such a range. They lie at different places.",
        "yes, but only just": "Within 200 steps the range of diabetes ends before that of softmax begins.",
    })
