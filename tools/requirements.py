"""Pin the newest versions that pyproject.toml admits, alike for Python 3.11 to 3.13 and every platform.

    python -m tools.requirements      # what `make requirements` calls

requirements.txt is what a learner and Binder install, requirements-dev.txt what the checks need beyond it.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADER = "# Written by `make requirements` from pyproject.toml: change that, not this.\n"


def compile_pins(*extras: str) -> list[str]:
    """Pinned requirements of gdlib with these extras, one version of a package for all Pythons."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", "--quiet", "--upgrade", "--universal"]
    command += ["--python-version=3.11", "--fork-strategy=fewest", "--no-header", "--no-annotate"]
    command += [f"--extra={extra}" for extra in extras]
    result = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return result.stdout.splitlines(keepends=True)


def main():
    course = compile_pins("lab", "test")
    everything = compile_pins("lab", "test", "dev")
    (ROOT / "requirements.txt").write_text(HEADER + "-e .\n" + "".join(course), newline="\n")
    more = [pin for pin in everything if pin not in course]
    (ROOT / "requirements-dev.txt").write_text(HEADER + "-r requirements.txt\n" + "".join(more), newline="\n")


if __name__ == "__main__":
    main()
