"""Drafting the sources beside a drafted contract: each tied to the applications or through another source, declared,
tried out, and doubted where its records know the outcome.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from data_schemas.contract import Dialect
from data_schemas.fields import Role
from features.arrays import Floats, Ints
from features.inference.draft import Draft
from features.inference.profile import ColumnProfile, profiles
from features.inference.roles import SUSPECT
from features.inference.sample import FileSample, all_cells
from features.inference.source_checks import TrialApplications, Tried, try_sources, with_suspects
from features.inference.source_draft import Owners, SourceDraft, draft_source
from features.inference.source_keys import Key, KeyTable, find_key, key_table
from features.sources.locations import Location

Document = dict[str, Any]


@dataclass(frozen=True)
class ApplicationsFile:
    """The file of applications that a contract was drafted from.

    Attributes:
        path: where it lies.
        dialect: how it is written.
        sample: of its rows.
    """

    path: Path
    dialect: Dialect
    sample: FileSample


@dataclass(frozen=True)
class DraftedSources:
    """The sources of a draft.

    Attributes:
        draft: the contract, with all sources that are tied to it.
        sources: these, each behind the one that it goes through.
        doubts: of each, what is suspicious, as sentences.
        untied: names of the sources for which no key was found.
        tried: what a join with them showed; None where the draft could not be joined yet.
    """

    draft: Draft
    sources: tuple[SourceDraft, ...]
    doubts: Mapping[str, tuple[str, ...]]
    untied: tuple[str, ...]
    tried: Tried | None


@dataclass(frozen=True)
class _Linked:
    """A table with the place of each of its sampled rows among the sampled applications, -1 for none."""

    table: KeyTable
    columns: Mapping[str, ColumnProfile]
    place: Ints


def draft_sources(
    draft: Draft, file: ApplicationsFile, samples: Mapping[str, FileSample], paths: Mapping[str, Path]
) -> DraftedSources:
    """Draft the sources of a drafted contract.

    Args:
        draft: of the applications.
        file: that it was drafted from.
        samples: of the records of each source.
        paths: of their files.

    Raises:
        ContractError, RunError: for a table that cannot be joined.
    """
    own = {guess.column.name: guess.column for guess in draft.guesses}
    tables = {name: profiles(sample.table) for name, sample in samples.items()}
    taken = set(own)
    found: dict[str, SourceDraft] = {}
    for name, key, place in _tied(own, file, tables):
        origin = f"{len(place):,} of the {samples[name].n_rows:,} records of {paths[name].name}"
        owners = Owners(place, _decided(draft), _outcome(draft))
        found[name] = draft_source(name, tables[name], key, owners, taken, origin)
    untied = tuple(name for name in samples if name not in found)
    whole = _with_text_keys(draft.document, found.values())
    tried = None
    if found and _can_be_joined(draft, found.values()):
        trial = TrialApplications(file.path, file.dialect, file.sample.row_number, _outcome(draft), whole)
        tried = try_sources(trial, list(found.values()), {name: Location(name, paths[name]) for name in found})
        found = {name: _doubted(one, tried) for name, one in found.items()}
    document = whole | {
        "creditfusion": whole["creditfusion"] | {"sources": [one.document for one in found.values()]}
        if found
        else whole["creditfusion"]
    }
    missing = (*draft.missing, *(sentence for one in found.values() for sentence in one.missing))
    doubts = {name: (*one.doubts, *(_words(one, tried) if tried else ())) for name, one in found.items()}
    return DraftedSources(
        replace(draft, document=document, missing=missing), tuple(found.values()), doubts, untied, tried
    )


def _tied(
    own: Mapping[str, ColumnProfile], file: ApplicationsFile, tables: Mapping[str, Mapping[str, ColumnProfile]]
) -> Iterator[tuple[str, Key, Ints]]:
    """The sources with their keys and the places of their records among the sampled applications: those of the
    applications, then those of these, and so on.
    """
    sampled = key_table("", own)
    applications = _whole(sampled, file)
    linked = {"": _Linked(sampled, own, np.arange(len(file.sample.row_number)))}
    left = {name: key_table(name, columns) for name, columns in tables.items()}
    while left:
        owners = [applications] if len(linked) == 1 else [one.table for name, one in linked.items() if name]
        keys = {name: key for name, table in left.items() if (key := find_key(table, owners))}
        if not keys:
            return
        for name, key in keys.items():
            place = _places(left.pop(name), key, linked[key.through])
            linked[name] = _Linked(key_table(name, tables[name]), tables[name], place)
            yield name, key, place


def _whole(sampled: KeyTable, file: ApplicationsFile) -> KeyTable:
    """The keys of all applications, where a part of them was sampled."""
    if len(file.sample.row_number) == file.sample.n_rows or not sampled.values:
        return sampled
    cells = all_cells(file.path, list(sampled.values), file.dialect)
    return replace(sampled, values={name: _stripped(cells[name]) for name in sampled.values})


def _stripped(cells: pa.ChunkedArray) -> list[str]:
    return [(cell or "").strip() for cell in cells.to_pylist()]


def _places(records: KeyTable, key: Key, owner: _Linked) -> Ints:
    """int64 (n,): the sampled application of each record, -1 for none."""
    rows = zip(*(owner.table.values[name] for name in key.to), strict=True)
    at = dict(zip(rows, owner.place.tolist(), strict=True))
    keys = zip(*(records.values[name] for name in key.columns), strict=True)
    return np.array([at.get(one, -1) for one in keys], dtype=np.int64)


def _decided(draft: Draft) -> Floats | None:
    return next((guess.column.values for guess in draft.guesses if guess.role is Role.DECISION_DATE), None)


def _outcome(draft: Draft) -> Floats | None:
    goal = next((guess.column for guess in draft.guesses if guess.role is Role.TARGET), None)
    return None if goal is None or draft.outcomes is None else draft.outcomes.values(goal.cells)


def _with_text_keys(document: Document, sources: Collection[SourceDraft]) -> Document:
    """The drafted contract with text for every column that a key points to."""
    keys = {to for one in sources if not one.key.through for to in one.key.to}

    def as_text(field: Document) -> Document:
        if field["name"] not in keys or field["type"] == "string":
            return field
        own = {"role": "ignored", "guess": f"the key of a source. {field['creditfusion'].get('guess', '')}"}
        return {"name": field["name"], "type": "string", "title": field["title"], "creditfusion": own}

    return document | {"fields": [as_text(field) for field in document["fields"]]}


def _can_be_joined(draft: Draft, sources: Collection[SourceDraft]) -> bool:
    """Whether what a join needs is drafted: an id, keys written alike, and a decision date."""
    return any(guess.role is Role.ID for guess in draft.guesses) and not any(
        one.key.doubt or one.missing for one in sources
    )


def _doubted(source: SourceDraft, tried: Tried) -> SourceDraft:
    return replace(source, document=with_suspects(source.document, tried.suspects))


def _words(source: SourceDraft, tried: Tried) -> Iterator[str]:
    """What the join showed, in sentences."""
    report = tried.reports[source.name]
    if report.n_orphans:
        yield f"{report.n_orphans:,} of {report.n_read:,} records belong to no application"
    if report.n_late:
        share = report.n_late / max(report.n_late + report.n_before + report.n_in_lag, 1)
        yield f"{share:.1%} of the records are dated on or after the decision; {source.date} keeps them out"
    for name in source.proposals:
        if name in tried.suspects:
            yield f"{SUSPECT} {name}: {tried.suspects[name]}. Keep it only if its records were known at the decision"
