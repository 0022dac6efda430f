"""Variants: what every one keeps, whatever the text."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_schemas.errors import ContractError
from features.augmentation.augmentation import Augmenter, open_augmenter
from features.augmentation.back_translation import BackTranslation
from features.augmentation.settings import KINDS, Augmentation, Kind, Sources
from features.augmentation.words import NEGATIONS, NUMBERS, Protection, with_edits
from tests.support.small_word_net import MEANINGS, small_word_net, tiny_language_model

PROTECTED = ("wife", "medical bill*", "not late")
KNOWN = sorted({word.partition("(")[0] for _, words in MEANINGS for word in words} - {"motor_car", "ne'er"})
COPIES = 6


class Shuffling:
    """A translator that turns the words of a sentence round."""

    def translate(self, sentence: str) -> str | None:
        return " ".join(sentence.split()[::-1])


class Dropping:
    """A translator that loses every third word."""

    def translate(self, sentence: str) -> str | None:
        return " ".join(word for at, word in enumerate(sentence.split()) if at % 3)


@pytest.fixture(scope="module")
def augmenter(tmp_path_factory: pytest.TempPathFactory) -> Augmenter:
    """Of all kinds, one to a copy, at a high rate."""
    folder = tmp_path_factory.mktemp("sources")
    model = tiny_language_model(folder / "model", [*KNOWN, "wife", "not", "seven"])
    sources = Sources(word_net=str(small_word_net(folder / "net")), masked_words=str(model), window=16)
    kinds: tuple[Kind, ...] = ("synonyms", "masked_words", "dropout")
    opened = open_augmenter(Augmentation(kinds, 0.5, COPIES, 7, PROTECTED), sources)
    back = BackTranslation(Shuffling(), Dropping(), Protection(PROTECTED))
    all_kinds = Augmentation((*kinds, "back_translation"), 0.5, COPIES, 7, PROTECTED)
    return Augmenter(all_kinds, {**opened.rewriters, "back_translation": back})


tokens = st.one_of(
    st.sampled_from(KNOWN),
    st.sampled_from(sorted(NEGATIONS | NUMBERS)),
    st.sampled_from(["wife", "medical bills", "don't", "Boeing", "$5,000", "5k", "12/2009", "the", "IRS", "我需要"]),
    st.sampled_from(KNOWN).map(str.upper),
    st.integers(0, 10**6).map(str),
    st.text(max_size=6),
)
gaps = st.sampled_from([" ", "  ", "\n", "\t ", ", ", ". ", "; ", "! ", " (", ') "', "-"])
narratives = st.lists(st.tuples(tokens, gaps), max_size=14).map(lambda parts: "".join(a + b for a, b in parts))
some_narratives = st.lists(narratives, min_size=1, max_size=4)
several = settings(max_examples=60)


def facts(text: str) -> Counter[str]:
    """The numbers, negations and protected words of a text, however it is written."""
    words = re.findall(r"[^\W_]+(?:['’][^\W_]+)*", text.lower())
    own = [word for word in words if word in NUMBERS or word == "wife" or any(map(str.isdigit, word))]
    negations = [word for word in words if word in NEGATIONS or word.endswith(("n't", "n’t"))]
    return Counter([*own, *("not" for _ in negations)])


@several
@given(texts=some_narratives)
def test_numbers_negations_and_protected_words_are_kept(augmenter: Augmenter, texts: list[str]) -> None:
    for copy in range(COPIES):
        for text, variant in zip(texts, augmenter.variants(texts, copy), strict=True):
            assert facts(variant) == facts(text)
            assert len(re.findall(r"(?i)medical\s+bill", variant)) == len(re.findall(r"(?i)medical\s+bill", text))


@several
@given(texts=some_narratives)
def test_what_is_not_replaced_stays_to_the_last_character(augmenter: Augmenter, texts: list[str]) -> None:
    for copy in range(COPIES):
        kind = augmenter.settings.kind(copy)
        for text, edits in zip(texts, augmenter.edits(texts, copy), strict=True):
            at = 0
            for start, end, new in edits:
                assert at <= start < end <= len(text)
                at, old = end, text[start:end]
                if kind in ("synonyms", "masked_words"):
                    assert old.isalpha()
                    assert new.isalpha()
                    assert new.lower() != old.lower()
                    assert new.isupper() == old.isupper()
                    assert old in (old.lower(), old.upper())
                if kind == "dropout":
                    assert new == ""
                    assert old.split() == [old.strip()]


@several
@given(texts=some_narratives, others=some_narratives)
def test_a_variant_depends_on_its_text_alone(augmenter: Augmenter, texts: list[str], others: list[str]) -> None:
    for copy in range(4):
        alone = [augmenter.variants([text], copy)[0] for text in texts]
        assert augmenter.variants([*others, *texts, *others], copy)[len(others) :][: len(texts)] == alone
        assert augmenter.variants(texts[::-1], copy) == alone[::-1]


@several
@given(text=narratives)
def test_a_text_without_edits_is_its_own_variant(augmenter: Augmenter, text: str) -> None:
    for copy in range(COPIES):
        (edits,), (variant,) = augmenter.edits([text], copy), augmenter.variants([text], copy)
        assert variant == with_edits(text, edits)
        assert bool(edits) == (variant != text)


LONG = "i want to buy a car, halt the machine and aid my company quickly to find an account. " * 4


def test_kinds_take_turns_and_copies_and_seeds_differ(augmenter: Augmenter) -> None:
    variants = [augmenter.variants([LONG], copy)[0] for copy in range(8)]
    assert [augmenter.settings.kind(copy) for copy in range(5)] == [*KINDS, KINDS[0]]
    assert len({LONG, *variants[:3], *variants[4:7]}) == 7
    reseeded = Augmentation(KINDS, 0.5, COPIES, 8, PROTECTED)
    assert Augmenter(reseeded, augmenter.rewriters).variants([LONG], 0)[0] != variants[0]


def test_the_rate_is_a_share_of_the_words(augmenter: Augmenter) -> None:
    n_words = len(LONG.split())
    for rate in (0.05, 0.2):
        sparse = Augmenter(Augmentation(("dropout",), rate), augmenter.rewriters)
        assert len(sparse.edits([LONG], 0)[0]) == round(rate * n_words)


def test_the_last_word_that_means_something_is_not_left_out(augmenter: Augmenter) -> None:
    all_of_it = Augmenter(Augmentation(("dropout",), 1.0), augmenter.rewriters)
    assert all_of_it.variants(["car", "the car", ""], 0) == ["car", "the car", ""]


def test_only_the_kinds_that_are_asked_for_need_their_sources() -> None:
    assert open_augmenter(Augmentation(("dropout",)), Sources(word_net="nowhere")).rewriters.keys() == {"dropout"}
    with pytest.raises(ContractError, match=r"augment\.there: back-translation needs it"):
        open_augmenter(Augmentation(("dropout", "back_translation")), Sources())


@pytest.mark.parametrize("kinds", [(), ("translation",)])
def test_unknown_kinds_are_refused(kinds: tuple[Kind, ...]) -> None:
    with pytest.raises(ValueError, match="kinds must be one or more of"):
        Augmentation(kinds)


def test_a_rate_or_number_of_copies_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="rate must be in"):
        Augmentation(KINDS, 0.0)
    with pytest.raises(ValueError, match="copies at least 1"):
        Augmentation(KINDS, 0.1, 0)


def test_nothing_of_a_text_is_written_down(
    augmenter: Augmenter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    augmenter.variants([LONG], 0)
    assert not list(tmp_path.iterdir())
