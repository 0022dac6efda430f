"""Masks over whole words: which tokens of a window an encoder has to guess, and what it sees in their place."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from tokenizers import Tokenizer

from data_schemas.errors import ContractError
from features.arrays import Flags, Ints

MASKED, EXCHANGED = 0.8, 0.1
"""Of the tokens to guess, the shares that become the mask and another token; the rest stays (Devlin et al., 2019)."""

_MASKS = ("[MASK]", "<mask>")
_NO_WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "<pad>", "<unk>", "<s>", "</s>")


@dataclass(frozen=True)
class TokenKinds:
    """What masking needs to know of a tokenizer's tokens.

    Attributes:
        mask: id of the mask token.
        special: bool (n_tokens,), tokens that are never guessed.
        goes_on: bool (n_tokens,), tokens that go on with the word of the token before.
    """

    mask: int
    special: Flags
    goes_on: Flags

    @cached_property
    def ordinary(self) -> Ints:
        """int64, ids of the tokens that may be guessed."""
        return np.flatnonzero(~self.special)

    @staticmethod
    def of(tokenizer: Tokenizer) -> TokenKinds:
        """Find them out; raises ContractError for a tokenizer without a mask token."""
        ids = tokenizer.get_vocab(with_added_tokens=True)
        masks = [ids[name] for name in _MASKS if name in ids]
        if not masks:
            raise ContractError(
                "the encoder's tokenizer has no mask token ([MASK] or <mask>)",
                "Give an encoder that was pre-trained with masked words, such as MiniLM, BERT or RoBERTa.",
            )
        special = np.zeros(max(ids.values()) + 1, dtype=np.bool_)
        added = [place for place, token in tokenizer.get_added_tokens_decoder().items() if token.special]
        special[[*tokenizer.encode("").ids, *added, *masks, *(ids[name] for name in _NO_WORDS if name in ids)]] = True
        goes_on = np.zeros(len(special), dtype=np.bool_)
        begins = _beginning_of_words(ids)
        for name, place in ids.items():
            goes_on[place] = name.startswith("##") if begins is None else not name.startswith(begins)
        return TokenKinds(masks[0], special, goes_on & ~special)


def _beginning_of_words(names: Iterable[str]) -> str | None:
    """What tokens begin with that begin a word; None where the others are marked instead, by ##."""
    names = list(names)
    if any(name.startswith("##") for name in names):
        return None
    return next((mark for mark in ("▁", "Ġ") if any(name.startswith(mark) for name in names)), "")


@dataclass(frozen=True)
class MaskedWindow:
    """A window with some of its words hidden.

    Attributes:
        tokens: int64 (n,), the tokens that the encoder is given.
        places: int64 (m,), where in the window it has to guess.
        hidden: int64 (m,), the tokens that stand there.
    """

    tokens: Ints
    places: Ints
    hidden: Ints


def mask_words(ids: Ints, kinds: TokenKinds, share: float, seeds: tuple[int, ...]) -> MaskedWindow:
    """Hide whole words, each with the chance ``share``; the same window has the same masks for the same seeds.

    Args:
        ids: int64 (n,), a window with its special tokens.
        kinds: of the tokenizer's tokens.
        share: chance of a word.
        seeds: whole numbers from 0 up, such as the run's seed and the epoch.
    """
    own = int.from_bytes(hashlib.blake2b(ids.tobytes(), digest_size=8).digest(), "big")
    random = np.random.Generator(np.random.PCG64([*seeds, own]))
    special = kinds.special[ids]
    begins = ~kinds.goes_on[ids] | np.concatenate([[True], special[:-1]])
    word = np.cumsum(begins) - 1
    places = np.flatnonzero((random.random(len(ids)) < share)[word] & ~special)
    tokens = ids.copy()
    kind = random.random(len(places))
    tokens[places[kind < MASKED]] = kinds.mask
    exchanged = places[(kind >= MASKED) & (kind < MASKED + EXCHANGED)]
    tokens[exchanged] = kinds.ordinary[random.integers(len(kinds.ordinary), size=len(exchanged))]
    return MaskedWindow(tokens, places, ids[places])
