"""A draft of a data contract from files nobody described: looked at, guessed, asked about, written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from data_schemas.contract import Dialect
from data_schemas.errors import ContractError
from data_schemas.reader import parse_schema
from experiments.schema.infer.interview import Stated, check_terminal, interview
from experiments.schema.infer.sources import source_files, with_sources
from experiments.session.layouts import note_layout
from experiments.session.run import Run
from experiments.session.sources import shown
from features.inference.draft import Draft, draft_schema, pretty_json
from features.inference.outcomes import StatedOutcomes
from features.inference.sample import FileSample, sample_rows
from features.inference.sources import ApplicationsFile, DraftedSources
from features.tables.layout import Layout
from fusion.bundle_folder import check_outside


@dataclass(frozen=True)
class InferRequest:
    """What a draft is made of.

    Attributes:
        file: The file to look at.
        out: The schema file to write.
        name: Of the schema; None: the file's.
        target: The outcome column; None: guessed.
        outcomes: Which of its levels are bad, good or undecided, as far as they were named.
        sources: Files of records, as they were named.
        interactive: Whether to ask what is in doubt.
        rows: Drawn at random and looked at.
        force: Whether ``out`` may be replaced.
        dialect: What was named of how the file is written.
    """

    file: Path
    out: Path
    name: str | None
    target: str | None
    outcomes: StatedOutcomes
    sources: tuple[str, ...]
    interactive: bool
    rows: int
    force: bool
    dialect: Dialect

    @property
    def logged(self) -> dict[str, object]:
        """The arguments that the run log keeps."""
        return {"file": self.file, "rows": self.rows, "sources": shown(self.sources)}

    def check(self) -> dict[str, Path]:
        """The files of the sources by name; raises ContractError for what no draft can be made of, before it starts."""
        if self.interactive:
            check_terminal()
        paths = source_files(self.sources)
        check_outside(self.out)
        if self.out.exists() and not self.force:
            raise ContractError(f"{self.out} exists", "Name another file, or replace it with --force.")
        return paths


@dataclass(frozen=True)
class Drafted:
    """What came of it.

    Attributes:
        draft: The contract, with its sources.
        sources: What was found of them; None: none were given.
        n_rows: Rows of the file.
        n_sampled: Rows that were looked at.
    """

    draft: Draft
    sources: DraftedSources | None
    n_rows: int
    n_sampled: int


def write_draft(request: InferRequest, paths: Mapping[str, Path], run: Run) -> Drafted:
    """Draft the contract and write it; ``paths`` are the files of the sources.

    Raises ContractError for a file without sound rows or without the outcome column that was named.
    """
    sample = _sample(request, run)
    origin = f"{sample.table.num_rows:,} of the {sample.n_rows:,} rows of {request.file.name}"

    def redraft(stated: Stated) -> Draft:
        name = request.name or _schema_name(request.file)
        return draft_schema(sample.table, name, origin, stated.target, stated.outcomes, stated.answers)

    stated = Stated(request.target, request.outcomes)
    draft = interview(redraft, stated) if request.interactive else redraft(stated)
    found = None
    if paths:
        file = ApplicationsFile(request.file, request.dialect, sample)
        found = with_sources(draft, file, paths, request.rows, run)
        draft = found.draft
    text = pretty_json(_with_dialect(draft.document, sample.layout)) + "\n"
    if not draft.missing:
        parse_schema(text, str(request.out))
    _write(request.out, text)
    return Drafted(draft, found, sample.n_rows, sample.table.num_rows)


def _sample(request: InferRequest, run: Run) -> FileSample:
    """Rows of the file, drawn at random."""
    file, target = request.file, request.target
    with run.progress(file.name) as advance:
        sample = sample_rows(file, request.rows, request.dialect, advance)
    columns = sample.table.column_names
    if not sample.table.num_rows:
        raise ContractError(f"{file} has no sound rows to look at", "Name a file with rows.")
    if target is not None and target not in columns:
        raise ContractError(f"{file} has no column {target!r}", f"It has: {', '.join(columns)}.")
    if sample.layout:
        note_layout(run, file, sample.layout)
    run.console.print(f"Guessing from {sample.table.num_rows:,} of {sample.n_rows:,} rows.")
    return sample


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
