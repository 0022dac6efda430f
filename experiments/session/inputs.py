"""Applications as a trained model takes them."""

from __future__ import annotations

from experiments.session.encoders import Model
from experiments.session.run import Run, advance_to
from features.design import Design
from features.narratives.masking import Mask, Masked
from features.narratives.reader import TextReader
from features.tables.applications import Applications


def model_inputs(model: Model, applications: Applications, run: Run, stage: str = "encode") -> tuple[Masked, Design]:
    """The applications without the sentences that the model's config cuts, and what the model sees of them; ``stage``
    names the reading of narratives in the run's timings.
    """
    bundle, encoder, settings = model.bundle, model.encoder.text_encoder, model.bundle.config.text
    with run.timed("mask"):
        masked = Mask.open(settings.mask, bundle.schema, encoder).apply(applications)
    kept = masked.applications
    total = len({text for field in bundle.schema.narratives for text in kept.narrative(field.name) if text})
    with run.stage(stage, total, "texts") as advance:
        text = TextReader(bundle.schema, encoder, settings.n_buckets, settings.ngrams).read(kept, advance_to(advance))
    with run.timed("columns"):
        return masked, Design(bundle.tabular.encode(kept), text)
