"""Numbers as the cells of a file write them: what a contract declares of their marks, units and signs, and which of an
outcome are bad.
"""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_RELATIONS = {">=": operator.ge, ">": operator.gt, "<=": operator.le, "<": operator.lt}
_OPPOSITES = {">=": "<", "<": ">=", ">": "<=", "<=": ">"}
_THRESHOLD = re.compile(r"(>=|>|<=|<) *([+-]?[0-9]+(?:\.[0-9]+)?)")


class Negative(StrEnum):
    """How a number below zero is marked."""

    MINUS = "minus"  # before the number
    PARENTHESES = "parentheses"  # (1,234), as accountants write it; a minus is read too
    TRAILING_MINUS = "trailing_minus"  # 1,234- ; a minus before the number is read too


@dataclass(frozen=True)
class NumberNotation:
    """How the numbers of a column are written; ``features.tables.number_cells`` reads and writes them.

    Attributes:
        decimal: the mark before the decimals (``decimalChar``).
        group: the mark between groups of thousands (``groupChar``), "" for none; a number without it is read too.
        affixes: what may stand before or after the number, such as ``%`` or ``months``, without the white space around
            it (``bareNumber`` is false); a number by itself is read too.
        negative: how a number below zero is marked.
    """

    decimal: str = "."
    group: str = ""
    affixes: tuple[str, ...] = ()
    negative: Negative = Negative.MINUS

    def example(self) -> str:
        """A number of this notation, for messages."""
        affix = self.affixes[-1] if self.affixes else ""
        gap = " " if affix[:1].isalpha() else ""
        return f"1{self.group}234{self.decimal}5{gap}{affix}"


PLAIN = NumberNotation()
"""Digits with a decimal point, a minus and an exponent: what float64 is written as."""


@dataclass(frozen=True)
class Threshold:
    """A comparison with a number, such as ``>= 90``.

    Attributes:
        relation: ``>=``, ``>``, ``<=`` or ``<``.
        bound: what is compared with.
    """

    relation: str
    bound: float

    def __str__(self) -> str:
        """As a contract writes it."""
        return f"{self.relation} {self.bound:.15g}"

    @property
    def opposite(self) -> Threshold:
        """What all other numbers meet."""
        return Threshold(_OPPOSITES[self.relation], self.bound)

    def met(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """Which numbers meet it; NaN meets none."""
        found: npt.NDArray[np.bool_] = _RELATIONS[self.relation](values, self.bound)
        return found


def threshold(text: str) -> Threshold | None:
    """The comparison that a text is, with a decimal point; None for any other text."""
    found = _THRESHOLD.fullmatch(text.strip())
    return Threshold(found[1], float(found[2])) if found else None
