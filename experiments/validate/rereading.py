"""Reading narratives again after a change of their words: what it does to PDs and decisions."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import expit

from data_schemas.concepts import Sensitive
from experiments.session.reading import read_watched
from experiments.session.run import Run
from experiments.validate.scored_outcomes import ScoredOutcomes
from features.arrays import Flags, Floats, Index
from features.narratives.masking import Mask
from features.tables.applications import Applications
from features.tables.stated import with_facts_again
from features.text.counterfactual_terms import SwapKind, swap
from fusion.policy.policy import Decision
from fusion.validation.intervals import Estimate, mean, rate

ORDER: tuple[Decision, ...] = ("approve", "refer", "decline")
"""Decisions, each harder on the applicant than the one before."""


@dataclass(frozen=True)
class Reread:
    """All rows after a change of some narratives.

    Attributes:
        rows: places of the rows whose narratives changed.
        margin: float64 (n,), log-odds of bad of every row, as before where nothing changed.
        decision: of every row, as before where nothing changed.
    """

    rows: Index
    margin: Floats
    decision: tuple[Decision, ...]

    @property
    def approved(self) -> Flags:
        """bool (n,): whether the policy approves without a second look."""
        return np.array([decision == "approve" for decision in self.decision], dtype=np.bool_)


@dataclass(frozen=True)
class Masking:
    """Narratives without the sentences on private life.

    Attributes:
        reread: the rows without these sentences.
        sentences: how many were cut, by kind.
        applications: how many applications had one, by kind.
    """

    reread: Reread
    sentences: dict[Sensitive, int]
    applications: dict[Sensitive, int]


@dataclass(frozen=True)
class Moved:
    """What a change of narratives did to the rows that it touched.

    Attributes:
        n: such rows.
        n_harder: decided harder on the applicant: referred after approve, declined after either.
        n_kinder: decided kinder.
        changed: share decided otherwise.
        pd: mean change of PD.
        greatest_pd: greatest change of PD, with its sign.
        greatest_points: greatest change of the score in points, with its sign.
    """

    n: int
    n_harder: int
    n_kinder: int
    changed: Estimate
    pd: Estimate
    greatest_pd: float
    greatest_points: float

    @property
    def n_decided(self) -> int:
        """Index decided otherwise."""
        return self.n_harder + self.n_kinder


def moved(scored: ScoredOutcomes, reread: Reread) -> Moved:
    """Figures of a change; NaN where no narrative changed."""
    rows, scale = reread.rows, scored.model.bundle.model.scores
    step = np.array([ORDER.index(reread.decision[row]) - ORDER.index(scored.decision[row]) for row in rows.tolist()])
    change = expit(reread.margin[rows]) - expit(scored.margin[rows])
    points = scale(reread.margin[rows]).score - scale(scored.margin[rows]).score
    return Moved(
        n=len(rows),
        n_harder=int(np.sum(step > 0)),
        n_kinder=int(np.sum(step < 0)),
        changed=rate(int(np.sum(step != 0)), len(rows)),
        pd=mean(change),
        greatest_pd=_greatest(change),
        greatest_points=_greatest(np.asarray(points, dtype=np.float64)),
    )


def swapped(scored: ScoredOutcomes, kind: SwapKind, run: Run) -> Reread:
    """The rows with the words of one kind exchanged in their narratives; only changed ones are read again.

    In labels (``Field.match_concepts``) first names stay: there they are mostly those of employers.
    """
    with run.timed("swap terms"):
        frame = scored.applications.frame.copy()
        for field in scored.applications.schema.narratives:
            if kind == "names" and not field.match_concepts:
                continue
            column = scored.applications.narrative(field.name)
            new = {text: swap(text, kind) for text in set(column)}
            frame[field.name] = pd.Series([new[text] for text in column], dtype=object)
    changed = with_facts_again(replace(scored.applications, frame=frame), scored.applications)
    return _read_again(scored, changed, run)


def masked(scored: ScoredOutcomes, run: Run) -> Masking | None:
    """The rows without the sentences on any kind of private life the schema has concepts for; None where it
    has none.
    """
    schema = scored.applications.schema
    kinds = tuple(kind for kind in Sensitive if any(concept.sensitive is kind for concept in schema.concepts))
    if not kinds or not schema.narratives:
        return None
    with run.timed("mask"):
        cut = Mask.open(kinds, schema, scored.model.encoder.untuned).apply(scored.applications)
    applications = {kind: sum(kind in own for own in cut.kinds) for kind in kinds}
    reread = _read_again(scored, cut.applications, run)
    return Masking(reread, {kind: cut.sentences.get(kind, 0) for kind in kinds}, applications)


def _read_again(scored: ScoredOutcomes, changed: Applications, run: Run) -> Reread:
    """The rows with other narratives; what they lack beside is as before."""
    names = [field.name for field in changed.schema.narratives]
    before, after = (one.frame[names].to_numpy(dtype=object) for one in (scored.applications, changed))
    rows = np.flatnonzero((before != after).any(axis=1)) if names else np.zeros(0, np.intp)
    margin, decision = scored.margin.copy(), list(scored.decision)
    if len(rows):
        part = changed.take(rows)
        reading = read_watched(scored.model, part, run, "read again")
        with run.timed("predict"):
            margin[rows] = scored.model.scores(reading).margin
        quality = [scored.quality[row] for row in rows.tolist()]  # a policy's flags are not what is tested
        seconds = {name: pd[rows] for name, pd in scored.seconds.items()}  # nor are other models
        decided = scored.model.decide(part, expit(margin[rows]), quality, seconds).decision
        for row, one in zip(rows.tolist(), decided, strict=True):
            decision[row] = one
    return Reread(rows, margin, tuple(decision))


def _greatest(values: Floats) -> float:
    return float(values[np.argmax(np.abs(values))]) if len(values) else float("nan")
