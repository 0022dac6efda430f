"""The columns of a scored file, and their cells."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import pyarrow as pa

from data_schemas.dates import write_date
from data_schemas.errors import ContractError
from experiments.score.resumable_output import OutputColumn
from features.tables.applications import Applications
from fusion.answers import Answer, RowReasons, points_text

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


def output_columns(n_reasons: int, refers: bool, passthrough: Sequence[str]) -> tuple[OutputColumn, ...]:
    """The scored file's columns.

    Args:
        n_reasons: Reasons beside every score; 0: no columns for them.
        refers: Whether decisions follow a policy file, which may refer a row and then says why.
        passthrough: Input columns that are copied.
    """
    referring = (REFER_COLUMN,) if refers else ()
    own = (*FIRST_COLUMNS, *referring, *reason_columns(n_reasons), LAST_COLUMN)
    return (*own, *(_copied(name, own) for name in passthrough))


def scored_frame(
    applications: Applications, answer: Answer, model_id: str, n_reasons: int, refers: bool, passthrough: Sequence[str]
) -> pd.DataFrame:
    """The scored file's rows as they are written (``output_columns``): PD with six decimals, score and points with
    one.
    """
    columns = [
        applications.row_number.tolist(),
        applications.ids,
        [f"{value:.6f}" for value in answer.scores.pd],
        [f"{value:.1f}" for value in answer.scores.score],
        list(answer.decisions.decision),
        list(answer.quality),
        *([list(answer.decisions.refer_reason)] if refers else []),
        *reason_cells(answer.reasons or (), n_reasons),
        [model_id] * len(applications),
        *(column_text(applications, name) for name in passthrough),
    ]
    # By position: a column that is passed through may have the name of one of ours.
    return pd.DataFrame(dict(enumerate(columns)), dtype=object)


def column_text(applications: Applications, name: str) -> list[str]:
    """A column as text: numbers in their shortest exact form, dates in the contract's format, missing as empty."""
    if name not in applications.frame:
        raise ContractError(f"--passthrough {name}: the input has no such column", "Leave the option out.")
    field = applications.schema[name]
    column = applications.frame[name]
    if field.is_numeric:
        return ["" if value != value else f"{value:.15g}" for value in column.tolist()]
    if str(column.dtype).startswith("datetime64"):
        form, language = field.date_format, field.date_language
        return ["" if pd.isna(value) else write_date(value, form, language) for value in column]
    return list(column)


def _copied(name: str, own: Sequence[OutputColumn]) -> OutputColumn:
    """The output column of an input column; ``input_`` goes before a name that the output has already."""
    taken = name in {column.name for column in own}
    return OutputColumn(f"input_{name}" if taken else name, pa.string())


def reason_columns(most: int) -> tuple[OutputColumn, ...]:
    """The columns of ``most`` reasons per row; none at all for 0."""
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


def reason_cells(why: Sequence[RowReasons], most: int) -> list[list[str]]:
    """The cells of ``reason_columns(most)``, column by column; empty where an application has fewer reasons."""
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
        [one.flags for one in why],
    ]
