"""A lesson as a learner leaves it who solved every exercise, with another seed; and what it must then say."""

import importlib
import re

import pytest

from tests.notebooks.reading import LEDGER, checked, claimed, texts, verdicts
from tools.notebooks import lessons


def long_ones_marked():
    """Every lesson as a test's parameter; those from 02 on, which take minutes, are left to `make test-launch`."""
    return [
        pytest.param(path, id=path.stem, marks=[pytest.mark.long] if path.name[:2] > "01" else [])
        for path in lessons()
    ]


def solved(nb):
    """The notebook (changed in place) with every stub's solution below it, and SEED = 1."""
    source = "\n".join(cell.source for cell in nb.cells if cell.cell_type == "code")
    word = re.search(r"^ +from gdlib\.lessons\.(\w+) import exercises as ex, explorers$", source, re.M)[1]
    ex = importlib.import_module(f"gdlib.lessons.{word}.exercises")
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


def check_answers(nb, answer: str):
    """Every exercise says `answer`, every verdict is the ledger's, and nothing went to stderr."""
    for name in checked(nb):
        said = [text for text in texts(nb) if text.startswith(f"{name}:")]
        assert said and all(text.startswith(f"{name}: {answer}") for text in said), said
    assert verdicts(nb) == {name: LEDGER[name]["verdict"] for name in claimed(nb)}
    assert not [out.text for cell in nb.cells for out in cell.get("outputs", []) if out.get("name") == "stderr"]
