"""Signatures of bundles: only the bytes that a signer saw pass, and nobody else's signature does."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from model_signing import hashing, signing, verifying
from sigstore.errors import TUFError
from sigstore.models import ClientTrustConfig

from data_schemas.errors import ContractError, RunError
from fusion.signatures import (
    SIGNATURE,
    SIGNED_BY,
    TRUST_CONFIG,
    Identity,
    KeyHolder,
    Keyless,
    check_signature,
    demanded_signer,
    parse_signer,
    sign_keyless,
    sign_with_key,
    signature_note,
)
from tests.support.signing_keys import KeyPair, make_keys

WHO = Identity("release@bank.example", "https://accounts.example")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyPair:
    return make_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "model"
    (made / "heads").mkdir(parents=True)
    for name in ("manifest.json", "config.json", "heads/fused.bin"):
        (made / name).write_text(f"content of {name}")
    return made


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sigstore's public instance out of reach, whatever the machine can reach."""

    def unreachable() -> ClientTrustConfig:
        raise TUFError("Failed to refresh TUF metadata")

    monkeypatch.setattr(ClientTrustConfig, "production", unreachable)


def digests(folder: Path) -> dict[str, str]:
    files = [file for file in folder.rglob("*") if file.is_file() and file.name != SIGNATURE]
    return {file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.fixture
def signed(folder: Path, keys: KeyPair) -> Path:
    sign_with_key(folder, digests(folder), keys.private)
    return folder


def test_what_a_key_signed_passes_wherever_the_folder_lies(signed: Path, keys: KeyPair, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere" / "champion"
    shutil.copytree(signed, moved)
    (tmp_path / "live").symlink_to(moved)
    for place in (signed, moved, tmp_path / "live"):
        check_signature(place, digests(place.resolve()), KeyHolder(keys.public))


def test_other_tools_of_model_signing_accept_the_signature(signed: Path, keys: KeyPair) -> None:
    verifying.Config().use_elliptic_key_verifier(public_key=keys.public).verify(signed, signed / SIGNATURE)


def test_signing_leaves_nothing_but_the_signature(signed: Path) -> None:
    assert sorted(file.name for file in signed.iterdir()) == ["config.json", "heads", "manifest.json", SIGNATURE]
    assert [file.name for file in signed.parent.iterdir()] == ["model"]


@pytest.mark.parametrize("name", ["manifest.json", "config.json", "heads/fused.bin"])
def test_a_changed_file_is_refused_whichever_it_is(signed: Path, keys: KeyPair, name: str) -> None:
    (signed / name).write_text("changed")
    with pytest.raises(ContractError, match=f"is no signature of it.*{name}"):
        check_signature(signed, digests(signed), KeyHolder(keys.public))


def test_a_file_more_and_a_file_less_are_refused(signed: Path, keys: KeyPair) -> None:
    (signed / "more.txt").write_text("more")
    with pytest.raises(ContractError, match=r"does not vouch for more\.txt"):
        check_signature(signed, digests(signed), KeyHolder(keys.public))
    (signed / "more.txt").unlink()
    (signed / "config.json").unlink()
    with pytest.raises(ContractError, match=r"is no signature of it.*config\.json"):
        check_signature(signed, digests(signed), KeyHolder(keys.public))


def test_bytes_in_memory_that_differ_from_the_signed_files_are_refused(signed: Path, keys: KeyPair) -> None:
    in_memory = {**digests(signed), "config.json": hashlib.sha256(b"exchanged while it was read").hexdigest()}
    with pytest.raises(ContractError, match=r"does not vouch for config\.json"):
        check_signature(signed, in_memory, KeyHolder(keys.public))


def test_the_same_holder_s_signature_of_only_some_files_is_refused(folder: Path, keys: KeyPair) -> None:
    some = hashing.Config().set_ignored_paths(paths=[SIGNATURE, "config.json"])
    config = signing.Config().use_elliptic_key_signer(private_key=keys.private).set_hashing_config(some)
    config.sign(folder, folder / SIGNATURE)
    with pytest.raises(ContractError, match=r"does not vouch for config\.json"):
        check_signature(folder, digests(folder), KeyHolder(keys.public))


def test_another_key_is_refused(signed: Path, tmp_path: Path) -> None:
    other = make_keys(tmp_path, "other")
    with pytest.raises(ContractError, match=r"is no signature of it by the key of .*other\.pub\.pem"):
        check_signature(signed, digests(signed), KeyHolder(other.public))


def test_a_signature_that_claims_another_key_s_hint_is_refused(signed: Path, tmp_path: Path) -> None:
    other = make_keys(tmp_path, "other")
    claimed = hashlib.sha256(other.public.read_bytes()).hexdigest()
    tree = json.loads((signed / SIGNATURE).read_bytes())
    tree["verificationMaterial"]["publicKey"]["hint"] = claimed
    (signed / SIGNATURE).write_text(json.dumps(tree))
    with pytest.raises(ContractError, match="is no signature of it"):
        check_signature(signed, digests(signed), KeyHolder(other.public))


def test_a_statement_exchanged_under_its_signature_is_refused(signed: Path, keys: KeyPair) -> None:
    (signed / "config.json").write_text("changed")
    tree = json.loads((signed / SIGNATURE).read_bytes())
    statement = json.loads(base64.b64decode(tree["dsseEnvelope"]["payload"]))
    for resource in statement["predicate"]["resources"]:
        resource["digest"] = digests(signed)[resource["name"]]
    tree["dsseEnvelope"]["payload"] = base64.b64encode(json.dumps(statement).encode()).decode()
    (signed / SIGNATURE).write_text(json.dumps(tree))
    with pytest.raises(ContractError, match="is no signature of it"):
        check_signature(signed, digests(signed), KeyHolder(keys.public))


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"null", b"\xff\xfe", b'{"verificationMaterial": {}}', b"\x80\x04."]
)
def test_a_damaged_signature_is_refused_in_words(folder: Path, keys: KeyPair, content: bytes) -> None:
    (folder / SIGNATURE).write_bytes(content)
    with pytest.raises(ContractError, match="is no signature of it by"):
        check_signature(folder, digests(folder), KeyHolder(keys.public))


