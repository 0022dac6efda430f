"""``creditfusion bundle mlflow``: a bundle as a model that MLflow loads, registers and serves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from data_schemas.errors import ContractError
from experiments.bundle.options import BundleArgument
from experiments.options import EncoderOption, ForceOption, JsonOption
from experiments.session.run import Run

EXAMPLES = """
Examples:

creditfusion bundle mlflow model --out mlflow_model

mlflow models serve --model-uri mlflow_model --env-manager local
"""


def mlflow(
    bundle: BundleArgument,
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder to write.")],
    reasons: Annotated[int, typer.Option(min=0, max=20, help="At most so many reasons beside every score.")] = 4,
    encoder: EncoderOption = None,
    force: ForceOption = False,
    json_output: JsonOption = False,
) -> None:
    """Write a bundle as an MLflow model (python_function flavour): without a pickle, with its text encoder, columns of
    input and output, requirements and an invented example.

    The bundle lies in it as it is, with its signature. Predictions have every row that was given: a row that breaks the
    data contract has no PD, but the rule that it broke.
    """
    from experiments.bundle.mlflow.job import write_mlflow_model

    if out.exists() and not (out / "MLmodel").is_file():
        raise ContractError(f"{out} exists and is no MLflow model", "Choose another --out.")
    if out.exists() and not force:
        raise ContractError(f"{out} holds a model already", "Replace it with --force, or choose another --out.")
    with Run.start("bundle mlflow", None, {"bundle": bundle, "out": out, "reasons": reasons}, json_output) as run:
        written = write_mlflow_model(bundle, out, encoder, reasons)
        run.finish({"out": out, "model_id": written.model_id, "files": written.n_files, "encoder": written.encoder})
