"""Supervised tuning of a text encoder: one encoder for each fold, vectors of rows that it never saw, and their mean.

Binary cross-entropy of a linear output on the narratives' mean-pooled vectors, beside an offset for each row; AdamW
with a learning rate that falls from layer to layer, warm-up and linear decay. Of the rows that a fold learns from a
tenth is held out, by whose loss its best epoch is chosen. On the CPU a fold is trained by one thread with draws of its
own, so that equal input gives equal bits whatever the number of threads.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

import numpy as np
import torch
from torch import Tensor

from data_schemas.errors import ContractError
from features.arrays import Floats32
from features.encoders.by_sentence import encoder_by_unit
from features.encoders.encoder import BertEncoder
from features.encoders.networks.bert import Bert
from features.encoders.opening import UNTUNED, open_encoder
from features.encoders.threads import lone_workers
from fusion.config import EncoderConfig, TuningConfig
from fusion.model.head_fitting import training_device
from fusion.tuning.fold import Epoch, Way, train_fold
from fusion.tuning.lower_layers import text_inputs
from fusion.tuning.reading import Reading, TuningRows, numbered

Trained = tuple[dict[str, Tensor], tuple[Epoch, ...]]
"""The tensors of a fold's best epoch, and all its epochs."""


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
    opened = _open(source, encoder)
    if not isinstance(opened.model, Bert):
        raise ContractError(
            f"encoder.tuning is {encoder.tuning!r}, and encoder {encoder.source} is no plain BERT",
            "Tune a BERT encoder such as MiniLM or BGE, or set encoder.tuning to none.",
        )
    numbers, texts = numbered((rows.texts, *rows.variants))
    with text_inputs(texts, opened, None if encoder.tuning == "full" else config.n_layers) as inputs:
        way = Way(source, opened, encoder, config, seed)
        found = _side_by_side(Reading(rows, inputs, numbers), way, report, advance)
    epochs = tuple(epoch for _, own in found for epoch in own)
    if all(epoch.number == 0 for epoch in epochs if epoch.taken):
        return Tuned({}, rows.x_text, epochs)
    x_text = rows.x_text.copy()
    for fold in {epoch.fold for epoch in epochs if epoch.taken and epoch.number}:  # the others read as they came
        x_text[rows.fold == fold] = _read(rows, fold, source, encoder, found[fold][0])
    merged = {name: torch.stack([tensors[name] for tensors, _ in found]).mean(0).numpy() for name in found[0][0]}
    return Tuned(merged, x_text, epochs)


def _side_by_side(
    reading: Reading, way: Way, report: Callable[[Epoch], None], advance: Callable[[int], None]
) -> list[Trained]:
    """Train the encoders of all folds; their news is passed on in this thread, and an interruption ends them."""
    news: SimpleQueue[Epoch | int | None] = SimpleQueue()
    ended = threading.Event()

    def tell(one: Epoch | int) -> None:
        if ended.is_set():
            raise InterruptedError
        news.put(one)

    with lone_workers(training_device()) as pool:
        jobs = [pool.submit(train_fold, reading, fold, way, tell) for fold in range(reading.rows.n_folds)]
        for job in jobs:
            job.add_done_callback(lambda _job: news.put(None))
        left = len(jobs)
        try:
            while left:
                one = news.get()
                if one is None:
                    left -= 1
                    if any(job.done() and job.exception() for job in jobs):
                        break
                elif isinstance(one, Epoch):
                    report(one)
                else:
                    advance(one)
        finally:
            ended.set()  # threads that still learn end at their next step
    for error in [job.exception() for job in jobs]:
        if error is not None and not isinstance(error, InterruptedError):
            raise error
    return [job.result() for job in jobs]


def _read(rows: TuningRows, fold: int, source: Path, encoder: EncoderConfig, tensors: Mapping[str, Tensor]) -> Floats32:
    """float32 (n_own, n_narratives, dim): the rows of a fold as its encoder reads them, whole, as a model would."""
    reader, own = encoder_by_unit(encoder.unit, _open(source, encoder, tensors)), np.flatnonzero(rows.fold == fold)
    found = np.zeros((len(own), len(rows.texts), reader.dim), np.float32)
    for column, texts in enumerate(rows.texts):
        written = [at for at, row in enumerate(own) if texts[row]]
        found[written, column] = reader.encode([texts[own[at]] for at in written])
    return found


def _open(source: Path, encoder: EncoderConfig, tensors: Mapping[str, Tensor] = UNTUNED) -> BertEncoder:
    """The encoder as models read with it, on torch, which has its layers; for int8, in which nothing can be learned, in
    the precision that auto is.
    """
    return open_encoder(
        str(source),
        precision="auto" if encoder.precision == "int8" else encoder.precision,
        window=encoder.window,
        pooling=encoder.pooling,
        prefix=encoder.prefix,
        replaced=tensors,
    )
