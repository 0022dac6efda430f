"""How many sentences of real narratives match a concept, column by column, and how many matches are right by style.

    python -m experiments.benchmarks.attribution.concept_shares --schema lending_club --data DATA --until 2010-12-31
    python -m experiments.benchmarks.attribution.concept_shares --sets FOLDER --only complaints,crowdfunding

Every folder below ``--sets`` holds a set: ``set.schema.json`` and ``train.csv``. A schema without concepts is matched
to those of ``consumer_lending``. Labels (``"concepts": false``) match none, as in an explanation. Concepts are found by
the encoder alone; words reveal only kinds of private life, which are counted beside them. No text is printed.

Right or wrong is counted on the invented texts of ``concept_styles.json``, read alone, in five styles: loan titles, job
titles, campaign titles, complaints and applications. Its test half serves for measuring only.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np

from data_schemas.concepts import Concept
from data_schemas.contract import Schema
from data_schemas.errors import ContractError
from data_schemas.reader import load_schema
from experiments.benchmarks.measuring import markdown, parser, publish, tell
from features.encoders.opening import open_encoder
from features.encoders.source_files import EMBEDDED
from features.narratives.concepts import NO_CONCEPT, ConceptMatcher, ConceptMatches, kinds_by_words
from features.narratives.reader import TextReader
from features.tables.reader import ReadOptions, read_all

STYLES = Path(__file__).with_name("concept_styles.json")
HALVES = ("tuning", "test")
TOP = 10
ALL = "all"


@dataclass(frozen=True)
class StyleQuality:
    """How well the texts of one style are matched.

    Attributes:
        half: "tuning" or "test".
        style: such as "job titles", or "all".
        texts: how many.
        matched: how many match a concept.
        right: how many match their very concept.
        about_one: how many are about a concept.
    """

    half: str
    style: str
    texts: int
    matched: int
    right: int
    about_one: int

    @property
    def precision(self) -> float:
        """Of the matched texts, how many are right; 1 where none is matched."""
        return self.right / self.matched if self.matched else 1.0

    @property
    def recall(self) -> float:
        """Of the texts that are about a concept, how many match it; 1 where none is about one."""
        return self.right / self.about_one if self.about_one else 1.0


@dataclass(frozen=True)
class ColumnShares:
    """How many sentences of one narrative column match.

    Attributes:
        data: the file or set.
        column: the narrative's name.
        sentences: how many.
        distinct: how many different ones.
        matched: share of the sentences that match a concept.
        distinct_matched: share of the different ones that match a concept wherever they first occur.
        private_by_words: sentences that words show to be of a private kind.
        private_by_encoder: those that only the encoder does.
        top: the concepts that match most, with their share of the sentences.
    """

    data: str
    column: str
    sentences: int
    distinct: int
    matched: float
    distinct_matched: float
    private_by_words: int
    private_by_encoder: int
    top: tuple[tuple[str, float], ...]

    def cells(self) -> list[str]:
        """For a row of a table."""
        counts = [f"{self.sentences:,}", f"{self.distinct:,}", f"{self.matched:.1%}", f"{self.distinct_matched:.1%}"]
        return [self.data, self.column, *counts, f"{self.private_by_words:,}", f"{self.private_by_encoder:,}"]


@dataclass(frozen=True)
class Drawn:
    """Which applications are read: so many at random, decided up to a day."""

    rows: int
    until: date | None


def style_texts(half: str) -> list[tuple[str, str, str]]:
    """Style, name of the concept ("none" for none) and text of each invented text of one half."""
    styles = json.loads(STYLES.read_text(encoding="utf-8"))[half]
    return [(style, name, text) for style, named in styles.items() for name, own in named.items() for text in own]


def style_quality(matcher: ConceptMatcher, half: str) -> list[StyleQuality]:
    """The quality of each style of one half, then of all of them together."""
    labelled = style_texts(half)
    place = {concept.name: k for k, concept in enumerate(matcher.concepts)} | {"none": NO_CONCEPT}
    truth = np.array([place[name] for _, name, _ in labelled])
    found = matcher.match_texts([text for _, _, text in labelled]).concept
    style_of = np.array([style for style, _, _ in labelled])
    qualities = []
    for style in [*dict.fromkeys(style_of.tolist()), ALL]:
        own = (style_of == style) | (style == ALL)
        matched, about_one = found[own] != NO_CONCEPT, truth[own] != NO_CONCEPT
        right = int((matched & (found[own] == truth[own])).sum())
        qualities.append(StyleQuality(half, style, int(own.sum()), int(matched.sum()), right, int(about_one.sum())))
    return qualities


def column_shares(
    data: str, column: str, texts: Sequence[str], matches: ConceptMatches, set_of: Sequence[Concept]
) -> ColumnShares:
    """Count the matches of the sentences of one column."""
    matched = matches.concept != NO_CONCEPT
    first = {text.strip(): i for i, text in reversed(list(enumerate(texts)))}
    worded = np.array([bool(kinds) for kinds in kinds_by_words(set_of, texts)], dtype=np.bool_)
    private = np.array([bool(kinds) for kinds in matches.sensitive], dtype=np.bool_)
    counts = Counter(matches.concept[matched].tolist()).most_common(TOP)
    return ColumnShares(
        data,
        column,
        len(texts),
        len(first),
        float(matched.mean()) if len(texts) else 0.0,
        float(matched[list(first.values())].mean()) if first else 0.0,
        int(worded.sum()),
        int((private & ~worded).sum()),
        tuple((set_of[k].name, count / len(texts)) for k, count in counts),
    )


def file_shares(matcher: ConceptMatcher, name: str, schema: Schema, data: Path, drawn: Drawn) -> list[ColumnShares]:
    """The shares of every narrative column of one file."""
    read = read_all([data], schema, ReadOptions()).applications
    dates = read.decision_date()
    if drawn.until is not None and dates is not None:
        read = read.take(np.asarray(dates <= np.datetime64(drawn.until, "s")))
    read = read.take(np.sort(np.random.default_rng(0).permutation(len(read))[: drawn.rows]))
    tell(f"{name}: reading the narratives of {len(read):,} applications")
    _, block = TextReader(schema, matcher.encoder, 16, 1).read_sentences(read)
    labels = tuple(at for at, field in enumerate(schema.narratives) if not field.match_concepts)
    matches = replace(matcher, labels=labels).match(block)
    shares = []
    for at, field in enumerate(schema.narratives):
        own = np.flatnonzero(block.narrative == at)
        part = ConceptMatches(
            matches.concept[own], matches.similarity[own], tuple(matches.sensitive[i] for i in own.tolist())
        )
        shares.append(column_shares(name, field.name, [block.text[i] for i in own.tolist()], part, matcher.concepts))
    return shares


def sets_below(folder: Path, only: str | None) -> list[tuple[str, Schema, Path]]:
    """Name, schema and training rows of each set below a folder, or of those named; sets without a narrative are left
    out.

    Raises:
        ContractError: no set is there, or none of a name.
    """
    names = only.split(",") if only else sorted(path.parent.name for path in folder.glob("*/set.schema.json"))
    if not names:
        raise ContractError(f"{folder}: no folder in it holds set.schema.json", "Name the folder of the sets.")
    sets = [(name, load_schema(folder / name / "set.schema.json"), folder / name / "train.csv") for name in names]
    return [one for one in sets if one[1].narratives]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; see the module's text."""
    command = parser(__doc__ or "")
    command.add_argument("--schema", help="schema of real applications: a file or the name of a shipped one")
    command.add_argument("--data", type=Path, help="those applications, CSV, gzipped CSV or Parquet")
    command.add_argument("--sets", type=Path, help="folder of sets, each with set.schema.json and train.csv")
    command.add_argument("--only", help="names of sets, with commas (default: all)")
    command.add_argument("--until", type=date.fromisoformat, help="last day of decision")
    command.add_argument("--rows", type=int, default=1000, help="applications of a file (default: %(default)s)")
    command.add_argument("--encoder", default=EMBEDDED, help="embedded, or an encoder's folder")
    options = command.parse_args(arguments)
    if (options.schema is None) != (options.data is None):
        command.error("--schema and --data go together")
    files = [(options.data.name, load_schema(options.schema), options.data)] if options.data else []
    files += sets_below(options.sets, options.only) if options.sets else []
    encoder = open_encoder(options.encoder)
    shipped = ConceptMatcher.open(load_schema("demo").concepts, encoder)
    qualities = [quality for half in HALVES for quality in style_quality(shipped, half)]
    shares = []
    for name, schema, data in files:
        matcher = ConceptMatcher.open(schema.concepts, encoder) if schema.concepts else shipped
        shares += file_shares(matcher, name, schema, data, Drawn(options.rows, options.until))
    styles = [{**asdict(one), "precision": one.precision, "recall": one.recall} for one in qualities]
    found = {"styles": styles, "columns": [asdict(one) for one in shares]}
    publish(found, "\n\n".join(tables(qualities, shares)), options.json)


def tables(qualities: Sequence[StyleQuality], shares: Sequence[ColumnShares]) -> list[str]:
    """Markdown: the styles, the columns, and the concepts matched most in each column."""
    rows = [
        [
            one.half,
            one.style,
            *map(str, (one.texts, one.matched, one.right)),
            f"{one.precision:.3f}",
            f"{one.recall:.3f}",
        ]
        for one in qualities
    ]
    parts = [markdown(("half", "style", "texts", "matched", "right", "precision", "recall"), rows)]
    if shares:
        head = (
            *("data", "column", "sentences", "distinct", "matched", "of the distinct"),
            *("private by words", "only by the encoder"),
        )
        parts.append(markdown(head, [one.cells() for one in shares]))
        top = [
            [f"{one.data}, {one.column}", "; ".join(f"{name} {share:.1%}" for name, share in one.top)] for one in shares
        ]
        parts.append(markdown(("column", "matched most"), top))
    return parts


if __name__ == "__main__":
    main()
