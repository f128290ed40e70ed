"""The ledger of claims: what articles and papers say, and what was measured here.

Each claim has its experiment in a lesson, which ends with `ledger.verdict(…)`. The ledger itself, data/claims.toml,
holds the statements, their sources and the verdicts; the tests compare it with what the lessons find.
"""
from __future__ import annotations

import tomllib
from difflib import get_close_matches
from functools import cache

import numpy as np

from gdlib import data
from gdlib.lessons.kit import trial
from gdlib.lessons.kit.notes import note

LEDGER = data.FOLDER / "claims.toml"
PAGES = data.FOLDER.parent / "notebooks" / "trials"
VERDICTS = ("holds", "holds only if", "does not hold", "undecided")


@cache
def ledger():
    """What data/claims.toml holds: {"articles": {number: …}, "claims": {id: …}}.

    Raises
    ------
    FileNotFoundError
        The file is missing.
    """
    if not LEDGER.exists():
        raise FileNotFoundError(f"data/claims.toml must be in {LEDGER.parent}; got no such file. "
                                f"{data.how_to_restore('claims.toml')}.")
    return tomllib.loads(LEDGER.read_text(encoding="utf-8"))


def find(claim):
    """The ledger's entry of a claim, by its id.

    Raises
    ------
    ValueError
        There is no claim of that id.
    """
    known = ledger()["claims"]
    if claim not in known:
        near = get_close_matches(str(claim), known, n=3, cutoff=0.4)
        raise ValueError(f"claim must be one of the {len(known)} in data/claims.toml; got {claim!r}."
                         + (f" The nearest are {', '.join(near)}." if near else ""))
    return known[claim]


def source(claim):
    """The sources of a claim, in words."""
    articles = ledger()["articles"]
    return "; ".join(articles[name]["short"] if name in articles else name for name in find(claim)["source"])


def decide(holds, otherwise=None):
    """The verdict that follows from a measurement, one of VERDICTS.

    Parameters
    ----------
    holds : bool or None
        Whether the claim held, where the condition is met if there is one; None for undecided.
    otherwise : bool or None
        Whether it held where the condition is not met; None without a condition.

    Raises
    ------
    TypeError
        A value that is neither True, False nor None.

    Examples
    --------
    >>> decide(True, otherwise=False), decide(True, otherwise=True), decide(False), decide(None)
    ('holds only if', 'holds', 'does not hold', 'undecided')
    """
    for name, value in (("holds", holds), ("otherwise", otherwise)):
        if value is not None and not isinstance(value, (bool, np.bool_)):
            raise TypeError(f"{name} must be True, False or None; got {value!r}. Compute it by a comparison.")
    if holds is None:
        return "undecided"
    if not holds:
        return "does not hold"
    return "holds" if otherwise is None or otherwise else "holds only if"


def verdict(claim, holds, evidence, *, only_if="", otherwise=None):
    """Show a claim, what was measured, and what follows.

    Parameters
    ----------
    claim : str
        Its id in data/claims.toml.
    holds : bool or None
        Computed from the measurement, where the condition is met if there is one; None if the spread covers the
        difference.
    evidence : str
        What was measured, with the number.
    only_if : str, optional
        The condition under which it holds.
    otherwise : bool, optional
        Given together with only_if and computed from the measurement: did the claim hold where the condition is not
        met? If it did, the condition was not needed, and is not shown.

    Raises
    ------
    ValueError
        There is no such claim; or only_if was given without otherwise, or the other way round.
    TypeError
        `holds` or `otherwise` is no truth value.
    """
    entry, found = find(claim), decide(holds, otherwise)
    if bool(only_if) != (otherwise is not None):
        raise ValueError(f"only_if and otherwise of {claim} must be given together; got only_if={only_if!r} and "
                         f"otherwise={otherwise!r}. Measure also whether the claim holds where the condition is not "
                         "met, True or False.")
    condition = only_if if found == "holds only if" else ""
    lines = [f"Claim {claim}: {entry['statement']} ({source(claim)})",
             f"Measured: {evidence}",
             f"Verdict: {found} {condition}".rstrip()]
    recorded = entry.get("verdict", "open")
    if recorded == "open":
        lines.append("The ledger has no verdict on this yet.")
    elif (recorded, entry.get("only_if", "")) != (found, condition):
        lines.append(f"The ledger says otherwise: {recorded} {entry.get('only_if', '')}".rstrip())
    if "trial" in entry:
        lines.append(f"On trial: {tried(entry['trial'])} {link(claim)}".rstrip())
    note("claim", lines)


def tried(trial):
    """What a trial came to, in one line.

    Parameters
    ----------
    trial : dict
        A claim's trial in the ledger.

    Examples
    --------
    >>> counts = {"k_inside": 9, "n_inside": 9, "k_outside": 4, "n_outside": 8}
    >>> tried({"verdict": "holds if", "condition": "it rains"} | counts)
    'holds if it rains: in 9 of 9 cases where the condition is met, in 4 of 8 elsewhere.'
    """
    return f"{said(trial)}: {counted(trial)}."


def counted(trial):
    """In how many cases a trial's claim held, in words."""
    inside = f"in {trial['k_inside']} of {trial['n_inside']} cases"
    if "n_outside" not in trial:
        return inside
    return f"{inside} where the condition is met, in {trial['k_outside']} of {trial['n_outside']} elsewhere"


def said(trial):
    """A trial's verdict, with the condition that was tried; where the verdict is another, in brackets."""
    if "condition" not in trial:
        return trial["verdict"]
    if "if" in trial["verdict"]:
        return f"{trial['verdict']} {trial['condition']}"
    return f"{trial['verdict']} (tried: whether it holds if {trial['condition']})"


def page(claim):
    """The file of a claim's page, notebooks/trials/NN_CLAIM.ipynb; NN is its lesson's number."""
    return PAGES / f"{find(claim)['lessons'][0]}_{claim}.ipynb"


def link(claim):
    """A link from a lesson to a claim's page; "" where there is no page."""
    name = page(claim).name
    return f"[The trial](trials/{name})" if page(claim).exists() else ""


def attack(claim, case, seed=0):
    """Try to refute a claim's trial with a case of your own.

    Parameters
    ----------
    claim : str
        Its id in data/claims.toml.
    case : dict
        A value for each axis of the trial, such as {"n": 20, "d": 60, …}.
    seed : int, optional
        Of the case's random numbers.

    Returns
    -------
    trial.Attack
        What the case came to, whether it lies in the family that was tried, whether it meets the condition, and
        whether it refutes the verdict. Printed, it says all that.

    Raises
    ------
    ValueError
        There is no such claim, it has no trial, or the case is impossible: before anything is run.
    """
    return trial.attack(claim, case, find(claim).get("trial"), seed)
