"""The training population of a model as its reports show it: where scores lie, how bands fared, who is alike."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from experiments.reporting.decision.underwriter import PopulationBand, PopulationPlace, Similar
from experiments.reporting.language import ENGLISH, Language
from experiments.reporting.words import number
from features.arrays import Flags, Floats
from fusion.config import ScaleConfig
from fusion.explain.neighbours import jeffreys_interval, nearest
from fusion.explain.population import Population
from fusion.model.calibration import to_score

N_BANDS = 10
MAX_BINS = 40
OUTER = 0.002  # share of the scores beyond either end of the histogram, which stand in its outer bins
N_SIMILAR = 50


@dataclass(frozen=True)
class Crowd:
    """The training applicants by score.

    Attributes:
        scores: float64 (n,), from parts of the model that did not learn from their outcome.
        inner: float64 (n_bands - 1,), scores between bands.
        edges: Scores between the bins of the histogram, and its two ends.
        counts: Applicants in each bin.
    """

    population: Population
    scores: Floats
    inner: Floats
    bands: tuple[PopulationBand, ...]
    edges: tuple[float, ...]
    counts: tuple[int, ...]

    @staticmethod
    def of(population: Population, scale: ScaleConfig) -> Crowd:
        """Count the applicants into bands, deciles of their scores, and bins."""
        scores = to_score(population.margin, scale)
        inner = np.unique(np.quantile(scores, np.arange(1, N_BANDS) / N_BANDS))
        inner = inner[inner > scores.min()]
        edges = round_edges(scores)
        bins = np.clip(np.searchsorted(edges, scores, side="right") - 1, 0, len(edges) - 2)
        counts = np.bincount(bins, minlength=len(edges) - 1)
        bands = _bands(scores, population.bad, inner)
        return Crowd(population, scores, inner, bands, tuple(edges.tolist()), tuple(counts.tolist()))

    def around(self, score: float, language: Language = ENGLISH) -> PopulationPlace:
        """The population, and a score's place in it."""
        return PopulationPlace(
            n=len(self.scores),
            edges=self.edges,
            counts=self.counts,
            share_below=float((self.scores < score).mean()),
            bands=self.bands,
            band=1 + int(np.searchsorted(self.inner, score, side="right")),
            words=language.gettext("{n} training applicants, each scored by a model that did not learn from it").format(
                n=number(len(self.scores), 0, language)
            ),
        )

    def similar(self, contributions: Floats, language: Language = ENGLISH) -> Similar:
        """What became of the applicants whose contributions are nearest to these (n_columns + n_narratives,)."""
        near = nearest(self.population, contributions, N_SIMILAR)
        n, n_bad = len(near), int(self.population.bad[near].sum())
        low, high = jeffreys_interval(n_bad, n)
        return Similar(
            n=n,
            n_bad=n_bad,
            bad_rate=n_bad / n,
            low=low,
            high=high,
            score_low=float(self.scores[near].min()),
            score_high=float(self.scores[near].max()),
            words=language.gettext("The {n} training applicants most alike in what gave and took points").format(
                n=number(n, 0, language)
            ),
        )


def _bands(scores: Floats, bad: Flags, inner: Floats) -> tuple[PopulationBand, ...]:
    band = np.searchsorted(inner, scores, side="right")
    bounds = [None, *inner.tolist(), None]
    return tuple(
        PopulationBand(
            number=number + 1,
            low=bounds[number],
            high=bounds[number + 1],
            n=int((band == number).sum()),
            n_bad=int(bad[band == number].sum()),
            bad_rate=float(bad[band == number].mean()),
        )
        for number in range(len(inner) + 1)
    )


def round_edges(scores: Floats) -> Floats:
    """Edges of at most ``MAX_BINS`` equal bins over the bulk of the scores, at round scores."""
    low, high = (float(end) for end in np.quantile(scores, [OUTER, 1.0 - OUTER]))
    finest = max(high - low, 1.0) / (MAX_BINS - 1)
    power = 10.0 ** math.floor(math.log10(finest))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= finest)
    first, last = math.floor(low / step), math.floor(high / step) + 1
    edges: Floats = np.round(np.arange(first, last + 1) * step, 9)
    return edges
