"""Short messages in a notebook: a box with a coloured edge and a symbol, or plain text where there is no notebook."""
from __future__ import annotations

import html
import re

from gdlib.display import emit

# kind: (edge from the Okabe-Ito palette, symbol as a second cue). The text keeps the theme's colour, light or dark.
KINDS = {
    "passed": ("#009E73", "★"),
    "todo": ("#56B4E9", "○"),
    "look": ("#D55E00", "➜"),
    "hint": ("#E69F00", "✦"),
    "code": ("#E69F00", "≡"),
    "question": ("#CC79A7", "?"),
    "claim": ("#0072B2", "§"),
}


def note(kind, lines, widget_view=None, folded=""):
    """Display lines as a box; outside a notebook, print them.

    Parameters
    ----------
    kind : str
        One of KINDS.
    lines : list of str
        Plain text. The first line is the heading; what stands in backquotes is shown as code, and [words](file) as a
        link.
    widget_view : dict, optional
        A widget's display data, shown instead by a front end that has widgets.
    folded : str, optional
        In HTML, what is below the heading is folded, and this is added to the heading. Plain text stays open.
    """
    bundle = {"text/plain": "\n".join(lines), "text/html": as_html(kind, lines, folded)}
    if widget_view:
        bundle["application/vnd.jupyter.widget-view+json"] = widget_view
    emit(bundle)


def as_html(kind, lines, folded=""):
    """The box as HTML, everything in it escaped; the parameters are those of `note`."""
    colour, symbol = KINDS[kind]
    heading, *rest = lines
    heading = f'<span aria-hidden="true" style="color:{colour};font-weight:bold">{symbol}</span> {_marked_up(heading)}'
    if kind == "code":
        body = "".join(f'<pre style="margin:4px 0 0 0">{html.escape(line)}</pre>' for line in rest)
    else:
        body = "".join(f'<div style="margin-top:4px">{_marked_up(line)}</div>' for line in rest)
    if folded:
        content = f"<details><summary>{heading} {_marked_up(folded)}</summary>{body}</details>"
    else:
        content = f"<div>{heading}</div>{body}"
    box = f"border-left:5px solid {colour};padding:4px 0 4px 12px;margin:4px 0;max-width:72em"
    return f'<div style="{box}">{content}</div>'


def _marked_up(line):
    """A line as HTML, with its code, its links and its verdict marked."""
    line = re.sub(r"`([^`\n]+)`", r"<code>\1</code>", html.escape(line))
    line = re.sub(r"\[([^\]\n]+)\]\(([\w./#-]+)\)", r'<a href="\2">\1</a>', line)
    return f"<strong>{line}</strong>" if line.startswith("Verdict: ") else line
