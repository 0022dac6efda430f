"""A schema beside rows of the file that it is for: what each column holds, and what is to be decided about it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from markupsafe import Markup

from data_schemas.contract import Schema
from data_schemas.fields import Derived, Field, FieldType, Role
from data_schemas.unfinished import Unfinished, unfinished
from experiments.reporting.language import current_language, gettext, gettext_noop, ngettext
from experiments.reporting.page import render
from experiments.reporting.words import listed, number, of_one, percent
from experiments.schema.review.content import (
    ColumnReview,
    Distribution,
    Doubt,
    OutcomeLevel,
    Reading,
    SchemaReview,
)
from experiments.schema.review.distribution import distribution, lengths, plain
from experiments.schema.review.doubts import Evidence, doubts, why
from features.arrays import Floats
from features.inference.leakage import MIN_ROWS, single_auc
from features.inference.profile import profile
from features.inference.sample import FileSample
from features.tables.number_cells import read_numbers
from features.text.scripts import language_of

GRADES = {
    "alarm": gettext_noop("look now"),
    "concern": gettext_noop("decide"),
    "note": gettext_noop("confirm"),
    "good": gettext_noop("in order"),
}
NAMES = (
    *(gettext_noop("feature"), gettext_noop("narrative"), gettext_noop("target"), gettext_noop("decision date")),
    *(gettext_noop("id"), gettext_noop("group"), gettext_noop("protected"), gettext_noop("ignored")),
    *(gettext_noop("auxiliary"), gettext_noop("string"), gettext_noop("integer"), gettext_noop("number")),
    *(gettext_noop("boolean"), gettext_noop("date"), gettext_noop("bad"), gettext_noop("good")),
    *(gettext_noop("undecided"), gettext_noop("unknown")),
)
"""Roles, types and readings of an outcome, as the page names them."""
LANGUAGES = (
    *(gettext_noop("Latin script"), gettext_noop("Cyrillic script"), gettext_noop("Arabic script")),
    *(gettext_noop("Chinese"), gettext_noop("Japanese"), gettext_noop("Korean"), gettext_noop("Thai")),
)
"""What the words of texts are called, where their script tells it."""
N_SAMPLES = 4
N_TEXTS = 2_000  # texts whose language is looked at
_ORDER = ("alarm", "concern", "note", "good")
_FIRST = ("target", "decision date", "id", "feature", "narrative")
_NOT_EVALUATED = (Role.ID, Role.TARGET, Role.GROUP)


@dataclass(frozen=True)
class Beside:
    """A schema and a sample of the rows of a file.

    Attributes:
        schema: the schema.
        schema_file: its path.
        data_file: path of the file.
        sample: rows drawn from it.
        made_on: day on the page.
    """

    schema: Schema
    schema_file: Path
    data_file: Path
    sample: FileSample
    made_on: date


def review_html(review: SchemaReview) -> str:
    """The page, self-contained."""
    extra = {
        "grades": {grade: gettext(words) for grade, words in GRADES.items()},
        "counts": Counter(column.grade for column in review.columns),
        "n_inputs": sum(column.role in (Role.FEATURE, Role.NARRATIVE) for column in review.columns),
        "numbers": {column.name: number for number, column in enumerate(review.columns, 1)},
        "guess": Markup("<code>guess</code>"),
        "target": next((column.name for column in review.columns if column.role == Role.TARGET), ""),
    }
    return render("review.html.j2", review, extra, language=current_language())


def review_of(beside: Beside) -> SchemaReview:
    """What a review of the schema comes to."""
    schema, frame = beside.schema, beside.sample.frame
    notes, open_points = _notes(schema), unfinished(schema)
    target = schema.field_of(Role.TARGET)
    bad = (
        _outcomes(frame[target.name], target, schema)
        if target and target.name in frame
        else np.full(len(frame), np.nan)
    )
    cards = []
    for field in schema.own_fields:
        if field.name in frame:
            cells = frame[field.name].str.strip()
            column = profile(field.name, cells.where(~cells.isin(field.missing_values), ""))
            is_evaluated = field.role not in _NOT_EVALUATED and column.n_present and np.isfinite(bad).sum() >= MIN_ROWS
            strength = single_auc(column, bad) if is_evaluated else None
            found = Evidence(field, column, notes.get(field.name, ""), strength)
            cards.append(_card(found, schema, open_points, bad))
    return SchemaReview(
        title=gettext(schema.title),
        schema_file=beside.schema_file.name,
        data_file=beside.data_file.name,
        made_on=beside.made_on,
        n_rows=beside.sample.n_rows,
        n_sampled=len(frame),
        outcome=tuple(_outcome_levels(frame[target.name], target, schema)) if target and target.name in frame else (),
        notices=tuple(_notices(beside, target, bad)),
        columns=tuple(sorted(cards, key=_gravity)),
    )


def _gravity(card: ColumnReview) -> tuple[int, int]:
    """What sorts cards: the grade; within it what everything else stands on, then inputs, then the rest."""
    return _ORDER.index(card.grade), _FIRST.index(card.role) if card.role in _FIRST else len(_FIRST)


def _notes(schema: Schema) -> dict[str, str]:
    """The notes of ``schema infer``, by column."""
    fields = json.loads(schema.source)["fields"]
    return {field["name"]: field["creditfusion"].get("guess", "") for field in fields}


def _readings(cells: pd.Series[str], target: Field, schema: Schema) -> Mapping[str, Reading]:
    """What each distinct cell of the outcome that is not empty counts as."""
    levels = [str(cell) for cell in cells.str.strip().unique() if cell]
    if schema.bad_if is None:
        return {level: _reading(level, schema) for level in levels}
    numbers = read_numbers(pa.array(levels, pa.string()), target.number)
    readings: dict[str, Reading] = {}
    for level, is_bad, is_number in zip(levels, schema.bad_if.met(numbers), np.isfinite(numbers), strict=True):
        undecided = level in schema.undecided_values
        readings[level] = "undecided" if undecided else "bad" if is_bad else "good" if is_number else "unknown"
    return readings


def _reading(cell: str, schema: Schema) -> Reading:
    if cell in schema.bad_values:
        return "bad"
    if cell in schema.undecided_values:
        return "undecided"
    return "good" if cell in schema.good_values or not schema.good_values else "unknown"


def _outcomes(cells: pd.Series[str], target: Field, schema: Schema) -> Floats:
    """float64 (n,): 1 bad, 0 good, NaN neither."""
    value = {"bad": 1.0, "good": 0.0}
    known = {cell: value.get(reading, np.nan) for cell, reading in _readings(cells, target, schema).items()}
    return np.array([known.get(str(cell), np.nan) for cell in cells.str.strip()], dtype=np.float64)


def _outcome_levels(cells: pd.Series[str], target: Field, schema: Schema) -> Iterator[OutcomeLevel]:
    """The outcome's values, the commonest first; numbers by the threshold that divides them."""
    readings, rows = _readings(cells, target, schema), Counter[tuple[str, Reading]]()
    named = {} if schema.bad_if is None else {"bad": str(schema.bad_if), "good": str(schema.bad_if.opposite)}
    for cell, n in cells.str.strip().value_counts().items():
        if reading := readings.get(str(cell)):
            rows[named.get(reading, str(cell)), reading] += int(n)
    for (level, reading), n in rows.most_common():
        yield OutcomeLevel(level=level, reading=reading, rows=n, share=n / len(cells))


