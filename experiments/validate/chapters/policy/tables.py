"""Tables and plots of the chapter on the policy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes

from experiments.reporting.cells import NUMBER, figure, interval
from experiments.reporting.charts import BLUE, INK, MUTED, RED, legend, percent_axis, picture
from experiments.reporting.document import Cell, Column, Gap, Plot, Row, Table
from experiments.reporting.language import gettext, gettext_noop
from experiments.reporting.policies import entry_words
from experiments.validate.chapters.policy.figures import PolicyView, SegmentView
from fusion.policy.proposal import CONSTRAINTS, ConstraintName, ProposalSegment
from fusion.policy.simulation import Curve
from fusion.validation.intervals import mean_share, rate

NOBODY = gettext_noop("nobody is approved")
LIMIT_TITLES: dict[ConstraintName, str] = {
    "min_approval_rate": gettext_noop("Approval rate, at least"),
    "max_bad_rate": gettext_noop("Bad rate of those approved, at most"),
    "max_refer_rate": gettext_noop("Referred, at most"),
}


def tables(view: PolicyView) -> Iterator[Table]:
    """Those for which there are figures."""
    yield _now(view)
    if reasons := _refer_reasons(view):
        yield reasons
    if view.books:
        yield _money(view)
    if view.proposal:
        yield _proposed(view, (*view.proposal.parts, view.proposal.whole))
    if view.books and (limits := _limits(view)):
        yield limits


def _now(view: PolicyView) -> Table:
    scored = view.scored
    decisions = np.array(scored.decision, dtype=object)

    def row(segment: SegmentView) -> Row:
        rows, limits = segment.rows, segment.limits
        n, approved = int(rows.sum()), rows & scored.approved
        return (
            segment.title,
            limits.approve if limits else None,
            limits.decline if limits else None,
            n,
            *(interval(rate(int((decisions[rows] == one).sum()), n)) for one in ("approve", "refer", "decline")),
            interval(mean_share(scored.pd[approved]), gettext(NOBODY)),
            interval(view.bad_rate(segment), gettext(NOBODY)),
        )

    return Table(
        key="policy_now",
        title=gettext("At the present cut-offs"),
        note=gettext("“Approved” without a second look."),
        columns=(
            Column(key="segment", title=gettext("Rows")),
            Column(key="approve_up_to", title=gettext("Approve up to PD"), form="percent", digits=1),
            Column(key="decline_above", title=gettext("Decline above PD"), form="percent", digits=1),
            NUMBER,
            Column(key="approved", title=gettext("Approved"), form="percent", digits=1),
            Column(key="referred", title=gettext("Referred"), form="percent", digits=1),
            Column(key="declined", title=gettext("Declined"), form="percent", digits=1),
            Column(key="mean_pd", title=gettext("Mean PD of the approved"), form="percent", digits=1),
            Column(key="bad_rate", title=gettext("Bad rate of the approved"), form="percent", digits=1),
        ),
        rows=tuple(row(segment) for segment in view.segments),
    )


def _refer_reasons(view: PolicyView) -> Table | None:
    scored = view.scored
    found = scored.model.decide(scored.applications, scored.pd, scored.quality, scored.seconds)
    reasons_given = Counter(reason for reasons in found.refer_reason for reason in reasons.split(";") if reason)
    if not reasons_given:
        return None
    n_referred = int(found.rows_with("refer").sum())
    return Table(
        key="refer_reasons",
        title=gettext("Why applications are referred"),
        note=gettext("Of {n_referred:,} referred; one may have several reasons.").format(n_referred=n_referred),
        columns=(
            Column(key="reason", title=gettext("Reason")),
            NUMBER,
            Column(key="share", title=gettext("Of the referred"), form="percent", digits=1),
        ),
        rows=tuple(
            (entry_words(reason, scored.applications.schema), n, n / n_referred)
            for reason, n in sorted(reasons_given.items(), key=lambda one: (-one[1], one[0]))
        ),
    )


def _money(view: PolicyView) -> Table:
    digits = view.money_digits

    def row(segment: SegmentView) -> Row:
        point = view.point(segment)
        return (
            segment.title,
            figure(point.approval_rate[0]),
            figure(point.expected_bad_rate[0], gettext(NOBODY)),
            figure(point.bad_rate[0], gettext(NOBODY)),
            figure(point.expected_loss[0] / point.n),
            figure(point.loss[0] / point.n),
            figure(point.expected_profit[0] / point.n),
            interval(view.profit(segment)),
        )

    return Table(
        key="policy_money",
        title=gettext("What the present cut-offs lose and earn"),
        note=gettext(
            "With the share of the referred that ends approved. Interval: 1,000 bootstrap draws of the applicants."
        ),
        columns=(
            Column(key="segment", title=gettext("Rows")),
            Column(key="end_approved", title=gettext("Approved in the end"), form="percent", digits=1),
            Column(key="expected_bad_rate", title=gettext("Expected bad rate of these"), form="percent", digits=1),
            Column(key="bad_rate", title=gettext("Observed bad rate of these"), form="percent", digits=1),
            Column(key="expected_loss", title=gettext("Expected loss per application"), form="number", digits=digits),
            Column(key="loss", title=gettext("Observed loss per application"), form="number", digits=digits),
            Column(
                key="expected_profit", title=gettext("Expected profit per application"), form="signed", digits=digits
            ),
            Column(key="profit", title=gettext("Observed profit per application"), form="signed", digits=digits),
        ),
        rows=tuple(row(segment) for segment in view.segments),
    )


def _proposed(view: PolicyView, parts: tuple[ProposalSegment, ...]) -> Table:
    digits = view.money_digits
    titles = {segment.name: segment.title for segment in view.segments if segment.name is not None}
    rows: list[Row] = []
    for at, part in enumerate(parts):
        whole = at == len(parts) - 1
        if whole and len(parts) == 2:
            continue
        for when, limits, point in (("now", part.before, part.present), ("proposed", part.after, part.proposed)):
            name = view.segments[-1].title if whole else titles[part.segment]
            rows.append(
                (
                    f"{name}, {when}",
                    limits.approve if limits else None,
                    limits.decline if limits else None,
                    figure(point.approval_rate[0]),
                    figure(point.refer_rate[0]),
                    figure(point.expected_bad_rate[0], gettext(NOBODY)),
                    figure(point.bad_rate[0], gettext(NOBODY)),
                    figure(point.expected_profit[0] / point.n),
                    figure(point.profit[0] / point.n),
                )
            )
    return Table(
        key="policy_proposed",
        title=gettext("The cut-offs with the highest expected profit under the policy's constraints"),
        note=gettext(
            "Chosen by PDs and amounts, without the outcomes: of all combinations of cut-offs in steps of 0.1 "
            "percentage points the best. “Observed” is how these applicants then fared."
        ),
        columns=(
            Column(key="segment", title=gettext("Rows")),
            Column(key="approve_up_to", title=gettext("Approve up to PD"), form="percent", digits=1),
            Column(key="decline_above", title=gettext("Decline above PD"), form="percent", digits=1),
            Column(key="end_approved", title=gettext("Approved in the end"), form="percent", digits=1),
            Column(key="referred", title=gettext("Referred"), form="percent", digits=1),
            Column(key="expected_bad_rate", title=gettext("Expected bad rate"), form="percent", digits=1),
            Column(key="bad_rate", title=gettext("Observed bad rate"), form="percent", digits=1),
            Column(
                key="expected_profit", title=gettext("Expected profit per application"), form="signed", digits=digits
            ),
            Column(key="profit", title=gettext("Observed profit per application"), form="signed", digits=digits),
        ),
        rows=tuple(rows),
    )


def _limits(view: PolicyView) -> Table | None:
    constraints = view.scored.policy.constraints
    rows: list[Row] = []
    for limit in CONSTRAINTS:
        wanted = getattr(constraints, limit)
        if wanted is not None:
            then = view.proposal.whole.proposed if view.proposal else None
            rows.append((gettext(LIMIT_TITLES[limit]), float(wanted), *_kept(view.present, limit), *_kept(then, limit)))
    if not rows:
        return None
    return Table(
        key="policy_limits",
        title=gettext("The policy's constraints"),
        note=gettext("Expected and observed differ where PDs are concerned. The proposal keeps them as expected."),
        columns=(
            Column(key="constraint", title=gettext("Constraint")),
            Column(key="limit", title=gettext("Limit"), form="percent", digits=1),
            Column(key="now_expected", title=gettext("Now, expected"), form="percent", digits=1),
            Column(key="now_observed", title=gettext("Now, observed"), form="percent", digits=1),
            Column(key="then_expected", title=gettext("Proposed, expected"), form="percent", digits=1),
            Column(key="then_observed", title=gettext("Proposed, observed"), form="percent", digits=1),
        ),
        rows=tuple(rows),
    )


def _kept(point: Curve | None, limit: ConstraintName) -> tuple[Cell, Cell]:
    """A constraint's figure, expected and observed."""
    if point is None:
        gap = Gap(gap=gettext("no proposal"))
        return gap, gap
    if limit == "max_bad_rate":
        return figure(point.expected_bad_rate[0], gettext(NOBODY)), figure(point.bad_rate[0], gettext(NOBODY))
    value = figure((point.approval_rate if limit == "min_approval_rate" else point.refer_rate)[0])
    return value, value


