"""Vectors of passages: read amid their neighbours, in one pass with the text that they make up."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from features.encoders.cache.cached_encoder import CachedEncoder
from features.encoders.cache.embedding_cache import EmbeddingCache
from features.encoders.encoder import BertEncoder
from features.encoders.opening import open_encoder
from features.encoders.source_files import EMBEDDED
from features.encoders.vectors import PartVectors
from features.encoders.windows import PIECE_CHARACTERS, Spans, cut_windows
from features.text.cleaning import passages
from tests.support.tiny_bert import tiny_bert

PRECISIONS: tuple[Literal["bf16", "fp32"], ...] = ("bf16", "fp32")
TEXTS = st.lists(st.text("abc .;\n\u0301\u200dé", max_size=200), max_size=10)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="module", params=PRECISIONS)
def tiny(folder: Path, request: pytest.FixtureRequest) -> BertEncoder:
    return open_encoder(str(folder), precision=request.param, device="cpu", window=32)


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def narratives(n_texts: int, longest: int, seed: int) -> list[str]:
    """Texts of up to ``longest`` words with a stop after every few."""
    chance = random.Random(seed)
    bag = ["loan", "rent", "to", "pay", "my", "credit", "cards.", "consolidation", "a", "job;", "2011", "please!"]
    return [" ".join(chance.choices(bag, k=chance.randint(0, longest))) for _ in range(n_texts)]


def cut(texts: Sequence[str]) -> list[Spans]:
    return [passages(text) for text in texts]


def assert_same(one: PartVectors, other: PartVectors) -> None:
    for name in ("whole", "parts", "share", "bounds"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def token_vectors(encoder: BertEncoder, ids: Sequence[int]) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    head, tail = encoder.tokenizer.encode("").ids
    with torch.inference_mode():
        return encoder.bert.token_vectors([torch.tensor([head, *ids, tail])]).cpu().numpy()


@given(texts=TEXTS, data=st.data())
@settings(max_examples=25)
def test_parts_do_not_change_the_whole_and_do_not_depend_on_other_texts(
    tiny: BertEncoder, texts: list[str], data: st.DataObject
) -> None:
    together = tiny.encode_parts(texts, cut(texts))
    np.testing.assert_array_equal(together.whole, tiny.encode(texts))
    order = data.draw(st.permutations(range(len(texts))))
    moved = [texts[i] for i in order]
    assert_same(tiny.encode_parts(moved, cut(moved)), together.take(np.array(order, np.intp)))
    for n, text in enumerate(texts):
        assert_same(tiny.encode_parts([text], cut([text])), together.take(np.array([n])))


@pytest.mark.parametrize("precision", PRECISIONS)
def test_minilm_parts_do_not_depend_on_other_texts(precision: Literal["bf16", "fp32"]) -> None:
    encoder = open_encoder(EMBEDDED, precision=precision, device="cpu")
    texts = narratives(20, 60, seed=1) + narratives(2, 400, seed=2)
    torch.set_num_threads(2)
    together = encoder.encode_parts(texts, cut(texts))
    np.testing.assert_array_equal(together.whole, encoder.encode(texts))
    torch.set_num_threads(1)
    some = [21, 3, 3, 7]
    chosen = [texts[i] for i in some]
    assert_same(encoder.encode_parts(chosen, cut(chosen)), together.take(np.array(some)))


def test_a_part_is_the_mean_of_its_tokens_in_context(tiny: BertEncoder) -> None:
    found = tiny.encode_parts(["ab c! d! e"], cut(["ab c! d! e"]))
    vectors = token_vectors(tiny, tiny.tokenizer.encode("ab c! d! e", add_special_tokens=False).ids)
    expected = [vectors[1:5].mean(0), vectors[5:7].mean(0), vectors[7:8].mean(0)]
    np.testing.assert_allclose(found.parts, expected, atol=2e-3)
    np.testing.assert_allclose(found.share, np.array([4, 2, 1]) / 9, rtol=1e-3)


def test_parts_and_special_tokens_make_up_the_whole(folder: Path) -> None:
    encoder = open_encoder(str(folder), precision="fp32", device="cpu", window=12)
    text = "a b c d! e f g h i j k l m n o p! q r; s t"  # 23 tokens: windows of 7, 8 and 8, passages across them
    found = encoder.encode_parts([text], cut([text]))
    windows = cut_windows(encoder.tokenizer, 12, [text], cut([text]))
    assert [window.weight for window in windows] == [7, 8, 8]
    assert len(found.parts) == 4
    rest = np.zeros(encoder.dim, np.float32)
    for window in windows:
        vectors = token_vectors(encoder, window.ids[1:-1].tolist())
        rest += window.weight / 23 * (vectors[0] + vectors[-1]) / len(window.ids)
    np.testing.assert_allclose(found.share @ found.parts + rest, found.whole[0], atol=3e-3)
    np.testing.assert_allclose(1 - found.share.sum(), sum(w.weight / 23 * 2 / len(w.ids) for w in windows), atol=1e-3)


@given(TEXTS)
@settings(max_examples=25)
def test_shares_are_at_most_all_and_values_exact_in_float16(tiny: BertEncoder, texts: list[str]) -> None:
    found = tiny.encode_parts(texts, cut(texts))
    for n in range(len(texts)):
        assert 0 <= found.share[found.bounds[n] : found.bounds[n + 1]].sum() <= 1
    for values in (found.whole, found.parts, found.share):
        assert values.dtype == np.float32
        np.testing.assert_array_equal(values.astype(np.float16).astype(np.float32), values)


def test_single_and_empty_texts(tiny: BertEncoder) -> None:
    texts = ["", "a b", "a! b", ""]
    found = tiny.encode_parts(texts, cut(texts))
    assert found.bounds.tolist() == [0, 0, 1, 3, 3]
    np.testing.assert_array_equal(found.parts[0], found.whole[1])
    assert found.share[0] == 1
    nothing = tiny.encode_parts([], [])
    assert nothing.whole.shape == nothing.parts.shape == (0, 32)
    assert nothing.bounds.tolist() == [0]


def test_a_passage_without_a_token_is_zero(tiny: BertEncoder) -> None:
    text = "a \u200d\u200d b"  # joiners are no token
    found = tiny.encode_parts([text, text], [[(0, 2), (2, 5), (5, 6)], [(0, 2), (2, 6)]])
    np.testing.assert_array_equal(found.parts[1], np.zeros(32, np.float32))
    assert found.share[1] == 0
    np.testing.assert_allclose(found.share[[0, 2]], 1 / 4)


def test_no_token_at_all_in_several_passages(tiny: BertEncoder) -> None:
    found = tiny.encode_parts(["\u200d \u200d"], [[(0, 2), (2, 3)]])
    np.testing.assert_array_equal(found.whole, tiny.encode([""]))
    assert not found.parts.any()
    assert found.share.tolist() == [0, 0]


def test_a_very_long_text_has_forty_parts(tiny: BertEncoder) -> None:
    text = "some words and more; " * 3_000 + "b" * 40_000 + "; the end."
    found = tiny.encode_parts([text], cut([text]))
    np.testing.assert_array_equal(found.whole, tiny.encode([text]))
    assert found.parts.shape == (40, 32)
    assert (found.share > 0).all()
    assert np.isfinite(found.parts).all()


def test_places_in_long_texts_are_those_of_the_whole(tiny: BertEncoder) -> None:
    text = "a bc. " * (PIECE_CHARACTERS // 4)
    middle = text.index("a", len(text) * 2 // 3)
    windows = cut_windows(tiny.tokenizer, 32, [text], [[(0, middle), (middle, len(text))]])
    before = sum(int(w.lengths[1:-1][w.passages == 0].sum()) for w in windows)
    assert before == len(tiny.tokenizer.encode(text[:middle], add_special_tokens=False).ids)
    plain = cut_windows(tiny.tokenizer, 32, [text], [()])
    np.testing.assert_array_equal(np.concatenate([w.ids for w in windows]), np.concatenate([w.ids for w in plain]))


@given(TEXTS)
@settings(max_examples=50)
def test_windows_hold_the_same_tokens_whether_cut_or_not(tiny: BertEncoder, texts: list[str]) -> None:
    windows = cut_windows(tiny.tokenizer, 32, texts, cut(texts))
    plain = cut_windows(tiny.tokenizer, 32, texts, [()] * len(texts))
    assert [w.ids.tolist() for w in windows] == [w.ids.tolist() for w in plain]
    for window in windows:
        assert window.lengths.sum() == len(window.ids)
        assert (window.lengths > 0).all()
        assert (np.diff(window.passages) > 0).all()


def test_progress_ends_at_the_number_of_texts(tiny: BertEncoder) -> None:
    progress: list[int] = []
    texts = ["a! b", "", "b! " * 500]
    tiny.encode_parts(texts, cut(texts), progress.append)
    assert progress == sorted(progress)
    assert progress[-1] == 3


@given(texts=TEXTS, known=st.integers(0, 5), with_parts=st.booleans())
@settings(max_examples=15)
def test_the_cache_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, tiny: BertEncoder, texts: list[str], known: int, with_parts: bool
) -> None:
    cached = CachedEncoder(tiny, EmbeddingCache(tmp_path_factory.mktemp("cache"), 10_000_000))
    if with_parts:
        cached.encode_parts(texts[:known], cut(texts[:known]))
    else:
        cached.encode(texts[:known])
    expected = tiny.encode_parts(texts, cut(texts))
    assert_same(cached.encode_parts(texts, cut(texts)), expected)
    before = cached.n_encoded
    assert_same(cached.encode_parts(texts, cut(texts)), expected)
    np.testing.assert_array_equal(cached.encode(texts), expected.whole)
    assert cached.n_encoded == before


@pytest.mark.gpu
def test_cuda_parts_do_not_depend_on_other_texts() -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    texts = narratives(100, 300, seed=5)
    cpu = open_encoder(EMBEDDED, precision="fp32", device="cpu").encode_parts(texts, cut(texts))
    cuda = open_encoder(EMBEDDED, precision="fp32", device="cuda")
    found = cuda.encode_parts(texts, cut(texts))
    np.testing.assert_array_equal(found.whole, cuda.encode(texts))
    np.testing.assert_allclose(found.parts, cpu.parts, atol=5e-3)
    assert_same(cuda.encode_parts(texts[:10], cut(texts[:10])), found.take(np.arange(10)))
