"""Opening the text encoder that a config names, with the cache that the options name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from data_schemas.errors import ContractError
from features.encoders.by_sentence import digest_by_unit, encoder_by_unit
from features.encoders.cache import CachedEncoder, EmbeddingCache
from features.encoders.encoder import TextEncoder
from features.encoders.sources import open_encoder
from fusion.bundle import Bundle, load
from fusion.config import EncoderConfig


@dataclass(frozen=True)
class OpenEncoder:
    """What verbs encode with.

    model_digest: what a model that learned from these vectors depends on, the same on every machine.
    text_encoder: the encoder, with its cache where there is one. cached: that with the cache. precision: "bf16" or
    "fp32", what it computes in here.
    """

    model_digest: str
    text_encoder: TextEncoder
    cached: CachedEncoder | None
    precision: str

    @property
    def hit_rate(self) -> float | None:
        """Share of the texts so far that the cache knew (of the sentences, where these are read one by one); None
        without a cache or a text.
        """
        return self.cached.hit_rate if self.cached is not None else None


@dataclass(frozen=True)
class Model:
    """A loaded bundle with its text encoder. threads: processor threads to use, 0 for as many as there are."""

    bundle: Bundle
    encoder: OpenEncoder
    threads: int


def open_text_encoder(config: EncoderConfig, folder: Path | None, max_gb: float, threads: int) -> OpenEncoder:
    """The encoder of ``config``, reading and keeping vectors in ``folder`` (None: no cache) up to ``max_gb`` GB.

    threads: processor threads for the encoder, 0 for as many as torch takes.
    Raises as ``features.encoders.sources.open_encoder`` and ``features.encoders.cache.EmbeddingCache`` do.
    """
    if threads:
        torch.set_num_threads(threads)
    encoder = open_encoder(config.source, precision=config.precision, window=config.window, pooling=config.pooling)
    # Sentences are put together outside the cache, which so keeps the vectors of single ones.
    cached = None if folder is None else CachedEncoder(encoder, EmbeddingCache(folder, int(max_gb * 1e9)))
    return OpenEncoder(
        digest_by_unit(config.unit, encoder.model_digest),
        encoder_by_unit(config.unit, cached if cached is not None else encoder),
        cached,
        encoder.precision,
    )


def open_model(path: Path, encoder: str | None, folder: Path | None, max_gb: float, threads: int) -> Model:
    """A bundle with its text encoder, which is looked for at ``encoder`` (None: where training found it).

    Raises as ``fusion.bundle.load`` and ``open_text_encoder`` do.
    """
    bundle = load(path)
    source = bundle.config.encoder.model_copy(update={"source": encoder} if encoder else {})
    return Model(bundle, open_text_encoder(source, folder, max_gb, threads), threads)


def check_encoder(encoder: OpenEncoder, bundle: Bundle) -> None:
    """Raise ContractError when ``encoder`` is not the one that the bundle's model learned with."""
    if encoder.model_digest != bundle.manifest.provenance.encoder_digest:
        raise ContractError(
            f"the text encoder is not the one that model {bundle.manifest.model_id} learned with "
            f"({bundle.config.encoder.source!r} at that time)",
            "Say with --encoder where that one lies now, or train the model again.",
        )
