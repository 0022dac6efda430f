"""The report on what a service decided: a randomised comparison, or a shadow on the champion's applications."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date

import numpy as np

from experiments.compare.decisions import Arm, Randomised, Shadowed
from experiments.reporting.cells import interval
from experiments.reporting.document import Column, Document, Finding, Grade, Section, Table
from experiments.reporting.words import count, number, p_value, percent, signed
from fusion.validation.comparison import compare
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
        kicker="Champion and challenger compared in use",
        made_on=made_on,
        facts={"Champion": models[0], "Challenger" if isinstance(found, Randomised) else "Shadow": models[1]},
        headline=tuple(finding.title for finding in section.findings),
        sections=(section,),
        origin={"champion: model": models[0], "challenger: model": models[1]},
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
        title="The split is as it was drawn." if fair else "The split is not as it was drawn: believe nothing below.",
        words=f"{percent(len(found.challenger) / n)} of {count(n, 'application')} went to the challenger, "
        f"{percent(found.share)} should; {p_value(found.p_split)}.",
    )
    return Section(
        key="randomised",
        title="Each model on the applications drawn for it",
        words=(
            "Which model decided an application was drawn by its id, so that both groups differ by chance alone. What "
            "was approved and how it went is what each model did. The outcome of those it declined is not known, and "
            "the two approve different applicants: their AUCs on what they approved are no comparison, and not given.",
            "An approved application without an outcome yet is left out of the bad rate. Compare once both groups are "
            "old enough: a young loan has had no time to turn bad.",
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
            key="fewer_bad", grade="note", title="No bad rates to compare.", words="Too few outcomes are known."
        )
    grade: Grade = "good" if fewer_bad.low > 0 else "concern" if fewer_bad.high < 0 else "note"
    title = {
        "good": "What the challenger approved turned bad less often, beyond chance.",
        "concern": "What the challenger approved turned bad more often, beyond chance.",
        "note": "The two bad rates differ by no more than chance.",
    }[grade]
    return Finding(key="fewer_bad", grade=grade, title=title, words=_points(fewer_bad, "Bad rate", "lower"))


def _approval(found: Randomised) -> Finding:
    more = found.more_approved
    beyond = "more" if more.low > 0 else "fewer" if more.high < 0 else ""
    title = (
        f"The challenger approved {beyond}, beyond chance." if beyond else "Both approved equally many, within chance."
    )
    return Finding(key="more_approved", grade="note", title=title, words=_points(more, "Approval rate", "higher"))


def _points(gain: Estimate, what: str, where_positive: str) -> str:
    ends = f"{signed(100 * gain.low, 1)} to {signed(100 * gain.high, 1)}"
    return f"{what} {where_positive} than the champion's by {signed(100 * gain.value, 1)} points, 95 % interval {ends}."


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
        for name, arm in (("Champion", found.champion), ("Challenger", found.challenger))
    )
    return Table(
        key="arms",
        title="What each decided, and how it went",
        columns=(
            Column(key="route", title="Route"),
            Column(key="model", title="Model"),
            Column(key="decided", title="Decided", form="count"),
            Column(key="approved", title="Approved", form="percent", digits=1),
            Column(key="known", title="Approved, with outcome", form="count"),
            Column(key="bad", title="Bad", form="count"),
            Column(key="bad_rate", title="Bad rate", form="percent", digits=1),
            Column(key="mean_pd", title="Mean PD of these", form="percent", digits=1),
        ),
        rows=rows,
    )


def _shadowed(found: Shadowed) -> Section:
    both = compare(found.champion, found.shadow, found.y)
    findings = []
    for key, gain, better, what in (
        ("auc", both.auc, "ranks", "AUC"),
        ("brier", both.brier, "errs", "Brier score lower by"),
    ):
        known = not math.isnan(gain.p)
        up, down = ("better", "worse") if key == "auc" else ("less", "more")
        word = up if known and gain.low > 0 else down if known and gain.high < 0 else ""
        grade: Grade = "good" if word == up else "concern" if word else "note"
        title = f"The shadow {better} {word}, beyond chance." if word else f"Neither {better} {up} beyond chance."
        words = f"{what} {signed(gain.difference, 4)}, {p_value(gain.p)}." if known else "Too few outcomes are known."
        findings.append(Finding(key=key, grade=grade, title=title, words=words))
    sides = (("Champion", found.models[0], both.champion), ("Shadow", found.models[1], both.challenger))
    rows = tuple(
        (name, model, *(float(value) if np.isfinite(value) else None for value in (one.auc, one.brier)))
        for name, model, one in sides
    )
    columns = (
        Column(key="route", title="Route"),
        Column(key="model", title="Model"),
        Column(key="auc", title="AUC", form="number", digits=4),
        Column(key="brier", title="Brier score", form="number", digits=5),
    )
    return Section(
        key="shadow",
        title="Both models on the champion's applications",
        words=(
            f"{count(both.n, 'application')} that both scored have an outcome, {number(both.n_bad)} of them bad; "
            f"{number(found.n_both - both.n)} have none, and {number(found.n_alone)} the champion alone scored.",
            "Where outcomes are known only of what the champion approved, these figures flatter the shadow and the "
            "champion differently: the champion is judged on the part of the range that it chose itself. Randomise "
            "(--challenger) before a change of models hangs on it.",
        ),
        findings=tuple(findings),
        tables=(Table(key="shadow", title="Figures on the same applications", columns=columns, rows=rows),),
    )
