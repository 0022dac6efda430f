"""The parts of a schema file as types: of a document that the form and the rules have vouched for, so that nothing here
can fail.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Literal, NamedTuple

from data_schemas.concepts import Concept, Sensitive
from data_schemas.contract import Dialect, Schema, Source, StripRule
from data_schemas.dates import DEFAULT, alternatives
from data_schemas.fields import (
    Actionable,
    AuxiliaryOutcome,
    BureauScore,
    Derived,
    DerivedKind,
    Direction,
    Field,
    FieldType,
    NumericOutcome,
    OrderedOutcome,
    Role,
    TimeUntilEvent,
)
from data_schemas.numbers import Negative, NumberNotation, threshold
from data_schemas.places import Document, source_wording
from data_schemas.reasons import Reason
from data_schemas.sources import (
    ENTRY_DATE,
    OF_ANY_VALUE,
    Aggregate,
    AggregateKind,
    AsOf,
    Condition,
    IfAbsent,
    Link,
    RecordTexts,
)
from data_schemas.statements import KINDS, LEAST_CONFIDENCE, Contradiction, Of, StatedColumn, Value, Wanted

EPOCH = dt.date(1970, 1, 1)


def schema_of(document: Document, text: str) -> Schema:
    """The contract that a document is; ``text`` is its JSON text."""
    own = document["creditfusion"]
    sources = tuple(_source(source) for source in own.get("sources", []))
    made = chain.from_iterable(map(_fields_from, sources, own.get("sources", [])))
    strip = [StripRule(rule["pattern"], rule["why"]) for rule in own.get("strip", [])]
    if any(source.texts for source in sources):
        strip.append(StripRule(ENTRY_DATE, "dates of records, which say nothing about applications of a later time"))
    return Schema(
        name=own["name"],
        title=str(document.get("title", own["name"])),
        fields=(*_fields(document), *made, *map(_stated_field, own.get("facts", []))),
        derived=tuple(_derived(derived) for derived in own.get("derived", [])),
        bad_values=_texts(own.get("bad_values", [])),
        good_values=_texts(own.get("good_values", [])),
        undecided_values=_texts(own.get("undecided_values", [])),
        strip=tuple(strip),
        concepts=tuple(_concept(concept) for concept in own.get("concepts", [])),
        digest=_digest(document),
        source=text,
        dialect=_dialect(document),
        bad_if=threshold(own.get("bad_if", "")),
        sources=sources,
        facts=tuple(_stated(part) for part in own.get("facts", [])),
        contradictions=tuple(_contradiction(part) for part in own.get("contradictions", [])),
    )


def _fields(table: Document) -> Iterator[Field]:
    """The columns of a table's own."""
    return (_field(field, table.get("missingValues", [])) for field in table["fields"])


def _digest(document: Document) -> str:
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _field(field: Document, missing_values: Sequence[str]) -> Field:
    constraints, own = field.get("constraints", {}), field["creditfusion"]
    role, auxiliary = Role(own["role"]), _auxiliary(own.get("auxiliary"))
    return Field(
        name=field["name"],
        type=FieldType(field["type"]),
        role=role,
        title=str(field.get("title", field["name"])),
        unit=own.get("unit", ""),
        required=role is Role.ID or constraints.get("required", False),
        minimum=_bound(constraints.get("minimum")),
        maximum=_bound(constraints.get("maximum")),
        pattern=constraints.get("pattern"),
        max_length=constraints.get("maxLength"),
        categories=_texts(field.get("categories", [])),
        allowed=auxiliary.levels if isinstance(auxiliary, OrderedOutcome) else _texts(constraints.get("enum", [])),
        missing_values=_texts(["", *missing_values, *field.get("missingValues", [])]),
        date_format=_date_format(field.get("format", "default")),
        date_language=own.get("language", "en"),
        number=_number(field),
        direction=Direction(own.get("direction", "none")),
        reason=_reason(own.get("reason")),
        labels=_labels(own.get("labels", {}), FieldType(field["type"])),
        actionable=Actionable(own.get("actionable", "no")),
        match_concepts=own.get("concepts", True),
        auxiliary=auxiliary,
        loose=own.get("match", "exact") == "loose",
        bureau_score=_bureau_score(own.get("bureau_score", False)),
        no_bureau_score=own.get("bureau_score") is False,
    )


