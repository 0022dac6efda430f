"""Settings that fit the lender's data, chosen by out-of-fold log-loss inside the training rows.

Each choice climbs a short ladder from the simplest option up, on the same folds, and stops where two rungs in turn are
worse than the best so far by more than a standard error of their difference. Of the rungs that are no worse than the
best by one such error the simplest is taken (Breiman et al., Classification and Regression Trees, 1984, section 3.4.3,
with the error of the paired difference). Settings that the user gave are never changed. What was tried is part of the
answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy import sparse
from threadpoolctl import threadpool_limits

from data_schemas.errors import ContractError
from features.arrays import Floats
from features.design import Design, TextBlock
from features.encoders.threads import lone_workers
from fusion.config import Config, Setting, TextConfig, given_settings, with_settings
from fusion.metrics import base_log_odds, both_classes, fit_logistic_line, relative_weight
from fusion.model.basis import Basis
from fusion.model.cross_validation import Block, forward_blocks
from fusion.model.folds import draw_groups
from fusion.model.head_fitting import fit_head
from fusion.model.lesson import Lesson
from fusion.model.recency import row_weight
from fusion.model.text_components import TextComponents, text_columns
from fusion.model.training import Training, TreeRows, fit_head_margin, fit_text_head, fit_trees
from fusion.model.training_sample import TrainingSample

Settings = Mapping[str, Setting]
"""Settings by dotted key."""

ReadWords = Callable[[TextConfig], sparse.csr_matrix]
"""The words of the sample's narratives as these settings count them: ``TextReader.read_words``."""

MAX_ROWS = 30_000  # of more rows so many are drawn to choose by
PATIENCE = 2  # rungs in turn that are worse than the best before the climb ends
N_BLOCKS = 4  # of days, on which the weight of older decisions is tried


def _trees(leaves: int, min_rows: int, columns: float, l2: float, n_trees: int, rate: float) -> Settings:
    return {
        "stacker.num_leaves": leaves,
        "stacker.min_leaf_rows": min_rows,
        "stacker.column_share": columns,
        "stacker.l2": l2,
        "stacker.n_trees": n_trees,
        "stacker.learning_rate": rate,
    }


# Tried with heads; trees need more rows than these, so none shorter than two years.
HALF_LIVES: tuple[Settings, ...] = tuple({"folds.half_life_years": years} for years in (1000.0, 8.0, 4.0, 2.0))
TEXT: tuple[Settings, ...] = (
    {"head.text_penalty": 20000.0, "head.word_penalty": 15.0},
    {"head.text_penalty": 5000.0, "head.word_penalty": 5.0},
    {"head.text_penalty": 1000.0, "head.word_penalty": 1.5},
    {"head.text_penalty": 200.0, "head.word_penalty": 0.5},
    {"head.text_penalty": 50.0, "head.word_penalty": 0.2},
)
WEAKER = (1.0, 3.0, 10.0)  # divisors of the penalty of words, beside that of vectors
NGRAMS: tuple[Settings, ...] = (
    {"text.ngrams": 1, "text.n_buckets": 16384},
    {"text.ngrams": 2, "text.n_buckets": 65536},
)
COLUMNS: tuple[Settings, ...] = (
    {"head.n_bins": 8, "head.column_penalty": 30.0},
    {"head.n_bins": 16, "head.column_penalty": 30.0},
    {"head.n_bins": 16, "head.column_penalty": 10.0},
    {"head.n_bins": 16, "head.column_penalty": 3.0},
    {"head.n_bins": 16, "head.column_penalty": 1.0},
)
CAPACITY: tuple[Settings, ...] = (
    _trees(7, 60, 0.4, 10.0, 600, 0.02),
    _trees(7, 20, 0.6, 10.0, 600, 0.02),
    _trees(15, 20, 0.6, 3.0, 800, 0.02),
    _trees(31, 10, 0.8, 1.0, 600, 0.04),
)
COMPONENTS: tuple[Settings, ...] = ({"stacker.text_components": 0}, {"stacker.text_components": 30})
LADDERS = (HALF_LIVES, TEXT, NGRAMS, COLUMNS, CAPACITY, COMPONENTS)
CHOOSABLE = tuple(dict.fromkeys(key for ladder in LADDERS for rung in ladder for key in rung))
"""Dotted keys of the settings that are chosen, unless they are given."""


@dataclass(frozen=True)
class Rung:
    """One option that was tried.

    Attributes:
        settings: what it sets, by dotted key.
        log_loss: mean out-of-fold log-loss, in nats, weighted where rows have weights.
        behind: how much worse than the best option that is.
        error: standard error of that difference.
    """

    settings: Settings
    log_loss: float
    behind: float
    error: float


