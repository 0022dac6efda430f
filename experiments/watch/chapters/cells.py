"""Signals as cells of tables."""

from __future__ import annotations

from experiments.reporting.document import Interval
from fusion.watch.signals import Signal


def signal_interval(signal: Signal) -> Interval:
    """A signal's figure; its interval is widened where it does not hold the figure."""
    return Interval(value=signal.now, low=min(signal.low, signal.now), high=max(signal.high, signal.now))
