"""The package as a whole: what importing it loads, and what it says."""
import doctest
import subprocess
import sys
from importlib import import_module

import pytest

import gdlib as gd


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


@pytest.mark.parametrize("module", ["descent", "optimizers", "objectives", "models", "schedules", "analysis", "data"])
def test_examples_in_docstrings(module):
    failed, _ = doctest.testmod(import_module(f"gdlib.{module}"))
    assert failed == 0
