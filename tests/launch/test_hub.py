"""A hub or VS Code: the notebooks are opened with a kernel of another environment, in which gdlib is not installed."""

import sys
from pathlib import Path

import pytest

from tests.launch.environments import Environment, requirements
from tests.launch.server import ASK_A_WORKER, Server, add_kernel, complaints

KERNEL = ["numpy", "matplotlib", "ipykernel", "ipython"]
COURSE = ["ipywidgets", "pillow", "psutil", "threadpoolctl", "tqdm", "distributed", "cryptography"]


@pytest.fixture(scope="module")
def hub(checkout, tmp_path_factory):
    """A server of this environment, with a kernel of one that has everything but gdlib, and one with little."""
    folder = tmp_path_factory.mktemp("hub")
    full = Environment(folder / "full", "3.11", *requirements(*KERNEL, *COURSE))
    bare = Environment(folder / "bare", "3.11", *requirements("numpy", "ipykernel", "ipython"))
    add_kernel("full", full, folder)
    add_kernel("bare", bare, folder)
    env = full.env | {"JUPYTER_PATH": str(folder)}
    with Server(Path(sys.executable).parent / "jupyter-lab", checkout, env) as server:
        yield server


@pytest.mark.parametrize("name", ["00_start_here", "01_gradients"])
def test_lessons_run_without_gdlib_installed(hub, name):
    assert complaints(hub.lesson(f"notebooks/{name}.ipynb", "full")) == []


def test_workers_find_the_course_too(hub):
    path = "notebooks/08_distributed.ipynb"
    outputs = hub.run([hub.cells(path)[0], ASK_A_WORKER], path, "full")
    assert complaints(outputs) == [] and outputs[-1]["text"] == "True\n"


@pytest.mark.parametrize("folder", ["", "notebooks/trials/"])
def test_the_set_up_cell_finds_the_course_from_other_folders_too(hub, checkout, folder):
    (checkout / folder).mkdir(exist_ok=True)
    source = (checkout / "notebooks" / "00_start_here.ipynb").read_bytes()
    (checkout / folder / "copy.ipynb").write_bytes(source)
    assert complaints(hub.lesson(f"{folder}copy.ipynb", "full", cells=2)) == []


def test_a_missing_package_is_named_with_what_helps_there(hub, checkout):
    (error,) = complaints(hub.lesson("notebooks/00_start_here.ipynb", "bare", cells=1))
    assert error == ("ModuleNotFoundError: matplotlib is missing: in a new cell "
                     f'%pip install "{checkout}[lessons]", then restart')
