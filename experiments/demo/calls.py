"""What the call agents of the invented lender write down: sentences that say what no column says.

Made up for the demo, as ``experiments.demo.sentences`` is; a concept's weight is what its mention adds to the log-odds
of default, in whichever of an applicant's notes it stands.
"""

from __future__ import annotations

from experiments.demo.sentences import DemoConcept

CALL_CONCEPTS: tuple[DemoConcept, ...] = (
    DemoConcept(
        "hours cut",
        1.1,
        0.2,
        (
            "Caller mentioned that the firm has cut all hours since {season}.",
            "Says the employer is letting people go this {season}.",
            "Told me that the contract ends in {months} weeks and nothing new is signed.",
            "Shifts are down to two a week, according to the caller.",
        ),
    ),
    DemoConcept(
        "asks for delay",
        1.0,
        0.17,
        (
            "Asked whether the first instalment can wait until {season}.",
            "Wanted to know what happens if an instalment comes {months} weeks late.",
            "Would like a pause of {months} months before paying anything.",
            "Asked twice how soon a missed payment is reported.",
        ),
    ),
    DemoConcept(
        "turned down elsewhere",
        0.9,
        0.15,
        (
            "Mentioned that {lender} turned the same request down last week.",
            "Was refused by another bank in {season}, according to the caller.",
            "Has asked {months} other lenders and none agreed.",
            "Said we are the last hope after {lender} declined.",
        ),
    ),
    DemoConcept(
        "knows the figures",
        -0.9,
        0.28,
        (
            "Had all papers at hand and knew every figure by heart.",
            "Went through a budget with me line by line, {sum} are left each month.",
            "Very well prepared, every question was answered at once.",
            "Sent complete bank statements within the hour.",
        ),
    ),
    DemoConcept(
        "employer confirmed",
        -1.0,
        0.22,
        (
            "Employer confirmed a permanent post over the phone.",
            "Personnel office confirms {years} years of service without notice.",
            "Spoke to the manager, the post is safe for years.",
            "Salary slip checked with the employer, all correct.",
        ),
    ),
    DemoConcept(
        "guarantor",
        -0.8,
        0.15,
        (
            "{relative} joined the call and offers to stand as guarantor.",
            "{relative} would sign the loan as well.",
            "Guarantor with a house of their own {town} is willing to sign.",
        ),
    ),
)

CALL_SMALL_TALK: tuple[str, ...] = (
    "Called back as agreed.",
    "Left a message on the voicemail.",
    "Explained the form and the next steps.",
    "Sent the list of papers by email.",
    "The line was poor, will call again tomorrow.",
    "Friendly call, no open questions.",
    "Asked which branch {town} is open on Saturday.",
    "Corrected a typing error in the address.",
)

CALLS_AFTER_DEFAULT: tuple[str, ...] = (
    "Collections: the account is {months} weeks past due, no promise to pay.",
    "Loan charged off, handed over to the agency.",
)
CALLS_AFTER_REPAYMENT: tuple[str, ...] = (
    "Loan paid back in full, wished well.",
    "Asked for the letter that the loan is closed.",
)
"""Notes written long after the decision: they know the outcome, and only their dates keep them from the model."""
