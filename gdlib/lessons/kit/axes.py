"""The axes of a trial: what varies from case to case, with its range, which is the scope of the verdict."""
import math
import numbers
from dataclasses import dataclass

import numpy as np

from gdlib.checks import check_number, check_whole


@dataclass(frozen=True)
class Axis:
    """One thing that varies from case to case. Made by `among` or `between`."""

    about: str
    values: tuple = ()
    span: tuple = ()
    log: bool = False
    whole: bool = False
    least: float = -math.inf
    most: float = math.inf

    def draw(self, rng: np.random.Generator) -> float | int | str:
        """A value of the family."""
        if self.values:
            return self.values[rng.integers(len(self.values))]
        low, high = np.log(self.span) if self.log else self.span
        value = rng.uniform(low, high)
        value = float(np.exp(value) if self.log else value)
        return round(value) if self.whole else value

    def within(self, value: float | int | str) -> bool:
        """Whether a value belongs to the family."""
        return value in self.values if self.values else self.span[0] <= value <= self.span[1]

    def checked(self, name: str, value: object) -> float | int | str:
        """The value as a plain Python one; ValueError where no case can have it."""
        if self.values and isinstance(self.values[0], str):
            if not isinstance(value, str) or value not in self.values:
                raise ValueError(f"{name} must be one of {', '.join(map(repr, self.values))}; got {value!r}")
            return value
        if self.whole:
            check_whole(value, name, self.least, self.most)
            return int(value)
        if not isinstance(value, numbers.Real):
            raise ValueError(f"{name} must be a number; got {value!r}")
        check_number(value, name, least=self.least, most=self.most)
        return float(value)

    def words(self) -> str:
        """The axis in words, with its range."""
        if self.values:
            return f"{self.about} {', '.join(f'{v:g}' if isinstance(v, float) else str(v) for v in self.values)}"
        return f"{self.about} {self.span[0]:g} to {self.span[1]:g}"


def among(*values: float | int | str, about: str, least: float = -math.inf, most: float = math.inf) -> Axis:
    """An axis whose values are drawn from a list.

    Parameters
    ----------
    *values : numbers or texts
        All that the family has.
    about : str
        What the axis is, in words.
    least, most : float
        What is possible at all: a case of one's own may have any number between them.
    """
    whole = all(isinstance(value, int) for value in values)
    return Axis(about, values=values, whole=whole, least=least, most=most)


def between(low: float, high: float, *, about: str, log: bool = False, whole: bool = False,
            least: float = -math.inf, most: float = math.inf) -> Axis:
    """An axis whose values are drawn evenly between two ends.

    Parameters
    ----------
    low, high : float
        The ends.
    about : str
        What the axis is, in words.
    log : bool
        Even in the logarithm.
    whole : bool
        Whole numbers only.
    least, most : float
        What is possible at all: a case of one's own may have any number between them.
    """
    return Axis(about, span=(low, high), log=log, whole=whole, least=least, most=most)
