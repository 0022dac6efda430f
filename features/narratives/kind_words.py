"""Words that give private life away, without an encoder: ``Concept.words``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from data_schemas.concepts import Sensitive
from features.text.scripts import has_spaceless

REMEMBERED = 2**16  # words whose kinds are kept, of a file's vocabulary

_WORD = re.compile(r"\w+")
_WHOLE = r"(?<!\w)(?:{})(?!\w)"

Patterns = tuple[tuple[Sensitive, re.Pattern[str]], ...]
Kinds = frozenset[Sensitive]
NO_KIND: Kinds = frozenset()


@dataclass(frozen=True, eq=False)
class KindWords:
    """The words of each kind of private life, as patterns.

    Attributes:
        telling: of a word that is in ``single`` or ``begins``, of whatever kind.
        single: of a word that is enough.
        begins: of a word that begins a longer expression.
        longer: of these expressions, in a text.
        inside: of words in scripts without spaces, which no search for whole words finds, in a text.
    """

    telling: re.Pattern[str]
    single: Patterns
    begins: Patterns
    longer: Patterns
    inside: Patterns

    @staticmethod
    def of(words: Sequence[tuple[Sensitive, str]]) -> KindWords:
        """Patterns of words with their kinds."""
        spaceless = [(kind, word) for kind, word in words if has_spaceless(word)]
        others = [(kind, word) for kind, word in words if not has_spaceless(word)]
        single = [(kind, word) for kind, word in others if _WORD.fullmatch(word.removesuffix("*"))]
        longer = [one for one in others if one not in single]
        first = [(kind, _WORD.findall(word)[0]) for kind, word in longer]
        return KindWords(
            _any_of([word for _, word in (*single, *first)], _WHOLE),
            _by_kind(single, _WHOLE),
            _by_kind(first, _WHOLE),
            _by_kind(longer, _WHOLE),
            _by_kind(spaceless, "{}"),
        )

    def kinds(self, texts: Sequence[str]) -> list[Kinds]:
        """The kinds whose words each text holds."""
        plain = [text if text.isascii() else text.replace("’", "'") for text in texts]
        words_of = [_WORD.findall(text.lower()) for text in plain]
        telling: dict[str, tuple[Kinds, Kinds]] = {}
        for word in set[str]().union(*words_of):
            sure, begun = _kinds_of_word(self, word)
            if sure or begun:
                telling[word] = sure, begun
        return [self._kinds_of_text(text, own, telling) for text, own in zip(plain, words_of, strict=True)]

    def _kinds_of_text(
        self,
        text: str,
        words: Sequence[str],
        telling: dict[str, tuple[Kinds, Kinds]],
    ) -> Kinds:
        found = NO_KIND
        if not telling.keys().isdisjoint(words):
            of_words = [telling[word] for word in words if word in telling]
            found = found.union(*(sure for sure, _ in of_words))
            begun = NO_KIND.union(*(begun for _, begun in of_words)) - found
            found |= {kind for kind, pattern in self.longer if kind in begun and pattern.search(text)}
        if self.inside and has_spaceless(text):
            found |= {kind for kind, pattern in self.inside if pattern.search(text)}
        return found


@lru_cache(maxsize=REMEMBERED)
def _kinds_of_word(words: KindWords, word: str) -> tuple[Kinds, Kinds]:
    """The kinds that a word in lower case gives away, and those of which it begins a longer expression."""
    if not words.telling.fullmatch(word):
        return NO_KIND, NO_KIND
    sure, begun = (
        frozenset(kind for kind, pattern in patterns if pattern.fullmatch(word))
        for patterns in (words.single, words.begins)
    )
    return sure, begun


def _by_kind(words: Sequence[tuple[Sensitive, str]], form: str) -> Patterns:
    """A pattern of each kind's words in any case; ``*`` at the end of one stands for any ending."""
    kinds = dict.fromkeys(kind for kind, _ in words)
    return tuple((kind, _any_of([word for own, word in words if own == kind], form)) for kind in kinds)


def _any_of(words: Sequence[str], form: str) -> re.Pattern[str]:
    return re.compile(form.format("|".join(map(_as_pattern, words))), re.IGNORECASE)


def _as_pattern(word: str) -> str:
    return re.escape(word.removesuffix("*")) + (r"\w*" if word.endswith("*") else "")
