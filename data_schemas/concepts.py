"""Subjects that applicants write about, and which of them a lender must not decide by."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from data_schemas.reasons import Reason


class Sensitive(StrEnum):
    """Kinds of private life that a lender must not decide by, though a narrative may mention them.

    The special categories of Article 9 GDPR, criminal convictions (Article 10), and what the US Equal Credit
    Opportunity Act adds: family and marital status, and income from public assistance.
    """

    HEALTH = "health"
    RELIGION = "religion"
    FAMILY = "family"
    ETHNICITY = "ethnicity"  # origin, nationality and immigration too
    POLITICS = "politics"
    SEXUALITY = "sexuality"
    UNION = "union"
    CRIMINAL_RECORD = "criminal_record"
    PUBLIC_ASSISTANCE = "public_assistance"


@dataclass(frozen=True)
class Concept:
    """A subject that applicants write about; it gives a sentence its name and its reason.

    Attributes:
        name: short, for an underwriter.
        statements: statements of that meaning, which the encoder compares with sentences (``says`` in the schema file).
        reason: given to the applicant.
        words: lower-case words of that kind wherever they stand whole; ``*`` at the end stands for any ending. Words of
            scripts without spaces, such as Chinese, are found inside others too.
        sensitive: the kind of private life that it belongs to, "" for none.
        ask: whether a letter may name it as what an application does not tell; not what nobody can show, and not what
            only says what a loan is for.
    """

    name: str
    statements: tuple[str, ...]
    reason: Reason
    words: tuple[str, ...] = ()
    sensitive: Sensitive | Literal[""] = ""
    ask: bool = True
