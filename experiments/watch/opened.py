"""What a watch has opened: a schema, what reads its narratives, and the model where there is one."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from data_schemas.contract import Schema
from experiments.session.second_models import NO_SECOND_MODELS, SecondModels
from features.design import TextBlock
from features.encoders.vectors import Progress
from features.narratives.masking import Mask
from features.narratives.reader import TextReader
from features.tables.applications import Applications
from fusion.config_file import load_config
from fusion.monitor import Monitor, Timed
from fusion.policy.policy import NO_SECONDS, Seconds
from fusion.scorer import Scorer
from fusion.text_encoder import OpenEncoder, VectorCache, open_mask, open_reader, open_text_encoder
from fusion.watch.part import Batch, Scored


@dataclass(frozen=True)
class Opened:
    """What parts of a watch are made of.

    Attributes:
        schema: of the files.
        encoder: of the narratives.
        mask: cuts sentences that the settings mask.
        reader: of the narratives that are left.
        scorer: the model; None for a watch of texts without one.
        seconds: second models, such as one of fraud.
        quote: whether flags may quote narratives.
    """

    schema: Schema
    encoder: OpenEncoder
    mask: Mask
    reader: TextReader
    scorer: Scorer | None = None
    seconds: SecondModels = NO_SECOND_MODELS
    quote: bool = False

    @property
    def model_id(self) -> str:
        """Of the model; "none" without one."""
        return self.scorer.model_id if self.scorer is not None else "none"

    @staticmethod
    def of_model(scorer: Scorer, seconds: SecondModels, quote: bool) -> Opened:
        """A watch of what a model scores."""
        return Opened(scorer.schema, scorer.encoder, scorer.mask, scorer.reader, scorer, seconds, quote)

    @staticmethod
    def of_texts(schema: Schema, encoder: str | None, cache: VectorCache | None, quote: bool) -> Opened:
        """A watch of texts, read as a model with the default settings would; raises as ``open_text_encoder`` does.

        encoder: its source; None: the default one.
        """
        config = load_config(None, [f"encoder.source={encoder!r}"] if encoder else [])
        opened = open_text_encoder(config.encoder, cache)
        return Opened(
            schema,
            opened,
            open_mask(schema, config.text, opened),
            open_reader(schema, config.text, opened),
            quote=quote,
        )

    def read(
        self,
        period: str,
        file: str,
        applications: Applications,
        timed: Timed,
        on_texts: Progress,
        seconds: Seconds = NO_SECONDS,
    ) -> Batch:
        """Rows of one file as a batch, scored where there is a model; ``seconds`` are their probabilities by others."""
        if self.scorer is None:
            masked = self.mask.apply(applications)
            with timed("text"):
                text = self.reader.read(masked.applications, on_texts)
            return Batch(period, file, masked.applications, _rounded(text))
        reading = self.scorer.read(applications, Monitor(timed, on_texts))
        with timed("predict"):
            scores = self.scorer.scores(reading)
        decisions = self.scorer.decide(reading.applications, scores.pd, reading.quality, seconds)
        scored = Scored(reading.design, reading.quality, scores, decisions, seconds)
        return Batch(period, file, reading.masked.applications, _rounded(reading.design.text), scored)


def _rounded(text: TextBlock) -> TextBlock:
    """The same with vectors that float16 holds: those of narratives read by sentence are means."""
    return replace(text, x_text=text.x_text.astype(np.float16).astype(np.float32))
