"""``creditfusion bundle sign``: vouch for every byte of a bundle."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from data_schemas.errors import ContractError
from experiments.bundle.options import BundleArgument, TrustConfigOption
from experiments.options import ForceOption, JsonOption
from experiments.session.run import Run

EXAMPLES = """
Examples:

openssl ecparam -name prime256v1 -genkey -noout -out key.pem

openssl ec -in key.pem -pubout -out public.pem

creditfusion bundle sign model --key key.pem

creditfusion bundle sign model --keyless
"""


def sign(
    bundle: BundleArgument,
    key: Annotated[
        Path | None,
        typer.Option(help="Private key to sign with: PEM, on P-256, P-384 or P-521."),
    ] = None,
    keyless: Annotated[
        bool, typer.Option("--keyless", help="Sign by Sigstore under your identity, over the network.")
    ] = False,
    ambient: Annotated[
        bool, typer.Option("--ambient", help="Take the identity that a CI system gives this machine.")
    ] = False,
    browser: Annotated[bool, typer.Option(help="Whether a browser may be opened to ask who you are.")] = True,
    trust_config: TrustConfigOption = None,
    force: ForceOption = False,
    json_output: JsonOption = False,
) -> None:
    """Sign a bundle by OpenSSF model signing: with an elliptic-curve key, or keyless by Sigstore.

    Every file is compared with the manifest first. The signature becomes model.sig in the bundle, covers every other
    file, the manifest included, and changes neither the model nor its id; training anew drops it.

    Secrets come from the environment: CREDITFUSION_KEY_PASSWORD for an encrypted key, SIGSTORE_ID_TOKEN for an OpenID
    Connect token in place of the browser.
    """
    from fusion.bundle import verify
    from fusion.signatures import SIGNATURE, Keyless, sign_keyless, sign_with_key

    if (key is None) == (not keyless):
        raise ContractError("a bundle is signed in one way", "Give --key FILE, or --keyless.")
    with Run.start("bundle sign", None, {"bundle": bundle, "key": key, "keyless": keyless}, json_output) as run:
        manifest, _ = verify(bundle)
        if (bundle / SIGNATURE).exists() and not force:
            raise ContractError(f"bundle {bundle} is signed already", "Replace the signature with --force.")
        if key is not None:
            sign_with_key(bundle, manifest.digests, key, os.environ.get("CREDITFUSION_KEY_PASSWORD"))
        else:
            token = os.environ.get("SIGSTORE_ID_TOKEN", "")
            sign_keyless(bundle, manifest.digests, Keyless(token, ambient, browser, trust_config))
        files = len(manifest.digests)
        run.finish({"signature": bundle / SIGNATURE, "model_id": manifest.model_id, "files": files})
