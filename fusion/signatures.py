"""Signatures of bundles by OpenSSF model signing: who vouches for the bytes of a model, checked before it is opened.

The signature lies in the bundle as ``model.sig``, a Sigstore bundle around an in-toto statement that lists the sha256
of every other file, the manifest included; any tool of model signing can check it. The manifest cannot list it, for it
is made after the manifest. It was made with an elliptic-curve key, or keyless: by an identity that an OpenID Connect
issuer vouches for, with a certificate that lives for minutes, on record in a public log.

``CREDITFUSION_SIGNED_BY`` names the signer whose signature every bundle must carry that this process opens: a public
key's file, or ``IDENTITY,ISSUER``.
"""

from __future__ import annotations

import base64
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, cast

from data_schemas.errors import ContractError, RunError

if TYPE_CHECKING:
    from model_signing.signing import Config as SigningConfig
    from model_signing.verifying import Config as VerifyingConfig

SIGNATURE = "model.sig"
SIGNED_BY, TRUST_CONFIG = "CREDITFUSION_SIGNED_BY", "CREDITFUSION_TRUST_CONFIG"
DO_NOT_USE = "Do not use this bundle before you know who made it."


@dataclass(frozen=True)
class KeyHolder:
    """Whoever holds the private key of a public one.

    Attributes:
        public_key: PEM file of an elliptic-curve key (P-256, P-384 or P-521).
    """

    public_key: Path

    def __str__(self) -> str:
        return f"the key of {self.public_key}"


@dataclass(frozen=True)
class Identity:
    """Whoever an OpenID Connect issuer knows by a name.

    Attributes:
        name: An e-mail address, or the address of a workflow.
        issuer: Address of the issuer, such as ``https://accounts.google.com``.
        trust_config: A Sigstore instance of one's own, as its JSON file; None: the public one, which is asked for its
            root of trust over the network.
    """

    name: str
    issuer: str
    trust_config: Path | None = None

    def __str__(self) -> str:
        return f"{self.name} ({self.issuer})"


Signer = KeyHolder | Identity


@dataclass(frozen=True)
class SignatureNote:
    """What a signature states about itself, which nobody has checked.

    Attributes:
        kind: ``"key"`` or ``"keyless"``.
        key_hint: sha256 of the public key's PEM form; "" for a keyless one.
    """

    kind: str
    key_hint: str


def parse_signer(text: str, trust_config: Path | None = None) -> Signer:
    """The signer that a text names: a public key's file, or ``IDENTITY,ISSUER``. Raises ContractError."""
    if Path(text).is_file():
        return KeyHolder(Path(text))
    name, comma, issuer = text.rpartition(",")
    if comma and name and issuer.startswith("https://"):
        return Identity(name, issuer, trust_config)
    what = f"{text!r} is neither the file of a public key nor IDENTITY,ISSUER"
    raise ContractError(what, "Name a PEM file, or for example release@bank.example,https://accounts.google.com.")


def demanded_signer() -> Signer | None:
    """The signer whose signature this process demands of every bundle; None where it demands none.

    Raises ContractError for a name that ``parse_signer`` cannot read.
    """
    name, trust = os.environ.get(SIGNED_BY), os.environ.get(TRUST_CONFIG)
    return parse_signer(name, Path(trust) if trust else None) if name else None


def signature_note(path: Path) -> SignatureNote | None:
    """What the bundle's signature states about itself; None without one. Raises ContractError for a damaged file."""
    if not (path / SIGNATURE).is_file():
        return None
    try:
        material = json.loads((path / SIGNATURE).read_bytes())["verificationMaterial"]
        if "publicKey" in material:
            return SignatureNote("key", str(material["publicKey"].get("hint") or ""))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(path) from error
    return SignatureNote("keyless", "")


def sign_with_key(path: Path, digests: Mapping[str, str], private_key: Path, password: str | None = None) -> None:
    """Sign a bundle with an elliptic-curve key, whose PEM file may be encrypted.

    digests: sha256 of every file by its name, as it was verified.

    Raises ContractError for a file that is no such key, or another password.
    """
    _check_installed()
    from model_signing.signing import Config

    config = Config()
    secret = cast("str | None", password.encode() if password else None)  # declared as text, handed on as bytes
    try:
        config.use_elliptic_key_signer(private_key=private_key, password=secret)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        what = f"{private_key} is no private key that bundles are signed with ({_first_line(error)})"
        remedy = (
            "Make one with `openssl ecparam -name prime256v1 -genkey -noout -out key.pem`; of an encrypted one give "
        )
        raise ContractError(what, f"{remedy}the password in CREDITFUSION_KEY_PASSWORD.") from error
    _sign(path, digests, config)


@dataclass(frozen=True)
class Keyless:
    """How a signer without a key shows who they are.

    Attributes:
        identity_token: An OpenID Connect token; "": that of the machine where ``ambient``, else a browser asks.
        ambient: Whether the machine's own identity is taken, as CI systems give it.
        in_browser: Whether a browser may be opened; else an address and a code are printed.
        trust_config: As of an ``Identity``.
    """

    identity_token: str = ""
    ambient: bool = False
    in_browser: bool = True
    trust_config: Path | None = None


