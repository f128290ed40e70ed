"""Exercise: calls the learner's function and says what it sees. Prediction: a guess before, the measurement after."""
from __future__ import annotations

import contextlib
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gdlib.exercises.diagnosis import Case, Outcome, describe, example, kind, show_any, unfinished
from gdlib.notes import as_html, in_ipython, note


class Lambda:
    """A function that prints as its source, so that a call in a diagnosis can be pasted into a cell.

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
    """What a check found; `mistake` is the known wrong function that the learner's agrees with, if there is one."""

    passed: bool
    attempted: bool
    text: str
    mistake: Callable | None = None


class Exercise:
    """A function for the learner to write: check, hint, solution.

    Parameters
    ----------
    solution : function
        Self-contained apart from `np`; its name is the exercise's name.
    inputs : function
        rng -> tuples of arguments, random and edge ones, the simplest first.
    mistakes : list of (function, str)
        Known wrong versions, each with its own sentence. A sentence is given only when the learner's function agrees
        with the wrong version on every input; {call}, {got} and {expected} in it stand for one input where they differ,
        and the arguments go by their names, as in {y.size}.
    hints : list of str
        From a nudge to nearly the answer.
    returns : tuple of str
        Names of the results, where the solution returns a tuple.
    success : str
        A sentence for the one who has solved it.
    nearly : str
        What to say in its place of a function that passes, but differs by more than rounding.
    """

    def __init__(self, solution, *, inputs, mistakes, hints, returns=(), success="", nearly=""):
        self.name = solution.__name__
        self.parameters = tuple(inspect.signature(solution).parameters)
        self.solution_function = solution
        self.inputs, self.mistakes, self.hints = inputs, mistakes, hints
        self.returns, self.success, self.nearly = returns, success, nearly
        self.hints_given = 0

    def __repr__(self):
        return f"<exercise {self.name}: .check({self.name}), .hint(), .solution()>"

    @property
    def solution_source(self):
        """The solution as text that runs in a cell where `np` is imported."""
        return textwrap.dedent(inspect.getsource(self.solution_function)).strip()

    def check(self, fn):
        """Run `fn` on many inputs and say what came of it."""
        found = self.diagnose(fn)
        note("passed" if found.passed else "look" if found.attempted else "todo", [found.text])

    def use(self, fn):
        """The function to go on with: the learner's once it passes the check, the solution until then."""
        return fn if self.diagnose(fn).passed else self.solution_function

    def hint(self):
        """Give one hint more each time."""
        n, where = self.hints_given, f"`ex.{self.name}.solution()` shows one way to write it."
        if n == len(self.hints):
            note("hint", [f"{self.name}: that was the last hint. {where}"])
            return
        self.hints_given = n + 1
        lines = [f"{self.name}, hint {n + 1} of {len(self.hints)}: {self.hints[n]}"]
        note("hint", lines + ([where] if self.hints_given == len(self.hints) else []))

    def solution(self):
        """Show the code that the check itself is tested against."""
        note("code", [f"{self.name}: one way to write it", self.solution_source])

    def diagnose(self, fn):
        """What `check` shows, as a Diagnosis."""
        def found(text, passed=False, attempted=True, mistake=None):
            return Diagnosis(passed, attempted, f"{self.name}: {text}", mistake)

        calls = list(self.inputs(np.random.default_rng(0)))
        if text := self._not_callable(fn, calls[0]):
            return found(text)
        got, expected = self._outcomes(fn, calls), self._outcomes(self.solution_function, calls)
        if _agree(got, expected):
            last = self.success if not self.nearly or _agree(got, expected, rtol=1e-10) else self.nearly
            return found(f"✓ as expected on all {len(calls)} inputs. {last}".strip(), passed=True)
        if unfinished(fn) or any(g.value is Ellipsis for g in got):
            return found(f"not attempted yet. `ex.{self.name}.hint()` gives a first hint.", attempted=False)
        cases = [Case(self, *case) for case in zip(calls, got, expected, strict=True)]
        for wrong, sentence in self.mistakes:
            if _agree(got, self._outcomes(wrong, calls)):
                case = example(cases)
                return found(sentence.format(**case.as_text(), **case.arguments), mistake=wrong)
        again = self._outcomes(fn, calls)
        if any(g.parts is not None and not g.agrees(a) for g, a in zip(got, again, strict=True)):
            return found("called twice with the same arguments, your function gives different results. If it draws "
                         "random numbers, let a seed that it is given start them: np.random.default_rng(seed).")
        return found(describe(fn, cases))

    def _outcomes(self, fn, calls):
        return [Outcome(fn, args, len(self.returns)) for args in calls]

    def _not_callable(self, fn, args):
        if not callable(fn):
            return (f"I expected your function and got {kind(fn)}. "
                    f"Give the check the function's name, without a call: `check({self.name})`.")
        with contextlib.suppress(ValueError):                 # some builtins tell nothing about their parameters
            parameters = inspect.signature(fn)
            try:
                parameters.bind(*args)
            except TypeError:
                return (f"your function takes {parameters}, and I call it with ({', '.join(self.parameters)}). "
                        "Keep the first line as it was given.")
        return ""


