"""Reason wordings for the columns that lenders commonly have, drafted from the words of a column's name.

A name may be English, Chinese, German, Spanish, French or Portuguese; the wording is English. It says what the column
is about and never which way it counts, because nobody has looked yet: a draft to confirm, as every guess is.
"""

from __future__ import annotations

import functools
import json
import re
import unicodedata
from dataclasses import dataclass
from importlib import resources
from typing import Any

Document = dict[str, Any]

COMMON_COLUMNS = "common_columns.json"

SCORE_CODE = "CREDIT_SCORE"
"""Of the subject that is a credit bureau's score."""

NOTE = "Reason drafted from the column's name."
"""Ends the note on a column whose reason was drafted."""


@dataclass(frozen=True)
class Subject:
    """What a column may be about.

    Attributes:
        words: matches the words of a name of this subject, as ``words_in`` gives them.
        chinese: matches a name of this subject as it is written.
        unit: of a number of this kind, "" where that is open.
        reason: as a schema holds it.
    """

    words: re.Pattern[str]
    chinese: re.Pattern[str]
    unit: str
    reason: Document


_SINCE = r"(?:months?|mths?|mo|m|monate|meses|mois|time|days|tage|dias|jours)(?: \w+)? (?:since|sin|seit|desde|depuis)"
_JOINTS = re.compile(
    r"[^a-zA-Z0-9]+|(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[a-zA-Z])(?=[0-9])|(?<=[0-9])(?=[a-zA-Z])"
)
_UNITS = (
    ("percent", r"pct|percent|percentage|prozent|porcentaje|pourcentage|porcentagem", "百分比|[(（]%[)）]"),
    (
        "months",
        r"(?<![0-9] )(?<!per )(?:months?|mths?|mo(?= sin)|m(?= since)|monaten?|meses|mois)",
        "[(（]月[)）]|月数",
    ),
    ("years", r"(?<![0-9] )(?<!per )(?:years?|yrs?|jahren?|anos|ans|annees)", "[(（]年[)）]|年限|年数"),
    ("days", r"(?<![0-9] )(?<!per )(?:days?|tagen?|dias|jours)", "[(（]天[)）]|天数"),
    ("USD", "usd|us dollars?", "美元"),
    ("EUR", "eur|euros?", "欧元"),
    ("CNY", "cny|rmb", "人民币|[(（]元[)）]"),
    *((code, code.lower(), "(?!)") for code in ("GBP", "CHF", "BRL", "MXN", "INR", "JPY", "TWD", "CAD", "AUD")),
)
_UNIT_MATCH = tuple(
    (unit, re.compile(rf"(?:^| )(?:{words})(?= |$)"), re.compile(chinese)) for unit, words, chinese in _UNITS
)


def words_in(name: str) -> str:
    """The words of a name in lower case, without accents and with spaces between: ``revolUtil`` as ``revol util``."""
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss"))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return " ".join(part.lower() for part in _JOINTS.split(plain) if part)


@functools.cache
def _subjects() -> tuple[Subject, ...]:
    """The shipped subjects, the closer ones first."""
    text = (resources.files("data_schemas") / COMMON_COLUMNS).read_text(encoding="utf-8")
    return tuple(map(_subject, json.loads(text)["subjects"]))


def _subject(entry: Document) -> Subject:
    words = "|".join(entry["words"]).replace("{since}", _SINCE)
    return Subject(
        words=re.compile(rf"(?:^| )(?:{words})(?= |$)"),
        chinese=re.compile("|".join(entry.get("chinese", ["(?!)"]))),  # (?!) matches nothing
        unit=entry.get("unit", ""),
        reason={key: entry[key] for key in ("code", "wording", "disclosable") if key in entry},
    )


def subject_of(name: str) -> Subject | None:
    """What a column of this name is about; None where its name tells nothing."""
    words = words_in(name)
    return next((one for one in _subjects() if one.words.search(words) or one.chinese.search(name)), None)


def names_bureau_score(*names: str) -> bool:
    """Whether any of a column's names is that of a credit bureau's score."""
    return any(found is not None and found.reason["code"] == SCORE_CODE for found in map(subject_of, names))


def unit_of(name: str) -> str:
    """The unit that a name states for its numbers: ``months`` of ``term_months``, "" of ``inquiries_6_months``."""
    words = words_in(name)
    return next((unit for unit, latin, chinese in _UNIT_MATCH if latin.search(words) or chinese.search(name)), "")


def with_reasons(document: Document) -> Document:
    """A drafted schema with a reason, and for numbers a unit, for every input whose name tells what it is about.

    What the draft states already is kept; the note on a column says what was added.
    """
    own = document["creditfusion"]
    fields = [field | {"creditfusion": _with_reason(field, field["creditfusion"])} for field in document["fields"]]
    changed = own | {"derived": [_derived(one) for one in own["derived"]]} if "derived" in own else own
    return document | {"fields": fields, "creditfusion": changed}


def _with_reason(field: Document, own: Document) -> Document:
    """The ``creditfusion`` object of a field with what its name adds."""
    if own["role"] not in ("feature", "narrative") or field["type"] == "date":
        return own
    subject = subject_of(field["name"])
    added: Document = {}
    if field["type"] in ("number", "integer") and "unit" not in own:
        unit = unit_of(field["name"]) or (subject.unit if subject else "")
        added |= {"unit": unit} if unit else {}
    if subject and "reason" not in own:
        added["reason"] = dict(subject.reason)
    guess = own["guess"] + (f" {NOTE}" if "reason" in added else "")
    return {key: value for key, value in own.items() if key != "guess"} | added | {"guess": guess}


def _derived(derived: Document) -> Document:
    """A derived feature with the reason of the first column that it is computed from."""
    subject = subject_of(derived["of"][0])
    if subject is None or "reason" in derived:
        return derived
    return derived | {"reason": dict(subject.reason), "guess": f"{derived['guess']}. {NOTE}"}
