"""Texts to vectors: mean-pooled BERT, the same bits for a text whoever else is encoded with it.

Numerics: fixed tiles and exact lengths (``features.encoders.networks.bert``) make a text's vector independent of its
neighbours, its place in the file and the number of threads; each worker thread computes alone, so no product is split
between threads. The last step rounds to float16, which is what the cache stores: a looked-up vector equals a computed
one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence, Sized
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from tokenizers import Tokenizer

from data_schemas.errors import ContractError
from features.arrays import Flags, Floats32, Ints
from features.encoders.devices import precision_of
from features.encoders.networks.bert import Bert, means
from features.encoders.networks.token_model import TokenModel
from features.encoders.threads import lone_workers
from features.encoders.usage import Pooling
from features.encoders.vectors import PartVectors, Progress, round_to_half
from features.encoders.windows import Spans, Window, batches_by_tokens, cut_windows

IMPLEMENTATION = 1  # raise whenever a change alters bits
SORTED_CHARACTERS = 4_000_000  # texts are sorted by length within this much text: bounds memory


@dataclass(frozen=True)
class BertEncoder:
    """Vectors pooled from those of the tokens, not normalised.

    model: gives tokens their vectors.

    window: longest token sequence the model sees at once, special tokens included. A longer text is read in
    windows of nearly equal size, and its vector is their mean weighted by their tokens: nothing is cut.
    source_digest: sha256 over weights, config and tokenizer.
    pooling: ``"tokens"`` takes the mean over all tokens, the two special ones of every window included; ``"words"``
        over the text's own, and over the special ones only where there is no other; ``"cls"`` is the first special
        token's vector, of which a text's passages have no part.
    prefix: stands before every text, in every window; its tokens count as special ones do.
    """

    model: TokenModel
    tokenizer: Tokenizer
    window: int
    source_digest: str
    pooling: Pooling = "tokens"
    prefix: str = ""

    @property
    def bert(self) -> Bert:
        """Our own BERT, for what needs its layers; raises ContractError where another model is behind it."""
        if not isinstance(self.model, Bert):
            raise ContractError(
                "this needs a plain BERT encoder, whose layers are at hand",
                "Choose one of model_type bert, and encoder.engine = torch.",
            )
        return self.model

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self.model.dim

    @property
    def precision(self) -> str:
        """``"bf16"``, ``"fp32"`` or ``"int8"``."""
        return precision_of(self.model.dtype)

    @cached_property
    def model_digest(self) -> str:
        """What a model trained on these vectors depends on, the same on every machine."""
        pooling = "mean" if self.pooling == "tokens" else self.pooling  # "mean" is its older name
        prefix = (self.prefix,) if self.prefix else ()
        return _digest(self.source_digest, self.window, pooling, IMPLEMENTATION, *prefix)

    @cached_property
    def digest(self) -> str:
        """``model_digest`` plus all that decides the last bits: precision, device, kernels."""
        kernels = torch.backends.cpu.get_cpu_capability() if self.model.device.type == "cpu" else "cuda"
        engine = (self.model.engine,) if self.model.engine else ()
        return _digest(self.model_digest, self.precision, kernels, torch.__version__, *engine)

    def encode(self, texts: Sequence[str], on_progress: Progress | None = None) -> Floats32:
        """Vectors of ``texts``, float32 (n, dim), every value exact in float16.

        An empty text gets the vector of an empty sequence. ``on_progress`` is told the number of texts done so far.
        """
        return self.encode_parts(texts, [()] * len(texts), on_progress).whole

    def encode_parts(
        self, texts: Sequence[str], spans: Sequence[Spans], on_progress: Progress | None = None
    ) -> PartVectors:
        """Vectors of ``texts`` and of their passages from one reading, every value exact in float16.

        spans: of each text's passages, in order, covering it; a token belongs to the passage where it begins.

        Raises ContractError where a text is cut and its vector is no mean.
        """
        if self.pooling == "cls" and any(len(own) > 1 for own in spans):
            raise ContractError(
                "the first token's vector (encoder.pooling = cls) does not split over the sentences of a text",
                "Set encoder.pooling to tokens, or encoder.unit to sentence.",
            )
        found = PartVectors.zeros([len(own) for own in spans], self.dim)
        done = 0
        with lone_workers(self.model.device) as pool:
            for stretch in _stretches(texts):
                windows = cut_windows(self.tokenizer, self.window, texts[stretch], spans[stretch], self.prefix)
                for n in self._add_windows(windows, found.view(stretch), pool):
                    done += n
                    if on_progress is not None:
                        on_progress(done)
        np.divide(found.parts, found.share[:, None], out=found.parts, where=found.share[:, None] > 0)
        found.fill_single()
        for values in (found.whole, found.parts, found.share):
            round_to_half(values)
        return found

    def _add_windows(self, windows: Sequence[Window], sums: PartVectors, pool: ThreadPoolExecutor) -> Iterator[int]:
        """Add every window, weighted, to its text and its passages; yields how many texts each batch completed."""
        total = np.zeros(len(sums.whole), np.int64)
        left = np.zeros(len(sums.whole), np.int64)
        for window in windows:
            total[window.text] += window.weight
            left[window.text] += 1
        pooled = np.empty((len(windows), self.dim), np.float32)
        parts: dict[int, Floats32] = {}
        order = sorted(range(len(windows)), key=lambda i: len(windows[i].ids), reverse=True)
        futures: dict[Future[tuple[Floats32, list[Floats32]]], list[int]] = {}
        for batch in _mixed(list(batches_by_tokens(order, windows, self.model.batch_tokens))):
            futures[pool.submit(self._pooled, [windows[i] for i in batch])] = batch
        for future in as_completed(futures):
            batch = futures[future]
            pooled[batch], inner = future.result()
            parts.update(zip(batch, inner, strict=False))
            before = np.count_nonzero(left)
            np.subtract.at(left, [windows[i].text for i in batch], 1)
            yield int(before - np.count_nonzero(left))
        for i, window in enumerate(windows):  # in text order, so sums round the same every time
            share = np.float32(window.weight / total[window.text]) if total[window.text] else np.float32(1)
            sums.whole[window.text] += share * pooled[i]
            if len(window.passages):
                shares = share * (window.lengths[1:-1] / self._n_counted(window)).astype(np.float32)
                sums.share[window.passages] += shares
                sums.parts[window.passages] += shares[:, None] * parts.pop(i)

    def _pooled(self, windows: Sequence[Window]) -> tuple[Floats32, list[Floats32]]:
        """Mean vector of every window and, unless none of them is cut, those of its passages."""
        with torch.inference_mode():
            vectors = self.model.token_vectors([torch.from_numpy(window.ids) for window in windows])
            pooled = self._means(vectors, windows).cpu().numpy()
            if not any(len(window.passages) for window in windows):
                return pooled, []
            lengths = np.concatenate([window.lengths for window in windows])
            ends = _ends([window.lengths for window in windows])
            runs = np.split(means(vectors, lengths.tolist()).cpu().numpy(), ends)
        return pooled, [own[1:-1] for own in runs]

    def _means(self, vectors: torch.Tensor, windows: Sequence[Window]) -> torch.Tensor:
        """Mean vector of the tokens of every window that count: (n_tokens, dim) -> (n_windows, dim)."""
        if self.pooling == "cls":
            return vectors[np.concatenate([[0], _ends([window.ids for window in windows])])]
        counts = [self._n_counted(window) for window in windows]
        if self.pooling == "words":
            counted = np.concatenate([_counted(window) for window in windows])
            vectors = vectors[torch.from_numpy(counted).to(vectors.device)]
        return means(vectors, counts)

    def _n_counted(self, window: Window) -> int:
        """How many tokens of a window its vector is the mean of."""
        return window.weight if self.pooling == "words" and window.weight else len(window.ids)


def _counted(window: Window) -> Flags:
    """Which tokens of a window are the text's own; all where none is."""
    counted = np.full(len(window.ids), not window.weight)
    counted[window.n_before : -1] = True
    return counted


def _ends(sizes: Sequence[Sized]) -> Ints:
    """Where each but the last ends, one after the other."""
    return np.cumsum([len(own) for own in sizes])[:-1]


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _stretches(texts: Sequence[str]) -> Iterator[slice]:
    """Stretches of about ``SORTED_CHARACTERS``."""
    start = size = 0
    for n, text in enumerate(texts):
        if size and size + len(text) > SORTED_CHARACTERS:
            yield slice(start, n)
            start, size = n, 0
        size += len(text) + 16  # a text without characters is work too
    if start < len(texts):
        yield slice(start, len(texts))


def _mixed(batches: Sequence[list[int]]) -> list[list[int]]:
    """The batches with long and short texts taking turns, so that progress is even and the time left can be told."""
    golden = (5**0.5 - 1) / 2
    return [batches[i] for i in sorted(range(len(batches)), key=lambda i: i * golden % 1.0)]
