"""What a benchmark has to know of a data set: its data contract, written short, and which rows are for the test."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import pandas as pd

from features.arrays import Flags

TEST_TENTHS = 3
Document = dict[str, Any]


@dataclass(frozen=True)
class Hashed:
    """Three tenths of the rows are for the test, drawn by a hash: equal cells stay together.

    Attributes:
        column: The column that is hashed, as it is written.
    """

    column: str

    def test_rows(self, frame: pd.DataFrame) -> Flags:
        """bool (n,): the rows for the test."""
        return frame[self.column].map(lambda cell: _tenth(cell) < TEST_TENTHS).to_numpy(dtype=bool)


@dataclass(frozen=True)
class Since:
    """The rows decided from a day on are for the test.

    Attributes:
        column: The day of the decision.
        date_format: As ``strptime`` reads it.
        day: ISO date.
    """

    column: str
    date_format: str
    day: str

    def test_rows(self, frame: pd.DataFrame) -> Flags:
        """bool (n,): the rows for the test."""
        decided = pd.to_datetime(frame[self.column], format=self.date_format)
        return (decided >= pd.Timestamp(self.day)).to_numpy(dtype=bool)


Split = Hashed | Since


@dataclass(frozen=True)
class Target:
    """The outcome.

    Attributes:
        column: Its column.
        bad: Cells that count as bad.
        good: Cells that count as good.
    """

    column: str
    bad: tuple[str, ...]
    good: tuple[str, ...]


@dataclass(frozen=True)
class Years:
    """A derived feature: years between two dates.

    Attributes:
        name: Of the feature.
        first: Column of the first date, which is no input by itself.
        date_format: Of that column.
        second: Column of the second date: the day of decision.
    """

    name: str
    first: str
    date_format: str
    second: str


@dataclass(frozen=True)
class DataSet:
    """A data set, with what a lender would know of an application when it is decided.

    Attributes:
        name: Of the set, and of its variants.
        title: What its rows are.
        rows: Reads the folder of the sources: all decided rows, every cell as text.
        id: The column that names a row.
        target: The outcome; None where the contract is a shipped one.
        split: Which rows are for the test.
        numbers: Columns of numbers.
        flags: Columns of two values, yes or no.
        categories: Columns of levels.
        narratives: Columns of free text.
        labels: Narratives that are names of something and speak of nothing, such as job titles.
        decided: Column and format of the decision date, if there is one.
        years: Features made of dates.
        protected: Columns that a lender must not use.
        left_out: Columns of the file that were not known, or say nothing, by the reason why.
        missing: Cells that mean missing in any column, beside the empty one.
        strip: What is cut from narratives: a pattern, and why.
        shipped: Name of the shipped contract, where there is one: then the columns are that one's.
    """

    name: str
    title: str
    rows: Callable[[Path], pd.DataFrame]
    id: str
    split: Split
    target: Target | None = None
    numbers: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    narratives: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    decided: tuple[str, str] | None = None
    years: tuple[Years, ...] = ()
    protected: tuple[str, ...] = ()
    left_out: Mapping[str, tuple[str, ...]] | None = None
    missing: tuple[str, ...] = ()
    strip: tuple[tuple[str, str], ...] = ()
    shipped: str = ""

    def schema(self) -> str:
        """The data contract, as the JSON text of a schema file."""
        if self.shipped:
            return (resources.files("data_schemas") / f"{self.shipped}.schema.json").read_text(encoding="utf-8")
        document, words = _document(self), words_of(self.name)
        for field in document["fields"]:
            _put_in_words(field, words.get(field["name"], {}))
        return json.dumps(document, ensure_ascii=False, indent=1)


def words_of(name: str) -> Mapping[str, Document]:
    """What reports and letters call the columns of a set, from ``words/NAME.toml``; nothing where there is no file."""
    file = resources.files("experiments.benchmarks.data_sets") / "words" / f"{name}.toml"
    return tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def published(folder: str, file: str = "") -> Callable[[Path], pd.DataFrame]:
    """Reads ``folder/file.csv.gz`` of the sources; ``file`` is named as its folder unless it is given."""
    return lambda source: read_cells(source / folder / f"{file or folder}.csv.gz")


def read_cells(path: Path) -> pd.DataFrame:
    """A CSV file, every cell as it is written."""
    return pd.read_csv(path, dtype=str, keep_default_na=False, na_filter=False).astype(object)


def _tenth(cell: str) -> int:
    """0 to 9, by the first eight digits of the SHA-256 of the cell."""
    return int(hashlib.sha256(cell.encode("utf-8")).hexdigest()[:8], 16) % 10


def _document(of: DataSet) -> Document:
    fields = [_field(of.id, "string", "id")]
    if of.decided:
        fields.append(_field(of.decided[0], "date", "decision_date", date_format=of.decided[1]))
    fields += _fields(of.numbers, "number", "feature")
    fields += _fields(of.flags, "boolean", "feature")
    fields += _fields(of.categories, "string", "feature")
    fields += [_field(one.first, "date", "feature", date_format=one.date_format) for one in of.years]
    fields += _fields(of.narratives, "string", "narrative")
    fields += [_field(name, "string", "narrative", concepts=False) for name in of.labels]
    fields += _fields(of.protected, "string", "protected")
    for why, names in (of.left_out or {}).items():
        fields += [_field(name, "string", "ignored") | {"description": why} for name in names]
    own: Document = {"version": 1, "name": of.name}
    if of.target:
        fields.append(_field(of.target.column, "string", "target"))
        own |= {"bad_values": list(of.target.bad), "good_values": list(of.target.good)}
    if of.strip:
        own["strip"] = [{"pattern": pattern, "why": why} for pattern, why in of.strip]
    if of.years:
        own["derived"] = [{"name": y.name, "kind": "years_between", "of": [y.first, y.second]} for y in of.years]
    return {"title": of.title, "missingValues": ["", *of.missing], "fields": fields, "creditfusion": own}


def _fields(names: Iterable[str], kind: str, role: str) -> list[Document]:
    return [_field(name, kind, role) for name in names]


def _put_in_words(field: Document, words: Document) -> None:
    """Title, unit, reason and labels of a column as its words have them; the reason's code is the name in capitals."""
    own = field["creditfusion"]
    field |= {"title": words["title"]} if "title" in words else {}
    own |= {key: words[key] for key in ("unit", "actionable", "labels", "bureau_score", "concepts") if key in words}
    if "wording" in words:
        code = re.sub(r"[^A-Z0-9]+", "_", str(field["name"]).upper())
        own["reason"] = {"code": code} | {
            key: words[key] for key in ("wording", "low", "high", "missing") if key in words
        }


def _field(name: str, kind: str, role: str, date_format: str = "", concepts: bool = True) -> Document:
    own = {"role": role} if concepts else {"role": role, "concepts": False}
    return {"name": name, "type": kind, **({"format": date_format} if date_format else {}), "creditfusion": own}
