"""``creditfusion bundle verify``: every byte of a bundle, and who vouches for them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from data_schemas.errors import ContractError
from experiments.bundle.options import BundleArgument, TrustConfigOption
from experiments.options import JsonOption
from experiments.session.run import Run

EXAMPLES = """
Examples:

creditfusion bundle verify model

creditfusion bundle verify model --key public.pem

creditfusion bundle verify model --identity release@bank.example --issuer https://accounts.google.com
"""


def verify(
    bundle: BundleArgument,
    key: Annotated[Path | None, typer.Option(help="Public key (PEM) whose signature it must carry.")] = None,
    identity: Annotated[
        str | None, typer.Option(help="Who must have signed it without a key: an e-mail address or a workflow.")
    ] = None,
    issuer: Annotated[str | None, typer.Option(help="Address of the OpenID Connect issuer of that identity.")] = None,
    trust_config: TrustConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Compare every file of a bundle with its manifest and, for a key or an identity, check its signature.

    Exit code 2: a file is missing, changed or not listed, or the signature is missing or not theirs.
    """
    from fusion.bundle import verify as verified
    from fusion.signatures import Identity, KeyHolder, Signer, check_signature, demanded_signer

    if (identity is None) != (issuer is None) or (key and identity):
        raise ContractError(
            "a signature is checked against one signer", "Give --key, or --identity together with --issuer."
        )
    signer: Signer | None = KeyHolder(key) if key else None
    if identity and issuer:
        signer = Identity(identity, issuer, trust_config)
    with Run.start("bundle verify", None, {"bundle": bundle, "signer": str(signer or "")}, json_output) as run:
        manifest, _ = verified(bundle)
        signer = signer or demanded_signer()
        if signer is not None:
            check_signature(bundle, manifest.digests, signer)
        checked = {"bundle": bundle, "model_id": manifest.model_id, "files": len(manifest.digests)}
        signed_by = None if signer is None else str(signer)
        unasked = "nobody was asked for: --key, or --identity and --issuer"
        run.finish({**checked, "signed_by": signed_by}, {**checked, "signed by": signed_by or unasked})
