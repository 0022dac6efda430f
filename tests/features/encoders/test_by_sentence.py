"""Every way of reading a narrative: whole or sentence by sentence, all tokens or only its own."""

from __future__ import annotations

import hashlib
import itertools
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import BertModel

from data_schemas.concepts import Concept, Sensitive
from data_schemas.reasons import Reason
from features.arrays import Floats32
from features.encoders import by_sentence as sentence_encoder
from features.encoders.by_sentence import (
    SentenceEncoder,
    Unit,
    digest_by_unit,
    encoder_by_unit,
    passage_texts,
)
from features.encoders.cache.cached_encoder import CachedEncoder
from features.encoders.cache.embedding_cache import EmbeddingCache
from features.encoders.encoder import BertEncoder
from features.encoders.opening import open_encoder
from features.encoders.source_files import EMBEDDED
from features.encoders.usage import Pooling
from features.encoders.vectors import SHARE_ROUNDING, PartVectors, TextEncoder
from features.encoders.windows import Spans
from features.narratives.concepts import ConceptMatcher
from features.narratives.reader import TextReader
from features.narratives.sentences import SentenceBlock
from features.text.cleaning import passages
from tests.support.small import applications, row, small_schema
from tests.support.tiny_bert import tiny_bert

POOLINGS: tuple[Pooling, ...] = ("tokens", "words")
UNITS: tuple[Unit, ...] = get_args(Unit)
WAYS = tuple(itertools.product(UNITS, POOLINGS))
TEXTS = st.lists(st.text("abc .;\n\u200dé", max_size=200), max_size=10)
NOTE = "I owe much. My cards; rent, too! It is for a car (a big one). ok"

Readers = Callable[[Unit, Pooling], TextEncoder]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="module")
def inner(folder: Path) -> dict[Pooling, BertEncoder]:
    return {
        pooling: open_encoder(str(folder), precision="fp32", device="cpu", window=32, pooling=pooling)
        for pooling in POOLINGS
    }


@pytest.fixture(scope="module", params=WAYS, ids="-".join)
def reader(inner: dict[Pooling, BertEncoder], request: pytest.FixtureRequest) -> TextEncoder:
    unit, pooling = request.param
    return encoder_by_unit(unit, inner[pooling])


@pytest.fixture(scope="module")
def by_sentence(inner: dict[Pooling, BertEncoder]) -> SentenceEncoder:
    return SentenceEncoder(inner["tokens"])


def cut(texts: Sequence[str]) -> list[Spans]:
    return [passages(text) for text in texts]


