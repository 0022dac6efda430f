"""Checking rows of text against the contract: typed columns, and the first broken rule of each row that breaks one.

Written on Arrow's string kernels rather than on pandera: a pandera schema validates frames that are already typed, so
the parsing, where most damage shows, would stay here; its lazy reports build a frame of failures per check; and its
messages name the check, not the remedy. Every step below looks at one cell at a time, so a row's values never depend
on the rows read with it.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from data_schemas.contract import Schema
from data_schemas.dates import has_short_year, read_date, write_date
from data_schemas.fields import Field, FieldType, Role
from data_schemas.levels import FLAGS, TRUTHS, level_key
from data_schemas.numbers import PLAIN, NumberNotation
from features.arrays import Flags, Floats
from features.tables.dates import Days, century_before
from features.tables.number_cells import read_numbers, unit_of
from features.tables.placeholders import placeholders
from features.tables.spelling import as_listed, composed

Level = TypeVar("Level", bound=np.generic)

_WITH_THOUSANDS = re.compile(r"[+-]?\d{1,3}([,.'\u00a0\u202f ]\d{3})+([.,]\d+)?")
_TRUE = ("true", "True", "TRUE", "1", "1.0")  # as Frictionless has them, and as floats
_FALSE = ("false", "False", "FALSE", "0", "0.0")
_DAY = 86_400  # seconds


class Breach(NamedTuple):
    """The first broken rule of one row.

    Attributes:
        position: of the row.
        column: name of the column.
        rule: name of the rule.
        message: what is wrong and what to do.
    """

    position: int
    column: str
    rule: str
    message: str


class _Rule(NamedTuple):
    """A rule of one column.

    Attributes:
        name: of the rule.
        broken: bool (n,), the rows that break it.
        message: from the text of a cell to what is wrong with it and what to do.
    """

    name: str
    broken: Flags
    message: Callable[[str], str]


class _Column(NamedTuple):
    """A typed column (float64, datetime64[s] or str objects) with its rules, in the order in which they are checked."""

    values: npt.NDArray[np.generic]
    rules: list[_Rule]


class Checked(NamedTuple):
    """Columns after the checks.

    Attributes:
        columns: typed as ``Applications`` wants them, broken rows still in place.
        breaches: the first broken rule of each broken row, by position.
        unreadable: bool (n,) of each auxiliary column, and of a target that is not needed: its cells that break a rule,
            and are missing in ``columns``.
        undecided: bool (n,), the rows whose target cell says that there is no outcome yet.
    """

    columns: dict[str, npt.NDArray[np.generic]]
    breaches: list[Breach]
    unreadable: dict[str, Flags]
    undecided: Flags


def check(cells: Mapping[str, pa.Array], schema: Schema, *, need_outcome: bool = True) -> Checked:
    """Type the columns, and find the first broken rule of each broken row.

    Columns are checked in the order of ``cells``, and each for its type, then ``required``, the bounds, ``enum``,
    ``pattern`` and ``maxLength``. A target cell, where the column is given, must be bad, good or undecided. No row is
    lost to an auxiliary column: a cell of it that breaks a rule counts as missing.

    Args:
        cells: text of each column, equally long; null is a missing cell.
        need_outcome: whether a row without a good or bad outcome is undecided or broken; else its target is missing.
    """
    columns: dict[str, npt.NDArray[np.generic]] = {}
    breaches: dict[int, Breach] = {}
    unreadable: dict[str, Flags] = {}
    decided = _decided(cells, schema)
    undecided = np.zeros(len(next(iter(cells.values()), ())), dtype=np.bool_)
    for name, text in cells.items():
        field = schema[name]
        values, rules = _column(field, text, schema, decided)
        columns[name] = values
        if field.role is Role.TARGET:
            undecided = _undecided(field, text, schema)
        if field.role is Role.AUXILIARY or (field.role is Role.TARGET and not need_outcome):
            empty_counts = field.role is Role.AUXILIARY
            broken = [rule.broken for rule in rules if empty_counts or rule.name != "required"]
            unreadable[name] = np.logical_or.reduce(broken)
            values[unreadable[name]] = missing_value(field)
            continue
        for rule in rules:
            for position in np.flatnonzero(rule.broken).tolist():
                if position not in breaches:
                    breaches[position] = Breach(position, name, rule.name, rule.message(text[position].as_py() or ""))
    found = [breaches[position] for position in sorted(breaches)]
    if not need_outcome and (target := schema.field_of(Role.TARGET)) is not None and target.name in columns:
        columns[target.name][undecided] = missing_value(target)
        undecided = np.zeros_like(undecided)
    return Checked(columns, found, unreadable, undecided)


def missing_value(field: Field) -> float | np.datetime64 | str:
    """What stands for a missing cell in a typed column: NaN, NaT or ""."""
    if field.is_numeric:
        return float("nan")
    return np.datetime64("NaT", "s") if field.type is FieldType.DATE else ""


def _column(field: Field, text: pa.Array, schema: Schema, decided: Days | None) -> _Column:
    present = _present(field, text)
    open_cells = _undecided(field, text, schema) if field.role is Role.TARGET else np.zeros(len(text), dtype=np.bool_)
    if field.role is Role.TARGET and field.is_numeric:  # they need not be numbers
        present = pc.if_else(pa.array(open_cells), None, present)
    missing = pc.is_null(present)
    if field.is_numeric:
        if field.type is FieldType.BOOLEAN:
            values, rules = _booleans(present)
        else:
            numbers, present = _without_codes(field, present)
            missing = pc.is_null(present)
            values, rules = _numbers(field, present, numbers)
    elif field.type is FieldType.DATE:
        values, rules = _dates(field, present, decided if _century_is_open(field) else None)
    else:
        values, rules = _texts(field, _listed_spelling(field, present, schema), schema)
    if field.required or field.role is Role.TARGET:
        empty = _Rule("required", _mask(missing) & ~open_cells, lambda _: "the cell is empty. Fill it in")
        rules = [*rules[:1], empty, *rules[1:]]
    return _Column(values, rules)


def _present(field: Field, text: pa.Array) -> pa.Array:
    """The cells, trimmed but in narratives; null where they are missing or, in a narrative, hold no text."""
    trimmed = pc.utf8_trim_whitespace(text)
    if field.role not in (Role.ID, Role.NARRATIVE):
        trimmed = composed(trimmed)
    codes = pa.array(("", *field.missing_values), pa.string())
    missing = pc.or_kleene(pc.is_null(trimmed), pc.is_in(trimmed, value_set=codes))
    if field.role is Role.NARRATIVE:
        missing = pc.or_(missing, pa.array(placeholders(text)))
    return pc.if_else(missing, None, text if field.role is Role.NARRATIVE else trimmed)


def _undecided(field: Field, text: pa.Array, schema: Schema) -> Flags:
    """Which cells of the target, as written, say that there is no outcome yet."""
    cells = _listed_spelling(field, composed(pc.fill_null(pc.utf8_trim_whitespace(text), "")), schema)
    values = pa.array(schema.undecided_values, pa.string())
    listed = _mask(pc.is_in(cells, value_set=values))
    if not field.is_numeric:
        return listed
    codes = read_numbers(values, field.number)
    return listed | np.isin(read_numbers(cells, field.number), codes[np.isfinite(codes)])


def _mask(array: pa.Array) -> Flags:
    """An Arrow boolean array as a mask; null counts as false."""
    mask: Flags = pc.fill_null(array, False).to_numpy(zero_copy_only=False)
    return mask


def _numbers(field: Field, present: pa.Array, values: Floats) -> _Column:
    given = _mask(pc.is_valid(present))
    wrong = given & ~np.isfinite(values)
    values[wrong] = np.nan
    rules = [_Rule("type", wrong, functools.partial(_no_number, field.number))]
    if field.type is FieldType.INTEGER:
        rules.append(_Rule("type", given & ~wrong & (values != np.floor(values)), _no_integer))
    return _Column(values, [*rules, *_bounds(field, values, lambda bound: f"{bound:g}")])


def _without_codes(field: Field, present: pa.Array) -> tuple[Floats, pa.Array]:
    """The cells' numbers and the cells, without those that are a code for "missing" written another way, as -9.0 for
    the code -9.
    """
    values = read_numbers(present, field.number)
    codes = read_numbers(pa.array(field.missing_values, pa.string()), field.number)
    codes = codes[np.isfinite(codes)]
    again = np.isin(values, codes) if len(codes) else np.zeros(0, dtype=np.bool_)
    if again.any():
        values[again] = np.nan
        present = pc.if_else(pa.array(again), None, present)
    return values, present


def _booleans(present: pa.Array) -> _Column:
    values = np.full(len(present), np.nan)
    values[_mask(pc.is_in(present, value_set=pa.array(_TRUE)))] = 1.0
    values[_mask(pc.is_in(present, value_set=pa.array(_FALSE)))] = 0.0
    wrong = _mask(pc.is_valid(present)) & np.isnan(values)
    return _Column(
        values, [_Rule("type", wrong, lambda cell: f"{_quoted(cell)} is not true or false. Write one of them")]
    )


def _century_is_open(field: Field) -> bool:
    """Whether years have two digits, and lie before the decision because of what the column is for."""
    return has_short_year(field.date_format) and field.role in (Role.FEATURE, Role.PROTECTED)


def _decided(cells: Mapping[str, pa.Array], schema: Schema) -> Days | None:
    """The decision dates, where they are given and a column needs them to know its century."""
    field = schema.field_of(Role.DECISION_DATE)
    dates = (schema[name] for name in cells if schema[name].type is FieldType.DATE)
    if field is None or field.name not in cells or not any(map(_century_is_open, dates)):
        return None
    return _days(field, _present(field, cells[field.name]))


def _days(field: Field, present: pa.Array) -> Days:
    coded = present.dictionary_encode()
    days = [read_date(text, field.date_format, field.date_language) for text in coded.dictionary.to_pylist()]
    return _decode(coded, np.array(days, dtype="datetime64[s]"), np.datetime64("NaT", "s"))


def _dates(field: Field, present: pa.Array, decided: Days | None) -> _Column:
    values = _days(field, present)
    if decided is not None:
        values = century_before(values, decided)
    wrong = _mask(pc.is_valid(present)) & np.isnat(values)
    example = write_date(dt.datetime(2024, 12, 31), field.date_format, field.date_language)

    def no_date(cell: str) -> str:
        return f"{_quoted(cell)} is not a date of the form {field.date_format}. Write a day that exists, as {example}"

    in_days = np.where(np.isnat(values), np.nan, values.astype(np.int64) // _DAY)
    limits = _bounds(field, in_days, lambda bound: str(np.datetime64(int(bound), "D")))
    return _Column(values, [_Rule("type", wrong, no_date), *limits])


def _bounds(field: Field, values: Floats, write: Callable[[float], str]) -> Iterator[_Rule]:
    if field.minimum is not None:
        low = f"is below the minimum {write(field.minimum)}. Correct it, or lower the schema's minimum"
        yield _Rule("minimum", values < field.minimum, lambda cell: f"{_quoted(cell)} {low}")
    if field.maximum is not None:
        high = f"is above the maximum {write(field.maximum)}. Correct it, or raise the schema's maximum"
        yield _Rule("maximum", values > field.maximum, lambda cell: f"{_quoted(cell)} {high}")


def _texts(field: Field, present: pa.Array, schema: Schema) -> _Column:
    if field.role in (Role.NARRATIVE, Role.ID):
        values = pc.fill_null(present, "").to_numpy(zero_copy_only=False)
    else:  # levels repeat: one string object per level keeps the frame small
        coded = present.dictionary_encode()
        values = _decode(coded, coded.dictionary.to_numpy(zero_copy_only=False), "")
    return _Column(values, list(_text_rules(field, present, schema)))


def _listed_spelling(field: Field, cells: pa.Array, schema: Schema) -> pa.Array:
    """The cells with the schema's own spelling of a level, where they are another spelling of it."""
    if field.role is not Role.TARGET and not (field.categories or field.allowed):
        return cells
    coded = cells.dictionary_encode()
    levels = pa.array(as_listed(field, schema, coded.dictionary.to_pylist()), pa.string())
    if levels.equals(coded.dictionary):
        return cells
    return pa.DictionaryArray.from_arrays(coded.indices, levels).dictionary_decode()


