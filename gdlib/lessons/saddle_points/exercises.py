"""Lesson 05: what kind of level place, how long it holds a walk, a push, saddle after saddle, a network's way down."""
from __future__ import annotations

from functools import cache

import numpy as np

import gdlib as gd
from gdlib.lessons.kit.diagnosis import kind
from gdlib.lessons.kit.exercise import Exercise, Lambda
from gdlib.lessons.kit.prediction import Prediction
from gdlib.lessons.kit.project import Project

# --- classify ---------------------------------------------------------------------------------------------------------


def classify(H, tolerance):
    """Count the curvatures of H (d, d): falling, level, rising.

    Level is what lies within ±tolerance.
    """
    curvatures = np.linalg.eigvalsh(H)
    falling = np.sum(curvatures < -tolerance)
    rising = np.sum(curvatures > tolerance)
    return falling, len(curvatures) - falling - rising, rising


def _inputs(rng):
    yield np.diag([2.0, -2.0]), 1e-6
    yield np.array([[0.0, 1.0], [1.0, 0.0]]), 1e-6             # nothing on the diagonal, and a saddle
    yield np.array([[1.0, 2.0], [2.0, 1.0]]), 1e-6             # a positive diagonal, and a saddle
    yield np.diag([2.0, 0.0]), 1e-6
    yield np.diag([3.0, 1e-9, -1e-9, -5.0]), 1e-6              # zeros, but for rounding
    yield np.diag([-1.0, -2.0]), 1e-6
    yield np.diag([-0.5, 2.0, 0.3]), 1.0
    for d in (3, 6):
        half = rng.normal(size=(d, d))
        yield half + half.T, 0.1


def _counted(below=lambda e, t: e < -t, above=lambda e, t: e > t, curvatures=np.linalg.eigvalsh, order=(0, 1, 2),
             count=np.sum):
    """A wrong classify in which one part is replaced."""
    def counted(H, tolerance):
        e = curvatures(H)
        falling, rising = count(below(e, tolerance)), count(above(e, tolerance))
        found = falling, (e.size if count is np.sum else 1) - falling - rising, rising
        return tuple(found[i] for i in order)
    return counted


classify = Exercise(
    classify, inputs=_inputs, returns=("falling", "level", "rising"),
    mistakes=[
        (_counted(curvatures=np.diag),
         "the diagonal gives the curvatures along the axes only. "
         "Along other directions the ground may bend otherwise; the eigenvalues tell."),
        (_counted(curvatures=np.ravel),
         "you count the entries of H. The signs of its eigenvalues are wanted: np.linalg.eigvalsh(H)."),
        (_counted(curvatures=lambda H: np.linalg.eigh(H)[1].ravel()),
         "you count the entries of the eigenvectors. np.linalg.eigh gives the eigenvalues first."),
        (_counted(below=lambda e, t: e < 0, above=lambda e, t: e > 0),
         "rounding leaves a tiny number where a 0 should stand. Count all that lie within ±tolerance as level."),
        (_counted(below=lambda e, t: e < -1e-6, above=lambda e, t: e > 1e-6),
         "the limit is 1e-6, whatever tolerance is. Compare with `tolerance`."),
        (_counted(above=lambda e, t: e > 0),
         "a curvature between 0 and tolerance counts as level, not as rising."),
        (_counted(below=lambda e, t: e < 0),
         "a curvature between −tolerance and 0 counts as level, not as falling."),
        (lambda H, t: (np.sum(np.linalg.eigvalsh(H) < 0), 0, np.sum(np.linalg.eigvalsh(H) > 0)),
         "the second number is always 0 here, and rounding is not allowed for. "
         "The curvatures within ±tolerance are level; falling and rising ones lie beyond."),
        (lambda H, t: (np.sum(np.linalg.eigvalsh(H) < -t), 0, np.sum(np.linalg.eigvalsh(H) > t)),
         "the second number is always 0 here. All the curvatures that remain, those within ±tolerance, are level."),
        (_counted(below=lambda e, t: e <= t),
         "all below +tolerance were counted as falling. Falling means below −tolerance; what lies between is level."),
        (_counted(order=(2, 1, 0)),
         "the order is reversed. Falling comes first, rising last."),
        (_counted(order=(0, 2, 1)),
         "the last two have changed places. The order is falling, level, rising."),
        (_counted(curvatures=lambda H: np.linalg.svd(H, compute_uv=False)),
         "singular values have lost the sign. Take the eigenvalues, np.linalg.eigvalsh(H)."),
        (_counted(count=np.mean),
         "those are shares. How many are wanted: np.sum counts what is True, np.mean divides by all."),
    ],
    hints=["Which numbers tell how the ground bends, whatever the direction of the axes?",
           "np.linalg.eigvalsh(H) gives the curvatures. Count those below −tolerance and those above tolerance.",
           "`np.sum(curvatures < -tolerance)` counts; level are all that remain."],
    success="The first number is called the index of a critical point: in how many directions it goes down.")


