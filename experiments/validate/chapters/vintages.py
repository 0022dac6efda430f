"""Months of decision as vintages: how those decided in a month went, beside what was foretold of them."""

from __future__ import annotations

from dataclasses import dataclass

from experiments.validate.scored_outcomes import ScoredOutcomes
from experiments.validate.slices import Cut
from fusion.validation.intervals import Estimate, mean, rate


@dataclass(frozen=True)
class Vintage:
    """Those decided in one month; figures of a month without rows are NaN.

    name: the month. bad_rate, mean_pd, approved: fractions of 1. mean_score: points.
    """

    name: str
    n: int
    bad_rate: Estimate
    mean_pd: Estimate
    mean_score: Estimate
    approved: Estimate

    @property
    def off(self) -> bool:
        """Whether the mean PD lies outside the interval of the bad rate."""
        return self.n > 0 and not self.bad_rate.low <= self.mean_pd.value <= self.bad_rate.high


def vintages(judged: ScoredOutcomes, months: Cut | None) -> tuple[Vintage, ...]:
    """One of every month from the first to the last; none without dates."""
    score = judged.model.bundle.model.scores(judged.margin).score
    return tuple(
        Vintage(
            part.name,
            len(part),
            rate(float(judged.y[part.rows].sum()), len(part)),
            mean(judged.pd[part.rows]),
            mean(score[part.rows]),
            rate(float(judged.approved[part.rows].sum()), len(part)),
        )
        for part in (months.slices if months else ())
    )
