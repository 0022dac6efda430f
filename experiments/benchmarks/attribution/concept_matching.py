"""How well sentences get the concept that they are about, with the shipped set of concepts and the embedded encoder.

    python -m experiments.benchmarks.attribution.concept_matching --schema lending_club --data applications.csv.gz

The sentences beside this file are invented, and none is a statement of the set. They are matched twice: read alone, and
amid others, in narratives of 3 to 6 sentences drawn at random, which is harder than life because real narratives keep
to their subject. Ways of measuring nearness and thresholds are compared on the tuning half; the test half, which was
written after the statements, is judged with the thresholds that the first half favours. A match is
right when it is the very concept; precision counts twice as much as recall in the choice (F0.5), because a wrong
reason is worse than none.

With ``--schema`` and ``--data``, real narratives are matched too: how many sentences each concept gets, and how often
the match amid neighbours is the one that the sentence would get alone. No text is printed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from scipy import sparse

from data_schemas.concepts import Concept, Sensitive
from data_schemas.contract import Schema
from data_schemas.reader import load_schema
from experiments.benchmarks.measuring import markdown, parser, publish, tell
from features.arrays import Floats, Ints
from features.encoders.opening import open_encoder
from features.encoders.source_files import EMBEDDED
from features.encoders.vectors import TextEncoder
from features.narratives.concepts import (
    NO_CONCEPT,
    THRESHOLD_ALONE,
    THRESHOLD_IN_CONTEXT,
    ConceptMatcher,
    kinds_by_words,
    remove_context,
)
from features.narratives.reader import TextReader
from features.narratives.sentences import SentenceBlock
from features.tables.reader import ReadOptions, read_all
from fusion.bundle import load
from fusion.text_encoder import bundle_encoder

SENTENCES = Path(__file__).with_name("concept_sentences.json")
HALVES = ("tuning", "test")
GRID = np.arange(0.10, 0.80, 0.01)
PRECISION_WEIGHT = 0.5  # beta of the F score


@dataclass(frozen=True)
class Quality:
    """How well concepts were found.

    Attributes:
        accuracy: Of all sentences, "none" for those about nothing being right too.
    """

    threshold: float
    precision: float
    recall: float
    f1: float
    f_half: float
    accuracy: float
    nearest: float  # share of the sentences about something whose nearest concept is the right one

    def cells(self) -> list[str]:
        """For a row of a table."""
        figures = (self.precision, self.recall, self.f1, self.f_half, self.accuracy, self.nearest)
        return [f"{self.threshold:.2f}", *(f"{figure:.3f}" for figure in figures)]


COLUMNS = ("threshold", "precision", "recall", "F1", "F0.5", "accuracy", "nearest is right")


def quality(near: Floats, truth: Ints, threshold: float) -> Quality:
    """Figures of one threshold. near: (n, n_concepts). truth: int64 (n,), ``NO_CONCEPT`` where none is meant."""
    nearest, best = near.argmax(axis=1), near.max(axis=1)
    found = np.where(best >= threshold, nearest, NO_CONCEPT)
    right = int(((found == truth) & (found != NO_CONCEPT)).sum())
    n_found, n_true = int((found != NO_CONCEPT).sum()), int((truth != NO_CONCEPT).sum())
    precision, recall = right / max(n_found, 1), right / max(n_true, 1)
    accuracy, agrees = float((found == truth).mean()), float((nearest == truth)[truth != NO_CONCEPT].mean())
    f1, f_half = f_score(precision, recall, 1.0), f_score(precision, recall, PRECISION_WEIGHT)
    return Quality(threshold, precision, recall, f1, f_half, accuracy, agrees)


def f_score(precision: float, recall: float, beta: float) -> float:
    """Weighted harmonic mean; recall counts ``beta`` times as much as precision."""
    total = beta**2 * precision + recall
    return (1.0 + beta**2) * precision * recall / total if total else 0.0


def best_threshold(near: Floats, truth: Ints) -> float:
    """The threshold of ``GRID`` with the highest F0.5."""
    return float(max(GRID, key=lambda threshold: quality(near, truth, float(threshold)).f_half))


def load_sentences(half: str, set_of: Sequence[Concept]) -> tuple[list[str], Ints]:
    """The sentences of one half, and the place of each one's concept."""
    place = {concept.name: k for k, concept in enumerate(set_of)} | {"none": NO_CONCEPT}
    labelled = json.loads(SENTENCES.read_text(encoding="utf-8"))[half]
    pairs = [(sentence, place[name]) for name, own in labelled.items() for sentence in own]
    return [sentence for sentence, _ in pairs], np.array([k for _, k in pairs], np.int64)


