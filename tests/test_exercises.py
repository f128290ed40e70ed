"""Exercises and predictions: the solution passes, each known mistake gets its own sentence, nothing is guessed."""
import ast
import inspect
import json
import linecache
import re
import sys
from importlib import import_module
from importlib.util import find_spec
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

import gdlib as gd
from gdlib.lessons import table
from gdlib.lessons.distributed import exercises as distributed
from gdlib.lessons.gradients import exercises as ex
from gdlib.lessons.kit import notes
from gdlib.lessons.kit.diagnosis import Outcome
from gdlib.lessons.kit.exercise import Exercise, Lambda, Task
from gdlib.lessons.kit.prediction import Prediction
from gdlib.lessons.saddle_points import exercises as saddles

MODULES = [import_module(f"gdlib.lessons.{lesson.word}.exercises")
           for lesson in table() if find_spec(f"gdlib.lessons.{lesson.word}")]
TASKS = [e for module in MODULES for e in vars(module).values() if isinstance(e, Task)]
EXERCISES = [e for e in TASKS if isinstance(e, Exercise)]
PREDICTIONS = [(name, p) for module in MODULES for name, p in vars(module).items() if isinstance(p, Prediction)]
MISTAKES = [pytest.param(e, wrong, sentence, id=f"{e.name}-{i}")
            for e in EXERCISES for i, (wrong, sentence) in enumerate(e.mistakes)]
each_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.name)
each_task = pytest.mark.parametrize("exercise", TASKS, ids=lambda e: e.name)
each_mistake = pytest.mark.parametrize("exercise, wrong, sentence", MISTAKES)


def outcomes(exercise, fn):
    return [Outcome(fn, args, len(exercise.returns)) for args in exercise.inputs(np.random.default_rng(0))]


def agree(one, other):
    return all(a.agrees(b) for a, b in zip(one, other, strict=True))


# --- every exercise of the course -------------------------------------------------------------------------------------


@each_task
def test_solution_passes(exercise):
    found = exercise.diagnose(exercise.solution_function)
    assert found.passed and found.attempted
    assert found.text.startswith(f"{exercise.name}: ✓ ")


@each_task
def test_solution_source_runs_on_its_own_and_passes(exercise):
    namespace = {"np": np, "gd": gd}
    exec(exercise.solution_source, namespace)
    assert exercise.solution_source.startswith(f"def {exercise.name}(")
    assert exercise.diagnose(namespace[exercise.name]).passed


@each_task
@pytest.mark.parametrize("body", ["...", "return ...", "result = ...\n    return result", "pass",
                                  "'''A docstring.'''\n    ...", "for _ in range(3):\n        ...\n    return 1"])
