"""GitHub's workflows: valid by actionlint, frugal with rights and time, and calling what there is."""

import os
import re
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import yaml

from tools.notebooks import ROOT

FOLDER = ROOT / ".github" / "workflows"
PATHS = sorted(FOLDER.glob("*.yml"))
WORKFLOWS = {path.name: yaml.safe_load(path.read_text(encoding="utf-8")) for path in PATHS}
JOBS = {f"{name}: {job}": spec for name, workflow in WORKFLOWS.items() for job, spec in workflow["jobs"].items()}
COMMANDS = [step["run"] for job in JOBS.values() for step in job["steps"] if "run" in step]


def actionlint(*arguments, **options):
    """What actionlint says of workflows; it comes with requirements-dev.txt."""
    program = shutil.which("actionlint", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if program is None:
        pytest.skip("NO WORKFLOW TEST: actionlint is missing (pip install -r requirements-dev.txt)")
    command = [program, "-no-color", "-shellcheck=", "-pyflakes=", *arguments]  # whether or not those are installed
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", cwd=ROOT, **options)


def test_actionlint_finds_nothing():
    assert len(PATHS) == 3
    result = actionlint(*map(str, PATHS))
    assert (result.returncode, result.stdout) == (0, ""), result.stdout + result.stderr


@pytest.mark.parametrize("old, new, complaint", [
    ("matrix.system", "matrix.sistem", 'property "sistem" is not defined'),
    ("ubuntu-latest", "ubuntu-yesterday", 'label "ubuntu-yesterday" is unknown'),
    ("persist-credentials", "keep-credentials", 'input "keep-credentials" is not defined'),
    ("runs-on:", "runs-at:", '"runs-on" section is missing'),
])
def test_actionlint_would_find_a_slip(old, new, complaint):
    slip = (FOLDER / "test.yml").read_text(encoding="utf-8").replace(old, new)
    result = actionlint("-", input=slip)
    assert result.returncode == 1 and complaint in result.stdout


PUBLISHING = {"pages": "write", "id-token": "write"}  # what GitHub Pages needs


def test_only_the_site_is_published():
    assert [name for name, workflow in WORKFLOWS.items() if len(workflow["permissions"]) > 1] == ["site.yml"]


@pytest.mark.parametrize("workflow", WORKFLOWS.values(), ids=WORKFLOWS)
def test_a_workflow_reads_the_code_and_nothing_more_and_stops_for_a_newer_one(workflow):
    assert workflow["permissions"].items() - PUBLISHING.items() == {("contents", "read")}
    assert workflow["concurrency"]["cancel-in-progress"] is True


@pytest.mark.parametrize("job", JOBS.values(), ids=JOBS)
def test_a_job_has_a_time_limit_and_runs_actions_of_github_alone(job):
    assert 0 < job["timeout-minutes"] <= 360 and "permissions" not in job
    actions = [step["uses"] for step in job["steps"] if "uses" in step]
    assert actions and all(re.fullmatch(r"actions/[\w-]+@v\d+", action) for action in actions)


def test_the_first_lessons_are_run_on_every_system_and_python_that_the_readme_names():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    matrix = JOBS["test.yml: first-lessons"]["strategy"]["matrix"]
    assert [name.split("-")[0] for name in matrix["system"]] == ["ubuntu", "windows", "macos"]
    assert "Python {}, {}, {} or {}.".format(*matrix["python"]) in readme


def test_the_commands_suit_every_shell():
    commands = [step["run"] for step in JOBS["test.yml: first-lessons"]["steps"] if "run" in step]
    assert len(commands) == 3
    for command in commands:
        assert re.match(r"python -[mc] ", command) and not re.search(r"[\\$'\n]|&&", command), command


def test_every_target_of_make_that_is_named_exists():
    named = "\n".join([*COMMANDS, (ROOT / "README.md").read_text(encoding="utf-8")])
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    called = set(re.findall(r"(?:^|`)make ([a-z][a-z-]*)", named, re.M))
    assert {"lab", "test", "test-matrix", "test-launch"} <= called <= targets


def test_every_file_that_a_command_names_exists():
    words = {word for command in COMMANDS for word in command.split()}
    names = {word for word in words if re.fullmatch(r"notebooks|[\w./-]+\.(py|txt|ipynb)", word)}
    assert "requirements.txt" in names and not [name for name in names if not (ROOT / name).exists()]


def test_what_windows_warns_of_in_every_notebook_is_no_failure():
    warnings.warn(  # pyzmq's words
        "Proactor event loop does not implement add_reader family of methods required for zmq. Registering an "
        "additional selector thread for add_reader support via tornado.", RuntimeWarning, stacklevel=1,
    )