def narratives_of(sentences: Sequence[str], encoder: TextEncoder, seed: int = 0) -> tuple[SentenceBlock, Ints]:
    """Narratives of 3 to 6 of the sentences in random order, four times over; the sentence at each place."""
    rng = np.random.default_rng(seed)
    order = np.concatenate([rng.permutation(len(sentences)) for _ in range(4)])
    sizes = rng.integers(3, 7, size=len(order))
    ends = np.cumsum(sizes)
    ends = ends[ends <= len(order)]
    order = order[: ends[-1]]
    texts, spans, begin = [], [], 0
    for end in ends.tolist():
        parts = [_stopped(sentences[i]) for i in order[begin:end]]
        stops = np.cumsum([len(part) for part in parts]).tolist()
        texts.append("".join(parts))
        spans.append(list(zip([0, *stops[:-1]], stops, strict=True)))
        begin = end
    read = encoder.encode_parts(texts, spans)
    row = np.repeat(np.arange(len(texts)), np.diff(read.bounds))
    words = sparse.csr_matrix(np.zeros((len(order), 1), np.float32))
    cut = tuple(text[a:b] for text, own in zip(texts, spans, strict=True) for a, b in own)
    return SentenceBlock(cut, row, np.zeros_like(row), read.parts, read.share, words), order


def _stopped(sentence: str) -> str:
    return sentence + (" " if sentence[-1] in ".!?:" else ". ")


WAYS = ("nearest statement", "mean of nearest 2", "mean of nearest 3", "middle", "nearest 3 and middle")


def nearness_by(way: str, x: Floats, statements: Floats, starts: Ints) -> Floats:
    """Nearness (n, n_concepts) of vectors to concepts, measured one of these ways."""
    unit = _unit(x)
    near = np.zeros((len(x), len(starts) - 1))
    for k in range(len(starts) - 1):
        own = statements[starts[k] : starts[k + 1]]
        cosine = np.sort(unit @ own.T, axis=1)[:, ::-1]
        middle = unit @ _unit(own.mean(axis=0, keepdims=True))[0]
        n_nearest = {"nearest statement": 1, "mean of nearest 2": 2}.get(way, 3)
        nearest = cosine[:, :n_nearest].mean(axis=1)
        near[:, k] = {"middle": middle, "nearest 3 and middle": (nearest + middle) / 2.0}.get(way, nearest)
    return near


def _unit(x: Floats) -> Floats:
    unit: Floats = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
    return unit


def compare_ways(set_of: tuple[Concept, ...], encoder: TextEncoder) -> list[list[str]]:
    """Each way, raw and centred, on the tuning half read alone: the row of its best threshold."""
    sentences, truth = load_sentences("tuning", set_of)
    x = encoder.encode(sentences).astype(np.float64)
    says = encoder.encode([statement for concept in set_of for statement in concept.statements]).astype(np.float64)
    starts = np.concatenate([[0], np.cumsum([len(concept.statements) for concept in set_of])]).astype(np.int64)
    rows = []
    for centred in (False, True):
        centre = says.mean(axis=0) * centred
        for way in WAYS:
            near = nearness_by(way, x - centre, _unit(says - centre), starts)
            found = quality(near, truth, best_threshold(near, truth))
            rows.append([way, "yes" if centred else "no", *found.cells()])
    return rows


def compare_neighbours(matcher: ConceptMatcher) -> list[list[str]]:
    """Parts of the rest of the narrative taken out, on the tuning half read amid neighbours."""
    sentences, truth = load_sentences("tuning", matcher.concepts)
    block, order = narratives_of(sentences, matcher.encoder)
    rows = []
    for part in (0.0, 0.25, 0.5, 0.75, 1.0):
        apart, _ = remove_context(block, matcher.centre, part)
        near = matcher.concept_similarity(apart)
        rows.append([f"{part:.2f}", *quality(near, truth[order], best_threshold(near, truth[order])).cells()])
    return rows


def shipped_similarity(matcher: ConceptMatcher, centred: Floats) -> Floats:
    """Similarity to each concept, -1 for a sentence that is nearer to the neutral ones."""
    near = matcher.concept_similarity(centred)
    near[matcher.neutral.similarity(centred).max(axis=1) >= near.max(axis=1)] = -1.0
    return near


def shipped(matcher: ConceptMatcher) -> list[list[str]]:
    """The method as shipped, on both halves, alone and amid neighbours, at its own thresholds."""
    rows = []
    for half in HALVES:
        sentences, truth = load_sentences(half, matcher.concepts)
        alone = matcher.encoder.encode(sentences).astype(np.float64) - matcher.centre
        rows.append([half, "alone", *quality(shipped_similarity(matcher, alone), truth, THRESHOLD_ALONE).cells()])
        block, order = narratives_of(sentences, matcher.encoder)
        amid = shipped_similarity(matcher, matcher.remove_context(block)[0])
        rows.append([half, "amid neighbours", *quality(amid, truth[order], THRESHOLD_IN_CONTEXT).cells()])
    return rows


def by_threshold(matcher: ConceptMatcher) -> list[list[str]]:
    """The method as shipped on the test half, at other thresholds, alone and amid neighbours."""
    sentences, truth = load_sentences("test", matcher.concepts)
    alone = shipped_similarity(matcher, matcher.encoder.encode(sentences).astype(np.float64) - matcher.centre)
    block, order = narratives_of(sentences, matcher.encoder)
    amid = shipped_similarity(matcher, matcher.remove_context(block)[0])
    steps = [float(threshold) for threshold in np.arange(0.20, 0.51, 0.05)]
    rows = [["alone", *quality(alone, truth, threshold).cells()] for threshold in steps]
    return rows + [["amid neighbours", *quality(amid, truth[order], threshold).cells()] for threshold in steps]


