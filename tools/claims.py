"""Write CLAIMS.md from the ledger, data/claims.toml.

    python -m tools.claims            # write it
    python -m tools.claims --check    # check that it is up to date (exit status 1 if not)
"""
import sys

from gdlib.lessons import table
from gdlib.lessons.kit.ledger import LEDGER, ledger

CLAIMS = LEDGER.parent.parent / "CLAIMS.md"
HEAD = """# What is claimed, and what was measured

Written by `python -m tools.claims` from [`data/claims.toml`](data/claims.toml): change that, not this.

Articles say many things about gradient descent. Each row is one of them, paraphrased, with the lesson that tests it and
the verdict that its experiment ends with: *holds*, *holds only if …*, *does not hold*, or *undecided* (the spread of
the measurement covers the difference). The tests run every experiment again and compare. Where it says *to be measured*
the experiment is still to come; *on trial only* means that there is a trial, and no experiment in a lesson. The numbers
under *source* are those of the articles at the end.

One experiment is one case. A claim *on trial* is run on many cases, drawn from a family whose ranges are its scope, in
equal number where its condition is met and where it is not. `make trials` runs them again. Their rows are in
[`data/trials`](data/trials/README.md), where the words are explained. Where a trial and a lesson differ, believe the
trial.
"""


def render():
    """CLAIMS.md as it should be."""
    parts, claims = [HEAD], ledger()["claims"]
    for number, _, title, _ in table():
        rows = ["| " + " | ".join([f"`{name}`", claim["statement"], ", ".join(claim["source"]), said(claim),
                                   ", ".join(claim["lessons"][1:])]) + " |"
                for name, claim in claims.items() if claim["lessons"][0] == number]
        if rows:
            parts.append("\n".join([f"## {number} {title}\n", "| id | the claim | source | verdict | also in |",
                                    "|---|---|---|---|---|", *rows]) + "\n")
        tried = [on_trial(name, claim["trial"]) for name, claim in claims.items()
                 if claim["lessons"][0] == number and "trial" in claim]
        if tried:
            parts.append("\n".join([f"### {number} on trial\n", *tried]) + "\n")
    cited = [f"- **{number}**: {article['citation']}" for number, article in ledger()["articles"].items()]
    parts.append("\n".join(["## Articles\n", *cited]) + "\n")
    return "\n".join(parts)


def on_trial(name, trial):
    """What a claim's trial came to, as an entry of a list."""
    condition = f" {trial['condition']}" if " if" in trial["verdict"] else ""
    cases = f"{trial['k_inside']} of {trial['n_inside']} cases"
    if "n_outside" in trial:
        cases += f" inside the condition, {trial['k_outside']} of {trial['n_outside']} outside"
    middle, low, high = (f"{x:.3g}" for x in trial["effect"])
    seeds = f", each of {trial['seeds']} seeds" if trial["seeds"] > 1 else ""
    wide = f"; {trial['too_wide']} were too wide to say" if trial["too_wide"] else ""
    lines = [f"- `{name}` ({trial['kind']}): *{trial['verdict']}*{condition}. It held in {cases}{seeds}{wide}.",
             f"Effect inside: {middle}, nine cases in ten between {low} and {high} ({trial['unit']}).",
             f"Scope: {trial['scope']}. Fixed: {trial['fixed']}.",
             f"Best counterexample: {trial['counterexample']}."]
    if "literature" in trial:
        lines.append(f"Literature: {trial['literature']}.")
    return " ".join([*lines, f"[Rows](data/trials/{name}.csv)"])


def said(claim):
    """A claim's verdict as the table shows it."""
    verdict = claim.get("verdict", "open")
    if verdict == "open" and "trial" in claim:
        return "on trial only"
    return "to be measured" if verdict == "open" else f"*{verdict}* {claim.get('only_if', '')}".rstrip()


def main():
    """Write CLAIMS.md, or check it."""
    text = render()
    if "--check" in sys.argv[1:]:
        if not CLAIMS.exists() or CLAIMS.read_text(encoding="utf-8") != text:
            sys.exit("CLAIMS.md must be what data/claims.toml makes; got another text. Run `python -m tools.claims`.")
    else:
        CLAIMS.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
