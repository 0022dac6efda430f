"""What the narratives are worth: the model beside its ablations, where people wrote and where they did not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from matplotlib.axes import Axes

from experiments.reporting.cells import BADS, NUMBER, interval
from experiments.reporting.charts import BLUE, INK, MUTED, picture
from experiments.reporting.document import Column, Finding, Gap, Plot, Row, Section, Table
from experiments.reporting.words import count, listed, number, p_value, signed
from experiments.validate.gains import NO_ROW, Contest, SliceGain
from experiments.validate.scored_outcomes import ScoredOutcomes
from experiments.validate.slices import MIN_BADS, TOO_FEW, Cut, Slice, enough, main_narrative, wrote
from features.arrays import Flags, Floats
from fusion.metrics import Gain
from fusion.validation.intervals import auc_interval, bootstrap, brier_interval, slope_interval

N_DRAWS = 400
NO_SLOPE = "PDs all alike, or perfect separation"
ADD = "What the narratives add"
NOTE = "The model less the one that reads columns only; above 0 the narratives help."
LEVEL = 0.05
SILENT = "without"
"""How the name of the rows begins whose applicants did not write the main narrative."""
WORDS = (
    "Beside the model stand two others from the same training: one that never saw a narrative, and one that saw "
    "nothing else. What the model gains over the first is what reading the narratives is worth. AUC gains are tested "
    "by DeLong, those of the Brier score by a paired test of the squared errors; below a figure stands its 95 % "
    "interval. A gain above 0 speaks for the narratives in both.",
    "Tables by length and segment hold many tests at once: at the level of 5 % one in twenty comes out by chance, in "
    "either direction. Read a single small p there as a hint, not as a proof.",
)


def chapter(scored: ScoredOutcomes, segments: Sequence[Cut], lengths: Cut | None) -> Section:
    """The worth of the narratives; says so where there are none. lengths: the rows by length of narrative."""
    why_not = _nothing_written(scored)
    if why_not:
        none = Finding(key="text_worth", grade="note", title="There are no narratives to judge.", words=why_not)
        return _section((why_not,), (none,))
    whole = _whole(scored)
    contest = _contest(scored)
    overall = [contest.on(part) for part in whole]
    by_length = [contest.on(part) for part in lengths.slices] if lengths else []
    by_segment = [(cut, [contest.on(part) for part in cut.slices]) for cut in segments]
    tables = [_figures_table(scored, whole), contest.table(("text_worth_gain", ADD, NOTE), overall)]
    if lengths:
        heading = ("text_worth_length", f"{ADD}, by {lengths.title}", f"{lengths.how} {NOTE}")
        tables.append(contest.table(heading, by_length))
    for cut, found in by_segment:
        heading = (f"text_worth_by_{cut.key}", f"{ADD}, by {cut.title}", f"{cut.how} {NOTE}")
        tables.append(contest.table(heading, found))
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


def _contest(scored: ScoredOutcomes) -> Contest:
    """The model against the one that reads columns only."""
    margins = scored.margins
    shown = {
        "auc": ("AUC", margins.fused),
        "auc_columns": ("AUC, columns only", margins.columns_only),
        "auc_text": ("AUC, narratives only", margins.text_only),
    }
    return Contest(scored.y, margins.fused, margins.columns_only, shown)


def _nothing_written(scored: ScoredOutcomes) -> str:
    """Why there is nothing to judge; "" where there is."""
    if not scored.applications.schema.narratives:
        return "The schema has no narratives: the model reads columns alone, and nothing hangs on a text."
    if not len(scored):
        return "There is no row with an outcome, so that nothing can be said of the narratives."
    if not scored.wrote.any():
        return "None of these applicants wrote anything that the model read, so that nothing hangs on a text here."
    return ""


def _whole(scored: ScoredOutcomes) -> list[Slice]:
    """All rows; those with the main narrative and those without it, where there are both."""
    main = main_narrative(scored)
    inside, name = (wrote(scored, main), main) if main else (scored.wrote, "a narrative")
    parts = [Slice(f"with {name}", inside), Slice(f"{SILENT} {name}", ~inside)]
    return [Slice("all", inside | ~inside), *(part for part in parts if 0 < len(part) < len(scored))]


def _figures_table(scored: ScoredOutcomes, parts: Sequence[Slice]) -> Table:
    margins = scored.margins
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
            NUMBER,
            BADS,
            Column(key="auc", title="AUC", form="number", digits=3),
            Column(key="ks", title="KS", form="number", digits=3),
            Column(key="brier", title="Brier score", form="number", digits=4),
            Column(key="slope", title="Slope", form="number", digits=2),
        ),
        rows=tuple(
            _model_row(scored.y, margin, part.rows, (part.name, name)) for part in parts for name, margin in models
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


def _plot(overall: SliceGain, by_length: Sequence[SliceGain]) -> Plot:
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


def _draw(axes: Axes, found: Sequence[SliceGain]) -> None:
    axes.axvline(0.0, color=MUTED, linewidth=1, linestyle="--")
    for at, one in enumerate(found):
        if one.auc:
            axes.plot([one.auc.low, one.auc.high], [at, at], color=INK, linewidth=1.2)
            axes.plot([one.auc.difference], [at], "o", color=BLUE)
    axes.set_yticks(range(len(found)), ["all rows", *(one.name for one in found[1:])])
    axes.set(ylim=(len(found) - 0.5, -0.5), xlabel="gain in AUC")


def findings(overall: Sequence[SliceGain], single: Sequence[SliceGain]) -> tuple[Finding, ...]:
    """What the gains come to. overall: all rows, then those with and without narratives. single: by length and by
    segment.
    """
    every, silent = overall[0], [one for one in overall[1:] if one.name.startswith(SILENT)]
    if every.auc is None or every.areas is None:
        return (
            Finding(
                key="text_worth",
                grade="note",
                title="What the narratives add to the ranking cannot be said.",
                words=f"{count(every.n, 'row')} with {every.n_bad:,} bads: it takes {MIN_BADS} goods and as many bads.",
            ),
        )
    return (_ranking(every.auc, every.areas), *_brier(every), *_silent(silent), *_single(single))


def _ranking(gain: Gain, areas: tuple[float, ...]) -> Finding:
    result = (
        f"The AUC is {number(areas[0], 4)} with the narratives and {number(areas[1], 4)} without, a difference of "
        f"{_with_interval(gain)}"
    )
    if gain.p >= LEVEL:
        return Finding(
            key="text_worth",
            grade="note",
            title="That the narratives earn their keep is not shown here.",
            words=f"{result}. That may be chance. Until more rows show a gain, columns alone may do as well, and they "
            "ask less of the applicants.",
        )
    if gain.difference < 0:
        return Finding(
            key="text_worth",
            grade="concern",
            title="Reading the narratives makes it worse.",
            words=f"{result}, more than chance. Score by columns alone until it is known why: people may write "
            "otherwise than when the model was trained.",
        )
    more = 1000 * gain.difference
    return Finding(
        key="text_worth",
        grade="good",
        title="The narratives earn their keep.",
        words=f"{result}, more than chance. Of 1,000 pairs of a bad and a good applicant it puts "
        f"{number(more, 1 if more < 10 else 0)} more in the right order.",
    )


def _with_interval(gain: Gain) -> str:
    p = p_value(gain.p)
    return f"{signed(gain.difference, 4)} (95 % interval {signed(gain.low, 4)} to {signed(gain.high, 4)}, {p})"


def _brier(every: SliceGain) -> list[Finding]:
    if every.brier is None or every.brier.p >= LEVEL:
        return []
    key, gain = "text_worth_brier", every.brier
    result = f"The mean squared error of the PDs (Brier score) is {number(abs(gain.difference), 5)}"
    p = p_value(gain.p)
    if gain.difference > 0:
        words = f"{result} less with the narratives, more than chance ({p})."
        return [Finding(key=key, grade="good", title="With the narratives the PDs err less.", words=words)]
    words = f"{result} more with the narratives, more than chance ({p}). See the chapter on calibration."
    return [Finding(key=key, grade="concern", title="With the narratives the PDs err more.", words=words)]


def _silent(silent: Sequence[SliceGain]) -> list[Finding]:
    """Whether those who did not write are ranked worse for it."""
    return [
        Finding(
            key="text_worth_silent",
            grade="concern",
            title="Those who did not write are ranked worse than by columns alone.",
            words=f"Among applicants {one.name} the narratives change the AUC by {_with_interval(one.auc)}.",
        )
        for one in silent
        if one.auc and one.auc.p < LEVEL and one.auc.difference < 0
    ]


def _single(single: Sequence[SliceGain]) -> list[Finding]:
    """Lengths and segments in which the narratives do harm, or are alone of use, though they are many."""
    known = [(one.name, one.auc) for one in single if one.auc]
    if len(known) < 2:
        return []
    key, few = "text_worth_parts", LEVEL / len(known)
    harmed = [name for name, gain in known if gain.p < few and gain.difference < 0]
    n_better = sum(gain.p < LEVEL and gain.difference > 0 for _, gain in known)
    n_worse = sum(gain.p < LEVEL and gain.difference < 0 for _, gain in known)
    result = (
        f"Of {len(known)} lengths and segments, {n_better} gain and {n_worse} lose by themselves at the level of 5 %; "
        f"chance alone would bring about {number(LEVEL / 2 * len(known), 1)} of each"
    )
    if harmed:
        words = f"{result}. In {listed(harmed)} the loss stays beyond chance when that is allowed for (Bonferroni)."
        return [Finding(key=key, grade="concern", title="In some parts the narratives do harm.", words=words)]
    words = f"{result}. No loss is beyond chance when that is allowed for (Bonferroni)."
    return [Finding(key=key, grade="good", title="In no part are the narratives shown to do harm.", words=words)]
