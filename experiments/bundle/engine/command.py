"""``creditfusion bundle engine``: the same model with another engine behind its text encoder."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from experiments.bundle.options import BundleArgument
from experiments.options import EncoderOption, ForceOption, JsonOption, SourceOption, ThreadsOption
from experiments.session.run import Run

EXAMPLES = """
Examples:

creditfusion bundle engine model --to openvino --data recent.csv --out model_openvino

creditfusion bundle engine model --to onnx --precision int8 --data recent.csv --out model_int8 --at-most 0.02
"""


class EncoderEngine(StrEnum):
    """What may run the encoder's layers."""

    TORCH = "torch"
    OPENVINO = "openvino"
    ONNX = "onnx"


class Precision(StrEnum):
    """What they may be computed in."""

    AUTO = "auto"
    FP32 = "fp32"
    BF16 = "bf16"
    INT8 = "int8"


def engine(
    bundle: BundleArgument,
    to: Annotated[EncoderEngine, typer.Option(help="Engine that runs the text encoder's layers from now on.")],
    data: Annotated[
        Path, typer.Option(dir_okay=False, help="Applications on which both engines are compared; outcomes not needed.")
    ],
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder of the new bundle.")],
    precision: Annotated[
        Precision, typer.Option(help="What it computes in; auto: bf16 where processor and engine have it, else fp32.")
    ] = Precision.AUTO,
    rows: Annotated[int, typer.Option(min=1, help="Compare on so many of the first rows at most.")] = 1000,
    at_most: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Largest difference of a PD that is let through.")
    ] = 0.01,
    source: SourceOption = None,
    encoder: EncoderOption = None,
    threads: ThreadsOption = 0,
    force: ForceOption = False,
    json_output: JsonOption = False,
) -> None:
    """Write a bundle whose text encoder runs through another engine, once both were compared.

    The vectors of the bundle's fixed texts must be those that the model learned with, within what rounding makes of
    them. Then the applications of --data are scored both ways: the new bundle states in its manifest and its card by
    how much PDs differ and how many decisions change. Beyond --at-most nothing is written, and the exit code is 1.

    The model itself stays as it is, and so do the contributions of its training rows, which were computed by the engine
    before. The new bundle has an id of its own and no signature.
    """
    from experiments.bundle.engine.job import Compared, EngineChange, change_engine

    arguments = {"bundle": bundle, "to": to.value, "precision": precision.value, "data": data, "out": out}
    with Run.start("bundle engine", None, arguments, json_output) as run:
        change = EngineChange(bundle, to.value, precision.value, out, force, encoder)
        model_id, found = change_engine(change, Compared(data, rows, at_most, tuple(source or ()), threads), run)
        run.finish({"out": out, "model_id": model_id, **found})
