"""Words of private life: whole, with any ending, in expressions, in scripts without spaces."""

from __future__ import annotations

import pytest

from data_schemas.concepts import Sensitive
from features.narratives.kind_words import KindWords

HEALTH, FAMILY = Sensitive("health"), Sensitive("family")
WORDS = KindWords.of(
    [(HEALTH, "surgery"), (HEALTH, "cancer*"), (HEALTH, "heart attack*"), (FAMILY, "i've a child"), (FAMILY, "离婚")]
)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("After SURGERY I pay it back.", {HEALTH}),
        ("neurosurgery tools", set()),
        ("cancerous", {HEALTH}),
        ("two heart attacks", {HEALTH}),
        ("heart and attack", set()),
        ("I’ve a child in surgery", {FAMILY, HEALTH}),
        ("我离婚了", {FAMILY}),
        ("", set()),
    ],
)
def test_a_text_has_the_kinds_of_its_words(text: str, kinds: set[Sensitive]) -> None:
    assert WORDS.kinds([text, "nothing of the kind"]) == [kinds, set()]


def test_without_words_no_text_has_a_kind() -> None:
    assert KindWords.of([]).kinds(["surgery", "离婚"]) == [set(), set()]
