"""What the narratives are worth: the model beside its ablations, where people wrote and where they did not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from matplotlib.axes import Axes

from experiments.reporting.cells import interval
from experiments.reporting.charts import BLUE, INK, MUTED, picture
from experiments.reporting.document import Cell, Column, Finding, Gap, Interval, Plot, Row, Section, Table
from experiments.validate.chapters.text_worth_findings import SILENT, Compared, compare, findings
from experiments.validate.scored_outcomes import ScoredOutcomes
from experiments.validate.slices import MIN_BADS, TOO_FEW, Cut, Slice, enough, main_narrative, wrote
from features.arrays import Flags, Floats
from fusion.metrics import Gain
from fusion.validation.intervals import auc_interval, bootstrap, brier_interval, slope_interval

N_DRAWS = 400
NO_ROW = "no row"
NO_SLOPE = "PDs all alike, or goods and bads apart"
WORDS = (
    "Beside the model stand two others from the same training: one that never saw a narrative, and one that saw "
    "nothing else. What the model gains over the first is what reading the narratives is worth. AUC gains are tested "
    "by DeLong, those of the Brier score by a paired test of the squared errors; below a figure stands its 95 % "
    "interval. A gain above 0 speaks for the narratives in both.",
    "Tables by length and segment hold many tests at once: at the level of 5 % one in twenty comes out by chance, in "
    "either direction. Read a single small p there as a hint, not as a proof.",
)


def chapter(judged: ScoredOutcomes, segments: Sequence[Cut], lengths: Cut | None) -> Section:
    """The worth of the narratives; says so where there are none. lengths: the rows by length of narrative."""
    why_not = _nothing_written(judged)
    if why_not:
        none = Finding(key="text_worth", grade="note", title="There are no narratives to judge.", words=why_not)
        return _section((why_not,), (none,))
    whole = _whole(judged)
    overall = [compare(judged, part) for part in whole]
    by_length = [compare(judged, part) for part in lengths.slices] if lengths else []
    by_segment = [(cut, [compare(judged, part) for part in cut.slices]) for cut in segments]
    tables = [_figures_table(judged, whole), _gain_table("text_worth_gain", "What the narratives add", "", overall)]
    if lengths:
        title = f"What the narratives add, by {lengths.title}"
        tables.append(_gain_table("text_worth_length", title, lengths.how, by_length))
    for cut, found in by_segment:
        title = f"What the narratives add, by {cut.title}"
        tables.append(_gain_table(f"text_worth_by_{cut.key}", title, cut.how, found))
    single = [*by_length, *(replace(one, name=f"{cut.title} {one.name}") for cut, found in by_segment for one in found)]
    return _section(WORDS, findings(overall, single), tables, (_plot(overall[0], by_length),))


def _section(
    words: tuple[str, ...], found: Sequence[Finding], tables: Sequence[Table] = (), plots: Sequence[Plot] = ()
) -> Section:
    return Section(
        key="text_worth",
        title="The narratives: what is reading them worth?",
        words=words,
        findings=tuple(found),
        tables=tuple(tables),
        plots=tuple(plots),
    )


def _nothing_written(judged: ScoredOutcomes) -> str:
    """Why there is nothing to judge; "" where there is."""
    if not judged.applications.schema.narratives:
        return "The schema has no narratives: the model reads columns alone, and nothing hangs on a text."
    if not len(judged):
        return "There is no row with an outcome, so that nothing can be said of the narratives."
    if not judged.wrote.any():
        return "None of these applicants wrote anything that the model read, so that nothing hangs on a text here."
    return ""


def _whole(judged: ScoredOutcomes) -> list[Slice]:
    """All rows; those with the main narrative and those without it, where there are both."""
    main = main_narrative(judged)
    inside, name = (wrote(judged, main), main) if main else (judged.wrote, "a narrative")
    parts = [Slice(f"with {name}", inside), Slice(f"{SILENT} {name}", ~inside)]
    return [Slice("all", inside | ~inside), *(part for part in parts if 0 < len(part) < len(judged))]


def _figures_table(judged: ScoredOutcomes, parts: Sequence[Slice]) -> Table:
    margins = judged.margins
    models = (
        ("the model", margins.fused),
        ("columns only", margins.columns_only),
        ("narratives only", margins.text_only),
    )
    return Table(
        key="text_worth_models",
        title="The model and what it would be without its parts",
        note=f"Rows with fewer than {MIN_BADS} goods or bads are not ranked. Slope: 1 when calibrated.",
        columns=(
            Column(key="rows", title="Rows"),
            Column(key="model", title="Reads"),
            Column(key="n", title="Number", form="count"),
            Column(key="n_bad", title="Bad", form="count"),
            Column(key="auc", title="AUC", form="number", digits=3),
            Column(key="ks", title="KS", form="number", digits=3),
            Column(key="brier", title="Brier score", form="number", digits=4),
            Column(key="slope", title="Slope", form="number", digits=2),
        ),
        rows=tuple(
            _model_row(judged.y, margin, part.rows, (part.name, name)) for part in parts for name, margin in models
        ),
    )


def _model_row(every_y: Floats, every_margin: Floats, rows: Flags, names: tuple[str, str]) -> Row:
    y, margin = every_y[rows], every_margin[rows]
    brier, few = interval(brier_interval(y, margin), NO_ROW), Gap(gap=TOO_FEW)
    if not enough(y):
        return (*names, len(y), int(y.sum()), few, few, brier, few)
    return (
        *names,
        len(y),
        int(y.sum()),
        interval(auc_interval(y, margin)),
        interval(bootstrap(y, margin, N_DRAWS).ks),
        brier,
        interval(slope_interval(y, margin)[0], NO_SLOPE),
    )


def _gain_table(key: str, title: str, how: str, found: Sequence[Compared]) -> Table:
    return Table(
        key=key,
        title=title,
        note=f"{how} The model less the one that reads columns only; above 0 the narratives help.".strip(),
        columns=(
            Column(key="rows", title="Rows"),
            Column(key="n", title="Number", form="count"),
            Column(key="n_bad", title="Bad", form="count"),
            Column(key="auc", title="AUC", form="number", digits=3),
            Column(key="auc_columns", title="AUC, columns only", form="number", digits=3),
            Column(key="auc_text", title="AUC, narratives only", form="number", digits=3),
            Column(key="auc_gain", title="Gain in AUC", form="signed", digits=4),
            Column(key="auc_p", title="p", form="p"),
            Column(key="brier_gain", title="Gain in Brier score", form="signed", digits=5),
            Column(key="brier_p", title="p of it", form="p"),
        ),
        rows=tuple(_gain_row(one) for one in found),
    )


def _gain_row(one: Compared) -> Row:
    few = Gap(gap=TOO_FEW if one.n else NO_ROW)
    areas = one.areas if one.areas else (few, few, few)
    return (
        one.name,
        one.n,
        one.n_bad,
        *areas,
        *((_gain(one.auc), one.auc.p) if one.auc else (few, few)),
        *((_gain(one.brier), one.brier.p) if one.brier else (few, few)),
    )


def _gain(gain: Gain) -> Cell:
    return Interval(value=gain.difference, low=gain.low, high=gain.high)


def _plot(overall: Compared, by_length: Sequence[Compared]) -> Plot:
    shown = [overall, *by_length]
    ranked = any(one.auc for one in by_length)
    return Plot(
        key="text_worth_length",
        title="What the narratives add to the AUC, by their length",
        words="Dots with their 95 % intervals; to the right of the dashed line the narratives help. A length with too "
        "few goods or bads has none.",
        alt="Gain in AUC of the model over the one that reads columns only, for all rows and by length of narrative.",
        gap="" if ranked else f"No length of narrative has {MIN_BADS} goods and {MIN_BADS} bads.",
        wide=True,
        drawing=picture(lambda axes: _draw(axes, shown), (11.0, 1.4 + 0.5 * len(shown))) if ranked else "",
    )


def _draw(axes: Axes, found: Sequence[Compared]) -> None:
    axes.axvline(0.0, color=MUTED, linewidth=1, linestyle="--")
    for at, one in enumerate(found):
        if one.auc:
            axes.plot([one.auc.low, one.auc.high], [at, at], color=INK, linewidth=1.2)
            axes.plot([one.auc.difference], [at], "o", color=BLUE)
    axes.set_yticks(range(len(found)), ["all rows", *(one.name for one in found[1:])])
    axes.set(ylim=(len(found) - 0.5, -0.5), xlabel="gain in AUC")
