"""Counterfactual texts: words of a person's sex, family or origin are exchanged, to measure the effect on a score.

The words are those of data_schemas/english.term_swaps.json, found as whole words in any case (the case stays), and of
data_schemas/chinese.term_swaps.json, found wherever they stand, the longest first, unless what is kept holds them. A
text is read once, so that no exchange undoes another. In English two things need the words around, and are kept simple:
``her`` stands for both ``his`` and ``him``, depending on whether a word follows that can begin a noun phrase ("help her
pay" is so taken for "her pay"); ``single``, ``married``, ``divorced`` and ``widowed`` count as marital status by the
word beside them, because a single payment is not unmarried.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from importlib import resources
from typing import Any, Literal

from features.text.scripts import has_spaceless

SwapKind = Literal["gender", "family", "names", "origin"]
KINDS: tuple[SwapKind, ...] = ("gender", "family", "names", "origin")

_ENGLISH, _CHINESE = "english.term_swaps.json", "chinese.term_swaps.json"
_WORD = re.compile(r"(?<!\w)[^\W\d_]+(?!\w)")
_STATUS = frozenset({"single", "married", "divorced", "widowed"})
_REACH = 24  # characters beside a word that are looked at
_NEXT = re.compile(r"\s+([^\W\d_]+)")
_BEING = re.compile(r"(?:\b(?:am|is|are|was|were|be|being|currently|still)|\b[a-z]+['’](?:m|s|re)|\bim)\s+\Z", re.I)
_PERSON = re.compile(
    r"\s+(?:mother|father|mom|mum|dad|parent|man|woman|male|female|guy|lady|person|with)s?\b(?!-)", re.I
)
_NO_NOUN = frozenset(  # after "her" these make it "him", after "his" they make it "hers"
    """a about after again against all also although always an and any are as at because been before being but by can
    could did do does during each every for from had has have he i if in into is it just may might my never not now of
    off on once or our out over she should since so soon than that the their them then these they this those through
    till to today together too until up was we were what when where which while who why will with without would you
    your""".split()  # noqa: SIM905 (shorter)
)


def swap(text: str, kind: SwapKind) -> str:
    """The text with the words of one kind exchanged; itself where it has none.

    Twice gives the text back, but for words in unusual case and those without an exact counterpart (Ms).
    """
    table = _table(kind)
    if not table.keys().isdisjoint(_WORD.findall(text.lower())):
        text = _WORD.sub(lambda word: _cased(word.group(), _other(word, table)), text)
    if not has_spaceless(text):
        return text
    pattern, others = _chinese(kind)
    return pattern.sub(lambda word: others[word.group()], text)


def exchanged_words() -> frozenset[str]:
    """Every English word that any kind exchanges, in lower case."""
    return frozenset(word for kind in KINDS for word in _table(kind))


def _other(word: re.Match[str], table: Mapping[str, str]) -> str:
    """What a word is exchanged for, in lower case; the word where it stays."""
    plain = word.group().lower()
    if plain not in table:
        return word.group()
    if plain in ("her", "his"):
        return table[plain] if _owns(word) else ("him" if plain == "her" else "hers")
    if plain in _STATUS:
        return _other_status(plain, word)
    return table[plain]


def _owns(word: re.Match[str]) -> bool:
    """Whether a noun phrase may follow."""
    following = _NEXT.match(word.string, word.end(), word.end() + _REACH)
    return following is not None and following.group(1).lower() not in _NO_NOUN


def _other_status(plain: str, word: re.Match[str]) -> str:
    """The opposite of a marital status where a person has it, or of one that names an event."""
    text, (start, end) = word.string, word.span()
    before, after = text[max(0, start - _REACH) : start], text[end : end + _REACH]
    if not after.startswith("-") and (_BEING.search(before) or _PERSON.match(after)):
        return {"single": "married", "married": "single", "divorced": "widowed", "widowed": "divorced"}[plain]
    return {"married": "divorced", "divorced": "married"}.get(plain, plain)


def _cased(word: str, other: str) -> str:
    """``other`` in the case of ``word``; the word itself where they are the same."""
    if word.lower() == other.lower():
        return word
    if len(word) > 1 and word.isupper():
        return other.upper()
    return other[0].upper() + other[1:] if word[0].isupper() else other


@functools.cache
def _table(kind: SwapKind) -> Mapping[str, str]:
    """What each English word of a kind is exchanged for."""
    table = _exchanged(_list(_ENGLISH, kind))
    if kind == "gender":
        table |= {"him": "her", "her": "his", "his": "her", "hers": "his"}
    return table | dict.fromkeys(_STATUS, "") if kind == "family" else table


@functools.cache
def _chinese(kind: SwapKind) -> tuple[re.Pattern[str], Mapping[str, str]]:
    """Finds the Chinese words of a kind, and what each is exchanged for; what is kept is exchanged for itself."""
    own = _list(_CHINESE, kind)
    table = _exchanged(own) | {word: word for word in own["kept"]}
    longest_first = sorted(table, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first))), table


def _list(file: str, kind: SwapKind) -> dict[str, Any]:
    own: dict[str, Any] = json.loads((resources.files("data_schemas") / file).read_text(encoding="utf-8"))[kind]
    return own


def _exchanged(own: Mapping[str, Any]) -> dict[str, str]:
    return {word: other for pair in own["pairs"] for word, other in (pair, reversed(pair))} | dict(own["one_way"])
