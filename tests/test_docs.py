"""The pages in docs/: what they name exists, and every docstring becomes a part of the API reference."""

from __future__ import annotations

import importlib.util
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import griffe
import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
PACKAGES = ("data_schemas", "features", "fusion", "experiments")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT / "docs")))
def test_files_and_modules_that_a_page_names_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    floors = "|".join((*PACKAGES, "tests", "docs", "examples"))
    for path in re.findall(rf"`((?:{floors})/[\w./-]+)`", text):
        assert (ROOT / path).exists(), path
    for module in re.findall(rf"python -m ((?:{floors})[\w.]*)", text) + re.findall(
        rf"^from ((?:{floors})[\w.]*) import", text, flags=re.MULTILINE
    ):
        assert importlib.util.find_spec(module), module


def test_every_page_has_its_place_in_the_navigation() -> None:
    placed = re.findall(r": (\S+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert sorted(placed) == sorted(str(page.relative_to(ROOT / "docs")) for page in PAGES)


def test_every_room_stands_in_the_table_of_rooms() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rooms = {f"{folder.parent.name}/{folder.name}/" for name in PACKAGES for folder in (ROOT / name).glob("[a-z]*/")}
    assert set(re.findall(r"^\| `(\w+/\w+/)` \|", text, flags=re.MULTILINE)) == rooms


def test_docstrings_become_reference_without_warnings(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="griffe"):
        for name in PACKAGES:
            package = griffe.load(name, search_paths=[ROOT], docstring_parser="google")
            assert isinstance(package, griffe.Module)
            assert sum(1 for one in _documented(package) if one.parsed) > 10, name
    assert [record.getMessage() for record in caplog.records] == []


def _documented(parent: griffe.Module | griffe.Class) -> Iterator[griffe.Docstring]:
    """The docstrings of a module or class and of all inside."""
    if parent.docstring:
        yield parent.docstring
    for member in parent.members.values():
        if isinstance(member, griffe.Module | griffe.Class):
            yield from _documented(member)
        elif isinstance(member, griffe.Function) and member.docstring:
            yield member.docstring