def sign_keyless(path: Path, digests: Mapping[str, str], how: Keyless) -> None:
    """Sign a bundle by Sigstore, which needs the network; raises RunError where that fails.

    digests: sha256 of every file by its name, as it was verified.
    """
    _check_installed()
    from model_signing.signing import Config
    from sigstore.errors import Error as SigstoreError

    config = Config()
    try:
        config.use_sigstore_signer(
            use_ambient_credentials=how.ambient,
            identity_token=how.identity_token or None,
            force_oob=not how.in_browser,
            trust_config=how.trust_config,
        )
        _sign(path, digests, config)
    except (SigstoreError, OSError, ValueError) as error:
        what = f"Sigstore did not sign {path} ({_first_line(error)})"
        raise RunError(what, "Signing without a key needs the network and an identity; or sign with --key.") from error


def check_signature(path: Path, digests: Mapping[str, str], signer: Signer) -> None:
    """Raise ContractError unless ``signer`` signed exactly these files of a bundle.

    The signature is read once, and what it lists is compared with the digests of the bytes in memory, so that nothing
    can be exchanged between this check and the use of them.

    Args:
        path: The bundle.
        digests: sha256 of every file by its name, of the bytes that will be used.
        signer: Whose signature is demanded.

    Raises RunError where a keyless signature cannot be checked because its root of trust is out of reach.
    """
    try:
        raw = (path / SIGNATURE).read_bytes()
    except OSError as error:
        what = f"bundle {path} is not signed, and a signature by {signer} is demanded"
        raise ContractError(what, "Sign it with `creditfusion bundle sign`, or get a signed copy.") from error
    config = _verifier(signer)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / SIGNATURE
        copy.write_bytes(raw)
        try:
            config.set_ignore_unsigned_files(True).verify(path.resolve(), copy)
        except Exception as error:  # of several libraries, and of their parsers
            what = f"{SIGNATURE} of bundle {path} is no signature of it by {signer} ({_first_line(error)})"
            raise ContractError(what, DO_NOT_USE) from error
    _check_listed(path, digests, raw)


def _verifier(signer: Signer) -> VerifyingConfig:
    _check_installed()
    from model_signing.verifying import Config

    config = Config()
    if isinstance(signer, Identity):
        from sigstore.errors import Error as SigstoreError

        try:
            return config.use_sigstore_verifier(
                identity=signer.name, oidc_issuer=signer.issuer, trust_config=signer.trust_config
            )
        except (SigstoreError, OSError, ValueError) as error:
            what = f"the root of trust of keyless signatures cannot be had ({_first_line(error)})"
            remedy = "It needs the network, or a Sigstore instance of your own with --trust-config; or check a key."
            raise RunError(what, remedy) from error
    try:
        return config.use_elliptic_key_verifier(public_key=signer.public_key)
    except (OSError, ValueError, AttributeError) as error:
        what = f"{signer.public_key} is no public key that signatures are checked with ({_first_line(error)})"
        remedy = "Give the PEM file of a public key on P-256, P-384 or P-521 (`openssl ec -in key.pem -pubout`)."
        raise ContractError(what, remedy) from error


def _check_listed(path: Path, digests: Mapping[str, str], raw: bytes) -> None:
    """Raise ContractError unless a signature lists exactly these files."""
    try:
        statement = json.loads(base64.b64decode(json.loads(raw)["dsseEnvelope"]["payload"]))
        resources = statement["predicate"]["resources"]
        listed = {one["name"]: one["digest"] for one in resources if one["algorithm"] == "sha256"}
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(path) from error
    differing = sorted(name for name in digests.keys() | listed.keys() if digests.get(name) != listed.get(name))
    if differing:
        raise ContractError(f"{SIGNATURE} of bundle {path} does not vouch for {differing[0]}", DO_NOT_USE)


def _sign(path: Path, digests: Mapping[str, str], config: SigningConfig) -> None:
    from model_signing.hashing import Config

    folder = path.resolve()  # a link to a bundle is a name for it
    present = [file.relative_to(folder) for file in folder.rglob("*") if file.is_file()]
    others = [file for file in present if file.as_posix() not in digests]
    config.set_hashing_config(Config().set_ignored_paths(paths=[*others, SIGNATURE], ignore_git_paths=False))
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as beside:
        made = Path(beside) / SIGNATURE
        config.sign(folder, made)
        _check_listed(path, digests, made.read_bytes())
        made.replace(folder / SIGNATURE)


def _check_installed() -> None:
    if find_spec("model_signing") is None:
        what = "signatures need the package model-signing, which is not installed"
        raise RunError(what, "Run `pip install 'creditfusion[signing]'`.")


def _damaged(path: Path) -> ContractError:
    return ContractError(f"{SIGNATURE} of bundle {path} is no signature", "Sign the bundle again.")


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n")[0] or type(error).__name__
