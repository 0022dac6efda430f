"""What the name of a column, or of an outcome, suggests. Hints for ``features.inference.draft``, nothing firmer."""

from __future__ import annotations

import re

_HINTS = {
    "target": r"status|outcome|target|label|default|defaulted|bad|good bad|bad flag|performance|class|repaid|y",
    "bad": r"charged off|chargeoff|charge off|defaulted|default|bad|written off|write off|loss|bankrupt|unpaid|"
    r"not paid|non performing|failed|insolvent",
    "good": r"fully paid|paid|repaid|good|performing|current|closed|settled",
    "id": r"id|ids|key|number|no|nr|ref|reference|uuid|guid|code",
    "decision": r"applied|application|apply|decision|decided|issue|issued|origination|originated|orig|booked|booking|"
    r"granted|submitted|request|requested|disbursed",
    "other_date": r"last|next|first|earliest|oldest|birth|born|dob|payment|pymnt|closed|end|maturity|due|pull",
    "later": r"pymnt|pymnts|payment received|payments received|total paid|amount paid|total payment|last payment|"
    r"recovery|recoveries|recovered|total rec|late fee|late fees|written off|write off|writeoff|charge off date|"
    r"settlement|hardship|out prncp|outstanding principal|last fico|last credit pull|collection fee|days past due|dpd|"
    r"default date|closed date|repaid|lgd|ead",
    "lender": r"grade|sub grade|int rate|interest|interest rate|apr|installment|instalment|funded|approved|granted|"
    r"approval|risk band|risk class|margin|price",
    "protected": r"sex|gender|age|age band|age group|race|ethnic|ethnicity|religion|marital|marital status|married|"
    r"nationality|citizenship|citizen|foreign|foreigner|birth|birthday|born|dob|disability|disabled|pregnant",
    "group": r"(customer|client|member|applicant|borrower|person|household|party) (id|no|nr|number|key|ref)",
    "place": r"zip|zipcode|zip code|postcode|postal|post code|plz|latitude|longitude|address|street",
}
_PATTERNS = {kind: re.compile(rf"(?:^| )(?:{words})(?: |$)") for kind, words in _HINTS.items()}
_JOINTS = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])")


def words_of(name: str) -> list[str]:
    """The words in a name, in lower case: of ``loanStatus_2`` loan, status, 2."""
    return [word.lower() for word in _JOINTS.split(name) if word]


def hints(name: str, kind: str) -> bool:
    """Whether a name suggests that kind; whole words count, so ``age`` is not seen in ``mortgage``.

    Raises KeyError for an unknown kind.
    """
    pattern = _PATTERNS[kind]
    return pattern.search(" ".join(words_of(name))) is not None