def _labels(labels: Mapping[str, str], kind: FieldType) -> tuple[tuple[str | float, str], ...]:
    if kind is FieldType.STRING:
        return tuple((unicodedata.normalize("NFC", level), label) for level, label in labels.items())
    return tuple((float(number), label) for number, label in labels.items())


def _bureau_score(score: Document | Literal[False]) -> BureauScore | None:
    if score is False:
        return None
    return BureauScore(score["agency"], float(score["lowest"]), float(score["highest"]), score.get("dated", ""))


def _dialect(document: Document) -> Dialect:
    written = document.get("dialect", {})
    return Dialect(document.get("encoding"), written.get("delimiter"), written.get("sheetName"))


def _texts(values: Iterable[str]) -> tuple[str, ...]:
    """Cell texts in Unicode's composed form (NFC), in which cells are compared with them, each once."""
    return tuple(dict.fromkeys(unicodedata.normalize("NFC", value) for value in values))


def _date_format(form: str) -> str:
    return DEFAULT if form == "default" else (alternatives(form) or (form,))[0]


def _number(field: Document) -> NumberNotation:
    own, group = field["creditfusion"], field.get("groupChar", "")
    return NumberNotation(
        decimal=field.get("decimalChar", "," if group == "." else "."),
        group=group,
        affixes=tuple(own.get("affixes", [])),
        negative=Negative(own.get("negative", "minus")),
    )


def _auxiliary(outcome: Document | None) -> AuxiliaryOutcome | None:
    match outcome:
        case {"kind": "numeric", "direction": direction}:
            return NumericOutcome(Direction(direction))
        case {"kind": "ordered", "levels": levels}:
            return OrderedOutcome(_texts(levels))
        case {"kind": "time_until", "horizon": horizon}:
            return TimeUntilEvent(horizon if isinstance(horizon, str) else float(horizon))
    return None


def _derived(derived: Document) -> Derived:
    first, second = derived["of"]
    return Derived(
        name=derived["name"],
        kind=DerivedKind(derived["kind"]),
        of=(first, second),
        title=str(derived.get("title", derived["name"])),
        unit=derived.get("unit", ""),
        direction=Direction(derived.get("direction", "none")),
        reason=_reason(derived.get("reason")),
    )


def _bound(value: float | str | None) -> float | None:
    if isinstance(value, str):
        return float((dt.date.fromisoformat(value) - EPOCH).days)
    return None if value is None else float(value)


def _concept(concept: Document) -> Concept:
    kind = concept.get("sensitive")
    return Concept(
        name=concept["name"],
        statements=tuple(concept["says"]),
        reason=_worded(concept["reason"]),
        words=tuple(concept.get("words", [])),
        sensitive=Sensitive(kind) if kind else "",
        ask=concept.get("ask", True),
    )


def _reason(reason: Document | None, begin: str = "") -> Reason | None:
    """A reason; its sentences stand behind ``begin``, where something does."""
    return None if reason is None else _worded(reason, f"{begin}: " if begin else "")


def _worded(reason: Document, begin: str = "") -> Reason:
    low, high, missing, recorded = (
        begin + reason[key] if key in reason else "" for key in ("low", "high", "missing", "recorded")
    )
    disclosable = reason.get("disclosable", True)
    return Reason(reason["code"], begin + reason["wording"], disclosable, True, low, high, missing, recorded)


def _source(source: Document) -> Source:
    own = source["creditfusion"]
    contract = Schema(
        name=own["name"],
        title=str(source.get("title", own["name"])),
        fields=tuple(_fields(source)),
        derived=(),
        bad_values=(),
        good_values=(),
        undecided_values=(),
        strip=(),
        concepts=(),
        digest=_digest(source),
        source=json.dumps(source, ensure_ascii=False, indent=1),
        dialect=_dialect(source),
    )
    return Source(
        contract=contract,
        link=Link(tuple(own["key"]), tuple(own["key"].values()), own.get("through", "")),
        as_of=AsOf(own.get("date", ""), float(own.get("lag_days", 0)), own.get("undated", "")),
        if_absent=IfAbsent(own.get("if_absent", "refuse")),
        aggregates=tuple(_aggregate(aggregate) for aggregate in own.get("aggregates", [])),
        texts=tuple(
            RecordTexts(texts["name"], texts["of"], texts.get("last", 50), texts.get("window_days"))
            for texts in own.get("texts", [])
        ),
        wording=source_wording(source),
    )


