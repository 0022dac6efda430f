"""Champion against challenger: swap sets against plain sets, net benefit against counts by scikit-learn and the
bootstrap, sample sizes against R's documented example, textbook figures and simulation.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import norm, spearmanr
from sklearn.metrics import confusion_matrix

from features.arrays import Floats
from fusion.metrics import brier_gain, delong
from fusion.validation.comparison import compare, rank_correlation
from fusion.validation.net_benefit import net_benefit, net_benefit_difference
from fusion.validation.power import auc_spread, brier_spread, rows_needed, rows_needed_in_each, sample_sizes
from fusion.validation.swap_sets import swap_set

SOME = np.array([0.01, 0.1, 0.2, 0.35, 0.5, 0.9])


def sample(seed: int, n: int = 500, noise: float = 0.8, digits: int = 6) -> tuple[Floats, Floats, Floats]:
    """A champion, a challenger that knows a little more, and outcomes."""
    random = np.random.default_rng(seed)
    known, more = random.normal(size=n), random.normal(size=n)
    champion = np.round(known - 1.5, digits)
    challenger = np.round(known + noise * more - 1.5, digits)
    y = (random.random(n) < expit(known + noise * more - 1.5)).astype(np.float64)
    return champion, challenger, y


# Swap sets


@given(
    seed=st.integers(0, 10_000),
    n=st.integers(1, 60),
    digits=st.integers(0, 3),
    approval_rate=st.floats(0, 1),
)
def test_swap_sets_part_all_rows_and_swap_one_for_one(seed: int, n: int, digits: int, approval_rate: float) -> None:
    champion, challenger, y = sample(seed, n, digits=digits)
    found = swap_set(champion, challenger, y, approval_rate)
    parts = (found.both_approve, found.both_decline, found.swapped_in, found.swapped_out)
    assert sum(part.n for part in parts) == n
    assert sum(part.n_bad for part in parts) == int(y.sum())
    assert found.swapped_in.n == found.swapped_out.n
    assert found.champion.n == found.challenger.n == found.n_approved == found.both_approve.n + found.swapped_in.n
    assert abs(found.n_approved - approval_rate * n) <= 0.5
    turned = swap_set(challenger, champion, y, approval_rate)
    assert (turned.swapped_in, turned.swapped_out) == (found.swapped_out, found.swapped_in)
    same = swap_set(champion, champion, y, approval_rate)
    assert same.swapped_in.n == 0
    assert same.book_gain.value == 0 or not same.n_approved


def test_swap_sets_are_those_of_plain_sets() -> None:
    champion, challenger, y = sample(3)
    found = swap_set(champion, challenger, y, 0.7)
    first, second = (set(sorted(range(500), key=lambda row: one[row])[:350]) for one in (champion, challenger))
    for part, rows in (
        (found.both_approve, first & second),
        (found.swapped_in, second - first),
        (found.swapped_out, first - second),
        (found.both_decline, set(range(500)) - first - second),
        (found.champion, first),
        (found.challenger, second),
    ):
        assert (part.n, part.n_bad) == (len(rows), sum(y[row] for row in rows))
    assert found.differing == pytest.approx(len(first ^ second) / 500, abs=1e-12)
    gain = found.swapped_out.n_bad / found.swapped_out.n - found.swapped_in.n_bad / found.swapped_in.n
    assert found.gain.value == pytest.approx(gain, abs=1e-12)
    assert found.gain.low < gain < found.gain.high
    assert found.book_gain.value == pytest.approx((found.champion.n_bad - found.challenger.n_bad) / 350, abs=1e-12)


def test_the_difference_of_swap_sets_is_newcombes_published_one() -> None:
    """Newcombe, Statistics in Medicine 1998, table II, method 10: 9/10 less 3/10 is 0.6 (0.1705 to 0.8090)."""
    y = np.zeros(40)
    y[:9] = 1  # rows 0 to 9 are swapped out
    y[10:13] = 1  # rows 10 to 19 are swapped in
    champion = np.r_[np.full(10, -2.0), np.full(10, 1.0), np.full(10, -3.0), np.full(10, 2.0)]
    challenger = np.r_[np.full(10, 1.0), np.full(10, -2.0), np.full(10, -3.0), np.full(10, 2.0)]
    found = swap_set(champion, challenger, y, 0.5)
    assert (found.swapped_out.n, found.swapped_in.n) == (10, 10)
    assert found.gain.value == pytest.approx(0.6, abs=1e-12)
    assert (round(found.gain.low, 4), round(found.gain.high, 4)) == (0.1705, 0.8090)


def test_file_order_decides_no_ties() -> None:
    y = np.r_[np.zeros(500), np.ones(500)]
    found = swap_set(np.zeros(1000), np.zeros(1000), y, 0.5)
    assert found.swapped_in.n == 0
    assert 200 < found.champion.n_bad < 300


@pytest.mark.parametrize("approval_rate", [0.0, 1.0])
def test_approving_nobody_or_all_swaps_nobody(approval_rate: float) -> None:
    found = swap_set(*sample(1), approval_rate)
    assert found.swapped_in.n == 0
    assert not found.gain.exists
    assert found.book_gain.exists == bool(approval_rate)


def test_an_approval_rate_is_a_share() -> None:
    with pytest.raises(ValueError, match="not within 0 to 1"):
        swap_set(*sample(1), 1.2)


# Net benefit


@given(seed=st.integers(0, 10_000), n=st.integers(1, 80))
def test_net_benefit_counts_the_declined(seed: int, n: int) -> None:
    _, margin, y = sample(seed, n, digits=1)
    pd = expit(margin)
    curve = net_benefit(y, pd, SOME)
    for at, threshold in enumerate(SOME.tolist()):
        _, false, _, true = confusion_matrix(y, pd > threshold, labels=[0, 1]).ravel()
        assert curve.model[at] == pytest.approx(true / n - false / n * threshold / (1 - threshold), abs=1e-12)
        everybody = y.mean() - (1 - y.mean()) * threshold / (1 - threshold)
        assert curve.decline_all[at] == pytest.approx(everybody, abs=1e-12)
    assert (curve.model <= y.mean() + 1e-12).all()


def test_a_pd_at_the_cutoff_is_approved() -> None:
    y, pd = np.array([1.0, 0.0]), np.array([0.2, 0.2])
    assert net_benefit(y, pd, [0.2]).model.tolist() == [0.0]


def test_the_difference_of_net_benefits_is_that_of_the_curves() -> None:
    champion, challenger, y = sample(5)
    for threshold in SOME.tolist():
        found = net_benefit_difference(y, expit(challenger), expit(champion), threshold)
        apart = (
            net_benefit(y, expit(challenger), [threshold]).model - net_benefit(y, expit(champion), [threshold]).model
        )
        assert found.value == pytest.approx(float(apart[0]), abs=1e-12)


def test_the_interval_of_net_benefit_is_the_bootstraps() -> None:
    champion, challenger, y = sample(6, 2000)
    one, other = expit(challenger), expit(champion)
    found = net_benefit_difference(y, one, other, 0.2)
    random = np.random.default_rng(0)
    drawn = []
    for _ in range(2000):
        rows = random.integers(0, len(y), len(y))
        drawn.append(
            net_benefit(y[rows], one[rows], [0.2]).model[0] - net_benefit(y[rows], other[rows], [0.2]).model[0]
        )
    low, high = np.quantile(drawn, [0.025, 0.975])
    width = found.high - found.low
    assert found.low == pytest.approx(low, abs=0.08 * width)
    assert found.high == pytest.approx(high, abs=0.08 * width)


def test_a_cutoff_lies_between_0_and_1() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        net_benefit(np.ones(2), np.ones(2), [0.0])
    assert np.isnan(net_benefit(np.empty(0), np.empty(0), SOME).model).all()


# Both together


def test_a_challenger_that_knows_more_is_better() -> None:
    champion, challenger, y = sample(7, 3000)
    found = compare(champion, challenger, y)
    assert found.auc.low > 0
    assert found.brier.low > 0
    assert found.auc.difference == pytest.approx(found.challenger.auc - found.champion.auc, abs=1e-12)
    assert found.brier.difference == pytest.approx(found.champion.brier - found.challenger.brier, abs=1e-12)
    assert found.spearman == pytest.approx(spearmanr(champion, challenger).statistic, abs=1e-9)
    assert found.challenger.slope.value == pytest.approx(1, abs=0.15)  # its PDs are the true ones


def test_a_model_is_no_better_than_itself() -> None:
    champion, _, y = sample(8)
    found = compare(champion, champion, y)
    assert (found.auc.difference, found.auc.p, found.brier.difference, found.brier.p) == (0, 1, 0, 1)
    assert found.spearman == 1
    swaps = swap_set(champion, champion, y, 0.5)
    assert all(math.isnan(need.n) for need in sample_sizes(champion, champion, y, swaps))


@pytest.mark.parametrize(
    ("champion", "challenger", "y"),
    [
        (np.zeros(30), np.zeros(30), np.r_[np.ones(10), np.zeros(20)]),
        (np.zeros(30), np.arange(30.0), np.r_[np.ones(10), np.zeros(20)]),
        (np.arange(30.0), np.arange(30.0)[::-1].copy(), np.zeros(30)),
        (np.arange(10.0), np.sqrt(np.arange(10.0)), np.r_[1.0, np.zeros(9)]),
        (np.zeros(1), np.ones(1), np.ones(1)),
        (np.empty(0), np.empty(0), np.empty(0)),
    ],
    ids=["constant", "one constant", "one class", "ten rows", "one row", "none"],
)
def test_degenerate_rows_give_gaps_and_no_error(champion: Floats, challenger: Floats, y: Floats) -> None:
    found = compare(champion, challenger, y)
    assert found.n == len(y)
    for approval_rate in (0.0, 0.5, 1.0):
        swaps = swap_set(champion, challenger, y, approval_rate)
        assert len(sample_sizes(champion, challenger, y, swaps)) == 6
    net_benefit_difference(y, expit(challenger), expit(champion), 0.2)


def test_rank_correlation_of_a_constant_is_none() -> None:
    assert math.isnan(rank_correlation(np.zeros(5), np.arange(5.0)))


# Sample sizes


def test_two_rates_need_what_r_documents() -> None:
    """R's help page of power.prop.test: p1 = .50, p2 = .75, power = .90 gives n = 76.7; and n = 50 a power of .740."""
    assert round(rows_needed_in_each(0.5, 0.75, 0.9), 1) == 76.7
    assert rows_needed_in_each(0.5, 0.75, 0.740) == pytest.approx(50, abs=0.05)


