"""What reads a model's narratives, opened as its settings say: the text encoder with its cache, mask and reader."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from data_schemas.contract import Schema
from data_schemas.errors import ContractError
from features.arrays import Floats32
from features.design import Design
from features.encoders.by_sentence import digest_by_unit, encoder_by_unit
from features.encoders.cache.cached_encoder import CachedEncoder
from features.encoders.cache.deferred import DeferredEncoder, EncoderNote, NotePlace, note_key
from features.encoders.cache.embedding_cache import EmbeddingCache
from features.encoders.cache.file import Tell, tell_by_warning
from features.encoders.folder import TOKENIZER
from features.encoders.parity import compare_vectors, probe_vectors
from features.encoders.source_files import locate, open_tokenizer, read_file
from features.encoders.vectors import PartVectors, Progress, TextEncoder
from features.encoders.vocabulary import Vocabulary
from features.encoders.windows import Spans
from features.narratives.legibility import Legibility
from features.narratives.masking import Mask
from features.narratives.reader import TextReader
from features.tables.applications import Applications
from fusion.bundle import PROBES, TUNED, UNTUNED, Bundle, Tensors
from fusion.config import EncoderConfig, TextConfig

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from features.encoders.devices import EncoderPrecision
    from features.encoders.encoder import BertEncoder

CACHE_GB = 2.0
"""Most room that a cache takes unless another bound is given, in GB (10^9 bytes)."""


@dataclass(frozen=True)
class VectorCache:
    """Where vectors of narratives are kept between runs.

    Attributes:
        folder: Made where it is absent; it never holds texts.
        max_gb: Most room that it may take, in GB.
        tell: Gets a sentence about whatever is found damaged in it.
    """

    folder: Path
    max_gb: float = CACHE_GB
    tell: Tell = tell_by_warning


@dataclass(frozen=True)
class OpenEncoder:
    """An opened text encoder.

    Attributes:
        model_digest: Names what a model depends on that learned from these vectors; the same on every machine.
        text_encoder: The encoder, which looks into its cache first where there is one.
        cached: That with the cache; None without one.
        precision: ``"bf16"``, ``"fp32"`` or ``"int8"``, what it computes in on this machine.
        open_untuned: opens it as it was before it was tuned; None where it was not.
        vocabulary: says which texts it can read; None: all.
        uncached: the encoder without its cache, read as a whole; a ``DeferredEncoder`` where the first text that has
            to be read opens it; None where that is ``text_encoder``.
        open_exact: opens it anew in fp32; None where it computes exactly as it is.
        noted_at: where a note is to be kept once its vectors have passed; None: nowhere.
    """

    model_digest: str
    text_encoder: TextEncoder
    cached: CachedEncoder | None
    precision: str
    open_untuned: Callable[[], TextEncoder] | None = None
    vocabulary: Vocabulary | None = None
    uncached: TextEncoder | None = None
    open_exact: Callable[[], TextEncoder] | None = None
    noted_at: NotePlace | None = None

    @property
    def deferred(self) -> DeferredEncoder | None:
        """What opens it when the first text has to be read; None where it was opened at once."""
        return self.uncached if isinstance(self.uncached, DeferredEncoder) else None

    def open_now(self) -> None:
        """Open it now where the first text would; raises as ``bundle_encoder`` and ``check_parity`` do."""
        if self.deferred is not None:
            _ = self.deferred.opened

    @cached_property
    def untuned(self) -> TextEncoder:
        """The encoder before it learned from outcomes, opened when first needed.

        Masks are found with it: what is cut must be cut before tuning, and be the same in training and after.
        """
        return self.text_encoder if self.open_untuned is None else self.open_untuned()

    @cached_property
    def probes(self) -> Floats32:
        """Vectors of the probes, float32 (n_probes, dim), computed now: a cache would answer for another engine."""
        return probe_vectors(self.uncached or self.text_encoder)

    @cached_property
    def exact_probes(self) -> Floats32:
        """The same in fp32, which a bundle keeps."""
        return self.probes if self.open_exact is None else probe_vectors(self.open_exact())

    @property
    def hit_rate(self) -> float | None:
        """Share of the texts so far that the cache held (of the sentences, where these are read one by one); None
        without a cache or a text.
        """
        return self.cached.hit_rate if self.cached is not None else None


class NoTexts:
    """The text encoder of a schema without narratives: there is nothing to encode."""

    digest = ""
    dim = 0

    def encode(self, texts: Sequence[str], _on_progress: Progress | None = None) -> Floats32:
        """float32 (0, 0); raises ValueError for a text."""
        return self.encode_parts(texts, [()] * len(texts)).whole

    def encode_parts(
        self, texts: Sequence[str], _spans: Sequence[Spans], _on_progress: Progress | None = None
    ) -> PartVectors:
        """Vectors of no texts; raises ValueError for a text."""
        if len(texts):
            raise ValueError("a model without narratives reads no texts")
        return PartVectors.zeros([], self.dim)


def open_text_encoder(config: EncoderConfig, cache: VectorCache | None = None, tuned: Tensors = UNTUNED) -> OpenEncoder:
    """The encoder that ``config`` names, before it is tuned; ``cache`` None: every vector is computed anew.

    tuned: tensors of a tuned encoder, in the place of the source's.

    Raises as ``features.encoders.opening.open_encoder`` and ``EmbeddingCache`` do.
    """
    return _open(config, None if cache is None else _vectors(cache), tuned)


def _vectors(cache: VectorCache) -> EmbeddingCache:
    return EmbeddingCache(cache.folder, int(cache.max_gb * 1e9), cache.tell)


def bundle_encoder(bundle: Bundle, source: str | None = None, cache: VectorCache | None = None) -> OpenEncoder:
    """The encoder that a model reads narratives with, tuned where it was tuned; raises as ``open_text_encoder`` does.

    Where the cache keeps a note that this encoder has passed here before, it is opened when a text has to be read.

    Args:
        bundle: the model.
        source: where the encoder lies now that it learned with, or was tuned from; None: where training found it.
        cache: where vectors are kept.
    """
    settings = bundle.config.encoder.model_copy(update={"source": source} if source else {})
    if cache is None:
        return open_text_encoder(settings, None, bundle.tuned)
    kept = _vectors(cache)
    place = _note_place(bundle, settings, kept)
    if place is not None and (note := place.read()) is not None:
        return _deferred(bundle, settings, place, note)
    return replace(_open(settings, kept, bundle.tuned), noted_at=place)


def _note_place(bundle: Bundle, settings: EncoderConfig, kept: EmbeddingCache) -> NotePlace | None:
    """Where the note about a model's encoder is kept; None where nothing can be compared, or is not known of an engine
    beside torch.
    """
    if bundle.probes is None or settings.engine not in ("auto", "torch"):
        return None
    digests = {name: bundle.manifest.files[name] for name in (PROBES, TUNED) if name in bundle.manifest.files}
    key = note_key(locate(settings.source), settings.model_dump_json(), digests)
    return None if key is None else NotePlace(kept, key)


def _deferred(bundle: Bundle, settings: EncoderConfig, place: NotePlace, note: EncoderNote) -> OpenEncoder:
    def open_and_check() -> TextEncoder:
        found = _open(settings, None, bundle.tuned)
        check_parity(found, bundle.probes, bundle.manifest.model_id)
        assert found.uncached is not None  # a bundle with probes reads texts
        return found.uncached

    def tokenizer() -> Tokenizer:
        path = locate(settings.source) / TOKENIZER
        return open_tokenizer(read_file(path), path)

    later = DeferredEncoder(note.digest, note.dim, open_and_check, place.forget)
    cached = CachedEncoder(later, place.cache)
    return OpenEncoder(
        note.model_digest,
        encoder_by_unit(settings.unit, cached),
        cached,
        note.precision,
        (lambda: _open(settings, place.cache, UNTUNED).text_encoder) if bundle.tuned else None,
        Vocabulary(tokenizer, note.readable),
        later,
        None if note.precision == "fp32" else lambda: _source(settings, "fp32", bundle.tuned),
    )


def tuned_encoder(encoder: OpenEncoder, config: EncoderConfig, tuned: Tensors) -> OpenEncoder:
    """``encoder``, which ``config`` names, with tuned tensors and its cache."""
    return _open(config, encoder.cached.cache if encoder.cached is not None else None, tuned)


def _open(config: EncoderConfig, cache: EmbeddingCache | None, tuned: Tensors) -> OpenEncoder:
    encoder = _source(config, config.precision, tuned)
    if encoder.pooling == "cls" and config.unit == "narrative":
        raise ContractError(
            f"{config.source} pools by its first token, whose vector does not split over the sentences of a narrative",
            "Set encoder.pooling to tokens, the mean of the tokens' vectors, or encoder.unit to sentence.",
        )
    # Sentences are put together outside the cache, which so keeps the vectors of single ones.
    cached = None if cache is None else CachedEncoder(encoder, cache)
    return OpenEncoder(
        digest_by_unit(config.unit, encoder.model_digest),
        encoder_by_unit(config.unit, cached if cached is not None else encoder),
        cached,
        encoder.precision,
        (lambda: _open(config, cache, UNTUNED).text_encoder) if tuned else None,
        Vocabulary(lambda: encoder.tokenizer),
        encoder,
        None if encoder.precision == "fp32" else lambda: _source(config, "fp32", tuned),
    )


def _source(config: EncoderConfig, precision: EncoderPrecision, tuned: Tensors) -> BertEncoder:
    import torch  # takes seconds, and a run whose vectors are all kept does without

    from features.encoders.opening import open_encoder

    return open_encoder(
        config.source,
        engine=config.engine,
        precision=precision,
        window=config.window,
        pooling=config.pooling,
        prefix=config.prefix,
        replaced={name: torch.tensor(values) for name, values in tuned.items()},
    )


def check_parity(encoder: OpenEncoder, kept: Floats32 | None, model_id: str) -> None:
    """Raise ContractError unless an encoder gives the vectors that a model learned with (``features.encoders.parity``).

    An encoder that is opened later is compared then.

    kept: float32 (n_probes, dim), ``exact_probes`` of that time; None: nothing is compared.
    """
    if kept is None or encoder.deferred is not None:
        return
    parity = compare_vectors(kept, encoder.probes, encoder.precision)
    if not parity.holds:
        raise ContractError(
            f"the text encoder gives other vectors here than those that model {model_id} learned with: they differ by "
            f"{parity.measured:.2g} of their size, {parity.allowed:.2g} is allowed in {encoder.precision}",
            "Install the releases of torch, tokenizers and transformers that the bundle's manifest names, or train the "
            "model again here.",
        )
    if encoder.noted_at is not None and encoder.cached is not None and encoder.vocabulary is not None:
        at, readable = encoder.cached, encoder.vocabulary.readable
        encoder.noted_at.write(EncoderNote(encoder.model_digest, at.digest, at.dim, encoder.precision, readable))


def open_mask(schema: Schema, settings: TextConfig, encoder: OpenEncoder) -> Mask:
    """Withholds narratives that the encoder cannot read, and the sentences that the settings mask.

    Raises ContractError for a kind that the schema has no concept for.
    """
    finds = encoder.untuned if settings.mask else encoder.text_encoder  # the former takes seconds to open
    return Mask.open(settings.mask, schema, finds, Legibility(encoder.vocabulary, settings.min_read))


def open_reader(schema: Schema, settings: TextConfig, encoder: OpenEncoder) -> TextReader:
    """Reads a schema's narratives as the settings say."""
    return TextReader(schema, encoder.text_encoder, settings.n_buckets, settings.ngrams, settings.style)


def recount_words(design: Design, applications: Applications, settings: TextConfig, encoder: OpenEncoder) -> Design:
    """The design of these applications with their words counted as the settings say."""
    words = open_reader(applications.schema, settings, encoder).read_words(applications)
    return replace(design, text=replace(design.text, x_lex=words))
