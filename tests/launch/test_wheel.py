"""gdlib installed alone, without its checkout: from a wheel, and straight from the repository."""

import pytest

from tests.launch.environments import Environment, requirements, run, uv
from tests.launch.server import ASK_A_WORKER

WHOLE = ASK_A_WORKER.join(["""
import os
from pathlib import Path
import gdlib as gd
from gdlib import analysis, data, plots
from gdlib.lessons.kit import ledger
from gdlib.lessons.gradients import explorers

assert not os.listdir(), "this test must run in an empty folder"
assert "site-packages" in gd.__file__, gd.__file__
for name in data.FILES:
    X, y = data.load(name)
    assert len(X) == len(y) and len(data.columns(name)) == X.shape[1]
assert len(data.recorded()["paths"]) == 31
assert len(ledger.ledger()["claims"]) > 20
assert "licence" in (data.FOLDER / "README.md").read_text(encoding="utf-8").lower()
path = gd.run(gd.quadratic([1, 10]), gd.momentum(lr=0.05), [1.0, 1.0], 200)
assert path.loss[-1] < 1e-6
""", """
(data.FOLDER / "parabola.csv").unlink()
try:
    data.load("parabola")
except FileNotFoundError as error:
    assert "pip install --force-reinstall" in str(error) and "git checkout" not in str(error), error
else:
    raise AssertionError("a missing file was not noticed")
print("all there")
"""])


@pytest.fixture(scope="module")
def wheels(checkout, tmp_path_factory):
    """What pip is given: the wheel, which is built from the sdist, and the repository's address."""
    folder = tmp_path_factory.mktemp("dist")
    uv("build", "--quiet", f"--out-dir={folder}", checkout)
    return {"wheel": str(*folder.glob("*.whl")), "repository": f"gdlib @ git+{checkout.as_uri()}"}


def installed(source, folder):
    """An environment with the pinned versions of what `source` needs, and an empty folder."""
    pins = folder / "pins.txt"
    pins.write_text("\n".join(requirements()))
    environment = Environment(folder / "env", "3.11")
    environment.install(source, f"--constraint={pins}")
    (folder / "empty").mkdir()
    return environment, folder / "empty"


@pytest.mark.parametrize("source", ["wheel", "repository"])
def test_with_its_lessons_it_has_all_they_need(source, wheels, tmp_path):
    with_lessons = {"wheel": f"gdlib[lessons] @ file://{wheels['wheel']}",
                    "repository": wheels["repository"].replace("gdlib", "gdlib[lessons]", 1)}
    environment, empty = installed(with_lessons[source], tmp_path)
    assert run(environment.python, "-c", WHOLE, cwd=empty, env=environment.env) == "True\nall there\n"


LIBRARY = """
import gdlib as gd
X, y = gd.data.load("digits")
model = gd.SoftmaxRegression(X, y)
run = gd.run(model, gd.adam(0.01), [0.0] * model.dim, 20)
print(run.loss[-1] < 0.5 * run.loss[0])
"""


def test_alone_it_brings_numpy_and_nothing_else(wheels, tmp_path):
    environment, empty = installed(wheels["wheel"], tmp_path)
    assert run(environment.python, "-c", LIBRARY, cwd=empty, env=environment.env) == "True\n"
    assert {path.name.split("-")[0] for path in environment.folder.rglob("*.dist-info")} == {"gdlib", "numpy"}
