"""What declining by a PD is worth, whatever the losses are: the decision curve (Vickers and Elkin, Medical Decision
Making 2006).

Who declines above a PD of ``t`` says by it that turning down one bad is worth turning down ``(1 - t) / t`` goods: at a
cut-off of 20 % four. Net benefit counts the bads turned down less the goods turned down at that exchange rate, per
application: .03 means as much as turning down 3 bads and not one good of 100 applications. It needs PDs that are right,
not only ranks.

Arrays are float64 (n,); ``y`` holds 1 for bad and 0 for good, ``pd`` lies within 0 and 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from features.arrays import Floats
from fusion.validation.intervals import Estimate, mean


@dataclass(frozen=True)
class DecisionCurve:
    """Net benefit by cut-off, all float64 (k,), in bads turned down per application.

    Attributes:
        thresholds: cut-offs.
        model: declining PDs above the cut-off.
        decline_all: turning everybody down ("treat all"). Turning nobody down ("treat none") is worth 0. NaN with no
            rows.
    """

    thresholds: Floats
    model: Floats
    decline_all: Floats

    @property
    def worth(self) -> Floats:
        """What the model is worth over the better of declining all and none, (k,)."""
        best: Floats = self.model - np.maximum(self.decline_all, 0.0)
        return best


def net_benefit(y: Floats, pd: Floats, thresholds: Sequence[float] | Floats) -> DecisionCurve:
    """The decision curve of declining every row whose PD is above each threshold.

    ``TP/n - FP/n * t/(1 - t)``, bad and declined being a true positive. A PD that equals the cut-off is approved, as
    everywhere here. Raises ValueError for a threshold outside 0 to 1, both ends excluded.
    """
    at = np.asarray(thresholds, dtype=np.float64)
    weight = _weight(at)
    if not len(y):
        nothing = np.full(len(at), np.nan)
        return DecisionCurve(at, nothing, nothing)
    ends = np.searchsorted(np.sort(pd), at, side="right")
    bad_ends = np.searchsorted(np.sort(pd[y > 0.5]), at, side="right")
    n, n_bad = len(y), float(y.sum())
    caught, declined = n_bad - bad_ends, n - ends
    model = caught / n - (declined - caught) / n * weight
    return DecisionCurve(at, model, n_bad / n - (n - n_bad) / n * weight)


def net_benefit_difference(y: Floats, pd: Floats, other: Floats, threshold: float) -> Estimate:
    """Net benefit of declining by ``pd`` less that of declining by ``other``, above 0 where ``pd`` is worth more.

    Net benefit is a mean over rows, so the interval is the normal one of a mean of paired differences. NaN with no
    rows. Raises as ``net_benefit`` does.
    """
    weight = float(_weight(np.array([threshold]))[0])
    worth = np.where(y > 0.5, 1.0, -weight)
    return mean(worth * ((pd > threshold).astype(np.float64) - (other > threshold)))


def _weight(thresholds: Floats) -> Floats:
    if len(thresholds) and not (thresholds.min() > 0 and thresholds.max() < 1):
        raise ValueError("a cut-off lies between 0 and 1, both excluded")
    odds: Floats = thresholds / (1.0 - thresholds)
    return odds
