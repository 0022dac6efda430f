"""What trials read: equal to what training would encode, mapped from the disk, and of rows that never meet."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from data_schemas.contract import Schema
from data_schemas.errors import ContractError, RunError
from data_schemas.fields import Direction, Field, FieldType, NumericOutcome, Role
from data_schemas.reader import load_schema
from experiments.demo.data import FIRST_DAY, generate
from experiments.sweep.arrays import HELD_OUT, SEARCH, Arrays, Source, write_arrays
from experiments.sweep.conditions import Search, settled, split
from experiments.sweep.objective import Task, run_trial
from features.arrays import Index
from features.encoders.encoder import BertEncoder
from features.narratives.reader import TextReader
from features.tables.applications import Applications
from features.tables.auxiliary_outcomes import auxiliary_outcomes
from features.tables.reader import ReadOptions, read_all
from features.tabular import TabularEncoder
from fusion.config import Config, EncoderConfig, OneOf
from fusion.config_file import load_config
from fusion.model.folds import tied_groups
from fusion.model.search_space import Space, full_space
from fusion.text_encoder import OpenEncoder, open_text_encoder
from tests.support.small import small_schema
from tests.support.tiny_bert import tiny_bert

WINDOWS, POOLINGS, BUCKETS, NGRAMS = (32, 64), ("auto", "words"), (64, 128), (1, 2)
N_ROWS = 90


def small_space() -> Space:
    """The declared space, with windows that the tiny encoder takes and few buckets."""
    ranges = {"encoder.window": OneOf(WINDOWS), "text.n_buckets": OneOf(BUCKETS)}
    return Space(tuple(replace(one, range=ranges.get(one.key, one.range)) for one in full_space().dimensions))


@dataclass
class Stages:
    """Progress while arrays were written: the ways of encoding, and the texts of each."""

    names: list[str]
    n_texts: list[int]

    @contextmanager
    def __call__(self, name: str) -> Iterator[Callable[[int], None]]:
        self.names.append(name)
        self.n_texts.append(0)
        yield self._advance

    def _advance(self, done: int) -> None:
        self.n_texts[-1] = done


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Config:
    encoder = tiny_bert(tmp_path_factory.mktemp("encoder"))
    tiny = [
        f"encoder.source='{encoder}'",
        "encoder.window=64",
        "text.n_buckets=64",
        "folds.n_folds=2",
        "folds.n_repeats=1",
    ]
    return load_config(None, [*tiny, "text.style=true", "head.steps=5", "stacker.n_trees=5"])


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    folder = tmp_path_factory.mktemp("data")
    table = generate(N_ROWS, 4, FIRST_DAY, 365).table.astype(object)
    table.loc[:5, "statement"] = ""
    table.loc[6:9, "statement"] = "I need a new roof. My wife had surgery."
    table.to_csv(folder / "past.csv", index=False)
    read = read_all([folder / "past.csv"], load_schema("demo"), ReadOptions(need_target=True))
    rows = {SEARCH: np.arange(0, 70), HELD_OUT: np.arange(70, N_ROWS)}
    return Source(read.applications, tied_groups(read.applications), rows, opener)


def opener(config: EncoderConfig) -> OpenEncoder:
    return open_text_encoder(config)


@pytest.fixture(scope="module")
def stages() -> Stages:
    return Stages([], [])


@pytest.fixture(scope="module")
def arrays(source: Source, base: Config, stages: Stages, tmp_path_factory: pytest.TempPathFactory) -> Arrays:
    return write_arrays(source, small_space(), base, tmp_path_factory.mktemp("sweep") / "arrays", stages)


def options() -> list[list[str]]:
    """Every way in which a trial may read narratives, as settings; sentences have the window of the base config."""
    ways = [("narrative", 32), ("narrative", 64), ("sentence", 64)]
    encoders = [
        [f"encoder.unit={unit}", f"encoder.window={window}", f"encoder.pooling={pooling}"]
        for (unit, window), pooling in product(ways, POOLINGS)
    ]
    texts = [[f"text.n_buckets={n_buckets}", f"text.ngrams={n}"] for n_buckets, n in product(BUCKETS, NGRAMS)]
    return [*(one + texts[0] for one in encoders), *(encoders[0] + one for one in texts[1:])]


def with_settings(base: Config, pairs: Sequence[str]) -> Config:
    tree = base.model_dump()
    for pair in pairs:
        key, _, value = pair.partition("=")
        section, _, name = key.partition(".")
        tree[section][name] = int(value) if value.isdigit() else value
    return Config.model_validate(tree)


def auxiliary_schema(schema: Schema) -> Schema:
    """The same with a later score that is an auxiliary outcome."""
    last = Field(
        name="last_score",
        title="Last score",
        type=FieldType.NUMBER,
        role=Role.AUXILIARY,
        auxiliary=NumericOutcome(Direction.FALLING),
    )
    return replace(schema, fields=(*schema.fields, last))


def base_of(array: Any) -> Any:
    """What an array is a view of, in the end."""
    while isinstance(array, np.ndarray) and not isinstance(array, np.memmap) and array.base is not None:
        array = array.base
    return array


class TestArrays:
    """Written once, read by every trial."""

    @pytest.mark.parametrize("rows", [SEARCH, HELD_OUT])
    @pytest.mark.parametrize("pairs", options(), ids=" ".join)
    def test_narratives_are_what_training_would_encode(
        self, arrays: Arrays, source: Source, base: Config, pairs: list[str], rows: str
    ) -> None:
        config = with_settings(base, pairs)
        own = source.applications.take(source.rows[rows])
        encoder = opener(config.encoder).text_encoder
        wanted = TextReader(own.schema, encoder, config.text.n_buckets, config.text.ngrams, style=True).read(own)
        found = arrays.sample(rows, config).design.text
        assert np.array_equal(found.x_text, wanted.x_text)
        assert np.array_equal(found.has_text, wanted.has_text)
        assert found.x_lex.shape == wanted.x_lex.shape
        assert np.array_equal(found.x_lex.toarray(), wanted.x_lex.toarray())
        assert found.names == wanted.names
        assert found.x_style.shape == (len(own), 2, 4)
        assert np.array_equal(found.x_style, wanted.x_style, equal_nan=True)
        assert str(found.x_text.dtype) == str(found.x_lex.dtype) == "float32"

    def test_the_options_differ(self, arrays: Arrays, base: Config) -> None:
        """Otherwise the test above would pass with one way for all."""
        texts = [arrays.sample(SEARCH, with_settings(base, pairs)).design.text for pairs in options()]
        assert len({text.x_text.tobytes() for text in texts}) == 6
        assert len({(text.x_lex.shape, text.x_lex.nnz) for text in texts}) == 4

    @pytest.mark.parametrize("rows", [SEARCH, HELD_OUT])
    def test_columns_and_outcomes_are_what_training_would_take(
        self, arrays: Arrays, source: Source, base: Config, rows: str
    ) -> None:
        """The levels are those of the searched rows alone."""
        tabular = TabularEncoder.fit(source.applications.take(source.rows[SEARCH]))
        own = source.applications.take(source.rows[rows])
        wanted, sample = tabular.encode(own), arrays.sample(rows, base)
        found = sample.design.tabular
        assert np.array_equal(found.x_num, wanted.x_num, equal_nan=True)
        assert np.array_equal(found.x_cat, wanted.x_cat)
        assert (found.num_names, found.cat_names, found.n_levels) == (
            wanted.num_names,
            wanted.cat_names,
            wanted.n_levels,
        )
        assert sample.monotone == tabular.monotone
        assert np.array_equal(sample.y, own.outcome())
        assert np.array_equal(sample.groups, source.groups[source.rows[rows]])
        assert sample.decided is not None
        assert np.array_equal(sample.decided, own.decision_date())  # type: ignore[arg-type]  # the demo has dates

    @pytest.mark.parametrize("rows", [SEARCH, HELD_OUT])
    def test_auxiliary_outcomes_are_what_training_would_take(
        self, source: Source, base: Config, rows: str, tmp_path: Path
    ) -> None:
        schema = auxiliary_schema(source.applications.schema)
        frame = source.applications.frame.assign(last_score=np.where(np.arange(N_ROWS) % 7, np.arange(N_ROWS), np.nan))
        known = replace(source.applications, schema=schema, frame=frame)
        alone = Space(tuple(one for one in small_space().dimensions if one.key.startswith("stacker.")))
        written = write_arrays(replace(source, applications=known), alone, base, tmp_path / "a", Stages([], []))
        own = known.take(source.rows[rows])
        (found,) = written.sample(rows, base).auxiliary
        assert found.name == "last_score"
        wanted = auxiliary_outcomes(own, own.outcome())["last_score"]
        assert np.isfinite(wanted).any()
        assert np.array_equal(found.values, wanted, equal_nan=True)

    def test_they_are_mapped_and_nobody_can_change_them(self, arrays: Arrays, base: Config) -> None:
        sample = arrays.sample(SEARCH, base)
        tabular, text = sample.design.tabular, sample.design.text
        large: dict[str, Any] = {
            "x_num": tabular.x_num,
            "x_cat": tabular.x_cat,
            "x_text": text.x_text,
            "has_text": text.has_text,
        }
        large |= {"words": text.x_lex.data, "y": sample.y, "groups": sample.groups, "decided": sample.decided}
        large |= {"columns of words": text.x_lex.indices, "rows of words": text.x_lex.indptr}
        for name, array in large.items():
            assert isinstance(base_of(array), np.memmap), name
            assert array.flags.writeable is False, name
            with pytest.raises(ValueError, match="read-only"):
                array[0] = array[-1]

    def test_each_way_of_encoding_is_gone_once_through(self, arrays: Arrays, source: Source, stages: Stages) -> None:
        assert arrays.folder.is_dir()
        assert len(stages.names) == len(set(stages.names)) == 6
        schema = source.applications.schema
        texts = {text for field in schema.narratives for text in source.applications.narrative(field.name)} - {""}
        assert all(0 < done <= len(texts) for done in stages.n_texts)

    @pytest.mark.parametrize("away", ["text.vectors=false", "text.words=false", "encoder.unit=sentence"])
    def test_a_base_without_a_part_still_lets_trials_take_it(
        self, source: Source, base: Config, away: str, tmp_path: Path
    ) -> None:
        """What the base config leaves out is asked for in the trials that take it in."""
        key, _, value = away.partition("=")
        section, _, name = key.partition(".")
        tree = base.model_dump()
        tree[section][name] = {"false": False}.get(value, value)
        written = write_arrays(source, small_space(), Config.model_validate(tree), tmp_path / "a", Stages([], []))
        for pairs in options():
            text = written.sample(SEARCH, with_settings(base, pairs)).design.text
            assert len(text) == len(source.rows[SEARCH])

    def test_no_trial_encodes(
        self, arrays: Arrays, base: Config, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        def refuse(*_: object) -> None:
            raise AssertionError("a trial encodes")

        for name in ("encode", "encode_parts"):
            monkeypatch.setattr(BertEncoder, name, refuse)
        for name in ("read", "read_words", "read_sentences"):
            monkeypatch.setattr(TextReader, name, refuse)
        task = Task(base, small_space(), ("log_loss",), "random", arrays.folder)
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
        study.optimize(lambda trial: run_trial(trial, task, lambda: False), n_trials=6)
        assert len({trial.user_attrs["config"].get("encoder.unit") for trial in study.trials}) > 1
        assert all(np.isfinite(trial.values[0]) for trial in study.trials)
        assert not list(tmp_path.iterdir())

    def test_nobody_else_may_look(self, arrays: Arrays) -> None:
        """Columns, outcomes and vectors are applicants' own."""
        assert stat.S_IMODE(arrays.folder.stat().st_mode) == 0o700

    def test_no_row_may_be_held_out(self, source: Source, base: Config, tmp_path: Path) -> None:
        rows = {SEARCH: np.arange(N_ROWS), HELD_OUT: np.zeros(0, dtype=np.intp)}
        alone = Space(tuple(one for one in small_space().dimensions if one.key.startswith("stacker.")))
        written = write_arrays(replace(source, rows=rows), alone, base, tmp_path / "a", Stages([], []))
        assert len(written.sample(SEARCH, base)) == N_ROWS
        assert len(written.sample(HELD_OUT, base)) == 0

    @pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, ValueError("broken")])
    def test_an_interrupted_write_leaves_nothing(
        self, source: Source, base: Config, error: BaseException | type[BaseException], tmp_path: Path
    ) -> None:
        opened: list[EncoderConfig] = []

        def open_until(config: EncoderConfig) -> OpenEncoder:
            opened.append(config)
            if len(opened) > 3:
                raise error
            return opener(config)

        with pytest.raises(error if isinstance(error, type) else type(error)):  # the very error is raised
            write_arrays(replace(source, open_encoder=open_until), small_space(), base, tmp_path / "a", Stages([], []))
        assert len(opened) == 4
        assert not list(tmp_path.iterdir())

    def test_a_folder_that_cannot_be_written_is_named(self, source: Source, base: Config, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(RunError, match=r"the arrays of the sweep cannot be written to .*file/a: Not a directory"):
            write_arrays(source, small_space(), base, tmp_path / "file" / "a", Stages([], []))


def decided(y: Sequence[int], days: Sequence[int | None] | None) -> Applications:
    """Applications of these outcomes and days since 2020 (None: without a date)."""
    frame = pd.DataFrame({"id": pd.Series([str(n) for n in range(len(y))], dtype=object)})
    if days is not None:
        dates = [np.datetime64("NaT") if day is None else np.datetime64("2020-01-01") + day for day in days]
        frame["asked"] = np.array(dates, dtype="datetime64[s]")
    frame["outcome"] = pd.Series(["bad" if one else "good" for one in y], dtype=object)
    return Applications(small_schema(), frame, np.arange(1, len(y) + 1))


def search_of(hold_out: float) -> Search:
    return Search(Config(), full_space(), ("log_loss",), hold_out=hold_out)


def splitted(
    y: Sequence[int], days: Sequence[int | None] | None, groups: Sequence[int], hold_out: float
) -> Mapping[str, Index]:
    return split(decided(y, days), np.array(groups, dtype=np.int64), search_of(hold_out))


ROWS = st.lists(
    st.tuples(st.integers(0, 1), st.one_of(st.none(), st.integers(0, 30)), st.integers(0, 60)),
    min_size=1,
    max_size=80,
)


class TestSplit:
    """Rows to search with and rows to hold out."""

    @settings(max_examples=200)
    @given(ROWS, st.floats(0.02, 0.5))
    def test_what_is_held_out_is_newer_and_shares_nobody(
        self, rows: list[tuple[int, int | None, int]], hold_out: float
    ) -> None:
        y, days, groups = zip(*rows, strict=True)
        assume(any(day is not None for day in days))
        try:
            found = splitted(y, days, groups, hold_out)
        except ContractError as error:
            assert "held out for the final check" in error.message  # noqa: PT017  # most draws are split
            return
        search_rows, held_out = set(found[SEARCH].tolist()), set(found[HELD_OUT].tolist())
        assert not search_rows & held_out
        assert not {groups[row] for row in search_rows} & {groups[row] for row in held_out}
        assert {row for row, day in enumerate(days) if day is None} <= search_rows
        assert {y[row] for row in held_out} == {0, 1}
        first = min(day for row, day in enumerate(days) if row in held_out and day is not None)
        assert all(day < first for row, day in enumerate(days) if row in search_rows and day is not None)
        left_out = set(range(len(rows))) - search_rows - held_out
        assert {groups[row] for row in left_out} <= {groups[row] for row in search_rows}
        n_dated = sum(day is not None for day in days)
        assert len(held_out) + len(left_out) <= hold_out * n_dated + 1

    def test_about_the_share_that_was_asked_for(self) -> None:
        found = splitted([0, 1] * 100, range(200), range(200), 0.15)
        assert found[HELD_OUT].tolist() == list(range(170, 200))
        assert found[SEARCH].tolist() == list(range(170))

    def test_days_stay_whole(self) -> None:
        found = splitted([0, 1] * 50, [row // 25 for row in range(100)], range(100), 0.3)
        assert found[HELD_OUT].tolist() == list(range(75, 100))

    @settings(max_examples=100)
    @given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 40)), min_size=1, max_size=80), st.floats(0.05, 0.5))
    @pytest.mark.parametrize("undated", [None, "NaT"])
    def test_without_dates_whole_groups_are_drawn(
        self, undated: str | None, rows: list[tuple[int, int]], hold_out: float
    ) -> None:
        y, groups = zip(*rows, strict=True)
        days = None if undated is None else [None] * len(rows)
        try:
            found = splitted(y, days, groups, hold_out)
        except ContractError as error:
            assert "held out for the final check" in error.message  # noqa: PT017  # most draws are split
            return
        assert sorted([*found[SEARCH], *found[HELD_OUT]]) == list(range(len(rows)))
        assert not {groups[row] for row in found[SEARCH]} & {groups[row] for row in found[HELD_OUT]}

    def test_without_dates_the_seed_draws_about_the_share(self) -> None:
        y = [int(row % 5 == 0) for row in range(400)]
        one, again = (splitted(y, None, range(400), 0.2)[HELD_OUT] for _ in range(2))
        assert len(one) == 80
        assert one.tolist() == again.tolist()
        base = load_config(None, ["folds.seed=1"])
        other = split(decided(y, None), np.arange(400), replace(search_of(0.2), base=base))[HELD_OUT]
        assert len(other) == 80
        assert other.tolist() != one.tolist()

    @pytest.mark.parametrize("share", [0.1, 0.15, 0.29, 0.4, 0.5])
    def test_without_dates_the_share_is_kept(self, share: float) -> None:
        """Of the rows, of the bad among them, and of the larger groups."""
        y = [int(row % 5 == 0) for row in range(1000)]
        held_out = splitted(y, None, range(1000), share)[HELD_OUT]
        assert len(held_out) == pytest.approx(1000 * share, abs=1)
        assert np.array(y)[held_out].sum() == pytest.approx(200 * share, abs=1)
        groups = [row // 4 if row < 200 else row for row in range(1000)]
        in_groups = splitted(y, None, groups, share)[HELD_OUT]
        assert 1000 * share - 4 <= len(in_groups) <= 1000 * share
        assert (in_groups < 200).sum() == pytest.approx(200 * share, abs=5)

    def test_without_dates_nothing_is_called_the_newest(self) -> None:
        with pytest.raises(ContractError, match=r"^10% of the rows, drawn by folds\.seed and held out for the final"):
            splitted([0] * 50, None, range(50), 0.1)

    def test_nothing_may_be_held_out(self) -> None:
        found = splitted([0, 1, 1], [3, None, 2], [0, 1, 1], 0.0)
        assert found[SEARCH].tolist() == [0, 1, 2]
        assert found[HELD_OUT].tolist() == []

    @pytest.mark.parametrize("newest", [0, 1])
    def test_one_outcome_held_out_is_refused(self, newest: int) -> None:
        y = [0, 1] * 45 + [newest] * 10
        with pytest.raises(ContractError, match=f"the newest 10% .* hold {10 * newest} bad of 10 outcomes") as caught:
            splitted(y, range(100), range(100), 0.1)
        assert "--hold-out 0" in caught.value.remedy

    def test_newest_rows_that_all_repeat_older_ones_are_refused(self) -> None:
        with pytest.raises(ContractError, match="hold 0 bad of 0 outcomes"):
            splitted([0, 1] * 50, range(100), [row % 20 for row in range(100)], 0.1)


class TestSettled:
    """What is not searched, and what is refused, before a file is read."""

    @staticmethod
    def settle(search: Search) -> tuple[set[str], list[str]]:
        """The settings that are no longer searched, and what was noted."""
        notes: list[str] = []
        kept = {one.key for one in settled(search, notes.append).space.dimensions}
        return {one.key for one in search.space.dimensions} - kept, notes

    def test_time_ordered_folds_search_all(self) -> None:
        assert self.settle(replace(search_of(0.1), folds="time")) == (set(), [])

    def test_random_folds_cannot_tell_how_decisions_age(self) -> None:
        held, notes = self.settle(search_of(0.1))
        assert held == {"folds.half_life_years"}
        assert notes == [
            "folds.half_life_years is not searched: random folds judge old rows like new ones; --folds time can tell"
        ]

    def test_a_mask_holds_what_it_reads_with(self) -> None:
        base = load_config(None, ["text.mask=['health']", "encoder.pooling=words"])
        search = replace(search_of(0.1), base=base, folds="time")
        held, (notes,) = self.settle(search)
        assert held == {"encoder.unit", "encoder.window", "encoder.pooling"}
        assert notes.startswith("encoder.unit and encoder.window and encoder.pooling are not searched: ")
        assert "text.mask" in notes
        assert settled(search, lambda _: None).space.options(base, "encoder") == [base]

    def test_unknown_objectives(self) -> None:
        with pytest.raises(ContractError, match="no objective 'gini'") as caught:
            self.settle(replace(search_of(0.1), objectives=("log_loss", "gini")))
        assert "log_loss, brier, auc, ks, cost" in caught.value.remedy

    def test_nothing_left(self) -> None:
        age = Space(tuple(one for one in full_space().dimensions if one.key == "folds.half_life_years"))
        with pytest.raises(ContractError, match="nothing is left to search"):
            self.settle(replace(search_of(0.1), space=age))
