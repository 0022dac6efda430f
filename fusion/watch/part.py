"""What the parts of a watch share: they read batches of one period, keep profiles that add up, and give signals.

A part is one subject: columns and scores, oddness, contradictions, opinion. It reads each row once. What it keeps of a
period is a profile of bounded size: the profile of a file is the sum of those of its batches, that of a period the sum
of those of its files, equal to the last bit in whatever batches the rows came. A profile holds no text of an applicant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

import numpy as np

from features.arrays import Codes, Flags, Index, Texts
from features.design import Design, TextBlock
from features.tables.applications import Applications
from fusion.model.fusion_model import Scores
from fusion.policy.policy import Decisions, Seconds
from fusion.watch.signals import MAX_ROWS, Flag, RowRef, Signal

Profile = TypeVar("Profile")

JsonObject = Mapping[str, object]
"""A profile as JSON: a mapping of strings, numbers, lists and mappings."""


@dataclass(frozen=True)
class Scored:
    """What a model says of some rows, one entry per row in every attribute.

    Attributes:
        design: What the model sees.
        quality: Data-quality flags.
        scores: Margin, PD and points.
        decisions: What the policy decides.
        seconds: Probabilities by second models.
    """

    design: Design
    quality: tuple[str, ...]
    scores: Scores
    decisions: Decisions
    seconds: Seconds = field(default_factory=dict)

    def take(self, index: Index) -> Scored:
        """The rows at these positions."""
        scores, decisions, at = self.scores, self.decisions, index.tolist()
        return Scored(
            self.design.take(index),
            tuple(self.quality[row] for row in at),
            Scores(scores.margin[index], scores.pd[index], scores.score[index]),
            Decisions(tuple(decisions.decision[row] for row in at), tuple(decisions.refer_reason[row] for row in at)),
            {name: probability[index] for name, probability in self.seconds.items()},
        )


@dataclass(frozen=True)
class Batch:
    """Some rows of one file and one period.

    Attributes:
        period: Of all rows.
        file: Name of their file, without folders.
        applications: As the model reads them: masked sentences are cut. The outcome is among the columns where the
            file has it; "" and NaN where it is not known yet.
        text: Their narratives as vectors, rounded to float16, so that sums over millions of rows are exact in float64.
        scored: What the model says; None for a watch of texts without a model.
        beside: Cells of the columns by which copies are tied together (``Rules.copies``), as they are written, by
            column; they need not be of the schema.
    """

    period: str
    file: str
    applications: Applications
    text: TextBlock
    scored: Scored | None = None
    beside: Mapping[str, Texts] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.applications)

    def take(self, period: str, index: Index) -> Batch:
        """The rows at these positions, all of one period."""
        scored = self.scored.take(index) if self.scored is not None else None
        beside = {name: cells[index] for name, cells in self.beside.items()}
        return Batch(period, self.file, self.applications.take(index), self.text.take(index), scored, beside)

    def codes(self, name: str) -> Codes:
        """Codes (n,) of the levels of a column, 0 for one that the model does not know; a model must have read it."""
        if self.scored is None:
            raise ValueError("a batch without scores")
        columns = self.scored.design.tabular
        found: Codes = columns.x_cat[:, columns.cat_names.index(name)]
        return found

    def row(self, at: int) -> RowRef:
        """Where the row at this position stands."""
        applications = self.applications
        id_of = applications.frame[applications.schema.id.name]
        return RowRef(self.file, int(applications.row_number[at]), str(id_of.iat[at]))


def first_of(batch: Batch, concerned: Flags) -> tuple[RowRef, ...]:
    """The first ``MAX_ROWS`` rows of a batch that are concerned, bool (n,)."""
    return tuple(batch.row(at) for at in np.flatnonzero(concerned)[:MAX_ROWS].tolist())


@dataclass(frozen=True)
class Observed(Generic[Profile]):
    """What a part makes of a batch.

    Attributes:
        profile: Of its rows.
        flags: Rows that a person should look at.
    """

    profile: Profile
    flags: tuple[Flag, ...] = ()


@dataclass(frozen=True)
class Watched(Generic[Profile]):
    """A period beside what it is held against.

    Attributes:
        period: Its name.
        profile: Of its rows so far.
        reference: Of the rows that count as usual; None where there are none.
        history: Earlier periods with rows, the latest last, each with its name; at most ``MAX_HISTORY``.
        ended: Whether no more rows are awaited: a later period has rows, or its last day is past. Until then a number
            of rows says nothing yet; a share or a mean does.
    """

    period: str
    profile: Profile
    reference: Profile | None
    history: tuple[tuple[str, Profile], ...] = ()
    ended: bool = True


MAX_HISTORY = 60
"""Periods of its own past that a period is held against."""


class Part(Protocol[Profile]):
    """One subject of a watch."""

    @property
    def name(self) -> str:
        """Its key in the state; never changes."""
        ...

    @property
    def trained(self) -> Profile | None:
        """The profile of the rows that the model learned from, as far as its bundle knows them; None where it knows
        nothing of them. A file of usual rows that is named for the purpose takes its place.
        """
        ...

    def observe(self, batch: Batch) -> Observed[Profile]:
        """The profile of a batch, and its rows that a person should look at."""
        ...

    def add(self, left: Profile, right: Profile) -> Profile:
        """The profile of the rows of both; the order changes no bit."""
        ...

    def to_json(self, profile: Profile) -> JsonObject:
        """The profile as plain data; ``from_json`` gives the same bits again."""
        ...

    def from_json(self, content: JsonObject) -> Profile:
        """What ``to_json`` gave."""
        ...

    def signals(self, watched: Watched[Profile]) -> tuple[Signal, ...]:
        """Every figure that the part holds against what is usual, whether or not it departs from it: rules decide
        which are alarms, and share their chance of a false alarm among all of them.
        """
        ...
