"""Training: files in, a verified bundle and a report of what the model is worth out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from itertools import compress
from pathlib import Path

import numpy as np

from data_schemas.contract import Schema
from experiments.reporting.background import in_words, rows_of
from experiments.session.decision_dates import rows_until
from experiments.session.progress import advance_to
from experiments.session.run import Run
from experiments.train.card import model_card
from features.arrays import Flags, Floats, Index
from features.design import Design
from features.narratives.masking import Masked, rows_by_kind
from features.tables.applications import REJECT_COLUMNS, Applications, Rejects
from features.tables.csv_records import data_digest
from features.tables.csv_writer import write_header, write_rows
from features.tables.reader import ReadOptions, read_all
from features.tabular import TabularEncoder
from fusion import bundle
from fusion.config import Config
from fusion.explain.population import describe_population, sampled_rows
from fusion.metrics import Figures, Gain, delong, figures
from fusion.model.cross_validation import newest_rows
from fusion.model.folds import tied_groups
from fusion.model.fusion_model import Margins
from fusion.model.training import TrainingSample, fit, n_steps
from fusion.text_encoder import OpenEncoder, open_mask, open_reader
from fusion.validation.text_drift import describe_texts
from fusion.versions import package_versions


@dataclass(frozen=True)
class SliceReport:
    """Figures of the model and its ablations on one slice of the data, and what the text was worth there."""

    name: str
    fused: Figures
    columns_only: Figures
    text_only: Figures
    text_gain: Gain

    def figures(self) -> Mapping[str, int | float]:
        """Every figure to its last digit, for machines; text_gain is the model's AUC minus that of the columns."""
        gain = self.text_gain
        return {
            "rows": self.fused.n,
            "bad": self.fused.n_bad,
            "auc": self.fused.auc,
            "ks": self.fused.ks,
            "brier": self.fused.brier,
            "calibration_slope": self.fused.slope,
            "auc_columns_only": self.columns_only.auc,
            "auc_text_only": self.text_only.auc,
            "text_gain": gain.difference,
            "text_gain_low": gain.low,
            "text_gain_high": gain.high,
            "text_gain_p": gain.p,
        }


@dataclass(frozen=True)
class TrainingReport:
    """What a training run was and gave.

    rejected: rows per broken rule. masked: rows of whose narratives something was cut, per sensitive kind.
    """

    model_id: str
    n_rows: int
    rejected: Mapping[str, int]
    masked: Mapping[str, int]
    window: tuple[str, str] | None
    slices: tuple[SliceReport, ...]

    def summary(self) -> Mapping[str, object]:
        """The report for machines."""
        return {
            "model": self.model_id,
            "rows": self.n_rows,
            "trained_on": self.slices[0].fused.n,
            "window": self.window,
            "rejected": sum(self.rejected.values()),
            "rejected_by_rule": dict(self.rejected),
            "masked": dict(self.masked),
            "slices": {part.name: part.figures() for part in self.slices},
        }

    def lines(self) -> Mapping[str, object]:
        """The report for people."""
        lines: dict[str, object] = {
            "model": self.model_id,
            "rows": self.n_rows,
            "trained on": self.slices[0].fused.n,
            "training window": " to ".join(self.window) if self.window else "no decision date",
            "rejected": sum(self.rejected.values()),
            "rejected by rule": dict(self.rejected),
        }
        if self.masked:
            lines["rows with sentences cut"] = dict(self.masked)
        return lines | {"figures": {part.name: slice_lines(part) for part in self.slices}}


def slice_lines(part: SliceReport) -> Mapping[str, object]:
    """One slice's figures for people: in words, and rounded."""
    gain = part.text_gain
    return {
        "rows": part.fused.n,
        "bad": part.fused.n_bad,
        "AUC": f"{part.fused.auc:.4f}",
        "KS": f"{part.fused.ks:.4f}",
        "Brier": f"{part.fused.brier:.4f}",
        "slope": f"{part.fused.slope:.3f}",
        "AUC columns": f"{part.columns_only.auc:.4f}",
        "AUC text": f"{part.text_only.auc:.4f}",
        "text's worth": f"{gain.difference:+.4f}",
        "95 %, from": f"{gain.low:+.4f}",
        "95 %, to": f"{gain.high:+.4f}",
        "DeLong p": f"{gain.p:.2g}",
    }


