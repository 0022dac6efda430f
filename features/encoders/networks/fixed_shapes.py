"""Windows in batches of a few fixed shapes, for engines whose kernels round differently for other shapes.

Windows are padded to the next multiple of a step, and a batch is filled up with empty rows, so that the shape in which
a window is computed follows from its own length alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

Hidden = Callable[[Tensor, Tensor], Tensor]
"""(ids, mask), int64 (rows, length) each -> float32 (rows, length, dim)."""


@dataclass(frozen=True)
class FixedShapes:
    """Which shapes there are.

    Attributes:
        step: lengths are multiples of it, or ``longest``.
        longest: most places in a row.
        tokens: places in a batch, padding included; a batch has one row at least.
        spare: places of a row that are always padding.
        pad: token id of padding.
    """

    step: int
    longest: int
    tokens: int
    spare: int
    pad: int

    def length(self, n_tokens: int) -> int:
        """Places in the row of a window of so many tokens."""
        return min(self.longest, -(-(n_tokens + self.spare) // self.step) * self.step)

    def token_vectors(self, windows: Sequence[Tensor], hidden: Hidden) -> Tensor:
        """float32 (n_tokens, dim), one window after the other."""
        vectors = [torch.empty(0)] * len(windows)
        by_length: dict[int, list[int]] = {}
        for at, window in enumerate(windows):
            by_length.setdefault(self.length(len(window)), []).append(at)
        for length, members in by_length.items():
            rows = max(1, self.tokens // length)
            for start in range(0, len(members), rows):
                some = members[start : start + rows]
                found = hidden(*self._filled([windows[at] for at in some], rows, length))
                for row, at in enumerate(some):
                    vectors[at] = found[row, : len(windows[at])]
        return torch.cat(vectors)

    def _filled(self, windows: Sequence[Tensor], rows: int, length: int) -> tuple[Tensor, Tensor]:
        ids = torch.full((rows, length), self.pad, dtype=torch.int64)
        mask = torch.zeros((rows, length), dtype=torch.int64)
        mask[:, 0] = 1  # an empty row has one token, so that its softmax is over something
        for row, window in enumerate(windows):
            ids[row, : len(window)] = window
            mask[row, : len(window)] = 1
        return ids, mask
