"""Columns of a batch that are unlike those of training, in the log, the summary and, on request, as the run's end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from data_schemas.errors import UnlikeTrainingError
from experiments.session.run import Run
from features.batches.warnings import ColumnWarning


def note_warnings(run: Run, warnings: Sequence[ColumnWarning]) -> None:
    """Show and log each warning."""
    for warning in warnings:
        fields = asdict(warning) | {"message": str(warning.message)}
        run.note(f"warning: {warning.column}: {warning.message}", {"warning": fields})


def refuse(warnings: Sequence[ColumnWarning], remedy: str) -> None:
    """Raise UnlikeTrainingError where there is a warning."""
    if warnings:
        n, columns = len(warnings), ", ".join(warning.column for warning in warnings)
        what = f"{n} column{'s are' if n > 1 else ' is'} unlike training: {columns}"
        raise UnlikeTrainingError(what, remedy)
