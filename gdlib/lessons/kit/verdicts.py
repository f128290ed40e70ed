"""The table of verdicts: from what each case says to what is said of the claim."""
from collections.abc import Sequence
from itertools import product

from gdlib.lessons.kit.intervals import wilson

KINDS = ("theorem", "existence", "effect", "practice", "report")
MEASURED = ("effect", "practice")  # judged by shares of cases
VERDICTS = ("holds", "holds if", "holds only if", "fails", "backwards", "no effect", "depends", "undecided")
# What one case says of the claim.
HOLDS, NO_EFFECT, BACKWARDS, OTHER, TOO_WIDE = "holds", "no effect", "backwards", "too small or too large", "too wide"
SHARE = 0.9  # what is asked of the share of cases


def verdict(inside: Sequence[str], outside: Sequence[str] = (), kind: str = "effect") -> str:
    """The verdict on a claim, by what its cases say.

    Parameters
    ----------
    inside, outside : sequences of str
        What each case says, inside and outside the condition: HOLDS, NO_EFFECT, BACKWARDS, OTHER or TOO_WIDE.
    kind : str
        A theorem or a report ends with one counterexample, an existence needs one witness. An effect or a practice is
        judged by shares of cases with Wilson's interval.

    Returns
    -------
    str
        One of VERDICTS. Cases that are too wide to say do not count if they are at most one in ten of their side. If
        they are more, and could change the verdict, it is undecided. Of a theorem they always count.
    """
    inside, outside = list(inside), list(outside)
    if kind == "existence":
        return "holds" if HOLDS in inside + outside else "undecided"
    judged = _by_shares if kind in MEASURED else _by_proof
    found = {judged(*parts) for parts in product(*(_readings(part, kind) for part in (inside, outside)))}
    return found.pop() if len(found) == 1 else "undecided"


def _readings(part, kind):
    """The ways to read a part's cases that are too wide to say: not at all, or all as holding and all as not."""
    if kind in MEASURED and 10 * part.count(TOO_WIDE) <= len(part):
        return [[said for said in part if said != TOO_WIDE]]
    return [[word if said == TOO_WIDE else said for said in part] for word in (HOLDS, OTHER)]


def _by_proof(inside, outside):
    if not inside or set(inside) != {HOLDS}:
        return "fails"
    if set(outside) <= {HOLDS}:
        return "holds"
    return "holds if" if HOLDS in outside else "holds only if"


def _by_shares(inside, outside):
    everything = inside + outside
    for word, name in ((HOLDS, "holds"), (BACKWARDS, "backwards"), (NO_EFFECT, "no effect")):
        if _mostly(word, everything):
            return name
    if _hardly(HOLDS, everything):
        return "fails"
    if outside and _mostly(HOLDS, inside):
        return "holds only if" if _hardly(HOLDS, outside) else "holds if"
    return "depends"


def _mostly(word, part):
    return wilson(part.count(word), len(part))[0] >= SHARE


def _hardly(word, part):
    return wilson(part.count(word), len(part))[1] <= 1 - SHARE
