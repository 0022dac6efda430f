"""Rule sets: what a letter must hold, and that one that lacks it is not written."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from data_schemas.errors import ContractError
from experiments.explain.letters.lender import Lender
from experiments.explain.letters.rules import (
    ELEMENTS,
    LetterFacts,
    check_lender,
    check_letter,
    disclosures,
    is_catch_all,
    missing_elements,
)
from experiments.explain.request import Rules
from experiments.reporting.catalogues import language_of
from experiments.reporting.decision.applicant import ApplicantNotice, ScoreDisclosure
from experiments.reporting.language import ENGLISH
from tests.support import example_reports
from tests.support.example_reports import LENDER

SCORE = ScoreDisclosure(
    score=614.0, lowest=300.0, highest=850.0, made_on=date(2026, 3, 9), agency="Example Bureau", key_factors="Enclosed."
)
FULL = LENDER.model_copy(update={"authority": "Authority, Brussels", "debt_advice": "Debt Advice, Brussels"})
DECLINED = LetterFacts(FULL, "decline", SCORE, FULL.bureau("Example Bureau"), True, ENGLISH)


def letter(rules: Rules, facts: LetterFacts, **changes: object) -> ApplicantNotice:
    """The letter to the example's applicant by a rule set."""
    parts = {
        "rules": rules.value,
        "disclosures": disclosures(rules, facts),
        "score": facts.score,
        "needs_review": False,
    }
    return example_reports.notice().model_copy(update=parts | changes)


def text_of(notice: ApplicantNotice, key: str) -> str:
    return " ".join(next(part for part in notice.disclosures if part.key == key).paragraphs)


@pytest.mark.parametrize("rules", Rules)
def test_a_whole_letter_lacks_nothing(rules: Rules) -> None:
    notice = letter(rules, DECLINED)
    assert missing_elements(notice, DECLINED, rules) == []
    check_letter(notice, DECLINED, rules)


@pytest.mark.parametrize("rules", Rules)
def test_a_letter_without_one_of_its_parts_is_refused(rules: Rules) -> None:
    notice = letter(rules, DECLINED)
    for part in notice.disclosures:
        others = tuple(one for one in notice.disclosures if one != part)
        with pytest.raises(ContractError, match=f"lacks what the rules '{rules.value}' want: {part.key}"):
            check_letter(notice.model_copy(update={"disclosures": others}), DECLINED, rules)


def test_regulation_b_wants_creditor_agency_and_reasons() -> None:
    notice = letter(Rules.US, DECLINED)
    assert "on the basis of race, color, religion, national origin, sex, marital status, age" in text_of(
        notice, "ecoa_notice"
    )
    assert text_of(notice, "ecoa_notice").endswith(f"concerning this creditor is {FULL.agency}.")
    assert missing_elements(notice.model_copy(update={"address": ""}), DECLINED, Rules.US) == ["address"]
    assert missing_elements(notice.model_copy(update={"reasons": ()}), DECLINED, Rules.US) == ["principal reasons"]


def test_a_letter_that_gives_not_all_reasons_names_the_right_to_them() -> None:
    facts = replace(DECLINED, has_reasons=False)
    notice = letter(Rules.US, facts, needs_review=True, reasons=())
    assert "within 60 days of this letter" in text_of(notice, "statement_of_reasons")
    assert missing_elements(notice, facts, Rules.US) == []
    assert all(part.key != "statement_of_reasons" for part in letter(Rules.US, DECLINED).disclosures)


def test_a_bureau_score_comes_with_its_bureau() -> None:
    notice = letter(Rules.US, DECLINED)
    report = text_of(notice, "credit_report")
    for wanted in ("1 Bureau Street", "+1 800 555 0199", "played no part in our decision", "free copy", "dispute"):
        assert wanted in report
    silent = SCORE.model_copy(update={"key_factors": ""})
    facts = replace(DECLINED, score=silent)
    assert missing_elements(letter(Rules.US, facts), facts, Rules.US) == ["key factors of the credit score"]
    assert missing_elements(letter(Rules.US, facts, needs_review=True), facts, Rules.US) == []
    undated = replace(DECLINED, score=SCORE.model_copy(update={"made_on": None}))
    assert missing_elements(letter(Rules.US, undated), undated, Rules.US) == ["day of the credit score"]
    without = replace(DECLINED, score=None)
    assert all(part.key != "credit_report" for part in letter(Rules.US, without).disclosures)


def test_the_european_union_wants_a_person_and_a_review() -> None:
    notice = letter(Rules.EU, DECLINED)
    assert "automated processing" in text_of(notice, "automated_decision")
    for right in ("explanation", "express your own point of view", "review"):
        assert right in text_of(notice, "human_intervention")
    assert FULL.authority in text_of(notice, "data_protection")


def test_china_wants_explanation_and_refusal_in_both_languages() -> None:
    assert "right to refuse" in text_of(letter(Rules.CN, DECLINED), "explanation_and_refusal")
    chinese = replace(DECLINED, language=language_of("zh"))
    assert "有权拒绝" in text_of(letter(Rules.CN, chinese), "explanation_and_refusal")


@pytest.mark.parametrize(("rules", "missing"), [(Rules.US, "agency"), (Rules.EU, "authority"), (Rules.CN, "contact")])
def test_a_lender_that_says_too_little_is_refused_before_anything_is_written(rules: Rules, missing: str) -> None:
    check_lender(rules, FULL, "Example Bureau")
    with pytest.raises(ContractError, match=f"need of the lender what is not given: {missing}"):
        check_lender(rules, FULL.model_copy(update={missing: ""}), "Example Bureau")
    check_lender(Rules.PLAIN, Lender(), "")


def test_a_bureau_of_which_nothing_is_known_is_refused() -> None:
    with pytest.raises(ContractError, match=r'bureaus\."Other Bureau"\.address, bureaus\."Other Bureau"\.phone'):
        check_lender(Rules.US, FULL, "Other Bureau")
    check_lender(Rules.US, FULL, "")


def test_an_approval_by_regulation_b_is_no_adverse_action() -> None:
    keys = [part.key for part in disclosures(Rules.US, replace(DECLINED, decision="approve"))]
    assert keys == ["contact"]
    assert all(element.key for elements in ELEMENTS.values() for element in elements)


@pytest.mark.parametrize(
    ("wording", "catch_all"),
    [
        ("You did not reach our qualifying score.", True),
        ("Our internal standards.", True),
        ("Something you wrote, on none of the subjects that we can name.", True),
        ("Your income.", False),
        ("Your credit bureau score.", False),
    ],
)
def test_what_says_nothing_specific_is_no_reason(wording: str, catch_all: bool) -> None:
    assert is_catch_all(wording) is catch_all


@pytest.mark.parametrize("rules", [Rules.US, Rules.EU, Rules.CN])
def test_a_bureau_is_called_by_its_name(rules: Rules) -> None:
    shared = "The credit bureau"
    bureau = FULL.bureau("Example Bureau")
    with pytest.raises(ContractError, match=r'what is not given: bureaus."The credit bureau".name'):
        check_lender(rules, FULL.model_copy(update={"bureaus": {shared: bureau}}), shared)
    named = FULL.model_copy(update={"bureaus": {shared: bureau.model_copy(update={"name": "Example Bureau"})}})
    check_lender(rules, named, shared)
    assert (named.bureau_name(shared), named.bureau_name("Another")) == ("Example Bureau", "Another")