@dataclass(frozen=True)
class Choice:
    """What was tried for one purpose, and what was taken.

    Attributes:
        subject: the purpose, in words.
        rungs: the options tried, the simplest first.
        taken: place of the one that was taken.
    """

    subject: str
    rungs: tuple[Rung, ...]
    taken: int


@dataclass(frozen=True)
class Chosen:
    """Settings that fit a sample.

    Attributes:
        config: all settings, resolved.
        choices: how they were found; empty where everything was fixed.
    """

    config: Config
    choices: tuple[Choice, ...]


Report = Callable[[Choice], None]
"""Called after each choice."""

Allows = Callable[[Config], bool]
"""Whether settings may be chosen."""


def choose(
    sample: TrainingSample,
    config: Config,
    read_words: ReadWords,
    report: Report = lambda _choice: None,
    allows: Allows = lambda _config: True,
) -> Chosen:
    """The settings of least out-of-fold log-loss, or simpler ones as good; equal input, equal choice.

    Args:
        sample: training rows, their words counted as ``config`` says.
        config: settings; those that were given explicitly stay.
        read_words: counts the words of the sample in another way.
        report: called after each choice.
        allows: rungs that it does not allow are left out.

    Raises ContractError as ``fusion.model.training.fit`` does.
    """
    if given_settings(config).issuperset(CHOOSABLE):
        return Chosen(config, ())
    rows = np.arange(len(sample))
    if len(sample) > MAX_ROWS:
        rows = np.flatnonzero(draw_groups(sample.y, sample.groups, MAX_ROWS / len(sample), config.folds.seed))
        sample = sample.take(rows)
    with threadpool_limits(1, user_api="blas"):
        once = with_settings(config, {"folds.n_repeats": 1})  # enough to compare, and quicker
        climb = _Climb(once, given_settings(config), [], report, allows)
        _choose_half_life(sample, climb)
        text, sample = _choose_text(sample, climb, lambda text: read_words(text)[rows])
        _choose_columns(sample, climb)
        _choose_trees(sample, climb, text)
    chosen = with_settings(climb.config, {"folds.n_repeats": config.folds.n_repeats})
    return Chosen(chosen, tuple(climb.choices))


@dataclass
class _Climb:
    """The state of choosing: settings so far, which of them are fixed, and the choices made."""

    config: Config
    fixed: frozenset[str]
    choices: list[Choice]
    report: Report
    allows: Allows

    def options(self, ladder: Sequence[Settings]) -> list[tuple[Settings, Config]]:
        """The different settings that a ladder allows."""
        found: dict[Config, Settings] = {}
        for rung in ladder:
            free = {key: value for key, value in rung.items() if key not in self.fixed}
            option = with_settings(self.config, free)
            if self.allows(option):
                found.setdefault(option, free)
        return [(settings, config) for config, settings in found.items()]

    def up(self, subject: str, ladder: Sequence[Settings], row_loss: Callable[[Config], Floats]) -> None:
        """Climb one ladder and take a rung; ``row_loss`` gives the losses of ``_row_loss``, out of fold."""
        options = self.options(ladder)
        if len(options) < 2:
            return
        losses: list[Floats] = []
        for _, config in options:
            losses.append(row_loss(config))
            best = min(losses, key=np.mean)
            if len(losses) > PATIENCE and all(_is_worse(loss, best) for loss in losses[-PATIENCE:]):
                break
        rungs = [
            Rung(settings, float(loss.mean()), *_paired(loss, best))
            for (settings, _), loss in zip(options, losses, strict=False)
        ]
        taken = next(at for at, rung in enumerate(rungs) if rung.behind <= rung.error)
        self.config = options[taken][1]
        self.choices.append(Choice(subject, tuple(rungs), taken))
        self.report(self.choices[-1])


def _paired(loss: Floats, best: Floats) -> tuple[float, float]:
    """Mean difference of two models' losses on the same rows, and its standard error."""
    difference = loss - best
    return float(difference.mean()), float(difference.std() / np.sqrt(len(difference)))


def _is_worse(loss: Floats, best: Floats) -> bool:
    behind, error = _paired(loss, best)
    return behind > error


def _row_loss(y: Floats, margin: Floats, weight: Floats) -> Floats:
    """Log-loss of every row after the best line through the margin, as the blend will have it; of the base rate where
    there is none. Each is times the row's weight, whose mean is 1: the mean over the rows is that of the population.
    """
    slope, intercept = fit_logistic_line(y, margin, weight)
    line = slope * margin + intercept if slope > 0 else np.full(len(y), base_log_odds(y, weight))
    loss: Floats = relative_weight(weight, len(y)) * (np.logaddexp(0.0, line) - y * line)
    return loss


