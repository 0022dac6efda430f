"""The cut-off that follows the bad rate."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusion.config import Config, DecisionConfig
from fusion.policy.cutoff import ODDS_FACTOR, cutoff_of, with_cutoff

RATES = st.floats(1e-6, 1.0 - 1e-6)


@pytest.mark.parametrize(
    ("bad_rate", "cut_off"),
    [(0.149, 0.20), (0.003, 0.0042), (0.01, 0.014), (0.5, 0.58), (0.6, 0.68), (0.999, 0.99929), (1e-6, 1.4e-6)],
)
def test_its_odds_are_those_of_the_bad_rate_times_a_factor(bad_rate: float, cut_off: float) -> None:
    assert cutoff_of(bad_rate) == cut_off


@given(RATES)
def test_it_lies_above_the_bad_rate_and_is_rounded_to_two_digits(bad_rate: float) -> None:
    pd = cutoff_of(bad_rate)
    odds = ODDS_FACTOR * bad_rate / (1.0 - bad_rate)
    assert bad_rate < pd < 1.0
    smaller = min(odds, 1.0) / (1.0 + odds)
    assert abs(pd - odds / (1.0 + odds)) <= 0.051 * smaller


@given(st.tuples(RATES, RATES).map(sorted))
def test_more_bads_never_lower_it(rates: list[float]) -> None:
    assert cutoff_of(rates[0]) <= cutoff_of(rates[1])


@pytest.mark.parametrize("bad_rate", [0.0, 1.0, float("nan")])
def test_a_rate_without_odds_has_no_cut_off(bad_rate: float) -> None:
    with pytest.raises(ValueError, match="has no odds"):
        cutoff_of(bad_rate)


def test_settings_with_a_cut_off_keep_it() -> None:
    config = Config(decision=DecisionConfig(max_pd=0.5))
    assert with_cutoff(config, 1 / 3) is config


def test_settings_without_one_get_it_from_the_training_rows() -> None:
    found = with_cutoff(Config(), 0.149)
    assert found.decision.max_pd == 0.20
    assert with_cutoff(found, 0.851) is found
