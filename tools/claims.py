"""Write CLAIMS.md and its small pictures from the ledger, data/claims.toml, and the rows of the trials.

    python -m tools.claims            # write them
    python -m tools.claims --check    # check that they are up to date (exit status 1 if not)
"""
import math
import sys
from html import escape

from gdlib.lessons import table
from gdlib.lessons.kit import rows, trial
from gdlib.lessons.kit.ledger import counted, ledger, page, said
from gdlib.lessons.kit.page import KIND
from tools import strips
from tools.notebooks import ROOT

CLAIMS, STRIPS, SIGNS = "CLAIMS.md", "pictures/strips", "pictures/verdicts"
HEAD = """# What is claimed, and what was measured

Written by `python -m tools.claims` from [`data/claims.toml`](data/claims.toml): change that, not this.

Articles say many things about gradient descent. Here are {claims} of their claims, in our words. A claim goes **on
trial**: many cases are drawn from a family whose ranges are the scope of the verdict. Where there is a condition, as
many cases meet it as do not. So far {tried} have been tried. {measured} are measured in a lesson, too, on one case,
so that you see how it works. Where a trial and a lesson differ, believe the trial.
"""
MEANING = {
    "holds": "in at least 90 % of all cases (a theorem: in every case; an existence: there is a witness)",
    "holds if": "in at least 90 % of the cases where its condition is met, and in some others",
    "holds only if": "the same, and elsewhere in at most 10 % (a theorem: in none)",
    "depends": "none of the others: the condition that was tried does not reach 90 %",
    "no effect": "in at least 90 % of the cases the effect is too small to matter",
    "fails": "it holds in at most 10 % of all cases",
    "backwards": "in at least 90 % of the cases the opposite is true",
    "undecided": "too many cases are too uncertain to say",
    "not tried": "no trial yet",
}
READING = """All shares are judged by the ends of Wilson's 95 % interval. Cases that are too uncertain to say are left
out of a share, as long as they are at most one in ten of its side, or could not change the verdict.
[`data/trials`](data/trials/README.md) says more, and what was fixed when. In a claim's strip each square is one case.
Those that meet the condition are left of the line. A full square holds. In a half one the effect is too small or too
large, in a hollow one there is none. A cross is backwards, and a bar is too uncertain to say.
"""


def files() -> dict[str, str]:
    """All files as they should be: their names, seen from the repository's root, and their texts."""
    trials = trial.load()
    tried = {name: trials[name] for name, claim in ledger()["claims"].items() if "trial" in claim}
    made = {f"{STRIPS}/{name}.svg": strips.strip(one, rows.read(one)) for name, one in tried.items()}
    made |= {_sign(verdict): strips.sign(verdict) for verdict in MEANING}
    return {CLAIMS: render(tried)} | made


def render(tried: dict[str, trial.Trial]) -> str:
    """CLAIMS.md as it should be.

    Parameters
    ----------
    tried : dict
        The trials of the claims that have a result, by claim.
    """
    claims = ledger()["claims"]
    measured = sum(claim.get("verdict", "open") != "open" for claim in claims.values())
    head = HEAD.format(claims=len(claims), tried=len(tried), measured=measured)
    parts = [head, "## At a glance\n", _overview(), _legend(), READING]
    for number, _, title, _ in table():
        parts += [f"## {number} {title}\n"] * any(claim["lessons"][0] == number for claim in claims.values())
        parts += [entry(name, tried.get(name)) for name, claim in claims.items() if claim["lessons"][0] == number]
    cited = [f"- **{number}**: {article['citation']}" for number, article in ledger()["articles"].items()]
    parts.append("\n".join(["## Articles\n", *cited]) + "\n")
    return "\n".join(parts)


def _overview():
    """A row per lesson, a sign per claim, each a link to its entry."""
    lines = ["| lesson | its claims: click a sign |", "|---|---|"]
    for number, _, title, _ in table():
        signs = [f'<a href="#{name}">{_image(verdict(claim), f"{name}: {verdict(claim)}")}</a>'
                 for name, claim in ledger()["claims"].items() if claim["lessons"][0] == number]
        lines += [f"| {number} {title} | {' '.join(signs)} |"] * bool(signs)
    return "\n".join(lines) + "\n"


def _legend():
    rows = [f"| {_image(word, word)} *{word}* | {meaning} |" for word, meaning in MEANING.items()]
    return "\n".join(["| sign | what the trial says |", "|---|---|", *rows]) + "\n"