# --- escape_time ------------------------------------------------------------------------------------------------------


def escape_time(y0, lr, gamma, r):
    """Steps in which descent takes y from y0 to r; not rounded.

    lr: the learning rate; the slope at y is −gamma · y.
    """
    return np.log(r / y0) / np.log(1 + lr * gamma)


def _inputs(rng):
    yield 0.001, 0.05, 2.0, 0.1
    yield 1e-12, 0.05, 2.0, 0.1
    yield 0.01, 0.25, 2.0, 0.0225                              # 1.5 times as far at each step: 2 of them
    yield 0.5, 0.1, 3.0, 0.5                                   # there already
    for y0, lr, gamma in zip(10 ** rng.uniform(-9, -2, 4), rng.uniform(0.01, 0.15, 4), rng.uniform(0.1, 5, 4),
                             strict=True):
        yield float(y0), float(lr), float(gamma), 0.3


def _linear(y0, lr, gamma, r):
    return (r - y0) / (lr * gamma * y0)


escape_time = Exercise(
    escape_time, inputs=_inputs,
    mistakes=[
        (lambda y0, lr, gamma, r: np.log(r / y0) / (lr * gamma),
         "ln(1 + ηγ) is near ηγ for short steps only. Divide by np.log(1 + lr * gamma)."),
        (lambda y0, lr, gamma, r: np.log(y0 / r) / np.log(1 + lr * gamma),
         "the fraction is upside down. y grows from y0 to r, so it is r / y0."),
        (lambda y0, lr, gamma, r: np.log(r / y0) / np.log(1 - lr * gamma),
         "a step from the ridge multiplies by 1 + ηγ. 1 − ηγ belongs to a bowl, where y shrinks."),
        (lambda y0, lr, gamma, r: np.log(y0 / r) / np.log(1 - lr * gamma),
         "1 − ηγ belongs to a bowl, where y shrinks. "
         "Here the slope is −γy, and descent goes against it: y grows by the factor 1 + ηγ."),
        (lambda y0, lr, gamma, r: np.log(r / y0) / np.log(1 + lr),
         "gamma is missing. The factor of a step is 1 + ηγ."),
        (lambda y0, lr, gamma, r: np.log(r / y0) / np.log(1 + gamma),
         "lr is missing. A step adds η times γy, so its factor is 1 + ηγ."),
        (lambda y0, lr, gamma, r: np.log(r / y0) / np.log(lr * gamma),
         "the 1 is missing. A step adds ηγy to the y that is there."),
        (lambda y0, lr, gamma, r: np.log(r / y0),
         "that is how often y grows by a factor of e. Divide by the logarithm of one step's factor."),
        (lambda y0, lr, gamma, r: np.log(r - y0) / np.log(1 + lr * gamma),
         "growth by a factor goes by the ratio r / y0, not by the difference."),
        (_linear,
         "you divide the whole way by the first step. "
         "The steps grow with y: each multiplies y by the same factor, so a logarithm counts them."),
        (lambda y0, lr, gamma, r: r / y0 / (1 + lr * gamma),
         "the factors of all steps are multiplied, so the number of steps is found by logarithms."),
        (lambda y0, lr, gamma, r: np.log(r / y0 / (1 + lr * gamma)),
         "ln(a) / ln(b) is not ln(a / b). Take each logarithm by itself, then divide."),
        (lambda y0, lr, gamma, r: np.ceil(np.log(r / y0) / np.log(1 + lr * gamma)),
         "these are whole steps. Leave the number as it comes out of the logarithms; it is to be drawn as a line."),
        (lambda y0, lr, gamma, r: np.floor(np.log(r / y0) / np.log(1 + lr * gamma)),
         "you rounded down. Leave the number as it is; it is to be drawn as a line."),
        (lambda y0, lr, gamma, r: np.round(np.log(r / y0) / np.log(1 + lr * gamma)),
         "you rounded. Leave the number as it is; it is to be drawn as a line."),
        (lambda y0, lr, gamma, r: np.log10(r / y0) / np.log(1 + lr * gamma),
         "one logarithm has base 10, the other base e. Take the same for both."),
    ],
    hints=["One step of descent: y − η · (−γy). By which factor has y grown? After k steps?",
           "After k steps y is (1 + ηγ)ᵏ y0. Set that equal to r and take logarithms: k · ln(1 + ηγ) = ln(r / y0).",
           "`np.log(r / y0) / np.log(1 + lr * gamma)`."],
    success="The distance comes in by its logarithm: a thousand times nearer costs as many steps as any "
            "other factor of a thousand, once.")


