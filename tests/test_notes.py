"""What gdlib prints: any console can show it."""

import doctest
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gdlib import display
from gdlib.display import spelled

ROOT = Path(__file__).resolve().parent.parent


def test_examples_in_docstrings():
    assert doctest.testmod(display) == (0, 1)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_console_that_knows_every_sign_gets_them_as_they_are(encoding):
    text = "✓ η̂ ≤ 10⁻⁶ → 学 → e.g. \N{GRINNING FACE}\n\n"
    assert spelled(text, encoding) == text


@pytest.mark.parametrize(
    "text, encoding, shown",
    [
        ("✓ as expected", "cp1252", "[ok] as expected"),
        ("10⁶ and 10⁻¹²", "ascii", "10^6 and 10^-12"),
        ("x² in cp1252 stays", "cp1252", "x² in cp1252 stays"),
        ("x² in ASCII", "ascii", "x^2 in ASCII"),
        ("1/β₁, ∇J(θ̂), Λ", "cp1252", "1/beta1, grad J(theta), Lambda"),
        ("−0.5 → 3", "cp850", "-0.5 -> 3"),
        ("学\N{GRINNING FACE}", "cp1252", "??"),
        ("two\nlines", "ascii", "two\nlines"),
    ],
)
def test_signs_that_a_console_lacks_are_spelled_out(text, encoding, shown):
    assert spelled(text, encoding) == shown


def test_every_sign_of_the_package_can_be_printed_on_windows():
    """The table of signs is kept for what gdlib says; letters of Chinese titles may go."""
    files = [*(ROOT / "gdlib").rglob("*.py"), ROOT / "data" / "claims.toml"]
    signs = {sign for file in files for sign in file.read_text(encoding="utf-8")}
    lost = {sign for sign in signs if spelled(sign, "cp1252") == "?"} - {"?"}
    assert not {sign for sign in lost if not "\N{CJK UNIFIED IDEOGRAPH-4E00}" <= sign <= "\u9fff"}


SPEAKING = """
import matplotlib.pyplot as plt
from gdlib import plots
from gdlib.lessons.kit import ledger
from gdlib.lessons.momentum import exercises as ex
from gdlib.lessons.kit.exercise import Exercise
from gdlib.lessons.kit.prediction import Prediction
from gdlib.lessons.kit.notes import KINDS, note

for kind in KINDS:
    note(kind, ["✓ η ★ ≈ 学", "θ ← θ − η∇J(θ)"])
for thing in list(vars(ex).values()):
    if isinstance(thing, Exercise):
        thing.check(thing.solution_function)
        [thing.hint() for _ in thing.hints]
        thing.solution()
    if isinstance(thing, Prediction):
        thing.predict()
for claim in ledger.ledger()["claims"]:
    ledger.verdict(claim, None, "η → 0, ‖∇J‖ ≤ 10⁻⁶")
plots.show(plt.figure(), alt="A figure in which nothing, not even η, is seen.")
"""


@pytest.mark.parametrize("encoding", ["cp1252", "cp437", "ascii"])
def test_nothing_that_is_said_stops_a_console_of_few_signs(encoding):
    env = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    done = subprocess.run([sys.executable, "-c", SPEAKING], capture_output=True, env=env, cwd=ROOT)
    assert done.returncode == 0 and not done.stderr, done.stderr.decode(encoding)
    said = done.stdout.decode(encoding)
    assert "[ok] eta" in said or "✓" in said
    assert "theta" in said or "θ" in said


@pytest.mark.parametrize("shell, answer", [("TerminalInteractiveShell", False), ("ZMQInteractiveShell", True)])
def test_a_terminal_is_no_notebook(shell, answer, monkeypatch):
    import IPython

    monkeypatch.setattr(IPython, "get_ipython", lambda: type(shell, (), {})())
    assert display.in_ipython()
    assert display.in_notebook() == answer