def test_an_unsigned_folder_is_refused(folder: Path, keys: KeyPair) -> None:
    assert signature_note(folder) is None
    with pytest.raises(ContractError, match="is not signed, and a signature by the key of"):
        check_signature(folder, digests(folder), KeyHolder(keys.public))


def test_a_note_names_the_key_and_a_damaged_one_is_an_error(signed: Path, keys: KeyPair) -> None:
    note = signature_note(signed)
    assert note is not None
    assert (note.kind, note.key_hint) == ("key", hashlib.sha256(keys.public.read_bytes()).hexdigest())
    (signed / SIGNATURE).write_text("[]")
    with pytest.raises(ContractError, match="is no signature"):
        signature_note(signed)


def test_files_that_a_file_manager_left_are_not_signed(folder: Path, keys: KeyPair) -> None:
    listed = digests(folder)
    (folder / ".DS_Store").write_text("left there")
    sign_with_key(folder, listed, keys.private)
    check_signature(folder, listed, KeyHolder(keys.public))
    (folder / ".DS_Store").unlink()
    check_signature(folder, listed, KeyHolder(keys.public))


def test_a_file_that_changed_since_it_was_verified_is_not_signed(folder: Path, keys: KeyPair) -> None:
    verified = digests(folder)
    (folder / "config.json").write_text("changed")
    with pytest.raises(ContractError, match=r"does not vouch for config\.json"):
        sign_with_key(folder, verified, keys.private)
    assert not (folder / SIGNATURE).exists()


@pytest.mark.parametrize("curve", [ec.SECP384R1(), ec.SECP521R1()])
def test_the_larger_curves_sign_too(folder: Path, tmp_path: Path, curve: ec.EllipticCurve) -> None:
    pair = make_keys(tmp_path, curve=curve)
    sign_with_key(folder, digests(folder), pair.private)
    check_signature(folder, digests(folder), KeyHolder(pair.public))


