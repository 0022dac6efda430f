"""Texts to windows: the stretches of tokens that an encoder sees at once, and which passage each token belongs to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from features.arrays import Ints

if TYPE_CHECKING:
    from tokenizers import Tokenizer

PIECE_CHARACTERS = 50_000  # the tokenizer sees a long text in pieces of this size: bounds memory
PIECES_A_CALL = 256

Spans = Sequence[tuple[int, int]]


@dataclass(frozen=True)
class Window:
    """A stretch of one text, ready for the model.

    text: its number. ids: int64, with the special tokens. weight: its own tokens, the special ones not counted.
    n_before: special tokens before its own, those of a prefix among them; one comes after.
    passages: the passages with tokens here, counted through all texts; empty where the text is not cut. lengths: the
    tokens of each passage, between the two special tokens; of a text that is not cut, all tokens at once.
    """

    text: int
    ids: Ints
    weight: int
    n_before: int
    passages: Ints
    lengths: Ints


def cut_windows(
    tokenizer: Tokenizer, longest: int, texts: Sequence[str], spans: Sequence[Spans], prefix: str = ""
) -> list[Window]:
    """The windows of these texts, in order; those of one text are of nearly equal size, at most ``longest`` tokens.

    spans: the passages of each text, which cover it, in characters; a text with fewer than two is not cut. prefix:
    stands before every text and, as its tokens, in every window; it belongs to no passage.
    """
    head, tail = before_and_after(tokenizer, prefix)
    n_before = len(head)
    room = longest - n_before - 1
    windows = []
    first = 0
    for text, (ids, places) in enumerate(_tokens(tokenizer, texts, [len(own) > 1 for own in spans], prefix)):
        owner = None
        if places is not None:
            starts = [start for start, _ in spans[text]]
            owner = first + np.searchsorted(starts, places, side="right") - 1
        n_windows = max(1, -(-len(ids) // room))
        for i in range(n_windows):
            part = slice(len(ids) * i // n_windows, len(ids) * (i + 1) // n_windows)
            own = np.concatenate([head, ids[part], tail])
            whole = (_NONE, np.array([len(own)], np.int64))
            passages, lengths = _runs(owner[part], n_before) if owner is not None else whole
            windows.append(Window(text, own, part.stop - part.start, n_before, passages, lengths))
        first += len(spans[text])
    return windows


_NONE = np.zeros(0, np.int64)


def before_and_after(tokenizer: Tokenizer, prefix: str) -> tuple[Ints, Ints]:
    """The special tokens before a text, those of a prefix behind them, and the one after it."""
    head, tail = tokenizer.encode("").ids
    own = tokenizer.encode(prefix.rstrip(), add_special_tokens=False).ids if prefix else []
    return np.array([head, *own], np.int64), np.array([tail], np.int64)


def _runs(owner: Ints, n_before: int) -> tuple[Ints, Ints]:
    """The passages in turn, and how long each lasts, between the special tokens."""
    begins = np.flatnonzero(np.diff(owner, prepend=-1))
    return owner[begins], np.concatenate([[n_before], np.diff(begins, append=len(owner)), [1]])


def _tokens(
    tokenizer: Tokenizer, texts: Sequence[str], placed: Sequence[bool], prefix: str
) -> Iterator[tuple[Ints, Ints | None]]:
    """Token ids of each text, without special tokens, and the character where each begins, for the texts ``placed``."""
    pieces = [(n, *piece) for n, text in enumerate(texts) for piece in _pieces(text)]
    pending: list[tuple[Ints, Ints | None]] = []
    current = 0
    for at in range(0, len(pieces), PIECES_A_CALL):
        step = pieces[at : at + PIECES_A_CALL]
        # The fast call does not track places; the ids are the same.
        read = tokenizer.encode_batch if prefix or any(placed[n] for n, _, _ in step) else tokenizer.encode_batch_fast
        # What stands before a text decides how its first word is cut, so the prefix is read with it.
        lead = [prefix if start == 0 else "" for _, start, _ in step]
        encodings = read([a + piece for a, (_, _, piece) in zip(lead, step, strict=True)], add_special_tokens=False)
        for (n, start, piece), encoding, ahead in zip(step, encodings, lead, strict=True):
            if n != current:
                yield _joined(pending)
                pending, current = [], n
            ids = np.array(encoding.ids, np.int64)
            offsets = np.array(encoding.offsets, np.int64).reshape(-1, 2) if ahead or placed[n] else _NO_OFFSETS
            if ahead:
                own = offsets[:, 1] > len(ahead.rstrip())
                ids, offsets = ids[own], np.maximum(offsets[own] - len(ahead), 0)
            pending.append((ids, start + _places(offsets, piece) if placed[n] else None))
    if pending:
        yield _joined(pending)


_NO_OFFSETS = np.zeros((0, 2), np.int64)


def _places(offsets: Ints, piece: str) -> Ints:
    """Where tokens begin, past the white space that some tokenizers count as part of the word behind it."""
    starts = offsets[:, 0].copy()
    for at in np.flatnonzero([piece[start : start + 1].isspace() for start in starts]):
        token = piece[starts[at] : offsets[at, 1]]
        starts[at] += len(token) - len(token.lstrip())
    return np.maximum.accumulate(starts)


def _joined(pieces: Sequence[tuple[Ints, Ints | None]]) -> tuple[Ints, Ints | None]:
    places = [place for _, place in pieces if place is not None]
    return np.concatenate([ids for ids, _ in pieces]), np.concatenate(places) if places else None


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """The text, or a long one cut at white space, where a word-piece tokenizer cuts as well; with where each begins."""
    start = 0
    while len(text) - start > PIECE_CHARACTERS:
        end = start + PIECE_CHARACTERS
        cut = max(text.rfind(" ", start, end), text.rfind("\n", start, end))
        cut = cut if cut > start else end
        yield start, text[start:cut]
        start = cut
    yield start, text[start:]


def batches_by_tokens(order: Sequence[int], windows: Sequence[Window], n_tokens: int) -> Iterator[list[int]]:
    """``order`` cut into stretches of at most ``n_tokens`` tokens (or one window)."""
    batch: list[int] = []
    size = 0
    for i in order:
        if batch and size + len(windows[i].ids) > n_tokens:
            yield batch
            batch, size = [], 0
        batch.append(i)
        size += len(windows[i].ids)
    if batch:
        yield batch
