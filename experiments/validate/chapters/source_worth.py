"""What each source was worth: the model beside those that learned without one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes

from data_schemas.sources import EVERY_SOURCE
from experiments.reporting.cells import interval
from experiments.reporting.charts import MUTED, IntervalPoint, interval_points, interval_points_size, picture
from experiments.reporting.document import Column, Finding, Plot, Row, Section, Table
from experiments.reporting.language import gettext, gettext_noop
from experiments.reporting.words import count, listed, number, p_value, signed
from experiments.validate.gains import gain_cells
from experiments.validate.scored_outcomes import ScoredOutcomes
from experiments.validate.slices import MIN_BADS, enough, too_few
from fusion.validation.intervals import auc_interval
from fusion.validation.source_worth import SourceWorth, source_worths

LEVEL = 0.05
ALONE = gettext_noop("the application alone")
WORDS = (
    gettext_noop(
        "Beside the model stand others from the same training, folds and settings, each of which learned without what "
        "is made of one source's records. What the model gains over such a one is what only that source tells: of two "
        "sources that tell the same, each alone may seem to be worth nothing. AUC gains are tested by DeLong; below a "
        "figure stands its 95 % interval."
    ),
)


def chapter(scored: ScoredOutcomes) -> Section:
    """The worth of each source; says so where the model was not trained without them."""
    titles = {one.name: gettext(one.title) for one in scored.applications.schema.sources}
    found = source_worths(scored.y, scored.margins) if enough(scored.y) else ()
    if not found:
        why = gettext("It takes a model trained without each source, and {min_bads} goods and as many bads.").format(
            min_bads=MIN_BADS
        )
        none = Finding(
            key="source_worth", grade="note", title=gettext("What the sources are worth cannot be said."), words=why
        )
        return _section((why,), (none,))
    names = {name: gettext("without {title}").format(title=title) for name, title in titles.items()} | {
        EVERY_SOURCE: gettext(ALONE)
    }
    table = Table(
        key="source_worth",
        title=gettext("What each source was worth"),
        note=gettext("Worth: AUC of the whole model less that of this one."),
        columns=(
            Column(key="reads", title=gettext("Reads")),
            Column(key="auc", title=gettext("AUC"), form="number", digits=4),
            Column(key="worth", title=gettext("Worth in AUC"), form="signed", digits=4),
            Column(key="p", title=gettext("p"), form="p"),
        ),
        rows=(
            ("all", interval(auc_interval(scored.y, scored.margin)), None, None),
            *(_row(scored, one, names[one.name]) for one in found),
        ),
    )
    return _section(WORDS, (finding(found, titles),), (table,), (_plot(found, titles),))


def _section(
    words: tuple[str, ...], findings: Sequence[Finding], tables: Sequence[Table] = (), plots: Sequence[Plot] = ()
) -> Section:
    return Section(
        key="source_worth",
        title=gettext("The sources: what is each worth?"),
        words=words,
        findings=tuple(findings),
        tables=tuple(tables),
        plots=tuple(plots),
    )


def _row(scored: ScoredOutcomes, one: SourceWorth, name: str) -> Row:
    area = auc_interval(scored.y, scored.margins.without[one.name])
    return (name, interval(area), *gain_cells(one.gain, too_few()))


def finding(found: Sequence[SourceWorth], titles: Mapping[str, str]) -> Finding:
    """Which sources improve the model."""
    single = [one for one in found if one.name != EVERY_SOURCE]
    earning = [one for one in single if one.gain.p < LEVEL and one.gain.difference > 0.0]
    losses = listed([f"{titles[one.name]} {_worth(one)}" for one in single], 20)
    words = gettext("AUC that is lost without it: {losses}.").format(losses=losses)
    if len(earning) == len(single):
        return Finding(key="source_worth", grade="good", title=gettext("Every source improves the model."), words=words)
    n_others = len(single) - len(earning)
    title = gettext("{n_others} of {single} are not shown to improve the model.")
    if n_others == 1:
        title = gettext("{n_others} of {single} is not shown to improve the model.")
    others = listed([titles[one.name] for one in single if one not in earning], 20)
    return Finding(
        key="source_worth",
        grade="note",
        title=title.format(n_others=n_others, single=count(len(single), "source")),
        words=gettext("{words} Without {others} the model may do as well; it asks for less and costs less.").format(
            words=words, others=others
        ),
    )


def _worth(one: SourceWorth) -> str:
    return gettext("{difference} ({without} without; {p})").format(
        difference=signed(one.gain.difference, 4), without=number(one.without, 4), p=p_value(one.gain.p)
    )


def _plot(found: Sequence[SourceWorth], titles: Mapping[str, str]) -> Plot:
    points = [
        IntervalPoint(titles.get(one.name, "all of them"), one.gain.difference, one.gain.low, one.gain.high)
        for one in found
    ]
    return Plot(
        key="source_worth",
        title=gettext("What each source adds to the AUC"),
        words=gettext(
            "Dots with their 95 % intervals; to the right of the dashed line the model is better with the source."
        ),
        alt=gettext("Gain in AUC of the model over those that learned without one source."),
        drawing=picture(lambda axes: _draw(axes, points), interval_points_size(len(points))),
    )


def _draw(axes: Axes, points: Sequence[IntervalPoint]) -> None:
    axes.axvline(0.0, color=MUTED, linewidth=1, linestyle="--")
    interval_points(axes, points)
    axes.set(xlabel=gettext("gain in AUC"))
