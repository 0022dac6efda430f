"""The joint head: one logistic model of columns and narratives, fitted together in PyTorch.

log-odds = bias + linear(columns) + network(columns) + sum over narratives of what its vector, its words, or its
absence says. The text path is linear and strongly shrunk: a plain network on concatenated vectors and columns
overfits. Being linear it also splits exactly over the sentences of a narrative.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse
from torch import Tensor

from features.design import Design
from fusion.basis import Basis, HeadInputs
from fusion.config import HeadConfig
from fusion.metrics import base_log_odds

Floats = npt.NDArray[np.float64]

# Rows that go through a matrix product at once, always padded to this number: equal shapes, equal digits.
BLOCK_ROWS = 256


@dataclass(frozen=True)
class HeadOutput:
    """Log-odds of bad, in parts. columns: float64 (n,), the bias included. text: float64 (n, n_narratives)."""

    columns: Floats
    text: Floats


@dataclass(frozen=True)
class Weights:
    """The head's weights, float64.

    bias: (1,). linear: (p,). hidden: (p, width), hidden_bias: (width,), out: (width,). text: (n_narratives, dim).
    absent: (n_narratives,). words: (n_narratives * n_buckets,).
    """

    bias: Floats
    linear: Floats
    hidden: Floats
    hidden_bias: Floats
    out: Floats
    text: Floats
    absent: Floats
    words: Floats


@dataclass(frozen=True)
class Head:
    """A fitted head: its basis and its weights."""

    basis: Basis
    weights: Weights

    def output(self, design: Design) -> HeadOutput:
        """The parts of every row's log-odds; a row's digits do not depend on the rows beside it."""
        inputs, weights = self.basis.inputs(design), self.weights
        n_narratives = inputs.x_absent.shape[1]
        vector = (inputs.x_text * weights.text).sum(axis=2)
        text = vector + inputs.x_absent * weights.absent + _words(inputs.x_words, weights.words, n_narratives)
        return HeadOutput(self._columns(inputs.x_columns.astype(np.float64)), text)

    def _columns(self, x_columns: Floats) -> Floats:
        weights = self.weights
        found = np.empty(len(x_columns))
        block = np.zeros((BLOCK_ROWS, x_columns.shape[1]))
        for start in range(0, len(x_columns), BLOCK_ROWS):
            rows = x_columns[start : start + BLOCK_ROWS]
            block[: len(rows)] = rows
            network = np.tanh(block @ weights.hidden + weights.hidden_bias) @ weights.out
            found[start : start + len(rows)] = (weights.bias + block @ weights.linear + network)[: len(rows)]
        return found

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Everything, as named arrays for a safetensors file."""
        basis = {f"basis.{field.name}": getattr(self.basis, field.name) for field in fields(Basis)}
        weights = {f"weights.{field.name}": getattr(self.weights, field.name) for field in fields(Weights)}
        return {name: np.ascontiguousarray(array) for name, array in (basis | weights).items()}

    @staticmethod
    def from_arrays(arrays: Mapping[str, npt.NDArray[Any]]) -> Head:
        """The head that ``to_arrays`` wrote."""
        return Head(
            Basis(**{field.name: arrays[f"basis.{field.name}"] for field in fields(Basis)}),
            Weights(**{field.name: arrays[f"weights.{field.name}"] for field in fields(Weights)}),
        )


def _words(x_words: sparse.csr_matrix, weights: Floats, n_narratives: int) -> Floats:
    """float64 (n, n_narratives): what the words of each narrative add."""
    n_buckets = len(weights) // max(1, n_narratives)
    said = x_words.data * weights[x_words.indices]
    row = np.repeat(np.arange(x_words.shape[0]), np.diff(x_words.indptr))
    place = row * n_narratives + x_words.indices // max(1, n_buckets)
    added = np.bincount(place, said, minlength=x_words.shape[0] * n_narratives).astype(np.float64)
    return added.reshape(x_words.shape[0], n_narratives)


