"""Binder: the recipe that repo2docker writes, step by step, and lessons on the server that it leads to."""

import pytest

from tests.launch.recipe import Recipe
from tests.launch.server import Server, complaints
from tools.notebooks import ROOT

LESSONS = ["00_start_here", "01_gradients", "08_distributed"]


@pytest.fixture(scope="module")
def recipe(checkout):
    return Recipe(checkout)


@pytest.fixture(scope="module")
def binder(recipe, tmp_path_factory):
    return recipe.carry_out(tmp_path_factory.mktemp("binder") / "env")


def test_the_recipe_is_the_one_that_is_tested(recipe):
    """Its Python is the one of the stored outputs, and nothing installs gdlib a second time, without its checkout."""
    assert f"python-{recipe.python}" == (ROOT / ".binder" / "runtime.txt").read_text().strip()
    installs = [step for step in recipe.steps if "pip install" in step]
    assert len(installs) == 1 and installs[0].endswith('-r ".binder/requirements.txt"'), installs


def test_lessons_run_as_on_binder_and_fit_into_its_memory(binder, checkout):
    with Server(binder.bin / "jupyter-lab", checkout, binder.env) as server:
        for name in LESSONS:
            assert complaints(server.lesson(f"notebooks/{name}.ipynb")) == [], name
    print(f"  peak of server, kernel and workers: {server.peak / 2**20:.0f} MiB")
    assert 50 * 2**20 < server.peak < 2**30
