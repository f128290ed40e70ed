"""How long a lesson takes a person, by a model that was fitted to what readers took: no time is typed.

`python -m tools.notebooks measure` prints what each lesson has; `stamp` writes the minutes into headings and opening.

A minute is 100 words, or 8 lines of code that is shown, or a prediction; an explorer or a film takes 3 minutes, an
exercise 6. Set-up cell and folded cells are not read, and neither are badges, "Further reading" and the names in other
libraries.
"""

from __future__ import annotations

import math
import re
from dataclasses import astuple, dataclass, fields

FOLDED = "hide-input"  # the tag of a cell whose code only draws or measures: its source is folded
WORDS, LINES = 100, 8  # in a minute
MINUTES = {"exercises": 6, "explorers": 3, "films": 3, "predictions": 1}  # of one
NOT_READ = ("Further reading", "How PyTorch")
CLOSING = ("Recap", "Self-test", "My loss does X", "Where next", *NOT_READ)
CALLS = {"exercises": r"^ex\.\w+\.check\(", "predictions": r"^ex\.\w+\.predict\(", "explorers": r"^explorers\.\w+\(",
         "films": r"\bplots\.film\(", "pictures": r"\bplots\.show\(", "boxes": r"^ledger\.verdict\("}
RULE = re.compile(r"^\s*\|[-|: ]+\|\s*$", re.M)  # below a table's head
MOST = {"minutes": 90, "core": 60, "cells": 65, "words": 2000, "lines": 250, "sections": 6, "boxes": 2}


@dataclass
class Measure:
    """How much there is of each in a part of a lesson.

    Parameters
    ----------
    cells, words, lines : int
        Cells, words of prose, lines of shown code.
    exercises, predictions, explorers, films, pictures, tables, boxes : int
        A printed table has more than six lines; a box is a verdict; a film is no picture.
    """

    cells: int = 0
    words: int = 0
    lines: int = 0
    exercises: int = 0
    predictions: int = 0
    explorers: int = 0
    films: int = 0
    pictures: int = 0
    tables: int = 0
    boxes: int = 0

    def __add__(self, other):
        return Measure(*map(sum, zip(astuple(self), astuple(other), strict=True)))

    @property
    def minutes(self) -> float:
        """By the model."""
        return (self.words / WORDS + self.lines / LINES
                + sum(each * getattr(self, name) for name, each in MINUTES.items()))


def words(text: str) -> int:
    """The words of prose: without badges, pictures, addresses, fenced code, HTML and the rules of tables."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
    text = re.sub(r"^\[!\[.*$|<[^>]+>|!\[[^]]*\]\([^)]*\)", "", RULE.sub("", text), flags=re.M)
    text = re.sub(r"\]\([^)]*\)", "]", text)
    return sum(bool(re.search(r"\w", token)) for token in text.split())


def of_prose(text: str) -> Measure:
    """What stands in a piece of prose; a cell is counted by `parts`."""
    return Measure(words=words(text), tables=len(RULE.findall(text)))


def of_code(cell) -> Measure:
    """What stands in a cell of code."""
    tags, source = cell.metadata.get("tags", []), cell.source
    shown = [line for line in source.splitlines() if line.strip()]
    lines = 0 if FOLDED in tags or "set-up" in tags else len(shown)
    printed = "".join(out.text for out in cell.outputs if out.output_type == "stream")
    called = {name: len(re.findall(call, source, re.M)) for name, call in CALLS.items()}
    return Measure(cells=1, lines=lines, tables=int(len(printed.splitlines()) > 6), **called)


def parts(nb) -> dict[str, Measure]:
    """{heading: what stands below it, up to the next}; "" is the opening. Of what is not read only cells count."""
    found, heading = {"": Measure()}, ""
    for cell in nb.cells:
        if cell.cell_type == "code":
            found[heading] += of_code(cell)
            continue
        found[heading] += Measure(cells=1)
        for piece in re.split(r"^(?=## )", cell.source, flags=re.M):
            if piece.startswith("## "):
                heading = piece.splitlines()[0].removeprefix("## ")
                found[heading] = Measure()
            if not heading.startswith(NOT_READ):
                found[heading] += of_prose(piece)
    return found


def sections(nb) -> dict[str, Measure]:
    """The parts that are sections: neither the opening nor the closing."""
    return {heading: part for heading, part in parts(nb).items() if heading and not heading.startswith(CLOSING)}


def total(nb) -> Measure:
    """What stands in a whole lesson."""
    return sum(parts(nb).values(), Measure())


def minutes(nb) -> tuple[int, int]:
    """All minutes of a lesson, and those of its core: opening, core sections, closing. Sections are rounded up."""
    further = sum(math.ceil(part.minutes) for heading, part in sections(nb).items() if "(further" in heading)
    core = sum(math.ceil(part.minutes) for heading, part in sections(nb).items() if "(further" not in heading)
    around = math.ceil(total(nb).minutes - sum(part.minutes for part in sections(nb).values()))
    return core + further + around, core + around


def stamped(nb):
    """The notebook, with its minutes written into its headings and its opening, in place."""
    for heading, part in sections(nb).items():
        new = re.sub(r"\((core|further), \d+ min\)", rf"(\1, {math.ceil(part.minutes)} min)", heading)
        for cell in nb.cells:
            if cell.cell_type == "markdown":
                cell.source = cell.source.replace(f"## {heading}", f"## {new}")
    whole, core = minutes(nb)
    nb.cells[0].source = re.sub(r"\*\*Time:\*\* .*", f"**Time:** {whole} minutes, of which the core takes {core}. "
                                "Each heading says its own.", nb.cells[0].source)
    return nb


def table(notebooks: dict) -> str:
    """One line a lesson: what it has, below the most that fits a person.

    Parameters
    ----------
    notebooks : dict
        {name: notebook}.
    """
    names = ["minutes", "core", "sections", *(f.name for f in fields(Measure))]
    rows = [["", *names], ["at most", *(str(MOST.get(name, "")) for name in names)]]
    for name, nb in notebooks.items():
        rows.append([name, *map(str, [*minutes(nb), len(sections(nb)), *astuple(total(nb))])])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(entry.rjust(width) for entry, width in zip(row, widths, strict=True)) for row in rows)
