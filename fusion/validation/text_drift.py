"""What narratives were like in training, as aggregates, and how far others have drifted from it.

Nothing in it is a narrative, or the vector of one: fewer than ``MIN_NARRATIVES`` narratives leave no more than their
number.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from features.arrays import Floats, Floats32, Index, Ints
from features.design import TextBlock
from fusion.validation.bins import bin_of, quantile_edges
from fusion.validation.psi import Psi, psi_of_counts

MIN_NARRATIVES = 50
"""Fewer narratives are not described, nor compared: their mean would reveal single people, and vary by chance."""
MAX_COMPONENTS = 16
N_BINS = 10
LEVEL = 0.95
ROWS_AT_ONCE = 4096
ROUNDING_SHARE = 1e-10  # variance of a component, over the mean squared norm, that is rounding
EDGE_OFFSET = 0.01  # of a standard deviation: edges stand beside the values seen, so that rounding moves none across


@dataclass(frozen=True)
class TextReference:
    """Narratives of one column in training.

    Of fewer than ``MIN_NARRATIVES`` narratives the mean and the counts are 0, k is 0, and spread and freedom are NaN.

    Attributes:
        n_rows: applications.
        n_written: applications with a narrative.
        mean: float64 (dim,), of the vectors.
        components: float32 (k, dim), the first k <= 16 principal components, unit length, greatest variance first, the
            greatest coordinate positive; none that varies by rounding only.
        edges: float64 (k, 9), upper bounds of the bins of each component, inf where values repeat.
        counts: int64 (k, 10), narratives by bin.
        word_edges: float64 (9,), upper bounds of bins of the number of distinct words.
        word_counts: int64 (10,), narratives by bin of the number of distinct words.
        spread: root mean squared distance of a vector from the mean.
        effective_dim: effective number of dimensions in which vectors vary, (sum of variances)^2 / sum of squared
            variances.
    """

    n_rows: int
    n_written: int
    mean: Floats
    components: Floats32
    edges: Floats
    counts: Ints
    word_edges: Floats
    word_counts: Ints
    spread: float
    effective_dim: float

    @property
    def described(self) -> bool:
        """Whether there were enough narratives for more than their number."""
        return self.n_written >= MIN_NARRATIVES


@dataclass(frozen=True)
class Reference:
    """The narratives in training.

    Attributes:
        names: narrative columns.
        texts: one per narrative column.
    """

    names: tuple[str, ...]
    texts: tuple[TextReference, ...]

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The arrays by name, for a safetensors file; columns by their place."""
        arrays: dict[str, npt.NDArray[Any]] = {"n_columns": np.array([len(self.texts)], dtype=np.int64)}
        for at, text in enumerate(self.texts):
            own: dict[str, npt.NDArray[Any]] = {
                "n": np.array([text.n_rows, text.n_written], dtype=np.int64),
                "mean": text.mean,
                "components": text.components,
                "edges": text.edges,
                "counts": text.counts,
                "word_edges": text.word_edges,
                "word_counts": text.word_counts,
                "spread": np.array([text.spread, text.effective_dim]),
            }
            arrays |= {f"{at}.{name}": array for name, array in own.items()}
        return arrays

    @staticmethod
    def from_arrays(arrays: Mapping[str, npt.NDArray[Any]], names: Sequence[str]) -> Reference:
        """What ``to_arrays`` gave; ``names`` are the schema's narratives.

        Raises ValueError when these are not as many as there were.
        """
        if len(names) != int(arrays["n_columns"][0]):
            raise ValueError(f"the reference has {int(arrays['n_columns'][0])} narratives, the schema {len(names)}")
        return Reference(tuple(names), tuple(_text_from(arrays, at) for at in range(len(names))))


def _text_from(arrays: Mapping[str, npt.NDArray[Any]], at: int) -> TextReference:
    n_rows, n_written = arrays[f"{at}.n"].tolist()
    spread, freedom = arrays[f"{at}.spread"].tolist()
    return TextReference(
        n_rows=n_rows,
        n_written=n_written,
        mean=arrays[f"{at}.mean"],
        components=arrays[f"{at}.components"],
        edges=arrays[f"{at}.edges"],
        counts=arrays[f"{at}.counts"],
        word_edges=arrays[f"{at}.word_edges"],
        word_counts=arrays[f"{at}.word_counts"],
        spread=spread,
        effective_dim=freedom,
    )