def _text_rules(field: Field, present: pa.Array, schema: Schema) -> Iterator[_Rule]:
    given = _mask(pc.is_valid(present))
    nul = _mask(pc.match_substring(present, "\0"))  # from Parquet; in CSV the record is rejected before
    yield _Rule("nul", nul, lambda _: "the cell holds a NUL character. Write the row again from its source")
    if field.allowed:
        levels = _listed(field.allowed)
        strange = given & ~_mask(pc.is_in(present, value_set=pa.array(field.allowed)))
        yield _Rule("enum", strange, lambda cell: f"{_quoted(cell)} is not one of {levels}. Write one of them")
    if field.pattern is not None:
        coded = present.dictionary_encode()
        regex = re.compile(field.pattern)
        misfit = np.array([regex.fullmatch(text) is None for text in coded.dictionary.to_pylist()], dtype=np.bool_)
        form = f"does not have the form {field.pattern}. Correct it, or the schema's pattern"
        yield _Rule("pattern", _decode(coded, misfit, False), lambda cell: f"{_quoted(cell)} {form}")
    if field.max_length is not None:
        too_long = _mask(pc.greater(pc.utf8_length(present), field.max_length))
        limit = f"the schema allows {field.max_length:,}. Shorten it, or raise the schema's maxLength"
        yield _Rule("maxLength", too_long, lambda cell: f"the cell has {len(cell):,} characters, {limit}")
    if field.role is Role.TARGET:
        known = (*schema.bad_values, *schema.good_values, *schema.undecided_values)
        if schema.good_values:
            strange = given & ~_mask(pc.is_in(present, value_set=pa.array(known)))
            outcomes = (
                f"is neither bad nor good; the schema knows {_listed(known)}. List it in the schema's bad_values or "
                "good_values, or in undecided_values where the outcome is open"
            )
            yield _Rule("target", strange, lambda cell: f"{_quoted(cell)} {outcomes}")
        else:
            yield _Rule("target", _in_other_words(present, known), functools.partial(_other_words, known))


