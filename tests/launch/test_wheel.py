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


@pytest.mark.parametrize("source", ["wheel", "repository"])
def test_installed_alone_it_has_all_it_needs(source, wheels, tmp_path):
    pins = tmp_path / "pins.txt"
    pins.write_text("\n".join(requirements()))
    environment = Environment(tmp_path / "env", "3.11")
    environment.install(wheels[source], f"--constraint={pins}")
    (tmp_path / "empty").mkdir()
    said = run(environment.python, "-c", WHOLE, cwd=tmp_path / "empty", env=environment.env)
    assert said == "True\nall there\n"
