"""Windows to batches: of nearly equal length, bounded by tokens, in an order that the seed and the epoch decide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from features.arrays import Ints
from features.language.whole_words import MaskedWindow, TokenKinds, mask_words


@dataclass(frozen=True)
class Batch:
    """Masked windows, filled up to the longest.

    Attributes:
        tokens: int64 (n, length), tokens that the encoder is given.
        real: int64 (n, length), 1 for a token, 0 for filling.
        places: int64 (m,), where tokens are to be guessed, in the flattened batch.
        hidden: int64 (m,), the tokens that stand there.
    """

    tokens: Tensor
    real: Tensor
    places: Tensor
    hidden: Tensor

    @staticmethod
    def of(windows: Sequence[MaskedWindow], filling: int) -> Batch:
        """Put windows together; ``filling`` is the padding token."""
        length = max(len(window.tokens) for window in windows)
        tokens = np.full((len(windows), length), filling, dtype=np.int64)
        real = np.zeros((len(windows), length), dtype=np.int64)
        for row, window in enumerate(windows):
            tokens[row, : len(window.tokens)] = window.tokens
            real[row, : len(window.tokens)] = 1
        places = np.concatenate([row * length + window.places for row, window in enumerate(windows)])
        hidden = np.concatenate([window.hidden for window in windows])
        return Batch(*(torch.from_numpy(array) for array in (tokens, real, places, hidden)))

    @property
    def n_tokens(self) -> int:
        """Tokens without the filling."""
        return int(self.real.sum())

    def to(self, device: torch.device) -> Batch:
        """The same on a device."""
        return Batch(*(x.to(device, non_blocking=True) for x in (self.tokens, self.real, self.places, self.hidden)))


@dataclass(frozen=True)
class MaskedWindows:
    """Windows in which something is to be guessed; those without a hidden word teach nothing and are left out.

    Attributes:
        windows: masked.
        parts: positions of the windows of each batch, at most so many tokens with the filling.
        filling: the padding token.
    """

    windows: Sequence[MaskedWindow]
    parts: Sequence[Ints]
    filling: int

    @property
    def n_tokens(self) -> int:
        """Tokens in all, without filling."""
        return sum(len(window.tokens) for window in self.windows)

    def batches(self, begin: int, end: int) -> Iterator[Batch]:
        """The batches from ``begin`` up to ``end``."""
        for part in self.parts[begin:end]:
            yield Batch.of([self.windows[i] for i in part.tolist()], self.filling)


def masked_windows(
    windows: Sequence[Ints], kinds: TokenKinds, share: float, filling: int, most_tokens: int, seeds: tuple[int, ...]
) -> MaskedWindows:
    """Mask windows (token ids each), and deal them into batches of nearly equal length in a random order.

    The same seeds give the same masks, batches and order.
    """
    masked = [mask_words(ids, kinds, share, seeds) for ids in windows]
    masked = [one for one in masked if len(one.places)]
    random = np.random.Generator(np.random.PCG64(list(seeds)))
    order = random.permutation(len(masked))
    lengths = np.array([len(masked[i].tokens) for i in order.tolist()], dtype=np.int64)
    order = order[np.argsort(lengths, kind="stable")]
    parts = list(_parts(order, masked, most_tokens))
    return MaskedWindows(masked, [parts[i] for i in random.permutation(len(parts)).tolist()], filling)


def _parts(order: Ints, masked: Sequence[MaskedWindow], most_tokens: int) -> Iterator[Ints]:
    """Neighbours in ``order``, which rises with the length, in groups of at most so many tokens with the filling."""
    begin = 0
    for end in range(1, len(order) + 1):
        if end == len(order) or (end - begin + 1) * len(masked[order[end]].tokens) > most_tokens:
            yield order[begin:end]
            begin = end
