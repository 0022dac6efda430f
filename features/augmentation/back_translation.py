"""Sentences translated to another language and back, by models that lie on this machine; nothing is ever downloaded.

A translation is taken only where it kept what every variant keeps (``Protection.keeps``); else the sentence stays. So
does one in a script without spaces between words, in which numbers and negations are not found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from data_schemas.errors import ContractError
from features.augmentation.draws import Draw
from features.augmentation.words import Protection, n_wanted
from features.text.cleaning import Edit, sentences
from features.text.scripts import has_spaceless

ARGOS = "argos:"
LONGEST = 512  # tokens of a sentence and of its translation; a longer sentence stays
_REMEDY = (
    "Give the folder of a transformers sequence-to-sequence model with safetensors weights, or argos:FROM-TO for an "
    "installed package of argostranslate, such as argos:en-de."
)


class Translator(Protocol):
    """Whatever translates."""

    def translate(self, sentence: str) -> str | None:
        """The translation; None where the sentence is too long."""
        ...


@dataclass(frozen=True)
class BackTranslation:
    """Replaces sentences by what is left of them after a translation there and back.

    Attributes:
        there: into the other language.
        back: from it.
        protection: what a translation has to keep.
        known: sentences translated before.
    """

    there: Translator
    back: Translator
    protection: Protection
    known: dict[str, str] = field(default_factory=dict)

    def rewrite(self, texts: Sequence[str], draws: Sequence[Draw], rate: float) -> list[list[Edit]]:
        """The edits of each text: of the share ``rate`` of its sentences, but those that a translation left alike."""
        return [self._edits(text, draw, rate) for text, draw in zip(texts, draws, strict=True)]

    def _edits(self, text: str, draw: Draw, rate: float) -> list[Edit]:
        spans = sentences(text)
        chosen = sorted(draw.order(len(spans))[: n_wanted(len(spans), rate)])
        edits = [(start, end, self._there_and_back(text[start:end])) for start, end in (spans[at] for at in chosen)]
        return [edit for edit in edits if edit[2] != text[edit[0] : edit[1]]]

    def _there_and_back(self, sentence: str) -> str:
        if has_spaceless(sentence):
            return sentence
        if sentence not in self.known:
            middle = self.there.translate(sentence)
            found = self.back.translate(middle) if middle else None
            found = " ".join(found.split()) if found else None
            self.known[sentence] = found if found and self.protection.keeps(sentence, found) else sentence
        return self.known[sentence]


@dataclass(frozen=True)
class Seq2Seq:
    """A sequence-to-sequence model of transformers, such as Marian or T5; greedy, one sentence at a time, so that a
    translation depends on nothing else. Opened by ``open_translator``.

    Attributes:
        model: the model.
        tokenizer: its tokenizer.
    """

    model: Any
    tokenizer: Any

    def translate(self, sentence: str) -> str | None:
        """See ``Translator``."""
        import torch

        read = self.tokenizer(sentence, return_tensors="pt")
        if read["input_ids"].shape[1] > LONGEST:
            return None
        with torch.inference_mode():
            written = self.model.generate(
                input_ids=read["input_ids"],
                attention_mask=read["attention_mask"],
                do_sample=False,
                num_beams=1,
                max_new_tokens=min(LONGEST, 2 * read["input_ids"].shape[1] + 16),
            )
        return str(self.tokenizer.decode(written[0], skip_special_tokens=True))


@dataclass(frozen=True)
class Argos:
    """An installed package of argostranslate.

    Attributes:
        translation: what ``argostranslate.translate.get_translation_from_codes`` gave.
    """

    translation: Any

    def translate(self, sentence: str) -> str | None:
        """See ``Translator``."""
        return str(self.translation.translate(sentence))


def open_translator(source: str, key: str) -> Translator:
    """Open the translator that the setting ``key`` names.

    Raises ContractError for none, a folder without a model or one with weights other than safetensors, a model whose
    library is not installed, and languages that argostranslate has no package for.
    """
    if source.startswith(ARGOS):
        return _argos(source, key)
    if not source or not Path(source).is_dir():
        what = f"{source!r} is no folder" if source else "back-translation needs it, and it is not set"
        raise ContractError(f"{key}: {what}", _REMEDY)
    return _seq2seq(Path(source), key)


def _argos(source: str, key: str) -> Translator:
    if find_spec("argostranslate") is None:
        raise ContractError(f"{key}: argostranslate is not installed", "Run `pip install argostranslate`.")
    from argostranslate import settings, translate

    if settings.model_provider is not settings.ModelProvider.OPENNMT:
        raise ContractError(
            f"{key}: argostranslate is set to translate elsewhere than on this machine",
            "Unset ARGOS_MODEL_PROVIDER.",
        )
    languages = {language.code: language for language in translate.get_installed_languages()}
    first, dash, second = source.removeprefix(ARGOS).partition("-")
    found = languages[first].get_translation(languages[second]) if {first, second} <= languages.keys() else None
    if not dash or first == second or found is None:
        known = ", ".join(sorted(languages)) or "none"
        raise ContractError(
            f"{key}: argostranslate has no package installed for {source!r} (languages: {known})",
            f"Run `argospm install translate-{first}_{second or 'xx'}`, or write it as argos:en-de.",
        )
    return Argos(found)


def _seq2seq(folder: Path, key: str) -> Translator:
    if not any(folder.glob("*.safetensors")):
        raise ContractError(f"{key}: {folder} holds no safetensors weights; pickled ones are not read", _REMEDY)
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    try:
        model = AutoModelForSeq2SeqLM.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, trust_remote_code=False
        )
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError, ImportError) as error:
        reason = str(error).strip().split("\n")[0]
        raise ContractError(f"{key}: {folder} cannot be opened: {reason}", _REMEDY) from error
    return Seq2Seq(model.eval(), tokenizer)
