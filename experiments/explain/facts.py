"""What an application holds, as facts of a report: values by column, what stands behind a reason, flags in words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from data_schemas.contract import Field, FieldType, Reason, Schema
from experiments.explain.approved import ApprovedValues, Side
from experiments.explain.cases import Case
from experiments.explain.columns import columns_of
from experiments.explain.entries import Days, entries_of, in_words
from experiments.explain.statements import stating_sentences
from experiments.reporting.decision.underwriter import Flag
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


def facts(case: Case) -> dict[str, Fact]:
    """The value of every column that the model has, by name; derived features as they were computed."""
    known, frame = columns_of(case.application.schema), case.application.frame
    found = {}
    for name, cell in zip(case.values.num_names, case.values.x_num[0], strict=True):
        column = known[name]
        if isinstance(column, Field):
            value = typed(column, float(frame[name].iloc[0]))
        else:  # a float32 in the fewest digits that name it
            value = float(str(cell)) if np.isfinite(cell) else None
        found[name] = Fact(title=column.title, value=value, unit=column.unit)
    for name in case.values.cat_names:
        found[name] = Fact(title=known[name].title, value=frame[name].iloc[0] or None)
    return found


@dataclass(frozen=True)
class Ground:
    """What of an application stands behind a reason: the column that takes most, the sentence that takes most.

    Attributes:
        sensitive: Whether that sentence is about private life.
        joined: Whether it is a passage of several.
        recorded: Whether it comes from records of a source, which the applicant did not write.
        side: Where the column's value lies beside those of most approved applicants.
        named: Whether the reason says what the sentence is about: it matches a concept, or is a label.
    """

    column: Fact | None
    sentence: Fact | None
    sensitive: bool
    joined: bool = False
    recorded: bool = False
    side: Side = Side.NONE
    named: bool = True

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
    case: Case, reason: Reason, book: ReasonBook, known: Mapping[str, Fact], approved: ApprovedValues | None = None
) -> Ground:
    """The column and the sentence that take most under this reason; either only where it takes something.

    Of a column that narratives state, and no sentence besides, the sentence is the one that states it.
    """
    place = book.reasons.index(reason)
    explanation, schema = case.explanation, columns_of(case.application.schema)
    column, stating, side = None, list[int](), Side.NONE
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
        return Ground(column, None, False, side=side)
    number, text = int(block.narrative[at]), block.text[at]
    field, joined = schema[explanation.narrative_names[number]], len(covering_sentences(text)) > 1
    title, recorded = field.title, isinstance(field, Field) and bool(field.source)
    if recorded:
        title = _of_records(case, number, at)
    sentence = Fact(title=title, value=shortened(text))
    is_label = isinstance(field, Field) and not field.match_concepts
    named = is_label or column is not None or bool(case.matches.concept[at] >= 0)
    return Ground(column, sentence, bool(case.matches.sensitive[at]), joined, recorded, side, named)


def _of_records(case: Case, number: int, at: int) -> str:
    """Where the sentence at a place of the block stands: the source, the narrative that is made of it, the day."""
    schema, block = case.application.schema, case.explanation.block
    field = schema[case.explanation.narrative_names[number]]
    source = next(one.title for one in schema.sources if one.name == field.source)
    place = int(np.flatnonzero(block.narrative == number).tolist().index(at))
    days = in_words(entries_in(case, number)[place])
    return ", ".join(dict.fromkeys(part for part in (source, field.title, days) if part))


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


def flags(case: Case) -> tuple[Flag, ...]:
    """The data-quality flags, in words."""
    found = [flag for flag in case.quality.split(";") if flag]
    return tuple(Flag(flag=flag, words=flag_words(flag, case.application.schema)) for flag in found)


def flag_words(flag: str, schema: Schema) -> str:
    """A data-quality flag in words."""
    titles = {name: column.title for name, column in columns_of(schema).items()}
    sources = {one.name: one.title for one in schema.sources}
    named = {"no_records": sources, "contradiction": {one.name: one.wording for one in schema.contradictions}}
    return _words(flag, named.get(flag.partition(":")[0], titles))


def _words(flag: str, titles: Mapping[str, str]) -> str:
    kind, _, names = flag.partition(":")
    listed = "; ".join(titles.get(name, name) for name in names.split(","))
    if kind == "no_narrative":
        return "The applicant wrote nothing."
    if kind == "text_not_read":
        return f"Written in a language that the model's encoder cannot read, and so without any influence: {listed}."
    if kind == "narrative_only":
        return "Every column is empty; only what was written could be judged."
    if kind == "missing":
        return f"Not given: {listed}."
    if kind == "unknown_category":
        return f"The model does not know what is given here, and treats it like a missing value: {listed}."
    if kind == "no_records":
        return f"No record of the applicant was found in: {listed}."
    if kind == "contradiction":
        return f"What is written contradicts the form: {listed}"
    if kind == "masked":
        return f"Sentences that tell of private life were withheld from the model: {names.replace(',', ', ')}."
    return flag