# --- perturbed_step ---------------------------------------------------------------------------------------------------


def perturbed_step(theta, gradient, lr, push, tolerance):
    """A step of descent; on level ground, push (d,) is added as well.

    Level: the gradient is shorter than tolerance.
    """
    new = theta - lr * gradient
    if np.linalg.norm(gradient) < tolerance:
        new = new + push
    return new


def _inputs(rng):
    here, push = np.array([1.0, 2.0]), np.array([0.01, -0.02])
    yield here, np.array([0.0, 0.0]), 0.1, push, 0.1
    yield here, np.array([3.0, -4.0]), 0.1, push, 0.1
    yield here, np.array([0.6, 0.8]), 0.05, push, 0.1          # the step is short, the gradient is not
    yield here, np.array([0.03, -0.04]), 0.5, push, 0.1
    yield here, np.array([0.07, -0.05]), 0.5, push, 0.1        # short, but not the sum of its coordinates' sizes
    yield here, np.array([0.09, 0.09]), 0.5, push, 0.1         # each coordinate is small, the length is not
    yield here, np.array([0.15, 0.01]), 0.9, push, 0.1         # small on average
    yield here, np.array([0.0, 2.0]), 0.1, push, 0.1           # one coordinate is 0
    yield here, np.array([-3.0, 1.0]), 0.1, push, 0.1          # their sum is below 0
    yield here, np.array([0.2, 0.2]), 0.5, push, 0.1           # the square of its length is small
    yield 0.01 * here, np.array([3.0, -4.0]), 0.1, push, 0.1   # theta is small
    yield rng.normal(size=5), 1e-3 * rng.normal(size=5), 0.3, 1e-2 * rng.normal(size=5), 0.01


def _pushed(when=lambda g, t: np.linalg.norm(g) < t, step=lambda theta, g, lr: theta - lr * g,
            push=lambda p, lr: p):
    """A wrong perturbed_step in which one part is replaced."""
    def perturbed(theta, gradient, lr, p, tolerance):
        new = step(theta, gradient, lr)
        return new + push(p, lr) if when(gradient, tolerance) else new
    return perturbed


def _instead(theta, gradient, lr, push, tolerance):
    return theta + push if np.linalg.norm(gradient) < tolerance else theta - lr * gradient


def _by_step(theta, gradient, lr, push, tolerance):
    return theta - lr * gradient + push * (lr * np.linalg.norm(gradient) < tolerance)


def _by_place(theta, gradient, lr, push, tolerance):
    return theta - lr * gradient + push * (np.linalg.norm(theta) < tolerance)


