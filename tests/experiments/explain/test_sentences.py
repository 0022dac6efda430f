"""The sentences of a letter that give reasons."""

from __future__ import annotations

from dataclasses import replace

import pytest

from data_schemas.reasons import Reason
from experiments.explain.approved import Side
from experiments.explain.drafted import drafted_wording, readable
from experiments.explain.facts import Ground
from experiments.explain.letters.review import CODE, NO_WORDING, UNCLEAR, Cause, reason_causes
from experiments.explain.sentences import reason_sentence
from experiments.reporting.language import ENGLISH
from experiments.reporting.parts import Fact, MarkedText

SCORE = Fact(title="Credit bureau score", value=614.0, unit="points")
WORDED = Reason(
    "CREDIT_SCORE",
    "Your credit bureau score.",
    low="Your credit score of {number} is below what most approved applicants have.",
    missing="No credit score of yours was found.",
)
LENDERS = Reason(
    "TEXT_SEVERAL_LENDERS", "What you wrote about other loans or lenders weighed against your application."
)
WRITTEN = Fact(title="Statement", value="I pay back one payday loan with another.")


def text(sentence: MarkedText | None) -> str | None:
    return None if sentence is None else "".join(part.text for part in sentence.passages)


def of(reason: Reason, ground: Ground) -> str | None:
    return text(reason_sentence(reason, ground, ENGLISH))


def test_the_applicants_value_stands_beside_those_of_most_approved_applicants() -> None:
    below = Ground(SCORE, None, False, side=Side.BELOW)
    assert of(WORDED, below) == "Your credit score of 614 is below what most approved applicants have."
    plain = replace(WORDED, low="")
    generic = "Your credit bureau score: 614 points, which is below what most approved applicants have."
    assert of(plain, below) == generic
    assert of(plain, replace(below, side=Side.NONE)) == "Your credit bureau score: 614 points."


def test_own_values_and_words_are_marked() -> None:
    sentence = reason_sentence(LENDERS, Ground(SCORE, WRITTEN, False, side=Side.ABOVE), ENGLISH)
    assert sentence is not None
    assert [part.text for part in sentence.passages if part.marked] == ["614 points", WRITTEN.value]


def test_what_is_missing_is_called_so() -> None:
    absent = SCORE.model_copy(update={"value": None})
    assert of(WORDED, Ground(absent, None, False)) == "No credit score of yours was found."
    assert of(replace(WORDED, missing=""), Ground(absent, None, False)) == "Your credit bureau score: not given."


@pytest.mark.parametrize("level", ["A14", "3", "1.0", "E", "Kat7"])
def test_a_level_that_is_a_code_is_left_to_a_person(level: str) -> None:
    ground = Ground(Fact(title="Checking account", value=level), None, False, side=Side.RARER, column_name="checking")
    assert of(WORDED, ground) is None
    assert list(reason_causes(WORDED, ground)) == [Cause(CODE, "checking")]


@pytest.mark.parametrize("level", ["CA", "N", "2016", "10+ years", "own"])
def test_a_level_that_people_read_stands_in_a_letter(level: str) -> None:
    assert f": {level}," in str(of(WORDED, Ground(Fact(title="x", value=level), None, False, side=Side.RARER)))


def test_a_level_reads_as_words() -> None:
    purpose = Fact(title="Purpose of the loan", value="small_business")
    reason = Reason("PURPOSE", "The purpose of the loan.")
    expected = "The purpose of the loan: small business, which is rarer among approved applicants than among all."
    assert of(reason, Ground(purpose, None, False, side=Side.RARER)) == expected


def test_what_was_written_is_quoted_and_named() -> None:
    quoted = of(LENDERS, Ground(None, WRITTEN, False))
    assert quoted == f"You wrote: “{WRITTEN.value}” {LENDERS.wording}"


