"""What the README tells people to type works: its Python, its commands, and its lines for Windows."""

import os
import re
import subprocess
import sys
import sysconfig

import pytest

from tools.notebooks import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.M | re.S)
PYTHON = [code for language, code in BLOCKS if language == "python"]
WINDOWS = [line for _, code in BLOCKS for line in code.splitlines() if line.startswith(("py ", ".venv\\"))]


def test_every_python_block_runs_but_the_one_that_needs_a_cluster():
    elsewhere = [code for code in PYTHON if 'address="tls://' in code]
    assert len(elsewhere) == 1 and compile(elsewhere[0], "README.md", "exec")
    here = "\n".join(code for code in PYTHON if code not in elsewhere)
    told = re.search(r"^(network\.accuracy\(.*\)) +# (0\.\d+), on rows it has never seen$", here, re.M)
    checks = [
        "assert not set(train) & set(test)",
        f"assert round({told[1]}, 2) == {told[2]}, {told[1]}",
        "assert run.loss[-1] < 0.5 * run.loss[0]",
    ]
    program = "\n".join([here, *checks])  # not in a file, as in a notebook: worker processes would import the file
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr


def test_the_code_comes_first_then_the_two_commands():
    places = [README.index(text) for text in ("git clone --branch", "/archive/refs/heads/", "make lab\nmake test\n")]
    assert places == sorted(places)
    assert README.index("## Get the code") == README.index("\n## ") + 1


def test_the_lines_for_windows_suit_both_of_its_shells():
    assert len(WINDOWS) == 6
    for line in WINDOWS:
        assert re.match(r"py -3\.1[1-4] -m venv \.venv$|\.venv\\Scripts\\python -m (pip|jupyter|ruff|pytest)\b", line)
        assert not re.search(r"[#;&|$%'\"]|activate", line), line
    named = re.findall(r"\S+\.(?:txt|ipynb)", "\n".join(WINDOWS))
    assert len(named) == 3
    for name in named:
        assert (ROOT / name.replace("\\", "/")).is_file(), name


@pytest.mark.parametrize("package, command, installed_by", [
    ("jupyterlab", "jupyter lab", "requirements.txt"),
    ("pytest", "pytest", "requirements.txt"),
    ("ruff", "ruff check", "requirements-dev.txt"),
])
def test_what_those_lines_call_is_what_they_install(package, command, installed_by):
    assert any(f" -m {command}" in line for line in WINDOWS)
    assert f"\n{package}==" in (ROOT / installed_by).read_text(encoding="utf-8")


def test_a_folder_of_the_length_that_the_readme_allows_fits_on_windows():
    allowed = int(re.search(r"a folder whose path has at most (\d+) characters", README)[1])
    packages = sysconfig.get_path("purelib")
    installed = max(len(os.path.join(folder, name)) for folder, _, names in os.walk(packages) for name in names)
    longest = len(r"\.venv\Lib\site-packages") + installed - len(packages)
    assert allowed + longest < 260
    said = int(re.search(r"takes about (\d+) of them below the course's folder", README)[1])
    assert longest <= said + 5