@dataclass(frozen=True)
class TextDrift:
    """How far narratives of one column are from the training's.

    Where either side has fewer than ``MIN_NARRATIVES`` narratives, components are empty and all but ``written`` is NaN.

    Attributes:
        name: the column.
        n_rows: applications that are compared.
        n_written: those with a narrative.
        written: PSI of whether there is a narrative.
        words: PSI of the number of distinct words.
        components: PSI of each principal component.
        cosine: cosine distance of the mean vectors, 0 for one direction, 2 for opposite ones.
        distance: of the mean vectors, in units of the reference's spread.
        distance_chance: 95 % quantile of ``distance`` where nothing drifted.
        mean_chance: 95 % quantile of ``mean`` where nothing drifted.
        greatest_chance: 95 % quantile of ``greatest`` where nothing drifted.
    """

    name: str
    n_rows: int
    n_written: int
    written: Psi
    words: Psi
    components: tuple[Psi, ...]
    cosine: float
    distance: float
    distance_chance: float
    mean_chance: float
    greatest_chance: float

    @property
    def mean(self) -> float:
        """Mean PSI of the components; NaN without any."""
        return float(np.mean([one.value for one in self.components])) if self.components else math.nan

    @property
    def greatest(self) -> float:
        """Greatest PSI of the components; NaN without any."""
        return max((one.value for one in self.components), default=math.nan)


def describe_texts(text: TextBlock, rows: Index) -> Reference:
    """The reference that these ``rows`` of a training design make; the same bits on the same processor.

    Components are those of the covariance's eigenvectors (Jolliffe, Principal Component Analysis, 2002).
    """
    with threadpool_limits(1, user_api="blas"):  # sums in another order would have other last digits
        return Reference(text.names, tuple(_described(text, rows, at) for at in range(len(text.names))))


def _described(text: TextBlock, rows: Index, at: int) -> TextReference:
    written = rows[text.has_text[rows, at]]
    dim = text.x_text.shape[2]
    if len(written) < MIN_NARRATIVES:
        return TextReference(
            n_rows=len(rows),
            n_written=len(written),
            mean=np.zeros(dim),
            components=np.zeros((0, dim), dtype=np.float32),
            edges=np.zeros((0, N_BINS - 1)),
            counts=np.zeros((0, N_BINS), dtype=np.int64),
            word_edges=np.full(N_BINS - 1, np.inf),
            word_counts=np.zeros(N_BINS, dtype=np.int64),
            spread=math.nan,
            effective_dim=math.nan,
        )
    mean = _mean(text, written, at)
    variances, components, squared = _principal(text, written, at, mean)
    along = _along(text, written, at, mean, components)
    edges = np.array([_edges(own) for own in along.T]).reshape(len(components), N_BINS - 1)
    words = _n_words(text, written, at)
    word_edges = _padded(quantile_edges(words, N_BINS))
    total = float(variances.sum())
    apart = total > ROUNDING_SHARE * squared
    return TextReference(
        n_rows=len(rows),
        n_written=len(written),
        mean=mean,
        components=components,
        edges=edges,
        counts=_counted(along, edges),
        word_edges=word_edges,
        word_counts=_counted(words[:, None], word_edges[None])[0],
        spread=math.sqrt(total) if apart else 0.0,
        effective_dim=total**2 / float(np.square(variances).sum()) if apart else math.nan,
    )


def distances(reference: Reference, text: TextBlock) -> Floats32:
    """How far narratives lie from the mean of those that a reference describes, float32 (n, n_narratives): 1 less the
    cosine of the two vectors, so that the length of a narrative does not count. NaN where there is no narrative or no
    mean. A row's digits do not depend on the rows beside it.
    """
    found = np.full(text.has_text.shape, np.nan, dtype=np.float32)
    for at, own in enumerate(reference.texts):
        if own.described:
            written = np.flatnonzero(text.has_text[:, at])
            parts = [_cosines(vectors, own.mean) for vectors in _chunks(text, written, at)]
            found[written, at] = 1.0 - np.concatenate([np.zeros(0), *parts])
    return found


def _cosines(vectors: Floats, mean: Floats) -> Floats:
    """Of vectors (m, dim) and a mean, float64 (m,); 0 where one of the two has no length."""
    lengths = np.sqrt(np.square(vectors).sum(axis=1) * np.square(mean).sum())
    found: Floats = (vectors * mean).sum(axis=1) / np.where(lengths > 0, lengths, 1.0)
    return found


def _chunks(text: TextBlock, written: Index, at: int) -> Iterator[Floats]:
    """The vectors (m, dim) of these rows, some at a time."""
    for start in range(0, len(written), ROWS_AT_ONCE):
        yield text.x_text[written[start : start + ROWS_AT_ONCE], at].astype(np.float64)


def _mean(text: TextBlock, written: Index, at: int) -> Floats:
    total = np.zeros(text.x_text.shape[2])
    for vectors in _chunks(text, written, at):
        total += vectors.sum(axis=0)
    return total / len(written)


def _principal(text: TextBlock, written: Index, at: int, mean: Floats) -> tuple[Floats, Floats32, float]:
    """Variances in all directions, greatest first; the components; and the mean squared norm of a vector."""
    covariance = np.zeros((len(mean), len(mean)))
    for vectors in _chunks(text, written, at):
        centred = vectors - mean
        covariance += centred.T @ centred
    covariance /= len(written)
    squared = float(np.trace(covariance) + mean @ mean)
    values, directions = np.linalg.eigh(covariance)
    variances = np.maximum(values[::-1], 0.0)
    n_kept = int(np.sum(variances[:MAX_COMPONENTS] > ROUNDING_SHARE * squared))
    components = directions.T[::-1][:n_kept]
    greatest = np.argmax(np.abs(components), axis=1, keepdims=True)
    components = components * np.where(np.take_along_axis(components, greatest, axis=1) < 0, -1.0, 1.0)
    return variances, np.ascontiguousarray(components, dtype=np.float32), squared


