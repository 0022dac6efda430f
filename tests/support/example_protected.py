"""What a probe of protected attributes may find, made up, with one of everything."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np

from data_schemas.fields import Field, Role
from data_schemas.messages import SchemaWord, message
from data_schemas.reader import load_schema
from experiments.probe.report import Attribute, Probed, report
from experiments.reporting.document import Document
from features.tables.groups import Groups
from fusion.validation.intervals import Estimate
from fusion.validation.proxy_probe import ProbeAccuracy, Source, SourceProbe, TraitProbe

BANDS = ("18-29", "30-44", "45-61")
DAY = date(2026, 2, 3)


def groups(sizes: dict[str, int], n_missing: int) -> Groups:
    """Groups of these sizes."""
    code = np.repeat(np.arange(-1, len(sizes)), [n_missing, *sizes.values()])
    return Groups(code.astype(np.int64), tuple(map(SchemaWord, sizes)))


def field(name: str, title: str) -> Field:
    """A protected field."""
    return replace(load_schema("demo").fields_of(Role.PROTECTED)[0], name=name, title=title)


def found(n: int, value: float, low: float, high: float, by_level: tuple[Estimate, ...] = ()) -> SourceProbe:
    """An AUC on n rows."""
    accuracy = ProbeAccuracy(Estimate(value, low, high), by_level, np.zeros(n))
    return SourceProbe(accuracy, np.arange(n))


def sex() -> Attribute:
    """Two groups, a small third, some missing; most words of the scale."""
    sources: dict[Source, SourceProbe] = {
        "narratives": found(9914, 0.522, 0.503, 0.541),
        "written": found(6606, 0.531, 0.494, 0.568),
        "words": found(9914, 0.701, 0.683, 0.719),
        "columns": found(9914, 0.557, 0.538, 0.576),
        "both": found(9914, 0.584, 0.566, 0.602),
        "score": found(9914, 0.507, 0.489, 0.525),
    }
    sizes = {"male": 5103, "female": 4811, "not stated": 17}
    return Attribute(field("sex", "Sex"), groups(sizes, 21), TraitProbe(sources, {}, Estimate(0.027, 0.011, 0.043)))


def age() -> Attribute:
    """More than two groups, and nothing written."""
    levels = tuple(Estimate(0.91 + place / 100, 0.9, 0.95) for place in range(len(BANDS)))
    sources: dict[Source, SourceProbe] = {
        "columns": found(9952, 0.921, 0.909, 0.933, levels),
        "score": found(9952, 0.613, 0.597, 0.629, levels),
    }
    probe = TraitProbe(sources, {"narratives": message("nobody wrote anything")}, None)
    return Attribute(field("age_band", "Age"), groups(dict(zip(BANDS, (4000, 3950, 2002), strict=True)), 0), probe)


def born() -> Attribute:
    """A column that could not be judged."""
    day = "1980-05-01"
    code = np.repeat(np.arange(-1, 2), [9900, 31, 21]).astype(np.int64)
    halves = (message("up to {value}", value=day), message("above {value}", value=day))
    how = message("split at the median, {value}", value=day)
    return Attribute(field("born", "Day of birth"), Groups(code, halves, how), None)


def probed() -> Probed:
    """All of them, with rejected rows, drawn rows and masked sentences."""
    return Probed(
        file="past.csv",
        product="Instalment loans",
        model="0123456789ab",
        masked=("health", "religion"),
        n_rows=12_345,
        n_rejected=37,
        n_read=9952,
        attributes=(sex(), age(), born()),
    )


def document() -> Document:
    """The report on it."""
    return report(probed(), DAY)
