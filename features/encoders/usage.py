"""How an encoder's publisher means it to be used: its pooling and its prefix, as sentence-transformers writes them.

Of the files that sentence-transformers keeps beside a model, ``1_Pooling/config.json`` says how tokens become one
vector, and ``config_sentence_transformers.json`` which text stands before every other by default. A ``Normalize``
module has no effect here: vectors are left at their length, since a mean of sentences' vectors is taken of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from data_schemas.errors import ContractError

Pooling = Literal["tokens", "words", "cls"]
PoolingChoice = Literal["auto", "tokens", "words", "cls"]
AUTO = "auto"
POOLING, PROMPTS = "1_Pooling/config.json", "config_sentence_transformers.json"


@dataclass(frozen=True)
class Usage:
    """How an encoder is used.

    Attributes:
        pooling: which tokens a vector is the mean of, see ``BertEncoder``.
        prefix: text before every text.
    """

    pooling: Pooling = "tokens"
    prefix: str = ""


def read_usage(folder: Path, pooling: PoolingChoice, prefix: str) -> Usage:
    """The usage that is asked for; ``"auto"`` is what the folder's files say, and the mean without a prefix where they
    say nothing. Raises ContractError for what they say and cannot be done here.
    """
    found = Usage(_pooling(folder) if pooling == "auto" else pooling, _prefix(folder) if prefix == AUTO else prefix)
    if found.prefix and _json(folder / POOLING).get("include_prompt") is False:
        raise ContractError(
            f"{folder / POOLING}: a prefix that is left out of the mean is not supported", "Set encoder.prefix to ''."
        )
    return found


def _pooling(folder: Path) -> Pooling:
    modes = _json(folder / POOLING)
    chosen = {name.removeprefix("pooling_mode_") for name, value in modes.items() if value is True} - {"include_prompt"}
    if isinstance(named := modes.get("pooling_mode"), str):
        chosen = {named}
    if chosen <= {"mean_tokens", "mean"}:
        return "tokens"
    if chosen <= {"cls_token", "cls"}:
        return "cls"
    raise ContractError(
        f"{folder / POOLING}: pooling by {' and '.join(sorted(chosen))} is not supported",
        "Set encoder.pooling to tokens, the mean of the tokens' vectors, or choose another encoder.",
    )


def _prefix(folder: Path) -> str:
    content = _json(folder / PROMPTS)
    prompts, name = content.get("prompts"), content.get("default_prompt_name")
    return str(prompts.get(name, "")) if isinstance(prompts, dict) and name else ""


def _json(path: Path) -> Mapping[str, object]:
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ContractError(f"{path} cannot be read as JSON", "Give the folder as it was published.") from error
    return found if isinstance(found, dict) else {}
