"""gdlib: the small, readable package behind the course on gradient descent.

Glossary: these words and symbols are used alike in the lessons, the code and the tests.

    objective   J, f     the function to be made small; `f(theta)` is its value
    loss        J(θ)     the objective's value at one point
    parameters  theta, θ where we stand; coordinates on the last axis, separate runs before it
    gradient    ∇J(θ)    the vector of slopes, one a coordinate; `f.grad(theta)`
    step        t        one update of theta, counted 1, 2, 3, …; t = 0 is the start
    rate        lr, η    learning rate: how far a step goes for each unit of slope
    momentum    beta, β  the share of the velocity that is kept from one step to the next
    iterate     θ_t      the point after t steps
    run                  one descent from one start; a sweep is many runs in one call
    data        X, y     one example a row, and what is to be predicted
    curvature   λ        an eigenvalue of the Hessian; L the largest, μ the smallest
    condition   κ        L / μ: how much steeper the steepest direction bends than the flattest

`gd.momentum??` in a notebook shows a rule's source: the formula, and nothing else.
"""
from importlib import import_module

from gdlib.descent import Run, iterate, per_run, run
from gdlib.models import LeastSquares, LogisticRegression
from gdlib.objectives import (
    Objective,
    beale,
    double_well,
    himmelblau,
    monkey_saddle,
    quadratic,
    rosenbrock,
    saddle,
)
from gdlib.optimizers import (
    Optimizer,
    adagrad,
    adam,
    adamw,
    amsgrad,
    gradient_descent,
    momentum,
    nesterov,
    rmsprop,
)
from gdlib.schedules import constant, cosine, exponential, inverse_time, polynomial, step_decay, warmup

# Rooms that need more than NumPy, or that only some lessons enter, are opened when they are first named.
_LATER = {
    **dict.fromkeys(["MLP", "SoftmaxRegression"], "networks"),
    **dict.fromkeys(["lion", "muon"], "after_adam"),
    **dict.fromkeys(["accumulated", "clipped", "delayed", "full", "minibatches", "noisy"], "oracles"),
}
_ROOMS = (
    "analysis", "claims", "conventions", "data", "distributed", "exercises", "explorers", "memory", "plots", "ready",
)

__all__ = [
    "MLP", "LeastSquares", "LogisticRegression", "Objective", "Optimizer", "Run", "SoftmaxRegression", "accumulated",
    "adagrad", "adam", "adamw", "amsgrad", "beale", "clipped", "constant", "cosine", "delayed", "double_well",
    "exponential", "full", "gradient_descent", "himmelblau", "inverse_time", "iterate", "lion", "minibatches",
    "momentum", "monkey_saddle", "muon", "nesterov", "noisy", "per_run", "polynomial", "quadratic", "rmsprop",
    "rosenbrock", "run", "saddle", "step_decay", "warmup",
    *_ROOMS,
]


def __getattr__(name):
    if name in _LATER:
        return getattr(import_module(f"gdlib.{_LATER[name]}"), name)
    if name in _ROOMS:
        return import_module(f"gdlib.{name}")
    raise AttributeError(f"gdlib has no {name!r}; it has {', '.join(n for n in __all__)}")


def __dir__():
    return __all__
