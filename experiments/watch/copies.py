"""Copied narratives in a watch: signatures of every file in a folder of the state, rings over all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from experiments.watch.chapters.copies import chapter
from experiments.watch.gathering import Gathered
from fusion.watch.copies.bursts import count_rows, ring_flags, ring_signals, value_signals
from fusion.watch.copies.pairs import find_pairs
from fusion.watch.copies.rings import find_rings
from fusion.watch.copies.store import Store
from fusion.watch.part import Batch
from fusion.watch.periods import UNDATED


@dataclass(frozen=True)
class CopiesGatherer:
    """Finds rings of copied narratives, and values of shared columns that suddenly stand in many applications.

    Attributes:
        store: Where signatures are kept.
        days: Between decisions on two copies, at most.
    """

    store: Store
    days: int

    @property
    def name(self) -> str:
        """Its key in the state."""
        return "copies"

    def observe(self, batch: Batch) -> None:
        """Take in the signatures of a batch."""
        self.store.observe(batch)

    def keep(self, digest: str) -> None:
        """Put them on the disk."""
        self.store.keep(digest)

    def drop(self) -> None:
        """Forget them."""
        self.store.drop()

    def gather(self, digests: Sequence[str], periods: Sequence[str]) -> Gathered:
        """Search the files that came since the last search; rings, flags and signals are of all files."""
        searched = [at for at, digest in enumerate(digests, start=1) if self.store.pairs_of(digest).exists()]
        n_before = max(searched, default=0)
        if n_before < len(digests):
            find_pairs(self.store, digests, n_before, self.days)
        rings, counts = find_rings(self.store, digests), count_rows(self.store, digests)
        dated = [period for period in periods if period != UNDATED]
        signals = (*ring_signals(rings, counts, dated), *value_signals(counts, dated))
        return Gathered(signals, ring_flags(rings), chapter(rings, signals, dated or periods))
