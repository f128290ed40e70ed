"""A clone has the bytes that were committed, whatever git's settings do to line endings."""

import hashlib
import subprocess

import pytest

import gdlib as gd
from tests.checkout import copied, git


@pytest.mark.parametrize("setting", ["core.autocrlf=true", "core.eol=crlf"])
def test_a_clone_keeps_every_byte_where_git_would_turn_line_endings(tmp_path, setting):
    (tmp_path / "here").mkdir()
    here, there = copied(tmp_path / "here"), tmp_path / "there"
    subprocess.run(["git", "-c", setting, "clone", "--quiet", here, there], check=True)
    names = [name for name in git(there, "ls-files", "-z").decode().split("\0") if name]
    assert ".ci/run" in names and "notebooks/00_start_here.ipynb" in names
    changed = [name for name in names if (there / name).read_bytes() != git(there, "cat-file", "blob", f":{name}")]
    assert changed == []
    assert b"\r" not in (there / ".ci" / "run").read_bytes()
    for name, checksum in gd.data.FILES.items():
        assert hashlib.sha256((there / "data" / f"{name}.csv").read_bytes()).hexdigest() == checksum


def test_a_file_saved_with_windows_line_endings_is_committed_without_them_but_data_as_it_is(tmp_path):
    here = copied(tmp_path)
    for name in ("README.md", "data/parabola.csv"):
        (here / name).write_bytes((here / name).read_bytes().replace(b"\n", b"\r\n"))
    git(here, "-c", "core.safecrlf=false", "add", "--all")
    assert git(here, "diff", "--cached", "--name-only").split() == [b"data/parabola.csv"]
