"""What a training run was and gave, for people and for machines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from experiments.reporting.policies import policy_json, policy_words
from experiments.reporting.words import percent
from experiments.session.outcomes import OutcomeCounts
from experiments.train.choices import choice_json, taken_words
from experiments.train.findings import Finding, finding_lines
from experiments.train.plain import PlainComparison
from experiments.train.slices import SliceReport, slice_lines
from experiments.train.tuning import TuningRecord
from features.narratives.legibility import Languages
from fusion.model.choosing import Choice
from fusion.model.fusion_model import Member
from fusion.policy.cutoff import ODDS_FACTOR
from fusion.policy.policy import Policy


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
        cutoff = f"PD {shown if float(shown) == self.pd else self.pd}"
        rate = percent(self.bad_rate, 1 if self.bad_rate >= 0.01 else 2)
        if not self.follows_bad_rate:
            return f"{cutoff} (decision.max_pd; bad rate {rate})"
        return f"{cutoff} ({ODDS_FACTOR} times the odds of the bad rate, {rate}); set decision.max_pd to your own"


@dataclass(frozen=True)
class Judgement:
    """What a model came to.

    Attributes:
        cut_off: the model's own.
        choices: how its settings were chosen; empty where they were fixed.
        members: of its blend.
        slices: what it is worth, first on all training rows.
        plain: how it compares with the plain pipeline; None where that was not fitted.
        findings: what the run came upon, warnings first.
        tuning: how the encoder learned from the outcomes; None where it did not.
        policy: the credit policy that the bundle keeps; None where its own cut-off decides.
    """

    cut_off: CutOff
    choices: tuple[Choice, ...]
    members: tuple[Member, ...]
    slices: tuple[SliceReport, ...]
    plain: PlainComparison | None
    findings: tuple[Finding, ...]
    tuning: TuningRecord | None = None
    policy: Policy | None = None


@dataclass(frozen=True)
class TrainingReport:
    """What a training run was and gave.

    Attributes:
        model_id: names the model.
        n_rows: rows read.
        outcomes: of the sound ones.
        rejected: rows per broken rule.
        masked: rows of whose narratives something was cut, per sensitive kind.
        window: first and last decision date of the training rows; None without dates.
        judgement: what the model came to.
        written: the languages of the narratives.
    """

    model_id: str
    n_rows: int
    outcomes: OutcomeCounts
    rejected: Mapping[str, int]
    masked: Mapping[str, int]
    window: tuple[str, str] | None
    judgement: Judgement
    written: Languages

    def summary(self) -> Mapping[str, object]:
        """The report for machines."""
        found = self.judgement
        return {
            "model": self.model_id,
            "rows": self.n_rows,
            "outcomes": asdict(self.outcomes),
            "trained_on": found.slices[0].fused.n,
            "window": self.window,
            "rejected": sum(self.rejected.values()),
            "rejected_by_rule": dict(self.rejected),
            "masked": dict(self.masked),
            "languages": dict(self.written.written),
            "text_not_read": dict(self.written.unread),
            "cut_off": asdict(found.cut_off),
            "policy": policy_json(found.policy),
            "tuning": None if found.tuning is None else found.tuning.json(),
            "choices": [choice_json(choice) for choice in found.choices],
            "members": [asdict(member) for member in found.members],
            "slices": {part.name: part.figures() for part in found.slices},
            "plain_pipeline": found.plain.figures() if found.plain is not None else None,
            "findings": [asdict(finding) for finding in found.findings],
        }

    def lines(self) -> Mapping[str, object]:
        """The report for people."""
        found = self.judgement
        lines: dict[str, object] = {
            "model": self.model_id,
            "rows": self.n_rows,
            "outcomes": self.outcomes.words,
            "trained on": found.slices[0].fused.n,
            "training window": " to ".join(self.window) if self.window else "no decision date",
            "cut-off": found.cut_off.words,
            "policy": policy_words(found.policy) if found.policy else "none: the cut-off decides",
            "rejected": sum(self.rejected.values()),
            "rejected by rule": dict(self.rejected),
        }
        if self.masked:
            lines["rows with sentences cut"] = dict(self.masked)
        if found.tuning is not None:
            lines["tuning of the encoder"] = {**found.tuning.lines(), "seconds": round(found.tuning.seconds, 1)}
        lines["languages of the narratives"] = dict(self.written.written) or "nothing was written"
        if self.written.n_unread:
            lines["narratives not read"] = dict(self.written.unread)
        lines["chosen"] = {choice.subject: taken_words(choice) for choice in found.choices}
        lines["members"] = {member.name: member_words(member) for member in found.members}
        if found.plain is not None:
            lines["against the plain pipeline"] = found.plain.lines()
        lines["findings"] = finding_lines(found.findings) or "none"
        return lines | {"figures": {part.name: slice_lines(part) for part in found.slices}}


def member_words(member: Member) -> str:
    """What a member weighs in the blend."""
    return f"weight {member.weight:.3f}" if member.weight else "left out: it did not help"
