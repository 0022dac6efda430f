"""Numbers in English text, in digits and in words, and ranges of two of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

LONGEST = 24  # characters of a number in digits; a longer row of digits is no number that anyone states

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_ROUND = "twenty thirty forty fifty sixty seventy eighty ninety"

UNITS = {word: number for number, word in enumerate(_SMALL.split())}
TENS = {word: 10 * number for number, word in enumerate(_ROUND.split(), start=2)} | {"fourty": 40, "ninty": 90}
SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000}
MULTIPLIERS = SCALES | {
    "k": 1000,
    "grand": 1000,
    "mil": 1_000_000,
    "lakh": 100_000,
    "lakhs": 100_000,
    "lac": 100_000,
    "crore": 10_000_000,
    "billion": 1_000_000_000,
}
FRACTIONS = {"½": 0.5, "¼": 0.25, "¾": 0.75}


def alternatives(words: Sequence[str]) -> str:
    """A pattern of one of these words, the longest first."""
    return "|".join(sorted(map(re.escape, words), key=len, reverse=True))


_WORD = alternatives([*UNITS, *TENS])
_SCALE = alternatives(list(SCALES))
_DIGITS = re.compile(
    r"(?=\d)(?:(?<![a-z\d_])|(?<=\brs)|(?<=usd)|(?<=gbp)|(?<=eur)|(?<=cad)|(?<=aud)|(?<=inr))(?P<digits>\d+(?:[.,]\d+)*)"
    r"(?:(?P<part>[½¼¾])| (?P<above>\d)/(?P<below>[2-9])(?![\d/]))?"
    rf"(?: ?(?P<by>{alternatives(list(MULTIPLIERS))})\b)?"
)
_WORDED = re.compile(
    rf"\b(?:(?:{_WORD})|a (?={_SCALE}))(?:(?:(?<=a )|[ -]{{1,2}}(?:and )?)(?:{_WORD}|{_SCALE})\b)*"
    r"(?P<half> and a half\b)?"
)
_TOKEN = re.compile(r"[a-z]+")
_FEW = re.compile(r"\ba couple(?: of)?\b|\ba dozen\b")
_SPACED = re.compile(r"(?<=[$£€₹])\d{1,3}(?: \d{3})+(?!\d)")
_PENSION_PLAN = re.compile(r"401 ?k|403 ?b")
_JOINT = re.compile(
    r" ?(?:(?P<percent>%|percent)|dollars|usd|pounds|euros|years?|months?|weeks?|days?)? ?"
    r"(?P<joint>-|\bto\b|\bup to\b|\band\b) ?(?(percent)|(?:us\$|ca\$|[$£€¥₹]|rs\.? ?)?) ?"
)
_BETWEEN = re.compile(r"\bbetween (?:about )?[$£€¥₹]? ?$")
_CHANGE = re.compile(
    r"\b(?:went|go|gone|ros|rais|increas|jump|drop|fell|cut|reduc|chang|lower|up from|down from|"
    r"from \w+ to$)"
)
REACH = 40  # characters before a range where a word tells that it is a change


@dataclass(frozen=True)
class Number:
    """A number, or a range of two.

    Attributes:
        start: where it begins.
        end: where it ends.
        value: the number; of a range its middle.
        spread: half the width of a range.
        money: the number where it is a sum of money, in which "5.000" is five thousand; of a range its middle.
        money_spread: half the width of a range of money.
        scaled: whether it is counted in thousands or more, such as "5k".
        sure: whether it is a number and not "a couple".
    """

    start: int
    end: int
    value: float
    spread: float
    money: float
    money_spread: float
    scaled: bool = False
    sure: bool = True


def find_numbers(plain: str, start: int, end: int) -> list[Number]:
    """Numbers and ranges of a stretch of folded text, in order and apart from each other."""
    found = sorted(
        [*_in_digits(plain, start, end), *_in_words(plain, start, end), *_few(plain, start, end)],
        key=lambda number: (number.start, -number.end),
    )
    apart: list[Number] = []
    for number in found:
        if not apart or number.start >= apart[-1].end:
            apart.append(number)
    return _with_ranges(plain, _without_chains(plain, apart), start)


def _single(start: int, end: int, value: float, money: float | None = None, scaled: bool = False) -> Number:
    return Number(start, end, value, 0.0, value if money is None else money, 0.0, scaled)


def _in_digits(plain: str, start: int, end: int) -> Iterator[Number]:
    for spaced in _SPACED.finditer(plain, start, end):
        if spaced.end() - spaced.start() <= LONGEST:
            yield _single(*spaced.span(), float(spaced.group().replace(" ", "")))
    for match in _DIGITS.finditer(plain, start, end):
        digits = match["digits"]
        if len(digits) > LONGEST or _PENSION_PLAN.match(plain, match.start()):
            continue
        by = MULTIPLIERS[match["by"]] if match["by"] else 1
        more = FRACTIONS[match["part"]] if match["part"] else 0.0
        if match["above"]:
            more = int(match["above"]) / int(match["below"])
        value, money = _read(digits)
        scaled = by > 1 or bool(match["by"])
        yield _single(*match.span(), (value + more) * by, (value if scaled else money) * by + more * by, scaled)


@lru_cache(maxsize=4096)
def _read(digits: str) -> tuple[float, float]:
    """A number in digits, and what it is as money."""
    commas, points = digits.count(","), digits.count(".")
    if commas and points:
        decimal = max(digits.rfind(","), digits.rfind("."))
        whole = digits[:decimal].replace(",", "").replace(".", "")
        return (both := float(f"{whole}.{digits[decimal + 1 :]}")), both
    if commas + points > 1:
        return (whole_number := float(digits.replace(",", "").replace(".", ""))), whole_number
    if not commas + points:
        return float(digits), float(digits)
    decimals = len(digits) - 1 - max(digits.find(","), digits.find("."))
    grouped, decimal_number = float(digits.replace(",", "").replace(".", "")), float(digits.replace(",", "."))
    if decimals == 3 and not digits.startswith("0"):
        return (grouped if commas else decimal_number), grouped
    return decimal_number, decimal_number


def _in_words(plain: str, start: int, end: int) -> Iterator[Number]:
    for match in _WORDED.finditer(plain, start, end):
        first, last, value = match.start(), match.start(), _Value()
        for token in _TOKEN.finditer(plain, match.start(), match.end() - len(match["half"] or "")):
            if token.group() == "a":
                value.take("one")
            elif token.group() == "and":
                if value.last not in SCALES:
                    yield from value.number(first, last)
                    first, value = token.end() + 1, _Value()
                continue
            elif not value.take(token.group()):
                yield from value.number(first, last)
                first, value = token.start(), _Value()
                value.take(token.group())
            last = token.end()
        if match["half"]:
            value.total, last = value.total + 0.5, match.end()
        yield from value.number(first, last)


@dataclass
class _Value:
    """A number in words as far as it is read."""

    total: float = 0.0
    current: float = 0.0
    last: str = ""

    def take(self, word: str) -> bool:
        """Read another word; False where it does not belong to this number."""
        if word in SCALES:
            if not self.last or (word == "hundred" and (self.last in SCALES or self.current >= 100)):
                return False
            if word == "hundred":
                self.current *= 100
            else:
                self.total, self.current = self.total + self.current * SCALES[word], 0.0
        elif word in TENS or UNITS[word] >= 10:
            if self.last and self.last not in SCALES:
                return False
            self.current += TENS.get(word) or UNITS[word]
        else:
            if self.last and self.last not in SCALES and self.last not in TENS:
                return False
            self.current += UNITS[word]
        self.last = word
        return True

    def number(self, start: int, end: int) -> Iterator[Number]:
        """The number that was read, if any."""
        if self.last and end > start:
            yield _single(start, end, self.total + self.current, scaled=self.total >= 1000)


def _few(plain: str, start: int, end: int) -> Iterator[Number]:
    for match in _FEW.finditer(plain, start, end):
        value = 12.0 if match.group() == "a dozen" else 2.0
        yield Number(*match.span(), value, 0.0, value, 0.0, sure=False)


def _without_chains(plain: str, numbers: Sequence[Number]) -> list[Number]:
    """The numbers without those of which three or more are joined by dashes or points, as in telephone numbers."""
    groups: list[list[Number]] = []
    for number in numbers:
        if groups and plain[groups[-1][-1].end : number.start] in ("-", "/", "."):
            groups[-1].append(number)
        else:
            groups.append([number])
    return [number for group in groups if len(group) < 3 for number in group]


def _with_ranges(plain: str, numbers: Sequence[Number], start: int) -> list[Number]:
    found: list[Number] = []
    for number in numbers:
        joined = _range(plain, found[-1], number, start) if found else None
        if joined:
            found[-1] = joined
        else:
            found.append(number)
    return found


def _range(plain: str, low: Number, high: Number, start: int) -> Number | None:
    """The range of two numbers, where they are one."""
    joint = _JOINT.fullmatch(plain, low.end, high.start) if high.start - low.end <= 20 else None
    if joint is None or low.spread:
        return None
    before = plain[max(start, low.start - REACH) : low.start]
    if joint["joint"] == "and" and not _BETWEEN.search(before):
        return None
    if joint["joint"] == "to" and _CHANGE.search(before):
        return None
    by = 1000.0 if high.scaled and not low.scaled and low.value < 1000 <= high.value else 1.0
    if low.value * by >= high.value:
        return None
    ends = (low.value * by, high.value), (low.money * by, high.money)
    (value, spread), (money, money_spread) = (((a + b) / 2, (b - a) / 2) for a, b in ends)
    return Number(low.start, high.end, value, spread, money, money_spread, high.scaled)
