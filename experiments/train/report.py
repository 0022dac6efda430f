"""What a training run was and gave, for people and for machines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from experiments.reporting.words import percent
from experiments.train.choices import choice_json, taken_words
from fusion.metrics import Figures, Gain
from fusion.model.choosing import Choice
from fusion.model.fusion_model import Member
from fusion.policy.cutoff import ODDS_FACTOR


@dataclass(frozen=True)
class SliceReport:
    """Figures of the model and its ablations on one slice of the data, and what the text was worth there."""

    name: str
    fused: Figures
    columns_only: Figures
    text_only: Figures
    text_gain: Gain

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
        }


@dataclass(frozen=True)
class CutOff:
    """The model's own cut-off.

    Attributes:
        pd: approve up to it.
        bad_rate: of the training rows.
        follows_bad_rate: whether it was set from this rate, and not by the settings.
    """

    pd: float
    bad_rate: float
    follows_bad_rate: bool

    @property
    def words(self) -> str:
        """The cut-off for people, and where it comes from."""
        shown = f"{self.pd:#.2g}"
        said = f"PD {shown if float(shown) == self.pd else self.pd}"
        rate = percent(self.bad_rate, 1 if self.bad_rate >= 0.01 else 2)
        if not self.follows_bad_rate:
            return f"{said} (decision.max_pd; bad rate {rate})"
        return f"{said} ({ODDS_FACTOR} times the odds of the bad rate, {rate}); set decision.max_pd to your own"


@dataclass(frozen=True)
class TrainingReport:
    """What a training run was and gave.

    Attributes:
        model_id: names the model.
        n_rows: rows read.
        rejected: rows per broken rule.
        masked: rows of whose narratives something was cut, per sensitive kind.
        window: first and last decision date of the training rows; None without dates.
        cut_off: the model's own.
        choices: how its settings were chosen; empty where they were fixed.
        members: of its blend.
        slices: what the model is worth, first on all training rows.
    """

    model_id: str
    n_rows: int
    rejected: Mapping[str, int]
    masked: Mapping[str, int]
    window: tuple[str, str] | None
    cut_off: CutOff
    choices: tuple[Choice, ...]
    members: tuple[Member, ...]
    slices: tuple[SliceReport, ...]

    def summary(self) -> Mapping[str, object]:
        """The report for machines."""
        return {
            "model": self.model_id,
            "rows": self.n_rows,
            "trained_on": self.slices[0].fused.n,
            "window": self.window,
            "rejected": sum(self.rejected.values()),
            "rejected_by_rule": dict(self.rejected),
            "masked": dict(self.masked),
            "cut_off": asdict(self.cut_off),
            "choices": [choice_json(choice) for choice in self.choices],
            "members": [asdict(member) for member in self.members],
            "slices": {part.name: part.figures() for part in self.slices},
        }

    def lines(self) -> Mapping[str, object]:
        """The report for people."""
        lines: dict[str, object] = {
            "model": self.model_id,
            "rows": self.n_rows,
            "trained on": self.slices[0].fused.n,
            "training window": " to ".join(self.window) if self.window else "no decision date",
            "cut-off": self.cut_off.words,
            "rejected": sum(self.rejected.values()),
            "rejected by rule": dict(self.rejected),
        }
        if self.masked:
            lines["rows with sentences cut"] = dict(self.masked)
        lines["chosen"] = {choice.subject: taken_words(choice) for choice in self.choices}
        lines["members"] = {member.name: member_words(member) for member in self.members}
        return lines | {"figures": {part.name: slice_lines(part) for part in self.slices}}


def member_words(member: Member) -> str:
    """What a member weighs in the blend."""
    return f"weight {member.weight:.3f}" if member.weight else "left out: it did not help"


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
    }
