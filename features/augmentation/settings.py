"""How narratives are augmented; see ``features.augmentation.augmentation``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal["synonyms", "masked_words", "dropout", "back_translation"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Augmentation:
    """How narratives are augmented.

    Attributes:
        kinds: what is done, a kind to a copy, in turn.
        rate: share of a text's words that is replaced, at least one; of back-translation, of its sentences.
        copies: variants of each text.
        seed: of what is drawn.
        protected: words and phrases in lower case that stay (``features.augmentation.words.protected_terms``).
    """

    kinds: tuple[Kind, ...]
    rate: float = 0.1
    copies: int = 1
    seed: int = 0
    protected: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.kinds or not set(self.kinds) <= set(KINDS):
            raise ValueError(f"kinds must be one or more of {', '.join(KINDS)}, got {self.kinds}")
        if not 0 < self.rate <= 1 or self.copies < 1:
            raise ValueError(f"rate must be in (0, 1] and copies at least 1, got {self.rate} and {self.copies}")

    def kind(self, copy: int) -> Kind:
        """The kind of a copy, which are counted from 0."""
        return self.kinds[copy % len(self.kinds)]


@dataclass(frozen=True)
class Sources:
    """Where the kinds take their words from.

    Attributes:
        word_net: see ``features.augmentation.word_net.open_word_net``.
        masked_words: source of the encoder that names masked words, see ``features.encoders.opening.open_encoder``.
        window: tokens that it reads at once.
        there: the translator into another language, see ``features.augmentation.back_translation.open_translator``.
        back: the one back.
    """

    word_net: str = "package"
    masked_words: str = "embedded"
    window: int = 256
    there: str = ""
    back: str = ""
