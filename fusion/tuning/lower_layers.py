"""What the layers below the tuned ones make of texts: computed once, kept on disk while the encoder learns."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch

from features.arrays import Ints
from features.encoders.encoder import BertEncoder
from features.encoders.networks.bert import Bert
from features.encoders.threads import lone_workers
from features.encoders.windows import Window, batches_by_tokens, cut_windows

Tokens = npt.NDArray[np.int64] | npt.NDArray[np.float16]
"""A text as the tuned part reads it: token ids (length,), or what lower layers gave, (length, dim)."""

WHOLE = 10**9  # tokens: no text is cut


@dataclass(frozen=True)
class TokenIds:
    """Texts as token ids, for an encoder of which all layers learn.

    Attributes:
        ids: int64 (length,) of each text, special tokens included.
    """

    ids: Sequence[Ints]

    def __getitem__(self, text: int) -> Tokens:
        return self.ids[text]


@dataclass(frozen=True)
class LowerLayers:
    """Texts as the layers below the tuned ones give them. A long text is read in the encoder's windows.

    Attributes:
        hidden: float16 (n_tokens, dim), on disk: the special tokens before a text, its own, the one after it.
        bounds: int64 (n_texts + 1,), where each text begins, and the end of the last.
    """

    hidden: npt.NDArray[np.float16]
    bounds: Ints

    def __getitem__(self, text: int) -> Tokens:
        return self.hidden[self.bounds[text] : self.bounds[text + 1]]


@contextmanager
def text_inputs(texts: Sequence[str], opened: BertEncoder, n_tuned: int | None) -> Iterator[TokenIds | LowerLayers]:
    """What a tuned encoder reads of these texts.

    Args:
        texts: clean and written.
        opened: the encoder as it comes.
        n_tuned: number of layers that learn, from the top; None: the embeddings learn too.

    The file on disk has no name, so that nothing is left of it when the process ends, however it ends.
    """
    longest = WHOLE if n_tuned is None else opened.window
    windows = cut_windows(opened.tokenizer, longest, texts, [()] * len(texts), opened.prefix)
    if n_tuned is None:
        yield TokenIds([window.ids for window in windows])
        return
    n_special = windows[0].n_before + 1 if windows else 0
    sizes = np.full(len(texts), n_special, np.int64)
    np.add.at(sizes, [window.text for window in windows], [window.weight for window in windows])
    bounds = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    with tempfile.TemporaryFile() as file:
        shape = (int(bounds[-1]), opened.dim)
        hidden = np.memmap(file, np.float16, "w+", shape=shape) if len(texts) else np.zeros(shape, np.float16)
        n_lower = max(0, len(opened.bert.layers) - n_tuned)
        _fill(hidden, bounds, windows, replace(opened.bert, layers=opened.bert.layers[:n_lower]))
        yield LowerLayers(hidden, bounds)


def _fill(hidden: npt.NDArray[np.float16], bounds: Ints, windows: Sequence[Window], lower: Bert) -> None:
    """Read every window, and put its tokens in their place; special ones stand only at the ends of a text."""
    place, n_done = [], 0
    for number, window in enumerate(windows):
        first = number == 0 or windows[number - 1].text != window.text
        n_done = 0 if first else n_done
        place.append(int(bounds[window.text]) + n_done)  # of the window's first special token, or of what replaces it
        n_done += window.weight
    order = sorted(range(len(windows)), key=lambda at: len(windows[at].ids))

    def read(batch: Sequence[int]) -> None:
        with torch.inference_mode():
            vectors = lower.token_vectors([torch.from_numpy(windows[at].ids) for at in batch]).half().cpu().numpy()
        ends = np.cumsum([len(windows[at].ids) for at in batch])[:-1]
        for at, own in zip(batch, np.split(vectors, ends), strict=True):
            first, last, n_before = place[at], place[at] + len(own) - 1, windows[at].n_before
            hidden[first + n_before : last] = own[n_before:-1]
            if first == bounds[windows[at].text]:
                hidden[first : first + n_before] = own[:n_before]
            if last == bounds[windows[at].text + 1] - 1:
                hidden[last] = own[-1]

    with lone_workers(lower.device) as pool:
        list(pool.map(read, batches_by_tokens(order, windows, lower.batch_tokens)))
