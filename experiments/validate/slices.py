"""The rows of a file in parts: by a column's groups, by month of decision, by how much was written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from data_schemas.errors import ContractError
from data_schemas.fields import Field, FieldType, Role
from experiments.reporting.language import gettext
from experiments.reporting.lower_floors import translated
from experiments.validate.scored_outcomes import ScoredOutcomes
from features.arrays import Flags, Floats
from features.tables.applications import Applications
from features.tables.groups import MIN_ROWS, Groups, groups_of

MAX_SEGMENTS = 15  # groups of a column that is chosen unasked
MAX_VALUES = 5  # distinct numbers of a column that is chosen unasked
MAX_COLUMNS = 5  # chosen unasked
MIN_BADS = 10
"""A slice with fewer bads, or fewer goods, is shown with its rates and not ranked."""


@dataclass(frozen=True)
class Slice:
    """Some of the rows.

    Attributes:
        name: which they are.
        rows: bool (n,).
    """

    name: str
    rows: Flags

    def __len__(self) -> int:
        return int(self.rows.sum())


@dataclass(frozen=True)
class Cut:
    """A way to divide all rows.

    Attributes:
        key: for machines.
        title: by what they are divided.
        slices: the parts.
        how: in words, "" where the slices' names are enough.
    """

    key: str
    title: str
    slices: tuple[Slice, ...]
    how: str = ""


def segment_cuts(scored: ScoredOutcomes, columns: Sequence[str]) -> list[Cut]:
    """The rows by each of these columns; without any, by the first few features that have a handful of values.

    Raises ContractError for a column that the schema does not keep, or the file lacks.
    """
    applications = scored.applications
    fields = [_named(applications, name) for name in columns] if columns else list(applications.schema.features)
    cuts = []
    for field in fields:
        groups = groups_of(applications, field)
        if not columns and not _handy(field, groups):
            continue
        kept = [at for at, n in enumerate(groups.sizes) if n and (columns or n >= MIN_ROWS)]
        slices = [Slice(translated(groups.labels[at]), groups.code == at) for at in kept]
        rest = ~np.isin(groups.code, kept)
        if rest.any():
            slices.append(
                Slice(gettext("missing") if (groups.code[rest] < 0).all() else gettext("others and missing"), rest)
            )
        how = "" if groups.how is None else translated(groups.how)
        cuts.append(Cut(field.name, gettext(field.title), tuple(slices), how))
    return cuts if columns else cuts[:MAX_COLUMNS]


def _named(applications: Applications, name: str) -> Field:
    kept = (field for field in applications.schema.fields if field.role is not Role.AUXILIARY)
    known = [field.name for field in kept if field.name in applications.frame]
    if name not in known:
        raise ContractError(
            f"--segment {name} is no column that schema {applications.schema.name!r} keeps and the file has",
            f"Choose among {', '.join(known)}.",
        )
    return applications.schema[name]


def _handy(field: Field, groups: Groups) -> bool:
    """Whether a feature parts applicants into a few groups of some size."""
    most = MAX_VALUES if field.is_numeric else MAX_SEGMENTS
    by_value = field.type is not FieldType.DATE and not groups.how
    return by_value and len(groups.labels) <= most and len(groups.large) >= 2


def month_cut(scored: ScoredOutcomes) -> Cut | None:
    """The rows by month of decision, from the first month to the last, with those in which nothing was decided; None
    where the data have no dates.
    """
    months = scored.months
    if months is None:
        return None
    known = months[~np.isnat(months)]
    every = np.arange(known.min(), known.max() + np.timedelta64(1, "M"))
    return Cut(
        "decision_month", gettext("Month of decision"), tuple(Slice(str(month), months == month) for month in every)
    )


def main_narrative(scored: ScoredOutcomes) -> str:
    """The narrative column that is written with the most characters, "" where there is none."""
    schema = scored.applications.schema
    written = {field.name: sum(map(len, scored.applications.narrative(field.name))) for field in schema.narratives}
    main = max(written, key=lambda name: written[name], default="")
    return main if main and written[main] else ""


def wrote(scored: ScoredOutcomes, narrative: str) -> Flags:
    """bool (n,): who wrote that narrative, so that the model reads it."""
    text = scored.design.text
    return np.asarray(text.has_text[:, text.names.index(narrative)], dtype=np.bool_)


def length_cut(scored: ScoredOutcomes) -> Cut | None:
    """The rows by the length of their main narrative: without it, and thirds of those with it; None where the schema
    has no narratives or nobody wrote.
    """
    main = main_narrative(scored)
    if not main:
        return None
    inside = wrote(scored, main)
    length = np.where(inside, [len(text) for text in scored.applications.narrative(main)], 0)
    slices = [] if inside.all() else [Slice(gettext("without {name}").format(name=main), ~inside)]
    edges = (
        np.unique(np.quantile(length[inside], [0, 1 / 3, 2 / 3, 1], method="lower")).tolist() if inside.any() else []
    )
    for low, high in pairwise(edges):
        last = high == edges[-1]
        own = inside & (length >= low) & ((length <= high) if last else (length < high))
        slices.append(
            Slice(gettext("{low:,} to {high:,} characters").format(low=low, high=high if last else high - 1), own)
        )
    if len(edges) == 1:
        slices.append(Slice(gettext("{edges:,} characters").format(edges=edges[0]), inside))
    return Cut(
        "narrative_length",
        gettext("length of “{title}”").format(title=gettext(scored.applications.schema[main].title)),
        tuple(slices),
    )


def too_few() -> str:
    """Why a slice is not ranked."""
    return gettext("under {n} of a kind").format(n=MIN_BADS)


def is_without(name: str) -> bool:
    """Whether a slice of that name holds the rows without a narrative."""
    before, _, after = gettext("without {name}").partition("{name}")
    return name.startswith(before) and name.endswith(after)


def enough(y: Floats) -> bool:
    """Whether there are goods and bads enough to rank."""
    return min(float(y.sum()), len(y) - float(y.sum())) >= MIN_BADS
