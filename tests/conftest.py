"""The order of the whole run, and whether the notebooks' stored text can be compared here."""

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


def pytest_collection_modifyitems(items):
    """Quick things first: unit tests, the contract, the notebooks as they are, solved, and the browser."""
    items.sort(key=lambda item: next((i for i, s in enumerate(STAGES, 1) if item.nodeid.startswith(s)), 0))
