"""Small pictures for CLAIMS.md, written as SVG: a strip of a trial's cases, and a sign for each verdict.

The same on every machine: no font, no library. A colour never stands alone, each word has a shape of its own.
"""
from html import escape

from gdlib.lessons.kit.trial import Row, Trial
from gdlib.lessons.kit.verdicts import BACKWARDS, HOLDS, NO_EFFECT, OTHER, TOO_WIDE

BLUE, ORANGE, RED, GREY = "#0072B2", "#E69F00", "#D55E00", "#888888"
# A case in a square of 10: where its path begins, the path, how it is drawn. Full, half, hollow, crossed, a bar.
CASE = {
    HOLDS: (1, 1, "h8v8h-8z", f'fill="{BLUE}"'),
    OTHER: (1, 5, "h8v4h-8z", f'fill="{ORANGE}"'),
    NO_EFFECT: (2, 2, "h6v6h-6z", f'fill="none" stroke="{GREY}" stroke-width="1.4"'),
    BACKWARDS: (2, 2, "l6 6m0-6l-6 6", f'stroke="{RED}" stroke-width="2.4"'),
    TOO_WIDE: (5, 1, "v8", f'stroke="{GREY}" stroke-width="2"'),
}
ROWS = 4  # squares below each other

# A verdict in a square of 20.
SIGN = {
    "holds": f'<path d="M2 2h16v16H2z" fill="{BLUE}"/>',
    "holds if": f'<path d="M10 1l9 9l-9 9l-9-9z" fill="{BLUE}"/>',
    "holds only if": f'<path d="M10 2.5l7.5 7.5l-7.5 7.5L2.5 10z" fill="none" stroke="{BLUE}" stroke-width="3"/>',
    "depends": f'<path d="M2 10h16v8H2z" fill="{ORANGE}"/>',
    "no effect": f'<path d="M3 3h14v14H3z" fill="none" stroke="{GREY}" stroke-width="2.5"/>',
    "fails": f'<path d="M3 3l14 14m0-14L3 17" stroke="{RED}" stroke-width="4"/>',
    "backwards": f'<path d="M2 4h16l-8 14z" fill="{RED}"/>',
    "undecided": f'<path d="M10 2v16" stroke="{GREY}" stroke-width="4"/>',
    "not tried": f'<circle cx="10" cy="10" r="2.5" fill="{GREY}"/>',
}


def sign(verdict: str) -> str:
    """The sign of a verdict, a file's text."""
    return _svg(20, 20, SIGN[verdict], verdict)


def strip(trial: Trial, rows: list[Row]) -> str:
    """A trial's cases as a strip, a file's text: one square per case, those inside the condition on the left.

    Parameters
    ----------
    trial : Trial
        A claim's trial.
    rows : list of Row
        Its cases.
    """
    sides = [[trial.says(row.outcome) for row in rows if row.inside is side] for side in (True, False)]
    paths, left = dict.fromkeys(CASE, ""), 0
    line = ""
    for said in sides if trial.met else sides[:1]:
        if left:
            line = f'<path d="M{left + 10} 0v{10 * ROWS}" stroke="{GREY}"/>'
            left += 20
        for k, word in enumerate(sorted(said, key=list(CASE).index)):
            x, y, path, _ = CASE[word]
            paths[word] += f"M{left + 10 * (k // ROWS) + x} {10 * (k % ROWS) + y}{path}"
        left += 10 * -(-len(said) // ROWS)
    body = [f'<path d="{path}" {CASE[word][3]}/>' for word, path in paths.items() if path]
    return _svg(left, 10 * ROWS, "\n".join([*body, *[line] * bool(line)]), words(trial, rows))


def words(trial: Trial, rows: list[Row]) -> str:
    """What the strip shows."""
    sides = {"condition met": True, "not met": False} if trial.met else {"all cases": True}
    return "; ".join(f"{name}: {_counts(trial, [row for row in rows if row.inside is side])}"
                     for name, side in sides.items())


def _counts(trial, part):
    said = [trial.says(row.outcome) for row in part]
    return ", ".join(f"{said.count(word)} {word}" for word in CASE if word in said)


def _svg(width, height, body, title):
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" role="img">\n<title>{escape(title)}</title>\n{body}\n</svg>\n')
