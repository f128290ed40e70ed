"""Exercise: calls the learner's function and says what it sees. Prediction: a guess before, the measurement after."""
from __future__ import annotations

import ast
import contextlib
import dis
import inspect
import io
import linecache
import textwrap
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

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
        with the wrong version on every input; {call}, {got} and {expected} in it stand for one input where they differ.
    hints : list of str
        From a nudge to nearly the answer.
    returns : tuple of str
        Names of the results, where the solution returns a tuple.
    success : str
        A sentence for the one who has solved it.
    """

    def __init__(self, solution, *, inputs, mistakes, hints, returns=(), success=""):
        self.name = solution.__name__
        self.solution_function = solution
        self.inputs, self.mistakes, self.hints = inputs, mistakes, hints
        self.returns, self.success = returns, success
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
        got = self._outcomes(fn, calls)
        cases = list(zip(calls, got, self._outcomes(self.solution_function, calls), strict=True))
        if all(g.agrees(e) for _, g, e in cases):
            return found(f"✓ as expected on all {len(calls)} inputs. {self.success}".strip(), passed=True)
        if _unfinished(fn) or any(g.value is Ellipsis for g in got):
            return found(f"not attempted yet. `ex.{self.name}.hint()` gives a first hint.", attempted=False)
        for wrong, sentence in self.mistakes:
            if all(g.agrees(w) for g, w in zip(got, self._outcomes(wrong, calls), strict=True)):
                return found(sentence.format(**self._example(cases)), mistake=wrong)
        return found(self._general(fn, cases))

    def _outcomes(self, fn, calls):
        return [_Outcome(fn, args, len(self.returns)) for args in calls]

    def _call(self, args):
        return f"`{self.name}({', '.join(map(_show_argument, args))})`"

    def _not_callable(self, fn, args):
        if not callable(fn):
            return (f"I expected your function and got {_kind(fn)}. "
                    f"Give the check the function's name, without a call: `check({self.name})`.")
        with contextlib.suppress(ValueError):                 # some builtins tell nothing about their parameters
            parameters = inspect.signature(fn)
            try:
                parameters.bind(*args)
            except TypeError:
                wanted = tuple(inspect.signature(self.solution_function).parameters)
                return (f"your function takes {parameters}, and I call it with ({', '.join(wanted)}). "
                        "Keep the first line as it was given.")
        return ""

    def _example(self, cases):
        """call, got, expected of the first input on which they differ to the eye."""
        different = [self._parts(*case) for case in cases if not case[1].agrees(case[2])]
        plain = [d for d in different if d["got"] != d["expected"] and d["parts"]]
        return (plain or different)[0]

    def _parts(self, args, got, expected):
        """The first result in which got differs from expected, as text."""
        if got.parts is None:
            return dict(call=self._call(args), got=got.described(), expected=expected.described(), parts=False)
        i = next((i for i, (g, e) in enumerate(zip(got.parts, expected.parts, strict=True)) if not _close(g, e)), 0)
        label = f"{self.returns[i]} = " if self.returns else ""
        return dict(call=self._call(args), got=label + _show(got.parts[i]), expected=label + _show(expected.parts[i]),
                    parts=True)

    def _general(self, fn, cases):
        """What can be said of any function that disagrees, the most telling first."""
        for args, got, _ in cases:
            if got.error is not None:
                return (f"your function raised {got.described()}{_line_of(fn, got.error)}. "
                        f"The call was {self._call(args)}.")
        for args, got, expected in cases:
            if got.value is None:
                return (f"{self._call(args)} returned None, I expected {expected.described()}. "
                        "Does the function end with `return`?")
        for args, got, _ in cases:
            if got.changed is not None:
                name = list(inspect.signature(self.solution_function).parameters)[got.changed]
                return (f"{self._call(args)} changed its argument `{name}`, and whoever called it still needs that. "
                        f"Work on a copy (`{name}.copy()`), and write `a = a - b` in place of `a -= b`.")
        for args, got, expected in cases:
            if got.parts is None:
                wanted = f"{len(self.returns)} results, ({', '.join(self.returns)})" if self.returns \
                    else expected.described()
                return f"for {self._call(args)} I expected {wanted} and got {_kind(got.value)}."
            for name, g, e in zip(self.returns or ("",), got.parts, expected.parts, strict=True):
                if g.shape != e.shape and g.size + e.size:
                    of = f" for {name}" if name else ""
                    return (f"for {self._call(args)} I expected shape {e.shape}{of} and got shape {g.shape}: "
                            f"{_show(e)} was expected, {_show(g)} came.")
        for args, got, expected in cases:
            if any(np.isfinite(e).all() and not np.isfinite(g).all()
                   for g, e in zip(got.parts, expected.parts, strict=True)):
                pair = self._parts(args, got, expected)
                return (f"for {self._call(args)} I expected {pair['expected']} and got {pair['got']}. "
                        "Where could a division by zero or an overflow come from?")
        example = self._example(cases)
        _, got, expected = zip(*cases, strict=True)
        if all(got[0].agrees(g) for g in got) and not all(expected[0].agrees(e) for e in expected):
            return (f"your function gives {got[0].described()} whatever it is called with; for {example['call']} "
                    f"I expected {example['expected']}. Does it use its arguments, or a variable from another cell?")
        if (factor := _common_factor(got, expected)) is not None:
            return (f"your result is {factor:.4g} times the expected one on every input: for {example['call']} "
                    f"I expected {example['expected']} and got {example['got']}.")
        return f"for {example['call']} I expected {example['expected']} and got {example['got']}."


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
        """Put what was measured beside what was predicted."""
        true = [text for text, holds in self.choices.items() if holds(measured)]
        if len(true) != 1:
            raise ValueError(f"{self.name}.reveal got {measured!r}, which fits {len(true)} of the choices ({true}); "
                             "expected a value that fits exactly one: check the experiment above.")
        said = "You made no prediction."
        if self.chosen is not None:
            choice = list(self.choices)[self.chosen]
            said = f"You said: {choice}{' ✓' if choice == true[0] else ''}"
        note("question", [said, f"Measured: {shown or _show_any(measured)} → {true[0]}", self.why])

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


class _Outcome:
    """What came of one call: numbers, some other value, or an exception; and which argument it changed."""

    def __init__(self, fn, args, results=0):
        given = [a.copy() if isinstance(a, np.ndarray) else a for a in args]
        self.value, self.error = None, None
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"), contextlib.redirect_stdout(io.StringIO()):
                warnings.simplefilter("ignore")
                self.value = fn(*given)
        except Exception as error:                             # the learner's own: it is shown to the learner
            self.error = error
        self.changed = next((i for i, (a, g) in enumerate(zip(args, given, strict=True))
                             if isinstance(a, np.ndarray) and not np.array_equal(a, g, equal_nan=True)), None)
        self.parts = None if self.error else _numbers(self.value, results)

    def agrees(self, other):
        if self.changed != other.changed or type(self.error) is not type(other.error):
            return False
        if self.parts is None or other.parts is None:
            return self.error is not None and other.error is not None
        return len(self.parts) == len(other.parts) and all(map(_close, self.parts, other.parts))

    def described(self):
        if self.error is not None:
            return f"{type(self.error).__name__}: {self.error}"
        return ", ".join(map(_show, self.parts)) if self.parts is not None else _kind(self.value)


def _numbers(value, results):
    """value as a tuple of float arrays, one for each of the named results; None if it is anything else."""
    if results and not (isinstance(value, (tuple, list)) and len(value) == results):
        return None
    try:
        arrays = [np.asarray(v) for v in (value if results else [value])]
    except ValueError:                                         # rows of different lengths
        return None
    return tuple(a.astype(float) for a in arrays) if all(a.dtype.kind in "iuf" for a in arrays) else None


def _close(a, b):
    if a.size == b.size == 0:
        return True
    scale = np.max(np.abs(b), initial=1, where=np.isfinite(b))
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-6, atol=1e-9 * scale, equal_nan=True)


def _common_factor(got, expected):
    """c with got = c · expected on every input, or None."""
    e = np.concatenate([p.ravel() for o in expected for p in o.parts])
    g = np.concatenate([p.ravel() for o in got for p in o.parts])
    if not (np.isfinite(e).all() and np.isfinite(g).all() and e.any() and g.any()):
        return None
    c = (g @ e) / (e @ e)
    return c if abs(c - 1) > 1e-6 and np.allclose(g, c * e, rtol=1e-6, atol=1e-12) else None


def _unfinished(fn):
    """Does a block of nothing but `...` stand in fn, or a `...` where a value should?

    A `...` left beside code of the learner's own does not count, nor does one inside an index.
    """
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(fn)))
    except (OSError, TypeError, SyntaxError):                  # no source at hand: look at what was compiled
        code = getattr(fn, "__code__", None)
        if code is None:
            return False                                       # not written in Python
        nothing = {i.opname for i in dis.get_instructions(code)} <= {"RESUME", "NOP", "LOAD_CONST", "RETURN_VALUE",
                                                                     "RETURN_CONST"}
        return Ellipsis in code.co_consts or nothing and code.co_consts[-1] is None

    def is_dots(node):
        return isinstance(node, ast.Constant) and node.value is Ellipsis

    def is_text(node):
        return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)

    aside = set()                                              # `...` as a statement, or in an index
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            aside.add(node.value)
        elif isinstance(node, ast.Subscript):
            aside.update(ast.walk(node.slice))
        elif isinstance(node, ast.stmt):
            block = [s for s in getattr(node, "body", []) if not is_text(s)]
            if block and all(isinstance(s, ast.Pass) or isinstance(s, ast.Expr) and is_dots(s.value) for s in block):
                return True
    return any(is_dots(node) and node not in aside for node in ast.walk(tree))


def _line_of(fn, error):
    """The learner's own line in which the error arose."""
    file, trace, number = getattr(getattr(fn, "__code__", None), "co_filename", None), error.__traceback__, None
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == file:
            number = trace.tb_lineno
        trace = trace.tb_next
    line = linecache.getline(file, number).strip() if number else ""
    return f", in the line `{line}`" if line else ""


def _show(array, point=""):
    """Numbers with four digits, whole ones with `point` at the end; of a long array its shape and beginning."""
    if array.size > 12:
        return f"an array of shape {array.shape} that begins with {_show(array.ravel()[:3])[:-1]}, …]"
    if array.ndim == 0:
        text = f"{array + 0.0:.4g}"                            # + 0.0: no minus before a zero
        return text + point if text.lstrip("-").isdigit() else text
    return "[" + ", ".join(_show(a, point) for a in array) + "]"


def _show_argument(value):
    """An argument as it can be pasted into a cell, where it is short."""
    if isinstance(value, np.ndarray):
        return f"np.array({_show(value, '.')})" if value.size <= 12 else f"an array of shape {value.shape}"
    return _show_any(value)


def _show_any(value):
    return f"{value:.4g}" if isinstance(value, (float, np.floating)) else repr(value)


def _kind(value):
    """A value of any kind in a few words."""
    text = repr(value)
    return f"{text if len(text) <= 60 else text[:60] + '…'} ({type(value).__name__})"
