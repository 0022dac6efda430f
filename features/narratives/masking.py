"""Cutting what narratives tell of private life, before anything reads them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from data_schemas.contract import Schema, Sensitive, StripRule
from data_schemas.errors import ContractError
from features.encoders.encoder import TextEncoder
from features.narratives.concepts import ConceptMatcher, kinds_by_words
from features.tables.applications import Applications
from features.text.cleaning import CleanText, clean, covering_sentences


@dataclass(frozen=True)
class Masked:
    """Applications whose narratives lack what was cut.

    kinds: for each row, the kinds that something was cut for. n_cut: int64 (n, n_narratives), how many sentences were.
    sentences: how many were cut in all, by kind; one that tells of two kinds counts for both.
    """

    applications: Applications
    kinds: tuple[frozenset[Sensitive], ...]
    n_cut: npt.NDArray[np.int64]
    sentences: Mapping[Sensitive, int]


@dataclass(frozen=True)
class _Rest:
    """What is left of a raw text. told: the kinds of each sentence that was cut."""

    text: str
    told: tuple[tuple[Sensitive, ...], ...]


@dataclass(frozen=True)
class Mask:
    """Cuts the sentences that tell of some kinds of private life, found by the schema's concepts and their words.

    A sentence is read by itself, so its neighbours do not hide it, however many they are; that costs about as much as
    reading the narratives does. In labels only words are looked for (``Field.match_concepts``). A narrative of which
    nothing is left counts as not written.
    """

    kinds: tuple[Sensitive, ...]
    matcher: ConceptMatcher

    @staticmethod
    def open(kinds: Sequence[Sensitive], schema: Schema, encoder: TextEncoder) -> Mask:
        """Make ready to cut these kinds; without a kind nothing is cut.

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
        return Mask(tuple(kinds), ConceptMatcher.open(schema.concepts if concepts else (), encoder))

    def apply(self, applications: Applications) -> Masked:
        """Cut the narratives of these applications."""
        schema = applications.schema
        kinds = [frozenset[Sensitive]() for _ in range(len(applications))]
        n_cut = np.zeros((len(applications), len(schema.narratives)), dtype=np.int64)
        if not self.kinds:
            return Masked(applications, tuple(kinds), n_cut, {})
        frame, counts = applications.frame.copy(), Counter[Sensitive]()
        for at, field in enumerate(schema.narratives):
            column = applications.narrative(field.name)
            rest = self._rests(sorted({raw for raw in column if raw}), schema.strip, field.match_concepts)
            for row, raw in enumerate(column):
                if raw and (told := rest[raw].told):
                    n_cut[row, at] = len(told)
                    kinds[row] = kinds[row].union(*told)
                    counts.update(kind for own in told for kind in own)
            frame[field.name] = pd.Series([rest[raw].text if raw else "" for raw in column], dtype=object)
        sentences = {kind: counts[kind] for kind in self.kinds}
        return Masked(Applications(schema, frame, applications.row_number), tuple(kinds), n_cut, sentences)

    def _rests(self, raws: Sequence[str], strip: Sequence[StripRule], named: bool) -> dict[str, _Rest]:
        """What is left of each raw text."""
        cleaned = [clean(raw, strip) for raw in raws]
        spans = [covering_sentences(one.text) for one in cleaned]
        said = {one.text[a:b].strip() for one, own in zip(cleaned, spans, strict=True) for a, b in own}
        told = self._told(said, named)
        rests = {}
        for raw, one, own in zip(raws, cleaned, spans, strict=True):
            cut = [(a, b) for a, b in own if told[one.text[a:b].strip()]]
            rests[raw] = _Rest(_without(raw, one, cut), tuple(told[one.text[a:b].strip()] for a, b in cut))
        return rests

    def _told(self, sentences: Iterable[str], named: bool) -> dict[str, tuple[Sensitive, ...]]:
        """The kinds that each sentence tells of, of those that are cut."""
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
