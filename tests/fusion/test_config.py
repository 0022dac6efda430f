"""The settings tree and its ranges."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from fusion.config import Between, Config, OneOf, valid_keys


def test_the_tree_is_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Config().folds.seed = 3  # type: ignore[misc]


def test_defaults_lie_inside_their_ranges() -> None:
    ranged = 0
    for _, node in Config():
        for key, info in type(node).model_fields.items():
            for mark in info.metadata:
                value = getattr(node, key)
                if isinstance(mark, Between):
                    assert mark.low <= value <= mark.high, key
                    ranged += 1
                if isinstance(mark, OneOf):
                    assert value in mark.choices, key
                    ranged += 1
    assert ranged > 10
    assert "stacker.num_leaves" in valid_keys()
