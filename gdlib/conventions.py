"""What PyTorch, optax and Keras compute under one name, and how to write a setting of one in another.

`DIALECTS` lists how each library writes each rule. `walk` computes a library's points, `translate` rewrites settings.
Each library's formula is built on gdlib's own rule; only what differs is written out here.
"""
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np

import gdlib as gd

__all__ = ["DIALECTS", "Dialect", "adagrad", "adam", "lion", "momentum", "rmsprop", "translate", "walk"]

# --- the formulas: gradients g₁, g₂, … and a start -> all points ------------------------------------------------------


def momentum(
    gradients: Sequence, theta: np.ndarray, rates: Sequence, mu: float = 0.9, form: str = "sum", points: str = "plain"
) -> np.ndarray:
    """Momentum on given gradients:  v ← μv + g;  θ ← θ − ηv,  in the forms of the libraries.

    - form "sum":          as above
    - form "rate inside":  v ← μv + ηg,          θ ← θ − v
    - form "average":      v ← μv + (1 − μ)g,    θ ← θ − ηv
    - points "look-ahead": θ moves by the *next* velocity, μv + g instead of v: Nesterov as libraries write it
    - points "textbook":   `gd.nesterov`; while η is constant, its look-ahead points θ − ημv are those of the libraries

    Parameters
    ----------
    gradients : array (steps, d)
        Gradient at each step, at any θ.
    theta : array (d,)
        Start.
    rates : sequence of float
        Learning rate η at each step.
    mu : float
        Share μ of the velocity that is kept.
    form : str
        Form of the velocity: "sum", "rate inside" or "average".
    points : str
        Points that are kept: "plain", "look-ahead" or "textbook".

    Returns
    -------
    array (steps + 1, d)
        All points, from the start.
    """
    scales = {"sum": np.ones(len(rates)), "rate inside": rates, "average": np.full(len(rates), 1 - mu)}[form]
    scaled = [scale * g for scale, g in zip(scales, gradients, strict=True)]
    eta = np.ones(len(rates)) if form == "rate inside" else rates
    make = {"plain": gd.momentum, "look-ahead": _look_ahead, "textbook": gd.nesterov}[points]
    return _path(make(lambda t: eta[t - 1], mu), scaled, theta)


def adagrad(
    gradients: Sequence, theta: np.ndarray, lr: float, eps: float, first: float = 0.0, inside: bool = False
) -> np.ndarray:
    """AdaGrad on given gradients:  s ← s + g²  from s = first;  θ ← θ − η g/(√s + ε),  or g/√(s + ε).

    Parameters
    ----------
    gradients : array (steps, d)
        Gradient at each step, at any θ.
    theta : array (d,)
        Start.
    lr : float
        Learning rate η.
    eps : float
        Small number ε.
    first : float
        Start of s.
    inside : bool
        Whether ε stands inside the root.

    Returns
    -------
    array (steps + 1, d)
        All points, from the start.
    """
    if inside or eps == 0:  # without ε both are the same
        opt = _inside_the_root(gd.adagrad(lr), lr, eps)
    else:
        opt = gd.adagrad(lr, eps)
    return _path(replace(opt, init=lambda theta: np.full_like(theta, first)), gradients, theta)


def rmsprop(
    gradients: Sequence, theta: np.ndarray, lr: float, rho: float, eps: float, inside: bool = False
) -> np.ndarray:
    """RMSprop on given gradients:  s ← ρs + (1 − ρ)g²;  θ ← θ − η g/(√s + ε),  or g/√(s + ε).

    Parameters
    ----------
    gradients : array (steps, d)
        Gradient at each step, at any θ.
    theta : array (d,)
        Start.
    lr : float
        Learning rate η.
    rho : float
        Share ρ of s that is kept.
    eps : float
        Small number ε.
    inside : bool
        Whether ε stands inside the root.

    Returns
    -------
    array (steps + 1, d)
        All points, from the start.
    """
    if inside or eps == 0:
        return _path(_inside_the_root(gd.rmsprop(lr, rho), lr, eps), gradients, theta)
    return _path(gd.rmsprop(lr, rho, eps), gradients, theta)


