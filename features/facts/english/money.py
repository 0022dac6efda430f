"""Sums of money in a sentence: incomes and rents of the writer, and all others."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass

from features.facts.english.numbers import Number
from features.facts.english.passage import CLAUSE_END, Passage, vocabulary, words
from features.facts.fact import Fact, FactKind

REACH = 90  # characters before a sum that tell what it is
FARTHEST_VERB = 7  # words between "earn" and a sum, and
N_WORDS = 16  # words before a sum that tell what it is

_SYMBOLS = {"$": "USD", "us$": "USD", "ca$": "CAD", "c$": "CAD", "a$": "AUD", "au$": "AUD", "nz$": "NZD"}
_SYMBOLS |= {"£": "GBP", "€": "EUR", "¥": "JPY", "₹": "INR", "rs": "INR", "rs.": "INR"}
_WORDS = {"dollar": "USD", "dollars": "USD", "dollers": "USD", "bucks": "USD", "us dollars": "USD", "cents": "USD"}
_WORDS |= {"pounds": "GBP", "quid": "GBP", "pound": "GBP", "pence": "GBP", "euros": "EUR", "euro": "EUR"}
_WORDS |= {"rupees": "INR", "yen": "JPY", "canadian dollars": "CAD", "australian dollars": "AUD"}
_CODES = {code: code.upper() for code in ("usd", "gbp", "eur", "cad", "aud", "nzd", "inr", "jpy", "chf")}
_CURRENCIES = _SYMBOLS | _WORDS | _CODES
_WEIGHT = re.compile(r"\b(?:lost|lose|losing|weigh\w*|gain\w*|shed)\b[^.]{0,20}$")
_PREFIX = re.compile(
    r"(?P<mark>us\$|ca\$|c\$|au?\$|nz\$|[$£€¥₹]|\b(?:rs\.?|usd|gbp|eur|cad|aud|nzd|inr|jpy|chf))\s{0,2}$"
)
_SUFFIX = re.compile(
    r"(?:/-)?\s?(?P<mark>us dollars|canadian dollars|australian dollars|dollars?|dollers|bucks|cents|"
    r"pounds?|pence|quid|"
    r"euros?|rupees|yen|(?:usd|gbp|eur|cad|aud|nzd|inr|jpy|chf)\b|[$£€](?!\s?\d))(?![a-z])"
)
_UNIT = r"hour|hr|day|week|wk|fortnight|month|mnth|mth|mo|quarter|year|yr|annum"
_PERIOD = re.compile(
    rf"\s?(?:(?:/|\bper\b|\ba\b|\ban\b|\beach\b|\bevery\b|"
    rf"\bp(?=\s?/))\s?(?P<unit>{_UNIT})s?(?![a-z])(?!\s(?:ago|later|and a half|late\b))"
    r"|(?P<other>(?:every|each|per)\s(?:two|2|other)\s(?:weeks?|wks?)|(?:twice|two times|2 times|2x)\s(?:a|per)\smonth)"
    r"|(?P<adverb>bi-?weekly|fortnightly|monthly|weekly|yearly|annually|annual|hourly|daily|quarterly"
    r"|p\.?\s?c\.?\s?m\b|p\.?\s?a\b|p\.?\s?m\b|p\.?\s?w\b)(?!\s(?:payment|bill|expense|budget)))"
)
_UNITS = {"hr": "hour", "wk": "week", "mnth": "month", "mth": "month", "mo": "month", "yr": "year", "annum": "year"}
_ADVERBS = {"monthly": "month", "weekly": "week", "yearly": "year", "annually": "year", "annual": "year"}
_ADVERBS |= {"hourly": "hour", "daily": "day", "quarterly": "quarter", "fortnightly": "fortnight"}
_ADVERBS |= {"biweekly": "fortnight", "pcm": "month", "pm": "month", "pa": "year", "pw": "week"}
_BETWEEN = re.compile(r"\s?(?:in|for|of)?\s?(?:my |our |the )?(?:rent|mortgage|salary|income|net|gross|take home)?\s?$")

# Which words before a sum, the nearest first, tell what it is.
_RENT = frozenset({"rent", "mortgage", "morgage", "mortage", "lease"})
_INCOME_NOUNS = vocabulary(
    "income incomes salary salery wage wages earnings paycheck paycheque pension ssi ssdi disability annuity stipend "
    "commissions alimony support security"
)
_EARN = vocabulary(
    "earn earning make making gross grossing net netting bring bringing receive receiving get getting got draw drawing "
    "clear clearing collect paid"
)
_RECEIVE = vocabulary("receive receiving get getting got draw drawing collect clear clearing paid")
_EARNS = frozenset({"earns", "makes", "brings", "gets", "receives", "grosses", "nets", "pays"})
_SPENT = vocabulary(
    "owe owed owing debt debts balance balances payment payments bill bills cost costs costing card cards loan loans "
    "savings saved insurance car tuition fee fees borrow borrowed borrowing need spend spent tax taxes limit "
    "deposit bonus expenses utilities worth price budget raise raised loss credit afford save left"
)
_FIRST = frozenset({"i", "i'm", "i've", "im", "ive", "my", "me", "i'd", "i'll"})
_OTHERS = vocabulary(
    "he she they who his her their husband husband's wife wife's spouse spouse's partner partner's mother mother's mom "
    "mom's father father's dad dad's son son's daughter daughter's brother brother's sister sister's friend friend's "
    "landlord landlord's boss ex ex's boyfriend boyfriend's girlfriend girlfriend's fiance fiancee parents parent's "
    "roommate roommate's tenant tenant's combined household joint family total together average median our we business "
    "company shop "
    "bakery store you your"
)
_NOT_NOW = vocabulary(
    "not never no don't dont doesn't didn't won't can't cannot would wouldn't could couldn't should might may will "
    "i'll i'd hope hoping hopefully want wanted wish expect expecting expected if once was wasn't were used before "
    "until till must start plan planning track"
)
_OBJECTS = frozenset({"a", "an", "the", "my", "up", "it", "sure", "any"})
_HOME = (["home"], ["in"])
_RENTED = frozenset({"a", "an", "out", "the", "my", "free"})  # after "rent", which is then what somebody does
_NO_TENANTS = frozenset({"we", "our", "total", "landlord", "landlord's", "company"})
_JOB = frozenset({"job", "position", "employer", "company", "work", "boss", "that", "which", "it"})
_CONDITIONS = frozenset({"if", "when", "once", "until", "unless", "wish", "before", "till", "where"})
_PAY_TIMES = (["period"], ["day"], ["off"], ["cut"], ["date"])
_OF_PAY = frozenset({"my", "home", "net", "gross", "monthly", "weekly", "base", "hourly", "annual", "yearly"})

_AFTER_RENT = re.compile(
    r"[\s-]{0,3}(?:is |goes )?(?:in|for|to|towards?|on|of)?\s?(?:my |our |the )?(?:rent\b|mortgage\b|"
    r"for housing)"
)
_AFTER_INCOME = re.compile(
    r"\W{0,3}(?:(?:is |was )?what i (?:bring home|make|earn|take home|get)|(?:a |in )?(?:net |"
    r"gross )?(?:income|salary)\b"
    r"|take[ -]home|(?:in |of |from )?(?:my )?(?:pension|ssi\b|ssdi\b|social security|disability))"
)
_NET = re.compile(r"\bnet\b|take[ -]?home|taking home|after[ -]tax|bring(?:ing)? home|\bi clear\b")
_GROSS = re.compile(r"\bgross\b|before[ -]tax")
_PERIOD_BEFORE = re.compile(
    r"\b(?P<adverb>monthly|annual|annually|yearly|weekly|bi-?weekly|hourly|daily|fortnightly)\b"
    r"|\b(?:per|a|each|every) (?P<unit>hour|week|month|year)\b[^a-z]*(?:is|of|:|=|-)?[^a-z]*$"
)
_BARE_CUE = re.compile(
    r"\b(?:owe|owed|pay|paying|balances?|rent|mortgage|income|salary|make|making|earn|earning|loan (?:of|for)|borrow|"
    r"bills?|debts?|lend me|cost|costs|payments?|limit|expenses|asking for|get|paid|requesting|amount)\b"
    r"(?:[ :=~-]|\b(?:about|around|only|is|are|was|of|at|to|approximately|approx|roughly|nearly|almost|"
    r"over|total|totaling|on|my|for|"
    r"visa|him|her|them|is only|up to|like|just|out)\b){0,6}$"
)
_BARE_END = re.compile(
    r"\s?(?:[.,;!?)|\n]|$|(?:and|an|on|to|from|per|for|but|in|with|each|so|then|or|total|at|toward|towards|a|every|"
    r"monthly|yearly|annually|dollars|net|gross|i|plus|left|because|by|after|before|worth|of|which|that|"
    r"this|right|personal loan|loan|balance|limit|credit line|debt|remaining|apr|annual|annualy)\b|/)"
)
_BESIDES = re.compile(  # an income beside another
    r"\b(?:additional\w*|addition|addtional|extra|second|secondary|other|part[ -]?time|side|rental|rent|rents|renter|"
    r"also|besides|bonus|overtime|surplus|disability|support|tips|every fall)\b"
)
_DIFFERENCE = re.compile(
    r"[\s}]{0,2}(?:loan|payments?|bills?|balance|fees?|debts?|limit|refund|deposit|purchase|more|less|extra|additional|raise|increase|bonus)\b"
)
_SPENT_ON = re.compile(r"\s?(?:in|of|payments?|worth)\b(?! (?:income|salary|tips|wages|pay|sales|commission))")
_LISTED = re.compile(r"\s(?:on|to|for|from)\b")
_LIKE_MONEY = re.compile(r"\d+(?:\.\d+)?(?:-\d+)? ?(?:k|grand)|\d{1,3}(?:,\d{3})+(?:\.\d\d)?|\d+\.\d\d")
_YEAR = range(1930, 2040)
_NO_MONEY = re.compile(r"\s?(?:%|percent|per cent|pct)")


@dataclass(frozen=True)
class Sum:
    """A sum of money.

    Attributes:
        number: its number or range.
        start: where it begins, mark of the currency included.
        end: where it ends, mark and period included.
        unit: ISO code of the currency, "" where none is stated.
        per: its period, "" where none is stated after it.
        value: the sum, of a range the middle.
        spread: half the width of a range.
        bare: whether it has no mark of a currency.
    """

    number: Number
    start: int
    end: int
    unit: str
    per: str
    value: float
    spread: float
    bare: bool


def find_money(passage: Passage, taken: Container[int]) -> Iterator[Fact]:
    """Sums of money, but for numbers that begin at a place that is ``taken``."""
    sums: list[Sum] = []
    for number in passage.numbers:
        found = None if number.start in taken else _sum(passage, number, sums[-1].end if sums else None)
        if found:
            sums.append(found)
    since, last = passage.start, FactKind.AMOUNT
    for place, found in enumerate(sums):
        until = sums[place + 1].start if place + 1 < len(sums) else passage.end
        fact = _fact(passage, found, since, until, last)
        since, last = found.end, fact.kind
        yield fact


def _sum(passage: Passage, number: Number, since: int | None) -> Sum | None:
    """The sum that a number is, if it is one; ``since`` is the end of the last sum of the sentence."""
    plain = passage.plain
    before, after = passage.before(number.start, 8), passage.after(number.end, 24)
    prefix, suffix = _PREFIX.search(before), _SUFFIX.match(after)
    if _NO_MONEY.match(after) and not prefix:
        return None
    start = number.start - len(prefix.group()) if prefix else number.start
    end = number.end
    unit = _CURRENCIES[prefix["mark"]] if prefix else ""
    value, spread = number.money, number.money_spread
    if suffix and suffix["mark"].startswith("pound") and _WEIGHT.search(passage.before(number.start, 40)):
        return None
    if suffix:
        end += suffix.end()
        unit = unit or _CURRENCIES[suffix["mark"]]
        if suffix["mark"] in ("cents", "pence"):
            value, spread = value / 100, spread / 100
    if not prefix and not suffix:
        inside = re.search(r"[$£€₹]", plain[number.start : number.end])
        unit = _SYMBOLS[inside.group()] if inside else ""
    period = _PERIOD.match(passage.after(end, 30))
    if not unit and not _is_bare_sum(passage, number, since, period is not None):
        return None
    per = _period(period) if period else ""
    return Sum(number, start, end + (period.end() if period else 0), unit, per, value, spread, not unit)


def _is_bare_sum(passage: Passage, number: Number, since: int | None, has_period: bool) -> bool:
    """Whether a number without a currency is a sum of money by the words around it."""
    if (number.money < 20 and not has_period) or not number.sure:
        return False
    following = passage.after(number.end, 14)
    if not has_period and not _BARE_END.match(following):
        return False
    written = passage.plain[number.start : number.end]
    if _LIKE_MONEY.fullmatch(written) and not following.startswith((" run", " race", "-")):
        return True
    listed = since is not None and number.start - since <= 40 and _LISTED.match(following)
    if not listed and not _BARE_CUE.search(passage.before(number.start, 60)):
        return False
    return number.value not in _YEAR or not passage.before(number.start, 4).endswith(("in ", "of ", "by "))


def _period(match: re.Match[str]) -> str:
    if match["unit"]:
        return _UNITS.get(match["unit"], match["unit"])
    if match["other"]:
        return "half month" if "month" in match["other"] else "fortnight"
    return _ADVERBS[re.sub(r"[^a-z]", "", match["adverb"])]


def _fact(passage: Passage, found: Sum, since: int, until: int, last: FactKind) -> Fact:
    before = passage.before(found.start, REACH, since)
    after = passage.clause_after(found.end, 50, until)
    if since > passage.start and (border := CLAUSE_END.search(before)):
        before = before[border.start() :]  # what stands before belongs to the last sum
    kind, sure = _kind(passage, found, before, after, last)
    if kind != FactKind.AMOUNT and _DIFFERENCE.match(after):
        kind, sure = FactKind.AMOUNT, 0.8
    if kind == FactKind.INCOME and _BESIDES.search(before[-70:] + " | " + after):
        sure = min(sure, 0.45)
    per = found.per
    if not per and kind in (FactKind.INCOME, FactKind.RENT):
        stated = _PERIOD_BEFORE.search(before[-45:]) or _PERIOD_BEFORE.match(after.lstrip())
        if stated:
            per = _ADVERBS[stated["adverb"].replace("-", "")] if stated["adverb"] else stated["unit"]
    text = ""
    if kind == FactKind.INCOME:
        around = before[-45:] + " | " + after[:30]
        text = "net" if _NET.search(around) else "gross" if _GROSS.search(around) else ""
    confidence = round(sure * (0.75 if found.bare else 1.0), 3)
    return Fact(
        kind,
        found.start,
        found.end,
        passage.place,
        found.value,
        found.spread,
        text,
        found.unit,
        per,
        confidence,
    )


def _kind(passage: Passage, found: Sum, before: str, after: str, last: FactKind) -> tuple[FactKind, float]:
    """What a sum is, and how sure that is."""
    preceding = words(before)[-N_WORDS:]
    for at in range(len(preceding) - 1, -1, -1):
        word = preceding[at]
        if word in _RENT:
            return _rent(preceding, at, found)
        if _is_income(preceding, at) or (word in ("pay", "home") and _is_noun(preceding, at)):
            return _income(passage, found, preceding, at)
        if word in _EARN or word in _EARNS:
            if (not found.per and (word in _RECEIVE or _SPENT_ON.match(after))) or after.startswith(" in payments"):
                continue
            if word in ("make", "making") and _is_bought(preceding[at + 1 :]):
                continue
            if len(preceding) - at > FARTHEST_VERB or (
                word in ("bring", "bringing") and preceding[at + 1 : at + 2] not in _HOME
            ):
                continue
            if preceding[max(0, at - 1) : at] == ["a"]:
                continue  # "a net of"
            return _income(passage, found, preceding, at)
        if word in _SPENT and not _is_aside(preceding, at):
            break
    else:
        inherited = before.strip() in ("to", "or", "and", "-") or (before.strip() == "(" and found.per)
        if inherited and last in (FactKind.INCOME, FactKind.RENT):
            return last, 0.7
    if _AFTER_RENT.match(after):
        return FactKind.RENT, 0.9 if not _OTHERS & set(preceding[-6:]) - {"we", "our", "total"} else 0.4
    people = [word for word in preceding if _is_other(word) or word in _FIRST]
    if _AFTER_INCOME.match(after) and not (people and people[-1] in _OTHERS):
        return FactKind.INCOME, 0.85
    return FactKind.AMOUNT, 0.95


def _is_income(preceding: Sequence[str], at: int) -> bool:
    """Whether a word is a noun of income, such as "salary" or "child support", near enough to a sum."""
    if preceding[at] == "security":
        return at > 0 and preceding[at - 1] == "social"
    if preceding[at] == "support":
        return at > 0 and preceding[at - 1] in ("child", "spousal", "family")
    return preceding[at] in _INCOME_NOUNS


def _is_other(word: str) -> bool:
    """Whether a word names somebody else, or somebody together with the writer."""
    return word in _OTHERS or (len(word) > 4 and word.rstrip("s'") in _OTHERS)


def _is_noun(preceding: Sequence[str], at: int) -> bool:
    """Whether "pay" and "take-home" are what somebody gets."""
    if preceding[at] == "home":
        return "take" in preceding[max(0, at - 2) : at]
    return preceding[max(0, at - 1)] in _OF_PAY and preceding[at + 1 : at + 2] not in _PAY_TIMES


def _is_bought(following: Sequence[str]) -> bool:
    """Whether "make" has an object other than the sum, such as "make payments of"."""
    return any(word in _SPENT for word in following) or bool(following and following[0] in _OBJECTS)


def _is_aside(preceding: Sequence[str], at: int) -> bool:
    """Whether a word of spending only tells what kind of income it is, such as "after taxes"."""
    return preceding[at] in ("tax", "taxes") and at > 0 and preceding[at - 1] in ("after", "before")


def _rent(preceding: Sequence[str], at: int, found: Sum) -> tuple[FactKind, float]:
    """A sum after "rent" or "mortgage"."""
    following = preceding[at + 1 :]
    earlier = preceding[max(0, at - 6) : at]
    rented = following[:1] and following[0] in _RENTED
    if rented or "by" in following[-2:] or {"was", "were", "("} & set(following[-3:]):
        return FactKind.AMOUNT, 0.8
    if any(word in _SPENT and word not in ("payment", "payments", "cost", "costs", "bill") for word in following):
        return FactKind.AMOUNT, 0.8
    if following[:1] == ["from"] or (
        {"receive", "collect", "receiving", "get"} & set(earlier) and "i" in preceding[:at]
    ):
        return FactKind.INCOME, 0.8
    if set(earlier) & _OTHERS - _NO_TENANTS and not set(earlier[-1:]) & _FIRST:
        return FactKind.AMOUNT, 0.7
    if preceding[at] != "rent" and not found.per and (found.value >= 10_000 or following[:1] == ["of"]):
        return FactKind.AMOUNT, 0.8
    return FactKind.RENT, 0.95


def _income(passage: Passage, found: Sum, preceding: Sequence[str], at: int) -> tuple[FactKind, float]:
    """A sum after a word of earning: the writer's income, if it is the writer's and now."""
    if any(
        word in _SPENT and not _is_aside(preceding, at + 1 + place) for place, word in enumerate(preceding[at + 1 :])
    ):
        return FactKind.AMOUNT, 0.8
    quoted = passage.is_quoted(found.start)
    if preceding[-1] in ("by", "another") or {"increase", "increasing", "raise"} & set(preceding[max(0, at - 3) : at]):
        return FactKind.AMOUNT, 0.8  # a change of it
    third = preceding[at] in _EARNS
    hypothetical = bool({"will", "would", "should", "could", "must"} & set(preceding[at + 1 :]))
    for place in range(at - 1 if preceding[at] not in _OTHERS else at, -1, -1):
        word = preceding[place]
        if _is_other(word) and not (third and word in _JOB):
            return FactKind.AMOUNT, 0.9
        hypothetical = hypothetical or word in _NOT_NOW
        if word in _FIRST:
            if word == "i" and preceding[max(0, place - 1) : place] == ["and"]:
                return FactKind.AMOUNT, 0.8  # of two people
            asked = place > 0 and preceding[place - 1] in _CONDITIONS
            owed = preceding[at] in ("support", "alimony") and bool({"pay", "paying"} & set(preceding[place:at]))
            if hypothetical or quoted or asked or owed or (third and not _JOB & set(preceding[place:at])):
                return FactKind.AMOUNT, 0.85
            return FactKind.INCOME, 0.95
    if hypothetical or quoted or third or preceding[at] in ("support", "alimony", "security"):
        return FactKind.AMOUNT, 0.8
    return FactKind.INCOME, 0.8