def _along(
    text: TextBlock,
    written: Index,
    at: int,
    mean: Floats,
    components: Floats32,
) -> Floats:
    """Coordinates (m, k) of the vectors along the components."""
    parts = [(vectors - mean) @ components.T.astype(np.float64) for vectors in _chunks(text, written, at)]
    return np.concatenate(parts) if parts else np.zeros((0, len(components)))


def _edges(values: Floats) -> Floats:
    """Bounds (9,) of the bins of one component."""
    return _padded(quantile_edges(values, N_BINS) + EDGE_OFFSET * float(values.std()))


def _padded(edges: Floats) -> Floats:
    return np.concatenate([edges, np.full(N_BINS - 1 - len(edges), np.inf)])


def _counted(values: Floats, edges: Floats) -> Ints:
    """Values (m, k) by bin, (k, 10)."""
    found = [np.bincount(bin_of(own, at), minlength=N_BINS) for own, at in zip(values.T, edges, strict=True)]
    return np.array(found, dtype=np.int64).reshape(len(edges), N_BINS)


def _n_words(text: TextBlock, written: Index, at: int) -> Floats:
    """Distinct words of each of these narratives, counted by hash buckets."""
    per_column = text.x_lex.shape[1] // len(text.names)
    own = text.x_lex[written, at * per_column : (at + 1) * per_column]
    return np.diff(own.indptr).astype(np.float64)


def drift(reference: Reference, text: TextBlock) -> tuple[TextDrift, ...]:
    """How far the narratives of ``text`` are from the training's, per narrative column; the same columns and encoder.

    The chance values are asymptotic: PSI as in ``chance_psi``, the greatest of k by Sidak's level (Journal of the
    American Statistical Association 1967), the squared distance of means as a weighted sum of chi-squared variables by
    Box's approximation (Annals of Mathematical Statistics 1954).
    """
    if text.names != reference.names:
        raise ValueError(f"narratives {text.names} beside a reference of {reference.names}")
    with threadpool_limits(1, user_api="blas"):
        return tuple(_drift(own, text, at) for at, own in enumerate(reference.texts))


def _drift(reference: TextReference, text: TextBlock, at: int) -> TextDrift:
    written = np.flatnonzero(text.has_text[:, at])
    names = [("no narrative", math.nan, math.nan), ("a narrative", math.nan, math.nan)]
    share = psi_of_counts(names, _two(reference.n_rows, reference.n_written), _two(len(text), len(written)))
    none = Psi(math.nan, (), math.nan)
    if not reference.described or len(written) < MIN_NARRATIVES:
        nans = [math.nan] * 5
        return TextDrift(text.names[at], len(text), len(written), share, none, (), *nans)
    counts = _counted(_along(text, written, at, reference.mean, reference.components), reference.edges)
    components = tuple(map(_psi, reference.edges, reference.counts, counts))
    words = _counted(_n_words(text, written, at)[:, None], reference.word_edges[None])[0]
    mean = _mean(text, written, at)
    away = float(np.linalg.norm(mean - reference.mean))
    few = 1 / reference.n_written + 1 / len(written)
    k, df = len(components), sum(max(len(one.cells) - 1, 0) for one in components)
    return TextDrift(
        text.names[at],
        len(text),
        len(written),
        share,
        _psi(reference.word_edges, reference.word_counts, words),
        components,
        cosine=_cosine_distance(mean, reference.mean),
        distance=away / reference.spread if reference.spread else math.nan,
        distance_chance=math.sqrt(_chi2(LEVEL, reference.effective_dim) / reference.effective_dim * few),
        mean_chance=few * _chi2(LEVEL, df) / k if k else math.nan,
        greatest_chance=few * _chi2(LEVEL ** (1 / k), N_BINS - 1) if k else math.nan,
    )


def _two(n: int, n_written: int) -> Floats:
    return np.array([n - n_written, n_written], dtype=np.float64)


def _psi(edges: Floats, then: Ints, now: Ints) -> Psi:
    bounds = [-math.inf, *edges.tolist(), math.inf]
    names = [("", bounds[k], bounds[k + 1]) for k in range(N_BINS)]
    return psi_of_counts(names, then.astype(np.float64), now.astype(np.float64))


def _chi2(level: float, df: float) -> float:
    from scipy.stats import chi2  # takes half a second, and no score needs it

    return float(chi2.ppf(level, df)) if df > 0 else math.nan


def _cosine_distance(one: Floats, other: Floats) -> float:
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    return max(0.0, 1.0 - float(one @ other) / lengths) if lengths else math.nan
