"""What a model's inputs look like over many rows: counts that add up, and the profile of the rows learned from.

Counts of parts of a file, added up in any order, are those of the whole, so that a file can be counted as it is read.
They hold no text of an application: of texts, and of values that are looked at for being always the same, a hash of a
few bits is counted.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from data_schemas.fields import Field, FieldType
from features.arrays import Dates, Flags, Floats, Index
from features.tables.applications import Applications
from features.tables.spelling import by_loose_key, level_codes, loose_key
from features.tabular import TabularEncoder, numeric_values

N_BUCKETS = 64
PER_DECADE = 40
TAIL = 0.001  # of the values of training lie below the range, and as many above it

_MIX = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio: multiplying by it spreads values over the top bits
_LOWEST = 400 * PER_DECADE  # no double is nearer to 0 than 1e-400


Key = TypeVar("Key", int, str)


def _added(left: Mapping[Key, int], right: Mapping[Key, int]) -> dict[Key, int]:
    return {key: left.get(key, 0) + right.get(key, 0) for key in {**left, **right}}


@dataclass(frozen=True)
class ColumnCounts:
    """Counts over some rows of one column.

    Attributes:
        rows: all rows.
        missing: rows without a value.
        strange: rows with a level that the model does not know, or a narrative that its encoder cannot read.
        outside: rows whose number lies outside the range of training.
        buckets: rows with a value, by a hash of it below ``N_BUCKETS``.
        magnitudes: rows by the magnitude of their number, floor(log10 |x| * ``PER_DECADE``); without zeros.
        spellings: rows whose unknown level is another spelling of a known one, by the known level.
        examples: the first such spelling in the order of texts, by the known level.
    """

    rows: int = 0
    missing: int = 0
    strange: int = 0
    outside: int = 0
    buckets: dict[int, int] = field(default_factory=dict)
    magnitudes: dict[int, int] = field(default_factory=dict)
    spellings: dict[str, int] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)

    def __add__(self, other: ColumnCounts) -> ColumnCounts:
        known = {*self.examples, *other.examples}
        return ColumnCounts(
            self.rows + other.rows,
            self.missing + other.missing,
            self.strange + other.strange,
            self.outside + other.outside,
            _added(self.buckets, other.buckets),
            _added(self.magnitudes, other.magnitudes),
            _added(self.spellings, other.spellings),
            {level: min(part.examples[level] for part in (self, other) if level in part.examples) for level in known},
        )

    @property
    def given(self) -> int:
        """Rows with a value."""
        return self.rows - self.missing

    @property
    def commonest(self) -> int:
        """Rows with the most frequent value, and those whose values share its bucket."""
        return max(self.buckets.values(), default=0)


@dataclass(frozen=True)
class ColumnProfile:
    """One column of the rows that a model learned from.

    Attributes:
        counts: over all these rows.
        low: the number that at most ``TAIL`` of the values lie below; None for a column without numbers.
        high: the number that at most ``TAIL`` of the values lie above; None for a column without numbers.
        levels: rows of each level that the model knows.
    """

    counts: ColumnCounts
    low: float | None = None
    high: float | None = None
    levels: dict[str, int] = field(default_factory=dict)


Counts = Mapping[str, ColumnCounts]
Profiles = Mapping[str, ColumnProfile]


def summed(left: Counts, right: Counts) -> dict[str, ColumnCounts]:
    """The counts of two batches of rows together."""
    return {name: left.get(name, ColumnCounts()) + right.get(name, ColumnCounts()) for name in {**left, **right}}


def profile_columns(applications: Applications, tabular: TabularEncoder, unread: Flags) -> Profiles:
    """The profile of every input of a model, from the rows that it learns from, as ``count_columns`` takes them."""
    values = numeric_values(applications)
    ranges = {name: _range(column) for name, column in values.items()}
    empty = {name: ColumnProfile(ColumnCounts(), *ends) for name, ends in ranges.items() if ends is not None}
    counts = count_columns(applications, tabular, empty, unread)
    profiles = {}
    for name, own in counts.items():
        low, high = ranges.get(name) or (None, None)
        profiles[name] = ColumnProfile(replace(own, examples={}), low, high, _level_rows(applications, tabular, name))
    return profiles


def count_columns(
    applications: Applications, tabular: TabularEncoder, profiles: Profiles, unread: Flags
) -> dict[str, ColumnCounts]:
    """Counts of every input over some rows: features, derived features and narratives.

    Args:
        tabular: the encoder of the columns.
        profiles: of the rows that it was fitted on, for their ranges.
        unread: bool (n, n_narratives), the narratives that the text encoder cannot read.
    """
    schema = applications.schema
    found = {name: _numbers(column, profiles.get(name)) for name, column in numeric_values(applications).items()}
    for column in schema.features:
        cells = applications.frame[column.name]
        if column.type is FieldType.STRING:
            found[column.name] = _levels(column, cells.tolist(), tabular.levels[column.name])
        elif column.type is FieldType.DATE:
            found[column.name] = _dates(cells.to_numpy("datetime64[s]"))
    for at, column in enumerate(schema.narratives):
        found[column.name] = _texts(applications.narrative(column.name), unread[:, at])
    return found


def _range(values: Floats) -> tuple[float, float] | None:
    given = np.sort(values[np.isfinite(values)])
    if not len(given):
        return None
    beyond = int(TAIL * len(given))
    return float(given[beyond]), float(given[len(given) - 1 - beyond])


def _level_rows(applications: Applications, tabular: TabularEncoder, name: str) -> dict[str, int]:
    if name not in tabular.levels:
        return {}
    levels = tabular.levels[name]
    codes = level_codes(applications.schema[name], applications.frame[name].tolist(), levels)
    rows = np.bincount(codes, minlength=len(levels) + 1)[1:].tolist()
    return dict(zip(levels, rows, strict=True))


def _numbers(values: Floats, profile: ColumnProfile | None) -> ColumnCounts:
    given = values[np.isfinite(values)]
    outside = 0
    if profile is not None and profile.low is not None and profile.high is not None:
        outside = int(np.count_nonzero((given < profile.low) | (given > profile.high)))
    sizes = np.abs(given[given != 0])
    magnitudes = np.floor(np.log10(sizes) * PER_DECADE).astype(np.intp)
    buckets = _buckets((given + 0.0).view(np.uint64))  # + 0.0: one zero, not two
    return ColumnCounts(
        len(values), len(values) - len(given), 0, outside, buckets, _counted(magnitudes + _LOWEST, -_LOWEST)
    )


def _levels(column: Field, cells: Sequence[str], levels: Sequence[str]) -> ColumnCounts:
    codes = level_codes(column, cells, levels)
    strangers = Counter(cell for cell, code in zip(cells, codes.tolist(), strict=True) if not code)
    missing = strangers.pop("", 0)
    known = by_loose_key(levels) if strangers else {}
    spelled: dict[str, list[str]] = {}
    for cell in sorted(strangers):
        if (level := known.get(loose_key(cell))) is not None:
            spelled.setdefault(level, []).append(cell)
    return ColumnCounts(
        rows=len(codes),
        missing=missing,
        strange=strangers.total(),
        buckets=_buckets(codes[codes > 0].astype(np.uint64)),
        spellings={level: sum(strangers[cell] for cell in own) for level, own in spelled.items()},
        examples={level: own[0] for level, own in spelled.items()},
    )


def _dates(days: Dates) -> ColumnCounts:
    given = days[~np.isnat(days)]
    return ColumnCounts(len(days), len(days) - len(given), buckets=_buckets(given.astype(np.int64).view(np.uint64)))


def _texts(texts: Sequence[str], unread: Flags) -> ColumnCounts:
    hashes = np.array([zlib.crc32(text.encode(errors="replace")) for text in texts if text], dtype=np.uint64)
    return ColumnCounts(len(texts), len(texts) - len(hashes), int(unread.sum()), buckets=_buckets(hashes))


def _buckets(values: npt.NDArray[np.uint64]) -> dict[int, int]:
    """How many of these values (n,) have each hash below ``N_BUCKETS``."""
    mixed = (values ^ (values >> np.uint64(32))) * _MIX
    return _counted((mixed >> np.uint64(58)).astype(np.intp), 0)


def _counted(values: Index, shift: int) -> dict[int, int]:
    """How often each of some whole numbers from 0 up occurs, by the number plus ``shift``."""
    counts = np.bincount(values)
    kept = np.flatnonzero(counts)
    return dict(zip((kept + shift).tolist(), counts[kept].tolist(), strict=True))
