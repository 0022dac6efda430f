"""The parts of a watch, in the order of their chapters: what each keeps, and how its chapter is made.

A new part is one line in ``open_parts``; a subject that looks across files one in ``open_gatherers``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from experiments.reporting.document import Section
from experiments.watch.chapters import oddness, score, second, statements
from experiments.watch.chapters.data import columns_chapter, texts_chapter
from experiments.watch.copies import CopiesGatherer
from experiments.watch.gathering import Gatherer
from experiments.watch.opened import Opened
from experiments.watch.state import State
from fusion.watch.columns import ColumnsPart
from fusion.watch.copies.store import Store
from fusion.watch.oddness import OddnessPart
from fusion.watch.part import Part
from fusion.watch.rules import Rules
from fusion.watch.score import ScorePart
from fusion.watch.second import SecondPart
from fusion.watch.signals import Flag, Signal
from fusion.watch.statements import StatementsPart
from fusion.watch.texts import TextsPart
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


def open_parts(opened: Opened) -> tuple[PartWithChapter[Any], ...]:
    """The parts of a watch, those without a model where there is none."""
    scorer, schema = opened.scorer, opened.schema
    stating = (PartWithChapter(StatementsPart(schema), statements.chapter),) if schema.contradictions else ()
    if scorer is None:
        return stating
    seconds = opened.seconds.scorers
    beside = (PartWithChapter(SecondPart.of(seconds, scorer.deciding_policy), second.chapter),) if seconds else ()
    return (
        PartWithChapter(ColumnsPart.of(scorer.bundle), columns_chapter),
        PartWithChapter(TextsPart.of(scorer.bundle), texts_chapter),
        PartWithChapter(ScorePart.of(scorer), score.chapter),
        PartWithChapter(OddnessPart.of(scorer.bundle), oddness.chapter),
        PartWithChapter(VelocityPart.of(scorer.bundle)),
        *beside,
        *stating,
    )


def open_gatherers(rules: Rules, folder: Path) -> tuple[Gatherer, ...]:
    """The subjects that look across files; each may keep files of its own in ``folder``."""
    return (CopiesGatherer(Store(folder / "copies", rules.copies.columns), rules.copies.days),)


def reference_of(part: Part[Any], state: State) -> Any:
    """The profile of what is usual; None where nothing is known of that."""
    kept = state.profile("reference", "", part.name)
    return part.trained if kept is None else part.from_json(kept)
