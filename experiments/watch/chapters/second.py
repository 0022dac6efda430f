"""The chapter on second models: mean probability by period, and rows above the bound at which the policy refers."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.reporting.cells import interval
from experiments.reporting.document import Column, Plot, Row, Section, Table
from experiments.reporting.language import gettext
from experiments.watch.chapters.by_period import shares_by_period
from fusion.validation.intervals import Estimate, Z, rate
from fusion.watch.second import SecondFigures, SecondProfile
from fusion.watch.signals import Flag, Signal

MAX_PERIODS = 60

Periods = Sequence[tuple[str, SecondProfile]]


def chapter(
    reference: SecondProfile | None, periods: Periods, _signals: Sequence[Signal], _flags: Sequence[Flag]
) -> Section | None:
    """What second models say of these periods, the latest last; None without one."""
    shown = [(name, one) for name, one in periods if any(own.rows for own in one.models.values())][-MAX_PERIODS:]
    if not shown:
        return None
    last, now = shown[-1]
    then = reference.models if reference is not None else {}
    rows = tuple(_row(name, own, then.get(name)) for name, own in now.models.items())
    columns = (
        Column(key="model", title=gettext("Second model")),
        Column(key="rows", title=gettext("Rows"), form="count"),
        Column(key="without", title=gettext("Without a probability"), form="count"),
        Column(key="mean", title=gettext("Mean probability"), form="percent", digits=2),
        Column(key="usual", title=gettext("Of the reference"), form="percent", digits=2),
        Column(key="above", title=gettext("Above the policy's bound"), form="percent", digits=2),
    )
    note = gettext(
        "Probabilities are those of the second model's own label; the reference is the rows that it learned from, or "
        "those of --reference."
    )
    table = Table(
        key="second_models",
        title=gettext("Second models in {last}").format(last=last),
        note=note,
        columns=columns,
        rows=rows,
    )
    return Section(
        key="second",
        title=gettext("Second models"),
        words=(gettext("Models of other labels, such as fraud, that score the same rows beside the PD."),),
        tables=(table,),
        plots=tuple(_plot(name, shown, then.get(name)) for name in now.models),
    )


def _row(name: str, now: SecondFigures, then: SecondFigures | None) -> Row:
    above = rate(now.above, now.rows)
    usual = then.mean[0] if then is not None and then.rows else None
    shown = interval(above) if now.above else None
    mean = _mean(now)
    return (name, now.rows, now.without, None if mean is None else interval(mean), usual, shown)


def _mean(figures: SecondFigures) -> Estimate | None:
    mean, variance, n = figures.mean
    if not n:
        return None
    error = Z * (variance / n) ** 0.5
    return Estimate(mean, max(mean - error, 0.0), min(mean + error, 1.0))


def _plot(name: str, shown: Periods, then: SecondFigures | None) -> Plot:
    means = [(period, _mean(profile.models.get(name, SecondFigures()))) for period, profile in shown]
    drawn = [(period, mean) for period, mean in means if mean is not None]
    key, title = f"second_{name}", gettext("Mean probability of {name}, by period").format(name=name)
    if not drawn:
        return Plot(key=key, title=title, words="", alt="", gap=gettext("No row has a probability."))

    usual = then.mean[0] if then is not None and then.rows else None
    return shares_by_period(
        key, title, gettext("With 95 % intervals; the line is that of the reference."), drawn, usual
    )