def assert_same(one: PartVectors, other: PartVectors) -> None:
    for name in ("whole", "parts", "share", "bounds"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def hidden_states(folder: Path, encoder: BertEncoder, text: str) -> Floats32:
    """The last layer's token vectors through transformers, special tokens included."""
    model = BertModel.from_pretrained(folder, add_pooling_layer=False, local_files_only=True)
    with torch.inference_mode():
        states = model(input_ids=torch.tensor([encoder.tokenizer.encode(text).ids])).last_hidden_state[0]
    return np.asarray(states.numpy(), np.float32)


@given(texts=TEXTS, data=st.data())
@settings(max_examples=15)
def test_texts_are_encoded_independently(reader: TextEncoder, texts: list[str], data: st.DataObject) -> None:
    together = reader.encode_parts(texts, cut(texts))
    np.testing.assert_array_equal(reader.encode(texts), together.whole)
    order = data.draw(st.permutations(range(len(texts))))
    moved = [texts[i] for i in order]
    assert_same(reader.encode_parts(moved, cut(moved)), together.take(np.array(order, np.intp)))
    for n, text in enumerate(texts):
        assert_same(reader.encode_parts([text], cut([text])), together.take(np.array([n])))
        np.testing.assert_array_equal(reader.encode([text])[0], together.whole[n])


@given(TEXTS)
@settings(max_examples=15)
def test_values_are_finite_and_exact_in_float16(reader: TextEncoder, texts: list[str]) -> None:
    found = reader.encode_parts(texts, cut(texts))
    for values in (found.whole, found.parts, found.share):
        assert values.dtype == np.float32
        assert np.isfinite(values).all()
        np.testing.assert_array_equal(values.astype(np.float16).astype(np.float32), values)


def test_nothing_and_a_text_without_words(reader: TextEncoder) -> None:
    assert reader.encode([]).shape == (0, reader.dim)
    nothing = reader.encode_parts([], [])
    assert (len(nothing), nothing.bounds.tolist()) == (0, [0])
    found = reader.encode_parts(["", "\u200d", "a b"], cut(["", "\u200d", "a b"]))
    assert found.bounds.tolist() == [0, 0, 1, 2]
    np.testing.assert_array_equal(found.whole[0], found.whole[1])  # the special tokens' mean
    assert np.abs(found.whole[0]).max() > 0
    assert found.share.tolist() == [1, 1]
    np.testing.assert_array_equal(found.parts, found.whole[1:])


@pytest.mark.parametrize(("unit", "pooling"), WAYS)
def test_what_the_shares_leave(inner: dict[Pooling, BertEncoder], unit: Unit, pooling: Pooling) -> None:
    found = encoder_by_unit(unit, inner[pooling]).encode_parts([NOTE], cut([NOTE]))
    assert len(found.share) == 5
    left = 1.0 - float(found.share.astype(np.float64).sum())
    if unit == "narrative" and pooling == "tokens":
        assert left > 0.05  # two of at most 32 tokens
    else:
        assert abs(left) < SHARE_ROUNDING
        np.testing.assert_allclose(found.share @ found.parts, found.whole[0], atol=2e-3)


@given(TEXTS)
@settings(max_examples=15)
def test_shares_of_words_are_all_or_nothing(inner: dict[Pooling, BertEncoder], texts: list[str]) -> None:
    found = inner["words"].encode_parts(texts, cut(texts))
    for n in np.flatnonzero(np.diff(found.bounds) > 1):
        total = found.share[found.bounds[n] : found.bounds[n + 1]].astype(np.float64).sum()
        assert total == pytest.approx(1.0, abs=SHARE_ROUNDING / 2) or total == 0.0


def test_the_mean_over_words_is_that_of_the_hidden_states(folder: Path, inner: dict[Pooling, BertEncoder]) -> None:
    for text in ("a", "abc; def.", "a b c d e f g h i j"):
        states = hidden_states(folder, inner["words"], text)
        np.testing.assert_allclose(inner["words"].encode([text])[0], states[1:-1].mean(0), atol=2e-3)
        np.testing.assert_allclose(inner["tokens"].encode([text])[0], states.mean(0), atol=2e-3)
    empty = hidden_states(folder, inner["words"], "")
    np.testing.assert_allclose(inner["words"].encode([""])[0], empty.mean(0), atol=2e-3)


def test_parts_over_words_are_those_of_the_hidden_states(folder: Path, inner: dict[Pooling, BertEncoder]) -> None:
    states = hidden_states(folder, inner["words"], "ab c! d! e")
    found = inner["words"].encode_parts(["ab c! d! e"], cut(["ab c! d! e"]))
    np.testing.assert_allclose(found.parts, [states[1:5].mean(0), states[5:7].mean(0), states[7]], atol=2e-3)
    np.testing.assert_allclose(found.share, np.array([4, 2, 1]) / 7, rtol=1e-3)


def test_windows_of_words_are_weighted_by_them(folder: Path) -> None:
    encoder = open_encoder(str(folder), precision="fp32", device="cpu", window=12, pooling="words")
    parts = ["a a a a a a a", "b b b b b b b", "c c c c c c c c"]  # 7, 7 and 8 tokens: what 22 tokens are cut into
    mean = np.average(encoder.encode(parts), axis=0, weights=[7, 7, 8])
    np.testing.assert_allclose(encoder.encode([" ".join(parts)])[0], mean, atol=2e-3)


def test_a_narrative_is_the_mean_of_its_passages_by_their_length(by_sentence: SentenceEncoder) -> None:
    read = ["I owe much.", "My cards;", "rent, too!", "It is for a car (a big one).", "ok"]
    assert passage_texts(NOTE) == read
    alone = by_sentence.encoder.encode(read)
    found = by_sentence.encode_parts([NOTE], cut([NOTE]))
    weights = [len(text) for text in read]
    np.testing.assert_allclose(found.whole[0], np.average(alone, axis=0, weights=weights), atol=1e-3)
    np.testing.assert_array_equal(found.parts, alone)
    np.testing.assert_allclose(found.share, np.array(weights) / sum(weights), rtol=1e-3)


def test_one_sentence_reads_the_same_by_both_units(by_sentence: SentenceEncoder) -> None:
    texts = ["a b c", "", "x " * 100]  # the last in several windows
    np.testing.assert_array_equal(by_sentence.encode(texts), by_sentence.encoder.encode(texts))


def test_a_part_has_the_vector_of_its_own_text(by_sentence: SentenceEncoder) -> None:
    reader = TextReader(small_schema(), by_sentence, n_buckets=16, ngrams=1)
    spans = passages(NOTE)
    found = by_sentence.encode_parts([NOTE], [spans])
    for size in range(1, len(spans)):
        for some in itertools.combinations(range(len(spans)), size):
            part = "".join(NOTE[slice(*spans[i])] for i in some).strip()
            share = found.share[list(some)]
            mean = share @ found.parts[list(some)] / share.sum()
            np.testing.assert_allclose(reader.read_texts([part])[0][0], mean, atol=2e-3)


def test_other_passages_have_no_parts(by_sentence: SentenceEncoder) -> None:
    with pytest.raises(ValueError, match="gives parts only of a text's passages"):
        by_sentence.encode_parts(["a b c"], [[(0, 2), (2, 5)]])


def test_each_distinct_passage_is_read_once(tmp_path: Path, by_sentence: SentenceEncoder) -> None:
    cached = CachedEncoder(by_sentence.encoder, EmbeddingCache(tmp_path, 10_000_000))
    encoder = SentenceEncoder(cached)
    texts = ["I owe much. Thanks", "Thanks. I owe much.\nI owe much.", "Thanks"]
    encoder.encode(texts)
    assert (cached.n_asked, cached.n_encoded) == (3, 3)  # "I owe much.", "Thanks" and "Thanks."
    encoder.encode_parts(texts, cut(texts))
    assert (cached.n_asked, cached.n_encoded) == (6, 3)
    assert encoder.digest == SentenceEncoder(by_sentence.encoder).digest


@given(texts=TEXTS, known=st.integers(0, 5))
@settings(max_examples=10)
@pytest.mark.parametrize(("unit", "pooling"), WAYS)
def test_a_warm_cache_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory,
    inner: dict[Pooling, BertEncoder],
    unit: Unit,
    pooling: Pooling,
    texts: list[str],
    known: int,
) -> None:
    cached = CachedEncoder(inner[pooling], EmbeddingCache(tmp_path_factory.mktemp("cache"), 10_000_000))
    encoder, plain = encoder_by_unit(unit, cached), encoder_by_unit(unit, inner[pooling])
    encoder.encode_parts(texts[:known], cut(texts[:known]))
    expected = plain.encode_parts(texts, cut(texts))
    for _ in range(2):
        assert_same(encoder.encode_parts(texts, cut(texts)), expected)
    before = cached.n_encoded
    np.testing.assert_array_equal(encoder.encode(texts), expected.whole)
    assert cached.n_encoded == before