def test_untouched_stub_is_not_attempted(exercise, body, tmp_path, monkeypatch):
    """Also where the source can be read, as in a notebook."""
    source = f"def {exercise.name}{inspect.signature(exercise.solution_function)}:\n    {body}\n"
    (tmp_path / "stub.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    sys.modules.pop("stub", None)
    fn = getattr(import_module("stub"), exercise.name)
    found = exercise.diagnose(fn)
    assert not found.passed and not found.attempted
    assert found.text == f"{exercise.name}: not attempted yet. `ex.{exercise.name}.hint()` gives a first hint."


@each_exercise
def test_has_mistakes_hints_and_a_word_for_the_end(exercise):
    assert len({sentence for _, sentence in exercise.mistakes}) >= 4
    assert len(exercise.hints) >= 2 and exercise.success and exercise.solution_function.__doc__


@each_mistake
def test_a_mistake_is_told_by_its_own_sentence_and_a_concrete_input(exercise, wrong, sentence):
    found = exercise.diagnose(wrong)
    assert found.mistake is wrong and found.attempted and not found.passed
    opening = "for {call} I expected {expected} and got {got}: "
    assert not sentence.startswith(opening)                        # the exercise puts it there
    told = sentence if "{call}" in sentence else f"{opening}{sentence}"
    call, expected, got = re.search(sentence_pattern(told), found.text, re.S).group("call", "expected", "got")
    assert call.startswith(f"`{exercise.name}(")
    assert expected != got
    assert not re.search("incorrect|wrong", found.text)


def sentence_pattern(sentence):
    pattern = re.escape(sentence)
    for field in ("call", "expected", "got"):
        pattern = pattern.replace(rf"\{{{field}\}}", f"(?P<{field}>.+?)")
    return re.sub(r"\\{\w+\\\.size\\}", r"\\d+", pattern) + "$"     # {y.size}: of an argument


@pytest.mark.parametrize("sentence, shown", [
    ("that is the rise.", "for `halve(np.array([2., 4.]), 1)` I expected [1, 2] and got [2, 4]: that is the rise."),
    ("{call} gave {got}, not {expected}.", "`halve(np.array([2., 4.]), 1)` gave [2, 4], not [1, 2]."),
    ("{x.size} numbers.", "for `halve(np.array([2., 4.]), 1)` I expected [1, 2] and got [2, 4]: 2 numbers."),
])
def test_a_sentence_follows_one_input_unless_it_names_the_call_itself(sentence, shown):
    exercise = Exercise(halve, inputs=HALVE.inputs, mistakes=[(lambda x, scale: x * scale, sentence)], hints=[])
    assert exercise.diagnose(lambda x, scale: x * scale).text == f"halve: {shown}"


@each_exercise
def test_mistakes_can_be_told_apart_from_each_other_and_from_the_solution(exercise):
    functions = [exercise.solution_function, *(wrong for wrong, _ in exercise.mistakes)]
    results = [outcomes(exercise, fn) for fn in functions]
    assert [(i, j) for (i, a), (j, b) in combinations(enumerate(results), 2) if agree(a, b)] == []
    assert all(any(o.error is None for o in result) for result in results)


def stubs():
    """Name -> source of every function of a notebook that an exercise checks."""
    found, root = {}, Path(__file__).parent.parent
    for path in root.glob("notebooks/[0-9]*.ipynb"):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            source = "".join(cell["source"])
            if cell["cell_type"] == "code" and (name := re.search(r"^ex\.(\w+)\.check\(", source, re.M)):
                function = next(node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef))
                found[name[1]] = ast.get_source_segment(source, function)
    return found


@each_exercise
def test_the_solution_has_the_first_lines_of_the_notebooks_stub(exercise):
    stub = stubs()[exercise.name].splitlines()
    assert exercise.solution_source.splitlines()[:2] == stub[:2]
    assert not written("\n".join(stub), exercise).attempted


@each_exercise
def test_a_diagnosis_is_the_same_every_time(exercise):
    wrong, _ = exercise.mistakes[-1]
    assert exercise.diagnose(wrong) == exercise.diagnose(wrong)


# --- what learners write ----------------------------------------------------------------------------------------------


def written(source, exercise):
    """The diagnosis of a function in a cell."""
    file = f"<cell {hash(source)}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    namespace = {"np": np}
    exec(compile(source, file, "exec"), namespace)
    return exercise.diagnose(namespace[exercise.name])


def one_line(exercise, expression):
    return written(f"def {exercise.name}({', '.join(exercise.parameters)}):\n    return {expression}\n", exercise)


@pytest.mark.parametrize("exercise, expression, said", [
    (ex.central_difference, "(f(x + h) - f(x - h)) / h", "twice as large as it should be: from x - h to x + h"),
    (ex.central_difference, "(f(x + h) - f(x)) / (2 * h)", "the first value was taken at x"),
    (ex.central_difference, "f(x + h) - f(x - h) / 2 * h", "two pairs of brackets are missing"),
    (ex.central_difference, "(f(x + h) - f(x - h)) / 2", "you divide by 2. "),
    (ex.central_difference, "(f(x + h/2) - f(x - h/2)) / (2*h)", "the run is h, not 2h"),
    (ex.central_difference, "(f(x + h/2) - f(x - h/2)) / (h/2)", "a run of h, not h/2"),
    (ex.central_difference, "(f(x + h) - f(x - h)) / (h / 2)", "half of h"),
    (ex.mse_gradient, "X.T @ (X @ w - y) / len(y)", "half as large as it should be"),
    (ex.mse_gradient, "2 * X.T @ (X @ w - y) / 5", "and here there are 2. Divide by len(y)."),
    (ex.mse_gradient, "2 * X.T @ (X @ w - y) / X.size", "X.size, here 4, counts all entries of X. The mean runs over "
                                                        "the rows: len(y), here 2."),
    (ex.backprop_line, "(delta2 @ W2.T) * (1 - h * 2)", "`h * 2` doubles h"),
    (saddles.classify, "(np.sum(np.linalg.eigvalsh(H) < 0), 0, np.sum(np.linalg.eigvalsh(H) > 0))", "is always 0 here"),
    (saddles.perturbed_step, "theta - lr * (gradient + push * (np.linalg.norm(gradient) < tolerance))",
     "the push went into the gradient and was multiplied by −lr"),
    (distributed.average_shards, "np.sum(np.array(gradients) * np.array(rows), axis=0) / sum(rows)", "[:, None]"),
])
def test_a_slip_is_known(exercise, expression, said):
    found = one_line(exercise, expression)
    assert found.mistake is not None and said in found.text


