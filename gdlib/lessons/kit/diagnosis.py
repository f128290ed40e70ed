"""What a learner's function does on each input beside what the solution does, and what can be said about it."""
from __future__ import annotations

import ast
import contextlib
import copy
import inspect
import io
import linecache
import re
import textwrap
import warnings
from types import EllipsisType

import numpy as np

COMPARED = "for {call} I expected {expected} and got {got}"    # filled in by Case.as_text()


class Outcome:
    """The result of one call: numbers, another value or an exception; and which argument it changed.

    Parameters
    ----------
    fn : function
        It is called with deep copies of the arguments; what it prints and its warnings are dropped.
    args : tuple
        The arguments.
    results : int, optional
        How many results fn should return in a tuple; 0 for a single one.

    Attributes
    ----------
    value : object
        What fn returned; a generator's values as a list.
    error : Exception or None
        What fn raised.
    changed : int or None
        The place of the first argument that fn changed.
    parts : tuple of array, or None
        The value as float arrays, one for each result; None if it is not that many results of numbers.
    """

    def __init__(self, fn, args, results=0):
        given = [copy.deepcopy(a) for a in args]
        self.value, self.error = None, None
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"), contextlib.redirect_stdout(io.StringIO()):
                warnings.simplefilter("ignore")
                self.value = fn(*given)
                if inspect.isgenerator(self.value):
                    self.value = list(self.value)              # batches may be yielded one by one
        except Exception as error:                             # the learner's own, shown by `describe`
            self.error = error
        self.changed = next((i for i, (a, g) in enumerate(zip(args, given, strict=True)) if not _same(a, g)), None)
        self.parts = None if self.error else _numbers(self.value, results)

    def agrees(self, other, rtol=1e-6):
        """Whether two outcomes are the same: the error's type or the numbers, and the argument that was changed.

        Parameters
        ----------
        other : Outcome
            It is the one that `rtol` is relative to.
        rtol : float, optional
            The relative tolerance of the numbers.
        """
        if self.changed != other.changed or type(self.error) is not type(other.error):
            return False
        if self.parts is None or other.parts is None:
            return self.error is not None and other.error is not None
        return len(self.parts) == len(other.parts) and all(_close(a, b, rtol)
                                                           for a, b in zip(self.parts, other.parts, strict=True))

    def __str__(self):
        if self.error is not None:
            return f"{type(self.error).__name__}: {self.error}"
        return ", ".join(map(_show, self.parts)) if self.parts is not None else kind(self.value)


class Case:
    """One input of an exercise, with the learner's outcome and the expected one.

    Parameters
    ----------
    exercise : Exercise
        It has the names of the function, of its parameters and of its results.
    args : tuple
        The arguments.
    got, expected : Outcome
        What the learner's function did with them, and what the solution did.
    """

    def __init__(self, exercise, args, got, expected):
        self.arguments = dict(zip(exercise.parameters, args, strict=True))
        self.results, self.got, self.expected = exercise.returns, got, expected
        self.call = f"`{exercise.name}({', '.join(map(_show_argument, args))})`"

    def as_text(self):
        """The call, what it gave and what was expected; of several results, the first that differs.

        Returns
        -------
        dict of str to str
            The texts for {call}, {got} and {expected} in a sentence.
        """
        if self.got.parts is None:
            return dict(call=self.call, got=str(self.got), expected=str(self.expected))
        pairs = list(zip(self.results or ("",), self.got.parts, self.expected.parts, strict=True))
        name, g, e = next((pair for pair in pairs if not _close(*pair[1:])), pairs[0])
        label = f"{name} = " if name else ""
        return dict(call=self.call, got=label + _show(g), expected=label + _show(e))


def example(cases):
    """The first case whose numbers differ as shown; where all look equal, the first that disagrees.

    Parameters
    ----------
    cases : list of Case
        At least one of them disagrees.

    Returns
    -------
    Case
        The one to show.
    """
    different = [c for c in cases if not c.got.agrees(c.expected)]
    return next((c for c in different if c.got.parts is not None and c.as_text()["got"] != c.as_text()["expected"]),
                different[0])