perturbed_step = Exercise(
    perturbed_step, inputs=_inputs,
    mistakes=[
        (_pushed(when=lambda g, t: True),
         "the push came although the gradient is long. Add it only where the gradient is shorter than tolerance."),
        (_pushed(when=lambda g, t: False),
         "the push never comes. Add it where the gradient is shorter than tolerance."),
        (_pushed(when=lambda g, t: np.linalg.norm(g) == 0),
         "the push comes only where the gradient is exactly 0. Shorter than tolerance is level enough."),
        (_pushed(when=lambda g, t: np.linalg.norm(g) > t),
         "the push comes on a slope and not on level ground. Look at the sign of the comparison."),
        (_pushed(when=lambda g, t: (np.abs(g) < t).all()),
         "each coordinate is small there, but the gradient is not. Compare its length, np.linalg.norm(gradient)."),
        (_pushed(when=lambda g, t: (np.abs(g) < t).any()),
         "one small coordinate does not make level ground. Compare the length, np.linalg.norm(gradient)."),
        (lambda theta, g, lr, p, t: theta - lr * g + np.where(np.abs(g) < t, p, 0),
         "you push each coordinate by itself, where its own slope is small. "
         "Ask once, by the length of the whole gradient, and add the whole push."),
        (_pushed(when=lambda g, t: g.sum() < t),
         "coordinates of different sign cancel in a sum. The length is np.linalg.norm(gradient)."),
        (_pushed(when=lambda g, t: np.abs(g).sum() < t),
         "that compares the sum of the sizes. The length is the root of the sum of squares, np.linalg.norm(gradient)."),
        (_pushed(when=lambda g, t: np.abs(g).mean() < t),
         "that compares the mean size of the coordinates. The length is np.linalg.norm(gradient)."),
        (_pushed(when=lambda g, t: g @ g < t),
         "that compares the square of the length. The length is np.linalg.norm(gradient)."),
        (_by_step,
         "that compares the length of the step, lr times the gradient. "
         "Ask how steep the ground is: np.linalg.norm(gradient)."),
        (_by_place,
         "that asks how near theta is to 0. Level ground is where the gradient is short."),
        (_pushed(push=lambda p, lr: lr * p),
         "the push was multiplied by lr. Here it is added whole."),
        (_pushed(push=lambda p, lr: -lr * p),
         "the push went into the gradient and was multiplied by −lr. It is added to the new place."),
        (_pushed(push=lambda p, lr: -p),
         "the push was subtracted. Here it is added."),
        (_pushed(step=lambda theta, g, lr: theta + lr * g),
         "the step goes uphill. Descent goes against the gradient."),
        (_pushed(step=lambda theta, g, lr: theta - g),
         "the step is as long as the gradient. Multiply it by lr."),
        (_instead,
         "the push came instead of the step. The step is taken in any case."),
    ],
    hints=["Take the ordinary step first. Then ask whether the ground was level.",
           "Level means: np.linalg.norm(gradient) < tolerance.",
           "`new = theta - lr * gradient`, and in that case `new = new + push`."],
    success="With a random push, and a wait before the next one, this is the idea of Jin et al. (2017).")


# --- later_wait -------------------------------------------------------------------------------------------------------


def later_wait(waited, lr, L, gamma):
    """Steps until y has grown back to its first size; not rounded.

    For `waited` steps the slope at y is L · y, then it is −gamma · y.
    """
    return waited * np.log(1 / (1 - lr * L)) / np.log(1 + lr * gamma)


def _inputs(rng):
    yield 20.0, 0.1, 1.0, 1.0
    yield 20.0, 0.1, 2.0, 1.0
    yield 1.0, 0.5, 1.0, 2.0                                   # halved once, doubled once
    yield 2.0, 0.25, 2.0, 1.0
    yield 50.0, 0.05, 1.0, 3.0
    for _ in range(3):
        yield float(rng.uniform(5, 80)), float(rng.uniform(0.01, 0.2)), float(rng.uniform(0.5, 4)), \
            float(rng.uniform(0.2, 4))


