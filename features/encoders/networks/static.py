"""A table of token vectors: an encoder for the hurried, trained by distillation (`creditfusion distil --layers 0`).

A text's vector is the mean over its tokens, as with any encoder here; what is common weighs less because the table's
rows already carry their tokens' weights. A token's vector does not follow its neighbours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

WORDS = "embeddings.word_embeddings.weight"
MODEL_TYPE = "static"
MAX_TOKENS = 512  # a bound of `encoder.window`; windows change a mean by their special tokens only


@dataclass(frozen=True)
class StaticTable:
    """The table as a ``TokenModel``; it computes in fp32.

    Attributes:
        words: float32 (vocabulary, dim), one vector per token.
    """

    words: Tensor
    max_tokens: int = MAX_TOKENS
    dtype: torch.dtype = torch.float32
    batch_tokens: int = 16384
    engine: str = ""

    @staticmethod
    def of(weights: Mapping[str, Tensor], device: torch.device) -> StaticTable:
        """Build it from its only tensor; raises KeyError where that is missing."""
        return StaticTable(weights[WORDS].to(device=device, dtype=torch.float32).contiguous())

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self.words.shape[1]

    @property
    def device(self) -> torch.device:
        """Where the table lies."""
        return self.words.device

    def token_vectors(self, windows: Sequence[Tensor]) -> Tensor:
        """float32 (n_tokens, dim), one window after the other."""
        return self.words[torch.cat([*windows]).to(self.device)]
