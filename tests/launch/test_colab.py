"""Colab: only the notebook is there; its set-up cell clones the course and brings what is missing, once."""

import sys
from pathlib import Path

import pytest

from tests.launch.environments import Environment
from tests.launch.server import ASK_A_WORKER, Server, add_kernel, complaints
from tools import colab
from tools.notebooks import REPOSITORY


@pytest.fixture(scope="module")
def google(tmp_path_factory):
    return Environment(tmp_path_factory.mktemp("colab") / "env", colab.PYTHON, *colab.PACKAGES)


@pytest.fixture
def content(google, checkout, tmp_path):
    """Colab's /content, with the lessons alone, and a server with Colab's kernel."""
    for name in ("00_start_here", "08_distributed"):
        (tmp_path / f"{name}.ipynb").write_bytes((checkout / "notebooks" / f"{name}.ipynb").read_bytes())
    variables = colab.VARIABLES | {"GIT_CONFIG_KEY_0": f"url.{checkout.as_uri()}.insteadOf"}
    add_kernel("colab", google, tmp_path, **variables)
    add_kernel("offline", google, tmp_path, **variables | {"GIT_CONFIG_KEY_0": "url.file:///nowhere.insteadOf"})
    env = google.env | {"JUPYTER_PATH": str(tmp_path)}
    with Server(Path(sys.executable).parent / "jupyter-lab", tmp_path, env) as server:
        yield server


def test_a_failed_clone_says_what_to_do(content):
    (error,) = complaints(content.lesson("00_start_here.ipynb", "offline", cells=1))
    assert error == ("ModuleNotFoundError: gdlib is missing: in a new cell "
                     f'%pip install "gdlib[lessons] @ git+{REPOSITORY}" (fails? ask for its address), then restart')


def installed(server) -> set[str]:
    """name==version of every package that Colab's pip knows."""
    outputs = server.run(["!pip list --format=freeze"], "00_start_here.ipynb", "colab")
    return set("".join(out["text"] for out in outputs).split())


def test_the_set_up_cell_brings_what_is_missing_once(content):
    pins = [pin for pin in colab.PACKAGES if "==" in pin]
    before = installed(content)
    assert set(pins) <= before and not [pin for pin in before if pin.startswith(("distributed==", "gdlib=="))]
    assert complaints(content.lesson("00_start_here.ipynb", "colab")) == []
    again = content.run([content.cells("08_distributed.ipynb")[0], ASK_A_WORKER], "08_distributed.ipynb", "colab")
    assert complaints(again) == [] and again[-1]["text"] == "True\n"
    assert before < installed(content), "what was there already was changed"
