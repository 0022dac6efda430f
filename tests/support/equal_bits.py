"""Texts, and the check that an encoder's vectors do not depend on the texts beside them or on threads."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import torch

from features.encoders.vectors import TextEncoder

BAG = ("loan", "rent", "to", "pay", "my", "credit", "cards", "consolidation", "a", "job", ";", "2011", "please")


def words(n_texts: int, longest: int, seed: int) -> list[str]:
    """Texts of every length, from nothing to ``longest`` words."""
    chance = random.Random(seed)
    return [" ".join(chance.choices(BAG, k=chance.randint(0, longest))) for _ in range(n_texts)]


def check_bits_in_any_company(encoder: TextEncoder, texts: Sequence[str], n_copies: int) -> None:
    """Assert equal bits in another order, in small groups, many times over, and with one to three threads of torch,
    whose number is left changed.
    """
    torch.set_num_threads(2)
    together = encoder.encode(texts)
    order = random.Random(4).sample(range(len(texts)), len(texts))
    np.testing.assert_array_equal(encoder.encode([texts[i] for i in order]), together[order])
    torch.set_num_threads(1)
    for at in range(0, len(texts), 11):
        np.testing.assert_array_equal(encoder.encode(texts[at : at + 7]), together[at : at + 7])
    np.testing.assert_array_equal(encoder.encode(list(texts[:1]) * n_copies), together[:1].repeat(n_copies, axis=0))
    torch.set_num_threads(3)
    np.testing.assert_array_equal(encoder.encode(texts), together)
