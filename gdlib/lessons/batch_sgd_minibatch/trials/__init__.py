"""Lesson 02: the claims on batches, on trial."""
from gdlib.lessons.batch_sgd_minibatch.trials import (
    escape,
    floor,
    machine,
    memory,
    noise,
    race,
    races,
    remedies,
    unseen,
)

__all__ = ["escape", "floor", "machine", "memory", "noise", "race", "races", "remedies", "unseen"]
