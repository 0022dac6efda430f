"""Sentences there and back: by stand-ins, by a tiny random model of transformers, by an argostranslate of the test."""

from __future__ import annotations

import socket
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

from data_schemas.errors import ContractError
from features.augmentation import back_translation
from features.augmentation.back_translation import BackTranslation, open_translator
from features.augmentation.draws import Draw
from features.augmentation.words import Protection, with_edits

WORDS = ["ich", "brauche", "geld", "fuer", "ein", "haus", "we", "need", "money", "for", "the", "house"]


@dataclass
class Dictionary:
    """Translates whole sentences, and remembers which; None for those that it lacks."""

    entries: dict[str, str | None]
    asked: list[str] = field(default_factory=list)

    def translate(self, sentence: str) -> str | None:
        self.asked.append(sentence)
        return self.entries.get(sentence)


def there_and_back(text: str, pairs: dict[str, str | None], rate: float = 1.0, *terms: str) -> str:
    there, back = Dictionary({one: f"<{one}>" for one in pairs}), Dictionary({f"<{a}>": b for a, b in pairs.items()})
    found = BackTranslation(there, back, Protection(terms))
    return with_edits(text, found.rewrite([text], [Draw.of(0, "back_translation", 0, text)], rate)[0])


def test_sentences_are_replaced_and_the_rest_stays_as_it_is() -> None:
    text = "  I need  money.\n\tI have a job;  thanks"
    pairs = {"I need  money.": "Money is needed.", "I have a job;": " I am \n employed;", "thanks": None}
    assert there_and_back(text, pairs) == "  Money is needed.\n\tI am employed;  thanks"


@pytest.mark.parametrize(
    ("sentence", "back"),
    [
        ("I owe 5,000.", "I owe 50,000."),
        ("I owe two cards.", "I owe cards."),
        ("I am not late.", "I am late."),
        ("I am late.", "I am never late."),
        ("My wife works.", "My woman works."),
        ("I work for Boeing.", "I work for a company."),
        ("我需要贷款。", "我要钱。"),
        ("I owe.", ""),
    ],
)
def test_a_translation_that_loses_what_has_to_be_kept_is_not_taken(sentence: str, back: str) -> None:
    assert there_and_back(sentence, {sentence: back}, 1.0, "wife") == sentence


def test_the_rate_is_a_share_of_the_sentences() -> None:
    text = " ".join(f"sentence {word}." for word in WORDS[:10])
    pairs: dict[str, str | None] = {f"sentence {word}.": f"phrase {word}." for word in WORDS}
    assert there_and_back(text, pairs, 0.3).count("phrase") == 3
    assert there_and_back("sentence money.", pairs, 0.1) == "phrase money."


def test_a_sentence_is_translated_once() -> None:
    there = Dictionary({"thanks.": "danke."})
    found = BackTranslation(there, Dictionary({"danke.": "thank you."}), Protection())
    texts = ["thanks.", "thanks. ", "thanks."]
    assert [len(one) for one in found.rewrite(texts, [Draw.of(0, "", 0, text) for text in texts], 1.0)] == [1, 1, 1]
    assert there.asked == ["thanks."]


@pytest.fixture(scope="module")
def seq2seq(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny random T5."""
    folder = tmp_path_factory.mktemp("t5")
    vocabulary = {name: n for n, name in enumerate(["<pad>", "</s>", "<unk>", *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    ).save_pretrained(folder)
    torch.manual_seed(0)
    config = T5Config(vocab_size=len(vocabulary), d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2)
    config.decoder_start_token_id = 0
    T5ForConditionalGeneration(config).save_pretrained(folder)
    return folder


def test_a_transformers_folder_translates_the_same_each_time_and_asks_no_network(
    seq2seq: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    translator = open_translator(str(seq2seq), "augment.there")
    found = translator.translate("we need money for the house")
    assert found is not None
    assert set(found.split()) <= set(WORDS)
    assert open_translator(str(seq2seq), "augment.there").translate("we need money for the house") == found


def test_a_sentence_that_is_too_long_stays(seq2seq: Path) -> None:
    assert open_translator(str(seq2seq), "augment.there").translate("money " * 600) is None


def test_pickled_weights_are_not_read(seq2seq: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes((seq2seq / "config.json").read_bytes())
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(ContractError, match=r"augment\.back: .* holds no safetensors weights"):
        open_translator(str(tmp_path), "augment.back")


def test_a_folder_that_is_no_translator_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(ContractError, match=r"augment\.there: .* cannot be opened"):
        open_translator(str(tmp_path), "augment.there")


@pytest.mark.parametrize(
    ("source", "what"), [("", "needs it, and it is not set"), ("Helsinki-NLP/opus-mt-en-de", "is no folder")]
)
def test_what_is_no_folder_is_refused_and_nothing_downloaded(source: str, what: str) -> None:
    with pytest.raises(ContractError, match=f"augment.there: .*{what}"):
        open_translator(source, "augment.there")


@pytest.fixture
def argos(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module that looks like argostranslate with English and German installed."""
    german = SimpleNamespace(code="de", get_translation=lambda _: None)
    english = SimpleNamespace(
        code="en",
        get_translation=lambda to: SimpleNamespace(translate=str.upper) if to is german else None,
    )
    module = ModuleType("argostranslate")
    provider = SimpleNamespace(OPENNMT="local", OPENAI="elsewhere")
    module.settings = SimpleNamespace(model_provider="local", ModelProvider=provider)  # type: ignore[attr-defined]
    module.translate = SimpleNamespace(get_installed_languages=lambda: [english, german])  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "argostranslate", module)
    monkeypatch.setattr(back_translation, "find_spec", lambda _: object())
    return module


@pytest.mark.usefixtures("argos")
def test_an_installed_package_of_argostranslate_translates() -> None:
    assert open_translator("argos:en-de", "augment.there").translate("money") == "MONEY"


@pytest.mark.usefixtures("argos")
@pytest.mark.parametrize("source", ["argos:de-en", "argos:en-fr", "argos:en", "argos:en-en"])
def test_languages_without_a_package_are_refused(source: str) -> None:
    with pytest.raises(ContractError, match=rf"no package installed for '{source}' \(languages: de, en\)"):
        open_translator(source, "augment.back")


def test_an_argostranslate_that_asks_a_service_is_refused(argos: ModuleType) -> None:
    argos.settings.model_provider = "elsewhere"
    with pytest.raises(ContractError, match="elsewhere than on this machine"):
        open_translator("argos:en-de", "augment.there")


def test_argostranslate_may_be_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(back_translation, "find_spec", lambda _: None)
    with pytest.raises(ContractError, match="argostranslate is not installed"):
        open_translator("argos:en-de", "augment.there")
