"""``creditfusion schema``: check files against a data contract, or draft a contract from an unknown file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from data_schemas.contract import Role, Schema
from data_schemas.errors import ContractError
from experiments.options import DelimiterOption, EncodingOption, ForceOption, JsonOption, SchemaOption
from experiments.session.run import SOME_REJECTED, Run
from experiments.session.run_log import to_json

if TYPE_CHECKING:
    from features.inference.draft import Draft
    from features.tables.applications import Chunk
    from features.tables.header import HeaderReport

app = typer.Typer(
    help="Check files against a data contract, or draft one from an unknown file.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

CHECK_EXAMPLES = """
Examples:

creditfusion schema check --schema lending_club applications.csv.gz

creditfusion schema check --schema my.schema.json 2023.csv 2024.parquet --json > report.json
"""

INFER_EXAMPLES = """
Examples:

creditfusion schema infer loans.csv --out my.schema.json

creditfusion schema infer loans.csv --out my.schema.json --target loan_status --delimiter ';'
"""


@dataclass
class FileReport:
    """What a check of one file found; filled chunk by chunk.

    broken: rejected rows by column and rule, the first broken rule of each row; column "" for rows that could not be
    split into cells. examples: the first rows of each of them as (row, message). missing, unknown: cells of the sound
    rows that are missing, or that hold a level beyond the schema's categories, by column. unreadable: their cells in
    auxiliary columns that break the contract, and so count as missing.
    """

    path: Path
    header: HeaderReport
    n_rows: int = 0
    n_rejected: int = 0
    broken: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: dict[tuple[str, str], list[tuple[int, str]]] = field(default_factory=dict)
    missing: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    unreadable: Counter[str] = field(default_factory=Counter)

    def add(self, chunk: Chunk, schema: Schema, n_examples: int) -> None:
        """Count one chunk in."""
        self.n_rows += chunk.n_rows
        self.n_rejected += len(chunk.rejects)
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
        n_sound = self.n_rows - self.n_rejected
        return {
            "file": str(self.path),
            "rows": self.n_rows,
            "sound": n_sound,
            "rejected": self.n_rejected,
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


@app.command(epilog=CHECK_EXAMPLES)
def check(
    files: Annotated[list[Path], typer.Argument(help="Files to check: CSV, gzipped CSV or Parquet by their names.")],
    schema: SchemaOption,
    outcome: Annotated[
        bool | None,
        typer.Option("--outcome/--no-outcome", help="Check the outcome too. Left out: where the file has its column."),
    ] = None,
    examples: Annotated[int, typer.Option(min=0, help="Rows to show for each broken rule.")] = 3,
    delimiter: DelimiterOption = None,
    encoding: EncodingOption = None,
    json_output: JsonOption = False,
) -> None:
    """Check whole files against a schema: rows, rejects by rule and column, first examples, missing shares.

    A row counts under its first broken rule. Exit code 3: some rows were rejected.
    """
    from data_schemas.reader import load_schema
    from features.tables.reader import ReadOptions, header_report, read_chunks

    contract = load_schema(schema)
    if outcome and contract.field_of(Role.TARGET) is None:
        raise ContractError(f"the schema {schema!r} has no target", "Give one field the role 'target'.")
    options, reports = ReadOptions(delimiter=delimiter, encoding=encoding), []
    with Run.start("schema check", None, {"schema": schema, "files": files}, json_output) as run:
        for path in files:
            with run.progress(path.name) as advance:
                report = FileReport(path, header_report(path, contract, options))
                with_outcome = _has_target(contract, report.header) if outcome is None else outcome
                for chunk in read_chunks(path, contract, replace(options, need_target=with_outcome)):
                    report.add(chunk, contract, examples)
                    advance(chunk.n_rows)
            for table in _report_tables(report):
                run.console.print(table)
            reports.append(report)
    n_rejected = sum(report.n_rejected for report in reports)
    if json_output:
        content = {"verb": "schema check", "status": "done", "files": [report.to_dict() for report in reports]}
        typer.echo(json.dumps(to_json({**content, "rejected": n_rejected}), ensure_ascii=False))
    if n_rejected:
        raise typer.Exit(SOME_REJECTED)


def _has_target(schema: Schema, header: HeaderReport) -> bool:
    target = schema.field_of(Role.TARGET)
    return target is not None and target.name not in header.absent


def _report_tables(report: FileReport) -> Iterator[Table]:
    """The report for people."""
    n_sound = report.n_rows - report.n_rejected
    facts = _table("", "", "")
    facts.add_row("file", escape(str(report.path)))
    facts.add_row("rows", f"{report.n_rows:,}")
    facts.add_row("sound", f"{n_sound:,}")
    facts.add_row("rejected", f"{report.n_rejected:,}")
    for label, names in (("columns not there", report.header.absent), ("columns unknown", report.header.extra)):
        if names:
            facts.add_row(label, escape(", ".join(names)))
    for name, count in report.unreadable.items():
        facts.add_row("unreadable, so missing", f"{escape(name)}: {count:,}")
    yield facts
    if report.broken:
        rules = _table("Rejected rows by their first broken rule", "column", "rule", "rows", "first examples")
        for (column, rule), count in report.broken.most_common():
            shown = "\n".join(f"row {row:,}: {message}" for row, message in report.examples[column, rule])
            rules.add_row(escape(column) or "(whole row)", escape(rule), f"{count:,}", escape(shown))
        yield rules
    gaps = _table("Gaps in the sound rows", "column", "missing", "unknown levels")
    for name, count in report.missing.most_common():
        if count or report.unknown[name]:
            unknown = f"{report.unknown[name]:,}" if report.unknown[name] else ""
            gaps.add_row(escape(name), f"{count / n_sound:.2%}", unknown)
    if gaps.row_count:
        yield gaps


def _table(title: str, *headers: str) -> Table:
    return Table(*headers, title=escape(title) or None, title_justify="left", show_header=any(headers))


@app.command(epilog=INFER_EXAMPLES)
def infer(
    file: Annotated[Path, typer.Argument(help="File to look at: CSV, gzipped CSV or Parquet by its name.")],
    out: Annotated[Path, typer.Option(help="Schema file to write.")],
    target: Annotated[str | None, typer.Option(help="The outcome column. Left out: guessed.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the schema. Left out: the file's name.")] = None,
    rows: Annotated[int, typer.Option(min=1, help="Rows to draw at random and look at.")] = 50_000,
    force: ForceOption = False,
    delimiter: DelimiterOption = None,
    encoding: EncodingOption = None,
    json_output: JsonOption = False,
) -> None:
    """Draft a schema from an unknown file, every guess marked as one to confirm.

    Columns that look like outcome leaks (by name, by date, or because they separate the outcomes alone) are left out.
    """
    from data_schemas.reader import parse_schema
    from features.inference.draft import draft_schema, pretty_json
    from features.inference.sample import sample_rows

    if out.exists() and not force:
        raise ContractError(f"{out} exists", "Name another file, or replace it with --force.")
    with Run.start("schema infer", None, {"file": file, "rows": rows}, json_output) as run:
        with run.progress(file.name) as advance:
            sample = sample_rows(file, rows, options.dialect, advance)
        if sample.frame.empty:
            raise ContractError(f"{file} has no sound rows to look at", "Name a file with rows.")
        if target is not None and target not in sample.frame:
            raise ContractError(f"{file} has no column {target!r}", f"It has: {', '.join(map(str, sample.frame))}.")
        run.console.print(f"Guessing from {len(sample.frame):,} of {sample.n_rows:,} rows.")
        origin = f"{len(sample.frame):,} of the {sample.n_rows:,} rows of {file.name}"
        draft = draft_schema(sample.frame, name or _schema_name(file), origin, target)
        text = pretty_json(draft.document) + "\n"
        if not draft.missing:
            parse_schema(text, str(out))
        _write(out, text)
        run.console.print(_draft_table(draft))
        for sentence in draft.missing:
            run.console.print(f"[bold]Still missing:[/bold] {escape(sentence)}.")
        if not any(guess.role is Role.TARGET for guess in draft.guesses):
            run.console.print(
                "No column looks like the outcome, so leaks of it were not looked for. Name it: --target."
            )
        run.console.print(f"Wrote {escape(str(out))}. Confirm each `guess` in it, then delete it.", soft_wrap=True)
    if json_output:
        typer.echo(json.dumps(to_json(_draft_dict(draft, out, len(sample.frame), sample.n_rows)), ensure_ascii=False))


def _schema_name(file: Path) -> str:
    """The file's name as a schema's name: letters, digits, _ and -."""
    stem = file.name.split(".")[0]
    name = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "_-") else "_" for letter in stem)
    return name if name[:1].isalpha() else f"table_{name}"


def _write(out: Path, text: str) -> None:
    """Write the file whole or not at all."""
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(out.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(out)


def _draft_table(draft: Draft) -> Table:
    table = _table("Guesses to confirm", "column", "type", "role", "why")
    for guess in draft.guesses:
        style = "red" if guess.column.name in draft.leaks else None
        table.add_row(
            escape(guess.column.name), str(guess.column.type), str(guess.role), escape(guess.why), style=style
        )
    return table


def _draft_dict(draft: Draft, out: Path, n_sampled: int, n_rows: int) -> dict[str, object]:
    return {
        "verb": "schema infer",
        "status": "done",
        "out": out,
        "rows": n_rows,
        "rows_sampled": n_sampled,
        "leaks": list(draft.leaks),
        "missing": list(draft.missing),
        "columns": [
            {"name": guess.column.name, "type": str(guess.column.type), "role": str(guess.role), "why": guess.why}
            for guess in draft.guesses
        ],
    }
