"""One application studied: everything that its reports say, as the model's own numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse
from scipy.special import logit

from data_schemas.contract import Reason
from features.contradictions import Comparison, conflicts
from features.design import Design, TabularBlock, TextBlock
from features.narratives.concepts import ConceptMatches
from features.tables.applications import Applications
from features.tables.stated import without_narratives
from fusion.answers import check_explained
from fusion.bundle import Bundle
from fusion.explain.counterfactuals import Counterfactual, CounterfactualSearch
from fusion.explain.exact_sentences import explain_exactly
from fusion.explain.explanation import Explanation
from fusion.explain.stated import StatedPart, stated_parts
from fusion.scorer import N_REASONS, SEED, Monitor, Reading, Scorer, Timed

CROSSED = 1e-9  # log-odds below the cut-off, so that no rounding puts what crossed it back


@dataclass(frozen=True)
class Outcomes:
    """Margins of one application: by the model, by it with nothing written, and by its two ablations."""

    fused: float
    silent: float
    columns_only: float
    text_only: float


@dataclass(frozen=True)
class Case:
    """One application with all that is known of it.

    application, design, explanation: of a single row; the application as it was made, the others without what the
    model's mask cuts. n_masked: sentences cut, by narrative. unread: the narratives that the encoder cannot
    read. values: what the columns hold, before what is missing was filled. matches: of the explanation's sentences.
    stated: the sentences of columns that narratives state. contradictions: of narratives with columns.
    reasons: the strongest adverse ones with their points. changes: the smallest that would approve it; empty for an
    approved one. quality: flags as scoring writes them.
    """

    application: Applications
    n_masked: tuple[int, ...]
    unread: tuple[bool, ...]
    design: Design
    values: TabularBlock
    explanation: Explanation
    matches: ConceptMatches
    outcomes: Outcomes
    reasons: tuple[tuple[Reason, float], ...]
    changes: tuple[Counterfactual, ...]
    quality: str
    stated: tuple[StatedPart, ...] = ()
    contradictions: tuple[Comparison, ...] = ()

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

    def study(self, application: Applications) -> Case:
        """Study one application, a single row; raises RunError where a log-odds is no finite number."""
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
            not_approved = self.bundle.model.scores(explanation.margin).pd > self.bundle.config.decision.max_pd
            (reasons,) = scorer.reasons(explanation, matches, not_approved, N_REASONS)
        with self.timed("changes"):
            outcomes, changes = self._outcomes(reading), self._changes(application, design, explanation)
        return Case(
            application=application,
            n_masked=tuple(reading.masked.n_cut[0].tolist()),
            unread=tuple(reading.masked.unread[0].tolist()),
            design=design,
            values=replace(tabular, fill={}).encode(application),
            explanation=explanation,
            matches=matches,
            outcomes=outcomes,
            reasons=reasons.reasons,
            changes=changes,
            quality=reading.quality[0],
            stated=stated_parts(explanation, reading.masked.applications),
            contradictions=conflicts(reading.masked.applications)[0],
        )

    def _outcomes(self, reading: Reading) -> Outcomes:
        margins = self.scorer.margins(reading)
        nothing = without_narratives(reading.masked.applications)
        unwritten = Design(self.bundle.tabular.encode(nothing), silent(reading.design.text))
        return Outcomes(
            fused=float(margins.fused[0]),
            silent=float(self.scorer.scores(replace(reading, design=unwritten)).margin[0]),
            columns_only=float(margins.columns_only[0]),
            text_only=float(margins.text_only[0]),
        )

    def _changes(
        self, application: Applications, design: Design, explanation: Explanation
    ) -> tuple[Counterfactual, ...]:
        if self.bundle.model.scores(explanation.margin).pd[0] <= self.bundle.config.decision.max_pd:
            return ()
        cut_off = float(logit(self.bundle.config.decision.max_pd)) - CROSSED
        return tuple(self.search.smallest(application, design.text, cut_off, threads=self.scorer.threads))


def silent(text: TextBlock) -> TextBlock:
    """The same rows with nothing written."""
    wordless = sparse.csr_matrix(np.zeros(text.x_lex.shape, dtype=np.float32))
    unwritten = np.full_like(text.x_style, np.nan)
    return TextBlock(np.zeros_like(text.x_text), np.zeros_like(text.has_text), wordless, text.names, unwritten)
