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
"""In the note on a column whose reason was drafted."""

VAGUE_NOTE = "Its name may mean several things, so no reason was drafted: give it one that says which."

SCORE_NOTE = (
    'Is it a credit bureau\'s score? Letters then have to disclose it: add "bureau_score" with its agency, lowest and '
    'highest, or "bureau_score": false if it is none.'
)

LABEL_NOTE = "A name of something, so it matches no concept: delete `concepts` if applicants write sentences there."

ACTIONABLE_NOTE = "Can an applicant change it ({way})? Delete `actionable` where not."


@dataclass(frozen=True)
class Subject:
    """What a column may be about.

    Attributes:
        words: matches the words of a name of this subject, as ``words_in`` gives them.
        chinese: matches a name of this subject as it is written.
        unit: of a number of this kind, "" where that is open.
        reason: as a schema holds it.
        actionable: which way an applicant can move a number of this kind, "" where none can be drafted.
        vague: matches the words of a name that may well mean something else, so that nobody is written to by it before
            a person has said what it is.
        label: whether a text of this kind names something, such as a job, and states nothing.
    """

    words: re.Pattern[str]
    chinese: re.Pattern[str]
    unit: str
    reason: Document
    actionable: str
    vague: re.Pattern[str]
    label: bool = False

    def is_whole(self, name: str) -> bool:
        """Whether all of a name is of this subject: "percent never delinquent" is no number of late payments."""
        return self.words.fullmatch(words_in(name)) is not None or self.chinese.fullmatch(name) is not None

    def is_vague(self, name: str) -> bool:
        """Whether a name of this subject may well be that of something else, as a bare "duration" is."""
        return self.vague.fullmatch(words_in(name)) is not None


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
        actionable=entry.get("actionable", ""),
        vague=re.compile("|".join(entry.get("vague", ["(?!)"]))),
        label=entry.get("label", False),
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
    name, found = field["name"], subject_of(field["name"])
    subject = found if found and not found.is_vague(name) else None
    added, notes = Document(), [own["guess"]]
    is_number = field["type"] in ("number", "integer")
    if is_number and "unit" not in own:
        unit = unit_of(name) or (subject.unit if subject else "")
        added |= {"unit": unit} if unit else {}
    if found and "reason" not in own:
        added |= {"reason": dict(subject.reason)} if subject else {}
        notes.append(NOTE if subject else VAGUE_NOTE)
    if is_number and subject and subject.actionable and subject.is_whole(name) and "actionable" not in own:
        added["actionable"] = subject.actionable
        notes.append(ACTIONABLE_NOTE.format(way=subject.actionable))
    if own["role"] == "narrative" and found and found.label and found.is_whole(name) and "concepts" not in own:
        added["concepts"] = False
        notes.append(LABEL_NOTE)
    if is_number and own["role"] == "feature" and names_bureau_score(name) and "bureau_score" not in own:
        notes.append(SCORE_NOTE)
    return {key: value for key, value in own.items() if key != "guess"} | added | {"guess": " ".join(notes)}


def _derived(derived: Document) -> Document:
    """A derived feature with the reason of the first column that it is computed from."""
    subject = subject_of(derived["of"][0])
    if subject is None or subject.is_vague(derived["of"][0]) or "reason" in derived:
        return derived
    return derived | {"reason": dict(subject.reason), "guess": f"{derived['guess']}. {NOTE}"}
