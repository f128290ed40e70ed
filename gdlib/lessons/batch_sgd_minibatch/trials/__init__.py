"""Lesson 02: the claims on batches, on trial."""
from gdlib.lessons.batch_sgd_minibatch.trials import floor

__all__ = ["floor"]