def test_an_encrypted_key_signs_with_its_password_alone(folder: Path, tmp_path: Path) -> None:
    pair = make_keys(tmp_path, password="rosebud")
    sign_with_key(folder, digests(folder), pair.private, "rosebud")
    check_signature(folder, digests(folder), KeyHolder(pair.public))
    for password in (None, "another"):
        with pytest.raises(ContractError, match="is no private key that bundles are signed with"):
            sign_with_key(folder, digests(folder), pair.private, password)


def test_what_is_no_key_of_these_curves_is_refused_in_words(folder: Path, signed: Path, tmp_path: Path) -> None:
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    rsa_key = rsa.generate_private_key(65537, 2048)
    (tmp_path / "rsa.pem").write_bytes(rsa_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    public = rsa_key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "rsa.pub.pem").write_bytes(public)
    (tmp_path / "text.pem").write_text("not a key")
    other = make_keys(tmp_path, "bitcoin", curve=ec.SECP256K1())
    for private in (tmp_path / "rsa.pem", tmp_path / "text.pem", tmp_path / "absent.pem", other.private):
        with pytest.raises(ContractError, match="is no private key that bundles are signed with"):
            sign_with_key(folder, digests(folder), private)
    for key in (tmp_path / "rsa.pub.pem", tmp_path / "text.pem", tmp_path / "absent.pem", other.public):
        with pytest.raises(ContractError, match="is no public key that signatures are checked with"):
            check_signature(signed, digests(signed), KeyHolder(key))


@pytest.mark.usefixtures("no_network")
def test_without_the_network_keyless_signing_and_checking_fail_in_words(folder: Path, signed: Path) -> None:
    with pytest.raises(RunError, match=r"Sigstore did not sign .*Failed to refresh TUF metadata"):
        sign_keyless(folder, digests(folder), Keyless())
    with pytest.raises(RunError, match="root of trust of keyless signatures cannot be had"):
        check_signature(signed, digests(signed), WHO)


def test_an_unreadable_sigstore_instance_is_refused_in_words(signed: Path, tmp_path: Path) -> None:
    (tmp_path / "instance.json").write_text("{}")
    for file in (tmp_path / "instance.json", tmp_path / "absent.json"):
        with pytest.raises(RunError, match="root of trust of keyless signatures cannot be had"):
            check_signature(signed, digests(signed), Identity(WHO.name, WHO.issuer, file))


def test_who_signs_without_a_key_reaches_sigstore(folder: Path, keys: KeyPair, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def stand_in(config: signing.Config, **options: Any) -> signing.Config:
        asked.update(options)
        return config.use_elliptic_key_signer(private_key=keys.private)

    monkeypatch.setattr(signing.Config, "use_sigstore_signer", stand_in)
    sign_keyless(folder, digests(folder), Keyless("a.b.c", ambient=True, in_browser=False))
    assert asked == {
        "identity_token": "a.b.c",
        "use_ambient_credentials": True,
        "force_oob": True,
        "trust_config": None,
    }
    check_signature(folder, digests(folder), KeyHolder(keys.public))


def test_a_demanded_signer_is_a_key_s_file_or_an_identity_with_its_issuer(
    keys: KeyPair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(SIGNED_BY, raising=False)
    assert demanded_signer() is None
    monkeypatch.setenv(SIGNED_BY, str(keys.public))
    assert demanded_signer() == KeyHolder(keys.public)
    monkeypatch.setenv(SIGNED_BY, f"{WHO.name},{WHO.issuer}")
    monkeypatch.setenv(TRUST_CONFIG, "instance.json")
    assert demanded_signer() == Identity(WHO.name, WHO.issuer, Path("instance.json"))
    for text in ("absent.pem", "release@bank.example", ",https://accounts.example", "a,http://accounts.example"):
        with pytest.raises(ContractError, match="neither the file of a public key nor IDENTITY,ISSUER"):
            parse_signer(text)
