"""Opening the text encoder that a config names, with the cache that the options name, and metering the two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from features.cache import CachedEncoder, EmbeddingCache
from features.encoder import Progress, TextEncoder
from features.encoder_source import open_encoder
from fusion.config import EncoderConfig


@dataclass
class Meter:
    """A text encoder that counts the texts it is asked for."""

    encoder: TextEncoder
    n_texts: int = 0

    @property
    def digest(self) -> str:
        """The encoder's."""
        return self.encoder.digest

    @property
    def dim(self) -> int:
        """The encoder's."""
        return self.encoder.dim

    def encode(self, texts: Sequence[str], on_progress: Progress | None = None) -> npt.NDArray[np.float32]:
        """float32 (n, dim), see ``TextEncoder``."""
        self.n_texts += len(texts)
        return self.encoder.encode(texts, on_progress)


@dataclass(frozen=True)
class OpenEncoder:
    """What verbs encode with, a ``TextEncoder``: the cache in front of the encoder, both metered.

    model_digest: what a model that learned from these vectors depends on, the same on every machine.
    asked: counts all texts. computed: counts those that the cache did not know; None without a cache.
    """

    model_digest: str
    asked: Meter
    computed: Meter | None = None

    @property
    def digest(self) -> str:
        """The encoder's."""
        return self.asked.digest

    @property
    def dim(self) -> int:
        """The encoder's."""
        return self.asked.dim

    def encode(self, texts: Sequence[str], on_progress: Progress | None = None) -> npt.NDArray[np.float32]:
        """float32 (n, dim), see ``TextEncoder``."""
        return self.asked.encode(texts, on_progress)

    @property
    def hit_rate(self) -> float | None:
        """Share of the texts so far that the cache knew; None without a cache or a text."""
        if self.computed is None or not self.asked.n_texts:
            return None
        return 1.0 - self.computed.n_texts / self.asked.n_texts


def open_text_encoder(config: EncoderConfig, folder: Path | None, max_gb: float, threads: int) -> OpenEncoder:
    """The encoder of ``config``, reading and keeping vectors in ``folder`` (None: no cache) up to ``max_gb`` GB.

    threads: processor threads for the encoder, 0 for as many as torch takes.
    Raises as ``features.encoder_source.open_encoder`` and ``features.cache.EmbeddingCache`` do.
    """
    if threads:
        torch.set_num_threads(threads)
    encoder = open_encoder(config.source, precision=config.precision, window=config.window)
    if folder is None:
        return OpenEncoder(encoder.model_digest, Meter(encoder))
    computed = Meter(encoder)
    cached = CachedEncoder(computed, EmbeddingCache(folder, int(max_gb * 1e9)))
    return OpenEncoder(encoder.model_digest, Meter(cached), computed)
