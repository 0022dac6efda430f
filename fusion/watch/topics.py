"""What texts are about: topics that are found once and stay, so that later texts can be counted by them.

Topics are the clusters of spherical k-means: directions in which the vectors of texts lie from their mean. Their number
is the greatest at which two halves of the texts, each clustered by itself, agree: the adjusted Rand index of what they
make of all texts is at least ``LEAST_AGREEMENT`` (Ben-Hur, Elisseeff and Guyon, Pac Symp Biocomput 2002, with Hubert
and Arabie's index). A later text belongs to the nearest topic, and to none where it is further from all than nearly all
texts were that topics were learned from. A topic is named by the words that tell most of it: the share of its texts
that use a word times the logarithm of how much greater that is than the share of all (a term of Kullback and Leibler's
divergence, in the place of class-based TF-IDF's, which favours words that all topics use), of words that at least
``LEAST_USES`` texts use.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import TypeAdapter
from sklearn.cluster import KMeans
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from features.arrays import Floats, Floats32, Ints
from features.text.scripts import has_spaceless
from features.text.words import words_of

LEAST_TEXTS = 200
"""Fewer texts have no topics."""
MOST_TEXTS = 4096
"""Texts that topics are learned from; more would not make them better."""
LEAST_USES = 20
"""Texts that must use a word before it names anything: a rarer one could name a person."""
CHOICES = (2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20)
LEAST_AGREEMENT = 0.5
N_HALVINGS = 3
TEXTS_A_TOPIC = 40  # on average, in a half
N_STARTS = 4  # of k-means
FAR_SHARE = 0.02
"""Share of the texts that topics were learned from that belongs to none, being furthest from all."""
N_WORDS = 8
N_NAMING = 3
STEM = 5  # words that begin alike are one word to a reader
GRID = 2.0**-16  # centroids are multiples of it, so that cosines do not depend on what is read together

_FUNCTION_WORDS = ENGLISH_STOP_WORDS | frozenset(
    words_of(
        "did didn does doesn don isn wasn weren won wouldn couldn shouldn hasn haven hadn ain aren can just also said "
        "say says told got get gets getting like want wanted went going come came know make made let lot really thing "
        "things way well tell asked ask amp quot apos nbsp"
    )
)


@dataclass(frozen=True)
class Topics:
    """Topics that were learned.

    Attributes:
        centre: float64 (dim,), mean vector, in float16 precision.
        directions: float64 (n_topics, dim), multiples of ``GRID``, of length 1.
        least: cosine to the nearest direction below which a text has no topic.
        words: of each topic, what sets it apart, the most telling first.
        shares: of each topic and of no topic, among the texts that they were learned from.
        n_texts: number of these.
    """

    centre: Floats
    directions: Floats
    least: float
    words: tuple[tuple[str, ...], ...]
    shares: tuple[float, ...]
    n_texts: int

    def __len__(self) -> int:
        return len(self.directions)

    @property
    def names(self) -> tuple[str, ...]:
        """Of each topic, all different."""
        found: list[str] = []
        for at, words in enumerate(self.words):
            lengths = range(N_NAMING, len(words) + 1)
            names = [", ".join(words[:n]) for n in lengths] or [", ".join(words)]
            free = [name for name in names if name and name not in found]
            found.append(free[0] if free else f"topic {at + 1}")
        return tuple(found)

    def assign(self, vectors: Floats32) -> Ints:
        """int64 (n,): the topic of each vector (n, dim), ``len(self)`` for none."""
        if not len(self):
            return np.zeros(len(vectors), np.int64)
        cosine = _cosines(vectors.astype(np.float64) - self.centre, self.directions)
        found: Ints = np.where(cosine.max(axis=1) >= self.least, cosine.argmax(axis=1), len(self)).astype(np.int64)
        return found


def no_topics(dim: int, n_texts: int) -> Topics:
    """Where there are too few texts to learn from."""
    return Topics(np.zeros(dim), np.zeros((0, dim)), -1.0, (), (1.0,), n_texts)


def learn_topics(vectors: Floats32, texts: Sequence[str]) -> Topics:
    """Topics of texts with these vectors, float16 values (n, dim); none of fewer than ``LEAST_TEXTS``.

    The same texts in the same order give the same topics.
    """
    n, dim = vectors.shape
    if n < LEAST_TEXTS:
        return no_topics(dim, n)
    centre = vectors.mean(axis=0, dtype=np.float64).astype(np.float16).astype(np.float64)
    unit = _unit(vectors.astype(np.float64) - centre)
    with threadpool_limits(1):
        k = _number_of_topics(unit)
        directions = _clustered(unit, k, seed=0)
    nearest = _cosines(unit, directions)
    order = np.argsort(-np.bincount(nearest.argmax(axis=1), minlength=k), kind="stable")
    directions, nearest = directions[order], nearest[:, order]
    least = float(np.quantile(nearest.max(axis=1), FAR_SHARE))
    topic = np.where(nearest.max(axis=1) >= least, nearest.argmax(axis=1), k)
    shares = np.bincount(topic, minlength=k + 1) / n
    return Topics(centre, directions, least, _telling_words(texts, topic, k), tuple(shares.tolist()), n)


def _number_of_topics(unit: Floats) -> int:
    """The greatest choice at which halves agree; where they agree at none, that at which they agree best."""
    n_different = len(np.unique(unit, axis=0))
    agreement = {}
    for k in CHOICES:
        if k * TEXTS_A_TOPIC > len(unit) // 2 or 4 * k > n_different:
            break
        agreement[k] = float(np.mean([_agreement(unit, k, seed) for seed in range(N_HALVINGS)]))
    enough = [k for k, found in agreement.items() if found >= LEAST_AGREEMENT]
    return max(enough) if enough else max(agreement, key=agreement.__getitem__, default=1)


def _agreement(unit: Floats, k: int, seed: int) -> float:
    """Adjusted Rand index of what two halves make of all texts."""
    order = np.random.default_rng(seed).permutation(len(unit))
    halves = np.array_split(order, 2)
    labels = [_cosines(unit, _clustered(unit[half], k, seed)).argmax(axis=1) for half in halves]
    return float(adjusted_rand_score(labels[0], labels[1]))


def _clustered(unit: Floats, k: int, seed: int) -> Floats:
    """Directions (k, dim) of the clusters."""
    found = KMeans(k, n_init=N_STARTS, random_state=seed).fit(unit)
    return np.round(_unit(found.cluster_centers_) / GRID) * GRID


def _telling_words(texts: Sequence[str], topic: Ints, k: int) -> tuple[tuple[str, ...], ...]:
    """The words that set each topic apart."""
    used = [Counter[str]() for _ in range(k + 1)]
    for text, own in zip(texts, topic.tolist(), strict=True):
        used[own].update({word for word in words_of(text) if is_telling(word)})
    every = sum(used, Counter[str]())
    n_texts = np.bincount(topic, minlength=k + 1)
    found = []
    for own, n in zip(used[:k], n_texts.tolist(), strict=False):
        weight = {
            word: uses / n * math.log(uses / n / (every[word] / len(texts)))
            for word, uses in own.items()
            if every[word] >= LEAST_USES
        }
        telling = [word for word, value in weight.items() if value > 0.0]
        found.append(_different(sorted(telling, key=lambda word: (-weight[word], word))))
    return tuple(found)


def is_telling(word: str) -> bool:
    """Whether a word can say what a text is about: no function word, number or publisher's mask such as XXXX."""
    if word in _FUNCTION_WORDS or not word.isalpha() or set(word) == {"x"}:
        return False
    return len(word) > 2 or has_spaceless(word)


