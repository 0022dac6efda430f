"""What a check of one file found, for people and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from data_schemas.contract import Schema
from data_schemas.unfinished import Unfinished
from experiments.schema.tables import console_table

if TYPE_CHECKING:
    from features.tables.applications import Chunk
    from features.tables.header import HeaderReport


@dataclass
class FileReport:
    """What a check of one file found; filled chunk by chunk.

    broken: rejected rows by column and rule, the first broken rule of each row; column "" for rows that could not be
    split into cells. examples: the first rows of each of them as (row, message). missing, unknown: cells of the sound
    rows that are missing, or that hold a level beyond the schema's categories, by column. unreadable: their cells in
    auxiliary columns that break the contract, and so count as missing. n_undecided: sound rows without an outcome yet.
    """

    path: Path
    header: HeaderReport
    n_rows: int = 0
    n_rejected: int = 0
    n_undecided: int = 0
    broken: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: dict[tuple[str, str], list[tuple[int, str]]] = field(default_factory=dict)
    missing: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    unreadable: Counter[str] = field(default_factory=Counter)

    def add(self, chunk: Chunk, schema: Schema, n_examples: int) -> None:
        """Count one chunk in."""
        self.n_rows += chunk.n_rows
        self.n_rejected += len(chunk.rejects)
        self.n_undecided += chunk.n_undecided
        rejects = chunk.rejects.frame
        for row, column, rule, message in zip(
            rejects["row"], rejects["column"], rejects["rule"], rejects["message"], strict=True
        ):
            self.broken[column, rule] += 1
            examples = self.examples.setdefault((column, rule), [])
            if len(examples) < n_examples:
                examples.append((int(row), str(message)))
        self.unreadable.update(chunk.unreadable)
        frame = chunk.applications.frame
        for name in map(str, frame.columns):
            cells = frame[name]
            absent = (cells == "") if cells.dtype == object else cells.isna()
            self.missing[name] += int(absent.sum())
            if categories := schema[name].categories:
                self.unknown[name] += int((~absent & ~cells.isin(categories)).sum())

    def to_dict(self) -> dict[str, object]:
        """The report for JSON."""
        n_sound = self.n_rows - self.n_rejected - self.n_undecided
        return {
            "file": str(self.path),
            "rows": self.n_rows,
            "sound": n_sound,
            "rejected": self.n_rejected,
            "undecided": self.n_undecided,
            "broken_rules": [
                {
                    "column": column,
                    "rule": rule,
                    "rows": count,
                    "examples": [{"row": row, "message": text} for row, text in self.examples[column, rule]],
                }
                for (column, rule), count in self.broken.most_common()
            ],
            "missing_share": {name: count / n_sound if n_sound else None for name, count in self.missing.items()},
            "unknown_levels": {name: count for name, count in self.unknown.items() if count},
            "unreadable_auxiliary": dict(self.unreadable),
            "absent_columns": list(self.header.absent),
            "extra_columns": list(self.header.extra),
        }


def unfinished_table(found: Unfinished) -> Table:
    """What a person still has to do on the schema, for people."""
    table = console_table("Unfinished in the schema", "", "columns", "what to do")
    for what, names, remedy in (
        ("guesses left", found.guesses, "Confirm or correct each, then delete its `guess`."),
        ("no reason worded", found.without_wording, "Give each a `reason`: no applicant can be given it without."),
        ("no unit", found.without_unit, "State each `unit`, for whoever reads a report."),
        ("codes for levels", found.without_labels, "Say in `labels` what each code means: no letter shows a code."),
    ):
        if names:
            table.add_row(f"{what} ({len(names)})", escape(", ".join(names)), remedy)
    return table


def report_tables(report: FileReport) -> Iterator[Table]:
    """The report for people."""
    n_sound = report.n_rows - report.n_rejected - report.n_undecided
    facts = console_table("", "", "")
    facts.add_row("file", escape(str(report.path)))
    facts.add_row("rows", f"{report.n_rows:,}")
    facts.add_row("sound", f"{n_sound:,}")
    facts.add_row("rejected", f"{report.n_rejected:,}")
    if report.n_undecided:
        facts.add_row("without an outcome yet", f"{report.n_undecided:,}")
    for label, names in (("columns not there", report.header.absent), ("columns unknown", report.header.extra)):
        if names:
            facts.add_row(label, escape(", ".join(names)))
    for name, count in report.unreadable.items():
        facts.add_row("unreadable, so missing", f"{escape(name)}: {count:,}")
    yield facts
    if report.broken:
        rules = console_table("Rejected rows by their first broken rule", "column", "rule", "rows", "first examples")
        for (column, rule), count in report.broken.most_common():
            shown = "\n".join(f"row {row:,}: {message}" for row, message in report.examples[column, rule])
            rules.add_row(escape(column) or "(whole row)", escape(rule), f"{count:,}", escape(shown))
        yield rules
    gaps = console_table("Gaps in the sound rows", "column", "missing", "unknown levels")
    for name, count in report.missing.most_common():
        if count or report.unknown[name]:
            unknown = f"{report.unknown[name]:,}" if report.unknown[name] else ""
            gaps.add_row(escape(name), f"{count / n_sound:.2%}", unknown)
    if gaps.row_count:
        yield gaps
