"""The ledger: well formed, every claim of a written lesson measured there, CLAIMS.md made from it."""
import json
import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from gdlib.lessons import table as lessons
from gdlib.lessons.kit import ledger, rows, trial, verdicts
from tools import claims as table
from tools import strips

NOTEBOOKS = {path.name[:2]: path for path in (Path(__file__).parent.parent / "notebooks").glob("[0-9]*.ipynb")}
CLAIMS = ledger.ledger()["claims"]


def first_of(lesson):
    return {name for name, claim in CLAIMS.items() if claim["lessons"][0] == lesson}


@pytest.mark.parametrize("name", CLAIMS)
def test_an_entry_is_well_formed(name):
    claim = CLAIMS[name]
    said = {"statement", "words", "source", "lessons", "decides", "verdict", "only_if", "touches", "trial"}
    assert set(claim) <= said
    assert re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", name)
    assert claim["statement"] and claim["decides"] and not claim["statement"].endswith(".")
    assert claim["source"] and all(s in ledger.ledger()["articles"] or not s.isdigit() for s in claim["source"])
    assert claim["lessons"] and set(claim["lessons"]) <= {lesson.number for lesson in lessons()}
    assert claim.get("verdict", "open") in (*ledger.VERDICTS, "open")
    assert bool(claim.get("only_if")) == (claim.get("verdict") == "holds only if")


def test_no_statement_stands_twice():
    assert len({claim["statement"] for claim in CLAIMS.values()}) == len(CLAIMS)


