"""Whether protected attributes can be recovered from what the model reads: narratives, columns, the score itself.

A short form of ``creditfusion probe``, which looks at more sources and more rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from threadpoolctl import threadpool_limits

from data_schemas.fields import Field, Role
from experiments.reporting.cells import interval
from experiments.reporting.document import Column, Finding, Gap, Grade, Row, Table
from experiments.reporting.language import gettext, gettext_noop
from experiments.reporting.lower_floors import translated
from experiments.reporting.words import listed, number
from experiments.session.run import Run
from experiments.validate.scored_outcomes import ScoredOutcomes
from features.tables.applications import Applications
from features.tables.groups import groups_of
from fusion.model.folds import tied_groups
from fusion.validation.intervals import Estimate
from fusion.validation.proxy_probe import SEED, ProbeInputs, Source, TraitProbe, Verdict, probe_trait, verdict

MOST_ROWS = 2_000
"""Drawn at random where there are more; the AUC is then known to some hundredths, in seconds."""
NAMES: Mapping[Source, str] = {
    "narratives": gettext_noop("the narratives"),
    "columns": gettext_noop("the columns"),
    "score": gettext_noop("the score"),
}
HEADS: Mapping[Verdict, tuple[Grade, str]] = {
    "well": ("concern", gettext_noop("{attribute} can be recovered well from {sources}")),
    "clearly": ("concern", gettext_noop("{attribute} can be recovered clearly better than by chance from {sources}")),
    "somewhat": ("note", gettext_noop("{attribute} can be recovered somewhat better than by chance from {sources}")),
    "hardly": ("note", gettext_noop("{attribute} can hardly be recovered from {sources}")),
    "unsure": ("note", gettext_noop("{attribute} may or may not be recovered from {sources}")),
    "chance": ("good", gettext_noop("{attribute} cannot be recovered from {sources}")),
}
ORDER: tuple[Verdict, ...] = ("well", "clearly", "somewhat", "unsure", "hardly", "chance")


@dataclass(frozen=True)
class Probed:
    """Rows to look at, and what the model reads of them.

    Attributes:
        applications: With their protected columns.
        inputs: Of the same rows, those sources alone that are looked at.
    """

    applications: Applications
    inputs: ProbeInputs


def probed(scored: ScoredOutcomes) -> Probed | None:
    """What can be looked at; None where the file has no protected column."""
    if not any(
        field.name in scored.applications.frame for field in scored.applications.schema.fields_of(Role.PROTECTED)
    ):
        return None
    rows = np.arange(len(scored))
    if len(rows) > MOST_ROWS:
        random = np.random.Generator(np.random.PCG64(SEED))
        rows = np.sort(random.choice(len(scored), MOST_ROWS, replace=False))
    applications, design = scored.applications.take(rows), scored.design.take(rows)
    read = scored.model.bundle.model.basis.inputs(design)
    inputs = ProbeInputs.of(read, design.text.x_style, scored.margin[rows], tied_groups(applications))
    return Probed(applications, replace(inputs, sources={name: inputs.sources[name] for name in NAMES}))


def proxies(rows: Probed, fields: Iterator[Field], run: Run) -> tuple[tuple[Table, ...], tuple[Finding, ...]]:
    """The table and a finding for each protected column that can be judged."""
    found: list[tuple[Field, TraitProbe]] = []
    with run.timed("proxies"), threadpool_limits(1, user_api="blas"):
        for field in fields:
            groups = groups_of(rows.applications, field)
            if not groups.too_few:
                found.append((field, probe_trait(groups, rows.inputs, lambda _: None)))
    if not found:
        return (), ()
    table = _table(found, len(rows.applications))
    return (table,), tuple(_finding(field, probe) for field, probe in found if probe.found)


def _table(found: list[tuple[Field, TraitProbe]], n: int) -> Table:
    def row(field: Field, probe: TraitProbe) -> Row:
        aucs = _aucs(probe)
        return (
            gettext(field.title),
            *(
                interval(aucs[name])
                if name in aucs
                else Gap(gap=translated(probe.gaps.get(name, gettext("not judged"))))
                for name in NAMES
            ),
        )

    return Table(
        key="fairness_proxies",
        title=gettext("How well protected attributes can be recovered"),
        note=gettext(
            "AUC with its 95 % interval, of a linear probe on {n:,} applicants, out of fold: 0.5 is "
            "chance, 1 certain. Of more than two groups the mean of each against the rest. That an "
            "attribute can be recovered does not mean that the model uses it; it means that the input "
            "can stand in for it."
        ).format(n=n),
        columns=(
            Column(key="attribute", title=gettext("Attribute")),
            *(
                Column(key=name, title=gettext("From {words}").format(words=gettext(words)), form="number", digits=3)
                for name, words in NAMES.items()
            ),
        ),
        rows=tuple(row(field, probe) for field, probe in found),
    )


def _aucs(probe: TraitProbe) -> dict[Source, Estimate]:
    return {name: one.accuracy.overall for name, one in probe.found.items()}


def _finding(field: Field, probe: TraitProbe) -> Finding:
    """From where it is recovered best."""
    aucs = _aucs(probe)
    worst = min((verdict(auc) for auc in aucs.values()), key=ORDER.index)
    sources = listed([gettext(NAMES[name]) for name, auc in aucs.items() if verdict(auc) == worst])
    figures = "; ".join(
        gettext("from {names} {auc_value} ({low} to {high})").format(
            names=gettext(NAMES[name]), auc_value=number(auc.value, 2), low=number(auc.low, 2), high=number(auc.high, 2)
        )
        for name, auc in aucs.items()
    )
    grade, head = HEADS[worst]
    words = gettext("AUC of a linear probe with its 95 % interval: {figures}.").format(figures=figures)
    if grade == "concern":
        words += gettext(
            " What stands for an attribute can treat its groups unequally although the model never sees it. "
            "`creditfusion probe` shows words, style and the gain over the columns."
        )
    return Finding(
        key=f"fairness_proxy_{field.name}",
        grade=grade,
        title=gettext(head).format(attribute=gettext(field.title), sources=sources),
        words=words,
    )
