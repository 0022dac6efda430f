"""Rule sets of letters: what the law of a place wants a letter to hold, and the check that it does.

What each element follows from stands in docs/letters.md. The facts are the law's, the sentences are ours; this is no
legal advice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from data_schemas.errors import ContractError
from experiments.explain.letters.lender import Bureau, Lender
from experiments.explain.request import Rules
from experiments.reporting.decision.applicant import ApplicantNotice, Disclosure, ScoreDisclosure
from experiments.reporting.language import Language, gettext_noop
from experiments.reporting.parts import Decision


@dataclass(frozen=True)
class LetterFacts:
    """What the paragraphs of a letter are made of.

    Attributes:
        score: The bureau score that was used, None where none was.
        bureau: Of the score.
        has_reasons: Whether the letter gives all its principal reasons itself.
    """

    lender: Lender
    decision: Decision
    score: ScoreDisclosure | None
    bureau: Bureau
    has_reasons: bool
    language: Language

    def fill(self, message: str) -> str:
        """A message in the letter's language, with what it says of lender and bureau."""
        lender, bureau = self.lender, self.bureau
        return self.language.gettext(message).format(
            lender=lender.name,
            address=lender.address,
            contact=lender.contact,
            agency=lender.agency,
            controller=lender.controller or lender.contact,
            authority=lender.authority,
            debt_advice=lender.debt_advice,
            bureau=self.score.agency if self.score else "",
            bureau_address=bureau.address,
            bureau_phone=bureau.phone,
        )


@dataclass(frozen=True)
class Element:
    """A part of a letter that a rule set wants.

    Attributes:
        key: Its name; one per rule set.
        title: Its heading.
        paragraphs: Messages; one that comes out empty is left out.
        needs: What of the lender must be known for it.
        applies: In which letters it stands.
    """

    key: str
    title: str
    paragraphs: tuple[str, ...]
    needs: tuple[str, ...] = ()
    applies: Callable[[LetterFacts], bool] = lambda _: True


def _declined(facts: LetterFacts) -> bool:
    return facts.decision == "decline"


def _scored(facts: LetterFacts) -> bool:
    return _declined(facts) and facts.score is not None


def _unexplained(facts: LetterFacts) -> bool:
    return _declined(facts) and not facts.has_reasons


def _automated(facts: LetterFacts) -> bool:
    return facts.decision != "refer"


ASK = gettext_noop("Name the number of your application when you write.")
CONTACT = gettext_noop("{contact}")

PLAIN = (
    Element(
        "rights_while_open",
        gettext_noop("Your right to ask"),
        (
            gettext_noop(
                "You may ask us how far we are, to speak with the person who decides, and for what we hold about you "
                "to be put right where it is wrong."
            ),
            ASK,
            CONTACT,
        ),
        applies=lambda facts: not _automated(facts),
    ),
    Element(
        "rights",
        gettext_noop("Your right to ask"),
        (
            gettext_noop(
                "You may ask us for a person to look at this decision, for more about it, and for what we hold about "
                "you to be put right where it is wrong."
            ),
            ASK,
            CONTACT,
        ),
        applies=_automated,
    ),
)

