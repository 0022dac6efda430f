"""Tables and plots of the chapter on the policy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes

from experiments.reporting.cells import NUMBER, figure, interval
from experiments.reporting.charts import BLUE, INK, MUTED, RED, legend, percent_axis, picture
from experiments.reporting.document import Cell, Column, Gap, Plot, Row, Table
from experiments.validate.chapters.policy.figures import PolicyView, SegmentView
from fusion.policy.proposal import CONSTRAINTS, ConstraintName, ProposalSegment
from fusion.policy.simulation import Curve
from fusion.validation.intervals import mean_share, rate

NOBODY = "nobody is approved"
LIMIT_TITLES: dict[ConstraintName, str] = {
    "min_approval_rate": "Approval rate, at least",
    "max_bad_rate": "Bad rate of those approved, at most",
    "max_refer_rate": "Referred, at most",
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
            interval(mean_share(scored.pd[approved]), NOBODY),
            interval(view.bad_rate(segment), NOBODY),
        )

    return Table(
        key="policy_now",
        title="At the present cut-offs",
        note="“Approved” without a second look.",
        columns=(
            Column(key="segment", title="Rows"),
            Column(key="approve_up_to", title="Approve up to PD", form="percent", digits=1),
            Column(key="decline_above", title="Decline above PD", form="percent", digits=1),
            NUMBER,
            Column(key="approved", title="Approved", form="percent", digits=1),
            Column(key="referred", title="Referred", form="percent", digits=1),
            Column(key="declined", title="Declined", form="percent", digits=1),
            Column(key="mean_pd", title="Mean PD of the approved", form="percent", digits=1),
            Column(key="bad_rate", title="Bad rate of the approved", form="percent", digits=1),
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
        title="Why applications are referred",
        note=f"Of {n_referred:,} referred; one may have several reasons.",
        columns=(
            Column(key="reason", title="Reason"),
            NUMBER,
            Column(key="share", title="Of the referred", form="percent", digits=1),
        ),
        rows=tuple(
            (reason, n, n / n_referred)
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
            figure(point.expected_bad_rate[0], NOBODY),
            figure(point.bad_rate[0], NOBODY),
            figure(point.expected_loss[0] / point.n),
            figure(point.loss[0] / point.n),
            figure(point.expected_profit[0] / point.n),
            interval(view.profit(segment)),
        )

    return Table(
        key="policy_money",
        title="What the present cut-offs lose and earn",
        note="With the share of the referred that ends approved. Interval: 1,000 bootstrap draws of the applicants.",
        columns=(
            Column(key="segment", title="Rows"),
            Column(key="end_approved", title="Approved in the end", form="percent", digits=1),
            Column(key="expected_bad_rate", title="Expected bad rate of these", form="percent", digits=1),
            Column(key="bad_rate", title="Observed bad rate of these", form="percent", digits=1),
            Column(key="expected_loss", title="Expected loss per application", form="number", digits=digits),
            Column(key="loss", title="Observed loss per application", form="number", digits=digits),
            Column(key="expected_profit", title="Expected profit per application", form="signed", digits=digits),
            Column(key="profit", title="Observed profit per application", form="signed", digits=digits),
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
                    figure(point.expected_bad_rate[0], NOBODY),
                    figure(point.bad_rate[0], NOBODY),
                    figure(point.expected_profit[0] / point.n),
                    figure(point.profit[0] / point.n),
                )
            )
    return Table(
        key="policy_proposed",
        title="The cut-offs with the highest expected profit under the policy's constraints",
        note="Chosen by PDs and amounts, the outcomes unseen: of all combinations of cut-offs in steps of 0.1 "
        "percentage points the best. “Observed” is how these applicants then fared.",
        columns=(
            Column(key="segment", title="Rows"),
            Column(key="approve_up_to", title="Approve up to PD", form="percent", digits=1),
            Column(key="decline_above", title="Decline above PD", form="percent", digits=1),
            Column(key="end_approved", title="Approved in the end", form="percent", digits=1),
            Column(key="referred", title="Referred", form="percent", digits=1),
            Column(key="expected_bad_rate", title="Expected bad rate", form="percent", digits=1),
            Column(key="bad_rate", title="Observed bad rate", form="percent", digits=1),
            Column(key="expected_profit", title="Expected profit per application", form="signed", digits=digits),
            Column(key="profit", title="Observed profit per application", form="signed", digits=digits),
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
            rows.append((LIMIT_TITLES[limit], float(wanted), *_kept(view.present, limit), *_kept(then, limit)))
    if not rows:
        return None
    return Table(
        key="policy_limits",
        title="The policy's constraints",
        note="Expected and observed differ where PDs are concerned. The proposal keeps them as expected.",
        columns=(
            Column(key="constraint", title="Constraint"),
            Column(key="limit", title="Limit", form="percent", digits=1),
            Column(key="now_expected", title="Now, expected", form="percent", digits=1),
            Column(key="now_observed", title="Now, observed", form="percent", digits=1),
            Column(key="then_expected", title="Proposed, expected", form="percent", digits=1),
            Column(key="then_observed", title="Proposed, observed", form="percent", digits=1),
        ),
        rows=tuple(rows),
    )


def _kept(point: Curve | None, limit: ConstraintName) -> tuple[Cell, Cell]:
    """A constraint's figure, expected and observed."""
    if point is None:
        gap = Gap(gap="no proposal")
        return gap, gap
    if limit == "max_bad_rate":
        return figure(point.expected_bad_rate[0], NOBODY), figure(point.bad_rate[0], NOBODY)
    value = figure((point.approval_rate if limit == "min_approval_rate" else point.refer_rate)[0])
    return value, value


