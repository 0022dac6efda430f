"""Encoders of the BERT family that our own forward pass cannot run, through transformers.

A text's vector must not depend on its neighbours here either, so every batch has one of a few shapes
(``features.encoders.networks.fixed_shapes``). At least one place of a row is always padding: transformers leaves the
mask away from a batch that has none, and other kernels would run. No code of a source is run, only classes that come
with transformers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from data_schemas.errors import ContractError
from features.encoders.networks.fixed_shapes import FixedShapes

if TYPE_CHECKING:
    from transformers import PretrainedConfig

FAMILIES = (
    "albert",
    "bert",
    "camembert",
    "deberta-v2",
    "distilbert",
    "electra",
    "modernbert",
    "mpnet",
    "roberta",
    "xlm-roberta",
)
STEP = 32
CPU_BATCH = 1024  # tokens of a batch, padding included
CUDA_BATCH = 32768


@dataclass(frozen=True)
class OtherBert:
    """A model of transformers as a ``TokenModel``. Make it with ``OtherBert.of``.

    Attributes:
        network: gives ``last_hidden_state``, in evaluation mode.
        places: positions that the model knows.
    """

    network: nn.Module
    places: int
    pad: int
    dim: int
    dtype: torch.dtype
    device: torch.device
    engine: str

    @staticmethod
    def of(
        weights: Mapping[str, Tensor],
        config: Mapping[str, object],
        dtype: torch.dtype,
        device: torch.device,
        origin: str,
    ) -> OtherBert:
        """Build it from a state dict of the model without heads and its ``config.json``.

        Raises ContractError for a configuration that transformers does not take, a tensor of another shape or a
        family that is not in ``FAMILIES``; KeyError naming a missing tensor.
        """
        if (kind := config.get("model_type")) not in FAMILIES or config.get("is_decoder"):
            raise ContractError(
                f"{origin}: an encoder of type {kind!r} cannot be read",
                f"Give an encoder of one of these types: {', '.join(FAMILIES)}, static.",
            )
        from transformers import CONFIG_MAPPING, MODEL_MAPPING, __version__

        try:
            settings = CONFIG_MAPPING[kind].from_dict(dict(config))
            make = cast("Callable[[PretrainedConfig], nn.Module]", MODEL_MAPPING[type(settings)])
            with torch.random.fork_rng(devices=[]):  # weights are drawn before they are replaced
                network = make(settings)
            found = network.load_state_dict(dict(weights), strict=False)
        except (RuntimeError, ValueError, TypeError, AttributeError) as error:
            reason = str(error).strip().split("\n")[-1].strip()
            raise ContractError(
                f"{origin} does not fit its weights, or transformers: {reason}", "Give the folder as it was published."
            ) from error
        if missing := [name for name in found.missing_keys if not name.startswith("pooler.")]:
            raise KeyError(missing[0])
        places, pad = _places(network, settings), settings.pad_token_id or 0
        network = network.to(device=device, dtype=dtype).eval().requires_grad_(False)
        return OtherBert(network, places, pad, settings.hidden_size, dtype, device, f"transformers {__version__}")

    @property
    def max_tokens(self) -> int:
        """Longest window: one place is kept for padding."""
        return self.places - 1

    @property
    def batch_tokens(self) -> int:
        """Tokens of a batch."""
        return CPU_BATCH if self.device.type == "cpu" else CUDA_BATCH

    def token_vectors(self, windows: Sequence[Tensor]) -> Tensor:
        """float32 (n_tokens, dim), one window after the other."""
        shapes = FixedShapes(STEP, self.places, self.batch_tokens, spare=1, pad=self.pad)
        return shapes.token_vectors(windows, self._hidden)

    def _hidden(self, ids: Tensor, mask: Tensor) -> Tensor:
        found: Tensor = self.network(
            input_ids=ids.to(self.device), attention_mask=mask.to(self.device)
        ).last_hidden_state
        return found.float()


def base_weights(weights: Mapping[str, Tensor], config: Mapping[str, object]) -> dict[str, Tensor]:
    """The tensors by their names in the model without heads: checkpoints of one with a head have a prefix."""
    prefixes = [f"{name}." for name in _PREFIXES.get(str(config.get("model_type")), ())]
    return {
        next((name.removeprefix(p) for p in prefixes if name.startswith(p)), name): tensor
        for name, tensor in weights.items()
    }


_PREFIXES = {
    "albert": ("albert",),
    "bert": ("bert",),
    "camembert": ("roberta", "camembert"),
    "deberta-v2": ("deberta",),
    "distilbert": ("distilbert",),
    "electra": ("electra",),
    "modernbert": ("model",),
    "mpnet": ("mpnet",),
    "roberta": ("roberta",),
    "xlm-roberta": ("roberta",),
}


def _places(network: nn.Module, config: PretrainedConfig) -> int:
    """How many tokens have a position; some families begin to count them behind the padding's id."""
    table = getattr(getattr(network, "embeddings", None), "position_embeddings", None)
    skipped = getattr(table, "padding_idx", None)
    return int(config.max_position_embeddings) - (0 if skipped is None else int(skipped) + 1)
