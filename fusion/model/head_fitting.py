"""Fitting the joint head in PyTorch, columns and narratives together."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy import sparse
from scipy.optimize import Bounds, minimize
from threadpoolctl import threadpool_limits
from torch import Tensor
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from features.arrays import Floats, Ints
from features.encoders.threads import lone_workers
from fusion.config import HeadConfig
from fusion.metrics import base_log_odds
from fusion.model.basis import HeadInputs
from fusion.model.head import Head
from fusion.model.lesson import Lesson


class Trainable(torch.nn.Module):
    """The head while it is trained. Every parameter is held times the root of its penalty, which makes the penalty
    one unit ball for all of them and L-BFGS quick.
    """

    def __init__(self, inputs: HeadInputs, config: HeadConfig) -> None:
        super().__init__()
        self.occurring = np.unique(inputs.x_words.indices)  # other words add nothing, and need no parameter
        self.n_words = inputs.x_words.shape[1]
        self.scale = {
            "columns": config.column_penalty**-0.5,
            "text": config.text_penalty**-0.5,
            "words": config.word_penalty**-0.5,
        }
        self.bias = torch.nn.Parameter(torch.zeros(1))
        self.columns = torch.nn.Parameter(torch.zeros(inputs.x_columns.shape[1]))
        self.text = torch.nn.Parameter(torch.zeros(inputs.x_text.shape[1:]))
        self.absent = torch.nn.Parameter(torch.zeros(inputs.x_absent.shape[1]))
        self.words = torch.nn.Parameter(torch.zeros(len(self.occurring)))

    def margin(self, x: Tensors) -> Tensor:
        """Log-odds of every row, (n,)."""
        margin: Tensor = (
            self.bias
            + x.columns @ (self.columns * self.scale["columns"])
            + x.text.flatten(1) @ (self.text.flatten() * self.scale["text"])
            + x.absent @ (self.absent * self.scale["words"])
            + x.words(self.words * self.scale["words"])
        )
        return margin

    def penalty(self) -> Tensor:
        """Half the squared length of all penalised parameters."""
        penalised = (self.columns, self.text, self.absent, self.words)
        return 0.5 * torch.stack([parameter.square().sum() for parameter in penalised]).sum()

    def bounds(self, direction: Ints) -> Bounds:
        """Bounds on all parameters in one row: a weight of a directed column may not have the other sign."""
        lower, upper = [], []
        for name, parameter in self.named_parameters():
            sign = direction if name == "columns" else np.zeros(parameter.numel(), dtype=np.int64)
            lower.append(np.where(sign > 0, 0.0, -np.inf))
            upper.append(np.where(sign < 0, 0.0, np.inf))
        return Bounds(np.concatenate(lower), np.concatenate(upper))

    def head(self) -> Head:
        """The head, its weights at their true size."""

        def array(parameter: Tensor, scale: float = 1.0) -> Floats:
            return parameter.detach().cpu().double().numpy() * scale

        words = np.zeros(self.n_words)
        words[self.occurring] = array(self.words, self.scale["words"])
        return Head(
            array(self.bias),
            array(self.columns, self.scale["columns"]),
            array(self.text, self.scale["text"]),
            array(self.absent, self.scale["words"]),
            words,
        )


class _Product(torch.autograd.Function):
    """A sparse matrix times a vector; the gradient is its transpose times that of the product.

    Torch's own derivative sorts the matrix anew at every step, which took most of the time of a fit.
    """

    @staticmethod
    def forward(ctx: Any, vector: Tensor, matrix: Tensor, transposed: Tensor) -> Tensor:
        ctx.transposed = transposed
        return _times(matrix, vector)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return _times(ctx.transposed, gradients[0]), None, None


def _times(matrix: Tensor, vector: Tensor) -> Tensor:
    """Written as a product of matrices, which every build of torch has for CSR."""
    product: Tensor = (matrix @ vector[:, None])[:, 0]
    return product


@dataclass(frozen=True)
class Words:
    """Words as a sparse matrix, CSR (n, n_words), and its transpose: columns for the words that occur in these rows."""

    matrix: Tensor
    transposed: Tensor

    @staticmethod
    def of(x_words: sparse.csr_matrix, device: torch.device) -> Words:
        """Copy the columns that hold anything to the device."""
        held = x_words[:, np.unique(x_words.indices)]
        return Words(_on_device(held, device), _on_device(held.T.tocsr(), device))

    def __call__(self, weights: Tensor) -> Tensor:
        """What the words of every row add, (n,), at ``weights`` (n_words,)."""
        added: Tensor = _Product.apply(weights, self.matrix, self.transposed)  # type: ignore[no-untyped-call]
        return added


def _on_device(matrix: sparse.csr_matrix, device: torch.device) -> Tensor:
    rows, columns, values = (torch.tensor(part) for part in (matrix.indptr, matrix.indices, matrix.data))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta", UserWarning)
        return torch.sparse_csr_tensor(rows, columns, values, matrix.shape, device=device, check_invariants=True)


@dataclass(frozen=True)
class Tensors:
    """``HeadInputs`` on the device, in memory of torch's own.

    Torch aligns it to the width of a vector unit; kernels may sum other memory in an order that follows its address.
    """

    columns: Tensor
    text: Tensor
    absent: Tensor
    words: Words

    @staticmethod
    def of(inputs: HeadInputs, device: torch.device) -> Tensors:
        """Copy the inputs to the device."""
        return Tensors(
            torch.tensor(inputs.x_columns, device=device),
            torch.tensor(inputs.x_text, device=device),
            torch.tensor(inputs.x_absent, device=device),
            Words.of(inputs.x_words, device),
        )


def training_device() -> torch.device:
    """CUDA where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _loss(lesson: Lesson, margin: Tensor, y: Tensor, weight: Tensor) -> Tensor:
    """Summed over the rows: negative log-likelihood of an outcome, or half the squared error of a number."""
    if lesson.squared:
        return 0.5 * (weight * (margin - y).square()).sum()
    return torch.nn.functional.binary_cross_entropy_with_logits(margin, y, weight=weight, reduction="sum")


