"""Every damaged input gives what its case says, and no row is lost."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from data_schemas.reader import load_schema
from features.tables.reader import read_all, read_chunks
from tests.support.damage import CASES, Case, as_markdown


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_damaged_input(case: Case, tmp_path: Path) -> None:
    path, schema = case.write(tmp_path), load_schema("demo")
    if case.error is not None:
        with pytest.raises(case.error, match=re.escape(case.match)):
            list(read_chunks(path, schema, case.options))
        return
    chunk = read_all(path, schema, case.options)
    rejects = chunk.rejects.frame
    found = dict(zip(rejects["row"], zip(rejects["column"], rejects["rule"], strict=True), strict=True))
    assert found == dict(case.rejected)
    assert sorted([*chunk.applications.row_number, *rejects["row"]]) == list(range(1, case.n_rows + 1))
    assert all(". " in message for message in rejects["message"])  # what is wrong, then the remedy
    assert all(rejects["original"])


def test_the_documented_table_is_current() -> None:
    """Write it anew with ``python -m tests.support.damage > docs/damaged-inputs.md``."""
    page = Path(__file__).parents[3] / "docs" / "damaged-inputs.md"
    assert page.read_text(encoding="utf-8") == as_markdown()


def test_there_are_at_least_25_cases_with_distinct_names() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 25
