"""Narratives of made-up applicants, copies of them, and stores that know them; shared by the tests of rings."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby, product
from pathlib import Path

import numpy as np
import pandas as pd

from data_schemas.contract import Schema
from data_schemas.reader import parse_schema
from features.design import TextBlock
from features.tables.applications import Applications
from fusion.watch.copies.store import Store
from fusion.watch.part import Batch

WORDS = tuple(map("".join, product(["ba", "ce", "di", "fo", "gu", "ka", "le", "mi", "no", "pu"], repeat=3)))
FIELDS = [
    {"name": "id", "type": "string", "creditfusion": {"role": "id"}},
    {"name": "asked", "type": "date", "creditfusion": {"role": "decision_date"}},
    {"name": "person", "type": "string", "creditfusion": {"role": "group"}},
    {"name": "note", "type": "string", "creditfusion": {"role": "narrative"}},
]


@dataclass(frozen=True)
class Row:
    """An application: its id, narrative, applicant ("" for an own one), day of decision, and employer."""

    id: str
    note: str
    person: str = ""
    day: str = "2026-03-01"
    employer: str = ""


def schema() -> Schema:
    """Of ``Row``, but for the employer, who stands beside it."""
    content = {"fields": FIELDS, "creditfusion": {"version": 1, "name": "copied"}}
    return parse_schema(json.dumps(content), "copied")


def narrative(n_words: int, seed: int) -> str:
    """A text of words drawn at random."""
    return " ".join(random.Random(seed).choices(WORDS, k=n_words))


def exchanged(text: str, seed: int, share: float = 0.1) -> str:
    """A copy of which this share of the words, and one at least, are others."""
    drawn, words = random.Random(seed), text.split()
    for at in drawn.sample(range(len(words)), max(1, round(share * len(words)))):
        words[at] = drawn.choice(WORDS)
    return " ".join(words)


def batch(rows: Sequence[Row], file: str = "new.csv", first: int = 1) -> Batch:
    """Rows of one day as a batch; first: number of the first row."""
    frame = pd.DataFrame(
        {
            "id": np.array([row.id for row in rows], dtype=object),
            "asked": np.array([row.day for row in rows], dtype="datetime64[s]"),
            "person": np.array([row.person for row in rows], dtype=object),
            "note": np.array([row.note for row in rows], dtype=object),
        }
    ).astype({"id": object, "person": object, "note": object})
    applications = Applications(schema(), frame, np.arange(first, first + len(rows), dtype=np.int64))
    employers = np.array([row.employer for row in rows], dtype=object)
    read = Batch(rows[0].day, file, applications, TextBlock.empty(len(rows)))
    return replace(read, beside={"employer": employers})


def store_of(folder: Path, *files: Sequence[Row], chunk: int = 1000) -> tuple[Store, list[str]]:
    """A store that keeps these files, and their digests; chunk: rows that are read at once, all of one day."""
    store, digests = Store(folder, ("employer",)), []
    for number, rows in enumerate(files):
        for _, own in groupby(enumerate(rows), key=lambda line: line[1].day):
            lines = list(own)
            for start in range(0, len(lines), chunk):
                part = lines[start : start + chunk]
                store.observe(batch([row for _, row in part], f"{number}.csv", part[0][0] + 1))
        digests.append(f"digest{number}")
        store.keep(digests[-1])
    return store, digests