DESCEND = '''def descend(grad, theta0, lr, steps):
    """The points from theta0, the start too: (steps + 1, d)."""
    path = [theta0]
    for _ in range(steps):
        theta = {}
        path.append(theta)
    return np.array(path)'''


@pytest.mark.parametrize("step, said", [
    ("theta0 - lr * grad(theta0)", "every step starts at theta0 again"),
    ("theta0 - lr * grad(path[-1])", "every step sets out from theta0"),
    ("path[-1] - lr * grad(theta0)", "every step uses the slope at the start"),
    ("-lr * grad(path[-1])", "that is the step alone. It is added to the last point: path[-1] - …"),
    ("lr * grad(path[-1])", "Take it off the last point"),
    ("path[-1] + lr * grad(path[-1])", "your walk goes uphill"),
    ("path[-1] - grad(path[-1])", "Multiply it by lr."),
])
def test_a_slip_in_the_gap_of_descend_is_known(step, said):
    found = written(DESCEND.format(step), ex.descend)
    assert found.mistake is not None and said in found.text


def test_the_solution_of_descend_fills_the_gap_and_the_last_hint_gives_it_away():
    step = "path[-1] - lr * grad(path[-1])"
    assert ex.descend.solution_source == DESCEND.format(step)
    assert step in ex.descend.hints[-1] and not any(step in hint for hint in ex.descend.hints[:-1])


def test_a_name_without_a_value():
    text = written(DESCEND.format("theta - lr * grad(theta)"), ex.descend).text
    assert "raised UnboundLocalError" in text and "in the line `theta = theta - lr * grad(theta)`. That name has no " \
                                                  "value yet when the line first runs." in text


RING = """def reduce_scatter(pieces):
    n = len(pieces)
    held = pieces.copy()
    for turn in range(n - 1):
        for r in range(n):
            p = {}
            held[(r + 1) % n, p] += held[r, p]
    return held
"""


@pytest.mark.parametrize("piece, said", [
    ("r + turn", "Count round: `% n`."), ("r + 1 - turn", "Count round: `% n`."),
    ("(r - 1) % n", "turn is missing"), ("(r + 2 * turn) % n", "right by chance"), ("r - turn", "✓"),
])
def test_a_slip_in_the_ring_is_known(piece, said):
    found = written(RING.format(piece), distributed.reduce_scatter)
    assert said in found.text and (found.passed or found.mistake is not None)


@pytest.mark.parametrize("exercise, expression, shapes", [
    (ex.mse_gradient, "2 * X * (X @ w - y) / len(y)",
     "Here w is (3,), X (20, 3), y (20,), and the result should be (3,)."),
    (ex.mse_gradient, "2 * X.T @ (X @ y - w)", "Here w is (1,), X (2, 1), y (2,), and the result should be (1,)."),
    (ex.mse_gradient, "np.dot(X, y)", "Here w is (1,), X (2, 1), y (2,), and the result should be (1,)."),
    (ex.backprop_line, "delta2 * W2.T * (1 - h**2)",
     "Here delta2 is (4, 3), W2 (5, 3), h (4, 5), and the result should be (4, 5)."),
    (ex.backprop_line, "W2.T @ delta2 * (1 - h**2)",
     "Here delta2 is (1, 1), W2 (2, 1), h (1, 2), and the result should be (1, 2)."),
    (ex.central_difference, "np.dot([f(x)], [f(x), h])", "Here the result should be a number."),
])
def test_shapes_that_do_not_fit_are_told(exercise, expression, shapes):
    text = one_line(exercise, expression).text
    assert "raised ValueError: " in text and f"in the line `return {expression}`. " in text
    assert f"{shapes} `*` multiplies entry by entry, `@` multiplies rows with columns. The call was" in text


