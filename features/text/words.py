"""The words of a text in any script."""

from __future__ import annotations

import re

from features.text.scripts import SPACELESS, has_spaceless

_WORD = re.compile(r"\w+")
_RUN = re.compile(rf"([{SPACELESS}]+)|[^\W{SPACELESS}]+")


def words_of(text: str) -> list[str]:
    """The lower-cased words in order.

    Scripts without spaces (Chinese, Japanese, Thai) have pairs of neighbouring characters as words, which overlap; a
    character between others of another kind stands alone. On planted rules that does better than words from a
    dictionary (``docs/languages.md``).
    """
    lowered = text.lower()
    if not has_spaceless(lowered):
        return _WORD.findall(lowered)
    words = []
    for run in _RUN.finditer(lowered):
        word = run.group()
        pairs = run.group(1) is not None and len(word) > 1
        words += [word[at : at + 2] for at in range(len(word) - 1)] if pairs else [word]
    return words
