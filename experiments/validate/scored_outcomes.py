"""Decided applications as a model reads them, its margins on them, and how they went."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.special import expit

from experiments.reporting.language import gettext
from experiments.session.reading import read_watched
from experiments.session.run import Run
from experiments.session.unlike_training import note_warnings
from features.arrays import Dates, Flags, Floats
from features.batches.column_counts import ColumnCounts
from features.batches.warnings import ColumnWarning
from features.design import Design
from features.tables.applications import Applications
from fusion.model.fusion_model import Margins
from fusion.policy.policy import NO_SECONDS, Decision, Policy, Seconds
from fusion.scorer import Scorer


@dataclass(frozen=True)
class ScoredOutcomes:
    """Decided applications as a model scored them.

    Attributes:
        model: what scored them.
        applications: sound rows with an outcome, narratives as they were written.
        design: the same as arrays.
        margins: of the model and of its ablations.
        y: float64 (n,), 1 for bad.
        decision: of each row, by the policy.
        quality: what each row lacks (``data_quality``).
        warnings: columns that are unlike those of the training rows.
        seconds: probabilities of each row by second models.
    """

    model: Scorer
    applications: Applications
    design: Design
    margins: Margins
    y: Floats
    decision: tuple[Decision, ...]
    quality: tuple[str, ...]
    warnings: tuple[ColumnWarning, ...] = ()
    seconds: Seconds = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.y)

    @property
    def policy(self) -> Policy:
        """What decides."""
        return self.model.deciding_policy

    @property
    def margin(self) -> Floats:
        """Calibrated log-odds of bad, float64 (n,)."""
        return self.margins.fused

    @property
    def pd(self) -> Floats:
        """PD of each row, float64 (n,)."""
        pd: Floats = expit(self.margins.fused)
        return pd

    @property
    def approved(self) -> Flags:
        """bool (n,): whether the policy approves without a second look."""
        return np.array([decision == "approve" for decision in self.decision], dtype=np.bool_)

    @property
    def wrote(self) -> Flags:
        """bool (n,): whether the model read any narrative of the applicant."""
        return np.asarray(self.design.text.has_text.any(axis=1), dtype=np.bool_)

    @property
    def months(self) -> Dates | None:
        """datetime64[M] (n,) of the decision, NaT where it is missing; None where the data have no decision date."""
        dates = self.applications.decision_date()
        return None if dates is None or np.isnat(dates).all() else dates.astype("datetime64[M]")

    @property
    def n_in_training_window(self) -> int | None:
        """Rows decided no later than the last that the model learned from; None where either day is not known."""
        learned, dates = self.model.bundle.manifest.provenance.window, self.applications.decision_date()
        if learned is None or dates is None:
            return None
        return int((dates < np.datetime64(learned[1], "s") + np.timedelta64(1, "D")).sum())

    @property
    def decided(self) -> str:
        """First and last month of decision in words."""
        if self.months is None:
            return gettext("not known")
        known = self.months[~np.isnat(self.months)]
        return gettext("{min} to {max}").format(min=known.min(), max=known.max())


def score_outcomes(
    scorer: Scorer, applications: Applications, run: Run, seconds: Seconds = NO_SECONDS
) -> ScoredOutcomes:
    """Applications with outcomes, scored and decided; columns unlike training are noted.

    ``seconds`` are their probabilities by second models. Raises as ``Scorer.decide`` does.
    """
    columns: dict[str, ColumnCounts] = {}
    reading = read_watched(scorer, applications, run, on_columns=columns.update)
    with run.timed("predict"):
        margins = scorer.margins(reading)
    applications = reading.applications
    decided = scorer.decide(applications, expit(margins.fused), reading.quality, seconds).decision
    y, warnings = applications.outcome(), scorer.unlike_training(columns)
    note_warnings(run, warnings)
    return ScoredOutcomes(scorer, applications, reading.design, margins, y, decided, reading.quality, warnings, seconds)
