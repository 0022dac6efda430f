"""``creditfusion bundle sbom``: what a model is made of, as a bill of materials."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from data_schemas.errors import ContractError
from experiments.bundle.options import BundleArgument
from experiments.options import ForceOption
from fusion.bundle_folder import check_outside

EXAMPLES = """
Examples:

creditfusion bundle sbom model --out model.cdx.json

creditfusion bundle sbom model --encoder-licence Apache-2.0 | jq .components[].name
"""


def sbom(
    bundle: BundleArgument,
    out: Annotated[Path | None, typer.Option(dir_okay=False, help="File to write. Left out: stdout.")] = None,
    encoder_licence: Annotated[
        str | None,
        typer.Option(help="SPDX identifier of the text encoder's licence, where it is not the one in the package."),
    ] = None,
    force: ForceOption = False,
) -> None:
    """Write the bill of materials of a bundle in CycloneDX 1.6: the model with its card, its training data and text
    encoder by their digests, every file, and the packages that it was trained with.

    Every file is compared with the manifest first. Equal bundles give equal bytes.
    """
    from experiments.bundle.opened import open_bundle
    from experiments.bundle.sbom.document import bill_of_materials
    from features.atomic_files import put_text

    if out is not None:
        check_outside(out)
        if out.exists() and not force:
            raise ContractError(f"{out} exists", "Replace it with --force, or choose another --out.")
    text = bill_of_materials(open_bundle(bundle), encoder_licence)
    if out is None:
        typer.echo(text, nl=False)
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    put_text(out, text)
