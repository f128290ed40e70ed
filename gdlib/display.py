"""Showing and printing: gdlib shows everything with `emit`, and prints everything with `say`."""
from __future__ import annotations

import re
import sys
import unicodedata

# Spellings for a console that lacks a sign. Greek letters are spelled by their names; other signs become "?".
SPELLED = {
    "✓": "[ok]", "✗": "[no]", "★": "*", "○": "o", "➜": "->", "✦": "*", "→": "->", "←": "<-", "−": "-", "≈": "~",
    "≤": "<=", "≥": ">=", "≠": "!=", "√": "sqrt ", "∇": "grad ", "∂": "d", "∞": "inf", "‖": "||",
    "λ": "lambda", "Λ": "Lambda", "≡": "==", "∝": "~", "∛": "cbrt ", "⌈": "ceil(", "⌉": ")", "⌊": "floor(", "⌋": ")",
    "′": "'", "↦": "->",
}  # fmt: skip
RAISED = "[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ᵀᵏᵖˢᵗᶻ]+"


def in_ipython() -> bool:
    """Whether this is an IPython session, in a notebook or a terminal."""
    return "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None


def in_notebook() -> bool:
    """Whether a front end shows more than text: any IPython but its shell in a terminal."""
    return in_ipython() and type(sys.modules["IPython"].get_ipython()).__name__ != "TerminalInteractiveShell"


def emit(bundle: dict) -> None:
    """Show display data: in a notebook as they are, elsewhere as plain text.

    Parameters
    ----------
    bundle : dict
        Display data {MIME type: content}, with "text/plain" among them.
    """
    if in_notebook():
        from IPython.display import display

        display(bundle, raw=True)
    else:
        say(bundle["text/plain"])


def say(text: str) -> None:
    """Print text, and spell out the signs that the console lacks, as many on Windows lack ✓ and η.

    Parameters
    ----------
    text : str
        Text to print.
    """
    print(spelled(text, getattr(sys.stdout, "encoding", None) or "utf-8"))


def spelled(text: str, encoding: str) -> str:
    """Spell out the signs that an encoding lacks.

    Parameters
    ----------
    text : str
        Text in any signs.
    encoding : str
        Name of the encoding.

    Examples
    --------
    >>> spelled("✓ η = 10⁻⁶, θ̂ → 梯", "cp1252")
    '[ok] eta = 10^-6, theta -> ?'
    """
    return re.sub(f"{RAISED}|.", lambda part: _spelled(part[0], encoding), text, flags=re.DOTALL)


def _spelled(part, encoding):
    """Spell one sign, or several raised ones."""
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
