from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from data_schemas.concepts import Concept
from data_schemas.contract import Schema
from data_schemas.reader import parse_schema
from data_schemas.reasons import Reason
from features.arrays import Ints
from fusion.config import Config, DecisionConfig, ExplainConfig, ScaleConfig
from fusion.explain.explanation import Explanation, to_points
from fusion.explain.reasons import ReasonBook, principal_reasons, reason_points
from tests.support.logged import make_with_sentences

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
    _, block = make_with_sentences(N)
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
        orders=np.zeros(len(block), dtype=np.int64),
        exact=np.ones(len(block), dtype=np.bool_),
        block=block,
        margin=margin,
    )


@pytest.fixture(scope="module")
def concept(explanation: Explanation) -> Ints:
    return np.random.default_rng(1).integers(-1, 3, len(explanation.block))


BOOK = ReasonBook.of(schema(), COLUMNS, NARRATIVES)


def test_every_reason_code_occurs_once() -> None:
    assert [reason.code for reason in BOOK.reasons] == [
        "INCOME", "STATE", "LOAN_AMOUNT", "DEBTS", "WORK", "ESSAY", "JOB",
    ]  # fmt: skip
    assert BOOK.reasons[2] == Reason("LOAN_AMOUNT", "[no wording] Loan Amount", worded=False)
    assert BOOK.column.tolist() == [0, 0, 1, 2]
    assert BOOK.concept.tolist() == [[3, 3, 4], [3, 3, 4]]


def test_points_are_summed_by_code_and_of_unnamed_sentences_the_worst_counts(
    explanation: Explanation, concept: Ints
) -> None:
    points = reason_points(explanation, concept, BOOK, SCALE)
    np.testing.assert_allclose(points[:, 0], to_points(explanation.columns[:, :2].sum(axis=1), SCALE))
    for row in range(N):
        mine = explanation.block.row == row
        debts = explanation.sentences[mine & np.isin(concept, [0, 1])].sum()
        unnamed = [explanation.sentences[mine & (concept == -1) & (explanation.block.narrative == j)] for j in (0, 1)]
        essay, job = (float(one.max(initial=-np.inf)) if len(one) else 0.0 for one in unnamed)
        assert points[row, 3] == pytest.approx(to_points(debts, SCALE))
        assert points[row, 5] == pytest.approx(to_points(np.array(essay), SCALE))
        left_out = sum(one.sum() for one in unnamed) - essay - job
        whole = explanation.margin[row] + 2.0 - left_out
        assert points[row].sum() == pytest.approx(to_points(np.array(whole), SCALE))


def test_adverse_unmatched_sentences_are_not_offset_by_favourable_ones(explanation: Explanation) -> None:
    """Two sentences on different things, neither of them named, that cancel each other out."""
    first = explanation.block.bounds()[:-1]
    at = first[np.diff(explanation.block.bounds()) == 2][0]
    sentences = explanation.sentences.copy()
    sentences[at], sentences[at + 1] = 0.8, -0.8
    unnamed = np.full(len(sentences), -1)
    place = BOOK.of_sentences(replace(explanation, sentences=sentences), unnamed)
    assert place[at] == BOOK.narrative[explanation.block.narrative[at]]
    assert place[at + 1] == -1


def named(*columns: tuple[str, str | None]) -> Schema:
    """A schema of numeric columns with these names and reason codes, whether or not a schema file may hold them."""
    fields: list[object] = [{"name": "id", "type": "string", "creditfusion": {"role": "id"}}]
    fields += [
        {"name": name, "type": "number", "title": name.title(), "creditfusion": {"role": "feature"}}
        for name, _ in columns
    ]
    plain = parse_schema(json.dumps({"fields": fields, "creditfusion": {"version": 1, "name": "named"}}), "named")
    codes = [None, *(code for _, code in columns)]
    reasons = [Reason(code, f"Told as {code}.", disclosable=False) if code else None for code in codes]
    with_reasons = [replace(field, reason=reason) for field, reason in zip(plain.fields, reasons, strict=True)]
    return replace(plain, fields=tuple(with_reasons))


