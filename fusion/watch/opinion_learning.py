"""What a watch of opinion learns once, before its first period, and keeps: topics, and how the encoder's vectors tell
of a mood.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from data_schemas.contract import Schema
from features.design import TextBlock
from features.encoders.vectors import TextEncoder
from features.narratives.reader import clean_narrative
from features.narratives.sentiment import Sentiment, learn_sentiment
from features.tables.applications import Applications
from fusion.watch.opinion import narratives_read, vectors_of_rows
from fusion.watch.topics import Topics, learn_topics, topics_from_json, topics_to_json


@dataclass(frozen=True)
class LearnedOpinion:
    """What is learned once.

    Attributes:
        topics: of the first texts.
        sentiment: of the encoder's vectors.
    """

    topics: Topics
    sentiment: Sentiment

    def to_json(self) -> dict[str, object]:
        """As plain data; ``from_json`` gives the same bits again."""
        return {"topics": topics_to_json(self.topics), "sentiment": self.sentiment.to_json()}

    @staticmethod
    def from_json(content: Mapping[str, object]) -> LearnedOpinion:
        """What ``to_json`` gave."""
        return LearnedOpinion(topics_from_json(content["topics"]), Sentiment.from_json(content["sentiment"]))


def learn_opinion(
    parts: Iterable[tuple[Applications, TextBlock]], schema: Schema, encoder: TextEncoder
) -> LearnedOpinion:
    """Learn from rows, and their narratives as this encoder reads them."""
    read = narratives_read(schema)
    names = [field.name for field, own in zip(schema.narratives, read, strict=True) if own]
    vectors, texts = [np.zeros((0, encoder.dim), np.float32)], list[str]()
    for applications, text in parts:
        own, written = vectors_of_rows(text, read)
        columns = [clean_narrative(applications, name) for name in names]
        joined = ["\n".join(cells) for cells in zip(*columns, strict=True)]
        vectors.append(own[written])
        texts += [one for one, there in zip(joined, written.tolist(), strict=True) if there]
    return LearnedOpinion(learn_topics(np.concatenate(vectors), texts), learn_sentiment(encoder))
