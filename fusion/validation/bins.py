"""Parting numbers at quantiles, so that equal numbers never part."""

from __future__ import annotations

import numpy as np

from features.arrays import Floats, Index


def quantile_edges(values: Floats, n_bins: int) -> Floats:
    """Upper bounds, inclusive, of all bins but the last when ``values`` (n,) part into at most ``n_bins`` of like size.

    The bounds are values seen, ascending. Fewer where values repeat; none for no or one distinct value. Values must not
    be NaN.
    """
    if not len(values):
        return np.empty(0)
    edges = np.unique(np.quantile(values, np.arange(1, n_bins) / n_bins, method="inverted_cdf"))
    return np.asarray(edges[edges < values.max()], dtype=np.float64)


def bin_of(values: Floats, edges: Floats) -> Index:
    """Number (n,) of the bin of each value: 0 up to ``edges[0]``, ``len(edges)`` beyond the last edge."""
    return np.searchsorted(edges, values, side="left")


def quantile_bins(values: Floats, n_bins: int) -> list[Index]:
    """Rows of each bin of ``values``, lowest first; no bin is empty."""
    if not len(values):
        return []
    edges = quantile_edges(values, n_bins)
    bins = bin_of(values, edges)
    return [np.flatnonzero(bins == k) for k in range(len(edges) + 1)]
