"""Lesson 02: overfitting by large batches, L2 and shifted copies of images, on trial."""
import numpy as np

from gdlib import data
from gdlib.lessons.batch_sgd_minibatch.trials.problems import Problems, one_hot, unit_rate
from gdlib.lessons.batch_sgd_minibatch.trials.unseen import (
    AXES,
    BATCHES,
    CHOICE,
    CHOOSE,
    CLASSES,
    FIXED,
    RATES,
    UNITS,
    WALKS,
    both,
    drawn,
    ends,
    judged,
    wrong,
)
from gdlib.lessons.kit.axes import among, between
from gdlib.lessons.kit.intervals import paired
from gdlib.lessons.kit.trial import trial


@trial("big-batch-overfits", kind="effect",
       unit="of a hundred rows, by which the gap between unseen and training widens")
class LargeBatchesOverfit:
    """The gap between wrong answers on unseen rows and on training rows: with all rows a step, less with a small batch.

    A large batch makes fewer updates in as many epochs, and so fits *less* if anything; with as many updates it has no
    noise to hold it back. `smallest` is 2 in a hundred, as for `small-batch-generalises`.
    """

    axes = BATCHES
    fixed = FIXED
    smallest = 2.0
    seeds = WALKS - CHOOSE
    literature = ("Keskar et al. (2017) narrow it: large batches reach the same training loss, it is no overfitting in "
                  "the usual sense; Shallue et al. (2019) disagree; Smith et al. (2020): noise is a regulariser")

    def met(case):
        """each has its best rate"""
        return case.rates == "each its best"

    def run(case, rng):
        small, large = (unseen - training for unseen, training in both(case, rng))
        return paired(large - small)


STRENGTHS = np.array([0.0, 0.0005, 0.004, 0.03])


@trial("regularise-improves", kind="effect", unit="halvings of the wrong answers on unseen rows")
class L2Improves:
    """Wrong answers on unseen rows without L2, over those with the best of three strengths.

    In theory L2 helps where rows are hardly more than columns, and noisy (Krogh and Hertz 1992; Dobriban and Wager
    2018). But few steps, or a small rate, are a regulariser, too (Ali, Kolter and Tibshirani 2019). So whether the
    rival's rate is tuned is an axis. `smallest`, 0.2 halvings, is 13 % of the errors: less than a few more rows give.
    """

    axes = AXES | {
        "model": among("least squares", "logistic", "network", about="model"),
        "batch": among(4, 16, about="batch", least=1, most=40),
        "steps": among(50, 400, about="steps", least=1, most=5000),
        "tuned": among("the rate, too", "the strength alone", about="tuned:"),
    }
    fixed = FIXED + ("; 6 rates; strengths 0.0005, 0.004, 0.03 times the mean ‖x‖²; a rate that is not tuned is 1 over "
                     "that for least squares, 8 for the others")
    smallest = 0.2
    seeds = WALKS - CHOOSE
    literature = ("Hoerl and Kennard (1970), Krogh and Hertz (1992) agree for least squares with noisy targets; "
                  "Dobriban and Wager (2018): by rows per column; Ali, Kolter and Tibshirani (2019): early stopping "
                  "does as much")

    def met(case):
        """the rate is not tuned, and the walk is long: 400 steps or more"""
        return case.tuned == "the strength alone" and case.steps >= 400

    def run(case, rng):
        problems, choice, judgement = drawn(case, rng)
        unit = unit_rate(problems)
        fixed = 1 if case.model == "least squares" else 8
        rates = unit * (RATES[1:7] if case.tuned == "the rate, too" else np.array([fixed]))
        rates, l2 = (part.ravel() for part in np.meshgrid(rates, STRENGTHS / unit))
        theta = problems.start(len(rates), rng, UNITS)
        end = ends(problems, theta, rates, case.batch, case.steps, rng, l2)
        errors = [error(problems, end, rows) for rows in (choice, judgement)]
        without, with_l2 = (judged(*(part[:, some] for part in errors))[0] for some in (l2 == 0, l2 > 0))
        return paired(np.log2(np.maximum(without, 0.1) / np.maximum(with_l2, 0.1)))


