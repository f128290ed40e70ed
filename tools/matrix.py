"""The tests on other versions than the pinned ones: the newest, the lowest that pyproject admits, and Colab's.

    python -m tools.matrix [newest | lowest | lab | colab …]      # without a name all: what `make test-matrix` calls

Each environment is made anew under .venv-matrix/. In it the notebooks' verdicts are compared instead of their text.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools.notebooks import REPOSITORY, ROOT

HOME = ROOT / ".venv-matrix"
LOWEST = "--resolution=lowest-direct"
TEST_TOOLS = ["pytest", "nbval", "nbclient", "nbconvert", "hypothesis"]
COLAB = [
    "ipython==7.34.0", "ipykernel==6.17.1", "ipywidgets==7.7.1", "numpy==2.0.2", "matplotlib==3.10.0", "tqdm",
    "distributed", "threadpoolctl",
]
NO_BROWSER = ["tests", "--ignore=tests/browser"]
# An old release calls what newer releases of other packages deprecate: not ours to mend.
OLD = ["-W", "ignore::DeprecationWarning"]

# name: (Python, what is installed, what pytest runs)
ENVIRONMENTS = {
    "newest": ("3.13", ["-e.[test]"], NO_BROWSER),
    "lowest": ("3.11", ["-e.[test]", LOWEST], NO_BROWSER + OLD),
    "lab": ("3.11", ["-e.[lab,test,dev]", LOWEST], ["tests/browser"] + OLD),
    "colab": ("3.12", COLAB + TEST_TOOLS, NO_BROWSER + OLD),
}
# On Colab gdlib is not installed: the set-up cell clones it, here from this checkout in place of its public address.
AS_ON_COLAB = {
    "COLAB_RELEASE_TAG": "emulated",
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": f"url.{ROOT.as_uri()}.insteadOf",
    "GIT_CONFIG_VALUE_0": REPOSITORY,
}


def interpreter(version: str) -> str | None:
    """A Python of this version that runs, of the PATH or of pyenv."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for python in [f"python{version}", *map(str, pyenv.glob(f"{version}*/bin/python"))]:
        if shutil.which(python) and subprocess.run([python, "-c", ""], capture_output=True).returncode == 0:
            return python
    return None


def run(name: str) -> bool:
    """Make the environment and run its tests; whether all passed."""
    version, packages, tests = ENVIRONMENTS[name]
    found = interpreter(version)
    if found is None:
        print(f"=== {name}: FAILED, no Python {version} on the PATH or in pyenv; install it (pyenv install {version})")
        return False
    print(f"=== {name}: Python {version}, {' '.join(packages)}", flush=True)
    folder, uv = HOME / name, [sys.executable, "-m", "uv", "--quiet"]
    python = folder / "bin" / "python"
    subprocess.run([*uv, "venv", "--clear", f"--python={found}", folder], check=True)
    subprocess.run([*uv, "pip", "install", f"--python={python}", *packages], cwd=ROOT, check=True)
    env = os.environ | (AS_ON_COLAB if name == "colab" else {})
    return subprocess.run([python, "-m", "pytest", "-q", *tests], cwd=ROOT, env=env).returncode == 0


def main(*names: str) -> int:
    results = {name: run(name) for name in names or ENVIRONMENTS}
    print(*(f"=== {name}: {'passed' if passed else 'FAILED'}" for name, passed in results.items()), sep="\n")
    return not all(results.values())


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
