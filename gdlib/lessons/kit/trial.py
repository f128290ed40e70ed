"""Trials: a claim is tried on many cases, drawn from a stated family, and judged by a table of verdicts.

A trial is a class with the decorator `trial`. Its `axes` say what a case is made of, `run` measures one case, `met` is
the condition, as code, and the docstring of `met` is the condition in words. The bounds of an effect that counts,
`smallest` and `most`, are fixed before the first run. `python -m tools.trials` runs trials and stores their rows.
"""
import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, is_dataclass, make_dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import NamedTuple

import numpy as np

from gdlib.checks import check_whole
from gdlib.lessons import table
from gdlib.lessons.kit.axes import Axis
from gdlib.lessons.kit.intervals import SEEDS, Outcome
from gdlib.lessons.kit.verdicts import BACKWARDS, HOLDS, KINDS, MEASURED, NO_EFFECT, OTHER, SHARE, TOO_WIDE, verdict

OF_EACH = 40  # cases inside and outside the condition: 36 of 36 is the least that shows nine in ten
MOST_DRAWS = 100_000

TRIALS: dict[str, "Trial"] = {}


class Row(NamedTuple):
    """One case of a trial that was run."""

    number: int
    seed: int
    inside: bool
    case: object
    outcome: Outcome


@dataclass(frozen=True, eq=False)
class Trial:
    """A claim's trial. Made by the decorator `trial`, which says what the parts are."""

    claim: str
    kind: str
    unit: str
    axes: dict[str, Axis]
    run: Callable
    met: Callable | None
    possible: Callable | None
    smallest: float
    most: float
    seeds: int
    of_each: int
    fixed: str
    literature: str
    about: str = ""

    @property
    def condition(self) -> str:
        """The condition in words, made from its code's docstring; "" without one."""
        return " ".join(self.met.__doc__.split()) if self.met else ""

    @property
    def scope(self) -> str:
        """What was varied, with the ranges."""
        return "; ".join(axis.words() for axis in self.axes.values())

    def case(self, **parameters) -> object:
        """A case, its parameters checked.

        Raises
        ------
        ValueError
            A parameter is missing, unknown or impossible.
        """
        if set(parameters) != set(self.axes):
            raise ValueError(f"a case of {self.claim} must have {', '.join(self.axes)}; got "
                             f"{', '.join(map(str, parameters)) or 'nothing'}")
        checked = {name: axis.checked(name, parameters[name]) for name, axis in self.axes.items()}
        case = _maker(self)(**checked)
        if self.possible:
            self.possible(case)
        return case

    def within(self, case: object) -> bool:
        """Whether a case belongs to the family that was tried."""
        return all(axis.within(getattr(case, name)) for name, axis in self.axes.items())

    def inside(self, case: object) -> bool:
        """Whether a case meets the condition; without one, every case does."""
        return self.met is None or bool(self.met(case))

    def draw(self, rng: np.random.Generator) -> object:
        """A case of the family; combinations that are impossible are drawn again."""
        for _ in range(MOST_DRAWS):
            try:
                return self.case(**{name: axis.draw(rng) for name, axis in self.axes.items()})
            except ValueError:
                continue
        raise ValueError(f"no possible case of {self.claim} in {MOST_DRAWS:,} draws: widen its axes")

    def sample(self, master: int = 0) -> list:
        """The cases of a trial: as many inside the condition as outside. The same for the same master seed."""
        rng = np.random.default_rng([master, zlib.crc32(self.claim.encode())])
        groups = {True: [], False: []} if self.met else {True: []}
        of_each = self.of_each if self.met else 2 * self.of_each
        for _ in range(MOST_DRAWS):
            case = self.draw(rng)
            group = groups[self.inside(case)]
            if len(group) < of_each:
                group.append(case)
            if all(len(group) == of_each for group in groups.values()):
                return [case for group in groups.values() for case in group]
        counts = " and ".join(f"{len(group)} {'inside' if key else 'outside'}" for key, group in groups.items())
        raise ValueError(f"{self.claim} must draw {of_each} cases on each side; got {counts} in {MOST_DRAWS:,} draws. "
                         "Choose axes that reach both sides of the condition.")

    def seed(self, number: int, master: int = 0) -> int:
        """The seed of a case, by its number."""
        entropy = [master, zlib.crc32(self.claim.encode()), number]
        return int(np.random.SeedSequence(entropy).generate_state(1)[0])

    def row(self, number: int, master: int = 0) -> Row:
        """Run one case of the sample."""
        case, seed = self.sample(master)[number], self.seed(number, master)
        return Row(number, seed, self.inside(case), case, self.measured(case, seed))

    def measured(self, case: object, seed: int) -> Outcome:
        """The outcome of a case: three finite numbers in order."""
        with np.errstate(all="ignore"):  # a walk may diverge, an outcome may not
            outcome = Outcome(*map(float, self.run(case, np.random.default_rng(seed))))
        if not (np.isfinite(outcome).all() and outcome.low <= outcome.effect <= outcome.high):
            raise ValueError(f"run of {self.claim} must give finite effect, low, high with low <= effect <= high; got "
                             f"{outcome} for {case}")
        return outcome

    def says(self, outcome: Outcome) -> str:
        """What an outcome says of the claim: HOLDS, NO_EFFECT, BACKWARDS, OTHER or TOO_WIDE."""
        _, low, high = outcome
        if low > self.smallest and high < self.most:
            return HOLDS
        if not (high < self.smallest or low > self.most):
            return TOO_WIDE
        if self.kind in MEASURED and math.isinf(self.most):  # of a range there is no opposite
            if -self.smallest < low and high < self.smallest:
                return NO_EFFECT
            if high < -self.smallest:
                return BACKWARDS
        return OTHER


