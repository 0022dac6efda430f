"""Whether the applicants are still those that the model learned from: score, columns, narratives, months."""

from __future__ import annotations

import math

from experiments.reporting.cells import figure, interval
from experiments.reporting.document import Column, Gap, Row, Section, Table
from experiments.validate.chapters.shift import Shift, Shifts, pd_range, shifts
from experiments.validate.chapters.stability_findings import findings
from experiments.validate.chapters.stability_plots import plots
from experiments.validate.chapters.vintages import Vintage, vintages
from experiments.validate.scored_outcomes import ScoredOutcomes
from experiments.validate.slices import Cut, month_cut
from fusion.validation.psi import Psi
from fusion.validation.text_drift import MIN_NARRATIVES

MAX_MONTHS = 24  # columns of the table by month; the picture has all
NO_ROW = "no row"
NO_PSI = "no row to compare"
FEW = f"under {MIN_NARRATIVES} narratives"
ALIKE = "all alike in training"
WORDS = (
    "A model knows the applicants that it learned from. The population stability index (PSI) says how far others "
    "differ from them: below 0.1 stable, up to 0.25 moderate, above it shifted. “Chance” is what samples of "
    "these sizes stay below 19 times in 20 when nothing has changed; a larger index is a change, though it may be "
    "a small one.",
    "Scores are compared with those that training applicants had from parts of the model which had not seen them. "
    "Narratives are compared by the vectors that the model reads, along the 16 directions in which they varied most in "
    "training; of these the one that moved most counts.",
    "Vintages: the bad rate of those decided in a month, beside the PD that they were given. How a month’s loans go "
    "bad with their time on book cannot be drawn: the data contract holds how a loan ended, and no date of default.",
)


def chapter(judged: ScoredOutcomes) -> Section:
    """Stability, over all rows and by month of decision."""
    months = month_cut(judged)
    moved, grown = shifts(judged, months), vintages(judged, months)
    return Section(
        key="stability",
        title="Stability: are these still the applicants that it learned from?",
        findings=tuple(findings(moved, grown)),
        words=WORDS,
        tables=(
            _score_table(moved.score_psi),
            _column_table(moved),
            *([_written_table(judged, moved), _content_table(judged, moved)] if moved.narratives else []),
            *([_month_table(moved, months), _vintage_table(grown)] if months else []),
        ),
        plots=tuple(plots(moved, grown, months)),
    )


def _score_table(found: Psi) -> Table:
    rows: list[Row] = [
        (pd_range(cell.low, cell.high), cell.expected, cell.actual, 100 * (cell.actual - cell.expected))
        for cell in found.cells
    ]
    return Table(
        key="stability_score",
        title="The score, in tenths of the training applicants",
        note=f"PSI {found.value:.4f}; by chance below {found.chance:.4f}." if found.cells else NO_PSI,
        columns=(
            Column(key="pd", title="PD"),
            Column(key="then", title="In training", form="percent", digits=1),
            Column(key="now", title="Here", form="percent", digits=1),
            Column(key="change", title="Change, percentage points", form="signed", digits=1),
        ),
        rows=tuple(rows),
    )


def _column_table(moved: Shifts) -> Table:
    return Table(
        key="stability_columns",
        title="Score and columns, the furthest moved first",
        note="The index of a column is also called its characteristic stability index (CSI). Weight: the column’s part "
        "in all movement of the training scores; a shift of a weighty column matters more. Of "
        "many columns some exceed chance by chance, where rows are few.",
        columns=(
            Column(key="column", title="Column"),
            Column(key="psi", title="PSI", form="number", digits=4),
            Column(key="chance", title="Chance", form="number", digits=4),
            Column(key="word", title="Word"),
            Column(key="weight", title="Weight", form="percent", digits=1),
            Column(key="what", title="Most changed: training → here"),
        ),
        rows=tuple(_shift_row(one) for one in (moved.score, *moved.columns)),
    )


def _shift_row(one: Shift) -> Row:
    return (
        one.title,
        figure(one.index.value, NO_PSI),
        figure(one.index.chance, NO_PSI),
        one.index.word,
        None if math.isnan(one.weight) else one.weight,
        one.what or None,
    )


