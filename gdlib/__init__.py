"""gdlib: the small, readable package behind the course on gradient descent.

Glossary: these words and symbols mean the same in the lessons, the code and the tests.

    objective     J, f     the function to minimize; `f(theta)` is its value
    loss          J(θ)     the objective's value at one point
    parameters    theta, θ the point where we are; coordinates on the last axis, separate runs before it
    gradient      ∇J(θ)    the vector of slopes, one per coordinate; `f.grad(theta)`
    step          t        one update of theta, counted 1, 2, 3, …; t = 0 is the start
    learning rate lr, η    how far a step goes for each unit of slope
    momentum      beta, β  the share of the velocity that is kept from one step to the next
    iterate       θ_t      the point after t steps
    run                    one descent from one start; a sweep is many runs in one call
    data          X, y     the inputs, one example per row, and the targets
    curvature     λ        an eigenvalue of the Hessian; L the largest, μ the smallest
    condition     κ        L / μ: how much steeper the steepest direction bends than the flattest

`gd.momentum??` in a notebook shows a rule's source: its formula.
"""
from importlib import import_module

from gdlib.descent import *
from gdlib.loop import *
from gdlib.models import *
from gdlib.monitor import *
from gdlib.networks import *
from gdlib.normalised import *
from gdlib.objectives import *
from gdlib.oracles import *
from gdlib.record import *
from gdlib.recurrent import *
from gdlib.rules.adaptive import *
from gdlib.rules.after_adam import *
from gdlib.rules.momentum import *
from gdlib.rules.rule import *
from gdlib.schedules import *
from gdlib.sweep import *
from gdlib.torch_monitor import *

# Each module lists its public names in __all__. The modules below keep theirs to themselves, as in
# gd.data.load("digits"), and are imported when they are first used: some need more than NumPy.
_ROOMS = ["analysis", "checkpoints", "conventions", "data", "distributed", "plots"]
__all__ = sorted([
    name for name, value in globals().items()
    if not name.startswith("_") and name != "import_module" and type(value).__name__ != "module"
]) + _ROOMS


def __getattr__(name):
    if name in _ROOMS:
        return import_module(f"gdlib.{name}")
    raise AttributeError(f"gdlib has no {name!r}; it has {', '.join(__all__)}")


def __dir__():
    return __all__
