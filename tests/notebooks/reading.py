"""What the tests read from a lesson's outputs."""

import re
import tomllib

from tools.notebooks import ROOT

LEDGER = tomllib.loads((ROOT / "data" / "claims.toml").read_text(encoding="utf-8"))["claims"]


def texts(nb) -> list[str]:
    """The plain text of every output that was displayed."""
    return [out.data.get("text/plain", "") for cell in nb.cells for out in cell.get("outputs", []) if "data" in out]


def claimed(nb) -> list[str]:
    """The ids of the claims that the notebook gives a verdict on."""
    source = "\n".join(cell.source for cell in nb.cells if cell.cell_type == "code")
    return re.findall(r"\bledger\.verdict\(\s*[\"']([\w-]+)", source)


def checked(nb) -> list[str]:
    """The names of the exercises that the notebook checks."""
    source = "\n".join(cell.source for cell in nb.cells if cell.cell_type == "code")
    return re.findall(r"^ex\.(\w+)\.check\(", source, re.M)


def verdicts(nb) -> dict[str, str]:
    """Claim id -> the verdict in the notebook's outputs."""
    found = {}
    for text in texts(nb):
        if claim := re.match(r"Claim ([\w-]+): ", text):
            found[claim[1]] = re.search(r"^Verdict: (holds only if|holds|does not hold|undecided)", text, re.M)[1]
    return found
