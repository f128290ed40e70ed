"""What nbval sees of pictures and progress bars when it compares a stored notebook with a new run."""

import os
import re
import subprocess
import sys

import nbformat
import pytest

from tools.notebooks import ROOT, dumps, execute, normalise

PICTURE = """
from gdlib import plots
fig, ax = plots.grid()
ax.plot([0, {}])
plots.show(fig, alt="A line that rises {}.")"""
BAR = """
import time
from gdlib.progress import bar
print("begin")
for _ in bar(range(12)):
    time.sleep(0.1)
print("end")"""


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """Three cells, run and stored: a picture, another, and a bar of 1.2 s."""
    sources = [PICTURE.format(1, "slowly"), PICTURE.format(2, "steeply"), BAR]
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source.strip()) for source in sources])
    return normalise(execute(nb, ROOT))


def test_nothing_of_a_bar_is_stored(stored):
    assert [(out.output_type, out.text) for out in stored.cells[2].outputs] == [("stream", "begin\nend\n")]


def test_other_bytes_of_a_picture_are_no_difference_other_words_are(stored, tmp_path):
    drawn, told = stored.cells[0].outputs[0].data, stored.cells[1].outputs[0].data
    drawn["image/png"] = told["image/png"]  # as if drawn with other fonts
    drawn["text/html"] = re.sub("base64,[^\"]+", f"base64,{told['image/png']}", drawn["text/html"])
    told["text/html"] = told["text/html"].replace("steeply", "gently")
    (tmp_path / "stored.ipynb").write_text(dumps(stored), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "-q", "-rA", "-p", "no:cacheprovider"]
    command += [f"--nbval-sanitize-with={ROOT}/tests/notebooks/sanitize.cfg", str(tmp_path / "stored.ipynb")]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    said = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=env).stdout
    found = {cell: result for result, cell in re.findall(r"^(PASSED|FAILED) \S+::Cell (\d)", said, re.M)}
    assert found == {"0": "PASSED", "1": "FAILED", "2": "PASSED"}, said
    assert "gently" in said and "mismatch 'text/html'" in said
