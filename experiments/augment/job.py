"""Augmenting a sample of a file's narratives: what each kind replaces in them, counted, with examples."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from data_schemas.contract import Schema
from data_schemas.errors import ContractError
from experiments.session.layouts import note_layouts
from experiments.session.run import Run
from experiments.train.prepared import mask_narratives
from features.augmentation.settings import KINDS, Kind
from features.narratives.reader import clean_narrative
from features.tables.applications import Applications
from features.tables.reader import ReadOptions, read_all
from features.text.cleaning import Edit
from fusion.config import Config
from fusion.text_augmentation import narrative_augmenter
from fusion.text_encoder import open_text_encoder

DEFAULT: tuple[Kind, ...] = ("synonyms", "dropout")
N_EXAMPLES = 12
EXCERPT = 400  # characters of an example


@dataclass(frozen=True)
class Question:
    """What is augmented.

    Attributes:
        data: the files.
        kinds: how.
        most_rows: of more rows than this, so many are drawn at random.
    """

    data: tuple[Path, ...]
    kinds: tuple[Kind, ...]
    most_rows: int


@dataclass(frozen=True)
class Example:
    """A narrative, or a stretch of a long one, with what is replaced.

    Attributes:
        text: the stretch.
        edits: start, end and replacement of each edit in it.
    """

    text: str
    edits: tuple[Edit, ...]


@dataclass(frozen=True)
class KindCounts:
    """What a kind made of the narratives.

    Attributes:
        n_texts: distinct narratives.
        n_unchanged: those that it left as they are.
        n_words: words of all of them.
        n_replaced: words replaced; of a sentence translated, all.
        n_edits: places at which something was replaced.
        seconds: of work, without opening what the kind needs.
    """

    n_texts: int
    n_unchanged: int
    n_words: int
    n_replaced: int
    n_edits: int
    seconds: float


@dataclass(frozen=True)
class AugmentedKind:
    """One kind.

    Attributes:
        kind: its name.
        counts: what it did.
        examples: texts of applicants; they stand in the report and nowhere else.
    """

    kind: Kind
    counts: KindCounts
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class Augmented:
    """What is reported.

    Attributes:
        files: names of the files.
        product: the schema's title.
        rate: share of words replaced, as asked for.
        seed: of what was drawn.
        n_rows: rows of the files.
        rejected: those that broke the contract.
        n_read: those whose narratives were augmented.
        kinds: one by one.
    """

    files: tuple[str, ...]
    product: str
    rate: float
    seed: int
    n_rows: int
    rejected: pd.DataFrame
    n_read: int
    kinds: tuple[AugmentedKind, ...]

    def summary(self) -> dict[str, object]:
        """Counts without any text."""
        kinds = {
            one.kind: {
                "narratives": one.counts.n_texts,
                "unchanged": one.counts.n_unchanged,
                "words": one.counts.n_words,
                "replaced": one.counts.n_replaced,
                "seconds": round(one.counts.seconds, 3),
            }
            for one in self.kinds
        }
        return {"rows": self.n_rows, "rejected": len(self.rejected), "read": self.n_read, "kinds": kinds}


def kinds_of(names: Sequence[str]) -> tuple[Kind, ...]:
    """The kinds of these names, each once; raises ContractError for a name of none."""
    if unknown := [name for name in names if name not in KINDS]:
        raise ContractError(f"there is no kind of augmentation {unknown[0]!r}", f"The kinds are {', '.join(KINDS)}.")
    return tuple(kind for kind in KINDS if kind in names)


def augment_files(question: Question, schema: Schema, config: Config, options: ReadOptions, run: Run) -> Augmented:
    """One variant of each narrative of some rows, by each kind.

    Raises ContractError for files that do not fit the schema, hold no narrative, or a kind that lacks what it needs.
    """
    note_layouts(run, question.data, schema, options)
    with run.stage("read") as advance:
        read = read_all(question.data, schema, options)
        advance(read.n_rows)
    applications = _masked(_drawn(read.applications, question.most_rows, config.folds.seed), config, run)
    columns = [clean_narrative(applications, field.name) for field in schema.narratives]
    texts = list(dict.fromkeys(text for row in zip(*columns, strict=True) for text in row if text))
    if not texts:
        raise ContractError("there is no narrative to augment in these rows", "Give rows with narratives.")
    return Augmented(
        files=tuple(path.name for path in question.data),
        product=schema.title,
        rate=config.augment.rate,
        seed=config.folds.seed,
        n_rows=read.n_rows,
        rejected=read.rejects.frame,
        n_read=len(applications),
        kinds=tuple(_augmented(kind, texts, schema, config, run) for kind in question.kinds),
    )


def _augmented(kind: Kind, texts: Sequence[str], schema: Schema, config: Config, run: Run) -> AugmentedKind:
    one_kind = config.model_copy(update={"augment": config.augment.model_copy(update={"kinds": (kind,)})})
    with run.stage(kind.replace("_", " "), len(texts), "texts") as advance:
        augmenter = narrative_augmenter(schema, one_kind)
        assert augmenter is not None, "a kind is named"
        begin = time.perf_counter()
        edits = augmenter.edits(texts, 0)
        seconds = time.perf_counter() - begin
        advance(len(texts))
    counts = KindCounts(
        n_texts=len(texts),
        n_unchanged=sum(not own for own in edits),
        n_words=sum(len(text.split()) for text in texts),
        n_replaced=sum(len(text[a:b].split()) for text, own in zip(texts, edits, strict=True) for a, b, _ in own),
        n_edits=sum(map(len, edits)),
        seconds=seconds,
    )
    changed = [_excerpt(text, own) for text, own in zip(texts, edits, strict=True) if own]
    return AugmentedKind(kind, counts, tuple(changed[:N_EXAMPLES]))


def _excerpt(text: str, edits: Sequence[Edit]) -> Example:
    """The text, or of a long one the stretch from a little before the first edit on."""
    if len(text) <= EXCERPT:
        return Example(text, tuple(edits))
    first = text.rfind(" ", 0, max(0, min(edits[0][0], len(text) - EXCERPT) - EXCERPT // 8)) + 1
    last = max(text.rfind(" ", first, first + EXCERPT), edits[0][1])
    inside = ((a - first, b - first, new) for a, b, new in edits if b <= last)
    return Example(text[first:last], tuple(inside))


def _drawn(applications: Applications, most: int, seed: int) -> Applications:
    """All rows, or ``most`` of them drawn at random, in an order drawn at random."""
    random = np.random.Generator(np.random.PCG64(seed))
    return applications.take(random.permutation(len(applications))[:most])


def _masked(applications: Applications, config: Config, run: Run) -> Applications:
    """Without the sentences that the settings mask; the encoder, which finds them, is opened only then."""
    if not config.text.mask:
        return applications
    return mask_narratives(applications, config, open_text_encoder(config.encoder), run).applications
