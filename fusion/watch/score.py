"""The score by period: PDs, decisions, first reasons, and how well the PDs rank and come true.

A profile holds sums of whole numbers and counts by bin of the log-odds, which add up exactly. Explanations are dear:
first reasons are those of ``SAMPLE`` rows of a period, the ones whose hashed id is lowest, whatever the order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from pydantic import TypeAdapter
from scipy.special import expit

from data_schemas.messages import Message, Number, message
from features.arrays import Floats
from features.design import Design
from features.narratives.sentences import SentenceBlock
from fusion.explain.attribution import Explainer
from fusion.explain.population import Population
from fusion.explain.reasons import ReasonBook
from fusion.policy.policy import DECISIONS, Decision, Policy, decide
from fusion.scorer import Scorer
from fusion.validation.bins import quantile_edges
from fusion.watch.departures import (
    Baseline,
    Figure,
    mean_departure,
    psi_departure,
    psi_words,
    range_words,
    share_departure,
    usual_of,
)
from fusion.watch.outcomes import known_outcomes
from fusion.watch.part import Batch, JsonObject, Observed, Watched
from fusion.watch.performance import estimated_signals, known_signals
from fusion.watch.ranking import added
from fusion.watch.sampling import hashed_ids
from fusion.watch.score_profile import ScoreProfile, first_reasons, profile_of
from fusion.watch.signals import Signal

SAMPLE = 200
N_BINS = 10
_DECISION_WORDS: Mapping[Decision, Message] = {
    "approve": message("approve"),
    "refer": message("refer"),
    "decline": message("decline"),
}

_PROFILE = TypeAdapter(ScoreProfile)


@dataclass(frozen=True)
class ScorePart:
    """Watches what a model answers.

    Attributes:
        explainer: Splits margins.
        book: The reasons.
        edges: Upper bounds of tenths of the training rows' log-odds.
        trained: The scores that the training rows had from parts of the model which had not seen them.
    """

    explainer: Explainer
    book: ReasonBook
    edges: Floats
    trained: ScoreProfile

    @staticmethod
    def of(scorer: Scorer) -> ScorePart:
        """The part that watches this model under this policy."""
        population = scorer.bundle.population
        edges = quantile_edges(population.margin, N_BINS)
        trained = _trained(population, scorer.book, scorer.deciding_policy, edges)
        return ScorePart(scorer.explainer, scorer.book, edges, trained)

    @property
    def name(self) -> str:
        """Its key in the state."""
        return "score"

    def observe(self, batch: Batch) -> Observed[ScoreProfile]:
        """The scores of a batch, which a model must have scored; it flags no rows."""
        scored = batch.scored
        if scored is None:
            raise ValueError("a batch without scores")
        known, bad = known_outcomes(batch.applications)
        profile = profile_of(scored.scores.margin, known, bad, self.edges)
        refer, decline = scored.decisions.rows_with("refer"), scored.decisions.rows_with("decline")
        decisions = (int((~refer & ~decline).sum()), int(refer.sum()), int(decline.sum()))
        return Observed(replace(profile, decisions=decisions, reasons=self._reasons(scored.design, batch)))

    def _reasons(self, design: Design, batch: Batch) -> tuple[tuple[int, str], ...]:
        hashes = hashed_ids(batch.applications.ids)
        rows = np.argsort(hashes, kind="stable")[:SAMPLE]
        design = design.take(rows)
        explanation = self.explainer.explain(design, SentenceBlock.empty(design.text))
        codes = first_reasons(np.hstack([explanation.columns, explanation.narratives]), self.book)
        return tuple(sorted(zip(hashes[rows].tolist(), codes, strict=True)))

    def add(self, left: ScoreProfile, right: ScoreProfile) -> ScoreProfile:
        """The scores of both."""
        approve, refer, decline = (a + b for a, b in zip(left.decisions, right.decisions, strict=True))
        return ScoreProfile(
            left.rows + right.rows,
            left.pd + right.pd,
            left.squared + right.squared,
            added(left.margins, right.margins),
            tuple(a + b for a, b in zip(left.cells, right.cells, strict=True)),
            (approve, refer, decline),
            left.outcomes + right.outcomes,
            tuple(sorted([*left.reasons, *right.reasons])[:SAMPLE]),
        )

    def to_json(self, profile: ScoreProfile) -> JsonObject:
        """As plain data."""
        found: JsonObject = _PROFILE.dump_python(profile, mode="json")
        return found

    def from_json(self, content: JsonObject) -> ScoreProfile:
        """What ``to_json`` gave."""
        return _PROFILE.validate_python(content)

    def signals(self, watched: Watched[ScoreProfile]) -> tuple[Signal, ...]:
        """Mean PD, decisions, PSI, first reasons, and how well the PDs rank and come true."""
        usual, history = usual_of(watched.reference, watched.history)
        then, now, period = [profile for _, profile in usual], watched.profile, watched.period
        return (
            *self._level(period, now, then, history),
            *_decision_signals(period, now, then, history),
            *self._reason_signals(period, now, then, history),
            *estimated_signals(period, now, then, history),
            *known_signals(watched),
        )

    def _level(self, period: str, now: ScoreProfile, then: Sequence[ScoreProfile], history: bool) -> list[Signal]:
        found = []
        if (mean := mean_departure(now.mean_pd, [one.mean_pd for one in then], history)) is not None:
            now_shown, usual_shown = Number(mean.now, ".2%"), Number(mean.usual, ".2%")
            words = message("mean PD {share}, usually {usual}", share=now_shown, usual=usual_shown)
            size = abs(mean.now / mean.usual - 1) if mean.usual else 0.0
            found.append(Figure(period, "pd", "", now.rows).signal(mean, size, words))
        if not then:
            return found
        usual = Baseline(np.array([one.cells for one in then], dtype=np.int64), history)
        here = np.array(now.cells, dtype=np.int64)
        if (psi := psi_departure(here, usual)) is not None:
            words = psi_words(message("score"), psi, here, usual.total, self.cell)
            found.append(Figure(period, "psi", "", now.rows).signal(psi, psi.now, words))
        return found

    def cell(self, at: int) -> Message:
        """Range of PDs of a cell."""
        edges = [Number(edge, ".1%") for edge in expit(self.edges).tolist()]
        return message("PD {range}", range=range_words(edges, at))

    def _reason_signals(
        self, period: str, now: ScoreProfile, then: Sequence[ScoreProfile], history: bool
    ) -> list[Signal]:
        here, before = now.reason_counts(), [one.reason_counts() for one in then]
        found = []
        for code in sorted({*here, *(code for one in before for code in one)}):
            counts = [(one[code], one.total()) for one in before]
            departure = share_departure(here[code], here.total(), counts, history)
            if departure is not None:
                words = message(
                    "first reason {code}: {share} of a sample of {n} rows, usually {usual}",
                    code=code,
                    share=Number(departure.now, ".1%"),
                    n=Number(here.total()),
                    usual=Number(departure.usual, ".1%"),
                )
                figure = Figure(period, "reason", code, here.total())
                found.append(figure.signal(departure, abs(departure.now - departure.usual), words))
        return found


def _decision_signals(period: str, now: ScoreProfile, then: Sequence[ScoreProfile], history: bool) -> list[Signal]:
    found = []
    n = sum(now.decisions)
    refers = any(one.decisions[1] for one in (now, *then))
    for at, decision in enumerate(DECISIONS if refers else DECISIONS[:1]):  # without referrals one share says it all
        counts = [(one.decisions[at], sum(one.decisions)) for one in then]
        departure = share_departure(now.decisions[at], n, counts, history)
        if departure is not None:
            words = message(
                "{name}: {share} of {n} rows, usually {usual}",
                name=_DECISION_WORDS[decision],
                share=Number(departure.now, ".1%"),
                n=Number(n, ","),
                usual=Number(departure.usual, ".1%"),
            )
            value = abs(departure.now - departure.usual)
            found.append(Figure(period, "approval", decision, n).signal(departure, value, words))
    return found


def _trained(population: Population, book: ReasonBook, policy: Policy, edges: Floats) -> ScoreProfile:
    """Decisions are left out where the policy needs more than the PD."""
    known = np.ones(len(population), dtype=np.bool_)
    profile = profile_of(population.margin, known, population.bad, edges)
    codes = first_reasons(population.contributions.astype(np.float64), book)
    reasons = tuple(enumerate(codes))
    refer = policy.refer
    if policy.segments is not None or refer.no_narrative or refer.quality or refer.second:
        return replace(profile, reasons=reasons)
    blank = [""] * len(population)
    counts = Counter(decide(policy, expit(population.margin), blank, blank).decision)
    decisions = (counts["approve"], counts["refer"], counts["decline"])
    return replace(profile, decisions=decisions, reasons=reasons)
