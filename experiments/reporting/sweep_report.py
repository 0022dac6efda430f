"""The report of a sweep: what was searched, what was found, and whether it is better than the default beyond chance.

Values are in the units of their objective: log-loss in nats, Brier score, AUC and KS as fractions of 1, cost in
milliseconds of one processor for 1,000 rows. Seconds and hours are of the clock.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from experiments.reporting.parts import Count, Fraction, ReportModel, Text, meet

Goal = Literal["minimize", "maximize"]
TrialState = Literal["complete", "pruned", "failed"]
Outcome = Literal["better", "unsure", "mixed", "worse", "same", "unchecked"]
"""What the check on held-out rows says of the best settings: better or worse than the default beyond chance, unsure,
mixed (one figure better, the other worse), the same settings, or not checked."""
ChartKind = Literal["history", "importance", "slices", "parallel", "folds", "time", "front"]
Value = bool | int | float | Text
Seconds = Annotated[float, Field(ge=0)]
SIGNIFICANT = 0.05  # two-sided


class Target(ReportModel):
    """What was optimised. name: as on the command line. title: in words. digits: decimals worth showing."""

    name: Text
    title: Text
    unit: Text = ""
    goal: Goal
    digits: Count


class Counts(ReportModel):
    """Trials of the study. again: failed ones that were run again. open: running or waiting when this was made."""

    complete: Count
    pruned: Count
    failed: Count
    again: Count
    open: Count

    @property
    def ended(self) -> int:
        """Trials that came to an end, whichever."""
        return self.complete + self.pruned + self.failed


class SweepSetting(ReportModel):
    """A searched setting. None: it does not matter beside the others. at_edge: the best value lies at the end of its
    range, so that a wider one may hold a better. importance: its share of what tells the best trials from the rest.
    """

    key: Text
    default: Value | None
    best: Value | None
    changed: bool
    at_edge: bool
    importance: Fraction | None


class SweepTrial(ReportModel):
    """One of the best trials. values: one per target. fit_seconds: None where it was not noted."""

    rank: int = Field(ge=1)
    number: Count
    state: TrialState
    front: bool
    values: tuple[float, ...]
    auc: float | None
    brier: float | None
    slope: float | None
    fit_seconds: Seconds | None
    settings: dict[str, Value]


class HeldOutFigures(ReportModel):
    """Figures on the held-out rows; None where they do not exist."""

    auc: Fraction | None
    brier: float | None
    log_loss: float | None
    slope: float | None


class SweepGain(ReportModel):
    """How much better the best settings are, with the 95 % interval; above 0 is better. p: two-sided.

    p_corrected: p by Holm's correction for all comparisons of the check, of every look at its rows.
    """

    difference: float
    low: float
    high: float
    p: Fraction
    p_corrected: Fraction

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.p_corrected < self.p:
            raise ValueError(f"a correction does not make p smaller: {self.p_corrected} < {self.p}")
        if not self.low <= self.difference <= self.high:
            raise ValueError(f"{self.difference} does not lie within {self.low} to {self.high}")
        return self

    @property
    def outcome(self) -> Outcome:
        """The word for it."""
        if self.p_corrected >= SIGNIFICANT:
            return "unsure"
        return "better" if self.difference > 0 else "worse"


class FinalCheck(ReportModel):
    """Default and best settings, both fitted anew and compared once on rows that no trial saw.

    best_trial: the trial whose settings were checked. since: the first decision date held out. auc_gain: by DeLong.
    looks: how often these rows were looked at, for whichever trial was the best then.
    """

    best_trial: Count
    n: Count
    n_bad: Count
    since: date | None
    default: HeldOutFigures
    best: HeldOutFigures
    auc_gain: SweepGain | None
    brier_gain: SweepGain | None
    looks: int = Field(ge=1)

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.auc_gain and self.best.auc is not None and self.default.auc is not None:
            meet("AUC gain", self.best.auc - self.default.auc, self.auc_gain.difference)
        if self.brier_gain and self.best.brier is not None and self.default.brier is not None:
            meet("Brier gain", self.default.brier - self.best.brier, self.brier_gain.difference)
        return self


class Chart(ReportModel):
    """A plot of the page, in words. words: what it shows. alt: what is drawn, for who cannot see it. gap: why it is
    not drawn, "" where it is.
    """

    kind: ChartKind
    title: Text
    words: Text
    alt: Text
    gap: Text = ""


class SweepTime(ReportModel):
    """Where the time went. hours: of the clock, while at least one trial ran. fit, outside: seconds of all workers
    within model fitting and beside it; None where they were not noted. saved: what pruning spared, about.
    """

    hours: Seconds
    n_workers: Count
    fit: Seconds | None
    outside: Seconds | None
    saved: Seconds | None


class SweepReport(ReportModel):
    """What a sweep found. best_trial, default_trial: None where it was not completed.

    outcome: what the held-out rows say.
    headline: the whole in a few sentences. use: how to go on with the best settings. limits: what the figures do not
    mean. failures: what trials failed of. origin: what the study's trials depend on, by name: digests or words.
    """

    report: Literal["sweep"] = "sweep"
    version: Literal[1] = 1
    study: Text
    made_on: date
    targets: tuple[Target, ...] = Field(min_length=1)
    trials: Counts
    best_trial: Count | None
    default_trial: Count | None
    default_values: tuple[float, ...]
    outcome: Outcome
    headline: tuple[Text, ...]
    settings: tuple[SweepSetting, ...]
    top: tuple[SweepTrial, ...]
    shown: tuple[Text, ...] = Field((), description="settings that matter most: columns of the table of the best")
    final: FinalCheck | None
    charts: tuple[Chart, ...]
    time: SweepTime
    time_words: tuple[Text, ...]
    use: tuple[Text, ...]
    command: Text
    limits: tuple[Text, ...]
    failures: tuple[Text, ...] = ()
    origin: dict[Text, Text]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if any(len(line.values) not in (0, len(self.targets)) for line in self.top):
            raise ValueError("a trial has as many values as there are targets")
        if (self.best_trial is None) != (self.trials.complete == 0):
            raise ValueError("there is a best trial where one was completed")
        return self
