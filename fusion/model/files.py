"""A model as the files that a bundle keeps of it: arrays as safetensors, boosters as LightGBM's text, blends as JSON.

calibration.json        the blends, with what each member weighs, and the text-only line
basis.safetensors       the maps from a design to the heads' inputs
components.safetensors  the maps from these to what the trees hear of narratives beside their log-odds
heads/*.safetensors     the fused, the columns-only and the text-only head
stacker/*.txt           one booster per boosted member and fold, fused and columns-only
heads/without/NAME/*.safetensors, stacker/without/NAME/*.txt    the model without each source
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from features.design import InputGroup
from fusion.config import ScaleConfig
from fusion.model.basis import Basis
from fusion.model.fusion_model import Assembly, FusionModel, Member, TextModel, Without
from fusion.model.head import Head
from fusion.model.stacker import Stacker
from fusion.model.text_components import TextComponents

CALIBRATION, BASIS, COMPONENTS = "calibration.json", "basis.safetensors", "components.safetensors"
WHOLE, COLUMNS_ONLY, TEXT_ONLY = "fused", "columns_only", "text_only"
MODEL_FILES = (
    CALIBRATION,
    BASIS,
    COMPONENTS,
    *(f"heads/{name}.safetensors" for name in (WHOLE, COLUMNS_ONLY, TEXT_ONLY)),
)
"""What every model has."""

Json = dict[str, object]


def json_bytes(value: object) -> bytes:
    """JSON for people and machines; equal values give equal bytes."""
    return (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def model_files(model: FusionModel) -> dict[str, bytes]:
    """The files of a model, by name."""
    calibration = {
        WHOLE: _blend_json(model.fused),
        COLUMNS_ONLY: _blend_json(model.columns_only),
        "n_style": model.n_style,
        TEXT_ONLY: {"slope": model.text_only.slope, "intercept": model.text_only.intercept},
        "without": {one.group.name: _blend_json(one.fused) for one in model.without},
    }
    files = {
        CALIBRATION: json_bytes(calibration),
        BASIS: save_tensors(_basis_arrays(model.basis)),
        COMPONENTS: save_tensors(model.components.to_arrays()),
        **_assembly_files(WHOLE, model.fused),
        **_assembly_files(COLUMNS_ONLY, model.columns_only),
        **_head_file(TEXT_ONLY, model.text_only.head),
    }
    for one in model.without:
        files |= _without_files(one)
    return files


def model_of(contents: Mapping[str, bytes], scale: ScaleConfig, sources: Sequence[InputGroup]) -> FusionModel:
    """The model of these files.

    Args:
        contents: Every file's bytes, by name.
        scale: Of the score.
        sources: Of the tabular encoder, in its order.
    """
    calibration = json.loads(contents[CALIBRATION])
    basis = Basis(**load_tensors(contents[BASIS]))
    components = TextComponents(**load_tensors(contents[COMPONENTS]))
    fused, columns_only = (_assembly(contents, name, calibration[name]) for name in (WHOLE, COLUMNS_ONLY))
    text_only = TextModel(_head(contents, TEXT_ONLY), **calibration[TEXT_ONLY])
    without = tuple(
        _without(contents, group, calibration["without"][group.name])
        for group in sources
        if group.name in calibration["without"]
    )
    return FusionModel(basis, components, calibration["n_style"], fused, columns_only, text_only, scale, without)


def _basis_arrays(basis: Basis) -> dict[str, npt.NDArray[np.generic]]:
    return {field.name: np.ascontiguousarray(getattr(basis, field.name)) for field in fields(Basis)}


def _head_file(name: str, head: Head) -> dict[str, bytes]:
    return {f"heads/{name}.safetensors": save_tensors(head.to_arrays())}


def _head(contents: Mapping[str, bytes], name: str) -> Head:
    return Head.from_arrays(load_tensors(contents[f"heads/{name}.safetensors"]))


def _assembly_files(name: str, assembly: Assembly) -> dict[str, bytes]:
    texts = {f"stacker/{name}-{i:03d}.txt": text.encode() for i, text in enumerate(assembly.stacker.to_text())}
    return _head_file(name, assembly.head) | texts


def _assembly(contents: Mapping[str, bytes], name: str, blend: Mapping[str, Any]) -> Assembly:
    texts = [contents[file].decode() for file in sorted(contents) if file.startswith(f"stacker/{name}-")]
    members = tuple(Member(**member) for member in blend["members"])
    stacker = Stacker.from_text(texts, blend["booster_weights"])
    return Assembly(_head(contents, name), stacker, blend["intercept"], members)


def _blend_json(assembly: Assembly) -> Json:
    members = [asdict(member) for member in assembly.members]
    return {"members": members, "booster_weights": assembly.stacker.weights, "intercept": assembly.intercept}


def _without_files(ablation: Without) -> dict[str, bytes]:
    folder = _folder_without(ablation.group.name)
    return _assembly_files(f"{folder}/{WHOLE}", ablation.fused) | _head_file(
        f"{folder}/{TEXT_ONLY}", ablation.text_only
    )


def _without(contents: Mapping[str, bytes], group: InputGroup, blend: Mapping[str, Any]) -> Without:
    folder = _folder_without(group.name)
    return Without(group, _head(contents, f"{folder}/{TEXT_ONLY}"), _assembly(contents, f"{folder}/{WHOLE}", blend))


def _folder_without(source: str) -> str:
    return f"without/{source}"
