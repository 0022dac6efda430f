from __future__ import annotations

from zlib import crc32

import numpy as np
from datasketch import MinHash
from hypothesis import given
from hypothesis import strategies as st

from features.text.words import words_of
from fusion.watch.copies.signatures import LEAST_WORDS, N_VALUES, alike, are_copies, sign
from tests.support.copied import exchanged, narrative

texts = st.lists(st.text(max_size=120) | st.integers(0, 99).map(lambda seed: narrative(30, seed)), max_size=8)


def _by_datasketch(text: str) -> list[int]:
    words = [0 if word.isdecimal() else crc32(word.encode()) for word in words_of(text)]
    pairs = [first * 0x9E3779B1 + other for at, first in enumerate(words) for other in words[at + 1 : at + 3]]
    sketch = MinHash(num_perm=N_VALUES, hashfunc=lambda pair: pair % 2**32)
    sketch.update_batch(pairs)
    return [int(value) % 2**16 for value in sketch.hashvalues]


def test_values_are_those_of_datasketch() -> None:
    written = [narrative(n, n) for n in (8, 20, 300)] + ["Sie zahlt 250 und 300 € an Müller & Söhne im Jahr 2019"]
    signed = sign(written)
    for bands, text in zip(signed.bands, written, strict=True):
        assert bands.view(np.uint16).tolist() == _by_datasketch(text)


@given(texts, st.integers(0, 8))
def test_a_signature_depends_on_its_text_alone(written: list[str], cut: int) -> None:
    whole, parts = sign(written), [sign(written[:cut]), sign(written[cut:])]
    np.testing.assert_array_equal(whole.bands, np.concatenate([part.bands for part in parts]))


@given(st.integers(LEAST_WORDS, 200), st.integers(0, 10**6))
def test_identical_texts_are_copies_and_others_are_not(n_words: int, seed: int) -> None:
    signed = sign([narrative(n_words, seed), narrative(n_words, seed), narrative(n_words, seed + 1)])
    found = are_copies(
        alike(signed.bands[[0, 0]], signed.bands[[1, 2]]), signed.n_words[[0, 0]], signed.n_words[[1, 2]]
    )
    assert found.tolist() == [True, False]


def test_likeness_is_near_the_share_of_common_pairs() -> None:
    template = narrative(200, 1)
    signed = sign([exchanged(template, seed) for seed in range(40)])
    likeness = alike(signed.bands[:20], signed.bands[20:])
    assert 0.45 < likeness.mean() < 0.55


def test_texts_of_a_few_words_have_no_signature() -> None:
    signed = sign(["debt consolidation", "", "to pay off my credit cards and all my other debts"])
    assert signed.is_signed.tolist() == [False, False, True]


def test_amounts_and_dates_do_not_set_copies_apart() -> None:
    signed = sign([f"I owe {n} dollars since 201{n % 9} and pay {n * 3} a month to the bank" for n in (5, 77)])
    assert alike(signed.bands[:1], signed.bands[1:]).tolist() == [1.0]
