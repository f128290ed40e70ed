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
the experiment is still to come. The numbers under *source* are those of the articles at the end.
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
    cited = [f"- **{number}**: {article['citation']}" for number, article in ledger()["articles"].items()]
    parts.append("\n".join(["## Articles\n", *cited]) + "\n")
    return "\n".join(parts)


def said(claim):
    """A claim's verdict as the table shows it."""
    verdict = claim.get("verdict", "open")
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