# --- what can be said about any function that disagrees ---------------------------------------------------------------


def describe(fn, cases):
    """A sentence about a function that disagrees with the solution, and with every known mistake.

    Parameters
    ----------
    fn : function
        The learner's.
    cases : list of Case
        All inputs of the exercise.

    Returns
    -------
    str
        What the first of the functions below found.
    """
    sentences = (_raised, _none, _changed, _not_numbers, _shape, _not_finite, _always_the_same, _factor, _differs)
    return next(text for sentence in sentences if (text := sentence(fn, cases)))


def _raised(fn, cases):
    case = next((c for c in cases if c.got.error is not None), None)
    if case is None:
        return ""
    error, more = case.got.error, ""
    if isinstance(error, UnboundLocalError):
        more = " That name has no value yet when the line first runs."
    if isinstance(error, TypeError) and "Axis must be specified" in str(error):  # np.average
        more = " np.average must know along which axis the weights lie: axis=0 runs along a list of arrays."
    name = next((name for name, value in case.arguments.items() if callable(value)), None)
    if isinstance(error, TypeError) and name and "'Lambda'" in str(error):
        more = f" `{name}` is a function. Call it, as in `{name}(…)`."
    if isinstance(error, TypeError) and re.search("arrays can be converted to Python scalars", str(error)):
        more = " Functions of `math` take one number; those of NumPy take an array: `np.exp`."
    if isinstance(error, ValueError) and re.search("broadcast|matmul|aligned|mismatch", str(error)):
        more = f" {_shapes(case)} `*` multiplies entry by entry, `@` multiplies rows with columns."
    return f"your function raised {case.got}{line_of(fn, error)}.{more} The call was {case.call}."


def _shapes(case):
    """The shapes of all arrays in a sentence: Here X is (2, 1), w (1,), and the result should be (1,)."""
    def said(verb, arrays):
        (first, a), *rest = arrays
        return ", ".join([f"{first} {verb} {a.shape or 'a number'}",
                          *(f"{name} {a.shape or 'a number'}" for name, a in rest)])

    given = [(name, a) for name, a in case.arguments.items() if isinstance(a, np.ndarray)]
    wanted = zip(case.results or ("the result",), case.expected.parts, strict=True)
    return f"Here {said('is', given) + ', and ' if given else ''}{said('should be', wanted)}."


def _none(fn, cases):
    nothing = [c for c in cases if c.got.value is None]
    if not nothing:
        return ""
    if len(nothing) < len(cases):
        return (f"{nothing[0].call} returned None, other calls did not: is the `return` indented into a loop or an "
                "`if`? Where that has nothing to do, as with 0 iterations, the `return` is never reached.")
    return f"{nothing[0].call} returned None, I expected {nothing[0].expected}. Does the function end with `return`?"


def _changed(fn, cases):
    for case in cases:
        if case.got.changed is not None:
            name, value = list(case.arguments.items())[case.got.changed]
            copied = f"`{name}.copy()`"
            if not isinstance(value, np.ndarray):              # a copied list still holds the same arrays
                copied = f"of what is in it, too: `copy.deepcopy({name})`, after `import copy`"
            return (f"{case.call} changed its argument `{name}`, which the caller still needs. "
                    f"Work on a copy ({copied}), and write `a = a - b` instead of `a -= b`.")
    return ""


def _not_numbers(fn, cases):
    for case in cases:
        if case.got.parts is None:
            wanted = f"{len(case.results)} numbers, ({', '.join(case.results)})" if case.results else case.expected
            return f"for {case.call} I expected {wanted} and got {kind(case.got.value)}."
    return ""


def _shape(fn, cases):
    for case in cases:
        for name, g, e in zip(case.results or ("",), case.got.parts, case.expected.parts, strict=True):
            if g.shape != e.shape and g.size + e.size:
                of = f" for {name}" if name else ""
                return (f"for {case.call} I expected shape {e.shape}{of} and got shape {g.shape}: "
                        f"expected {_show(e)}, got {_show(g)}.")
    return ""


