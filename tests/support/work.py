"""How much work a function does, counted and so the same on a busy machine; compared between a text and four of it."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable
from types import FrameType
from typing import SupportsIndex


class Text(str):
    """A text that counts the characters of the slices taken from it."""

    copied = 0

    def __getitem__(self, key: SupportsIndex | slice) -> str:
        part = super().__getitem__(key)
        self.copied += len(part)
        return part


def calls(action: Callable[[], object]) -> int:
    """How often a function of Python or C is called during the action, in this thread."""
    n_calls = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        del frame, argument
        nonlocal n_calls
        n_calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        action()
    finally:
        sys.setprofile(None)
    return n_calls


def characters_and_calls(reads: Callable[[str], object], text: str) -> tuple[int, int]:
    """How many characters of the text are copied while it is read, and how many functions are called."""
    counted = Text(text)
    n_calls = calls(lambda: reads(counted))
    return counted.copied, n_calls


def is_linear(reads: Callable[[str], object], unit: str, n_units: int = 5_000) -> bool:
    """Whether four times the text is about four times the work, of Python; a pattern's own is not seen."""
    small = characters_and_calls(reads, unit * n_units)
    large = characters_and_calls(reads, unit * (4 * n_units))
    return all(more <= 6 * less + 1000 for less, more in zip(small, large, strict=True))


def peak_bytes(action: Callable[[], object]) -> int:
    """Most memory that Python had at once for what the action made."""
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
