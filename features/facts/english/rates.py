"""Interest rates and other percentages that are charged."""

from __future__ import annotations

import re
from collections.abc import Iterator

from features.facts.english.passage import Passage
from features.facts.fact import Fact, FactKind

_PERCENT = re.compile(r"\s?(?:%|percents?\b|per cent\b|pct\b|percentage\b)(?:\s?apr\b)?|\s?apr\b")
_YEARLY = re.compile(
    r"\bapr\b|\s?(?:interest |rate |interest rate )?(?:a|per|each) (?:year|annum)|\s?(?:annual|yearly|"
    r"p\.a)"
)
_MONTHLY = re.compile(r"\s?(?:interest )?(?:(?:a|per|each|every) month|monthly)|/\s?mo")
_CUE = re.compile(
    r"\b(?:interest|intrest|intrests|rates?|apr|charg\w*|fees?|fixed|finance|financing|mortgage|loans?|"
    r"cards?|penalty|borrow\w*|pay(?:ing)?|visa|mastercard|"
    r"credit union|bank|lender)\b"
)
_STRONG_CUE = re.compile(r"\b(?:interest|intrest|rates?|apr|fees?|charg\w*|penalty)\b")
_NAMED = re.compile(
    r"\b(?:apr|interest(?: rate)?|rate)\b(?: (?:is|was|of|to|at|now|only|around|about|currently|from|"
    r":))*[ :=]{0,2}$"
)
_NO_RATE_AFTER = re.compile(
    r"\s?(?:off\b|down\b|paid|done|pay (?:cut|raise|rise)|raise\b|rise\b|discount|less|more|sure|"
    r"committ?ed|certain|positive|"
    r"confident|dedicated|honest|guarantee|reliable|on[ -]?time|of (?:my|our|the time|their|his|her|all|"
    r"it|what|people|us|income|"
    r"what)|owner|utili[sz]ation|increase|commission|disab|complete|payment history|match|equity|chance|"
    r"responsible|ltv|"
    r"dti|tip|cut\b|debt|worth|better|score|satisf|true\b|ready|behind|sales|growth|profit|margin|return|"
    r"savings|financing\b)"
)
_NO_RATE_BEFORE = re.compile(
    r"(?:\bby|\bsave|\btip|give|am|i'm|cut|pay(?: cut| raise)? of|utili[sz]ation\w*(?: (?:is|of|at))?|"
    r"only use|using) $"
)
_PART_AFTER = re.compile(r"\s?(?:of\b|is spent|attained|funded|fulfilled|financed|vested)")
_PART_BEFORE = re.compile(
    r"\b(?:growth|rank|hit|score|increased? (?:of|by)|funded|goal|margins?)\b[^,;]{0,14}$|\bthe other $"
)
_LARGEST = 1000.0


def find_rates(passage: Passage) -> Iterator[Fact]:
    """Percentages of a sentence, but for shares, changes and figures of speech."""
    for number in passage.numbers:
        after = passage.after(number.end, 40)
        sign = _PERCENT.match(after)
        before = passage.before(number.start, 60)
        if not sign and not (_NAMED.search(before) and number.value < 100 and _ends(after)):
            continue
        end = number.end + (sign.end() if sign else 0)
        if number.value > _LARGEST or before.endswith(("$", "£", "€")):
            continue
        following = passage.after(end, 30)
        if sign and (period := _YEARLY.match(following) or _MONTHLY.match(following)):
            end += period.end()
        around = before + following
        if number.value in (0, 100, 110, 101, 1000) and not _NAMED.search(before) and "interest" not in following:
            continue
        other = _NO_RATE_AFTER.match(following) or _NO_RATE_BEFORE.search(before[-24:])
        other = other or _PART_AFTER.match(following) or _PART_BEFORE.search(before[-36:])
        if other and not _follows_rate(before, following):
            continue
        stated = passage.after(number.end, 40)[: (sign.end() if sign else 0) + 24]
        per = "month" if _MONTHLY.match(following) else "year" if _is_yearly(stated, following, before) else ""
        cue = _CUE.search(around) or "apr" in stated[:12]
        confidence = (0.95 if cue else 0.5) if sign else 0.7
        yield Fact(
            FactKind.RATE,
            number.start,
            end,
            passage.place,
            number.value,
            number.spread,
            unit="percent",
            per=per,
            confidence=confidence,
        )


def _is_yearly(stated: str, following: str, before: str) -> bool:
    return "apr" in stated[:12] or bool(_YEARLY.match(following) or re.search(r"\bapr\b|annual", before[-20:]))


def _ends(after: str) -> bool:
    return not re.match(r"\s?(?:[a-z$£€]|-|/)", after) or bool(
        re.match(r"\s(?:and|on|but|for|to|in|with|which|so|from|apr)\b", after)
    )


def _follows_rate(before: str, following: str) -> bool:
    """Whether it is charged on what it is a share of, such as a fee of 5% of the loan."""
    return bool(_STRONG_CUE.search(before)) and following.lstrip().startswith("of the")
