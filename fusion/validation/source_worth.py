"""What each source of a schema was worth to the ranking, by leaving it out."""

from __future__ import annotations

from dataclasses import dataclass

from features.arrays import Floats
from fusion.metrics import Gain, auc, delong
from fusion.model.fusion_model import Margins


@dataclass(frozen=True)
class SourceWorth:
    """The model beside the one that learned without a source.

    Attributes:
        name: of the source; ``data_schemas.sources.EVERY_SOURCE`` for all of them, which leaves the application alone.
        without: AUC of the model without it.
        gain: AUC of the whole model minus this, tested by DeLong; exactly 0 for a source that is never filled.
    """

    name: str
    without: float
    gain: Gain


def source_worths(y: Floats, margins: Margins) -> tuple[SourceWorth, ...]:
    """The worth of each source, in the schema's order, on rows of these outcomes, float64 (n,)."""
    return tuple(
        SourceWorth(name, auc(y, margin), delong(y, margins.fused, margin)) for name, margin in margins.without.items()
    )