@given(rate=st.floats(0.01, 0.4), more=st.floats(0.01, 0.5), power=st.floats(0.3, 0.99))
def test_needed_rows_have_the_power_of_the_pooled_test(rate: float, more: float, power: float) -> None:
    """The power at that size: the chance that the difference passes 1.96 standard errors pooled under no difference."""
    other = rate + more
    n = rows_needed_in_each(rate, other, power)
    limit = norm.ppf(0.975) * math.sqrt(2 * (rate + other) / 2 * (1 - (rate + other) / 2) / n)
    error = math.sqrt((rate * (1 - rate) + other * (1 - other)) / n)
    assert norm.sf((limit - more) / error) == pytest.approx(power, abs=1e-9)


@given(difference=st.floats(0.001, 0.5), variance=st.floats(0.01, 4), power=st.floats(0.3, 0.99))
def test_needed_rows_have_the_power_of_the_z_test(difference: float, variance: float, power: float) -> None:
    n = rows_needed(difference, variance, power)
    assert n == pytest.approx(rows_needed(-difference, variance, power))
    reached = norm.sf(norm.ppf(0.975) - difference / math.sqrt(variance / n))
    assert reached == pytest.approx(power, abs=1e-9)


def test_needed_rows_of_the_textbook() -> None:
    """Half a standard deviation at power .8: (1.959964 + .841621)^2 / .25 = 31.4 (Cohen 1988, normal approximation)."""
    assert rows_needed(0.5, 1.0, 0.8) == pytest.approx(31.395519, abs=1e-6)


