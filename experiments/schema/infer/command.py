"""``creditfusion schema infer``: a first data contract from an unknown file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from data_schemas.contract import Dialect
from data_schemas.errors import ContractError
from experiments.options import DelimiterOption, EncodingOption, ForceOption, JsonOption, SheetOption
from experiments.schema.tables import console_table
from experiments.session.run import Run
from experiments.session.run_log import to_json
from experiments.session.standard_streams import one_from_stdin

if TYPE_CHECKING:
    from features.inference.draft import Draft
    from features.tables.layout import Layout

EXAMPLES = """
Examples:

creditfusion schema infer loans.csv --out my.schema.json

creditfusion schema infer loans.csv --out my.schema.json --target loan_status --delimiter ';'

creditfusion schema infer loans.csv --out my.schema.json --target class --bad 2 --good 1

creditfusion schema infer loans.csv --out my.schema.json --target days_past_due --bad '>=90'

creditfusion schema infer loans.csv --out my.schema.json --interactive

creditfusion schema infer loans.csv --out my.schema.json --source bureau=bureau.csv --source notes=call_notes.csv
"""


def infer(
    file: Annotated[
        Path,
        typer.Argument(
            callback=one_from_stdin, help="File to look at: CSV, packed or not, workbook or Parquet; - for stdin."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Schema file to write.")],
    target: Annotated[str | None, typer.Option(help="The outcome column. Left out: guessed.")] = None,
    bad: Annotated[
        list[str] | None,
        typer.Option(
            "--bad", help="A level of the outcome that is bad; repeat for more. Of numbers a comparison: '>=90'."
        ),
    ] = None,
    good: Annotated[list[str] | None, typer.Option("--good", help="A level that is good; repeat for more.")] = None,
    undecided: Annotated[
        list[str] | None, typer.Option("--undecided", help="A level of applications without an outcome yet; repeat.")
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option(
            "--source",
            metavar="NAME=FILE",
            help="File of records that belong to the applications, no database; repeat for more.",
        ),
    ] = None,
    interactive: Annotated[
        bool, typer.Option("--interactive", help="Ask what is in doubt; Enter takes the draft's own guess.")
    ] = False,
    name: Annotated[str | None, typer.Option(help="Name of the schema. Left out: the file's name.")] = None,
    rows: Annotated[int, typer.Option(min=1, help="Rows to draw at random and look at.")] = 50_000,
    force: ForceOption = False,
    delimiter: DelimiterOption = None,
    encoding: EncodingOption = None,
    sheet: SheetOption = None,
    json_output: JsonOption = False,
) -> None:
    """Draft a schema from an unknown file, every guess marked as one to confirm.

    Columns that look like outcome leaks (by name, by date, or because they separate the outcomes alone) are left out.
    Which levels of the outcome are bad is taken from its name and their words; where these do not tell, the draft has
    no bad_values and the command asks for --bad. A column of many numbers is an outcome only by a comparison, as with
    --bad '>=90', which the schema keeps as bad_if.

    Of each --source the key, the date and what may be made of its records are drafted, and tried out: what knows the
    outcome is marked SUSPECT.
    """
    from data_schemas.reader import parse_schema
    from experiments.schema.infer.interview import Stated, check_terminal, interview
    from experiments.schema.infer.sources import source_files, source_lines, sources_dict, sources_table, with_sources
    from experiments.session.layouts import note_layout
    from experiments.session.sources import shown
    from features.inference.draft import draft_schema, pretty_json
    from features.inference.outcomes import StatedOutcomes
    from features.inference.roles import UNREAD
    from features.inference.sample import sample_rows
    from features.inference.sources import ApplicationsFile
    from features.tables.reader import ReadOptions
    from fusion.bundle_folder import check_outside

    if interactive:
        check_terminal()
    paths = source_files(source or ())
    options = ReadOptions(delimiter=delimiter, encoding=encoding, sheet=sheet)
    check_outside(out)
    if out.exists() and not force:
        raise ContractError(f"{out} exists", "Name another file, or replace it with --force.")
    with Run.start("schema infer", None, {"file": file, "rows": rows, "sources": shown(source)}, json_output) as run:
        with run.progress(file.name) as advance:
            sample = sample_rows(file, rows, options.dialect, advance)
        if not sample.table.num_rows:
            raise ContractError(f"{file} has no sound rows to look at", "Name a file with rows.")
        if target is not None and target not in sample.table.column_names:
            raise ContractError(f"{file} has no column {target!r}", f"It has: {', '.join(sample.table.column_names)}.")
        if sample.layout:
            note_layout(run, file, sample.layout)
        run.console.print(f"Guessing from {sample.table.num_rows:,} of {sample.n_rows:,} rows.")
        origin = f"{sample.table.num_rows:,} of the {sample.n_rows:,} rows of {file.name}"
        stated = StatedOutcomes(tuple(bad or ()), tuple(good or ()), tuple(undecided or ()))

        def drafted(given: Stated) -> Draft:
            own_name = name or _schema_name(file)
            return draft_schema(sample.table, own_name, origin, given.target, given.outcomes, given.answers)

        known = Stated(target, stated)
        draft = interview(drafted, known) if interactive else drafted(known)
        found = None
        if paths:
            found = with_sources(draft, ApplicationsFile(file, options.dialect, sample), paths, rows, run)
            draft = found.draft
        text = pretty_json(_with_dialect(draft.document, sample.layout)) + "\n"
        if not draft.missing:
            parse_schema(text, str(out))
        _write(out, text)
        run.console.print(_draft_table(draft))
        if unread := [guess.column.name for guess in draft.guesses if guess.why.startswith(UNREAD)]:
            listed = ", ".join(unread)
            words = (
                f"Left out, because their dates are of a notation that is not read: {listed}. Write them as YYYY-MM-DD."
            )
            run.console.print(escape(words), soft_wrap=True)
        for line in _outcome_lines(draft):
            run.console.print(escape(line), soft_wrap=True)
        if found is not None:
            run.console.print(sources_table(found))
            for line in source_lines(found):
                run.console.print(escape(line), soft_wrap=True)
        for sentence in draft.missing:
            run.console.print(f"[bold]Still missing:[/bold] {escape(sentence)}.", soft_wrap=True)
        run.console.print(f"Wrote {escape(str(out))}. Confirm each `guess` in it, then delete it.", soft_wrap=True)
    if json_output:
        summary = _draft_dict(draft, out, sample.table.num_rows, sample.n_rows)
        summary |= {"sources": sources_dict(found)} if found is not None else {}
        typer.echo(json.dumps(to_json(summary), ensure_ascii=False))


def _schema_name(file: Path) -> str:
    """The file's name as a schema's name: letters, digits, _ and -."""
    stem = file.name.split(".")[0]
    name = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "_-") else "_" for letter in stem)
    return name if name[:1].isalpha() else f"table_{name}"


def _with_dialect(document: Mapping[str, object], layout: Layout | None) -> dict[str, object]:
    """The document with what later verbs have to know of how the file is written, before its fields."""
    dialect = layout.dialect if layout else Dialect()
    written = {"delimiter": dialect.delimiter, "sheetName": dialect.sheet}
    named = {name: value for name, value in written.items() if value is not None}
    own: dict[str, object] = {"encoding": dialect.encoding} if dialect.encoding else {}
    return own | ({"dialect": named} if named else {}) | dict(document)


def _write(out: Path, text: str) -> None:
    """Write the file whole or not at all."""
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(out.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(out)


def _draft_table(draft: Draft) -> Table:
    table = console_table("Guesses to confirm", "column", "type", "role", "why")
    for guess in draft.guesses:
        name = guess.column.name
        style = "red" if name in draft.leaks else "yellow" if name in draft.suspects else None
        table.add_row(
            escape(guess.column.name), str(guess.column.type), str(guess.role), escape(guess.why), style=style
        )
    return table


def _outcome_lines(draft: Draft) -> Iterator[str]:
    """What is taken for the outcome and its kinds, with counts; what else looks like it; and what is suspicious."""
    found = draft.outcomes
    if found is None:
        asked = "Name it with --target: leaks of it were not looked for."
        if draft.rivals:
            yield f"Each of these columns may be the outcome: {', '.join(draft.rivals)}. {asked}"
        else:
            yield f"No column looks like the outcome. {asked}"
        return
    kinds = "; ".join(f"{kind}: {words}" for kind, words in found.lines.items())
    yield f"The outcomes in {found.column}{f', {found.why}' if found.why else ''}. {kinds}."
    if found.undecided and not found.question:
        yield "  Undecided rows are counted and left out of training and validation."
    if found.strange and not found.question:
        listed = ", ".join(found.strange)
        yield f"  Not understood, so undecided: {listed}. If one of them is an outcome, say so with --bad or --good."
    if draft.rivals:
        yield f"These look like an outcome too: {', '.join(draft.rivals)}. Name the right one with --target."
    if draft.suspects:
        kept = ", ".join(draft.suspects)
        yield f"Kept, though they predict the outcome very well alone: {kept}. Are they known at the decision?"


def _outcome_dict(draft: Draft) -> dict[str, object]:
    found = draft.outcomes
    if found is None:
        return {"column": None, "rivals": list(draft.rivals)}
    return {
        "column": found.column,
        **found.kinds,
        "not_understood": list(found.strange),
        "question": found.question or None,
        "rivals": list(draft.rivals),
    }


def _draft_dict(draft: Draft, out: Path, n_sampled: int, n_rows: int) -> dict[str, object]:
    return {
        "verb": "schema infer",
        "status": "done",
        "out": out,
        "rows": n_rows,
        "rows_sampled": n_sampled,
        "outcome": _outcome_dict(draft),
        "leaks": list(draft.leaks),
        "suspects": list(draft.suspects),
        "missing": list(draft.missing),
        "columns": [
            {"name": guess.column.name, "type": str(guess.column.type), "role": str(guess.role), "why": guess.why}
            for guess in draft.guesses
        ],
    }
