"""Probing a file: how well its protected columns can be told from what the model sees of the applicants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from data_schemas.contract import Field, Role, Schema
from data_schemas.errors import ContractError
from experiments.probe.report import Added, Attribute, Gap, Group, GroupArea, ProtectedReport, Reading, Source
from experiments.probe.report import verdict as word_for
from experiments.session.reading import read_watched
from experiments.session.run import Advance, Run
from features.arrays import Flags, Index, Ints
from features.tables.applications import Applications, Chunk, Rejects
from features.tables.groups import MIN_ROWS, Groups, groups_of
from features.tables.reader import ReadOptions, read_all
from fusion.model.basis import HeadInputs
from fusion.model.folds import tied_groups
from fusion.scorer import Scorer
from fusion.validation.proxy_probe import (
    N_FOLDS,
    Inputs,
    ProbeAccuracy,
    accuracy_difference,
    bent,
    deal_folds,
    out_of_fold,
    probe_accuracy,
)

SEED = 0  # of the rows drawn and of the folds: equal for every run, so that reports are too
N_SOURCES = 6


@dataclass(frozen=True)
class Question:
    """What to look at. columns: protected ones; empty for all. most_rows: of more, so many are drawn at random."""

    data: Path
    columns: tuple[str, ...]
    most_rows: int
    made_on: date


@dataclass(frozen=True)
class ProbeRows:
    """What the model sees of some applicants.

    inputs: by source; a text says why there are none. wrote: bool (n,), who wrote anything. tied: see ``tied_groups``.
    """

    inputs: dict[Source, Inputs | str]
    wrote: Flags
    tied: Ints


@dataclass(frozen=True)
class ProbeResult:
    """How well a column was told from one source, on which rows."""

    probe_accuracy: ProbeAccuracy
    rows: Index


def probe_file(scorer: Scorer, question: Question, options: ReadOptions, run: Run) -> tuple[ProtectedReport, Rejects]:
    """How well the protected columns of a file can be told, and the rows that broke the contract.

    Raises ContractError where there is nothing to judge: no protected column in the schema or in the file, no sound
    row, none of the columns with two groups that are large enough, or too many rows that must not part.
    """
    bundle = scorer.bundle
    fields = protected_fields(bundle.schema, question.columns)
    with run.stage("read") as advance:
        read = read_all(question.data, bundle.schema, options)
        advance(read.n_rows)
    present = fields_present(question, fields, read)
    applications = drawn(read.applications, question.most_rows)
    parted = [(field, groups_of(applications, field)) for field in present]
    check_groups(question, parted)
    with threadpool_limits(scorer.threads or None):
        seen = see(scorer, applications, run)
        with run.stage("probe", len(parted) * N_SOURCES, "readings") as advance:
            attributes = tuple(judge(field, groups, seen, advance) for field, groups in parted)
    check_readings(question, attributes)
    report = ProtectedReport(
        file=question.data.name,
        product=bundle.schema.title,
        model=bundle.manifest.model_id,
        made_on=question.made_on,
        n_rows=read.n_rows,
        n_rejected=len(read.rejects),
        n_read=len(applications),
        masked=tuple(kind.value for kind in bundle.config.text.mask),
        least_rows=MIN_ROWS,
        n_folds=N_FOLDS,
        seed=SEED,
        attributes=attributes,
    )
    return report, read.rejects


def protected_fields(schema: Schema, wanted: Sequence[str]) -> list[Field]:
    """The protected fields of these names, or all; raises ContractError for a name of none, or a schema without any."""
    known = {field.name: field for field in schema.fields_of(Role.PROTECTED)}
    if not known:
        raise ContractError(
            f"schema {schema.name!r}, which the model carries, has no protected column",
            "Give the columns of protected traits the role protected in the schema, then train the model again.",
        )
    for name in wanted:
        if name not in known:
            raise ContractError(
                f"--column {name} is no protected column of schema {schema.name!r}", f"Choose among {', '.join(known)}."
            )
    return [known[name] for name in dict.fromkeys(wanted or known)]


def fields_present(question: Question, fields: Sequence[Field], read: Chunk) -> list[Field]:
    """Those fields that the file has; raises ContractError when it lacks one named, or all, or has no sound row."""
    present = [field for field in fields if field.name in read.applications.frame]
    lacking = [field.name for field in fields if field not in present]
    if lacking and (question.columns or not present):
        what = f"column{'s' if len(lacking) > 1 else ''} {', '.join(lacking)}"
        raise ContractError(
            f"{question.data} lacks the protected {what}", "Add what is known of these traits to the file."
        )
    if not len(read.applications):
        raise ContractError(
            f"{question.data} has no row that keeps the contract ({len(read.rejects):,} were rejected)",
            "`creditfusion schema check` says what is wrong with them.",
        )
    return present


def check_groups(question: Question, parted: Sequence[tuple[Field, Groups]]) -> None:
    """Raise ContractError when no column has groups that can be told apart."""
    if all(groups.too_few for _, groups in parted):
        why = "; ".join(f"{field.name}: {groups.too_few}" for field, groups in parted)
        raise ContractError(
            f"no protected column of {question.data} can be judged ({why})",
            f"Give a file in which two groups have {MIN_ROWS} rows or more.",
        )


def check_readings(question: Question, attributes: Sequence[Attribute]) -> None:
    """Raise ContractError when no column could be told from any source."""
    if not any(attribute.readings for attribute in attributes):
        why = "; ".join(f"{one.name}: {one.why_not}" for one in attributes)
        raise ContractError(
            f"no protected column of {question.data} can be judged ({why})",
            "Give a file with more applicants, or strip the text that many narratives have in common "
            "(creditfusion.strip in the schema).",
        )


def drawn(applications: Applications, most: int) -> Applications:
    """All rows, or ``most`` of them drawn at random, in their order."""
    n = len(applications)
    if n <= most:
        return applications
    random = np.random.Generator(np.random.PCG64(SEED))
    return applications.take(np.sort(random.choice(n, most, replace=False)))


def see(scorer: Scorer, applications: Applications, run: Run) -> ProbeRows:
    """Read the applications as the model does."""
    reading = read_watched(scorer, applications, run)
    model, design = scorer.bundle.model, reading.design
    with run.timed("predict"):
        margin = model.predict(design, scorer.threads).margin
        inputs = model.basis.inputs(design)
    return ProbeRows(
        sources(inputs) | {"score": bent(margin)},
        np.asarray(design.text.has_text.any(axis=1), np.bool_),
        tied_groups(reading.masked.applications),
    )


def sources(inputs: HeadInputs) -> dict[Source, Inputs | str]:
    """What an attribute may be told from, but for the score; all as the model's head takes them."""
    found: dict[Source, Inputs | str] = {}
    if not inputs.x_absent.shape[1]:
        silence = "the model reads no narratives"
    else:
        silence = "nobody wrote anything" if inputs.x_absent.all() else ""
    vectors = np.hstack([inputs.x_text.reshape(len(inputs), -1), inputs.x_absent])
    found["narratives"] = found["written"] = silence or vectors
    found["words"] = inputs.x_words if inputs.x_words.nnz else silence or "they hold no word that the model counts"
    lacking = "" if inputs.x_columns.shape[1] else "the model sees no columns"
    found["columns"] = lacking or inputs.x_columns
    found["both"] = lacking or silence or np.hstack([inputs.x_columns, vectors])
    return found


