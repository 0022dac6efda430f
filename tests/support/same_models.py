"""Whether two models are equal to the bit; shared by the tests of training."""

from __future__ import annotations

import numpy as np

from fusion.model.fusion_model import Assembly, FusionModel, TextModel
from fusion.model.head import Head


def assert_same_head(one: Head, other: Head) -> None:
    """Equal to the bit."""
    for key, array in one.to_arrays().items():
        np.testing.assert_array_equal(array, other.to_arrays()[key])


def assert_same_assembly(one: Assembly, other: Assembly) -> None:
    """Equal to the bit."""
    assert one.intercept == other.intercept
    assert [member for member in one.members if member.weight] == [member for member in other.members if member.weight]
    assert one.stacker.weights == other.stacker.weights
    assert one.stacker.to_text() == other.stacker.to_text()
    assert_same_head(one.head, other.head)


def assert_same_text_model(one: TextModel, other: TextModel) -> None:
    """Equal to the bit."""
    assert_same_head(one.head, other.head)
    assert (one.slope, one.intercept) == (other.slope, other.intercept)


def assert_same_model(one: FusionModel, other: FusionModel) -> None:
    """Equal to the bit, with all ablations."""
    assert_same_assembly(one.fused, other.fused)
    assert_same_assembly(one.columns_only, other.columns_only)
    assert_same_text_model(one.text_only, other.text_only)
    assert [ablation.group for ablation in one.without] == [ablation.group for ablation in other.without]
    for mine, theirs in zip(one.without, other.without, strict=True):
        assert_same_head(mine.text_only, theirs.text_only)
        assert_same_assembly(mine.fused, theirs.fused)
