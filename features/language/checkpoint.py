"""What a training writes down while it runs, so that it can go on after a crash as if there had been none."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from data_schemas.errors import ContractError, RunError
from features.atomic_files import new_folder

_STATE = "state.json"
_GROUPS = ("weights", "moments", "best")


@dataclass(frozen=True)
class Checkpoint:
    """A training between two updates.

    Attributes:
        state: where it stands, as JSON can hold it.
        weights: the model's tensors by name.
        moments: the optimizer's.
        best: the model's at the lowest validation loss so far.
    """

    state: Mapping[str, Any]
    weights: Mapping[str, Tensor]
    moments: Mapping[str, Tensor]
    best: Mapping[str, Tensor]


def save_checkpoint(folder: Path, number: int, checkpoint: Checkpoint, made_for: Mapping[str, object]) -> None:
    """Write the checkpoint beside the older one, which goes when the new one is whole.

    Raises RunError when it cannot be written; the older one is then still there.

    Args:
        folder: of the training's checkpoints.
        number: rises from one to the next.
        checkpoint: what to write.
        made_for: what may not differ when it goes on, by name: texts, encoder, settings.
    """
    try:
        with new_folder(folder / str(number)) as beside:
            for group in _GROUPS:
                tensors = getattr(checkpoint, group)
                save_file({name: x.detach().cpu().contiguous() for name, x in tensors.items()}, beside / _file(group))
            content = {"made_for": made_for, "state": checkpoint.state}
            (beside / _STATE).write_text(json.dumps(content, indent=1), encoding="utf-8")
    except (OSError, SafetensorError) as error:
        raise RunError(
            f"no checkpoint can be written to {folder}: {error}", "Free some space, then go on with --resume."
        ) from error
    for entry in folder.iterdir():
        if entry.name != str(number):
            shutil.rmtree(entry, ignore_errors=True)


def has_checkpoint(folder: Path) -> bool:
    """Whether a training left a checkpoint there."""
    return bool(_numbers(folder))


def load_checkpoint(folder: Path, made_for: Mapping[str, object]) -> Checkpoint:
    """The newest checkpoint; raises ContractError where there is none, where it was made for something else, or where
    it cannot be read.
    """
    numbers = _numbers(folder)
    if not numbers:
        raise ContractError(f"{folder} holds no checkpoint to go on from", "Run the command without --resume.")
    newest = folder / str(max(numbers))
    try:
        content = json.loads((newest / _STATE).read_text(encoding="utf-8"))
        state, found = content["state"], content["made_for"]
        weights, moments, best = (load_file(newest / _file(group)) for group in _GROUPS)
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise ContractError(f"{newest} cannot be read", "Begin anew with --force.") from error
    wanted = json.loads(json.dumps(made_for))
    if differing := [name for name in wanted if found.get(name) != wanted[name]]:
        raise ContractError(
            f"{folder} was made with other {' and '.join(differing)}",
            "Give --resume the same command as before, or begin anew with --force.",
        )
    return Checkpoint(state, weights, moments, best)


def _numbers(folder: Path) -> list[int]:
    return [int(entry.name) for entry in folder.iterdir() if entry.name.isdigit()] if folder.is_dir() else []


def _file(group: str) -> str:
    return f"{group}.safetensors"
