"""Which words of a text may be replaced, and what of it every variant keeps: numbers, negations, protected words.

The lists are English. In another language numbers in digits, names in capitals and the words that the lender protects
are kept all the same; its negations have to be among those (``augment.protected``).
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from data_schemas.contract import Schema
from features.text.counterfactual_terms import exchanged_words
from features.text.scripts import SPACELESS

Span = tuple[int, int]

_WORD = re.compile(  # between white space, in nothing but punctuation, of a script that puts spaces between words
    rf"""(?<!\S)["'“‘(\[]*([^\W\d_{SPACELESS}]+)(?=["'”’)\].,;:!?…]*(?:\s|\Z))"""
)
_TOKEN = re.compile(r"[^\W_]+(?:['’.,][^\W_]+)*")
_NOT = re.compile(r"\w+n['’]t\Z")
_PLAIN = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")

NEGATIONS = frozenset(
    """aint arent barely cannot cant couldnt didnt doesnt dont except hadnt hardly hasnt havent isnt lack lacked
    lacking lacks mustnt neednt neither never no nobody non none noone nor not nothing nowhere rarely refuse
    refused scarcely seldom shouldnt unable unless wasnt werent without wont wouldnt""".split()  # noqa: SIM905 (shorter)
)
NUMBERS = frozenset(
    """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
    seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred hundreds thousand
    thousands million millions billion billions dozen dozens couple pair half halves quarter quarters third
    thirds fourth fifth sixth seventh eighth ninth tenth eleventh twelfth first second last once twice thrice
    double triple single both percent dollar dollars euro euros pound pounds cent cents lbs usd eur gbp grand
    bucks january february march april may june july august september october november december jan feb mar apr
    jun jul aug sep sept oct nov dec monday tuesday wednesday thursday friday saturday sunday""".split()  # noqa: SIM905 (shorter)
)
STOP_WORDS = frozenset(
    """a about above across after again against ago all almost along already also although always am among an and
    another any anybody anyone anything are around as at away back be became because become been before being
    below between but by came can come could dear did do does doing done down during each either else enough even
    ever every everybody everyone everything few for from further get gets getting give gives go goes going gone
    got had has have having he her here hers herself hi hello him himself his how however i if im in into is it
    its itself ive just keep let like made make makes making many may maybe me might mine more most much must my
    myself near need needs of off often on only onto or other others our ours ourselves out over own per please
    put quite rather really said same say see seem shall she should since so some somebody someone something soon
    still such take taken takes taking than thank thanks that the their theirs them themselves then there these
    they thing things this those though through thus to today together tomorrow too took toward towards under
    until up upon us use used uses using very via was way we well went were what whatever when whenever where
    whether which while who whoever whole whom whose why will with within would yes yesterday yet you your yours
    yourself yourselves""".split()  # noqa: SIM905 (shorter)
)


def protected_terms(schema: Schema, given: Iterable[str] = ()) -> tuple[str, ...]:
    """What no variant of a narrative of ``schema`` may touch, as ``Protection`` takes it.

    The words of the schema's sensitive concepts, the words of a person's sex, family and origin that are exchanged to
    measure their effect (``features.text.counterfactual_terms``), and those given.
    """
    sensitive = (word for concept in schema.concepts if concept.sensitive for word in concept.words)
    return tuple(sorted({term.lower().replace("’", "'") for term in (*sensitive, *exchanged_words(), *given)}))


