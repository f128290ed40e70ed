"""The course's own: a kit that every lesson is made with, and one folder a lesson, named as its notebook is.

The library, which is the rest of gdlib, knows nothing of this; a lesson knows the library and the kit, and no other
lesson. `lessons.toml` lists the lessons.

>>> from gdlib.lessons.momentum import exercises as ex, explorers
"""
import tomllib
from functools import cache
from pathlib import Path
from typing import NamedTuple


class Lesson(NamedTuple):
    """A row of lessons.toml."""

    number: str  # "04"
    word: str  # the folder's name, gdlib/lessons/momentum
    title: str
    question: str

    @property
    def name(self):
        """The name of its notebook and of its page for instructors, without the ending: 04_momentum."""
        return f"{self.number}_{self.word}"


@cache
def table() -> tuple[Lesson, ...]:
    """All lessons in their order, those that are still being written too."""
    rows = tomllib.loads((Path(__file__).parent / "lessons.toml").read_text(encoding="utf-8"))["lessons"]
    return tuple(Lesson(**row) for row in rows)
