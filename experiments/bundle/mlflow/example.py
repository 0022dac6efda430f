"""An invented application that keeps a data contract as far as the contract says what to keep."""

from __future__ import annotations

from datetime import datetime, timedelta

from data_schemas.contract import Schema
from data_schemas.dates import write_date
from data_schemas.fields import Field, FieldType, Role

INVENTED = "I would like to pay off my credit cards and have one payment a month."
EPOCH, DAY = datetime(1970, 1, 1), datetime(2024, 1, 15)


def example_row(schema: Schema) -> dict[str, object]:
    """A cell for every column that scoring reads, by name."""
    unread = (Role.TARGET, Role.AUXILIARY, Role.IGNORED, Role.PROTECTED)
    return {field.name: _cell(field) for field in schema.own_fields if field.role not in unread}


def _cell(field: Field) -> object:
    if field.type is FieldType.BOOLEAN:
        return True
    if field.type is FieldType.DATE:
        day = EPOCH + timedelta(days=_within(field, (DAY - EPOCH).days))
        return write_date(day, field.date_format, field.date_language)
    if field.is_numeric:
        value = _within(field, 100.0)
        return int(value) if field.type is FieldType.INTEGER else value
    if levels := field.allowed or field.categories:
        return levels[0]
    return INVENTED[: field.max_length] if field.role is Role.NARRATIVE else "EXAMPLE-1"[: field.max_length]


def _within(field: Field, value: float) -> float:
    low = value if field.minimum is None else max(value, field.minimum)
    return low if field.maximum is None else min(low, field.maximum)
