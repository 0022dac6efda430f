"""Messages of the lower floors in the language of a page."""

from __future__ import annotations

from gettext import NullTranslations

import pytest
from babel import Locale

from data_schemas.messages import Number, SchemaWord, Value, message, with_commas, with_semicolons
from experiments.reporting.catalogues import language_of
from experiments.reporting.language import Language, speaking
from experiments.reporting.lower_floors import translated

MOVED = message(
    "{name}: PSI {psi}, most moved: {cells}",
    name="missing",  # a column, named like a word of ours
    psi=Number(0.144, ".3f"),
    cells=with_semicolons(
        [
            message(
                "{cell}: {then} → {now}",
                cell=message("above {low} to {high}", low=Number(0.266, ",.6g"), high=Number(0.315, ",.6g")),
                then=Number(0.098, ".1%"),
                now=Number(0.032, ".1%"),
            ),
            message(
                "{cell}: {then} → {now}",
                cell=SchemaWord("other"),
                then=Number(0.0, ".1%"),
                now=Number(0.01, ".1%"),
            ),
        ]
    ),
)


@pytest.mark.parametrize(
    ("value", "english", "chinese"),
    [
        (
            MOVED,
            "missing: PSI 0.144, most moved: above 0.266 to 0.315: 9.8% → 3.2%; other: 0.0% → 1.0%",
            "missing：PSI 0.144，变动最大：高于 0.266 至 0.315：9.8% → 3.2%；其他：0.0% → 1.0%",
        ),
        (
            message(
                "{n} applications, usually {usual} on this day of the week",
                n=Number(1200, ","),
                usual=Number(70.2, ",.0f"),
            ),
            "1,200 applications, usually 70 on this day of the week",
            "1,200 件申请，每周的这一天通常为 70 件",
        ),
        (with_commas(["columns", "score"]), "columns, score", "columns、score"),
        (Number(1, ",", "years"), "1 years", "1年"),
        (SchemaWord("no_word_of_any_catalogue"), "no_word_of_any_catalogue", "no_word_of_any_catalogue"),
        ("missing", "missing", "missing"),
    ],
)
def test_words_of_ours_are_translated_and_names_are_not(value: Value, english: str, chinese: str) -> None:
    assert translated(value) == english
    with speaking(language_of("zh")):
        assert translated(value) == chinese


@pytest.mark.parametrize(
    ("number", "german"),
    [
        (Number(1234.5, ",.1f"), "1.234,5"),
        (Number(1234.5, ".1f"), "1234,5"),
        (Number(-0.125, "+.2f"), "−0,12"),
        (Number(0.25, "+.2f"), "+0,25"),
        (Number(0.0981, ".1%"), "9,8\u00a0%"),
        (Number(2_000_000), "2000000"),
        (Number(1e-9, ".6g"), "1e-09"),
        (Number(float("nan"), ".1%"), "nan%"),
    ],
)
def test_numbers_keep_their_decimals_in_the_formats_of_the_language(number: Number, german: str) -> None:
    with speaking(Language(Locale("de"), NullTranslations())):
        assert translated(number) == german
