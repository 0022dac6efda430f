"""Numbers and texts as people read them; the only place where a value of a report becomes words.

Every function that returns Markup has escaped what it was given.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date

from markupsafe import Markup, escape

from experiments.reporting.language import MINUS, NARROW_SPACE, Language, currencies, current_language, gettext
from experiments.reporting.parts import Fact, MarkedText, Move

LONGEST_TEXT = 700  # characters of one text on a page; the JSON holds all

# Bidirectional controls, zero-width characters (but the joiners, which scripts need), separators, tags.
_HIDDEN = "\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
COUNTED = "counted"  # the context of nouns behind a number
QUOTED = 300  # characters of the applicant's words within a sentence
_INVISIBLE = re.compile(f"[\x00-\x1f\x7f-\x9f{_HIDDEN}]")
_WHITE = " \t\r\n\f\v\u00a0"
_SPACE = re.compile(f"[{_WHITE}]+")
_CODE = re.compile(r"`([^`<>]+)`")
_LONG_WORD = re.compile(r"\S{24}")
_ONE = re.compile(r"(?P<stem>(year|month|week|day|account|event|point|loan|person|record|lien))s\b")  # "1 year"
_FORMULA_STARTS = "=+-@"


def percent(fraction: float, digits: int = 1, language: Language | None = None) -> str:
    """``0.1234`` as ``12.3 %``; what is more than nothing never reads 0, nor what is less than all 100."""
    language = language or current_language()
    smallest = 10.0**-digits
    if 0 < 100 * fraction < smallest / 2:
        return f"<{NARROW_SPACE}{language.percent(number(smallest, digits, language))}"
    if 100 - smallest / 2 < 100 * fraction < 100:
        return f">{NARROW_SPACE}{language.percent(number(100 - smallest, digits, language))}"
    return language.percent(number(100 * fraction, digits, language))


def number(value: float, digits: int = 0, language: Language | None = None) -> str:
    """With thousands separators and a true minus sign: ``−1,234``."""
    text = (language or current_language()).number(value, digits)
    return f"{MINUS}{text}" if value < 0 and round(abs(value), digits) else text


def signed(value: float, digits: int = 0, language: Language | None = None) -> str:
    """With its sign: ``+14``, ``−3``, and ``0`` for what rounds to nothing."""
    text = number(value, digits, language)
    return f"+{text}" if value > 0 and round(value, digits) else text


def points(value: float, language: Language | None = None) -> str:
    """Score points of a contribution: whole ones, and one decimal where a whole number would hide the sign."""
    return signed(value, 1 if 0.05 <= abs(value) < 0.95 else 0, language)


def log_odds(value: float) -> str:
    """A contribution in log-odds for a validator: six decimals."""
    return signed(value, 6)


def scientific(value: float) -> str:
    """A rounding error: ``3.1e−15``."""
    return f"{value:.1e}".replace("-", MINUS) if value else "0"


def glyph(text: str) -> str:
    """The sign of a signed number for eyes that do not read colours: a triangle down takes, one up gives."""
    return {MINUS: "▼", "+": "▲"}.get(text[:1], "•")


def day(value: date, language: Language | None = None) -> str:
    """``3 February 2026``."""
    return (language or current_language()).day(value)


def error(value: float, language: Language | None = None) -> str:
    """A standard error in points: ``± 0.4``, ``< 0.1``; 0 where nothing was sampled."""
    if 0 < value < 0.1:
        return f"<{NARROW_SPACE}{number(0.1, 1, language)}"
    return f"±{NARROW_SPACE}{number(value, 1, language)}" if value else "0"


def shown(text: str, longest: int = LONGEST_TEXT, language: Language | None = None) -> Markup:
    """A foreign text for a page: isolated in its direction, escaped, shortened, with what is invisible made visible.

    White space is collapsed. Control and other unprintable characters stand as their code in a frame. A text that a
    spreadsheet would take for a formula when the table is pasted there stands in quotes.
    """
    kept, n_more = _cut(text, longest)
    body = Markup("<bdi{}>{}</bdi>").format(_breaks(kept), _visible(kept))
    if not n_more:
        return body
    more = (
        (language or current_language())
        .gettext("… {number} more characters")
        .format(number=number(n_more, 0, language))
    )
    return body + Markup(' <span class="more">{}</span>').format(more)


def prose(text: str, longest: int = LONGEST_TEXT, language: Language | None = None) -> Markup:
    """The same of a sentence of ours, with what stands between backticks as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(shown(text, longest, language))))


