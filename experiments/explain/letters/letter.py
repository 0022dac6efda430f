"""The letter to an applicant: its reasons as sentences, and what its rule set wants beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from experiments.explain.cases import Case
from experiments.explain.facts import Ground
from experiments.explain.letters.bureau_score import disclosed_score
from experiments.explain.letters.lender import Bureau, Lender
from experiments.explain.letters.review import review_causes
from experiments.explain.letters.rules import LetterFacts, check_letter, disclosures, is_catch_all
from experiments.explain.request import Rules
from experiments.explain.sentences import reason_sentence
from experiments.reporting.decision.applicant import ApplicantNotice, PlainReason, Suggestion
from experiments.reporting.language import Language
from experiments.reporting.parts import Decision

MOST_REASONS = 4  # Regulation B, comment 9(b)(2)-1: more than four are not likely to help


@dataclass(frozen=True)
class LetterHead:
    """What all letters of a run share.

    Attributes:
        approval_reasons: Whether letters of approval name what counted against the applicant.
    """

    made_on: date
    lender: Lender
    language: Language
    rules: Rules
    approval_reasons: bool = False


def letter(
    head: LetterHead,
    case: Case,
    decision: Decision,
    grounds: Sequence[Ground],
    suggestions: tuple[Suggestion, ...],
    needed: tuple[str, ...],
) -> ApplicantNotice:
    """The letter. A sentence about private life is never quoted in it.

    Args:
        head: Of all letters.
        case: The application.
        decision: What was decided of it.
        grounds: What stands behind each of its reasons.
        suggestions: What would have changed the decision.
        needed: What of a referred application is not clear or not there.

    Raises:
        ContractError: where it would lack what its rule set wants.
    """
    language, schema = head.language, case.application.schema
    reasons = _reasons(head, case, decision, grounds)
    score = disclosed_score(case, head.lender) if decision == "decline" else None
    causes = review_causes(case, decision, grounds, head.rules, head.lender)
    marked = schema.bureau_score
    bureau = head.lender.bureau(marked.bureau_score.agency) if marked and marked.bureau_score else Bureau()
    facts = LetterFacts(head.lender, decision, score, bureau, bool(reasons) and not causes, language)
    notice = ApplicantNotice(
        id=case.id,
        product=language.gettext(schema.title),
        made_on=head.made_on,
        lender=head.lender.name,
        address=head.lender.address,
        contact=head.lender.contact,
        language=language.code,
        rules=head.rules.value,
        decision=decision,
        reasons=reasons,
        suggestions=suggestions,
        not_mentioned=tuple(language.gettext(one.name) for one in case.not_mentioned) if decision == "decline" else (),
        needed=needed,
        score=score,
        disclosures=disclosures(head.rules, facts),
        needs_review=bool(causes),
        review_causes=tuple(cause.in_words(language) for cause in causes),
    )
    check_letter(notice, facts, head.rules)
    return notice


def _reasons(head: LetterHead, case: Case, decision: Decision, grounds: Sequence[Ground]) -> tuple[PlainReason, ...]:
    if decision == "refer" or (decision == "approve" and not head.approval_reasons):
        return ()
    found = []
    for (reason, _), behind in zip(case.reasons, grounds, strict=True):
        sentence = reason_sentence(reason, behind, head.language)
        if reason.disclosable and sentence is not None and not is_catch_all(reason.wording):
            found.append(PlainReason(wording=head.language.composed(reason.wording), sentence=sentence))
    return tuple(found[:MOST_REASONS])
