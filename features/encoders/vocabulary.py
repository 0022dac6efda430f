"""What an encoder's vocabulary can read: whole words of some scripts, single letters of others, nothing of the rest.

An English vocabulary knows the letters of many alphabets one by one, and some hundred Chinese characters, so unknown
tokens alone do not show that it cannot read a text. A script counts as known where enough pieces are of it.
"""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from features.arrays import Floats
from features.text.scripts import HAN, KANA, script_of

if TYPE_CHECKING:
    from tokenizers import Tokenizer

UNKNOWN = ("[UNK]", "<unk>")
LEAST_PIECES = 0.002
"""The least share of an alphabet's pieces of two letters and more, among all pieces with letters, to count as known.

The embedded encoder has 0.03 % Cyrillic and 0.01 % Greek pieces, and 96 % Latin ones.
"""
LEAST_HAN = 0.02
"""The same of single Chinese characters; the embedded encoder has 0.9 %, a Chinese one far more than a tenth."""
LONGEST_READ = 20_000  # characters of a text that are looked at


@dataclass(frozen=True)
class Readable:
    """What a look at a vocabulary found.

    Attributes:
        scripts: that are known.
        ascii: whether no letter of ASCII is unknown, however it stands.
    """

    scripts: frozenset[str]
    ascii: bool


@dataclass(frozen=True)
class Vocabulary:
    """The vocabulary of a tokenizer.

    Attributes:
        open_tokenizer: gives the tokenizer of an encoder, which neither cuts nor pads texts; called when it is needed.
        found: what an earlier look found; None: it is looked at when needed.
    """

    open_tokenizer: Callable[[], Tokenizer]
    found: Readable | None = None

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer."""
        return self.open_tokenizer()

    @property
    def readable(self) -> Readable:
        """What can be read."""
        return Readable(self.scripts, self.reads_ascii)

    @cached_property
    def scripts(self) -> frozenset[str]:
        """The scripts that are known (``features.text.scripts.script_of``).

        Where no piece has two letters, every script of which a letter is there.
        """
        if self.found is not None:
            return self.found.scripts
        words, letters = Counter[str](), Counter[str]()
        ids = sorted(self.tokenizer.get_vocab(with_added_tokens=True).values())
        for piece in self.tokenizer.decode_batch([[at] for at in ids], skip_special_tokens=True):
            if piece.startswith(("[", "<")):  # special ones that the tokenizer does not call so
                continue
            scripts = [script for script in map(script_of, piece) if script]
            if len(scripts) == 1:
                letters[scripts[0]] += 1
            elif scripts and len(set(scripts)) == 1:
                words[scripts[0]] += 1
        if not words:
            return frozenset(letters)
        n = words.total() + letters.total()
        known = {script for script, n_words in words.items() if n_words >= LEAST_PIECES * n} - {HAN}
        return frozenset(known | ({HAN, KANA} if letters[HAN] + words[HAN] >= LEAST_HAN * n else set()))

    @cached_property
    def reads_ascii(self) -> bool:
        """Whether no letter of ASCII is unknown, however it stands."""
        if self.found is not None:
            return self.found.ascii
        return "Latin" in self.scripts and bool(
            np.all(self._shares([*string.ascii_letters, string.ascii_letters]) == 1)
        )

    def share_read(self, texts: Sequence[str]) -> Floats:
        """The share of each text's letters that the encoder reads, float64 (n,): those of known scripts in known
        tokens; 1 for a text without a letter.
        """
        shares = np.ones(len(texts))
        hard = [at for at, text in enumerate(texts) if not (text.isascii() and self.reads_ascii)]
        if hard:
            shares[hard] = self._shares([texts[at][:LONGEST_READ] for at in hard])
        return shares

    def _shares(self, texts: Sequence[str]) -> Floats:
        shares = np.ones(len(texts))
        for at, encoding in enumerate(self.tokenizer.encode_batch(list(texts), add_special_tokens=False)):
            known = [script in self.scripts for script in map(script_of, texts[at])]
            is_letter = np.array([bool(script_of(letter)) for letter in texts[at]], np.bool_)
            read = np.zeros(len(texts[at]), np.bool_)
            for token, (start, end) in zip(encoding.tokens, encoding.offsets, strict=True):
                read[start:end] = token not in UNKNOWN
            if is_letter.any():
                shares[at] = (read & np.array(known, np.bool_))[is_letter].mean()
        return shares
