"""What the narratives are worth: the model beside its ablations, where people wrote and where they did not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from matplotlib.axes import Axes

from experiments.reporting.cells import BADS, NUMBER, interval
from experiments.reporting.charts import BLUE, INK, MUTED, picture
from experiments.reporting.document import Column, Finding, Gap, Plot, Row, Section, Table
from experiments.reporting.language import gettext, gettext_noop
from experiments.reporting.words import count, listed, number, p_value, signed
from experiments.validate.gains import NO_ROW, Contest, SliceGain
from experiments.validate.scored_outcomes import ScoredOutcomes
from experiments.validate.slices import MIN_BADS, Cut, Slice, enough, is_without, main_narrative, too_few, wrote
from features.arrays import Flags, Floats
from fusion.metrics import Gain
from fusion.validation.intervals import auc_interval, bootstrap, brier_interval, slope_interval

N_DRAWS = 400
NO_SLOPE = gettext_noop("PDs all alike, or perfect separation")
ADD = gettext_noop("What the narratives add")
NOTE = gettext_noop("The model less the one that reads columns only; above 0 the narratives help.")
LEVEL = 0.05
WORDS = (
    gettext_noop(
        "Beside the model stand two others from the same training: one that reads columns only, and one that reads "
        "narratives only. What the model gains over the first is what reading the narratives is worth. AUC gains are "
        "tested by DeLong, those of the Brier score by a paired test of the squared errors; below a figure stands its "
        "95 % interval. A gain above 0 speaks for the narratives in both."
    ),
    gettext_noop(
        "Tables by length and segment hold many tests at once: at the level of 5 % one in twenty comes out by chance, "
        "in either direction. Read a single small p there as a hint, not as a proof."
    ),
)


def chapter(scored: ScoredOutcomes, segments: Sequence[Cut], lengths: Cut | None) -> Section:
    """The worth of the narratives; says so where there are none. lengths: the rows by length of narrative."""
    why_not = _nothing_written(scored)
    if why_not:
        none = Finding(
            key="text_worth", grade="note", title=gettext("There are no narratives to judge."), words=why_not
        )
        return _section((why_not,), (none,))
    whole = _whole(scored)
    contest = _contest(scored)
    overall = [contest.on(part) for part in whole]
    by_length = [contest.on(part) for part in lengths.slices] if lengths else []
    by_segment = [(cut, [contest.on(part) for part in cut.slices]) for cut in segments]
    tables = [_figures_table(scored, whole), contest.table(("text_worth_gain", gettext(ADD), gettext(NOTE)), overall)]
    if lengths:
        heading = (
            "text_worth_length",
            gettext("{add}, by {lengths_title}").format(add=gettext(ADD), lengths_title=lengths.title),
            f"{lengths.how} {gettext(NOTE)}",
        )
        tables.append(contest.table(heading, by_length))
    for cut, found in by_segment:
        heading = (
            f"text_worth_by_{cut.key}",
            gettext("{add}, by {cut_title}").format(add=gettext(ADD), cut_title=cut.title),
            f"{cut.how} {gettext(NOTE)}",
        )
        tables.append(contest.table(heading, found))
    single = [*by_length, *(replace(one, name=f"{cut.title} {one.name}") for cut, found in by_segment for one in found)]
    return _section(WORDS, findings(overall, single), tables, (_plot(overall[0], by_length),))


def _section(
    words: tuple[str, ...], found: Sequence[Finding], tables: Sequence[Table] = (), plots: Sequence[Plot] = ()
) -> Section:
    return Section(
        key="text_worth",
        title=gettext("The narratives: what is reading them worth?"),
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
        "auc_columns": (gettext("AUC, columns only"), margins.columns_only),
        "auc_text": (gettext("AUC, narratives only"), margins.text_only),
    }
    return Contest(scored.y, margins.fused, margins.columns_only, shown)


def _nothing_written(scored: ScoredOutcomes) -> str:
    """Why there is nothing to judge; "" where there is."""
    if not scored.applications.schema.narratives:
        return gettext("The schema has no narratives: the model reads columns alone, and nothing hangs on a text.")
    if not len(scored):
        return gettext("There is no row with an outcome, so that nothing can be said of the narratives.")
    if not scored.wrote.any():
        return gettext(
            "None of these applicants wrote anything that the model read, so that nothing hangs on a text here."
        )
    return ""


def _whole(scored: ScoredOutcomes) -> list[Slice]:
    """All rows; those with the main narrative and those without it, where there are both."""
    main = main_narrative(scored)
    inside, name = scored.wrote, gettext("a narrative")
    if main:
        inside, name = wrote(scored, main), f"“{gettext(scored.applications.schema[main].title)}”"
    parts = [
        Slice(gettext("with {name}").format(name=name), inside),
        Slice(gettext("without {name}").format(name=name), ~inside),
    ]
    return [Slice(gettext("all"), inside | ~inside), *(part for part in parts if 0 < len(part) < len(scored))]


def _figures_table(scored: ScoredOutcomes, parts: Sequence[Slice]) -> Table:
    margins = scored.margins
    models = (
        (gettext("the model"), margins.fused),
        (gettext("columns only"), margins.columns_only),
        (gettext("narratives only"), margins.text_only),
    )
    return Table(
        key="text_worth_models",
        title=gettext("The model and what it would be without its parts"),
        note=gettext("Rows with fewer than {min_bads} goods or bads are not ranked. Slope: 1 when calibrated.").format(
            min_bads=MIN_BADS
        ),
        columns=(
            Column(key="rows", title=gettext("Rows")),
            Column(key="model", title=gettext("Reads")),
            NUMBER,
            BADS,
            Column(key="auc", title=gettext("AUC"), form="number", digits=3),
            Column(key="ks", title=gettext("KS"), form="number", digits=3),
            Column(key="brier", title=gettext("Brier score"), form="number", digits=4),
            Column(key="slope", title=gettext("Slope"), form="number", digits=2),
        ),
        rows=tuple(
            _model_row(scored.y, margin, part.rows, (part.name, name)) for part in parts for name, margin in models
        ),
    )


def _model_row(every_y: Floats, every_margin: Floats, rows: Flags, names: tuple[str, str]) -> Row:
    y, margin = every_y[rows], every_margin[rows]
    brier, few = interval(brier_interval(y, margin), gettext(NO_ROW)), Gap(gap=too_few())
    if not enough(y):
        return (*names, len(y), int(y.sum()), few, few, brier, few)
    return (
        *names,
        len(y),
        int(y.sum()),
        interval(auc_interval(y, margin)),
        interval(bootstrap(y, margin, N_DRAWS).ks),
        brier,
        interval(slope_interval(y, margin)[0], gettext(NO_SLOPE)),
    )


def _plot(overall: SliceGain, by_length: Sequence[SliceGain]) -> Plot:
    shown = [overall, *by_length]
    ranked = any(one.auc for one in by_length)
    return Plot(
        key="text_worth_length",
        title=gettext("What the narratives add to the AUC, by their length"),
        words=gettext(
            "Dots with their 95 % intervals; to the right of the dashed line the narratives help. A length with too "
            "few goods or bads has none."
        ),
        alt=gettext(
            "Gain in AUC of the model over the one that reads columns only, for all rows and by length of narrative."
        ),
        gap=""
        if ranked
        else gettext("No length of narrative has {min_bads} goods and {min_bads} bads.").format(min_bads=MIN_BADS),
        wide=True,
        drawing=picture(lambda axes: _draw(axes, shown), (11.0, 1.4 + 0.5 * len(shown))) if ranked else "",
    )


def _draw(axes: Axes, found: Sequence[SliceGain]) -> None:
    axes.axvline(0.0, color=MUTED, linewidth=1, linestyle="--")
    for at, one in enumerate(found):
        if one.auc:
            axes.plot([one.auc.low, one.auc.high], [at, at], color=INK, linewidth=1.2)
            axes.plot([one.auc.difference], [at], "o", color=BLUE)
    axes.set_yticks(range(len(found)), [gettext("all rows"), *(one.name for one in found[1:])])
    axes.set(ylim=(len(found) - 0.5, -0.5), xlabel=gettext("gain in AUC"))


def findings(overall: Sequence[SliceGain], single: Sequence[SliceGain]) -> tuple[Finding, ...]:
    """What the gains come to. overall: all rows, then those with and without narratives. single: by length and by
    segment.
    """
    every, silent = overall[0], [one for one in overall[1:] if is_without(one.name)]
    if every.auc is None or every.areas is None:
        return (
            Finding(
                key="text_worth",
                grade="note",
                title=gettext("What the narratives add to the ranking cannot be said."),
                words=gettext("{n} with {n_bad:,} bads: it takes {min_bads} goods and as many bads.").format(
                    n=count(every.n, "row"), n_bad=every.n_bad, min_bads=MIN_BADS
                ),
            ),
        )
    return (_ranking(every.auc, every.areas), *_brier(every), *_silent(silent), *_single(single))


def _ranking(gain: Gain, areas: tuple[float, ...]) -> Finding:
    result = gettext("The AUC is {areas} with the narratives and {areas2} without, a difference of {gain}").format(
        areas=number(areas[0], 4), areas2=number(areas[1], 4), gain=_with_interval(gain)
    )
    if gain.p >= LEVEL:
        return Finding(
            key="text_worth",
            grade="note",
            title=gettext("It is not shown here that the narratives improve the model."),
            words=gettext(
                "{result}. That may be chance. Until more rows show a gain, columns alone may do as well, and "
                "they ask less of the applicants."
            ).format(result=result),
        )
    if gain.difference < 0:
        return Finding(
            key="text_worth",
            grade="concern",
            title=gettext("Reading the narratives makes it worse."),
            words=gettext(
                "{result}, more than chance. Score by columns alone until it is known why: people may write "
                "otherwise than when the model was trained."
            ).format(result=result),
        )
    more = 1000 * gain.difference
    return Finding(
        key="text_worth",
        grade="good",
        title=gettext("The narratives improve the model."),
        words=gettext(
            "{result}, more than chance. Of 1,000 pairs of a bad and a good applicant it puts {more} more "
            "in the right order."
        ).format(result=result, more=number(more, 1 if more < 10 else 0)),
    )


def _with_interval(gain: Gain) -> str:
    p = p_value(gain.p)
    return gettext("{difference} (95 % interval {low} to {high}, {p})").format(
        difference=signed(gain.difference, 4), low=signed(gain.low, 4), high=signed(gain.high, 4), p=p
    )


def _brier(every: SliceGain) -> list[Finding]:
    if every.brier is None or every.brier.p >= LEVEL:
        return []
    key, gain = "text_worth_brier", every.brier
    result = gettext("The mean squared error of the PDs (Brier score) is {difference}").format(
        difference=number(abs(gain.difference), 5)
    )
    p = p_value(gain.p)
    if gain.difference > 0:
        words = gettext("{result} less with the narratives, more than chance ({p}).").format(result=result, p=p)
        return [Finding(key=key, grade="good", title=gettext("With the narratives the PDs err less."), words=words)]
    words = gettext(
        "{result} more with the narratives, more than chance ({p}). See the chapter on calibration."
    ).format(result=result, p=p)
    return [Finding(key=key, grade="concern", title=gettext("With the narratives the PDs err more."), words=words)]


def _silent(silent: Sequence[SliceGain]) -> list[Finding]:
    """Whether those who did not write are ranked worse for it."""
    return [
        Finding(
            key="text_worth_silent",
            grade="concern",
            title=gettext("Those who did not write are ranked worse than by columns alone."),
            words=gettext("Among applicants {one_name} the narratives change the AUC by {gain}.").format(
                one_name=one.name, gain=_with_interval(one.auc)
            ),
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
    result = gettext(
        "Of {known} lengths and segments, {n_better} gain and {n_worse} lose by themselves at the "
        "level of 5 %; chance alone would bring about {level} of each"
    ).format(known=len(known), n_better=n_better, n_worse=n_worse, level=number(LEVEL / 2 * len(known), 1))
    if harmed:
        words = gettext(
            "{result}. In {harmed} the loss stays beyond chance when that is allowed for (Bonferroni)."
        ).format(result=result, harmed=listed(harmed))
        return [Finding(key=key, grade="concern", title=gettext("In some parts the narratives do harm."), words=words)]
    words = gettext("{result}. No loss is beyond chance when that is allowed for (Bonferroni).").format(result=result)
    return [
        Finding(key=key, grade="good", title=gettext("In no part are the narratives shown to do harm."), words=words)
    ]
