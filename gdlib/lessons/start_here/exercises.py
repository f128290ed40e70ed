"""Lesson 00: one warm-up exercise and one prediction, to try how they work."""
from __future__ import annotations

import numpy as np

from gdlib.lessons.kit.exercise import Exercise
from gdlib.lessons.kit.prediction import Prediction


def slope_of_line(x1, y1, x2, y2):
    """The slope of the line through (x1, y1) and (x2, y2)."""
    return (y2 - y1) / (x2 - x1)


def _inputs(rng):
    yield 1.0, 2.0, 3.0, 8.0
    yield 0.0, 4.0, 2.0, 0.0                                   # downhill
    yield 0.0, 1.0, 5.0, 1.0                                   # flat
    yield 3.0, 8.0, 1.0, 2.0                                   # from right to left
    for _ in range(5):
        yield tuple(float(v) for v in rng.normal(size=4))


slope_of_line = Exercise(
    slope_of_line, inputs=_inputs,
    mistakes=[
        (lambda x1, y1, x2, y2: (x2 - x1) / (y2 - y1),
         "that is x gained for each y. A slope is the rise (y) divided by the run (x)."),
        (lambda x1, y1, x2, y2: (y1 - y2) / (x2 - x1),
         "the sign is reversed. Take both differences in the same order, second point minus first."),
        (lambda x1, y1, x2, y2: y2 - y1,
         "that is the rise. Divide it by the run, x2 - x1."),
        (lambda x1, y1, x2, y2: abs((y2 - y1) / (x2 - x1)),
         "the line falls there, so its slope is negative. Leave the sign on."),
        (lambda x1, y1, x2, y2: y2 - y1 / x2 - x1,
         "Python divides before it subtracts. Put brackets around each difference."),
        (lambda x1, y1, x2, y2: y2 / x2,
         "that is the slope from the origin to the second point. The first point is missing: take differences."),
        (lambda x1, y1, x2, y2: y1 / x1,
         "that is the slope from the origin to the first point. The second point is missing: take differences."),
        (lambda x1, y1, x2, y2: (y2 - y1) * (x2 - x1),
         "rise and run were multiplied. Divide the rise by the run."),
        (lambda x1, y1, x2, y2: (y2 + y1) / (x2 + x1),
         "the coordinates were added. A slope needs their differences."),
        (lambda x1, y1, x2, y2: (y2 - y1) // (x2 - x1),
         "`//` rounds down to a whole number. Use `/`."),
        (lambda x1, y1, x2, y2: np.arctan2(y2 - y1, x2 - x1),
         "that is the angle of the line. Its slope is the rise divided by the run."),
        (lambda x1, y1, x2, y2: np.arctan((y2 - y1) / (x2 - x1)),
         "that is the angle of the line. Its slope is the rise divided by the run."),
        (lambda x1, y1, x2, y2: np.hypot(x2 - x1, y2 - y1),
         "that is the distance between the points. The slope is the rise divided by the run."),
    ],
    hints=["How much does y grow from the first point to the second? And x?",
           "The slope is the first of these divided by the second. Mind the brackets: `(a - b) / (c - d)`."],
    success="The sign says uphill or downhill, the size how steep: all that the hiker's stick can feel.")


first_step = Prediction(
    "first_step",
    "From the same place, the hiker takes one step twice as long. How much height is lost, compared with before?",
    at_least={
        "exactly twice as much": 1.99,
        "less than twice as much": 0,
        "more than twice as much": 2.01,
        "none: the hiker ends higher than before the step": -np.inf,
    },
    why="The slope was felt at one place only. On a straight hillside twice the step would lose exactly twice the "
        "height; where the ground bends up toward a valley it loses less, and in the end the step climbs the other "
        "side; where it bends down, on a hilltop, it loses more.",
    replies={
        "exactly twice as much": "It would be so on a straight hillside. This one becomes less steep on the way down.",
        "more than twice as much": "It would be so where the ground becomes steeper on the way. Here it flattens out, "
                                   "toward a valley.",
        "none: the hiker ends higher than before the step": "That happens, if the step is so long that it climbs the "
                                                            "other side. Here the double step does not go so far.",
    })
