"""What gives tokens their vectors: our own BERT, other BERTs through transformers, or a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor


class TokenModel(Protocol):
    """A model of tokens whose vectors do not depend, to the last bit, on the windows beside theirs.

    Attributes:
        dim: length of a vector.
        max_tokens: longest window, special tokens included.
        dtype: what it computes in.
        device: where its weights live.
        batch_tokens: about as many tokens are given at once.
        engine: what its last bits depend on beside torch, such as a library's release; empty: nothing.
    """

    @property
    def dim(self) -> int: ...  # noqa: D102 (described above)

    @property
    def max_tokens(self) -> int: ...  # noqa: D102

    @property
    def dtype(self) -> torch.dtype: ...  # noqa: D102

    @property
    def device(self) -> torch.device: ...  # noqa: D102

    @property
    def batch_tokens(self) -> int: ...  # noqa: D102

    @property
    def engine(self) -> str: ...  # noqa: D102

    def token_vectors(self, windows: Sequence[Tensor]) -> Tensor:
        """float32 (n_tokens, dim) on the model's device, one window after the other.

        windows: int64 (length,) token ids each, special tokens included, at most ``max_tokens`` long.
        """
        ...