US = (
    Element(
        "statement_of_reasons",
        gettext_noop("Your right to a statement of reasons"),
        (
            gettext_noop(
                "You may ask us for a statement of the specific reasons for this decision "
                "within 60 days of this letter; "
                "we will send it within 30 days of your request. Write to: {lender}, {address}, {contact}"
            ),
        ),
        ("name", "address", "contact"),
        _unexplained,
    ),
    Element(
        "credit_report",
        gettext_noop("Your credit report"),
        (
            gettext_noop(
                "Our decision was based in whole or in part on information from a report by {bureau}, "
                "{bureau_address}, {bureau_phone}. {bureau} played no part in our decision and cannot tell you its "
                "reasons."
            ),
            gettext_noop(
                "We also used your credit score from {bureau} in taking the decision. It is "
                "a number that reflects the "
                "information in your credit report, and it can change as that information changes."
            ),
            gettext_noop(
                "You have a right to know what is in your credit report. Within 60 days of "
                "this letter you may have a "
                "free copy of it from {bureau}, and you may dispute with {bureau} whatever in it is inaccurate or "
                "incomplete."
            ),
        ),
        ("bureau_name", "bureau_address", "bureau_phone"),
        _scored,
    ),
    Element(
        "ecoa_notice",
        gettext_noop("Notice"),
        (
            gettext_noop(
                "The Federal Equal Credit Opportunity Act prohibits creditors from discriminating against credit "
                "applicants on the basis of race, color, religion, national origin, sex, "
                "marital status, age (provided "
                "the applicant has the capacity to enter into a binding contract); because all or part of the "
                "applicant's income derives from any public assistance program; or because the applicant has in good "
                "faith exercised any right under the Consumer Credit Protection Act. The Federal agency that "
                "administers compliance with this law concerning this creditor is {agency}."
            ),
        ),
        ("name", "address", "agency"),
        _declined,
    ),
    Element(
        "contact",
        gettext_noop("Your questions"),
        (gettext_noop("If you have any questions about this letter, ask us: {contact}"), ASK),
        ("contact",),
    ),
)

EU = (
    Element(
        "automated_decision",
        gettext_noop("How the decision was made"),
        (
            gettext_noop(
                "Your creditworthiness was assessed by automated processing of personal data: a statistical model "
                "compared your application with those of earlier applicants, whose repayment is known, and its "
                "estimate of the risk led to this decision. The reasons in this letter are what weighed most in that "
                "estimate."
            ),
        ),
        (),
        _automated,
    ),
    Element(
        "human_intervention",
        gettext_noop("Your rights"),
        (
            gettext_noop(
                "You have the right to have a person at our house look at the assessment and the decision: to get a "
                "clear and comprehensible explanation of the assessment, of its logic and "
                "risks, and of what it means "
                "for the decision; to express your own point of view; and to ask for a review of the assessment and "
                "of the decision, which is how you contest it."
            ),
            gettext_noop("To use any of these rights, write to {contact}. It costs nothing."),
            ASK,
        ),
        ("contact",),
        _automated,
    ),
    Element(
        "database",
        gettext_noop("Information from a credit bureau"),
        (
            gettext_noop(
                "We consulted the database of {bureau}, {bureau_address}. What it told us about you stands above."
            ),
        ),
        ("bureau_name", "bureau_address"),
        _scored,
    ),
    Element(
        "data_protection",
        gettext_noop("Your data"),
        (
            gettext_noop(
                "{lender}, {address}, is responsible for your data. You may ask for a copy "
                "of it, and for what is wrong "
                "to be put right: {controller}."
            ),
            gettext_noop("You may lodge a complaint with the supervisory authority: {authority}."),
        ),
        ("name", "address", "authority"),
    ),
    Element(
        "debt_advice",
        gettext_noop("Advice for debtors"),
        (gettext_noop("If debts weigh on you, you can get advice here: {debt_advice}."),),
        ("debt_advice",),
        _declined,
    ),
)

CN = (
    Element(
        "automated_decision",
        gettext_noop("How the decision was made"),
        (
            gettext_noop(
                "The decision was made by automated means from your personal information: a "
                "statistical model compared "
                "your application with those of earlier applicants. The reasons in this letter are what weighed most."
            ),
        ),
        (),
        _automated,
    ),
    Element(
        "explanation_and_refusal",
        gettext_noop("Your rights"),
        (
            gettext_noop(
                "Where this decision has a major influence on your rights and interests, "
                "you have the right to ask us "
                "to explain it, and the right to refuse that it be made by automated means alone. A person then "
                "decides anew."
            ),
            gettext_noop(
                "You may also consult and copy your personal information, and have us correct or complete it."
            ),
            gettext_noop("To use any of these rights, ask {lender}: {contact}"),
            ASK,
        ),
        ("name", "contact"),
    ),
    Element(
        "credit_reporting",
        gettext_noop("Information from a credit bureau"),
        (
            gettext_noop(
                "We used information from {bureau}. If you hold it to be wrong or incomplete, you may raise an "
                "objection with {bureau} or with us and ask for its correction."
            ),
        ),
        ("bureau_name",),
        _scored,
    ),
)

