"""Columns of the training files that the model does not use, with the reason for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from data_schemas.contract import Role, Schema
from experiments.reporting.words import listed
from experiments.session.run import Run
from features.tables.reader import ReadOptions, header_report

REASONS = {
    Role.IGNORED: "ignored by the contract",
    Role.PROTECTED: "protected, kept for tests of fairness",
    Role.AUXILIARY: "known only after the decision, read in training alone",
}
UNKNOWN = "not in the contract"
MAX_NAMES = 12


def note_unused(run: Run, paths: Sequence[Path], schema: Schema, options: ReadOptions) -> None:
    """Name the columns that the model does not use; the log gets all of them. Raises as ``read_chunks`` does."""
    extra = dict.fromkeys(name for path in paths for name in header_report(path, schema, options).extra if name)
    found = unused_columns(schema, tuple(extra))
    if found:
        words = "; ".join(f"{len(names):,} {why} ({listed(names, MAX_NAMES)})" for why, names in found.items())
        run.note(f"columns that the model does not use: {words}", {"unused": dict(found)})


def unused_columns(schema: Schema, extra: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    """The columns that no model of this schema uses, by the reason; ``extra``: those of the files beyond it."""
    found = {why: tuple(one.name for one in schema.fields if one.role is role) for role, why in REASONS.items()}
    return {why: names for why, names in ({UNKNOWN: tuple(extra)} | found).items() if names}
