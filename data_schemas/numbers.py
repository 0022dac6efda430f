"""Numbers as the cells of a file write them: what a contract declares of their marks, units and signs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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
