"""Two models on the same rows, and every figure of their comparison."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from experiments.reporting.charts import BLUE, DASHED, RED
from experiments.reporting.language import gettext
from experiments.validate.gains import NO_VARIANCE, Contest
from experiments.validate.scored_outcomes import ScoredOutcomes
from experiments.validate.sides import Side, Sides
from experiments.validate.slices import Cut, Slice, length_cut, main_narrative, wrote
from features.arrays import Floats
from fusion.metrics import Gain
from fusion.validation.comparison import Comparison, compare
from fusion.validation.intervals import NO_ESTIMATE, Estimate
from fusion.validation.net_benefit import net_benefit_difference
from fusion.validation.power import SampleSize, sample_sizes
from fusion.validation.swap_sets import SwapSet, swap_set


@dataclass(frozen=True)
class Pair:
    """Champion and challenger, row by row the same applications.

    Attributes:
        champion: the model in use.
        challenger: the model that may replace it.
        comparison: their differences.
        swaps: at the approval rate of interest.
        cutoff: the PD above which the champion's policy declines, of rows without a cut-off of their own where it has
            segments; None where it declines nobody, or all.
        worth: net benefit of the challenger less that of the champion at that cut-off, per application.
        plan: what a shadow test needs.
    """

    champion: ScoredOutcomes
    challenger: ScoredOutcomes
    comparison: Comparison
    swaps: SwapSet
    cutoff: float | None
    worth: Estimate
    plan: tuple[SampleSize, ...]

    def __len__(self) -> int:
        return len(self.champion)

    @property
    def y(self) -> Floats:
        """float64 (n,), 1 bad."""
        return self.champion.y

    @property
    def sides(self) -> Sides:
        """The two as the validation's chapters show them."""
        return (
            Side("champion", gettext("Champion"), gettext("champion"), RED, DASHED, self.champion),
            Side("challenger", gettext("Challenger"), gettext("challenger"), BLUE, "-", self.challenger),
        )

    @property
    def contest(self) -> Contest:
        """The challenger against the champion."""
        one, other = self.champion.margin, self.challenger.margin
        shown = {"champion": (gettext("AUC, champion"), one), "challenger": (gettext("AUC, challenger"), other)}
        return Contest(self.y, other, one, shown)

    @property
    def alike(self) -> bool:
        """Whether the two give every row the same PD."""
        return bool(np.array_equal(self.champion.margin, self.challenger.margin))

    @property
    def segmented(self) -> bool:
        """Whether the champion's policy has cut-offs by segment, of which ``cutoff`` knows nothing."""
        return self.champion.policy.segments is not None

    @property
    def decided_differently(self) -> float:
        """Share of the rows that the two decide differently, each by its own policy."""
        return float(np.mean([a != b for a, b in zip(self.champion.decision, self.challenger.decision, strict=True)]))


def pair(
    champion: ScoredOutcomes, challenger: ScoredOutcomes, approval_rate: float | None, powers: Sequence[float]
) -> Pair:
    """Compare two models on the rows that both scored.

    approval_rate: None for the share that the champion's policy approves.
    """
    y, one, other = champion.y, champion.margin, challenger.margin
    rate = float(champion.approved.mean()) if approval_rate is None else approval_rate
    swaps = swap_set(one, other, y, rate)
    decline = champion.policy.cutoffs.decline
    cutoff = decline if 0 < decline < 1 else None
    return Pair(
        champion=champion,
        challenger=challenger,
        comparison=compare(one, other, y),
        swaps=swaps,
        cutoff=cutoff,
        worth=NO_ESTIMATE if cutoff is None else net_benefit_difference(y, challenger.pd, champion.pd, cutoff),
        plan=sample_sizes(one, other, y, swaps, powers),
    )


def narrative_cuts(found: Pair) -> list[Cut]:
    """The rows with and without the main narrative, the one written with the most characters, and by its length: the
    champion's, or the challenger's where the champion reads none. Empty where nobody wrote, or for no narratives.
    """
    for scored in (found.champion, found.challenger):
        lengths, main = length_cut(scored), main_narrative(scored)
        if lengths is not None:
            with_it, title = wrote(scored, main), f"“{gettext(scored.applications.schema[main].title)}”"
            both = (
                Slice(gettext("with {name}").format(name=title), with_it),
                Slice(gettext("without {name}").format(name=title), ~with_it),
            )
            return [Cut("narrative", title, both), lengths]
    return []


def why_no_p(gain: Gain, few: str) -> str:
    """Why a difference has no p: ``few`` where there is none at all, else for want of variance."""
    return few if math.isnan(gain.difference) else gettext(NO_VARIANCE)
