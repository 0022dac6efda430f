"""Cutting what narratives tell of private life, before anything reads them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from data_schemas.contract import Schema, Sensitive
from data_schemas.errors import ContractError
from features.applications import Applications
from features.concepts import ConceptMatcher
from features.encoder import TextEncoder
from features.narrative import CleanText, clean, passages


@dataclass(frozen=True)
class Masked:
    """Applications whose narratives lack what was cut.

    kinds: for each row, the kinds that something was cut for. sentences: how many were cut, by kind; one that tells of
    two kinds counts for both.
    """

    applications: Applications
    kinds: tuple[frozenset[Sensitive], ...]
    sentences: Mapping[Sensitive, int]


@dataclass(frozen=True)
class Mask:
    """Cuts the sentences that tell of some kinds of private life, found by the schema's concepts and their words.

    A sentence is read by itself, so a narrative's neighbours do not hide it; that costs about as much as reading the
    narratives does. A narrative of which nothing is left counts as not written.
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
        nothing = tuple(frozenset[Sensitive]() for _ in range(len(applications)))
        if not self.kinds:
            return Masked(applications, nothing, {})
        frame, kinds, counts = applications.frame.copy(), list(nothing), Counter[Sensitive]()
        names = [field.name for field in applications.schema.narratives]
        raws = sorted({raw for name in names for raw in applications.narrative(name) if raw})
        cuts = dict(zip(raws, self._cut(raws, applications.schema), strict=True))
        for name in names:
            column = applications.narrative(name)
            for row, raw in enumerate(column):
                if raw and (told := cuts[raw][1]):
                    kinds[row] |= set(told)
                    counts.update(told)
            frame[name] = pd.Series([cuts[raw][0] if raw else "" for raw in column], dtype=object)
        sentences = {kind: counts[kind] for kind in self.kinds}
        return Masked(Applications(applications.schema, frame, applications.row_number), tuple(kinds), sentences)

    def _cut(self, raws: Sequence[str], schema: Schema) -> list[tuple[str, list[Sensitive]]]:
        """What is left of each raw text, and the kinds of each sentence that was cut."""
        cleaned = [clean(raw, schema.strip) for raw in raws]
        spans = [passages(one.text) for one in cleaned]
        texts = sorted({one.text[a:b].strip() for one, own in zip(cleaned, spans, strict=True) for a, b in own})
        told = {
            text: [kind for kind in self.kinds if kind in found]
            for text, found in zip(texts, self.matcher.match_texts(texts).sensitive, strict=True)
        }
        left = []
        for raw, one, own in zip(raws, cleaned, spans, strict=True):
            bad = [(a, b, told[one.text[a:b].strip()]) for a, b in own]
            gone = [(a, b) for a, b, kinds in bad if kinds]
            left.append((_without(raw, one, gone), [kind for _, _, kinds in bad for kind in kinds]))
        return left


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
