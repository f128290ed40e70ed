"""Project: something of the learner's own, looked at point by point."""
from __future__ import annotations

import contextlib
import io
import warnings

import numpy as np

from gdlib.lessons.kit.diagnosis import kind, line_of, unfinished
from gdlib.lessons.kit.exercise import Diagnosis, Task
from gdlib.lessons.kit.limit import TookTooLong, time_limit

SECONDS = 60  # so long a point may take


class Project(Task):
    """A function that the learner builds freely: it must keep a list of points, whatever its lines are.

    Parameters
    ----------
    solution : function
        One way to do it. It uses nothing but its parameters, `np` and `gd`. Its name is the project's name.
    points : list of (str, function)
        What is asked for, in words; and a function of the learner's function that returns "" where it is so, otherwise
        a sentence that says what was found. Each is looked at once those before it are kept.
    hints : list of str
        From a nudge to nearly the answer.
    success : str, optional
        A sentence for those who are done.
    """

    def __init__(self, solution, *, points, hints, success=""):
        super().__init__(solution, hints)
        self.points, self.success = points, success

    def diagnose(self, fn):
        """Find out what `check` shows.

        Parameters
        ----------
        fn : function
            The learner's.

        Returns
        -------
        Diagnosis
            With one line for each point that is kept, and one for the first that is not.
        """
        if not callable(fn):
            return Diagnosis(False, True, f"{self.name}: I expected your function and got {kind(fn)}. "
                                          f"Give the check the function's name, without a call: `check({self.name})`.")
        kept = []
        for what, look in self.points:
            trouble = _looked(look, fn)
            if trouble and not kept and unfinished(fn):
                return Diagnosis(False, False, f"{self.name}: not attempted yet. "
                                               f"`ex.{self.name}.hint()` gives a first hint.")
            if trouble:
                head = f"{self.name}: {len(kept)} of {len(self.points)} points are kept"
                return Diagnosis(False, True, "\n".join([head, *kept, f"➜ {what}: {trouble}"]))
            kept.append(f"✓ {what}")
        return Diagnosis(True, True, "\n".join([f"{self.name}: ✓ all points are kept. {self.success}".strip(), *kept]))


def _looked(look, fn):
    """What a point's function says; what the learner's function raises is said as well."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            with time_limit(SECONDS):
                return look(fn)
    except TookTooLong:
        return f"your code had not ended after {SECONDS} s. Is there a loop whose end is never reached?"
    except Exception as error:
        return f"your code raised {type(error).__name__}: {error}{line_of(fn, error)}."
