import importlib

from gdlib import data, ready


def test_here_all_but_the_notebook_is_ready(capsys):
    ready.check()
    *lines, last = capsys.readouterr().out.splitlines()
    assert len(lines) == 4 + len(data.FILES)
    assert all(line.startswith("✓") for line in lines)
    assert last.startswith("✗ a notebook: no.")


def test_a_missing_package_and_a_missing_file_are_named_with_the_remedy(capsys, monkeypatch, tmp_path):
    def missing(name):
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr(importlib, "import_module", missing)
    monkeypatch.setattr(data, "FOLDER", tmp_path)
    ready.check()
    out = capsys.readouterr().out
    assert "✗ numpy, for arrays: no. No module named 'numpy' `pip install -r requirements.txt`" in out
    assert "✗ data/digits.csv, every byte of it: no. data/digits.csv is missing" in out
