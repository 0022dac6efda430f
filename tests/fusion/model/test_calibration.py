"""Blend and points: affine, monotone, near the best mix, and blind to members that say nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from features.arrays import Floats
from fusion.config import ScaleConfig
from fusion.metrics import base_log_odds, fit_logistic_line, log_loss
from fusion.model.calibration import Blend, fit_blend, to_score

BOTH_NEEDED = np.zeros(2, dtype=np.bool_)


def outcomes(log_odds: Floats, rng: np.random.Generator) -> Floats:
    """1 for bad, drawn with these log-odds."""
    return (rng.random(len(log_odds)) < expit(log_odds)).astype(np.float64)


def test_a_blend_beats_its_parts_and_is_calibrated() -> None:
    rng = np.random.default_rng(0)
    parts = 2 * rng.normal(size=(4000, 2))
    y = outcomes(parts.sum(axis=1) / 2 - 1, rng)
    blend = fit_blend(y, parts, BOTH_NEEDED)
    margin = blend.margin(parts)
    assert blend.weights == pytest.approx((0.5, 0.5), abs=0.06)
    assert log_loss(y, margin) < min(log_loss(y, part / 2 - 1) for part in parts.T)
    assert fit_logistic_line(y, margin) == pytest.approx((1.0, 0.0), abs=1e-5)


def test_outputs_in_any_unit_give_the_same_margins() -> None:
    rng = np.random.default_rng(6)
    parts = rng.normal(size=(1000, 2))
    y = outcomes(parts @ [1.0, 0.5], rng)
    scaled = parts * [1e4, 1e-4] + [1e5, -3.0]
    margin = fit_blend(y, parts, BOTH_NEEDED).margin(parts)
    np.testing.assert_allclose(fit_blend(y, scaled, BOTH_NEEDED).margin(scaled), margin, rtol=0, atol=1e-5)


def test_a_useless_part_gets_little_weight_and_an_optional_one_none() -> None:
    rng = np.random.default_rng(1)
    parts = rng.normal(size=(4000, 2))
    y = outcomes(parts[:, 0], rng)
    needed, optional = (fit_blend(y, parts, np.array([False, leave])).weights for leave in (False, True))
    assert needed[1] < 0.1
    assert optional[0] == pytest.approx(1.0, abs=0.1)
    assert optional[1] == 0.0


def test_an_optional_part_that_helps_is_kept() -> None:
    rng = np.random.default_rng(3)
    parts = rng.normal(size=(4000, 2))
    y = outcomes(parts @ [1.0, 0.5], rng)
    blend = fit_blend(y, parts, np.array([False, True]))
    assert blend == fit_blend(y, parts, BOTH_NEEDED)
    assert blend.weights == pytest.approx((1.0, 0.5), abs=0.12)


def test_of_two_optional_copies_one_is_left_out() -> None:
    rng = np.random.default_rng(4)
    text_margin = rng.normal(size=2000)
    y = outcomes(text_margin, rng)
    weights = fit_blend(
        y, np.column_stack([text_margin, text_margin, text_margin]), np.array([False, True, True])
    ).weights
    assert weights[1:] == (0.0, 0.0)


def test_a_part_that_points_the_wrong_way_gets_no_weight() -> None:
    rng = np.random.default_rng(5)
    parts = rng.normal(size=(2000, 2))
    y = outcomes(parts @ [1.0, -1.0], rng)
    assert fit_blend(y, parts, BOTH_NEEDED).weights[1] == 0.0


@pytest.mark.parametrize("seed", range(5))
def test_random_outcomes_leave_the_base_rate(seed: int) -> None:
    rng = np.random.default_rng([seed, 2])
    parts, y = rng.normal(size=(500, 3)), (rng.random(500) < 0.3).astype(np.float64)
    blend = fit_blend(y, parts, np.array([False, False, True]))
    assert blend == Blend((0.0, 0.0, 0.0), base_log_odds(y))
    assert (blend.margin(parts) == base_log_odds(y)).all()


@pytest.mark.parametrize("y", [np.zeros(4), np.ones(4)])
def test_one_class_leaves_the_base_rate(y: Floats) -> None:
    parts = np.column_stack([np.arange(4.0), np.arange(4.0)])
    assert fit_blend(y, parts, BOTH_NEEDED) == Blend((0.0, 0.0), base_log_odds(y))


@pytest.mark.parametrize("part", [[3.0, 2.0, 1.0, 0.0], [1.0, 1.0, 1.0, 1.0]], ids=["falling", "constant"])
def test_parts_without_use_leave_the_base_rate(part: list[float]) -> None:
    y = np.array([0.0, 0.0, 1.0, 1.0])
    assert fit_blend(y, np.column_stack([part, part]), BOTH_NEEDED) == Blend((0.0, 0.0), 0.0)


def test_no_member_leaves_the_base_rate() -> None:
    y = np.array([0.0, 0.0, 0.0, 1.0])
    assert fit_blend(y, np.zeros((4, 0)), np.zeros(0, dtype=np.bool_)) == Blend((), base_log_odds(y))


def test_perfect_separation_stays_finite() -> None:
    y = np.repeat([0.0, 1.0], 50)
    parts = np.column_stack([np.linspace(-1, 1, 100), np.linspace(-1e3, 1e3, 100)])
    margin = fit_blend(y, parts, BOTH_NEEDED).margin(parts)
    assert np.isfinite(margin).all()
    assert margin[:50].max() < -0.1 < 0.1 < margin[50:].min()
    assert np.abs(margin).max() < 200


@pytest.mark.parametrize(
    ("weights", "intercept"), [((1.0, -1.0), 0.0), ((np.inf,), 0.0), ((np.nan,), 0.0), ((1.0,), np.nan)]
)
def test_a_falling_or_endless_blend_is_refused(weights: tuple[float, ...], intercept: float) -> None:
    with pytest.raises(ValueError, match="not a monotone blend"):
        Blend(weights, intercept)


def test_points_mean_what_the_scale_says() -> None:
    scale = ScaleConfig(base_score=600, base_odds=20, pdo=40)
    at_base, doubled = to_score(np.array([-np.log(20.0), -np.log(40.0)]), scale)
    assert at_base == pytest.approx(600)
    assert doubled == pytest.approx(640)


@given(st.lists(st.floats(-20, 20), min_size=2, max_size=20), st.lists(st.floats(0, 5), min_size=1, max_size=4))
def test_margin_is_monotone_in_each_part(values: list[float], weights: list[float]) -> None:
    blend = Blend(tuple(weights), 0.3)
    for member in range(len(weights)):
        outputs = np.zeros((len(values), len(weights)))
        outputs[:, member] = np.sort(values)
        assert (np.diff(blend.margin(outputs)) >= 0).all()
    assert (np.diff(to_score(np.sort(values), ScaleConfig())) <= 0).all()


@given(st.integers(0, 10_000), st.integers(2, 80), st.lists(st.booleans(), min_size=1, max_size=4))
def test_any_outputs_get_finite_weights_of_zero_or_more(seed: int, n: int, optional: list[bool]) -> None:
    rng = np.random.default_rng(seed)
    outputs = rng.normal(size=(n, len(optional))) * rng.choice([0.0, 1e-3, 1.0, 1e3], len(optional))
    y = rng.integers(0, 2, n).astype(np.float64)
    blend = fit_blend(y, outputs, np.array(optional))
    assert len(blend.weights) == len(optional)
    assert np.isfinite(blend.margin(outputs)).all()
    assert log_loss(y, blend.margin(outputs)) <= log_loss(y, np.full(n, base_log_odds(y))) + 1e-9
