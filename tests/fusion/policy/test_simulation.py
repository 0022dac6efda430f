"""Simulated policies against sums over single rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusion.policy.policy import Cutoffs, Policy, Refer, decide
from fusion.policy.simulation import Book, add_curves, at_cutoffs, profits, simulate
from tests.support.books import MONEY, book


def by_row(rows: Book, limits: Cutoffs) -> dict[str, float]:
    """Each figure as a plain sum over rows, decided one by one by ``decide``."""
    policy = Policy(cutoffs=limits, refer=Refer(quality=("missing",)))
    quality = ["missing:a" if one else "" for one in rows.must_refer]
    found = decide(policy, rows.pd, [""] * len(rows), quality)
    sums = dict.fromkeys(("approved", "referred", "bad", "expected_bad", "loss", "expected_loss"), 0.0)
    sums |= {"profit": 0.0, "expected_profit": 0.0}
    money = rows.economics
    for decision, pd, y, amount in zip(found.decision, rows.pd, rows.y, rows.amount, strict=True):
        share = {"approve": 1.0, "refer": money.referred_approved, "decline": 0.0}[decision]
        cost = money.cost_per_application + money.cost_per_referral * (decision == "refer")
        sums["approved"] += share
        sums["referred"] += decision == "refer"
        for name, risk in (("", y), ("expected_", pd)):
            lost = share * risk * amount * money.loss_given_default
            sums[f"{name}bad"] += share * risk
            sums[f"{name}loss"] += lost
            sums[f"{name}profit"] += share * (1 - risk) * amount * money.margin - lost - cost
    return sums


@given(st.integers(0, 60), st.integers(0, 999), st.floats(0, 1), st.floats(0, 1))
def test_a_point_is_the_sum_over_rows(n: int, seed: int, one: float, other: float) -> None:
    rows, limits = book(n, seed), Cutoffs(approve=min(one, other), decline=max(one, other))
    point, expected = at_cutoffs(rows, limits), by_row(rows, limits)
    for name, value in expected.items():
        assert getattr(point, name)[0] == pytest.approx(value, abs=1e-9)
    assert profits(rows, limits).sum() == pytest.approx(expected["profit"], abs=1e-9)


@pytest.mark.parametrize("decline", [0.0, 0.2])
def test_the_curve_holds_every_distinct_pd(decline: float) -> None:
    rows = book(300, 7)
    curve = simulate(rows, decline)
    assert curve.cutoffs.tolist() == sorted({0.0, *rows.pd.tolist()})
    for at, cutoff in enumerate(curve.cutoffs.tolist()):
        point = by_row(rows, Cutoffs(approve=cutoff, decline=max(cutoff, decline)))
        assert curve.expected_profit[at] == pytest.approx(point["expected_profit"], abs=1e-9)
        assert curve.referred[at] == point["referred"]
    assert (np.diff(curve.approved) >= -1e-9).all()


def test_rates_are_shares_and_none_without_rows() -> None:
    free = book(50, 1)
    curve = simulate(Book(free.pd, free.y, free.amount, np.zeros(50, np.bool_), MONEY), 0.0)
    assert curve.approval_rate[-1] == 1.0
    assert curve.bad_rate[-1] == pytest.approx(free.y.mean())
    assert curve.expected_bad_rate[-1] == pytest.approx(free.pd.mean())
    assert np.isnan(simulate(Book(free.pd + 0.01, free.y, free.amount, free.must_refer, MONEY), 0.0).bad_rate[0])
    assert np.isnan(simulate(book(0, 0), 0.0).approval_rate).all()


def test_parts_add_up() -> None:
    rows = book(200, 3)
    half = np.arange(200) < 90
    limits = Cutoffs(approve=0.1, decline=0.3)
    both = add_curves([at_cutoffs(rows.take(half), limits), at_cutoffs(rows.take(~half), limits)])
    assert both.n == 200
    assert both.profit == pytest.approx(at_cutoffs(rows, limits).profit)
    with pytest.raises(ValueError, match="no parts"):
        add_curves([])


def test_parts_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="one value per row"):
        Book(np.zeros(2), np.zeros(3), np.zeros(2), np.zeros(2, np.bool_), MONEY)
