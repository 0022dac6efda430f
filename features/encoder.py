"""Texts to vectors: mean-pooled BERT, the same bits for a text whoever else is encoded with it.

Numerics: fixed tiles and exact lengths (see ``features.bert``) make a text's vector independent of its neighbours, its
place in the file and the number of threads; each worker thread computes alone, so no product is split between
threads. The last step rounds to float16, which is what the cache stores: a looked-up vector equals a computed one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer

from features.bert import Bert
from features.workers import lone_workers

IMPLEMENTATION = 1  # raise whenever a change alters bits
CPU_BATCH_TOKENS = 4096
CUDA_BATCH_TOKENS = 65536
SORTED_CHARACTERS = 4_000_000  # texts are sorted by length within this much text: bounds memory
PIECE_CHARACTERS = 50_000  # the tokenizer sees a long text in pieces of this size: bounds memory

Progress = Callable[[int], None]


class TextEncoder(Protocol):
    """Whatever turns texts into vectors.

    digest: changes whenever a vector's bits may change. dim: length of a vector.
    """

    @property
    def digest(self) -> str:
        """Hexadecimal; names the cache entries that this encoder may read."""
        ...

    @property
    def dim(self) -> int:
        """Length of a vector."""
        ...

    def encode(self, texts: Sequence[str], on_progress: Progress | None = None) -> npt.NDArray[np.float32]:
        """float32 (n, dim); ``on_progress`` is told the number of texts done so far."""
        ...


@dataclass(frozen=True)
class _Window:
    """A stretch of one text, ready for the model. weight: its own tokens, the special ones not counted."""

    text: int
    ids: npt.NDArray[np.int64]
    weight: int


@dataclass(frozen=True)
class BertEncoder:
    """Mean pooling over the tokens of a BERT encoder, special tokens included, not normalised.

    window: longest token sequence the model sees at once, special tokens included. A longer text is read in
    windows of nearly equal size, and its vector is their mean weighted by their tokens: nothing is cut.
    source_digest: sha256 over weights, config and tokenizer.
    """

    bert: Bert
    tokenizer: Tokenizer
    window: int
    source_digest: str

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self.bert.shape.dim

    @property
    def precision(self) -> str:
        """``"bf16"`` or ``"fp32"``."""
        return "bf16" if self.bert.dtype == torch.bfloat16 else "fp32"

    @cached_property
    def model_digest(self) -> str:
        """What a model trained on these vectors depends on, the same on every machine: source, window, pooling."""
        return _digest(self.source_digest, self.window, "mean", IMPLEMENTATION)

    @cached_property
    def digest(self) -> str:
        """``model_digest`` plus all that decides the last bits: precision, device, kernels."""
        kernels = torch.backends.cpu.get_cpu_capability() if self.bert.device.type == "cpu" else "cuda"
        return _digest(self.model_digest, self.precision, kernels, torch.__version__)

    def encode(self, texts: Sequence[str], on_progress: Progress | None = None) -> npt.NDArray[np.float32]:
        """Vectors of ``texts``, float32 (n, dim), every value exact in float16.

        An empty text gets the vector of an empty sequence. ``on_progress`` is told the number of texts done so far.
        """
        vectors = np.zeros((len(texts), self.dim), np.float32)
        done = 0
        with lone_workers(self.bert.device) as pool:
            for part in _parts(texts):
                windows = self._windows(texts[part])
                for n in self._encode_windows(windows, vectors[part], pool):
                    done += n
                    if on_progress is not None:
                        on_progress(done)
        with np.errstate(over="ignore"):
            return vectors.astype(np.float16).astype(np.float32)

    def _encode_windows(
        self, windows: Sequence[_Window], vectors: npt.NDArray[np.float32], pool: ThreadPoolExecutor
    ) -> Iterator[int]:
        """Add every window, weighted, to its text's vector; yields how many texts each batch completed."""
        total = np.zeros(len(vectors), np.int64)
        left = np.zeros(len(vectors), np.int64)
        for window in windows:
            total[window.text] += window.weight
            left[window.text] += 1
        pooled = np.empty((len(windows), self.dim), np.float32)
        order = sorted(range(len(windows)), key=lambda i: len(windows[i].ids), reverse=True)
        futures: dict[Future[npt.NDArray[np.float32]], list[int]] = {}
        n_tokens = CPU_BATCH_TOKENS if self.bert.tile <= 256 else CUDA_BATCH_TOKENS
        for batch in _mixed(list(_batches(order, windows, n_tokens))):
            futures[pool.submit(self._pooled, [windows[i].ids for i in batch])] = batch
        for future in as_completed(futures):
            batch = futures[future]
            pooled[batch] = future.result()
            before = np.count_nonzero(left)
            np.subtract.at(left, [windows[i].text for i in batch], 1)
            yield int(before - np.count_nonzero(left))
        for window, vector in zip(windows, pooled, strict=True):  # in text order, so sums round the same every time
            share = np.float32(window.weight / total[window.text]) if total[window.text] else np.float32(1)
            vectors[window.text] += share * vector

    def _pooled(self, ids: Sequence[npt.NDArray[np.int64]]) -> npt.NDArray[np.float32]:
        with torch.inference_mode():
            return self.bert.mean_pooled([torch.from_numpy(one) for one in ids]).cpu().numpy()

    def _windows(self, texts: Sequence[str]) -> list[_Window]:
        """The windows of these texts, in text order."""
        head, tail = self.tokenizer.encode("").ids
        room = self.window - 2
        windows = []
        for text, tokens in enumerate(self._tokens(texts)):
            n_windows = max(1, -(-len(tokens) // room))
            for i in range(n_windows):
                own = tokens[len(tokens) * i // n_windows : len(tokens) * (i + 1) // n_windows]
                ids = np.empty(len(own) + 2, np.int64)
                ids[0], ids[1:-1], ids[-1] = head, own, tail
                windows.append(_Window(text, ids, len(own)))
        return windows

    def _tokens(self, texts: Sequence[str]) -> Iterator[npt.NDArray[np.int64]]:
        """Token ids of each text, without special tokens."""
        pieces = [(n, piece) for n, text in enumerate(texts) for piece in _pieces(text)]
        pending: list[npt.NDArray[np.int64]] = []
        current = 0
        for at in range(0, len(pieces), 256):
            step = pieces[at : at + 256]
            for (n, _), encoding in zip(
                step,
                self.tokenizer.encode_batch_fast([piece for _, piece in step], add_special_tokens=False),
                strict=True,
            ):
                if n != current:
                    yield np.concatenate(pending)
                    pending, current = [], n
                pending.append(np.array(encoding.ids, np.int64))
        if pending:
            yield np.concatenate(pending)


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _parts(texts: Sequence[str]) -> Iterator[slice]:
    """Stretches of about ``SORTED_CHARACTERS``."""
    start = size = 0
    for n, text in enumerate(texts):
        if size and size + len(text) > SORTED_CHARACTERS:
            yield slice(start, n)
            start, size = n, 0
        size += len(text) + 16  # a text without characters is work too
    if start < len(texts):
        yield slice(start, len(texts))


def _pieces(text: str) -> Iterator[str]:
    """The text, or a long one cut at white space, where a word-piece tokenizer cuts as well."""
    start = 0
    while len(text) - start > PIECE_CHARACTERS:
        end = start + PIECE_CHARACTERS
        cut = max(text.rfind(" ", start, end), text.rfind("\n", start, end))
        cut = cut if cut > start else end
        yield text[start:cut]
        start = cut
    yield text[start:]


def _mixed(batches: Sequence[list[int]]) -> list[list[int]]:
    """The batches with long and short texts taking turns, so that progress is even and the time left can be told."""
    golden = (5**0.5 - 1) / 2
    return [batches[i] for i in sorted(range(len(batches)), key=lambda i: i * golden % 1.0)]


def _batches(order: Sequence[int], windows: Sequence[_Window], n_tokens: int) -> Iterator[list[int]]:
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