def _written_table(judged: ScoredOutcomes, moved: Shifts) -> Table:
    rows: list[Row] = []
    for then, one in zip(judged.model.bundle.reference.texts, moved.narratives, strict=True):
        now, index, length = one.drift, one.written.index, one.length.index
        rows.append(
            (
                one.title,
                figure(then.n_written / then.n_rows if then.n_rows else math.nan, NO_ROW),
                figure(now.n_written / now.n_rows if now.n_rows else math.nan, NO_ROW),
                figure(index.value, NO_PSI),
                figure(index.chance, NO_PSI),
                index.word,
                figure(length.value, FEW),
                figure(length.chance, FEW),
                length.word,
            )
        )
    return Table(
        key="stability_written",
        title="Narratives: who writes, and how much",
        note="Length is the number of distinct words of those who write.",
        columns=(
            Column(key="narrative", title="Narrative"),
            Column(key="written_then", title="Written, in training", form="percent", digits=1),
            Column(key="written_now", title="Written, here", form="percent", digits=1),
            *_index_columns("written", "PSI"),
            *_index_columns("length", "PSI of length"),
        ),
        rows=tuple(rows),
    )


def _index_columns(key: str, title: str) -> tuple[Column, Column, Column]:
    return (
        Column(key=f"psi_{key}", title=title, form="number", digits=4),
        Column(key=f"chance_{key}", title="Chance", form="number", digits=4),
        Column(key=f"word_{key}", title="Word"),
    )


def _content_table(judged: ScoredOutcomes, moved: Shifts) -> Table:
    rows: list[Row] = []
    for then, one in zip(judged.model.bundle.reference.texts, moved.narratives, strict=True):
        now, index = one.drift, one.content.index
        why_not = FEW if not then.described or now.n_written < MIN_NARRATIVES else ALIKE
        numbers = (index.value, index.chance)
        means = (now.mean, now.distance, now.distance_chance, now.cosine)
        rows.append(
            (one.title, *(figure(x, why_not) for x in numbers), index.word, *(figure(x, why_not) for x in means))
        )
    return Table(
        key="stability_content",
        title="Narratives: what is written",
        note="“Mean vector moved” is in units of the spread of single narratives in training: 1 is as far as a single "
        f"narrative lies from their mean. Fewer than {MIN_NARRATIVES} narratives are not compared.",
        columns=(
            Column(key="narrative", title="Narrative"),
            *_index_columns("greatest", "Greatest PSI of a direction"),
            Column(key="psi_mean", title="Mean PSI", form="number", digits=4),
            Column(key="distance", title="Mean vector moved", form="number", digits=3),
            Column(key="chance_distance", title="Chance", form="number", digits=3),
            Column(key="cosine", title="Cosine distance", form="number", digits=4),
        ),
        rows=tuple(rows),
    )


def _month_table(moved: Shifts, months: Cut) -> Table:
    shown = range(max(0, len(months.slices) - MAX_MONTHS), len(months.slices))
    n_more = len(months.slices) - len(shown)
    rows: list[Row] = [
        (
            one.title,
            *(
                figure(one.months[at].value, NO_ROW if not len(months.slices[at]) else "too few")
                if math.isnan(one.months[at].value)
                else one.months[at].value
                for at in shown
            ),
        )
        for one in moved.all
    ]
    return Table(
        key="stability_months",
        title="PSI by month of decision",
        note="A small month differs by chance: see the picture, which marks what exceeds it."
        + (f" The last {MAX_MONTHS} months; {n_more} earlier ones are in the picture." if n_more else ""),
        columns=(
            Column(key="what", title="What moved"),
            *(
                Column(key=months.slices[at].name, title=months.slices[at].name, form="number", digits=3)
                for at in shown
            ),
        ),
        rows=tuple(rows),
    )


def _vintage_table(grown: tuple[Vintage, ...]) -> Table:
    gap = Gap(gap=NO_ROW)
    rows: list[Row] = [
        (
            one.name,
            one.n,
            interval(one.bad_rate, NO_ROW),
            interval(one.mean_pd, NO_ROW),
            interval(one.mean_score, NO_ROW),
            interval(one.approved, NO_ROW),
        )
        if one.n
        else (one.name, 0, gap, gap, gap, gap)
        for one in grown
    ]
    return Table(
        key="stability_vintages",
        title="Vintages: months of decision",
        note="Bad rates and approvals with Jeffreys’ 95 % interval, means with their normal one.",
        columns=(
            Column(key="month", title="Month"),
            Column(key="n", title="Number", form="count"),
            Column(key="bad_rate", title="Bad rate", form="percent", digits=1),
            Column(key="mean_pd", title="Mean PD", form="percent", digits=1),
            Column(key="mean_score", title="Mean score", form="number", digits=1),
            Column(key="approved", title="Approved by the policy", form="percent", digits=1),
        ),
        rows=tuple(rows),
    )
