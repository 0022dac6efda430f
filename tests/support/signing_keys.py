"""Pairs of elliptic-curve keys, as files, for signatures of bundles."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec


@dataclass(frozen=True)
class KeyPair:
    """Files of a private key and its public one."""

    private: Path
    public: Path


def make_keys(folder: Path, name: str = "key", *, curve: ec.EllipticCurve | None = None, password: str = "") -> KeyPair:
    """A new pair in ``folder``; P-256 unless another curve is given, encrypted where there is a password."""
    key = ec.generate_private_key(curve or ec.SECP256R1())
    pair = KeyPair(folder / f"{name}.pem", folder / f"{name}.pub.pem")
    sealed: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password:
        sealed = serialization.BestAvailableEncryption(password.encode())
    pem = serialization.Encoding.PEM
    pair.private.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, sealed))
    pair.public.write_bytes(
        key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo),
    )
    return pair