def verdict(claim: dict) -> str:
    """A claim's verdict on trial, one of MEANING."""
    return claim["trial"]["verdict"] if "trial" in claim else "not tried"


def _sign(word):
    return f"{SIGNS}/{word.replace(' ', '-')}.svg"


def _image(word, alt):
    return f'<img src="{_sign(word)}" alt="{alt}" title="{alt}" width="16">'


def entry(name: str, tried: trial.Trial | None) -> str:
    """A claim's entry: what is claimed, what was found, and below a fold how.

    Parameters
    ----------
    name : str
        The claim's id.
    tried : Trial or None
        Its trial, if it has a result.
    """
    claim = ledger()["claims"][name]
    lines = [f'### <a id="{name}"></a>{claim["statement"]}\n', _about(name, claim) + "\n"]
    if tried is None:
        return "\n".join([*lines, f"{_image(*['not tried'] * 2)} Not tried yet. In the lesson: {in_lesson(claim)}.\n"])
    result = claim["trial"]
    return "\n".join([
        *lines, f"{_image(result['verdict'], result['verdict'])} **{said(result)[0].upper() + said(result)[1:]}.**\n",
        f"![{escape(strips.words(tried, rows.read(tried)))}]({STRIPS}/{name}.svg)\n",
        _numbers(tried, result) + "\n", "<details><summary>Scope, counterexample, literature</summary>\n",
        *_details(claim, result), "\n</details>\n",
    ])


def _about(name, claim):
    """The line below the statement: id, sources, lessons, links."""
    lessons = {lesson.number: f"notebooks/{lesson.name}.ipynb" for lesson in table()}
    links = [f"[lesson {number}]({lessons[number]})" if (ROOT / lessons[number]).exists() else f"lesson {number}"
             for number in claim["lessons"]]
    if page(name).exists():
        links.append(f"**[its page](notebooks/trials/{page(name).name})**")
    if "trial" in claim:
        links.append(f"[its cases](data/trials/{name}.csv)")
    articles = [f"article {source}" if source.isdigit() else source for source in claim["source"]]
    return " · ".join([f"`{name}`", ", ".join(articles), *links])


def _numbers(tried, result):
    """k of n, the seeds, and the effect."""
    seeds = f", each over {result['seeds']} runs" if result["seeds"] > 1 else ""
    wide = f" {result['too_wide']} {'case was' if result['too_wide'] == 1 else 'cases were'} too uncertain to say."
    wide *= bool(result["too_wide"])
    middle, low, high = (f"{x:.3g}" for x in result["effect"])
    where = "where the condition is met" if "n_outside" in result else "of all cases"
    return (f"It held {counted(result)}{seeds}.{wide} Effect {where}: {middle} in the middle case, {low} to {high} in "
            f"nine of ten ({result['unit']}; it counts {_bounds(tried)}).")


def _bounds(tried):
    """How large an effect has to be."""
    return f"above {tried.smallest:g}" + (f" and below {tried.most:g}" if math.isfinite(tried.most) else "")


def _details(claim, result):
    parts = {
        "Kind": KIND[result["kind"]], "What varied": result["scope"], "What was fixed": result["fixed"],
        "Best counterexample": result["counterexample"], "Literature": result.get("literature", ""),
        "In its own words": claim.get("words", ""), "In the lesson": in_lesson(claim),
    }
    return [f"- **{name}:** {text}" for name, text in parts.items() if text]


def in_lesson(claim: dict) -> str:
    """The verdict of the lesson's one experiment."""
    found = claim.get("verdict", "open")
    if found == "open" and "trial" in claim:
        return "it is on trial only"
    return "to be measured" if found == "open" else f"*{found}* {claim.get('only_if', '')}".rstrip()


def stale(made: dict[str, str]) -> list[str]:
    """The names of the files that differ from what they should be, or that should not be there."""
    old = {f"{folder}/{path.name}" for folder in (STRIPS, SIGNS) for path in (ROOT / folder).glob("*.svg")}
    changed = [name for name, text in made.items()
               if not (ROOT / name).exists() or (ROOT / name).read_text(encoding="utf-8") != text]
    return changed + sorted(old - set(made))


def main():
    """Write the files, or check them."""
    made = files()
    found = stale(made)
    if "--check" in sys.argv[1:]:
        if found:
            sys.exit(f"{', '.join(found)} must be what data/claims.toml and data/trials make; got another text. Run "
                     "`python -m tools.claims`.")
        return
    for name in found:
        if name not in made:
            (ROOT / name).unlink()
            continue
        (ROOT / name).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / name).write_text(made[name], encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
