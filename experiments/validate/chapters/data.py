"""The chapter on the data: which rows were validated on, which were not and why, and columns that know too much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from experiments.reporting.cells import NUMBER, figure
from experiments.reporting.document import Column, Finding, Row, Section, Table
from experiments.reporting.language import gettext
from experiments.reporting.lower_floors import translated
from experiments.reporting.words import count, listed, number, percent
from experiments.validate.scored_outcomes import ScoredOutcomes
from features.inference.leakage import MAX_AUC
from fusion.validation.single_columns import column_auc, missing_share

DOMINANT = 0.5  # share of all movement that one column makes; an application score rests on many


@dataclass(frozen=True)
class Intake:
    """What became of the rows that were read.

    Attributes:
        files: their names.
        digest: sha256 of the files.
        n_rows: rows read.
        rejected: rows per broken rule.
        undecided: sound rows that have no outcome yet.
        since: the day before which decisions were left out; None for none.
        before: rows decided before that day.
        undated: rows left out because their day is missing.
        learned: rows that the model learned from; None where it cannot recognise them.
        learned_kept: whether these are judged all the same.
    """

    files: tuple[str, ...]
    digest: str
    n_rows: int
    rejected: Mapping[str, int]
    undecided: int
    since: date | None
    before: int
    undated: int
    learned: int | None
    learned_kept: bool


@dataclass(frozen=True)
class ColumnFacts:
    """One column of the model.

    Attributes:
        name: the column.
        title: its title.
        missing_then: share of the training rows without a value, or with an unknown level.
        missing_now: the same share here.
        auc_then: how well it ranks outcomes by itself in training, whichever way round; NaN for one class.
        auc_now: the same here.
        weight: its share of all movement of the scores.
    """

    name: str
    title: str
    missing_then: float
    missing_now: float
    auc_then: float
    auc_now: float
    weight: float

    @property
    def best_auc(self) -> float:
        """The greater of the two AUCs; 0 where neither exists."""
        return float(np.nan_to_num([self.auc_then, self.auc_now]).max())


def chapter(scored: ScoredOutcomes, intake: Intake) -> Section:
    """The rows, and the columns that the model reads."""
    facts = column_facts(scored)
    return Section(
        key="data",
        title=gettext("The data: which rows, and can the columns be trusted?"),
        findings=(
            *_learned_findings(scored, intake),
            *_window_findings(scored),
            *_unlike_findings(scored),
            *_leak_findings(facts),
            *_rejected_finding(intake),
        ),
        words=(
            gettext(
                "Only decided applications can be judged, and only those that were granted have an outcome: nothing "
                "here shows how the applicants would have done who were turned away."
            ),
        ),
        tables=(_rows_table(scored, intake), _columns_table(facts)),
    )


def column_facts(scored: ScoredOutcomes) -> list[ColumnFacts]:
    """Every structured column, the weightiest first."""
    population = scored.model.bundle.population
    then, now = population.columns, scored.design.tabular
    bad = population.bad.astype(np.float64)
    schema = scored.applications.schema
    titles = {field.name: gettext(field.title) for field in schema.features}
    titles |= {derived.name: gettext(derived.title) for derived in schema.derived}
    moved = np.abs(population.contributions.astype(np.float64)).mean(axis=0)
    weights = moved / moved.sum() if moved.sum() > 0 else moved
    facts = []
    for at, name in enumerate((*then.num_names, *then.cat_names)):
        facts.append(
            ColumnFacts(
                name,
                titles[name],
                missing_share(then, at),
                missing_share(now, at),
                column_auc(then, bad, at, then, bad),
                column_auc(now, scored.y, at, then, bad),
                float(weights[at]),
            )
        )
    return sorted(facts, key=lambda one: (-one.weight, one.name))


def _rows_table(scored: ScoredOutcomes, intake: Intake) -> Table:
    rows: list[Row] = [(gettext("Rows read"), intake.n_rows)]
    rows += [(gettext("Rejected: {rule}").format(rule=rule), n) for rule, n in sorted(intake.rejected.items())]
    if intake.undecided:
        rows += [(gettext("Without an outcome yet"), intake.undecided)]
    if intake.since is not None:
        rows += [
            (gettext("Decided before {since}").format(since=intake.since), intake.before),
            (gettext("Without a decision date"), intake.undated),
        ]
    if intake.learned is not None and not intake.learned_kept:
        rows += [(gettext("Left out, as the model learned from them"), intake.learned)]
    rows += [(gettext("Judged"), len(scored)), (gettext("of these bad"), int(scored.y.sum()))]
    if unread := sum("text_not_read" in flags for flags in scored.quality):
        rows.append((gettext("of these with a narrative that the encoder cannot read"), unread))
    return Table(
        key="rows",
        title=gettext("What became of the rows"),
        columns=(Column(key="what", title=gettext("Rows")), NUMBER),
        rows=tuple(rows),
    )


def _columns_table(facts: list[ColumnFacts]) -> Table:
    return Table(
        key="columns",
        title=gettext("The columns that the model reads"),
        note=gettext(
            "Weight: the column's share of all movement of the scores, by its contributions to the "
            "training applicants'; the rest is the narratives'. AUC alone: how well the column ranks "
            "outcomes by itself, 0.5 is a random order; {max_auc} or more is suspect. Missing: for "
            "levels, unknown ones too."
        ).format(max_auc=number(MAX_AUC, 1)),
        columns=(
            Column(key="column", title=gettext("Column")),
            Column(key="weight", title=gettext("Weight"), form="percent", digits=1),
            Column(key="auc_then", title=gettext("AUC alone, training"), form="number", digits=3),
            Column(key="auc_now", title=gettext("AUC alone, here"), form="number", digits=3),
            Column(key="missing_then", title=gettext("Missing, training"), form="percent", digits=1),
            Column(key="missing_now", title=gettext("Missing, here"), form="percent", digits=1),
        ),
        rows=tuple(
            (one.title, one.weight, *map(figure, (one.auc_then, one.auc_now, one.missing_then, one.missing_now)))
            for one in facts
        ),
    )


def _learned_findings(scored: ScoredOutcomes, intake: Intake) -> list[Finding]:
    """Whether the model learned from some of the rows, by the fingerprints in its bundle."""
    if not intake.learned:
        return []
    n = count(intake.learned, "row")
    if not intake.learned_kept:
        return [
            Finding(
                key="training_rows",
                grade="note",
                title=gettext("{n} that the model learned from were left out.").format(n=n),
                words=gettext("{scored} are left, and every figure is of these alone.").format(
                    scored=count(len(scored), "row")
                ),
            )
        ]
    return [
        Finding(
            key="training_rows",
            grade="alarm",
            title=gettext("The model learned from {n} of these ({learned}).").format(
                n=n, learned=percent(intake.learned / len(scored))
            ),
            words=gettext(
                "They were kept on request (--keep-training-rows). Every figure of this report is flattered by them."
            ),
        )
    ]


def _window_findings(scored: ScoredOutcomes) -> list[Finding]:
    """Whether the rows are later than those the model learned from."""
    learned = scored.model.bundle.manifest.provenance.window
    dates = scored.applications.decision_date()
    undated = len(scored) if dates is None else int(np.isnat(dates).sum())
    if learned is None or dates is None or undated:
        lacking = (
            gettext("The model has no training window")
            if learned is None
            else gettext("{undated} without a date").format(undated=count(undated, "row"))
        )
        return [
            Finding(
                key="out_of_time",
                grade="concern",
                title=gettext("It is not known whether these rows are later than the training rows."),
                words=gettext(
                    "{lacking}. On rows that the model learned from every figure is flattered. Give the schema a "
                    "decision date, or make sure yourself that the rows are new."
                ).format(lacking=lacking),
            )
        ]
    n = scored.n_in_training_window
    if n:
        return [
            Finding(
                key="out_of_time",
                grade="concern" if n < len(scored) else "alarm",
                title=gettext("Some of the rows are as old as those the model learned from.")
                if n < len(scored)
                else gettext("The model may have learned from these very rows."),
                words=gettext(
                    "{n} ({n2}) were decided up to {learned}, the end of the training window. Figures on rows "
                    "that took part in training are flattered: use --since."
                ).format(n=count(n, "row"), n2=percent(n / len(scored)), learned=learned[1]),
            )
        ]
    words = gettext("The model learned up to {learned}; all rows were decided afterwards.").format(learned=learned[1])
    return [Finding(key="out_of_time", grade="good", title=gettext("The rows are newer than the model."), words=words)]


def _unlike_findings(scored: ScoredOutcomes) -> list[Finding]:
    """Columns of which nearly all rows are unlike the training rows."""
    if not scored.warnings:
        return []
    titles = {field.name: gettext(field.title) for field in scored.model.schema.fields}
    titles |= {derived.name: gettext(derived.title) for derived in scored.model.schema.derived}
    named = [titles[warning.column] for warning in scored.warnings]
    words = " ".join(
        f"“{title}”: {translated(warning.message).rstrip('.?？')}."
        for title, warning in zip(named, scored.warnings, strict=True)
    )
    return [
        Finding(
            key="unlike_training",
            grade="alarm",
            title=(
                gettext("{named} is unlike the training rows.")
                if len(named) == 1
                else gettext("{named} are unlike the training rows.")
            ).format(named=listed(named)),
            words=gettext(
                "{words} Figures on rows that are read otherwise than in training say nothing of the model."
            ).format(words=words),
        )
    ]


def _leak(suspects: Sequence[ColumnFacts]) -> Finding:
    result = "; ".join(
        gettext(
            "“{one_title}” ranks outcomes with an AUC of {nan_to_num} and makes {weight} of all movement of the scores"
        ).format(one_title=one.title, nan_to_num=number(one.best_auc, 2), weight=percent(one.weight, 0))
        for one in suspects[:5]
    )
    return Finding(
        key="leak",
        grade="alarm",
        title=gettext("{one_title} may know the outcome.").format(one_title=listed([one.title for one in suspects])),
        words=gettext(
            "By itself {result}. What is known before a loan is granted rarely reaches {max_auc}. If it is "
            "filled in or changed after the decision, the model will fail on new applicants, whatever "
            "the figures here say. Find out when it is known; if later, give it the role ignored (or "
            "auxiliary, so that training alone reads it) and train again."
        ).format(result=result, max_auc=number(MAX_AUC, 1)),
    )


def _leak_findings(facts: list[ColumnFacts]) -> list[Finding]:
    """Columns that know the outcome."""
    suspects = [one for one in facts if one.best_auc >= MAX_AUC]
    if suspects:
        return [_leak(suspects)]
    if facts and facts[0].weight >= DOMINANT:
        one = facts[0]
        return [
            Finding(
                key="leak",
                grade="concern",
                title=gettext("The scores rest on one column, {one_title}.").format(one_title=one.title),
                words=gettext(
                    "It makes {weight} of all their movement. Make sure that it is known at the decision, and "
                    "what happens on the day it is missing."
                ).format(weight=percent(one.weight, 0)),
            )
        ]
    words = gettext("No column reaches an AUC of {max_auc} by itself, in training or here.").format(
        max_auc=number(MAX_AUC, 1)
    )
    return [Finding(key="leak", grade="good", title=gettext("No column seems to know the outcome."), words=words)]


def _rejected_finding(intake: Intake) -> list[Finding]:
    n = sum(intake.rejected.values())
    if not n:
        return []
    share = n / intake.n_rows
    return [
        Finding(
            key="rejected",
            grade="concern" if share > 0.05 else "note",
            title=gettext("{n} broke the data contract and were not judged.").format(n=count(n, "row")),
            words=gettext(
                "That is {share} of those read; rejects.csv says which and why. If they are unlike the "
                "others, the figures are too."
            ).format(share=percent(share)),
        )
    ]
