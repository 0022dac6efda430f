"""Variants of the narratives of a schema, as the settings want them."""

from __future__ import annotations

from data_schemas.contract import Schema
from features.augmentation.augmentation import Augmenter, open_augmenter
from features.augmentation.settings import Augmentation, Sources
from features.augmentation.words import protected_terms
from fusion.config import Config


def narrative_augmenter(schema: Schema, config: Config) -> Augmenter | None:
    """What makes variants of narratives; None where the settings name no kind.

    Only rows that a model learns from may get variants (``features.augmentation.augmentation``). Raises ContractError
    for what a kind needs and is missing.
    """
    settings = config.augment
    if not settings.kinds:
        return None
    terms = protected_terms(schema, settings.protected)
    return open_augmenter(
        Augmentation(settings.kinds, settings.rate, settings.copies, config.folds.seed, terms),
        Sources(
            word_net=settings.word_net,
            masked_words=settings.masked_words or config.encoder.source,
            window=config.encoder.window,
            there=settings.there,
            back=settings.back,
        ),
    )
