"""Proposed cut-offs against trying every combination."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion.policy.policy import Constraints, Cutoffs, Economics, Policy, Segments
from fusion.policy.proposal import Proposal, Unmet, books_by_segment, bootstrap_mean, constraints_met, propose
from fusion.policy.simulation import Book, Curve, add_curves, at_cutoffs
from tests.support.books import book

OF_36, OF_60 = Cutoffs(approve=0.1, decline=0.1), Cutoffs(approve=0.05, decline=0.3)
CONSTRAINTS = st.one_of(st.none(), st.floats(0, 1).map(lambda share: round(share, 4)))  # far from the tolerances


def policy(constraints: Constraints) -> Policy:
    segments = Segments(column="term", cutoffs={"36": OF_36, "60": OF_60, "12": OF_36})
    return Policy(cutoffs=OF_36, segments=segments, constraints=constraints)


def segments(n: int) -> list[str]:
    return [("36", "60", "?")[at % 3] for at in range(n)]


def every_combination(rows: dict[str, Book], wanted: Policy) -> Curve | None:
    """The best of all combinations of cut-offs on the grid of hundredths; PDs of ``book`` lie on it."""
    points = []
    for name, part in rows.items():
        limits = wanted.cutoffs_of(name)
        floor = limits.decline if limits.decline > limits.approve else 0.0
        tried = {round(float(one), 2) for one in (*part.pd, 0.0, limits.approve)}
        points.append([at_cutoffs(part, Cutoffs(approve=one, decline=max(one, floor))) for one in tried])
    sums = [add_curves(list(some)) for some in product(*points)]
    kept = [one for one in sums if all(constraints_met(wanted.constraints, one).values())]
    return max(kept, key=lambda one: float(one.expected_profit[0])) if kept else None


@settings(max_examples=60)
@given(st.integers(1, 24), st.integers(0, 999), CONSTRAINTS, CONSTRAINTS, CONSTRAINTS)
def test_the_proposal_is_the_best_of_all(
    n: int, seed: int, approval: float | None, bad: float | None, refer: float | None
) -> None:
    wanted = policy(Constraints(min_approval_rate=approval, max_bad_rate=bad, max_refer_rate=refer))
    rows = books_by_segment(book(n, seed), wanted, segments(n))
    best, found = every_combination(rows, wanted), propose(wanted, rows)
    if isinstance(found, Unmet):
        assert best is None
        assert found.limits
    else:
        assert best is not None
        assert all(constraints_met(wanted.constraints, found.whole.proposed).values())
        assert found.whole.proposed.expected_profit == pytest.approx(best.expected_profit, abs=1e-4)


def test_without_constraints_each_segment_has_its_break_even_pd() -> None:
    money = Economics(loss_given_default=0.6, margin=0.2, amount=1.0)
    rows = book(3000, 5, money)
    rows = Book(rows.pd, rows.y, rows.amount, np.zeros(3000, np.bool_), money)
    found = propose(Policy(cutoffs=OF_36), {"": rows})
    assert isinstance(found, Proposal)
    assert found.policy.cutoffs.approve == found.policy.cutoffs.decline
    assert found.policy.cutoffs.approve in (0.24, 0.25)  # at .25 .2 (1 - p) = .6 p
    assert found.expected_gain > 0
    assert found.gain.low <= found.gain.value <= found.gain.high
    realised = (found.whole.proposed.profit - found.whole.present.profit)[0] / 3000
    assert found.gain.value == pytest.approx(realised)


def test_a_segment_without_rows_keeps_its_cutoffs_and_decline_only_rises() -> None:
    wanted = policy(Constraints(min_approval_rate=0.5))
    found = propose(wanted, books_by_segment(book(300, 2), wanted, segments(300)))
    assert isinstance(found, Proposal)
    assert found.policy.cutoffs_of("12") == OF_36
    assert found.policy.cutoffs_of("60").decline >= OF_60.decline
    assert found.policy.cutoffs == found.policy.cutoffs_of("nowhere")
    assert [part.segment for part in found.parts] == ["36", "60", ""]


@pytest.mark.parametrize(
    ("constraints", "limits", "best"),
    [
        (Constraints(min_approval_rate=1.0), ("min_approval_rate",), 0.88),
        (Constraints(min_approval_rate=0.8, max_bad_rate=0.01), ("min_approval_rate", "max_bad_rate"), None),
    ],
)
def test_constraints_that_cannot_be_met_are_named(
    constraints: Constraints, limits: tuple[str, ...], best: float | None
) -> None:
    rows = book(300, 4)
    found = propose(Policy(cutoffs=OF_36, constraints=constraints), {"": rows})
    assert isinstance(found, Unmet)
    assert found.limits == limits
    if best is None:
        assert np.isnan(found.best)
    else:
        assert found.best == pytest.approx(best, abs=0.03)


def test_a_bad_rate_broken_by_referrals_names_the_best_reachable() -> None:
    rows = book(300, 4)
    wanted = Policy(cutoffs=Cutoffs(approve=0.1, decline=0.9), constraints=Constraints(max_bad_rate=0.001))
    found = propose(wanted, {"": rows})
    assert isinstance(found, Unmet)
    assert found.limits == ("max_bad_rate",)
    kept = wanted.model_copy(update={"constraints": Constraints(max_bad_rate=found.best + 1e-6)})
    assert isinstance(propose(kept, {"": rows}), Proposal)


def test_the_bootstrap_agrees_with_the_normal_interval() -> None:
    values = np.random.default_rng(0).normal(1.0, 2.0, 2000) * (np.arange(2000) % 3 == 0)
    found = bootstrap_mean(values, 4000)
    error = values.std() / np.sqrt(2000)
    assert found.value == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - 1.96 * error, abs=0.1 * error)
    assert found.high == pytest.approx(values.mean() + 1.96 * error, abs=0.1 * error)
    assert bootstrap_mean(np.zeros(5)).high == 0.0
    assert np.isnan(bootstrap_mean(np.zeros(0)).value)
    assert np.isnan(bootstrap_mean(np.ones(1)).low)
