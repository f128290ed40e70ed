"""Each dialect against the path that its library went, each translation against the path of where it came from."""
from itertools import product

import numpy as np
import pytest

import gdlib as gd
from gdlib.conventions import DIALECTS, translate, walk

RECORD = gd.data.recorded()
START, GRADIENTS, PATHS = RECORD["start"], RECORD["gradients"], RECORD["paths"]


def dropping(t):
    return RECORD["rate"] * (0.1 if t > RECORD["drop_at"] else 1.0)


LR, RATE, DROPS = {"lr": 0.05}, {"learning_rate": 0.05}, {"lr": dropping, "momentum": 0.9}
SETTINGS = {  # path -> rule, settings, library
    "torch: SGD momentum=0.9": ("momentum", LR | {"momentum": 0.9}, "torch"),
    "optax: sgd momentum=0.9": ("momentum", RATE | {"momentum": 0.9}, "optax"),
    "keras: SGD momentum=0.9": ("momentum", RATE | {"momentum": 0.9}, "keras"),
    "torch: SGD momentum=0.9, rate drops": ("momentum", DROPS, "torch"),
    "keras: SGD momentum=0.9, rate drops": ("momentum", {"learning_rate": dropping, "momentum": 0.9}, "keras"),
    "torch: SGD momentum=0.9, nesterov": ("nesterov", LR | {"momentum": 0.9}, "torch"),
    "optax: sgd momentum=0.9, nesterov": ("nesterov", RATE | {"momentum": 0.9}, "optax"),
    "keras: SGD momentum=0.9, nesterov": ("nesterov", RATE | {"momentum": 0.9}, "keras"),
    "torch: Adagrad": ("adagrad", LR, "torch"),
    "optax: adagrad": ("adagrad", RATE, "optax"),
    "keras: Adagrad": ("adagrad", RATE, "keras"),
    "torch: RMSprop alpha=0.9": ("rmsprop", LR | {"alpha": 0.9}, "torch"),
    "optax: rmsprop decay=0.9": ("rmsprop", RATE, "optax"),
    "keras: RMSprop rho=0.9": ("rmsprop", RATE, "keras"),
    "torch: Adam": ("adam", LR, "torch"),
    "torch: Adam eps=1e-3": ("adam", LR | {"eps": 1e-3}, "torch"),
    "torch: Adam weight_decay=0.1": ("adam", LR | {"weight_decay": 0.1}, "torch"),
    "optax: adam": ("adam", RATE, "optax"),
    "optax: adam eps=1e-3": ("adam", RATE | {"eps": 1e-3}, "optax"),
    "keras: Adam epsilon=1e-3": ("adam", RATE | {"epsilon": 1e-3}, "keras"),
    "torch: Adam amsgrad": ("amsgrad", LR, "torch"),
    "optax: amsgrad": ("amsgrad", RATE, "optax"),
    "torch: AdamW weight_decay=0.1": ("adamw", LR | {"weight_decay": 0.1}, "torch"),
    "optax: adamw weight_decay=0.1": ("adamw", RATE | {"weight_decay": 0.1}, "optax"),
    "keras: AdamW weight_decay=0.1": ("adamw", RATE | {"weight_decay": 0.1}, "keras"),
    "optax: lion weight_decay=0.1": ("lion", RATE | {"weight_decay": 0.1}, "optax"),
    "keras: Lion weight_decay=0": ("lion", RATE, "keras"),
}


def close(ours, theirs):
    np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=1e-11)


def test_every_recorded_path_of_a_vector_is_covered():
    assert set(PATHS) - set(SETTINGS) == {"torch: SGD", *(name for name in PATHS if "uon" in name)}


@pytest.mark.parametrize("path", SETTINGS)
def test_a_librarys_formula_with_its_settings_is_its_path(path):
    rule, settings, library = SETTINGS[path]
    close(walk(rule, settings, library, GRADIENTS, START), PATHS[path])


