"""The approve cut-offs that a policy should have: the most profit under its constraints, all segments together.

Every segment has a choice of cut-offs (``STEP`` apart); one is taken of each, so that the expected profit is greatest
and the constraints, which hold for all segments together, are kept. All three are linear in what the cut-offs do
(bads <= limit * approved), so this is a multiple-choice knapsack, solved exactly (``fusion.policy.knapsack``).

A policy that refers PDs between two cut-offs keeps its decline cut-off, which rises only where the approve cut-off
passes it; one whose two cut-offs are equal moves both. What a person finds out who looks at an applicant is not known
here, so the width of that band is nothing that could be proposed.

Proposals are made from PDs and amounts alone. Outcomes are not used, so a proposal may be assessed by the outcomes
of the same rows; what the outcomes of one period cannot show is how the next one will be.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np

from features.arrays import Floats
from fusion.policy.knapsack import SLACK, Lists, best_choice
from fusion.policy.policy import Constraints, Cutoffs, Policy
from fusion.policy.simulation import Book, Curve, add_curves, at_cutoffs, profits, simulate
from fusion.validation.intervals import NO_ESTIMATE, Estimate

STEP = 0.001  # between the cut-offs that are tried: a tenth of a percentage point
OTHERS = ""  # the segment of the rows that have the cut-offs of all
N_DRAWS = 1000

ConstraintName = Literal["min_approval_rate", "max_bad_rate", "max_refer_rate"]
CONSTRAINTS: tuple[ConstraintName, ...] = ("min_approval_rate", "max_bad_rate", "max_refer_rate")


@dataclass(frozen=True)
class Unmet:
    """Constraints that no cut-offs meet.

    Attributes:
        limits: one constraint, or several that can be met one by one but not together.
        wanted: their values.
        best: the best reachable value of a single one; NaN for several.
    """

    limits: tuple[ConstraintName, ...]
    wanted: tuple[float, ...]
    best: float


@dataclass(frozen=True)
class ProposalSegment:
    """A segment, or all rows: what its present and its proposed cut-offs do, each a curve of one point.

    Attributes:
        segment: its value; "" for all rows.
        before: present cut-offs; None for all rows of several segments.
        after: proposed cut-offs; None for all rows of several segments.
        present: outcome of the present cut-offs.
        proposed: outcome of the proposed ones.
    """

    segment: str
    before: Cutoffs | None
    after: Cutoffs | None
    present: Curve
    proposed: Curve


@dataclass(frozen=True)
class Proposal:
    """Cut-offs that are expected to earn the most.

    Attributes:
        policy: the policy with the proposed cut-offs.
        parts: by segment that has rows.
        whole: all rows.
        gain: profit above that of the present cut-offs by the outcomes, per application, with its 95 % interval over
            the draw of applicants, the cut-offs held.
        expected_gain: the same by the PDs.
    """

    policy: Policy
    parts: tuple[ProposalSegment, ...]
    whole: ProposalSegment
    gain: Estimate
    expected_gain: float


def books_by_segment(book: Book, policy: Policy, segments: Sequence[str]) -> dict[str, Book]:
    """The rows of each segment that has any; under ``OTHERS`` those without cut-offs of their own."""
    own = policy.segments.cutoffs if policy.segments else {}
    names = np.array([name if name in own else OTHERS for name in segments], dtype=object)
    return {name: book.take(names == name) for name in (*own, OTHERS) if (names == name).any()}


def propose(policy: Policy, books: Mapping[str, Book]) -> Proposal | Unmet:
    """The best approve cut-off of each segment, decline cut-offs staying where they are or rising with them.

    Args:
        books: the rows by segment (``books_by_segment``), at least one. A segment without rows keeps its cut-offs.
    """
    curves = {name: _choices(book, policy.cutoffs_of(name)) for name, book in books.items()}
    limits = {name: float(value) for name in CONSTRAINTS if (value := getattr(policy.constraints, name)) is not None}
    chosen = _best(list(curves.values()), limits)
    if isinstance(chosen, Unmet):
        return chosen
    after = {
        name: _moved(policy.cutoffs_of(name), float(curve.cutoffs[at]))
        for (name, curve), at in zip(curves.items(), chosen, strict=True)
    }
    parts = tuple(
        ProposalSegment(
            name,
            policy.cutoffs_of(name),
            after[name],
            at_cutoffs(book, policy.cutoffs_of(name)),
            at_cutoffs(book, after[name]),
        )
        for name, book in books.items()
    )
    present, proposed = add_curves([part.present for part in parts]), add_curves([part.proposed for part in parts])
    whole = ProposalSegment("", None, None, present, proposed)
    changes = [profits(book, after[name]) - profits(book, policy.cutoffs_of(name)) for name, book in books.items()]
    expected = float((proposed.expected_profit - present.expected_profit)[0]) / present.n
    return Proposal(_with(policy, after), parts, whole, bootstrap_mean(np.concatenate(changes)), expected)


def _choices(book: Book, limits: Cutoffs) -> Curve:
    """The curve at 0, at the present cut-off and at every step up to the highest PD; of equals the first."""
    top = min(1.0, float(np.ceil(book.pd.max() / STEP)) * STEP)
    steps = np.round(np.arange(0.0, top + STEP / 2, STEP), 9)
    curve = simulate(book, _floor(limits), np.unique(np.append(steps, limits.approve)))
    outcomes = np.column_stack([curve.approved, curve.referred, curve.expected_profit])
    new = np.append(True, (outcomes[1:] != outcomes[:-1]).any(axis=1))
    return curve.take(np.flatnonzero(new))


def _moved(limits: Cutoffs, approve: float) -> Cutoffs:
    return Cutoffs(approve=approve, decline=max(approve, _floor(limits)))


def _floor(limits: Cutoffs) -> float:
    """The least decline cut-off that a proposal may have."""
    return limits.decline if limits.decline > limits.approve else 0.0


def _with(policy: Policy, after: Mapping[str, Cutoffs]) -> Policy:
    """The policy with new cut-offs."""
    changed: dict[str, object] = {"cutoffs": after.get(OTHERS, policy.cutoffs)}
    if policy.segments:
        own = {name: after.get(name, limits) for name, limits in policy.segments.cutoffs.items()}
        changed["segments"] = policy.segments.model_copy(update={"cutoffs": own})
    return policy.model_copy(update=changed)


def _use(curve: Curve, limit: ConstraintName, value: float, n: int) -> Floats:
    """How much of a constraint each cut-off uses up, per application of all; the sum over segments must be <= 0.

    An approval rate that must be reached is used up negatively, from ``value`` on.
    """
    if limit == "min_approval_rate":
        return (value * curve.n - curve.approved) / n
    if limit == "max_bad_rate":
        return (curve.expected_bad - value * curve.approved) / n
    return (curve.referred - value * curve.n) / n


def _best(curves: Sequence[Curve], limits: Mapping[ConstraintName, float]) -> tuple[int, ...] | Unmet:
    """The place of the best cut-off in each curve, or the fewest limits that cannot be kept together."""
    n = sum(curve.n for curve in curves)
    uses = {name: [_use(curve, name, value, n) for curve in curves] for name, value in limits.items()}
    for name, value in limits.items():
        if sum(float(use.min()) for use in uses[name]) > SLACK:
            return Unmet((name,), (value,), _reachable(curves, name))
    chosen = best_choice(_lists([curve.expected_profit / n for curve in curves], list(uses.values())))
    if chosen is not None:
        return chosen
    nothing = [np.zeros(len(curve.cutoffs)) for curve in curves]
    for pair in combinations(limits, 2):
        if best_choice(_lists(nothing, [uses[name] for name in pair])) is None:
            return Unmet(pair, tuple(limits[name] for name in pair), math.nan)
    return Unmet(tuple(limits), tuple(limits.values()), math.nan)


def _lists(worth: Sequence[Floats], uses: Sequence[Sequence[Floats]]) -> Lists:
    """uses: by limit, then by segment."""
    by_segment = [[use[at] for use in uses] for at in range(len(worth))]
    return Lists(
        worth, [np.array(use).reshape(len(uses), len(one)) for use, one in zip(by_segment, worth, strict=True)]
    )


def _reachable(curves: Sequence[Curve], limit: ConstraintName) -> float:
    """The best value of one constraint by itself; segments do not disturb each other."""
    n = sum(curve.n for curve in curves)
    if limit == "min_approval_rate":
        return float(sum(curve.approved.max() for curve in curves)) / n
    if limit == "max_refer_rate":
        return float(sum(curve.referred.min() for curve in curves)) / n
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        kept = sum(float(_use(curve, limit, middle, n).min()) for curve in curves) <= 0.0
        low, high = (low, middle) if kept else (middle, high)
    return high


def constraints_met(constraints: Constraints, curve: Curve, *, observed: bool = False) -> dict[ConstraintName, bool]:
    """Whether the one point of ``curve`` meets each constraint that is set; ``observed``: by bads instead of PDs."""
    bad = curve.bad if observed else curve.expected_bad
    found: dict[ConstraintName, bool] = {}
    if constraints.min_approval_rate is not None:
        found["min_approval_rate"] = bool(curve.approved[0] >= constraints.min_approval_rate * curve.n - 1e-6)
    if constraints.max_bad_rate is not None:
        found["max_bad_rate"] = bool(bad[0] <= constraints.max_bad_rate * curve.approved[0] + 1e-6)
    if constraints.max_refer_rate is not None:
        found["max_refer_rate"] = bool(curve.referred[0] <= constraints.max_refer_rate * curve.n + 1e-6)
    return found


def bootstrap_mean(values: Floats, n_draws: int = N_DRAWS, seed: int = 0) -> Estimate:
    """Mean with its percentile bootstrap interval over rows drawn with replacement; no interval for one row.

    Values of 0 are drawn by their number alone, so time is linear in the others.
    """
    n = len(values)
    if not n:
        return NO_ESTIMATE
    some = values[values != 0.0]
    value = float(values.sum()) / n
    if n == 1:
        return Estimate(value, math.nan, math.nan)
    if not len(some):
        return Estimate(0.0, 0.0, 0.0)
    random = np.random.Generator(np.random.PCG64(seed))
    draws = np.array([float(random.choice(some, k).sum()) for k in random.binomial(n, len(some) / n, n_draws)]) / n
    low, high = np.quantile(draws, (0.025, 0.975))
    return Estimate(value, float(min(low, value)), float(max(high, value)))