def _notices(beside: Beside, target: Field | None, bad: Floats) -> Iterator[Doubt]:
    schema, frame = beside.schema, beside.sample.frame
    names = [field.name for field in schema.own_fields]
    if absent := [name for name in names if name not in frame]:
        yield Doubt(
            grade="concern",
            words=gettext("The file lacks {names}, which the schema names.").format(names=listed(absent, 8)),
        )
    known = {field.name for field in schema.fields}
    if extra := [str(name) for name in frame if name not in known]:
        yield Doubt(
            grade="note",
            words=gettext("The schema does not name {names}: nothing reads them.").format(names=listed(extra, 8)),
        )
    if beside.sample.n_damaged:
        yield Doubt(
            grade="concern",
            words=gettext("{n} rows could not be split into cells; `creditfusion schema check` shows them.").format(
                n=number(beside.sample.n_damaged)
            ),
        )
    yield from _of_sources(schema, unfinished(schema))
    if target is None:
        yield Doubt(
            grade="alarm",
            words=gettext("No column is the outcome, so nothing can be learned: give one the role `target`."),
        )
    elif not np.isfinite(bad).any() or np.nanmin(bad) == np.nanmax(bad):
        yield Doubt(
            grade="alarm",
            words=gettext("Good and bad outcomes do not both occur: look at bad_values and good_values, or bad_if."),
        )


def _of_sources(schema: Schema, open_points: Unfinished) -> Iterator[Doubt]:
    """What to decide about further sources, of whose columns the file has none."""
    for source in schema.sources:
        made = [field.name for field in schema.fields_from(source.name)]
        noted = [
            name for name in open_points.guesses if name in (source.name, *made) or name.startswith(f"{source.name}.")
        ]
        if noted:
            words = gettext("Is what is drafted of the source {source} right? There are notes on {names}.").format(
                source=gettext(source.title), names=listed(noted, 8)
            )
            yield Doubt(grade="concern", words=words)
        if unnamed := [name for name in made if name in open_points.without_wording]:
            words = gettext(
                "What is an applicant to be told about {names}, made of {source}? Give each a reason with code and "
                "wording."
            ).format(names=listed(unnamed, 8), source=gettext(source.title))
            yield Doubt(grade="note", words=words)