def _different(words: Sequence[str]) -> tuple[str, ...]:
    """The first ``N_WORDS`` that do not begin as one before them does."""
    found: dict[str, str] = {}
    for word in words:
        if len(found) == N_WORDS:
            break
        found.setdefault(word[:STEM], word)
    return tuple(found.values())


def _cosines(vectors: Floats, directions: Floats) -> Floats:
    """float64 (n, n_directions); 0 for a vector of zeros."""
    length = np.sqrt(np.square(vectors).sum(axis=1, keepdims=True))
    dots = vectors @ directions.T
    found: Floats = np.divide(dots, length, out=np.zeros_like(dots), where=length > 0)
    return found


def _unit(vectors: Floats) -> Floats:
    length = np.sqrt(np.square(vectors).sum(axis=1, keepdims=True))
    found: Floats = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)
    return found


@dataclass(frozen=True)
class _Kept:
    """``Topics`` as plain data."""

    centre: list[float]
    directions: list[list[float]]
    least: float
    words: tuple[tuple[str, ...], ...]
    shares: tuple[float, ...]
    n_texts: int


_KEPT = TypeAdapter(_Kept)


def topics_to_json(topics: Topics) -> object:
    """As plain data; ``topics_from_json`` gives the same bits again."""
    centre, directions = topics.centre.tolist(), topics.directions.tolist()
    kept = _Kept(centre, directions, topics.least, topics.words, topics.shares, topics.n_texts)
    return _KEPT.dump_python(kept, mode="json")


def topics_from_json(content: object) -> Topics:
    """What ``topics_to_json`` gave."""
    kept = _KEPT.validate_python(content)
    directions = np.array(kept.directions, dtype=np.float64).reshape(len(kept.words), len(kept.centre))
    return Topics(np.array(kept.centre), directions, kept.least, kept.words, kept.shares, kept.n_texts)