@pytest.mark.parametrize("lesson", sorted(NOTEBOOKS))
def test_every_claim_of_a_written_lesson_has_its_experiment_there_or_a_trial(lesson):
    cells = json.loads(NOTEBOOKS[lesson].read_text(encoding="utf-8"))["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    tested = set(re.findall(r"""ledger\.verdict\(\s*["']([\w-]+)["']""", code))
    on_trial = {name for name in first_of(lesson) if "trial" in CLAIMS[name]}
    assert first_of(lesson) <= tested | on_trial
    # A verdict of the lesson's own stands in the ledger where the lesson's box measures it, and only there.
    assert {name for name in first_of(lesson) if CLAIMS[name].get("verdict", "open") == "open"} == on_trial - tested


def test_no_verdict_without_a_lesson():
    unwritten = {lesson.number for lesson in lessons()} - set(NOTEBOOKS)
    assert {name for lesson in unwritten for name in first_of(lesson)
            if CLAIMS[name].get("verdict", "open") != "open"} == set()


def test_the_table_is_up_to_date(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["claims", "--check"])
    table.main()


@pytest.fixture
def elsewhere(monkeypatch, tmp_path):
    """CLAIMS.md and its pictures, written into an empty folder."""
    monkeypatch.setattr(table, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "argv", ["claims"])
    table.main()
    return tmp_path


def test_the_table_names_every_claim_and_links_to_what_there_is(elsewhere):
    text = (elsewhere / "CLAIMS.md").read_text(encoding="utf-8")
    for name in CLAIMS:
        assert f"`{name}`" in text and text.count(f'<a id="{name}">') == text.count(f'<a href="#{name}">') == 1
    targets = set(re.findall(r'(?:\]\(|src=")([^)"#]+)', text)) - {"data/claims.toml"}
    pictures = {target for target in targets if target.startswith("pictures/")}
    made = {path.relative_to(elsewhere).as_posix() for path in (elsewhere / "pictures").rglob("*.svg")}
    assert pictures == made and {f"pictures/strips/{name}.svg" for name in CLAIMS if "trial" in CLAIMS[name]} < made
    root = Path(__file__).parent.parent
    assert [target for target in targets - pictures if not (root / target).exists()] == []
    assert all(alt for alt in re.findall(r"!\[([^\]]*)\]", text) + re.findall(r'<img [^>]*alt="([^"]*)"', text))


@pytest.mark.parametrize("break_it", [
    lambda root: (root / "CLAIMS.md").write_text("other", encoding="utf-8"),
    lambda root: (root / "CLAIMS.md").unlink(),
    lambda root: (root / "pictures/strips/noise-floor.svg").write_text("other", encoding="utf-8"),
    lambda root: (root / "pictures/strips/nobodys.svg").write_text("<svg/>", encoding="utf-8"),
])
def test_a_stale_table_is_noticed_and_written_anew(elsewhere, monkeypatch, break_it):
    break_it(elsewhere)
    monkeypatch.setattr(sys, "argv", ["claims", "--check"])
    with pytest.raises(SystemExit, match="must be what data/claims.toml and data/trials make; got another text"):
        table.main()
    monkeypatch.setattr(sys, "argv", ["claims"])
    table.main()
    assert table.stale(table.files()) == []


def test_every_verdict_has_a_sign_of_its_own():
    assert set(table.MEANING) == {*verdicts.VERDICTS, "not tried"} == set(strips.SIGN)
    assert len({strips.sign(word).split("</title>")[1] for word in strips.SIGN}) == len(strips.SIGN)


def test_a_strip_has_a_square_per_case(elsewhere):
    for name, tried in trial.load().items():
        stored = rows.read(tried)
        picture = ElementTree.parse(elsewhere / "pictures" / "strips" / f"{name}.svg")
        drawn = [path.get("d") for path in picture.iterfind("{*}path")][: -1 if tried.met else None]
        starts = [start for path in drawn for start in re.findall(r"M[\d.]+ [\d.]+", path)]
        assert len(starts) == len(set(starts)) == len(stored)
        said = picture.find("{*}title").text
        assert sum(int(k) for k in re.findall(r"\d+", said)) == len(stored) and tried.says(stored[0].outcome) in said


# A claim's other cells, and the words in them that agree with the trial. They are read again where a cell changes.
CELLS = {cell["id"]: "".join(cell["source"])
         for path in NOTEBOOKS.values() for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]}
TOUCHES = [(name, cell, words) for name, claim in CLAIMS.items() for cell, words in claim.get("touches", {}).items()]


@pytest.mark.parametrize("name, cell, words", TOUCHES)
def test_no_cell_contradicts_a_trial(name, cell, words):
    assert cell in CELLS, f"touches of {name} must name cells of lessons; got {cell}"
    assert words in " ".join(CELLS[cell].split()), (
        f"cell {cell} must say {words!r} of {name}, as its trial found; got other words. Read the cell beside the "
        f"trial, mend it, and write words of it that agree into `touches`.")


def test_a_claim_with_a_page_says_which_other_cells_touch_it():
    assert [name for name in CLAIMS if ledger.page(name).exists() and not CLAIMS[name].get("touches")] == []


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


def test_a_verdict_says_what_the_trial_found_and_where_its_page_is(recorded, capsys, monkeypatch, tmp_path):
    counts = {"k_inside": 40, "n_inside": 40, "k_outside": 30, "n_outside": 38}
    ledger.find("flat")["trial"] = {"verdict": "holds if", "condition": "it is a table"} | counts
    monkeypatch.setattr(ledger, "PAGES", tmp_path)
    ledger.verdict("flat", True, "…")
    found = ("On trial: holds if it is a table: in 40 of 40 cases where the condition is met, in 30 of 38 elsewhere.")
    assert capsys.readouterr().out.splitlines()[-1] == found
    (tmp_path / "01_flat.ipynb").touch()
    ledger.verdict("flat", True, "…")
    assert capsys.readouterr().out.splitlines()[-1] == found + " [The trial](trials/01_flat.ipynb)"


@pytest.mark.parametrize("result, said", [
    ({"verdict": "holds", "k_inside": 70, "n_inside": 80}, "holds: in 70 of 80 cases."),
    ({"verdict": "fails", "condition": "it rains", "k_inside": 1, "n_inside": 40, "k_outside": 0, "n_outside": 39},
     "fails (tried: whether it holds if it rains): in 1 of 40 cases where the condition is met, in 0 of 39 elsewhere."),
])
def test_a_trial_in_one_line(result, said):
    assert ledger.tried(result) == said
