"""What the policy's cut-offs do, what others would do, and which would be best."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from experiments.reporting.document import Section
from experiments.validate.chapters.policy_findings import findings
from experiments.validate.chapters.policy_plots import plots
from experiments.validate.chapters.policy_tables import tables
from experiments.validate.chapters.policy_view import ALL, PolicyView, SegmentView
from experiments.validate.scored_outcomes import ScoredOutcomes
from features.arrays import Flags
from fusion.policy.policy import Economics, amounts_of, referred_by_quality, segments_of
from fusion.policy.proposal import OTHERS, Proposal, Unmet, books_by_segment, propose
from fusion.policy.simulation import Book

NO_ECONOMICS = "the policy has no [economics]"
NO_AMOUNT = "no application has an amount"
FREE = Economics(loss_given_default=0.0, margin=0.0, amount=1.0)
WORDS = (
    "Approved are PDs up to the approve cut-off, declined are those above the decline cut-off, and a person looks at "
    "the rest. All figures are of applicants who were granted a loan once, so how those would have fared who never "
    "were is not in them; a looser policy than the one they came from cannot be judged by them."
)
MONEY_WORDS = (
    "Profit is the margin on good loans less the loss on bad ones and less the costs of handling, per application, in "
    "the currency of the amounts. “Expected” takes the PDs for true, “observed” takes what happened. Of the referred "
    "the share that the policy states is taken to be approved in the end, alike in good and bad: what a person finds "
    "out is not known here, and may make referring worth more than it says."
)


def chapter(judged: ScoredOutcomes) -> Section:
    """The policy's own figures and, where it says what loans earn and lose, its simulation and a proposal."""
    view = view_of(judged)
    return Section(
        key="policy",
        title="Policy: what the cut-offs do",
        words=(WORDS, MONEY_WORDS) if view.books else (WORDS,),
        findings=tuple(findings(view)),
        tables=tuple(tables(view)),
        plots=tuple(plots(view)),
    )


def view_of(judged: ScoredOutcomes) -> PolicyView:
    """Everything that the chapter shows, computed once."""
    policy, economics = judged.policy, judged.policy.economics
    segments = segments_of(policy, judged.applications)
    amounts = amounts_of(economics or FREE, judged.applications)
    why_not = "" if economics else NO_ECONOMICS
    if np.isnan(amounts).any():
        why_not = NO_AMOUNT
    plain = np.zeros(len(judged), np.bool_)
    free = Book(judged.pd, judged.y, amounts, plain, economics or FREE)
    book = Book(judged.pd, judged.y, amounts, referred_by_quality(policy.refer, judged.quality), economics or FREE)
    books = {} if why_not else books_by_segment(book, policy, segments)
    found = propose(policy, books) if books else None
    return PolicyView(
        judged=judged,
        segments=tuple(_segments(judged, segments)),
        books=books,
        why_no_money=why_not,
        free=free,
        proposal=found if isinstance(found, Proposal) else None,
        unmet=found if isinstance(found, Unmet) else None,
    )


def _segments(judged: ScoredOutcomes, segments: Sequence[str]) -> list[SegmentView]:
    """The segments that have rows, all rows last; all rows alone where there are none."""
    parted = judged.policy.segments
    everybody: Flags = np.ones(len(judged), np.bool_)
    if parted is None:
        return [SegmentView(OTHERS, ALL, everybody, judged.policy.cutoffs)]
    title = judged.applications.schema[parted.column].title
    names = np.array([name if name in parted.cutoffs else OTHERS for name in segments], dtype=object)
    found = [
        SegmentView(name, f"{title}: {name}" if name else "Others", names == name, judged.policy.cutoffs_of(name))
        for name in (*parted.cutoffs, OTHERS)
        if (names == name).any()
    ]
    return [*found, SegmentView(None, ALL, everybody, None)]
