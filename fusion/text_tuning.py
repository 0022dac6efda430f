"""The encoder learns before the model does: training rows in, an encoder of its own and out-of-fold vectors out.

A row's vectors come from an encoder that never saw its outcome; every other row is read by the mean of these encoders.
What follows, from choosing the settings on, sees no difference.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np
from threadpoolctl import threadpool_limits

from data_schemas.contract import Schema
from data_schemas.errors import ContractError
from features.arrays import Floats, Floats32, Ints
from features.design import Design
from features.encoders.source_files import locate
from features.narratives.reader import clean_narrative
from features.tables.applications import Applications
from fusion.bundle import Tensors
from fusion.config import Config, with_settings
from fusion.metrics import Gain, auc, base_log_odds, both_classes, delong, fit_logistic_line, log_loss
from fusion.model.basis import Basis
from fusion.model.choosing import TEXT
from fusion.model.folds import assign_folds
from fusion.model.recency import row_weight
from fusion.model.training import Training, fit_head_margin, fit_text_head
from fusion.model.training_sample import TrainingSample
from fusion.text_augmentation import narrative_augmenter
from fusion.text_encoder import OpenEncoder, tuned_encoder
from fusion.tuning.fold import VALIDATION_SHARE, Epoch
from fusion.tuning.reading import TuningRows
from fusion.tuning.tuning import tune

RISING = 2  # epochs in turn in which the held-out loss rises while the training loss falls


@dataclass(frozen=True)
class OverFitting:
    """What shows that more epochs of a fold would learn its rows by heart.

    Attributes:
        sign: The training loss fell while the held-out loss rose for ``RISING`` epochs in turn (``losses_apart``), the
            first epoch was the best, or none was better than the encoder as it came.
        epoch: At which it shows.
    """

    sign: Literal["losses_apart", "first_best", "none_better"]
    epoch: int


@dataclass(frozen=True)
class Worth:
    """What tuning gave: the narratives' vectors alone, out of fold, at the penalty that suits them. Rows count alike,
    whatever their weight.

    Attributes:
        untuned_auc: of the vectors of the encoder as it came.
        tuned_auc: of those of the tuned encoders.
        gain: the second minus the first, by DeLong's test.
    """

    untuned_auc: float
    tuned_auc: float
    gain: Gain


@dataclass(frozen=True)
class TextTuning:
    """A tuned encoder, and what it was worth.

    Attributes:
        tensors: in the place of the source's, by name; empty where nothing was changed.
        sample: the training rows, with out-of-fold vectors.
        encoder: reads all other rows.
        epochs: how the training went.
        worth: of the vectors, before and after.
    """

    tensors: Tensors
    sample: TrainingSample
    encoder: OpenEncoder
    epochs: tuple[Epoch, ...]
    worth: Worth


@dataclass(frozen=True)
class Watch:
    """How a caller follows the work.

    Attributes:
        report: called after each epoch.
        advance: called with the number of rows learned from since the last call.
    """

    report: Callable[[Epoch], None] = lambda _epoch: None
    advance: Callable[[int], None] = lambda _n: None


def is_tuned(config: Config, sample: TrainingSample) -> bool:
    """Whether the encoder is to be tuned: the settings ask for it, and a narrative is written.

    Raises ContractError for settings that contradict each other.
    """
    if config.encoder.tuning == "none":
        return False
    if not config.text.vectors:
        raise ContractError(
            f"encoder.tuning is {config.encoder.tuning!r}, and text.vectors = false leaves its vectors unread",
            "Set encoder.tuning to none, or text.vectors to true.",
        )
    return bool(sample.design.text.has_text.any())


def n_learned(config: Config, sample: TrainingSample) -> int:
    """About how many rows ``tune_encoder`` advances by, where no fold stops early."""
    n_written = int(sample.design.text.has_text.any(axis=1).sum())
    return int(config.tuning.epochs * (config.tuning.n_folds - 1) * n_written * (1.0 - VALIDATION_SHARE))


def tune_encoder(
    own: Applications, sample: TrainingSample, config: Config, encoder: OpenEncoder, watch: Watch = Watch()
) -> TextTuning:
    """Tune the encoder on the training rows, as ``config.encoder.tuning`` says.

    Args:
        own: the rows as applications, without what the config masks.
        sample: the same rows, their narratives read by ``encoder``.
        config: settings.
        encoder: the one that the config names, not tuned yet.
        watch: follows the work.

    Raises ContractError for an encoder that the config does not name, and as ``fusion.tuning.tuning.tune`` and
    ``fusion.model.training.fit`` do.
    """
    if tuned_encoder(encoder, config.encoder, {}).model_digest != encoder.model_digest:
        raise ContractError(
            f"encoder.tuning is {config.encoder.tuning!r}, and the encoder given is not that of encoder.source",
            "Tune the encoder that encoder.source names, or set encoder.tuning to none.",
        )
    names = sample.design.text.names
    with threadpool_limits(1, user_api="blas"):
        offset = _offset(sample, config)
    rows = TuningRows(
        texts=tuple(tuple(clean_narrative(own, name)) for name in names),
        x_text=sample.design.text.x_text,
        y=sample.y,
        weight=row_weight(sample.decided, len(sample), config.folds.half_life_years, sample.weight),
        offset=offset,
        fold=_folds(sample, config),
    )
    rows = replace(rows, variants=_variants(rows.texts, own.schema, config))
    source = locate(config.encoder.source)
    found = tune(rows, source, config.encoder, config.tuning, watch.report, watch.advance, config.folds.seed)
    tuned = replace(sample, design=_with_vectors(sample.design, found.x_text))
    with threadpool_limits(1, user_api="blas"):
        worth = _worth(sample, tuned, config)
    reader = tuned_encoder(encoder, config.encoder, found.tensors)
    return TextTuning(found.tensors, tuned, reader, found.epochs, worth)


def over_fitting(epochs: tuple[Epoch, ...]) -> dict[int, OverFitting]:
    """Where more epochs would learn the rows by heart: by fold, what shows it; empty where nothing does."""
    found: dict[int, OverFitting] = {}
    for fold in sorted({epoch.fold for epoch in epochs}):
        own = sorted((epoch for epoch in epochs if epoch.fold == fold), key=lambda epoch: epoch.number)
        rising = 0
        for before, after in pairwise(own):
            apart = after.train_loss < before.train_loss and after.loss > before.loss
            rising = rising + 1 if apart else 0
            if rising == RISING:
                found[fold] = OverFitting("losses_apart", after.number)
                break
        best = next(epoch.number for epoch in own if epoch.taken)
        if fold not in found and best < min(2, own[-1].number):
            found[fold] = OverFitting("first_best" if best else "none_better", best)
    return found


def _folds(sample: TrainingSample, config: Config) -> Ints:
    """int64 (n,): the encoder that never sees each row's outcome; raises ContractError where one learns nothing."""
    n_folds = config.tuning.n_folds
    fold = assign_folds(sample.y, sample.groups, n_folds, config.folds.seed)
    if not all(both_classes(sample.y[fold == number]) for number in range(n_folds)):
        raise ContractError(
            f"the {n_folds} folds in which the encoder is tuned do not all have a bad and a good outcome",
            "Add rows, or set encoder.tuning to none.",
        )
    return fold


