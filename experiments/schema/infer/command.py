"""``creditfusion schema infer``: a first data contract from an unknown file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from data_schemas.contract import Role
from data_schemas.errors import ContractError
from experiments.options import DelimiterOption, EncodingOption, ForceOption, JsonOption
from experiments.schema.tables import console_table
from experiments.session.run import Run
from experiments.session.run_log import to_json

if TYPE_CHECKING:
    from features.inference.draft import Draft

EXAMPLES = """
Examples:

creditfusion schema infer loans.csv --out my.schema.json

creditfusion schema infer loans.csv --out my.schema.json --target loan_status --delimiter ';'
"""


def infer(
    file: Annotated[Path, typer.Argument(help="File to look at: CSV, gzipped CSV or Parquet by its name.")],
    out: Annotated[Path, typer.Option(help="Schema file to write.")],
    target: Annotated[str | None, typer.Option(help="The outcome column. Left out: guessed.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the schema. Left out: the file's name.")] = None,
    rows: Annotated[int, typer.Option(min=1, help="Rows to draw at random and look at.")] = 50_000,
    force: ForceOption = False,
    delimiter: DelimiterOption = ",",
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
            sample = sample_rows(file, rows, delimiter, encoding, advance)
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
    table = console_table("Guesses to confirm", "column", "type", "role", "why")
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
