"""Past applicants who are like a new one, and what became of them."""

from __future__ import annotations

import numpy as np
from scipy.stats import beta

from features.arrays import Floats, Ints
from fusion.explain.population import Population


def nearest(population: Population, contributions: Floats, most: int) -> Ints:
    """Places of the ``most`` training applicants whose contributions are nearest to ``contributions`` (n_columns +
    n_narratives,), the nearest first; of equally near ones the earlier first.

    Near is Euclidean distance. Nothing is standardised: contributions are all log-odds, one unit, so a column counts
    as much as it matters for the risk, and one that the model hardly uses cannot make two applicants differ.
    """
    distance = np.square(population.contributions - contributions.astype(np.float32)).sum(axis=1, dtype=np.float64)
    near: Ints = np.argsort(distance, kind="stable")[:most].astype(np.int64)
    return near


def jeffreys_interval(n_bad: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """The interval of a rate of which ``n_bad`` of ``n`` was seen; it begins at 0 for none and ends at 1 for all.

    Equal tails of the posterior under Jeffreys' prior: Brown, Cai and DasGupta, Interval Estimation for a Binomial
    Proportion, Statistical Science 16 (2001), section 4.1.2. Raises ValueError for no observation.
    """
    if not 0 <= n_bad <= n or n == 0:
        raise ValueError(f"{n_bad} of {n} is no rate")
    tail = (1.0 - level) / 2.0
    posterior = beta(n_bad + 0.5, n - n_bad + 0.5)
    low = 0.0 if n_bad == 0 else float(posterior.ppf(tail))
    high = 1.0 if n_bad == n else float(posterior.ppf(1.0 - tail))
    return low, high
