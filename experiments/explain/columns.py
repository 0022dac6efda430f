"""The columns of a schema by name, derived features among them."""

from __future__ import annotations

from data_schemas.contract import Schema
from data_schemas.fields import Derived, Field, FieldType

Column = Field | Derived


def columns_of(schema: Schema) -> dict[str, Column]:
    """Every column of a schema, derived ones included, by name."""
    columns: tuple[Column, ...] = (*schema.fields, *schema.derived)
    return {column.name: column for column in columns}


def is_of_type(column: Column, type_: FieldType) -> bool:
    """Whether a column is a field of this type; a derived feature is none."""
    return isinstance(column, Field) and column.type is type_