def error(problems, theta, rows):
    """Wrong answers in percent; where a walk has diverged, all of them."""
    finite = np.isfinite(theta[0]).all(axis=(1, 3))
    return np.where(finite, wrong(problems, theta, rows), 100.0)


@trial("augment-improves", kind="effect", unit="halvings of the wrong answers on unseen images")
class AugmentingImproves:
    """Wrong answers on unseen images with training images as they are, over those with four shifted copies of each.

    Shifts teach the model what the images to come will show if they are shifted, too; otherwise it has to spend its
    parameters on what never comes. `smallest` is 0.2 halvings, as for `regularise-improves`.
    """

    axes = {
        "images": among("digits", "patterns", about="images of 8 × 8 pixels:"),
        "model": among("logistic", "network", about="model"),
        "n": among(30, 60, about="training images", least=16, most=60),
        "batch": among(4, 16, about="batch", least=1, most=40),
        "steps": among(100, 400, about="steps", least=1, most=5000),
        "blur": between(0.0, 0.5, about="standard deviation of the pixels' noise", least=0, most=10),
        "test": among("as they are", "shifted by a pixel", about="unseen images"),
    }
    fixed = ("shifts by a pixel up, down, left, right, what leaves comes back on the other side; as many steps with "
             "and without; ten classes; 12 tanh units; the best of 8 rates; 16 training sets, judged on the same "
             "unseen images")
    smallest = 0.2
    seeds = WALKS - CHOOSE
    literature = ("Simard, Steinkraus and Platt (2003) agree, on MNIST; Chen, Dobriban and Lee (2020): if what it "
                  "changes leaves the distribution as it is")

    def met(case):
        """the unseen images are shifted, too"""
        return case.test == "shifted by a pixel"

    def run(case, rng):
        images, labels = _images(case, rng)
        need = WALKS * case.n
        parts = [slice(need, need + CHOICE), slice(need + CHOICE, None)]
        if case.test != "as they are":
            images = np.concatenate([images[:need], shifted(images[need:], rng.integers(4, size=len(images) - need))])
        mean = images[:need].mean(axis=0)
        X, Y = (images - mean).reshape(len(images), -1), one_hot(labels, CLASSES)
        few, errors = images[:need].reshape(WALKS, case.n, 8, 8), []
        copies = np.concatenate([few, *(shifted(few, np.full((WALKS, case.n), k)) for k in range(4))], axis=1)
        for some in (few, copies):
            inputs = (some - mean).reshape(*some.shape[:2], 64)
            targets = np.tile(Y[:need].reshape(WALKS, case.n, -1), (1, some.shape[1] // case.n, 1))
            problems = Problems(inputs, targets, case.model)
            theta = problems.start(8, np.random.default_rng(case.n), UNITS)
            end = ends(problems, theta, RATES[:8] * unit_rate(problems), case.batch, case.steps, rng)
            errors.append(judged(*(error(problems, end, (X[part], Y[part])) for part in parts))[0])
        return paired(np.log2(np.maximum(errors[0], 0.1) / np.maximum(errors[1], 0.1)))


def _images(case, rng):
    """Images (rows, 8, 8) and their labels."""
    if case.images == "digits":
        X, labels = data.load("digits")
        order = rng.permutation(len(X))
        images, labels = X[order].reshape(-1, 8, 8), labels[order]
    else:
        labels = rng.integers(CLASSES, size=WALKS * case.n + CHOICE + 600)
        templates = rng.standard_normal((CLASSES, 8, 8))
        templates = sum(np.roll(templates, k, axis=(1, 2)) + np.roll(templates, k, axis=1) for k in range(2)) / 4
        images = templates[labels]
    return images + case.blur * rng.standard_normal(images.shape), labels


def shifted(images: np.ndarray, ways: np.ndarray) -> np.ndarray:
    """Images (..., 8, 8) moved by a pixel: down, up, right or left for 0 … 3 in `ways` (...), in a ring."""
    moves = np.stack([np.roll(images, step, axis=axis) for axis in (-2, -1) for step in (1, -1)])
    return np.take_along_axis(moves, ways[None, ..., None, None], axis=0)[0]