def marked(passages: Sequence[tuple[str, bool]]) -> Markup:
    """A foreign text, whole, as ``shown`` shows it, with the passages whose flag is set standing out."""
    whole = "".join(text for text, _ in passages)
    quote = whole.lstrip(_WHITE)[:1] in tuple(_FORMULA_STARTS)
    parts = [
        Markup("<mark>{}</mark>" if flag else "{}").format(_visible(_SPACE.sub(" ", text))) for text, flag in passages
    ]
    body = Markup("").join([Markup("“"), *parts, Markup("”")] if quote else parts)
    return Markup("<bdi{}>{}</bdi>").format(_breaks(whole), body)


def marked_text(text: MarkedText) -> Markup:
    """The same of a text as a report holds it."""
    return marked([(passage.text, passage.marked) for passage in text.passages])


def spoken(text: MarkedText) -> Markup:
    """A sentence of ours, with the values and words of the applicant in it isolated in their direction."""
    return Markup("").join(
        Markup('<span class="own">{}</span>').format(shown(part.text, QUOTED))
        if part.marked
        else _visible(part.text[:LONGEST_TEXT])
        for part in text.passages
    )


def _visible(text: str) -> Markup:
    """Escaped, with what is invisible made visible."""
    parts: list[Markup] = []
    at = 0
    for match in _INVISIBLE.finditer(text):
        code = Markup('<abbr class="code" title="{}">{}</abbr><wbr>').format(_name(match.group()), _code(match.group()))
        parts += [escape(text[at : match.start()]), code]
        at = match.end()
    return Markup("").join([*parts, escape(text[at:])])


def _breaks(text: str) -> Markup:
    """Lets a line break where a word would burst the window."""
    return Markup(' class="long"') if _LONG_WORD.search(text) else Markup("")


def bare(text: str, longest: int = 120) -> str:
    """The same where no markup can stand, as in a page's title; to be escaped."""
    kept, n_more = _cut(text, longest)
    return _INVISIBLE.sub(lambda match: _code(match.group()), kept) + ("…" if n_more else "")


def _cut(text: str, longest: int) -> tuple[str, int]:
    """The beginning of a text with its white space collapsed, and how many characters of it were left out."""
    # Cut before cleaning, as a megabyte need not be cleaned to show a few lines; white space shrinks, hence a reserve.
    text = text.strip(_WHITE)
    begin = _SPACE.sub(" ", text[: 4 * longest])
    whole = len(text) <= 4 * longest and len(begin) <= longest
    kept = begin if whole else begin[:longest].rstrip(_WHITE)
    n_more = 0 if whole else max(len(text) - len(kept), 1)
    return (f"“{kept}”" if kept[:1] and kept[0] in _FORMULA_STARTS else kept), n_more


def _code(character: str) -> str:
    return f"U+{ord(character):04X}"


def _name(character: str) -> str:
    return unicodedata.name(character, "control character").lower()


def value(fact: Fact, longest: int = LONGEST_TEXT, language: Language | None = None) -> Markup:
    """A fact's value with its unit, as the applicant would write it."""
    return _value(fact.value, fact.unit, longest, language)


def before(move: Move, longest: int = LONGEST_TEXT, language: Language | None = None) -> Markup:
    """Where a move begins."""
    return _value(move.before, move.unit, longest, language)


def after(move: Move, longest: int = LONGEST_TEXT, language: Language | None = None) -> Markup:
    """Where a move ends."""
    return _value(move.after, move.unit, longest, language)


def _value(cell: bool | float | str | None, unit: str, longest: int, language: Language | None) -> Markup:
    if cell is None or cell == "":
        return Markup('<span class="absent">{}</span>').format((language or current_language()).gettext("not given"))
    text = in_words(cell, unit, language)
    ours = not isinstance(cell, str) and unit in ("", "fraction", "percent", "%")
    return escape(text) if ours else shown(text, longest, language)