def test_an_average_without_an_axis_is_told_of_it():
    found = one_line(distributed.average_shards, "np.average(gradients, weights=rows)")
    assert found.mistake is None and "axis=0 runs along a list of arrays" in found.text


def test_other_errors_say_nothing_of_shapes():
    assert "should be" not in one_line(ex.mse_gradient, "int('seven')").text


# --- what is said of any function -------------------------------------------------------------------------------------


def halve(x, scale):
    """x / 2 · scale."""
    return x / 2 * scale


HALVE = Exercise(halve, inputs=lambda rng: [(np.array([2.0, 4.0]), 1.0), (np.array([6.0]), 1.0), (np.zeros(3), 2.0)],
                 mistakes=[(lambda x, scale: x + scale, "known: {call} {expected} {got}")],
                 hints=["a first", "a second"], success="Well done.")


def said(fn, exercise=HALVE):
    found = exercise.diagnose(fn)
    assert found.attempted and not found.passed and found.mistake is None
    return found.text.removeprefix(f"{exercise.name}: ")


@pytest.mark.parametrize("thing", [3.0, None, np.ones(2), "halve"])
def test_not_a_function(thing):
    assert said(thing).startswith("I expected your function and got ")


def test_number_of_parameters():
    assert said(lambda x: x) == ("your function takes (x), and I call it with (x, scale). "
                                 "Keep the first line as it was given.")


def test_the_learners_exception_is_shown_with_their_line_and_the_call():
    def learners(x, scale):
        half = x @ np.ones(7)
        return half
    text = said(learners)
    assert text.startswith("your function raised ValueError: ")
    assert ", in the line `half = x @ np.ones(7)`. Here x is (2,), and the result should be (2,). " in text
    assert text.endswith(" The call was `halve(np.array([2., 4.]), 1)`.")


def test_an_exception_from_deeper_down_is_shown_at_the_learners_line():
    def learners(x, scale):
        return np.linalg.inv(x)
    assert "LinAlgError" in said(learners) and ", in the line `return np.linalg.inv(x)`" in said(learners)


def test_random_numbers_without_a_seed():
    assert said(lambda x, scale: x / 2 * scale + np.random.default_rng().normal(size=x.shape)).startswith(
        "called twice with the same arguments, your function gives different results.")


def test_nothing_returned():
    def learners(x, scale):
        _ = x / 2 * scale
    assert said(learners).startswith("`halve(np.array([2., 4.]), 1)` returned None, I expected [1, 2]. "
                                     "Does the function end with `return`?")


def test_nothing_returned_for_some_inputs():
    def learners(x, scale):
        for _ in range(int(scale) - 1):
            return halve(x, scale)
    assert said(learners).startswith("`halve(np.array([2., 4.]), 1)` returned None, other calls did not: "
                                     "is the `return` indented into a loop or an `if`? ")


def test_argument_changed_in_place():
    def learners(x, scale):
        x /= 2
        return x * scale
    assert said(learners).startswith("`halve(np.array([2., 4.]), 1)` changed its argument `x`")


@pytest.mark.parametrize("value, came", [("1", "'1' (str)"), ({1}, "{1} (set)"), ([1, [2]], "[1, [2]] (list)"),
                                         (1 + 2j, "(1+2j) (complex)")])
def test_wrong_type(value, came):
    assert said(lambda x, scale: value) == f"for `halve(np.array([2., 4.]), 1)` I expected [1, 2] and got {came}."


