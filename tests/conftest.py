"""The order of the whole run, what is run together, and whether the notebooks' stored text can be compared here."""

import shutil
from importlib.util import find_spec

import pytest
from hypothesis import settings

from tools.notebooks import pinned

settings.register_profile("untimed", deadline=None)  # a slow moment of the machine is no failure
settings.load_profile("untimed")

STAGES = ["tests/notebooks/test_contract", "notebooks/", "tests/notebooks/", "tests/browser/"]


def pytest_configure(config):
    # With other versions than the pinned ones a digit or a repr may differ: there tests/notebooks/test_executed.py
    # runs the notebooks as they are and compares their verdicts instead.
    if not pinned():
        config.option.nbval = False


def pytest_report_header(config):
    compared = "stored text" if config.option.nbval else "verdicts only, these are not the pinned versions"
    return f"notebooks as they are: {compared}"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Quick things first, and each lesson once: what the browser runs solved, nbclient need not run solved as well."""
    in_browser = {lesson(item) for item in items if item.nodeid.startswith("tests/browser/")}
    if shutil.which("chromium") and find_spec("playwright"):
        twice = [item for item in items if item.name.startswith("test_solved_lesson[") and lesson(item) in in_browser]
        config.hook.pytest_deselected(items=twice)
        items[:] = [item for item in items if item not in twice]
    items.sort(key=place)
    if config.pluginmanager.hasplugin("xdist"):
        for item in items:
            item.add_marker(pytest.mark.xdist_group(together(item)))


def place(item):
    """Unit tests, contract, the notebooks as they are, solved, the browser; the last lessons, the longest, first."""
    stage = next((i for i, s in enumerate(STAGES, 1) if item.nodeid.startswith(s)), 0)
    return stage, -int((lesson(item) or "0")[:2]) if stage > 1 else 0


def lesson(item):
    """The stem of the lesson that a test runs, such as 01_gradients; "" for none."""
    if item.path.suffix == ".ipynb":
        return item.path.stem
    paths = getattr(getattr(item, "callspec", None), "params", {}).values()
    return next((path.stem for path in paths if getattr(path, "suffix", "") == ".ipynb"), "")


def together(item):
    """What one process runs, in order: a module's tests; of the tests that run lessons, those of one lesson."""
    return f"{item.path.name} {lesson(item)}" if "test_contract" not in item.nodeid else item.path.name
