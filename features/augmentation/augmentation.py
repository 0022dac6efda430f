"""Variants of narratives that a model may learn from beside the narratives themselves.

A variant is made from its text alone: of no outcome, of no other text, in no order. It may so be made once and used
wherever its row is learned from. It may be used nowhere else: not to validate, not for rows held out, not in what a
bundle keeps of its population, and no text or vector of it goes into a cache or an artefact.

A copy takes one kind; several kinds take turns. Numbers, negations and protected words are the same in every variant
(``features.augmentation.words``), and what a kind does not replace is the same to the last character. A text in which
nothing can be replaced comes back as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from features.augmentation.back_translation import BackTranslation, open_translator
from features.augmentation.draws import Draw
from features.augmentation.masked_words import open_masked_words
from features.augmentation.settings import Augmentation, Kind, Sources
from features.augmentation.word_net import WordNet, open_word_net
from features.augmentation.words import Protection, n_wanted, with_edits
from features.text.cleaning import Edit


class Rewriter(Protocol):
    """What a kind does."""

    def rewrite(self, texts: Sequence[str], draws: Sequence[Draw], rate: float) -> list[list[Edit]]:
        """Sorted, separate edits of each text, which depend on the text and its draw alone."""
        ...


@dataclass(frozen=True)
class Augmenter:
    """Makes variants; opened by ``open_augmenter``.

    Attributes:
        settings: how.
        rewriters: by kind.
    """

    settings: Augmentation
    rewriters: Mapping[Kind, Rewriter]

    def variants(self, texts: Sequence[str], copy: int) -> list[str]:
        """Copy number ``copy`` of each text; the same whatever the other texts, their order and number."""
        return [with_edits(text, own) for text, own in zip(texts, self.edits(texts, copy), strict=True)]

    def edits(self, texts: Sequence[str], copy: int) -> list[list[Edit]]:
        """What ``variants`` replaces: start, end and replacement, in order; nothing where a text stays as it is."""
        kind = self.settings.kind(copy)
        distinct = list(dict.fromkeys(texts))
        draws = [Draw.of(self.settings.seed, kind, copy, text) for text in distinct]
        protection = Protection(self.settings.protected)
        found = {}
        for text, own in zip(distinct, self.rewriters[kind].rewrite(distinct, draws, self.settings.rate), strict=True):
            edits = [(start, end, _cased(text[start:end], new)) for start, end, new in own]
            found[text] = edits if protection.keeps(text, with_edits(text, edits)) else []
        return [found[text] for text in texts]


@dataclass(frozen=True)
class Synonyms:
    """Replaces words by synonyms.

    Attributes:
        word_net: knows them.
        protection: decides which words may be replaced, and may replace another.
    """

    word_net: WordNet
    protection: Protection

    def rewrite(self, texts: Sequence[str], draws: Sequence[Draw], rate: float) -> list[list[Edit]]:
        """See ``Rewriter``; words without a synonym are passed over for others."""
        return [self._edits(text, draw, rate) for text, draw in zip(texts, draws, strict=True)]

    def _edits(self, text: str, draw: Draw, rate: float) -> list[Edit]:
        edits: list[Edit] = []
        n, words = n_wanted(len(text.split()), rate), self.protection.replaceable(text)
        for at in draw.order(len(words)):
            start, end = words[at]
            synonyms = [word for word in self.word_net.synonyms(text[start:end].lower()) if self._may(word)]
            if synonyms:
                edits.append((start, end, synonyms[draw.pick(at, [1.0] * len(synonyms))]))
            if len(edits) == n:
                break
        return sorted(edits)

    def _may(self, word: str) -> bool:
        return self.protection.may_change(word)


@dataclass(frozen=True)
class Dropout:
    """Leaves words out, each with the white space before it; the last word that means something stays.

    Attributes:
        protection: decides which words may go.
    """

    protection: Protection

    def rewrite(self, texts: Sequence[str], draws: Sequence[Draw], rate: float) -> list[list[Edit]]:
        """See ``Rewriter``."""
        return [self._edits(text, draw, rate) for text, draw in zip(texts, draws, strict=True)]

    def _edits(self, text: str, draw: Draw, rate: float) -> list[Edit]:
        words = self.protection.replaceable(text)
        n = min(n_wanted(len(text.split()), rate), len(words) - 1)
        return sorted((_after_gap(text, words[at][0]), words[at][1], "") for at in draw.order(len(words))[: max(n, 0)])


def open_augmenter(settings: Augmentation, sources: Sources) -> Augmenter:
    """Open what the kinds need. Raises ContractError, with a remedy, for what is missing."""
    protection = Protection(settings.protected)
    rewriters: dict[Kind, Rewriter] = {}
    for kind in settings.kinds:
        rewriters[kind] = _rewriter(kind, sources, protection)
    return Augmenter(settings, rewriters)


def _rewriter(kind: Kind, sources: Sources, protection: Protection) -> Rewriter:
    match kind:
        case "synonyms":
            return Synonyms(open_word_net(sources.word_net), protection)
        case "masked_words":
            return open_masked_words(sources.masked_words, sources.window, protection)
        case "dropout":
            return Dropout(protection)
        case "back_translation":
            there = open_translator(sources.there, "augment.there")
            return BackTranslation(there, open_translator(sources.back, "augment.back"), protection)


def _after_gap(text: str, start: int) -> int:
    """Where the white space before ``start`` begins."""
    return len(text[:start].rstrip())


def _cased(old: str, new: str) -> str:
    """``new`` in capitals where ``old``, a single word, is."""
    return new.upper() if old.isupper() else new
