"""The model against the plain pipeline, on the same rows and folds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal

from experiments.train.rows import Split
from experiments.train.slices import EvaluatedRows
from features.arrays import Floats, Ints
from features.narratives.reader import clean_narrative
from features.tables.applications import Applications
from fusion.metrics import Gain, auc, delong
from fusion.validation.plain_pipeline import Kind, PlainPipeline, PlainRows, later_margin, plain_pipeline

Standing = Literal["ahead of", "level with", "behind"]
SIGNIFICANT = 0.05  # two-sided


@dataclass(frozen=True)
class PlainSlice:
    """Both on some rows that neither learned from.

    Attributes:
        name: the rows.
        model_auc: of the model.
        plain_auc: of the plain pipeline.
        gain: how much better the model's AUC is.
    """

    name: str
    model_auc: float
    plain_auc: float
    gain: Gain

    @property
    def standing(self) -> Standing:
        """Where the model stands; level where chance could explain the difference."""
        if not self.gain.p < SIGNIFICANT:
            return "level with"
        return "ahead of" if self.gain.difference > 0 else "behind"

    @property
    def words(self) -> str:
        """The comparison for people."""
        gain = self.gain
        return (
            f"{self.standing} the plain pipeline: AUC {self.model_auc:.4f} against {self.plain_auc:.4f}, "
            f"{gain.difference:+.4f} (95 % {gain.low:+.4f} to {gain.high:+.4f})"
        )


@dataclass(frozen=True)
class PlainComparison:
    """The model against the plain pipeline.

    Attributes:
        kind: what the plain pipeline is made of, the best of three by out-of-fold log-loss.
        log_loss: out-of-fold log-loss of each of them that these rows have, in nats.
        slices: first on all training rows, out of fold; then on held-out rows, where there are any.
    """

    kind: Kind
    log_loss: Mapping[Kind, float]
    slices: tuple[PlainSlice, ...]

    def figures(self) -> Mapping[str, object]:
        """Every figure to its last digit, for machines."""
        parts = {part.name: {**asdict(part), "standing": part.standing} for part in self.slices}
        return {"kind": self.kind, "log_loss": dict(self.log_loss), "slices": parts}

    def lines(self) -> Mapping[str, object]:
        """The comparison for people."""
        return {"made of": self.kind} | {part.name: part.words for part in self.slices}


def compare_plain(
    applications: Applications, split: Split, own: EvaluatedRows, held_out: EvaluatedRows | None, fold: Ints
) -> PlainComparison:
    """Fit the plain pipeline and compare the model with it.

    Args:
        applications: all decided rows, narratives as the model reads them.
        split: which of them it learned from, and which are held out.
        own: the model's out-of-fold margins of the former.
        held_out: its margins of the latter; None without any.
        fold: int64 (n,), the fold that held out each row to learn from.
    """
    rows = _plain_rows(applications.take(split.learn), own)
    plain = plain_pipeline(rows, own.y, fold)
    slices = [_slice(own, plain.margin)]
    if held_out is not None:
        slices.append(_slice(held_out, _later(plain, rows, own.y, applications.take(split.held_out), held_out)))
    return PlainComparison(plain.kind, plain.log_loss, tuple(slices))


def _later(
    plain: PlainPipeline, rows: PlainRows, y: Floats, applications: Applications, held_out: EvaluatedRows
) -> Floats:
    return later_margin(plain, rows, y, _plain_rows(applications, held_out))


def _plain_rows(applications: Applications, evaluated: EvaluatedRows) -> PlainRows:
    texts = tuple(clean_narrative(applications, field.name) for field in applications.schema.narratives)
    return PlainRows(evaluated.design.tabular, texts)


def _slice(evaluated: EvaluatedRows, plain: Floats) -> PlainSlice:
    y, model = evaluated.y, evaluated.margins.fused
    return PlainSlice(evaluated.name, auc(y, model), auc(y, plain), delong(y, model, plain))
