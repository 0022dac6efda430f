"""Sentences of the invented applicants: what the demo's narratives say, and what each thing said does to the risk.

Everything here is made up for the demo. A sentence belongs to one concept; a concept's weight is what mentioning it
adds to the log-odds of default, however it is worded. Small talk weighs nothing. ``{...}`` is filled from ``FILLERS``.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from string import Formatter


@dataclass(frozen=True)
class DemoConcept:
    """Something an applicant may mention. weight: added log-odds of default. share: of the written narratives."""

    name: str
    weight: float
    share: float
    templates: tuple[str, ...]


FILLERS: dict[str, tuple[str, ...]] = {
    "lender": ("a payday lender", "two store cards", "an online lender", "three credit cards", "a title loan company"),
    "rate": ("27%", "29.9%", "31 percent", "24 %"),
    "person": ("my daughter", "my husband", "my mother", "my son", "my wife", "my father"),
    "years": ("six", "eight", "eleven", "fourteen", "nine"),
    "sum": ("$250", "$400", "$320", "$600", "$180"),
    "months": ("four", "six", "nine", "twelve"),
    "season": ("winter", "summer", "spring", "autumn"),
    "thing": ("the kitchen", "the roof", "our bathroom", "the heating", "the back porch"),
    "relative": ("A brother", "The father", "An aunt", "The sister", "A cousin"),
    "town": ("downtown", "in the valley", "near the lake", "on the east side"),
}

CONCEPTS: tuple[DemoConcept, ...] = (
    DemoConcept(
        "expensive debt",
        0.7,
        0.28,
        (
            "I already owe {lender} at {rate} and can hardly keep up.",
            "Most of my pay goes to {lender}, the interest is {rate}.",
            "The balance with {lender} keeps growing because of the {rate} interest.",
            "I want to get rid of {lender}, they charge me {rate}.",
            "Interest of {rate} is eating me alive.",
            "I borrowed from {lender} to pay back another loan.",
        ),
    ),
    DemoConcept(
        "irregular income",
        1.05,
        0.2,
        (
            "My hours change from week to week and some weeks there is no work at all.",
            "I live on tips and commission, so no two months are alike.",
            "Work dries up every {season} and I have to wait for calls.",
            "I am between contracts at the moment but expect something soon.",
            "Customers pay me late, sometimes {months} weeks late.",
            "They cut my shifts this {season}.",
            "I do odd jobs and get paid in cash when there is something to do.",
        ),
    ),
    DemoConcept(
        "medical cost",
        0.75,
        0.16,
        (
            "The hospital bills for {person} are piling up.",
            "{person} needs surgery and the insurance will not pay for it.",
            "After my accident I was off work for {months} weeks and the doctors still send invoices.",
            "We are paying for the treatment of {person} out of pocket.",
            "Prescriptions for {person} cost us {sum} every month.",
        ),
    ),
    DemoConcept(
        "missed payments",
        1.1,
        0.13,
        (
            "I fell behind on a few bills last {season}.",
            "A collection agency has been calling me about an old account.",
            "I have been late with the rent twice since {season}.",
            "My last loan went to collections, which I regret.",
            "The electric company threatened to shut us off this {season}.",
            "I skipped a couple of payments when things were tight.",
        ),
    ),
    DemoConcept(
        "steady job",
        -0.75,
        0.3,
        (
            "I have worked for the same employer for {years} years.",
            "My position is permanent and the firm is doing well.",
            "I am a tenured employee with {years} years of service.",
            "I get the same salary on the first of every month.",
            "After {years} years at the county office my job is as safe as it gets.",
            "I have never been out of work since school.",
        ),
    ),
    DemoConcept(
        "repayment plan",
        -0.85,
        0.25,
        (
            "I have made a budget and can set aside {sum} a month for this loan.",
            "The instalment is {sum} below what I pay today, and I will put the difference on top.",
            "Payments will come by automatic transfer on payday.",
            "I plan to pay the loan off within {months} months of getting my bonus.",
            "I worked out every instalment in a spreadsheet before applying.",
            "My car will be paid off in {months} months and that money then goes to you.",
        ),
    ),
    DemoConcept(
        "savings",
        -0.95,
        0.18,
        (
            "We keep half a year of expenses in a savings account.",
            "I could cover {months} instalments from my savings if I had to.",
            "There is an emergency fund that I do not want to touch for this.",
            "I hold shares worth more than the amount I am asking for.",
            "I put {sum} into savings every month.",
        ),
    ),
    DemoConcept(
        "second income",
        -0.55,
        0.18,
        (
            "My partner works full time too and we share all costs.",
            "We are two earners and no children at home.",
            "{person} contributes a salary to the household as well.",
            "I also receive rent of {sum} a week from a flat that we let.",
            "My spouse is a nurse and brings home a second pay cheque.",
        ),
    ),
)

SMALL_TALK: tuple[str, ...] = (
    "Thank you for taking the time to read this.",
    "Hello and thanks for considering my request.",
    "I would like to redo {thing} before {season}.",
    "A friend told me about your company.",
    "We moved to a house {town} last {season}.",
    "The loan would help us a great deal.",
    "Please let me know if you need any more papers.",
    "I want to put all of it into one loan.",
    "My dog says hello.",
    "I grew up here and plan to stay.",
    "This is for {thing}, as discussed with your clerk {town}.",
    "I filled in the form as well as I could.",
    "I would be glad to answer questions by phone.",
    "We are looking forward to {season}.",
    "{person} and I picked the offer that suits us.",
    "Best regards and have a nice day.",
)

STEADY_TITLES: tuple[str, ...] = (
    "registered nurse",
    "teacher",
    "accountant",
    "police officer",
    "electrician",
    "county clerk",
    "software engineer",
    "bus driver",
    "dental assistant",
    "office manager",
    "warehouse supervisor",
    "librarian",
    "machinist",
    "sales manager",
    "pharmacy technician",
)
CASUAL_TITLES: tuple[str, ...] = (
    "seasonal farm worker",
    "freelance photographer",
    "temp at an agency",
    "part time bartender",
    "delivery rider",
    "day labourer",
    "substitute server",
    "gig driver",
)
CASUAL_TITLE_WEIGHT = 0.6
"""Added log-odds of default for a job title that says the work is casual."""


def fillings(template: str) -> list[str]:
    """The template with every combination of its fillers."""
    slots = [name for _, name, _, _ in Formatter().parse(template) if name]
    combinations = product(*(FILLERS[name] for name in slots))
    sentences = [template.format_map(dict(zip(slots, values, strict=True))) for values in combinations]
    return [sentence[0].upper() + sentence[1:] for sentence in sentences]
