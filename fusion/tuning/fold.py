"""The encoder of one fold: what it learns from the rows of the others, epoch by epoch."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from features.arrays import Floats, Index
from features.encoders.encoder import BertEncoder
from fusion.config import EncoderConfig, TuningConfig
from fusion.metrics import auc, log_loss
from fusion.model.head_fitting import training_device
from fusion.tuning.network import Network, open_network
from fusion.tuning.reading import Draws, Reading, TuningRows

VALIDATION_SHARE = 0.1  # of the rows that a fold learns from
READ_AT_ONCE = 4  # times the rows of a step, where nothing is learned
LARGEST_GRADIENT = 1.0  # its norm


@dataclass(frozen=True)
class Epoch:
    """One epoch of one fold; figures are of the rows by which its best epoch is chosen, bad above a PD of one half.

    Attributes:
        fold: from 0.
        number: from 1; 0 is the encoder as it comes, with the output that it begins with.
        train_loss: mean log-loss of the rows learned from, as they were met; NaN where none were.
        loss: log-loss, in nats.
        accuracy: share of rows called rightly.
        precision: share of those called bad that are; NaN where none is called bad.
        recall: share of the bad that are called so; NaN without any.
        f1: harmonic mean of the two; NaN where one is.
        auc: area under the ROC curve; NaN with one class.
        seconds: it took.
        taken: whether it is the fold's best epoch.
    """

    fold: int
    number: int
    train_loss: float
    loss: float
    accuracy: float
    precision: float
    recall: float
    f1: float
    auc: float
    seconds: float
    taken: bool


News = Callable[[Epoch | int], None]
"""Gets each epoch, and after each step the number of rows learned from; what it raises ends the training."""


@dataclass(frozen=True)
class Way:
    """How the encoder of a fold is trained.

    Attributes:
        source: the encoder's folder.
        opened: the same encoder, as models read with it.
        encoder: how it reads, and what of it learns.
        config: how it learns.
        seed: of everything random.
    """

    source: Path
    opened: BertEncoder
    encoder: EncoderConfig
    config: TuningConfig
    seed: int


def train_fold(reading: Reading, fold: int, way: Way, tell: News) -> tuple[dict[str, Tensor], tuple[Epoch, ...]]:
    """The tensors of the best epoch of a fold, and all its epochs."""
    rows, config = reading.rows, way.config
    drawn = int(np.random.default_rng([way.seed, fold]).integers(2**62))
    generator = torch.Generator(training_device()).manual_seed(drawn)
    network = open_network(way.source, way.opened, way.encoder, config, len(rows.texts), generator)
    learned, validation = _split_rows(rows, fold, way.seed)
    window = max(min(config.window, network.longest), network.n_before + 2)
    draws = Draws(np.random.default_rng([way.seed, fold, 1]), window, network.n_before)
    _start(network, reading, learned)
    optimizer = network.optimizer(config)
    schedule = _schedule(optimizer, config.epochs * -(-len(learned) // config.batch_rows), config.warmup)
    kept, best, epochs = network.tensors(), 0, list[Epoch]()
    for number in range(config.epochs + 1):
        began = time.perf_counter()
        train_loss = _pass(network, reading, learned, config, draws, optimizer, schedule, tell) if number else np.nan
        margin = _margins(network, reading, validation, config, draws)
        epochs.append(_epoch(fold, number, train_loss, rows.y[validation], margin, time.perf_counter() - began))
        tell(epochs[-1])
        if epochs[-1].loss < epochs[best].loss:
            kept, best = network.tensors(), number
        elif number - best >= config.patience:
            break
    return kept, tuple(replace(epoch, taken=at == best) for at, epoch in enumerate(epochs))


def _split_rows(rows: TuningRows, fold: int, seed: int) -> tuple[Index, Index]:
    """Positions of the rows that a fold's encoder learns from, and of those by which its best epoch is chosen."""
    written = np.array([any(texts) for texts in zip(*rows.texts, strict=True)], np.bool_)
    known = np.random.default_rng([seed, fold]).permutation(np.flatnonzero((rows.fold != fold) & written))
    n_validation = int(np.ceil(VALIDATION_SHARE * len(known)))
    return np.sort(known[n_validation:]), np.sort(known[:n_validation])


def _stretches(index: Index, size: int) -> Sequence[Index]:
    return [index[at : at + size] for at in range(0, len(index), size)]


def _start(network: Network, reading: Reading, index: Index) -> None:
    """Fit the network's output on the vectors as they come."""
    vectors = torch.from_numpy(reading.rows.x_text[index]).to(network.device)
    written = torch.from_numpy(reading.numbers[0].T[index] >= 0).to(network.device)
    network.start(vectors, written, *reading.targets(index, network.device))


def _pass(
    network: Network,
    reading: Reading,
    index: Index,
    config: TuningConfig,
    draws: Draws,
    optimizer: torch.optim.AdamW,
    schedule: torch.optim.lr_scheduler.LambdaLR,
    tell: News,
) -> float:
    """Learn from every row once; the mean log-loss as the rows were met."""
    network.train()
    total = weights = 0.0
    for batch in _stretches(draws.random.permutation(index), config.batch_rows):
        y, offset, weight = reading.targets(batch, network.device)
        margin = offset + network(reading.pieces(batch, draws, learning=True))
        loss = nn.functional.binary_cross_entropy_with_logits(margin, y, weight, reduction="sum")
        optimizer.zero_grad()
        torch.autograd.backward(loss / len(batch))
        nn.utils.clip_grad_norm_(network.parameters(), LARGEST_GRADIENT)
        optimizer.step()
        schedule.step()
        total, weights = total + float(loss.detach()), weights + float(weight.sum())
        tell(len(batch))
    return total / weights


def _margins(network: Network, reading: Reading, index: Index, config: TuningConfig, draws: Draws) -> Floats:
    """float64 (m,): log-odds of some rows, nothing learned."""
    network.eval()
    found = []
    with torch.no_grad():
        for batch in _stretches(index, READ_AT_ONCE * config.batch_rows):
            _, offset, _ = reading.targets(batch, network.device)
            found.append((offset + network(reading.pieces(batch, draws, learning=False))).cpu().numpy())
    return np.concatenate(found).astype(np.float64)


def _schedule(optimizer: torch.optim.AdamW, n_steps: int, warmup: float) -> torch.optim.lr_scheduler.LambdaLR:
    """Rise over the first steps, then fall to nothing, both evenly."""
    rise = max(1, round(warmup * n_steps))
    return torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / rise, (n_steps - step) / max(1, n_steps - rise))
    )


def _epoch(fold: int, number: int, train_loss: float, y: Floats, margin: Floats, seconds: float) -> Epoch:
    bad, called = y == 1.0, margin > 0.0
    right = float((bad & called).sum())
    precision, recall = _share(right, called.sum()), _share(right, bad.sum())
    return Epoch(
        fold=fold,
        number=number,
        train_loss=train_loss,
        loss=log_loss(y, margin),
        accuracy=float((bad == called).mean()),
        precision=precision,
        recall=recall,
        f1=_share(2.0 * precision * recall, precision + recall),
        auc=auc(y, margin),
        seconds=seconds,
        taken=False,
    )


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0 else float("nan")