APPROVAL, PROFIT = "approval_and_bad_rate", "profit_by_cutoff"


def plots(view: PolicyView) -> list[Plot]:
    """What is drawn."""
    approval = Plot(
        key=APPROVAL,
        title="More approvals, more bads",
        words="One cut-off for all, nobody referred: the bad rate of those approved against how many are. Where the "
        "lines part, the PDs are off. The dot is the present policy's approvals without a second look.",
        alt="Bad rate of the approved, observed and expected, against the approval rate, with the present policy.",
        drawing=picture(lambda axes: _draw_approval(axes, view)),
    )
    profit = Plot(
        key=PROFIT,
        title="Profit by cut-off",
        words="One cut-off for all, nobody referred: profit per application if PDs up to it are approved. The upright "
        "lines are the present approve cut-offs.",
        alt="Profit per application, observed and expected, against the cut-off.",
        gap=f"It takes a profit: {view.why_no_money}." if view.why_no_money else "",
        drawing="" if view.why_no_money else picture(lambda axes: _draw_profit(axes, view)),
    )
    return [approval, profit]


def _draw_approval(axes: Axes, view: PolicyView) -> None:
    curve, whole = view.curve, view.segments[-1]
    axes.plot(curve.approval_rate, curve.expected_bad_rate, color=MUTED, linestyle="--", label="expected by the PDs")
    axes.plot(curve.approval_rate, curve.bad_rate, color=BLUE, linewidth=1.8, label="observed")
    now = view.bad_rate(whole)
    if now.exists:
        axes.plot([view.scored.approved.mean()], [now.value], "o", color=RED, label="the policy, observed")
    axes.set(xlabel="approved", ylabel="bad, of those approved", xlim=(0, 1))
    axes.set_ylim(bottom=0)
    percent_axis(axes.xaxis)
    percent_axis(axes.yaxis)
    legend(axes)


def _draw_profit(axes: Axes, view: PolicyView) -> None:
    curve = view.curve
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.plot(curve.cutoffs, curve.expected_profit / curve.n, color=MUTED, linestyle="--", label="expected by the PDs")
    axes.plot(curve.cutoffs, curve.profit / curve.n, color=BLUE, linewidth=1.8, label="observed")
    for segment in view.segments:
        if segment.limits:
            axes.axvline(segment.limits.approve, color=RED, linewidth=1)
    axes.set(xlabel="cut-off, PD", ylabel="profit per application")
    percent_axis(axes.xaxis)
    legend(axes)
