from __future__ import annotations

from pathlib import Path

import pytest
import torch

from data_schemas.errors import ContractError, RunError
from features.language.checkpoint import Checkpoint, has_checkpoint, load_checkpoint, save_checkpoint

MADE_FOR = {"texts": "abc", "encoder": "def", "settings": {"epochs": 3, "lr": 1e-5, "max_minutes": None}}


def checkpoint(value: float) -> Checkpoint:
    tensors = {"a.weight": torch.full((2, 3), value)}
    return Checkpoint(
        {"updates": 7, "loss_sum": 0.1 + value, "history": []}, tensors, {"a.weight:step": torch.ones(())}, {}
    )


def test_what_is_saved_is_loaded_to_the_bit(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "run", 7, checkpoint(0.2), MADE_FOR)
    found = load_checkpoint(tmp_path / "run", MADE_FOR)
    assert found.state == checkpoint(0.2).state
    torch.testing.assert_close(dict(found.weights), dict(checkpoint(0.2).weights), rtol=0, atol=0)
    assert list(found.moments) == ["a.weight:step"]
    assert found.best == {}


def test_the_newest_takes_the_place_of_the_older_and_of_what_a_crash_left(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    save_checkpoint(folder, 9, checkpoint(1.0), MADE_FOR)
    (folder / "10.writing-1").mkdir()
    save_checkpoint(folder, 10, checkpoint(2.0), MADE_FOR)
    assert [entry.name for entry in folder.iterdir()] == ["10"]
    assert float(load_checkpoint(folder, MADE_FOR).weights["a.weight"][0, 0]) == 2.0


def test_one_that_was_being_written_counts_for_nothing(tmp_path: Path) -> None:
    (tmp_path / "run" / "10.writing-1").mkdir(parents=True)
    assert not has_checkpoint(tmp_path / "run")
    assert not has_checkpoint(tmp_path / "absent")
    with pytest.raises(ContractError, match="holds no checkpoint to go on from"):
        load_checkpoint(tmp_path / "run", MADE_FOR)


@pytest.mark.parametrize(
    ("changed", "named"),
    [({"texts": "x"}, "texts"), ({"texts": "x", "encoder": "y"}, "texts and encoder"), ({"settings": {}}, "settings")],
)
def test_another_run_does_not_go_on_from_it(tmp_path: Path, changed: dict[str, object], named: str) -> None:
    save_checkpoint(tmp_path, 1, checkpoint(1.0), MADE_FOR)
    with pytest.raises(ContractError, match=f"was made with other {named}$|was made with other {named}\\. "):
        load_checkpoint(tmp_path, {**MADE_FOR, **changed})


@pytest.mark.parametrize("name", ["state.json", "weights.safetensors", "moments.safetensors", "best.safetensors"])
def test_a_damaged_one_is_refused(tmp_path: Path, name: str) -> None:
    save_checkpoint(tmp_path, 1, checkpoint(1.0), MADE_FOR)
    (tmp_path / "1" / name).write_bytes(b"damaged")
    with pytest.raises(ContractError, match=r"1 cannot be read\. Begin anew with --force"):
        load_checkpoint(tmp_path, MADE_FOR)


def test_a_full_disk_is_reported_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file where the folder should be")
    with pytest.raises(RunError, match=r"no checkpoint can be written.*--resume"):
        save_checkpoint(tmp_path / "run", 1, checkpoint(1.0), MADE_FOR)