def kinds(matcher: ConceptMatcher) -> list[list[str]]:
    """How many test sentences of each sensitive kind are flagged with it, by words alone and by words and encoder;
    and how many of the other sentences are."""
    sentences, truth = load_sentences("test", matcher.concepts)
    by_word = kinds_by_words(matcher.concepts, sentences)
    by_both = matcher.match_texts(sentences).sensitive
    rows = []
    for kind in Sensitive:
        own = np.array([k != NO_CONCEPT and matcher.concepts[k].sensitive == kind for k in truth])
        worded, both = (np.array([kind in found for found in each]) for each in (by_word, by_both))
        counts = [own.sum(), (worded & own).sum(), (both & own).sum(), (~own).sum(), (both & ~own).sum()]
        rows.append([kind.value, *map(str, counts)])
    return rows


@dataclass(frozen=True)
class Life:
    """Real narratives to match: so many applications, drawn at random, decided up to a day."""

    schema: Schema
    data: Path
    until: date | None
    rows: int


def in_life(matcher: ConceptMatcher, options: Life) -> tuple[list[list[str]], str]:
    """The share of the sentences of real narratives that each concept gets, amid neighbours and alone."""
    read = read_all([options.data], options.schema, ReadOptions(need_target=True)).applications
    dates = read.decision_date()
    if options.until and dates is not None:
        read = read.take(np.asarray(dates <= np.datetime64(options.until, "s")))
    read = read.take(np.sort(np.random.default_rng(0).permutation(len(read))[: options.rows]))
    tell(f"reading the narratives of {len(read):,} applications")
    _, block = TextReader(options.schema, matcher.encoder, 16, 1).read_sentences(read)
    amid, alone = matcher.match(block).concept, matcher.match_texts([text.strip() for text in block.text]).concept
    columns = [field.name for field in options.schema.narratives]
    main = block.narrative == np.bincount(block.narrative, minlength=1).argmax()
    names = [*(concept.name for concept in matcher.concepts), "none"]
    order = [*range(len(matcher.concepts)), NO_CONCEPT]
    rows = [[names[k], f"{(amid[main] == k).mean():.1%}", f"{(alone[main] == k).mean():.1%}"] for k in order]
    both = main & (amid != NO_CONCEPT) & (alone != NO_CONCEPT)
    note = (
        f"{int(main.sum()):,} sentences of {columns[int(block.narrative[main][0])]!r}; where both ways match, they "
        f"name the same concept for {(amid == alone)[both].mean():.1%}; they agree, none included, for "
        f"{(amid == alone)[main].mean():.1%}"
    )
    return rows, note


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; see the module's text."""
    command = parser(__doc__ or "")
    command.add_argument("--schema", help="schema of real applications, to match their narratives too")
    command.add_argument("--data", type=Path, help="those applications, CSV, gzipped CSV or Parquet")
    command.add_argument("--until", type=date.fromisoformat, help="last day of decision")
    command.add_argument("--rows", type=int, default=2000, help="how many applications (default: %(default)s)")
    command.add_argument("--pooling", choices=("tokens", "words"), default="tokens", help="of the encoder")
    command.add_argument("--encoder", default=EMBEDDED, help="embedded, or an encoder's folder")
    command.add_argument("--model", type=Path, help="read as this bundle does, whose encoder may be tuned")
    options = command.parse_args(arguments)
    encoder: TextEncoder = open_encoder(options.encoder, pooling=options.pooling)
    if options.model is not None:
        encoder = bundle_encoder(load(options.model)).text_encoder
    set_of = load_schema("demo").concepts
    matcher = ConceptMatcher.open(set_of, encoder)
    life = Life(load_schema(options.schema), options.data, options.until, options.rows) if options.data else None
    tell(f"{len(set_of)} concepts, {len(matcher.groups.statements)} statements")
    tables = {
        "Ways of measuring nearness, tuning half, alone": (("way", "centred", *COLUMNS), compare_ways(set_of, encoder)),
        "Part of the rest taken out, tuning half, amid neighbours": (("part", *COLUMNS), compare_neighbours(matcher)),
        "As shipped": (("half", "read", *COLUMNS), shipped(matcher)),
        "By threshold, test half": (("read", *COLUMNS), by_threshold(matcher)),
        "Sensitive kinds, test half, alone": (
            ("kind", "sentences of it", "flagged by words", "flagged in all", "other sentences", "flagged too"),
            kinds(matcher),
        ),
    }
    notes = {}
    if life is not None:
        rows, notes["agreement"] = in_life(matcher, life)
        tables["Real narratives"] = (("concept", "amid neighbours", "alone"), rows)
    found = {name: [dict(zip(head, row, strict=True)) for row in rows] for name, (head, rows) in tables.items()}
    text = "\n\n".join(f"{name}\n\n{markdown(head, rows)}" for name, (head, rows) in tables.items())
    publish({**found, **notes}, "\n\n".join([text, *notes.values()]), options.json)


if __name__ == "__main__":
    main()
