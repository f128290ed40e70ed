"""The order of the whole run, what is run together, and whether the notebooks' stored text can be compared here."""

import re
import shutil
import sys
from importlib.util import find_spec

import pytest
from hypothesis import settings

from tests.notebooks import test_kernels as kernels
from tools.notebooks import pinned

settings.register_profile("untimed", deadline=None)  # a slow moment of the machine is no failure
settings.load_profile("untimed")

STAGES = ["tests/notebooks/test_contract", "notebooks/", "tests/notebooks/", "tests/browser/"]


def pytest_configure(config):
    # With other versions than the pinned ones a digit or a repr may differ: there tests/notebooks/test_executed.py
    # runs the notebooks as they are and compares their verdicts instead.
    if not pinned():
        config.option.nbval = False


@pytest.fixture(autouse=True)
def no_figure_is_left():
    """What a test has drawn does not reach the next one."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


def pytest_report_header(config):
    compared = "stored text" if config.option.nbval else "verdicts only, these are not the pinned versions"
    return f"notebooks as they are: {compared}"


def pytest_collection_modifyitems(config, items):
    """Quick things first, and each lesson twice: as it is, and solved.

    What test_kernels.py runs as it is, on another kernel, is not run on this one as well; what the browser runs solved,
    nbclient need not run solved.
    """
    elsewhere = {lesson(item.nodeid) for item in items if item.path.name == "test_kernels.py" and not kernels.skipped()}
    in_browser = {lesson(item.nodeid) for item in items if item.path.name == "test_lab.py"}
    if not (shutil.which("chromium") and find_spec("playwright")):
        in_browser = set()
    twice = [
        item
        for item in items
        if lesson(item.nodeid) in (elsewhere if item.path.suffix == ".ipynb" else in_browser)
        and (item.path.suffix == ".ipynb" or item.name.startswith("test_solved_lesson["))
    ]
    config.hook.pytest_deselected(items=twice)
    items[:] = sorted((item for item in items if item not in twice), key=lambda item: place(item.nodeid))


def place(nodeid):
    """Unit tests, contract, the notebooks as they are, solved, the browser; the last lessons, the longest, first."""
    stage = next((i for i, s in enumerate(STAGES, 1) if nodeid.startswith(s)), 0)
    return stage, -int((lesson(nodeid) or "0")[:2]) if stage > 1 else 0


def lesson(nodeid):
    """The stem of the lesson that a test runs, such as 01_gradients; "" for none."""
    found = re.search(r"^notebooks/(?:trials/)?([\w-]+)\.ipynb|\[(\d\d_[\w-]+)\]$", nodeid)
    return (found[1] or found[2]) if found else ""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Of two processes (-n 2) each takes a whole module, in order; of the tests that run lessons, a whole lesson."""
    from xdist.scheduler import LoadScopeScheduling

    class ByLesson(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            file = nodeid.split("::")[0]
            return file + lesson(nodeid) if file.startswith(tuple(STAGES[1:])) else file

    return ByLesson(config, log)