@pytest.mark.parametrize(("path", "target"), [
    (path, target) for path, (rule, _, _) in SETTINGS.items() for same, target in DIALECTS if same == rule
])
def test_a_translation_is_the_same_walk_or_says_in_a_sentence_that_there_is_none(path, target):
    rule, settings, source = SETTINGS[path]
    try:
        translated = translate(rule, settings, source, target)
    except ValueError as refusal:
        assert str(refusal).startswith(f"there is no translation of {rule} from {source} to {target}: ")
        assert source != target
        here, there = DIALECTS[rule, source].names, DIALECTS[rule, target].names
        same_values = {there[k][0]: settings[name] for k, (name, _) in here.items() if name in settings and k in there}
        assert np.abs(walk(rule, same_values, target, GRADIENTS, START) - PATHS[path]).max() > 1e-12
        return
    if (rule, target) == ("nesterov", "gdlib"):  # one velocity behind
        opt, steps = gd.nesterov(**translated), ((lambda theta, g=g: g) for g in GRADIENTS)
        ahead = [theta - translated["lr"] * translated["beta"] * v for _, theta, v in gd.iterate(opt, START, steps)]
        close(ahead, PATHS[path])
    else:
        close(walk(rule, translated, target, GRADIENTS, START), PATHS[path])


@pytest.mark.parametrize(("rule", "source", "target", "possible"), [
    ("momentum", "torch", "keras", True), ("adagrad", "optax", "torch", True), ("adagrad", "torch", "optax", False),
    ("adagrad", "keras", "optax", True), ("adagrad", "optax", "gdlib", False), ("rmsprop", "torch", "optax", True),
    ("rmsprop", "torch", "keras", False), ("rmsprop", "keras", "optax", True), ("adam", "torch", "optax", True),
    ("adam", "torch", "keras", False), ("adamw", "optax", "torch", True), ("adamw", "keras", "torch", False),
    ("amsgrad", "torch", "optax", False), ("amsgrad", "torch", "gdlib", True), ("lion", "optax", "gdlib", True),
])
def test_what_can_be_translated(rule, source, target, possible):
    settings = {DIALECTS[rule, source].names["lr"][0]: 0.05}
    try:
        translate(rule, settings, source, target)
    except ValueError:
        assert not possible
    else:
        assert possible


@pytest.mark.parametrize("key", [key for key in DIALECTS if key[1] == "gdlib" and key[0] != "momentum"])
def test_gdlibs_dialect_is_gdlib(key):
    rule, settings = key[0], {"lr": 0.05}
    steps = ((lambda theta, g=g: g) for g in GRADIENTS)
    own = np.array([theta for _, theta, _ in gd.iterate(getattr(gd, rule)(**settings), START, steps)])
    close(walk(rule, settings, "gdlib", GRADIENTS, START), own)


def test_there_and_back_again():
    for (rule, a), (same, b) in product(DIALECTS, DIALECTS):
        settings = {DIALECTS[rule, a].names["lr"][0]: 0.05}
        if rule == same:
            try:
                there = translate(rule, settings, a, b)
                back = translate(rule, there, b, a)
            except ValueError:
                continue
            close(walk(rule, back, a, GRADIENTS, START), walk(rule, settings, a, GRADIENTS, START))


@pytest.mark.parametrize(("arguments", "sentence"), [
    (("adam", {}, "optax", "torch"), "settings must give learning_rate, as optax.adam has no default for it; got {}"),
    (("adam", {"lr": 0.1, "beta": 1}, "torch", "optax"), "settings of .* must be among lr, betas, eps, .*; got beta"),
    (("sgd", {}, "torch", "optax"), r"rule and library must be among momentum \(gdlib, .*; got 'sgd' in 'torch'"),
    (("lion", {"learning_rate": 1.0}, "optax", "keras"), "there is weight decay in one, and the other has none"),
    (("momentum", DROPS, "torch", "keras"), "while the rate changes they are two walks"),
])
def test_what_is_refused(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        translate(*arguments)


def test_a_setting_that_gdlibs_rule_refuses_is_refused():
    with pytest.raises(ValueError, match="eps must be a finite number above 0; got 0"):
        walk("adam", LR | {"eps": 0.0}, "torch", GRADIENTS, START)
    with pytest.raises(ValueError, match="weight_decay must be 0 for AMSGrad, or L2; got 0.1. Give decoupled=False."):
        gd.conventions.adam(GRADIENTS, START, 0.05, weight_decay=0.1, top="raw")
