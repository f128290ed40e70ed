"""The ledger: well formed, every claim of a written lesson measured there, CLAIMS.md made from it."""
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from gdlib.lessons import table as lessons
from gdlib.lessons.kit import ledger
from tools import claims as table

NOTEBOOKS = {path.name[:2]: path for path in (Path(__file__).parent.parent / "notebooks").glob("[0-9]*.ipynb")}
CLAIMS = ledger.ledger()["claims"]


def first_of(lesson):
    return {name for name, claim in CLAIMS.items() if claim["lessons"][0] == lesson}


@pytest.mark.parametrize("name", CLAIMS)
def test_an_entry_is_well_formed(name):
    claim = CLAIMS[name]
    assert set(claim) <= {"statement", "source", "lessons", "decides", "verdict", "only_if", "trial"}
    assert re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", name)
    assert claim["statement"] and claim["decides"] and not claim["statement"].endswith(".")
    assert claim["source"] and all(s in ledger.ledger()["articles"] or not s.isdigit() for s in claim["source"])
    assert claim["lessons"] and set(claim["lessons"]) <= {lesson.number for lesson in lessons()}
    assert claim.get("verdict", "open") in (*ledger.VERDICTS, "open")
    assert bool(claim.get("only_if")) == (claim.get("verdict") == "holds only if")


def test_no_statement_stands_twice():
    assert len({claim["statement"] for claim in CLAIMS.values()}) == len(CLAIMS)


@pytest.mark.parametrize("lesson", sorted(NOTEBOOKS))
def test_every_claim_of_a_written_lesson_has_its_experiment_and_verdict(lesson):
    cells = json.loads(NOTEBOOKS[lesson].read_text(encoding="utf-8"))["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    tested = set(re.findall(r"""ledger\.verdict\(\s*["']([\w-]+)["']""", code))
    on_trial_only = {name for name in first_of(lesson) if "verdict" not in CLAIMS[name] and "trial" in CLAIMS[name]}
    assert first_of(lesson) - on_trial_only <= tested
    assert {name for name in first_of(lesson) - on_trial_only if CLAIMS[name].get("verdict", "open") == "open"} == set()


def test_no_verdict_without_a_lesson():
    unwritten = {lesson.number for lesson in lessons()} - set(NOTEBOOKS)
    assert {name for lesson in unwritten for name in first_of(lesson)
            if CLAIMS[name].get("verdict", "open") != "open"} == set()


def test_the_table_is_up_to_date(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["claims", "--check"])
    table.main()


def test_a_stale_table_is_noticed(monkeypatch, tmp_path):
    monkeypatch.setattr(table, "CLAIMS", tmp_path / "CLAIMS.md")
    monkeypatch.setattr(sys, "argv", ["claims", "--check"])
    with pytest.raises(SystemExit, match="CLAIMS.md must be what .* makes; got another text"):
        table.main()
    monkeypatch.setattr(sys, "argv", ["claims"])
    table.main()
    assert all(f"`{name}`" in (tmp_path / "CLAIMS.md").read_text(encoding="utf-8") for name in CLAIMS)


@pytest.fixture
def recorded(monkeypatch):
    """A ledger of one article and two claims."""
    entries = {
        "round": {"statement": "The earth is round", "source": ["007"], "lessons": ["01"], "verdict": "holds only if",
                  "only_if": "one looks from afar"},
        "flat": {"statement": "The earth is flat", "source": ["Some Author (1999)"], "lessons": ["01"]},
    }
    monkeypatch.setattr(ledger, "ledger", lambda: {"articles": {"007": {"short": "On earths"}}, "claims": entries})


def test_a_verdict_says_claim_measurement_and_what_follows(recorded, capsys):
    ledger.verdict("round", holds=np.bool_(True), evidence="curvature 1/6371 km",
                   only_if="one looks from afar", otherwise=np.bool_(False))
    assert capsys.readouterr().out.splitlines() == [
        "Claim round: The earth is round (On earths)",
        "Measured: curvature 1/6371 km",
        "Verdict: holds only if one looks from afar",
    ]


@pytest.mark.parametrize("holds, condition, said", [
    (True, {}, "holds"),
    (False, {}, "does not hold"),
    (None, {}, "undecided"),
    (True, {"only_if": "x", "otherwise": False}, "holds only if x"),
    (True, {"only_if": "x", "otherwise": True}, "holds"),               # the condition was not needed
    (False, {"only_if": "x", "otherwise": False}, "does not hold"),
    (False, {"only_if": "x", "otherwise": True}, "does not hold"),
    (None, {"only_if": "x", "otherwise": False}, "undecided"),
    (np.True_, {"only_if": "x", "otherwise": np.True_}, "holds"),
])
def test_the_verdict_follows_from_what_was_measured(recorded, capsys, holds, condition, said):
    ledger.verdict("flat", holds=holds, evidence="…", **condition)
    lines = capsys.readouterr().out.splitlines()
    assert lines[2:] == [f"Verdict: {said}", "The ledger has no verdict on this yet."]


@pytest.mark.parametrize("holds, condition", [
    (False, {}), (None, {}), (True, {}),
    (True, {"only_if": "the moon is full", "otherwise": False}),
    (True, {"only_if": "one looks from afar", "otherwise": True}),
])
def test_disagreement_with_the_ledger_is_visible(recorded, capsys, holds, condition):
    ledger.verdict("round", holds=holds, evidence="…", **condition)
    assert capsys.readouterr().out.endswith("The ledger says otherwise: holds only if one looks from afar\n")


def test_bad_input_is_refused_in_a_sentence(recorded):
    with pytest.raises(ValueError, match="claim must be one of the 2 in data/.*; got 'rund'. The nearest are round."):
        ledger.verdict("rund", True, "…")
    for bad in ("yes", 1, 0.5, np.array([True])):
        with pytest.raises(TypeError, match="holds must be True, False or None; got .*Compute it"):
            ledger.verdict("round", bad, "…")
        with pytest.raises(TypeError, match="otherwise must be True, False or None; got .*Compute it"):
            ledger.verdict("round", True, "…", only_if="x", otherwise=bad)


@pytest.mark.parametrize("condition", [{"only_if": "x"}, {"otherwise": True}, {"otherwise": False}])
@pytest.mark.parametrize("holds", [True, False, None])
def test_a_condition_must_be_measured_too(recorded, holds, condition):
    with pytest.raises(ValueError, match="only_if and otherwise of round must be given together; got .* Measure also"):
        ledger.verdict("round", holds, "…", **condition)


def test_the_condition_goes_by_name(recorded):
    with pytest.raises(TypeError):
        ledger.verdict("round", True, "…", "x", False)


def test_a_missing_ledger_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setattr(ledger, "LEDGER", tmp_path / "claims.toml")
    with pytest.raises(FileNotFoundError, match="must be in .*; got no such file. `git checkout -- data/claims.toml`"):
        ledger.ledger.__wrapped__()
