"""An encoder with the head that guesses hidden words, opened from an encoder's folder through transformers.

No code of a folder is ever run, only safetensors are read, and nothing is fetched here.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (the name everyone knows)
from safetensors import SafetensorError
from tokenizers import Tokenizer
from torch import Tensor, nn

from data_schemas.errors import ContractError
from features.arrays import Ints
from features.encoders.devices import Device, Precision, device_of, native_bf16
from features.encoders.folder import FILES, TOKENIZER, EncoderContent, encoder_digest, usage_files
from features.encoders.source_files import locate, open_tokenizer
from features.language.batches import Batch
from features.language.new_words import pieces, with_words
from features.language.whole_words import TokenKinds

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_HEADS = (("cls",), ("lm_head",), ("head", "decoder"))
"""The parts of the masked-word head, applied one after the other: of BERT, of RoBERTa and its kin, of ModernBERT."""

_BIASES = ("cls.predictions.bias", "lm_head.bias", "decoder.bias")


@dataclass(frozen=True)
class LanguageModel:
    """An encoder with its masked-word head; open it with ``open_language_model``.

    Attributes:
        network: transformers' masked-language model, its weights in fp32.
        tokenizer: without truncation and padding.
        kinds: what masking knows of its tokens.
        digest: of the encoder's files.
        folder: where they lie.
        has_head: whether the folder held a head; else it is random, and guesses nothing until it is fitted.
        longest: tokens of the longest window.
        bf16: whether products are computed in bf16.
    """

    network: PreTrainedModel
    tokenizer: Tokenizer
    kinds: TokenKinds
    digest: str
    folder: Path
    has_head: bool
    longest: int
    bf16: bool

    @property
    def device(self) -> torch.device:
        """Where the weights live."""
        return next(self.network.parameters()).device

    @property
    def filling(self) -> int:
        """The padding token."""
        found = self.network.config.pad_token_id
        return int(found) if found is not None else 0

    def weights(self) -> dict[str, nn.Parameter]:
        """All weights by name; tied ones stand once."""
        return dict(self.network.named_parameters())

    def head_weights(self) -> set[str]:
        """Names of the weights that belong to the head alone."""
        encoder = f"{self.network.base_model_prefix}."
        return {name for name in self.weights() if not name.startswith(encoder)}

    def logits(self, batch: Batch) -> Tensor:
        """float32 (m, n_tokens): unnormalised log-probabilities of each token at the places to guess."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            vectors = self.network.base_model(input_ids=batch.tokens, attention_mask=batch.real).last_hidden_state
            at: Tensor = vectors.reshape(-1, vectors.shape[-1])[batch.places]
            for part in _head(self.network):
                at = part(at)
        return at.float()

    def loss(self, batch: Batch) -> Tensor:
        """Sum over the places to guess of -log probability of the hidden token, in nats."""
        return F.cross_entropy(self.logits(batch), batch.hidden, reduction="sum")

    def expect(self, counts: Ints) -> None:
        """Begin a random head with the frequencies of the tokens, so that it learns what goes beyond them.

        counts: int64 (n,), occurrences of each token; tokens beyond them count as never seen.
        """
        bias = self._bias()
        full = np.zeros(len(bias))
        full[: len(counts)] = counts
        with torch.no_grad():
            bias.copy_(torch.from_numpy(np.log((full + 1) / (full.sum() + len(full)))))

    def with_words(self, words: Sequence[str]) -> LanguageModel:
        """The same with these words as tokens; each begins as the mean of the pieces that it was broken into, with as
        much expectation as they have.
        """
        tokenizer = with_words(self.tokenizer, words)
        kinds = TokenKinds.of(tokenizer)
        broken = [pieces(self.tokenizer, word) for word in words]
        with torch.no_grad():
            means = [[rows[own].mean(0) for own in broken] for rows in self._by_token()]
            if len(self._by_token()[0]) < len(kinds.special):
                self.network.resize_token_embeddings(len(kinds.special), mean_resizing=False)
            for rows, found in zip(self._by_token(), means, strict=True):
                for word, mean in zip(words, found, strict=True):
                    rows[tokenizer.token_to_id(word)] = mean
        return replace(self, tokenizer=tokenizer, kinds=kinds)

    def _by_token(self) -> tuple[nn.Parameter, nn.Parameter]:
        """The weights that have a row for each token: embeddings and the head's bias."""
        return self.network.get_input_embeddings().get_parameter("weight"), self._bias()

    def _bias(self) -> nn.Parameter:
        return next(weight for name, weight in self.weights().items() if name in _BIASES)

    def content(self, card: str, beside: Mapping[str, bytes]) -> EncoderContent:
        """What its folder is to hold: the encoder's tensors, named as in the model without head, and the head's."""
        prefix = f"{self.network.base_model_prefix}."
        config = self.network.config.to_dict() | {"architectures": [type(self.network).__name__]}
        for unsure in ("_name_or_path", "dtype", "torch_dtype"):
            config.pop(unsure, None)
        tensors = {name.removeprefix(prefix): weight.detach() for name, weight in self.weights().items()}
        beside = {**usage_files(self.folder), **beside}
        return EncoderContent(config, self.tokenizer.to_str(pretty=True), tensors, card, beside)


