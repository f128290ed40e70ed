"""Every lesson, run from its first cell to its last: with every exercise solved and another seed; and, where the
versions are not those of the stored outputs, as it is. No cell may fail, and the verdicts must be the ledger's."""

import os

import pytest

from tests.notebooks.solved import check_answers, long_ones_marked, solved
from tools.notebooks import execute, lessons, load, pinned

each_lesson = pytest.mark.parametrize("path", lessons(), ids=lambda path: path.stem)


def where(path, tmp_path):
    """On Colab there is only the notebook, and its set-up cell brings the rest."""
    return tmp_path if "COLAB_RELEASE_TAG" in os.environ else path.parent


@pytest.mark.parametrize("path", long_ones_marked())
def test_solved_lesson(path, tmp_path):
    """Not run here where Chromium is: tests/browser does the same in JupyterLab."""
    check_answers(execute(solved(load(path)), where(path, tmp_path)), "✓")


if not pinned():  # with the pinned versions nbval runs it as it is, and compares the text as well

    @each_lesson
    def test_untouched_lesson(path, tmp_path):
        check_answers(execute(load(path), where(path, tmp_path)), "not attempted")
