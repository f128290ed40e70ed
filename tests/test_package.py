"""The package as a whole: two buildings, what importing loads, how it is documented, and that functions stay small."""
import ast
import doctest
import inspect
import re
import subprocess
import sys
import warnings
from functools import cached_property
from graphlib import TopologicalSorter
from importlib import import_module
from importlib.util import find_spec, resolve_name
from pathlib import Path
from types import FunctionType

import pytest

import gdlib as gd
from gdlib.lessons import table
from tools.notebooks import ROOT

PACKAGE = Path(gd.__file__).parent
MODULES = {
    ".".join(["gdlib", *path.relative_to(PACKAGE).with_suffix("").parts]).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
LIBRARY = [name for name in MODULES if not name.startswith("gdlib.lessons")]
WORDS = [lesson.word for lesson in table()]


def imported(name):
    """The modules of gdlib that a module imports, at its head or inside a function."""
    found, path = set(), MODULES[name]
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    tree.body = [node for node in tree.body if "TYPE_CHECKING" not in ast.unparse(node)]  # for hints: never imported
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            source = resolve_name("." * node.level + (node.module or ""), package)
            inside = {f"{source}.{alias.name}" for alias in node.names} & MODULES.keys()
            found |= inside or {source}
    return {module for module in found if module.split(".")[0] == "gdlib"}


def test_the_library_knows_nothing_of_lessons():
    assert LIBRARY and "gdlib.rules.adaptive" in LIBRARY
    assert {name: imported(name) for name in LIBRARY if any("lessons" in module for module in imported(name))} == {}


def test_a_lesson_knows_the_library_the_kit_and_no_other_lesson():
    for name in sorted(MODULES.keys() - set(LIBRARY)):
        room = name.split(".")[2] if name.count(".") > 1 else ""
        allowed = {"", "kit"} | ({room} if room in WORDS else set())
        course = [module for module in imported(name) if module.startswith("gdlib.lessons")]
        rooms = {module.split(".")[2] if module.count(".") > 1 else "" for module in course}
        assert rooms <= allowed, name
        assert room in {"", "kit", *WORDS}, name


def test_imports_go_in_no_circle():
    # every import of `gdlib` itself stands outside what gdlib's __init__ imports
    graph = {name: imported(name) - {"gdlib"} for name in MODULES if name != "gdlib"}
    assert list(TopologicalSorter(graph).static_order())
    needed, todo = set(), list(imported("gdlib"))
    while todo:
        module = todo.pop()
        needed.add(module)
        todo += graph[module] - needed
    assert not [module for module in needed if "gdlib" in imported(module)]


@pytest.mark.parametrize("lesson", [lesson for lesson in table() if find_spec(f"gdlib.lessons.{lesson.word}")],
                         ids=lambda lesson: lesson.word)
def test_a_lessons_rooms(lesson):
    for room in ("exercises", "explorers"):
        text = inspect.getdoc(import_module(f"gdlib.lessons.{lesson.word}.{room}"))
        assert text.startswith(f"Lesson {lesson.number}: "), text


NUMPY_ALONE = """
import sys

class Refused:
    def find_spec(name, path=None, target=None):
        if name.split(".")[0] not in {"numpy", "gdlib", *sys.stdlib_module_names}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Refused)
import gdlib as gd
X, y = gd.data.load("digits")
model = gd.SoftmaxRegression(X, y)
run = gd.run(model, gd.adam(0.01), [0.0] * model.dim, 3)
assert run.loss[-1] < run.loss[0]
assert gd.analysis.check_gradient(gd.rosenbrock, gd.rosenbrock.grad, [1.0, 2.0])
gd.conventions, gd.checkpoints
"""


def test_the_library_needs_numpy_alone():
    done = subprocess.run([sys.executable, "-c", NUMPY_ALONE], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", gd.__all__)
def test_every_public_name_is_there_and_says_what_it_is(name):
    assert getattr(gd, name).__doc__


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(AttributeError, match="gdlib has no 'adamm'; it has"):
        _ = gd.adamm


WITH_EXAMPLES = [name for name, path in MODULES.items() if ">>> " in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_examples_in_docstrings(module):
    failed, tried = doctest.testmod(import_module(module))
    assert tried and failed == 0


# Of gdlib.distributed, what the package gives; its modules' other names are theirs.
DOCUMENTED = [name for name in LIBRARY if not name.startswith("gdlib.distributed")]


def public(module):
    """The functions and classes that a module gives: those in its __all__, or all without an underscore."""
    module = import_module(module)
    names = getattr(module, "__all__", [name for name in vars(module) if not name.startswith("_")])
    things = {name: getattr(module, name) for name in names}
    return {
        f"{module.__name__}.{name}": thing
        for name, thing in things.items()
        if (inspect.isfunction(thing) or inspect.isclass(thing)) and thing.__module__ == module.__name__
    }


PUBLIC = {name: thing for module in DOCUMENTED for name, thing in public(module).items()} | {
    f"gdlib.distributed.{name}": getattr(gd.distributed, name) for name in gd.distributed.__all__
}
METHODS = {  # one without a docstring of its own shows that of its base
    f"{name}.{method}": value
    for name, thing in PUBLIC.items()
    if inspect.isclass(thing)
    for method, value in vars(thing).items()
    if not method.startswith("_") and isinstance(value, FunctionType | property | cached_property)
    and (value.__doc__ or not inspect.getdoc(value))
}


@pytest.mark.parametrize("name", PUBLIC)
def test_every_parameter_has_a_hint(name):
    signature = inspect.signature(PUBLIC[name])
    for parameter in signature.parameters.values():
        assert parameter.annotation is not parameter.empty or parameter.kind is parameter.VAR_KEYWORD, parameter
    assert inspect.isclass(PUBLIC[name]) or signature.return_annotation is not signature.empty


# numpydoc's codes that the docstrings keep. Left out are GL01, as old versions want the summary below the quotes; SS05,
# as "Adam's" ends like a verb in the third person; and what is not wanted of every function: an extended summary
# (ES01), a Returns section (RT01) that describes more than its type (RT03), See Also (SA01), Examples (EX01).
CODES = {
    "GL02", "GL03", "GL05", "GL06", "GL07", "GL08", "GL09", "GL10",  # layout; sections, known and in order
    "SS01", "SS02", "SS03", "SS04", "SS06",  # the summary: one line, a capital letter, a full stop
    "PR01", "PR02", "PR03", "PR04", "PR05", "PR06", "PR07", "PR08", "PR09", "PR10",  # every parameter: `name : type`
    "RT02", "RT04", "RT05", "YD01",  # Returns and Yields
}


def numpydocs(module):
    return pytest.importorskip(
        f"numpydoc.{module}", reason="NO DOCSTRING TEST: numpydoc is missing (pip install -r requirements-dev.txt)"
    )


@pytest.mark.parametrize("name", [*PUBLIC, *METHODS])
def test_a_docstring_is_numpydocs(name):
    validate = numpydocs("validate").validate
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an old numpydoc's own, on a newer Python
        errors = [(code, message) for code, message in validate(name)["errors"] if code in CODES]
    assert not errors


@pytest.mark.parametrize("name", [*PUBLIC, *METHODS])
def test_an_error_stands_on_its_own_line_above_its_reason(name):
    doc = numpydocs("docscrape").get_doc_object((PUBLIC | METHODS)[name])
    for error in doc["Raises"] + doc["Warns"]:
        assert error.type and error.desc and not error.name, error


WITH_AN_EXAMPLE = ("gdlib.rules.", "gdlib.schedules.", "gdlib.oracles.", "gdlib.models.", "gdlib.networks.",
                   "gdlib.normalised.", "gdlib.recurrent.", "gdlib.objectives.")


@pytest.mark.parametrize("name", [name for name in PUBLIC if name.startswith(WITH_AN_EXAMPLE)])
def test_every_rule_schedule_oracle_model_and_objective_has_an_example(name):
    assert ">>> " in PUBLIC[name].__doc__


FUNCTIONS = [
    pytest.param(node, id=f"{path.stem}.{node.name}")
    for path in sorted(Path(gd.__file__).parent.rglob("*.py"))
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
]
BLOCKS = ast.For | ast.While | ast.If | ast.With | ast.Try


def lines(function):
    """The lines of a function without its docstring."""
    text = ast.get_docstring(function, clean=False) or ""
    return function.end_lineno - function.lineno + 1 - len(text.splitlines())


def depth(node, above=0):
    """How many blocks stand in each other below a node; an `elif` stands beside its `if`, a function begins anew."""
    deepest = above
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            continue
        beside = isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]
        deepest = max(deepest, depth(child, above + (isinstance(child, BLOCKS) and not beside)))
    return deepest


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_reads_at_one_glance(function):
    assert lines(function) <= (50 if function.name == "draw" else 40)  # an explorer's axes and artists, in a row
    assert depth(function) <= 3


def test_the_sites_reference_has_every_room():
    source = (ROOT / "gdlib" / "__init__.py").read_text(encoding="utf-8")
    rooms = {*re.findall(r"^from (gdlib[\w.]+) import \*", source, re.M), *(f"gdlib.{room}" for room in gd._ROOMS)}
    reference = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    assert rooms == set(re.findall(r"^\.\. automodule:: ([\w.]+)$", reference, re.M))
