"""The ledger of claims: what articles and papers say, and what was measured here.

Each claim has its experiment in a lesson, which ends with `claims.verdict(…)`. The ledger itself, data/claims.toml,
holds the statements, their sources and the verdicts; the tests compare it with what the lessons find.
"""
from __future__ import annotations

import tomllib
from difflib import get_close_matches
from functools import cache
from pathlib import Path

import numpy as np

from gdlib.notes import note

LEDGER = Path(__file__).resolve().parent.parent / "data" / "claims.toml"
VERDICTS = ("holds", "holds only if", "does not hold", "undecided")


@cache
def ledger():
    """{"articles": {number: …}, "claims": {id: …}}, as data/claims.toml has them."""
    if not LEDGER.exists():
        raise FileNotFoundError("data/claims.toml is not beside the package, where the course's checkout has it: "
                                "`git checkout -- data/claims.toml` in the course's folder brings it back")
    return tomllib.loads(LEDGER.read_text(encoding="utf-8"))


def find(claim):
    """The ledger's entry of a claim.

    Raises
    ------
    ValueError : there is no claim of that id
    """
    known = ledger()["claims"]
    if claim not in known:
        near = get_close_matches(str(claim), known, n=3, cutoff=0.4)
        raise ValueError(f"there is no claim {claim!r} in data/claims.toml; "
                         + (f"the nearest are {', '.join(near)}" if near else f"it has {len(known)} others"))
    return known[claim]


def source(claim):
    """Where a claim comes from, in words."""
    articles = ledger()["articles"]
    return "; ".join(articles[name]["short"] if name in articles else name for name in find(claim)["source"])


def decide(holds, only_if=""):
    """The verdict's name: of VERDICTS, by what was measured (True, False, or None for undecided).

    >>> decide(True, only_if="the step is short"), decide(False), decide(None)
    ('holds only if', 'does not hold', 'undecided')
    """
    if holds is None:
        return "undecided"
    if not isinstance(holds, (bool, np.bool_)):
        raise TypeError(f"holds came as {holds!r}; expected True, False, or None where the spread covers the "
                        "difference: compute it by a comparison")
    return "does not hold" if not holds else "holds only if" if only_if else "holds"


def verdict(claim, holds, evidence, only_if=""):
    """Show a claim, what was measured, and what follows.

    Parameters
    ----------
    claim : str
        Its id in data/claims.toml.
    holds : bool or None
        Computed from the measurement; None where the spread covers the difference.
    evidence : str
        What was measured, with the number.
    only_if : str, optional
        The condition under which it holds.

    Raises
    ------
    ValueError : no such claim
    TypeError : holds is neither True, False nor None
    """
    entry, found = find(claim), decide(holds, only_if)
    condition = only_if if found == "holds only if" else ""
    lines = [f"Claim {claim}: {entry['statement']} ({source(claim)})",
             f"Measured: {evidence}",
             f"Verdict: {found} {condition}".rstrip()]
    recorded = entry.get("verdict", "open")
    if recorded == "open":
        lines.append("The ledger has no verdict on this yet.")
    elif (recorded, entry.get("only_if", "")) != (found, condition):
        lines.append(f"The ledger says otherwise: {recorded} {entry.get('only_if', '')}".rstrip())
    note("claim", lines)
