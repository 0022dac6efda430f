"""What the underwriter's report and the letter hold; the validator's report shares parts of it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

import numpy as np
from scipy.special import expit, logit

from data_schemas.sources import APPLICATION
from experiments.explain.approved import ApprovedValues
from experiments.explain.cases import Case, Change, Outcome, Study
from experiments.explain.columns import columns_of
from experiments.explain.deciding import deciding_policy, needed_words, refer_reasons
from experiments.explain.facts import Ground, entries_in, facts, flags, ground, typed
from experiments.explain.letters.answers import AnswerFacts, answers
from experiments.explain.letters.lender import NOBODY, Lender
from experiments.explain.letters.letter import LetterHead, letter
from experiments.explain.letters.review import Cause, review_causes
from experiments.explain.request import Rules
from experiments.explain.standing import Crowd
from experiments.explain.statements import disagreements, statements_of
from experiments.reporting.background import BackgroundRows
from experiments.reporting.decision.answers import AnswerSheet
from experiments.reporting.decision.applicant import ApplicantNotice, Suggestion
from experiments.reporting.decision.underwriter import (
    ColumnPoints,
    CutOff,
    Narrative,
    NarrativeEffect,
    NotMentioned,
    ReportedReason,
    Sentence,
    SuggestedChange,
    UnderwriterReport,
)
from experiments.reporting.language import ENGLISH, Language
from experiments.reporting.model_name import model_name
from experiments.reporting.parts import (
    DecidingPolicy,
    Move,
    Result,
    SentenceMethod,
    SourcePoints,
    Subject,
)
from features.arrays import Floats
from fusion.bundle import Bundle
from fusion.explain.by_source import owner, source_log_odds
from fusion.explain.counterfactuals import ColumnMove
from fusion.explain.explanation import to_points
from fusion.model.calibration import to_score
from fusion.policy.policy import encoded_cutoffs

LEAST_PD = 1e-6


@dataclass(frozen=True)
class Heading:
    """What stands over all reports of a run.

    Attributes:
        command: Makes the validator's report of an id again.
        lender: Who writes letters.
        approval_reasons: Whether letters of approval name what counted against the applicant.
        language: Of letters and pages.
        rules: Of letters.
    """

    data: Path
    made_on: date
    command: tuple[str, ...]
    lender: Lender = NOBODY
    approval_reasons: bool = False
    language: Language = ENGLISH
    rules: Rules = Rules.PLAIN

    def command_for(self, applicant: str) -> str:
        """The command, as it is typed in a shell."""
        return shlex.join([*self.command, f"--id={applicant}"])


@dataclass(frozen=True)
class Reporter:
    """Writes the reports of one run's applications."""

    study: Study
    crowd: Crowd
    heading: Heading

    @property
    def bundle(self) -> Bundle:
        """The model."""
        return self.study.bundle

    @cached_property
    def approved(self) -> ApprovedValues:
        """What most approved applicants have."""
        population, policy = self.bundle.population, self.study.scorer.deciding_policy
        cutoffs = encoded_cutoffs(policy, population.columns, self.bundle.tabular)
        return ApprovedValues.of(population, expit(population.margin) <= cutoffs)

    @cached_property
    def background_rows(self) -> BackgroundRows:
        """How many rows the background has, and out of how many."""
        bundle, scorer = self.bundle, self.study.scorer
        n = len(bundle.background(scorer.policy))
        return BackgroundRows(n, len(bundle.population), bundle.manifest.provenance.n_rows)

    def points(self, log_odds: Floats) -> list[float]:
        """Contributions as points; nothing is 0, not -0."""
        points: list[float] = (to_points(log_odds, self.bundle.config.scale) + 0.0).tolist()
        return points

    def score(self, margin: float) -> float:
        """The score of a margin."""
        return float(to_score(np.array([margin]), self.bundle.config.scale)[0])

    def result(self, outcome: Outcome) -> Result:
        """What a margin means, and what was decided of it."""
        return Result(pd=float(expit(outcome.margin)), score=self.score(outcome.margin), decision=outcome.decision)

    def subject(self, case: Case) -> Subject:
        """Whom a report is about."""
        return Subject(
            id=case.id,
            row=case.row,
            file=self.heading.data.name,
            product=self.heading.language.gettext(self.bundle.schema.title),
            model=self.bundle.manifest.model_id,
            model_name=model_name(self.bundle),
            made_on=self.heading.made_on,
        )

    def grounds(self, case: Case) -> list[Ground]:
        """What stands behind each reason."""
        known = facts(case, self.heading.language)
        book, approved = self.study.scorer.book, self.approved
        language = self.heading.language
        return [ground(case, reason, book, known, approved, language) for reason, _ in case.reasons]

    def review_causes(self, case: Case, grounds: list[Ground]) -> tuple[Cause, ...]:
        """Why a person must look before a declined applicant is given the reasons."""
        heading = self.heading
        return review_causes(case, case.outcomes.fused.decision, grounds, heading.rules, heading.lender)

    def underwriter(self, case: Case) -> UnderwriterReport:
        """Why an applicant scored so."""
        explanation, result, grounds = case.explanation, self.result(case.outcomes.fused), self.grounds(case)
        narratives = self.narratives(case)
        language = self.heading.language
        causes, policy = self.review_causes(case, grounds), deciding_policy(self.study.scorer, case, language)
        with self.study.timed("similar"):
            similar = self.crowd.similar(self.study.as_in_training(case), language)
        return UnderwriterReport(
            subject=self.subject(case),
            result=result,
            cut_off=self.cut_off(policy, result.score),
            population=self.crowd.around(result.score, language),
            starting_score=self.score(explanation.base),
            columns=self.columns(case),
            narratives=narratives,
            narrative_points=sum(narrative.points for narrative in narratives),
            sentence_method=self.method(case),
            reasons=self.reasons(case, grounds),
            needs_review=bool(causes),
            review_causes=tuple(cause.in_words(language) for cause in causes),
            quality=flags(case, language),
            similar=similar,
            changes=tuple(self.change(change) for change in case.changes),
            narrative_effect=self.effect(case),
            sources=self.sources(case),
            contradictions=disagreements(case),
            policy=policy,
            refer_reasons=refer_reasons(case, self.study.scorer.deciding_policy, language),
            not_mentioned=tuple(
                NotMentioned(name=language.gettext(one.name), points=one.points) for one in case.not_mentioned
            ),
        )

    def cut_off(self, policy: DecidingPolicy, score: float) -> CutOff:
        """The cut-offs of an application on the scale of points; PDs of 0 and 1 have no score, and the nearest to them
        that a score can have stand in their place.
        """
        approve, decline = (
            self.score(float(logit(np.clip(pd, LEAST_PD, 1.0 - LEAST_PD)))) for pd in (policy.approve, policy.decline)
        )
        band = policy.decline > policy.approve
        return CutOff(
            pd=policy.approve, score=approve, distance=score - approve, declined_below=decline if band else None
        )

    def sources(self, case: Case) -> tuple[SourcePoints, ...]:
        """What the application itself and each source of the schema gives or takes."""
        schema = self.bundle.schema
        language = self.heading.language
        titles = {one.name: language.gettext(one.title) for one in schema.sources}
        titles[APPLICATION] = language.gettext("The application itself")
        log_odds = source_log_odds(case.explanation, schema)
        return tuple(
            SourcePoints(name=name, title=titles[name], points=points)
            for name, (points,) in ((name, self.points(one)) for name, one in log_odds.items())
        )

    def source_of(self, name: str) -> str:
        """The source with which a column or narrative counts; "" where the schema has none."""
        schema = self.bundle.schema
        return owner(schema, name) if schema.sources else ""

    def columns(self, case: Case) -> tuple[ColumnPoints, ...]:
        """Every column with its points."""
        explanation, known = case.explanation, facts(case, self.heading.language)
        stated = statements_of(case, self.points)
        return tuple(
            ColumnPoints(
                name=name,
                fact=known[name],
                points=points,
                source=self.source_of(name),
                statements=stated.get(name, ()),
            )
            for name, points in zip(explanation.column_names, self.points(explanation.columns[0]), strict=True)
        )

    def reasons(self, case: Case, grounds: list[Ground]) -> tuple[ReportedReason, ...]:
        """The principal reasons with what stands behind each."""
        return tuple(
            ReportedReason(
                code=reason.code,
                wording=self.heading.language.composed(reason.wording),
                points=points,
                disclosable=reason.disclosable,
                facts=behind.facts,
            )
            for (reason, points), behind in zip(case.reasons, grounds, strict=True)
        )

    def effect(self, case: Case) -> NarrativeEffect | None:
        """What the narratives changed; None where none was written."""
        if not case.narratives_written:
            return None
        outcomes = case.outcomes
        return NarrativeEffect(without=self.result(outcomes.silent), columns_only=self.result(outcomes.columns_only))

    def narratives(self, case: Case) -> tuple[Narrative, ...]:
        """Every narrative with its sentences."""
        explanation, block = case.explanation, case.explanation.block
        known = columns_of(self.bundle.schema)
        points, errors = self.points(explanation.sentences), self.points(-explanation.sentence_error)
        found = []
        for number, (name, whole) in enumerate(
            zip(explanation.narrative_names, self.points(explanation.narratives[0]), strict=True)
        ):
            mine = np.flatnonzero(block.narrative == number).tolist()
            entries = entries_in(case, number)
            sentences = tuple(
                Sentence(
                    text=block.text[at].strip(),
                    points=points[at],
                    error=errors[at],
                    concept=self.concept(case, at),
                    sensitive=tuple(sorted(case.matches.sensitive[at])),
                    entries=days,
                )
                for at, days in zip(mine, entries, strict=True)
            )
            exact = bool(explanation.exact[mine].all()) and bool(mine)
            found.append(
                Narrative(
                    name=name,
                    title=self.heading.language.gettext(known[name].title),
                    points=whole,
                    sentences=sentences,
                    n_masked=case.n_masked[number],
                    exact=exact,
                    unread=case.unread[number],
                    source=self.source_of(name),
                )
            )
        return tuple(found)

    def concept(self, case: Case, at: int) -> str | None:
        """What a sentence is about; None for no concept."""
        place = case.matches.concept[at]
        return self.heading.language.gettext(self.bundle.schema.concepts[place].name) if place >= 0 else None

    def method(self, case: Case) -> SentenceMethod:
        """How the sentences' points were found, as it was really done."""
        exact = case.explanation.exact
        if exact.all():
            return "exact" if len(exact) or self.study.exact else "fast"
        return "mixed" if self.study.exact else "fast"

    def move(self, move: ColumnMove) -> Move:
        """One column moved."""
        field = move.field
        before, after = typed(field, move.before), typed(field, move.after)
        title = self.heading.language.gettext(field.title)
        return Move(name=field.name, title=title, before=before, after=after, unit=field.unit)

    def change(self, change: Change) -> SuggestedChange:
        """Columns moved together."""
        return SuggestedChange(moves=tuple(map(self.move, change.moves)), result=self.result(change.outcome))

    def notice(self, case: Case) -> ApplicantNotice:
        """The letter."""
        heading, decision = self.heading, case.outcomes.fused.decision
        head = LetterHead(heading.made_on, heading.lender, heading.language, heading.rules, heading.approval_reasons)
        changes = case.changes if decision == "decline" else ()
        suggestions = tuple(Suggestion(moves=tuple(map(self.move, change.moves))) for change in changes)
        return letter(head, case, decision, self.grounds(case), suggestions, needed_words(case, heading.language))

    def answers(self, case: Case, notice: ApplicantNotice) -> AnswerSheet:
        """The answers to what applicants ask, beside the letter."""
        config, heading = self.bundle.config, self.heading
        return answers(
            AnswerFacts(
                notice=notice,
                schema=self.bundle.schema,
                lender=heading.lender,
                language=heading.language,
                wrote=case.narratives_written,
                masked=bool(config.text.mask),
            )
        )