later_wait = Exercise(
    later_wait, inputs=_inputs,
    mistakes=[
        (lambda k, lr, L, gamma: k + 0 * L,
         "growing back takes as long as shrinking only if one step's growth undoes one step's shrinking. "
         "Compare (1 − ηL)ᵏ with (1 + ηγ)ᵐ."),
        (lambda k, lr, L, gamma: k * L / gamma,
         "that is right for very short steps. Exactly: ln(1 + ηγ) is below ηγ, and −ln(1 − ηL) is above ηL."),
        (lambda k, lr, L, gamma: k * gamma / L,
         "the ratio is upside down. The steeper the bowl, the more is lost, and the longer it takes."),
        (lambda k, lr, L, gamma: k * np.log(1 - lr * L) / np.log(1 + lr * gamma),
         "the number is negative: ln(1 − ηL) is. (1 − ηL)ᵏ (1 + ηγ)ᵐ = 1 puts a minus before it."),
        (lambda k, lr, L, gamma: k * np.log(1 + lr * L) / np.log(1 + lr * gamma),
         "a step in the bowl multiplies by 1 − ηL. It shrinks, and not as a ridge of curvature −L would make it grow."),
        (lambda k, lr, L, gamma: -k * np.log(1 - lr * L) / np.log(1 - lr * gamma),
         "a step on the ridge multiplies by 1 + ηγ. 1 − ηγ belongs to a bowl."),
        (lambda k, lr, L, gamma: -k * np.log(1 + lr * gamma) / np.log(1 - lr * L),
         "the fraction is upside down. You solve for the steps of growth, so divide by ln(1 + ηγ)."),
        (lambda k, lr, L, gamma: -np.log(1 - lr * L) / np.log(1 + lr * gamma),
         "`waited` is missing. y shrinks by 1 − ηL at each of these steps."),
        (lambda k, lr, L, gamma: -k * np.log(1 - lr * L) / (lr * gamma),
         "ln(1 + ηγ) is near ηγ for short steps only. Divide by np.log(1 + lr * gamma)."),
        (lambda k, lr, L, gamma: k * lr * L / np.log(1 + lr * gamma),
         "−ln(1 − ηL) is near ηL for short steps only. Take the logarithm."),
        (lambda k, lr, L, gamma: k * (1 - lr * L) / (1 + lr * gamma),
         "the factors of all steps are multiplied, so the number of steps is found by logarithms."),
        (lambda k, lr, L, gamma: k - k * np.log(1 - lr * L) / np.log(1 + lr * gamma),
         "you added the steps of shrinking. Give only the steps that come after them."),
        (lambda k, lr, L, gamma: np.ceil(-k * np.log(1 - lr * L) / np.log(1 + lr * gamma)),
         "these are whole steps. Leave the number as it comes out of the logarithms."),
        (lambda k, lr, L, gamma: -k * np.log10(1 - lr * L) / np.log(1 + lr * gamma),
         "one logarithm has base 10, the other base e. Take the same for both."),
    ],
    hints=["By which factor has y shrunk after the first steps? By which factor does it grow at each one after?",
           "(1 − ηL)^waited · (1 + ηγ)ᵐ = 1. Take logarithms and solve for m.",
           "`-waited * np.log(1 - lr * L) / np.log(1 + lr * gamma)`."],
    success="With L = γ the wait is about as long as all that went before: each saddle doubles the time.")


# --- lowest_curvature -------------------------------------------------------------------------------------------------


def lowest_curvature(product, v, shift, steps):
    """The lowest eigenvalue of H, by `steps` products with H.

    product(v): H v. v (d,): a start. shift: above all of H's eigenvalues.
    """
    for _ in range(steps):
        v = shift * v - product(v)
        v = v / np.linalg.norm(v)
    return v @ product(v)


def _inputs(rng):
    plain = Lambda("lambda v: np.array([3.0, -1.0]) * v")
    yield plain, np.array([1.0, 1.0]), 4.0, 100
    yield Lambda("lambda v: np.array([[1.0, 2.0], [2.0, 1.0]]) @ v"), np.array([1.0, 0.2]), 5.0, 100
    yield Lambda("lambda v: np.array([1.0, 2.0, -5.0]) * v"), np.array([1.0, -2.0, 0.5]), 3.0, 100
    yield Lambda("lambda v: np.array([2.0, 6.0]) * v"), np.array([2.0, 1.0]), 7.0, 200  # a minimum
    yield Lambda("lambda v: np.array([2.0, -0.5, 0.0]) * v"), np.array([1.0, 1.0, 1.0]), 2.5, 200
    yield Lambda("lambda v: np.array([-1.0, -4.0]) * v"), np.array([3.0, 1.0]), 2.0, 100  # a maximum


def _iterated(step=lambda shift, v, w: shift * v - w, answer=lambda v, w, shift: v @ w):
    """A wrong lowest_curvature in which one part is replaced; w is H v."""
    def lowest(product, v, shift, steps):
        for _ in range(steps):
            v = step(shift, v, product(v))
            v = v / np.linalg.norm(v)
        return answer(v, product(v), shift)
    return lowest


def _never_shortened(product, v, shift, steps):
    for _ in range(steps):
        v = shift * v - product(v)
    return v @ product(v)


