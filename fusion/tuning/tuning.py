"""Supervised tuning of a text encoder: one encoder for each fold, vectors of rows that it never saw, and their mean.

Binary cross-entropy of a linear output on the narratives' mean-pooled vectors, beside an offset for each row; AdamW
with a learning rate that falls from layer to layer, warm-up and linear decay. Of the rows that a fold learns from a
tenth is held out, by whose loss its best epoch is chosen. On the CPU a fold is trained by one thread with draws of its
own, so that equal input gives equal bits whatever the number of threads.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue

import numpy as np
import torch
from torch import Tensor, nn

from data_schemas.errors import ContractError
from features.arrays import Floats, Floats32, Index, Ints
from features.encoders.bert import Bert
from features.encoders.by_sentence import encoder_by_unit
from features.encoders.encoder import BertEncoder
from features.encoders.sources import UNTUNED, open_encoder
from features.encoders.threads import lone_workers
from fusion.config import EncoderConfig, TuningConfig
from fusion.metrics import auc, log_loss
from fusion.model.head import training_device
from fusion.tuning.lower_layers import LowerLayers, TokenIds, Tokens, text_inputs
from fusion.tuning.network import Network, Pieces, open_network

VALIDATION_SHARE = 0.1  # of the rows that a fold learns from
READ_AT_ONCE = 4  # times the rows of a step, where nothing is learned
LARGEST_GRADIENT = 1.0  # its norm


@dataclass(frozen=True)
class TuningRows:
    """Rows to learn from.

    Attributes:
        texts: for each narrative column, n clean texts, "" where nothing is written.
        x_text: float32 (n, n_narratives, dim), their vectors as the encoder comes.
        y: float64 (n,), outcomes, 1 bad and 0 good.
        weight: float64 (n,), how much each row counts.
        offset: float64 (n,), log-odds that the encoder need not learn.
        fold: int64 (n,), from 0: the encoder that never sees the row's outcome.
        variants: copies of ``texts`` with other words, one of which, or the text itself, is learned from at a time.
    """

    texts: tuple[tuple[str, ...], ...]
    x_text: Floats32
    y: Floats
    weight: Floats
    offset: Floats
    fold: Ints
    variants: tuple[tuple[tuple[str, ...], ...], ...] = ()

    @property
    def n_folds(self) -> int:
        """Number of folds."""
        return int(self.fold.max()) + 1


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


@dataclass(frozen=True)
class Tuned:
    """What tuning gives.

    Attributes:
        tensors: float32, in the place of the source's, by their names in ``transformers.BertModel``: the mean over the
            folds; empty where in no fold an epoch was better than the encoder as it comes.
        x_text: float32 (n, n_narratives, dim), out of fold, every value exact in float16; zero where nothing is
            written.
        epochs: of all folds, in order.
    """

    tensors: Mapping[str, Floats32]
    x_text: Floats32
    epochs: tuple[Epoch, ...]


def tune(
    rows: TuningRows,
    source: Path,
    encoder: EncoderConfig,
    config: TuningConfig,
    report: Callable[[Epoch], None] = lambda _epoch: None,
    advance: Callable[[int], None] = lambda _n: None,
    seed: int = 0,
) -> Tuned:
    """Tune the encoder in the folder ``source`` on rows of which some are written.

    Args:
        rows: to learn from.
        source: the encoder's folder.
        encoder: how it reads, and what of it learns.
        config: how it learns.
        report: called after each epoch.
        advance: called with the number of rows learned from since the last call.
        seed: of everything random.

    Raises ContractError for an encoder that cannot be tuned.
    """
    news: SimpleQueue[Epoch | int | None] = SimpleQueue()
    numbers, texts = _numbered((rows.texts, *rows.variants))
    n_tuned = None if encoder.tuning == "full" else config.n_layers
    opened = _open(source, encoder)
    if not isinstance(opened.model, Bert):
        raise ContractError(
            f"encoder.tuning is {encoder.tuning!r}, and encoder {encoder.source} is no plain BERT",
            "Tune a BERT encoder such as MiniLM or BGE, or set encoder.tuning to none.",
        )
    with (
        text_inputs(texts, opened, n_tuned) as inputs,
        lone_workers(training_device()) as pool,
    ):
        reading = _Reading(rows, inputs, numbers)
        jobs = [
            pool.submit(_train, reading, fold, (source, opened), encoder, config, seed, news.put)
            for fold in range(rows.n_folds)
        ]
        for job in jobs:
            job.add_done_callback(lambda _job: news.put(None))
        left = len(jobs)
        while left:
            one = news.get()
            if one is None:
                left -= 1
            elif isinstance(one, Epoch):
                report(one)
            else:
                advance(one)
    found = [job.result() for job in jobs]
    epochs = tuple(epoch for _, own in found for epoch in own)
    if all(epoch.number == 0 for epoch in epochs if epoch.taken):
        return Tuned({}, rows.x_text, epochs)
    parts = [_read(rows, fold, source, encoder, tensors) for fold, (tensors, _) in enumerate(found)]
    x_text = np.zeros((len(rows.y), *parts[0].shape[1:]), np.float32)
    for fold, part in enumerate(parts):
        x_text[rows.fold == fold] = part
    merged = {name: torch.stack([tensors[name] for tensors, _ in found]).mean(0).numpy() for name in found[0][0]}
    return Tuned(merged, x_text, epochs)


def _read(rows: TuningRows, fold: int, source: Path, encoder: EncoderConfig, tensors: Mapping[str, Tensor]) -> Floats32:
    """float32 (n_own, n_narratives, dim): the rows of a fold as its encoder reads them, whole, as a model would."""
    reader, own = encoder_by_unit(encoder.unit, _open(source, encoder, tensors)), np.flatnonzero(rows.fold == fold)
    found = np.zeros((len(own), len(rows.texts), reader.dim), np.float32)
    for column, texts in enumerate(rows.texts):
        written = [at for at, row in enumerate(own) if texts[row]]
        found[written, column] = reader.encode([texts[own[at]] for at in written])
    return found


def _open(source: Path, encoder: EncoderConfig, tensors: Mapping[str, Tensor] = UNTUNED) -> BertEncoder:
    """The encoder as models read with it."""
    return open_encoder(
        str(source),
        precision=encoder.precision,
        window=encoder.window,
        pooling=encoder.pooling,
        prefix=encoder.prefix,
        replaced=tensors,
    )


def _learned(rows: TuningRows, fold: int, seed: int) -> tuple[Index, Index]:
    """Positions of the rows that a fold's encoder learns from, and of those by which its best epoch is chosen."""
    written = np.array([any(texts) for texts in zip(*rows.texts, strict=True)], np.bool_)
    known = np.random.default_rng([seed, fold]).permutation(np.flatnonzero((rows.fold != fold) & written))
    n_judged = int(np.ceil(VALIDATION_SHARE * len(known)))
    return np.sort(known[n_judged:]), np.sort(known[:n_judged])


