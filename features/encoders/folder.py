"""The folder of an encoder: what one that was trained here is written as, and ``encoder.source`` takes.

It has the layout that transformers and sentence-transformers read: ``config.json``, ``tokenizer.json``,
``model.safetensors`` and the card ``README.md``; beside them ``encoder.json`` with the digests of what is read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from data_schemas.errors import ContractError
from features.atomic_files import new_folder

if TYPE_CHECKING:
    from torch import Tensor

CONFIG, TOKENIZER, WEIGHTS = "config.json", "tokenizer.json", "model.safetensors"
FILES = (CONFIG, TOKENIZER, WEIGHTS)
CARD, DIGESTS = "README.md", "encoder.json"
USAGE_FILES = (
    "modules.json",
    "1_Pooling/config.json",
    "sentence_bert_config.json",
    "config_sentence_transformers.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
)
"""Files in which an encoder says how it is meant to be used: its pooling, its prefixes, its longest text."""


@dataclass(frozen=True)
class EncoderContent:
    """What an encoder's folder is to hold.

    Attributes:
        config: what becomes ``config.json``, as transformers writes it for the model without heads.
        tokenizer: text of ``tokenizer.json``.
        weights: tensors by the names that transformers gives them in the model without heads ("embeddings. ...",
            "encoder.layer.0. ..."), on any device; no two may share memory.
        card: text of ``README.md``; it may quote no text of an applicant.
        beside: more files by their path in the folder, such as those of ``usage_files``.
    """

    config: Mapping[str, object]
    tokenizer: str
    weights: Mapping[str, Tensor]
    card: str
    beside: Mapping[str, bytes] = field(default_factory=dict)


def write_encoder_folder(out: Path, content: EncoderContent) -> str:
    """Write the folder whole or not at all, in place of an older one; the digest of the encoder. Equal content gives
    equal bytes.

    Raises ContractError as ``check_encoder_place`` does; OSError.
    """
    from safetensors.torch import save as tensors_as_bytes  # takes seconds

    check_encoder_place(out)
    weights = {name: content.weights[name].detach().cpu().contiguous() for name in sorted(content.weights)}
    read = {
        CONFIG: (json.dumps(content.config, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode(),
        TOKENIZER: content.tokenizer.encode(),
        WEIGHTS: tensors_as_bytes(weights, {"format": "pt"}),
    }
    files = {name: hashlib.sha256(data).hexdigest() for name, data in read.items()}
    digest = encoder_digest(read[CONFIG], read[TOKENIZER], files[WEIGHTS])
    digests = {"digest": digest, "files": files}
    written = {CARD: content.card.encode(), DIGESTS: (json.dumps(digests, indent=2) + "\n").encode()}
    with new_folder(out) as folder:
        for name, data in {**content.beside, **read, **written}.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
    return digest


def check_encoder_place(out: Path) -> None:
    """Raise ContractError when ``out`` exists and is not an encoder's folder, which ``write_encoder_folder`` would
    replace.
    """
    if out.exists() and not all((out / name).is_file() for name in (*FILES, DIGESTS)):
        raise ContractError(
            f"{out} exists and is no encoder folder that creditfusion wrote", "Choose another --out, or move it away."
        )


def encoder_digest(config: bytes, tokenizer: bytes, weights_sha256: str) -> str:
    """sha256, in hexadecimal digits, that names an encoder: of the digests of its three files.

    weights_sha256: of the largest of them, which is hashed once.
    """
    parts = (hashlib.sha256(config).digest(), hashlib.sha256(tokenizer).digest())
    return hashlib.sha256(weights_sha256.encode() + b"".join(parts)).hexdigest()


def check_digests(folder: Path, digest: str) -> None:
    """Raise ContractError when the folder's ``encoder.json`` names another digest; a folder without one is taken as it
    is.
    """
    try:
        stated = json.loads((folder / DIGESTS).read_bytes())["digest"]
    except FileNotFoundError:
        return
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ContractError(f"{folder / DIGESTS} cannot be read", "Give the folder as it was written.") from error
    if stated != digest:
        raise ContractError(
            f"{folder}: its files are not those that {DIGESTS} names; the folder was damaged or changed",
            "Give the folder as it was written, or write it anew.",
        )


def usage_files(folder: Path) -> dict[str, bytes]:
    """The ``USAGE_FILES`` that a folder has; what is made from its encoder keeps them. Raises OSError."""
    return {name: (folder / name).read_bytes() for name in USAGE_FILES if (folder / name).is_file()}