def open_language_model(
    source: str, seed: int, precision: Precision = "auto", device: Device = "auto"
) -> LanguageModel:
    """Open an encoder with its masked-word head; a head that its folder lacks is random, from the seed.

    Raises ContractError for a source that is no encoder with a mask token or of an architecture without such a head,
    RunError when a hub cannot be reached.
    """
    folder = locate(source)
    config, tokenizer_text, weights = ((folder / name).read_bytes() for name in FILES)
    digest = encoder_digest(config, tokenizer_text, hashlib.sha256(weights).hexdigest())
    tokenizer = open_tokenizer(tokenizer_text, folder / TOKENIZER)
    kinds = TokenKinds.of(tokenizer)
    on = device_of(device)
    network, missing = _network(folder, seed, on)
    if missing_encoder := sorted(name for name in missing if name.startswith(f"{network.base_model_prefix}.")):
        raise ContractError(
            f"{folder} lacks the tensor {missing_encoder[0]}", "Give the encoder's folder as it was published."
        )
    bf16 = precision == "bf16" or (precision == "auto" and native_bf16(on))
    return LanguageModel(network, tokenizer, kinds, digest, folder, not missing, _longest(network), bf16)


def _network(folder: Path, seed: int, device: torch.device) -> tuple[PreTrainedModel, set[str]]:
    """The model in fp32 on the device, and the names of the tensors that its folder lacks."""
    from transformers import AutoModelForMaskedLM  # takes seconds

    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []), quiet():
        torch.manual_seed(seed)
        try:
            network, found = AutoModelForMaskedLM.from_pretrained(
                folder,
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                dtype=torch.float32,
                output_loading_info=True,
            )
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
            raise ContractError(
                f"{folder} cannot be opened as a masked-language model: {str(error).splitlines()[0][:200]}",
                "Give the folder of a BERT, RoBERTa or ModernBERT encoder as it was published.",
            ) from error
    _head(network)
    nn.Module.to(network, device)
    return network, set(found["missing_keys"])


def _head(network: PreTrainedModel) -> list[nn.Module]:
    """The parts of the masked-word head; raises ContractError for an architecture of another form."""
    children = dict(network.named_children())
    for names in _HEADS:
        if all(name in children for name in names):
            return [children[name] for name in names]
    raise ContractError(
        f"{type(network).__name__} has no masked-word head that can be trained here",
        "Give a BERT, RoBERTa or ModernBERT encoder.",
    )


def _longest(network: PreTrainedModel) -> int:
    """Tokens of the longest window; RoBERTa's kin count positions from the one after the padding token's."""
    positions = int(network.config.max_position_embeddings)
    return positions - (network.config.pad_token_id + 1 if hasattr(network, "lm_head") else 0)


@contextmanager
def quiet() -> Iterator[None]:
    """transformers without its progress bars and reports of missing heads."""
    from transformers.utils import logging as reports

    level = reports.get_verbosity()
    bars = reports.is_progress_bar_enabled()
    reports.set_verbosity(logging.CRITICAL)
    reports.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        reports.set_verbosity(level)
        if bars:
            reports.enable_progress_bar()  # type: ignore[no-untyped-call]
