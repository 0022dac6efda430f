"""The groups that a protected column makes of the applicants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from data_schemas.fields import Field, FieldType
from data_schemas.messages import Message, Number, SchemaWord, Value, message
from features.arrays import Ints
from features.tables.applications import Applications

MIN_ROWS = 50
"""A smaller group is left out of comparisons."""

MAX_LEVELS = 10
"""Numbers with more distinct values than this are split at the median."""

MAX_GROUPS = 20


@dataclass(frozen=True)
class Groups:
    """Groups of applications, in the order of their values.

    Attributes:
        code: int64 (n,), the place of each row's group in ``labels``, -1 for a row without a value.
        labels: name of each group.
        how: how numbers became groups, None where the values are the groups.
    """

    code: Ints
    labels: tuple[Value, ...]
    how: Message | None = None

    @property
    def sizes(self) -> list[int]:
        """Rows of each group."""
        found: list[int] = np.bincount(self.code[self.code >= 0], minlength=len(self.labels)).tolist()
        return found

    @property
    def large(self) -> list[int]:
        """Places of the groups with ``MIN_ROWS`` rows."""
        return [at for at, n in enumerate(self.sizes) if n >= MIN_ROWS]

    @property
    def too_few(self) -> Message | None:
        """Why these groups cannot be compared; None when they can."""
        if not self.labels:
            return message("no row has a value")
        if not self.large:
            return message("no group has {n} rows", n=Number(MIN_ROWS))
        if len(self.large) == 1:
            return message("only one group has {n} rows or more", n=Number(MIN_ROWS))
        if len(self.large) > MAX_GROUPS:
            return message(
                "{n} groups are large enough, more than {most}; put some together",
                n=Number(len(self.large)),
                most=Number(MAX_GROUPS),
            )
        return None

    def levels(self) -> Ints:
        """int64 (n,): the place of each row's group in ``large``, -1 for a row of none."""
        level = np.full(len(self.code), -1, np.int64)
        for new, at in enumerate(self.large):
            level[self.code == at] = new
        return level


def groups_of(applications: Applications, field: Field) -> Groups:
    """The groups of a column: its values; for dates, and for numbers of many values, the halves below and above the
    median.
    """
    column = applications.frame[field.name]
    if not field.is_numeric and field.type is not FieldType.DATE:
        labels, code = np.unique(np.array(column, dtype=object), return_inverse=True)
        n_blank = int(list(labels[:1]) == [""])
        return Groups(code.astype(np.int64) - n_blank, tuple(map(SchemaWord, labels[n_blank:].tolist())))
    known = ~column.isna().to_numpy(np.bool_)
    if field.is_numeric:
        values, shown = column.to_numpy(np.float64), _number(field)
    else:
        values, shown = column.to_numpy("datetime64[D]").astype(np.float64), _day
    code = np.full(len(values), -1, np.int64)
    distinct, levels = np.unique(values[known], return_inverse=True)
    if not len(distinct) or (field.is_numeric and len(distinct) <= MAX_LEVELS):
        code[known] = levels
        return Groups(code, tuple(shown(value) for value in distinct.tolist()))
    middle = float(np.quantile(values[known], 0.5, method="lower"))  # one of the values, also among days
    label = shown(middle)
    if middle == distinct[-1]:
        code[known] = values[known] >= middle
        halves = (message("below {value}", value=label), message("{value} and above", value=label))
    else:
        code[known] = values[known] > middle
        halves = (message("up to {value}", value=label), message("above {value}", value=label))
    return Groups(code, halves, message("split at the median, {value}", value=label))


def _number(field: Field) -> Callable[[float], Value]:
    if field.type is FieldType.BOOLEAN:
        return lambda value: message("yes") if value else message("no")
    return lambda value: Number(value, ".10g", field.unit)


def _day(value: float) -> str:
    return str(np.datetime64(int(value), "D"))
