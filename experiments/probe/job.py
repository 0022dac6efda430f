"""Probing a file: how well its protected columns can be told from what the model sees of the applicants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from data_schemas.contract import Schema
from data_schemas.errors import ContractError
from data_schemas.fields import Field, Role
from experiments.probe.report import Attribute, Probed
from experiments.reporting.model_name import name_and_digest
from experiments.session.layouts import note_layouts
from experiments.session.progress import Advance
from experiments.session.reading import read_watched
from experiments.session.run import Run
from features.tables.applications import Applications, Chunk, Rejects
from features.tables.groups import MIN_ROWS, Groups, groups_of
from features.tables.reader import ReadOptions, read_all
from fusion.model.folds import tied_groups
from fusion.scorer import Scorer
from fusion.validation.proxy_probe import SEED, ProbeInputs, probe_trait


@dataclass(frozen=True)
class Question:
    """What to look at.

    Attributes:
        data: The file.
        columns: Protected ones; empty for all.
        most_rows: Of more rows than this, so many are drawn at random.
    """

    data: Path
    columns: tuple[str, ...]
    most_rows: int


def probe_file(scorer: Scorer, question: Question, options: ReadOptions, run: Run) -> tuple[Probed, Rejects]:
    """How well the protected columns of a file can be told, and the rows that broke the contract.

    Raises ContractError where there is nothing to judge: no protected column in the schema or in the file, no sound
    row, none of the columns with two groups that are large enough, or too many rows that must not part.
    """
    bundle = scorer.bundle
    fields = protected_fields(bundle.schema, question.columns)
    note_layouts(run, [question.data], bundle.schema, options)
    with run.stage("read") as advance:
        read = read_all(question.data, bundle.schema, options)
        advance(read.n_rows)
    present = fields_present(question, fields, read)
    applications = drawn(read.applications, question.most_rows)
    parted = [(field, groups_of(applications, field)) for field in present]
    check_groups(question, parted)
    with threadpool_limits(1, user_api="blas"):  # sums split between threads would have other last digits
        inputs = probe_inputs(scorer, applications, run)
        with run.stage("probe", len(parted) * len(inputs.sources), "readings") as advance:
            attributes = tuple(_probe(field, groups, inputs, advance) for field, groups in parted)
    check_found(question, attributes)
    probed = Probed(
        file=question.data.name,
        product=bundle.schema.title,
        model=name_and_digest(bundle),
        masked=tuple(kind.value for kind in bundle.config.text.mask),
        n_rows=read.n_rows,
        n_rejected=len(read.rejects),
        n_read=len(applications),
        attributes=attributes,
    )
    return probed, read.rejects


def _probe(field: Field, groups: Groups, inputs: ProbeInputs, advance: Advance) -> Attribute:
    if groups.too_few:
        advance(len(inputs.sources))
        return Attribute(field, groups, None)
    return Attribute(field, groups, probe_trait(groups, inputs, advance))


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
            "creditfusion schema check shows what is wrong with them.",
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


def check_found(question: Question, attributes: Sequence[Attribute]) -> None:
    """Raise ContractError when no column could be probed with any source."""
    if all(one.why_not for one in attributes):
        why = "; ".join(f"{one.field.name}: {', '.join(map(str, one.why_not))}" for one in attributes)
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


def probe_inputs(scorer: Scorer, applications: Applications, run: Run) -> ProbeInputs:
    """What the model reads of the applications."""
    reading = read_watched(scorer, applications, run)
    model = scorer.bundle.model
    with run.timed("predict"):
        margin = model.predict(reading.design, scorer.threads).margin
        inputs = model.basis.inputs(reading.design)
    return ProbeInputs.of(inputs, reading.design.text.x_style, margin, tied_groups(reading.masked.applications))
