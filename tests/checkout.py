"""A copy of this checkout as it stands, for tests that change files or clone."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tools.notebooks import ROOT

NAMELESS = ["-c", "user.name=Nobody", "-c", "user.email=nobody@example.org", "-c", "commit.gpgsign=false"]


def git(folder: Path, *command: str) -> bytes:
    """What git answers in this folder."""
    return subprocess.run(["git", *command], cwd=folder, check=True, capture_output=True).stdout


def copied(folder: Path) -> Path:
    """A repository of one commit in this folder: the files that git tracks here, and new ones it does not ignore."""
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("NO CHECKOUT TEST: this is not a git checkout, or git is missing")
    for name in git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard").decode().split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, *NAMELESS, "-c", "core.autocrlf=false", "add", "--all")
    git(folder, *NAMELESS, "commit", "--quiet", "--message=copy")
    return folder
