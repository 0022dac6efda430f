from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_schemas.contract import StripRule
from data_schemas.errors import ContractError, RunError
from features.language.corpus import FEWEST, Corpus, cleaned, narratives, plain_texts
from tests.support.small import applications, row

TEXTS = [f"I need {n} loans." for n in range(200)]


def test_a_text_is_kept_once_whatever_its_capitals_and_white_space() -> None:
    corpus = Corpus.of(["A car.", "a  CAR.", "", "  ", "A house.", "A car."])
    assert sorted(corpus.texts) == ["A car.", "A house."]
    assert corpus.n_read == 4


@given(st.permutations(TEXTS[:30]))
def test_the_order_of_the_rows_plays_no_part(texts: list[str]) -> None:
    assert Corpus.of(texts) == Corpus.of(TEXTS[:30])
    assert Corpus.of(texts).digest == Corpus.of(TEXTS[:30]).digest


def test_another_text_is_another_corpus() -> None:
    assert Corpus.of(TEXTS).digest != Corpus.of(TEXTS[1:]).digest


@given(st.lists(st.text(min_size=1), min_size=FEWEST, max_size=60), st.integers(0, 2**32))
def test_no_text_stands_on_both_sides(texts: list[str], seed: int) -> None:
    corpus = Corpus.of([f"{n} {text}" for n, text in enumerate(texts)])
    training, validation = corpus.split(0.2, seed)
    assert validation
    assert sorted([*training, *validation]) == sorted(corpus.texts)


def test_a_text_stays_on_its_side_when_others_come() -> None:
    few, many = (set(Corpus.of(texts).split(0.2, 1)[1]) for texts in (TEXTS[:100], TEXTS))
    assert few == many & set(TEXTS[:100])
    assert 0.1 * len(TEXTS) < len(many) < 0.3 * len(TEXTS)


def test_another_seed_holds_out_others() -> None:
    corpus = Corpus.of(TEXTS)
    assert corpus.split(0.2, 1)[1] != corpus.split(0.2, 2)[1]


def test_too_few_texts_are_refused() -> None:
    with pytest.raises(ContractError, match="hold 1 different texts, too few to learn from"):
        Corpus.of(["A car."] * 100).split(0.1, 0)


def test_narratives_are_those_that_a_model_reads(tmp_path: Path) -> None:
    rows = [row(id=str(n), note=note) for n, note in enumerate(["A &amp; B\x07.", "", "NA", "A  car."])]
    assert narratives(applications(tmp_path, rows)) == ["A & B.", "A car."]


def test_lines_are_texts_and_where_blank_lines_part_them_paragraphs_are(tmp_path: Path) -> None:
    path = tmp_path / "texts.txt"
    path.write_bytes("\ufeffone\r\ntwo, \u00fc\r\n".encode())
    assert plain_texts(path, None) == ["one", "two, ü"]
    path.write_text("one\nand on\n \n\n\ntwo\n\n")
    assert plain_texts(path, None) == ["one\nand on", "two"]


def test_another_encoding_is_read_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "texts.txt"
    path.write_bytes("贷款\n房子".encode("gb18030"))
    assert plain_texts(path, "gb18030") == ["贷款", "房子"]
    with pytest.raises(ContractError, match=r"texts\.txt, line 1: not UTF-8"):
        plain_texts(path, None)
    with pytest.raises(ContractError, match="--encoding klingon is unknown"):
        plain_texts(path, "klingon")
    with pytest.raises(RunError, match="cannot be read: No such file"):
        plain_texts(tmp_path / "absent.txt", None)


def test_strip_rules_cut_plain_texts_too() -> None:
    assert cleaned(["Borrower added on 1/2/10 > A car."], [StripRule(r"Borrower added on \S+ >", "a date")]) == [
        "A car."
    ]
