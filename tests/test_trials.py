"""Trials: the statistics, the table of verdicts, the machinery, and the rows that are stored."""
import csv
import io
import math
import shutil
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gdlib as gd
from gdlib.lessons.batch_sgd_minibatch.trials import floor as batches
from gdlib.lessons.kit import intervals, ledger, rows, trial, walks
from gdlib.lessons.kit.axes import among, between
from gdlib.lessons.kit.intervals import Outcome
from gdlib.lessons.kit.verdicts import BACKWARDS, HOLDS, NO_EFFECT, OTHER, TOO_WIDE, VERDICTS, verdict
from tools import trials as tool

pytest.importorskip("scipy", reason="NO TEST OF TRIALS: scipy is missing (pip install -r requirements-dev.txt)")

TRIALS = trial.load()
CLAIMS = ledger.ledger()["claims"]
Z2 = 1.959963984540054**2  # of the normal distribution, 95 %


# --- the statistics ---

@pytest.mark.parametrize("n", [1, 35, 36, 40, 80])
def test_wilsons_interval_is_the_one_worked_out_by_hand(n):
    assert intervals.wilson(n, n) == pytest.approx((n / (n + Z2), 1))
    assert intervals.wilson(0, n) == pytest.approx((0, Z2 / (n + Z2)))
    middle, half = (n / 2 + Z2 / 2) / (n + Z2), math.sqrt(n / 4 + Z2 / 4) * math.sqrt(Z2) / (n + Z2)
    if n % 2 == 0:
        assert intervals.wilson(n // 2, n) == pytest.approx((middle - half, middle + half))


def test_nothing_is_known_of_no_case():
    assert intervals.wilson(0, 0) == (0, 1)


@pytest.mark.parametrize("k, n", [(-1, 5), (6, 5), (1, 0)])
def test_a_share_is_of_so_many(k, n):
    with pytest.raises(ValueError, match=f"k must be from 0 to n; got {k} of {n}"):
        intervals.wilson(k, n)


def test_a_paired_difference_has_the_t_interval_of_the_tables():
    d = np.array([1.0, 2, 3, 4, 5, 6, 7, 8])
    half = 2.364624251 * math.sqrt(6 / 8)  # t of 7 degrees of freedom; the variance of d is 6
    assert intervals.paired(d) == pytest.approx((4.5, 4.5 - half, 4.5 + half))
    wider = 2.364624251 * math.sqrt(6 * (1 / 8 + 20 / 80))  # Nadeau and Bengio
    assert intervals.resplit(d, train=80, test=20) == pytest.approx((4.5, 4.5 - wider, 4.5 + wider))


@pytest.mark.parametrize("bad", [[], [1.0] * 7, [1.0] * 7 + [np.nan], [1.0] * 8 + [np.inf], np.ones((8, 2))])
def test_an_interval_needs_eight_finite_numbers(bad):
    for interval in (intervals.paired, lambda d: intervals.resplit(d, 80, 20)):
        with pytest.raises(ValueError, match="differences must be at least 8 finite numbers, one a seed; got"):
            interval(bad)


WITHOUT_SCIPY = """
import sys
sys.modules["scipy"] = None
from gdlib.lessons.kit import intervals, ledger, trial
assert trial.verdict(["holds"], kind="theorem") == "holds"
for ask in (lambda: intervals.wilson(1, 2), lambda: intervals.paired(range(8))):
    try:
        ask()
    except ModuleNotFoundError as error:
        print(error)
"""


def test_without_scipy_the_kit_imports_and_says_what_to_install():
    done = subprocess.run([sys.executable, "-c", WITHOUT_SCIPY], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [intervals.INSTALL] * 2


# --- the table of verdicts ---

def cases(holds=0, no_effect=0, backwards=0, other=0, too_wide=0):
    """So many cases that say this."""
    return [HOLDS] * holds + [NO_EFFECT] * no_effect + [BACKWARDS] * backwards + [OTHER] * other + [TOO_WIDE] * too_wide


# By hand: of n of n the lower end is n/(n + 3.841), 0.9 at n = 34.6; of 0 of n the upper end is 3.841/(n + 3.841).
@pytest.mark.parametrize("inside, outside, said", [
    (cases(36), cases(36), "holds"),
    (cases(18), cases(18), "holds"),
    (cases(17), cases(17), "depends"),                       # 34 of 34: 0.8985
    (cases(36), cases(other=36), "holds only if"),
    (cases(35), cases(other=35), "holds only if"),           # 35 of 35: 0.9011, and 0.0989 outside
    (cases(34), cases(other=35), "depends"),
    (cases(35), cases(other=34), "holds if"),                # up to 0.1015 outside
    (cases(40), cases(10, other=30), "holds if"),
    (cases(39, other=1), cases(other=40), "depends"),        # 39 of 40: 0.871
    (cases(79, other=1), cases(other=80), "holds only if"),  # 79 of 80: 0.933
    (cases(77, other=3), cases(other=80), "depends"),        # 77 of 80: 0.8955
    (cases(78, other=2), cases(other=80), "holds only if"),  # 78 of 80: 0.9134
    (cases(other=20), cases(other=20), "fails"),
    (cases(other=17), cases(other=17), "depends"),
    (cases(other=79, holds=1), [], "fails"),
    (cases(backwards=40), cases(backwards=40), "backwards"),
    (cases(backwards=39, other=1), cases(backwards=40), "backwards"),
    (cases(backwards=30, other=10), cases(backwards=40), "fails"),
    (cases(no_effect=40), cases(no_effect=40), "no effect"),
    (cases(no_effect=30, other=10), cases(no_effect=40), "fails"),
    (cases(40), cases(no_effect=40), "holds only if"),
    (cases(40), cases(40, other=0), "holds"),
    (cases(80), [], "holds"),
    (cases(40, other=40), [], "depends"),
    (cases(other=40), cases(40), "depends"),                 # the condition the wrong way round
    (cases(40), cases(other=39, too_wide=1), "holds only if"),
    (cases(36, too_wide=4), cases(other=36, too_wide=4), "holds only if"),  # at most one in ten is too wide
    (cases(35, too_wide=5), cases(other=40), "undecided"),
    (cases(40), cases(other=30, too_wide=10), "undecided"),  # holds if, or only if?
    (cases(too_wide=40), cases(too_wide=40), "undecided"),
    (cases(20, other=20, too_wide=10), cases(20, other=30), "depends"),     # they could change nothing
    (cases(58, too_wide=2), cases(14, other=35, too_wide=11), "holds if"),  # … outside; inside they are few
])
def test_the_verdict_on_an_effect(inside, outside, said):
    assert verdict(inside, outside) == said


@pytest.mark.parametrize("kind", ["theorem", "report"])
@pytest.mark.parametrize("inside, outside, said", [
    (cases(40), [], "holds"),
    (cases(40), cases(40), "holds"),
    (cases(40), cases(39, other=1), "holds if"),
    (cases(40), cases(other=40), "holds only if"),
    (cases(39, other=1), [], "fails"),  # one counterexample ends it
    (cases(39, other=1), cases(other=40), "fails"),
    (cases(39, too_wide=1), cases(other=40), "undecided"),
    (cases(38, too_wide=1, other=1), cases(other=40), "fails"),
    ([], [], "fails"),
])
def test_the_verdict_on_a_theorem(kind, inside, outside, said):
    assert verdict(inside, outside, kind) == said


def test_an_existence_needs_one_witness():
    assert verdict(cases(1, other=39), kind="existence") == "holds"
    assert verdict(cases(other=39), cases(1), kind="existence") == "holds"
    assert verdict(cases(other=40), kind="existence") == "undecided"


SAID = st.lists(st.sampled_from([HOLDS, NO_EFFECT, BACKWARDS, OTHER, TOO_WIDE]), max_size=60)


@given(inside=SAID, outside=SAID, kind=st.sampled_from(["effect", "practice", "theorem", "report", "existence"]))
def test_there_is_always_a_verdict_and_order_is_nothing(inside, outside, kind):
    assert verdict(inside, outside, kind) == verdict(inside[::-1], sorted(outside), kind)
    assert verdict(inside, outside, kind) in VERDICTS


@given(k=st.integers(0, 100), more=st.integers(0, 100), n=st.integers(1, 200))
def test_more_cases_that_hold_never_make_a_verdict_weaker(k, more, n):
    order = ["fails", "depends", "holds"]
    fewer, larger = min(k, n), min(k + more, n)
    said = [verdict(cases(holds=x, other=n - x)) for x in (fewer, larger)]
    assert order.index(said[0]) <= order.index(said[1])


@given(holds=st.integers(0, 50), other=st.integers(0, 50), wide=st.integers(0, 12))
def test_what_is_too_wide_to_say_only_makes_undecided(holds, other, wide):
    said = verdict(cases(holds=holds, other=other, too_wide=wide))
    whichever = {verdict(cases(holds=holds + k, other=other + wide - k)) for k in range(wide + 1)}
    assert said in whichever | {"undecided", verdict(cases(holds=holds, other=other))}


# --- one trial, made for the tests ---

class Larger:
    """x plus noise is more than 1."""

    axes = {"x": between(-4, 4, about="x from", least=-10, most=10), "n": among(8, 16, about="numbers", least=8),
            "kind": among("plain", "noisy", about="noise")}
    smallest = 1.0

    def met(case):
        """x is
        more than 2"""
        return case.x > 2

    def possible(case):
        if case.x > 9 and case.kind == "noisy":
            raise ValueError("x must be at most 9 where it is noisy")

    def run(case, rng):
        return intervals.paired(case.x + (0.1 if case.kind == "noisy" else 0.0) * rng.standard_normal(case.n))


@pytest.fixture
def larger(monkeypatch, tmp_path):
    """The trial `Larger` as the only one, with files of its own."""
    monkeypatch.setattr(trial, "TRIALS", {})
    monkeypatch.setattr(trial, "load", lambda: trial.TRIALS)
    monkeypatch.setattr(rows, "FOLDER", tmp_path)
    monkeypatch.setattr(tool, "LEDGER", tmp_path / "claims.toml")
    tool.LEDGER.write_text(LEDGER_OF_TWO, encoding="utf-8")
    tool.sample.cache_clear()
    yield trial.trial("steepest", kind="effect", unit="x")(Larger)
    tool.sample.cache_clear()


LEDGER_OF_TWO = """[claims.steepest]
statement = "x"
verdict = "holds"

[claims.other]
statement = "y"
"""


def changed(**parts):
    """The class `Larger` with other parts."""
    own = {name: value for name, value in vars(Larger).items() if not name.startswith("_")} | parts
    return type("Changed", (), {name: value for name, value in own.items() if value is not ...})


def test_the_words_come_from_the_code(larger):
    assert larger.condition == "x is more than 2"
    assert larger.scope == "x from -4 to 4; numbers 8, 16; noise plain, noisy"


def test_as_many_cases_are_drawn_inside_as_outside(larger):
    drawn = larger.sample()
    assert [case.x > 2 for case in drawn] == [True] * 40 + [False] * 40
    assert all(larger.within(case) for case in drawn) and len(set(drawn)) == 80
    assert drawn == larger.sample() and drawn != larger.sample(master=1)
    assert len({larger.seed(i, master) for i in range(80) for master in range(3)}) == 240


def test_without_a_condition_all_cases_are_inside(larger, monkeypatch):
    monkeypatch.setattr(trial, "TRIALS", {})
    free = _of_steepest(met=...)
    assert len(free.sample()) == 80 and all(map(free.inside, free.sample())) and free.condition == ""


@pytest.mark.parametrize("low, high, said", [
    (1.1, 1.2, HOLDS), (1.0, 2.0, TOO_WIDE), (0.9, 1.1, TOO_WIDE), (-2, 2, TOO_WIDE), (-0.9, 0.9, NO_EFFECT),
    (-1.0, 0.5, OTHER), (-3, -1.1, BACKWARDS), (-3, -1.0, OTHER), (0, 0, NO_EFFECT),
])
def test_what_an_outcome_says(larger, low, high, said):
    assert larger.says(Outcome((low + high) / 2, low, high)) == said


def test_an_effect_may_have_an_upper_bound_and_a_theorem_is_never_backwards(larger, monkeypatch):
    monkeypatch.setattr(trial, "TRIALS", {})
    equal = trial.trial("steepest", kind="theorem", unit="x")(changed(smallest=-1e-9, most=1e-9))
    assert [equal.says(Outcome(x, x, x)) for x in (0, 1e-8, -1e-8, -9)] == [HOLDS, OTHER, OTHER, OTHER]
    assert equal.says(Outcome(0, -1, 1)) == TOO_WIDE


def _of_steepest(**parts):
    return trial.trial("steepest", kind="effect", unit="x")(changed(**parts))


GOOD = {"x": 3.0, "n": 8, "kind": "plain"}


@pytest.mark.parametrize("change, sentence", [
    ({"x": ...}, "a case of steepest must have x, n, kind; got n, kind"),
    ({"y": 1}, "a case of steepest must have x, n, kind; got x, n, kind, y"),
    ({"x": "3"}, "x must be a number; got '3'"),
    ({"x": np.nan}, "x must be a finite number of at least -10 and of at most 10; got nan"),
    ({"x": [3.0]}, r"x must be a number; got \[3.0\]"),
    ({"x": True}, "x must be a number; got True"),
    ({"x": 10.5}, "x must be a finite number of at least -10 and of at most 10; got 10.5"),
    ({"n": 8.5}, "n must be a whole number of at least 8; got 8.5"),
    ({"n": 7}, "n must be a whole number of at least 8; got 7"),
    ({"kind": "odd"}, "kind must be one of 'plain', 'noisy'; got 'odd'"),
    ({"kind": ["plain"]}, "kind must be one of 'plain', 'noisy'; got"),
    ({"x": 9.5, "kind": "noisy"}, "x must be at most 9 where it is noisy"),
])
def test_an_impossible_case_is_refused_before_it_is_run(larger, monkeypatch, change, sentence):
    monkeypatch.setattr(trial.Trial, "measured", lambda *_: pytest.fail("it was run"))
    case = {name: value for name, value in (GOOD | change).items() if value is not ...}
    with pytest.raises(ValueError, match=sentence):
        trial.attack("steepest", case, {"verdict": "holds"})


@pytest.mark.parametrize("bad, sentence", [
    (None, "case must be a dict of x, n, kind; got None"), ({}, "a case of steepest must have x, n, kind; got nothing"),
])
def test_what_is_no_case_is_refused(larger, bad, sentence):
    with pytest.raises(ValueError, match=sentence):
        trial.attack("steepest", bad, {"verdict": "holds"})


@pytest.mark.parametrize("case, verdict, within, inside, refutes, last", [
    ({"x": 3.0}, "holds only if", True, True, False, "It does not speak against the verdict."),
    ({"x": 0.0}, "holds only if", True, False, False, "It does not speak against the verdict."),
    ({"x": 1.5}, "holds only if", True, False, True, "It speaks against the verdict."),
    ({"x": 1.5}, "holds if", True, False, False, "It does not speak against the verdict."),
    ({"x": 0.0}, "holds", True, False, True, "It speaks against the verdict."),
    ({"x": 3.0}, "fails", True, True, True, "It speaks against the verdict."),
    ({"x": 0.0}, "no effect", True, False, False, "It does not speak against the verdict."),
    ({"x": 3.0}, "depends", True, True, False, "The verdict is depends: no single case refutes that."),
    ({"x": 1.0, "kind": "noisy"}, "holds", True, False, False, "Its interval is too wide to say."),
    ({"x": 9.5}, "fails", False, True, False, "So it can't refute the verdict, which is on the family alone."),
    ({"n": 12}, "fails", False, True, False, "So it can't refute the verdict, which is on the family alone."),
])
def test_an_attack_says_where_the_case_lies_and_what_it_refutes(larger, case, verdict, within, inside, refutes, last):
    found = trial.attack("steepest", GOOD | case, {"verdict": verdict})
    assert (found.within, found.inside, found.refutes) == (within, inside, refutes)
    lines = repr(found).splitlines()
    condition = " x is more than 2" if " if" in verdict else ""
    assert lines[0] == f"Claim steepest: {verdict}{condition}"
    assert lines[2].startswith(f"It lies {'within' if within else 'outside'} the family that was tried, and "
                               f"{'meets' if inside else 'does not meet'} the condition.")
    assert lines[3].startswith(last)


def test_one_case_without_a_witness_does_not_end_an_existence():
    found = ledger.attack("zero-gradient-not-minimum", {"d": 1})
    assert (found.says, found.within, found.refutes) == (OTHER, True, False)


def test_the_ledger_passes_an_attack_on():
    with pytest.raises(ValueError, match="claim must be one of .*; got 'noisefloor'. The nearest are noise-floor"):
        ledger.attack("noisefloor", {})
    untried = next(claim for claim in CLAIMS if claim not in TRIALS)
    with pytest.raises(ValueError, match=f"{untried} has no trial yet; there are trials of .*noise-floor"):
        ledger.attack(untried, {})


@pytest.mark.parametrize("parts, sentence", [
    ({"run": ...}, "the trial of steepest must have run. Add it to Changed."),
    ({"smallest": ...}, "the trial of steepest must have smallest"),
    ({"smalest": 1}, "the trial of steepest has an unknown part: smalest"),
    ({"seeds": 7}, "seeds must be at least 8 where an effect is measured; got 7"),
    ({"met": lambda case: True}, "met of steepest must have a docstring: the condition in words"),
])
def test_an_incomplete_trial_is_refused(larger, monkeypatch, parts, sentence):
    monkeypatch.setattr(trial, "TRIALS", {})
    with pytest.raises(ValueError, match=sentence):
        _of_steepest(**parts)
    assert trial.TRIALS == {}


def test_kinds_are_known_and_a_condition_must_be_drawn_on_both_sides(larger, monkeypatch):
    with pytest.raises(ValueError, match="kind must be one of theorem, .*; got 'law'"):
        trial.trial("steepest", kind="law", unit="x")
    monkeypatch.setattr(trial, "MOST_DRAWS", 300)

    def met(case):
        """x is more than 100"""
        return case.x > 100

    never = _of_steepest(met=met)
    with pytest.raises(ValueError, match="steepest must draw 40 cases on each side; got 0 inside and 40 outside"):
        never.sample()


@pytest.mark.parametrize("outcome", [(np.nan, 0, 1), (0, 1, 2), (0, -np.inf, 1)])
def test_an_outcome_must_be_one(larger, monkeypatch, outcome):
    bad = _of_steepest(run=lambda case, rng: outcome)
    with pytest.raises(ValueError, match="run of steepest must give finite effect, low, high with"):
        bad.row(0)


def test_how_many_seeds_it_would_take(larger):
    narrow, wide = Outcome(3, 2.9, 3.1), Outcome(1.5, 0.5, 2.5)  # ± 1, at 1/2 from the bound: 4 times as many
    assert trial.seeds_needed(larger, [narrow] * 8 + [wide] * 2) == 32
    assert trial.seeds_needed(larger, [narrow] * 9 + [wide]) == 8


@pytest.mark.parametrize("claim, case", [
    ("lr-too-small-slow", {"surface": "quadratic", "d": 5, "kappa": 3000, "rate": 0.003, "target": 1e-8}),
    ("small-steps-smoother", {"spectrum": "even", "d": 2, "kappa": 1e4, "rate": 0.005, "start": "anywhere",
                              "target": 1e-9}),
    ("velocity-is-average", {"beta": 0.9999, "factor": "1", "lr": 1, "memories": 100, "d": 1}),
    ("scaling-inputs", {"n": 2000, "d": 2, "spread": 1, "offset": 0, "turned": "no", "signal": "every column",
                        "noise": 1, "batch": 1, "epochs": 200}),
    ("momentum-escapes-saddles", {"down": 0.001, "ways": 1, "up": 1, "beta": 0, "lr": 0.01, "hold": "η", "away": 1e-9}),
])
def test_a_case_that_would_take_hours_is_refused(claim, case):
    with pytest.raises(ValueError, match="the walk must take at most .* steps; got up to .* Take a smaller condition"):
        ledger.attack(claim, case)


# --- the tool ---

def file():
    return rows.path("steepest").read_text(encoding="utf-8")


@pytest.fixture
def whole(larger, capsys):
    """The rows of `Larger`, run without an interruption."""
    tool.main(["--jobs", "1"])
    return file()


def test_a_trial_leaves_its_rows_and_a_table_in_the_ledger(whole, larger, capsys):
    tool.main(["steepest", "--jobs", "1"])
    said = capsys.readouterr().out
    assert "steepest: holds if x is more than 2: 40 of 40 inside, " in said and " outside, " in said
    assert file() == whole and not list(rows.FOLDER.glob("*.part"))
    stored = rows.read(larger)
    assert [row.number for row in stored] == list(range(80)) and [row.case for row in stored] == larger.sample()
    text = tool.LEDGER.read_text(encoding="utf-8")
    head = "[claims.steepest.trial]\n"
    assert text.count(head) == 1 and text.index(head) < text.index("[claims.other]")
    assert text.replace("\n" + head + text.split(head)[1].split("\n\n")[0] + "\n", "") == LEDGER_OF_TWO


@pytest.mark.parametrize("torn", ["", "0.1,7,12", '0.1,7,"12'])
def test_an_interrupted_trial_goes_on_and_leaves_the_same_file(whole, larger, monkeypatch, torn):
    rows.path("steepest").unlink()
    ran, real = [], tool.one

    def one(claim, master, number):
        if len(ran) == 30:
            raise KeyboardInterrupt
        ran.append(number)
        return real(claim, master, number)

    monkeypatch.setattr(tool, "one", one)
    with pytest.raises(KeyboardInterrupt):
        tool.main(["--jobs", "1"])
    part = rows.FOLDER / "steepest.0.part"
    with part.open("a", encoding="utf-8") as half_written:
        half_written.write(torn)
    assert not rows.path("steepest").exists()
    monkeypatch.setattr(tool, "one", lambda *case: ran.append(case[2]) or real(*case))
    tool.main(["--jobs", "1"])
    assert sorted(ran) == list(range(80))  # none was run twice
    assert file() == whole and not part.exists()


def test_rows_of_other_code_are_not_gone_on_with(larger, monkeypatch):
    part = tool.Part(larger, 0)
    part.add(*tool.one("steepest", 0, 5))
    assert 5 not in tool.Part(larger, 0).missing()
    monkeypatch.setattr(tool, "fingerprint", lambda tried: "another")
    assert 5 in tool.Part(larger, 0).missing()


def test_other_master_seeds_leave_rows_and_ledger_alone(whole, larger, capsys):
    for masters in (["1", "2"], ["2", "3"]):
        tool.main(["steepest", "--jobs", "1", "--masters", *masters])
    table = list(csv.DictReader(io.StringIO((rows.FOLDER / "masters.csv").read_text(encoding="utf-8"))))
    assert [line["master"] for line in table] == ["1", "2", "3"] and {line["n_inside"] for line in table} == {"40"}
    assert file() == whole


@pytest.mark.parametrize("arguments, sentence", [
    (["flattest"], "there is no trial of flattest; there are steepest"),
    (["--jobs", "0"], "--jobs must be at least 1; got 0"),
    (["--masters", "0", "1"], "--masters must not name 0"),
])
def test_the_tool_refuses_in_a_sentence(larger, capsys, arguments, sentence):
    with pytest.raises(SystemExit):
        tool.main(arguments)
    assert sentence in capsys.readouterr().err


def test_the_ledger_is_written_anew_from_the_rows_without_running_them(whole, larger, monkeypatch):
    before = tool.LEDGER.read_text(encoding="utf-8")
    tool.LEDGER.write_text(LEDGER_OF_TWO, encoding="utf-8")
    monkeypatch.setattr(tool, "one", lambda *_: pytest.fail("it was run"))
    tool.main(["--ledger"])
    assert tool.LEDGER.read_text(encoding="utf-8") == before != LEDGER_OF_TWO


def test_a_claim_without_an_entry_is_not_stored(larger):
    with pytest.raises(ValueError, match=r"data/claims.toml must have \[claims.mine\]"):
        tool.with_trial(LEDGER_OF_TWO, "mine", {"kind": "effect"})


def test_several_processes_leave_the_stored_file(tmp_path, monkeypatch):
    cheapest = "velocity-is-average"
    monkeypatch.setattr(rows, "FOLDER", tmp_path)
    monkeypatch.setattr(tool, "LEDGER", tmp_path / "claims.toml")
    shutil.copy(ledger.LEDGER, tool.LEDGER)
    tool.main([cheapest, "--jobs", "2"])
    alone = tool.Part(TRIALS[cheapest], 0)
    tool.complete([alone], 1)
    assert rows.path(cheapest).read_text(encoding="utf-8") == alone.text()


# --- what trials measure with ---

def test_the_noise_floor_in_closed_form_is_where_walks_come_to():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((20, 3)) * [1, 0.7, 0.5]
    y = X @ [1, 2, 3] + rng.standard_normal(20)
    model, rate = gd.LeastSquares(X, y, intercept=False), 0.2 / (X**2).sum(axis=1).max()
    start = np.tile(model.solution(), (200, 1))
    generators = [np.random.default_rng([1, i]) for i in range(200)]
    oracle = gd.minibatches(model, 2, generators, replace=True)
    walk = gd.run(model, gd.gradient_descent(rate), start, 600, oracle=oracle, every=50)
    late = (walk.loss[6:] - model(model.solution())).mean(axis=0)
    excess = batches.floor(X, y, rate, 2)
    assert intervals.paired(late).low < excess < intervals.paired(late).high
    assert late.mean() == pytest.approx(excess, rel=0.05)


def test_there_is_no_floor_where_every_row_can_be_fitted():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((20, 60))
    assert batches.floor(X, rng.standard_normal(20), 0.001, 1) == 0


@pytest.mark.parametrize("name", walks.SURFACES)
def test_a_surface_has_the_gradient_and_the_curvature_that_it_says(name):
    f, largest = walks.surface(name, 4, 10.0, np.random.default_rng(0))
    points = np.random.default_rng(1).standard_normal((50, 4))
    for theta in points[:3]:
        assert gd.analysis.check_gradient(f, f.grad, theta)
    near = points + 1e-4 * np.random.default_rng(2).standard_normal((50, 4))
    slopes = np.linalg.norm(f.grad(near) - f.grad(points), axis=1) / np.linalg.norm(near - points, axis=1)
    assert slopes.max() <= largest * (1 + 1e-6)
    at_bottom = gd.analysis.hessian(f, np.zeros(4))
    assert np.linalg.eigvalsh(at_bottom)[-1] == pytest.approx(largest, rel=1e-6)


@pytest.mark.parametrize("z, value", [(0, 0), (1e-9, 5e-19), (-1e-9, 5e-19), (1, 0.4337808304830271),
                                      (0.999999, 0.4337800688893), (800, 800 - np.log(2)), (-800, 800 - np.log(2))])
def test_ln_cosh_is_exact_near_0_and_finite_far_away(z, value):
    assert walks.ln_cosh(np.array(float(z))) == pytest.approx(value, rel=1e-12)


def test_a_spectrum_reaches_from_one_over_kappa_to_1():
    for name in ("geometric", "even", "two values"):
        for d in (2, 3, 7):
            lam = walks.spectrum(name, d, 50.0)
            assert (lam.min(), lam.max(), len(lam)) == (pytest.approx(1 / 50), 1, d)
        assert list(walks.spectrum(name, 1, 50.0)) == [1]


def test_steps_until_a_walk_arrives_and_until_it_stays():
    halving, swinging = gd.gradient_descent(gd.per_run([0.5, 0.05])), gd.gradient_descent(1.5)

    def near(theta):
        return np.abs(theta[..., 0]) <= 0.3

    assert list(walks.steps_until(near, halving, [[1.0]], 10, lambda theta: theta)) == [2, np.inf]
    assert walks.steps_until(near, swinging, [1.0], 9, lambda theta: theta) == 2
    signs = (lambda theta, sign=sign: sign * theta for sign in (1, -1, 1, 1, 1))  # down, up, down, down, down
    assert walks.steps_until(near, gd.gradient_descent(0.75), [1.0], 5, signs, stay=True) == 3


@given(share=st.floats(1e-3, 2))
def test_a_step_bends_the_slope_by_the_share_that_was_asked(share):
    theta = np.random.default_rng(0).standard_normal((5, 2))
    for f in (gd.quadratic([1.0, 30.0]), gd.rosenbrock):
        step = walks.step_that_bends(f, theta, share)
        change = np.linalg.norm(f.grad(theta + step) - f.grad(theta), axis=1)
        assert change == pytest.approx(share * np.linalg.norm(f.grad(theta), axis=1), rel=1e-3)


# --- what is stored ---

def test_every_trial_is_of_a_claim_and_every_row_file_of_a_trial():
    stored = {path.stem for path in rows.FOLDER.glob("*.csv")} - {"masters"}
    assert stored == set(TRIALS) == {claim for claim, entry in CLAIMS.items() if "trial" in entry}
    assert set(TRIALS) <= set(CLAIMS)


def test_a_trial_stands_in_the_folder_of_its_claims_lesson():
    words = {lesson.number: lesson.word for lesson in gd.lessons.table()}
    for claim, tried in TRIALS.items():
        folder = f"gdlib.lessons.{words[CLAIMS[claim]['lessons'][0]]}.trials"
        assert tried.run.__module__ in (folder, f"{folder}.{tried.run.__module__.rpartition('.')[2]}")


@pytest.mark.parametrize("claim", TRIALS)
def test_ledger_and_rows_agree(claim):
    assert CLAIMS[claim]["trial"] == trial.judged(TRIALS[claim], rows.read(TRIALS[claim]))


@pytest.mark.parametrize("claim", TRIALS)
def test_the_rows_are_of_the_sample_and_enough(claim):
    tried, stored = TRIALS[claim], rows.read(TRIALS[claim])
    assert [row.case for row in stored] == tried.sample()
    assert [row.seed for row in stored] == [tried.seed(number) for number in range(len(stored))]
    assert tried.of_each >= 40 and tried.fixed and tried.scope


# At rates above the edge of the ripples walks are chaotic: another processor's last bit moves their mean, by 0.01 where
# the starts were moved by their last bit. The tolerance is half of the smallest effect that counts.
CHAOTIC = {"small-steps-find": 0.1, "lr-too-small-stuck": 0.1}


@pytest.mark.parametrize("claim", TRIALS)
def test_three_rows_run_again(claim):
    tried, stored = TRIALS[claim], rows.read(TRIALS[claim])
    for number in np.linspace(1, len(stored) - 2, 3).astype(int):
        again = tried.measured(stored[number].case, stored[number].seed)
        assert again == pytest.approx(stored[number].outcome, rel=1e-6, abs=CHAOTIC.get(claim, 1e-9))


@pytest.mark.parametrize("claim", TRIALS)
def test_no_verdict_flips_with_another_draw(claim):
    """An undecided one says itself that it takes more seeds."""
    table = csv.DictReader(io.StringIO((rows.FOLDER / "masters.csv").read_text(encoding="utf-8")))
    verdicts, found = [line["verdict"] for line in table if line["claim"] == claim], CLAIMS[claim]["trial"]["verdict"]
    assert found == "undecided" or (verdicts and set(verdicts) == {found})


# What a sceptic tried against the lessons' verdicts, and what came of it: (claim, case, what it says, condition met).
RAVINE = {"method": "RMSprop, ρ = 0.9", "kappa": 500, "angle": 10, "target": 0.03}
SWING = {"steepness": 1.9, "beta": 0.95, "hold": "η/(1 − β)", "shape": "bowl", "sigma": 0}
FALLING = {"spectrum": "geometric", "d": 10, "kappa": 100, "noise": "vanishing", "sigma": 1, "schedule": "cosine",
           "steps": 1000}
WELL = {"tilt": 0.2, "above": 0.5, "beta": 0.9, "lr": 0.05, "hold": "η", "count": "crosses once"}
ESCAPE = {"tilt": 0.1, "lr": 0.05, "heat": 0.3, "time": 400, "noise": "rows reshuffled", "count": "crosses once"}
RACE = {"model": "least squares", "columns": "normal", "n": 250, "kappa": 10, "noise": 0.3, "depth": 4}
BANDWIDTH = {"batch": 1078, "times": 16, "launch": 30, "weights": 10, "values": 2, "tile": 1, "cache": 10_000}
TRIED_BY_A_SCEPTIC = [
    ("noise-floor", {"n": 20, "d": 60, "kappa": 1, "columns": "normal", "noise": 1, "tails": "normal", "batch": 1,
                     "share": 0.2}, OTHER, False),  # every row can be fitted: no floor at all
    ("scaling-inputs", {"n": 160, "d": 5, "spread": 1, "offset": 10, "turned": "no", "signal": "every column",
                        "noise": 0.3, "batch": 16, "epochs": 40}, HOLDS, True),  # equal scales, far from 0
    ("adaptive-less-oscillation", RAVINE, HOLDS, False),  # RMSprop is quicker in a ravine turned a little …
    ("adaptive-less-oscillation", RAVINE | {"angle": 45}, BACKWARDS, False),
    ("momentum-less-oscillation", SWING | {"beta": 0.2}, HOLDS, True),  # at equal η/(1 − β) it swings less …
    ("momentum-less-oscillation", SWING, HOLDS, False),
    ("momentum-less-oscillation", SWING | {"steepness": 1.2, "beta": 0.9, "hold": "η"}, BACKWARDS, False),
    ("lr-too-large", {"surface": "separable", "d": 5, "kappa": 3, "times": 2.5}, NO_EFFECT, False),
    ("decay-helps", FALLING, BACKWARDS, False),  # noisy, but less and less
    ("decay-helps", FALLING | {"noise": "constant", "sigma": 0.01, "schedule": "1/t", "steps": 30}, BACKWARDS, False),
    ("momentum-escapes-minima", WELL, NO_EFFECT, False),  # from above the barrier, and friction takes all
    ("momentum-escapes-saddles", {"down": 0.5, "ways": 1, "up": 10, "beta": 0.9, "lr": 1, "hold": "η/(1 − β)",
                                  "away": 1e-3}, BACKWARDS, False),  # off the ridge, and slower
    ("momentum-accelerates", {"spectrum": "geometric", "d": 5, "kappa": 100, "beta": 0.9, "target": 0.003,
                              "sigma": 0.01, "count": "stays"}, NO_EFFECT, False),  # noise
    ("sgd-escapes", ESCAPE, NO_EFFECT, False),  # reshuffled rows cancel over an epoch
    ("sgd-escapes", ESCAPE | {"heat": 1, "noise": "fades with the slope"}, NO_EFFECT, False),  # interpolation
    ("minibatch-faster-than-sgd", RACE | {"size": 32, "cost": 0}, BACKWARDS, False),  # by examples one row is better
    ("minibatch-faster-than-sgd", RACE | {"size": 32, "cost": 100}, HOLDS, True),
    ("sgd-fast-noisy", RACE | {"cost": 0, "offset": 10}, BACKWARDS, False),  # all rows pull the same way at first
    ("big-batch-hardware", BANDWIDTH, BACKWARDS, False),  # out of the cache, as the lesson's own clock may show
    ("steepest", {"surface": "rosenbrock", "kappa": 1, "length": "largest coordinate", "bend": 0.01}, OTHER, False),
]


@pytest.mark.parametrize("claim, case, said, met", TRIED_BY_A_SCEPTIC)
def test_what_breaks_a_lessons_verdict_does_not_break_the_trials(claim, case, said, met):
    found = ledger.attack(claim, case)
    assert (found.says, found.inside, found.refutes) == (said, met, False)


AGREE = {"momentum-escapes-saddles", "noise-floor"}  # in verdict and condition, word for word
# The same verdict, with the condition put otherwise.
SAME_VERDICT = {"velocity-is-average", "data-parallel-same", "article-converges"}


def test_where_a_lesson_and_its_trial_say_the_same():
    tried = {name: entry for name, entry in CLAIMS.items() if "trial" in entry}
    same = {name for name, entry in tried.items() if entry.get("verdict") == entry["trial"]["verdict"]}
    condition = {name for name in same if entry_condition(tried[name]) == tried[name].get("only_if", "")}
    assert (condition, same - condition) == (AGREE, SAME_VERDICT)


def entry_condition(entry):
    return entry["trial"].get("condition", "")


TRIED = 56  # of all claims: raise it with each trial that is added


def test_how_many_claims_were_tried():
    assert len(TRIALS) == TRIED <= len(CLAIMS)