def adam(
    gradients: Sequence,
    theta: np.ndarray,
    lr: float,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    hat: bool = False,
    weight_decay: float = 0.0,
    decoupled: bool = True,
    top: str | None = None,
) -> np.ndarray:
    """Adam on given gradients, with the libraries' forms of ε, of weight decay and of AMSGrad.

    Parameters
    ----------
    gradients : array (steps, d)
        Gradient at each step, at any θ.
    theta : array (d,)
        Start.
    lr : float
        Learning rate η.
    beta1, beta2 : float
        Shares β₁ and β₂ that the averages keep.
    eps : float
        Small number ε > 0.
    hat : bool
        True takes "epsilon hat": ε beside the uncorrected root, η m̂ √(1 − β₂ᵗ)/(√v + ε).
    weight_decay : float
        Decay w.
    decoupled : bool
        True shrinks θ by θ(1 − ηw), as AdamW; False adds L2's wθ to the gradient.
    top : str, optional
        For AMSGrad, which largest value so far is kept: v's, "raw", or v̂'s, "corrected".

    Returns
    -------
    array (steps + 1, d)
        All points, from the start.

    Raises
    ------
    ValueError
        A setting that `gd.adam` refuses, or a decoupled decay in AMSGrad, which no library has.
    """
    if top and decoupled and weight_decay:
        raise ValueError(f"weight_decay must be 0 for AMSGrad, or L2; got {weight_decay}. Give decoupled=False.")
    plain = partial(gd.adamw, weight_decay=weight_decay if decoupled else 0.0)
    make = partial({None: plain, "raw": gd.amsgrad, "corrected": _corrected_before_max}[top], lr, beta1, beta2)
    opt = make(eps)
    if hat:  # √(v̂) + ε/√(1 − β₂ᵗ) = (√v + ε)/√(1 − β₂ᵗ)
        opt = replace(opt, update=lambda t, *args: make(eps / np.sqrt(1 - beta2**t)).update(t, *args))
    if not decoupled:
        gradients = [lambda theta, g=g: g + weight_decay * theta for g in gradients]
    return _path(opt, gradients, theta)


def lion(
    gradients: Sequence,
    theta: np.ndarray,
    lr: float,
    beta1: float = 0.9,
    beta2: float = 0.99,
    weight_decay: float = 0.0,
) -> np.ndarray:
    """Lion on given gradients, alike in all libraries.

    Parameters
    ----------
    gradients : array (steps, d)
        Gradient at each step, at any θ.
    theta : array (d,)
        Start.
    lr : float
        Learning rate η.
    beta1, beta2 : float
        Shares β₁ of the memory in the step and β₂ that the memory keeps.
    weight_decay : float
        Decay w.

    Returns
    -------
    array (steps + 1, d)
        All points, from the start.
    """
    return _path(gd.lion(lr, beta1, beta2, weight_decay), gradients, theta)


def _path(opt, gradients, theta):
    """All points of a rule on given gradients, each an array or a function of θ."""
    oracle = (g if callable(g) else (lambda theta, g=g: g) for g in gradients)
    return np.array([point for _, point, _ in gd.iterate(opt, theta, oracle)])


# --- what differs from gdlib's rules ----------------------------------------------------------------------------------


def _look_ahead(lr, mu):
    """Nesterov as PyTorch, optax and Keras write it:  v ← μv + g;  θ ← θ − η(μv + g)."""
    plain = gd.momentum(lr, mu)

    def update(t, theta, grad, v):
        g = grad(theta)
        _, v = plain.update(t, theta, lambda _: g, v)
        return theta - lr(t) * (mu * v + g), v

    return replace(plain, update=update)


def _inside_the_root(plain, lr, eps):
    """AdaGrad or RMSprop with ε inside the root:  s as in the plain rule;  θ ← θ − η g/√(s + ε)."""

    def update(t, theta, grad, s):
        g = grad(theta)
        _, s = plain.update(t, theta, lambda _: g, s)
        return theta - lr * g / np.sqrt(s + eps), s

    return replace(plain, update=update)


def _corrected_before_max(lr, beta1, beta2, eps):
    """AMSGrad as optax writes it:  m̂ and v̂ as in Adam;  u ← max(u, v̂);  θ ← θ − η m̂/(√u + ε)."""
    plain = gd.amsgrad(lr, beta1, beta2, eps)

    def update(t, theta, grad, state):
        m, v, u = state
        _, (m, v, _) = plain.update(t, theta, grad, state)
        u = np.maximum(u, v / (1 - beta2**t))
        return theta - lr * m / (1 - beta1**t) / (np.sqrt(u) + eps), (m, v, u)

    return replace(plain, update=update)


