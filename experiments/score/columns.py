"""The columns of a scored file, and their cells."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from data_schemas.contract import Schema
from experiments.score.resumable_output import OutputColumn
from features.tables.applications import Chunk
from fusion.answers import PROBABILITY, SOURCE_POINTS, Answer, RowReasons, points_text
from fusion.explain.by_source import source_names
from fusion.policy.policy import NO_SECONDS, Seconds

FIRST_COLUMNS = (
    OutputColumn("row", pa.int64()),
    OutputColumn("id", pa.string()),
    OutputColumn("pd", pa.float64()),
    OutputColumn("score", pa.float64()),
    OutputColumn("decision", pa.string()),
    OutputColumn("data_quality", pa.string()),
)
REFER_COLUMN = OutputColumn("refer_reason", pa.string())
LAST_COLUMN = OutputColumn("model", pa.string())


def output_columns(
    schema: Schema, n_reasons: int, refers: bool, passthrough: Sequence[str], seconds: Sequence[str] = ()
) -> tuple[OutputColumn, ...]:
    """The scored file's columns.

    Args:
        schema: Of the applications; what each of its sources gives stands beside the reasons.
        n_reasons: Reasons beside every score; 0: no columns for them.
        refers: Whether decisions follow a policy file, which may refer a row and then says why.
        passthrough: Input columns that are copied.
        seconds: Names of second models, whose probabilities stand beside the PD.
    """
    referring = (REFER_COLUMN,) if refers else ()
    beside = (OutputColumn(f"{name}{PROBABILITY}", pa.float64()) for name in seconds)
    own = (*FIRST_COLUMNS, *referring, *beside, *reason_columns(n_reasons, source_names(schema)), LAST_COLUMN)
    return (*own, *(OutputColumn(name, pa.string()) for name in _copied(passthrough, own)))


def scored_frame(
    chunk: Chunk, answer: Answer, model_id: str, n_reasons: int, refers: bool, seconds: Seconds = NO_SECONDS
) -> pd.DataFrame:
    """The scored file's rows as they are written (``output_columns``): PD and probabilities with six decimals, score
    and points with one; no probability for a row that breaks the second model's contract.
    """
    columns = [
        chunk.applications.row_number.tolist(),
        chunk.applications.ids,
        [f"{value:.6f}" for value in answer.scores.pd],
        [f"{value:.1f}" for value in answer.scores.score],
        list(answer.decisions.decision),
        list(answer.quality),
        *([list(answer.decisions.refer_reason)] if refers else []),
        *(["" if np.isnan(one) else f"{one:.6f}" for one in own] for own in seconds.values()),
        *reason_cells(answer.reasons or (), n_reasons, source_names(chunk.applications.schema)),
        [model_id] * len(chunk.applications),
        *(list(cells) for cells in chunk.passthrough.values()),
    ]
    # By position: a column that is passed through may have the name of one of ours.
    return pd.DataFrame(dict(enumerate(columns)), dtype=object)


def _copied(passthrough: Sequence[str], own: Sequence[OutputColumn]) -> list[str]:
    """The names under which input columns are copied: ``input_`` goes before one that the output has already, as often
    as it takes.
    """
    taken = {*passthrough, *(column.name for column in own)}
    copied = list(passthrough)
    for at, name in enumerate(passthrough):
        if any(name == column.name for column in own):
            while copied[at] in taken:
                copied[at] = f"input_{copied[at]}"
            taken.add(copied[at])
    return copied


def reason_columns(most: int, sources: Sequence[str] = ()) -> tuple[OutputColumn, ...]:
    """The columns of ``most`` reasons per row and of the points of each of these sources; none at all for 0."""
    if not most:
        return ()
    numbers = range(1, most + 1)
    return (
        *(OutputColumn(f"reason_{number}", pa.string()) for number in numbers),
        *(OutputColumn(f"reason_{number}_wording", pa.string()) for number in numbers),
        *(OutputColumn(f"reason_{number}_points", pa.float64()) for number in numbers),
        OutputColumn("narrative_points", pa.float64()),
        *(OutputColumn(f"{SOURCE_POINTS}{name}", pa.float64()) for name in sources),
        OutputColumn("reason_flags", pa.string()),
    )


def reason_cells(why: Sequence[RowReasons], most: int, sources: Sequence[str] = ()) -> list[list[str]]:
    """The cells of ``reason_columns``, column by column; empty where an application has fewer reasons."""
    if not most:
        return []
    cells = [
        [(reason.code, reason.wording, points_text(points)) for reason, points in one.reasons]
        + [("", "", "")] * (most - len(one.reasons))
        for one in why
    ]
    return [
        *([row[at][part] for row in cells] for part in range(3) for at in range(most)),
        [points_text(one.narrative_points) for one in why],
        *([points_text(one.source_points[name]) for one in why] for name in sources),
        [one.flags for one in why],
    ]
