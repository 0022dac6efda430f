"""Tables and pictures of fairness: groups of a column side by side, and what narratives have to do with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from data_schemas.fields import Field
from experiments.reporting.cells import figure, interval
from experiments.reporting.charts import (
    MUTED,
    RED,
    IntervalPoint,
    interval_points,
    interval_points_size,
    percent_axis,
    picture,
)
from experiments.reporting.document import Cell, Column, Interval, Plot, Row, Table
from experiments.reporting.language import gettext, gettext_noop
from experiments.reporting.lower_floors import translated
from experiments.reporting.words import listed
from experiments.validate.rereading import Masking, Moved
from features.tables.groups import Groups
from features.text.counterfactual_terms import SwapKind
from fusion.validation.fairness import FOUR_FIFTHS, FOUR_FIFTHS_WORDS, Fairness, Group
from fusion.validation.fairness_effects import Effect
from fusion.validation.intervals import Estimate

MAX_SHOWN = 20
"""Of a column with more groups only the large ones are shown."""
NOBODY = gettext_noop("nobody in the reference group is approved")
NO_SPREAD = gettext_noop("all margins are alike")
NO_SLOPE = gettext_noop("the margin does not vary, or separates goods and bads perfectly")
REFERENCE_FEW = gettext_noop("fewer goods in the reference group")

KIND_TITLES: Mapping[SwapKind, str] = {
    "gender": gettext_noop("Words of sex: she and he, wife and husband, Mr and Mrs"),
    "family": gettext_noop("Words of marital status: married and single, wife and girlfriend, marriage and divorce"),
    "names": gettext_noop("First names: across ethnic groups, and across the sexes"),
    "origin": gettext_noop("Words of origin: country, region, ethnic group, religion"),
}


@dataclass(frozen=True)
class Treated:
    """The groups of a column under another way of scoring and deciding.

    Attributes:
        title: the other way.
        figures: of the groups, then.
        effects: these figures less those of the model as it is, for each group; None for groups too small to judge.
    """

    title: str
    figures: Fairness
    effects: tuple[Effect | None, ...]


@dataclass(frozen=True)
class FairnessView:
    """The groups of a protected column.

    Attributes:
        field: the column.
        groups: which rows belong to which group.
        figures: of the groups.
        others: the same without the narratives, and without their sensitive sentences.
    """

    field: Field
    groups: Groups
    figures: Fairness
    others: tuple[Treated, ...]

    @property
    def shown(self) -> list[int]:
        """The places of the groups to show."""
        every = range(len(self.groups.labels))
        return self.groups.large if len(self.groups.labels) > MAX_SHOWN else [at for at in every if self._size(at)]

    @property
    def too_small(self) -> list[str]:
        """The groups that are too small to judge."""
        return [group.label for group in self.figures.groups if group.too_few_rows and group.n]

    @property
    def reference(self) -> str:
        """The reference group; "" without one."""
        at = self.figures.reference
        return "" if at is None else self.figures.groups[at].label

    def _size(self, at: int) -> int:
        return self.figures.groups[at].n


def decision_table(view: FairnessView) -> Table:
    """How the policy treats the groups."""
    columns = (
        Column(key="group", title=gettext(view.field.title)),
        Column(key="n", title=gettext("Rows"), form="count"),
        Column(key="approval", title=gettext("Approved"), form="percent", digits=1),
        Column(key="impact_ratio", title=gettext("Impact ratio"), form="number", digits=3),
        Column(key="four_fifths", title=gettext("Four-fifths rule")),
        Column(key="mean_difference", title=gettext("Mean difference of the margin"), form="signed", digits=3),
        Column(key="opportunity", title=gettext("Approved among goods"), form="percent", digits=1),
        Column(key="opportunity_difference", title=gettext("Difference to the reference"), form="signed", digits=3),
    )
    rows = [_decision_row(view, view.figures.groups[at]) for at in view.shown]
    note = (
        gettext("Reference: {reference}, approved most often. ").format(reference=view.reference)
        if view.reference
        else ""
    ) + gettext(
        "Impact ratio: approval rate by that of the reference. Mean difference: in standard deviations, above 0 where "
        "the group looks riskier. Approved among goods: of those who went on to repay; as fractions of 1 in the "
        "difference."
    )
    note += _left_out(view)
    return Table(
        key=f"fairness_decisions_{view.field.name}",
        title=gettext("Decisions by {field_title}").format(field_title=gettext(view.field.title)),
        note=note,
        columns=columns,
        rows=tuple(rows),
    )


def _decision_row(view: FairnessView, group: Group) -> Row:
    few, disparity, is_reference = group.too_few_rows, group.disparity, group.label == view.reference
    word: Cell = gettext("not judged: {value}").format(value=translated(few or gettext(NOBODY)))
    if group.four_fifths:
        word = translated(FOUR_FIFTHS_WORDS[group.four_fifths])
    ratio = interval(disparity.impact_ratio, few or gettext(NOBODY))
    return (
        gettext("{group} (reference)").format(group=group.label) if is_reference else group.label,
        group.n,
        interval(group.approval, few),
        1.0 if isinstance(ratio, Interval) and is_reference else ratio,
        None if is_reference else word,
        None if is_reference else interval(disparity.mean_difference, few or gettext(NO_SPREAD)),
        interval(group.opportunity, group.too_few_goods),
        None if is_reference else interval(disparity.opportunity, group.too_few_goods or gettext(REFERENCE_FEW)),
    )


def calibration_table(view: FairnessView) -> Table:
    """Whether the PDs of the groups come true, and rank."""
    columns = (
        Column(key="group", title=gettext(view.field.title)),
        Column(key="n", title=gettext("Rows"), form="count"),
        Column(key="n_bad", title=gettext("Bads"), form="count"),
        Column(key="gap", title=gettext("Mean PD less bad rate"), form="signed", digits=4),
        Column(key="gap_difference", title=gettext("Difference to the reference"), form="signed", digits=4),
        Column(key="slope", title=gettext("Calibration slope"), form="number", digits=2),
        Column(key="auc", title=gettext("AUC"), form="number", digits=3),
    )
    return Table(
        key=f"fairness_calibration_{view.field.name}",
        title=gettext("Calibration and ranking by {field_title}").format(field_title=gettext(view.field.title)),
        note=gettext(
            "As fractions of 1. A gap above 0: the group's PDs are too high, it is made to look worse than it is. "
            "Slope: 1 where differences of the margin come true."
        )
        + _left_out(view),
        columns=columns,
        rows=tuple(_calibration_row(view, view.figures.groups[at]) for at in view.shown),
    )


def _calibration_row(view: FairnessView, group: Group) -> Row:
    few, is_reference = group.too_few_rows, group.label == view.reference
    return (
        gettext("{group} (reference)").format(group=group.label) if is_reference else group.label,
        group.n,
        group.n_bad,
        interval(group.calibration_gap, few),
        None if is_reference else interval(group.disparity.calibration_gap, few),
        interval(group.slope, group.too_few_per_outcome or gettext(NO_SLOPE)),
        interval(group.auc, group.too_few_per_outcome),
    )


def effects_table(view: FairnessView) -> Table:
    """What the figures are without the narratives, and without their sensitive sentences."""
    columns = [
        Column(key="group", title=gettext(view.field.title)),
        Column(key="figure", title=gettext("Figure")),
        Column(key="as_it_is", title=gettext("As it is"), form="number", digits=3),
    ]
    for at, other in enumerate(view.others):
        columns.append(Column(key=f"other_{at}", title=other.title, form="number", digits=3))
        columns.append(Column(key=f"difference_{at}", title=gettext("Difference"), form="signed", digits=4))
    rows: list[Row] = []
    for at in view.groups.large:
        rows += _effect_rows(view, at)
    return Table(
        key=f"fairness_effects_{view.field.name}",
        title=gettext("What the narratives have to do with it: {field_title}").format(
            field_title=gettext(view.field.title)
        ),
        note=gettext(
            "Rates as fractions of 1, the reference group kept. The interval of a difference is that of the same rows "
            "treated both ways, so that it is narrower than those of the figures beside it."
        ),
        columns=tuple(columns),
        rows=tuple(rows),
    )


FIGURES: tuple[tuple[str, Callable[[Group], Estimate], Callable[[Effect], Estimate]], ...] = (
    (gettext_noop("Approved"), lambda group: group.approval, lambda effect: effect.approval),
    (gettext_noop("Impact ratio"), lambda group: group.disparity.impact_ratio, lambda effect: effect.impact_ratio),
    (
        gettext_noop("Mean difference"),
        lambda group: group.disparity.mean_difference,
        lambda effect: effect.mean_difference,
    ),
    (
        gettext_noop("Approved among goods, less the reference"),
        lambda group: group.disparity.opportunity,
        lambda one: one.opportunity,
    ),
    (gettext_noop("Mean PD less bad rate"), lambda group: group.calibration_gap, lambda effect: effect.calibration_gap),
)
OF_ITSELF = (0, 4)  # those that the reference has too


def _effect_rows(view: FairnessView, at: int) -> Iterable[Row]:
    chosen = FIGURES if at != view.figures.reference else [FIGURES[place] for place in OF_ITSELF]
    for title, of_group, of_effect in chosen:
        cells: list[Cell] = [view.figures.groups[at].label, gettext(title), interval(of_group(view.figures.groups[at]))]
        for other in view.others:
            found = other.effects[at]
            cells.append(interval(of_group(other.figures.groups[at])))
            cells.append(None if found is None else interval(of_effect(found)))
        yield tuple(cells)


def moved_table(key: str, title: str, note: str, rows: Sequence[tuple[str, Moved]]) -> Table:
    """What changes of narratives did to decisions and PDs, a row for each."""
    columns = (
        Column(key="change", title=gettext("Change")),
        Column(key="n", title=gettext("Applications changed"), form="count"),
        Column(key="decided", title=gettext("Decided otherwise"), form="count"),
        Column(key="share", title=gettext("Share of those changed"), form="percent", digits=2),
        Column(key="harder", title=gettext("Harder"), form="count"),
        Column(key="kinder", title=gettext("Kinder"), form="count"),
        Column(key="pd", title=gettext("Mean change of PD"), form="signed", digits=5),
        Column(key="greatest_pd", title=gettext("Greatest change of PD"), form="signed", digits=4),
        Column(key="greatest_points", title=gettext("Greatest change of points"), form="signed", digits=1),
    )
    none = gettext("no narrative changed")
    cells = [
        (
            name,
            moved.n,
            moved.n_decided,
            interval(moved.changed, none),
            moved.n_harder,
            moved.n_kinder,
            interval(moved.pd, none),
            figure(moved.greatest_pd, none),
            figure(moved.greatest_points, none),
        )
        for name, moved in rows
    ]
    return Table(key=key, title=title, note=note, columns=columns, rows=tuple(cells))


def sentences_table(masking: Masking) -> Table:
    """The sentences that were cut, by kind."""
    columns = (
        Column(key="kind", title=gettext("Tells of")),
        Column(key="sentences", title=gettext("Sentences"), form="count"),
        Column(key="applications", title=gettext("Applications"), form="count"),
    )
    absent = [gettext(kind.value).replace("_", " ") for kind, n in masking.sentences.items() if not n]
    rows = [
        (gettext(kind.value).replace("_", " "), n, masking.applications[kind])
        for kind, n in sorted(masking.sentences.items(), key=lambda pair: (-pair[1], pair[0]))
        if n
    ]
    return Table(
        key="fairness_sentences",
        title=gettext("Sentences on private life"),
        note=gettext("As the schema's concepts find them. A sentence of two kinds counts for both.")
        + (gettext(" Of {absent} there is none.").format(absent=listed(absent, 9)) if absent else ""),
        columns=columns,
        rows=tuple(rows),
    )


def plots(view: FairnessView) -> tuple[Plot, ...]:
    """Approval rates and impact ratios of the groups."""
    large = [view.figures.groups[at] for at in view.groups.large]
    rates = [(group.label, group.approval) for group in large]
    ratios = [(group.label, group.disparity.impact_ratio) for group in large]
    name, title = view.field.name, gettext(view.field.title)
    small = (
        gettext(" Not shown, too small: {too_small}.").format(too_small=", ".join(view.too_small[:MAX_SHOWN]))
        if view.too_small
        else ""
    )
    no_ratio = "" if all(ratio.exists for _, ratio in ratios) else gettext(NOBODY)
    approval = Plot(
        key=f"fairness_approval_{name}",
        title=gettext("Approved, by {title}").format(title=title),
        words=gettext("Share of applications that the policy approves, with its 95 % interval.{small}").format(
            small=small
        ),
        alt=gettext("A point with its interval for each group: {spoken}").format(spoken=_spoken(rates)),
        drawing=picture(lambda axes: _draw_rates(axes, rates), interval_points_size(len(large))),
    )
    impact = Plot(
        key=f"fairness_impact_{name}",
        title=gettext("Impact ratio, by {title}").format(title=title),
        words=gettext("Approval rate by that of {reference}; the line marks four fifths.{small}").format(
            reference=view.reference, small=small
        ),
        alt=gettext("A point with its interval for each group: {spoken}").format(spoken=_spoken(ratios)),
        gap=no_ratio,
        drawing="" if no_ratio else picture(lambda axes: _draw_ratios(axes, ratios), interval_points_size(len(large))),
    )
    return (approval, impact)


def _draw_rates(axes: Axes, rates: Sequence[tuple[str, Estimate]]) -> None:
    _points(axes, rates)
    axes.set_xlabel(gettext("Approved"))
    percent_axis(axes.xaxis)


def _draw_ratios(axes: Axes, ratios: Sequence[tuple[str, Estimate]]) -> None:
    _points(axes, ratios)
    axes.axvline(FOUR_FIFTHS, color=RED, linewidth=1.2)
    axes.axvline(1.0, color=MUTED, linewidth=1.0, linestyle="--")
    axes.set_xlabel(gettext("Approval rate by that of the reference"))


def _points(axes: Axes, figures: Sequence[tuple[str, Estimate]]) -> None:
    names = [label if len(label) <= 24 else f"{label[:23]}…" for label, _ in figures]
    rows = zip(names, figures, strict=True)
    interval_points(axes, [IntervalPoint(name, one.value, one.low, one.high) for name, (_, one) in rows])


def _spoken(figures: Sequence[tuple[str, Estimate]]) -> str:
    return "; ".join(f"{label} {one.value:.3f}" for label, one in figures if one.exists) + "."


def _left_out(view: FairnessView) -> str:
    hidden = len([n for n in view.groups.sizes if n]) - len(view.shown)
    return gettext(" {hidden} groups too small to judge are not shown.").format(hidden=hidden) if hidden else ""