@dataclass(frozen=True)
class TrainingFiles:
    """What is read and written. until: the last decision date to learn from; later rows are held out and judged."""

    data: tuple[Path, ...]
    out: Path
    until: date | None = None

    @property
    def rejects(self) -> Path:
        """Where the rows that broke the contract go."""
        return self.out.parent / f"{self.out.name}.rejects.csv"


@dataclass(frozen=True)
class Decided:
    """What the training files hold. data_digest: names their bytes, as they were before they were read. reading: how
    the bytes became cells, in words.
    """

    applications: Applications
    rejects: Rejects
    data_digest: str
    reading: str


@dataclass(frozen=True)
class Prepared:
    """What training takes from applications. masked: all of them, without what the config cuts. design, tabular: of all
    of them, with the levels of the rows to learn from. sample: those rows.
    """

    masked: Masked
    design: Design
    tabular: TabularEncoder
    sample: TrainingSample


def read_decided(schema: Schema, data: Sequence[Path], options: ReadOptions, run: Run) -> Decided:
    """All rows to train and judge with. Raises ContractError when the files do not fit the schema; RunError for files
    that cannot be read.
    """
    with run.stage("read") as advance:
        digest = data_digest(data)
        read = read_all(data, schema, options)
        advance(read.n_rows)
    reading = f"delimiter {options.delimiter!r}, encoding {options.encoding or 'UTF-8 or as marked'}"
    return Decided(read.applications, read.rejects, digest, reading)


def train_bundle(read: Decided, files: TrainingFiles, config: Config, encoder: OpenEncoder, run: Run) -> TrainingReport:
    """Encode, fit, judge and save what ``read_decided`` read; the report.

    Raises ContractError for rows that cannot train their schema, or a mask that it has no concept for.
    """
    learn = rows_until(read.applications, files.until)
    prepared = prepare(read.applications, learn, config, encoder, run)
    masked, sample, tabular = prepared.masked, prepared.sample, prepared.tabular
    with run.stage("fit", total=n_steps(config), unit="parts") as advance:
        fitted, margins = fit(sample, config, lambda: advance(1))
    with run.stage("describe"):
        population, base = describe_population(fitted, sample.design, sample.y, margins.fused, config)
        reference = describe_texts(sample.design.text, sampled_rows(len(sample), config))
    with run.stage("judge"):
        slices = [*_training_slices(margins, sample)]
        held_out = later_rows(read.applications, learn)
        if len(held_out):
            later, y = prepared.design.take(held_out), read.applications.outcome()[held_out]
            slices += _with_narrative(f"after {files.until}", fitted.margins(later), y, later)
    with run.stage("save"):
        provenance = _provenance(read, learn, config, encoder, slices)
        cut = rows_by_kind(compress(masked.kinds, learn))
        trained = bundle.Trained(fitted, config, tabular, population, reference)
        explained = in_words(rows_of(population, len(sample), config), base, config)
        card = model_card(tabular.schema, provenance, {part.name: slice_lines(part) for part in slices}, cut, explained)
        manifest = bundle.save(files.out, trained, provenance, card)
    rejected = dict(Counter(read.rejects.frame["rule"]))
    n_rows = len(read.applications) + len(read.rejects)
    masked_rows = rows_by_kind(masked.kinds)
    return TrainingReport(manifest.model_id, n_rows, rejected, masked_rows, provenance.window, tuple(slices))


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


def prepare(applications: Applications, learn: Flags, config: Config, encoder: OpenEncoder, run: Run) -> Prepared:
    """Mask, encode, and tie together what may not part; ``learn`` are the rows to learn from.

    Raises ContractError as ``mask_narratives`` does.
    """
    masked = mask_narratives(applications, config, encoder, run)
    design, tabular = _encode(masked.applications, learn, config, encoder, run)
    own = masked.applications.take(learn)
    with run.timed("encode"):
        groups = tied_groups(own)
    sample = TrainingSample(
        design.take(np.flatnonzero(learn)), own.outcome(), groups, tabular.monotone, own.decision_date()
    )
    return Prepared(masked, design, tabular, sample)