def judge(field: Field, groups: Groups, seen: ProbeRows, advance: Advance) -> Attribute:
    """One protected column, told from every source."""
    sizes, why = groups.sizes, groups.too_few
    labels = [groups.labels[at] for at in groups.large]
    readings, gaps, outcomes = [], [], dict[Source, ProbeResult]()
    for source, x in seen.inputs.items():
        found = None if why else outcome(source, x, groups.levels(), labels, seen)
        advance(1)
        if isinstance(found, str):
            gaps.append(Gap(source=source, why=found))
        elif found is not None:
            outcomes[source] = found
            readings.append(reading(source, found, labels))
    order = sorted((at for at, n in enumerate(sizes) if n), key=lambda at: -sizes[at])
    return Attribute(
        name=field.name,
        title=field.title,
        split=groups.how,
        n_missing=int((groups.code < 0).sum()),
        groups=tuple(
            Group(label=groups.labels[at], n=sizes[at], judged=not why and at in groups.large) for at in order
        ),
        not_judged=why,
        readings=tuple(readings),
        gaps=tuple(gaps),
        added=added(outcomes, seen),
    )


def outcome(
    source: Source, x: Inputs | str, level: Ints, labels: Sequence[str], seen: ProbeRows
) -> ProbeResult | str | None:
    """How well the levels are told from a source; why they cannot be; None when another source says the same."""
    everyone = level >= 0
    rows = np.flatnonzero(everyone & seen.wrote if source == "written" else everyone)
    if source == "written" and (isinstance(x, str) or len(rows) == everyone.sum()):
        return None
    if isinstance(x, str):
        return x
    counts = np.bincount(level[rows], minlength=len(labels))
    if counts.min() < MIN_ROWS:
        return f"of {labels[int(counts.argmin())]!r} fewer than {MIN_ROWS} wrote anything"
    fold = deal_folds(level[rows], seen.tied[rows], SEED)
    if fold is None:
        return f"rows that share a narrative or an applicant must not part, and so do not fill {N_FOLDS} folds"
    return ProbeResult(
        probe_accuracy(level[rows], fold, out_of_fold(x[rows], level[rows], fold), seen.tied[rows]), rows
    )


def reading(source: Source, found: ProbeResult, labels: Sequence[str]) -> Reading:
    """An outcome as the report says it."""
    overall, by_level = found.probe_accuracy.overall, found.probe_accuracy.by_level
    return Reading(
        source=source,
        n=len(found.rows),
        auc=overall.value,
        low=overall.low,
        high=overall.high,
        verdict=word_for(overall.value, overall.low, overall.high),
        groups=tuple(
            GroupArea(label=label, auc=area.value, low=area.low, high=area.high)
            for label, area in zip(labels, by_level, strict=True)
            if len(labels) > 2
        ),
    )


def added(outcomes: dict[Source, ProbeResult], seen: ProbeRows) -> Added | None:
    """What the narratives add to what the columns tell; both were judged on the same rows in the same folds."""
    if "both" not in outcomes or "columns" not in outcomes:
        return None
    both, columns = outcomes["both"], outcomes["columns"]
    gain = accuracy_difference(both.probe_accuracy, columns.probe_accuracy, seen.tied[both.rows])
    return Added(difference=gain.value, low=gain.low, high=gain.high)


def figures(report: ProtectedReport) -> dict[str, dict[str, tuple[float, float, float]]]:
    """AUC and the ends of its interval, by column and source."""
    return {
        attribute.name: {one.source: (one.auc, one.low, one.high) for one in attribute.readings}
        for attribute in report.attributes
    }