def test_stretches_change_nothing_and_progress_ends_at_the_texts(
    by_sentence: SentenceEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [NOTE, "", "a. b", "", "a. b. c. d", NOTE]
    at_once = by_sentence.encode_parts(texts, cut(texts))
    for limit in (1, 3, 7, 100_000):
        monkeypatch.setattr(sentence_encoder, "PASSAGES_AT_ONCE", limit)
        progress: list[int] = []
        assert_same(by_sentence.encode_parts(texts, cut(texts), progress.append), at_once)
        assert progress == sorted(progress)
        assert progress[-1] == len(texts)


def test_a_long_text_has_forty_parts(by_sentence: SentenceEncoder) -> None:
    text = "some words and more; " * 500 + "b" * 5_000 + "; the end."
    found = by_sentence.encode_parts([text], cut([text]))
    assert found.parts.shape == (40, 32)
    assert (found.share > 0).all()
    np.testing.assert_array_equal(found.whole, by_sentence.encode([text]))


def test_digests_distinguish_the_units_and_narratives_keep_the_plain_one(inner: dict[Pooling, BertEncoder]) -> None:
    usual = inner["tokens"]
    as_ever = hashlib.sha256(json.dumps([usual.source_digest, 32, "mean", 1]).encode()).hexdigest()
    kernels = torch.backends.cpu.get_cpu_capability()
    assert usual.model_digest == digest_by_unit("narrative", usual.model_digest) == as_ever
    exact = json.dumps([as_ever, "fp32", kernels, torch.__version__])
    assert encoder_by_unit("narrative", usual).digest == hashlib.sha256(exact.encode()).hexdigest()
    assert len({digest_by_unit(unit, inner[pooling].model_digest) for unit, pooling in WAYS}) == 4
    assert len({encoder_by_unit(unit, inner[pooling]).digest for unit, pooling in WAYS}) == 4


CONCEPTS = (
    Concept("debt", ("I owe money", "I have debts"), Reason("DEBT", "Debts.")),
    Concept("car", ("I want a car",), Reason("CAR", "A car.")),
    Concept("ill", ("I am ill",), Reason("ILL", "Illness."), sensitive=Sensitive.HEALTH),
)


def test_concepts_of_sentences_are_those_of_sentences_encoded_alone(
    tmp_path: Path, by_sentence: SentenceEncoder
) -> None:
    matcher = ConceptMatcher.open(CONCEPTS, by_sentence)
    notes = [NOTE, "", "I am ill. I owe much.", "I want a car."]
    rows = applications(tmp_path, [row(id=str(n), note=note) for n, note in enumerate(notes)])
    text, block = TextReader(small_schema(), by_sentence, n_buckets=16, ngrams=1).read_sentences(rows)
    amid = matcher.match(block)
    plain = ConceptMatcher.open(CONCEPTS, by_sentence.encoder)
    for alone in (each.match_texts([one.strip() for one in block.text]) for each in (matcher, plain)):
        np.testing.assert_array_equal(amid.concept, alone.concept)
        np.testing.assert_array_equal(amid.similarity, alone.similarity)
        assert amid.sensitive == alone.sensitive
    assert matcher.match(SentenceBlock.empty(text)).concept.shape == (0,)


@pytest.mark.gpu
@pytest.mark.parametrize(("unit", "pooling"), WAYS)
def test_cuda_vectors_do_not_depend_on_other_texts(unit: Unit, pooling: Pooling) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    chance = random.Random(5)
    bag = ["loan", "rent", "to", "pay", "my", "credit", "cards.", "a", "job;", "2011", "please!"]
    texts = [" ".join(chance.choices(bag, k=chance.randint(0, 200))) for _ in range(60)]
    cpu, cuda = (
        encoder_by_unit(unit, open_encoder(EMBEDDED, precision="fp32", device=device, pooling=pooling))
        for device in ("cpu", "cuda")
    )
    found = cuda.encode_parts(texts, cut(texts))
    np.testing.assert_allclose(found.whole, cpu.encode(texts), atol=2e-3)
    np.testing.assert_array_equal(found.whole, cuda.encode(texts))
    assert_same(cuda.encode_parts(texts[:10], cut(texts[:10])), found.take(np.arange(10)))
