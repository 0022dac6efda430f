"""PSI against published examples and a plain sum; what chance alone makes of it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy

from fusion.validation.psi import MISSING, chance_psi, psi_of, psi_of_counts, psi_of_levels, psi_verdict

floats = st.one_of(st.just(math.nan), st.integers(-4, 4).map(float), st.floats(-1e6, 1e6))


def test_psi_of_the_published_example() -> None:
    """``psi`` in the manual of the R package KAscore gives 0.3404592; the counts are what R draws from its seed."""
    then, now = np.repeat(np.arange(4), [248, 247, 260, 245]), np.repeat(np.arange(4), [13, 43, 63, 81])
    found = psi_of_levels(then, now, ("188 to 215", "215 to 221", "221 to 227", "227 to 237"))
    assert found.value == pytest.approx(0.3404592, abs=5e-8)
    assert found.verdict == "shifted"
    assert found.cells[0].label == "188 to 215"
    assert found.cells[0].actual == 13 / 200


@given(st.lists(st.tuples(st.integers(1, 99), st.integers(1, 99)), min_size=1, max_size=12))
def test_psi_is_both_relative_entropies(counts: list[tuple[int, int]]) -> None:
    expected = np.array([a for a, _ in counts]) / sum(a for a, _ in counts)
    actual = np.array([b for _, b in counts]) / sum(b for _, b in counts)
    both = float(entropy(expected, actual) + entropy(actual, expected))
    names = [(str(at), math.nan, math.nan) for at in range(len(counts))]
    then, now = np.array(counts, dtype=np.float64).T
    assert psi_of_counts(names, then, now).value == pytest.approx(both, abs=1e-12)
    assert psi_of_counts(names, now, then).value == pytest.approx(both, abs=1e-12)
    assert psi_of_counts(names, then, then).value == 0.0


def test_no_rows_give_no_index() -> None:
    assert math.isnan(psi_of_counts([], np.empty(0), np.empty(0)).value)


def test_numbers_by_a_plain_loop() -> None:
    random = np.random.default_rng(0)
    then, now = random.normal(size=1000), random.normal(0.4, size=300)
    then[:50], now[:40] = np.nan, np.nan
    found = psi_of(then, now)
    known = np.sort(then[~np.isnan(then)])
    total, low = 0.0, -math.inf
    for k in range(1, 11):
        high = known[95 * k - 1] if k < 10 else math.inf
        e, a = (float(np.mean((some > low) & (some <= high))) for some in (then, now))
        total, low = total + (a - e) * math.log(a / e), high
        cell = found.cells[k - 1]
        assert (cell.expected, cell.actual, cell.high) == pytest.approx((e, a, high))
    total += (40 / 300 - 0.05) * math.log(40 / 300 / 0.05)
    assert found.value == pytest.approx(total, abs=1e-12)
    assert (found.cells[-1].label, found.cells[-1].expected) == (MISSING, 0.05)


@given(st.lists(floats, min_size=1, max_size=50), st.lists(floats, min_size=1, max_size=50), st.integers(1, 12))
def test_cells_hold_every_row(then: list[float], now: list[float], n_bins: int) -> None:
    found = psi_of(np.array(then), np.array(now), n_bins)
    assert sum(cell.expected for cell in found.cells) == pytest.approx(1)
    assert sum(cell.actual for cell in found.cells) == pytest.approx(1)
    assert len(found.cells) <= n_bins + 1
    assert found.value >= 0 or math.isclose(found.value, 0, abs_tol=1e-12)
    assert psi_of(np.array(then), np.array(then), n_bins).value == 0.0


@given(st.lists(st.integers(0, 6), min_size=1), st.lists(st.integers(0, 6), min_size=1), st.permutations(range(7)))
def test_levels_may_be_renamed(then: list[int], now: list[int], names: list[int]) -> None:
    found = psi_of_levels(np.array(then), np.array(now))
    renamed = psi_of_levels(np.array([names[k] for k in then]), np.array([names[k] for k in now]))
    assert renamed.value == pytest.approx(found.value, abs=1e-12)
    assert sum(cell.actual for cell in found.cells) == pytest.approx(1)


def test_an_empty_cell_counts_as_half_a_row() -> None:
    found = psi_of_levels(np.array([0, 0, 1, 1]), np.array([0, 0, 0, 2]), ("other",))
    expected = (0.75 - 0.5) * math.log(1.5) + (0.125 - 0.5) * math.log(0.25) + (0.25 - 0.125) * math.log(2)
    assert found.value == pytest.approx(expected)
    assert [cell.label for cell in found.cells] == ["other", "1", "2"]


def test_float32_and_constant_and_missing_numbers() -> None:
    then = np.array([0.1, 0.2, 0.3, np.nan], dtype=np.float32)
    assert psi_of(then, then.copy()).value == 0.0
    assert len(psi_of(np.ones(9), np.full(5, 2.0)).cells) == 1
    lost = psi_of(np.full(9, np.nan), np.full(5, np.nan))
    assert (lost.value, lost.chance, len(lost.cells)) == (0.0, 0.0, 1)
    for none in (psi_of(np.empty(0), then), psi_of(then, np.empty(0))):
        assert math.isnan(none.value)
        assert none.verdict == "unknown"
    assert psi_of_levels(np.empty(0, dtype=int), np.array([1])).verdict == "unknown"


@pytest.mark.parametrize(("n", "m"), [(5000, 300), (800, 2000)])
def test_one_population_exceeds_the_chance_value_one_time_in_twenty(n: int, m: int) -> None:
    random = np.random.default_rng(1)
    over = [
        found.value > found.chance
        for found in (psi_of(random.normal(size=n), random.normal(size=m)) for _ in range(1500))
    ]
    assert 0.035 <= np.mean(over) <= 0.075  # asymptotic


def test_chance_value_by_hand() -> None:
    """The 95 % point of chi-squared with 9 degrees of freedom is 16.919."""
    assert chance_psi(1000, 500, 10) == pytest.approx(16.918978 * 0.003, abs=1e-8)
    assert chance_psi(10, 10, 1) == 0.0
    assert math.isnan(chance_psi(0, 10, 5))


@pytest.mark.parametrize(
    ("value", "chance", "expected"),
    [
        (0.05, 0.0, "stable"),
        (0.05, 0.4, "stable"),
        (0.1, 0.0, "moderate"),
        (0.25, 0.0, "moderate"),
        (0.26, 0.0, "shifted"),
        (0.3, 0.4, "within chance"),
        (0.5, 0.4, "shifted"),
        (math.nan, 0.0, "unknown"),
    ],
)
def test_words(value: float, chance: float, expected: str) -> None:
    assert psi_verdict(value, chance) == expected
