"""What a sweep searches: declared ranges, files that narrow them, questions asked only where they matter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from data_schemas.errors import ContractError
from fusion.config import Between, Config, OneOf, Setting, given_settings, valid_keys, with_settings
from fusion.config_file import load_config
from fusion.model.choosing import LADDERS, TEXT, WEAKER
from fusion.model.search_space import (
    Dimension,
    Space,
    active_settings,
    full_space,
    load_space,
    suggest,
    text_settings,
    with_held_given,
)


@dataclass(frozen=True)
class Answers:
    """A trial that answers each question with a share of its range, and remembers what it was asked."""

    share: dict[str, float]
    is_active: dict[str, Setting] = field(default_factory=dict)

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        assert low < high
        assert not log or low > 0
        self.is_active[name] = value = low + round((high - low) * self.share.get(name, 0.0))
        return value

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        assert low < high
        assert not log or low > 0
        self.is_active[name] = value = low + (high - low) * self.share.get(name, 0.0)
        return value

    def suggest_categorical(self, name: str, choices: Sequence[Setting]) -> Setting:
        assert len(choices) > 1
        self.is_active[name] = value = choices[round((len(choices) - 1) * self.share.get(name, 0.0))]
        return value


def space_file(folder: Path, text: str) -> Path:
    path = folder / "space.toml"
    path.write_text(text)
    return path


def by_key(dimensions: tuple[Dimension, ...]) -> dict[str, Dimension]:
    return {dimension.key: dimension for dimension in dimensions}


shares = st.dictionaries(st.sampled_from([d.key for d in full_space().dimensions]), st.floats(0.0, 1.0))


def test_every_declared_range_is_a_dimension_after_its_condition() -> None:
    keys = [dimension.key for dimension in full_space().dimensions]
    assert len(keys) == len(set(keys)) > 15
    assert set(keys) <= set(valid_keys())
    conditions = [(d.key, one.key) for d in full_space().dimensions for one in d.when]
    assert ("head.text_penalty", "text.vectors") in conditions
    assert all(keys.index(needed) < keys.index(key) for key, needed in conditions)
    dimensions = by_key(full_space().dimensions)
    assert dimensions["stacker.num_leaves"].whole
    assert not dimensions["stacker.l2"].whole
    assert not dimensions["text.words"].whole


def test_a_condition_that_is_declared_later_still_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    backwards = full_space().dimensions[::-1]
    monkeypatch.setattr("fusion.model.search_space._declared", lambda: backwards)
    keys = [dimension.key for dimension in full_space().dimensions]
    assert keys.index("encoder.unit") < keys.index("encoder.window")
    assert len(keys) == len(set(keys))


@given(shares)
def test_suggestions_are_valid_and_only_active_settings_are_suggested(share: dict[str, float]) -> None:
    space, base = full_space(), Config()
    trial = Answers(share)
    config = suggest(trial, space, base)
    assert active_settings(config, space) == trial.is_active
    assert ("text.n_buckets" in trial.is_active) == config.text.words
    assert ("head.text_penalty" in trial.is_active) == config.text.vectors
    assert ("encoder.unit" in trial.is_active) == config.text.vectors
    assert ("encoder.window" in trial.is_active) == (config.text.vectors and config.encoder.unit == "narrative")
    tree = config.model_dump()
    for dimension in space.dimensions:
        section, _, name = dimension.key.partition(".")
        value = tree[section][name]
        expected = trial.is_active.get(dimension.key, getattr(getattr(base, section), name))
        assert value == expected
        assert type(value) is type(expected)
    others = set(valid_keys()) - {dimension.key for dimension in space.dimensions}
    assert all(tree[key.partition(".")[0]][key.partition(".")[2]] == _value(base, key) for key in others)


def _value(config: Config, key: str) -> object:
    section, _, name = key.partition(".")
    return getattr(getattr(config, section), name)


def test_optuna_suggests_the_same_and_starts_with_the_base_config() -> None:
    space, base = full_space(), Config()
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    study.enqueue_trial(active_settings(base, space))
    trials = [study.ask() for _ in range(20)]
    configs = [suggest(trial, space, base) for trial in trials]
    assert configs[0] == base
    assert [active_settings(config, space) for config in configs] == [trial.params for trial in trials]
    assert len({config.model_dump_json() for config in configs}) == 20


def test_the_space_of_a_file(tmp_path: Path) -> None:
    path = space_file(
        tmp_path,
        "[stacker]\nnum_leaves = [3, 7]\nl2 = [1, 20.0]\nrow_share = [0.7]\n"
        "[encoder]\nwindow = [256]\n[text]\nn_buckets = [65536, 16384]\n",
    )
    base = Config()
    narrowed = by_key(load_space(path, base).dimensions)
    assert narrowed["stacker.num_leaves"].range == Between(3, 7)
    assert narrowed["stacker.l2"].range == Between(1.0, 20.0, log=True)
    assert narrowed["text.n_buckets"].range == OneOf((16384, 65536))
    declared = by_key(full_space().dimensions)
    assert set(declared) - set(narrowed) == {"encoder.window", "stacker.row_share"}
    assert narrowed["stacker.n_trees"] == declared["stacker.n_trees"]


def test_settings_that_can_never_be_active_are_left_out(tmp_path: Path) -> None:
    base = load_config(None, ["text.words=false"])
    narrowed = by_key(load_space(space_file(tmp_path, "[text]\nwords = [false]\n"), base).dimensions)
    assert "text.words" not in narrowed
    assert "text.n_buckets" not in narrowed
    assert "text.ngrams" not in narrowed


def test_a_condition_holds_though_the_setting_between_is_not_searched(tmp_path: Path) -> None:
    """The window matters where narratives are read whole, and whole or not matters where vectors are read."""
    space = load_space(space_file(tmp_path, "[encoder]\nunit = ['narrative']\n"), Config())
    assert "encoder.window" in by_key(space.dimensions)
    vectors = by_key(space.dimensions)["text.vectors"].range
    assert isinstance(vectors, OneOf)
    trial = Answers({"text.vectors": float(vectors.choices.index(False))})
    assert not suggest(trial, space, Config()).text.vectors
    assert "encoder.window" not in trial.is_active


def test_settings_that_depend_on_inactive_ones_are_left_out(tmp_path: Path) -> None:
    base = load_config(None, ["text.vectors=false"])
    space = load_space(space_file(tmp_path, "[text]\nvectors = [false]\n"), base)
    left_out = {"encoder.unit", "encoder.window", "encoder.pooling", "text.vectors", "head.text_penalty"}
    assert set(by_key(full_space().dimensions)) - set(by_key(space.dimensions)) == left_out
    assert space.options(base, "encoder") == [base]


def test_a_condition_that_no_choice_meets_leaves_out(tmp_path: Path) -> None:
    base = load_config(None, ["encoder.unit=sentence"])
    held = by_key(load_space(space_file(tmp_path, "[encoder]\nunit = ['sentence']\n"), base).dimensions)
    assert "encoder.window" not in held
    assert "encoder.pooling" in held


def test_fixing_a_setting_fixes_its_dependents() -> None:
    sentences = load_config(None, ["encoder.unit=sentence"])
    space = full_space().without(["encoder.unit"], sentences)
    assert set(by_key(full_space().dimensions)) - set(by_key(space.dimensions)) == {"encoder.unit", "encoder.window"}
    assert full_space().without([], sentences) == full_space()


@pytest.mark.parametrize("rung", [rung for ladder in LADDERS for rung in ladder], ids=str)
def test_what_training_may_choose_lies_inside_the_declared_ranges(rung: Mapping[str, Setting]) -> None:
    assert set(rung) <= set(by_key(full_space().dimensions))
    assert full_space().allows(with_settings(Config(), rung))


def test_the_weakest_penalty_of_words_lies_inside_the_declared_range() -> None:
    weakest = min(float(rung["head.word_penalty"]) for rung in TEXT) / max(WEAKER)
    assert full_space().allows(with_settings(Config(), {"head.word_penalty": weakest}))


def test_settings_outside_a_narrowed_range_are_not_allowed(tmp_path: Path) -> None:
    space = load_space(space_file(tmp_path, "[stacker]\nnum_leaves = [3, 9]\n"), Config())
    assert space.allows(Config())
    assert not space.allows(with_settings(Config(), {"stacker.num_leaves": 15}))
    assert space.allows(with_settings(Config(), {"text.words": False, "text.n_buckets": 100}))  # not asked for


def test_without_text_no_setting_about_text_is_left() -> None:
    keys = text_settings(full_space())
    left = by_key(full_space().without(keys, Config()).dimensions)
    assert {"encoder.unit", "text.words", "head.text_penalty", "head.word_penalty", "stacker.text_components"} < set(
        keys
    )
    assert {key.partition(".")[0] for key in left} == {"folds", "head", "stacker"}
    assert not [key for key in left if "text" in key or "word" in key]


def test_what_is_not_searched_counts_as_given() -> None:
    space = full_space().without(["stacker.l2"], Config())
    given = given_settings(with_held_given(Config(), space))
    assert "stacker.l2" in given
    assert "stacker.num_leaves" not in given


def test_a_space_is_read_back_as_it_was() -> None:
    reader = TypeAdapter(Space)
    assert reader.validate_json(reader.dump_json(full_space())) == full_space()


def test_no_file_or_an_empty_one_is_the_full_space(tmp_path: Path) -> None:
    assert load_space(None, Config()) == full_space()
    assert load_space(space_file(tmp_path, ""), Config()) == full_space()


def test_a_base_outside_the_declared_range_is_held_by_the_file(tmp_path: Path) -> None:
    base = load_config(None, ["stacker.num_leaves=40"])
    with pytest.raises(ContractError, match=r"leaves out the base config's own 40.*hold.*num_leaves = \[40\]"):
        load_space(None, base)
    space = load_space(space_file(tmp_path, "[stacker]\nnum_leaves = [40]\n"), base)
    assert "stacker.num_leaves" not in by_key(space.dimensions)
    assert suggest(Answers({}), space, base).stacker.num_leaves == 40


def test_the_options_of_a_section_are_all_that_its_ranges_allow() -> None:
    space, base = full_space(), Config()
    encoders = {(e.unit, e.window, e.pooling) for e in (one.encoder for one in space.options(base, "encoder"))}
    narratives = {("narrative", window, pooling) for window in (128, 256) for pooling in ("auto", "words")}
    assert encoders == narratives | {("sentence", 256, pooling) for pooling in ("auto", "words")}
    texts = [one.text for one in space.options(base, "text")]
    assert texts[0] == base.text
    assert {(text.n_buckets, text.ngrams) for text in texts if text.words} == {
        (n_buckets, ngrams) for n_buckets in (4096, 16384, 65536) for ngrams in (1, 2)
    }
    assert space.options(base, "folds.nothing") == [base]


def test_a_value_of_base_that_its_condition_excludes_need_not_lie_in_the_range(tmp_path: Path) -> None:
    base = load_config(None, ["text.words=false", "text.n_buckets=512"])
    assert "text.n_buckets" in by_key(load_space(None, base).dimensions)
    path = space_file(tmp_path, "[text]\nn_buckets = [4096]\n")
    with pytest.raises(ContractError, match=r"'text\.n_buckets', \[4096\], leaves out the base config's own 512"):
        load_space(path, base)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("[stacker]\nnum_leafs = [3, 7]\n", r"'stacker\.num_leafs' is no setting.*'stacker\.num_leaves'"),
        ("[stakcer]\nl2 = [3, 7]\n", r"'stakcer\.l2' is no setting.*'stacker\.l2'"),
        ("num_leaves = [3, 7]\n", r"'num_leaves' is no setting.*'stacker\.num_leaves'"),
        ("[folds]\nn_folds = [3, 7]\n", r"'folds\.n_folds' has no range to search"),
        ("[stacker]\nnum_leaves = []\n", r"'stacker\.num_leaves' has an empty range.*num_leaves = \[3, 31\]"),
        ("[stacker]\nnum_leaves = [9, 3]\n", r"range \[9, 3\] is reversed"),
        ("[stacker]\nnum_leaves = [3, 32]\n", r"\[3, 32\] does not lie inside 3 to 31"),
        ("[stacker]\nnum_leaves = [2, 7]\n", r"\[2, 7\] does not lie inside 3 to 31"),
        ("[stacker]\nnum_leaves = [3, 5, 7]\n", r"holds 3 numbers"),
        ("[stacker]\nnum_leaves = 7\n", r"'stacker\.num_leaves' must be a list, got 7"),
        ("[stacker]\nnum_leaves = [3.0, 7.5]\n", r"3\.0 is not a whole number"),
        ("[stacker]\nnum_leaves = [true, 7]\n", r"True is not a whole number"),
        ("[stacker]\nl2 = ['1', 20]\n", r"'1' is not a number"),
        ("[stacker]\nl2 = [1, nan]\n", r"nan is not a number"),
        ("[stacker]\nl2 = [[1], 20]\n", r"\[1\] is not a number"),
        ("[stacker]\nnum_leaves = [8, 15]\n", r"\[8, 15\], leaves out the base config's own 7.*first trial"),
        ("[stacker]\nnum_leaves = [9]\n", r"\[9, 9\], leaves out the base config's own 7"),
        ("[text]\nn_buckets = [4096, 65536]\n", r"\[4096, 65536\], leaves out the base config's own 16384"),
        ("[text]\nn_buckets = [16384, 100]\n", r"100 is none of its choices.*4096, 16384, 65536"),
        ("[text]\nwords = [1, 0]\n", r"1 is none of its choices.*true, false"),
        ("[encoder]\nunit = ['paragraph']\n", r"'paragraph' is none of its choices"),
        ("[encoder\n", r"not valid TOML"),
    ],
)
def test_bad_files_name_file_key_and_rule(tmp_path: Path, text: str, rule: str) -> None:
    with pytest.raises(ContractError, match=rf"space file .*space\.toml.*{rule}"):
        load_space(space_file(tmp_path, text), Config())


def test_a_file_that_leaves_nothing_to_search(tmp_path: Path) -> None:
    held: dict[str, list[str]] = {}
    for key, value in active_settings(Config(), full_space()).items():
        section, _, name = key.partition(".")
        text = {True: "true", False: "false"}.get(value) if isinstance(value, bool) else repr(value)
        held.setdefault(section, []).append(f"{name} = [{text}]")
    path = space_file(tmp_path, "".join(f"[{section}]\n" + "\n".join(lines) + "\n" for section, lines in held.items()))
    with pytest.raises(ContractError, match="leaves nothing to search"):
        load_space(path, Config())


def test_an_absent_file(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"absent\.toml cannot be read \(No such file"):
        load_space(tmp_path / "absent.toml", Config())


def test_digests_of_different_spaces_differ(tmp_path: Path) -> None:
    full = full_space().digest
    assert len(full) == 64
    assert full == full_space().digest
    one = load_space(space_file(tmp_path, "[stacker]\nl2 = [1, 20]\n"), Config()).digest
    assert one == load_space(space_file(tmp_path, "[stacker]\nl2 = [1.0, 20.0]\n"), Config()).digest
    assert one != full
    order = load_space(space_file(tmp_path, "[text]\nn_buckets = [65536, 16384]\n"), Config()).digest
    assert order == load_space(space_file(tmp_path, "[text]\nn_buckets = [16384, 65536]\n"), Config()).digest