def _choose_half_life(sample: TrainingSample, climb: _Climb) -> None:
    """How much older decisions count, by heads that score newer rows."""
    try:
        blocks = forward_blocks(sample.y, sample.groups, sample.decided, N_BLOCKS)
    except ContractError:
        return  # no dates, or too few different ones
    if not all(both_classes(sample.y[block.training]) for block in blocks):
        return
    basis = Basis.fit(sample.design, climb.config, sample.monotone)
    inputs = basis.inputs(sample.design)
    newer = np.concatenate([block.validation for block in blocks])
    y, count = sample.y, sample.relative_weight

    def row_loss(config: Config) -> Floats:
        def margin(block: Block) -> Floats:
            rows = block.training
            decided = None if sample.decided is None else sample.decided[rows]
            weight = row_weight(decided, len(rows), config.folds.half_life_years, count[rows])
            head = fit_head(inputs.take(rows), Lesson(y[rows], weight), config.head)
            return head.output(inputs.take(block.validation)).margin

        with lone_workers(torch.device("cpu")) as pool:
            return _row_loss(y[newer], np.concatenate(list(pool.map(margin, blocks))), count[newer])

    climb.up("weight of older decisions", HALF_LIVES, row_loss)


def _choose_text(sample: TrainingSample, climb: _Climb, read_words: ReadWords) -> tuple[Floats, TrainingSample]:
    """Penalties of the narratives, then how their words are counted; returns the out-of-fold log-odds of the
    narratives, (n, n_narratives), and the sample with its words counted so.
    """
    found: dict[Config, tuple[Floats, TrainingSample]] = {}

    def row_loss(config: Config) -> Floats:
        if config in found:
            return _row_loss(sample.y, found[config][0].sum(axis=1), sample.relative_weight)
        counted = sample
        if config.text != start.text:
            text = replace(sample.design.text, x_lex=read_words(config.text))
            counted = replace(sample, design=replace(sample.design, text=text))
        inputs = Basis.fit(counted.design, config, sample.monotone).inputs(counted.design).without_columns()
        _, text_logit = fit_text_head(inputs, Training.of(sample, config))
        found[config] = text_logit, counted
        return _row_loss(sample.y, text_logit.sum(axis=1), sample.relative_weight)

    start = climb.config
    if sample.design.text.has_text.any():
        climb.up("penalties of narratives", TEXT, row_loss)
        if climb.config.text.words:
            penalty = climb.config.head.word_penalty
            weaker = [{"head.word_penalty": penalty / divisor} for divisor in WEAKER]
            climb.up("penalty of words", weaker, row_loss)
            climb.up("words of narratives", NGRAMS, row_loss)
    if climb.config not in found:
        row_loss(climb.config)
    return found[climb.config]


def _choose_columns(sample: TrainingSample, climb: _Climb) -> None:
    """How finely the head reads the columns."""
    design = Design(sample.design.tabular, TextBlock.empty(len(sample)))

    def row_loss(config: Config) -> Floats:
        inputs = Basis.fit(design, config, sample.monotone).inputs(design)
        margin = fit_head_margin(inputs, Training.of(sample, config))
        return _row_loss(sample.y, margin, sample.relative_weight)

    if sample.design.tabular.num_names or sample.design.tabular.cat_names:
        climb.up("columns of the head", COLUMNS, row_loss)


def _choose_trees(sample: TrainingSample, climb: _Climb, text: Floats) -> None:
    """Capacity of the trees, and whether they get components of the narratives."""
    inputs = Basis.fit(sample.design, climb.config, sample.monotone).inputs(sample.design)

    def row_loss(config: Config) -> Floats:
        k, seed = config.stacker.text_components, config.folds.seed
        components = TextComponents.fit(inputs, k, seed)
        rows = TreeRows.of(sample, text, text_columns(components, inputs, sample.design.text))
        margin = fit_trees(rows, Training.of(sample, config))
        return _row_loss(sample.y, margin, sample.relative_weight)

    climb.up("capacity of the trees", CAPACITY, row_loss)
    if sample.design.text.has_text.any():
        climb.up("components of narratives for the trees", COMPONENTS, row_loss)
        if climb.config.stacker.text_components:
            larger = [rung for rung in CAPACITY if int(rung["stacker.num_leaves"]) >= climb.config.stacker.num_leaves]
            climb.up("capacity of the trees with components", larger, row_loss)
