"""Applications as training takes them: masked, encoded, tied where they may not part, the encoder tuned."""

from __future__ import annotations

from dataclasses import dataclass, replace

from experiments.session.progress import advance_to
from experiments.session.run import Run
from experiments.train.rows import Split
from experiments.train.tuning import tune_aloud
from features.design import Design, TextBlock
from features.narratives.masking import Masked, rows_by_kind
from features.tables.applications import Applications
from features.tables.auxiliary_outcomes import auxiliary_outcomes
from features.tabular import TabularEncoder
from fusion.config import Config
from fusion.model.folds import tied_groups
from fusion.model.training_sample import Auxiliary, TrainingSample
from fusion.text_encoder import OpenEncoder, open_mask, open_reader, recount_words
from fusion.text_tuning import TextTuning


@dataclass(frozen=True)
class Prepared:
    """What training takes from applications.

    Attributes:
        sample: the rows to learn from.
        held_out: the rows that judge the model.
        tabular: the encoder of the columns, which knows the levels of the rows to learn from.
        encoder: of the narratives, tuned where the settings ask for it.
        tuning: how it was tuned; None where it was not.
    """

    sample: TrainingSample
    held_out: Design
    tabular: TabularEncoder
    encoder: OpenEncoder
    tuning: TextTuning | None

    def with_words(self, applications: Applications, split: Split, config: Config) -> Prepared:
        """The same rows with their words counted as ``config`` says."""
        own, later = (applications.take(rows) for rows in (split.learn, split.held_out))
        design = recount_words(self.sample.design, own, config.text, self.encoder)
        return replace(
            self,
            sample=replace(self.sample, design=design),
            held_out=recount_words(self.held_out, later, config.text, self.encoder),
        )


def prepare(masked: Masked, split: Split, config: Config, encoder: OpenEncoder, run: Run) -> Prepared:
    """Encode, tie together what may not part, and tune the encoder where the settings ask for it: the rows held out are
    read as new ones will be.
    """
    own, later = (masked.applications.take(rows) for rows in (split.learn, split.held_out))
    tabular = TabularEncoder.fit(own)
    design = Design(tabular.encode(own), _read_text(own, config, encoder, run))
    with run.timed("encode"):
        groups = tied_groups(own)
    y = own.outcome()
    auxiliary = tuple(Auxiliary(name, values) for name, values in auxiliary_outcomes(own, y).items())
    decided, sources = own.decision_date(), tabular.sources
    sample = TrainingSample(design, y, groups, tabular.monotone, decided, auxiliary, sources)
    tuning = tune_aloud(own, sample, config, encoder, run)
    if tuning is not None:
        sample, encoder = tuning.sample, tuning.encoder
    held_out = Design(tabular.encode(later), _read_text(later, config, encoder, run))
    return Prepared(sample, held_out, tabular, encoder, tuning)


def mask_narratives(applications: Applications, config: Config, encoder: OpenEncoder, run: Run) -> Masked:
    """The applications without narratives that the encoder cannot read and without the sentences that the config wants
    cut; how many these are goes into the log.

    It comes before all else that looks at narratives: which rows are tied together hangs on it. Raises ContractError
    for a mask that the schema has no concept for.
    """
    mask = open_mask(applications.schema, config.text, encoder)
    if not mask.kinds:
        return mask.apply(applications)
    with run.stage("mask") as advance:
        masked = mask.apply(applications)
        advance(len(applications))
    counts = {kind.value: n for kind, n in masked.sentences.items()}
    cuts = ", ".join(f"{n:,} {kind}" for kind, n in counts.items())
    run.note(f"sentences cut from the narratives: {cuts}", {"sentences": counts, "rows": rows_by_kind(masked.kinds)})
    return masked


def _read_text(applications: Applications, config: Config, encoder: OpenEncoder, run: Run) -> TextBlock:
    """Narratives as arrays."""
    reader = open_reader(applications.schema, config.text, encoder)
    total = len({text for field in applications.schema.narratives for text in applications.narrative(field.name)})
    with run.stage("encode", total=total, unit="texts") as advance:
        return reader.read(applications, advance_to(advance))
