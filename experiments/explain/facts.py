"""What an application holds, as facts of a report: values by column, what stands behind a reason, flags in words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from data_schemas.contract import Schema
from data_schemas.fields import Field, FieldType
from data_schemas.levels import is_code
from data_schemas.reasons import Reason
from experiments.explain.approved import ApprovedValues, Side
from experiments.explain.cases import Case
from experiments.explain.columns import Column, columns_of
from experiments.explain.record_dates import Days, entries_of, in_words
from experiments.explain.statements import stating_sentences
from experiments.reporting.decision.underwriter import Flag
from experiments.reporting.language import ENGLISH, Language, gettext_noop
from experiments.reporting.parts import Fact
from features.text.cleaning import covering_sentences
from fusion.explain.reasons import ReasonBook

LONGEST_QUOTE = 160  # characters of a sentence that stands for a reason

Cell = bool | float | str | None


def typed(field: Field, value: float) -> Cell:
    """A numeric cell as the applicant gave it; None when it is missing."""
    if not np.isfinite(value):
        return None
    return bool(value) if field.type is FieldType.BOOLEAN else value


def facts(case: Case, language: Language = ENGLISH) -> dict[str, Fact]:
    """The value of every column that the model has, by name; derived features as they were computed."""
    known, frame = columns_of(case.application.schema), case.application.frame
    found = {}
    for name, cell in zip(case.values.num_names, case.values.x_num[0], strict=True):
        column, title = known[name], language.gettext(known[name].title)
        if isinstance(column, Field):
            number = float(frame[name].iloc[0])
            if label := column.label(number):
                found[name] = Fact(title=title, value=language.gettext(label))
                continue
            value = typed(column, number)
        else:  # a float32 in the fewest digits that name it
            value = float(str(cell)) if np.isfinite(cell) else None
        found[name] = Fact(title=title, value=value, unit=column.unit)
    for name in case.values.cat_names:
        found[name] = Fact(
            title=language.gettext(known[name].title),
            value=level_in_words(known[name], str(frame[name].iloc[0] or ""), language) or None,
        )
    return found


def level_in_words(column: Column, level: str, language: Language) -> str:
    """A level as people read it: its label, where it has one."""
    if isinstance(column, Field) and (label := column.label(level)):
        return language.gettext(label)
    return level if is_code(level) else language.gettext(level.replace("_", " "))


@dataclass(frozen=True)
class Ground:
    """What of an application stands behind a reason: the column that takes most, the sentence that takes most.

    Attributes:
        sensitive: Whether that sentence is about private life.
        joined: Whether it is a passage of several.
        recorded: Whether it comes from records of a source, which the applicant did not write.
        side: Where the column's value lies beside those of most approved applicants.
        label: Whether the sentence is a label, such as a job title, not a statement.
        named: Whether the reason says what the sentence is about: it matches a concept, or is a label.
        column_name: Of the column; "" where there is none.
    """

    column: Fact | None
    sentence: Fact | None
    sensitive: bool
    joined: bool = False
    recorded: bool = False
    side: Side = Side.NONE
    named: bool = True
    label: bool = False
    column_name: str = ""

    @property
    def quotable(self) -> bool:
        """Whether the sentence may stand in a letter.

        One about private life may not, nor a passage of several: its beginning need not be what it was held to say.
        """
        return self.sentence is not None and not self.sensitive and not self.joined

    @property
    def facts(self) -> tuple[Fact, ...]:
        """Both, as an underwriter reads them."""
        return tuple(fact for fact in (self.column, self.sentence) if fact is not None)


def ground(
    case: Case,
    reason: Reason,
    book: ReasonBook,
    known: Mapping[str, Fact],
    approved: ApprovedValues | None = None,
    language: Language = ENGLISH,
) -> Ground:
    """The column and the sentence that take most under this reason; either only where it takes something.

    Of a column that narratives state, and no sentence besides, the sentence is the one that states it.
    """
    place = book.reasons.index(reason)
    explanation, schema = case.explanation, columns_of(case.application.schema)
    column, stating, side, name = None, list[int](), Side.NONE, ""
    mine = np.flatnonzero((book.column == place) & (explanation.columns[0] > 0.0))
    if len(mine):
        worst = mine[np.argmax(explanation.columns[0, mine])]
        name = explanation.column_names[worst]
        column, stating = known[name], list(stating_sentences(case, name))
        side = approved.side(schema[name], case.values) if approved is not None else side
    block = explanation.block
    reason_of = book.of_sentences(explanation, case.matches.concept)
    spoken = np.flatnonzero((reason_of == place) & (explanation.sentences > 0.0))
    if len(spoken):
        at = int(spoken[np.argmax(explanation.sentences[spoken])])
    elif stating:
        at = stating[0]
    else:
        return Ground(column, None, False, side=side, column_name=name)
    number, text = int(block.narrative[at]), block.text[at]
    field, joined = schema[explanation.narrative_names[number]], len(covering_sentences(text)) > 1
    title, recorded = language.gettext(field.title), isinstance(field, Field) and bool(field.source)
    if recorded:
        title = _of_records(case, number, at, language)
    sentence = Fact(title=title, value=shortened(text))
    is_label = isinstance(field, Field) and not field.match_concepts
    named = is_label or column is not None or bool(case.matches.concept[at] >= 0)
    return Ground(
        column,
        sentence,
        sensitive=bool(case.matches.sensitive[at]),
        joined=joined,
        recorded=recorded,
        side=side,
        named=named,
        label=is_label,
        column_name=name,
    )


def _of_records(case: Case, number: int, at: int, language: Language) -> str:
    """Where the sentence at a place of the block stands: the source, the narrative that is made of it, the day."""
    schema, block = case.application.schema, case.explanation.block
    field = schema[case.explanation.narrative_names[number]]
    source = next(one.title for one in schema.sources if one.name == field.source)
    place = int(np.flatnonzero(block.narrative == number).tolist().index(at))
    days = in_words(entries_in(case, number)[place], language)
    parts = (language.gettext(source), language.gettext(field.title), days)
    return language.pgettext("between things in a list", ", ").join(dict.fromkeys(part for part in parts if part))


def entries_in(case: Case, number: int) -> list[Days]:
    """The days of the records that each sentence of a narrative comes from; none where it is not made of records."""
    block, name = case.explanation.block, case.explanation.narrative_names[number]
    passages = [block.text[at] for at in np.flatnonzero(block.narrative == number)]
    schema = case.application.schema
    if not schema[name].source:
        return [()] * len(passages)
    return entries_of(case.application.narrative(name)[0], schema.strip, passages)


def shortened(text: str) -> str:
    """The beginning of a text, cut at a word."""
    text = text.strip()
    if len(text) <= LONGEST_QUOTE:
        return text
    return re.sub(r"\s+\S*$", "", text[: LONGEST_QUOTE + 1])[:LONGEST_QUOTE] + " …"


def flags(case: Case, language: Language = ENGLISH) -> tuple[Flag, ...]:
    """The data-quality flags, in words."""
    found = [flag for flag in case.quality.split(";") if flag]
    return tuple(Flag(flag=flag, words=flag_words(flag, case.application.schema, language)) for flag in found)


FLAG_WORDS = {
    "no_narrative": gettext_noop("The applicant wrote nothing."),
    "text_not_read": gettext_noop(
        "Written in a language that the model's encoder cannot read, and so without any influence: {what}."
    ),
    "narrative_only": gettext_noop("Every column is empty; only what was written could be judged."),
    "missing": gettext_noop("Not given: {what}."),
    "unknown_category": gettext_noop(
        "The model does not know what is given here, and treats it like a missing value: {what}."
    ),
    "negative_span": gettext_noop("Two dates contradict each other, as the first lies after the second: {what}."),
    "no_records": gettext_noop("No record of the applicant was found in: {what}."),
    "contradiction": gettext_noop("What is written contradicts the form: {what}"),
    "masked": gettext_noop("Sentences that tell of private life were withheld from the model: {what}."),
}


def flag_words(flag: str, schema: Schema, language: Language = ENGLISH) -> str:
    """A data-quality flag in words."""
    kind, _, names = flag.partition(":")
    if kind not in FLAG_WORDS:
        return flag
    titles = {name: column.title for name, column in columns_of(schema).items()}
    sources = {one.name: one.title for one in schema.sources}
    contradictions = {one.name: one.wording for one in schema.contradictions}
    known = {"no_records": sources, "contradiction": contradictions, "masked": {}}.get(kind, titles)
    between = ", " if kind == "masked" else "; "
    listed = between.join(language.gettext(known.get(name, name)) for name in names.split(","))
    return language.gettext(FLAG_WORDS[kind]).format(what=listed)