def test_the_spreads_are_those_of_the_tests() -> None:
    champion, challenger, y = sample(9)
    for (difference, variance), gain in (
        (auc_spread(y, challenger, champion), delong(y, challenger, champion)),
        (brier_spread(y, challenger, champion), brier_gain(y, challenger, champion)),
    ):
        assert difference == pytest.approx(gain.difference, abs=1e-12)
        half = norm.ppf(0.975) * math.sqrt(variance / len(y))
        assert (gain.high - gain.low) / 2 == pytest.approx(half, abs=1e-12)


def test_the_plan_keeps_bad_rate_and_share_swapped() -> None:
    champion, challenger, y = sample(10, 2000)
    swaps = swap_set(champion, challenger, y, 0.8)
    plan = {(need.measure, need.power): need for need in sample_sizes(champion, challenger, y, swaps)}
    m = swaps.swapped_in.n
    each = rows_needed_in_each(swaps.swapped_out.rate.value, swaps.swapped_in.rate.value, 0.9)
    assert plan["swaps", 0.9].n == pytest.approx(each * 2000 / m)
    for need in plan.values():
        assert need.n > 0
        assert plan[need.measure, 0.9].n > plan[need.measure, 0.8].n
        if need.measure != "swaps":  # the least difference is the one for which the present rows are enough
            assert need.least / abs(need.difference) == pytest.approx(math.sqrt(need.n / 2000))


@pytest.mark.parametrize("power", [0.05, 1.0, -1.0])
def test_a_power_lies_above_chance(power: float) -> None:
    champion, challenger, y = sample(1)
    with pytest.raises(ValueError, match="a power lies above"):
        sample_sizes(champion, challenger, y, swap_set(champion, challenger, y, 0.5), [power])


@pytest.fixture(scope="module")
def planned() -> dict[str, int]:
    """Rows needed for power .8, by measure, as a million rows tell."""
    champion, challenger, y = sample(12, 1_000_000, 0.35)
    swaps = swap_set(champion, challenger, y, 0.7)
    return {one.measure: math.ceil(one.n) for one in sample_sizes(champion, challenger, y, swaps, [0.8])}


@pytest.mark.slow
@pytest.mark.parametrize("measure", ["auc", "brier", "swaps"])
def test_planned_sizes_have_their_power_in_simulation(planned: dict[str, int], measure: str) -> None:
    """So many rows find the difference in 8 of 10 fresh samples."""
    found = 0
    for seed in range(1000):
        champion, challenger, y = sample(1000 + seed, planned[measure], 0.35)
        if measure == "swaps":
            sets = swap_set(champion, challenger, y, 0.7)
            n, bad, other = sets.swapped_in.n, sets.swapped_out.n_bad, sets.swapped_in.n_bad
            middle = (bad + other) / (2 * n)
            found += abs(bad - other) / n > norm.ppf(0.975) * math.sqrt(2 * middle * (1 - middle) / n)
        else:
            test = delong if measure == "auc" else brier_gain
            found += test(y, challenger, champion).p < 0.05
    assert found / 1000 == pytest.approx(0.8, abs=0.04)
