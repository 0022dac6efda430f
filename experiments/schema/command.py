"""``creditfusion schema``: draft a contract from an unknown file, review it, check files against it."""

from __future__ import annotations

import typer

from experiments.schema.check.command import EXAMPLES as CHECK_EXAMPLES
from experiments.schema.check.command import check
from experiments.schema.infer.command import EXAMPLES as INFER_EXAMPLES
from experiments.schema.infer.command import infer
from experiments.schema.review.command import EXAMPLES as REVIEW_EXAMPLES
from experiments.schema.review.command import review

app = typer.Typer(
    help="Draft a data contract from an unknown file, review it, check files against it.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(epilog=CHECK_EXAMPLES)(check)
app.command(epilog=INFER_EXAMPLES)(infer)
app.command(epilog=REVIEW_EXAMPLES)(review)
