"""How a caller follows a scorer's work: what is timed, and what is told of it while it goes on."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from features.batches.column_counts import Counts
from features.encoders.vectors import Progress

Timed = Callable[[str], AbstractContextManager[None]]
"""Times a stage of the work by its name: ``with timed("predict"): ...``."""


def untimed(_stage: str) -> AbstractContextManager[None]:
    """A ``Timed`` that times nothing."""
    return nullcontext()


@dataclass(frozen=True)
class Monitor:
    """How a caller follows the work.

    Attributes:
        timed: Times the stages ``mask``, ``compare``, ``columns``, ``text``, ``predict``, ``concepts`` and ``explain``.
        on_texts: Called with the number of distinct texts encoded so far.
        on_columns: Called with the counts of the inputs over the rows that were read (``Scorer.unlike_training``).
    """

    timed: Timed = untimed
    on_texts: Progress | None = None
    on_columns: Callable[[Counts], None] | None = None


UNWATCHED = Monitor()
