"""Words replaced by what a language model expects in their place: the masked-word predictions of a BERT.

The encoder's own forward pass reads each text with the chosen words masked, in tiles of one fixed size, so that a
variant is the same to the last bit whatever else is augmented. An encoder that came without the head which names masked
words is refused: with the word embeddings in its place the embedded MiniLM named none of 200 masked words of clothing
reviews within its first five guesses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from safetensors import safe_open
from torch import Tensor

from data_schemas.errors import ContractError
from features.augmentation.draws import Draw
from features.augmentation.words import Protection, Span, n_wanted
from features.encoders.encoder import BertEncoder
from features.encoders.folder import WEIGHTS
from features.encoders.networks.bert import CPU_BATCH, CPU_TILE, Affine, Norm
from features.encoders.opening import open_encoder
from features.encoders.source_files import locate
from features.encoders.threads import lone_workers
from features.text.cleaning import Edit

N_GUESSES = 10
"""The likeliest words among which one is drawn, by their probabilities."""

MASK = "[MASK]"
_TRANSFORM, _NORM, _BIAS = "cls.predictions.transform.dense", "cls.predictions.transform.LayerNorm", "cls.predictions"
_HEAD = (f"{_TRANSFORM}.weight", f"{_TRANSFORM}.bias", f"{_NORM}.weight", f"{_NORM}.bias", f"{_BIAS}.bias")


@dataclass(frozen=True)
class WordHead:
    """From a token's vector to how likely each word of the vocabulary is there; transformers' ``BertLMPredictionHead``
    with tied weights.

    Attributes:
        transform: (dim) -> (dim), before the GELU.
        norm: after it.
        words: (dim) -> (vocabulary).
    """

    transform: Affine
    norm: Norm
    words: Affine

    def __call__(self, vectors: Tensor) -> Tensor:
        """(rows, dim) -> logits (rows, vocabulary), in tiles of one fixed number of rows."""
        filled = torch.cat([vectors, vectors.new_zeros(-len(vectors) % CPU_TILE, vectors.shape[1])])
        tiles = torch.split(filled, CPU_TILE)
        return torch.cat([self.words(self.norm(self.transform.gelu(tile))) for tile in tiles])[: len(vectors)]


@dataclass(frozen=True)
class _Masked:
    """A window of token ids with masked words. text: number of each word's text; place: of its token in the window;
    span: of the word in its text; token: what stood there.
    """

    ids: Tensor
    text: tuple[int, ...]
    place: tuple[int, ...]
    span: tuple[Span, ...]
    token: tuple[int, ...]


@dataclass(frozen=True)
class MaskedWords:
    """Replaces words that are single tokens of the model by others that it expects there.

    Attributes:
        encoder: the model in fp32.
        head: names the masked words.
        protection: decides which words may be replaced, and may replace another.
    """

    encoder: BertEncoder
    head: WordHead
    protection: Protection

    def rewrite(self, texts: Sequence[str], draws: Sequence[Draw], rate: float) -> list[list[Edit]]:
        """The edits of each text."""
        found: list[list[Edit]] = [[] for _ in texts]
        windows = [
            window
            for n, (text, draw) in enumerate(zip(texts, draws, strict=True))
            for window in self._windows(n, text, draw, rate)
        ]
        windows.sort(key=lambda window: len(window.ids))
        with lone_workers(self.encoder.bert.device) as pool:
            for own, guesses, weights in self._guesses(windows, pool):
                for at, (text, span) in enumerate(zip(own.text, own.span, strict=True)):
                    guess = self._names[guesses[at][draws[text].pick(span[0], weights[at])]]
                    found[text].append((*span, guess))
        return [sorted(edits) for edits in found]

    def _windows(self, text_number: int, text: str, draw: Draw, rate: float) -> Iterator[_Masked]:
        """The windows of a text that hold words to replace."""
        encoding = self.encoder.tokenizer.encode(text, add_special_tokens=False)
        token_at = {
            (a, b): at
            for at, (token, (a, b)) in enumerate(zip(encoding.ids, encoding.offsets, strict=True))
            if self._names[token].lower() == text[a:b].lower()
        }
        words = [span for span in self.protection.replaceable(text) if span in token_at]
        order = draw.order(len(words))[: n_wanted(len(text.split()), rate)]
        chosen = sorted((token_at[words[at]], words[at]) for at in order)
        ids = np.array(encoding.ids, np.int64)
        masked = ids.copy()
        masked[[place for place, _ in chosen]] = self._mask
        first, last = self.encoder.tokenizer.encode("").ids
        room = self.encoder.window - 2
        for start in range(0, len(ids), room):
            own = [(place, span) for place, span in chosen if start <= place < start + room]
            if own:
                yield _Masked(
                    torch.from_numpy(np.concatenate([[first], masked[start : start + room], [last]])),
                    (text_number,) * len(own),
                    tuple(place - start + 1 for place, _ in own),
                    tuple(span for _, span in own),
                    tuple(int(ids[place]) for place, _ in own),
                )

    def _guesses(
        self, windows: Sequence[_Masked], pool: ThreadPoolExecutor
    ) -> Iterator[tuple[_Masked, list[list[int]], list[list[float]]]]:
        """For every window the likeliest tokens of each masked word, and their probabilities."""
        batches = list(_batches(windows))
        for batch, (tokens, weights) in zip(batches, pool.map(self._read, batches), strict=True):
            at = 0
            for window in batch:
                part = slice(at, at + len(window.place))
                yield window, tokens[part], weights[part]
                at = part.stop

    def _read(self, windows: Sequence[_Masked]) -> tuple[list[list[int]], list[list[float]]]:
        starts = np.cumsum([0, *(len(window.ids) for window in windows)])
        rows = [int(start) + place for start, window in zip(starts, windows, strict=False) for place in window.place]
        with torch.inference_mode():
            vectors = self.encoder.bert.token_vectors([window.ids for window in windows])[rows]
            logits = self.head(vectors).masked_fill_(self._never, -torch.inf)
            own = torch.tensor([token for window in windows for token in window.token], device=logits.device)
            logits.scatter_(1, own[:, None], -torch.inf)
            best = logits.topk(min(N_GUESSES, logits.shape[1]))
            return best.indices.tolist(), best.values.double().softmax(1).tolist()

    @cached_property
    def _mask(self) -> int:
        return int(self.encoder.tokenizer.get_vocab()[MASK])

    @cached_property
    def _names(self) -> list[str]:
        """The vocabulary by token id."""
        vocabulary = self.encoder.tokenizer.get_vocab()
        names = [""] * len(self.encoder.bert.words)
        for name, at in vocabulary.items():
            names[at] = name
        return names

    @cached_property
    def _never(self) -> Tensor:
        """Which tokens may replace no word: bool (vocabulary,)."""
        may = [name.isalpha() and name == name.lower() and self.protection.may_change(name) for name in self._names]
        return torch.tensor([not one for one in may], device=self.encoder.bert.device)


def open_masked_words(source: str, window: int, protection: Protection) -> MaskedWords:
    """Masked words of an encoder's source, see ``features.encoders.opening.open_encoder``.

    Raises as that does, and ContractError for an encoder that cannot name masked words.
    """
    encoder = open_encoder(source, precision="fp32", window=window)
    path = locate(source) / WEIGHTS
    with safe_open(path, "pt") as file:
        names = set(file.keys())
        missing = [name for name in _HEAD if name not in names]
        if missing or encoder.tokenizer.token_to_id(MASK) is None:
            what = f"{path} lacks the tensor {missing[0]}" if missing else f"its tokenizer has no {MASK}"
            raise ContractError(
                f"augment.kinds: the encoder {source} cannot name masked words: {what}",
                "Give a BERT that kept its masked-word head, such as one of `creditfusion pretrain`: "
                "--set augment.masked_words=FOLDER.",
            )
        tensors = {name: file.get_tensor(name) for name in _HEAD}
    return MaskedWords(encoder, _head(tensors, encoder), protection)


def _head(tensors: Mapping[str, Tensor], encoder: BertEncoder) -> WordHead:
    words, device = encoder.bert.words, encoder.bert.device
    dense, dense_bias, scale, shift, bias = (tensors[name].to(device, torch.float32).contiguous() for name in _HEAD)
    return WordHead(
        Affine.of(dense, dense_bias, CPU_TILE),
        Norm(scale, shift, encoder.bert.shape.norm_eps),
        Affine.of(words, bias, CPU_TILE),
    )


def _batches(windows: Sequence[_Masked]) -> Iterator[list[_Masked]]:
    """Stretches of at most ``CPU_BATCH`` tokens, or one window."""
    batch: list[_Masked] = []
    size = 0
    for window in windows:
        if batch and size + len(window.ids) > CPU_BATCH:
            yield batch
            batch, size = [], 0
        batch.append(window)
        size += len(window.ids)
    if batch:
        yield batch
