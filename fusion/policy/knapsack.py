"""One choice of each of several lists, the greatest sum of worth under a few linear limits.

The multiple-choice knapsack (Kellerer, Pferschy and Pisinger, Knapsack Problems, 2004, chapter 11) by branch and bound
over linear relaxations: an optimal vertex of one mixes choices in no more lists than there are limits, and what its
reduced costs show to be of no use is dropped, so few lists need to be halved until none is mixed.
(``scipy.optimize.milp`` solves the same, and now and then writes to the standard output, which belongs to the caller.)
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice, product

import numpy as np
from scipy.optimize import linprog

from features.arrays import Floats, Index

GAP = 1e-6  # of the greatest worth: a choice so near to the best is taken for it
SLACK = 1e-9  # of a limit, so that rounding breaks none
MIXED = 1e-7
MAX_ROUNDED = 64  # choices made of one relaxation by taking a part of each mixture

Kept = tuple[Index, ...]  # places in each list that can still be chosen, rising


@dataclass(frozen=True)
class Lists:
    """The lists to choose from.

    Attributes:
        worth: float64 (k,) of each.
        uses: float64 (n_limits, k) of each, how much of every limit a choice uses up; the sum over lists must not
            exceed 0.
    """

    worth: Sequence[Floats]
    uses: Sequence[Floats]

    def value(self, choice: Sequence[int]) -> float:
        """The sum of worth."""
        return float(sum(worth[at] for worth, at in zip(self.worth, choice, strict=True)))

    def is_feasible(self, choice: Sequence[int]) -> bool:
        """Whether no limit is exceeded."""
        used = np.sum([uses[:, at] for uses, at in zip(self.uses, choice, strict=True)], axis=0)
        return bool((used <= SLACK).all())


@dataclass(frozen=True)
class Relaxed:
    """The best mixture of choices.

    Attributes:
        upper: its worth.
        shares: of each choice that could be taken, list by list, its share in the mixture.
        losses: of each such choice, by how much ``upper`` falls at least when it is taken whole.
    """

    upper: float
    shares: Sequence[Floats]
    losses: Sequence[Floats]


def best_choice(lists: Lists) -> tuple[int, ...] | None:
    """The place of the choice in each list; None where no choice keeps the limits."""
    gap = GAP * max(float(np.abs(np.concatenate(lists.worth)).max()), 1e-300)
    best, best_value = None, -np.inf
    number = count()  # of equal bounds the older node first, so that nodes themselves are never compared
    whole: Kept = tuple(np.arange(len(worth)) for worth in lists.worth)
    open_nodes = [(-np.inf, next(number), whole)]
    while open_nodes:
        bound, _, kept = heapq.heappop(open_nodes)
        if -bound <= best_value + gap:
            break
        found = _relaxed(lists, kept)
        if found is None:
            continue
        for choice in _rounded(kept, found.shares):
            if lists.is_feasible(choice) and (value := lists.value(choice)) > best_value:
                best, best_value = choice, value
        if found.upper > best_value + gap:
            for half in _halves(kept, found, found.upper - best_value):
                heapq.heappush(open_nodes, (-found.upper, next(number), half))
    return best


def _relaxed(lists: Lists, kept: Kept) -> Relaxed | None:
    """The best mixture of what is kept; None where none keeps the limits."""
    worth = np.concatenate([one[at] for one, at in zip(lists.worth, kept, strict=True)])
    uses = np.hstack([one[:, at] for one, at in zip(lists.uses, kept, strict=True)])
    sizes = [len(at) for at in kept]
    list_of = np.repeat(np.arange(len(sizes)), sizes)
    one_each = (list_of == np.arange(len(sizes))[:, None]).astype(np.float64)
    scale = max(float(np.abs(worth).max()), 1e-300)
    found = linprog(
        -worth / scale,
        A_ub=uses if len(uses) else None,
        b_ub=np.full(len(uses), SLACK) if len(uses) else None,
        A_eq=one_each,
        b_eq=np.ones(len(sizes)),
        bounds=(0, None),
        method="highs",
    )
    if found.status != 0 or found.fun is None or found.x is None:
        return None
    ends = np.cumsum(sizes)[:-1]
    losses = np.maximum(found.lower.marginals, 0.0) * scale
    return Relaxed(-float(found.fun) * scale, np.split(found.x, ends), np.split(losses, ends))


def _rounded(kept: Kept, shares: Sequence[Floats]) -> Iterator[tuple[int, ...]]:
    """Whole choices near a mixture."""
    parts = [at[share > MIXED].tolist() for at, share in zip(kept, shares, strict=True)]
    yield from islice(product(*parts), MAX_ROUNDED)


def _halves(kept: Kept, found: Relaxed, spare: float) -> Iterator[Kept]:
    """What is kept, without what loses more than ``spare``, with the most mixed list cut in two; nothing where no list
    is mixed.
    """
    most = int(np.argmin([share.max() for share in found.shares]))
    if found.shares[most].max() >= 1.0 - MIXED:
        return
    useful = [losses <= spare for losses in found.losses]
    left = [at[use] for at, use in zip(kept, useful, strict=True)]
    place = kept[most]
    mixed = place[found.shares[most] > MIXED]
    centre = min(max(float(np.dot(found.shares[most], place)), float(mixed[0])), float(mixed[-1]) - 0.5)
    below = left[most] <= centre
    for half in (left[most][below], left[most][~below]):
        yield (*left[:most], half, *left[most + 1 :])
