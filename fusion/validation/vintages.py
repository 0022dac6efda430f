"""Vintages: how those decided in one month went, beside the PDs that they were given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from features.arrays import Flags, Floats
from fusion.validation.intervals import Estimate, mean, mean_share, rate
from fusion.validation.score_bands import two_sided_jeffreys_p


@dataclass(frozen=True)
class Vintage:
    """Those decided in one month; figures of a month without rows are NaN.

    Attributes:
        name: the month.
        n: rows.
        n_bad: bads.
        bad_rate: fraction of 1.
        mean_pd: fraction of 1.
        mean_score: points.
        approved: share that the policy approves, fraction of 1.
    """

    name: str
    n: int
    n_bad: int
    bad_rate: Estimate
    mean_pd: Estimate
    mean_score: Estimate
    approved: Estimate

    @property
    def off(self) -> bool:
        """Whether the mean PD lies outside the interval of the bad rate."""
        return self.n > 0 and not self.bad_rate.low <= self.mean_pd.value <= self.bad_rate.high

    @property
    def p(self) -> float:
        """Jeffreys test of the mean PD, two-sided; NaN for no rows."""
        return two_sided_jeffreys_p(self.n_bad, self.n, self.mean_pd.value)


def vintages(months: Mapping[str, Flags], y: Floats, pd: Floats, score: Floats, approved: Flags) -> tuple[Vintage, ...]:
    """One vintage for each month.

    Args:
        months: bool (n,), the rows of each month by its name.
        y: float64 (n,), 1 for bad.
        pd: float64 (n,).
        score: float64 (n,), points.
        approved: bool (n,).
    """
    return tuple(
        Vintage(
            name=name,
            n=int(rows.sum()),
            n_bad=int(y[rows].sum()),
            bad_rate=rate(float(y[rows].sum()), int(rows.sum())),
            mean_pd=mean_share(pd[rows]),
            mean_score=mean(score[rows]),
            approved=rate(float(approved[rows].sum()), int(rows.sum())),
        )
        for name, rows in months.items()
    )
