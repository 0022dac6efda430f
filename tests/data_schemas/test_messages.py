"""Messages of the lower floors: English by themselves, whole as JSON, and each in the catalogue of messages."""

from __future__ import annotations

import ast
from importlib import resources
from pathlib import Path
from string import Formatter

import pytest
from pydantic import TypeAdapter

from data_schemas.messages import Message, Number, SchemaWord, message, with_commas, with_semicolons
from experiments.reporting.messages import LOWER_FLOORS, shipped_template

NESTED = message(
    "{words}; mainly by {columns}",
    words=message("{n} of {total} rows", n=Number(1234, ","), total=Number(0.5, ".1%")),
    columns=with_commas(["a", SchemaWord("b_c"), "d"]),
)


def test_a_message_is_its_english_sentence() -> None:
    assert str(NESTED) == "1,234 of 50.0% rows; mainly by a, b_c, d"
    assert str(with_semicolons(["one", "two"])) == "one; two"
    assert str(Number(35.0, ".10g", "years")) == "35 years"


def test_a_value_with_braces_is_no_template() -> None:
    assert str(message("{name} missing", name="{income}")) == "{income} missing"


def test_a_message_is_the_same_after_json() -> None:
    adapter = TypeAdapter(Message)
    assert adapter.validate_json(adapter.dump_json(NESTED)) == NESTED


def calls() -> list[tuple[str, ast.Call]]:
    """Every call of ``message`` or ``Message`` on the lower floors but for where they are defined, with its place."""
    found = []
    for floor in LOWER_FLOORS:
        for path in sorted(Path(str(resources.files(floor))).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            if "data_schemas.messages" in text:
                found += [
                    (f"{path.name}:{node.lineno}", node)
                    for node in ast.walk(ast.parse(text))
                    if isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Name)
                    and node.func.id in ("message", "Message")
                ]
    return found


@pytest.fixture(scope="module")
def known() -> set[str]:
    """All messages of the code."""
    return {one.id for one in shipped_template() if isinstance(one.id, str)}


def test_every_sentence_of_a_lower_floor_is_a_literal_that_the_catalogue_holds(known: set[str]) -> None:
    assert len(calls()) > 40
    for place, call in calls():
        (template,) = call.args
        assert isinstance(call.func, ast.Name)
        assert call.func.id == "message", place
        assert isinstance(template, ast.Constant), f"{place}: the template is no literal"
        assert template.value in known, f"{place}: the catalogue lacks {template.value!r}"


def test_every_sentence_of_a_lower_floor_names_what_fills_it() -> None:
    for place, call in calls():
        names = [name for _, name, _, _ in Formatter().parse(ast.literal_eval(call.args[0])) if name is not None]
        assert sorted(names) == sorted(str(one.arg) for one in call.keywords), place
