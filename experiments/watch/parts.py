"""The parts of a watch, in the order of their chapters: what each keeps, and how its chapter is made.

A new part is one line in ``open_parts``; a subject that looks across files one in ``open_gatherers``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from experiments.reporting.document import Section
from experiments.watch.opened import Opened
from experiments.watch.state import State
from fusion.watch.columns import ColumnsPart
from fusion.watch.oddness import OddnessPart
from fusion.watch.part import Batch, Part
from fusion.watch.rules import Rules
from fusion.watch.score import ScorePart
from fusion.watch.signals import Flag, Signal
from fusion.watch.velocity import VelocityPart

Profile = TypeVar("Profile")

Chapter = Callable[[Profile | None, Sequence[tuple[str, Profile]], Sequence[Signal], Sequence[Flag]], Section | None]
"""From the profile of the reference, those of the latest periods by name, and their signals and flags to a chapter;
None where there is nothing to say.
"""


@dataclass(frozen=True)
class PartWithChapter(Generic[Profile]):
    """A part and what makes its chapter; None for a part that is seen by its alerts alone."""

    part: Part[Profile]
    chapter: Chapter[Profile] | None = None


@dataclass(frozen=True)
class Gathered:
    """What a subject that looks across files finds in all of them.

    Attributes:
        signals: of every period that it knows, in any order.
        flags: of all rows; they take the place of those found before.
        chapter: of the page; None where there is nothing to say.
    """

    signals: tuple[Signal, ...]
    flags: tuple[Flag, ...]
    chapter: Section | None


class Gatherer(Protocol):
    """A subject that looks across files and periods, such as copied narratives, with a store of its own.

    For each file: ``observe`` batch after batch, then ``keep``, and only then is the file known to the state; a file
    that turns out bad is dropped. A run that is killed between may so leave a file kept that the state does not know:
    ``gather`` names those that count, and the file, when it is read again, is kept again in its own place.
    """

    @property
    def name(self) -> str:
        """Its key in the state; never changes."""
        ...

    def observe(self, batch: Batch) -> None:
        """Take in rows of the file that is being read."""
        ...

    def keep(self, digest: str) -> None:
        """Put what was taken in since the last file on the disk, under the digest of its file."""
        ...

    def drop(self) -> None:
        """Forget what was taken in since the last file."""
        ...

    def gather(self, digests: Sequence[str], periods: Sequence[str]) -> Gathered:
        """What there is in the files of these digests; periods: all with rows, in the order of time."""
        ...


def open_parts(opened: Opened) -> tuple[PartWithChapter[Any], ...]:
    """The parts of a watch, those without a model where there is none."""
    scorer = opened.scorer
    if scorer is None:
        return ()
    return (
        PartWithChapter(ColumnsPart.of(scorer.bundle)),
        PartWithChapter(ScorePart.of(scorer)),
        PartWithChapter(OddnessPart.of(scorer.bundle)),
        PartWithChapter(VelocityPart.of(scorer.bundle)),
    )


def open_gatherers(_opened: Opened, _rules: Rules, _folder: Path) -> tuple[Gatherer, ...]:
    """The subjects that look across files; each may keep files of its own in ``folder``."""
    return ()


def reference_of(part: Part[Any], state: State) -> Any:
    """The profile of what is usual; None where nothing is known of that."""
    kept = state.profile("reference", "", part.name)
    return part.trained if kept is None else part.from_json(kept)
