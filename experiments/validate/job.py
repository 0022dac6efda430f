"""A validation: files in, the validation report and the model card out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from data_schemas.errors import ContractError
from experiments.reporting.document import Document, Section
from experiments.reporting.language import gettext
from experiments.reporting.model_name import name_and_digest
from experiments.reporting.policies import policy_words
from experiments.reporting.words import count, number
from experiments.session.decision_dates import rows_since
from experiments.session.layouts import note_layouts
from experiments.session.run import Run
from experiments.session.second_models import NO_SECOND_MODELS, RowPlaces, SecondModels
from experiments.session.sources import input_digest
from experiments.validate.card import card, origin
from experiments.validate.chapters import data, source_worth, text_worth
from experiments.validate.chapters.calibration import chapter as calibration
from experiments.validate.chapters.data import Intake
from experiments.validate.chapters.discrimination import chapter as discrimination
from experiments.validate.chapters.fairness import chapter as fairness
from experiments.validate.chapters.fairness.proxies import probed
from experiments.validate.chapters.policy import chapter as policy
from experiments.validate.chapters.stability import chapter as stability
from experiments.validate.front import headline, key_figures, plots_of, with_actions
from experiments.validate.scored_outcomes import ScoredOutcomes, score_outcomes
from experiments.validate.slices import length_cut, month_cut, segment_cuts
from features.arrays import Index
from features.tables.applications import Applications, Chunk, Rejects
from features.tables.reader import ReadOptions, in_one, read_files
from fusion.scorer import Scorer

VALIDATION, CARD = "validation", "card"


@dataclass(frozen=True)
class ValidationRequest:
    """What to validate on.

    Attributes:
        files: decided applications.
        since: only decisions from this day on; None for all.
        segments: columns to divide the rows by; empty for those that the schema suggests.
        keep_training_rows: whether rows that the model learned from stay among those judged.
        reread: whether narratives are read again with words exchanged and sentences cut, which needs the text encoder.
        made_on: the day the report was made.
    """

    files: tuple[Path, ...]
    since: date | None
    segments: tuple[str, ...]
    keep_training_rows: bool
    reread: bool
    made_on: date


@dataclass(frozen=True)
class Validation:
    """What a validation gave."""

    scored: ScoredOutcomes
    intake: Intake
    report: Document
    card: Document
    rejects: Rejects


def validate(
    scorer: Scorer,
    order: ValidationRequest,
    options: ReadOptions,
    run: Run,
    second_models: SecondModels = NO_SECOND_MODELS,
) -> Validation:
    """Judge a model on decided applications.

    Raises ContractError for a file without outcomes, a segment that does not fit the schema, or when no row is left.
    """
    note_layouts(run, order.files, scorer.schema, options)
    with run.stage("read") as advance:
        digest = input_digest(order.files, options)
        files = read_files(order.files, scorer.schema, options)
        read = in_one(order.files, files)
        advance(read.n_rows)
    applications, kept, intake = _taken(scorer, read, order, digest)
    file = np.repeat(np.arange(len(files)), [len(one.applications) for one in files])
    seconds = second_models.beside(order.files, options, RowPlaces(file[kept], applications.row_number), run)
    scored = score_outcomes(scorer, applications, run, seconds)
    chapters = chapters_of(scored, intake, order, run)
    report = validation(scored, intake, chapters, order.made_on)
    return Validation(scored, intake, report, card(scored, report.findings(), order.made_on), read.rejects)


def _taken(scorer: Scorer, read: Chunk, order: ValidationRequest, digest: str) -> tuple[Applications, Index, Intake]:
    """The rows to validate on, which of the sound ones they are, and what became of the others; raises ContractError
    when none is left.
    """
    applications, rejects = read.applications, read.rejects
    if not len(applications):
        undecided = (
            gettext(", {n_undecided} undecided").format(n_undecided=number(read.n_undecided))
            if read.n_undecided
            else ""
        )
        raise ContractError(
            f"{', '.join(str(path) for path in order.files)} has no row that keeps the contract and has an outcome "
            f"({count(read.n_rows, 'row')} read, {number(len(rejects))} rejected{undecided})",
            "`creditfusion schema check` says what is wrong with them.",
        )
    since = rows_since(applications, order.since)
    kept, places = applications.take(since.kept), np.flatnonzero(since.kept)
    learned = scorer.bundle.learned_from(kept)
    if learned is not None and not order.keep_training_rows:
        if learned.all():
            raise ContractError(
                f"the model learned from all {count(len(kept), 'row')} that are left to judge it on",
                "Name a file of other rows, or take later ones with --since. Where ids are numbered anew in every file "
                "and there are no decision dates, --keep-training-rows judges all the same.",
            )
        kept, places = kept.take(~learned), places[~learned]
    intake = Intake(
        files=tuple(path.name for path in order.files),
        digest=digest,
        n_rows=read.n_rows,
        rejected=dict(Counter(rejects.frame["rule"])),
        undecided=read.n_undecided,
        since=order.since,
        before=since.n_before,
        undated=since.n_undated,
        learned=None if learned is None else int(learned.sum()),
        learned_kept=order.keep_training_rows,
    )
    return kept, places, intake


def chapters_of(scored: ScoredOutcomes, intake: Intake, order: ValidationRequest, run: Run) -> list[Section]:
    """Every chapter of the report, in its order."""
    segments, months, lengths = segment_cuts(scored, order.segments), month_cut(scored), length_cut(scored)
    makers: tuple[Callable[[], Section], ...] = (
        lambda: data.chapter(scored, intake),
        lambda: discrimination.chapter(scored, segments, months),
        lambda: calibration.chapter(scored, segments, months),
        lambda: stability.chapter(scored),
        lambda: text_worth.chapter(scored, segments, lengths),
        *((lambda: source_worth.chapter(scored),) if scored.applications.schema.sources else ()),
        lambda: policy.chapter(scored),
        lambda: fairness.chapter(scored, run, order.reread, probed(scored)),
    )
    found = []
    with run.stage("validate", len(makers), "chapters") as advance:
        for make in makers:
            found.append(make())
            advance(1)
    return found


def validation(scored: ScoredOutcomes, intake: Intake, chapters: Sequence[Section], made_on: date) -> Document:
    """The validation report."""
    bundle, sections = scored.model.bundle, with_actions(chapters)
    findings = [finding for section in sections for finding in section.findings]
    return Document(
        report="validation",
        title=gettext(bundle.schema.title),
        kicker=gettext("Validation of a credit-risk model"),
        made_on=made_on,
        facts={
            gettext("Model"): name_and_digest(bundle),
            gettext("Learned from"): gettext("{n_rows} applications").format(
                n_rows=number(bundle.manifest.provenance.n_rows)
            ),
            gettext("Judged on"): gettext(", ").join(intake.files),
            gettext("Rows"): gettext("{scored}, {sum} bad").format(
                scored=number(len(scored)), sum=number(int(scored.y.sum()))
            ),
            gettext("Decided"): scored.decided,
            gettext("Policy"): policy_words(scored.policy, schema=bundle.schema),
        },
        headline=headline(findings),
        key_figures=key_figures(scored),
        front=plots_of(sections),
        sections=sections,
        origin=origin(bundle) | {gettext("files judged sha256"): intake.digest},
    )
