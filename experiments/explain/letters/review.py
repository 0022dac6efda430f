"""Why a letter of decline is for a person before it is sent, each cause with what mends it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from data_schemas.fields import FieldType
from data_schemas.reasons import Reason
from experiments.explain.cases import Case
from experiments.explain.facts import Ground
from experiments.explain.letters.bureau_score import disclosed_score
from experiments.explain.letters.lender import Lender
from experiments.explain.letters.rules import is_catch_all
from experiments.explain.request import Rules
from experiments.explain.sentences import is_code_of, reason_sentence
from experiments.reporting.language import ENGLISH, Language, gettext_noop
from experiments.reporting.parts import Decision
from features.inference.reason_wordings import names_bureau_score

NO_REASON = gettext_noop("Nothing takes points that could be named as a reason: say why it is declined.")
PRIVATE = gettext_noop("A reason rests on words about private life: look whether they may count.")
UNCLEAR = gettext_noop("A reason rests on words that cannot be quoted and match no concept: say what they are about.")
ONLY_UNNAMED = gettext_noop(
    "The only grounds are words that match no concept: say why they weighed, or give the schema a concept for them."
)
UNNAMED = gettext_noop(
    "A reason quotes words that match no concept: say what in them weighed, or give the schema a concept for them."
)
HIDDEN = gettext_noop("The reason {name} may not be disclosed (`disclosable` in the schema).")
CATCH_ALL = gettext_noop("The wording of {name} says nothing specific: word it anew in the schema.")
NO_WORDING = gettext_noop("The schema words no reason for {name}, and its title is no words: add a `reason`.")
CODE = gettext_noop("The value of {name} is a code without a label: say in `labels` of the schema what it means.")
SCORE = gettext_noop(
    "{name} looks like a credit bureau's score: mark it with `bureau_score` in the schema, or say `false` there "
    "if it is none."
)
KEY_FACTORS = gettext_noop("The key factors of the bureau's score are missing: add `key_factors` to the lender's file.")
SCORE_DAY = gettext_noop(
    "The day of the bureau's score is not known: name its date column (`dated` of `bureau_score`) in the schema, and "
    "fill it."
)


@dataclass(frozen=True)
class Cause:
    """Why a letter is for a person.

    Attributes:
        message: What is wrong, and what mends it.
        name: The column or reason code that stands in its braces; "" where it names none.
    """

    message: str
    name: str = ""

    def in_words(self, language: Language) -> str:
        """The cause as a letter's note says it."""
        return language.gettext(self.message).format(name=self.name)


def review_causes(
    case: Case, decision: Decision, grounds: Sequence[Ground], rules: Rules, lender: Lender
) -> tuple[Cause, ...]:
    """Why a person must look before a declined applicant is given the reasons; none where nobody has to."""
    if decision != "decline":
        return ()
    pairs = [(reason, behind) for (reason, _), behind in zip(case.reasons, grounds, strict=True)]
    found = [cause for reason, behind in pairs for cause in reason_causes(reason, behind)]
    if not pairs:
        found.append(Cause(NO_REASON))
    elif all(behind.column is None and not behind.named for _, behind in pairs):
        found.append(Cause(ONLY_UNNAMED))
    elif rules is Rules.US and any(_only_quotes(behind) for _, behind in pairs):
        found.append(Cause(UNNAMED))
    if rules is Rules.US:
        found += _score_causes(case, lender)
    return tuple(dict.fromkeys(found))


def reason_causes(reason: Reason, ground: Ground) -> Iterator[Cause]:
    """What of a reason and what stands behind it needs a person."""
    if not reason.disclosable:
        yield Cause(HIDDEN, reason.code)
    if ground.sensitive:
        yield Cause(PRIVATE)
    if ground.sentence is not None and not ground.named and not ground.quotable:
        yield Cause(UNCLEAR)
    if ground.column is not None and is_code_of(ground.column):
        yield Cause(CODE, ground.column_name)
    elif reason_sentence(reason, ground, ENGLISH) is None:
        yield Cause(NO_WORDING, ground.column_name or reason.code)
    if is_catch_all(reason.wording):
        yield Cause(CATCH_ALL, reason.code)


def _only_quotes(ground: Ground) -> bool:
    """Whether a reason is a quote alone, which shows the words that weighed and not what they are about."""
    return ground.column is None and not ground.named and ground.quotable


def _score_causes(case: Case, lender: Lender) -> Iterator[Cause]:
    """What of a bureau's score the law wants disclosed and nothing tells, whether or not it is a principal reason."""
    schema, frame = case.application.schema, case.application.frame
    if schema.bureau_score is None:
        for field in schema.features:
            number = field.type in (FieldType.NUMBER, FieldType.INTEGER) and not pd.isna(frame[field.name].iloc[0])
            if number and not field.no_bureau_score and names_bureau_score(field.name, field.title):
                yield Cause(SCORE, field.name)
    elif (score := disclosed_score(case, lender)) is not None:
        if not score.key_factors:
            yield Cause(KEY_FACTORS)
        if score.made_on is None:
            yield Cause(SCORE_DAY)
