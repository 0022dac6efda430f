"""Writing a bundle as an MLflow model."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from data_schemas.contract import Schema
from data_schemas.errors import ContractError, RunError
from data_schemas.fields import Role
from experiments.bundle.mlflow.example import example_row
from experiments.session.environment import environment
from features.atomic_files import new_folder
from features.encoders.folder import DIGESTS, FILES, USAGE_FILES
from features.encoders.source_files import EMBEDDED, locate
from features.tables.header import required_columns
from fusion import pyfunc
from fusion.bundle_folder import MANIFEST, check_outside
from fusion.scorer import Scorer, load_scorer

if TYPE_CHECKING:
    from mlflow.models import ModelSignature

QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_UV_AUTO_DETECT": "false"}
"""MLflow reports no use of it over the network, and copies no uv project that the command happens to be run in."""


@dataclass(frozen=True)
class Written:
    """What was written.

    Attributes:
        model_id: of the model.
        n_files: files of the folder.
        encoder: where loading finds the text encoder.
    """

    model_id: str
    n_files: int
    encoder: str


def write_mlflow_model(bundle: Path, out: Path, encoder: str | None, reasons: int) -> Written:
    """Write the folder, which is replaced whole; it is loaded once, and its example scored, before it is in place.

    Raises ContractError as ``load_scorer`` does and for a model of further sources, which MLflow has no place for;
    RunError where MLflow is not installed.
    """
    if find_spec("mlflow") is None:
        raise RunError("MLflow is not installed", "Run `pip install 'creditfusion[mlflow]'`.")
    check_outside(out)
    scorer = load_scorer(bundle, encoder=encoder, reasons=reasons)
    if scorer.schema.sources:
        what = f"bundle {bundle} reads records of further sources ({scorer.schema.sources[0].name})"
        raise ContractError(what, "An MLflow model takes one table: score with `creditfusion score` or from Python.")
    source = encoder or scorer.bundle.config.encoder.source
    with tempfile.TemporaryDirectory() as parts, new_folder(out) as folder, environment(QUIET):
        data = Path(parts) / "creditfusion"
        shutil.copytree(bundle, data / pyfunc.BUNDLE)
        copied = source != EMBEDDED and bool(scorer.schema.narratives)
        if copied:
            _copy_encoder(locate(source), data / pyfunc.ENCODER)
        _save(folder, data, scorer, reasons)
        n_files = sum(file.is_file() for file in folder.rglob("*"))
    return Written(scorer.model_id, n_files, "in the folder" if copied else "embedded")


def _save(folder: Path, data: Path, scorer: Scorer, reasons: int) -> None:
    from mlflow import pyfunc as flavour
    from mlflow.models import Model

    example, options = pd.DataFrame([example_row(scorer.schema)]), {"reasons": reasons}
    predicted = pyfunc._load_pyfunc(str(data), options).predict(example)
    flavour.save_model(
        folder,
        loader_module=pyfunc.__name__,
        data_path=str(data),
        signature=_signature(scorer.schema, predicted),
        input_example=example,
        pip_requirements=_requirements(scorer),
        model_config=options,
        mlflow_model=Model(model_uuid=scorer.bundle.manifest.digests[MANIFEST][:32]),
        metadata={"creditfusion": {"model_id": scorer.model_id, "schema": scorer.schema.name}},
    )


def _copy_encoder(source: Path, folder: Path) -> None:
    """The files of an encoder that are read."""
    for name in (*FILES, *USAGE_FILES, DIGESTS):
        if (source / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / name, folder / name)


def _signature(schema: Schema, predicted: pd.DataFrame) -> ModelSignature:
    """Columns of input, of any type, and of output.

    A type would have MLflow refuse a whole request for one cell; what a cell may hold is the data contract's to say,
    row by row. Columns that scoring needs are required.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, TensorSpec
    from mlflow.types import Schema as Columns
    from mlflow.types.schema import AnyType, Array, DataType

    needed = set(required_columns(schema, need_target=False)) - {schema.id.name}
    unread = (Role.TARGET, Role.AUXILIARY, Role.IGNORED)
    fields = [field for field in schema.own_fields if field.role not in unread]
    inputs: list[ColSpec | TensorSpec] = [
        ColSpec(AnyType(), field.name, required=field.name in needed) for field in fields
    ]
    outputs: list[ColSpec | TensorSpec] = []
    for name, column in predicted.items():
        text = Array(DataType.string) if name == "reasons" else DataType.string
        kind = DataType.double if pd.api.types.is_numeric_dtype(column) else text
        outputs.append(ColSpec(kind, str(name), required=kind is not DataType.double))
    return ModelSignature(inputs=Columns(inputs), outputs=Columns(outputs))


def _requirements(scorer: Scorer) -> list[str]:
    """The versions that the model was trained with, as pip takes them; builds, such as ``+cpu``, are left out."""
    versions = dict(scorer.bundle.manifest.provenance.versions)
    versions.pop("python", None)
    own = versions.pop("creditfusion")
    return [f"creditfusion=={own}", *(f"{name}=={version.partition('+')[0]}" for name, version in versions.items())]