def in_words(cell: bool | float | str, unit: str, language: Language | None = None) -> str:
    """A value with its unit: ``42.1 %``, ``$18,500``, ``1 year``, ``yes``; a text is as it is."""
    language = language or current_language()
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return language.gettext("yes") if cell else language.gettext("no")
    base, _, period = unit.partition(" per ")
    if base in ("fraction", "percent", "%"):
        return _per(_share(cell, base, language), period, language)
    if base in currencies():
        return _per(_money(cell, base, language), period, language)
    if not unit:
        return plain(cell, language)
    noun = language.ngettext(of_one(unit), unit, 1 if cell == 1 else 2)
    return language.pgettext("number and unit", "{number} {unit}").format(number=plain(cell, language), unit=noun)


def _share(cell: float, unit: str, language: Language) -> str:
    if unit != "fraction":
        return language.percent(plain(cell, language))
    times = language.gettext("{number} times").format(number=plain(cell, language))
    return times if cell >= 10 else percent(cell, 1, language)  # 2,810 % is hard to read


def _money(amount: float, currency: str, language: Language) -> str:
    digits = 0 if amount == round(amount) or abs(amount) >= 1000 else 2
    text = language.money(amount, currency, digits)
    return f"{MINUS}{text}" if amount < 0 and round(abs(amount), digits) else text


def _per(amount: str, period: str, language: Language) -> str:
    if not period:
        return amount
    return language.gettext("{amount} per {period}").format(amount=amount, period=language.gettext(period))


def of_one(unit: str) -> str:
    """``years`` as ``year``, ``inquiries`` as ``inquiry``; words that only look like plurals stay."""
    return _ONE.sub(r"\g<stem>", re.sub(r"(\w)ies\b", r"\1y", unit))


def plain(value: float, language: Language | None = None) -> str:
    """A measured number: whole when it is whole or large, else three significant digits or more, none of them a 0 at
    its end.
    """
    if value == round(value) or abs(value) >= 1000:
        return number(value, 0, language)
    digits = min(max(0, 2 - math.floor(math.log10(abs(value)))), 8)
    while digits and round(value, digits) == round(value, digits - 1):
        digits -= 1
    return number(value, digits, language)


def setting(found: object) -> str:
    """A setting's value as TOML has it, numbers to three digits."""
    if isinstance(found, bool):
        return "true" if found else "false"
    if isinstance(found, int):
        return str(found)
    return plain(found).replace(",", "") if isinstance(found, float) else str(found)


def p_value(p: float) -> str:
    """``p = 0.457``, ``p < 0.001``."""
    return "p < 0.001" if p < 0.001 else f"p = {number(p, 3)}"


def count(n: int, what: str) -> str:
    """``1 trial``, ``12 trials``."""
    language, plural = current_language(), f"{what}s"
    noun = language.translations.npgettext(COUNTED, what, plural, n)
    return language.pgettext("number and unit", "{number} {unit}").format(number=number(n), unit=noun)


def duration(seconds: float) -> str:
    """``45 s``, ``12 minutes``, ``1.4 hours``."""
    if seconds < 100:
        return gettext("{number} s").format(number=number(seconds, 1 if seconds < 10 else 0))
    if seconds < 5400:
        return gettext("{number} minutes").format(number=number(seconds / 60))
    return gettext("{number} hours").format(number=number(seconds / 3600, 1))


def sentences(parts: Iterable[str]) -> str:
    """Sentences one behind the other, as the language sets them; empty ones are left out."""
    whole = ""
    for part in filter(None, parts):
        whole = gettext("{sentences} {next}").format(sentences=whole, next=part) if whole else part
    return whole


def listed(names: Sequence[str], most: int = 5) -> str:
    """``a, b and c``; beyond ``most`` the number of the others."""
    comma = gettext(", ")
    if len(names) > most:
        return gettext("{names} and {n} more").format(names=comma.join(names[:most]), n=number(len(names) - most))
    if len(names) < 2:
        return "".join(names)
    return gettext("{names} and {last}").format(names=comma.join(names[:-1]), last=names[-1])