def _in_other_words(present: pa.Array, known: tuple[str, ...]) -> Flags:
    """bool (n,): cells of an outcome whose good values are not listed that are flags where no listed value is one, or
    numbers where all are the words true and false: a column coded in another way has no bad outcome to be found.
    """
    keys = {level_key(level) for level in known if level}
    coded = present.dictionary_encode()
    flags_known, words_alone = bool(keys & FLAGS), keys <= TRUTHS
    other = [
        level not in known
        and ((level in TRUTHS and not flags_known) or (words_alone and level not in FLAGS and level.isdecimal()))
        for level in map(level_key, coded.dictionary.to_pylist())
    ]
    return _decode(coded, np.array(other, dtype=np.bool_), False)


def _other_words(known: tuple[str, ...], cell: str) -> str:
    return (
        f"{_quoted(cell)} is written in another way than the outcomes that the schema knows, {_listed(known)}. List it "
        "in the schema's bad_values or good_values"
    )


def _decode(
    coded: pa.DictionaryArray, levels: npt.NDArray[Level], missing: str | bool | np.datetime64
) -> npt.NDArray[Level]:
    """The level of every row, and ``missing`` where the row has none."""
    if not len(levels):
        return np.full(len(coded), missing, dtype=levels.dtype)
    codes = pc.fill_null(coded.indices, 0).to_numpy(zero_copy_only=False)
    values: npt.NDArray[Level] = levels[codes]
    values[_mask(pc.is_null(coded.indices))] = missing
    return values


