"""The closing summary of a validation, for people and for machines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from experiments.reporting.html import GRADES
from experiments.validate.job import Validation
from features.batches.warnings import in_lines
from fusion.validation.intervals import (
    Estimate,
    auc_interval,
    brier_interval,
    calibration_in_the_large,
    rate,
    slope_interval,
)


@dataclass(frozen=True)
class ValidationSummary:
    """A validation in a few figures.

    Attributes:
        summary: every figure to its last digit, for machines.
        lines: the same for people.
    """

    summary: Mapping[str, object]
    lines: Mapping[str, object]


def summarise(found: Validation) -> ValidationSummary:
    """What a validation came to."""
    scored, intake = found.scored, found.intake
    findings = found.report.findings()
    approved = scored.approved
    figures = {
        "auc": auc_interval(scored.y, scored.margin),
        "brier": brier_interval(scored.y, scored.margin),
        "calibration_slope": slope_interval(scored.y, scored.margin)[0],
        "mean_pd_minus_bad_rate": calibration_in_the_large(scored.y, scored.margin).gap,
        "approval_rate": rate(float(approved.sum()), len(scored)),
        "bad_rate_approved": rate(float(scored.y[approved].sum()), int(approved.sum())),
    }
    counts: dict[str, object] = {
        "model": scored.model.bundle.manifest.model_id,
        "rows": intake.n_rows,
        "judged": len(scored),
        "good": len(scored) - int(scored.y.sum()),
        "bad": int(scored.y.sum()),
        "undecided": intake.undecided,
        "rejected": sum(intake.rejected.values()),
        "rejected_by_rule": dict(intake.rejected),
        "warnings": in_lines(scored.warnings),
    }
    graded = [{"key": one.key, "grade": one.grade, "title": one.title} for one in findings]
    return ValidationSummary(
        counts | {"figures": {name: vars(one) for name, one in figures.items()}, "findings": graded},
        counts
        | {"figures, 95 % interval": {name: _shown(one) for name, one in figures.items()}}
        | {"findings": {f"{at}. {GRADES[one.grade]}": one.title for at, one in enumerate(findings, 1)}},
    )


def _shown(estimate: Estimate) -> str:
    if not estimate.exists:
        return "cannot be computed"
    return f"{estimate.value:.4f} ({estimate.low:.4f} to {estimate.high:.4f})"
