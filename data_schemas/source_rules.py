"""Rules on further sources: their tables, their keys, and what is made of their records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from data_schemas.dates import days_left_open, has_short_year
from data_schemas.places import Document, Problem, each_field, own_part, role_of, source_wording
from data_schemas.sources import APPLICATION, EVERY_SOURCE, IN_TIME, OF_ANY_VALUE, OF_NOTHING

TableRule = Callable[[Document], Iterator[Problem]]

NUMBERS = ("integer", "number", "boolean")
_ROLES = ("id", "group", "feature", "narrative", "protected", "ignored")


class _Table(NamedTuple):
    """A source with its place, and all tables by name: the sources before it, and "" for the applications'."""

    place: str
    source: Document
    before: dict[str, Document]

    @property
    def own(self) -> Document:
        return own_part(self.source)

    @property
    def name(self) -> str:
        return str(self.own["name"])

    def column(self, name: str) -> Document | None:
        """Its column of that name, where it is read."""
        return _column(self.source, name)


def _column(table: Document, name: str) -> Document | None:
    found = (field for _, field in each_field(table) if field["name"] == name and role_of(field) != "ignored")
    return next(found, None)


def source_rules(document: Document, table_rules: Iterable[TableRule]) -> Iterator[Problem]:
    """Every broken rule of the sources; ``table_rules`` are those that hold for any table."""
    before = {"": document}
    for i, source in enumerate(own_part(document).get("sources", [])):
        table = _Table(f"$.creditfusion.sources[{i}]", source, dict(before))
        if table.name.lower() in map(str.lower, before):
            what = f"two sources have the name {table.name!r}"
            yield Problem(f"{table.place}.creditfusion.name", "unique_name", what, "Rename one.")
        if table.name.lower() in (APPLICATION, f"{APPLICATION}s", EVERY_SOURCE):
            what = f"a source has the name {table.name!r}, which stands for something else in reports"
            yield Problem(f"{table.place}.creditfusion.name", "unique_name", what, "Take another name.")
        before[table.name] = source
        for problem in (problem for rule in table_rules for problem in rule(source)):
            yield problem._replace(path=table.place + problem.path.removeprefix("$"))
        for rule in (_roles, _key, _as_of, _something_made, _aggregates, _texts):
            yield from rule(table)


def made_parts(document: Document) -> Iterator[tuple[str, Document]]:
    """All that is made of the records of sources, with its JSON path; reasons as they are given, behind the wording of
    the source.
    """
    for i, source in enumerate(own_part(document).get("sources", [])):
        own = own_part(source)
        for kind in ("aggregates", "texts"):
            for k, part in enumerate(own.get(kind, [])):
                if reason := part.get("reason"):
                    wording = f"{source_wording(source)}: {reason['wording']}"
                    part = {**part, "reason": {**reason, "wording": wording}}
                yield f"$.creditfusion.sources[{i}].creditfusion.{kind}[{k}]", part


def made_numbers(document: Document) -> Iterator[str]:
    """Names of the aggregates that are numbers."""
    for source in own_part(document).get("sources", []):
        for part in own_part(source).get("aggregates", []):
            column = _column(source, part.get("of", ""))
            if part["kind"] == "distinct" or column is None or column["type"] in NUMBERS:
                yield str(part["name"])


def _roles(table: _Table) -> Iterator[Problem]:
    ids = []
    for path, field in each_field(table.source):
        role = role_of(field)
        if role not in _ROLES:
            what = f"{field['name']!r} of the source {table.name!r} has the role {role!r}"
            remedy = f"A column of a source has one of the roles {', '.join(_ROLES)}."
            yield Problem(table.place + path.removeprefix("$"), "role_in_source", what, remedy)
        ids += [field["name"]] * (role == "id")
    if len(ids) > 1:
        what = f"{', '.join(ids)} of the source {table.name!r} all have the role 'id'"
        yield Problem(f"{table.place}.fields", "one_id", what, "Keep the role for the column that names a record.")


