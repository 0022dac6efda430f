"""Chances of departures: honest for few and many rows, and for periods that differ by nature."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2_contingency, fisher_exact

from fusion.watch.departures import (
    Baseline,
    bound,
    homogeneity,
    mean_departure,
    psi_departure,
    range_words,
    share_chances,
    share_departure,
    usual_of,
)
from fusion.watch.volume import volume_signal

LEVEL = 0.01


def test_the_history_is_usual_once_it_is_long_enough() -> None:
    days = tuple((str(at), at) for at in range(8))
    assert usual_of(99, days[:7]) == ((("", 99),), False)
    assert usual_of(99, days) == (days, True)
    assert usual_of(None, days[:2]) == ((), False)
    assert usual_of(None, days[:3]) == (days[:3], True)


def test_the_chance_of_a_share_is_fishers() -> None:
    departure = share_departure(9, 30, [(10, 200)], history=False)
    assert departure is not None
    assert departure.p == pytest.approx(2 * fisher_exact(np.array([[9, 21], [10, 190]]), "greater").pvalue)
    assert share_departure(0, 0, [(1, 2)], history=False) is None


def test_the_chance_of_cells_is_that_of_the_likelihood_ratio() -> None:
    one, other = np.array([30, 40, 50]), np.array([300, 300, 200])
    p, _ = homogeneity(one, other)
    assert p == pytest.approx(chi2_contingency([one, other], lambda_="log-likelihood").pvalue)
    rare_p, _ = homogeneity(np.append(one, 0), np.append(other, 1))
    assert rare_p == pytest.approx(p, rel=0.05)
    assert homogeneity(np.array([0, 0]), other[:2]) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("n", "share", "uneven"), [(25, 0.02, 0.0), (300, 0.2, 0.0), (300, 0.2, 0.3), (5000, 0.3, 0.2)]
)
def test_few_quiet_shares_have_a_small_chance(n: int, share: float, uneven: float) -> None:
    random = np.random.Generator(np.random.PCG64(5))
    n_kinds, n_periods = 4000, 21
    odds = share / (1 - share) * np.exp(uneven * random.standard_normal((n_periods, n_kinds)))
    drawn = random.binomial(n, odds / (1 + odds))
    rows = np.full(n_periods - 1, n)
    found = share_chances(drawn[-1], n, drawn[:-1], rows, history=True)
    assert np.mean(found < LEVEL) < 1.6 * LEVEL


@pytest.mark.parametrize(("n", "uneven"), [(40, 0.0), (400, 0.0), (2000, 0.15)])
def test_few_quiet_columns_have_a_small_chance(n: int, uneven: float) -> None:
    random = np.random.Generator(np.random.PCG64(6))
    small = 0
    for _ in range(600):
        tilt = np.exp(uneven * random.standard_normal((16, 1)) * np.linspace(-1, 1, 10))
        counts = np.array([random.multinomial(n, one / one.sum()) for one in tilt])
        departure = psi_departure(counts[-1], Baseline(counts[:-1], history=True))
        assert departure is not None
        small += departure.p < LEVEL
    assert small / 600 < 2.2 * LEVEL


def test_a_tilted_column_departs_by_its_psi() -> None:
    usual = np.array([[100] * 10] * 10)
    departure = psi_departure(np.array([200, 0] + [100] * 8), Baseline(usual, history=True))
    assert departure is not None
    assert departure.p < 1e-6
    assert departure.low < departure.now < departure.high


def test_a_mean_is_held_against_the_spread_of_earlier_ones() -> None:
    even = [(0.2, 0.01, 400)] * 10
    uneven = [(0.2 + 0.05 * (-1) ** at, 0.01, 400) for at in range(10)]
    now = (0.25, 0.01, 400)
    calm, wild = mean_departure(now, even, history=True), mean_departure(now, uneven, history=True)
    assert calm is not None
    assert wild is not None
    assert calm.p < 1e-4
    assert wild.p > 0.1
    assert calm.usual == pytest.approx(0.2)


def test_volume_is_held_against_the_same_day_of_the_week() -> None:
    days = [str(np.datetime64("2026-01-05") + at) for at in range(29)]  # from a Monday
    rows = [20 + at % 3 if at % 7 >= 5 else 400 + 7 * (at % 4) for at in range(29)]
    history = list(zip(days, rows, strict=True))
    (monday,) = volume_signal(days[28], rows[28], history[:28])
    assert monday.p > 0.05
    assert "on this day of the week" in str(monday.words)
    (few,) = volume_signal(days[28], 40, history[:28])
    assert few.p < 1e-6
    assert few.value == pytest.approx(0.9, abs=0.02)
    assert volume_signal(days[2], 400, history[:2]) == ()
    (yet,) = volume_signal(days[28], 40, history[:28], ended=False)
    assert yet.value == 0.0
    (short,) = volume_signal(days[6], 21, history[:6])
    assert short.p > 0.01


@pytest.mark.parametrize(
    ("edges", "at", "expected"),
    [
        ([], 0, "any"),
        ([17475.25, 22175.0], 1, "above 17,475 to 22,175"),
        ([0.0072845833, 28.394251], 0, "up to 0.007285"),
        ([0.0072845833, 28.394251], 2, "above 28.39"),
    ],
)
def test_ranges_show_four_digits_that_count(edges: list[float], at: int, expected: str) -> None:
    assert str(range_words([bound(edge) for edge in edges], at)) == expected
