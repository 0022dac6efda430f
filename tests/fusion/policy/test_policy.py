"""Decisions by a policy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_schemas.errors import ContractError
from data_schemas.reader import load_schema
from features.tables.applications import Applications
from fusion.config import Config, DecisionConfig
from fusion.policy.policy import (
    Cutoffs,
    Economics,
    Policy,
    Refer,
    Segments,
    amounts_of,
    decide,
    default_policy,
    segments_of,
)

SHARES = st.floats(0.0, 1.0)
FLAGS = st.lists(st.sampled_from(["narrative_only", "no_narrative", "missing:a,b", "masked:health"]), unique=True)
NOTHING = Refer()
STRICT = Refer(no_narrative=True, quality=("missing:b", "masked"))


def policy(approve: float, decline: float, refer: Refer = NOTHING) -> Policy:
    of_60 = Cutoffs(approve=approve / 2, decline=decline / 2)
    segments = Segments(column="term_months", cutoffs={"60": of_60})
    return Policy(cutoffs=Cutoffs(approve=approve, decline=decline), segments=segments, refer=refer)


def applications(**columns: list[float]) -> Applications:
    n = len(next(iter(columns.values())))
    return Applications(load_schema("demo"), pd.DataFrame(columns, dtype="float64"), np.arange(1, n + 1))


def test_a_pd_at_a_cutoff_has_the_milder_decision() -> None:
    pds = np.array([0.1, np.nextafter(0.1, 1), 0.3, np.nextafter(0.3, 1), 0.05, 0.06, 0.15, 0.16])
    found = decide(policy(0.1, 0.3), pds, ["36"] * 4 + ["60"] * 4, [""] * 8)
    assert found.decision == ("approve", "refer", "refer", "decline") * 2
    assert found.refer_reason == ("", "between_cutoffs", "between_cutoffs", "") * 2
    assert found.rows_with("refer").tolist() == [False, True, True, False] * 2


def test_quality_reasons_are_named_and_never_change_a_decline() -> None:
    quality = [
        "missing:a,b;masked:health,family",
        "missing:a",
        "no_narrative;missing:b",
        "no_narrative",
        "no_narrative",
    ]
    found = decide(policy(0.1, 0.3, STRICT), np.array([0.05, 0.05, 0.05, 0.2, 0.9]), [""] * 5, quality)
    assert found.decision == ("refer", "approve", "refer", "refer", "decline")
    assert found.refer_reason == (
        "missing:b;masked",
        "",
        "no_narrative;missing:b",
        "between_cutoffs;no_narrative",
        "",
    )


@given(st.lists(st.tuples(SHARES, st.one_of(SHARES, st.just(np.nan)))), SHARES)
def test_a_second_model_only_turns_approvals_into_referrals(rows: list[tuple[float, float]], bound: float) -> None:
    pds, fraud = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    plain, strict = policy(0.1, 0.3), policy(0.1, 0.3, Refer(second={"fraud": bound}))
    blank = [""] * len(rows)
    without = decide(plain, pds, blank, blank)
    found = decide(strict, pds, blank, blank, {"fraud": fraud, "other": fraud})
    for row, (before, after) in enumerate(zip(without.decision, found.decision, strict=True)):
        suspect = not fraud[row] <= bound
        assert after == ("refer" if suspect and before == "approve" else before)
        assert ("second:fraud" in found.refer_reason[row].split(";")) == (suspect and before != "decline")
    with pytest.raises(ContractError, match="second model 'fraud', whose probabilities are not given"):
        decide(strict, pds, blank, blank)


@given(st.lists(st.tuples(SHARES, st.sampled_from(["36", "60", ""]), FLAGS)), SHARES, SHARES)
def test_rows_are_decided_independently_and_monotonically_in_pd(
    rows: list[tuple[float, str, list[str]]], one: float, other: float
) -> None:
    strict = policy(min(one, other), max(one, other), STRICT)
    pds = np.array([row[0] for row in rows])
    segments, quality = [row[1] for row in rows], [";".join(row[2]) for row in rows]
    found = decide(strict, pds, segments, quality)
    alone = [decide(strict, pds[[i]], [segments[i]], [quality[i]]).decision[0] for i in range(len(rows))]
    assert list(found.decision) == alone
    worse = decide(strict, np.minimum(pds + 0.1, 1.0), segments, quality)
    order = ("approve", "refer", "decline")
    assert all(order.index(a) <= order.index(b) for a, b in zip(found.decision, worse.decision, strict=True))
    assert [bool(reason) for reason in found.refer_reason] == found.rows_with("refer").tolist()


@given(st.floats(0.01, 0.99), st.lists(st.floats(0.0, 1.0)))
def test_the_models_own_policy_is_its_cutoff(max_pd: float, pds: list[float]) -> None:
    found = decide(
        default_policy(Config(decision=DecisionConfig(max_pd=max_pd))),
        np.array(pds),
        [""] * len(pds),
        ["missing:a"] * len(pds),
    )
    assert list(found.decision) == ["decline" if one > max_pd else "approve" for one in pds]


def test_parts_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        decide(policy(0.1, 0.2), np.zeros(2), ["", ""], [""])


def test_segments_and_amounts_come_from_columns() -> None:
    rows = applications(term_months=[36.0, np.nan, 60.0], amount=[100.0, 300.0, np.nan])
    assert segments_of(policy(0.1, 0.2), rows) == ["36", "", "60"]
    assert segments_of(default_policy(Config()), rows) == ["", "", ""]
    fixed = Economics(loss_given_default=0.5, margin=0.1, amount=50)
    assert amounts_of(fixed, rows).tolist() == [50.0, 50.0, 50.0]
    column = fixed.model_copy(update={"amount": "amount"})
    assert amounts_of(column, rows).tolist() == [100.0, 300.0, 200.0]
    assert np.isnan(amounts_of(column, applications(amount=[np.nan]))).all()


def test_a_file_without_the_column_is_refused() -> None:
    with pytest.raises(ContractError, match="the policy needs the column 'term_months', which the file lacks"):
        segments_of(policy(0.1, 0.2), applications(amount=[1.0]))


def test_the_digest_is_that_of_the_decisions() -> None:
    money = Economics(loss_given_default=0.5, margin=0.1, amount=50)
    same = policy(0.1, 0.3).model_copy(update={"economics": money})
    assert same.digest == policy(0.1, 0.3).digest
    assert len({policy(0.1, 0.3).digest, policy(0.1, 0.2).digest, policy(0.1, 0.3, STRICT).digest}) == 3