def _not_finite(fn, cases):
    for case in cases:
        if any(np.isfinite(e).all() and not np.isfinite(g).all()
               for g, e in zip(case.got.parts, case.expected.parts, strict=True)):
            return f"{_compared(case)}. Where could a division by zero or an overflow come from?"
    return ""


def _always_the_same(fn, cases):
    got, expected = cases[0].got, cases[0].expected
    if all(got.agrees(c.got) for c in cases) and not all(expected.agrees(c.expected) for c in cases):
        text = example(cases).as_text()
        return (f"your function gives {got} whatever it is called with; for {text['call']} I expected "
                f"{text['expected']}. Does it use its arguments, or a variable from another cell?")
    return ""


def _factor(fn, cases):
    """Whether got = c · expected on every input, with one c."""
    e = np.concatenate([p.ravel() for c in cases for p in c.expected.parts])
    g = np.concatenate([p.ravel() for c in cases for p in c.got.parts])
    if not (np.isfinite(e).all() and np.isfinite(g).all() and e.any() and g.any()):
        return ""
    c = (g @ e) / (e @ e)
    if abs(c - 1) < 1e-6 or not np.allclose(g, c * e, rtol=1e-6, atol=1e-12):
        return ""
    words = {2: "twice as large as it should be", 0.5: "half as large as it should be", -1: "right but for its sign"}
    said = next((text for factor, text in words.items() if np.isclose(c, factor)), f"{c:.4g} times the expected one")
    return f"your result is {said} on every input: {_compared(example(cases))}."


def _differs(fn, cases):
    case = example(cases)
    text = case.as_text()
    if text["got"] != text["expected"]:
        return f"{_compared(case)}."
    g, e = next((g, e) for g, e in zip(case.got.parts, case.expected.parts, strict=True) if not _close(g, e))
    worst = np.unravel_index(np.nanargmax(np.abs(g - e)), e.shape)
    at = f" at index [{', '.join(map(str, worst))}]" if worst else ""
    return f"for {case.call} I expected {e[worst]:.8g}{at} and got {g[worst]:.8g}."


def _compared(case):
    return COMPARED.format(**case.as_text())


# --- looking at values and at source ----------------------------------------------------------------------------------


def _numbers(value, results):
    """The value as a tuple of float arrays, one for each result; None if it is anything else."""
    if isinstance(value, np.ndarray) and value.ndim:
        value = list(value) if results else value              # a table of all results unpacks as a tuple does
    if results and not (isinstance(value, (tuple, list)) and len(value) == results):
        return None
    try:
        arrays = [np.asarray(v) for v in (value if results else [value])]
    except ValueError:                                         # rows of different lengths
        arrays = [_filled(value)] if not results else [np.array(None)]
    return tuple(a.astype(float) for a in arrays) if all(a.dtype.kind in "iuf" for a in arrays) else None


def _filled(rows):
    """A list of rows of different lengths as one table filled up with nan; of anything else an array of objects."""
    try:
        rows = [np.asarray(row) for row in rows]
        if any(row.ndim != 1 or row.dtype.kind not in "iuf" for row in rows):
            return np.array(None)
    except (TypeError, ValueError):
        return np.array(None)
    table = np.full((len(rows), max(map(len, rows))), np.nan)
    for place, row in zip(table, rows, strict=True):
        place[: len(row)] = row
    return table


def _same(before, now):
    """Whether an argument is still what it was, in all its parts."""
    if type(before) is not type(now):
        return False
    if isinstance(before, np.ndarray) and before.dtype.hasobject:
        return before.shape == now.shape and _same(before.tolist(), now.tolist())
    if isinstance(before, np.ndarray):
        return (before.shape, before.dtype, before.tobytes()) == (now.shape, now.dtype, now.tobytes())
    if isinstance(before, dict):
        return before.keys() == now.keys() and all(_same(value, now[key]) for key, value in before.items())
    if isinstance(before, (list, tuple)):
        return len(before) == len(now) and all(map(_same, before, now))
    if isinstance(before, (set, str, bytes, int, float, complex, np.generic)):
        return before == now or before != before               # nan does not equal itself
    return True                                                # a function, say: what is inside is not known


