"""What the trees hear of a narrative beside its log-odds: principal components of its vector and of its words.

Trees can combine these with each other and with the columns, which a sum of log-odds cannot. They are fitted on
training rows without their outcome. All components of one narrative belong to one player of explanations.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from scipy import sparse

from features.arrays import Floats, Floats32
from features.design import TextBlock
from fusion.model.basis import HeadInputs

POWER_ITERATIONS = 5  # of the randomised decomposition of the words


@dataclass(frozen=True)
class TextComponents:
    """Linear maps from the heads' inputs of each narrative to k components of its vector and k of its words.

    Attributes:
        vectors: float32 (n_narratives, k, dim), principal axes of the vectors, zero where there are fewer.
        words: float32 (n_narratives, k, n_buckets), axes of the weighted words, zero where there are fewer.
    """

    vectors: Floats32
    words: Floats32

    @staticmethod
    def fit(inputs: HeadInputs, k: int, seed: int) -> TextComponents:
        """The first ``k`` axes of each kind, greatest variance first; of the narratives that were written."""
        n_narratives, dim = inputs.x_text.shape[1:]
        n_buckets = inputs.x_words.shape[1] // max(1, n_narratives)
        vectors = np.zeros((n_narratives, k, dim), dtype=np.float32)
        words = np.zeros((n_narratives, k, n_buckets if k else 0), dtype=np.float32)
        for number in range(n_narratives if k else 0):
            written = inputs.x_absent[:, number] == 0.0
            axes = _principal_axes(inputs.x_text[written, number].astype(np.float64), k)
            vectors[number, : len(axes)] = axes
            own = inputs.x_words[:, number * n_buckets : (number + 1) * n_buckets][written]
            axes = _word_axes(own, k, seed)
            words[number, : len(axes)] = axes
        return TextComponents(vectors, words)

    @property
    def n_components(self) -> int:
        """Components of one narrative, of both kinds."""
        return 2 * int(self.vectors.shape[1])

    def values(self, inputs: HeadInputs) -> Floats:
        """float64 (n, n_narratives, 2 k): components of the vectors, then of the words; NaN where nothing is written.

        A row's digits do not depend on the rows beside it.
        """
        n, n_narratives = inputs.x_absent.shape
        k = self.vectors.shape[1]
        found = np.zeros((n, n_narratives, 2 * k))
        for number in range(n_narratives):
            own = inputs.x_words[:, number * self.words.shape[2] : (number + 1) * self.words.shape[2]]
            row = np.repeat(np.arange(n), np.diff(own.indptr))
            for i in range(k):
                found[:, number, i] = (inputs.x_text[:, number] * self.vectors[number, i]).sum(axis=1, dtype=np.float64)
                products = own.data * self.words[number, i][own.indices].astype(np.float64)
                found[:, number, k + i] = np.bincount(row, products, minlength=n)
        found[inputs.x_absent > 0.0] = np.nan
        return found

    def to_arrays(self) -> dict[str, Floats32]:
        """The axes by name, for a safetensors file."""
        return {field.name: np.ascontiguousarray(getattr(self, field.name)) for field in fields(TextComponents)}


def text_columns(components: TextComponents, inputs: HeadInputs, text: TextBlock) -> Floats:
    """float64 (n, n_narratives, m): all that the trees hear of narratives beside their log-odds, components and then
    style; NaN where nothing is written.
    """
    return np.concatenate([components.values(inputs), text.x_style.astype(np.float64)], axis=2)


def _principal_axes(vectors: Floats, k: int) -> Floats:
    """float64 (<= k, dim): eigenvectors of the covariance of ``vectors`` (n, dim), the greatest coordinate positive."""
    if len(vectors) < 2 or not vectors.any():
        return np.zeros((0, vectors.shape[1]))
    centred = vectors - vectors.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    axes = axes[:, ::-1][:, :k].T
    greatest = np.abs(axes).argmax(axis=1)
    signed: Floats = axes * np.sign(axes[np.arange(len(axes)), greatest])[:, None]
    return signed


def _word_axes(x_words: sparse.csr_matrix, k: int, seed: int) -> Floats:
    """float64 (<= k, n_buckets): right singular vectors of the words that occur (Halko, Martinsson and Tropp, SIAM
    Review 2011).
    """
    from sklearn.utils.extmath import randomized_svd, svd_flip  # takes a second, and only fitting needs it

    occurring = np.unique(x_words.indices)
    k = min(k, len(occurring), x_words.shape[0])
    axes = np.zeros((k, x_words.shape[1]))
    if k:
        held = x_words[:, occurring].astype(np.float64)
        u, _, v = randomized_svd(held, k, n_iter=POWER_ITERATIONS, random_state=seed, flip_sign=False)
        axes[:, occurring] = svd_flip(u, v, u_based_decision=False)[1]
    return axes
