"""A validation: files in, the validation report and the model card out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from data_schemas.errors import ContractError
from experiments.reporting.document import Column, Document, Finding, Section, Table
from experiments.reporting.words import count, number, percent
from experiments.session.run import Run
from experiments.validate.card import card, origin
from experiments.validate.chapters import calibration, data, discrimination, fairness, policies, stability, text_worth
from experiments.validate.chapters.data import Intake
from experiments.validate.scored_outcomes import ScoredOutcomes, score_outcomes
from experiments.validate.slices import length_cut, month_cut, segment_cuts
from features.tables.applications import Applications, Rejects
from features.tables.csv_records import data_digest
from features.tables.reader import ReadOptions, read_all
from fusion.policy.policy import Policy
from fusion.scorer import Scorer
from fusion.validation.intervals import auc_interval, rate

VALIDATION, CARD = "validation", "card"


@dataclass(frozen=True)
class ValidationRequest:
    """What to judge. since: only decisions from this day on. segments: columns to part the rows by; empty for those
    that the schema suggests. reread: whether narratives are read again with words exchanged and sentences cut.
    """

    files: tuple[Path, ...]
    since: date | None
    segments: tuple[str, ...]
    reread: bool
    made_on: date


@dataclass(frozen=True)
class Validation:
    """What a validation gave."""

    judged: ScoredOutcomes
    intake: Intake
    report: Document
    card: Document
    rejects: Rejects


def validate(scorer: Scorer, order: ValidationRequest, options: ReadOptions, run: Run) -> Validation:
    """Judge a model on decided applications.

    Raises ContractError for a file without outcomes, a segment that does not fit the schema, or when no row is left.
    """
    with run.stage("read") as advance:
        digest = data_digest(order.files)
        read = read_all(order.files, scorer.schema, options)
        advance(read.n_rows)
    applications, intake = _taken(read.applications, read.rejects, order, digest)
    judged = score_outcomes(scorer, applications, run)
    chapters = chapters_of(judged, intake, order, run)
    report = validation(judged, intake, chapters, order.made_on)
    return Validation(judged, intake, report, card(judged, report.findings(), order.made_on), read.rejects)


def _taken(
    applications: Applications, rejects: Rejects, order: ValidationRequest, digest: str
) -> tuple[Applications, Intake]:
    """The rows to judge, and what became of the others; raises ContractError when none is left."""
    n_rows, before, undated = len(applications) + len(rejects), 0, 0
    if order.since is not None:
        dates = applications.decision_date()
        if dates is None:
            raise ContractError(
                f"--since {order.since} needs decision dates, and schema {applications.schema.name!r} names no such "
                "column, or the file lacks it",
                "Give one field the role decision_date, or leave --since out.",
            )
        undated = int(np.isnat(dates).sum())
        kept = dates >= np.datetime64(order.since, "s")
        before = len(applications) - undated - int(kept.sum())
        applications = applications.take(np.asarray(kept, np.bool_))
    if not len(applications):
        what = f"decided from {order.since} on" if order.since else "that keeps the contract"
        raise ContractError(
            f"{', '.join(str(path) for path in order.files)} has no row {what} ({count(n_rows, 'row')} read, "
            f"{number(len(rejects))} rejected)",
            "Choose an earlier --since, or see what `creditfusion schema check` says.",
        )
    rejected = dict(Counter(rejects.frame["rule"]))
    names = tuple(path.name for path in order.files)
    return applications, Intake(names, digest, n_rows, rejected, order.since, before, undated)


def chapters_of(judged: ScoredOutcomes, intake: Intake, order: ValidationRequest, run: Run) -> list[Section]:
    """Every chapter of the report, in its order."""
    segments, months, lengths = segment_cuts(judged, order.segments), month_cut(judged), length_cut(judged)
    makers: tuple[Callable[[], Section], ...] = (
        lambda: data.chapter(judged, intake),
        lambda: discrimination.chapter(judged, segments, months),
        lambda: calibration.chapter(judged, segments, months),
        lambda: stability.chapter(judged),
        lambda: text_worth.chapter(judged, segments, lengths),
        lambda: policies.chapter(judged),
        lambda: fairness.chapter(judged, run, order.reread),
    )
    found = []
    with run.stage("validate", len(makers), "chapters") as advance:
        for make in makers:
            found.append(make())
            advance(1)
    return found


def validation(judged: ScoredOutcomes, intake: Intake, chapters: Sequence[Section], made_on: date) -> Document:
    """The validation report."""
    bundle = judged.model.bundle
    findings = [finding for chapter in chapters for finding in chapter.findings]
    learned = bundle.manifest.provenance.window
    return Document(
        report="validation",
        title=bundle.schema.title,
        kicker="Validation of a credit-risk model",
        made_on=made_on,
        facts={
            "Model": bundle.manifest.model_id,
            "Learned from": f"{number(bundle.manifest.provenance.n_rows)} applications"
            + (f", decided {learned[0]} to {learned[1]}" if learned else ""),
            "Judged on": ", ".join(intake.files),
            "Rows": f"{number(len(judged))}, {number(int(judged.y.sum()))} bad",
            "Decided": judged.decided,
            "Policy": policy_words(judged.policy),
        },
        headline=headline(findings),
        key_figures=key_figures(judged),
        sections=tuple(chapters),
        origin=origin(bundle) | {"files judged sha256": intake.digest},
    )


def headline(findings: Sequence[Finding]) -> tuple[str, ...]:
    """The whole in a few sentences."""
    alarms = [finding for finding in findings if finding.grade == "alarm"]
    concerns = [finding for finding in findings if finding.grade == "concern"]
    if alarms:
        return (
            f"Do not rely on this model before {'this is' if len(alarms) == 1 else 'these are'} resolved: "
            + " ".join(finding.title for finding in alarms),
        )
    if concerns:
        return (
            "Nothing speaks against using the model as it is meant, but "
            f"{count(len(concerns), 'thing')} should be looked into: " + " ".join(one.title for one in concerns),
        )
    return ("Every test of this report is passed.",)


def policy_words(policy: Policy) -> str:
    """The cut-offs of all rows without one of their own."""
    limits = policy.cutoffs
    said = f"approve up to a PD of {percent(limits.approve)}"
    if limits.decline > limits.approve:
        said += f", decline above {percent(limits.decline)}"
    return said + (f"; other cut-offs by {policy.segments.column}" if policy.segments else "")


def key_figures(judged: ScoredOutcomes) -> Table:
    """What a reader wants to see first."""
    area = auc_interval(judged.y, judged.margin)
    bad = rate(float(judged.y.sum()), len(judged))
    approved = judged.approved
    passed = rate(float(judged.y[approved].sum()), int(approved.sum()))
    rows = (
        ("AUC", f"{area.value:.3f}" if area.exists else "–", "0.5 is a coin, 1 never errs"),
        ("Mean PD", percent(float(judged.pd.mean())), f"observed: {percent(bad.value)}"),
        ("Approved", percent(float(approved.mean()), 0), policy_words(judged.policy)),
        ("Bad, of those approved", percent(passed.value) if passed.exists else "–", f"of all: {percent(bad.value)}"),
    )
    return Table(
        key="key_figures",
        title="Key figures",
        columns=(Column(key="name", title="Figure"), Column(key="value", title="Value"), Column(key="under", title="")),
        rows=rows,
    )
