"""What sentences are about: each is named after the concept whose statements the text encoder finds nearest.

A sentence is encoded within its narrative, so that its vector depends on its neighbours too; half of the mean vector of
the rest of the narrative is subtracted before it is compared (nothing, where the encoder reads each sentence alone).
Vectors are centred on the mean statement, because all texts of one trade resemble each other. The similarity to a
concept is the mean of two cosines: with its three nearest statements, averaged, and with the mean of all of them.
A sentence that is nearer to a group of neutral sentences (``features.narratives.neutral``) matches none.
``experiments/benchmarks/attribution/concept_matching.py`` measures these choices.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

import numpy as np
from scipy import sparse

from data_schemas.concepts import Concept, Sensitive
from features.arrays import Flags, Floats, Floats32, Ints
from features.encoders.by_sentence import encodes_by_sentence
from features.encoders.vectors import TextEncoder
from features.narratives.kind_words import KindWords
from features.narratives.neutral import neutral_groups
from features.narratives.sentences import SentenceBlock
from features.text.cleaning import MAX_PASSAGES, covering_sentences

NO_CONCEPT = -1
"""The place of a sentence that matches no concept."""

THRESHOLD_ALONE = 0.38
THRESHOLD_IN_CONTEXT = 0.32
"""The least nearness that is a match, of a sentence read by itself and of one read amid its neighbours."""

CONTEXT_SHARE = 0.5  # the part of the rest of the narrative that is taken out of a sentence's vector
N_NEAREST = 3  # statements of a concept that count
DECIMALS = 6  # far above the rounding of float64, so no match depends on how many sentences are matched at once
BLOCK_ROWS = 4096  # sentences compared at once: bounds memory


@dataclass(frozen=True)
class ConceptMatches:
    """The concepts of n sentences.

    Attributes:
        concept: int64 (n,), place among the concepts, ``NO_CONCEPT`` where none is near enough.
        similarity: float32 (n,), similarity to the nearest concept, from -1 to 1.
        sensitive: the kinds of private life that each sentence belongs to.
    """

    concept: Ints
    similarity: Floats32
    sensitive: tuple[frozenset[Sensitive], ...]


@dataclass(frozen=True)
class StatementGroups:
    """Statements in groups, such as those of each concept, to compare sentences with.

    Attributes:
        statements: float64 (n_statements, dim), centred vectors of length 1, group by group.
        starts: int64 (n_groups + 1,), where each group's statements begin.
        middles: float64 (n_groups, dim), mean of each group's statements, scaled to length 1.
    """

    statements: Floats
    starts: Ints
    middles: Floats

    @staticmethod
    def of(centred: Floats, sizes: Sequence[int]) -> StatementGroups:
        """Groups of these sizes of centred vectors (n_statements, dim)."""
        unit = _unit(centred)
        starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        middles = np.zeros((len(sizes), centred.shape[1]))
        for k, own in enumerate(_stretches(starts)):
            middles[k] = unit[own].mean(axis=0)
        return StatementGroups(unit, starts, _unit(middles))

    def similarity(self, centred: Floats) -> Floats:
        """Similarity of centred vectors (n, dim) to each group: float64 (n, n_groups), from -1 to 1."""
        near = np.zeros((len(centred), len(self.middles)))
        for at in range(0, len(centred), BLOCK_ROWS):
            x = _unit(centred[at : at + BLOCK_ROWS])
            cosine = self.statements @ x.T
            nearest = [_mean_of_best(cosine[own]) for own in _stretches(self.starts)]
            near[at : at + BLOCK_ROWS] = (np.array(nearest).T + x @ self.middles.T) / 2.0
        return np.round(near, DECIMALS)


@dataclass(frozen=True)
class ConceptMatcher:
    """Finds the concepts of sentences; made by ``open``.

    Attributes:
        concepts: what sentences are matched to.
        encoder: of statements and sentences.
        groups: the statements of each concept.
        neutral: sentences about none of them, ``neutral_groups``.
        centre: float64 (dim,), mean of the statements of all concepts.
        labels: places of the narrative columns that hold labels (``Field.match_concepts``): their sentences match no
            concept, and only words reveal their kinds of private life.
    """

    concepts: tuple[Concept, ...]
    encoder: TextEncoder
    groups: StatementGroups
    neutral: StatementGroups
    centre: Floats
    labels: tuple[int, ...] = ()

    @staticmethod
    def open(concepts: tuple[Concept, ...], encoder: TextEncoder, labels: Sequence[int] = ()) -> ConceptMatcher:
        """Encode the statements of the concepts; without a concept no sentence matches."""
        statements = [statement for concept in concepts for statement in concept.statements]
        neutral = neutral_groups() if concepts else ()
        texts = [*statements, *(sentence for group in neutral for sentence in group)]
        vectors = encoder.encode(texts).astype(np.float64).reshape(len(texts), encoder.dim)
        own, others = vectors[: len(statements)], vectors[len(statements) :]
        centre = own.mean(axis=0) if statements else np.zeros(encoder.dim)
        groups = StatementGroups.of(own - centre, [len(concept.statements) for concept in concepts])
        apart = StatementGroups.of(others - centre, [len(group) for group in neutral])
        return ConceptMatcher(concepts, encoder, groups, apart, centre, tuple(labels))

    def match(self, block: SentenceBlock) -> ConceptMatches:
        """Concepts of sentences, from vectors that are known already.

        Passages that were joined of several sentences are encoded sentence by sentence as well, because a private
        sentence could go unnoticed among the others.
        """
        apart, amid = self.remove_context(block)
        label = np.isin(block.narrative, self.labels)
        least = np.where(label, np.inf, np.where(amid, THRESHOLD_IN_CONTEXT, THRESHOLD_ALONE))
        found = self._matches(apart, least, block.text)
        if not any(one.sensitive for one in self.concepts):
            return found
        joined = {at: own for at, own in joined_sentences(block).items() if not label[at]}
        sentences = sorted({sentence for own in joined.values() for sentence in own})
        alone = dict(zip(sentences, self.match_texts(sentences).sensitive, strict=True)) if sentences else {}
        sensitive = list(found.sensitive)
        for at, own in joined.items():
            sensitive[at] = sensitive[at].union(*(alone[sentence] for sentence in own))
        return replace(found, sensitive=tuple(sensitive))

    def match_texts(self, texts: Sequence[str]) -> ConceptMatches:
        """Concepts of sentences that are encoded each by itself: more reliable, at the cost of encoding them."""
        vectors = self.encoder.encode(texts).astype(np.float64).reshape(len(texts), self.encoder.dim)
        return self._matches(vectors - self.centre, np.full(len(texts), THRESHOLD_ALONE), texts)

    def remove_context(self, block: SentenceBlock) -> tuple[Floats, Flags]:
        """Vectors of sentences less ``centre`` and less the context that the encoder mixed into them.

        Returns float64 (n, dim), and bool (n,): whether a sentence has such a context.
        """
        if encodes_by_sentence(self.encoder):
            return block.x_sentence.astype(np.float64) - self.centre, np.zeros(len(block), np.bool_)
        return remove_context(block, self.centre)

    def concept_similarity(self, centred: Floats) -> Floats:
        """Similarity of centred vectors (n, dim) to each concept: float64 (n, n_concepts), from -1 to 1."""
        return self.groups.similarity(centred)

    def _matches(self, centred: Floats, least: Floats, texts: Sequence[str]) -> ConceptMatches:
        if not self.concepts:
            none = np.full(len(texts), NO_CONCEPT, dtype=np.int64)
            return ConceptMatches(none, np.zeros(len(texts), np.float32), (frozenset(),) * len(texts))
        near = self.concept_similarity(centred)
        similarity = near.max(axis=1, initial=-1.0)
        about_one = (similarity >= least) & (similarity > self.neutral.similarity(centred).max(axis=1, initial=-1.0))
        concept = np.where(about_one, near.argmax(axis=1), NO_CONCEPT).astype(np.int64)
        kinds = kinds_by_words(self.concepts, texts)
        for k, one in enumerate(self.concepts):
            if one.sensitive:
                for i in np.flatnonzero(near[:, k] >= least):
                    kinds[i] = kinds[i] | {one.sensitive}
        return ConceptMatches(concept, similarity.astype(np.float32), tuple(kinds))


def remove_context(block: SentenceBlock, centre: Floats, part: float = CONTEXT_SHARE) -> tuple[Floats, Flags]:
    """Vectors of sentences less the centre and less the share ``part`` of the mean of the narrative's other tokens.

    Returns float64 (n, dim), zero for a sentence without a token, and bool (n,): whether there are other tokens.
    """
    x, share = block.x_sentence.astype(np.float64), block.share.astype(np.float64)[:, None]
    bounds = block.bounds()
    centred = x - centre
    if not len(block):
        return centred, np.zeros(0, np.bool_)
    narrative = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
    amid = (np.diff(bounds) > 1)[narrative]
    total = sparse.csr_matrix((np.ones(len(block)), np.arange(len(block)), bounds))  # sums over each narrative
    left = np.asarray(total @ share)[narrative] - share
    amid &= left[:, 0] > 0.0
    others = np.asarray(total @ (share * centred))[narrative] - share * centred
    rest = np.divide(others, left, where=amid[:, None], out=np.zeros_like(x))
    return np.where(share > 0.0, centred - part * rest, 0.0), amid


def joined_sentences(block: SentenceBlock) -> dict[int, list[str]]:
    """The sentences of every passage that was joined of several, by its place among the block's."""
    bounds = block.bounds()
    found = {}
    for narrative in np.flatnonzero(np.diff(bounds) == MAX_PASSAGES):  # no other was joined
        for at in range(bounds[narrative], bounds[narrative + 1]):
            text = block.text[at]
            if len(spans := covering_sentences(text)) > 1:
                found[at] = [text[a:b].strip() for a, b in spans]
    return found


def kinds_by_words(concepts: Iterable[Concept], texts: Sequence[str]) -> list[frozenset[Sensitive]]:
    """The kinds of private life whose words each text holds, without an encoder."""
    return _kind_words(tuple((one.sensitive, word) for one in concepts if one.sensitive for word in one.words)).kinds(
        texts
    )


@lru_cache(maxsize=8)
def _kind_words(words: tuple[tuple[Sensitive, str], ...]) -> KindWords:
    return KindWords.of(words)


def _mean_of_best(cosine: Floats) -> Floats:
    """float64 (n_columns,): mean of the ``N_NEAREST`` largest values of each column, or of all if there are fewer."""
    best = np.full((min(N_NEAREST, len(cosine)), cosine.shape[1]), -np.inf)
    for row in cosine:
        for place in best:
            row, place[:] = np.minimum(row, place), np.maximum(row, place)
    mean: Floats = best.mean(axis=0)
    return mean


def _stretches(starts: Ints) -> list[slice]:
    return [slice(int(a), int(b)) for a, b in pairwise(starts)]


def _unit(vectors: Floats) -> Floats:
    """Rows of length 1; a row of zeros stays one."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Floats = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0.0)
    return unit
