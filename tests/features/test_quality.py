"""Data-quality flags say what a row lacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.quality import data_quality
from tests.small import NAMES, applications, row

ALL = "income,amount,loans,owner,home,town,since"


def test_flags(tmp_path: Path) -> None:
    nothing = dict.fromkeys(ALL.split(","), "")
    rows = [
        row(id="1"),
        row(id="2", note=" "),
        row(id="3", income="NA", town=""),
        row(id="4", home="boat", town="Atlantis"),
        row(id="5", note="", home="boat", since=""),
        row(id="6", **nothing),
        row(id="7", note="", **nothing),
    ]
    assert data_quality(applications(tmp_path, rows)) == [
        "",
        "no_narrative",
        "missing:income,town",
        "unknown_category:home",
        "no_narrative;missing:since;unknown_category:home",
        f"narrative_only;missing:{ALL}",
        f"no_narrative;missing:{ALL}",
    ]


def test_no_rows(tmp_path: Path) -> None:
    assert data_quality(applications(tmp_path, [])) == []


@pytest.mark.parametrize("name", ["sex", "clerk", "outcome"])
def test_columns_that_are_no_input_are_not_flagged(tmp_path: Path, name: str) -> None:
    assert name in NAMES
    assert data_quality(applications(tmp_path, [row(**{name: ""})])) == [""]
