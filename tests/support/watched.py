"""Batches and periods of applications, as a watch gives them to its parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd

from data_schemas.fields import FieldType, Role
from experiments.demo.data import generate
from features.arrays import Index
from features.tables.applications import Applications
from features.tables.dataframe import read_frame
from fusion.scorer import Scorer, load_scorer
from fusion.watch.part import Batch, Part, Scored, Watched
from fusion.watch.signals import Signal
from tests.support.bundles import train_small

Profile = TypeVar("Profile")


@dataclass(frozen=True)
class Watcher:
    """A small model, and applications that it has not seen."""

    scorer: Scorer
    table: pd.DataFrame

    @staticmethod
    def train(folder: Path) -> Watcher:
        """Learn from 700 applications of the demo, two years of them."""
        model = train_small(folder, generate(700, 1).table)
        return Watcher(load_scorer(model, cache=folder / "cache"), generate(1200, 2).table.astype(object))

    def batch(self, table: pd.DataFrame, period: str = "2026-01-01", file: str = "new.csv") -> Batch:
        """All rows of a table as one batch of one period."""
        read = read_frame(table.drop(columns="outcome", errors="ignore"), self.scorer.schema)
        assert not len(read.rejects), read.rejects
        return self.read(self._with_outcome(read.applications, table), period, file)

    def _with_outcome(self, applications: Applications, table: pd.DataFrame) -> Applications:
        field = self.scorer.schema.field_of(Role.TARGET)
        if field is None or field.name not in table:
            return applications
        assert field.type is FieldType.STRING
        cells = pd.Series(table[field.name].fillna("").tolist(), dtype=object)
        frame = applications.frame.assign(**{field.name: cells})
        return Applications(applications.schema, frame, applications.row_number)

    def read(self, applications: Applications, period: str, file: str) -> Batch:
        """These applications, scored."""
        reading = self.scorer.read(applications)
        scores = self.scorer.scores(reading)
        decisions = self.scorer.decide(applications, scores.pd, reading.quality)
        text = reading.design.text
        rounded = replace(text, x_text=text.x_text.astype(np.float16).astype(np.float32))
        scored = Scored(reading.design, reading.quality, scores, decisions)
        return Batch(period, file, reading.masked.applications, rounded, scored)


def some_of(batch: Batch, rows: Index) -> Batch:
    """The rows of a batch at these positions."""
    return batch.take(batch.period, rows)


def summed(part: Part[Profile], batches: Iterable[Batch]) -> Profile:
    """The profile of all these batches."""
    return reduce(part.add, [part.observe(batch).profile for batch in batches])


def by_subject(signals: Sequence[Signal]) -> Mapping[tuple[str, str], Signal]:
    """Signals by check and subject; each occurs once."""
    found: dict[tuple[str, str], Signal] = {(one.check, one.subject): one for one in signals}
    assert len(found) == len(signals)
    return found


def held_against(
    part: Part[Profile], now: Profile, reference: Profile | None, history: Sequence[Profile] = ()
) -> Mapping[tuple[str, str], Signal]:
    """The signals of a profile, days from 2026-01-01 on."""
    days = [str(np.datetime64("2026-01-01") + at) for at in range(len(history) + 1)]
    past = tuple(zip(days, history, strict=False))
    return by_subject(part.signals(Watched(days[-1], now, reference, past)))
