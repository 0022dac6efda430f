"""``creditfusion schema infer --source``: the sources' files looked at, and what was found of them in print."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from data_schemas.errors import ContractError
from experiments.schema.tables import console_table
from experiments.session.layouts import note_layout
from experiments.session.run import Run
from features.inference.draft import Draft
from features.inference.sample import FileSample, sample_rows
from features.inference.sources import ApplicationsFile, DraftedSources, draft_sources
from features.sources.locations import is_database, masked


def source_files(given: Sequence[str]) -> dict[str, Path]:
    """The file of each source, by its name: ``NAME=FILE``, or a file alone, which gives its own name.

    Raises ContractError for a name that is none or comes twice.
    """
    found: dict[str, Path] = {}
    for text in given:
        name, sign, file = text.partition("=")
        path = Path(file if sign else text)
        name = name if sign else path.name.split(".")[0]
        if not re.fullmatch("[A-Za-z][A-Za-z0-9_-]*", name):
            remedy = "Write --source bureau=FILE, with a name of letters, digits, _ and - that begins with a letter."
            raise ContractError(f"--source {masked(text)!r} gives the source no name", remedy)
        if name in found:
            raise ContractError(f"the source {name!r} is given twice", "Name it once; put its records into one file.")
        if is_database(file if sign else text):
            remedy = "Export some records to a CSV or Parquet file and draft from it; every other verb reads databases."
            raise ContractError(f"the source {name!r} lies in a database, and drafting reads files", remedy)
        found[name] = path
    return found


def with_sources(
    draft: Draft, file: ApplicationsFile, paths: Mapping[str, Path], rows: int, run: Run
) -> DraftedSources:
    """The draft with the sources in these files, of which ``rows`` records each are looked at."""
    samples: dict[str, FileSample] = {}
    for name, path in paths.items():
        with run.progress(path.name) as advance:
            samples[name] = sample_rows(path, rows, on_rows=advance)
        if not samples[name].table.num_rows:
            raise ContractError(f"{path} has no sound records to look at", "Name a file with records.")
        if layout := samples[name].layout:
            note_layout(run, path, layout)
    with run.stage("try the sources"):
        return draft_sources(draft, file, samples, paths)


def sources_table(found: DraftedSources) -> Table:
    """What was found of each source."""
    headers = ("source", "records", "key", "matched", "date", "per application", "proposed")
    table = console_table("Sources to confirm", *headers)
    for one in found.sources:
        key = one.key
        whose = f"{key.through}." if key.through else ""
        pairs = ", ".join(
            own if own == f"{whose}{to}" else f"{own} = {whose}{to}"
            for own, to in zip(key.columns, key.to, strict=True)
        )
        records = f"{found.tried.reports[one.name].n_read:,}" if found.tried else ""
        cells = (one.name, records, pairs, f"{key.share:.1%}", one.date or "none", one.per_owner)
        table.add_row(*map(escape, cells), f"{len(one.proposals)}")
    for name in found.untied:
        table.add_row(escape(name), "", "none found", "", "", "", "none")
    return table


def source_lines(found: DraftedSources) -> Iterator[str]:
    """What is proposed of each source, and what is doubtful about it, as sentences."""
    for one in found.sources:
        yield f"Proposed of {one.name}: {', '.join(one.proposals)}."
    for name, doubts in found.doubts.items():
        yield from (f"{name}: {doubt}." for doubt in doubts)
    for name in found.untied:
        yield (
            f"{name}: left out, because none of its columns has values of a column of the applications or of another "
            "source. Check that its keys are written alike; or declare it by hand."
        )
    if found.sources and found.tried is None:
        yield "The sources were not joined with the applications, so whether their records know the outcome is open."


def sources_dict(found: DraftedSources) -> list[dict[str, object]]:
    """The same for machines."""
    tied: list[dict[str, object]] = [
        {
            "name": one.name,
            "key": dict(zip(one.key.columns, one.key.to, strict=True)),
            "through": one.key.through or None,
            "matched": one.key.share,
            "applications_covered": one.key.covered,
            "date": one.date or None,
            "per_application": one.per_owner,
            "proposals": list(one.proposals),
            "doubts": list(found.doubts[one.name]),
        }
        for one in found.sources
    ]
    untied: list[dict[str, object]] = [{"name": name, "key": None} for name in found.untied]
    return tied + untied