# --- the dialects -----------------------------------------------------------------------------------------------------


class Dialect(NamedTuple):
    """How one library writes one rule.

    Parameters
    ----------
    call : str
        The library's name for the rule.
    names : dict
        Settings: the formula's argument -> (the library's name, its default, or REQUIRED where it has none).
    formula : callable
        One of this module's formulas.
    fixed : dict
        Arguments of the formula that the library fixes.
    """

    call: str
    names: dict
    formula: Callable
    fixed: dict = {}


REQUIRED = "no default"
_ADAM = {
    "gdlib": {"lr": ("lr", 1e-3), "beta1": ("beta1", 0.9), "beta2": ("beta2", 0.999), "eps": ("eps", 1e-8)},
    "torch": {"lr": ("lr", 1e-3), "beta1": ("betas[0]", 0.9), "beta2": ("betas[1]", 0.999), "eps": ("eps", 1e-8)},
    "optax": {"lr": ("learning_rate", REQUIRED), "beta1": ("b1", 0.9), "beta2": ("b2", 0.999), "eps": ("eps", 1e-8)},
    "keras": {"lr": ("learning_rate", 1e-3), "beta1": ("beta_1", 0.9), "beta2": ("beta_2", 0.999),
              "eps": ("epsilon", 1e-7)},
}


def _decay(library, default):
    return _ADAM[library] | {"weight_decay": ("weight_decay", default)}