def test_wrong_shape_names_both():
    assert said(lambda x, scale: halve(x, scale)[:, None]) == (
        "for `halve(np.array([2., 4.]), 1)` I expected shape (2,) and got shape (2, 1): "
        "expected [1, 2], got [[1], [2]].")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_not_finite(bad):
    assert f"and got [{bad}, {bad}]. Where could" in said(lambda x, scale: halve(x, scale) + bad)


def test_same_answer_for_every_input():
    one_input = Exercise(halve, inputs=lambda rng: [(np.array([2.0]), 1.0), (np.array([6.0]), 1.0)], mistakes=[],
                         hints=[])
    assert "your function gives [1] whatever it is called with" in said(lambda x, scale: np.array([1.0]), one_input)


@pytest.mark.parametrize("factor, words", [(3, "3 times the expected one"), (2, "twice as large as it should be"),
                                           (0.5, "half as large as it should be"), (-1, "right but for its sign")])
def test_a_common_factor(factor, words):
    assert said(lambda x, scale: factor * halve(x, scale)) == (
        f"your result is {words} on every input: for `halve(np.array([2., 4.]), 1)` "
        f"I expected [1, 2] and got [{factor:g}, {2 * factor:g}].")


def test_a_difference_too_small_for_four_digits_is_shown():
    assert said(lambda x, scale: halve(x, scale) + [0, 1e-5] if len(x) == 2 else halve(x, scale)) == \
        "for `halve(np.array([2., 4.]), 1)` I expected 2 at index [1] and got 2.00001."


def test_anything_else_gets_one_concrete_input():
    assert said(lambda x, scale: halve(x, scale) ** 2) == \
        "for `halve(np.array([2., 4.]), 1)` I expected [1, 2] and got [1, 4]."


def test_only_agreement_on_every_input_makes_a_known_mistake():
    assert HALVE.diagnose(lambda x, scale: x + scale).mistake is not None
    assert "known" not in said(lambda x, scale: x + scale if len(x) < 3 else x)


@pytest.mark.parametrize("form", [list, tuple, np.array, lambda a: a.astype(np.float32)])
def test_lists_tuples_and_arrays_are_all_welcome(form):
    assert HALVE.diagnose(lambda x, scale: form(halve(x, scale))).passed


def test_what_the_learner_prints_or_warns_is_not_repeated(capsys, recwarn):
    def learners(x, scale):
        print("here")
        np.ones(1) / np.zeros(1)
        return halve(x, scale)
    assert HALVE.diagnose(learners).passed
    assert capsys.readouterr().out == "" and not recwarn


def test_dots_that_are_not_a_stub():
    def leftover(x, scale):
        ...
        return x
    def index(x, scale):
        return x[..., 0]
    assert said(leftover) and said(index)


ATTEMPTS = {
    "a branch of pass": "if scale > 0:\n        pass\n    return x",
    "a branch of dots": "if scale > 0:\n        ...\n    return x",
    "an else of pass": "if scale > 0:\n        x = 3 * x\n    else:\n        pass\n    return x",
    "an elif of pass": "if scale > 5:\n        x = 3 * x\n    elif scale > 2:\n        pass\n    return x",
    "a loop of pass": "for _ in x:\n        pass\n    return x",
    "a try": "try:\n        x = x / 3\n    except ValueError:\n        pass\n    return x",
    "a with": "with np.errstate(all='ignore'):\n        pass\n    return x",
    "a helper": "def helper():\n        pass\n    return x",
    "an index of its own": "first = (..., 0)\n    return x[first]",
    "a comparison": "return x if x is ... else x",
    "a pass beside": "pass\n    return x",
    "dots beside": "...\n    return x",
    "pass in the end": "y = x\n    pass",
    "a number without return": "3",
}
STUBS = ["return ..., ...", "m = ...\n    v = 2\n    return m", "a, b = ..., ...\n    return a",
         "x -= ...\n    return x", "return x, ...", "while scale < 0:\n        ...\n    return x",
         "y = []\n    y.append(...)\n    return y", "return scale * ...", "y: float = ...\n    return y",
         "'Text.'\n    pass"]


