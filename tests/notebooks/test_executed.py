"""Every lesson, run from its first cell to its last: with every exercise solved and another seed; and, where the
versions are not those of the stored outputs, as it is. No cell may fail, and the verdicts must be the ledger's."""

import importlib
import os
import re

import pytest

from tests.notebooks.reading import LEDGER, checked, claimed, texts, verdicts
from tools.notebooks import execute, lessons, load, pinned

# As it is and with the pinned versions: nbval runs it, and compares the text as well.
PATHS = ["solved"] if pinned() else ["untouched", "solved"]


def solved(nb):
    """The notebook as a learner leaves it who solved every exercise, with another seed."""
    source = "\n".join(cell.source for cell in nb.cells if cell.cell_type == "code")
    module = re.search(r"^from gdlib\.exercises import (\w+) as ex$", source, re.M)[1]
    ex = importlib.import_module(f"gdlib.exercises.{module}")
    for cell in nb.cells:
        cell.source = re.sub(
            r"^ex\.(\w+)\.check\(",
            lambda call: f"{getattr(ex, call[1]).solution_source}\n\n{call[0]}",
            cell.source,
            flags=re.M,
        )
        if "set-up" in cell.metadata.get("tags", []):
            assert "SEED = 0" in cell.source
            cell.source = cell.source.replace("SEED = 0", "SEED = 1")
    return nb


@pytest.mark.parametrize("path", lessons(), ids=lambda path: path.stem)
@pytest.mark.parametrize("how", PATHS)
def test_lesson(path, how, tmp_path):
    nb = load(path)
    exercises, claims = checked(nb), claimed(nb)

    # On Colab there is only the notebook, and its set-up cell brings the rest.
    folder = tmp_path if "COLAB_RELEASE_TAG" in os.environ else path.parent
    nb = execute(solved(nb) if how == "solved" else nb, folder)

    answer = "✓" if how == "solved" else "not attempted"
    for name in exercises:
        said = [text for text in texts(nb) if text.startswith(f"{name}:")]
        assert said and all(text.startswith(f"{name}: {answer}") for text in said), said
    assert verdicts(nb) == {name: LEDGER[name]["verdict"] for name in claims}
    assert not [out.text for cell in nb.cells for out in cell.get("outputs", []) if out.get("name") == "stderr"]
