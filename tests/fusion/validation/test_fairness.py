"""Fairness by group against the agencies' own example, SciPy, published intervals and plain loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import norm
from scipy.stats.contingency import relative_risk
from sklearn.metrics import roc_auc_score

from features.arrays import Flags, Floats, Ints
from features.tables.groups import MIN_ROWS
from fusion.metrics import fit_logistic_line
from fusion.validation.fairness import (
    fairness,
    four_fifths,
    impact_ratio,
    most_approved,
    rate_difference,
    standardised_difference,
)
from fusion.validation.intervals import NO_ESTIMATE, Estimate

# Adoption of Questions and Answers to Clarify the Uniform Guidelines on Employee Selection Procedures, 44 FR 11996
# (1979), on the four-fifths rule: selection rates in per cent, impact ratios, and whether adverse impact is indicated.
GUIDELINES = [("American Indians", 45, 0.75, True), ("Hispanics", 48, 0.80, False), ("Blacks", 51, 0.85, False)]
WHITES = 60


def sample(n: int = 900, seed: int = 0) -> tuple[Ints, Flags, Floats, Floats]:
    """Groups of 60 %, 35 % and the rest without one; the second looks riskier than it is."""
    random = np.random.default_rng(seed)
    code = np.where(random.random(n) < 0.6, 0, 1).astype(np.int64)
    code[random.random(n) < 0.05] = -1
    margin = random.normal(-1.0, 1.0, n)
    y = (random.random(n) < expit(margin)).astype(np.float64)
    margin = margin + 0.5 * (code == 1)
    return code, margin < -0.8, margin, y


@pytest.mark.parametrize(("group", "rate", "ratio", "adverse"), GUIDELINES)
def test_the_guidelines_own_example(group: str, rate: int, ratio: float, adverse: bool) -> None:
    found = impact_ratio(10_000 * rate, 1_000_000, 10_000 * WHITES, 1_000_000)
    assert found.value == pytest.approx(ratio, abs=1e-12), group
    assert four_fifths(found).endswith("below") is adverse, group


@given(st.integers(1, 400), st.integers(1, 400), st.integers(1, 400), st.integers(1, 400))
def test_impact_ratio_is_scipys_relative_risk(a: int, more: int, b: int, others: int) -> None:
    found, known = impact_ratio(a, a + more, b, b + others), relative_risk(a, a + more, b, b + others)
    low, high = known.confidence_interval(0.95)
    assert (found.value, found.low, found.high) == pytest.approx((known.relative_risk, low, high), rel=1e-9, abs=1e-9)


def test_impact_ratio_of_the_physicians_health_study() -> None:
    # Agresti, An Introduction to Categorical Data Analysis (2007), 2.2.2: 189 of 11,034 against 104 of 11,037
    found = impact_ratio(189, 11_034, 104, 11_037)
    assert [round(value, 2) for value in (found.value, found.low, found.high)] == [1.82, 1.43, 2.31]


@given(st.integers(0, 30), st.integers(0, 30), st.integers(1, 30), st.integers(0, 30))
def test_impact_ratio_lies_within_its_finite_interval(a: int, more: int, b: int, others: int) -> None:
    if a + more:
        found = impact_ratio(a, a + more, b, b + others)
        assert 0 <= found.low <= found.value <= found.high < math.inf


def test_no_impact_ratio_beside_nobody_approved() -> None:
    assert impact_ratio(3, 10, 0, 10) == NO_ESTIMATE
    assert impact_ratio(0, 0, 3, 10) == NO_ESTIMATE
    assert four_fifths(NO_ESTIMATE) == ""


@pytest.mark.parametrize(
    ("ratio", "word"),
    [
        (Estimate(0.7, 0.65, 0.79), "below"),
        (Estimate(0.7, 0.6, 0.81), "perhaps below"),
        (Estimate(0.48 / 0.6, 0.7, 0.9), "perhaps met"),
        (Estimate(0.9, 0.82, 0.97), "met"),
    ],
)
def test_words_of_the_four_fifths_rule(ratio: Estimate, word: str) -> None:
    assert four_fifths(ratio) == word


@pytest.mark.parametrize(
    ("counts", "published"),
    [  # Newcombe, Statistics in Medicine 1998, 873-890, table II, method 10, his examples (a), (b), (d), (g) and (h)
        ((56, 70, 48, 80), (0.0524, 0.3339)),
        ((9, 10, 3, 10), (0.1705, 0.8090)),
        ((5, 56, 0, 29), (-0.0381, 0.1926)),
        ((10, 10, 0, 20), (0.6791, 1.0000)),
        ((10, 10, 0, 10), (0.6075, 1.0000)),
    ],
)
def test_difference_of_rates_has_newcombes_interval(counts: tuple[int, ...], published: tuple[float, float]) -> None:
    found = rate_difference(*counts)
    assert found.value == pytest.approx(counts[0] / counts[1] - counts[2] / counts[3], abs=1e-12)
    assert (found.low, found.high) == pytest.approx(published, abs=5.1e-5)


def test_standardised_difference_by_hand() -> None:
    own, other = np.array([2.0, 4.0, 6.0, 8.0]), np.array([1.0, 2.0, 3.0])  # variances 20/3 and 1
    d = (5.0 - 2.0) / math.sqrt((3 * 20 / 3 + 2 * 1.0) / 5)
    error = math.sqrt(7 / 12 + d * d / 14)
    found = standardised_difference(own, other)
    half = float(norm.ppf(0.975)) * error
    assert (found.value, found.low, found.high) == pytest.approx((d, d - half, d + half), abs=1e-12)


def test_interval_of_the_standardised_difference_covers() -> None:
    random, held = np.random.default_rng(4), 0
    for _ in range(400):
        found = standardised_difference(random.normal(0.4, 1.0, 80), random.normal(0.0, 1.0, 120))
        held += found.low <= 0.4 <= found.high
    assert 0.92 <= held / 400 <= 0.98


def test_no_standardised_difference_without_spread() -> None:
    assert standardised_difference(np.ones(60), np.ones(60)) == NO_ESTIMATE
    assert standardised_difference(np.ones(1), np.arange(5.0)) == NO_ESTIMATE


def test_figures_of_groups_by_plain_sums() -> None:
    code, approved, margin, y = sample()
    found = fairness(code, ("a", "b"), approved, margin, y)
    assert found.reference == 0
    for at, group in enumerate(found.groups):
        own, goods = code == at, (code == at) & (y == 0)
        assert (group.n, group.n_bad, group.n_approved) == (own.sum(), y[own].sum(), approved[own].sum())
        assert group.approval.value == pytest.approx(approved[own].mean())
        assert group.opportunity.value == pytest.approx(approved[goods].mean())
        assert group.calibration_gap.value == pytest.approx(expit(margin[own]).mean() - y[own].mean())
        assert group.auc.value == pytest.approx(roc_auc_score(y[own], margin[own]))
        assert group.slope.value == pytest.approx(fit_logistic_line(y[own], margin[own])[0])
    first, second = found.groups
    assert first.disparity.impact_ratio == Estimate(1.0, 1.0, 1.0)
    assert first.disparity.opportunity == first.disparity.mean_difference == Estimate(0.0, 0.0, 0.0)
    assert second.disparity.impact_ratio.value == pytest.approx(second.approval.value / first.approval.value)
    assert second.disparity.opportunity.value == pytest.approx(second.opportunity.value - first.opportunity.value)
    assert second.disparity.calibration_gap.value == pytest.approx(
        second.calibration_gap.value - first.calibration_gap.value
    )
    assert second.disparity.mean_difference.low > 0  # it looks riskier
    assert second.disparity.calibration_gap.low > 0  # than it is
    assert second.four_fifths == "below"


def test_too_small_groups_have_a_reason_instead_of_figures() -> None:
    code, approved, margin, y = sample()
    few = np.flatnonzero(code == 1)[: MIN_ROWS - 1]
    code[np.flatnonzero(code == 1)] = -1
    code[few] = 1
    small = fairness(code, ("a", "b"), approved, margin, y).groups[1]
    assert small.too_few_rows == small.too_few_goods == small.too_few_per_outcome
    assert str(small.too_few_rows) == f"fewer than {MIN_ROWS} rows"
    assert small.four_fifths == ""
    for figure in (small.approval, small.opportunity, small.calibration_gap, small.slope, small.auc):
        assert figure == NO_ESTIMATE
    assert small.disparity.impact_ratio == small.disparity.mean_difference == NO_ESTIMATE


def test_group_without_goods_has_no_opportunity() -> None:
    code, approved, margin, y = sample()
    y[code == 1] = 1.0
    found = fairness(code, ("a", "b"), approved, margin, y).groups[1]
    assert found.too_few_goods == found.too_few_per_outcome
    assert str(found.too_few_goods) == "fewer than 10 goods"
    assert found.opportunity == found.disparity.opportunity == found.auc == found.slope == NO_ESTIMATE
    assert found.disparity.impact_ratio.exists
    assert found.calibration_gap.exists
    y[code == 1] = 0.0
    assert str(fairness(code, ("a", "b"), approved, margin, y).groups[1].too_few_per_outcome) == "fewer than 10 bads"


def test_no_large_group_no_reference() -> None:
    code, approved, margin, y = sample(60)
    found = fairness(code, ("a", "b"), approved, margin, y)
    assert found.reference is None
    assert all(group.too_few_rows for group in found.groups)
    assert fairness(np.full(60, -1, np.int64), (), approved, margin, y).groups == ()


def test_nobody_approved() -> None:
    code, approved, margin, y = sample()
    found = fairness(code, ("a", "b"), np.zeros_like(approved), margin, y)
    assert found.reference == 0  # the larger one
    assert all(group.disparity.impact_ratio == NO_ESTIMATE and group.approval.value == 0 for group in found.groups)


def test_small_groups_are_no_reference() -> None:
    code = np.array([0] * 60 + [1] * 5 + [2] * 80, dtype=np.int64)
    approved = np.concatenate([np.arange(60) < 30, np.ones(5, np.bool_), np.arange(80) < 40])
    assert most_approved(code, 3, approved) == 2


def test_given_reference_stays() -> None:
    code, approved, margin, y = sample()
    found = fairness(code, ("a", "b"), approved, margin, y, reference=1)
    assert found.reference == 1
    assert found.groups[0].disparity.impact_ratio.value > 1