def _one_step(product, v, shift, steps):
    v = shift * v - product(v)
    v = v / np.linalg.norm(v)
    return v @ product(v)


def _no_step(product, v, shift, steps):
    v = v / np.linalg.norm(v)
    return v @ product(v)


lowest_curvature = Exercise(
    lowest_curvature, inputs=_inputs,
    mistakes=[
        (_iterated(step=lambda shift, v, w: w),
         "without the shift the eigenvalue of the largest size wins, whatever its sign, for −H as for H. "
         "Iterate shift · v − H v."),
        (_iterated(step=lambda shift, v, w: shift * v + w),
         "shift · v + H v finds the *highest* curvature. With shift · v − H v the lowest one leads."),
        (_iterated(step=lambda shift, v, w: shift - w),
         "the shift was added to each coordinate. It multiplies v: shift * v − product(v)."),
        (_iterated(answer=lambda v, w, shift: shift - v @ w),
         "that is the eigenvalue of shift · I − H. The eigenvalue of H in this direction is v @ product(v)."),
        (_iterated(answer=lambda v, w, shift: np.linalg.norm(w)),
         "a length has lost the sign, and the sign is what matters here. Give v @ product(v)."),
        (_iterated(answer=lambda v, w, shift: -(v @ w)),
         "the sign is turned. Downwards is negative: v @ product(v)."),
        (_iterated(answer=lambda v, w, shift: v),
         "that is the direction. The curvature along it is v @ product(v)."),
        (_iterated(answer=lambda v, w, shift: w),
         "that is H v, a vector. The curvature along v is v @ product(v)."),
        (_iterated(answer=lambda v, w, shift: w.min()),
         "that is the smallest entry of H v. The curvature along v is v @ product(v)."),
        (_never_shortened,
         "v is not of length 1. Divide by np.linalg.norm(v) at each step; otherwise vᵀHv is multiplied by ‖v‖²."),
        (_one_step, "one step is not enough. Repeat it `steps` times."),
        (_no_step, "v was never moved. At each step v becomes shift * v − product(v), made to have length 1."),
    ],
    hints=["shift · I − H has the same eigenvectors as H. Which of them has the largest eigenvalue now?",
           "Multiply by shift · I − H again and again: v = shift * v − product(v), then make v have length 1.",
           "After the loop: `return v @ product(v)`."],
    success="No matrix was built: a product costs about two gradients, whatever the number of parameters.")


# --- the project ------------------------------------------------------------------------------------------------------


def my_escape(net, theta):
    """Where to go on from theta, at which descent has come to rest."""
    top, _ = gd.analysis.sharpness(net, theta, iterations=30)
    v = np.random.default_rng(0).standard_normal(theta.size)
    for _ in range(100):
        v = 1.2 * top * v - net.hvp(theta, v)
        v = v / np.linalg.norm(v)
    if v @ net.hvp(theta, v) > -1e-3:
        return theta
    return min(theta + 0.3 * v, theta - 0.3 * v, key=net)


BUDGET = 200  # gradients and products with the Hessian


class Counted(gd.MLP):
    """A network that counts its gradients and its products with the Hessian."""

    asked = 0

    def grad(self, theta, rows=slice(None)):
        """Gradient; a product with the Hessian is one, too."""
        self.asked += 1
        return super().grad(theta, rows)


def _at_rest(net, theta):
    return gd.run(net, gd.momentum(0.02, 0.9), theta, 8000, every=8000).last


def _equal_units(X, y, hidden):
    """A network, and where its equal units rest: one unit's rest, its outgoing weight shared. Exact on any machine."""
    one = gd.MLP(X, y, hidden=(1,), loss="squared")
    *w, b, out, c = _at_rest(one, np.append(np.full(X.shape[1], 0.3), [0.0, 1.0, 0.0]))
    net = Counted(X, y, hidden=(hidden,), loss="squared")
    return net, np.repeat([*w, b, out / hidden, c], [hidden] * (len(w) + 2) + [1])


def _two_tanh():
    """The lesson's 49 rows."""
    side = np.linspace(-1.5, 1.5, 7)
    X = np.stack(np.meshgrid(side, side), axis=-1).reshape(49, 2)
    return X, np.tanh(2 * X).sum(axis=1)


