"""The style of narratives: plain numbers of how they are written, read only where the settings ask for it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_schemas.contract import StripRule
from features.arrays import Floats32
from features.narratives.style import STYLE, style
from features.text.cleaning import clean

RULES = (StripRule("<br>", "markup"), StripRule(r"\d+ added on \d\d/\d\d/\d\d >", "header"))


def styles(*raws: str) -> Floats32:
    return style(raws, [clean(raw, RULES).text for raw in raws], RULES)


@pytest.mark.parametrize(
    ("raw", "length", "capitals", "lower_case", "stripped"),
    [
        ("a car", 5, 0.0, 1, 0),
        ("A car", 5, 0.25, 0, 0),
        ("HELP ME", 7, 1.0, 0, 0),
        ("  a \t car ", 5, 0.0, 1, 0),
        ("12 added on 01/02/03 > rent<br>12 added on 02/02/03 &gt; late", 9, 0.0, 1, 3),
        ("2,000 !", 7, 0.0, 0, 0),
        ("日本語", 3, 0.0, 0, 0),
    ],
)
def test_what_is_counted(raw: str, length: float, capitals: float, lower_case: float, stripped: float) -> None:
    assert STYLE == ("length", "capitals", "lower_case", "stripped")
    np.testing.assert_array_equal(styles(raw), np.array([[length, capitals, lower_case, stripped]], np.float32))


@pytest.mark.parametrize("raw", ["", " \t", "<br>"])
def test_where_nothing_is_to_be_read_there_is_no_style(raw: str) -> None:
    assert np.isnan(styles(raw, "a car")).tolist() == [[True] * 4, [False] * 4]
    assert styles().shape == (0, len(STYLE))


@given(st.lists(st.text(st.sampled_from(list("aB .<br>é汉1")), max_size=12)))
def test_every_text_has_its_own_style(raws: list[str]) -> None:
    together = styles(*raws)
    assert together.dtype == np.float32
    for at, raw in enumerate(raws):
        np.testing.assert_array_equal(together[[at]], styles(raw))
        assert np.isnan(together[at]).all() == (not clean(raw, RULES).text)
        if clean(raw, RULES).text:
            assert 0 <= together[at, 1] <= 1
            assert not (together[at, 1] and together[at, 2])