def _close(a, b, rtol=1e-6):
    if a.size == b.size == 0:
        return True
    scale = np.max(np.abs(b), initial=1, where=np.isfinite(b))
    return a.shape == b.shape and np.allclose(a, b, rtol=rtol, atol=rtol / 1000 * scale, equal_nan=True)


def unfinished(fn):
    """Whether a gap of the exercise is still open in a function's source.

    A gap is a `...` that is assigned, returned, computed with or given to a function, or all of a loop or an `except`.
    A body of nothing but `...` or `pass` is one, too. A `...` in an index, in a branch or beside other code is not.

    Parameters
    ----------
    fn : function
        The learner's. Without source at hand, the answer is False.
    """
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(fn)))
    except (OSError, TypeError, SyntaxError):                  # no source at hand
        return False
    function = next((node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)), None)
    return function is not None and (all(map(_does_nothing, function.body)) or any(map(_is_gap, ast.walk(function))))


def _does_nothing(statement):
    """Whether a statement is `pass`, `...` or a docstring."""
    match statement:
        case ast.Pass() | ast.Expr(value=ast.Constant(value=str() | EllipsisType())):
            return True
    return False


def _is_gap(node):
    """Whether a `...` is what a node assigns, returns, computes with, calls with, or all of a loop or an `except`."""
    match node:
        case ast.Call(args=values) | ast.Return(value=ast.Tuple(elts=values)):
            pass
        case ast.Assign(targets=[ast.Tuple()], value=ast.Tuple(elts=values)):
            pass
        case ast.BinOp(left=left, right=right):
            values = [left, right]
        case (ast.Return(value=value) | ast.Assign(value=value) | ast.AnnAssign(value=value)
              | ast.AugAssign(value=value)
              | ast.For(body=[ast.Expr(value=value)]) | ast.While(body=[ast.Expr(value=value)])
              | ast.ExceptHandler(body=[ast.Expr(value=value)])):
            values = [value]
        case _:
            return False
    return any(isinstance(value, ast.Constant) and value.value is ... for value in values)


def line_of(fn, error):
    """The learner's own line that raised the error."""
    file, trace, number = getattr(getattr(fn, "__code__", None), "co_filename", None), error.__traceback__, None
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == file:
            number = trace.tb_lineno
        trace = trace.tb_next
    line = linecache.getline(file, number).strip() if number else ""
    return f", in the line `{line}`" if line else ""


def _show(array, point=""):
    """Numbers with four digits, whole ones with `point` after them; of a long array its shape and beginning."""
    if array.size > 12:
        return f"an array of shape {array.shape} that begins with {_show(array.ravel()[:3])[:-1]}, …]"
    if array.ndim == 0:
        text = f"{array + 0.0:.4g}"                            # + 0.0: no minus before a zero
        return text + point if text.lstrip("-").isdigit() else text
    if array.ndim == 1 and array.size and np.isnan(array[-1]) and not np.isnan(array).all():
        array = array[: np.flatnonzero(~np.isnan(array))[-1] + 1]  # a short row of a table that was filled up
    return "[" + ", ".join(_show(a, point) for a in array) + "]"


def _show_argument(value):
    """An argument as it can be pasted into a cell, where it is short."""
    if isinstance(value, np.ndarray):
        return f"np.array({_show(value, '.')})" if value.size <= 12 else f"an array of shape {value.shape}"
    return show_any(value)


def show_any(value):
    """A float with four digits, anything else as Python prints it.

    Parameters
    ----------
    value : object
        What is shown.

    Examples
    --------
    >>> show_any(3.14159), show_any(3)
    ('3.142', '3')
    """
    return f"{value:.4g}" if isinstance(value, (float, np.floating)) else repr(value)


def kind(value):
    """A value and its type, in at most a line.

    Parameters
    ----------
    value : object
        What is shown.

    Examples
    --------
    >>> kind([1, "two"])
    "[1, 'two'] (list)"
    """
    text = repr(value)
    return f"{text if len(text) <= 60 else text[:60] + '…'} ({type(value).__name__})"
