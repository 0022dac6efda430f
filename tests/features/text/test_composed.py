"""Letters and their accents are read as one character, and every span finds its way back."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from features.text.cleaning import clean

MARKED = st.text(alphabet="ae\u0301\u0323\u1e9b\u1100\u1161\u11a8\u212b x.")


@given(MARKED)
def test_a_text_reads_as_its_composed_form(text: str) -> None:
    assert clean(text, ()).text == clean(unicodedata.normalize("NFC", text), ()).text


@given(MARKED)
def test_spans_lead_back_to_the_letters_they_came_from(text: str) -> None:
    cleaned = clean(text, ())
    for at in range(len(cleaned.text)):
        start, end = cleaned.to_raw(at, at + 1)
        if not cleaned.text[at].isspace():
            assert cleaned.text[at] in unicodedata.normalize("NFC", text[start:end])
