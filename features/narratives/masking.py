"""What of narratives is withheld before anything reads them: those that the encoder cannot read, and sentences about
private life.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from data_schemas.concepts import Sensitive
from data_schemas.contract import Schema, StripRule
from data_schemas.errors import ContractError
from features.arrays import Flags, Ints
from features.encoders.vectors import TextEncoder
from features.narratives.concepts import ConceptMatcher, kinds_by_words
from features.narratives.legibility import READS_ALL, Legibility
from features.tables.applications import Applications
from features.tables.stated import with_facts_again
from features.text.cleaning import CleanText, clean, covering_sentences


@dataclass(frozen=True)
class Masked:
    """Applications whose narratives lack what is withheld.

    Attributes:
        applications: the same rows, with masked narratives and what is still stated in them.
        kinds: for each row, the kinds for which something was cut.
        n_cut: int64 (n, n_narratives), number of sentences cut.
        sentences: number of sentences cut in all, by kind; a sentence of two kinds counts for both.
        unread: bool (n, n_narratives), the narratives that the encoder cannot read; their cells are empty.
    """

    applications: Applications
    kinds: tuple[frozenset[Sensitive], ...]
    n_cut: Ints
    sentences: Mapping[Sensitive, int]
    unread: Flags


@dataclass(frozen=True)
class _Rest:
    """What is left of a raw text.

    Attributes:
        text: the raw text without the sentences that were cut.
        kinds: the kinds of each sentence that was cut.
    """

    text: str
    kinds: tuple[tuple[Sensitive, ...], ...]


@dataclass(frozen=True)
class Mask:
    """Cuts sentences of some kinds of private life, which the schema's concepts and their words reveal, from the
    narratives that can be read.

    Each sentence is encoded by itself, so that its neighbours do not hide it; that costs about as much as reading the
    narratives does. Labels are searched for words alone (``Field.match_concepts``). A narrative of which nothing is
    left counts as not written.

    Attributes:
        kinds: the kinds to cut.
        matcher: finds the kinds of a sentence.
        legibility: finds the narratives that cannot be read.
    """

    kinds: tuple[Sensitive, ...]
    matcher: ConceptMatcher
    legibility: Legibility = READS_ALL

    @staticmethod
    def open(
        kinds: Sequence[Sensitive], schema: Schema, encoder: TextEncoder, legibility: Legibility = READS_ALL
    ) -> Mask:
        """Make ready to cut these kinds; without a kind no sentence is cut.

        Raises ContractError for a kind that no concept of the schema is of.
        """
        concepts = tuple(concept for concept in schema.concepts if concept.sensitive in kinds)
        known = {concept.sensitive for concept in concepts}
        if lacking := [kind for kind in kinds if kind not in known]:
            raise ContractError(
                f"text.mask names {lacking[0].value!r}, and schema {schema.name!r} has no concept of that kind",
                "Add one to its concepts, or leave the kind out.",
            )
        # Nearness is measured among all concepts: the mean statement is that of all.
        return Mask(tuple(kinds), ConceptMatcher.open(schema.concepts if concepts else (), encoder), legibility)

    def apply(self, applications: Applications) -> Masked:
        """Withhold what is to be withheld of these applications' narratives."""
        schema, whole = applications.schema, applications
        applications, unread = self.legibility.without_unread(whole)
        kinds = [frozenset[Sensitive]() for _ in range(len(applications))]
        n_cut = np.zeros((len(applications), len(schema.narratives)), dtype=np.int64)
        if not self.kinds:
            return Masked(with_facts_again(applications, whole), tuple(kinds), n_cut, {}, unread)
        frame, counts = applications.frame.copy(), Counter[Sensitive]()
        for at, field in enumerate(schema.narratives):
            column = applications.narrative(field.name)
            rest = self._rests(sorted({raw for raw in column if raw}), schema.strip, field.match_concepts)
            for row, raw in enumerate(column):
                if raw and (cut := rest[raw].kinds):
                    n_cut[row, at] = len(cut)
                    kinds[row] = kinds[row].union(*cut)
                    counts.update(kind for own in cut for kind in own)
            frame[field.name] = pd.Series([rest[raw].text if raw else "" for raw in column], dtype=object)
        sentences = {kind: counts[kind] for kind in self.kinds}
        masked = with_facts_again(Applications(schema, frame, applications.row_number), whole)
        return Masked(masked, tuple(kinds), n_cut, sentences, unread)

    def cut(self, raws: Sequence[str], strip: Sequence[StripRule]) -> tuple[list[str], Mapping[Sensitive, int]]:
        """What is left of raw texts that stand in no column, such as those of a plain file, and how many sentences of
        each kind were cut.
        """
        rest = self._rests(sorted(set(raws)), strip, named=True) if self.kinds else {}
        found = [rest.get(raw, _Rest(raw, ())) for raw in raws]
        counts = Counter(kind for one in found for own in one.kinds for kind in own)
        return [one.text for one in found], {kind: counts[kind] for kind in self.kinds}

    def _rests(self, raws: Sequence[str], strip: Sequence[StripRule], named: bool) -> dict[str, _Rest]:
        """What is left of each raw text."""
        cleaned = [clean(raw, strip) for raw in raws]
        spans = [covering_sentences(one.text) for one in cleaned]
        sentences = {one.text[a:b].strip() for one, own in zip(cleaned, spans, strict=True) for a, b in own}
        kinds = self._kinds(sentences, named)
        rests = {}
        for raw, one, own in zip(raws, cleaned, spans, strict=True):
            cut = [(a, b) for a, b in own if kinds[one.text[a:b].strip()]]
            rests[raw] = _Rest(_without(raw, one, cut), tuple(kinds[one.text[a:b].strip()] for a, b in cut))
        return rests

    def _kinds(self, sentences: Iterable[str], named: bool) -> dict[str, tuple[Sensitive, ...]]:
        """The kinds of each sentence, of those that are cut."""
        texts = sorted(sentences)
        found = self.matcher.match_texts(texts).sensitive if named else kinds_by_words(self.matcher.concepts, texts)
        return {
            text: tuple(kind for kind in self.kinds if kind in kinds) for text, kinds in zip(texts, found, strict=True)
        }


def rows_by_kind(kinds: Iterable[frozenset[Sensitive]]) -> dict[str, int]:
    """How many rows have each kind, in the order of ``Sensitive``; kinds that none has are left out."""
    found = Counter(kind for own in kinds for kind in own)
    return {kind.value: found[kind] for kind in Sensitive if found[kind]}


def _without(raw: str, cleaned: CleanText, spans: Sequence[tuple[int, int]]) -> str:
    """The raw text without what became these spans of the clean one; "" when nothing that can be read is left."""
    parts, at, kept = [], 0, len(cleaned.text.strip())
    for start, end in spans:
        first, last = cleaned.to_raw(start, end)
        parts.append(raw[at : max(at, first)])
        at = max(at, last)
        kept -= len(cleaned.text[start:end])
    parts.append(raw[at:])
    return "".join(parts) if kept > 0 else ""