@pytest.mark.parametrize("body", ATTEMPTS.values(), ids=ATTEMPTS)
def test_an_attempt_is_never_called_none(body):
    found = written(f"def halve(x, scale):\n    {body}\n", HALVE)
    assert found.attempted and not found.passed


@pytest.mark.parametrize("body", STUBS)
def test_an_open_gap_is_not_attempted(body):
    assert not written(f"def halve(x, scale):\n    {body}\n", HALVE).attempted


def nested(values, more):
    """The sum of all."""
    return sum(np.sum(v) for v in values) + more["more"][0].sum() + more["n"]


NESTED = Exercise(nested, mistakes=[], hints=[], inputs=lambda rng: [
    ([np.array([1.0]), np.array([np.nan, 2.0])], {"more": (np.array([3.0]),), "n": 4, "f": len}),
    ([np.array([5.0])], {"more": (np.array([6.0]),), "n": 7, "f": len}),
])
TAMPERED = {
    "an array in a list": ("values[0] *= 2", "values", "copy.deepcopy(values)"),
    "a list": ("values[0] = values[0] * 2", "values", "copy.deepcopy(values)"),
    "a list's length": ("values.append(0)", "values", "copy.deepcopy(values)"),
    "a list's order": ("values.reverse(); values.insert(0, 0 * values[-1])", "values", "copy.deepcopy(values)"),
    "an array in a tuple in a dictionary": ("more['more'][0][0] = 9", "more", "copy.deepcopy(more)"),
    "a number in a dictionary": ("more['n'] += 1", "more", "copy.deepcopy(more)"),
    "a key": ("more['new'] = 1", "more", "copy.deepcopy(more)"),
}


@pytest.mark.parametrize("line, name, remedy", TAMPERED.values(), ids=TAMPERED)
def test_what_lies_in_an_argument_is_not_to_be_changed_either(line, name, remedy):
    source = "def nested(values, more):\n    result = sum(map(np.sum, values)) + more['more'][0].sum() + more['n']"
    assert written(f"{source}\n    return result\n", NESTED).passed
    text = written(f"{source}\n    {line}\n    return result\n", NESTED).text
    assert f"changed its argument `{name}`" in text and remedy in text
    assert "nested([array([1.]), array([nan,  2.])], {'more': (array([3.]),), 'n': 4, 'f': <built-in" in text


def test_a_right_average_that_changes_the_gradients_is_told_so():
    source = """def average_shards(gradients, rows):
    for i, n in enumerate(rows):
        gradients[i] *= n
    return sum(gradients) / sum(rows)
"""
    found = written(source, distributed.average_shards)
    assert found.mistake is None and "changed its argument `gradients`" in found.text
    assert "Multiply it by its number of rows" not in found.text


def test_one_call_leaves_the_input_of_the_next_alone():
    """Each outcome sees the input as it was given, whatever was done to it before."""
    calls = list(NESTED.inputs(np.random.default_rng(0)))

    def learners(values, more):
        values[0] *= 2
        more["n"] += 1
        return nested(values, more)

    first, second = (Outcome(learners, calls[1]) for _ in range(2))
    assert first.parts == second.parts and calls[1][0] == [np.array([5.0])] and calls[1][1]["n"] == 7


def test_several_results_are_named():
    def two(x):
        return x, [2 * x]
    pair = Exercise(two, inputs=lambda rng: [(1.0,), (2.0,)], mistakes=[], hints=[], returns=("first", "second"))
    assert pair.diagnose(lambda x: [x, np.array([2 * x])]).passed
    alike = Exercise(lambda x: (x, 2 * x), inputs=lambda rng: [(np.ones(3),)], mistakes=[], hints=[],
                     returns=("a", "b"))
    assert alike.diagnose(lambda x: np.array([x, 2 * x])).passed  # it unpacks as a tuple does
    assert not alike.diagnose(lambda x: x).passed
    assert "I expected 2 numbers, (first, second) and got 1.0 (float)" in said(lambda x: x, pair)
    assert "expected second = [2] and got second = [3]" in said(lambda x: (x, [2 * x + 1]), pair)


# --- what is displayed ------------------------------------------------------------------------------------------------


