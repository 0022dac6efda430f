"""What is judged: decided applications as a model sees them, its margins on them, and how they went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from data_schemas.contract import Sensitive
from experiments.session.encoders import Model, check_encoder
from experiments.session.inputs import model_inputs
from experiments.session.run import Run
from features.arrays import Dates, Flags, Floats
from features.design import Design
from features.tables.applications import Applications
from features.tables.data_quality import data_quality
from fusion.model.fusion_model import Margins
from fusion.policy.policy import Decision, Policy, decide_all


@dataclass(frozen=True)
class ScoredDesign:
    """Applications as a model reads them.

    applications: without the sentences that its config cuts. kinds: what was cut from each row. margins: of the model
    and of its ablations.
    """

    applications: Applications
    kinds: tuple[frozenset[Sensitive], ...]
    design: Design
    margins: Margins


@dataclass(frozen=True)
class ScoredOutcomes:
    """Decided applications and what the model says of them.

    applications: sound rows with an outcome, narratives as they were written. y: float64 (n,), 1 bad. decision: of each
    row, by the policy. quality: what each row lacks (``data_quality``).
    """

    model: Model
    policy: Policy
    applications: Applications
    design: Design
    margins: Margins
    y: Floats
    decision: tuple[Decision, ...]
    quality: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.y)

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
    def decided(self) -> str:
        """First and last month of decision in words."""
        if self.months is None:
            return "not known"
        known = self.months[~np.isnat(self.months)]
        return f"{known.min()} to {known.max()}"


def see(model: Model, applications: Applications, run: Run, stage: str = "encode") -> ScoredDesign:
    """Read and score applications as the model does; ``stage`` names the work in the run's timings."""
    masked, design = model_inputs(model, applications, run, stage)
    with run.timed("predict"):
        margins = model.bundle.model.margins(design, model.threads)
    return ScoredDesign(masked.applications, masked.kinds, design, margins)


def judge(model: Model, applications: Applications, policy: Policy, run: Run) -> ScoredOutcomes:
    """Applications with outcomes, scored and decided by the policy.

    Raises ContractError for another text encoder than the one the model learned with.
    """
    check_encoder(model.encoder, model.bundle)
    seen = see(model, applications, run)
    masked = seen.kinds if model.bundle.config.text.mask else ()
    quality = data_quality(applications, model.bundle.tabular.levels, masked)
    decision = decisions(policy, applications, seen.margins.fused, quality)
    return ScoredOutcomes(
        model, policy, applications, seen.design, seen.margins, applications.outcome(), decision, tuple(quality)
    )


def decisions(
    policy: Policy, applications: Applications, margin: Floats, quality: Sequence[str]
) -> tuple[Decision, ...]:
    """What the policy decides of applications with these margins (n,) and data-quality flags.

    Raises ContractError where their file has no column that the policy needs.
    """
    return decide_all(policy, applications, expit(margin), quality).decision
