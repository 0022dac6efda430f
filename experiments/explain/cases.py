"""One application studied: everything that its reports say, as the model's own numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from scipy import sparse

from data_schemas.reasons import Reason
from experiments.explain.subjects import MissingSubject, Subjects
from features.arrays import Flags, Floats
from features.contradictions import Comparison, conflicts
from features.design import Design, TabularBlock, TextBlock
from features.narratives.concepts import ConceptMatches
from features.narratives.sentences import SentenceBlock
from features.tables.applications import Applications
from features.tables.stated import without_narratives
from fusion.answers import check_explained
from fusion.bundle import Bundle
from fusion.explain.attribution import Explainer
from fusion.explain.counterfactuals import ColumnMove, Counterfactual, CounterfactualSearch, moved, spread
from fusion.explain.exact_sentences import explain_exactly
from fusion.explain.explanation import Explanation
from fusion.explain.stated import StatedPart, stated_parts
from fusion.monitor import Monitor, Timed
from fusion.policy.policy import NO_SECONDS, Cutoffs, Decision, Seconds, segments_of
from fusion.scorer import N_REASONS, SEED, Reading, Scorer

N_CHANGES = 3
N_TRIED = 12  # changes that are looked for, of which those count that rescoring confirms


@dataclass(frozen=True)
class Outcome:
    """A margin, and what the policy decides of it."""

    margin: float
    decision: Decision


@dataclass(frozen=True)
class Outcomes:
    """Of one application: by the model, by it with nothing written, and by its two ablations.

    Attributes:
        refer_reason: Why the policy refers it (``fusion.policy.policy.Decisions``); "" where it does not.
        seconds: Probabilities by second models, by their names; NaN where the row breaks their data contract.
        text_only: A margin; nobody decides by the narratives alone.
    """

    fused: Outcome
    silent: Outcome
    columns_only: Outcome
    text_only: float
    refer_reason: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """Columns moved together, and what becomes of the application then."""

    moves: tuple[ColumnMove, ...]
    outcome: Outcome


@dataclass(frozen=True)
class Case:
    """One application with all that is known of it.

    application, design, explanation: of a single row; the application as it was made, the others without what the
    model's mask cuts. n_masked: sentences cut, by narrative. unread: the narratives that the encoder cannot
    read. values: what the columns hold, before what is missing was filled. matches: of the explanation's sentences.
    stated: the sentences of columns that narratives state. contradictions: of narratives with columns.
    cutoffs: of the policy that decides, for an application like this one. reasons: the strongest adverse ones with
    their points. changes: the smallest with which the policy would approve it; empty for an approved one. quality:
    flags as scoring writes them. not_mentioned: subjects that the model values and that nothing written is about;
    empty for an approved application.
    """

    application: Applications
    n_masked: tuple[int, ...]
    unread: tuple[bool, ...]
    design: Design
    values: TabularBlock
    explanation: Explanation
    matches: ConceptMatches
    outcomes: Outcomes
    cutoffs: Cutoffs
    segment: str
    reasons: tuple[tuple[Reason, float], ...]
    changes: tuple[Change, ...]
    quality: str
    stated: tuple[StatedPart, ...] = ()
    contradictions: tuple[Comparison, ...] = ()
    not_mentioned: tuple[MissingSubject, ...] = ()

    @property
    def id(self) -> str:
        """The application's id."""
        return self.application.ids[0]

    @property
    def row(self) -> int:
        """Its number among the data rows of its file."""
        return int(self.application.row_number[0])

    @property
    def narratives_written(self) -> bool:
        """Whether any narrative was written."""
        return bool(self.design.text.has_text.any())


