"""Attention over windows of many lengths in one call, for a CUDA device that computes in bf16.

Flash attention takes the windows one behind the other with the places where each begins, so that nothing is computed
for padding and one kernel serves them all. Its keys are never split between blocks (``num_splits=1``): where they are,
the cut follows the longest window of the call, and a window's bits would depend on its neighbours.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from functools import cache

import torch
import torch.nn.functional as F  # noqa: N812 (the name everyone knows)
from torch import Tensor

Runs = Sequence[tuple[int, int]]
"""Neighbouring windows of equal length as (count, length)."""


def attends_unpadded(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether ``attend_unpadded`` runs here: in bf16 on a CUDA device, by a torch that can leave keys unsplit."""
    return device.type == "cuda" and dtype == torch.bfloat16 and _can_leave_keys_unsplit()


@cache
def _can_leave_keys_unsplit() -> bool:
    try:
        from torch.nn.attention.varlen import varlen_attn  # not in every torch that may be installed
    except ImportError:
        return False
    return "num_splits" in inspect.signature(varlen_attn).parameters


def attend_unpadded(qkv: Tensor, runs: Runs, n_heads: int) -> Tensor:
    """Self-attention inside each window.

    Args:
        qkv: bf16 (rows, 3 * dim), query, key and value of every token; rows behind the last window are filling.
        runs: The windows, in order.
        n_heads: Heads of the attention.

    Returns:
        Of qkv's type, (rows, dim); zero in the filling.
    """
    from torch.nn.attention.varlen import varlen_attn

    bounds = window_bounds(runs)
    n_tokens, longest = int(bounds[-1]), max(length for _, length in runs)
    on_device = bounds.to(qkv.device)
    q, k, v = qkv[:n_tokens].view(n_tokens, 3, n_heads, -1).unbind(1)
    mixed = varlen_attn(q, k, v, on_device, on_device, longest, longest, num_splits=1)
    assert isinstance(mixed, Tensor)  # a pair only where more is asked for
    return F.pad(mixed.reshape(n_tokens, -1), (0, 0, 0, len(qkv) - n_tokens))


def window_bounds(runs: Runs) -> Tensor:
    """Where each window begins, and the end of the last: int32 (n_windows + 1,)."""
    counts, lengths = (torch.tensor(values) for values in zip(*runs, strict=True))
    ends = torch.repeat_interleave(lengths, counts).cumsum(0)
    return F.pad(ends, (1, 0)).to(torch.int32)
