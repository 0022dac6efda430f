"""Attention over windows of many lengths in one call."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 (the name everyone knows)
from torch import Tensor

from features.encoders.networks.bert import runs_of_length
from features.encoders.networks.unpadded import attend_unpadded, attends_unpadded, window_bounds
from features.encoders.opening import open_encoder
from features.encoders.source_files import EMBEDDED
from tests.support.tiny_bert import tiny_bert

LENGTHS = (5, 5, 5, 3, 7, 7, 1)


def window_by_window(
    q: Tensor, k: Tensor, v: Tensor, begins: Tensor, _same: Tensor, longest: int, _longest: int, *, num_splits: int
) -> Tensor:
    """What flash attention computes, one window at a time."""
    assert num_splits == 1
    assert begins.dtype == torch.int32
    assert int(begins.diff().max()) == longest
    mixed = torch.empty_like(q)
    for start, end in zip(begins[:-1].tolist(), begins[1:].tolist(), strict=True):
        query, key, value = (x[start:end].transpose(0, 1).unsqueeze(0) for x in (q, k, v))
        mixed[start:end] = F.scaled_dot_product_attention(query, key, value).squeeze(0).transpose(0, 1)
    return mixed


def test_bounds_are_where_windows_begin() -> None:
    assert window_bounds(runs_of_length(LENGTHS)).tolist() == [0, 5, 10, 15, 18, 25, 32, 33]
    assert window_bounds([(1, 4)]).tolist() == [0, 4]


def test_one_call_gives_what_windows_of_each_length_give(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.nn.attention.varlen.varlen_attn", window_by_window)
    runs = runs_of_length(LENGTHS)
    bert = open_encoder(str(tiny_bert(tmp_path / "encoder")), precision="bf16", device="cpu", window=16).bert
    random = torch.Generator().manual_seed(0)
    qkv = torch.randn(sum(LENGTHS) + 7, 3 * bert.dim, generator=random).to(torch.bfloat16)
    found = attend_unpadded(qkv, runs, bert.shape.n_heads)
    torch.testing.assert_close(found, bert.attend(qkv, runs), atol=2e-2, rtol=2e-2)
    assert not found[sum(LENGTHS) :].any()


def test_only_bf16_on_a_cuda_device_is_read_so() -> None:
    assert not attends_unpadded(torch.device("cpu"), torch.bfloat16)
    assert not attends_unpadded(torch.device("cuda"), torch.float32)
    assert attends_unpadded(torch.device("cuda"), torch.bfloat16)  # torch of .ci/constraints.txt


@pytest.mark.gpu
def test_a_window_has_the_same_bits_in_any_company() -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    encoder = open_encoder(EMBEDDED, precision="bf16", device="cuda")
    texts = [f"i need help with {'a long list of bills and ' * n} the car" for n in range(40)]
    together = encoder.encode(texts)
    for text, vector in zip(texts, together, strict=True):
        assert (encoder.encode([text])[0] == vector).all()
