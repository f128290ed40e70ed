"""The tests where the stored outputs were not made: other Pythons, versions, processors' kernels, and under load.

    make test-matrix                                   # everything: hours
    python -m nox --list                               # what there is
    python -m nox -s "newest-3.14" "kernels(Haswell)"  # some of it

A Python that is not on this machine is an error of its session, not a skip. On other versions than the pinned ones the
lessons' verdicts are compared instead of their text.
"""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import nox

from tests.kernels import KERNELS, cannot
from tools import colab as google

nox.options.default_venv_backend = "uv"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = True

# pyenv's own names for its Pythons do not run while another one is chosen: look at where they really are.
PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
os.environ["PATH"] = os.pathsep.join([*map(str, PYENV.glob("3.*/bin")), os.environ["PATH"]])

PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
NO_BROWSER = ["tests", "--ignore=tests/browser"]
LESSONS = "tests/notebooks/test_executed.py"
# An old release calls what newer releases of other packages deprecate: not ours to mend.
OLD = ["-W", "ignore::DeprecationWarning"]
TEST_TOOLS = ["pytest", "nbval", "nbclient", "nbconvert", "hypothesis"]


def pytest(session, *args, python="python", env=None):
    """Run pytest with one BLAS thread, as the Makefile does."""
    session.run(python, "-m", "pytest", "-q", *args, env={"OPENBLAS_NUM_THREADS": "1", **(env or {})}, external=True)


@nox.session(python=PYTHONS)
def newest(session):
    """The newest versions of everything that pyproject.toml admits."""
    session.install("-e.[test]")
    pytest(session, *NO_BROWSER)


@nox.session(python="3.11")
def lowest(session):
    """The lowest versions that pyproject.toml admits."""
    session.install("-e.[test]", "--resolution=lowest-direct")
    pytest(session, *NO_BROWSER, *OLD)


@nox.session(python="3.11")
def lab(session):
    """The browser tests with the lowest JupyterLab."""
    session.install("-e.[lab,test,dev]", "--resolution=lowest-direct")
    pytest(session, "tests/browser", *OLD)


@nox.session(python=google.PYTHON)
def colab(session):
    """Colab's versions; the lessons come first, as their set-up cell brings what the other tests need."""
    session.install(*google.PACKAGES, *TEST_TOOLS)
    pytest(session, LESSONS, *OLD, env=google.VARIABLES)
    pytest(session, *NO_BROWSER, f"--ignore={LESSONS}", *OLD, env=google.VARIABLES)


@nox.session(python=False)
@nox.parametrize("kernel", list(KERNELS), ids=list(KERNELS))
def kernels(session, kernel):
    """Every lesson's stored text, as other processors compute it."""
    if reason := cannot(kernel):
        session.skip(reason)
    pytest(session, "notebooks", python=sys.executable, env=KERNELS[kernel])


@nox.session(python=False)
def bits(session):
    """The same bits from every engine on every kernel, and again and again under load."""
    pytest(session, "tests/matrix/every_kernel.py", python=sys.executable)


@nox.session(python=False)
def load(session):
    """The tests with six busy processes beside them."""
    with contextlib.ExitStack() as beside:
        for _ in range(6):
            busy = beside.enter_context(subprocess.Popen([sys.executable, "-c", "while True: pass"]))
            beside.callback(busy.kill)
        pytest(session, *NO_BROWSER, "notebooks", python=sys.executable)
