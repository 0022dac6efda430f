"""Which columns of a table are read for a join, and under which names they stand in the database of the join."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from data_schemas.contract import Schema, Source
from data_schemas.fields import Field, FieldType, Role


def column(contract: Schema, name: str) -> str:
    """Name of a column in the database: by its place, since names there do not tell capitals from small letters."""
    return f"c{[field.name for field in contract.fields].index(name)}"


def sql_type(field: Field) -> str:
    """Type of a column in the database; a date is seconds since 1970-01-01."""
    if field.is_numeric:
        return "DOUBLE"
    return "BIGINT" if field.type is FieldType.DATE else "VARCHAR"


def read_fields(contract: Schema) -> tuple[Field, ...]:
    """The columns that are read."""
    return tuple(field for field in contract.fields if field.role is not Role.IGNORED)


def of_applications(schema: Schema, sources: tuple[Source, ...]) -> Schema:
    """The contract by which applications are read for their keys and, where a source is dated, their decision dates.

    All other columns are ignored, and no cell is required: the rows are checked when they are read as applications.
    """
    roles = {name: Role.ID for source in sources if not source.link.through for name in source.link.to}
    decided = schema.field_of(Role.DECISION_DATE)
    if decided is not None and any(source.as_of.date for source in schema.sources):
        roles[decided.name] = Role.FEATURE
    fields = tuple(
        replace(field, role=roles.get(field.name, Role.IGNORED), required=False, pattern=None, allowed=())
        for field in schema.fields
    )
    return replace(schema, fields=fields, derived=(), sources=(), facts=(), contradictions=())


def of_records(source: Source) -> Schema:
    """The contract by which the records of a source are read: only columns from which something is made.

    Keys and ids are read as ids are, and required.
    """
    keys = {*source.link.columns, *(field.name for field in source.contract.fields_of(Role.ID))}
    wanted = set(_made_of(source))

    def as_read(field: Field) -> Field:
        if field.name in keys:
            return replace(field, role=Role.ID, required=True)
        if field.name not in wanted:
            return replace(field, role=Role.IGNORED)
        return field if field.role is Role.NARRATIVE else replace(field, role=Role.FEATURE)

    return replace(source.contract, fields=tuple(map(as_read, source.contract.fields)), derived=())


def _made_of(source: Source) -> Iterator[str]:
    """Names of the columns that aggregates, texts and the as-of rule need."""
    yield source.as_of.date
    for aggregate in source.aggregates:
        yield aggregate.of
        yield from (condition.column for condition in aggregate.where)
    yield from (texts.of for texts in source.texts)
