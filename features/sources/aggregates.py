"""What is made of the records of one application, as SQL: aggregates and texts.

Every expression gives the same bits whatever the order in which the records come: sums are ordered by value, and
what depends on the order in time breaks ties by value.
"""

from __future__ import annotations

from data_schemas.contract import Schema, Source
from data_schemas.sources import Aggregate, AggregateKind, Condition, RecordTexts
from features.sources.columns import column
from features.sources.database import literal

DAY = 86_400  # seconds
_YEAR = 365.25 * DAY


def made_columns(source: Source) -> list[str]:
    """The aggregates, then the texts of a source, over the columns of its records and, where they are dated, ``age``:
    seconds from the record to the decision.
    """
    contract, date = source.contract, source.as_of.date
    lag = source.as_of.lag_days
    at = column(contract, date) if date else ""
    aggregates = [_aggregate(contract, one, at, lag) for one in source.aggregates]
    return [*aggregates, *(_texts(contract, one, at, lag) for one in source.texts)]


def _aggregate(contract: Schema, aggregate: Aggregate, at: str, lag: float) -> str:
    window = _window(aggregate.window_days, lag)
    conditions = [_condition(contract, condition) for condition in aggregate.where]
    value = column(contract, aggregate.of) if aggregate.of else ""
    given = [f"{value} IS NOT NULL"] if value else []
    every = " AND ".join([*window, *given]) or "true"
    met = " AND ".join([*window, *conditions, *given]) or "true"
    chosen = f"FILTER (WHERE {met})"
    match aggregate.kind:
        case AggregateKind.COUNT:
            return f"count(*) {chosen}"
        case AggregateKind.SHARE:
            return f"count(*) {chosen} / nullif(count(*) FILTER (WHERE {every}), 0)"
        case AggregateKind.DISTINCT:
            return f"count(DISTINCT {value}) {chosen}"
        case AggregateKind.SUM:
            return f"coalesce(sum({value} ORDER BY {value}) {chosen}, 0)"
        case AggregateKind.MEAN:
            return f"avg({value} ORDER BY {value}) {chosen}"
        case AggregateKind.MIN:
            return f"min({value}) {chosen}"
        case AggregateKind.MAX:
            return f"max({value}) {chosen}"
        case AggregateKind.STD:
            return f"stddev_samp({value} ORDER BY {value}) {chosen}"
        case AggregateKind.FIRST:
            return f"arg_min({value}, ({at}, {value})) {chosen}"
        case AggregateKind.LAST:
            return f"arg_max({value}, ({at}, {value})) {chosen}"
        case AggregateKind.TREND:
            days = f"count(DISTINCT {at} // {DAY}) {chosen}"
            slope = f"regr_slope({value}, -age / {_YEAR!r} ORDER BY age, {value}) {chosen}"
            return f"CASE WHEN {days} > 1 THEN {slope} END"
        case AggregateKind.DAYS_SINCE_FIRST:
            return f"max(age) {chosen} / {DAY}.0"
        case AggregateKind.DAYS_SINCE_LAST:
            return f"min(age) {chosen} / {DAY}.0"


def _texts(contract: Schema, texts: RecordTexts, at: str, lag: float) -> str:
    text = column(contract, texts.of)
    chosen = " AND ".join([*_window(texts.window_days, lag), f"{text} IS NOT NULL"])
    entry = f"'[' || strftime(make_timestamp({at} * 1000000), '%Y-%m-%d') || '] ' || {text}"
    entries = f"list({entry} ORDER BY {at}, {text}) FILTER (WHERE {chosen})"
    return f"array_to_string(list_slice({entries}, -{texts.last}, -1), chr(10))"


def _window(days: float | None, lag: float) -> list[str]:
    """That a record is at most so many days older than the youngest that is known."""
    return [] if days is None else [f"age <= {literal((days + lag) * DAY)}"]


def _condition(contract: Schema, condition: Condition) -> str:
    """Never unknown: true or false of every record."""
    name = column(contract, condition.column)
    if condition.values:
        return f"({name} IS NOT NULL AND {name} IN ({', '.join(map(literal, condition.values))}))"
    if condition.other_than:
        return f"({name} IS NULL OR {name} NOT IN ({', '.join(map(literal, condition.other_than))}))"
    bounds = [f"{name} >= {literal(condition.at_least)}"] if condition.at_least is not None else []
    bounds += [f"{name} <= {literal(condition.at_most)}"] if condition.at_most is not None else []
    return f"({name} IS NOT NULL AND {' AND '.join(bounds)})"
