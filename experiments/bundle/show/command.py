"""``creditfusion bundle show``: what a bundle is, in one look."""

from __future__ import annotations

from experiments.bundle.options import BundleArgument
from experiments.options import JsonOption
from experiments.session.run import Run

EXAMPLES = """
Examples:

creditfusion bundle show model

creditfusion bundle show model --json | jq .figures
"""


def show(bundle: BundleArgument, json_output: JsonOption = False) -> None:
    """Show what a bundle is: data contract, training rows and window, encoder, figures, versions, policy, signature.

    Every file is compared with the manifest first. What the signature states about itself is shown, not checked: that
    is `bundle verify`.
    """
    from experiments.bundle.show.job import summaries

    with Run.start("bundle show", None, {"bundle": bundle}, json_output) as run:
        for_machines, for_people = summaries(bundle)
        run.finish(for_machines, for_people)
