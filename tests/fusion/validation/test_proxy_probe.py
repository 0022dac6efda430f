from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from features.arrays import Floats32, Ints
from fusion.metrics import auc, delong
from fusion.validation.proxy_probe import (
    MIN_IN_FOLD,
    N_FOLDS,
    WIDENING,
    Inputs,
    ProbeAccuracy,
    accuracy_difference,
    deal_folds,
    out_of_fold,
    probe_accuracy,
    rank_code,
    style_code,
)


def sample(n: int, n_levels: int, signal: float, seed: int = 0, p: int = 6) -> tuple[Floats32, Ints]:
    """Inputs float32 (n, p), of which the first moves with the level, and levels."""
    random = np.random.default_rng(seed)
    level = random.integers(0, n_levels, n)
    x = random.normal(size=(n, p))
    x[:, 0] += signal * level
    return x.astype(np.float32), level


def probe(x: Inputs, level: Ints) -> ProbeAccuracy:
    """How well the levels are recovered when no rows are tied."""
    alone = np.arange(len(level))
    fold = deal_folds(level, alone, 0)
    assert fold is not None
    return probe_accuracy(level, fold, out_of_fold(x, level, fold), alone)


def test_folds_hold_every_level_evenly() -> None:
    level = np.repeat([0, 1, 2], [400, 60, 50])
    fold = deal_folds(level, np.arange(510), 0)
    assert fold is not None
    for one, n in enumerate([400, 60, 50]):
        assert np.bincount(fold[level == one], minlength=N_FOLDS).tolist() == [n // N_FOLDS] * N_FOLDS


def test_tied_rows_never_part() -> None:
    tied = np.random.default_rng(3).integers(0, 80, 300)
    fold = deal_folds(np.arange(300) % 2, tied, 0)
    assert fold is not None
    assert all(len(set(fold[tied == group].tolist())) == 1 for group in set(tied.tolist()))


@pytest.mark.parametrize("tied", [np.zeros(100, np.int64), np.arange(100) % 4])
def test_too_tied_to_be_dealt(tied: Ints) -> None:
    assert deal_folds(np.arange(100) % 2, tied, 0) is None


def test_too_few_rows_of_a_level() -> None:
    level = np.repeat([0, 1], [100, N_FOLDS * MIN_IN_FOLD - 1])
    assert deal_folds(level, np.arange(len(level)), 0) is None


def test_within_one_fold_the_figures_are_delongs() -> None:
    # With one fold and a score given, the probe's AUC and variance are the textbook's.
    random = np.random.default_rng(1)
    y = random.integers(0, 2, 200)
    score = random.normal(size=200) + 0.5 * y
    found = probe_accuracy(y, np.zeros(200, np.int64), np.column_stack([-score, score]), np.arange(200))
    gain = delong(y.astype(float), score, np.zeros(200))  # against a constant, whose AUC is .5 without variance
    assert found.overall.value == pytest.approx(auc(y.astype(float), score), abs=1e-12)
    assert (found.overall.high - found.overall.value) / WIDENING == pytest.approx(gain.high - gain.difference, abs=1e-9)
    assert found.by_level[0].value == pytest.approx(found.by_level[1].value, abs=1e-12)


def test_more_levels_agree_with_the_bootstrap() -> None:
    random = np.random.default_rng(2)
    level = random.integers(0, 3, 240)
    log_p = random.normal(size=(240, 3)) + np.eye(3)[level]
    one_fold = np.zeros(240, np.int64)
    found = probe_accuracy(level, one_fold, log_p, np.arange(240)).overall
    drawn = []
    for _ in range(400):
        rows = random.integers(0, 240, 240)
        drawn.append(np.mean([auc((level[rows] == one).astype(float), log_p[rows, one]) for one in range(3)]))
    assert (found.high - found.low) / WIDENING == pytest.approx(2 * 1.96 * float(np.std(drawn)), rel=0.15)


def test_tied_rows_count_as_one() -> None:
    random = np.random.default_rng(4)
    y = random.integers(0, 2, 150)
    score = random.normal(size=150) + 0.5 * y
    log_p = np.column_stack([-score, score])
    single = probe_accuracy(y, np.zeros(150, np.int64), log_p, np.arange(150)).overall
    twice = np.tile(np.arange(150), 2)
    doubled = probe_accuracy(y[twice], np.zeros(300, np.int64), log_p[twice], twice).overall
    assert doubled.value == pytest.approx(single.value, abs=1e-12)
    assert doubled.high - doubled.low == pytest.approx(single.high - single.low, rel=0.01)


@pytest.mark.parametrize("n_levels", [2, 3])
def test_a_real_association_is_found(n_levels: int) -> None:
    assert probe(*sample(500, n_levels, 1.5)).overall.low > 0.7


@pytest.mark.parametrize("n_levels", [2, 3])
def test_intervals_at_chance_hold_chance(n_levels: int) -> None:
    # 25 samples without anything to tell: 1 is missed with two levels and 1 with three; without WIDENING 3 and 5 are.
    missed = 0
    for seed in range(25):
        found = probe(*sample(200, n_levels, 0.0, seed, p=15)).overall
        missed += not found.low <= 0.5 <= found.high
    assert missed <= 2


def test_sparse_inputs_give_the_same() -> None:
    x, level = sample(200, 2, 1.0)
    dense, thin = probe(x, level).overall, probe(sparse.csr_matrix(x), level).overall
    assert dense.value == pytest.approx(thin.value, abs=0.005)


def test_equal_seeds_give_equal_probes() -> None:
    x, level = sample(200, 3, 0.5)
    assert probe(x, level).overall == probe(x, level).overall


def test_a_level_in_the_middle_is_found_by_the_rank_code() -> None:
    random = np.random.default_rng(5)
    values = random.normal(size=600)
    level = (np.abs(values) < 0.7).astype(np.int64)
    straight, bowed = probe(values[:, None].astype(np.float32), level), probe(rank_code(values), level)
    assert straight.overall.value < 0.6
    assert bowed.overall.value > 0.95


@pytest.mark.parametrize("n", [0, 1, 4])
def test_a_rank_code_sums_to_one(n: int) -> None:
    code = rank_code(np.zeros(n))
    assert code.shape == (n, 6)
    assert code.sum(axis=1) == pytest.approx(np.ones(n))


def test_a_difference_is_paired() -> None:
    x, level = sample(400, 2, 1.0)
    both, less = probe(x, level), probe(x[:, 1:], level)
    gain = accuracy_difference(both, less, np.arange(400))
    assert gain.value == both.overall.value - less.overall.value
    assert gain.low > 0
    same = accuracy_difference(both, both, np.arange(400))
    assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0)


def test_style_is_coded_among_what_was_written() -> None:
    x_style = np.random.default_rng(5).normal(size=(40, 2, 3)).astype(np.float32)
    x_style[::4, 1] = np.nan
    code = style_code(x_style).reshape(40, 6, -1)
    written = np.isfinite(x_style[:, 1, 2])
    np.testing.assert_array_equal(code[written, 5], rank_code(x_style[written, 1, 2].astype(np.float64)))
    assert not code[~written, 3:].any()
    assert code[:, :3].any(axis=2).all()
    assert style_code(x_style[:, :, :0]).shape == (40, 0)
    assert not style_code(np.full((3, 1, 4), np.nan, np.float32)).any()