@dataclass(frozen=True)
class Protection:
    """Finds the words that may be replaced.

    Attributes:
        terms: words or phrases in lower case that are kept wherever they stand whole; ``*`` at the end stands for any
            ending.
    """

    terms: tuple[str, ...] = ()

    def replaceable(self, text: str) -> list[Span]:
        """Spans of the words that may be replaced, in order.

        A word is two letters or more between white space and punctuation; what holds a digit, a hyphen or an apostrophe
        is none. Words with a capital are names or acronyms and stay, but in a text without a small letter.
        """
        phrases = self._phrases_in(text)
        lower = any(map(str.islower, text))
        found = []
        for match in _WORD.finditer(text):
            (start, end), word = match.span(1), match.group(1)
            if lower and word != word.lower():
                continue
            if self.may_change(word) and not any(a < end and start < b for a, b in phrases):
                found.append((start, end))
        return found

    def may_change(self, word: str) -> bool:
        """Whether a single word may be replaced, or replace another: it means something, and nothing protects it."""
        plain = word.lower()
        kept = plain in _KEPT_WORDS or self._is_term(plain) or _has_figure(plain)
        return len(plain) > 1 and not kept

    def keeps(self, before: str, after: str) -> bool:
        """Whether two texts have the same numbers, protected words and phrases, and names in capitals, each as often,
        and as many negations.
        """
        return self._kept(before) == self._kept(after)

    def _kept(self, text: str) -> Counter[str]:
        lower = any(map(str.islower, text))
        found = Counter(" ".join(text[a:b].lower().split()) for a, b in self._phrases_in(text))
        for match in _TOKEN.finditer(text):
            token = match.group()
            plain = token.lower().replace("’", "'").removesuffix("'s")
            if plain in NEGATIONS or _NOT.match(plain):
                found["not"] += 1
            elif _has_figure(plain) or plain in NUMBERS or self._is_term(plain):
                found[plain] += 1
            elif lower and token[0].isupper() and plain not in STOP_WORDS and _begins_none(text, match.start()):
                found[token] += 1
        return found

    def _is_term(self, plain: str) -> bool:
        single, endings, _ = self._parts
        return plain in single or plain.startswith(endings)

    def _phrases_in(self, text: str) -> list[Span]:
        """Where the protected phrases stand."""
        _, _, phrases = self._parts
        return [match.span() for match in phrases.finditer(text)] if phrases is not None else []

    @cached_property
    def _parts(self) -> tuple[frozenset[str], tuple[str, ...], re.Pattern[str] | None]:
        """The single words, the beginnings of words that may end in any way, and the phrases."""
        single = {term for term in self.terms if _PLAIN.fullmatch(term)}
        begins = {term for term in self.terms if term.endswith("*") and _PLAIN.fullmatch(term[:-1])}
        phrases = [_pattern(term) for term in self.terms if term not in single | begins]
        pattern = re.compile(rf"(?<!\w)(?:{'|'.join(phrases)})(?!\w)", re.IGNORECASE) if phrases else None
        return frozenset(single), tuple(sorted(term[:-1] for term in begins)), pattern


_KEPT_WORDS = STOP_WORDS | NEGATIONS | NUMBERS


def _pattern(term: str) -> str:
    words = r"\s+".join(re.escape(word) for word in term.removesuffix("*").split())
    return words.replace("'", "['’]") + (r"\w*" if term.endswith("*") else "")


def _begins_none(text: str, start: int) -> bool:
    """Whether the word at ``start`` stands within a sentence."""
    before = text[max(0, start - 2) : start]
    return before.endswith(" ") and (before[0].isalnum() or before[0] == ",")


def n_wanted(n_units: int, rate: float) -> int:
    """How many of a text's words or sentences are to change: the share ``rate``, at least one."""
    return max(1, round(rate * n_units))


def _has_figure(word: str) -> bool:
    """Whether a word holds a digit, or a sign that stands for a number, such as ½ or ²."""
    return any(unicodedata.category(sign) in ("Nd", "No") for sign in word)


def with_edits(text: str, edits: Sequence[tuple[int, int, str]]) -> str:
    """The text with sorted, separate stretches replaced."""
    parts: list[str] = []
    at = 0
    for start, end, replacement in edits:
        parts += (text[at:start], replacement)
        at = end
    return "".join([*parts, text[at:]])
