"""How many applications went well, how many went bad, and how many have no outcome yet."""

from __future__ import annotations

from dataclasses import dataclass

from features.tables.applications import Applications


@dataclass(frozen=True)
class OutcomeCounts:
    """Sound rows by outcome.

    Attributes:
        good: rows that went well.
        bad: rows that went bad.
        undecided: rows without an outcome yet, which no figure counts.
    """

    good: int
    bad: int
    undecided: int

    @property
    def words(self) -> str:
        """The counts for people."""
        undecided = f", {self.undecided:,} undecided, left out" if self.undecided else ""
        return f"{self.good:,} good, {self.bad:,} bad{undecided}"


def count_outcomes(applications: Applications, n_undecided: int) -> OutcomeCounts:
    """The counts of applications that were read with their outcome, beside rows left out as undecided."""
    n_bad = int(applications.outcome().sum())
    return OutcomeCounts(len(applications) - n_bad, n_bad, n_undecided)