class Trainable(torch.nn.Module):
    """The head while it is trained. Every parameter is held times the root of its penalty, which makes the penalty
    one unit ball for all of them and L-BFGS quick.
    """

    def __init__(self, inputs: HeadInputs, config: HeadConfig, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        p = inputs.x_columns.shape[1]
        self.scale = {
            "linear": config.column_penalty**-0.5,
            "network": config.network_penalty**-0.5,
            "text": config.text_penalty**-0.5,
            "words": config.word_penalty**-0.5,
        }
        self.bias = torch.nn.Parameter(torch.zeros(1))
        self.linear = torch.nn.Parameter(torch.zeros(p))
        self.hidden = torch.nn.Parameter(torch.randn(p, config.width, generator=generator))
        self.hidden_bias = torch.nn.Parameter(torch.zeros(config.width))
        self.out = torch.nn.Parameter(torch.randn(config.width, generator=generator))
        self.text = torch.nn.Parameter(torch.zeros(inputs.x_text.shape[1:]))
        self.absent = torch.nn.Parameter(torch.zeros(inputs.x_absent.shape[1]))
        self.words = torch.nn.Parameter(torch.zeros(inputs.x_words.shape[1]))

    def margin(self, x: Tensors) -> Tensor:
        """Log-odds of every row, (n,)."""
        network = torch.tanh(x.columns @ (self.hidden * self.scale["network"]) + self.hidden_bias)
        margin: Tensor = (
            self.bias
            + x.columns @ (self.linear * self.scale["linear"])
            + network @ (self.out * self.scale["network"])
            + x.text.flatten(1) @ (self.text.flatten() * self.scale["text"])
            + x.absent @ (self.absent * self.scale["words"])
            + torch.sparse.mm(x.words, (self.words * self.scale["words"])[:, None])[:, 0]
        )
        return margin

    def penalty(self) -> Tensor:
        """Half the squared length of all penalised parameters."""
        penalised = (self.linear, self.hidden, self.out, self.text, self.absent, self.words)
        return 0.5 * torch.stack([parameter.square().sum() for parameter in penalised]).sum()

    def weights(self) -> Weights:
        """The weights at their true size."""

        def array(parameter: Tensor, scale: float = 1.0) -> Floats:
            return parameter.detach().cpu().double().numpy() * scale

        scale = self.scale
        return Weights(
            array(self.bias),
            array(self.linear, scale["linear"]),
            array(self.hidden, scale["network"]),
            array(self.hidden_bias),
            array(self.out, scale["network"]),
            array(self.text, scale["text"]),
            array(self.absent, scale["words"]),
            array(self.words, scale["words"]),
        )


@dataclass(frozen=True)
class Tensors:
    """``HeadInputs`` on the device."""

    columns: Tensor
    text: Tensor
    absent: Tensor
    words: Tensor

    @staticmethod
    def of(inputs: HeadInputs, device: torch.device) -> Tensors:
        """Copy the inputs to the device."""
        words = inputs.x_words.tocoo()
        place = torch.from_numpy(np.vstack([words.row, words.col]).astype(np.int64))
        return Tensors(
            torch.from_numpy(inputs.x_columns).to(device),
            torch.from_numpy(inputs.x_text).to(device),
            torch.from_numpy(inputs.x_absent).to(device),
            torch.sparse_coo_tensor(
                place, torch.from_numpy(words.data), words.shape, device=device, check_invariants=True
            ).coalesce(),
        )


def training_device() -> torch.device:
    """CUDA where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def fit_head(design: Design, y: Floats, config: HeadConfig, seed: int, device: torch.device | None = None) -> Head:
    """Fit a head to outcomes ``y`` (n,) by full-batch L-BFGS; equal seed, equal bits on the CPU.

    A design whose text block has no columns gives the columns-only head.
    """
    device = device or training_device()
    basis = Basis.fit(design, config.n_bins)
    inputs = basis.inputs(design)
    x, target = Tensors.of(inputs, device), torch.from_numpy(y.astype(np.float32)).to(device)
    module = Trainable(inputs, config, seed).to(device)
    with torch.no_grad():
        module.bias.fill_(base_log_odds(y))
    optimiser = torch.optim.LBFGS(
        module.parameters(),
        max_iter=config.steps,
        history_size=20,
        tolerance_grad=1e-6,
        tolerance_change=1e-9,
        line_search_fn="strong_wolfe",
    )

    def closure() -> Tensor:
        optimiser.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(module.margin(x), target, reduction="sum")
        loss = (loss + module.penalty()) / max(1, len(target))
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    return Head(basis, module.weights())
