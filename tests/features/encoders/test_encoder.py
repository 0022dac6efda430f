from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import psutil
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import BertModel

from features.arrays import Floats32
from features.encoders.encoder import BertEncoder
from features.encoders.networks.bert import means
from features.encoders.opening import open_encoder
from features.encoders.source_files import EMBEDDED, locate
from tests.support.equal_bits import check_bits_in_any_company, words
from tests.support.tiny_bert import tiny_bert

PRECISIONS: tuple[Literal["bf16", "fp32"], ...] = ("bf16", "fp32")
TEXTS = st.lists(st.text("abc .;", max_size=200), max_size=12)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="module", params=PRECISIONS)
def tiny(folder: Path, request: pytest.FixtureRequest) -> BertEncoder:
    return open_encoder(str(folder), precision=request.param, device="cpu", window=32)


@pytest.fixture(scope="module", params=PRECISIONS)
def minilm(request: pytest.FixtureRequest) -> BertEncoder:
    return open_encoder(EMBEDDED, precision=request.param, device="cpu")


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def reference(folder: Path, encoder: BertEncoder, text: str) -> Floats32:
    """The same text through transformers, in fp32, alone; no longer than one window."""
    model = BertModel.from_pretrained(folder, add_pooling_layer=False, local_files_only=True)
    ids = torch.tensor([encoder.tokenizer.encode(text).ids])
    with torch.inference_mode():
        return np.asarray(model(input_ids=ids).last_hidden_state[0].mean(0).numpy(), np.float32)


def test_fp32_equals_transformers(folder: Path) -> None:
    encoder = open_encoder(str(folder), precision="fp32", device="cpu", window=64)
    for text in ("", "a", "abc; def.", "a b c d e f g h i j"):
        ids = torch.tensor(encoder.tokenizer.encode(text).ids)
        pooled = means(encoder.bert.token_vectors([ids]), [len(ids)])[0].numpy()
        np.testing.assert_allclose(pooled, reference(folder, encoder, text), atol=1e-5, rtol=0)
        np.testing.assert_array_equal(encoder.encode([text])[0], pooled.astype(np.float16).astype(np.float32))


def test_minilm_equals_transformers() -> None:
    encoder = open_encoder(EMBEDDED, precision="fp32", device="cpu")
    text = "i need this loan to pay off two credit cards and i have never been late"
    ids = torch.tensor(encoder.tokenizer.encode(text).ids)
    expected = reference(locate(EMBEDDED), encoder, text)
    np.testing.assert_allclose(
        means(encoder.bert.token_vectors([ids]), [len(ids)])[0].numpy(), expected, atol=1e-5, rtol=0
    )


def test_bf16_stays_near_fp32() -> None:
    texts = words(20, 60, seed=3)
    full, half = (open_encoder(EMBEDDED, precision=p, device="cpu").encode(texts) for p in ("fp32", "bf16"))
    cosine = (full * half).sum(1) / np.linalg.norm(full, axis=1) / np.linalg.norm(half, axis=1)
    assert cosine.min() > 0.999
    assert not np.array_equal(full, half)


@given(texts=TEXTS, data=st.data())
@settings(max_examples=25)
def test_texts_are_encoded_independently(tiny: BertEncoder, texts: list[str], data: st.DataObject) -> None:
    together = tiny.encode(texts)
    order = data.draw(st.permutations(range(len(texts))))
    np.testing.assert_array_equal(tiny.encode([texts[i] for i in order]), together[list(order)])
    for text, vector in zip(texts, together, strict=True):
        np.testing.assert_array_equal(tiny.encode([text])[0], vector)


def test_minilm_bits_do_not_depend_on_other_texts(minilm: BertEncoder) -> None:
    check_bits_in_any_company(minilm, words(45, 50, seed=1) + words(3, 400, seed=2), n_copies=60)


def test_encoding_leaves_the_thread_count_alone(tiny: BertEncoder) -> None:
    torch.set_num_threads(2)
    tiny.encode(["a"])
    assert torch.get_num_threads() == 2


def test_no_texts_give_no_vectors(tiny: BertEncoder) -> None:
    assert tiny.encode([]).shape == (0, 32)