def _card(found: Evidence, schema: Schema, open_points: Unfinished, bad: Floats) -> ColumnReview:
    field, column = found.field, found.column
    return ColumnReview(
        name=field.name,
        title=field.title,
        role=str(field.role).replace("_", " "),
        form=_form(field),
        note=why(found.note),
        reason=_reason(field, schema),
        facts=_facts(found),
        samples=() if _is_text(found) or field.role is Role.TARGET else _samples(found),
        missing=1 - column.n_present / max(len(column.places), 1),
        strength=found.strength,
        distribution=_distribution(found, bad),
        doubts=doubts(found, schema, open_points),
    )


def _distribution(found: Evidence, bad: Floats) -> Distribution | None:
    """What is drawn of a column: of texts their lengths, of keys and the outcome nothing."""
    if _is_text(found):
        return lengths(found.column, bad)
    return None if _names_rows(found) or found.field.role is Role.TARGET else distribution(found.column, bad)


def _names_rows(found: Evidence) -> bool:
    """Whether a cell tells whose row it is."""
    role, column = found.field.role, found.column
    key = column.is_key and column.type in (FieldType.STRING, FieldType.INTEGER)
    return role in (Role.ID, Role.GROUP) or (key and role is not Role.FEATURE)


def _is_text(found: Evidence) -> bool:
    """Whether cells may be people's own sentences or names, which no page quotes."""
    column = found.column
    own_words = (
        column.type is FieldType.STRING
        and not column.is_key
        and (column.words >= 4 or 2 * len(column.levels) > column.n_present)
    )
    return found.field.role is Role.NARRATIVE or own_words


def _samples(found: Evidence) -> tuple[str, ...]:
    """A few cells: of keys their pattern alone, of anything else what many rows have."""
    column = found.column
    if _names_rows(found):
        return tuple(pattern for pattern, _ in Counter(map(_pattern, column.levels[:N_TEXTS])).most_common(2))
    return column.levels[:N_SAMPLES]


def _pattern(text: str) -> str:
    """A text with every digit as 9 and every letter as A."""
    return re.sub(r"\d", "9", re.sub(r"[^\W\d_]", "A", text))[:40]


def _facts(found: Evidence) -> dict[str, str]:
    column = found.column
    facts = {}
    if _is_text(found):
        texts = column.levels[:N_TEXTS]
        languages = Counter(filter(None, map(language_of, texts))).most_common(3)
        if column.n_present:
            characters = column.cells[column.present].str.len()
            facts[gettext("Length")] = gettext("{median} characters in the middle, {most} at most").format(
                median=number(characters.median()), most=number(characters.max())
            )
        if languages:
            shares = (
                gettext("{language} {share}").format(language=gettext(name), share=percent(n / len(texts), 0))
                for name, n in languages
            )
            facts[gettext("Language")] = gettext(", ").join(shares)
    elif _names_rows(found):
        pass
    elif column.values is not None and column.n_present and column.type in (FieldType.INTEGER, FieldType.NUMBER):
        low, middle, high = np.nanquantile(column.values, (0.0, 0.5, 1.0))
        facts[gettext("Range")] = gettext("{low} to {high}, median {median}").format(
            low=plain(low), high=plain(high), median=plain(middle)
        )
    elif column.values is not None and column.n_present and column.type is FieldType.DATE:
        first, last = (np.datetime64(int(day), "D") for day in (np.nanmin(column.values), np.nanmax(column.values)))
        facts[gettext("Range")] = gettext("{low} to {high}").format(low=first, high=last)
    facts[gettext("Values")] = number(len(column.levels))
    codes = [code for code in found.field.missing_values if code]
    if codes:
        facts[gettext("Missing if")] = gettext(", ").join(codes)
    return facts


def _form(field: Field) -> str:
    form = gettext(str(field.type))
    if field.type is FieldType.DATE:
        form = gettext("{form}, {more}").format(form=form, more=field.date_format)
    if field.unit:
        unit = gettext("in {unit}").format(unit=ngettext(of_one(field.unit), field.unit, 2))
        form = gettext("{form}, {more}").format(form=form, more=unit)
    return form


def _reason(field: Field, schema: Schema) -> str:
    """The wording of the column's reason, or of that of what is derived from it."""
    if field.role not in (Role.FEATURE, Role.NARRATIVE):
        return ""
    if field.reason:
        return gettext(field.reason.wording)
    derived: list[Derived] = [one for one in schema.derived if field.name in one.of and one.reason]
    return gettext(derived[0].reason.wording) if derived and derived[0].reason and field.type is FieldType.DATE else ""
