from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from data_schemas.contract import Concept, Reason, Schema
from data_schemas.reader import parse_schema
from fusion.config import ScaleConfig
from fusion.explanation import Explanation, to_points
from fusion.reasons import ReasonBook, principal_reasons, reason_points
from tests.told import make_told

SCALE = ScaleConfig()
N = 30


def schema() -> Schema:
    def field(name: str, reason: Mapping[str, object] | None, role: str = "feature", type_: str = "number") -> object:
        own: dict[str, object] = {"role": role} | ({"reason": reason} if reason else {})
        return {"name": name, "type": type_, "title": name.title(), "creditfusion": own}

    income = {"code": "INCOME", "wording": "Your income."}
    document = {
        "fields": [
            {"name": "id", "type": "string", "creditfusion": {"role": "id"}},
            field("income", income),
            field("income_ratio", income),
            field("state", {"code": "STATE", "wording": "Where you live.", "disclosable": False}),
            field("loan amount", None),
            field("essay", {"code": "ESSAY", "wording": "What you wrote."}, "narrative", "string"),
            field("job", None, "narrative", "string"),
        ],
        "creditfusion": {"version": 1, "name": "reasons"},
    }
    concepts = (
        Concept("debts", ("I owe.",), Reason("DEBTS", "You wrote about debts.")),
        Concept("loans", ("I borrow.",), Reason("DEBTS", "You wrote about debts.")),
        Concept("work", ("I work.",), Reason("WORK", "You wrote about work.")),
    )
    return replace(parse_schema(json.dumps(document), "reasons"), concepts=concepts)


COLUMNS, NARRATIVES = ("income", "income_ratio", "state", "loan amount"), ("essay", "job")


@pytest.fixture(scope="module")
def explanation() -> Explanation:
    _, block = make_told(N)
    random = np.random.default_rng(0)
    columns, sentences = random.normal(size=(N, 4)) * 0.5, random.normal(size=len(block)) * 0.3
    narratives = np.zeros((N, 2))
    np.add.at(narratives, (block.row, block.narrative), sentences)
    margin = -2.0 + columns.sum(axis=1) + narratives.sum(axis=1)
    return Explanation(
        base=-2.0,
        column_names=COLUMNS,
        narrative_names=NARRATIVES,
        columns=columns,
        narratives=narratives,
        from_trees=np.zeros((N, 6)),
        sentences=sentences,
        sentence_error=np.zeros(len(block)),
        exact=np.ones(len(block), dtype=np.bool_),
        block=block,
        margin=margin,
    )


@pytest.fixture(scope="module")
def concept(explanation: Explanation) -> npt.NDArray[np.int64]:
    return np.random.default_rng(1).integers(-1, 3, len(explanation.block))


BOOK = ReasonBook.of(schema(), COLUMNS, NARRATIVES)


def test_every_code_stands_once_in_the_book() -> None:
    assert [reason.code for reason in BOOK.reasons] == [
        "INCOME", "STATE", "LOAN_AMOUNT", "DEBTS", "WORK", "ESSAY", "JOB",
    ]  # fmt: skip
    assert BOOK.reasons[2].wording == "Loan Amount."
    assert BOOK.column.tolist() == [0, 0, 1, 2]
    assert BOOK.concept.tolist() == [3, 3, 4]


def test_points_are_summed_by_code_and_nothing_is_lost(
    explanation: Explanation, concept: npt.NDArray[np.int64]
) -> None:
    points = reason_points(explanation, concept, BOOK, SCALE)
    np.testing.assert_allclose(points[:, 0], to_points(explanation.columns[:, :2].sum(axis=1), SCALE))
    for row in range(N):
        mine = explanation.block.row == row
        debts = explanation.sentences[mine & np.isin(concept, [0, 1])].sum()
        essay = explanation.sentences[mine & (concept == -1) & (explanation.block.narrative == 0)].sum()
        assert points[row, 3] == pytest.approx(to_points(debts, SCALE))
        assert points[row, 5] == pytest.approx(to_points(essay, SCALE))
    np.testing.assert_allclose(points.sum(axis=1), to_points(explanation.margin + 2.0, SCALE))


def test_reasons_are_adverse_strongest_first_and_worth_their_least(
    explanation: Explanation, concept: npt.NDArray[np.int64]
) -> None:
    points = reason_points(explanation, concept, BOOK, SCALE)
    reasons = principal_reasons(explanation, concept, BOOK, SCALE, 3, 5.0)
    for row in range(N):
        wanted = sorted(value for value in points[row].tolist() if value <= -5.0)[:3]
        told = reasons.of(row)
        assert [value for _, value in told] == pytest.approx(wanted)
        assert [points[row, BOOK.reasons.index(reason)] for reason, _ in told] == pytest.approx(wanted)
    assert reasons.narrative_points == pytest.approx(to_points(explanation.narratives.sum(axis=1), SCALE))


def test_what_may_not_be_disclosed_keeps_its_place(explanation: Explanation, concept: npt.NDArray[np.int64]) -> None:
    columns = explanation.columns.copy()
    columns[:, 2] = 5.0
    reasons = principal_reasons(replace(explanation, columns=columns), concept, BOOK, SCALE, 4, 1.0)
    for row in range(N):
        assert reasons.of(row)[0][0] == Reason("STATE", "Where you live.", disclosable=False)


def test_a_top_score_has_no_adverse_reason(explanation: Explanation, concept: npt.NDArray[np.int64]) -> None:
    columns, sentences = np.full_like(explanation.columns, -1.0), np.full_like(explanation.sentences, -0.1)
    reasons = principal_reasons(
        replace(explanation, columns=columns, sentences=sentences), concept, BOOK, SCALE, 4, 0.0
    )
    assert (reasons.which == -1).all()
    assert (reasons.points == 0.0).all()
    assert reasons.of(0) == []


def test_more_reasons_than_codes_are_asked_for(explanation: Explanation, concept: npt.NDArray[np.int64]) -> None:
    assert principal_reasons(explanation, concept, BOOK, SCALE, 99, 1.0).which.shape == (N, len(BOOK.reasons))
