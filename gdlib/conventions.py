"""What PyTorch, optax and Keras compute under one name, and how a setting of one is written in another.

`FORMULAS` are the rules with their dialects as arguments; `walk` runs them as a library does, `translate` rewrites.
"""
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

# --- the formulas: gradients g₁, g₂, … and a start -> all points ------------------------------------------------------


def momentum(gradients, theta, rates, mu=0.9, form="sum", points="plain"):
    """Momentum, with a rate for each step.

    - form "sum":          v ← μv + g,           θ ← θ − ηv
    - form "rate inside":  v ← μv + ηg,          θ ← θ − v
    - form "average":      v ← μv + (1 − μ)g,    θ ← θ − ηv
    - points "look-ahead": θ moves by the *next* velocity, μv + g in place of v: Nesterov as libraries write it
    - points "textbook":   the same walk, told by the points θ + ημv that lie one velocity behind
    """
    path, v = [theta], np.zeros_like(theta)
    for g, eta in zip(gradients, rates, strict=True):
        g = {"sum": g, "rate inside": eta * g, "average": (1 - mu) * g}[form]
        eta = 1.0 if form == "rate inside" else eta
        v = mu * v + g
        theta = theta - eta * (v if points == "plain" else mu * v + g)
        path.append(theta + eta * mu * v if points == "textbook" else theta)
    return np.array(path)


def adagrad(gradients, theta, lr, eps, first=0.0, inside=False):
    """AdaGrad:  s ← s + g²  from s = first;  θ ← θ − η g/(√s + ε),  or with ε inside the root, g/√(s + ε)."""
    path, s = [theta], np.full_like(theta, first)
    for g in gradients:
        s = s + g * g
        theta = theta - lr * g / (np.sqrt(s + eps) if inside else np.sqrt(s) + eps)
        path.append(theta)
    return np.array(path)


def rmsprop(gradients, theta, lr, rho, eps, inside=False):
    """RMSprop:  s ← ρs + (1 − ρ)g²;  θ ← θ − η g/(√s + ε),  or with ε inside the root, g/√(s + ε)."""
    path, s = [theta], np.zeros_like(theta)
    for g in gradients:
        s = rho * s + (1 - rho) * g * g
        theta = theta - lr * g / (np.sqrt(s + eps) if inside else np.sqrt(s) + eps)
        path.append(theta)
    return np.array(path)


def adam(gradients, theta, lr, beta1=0.9, beta2=0.999, eps=1e-8, hat=False, weight_decay=0.0, decoupled=True, top=None):
    """Adam, η m̂/(√v̂ + ε); with hat, "epsilon hat": ε beside the uncorrected root, η m̂ √(1 − β₂ᵗ)/(√v + ε).

    weight_decay is decoupled, θ(1 − ηw), or else L2: wθ is added to the gradient. top, for AMSGrad: v's largest value
    so far is kept, "corrected" before they are compared, or "raw" and corrected when used.
    """
    path, m, v, u = [theta], np.zeros_like(theta), np.zeros_like(theta), np.zeros_like(theta)
    for t, g in enumerate(gradients, start=1):
        g = g if decoupled else g + weight_decay * theta
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
        c = 1 - beta2**t
        u = np.maximum(u, v / c if top == "corrected" else v)
        root = np.sqrt({None: v / c, "corrected": u, "raw": u / c}[top])
        step = lr * m / (1 - beta1**t) / (root + (eps / np.sqrt(c) if hat else eps))
        theta = theta * (1 - lr * weight_decay if decoupled else 1) - step
        path.append(theta)
    return np.array(path)


def lion(gradients, theta, lr, beta1=0.9, beta2=0.99, weight_decay=0.0):
    """Lion:  θ ← θ(1 − ηw) − η sign(β₁m + (1 − β₁)g);  then m ← β₂m + (1 − β₂)g."""
    path, m = [theta], np.zeros_like(theta)
    for g in gradients:
        theta = theta - lr * (np.sign(beta1 * m + (1 - beta1) * g) + weight_decay * theta)
        m = beta2 * m + (1 - beta2) * g
        path.append(theta)
    return np.array(path)


# --- the dialects -----------------------------------------------------------------------------------------------------


