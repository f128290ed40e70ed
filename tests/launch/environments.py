"""Fresh environments, a fresh clone, and the Pythons of this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tools.notebooks import ROOT

PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
# What would lead a fresh environment back to this one.
OURS = ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONHOME", "JUPYTER_PATH", "COLAB_RELEASE_TAG")


def interpreter(version: str) -> str:
    """A Python of this version that runs: this one, or one of the PATH or of pyenv."""
    here = [sys._base_executable] if sys.version.startswith(f"{version}.") else []
    for python in [*here, f"python{version}", *map(str, PYENV.glob(f"{version}.*/bin/python"))]:
        if shutil.which(python) and subprocess.run([python, "-c", ""], capture_output=True).returncode == 0:
            return python
    raise FileNotFoundError(f"MISSING: Python {version} must be on the PATH or in pyenv; got none. Install it.")


def run(*command, cwd=None, env=None, quiet=False):
    """Run a command, say so and how long it took; its output where it fails."""
    start = time.monotonic()
    result = subprocess.run([str(part) for part in command], cwd=cwd, env=env, capture_output=True, text=True)
    if not quiet:
        said = " ".join(map(str, command)).replace(str(Path(sys.prefix)), "").strip()
        print(f"  {time.monotonic() - start:5.1f} s  {said[:150]}", flush=True)
    assert result.returncode == 0, f"{command}\n{result.stdout[-3000:]}\n{result.stderr[-3000:]}"
    return result.stdout


class Environment:
    """A virtual environment of its own, that sees nothing of this one."""

    def __init__(self, folder: Path, version: str, *packages: str):
        self.folder = folder
        self.bin = folder / ("Scripts" if os.name == "nt" else "bin")
        self.python = self.bin / "python"
        uv("venv", "--quiet", f"--python={interpreter(version)}", folder)
        self.install(*packages)

    def install(self, *packages: str):
        if packages:
            uv("pip", "install", "--quiet", f"--python={self.python}", *packages)

    @property
    def env(self) -> dict:
        """The variables of a shell in which it is active."""
        kept = {name: value for name, value in os.environ.items() if name not in OURS}
        path = os.pathsep.join([str(self.bin), kept["PATH"]])
        own = {"PATH": path, "VIRTUAL_ENV": str(self.folder), "OPENBLAS_NUM_THREADS": "1"}
        # Neither this user's settings nor kernels.
        folders = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
        return kept | own | {name: str(self.folder / "home" / name) for name in folders}


def uv(*arguments):
    return run(sys.executable, "-m", "uv", *arguments)


def clone(folder: Path) -> Path:
    """HEAD of this checkout, and nothing else: what git would bring to another machine."""
    run("git", "clone", "--quiet", ROOT.as_uri(), folder)
    if changed := run("git", "status", "--porcelain", cwd=ROOT, quiet=True):
        print(f"  NOTE: what is not committed is not tested here:\n{changed}")
    return folder


def requirements(*names: str) -> list[str]:
    """The course's pins of these packages, or of all."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if "==" in line]
    return [pin for pin in pins if not names or pin.split("==")[0] in names]
