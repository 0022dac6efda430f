"""The report on what a service decided: a randomised comparison, or a shadow on the champion's applications."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date

import numpy as np

from experiments.compare.decisions import Arm, Randomised, Shadowed
from experiments.compare.differences import graded, is_known
from experiments.reporting.cells import interval
from experiments.reporting.document import Column, Document, Finding, Section, Table
from experiments.reporting.language import gettext, gettext_noop
from experiments.reporting.words import count, number, p_value, percent, signed
from fusion.validation.comparison import Comparison, compare
from fusion.validation.intervals import Estimate, mean

ODD_SPLIT = 0.001  # p of a split, below which the draw is not believed


def live_document(found: Randomised | Shadowed, title: str, made_on: date) -> Document:
    """The report."""
    if isinstance(found, Randomised):
        section, models = _randomised(found), (found.champion.model, found.challenger.model)
    else:
        section, models = _shadowed(found), found.models
    return Document(
        report="comparison",
        title=title,
        kicker=gettext("Champion and challenger compared in use"),
        made_on=made_on,
        facts={
            gettext("Champion"): models[0],
            gettext("Challenger") if isinstance(found, Randomised) else gettext("Shadow"): models[1],
        },
        headline=tuple(finding.title for finding in section.findings),
        sections=(section,),
        origin={gettext("champion: model"): models[0], gettext("challenger: model"): models[1]},
    )


def live_summary(found: Randomised | Shadowed) -> Mapping[str, object]:
    """Every figure to its last digit, for machines."""
    if isinstance(found, Randomised):
        return {
            "champion": _arm(found.champion),
            "challenger": _arm(found.challenger),
            "more_approved": vars(found.more_approved),
            "fewer_bad": vars(found.fewer_bad),
            "p_split": found.p_split,
        }
    both = compare(found.champion, found.shadow, found.y)
    return {
        "models": list(found.models),
        "compared": both.n,
        "bad": both.n_bad,
        "without_outcome": found.n_both - both.n,
        "without_shadow": found.n_alone,
        "auc": vars(both.auc) | {"champion": both.champion.auc, "shadow": both.challenger.auc},
        "brier": vars(both.brier) | {"champion": both.champion.brier, "shadow": both.challenger.brier},
    }


def _arm(arm: Arm) -> dict[str, object]:
    return {
        "model": arm.model,
        "decided": len(arm),
        "approved": int(arm.approved.sum()),
        "with_outcome": int(arm.booked.sum()),
        "bad": arm.n_bad,
    }


def _randomised(found: Randomised) -> Section:
    fair = found.p_split >= ODD_SPLIT
    n = len(found.champion) + len(found.challenger)
    split = Finding(
        key="split",
        grade="good" if fair else "alarm",
        title=gettext("The split is as it was drawn.")
        if fair
        else gettext("The split is not as it was drawn: believe nothing below."),
        words=gettext("{challenger} of {n} went to the challenger, {share} should; {p_split}.").format(
            challenger=percent(len(found.challenger) / n),
            n=count(n, "application"),
            share=percent(found.share),
            p_split=p_value(found.p_split),
        ),
    )
    return Section(
        key="randomised",
        title=gettext("Each model on the applications drawn for it"),
        words=(
            gettext(
                "Which model decided an application was drawn by its id, so that both groups differ by chance alone. "
                "What was approved and how it went is what each model did. The outcome of those it declined is not "
                "known, and the two approve different applicants: their AUCs on what they approved are no comparison, "
                "and not given."
            ),
            gettext(
                "An approved application without an outcome yet is left out of the bad rate. Compare once both groups "
                "are old enough: a young loan has had no time to turn bad."
            ),
        ),
        findings=(
            split,
            _bad_rates(found.fewer_bad),
            _approval(found),
        ),
        tables=(_arms(found),),
    )


def _bad_rates(fewer_bad: Estimate) -> Finding:
    """The finding of a difference in bad rates, which is above 0 where the challenger's is lower."""
    if not fewer_bad.exists:
        return Finding(
            key="fewer_bad",
            grade="note",
            title=gettext("No bad rates to compare."),
            words=gettext("Too few outcomes are known."),
        )
    titles = (
        gettext("What the challenger approved turned bad less often, beyond chance."),
        gettext("What the challenger approved turned bad more often, beyond chance."),
        gettext("The two bad rates differ by no more than chance."),
    )
    grade, title = graded(fewer_bad.low, fewer_bad.high, titles)
    return Finding(key="fewer_bad", grade=grade, title=title, words=_points(fewer_bad, FEWER_BAD))


