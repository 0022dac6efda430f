"""What a watch of opinion learns once, before its first period, and keeps: topics, and how the encoder's vectors tell
of a mood.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from data_schemas.contract import Schema
from features.arrays import Floats32, Ints
from features.encoders.encoder import TextEncoder
from features.narratives.reader import clean_narrative
from features.narratives.sentiment import Sentiment, learn_sentiment
from fusion.watch.opinion import OpinionPart, narratives_read, vectors_of_rows
from fusion.watch.part import Batch
from fusion.watch.sampling import hashed_ids
from fusion.watch.topics import MOST_TEXTS, Topics, learn_topics, topics_from_json, topics_to_json


@dataclass(frozen=True)
class LearnedOpinion:
    """What is learned once.

    Attributes:
        topics: of the first texts.
        sentiment: of the encoder's vectors.
    """

    topics: Topics
    sentiment: Sentiment

    def part(self, schema: Schema, volume: bool = False) -> OpinionPart:
        """The part that watches with it; volume: whether it watches the number of rows too."""
        return OpinionPart(narratives_read(schema), self.topics, self.sentiment, volume)

    def to_json(self) -> dict[str, object]:
        """As plain data; ``from_json`` gives the same bits again."""
        return {"topics": topics_to_json(self.topics), "sentiment": self.sentiment.to_json()}

    @staticmethod
    def from_json(content: Mapping[str, object]) -> LearnedOpinion:
        """What ``to_json`` gave."""
        return LearnedOpinion(topics_from_json(content["topics"]), Sentiment.from_json(content["sentiment"]))


def learn_opinion(schema: Schema, batches: Iterable[Batch], encoder: TextEncoder) -> LearnedOpinion:
    """Learn from rows of these batches, the same from whatever batches they come in.

    Topics are learned from ``MOST_TEXTS`` of them, drawn by a hash of their ids.
    """
    read = narratives_read(schema)
    names = [field.name for field, own in zip(schema.narratives, read, strict=True) if own]
    sample = _Sample.none(encoder.dim)
    for batch in batches:
        vectors, written = vectors_of_rows(batch.text, read)
        rows = np.flatnonzero(written)
        applications = batch.applications.take(rows)
        columns = [clean_narrative(applications, name) for name in names]
        texts = tuple("\n".join(own) for own in zip(*columns, strict=True)) if columns else ()
        sample = sample.with_others(_Sample(hashed_ids(applications.ids), vectors[rows], texts))
    return LearnedOpinion(learn_topics(sample.vectors, sample.texts), learn_sentiment(encoder))


@dataclass(frozen=True)
class _Sample:
    """Texts drawn at random.

    Attributes:
        key: int64 (n,), hash of each row, rising.
        vectors: float32 (n, dim).
        texts: as they are read.
    """

    key: Ints
    vectors: Floats32
    texts: tuple[str, ...]

    @staticmethod
    def none(dim: int) -> _Sample:
        return _Sample(np.zeros(0, np.int64), np.zeros((0, dim), np.float32), ())

    def with_others(self, others: _Sample) -> _Sample:
        """The ``MOST_TEXTS`` of both with the lowest keys."""
        key, texts = np.concatenate([self.key, others.key]), self.texts + others.texts
        order = np.argsort(key, kind="stable")[:MOST_TEXTS]
        vectors = np.concatenate([self.vectors, others.vectors])[order]
        return _Sample(key[order], vectors, tuple(texts[at] for at in order.tolist()))
