"""The package as a whole: what importing it loads, how it is documented, and that its functions stay small."""
import ast
import doctest
import inspect
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import gdlib as gd
from gdlib import analysis

CORE = "objectives models networks optimizers after_adam schedules oracles descent checks analysis data".split()


def test_importing_gdlib_loads_numpy_alone():
    code = (
        "import numpy, sys; before = set(sys.modules); import gdlib; "
        "print(*{m.split('.')[0] for m in set(sys.modules) - before})"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not set(out) & {"matplotlib", "ipywidgets", "IPython", "tqdm", "distributed", "PIL"}
    assert "gdlib" in out


@pytest.mark.parametrize("name", gd.__all__)
def test_every_public_name_is_there_and_says_what_it_is(name):
    assert getattr(gd, name).__doc__


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(AttributeError, match="gdlib has no 'adamm'; it has"):
        _ = gd.adamm


@pytest.mark.parametrize("module", CORE)
def test_examples_in_docstrings(module):
    failed, _ = doctest.testmod(import_module(f"gdlib.{module}"))
    assert failed == 0


PUBLIC = {name: getattr(gd, name) for name in gd.__all__ if inspect.isroutine(getattr(gd, name))} | {
    name: getattr(gd, name) for name in ("LeastSquares", "LogisticRegression", "SoftmaxRegression", "MLP")
} | {name: value for name, value in vars(analysis).items()
     if inspect.isfunction(value) and value.__module__ == analysis.__name__ and not name.startswith("_")}


@pytest.mark.parametrize("name", PUBLIC)
def test_every_parameter_has_a_hint_and_stands_in_the_docstring(name):
    why = "NO DOCSTRING TEST: numpydoc is missing (pip install -r requirements-dev.txt)"
    docscrape = pytest.importorskip("numpydoc.docscrape", reason=why)
    thing = PUBLIC[name]
    signature = inspect.signature(thing)
    for parameter in signature.parameters.values():
        assert parameter.annotation is not parameter.empty, parameter
    assert inspect.isclass(thing) or signature.return_annotation is not signature.empty
    doc = docscrape.get_doc_object(thing)
    documented = {part.strip() for parameter in doc["Parameters"] for part in parameter.name.split(",")}
    if documented:
        assert documented == set(signature.parameters)
    else:
        assert all(parameter in inspect.getdoc(thing) for parameter in signature.parameters)


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
