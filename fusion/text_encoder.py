"""What reads a model's narratives, opened as its settings say: the text encoder with its cache, mask and reader."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from data_schemas.contract import Schema
from features.encoders.by_sentence import digest_by_unit, encoder_by_unit
from features.encoders.cache import CachedEncoder, EmbeddingCache
from features.encoders.encoder import TextEncoder
from features.encoders.sources import open_encoder
from features.narratives.masking import Mask
from features.narratives.reader import TextReader
from fusion.config import EncoderConfig, TextConfig

CACHE_GB = 2.0
"""Most room that a cache takes unless another bound is given, in GB (10^9 bytes)."""


@dataclass(frozen=True)
class VectorCache:
    """Where vectors of narratives are kept between runs.

    Attributes:
        folder: Made where it is absent; it never holds texts.
        max_gb: Most room that it may take, in GB.
    """

    folder: Path
    max_gb: float = CACHE_GB


@dataclass(frozen=True)
class OpenEncoder:
    """An opened text encoder.

    Attributes:
        model_digest: Names what a model depends on that learned from these vectors; the same on every machine.
        text_encoder: The encoder, which looks into its cache first where there is one.
        cached: That with the cache; None without one.
        precision: ``"bf16"`` or ``"fp32"``, what it computes in on this machine.
    """

    model_digest: str
    text_encoder: TextEncoder
    cached: CachedEncoder | None
    precision: str

    @property
    def hit_rate(self) -> float | None:
        """Share of the texts so far that the cache held (of the sentences, where these are read one by one); None
        without a cache or a text.
        """
        return self.cached.hit_rate if self.cached is not None else None


def open_text_encoder(config: EncoderConfig, cache: VectorCache | None = None) -> OpenEncoder:
    """The encoder that ``config`` names; ``cache`` None: every vector is computed anew.

    Raises as ``features.encoders.sources.open_encoder`` and ``features.encoders.cache.EmbeddingCache`` do.
    """
    encoder = open_encoder(config.source, precision=config.precision, window=config.window, pooling=config.pooling)
    # Sentences are put together outside the cache, which so keeps the vectors of single ones.
    cached = None if cache is None else CachedEncoder(encoder, EmbeddingCache(cache.folder, int(cache.max_gb * 1e9)))
    return OpenEncoder(
        digest_by_unit(config.unit, encoder.model_digest),
        encoder_by_unit(config.unit, cached if cached is not None else encoder),
        cached,
        encoder.precision,
    )


def open_mask(schema: Schema, settings: TextConfig, encoder: OpenEncoder) -> Mask:
    """Cuts the sentences that the settings mask; raises ContractError for a kind that the schema has no concept for."""
    return Mask.open(settings.mask, schema, encoder.text_encoder)


def open_reader(schema: Schema, settings: TextConfig, encoder: OpenEncoder) -> TextReader:
    """Reads a schema's narratives as the settings say."""
    return TextReader(schema, encoder.text_encoder, settings.n_buckets, settings.ngrams, settings.style)