def _aggregate(aggregate: Document) -> Aggregate:
    return Aggregate(
        name=aggregate["name"],
        kind=AggregateKind(aggregate["kind"]),
        of=aggregate.get("of", ""),
        where=tuple(_condition(condition) for condition in aggregate.get("where", [])),
        window_days=aggregate.get("window_days"),
    )


def _condition(condition: Document) -> Condition:
    return Condition(
        column=condition["column"],
        values=_texts(condition.get("in", [])),
        other_than=_texts(condition.get("not_in", [])),
        at_least=condition.get("at_least"),
        at_most=condition.get("at_most"),
    )


def _fields_from(source: Source, document: Document) -> Iterator[Field]:
    """What is made of the records of a source, as columns of the applications: aggregates, then narratives.

    Their reasons begin with the source's wording.
    """
    own = document["creditfusion"]
    for aggregate, part in zip(source.aggregates, own.get("aggregates", []), strict=True):
        made = _made(source.contract, aggregate)
        yield Field(
            name=aggregate.name,
            type=made.type,
            role=Role.FEATURE,
            title=str(part.get("title", aggregate.name)),
            unit=part.get("unit", made.unit),
            categories=made.levels,
            direction=Direction(part.get("direction", "none")),
            reason=_reason(part.get("reason"), source.wording),
            source=source.name,
        )
    for texts, part in zip(source.texts, own.get("texts", []), strict=True):
        yield Field(
            name=texts.name,
            type=FieldType.STRING,
            role=Role.NARRATIVE,
            title=str(part.get("title", texts.name)),
            reason=_reason(part.get("reason"), source.wording),
            match_concepts=part.get("concepts", True),
            source=source.name,
        )


def _stated(part: Document) -> StatedColumn:
    return StatedColumn(part["name"], _wanted(part), Of(part["of"]))


def _wanted(part: Document) -> Wanted:
    """The statements that a fact or a contradiction is about."""
    return Wanted(
        narrative=part["narrative"],
        kind=part["kind"],
        unit=part.get("unit", ""),
        per=part.get("per", ""),
        least_confidence=float(part.get("least_confidence", LEAST_CONFIDENCE)),
        basis=part.get("basis", ""),
    )


def _contradiction(part: Document) -> Contradiction:
    return Contradiction(part["name"], _wanted(part), part["against"], float(part["tolerance"]), part["wording"])


def _stated_field(part: Document) -> Field:
    """What is made of statements, as a column of the applications."""
    made, of = _stated(part), Of(part["of"])
    type_ = FieldType.STRING if KINDS[made.wanted.kind].value is Value.WORDS else FieldType.NUMBER
    return Field(
        name=made.name,
        type={Of.COUNT: FieldType.INTEGER, Of.ANY: FieldType.BOOLEAN}.get(of, type_),
        role=Role.FEATURE,
        title=str(part.get("title", made.name)),
        unit={Of.COUNT: "statements", Of.ANY: ""}.get(of, made.wanted.unit_in_words),
        direction=Direction(part.get("direction", "none")),
        reason=_reason(part.get("reason")),
        narrative=made.wanted.narrative,
    )


class _Made(NamedTuple):
    """What an aggregate is, where the schema does not say it."""

    type: FieldType
    unit: str = ""
    levels: tuple[str, ...] = ()


def _made(contract: Schema, aggregate: Aggregate) -> _Made:
    match aggregate.kind:
        case AggregateKind.COUNT:
            return _Made(FieldType.INTEGER, "records")
        case AggregateKind.DISTINCT:
            return _Made(FieldType.INTEGER, "different values")
        case AggregateKind.SHARE:
            return _Made(FieldType.NUMBER, "fraction")
        case AggregateKind.DAYS_SINCE_FIRST | AggregateKind.DAYS_SINCE_LAST:
            return _Made(FieldType.NUMBER, "days")
    field = contract[aggregate.of]
    if aggregate.kind in OF_ANY_VALUE and field.type is FieldType.STRING:
        return _Made(FieldType.STRING, levels=field.categories or field.allowed)
    per_year = " per year" if aggregate.kind is AggregateKind.TREND and field.unit else ""
    return _Made(FieldType.NUMBER, field.unit + per_year)
