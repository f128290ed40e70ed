"""Short messages in a notebook: a box with a coloured edge and a symbol, or plain text where there is no notebook.

Whatever gdlib shows or prints goes through `emit` or `say`.
"""
from __future__ import annotations

import html
import re
import sys
import unicodedata

# kind: (edge from the Okabe-Ito palette, symbol as a second cue). The text keeps the theme's own colour, light or dark.
KINDS = {
    "passed": ("#009E73", "★"),
    "todo": ("#56B4E9", "○"),
    "look": ("#D55E00", "➜"),
    "hint": ("#E69F00", "✦"),
    "code": ("#E69F00", "≡"),
    "question": ("#CC79A7", "?"),
    "claim": ("#0072B2", "§"),
}

# How a console that lacks a sign is to show it; Greek letters go by their names, and what is left becomes "?".
SPELLED = {
    "✓": "[ok]", "✗": "[no]", "★": "*", "○": "o", "➜": "->", "✦": "*", "→": "->", "←": "<-", "−": "-", "≈": "~",
    "≤": "<=", "≥": ">=", "≠": "!=", "√": "sqrt ", "∇": "grad ", "∂": "d", "∞": "inf", "‖": "||",
    "λ": "lambda", "Λ": "Lambda", "≡": "==", "∝": "~", "∛": "cbrt ", "⌈": "ceil(", "⌉": ")", "⌊": "floor(", "⌋": ")",
}  # fmt: skip
RAISED = "[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ᵀᵏᵖˢᵗᶻ]+"


def note(kind, lines, widget_view=None, folded=""):
    """Display `lines` as a box of one of the KINDS; outside a notebook, print them.

    Parameters
    ----------
    kind : str
        One of KINDS.
    lines : list of str
        Plain text; the first line is the heading, `…` in backquotes is shown as code.
    widget_view : dict, optional
        A widget's display data, shown instead where the front end has widgets.
    folded : str, optional
        As HTML, fold what is below the heading, and add this to the heading; plain text stays open.
    """
    bundle = {"text/plain": "\n".join(lines), "text/html": as_html(kind, lines, folded)}
    if widget_view:
        bundle["application/vnd.jupyter.widget-view+json"] = widget_view
    emit(bundle)


def as_html(kind, lines, folded=""):
    """The box as HTML, everything in it escaped."""
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
    line = re.sub(r"`([^`\n]+)`", r"<code>\1</code>", html.escape(line))
    return f"<strong>{line}</strong>" if line.startswith("Verdict: ") else line


def in_ipython():
    """Is this an IPython session (a notebook or its shell)?"""
    return "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None


def in_notebook():
    """Is there a front end that shows more than text? Any IPython has one, but its shell in a terminal."""
    return in_ipython() and type(sys.modules["IPython"].get_ipython()).__name__ != "TerminalInteractiveShell"


def emit(bundle):
    """Show display data, {MIME type: content}: in a notebook as they are, elsewhere print their plain text."""
    if in_notebook():
        from IPython.display import display

        display(bundle, raw=True)
    else:
        say(bundle["text/plain"])


def say(text):
    """Print text; what the console's encoding lacks is spelled out, as Windows consoles often know no ✓ and no η."""
    print(spelled(text, getattr(sys.stdout, "encoding", None) or "utf-8"))


def spelled(text, encoding):
    """The text in signs that the encoding has.

    >>> spelled("✓ η = 10⁻⁶, θ̂ → 梯", "cp1252")
    '[ok] eta = 10^-6, theta -> ?'
    """
    return re.sub(f"{RAISED}|.", lambda part: _spelled(part[0], encoding), text, flags=re.DOTALL)


def _spelled(part, encoding):
    """One sign, or several raised ones."""
    try:
        part.encode(encoding)
        return part
    except UnicodeEncodeError:
        pass
    letters = unicodedata.normalize("NFKD", part).replace("−", "-")  # a lowered digit becomes a plain one, ŷ a y
    plain = "".join(sign for sign in letters if not unicodedata.combining(sign))
    if re.fullmatch(RAISED, part):
        plain = "^" + plain
    elif part in SPELLED:
        plain = SPELLED[part]
    elif greek := re.match(r"GREEK \w+ LETTER (\w+)", unicodedata.name(part, "")):
        plain = greek[1].lower()
    return plain.encode(encoding, "replace").decode(encoding)
