"""The chapter on a shadow test: how many decisions with known outcome it takes to see a difference."""

from __future__ import annotations

import math

import numpy as np

from experiments.compare.pair import Pair
from experiments.reporting.cells import figure
from experiments.reporting.document import Cell, Column, Gap, Row, Section, Table
from experiments.reporting.language import gettext, gettext_noop
from experiments.reporting.words import count, number, percent
from fusion.validation.power import Measure, SampleSize

NAMES: dict[Measure, str] = {
    "auc": gettext_noop("AUC on the same rows (DeLong)"),
    "swaps": gettext_noop("Bad rate of the swap sets"),
    "brier": gettext_noop("Brier score on the same rows (z-test)"),
}
NO_DIFFERENCE = gettext_noop("no difference to go by")


def chapter(found: Pair) -> Section:
    """The plan."""
    pace = decisions_per_month(found)
    words = [
        gettext(
            "In a shadow test the champion goes on deciding; the challenger scores the same applications and its "
            "answers are only written down. Once the outcomes are known, the two are compared again. The table says "
            "how many decisions with known outcome it takes until a difference as large as the one in this file shows "
            "at the 5 % level, two-sided, with the power named: of ten such tests at power 80 %, eight find it. Bad "
            "rate and share swapped are taken to stay as they are here."
        ),
        gettext(
            "The difference in the file is itself uncertain, and flattering where the file made somebody look for it. "
            "“Least difference” is what as many decisions as there are now would show: if a smaller difference would "
            "not be worth a change of models, no further test is needed."
        ),
        gettext(
            "Two limits of a shadow test: those whom only the challenger would approve are declined by the champion, "
            "so that their outcome is never seen unless some of them are approved by lot; and outcomes take as long as "
            "the definition of bad looks ahead, which the months below do not include."
        ),
    ]
    if pace is None:
        words.append(gettext("The decisions have no dates here, so nothing is said of months."))
    else:
        words.append(
            gettext("This file has {pace} decisions a month.").format(pace=number(pace, 0 if pace >= 10 else 1))
        )
    return Section(
        key="shadow_test",
        title=gettext("A shadow test: how many decisions would it take?"),
        words=tuple(words),
        tables=(plan_table(found, pace),),
    )


def plan_table(found: Pair, pace: float | None) -> Table:
    """What each way of comparing needs."""
    return Table(
        key="shadow_test",
        title=gettext("Decisions with known outcome"),
        note=gettext(
            "The swap sets are those at an approval rate of {approval_rate}; {differing} of the "
            "decisions end in one of them. This file has {found}. Differences of bad rates are "
            "fractions: 0.05 is 5 points."
        ).format(
            approval_rate=percent(found.swaps.approval_rate, 1),
            differing=percent(found.swaps.differing, 1),
            found=count(len(found), "decision"),
        ),
        columns=(
            Column(key="by", title=gettext("Compared by")),
            Column(key="power", title=gettext("Power"), form="percent", digits=0),
            Column(key="difference", title=gettext("Difference here"), form="signed", digits=4),
            Column(key="decisions", title=gettext("Decisions needed"), form="count"),
            Column(key="months", title=gettext("Months of decisions"), form="number", digits=1),
            Column(key="least", title=gettext("Least difference that this many rows show"), form="number", digits=4),
        ),
        rows=tuple(_row(need, pace) for need in found.plan),
    )


def _row(need: SampleSize, pace: float | None) -> Row:
    months: Cell = Gap(gap=gettext("no dates")) if pace is None else figure(need.n / pace, gettext(NO_DIFFERENCE))
    return (
        gettext(NAMES[need.measure]),
        need.power,
        figure(need.difference, gettext(NO_DIFFERENCE)),
        math.ceil(need.n) if math.isfinite(need.n) else Gap(gap=gettext(NO_DIFFERENCE)),
        months,
        figure(need.least, gettext(NO_DIFFERENCE)),
    )


def decisions_per_month(found: Pair) -> float | None:
    """Decisions by calendar month, from the first month in the file to the last; None without dates."""
    months = found.champion.months
    if months is None:
        return None
    known = months[~np.isnat(months)]
    return len(known) / (int((known.max() - known.min()).astype(np.int64)) + 1)
