"""The answers to what applicants ask."""

from __future__ import annotations

from dataclasses import replace

from data_schemas.reader import load_schema
from experiments.explain.letters.answers import QUESTIONS, AnswerFacts, answers
from experiments.explain.letters.lender import LenderAnswers
from experiments.reporting.catalogues import language_of
from experiments.reporting.language import ENGLISH
from tests.support import example_reports
from tests.support.example_reports import LENDER

SCHEMA = load_schema("demo_sources")
FACTS = AnswerFacts(example_reports.notice(), SCHEMA, LENDER, ENGLISH, wrote=True, masked=False)


def answer(facts: AnswerFacts, key: str) -> str:
    return " ".join(next(one for one in answers(facts).answers if one.key == key).paragraphs)


def test_ten_questions_are_answered_in_both_languages() -> None:
    for facts in (FACTS, replace(FACTS, language=language_of("zh"))):
        found = answers(facts).answers
        assert [one.key for one in found] == [key for key, _, _ in QUESTIONS]
        assert len(found) == 10
        assert all(paragraph for one in found for paragraph in one.paragraphs)
    assert found[0].question == "为什么作出这样的决定？"


def test_why_are_the_letters_own_sentences() -> None:
    for reason in FACTS.notice.reasons:
        assert "".join(part.text for part in reason.sentence.passages) in answer(FACTS, "why")
    bare = FACTS.notice.model_copy(update={"reasons": ()})
    assert "A person is looking at this decision" in answer(replace(FACTS, notice=bare), "why")


def test_data_are_named_by_their_source() -> None:
    text = answer(FACTS, "data")
    assert "From your application: Amount requested; " in text
    assert "What you wrote about the loan; The job you named." in text
    assert "From Credit bureau accounts: Accounts that the bureau reports; " in text
    assert "Sex" not in text


def test_only_the_lender_knows_how_long_it_keeps_data() -> None:
    assert answer(FACTS, "kept") == f"Ask us: {LENDER.contact}"
    lender = LENDER.model_copy(update={"answers": LenderAnswers(retention="Five years."), "contact": ""})
    assert answer(replace(FACTS, lender=lender), "kept") == "Five years."
    assert "Ask the lender whose name stands on your letter." in answer(replace(FACTS, lender=lender), "final")


def test_protected_attributes_are_named_as_kept_apart() -> None:
    text = answer(FACTS, "protected")
    assert text.startswith("No. We keep these beside your application for tests of fairness alone")
    assert "Sex; Age" in text
    assert "What you write yourself" in text
    assert "What you write yourself" not in answer(replace(FACTS, wrote=False), "protected")


def test_the_bureaus_score_is_not_the_lenders() -> None:
    demo = replace(FACTS, schema=load_schema("demo"))
    assert "the score of Example Credit Bureau was one part of it" in answer(demo, "score")
    assert "Your score there was 614, on a range from 300 to 850." in answer(demo, "score")
    unmarked = tuple(replace(field, bureau_score=None) for field in demo.schema.fields)
    unscored = replace(FACTS, schema=replace(demo.schema, fields=unmarked))
    assert answer(unscored, "score") == "No. We computed an estimate of our own. No credit bureau knows it."


def test_what_would_help_is_that_of_the_letter() -> None:
    text = answer(FACTS, "help")
    assert "Amount requested: $9,500 instead of $18,500" in text
    none = FACTS.notice.model_copy(update={"suggestions": ()})
    assert "We found no single change" in answer(replace(FACTS, notice=none), "help")


def test_a_referral_and_an_approval_have_answers_of_their_own() -> None:
    open_ = FACTS.notice.model_copy(update={"decision": "refer", "reasons": (), "suggestions": ()})
    assert "Nothing is decided yet" in answer(replace(FACTS, notice=open_), "why")
    assert "A person decides." in answer(replace(FACTS, notice=open_), "who")
    approved = FACTS.notice.model_copy(update={"decision": "approve", "reasons": (), "suggestions": ()})
    assert "is approved" in answer(replace(FACTS, notice=approved), "why")