@pytest.mark.parametrize(
    ("columns", "codes"),
    [
        ([("収入", None), ("年齢", None)], ["COLUMN_2", "COLUMN_3"]),
        ([("年齢_3", None), ("24 h", None), ("größe", None)], ["COLUMN_2", "COLUMN_3", "GR_SSE"]),
        ([("loan amount", None), ("loan_amount", None), ("term", None)], ["COLUMN_2", "COLUMN_3", "TERM"]),
        ([("region", "STATE"), ("STATE", None)], ["STATE", "COLUMN_3"]),
        ([("STATE", None), ("region", "STATE")], ["COLUMN_2", "STATE"]),
        ([("column 3", None), ("収入", None)], ["COLUMN_3", "COLUMN_3_"]),
        ([("one", "COLUMN_3"), ("収入", None)], ["COLUMN_3", "COLUMN_3_"]),
    ],
)
def test_default_reason_codes_are_unique(columns: list[tuple[str, str | None]], codes: list[str]) -> None:
    names = [name for name, _ in columns]
    book = ReasonBook.of(named(*columns), names, ())
    assert [book.reasons[at].code for at in book.column] == codes
    assert len(book.reasons) == len(names)
    for at, (name, code) in zip(book.column, columns, strict=True):
        unworded = Reason(codes[at], f"[no wording] {name.title()}", worded=False)
        assert book.reasons[at] == (Reason(code, f"Told as {code}.", disclosable=False) if code else unworded)
    reversed_book = ReasonBook.of(named(*columns), names[::-1], ())  # the model's order of columns changes no code
    if len(set(codes)) == len(codes) and "COLUMN_3_" not in codes:
        assert [reversed_book.reasons[at].code for at in reversed_book.column] == codes[::-1]


@pytest.mark.parametrize("last", [True, False])
def test_unequal_reasons_of_one_code_are_refused(last: bool) -> None:
    """Or a reason that may not be disclosed would silently become one that may."""
    reasons = (Reason("DEBTS", "Debts.", disclosable=not last), Reason("DEBTS", "Debts.", disclosable=last))
    concepts = tuple(Concept(f"c{at}", ("I owe.",), reason) for at, reason in enumerate(reasons))
    with pytest.raises(ValueError, match="two reasons of code DEBTS"):
        ReasonBook.of(replace(schema(), concepts=concepts), COLUMNS, NARRATIVES)


def config(min_points: float, max_pd: float = 0.999) -> Config:
    return Config(explain=ExplainConfig(min_points=min_points), decision=DecisionConfig(max_pd=max_pd))


def test_reasons_are_adverse_strongest_first_and_worth_their_least(explanation: Explanation, concept: Ints) -> None:
    points = reason_points(explanation, concept, BOOK, SCALE)
    reasons = principal_reasons(explanation, concept, BOOK, config(5.0), 3)
    for row in range(N):
        wanted = sorted(value for value in points[row].tolist() if value <= -5.0)[:3]
        row_reasons = reasons.of(row)
        assert [value for _, value in row_reasons] == pytest.approx(wanted)
        assert [points[row, BOOK.reasons.index(reason)] for reason, _ in row_reasons] == pytest.approx(wanted)
    assert reasons.narrative_points == pytest.approx(to_points(explanation.narratives.sum(axis=1), SCALE))


def test_declined_applicants_get_every_visible_reason(explanation: Explanation, concept: Ints) -> None:
    points = reason_points(explanation, concept, BOOK, SCALE)
    cut_off = float(np.median(expit(explanation.margin)))
    reasons = principal_reasons(explanation, concept, BOOK, config(1e6, cut_off), 99)
    declined = expit(explanation.margin) > cut_off
    assert 0 < declined.sum() < N
    for row in range(N):
        wanted = sorted(value for value in points[row].tolist() if value <= -0.05) if declined[row] else []
        assert [value for _, value in reasons.of(row)] == pytest.approx(wanted)


def test_a_declined_row_from_which_nothing_took_points(explanation: Explanation, concept: Ints) -> None:
    columns, sentences = np.full_like(explanation.columns, -0.1), np.full_like(explanation.sentences, 1e-6)
    low = replace(explanation, columns=columns, sentences=sentences, margin=np.full(N, 5.0))
    assert (principal_reasons(low, concept, BOOK, config(1.0), 4).which == -1).all()


def test_what_may_not_be_disclosed_keeps_its_place(explanation: Explanation, concept: Ints) -> None:
    columns = explanation.columns.copy()
    columns[:, 2] = 5.0
    reasons = principal_reasons(replace(explanation, columns=columns), concept, BOOK, config(1.0), 4)
    for row in range(N):
        assert reasons.of(row)[0][0] == Reason("STATE", "Where you live.", disclosable=False)


def test_a_top_score_has_no_adverse_reason(explanation: Explanation, concept: Ints) -> None:
    columns, sentences = np.full_like(explanation.columns, -1.0), np.full_like(explanation.sentences, -0.1)
    safe = replace(explanation, columns=columns, sentences=sentences)
    reasons = principal_reasons(safe, concept, BOOK, config(0.0), 4)
    assert (reasons.which == -1).all()
    assert (reasons.points == 0.0).all()
    assert reasons.of(0) == []


def test_more_reasons_than_codes_are_asked_for(explanation: Explanation, concept: Ints) -> None:
    assert principal_reasons(explanation, concept, BOOK, config(1.0), 99).which.shape == (N, len(BOOK.reasons))