APPROVAL, PROFIT = "approval_and_bad_rate", "profit_by_cutoff"


def plots(view: PolicyView) -> list[Plot]:
    """What is drawn."""
    approval = Plot(
        key=APPROVAL,
        title=gettext("More approvals, more bads"),
        words=gettext(
            "One cut-off for all, nobody referred: the bad rate of those approved against how many are. Where the "
            "lines part, the PDs are off. The dot is the present policy's approvals without a second look."
        ),
        alt=gettext(
            "Bad rate of the approved, observed and expected, against the approval rate, with the present policy."
        ),
        drawing=picture(lambda axes: _draw_approval(axes, view)),
    )
    profit = Plot(
        key=PROFIT,
        title=gettext("Profit by cut-off"),
        words=gettext(
            "One cut-off for all, nobody referred: profit per application if PDs up to it are approved. The upright "
            "lines are the present approve cut-offs."
        ),
        alt=gettext("Profit per application, observed and expected, against the cut-off."),
        gap=gettext("It takes a profit: {why_no_money}.").format(why_no_money=view.why_no_money)
        if view.why_no_money
        else "",
        drawing="" if view.why_no_money else picture(lambda axes: _draw_profit(axes, view)),
    )
    return [approval, profit]


def _draw_approval(axes: Axes, view: PolicyView) -> None:
    curve, whole = view.curve, view.segments[-1]
    axes.plot(
        curve.approval_rate, curve.expected_bad_rate, color=MUTED, linestyle="--", label=gettext("expected by the PDs")
    )
    axes.plot(curve.approval_rate, curve.bad_rate, color=BLUE, linewidth=1.8, label=gettext("observed"))
    now = view.bad_rate(whole)
    if now.exists:
        axes.plot([view.scored.approved.mean()], [now.value], "o", color=RED, label=gettext("the policy, observed"))
    axes.set(xlabel=gettext("approved"), ylabel=gettext("bad, of those approved"), xlim=(0, 1))
    axes.set_ylim(bottom=0)
    percent_axis(axes.xaxis)
    percent_axis(axes.yaxis)
    legend(axes)


def _draw_profit(axes: Axes, view: PolicyView) -> None:
    curve = view.curve
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.plot(
        curve.cutoffs,
        curve.expected_profit / curve.n,
        color=MUTED,
        linestyle="--",
        label=gettext("expected by the PDs"),
    )
    axes.plot(curve.cutoffs, curve.profit / curve.n, color=BLUE, linewidth=1.8, label=gettext("observed"))
    for segment in view.segments:
        if segment.limits:
            axes.axvline(segment.limits.approve, color=RED, linewidth=1)
    axes.set(xlabel=gettext("cut-off, PD"), ylabel=gettext("profit per application"))
    percent_axis(axes.xaxis)
    legend(axes)
