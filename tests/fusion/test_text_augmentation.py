"""Variants as the settings want them."""

from __future__ import annotations

from pathlib import Path

import pytest

from data_schemas.errors import ContractError
from data_schemas.reader import load_schema
from fusion.config_file import load_config
from fusion.text_augmentation import narrative_augmenter
from fusion.text_tuning import _variants
from tests.support.small_word_net import small_word_net, tiny_language_model

TUNED = "encoder.tuning=lora"


def test_without_a_kind_there_is_no_augmenter() -> None:
    assert narrative_augmenter(load_schema("demo"), load_config()) is None


def test_kinds_that_nothing_learns_from_are_refused() -> None:
    with pytest.raises(ContractError, match=r"augment\.kinds in the settings names 'dropout', and nothing learns"):
        load_config(overrides=['augment.kinds=["dropout"]'])


def test_settings_and_schema_reach_the_augmenter(tmp_path: Path) -> None:
    net = small_word_net(tmp_path)
    kinds = 'augment.kinds=["synonyms", "dropout"]'
    own = ["augment.rate=0.5", "augment.copies=4", 'augment.protected=["Fancy Car"]', f"augment.word_net={net}"]
    config = load_config(overrides=[TUNED, kinds, "folds.seed=9", *own])
    augmenter = narrative_augmenter(load_schema("demo"), config)
    assert augmenter is not None
    settings = augmenter.settings
    assert (settings.kinds, settings.rate, settings.copies, settings.seed) == (("synonyms", "dropout"), 0.5, 4, 9)
    assert {"fancy car", "wife", "medical bill*"} <= set(settings.protected)
    texts = ["my wife has a car", "my wife has a fancy car"]
    assert augmenter.variants(texts, 0) == ["my wife has a automobile", "my wife has a fancy car"]


def test_masked_words_are_those_of_the_encoder_unless_another_is_named(tmp_path: Path) -> None:
    model = tiny_language_model(tmp_path, ["car", "job", "money", "house"])
    window = ["encoder.window=16", TUNED, 'augment.kinds=["masked_words"]']
    for key in ("encoder.source", "augment.masked_words"):
        augmenter = narrative_augmenter(load_schema("demo"), load_config(overrides=[f"{key}={model}", *window]))
        assert augmenter is not None
        (variant,) = augmenter.variants(["car"], 0)
        assert variant in ("job", "money", "house")


def test_a_tuned_encoder_gets_each_copy_of_each_narrative() -> None:
    texts = (("i need money for a reliable car", ""), ("teacher", "nurse"))
    config = load_config(overrides=[TUNED, 'augment.kinds=["dropout"]', "augment.copies=2", "augment.rate=0.2"])
    first, second = _variants(texts, load_schema("demo"), config)
    assert first[1] == second[1] == ("teacher", "nurse")
    assert first[0][1] == second[0][1] == ""
    assert len({texts[0][0], first[0][0], second[0][0]}) == 3
    assert _variants(texts, load_schema("demo"), load_config()) == ()