def mask_narratives(applications: Applications, config: Config, encoder: OpenEncoder, run: Run) -> Masked:
    """The applications without the sentences that the config wants cut; how many these are goes into the log.

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
    said = ", ".join(f"{n:,} {kind}" for kind, n in counts.items())
    run.note(f"sentences cut from the narratives: {said}", {"sentences": counts, "rows": rows_by_kind(masked.kinds)})
    return masked


def _encode(
    applications: Applications, learn: Flags, config: Config, encoder: OpenEncoder, run: Run
) -> tuple[Design, TabularEncoder]:
    """Everything as arrays; the tabular encoder learns its levels from the training rows alone."""
    tabular = TabularEncoder.fit(applications.take(learn))
    reader = open_reader(applications.schema, config.text, encoder)
    total = len({text for field in applications.schema.narratives for text in applications.narrative(field.name)})
    with run.stage("encode", total=total, unit="texts") as advance:
        text = reader.read(applications, advance_to(advance))
    return Design(tabular.encode(applications), text), tabular


def later_rows(applications: Applications, learn: Flags) -> Index:
    """Positions of the rows decided after those to learn from; a row without a date is in neither."""
    dates = applications.decision_date()
    return np.flatnonzero(~learn if dates is None else ~learn & ~np.isnat(dates))


def _training_slices(margins: Margins, own: TrainingSample) -> Iterator[SliceReport]:
    """Slices of the training rows ``own``: all of them, and the newest."""
    yield from _with_narrative("out of fold", margins, own.y, own.design)
    newest = newest_rows(own.decided)
    if newest is not None and own.decided is not None:
        first = own.decided[newest].min().astype("datetime64[D]")
        last = own.design.take(np.flatnonzero(newest))
        yield from _with_narrative(f"out of fold, from {first}", margins.at(newest), own.y[newest], last)


def _with_narrative(name: str, margins: Margins, y: Floats, design: Design) -> Iterator[SliceReport]:
    """The slice, and its rows that carry the main narrative: the column that is written with the most words."""
    yield judge(name, margins, y)
    if design.text.names and design.text.x_lex.nnz:
        per_column = design.text.x_lex.shape[1] // len(design.text.names)
        words = np.bincount(design.text.x_lex.indices // per_column, minlength=len(design.text.names))
        main = int(words.argmax())
        written = design.text.has_text[:, main]
        if not written.all():
            yield judge(f"{name}, with {design.text.names[main]}", margins.at(written), y[written])


def judge(name: str, margins: Margins, y: Floats) -> SliceReport:
    """All figures of one slice."""
    return SliceReport(
        name,
        figures(y, margins.fused),
        figures(y, margins.columns_only),
        figures(y, margins.text_only),
        delong(y, margins.fused, margins.columns_only),
    )


def headline(slices: Sequence[SliceReport]) -> dict[str, float | None]:
    """AUC, KS and Brier of every slice, by name; None where a figure does not exist."""
    found = {}
    for part in slices:
        for name, value in asdict(part.fused).items():
            if name in ("auc", "ks", "brier"):
                found[f"{part.name}: {name}"] = round(value, 6) if np.isfinite(value) else None
    return found


def window(applications: Applications, learn: Flags) -> tuple[str, str] | None:
    """First and last decision date of the training rows as ISO dates; None without any."""
    dates = applications.decision_date()
    if dates is None or np.isnat(dates[learn]).all():
        return None
    days = dates[learn & ~np.isnat(dates)].astype("datetime64[D]")
    return str(days.min()), str(days.max())


def write_rejects(rejects: Rejects, path: Path) -> None:
    """Write the rows that broke the contract; an older file of that name is replaced."""
    with path.open("w", newline="", encoding="utf-8") as file:
        write_header(file, REJECT_COLUMNS)
        write_rows(file, rejects.frame)