def test_empty_text_has_a_vector(tiny: BertEncoder) -> None:
    assert np.isfinite(tiny.encode([""])).all()


def test_values_are_exact_in_float16(tiny: BertEncoder) -> None:
    vectors = tiny.encode(["abc", "def"])
    assert vectors.dtype == np.float32
    np.testing.assert_array_equal(vectors.astype(np.float16).astype(np.float32), vectors)


def test_long_text_is_read_to_its_end(tiny: BertEncoder) -> None:
    long = "a b c " * 30
    assert not np.array_equal(tiny.encode([long + "x"]), tiny.encode([long + "y"]))


def test_windows_are_weighted_by_their_tokens(folder: Path) -> None:
    encoder = open_encoder(str(folder), precision="fp32", device="cpu", window=12)
    parts = ["a a a a a a a", "b b b b b b b", "c c c c c c c c"]  # 7, 7 and 8 tokens: what 22 tokens are cut into
    whole = encoder.encode([" ".join(parts)])[0]
    mean = np.average(encoder.encode(parts), axis=0, weights=[7, 7, 8])
    np.testing.assert_allclose(whole, mean, atol=2e-3)


def test_progress_ends_at_the_number_of_texts(tiny: BertEncoder) -> None:
    progress: list[int] = []
    tiny.encode(["a", "", "b " * 500], progress.append)
    assert progress == sorted(progress)
    assert progress[-1] == 3


def test_a_megabyte_in_bounded_memory(tiny: BertEncoder) -> None:
    tiny.encode(["warm up"])
    before = psutil.Process().memory_info().rss
    vectors = tiny.encode(["some words and more; " * 25_000 + "a" * 500_000])
    assert np.isfinite(vectors).all()
    assert psutil.Process().memory_info().rss - before < 200e6


def test_unusual_characters_are_read(tiny: BertEncoder) -> None:
    assert np.isfinite(tiny.encode(["😀 日本語 \u202e مرحبا", "\x00", "ﬁ"])).all()


def test_digests_change_with_the_files_they_cover(folder: Path, tmp_path: Path) -> None:
    first = open_encoder(str(folder), precision="fp32", device="cpu", window=32)
    again = open_encoder(str(folder), precision="fp32", device="cpu", window=32)
    half = open_encoder(str(folder), precision="bf16", device="cpu", window=32)
    narrow = open_encoder(str(folder), precision="fp32", device="cpu", window=16)
    other = open_encoder(str(tiny_bert(tmp_path / "other", seed=1)), precision="fp32", device="cpu", window=32)
    assert first.digest == again.digest
    assert first.model_digest == half.model_digest
    assert len({first.digest, half.digest, narrow.digest, other.digest}) == 4
    assert len({first.model_digest, narrow.model_digest, other.model_digest}) == 3


def test_the_same_bits_in_another_process(folder: Path) -> None:
    code = (
        "import sys, hashlib; from features.encoders.opening import open_encoder;"
        "e = open_encoder(sys.argv[1], device='cpu', window=32);"
        "print(e.digest, hashlib.sha256(e.encode(['abc; def', 'x y z']).tobytes()).hexdigest())"
    )
    runs = {
        subprocess.run([sys.executable, "-c", code, folder], capture_output=True, check=True).stdout for _ in range(2)
    }
    assert len(runs) == 1


@pytest.mark.gpu
def test_cuda_agrees_with_the_cpu() -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    texts = words(200, 300, seed=5)
    cpu = open_encoder(EMBEDDED, precision="fp32", device="cpu").encode(texts)
    for precision, tolerance in zip(PRECISIONS, (3e-2, 2e-3), strict=True):
        cuda = open_encoder(EMBEDDED, precision=precision, device="cuda")
        vectors = cuda.encode(texts)
        np.testing.assert_allclose(vectors, cpu, atol=tolerance)
        np.testing.assert_array_equal(cuda.encode(texts[::-1])[::-1], vectors)
        np.testing.assert_array_equal(np.vstack([cuda.encode([text]) for text in texts[:20]]), vectors[:20])
