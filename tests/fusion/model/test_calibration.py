"""Blend and points: affine, monotone, and near the best mix."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from fusion.config import BlendConfig, ScaleConfig
from fusion.metrics import fit_logistic_line, log_loss
from fusion.model.calibration import Blend, fit_blend, to_score

FITTED = BlendConfig()


def test_blend_beats_both_parts_and_is_calibrated() -> None:
    rng = np.random.default_rng(0)
    left, right = rng.normal(size=(2, 4000))
    y = (rng.random(4000) < expit(left + right - 1)).astype(np.float64)
    blend = fit_blend(y, 2 * left, 2 * right, FITTED)
    margin = blend.margin(2 * left, 2 * right)
    assert blend.weight == pytest.approx(0.5, abs=0.06)
    assert log_loss(y, margin) < min(log_loss(y, left - 1), log_loss(y, right - 1))
    assert fit_logistic_line(y, margin) == pytest.approx((1.0, 0.0), abs=1e-6)


def test_a_useless_part_gets_no_weight() -> None:
    rng = np.random.default_rng(1)
    left, noise = rng.normal(size=(2, 4000))
    y = (rng.random(4000) < expit(left)).astype(np.float64)
    assert fit_blend(y, left, noise, FITTED).weight > 0.9


def test_a_blend_of_equal_parts_still_has_its_own_line() -> None:
    rng = np.random.default_rng(2)
    left, noise = rng.normal(size=(2, 4000))
    y = (rng.random(4000) < expit(left)).astype(np.float64)
    blend = fit_blend(y, left, noise, BlendConfig(weight="equal"))
    assert blend.weight == 0.5
    assert fit_logistic_line(y, blend.margin(left, noise)) == pytest.approx((1.0, 0.0), abs=1e-6)


@pytest.mark.parametrize("y", [np.zeros(4), np.ones(4)])
def test_one_class_keeps_the_parts_as_they_are(y: np.ndarray) -> None:
    assert fit_blend(y, np.arange(4.0), np.arange(4.0), FITTED) == Blend(0.5, 1.0, 0.0)


@pytest.mark.parametrize("part", [[3.0, 2.0, 1.0, 0.0], [1.0, 1.0, 1.0, 1.0]], ids=["falling", "constant"])
def test_constant_parts_keep_their_log_odds(part: list[float]) -> None:
    margin = np.array(part)
    assert fit_blend(np.array([0.0, 1.0, 0.0, 1.0]), margin, margin, FITTED) == Blend(0.5, 1.0, 0.0)


def test_a_falling_blend_is_refused() -> None:
    with pytest.raises(ValueError, match="not a monotone blend"):
        Blend(0.5, -1.0, 0.0)


def test_points_mean_what_the_scale_says() -> None:
    scale = ScaleConfig(base_score=600, base_odds=20, pdo=40)
    at_base, doubled = to_score(np.array([-np.log(20.0), -np.log(40.0)]), scale)
    assert at_base == pytest.approx(600)
    assert doubled == pytest.approx(640)


@given(st.lists(st.floats(-20, 20), min_size=2, max_size=20), st.floats(0, 1), st.floats(0.01, 5))
def test_margin_is_monotone_in_each_part(values: list[float], weight: float, slope: float) -> None:
    part = np.sort(np.array(values))
    fixed = np.zeros(len(part))
    blend = Blend(weight, slope, 0.3)
    assert (np.diff(blend.margin(part, fixed)) >= 0).all()
    assert (np.diff(blend.margin(fixed, part)) >= 0).all()
    assert (np.diff(to_score(part, ScaleConfig())) <= 0).all()
