"""Figures of the model and its ablations on slices of the decided rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

import numpy as np

from experiments.train.report import SliceReport
from features.arrays import Floats
from features.design import Design
from fusion.metrics import delong, figures
from fusion.model.cross_validation import newest_rows
from fusion.model.fusion_model import Margins
from fusion.model.training import TrainingSample


def training_slices(margins: Margins, own: TrainingSample) -> Iterator[SliceReport]:
    """Slices of the training rows ``own``: all of them, and the newest."""
    yield from with_narrative("out of fold", margins, own.y, own.design)
    newest = newest_rows(own.decided)
    if newest is not None and own.decided is not None:
        first = own.decided[newest].min().astype("datetime64[D]")
        last = own.design.take(np.flatnonzero(newest))
        yield from with_narrative(f"out of fold, from {first}", margins.at(newest), own.y[newest], last)


def with_narrative(name: str, margins: Margins, y: Floats, design: Design) -> Iterator[SliceReport]:
    """The slice, and its rows that carry the main narrative: the column that is written with the most words."""
    yield judge(name, margins, y)
    if design.text.names and design.text.x_lex.nnz:
        per_column = design.text.x_lex.shape[1] // len(design.text.names)
        words = np.bincount(design.text.x_lex.indices // per_column, minlength=len(design.text.names))
        main = int(words.argmax())
        written = design.text.has_text[:, main]
        if not written.all():
            yield judge(f"{name}, with {design.text.names[main]}", margins.at(written), y[written])


def judge(name: str, margins: Margins, y: Floats) -> SliceReport:
    """All figures of one slice."""
    return SliceReport(
        name,
        figures(y, margins.fused),
        figures(y, margins.columns_only),
        figures(y, margins.text_only),
        delong(y, margins.fused, margins.columns_only),
    )


def headline(slices: Sequence[SliceReport]) -> dict[str, float | None]:
    """AUC, KS and Brier of every slice, by name; None where a figure does not exist."""
    found = {}
    for part in slices:
        for name, value in asdict(part.fused).items():
            if name in ("auc", "ks", "brier"):
                found[f"{part.name}: {name}"] = round(value, 6) if np.isfinite(value) else None
    return found