@cache
def _maker(trial):
    return make_dataclass("Case", list(trial.axes), frozen=True)


def trial(claim: str, *, kind: str, unit: str) -> Callable:
    """Make a class a claim's trial, and register it.

    The class's docstring says what is measured. The class has

    - `axes`: {name: `among(…)` or `between(…)`}, what varies from case to case; `case.name` is its value;
    - `run(case, rng)`: measure one case, and return an `Outcome`. Its effect is such that the claim says: it is larger
      than `smallest` (and smaller than `most`, if there is one);
    - `met(case)`, if the claim has a condition: whether it is met; its docstring is the condition in words;
    - `possible(case)`, if some combinations are impossible: raises ValueError with a sentence;
    - `smallest`: the smallest effect that matters, fixed before the first run; `most`, by default none;
    - `fixed`: what is held fixed; `literature`: who agrees, narrows, disagrees, with their scale;
    - `seeds`, of each case: 8, or 1 where nothing is drawn (a theorem, an existence, a report);
    - `of_each`: 40 cases inside and 40 outside the condition.

    Parameters
    ----------
    claim : str
        Its id in data/claims.toml.
    kind : str
        theorem, existence, effect, practice or report.
    unit : str
        Of the effect.

    Raises
    ------
    ValueError
        An unknown kind, a part that is missing, fewer than 8 seeds, or a claim that has a trial already.
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}; got {kind!r}")

    def made(parts):
        given = {name: value for name, value in vars(parts).items() if not name.startswith("_")}
        for name in {"axes", "run", "smallest"} - set(given):
            raise ValueError(f"the trial of {claim} must have {name}. Add it to {parts.__name__}.")
        seeds = SEEDS if kind in MEASURED else 1
        defaults = dict(met=None, possible=None, most=math.inf, seeds=seeds, of_each=OF_EACH, fixed="", literature="")
        if unknown := set(given) - {"axes", "run", "smallest", *defaults}:
            raise ValueError(f"the trial of {claim} has an unknown part: {', '.join(sorted(unknown))}")
        about = " ".join((parts.__doc__ or "").split())
        new = Trial(claim=claim, kind=kind, unit=unit, about=about, **(defaults | given))
        if new.seeds < seeds:
            raise ValueError(f"seeds must be at least {seeds} where an effect is measured; got {new.seeds}")
        if new.met and not new.met.__doc__:
            raise ValueError(f"met of {claim} must have a docstring: the condition in words")
        if claim in TRIALS and TRIALS[claim].run.__module__ != new.run.__module__:
            raise ValueError(f"{claim} has a trial already, in {TRIALS[claim].run.__module__}")
        TRIALS[claim] = new
        return new

    return made


def load() -> dict[str, Trial]:
    """All trials of all lessons, by claim."""
    for lesson in table():
        package = f"gdlib.lessons.{lesson.word}"
        if find_spec(package) and find_spec(f"{package}.trials"):
            import_module(f"{package}.trials")
    return TRIALS


def seeds_needed(trial: Trial, outcomes: Sequence[Outcome]) -> int:
    """About how many seeds it would take until at most one case in ten is too wide to say.

    A half width goes with 1/√m for m seeds, and must shrink to the distance from the nearest bound.
    """
    needed = []
    for effect, low, high in outcomes:
        distance = min(abs(effect - trial.smallest), abs(effect - trial.most))
        wide = trial.says(Outcome(effect, low, high)) == TOO_WIDE
        needed.append(trial.seeds * ((high - low) / 2 / max(distance, 1e-9)) ** 2 if wide else trial.seeds)
    return math.ceil(sorted(needed)[math.ceil(SHARE * len(needed)) - 1])


def judged(trial: Trial, rows: Sequence[Row]) -> dict:
    """What a trial came to, as the ledger keeps it.

    Returns
    -------
    dict
        kind, scope, fixed, verdict, condition, k of n inside and outside, too_wide, seeds, effect (the median of the
        cases inside, and what nine in ten of them lie between), unit, counterexample, literature.
    """
    says = {row.number: trial.says(row.outcome) for row in rows}
    inside, outside = ([row for row in rows if row.inside is side] for side in (True, False))
    found = verdict(*([says[row.number] for row in part] for part in (inside, outside)), trial.kind)
    effects = [row.outcome.effect for row in inside]
    result = {"kind": trial.kind, "verdict": found, "condition": trial.condition, "scope": trial.scope,
              "fixed": trial.fixed, "unit": trial.unit, "seeds": trial.seeds, **_counts(says, inside, "inside")}
    if trial.met:
        result |= _counts(says, outside, "outside")
    result["too_wide"] = sum(said == TOO_WIDE for said in says.values())
    if found == "undecided":
        result["seeds_needed"] = seeds_needed(trial, [row.outcome for row in rows])
    result["effect"] = [_rounded(q) for q in np.quantile(effects, [0.5, 0.05, 0.95])]
    result["counterexample"] = _counterexample(trial, found, inside + outside)
    result["literature"] = trial.literature
    return {name: value for name, value in result.items() if value != ""}


def _counts(says, part, side):
    return {f"k_{side}": sum(says[row.number] == HOLDS for row in part),
            f"n_{side}": sum(says[row.number] != TOO_WIDE for row in part)}


def _rounded(x):
    return float(f"{x:.3g}")


def told(case: object) -> str:
    """A case in words: its parameters, three digits of each."""
    return ", ".join(f"{name} = {value:.3g}" if isinstance(value, float) else f"{name} = {value}"
                     for name, value in asdict(case).items())


def counterexample(trial: Trial, found: str, rows: Sequence[Row]) -> tuple[Row, bool]:
    """The case that speaks most against the verdict; where none does, the one that comes nearest.

    Parameters
    ----------
    trial : Trial
        The claim's trial.
    found : str
        Its verdict.
    rows : sequence of Row
        Its cases.

    Returns
    -------
    row : Row
        The case.
    against : bool
        Whether it speaks against the verdict.
    """
    if found in ("fails", "backwards", "no effect"):
        row = max(rows, key=lambda row: row.outcome.low - trial.smallest)
        return row, trial.says(row.outcome) == HOLDS
    inside = [row for row in rows if row.inside]
    against = [row for row in inside if trial.says(row.outcome) not in (HOLDS, TOO_WIDE)]
    return min(against or inside, key=lambda row: _margin(trial, row.outcome)), bool(against)


def _counterexample(trial, found, rows):
    """The same in words, as the ledger keeps it."""
    row, against = counterexample(trial, found, rows)
    effect, low, high = row.outcome
    about = f"case {row.number} ({told(row.case)}): {effect:.3g} ({low:.3g} to {high:.3g})"
    return about if against else f"none; the nearest is {about}"


def _margin(trial, outcome):
    """How far the interval lies inside the bounds; negative where it lies across or outside."""
    return min(outcome.low - trial.smallest, trial.most - outcome.high)


class Attack(NamedTuple):
    """What a case of one's own came to: see `attack`."""

    claim: str
    case: object
    outcome: Outcome
    says: str
    within: bool
    inside: bool
    refutes: bool
    text: str

    def __repr__(self):
        return self.text


