"""API keys: a file of names and hashes; keys themselves are kept by their holders alone.

A key is 32 random bytes, so that its plain SHA-256 can be neither guessed nor searched; no slow hash is needed.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from data_schemas.errors import ContractError, RunError

PREFIX = "cf_"
"""Begins every key, so that scanners of source code recognise one that leaks."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Keys:
    """The keys that may use the service.

    Attributes:
        hashes: Hex SHA-256 of each key, by the name of its holder.
    """

    hashes: Mapping[str, str]

    def holder(self, key: str) -> str | None:
        """Whose key it is; None for nobody's. Takes as long for a wrong key as for a right one."""
        given, found = key_hash(key), None
        for name, known in self.hashes.items():
            if hmac.compare_digest(known, given):
                found = name
        return found


def key_hash(key: str) -> str:
    """Hex SHA-256 of a key."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def read_keys(path: Path) -> Keys:
    """The keys of a file of lines ``NAME HASH``; lines that begin with # are comments.

    Raises ContractError for a line that is none, a name that stands twice or a file without keys; RunError for one that
    cannot be read.
    """
    keys = _parse(path)
    if not keys.hashes:
        raise ContractError(f"{path} holds no key", "Make one with `creditfusion serve new-key`.")
    return keys


def _parse(path: Path) -> Keys:
    """The keys of a file that may hold none yet; else raises as ``read_keys`` does."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(f"the keys in {path} cannot be read", "Check the path of --keys.") from error
    hashes: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        parts = line.split()
        if len(parts) != 2 or not _NAME.fullmatch(parts[0]) or not _HASH.fullmatch(parts[1]):
            remedy = "Write NAME HASH, as `creditfusion serve new-key` does; the file holds hashes, never keys."
            raise ContractError(f"{path}, line {number} holds no key", remedy)
        if parts[0] in hashes:
            raise ContractError(f"{path}, line {number} names {parts[0]} again", "Give each key a name of its own.")
        hashes[parts[0]] = parts[1]
    return Keys(hashes)


def add_key(name: str, path: Path) -> str:
    """Make a key, and append its hash to a file that only its owner may read; the key, which nothing keeps.

    Raises ContractError for what is no name or one that is taken, RunError for a file that cannot be written.
    """
    if not _NAME.fullmatch(name):
        raise ContractError(f"{name!r} is no name for a key", "Take letters, digits, '_', '.' and '-', at most 64.")
    if path.exists() and name in _parse(path).hashes:
        raise ContractError(f"{path} has a key of the name {name}", "Remove its line first, or take another name.")
    key = PREFIX + secrets.token_urlsafe(32)
    try:
        before = path.read_bytes() if path.exists() else b""
        line_end = "\n" if before and not before.endswith(b"\n") else ""  # as an editor may leave the last line
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(f"{line_end}{name} {key_hash(key)}\n")
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror}", "Choose another path.") from error
    return key