@cache
def _small():
    """Two equal units, at rest on a saddle."""
    return _equal_units(*_two_tanh(), 2)


@cache
def _large():
    """Twenty equal units, at rest on a saddle."""
    X = np.random.default_rng(20).normal(size=(60, 10))
    return _equal_units(X, 2 * np.tanh(2 * X).sum(axis=1) / 10**0.5, 20)


@cache
def _minimum():
    """Two units, at rest at a minimum."""
    net = Counted(*_two_tanh(), hidden=(2,), loss="squared")
    return net, _at_rest(net, net.init(np.random.default_rng(5)))


def _gives_parameters(escape):
    net, theta = _small()
    given = theta.copy()
    there = escape(net, given)
    if not isinstance(there, np.ndarray) or there.shape != theta.shape or there.dtype.kind != "f":
        return f"I expected an array of {theta.size} numbers and got {kind(there)}."
    if not np.array_equal(given, theta):
        return "it changed the theta that it was given. Work on a copy."
    return "" if np.isfinite(there).all() else "it gave back numbers that are not finite."


def _goes_down(place):
    def looked(escape):
        net, theta = place()
        there = escape(net, theta.copy())
        if np.allclose(there, theta, rtol=0, atol=1e-9):
            return (f"theta came back unchanged, and it is a saddle: a curvature of "
                    f"{np.linalg.eigvalsh(net.hess(theta))[0]:.2g} leads down.")
        if net(there) > 1.001 * net(theta):
            return (f"the loss went up, from {net(theta):.4g} to {net(there):.4g}. "
                    "A random push does that, and so does too long a step. "
                    "Which direction goes down? And of its two ends, which is lower?")
        after = gd.run(net, gd.gradient_descent(0.1), there, 200, every=200).loss[-1] / net(theta)
        if not after < 0.98:
            return (f"200 steps of descent at η = 0.1 from there end at {after:.1%} of theta's loss; I expected less "
                    "than 98%. Go further, or along a steeper way down.")
        return ""
    return looked


def _stays_at_a_minimum(escape):
    net, theta = _minimum()
    far = np.abs(escape(net, theta.copy()) - theta).max()
    return "" if far < 1e-6 else (f"theta was a minimum, and it moved a weight by {far:.2g}. "
                                  "Ask for the lowest curvature first, and go only where it is negative.")


def _is_cheap(escape):
    net, theta = _large()
    net.asked = 0
    escape(net, theta.copy())
    return "" if net.asked <= BUDGET else (f"it asked for {net.asked} gradients or products, on {theta.size} "
                                           f"parameters. Manage with {BUDGET}: the whole Hessian is too much.")


my_escape = Project(
    my_escape,
    points=[
        ("it gives parameters, and leaves theta as it was", _gives_parameters),
        ("2 equal units at rest on a saddle: the loss is lower there, and descent goes on", _goes_down(_small)),
        ("20 equal units, 241 parameters: the same", _goes_down(_large)),
        ("a minimum is left alone", _stays_at_a_minimum),
        (f"at most {BUDGET} gradients and products", _is_cheap),
    ],
    hints=["Find the lowest curvature as in section 5, and keep the vector v that belongs to it.",
           "The shift must be above the largest curvature. `gd.analysis.sharpness(net, theta, iterations=30)` gives it "
           "nearly; take a little more.",
           "If v @ net.hvp(theta, v) is negative, take the lower of theta + 0.3 * v and theta − 0.3 * v; if not, "
           "theta."],
    success="It tells a saddle from a minimum, and leaves it, without a Hessian.")


# --- predictions ------------------------------------------------------------------------------------------------------

same_hessian = Prediction(
    "same_hessian",
    "x² + y⁴, x² + y³ and (y − x²)(y − 3x²) are level at the origin, each with the curvatures 2 and 0. How many of "
    "the three have a minimum there?",
    at_least={
        "all three: nothing bends downwards": 3,
        "two": 2,
        "one": 1,
        "none: a minimum needs two positive curvatures": 0,
    },
    why="Where a curvature is 0, the terms of third and fourth order decide, and the Hessian does not know them. The "
        "third surface is the strangest: it rises along every straight line, and falls along a bent one.",
    replies={
        "all three: nothing bends downwards": "Bending is second order only. Along y the curvature is 0, and y³ falls "
                                              "for y < 0 all the same.",
        "two": "You saw that y³ falls for y < 0. The third one rises along every straight line; try the curve "
               "y = 2x².",
        "none: a minimum needs two positive curvatures": "Two positive curvatures are enough, but not needed: "
                                                         "x² + y⁴ is above 0 everywhere else.",
    })

