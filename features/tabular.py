"""Structured columns to arrays: numbers and derived features as float32, levels as codes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from data_schemas.contract import Schema
from data_schemas.fields import Derived, DerivedKind, Direction, Field, FieldType
from data_schemas.sources import EVERY_SOURCE
from features.arrays import Floats, Floats32
from features.design import InputGroup, TabularBlock
from features.tables.applications import Applications
from features.tables.spelling import level_codes, loose_key

MIN_LEVEL_ROWS = 5
"""Rows that must show a level for it to get a code of its own, where the schema does not list the levels."""

_YEAR = np.timedelta64(31_557_600, "s")  # 365.25 days
_SIGN = {Direction.RISING: 1, Direction.FALLING: -1, Direction.NONE: 0}

Column = Field | Derived
Numbers = TypeVar("Numbers", Floats, Floats32)


def measured(column: Column, x: Numbers) -> Numbers:
    """(n,): the values of a numeric column, NaN in place of those that stand for no number (``Field.labels``)."""
    if not isinstance(column, Field) or not column.labels:
        return x
    return np.where(np.isin(x, np.array([value for value, _ in column.labels], dtype=x.dtype)), x.dtype.type(np.nan), x)


@dataclass(frozen=True)
class TabularEncoder:
    """Turns the structured columns of applications into arrays, each row by itself.

    Numeric columns are the schema's numeric features in file order, then its derived features. Level columns are its
    text features; dates enter through derived features only.

    Attributes:
        schema: of the applications.
        levels: for each text feature its known levels, sorted; level i has code i + 1, and 0 is unknown or missing.
        fill: median of each numeric column without a missing value in training. A model trained so has learned nothing
            about missing values there, so they are filled with the median; elsewhere missing stays NaN.
    """

    schema: Schema
    levels: dict[str, tuple[str, ...]]
    fill: dict[str, float]

    @staticmethod
    def fit(applications: Applications, min_rows: int = MIN_LEVEL_ROWS) -> TabularEncoder:
        """Learn the levels of the text features: the schema's categories where it lists them (or its ``enum``), else
        those of at least ``min_rows`` rows.
        """
        levels = {}
        for field in _level_fields(applications.schema):
            known = field.categories or field.allowed
            if not known:
                counts = _level_counts(field, applications.frame[field.name])
                known = tuple(level for level, n_rows in counts.items() if level and n_rows >= min_rows)
            levels[field.name] = tuple(sorted(known))
        encoded = TabularEncoder(applications.schema, levels, {}).encode(applications)
        complete = np.isfinite(encoded.x_num).all(axis=0) & (len(encoded) > 0)
        fill = {encoded.num_names[i]: float(np.median(encoded.x_num[:, i])) for i in np.flatnonzero(complete)}
        return TabularEncoder(applications.schema, levels, fill)

    @property
    def numeric(self) -> tuple[Column, ...]:
        """The numeric columns: what each stands for, in the order of ``x_num``."""
        return (*(field for field in self.schema.features if field.is_numeric), *self.schema.derived)

    @property
    def num_names(self) -> tuple[str, ...]:
        """Names of the columns of ``x_num``."""
        return tuple(column.name for column in self.numeric)

    @property
    def cat_names(self) -> tuple[str, ...]:
        """Names of the columns of ``x_cat``."""
        return tuple(self.levels)

    @property
    def n_levels(self) -> tuple[int, ...]:
        """Number of codes of each column of ``x_cat``, the 0 included."""
        return tuple(len(known) + 1 for known in self.levels.values())

    @property
    def monotone(self) -> tuple[int, ...]:
        """Direction of risk per column of ``x_num``: +1 rising, -1 falling, 0 left to the model."""
        return tuple(_SIGN[column.direction] for column in self.numeric)

    @property
    def sources(self) -> tuple[InputGroup, ...]:
        """The inputs that hang on each source of the schema, in the schema's order; none for a source that gives none.
        Where there are several, those of all of them stand behind, as ``EVERY_SOURCE``. A derived feature hangs on
        every source of which it is made.
        """
        single = [self._made_of(one.name, {one.name}) for one in self.schema.sources]
        giving = [group for group in single if group.columns or group.narratives]
        if len(giving) > 1:
            giving.append(self._made_of(EVERY_SOURCE, {one.name for one in self.schema.sources}))
        return tuple(giving)

    def _made_of(self, name: str, sources: Set[str]) -> InputGroup:
        schema = self.schema
        columns = tuple(one for one in (*self.num_names, *self.cat_names) if sources & {*schema.sources_of(one)})
        texts = tuple(one.name for one in schema.narratives if one.source in sources)
        return InputGroup(name, columns, texts, {one: self.fill[one] for one in columns if one in self.fill})

    def encode(self, applications: Applications) -> TabularBlock:
        """The arrays of these applications; raises KeyError when a feature is not among their columns."""
        values = numeric_values(applications)
        x_num = np.empty((len(applications), len(self.numeric)), dtype=np.float32)
        with np.errstate(over="ignore"):
            for i, name in enumerate(self.num_names):
                x_num[:, i] = values[name]
        x_num[~np.isfinite(x_num)] = np.nan  # beyond float32
        for name, median in self.fill.items():
            column = x_num[:, self.num_names.index(name)]
            column[np.isnan(column)] = median
        x_cat = np.zeros((len(applications), len(self.levels)), dtype=np.int32)
        for i, (name, levels) in enumerate(self.levels.items()):
            x_cat[:, i] = level_codes(self.schema[name], applications.frame[name].tolist(), levels)
        return TabularBlock(x_num, x_cat, self.num_names, self.cat_names, self.n_levels)

    def to_json(self) -> dict[str, Any]:
        """What ``from_json`` needs beside the schema, as JSON types."""
        return {"levels": {name: list(levels) for name, levels in self.levels.items()}, "fill": dict(self.fill)}

    @staticmethod
    def from_json(document: Mapping[str, Any], schema: Schema) -> TabularEncoder:
        """The encoder that gave this document; raises ValueError when it does not fit the schema."""
        levels = {str(name): tuple(str(level) for level in known) for name, known in document["levels"].items()}
        wanted = [field.name for field in _level_fields(schema)]
        if sorted(levels) != sorted(wanted):
            raise ValueError(f"the encoder has levels for {sorted(levels)}, the schema's text features are {wanted}")
        fill = {str(name): float(median) for name, median in document["fill"].items()}
        encoder = TabularEncoder(schema, {name: levels[name] for name in wanted}, fill)
        if strangers := sorted(set(fill) - set(encoder.num_names)):
            raise ValueError(f"the encoder fills {strangers}, which are no numeric columns of the schema")
        return encoder


def _level_counts(field: Field, cells: Iterable[str]) -> Mapping[str, int]:
    """Rows of every level; where the field is matched loosely, those of all spellings count for the most frequent."""
    counts = Counter(cells)
    if not field.loose:
        return counts
    spellings: dict[str, Counter[str]] = {}
    for level, n_rows in counts.items():
        spellings.setdefault(loose_key(level), Counter())[level] = n_rows
    return {min(own, key=lambda level: (-own[level], level)): own.total() for own in spellings.values()}


def _level_fields(schema: Schema) -> tuple[Field, ...]:
    return tuple(field for field in schema.features if field.type is FieldType.STRING)


def numeric_values(applications: Applications) -> dict[str, Floats]:
    """float64 (n,) of every numeric feature and derived feature, NaN = missing or not to be computed."""
    frame, schema = applications.frame, applications.schema
    values = {field.name: frame[field.name].to_numpy(np.float64) for field in schema.features if field.is_numeric}
    for derived in schema.derived:
        first, second = derived.of
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            if derived.kind is DerivedKind.YEARS_BETWEEN:
                span = frame[second].to_numpy("datetime64[s]") - frame[first].to_numpy("datetime64[s]")
                result = span / _YEAR
            elif derived.kind is DerivedKind.RATIO:
                result = values[first] / values[second]
            else:
                result = values[first] - values[second]
        values[derived.name] = np.where(np.isfinite(result), result, np.nan)
    return values
