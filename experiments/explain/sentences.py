"""The sentences of a letter that say why: each reason with the applicant's own value beside those of most approved
applicants, or with what was written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from string import Formatter

from data_schemas.levels import is_code
from data_schemas.reasons import Reason
from experiments.explain.approved import Side
from experiments.explain.drafted import drafted_wording
from experiments.explain.facts import Ground
from experiments.reporting.language import Language, gettext_noop
from experiments.reporting.parts import Fact, MarkedText, Passage
from experiments.reporting.words import in_words, plain

_ENDED = re.compile(r"[.!?…。！？][\"')”’」』）]*$")
Own = Mapping[str, str]
"""What stands for the names in braces of a sentence."""


def reason_sentence(reason: Reason, ground: Ground, language: Language) -> MarkedText | None:
    """A reason as a letter gives it, the applicant's own value and words marked; None where no sentence can say what
    the reason is, so that a person has to.
    """
    quote = _quote(ground, language)
    if ground.column is not None:
        sentence = _of_column(reason, ground.column, ground.side, language)
        return sentence and _joined(sentence, quote)
    wording = _subject(reason, _title(reason), language)
    if ground.sentence is not None and not ground.named:
        if quote is not None:
            why = language.gettext("This weighed against your application. Ask us, and one of us explains why.")
            return _joined(quote, _filled(why, {}))
        why = language.gettext("One of us will tell you which part of it weighed against your application, and why.")
        return _joined(_filled(wording, {}), _filled(why, {})) if wording else None
    if wording and ground.label and ground.sentence is not None and ground.quotable and not ground.recorded:
        own = {"quote": str(ground.sentence.value)}
        whole = _ENDED.search(own["quote"].rstrip())
        message = language.gettext("{subject}: “{quote}”") if whole else language.gettext("{subject}: “{quote}”.")
        return _filled(message, own, wording)
    return _joined(quote, _filled(wording, {})) if wording else None


def _subject(reason: Reason, title: str, language: Language) -> str:
    """What a reason is called; "" where neither its schema nor its column's title says it in words."""
    return language.gettext(reason.wording) if reason.worded else drafted_wording(title, language)


def _title(reason: Reason) -> str:
    return re.sub(r"^\[[^]]*\] ", "", reason.wording)


def _of_column(reason: Reason, fact: Fact, side: Side, language: Language) -> MarkedText | None:
    subject = _subject(reason, fact.title, language)
    if not subject:
        return None
    own: dict[str, str] = {}
    if fact.value is None or fact.value == "":
        message = reason.missing or "{subject}: not given."
        return _filled(language.composed(message), own, subject)
    if is_code_of(fact):
        return None
    value = language.gettext(fact.value.replace("_", " ")) if isinstance(fact.value, str) else fact.value
    own["value"] = in_words(value, fact.unit, language)
    if isinstance(fact.value, float):
        own["number"] = plain(fact.value, language)
    message = {Side.BELOW: reason.low, Side.ABOVE: reason.high}.get(side, "")
    return _filled(language.composed(message or GENERIC[side]), own, subject)


def is_code_of(fact: Fact) -> bool:
    """Whether a value is a level that is a code without a label, which an applicant cannot read."""
    return isinstance(fact.value, str) and is_code(fact.value)


GENERIC = {
    Side.BELOW: gettext_noop("{subject}: {value}, which is below what most approved applicants have."),
    Side.ABOVE: gettext_noop("{subject}: {value}, which is above what most approved applicants have."),
    Side.RARER: gettext_noop("{subject}: {value}, which is rarer among approved applicants than among all."),
    Side.NONE: gettext_noop("{subject}: {value}."),
}


def _quote(ground: Ground, language: Language) -> MarkedText | None:
    """What was written, by the applicant or in a record."""
    if ground.sentence is None or not ground.quotable:
        return None
    own = {"quote": str(ground.sentence.value)}
    if not ground.recorded:
        message = language.gettext("You wrote: “{quote}”")
        return _filled(message + _full_stop(own["quote"], language), own)
    return _filled(
        language.gettext("A note about you says: “{quote}” ({place})"), own | {"place": ground.sentence.title}
    )


def _full_stop(quote: str, language: Language) -> str:
    """What ends a sentence that ends with a quote; "" where the quote ends one itself."""
    return "" if _ENDED.search(quote) else language.pgettext("ends a sentence", ".")


def _filled(message: str, own: Own, subject: str = "") -> MarkedText:
    """A message with the applicant's own values, marked, in place of the names in braces."""

    def passages() -> Iterator[Passage]:
        for text, name, *_ in Formatter().parse(message):
            yield Passage(text=text)
            if name == "subject":
                yield Passage(text=subject.rstrip(" .。"))
            elif name is not None:
                yield Passage(text=own[name], marked=name != "place")

    return MarkedText(passages=tuple(one for one in passages() if one.text))


def _joined(*parts: MarkedText | None) -> MarkedText:
    """Sentences after each other."""
    passages: list[Passage] = []
    for part in parts:
        if part is not None:
            passages += [Passage(text=" ")] * bool(passages) + list(part.passages)
    return MarkedText(passages=tuple(passages))
