"""How an unknown column writes its numbers: marks, units and signs; where two readings fit, it is not guessed."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_schemas.numbers import PLAIN, Negative, NumberNotation
from features.arrays import Flags, Floats
from features.inference.notation import MAX_STRAY, Notation, Texts
from features.tables.number_cells import plain_marks, read_numbers

_MARKS = ((".", ""), (".", ","), (",", ""), (",", "."), (".", "'"), (",", "'"), (".", " "), (",", " "))
_PARTS = (
    r"^(?P<open>\(?)\s*(?P<before>[^0-9()]*?)\s*(?P<digits>[.,]?[0-9](?:[0-9.,' ]*[0-9])?[.,]?)"
    r"(?P<after>(?:[^0-9]*[^0-9)])?)(?P<close>\)?)$"
)
_ROUNDED = "numbers such as 1.23457E+15 were rounded by a spreadsheet: if they are ids, get the file without that"
_THOUSANDS = r"^[+-]?[1-9][0-9]{0,2}\.[0-9]{3}$"
_LOOK = 500  # texts that show quickly whether a notation reads a column
_CURRENCY = (
    r"[$€£¥₹₽₩₺฿₫₦₴₪元円]|(us|a|c|r|nt|hk|s)\$|usd|eur|euros?|gbp|chf|jpy|cny|rmb|inr|brl|cad|aud|nzd|sek|nok|dkk|pln|czk|huf|"
    r"mxn|zar|try|rub|dm|fr|kr|zł|kč|ft|rs\.?|rp|rm|s/\.?|dollars?|pounds?|rupees?"
)
_BEFORE = re.compile(rf"(?:(?:[<>~≤≥]|<=|>=|=|ca\.?|approx\.?|up to)\s*)?(?:{_CURRENCY})?", re.IGNORECASE)
_COMPARISON = re.compile(r"[<>~≤≥=]+|ca\.?|approx\.?|up to", re.IGNORECASE)
_SYMBOL = re.compile(rf"[%‰‱]|{_CURRENCY}", re.IGNORECASE)
_UNIT = re.compile(r"[^\W\d_]+(?:\(s\))?\.?(?:[ /][^\W\d_]+\.?)?|[年个个月岁天万亿千元人次户]+")
_SHORT_UNIT = re.compile(
    r"y|yr|yrs|years?|mo|mos|mth|mths|months?|m|d|days?|w|weeks?|h|k|kg|km|m2|m²|sqm|pct|pp|bps|x", re.IGNORECASE
)
_NUMBER_LIKE = re.compile(
    rf"(?:{_BEFORE.pattern})\s*[-+(]?\s*(?!0\d)\d[\d.,'’٬٫\s]*\s*(?:[%‰+-]|[^\W\d]{{1,8}}\.?)?\)?", re.IGNORECASE
)
_SCALES = re.compile(
    r"k|m|mm|mn|mio|mrd|bn|b|tsd|mil|mille|thousand|million|lakhs?|lacs?|cr|crores?|万|亿|千|百万", re.IGNORECASE
)


def read_as_numbers(known: Texts, file_decimal: str = "") -> Notation | None:
    """The notation of a column of numbers; None for a column of other texts.

    ``45.000`` may be forty-five or forty-five thousand. Where all texts leave it open and neither reading differs in
    form, the question stands in the notation, whose values are then in thousands.

    Args:
        file_decimal: the decimal mark that other columns of the table show, "" where none does.
    """
    if not any("0" <= character <= "9" for character in itertools.chain.from_iterable(known.texts[:20])):
        return None
    texts = plain_marks(known.arrow)
    look = texts[:_LOOK]
    n_marked = pc.sum(pc.match_substring_regex(look, _PARTS)).as_py()
    if len(known) > _LOOK > n_marked + MAX_STRAY and np.isnan(read_numbers(look, PLAIN)).sum() > MAX_STRAY:
        return None
    plain = read_numbers(texts, PLAIN)
    plain[~np.isfinite(plain)] = np.nan
    if known.fits(plain) and not _may_be_thousands(texts, plain):
        rounded = pc.any(pc.match_substring_regex(look, "[eE][+]1[0-9]$")).as_py()
        return Notation(plain, notes=(_ROUNDED,) if rounded else ())
    parts = pc.extract_regex(texts, _PARTS)
    matched = parts.is_valid().to_numpy(zero_copy_only=False)
    if not known.fits(np.where(matched, 1.0, np.nan)):
        return None
    affixes = _affixes(known.where(matched), parts.filter(pa.array(matched)))
    if affixes is None:
        return None
    return _marked(known, texts, affixes, _negative(parts), file_decimal)


def look_like_numbers(levels: Sequence[str]) -> bool:
    """Whether nearly all texts are a number with something beside it, in digits of any script; no code such as 007.

    Args:
        levels: distinct texts that were not read as numbers.
    """
    first = [unicodedata.normalize("NFKC", text) for text in levels[:50]]
    return sum(_NUMBER_LIKE.fullmatch(text) is not None for text in first) > 0.9 * len(first)


def decimal_mark(known: Texts) -> str:
    """The decimal mark that the texts of a column show without doubt, "" where they show none."""
    texts = plain_marks(known.arrow[:5_000])
    for mark, other in ((".", ","), (",", ".")):
        shown = rf"^[^0-9]*(?:[0-9]{{1,3}}(?:\{other}[0-9]{{3}})+|[0-9]+)\{mark}(?:[0-9]{{1,2}}|[0-9]{{4,}})[^0-9]*$"
        if len(texts) and pc.mean(pc.match_substring_regex(texts, shown)).as_py() > 0.5:
            return mark
    return ""


def _may_be_thousands(texts: pa.Array, plain: Floats) -> bool:
    """Whether every point in these texts could stand between thousands."""
    pointed = pc.match_substring(texts, ".")
    if not pc.any(pointed).as_py():
        return False
    numbers = texts.filter(pc.and_(pointed, pa.array(np.isfinite(plain))))
    return all(pc.all(pc.match_substring_regex(part, _THOUSANDS)).as_py() for part in (numbers[:_LOOK], numbers))


def _affixes(known: Texts, parts: pa.StructArray) -> tuple[tuple[str, ...], str, tuple[str, ...]] | None:
    """What stands beside the numbers, their unit, and notes; None where the texts are no numbers with one unit."""
    starts = pc.starts_with(pc.struct_field(parts, "digits"), ".").to_numpy(zero_copy_only=False)
    before = [  # the point of Rs.500 is no decimal mark
        f"{word}." if starts_with_point and word[-1:].isalpha() else word
        for word, starts_with_point in zip(_stripped(parts, "before", r"[+-]"), starts, strict=True)
    ]
    after_text = pc.struct_field(parts, "after")
    spaced = pc.match_substring_regex(after_text, r"^\s").to_numpy(zero_copy_only=False)
    after = _stripped(parts, "after", "-$")
    if not all(_BEFORE.fullmatch(word) for word in np.unique(before)):
        return None
    units: dict[str, int] = {}
    for word, has_space, count in zip(after, spaced, known.counts, strict=True):
        bare = word.lstrip("+ ")
        if bare and not (
            _SYMBOL.fullmatch(bare) or _SHORT_UNIT.fullmatch(bare) or _is_unit(bare, bool(has_space), word)
        ):
            return None
        units[bare] = units.get(bare, 0) + int(count)
    currencies = {_COMPARISON.sub("", word).strip() for word in np.unique(before)} - {""}
    stems = {_stem(unit) for unit in units if unit}
    if len(stems | {_stem(word) for word in currencies}) > 1:
        return None
    if any(_SCALES.fullmatch(unit) for unit in units) and "" in units:
        return None  # 3k beside 3000
    words = sorted({*before, *after} - {""}, key=str)
    unit = max((unit for unit in units if unit), key=lambda unit: (units[unit], unit), default="") or next(
        iter(currencies), ""
    )
    return tuple(words), unit, _notes(words, unit, units)


def _notes(words: Sequence[str], unit: str, units: dict[str, int]) -> tuple[str, ...]:
    notes = [f"the unit is {unit}" + (", and 5% is read as 5" if unit == "%" else "")] if unit else []
    if dropped := sorted({mark for word in words for mark in re.findall(r"[<>~≤≥+]", word)}):
        notes.append(f"{' and '.join(dropped)} beside a number are not read: < 1 is read as 1, 10+ as 10")
    if unit and (n_bare := units.get("", 0)) and any(units[one] for one in units if one):
        notes.append(f"{n_bare} cells have no unit")
    return tuple(notes)


def _is_unit(bare: str, has_space: bool, word: str) -> bool:
    return (has_space or word.startswith("+") or not bare.isascii()) and _UNIT.fullmatch(bare) is not None


def _stem(unit: str) -> str:
    return re.sub(r"\(s\)$|s$", "", unit.lower().rstrip("."))


def _stripped(parts: pa.StructArray, name: str, signs: str) -> list[str]:
    text = pc.utf8_trim_whitespace(pc.replace_substring_regex(pc.struct_field(parts, name), signs, ""))
    words: list[str] = pc.utf8_trim_whitespace(text).to_pylist()
    return words


def _negative(parts: pa.StructArray) -> Negative:
    if pc.any(pc.equal(pc.struct_field(parts, "open"), "(")).as_py():
        return Negative.PARENTHESES
    trailing = pc.match_substring_regex(pc.struct_field(parts, "after"), r"-\s*$")
    return Negative.TRAILING_MINUS if pc.any(trailing).as_py() else Negative.MINUS


def _marked(
    known: Texts,
    texts: pa.Array,
    affixes: tuple[tuple[str, ...], str, tuple[str, ...]],
    negative: Negative,
    file_decimal: str,
) -> Notation | None:
    """The notation whose marks read all texts; a question where two do and read different numbers."""
    words, unit, notes = affixes
    fitting: list[tuple[NumberNotation, Floats]] = []
    for decimal, group in _possible_marks(texts):
        notation = NumberNotation(decimal, group, words, negative)
        if len(known) > _LOOK and np.isnan(read_numbers(texts[:_LOOK], notation)).sum() > MAX_STRAY:
            continue
        values = read_numbers(texts, notation)
        values[~np.isfinite(values)] = np.nan
        if known.fits(values) and not any(np.array_equal(values, other, equal_nan=True) for _, other in fitting):
            fitting.append((notation, values))
    if not fitting or (unit == "%" and _are_shares(texts, fitting[0][1])):
        return None
    by_decimal = [one for one in fitting if one[0].decimal == file_decimal]
    question, (notation, values) = "", fitting[0]
    if len(fitting) > 1:
        mark = "." if fitting[0][0].group != "," else ","
        of_file = by_decimal if file_decimal and (mark == "," or file_decimal == ",") else []
        if len(of_file) == 1:
            notation, values = of_file[0]
            notes = (*notes, f"read with the decimal mark {file_decimal!r}, which other columns show")
        else:
            return _in_doubt(known, fitting, words, unit, negative, notes)
    return Notation(values, _field_keys(notation), _own_keys(notation, unit), notes, question)


def _are_shares(texts: pa.Array, values: Floats) -> bool:
    """Whether the numbers without a sign are shares beside percentages: 0.13 beside 13%, which no notation reads."""
    signed = pc.match_substring(texts, "%").to_numpy(zero_copy_only=False)
    bare = np.abs(values[~signed & (values != 0) & np.isfinite(values)])
    percent = np.abs(values[signed & np.isfinite(values)])
    return bool(len(bare) and len(percent) and bare.max() <= 1 and np.median(percent) > 1)


def _possible_marks(texts: pa.Array) -> list[tuple[str, str]]:
    """Decimal and group marks of which the texts show those that are not the usual ones."""
    shown = {
        mark for mark in ".,' " if pc.any(pc.match_substring_regex(texts, rf"[0-9]{re.escape(mark)}[0-9]")).as_py()
    }
    return [
        (decimal, group)
        for decimal, group in _MARKS
        if (not group or group in shown) and (decimal in shown or decimal == "." or group == ".")
    ]


def _in_doubt(
    known: Texts,
    fitting: Sequence[tuple[NumberNotation, Floats]],
    words: tuple[str, ...],
    unit: str,
    negative: Negative,
    notes: tuple[str, ...],
) -> Notation:
    differing: Flags = fitting[0][1] != fitting[1][1]
    at = int(np.flatnonzero(differing & np.isfinite(fitting[0][1]))[0])
    text, thousands = known.texts[at], max(fitting, key=lambda one: abs(float(one[1][at])))
    mark = thousands[0].group
    shown = sorted((float(one[1][at]) for one in fitting), key=abs)
    question = (
        f"{text!r} in {known.column!r} may be {shown[0]:g} or {shown[-1]:,.0f}: find out whether {mark!r} stands "
        "before decimals (then drop groupChar) or between thousands (then drop decimalChar)"
    )
    notation = NumberNotation(mark, mark, words, negative)
    keys = {**_field_keys(notation), "groupChar": mark, "decimalChar": mark}
    each = {
        f"{text} is {values[at]:,.10g}": Notation(values, _field_keys(one), _own_keys(one, unit), notes)
        for one, values in fitting
    }
    return Notation(thousands[1], keys, _own_keys(notation, unit), notes, question, each)


def _field_keys(notation: NumberNotation) -> dict[str, object]:
    keys: dict[str, object] = {"bareNumber": False} if notation.affixes else {}
    if notation.group:
        keys["groupChar"] = notation.group
    if notation.decimal != "." and notation.group != ".":
        keys["decimalChar"] = notation.decimal
    return keys


def _own_keys(notation: NumberNotation, unit: str) -> dict[str, object]:
    keys: dict[str, object] = {"unit": unit} if unit else {}
    if notation.affixes:
        keys["affixes"] = list(notation.affixes)
    if notation.negative is not Negative.MINUS:
        keys["negative"] = str(notation.negative)
    return keys
