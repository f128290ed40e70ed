"""Showing and printing: whatever gdlib shows goes through `emit`, whatever it prints through `say`."""
from __future__ import annotations

import re
import sys
import unicodedata

# How a console that lacks a sign is to show it; Greek letters go by their names, and what is left becomes "?".
SPELLED = {
    "✓": "[ok]", "✗": "[no]", "★": "*", "○": "o", "➜": "->", "✦": "*", "→": "->", "←": "<-", "−": "-", "≈": "~",
    "≤": "<=", "≥": ">=", "≠": "!=", "√": "sqrt ", "∇": "grad ", "∂": "d", "∞": "inf", "‖": "||",
    "λ": "lambda", "Λ": "Lambda", "≡": "==", "∝": "~", "∛": "cbrt ", "⌈": "ceil(", "⌉": ")", "⌊": "floor(", "⌋": ")",
}  # fmt: skip
RAISED = "[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ᵀᵏᵖˢᵗᶻ]+"


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
