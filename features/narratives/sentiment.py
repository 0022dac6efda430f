"""The mood of texts, from -1 (bad) to 1 (good), read from an encoder's vectors.

A logistic regression learns it from invented sentences (``data_schemas/english.sentiment.json``): of each matter one
bad, one plain and one good. It is learned anew for every encoder, in seconds. Measured on sentences that people
labelled in ``experiments/benchmarks/watch/opinion.py``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources

import numpy as np
from pydantic import TypeAdapter
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GroupKFold, cross_val_predict
from threadpoolctl import threadpool_limits

from features.arrays import Floats, Floats32, Ints
from features.encoders.vectors import TextEncoder

LABELS = ("negative", "neutral", "positive")
STRENGTHS = (0.03, 0.1, 0.3, 1.0, 3.0)
"""Inverse weights of the penalty that are tried, for vectors of root mean squared length ``LENGTH``."""

LENGTH = 5.0
N_FOLDS = 5
GRID = 2.0**-16
"""Coefficients are multiples of it: their products with float16 vectors add up without rounding, in any batches."""

_KEPT = TypeAdapter(dict[str, list[list[float]]])
_SENTENCES = "english.sentiment.json"


@dataclass(frozen=True)
class Sentiment:
    """Reads the mood of texts from their vectors.

    Attributes:
        coefficients: float64 (3, dim), multiples of ``GRID``, one row for each of ``LABELS``.
        offsets: float64 (3,).
    """

    coefficients: Floats
    offsets: Floats

    def probabilities(self, vectors: Floats32) -> Floats:
        """float64 (n, 3): of each of ``LABELS``, for vectors (n, dim)."""
        margins = vectors.astype(np.float64) @ self.coefficients.T + self.offsets
        found: Floats = softmax(margins, axis=1)
        return found

    def scores(self, vectors: Floats32) -> Floats:
        """float64 (n,): probability of positive less that of negative, from -1 to 1; about what people who call a text
        bad (-1), plain (0) or good (1) would say of many such texts on average.
        """
        found = self.probabilities(vectors)
        scores: Floats = found[:, 2] - found[:, 0]
        return scores

    def to_json(self) -> dict[str, list[list[float]]]:
        """As plain data; ``from_json`` gives the same bits again."""
        return {"coefficients": self.coefficients.tolist(), "offsets": [self.offsets.tolist()]}

    @staticmethod
    def from_json(content: object) -> Sentiment:
        """What ``to_json`` gave."""
        kept = _KEPT.validate_python(content)
        return Sentiment(np.array(kept["coefficients"]), np.array(kept["offsets"][0]))


def learn_sentiment(encoder: TextEncoder) -> Sentiment:
    """Learn the mood of sentences as this encoder reads them; the penalty is that of the least log loss on matters that
    were held out.
    """
    texts, label = sentences()
    vectors = encoder.encode(texts).astype(np.float64)
    scale = LENGTH / max(float(np.sqrt(np.square(vectors).sum(axis=1).mean())), np.finfo(np.float64).tiny)
    x, matter = vectors * scale, np.arange(len(label)) // len(LABELS)
    with threadpool_limits(1, user_api="blas"):
        losses = [_held_out_loss(strength, x, label, matter) for strength in STRENGTHS]
        model = _model(STRENGTHS[int(np.argmin(losses))]).fit(x, label)
    coefficients = np.round(model.coef_ * scale / GRID) * GRID
    return Sentiment(coefficients, np.asarray(model.intercept_, dtype=np.float64))


def _held_out_loss(strength: float, x: Floats, label: Ints, matter: Ints) -> float:
    folds = GroupKFold(N_FOLDS)
    found = cross_val_predict(_model(strength), x, label, groups=matter, cv=folds, method="predict_proba")
    return float(log_loss(label, found))


def _model(strength: float) -> LogisticRegression:
    return LogisticRegression(C=strength, max_iter=2000)


def sentences() -> tuple[list[str], Ints]:
    """The invented sentences, matter by matter in the order of ``LABELS``, and the place of each one's label there."""
    content = json.loads(resources.files("data_schemas").joinpath(_SENTENCES).read_text(encoding="utf-8"))
    texts = [matter[label] for matter in content["sentences"] for label in LABELS]
    return texts, np.arange(len(texts)) % len(LABELS)
