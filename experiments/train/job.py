"""Training: files in, a verified bundle and a report of what the model is worth out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import compress
from pathlib import Path

from experiments.options import report_day
from experiments.reporting.background import BackgroundRows, in_words
from experiments.reporting.files import Edition
from experiments.reporting.language import ENGLISH, Language
from experiments.session.outcomes import count_outcomes
from experiments.session.run import Run
from experiments.train.card import model_card
from experiments.train.choices import choose_settings
from experiments.train.decided import Decided
from experiments.train.findings import findings_of
from experiments.train.plain import compare_plain
from experiments.train.prepared import Prepared, mask_narratives, prepare
from experiments.train.report import CutOff, Judgement, TrainingReport
from experiments.train.rows import NOTHING, HoldOut, Split, window
from experiments.train.slices import EvaluatedRows, SliceReport, headline, slices_of
from experiments.train.tuning import TUNE, TuningRecord
from experiments.train.tuning_report import write_tuning_report
from features.arrays import Flags, Floats
from features.batches.column_counts import profile_columns
from features.narratives.legibility import languages
from features.narratives.masking import Masked, rows_by_kind
from features.tables.applications import Applications
from features.tables.stated import with_facts_of
from fusion import bundle
from fusion.config import Config
from fusion.model.choosing import Choice
from fusion.model.folds import assign_folds
from fusion.model.fusion_model import FusionModel, Margins
from fusion.model.training import fit, n_steps
from fusion.policy.cutoff import with_cutoff
from fusion.policy.policy import Policy, deciding_policy, encoded_cutoffs
from fusion.text_encoder import OpenEncoder
from fusion.training_description import TrainingDescription, describe_training
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
        config, choices, prepared = _chosen(prepared, masked, split, config, run)
    sample = prepared.sample
    with run.stage("fit", total=n_steps(config, len(sample), sample.sources), unit="parts") as advance:
        fitted, margins = fit(sample, config, lambda: advance(1))
    config, cut_off = _with_cutoff(config, sample.y, run)
    deciding = deciding_policy(policy, None, config)
    with run.stage("describe"):
        cutoffs = encoded_cutoffs(deciding, sample.design.tabular, prepared.tabular)
        described = describe_training(fitted, sample.design, sample.y, margins.fused, config, cutoffs)
    with run.stage("judge"):
        own, held_out = _evaluated_rows(prepared, margins, fitted, masked.applications, split)
        slices = tuple(slices_of(own, sample.decided, held_out))
    with run.stage("reference"):
        fold = assign_folds(sample.y, sample.groups, config.folds.n_folds, config.folds.seed)
        plain = None if quick else compare_plain(masked.applications, split, own, held_out, fold)
        written = languages(read.applications, masked.unread)
        findings = findings_of(masked.applications, split, slices, plain, written, tuning)
    judgement = Judgement(cut_off, choices, fitted.fused.members, slices, plain, findings, tuning, policy)
    with run.stage("save"):
        provenance = _provenance(read, split.learn, config, prepared.encoder, slices)
        trained = _trained(read, masked, split, prepared, fitted, config, described, policy)
        cut = rows_by_kind(compress(masked.kinds, split.learn))
        explained = _background_words(described, deciding, prepared, config)
        card = model_card(prepared.tabular.schema, provenance, judgement, cut, explained)
        manifest = bundle.save(files.out, trained, provenance, card)
        if tuning is not None:
            edition = Edition(report_day(None), files.language)
            write_tuning_report(files.out, tuning, prepared.tabular.schema.title, manifest, edition)
    return TrainingReport(
        model_id=manifest.model_id,
        n_rows=read.n_rows,
        outcomes=count_outcomes(read.applications, read.n_undecided),
        rejected=dict(Counter(read.rejects.frame["rule"])),
        masked=rows_by_kind(masked.kinds),
        window=provenance.window,
        judgement=judgement,
        written=written,
    )


def _chosen(
    prepared: Prepared, masked: Masked, split: Split, config: Config, run: Run
) -> tuple[Config, tuple[Choice, ...], Prepared]:
    """The settings with those that training chooses, how they were chosen, and the rows as they are read with them."""
    known = masked.applications.take(split.learn)
    chosen, choices = choose_settings(prepared.sample, known, config, prepared.encoder, run)
    if chosen.text != config.text:
        prepared = prepared.with_words(masked.applications, split, chosen)
    return chosen, choices, prepared


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


def _trained(
    read: Decided,
    masked: Masked,
    split: Split,
    prepared: Prepared,
    fitted: FusionModel,
    config: Config,
    described: TrainingDescription,
    policy: Policy | None,
) -> bundle.Trained:
    """What the bundle holds."""
    own, tabular = read.applications.take(split.learn), prepared.tabular
    return bundle.Trained(
        model=fitted,
        config=config,
        tabular=tabular,
        population=described.population,
        reference=described.reference,
        rows=TrainingRows.of(own, read.data_digest),
        tuned=prepared.tuning.tensors if prepared.tuning is not None else bundle.UNTUNED,
        probes=prepared.encoder.exact_probes if tabular.schema.narratives else None,
        profiles=profile_columns(own, tabular, masked.unread[split.learn]),
        policy=policy,
    )


def _background_words(described: TrainingDescription, deciding: Policy, prepared: Prepared, config: Config) -> str:
    """What decisions are explained against, for the card."""
    population = described.population
    cutoffs = encoded_cutoffs(deciding, population.columns, prepared.tabular)
    n_background = len(population.background(config.explain, cutoffs))
    background = BackgroundRows(n_background, len(population), len(prepared.sample))
    return in_words(background, described.base, config.explain, deciding.cutoffs.approve)


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
