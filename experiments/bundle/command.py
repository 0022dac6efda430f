"""``creditfusion bundle``: what a trained model's folder holds, whether it is whole, who vouches for it."""

from __future__ import annotations

import typer

from experiments.bundle.engine.command import EXAMPLES as ENGINE_EXAMPLES
from experiments.bundle.engine.command import engine
from experiments.bundle.mlflow.command import EXAMPLES as MLFLOW_EXAMPLES
from experiments.bundle.mlflow.command import mlflow
from experiments.bundle.sbom.command import EXAMPLES as SBOM_EXAMPLES
from experiments.bundle.sbom.command import sbom
from experiments.bundle.show.command import EXAMPLES as SHOW_EXAMPLES
from experiments.bundle.show.command import show
from experiments.bundle.sign.command import EXAMPLES as SIGN_EXAMPLES
from experiments.bundle.sign.command import sign
from experiments.bundle.verify.command import EXAMPLES as VERIFY_EXAMPLES
from experiments.bundle.verify.command import verify

app = typer.Typer(
    help="Look into a model bundle, verify it, sign it, list what it is made of, hand it to MLflow, change its engine.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(epilog=SHOW_EXAMPLES)(show)
app.command(epilog=VERIFY_EXAMPLES)(verify)
app.command(epilog=SIGN_EXAMPLES)(sign)
app.command(epilog=SBOM_EXAMPLES)(sbom)
app.command(epilog=MLFLOW_EXAMPLES)(mlflow)
app.command(epilog=ENGINE_EXAMPLES)(engine)
