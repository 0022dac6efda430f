"""``creditfusion schema``: check files against a data contract, or draft a contract from an unknown file."""

from __future__ import annotations

import typer

from experiments.schema.check.command import EXAMPLES as CHECK_EXAMPLES
from experiments.schema.check.command import check
from experiments.schema.infer.command import EXAMPLES as INFER_EXAMPLES
from experiments.schema.infer.command import infer

app = typer.Typer(
    help="Check files against a data contract, or draft one from an unknown file.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(epilog=CHECK_EXAMPLES)(check)
app.command(epilog=INFER_EXAMPLES)(infer)
