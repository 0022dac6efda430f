"""Settings as users write them: TOML, the name of a preset, and ``key=value`` overrides.

An unknown key fails and names the nearest valid one.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from data_schemas.errors import ContractError
from fusion.config import Config, Json, valid_keys

PRESETS = Path(__file__).parent / "presets"


def load_config(path: Path | None = None, overrides: Sequence[str] = ()) -> Config:
    """The defaults, then the TOML file, then the ``key=value`` overrides (values in TOML form; a bare word is text).

    In the place of a file stands the name of settings that come with the package, such as ``mission``.

    Raises ContractError for an unreadable file, an unknown key (naming the nearest) or a value out of its range.
    """
    tree = _read_toml(path) if path else {}
    origin = str(path) if path else "the settings"
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals:
            raise ContractError(f"--set {override!r} has no '='", "Write it as --set stacker.num_leaves=7.")
        section, _, name = key.strip().partition(".")
        node = tree.setdefault(section, {})
        if not isinstance(node, dict):
            raise ContractError(f"{section!r} is a section in {origin}, not a value", f"Write it as [{section}].")
        node[name] = _toml_value(text.strip())
    return parse_config(tree, origin)


def parse_config(tree: Mapping[str, object], origin: str) -> Config:
    """A config from plain data; raises ContractError as ``load_config`` does."""
    valid = valid_keys()
    for key in _leaves(tree):
        if key not in valid:
            near = difflib.get_close_matches(key, valid, n=1, cutoff=0.0)
            raise ContractError(f"unknown setting {key!r} in {origin}", f"The nearest valid one is {near[0]!r}.")
    try:
        config = Config.model_validate(tree)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ContractError(
            f"setting {key!r} in {origin}: {first['msg']}, got {first['input']!r}", "Correct the value."
        ) from error
    if config.augment.kinds and config.encoder.tuning == "none":
        raise ContractError(
            f"augment.kinds in {origin} names {config.augment.kinds[0]!r}, and nothing learns from variants while "
            "encoder.tuning is 'none'",
            "Set encoder.tuning to another value, or leave augment.kinds empty.",
        )
    return config


def _leaves(tree: Mapping[str, object]) -> Iterator[str]:
    for section, node in tree.items():
        if isinstance(node, Mapping):
            yield from (f"{section}.{name}" for name in node)
        else:
            yield section


def _read_toml(path: Path) -> Json:
    shipped = PRESETS / f"{path}.toml"
    try:
        return tomllib.loads((path if path.exists() or not shipped.exists() else shipped).read_text(encoding="utf-8"))
    except OSError as error:
        raise ContractError(f"config file {path} cannot be read ({error.strerror})", "Check the path.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ContractError(f"config file {path} is not valid TOML: {error}", "Correct the file.") from error


def _toml_value(text: str) -> object:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
