"""Where bundles are: what tells a folder to be one, and what may be written where; imports nothing that takes time."""

from __future__ import annotations

from pathlib import Path

from data_schemas.errors import ContractError

MANIFEST, MANIFEST_DIGEST = "manifest.json", "manifest.sha256"


def is_bundle(folder: Path) -> bool:
    """Whether the folder looks like a bundle, which is not verified."""
    return (folder / MANIFEST).is_file() and (folder / MANIFEST_DIGEST).is_file()


def check_outside(path: Path, option: str = "--out") -> None:
    """Raise ContractError when ``path`` is a bundle or lies in one: a file more, and every verb would refuse it."""
    place = path.resolve()
    for folder in (place, *place.parents):
        if is_bundle(folder):
            raise ContractError(f"{option} {path} lies in the model bundle {folder}", "Choose a place outside it.")


def check_place(path: Path, replace: bool = True) -> None:
    """Raise ContractError when ``path`` exists and is not a bundle, which ``save`` of ``fusion.bundle`` would replace.

    replace: whether a bundle may be replaced; it is refused otherwise.
    """
    if path.exists() and not is_bundle(path):
        raise ContractError(f"{path} exists and is not a model bundle", "Choose another --out.")
    if path.exists() and not replace:
        raise ContractError(f"{path} holds a model already", "Replace it with --force, or choose another --out.")
