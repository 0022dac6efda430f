"""The reports of a studied application: for the underwriter, for the applicant, for the validator."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Mapping
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
from experiments.explain.sentences import needs_person, reason_sentence
from experiments.explain.standing import Crowd
from experiments.explain.statements import disagreements, statements_of
from experiments.reporting.background import BackgroundRows, in_words
from experiments.reporting.decision.applicant import ApplicantNotice, PlainReason, Suggestion
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
from experiments.reporting.decision.validator import (
    Ablation,
    Background,
    Contribution,
    Digests,
    SentenceContribution,
    ValidatorReport,
)
from experiments.reporting.language import ENGLISH, Language
from experiments.reporting.model_name import model_name
from experiments.reporting.parts import (
    DecidingPolicy,
    Fact,
    MarkedText,
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
from fusion.scorer import SEED
from fusion.versions import package_versions

LEAST_PD = 1e-6


@dataclass(frozen=True)
class Heading:
    """What stands over all reports of a run.

    Attributes:
        command: Makes the validator's report of an id again.
        approval_reasons: Whether letters of approval name what counted against the applicant.
        language: Of letters and pages.
    """

    data: Path
    made_on: date
    lender: str
    contact: str
    command: tuple[str, ...]
    approval_reasons: bool = False
    language: Language = ENGLISH

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

    def sentences(self, case: Case, grounds: list[Ground]) -> list[MarkedText | None]:
        """Each reason as a letter gives it."""
        language = self.heading.language
        return [
            reason_sentence(reason, behind, language) for (reason, _), behind in zip(case.reasons, grounds, strict=True)
        ]

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
            product=self.bundle.schema.title,
            model=self.bundle.manifest.model_id,
            model_name=model_name(self.bundle),
            made_on=self.heading.made_on,
        )

    def grounds(self, case: Case) -> list[Ground]:
        """What stands behind each reason."""
        known = facts(case)
        book, approved = self.study.scorer.book, self.approved
        return [ground(case, reason, book, known, approved) for reason, _ in case.reasons]

    def needs_review(self, case: Case, grounds: list[Ground]) -> bool:
        """Whether a person must look before a declined applicant is given the reasons."""
        declined = case.outcomes.fused.decision == "decline"
        unclear = any(
            not reason.disclosable or needs_person(reason, behind)
            for (reason, _), behind in zip(case.reasons, grounds, strict=True)
        )
        return declined and (not case.reasons or unclear)

    def underwriter(self, case: Case) -> UnderwriterReport:
        """Why an applicant scored so."""
        explanation, result, grounds = case.explanation, self.result(case.outcomes.fused), self.grounds(case)
        narratives = self.narratives(case)
        policy = deciding_policy(self.study.scorer, case)
        both = np.concatenate([explanation.columns[0], explanation.narratives[0]])
        with self.study.timed("similar"):
            similar = self.crowd.similar(both)
        return UnderwriterReport(
            subject=self.subject(case),
            result=result,
            cut_off=self.cut_off(policy, result.score),
            population=self.crowd.around(result.score),
            starting_score=self.score(explanation.base),
            columns=self.columns(case),
            narratives=narratives,
            narrative_points=sum(narrative.points for narrative in narratives),
            sentence_method=self.method(case),
            reasons=self.reasons(case, grounds),
            needs_review=self.needs_review(case, grounds),
            quality=flags(case),
            similar=similar,
            changes=tuple(self.change(change) for change in case.changes),
            narrative_effect=self.effect(case),
            sources=self.sources(case),
            contradictions=disagreements(case),
            policy=policy,
            refer_reasons=refer_reasons(case, self.study.scorer.deciding_policy),
            not_mentioned=tuple(NotMentioned(name=one.name, points=one.points) for one in case.not_mentioned),
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
        titles = {APPLICATION: "The application itself"} | {one.name: one.title for one in schema.sources}
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
        explanation, known, stated = case.explanation, facts(case), statements_of(case, self.points)
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
                wording=reason.wording,
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
        concepts, known = self.bundle.schema.concepts, columns_of(self.bundle.schema)
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
                    concept=concepts[case.matches.concept[at]].name if case.matches.concept[at] >= 0 else None,
                    sensitive=tuple(sorted(case.matches.sensitive[at])),
                    entries=days,
                )
                for at, days in zip(mine, entries, strict=True)
            )
            exact = bool(explanation.exact[mine].all()) and bool(mine)
            found.append(
                Narrative(
                    name=name,
                    title=known[name].title,
                    points=whole,
                    sentences=sentences,
                    n_masked=case.n_masked[number],
                    exact=exact,
                    unread=case.unread[number],
                    source=self.source_of(name),
                )
            )
        return tuple(found)

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
        return Move(name=field.name, title=field.title, before=before, after=after, unit=field.unit)

    def change(self, change: Change) -> SuggestedChange:
        """Columns moved together."""
        return SuggestedChange(moves=tuple(map(self.move, change.moves)), result=self.result(change.outcome))

    def notice(self, case: Case) -> ApplicantNotice:
        """The letter. A sentence about private life is never quoted in it."""
        grounds = self.grounds(case)
        heading, decision = self.heading, case.outcomes.fused.decision
        named = decision == "decline" or (decision == "approve" and heading.approval_reasons)
        changes = case.changes if decision == "decline" else ()
        return ApplicantNotice(
            id=case.id,
            product=self.bundle.schema.title,
            made_on=heading.made_on,
            lender=heading.lender,
            contact=heading.contact,
            decision=decision,
            reasons=tuple(
                PlainReason(wording=reason.wording, sentence=sentence)
                for (reason, _), sentence in zip(case.reasons, self.sentences(case, grounds), strict=True)
                if named and reason.disclosable and sentence is not None
            )[:4],
            suggestions=tuple(Suggestion(moves=tuple(map(self.move, change.moves))) for change in changes),
            not_mentioned=tuple(one.name for one in case.not_mentioned) if decision == "decline" else (),
            needed=needed_words(case),
            needs_review=self.needs_review(case, grounds),
        )

    def validator(self, case: Case) -> ValidatorReport:
        """Every contribution and all that is needed to make them again."""
        explanation, scale = case.explanation, self.bundle.config.scale
        contributions = self.contributions(case)
        total = explanation.base + sum(part.log_odds for part in contributions)
        outcomes, margin = case.outcomes, case.outcomes.fused.margin
        ablations = {"columns only": outcomes.columns_only.margin, "narratives only": outcomes.text_only}
        if case.narratives_written:
            ablations["this model, nothing written"] = outcomes.silent.margin
        return ValidatorReport(
            subject=self.subject(case),
            result=self.result(outcomes.fused),
            margin=margin,
            base=explanation.base,
            starting_score=self.score(explanation.base),
            total=total,
            reconciliation=total - margin,
            points_per_log_odds=float(to_points(np.ones(1), scale)[0]),
            background=self.background(explanation.base),
            contributions=contributions,
            sentences=self.sentence_contributions(case),
            sentence_method=self.method(case),
            seed=SEED,
            ablations=tuple(
                Ablation(name=name, margin=value, pd=float(expit(value))) for name, value in ablations.items()
            ),
            digests=self.digests(),
            versions=self.versions(),
            command=self.heading.command_for(case.id),
            sources=self.sources(case),
            policy=deciding_policy(self.study.scorer, case),
            refer_reasons=refer_reasons(case, self.study.scorer.deciding_policy),
        )

    def contributions(self, case: Case) -> tuple[Contribution, ...]:
        """Columns, then narratives; nothing of them is sampled, so their standard errors are 0."""
        explanation = case.explanation
        known = facts(case) | {narrative.name: _extent(narrative) for narrative in self.narratives(case)}
        stated = statements_of(case, self.points)
        whole = np.concatenate([explanation.columns[0], explanation.narratives[0]])
        rows = zip(
            (*explanation.column_names, *explanation.narrative_names),
            whole.tolist(),
            self.points(whole),
            explanation.from_trees[0].tolist(),
            strict=True,
        )
        return tuple(
            Contribution(
                kind="column" if number < len(explanation.column_names) else "narrative",
                name=name,
                fact=known[name],
                log_odds=log_odds,
                points=points,
                error=0.0,
                stacker=from_trees,
                head=log_odds - from_trees,
                source=self.source_of(name),
                statements=stated.get(name, ()),
            )
            for number, (name, log_odds, points, from_trees) in enumerate(rows)
        )

    def sentence_contributions(self, case: Case) -> tuple[SentenceContribution, ...]:
        """Every sentence, in log-odds."""
        explanation, concepts = case.explanation, self.bundle.schema.concepts
        points, found = self.points(explanation.sentences), []
        place: dict[int, int] = {}
        for at, (text, narrative) in enumerate(
            zip(explanation.block.text, explanation.block.narrative.tolist(), strict=True)
        ):
            place[narrative] = place.get(narrative, 0) + 1
            concept = case.matches.concept[at]
            found.append(
                SentenceContribution(
                    narrative=explanation.narrative_names[narrative],
                    place=place[narrative],
                    text=text.strip(),
                    concept=concepts[concept].name if concept >= 0 else None,
                    similarity=float(str(case.matches.similarity[at])) if concepts else None,
                    sensitive=tuple(sorted(case.matches.sensitive[at])),
                    log_odds=float(explanation.sentences[at]),
                    points=points[at],
                    error=float(explanation.sentence_error[at]),
                    n_orders=int(explanation.orders[at]),
                    exact=bool(explanation.exact[at]),
                )
            )
        return tuple(found)

    def background(self, base: float) -> Background:
        """What absent columns are drawn from."""
        rows = self.background_rows
        cutoff = self.study.scorer.deciding_policy.cutoffs.approve
        words = in_words(rows, base, self.bundle.config.explain, cutoff)
        return Background(kind="near_cut_off" if rows.near else "all", n_rows=rows.n, words=words)

    def digests(self) -> Digests:
        """What the model was made of."""
        manifest = self.bundle.manifest
        source = manifest.provenance
        return Digests(
            model=hashlib.sha256(manifest.to_bytes()).hexdigest(),
            schema_=source.schema_digest,
            config=source.config_digest,
            data=source.data_digest,
            encoder=source.encoder_digest,
        )

    def versions(self) -> dict[str, str]:
        """Versions that made this report, and beside them those that trained the model, where they differ."""
        now: Mapping[str, str] = package_versions()
        then = self.bundle.manifest.provenance.versions
        return {**now, **{f"{name} in training": was for name, was in then.items() if now.get(name) != was}}


def _extent(narrative: Narrative) -> Fact:
    """How much was written; the sentences themselves stand in their own table."""
    n = len(narrative.sentences)
    return Fact(title=narrative.title, value=f"{n} sentence{'s' if n != 1 else ''}" if n else None)
