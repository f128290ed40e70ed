"""Lesson 03: rates from curvatures, two schedules, a range test, backtracking."""
from __future__ import annotations

import numpy as np

from gdlib.lessons.kit.exercise import Exercise, Lambda
from gdlib.lessons.kit.prediction import Prediction

# --- rates_from_curvatures --------------------------------------------------------------------------------------------


def rates_from_curvatures(eigenvalues):
    """From the Hessian's eigenvalues, all above 0: the edge, the best rate, and its factor a step."""
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
        (_from(edge=lambda m, L: 1 / L),
         "at 1/λ the steep direction arrives in one step. The edge, where |1 − ηλ| is 1 again, is at 2/λ."),
        (_from(edge=lambda m, L: 2 / m),
         "that is the flattest direction's edge. The steepest one runs away first."),
        (_from(best=lambda m, L: 1 / (m + L)),
         "for {call} I expected {expected} and got {got}, half as large as it should be: "
         "set 1 − ηλmin equal to ηλmax − 1, and solve for η."),
        (_from(best=lambda m, L: 1 / L),
         "1/λmax is best for the steep direction alone. At the best rate the flattest and the steepest shrink alike."),
        (_from(best=lambda m, L: (2 / m + 2 / L) / 2),
         "that is halfway between the two edges. At the best rate 1 − ηλmin equals ηλmax − 1."),
        (_from(best=lambda m, L: (1 / m + 1 / L) / 2),
         "that is the mean of what each direction would like for itself. At the best rate 1 − ηλmin equals ηλmax − 1."),
        (_from(best=lambda m, L: 2 / (L - m) if L > m else np.inf),
         "the two curvatures are added in the denominator, since 1 − ηλmin = ηλmax − 1."),
        (_from(factor=lambda m, L: (m - L) / (L + m)),
         "that is 1 − ηλmax, with its sign. Its size says how much the distance shrinks."),
        (_from(factor=lambda m, L: ((L - m) / (L + m)) ** 2),
         "that is how the loss shrinks. The distance shrinks by its root."),
        (_from(factor=lambda m, L: (L + m) / (L - m) if L > m else np.inf),
         "for {call} I expected {expected} and got {got}, above 1: the fraction is upside down. "
         "The distance shrinks at each step."),
        (_from(factor=lambda m, L: 1 - 2 * m / L),
         "that is the flattest direction's factor at the edge. Put the best rate into 1 − ηλmin."),
        (_from(ends=lambda e: (e[0], e[-1])),
         "the first and last need not be the smallest and largest. Take min and max."),
        (lambda e: (2 / (np.min(e) + np.max(e)), 2 / np.max(e), (np.max(e) - np.min(e)) / (np.max(e) + np.min(e))),
         "the first two have changed places. The edge comes first."),
    ],
    hints=["Each direction has its factor |1 − ηλ|. Which direction is the first to reach 1 as η grows?",
           "The edge is 2/λmax. At the best rate the slowest two are even: 1 − ηλmin = ηλmax − 1.",
           "best = 2/(λmin + λmax); put it into 1 − ηλmin, and (λmax − λmin)/(λmax + λmin) is left."],
    success="With κ = λmax/λmin the factor is (κ − 1)/(κ + 1): only the shape of the valley matters.")


# --- pick_rate --------------------------------------------------------------------------------------------------------


def pick_rate(rates, losses):
    """Half of the rate at which the loss was lowest; some losses may be nan or inf."""
    seen = np.where(np.isfinite(losses), losses, np.inf)
    return rates[np.argmin(seen)] / 2


def _inputs(rng):
    yield np.array([0.01, 0.1, 1.0]), np.array([3.0, 1.0, 2.0])
    yield np.array([0.1, 0.2, 0.4, 0.8, 1.6]), np.array([2.0, 1.5, 1.0, np.inf, np.nan])
    yield np.array([0.1, 0.2, 0.4]), np.array([5.0, 3.0, 1.0])                                # the loss never rose
    yield np.array([0.1, 0.2, 0.4, 0.8]), np.array([9.0, 5.0, 4.0, 6.0])
    for n in (8, 20):
        losses = np.cumsum(rng.normal(size=n)) + 10
        yield np.geomspace(0.001, 10, n), np.append(losses[:-1], np.nan)