def test_check_shows_one_message_and_returns_nothing(capsys):
    assert HALVE.check(halve) is None
    assert capsys.readouterr().out == "halve: ✓ as expected on all 3 inputs. Well done.\n"


def test_hints_come_one_by_one_and_then_the_solution(capsys):
    exercise = Exercise(halve, inputs=HALVE.inputs, mistakes=[], hints=["a first", "a second"])
    shown = []
    for _ in range(3):
        exercise.hint()
        shown.append(capsys.readouterr().out)
    assert "1 of 2: a first" in shown[0] and "solution" not in shown[0]
    assert "2 of 2: a second" in shown[1] and "ex.halve.solution()" in shown[1]
    assert "last hint" in shown[2] and "ex.halve.solution()" in shown[2]
    exercise.solution()
    assert "return x / 2 * scale" in capsys.readouterr().out


def test_everything_is_escaped_and_only_code_is_marked_up():
    html = notes.as_html("look", ["<script>&`a<b`", "two"])
    assert "<script>" not in html and "&lt;script&gt;&amp;<code>a&lt;b</code>" in html


def test_what_is_folded_is_folded_as_html_only(capsys):
    notes.note("question", ["<b>", "answer"], folded="Open & see.")
    assert capsys.readouterr().out == "<b>\nanswer\n"
    html = notes.as_html("question", ["<b>", "answer"], folded="Open & see.")
    assert re.search(r"<details><summary>.*&lt;b&gt; Open &amp; see\.</summary><div[^>]*>answer</div></details>", html)
    assert "<details" not in notes.as_html("question", ["<b>", "answer"])


def test_lambda_prints_as_it_can_be_pasted():
    f = Lambda("lambda x: np.exp(x)")
    assert eval(repr(f))(0.0) == f(0.0) == 1


# --- predictions ------------------------------------------------------------------------------------------------------


def question():
    return Prediction("size", "How large?", at_least={"small": 0, "large <b>": 1}, why="Because.")


@pytest.fixture
def displayed(monkeypatch):
    """Display bundles, as in a notebook."""
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: shown.append(bundle))
    for module in ("gdlib.display", "gdlib.lessons.kit.prediction"):
        monkeypatch.setattr(f"{module}.in_ipython", lambda: True)
    return shown


def test_a_prediction_asks_in_text_where_there_are_no_widgets(capsys):
    question().predict()
    assert capsys.readouterr().out.splitlines() == [
        "How large?", "1. small", "2. large <b>", "(Without buttons here, choose by number: `ex.size.predict(2)`.)"]


def test_a_prediction_by_number_is_kept_and_put_beside_the_measurement(capsys):
    q = question()
    q.predict(1)
    q.reveal(3.14159)
    assert capsys.readouterr().out.splitlines()[2:] == ["You said: small", "Measured: 3.142 → large <b>", "Because."]
    q.predict(2)
    q.reveal(3.0, shown="three")
    assert capsys.readouterr().out.splitlines()[2:] == ["You said: large <b> ✓", "Measured: three → large <b>",
                                                        "Because."]


def test_who_was_wrong_is_told_what_the_thought_overlooks(capsys):
    replies = {"small": "It grows at every step.", "large <b>": "It does not stay so."}
    q = Prediction("size", "How large?", at_least={"small": 0, "large <b>": 1}, why="Because.", replies=replies)
    q.predict(1)
    q.reveal(3.0)
    assert capsys.readouterr().out.splitlines()[2:] == [
        "You said: small", "Measured: 3 → large <b>", "It grows at every step.", "Because."]
    q.predict(2)
    q.reveal(3.0)
    assert capsys.readouterr().out.splitlines()[2:] == ["You said: large <b> ✓", "Measured: 3 → large <b>", "Because."]
    with pytest.raises(ValueError, match=r"q's replies must be to its choices, \['a'\]; got \['b'\]"):
        Prediction("q", "?", equal_to={"a": "a"}, why="", replies={"b": ""})


def test_without_a_prediction_the_answer_says_so(capsys):
    question().reveal(0)
    assert capsys.readouterr().out.startswith("You made no prediction.\nMeasured: 0 → small")


