"""Figures of the model and its ablations on slices of the decided rows that it did not learn from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from features.arrays import Dates, Floats
from features.design import Design
from fusion.metrics import Figures, Gain, delong, figures
from fusion.model.cross_validation import newest_rows
from fusion.model.fusion_model import Margins
from fusion.validation.intervals import Estimate, auc_interval, slope_interval
from fusion.validation.source_worth import SourceWorth, source_worths


@dataclass(frozen=True)
class SliceReport:
    """Figures of the model and its ablations on one slice of the data.

    Attributes:
        name: the rows.
        fused: figures of the model.
        columns_only: of its ablation without narratives.
        text_only: of its ablation without columns.
        text_gain: what the text was worth: the model's AUC minus that of the columns.
        auc: the model's, with its interval.
        slope: the model's calibration slope with its interval.
        judges: whether these rows are the newest, or took no part: as near to new applications as there are.
        sources: what each source was worth.
    """

    name: str
    fused: Figures
    columns_only: Figures
    text_only: Figures
    text_gain: Gain
    auc: Estimate
    slope: Estimate
    judges: bool
    sources: tuple[SourceWorth, ...] = ()

    def figures(self) -> Mapping[str, int | float]:
        """Every figure to its last digit, for machines; text_gain is the model's AUC minus that of the columns."""
        gain = self.text_gain
        return {
            "rows": self.fused.n,
            "bad": self.fused.n_bad,
            "auc": self.fused.auc,
            "ks": self.fused.ks,
            "brier": self.fused.brier,
            "calibration_slope": self.fused.slope,
            "auc_columns_only": self.columns_only.auc,
            "auc_text_only": self.text_only.auc,
            "text_gain": gain.difference,
            "text_gain_low": gain.low,
            "text_gain_high": gain.high,
            "text_gain_p": gain.p,
            **{key: value for one in self.sources for key, value in _source_figures(one).items()},
        }


def _source_figures(one: SourceWorth) -> Mapping[str, float]:
    """What a source was worth, by keys that name it."""
    gain = {"": one.gain.difference, "_low": one.gain.low, "_high": one.gain.high, "_p": one.gain.p}
    worth = {f"worth_of_{one.name}{key}": value for key, value in gain.items()}
    return {f"auc_without_{one.name}": one.without} | worth


@dataclass(frozen=True)
class EvaluatedRows:
    """Rows that the model scored without having learned from them.

    Attributes:
        name: the rows.
        design: the rows as arrays.
        y: float64 (n,), outcomes, 1 for bad.
        margins: of the model and its ablations.
    """

    name: str
    design: Design
    y: Floats
    margins: Margins


def slices_of(own: EvaluatedRows, decided: Dates | None, held_out: EvaluatedRows | None) -> Iterator[SliceReport]:
    """All training rows out of fold, the newest of them, and the held-out rows; of each also those with a narrative.

    Args:
        own: the training rows with their out-of-fold margins.
        decided: datetime64 (n,), their days of decision; None without.
        held_out: the rows held out; None without.
    """
    yield from _with_narrative(own, judges=False)
    newest = newest_rows(decided)
    if newest is not None and decided is not None:
        first = decided[newest].min().astype("datetime64[D]")
        rows = own.design.take(np.flatnonzero(newest))
        yield from _with_narrative(
            EvaluatedRows(f"out of fold, from {first}", rows, own.y[newest], own.margins.at(newest))
        )
    if held_out is not None:
        yield from _with_narrative(held_out)


def _with_narrative(rows: EvaluatedRows, judges: bool = True) -> Iterator[SliceReport]:
    """The slice, and its rows that carry the main narrative: the column that is written with the most words."""
    yield judge(rows.name, rows.margins, rows.y, judges)
    text = rows.design.text
    if text.names and text.x_lex.nnz:
        per_column = text.x_lex.shape[1] // len(text.names)
        words = np.bincount(text.x_lex.indices // per_column, minlength=len(text.names))
        main = int(words.argmax())
        written = text.has_text[:, main]
        if not written.all():
            yield judge(
                f"{rows.name}, with {text.names[main]}", rows.margins.at(written), rows.y[written], judges=False
            )


def judge(name: str, margins: Margins, y: Floats, judges: bool) -> SliceReport:
    """All figures of one slice."""
    return SliceReport(
        name,
        figures(y, margins.fused),
        figures(y, margins.columns_only),
        figures(y, margins.text_only),
        delong(y, margins.fused, margins.columns_only),
        auc_interval(y, margins.fused),
        slope_interval(y, margins.fused)[0],
        judges,
        source_worths(y, margins),
    )


def headline(slices: Sequence[SliceReport]) -> dict[str, float | None]:
    """AUC, KS and Brier of every slice, by name; None where a figure does not exist."""
    found = {}
    for part in slices:
        for name, value in asdict(part.fused).items():
            if name in ("auc", "ks", "brier"):
                found[f"{part.name}: {name}"] = round(value, 6) if np.isfinite(value) else None
    return found


def slice_lines(part: SliceReport) -> Mapping[str, object]:
    """One slice's figures for people: in words, and rounded."""
    gain = part.text_gain
    return {
        "rows": part.fused.n,
        "bad": part.fused.n_bad,
        "AUC": f"{part.fused.auc:.4f}",
        "KS": f"{part.fused.ks:.4f}",
        "Brier": f"{part.fused.brier:.4f}",
        "slope": f"{part.fused.slope:.3f}",
        "AUC columns": f"{part.columns_only.auc:.4f}",
        "AUC text": f"{part.text_only.auc:.4f}",
        "text's worth": f"{gain.difference:+.4f}",
        "95 %, from": f"{gain.low:+.4f}",
        "95 %, to": f"{gain.high:+.4f}",
        "DeLong p": f"{gain.p:.2g}",
        **{f"worth of {one.name}": _worth_words(one) for one in part.sources},
    }


def _worth_words(one: SourceWorth) -> str:
    gain = one.gain
    return f"{gain.difference:+.4f} ({gain.low:+.4f} to {gain.high:+.4f}), AUC {one.without:.4f} without"
