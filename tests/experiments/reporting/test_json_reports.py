from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from experiments.reporting.decision.index import IndexEntry, Link
from experiments.reporting.decision.underwriter import Sentence
from experiments.reporting.json_reports import Report, json_schema, parse_report
from experiments.reporting.parts import Fact
from tests.support import example_reports, example_study

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES: list[Callable[[], Report]] = [
    example_reports.underwriter,
    example_reports.notice,
    example_reports.validator,
    example_reports.index,
    example_study.report,
]


@pytest.mark.parametrize("example", EXAMPLES)
def test_json_is_canonical(example: Callable[[], Report]) -> None:
    report = example()
    text = report.model_dump_json()
    assert parse_report(text).model_dump() == report.model_dump()
    assert parse_report(text).model_dump_json() == text


@pytest.mark.parametrize("example", EXAMPLES)
def test_json_follows_the_published_schema(example: Callable[[], Report]) -> None:
    schema = json.loads((ROOT / "docs" / "reports.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    document = json.loads(example().model_dump_json())
    validator.validate(document)
    assert document["report"] in ("underwriter", "applicant", "validator", "index", "sweep")
    assert document["version"] == 1
    assert not validator.is_valid(document | {"unknown": 1})
    assert not validator.is_valid(document | {"version": 2})


def test_published_schema_is_what_the_module_prints() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "experiments.reporting"], cwd=ROOT, capture_output=True, check=True
    ).stdout.decode()
    assert printed == json_schema() == (ROOT / "docs" / "reports.schema.json").read_text(encoding="utf-8")


def test_reports_are_frozen_and_closed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        example_reports.index().n_review = 3  # type: ignore[misc]  # that it fails is the test
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        Fact.model_validate({"title": "Term", "value": 36.0, "colour": "red"})
    with pytest.raises(ValidationError, match="finite"):
        Fact(title="Term", value=float("nan"))


@pytest.mark.parametrize(
    ("cell", "kept"), [(1, 1.0), (True, True), (36.5, 36.5), ("1", "1"), ("", ""), (None, None), (0, 0.0)]
)
def test_values_keep_their_type(cell: object, kept: object) -> None:
    fact = Fact.model_validate({"title": "x", "value": cell})
    assert (type(fact.value), fact.value) == (type(kept), kept)
    assert Fact.model_validate_json(fact.model_dump_json()) == fact


def test_text_that_no_encoding_carries_is_mended() -> None:
    text = "a\x00b\ud800c\ud83d\ude00 \udfff"
    sentence = Sentence(text=text, points=0.0, error=0.0, concept=None)
    assert sentence.text == "a\x00b\ufffdc\U0001f600 \ufffd"
    assert Sentence.model_validate_json(sentence.model_dump_json()) == sentence


def test_a_megabyte_stands_whole_in_the_json() -> None:
    text = "no comma " * 120_000
    sentence = Sentence(text=text, points=0.0, error=0.0, concept=None)
    assert json.loads(sentence.model_dump_json())["text"] == text


@pytest.mark.parametrize(
    ("key", "value", "match"),
    [
        ("narrative_points", 1.0, "narrative_points: the parts give"),
        ("starting_score", 620.0, "score: the parts give"),
        ("cut_off", {"pd": 0.2, "score": 500.0, "distance": 12.0}, "distance: the parts give"),
        ("columns", (), "score: the parts give"),
        ("sources", example_reports.underwriter().sources[:1], "sources: the parts give"),
        ("report", "validator", "Input should be 'underwriter'"),
        ("version", 2, "Input should be 1"),
    ],
)
def test_an_underwriter_report_adds_up(key: str, value: object, match: str) -> None:
    report = example_reports.underwriter()
    with pytest.raises(ValidationError, match=match):
        type(report).model_validate(report.model_dump() | {key: value})


def test_sentences_sum_to_their_narrative() -> None:
    narrative = example_reports.underwriter().narratives[0].model_dump()
    report = example_reports.underwriter().model_dump()
    broken = narrative | {"sentences": narrative["sentences"][1:]}
    with pytest.raises(ValidationError, match="statement: the parts give"):
        type(example_reports.underwriter()).model_validate(report | {"narratives": (broken, *report["narratives"][1:])})


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"edges": (1.0, 2.0)}, "edges must rise"),
        ({"edges": tuple(float(-i) for i in range(27))}, "edges must rise"),
        ({"band": 11}, "bands must be numbered"),
    ],
)
def test_a_population_fits(changes: dict[str, object], match: str) -> None:
    population = example_reports.population()
    with pytest.raises(ValidationError, match=match):
        type(population).model_validate(population.model_dump() | changes)


@pytest.mark.parametrize(("key", "value"), [("total", 0.0), ("reconciliation", 0.1), ("base", 1.0)])
def test_a_validator_report_adds_up(key: str, value: float) -> None:
    report = example_reports.validator()
    with pytest.raises(ValidationError, match="the parts give"):
        type(report).model_validate(report.model_dump() | {key: value})


def test_parts_of_a_contribution_add_up() -> None:
    part = example_reports.validator().contributions[0]
    with pytest.raises(ValidationError, match="dti: the parts give"):
        type(part).model_validate(part.model_dump() | {"head": 0.5})


def test_the_index_counts_right() -> None:
    report = example_reports.index()
    with pytest.raises(ValidationError, match="must be \\(2, 1, 1, 0\\)"):
        type(report).model_validate(report.model_dump() | {"n_approved": 3})
    empty = {"entries": (), "n_approved": 0, "n_declined": 0, "n_review": 0}
    assert type(report).model_validate(report.model_dump() | empty).entries == ()
    assert isinstance(report.entries[0], IndexEntry)


@pytest.mark.parametrize("file", ["../up.html", "javascript:alert(1)", "a/b.html", "", ".hidden", "a b.html"])
def test_links_stay_in_the_folder(file: str) -> None:
    with pytest.raises(ValidationError, match="should match pattern"):
        Link(words="underwriter", file=file)


def test_a_notice_has_at_most_four_reasons() -> None:
    notice = example_reports.notice()
    with pytest.raises(ValidationError, match="at most 4"):
        type(notice).model_validate(notice.model_dump() | {"reasons": notice.model_dump()["reasons"] * 2})
