"""Swap sets: whom another model would have approved instead, at the same approval rate, and how these applicants fared.

Arrays are float64 (n,); ``y`` holds 1 for bad and 0 for good, margins are log-odds of bad. Every row's outcome must be
known, also that of rows which either model declines: the figures are those of the applicants at hand, who were granted
a loan once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from features.arrays import Flags, Floats
from fusion.validation.fairness import rate_difference
from fusion.validation.intervals import NO_ESTIMATE, Estimate, rate

TIE_SEED = 0  # of the order of rows with equal margins, the same for every model


@dataclass(frozen=True)
class Share:
    """The outcomes of some rows.

    Attributes:
        n: rows.
        n_bad: bad outcomes.
        rate: bad rate with Jeffreys' interval.
    """

    n: int
    n_bad: int
    rate: Estimate


@dataclass(frozen=True)
class SwapSet:
    """Two models' decisions side by side, each approving the same number of applicants.

    Attributes:
        n: rows.
        n_approved: rows that each model approves.
        both_approve: approved by both.
        both_decline: declined by both.
        swapped_in: approved by the challenger alone.
        swapped_out: approved by the champion alone; as many rows as ``swapped_in``.
        gain: bad rate of the swapped-out less that of the swapped-in, above 0 where the challenger is better (interval:
            Newcombe's of a difference of two rates); NaN where nobody is swapped.
        champion: all that the champion approves.
        challenger: all that the challenger approves.
    """

    n: int
    n_approved: int
    both_approve: Share
    both_decline: Share
    swapped_in: Share
    swapped_out: Share
    gain: Estimate
    champion: Share
    challenger: Share

    @property
    def approval_rate(self) -> float:
        """Share of the rows that each model approves; NaN for no rows."""
        return self.n_approved / self.n if self.n else math.nan

    @property
    def differing(self) -> float:
        """Share of the rows that the two decide differently; NaN for no rows."""
        return (self.swapped_in.n + self.swapped_out.n) / self.n if self.n else math.nan

    @property
    def book_gain(self) -> Estimate:
        """Bad rate of all the champion approves less that of all the challenger approves, above 0 where the challenger
        is better: ``gain`` thinned by those both approve. 0 where nobody is swapped, NaN where nobody is approved.
        """
        if not self.n_approved:
            return NO_ESTIMATE
        if not self.swapped_in.n:
            return Estimate(0.0, 0.0, 0.0)
        thin = self.swapped_in.n / self.n_approved
        return Estimate(thin * self.gain.value, thin * self.gain.low, thin * self.gain.high)


def swap_set(champion_margin: Floats, challenger_margin: Floats, y: Floats, approval_rate: float) -> SwapSet:
    """The swap sets when each model approves its safest rows, ``approval_rate`` of all (rounded to whole rows).

    Rows of equal margin are approved in an order drawn once with a fixed seed, the same for both models: equal models
    so swap nobody, and the order of the file, which may be that of the outcomes, decides nothing.
    Raises ValueError for an approval rate outside 0 to 1.
    """
    if not 0.0 <= approval_rate <= 1.0:
        raise ValueError(f"the approval rate is {approval_rate}, not within 0 to 1")
    k = math.floor(approval_rate * len(y) + 0.5)
    champion, challenger = approved(champion_margin, k), approved(challenger_margin, k)
    inside, outside = share(y, challenger & ~champion), share(y, champion & ~challenger)
    return SwapSet(
        n=len(y),
        n_approved=k,
        both_approve=share(y, champion & challenger),
        both_decline=share(y, ~champion & ~challenger),
        swapped_in=inside,
        swapped_out=outside,
        gain=rate_difference(outside.n_bad, outside.n, inside.n_bad, inside.n),
        champion=share(y, champion),
        challenger=share(y, challenger),
    )


def approved(margin: Floats, k: int) -> Flags:
    """bool (n,): the ``k`` rows of least margin; ties as in ``swap_set``."""
    draw = np.random.Generator(np.random.PCG64(TIE_SEED)).permutation(len(margin))
    found = np.zeros(len(margin), dtype=np.bool_)
    found[np.lexsort((draw, margin))[:k]] = True
    return found


def share(y: Floats, rows: Flags) -> Share:
    """How the rows of this mask went."""
    n, n_bad = int(rows.sum()), int(y[rows].sum())
    return Share(n, n_bad, rate(n_bad, n))
