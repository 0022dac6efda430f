"""Answers to the ten questions that applicants ask, from the letter, the model's schema and the lender's file.

Every answer is put together from messages; nothing is generated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from data_schemas.contract import Schema
from data_schemas.fields import Field, Role
from experiments.explain.letters.lender import Lender
from experiments.reporting.decision.answers import Answer, AnswerSheet
from experiments.reporting.decision.applicant import ApplicantNotice
from experiments.reporting.language import Language, gettext_noop
from experiments.reporting.words import in_words, plain


@dataclass(frozen=True)
class AnswerFacts:
    """What answers are made of.

    Attributes:
        notice: The letter.
        schema: Of the model.
        wrote: Whether anything was written.
        masked: Whether sentences about private life are kept from the model.
    """

    notice: ApplicantNotice
    schema: Schema
    lender: Lender
    language: Language
    wrote: bool
    masked: bool

    def gettext(self, message: str, **parts: str) -> str:
        """A message with values in it."""
        return self.language.gettext(message).format(**parts)

    def ask(self) -> str:
        """Whom to ask."""
        if self.lender.contact:
            return self.gettext("Ask us: {contact}", contact=self.lender.contact)
        return self.gettext("Ask the lender whose name stands on your letter.")

    def listed(self, names: list[str]) -> str:
        """Names after each other."""
        return self.language.pgettext("between things in a list", "; ").join(names)


Lines = list[str]


def _why(facts: AnswerFacts) -> Lines:
    notice = facts.notice
    if notice.decision == "refer":
        return [
            facts.gettext(
                "Nothing is decided yet, so there are no reasons yet. A person is looking at your application."
            )
        ]
    if notice.decision == "approve":
        return [facts.gettext("Your application is approved: the risk that the loan is not paid back was low enough.")]
    if not notice.reasons:
        return [facts.gettext("A person is looking at this decision and will give you its reasons.")]
    begin = facts.gettext("These weighed most, the heaviest first:")
    return [begin, *("".join(part.text for part in reason.sentence.passages) for reason in notice.reasons)]


def _data(facts: AnswerFacts) -> Lines:
    schema, language = facts.schema, facts.language
    titles: dict[str, list[str]] = {}
    for field in schema.features:
        titles.setdefault(field.source, []).append(language.gettext(field.title))
    for field in schema.narratives:
        titles.setdefault(field.source, []).append(_named(field, language))
    lines = []
    if own := titles.pop("", []):
        lines.append(facts.gettext("From your application: {data}.", data=facts.listed(own)))
    for source in schema.sources:
        if found := titles.get(source.name):
            title = language.gettext(source.title)
            lines.append(facts.gettext("From {source}: {data}.", source=title, data=facts.listed(found)))
    return [*lines, facts.gettext("Nothing else about you entered the estimate.")]


def _named(narrative: Field, language: Language) -> str:
    """A narrative as its reason calls it, which speaks to the applicant, or else by its title."""
    if narrative.reason is None or narrative.source:
        return language.gettext(narrative.title)
    return language.gettext(narrative.reason.wording).rstrip(".。")


def _what_to_do(facts: AnswerFacts) -> Lines:
    notice, language = facts.notice, facts.language
    if notice.decision == "approve":
        return [facts.gettext("You need not do anything more for this decision.")]
    if notice.decision == "refer":
        return [
            facts.gettext(
                "Wait for our next letter. If something in your application is missing or wrong, tell us now."
            )
        ]
    lines = []
    for suggestion in notice.suggestions:
        moves = [
            facts.gettext(
                "{title}: {after} instead of {before}",
                title=move.title,
                after=_value(move.after, move.unit, language),
                before=_value(move.before, move.unit, language),
            )
            for move in suggestion.moves
        ]
        lines.append(language.pgettext("between changes made together", "; ").join(moves))
    if lines:
        begin = facts.gettext("With everything else unchanged, this would have led us to approve:")
        if len(lines) > 1:
            begin = facts.gettext("With everything else unchanged, any one of these would have led us to approve:")
        return [
            begin,
            *lines,
            facts.gettext("We look at every application anew, so this is help and no promise."),
        ]
    return [
        facts.gettext(
            "We found no single change that would have turned the decision. Have a look "
            "at the reasons: what has become "
            "better since may help when you apply again."
        )
    ]


def _value(cell: bool | float | str | None, unit: str, language: Language) -> str:
    return language.gettext("not given") if cell is None or cell == "" else in_words(cell, unit, language)


def _final(facts: AnswerFacts) -> Lines:
    if facts.notice.decision == "refer":
        return [facts.gettext("No. It is open, and a person decides it.")]
    return [
        facts.gettext(
            "No. You may ask for a person to look at the decision again, and tell that person what you think of it."
        ),
        facts.gettext("You may also apply again at any time."),
        facts.ask(),
    ]


def _who(facts: AnswerFacts) -> Lines:
    if facts.notice.decision == "refer":
        return [
            facts.gettext(
                "A person decides. A statistical model has estimated the risk before, and "
                "that person sees its estimate."
            )
        ]
    return [
        facts.gettext(
            "A statistical model estimated the risk that the loan is not paid back, "
            "from how earlier applicants fared. "
            "The limit up to which we approve was set by people."
        )
    ]


def _text_read(facts: AnswerFacts) -> Lines:
    if not facts.wrote:
        return [facts.gettext("You wrote nothing, so there was nothing to read.")]
    lines = [facts.gettext("A computer program read it, and what it read counted as one part of the estimate.")]
    if facts.masked:
        lines.append(facts.gettext("Sentences about private life, such as health or religion, were kept from it."))
    lines.append(facts.lender.answers.who_reads or facts.ask())
    return lines


def _protected(facts: AnswerFacts) -> Lines:
    held = [facts.language.gettext(field.title) for field in facts.schema.fields_of(Role.PROTECTED)]
    if held:
        lines = [
            facts.gettext(
                "No. We keep these beside your application for tests of fairness alone, and "
                "what decides does not read "
                "them: {data}.",
                data=facts.listed(held),
            )
        ]
    else:
        lines = [facts.gettext("What decides reads nothing but the data that are named above.")]
    if facts.wrote:
        lines.append(
            facts.gettext(
                "What you write yourself may tell of such things. Where a reason would rest "
                "on it, a person looks before "
                "a letter is sent."
            )
        )
    return lines


def _kept(facts: AnswerFacts) -> Lines:
    return [facts.lender.answers.retention or facts.ask()]


def _score(facts: AnswerFacts) -> Lines:
    field, score = facts.schema.bureau_score, facts.notice.score
    if field is None or field.bureau_score is None:
        return [facts.gettext("No. We computed an estimate of our own. No credit bureau knows it.")]
    lines = [
        facts.gettext(
            "No. Our estimate is our own; the score of {bureau} was one part of it.",
            bureau=facts.lender.bureau_name(field.bureau_score.agency),
        )
    ]
    if score is not None:
        lines.append(
            facts.gettext(
                "Your score there was {score}, on a range from {low} to {high}.",
                score=plain(score.score, facts.language),
                low=plain(score.lowest, facts.language),
                high=plain(score.highest, facts.language),
            )
        )
    return lines


def _mistake(facts: AnswerFacts) -> Lines:
    lines = [
        facts.gettext(
            "Tell us what is wrong and what is right, with the number of your application: {id}.", id=facts.notice.id
        )
    ]
    field = facts.schema.bureau_score
    if field is not None and field.bureau_score is not None:
        agency = facts.lender.bureau_name(field.bureau_score.agency)
        lines.append(facts.gettext("If the mistake is in your credit report, tell {bureau} too.", bureau=agency))
    return [*lines, facts.gettext("We then look at your application anew."), facts.ask()]


QUESTIONS: tuple[tuple[str, str, Callable[[AnswerFacts], Lines]], ...] = (
    ("why", gettext_noop("Why was it decided so?"), _why),
    ("data", gettext_noop("Which data about me did you use?"), _data),
    ("help", gettext_noop("What can I do?"), _what_to_do),
    ("final", gettext_noop("Is the decision final?"), _final),
    ("who", gettext_noop("Who decided?"), _who),
    ("text", gettext_noop("Who reads what I wrote?"), _text_read),
    ("protected", gettext_noop("Did my sex, age, origin or religion count?"), _protected),
    ("kept", gettext_noop("How long do you keep my data?"), _kept),
    ("score", gettext_noop("Is this my credit score?"), _score),
    ("mistake", gettext_noop("Something about me is wrong. How do I have it corrected?"), _mistake),
)


def answers(facts: AnswerFacts) -> AnswerSheet:
    """The answers to one applicant."""
    notice = facts.notice
    return AnswerSheet(
        id=notice.id,
        product=notice.product,
        made_on=notice.made_on,
        lender=notice.lender,
        language=notice.language,
        decision=notice.decision,
        answers=tuple(
            Answer(key=key, question=facts.language.gettext(question), paragraphs=tuple(find(facts)))
            for key, question, find in QUESTIONS
        ),
        needs_review=notice.needs_review,
    )