def _train(
    reading: _Reading,
    fold: int,
    source: tuple[Path, BertEncoder],
    encoder: EncoderConfig,
    config: TuningConfig,
    seed: int,
    tell: Callable[[Epoch | int | None], None],
) -> tuple[dict[str, Tensor], tuple[Epoch, ...]]:
    """The tensors of the best epoch of a fold, and all its epochs."""
    rows = reading.rows
    generator = torch.Generator(training_device()).manual_seed(int(np.random.default_rng([seed, fold]).integers(2**62)))
    network = open_network(*source, encoder, config, len(rows.texts), generator)
    learned, judged = _learned(rows, fold, seed)
    window = max(min(config.window, network.longest), network.n_before + 2)
    draws = Draws(np.random.default_rng([seed, fold, 1]), window, network.n_before)
    _start(network, reading, learned)
    optimizer = network.optimizer(config)
    schedule = _schedule(optimizer, config.epochs * -(-len(learned) // config.batch_rows), config.warmup)
    kept, best, epochs = network.tensors(), 0, list[Epoch]()
    for number in range(config.epochs + 1):
        began = time.perf_counter()
        train_loss = _pass(network, reading, learned, config, draws, optimizer, schedule, tell) if number else np.nan
        margin = _margins(network, reading, judged, config, draws)
        epochs.append(_epoch(fold, number, train_loss, rows.y[judged], margin, time.perf_counter() - began))
        tell(epochs[-1])
        if epochs[-1].loss < epochs[best].loss:
            kept, best = network.tensors(), number
        elif number - best >= config.patience:
            break
    return kept, tuple(replace(epoch, taken=at == best) for at, epoch in enumerate(epochs))


@dataclass(frozen=True)
class Draws:
    """What a fold draws while it learns.

    Attributes:
        random: of its own.
        window: longest piece of a text, in tokens.
        n_before: special tokens before a text's own, which every piece keeps.
    """

    random: np.random.Generator
    window: int
    n_before: int

    def piece(self, tokens: Tokens, learning: bool) -> Tokens:
        """A text, or a piece of one that is longer than the window: where nothing is learned, its beginning."""
        left_out, first = len(tokens) - self.window, self.n_before
        start = first + (int(self.random.integers(left_out + 1)) if learning and left_out > 0 else 0)
        kept = np.arange(len(tokens))
        if left_out > 0:
            kept = np.concatenate([kept[:first], kept[start : start + self.window - first - 1], kept[-1:]])
        return tokens[kept]


def _numbered(versions: Sequence[tuple[tuple[str, ...], ...]]) -> tuple[Ints, list[str]]:
    """int64 (n_versions, n_narratives, n), the place of every text among the distinct ones, -1 where there is none;
    and these.
    """
    distinct = sorted({text for columns in versions for column in columns for text in column if text})
    place = {text: at for at, text in enumerate(distinct)} | {"": -1}
    numbers = [[[place[text] for text in column] for column in columns] for columns in versions]
    return np.array(numbers, np.int64), distinct


@dataclass(frozen=True)
class _Reading:
    """The rows as the tuned part of the encoder reads them.

    inputs: of each distinct text. numbers: int64 (n_versions, n_narratives, n), which text each is, -1 where there is
    none; the first version is the rows' own.
    """

    rows: TuningRows
    inputs: TokenIds | LowerLayers
    numbers: Ints

    def pieces(self, index: Index, draws: Draws, learning: bool) -> Pieces:
        """What is read of some rows. Where they are learned from, one of a text's variants or the text itself is drawn,
        and a piece of what is longer than the window.
        """
        n_versions, n_narratives, _ = self.numbers.shape
        drawn = draws.random.integers(n_versions, size=len(index)) if learning else np.zeros(len(index), np.int64)
        found = [
            (draws.piece(self.inputs[int(number)], learning), at, column)
            for column in range(n_narratives)
            for at, number in enumerate(self.numbers[drawn, column, index])
            if number >= 0
        ]
        tokens, row, column = zip(*found, strict=True)
        return Pieces(tokens, row, column, len(index))

    def targets(self, index: Index, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
        """Outcomes, offsets and weights of some rows, float32 (m,) each."""
        y, offset, weight = (
            torch.from_numpy(one[index].astype(np.float32)).to(device)
            for one in (self.rows.y, self.rows.offset, self.rows.weight)
        )
        return y, offset, weight


def _stretches(index: Index, size: int) -> Sequence[Index]:
    return [index[at : at + size] for at in range(0, len(index), size)]


def _start(network: Network, reading: _Reading, index: Index) -> None:
    """Fit the network's output on the vectors as they come."""
    vectors = torch.from_numpy(reading.rows.x_text[index]).to(network.device)
    written = torch.from_numpy(reading.numbers[0].T[index] >= 0).to(network.device)
    network.start(vectors, written, *reading.targets(index, network.device))


def _pass(
    network: Network,
    reading: _Reading,
    index: Index,
    config: TuningConfig,
    draws: Draws,
    optimizer: torch.optim.AdamW,
    schedule: torch.optim.lr_scheduler.LambdaLR,
    tell: Callable[[Epoch | int | None], None],
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


def _margins(network: Network, reading: _Reading, index: Index, config: TuningConfig, draws: Draws) -> Floats:
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
