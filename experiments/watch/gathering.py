"""What a subject of a watch is that looks across files and periods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from experiments.reporting.document import Section
from fusion.watch.part import Batch
from fusion.watch.signals import Flag, Signal


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
