"""Dates, and how long things last: durations, and tenures of the writer's work."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from features.facts.english.numbers import Number
from features.facts.english.passage import Passage
from features.facts.fact import Fact, FactKind

DAYS_A_MONTH = 365.2425 / 12
_NAMES = "january february march april may june july august september october november december"
_MONTHS = {
    name[:length]: number for number, name in enumerate(_NAMES.split(), start=1) for length in (3, len(name))
} | {"sept": 9, "janurary": 1, "febuary": 2, "agust": 8, "setember": 9}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DOUBTFUL = ("may", "mar", "march", "dec", "jan")
_EPOCH = date(1970, 1, 1).toordinal()
_FULL_YEAR = r"(?:19[5-9]|20\d)\d"
_DATE = re.compile(
    rf"(?<![\w$£€./-])(?:(?P<iso_year>{_FULL_YEAR})-(?P<iso_month>\d\d?)-(?P<iso_day>\d\d?)"
    rf"|(?P<first>\d\d?)(?P<sep>[/.-])(?P<second>\d\d?)(?P=sep)(?P<short_year>{_FULL_YEAR}|\d\d)"
    rf"|(?P<number_month>\d\d?)/(?P<number_year>{_FULL_YEAR})"
    rf"|(?P<day_first>\d\d?)(?:st|nd|rd|th)?(?: of)? (?P<later_month>{_MONTH})\b\.?(?:,? (?P<later_year>{_FULL_YEAR}))?"
    rf"|(?P<month>{_MONTH})\b(?:\.(?= ?\d))?(?: (?P<day>\d\d?)(?:st|nd|rd|th)?(?![\d,%:]*\d))?(?:(?:,| of|"
    rf"-)? ?(?P<year>{_FULL_YEAR})|(?! ?\d))"
    rf"|(?P<year_alone>{_FULL_YEAR}))(?![\w/%]|[.,]\d|-\d)"
)
_BEFORE_YEAR = re.compile(
    r"\b(?:in|since|from|until|till|by|of|during|before|after|year|for|late|early|mid|end of|beginning of|"
    r"between|taxes for|through)[ -]$"
)
_BEFORE_MONTH = re.compile(
    r"\b(?:in|since|last|next|this|until|till|by|before|after|early|late|mid|of|from|end of|during|"
    r"through|back in)[ -]$"
)
_SURE_MONTH = re.compile(r"\b(?:in|last|next|since|until|by) $")
_SINCE = re.compile(r"\bsince (?:about |around |early |late |the end of |the beginning of )?$")
_UNIT = re.compile(
    r"(?P<half>(?: and)? (?:a half|1/2))?[ -]?(?P<unit>years?|yrs?|yr's|yeras?|months?|mnths?|mths?|mos?|"
    r"weeks?|wks?|days?|decades?)(?![a-z])"
    r"(?P<and_half> and a half\b)?"
)
_A_UNIT = re.compile(
    r"\b(?:(?P<lead>for|within|over|after|in|about|almost|nearly|than|past|"
    r"last) )?(?P<whole>(?P<half>half )?(?:a|one full) (?P<unit>year|month|week|"
    r"decade)\b(?P<and_half> and a half\b)?)(?=(?P<ago> (?:ago|late|behind|now|already)\b)?)"
)
_LASTING = re.compile(r"\b(?:for|in|within|than|only|just|over|after) $")
_OLD = re.compile(r"[ -]?(?:olds?\b|of age|s old)|\s?(?:per|a|each|every) (?:week|month|year)|/")
_EVERY = re.compile(r"(?:\bevery|\beach|\bper|\bage|\baged|\bevery other|\btimes in|\bdays|\bnet) $")
_AND_MORE = re.compile(r",?(?: and| &)? ?$")
_IN_WORK = re.compile(
    r"\b(?:work(?:ed|ing|s)?|employed|employer|employment|job|jobs|career|service|in business|business for|position|"
    r"self[ -]?employed|same company|same practice|"
    r"same firm|with the company|occupation|profession|on the force|tenure|seniority|teaching|nursing|"
    r"driving truck|military|army|navy|"
    r"running my|own my (?:own )?business|been (?:a|an) [a-z ]{3,30}$|been (?:at|with) (?:the |a )?[a-z' ]{2,30}$)"
)
_NOT_WORKER = re.compile(
    r"been (?:a|an) (?:[a-z]+ )?(?:customer|client|member|homeowner|home owner|resident|renter|tenant|"
    r"borrower|parent|widow|widower|victim|citizen|"
    r"cardholder|long|rough|tough|hard|great|good|while|year)|been with (?:my|your|you|the bank|"
    r"her|him)\b(?! (?:\w+ )?(?:employer|company|job|firm))"
)
_OUT_OF_WORK = re.compile(
    r"\b(?:out of (?:work|a job)|off work|unemployed|without (?:work|a job)|lost my|laid off|no work|not work\w*|"
    r"will|going to|plan to|intend to|would|looking for|pay(?:ing)? (?:it|this|off|back)|repay|loan|"
    r"between jobs|found a|new job|retire in|previous(?:ly)?|formerly|used to|prior|last job|working capital)\b"
)
_OTHER_WORKER = re.compile(
    r"\b(?:he|she|husband|wife|he's|she's|son|daughter|spouse|partner|fiancee?|boyfriend|girlfriend)\b"
)
_WORK_AFTER = re.compile(
    r"\.?\s?(?:into my career|of (?:service|experience|employment)|with (?:the |my )?(?:same|current|present|company|"
    r"employer|firm)|(?:at|in|on|with) (?:my|the|this|the same) (?:current |present |same )?"
    r"(?:job|company|position|employer|field|industry|firm|practice)|in (?:business|the (?:military|army|"
    r"navy|field|trade))|as an? )"
)
_BEEN_THERE = re.compile(r"\b(?:been there|there for|there)(?: for| about| over| now|ly)* $")
_LABEL = re.compile(
    r"(?:(?:years|yrs) (?:employed|at job|on job|in job|with employer|at (?:current |present )?(?:job|"
    r"employer))|(?:time|length|years) (?:on|at|of|in) (?:current |present |the )?(?:job|employment|"
    r"employer))[ :=-]{1,3}$"
)


@dataclass(frozen=True)
class Day:
    """A date as far as it is stated.

    Attributes:
        start: where it begins.
        end: where it ends.
        text: ISO form of what is stated, "" where its year is not.
        month: its month where its year is not stated, 0 otherwise.
        direction: -1 for "last", 1 for "next", 0 otherwise.
        confidence: from 0 to 1.
    """

    start: int
    end: int
    text: str
    month: int = 0
    direction: int = 0
    confidence: float = 0.95


def find_days(passage: Passage) -> Iterator[Day]:
    """Dates of a sentence, in order."""
    for match in _DATE.finditer(passage.plain, passage.start, passage.end):
        day = _day(passage, match)
        if day is not None:
            yield day


def find_dates(passage: Passage, days: Sequence[Day]) -> Iterator[Fact]:
    """Facts of dates; those after "since" tell how long something lasts."""
    for day in days:
        since = _SINCE.search(passage.before(day.start, 30))
        if since:
            start = day.start - len(since.group())
            kind = _kind(passage, start, day.end)
            months, unit = None, ""
            if passage.today and day.text:
                past = passage.today.toordinal() - _EPOCH - days_since(day.text)
                months, unit = round(past / DAYS_A_MONTH, 1), "month"
            yield Fact(kind, start, day.end, passage.place, months, text=day.text, unit=unit, confidence=day.confidence)
        else:
            text = day.text or _nearest(day, passage.today)
            value = days_since(text) if text else None
            yield Fact(FactKind.DATE, day.start, day.end, passage.place, value, text=text, confidence=day.confidence)


def days_since(text: str) -> float:
    """Days from 1970-01-01 to the first day of a date in ISO form."""
    year, month, day = (*map(int, text.split("-")), 1, 1)[:3]
    return float(date(year, month, day).toordinal() - _EPOCH)


def _day(passage: Passage, match: re.Match[str]) -> Day | None:
    before = passage.before(match.start(), 16)
    if match["iso_year"]:
        return _full(match, match["iso_year"], match["iso_month"], match["iso_day"])
    if match["first"]:
        first, second, year = int(match["first"]), int(match["second"]), _year(match["short_year"], passage.today)
        if match["sep"] != "/" and len(match["short_year"]) == 2:
            return None
        if first > 12:
            return _full(match, year, second, first)
        return _full(match, year, first, second, 0.95 if second > 12 or first == second else 0.7)
    if match["number_month"]:
        month = int(match["number_month"])
        return Day(*match.span(), f"{match['number_year']}-{month:02}") if 1 <= month <= 12 else None
    if match["day_first"]:
        return _of_month(passage, match, match["later_month"], match["day_first"], match["later_year"])
    if match["month"]:
        named = match["day"] or match["year"] or _BEFORE_MONTH.search(before)
        if not named or (match["month"] in _DOUBTFUL and not _is_month(passage, match, before)):
            return None
        return _of_month(passage, match, match["month"], match["day"], match["year"])
    return Day(*match.span(), match["year_alone"], confidence=0.9) if _BEFORE_YEAR.search(before) else None


def _is_month(passage: Passage, match: re.Match[str], before: str) -> bool:
    """Whether "may" or "march" is a month."""
    return bool(match["year"] or match["day"] or passage.text[match.start()].isupper() or _SURE_MONTH.search(before))


def _of_month(passage: Passage, match: re.Match[str], name: str, day: str | None, year: str | None) -> Day | None:
    month = _MONTHS[name]
    if day and not 1 <= int(day) <= 31:
        return None
    if year:
        return _full(match, year, month, day) if day else Day(*match.span(), f"{year}-{month:02}")
    start = match.start()
    relative = re.search(r"\b(last|next|this) $", passage.before(start, 8))
    direction = {"last": -1, "next": 1}.get(relative[1], 0) if relative else 0
    return Day(start - len(relative.group()) if relative else start, match.end(), "", month, direction, 0.8)


def _full(
    match: re.Match[str], year: str | int, month: str | int, day: str | int, confidence: float = 0.95
) -> Day | None:
    y, m, d = int(year), int(month), int(day)
    if not (1 <= m <= 12 and 1 <= d <= monthrange(y, m)[1]):
        return None
    return Day(*match.span(), f"{y:04}-{m:02}-{d:02}", confidence=confidence)


def _year(text: str, today: date | None) -> int:
    """The year of two digits: not after today, or else after 1950."""
    if len(text) == 4:
        return int(text)
    newest = today.year % 100 if today else 49
    return int(text) + (2000 if int(text) <= newest else 1900)


def _nearest(day: Day, today: date | None) -> str:
    """The month that is meant where its year is not stated: the next one, or the last."""
    if today is None:
        return ""
    year = today.year
    if day.direction < 0 and day.month >= today.month:
        year -= 1
    elif day.direction > 0 and day.month <= today.month:
        year += 1
    return f"{year}-{day.month:02}" if day.direction else ""


def find_durations(passage: Passage, taken: Container[int]) -> Iterator[Fact]:
    """How long things last, but for numbers that begin at a place that is ``taken``."""
    spans: list[tuple[int, int, float, float, str, bool]] = []
    for number in passage.numbers:
        if number.start in taken:
            continue
        found = _numbered(passage, number)
        if found is None:
            continue
        last = spans[-1] if spans else None
        if last and last[4] == found[4] == "month" and _joins(passage, last, found):
            spans[-1] = (last[0], found[1], last[2] + found[2], last[3] + found[3], "month", last[5])
        else:
            spans.append(found)
    spans += [span for span in _unnumbered(passage) if not any(a < span[1] and span[0] < b for a, b, *_ in spans)]
    for start, end, value, spread, unit, sure in sorted(spans):
        kind = _kind(passage, start, end)
        confidence = (0.95 if sure else 0.7) * (0.9 if kind == FactKind.TENURE else 1.0)
        yield Fact(kind, start, end, passage.place, value, spread, unit=unit, confidence=round(confidence, 3))


def _numbered(passage: Passage, number: Number) -> tuple[int, int, float, float, str, bool] | None:
    after = passage.after(number.end, 40)
    unit = _UNIT.match(after)
    before = passage.before(number.start, 60)
    if unit is None:
        if _LABEL.search(before) and number.value < 60:
            return number.start, number.end, number.value * 12, number.spread * 12, "month", True
        return None
    if number.value == 1 and unit["unit"] == "day" and not _LASTING.search(before):
        return None  # "one day I will"
    if before.endswith(("$", "£", "€")) or _EVERY.search(before[-14:]) or _OLD.match(after, unit.end()):
        return None
    if number.scaled or number.value > 2000:
        return None
    half = 0.5 if unit["half"] or unit["and_half"] else 0.0
    times, base = _counted(unit["unit"])
    value, spread = (number.value + half) * times, number.spread * times
    return number.start, number.end + unit.end(), value, spread, base, number.sure


def _unnumbered(passage: Passage) -> Iterator[tuple[int, int, float, float, str, bool]]:
    """Durations such as "for a decade", "half a year", "a year and a half"."""
    for match in _A_UNIT.finditer(passage.plain, passage.start, passage.end):
        if not (match["lead"] or match["half"] or match["and_half"] or match["ago"]):
            continue
        times, base = _counted(match["unit"])
        value = (0.5 if match["half"] else 1.5 if match["and_half"] else 1.0) * times
        yield match.start("whole"), match.end("whole"), value, 0.0, base, bool(match["lead"] or match["and_half"])


def _counted(unit: str) -> tuple[float, str]:
    if unit[0] == "y":
        return 12.0, "month"
    if unit[:2] == "de":
        return 120.0, "month"
    return (1.0, "month") if unit[0] == "m" else (7.0, "day") if unit[0] == "w" else (1.0, "day")


def _joins(
    passage: Passage,
    first: tuple[int, int, float, float, str, bool],
    second: tuple[int, int, float, float, str, bool],
) -> bool:
    """Whether months follow years as one duration, such as "2 years and 6 months"."""
    between = passage.plain[first[1] : second[0]]
    return len(between) <= 6 and bool(_AND_MORE.fullmatch(between)) and first[2] >= 12 > second[2]


def _kind(passage: Passage, start: int, end: int) -> FactKind:
    """Tenure where the words around speak of the writer's work."""
    before, after = passage.before(start, 80), passage.after(end, 40)
    if _OUT_OF_WORK.search(before[-60:]) or _OUT_OF_WORK.search(after[:25]) or _NOT_WORKER.search(before):
        return FactKind.DURATION
    if _OTHER_WORKER.search(before) or after.startswith(" of marriage"):
        return FactKind.DURATION
    if _LABEL.search(before) or _WORK_AFTER.match(after) or _BEEN_THERE.search(before) or _IN_WORK.search(before):
        return FactKind.TENURE
    return FactKind.DURATION