ELEMENTS: dict[Rules, tuple[Element, ...]] = {Rules.PLAIN: PLAIN, Rules.US: US, Rules.EU: EU, Rules.CN: CN}
KEYS = {
    "bureau_name": "bureaus.{bureau}.name",
    "bureau_address": "bureaus.{bureau}.address",
    "bureau_phone": "bureaus.{bureau}.phone",
}


def check_lender(rules: Rules, lender: Lender, agency: str) -> None:
    """Check before anything is written that the lender's data are what its rule set needs.

    Args:
        rules: The rule set.
        lender: The lender.
        agency: Whose score the model uses; "" for none.

    Raises:
        ContractError: naming what is missing, and where to write it.
    """
    bureau = lender.bureau(agency)
    known = {
        **lender.model_dump(),
        "bureau_name": lender.names_bureau(agency),
        "bureau_address": bureau.address,
        "bureau_phone": bureau.phone,
    }
    wanted = dict.fromkeys(
        need for element in ELEMENTS[rules] for need in element.needs if agency or not need.startswith("bureau_")
    )
    if missing := [KEYS.get(need, need).format(bureau=f'"{agency}"') for need in wanted if not known[need]]:
        raise ContractError(
            f"letters by the rules {rules.value!r} need of the lender what is not given: {', '.join(missing)}",
            "Write it into a TOML file and give that as --lender lender.toml (docs/letters.md has an example), or "
            "choose --rules plain.",
        )


def disclosures(rules: Rules, facts: LetterFacts) -> tuple[Disclosure, ...]:
    """The parts that a rule set adds to a letter."""
    return tuple(
        Disclosure(
            key=element.key,
            title=facts.language.gettext(element.title),
            paragraphs=tuple(filter(None, map(facts.fill, element.paragraphs))),
        )
        for element in ELEMENTS[rules]
        if element.applies(facts)
    )


def missing_elements(notice: ApplicantNotice, facts: LetterFacts, rules: Rules) -> list[str]:
    """What a rule set wants of a letter and the letter lacks, in words; it must not be sent so.

    A letter that is marked for a person may lack reasons, which the person gives.
    """
    return [*_missing_parts(notice, facts, rules), *_missing_reasons(notice)]


def _missing_parts(notice: ApplicantNotice, facts: LetterFacts, rules: Rules) -> Iterator[str]:
    found = {part.key: part for part in notice.disclosures}
    for element in ELEMENTS[rules]:
        if element.applies(facts) and not (element.key in found and found[element.key].paragraphs):
            yield element.key
    if rules is Rules.US and notice.decision == "decline":
        yield from (name for name, text in (("lender", notice.lender), ("address", notice.address)) if not text)
        if notice.score is not None and not notice.score.key_factors and not notice.needs_review:
            yield "key factors of the credit score"
        if notice.score is not None and notice.score.made_on is None and not notice.needs_review:
            yield "day of the credit score"


def _missing_reasons(notice: ApplicantNotice) -> Iterator[str]:
    if notice.decision == "decline" and not notice.reasons and not notice.needs_review:
        yield "principal reasons"


def check_letter(notice: ApplicantNotice, facts: LetterFacts, rules: Rules) -> None:
    """Refuse a letter that lacks what its rule set wants; raises ContractError naming it."""
    if missing := missing_elements(notice, facts, rules):
        raise ContractError(
            f"the letter to {notice.id!r} lacks what the rules {rules.value!r} want: {', '.join(missing)}",
            "Complete the lender's file, or choose other --rules.",
        )


CATCH_ALL = (
    "internal standard", "internal polic", "credit policy", "qualifying score", "did not score high enough",
    "none of the subjects", "other reasons", "various reasons", "our criteria",
)  # fmt: skip
"""What comment 9(b)(2) of Regulation B calls no sufficient reason, and what says nothing."""


def is_catch_all(wording: str) -> bool:
    """Whether the wording of a reason says nothing specific."""
    return any(phrase in wording.casefold() for phrase in CATCH_ALL)
