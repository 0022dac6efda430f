"""Arguments and options that the verbs of ``creditfusion bundle`` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

BundleArgument = Annotated[Path, typer.Argument(metavar="BUNDLE", help="The folder that `train` wrote.")]
TrustConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--trust-config",
        envvar="CREDITFUSION_TRUST_CONFIG",
        help="A Sigstore instance of your own, as its JSON file. Left out: the public one.",
    ),
]
