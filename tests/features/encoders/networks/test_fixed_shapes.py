"""The shape that a window is computed in follows from its own length alone."""

from __future__ import annotations

import torch
from torch import Tensor

from features.encoders.networks.fixed_shapes import FixedShapes


def test_lengths_are_multiples_of_the_step_or_the_longest() -> None:
    shapes = FixedShapes(step=8, longest=20, tokens=32, spare=0, pad=0)
    assert [shapes.length(n) for n in (1, 8, 9, 16, 17, 20)] == [8, 8, 16, 16, 20, 20]
    assert [FixedShapes(8, 20, 32, spare=1, pad=0).length(n) for n in (7, 8, 19)] == [8, 16, 20]


def test_batches_are_filled_up_and_vectors_come_in_the_order_given() -> None:
    asked: list[tuple[int, int]] = []

    def hidden(ids: Tensor, mask: Tensor) -> Tensor:
        asked.append((len(ids), ids.shape[1]))
        assert mask[:, 0].all()
        assert (ids[mask == 0] == 9).all()
        return ids[:, :, None].float()

    windows = [torch.arange(n) for n in (3, 12, 5, 4, 2, 6)]
    found = FixedShapes(step=8, longest=20, tokens=32, spare=0, pad=9).token_vectors(windows, hidden)
    assert found[:, 0].tolist() == torch.cat(windows).tolist()
    assert asked == [(4, 8), (4, 8), (2, 16)]