pick_rate = Exercise(
    pick_rate, inputs=_inputs,
    mistakes=[
        (lambda rates, losses: rates[np.argmin(losses)] / 2,
         "np.argmin takes nan for the smallest. Leave out what is not finite; np.nanargmin does that for nan."),
        (lambda rates, losses: rates[np.nanargmin(losses)],
         "that is the rate of the lowest loss itself. It is about to become too large for this walk: take half of it."),
        (lambda rates, losses: rates[np.argmin(losses)],
         "np.argmin takes nan for the smallest, and the rate found is not halved."),
        (lambda rates, losses: np.nanargmin(losses) / 2,
         "argmin gives a place in the list. The rate is rates[place]."),
        (lambda rates, losses: np.nanargmin(losses),
         "that is a place in the list. Take half of the rate that stands there."),
        (lambda rates, losses: np.nanmin(losses),
         "that is the lowest loss. The rate at that place is wanted."),
        (lambda rates, losses: np.nanmin(losses) / 2,
         "that is half of the lowest loss. Half of the rate at that place is wanted."),
        (lambda rates, losses: rates[np.nanargmin(losses)] / 10,
         "a tenth is a common choice, and a timid one here. Take half."),
        (lambda rates, losses: rates[np.nanargmin(losses) // 2],
         "you halve the place in the list. Halve the rate there."),
        (lambda rates, losses: rates[np.nanargmin(np.diff(losses))] / 2,
         "you look for the steepest fall. Here the rate of the lowest loss is halved."),
        (lambda rates, losses: np.max(rates) / 2,
         "that is half of the largest rate tried, whatever the losses."),
    ],
    hints=["Where in the list is the lowest loss? np.argmin gives the place; but mind nan.",
           "np.nanargmin leaves out nan, and inf is never the lowest.",
           "`rates[np.nanargmin(losses)] / 2`."],
    success="At the lowest point the rate is about to become too large for this walk; half of it keeps clear.")


# --- step_decay -------------------------------------------------------------------------------------------------------


def step_decay(t, lr, factor, every):
    """The rate at step t = 1, 2, …: lr at first, times `factor` after each `every` steps."""
    return lr * factor ** ((t - 1) // every)


def _inputs(rng):
    yield 1, 0.8, 0.5, 10
    yield 10, 0.8, 0.5, 10                                     # the last step of the first stair
    yield 11, 0.8, 0.5, 10
    yield 35, 0.8, 0.5, 10
    yield 7, 0.3, 0.1, 3
    yield 100, 2.0, 0.9, 1
    for _ in range(3):
        yield int(rng.integers(1, 60)), float(rng.uniform(0.1, 1)), 0.7, int(rng.integers(2, 9))


step_decay = Exercise(
    step_decay, inputs=_inputs,
    mistakes=[
        (lambda t, lr, factor, every: lr * factor ** (t // every),
         "the first stair is one step short. Steps count from 1, so t − 1 of them lie behind."),
        (lambda t, lr, factor, every: lr * factor ** ((t - 1) / every),
         "that glides. A stair needs whole numbers: `//` divides and drops the rest."),
        (lambda t, lr, factor, every: lr * factor ** (t / every),
         "that glides, and starts below lr. A stair needs `//`, and at t = 1 no step lies behind."),
        (lambda t, lr, factor, every: lr * factor * ((t - 1) // every),
         "you multiply by the number of stairs. The factor is applied that many times: a power, `**`."),
        (lambda t, lr, factor, every: lr / factor ** ((t - 1) // every),
         "dividing by a factor below 1 makes the rate grow."),
        (lambda t, lr, factor, every: lr * (1 - factor) ** ((t - 1) // every),
         "`factor` is what is kept, not what is taken off."),
        (lambda t, lr, factor, every: lr * factor if t > every else lr,
         "it drops once. After every `every` steps it drops again."),
        (lambda t, lr, factor, every: lr * factor ** (t - 1),
         "it drops at every step. It should drop once in `every` steps."),
        (lambda t, lr, factor, every: (lr * factor) ** ((t - 1) // every),
         "the power takes lr with it. Only the factor is raised: `lr * factor ** …`."),
        (lambda t, lr, factor, every: lr * factor ** ((t - 1) % every),
         "`%` gives the remainder of the division. `//` gives the number of full stairs."),
    ],
    hints=["How many full stairs lie behind at step t, when t − 1 steps were taken before it?",
           "(t − 1) // every of them. Each has multiplied the rate by factor.",
           "`lr * factor ** ((t - 1) // every)`."],
    success="`gd.step_decay(lr, factor, every)` is this, as a function of t alone.")


# --- warm_cosine ------------------------------------------------------------------------------------------------------


def warm_cosine(t, lr, steps, warm):
    """The rate at step t = 1, 2, …, steps: half a cosine from lr, times t/warm in the first `warm` steps.

    Its angle is π(t − 1)/steps, so it would reach 0 one step after the last.
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
         "your cosine begins after the warm-up, as in PyTorch. "
         "Here it begins at step 1, and the warm-up is a factor in front of it."),
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


# --- backtrack --------------------------------------------------------------------------------------------------------


def backtrack(f, theta, gradient, lr):
    """Halve lr until a step loses at least 0.3 · lr · ‖gradient‖² of height; return that rate."""
    while f(theta - lr * gradient) > f(theta) - 0.3 * lr * (gradient @ gradient):
        lr = lr / 2
    return lr


class _Height(Lambda):
    """A function that notices a search that goes on although its steps have shrunk to nothing."""

    def __call__(self, theta):
        same = np.array_equal(theta, getattr(self, "last", None))
        self.times, self.last = (self.times + 1 if same else 0), np.array(theta)
        if self.times > 400:
            raise RuntimeError("f was called 400 times in a row at the same place, so this loop never ends")
        return super().__call__(theta)


def _inputs(rng):
    bowl, gentle = _Height("lambda theta: 2 * theta @ theta"), _Height("lambda theta: theta @ theta / 2")
    ravine = _Height("lambda theta: theta[0]**2 + 8 * theta[1]**2")
    yield gentle, np.array([2.0]), np.array([2.0]), 1.0
    yield bowl, np.array([1.0]), np.array([4.0]), 0.3
    yield bowl, np.array([1.0]), np.array([4.0]), 3.0
    yield bowl, np.array([3.0]), np.array([12.0]), 0.4
    yield bowl, np.array([1.0]), np.array([4.0]), 0.48         # a step that loses a little
    yield ravine, np.array([2.0, 0.5]), np.array([4.0, 8.0]), 1.0
    yield ravine, np.array([4.0, 0.1]), np.array([8.0, 1.6]), 0.9
    for _ in range(4):
        theta = rng.normal(size=2)
        yield ravine, theta, theta * [2, 16], float(rng.uniform(0.2, 8))


def _backtrack(asked=lambda lr, g: 0.3 * lr * (g @ g), down=lambda theta, lr, g: theta - lr * g, shrink=0.5, last=1.0):
    """A wrong backtrack in which one part is replaced."""
    def search(f, theta, gradient, lr):
        while f(down(theta, lr, gradient)) > f(theta) - asked(lr, gradient):
            lr = lr * shrink
        return lr * last
    return search


def _halve_once(f, theta, gradient, lr):
    return lr / 2 if f(theta - lr * gradient) > f(theta) - 0.3 * lr * (gradient @ gradient) else lr


def _the_point(f, theta, gradient, lr):
    return theta - _backtrack()(f, theta, gradient, lr) * gradient


def _turned_round(f, theta, gradient, lr):
    while f(theta - lr * gradient) <= f(theta) - 0.3 * lr * (gradient @ gradient) and lr > 1e-30:
        lr = lr / 2
    return lr


backtrack = Exercise(
    backtrack, inputs=_inputs,
    mistakes=[
        (_backtrack(asked=lambda lr, g: 0.0),
         "you accept any step that does not climb. It should lose at least 0.3 · lr · ‖gradient‖²."),
        (_backtrack(asked=lambda lr, g: 0.3 * lr * np.sqrt(g @ g)),
         "the length of the gradient has to be squared: gradient @ gradient."),
        (_backtrack(asked=lambda lr, g: 0.3 * (g @ g)),
         "what you ask for does not shrink with the rate. Ask for 0.3 · lr · ‖gradient‖²."),
        (_backtrack(asked=lambda lr, g: lr * (g @ g)),
         "you ask for all that a straight slope would give. Ask for 0.3 of it."),
        (_backtrack(asked=lambda lr, g: -0.3 * lr * (g @ g)),
         "with + the step may climb. It has to end below f(theta) by that much: f(theta) − …"),
        (_backtrack(down=lambda theta, lr, g: theta + lr * g),
         "your step goes uphill, and no rate is small enough. Look at the sign in front of lr * gradient."),
        (_halve_once,
         "it halves once. Ask again after each halving: `while` instead of `if`."),
        (_backtrack(last=0.5),
         "one halving too many. The first rate that passes is the answer."),
        (_the_point,
         "that is the point after the step. Return the rate."),
        (_backtrack(shrink=0.1),
         "you divide by ten each time. Halve it."),
        (_turned_round,
         "you halve as long as the step is good. Halve while it does *not* lose enough."),
    ],
    hints=["Try the step: f(theta - lr * gradient). Is it low enough? If not, halve lr and try again.",
           "Low enough means at most f(theta) - 0.3 * lr * (gradient @ gradient).",
           "`while f(theta - lr * gradient) > …: lr = lr / 2`, then return lr."],
    success="It never asked what λ is: it felt it.")


# --- predictions ------------------------------------------------------------------------------------------------------

further_out = Prediction(
    "further_out",
    "The walk starts ten times further from the lowest point. What becomes of the largest rate at which it still "
    "arrives?",
    at_least={
        "about ten times smaller: the slopes there are ten times as steep": 0,
        "somewhat smaller": 0.3,
        "it stays the same": 0.95,
        "larger: there is more room": 1.05,
    },
    why="Each step multiplies θ by 1 − ηλ, wherever θ is: the start cancels. Steeper slopes there make longer steps, "
        "and the way is longer by just as much.")

quickest = Prediction(
    "quickest",
    "A ravine bends with λ = 10 across and λ = 1 along. Its edge is 2/10. At which share of the edge is the walk "
    "quickest?",
    at_least={
        "at a tenth: careful steps arrive first": 0,
        "at half: there the steep direction arrives in one step": 0.3,
        "at about 0.9: swinging, but not far from the edge": 0.7,
        "right at the edge: the larger the better": 0.97,
    },
    why="The flat direction is what one waits for, and it wants the rate as large as can be. The steep one pays for "
        "it by swinging. They are even at 2/(1 + 10), which is 10/11 of the edge.")

one_for_all = Prediction(
    "one_for_all",
    "Each of three problems has a range of rates that bring at least 90 % of what its best rate brings. Do the three "
    "ranges have a rate in common?",
    at_least={"yes, and a factor of ten or more to choose from": 10, "yes, but only just": 1, "no": 0},
    why="A range's upper end is set by the curvature, and that depends on the model, on the data and on their units. "
        "What they have in common is the shape of the curve: slow, good, and then a cliff.")

without_noise = Prediction(
    "without_noise",
    "Now the same contest with the full gradient: no noise at all, and all nine rates below the edge. Which schedule "
    "ends lowest?",
    equal_to={"the constant rate": "constant", "the stair": "stair", "the cosine": "cosine", "1/t": "1/t"},
    why="Without noise there is nothing to quench. Each step shrinks what is left by its own factor, and below the "
        "edge a rate that falls only shortens the steps along the flat directions.")

what_next = Prediction(
    "what_next",
    "A rate of 0.3 can bear a curvature of 2/0.3 = 6.7. The network starts below that. What does its largest "
    "curvature do while it trains?",
    equal_to={
        "it falls: near a minimum the ground is flat": "falls",
        "it stays where it was": "stays",
        "it rises to the limit, and stays there": "edge",
        "it rises beyond the limit, and the walk is thrown out": "thrown out",
    },
    why="Descent moves towards sharper ground as long as it can. Above the limit it swings across the sharpest "
        "direction, and the swings push it back to flatter ground. So it hovers at the limit, and the loss goes on "
        "falling.")

small_enough = Prediction(
    "small_enough",
    "A valley with some ten ripples. At a rate of 0.05 few starts end in the deepest one. And at 0.001?",
    at_least={"far fewer": 0, "as many": 0.8, "far more": 1.25},
    why="Both rates are below the edge of the ripples, 2/λ at a ripple's floor. Any such walk settles in the first "
        "ripple it meets. Being smaller still changes the time it takes, and not the place.")