ten_decades = Prediction(
    "ten_decades",
    "From 0.01 beside the ridge the walk takes a certain number of steps to get away. From 10⁻¹², 10¹⁰ times nearer: "
    "how many times as long?",
    at_least={
        "hardly longer (below 3)": 0,
        "about ten times (3–30)": 3,
        "thousands of times": 30,
        "it never gets away": 1e5,
    },
    why="Each step multiplies the distance by the same number, so each factor of ten costs the same number of steps. "
        "Ten decades more are ten times that number.",
    replies={
        "hardly longer (below 3)": "From 0.01 one decade is to be grown, from 10⁻¹² eleven, and each costs as many "
                                   "steps.",
        "thousands of times": "That would be so if each step were equally long. The steps grow with the distance.",
        "it never gets away": "10⁻¹² is not 0. What is there is multiplied at every step.",
    })

larger_batches = Prediction(
    "larger_batches",
    "A walk on the ridge is freed by the noise of its mini-batches. With 64 rows a batch instead of 1 the noise is an "
    "eighth. How many steps more, at η = 0.05?",
    at_least={"none": -np.inf, "some twenty": 5, "64 times as many": 100, "it stays for ever": 1e5},
    why="An eighth of the noise starts the walk at an eighth of the distance, and that costs ln 8 / ln(1 + ηγ) steps, "
        "once. Only without any noise is the walk stuck.",
    replies={
        "none": "The noise is where the walk begins to grow from, and an eighth of it is grown later.",
        "64 times as many": "The noise does not carry the walk all the way. It only starts it; then the distance grows "
                            "by itself.",
        "it stays for ever": "An eighth of the noise is not 0, and any distance grows.",
    })

six_saddles = Prediction(
    "six_saddles",
    "Descent meets six saddles, one after the other, all alike. When it has left the first, how many times as long "
    "does it take to have left the sixth?",
    at_least={
        "6 times: each holds it as long": 0,
        "about 6² = 36 times": 15,
        "2⁶ = 64 times or more": 50,
        "for ever: some saddle will catch it": 1e5,
    },
    why="While it waits at one saddle, the coordinates of all later ones shrink in their bowls. So it comes to each "
        "ridge closer than to the one before, and waits about as long as in all the time until then.",
    replies={
        "6 times: each holds it as long": "That holds if it comes to each ridge equally far off. But what happens to "
                                          "the later coordinates while it waits?",
        "about 6² = 36 times": "The wait grows, but not by the same number each time: it is multiplied.",
        "for ever: some saddle will catch it": "However close it comes to a ridge, it is never on it.",
    })

equal_units = Prediction(
    "equal_units",
    "Two hidden units begin with equal weights and are trained for 2,000 steps on random batches of 4 rows. How far "
    "apart are their weights then?",
    at_least={"far: the batches' noise tears them apart": 0.01, "a little": 1e-8, "not at all": 0},
    why="Both units see the same rows, and have the same gradient whatever the batch is. This noise has no component "
        "that would part them.",
    replies={
        "far: the batches' noise tears them apart": "The noise moves both units, and both in the same way.",
        "a little": "Even rounding is the same for both: the same numbers go through the same operations.",
    })

more_units = Prediction(
    "more_units",
    "Twenty trainings of a network with 2 hidden units, and twenty of one with 20. Each ends somewhere. Which ends "
    "differ more in loss?",
    equal_to={
        "those of 2 units": "small",
        "those of 20: more parameters, more bad minima": "large",
        "about alike": "alike",
    },
    why="A narrow network can end where one of its few units is badly placed. With many units some are well placed by "
        "luck, and the others leave the rest to them.",
    replies={
        "those of 20: more parameters, more bad minima": "A level place must bend upwards in every direction to be a "
                                                         "minimum. The more directions, the harder that is high up.",
        "about alike": "Which minimum is found depends on chance in both. How much its loss matters does not.",
    })
