"""A cut-off for whoever has not set one: where it lies hangs on how many applications turn bad."""

from __future__ import annotations

import math

from fusion.config import Config

ODDS_FACTOR = 1.4
"""The odds of the cut-off are so many times those of the training rows' bad rate."""


def cutoff_of(bad_rate: float) -> float:
    """The PD up to which a model approves that was trained on rows of this bad rate: ``ODDS_FACTOR`` times its odds.

    Two significant digits of the PD or, above one half, of what it lacks to 1, so that it lies inside (0, 1).

    Raises:
        ValueError: for a bad rate that is not inside (0, 1).
    """
    if not 0.0 < bad_rate < 1.0:
        raise ValueError(f"a bad rate of {bad_rate} has no odds")
    odds = ODDS_FACTOR * bad_rate / (1.0 - bad_rate)
    pd, rest = odds / (1.0 + odds), 1.0 / (1.0 + odds)
    return round(pd, 1 - math.floor(math.log10(min(pd, rest))))


def with_cutoff(config: Config, bad_rate: float) -> Config:
    """The settings with a cut-off for a model of these training rows: their own, or else ``cutoff_of`` the bad rate.

    Args:
        config: settings; ``decision.max_pd`` is 0 where the cut-off follows the bad rate.
        bad_rate: of the training rows, inside (0, 1).

    Raises:
        ValueError: for another bad rate, where the settings have no cut-off.
    """
    if config.decision.max_pd > 0.0:
        return config
    decision = config.decision.model_copy(update={"max_pd": cutoff_of(bad_rate)})
    return config.model_copy(update={"decision": decision})
