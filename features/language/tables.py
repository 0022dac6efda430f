"""A table of token vectors that gives, as the mean over a text's tokens, nearly the vectors of a teacher.

The table that comes nearest by least squares, with a ridge towards the mean vector: what a token adds to it. A token of
many texts is determined by them; one of few stays near the mean. The ridge is the larger, the more frequent a token is
(by the inverse of Arora et al.'s smooth inverse frequency, 2017), as words like "the" say little. Its strength is the
one that does best on held-out texts.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from features.arrays import Floats32
from features.encoders.networks.static import WORDS
from features.language.distillation import EpochLoss, Lesson

RIDGES = (1e-5, 1e-4, 1e-3, 1e-2)
"""Strengths that are tried, as shares of the number of texts."""
COMMON = 1e-3
"""A token that is this share of all tokens is held back twice as much as a rare one."""
STEPS = 60
"""Steps of conjugate gradients; they end earlier once the residual is small."""
RESIDUAL = 1e-4


def distil_table(training: Lesson, held_out: Lesson, n_tokens: int) -> tuple[dict[str, Tensor], list[EpochLoss]]:
    """The table's only tensor, float32 (n_tokens, dim), and the loss of every strength that was tried."""
    counts, mean = _shares(training, n_tokens), training.vectors.mean(0)
    weight = np.sqrt(COMMON / (COMMON + np.asarray(counts.mean(0), np.float32).ravel()))
    weighted = (counts @ sparse.diags_array(weight)).tocsr()
    wanted = training.vectors - mean
    outside = _shares(held_out, n_tokens)
    best, least, losses = np.zeros((n_tokens, training.vectors.shape[1]), np.float32), np.inf, []
    for step, ridge in enumerate(RIDGES, 1):
        effect = _ridge(weighted, wanted, ridge * len(training)) * weight[:, None]
        loss = _loss(outside @ effect + mean, held_out.vectors)
        losses.append(EpochLoss(step, _loss(counts @ effect + mean, training.vectors), loss))
        if loss < least:
            best, least = effect, loss
    return {WORDS: torch.from_numpy((best + mean).astype(np.float32))}, losses


def _shares(lesson: Lesson, n_tokens: int) -> sparse.csr_array:
    """float32 (n, n_tokens): which share of a text's tokens each is."""
    rows = np.repeat(np.arange(len(lesson)), [len(ids) for ids in lesson.ids])
    share = np.repeat([1 / len(ids) for ids in lesson.ids], [len(ids) for ids in lesson.ids]).astype(np.float32)
    return sparse.csr_array((share, (rows, np.concatenate(lesson.ids))), (len(lesson), n_tokens))


def _ridge(x: sparse.csr_array, y: Floats32, ridge: float) -> Floats32:
    """argmin |x w - y|^2 + ridge |w|^2 for all columns of y at once, by conjugate gradients on the normal equations."""
    x_t = x.T.tocsr()
    found = np.zeros((x.shape[1], y.shape[1]), np.float32)
    left = np.asarray(x_t @ y, np.float32)
    direction, size = left.copy(), (left * left).sum(0)
    enough = RESIDUAL**2 * size
    for _ in range(STEPS):
        if (size <= enough).all():
            break
        pushed = x_t @ (x @ direction) + np.float32(ridge) * direction
        length = size / np.maximum((direction * pushed).sum(0), 1e-30)
        found += length * direction
        left -= length * pushed
        before, size = size, (left * left).sum(0)
        direction = left + size / np.maximum(before, 1e-30) * direction
    return found


def _loss(found: Floats32, wanted: Floats32) -> float:
    """As of ``distillation.EpochLoss``."""
    lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(wanted, axis=1)
    cosine = (found * wanted).sum(1) / np.maximum(lengths, 1e-12)
    return float(np.mean((found - wanted) ** 2) / (wanted.var() or 1.0) + 1 - cosine.mean())
