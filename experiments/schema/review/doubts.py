"""What is to be decided about a column: its note, and where its cells do not look like what the schema says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from data_schemas.contract import Schema
from data_schemas.dates import alternatives
from data_schemas.fields import Field, FieldType, Role
from data_schemas.unfinished import Unfinished, unlabelled
from experiments.reporting.language import gettext
from experiments.reporting.words import listed, number, percent
from experiments.schema.review.content import Doubt
from features.inference.leakage import MAX_AUC
from features.inference.profile import ColumnProfile
from features.inference.reason_wordings import SCORE_NOTE, names_bureau_score
from features.inference.roles import LEAK, SUSPECT

SELDOM = 0.95  # missing share from which a column says little
_NUMBERS = (FieldType.INTEGER, FieldType.NUMBER)


@dataclass(frozen=True)
class Evidence:
    """What is known of a column.

    Attributes:
        field: what the schema says of it.
        column: what its cells look like; what the schema takes for missing is empty there.
        note: the note of ``schema infer``, "" where there is none.
        strength: AUC with which it alone ranks the outcomes; None where that is not known.
    """

    field: Field
    column: ColumnProfile
    note: str
    strength: float | None


def doubts(found: Evidence, schema: Schema, open_points: Unfinished) -> tuple[Doubt, ...]:
    """What to decide about a column, the gravest first."""
    every = [
        *_of_leaks(found),
        *_of_role(found, schema),
        *_of_form(found),
        *_of_gaps(found),
        *_of_words(found.field, open_points),
        *_of_letters(found.field),
    ]
    order = ("alarm", "concern", "note", "good")
    return tuple(sorted(every, key=lambda doubt: order.index(doubt.grade)))


def _of_leaks(found: Evidence) -> Iterator[Doubt]:
    strength = found.strength or 0.0
    if LEAK in found.note:
        reason = _sentence(why(found.note).removeprefix(LEAK).strip())
        if found.field.role is Role.IGNORED:
            yield Doubt(
                grade="note",
                words=gettext("Left out. {reason} Make it a feature only if it is known at the decision.").format(
                    reason=reason
                ),
            )
        else:
            yield Doubt(
                grade="concern",
                words=gettext("Is it known on the day of the decision? {reason} If not, leave it out.").format(
                    reason=reason
                ),
            )
    elif found.field.role is Role.FEATURE and strength >= MAX_AUC:
        yield Doubt(
            grade="alarm",
            words=gettext(
                "Is it known on the day of the decision? Alone it ranks the outcomes with an AUC of {auc}, which "
                "hardly any honest column does."
            ).format(auc=number(strength, 2)),
        )
    elif _is_suspect(found):
        reason = _sentence(why(found.note).removeprefix(SUSPECT).partition(": ")[0].strip())
        yield Doubt(
            grade="concern",
            words=gettext(
                "Is it known on the day of the decision, in this form? {reason} If not, leave it out."
            ).format(reason=reason),
        )


def _is_suspect(found: Evidence) -> bool:
    """Whether an input is marked as predicting the outcome very well alone."""
    return SUSPECT in found.note and found.field.role in (Role.FEATURE, Role.NARRATIVE)


def _of_role(found: Evidence, schema: Schema) -> Iterator[Doubt]:
    field = found.field
    if not found.note or LEAK in found.note or _is_suspect(found):
        return
    match field.role:
        case Role.TARGET:
            bad, good = (listed([repr(cell) for cell in cells], 8) for cells in (schema.bad_values, schema.good_values))
            if schema.bad_if is not None:
                bad, good = str(schema.bad_if), str(schema.bad_if.opposite)
            question = (
                gettext(
                    "Is this the outcome, bad where it is {bad}, good where it is {good}? The wrong way round, a model "
                    "ranks upside down."
                )
                if good
                else gettext(
                    "Is this the outcome, bad where it is {bad}? The wrong way round, a model ranks upside down."
                )
            )
            yield Doubt(grade="concern", words=question.format(bad=bad or gettext("(nothing yet)"), good=good))
        case Role.DECISION_DATE:
            words = gettext(
                "Is this the day on which the lender decides? Rows are ordered by it, and spans are counted to it."
            )
            yield Doubt(grade="concern", words=words)
        case Role.ID:
            yield Doubt(grade="note", words=gettext("Does it name one application each?"))
        case Role.GROUP:
            yield Doubt(grade="note", words=gettext("Does it name the applicant, so that folds never split one?"))
        case Role.PROTECTED:
            yield Doubt(
                grade="note", words=gettext("Is it a trait that nobody may be judged by? It never enters the model.")
            )
        case Role.IGNORED:
            yield Doubt(
                grade="note",
                words=gettext("Shall the model do without it? {reason}").format(reason=_sentence(why(found.note))),
            )
        case _:
            words = (
                gettext("Is it a text that the applicant wrote?")
                if field.role is Role.NARRATIVE
                else gettext("Is it known on the day of the decision?")
            )
            yield Doubt(grade="note", words=words)


def _of_form(found: Evidence) -> Iterator[Doubt]:
    field, column = found.field, found.column
    if field.role is Role.IGNORED:
        return
    others = [form for form in alternatives(column.format) if form != field.date_format]
    if field.type is FieldType.DATE and column.type is FieldType.DATE and others:
        yield Doubt(
            grade="concern",
            words=gettext("Is a date written as {form}? Every cell would also fit {others}.").format(
                form=field.date_format, others=listed(others)
            ),
        )
    if column.notation.question and field.type in _NUMBERS:
        yield Doubt(grade="concern", words=_sentence(column.notation.question))
    if column.n_present and field.type is FieldType.DATE and column.type is not FieldType.DATE:
        yield Doubt(grade="alarm", words=gettext("The schema says that it is a date, and most cells are none."))
    if column.n_present and field.type in _NUMBERS and column.type is FieldType.STRING:
        yield Doubt(grade="alarm", words=gettext("The schema says that it is a number, and many cells are none."))
    if column.missing_codes and field.type is not FieldType.STRING:
        yield Doubt(
            grade="concern",
            words=gettext(
                "Does {codes} mean that a value is missing? The schema takes it for a value: name it in missingValues."
            ).format(codes=listed([repr(code) for code in column.missing_codes], 8)),
        )


def _of_gaps(found: Evidence) -> Iterator[Doubt]:
    field, column = found.field, found.column
    if field.role not in (Role.FEATURE, Role.NARRATIVE):
        return
    share = 1 - column.n_present / max(len(column.places), 1)
    if not column.n_present:
        yield Doubt(grade="concern", words=gettext("It is empty in every row: mend the export, or leave it out."))
    elif len(column.levels) == 1 and not share:
        yield Doubt(grade="concern", words=gettext("It has one and the same value in every row: it says nothing."))
    elif share >= SELDOM:
        yield Doubt(
            grade="note",
            words=gettext("Is it worth having? It is missing in {share} of the rows.").format(share=percent(share)),
        )


def _of_words(field: Field, open_points: Unfinished) -> Iterator[Doubt]:
    if field.name in open_points.without_wording:
        yield Doubt(
            grade="note",
            words=gettext("What is an applicant to be told about it? Give it a reason with code and wording."),
        )
    if field.name in open_points.without_unit:
        yield Doubt(grade="note", words=gettext("In which unit is it? Reports show bare numbers until you say."))
    if field.name in open_points.without_labels:
        codes = listed(unlabelled(field), 8)
        yield Doubt(
            grade="note",
            words=gettext("What do {codes} mean? Say it in `labels`: no letter shows a code.").format(codes=codes),
        )


def _of_letters(field: Field) -> Iterator[Doubt]:
    """What letters to applicants would have to disclose."""
    unmarked = field.role is Role.FEATURE and field.type in _NUMBERS and field.bureau_score is None
    if unmarked and not field.no_bureau_score and names_bureau_score(field.name, field.title):
        yield Doubt(grade="concern", words=gettext(SCORE_NOTE))


def why(note: str) -> str:
    """What of a note says why the column has its role: without the role before it and the figures behind."""
    begin, _, rest = note.partition(": ")
    reason = rest if rest and " " not in begin else note
    return reason.partition(" Seen: ")[0].strip().removesuffix(".")


def _sentence(text: str) -> str:
    """A note of ``schema infer``, which is English, with a capital at its beginning and a full stop."""
    return gettext("{sentence}.").format(sentence=f"{text[:1].upper()}{text[1:]}") if text else ""
