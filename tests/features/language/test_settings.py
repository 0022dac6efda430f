from __future__ import annotations

import re
from dataclasses import replace

import pytest
import torch

from data_schemas.errors import ContractError
from features.language.settings import PretrainingSettings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 0),
        ("lr", 0.0),
        ("lr", float("nan")),
        ("head_lr", float("inf")),
        ("mask_share", 0.9),
        ("validation_share", 0.0),
        ("weight_decay", -1.0),
        ("warmup", 1.0),
        ("window", 4),
        ("batch_tokens", 100),
        ("tokens_at_once", 100),
        ("patience", 0),
        ("max_minutes", 0.0),
        ("seed", -1),
    ],
)
def test_values_that_make_no_sense_are_refused(name: str, value: float) -> None:
    message = re.escape(f"{name.replace('_', '-')} is {value}")
    with pytest.raises(ContractError, match=f"{message}.*Give "):
        replace(PretrainingSettings(), **{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changed", "device", "expected"),
    [
        ({}, "cpu", (2048, 2)),
        ({}, "cuda", (4096, 1)),
        ({"batch_tokens": 512}, "cpu", (512, 1)),
        ({"batch_tokens": 65536}, "cuda", (32768, 2)),
        ({"batch_tokens": 16384, "tokens_at_once": 1024}, "cuda", (1024, 16)),
        ({"batch_tokens": 8192, "window": 4096}, "cpu", (4096, 2)),
    ],
)
def test_an_update_sums_the_parts_that_its_tokens_are_computed_in(
    changed: dict[str, int], device: str, expected: tuple[int, int]
) -> None:
    settings = replace(PretrainingSettings(), **changed)  # type: ignore[arg-type]
    assert (settings.part_tokens(torch.device(device)), settings.parts(torch.device(device))) == expected
