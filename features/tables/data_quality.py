"""Data-quality flags of an application, beside its score."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from itertools import compress

import numpy as np

from data_schemas.concepts import Sensitive
from data_schemas.fields import Field
from features.arrays import Flags
from features.tables.applications import Applications
from features.tables.dates import negative_spans
from features.tables.spelling import level_codes


def data_quality(
    applications: Applications,
    levels: Mapping[str, Sequence[str]],
    masked: Sequence[Collection[Sensitive]] = (),
    unread: Flags | None = None,
    usual: Collection[str] = (),
    contradicting: Sequence[Collection[str]] = (),
) -> list[str]:
    """Flags of each application, joined by ``;``; "" when nothing is lacking.

    ``narrative_only``: every feature is missing, and there is a narrative that is read. ``no_narrative``: the schema
    has narratives and all are empty. ``few_inputs``: most of the features that most training rows have are missing, and
    it is not ``narrative_only``. ``text_not_read:a,b``: the narratives that the encoder cannot read and that so have no
    influence. ``missing:a,b``: the features that are missing; those that narratives state count nowhere, as nobody has
    to state anything. ``unknown_category:a,b``: the features whose level the
    model does not know, because the schema does not list it or too few training rows showed it.
    ``negative_span:a,b``: the years between two dates that are below zero, as the first date lies after the second.
    ``masked:a,b``: the kinds whose sentences were cut. ``no_records:a,b``: the sources of which everything that is made
    of their records is missing, or 0 where it counts them. ``contradiction:a,b``: the contradictions of the schema that
    the narratives have with the columns.

    Args:
        levels: the levels that the model knows, by text feature (``TabularEncoder.levels``).
        masked: the kinds of private life whose sentences were cut from each application's narratives; empty when
            nothing was to be cut.
        unread: bool (n, n_narratives), the narratives that the encoder cannot read (``Masked.unread``); None: none.
        usual: the features that most training rows have.
        contradicting: names of each application's contradictions; empty where none were looked for.
    """
    schema = applications.schema
    asked = tuple(field for field in schema.features if not field.narrative)
    missing = _per_column(applications, asked, _missing)
    strange = _per_column(applications, schema.features, partial(_unknown, levels))
    empty = _per_column(applications, schema.narratives, _missing)
    unread = np.zeros_like(empty) if unread is None else unread
    names = [field.name for field in asked]
    silent: Flags = np.logical_and.reduce(empty, axis=1)
    unheard: Flags = np.logical_and.reduce(empty | unread, axis=1)
    only: Flags = missing.all(axis=1) & ~unheard if names else np.zeros(len(applications), dtype=np.bool_)
    wanted = missing[:, [name in usual for name in names]]
    few: Flags = 2 * wanted.sum(axis=1) > wanted.shape[1]
    blank = [""] * len(applications)
    flags = zip(
        _labelled("narrative_only", only),
        _labelled("no_narrative", silent) if schema.narratives else blank,
        _labelled("few_inputs", few & ~only),
        _listing("text_not_read", [field.name for field in schema.narratives], unread),
        _listing("missing", names, missing),
        _listing("unknown_category", [field.name for field in schema.features], strange),
        _listing("negative_span", *negative_spans(applications.frame, schema)),
        [_labels("masked", kinds) for kinds in masked] if masked else blank,
        _listing("no_records", [source.name for source in schema.sources], _no_records(applications)),
        [_joined("contradiction", names) for names in contradicting] if contradicting else blank,
        strict=True,
    )
    return [";".join(filter(None, row)) for row in flags]


def _per_column(
    applications: Applications, fields: Sequence[Field], test: Callable[[Applications, Field], Flags]
) -> Flags:
    """bool (n, n_fields): whether each cell passes the test."""
    table = np.zeros((len(applications), len(fields)), dtype=np.bool_)
    for i, field in enumerate(fields):
        table[:, i] = test(applications, field)
    return table


def _missing(applications: Applications, field: Field) -> Flags:
    cells = applications.frame[field.name].to_numpy()
    mask: Flags = np.asarray(cells == "" if cells.dtype == object else np.isnan(cells), dtype=np.bool_)
    return mask


def _no_records(applications: Applications) -> Flags:
    """bool (n, n_sources): whether nothing is made of the records of each source; False for one that only leads to
    others.
    """
    schema = applications.schema
    table = np.zeros((len(applications), len(schema.sources)), dtype=np.bool_)
    for at, source in enumerate(schema.sources):
        fields, zeros = schema.fields_from(source.name), source.zeros
        nothing = _per_column(applications, fields, partial(_missing_or_zero, zeros))
        table[:, at] = nothing.all(axis=1) & bool(fields)
    return table


def _missing_or_zero(zeros: Collection[str], applications: Applications, field: Field) -> Flags:
    none = applications.frame[field.name].to_numpy() == 0.0 if field.name in zeros else False
    return np.asarray(_missing(applications, field) | none, dtype=np.bool_)


def _unknown(levels: Mapping[str, Sequence[str]], applications: Applications, field: Field) -> Flags:
    """Cells with a level that the model does not know; none for a feature that has no levels."""
    if field.name not in levels:
        return np.zeros(len(applications), dtype=np.bool_)
    codes = level_codes(field, applications.frame[field.name].tolist(), levels[field.name])
    return np.asarray((codes == 0) & ~_missing(applications, field), dtype=np.bool_)


def _labelled(label: str, rows: Flags) -> list[str]:
    """The label for each row of the mask, "" for the others."""
    return [label if row else "" for row in rows.tolist()]


def _labels(label: str, kinds: Collection[Sensitive]) -> str:
    return _joined(label, [kind for kind in Sensitive if kind in kinds])


def _joined(label: str, names: Collection[str]) -> str:
    return f"{label}:{','.join(names)}" if names else ""


def _listing(label: str, names: Sequence[str], table: Flags) -> list[str]:
    """``label:a,b`` for each row of the table, with the names of its true cells; "" without any."""
    return [f"{label}:{','.join(compress(names, row))}" if True in row else "" for row in table.tolist()]