class Dialect(NamedTuple):
    """How one library writes one rule: what it is called, its parameters with their defaults, what is particular."""

    call: str
    names: dict  # our name -> (the library's name, its default; REQUIRED where it has none)
    formula: Callable
    fixed: dict = {}  # arguments of the formula that the library gives no choice of


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
    """The points (steps + 1, d) through which a library's rule goes on given gradients (steps, d) from start (d,).

    Parameters
    ----------
    rule : "momentum", "nesterov", "adagrad", "rmsprop", "adam", "amsgrad", "adamw" or "lion"
    settings : as the library names them, such as {"lr": 0.1, "betas": (0.9, 0.99)}; the rest are its defaults. For
        momentum the rate may be a schedule t -> η
    library : "torch", "optax", "keras" or "gdlib"
    gradients, start : numbers
    """
    values, formula = _said(rule, settings, library), _dialect(rule, library).formula
    if formula is momentum:
        lr = values.pop("lr")
        values["rates"] = [lr(t) if callable(lr) else lr for t in range(1, len(gradients) + 1)]
    allowed = formula.__code__.co_varnames[: formula.__code__.co_argcount]
    return formula(gradients, np.asarray(start, float), **{k: v for k, v in values.items() if k in allowed})


def translate(rule: str, settings: Mapping, source: str, target: str) -> dict:
    """The settings with which `target` takes the very same walk as `source` does with `settings`.

    Everything is said in the answer, as defaults differ too. Nesterov's points in gdlib lie one velocity behind those
    of the libraries: the walk is the same, θ − ηβv of one is θ of the other.

    Parameters
    ----------
    rule : "momentum", "nesterov", "adagrad", "rmsprop", "adam", "amsgrad", "adamw" or "lion"
    settings : as the source names them, such as {"lr": 0.1, "betas": (0.9, 0.99)}; the rest are its defaults
    source, target : "torch", "optax", "keras" or "gdlib"

    Raises
    ------
    ValueError : no such rule, library or setting; or there is no translation, and why

    Examples
    --------
    >>> translate("rmsprop", {"lr": 0.01, "alpha": 0.9}, "torch", "optax")
    {'learning_rate': 0.01, 'decay': 0.9, 'eps': 1e-08, 'eps_in_sqrt': False}
    """
    values, there = _said(rule, settings, source), _dialect(rule, target)
    if rule == "adagrad" and values["inside"]:  # √(s + ε): ε may as well be there from the start
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
    "first": "the sum of squares cannot be told to begin above 0 there",
    "hat": "ε stands beside the uncorrected root in one and the corrected in the other, so that ε would have to change "
           "at each step, by √(1 − β₂ᵗ); nearly the same only where √v is far above ε",
    "top": "one keeps the largest corrected v, the other corrects the largest v",
    "weight_decay": "there is weight decay in one, and the other has none under this name",
}


def _said(rule, settings, library):
    """All arguments of the formula, by our names."""
    dialect, given = _dialect(rule, library), dict(settings)
    if "betas" in given:
        given["betas[0]"], given["betas[1]"] = given.pop("betas")
    values = DEFAULTS | dialect.fixed
    for ours, (name, default) in dialect.names.items():
        values[ours] = given.pop(name, default)
        if values[ours] is REQUIRED:
            raise ValueError(f"{dialect.call} has no default for {name}: say it")
    if given:
        known = ", ".join(_named({name: 0 for name, _ in dialect.names.values()}))
        raise ValueError(f"{dialect.call} has no {', '.join(given)} here; it has {known}")
    return values


def _dialect(rule, library):
    if (rule, library) not in DIALECTS:
        raise ValueError(f"nothing is recorded of {rule!r} in {library!r}; there are "
                         + "; ".join(f"{r} ({', '.join(lib for q, lib in DIALECTS if q == r)})"
                                     for r in dict.fromkeys(r for r, _ in DIALECTS)))
    return DIALECTS[rule, library]


def _named(settings):
    """With PyTorch's two betas as one pair."""
    if "betas[0]" not in settings:
        return settings
    pair = {"betas": (settings["betas[0]"], settings["betas[1]"])}
    return {k: v for name, value in settings.items()
            for k, v in (pair if name == "betas[0]" else {} if name == "betas[1]" else {name: value}).items()}