def _key(table: _Table) -> Iterator[Problem]:
    place, through = f"{table.place}.creditfusion.key", table.own.get("through", "")
    if through not in table.before:
        what = f"the source {table.name!r} goes through {through!r}, which is no source before it"
        remedy = f"Name one of: {', '.join(filter(None, table.before)) or 'none stands before it'}; or leave it out."
        yield Problem(f"{table.place}.creditfusion.through", "source_through", what, remedy)
        return
    target, owner = table.before[through], f"the source {through!r}" if through else "the applications"
    for column, to in table.own["key"].items():
        ends = ((column, table.column(column), f"the source {table.name!r}"), (to, _any(target, to), owner))
        for name, found, whose in ends:
            if found is None:
                what = f"the key names {name!r}, which is no column of {whose}"
                yield Problem(
                    f"{place}.{column}", "source_key", what, "Name a column of it, whose role is not 'ignored'."
                )
            elif found["type"] != "string":
                what = f"the key {name!r} of {whose} is of type {found['type']!r}"
                yield Problem(f"{place}.{column}", "source_key", what, "Give it the type 'string'; its cells may stay.")
    ids = [field["name"] for _, field in each_field(target) if role_of(field) == "id"]
    if through and [*table.own["key"].values()] != ids:
        what = f"the key of {table.name!r} does not name one record of {through!r}"
        remedy = f"Tie it to the column of {through!r} that names a record, whose role is 'id'."
        yield Problem(place, "source_key", what, remedy)


def _any(table: Document, name: str) -> Document | None:
    """A column of a table that a key may name: of the applications an ignored one too."""
    return next((field for _, field in each_field(table) if field["name"] == name), None)


def _as_of(table: _Table) -> Iterator[Problem]:
    own, place = table.own, f"{table.place}.creditfusion"
    if ("date" in own) == ("undated" in own):
        what = f"the source {table.name!r} needs the date of its records, or says why they have none, not both"
        remedy = "Name the column as 'date'; or write as 'undated' why every record was known at the decision."
        yield Problem(place, "source_date", what, remedy)
        return
    if "date" not in own:
        if "lag_days" in own:
            what = f"the source {table.name!r} has a lag and no date"
            yield Problem(f"{place}.lag_days", "source_date", what, "Drop the lag, or name the date.")
        return
    column = table.column(own["date"])
    if column is None or column["type"] != "date":
        what = f"the date {own['date']!r} of the source {table.name!r} is no column of type 'date'"
        yield Problem(f"{place}.date", "source_date", what, "Name a date column of it, whose role is not 'ignored'.")
    else:
        yield from _precise_enough(table, column, place)
    if not any(role_of(field) == "decision_date" for _, field in each_field(table.before[""])):
        what = f"the source {table.name!r} is read as of the decision, but no column has the role 'decision_date'"
        yield Problem("$.fields", "source_date", what, "Give the role to the day on which the lender decides.")


def _precise_enough(table: _Table, column: Document, place: str) -> Iterator[Problem]:
    """A record of some day of a month must not count for a decision of an earlier day of that month."""
    form = column.get("format", "default")
    least = days_left_open(form)
    if table.own.get("lag_days", 0) < least:
        what = f"the date {column['name']!r} of the source {table.name!r} names no day"
        yield Problem(
            f"{place}.lag_days", "source_date", what, f"Give lag_days of at least {least}, or a date with days."
        )
    if has_short_year(form):
        what = f"the date {column['name']!r} of the source {table.name!r} has years of two digits"
        yield Problem(f"{place}.date", "source_date", what, "Write its years with four digits: 30 may be 1930 or 2030.")