def _approval(found: Randomised) -> Finding:
    more = found.more_approved
    title = gettext("Both approved equally many, within chance.")
    if more.low > 0:
        title = gettext("The challenger approved more, beyond chance.")
    elif more.high < 0:
        title = gettext("The challenger approved fewer, beyond chance.")
    return Finding(key="more_approved", grade="note", title=title, words=_points(more, MORE_APPROVED))


FEWER_BAD = gettext_noop("Bad rate lower than the champion's by {value} points, 95 % interval {low} to {high}.")
MORE_APPROVED = gettext_noop(
    "Approval rate higher than the champion's by {value} points, 95 % interval {low} to {high}."
)


def _points(gain: Estimate, message: str) -> str:
    value, low, high = (signed(100 * one, 1) for one in (gain.value, gain.low, gain.high))
    return gettext(message).format(value=value, low=low, high=high)


def _arms(found: Randomised) -> Table:
    def pd_of(arm: Arm) -> Estimate:
        return mean(arm.pd[arm.booked]) if arm.booked.any() else Estimate(math.nan, math.nan, math.nan)

    rows = tuple(
        (
            name,
            arm.model,
            len(arm),
            interval(arm.approval),
            int(arm.booked.sum()),
            arm.n_bad,
            interval(arm.bad_rate),
            interval(pd_of(arm)),
        )
        for name, arm in ((gettext("Champion"), found.champion), (gettext("Challenger"), found.challenger))
    )
    return Table(
        key="arms",
        title=gettext("What each decided, and how it went"),
        columns=(
            Column(key="route", title=gettext("Route")),
            Column(key="model", title=gettext("Model")),
            Column(key="decided", title=gettext("Decided"), form="count"),
            Column(key="approved", title=gettext("Approved"), form="percent", digits=1),
            Column(key="known", title=gettext("Approved, with outcome"), form="count"),
            Column(key="bad", title=gettext("Bad"), form="count"),
            Column(key="bad_rate", title=gettext("Bad rate"), form="percent", digits=1),
            Column(key="mean_pd", title=gettext("Mean PD of these"), form="percent", digits=1),
        ),
        rows=rows,
    )


RANKS = (
    gettext_noop("The shadow ranks better, beyond chance."),
    gettext_noop("The shadow ranks worse, beyond chance."),
    gettext_noop("Neither ranks better beyond chance."),
)
ERRS = (
    gettext_noop("The shadow errs less, beyond chance."),
    gettext_noop("The shadow errs more, beyond chance."),
    gettext_noop("Neither errs less beyond chance."),
)


def _shadow_findings(both: Comparison) -> list[Finding]:
    """Whether the shadow ranks better and errs less."""
    findings = []
    for key, gain, what, titles in (
        ("auc", both.auc, "AUC", RANKS),
        ("brier", both.brier, gettext("Brier score lower by"), ERRS),
    ):
        grade, title = graded(gain.low, gain.high, titles)
        words = (
            f"{what} {signed(gain.difference, 4)}, {p_value(gain.p)}."
            if is_known(gain)
            else gettext("Too few outcomes are known.")
        )
        findings.append(Finding(key=key, grade=grade, title=gettext(title), words=words))
    return findings


def _shadowed(found: Shadowed) -> Section:
    both = compare(found.champion, found.shadow, found.y)
    sides = (
        (gettext("Champion"), found.models[0], both.champion),
        (gettext("Shadow"), found.models[1], both.challenger),
    )
    rows = tuple(
        (name, model, *(float(value) if np.isfinite(value) else None for value in (one.auc, one.brier)))
        for name, model, one in sides
    )
    columns = (
        Column(key="route", title=gettext("Route")),
        Column(key="model", title=gettext("Model")),
        Column(key="auc", title=gettext("AUC"), form="number", digits=4),
        Column(key="brier", title=gettext("Brier score"), form="number", digits=5),
    )
    return Section(
        key="shadow",
        title=gettext("Both models on the champion's applications"),
        words=(
            gettext(
                "{n} that both scored have an outcome, {n_bad} of them bad; {n_both} have none, and "
                "{n_alone} the champion alone scored."
            ).format(
                n=count(both.n, "application"),
                n_bad=number(both.n_bad),
                n_both=number(found.n_both - both.n),
                n_alone=number(found.n_alone),
            ),
            gettext(
                "Where outcomes are known only of what the champion approved, these figures flatter the shadow and the "
                "champion differently: the champion is judged on the part of the range that it chose itself. Randomise "
                "(--challenger) before a change of models hangs on it."
            ),
        ),
        findings=tuple(_shadow_findings(both)),
        tables=(Table(key="shadow", title=gettext("Figures on the same applications"), columns=columns, rows=rows),),
    )
