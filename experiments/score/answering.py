"""One chunk of applications answered: what is written of it, whatever reads the chunks and keeps the answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
import pandas as pd

from data_schemas.contract import Schema
from experiments.score.columns import scored_frame
from experiments.score.resumable_output import Tally
from features.batches.column_counts import ColumnCounts, Counts
from features.batches.warnings import ColumnWarning
from features.tables.applications import Applications, Chunk
from fusion.answers import Answer
from fusion.monitor import UNWATCHED, Monitor
from fusion.policy.policy import NO_SECONDS, Policy, Seconds

COUNTED_BY_KIND = ("masked", "no_records")
"""Data-quality flags of which each kind that they list is counted by itself."""


class RowScorer(Protocol):
    """What scoring a file needs of a model; ``fusion.scorer.Scorer`` is one."""

    @property
    def schema(self) -> Schema:
        """The data contract of the file."""
        ...

    @property
    def model_id(self) -> str:
        """Written beside every score."""
        ...

    @property
    def encoder_digest(self) -> str:
        """Names all that the last bits of the narratives' vectors depend on."""
        ...

    @property
    def lenders_policy(self) -> Policy | None:
        """The lender's policy; None: the model's own cut-off, which refers nobody, so that no column says why."""
        ...

    @property
    def n_reasons(self) -> int:
        """At most so many reasons stand beside every score; 0: none."""
        ...

    def unlike_training(self, counts: Counts) -> tuple[ColumnWarning, ...]:
        """The inputs that are unlike those of the training rows, by their counts over the file's scored rows."""
        ...

    def begin(self, applications: Applications, monitor: Monitor) -> Callable[[Seconds], Answer]:
        """Read the applications; what is returned gives score, decision and reasons of every row, in whatever thread.

        A row's answer does not depend on the rows beside it.
        """
        ...


@dataclass(frozen=True)
class AnsweredChunk:
    """The answers to a chunk of input rows.

    Attributes:
        scored: the scored file's rows (``experiments.score.columns.output_columns``).
        rejects: the rejects file's rows (``features.tables.applications.REJECT_COLUMNS``).
        through_row: number of the chunk's last input row; 0 for a chunk without a row.
        tally: counts over the chunk.
    """

    scored: pd.DataFrame
    rejects: pd.DataFrame
    through_row: int
    tally: Tally


def answer_chunk(
    scorer: RowScorer, chunk: Chunk, monitor: Monitor = UNWATCHED, seconds: Seconds = NO_SECONDS
) -> AnsweredChunk:
    """Answer every row of a chunk: it is scored or rejected, and none is lost.

    A row's answer depends on the row and the scorer alone, not on the chunk that it came in.

    Args:
        scorer: the model.
        chunk: applications and rejected rows, as ``features.tables.reader.read_chunks`` gives them.
        monitor: follows the work; its counts of columns are the tally's.
        seconds: probabilities by second models, by name, of the chunk's applications.
    """
    return begin_chunk(scorer, chunk, monitor, seconds)()


def begin_chunk(
    scorer: RowScorer, chunk: Chunk, monitor: Monitor = UNWATCHED, seconds: Seconds = NO_SECONDS
) -> Callable[[], AnsweredChunk]:
    """``answer_chunk`` in two steps: the applications are read now, and what is returned answers them, in whatever
    thread.
    """
    columns: dict[str, ColumnCounts] = {}
    answer = scorer.begin(chunk.applications, Monitor(monitor.timed, monitor.on_texts, columns.update))
    return partial(_answered, scorer, chunk, monitor, (answer, seconds, columns))


def _answered(
    scorer: RowScorer,
    chunk: Chunk,
    monitor: Monitor,
    begun: tuple[Callable[[Seconds], Answer], Seconds, Mapping[str, ColumnCounts]],
) -> AnsweredChunk:
    rest, seconds, columns = begun
    answer = rest(seconds)
    rejects, refers = chunk.rejects.frame, scorer.lenders_policy is not None
    with monitor.timed("lay out"):
        scored = scored_frame(chunk, answer, scorer.model_id, scorer.n_reasons, refers, seconds)
    last = [*chunk.applications.row_number[-1:].tolist(), *rejects["row"].tail(1).tolist()]
    return AnsweredChunk(scored, rejects, int(max(last, default=0)), _tally(chunk, answer, seconds, columns))


def _tally(chunk: Chunk, answer: Answer, seconds: Seconds, columns: Mapping[str, ColumnCounts]) -> Tally:
    reasons = answer.reasons or ()
    return Tally(
        rows=chunk.n_rows,
        scored=len(chunk.applications),
        declined=int(answer.decisions.rows_with("decline").sum()),
        referred=int(answer.decisions.rows_with("refer").sum()),
        pd_sum=float(answer.scores.pd.sum()),
        rejected=dict(Counter(chunk.rejects.frame["rule"])),
        quality=dict(Counter(name for flags in answer.quality for flag in flags.split(";") for name in _names(flag))),
        undisclosable=sum(bool(one.undisclosable) for one in reasons),
        sensitive=sum(bool(one.sensitive) for one in reasons),
        first_reasons=dict(Counter(one.reasons[0][0].code for one in reasons if one.reasons)),
        without_second={name: int(np.isnan(own).sum()) for name, own in seconds.items()},
        columns=dict(columns),
    )


def _names(flag: str) -> list[str]:
    """What a data-quality flag is counted as: columns that it lists are not told apart; kinds and sources are."""
    name, _, listed = flag.partition(":")
    return [f"{name}:{kind}" for kind in listed.split(",")] if name in COUNTED_BY_KIND else [name] if name else []
