"""Settings as users write them: files, presets, overrides, and errors that name the cure."""

from __future__ import annotations

from pathlib import Path

import pytest

from data_schemas.concepts import Sensitive
from data_schemas.errors import ContractError
from fusion.config import Config
from fusion.config_file import load_config


def test_file_then_overrides(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text("[stacker]\nnum_leaves = 5\nl2 = 3.5\n")
    config = load_config(file, ["stacker.num_leaves=6", "encoder.source=some/folder", "stacker.monotone=false"])
    assert config.stacker.num_leaves == 6
    assert config.stacker.l2 == 3.5
    assert config.encoder.source == "some/folder"
    assert config.stacker.monotone is False
    assert config.folds == Config().folds


def test_unknown_key_names_the_nearest() -> None:
    with pytest.raises(ContractError, match=r"unknown setting 'stacker\.num_leafs'.*'stacker\.num_leaves'"):
        load_config(None, ["stacker.num_leafs=3"])
    with pytest.raises(ContractError, match="unknown setting"):
        load_config(None, ["nonsense=3"])


def test_bad_values_name_the_key() -> None:
    with pytest.raises(ContractError, match=r"'stacker\.num_leaves'.*greater than or equal to 2"):
        load_config(None, ["stacker.num_leaves=1"])
    with pytest.raises(ContractError, match=r"'encoder\.precision'"):
        load_config(None, ["encoder.precision=int3"])
    with pytest.raises(ContractError, match="has no '='"):
        load_config(None, ["stacker.num_leaves"])


def test_kinds_to_mask() -> None:
    assert Config().text.mask == ()
    assert load_config(None, ["text.mask=['health', 'union']"]).text.mask == (Sensitive.HEALTH, Sensitive.UNION)
    with pytest.raises(ContractError, match=r"'text\.mask\.0'.*should be 'health', 'religion'.*got 'helth'"):
        load_config(None, ["text.mask=['helth']"])


def test_unreadable_or_broken_file(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="cannot be read"):
        load_config(tmp_path / "absent.toml")
    (tmp_path / "b.toml").write_text("[stacker\n")
    with pytest.raises(ContractError, match="not valid TOML"):
        load_config(tmp_path / "b.toml")


def test_settings_that_come_with_the_package_are_found_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = load_config(Path("mission"), ["tuning.epochs=2"])
    assert (found.encoder.tuning, found.tuning.learning_rate, found.tuning.weight_decay) == ("full", 1e-5, 0.001)
    assert (found.tuning.batch_rows, found.tuning.epochs) == (16, 2)
    assert load_config(Path("mission")).tuning.epochs == 5
    Path("mission").write_text("[tuning]\nepochs = 3\n")
    assert load_config(Path("mission")).tuning.epochs == 3
