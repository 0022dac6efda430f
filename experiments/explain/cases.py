"""One application studied: everything that its reports say, as the model's own numbers."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse
from scipy.special import logit

from data_schemas.contract import Reason
from experiments.score.answers import SEED, Reasoner
from features.design import Design, TabularBlock, TextBlock
from features.encoders.encoder import TextEncoder
from features.narratives.concepts import ConceptMatches
from features.narratives.masking import Mask
from features.narratives.reader import TextReader
from features.tables.applications import Applications
from features.tables.data_quality import data_quality
from fusion.bundle import Bundle
from fusion.explain.counterfactuals import Change, ChangeSearch
from fusion.explain.exact_sentences import explain_exactly
from fusion.explain.explanation import Explanation
from fusion.explain.reasons import principal_reasons

Timed = Callable[[str], AbstractContextManager[None]]

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
    model's mask cuts. n_masked: sentences cut, by narrative. values: what the columns hold, before what is missing was
    filled. matches: of the explanation's sentences. reasons: the strongest adverse ones with their points. changes: the
    smallest that would approve it; empty for an approved one. quality: flags as scoring writes them.
    """

    application: Applications
    n_masked: tuple[int, ...]
    design: Design
    values: TabularBlock
    explanation: Explanation
    matches: ConceptMatches
    outcomes: Outcomes
    reasons: tuple[tuple[Reason, float], ...]
    changes: tuple[Change, ...]
    quality: str

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

    exact: narratives are read again without some of their sentences. timed: times stages by name.
    """

    reasoner: Reasoner
    mask: Mask
    reader: TextReader
    search: ChangeSearch
    exact: bool
    threads: int
    timed: Timed

    @staticmethod
    def of(reasoner: Reasoner, encoder: TextEncoder, exact: bool, threads: int, timed: Timed) -> Study:
        """With a model's reasoner and the encoder of its narratives."""
        bundle, settings = reasoner.bundle, reasoner.bundle.config.text
        mask = Mask.open(settings.mask, bundle.schema, encoder)
        reader = TextReader(bundle.schema, encoder, settings.n_buckets, settings.ngrams)
        search = ChangeSearch.of(bundle.model, bundle.tabular, bundle.population.columns)
        return Study(reasoner, mask, reader, search, exact, threads, timed)

    @property
    def bundle(self) -> Bundle:
        """The model."""
        return self.reasoner.bundle

    def study(self, application: Applications) -> Case:
        """Study one application, a single row."""
        bundle = self.bundle
        with self.timed("mask"):
            masked = self.mask.apply(application)
            kept = masked.applications
        with self.timed("text"):
            text, sentences = self.reader.read_sentences(kept)
            design = Design(bundle.tabular.encode(application), text)
        explainer, read = self.reasoner.explainer, self.reader.read_texts
        with self.timed("attribution"):
            if self.exact:
                explanation = explain_exactly(explainer, design, sentences, read, SEED, self.threads)
            else:
                explanation = explainer.explain(design, sentences, SEED, self.threads)
        with self.timed("reasons"):
            matches = self.reasoner.matcher.match(sentences)
            book, most = self.reasoner.book, self.reasoner.most
            found = principal_reasons(explanation, matches.concept, book, bundle.config, most)
        with self.timed("changes"):
            outcomes, changes = self._outcomes(design), self._changes(application, design, explanation)
        return Case(
            application=application,
            n_masked=tuple(masked.n_cut[0].tolist()),
            design=design,
            values=replace(bundle.tabular, fill={}).encode(application),
            explanation=explanation,
            matches=matches,
            outcomes=outcomes,
            reasons=tuple(found.of(0)),
            changes=changes,
            quality=data_quality(application, bundle.tabular.levels, masked.kinds)[0],
        )

    def _outcomes(self, design: Design) -> Outcomes:
        both = Design.concat([design, Design(design.tabular, silent(design.text))])
        margins = self.bundle.model.margins(both, self.threads)
        return Outcomes(
            fused=float(margins.fused[0]),
            silent=float(margins.fused[1]),
            columns_only=float(margins.columns_only[0]),
            text_only=float(margins.text_only[0]),
        )

    def _changes(self, application: Applications, design: Design, explanation: Explanation) -> tuple[Change, ...]:
        if self.bundle.model.scores(explanation.margin).pd[0] <= self.bundle.config.decision.max_pd:
            return ()
        cut_off = float(logit(self.bundle.config.decision.max_pd)) - CROSSED
        return tuple(self.search.smallest(application, design.text, cut_off, threads=self.threads))


def silent(text: TextBlock) -> TextBlock:
    """The same rows with nothing written."""
    wordless = sparse.csr_matrix(np.zeros(text.x_lex.shape, dtype=np.float32))
    return TextBlock(np.zeros_like(text.x_text), np.zeros_like(text.has_text), wordless, text.names)