def _agree(these, those, rtol=1e-6):
    return all(a.agrees(b, rtol) for a, b in zip(these, those, strict=True))


class Prediction:
    """A question before an experiment; its answer is what the experiment measures.

    Parameters
    ----------
    name, question : str
    choices : dict
        Text of a choice -> predicate of the measured value; for any measurement exactly one is true.
    why : str
        The reason, shown after the measurement.
    """

    def __init__(self, name, question, choices, why):
        self.name, self.question, self.choices, self.why = name, question, dict(choices), why
        self.chosen = None
        self._widgets = ()

    def predict(self, number=None):
        """Ask; or, where there are no widgets, take the choice by its number: `predict(2)`."""
        texts = list(self.choices)
        if number is not None:
            if isinstance(number, bool) or number not in range(1, len(texts) + 1):
                raise ValueError(f"{self.name}.predict got {number!r}; expected the number of a choice, "
                                 f"1 to {len(texts)}.")
            self.chosen = int(number) - 1
            note("question", [self.question, f"Noted: {texts[self.chosen]}"])
            return
        lines = [self.question, *(f"{i}. {text}" for i, text in enumerate(texts, start=1)),
                 f"(Without buttons here, choose by number: `ex.{self.name}.predict(2)`.)"]
        note("question", lines, widget_view=self._buttons(texts) if in_ipython() else None)

    def reveal(self, measured, shown=""):
        """Put what was measured beside what was predicted; folded, where nothing was."""
        true = [text for text, holds in self.choices.items() if holds(measured)]
        if len(true) != 1:
            raise ValueError(f"{self.name}.reveal got {measured!r}, which fits {len(true)} of the choices ({true}); "
                             "expected a value that fits exactly one: check the experiment above.")
        said, folded = "You made no prediction.", "Open to see what was measured."
        if self.chosen is not None:
            choice = list(self.choices)[self.chosen]
            said, folded = f"You said: {choice}{' ✓' if choice == true[0] else ''}", ""
        note("question", [said, f"Measured: {shown or show_any(measured)} → {true[0]}", self.why], folded=folded)

    def _buttons(self, texts):
        """Radio buttons as display data; None where ipywidgets is missing."""
        try:
            import ipywidgets
        except ImportError:
            return None
        for old in self._widgets:
            old.close()
        wide = ipywidgets.Layout(width="auto")
        buttons = ipywidgets.RadioButtons(options=[(text, i) for i, text in enumerate(texts)], value=self.chosen,
                                          description="I expect:", layout=wide)
        question, noted = ipywidgets.HTML(as_html("question", [self.question])), ipywidgets.HTML()

        def choose(change):
            self.chosen = change["new"]
            noted.value = "Noted. Now run the experiment."

        buttons.observe(choose, names="value")
        box = ipywidgets.VBox([question, buttons, noted])
        self._widgets = (box, question, buttons, noted)
        return {"version_major": 2, "version_minor": 0, "model_id": box.model_id}
