"""The scorer: applications in; scores, decisions and reasons out.

The one owner of the way from an application to its answer: sentences that the settings mask are cut, columns and
narratives become arrays, the model gives its margin, the policy decides, and the margin is split into reasons. Every
verb, the estimator and Python users go through it. A scorer may be shared by threads;
those that start together should find it prepared (``Scorer.prepare``), or each may make what all could share.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from data_schemas.contract import Schema
from data_schemas.errors import ContractError
from data_schemas.unfinished import unworded
from features.arrays import Flags, Floats
from features.batches.column_counts import ColumnCounts, Counts, count_columns
from features.batches.warnings import LEAST_ROWS, ColumnWarning, unlike_training
from features.contradictions import conflicts
from features.design import Design
from features.narratives.concepts import ConceptMatcher, ConceptMatches
from features.narratives.masking import Mask, Masked
from features.narratives.reader import TextReader
from features.narratives.sentences import SentenceBlock
from features.sources.frames import join_frames
from features.tables.applications import Applications
from features.tables.data_quality import data_quality
from features.tables.dataframe import FrameRows, Records, read_frame
from features.tables.stated import with_facts_of
from fusion.answers import Answer, RowReasons, check_explained, check_finite, reasons_by_row
from fusion.bundle import Bundle, load
from fusion.explain.attribution import Explainer, ModelOutputs
from fusion.explain.explanation import Explanation
from fusion.explain.reasons import ReasonBook, principal_reasons
from fusion.frames import ExplainedFrame, ScoredFrame
from fusion.model.fusion_model import Margins, Scores
from fusion.monitor import UNWATCHED, Monitor, Timed, untimed
from fusion.policy.policy import NO_SECONDS, Decisions, Policy, Seconds, decide_all
from fusion.policy.policy_file import check_seconds, load_policy
from fusion.signatures import parse_signer
from fusion.text_encoder import OpenEncoder, VectorCache, bundle_encoder, check_parity, open_mask, open_reader

BLOCK_ROWS = 500  # explained at once: what explaining needs for a while is several times their sentences' vectors
SEED = 0  # of the orders that are sampled inside long narratives: equal for every run, so that reasons are too
N_REASONS = 4  # as many as an applicant is given, by Regulation B's commentary


@dataclass(frozen=True)
class Reading:
    """Applications as a model sees them.

    Attributes:
        applications: As they were written; of facts, those that the masked narratives state.
        masked: Without the sentences that the model's settings cut.
        quality: Data-quality flags, one text per row (``features.tables.data_quality.data_quality``).
        design: What the model sees.
        sentences: Of the narratives; none where they were not asked for.
    """

    applications: Applications
    masked: Masked
    quality: tuple[str, ...]
    design: Design
    sentences: SentenceBlock


@dataclass(frozen=True, eq=False)
class Scorer:
    """A trained model with its text encoder, ready to score.

    Raises ContractError when the encoder is not the one that the model learned with, or gives other vectors here.

    Attributes:
        bundle: The model.
        encoder: Its text encoder.
        policy: What decides in the place of the bundle's policy; None: that one, or where the bundle keeps none the
            model's own cut-off, ``decision.max_pd``, which refers nobody.
        n_reasons: At most so many reasons stand beside every score; 0: none are looked for, which is quicker.
        threads: Processor threads of the trees; 0 for all. Encoder and explanations take as many as torch does.
            Results do not depend on either.
    """

    bundle: Bundle
    encoder: OpenEncoder
    policy: Policy | None = None
    n_reasons: int = 0
    threads: int = 0

    def __post_init__(self) -> None:
        if self.encoder.model_digest != self.bundle.manifest.provenance.encoder_digest:
            raise ContractError(
                f"the text encoder is not the one that model {self.model_id} learned with "
                f"({self.bundle.config.encoder.source!r} at that time)",
                "Say with --encoder where that one lies now, or train the model again.",
            )
        check_parity(self.encoder, self.bundle.probes, self.model_id)

    @property
    def schema(self) -> Schema:
        """The data contract of the applications."""
        return self.bundle.schema

    @property
    def model_id(self) -> str:
        """Twelve hex digits that name the model."""
        return self.bundle.manifest.model_id

    @property
    def encoder_digest(self) -> str:
        """Names all that the last bits of the narratives' vectors depend on (``TextEncoder.digest``)."""
        return self.encoder.text_encoder.digest

    @property
    def lenders_policy(self) -> Policy | None:
        """The policy that was given, else the bundle's; None where the model's own cut-off decides."""
        return self.policy or self.bundle.policy

    @cached_property
    def deciding_policy(self) -> Policy:
        """What decides, for every verb and report: the lender's policy, or the model's own cut-off as one."""
        return self.bundle.deciding_policy(self.policy)

    @cached_property
    def mask(self) -> Mask:
        """Cuts the sentences that the model's settings mask, as in training."""
        return open_mask(self.schema, self.bundle.config.text, self.encoder)

    @cached_property
    def reader(self) -> TextReader:
        """Reads narratives as the model learned them."""
        return open_reader(self.schema, self.bundle.config.text, self.encoder)

    @cached_property
    def explainer(self) -> Explainer:
        """Splits margins, against the background that the model's settings name; takes about a second to make."""
        return self.bundle.explainer(self.policy)

    @cached_property
    def matcher(self) -> ConceptMatcher:
        """Names the concepts of sentences; encodes the schema's concepts when it is made."""
        labels = [at for at, field in enumerate(self.schema.narratives) if not field.match_concepts]
        return ConceptMatcher.open(self.schema.concepts, self.encoder.text_encoder, labels)

    @cached_property
    def book(self) -> ReasonBook:
        """Every reason that the model can give."""
        tabular = self.bundle.tabular
        narratives = [field.name for field in self.schema.narratives]
        return ReasonBook.of(self.schema, (*tabular.num_names, *tabular.cat_names), narratives)

    @cached_property
    def usual_inputs(self) -> frozenset[str]:
        """The features that most training rows have."""
        profiles = self.bundle.profiles
        return frozenset(name for name, one in profiles.items() if 2 * one.counts.missing < one.counts.rows)

    @cached_property
    def unworded(self) -> list[str]:
        """The model's columns and narratives for which the schema words no reason."""
        tabular = self.bundle.tabular
        narratives = [field.name for field in self.schema.narratives]
        return unworded(self.schema, [*tabular.num_names, *tabular.cat_names, *narratives])

    def unlike_training(self, counts: Counts) -> tuple[ColumnWarning, ...]:
        """The inputs that are unlike those of the training rows, by their counts over a batch."""
        return unlike_training(self.bundle.profiles, counts, self.schema)

    def prepare(self) -> None:
        """Make now what the first call would make: mask and reader and, where reasons are wanted, what explains."""
        _ = self.mask, self.reader
        if self.n_reasons:
            self.prepare_to_explain()

    def prepare_to_explain(self) -> None:
        """Make now what the first ``explain`` would make; takes a second or two."""
        _ = self.explainer, self.matcher, self.book

    def read(self, applications: Applications, monitor: Monitor = UNWATCHED, *, sentences: bool = False) -> Reading:
        """Applications as the model sees them; with their narratives' sentences where these are asked for."""
        with monitor.timed("mask") if self.mask.kinds else nullcontext():
            masked = self.mask.apply(applications)
        kept = masked.applications
        applications = with_facts_of(applications, kept)  # no sentence that is cut decides anything
        kinds, tabular = masked.kinds if self.mask.kinds else (), self.bundle.tabular
        contradicting = [[one.contradiction.name for one in row] for row in conflicts(kept)]
        quality = data_quality(applications, tabular.levels, kinds, masked.unread, self.usual_inputs, contradicting)
        if monitor.on_columns is not None:
            with monitor.timed("compare"):
                monitor.on_columns(count_columns(applications, tabular, self.bundle.profiles, masked.unread))
        with monitor.timed("columns"):
            columns = tabular.encode(kept)
        with monitor.timed("text"):
            if sentences:
                text, block = self.reader.read_sentences(kept, monitor.on_texts)
            else:
                text = self.reader.read(kept, monitor.on_texts)
                block = SentenceBlock.empty(text)
        return Reading(applications, masked, tuple(quality), Design(columns, text), block)

    def margins(self, reading: Reading) -> Margins:
        """Calibrated log-odds of the model and of its ablations; raises RunError where one is no finite number."""
        margins = self.bundle.model.margins(reading.design, self.threads)
        every = (margins.fused, margins.columns_only, margins.text_only, *margins.without.values())
        check_finite(reading.applications.row_number, *every)
        return margins

    def scores(self, reading: Reading) -> Scores:
        """Margin, PD and points of every row; raises RunError where one is no finite number."""
        scores = self.bundle.model.predict(reading.design, self.threads)
        check_finite(reading.applications.row_number, scores.margin, scores.pd, scores.score)
        return scores

    def decide(
        self, applications: Applications, pd: Floats, quality: Sequence[str], seconds: Seconds = NO_SECONDS
    ) -> Decisions:
        """What the policy decides of applications with these PDs, float64 (n,), data-quality flags and probabilities by
        second models.

        Raises ContractError where their file lacks a column that the policy needs, or a second model that it names is
        not given.
        """
        return decide_all(self.deciding_policy, applications, pd, quality, seconds)

    def answer(self, applications: Applications, monitor: Monitor = UNWATCHED, seconds: Seconds = NO_SECONDS) -> Answer:
        """Score, decision, data-quality flags and ``n_reasons`` reasons of every row; ``seconds`` as for ``decide``.

        A row's answer does not depend on the rows beside it. Raises ContractError as ``decide`` does, RunError where a
        score or a reason's points are no finite number.
        """
        return self.begin(applications, monitor)(seconds)

    def begin(self, applications: Applications, monitor: Monitor = UNWATCHED) -> Callable[[Seconds], Answer]:
        """``answer`` in two steps: the applications are read now, as ``read`` does; what is returned answers them, in
        whatever thread, while the next ones are read.
        """
        reading = self.read(applications, monitor, sentences=self.n_reasons > 0)
        return partial(self._answer, reading, monitor)

    def _answer(self, reading: Reading, monitor: Monitor, seconds: Seconds) -> Answer:
        if self.n_reasons:
            blocks = self._explained_blocks(reading, self.n_reasons, monitor.timed, seconds)
            return Answer.concat([answer for _, answer in blocks])
        with monitor.timed("predict"):
            scores = self.scores(reading)
        decisions = self.decide(reading.applications, scores.pd, reading.quality, seconds)
        return Answer(scores, decisions, reading.quality)

    def reasons(
        self, explanation: Explanation, matches: ConceptMatches, not_approved: Flags, most: int
    ) -> tuple[RowReasons, ...]:
        """At most ``most`` adverse reasons of every row of an explanation.

        Args:
            matches: Concepts of the explanation's sentences.
            not_approved: bool (n,), whether the row is not approved.
        """
        config = self.bundle.config
        found = principal_reasons(explanation, matches.concept, self.book, config, most, not_approved)
        return reasons_by_row(found, explanation, matches, self.schema, config.scale)

    def _explained_blocks(
        self, reading: Reading, most: int, timed: Timed, seconds: Seconds
    ) -> Iterator[tuple[Explanation, Answer]]:
        """Explanation and answer of some rows at a time, from the pass over the model that gives the score too."""
        for start in range(0, max(1, len(reading.design)), BLOCK_ROWS):
            rows = np.arange(start, min(start + BLOCK_ROWS, len(reading.design)))
            sentences, quality = reading.sentences.take(rows), [reading.quality[row] for row in rows]
            with timed("predict"):
                evaluated = ModelOutputs.of(self.bundle.model, reading.design.take(rows), self.threads)
                scores = self.bundle.model.scores(evaluated.margin)
            applications = reading.applications.take(rows)
            check_finite(applications.row_number, scores.margin, scores.pd, scores.score)
            own = {name: every[rows] for name, every in seconds.items()}
            decisions = self.decide(applications, scores.pd, quality, own)
            with timed("concepts"):
                matches = self.matcher.match(sentences)
            with timed("explain"):
                explanation = self.explainer.explain_outputs(evaluated, sentences, SEED)
                reasons = self.reasons(explanation, matches, ~decisions.rows_with("approve"), most)
            points = np.array([why.total for why in reasons])
            check_finite(applications.row_number, points)
            check_explained(applications.row_number, explanation)
            yield explanation, Answer(scores, decisions, tuple(quality), reasons)

    def _read_frame(self, rows: Records, sources: Mapping[str, Records] | None) -> FrameRows:
        with join_frames(rows, self.schema, sources) as joined:
            return read_frame(rows, self.schema, joined)

    def _beside(self, rows: Records, found: FrameRows, seconds: Mapping[str, Scorer]) -> Seconds:
        """Probabilities by second models of the applications that were found in these rows."""
        beside: dict[str, Floats] = {}
        for name, scorer in seconds.items():
            own = read_frame(rows, scorer.schema).applications
            beside[name] = np.full(len(found.applications), np.nan)
            kept = np.isin(own.row_number, found.applications.row_number)
            own = own.take(kept)
            places = np.searchsorted(found.applications.row_number, own.row_number)
            beside[name][places] = scorer.scores(scorer.read(own)).pd
        return beside

    def score(
        self,
        rows: Records,
        sources: Mapping[str, Records] | None = None,
        seconds: Mapping[str, Scorer] | None = None,
    ) -> ScoredFrame:
        """Score a data frame, a list of dicts or one dict: one row per application, keyed by column.

        Every cell is checked as the same cell of a file would be, and rows that break the data contract come back as
        rejects. ``sources`` are the records of the schema's sources, by their names; ``seconds`` second models, whose
        probabilities stand beside the PDs. Raises ContractError when a column is missing or stands twice, a source is
        not given, or a second model that the policy names.
        """
        found = self._read_frame(rows, sources)
        columns: dict[str, ColumnCounts] = {}
        watch = Monitor(on_columns=columns.update) if len(found.applications) >= LEAST_ROWS else UNWATCHED
        beside = self._beside(rows, found, seconds or {})
        answer = self.answer(found.applications, watch, beside)
        scored = ScoredFrame.of(found, answer, self.lenders_policy is not None, beside)
        return replace(scored, warnings=self.unlike_training(columns))

    def explain(
        self,
        rows: Records,
        sources: Mapping[str, Records] | None = None,
        seconds: Mapping[str, Scorer] | None = None,
    ) -> ExplainedFrame:
        """Why each row of a data frame, a list of dicts or one dict has its score: ``n_reasons`` reasons, or four.

        Raises ContractError as ``score`` does.
        """
        found = self._read_frame(rows, sources)
        reading = self.read(found.applications, sentences=True)
        beside = self._beside(rows, found, seconds or {})
        blocks = self._explained_blocks(reading, self.n_reasons or N_REASONS, untimed, beside)
        explanations, answers = zip(*blocks, strict=True)
        explanation = Explanation.concat(explanations, reading.sentences)
        return ExplainedFrame(found, Answer.concat(answers), explanation, reading.design)


