"""Words and phrases of several languages in the names and levels of columns, found whatever their spelling.

Capitals, accents, punctuation and underscores do not matter: ``maritalStatus``, ``MARITAL_STATUS`` and ``marital
status`` are one phrase. Words of Chinese, which has no spaces, are found inside others.
"""

from __future__ import annotations

import functools
import re
import unicodedata

_JOINTS = re.compile(r"[\W_]+|(?<=[a-z0-9])(?=[A-Z])")


def words_of(name: str) -> list[str]:
    """The words in a name, in lower case: of ``loanStatus_2`` loan, status, 2."""
    return [word.lower() for word in _JOINTS.split(name) if word]


@functools.lru_cache(maxsize=100_000)
def folded(text: str) -> str:
    """The words of a text with single spaces between them, in lower case and without accents."""
    parts = unicodedata.normalize("NFKD", " ".join(word.casefold() for word in _JOINTS.split(text) if word))
    return "".join(letter for letter in parts if not unicodedata.combining(letter))


def alternatives(phrases: str) -> str:
    """A pattern without groups for one of these phrases, the longest first, to be searched in ``folded`` text.

    Args:
        phrases: separated by ``|`` or line ends, in lower case and without accents. A space may be absent in the text;
            ``*`` stands for any letters and digits, ``#`` for digits.
    """
    listed = sorted({phrase.strip() for phrase in re.split(r"[|\n]", phrases) if phrase.strip()}, key=len, reverse=True)
    latin = [
        phrase.replace(" ", " ?").replace("*", "[a-z0-9]*").replace("#", "[0-9]+")
        for phrase in listed
        if phrase.isascii()
    ]
    other = [phrase for phrase in listed if not phrase.isascii()]
    bounded = [rf"(?<![a-z0-9])(?:{'|'.join(latin)})(?![a-z0-9])"] if latin else []
    return f"(?:{'|'.join([*bounded, *other])})"


def phrase_pattern(phrases: str) -> re.Pattern[str]:
    """``alternatives``, compiled."""
    return re.compile(alternatives(phrases))