_LOOK, _KERAS = {"points": "look-ahead"}, {"form": "rate inside"}
_SGD = {
    "gdlib": {"lr": ("lr", REQUIRED), "mu": ("beta", 0.9)},
    "torch": {"lr": ("lr", 1e-3), "mu": ("momentum", 0.0)},
    "optax": {"lr": ("learning_rate", REQUIRED), "mu": ("momentum", 0.0)},
    "keras": {"lr": ("learning_rate", 1e-2), "mu": ("momentum", 0.0)},
}
DIALECTS = {
    ("momentum", "gdlib"): Dialect("gd.momentum", _SGD["gdlib"], momentum),
    ("momentum", "torch"): Dialect("torch.optim.SGD", _SGD["torch"], momentum),
    ("momentum", "optax"): Dialect("optax.sgd", _SGD["optax"], momentum),
    ("momentum", "keras"): Dialect("keras.optimizers.SGD", _SGD["keras"], momentum, _KERAS),
    ("nesterov", "torch"): Dialect("torch.optim.SGD(nesterov=True)", _SGD["torch"], momentum, _LOOK),
    ("nesterov", "optax"): Dialect("optax.sgd(nesterov=True)", _SGD["optax"], momentum, _LOOK),
    ("nesterov", "keras"): Dialect("keras.optimizers.SGD(nesterov=True)", _SGD["keras"], momentum, _LOOK | _KERAS),
    ("nesterov", "gdlib"): Dialect("gd.nesterov", _SGD["gdlib"], momentum, {"points": "textbook"}),
    ("adagrad", "gdlib"): Dialect("gd.adagrad", {"lr": ("lr", REQUIRED), "eps": ("eps", 1e-10)}, adagrad),
    ("adagrad", "torch"): Dialect(
        "torch.optim.Adagrad",
        {"lr": ("lr", 1e-2), "first": ("initial_accumulator_value", 0.0), "eps": ("eps", 1e-10)}, adagrad),
    ("adagrad", "optax"): Dialect(
        "optax.adagrad",
        {"lr": ("learning_rate", REQUIRED), "first": ("initial_accumulator_value", 0.1), "eps": ("eps", 1e-7)},
        adagrad, {"inside": True}),
    ("adagrad", "keras"): Dialect(
        "keras.optimizers.Adagrad",
        {"lr": ("learning_rate", 1e-3), "first": ("initial_accumulator_value", 0.1), "eps": ("epsilon", 1e-7)},
        adagrad, {"inside": True}),
    ("rmsprop", "gdlib"): Dialect(
        "gd.rmsprop", {"lr": ("lr", REQUIRED), "rho": ("rho", 0.9), "eps": ("eps", 1e-8)}, rmsprop),
    ("rmsprop", "torch"): Dialect(
        "torch.optim.RMSprop", {"lr": ("lr", 1e-2), "rho": ("alpha", 0.99), "eps": ("eps", 1e-8)}, rmsprop),
    ("rmsprop", "optax"): Dialect(
        "optax.rmsprop",
        {"lr": ("learning_rate", REQUIRED), "rho": ("decay", 0.9), "eps": ("eps", 1e-8),
         "inside": ("eps_in_sqrt", True)}, rmsprop),
    ("rmsprop", "keras"): Dialect(
        "keras.optimizers.RMSprop", {"lr": ("learning_rate", 1e-3), "rho": ("rho", 0.9), "eps": ("epsilon", 1e-7)},
        rmsprop, {"inside": True}),
    ("adam", "gdlib"): Dialect("gd.adam", _ADAM["gdlib"], adam),
    ("adam", "torch"): Dialect("torch.optim.Adam", _decay("torch", 0.0), adam, {"decoupled": False}),
    ("adam", "optax"): Dialect("optax.adam", _ADAM["optax"], adam),
    ("adam", "keras"): Dialect("keras.optimizers.Adam", _ADAM["keras"], adam, {"hat": True}),
    ("amsgrad", "gdlib"): Dialect("gd.amsgrad", _ADAM["gdlib"], adam, {"top": "raw"}),
    ("amsgrad", "torch"): Dialect("torch.optim.Adam(amsgrad=True)", _ADAM["torch"], adam, {"top": "raw"}),
    ("amsgrad", "optax"): Dialect("optax.amsgrad", _ADAM["optax"], adam, {"top": "corrected"}),
    ("adamw", "gdlib"): Dialect("gd.adamw", _decay("gdlib", 1e-2), adam),
    ("adamw", "torch"): Dialect("torch.optim.AdamW", _decay("torch", 1e-2), adam),
    ("adamw", "optax"): Dialect("optax.adamw", _decay("optax", 1e-4), adam),
    ("adamw", "keras"): Dialect("keras.optimizers.AdamW", _decay("keras", 4e-3), adam, {"hat": True}),
    ("lion", "gdlib"): Dialect(
        "gd.lion", {"lr": ("lr", 1e-4), "beta1": ("beta1", 0.9), "beta2": ("beta2", 0.99),
                    "weight_decay": ("weight_decay", 0.0)}, lion),
    ("lion", "optax"): Dialect(
        "optax.lion", {"lr": ("learning_rate", REQUIRED), "beta1": ("b1", 0.9), "beta2": ("b2", 0.99),
                       "weight_decay": ("weight_decay", 1e-3)}, lion),
    ("lion", "keras"): Dialect(
        "keras.optimizers.Lion",
        {"lr": ("learning_rate", 1e-3), "beta1": ("beta_1", 0.9), "beta2": ("beta_2", 0.99)}, lion),
}
DEFAULTS = {"first": 0.0, "inside": False, "weight_decay": 0.0, "form": "sum", "points": "plain", "hat": False,
            "decoupled": True, "top": None}


