import importlib
import io
import subprocess
import sys

import pytest

from gdlib import data
from gdlib.lessons.kit import ready


def test_here_all_but_the_notebook_is_ready(capsys):
    ready.check()
    *lines, last = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(ready.PACKAGES) + len(data.FILES)
    assert all(line.startswith("✓") for line in lines)
    assert any("distributed" in line for line in lines)
    assert last.startswith("✗ a notebook: no.")


def test_a_missing_package_and_a_missing_file_are_named_with_the_remedy(capsys, monkeypatch, tmp_path):
    def missing(name):
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr(importlib, "import_module", missing)
    monkeypatch.setattr(data, "FOLDER", tmp_path)
    ready.check()
    out = capsys.readouterr().out
    assert "✗ numpy, for arrays: no. No module named 'numpy' `pip install -r requirements.txt`" in out
    assert "✗ distributed, for many workers: no. No module named 'distributed'" in out
    assert "✗ data/digits.csv, every byte of it: no. data/digits.csv is missing" in out


@pytest.mark.parametrize("version, answer", [((3, 10), "✗"), ((3, 11), "✓"), ((3, 14), "✓"), ((3, 15), "✗")])
def test_pythons_before_and_after_those_of_the_course_are_refused(capsys, monkeypatch, version, answer):
    monkeypatch.setattr(sys, "version_info", (*version, 0))
    assert ready.answer([next(ready.questions(workers=False))]) == (answer == "✗")
    assert capsys.readouterr().out.startswith(f"{answer} Python 3.11 to 3.14")


def test_in_a_terminal_it_asks_a_worker_too_and_its_status_says_whether_all_is_there():
    told = {"capture_output": True, "encoding": "utf-8", "timeout": 120}
    done = subprocess.run([sys.executable, "-m", ready.__name__], **told)
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.splitlines()[-1] == "✓ a worker process that starts, answers and stops"
    run = f"runpy.run_module('{ready.__name__}', None, '__main__')"
    done = subprocess.run([sys.executable, "-c", f"import sys, runpy; sys.modules['ipywidgets'] = None; {run}"], **told)
    assert done.returncode == 1 and "✗ ipywidgets, for sliders: no." in done.stdout


def test_a_worker_that_does_not_start_is_told(monkeypatch, capsys):
    def broken(*args, **options):
        raise ConnectionError("no port is free")

    monkeypatch.setattr("gdlib.distributed.workers", broken)
    ready.check(workers=True)
    assert "✗ a worker process that starts, answers and stops: no. no port is free\n" in capsys.readouterr().out


def test_a_console_that_knows_no_check_mark(monkeypatch):
    console = io.TextIOWrapper(io.BytesIO(), encoding="cp1252", errors="strict")
    monkeypatch.setattr(sys, "stdout", console)
    ready.answer([("numpy, for η", None), ("data", "gone")])
    console.flush()
    assert console.buffer.getvalue().decode("cp1252").splitlines() == ["[ok] numpy, for eta", "[no] data: no. gone"]


def test_the_slider_says_when_the_front_end_answers():
    """First a report of the number of views, as a front end sends it when it shows the widget; then a move."""
    pytest.importorskip("ipywidgets")
    slider, said = ready.slider_to_try().children
    assert said.value.startswith("○ Waiting")
    slider.set_state({"_view_count": 1})
    assert said.value == "✓ sliders work: Python got 5 from the notebook"
    slider.set_state({"value": 7})
    assert said.value == "✓ sliders work: Python got 7 from the notebook"