def attack(claim: str, case: dict | object, recorded: dict | None, seed: int = 0) -> Attack:
    """Run a case of one's own, and say whether it refutes the recorded verdict.

    Parameters
    ----------
    claim : str
        Its id in data/claims.toml.
    case : dict or a case
        A value for each axis of the trial.
    recorded : dict or None
        The trial's result in the ledger, of which `verdict` is used.
    seed : int
        Of the case's random numbers.

    Raises
    ------
    ValueError
        The claim has no trial, or the case is impossible; before anything is run.
    """
    trials = load()
    if claim not in trials or recorded is None:
        raise ValueError(f"{claim} has no trial yet; there are trials of {', '.join(sorted(trials))}")
    tried = trials[claim]
    check_whole(seed, "seed", 0)
    if not isinstance(case, dict) and not is_dataclass(case):
        raise ValueError(f"case must be a dict of {', '.join(tried.axes)}; got {case!r}")
    case = tried.case(**(case if isinstance(case, dict) else asdict(case)))
    within, inside = tried.within(case), tried.inside(case)
    outcome = tried.measured(case, seed)
    said = tried.says(outcome)
    refutes = within and tried.kind != "existence" and _against(recorded["verdict"], said, inside)
    lines = [f"Claim {claim}: {recorded['verdict']} {tried.condition if 'if' in recorded['verdict'] else ''}".rstrip(),
             f"Your case: {said}; {tried.unit}: {outcome.effect:.3g} ({outcome.low:.3g} to {outcome.high:.3g})",
             f"It lies {'within' if within else 'outside'} the family that was tried"
             + (f", and {'meets' if inside else 'does not meet'} the condition." if tried.met else "."),
             _conclusion(recorded["verdict"], refutes, within, said)]
    return Attack(claim, case, outcome, said, within, inside, refutes, "\n".join(lines))


def _against(found, said, inside):
    """Whether one case, whose interval is narrow enough, speaks against a verdict."""
    if said == TOO_WIDE or found in ("depends", "undecided"):
        return False
    if found in ("fails", "backwards", "no effect"):
        return said == HOLDS
    if found == "holds" or inside:
        return said != HOLDS
    return found == "holds only if" and said == HOLDS


def _conclusion(found, refutes, within, said):
    if refutes:
        return ("It speaks against the verdict. One such case ends a theorem; an effect may fail in one case of ten. "
                "Report it, with this text.")
    if said == TOO_WIDE:
        return "Its interval is too wide to say."
    if not within:
        return "So it can't refute the verdict, which is on the family alone. It may be a reason to widen that."
    if found in ("depends", "undecided"):
        return f"The verdict is {found}: no single case refutes that."
    return "It does not speak against the verdict."