def test_the_answer_is_folded_until_there_is_a_prediction(displayed):
    q = question()
    q.reveal(3.0)
    q.predict(2)
    q.reveal(3.0)
    unasked, _, asked = displayed
    head, hidden = unasked["text/html"].split("</summary>")
    assert "<details><summary>" in head and head.endswith("You made no prediction. Open to see what was measured.")
    assert "Measured" not in head and "Measured: 3 → large &lt;b&gt;" in hidden and "Because." in hidden
    assert unasked["text/plain"] == "You made no prediction.\nMeasured: 3 → large <b>\nBecause."
    assert "<details" not in asked["text/html"] and "Measured: 3 → large &lt;b&gt;" in asked["text/html"]
    assert asked["text/plain"] == "You said: large <b> ✓\nMeasured: 3 → large <b>\nBecause."


# Colab's ipywidgets 7.7 makes its comms in a way that ipykernel 6 has deprecated.
with_widgets = pytest.mark.filterwarnings("ignore:The `ipykernel.comm.Comm` class:DeprecationWarning")


@with_widgets
def test_a_prediction_with_widgets(displayed):
    q = question()
    assert q.predict() is None
    (bundle,) = displayed
    view = bundle["application/vnd.jupyter.widget-view+json"]
    box, _, buttons, noted = q._widgets
    assert view == {"version_major": 2, "version_minor": 0, "model_id": box.model_id}
    assert "1. small" in bundle["text/plain"] and "2. large &lt;b&gt;" in bundle["text/html"]
    assert buttons.description and buttons.value is None and q.chosen is None
    buttons.value = 1
    assert q.chosen == 1 and noted.value


@with_widgets
def test_asking_again_leaves_no_widgets_behind_and_keeps_the_choice(displayed):
    q = question()
    q.predict()
    first = q._widgets
    first[2].value = 0
    q.predict()
    assert q._widgets[2].value == 0 and all(w.comm is None for w in first)
    without_view = [{k: v for k, v in b.items() if "widget" not in k} for b in displayed]
    assert without_view[0] == without_view[1]


def test_without_ipywidgets_the_question_stands_alone(displayed, monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    question().predict()
    assert set(displayed[0]) == {"text/plain", "text/html"}


@pytest.mark.parametrize("number", [0, 3, 1.5, "1", True])
def test_a_choice_that_is_none(number):
    with pytest.raises(ValueError, match=re.escape(f"size.predict's number must be from 1 to 2; got {number!r}. Give")):
        question().predict(number)


@pytest.mark.parametrize("measured", [-1e-9, float("nan")])
def test_a_measurement_that_fits_no_choice(measured):
    with pytest.raises(ValueError, match=rf"size's measurement must fit one .*; got {measured}\. Check"):
        question().reveal(measured)


@pytest.mark.parametrize("order", [["low", "middle", "high"], ["middle", "high", "low"]])
def test_a_choice_stands_for_all_numbers_up_to_the_next(order):
    least = {"low": -np.inf, "middle": -2, "high": 5}
    q = Prediction("q", "?", at_least={text: least[text] for text in order}, why="")
    answers = [q.answer(v) for v in [-np.inf, -2.1, -2, 0, np.float64(4.99), np.int64(5), np.inf]]
    assert answers == ["low", "low", "middle", "middle", "middle", "high", "high"]


def test_a_choice_stands_for_the_case_that_it_names():
    q = Prediction("q", "?", equal_to={"it arrives": "arrives", "it is lost": "lost"}, why="")
    assert [q.answer(v) for v in ["lost", "arrives"]] == ["it is lost", "it arrives"]
    with pytest.raises(ValueError, match="got 'late'"):
        q.answer("late")


@pytest.mark.parametrize("name, prediction", PREDICTIONS, ids=[name for name, _ in PREDICTIONS])
def test_a_prediction_of_the_course(name, prediction):
    assert prediction.name == name and prediction.question.endswith("?") and len(prediction.choices) >= 3
    assert [prediction.answer(value) for value in prediction.choices.values()] == list(prediction.choices)
    assert len(prediction.replies) >= len(prediction.choices) - 1
    assert all(reply.endswith((".", "?")) for reply in prediction.replies.values())
