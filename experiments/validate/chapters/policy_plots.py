"""The pictures of the chapter on the policy."""

from __future__ import annotations

from matplotlib.axes import Axes

from experiments.reporting.charts import BLUE, INK, MUTED, RED, legend, percent_axis, picture
from experiments.reporting.document import Plot
from experiments.validate.chapters.policy_view import PolicyView

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
        axes.plot([view.judged.approved.mean()], [now.value], "o", color=RED, label="the policy, observed")
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
