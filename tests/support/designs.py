"""Small made-up designs whose outcome hangs on columns and narratives; shared by the tests of fusion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse
from scipy.special import expit

from features.arrays import Flags, Floats, Floats32
from features.design import Design, TabularBlock, TextBlock, no_style
from fusion.config import Config, FoldConfig, HeadConfig, StackerConfig
from fusion.model.basis import Basis
from fusion.model.fusion_model import FusionModel, Margins
from fusion.model.training_sample import TrainingSample

LEVELS = (4, 3)
"""Codes of the two level columns, the 0 included."""

SMALL = Config(
    folds=FoldConfig(n_folds=3, n_repeats=1, seed=7),
    head=HeadConfig(n_bins=4, text_penalty=300.0, steps=40),
    stacker=StackerConfig(n_trees=30, min_leaf_rows=10, learning_rate=0.1),
)
"""Settings under which a fit takes a fraction of a second."""

WITH_COMPONENTS = SMALL.model_copy(update={"stacker": SMALL.stacker.model_copy(update={"text_components": 3})})
"""The same, and the trees hear three components of every narrative's vector and three of its words."""

MONOTONE = (1, 0, 0, 0)
"""Risk rises with the first number."""


@dataclass(frozen=True)
class Shape:
    """How many columns a design has of each kind."""

    n_num: int = 4
    n_cat: int = 2
    n_narratives: int = 2
    dim: int = 6
    n_buckets: int = 24


@dataclass(frozen=True)
class Trained:
    """A model with what it was trained on. out_of_fold: margins of rows from parts that never saw them."""

    model: FusionModel
    out_of_fold: Margins
    design: Design
    y: Floats


def make_design(n: int, seed: int = 0, shape: Shape = Shape()) -> Design:
    """Rows with missing numbers, unknown levels, and applicants who write nothing."""
    rng = np.random.default_rng(seed)
    x_num = rng.normal(size=(n, shape.n_num)).astype(np.float32)
    x_num[rng.random(x_num.shape) < 0.1] = np.nan
    levels = LEVELS[: shape.n_cat]
    x_cat = np.array([rng.integers(0, level, n) for level in levels], dtype=np.int32).reshape(len(levels), n).T
    tabular = TabularBlock(
        x_num,
        np.ascontiguousarray(x_cat),
        tuple(f"number_{i}" for i in range(shape.n_num)),
        tuple(f"level_{i}" for i in range(shape.n_cat)),
        levels,
    )
    has_text = rng.random((n, shape.n_narratives)) < 0.7
    x_text = rng.normal(size=(n, shape.n_narratives, shape.dim)).astype(np.float32)
    counts = (rng.random((n, shape.n_narratives, shape.n_buckets)) < 0.15).astype(np.float32)
    names = tuple(f"narrative_{i}" for i in range(shape.n_narratives))
    return Design(tabular, _text_block(x_text, has_text, counts, names))


def _text_block(
    x_text: Floats32,
    has_text: Flags,
    counts: Floats32,
    names: tuple[str, ...],
) -> TextBlock:
    """A block in which nothing is written where ``has_text`` says so. counts: (n, n_narratives, n_buckets)."""
    n, n_narratives, n_buckets = counts.shape
    words = (counts * has_text[:, :, None]).reshape(n, n_narratives * n_buckets)
    x_lex = sparse.csr_matrix(words, dtype=np.float32)
    x_text = np.where(has_text[:, :, None], x_text, np.float32(0))
    return TextBlock(x_text, has_text, x_lex, names, no_style(has_text))


def log_odds(design: Design) -> Floats:
    """Of bad: higher with large first numbers and with narratives that point one way."""
    signal: Floats = np.nan_to_num(design.tabular.x_num[:, :1].astype(np.float64)).sum(axis=1)
    signal += 2.0 * design.text.x_text[:, :, :1].astype(np.float64).sum(axis=(1, 2)) - 0.5
    return signal


def outcome(design: Design, seed: int = 0) -> Floats:
    """1 for bad, drawn with these ``log_odds``."""
    draw = np.random.default_rng([seed, 1]).random(len(design))
    bad: Flags = draw < expit(log_odds(design))
    return bad.astype(np.float64)


def sample_of(design: Design, y: Floats, monotone: tuple[int, ...] = MONOTONE) -> TrainingSample:
    """Rows to learn from that are nobody's copies and have no date."""
    return TrainingSample(design, y, np.arange(len(y)), monotone)


def with_numbers(design: Design, x_num: Floats32) -> Design:
    """The same rows with other numbers."""
    return Design(replace(design.tabular, x_num=x_num), design.text)


def with_column(design: Design, column: int, value: float) -> Design:
    """The same rows with one numeric column set to one value."""
    x_num = design.tabular.x_num.copy()
    x_num[:, column] = value
    return with_numbers(design, x_num)


def with_levels(design: Design, code: int) -> Design:
    """The same rows with one code in every level column."""
    return Design(replace(design.tabular, x_cat=np.full_like(design.tabular.x_cat, code)), design.text)


def silent(design: Design) -> Design:
    """The same rows, none of which has a narrative."""
    text = design.text
    nothing = sparse.csr_matrix(np.zeros(text.x_lex.shape, dtype=np.float32))
    unwritten = replace(
        text,
        x_text=np.zeros_like(text.x_text),
        has_text=np.zeros_like(text.has_text),
        x_lex=nothing,
        x_style=np.full_like(text.x_style, np.nan),
    )
    return Design(design.tabular, unwritten)


def without_narratives(design: Design) -> Design:
    """The same rows with no narrative columns at all."""
    return Design(design.tabular, TextBlock.empty(len(design)))


def with_text_of(design: Design, other: Design) -> Design:
    """The columns of one design with the narratives of another."""
    return Design(design.tabular, other.text)


def chunks(design: Design, size: int) -> Iterator[Design]:
    """The rows in order, so many at a time."""
    for start in range(0, len(design), size):
        yield design.take(np.arange(start, min(start + size, len(design))))


def free_basis(design: Design, n_bins: int) -> Basis:
    """A basis whose columns have no direction."""
    return Basis.fit(design, Config(head=HeadConfig(n_bins=n_bins)), [0] * len(design.tabular.num_names))
