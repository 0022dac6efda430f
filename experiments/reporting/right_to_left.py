"""Pages in languages that are written from right to left: numbers keep their order, and isolated texts their own.

A number takes its sign and its percent sign along only between marks of direction, as the formats of CLDR have them.
Foreign texts need none, for ``bdi`` isolates them; WeasyPrint knows no ``bdi``, so a PDF's are given their direction.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import accumulate

MARK = "\u200e"  # left to right
_TAG = re.compile(r"(<[^>]*>)")
_APART = ("bdi", "code", "style", "title", "pre")  # whose text is isolated, or for machines
_SIGN, _DIGITS, _PERCENT = r"(?:(?:&lt;|&gt;|[−+±])[\u202f ]?)?", r"\d(?:[\d.,/:–-]*\d)?", r"(?:[\u202f\u00a0]?%)?"
_NUMBER = re.compile(rf"(?<![\w.#]){_SIGN}{_DIGITS}{_PERCENT}(?!\w)")
_ISOLATED = re.compile(r"<bdi([^>]*)>(.*?)</bdi>", re.DOTALL)


def with_marks(page: str) -> str:
    """A page with every number of ours between marks of direction."""
    parts = _TAG.split(page)
    depths = accumulate(map(_depth, parts))
    return "".join(
        part if depth or at % 2 else _NUMBER.sub(rf"{MARK}\g<0>{MARK}", part)
        for at, (part, depth) in enumerate(zip(parts, depths, strict=True))
    )


def _depth(part: str) -> int:
    """1 where a text begins that is left as it is, -1 where it ends."""
    found = re.match(r"<(/?)(\w+)", part)
    return 0 if found is None or found[2] not in _APART else -1 if found[1] else 1


def directed(page: str) -> str:
    """A page whose isolated texts say their direction, by their first letter, as a browser finds it itself."""
    return _ISOLATED.sub(lambda found: f'<bdi{found[1]} dir="{_direction(found[2])}">{found[2]}</bdi>', page)


def _direction(text: str) -> str:
    kinds = (unicodedata.bidirectional(letter) for letter in _TAG.sub("", text))
    first = next((kind for kind in kinds if kind in ("L", "R", "AL")), "L")
    return "ltr" if first == "L" else "rtl"
