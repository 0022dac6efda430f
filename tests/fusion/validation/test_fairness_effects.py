"""Effects on fairness against the figures of both ways, and their paired intervals against what must hold."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from features.arrays import Floats, Ints
from fusion.validation.fairness import fairness
from fusion.validation.fairness_effects import Effect, Treatment, effects
from fusion.validation.intervals import NO_ESTIMATE


def ways(n: int = 600, seed: int = 0) -> tuple[Ints, Floats, Treatment, Treatment]:
    """Two groups, and two ways of which the second is hard on group 1."""
    random = np.random.default_rng(seed)
    code = (np.arange(n) % 3 == 0).astype(np.int64)
    margin = random.normal(-1.0, 1.0, n)
    y = (random.random(n) < expit(margin)).astype(np.float64)
    harder = margin + 0.4 * (code == 1) + 0.05 * random.normal(size=n)
    return code, y, Treatment(margin < -1, margin), Treatment(harder < -1, harder)


def test_effect_is_the_difference_of_both_figures() -> None:
    code, y, one, other = ways()
    (found,) = effects(code, [1], 0, y, one, other, n_draws=200)
    before = fairness(code, ("a", "b"), one.approved, one.margin, y, reference=0).groups[1]
    after = fairness(code, ("a", "b"), other.approved, other.margin, y, reference=0).groups[1]
    pairs = [
        (found.approval, after.approval.value - before.approval.value),
        (found.impact_ratio, after.disparity.impact_ratio.value - before.disparity.impact_ratio.value),
        (
            found.mean_difference,
            after.disparity.mean_difference.value - before.disparity.mean_difference.value,
        ),
        (found.opportunity, after.disparity.opportunity.value - before.disparity.opportunity.value),
        (found.calibration_gap, after.calibration_gap.value - before.calibration_gap.value),
    ]
    for estimate, difference in pairs:
        assert estimate.value == pytest.approx(difference, abs=1e-9)
        assert estimate.low <= estimate.value <= estimate.high
    assert found.impact_ratio.high < 0
    assert found.mean_difference.low > 0
    assert found.calibration_gap.low > 0


def test_pairs_make_narrow_intervals() -> None:
    code, y, one, other = ways()
    (found,) = effects(code, [1], 0, y, one, other, n_draws=400)
    alone = fairness(code, ("a", "b"), one.approved, one.margin, y, reference=0).groups[1].disparity.mean_difference
    assert found.mean_difference.high - found.mean_difference.low < 0.3 * (alone.high - alone.low)


def test_interval_agrees_with_the_paired_normal_one() -> None:
    code, y, one, other = ways(900)
    own = code == 1
    change = expit(other.margin[own]) - expit(one.margin[own])
    error = change.std(ddof=1) / np.sqrt(own.sum())
    found = effects(code, [1], 0, y, one, other, n_draws=4000)[0].calibration_gap
    assert (found.low, found.high) == pytest.approx(
        (change.mean() - 1.96 * error, change.mean() + 1.96 * error), rel=0.02
    )


def test_no_change_no_effect() -> None:
    code, y, one, _ = ways()
    (found,) = effects(code, [1], 0, y, one, one, n_draws=50)
    for estimate in (found.approval, found.impact_ratio, found.mean_difference, found.opportunity):
        assert (estimate.value, estimate.low, estimate.high) == pytest.approx((0, 0, 0), abs=1e-12)


def test_equal_seeds_draw_equal_rows() -> None:
    code, y, one, other = ways(120)
    first, again, else_where = (effects(code, [1], 0, y, one, other, 60, seed) for seed in (1, 1, 2))
    assert first == again
    assert first != else_where


def test_the_reference_itself() -> None:
    code, y, one, other = ways()
    (found,) = effects(code, [0], 0, y, one, other, n_draws=50)
    assert found.impact_ratio.value == found.opportunity.value == 0
    assert found.approval.value == pytest.approx(other.approved[code == 0].mean() - one.approved[code == 0].mean())


def test_figures_that_do_not_exist() -> None:
    code, y, one, other = ways()
    assert effects(code, [5], 0, y, one, other) == (
        Effect(NO_ESTIMATE, NO_ESTIMATE, NO_ESTIMATE, NO_ESTIMATE, NO_ESTIMATE),
    )
    nobody = Treatment(np.zeros(len(y), np.bool_), one.margin)
    assert effects(code, [1], 0, y, nobody, other, n_draws=20)[0].impact_ratio == NO_ESTIMATE
    assert effects(code, [1], 0, np.ones(len(y)), one, other, n_draws=20)[0].opportunity == NO_ESTIMATE
    flat = Treatment(one.approved, np.full(len(y), -2.0))
    assert effects(code, [1], 0, y, flat, flat, n_draws=20)[0].mean_difference == NO_ESTIMATE


def test_no_reference_rows() -> None:
    code, y, one, other = ways()
    assert effects(code, [0, 1], 7, y, one, other) == (Effect(*[NO_ESTIMATE] * 5),) * 2


def test_groups_do_not_depend_on_their_company() -> None:
    code, y, one, other = ways()
    both = effects(code, [0, 1], 0, y, one, other, n_draws=60)
    assert both == effects(code, [0], 0, y, one, other, n_draws=60) + effects(code, [1], 0, y, one, other, n_draws=60)
