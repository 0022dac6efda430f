"""Which of many linked narratives are of one template.

Links alone would not do: where honest people use each other's sentences, one narrative shares one with the next, that
another with a third, and in the end most are linked to all. So the values on which a narrative and those linked to it
agree are taken as the signature of their template, and only who has half of them belongs to it. Copies of which each
exchanged a tenth of a template's words share two thirds of its pairs of words; narratives that have a sentence in
common share that sentence alone.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from features.arrays import Flags, Index, Ints
from fusion.watch.copies.signatures import Bands

LEAST_OF_TEMPLATE = 0.5
"""Share of a template's values that a copy has."""
LEAST_COPIES = 3
SAMPLE = 64  # linked narratives of which a template is made

Values = npt.NDArray[np.uint16]


def by_template(bands: Bands, late: Index, early: Index) -> Ints:
    """int64 (n,): the template of each of n narratives, numbered from 0; -1 for those of none.

    Narratives with many links come first, and ties are broken by signatures, so that order does not count.

    Args:
        bands: uint64 (n, n_bands).
        late: intp (n_pairs,), places of the narratives at one end of each link.
        early: intp (n_pairs,), those at the other.
    """
    n = len(bands)
    ends = np.concatenate([late, early]), np.concatenate([early, late])
    links = csr_matrix((np.ones(2 * len(late), np.bool_), ends), shape=(n, n))
    values = bands.view(np.uint16)
    label = np.full(n, -1, dtype=np.int64)
    order = np.lexsort((*bands.T, -np.diff(links.indptr)))
    found = 0
    for seed in order.tolist():
        if label[seed] >= 0:
            continue
        near = np.append(_free(links, np.array([seed]), label), seed)
        if len(near) < LEAST_COPIES:
            continue
        near = near[np.lexsort(bands[near].T)]
        template, is_held = _template(values[near[:SAMPLE]])
        own = _reached(links, values, near, template, is_held, label)
        if len(own) >= LEAST_COPIES:
            label[own] = found
            found += 1
    return label


def _free(links: csr_matrix, places: Index, label: Ints) -> Index:
    """Narratives linked to these that have no template yet, each once."""
    found: Index = np.unique(links[places].indices).astype(np.intp)
    return found[label[found] < 0]


def _template(values: Values) -> tuple[Values, Flags]:
    """At each place of a signature the value that most have, the least of equally frequent ones, and whether two have
    it.
    """
    counts = (values[:, None] == values[None]).sum(axis=1)
    best = np.argmax(counts.astype(np.int64) * 65536 + (65535 - values.astype(np.int64)), axis=0)
    at = np.arange(values.shape[1])
    return values[best, at], counts[best, at] >= 2


def _reached(links: csr_matrix, values: Values, near: Index, template: Values, is_held: Flags, label: Ints) -> Index:
    """Copies of the template among ``near``, those linked to them, and so on."""
    is_visited = label >= 0
    own: list[Index] = []
    while len(near):
        is_visited[near] = True
        copies = near[((values[near] == template) & is_held).mean(axis=1) >= LEAST_OF_TEMPLATE]
        own.append(copies)
        near = _free(links, copies, np.where(is_visited, 0, -1)) if len(copies) else near[:0]
    return np.concatenate([*own, near])