def _quoted(cell: str) -> str:
    """The cell for a message, short and on one line."""
    return repr(cell if len(cell) <= 40 else cell[:40] + "…")


def _listed(levels: tuple[str, ...]) -> str:
    more = f" and {len(levels) - 10} more" if len(levels) > 10 else ""
    return ", ".join(repr(level) for level in levels[:10]) + more


def _no_number(notation: NumberNotation, cell: str) -> str:
    no_number = f"{_quoted(cell)} is not a number"
    if notation != PLAIN:
        example = f"Write it as {notation.example()}, or correct what the schema says of the column's marks and affixes"
        return f"{no_number} of the form that the schema gives the column. {example}"
    if _WITH_THOUSANDS.fullmatch(cell.strip()):
        remedy = (
            "Write it with a decimal point and without thousands separators, or name them in the schema's groupChar"
        )
        return f"{no_number}: it has thousands separators. {remedy} and decimalChar"
    if re.fullmatch(r"[+-]?[\d.]+(e[+-]?\d+)?", cell.strip(), re.IGNORECASE | re.ASCII):
        return f"{_quoted(cell)} is too large for a number. Correct it"
    if beside := unit_of(cell):
        remedy = f"Write the number alone, or set bareNumber to false in the schema and list {beside!r} in its affixes"
        return f"{no_number}: {beside!r} stands beside it. {remedy}"
    return f"{no_number}. Correct it, or list it in the schema's missingValues if it means missing"


def _no_integer(cell: str) -> str:
    return f"{_quoted(cell)} is not a whole number. Correct it, or give the column the type number"


def typed_frame(columns: Mapping[str, npt.NDArray[np.generic]], keep: Flags) -> pd.DataFrame:
    """The kept rows as the frame of ``Applications``: float64, datetime64[s] or str objects."""
    index = pd.RangeIndex(int(keep.sum()))
    return pd.DataFrame({name: pd.Series(values[keep], index, values.dtype) for name, values in columns.items()}, index)
