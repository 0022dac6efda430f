from __future__ import annotations

import re
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.reporting.decision.index import Link
from experiments.reporting.file_names import file_name, stem
from tests.support.hostile import HOSTILE

IDS = ["4711", "A-1", "a-1", "A_1", "A/1", "A.1", "A 1", "../A", "..", ".", "", " ", "Ä1", "A1", "CON", "con", "-", "~"]


@pytest.mark.parametrize(
    ("applicant", "name"),
    [
        ("4711", "4711-underwriter.html"),
        ("LN-2024-0001", "LN-2024-0001-underwriter.html"),
        ("a/b", "a-b~c14cddc033f64b9d-underwriter.html"),
    ],
)
def test_file_names(applicant: str, name: str) -> None:
    assert file_name(applicant, "underwriter", "html") == name


@pytest.mark.parametrize("applicant", [*IDS, *HOSTILE.values()])
def test_names_are_safe(applicant: str) -> None:
    name = file_name(applicant, "validator", "json")
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_~-]{0,80}-validator\.json", name)
    assert Link(words="validator", file=name).file == name


def test_distinct_ids_have_distinct_names() -> None:
    for one, other in combinations(IDS, 2):
        assert stem(one).lower() != stem(other).lower(), (one, other)


@given(st.text(max_size=12), st.text(max_size=12))
def test_distinct_texts_have_distinct_names(one: str, other: str) -> None:
    assert (stem(one).lower() == stem(other).lower()) == (one == other)


def test_an_id_cannot_take_the_name_of_another() -> None:
    assert stem(stem("a/b")) != stem("a/b")
    assert stem("a/b").lower() != stem(stem("a/b").upper()).lower()
