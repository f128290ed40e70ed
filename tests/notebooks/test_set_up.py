"""The set-up cell, where learners open a lesson: from several folders, with and without gdlib installed, on Colab."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.notebooks import REPOSITORY, ROOT, set_up_of

SET_UP = set_up_of("04_momentum.ipynb")

# What runs the cell: an IPython that sees no gdlib of this environment and lacks some packages.
SHELL = """
import json, os, sys
cell, missing = json.loads(sys.argv[1])
from IPython.core.interactiveshell import InteractiveShell
sys.path[:] = [p for p in sys.path if os.path.abspath(p or ".") != os.environ["HIDDEN"]]

class Missing:
    def find_spec(name, path=None, target=None):
        if name in missing:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing)
result = InteractiveShell.instance().run_cell(cell)
gd = sys.modules.get("gdlib")
print("RESULT", json.dumps([str(result.error_in_exec or ""), gd and gd.__file__]))
"""


def run(folder: Path, *missing: str, **variables: str):
    """The cell's error in words, '' for none; the gdlib that it found; and all that it printed."""
    command = [sys.executable, "-c", SHELL, json.dumps([SET_UP, missing])]
    env = os.environ | {"HIDDEN": str(ROOT), "IPYTHONDIR": str(folder / ".ipython")} | variables
    env.pop("PYTHONPATH", None)
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, encoding="utf-8", timeout=300)
    printed, _, result = done.stdout.rpartition("RESULT ")
    error, found = json.loads(result)
    return error, found, printed + done.stderr


@pytest.fixture
def course(tmp_path):
    """A course's folder, with a space in its name, and no more in it than its package."""
    (tmp_path / "a course" / "notebooks" / "trials").mkdir(parents=True)
    (tmp_path / "a course" / "gdlib").symlink_to(ROOT / "gdlib", target_is_directory=True)
    return tmp_path / "a course"


@pytest.mark.parametrize("folder", [".", "notebooks", "notebooks/trials"])
def test_the_course_beside_the_notebook_is_found(course, folder):
    error, found, printed = run(course / folder)
    assert error == "" and printed == ""
    assert Path(found) == course / "gdlib" / "__init__.py"


def test_where_no_course_is_beside_it_says_where_to_get_it(tmp_path):
    error, found, _ = run(tmp_path)
    assert error == (f'gdlib is missing: in a new cell %pip install "gdlib[lessons] @ git+{REPOSITORY}" '
                     "(fails? ask for its address), then restart")
    assert found is None


@pytest.mark.parametrize("package", ["numpy", "matplotlib", "ipywidgets"])
def test_a_missing_package_is_named_with_what_brings_it(course, package):
    error, *_ = run(course / "notebooks", package)
    assert error == f'{package} is missing: in a new cell %pip install "{course}[lessons]", then restart'


def test_on_colab_a_failed_clone_is_told_in_one_sentence_without_gits_own(tmp_path):
    nowhere = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"url.{(tmp_path / 'none').as_uri()}.insteadOf",
               "GIT_CONFIG_VALUE_0": REPOSITORY}
    error, _, printed = run(tmp_path, COLAB_RELEASE_TAG="emulated", **nowhere)
    assert error.startswith('gdlib is missing: in a new cell %pip install "gdlib[lessons] @ git+')
    assert "fatal" not in printed and "repository" not in printed
