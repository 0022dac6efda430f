"""What a service decided, joined with how it went: two models on randomised applications, or a shadow on the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import logit
from scipy.stats import binomtest

from data_schemas.contract import Schema
from data_schemas.errors import ContractError
from data_schemas.fields import Role
from experiments.serve.decision_log import Decision
from features.arrays import Flags, Floats
from features.tables.reader import ReadOptions, read_all
from features.tables.totals import EMPTY
from fusion.validation.fairness import rate_difference
from fusion.validation.intervals import Estimate, rate

SMALLEST = 1e-12  # a PD has log-odds


@dataclass(frozen=True)
class Outcomes:
    """How applications went.

    Attributes:
        bad: By id, whether it turned bad.
        n_rows: Rows read.
        n_undecided: Those without an outcome yet.
        rejects: Rows that break the contract.
    """

    bad: Mapping[str, bool]
    n_rows: int
    n_undecided: int
    rejects: pd.DataFrame


@dataclass(frozen=True)
class Arm:
    """What one model decided.

    Attributes:
        model: Its id.
        approved: bool (n,), of all that it decided.
        pd: float64 (n,).
        bad: float64 (n,), 1 bad, 0 good, NaN without an outcome.
    """

    model: str
    approved: Flags
    pd: Floats
    bad: Floats

    def __len__(self) -> int:
        return len(self.pd)

    @property
    def booked(self) -> Flags:
        """bool (n,): approved, with a known outcome."""
        found: Flags = self.approved & ~np.isnan(self.bad)
        return found

    @property
    def n_bad(self) -> int:
        """Bads among those."""
        return int(self.bad[self.booked].sum())

    @property
    def approval(self) -> Estimate:
        """Share approved."""
        return rate(float(self.approved.sum()), len(self))

    @property
    def bad_rate(self) -> Estimate:
        """Of the approved with a known outcome."""
        return rate(self.n_bad, float(self.booked.sum()))


@dataclass(frozen=True)
class Randomised:
    """Champion and challenger, each on the applications that were drawn for it.

    Attributes:
        champion: The one.
        challenger: The other.
        share: That the challenger was to get.
    """

    champion: Arm
    challenger: Arm
    share: float

    @property
    def more_approved(self) -> Estimate:
        """Share that the challenger approves less that of the champion."""
        one, other = self.champion, self.challenger
        return rate_difference(int(other.approved.sum()), len(other), int(one.approved.sum()), len(one))

    @property
    def fewer_bad(self) -> Estimate:
        """Bad rate of what the champion approved less that of the challenger; above 0 where the latter is better."""
        one, other = self.champion, self.challenger
        return rate_difference(one.n_bad, int(one.booked.sum()), other.n_bad, int(other.booked.sum()))

    @property
    def p_split(self) -> float:
        """Of as odd a split as this where the draw is as it was said to be."""
        n = len(self.champion) + len(self.challenger)
        return float(binomtest(len(self.challenger), n, self.share).pvalue) if 0 < self.share < 1 else 1.0


@dataclass(frozen=True)
class Shadowed:
    """Champion and shadow on the same applications, those with a known outcome.

    Attributes:
        models: Ids of the two.
        champion: float64 (n,), log-odds by the champion.
        shadow: The same by the shadow.
        y: float64 (n,), 1 bad.
        n_both: Applications that both scored, with an outcome or without.
        n_alone: Those that the champion alone scored.
    """

    models: tuple[str, str]
    champion: Floats
    shadow: Floats
    y: Floats
    n_both: int
    n_alone: int


def read_outcomes(paths: Sequence[Path], schema: Schema, options: ReadOptions) -> Outcomes:
    """Ids and outcomes of files, which need no other column of the contract.

    Raises ContractError for a contract without an outcome and for files without these columns.
    """
    target = schema.field_of(Role.TARGET)
    if target is None:
        raise ContractError(f"the schema {schema.name!r} has no target", "Give one field the role 'target'.")
    short = replace(schema, fields=(schema.id, target), derived=(), sources=(), facts=(), contradictions=())
    chunk = read_all(list(paths), short, options)
    bad = dict(zip(chunk.applications.ids, (chunk.applications.outcome() > 0).tolist(), strict=True))
    rejects = chunk.rejects.frame
    silent = rejects["rule"] == EMPTY[0]  # nothing but an id: no outcome yet
    return Outcomes(bad, chunk.n_rows, chunk.n_undecided + int(silent.sum()), rejects[~silent].reset_index(drop=True))


def one_experiment(decisions: Sequence[Decision], name: str | None) -> list[Decision]:
    """The decisions of an experiment; raises ContractError where several could be meant, or there is none."""
    routes = {one.experiment for one in decisions if one.route == "challenger"}
    if name is None and len(routes) > 1:
        what = f"the log holds {len(routes)} experiments: {', '.join(sorted(routes))}"
        raise ContractError(what, "Name one with --experiment.")
    wanted = name if name is not None else next(iter(routes), "")
    found = [one for one in decisions if one.experiment == wanted and one.id is not None]
    if not found:
        raise ContractError(f"the log holds no decision of experiment {wanted!r}", "Look at its `experiment` fields.")
    return found


def paired(decisions: Sequence[Decision], outcomes: Outcomes) -> Randomised | Shadowed:
    """Both models' decisions with their outcomes; of an application that was decided again, the first decision.

    Raises ContractError where the log holds neither a challenger nor a shadow, or several models in one part.
    """
    first: dict[tuple[str, str | None], Decision] = {}
    for one in decisions:
        part = "shadow" if one.route == "shadow" else "decided"
        first.setdefault((part, one.id), one)
    decided = [one for (part, _), one in first.items() if part == "decided"]
    shadow = [one for (part, _), one in first.items() if part == "shadow"]
    challenged = [one for one in decided if one.route == "challenger"]
    champion = [one for one in decided if one.route == "champion"]
    if challenged:
        shares = {one.share for one in decided}
        if len(shares) > 1:
            what = f"the share of the challenger changed: {', '.join(map(str, sorted(shares)))}"
            raise ContractError(what, "Give each share an --experiment of its own, and compare one.")
        return Randomised(_arm(champion, outcomes), _arm(challenged, outcomes), shares.pop())
    if not shadow:
        what = "the log holds the decisions of one model alone"
        raise ContractError(what, "Serve with --challenger or --shadow.")
    return _shadowed(champion, {str(one.id): one for one in shadow}, outcomes)


def _arm(decisions: Sequence[Decision], outcomes: Outcomes) -> Arm:
    bad = [float(outcomes.bad[str(one.id)]) if str(one.id) in outcomes.bad else np.nan for one in decisions]
    return Arm(
        _one_model(decisions),
        np.array([one.decision == "approve" for one in decisions], dtype=np.bool_),
        np.array([one.pd for one in decisions], dtype=np.float64),
        np.array(bad, dtype=np.float64),
    )


def _shadowed(champion: Sequence[Decision], shadow: Mapping[str, Decision], outcomes: Outcomes) -> Shadowed:
    both = [(one, shadow[str(one.id)]) for one in champion if str(one.id) in shadow]
    both = [(one, other) for one, other in both if other.pd is not None and other.inputs == one.inputs]
    models = _one_model(champion), _one_model(list(shadow.values()))
    known = [(one, other) for one, other in both if str(one.id) in outcomes.bad]
    return Shadowed(
        models,
        _margin([one for one, _ in known]),
        _margin([other for _, other in known]),
        np.array([float(outcomes.bad[str(one.id)]) for one, _ in known], dtype=np.float64),
        len(both),
        len(champion) - len(both),
    )


def _margin(decisions: Sequence[Decision]) -> Floats:
    pd = np.array([one.pd for one in decisions], dtype=np.float64)
    margin: Floats = logit(np.clip(pd, SMALLEST, 1 - SMALLEST))
    return margin


def _one_model(decisions: Sequence[Decision]) -> str:
    models = sorted({one.model for one in decisions})
    if len(models) != 1:
        what = f"one part of the experiment was decided by {len(models)} models: {', '.join(models) or 'none'}"
        raise ContractError(what, "Give each pair of models an --experiment of its own, and compare one.")
    return models[0]