@dataclass(frozen=True)
class Study:
    """What studies applications with one model.

    Attributes:
        scorer: The model.
        search: Looks for the smallest changes that would approve an application.
        exact: Whether narratives are read again without some of their sentences.
        timed: Times stages by name.
    """

    scorer: Scorer
    search: CounterfactualSearch
    exact: bool
    timed: Timed

    @staticmethod
    def of(scorer: Scorer, exact: bool, timed: Timed) -> Study:
        """Make ready what every study with this model needs."""
        bundle = scorer.bundle
        return Study(
            scorer, CounterfactualSearch.of(bundle.model, bundle.tabular, bundle.population.columns), exact, timed
        )

    @property
    def bundle(self) -> Bundle:
        """The model."""
        return self.scorer.bundle

    @cached_property
    def subjects(self) -> Subjects:
        """What the model reads of the schema's subjects; encodes some statements when it is made."""
        return Subjects.of(self.scorer)

    @cached_property
    def _trained_explainer(self) -> Explainer:
        """Explains against the background that the training applicants' contributions were computed against."""
        return self.bundle.explainer()

    def as_in_training(self, case: Case) -> Floats:
        """An application's contributions, (n_columns + n_narratives,), beside which those of training applicants may be
        laid: against the background of the bundle's own policy, whichever policy decides now.
        """
        explanation = case.explanation
        if self.bundle.config.explain.background != "all" and self.scorer.policy is not None:
            unread = SentenceBlock.empty(case.design.text)
            explanation = self._trained_explainer.explain(case.design, unread, SEED, self.scorer.threads)
        return np.concatenate([explanation.columns[0], explanation.narratives[0]])

    def study(self, application: Applications, seconds: Seconds = NO_SECONDS) -> Case:
        """Study one application, a single row, with its probabilities by second models.

        Raises ContractError as ``Scorer.decide`` does, RunError where a log-odds is no finite number.
        """
        scorer, tabular = self.scorer, self.bundle.tabular
        reading = scorer.read(application, Monitor(self.timed), sentences=True)
        design, sentences = reading.design, reading.sentences
        application = reading.applications  # the same, but for facts in sentences that the mask cuts
        with self.timed("attribution"):
            if self.exact:
                read, threads = scorer.reader.read_texts, scorer.threads
                explanation = explain_exactly(scorer.explainer, design, sentences, read, SEED, threads)
            else:
                explanation = scorer.explainer.explain(design, sentences, SEED, scorer.threads)
        check_explained(application.row_number, explanation)
        with self.timed("reasons"):
            matches = scorer.matcher.match(sentences)
            outcomes = self._outcomes(reading, seconds)
            not_approved = np.array([outcomes.fused.decision != "approve"])
            (reasons,) = scorer.reasons(explanation, matches, not_approved, N_REASONS)
        with self.timed("changes"):
            changes = self._changes(reading, outcomes.fused.decision, seconds)
        segment = segments_of(scorer.deciding_policy, application)[0]
        return Case(
            application=application,
            n_masked=tuple(reading.masked.n_cut[0].tolist()),
            unread=tuple(reading.masked.unread[0].tolist()),
            design=design,
            values=replace(tabular, fill={}).encode(application),
            explanation=explanation,
            matches=matches,
            outcomes=outcomes,
            cutoffs=scorer.deciding_policy.cutoffs_of(segment),
            segment=segment,
            reasons=reasons.reasons,
            changes=changes,
            quality=reading.quality[0],
            stated=stated_parts(explanation, reading.masked.applications),
            contradictions=conflicts(reading.masked.applications)[0],
            not_mentioned=self._not_mentioned(application, outcomes, matches),
        )

    def _not_mentioned(
        self, application: Applications, outcomes: Outcomes, matches: ConceptMatches
    ) -> tuple[MissingSubject, ...]:
        if outcomes.fused.decision == "approve" or not self.bundle.schema.concepts:
            return ()
        with self.timed("subjects"):
            return self.subjects.missing(self.scorer, application, outcomes.silent.margin, matches.concept)

    def _outcomes(self, reading: Reading, seconds: Seconds) -> Outcomes:
        margins, applications = self.scorer.margins(reading), reading.applications
        nothing = self.scorer.read(without_narratives(applications))
        unwritten = replace(nothing, design=replace(nothing.design, text=silent(reading.design.text)))
        scores = self.bundle.model.scores(np.array([margins.fused[0], margins.columns_only[0]]))
        pds = scores.pd[:1], scores.pd[1:], self.scorer.scores(unwritten).pd
        flags = reading.quality, reading.quality, nothing.quality
        made = [self.scorer.decide(applications, pd, own, seconds) for pd, own in zip(pds, flags, strict=True)]
        fused, columns_only, unread = (one.decision[0] for one in made)
        return Outcomes(
            fused=Outcome(float(margins.fused[0]), fused),
            silent=Outcome(float(self.scorer.scores(unwritten).margin[0]), unread),
            columns_only=Outcome(float(margins.columns_only[0]), columns_only),
            text_only=float(margins.text_only[0]),
            refer_reason=made[0].refer_reason[0],
            seconds={name: float(own[0]) for name, own in seconds.items()},
        )

    def _changes(self, reading: Reading, decision: Decision, seconds: Seconds) -> tuple[Change, ...]:
        """The smallest changes with which the policy approves, each scored and decided as a new application is."""
        if decision == "approve":
            return ()
        policy, application = self.scorer.deciding_policy, reading.applications

        def passes(changed: Applications, margin: Floats) -> Flags:
            limits = [policy.cutoffs_of(segment).approve for segment in segments_of(policy, changed)]
            return self.bundle.model.scores(margin).pd <= np.array(limits)

        approving: list[Change] = []
        for most in (N_CHANGES, N_TRIED):  # more only where the first are not confirmed, or move the same columns
            found = self.search.smallest(application, reading.design.text, passes, most, self.scorer.threads)
            rescored = self._rescored(application, found, seconds)
            approving = [one for one in rescored if one.outcome.decision == "approve"]
            names = [move.field.name for one in approving for move in one.moves]
            if len(found) < most or (len(approving) == N_CHANGES and len(set(names)) == len(names)):
                break
        return tuple(spread(approving, N_CHANGES))

    def _rescored(
        self, application: Applications, found: Sequence[Counterfactual], seconds: Seconds
    ) -> Iterator[Change]:
        """The application with each of these changes, read, scored and decided anew."""
        if not found:
            return
        again = self.scorer.read(moved(application, [one.moves for one in found]))
        scores = self.scorer.scores(again)
        same = {name: np.repeat(own, len(found)) for name, own in seconds.items()}
        decisions = self.scorer.decide(again.applications, scores.pd, again.quality, same)
        for one, margin, decision in zip(found, scores.margin.tolist(), decisions.decision, strict=True):
            yield Change(one.moves, Outcome(margin, decision))


def silent(text: TextBlock) -> TextBlock:
    """The same rows with nothing written."""
    wordless = sparse.csr_matrix(np.zeros(text.x_lex.shape, dtype=np.float32))
    unwritten = np.full_like(text.x_style, np.nan)
    return TextBlock(np.zeros_like(text.x_text), np.zeros_like(text.has_text), wordless, text.names, unwritten)