def walk(rule: str, settings: Mapping, library: str, gradients: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Compute the points of a library's rule on given gradients.

    Parameters
    ----------
    rule : str
        Name: "momentum", "nesterov", "adagrad", "rmsprop", "adam", "amsgrad", "adamw" or "lion".
    settings : dict
        Settings as the library names them, such as {"lr": 0.1, "betas": (0.9, 0.99)}; the others are its defaults. For
        momentum and Nesterov the learning rate may be a schedule t -> η.
    library : str
        Library: "torch", "optax", "keras" or "gdlib".
    gradients : array (steps, d)
        Gradient at each step, at any θ.
    start : array (d,)
        Start.

    Returns
    -------
    array (steps + 1, d)
        All points, from the start.

    Raises
    ------
    ValueError
        The rule, the library or a setting is unknown, or gdlib's rule refuses a setting.

    Examples
    --------
    >>> walk("momentum", {"learning_rate": 0.1}, "optax", [[1.0], [1.0]], [0.0])[:, 0].round(6)
    array([ 0. , -0.1, -0.2])
    """
    values, formula = _values(rule, settings, library), _dialect(rule, library).formula
    if formula is momentum:
        lr = values.pop("lr")
        values["rates"] = [lr(t) if callable(lr) else lr for t in range(1, len(gradients) + 1)]
    taken = inspect.signature(formula).parameters
    given = {name: value for name, value in values.items() if name in taken}
    return formula(np.asarray(gradients, float), np.asarray(start, float), **given)


def translate(rule: str, settings: Mapping, source: str, target: str) -> dict:
    """Translate one library's settings of a rule into another's, so that both take the same walk.

    All settings are explicit because defaults differ. For Nesterov's rule gdlib keeps θ where the libraries keep the
    look-ahead point θ − ηβv: the walk is the same.

    Parameters
    ----------
    rule : str
        Name: "momentum", "nesterov", "adagrad", "rmsprop", "adam", "amsgrad", "adamw" or "lion".
    settings : dict
        Settings as the source names them, such as {"lr": 0.1, "betas": (0.9, 0.99)}; the others are its defaults.
    source, target : str
        Libraries: "torch", "optax", "keras" or "gdlib".

    Returns
    -------
    dict
        All settings, as the target names them.

    Raises
    ------
    ValueError
        The rule, a library or a setting is unknown, or there is no translation; the error says why.

    Examples
    --------
    >>> translate("rmsprop", {"lr": 0.01, "alpha": 0.9}, "torch", "optax")
    {'learning_rate': 0.01, 'decay': 0.9, 'eps': 1e-08, 'eps_in_sqrt': False}
    """
    values, there = _values(rule, settings, source), _dialect(rule, target)
    if rule == "adagrad" and values["inside"]:  # √(s + ε): s may start at ε instead
        if "inside" not in there.fixed:
            values |= {"first": values["first"] + values["eps"], "eps": 0.0, "inside": False}
    elif "inside" in there.fixed and values.get("eps") == 0:
        values["inside"] = True  # without ε both are the same
    here, to = [(d["form"], d["points"]) for d in (values, DEFAULTS | there.fixed)]
    if callable(values["lr"]) and here != to:
        raise ValueError(_NONE.format(rule, source, target) + "while the rate changes they are two walks, as what is "
                         "kept, v or ηv, meets the new rate in one and the old in the other: rescale it at each change")
    for key, why in _WHY.items():
        wanted = there.fixed.get(key, DEFAULTS[key])
        if key not in there.names and values[key] != wanted:
            raise ValueError(_NONE.format(rule, source, target) + why)
    return _named({name: values[ours] for ours, (name, _) in there.names.items()})


_NONE = "there is no translation of {} from {} to {}: "
_WHY = {
    "inside": "ε stands inside the root in one and outside in the other, and √s + ε is no √(s + ε'); only with ε = 0, "
              "or nearly where √s is far above √ε, are they one walk",
    "first": "the sum of squares begins at 0 there",
    "hat": "ε stands beside the uncorrected root in one and the corrected in the other, so that ε would have to change "
           "at each step, by √(1 − β₂ᵗ); nearly the same only where √v is far above ε",
    "top": "one keeps the largest corrected v, the other corrects the largest v",
    "weight_decay": "there is weight decay in one, and the other has none under this name",
}


def _values(rule, settings, library):
    """All arguments of the formula, by its own names."""
    dialect, given = _dialect(rule, library), dict(settings)
    if "betas" in given:
        given["betas[0]"], given["betas[1]"] = given.pop("betas")
    values = DEFAULTS | dialect.fixed
    for ours, (name, default) in dialect.names.items():
        values[ours] = given.pop(name, default)
        if values[ours] is REQUIRED:
            raise ValueError(f"settings must give {name}, as {dialect.call} has no default for it; got {settings}")
    if given:
        known = ", ".join(_named({name: 0 for name, _ in dialect.names.values()}))
        raise ValueError(f"settings of {dialect.call} must be among {known}; got {', '.join(given)}")
    return values


def _dialect(rule, library):
    if (rule, library) not in DIALECTS:
        libraries = {name: [lib for same, lib in DIALECTS if same == name] for name, _ in DIALECTS}
        known = "; ".join(f"{name} ({', '.join(libs)})" for name, libs in libraries.items())
        raise ValueError(f"rule and library must be among {known}; got {rule!r} in {library!r}")
    return DIALECTS[rule, library]


def _named(settings):
    """Join PyTorch's two betas in one pair."""
    if "betas[0]" not in settings:
        return settings
    pair = {"betas": (settings["betas[0]"], settings["betas[1]"])}
    return {k: v for name, value in settings.items()
            for k, v in (pair if name == "betas[0]" else {} if name == "betas[1]" else {name: value}).items()}
