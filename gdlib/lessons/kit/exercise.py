"""Exercise: it calls the learner's function and says what it sees."""
from __future__ import annotations

import contextlib
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gdlib.lessons.kit.diagnosis import COMPARED, Case, Outcome, describe, example, kind, unfinished
from gdlib.lessons.kit.limit import TookTooLong, time_limit
from gdlib.lessons.kit.notes import note

SECONDS = 20  # so long a check waits for the learner's function, on all inputs together


class Lambda:
    """A function that prints as its source, so that a call in a diagnosis can be pasted into a cell.

    Parameters
    ----------
    source : str
        The lambda expression; it may use `np`.

    Examples
    --------
    >>> Lambda("lambda x: x**2")
    lambda x: x**2
    """

    def __init__(self, source):
        self.source, self.function = source, eval(source, {"np": np})

    def __call__(self, *args):
        return self.function(*args)

    def __repr__(self):
        return self.source


@dataclass(frozen=True)
class Diagnosis:
    """What a check found.

    Parameters
    ----------
    passed : bool
        The function agrees with the solution on every input.
    attempted : bool
        No gap of the exercise is left open.
    text : str
        What the learner is told.
    mistake : function or None
        The known wrong function that the learner's agrees with.
    """

    passed: bool
    attempted: bool
    text: str
    mistake: Callable | None = None


class Task:
    """What a learner has to write: with a check, hints and a solution. `diagnose` says what the check shows.

    Parameters
    ----------
    solution : function
        Its name is the task's name.
    hints : list of str
        From a nudge to nearly the answer.
    """

    def __init__(self, solution, hints):
        self.name, self.solution_function = solution.__name__, solution
        self.hints, self.hints_given = hints, 0

    def __repr__(self):
        return f"<exercise {self.name}: .check({self.name}), .hint(), .solution()>"

    @property
    def solution_source(self):
        """The solution as text that runs in a cell where `np` is imported."""
        return textwrap.dedent(inspect.getsource(self.solution_function)).strip()

    def check(self, fn):
        """Show what `diagnose` finds.

        Parameters
        ----------
        fn : function
            The learner's.
        """
        found = self.diagnose(fn)
        note("passed" if found.passed else "look" if found.attempted else "todo", found.text.splitlines())

    def use(self, fn):
        """The learner's function if it passes the check, otherwise the solution, which is then said.

        Parameters
        ----------
        fn : function
            The learner's.

        Returns
        -------
        function
            The one that the lesson goes on with.
        """
        if self.diagnose(fn).passed:
            return fn
        note("todo", [f"{self.name}: the check does not pass yet, so the lesson goes on with its own version. "
                      "Run this cell again once yours passes."])
        return self.solution_function

    def hint(self):
        """Show the next hint."""
        n, where = self.hints_given, f"`ex.{self.name}.solution()` shows one way to write it."
        if n == len(self.hints):
            note("hint", [f"{self.name}: that was the last hint. {where}"])
            return
        self.hints_given = n + 1
        lines = [f"{self.name}, hint {n + 1} of {len(self.hints)}: {self.hints[n]}"]
        note("hint", lines + ([where] if self.hints_given == len(self.hints) else []))

    def solution(self):
        """Show the code that the check itself is tested with."""
        note("code", [f"{self.name}: one way to write it", self.solution_source])


class Exercise(Task):
    """A function for the learner to write, with a check, hints and a solution.

    Parameters
    ----------
    solution : function
        It uses nothing but its parameters and `np`. Its name is the exercise's name.
    inputs : function
        rng -> an iterable of tuples of arguments, random and edge cases, the simplest first.
    mistakes : list of (function, str)
        Known wrong versions, each with its own sentence. It is shown only if the learner's function agrees with the
        wrong version on every input. The exercise puts "for {call} I expected {expected} and got {got}: " before it,
        unless the sentence says {call} itself. {call}, {expected} and {got} describe one input where the two differ;
        its arguments go by their names, as in {y.size}.
    hints : list of str
        From a nudge to nearly the answer.
    returns : tuple of str, optional
        The names of the results, where the solution returns a tuple.
    success : str, optional
        A sentence for those who have solved it.
    """

    def __init__(self, solution, *, inputs, mistakes, hints, returns=(), success=""):
        super().__init__(solution, hints)
        self.parameters = tuple(inspect.signature(solution).parameters)
        self.inputs, self.mistakes = inputs, mistakes
        self.returns, self.success = returns, success

    def diagnose(self, fn):
        """Find out what `check` shows.

        Parameters
        ----------
        fn : function
            The learner's.

        Returns
        -------
        Diagnosis
            With the text that `check` shows.
        """
        def found(text, passed=False, attempted=True, mistake=None):
            return Diagnosis(passed, attempted, f"{self.name}: {text}", mistake)

        calls = list(self.inputs(np.random.default_rng(0)))
        if text := self._not_callable(fn, calls[0]):
            return found(text)
        got, expected = [], self._outcomes(self.solution_function, calls)
        try:
            with time_limit(SECONDS):
                for args in calls:
                    got.append(Outcome(fn, args, len(self.returns)))
        except TookTooLong:
            if unfinished(fn):
                return found(self._untouched(), attempted=False)
            case = Case(self, calls[len(got)], None, None)
            return found(f"your function had not ended after {SECONDS} s. Is there a loop whose end is never reached? "
                         f"The call was {case.call}.")
        if _agree(got, expected):
            return found(f"✓ as expected on all {len(calls)} inputs. {self.success}".strip(), passed=True)
        if unfinished(fn) or any(g.value is Ellipsis for g in got):
            return found(self._untouched(), attempted=False)
        cases = [Case(self, *case) for case in zip(calls, got, expected, strict=True)]
        for wrong, sentence in self.mistakes:
            if _agree(got, self._outcomes(wrong, calls)):
                case = example(cases)
                told = sentence if "{call}" in sentence else f"{COMPARED}: {sentence}"
                return found(told.format(**case.as_text(), **case.arguments), mistake=wrong)
        again = self._outcomes(fn, calls)
        if any(g.parts is not None and not g.agrees(a) for g, a in zip(got, again, strict=True)):
            return found("called twice with the same arguments, your function gives different results. If it draws "
                         "random numbers, start them from a seed that it is given: np.random.default_rng(seed).")
        return found(describe(fn, cases))

    def _untouched(self):
        return f"not attempted yet. `ex.{self.name}.hint()` gives a first hint."

    def _outcomes(self, fn, calls):
        return [Outcome(fn, args, len(self.returns)) for args in calls]

    def _not_callable(self, fn, args):
        if not callable(fn):
            return (f"I expected your function and got {kind(fn)}. "
                    f"Give the check the function's name, without a call: `check({self.name})`.")
        with contextlib.suppress(ValueError):                 # some builtins have no signature
            parameters = inspect.signature(fn)
            try:
                parameters.bind(*args)
            except TypeError:
                return (f"your function takes {parameters}, and I call it with ({', '.join(self.parameters)}). "
                        "Keep the first line as it was given.")
        return ""


def _agree(these, those, rtol=1e-6):
    return all(a.agrees(b, rtol) for a, b in zip(these, those, strict=True))
