"""Paths of options that may be addresses of object stores."""

from __future__ import annotations

import re
from pathlib import Path

_SHORTENED = re.compile(r"([a-z][a-z0-9+.-]+):/+(.*)")


def is_address(path: Path) -> bool:
    """Whether it was typed as an address, such as ``s3://bucket/folder``."""
    return _SHORTENED.fullmatch(str(path)) is not None


def address(path: Path) -> str:
    """An absolute path, or the address that was typed: ``Path`` takes a slash from the ``//`` of ``s3://bucket``."""
    shortened = _SHORTENED.fullmatch(str(path))
    if shortened is None:
        return str(path.absolute())
    scheme, rest = shortened.groups()
    return f"{scheme}://{'/' if scheme == 'file' else ''}{rest}"