def load_scorer(
    path: Path | str,
    *,
    encoder: str | None = None,
    cache: VectorCache | Path | str | None = None,
    policy: Policy | Path | str | None = None,
    seconds: Collection[str] | None = (),
    reasons: int = 0,
    threads: int = 0,
    signed_by: Path | str | None = None,
) -> Scorer:
    """The scorer of a bundle, the folder that ``creditfusion train`` wrote: verified byte by byte, with its encoder.

    Args:
        encoder: Where the text encoder lies (a folder, a hub id, ``"embedded"``); None: where training found it.
        cache: A folder where vectors of narratives are kept between runs; None: every vector is computed anew.
        policy: A credit policy or its TOML file; None: the one that the bundle keeps, or else the model's own cut-off.
        seconds: Names of the second models whose probabilities will stand beside the applications; a policy may
            refer on them. None: nothing will be decided, so none are needed.
        reasons: At most so many adverse reasons stand beside every score.
        threads: Processor threads of the trees, 0 for all. Encoder and explanations take as many as torch does.
        signed_by: Whose signature the bundle must carry, as a public key's file or ``"IDENTITY,ISSUER"``; None: what
            ``CREDITFUSION_SIGNED_BY`` demands.

    Raises ContractError for a bundle that is damaged, of another format or with another encoder, or a policy that does
    not fit its schema; RunError for files that cannot be read.
    """
    bundle = load(Path(path), None if signed_by is None else parse_signer(str(signed_by)))
    vectors = VectorCache(Path(cache)) if isinstance(cache, Path | str) else cache
    rules = load_policy(Path(policy), bundle.schema, seconds) if isinstance(policy, Path | str) else policy
    if rules is None and bundle.policy is not None:
        check_seconds(bundle.policy.refer, seconds, f"the policy that bundle {path} keeps")
    return Scorer(bundle, bundle_encoder(bundle, encoder, vectors), rules, reasons, threads)
