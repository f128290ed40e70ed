"""What is the same on all pages in notebooks/trials: one call each.

>>> from gdlib.lessons.kit.page import Page
>>> page = Page("twice-as-far")
>>> page.attack(surface="quadratic", bend=0.5)
Claim twice-as-far: holds if the slope changes by at most a twentieth along the step
Your case: too small or too large; height lost by the double step, beside that by the single one: 1.35 (1.35 to 1.36)
It lies within the family that was tried, and does not meet the condition.
It does not speak against the verdict.
"""
from dataclasses import asdict
from functools import cached_property

import numpy as np

from gdlib.lessons.kit import cases, ledger, rows, trial
from gdlib.lessons.kit.notes import note
from gdlib.lessons.kit.prediction import Prediction

KIND = {
    "theorem": "a theorem: it must hold in every case, to rounding, and one counterexample ends it",
    "existence": "an existence: one witness is enough",
    "effect": "an effect: it holds where the share of cases that have it is 90 % or more, by Wilson's 95 % interval",
    "practice": "about practice: it is judged by the share of cases that have its effect, as an effect is",
    "report": "a report: what an article printed comes out again, or it does not",
}
GUESSES = {  # a choice, and the verdicts that it stands for
    "It holds nearly everywhere.": ("holds",),
    "It holds where a condition is met, and sometimes elsewhere.": ("holds if",),
    "It holds where a condition is met, and hardly ever elsewhere.": ("holds only if",),
    "It hardly ever holds.": ("fails", "no effect", "backwards"),
    "It depends, and the condition that was tried does not tell.": ("depends", "undecided"),
}
WITNESSES = {"At least one witness is found.": ("holds",), "No witness is found.": ("undecided",)}


class Page:
    """A claim's page: what the ledger, the trial and its stored rows say.

    Parameters
    ----------
    claim : str
        Its id in data/claims.toml.

    Raises
    ------
    ValueError
        There is no such claim, or it has no trial.
    """

    def __init__(self, claim: str):
        self.entry, trials = ledger.find(claim), trial.load()
        if claim not in trials or "trial" not in self.entry:
            raise ValueError(f"{claim} must have a trial, and its result in the ledger; got none. Run python -m "
                             "tools.trials, or take one of " + ", ".join(sorted(trials)))
        self.trial, self.result = trials[claim], self.entry["trial"]
        choices = WITNESSES if self.trial.kind == "existence" else GUESSES
        self._answer = next(text for text, words in choices.items() if self.result["verdict"] in words)
        self.guess = Prediction("guess", "What will the trial find?", equal_to={text: text for text in choices},
                                why=f"In full: it {ledger.said(self.result)}.", home="page")

    @cached_property
    def rows(self) -> list[trial.Row]:
        """The cases, as they are stored."""
        return rows.read(self.trial)

    def claim(self) -> None:
        """Show the claim: in our words, in the article's, and its source."""
        lines = [f"Claim {self.trial.claim}: {self.entry['statement']}.", f"Source: {ledger.source(self.trial.claim)}."]
        if "words" in self.entry:
            lines.insert(1, f"In its own words: {self.entry['words']}")
        note("claim", lines)

    def decides(self) -> None:
        """Show what would decide it: the family of cases, what is measured, and the bounds."""
        tried = self.trial
        halves = " Half of them meet a condition, which the verdict names." if tried.met else ""
        note("look", [
            f"What decides it. The claim is {KIND[tried.kind]}.",
            f"One case: {tried.about}",
            f"Its effect: {tried.unit}. It holds if {_bounds(tried)}.",
            f"There are {len(self.rows)} cases, drawn at random.{halves}",
        ])
        note("look", ["The family of cases.", f"What varies: {tried.scope}.", f"What is fixed: {tried.fixed}."],
             folded="Open to see what varies, and what is fixed.")

    def picture(self) -> None:
        """Show all cases in one picture, from the stored rows."""
        cases.picture(self.trial, self.rows)

    def counterexample(self) -> None:
        """Run the best counterexample again; where none was found, the case that comes nearest to one."""
        row, against = trial.counterexample(self.trial, self.result["verdict"], self.rows)
        again = self.trial.measured(row.case, row.seed)
        same = np.allclose(again, row.outcome, rtol=1e-6, atol=1e-9)
        effect, low, high = row.outcome
        said = self.trial.says(row.outcome)
        note("look", [
            self._introduced(row, against),
            trial.told(row.case),
            f"Stored: {effect:.3g} ({low:.3g} to {high:.3g}), {self.trial.unit}. That is: {said}.",
            "Run again just now, from its seed: the same." if same
            else f"Run again just now, from its seed, it differs: {again.effect:.9g}. Report it.",
        ])

    def _introduced(self, row, against):
        if self.trial.kind == "existence":
            return f"The case that is farthest from a witness, {row.number}:"
        if against:
            return f"The best counterexample is case {row.number}:"
        where = " where its condition is met" if self.trial.met else ""
        return f"No case speaks against the verdict{where}. Case {row.number} comes nearest:"

    def verdict(self) -> None:
        """Show what was predicted, the verdict with its numbers, and the literature."""
        found, middle, low, high = self.result, *(f"{x:.3g}" for x in self.result["effect"])
        self.guess.reveal(self._answer, shown=ledger.counted(found))
        wide = f" {found['too_wide']} cases were too wide to say." if found["too_wide"] else ""
        lesson = " ".join([self.entry.get("verdict", ""), self.entry.get("only_if", "")]).strip()
        note("claim", [
            f"Claim {self.trial.claim}: {self.entry['statement']}.",
            f"Verdict: {ledger.said(found)}",
            f"It held {ledger.counted(found)}.{wide}",
            f"Effect{' where the condition is met' if self.trial.met else ''}: {middle} in the middle case, "
            f"{low} to {high} in nine cases of ten ({self.trial.unit}).",
            self._drawn_anew(),
            *([f"Literature: {found['literature']}."] if "literature" in found else []),
            *([f"The lesson's one experiment said: {lesson}."] if lesson else []),
        ])

    def _drawn_anew(self):
        """What other draws of the cases gave: the condition was found on this one, which flatters its shares."""
        others = rows.masters(self.trial.claim)
        same = others.count(self.result["verdict"])
        found = "The condition was found on this draw of the cases. " if self.trial.met else ""
        return f"{found}With cases drawn anew, {same} times of {len(others)} the verdict is the same."

    def attack(self, seed: int = 0, **changes: object) -> trial.Attack:
        """Run a case of your own: the best counterexample with changes.

        Parameters
        ----------
        seed : int, optional
            Of the case's random numbers.
        **changes : object
            What is to be different: a value for any of the trial's axes.

        Raises
        ------
        ValueError
            A name that is no axis, or an impossible case.
        """
        row, _ = trial.counterexample(self.trial, self.result["verdict"], self.rows)
        return ledger.attack(self.trial.claim, asdict(row.case) | changes, seed)


def _bounds(tried):
    """When a case holds, in words."""
    many = f"the whole 95 % interval over {tried.seeds} runs" if tried.seeds > 1 else "the effect"
    if np.isinf(tried.most):
        return f"{many} is larger than {tried.smallest:g}"
    return f"{many} is between {tried.smallest:g} and {tried.most:g}"
