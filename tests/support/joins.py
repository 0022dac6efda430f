"""Small tables of applications and of the records of their sources, joined."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pandas as pd

from data_schemas.contract import Schema
from data_schemas.reader import parse_schema
from features.sources.join import join_sources
from features.sources.joined import JoinedSources
from features.sources.locations import parse_locations
from features.tables.reader import ReadOptions, read_all

APPLICATIONS: dict[str, Any] = {
    "fields": [
        {"name": "id", "type": "string", "creditfusion": {"role": "id"}},
        {"name": "decided", "type": "date", "creditfusion": {"role": "decision_date"}},
        {"name": "amount", "type": "number", "creditfusion": {"role": "feature"}},
    ],
    "creditfusion": {"version": 1, "name": "small", "sources": []},
}

ACCOUNTS: dict[str, Any] = {
    "fields": [
        {"name": "account", "type": "string", "creditfusion": {"role": "id"}},
        {"name": "id", "type": "string", "creditfusion": {"role": "group"}},
        {"name": "day", "type": "date", "creditfusion": {"role": "feature"}},
        {"name": "balance", "type": "number", "creditfusion": {"role": "feature"}},
        {"name": "status", "type": "string", "creditfusion": {"role": "feature"}},
        {"name": "note", "type": "string", "creditfusion": {"role": "narrative"}},
    ],
    "creditfusion": {
        "name": "bureau",
        "key": {"id": "id"},
        "date": "day",
        "aggregates": [{"name": "n", "kind": "count"}, {"name": "total", "kind": "sum", "of": "balance"}],
    },
}


def schema_with(*sources: Mapping[str, Any]) -> Schema:
    """``APPLICATIONS`` with these sources."""
    own = {**APPLICATIONS["creditfusion"], "sources": list(sources)}
    return parse_schema(json.dumps({**APPLICATIONS, "creditfusion": own}), "a test")


def source(document: Mapping[str, Any], **own: object) -> dict[str, Any]:
    """A source with some of its own part exchanged."""
    return {**document, "creditfusion": {**document["creditfusion"], **own}}


def write(path: Path, header: str, rows: Sequence[str] = ()) -> Path:
    """A CSV file of these lines."""
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def joining(
    files: Path | Sequence[Path], schema: Schema, options: ReadOptions | None = None, threads: int = 1, **at: Path
) -> AbstractContextManager[JoinedSources]:
    """The join of these files with the sources, each by its name."""
    paths = [files] if isinstance(files, Path) else files
    locations = parse_locations([f"{name}={path}" for name, path in at.items()], schema)
    return join_sources(paths, schema, locations, options or ReadOptions(), threads=threads)


def read(path: Path, joined: JoinedSources, schema: Schema, chunk_rows: int = 10_000) -> pd.DataFrame:
    """The applications of a file with what is made of their records, by id."""
    chunk = read_all(path, schema, ReadOptions(chunk_rows=chunk_rows, joined=joined))
    return chunk.applications.frame.set_index("id")


def join_once(path: Path, schema: Schema, options: ReadOptions | None = None, **at: Path) -> None:
    """Join and let go, for what that raises."""
    with joining(path, schema, options, 1, **at):
        pass
