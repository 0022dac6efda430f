"""What applicants are given as the reason of a decision."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reason:
    """The reason that is given to an applicant for a column, or for something that they wrote.

    Attributes:
        code: short stable code, for example ``"DTI"``.
        wording: short, for the applicant.
        disclosable: whether it may be given as a principal reason.
        worded: whether the schema words it; else ``wording`` names the column for whoever works with the model, and
            no applicant may be given it.
        low: a letter's sentence where the value lies below that of most approved applicants, with ``{value}`` for it
            or ``{number}`` for it without its unit; "" where the schema has none, as of the others.
        high: where it lies above.
        missing: where there is none.
        recorded: of a concept, its wording where a record speaks of it.
    """

    code: str
    wording: str
    disclosable: bool = True
    worded: bool = True
    low: str = ""
    high: str = ""
    missing: str = ""
    recorded: str = ""
