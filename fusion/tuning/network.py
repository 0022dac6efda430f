"""The encoder with a linear output on its narratives' vectors, as it is trained."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from features.arrays import Ints
from features.encoders.encoder import BertEncoder
from features.encoders.windows import before_and_after
from features.language.model import quiet
from fusion.config import EncoderConfig, TuningConfig
from fusion.tuning.lower_layers import Tokens

OUTPUT_PENALTY = 1000.0  # ridge on the output's weights at the start: vectors are scaled as the head scales them
OUTPUT_RATE = 10.0  # times the encoder's learning rate
START_STEPS = 100
MOST_PADDED = 1.3
"""Length of the longest piece of those that are read at once, in lengths of the shortest: titles and narratives are not
padded alike."""

_opening = threading.Lock()  # transformers sets what all threads share while it opens a model


class Dropout(nn.Module):
    """Dropout from a generator of its own, so that networks that are trained side by side do not share their draws."""

    def __init__(self, share: float, generator: torch.Generator) -> None:
        super().__init__()
        self.share, self.generator = share, generator

    def forward(self, x: Tensor) -> Tensor:
        """Of any shape; nothing is dropped but in training."""
        if not self.training or not self.share:
            return x
        kept = torch.rand(x.shape, generator=self.generator, device=x.device) >= self.share
        return x * kept / (1.0 - self.share)


class LowRank(nn.Module):
    """A matrix and an addition of low rank, zero at first (Hu et al., LoRA, ICLR 2022)."""

    def __init__(self, shape: torch.Size, rank: int, generator: torch.Generator) -> None:
        super().__init__()
        n_out, n_in = shape
        down = torch.randn((rank, n_in), generator=generator, device=generator.device) / n_in**0.5
        self.down = nn.Parameter(down)
        self.up = nn.Parameter(torch.zeros((n_out, rank), device=generator.device))

    def forward(self, weight: Tensor) -> Tensor:
        """(n_out, n_in), as a parametrization of ``weight``."""
        return weight + self.up @ self.down


@dataclass(frozen=True)
class Pieces:
    """What is read of some rows.

    Attributes:
        tokens: of each piece, special ones included.
        row: place of each piece's row among the rows.
        column: its narrative column.
        n_rows: number of rows.
    """

    tokens: Sequence[Tokens]
    row: Sequence[int]
    column: Sequence[int]
    n_rows: int


class Network(nn.Module):
    """Margins of rows: the sum over their narratives of a linear output on the mean token vector."""

    mean: Tensor
    scale: Tensor

    def __init__(self, bert: Any, opened: BertEncoder, n_narratives: int, tuned: Sequence[str]) -> None:
        """bert: the ``transformers.BertModel`` of ``opened``; tuned: names of the tensors that change."""
        super().__init__()
        self.bert, self.pooling, self.tuned = bert, opened.pooling, tuple(tuned)
        self.in_bf16 = opened.precision == "bf16"
        self.n_before = len(before_and_after(opened.tokenizer, opened.prefix)[0])
        self.n_layers, dim = int(bert.config.num_hidden_layers), int(bert.config.hidden_size)
        self.first = min(int(name.split(".")[2]) for name in tuned if name.startswith("encoder.layer."))
        self.longest = int(bert.config.max_position_embeddings)
        self.weight = nn.Parameter(torch.zeros(n_narratives, dim))
        self.bias = nn.Parameter(torch.zeros(n_narratives + 1))
        self.register_buffer("mean", torch.zeros(n_narratives, dim))
        self.register_buffer("scale", torch.ones(n_narratives))
        self.to(bert.device)

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.weight.device

    def vectors(self, pieces: Pieces) -> Tensor:
        """float32 (n_pieces, dim): mean token vectors, as ``features.encoders.encoder.BertEncoder`` pools them."""
        lengths = np.array([len(own) for own in pieces.tokens])
        order = np.argsort(lengths, kind="stable")
        groups = np.split(order, _where_longer(lengths[order]))
        found = torch.cat([self._pooled([pieces.tokens[at] for at in group]) for group in groups])
        return found[torch.from_numpy(np.argsort(order, kind="stable")).to(self.device)]

    def _pooled(self, pieces: Sequence[Tokens]) -> Tensor:
        """float32 (n_pieces, dim), of pieces of similar length, padded to the longest."""
        lengths = torch.tensor([len(own) for own in pieces])
        tokens = nn.utils.rnn.pad_sequence([torch.from_numpy(own) for own in pieces], batch_first=True)
        place = torch.arange(tokens.shape[1])
        mask = place < lengths[:, None]
        counted = mask.float()
        if self.pooling == "words":
            inner = (place >= self.n_before) & (place < lengths[:, None] - 1)
            counted = torch.where(lengths[:, None] > self.n_before + 1, inner, mask).float()
        elif self.pooling == "cls":
            counted = (place == 0).float().expand(mask.shape)
        tokens, mask, counted = (one.to(self.device) for one in (tokens, mask, counted))
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.in_bf16):
            hidden = self._hidden(tokens, mask)
        return (hidden.float() * counted[:, :, None]).sum(1) / counted.sum(1, keepdim=True)

    def _hidden(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """(n_pieces, length, dim), after the last layer."""
        if not tokens.is_floating_point():
            hidden: Tensor = self.bert(input_ids=tokens, attention_mask=mask).last_hidden_state
            return hidden
        layer_mask = None if bool(mask.all()) else mask[:, None, None, :].expand(-1, 1, mask.shape[1], -1)
        hidden = tokens.float()
        for layer in self.bert.encoder.layer[self.first :]:
            hidden = layer(hidden, layer_mask)
        return hidden

    def forward(self, pieces: Pieces) -> Tensor:
        """float32 (n_rows,): what the narratives add to the log-odds."""
        column, row = (torch.tensor(one, device=self.device) for one in (pieces.column, pieces.row))
        x = (self.vectors(pieces) - self.mean[column]) / self.scale[column][:, None]
        terms = (x * self.weight[column]).sum(1) + self.bias[column]
        return torch.zeros(pieces.n_rows, device=self.device).index_add(0, row, terms) + self.bias[-1]

    def start(self, vectors: Tensor, written: Tensor, y: Tensor, offset: Tensor, weight: Tensor) -> None:
        """Fit the output alone, as a ridge regression on the vectors of the encoder as it comes.

        An output that starts from nothing would first pull the encoder in directions of chance (Kumar et al., ICLR
        2022).

        Args:
            vectors: float32 (n, n_narratives, dim).
            written: bool (n, n_narratives), where there is one.
            y: float32 (n,), outcomes.
            offset: float32 (n,), log-odds that need not be learned.
            weight: float32 (n,), how much each row counts.
        """
        for at in range(len(self.weight)):
            own = vectors[written[:, at], at]
            if len(own) > 1:
                self.mean[at], self.scale[at] = own.mean(0), own.var(0).mean().sqrt().clamp_min(1e-6)
        x = (vectors - self.mean) / self.scale[:, None] * written[:, :, None]
        optimizer = torch.optim.LBFGS([self.weight, self.bias], max_iter=START_STEPS, line_search_fn="strong_wolfe")

        def closure() -> Tensor:
            optimizer.zero_grad()
            terms = (x * self.weight).sum(2) + written * self.bias[:-1]
            margin = offset + self.bias[-1] + terms.sum(1)
            loss = nn.functional.binary_cross_entropy_with_logits(margin, y, weight, reduction="sum")
            loss = loss + 0.5 * OUTPUT_PENALTY * self.weight.square().sum() + 0.5 * self.bias[:-1].square().sum()
            torch.autograd.backward(loss)
            return loss

        optimizer.step(closure)  # type: ignore[no-untyped-call]

    def optimizer(self, config: TuningConfig) -> torch.optim.AdamW:
        """AdamW with a learning rate for each layer; only matrices decay."""
        groups: list[dict[str, Any]] = []
        for name, parameter in self.bert.named_parameters():
            if parameter.requires_grad:
                layer = int(name.split(".")[2]) + 1 if name.startswith("encoder.layer.") else 0
                rate = config.learning_rate * config.layer_decay ** (self.n_layers - layer)
                decay = config.weight_decay if parameter.ndim > 1 else 0.0
                groups.append({"params": [parameter], "lr": rate, "weight_decay": decay})
        rate = OUTPUT_RATE * config.learning_rate
        groups.append({"params": [self.weight, self.bias], "lr": rate, "weight_decay": 0.0})
        return torch.optim.AdamW(groups)

    @torch.no_grad()
    def tensors(self) -> dict[str, Tensor]:
        """Copies of the tensors that change, merged with what was added to them."""
        found = {}
        for name in self.tuned:
            module, _, leaf = name.rpartition(".")
            found[name] = getattr(self.bert.get_submodule(module), leaf).detach().clone().float().cpu()
        return found


def open_network(
    source: Path,
    opened: BertEncoder,
    encoder: EncoderConfig,
    config: TuningConfig,
    n_narratives: int,
    generator: torch.Generator,
) -> Network:
    """The encoder in the folder ``source``, of which learns what the settings say; on the generator's device.

    opened: the same encoder, as models read with it.
    """
    with _opening, quiet():
        from transformers import BertModel  # takes seconds, and not two threads at once

        bert: Any = BertModel.from_pretrained(
            source,
            add_pooling_layer=False,
            local_files_only=True,
            use_safetensors=True,
            dtype=torch.float32,
            attention_probs_dropout_prob=0.0,
        )
    bert.to(generator.device)
    n_layers = int(bert.config.num_hidden_layers)
    names = [name for name, _ in bert.named_parameters() if _learns(name, n_layers, encoder, config)]
    if encoder.tuning == "lora":
        names = [name for name in names if bert.get_parameter(name).ndim == 2]
    for name, parameter in bert.named_parameters():
        parameter.requires_grad_(name in names and encoder.tuning != "lora")
    if encoder.tuning == "lora":
        for name in names:
            module = bert.get_submodule(name.rpartition(".")[0])
            addition = LowRank(module.weight.shape, config.rank, generator)
            parametrize.register_parametrization(module, "weight", addition)
    for name, module in list(bert.named_modules()):
        if isinstance(module, nn.Dropout) and not name.endswith("attention.self.dropout"):  # that one is a number
            parent, _, leaf = name.rpartition(".")
            share = config.dropout if _learns(name, n_layers, encoder, config) else 0.0
            setattr(bert.get_submodule(parent), leaf, Dropout(share, generator))
    return Network(bert, opened, n_narratives, names)


def _where_longer(lengths: Ints) -> list[int]:
    """Where ascending lengths are cut into groups, the longest of each at most ``MOST_PADDED`` times the shortest."""
    cuts, shortest = [], lengths[0]
    for at, length in enumerate(lengths):
        if length > MOST_PADDED * shortest:
            cuts.append(at)
            shortest = length
    return cuts


def _learns(name: str, n_layers: int, encoder: EncoderConfig, config: TuningConfig) -> bool:
    """Whether a part of the encoder lies in what the settings tune."""
    if encoder.tuning == "full":
        return True
    top = name.split(".")
    return name.startswith("encoder.layer.") and int(top[2]) >= n_layers - config.n_layers
