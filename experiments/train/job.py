"""Training: files in, a verified bundle and a report of what the model is worth out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import compress
from pathlib import Path

from data_schemas.contract import Schema
from experiments.options import report_day
from experiments.reporting.background import BackgroundRows, in_words
from experiments.reporting.files import Edition
from experiments.reporting.language import ENGLISH, Language
from experiments.session.layouts import note_layouts
from experiments.session.outcomes import count_outcomes
from experiments.session.progress import advance_to
from experiments.session.run import Run
from experiments.session.sources import input_digest
from experiments.train.card import model_card
from experiments.train.choices import choose_settings, with_words
from experiments.train.findings import findings_of
from experiments.train.plain import compare_plain
from experiments.train.report import CutOff, Judgement, TrainingReport
from experiments.train.rows import NOTHING, HoldOut, Split, window
from experiments.train.slices import EvaluatedRows, SliceReport, headline, slices_of
from experiments.train.tuning import TUNE, TuningRecord, tune_aloud
from experiments.train.tuning_report import write_tuning_report
from experiments.train.unused import note_unused
from features.arrays import Flags, Floats
from features.batches.column_counts import profile_columns
from features.design import Design, TextBlock
from features.narratives.legibility import languages
from features.narratives.masking import Masked, rows_by_kind
from features.tables.applications import REJECT_COLUMNS, Applications, Rejects
from features.tables.auxiliary_outcomes import auxiliary_outcomes
from features.tables.csv_writer import write_header, write_rows
from features.tables.reader import ReadOptions, read_all
from features.tables.stated import with_facts_of
from features.tabular import TabularEncoder
from fusion import bundle
from fusion.config import Config
from fusion.explain.population import describe_population, sampled_rows
from fusion.model.choosing import Choice
from fusion.model.folds import assign_folds, tied_groups
from fusion.model.fusion_model import FusionModel, Margins
from fusion.model.training import fit, n_steps
from fusion.model.training_sample import Auxiliary, TrainingSample
from fusion.policy.cutoff import with_cutoff
from fusion.policy.policy import Policy, deciding_policy, encoded_cutoffs
from fusion.text_encoder import OpenEncoder, open_mask, open_reader
from fusion.text_tuning import TextTuning
from fusion.validation.text_drift import describe_texts, distances
from fusion.validation.training_rows import TrainingRows
from fusion.versions import package_versions


@dataclass(frozen=True)
class TrainingFiles:
    """What is read and written.

    Attributes:
        data: files of decided applications.
        out: the bundle.
        hold_out: the rows of these files that judge the model and take no part in it.
        language: of the page about the encoder's learning.
    """

    data: tuple[Path, ...]
    out: Path
    hold_out: HoldOut = NOTHING
    language: Language = ENGLISH

    @property
    def rejects(self) -> Path:
        """Where the rows that broke the contract go."""
        return self.out.parent / f"{self.out.name}.rejects.csv"


@dataclass(frozen=True)
class Decided:
    """What the training files hold.

    Attributes:
        applications: those with an outcome.
        rejects: rows that broke the contract.
        data_digest: names the files' bytes, as they were before they were read.
        reading: how the bytes became cells, in words.
        n_undecided: sound rows that have no outcome yet.
    """

    applications: Applications
    rejects: Rejects
    data_digest: str
    reading: str
    n_undecided: int = 0

    @property
    def n_rows(self) -> int:
        """Rows of the files."""
        return len(self.applications) + len(self.rejects) + self.n_undecided


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
        design = with_words(self.sample.design, own, config, self.encoder)
        return replace(
            self,
            sample=replace(self.sample, design=design),
            held_out=with_words(self.held_out, later, config, self.encoder),
        )


def read_decided(schema: Schema, data: Sequence[Path], options: ReadOptions, run: Run) -> Decided:
    """All rows to train and judge with. Raises ContractError when the files do not fit the schema; RunError for files
    that cannot be read.
    """
    note_layouts(run, data, schema, options)
    note_unused(run, data, schema, options)
    with run.stage("read") as advance:
        digest = input_digest(data, options)
        read = read_all(data, schema, options)
        advance(read.n_rows)
    if read.unreadable:
        cells = ", ".join(f"{n:,} of {name}" for name, n in read.unreadable.items())
        run.note(
            f"auxiliary cells that cannot be read count as missing: {cells}", {"unreadable": dict(read.unreadable)}
        )
    if read.n_undecided:
        run.note(f"{read.n_undecided:,} rows have no outcome yet and are left out", {"undecided": read.n_undecided})
    reading = f"delimiter {options.delimiter or 'found'}, encoding {options.encoding or 'found'}"
    return Decided(read.applications, read.rejects, digest, reading, read.n_undecided)


def train_bundle(
    read: Decided,
    files: TrainingFiles,
    config: Config,
    encoder: OpenEncoder,
    run: Run,
    quick: bool = False,
    policy: Policy | None = None,
) -> TrainingReport:
    """Encode, choose settings, fit, judge, compare with the plain pipeline, and save what ``read_decided`` read; the
    report.

    Args:
        read: rows to train and judge with.
        files: what is written.
        config: settings.
        encoder: of the narratives.
        run: whom to tell.
        quick: nothing is chosen, and nothing compared.
        policy: kept in the bundle, to decide where no other is given.

    Raises ContractError for rows that cannot train their schema or be held out, or a mask that it has no concept for.
    """
    masked = mask_narratives(read.applications, config, encoder, run)
    read = replace(read, applications=with_facts_of(read.applications, masked.applications))
    split = files.hold_out.split(masked.applications, config.folds.seed)
    prepared = prepare(masked, split, config, encoder, run)
    tuning = None if prepared.tuning is None else TuningRecord.of(prepared.tuning, config, run.clock.seconds[TUNE])
    choices: tuple[Choice, ...] = ()
    if not quick:
        known = masked.applications.take(split.learn)
        chosen, choices = choose_settings(prepared.sample, known, config, prepared.encoder, run)
        if chosen.text != config.text:
            prepared = prepared.with_words(masked.applications, split, chosen)
        config = chosen
    sample, tabular = prepared.sample, prepared.tabular
    with run.stage("fit", total=n_steps(config, len(sample), sample.sources), unit="parts") as advance:
        fitted, margins = fit(sample, config, lambda: advance(1))
    config, cut_off = _with_cutoff(config, sample.y, run)
    with run.stage("describe"):
        reference = describe_texts(sample.design.text, sampled_rows(len(sample), config))
        apart = distances(reference, sample.design.text)
        deciding = deciding_policy(policy, None, config)
        cutoffs = encoded_cutoffs(deciding, sample.design.tabular, tabular)
        population, base = describe_population(fitted, sample.design, sample.y, margins.fused, apart, config, cutoffs)
    with run.stage("judge"):
        own, held_out = _evaluated_rows(prepared, margins, fitted, masked.applications, split)
        slices = tuple(slices_of(own, sample.decided, held_out))
    with run.stage("reference"):
        fold = assign_folds(sample.y, sample.groups, config.folds.n_folds, config.folds.seed)
        plain = None if quick else compare_plain(masked.applications, split, own, held_out, fold)
        written = languages(read.applications, masked.unread)
        findings = findings_of(masked.applications, split, slices, plain, written, tuning)
    with run.stage("save"):
        rows = TrainingRows.of(read.applications.take(split.learn), read.data_digest)
        provenance = _provenance(read, split.learn, config, prepared.encoder, slices)
        cut = rows_by_kind(compress(masked.kinds, split.learn))
        tensors = prepared.tuning.tensors if prepared.tuning is not None else bundle.UNTUNED
        probes = prepared.encoder.exact_probes if tabular.schema.narratives else None
        profiles = profile_columns(read.applications.take(split.learn), tabular, masked.unread[split.learn])
        trained = bundle.Trained(
            fitted, config, tabular, population, reference, rows, tensors, probes, profiles, policy
        )
        n_background = len(
            population.background(config.explain, encoded_cutoffs(deciding, population.columns, tabular))
        )
        background = BackgroundRows(n_background, len(population), len(sample))
        explained = in_words(background, base, config.explain, deciding.cutoffs.approve)
        judgement = Judgement(cut_off, choices, fitted.fused.members, slices, plain, findings, tuning, policy)
        card = model_card(tabular.schema, provenance, judgement, cut, explained)
        manifest = bundle.save(files.out, trained, provenance, card)
        if tuning is not None:
            edition = Edition(report_day(None), files.language)
            write_tuning_report(files.out, tuning, tabular.schema.title, manifest, edition)
    rejected = dict(Counter(read.rejects.frame["rule"]))
    return TrainingReport(
        model_id=manifest.model_id,
        n_rows=read.n_rows,
        outcomes=count_outcomes(read.applications, read.n_undecided),
        rejected=rejected,
        masked=rows_by_kind(masked.kinds),
        window=provenance.window,
        judgement=judgement,
        written=written,
    )


def _evaluated_rows(
    prepared: Prepared, margins: Margins, fitted: FusionModel, applications: Applications, split: Split
) -> tuple[EvaluatedRows, EvaluatedRows | None]:
    """The training rows with their out-of-fold margins, and the rows held out, where there are any."""
    own = EvaluatedRows("out of fold", prepared.sample.design, prepared.sample.y, margins)
    if not len(split.held_out):
        return own, None
    y = applications.outcome()[split.held_out]
    return own, EvaluatedRows(split.name, prepared.held_out, y, fitted.margins(prepared.held_out))


def _with_cutoff(config: Config, y: Floats, run: Run) -> tuple[Config, CutOff]:
    """The settings with the cut-off of a model that learned from rows of these outcomes, which the log gets too."""
    bad_rate = float(y.mean())
    found = with_cutoff(config, bad_rate)
    cut_off = CutOff(found.decision.max_pd, bad_rate, follows_bad_rate=found != config)
    run.note(f"cut-off: {cut_off.words}", {"cut_off": asdict(cut_off)})
    return found, cut_off


def _provenance(
    read: Decided, learn: Flags, config: Config, encoder: OpenEncoder, slices: Sequence[SliceReport]
) -> bundle.Provenance:
    """Where a model comes from that learned from the rows ``learn``."""
    return bundle.Provenance(
        schema_digest=read.applications.schema.digest,
        config_digest=bundle.config_digest(config),
        data_digest=read.data_digest,
        encoder_digest=encoder.model_digest,
        versions=package_versions(),
        seed=config.folds.seed,
        window=window(read.applications, learn),
        n_rows=int(learn.sum()),
        n_bad=int(read.applications.outcome()[learn].sum()),
        figures=headline(slices),
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


def write_rejects(rejects: Rejects, path: Path) -> None:
    """Write the rows that broke the contract; an older file of that name is replaced."""
    with path.open("w", newline="", encoding="utf-8") as file:
        write_header(file, REJECT_COLUMNS)
        write_rows(file, rejects.frame)
