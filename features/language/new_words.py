"""Frequent words of a lender that a tokenizer breaks into pieces, as tokens of their own."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence

from tokenizers import Tokenizer

from data_schemas.errors import ContractError

FEWEST_TEXTS = 20
"""Texts in which a word must occur: rarer ones may be somebody's name, and are learned from too little."""

SHORTEST = 3


def frequent_words(tokenizer: Tokenizer, texts: Iterable[str], n: int) -> list[str]:
    """The ``n`` words in most texts, of letters alone, that the tokenizer breaks into pieces; the most frequent first.

    Raises ContractError for a tokenizer that is no WordPiece one: others have no place for whole words.
    """
    if json.loads(tokenizer.to_str())["model"]["type"] != "WordPiece":
        raise ContractError(
            "the encoder's tokenizer is no WordPiece tokenizer, and takes no new words",
            "Leave --new-words out, or give an encoder such as MiniLM or BERT.",
        )
    counts = Counter[str]()
    for text in texts:
        counts.update(set(_words(tokenizer, text)))
    often = sorted((word for word, count in counts.items() if count >= FEWEST_TEXTS), key=lambda w: (-counts[w], w))
    found: list[str] = []
    for word in often:
        if len(found) == n:
            break
        if len(word) >= SHORTEST and word.isalpha() and len(pieces(tokenizer, word)) > 1:
            found.append(word)
    return found


def pieces(tokenizer: Tokenizer, word: str) -> list[int]:
    """The tokens of a word."""
    return list(tokenizer.encode(word, add_special_tokens=False).ids)


def with_words(tokenizer: Tokenizer, words: Sequence[str]) -> Tokenizer:
    """A WordPiece tokenizer with these words as further tokens, in their order after all others."""
    state = json.loads(tokenizer.to_str())
    following = max(tokenizer.get_vocab(with_added_tokens=True).values()) + 1
    state["model"]["vocab"] |= {word: following + i for i, word in enumerate(words)}
    return Tokenizer.from_str(json.dumps(state))


def _words(tokenizer: Tokenizer, text: str) -> list[str]:
    """The words of a text as the tokenizer parts them."""
    text = tokenizer.normalizer.normalize_str(text) if tokenizer.normalizer else text
    if not tokenizer.pre_tokenizer:
        return text.split()
    return [word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(text)]