@pytest.mark.parametrize(
    ("words", "quoted"),
    [("Consolidation", "“Consolidation”. What"), ("Help!", "“Help!” What"), ("a (b.)", "“a (b.)” What")],
)
def test_a_quote_without_an_end_gets_one(words: str, quoted: str) -> None:
    ground = Ground(None, WRITTEN.model_copy(update={"value": words}), False)
    assert f"You wrote: {quoted} you wrote about other loans" in str(of(LENDERS, ground))


def test_a_label_stands_behind_what_it_is() -> None:
    job = Fact(title="Job title", value="gig driver")
    reason = Reason("JOB_TITLE", "The job you named.")
    assert of(reason, Ground(None, job, False, label=True)) == "The job you named: “gig driver”."
    assert of(reason, Ground(None, job, True, label=True)) == "The job you named."


def test_what_a_record_notes_was_not_written_by_the_applicant() -> None:
    noted = Reason("X", "From our notes on your calls: What a note says about other loans weighed against you.")
    place = WRITTEN.model_copy(update={"title": "Notes on calls, 3 May 2024"})
    found = of(noted, Ground(None, place, False, recorded=True))
    assert found is not None
    assert found.startswith("A note about you says: “I pay back one payday loan with another.” (Notes on calls, 3 May")
    assert "ou wrote" not in found


def test_what_is_private_and_what_is_joined_is_not_quoted() -> None:
    for ground in (Ground(None, WRITTEN, True), Ground(None, WRITTEN, False, joined=True)):
        assert of(LENDERS, ground) == LENDERS.wording


def test_a_sentence_on_no_subject_is_quoted_or_left_to_a_person() -> None:
    statement = Reason("STATEMENT", "What you wrote about the loan.")
    ground = Ground(None, WRITTEN, False, named=False)
    quoted = of(statement, ground)
    assert quoted is not None
    assert quoted.startswith("You wrote: “I pay back one payday loan with another.” This weighed against")
    assert not list(reason_causes(statement, ground))
    joined = replace(ground, joined=True)
    assert of(statement, joined) == (
        "What you wrote about the loan. One of us will tell you which part of it weighed against your application, "
        "and why."
    )
    assert list(reason_causes(statement, joined)) == [Cause(UNCLEAR)]


def test_a_column_without_wording_is_named_by_its_title_or_left_to_a_person() -> None:
    def drafted(title: str) -> str | None:
        reason = Reason("COLUMN_3", f"[no wording] {title}", worded=False)
        return of(reason, Ground(Fact(title=title, value=3.0), None, False, side=Side.ABOVE))

    above = "3, which is above what most approved applicants have."
    assert drafted("Number of cars") == f"“Number of cars” in your application: {above}"
    assert drafted("numCollaborators") == f"“number of collaborators” in your application: {above}"
    assert drafted("FICO") == f"Your credit bureau score: {above}"
    assert drafted("PercentTradesNeverDelq") == f"“percent trades never delq” in your application: {above}"
    assert drafted("Duration") == f"“duration” in your application: {above}"
    assert drafted("Loan term months") == f"The length of the term you asked for: {above}"
    assert drafted("1. En.") is None
    unreadable = Reason("COLUMN_5", "[no wording] V12", worded=False)
    ground = Ground(Fact(title="V12", value=3.0), None, False, column_name="v12")
    assert list(reason_causes(unreadable, ground)) == [Cause(NO_WORDING, "v12")]
    assert of(Reason("COLUMN_4", "[no wording] A14", worded=False), Ground(None, WRITTEN, False)) is None


@pytest.mark.parametrize("title", ["1. En.", "A14", "x_3", "", "V", "n", "q7 zz", "KRTZ BRX", "MSinceMostRecentInq"])
def test_titles_that_are_no_words(title: str) -> None:
    assert readable(title) == ""


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("Monthly debt payments", "Monthly debt payments"),
        ("present_residence_since", "present residence since"),
        ("贷款期限", "贷款期限"),
        ("Zahl der Konten", "Zahl der Konten"),
        ("n_people", "number of people"),
    ],
)
def test_titles_that_are_words(title: str, words: str) -> None:
    assert readable(title) == words
    assert drafted_wording(title, ENGLISH)