def _something_made(table: _Table) -> Iterator[Problem]:
    others = own_part(table.before[""])["sources"]
    used = any(own_part(other).get("through") == table.name for other in others)
    if not (used or table.own.get("aggregates") or table.own.get("texts")):
        what = f"nothing is made of the records of {table.name!r}"
        remedy = "Declare aggregates or texts of it, or let another source go through it."
        yield Problem(f"{table.place}.creditfusion", "source_used", what, remedy)


def _aggregates(table: _Table) -> Iterator[Problem]:
    for k, part in enumerate(table.own.get("aggregates", [])):
        place = f"{table.place}.creditfusion.aggregates[{k}]"
        yield from _of(table, part, place)
        yield from _in_time(table, part, place)
        if "window_days" in part and "date" not in table.own:
            yield _undated(table, part, f"{place}.window_days")
        if part["kind"] == "share" and "where" not in part:
            what = f"{part['name']!r} is the share of the records that meet no condition"
            yield Problem(place, "aggregate_where", what, "Add 'where'; or take the kind 'count'.")
        for i, condition in enumerate(part.get("where", [])):
            yield from _condition(table, condition, f"{place}.where[{i}]")


def _of(table: _Table, part: Document, place: str) -> Iterator[Problem]:
    name, kind = part["name"], part["kind"]
    if kind in OF_NOTHING:
        if "of" in part:
            what = f"{name!r} of the kind {kind!r} is made of no column"
            yield Problem(f"{place}.of", "aggregate_of", what, "Drop it.")
        return
    types = (*NUMBERS, "string") if kind in OF_ANY_VALUE else NUMBERS
    column = table.column(part.get("of", ""))
    if column is None or column["type"] not in types or role_of(column) != "feature":
        wanted = "feature" if "string" in types else "numeric feature"
        what = f"{name!r} is made of {part.get('of')!r}, which is no {wanted}"
        fitting = [f["name"] for _, f in each_field(table.source) if f["type"] in types and role_of(f) == "feature"]
        remedy = f"Name one of: {', '.join(fitting) or 'none is declared'}."
        yield Problem(f"{place}.of", "aggregate_of", f"{what} of the source {table.name!r}", remedy)
    elif part.get("direction", "none") != "none" and column["type"] == "string" and kind != "distinct":
        what = f"{name!r} is a level and has a direction"
        yield Problem(f"{place}.direction", "key_of_type", what, "Drop it.")


def _in_time(table: _Table, part: Document, place: str) -> Iterator[Problem]:
    if part["kind"] in IN_TIME and "date" not in table.own:
        yield _undated(table, part, f"{place}.kind")


def _undated(table: _Table, part: Document, place: str) -> Problem:
    what = f"{part['name']!r} needs the date of the records, which the source {table.name!r} does not name"
    return Problem(place, "source_date", what, "Name it as 'date', or drop this.")


def _condition(table: _Table, condition: Document, place: str) -> Iterator[Problem]:
    column = table.column(condition["column"])
    types = ("string",) if "in" in condition or "not_in" in condition else NUMBERS
    if column is None or column["type"] not in types or role_of(column) not in ("feature", "group"):
        what = (
            f"a condition on {condition['column']!r}, which is no {'numeric' if types is NUMBERS else 'text'} feature"
        )
        remedy = "Levels are compared with 'in' and 'not_in', numbers with 'at_least' and 'at_most'."
        yield Problem(place, "aggregate_where", f"{what} of the source {table.name!r}", remedy)


def _texts(table: _Table) -> Iterator[Problem]:
    for k, part in enumerate(table.own.get("texts", [])):
        place = f"{table.place}.creditfusion.texts[{k}]"
        column = table.column(part["of"])
        if column is None or role_of(column) != "narrative":
            what = f"{part['name']!r} is made of {part['of']!r}, which is no narrative of the source {table.name!r}"
            yield Problem(f"{place}.of", "texts_of", what, "Name a text column of it, whose role is 'narrative'.")
        if "date" not in table.own:
            yield _undated(table, part, place)
