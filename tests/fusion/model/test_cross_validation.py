"""Judging settings: every figure is of rows that the judged parts never saw, in random and in time-ordered folds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_schemas.errors import ContractError
from features.arrays import Dates, Flags, Floats
from fusion.config import FoldConfig
from fusion.metrics import auc, delong, figures
from fusion.model.cross_validation import (
    NEWEST_SHARE,
    VALIDATION_SHARE,
    CrossValidated,
    cross_validate,
    forward_blocks,
    newest_rows,
    time_blocks,
)
from fusion.model.fusion_model import Margins
from fusion.model.training import fit
from fusion.model.training_sample import TrainingSample
from tests.support.designs import MONOTONE, SMALL, make_design, outcome, with_numbers

N_FOLDS = SMALL.folds.n_folds
DAY_ONE = np.datetime64("2020-01-01")


def dated(n: int = 450, n_days: int = 90, seed: int = 0) -> TrainingSample:
    """Rows decided over so many days, about equally many on each, in no order."""
    design = make_design(n, seed)
    days = DAY_ONE + np.random.default_rng(seed).permutation(np.arange(n) % n_days)
    return TrainingSample(design, outcome(design), np.arange(n), MONOTONE, days.astype("datetime64[s]"))


def undated(sample: TrainingSample, rows: list[int]) -> TrainingSample:
    """The same rows, some of them without a date."""
    assert sample.decided is not None
    decided = sample.decided.copy()
    decided[rows] = np.datetime64("NaT")
    return replace(sample, decided=decided)


def same(one: Margins, other: Margins) -> bool:
    return all(np.array_equal(getattr(one, part.name), getattr(other, part.name)) for part in fields(Margins))


@dataclass
class WatchCalls:
    """What a watch was told."""

    n_done: list[int] = field(default_factory=list)
    y: list[Floats] = field(default_factory=list)
    margin: list[Floats] = field(default_factory=list)

    def __call__(self, n_done: int, y: Floats, margin: Floats) -> None:
        self.n_done.append(n_done)
        self.y.append(y.copy())
        self.margin.append(margin.copy())


@pytest.fixture(scope="module")
def sample() -> TrainingSample:
    return dated()


@pytest.fixture(scope="module")
def calls() -> WatchCalls:
    return WatchCalls()


@pytest.fixture(scope="module")
def forward(sample: TrainingSample, calls: WatchCalls) -> CrossValidated:
    return cross_validate(sample, SMALL, "time", calls)


class TestRandomFolds:
    """One fit, every row out of fold."""

    def test_margins_are_those_of_fit(self, sample: TrainingSample) -> None:
        _, margins = fit(sample, SMALL)
        validated = cross_validate(sample, SMALL, "random")
        assert validated.rows.tolist() == list(range(len(sample)))
        assert np.array_equal(validated.y, sample.y)
        assert same(validated.margins, margins)
        fused, columns = figures(sample.y, margins.fused), figures(sample.y, margins.columns_only)
        found_figures = validated.figures()
        for name in ("log_loss", "auc", "ks", "brier", "slope"):
            assert found_figures[name] == getattr(fused, name)
        assert found_figures["auc_columns_only"] == columns.auc
        assert found_figures["text_gain"] == delong(sample.y, margins.fused, margins.columns_only).difference

    def test_the_newest_are_whole_days_at_the_end(self, sample: TrainingSample) -> None:
        validated = cross_validate(sample, SMALL, "random")
        assert sample.decided is not None
        assert validated.newest is not None
        assert sample.decided[validated.newest].min() > sample.decided[~validated.newest].max()
        assert validated.newest.mean() == pytest.approx(NEWEST_SHARE, abs=0.03)
        newest = figures(sample.y[validated.newest], validated.margins.fused[validated.newest])
        found_figures = validated.figures()
        assert (found_figures["auc_newest"], found_figures["slope_newest"]) == (newest.auc, newest.slope)

    def test_the_time_of_day_is_ignored(self) -> None:
        """Ten days of ten rows, at ten times of day."""
        hours = 24 * np.repeat(np.arange(10), 10) + np.tile(np.arange(10), 10)
        newest = newest_rows((DAY_ONE.astype("datetime64[h]") + hours).astype("datetime64[s]"))
        assert newest is not None
        assert np.flatnonzero(newest).tolist() == list(range(80, 100))

    @pytest.mark.parametrize("decided", [None, "NaT", "2020-01-01"])
    def test_without_different_days_there_is_no_newest(self, sample: TrainingSample, decided: str | None) -> None:
        days = None if decided is None else np.full(len(sample), np.datetime64(decided, "s"))
        validated = cross_validate(replace(sample, decided=days), SMALL, "random")
        assert validated.newest is None
        assert not {"auc_newest", "slope_newest"} & set(validated.figures())

    def test_a_row_without_a_date_is_validated_but_not_newest(self, sample: TrainingSample) -> None:
        validated = cross_validate(undated(sample, [0, 7]), SMALL, "random")
        assert len(validated.rows) == len(sample)
        assert validated.newest is not None
        assert not validated.newest[[0, 7]].any()

    def test_the_watch_is_called_after_every_fold(self, sample: TrainingSample) -> None:
        calls = WatchCalls()
        validated = cross_validate(sample, SMALL, "random", calls)
        assert calls.n_done == [1, 2, 3]
        assert len(calls.y[-1]) == len(sample)
        assert np.array_equal(calls.margin[-1], validated.margins.fused)


class TestTimeOrderedFolds:
    """Every block by models of what was decided before it."""

    def test_each_block_is_scored_by_a_fit_of_all_earlier_rows(
        self, sample: TrainingSample, forward: CrossValidated
    ) -> None:
        assert sample.decided is not None
        edges = time_blocks(sample.decided, N_FOLDS)
        done = 0
        for first, after in pairwise(edges):
            block = np.flatnonzero((sample.decided >= first) & (sample.decided < after))
            earlier = np.flatnonzero(sample.decided < first)
            model, _ = fit(sample.take(earlier), SMALL)
            by_hand = model.margins(sample.design.take(block))
            assert forward.rows[done : done + len(block)].tolist() == block.tolist()
            assert same(forward.margins.at(slice_of(forward, done, len(block))), by_hand)
            done += len(block)
        assert done == len(forward.rows)

    def test_values_of_later_rows_only_have_no_effect(self) -> None:
        """The outcome hangs on a column from the last block on; random folds learn that, time-ordered ones cannot."""
        sample = dated(900)
        assert sample.decided is not None
        edges = time_blocks(sample.decided, N_FOLDS)
        late = sample.decided >= edges[-2]
        rng = np.random.default_rng(3)
        x_num = rng.normal(size=sample.design.tabular.x_num.shape).astype(np.float32)
        y = np.where(late, x_num[:, 1] > 0.8, rng.random(len(sample)) < 0.2).astype(np.float64)
        planted = replace(sample, design=with_numbers(sample.design, x_num), y=y)
        mixed = cross_validate(planted, SMALL, "random")
        ordered = cross_validate(planted, SMALL, "time")
        assert auc(y[late], mixed.margins.fused[late]) > 0.8
        last = late[ordered.rows]
        assert 0.3 < auc(ordered.y[last], ordered.margins.fused[last]) < 0.7
        assert last.sum() == late.sum()

    def test_later_rows_do_not_change_margins(self, sample: TrainingSample, forward: CrossValidated) -> None:
        """Changing the outcomes of a block changes the margins of later blocks alone."""
        assert sample.decided is not None
        edges = time_blocks(sample.decided, N_FOLDS)
        middle = (sample.decided >= edges[1]) & (sample.decided < edges[2])
        other = cross_validate(replace(sample, y=np.where(middle, 1 - sample.y, sample.y)), SMALL, "time")
        before = sample.decided[forward.rows] < edges[2]
        assert np.array_equal(other.margins.fused[before], forward.margins.fused[before])
        assert not np.array_equal(other.margins.fused[~before], forward.margins.fused[~before])

    def test_the_watch_gets_all_blocks_so_far(self, forward: CrossValidated, calls: WatchCalls) -> None:
        assert calls.n_done == [1, 2, 3]
        for y, margin in zip(calls.y, calls.margin, strict=True):
            assert np.array_equal(y, forward.y[: len(y)])
            assert np.array_equal(margin, forward.margins.fused[: len(y)])
        assert [len(y) for y in calls.y] == sorted(len(y) for y in calls.y)
        assert len(calls.y[-1]) == len(forward.y)

    def test_an_error_of_the_watch_stops_the_run(self, sample: TrainingSample) -> None:
        calls = WatchCalls()

        def give_up(n_done: int, y: Floats, margin: Floats) -> None:
            calls(n_done, y, margin)
            raise RuntimeError("enough")

        with pytest.raises(RuntimeError, match="enough"):
            cross_validate(sample, SMALL, "time", give_up)
        assert calls.n_done == [1]

    def test_rows_without_a_date_neither_train_nor_validate(self, sample: TrainingSample) -> None:
        assert sample.decided is not None
        few = undated(sample, [0, 7, 11])
        validated = cross_validate(few, SMALL, "time")
        assert not set(validated.rows) & {0, 7, 11}
        kept = np.flatnonzero(~np.isnat(few.decided)) if few.decided is not None else np.zeros(0, np.intp)
        without = cross_validate(few.take(kept), SMALL, "time")
        assert kept[without.rows].tolist() == validated.rows.tolist()
        assert same(validated.margins, without.margins)

    def test_equal_settings_give_equal_bits_and_another_seed_others(
        self, sample: TrainingSample, forward: CrossValidated
    ) -> None:
        again = cross_validate(sample, SMALL, "time")
        assert same(again.margins, forward.margins)
        assert again.figures() == forward.figures()
        reseeded = SMALL.model_copy(update={"folds": FoldConfig(n_folds=N_FOLDS, n_repeats=1, seed=8)})
        assert not same(cross_validate(sample, reseeded, "time").margins, forward.margins)

    def test_the_newest_are_among_the_validation_rows(self, sample: TrainingSample, forward: CrossValidated) -> None:
        assert sample.decided is not None
        assert forward.newest is not None
        days = sample.decided[forward.rows]
        assert days[forward.newest].min() > days[~forward.newest].max()
        assert forward.newest.mean() == pytest.approx(NEWEST_SHARE, abs=0.05)

    @pytest.mark.parametrize("without", [lambda _: None, lambda days: np.full_like(days, np.datetime64("NaT"))])
    def test_they_need_dates(self, sample: TrainingSample, without: Callable[[Dates], Dates | None]) -> None:
        assert sample.decided is not None
        with pytest.raises(ContractError, match="time-ordered folds need decision dates") as caught:
            cross_validate(replace(sample, decided=without(sample.decided)), SMALL, "time")
        assert "random folds" in caught.value.remedy

    @pytest.mark.parametrize("n_days", [1, 2, 3, 4])
    def test_too_few_days_are_refused(self, n_days: int) -> None:
        with pytest.raises(ContractError, match="the decision days are too few for 3 time-ordered folds"):
            cross_validate(dated(200, n_days), SMALL, "time")

    def test_too_few_early_outcomes_are_refused(self, sample: TrainingSample) -> None:
        assert sample.decided is not None
        early = sample.decided < time_blocks(sample.decided, N_FOLDS)[0]
        with pytest.raises(ContractError, match="training needs at least 3 bad and 3 good outcomes, got 0 bad"):
            cross_validate(replace(sample, y=np.where(early, 0.0, sample.y)), SMALL, "time")

    def test_rows_that_share_a_group_with_training_rows_are_left_out(self, sample: TrainingSample) -> None:
        """A copy of an early row among the newest would be judged by a model that knows its outcome."""
        assert sample.decided is not None
        newest, oldest = np.argsort(sample.decided, kind="stable")[[-1, 0]]
        groups = sample.groups.copy()
        groups[newest] = groups[oldest]
        validated = cross_validate(replace(sample, groups=groups), SMALL, "time")
        before = cross_validate(sample, SMALL, "time")
        assert set(before.rows) - set(validated.rows) == {newest}
        edges = time_blocks(sample.decided, N_FOLDS)
        blocks = forward_blocks(sample.y, groups, sample.decided, N_FOLDS)
        for (first, _), block in zip(pairwise(edges), blocks, strict=True):
            assert not set(groups[block.training]) & set(groups[block.validation])
            assert block.training.tolist() == np.flatnonzero(sample.decided < first).tolist()

    def test_a_block_of_copies_only_is_refused(self, sample: TrainingSample) -> None:
        assert sample.decided is not None
        last = sample.decided >= time_blocks(sample.decided, N_FOLDS)[-2]
        groups = np.where(last, 0, sample.groups)
        groups[np.argmin(sample.decided)] = 0
        with pytest.raises(ContractError, match=r"all rows from 2020-\d\d-\d\d on, .* nothing to judge there"):
            cross_validate(replace(sample, groups=groups), SMALL, "time")

    @pytest.mark.parametrize("only", [0.0, 1.0])
    def test_one_outcome_in_the_newer_half_is_refused(self, sample: TrainingSample, only: float) -> None:
        assert sample.decided is not None
        newer = sample.decided >= time_blocks(sample.decided, N_FOLDS)[0]
        y = np.where(newer, only, sample.y)
        n_bad = int(only * newer.sum())
        with pytest.raises(ContractError, match=f"the newer half of the rows, and that holds {n_bad} bad of") as caught:
            cross_validate(replace(sample, y=y), SMALL, "time")
        assert "random folds" in caught.value.remedy


def slice_of(validated: CrossValidated, start: int, length: int) -> Flags:
    """Where a run of rows stands among the judged."""
    at = np.arange(len(validated.rows))
    return (at >= start) & (at < start + length)


class TestBlocks:
    """The newest half of the rows, in blocks of whole days."""

    @settings(max_examples=60)
    @given(st.integers(0, 10_000), st.integers(150, 400), st.integers(80, 300), st.integers(2, 5))
    def test_they_are_whole_days_of_about_equally_many_rows(
        self, seed: int, n: int, n_days: int, n_blocks: int
    ) -> None:
        days = DAY_ONE + np.random.default_rng(seed).integers(0, n_days, n)
        time_of_day = np.random.default_rng(seed).integers(0, 86_400, n).astype("timedelta64[s]")
        edges = time_blocks(days.astype("datetime64[s]") + time_of_day, n_blocks)
        assert len(edges) == n_blocks + 1
        assert all(a < b for a, b in pairwise(edges))
        assert edges[-1] == days.max() + 1
        sizes = np.array([((days >= a) & (days < b)).sum() for a, b in pairwise(edges)], dtype=np.int64)
        fullest_day = np.unique(days, return_counts=True)[1].max()
        assert np.all(np.abs(sizes - n * VALIDATION_SHARE / n_blocks) <= 2 * fullest_day + 1)
        assert (days < edges[0]).any()

    def test_rows_without_a_date_do_not_move_them(self) -> None:
        days = DAY_ONE + np.arange(100)
        holes = np.concatenate([days, np.full(40, np.datetime64("NaT"))])
        assert time_blocks(holes, 4) == time_blocks(days, 4)
