"""Contracts drafted from nothing, beside what the definition of each set says.

For each set of ``data_sets.definitions`` its training rows are written to a CSV file, and a contract is drafted from
that file alone. Where the draft asks for the outcome, the answer is taken from the definition and counts as asked.
What then still differs from the definition is a hand edit: a role, a type, a wrong outcome, a code for missing. A
column that the definition leaves out because another says the same, or because it is constant, may be kept; numbers
with their unit may be read as numbers where the definition has them as levels, if each level is a number of its own.

    python -m experiments.benchmarks.drafting.sets_from_nothing --source data
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd

from data_schemas.contract import Schema
from data_schemas.fields import Field, FieldType, Role
from data_schemas.reader import parse_schema
from experiments.benchmarks.data_sets.files import read_frames, sets_named
from experiments.benchmarks.data_sets.spec import DataSet
from experiments.benchmarks.measuring import markdown, parser, tell
from features.inference.draft import Draft, draft_schema
from features.inference.outcomes import StatedOutcomes
from features.inference.profile import ColumnProfile
from features.inference.sample import sample_rows

EVERY_ROW = 10**9
HARMLESS = ("Another column says it", "The same in every row", "A key.", "Finer than the region")
"""Beginnings of reasons for which a definition leaves a column out that is no leak."""

_NUMBERS = (FieldType.INTEGER, FieldType.NUMBER, FieldType.BOOLEAN)
_INPUTS = (Role.FEATURE, Role.NARRATIVE)


@dataclass(frozen=True)
class Edit:
    """A place where the draft differs from the definition.

    Attributes:
        kind: ``outcome``, ``id``, ``date``, ``dropped`` (an honest column), ``leak`` (kept), ``protected``, ``role``,
            ``type`` or ``missing``.
        column: the column.
        drafted: what the draft says.
        wanted: what the definition says.
    """

    kind: str
    column: str
    drafted: str
    wanted: str


@dataclass(frozen=True)
class Drafted:
    """What drafting a set came to.

    Attributes:
        name: of the set.
        rows: that were read.
        columns: of the file.
        seconds: to read the file and to draft, once.
        asked: what the draft asked for or doubted, as sentences.
        edits: what has to be changed by hand after the answers.
    """

    name: str
    rows: int
    columns: int
    seconds: float
    asked: tuple[str, ...]
    edits: tuple[Edit, ...]


def draft_set(data_set: DataSet, source: Path) -> Drafted:
    """Draft the contract of one set and compare it with the definition."""
    wanted = parse_schema(data_set.schema(), data_set.name)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{data_set.name}.csv"
        read_frames(data_set, source).train.to_csv(path, index=False, lineterminator="\n")
        begin = perf_counter()
        sample = sample_rows(path, EVERY_ROW)
        first = draft_schema(sample.frame, data_set.name, path.name)
        seconds = perf_counter() - begin
    target = wanted.field_of(Role.TARGET)
    assert target is not None
    open_question = first.outcomes is None or first.outcomes.question
    draft = first
    if open_question:
        known = set(sample.frame[target.name])
        bad, good = ([cell for cell in cells if cell in known] for cells in (wanted.bad_values, wanted.good_values))
        stated = StatedOutcomes(tuple(bad), tuple(good))
        draft = draft_schema(sample.frame, data_set.name, path.name, target.name, stated)
    asked = [*(["which column is the outcome"] if first.outcomes is None else []), *first.missing]
    asked += [f"is {name} known at the decision" for name in draft.suspects]
    edits = tuple(_edits(draft, wanted, data_set, sample.frame))
    return Drafted(data_set.name, sample.n_rows, sample.frame.shape[1], seconds, tuple(asked), edits)


def _edits(draft: Draft, wanted: Schema, data_set: DataSet, frame: pd.DataFrame) -> Iterator[Edit]:
    drafted = {field["name"]: field for field in draft.document["fields"]}
    yield from _outcome_edits(draft, wanted)
    harmless = {name for why, names in (data_set.left_out or {}).items() if why.startswith(HARMLESS) for name in names}
    levels_kept = {guess.column.name for guess in draft.guesses if _keeps_levels(guess.column)}
    for field in wanted.fields:
        if field.name in drafted:
            cells = set(frame[field.name])
            exact = field.name in levels_kept
            yield from _column_edits(field, drafted[field.name], cells, field.name in harmless, exact)


def _outcome_edits(draft: Draft, wanted: Schema) -> Iterator[Edit]:
    target = wanted.field_of(Role.TARGET)
    assert target is not None
    if draft.outcomes is None or draft.outcomes.column != target.name:
        yield Edit("outcome", target.name, draft.outcomes.column if draft.outcomes else "none", target.name)
        return
    for kind, found, right in (
        ("bad", draft.outcomes.bad, wanted.bad_values),
        ("good", draft.outcomes.good, wanted.good_values),
    ):
        if right and set(found) != set(right) & set(draft.outcomes.counts):
            yield Edit("outcome", target.name, f"{kind}: {', '.join(found)}", f"{kind}: {', '.join(right)}")


def _keeps_levels(column: ColumnProfile) -> bool:
    """Whether a column was read as numbers with their unit, such as `` 36 months``, and no two texts as one number."""
    values = column.notation.values[np.isfinite(column.notation.values)]
    return "affixes" in column.notation.own_keys and len(np.unique(values)) == len(values)


def _column_edits(
    field: Field, drafted: dict[str, Any], cells: set[str], harmless: bool, exact: bool
) -> Iterator[Edit]:
    role, kind = Role(drafted["creditfusion"]["role"]), FieldType(drafted["type"])
    if role is not field.role:
        if field.role is Role.TARGET or (harmless and field.role is Role.IGNORED):
            return
        yield Edit(_kind_of(field.role, role), field.name, role, field.role)
    elif role is Role.FEATURE:
        same = kind is field.type or (kind in _NUMBERS and field.type in _NUMBERS)
        if not same and not exact:
            yield Edit("type", field.name, kind, field.type)
        codes = set(drafted.get("missingValues", []))
        if lacking := (set(field.missing_values) - {"", *codes}) & cells:
            yield Edit("missing", field.name, ", ".join(sorted(codes)), ", ".join(sorted(lacking)))


def _kind_of(wanted: Role, drafted: Role) -> str:
    if wanted in _INPUTS and drafted not in _INPUTS:
        return "dropped"
    if wanted in (Role.IGNORED, Role.AUXILIARY):
        return "leak" if drafted in _INPUTS else "role"
    return {Role.ID: "id", Role.DECISION_DATE: "date", Role.PROTECTED: "protected"}.get(wanted, "role")


def _is_no_edit(edit: Edit) -> bool:
    """Whether both say the same in effect: a column that takes no part, in one way or the other."""
    return edit.kind == "role" and {edit.drafted, edit.wanted} <= {
        Role.IGNORED,
        Role.AUXILIARY,
        Role.PROTECTED,
        Role.GROUP,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Draft the sets; see the module's text."""
    options = parser(__doc__)
    options.add_argument("--source", type=Path, required=True, help="folder of the sources, one folder for each")
    options.add_argument("--sets", nargs="+", default=(), help="names of sets (default: all)")
    given = options.parse_args(arguments)
    found = []
    for data_set in sets_named(given.sets):
        found.append(draft_set(data_set, given.source))
        tell(f"{data_set.name}: {len(_real(found[-1]))} edits, {len(found[-1].asked)} asked")
        for edit in _real(found[-1]):
            tell(f"  {edit.kind:10} {edit.column}: {edit.drafted} -> {edit.wanted}")
        for sentence in found[-1].asked:
            tell(f"  asked      {sentence}")
    if given.json:
        print(json.dumps([_as_dict(one) for one in found], ensure_ascii=False))
        return
    headers = ["set", "rows", "columns", "hand edits", "honest columns dropped", "leaks kept", "asked", "seconds"]
    print(markdown(headers, (_line(one) for one in found)))


def _real(found: Drafted) -> list[Edit]:
    return [edit for edit in found.edits if not _is_no_edit(edit)]


def _line(found: Drafted) -> list[str]:
    edits = _real(found)
    counts = [str(sum(edit.kind == kind for edit in edits)) for kind in ("dropped", "leak")]
    return [
        *(found.name, f"{found.rows:,}", str(found.columns), str(len(edits)), *counts),
        *(str(len(found.asked)), f"{found.seconds:.1f}"),
    ]


def _as_dict(found: Drafted) -> dict[str, object]:
    edits = [{"kind": e.kind, "column": e.column, "drafted": e.drafted, "wanted": e.wanted} for e in _real(found)]
    return {
        **{"set": found.name, "rows": found.rows, "columns": found.columns, "seconds": found.seconds},
        **{"asked": list(found.asked), "edits": edits},
    }


if __name__ == "__main__":
    main()
