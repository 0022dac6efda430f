"""Columns of the training files that the model does not use, with the reason for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from data_schemas.contract import Schema, Source
from data_schemas.fields import Role
from experiments.reporting.words import listed
from experiments.session.run import Run
from features.sources.columns import of_records, read_fields
from features.tables.reader import ReadOptions, header_report

REASONS = {
    Role.IGNORED: "ignored by the contract",
    Role.PROTECTED: "protected, kept for tests of fairness",
    Role.AUXILIARY: "known only after the decision, read in training alone",
}
UNKNOWN = "not in the contract"
UNMADE = "columns of sources of which nothing is made"
MAX_NAMES = 12


def note_unused(run: Run, paths: Sequence[Path], schema: Schema, options: ReadOptions) -> None:
    """Name the columns that the model does not use; the log gets all of them. Raises as ``read_chunks`` does."""
    extra = dict.fromkeys(name for path in paths for name in header_report(path, schema, options).extra if name)
    found = unused_columns(schema, tuple(extra))
    if found:
        words = "; ".join(f"{len(names):,} {why} ({listed(names, MAX_NAMES)})" for why, names in found.items())
        run.note(f"columns that the model does not use: {words}", {"unused": dict(found)})


def unused_columns(schema: Schema, extra: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    """The columns that no model of this schema uses, by the reason; those of a source as ``source.column``.

    Args:
        schema: The contract.
        extra: Columns of the files beyond it.
    """
    every = [(one.name, one.role) for one in schema.own_fields]
    every += [(f"{one.name}.{field.name}", field.role) for one in schema.sources for field in one.contract.fields]
    found = {why: tuple(name for name, role in every if role is its_role) for its_role, why in REASONS.items()}
    idle = tuple(f"{one.name}.{name}" for one in schema.sources for name in _unmade(one))
    return {why: names for why, names in ({UNKNOWN: tuple(extra)} | found | {UNMADE: idle}).items() if names}


def _unmade(source: Source) -> list[str]:
    """Columns of a source of which nothing is made, and which neither tie its records nor date them."""
    inputs = (Role.FEATURE, Role.NARRATIVE)
    read = {field.name for field in read_fields(of_records(source))}
    return [field.name for field in source.contract.fields if field.role in inputs and field.name not in read]
