"""A verified bundle as its verbs look at it: the manifest, every file, contract and settings, but no model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from data_schemas.contract import Schema
from data_schemas.reader import parse_schema
from fusion.bundle import Manifest, verify
from fusion.config import Config
from fusion.config_file import parse_config


@dataclass(frozen=True)
class OpenedBundle:
    """What can be read of a bundle without its model.

    Attributes:
        path: its folder.
        manifest: what it lists.
        contents: bytes of every listed file, by name.
        schema: the data contract.
        config: the settings.
    """

    path: Path
    manifest: Manifest
    contents: Mapping[str, bytes]
    schema: Schema
    config: Config


def open_bundle(path: Path) -> OpenedBundle:
    """Verify a bundle and read it; raises ContractError as ``fusion.bundle.verify`` does."""
    manifest, contents = verify(path)
    schema = parse_schema(contents["schema.json"].decode(), f"{path}/schema.json")
    config = parse_config(json.loads(contents["config.json"]), f"{path}/config.json")
    return OpenedBundle(path, manifest, contents, schema, config)