def _offset(sample: TrainingSample, config: Config) -> Floats:
    """float64 (n,): log-odds that the encoder need not learn: of the columns, out of fold, or of the bad rate."""
    base = np.full(len(sample), base_log_odds(sample.y, sample.weight))
    if not config.tuning.offset:
        return base
    inputs = Basis.fit(sample.design, config, sample.monotone).inputs(sample.design).without_text()
    margin = fit_head_margin(inputs, Training.of(sample, config))
    slope, intercept = fit_logistic_line(sample.y, margin, sample.weight)
    return slope * margin + intercept if slope > 0 else base


def _variants(
    texts: tuple[tuple[str, ...], ...], schema: Schema, config: Config
) -> tuple[tuple[tuple[str, ...], ...], ...]:
    """Copies of the texts with other words, where the settings want them."""
    augmenter = narrative_augmenter(schema, config)
    if augmenter is None:
        return ()
    copies = []
    for copy in range(config.augment.copies):
        columns = []
        for column in texts:
            written = [text for text in column if text]
            found = dict(zip(written, augmenter.variants(written, copy), strict=True))
            columns.append(tuple(found.get(text, "") or text for text in column))
        copies.append(tuple(columns))
    return tuple(copies)


def _with_vectors(design: Design, x_text: Floats32) -> Design:
    return Design(design.tabular, replace(design.text, x_text=x_text))


def _worth(before: TrainingSample, after: TrainingSample, config: Config) -> Worth:
    untuned, tuned = (_vectors_margin(sample, config) for sample in (before, after))
    y = before.y
    return Worth(auc(y, untuned), auc(y, tuned), delong(y, tuned, untuned))


def _vectors_margin(sample: TrainingSample, config: Config) -> Floats:
    """float64 (n,): out-of-fold log-odds of the vectors alone, by the penalty of least log-loss."""
    alone = with_settings(config, {"text.words": False, "folds.n_repeats": 1})
    inputs = Basis.fit(sample.design, alone, sample.monotone).inputs(sample.design).without_columns()
    inputs = replace(inputs, x_words=inputs.x_words[:, :0])
    found: list[tuple[float, Floats]] = []
    for rung in TEXT:
        training = Training.of(sample, with_settings(alone, {"head.text_penalty": rung["head.text_penalty"]}))
        margin = fit_text_head(inputs, training)[1].sum(axis=1)
        slope, intercept = fit_logistic_line(sample.y, margin, sample.weight)
        loss = log_loss(sample.y, slope * margin + intercept, sample.weight) if slope > 0 else np.inf
        found.append((loss, margin))
    _, margin = min(found, key=lambda one: one[0])
    return margin
