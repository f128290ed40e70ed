"""Explorers: sliders, a picture that follows them, and a sentence that says what is seen.

`explorers.hiker()` opens one in a good state; `explorers.hiker(surface="ravine", lr=0.05)` in a state of your own.
"""
from importlib import import_module

# An explorer's module is loaded when it is first named.
_LESSONS = {"fog": "start_here", "hiker": "gradients", "noise_ball": "batches", "rate": "rates", "schedule": "rates",
            "fate_map": "momentum", "scrub": "momentum",
            "escape": "saddles", "race": "adaptive", "anatomy": "adaptive", "stale": "distributed"}

__all__ = ["fog", "hiker", "noise_ball", "rate", "schedule", "fate_map", "scrub", "escape", "race", "anatomy", "stale"]


def __getattr__(name):
    if name in _LESSONS:
        return getattr(import_module(f"gdlib.explorers.{_LESSONS[name]}"), name)
    raise AttributeError(f"there is no explorer {name!r}; there are {', '.join(__all__)}")


def __dir__():
    return __all__
