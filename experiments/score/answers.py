"""What every application is answered: its score and, where they are asked for, the reasons behind it.

Reasons come from the pass over the model that gives the score too, some rows at a time: vectors of sentences are large.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from data_schemas.contract import Reason, Sensitive
from experiments.score.resumable_output import OutputColumn
from experiments.session.run import Run
from features.arrays import Floats
from features.design import Design
from features.encoders.encoder import TextEncoder
from features.narratives.concepts import ConceptMatcher, ConceptMatches
from features.narratives.sentences import SentenceBlock
from fusion.bundle import Bundle
from fusion.explain.attribution import Explainer, ModelReading
from fusion.explain.explanation import Explanation, to_points
from fusion.explain.reasons import ReasonBook, principal_reasons
from fusion.model.fusion_model import Scores

BLOCK_ROWS = 500  # answered at once: what explaining needs for a while is several times their sentences' vectors
SEED = 0  # of the orders that are sampled inside long narratives: equal for every run, so that reasons are too


@dataclass(frozen=True)
class Why:
    """Why one application has its score, in points (higher is safer).

    reasons: the strongest adverse ones, the strongest first, each with its points, negative. narrative_points: what
    the narratives gave or took in all. sensitive: what the sentences that tell of each kind of private life gave or
    took; no kind that none tells of. refused: the application is not approved.
    """

    reasons: tuple[tuple[Reason, float], ...]
    narrative_points: float
    sensitive: Mapping[Sensitive, float]
    refused: bool = False

    @property
    def undisclosable(self) -> list[str]:
        """Codes of the reasons that may not be given as principal ones."""
        return [reason.code for reason, _ in self.reasons if not reason.disclosable]

    @property
    def flags(self) -> str:
        """``no_reason`` (not approved, and nothing took points), ``not_disclosable:CODE``, ``sensitive:KIND:POINTS``,
        joined by ``;``; the kinds in alphabetical order.
        """
        silent = ["no_reason"] if self.refused and not self.reasons else []
        told = [f"sensitive:{kind}:{points_text(points)}" for kind, points in sorted(self.sensitive.items())]
        return ";".join([*silent, *(f"not_disclosable:{code}" for code in self.undisclosable), *told])


@dataclass(frozen=True)
class Answer:
    """What some applications are answered.

    why: one per row; None where no reasons were asked for. quality: data-quality flags, one text per row (see
    ``features.tables.data_quality.data_quality``), which whoever gives a whole answer adds.
    """

    scores: Scores
    why: tuple[Why, ...] | None = None
    quality: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reasoner:
    """Answers with reasons. most: how many per row."""

    bundle: Bundle
    explainer: Explainer
    matcher: ConceptMatcher
    book: ReasonBook
    most: int

    @staticmethod
    def open(bundle: Bundle, encoder: TextEncoder, most: int) -> Reasoner:
        """Count the model's background in and encode the schema's concepts; takes some seconds."""
        columns = (*bundle.tabular.num_names, *bundle.tabular.cat_names)
        narratives = [field.name for field in bundle.schema.narratives]
        book = ReasonBook.of(bundle.schema, columns, narratives)
        labels = [at for at, field in enumerate(bundle.schema.narratives) if not field.named]
        matcher = ConceptMatcher.open(bundle.schema.concepts, encoder, labels)
        return Reasoner(bundle, bundle.explainer(), matcher, book, most)

    def answer(
        self, design: Design, sentences: SentenceBlock, threads: int, run: Run, approved_up_to: Floats | None = None
    ) -> Answer:
        """Scores, digit by digit those of ``FusionModel.predict``, and reasons; the stages are timed on ``run``.

        approved_up_to: see ``principal_reasons``.
        """
        margins, why = [], []
        for start in range(0, max(1, len(design)), BLOCK_ROWS):
            rows = np.arange(start, min(start + BLOCK_ROWS, len(design)))
            said = sentences.take(rows)
            with run.timed("predict"):
                reading = ModelReading.of(self.bundle.model, design.take(rows), threads)
                margins.append(reading.margin)
            with run.timed("concepts"):
                matches = self.matcher.match(said)
            with run.timed("explain"):
                limit = None if approved_up_to is None else approved_up_to[rows]
                why += self._why(self.explainer.explain_reading(reading, said, SEED), matches, limit)
        return Answer(self.bundle.model.scores(np.concatenate(margins)), tuple(why))

    def _why(self, explanation: Explanation, matches: ConceptMatches, limit: Floats | None) -> list[Why]:
        config = self.bundle.config
        found = principal_reasons(explanation, matches.concept, self.book, config, self.most, limit)
        sensitive: list[dict[Sensitive, float]] = [{} for _ in range(len(explanation))]
        points = to_points(explanation.sentences, config.scale).tolist()
        for row, kinds, taken in zip(explanation.block.row.tolist(), matches.sensitive, points, strict=True):
            for kind in kinds:
                sensitive[row][kind] = sensitive[row].get(kind, 0.0) + taken
        moved, refused = found.narrative_points.tolist(), found.refused.tolist()
        return [Why(tuple(found.of(row)), moved[row], kinds, refused[row]) for row, kinds in enumerate(sensitive)]


def reason_columns(most: int) -> tuple[OutputColumn, ...]:
    """The columns that tell ``most`` reasons per row; none at all for 0."""
    if not most:
        return ()
    numbers = range(1, most + 1)
    return (
        *(OutputColumn(f"reason_{number}", pa.string()) for number in numbers),
        *(OutputColumn(f"reason_{number}_wording", pa.string()) for number in numbers),
        *(OutputColumn(f"reason_{number}_points", pa.float64()) for number in numbers),
        OutputColumn("narrative_points", pa.float64()),
        OutputColumn("reason_flags", pa.string()),
    )


def reason_cells(why: Sequence[Why], most: int) -> list[list[str]]:
    """The cells of ``reason_columns(most)``, column by column; empty where an application has fewer reasons."""
    if not most:
        return []
    told = [
        [(reason.code, reason.wording, points_text(points)) for reason, points in one.reasons]
        + [("", "", "")] * (most - len(one.reasons))
        for one in why
    ]
    return [
        *([row[at][part] for row in told] for part in range(3) for at in range(most)),
        [points_text(one.narrative_points) for one in why],
        [one.flags for one in why],
    ]


def points_text(points: float) -> str:
    """Points with one decimal, never -0.0."""
    return f"{points:z.1f}"
