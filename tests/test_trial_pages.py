"""What the pages of claims on trial are made of: the picture of all cases, the calls, the signs and strips."""
import numpy as np
import pytest

from gdlib.lessons.kit import cases, ledger, page, rows, trial
from gdlib.lessons.kit.intervals import Outcome
from gdlib.lessons.kit.page import Page
from gdlib.lessons.kit.verdicts import BACKWARDS, HOLDS, NO_EFFECT, OTHER, TOO_WIDE, VERDICTS

TRIALS = trial.load()


def made(claim, effect, inside=None, width=0.0):
    """Rows of a claim's stored cases, with other effects: effect(case)."""
    tried = TRIALS[claim]
    new = []
    for row in rows.read(tried):
        x = float(effect(row.case))
        side = row.inside if inside is None else inside(row.case)
        new.append(row._replace(outcome=Outcome(x, x - width, x + width), inside=side))
    return tried, new


@pytest.mark.parametrize("claim", TRIALS)
def test_every_trial_has_its_picture_with_words(claim, capsys):
    cases.picture(TRIALS[claim], rows.read(TRIALS[claim]))
    said = capsys.readouterr().out
    result = ledger.find(claim)["trial"]
    assert f"{result['k_inside']} of {result['n_inside']} hold" in said
    assert f"{TRIALS[claim].smallest:g}" in said and TRIALS[claim].unit in said


def test_the_axis_across_is_the_one_that_orders_the_effects():
    by_beta = made("momentum-accelerates", lambda case: case.beta)
    assert cases.best_order(*by_beta)[0] == "beta" and cases.order(*by_beta, "beta") == pytest.approx(1)
    by_target = made("momentum-accelerates", lambda case: -case.target)
    assert cases.best_order(*by_target)[0] == "target" and 0.85 < cases.order(*by_target, "target") < 1


def test_what_orders_is_asked_inside_and_outside_the_condition_apart():
    """An effect that hangs on the side alone is no news: the panels show it."""
    tried, new = made("momentum-escapes-saddles", lambda case: 1.0 if case.hold == "η" else -1.0,
                      inside=lambda case: case.hold == "η")
    assert [cases.order(tried, new, name) for name in tried.axes] == [0.0] * len(tried.axes)


def test_an_axis_of_many_values_does_not_win_by_chance():
    rng = np.random.default_rng(0)
    noise = [made("scaling-inputs", lambda case: rng.standard_normal()) for _ in range(20)]
    shares = [cases.best_order(*one)[1] for one in noise]
    assert np.median(shares) < 0.05 and max(shares) < 0.12


def test_rounding_does_not_order():
    tried, new = made("data-parallel-same", lambda case: 1e-17 * case.steps)
    assert cases.order(tried, new, "steps") == 0


def test_no_two_answers_look_alike():
    assert set(cases.LOOK) == {HOLDS, OTHER, NO_EFFECT, BACKWARDS, TOO_WIDE}
    assert len({(marker, face == "white") for _, marker, face in cases.LOOK.values()}) == len(cases.LOOK)


def test_what_is_too_wide_and_far_away_is_counted(capsys, monkeypatch):
    tried = TRIALS["twice-as-far"]
    stored = rows.read(tried)
    far = [stored[0]._replace(outcome=Outcome(-500.0, -5000.0, 4000.0)), *stored[1:]]
    drawn = []
    monkeypatch.setattr(cases.plots, "show", lambda fig, alt: drawn.append((fig, alt)))
    cases.picture(tried, far)
    fig, alt = drawn[0]
    low, high = fig.axes[0].get_ylim()
    assert -3 < low < high < 4 and "1 too wide to say" in alt
    assert [text.get_text() for text in fig.axes[-1].texts] == ["1 too wide to say, and beyond the picture"]


@pytest.mark.parametrize("claim, says", [
    ("noise-floor", "No case speaks against the verdict where its condition is met. Case "),
    ("zero-gradient-not-minimum", "The case that is farthest from a witness, "),
])
def test_the_best_counterexample_is_run_again(claim, says, capsys):
    Page(claim).counterexample()
    said = capsys.readouterr().out
    assert said.startswith(says) and said.endswith("from its seed: the same.\n")


def test_a_stored_row_that_is_not_what_is_run_is_told(capsys):
    opened = Page("velocity-is-average")
    opened.rows = [row._replace(outcome=Outcome(0.5, 0.5, 0.5)) for row in opened.rows]
    opened.counterexample()
    said = capsys.readouterr().out
    assert said.startswith("The best counterexample is case") and "it differs: " in said


def test_the_counterexample_speaks_most_against_the_verdict():
    tried, new = made("noise-floor", lambda case: 1.0)
    wrong = new[5]._replace(outcome=Outcome(0.2, 0.1, 0.3))
    assert trial.counterexample(tried, "holds only if", [*new, wrong]) == (wrong, True)
    outside = new[5]._replace(outcome=Outcome(0.2, 0.1, 0.3), inside=False)
    assert not trial.counterexample(tried, "holds only if", [*new, outside])[1]
    assert trial.counterexample(tried, "fails", [wrong, new[3]]) == (new[3], True)


def test_an_attack_begins_at_the_counterexample_and_changes_what_is_asked():
    opened = Page("velocity-is-average")
    nearest, _ = trial.counterexample(opened.trial, "holds only if", opened.rows)
    found = opened.attack(factor="1", d=3)
    assert (found.case.factor, found.case.d, found.case.beta) == ("1", 3, nearest.case.beta)
    assert not found.refutes and found.says == OTHER
    with pytest.raises(ValueError, match="a case of velocity-is-average must have beta, factor, .*; got .*colour"):
        opened.attack(colour="red")


def test_a_prediction_is_compared_with_the_verdict(capsys):
    opened = Page("noise-floor")
    opened.guess.predict(3)
    opened.verdict()
    said = capsys.readouterr().out
    assert "You said: It holds where a condition is met, and hardly ever elsewhere. ✓" in said
    opened.guess.predict()
    assert "`page.guess.predict(2)`" in capsys.readouterr().out


def test_the_verdict_says_how_often_another_draw_agrees(capsys, monkeypatch):
    Page("noise-floor").verdict()
    same = len(rows.masters("noise-floor"))
    assert same >= 5 and f"With cases drawn anew, {same} times of {same} the verdict" in capsys.readouterr().out
    monkeypatch.setattr(rows, "masters", lambda claim: ["holds only if", "depends"])
    Page("noise-floor").verdict()
    assert "With cases drawn anew, 1 times of 2 the verdict" in capsys.readouterr().out


def test_every_verdict_answers_the_question():
    answers = [word for words in page.GUESSES.values() for word in words]
    assert sorted(answers) == sorted(VERDICTS)


def test_a_claim_without_a_trial_has_no_page():
    with pytest.raises(ValueError, match="stop-it must be|claim must be one of"):
        Page("stop-it")
    untried = next(name for name, claim in ledger.ledger()["claims"].items() if "trial" not in claim)
    with pytest.raises(ValueError, match=f"{untried} must have a trial, and its result in the ledger; got none. Run"):
        Page(untried)
