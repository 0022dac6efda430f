"""`creditfusion augment` on the demo's applications, through the command line."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.augment.job import EXCERPT, Example, _excerpt
from experiments.augment.report import _side_by_side
from experiments.demo.data import generate
from tests.support.command_line import creditfusion
from tests.support.english import english_on
from tests.support.small_word_net import small_word_net

OPENING = "I need money for a car and my wife does not know of 5,000 dollars."
Augment = Callable[..., tuple[int, Path]]


@pytest.fixture
def augment(tmp_path: Path) -> Augment:
    """Runs the verb on 60 applications that all begin alike; the exit code and the page."""
    table = generate(60, seed=1).table
    table["statement"] = OPENING + " " + table["statement"].fillna("")
    data, page = tmp_path / "past.csv", tmp_path / "page.html"
    table.to_csv(data, index=False)
    net = small_word_net(tmp_path / "net")

    def run(*more: object) -> tuple[int, Path]:
        named = ("--schema", "demo", "--data", data, "--out", page, "--date", "2026-02-03", "--threads", 1)
        return creditfusion("augment", *named, "--set", f"augment.word_net={net}", *more), page

    return run


def text_of(page: Path) -> str:
    """The page's text."""
    return html.unescape(re.sub(r"<[^>]+>", "", page.read_text(encoding="utf-8")))


def test_examples_stand_side_by_side_with_what_is_replaced_marked(augment: Augment) -> None:
    code, page = augment("--rows", 20)
    assert code == 0
    source = page.read_text(encoding="utf-8")
    assert "<mark>car</mark>" in source
    assert "<mark>automobile</mark>" in source
    text = text_of(page)
    assert "I need money for a car and my wife does not know" in text
    assert "I need money for a automobile and my wife does not know" in text
    assert "This page holds texts of applicants" in text
    assert "What stays as it is" in text


def test_the_summary_and_the_log_hold_no_text(augment: Augment, capsys: pytest.CaptureFixture[str]) -> None:
    code, page = augment("--rows", 20, "--kind", "dropout", "--json")
    assert code == 0
    summary = json.loads(capsys.readouterr().out)
    counts = summary["kinds"]["dropout"]
    assert summary["read"] == 20
    assert 0 < counts["replaced"] < counts["words"]
    assert counts["unchanged"] < counts["narratives"]
    log = page.with_name("page.html.log.jsonl").read_text()
    for word in ("wife", "automobile", "5,000 dollars"):
        assert word not in log
        assert word not in json.dumps(summary)


def test_rows_that_break_the_contract_are_kept_in_a_file(augment: Augment) -> None:
    data = augment()[1].with_name("past.csv")
    lines = data.read_text(encoding="utf-8").splitlines()
    data.write_text("\n".join([*lines, lines[1]]) + "\n", encoding="utf-8")
    code, page = augment("--force")
    assert code == 3
    rejects = page.with_name("page.html.rejects.csv").read_text(encoding="utf-8")
    assert len(rejects.splitlines()) == 2
    assert lines[1].split(",")[0] in rejects


def test_a_chinese_page_holds_no_english_of_ours(augment: Augment) -> None:
    code, page = augment("--rows", 20, "--kind", "dropout", "--kind", "synonyms", "--language", "zh")
    assert code == 0
    narratives = page.with_name("past.csv").read_text(encoding="utf-8")
    of_data = {"past", "csv", "Instalment", "loans", "automobile", *re.findall("[A-Za-z]+", narratives)}
    assert not english_on(page.read_text(encoding="utf-8"), frozenset(of_data))


def test_equal_input_gives_equal_bytes(augment: Augment) -> None:
    first = augment()[1].read_bytes()
    assert augment("--force")[1].read_bytes() == first


def test_kinds_come_from_the_option_else_from_the_settings(augment: Augment) -> None:
    tuned = ("--set", "encoder.tuning=lora", "--set", 'augment.kinds=["dropout"]')
    assert "Synonyms" not in text_of(augment(*tuned)[1])
    assert "Synonyms" in text_of(augment("--kind", "synonyms", "--force")[1])


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--kind", "translation"), "there is no kind of augmentation 'translation'"),
        (("--kind", "masked_words"), "the encoder embedded cannot name masked words"),
        (("--kind", "back_translation"), "augment.there: back-translation needs it"),
        (("--kind", "synonyms", "--set", "augment.word_net=nowhere"), "nowhere lacks index.noun"),
        (("--set", "augment.rate=0"), "greater than 0"),
        (("--set", 'augment.kinds=["dropout"]'), "nothing learns from variants while encoder.tuning is 'none'"),
    ],
)
def test_what_is_missing_is_named(
    augment: Augment, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], message: str
) -> None:
    code, page = augment(*more)
    assert code == 2
    assert message in capsys.readouterr().err
    assert not page.exists()


def test_a_page_is_not_replaced_unasked(augment: Augment, capsys: pytest.CaptureFixture[str]) -> None:
    augment()
    assert augment()[0] == 2
    assert "page.html exists" in capsys.readouterr().err


def test_masked_sentences_are_cut_first(augment: Augment) -> None:
    text = text_of(augment("--set", 'text.mask=["family"]', "--kind", "dropout")[1])
    assert "wife" not in text


def test_of_a_long_narrative_a_stretch_around_the_first_edit_is_shown() -> None:
    text = "word " * 300
    example = _excerpt(text, [(1000, 1004, "other"), (1490, 1494, "more")])
    assert len(example.text) <= EXCERPT
    (edit,) = example.edits
    assert example.text[edit[0] : edit[1]] == "word"
    assert edit[2] == "other"
    old, new = _side_by_side(Example("a car.", ((2, 5, "auto"),)))
    assert [(one.text, one.marked) for one in old.passages] == [("a ", False), ("car", True), (".", False)]
    assert [(one.text, one.marked) for one in new.passages] == [("a ", False), ("auto", True), (".", False)]
