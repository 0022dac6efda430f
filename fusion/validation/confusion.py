"""What a cut-off does: how many it flags, and how often it is right. Bad is the positive class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.arrays import Flags, Floats
from fusion.validation.intervals import Estimate, rate


@dataclass(frozen=True)
class CutoffFigures:
    """Figures of one cut-off over rows with known outcome; a rate with no rows in its denominator is NaN.

    Attributes:
        n: rows.
        n_bad: bad outcomes.
        n_flagged: rows flagged as bad.
        caught: flagged bads.
        flagged: share flagged.
        accuracy: share of rows flagged if and only if bad.
        precision: bads among the flagged.
        recall: flagged among the bads.
        specificity: not flagged among the goods.
        bad_rate_passed: bads among those not flagged.
        f1: harmonic mean of precision and recall.
    """

    n: int
    n_bad: int
    n_flagged: int
    caught: int
    flagged: Estimate
    accuracy: Estimate
    precision: Estimate
    recall: Estimate
    specificity: Estimate
    bad_rate_passed: Estimate
    f1: Estimate


def at_cutoff(y: Floats, flagged: Flags) -> CutoffFigures:
    """Figures of flagging the rows ``flagged`` bool (n,), ``y`` float64 (n,) holding 1 for bad.

    Intervals are Jeffreys'; that of F1 = 2 J / (1 + J) is Jeffreys' of J, the share of caught bads among rows that are
    bad or flagged.
    """
    bad = y > 0.5
    n, n_bad, n_flagged, caught = len(y), int(bad.sum()), int(flagged.sum()), int(np.sum(bad & flagged))
    passed_good = n - n_bad - n_flagged + caught
    return CutoffFigures(
        n=n,
        n_bad=n_bad,
        n_flagged=n_flagged,
        caught=caught,
        flagged=rate(n_flagged, n),
        accuracy=rate(caught + passed_good, n),
        precision=rate(caught, n_flagged),
        recall=rate(caught, n_bad),
        specificity=rate(passed_good, n - n_bad),
        bad_rate_passed=rate(n_bad - caught, n - n_flagged),
        f1=_f1(rate(caught, n_bad + n_flagged - caught)),
    )


def _f1(jaccard: Estimate) -> Estimate:
    """F1 from the Jaccard index, a monotone function of it."""
    value, low, high = (2 * j / (1 + j) for j in (jaccard.value, jaccard.low, jaccard.high))
    return Estimate(value, low, high)