def fit_head(inputs: HeadInputs, lesson: Lesson, config: HeadConfig, device: torch.device | None = None) -> Head:
    """Fit a head by full-batch L-BFGS, weights of directed columns bounded at zero.

    A convex problem, so there is nothing random in it. One thread computes, whatever the number of threads of the
    caller: several would each sum a part of the rows.
    """
    device = device or training_device()
    with threadpool_limits(1, user_api="blas"), lone_workers(device) as pool:
        return pool.submit(_fit_alone, inputs, lesson, config, device).result()


def _fit_alone(inputs: HeadInputs, lesson: Lesson, config: HeadConfig, device: torch.device) -> Head:
    x = Tensors.of(inputs, device)
    weight = np.ones(len(lesson.y)) if lesson.weight is None else lesson.weight
    target, count = torch.tensor(lesson.y, device=device), torch.tensor(weight, device=device)
    module = Trainable(inputs, config).to(device)
    parameters = list(module.parameters())
    with torch.no_grad():  # where the search starts, not part of what it finds
        module.bias.fill_(0.0 if lesson.squared else base_log_odds(lesson.y))

    def loss_and_gradient(theta: Floats) -> tuple[float, Floats]:
        vector_to_parameters(torch.from_numpy(theta).float().to(device), parameters)
        module.zero_grad()
        loss = _loss(lesson, module.margin(x).double(), target, count)
        loss = (loss + module.penalty().double()) / max(1, len(target))
        loss.backward()  # type: ignore[no-untyped-call]
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        return loss.item(), parameters_to_vector(gradients).double().cpu().numpy()

    start = parameters_to_vector(parameters).detach().double().cpu().numpy()
    bounds = module.bounds(inputs.direction if config.monotone else np.zeros_like(inputs.direction))
    found = minimize(
        loss_and_gradient,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": config.steps, "maxcor": 20, "ftol": 1e-10, "gtol": 1e-6},
    )
    vector_to_parameters(torch.from_numpy(found.x).float().to(device), parameters)
    return module.head()
