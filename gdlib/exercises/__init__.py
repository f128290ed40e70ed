"""Exercises with instant feedback, and predictions: one module a lesson.

>>> from gdlib.exercises import gradients as ex                # doctest: +SKIP
>>> ex.central_difference.check(central_difference)            # doctest: +SKIP
"""
from gdlib.exercises.base import Diagnosis, Exercise, Prediction

__all__ = ["Diagnosis", "Exercise", "Prediction"]
